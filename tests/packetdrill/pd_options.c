/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which addresses, MTU and segment size the tool takes for ours. It does not tell a plug-in, but it
 * says so in its command line and at the head of the script, --name=value each; the command line
 * overrules the script, and the plug-in's own flags overrule both: ip=ADDRESS,mtu=BYTES.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pd.h"

enum { CMDLINE_MAX = 16384, LINE_MAX_LEN = 1024 };

static void set_address(struct pd *p, const char *text)
{
	char addr[64];

	snprintf(addr, sizeof(addr), "%.*s", (int)strcspn(text, "/ \t\r\n"), text);
	if (inet_pton(AF_INET, addr, &p->local_be) != 1)
		(void)inet_pton(AF_INET6, addr, &p->local6);
}

static void set_mtu(struct pd *p, const char *text)
{
	long v = strtol(text, NULL, 10);

	if (v >= 68 && v <= UINT16_MAX)
		p->mtu = (uint16_t)v;
}

/* Segments of what the tool gives in one piece, as a device that merges them would. */
static void set_mss(struct pd *p, const char *text)
{
	long v = strtol(text, NULL, 10);

	if (v > 0 && v <= UINT16_MAX)
		p->mss = (uint16_t)v;
}

/* A word of the tool's, or of a script. */
static void take_option(struct pd *p, const char *word)
{
	if (strncmp(word, "--local_ip=", 11) == 0)
		set_address(p, word + 11);
	else if (strncmp(word, "--mtu=", 6) == 0)
		set_mtu(p, word + 6);
	else if (strncmp(word, "--mss=", 6) == 0)
		set_mss(p, word + 6);
}

/* Several options may share a line. */
static void read_script(struct pd *p, const char *path)
{
	char line[LINE_MAX_LEN];
	FILE *f = fopen(path, "r");

	if (f == NULL)
		return;
	while (fgets(line, sizeof(line), f) != NULL) {
		char *rest = line + strspn(line, " \t"), *word;

		if (strncmp(rest, "--", 2) != 0)
			continue;
		while ((word = strsep(&rest, " \t\r\n")) != NULL)
			take_option(p, word);
	}
	fclose(f);
}

static void read_tool(struct pd *p)
{
	char text[CMDLINE_MAX + 1];
	FILE *f = fopen("/proc/self/cmdline", "r");
	const char *script = NULL;
	size_t n = 0;

	if (f != NULL) {
		n = fread(text, 1, CMDLINE_MAX, f);
		fclose(f);
	}
	text[n] = '\0';
	for (size_t i = 0; i < n; i += strlen(text + i) + 1)
		script = text + i;
	if (script != NULL && script != text && script[0] != '-')
		read_script(p, script);
	for (size_t i = 0; i < n; i += strlen(text + i) + 1)
		take_option(p, text + i);
}

void pd_options(struct pd *p, const char *flags)
{
	char *copy = strdup(flags != NULL ? flags : ""), *rest = copy, *word;

	if (copy == NULL)
		abort();
	p->mtu = 1500;
	p->local_be = htonl(0xc0a80001);
	(void)inet_pton(AF_INET6, "fd00::1", &p->local6);
	read_tool(p);
	while ((word = strsep(&rest, ",")) != NULL) {
		if (strncmp(word, "ip=", 3) == 0)
			set_address(p, word + 3);
		else if (strncmp(word, "mtu=", 4) == 0)
			set_mtu(p, word + 4);
	}
	free(copy);
}
