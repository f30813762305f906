/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The configuration: F-Stack's config.ini ([dpdk], [portN], [vdevN], [freebsd.boot],
 * [freebsd.sysctl]) and [stack] for what F-Stack has no key for. What is left out keeps its
 * default; what has no effect here is named once; a wrong value ends the reading with "file:line:
 * reason".
 */
#ifndef ZS_CONF_H
#define ZS_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "port/dpdk/zs_dpdk.h"

enum { ZS_CONF_ERR = 256, ZS_CONF_NOTE = 2048, ZS_CONF_EAL_ARGS = 64 };

struct zs_conf_str;

struct zs_conf {
	struct zs_dpdk_config dpdk; /* for zs_dpdk_init(); its pointers live as long as this */
	int fd_base;
	uint32_t max_fds;
	const char *file;	 /* NULL: none */
	char err[ZS_CONF_ERR];	 /* why it failed, no newline */
	char note[ZS_CONF_NOTE]; /* keys without effect, "" for none */

	const char *eal_argv[ZS_CONF_EAL_ARGS];
	struct zs_conf_str *strings;
};

/* What ff_init() finds in argv. */
struct zs_conf_args {
	const char *file;      /* --conf, -c; NULL = not given */
	const char *proc_type; /* --proc-type, -t; NULL = not given */
	uint16_t proc_id;      /* --proc-id, -p */
	bool has_proc_id;
};

/* -EINVAL with err written ("--proc-id: ..."). */
int zs_conf_args(int argc, char *const argv[], struct zs_conf_args *args, char *err);

/* ---- line by line ---- */

enum zs_conf_verdict {
	ZS_CONF_USED,
	ZS_CONF_UNUSED,	 /* known, and without effect here */
	ZS_CONF_UNKNOWN, /* misspelled? */
	ZS_CONF_WRONG,	 /* ends the reading */
};

struct zs_conf_line {
	int line;
	const char *section, *key, *value;
	enum zs_conf_verdict verdict;
	const char *why; /* may be NULL */
};

typedef void (*zs_conf_line_fn)(void *arg, const struct zs_conf_line *line);

/* Reads a file as zs_conf_load() does, and tells of each key. */
int zs_conf_check(struct zs_conf *conf, const char *file, zs_conf_line_fn fn, void *arg);

/*
 * Defaults, then the file (NULL: none). 0, or -EINVAL, -ENOENT with conf->err written. Free with
 * zs_conf_free() in any case.
 */
int zs_conf_load(struct zs_conf *conf, const char *file, const struct zs_conf_args *args);
void zs_conf_free(struct zs_conf *conf);

#endif
