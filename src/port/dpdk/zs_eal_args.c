/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * EAL arguments: splitting, precedence, alternatives. getopt as EAL uses it takes the last of two
 * equal options in most cases, but refuses two core lists or -m beside --socket-mem, and adds up
 * devices; so what is replaced must go.
 */
#include "port/dpdk/zs_eal_args.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* Options that need a value, or share a key with another. Key NULL: the name itself. */
struct known {
	const char *name, *key;
	bool value;
};

static const char key_cores[] = "cores", key_mem[] = "mem", key_huge[] = "huge";
/* Bonds are made of devices, and stay when these are replaced. */
static const char key_bonds[] = "bonds";
static const char key_devices[] = "devices", key_block[] = "block", key_drivers[] = "drivers";

static const struct known known[] = {
	{ "-c", key_cores, true },
	{ "-l", key_cores, true },
	{ "--lcores", key_cores, true },
	{ "-m", key_mem, true },
	{ "--socket-mem", key_mem, true },
	{ "--no-huge", key_huge, false },
	{ "--in-memory", key_huge, false },
	{ "--huge-unlink", key_huge, false },
	{ "--vdev", key_devices, true },
	{ "-a", key_devices, true },
	{ "--allow", key_devices, true },
	{ "-b", key_block, true },
	{ "--block", key_block, true },
	{ "-d", key_drivers, true },
	{ "-s", NULL, true },
	{ "-S", NULL, true },
	{ "-n", NULL, true },
	{ "-r", NULL, true },
	{ "--base-virtaddr", NULL, true },
	{ "--file-prefix", NULL, true },
	{ "--force-max-simd-bitwidth", NULL, true },
	{ "--huge-dir", NULL, true },
	{ "--iova-mode", NULL, true },
	{ "--log-level", NULL, true },
	{ "--main-lcore", NULL, true },
	{ "--mbuf-pool-ops-name", NULL, true },
	{ "--proc-type", NULL, true },
	{ "--socket-limit", NULL, true },
	{ "--syslog", NULL, true },
	{ "--trace-bufsz", NULL, true },
	{ "--trace-dir", NULL, true },
	{ "--trace-mode", NULL, true },
	{ "--vfio-intr", NULL, true },
	{ "--vfio-vf-token", NULL, true },
};

__attribute__((format(printf, 3, 4))) static int fail(struct zs_eal_args *a, int rc,
						      const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(a->error, sizeof(a->error), fmt, ap);
	va_end(ap);
	return rc;
}

/* Length of the option's name in word: "--vdev=x" 6, "-l0" 2. */
static size_t name_len(const char *word)
{
	return strncmp(word, "--", 2) == 0 ? strcspn(word, "=") : 2;
}

static bool names(const char *word, const char *name)
{
	return strlen(name) == name_len(word) && strncmp(word, name, strlen(name)) == 0;
}

static const struct known *find_known(const char *word)
{
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (names(word, known[i].name))
			return &known[i];
	return NULL;
}

/* All of these may be given several times by one source. */
static bool is_repeatable(const struct zs_eal_opt *o)
{
	return o->key == key_devices || o->key == key_bonds || o->key == key_block ||
	       o->key == key_drivers || names(o->word, "--log-level");
}

/* Same thing said twice? */
static bool same_key(const struct zs_eal_opt *x, const struct zs_eal_opt *y)
{
	if (x->key != NULL || y->key != NULL)
		return x->key == y->key;
	return name_len(x->word) == name_len(y->word) &&
	       strncmp(x->word, y->word, name_len(x->word)) == 0;
}

/* y comes from a stronger source, or later from the same. */
static bool is_stronger(const struct zs_eal_opt *y, const struct zs_eal_opt *x)
{
	return y->level != x->level ? y->level > x->level : y > x;
}

static bool replaces(const struct zs_eal_opt *y, const struct zs_eal_opt *x)
{
	if (!same_key(x, y) || !is_stronger(y, x))
		return false;
	if (!is_repeatable(x))
		return true;
	return x->key == key_devices && y->level > x->level;
}

static const char *keep(struct zs_eal_args *a, const char *word)
{
	size_t len = strlen(word) + 1;
	char *p = a->text + a->n_text;

	if (len > sizeof(a->text) - (size_t)a->n_text)
		return NULL;
	memcpy(p, word, len);
	a->n_text += (int)len;
	return p;
}

void zs_eal_args_init(struct zs_eal_args *a)
{
	memset(a, 0, sizeof(*a));
}

static const char *key_of(const char *word, const char *value)
{
	const struct known *k = find_known(word);

	if (value == NULL && word[name_len(word)] == '=')
		value = word + name_len(word) + 1;
	if (k != NULL && k->key == key_devices && value != NULL &&
	    (strncmp(value, "net_bonding", 11) == 0 || strncmp(value, "eth_bond", 8) == 0))
		return key_bonds;
	return k != NULL ? k->key : NULL;
}

