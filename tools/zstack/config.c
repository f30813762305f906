/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * zstack config check FILE: what the library makes of each line of a configuration, by the
 * library's own reader. Exit status 1 when a program would not start with it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/zs_conf.h"

struct print {
	const char *file;
	bool json;
	int n, count[ZS_CONF_WRONG + 1];
};

static const char *const verdict_name[] = {
	[ZS_CONF_USED] = "used",
	[ZS_CONF_UNUSED] = "no effect",
	[ZS_CONF_UNKNOWN] = "unknown",
	[ZS_CONF_WRONG] = "wrong",
};

static void put_string(const char *s)
{
	putchar('"');
	for (; *s != '\0'; s++) {
		if (*s == '"' || *s == '\\')
			printf("\\%c", *s);
		else if ((unsigned char)*s < ' ')
			printf("\\u%04x", (unsigned)*s);
		else
			putchar(*s);
	}
	putchar('"');
}

static void put_field(const char *name, const char *value, const char *end)
{
	printf("\"%s\": ", name);
	if (value != NULL)
		put_string(value);
	else
		printf("null");
	printf("%s", end);
}

static void print_json(struct print *p, const struct zs_conf_line *l)
{
	printf("%s\n  {\"line\": %d, ", p->n > 0 ? "," : "", l->line);
	put_field("section", l->section, ", ");
	put_field("key", l->key, ", ");
	put_field("value", l->value, ", ");
	put_field("verdict", verdict_name[l->verdict], ", ");
	put_field("why", l->why, "}");
}

static void print_text(const struct zs_conf_line *l)
{
	const char *why = l->why;

	if (why == NULL && l->verdict == ZS_CONF_UNKNOWN)
		why = "neither F-Stack's nor ours: is it spelled right?";
	printf("%4d  %-9s  [%s] %s = %s", l->line, verdict_name[l->verdict], l->section, l->key,
	       l->value);
	if (why != NULL)
		printf("\n                 %s", why);
	printf("\n");
}

static void on_line(void *arg, const struct zs_conf_line *l)
{
	struct print *p = arg;

	if (p->json)
		print_json(p, l);
	else if (l->verdict != ZS_CONF_WRONG)
		print_text(l);
	p->n++;
	p->count[l->verdict]++;
}

static int check(struct print *p)
{
	struct zs_conf conf;
	int rc;

	if (p->json)
		printf("{\"lines\": [");
	rc = zs_conf_check(&conf, p->file, on_line, p);
	if (p->json) {
		printf("\n], ");
		put_field("error", rc < 0 ? conf.err : NULL, "}\n");
	} else if (rc < 0) {
		printf("%s\n", conf.err);
	} else {
		printf("%s: a program starts with it; of %d keys %d are used, %d have no effect, "
		       "%d are unknown\n",
		       p->file, p->n, p->count[ZS_CONF_USED], p->count[ZS_CONF_UNUSED],
		       p->count[ZS_CONF_UNKNOWN]);
	}
	zs_conf_free(&conf);
	return rc < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	struct print p = { 0 };
	int i = 1;

	if (i < argc && strcmp(argv[i], "check") == 0)
		i++;
	for (; i < argc; i++) {
		if (strcmp(argv[i], "--json") == 0)
			p.json = true;
		else if (argv[i][0] != '-' && p.file == NULL)
			p.file = argv[i];
		else
			p.file = NULL, i = argc;
	}
	if (p.file == NULL) {
		fputs("usage: zstack config check [--json] FILE\n", stderr);
		return 2;
	}
	return check(&p);
}
