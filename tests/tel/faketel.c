/* SPDX-License-Identifier: BSD-3-Clause */
#include "faketel.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_telemetry.h>

enum { LIMIT = 16384, MAX_CMDS = 64 };

struct rte_tel_data {
	char json[LIMIT + 1];
	size_t len;
	int n, max; /* entries */
	char close;
};

static struct {
	const char *name;
	telemetry_cb fn;
} cmds[MAX_CMDS];
static int n_cmds;

static void die(const char *what)
{
	fprintf(stderr, "telemetry: %s\n", what);
	abort();
}

__attribute__((format(printf, 2, 3))) static void put(struct rte_tel_data *d, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(d->json + d->len, sizeof(d->json) - d->len, fmt, ap);
	va_end(ap);
	d->len += (size_t)n;
	if (d->len + 100 > LIMIT)
		die("an answer longer than 16 KB");
}

static void start(struct rte_tel_data *d, char open, char close, int max)
{
	*d = (struct rte_tel_data){ .close = close, .max = max };
	put(d, "%c", open);
}

/* Every command has a name and help; the same name twice is refused. */
int rte_telemetry_register_cmd(const char *cmd, telemetry_cb fn, const char *help)
{
	for (int i = 0; i < n_cmds; i++)
		if (strcmp(cmds[i].name, cmd) == 0)
			return -EEXIST;
	if (cmd[0] != '/' || strlen(cmd) >= 56 || strlen(help) >= 128)
		return -EINVAL;
	cmds[n_cmds].name = cmd;
	cmds[n_cmds++].fn = fn;
	return 0;
}

int rte_tel_data_start_dict(struct rte_tel_data *d)
{
	start(d, '{', '}', RTE_TEL_MAX_DICT_ENTRIES);
	return 0;
}

struct rte_tel_data *rte_tel_data_alloc(void)
{
	return calloc(1, sizeof(struct rte_tel_data));
}

void rte_tel_data_free(struct rte_tel_data *d)
{
	free(d);
}

static void entry(struct rte_tel_data *d, const char *name)
{
	if (d->n == d->max)
		die("too many entries");
	put(d, "%s", d->n++ > 0 ? "," : "");
	for (const char *p = name; *p != '\0'; p++)
		if (!isalnum((unsigned char)*p) && *p != '_' && *p != '/')
			die("a name of other than letters and digits");
	put(d, "\"%s\":", name);
}

int rte_tel_data_add_dict_u64(struct rte_tel_data *d, const char *name, uint64_t val)
{
	entry(d, name);
	put(d, "%llu", (unsigned long long)val);
	return 0;
}

int rte_tel_data_add_dict_string(struct rte_tel_data *d, const char *name, const char *val)
{
	if (strlen(val) >= RTE_TEL_MAX_STRING_LEN)
		die("a string that is too long");
	entry(d, name);
	put(d, "\"%s\"", val);
	return 0;
}

int rte_tel_data_add_dict_container(struct rte_tel_data *d, const char *name,
				    struct rte_tel_data *val, int keep)
{
	entry(d, name);
	put(d, "%s%c", val->json, val->close);
	if (!keep)
		free(val);
	return 0;
}

char *faketel_call(const char *cmd, const char *params)
{
	struct rte_tel_data d = { .len = 0 };

	for (int i = 0; i < n_cmds; i++) {
		if (strcmp(cmds[i].name, cmd) != 0)
			continue;
		if (cmds[i].fn(cmd, params, &d) < 0)
			return NULL;
		put(&d, "%c", d.close);
		return strdup(d.json);
	}
	return NULL;
}

int faketel_id(const char **from, unsigned long long *out)
{
	for (const char *p = *from; (p = strchr(p, '"')) != NULL; p++) {
		char *end;

		*out = strtoull(p + 1, &end, 10);
		if (end == p + 1 || strncmp(end, "\":{", 3) != 0)
			continue;
		*from = end;
		return true;
	}
	return false;
}

int faketel_u64(const char **from, const char *name, unsigned long long *out)
{
	char key[80];
	const char *p;

	snprintf(key, sizeof(key), "\"%s\":", name);
	p = strstr(*from, key);
	if (p == NULL)
		return false;
	*out = strtoull(p + strlen(key), NULL, 10);
	*from = p + strlen(key);
	return true;
}

int faketel_count(const char *json, const char *text)
{
	int n = 0;

	for (const char *p = json; (p = strstr(p, text)) != NULL; p += strlen(text))
		n++;
	return n;
}