int zs_eal_args_add(struct zs_eal_args *a, int level, const char *word, const char *value)
{
	struct zs_eal_opt *o = &a->opt[a->n];

	if (a->n == ZS_MAX_EAL_ARGS)
		return fail(a, -E2BIG, "more than %d EAL arguments", ZS_MAX_EAL_ARGS);
	*o = (struct zs_eal_opt){
		.word = keep(a, word),
		.value = value != NULL ? keep(a, value) : NULL,
		.key = key_of(word, value),
		.level = level,
	};
	if (o->word == NULL || (value != NULL && o->value == NULL))
		return fail(a, -E2BIG, "EAL arguments longer than %d bytes", ZS_MAX_EAL_TEXT);
	a->n++;
	return 0;
}

static bool wants_next(const char *word)
{
	const struct known *k = find_known(word);

	return k != NULL && k->value && word[name_len(word)] == '\0';
}

int zs_eal_args_words(struct zs_eal_args *a, int level, const char *const *words, int n)
{
	for (int i = 0; i < n; i++) {
		const char *word = words[i], *value = NULL;
		int rc;

		if (word[0] != '-' || word[1] == '\0' || strcmp(word, "--") == 0)
			return fail(a, -EINVAL, "'%.80s' is not an EAL option", word);
		if (wants_next(word)) {
			if (i + 1 == n)
				return fail(a, -EINVAL, "EAL option %.80s needs a value", word);
			value = words[++i];
		}
		rc = zs_eal_args_add(a, level, word, value);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* Copies one word from *in to out, quotes removed. False when a quote is not closed. */
static bool unquote(const char **in, char *out)
{
	const char *p = *in;
	char quote = '\0';

	for (; *p != '\0' && (quote != '\0' || strchr(" \t\r\n", *p) == NULL); p++) {
		if (quote != '\0' && *p == quote)
			quote = '\0';
		else if (quote == '\0' && (*p == '\'' || *p == '"'))
			quote = *p;
		else if (*p == '\\' && quote != '\'' && p[1] != '\0')
			*out++ = *++p;
		else
			*out++ = *p;
	}
	*out = '\0';
	*in = p;
	return quote == '\0';
}

int zs_eal_args_text(struct zs_eal_args *a, int level, const char *text)
{
	const char *words[2 * ZS_MAX_EAL_ARGS];
	char buf[ZS_MAX_EAL_TEXT];
	char *out = buf;
	int n = 0;

	if (text == NULL)
		return 0;
	if (strlen(text) >= sizeof(buf))
		return fail(a, -E2BIG, "EAL arguments longer than %d bytes", ZS_MAX_EAL_TEXT);
	for (;;) {
		text += strspn(text, " \t\r\n");
		if (*text == '\0')
			return zs_eal_args_words(a, level, words, n);
		if (n == 2 * ZS_MAX_EAL_ARGS)
			return fail(a, -E2BIG, "more than %d EAL arguments", ZS_MAX_EAL_ARGS);
		words[n++] = out;
		if (!unquote(&text, out))
			return fail(a, -EINVAL, "quote not closed in EAL arguments: %.80s", out);
		out += strlen(out) + 1;
	}
}

static bool is_replaced(const struct zs_eal_args *a, const struct zs_eal_opt *o)
{
	for (int i = 0; i < a->n; i++)
		if (replaces(&a->opt[i], o))
			return true;
	return false;
}

bool zs_eal_args_has(const struct zs_eal_args *a, const char *name)
{
	for (int i = 0; i < a->n; i++)
		if (names(a->opt[i].word, name) && !is_replaced(a, &a->opt[i]))
			return true;
	return false;
}

const char *zs_eal_args_value(const struct zs_eal_args *a, const char *name)
{
	for (int i = 0; i < a->n; i++) {
		const struct zs_eal_opt *o = &a->opt[i];

		if (!names(o->word, name) || is_replaced(a, o))
			continue;
		if (o->value != NULL)
			return o->value;
		return o->word[name_len(o->word)] == '=' ? strchr(o->word, '=') + 1 : NULL;
	}
	return NULL;
}

void zs_eal_args_drop(struct zs_eal_args *a, const char *name)
{
	int kept = 0;

	for (int i = 0; i < a->n; i++)
		if (!names(a->opt[i].word, name))
			a->opt[kept++] = a->opt[i];
	a->n = kept;
}

bool zs_eal_args_has_device(const struct zs_eal_args *a)
{
	for (int i = 0; i < a->n; i++)
		if (a->opt[i].key == key_devices || a->opt[i].key == key_bonds)
			return true;
	return false;
}

static void emit(struct zs_eal_args *a, int level, bool bonds)
{
	for (int i = 0; i < a->n; i++) {
		const struct zs_eal_opt *o = &a->opt[i];

		if (o->level != level || (o->key == key_bonds) != bonds || is_replaced(a, o))
			continue;
		a->argv[a->argc++] = (char *)(uintptr_t)o->word;
		if (o->value != NULL)
			a->argv[a->argc++] = (char *)(uintptr_t)o->value;
	}
}

/* Ports are numbered as their devices are named: bonds behind what they are made of. */
void zs_eal_args_finish(struct zs_eal_args *a, const char *prog)
{
	a->argc = 0;
	a->argv[a->argc++] = (char *)(uintptr_t)prog;
	for (int level = ZS_ARG_DEFAULT; level <= ZS_ARG_ENV; level++)
		emit(a, level, false);
	for (int level = ZS_ARG_DEFAULT; level <= ZS_ARG_ENV; level++)
		emit(a, level, true);
	a->argv[a->argc] = NULL;
}
