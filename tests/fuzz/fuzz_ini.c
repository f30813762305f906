/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Fuzz target: config.ini. The input is the file. It is read, or refused with a reason that names
 * the file; reading it again says the same, and nothing is left allocated.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "api/zs_conf.h"
#include "fuzz.h"

static void count(void *arg, const struct zs_conf_line *line)
{
	check(line->section != NULL && line->key != NULL && line->value != NULL && line->line > 0);
	++*(unsigned *)arg;
}

static void whole(const struct zs_conf *conf, int rc, const char *file)
{
	check(memchr(conf->err, 0, sizeof(conf->err)) != NULL);
	check(memchr(conf->note, 0, sizeof(conf->note)) != NULL);
	if (rc < 0) {
		check(rc == -EINVAL && strncmp(conf->err, file, strlen(file)) == 0);
		return;
	}
	check(conf->dpdk.n_eal_argv <= ZS_CONF_EAL_ARGS);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct zs_conf_args none;
	int fd = memfd_create("ini", 0), rc;
	struct zs_conf conf;
	unsigned lines = 0;
	char file[32];

	check(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	snprintf(file, sizeof(file), "/proc/self/fd/%d", fd);
	rc = zs_conf_load(&conf, file, &none);
	whole(&conf, rc, file);
	zs_conf_free(&conf);
	check(zs_conf_check(&conf, file, count, &lines) == rc);
	zs_conf_free(&conf);
	close(fd);
	return 0;
}
