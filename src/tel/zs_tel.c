/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The commands: whom they may ask, and that they run one at a time. DPDK cannot take a command back
 * and gives it no argument, so this is one of the few things that exist once per process.
 */
#include "tel/zs_tel.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "api/zs_ask.h"
#include "tel/zs_tel_priv.h"

enum { MAX_CMDS = 32 };

static struct {
	pthread_mutex_t lock;
	struct zs_ctx *const *all;
	uint16_t n; /* 0: nobody to ask */
	struct zs_dpdk *dpdk;
	const struct zs_tel_cmd *cmd[MAX_CMDS];
	int n_cmds;
} tel = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* ---- questions ---- */

int zs_tel_fail(struct zs_tel_query *q, int rc, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(q->error, sizeof(q->error), fmt, ap);
	va_end(ap);
	return rc;
}

int zs_tel_ask(struct zs_tel_query *q, uint16_t i, void (*fn)(struct zs_ctx *c, void *arg),
	       void *arg)
{
	struct zs_asker a = { .all = q->all, .n = q->n, .patience_ms = ZS_TEL_PATIENCE_MS };
	int rc = zs_ask(&a, i, fn, arg);

	if (rc == -EINVAL)
		return zs_tel_fail(q, rc, "there is no core %u", i);
	if (rc < 0)
		return zs_tel_fail(q, rc,
				   "the loop of core %u does not turn: no answer within %d ms", i,
				   ZS_TEL_PATIENCE_MS);
	return 0;
}

bool zs_tel_word(const char **params, char word[ZS_TEL_WORD])
{
	size_t len = strcspn(*params, ",");
	size_t kept = len < ZS_TEL_WORD ? len : ZS_TEL_WORD - 1;
	bool more = **params != '\0';

	memcpy(word, *params, kept);
	word[kept] = '\0';
	*params += len;
	if (**params == ',')
		(*params)++;
	return more;
}

int zs_tel_number(struct zs_tel_query *q, const char *word, uint64_t max, uint64_t *n)
{
	size_t len = strcspn(word, ",");
	char *rest;

	*n = strtoull(word, &rest, 10);
	if (len > 0 && rest == word + len && *word != '-' && *n <= max)
		return 0;
	return zs_tel_fail(q, -EINVAL, "'%.*s' is no number up to %" PRIu64, (int)len, word, max);
}

/* ---- commands ---- */

static const struct zs_tel_cmd *find(const char *name)
{
	for (int i = 0; i < tel.n_cmds; i++)
		if (strcmp(tel.cmd[i]->name, name) == 0)
			return tel.cmd[i];
	return NULL;
}

/* An answer that is an error has nothing else in it. */
static int tell_error(struct rte_tel_data *d, const char *error)
{
	rte_tel_data_start_dict(d);
	return rte_tel_data_add_dict_string(d, "error", error);
}

/* Called by DPDK, on any thread. */
static int serve(const char *name, const char *params, struct rte_tel_data *d)
{
	struct zs_tel_query q = { .error = "" };
	const struct zs_tel_cmd *cmd;
	int rc;

	(void)pthread_mutex_lock(&tel.lock);
	cmd = find(name);
	q.all = tel.all;
	q.n = tel.n;
	q.dpdk = tel.dpdk;
	if (cmd == NULL || q.n == 0)
		rc = zs_tel_fail(&q, -ENODEV, "no stack runs");
	else
		rc = cmd->fn(&q, params != NULL ? params : "", d);
	(void)pthread_mutex_unlock(&tel.lock);
	if (rc < 0)
		return tell_error(d, q.error[0] != '\0' ? q.error : strerror(-rc));
	return 0;
}

int zs_tel_add(const struct zs_tel_cmd *cmd, int n)
{
	int rc = 0;

	for (int i = 0; rc == 0 && i < n; i++) {
		if (find(cmd[i].name) != NULL)
			continue;
		if (tel.n_cmds == MAX_CMDS)
			return -ENOSPC;
		tel.cmd[tel.n_cmds++] = &cmd[i];
		rc = rte_telemetry_register_cmd(cmd[i].name, serve, cmd[i].help);
	}
	return rc;
}

int zs_tel_start(struct zs_ctx *const *all, uint16_t n)
{
	int rc = zs_tel_add_conns();

	if (rc == 0)
		rc = zs_tel_add_stats();
	if (rc == 0)
		rc = zs_tel_add_net();
	if (rc == 0)
		rc = zs_tel_add_bufs();
	if (rc < 0)
		return rc;
	(void)pthread_mutex_lock(&tel.lock);
	tel.all = all;
	tel.n = n;
	(void)pthread_mutex_unlock(&tel.lock);
	return 0;
}

void zs_tel_set_dpdk(struct zs_dpdk *dpdk)
{
	(void)pthread_mutex_lock(&tel.lock);
	tel.dpdk = dpdk;
	(void)pthread_mutex_unlock(&tel.lock);
}

/* Whoever asks at this moment asks a loop that has ended: it is answered here. */
void zs_tel_stop(void)
{
	struct zs_ctx *const *all = tel.n > 0 ? tel.all : NULL;
	struct timespec nap = { .tv_nsec = 100000 };

	while (pthread_mutex_trylock(&tel.lock) != 0) {
		if (all != NULL)
			zs_ask_answer(all[0]);
		(void)nanosleep(&nap, NULL); /* a signal ends it early, and may */
	}
	tel.n = 0;
	tel.dpdk = NULL;
	(void)pthread_mutex_unlock(&tel.lock);
}
