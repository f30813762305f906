/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The slot of a context holds a pointer to a question. Who takes it out owns it: the loop, to
 * answer it, or the asker, who has lost patience. So an answer is never written into what has gone.
 */
#include "api/zs_ask.h"

#include <errno.h>
#include <semaphore.h>
#include <stddef.h>
#include <time.h>

#include "api/zs_ctx.h"

struct zs_question {
	void (*fn)(struct zs_ctx *c, void *arg);
	void *arg;
	sem_t done;
};

static struct zs_question *take(struct zs_ctx *c)
{
	return __atomic_exchange_n(&c->question, NULL, __ATOMIC_ACQ_REL);
}

static void answer(struct zs_ctx *c)
{
	struct zs_question *q = take(c);

	if (q == NULL)
		return;
	q->fn(c, q->arg);
	(void)sem_post(&q->done); /* fails for a semaphore that is none */
}

void zs_ask_answer(struct zs_ctx *c)
{
	answer(c);
	for (uint16_t i = 1; c->index == 0 && i < c->n_all; i++)
		if (!c->all[i]->own_loop)
			answer(c->all[i]);
}

static int wait_for(sem_t *done, uint32_t ms)
{
	struct timespec until;
	int rc;

	(void)clock_gettime(CLOCK_MONOTONIC, &until); /* fails for clocks that are none */
	until.tv_sec += ms / 1000;
	until.tv_nsec += (long)(ms % 1000) * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_nsec -= 1000000000;
		until.tv_sec++;
	}
	do
		rc = sem_clockwait(done, CLOCK_MONOTONIC, &until);
	while (rc < 0 && errno == EINTR);
	return rc < 0 ? -errno : 0;
}

int zs_ask(const struct zs_asker *a, uint16_t i, void (*fn)(struct zs_ctx *c, void *arg), void *arg)
{
	struct zs_question q = { .fn = fn, .arg = arg };
	int rc;

	if (i >= a->n)
		return -EINVAL;
	(void)sem_init(&q.done, 0, 0); /* fails for values that are too large */
	__atomic_store_n(&a->all[i]->question, &q, __ATOMIC_RELEASE);
	zs_ctx_ask(a->all[i]);
	if (i != 0)
		zs_ctx_ask(a->all[0]);
	rc = wait_for(&q.done, a->patience_ms);
	if (rc < 0 && take(a->all[i]) == NULL) { /* it is being answered */
		while (sem_wait(&q.done) < 0)
			;
		rc = 0;
	}
	(void)sem_destroy(&q.done);
	return rc;
}
