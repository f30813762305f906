/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The argument vector for rte_eal_init(), put together from several sources of different strength.
 * Knows how EAL's options are written and which exclude each other; knows nothing of EAL itself.
 */
#ifndef ZS_EAL_ARGS_H
#define ZS_EAL_ARGS_H

#include <stdbool.h>

/* Sources, weakest first. */
enum zs_arg_level { ZS_ARG_DEFAULT, ZS_ARG_CONFIG, ZS_ARG_ARGV, ZS_ARG_STRING, ZS_ARG_ENV };

enum { ZS_MAX_EAL_ARGS = 128, ZS_MAX_EAL_TEXT = 8192 };

/* One option; its value is in the same word ("--vdev=x", "-l0") or the next. */
struct zs_eal_opt {
	const char *word, *value; /* value NULL when there is none or it is part of word */
	const char *key;	  /* canonical name: alternatives share one */
	int level;		  /* enum zs_arg_level */
};

struct zs_eal_args {
	struct zs_eal_opt opt[ZS_MAX_EAL_ARGS];
	int n;
	char text[ZS_MAX_EAL_TEXT]; /* the words */
	int n_text;
	char *argv[2 * ZS_MAX_EAL_ARGS + 2];
	int argc;
	char error[256]; /* why the last call failed */
};

void zs_eal_args_init(struct zs_eal_args *a);

/*
 * Adds the words of one source; sources may come in any order. -EINVAL: not options, a missing
 * value, an open quote; -E2BIG: too many. a->error says it in words.
 */
int zs_eal_args_words(struct zs_eal_args *a, int level, const char *const *words, int n);
/* The same for text, split as sh does: blanks, 'quotes', "quotes", backslash. NULL = none. */
int zs_eal_args_text(struct zs_eal_args *a, int level, const char *text);
/* The same for one option; value may be NULL. */
int zs_eal_args_add(struct zs_eal_args *a, int level, const char *word, const char *value);

/* True when this option ("--vdev", "-l") is given and not replaced so far. */
/* Forgets an option, whoever gave it. */
void zs_eal_args_drop(struct zs_eal_args *a, const char *name);
/* The value of an option that counts; NULL: not given, or without one. */
const char *zs_eal_args_value(const struct zs_eal_args *a, const char *name);
bool zs_eal_args_has(const struct zs_eal_args *a, const char *name);
/* True when any source names a device to use: --vdev, -a, --allow. */
bool zs_eal_args_has_device(const struct zs_eal_args *a);

/* Writes a->argv and a->argc: weakest source first, what is replaced left out. */
void zs_eal_args_finish(struct zs_eal_args *a, const char *prog);

#endif
