/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A million connections held by one stack: opened, some of them used, all closed. Nothing is left
 * behind, and the process stays below 2 GB. Virtual time, the peers of bench/crowd.c.
 */
#include <stdio.h>
#include <unistd.h>

#include <rte_mempool.h>

#include "api/zs_ctx.h"
#include "bench/crowd.h"
#include "bench/pair.h"
#include "core/zs_state.h"
#include "tests/zs_test.h"

enum { CONNS = 1000000, SPARE = 16, STEP = 1000, MSL_US = 1000 };

static const unsigned long max_resident = 2ul << 30;

static unsigned long resident_bytes(void)
{
	FILE *f = fopen("/proc/self/statm", "r");
	unsigned long size, pages = 0;

	assert_non_null(f);
	assert_int_equal(fscanf(f, "%lu %lu", &size, &pages), 2);
	fclose(f);
	return pages * (unsigned long)sysconf(_SC_PAGESIZE);
}

static void short_msl(struct zs_config *cfg)
{
	cfg->msl_us = MSL_US;
}

static void assert_nothing_left(const struct host *h)
{
	assert_int_equal(h->s->tcp.tcbs.live, 0);
	assert_int_equal(h->s->tcp.halves.live, 0);
	assert_int_equal(h->s->tcp.tws.live, 0);
	assert_int_equal(h->s->tcp.listeners.live, 0);
	assert_int_equal(h->s->socks.live, 0);
	assert_int_equal(h->s->flows.used, 0);
	assert_int_equal(h->ctx->fds.used, 0);
	assert_int_equal(rte_mempool_in_use_count(h->pkt), 0);
	assert_int_equal(rte_mempool_in_use_count(h->hdr), 0);
	assert_int_equal(rte_mempool_in_use_count(h->big), 0);
}

static void test_million(void **state)
{
	struct pair *p = pair_create(CONNS + SPARE, short_msl);

	(void)state;
	crowd_expect(p);
	crowd_grow(p, CONNS);
	assert_int_equal(p->server.s->tcp.tcbs.live, CONNS);
	assert_int_equal(crowd_exchange(p, STEP), CONNS / STEP);
	assert_true(resident_bytes() < max_resident);
	crowd_leave(p);
	for (int i = 0; i < 3 * MSL_US / ROUND_US; i++)
		pair_round(p);
	assert_nothing_left(&p->server);
	pair_destroy(p);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_million),
};

int main(void)
{
	if (!pair_start_eal(true))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
