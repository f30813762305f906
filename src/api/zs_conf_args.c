/* SPDX-License-Identifier: BSD-3-Clause */
/* What the command line says: which file, and which process this is of how many. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "api/zs_conf_priv.h"

/*
 * Value of option i, "--name=X", "--name X" or "-l X"; NULL when argv[i] is something else. "" when
 * the value is missing.
 */
static const char *option(int argc, char *const argv[], int *i, const char *name, char letter)
{
	const char *arg = argv[*i];
	size_t len = strlen(name);

	if (strncmp(arg, "--", 2) == 0 && strncmp(arg + 2, name, len) == 0) {
		if (arg[2 + len] == '=')
			return arg + 3 + len;
		if (arg[2 + len] != '\0')
			return NULL;
	} else if (arg[0] != '-' || arg[1] != letter || arg[2] != '\0') {
		return NULL;
	}
	if (*i + 1 >= argc || argv[*i + 1] == NULL)
		return "";
	return argv[++*i];
}

static int get_proc_id(struct zs_conf_args *args, const char *value, char *err)
{
	char *end;
	long n = strtol(value, &end, 10);

	if (*value == '\0' || *end != '\0' || n < 0 || n >= ZS_MAX_LCORES) {
		snprintf(err, ZS_CONF_ERR, "--proc-id: '%s' is not a process number", value);
		return -EINVAL;
	}
	args->proc_id = (uint16_t)n;
	args->has_proc_id = true;
	return 0;
}

static int check_proc_type(const struct zs_conf_args *args, char *err)
{
	const char *type = args->proc_type;
	bool first = args->proc_id == 0;

	if (type == NULL || strcmp(type, "auto") == 0 ||
	    (args->has_proc_id && strcmp(type, first ? "primary" : "secondary") == 0) ||
	    (!args->has_proc_id && strcmp(type, "primary") == 0))
		return 0;
	if (strcmp(type, "primary") != 0 && strcmp(type, "secondary") != 0)
		snprintf(err, ZS_CONF_ERR,
			 "--proc-type: '%s' is neither primary nor secondary nor auto", type);
	else if (!args->has_proc_id)
		snprintf(err, ZS_CONF_ERR, "--proc-type=secondary without --proc-id");
	else
		snprintf(err, ZS_CONF_ERR,
			 "--proc-type=%s --proc-id=%u: the primary process is number 0, all others "
			 "are secondary",
			 type, args->proc_id);
	return -EINVAL;
}

int zs_conf_args(int argc, char *const argv[], struct zs_conf_args *args, char *err)
{
	*args = (struct zs_conf_args){ 0 };
	for (int i = 1; i < argc && argv[i] != NULL && strcmp(argv[i], "--") != 0; i++) {
		const char *v;

		if ((v = option(argc, argv, &i, "conf", 'c')) != NULL)
			args->file = v;
		else if ((v = option(argc, argv, &i, "proc-type", 't')) != NULL)
			args->proc_type = v;
		else if ((v = option(argc, argv, &i, "proc-id", 'p')) != NULL &&
			 get_proc_id(args, v, err) < 0)
			return -EINVAL;
	}
	if (args->file != NULL && *args->file == '\0') {
		snprintf(err, ZS_CONF_ERR, "--conf: no file is named");
		return -EINVAL;
	}
	return check_proc_type(args, err);
}

/*
 * Who says which process this is, wants one for each CPU, as F-Stack starts them; else they are
 * threads. With one CPU there is no difference.
 */
bool zs_conf_finish_procs(struct zs_conf_raw *raw, const struct zs_conf_args *args)
{
	struct zs_dpdk_config *d = &raw->conf->dpdk;
	int n = __builtin_popcountll(d->lcore_mask);

	if (args->proc_id > 0 && args->proc_id >= n)
		return zs_conf_fail(raw, raw->lcore_mask_line,
				    "lcore_mask names the CPUs of all processes, %d: none for "
				    "--proc-id=%u",
				    n, args->proc_id);
	d->procs = n > 1 && (args->has_proc_id ||
			     (args->proc_type != NULL && strcmp(args->proc_type, "auto") != 0));
	d->proc_id = args->proc_id;
	return true;
}
