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

enum { CMDLINE_MAX = 1 << 20, LINE_MAX_LEN = 1024 };

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

/* The tool takes several scripts and makes an instance for each, one after the other: which one it
 * is now. Their names end in .pkt; else it is the last word. */
static const char *running_script(const char *text, size_t n)
{
	static unsigned instances;
	const char *script = NULL;
	unsigned seen = 0;

	for (size_t i = 0; i < n; i += strlen(text + i) + 1) {
		const char *word = text + i;
		size_t len = strlen(word);
		bool named = word[0] != '-' && len > 4 && strcmp(word + len - 4, ".pkt") == 0;

		if (seen <= instances && (named || seen == 0))
			script = word;
		seen += named;
	}
	instances++;
	return script;
}

/* Of the command line, where the value may be the next word. */
static void take_word(struct pd *p, const char *word, const char *next)
{
	char both[128];
	int n;

	if (strncmp(word, "--", 2) == 0 && strchr(word, '=') == NULL && next != NULL) {
		n = snprintf(both, sizeof(both), "%s=%s", word, next);
		if (n > 0 && (size_t)n < sizeof(both))
			word = both;
	}
	take_option(p, word);
}

/* The words of the tool's command line, a zero behind each; the caller frees them. */
static char *read_cmdline(size_t *n)
{
	char *text = calloc(1, CMDLINE_MAX + 1);
	FILE *f = fopen("/proc/self/cmdline", "r");

	if (text == NULL)
		abort();
	*n = 0;
	if (f != NULL) {
		*n = fread(text, 1, CMDLINE_MAX, f);
		fclose(f);
	}
	return text;
}

static void read_tool(struct pd *p)
{
	const char *script;
	size_t n, next;
	char *text = read_cmdline(&n);

	script = running_script(text, n);
	if (script != NULL)
		read_script(p, script);
	for (size_t i = 0; i < n; i = next) {
		next = i + strlen(text + i) + 1;
		take_word(p, text + i, next < n ? text + next : NULL);
	}
	free(text);
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
