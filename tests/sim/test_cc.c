/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Congestion control on simulated paths: what the algorithms promise of goodput and of the queue in
 * front of the bottleneck.
 */
#include "simtest.h"
#include "tests/zs_test.h"

enum { PAYLOAD = 1448, FRAME = 1514, MAX_FLOWS = 32 };

struct bottleneck {
	uint64_t rate_bps, rtt_ns;
	uint32_t queue_bytes, mark_bytes, loss_ppm;
	uint8_t cc, flows;
	uint64_t warmup_ns, measure_ns;
};

struct outcome {
	double share;	     /* of the payload rate of the link, all flows together */
	uint32_t queue_peak; /* bytes, while measured */
	struct zs_stats sender, receiver;
};

/* Bulk transfers from a to b; the windows are no limit. */
static struct outcome run(const struct bottleneck *n)
{
	const struct zs_simconn_config up = {
		.tx_bytes = UINT64_MAX,
		.tx_chunk = PAYLOAD,
		.raw = true,
	};
	const struct zs_simconn_config down = { .rx_bytes = UINT64_MAX, .raw = true };
	uint64_t bdp = n->rate_bps / 8 * n->rtt_ns / ZS_SEC;
	struct outcome o = { 0 };
	struct pair_config c;
	struct pair p;
	uint64_t bytes;

	pair_config(&c, 1, 1500, ZS_SIM_OFF_ALL);
	c.wire.rate_bps = n->rate_bps;
	c.wire.delay_ns = n->rtt_ns / 2;
	c.wire.queue_bytes = 0;
	c.a.dev.trust = c.b.dev.trust = true;
	c.a.turn_ns = c.b.turn_ns = 4 * ZS_US;
	c.a.stack.sndbuf = c.a.stack.sndbuf_max = (uint32_t)(bdp * 4 + (512 << 10));
	c.b.stack.rcvbuf = c.b.stack.rcvbuf_max = (uint32_t)(bdp * 8 + (1 << 20));
	c.a.stack.cc = c.b.stack.cc = n->cc;
	c.a.stack.ecn = ZS_ECN_ON;
	pair_create(&p, &c);
	zs_simapp_listen(p.server, PORT, n->flows, &down);
	for (unsigned int i = 0; i < n->flows; i++)
		zs_simapp_connect(p.client, ip_b(), PORT, &up);
	p.l->wire[0].cfg.queue_bytes = n->queue_bytes;
	p.l->wire[0].cfg.mark_bytes = n->mark_bytes;
	p.l->wire[0].cfg.loss_ppm = n->loss_ppm;
	zs_sim_run_for(p.w, n->warmup_ns);
	bytes = p.server->rx_bytes;
	p.l->wire[0].stats.queue_peak = 0;
	zs_sim_run_for(p.w, n->measure_ns);
	bytes = p.server->rx_bytes - bytes;
	o.share =
		(double)bytes * 8e9 / (double)n->measure_ns / (double)n->rate_bps * FRAME / PAYLOAD;
	o.queue_peak = p.l->wire[0].stats.queue_peak;
	o.sender = *zs_stack_stats(p.a->s);
	o.receiver = *zs_stack_stats(p.b->s);
	pair_destroy(&p);
	return o;
}

/* ---- HyStart++ (RFC 9406) ---- */

/* The first slow start over a long path, with a queue of a bandwidth-delay product. */
static uint64_t lost_in_slow_start(uint8_t cc)
{
	struct bottleneck n = {
		.rate_bps = 100000000,
		.rtt_ns = 50 * ZS_MS,
		.queue_bytes = 625000,
		.cc = cc,
		.flows = 1,
		.warmup_ns = 1500 * ZS_MS,
		.measure_ns = 500 * ZS_MS,
	};
	struct outcome o = run(&n);

	assert_true(o.share > 0.97);
	assert_int_equal(o.sender.tcp_rto, 0);
	return o.sender.tcp_segs_retx;
}

/* DCTCP without marks has the slow start of RFC 5681: it loses what it sent beyond the queue. */
static void slow_start(uint8_t cc)
{
	assert_true(lost_in_slow_start(cc) < lost_in_slow_start(ZS_CC_DCTCP) / 2);
}

static void test_slow_start_cubic(void **state)
{
	(void)state;
	slow_start(ZS_CC_CUBIC);
}

static void test_slow_start_newreno(void **state)
{
	(void)state;
	slow_start(ZS_CC_NEWRENO);
}

