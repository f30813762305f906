/* SPDX-License-Identifier: BSD-3-Clause */
/* A pair of hosts on each core: see scale.h. */
#include "scale.h"

#include <rte_cycles.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_pause.h>
#include <rte_spinlock.h>

#include "meter.h"
#include "pair.h"
#include "web.h"

enum { CONNS = 50, BODY = 64, SPARE_CONNS = 1024 };

struct scale {
	uint32_t cores, ready, done;
	double rate[RTE_MAX_LCORE];
};

static void arrive(uint32_t *at)
{
	__atomic_add_fetch(at, 1, __ATOMIC_ACQ_REL);
}

static bool all_at(const uint32_t *at, const struct scale *sc)
{
	return __atomic_load_n(at, __ATOMIC_ACQUIRE) == sc->cores;
}

/* One after the other: getopt(3), which zload uses, knows nothing of threads. */
static struct pair *begin(void)
{
	static rte_spinlock_t one = RTE_SPINLOCK_INITIALIZER;
	struct pair *p;

	rte_spinlock_lock(&one);
	p = pair_create(SPARE_CONNS, NULL);
	web_serve(p, WEB_ZC);
	web_connect(p, CONNS, BODY, false);
	rte_spinlock_unlock(&one);
	return p;
}

static int serve(void *arg)
{
	struct scale *sc = arg;
	struct pair *p = begin();
	struct meter m = { 0 };

	arrive(&sc->ready);
	while (!all_at(&sc->ready, sc))
		rte_pause();
	web_go();
	do
		pair_round(p);
	while (!meter_look(&m, web_requests(), p->server.cycles));
	sc->rate[rte_lcore_id()] = (double)rte_get_tsc_hz() / meter_best(&m);
	arrive(&sc->done);
	/* the others are not to have the machine for themselves */
	while (!all_at(&sc->done, sc))
		pair_round(p);
	web_end();
	pair_destroy(p);
	return 0;
}

double scale_rate(uint32_t cores)
{
	struct scale sc = { .cores = cores };
	uint32_t started = 1, lcore;
	double sum = 0;

	if (rte_lcore_count() < cores)
		return 0;
	RTE_LCORE_FOREACH_WORKER(lcore)
	if (started < cores) {
		(void)rte_eal_remote_launch(serve, &sc, lcore);
		started++;
	}
	(void)serve(&sc);
	rte_eal_mp_wait_lcore();
	for (lcore = 0; lcore < RTE_MAX_LCORE; lcore++)
		sum += sc.rate[lcore];
	return sum;
}