/* ---- ECN (RFC 3168) ---- */

/* Marks instead of losses: nothing is sent again, and the link stays full. */
static void ecn(uint8_t cc, double share)
{
	struct bottleneck n = {
		.rate_bps = 100000000,
		.rtt_ns = 10 * ZS_MS,
		.mark_bytes = 125000, /* a bandwidth-delay product */
		.cc = cc,
		.flows = 2,
		.warmup_ns = 2 * ZS_SEC,
		.measure_ns = 5 * ZS_SEC,
	};
	struct outcome o = run(&n);

	assert_true(o.receiver.tcp_ecn_ce > 0);
	assert_in_range(o.sender.tcp_ecn_cuts, 4, 200);
	assert_int_equal(o.sender.tcp_segs_retx, 0);
	assert_true(o.share > share);
	assert_true(o.queue_peak < 3 * n.mark_bytes);
}

static void test_ecn_cubic(void **state)
{
	(void)state;
	ecn(ZS_CC_CUBIC, 0.98);
}

static void test_ecn_newreno(void **state)
{
	(void)state;
	ecn(ZS_CC_NEWRENO, 0.93);
}

/* ---- DCTCP (RFC 8257) ---- */

/*
 * The link stays full, and the queue within one and a half of the marking threshold K, or what the
 * flows add before they hear of the marks, where that is more: a segment each in the round trip
 * that a mark takes, and the burst that it comes in.
 */
static void dctcp(uint64_t rate_bps, uint64_t rtt_ns, uint32_t k, uint8_t flows)
{
	const uint32_t blind = 2u * FRAME * flows;
	struct bottleneck n = {
		.rate_bps = rate_bps,
		.rtt_ns = rtt_ns,
		.mark_bytes = k,
		.cc = ZS_CC_DCTCP,
		.flows = flows,
		.warmup_ns = 200 * ZS_MS,
		.measure_ns = 500 * ZS_MS,
	};
	struct outcome o = run(&n);

	if (o.share < 0.99 || o.queue_peak > k + RTE_MAX(k / 2, blind))
		fail_msg("%u flows, K = %u: goodput %.3f, queue %u", flows, k, o.share,
			 o.queue_peak);
	assert_int_equal(o.sender.tcp_segs_retx, 0);
	assert_true(o.sender.tcp_ecn_cuts > 10);
}

static void test_dctcp_queue(void **state)
{
	(void)state;
	dctcp(1000000000, 200 * ZS_US, 30000, 1);
	dctcp(1000000000, 200 * ZS_US, 30000, 2);
	dctcp(1000000000, 500 * ZS_US, 30000, 4);
	dctcp(1000000000, 500 * ZS_US, 60000, 8);
	dctcp(1000000000, 200 * ZS_US, 30000, 8);
}

/* ---- BBR ---- */

/* The pipe is full, whatever is lost at random, and in front of it waits less than it holds. */
static void bbr(uint32_t loss_ppm, uint64_t rtt_ns, double share)
{
	struct bottleneck n = {
		.rate_bps = 100000000,
		.rtt_ns = rtt_ns,
		.loss_ppm = loss_ppm,
		.cc = ZS_CC_BBR,
		.flows = 1,
		.warmup_ns = 2 * ZS_SEC,
		.measure_ns = 20 * ZS_SEC,
	};
	struct outcome o = run(&n);

	if (o.share < share)
		fail_msg("goodput %.3f at %u ppm, %llu ms", o.share, loss_ppm,
			 (unsigned long long)(rtt_ns / ZS_MS));
	if (o.queue_peak > 100000000 / 8 / 1000 * (rtt_ns / ZS_MS) + 65536)
		fail_msg("queue of %u bytes", o.queue_peak);
}

static void test_bbr_loss(void **state)
{
	(void)state;
	bbr(10000, 50 * ZS_MS, 0.9);
}

static void test_bbr_clean(void **state)
{
	(void)state;
	bbr(0, 50 * ZS_MS, 0.94);
	bbr(0, 5 * ZS_MS, 0.94);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_slow_start_cubic), cmocka_unit_test(test_slow_start_newreno),
	cmocka_unit_test(test_ecn_cubic),	 cmocka_unit_test(test_ecn_newreno),
	cmocka_unit_test(test_dctcp_queue),	 cmocka_unit_test(test_bbr_loss),
	cmocka_unit_test(test_bbr_clean),
};

ZS_TEST_MAIN(tests)
