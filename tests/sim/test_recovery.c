/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Loss recovery over simulated paths: goodput under random loss against what the response function
 * of CUBIC promises, the lost tail of a response, bursts of losses, and lost retransmissions.
 */
#include <math.h>

#include "simtest.h"

enum { MTU = 1500, PAYLOAD = 1448 };

/* ---- random loss ---- */

struct bulk {
	uint8_t cc;
	bool sack;
	uint32_t loss_ppm;
	uint64_t rtt_ns, seconds;
};

/* Mbit/s of payload in one world, and how many recoveries were undone. Late segments are late by up
 * to 1 ms. */
static double run(const struct pair_config *c, uint32_t loss_ppm, uint32_t late_ppm,
		  uint64_t seconds, uint64_t *undone)
{
	const struct zs_simconn_config up = { .tx_bytes = UINT64_MAX, .raw = true };
	const struct zs_simconn_config down = { .rx_bytes = UINT64_MAX, .raw = true };
	struct pair p;
	double bytes;

	pair_create(&p, c);
	zs_simapp_listen(p.server, PORT, 1, &down);
	zs_simapp_connect(p.client, ip_b(), PORT, &up);
	p.l->wire[0].cfg.loss_ppm = loss_ppm;
	p.l->wire[0].cfg.reorder_ppm = late_ppm;
	p.l->wire[0].cfg.reorder_ns = ZS_MS;
	zs_sim_run_for(p.w, seconds * ZS_SEC);
	bytes = (double)p.server->rx_bytes;
	*undone = zs_stack_stats(p.a->s)->tcp_undo;
	pair_destroy(&p);
	return bytes * 8e3 / (double)(seconds * ZS_SEC);
}

/* On a path of 1 Gbit/s that loses, mean of a few worlds. */
static double goodput(const struct bulk *b)
{
	enum { WORLDS = 4 };
	struct pair_config c;
	uint64_t undone;
	double sum = 0;

	for (unsigned int i = 1; i <= WORLDS; i++) {
		pair_config(&c, i, MTU, ZS_SIM_OFF_ALL);
		c.wire.delay_ns = b->rtt_ns / 2;
		c.a.stack.cc = c.b.stack.cc = b->cc;
		c.a.stack.use_sack = c.b.stack.use_sack = b->sack;
		sum += run(&c, b->loss_ppm, 0, b->seconds, &undone);
		/* the path keeps the order, and delays nothing: whatever was sent again was lost */
		assert_int_equal(undone, 0);
	}
	return sum / WORLDS;
}

/*
 * Mean window in segments of RFC 9438 with a loss in every 1/p packets: the larger one of figure 5,
 * with beta 0.7 and C 0.4, and of Reno with the same alpha, 4.3, which comes to sqrt(3 / 2p).
 */
static double cubic_window(double p, double rtt)
{
	double cubic = pow(0.4 * 3.7 / (4 * 0.3), 0.25) * pow(rtt / p, 0.75);

	return fmax(cubic, sqrt(1.5 / p));
}

/*
 * Segments a second of plain Reno whose tails wait for the RTO: RFC 5348 3.1, with an ACK for every
 * second segment (b = 2) and the RTO of RFC 6298 2.4.
 */
static double reno_rate(double p, double rtt)
{
	const double b = 2, rto = 1;

	return 1 / (rtt * sqrt(2 * b * p / 3) +
		    rto * fmin(1, 3 * sqrt(3 * b * p / 8)) * p * (1 + 32 * p * p));
}

/*
 * 1 % on 20 ms: 12.2 segments, 7.1 Mbit/s, if no recovery costs more than its round trip; of plain
 * Reno's function 2.4 are left by its timeouts. Our NewReno waits for few of them and is close to
 * CUBIC; BBR, for which a loss is no sign of congestion, has no such function.
 */
static void test_one_percent_on_20_ms(void **state)
{
	struct bulk b = { ZS_CC_CUBIC, true, 10000, 20 * ZS_MS, 20 };
	struct bulk plain = { ZS_CC_NEWRENO, false, 10000, 20 * ZS_MS, 20 };
	struct bulk bbr = { ZS_CC_BBR, true, 10000, 20 * ZS_MS, SLOW_BUILD ? 3 : 20 };
	double expected = cubic_window(0.01, 0.02) * PAYLOAD * 8 / 0.02 / 1e6;
	double timeouts = reno_rate(0.01, 0.02) * PAYLOAD * 8 / 1e6;
	double got = goodput(&b), reno = goodput(&plain), most = goodput(&bbr);

	(void)state;
	assert_true(got >= expected);
	assert_true(got >= 3 * timeouts);
	assert_true(got >= 1.1 * reno);
	assert_true(most >= 3 * reno);
}

/* 5 % on 1 ms: windows too small for three duplicate ACKs, so that who needs them waits for RTOs.
 */
static void test_five_percent_on_1_ms(void **state)
{
	struct bulk b = { ZS_CC_CUBIC, true, 50000, ZS_MS, 5 };
	struct bulk plain = { ZS_CC_NEWRENO, false, 50000, ZS_MS, 5 };
	double got = goodput(&b), reno = goodput(&plain);

	(void)state;
	assert_true(got >= 3 * reno);
}

/* ---- reordering ---- */

/* On 1 Gbit/s and 10 ms, one segment in fifty being late. */
static double goodput_reordered(bool sack, uint64_t *undone)
{
	struct pair_config c;

	pair_config(&c, 1, MTU, 0);
	c.wire.delay_ns = 5 * ZS_MS;
	c.wire.rate_bps = 1000000000;
	c.a.stack.use_sack = c.b.stack.use_sack = sack;
	return run(&c, 0, 20000, 2, undone);
}

/* Without SACK the first few recoveries are for nothing, and timestamps tell: then it is known how
 * late segments come. */
static void test_reordering_without_sack(void **state)
{
	uint64_t undone;
	double sack = goodput_reordered(true, &undone), plain = goodput_reordered(false, &undone);

	(void)state;
	assert_in_range(undone, 1, 30);
	assert_true(plain > 0.98 * sack);
}

/* ---- chosen losses ---- */

/* Drops n segments from the first at or behind `from` on, and `again` times each of them after. */
struct hole {
	struct zs_sim *w;
	uint64_t bytes;	       /* seen so far: relative sequence numbers */
	uint64_t from;	       /* of the stream */
	unsigned int n, again; /* left to drop */
	uint32_t isn;
	bool isn_known;
	uint64_t dropped_ns, repaired_ns; /* first loss; all of it passed */
	uint32_t missing;		  /* dropped and not yet repeated */
	uint32_t lost[256];		  /* their relative sequence numbers */
	uint8_t left[256];		  /* how often each is to be dropped still */
};

static unsigned int drop_new(struct hole *h, uint32_t rel)
{
	if (h->dropped_ns == 0)
		h->dropped_ns = zs_sim_now(h->w);
	h->lost[h->missing] = rel;
	h->left[h->missing++] = (uint8_t)h->again;
	h->n--;
	return ZS_SIM_DROP;
}

/* One of those that were dropped comes again, or another segment. */
static unsigned int repeated(struct hole *h, uint32_t rel)
{
	for (uint32_t i = 0; i < h->missing; i++) {
		if (h->lost[i] != rel)
			continue;
		if (h->left[i] > 0) {
			h->left[i]--;
			return ZS_SIM_DROP;
		}
		h->lost[i] = h->lost[--h->missing];
		h->left[i] = h->left[h->missing];
		if (h->missing == 0 && h->n == 0)
			h->repaired_ns = zs_sim_now(h->w);
		break;
	}
	return ZS_SIM_PASS;
}

static unsigned int hole_rule(void *arg, struct zs_simpkt *p)
{
	struct hole *h = arg;
	uint32_t seq, rel;
	uint8_t flags;
	int32_t len = frame_payload(p, &seq, &flags);

	if (len >= 0 && flags & ZS_SYN) {
		h->isn = seq + 1;
		h->isn_known = true;
	}
	if (len <= 0 || !h->isn_known)
		return ZS_SIM_PASS;
	rel = seq - h->isn;
	if (rel >= h->from && rel >= h->bytes && h->n > 0) {
		h->bytes = rel + (uint32_t)len;
		return drop_new(h, rel);
	}
	h->bytes = RTE_MAX(h->bytes, (uint64_t)rel + (uint32_t)len);
	return repeated(h, rel);
}

/* The last of 8 segments is lost on a path of 1 ms: repeated two round trips after the last ACK. */
static void test_tail_of_a_response(void **state)
{
	struct zs_simconn_config how = { .tx = ZS_SIMTX_BUF, .tx_chunk = PAYLOAD };
	struct hole h = { .from = 7 * PAYLOAD, .n = 1 };
	struct pair_config c;
	struct pair p;

	(void)state;
	pair_config(&c, 1, MTU, ZS_SIM_OFF_ALL);
	c.wire.delay_ns = ZS_MS / 2;
	pair_create(&p, &c);
	h.w = p.w;
	p.l->wire[0].cfg.rule = hole_rule;
	p.l->wire[0].cfg.rule_arg = &h;
	pair_transfer(&p, 8 * PAYLOAD, 0, &how);
	assert_true(pair_run(&p, 1, ZS_SEC));
	assert_int_equal(zs_stack_stats(p.a->s)->tcp_rto, 0);
	assert_in_range(h.repaired_ns - h.dropped_ns, 2 * ZS_MS, 4 * ZS_MS);
	pair_end(&p);
}

/* A bulk transfer at 100 Mbit/s and 20 ms loses n segments in a row, each of them 1 + again times.
 */
static uint64_t repair_time_us(unsigned int n, unsigned int again, uint64_t *timeouts)
{
	struct zs_simconn_config how = { .tx_bytes = UINT64_MAX, .raw = true };
	const struct zs_simconn_config down = { .rx_bytes = UINT64_MAX, .raw = true };
	struct hole h = { .from = 250000, .n = n, .again = again };
	struct pair_config c;
	struct pair p;

	pair_config(&c, 1, MTU, ZS_SIM_OFF_ALL);
	c.wire.delay_ns = 10 * ZS_MS;
	c.wire.rate_bps = 100000000;
	c.a.stack.sndbuf = c.a.stack.sndbuf_max = 4 << 20;
	c.b.stack.rcvbuf = c.b.stack.rcvbuf_max = 8 << 20; /* new data goes on behind the hole */
	pair_create(&p, &c);
	h.w = p.w;
	p.l->wire[0].cfg.rule = hole_rule;
	p.l->wire[0].cfg.rule_arg = &h;
	zs_simapp_listen(p.server, PORT, 1, &down);
	zs_simapp_connect(p.client, ip_b(), PORT, &how);
	zs_sim_run_for(p.w, 5 * ZS_SEC);
	*timeouts = zs_stack_stats(p.a->s)->tcp_rto;
	pair_destroy(&p);
	return h.repaired_ns > 0 ? (h.repaired_ns - h.dropped_ns) / ZS_US : UINT64_MAX;
}

/*
 * From the first loss to when all lost segments are on their way again. With n losses in one window
 * PRR sends as many as are delivered: one round trip to hear of it, and the rest of a round trip.
 */
static void test_bursts(void **state)
{
	static const struct {
		unsigned int n, again;
		uint64_t limit_us;
	} bursts[] = {
		{ 1, 0, 35000 },    { 4, 0, 35000 }, { 16, 0, 45000 }, { 64, 0, 70000 },
		{ 128, 0, 110000 }, { 1, 1, 70000 }, { 1, 2, 110000 }, { 16, 1, 90000 },
	};
	unsigned int bad = 0;

	(void)state;
	for (unsigned int i = 0; i < sizeof(bursts) / sizeof(bursts[0]); i++) {
		uint64_t timeouts;
		uint64_t us = repair_time_us(bursts[i].n, bursts[i].again, &timeouts);

		bad += us > bursts[i].limit_us || timeouts > 0;
	}
	assert_int_equal(bad, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_percent_on_20_ms),
		cmocka_unit_test(test_five_percent_on_1_ms),
		cmocka_unit_test(test_reordering_without_sack),
		cmocka_unit_test(test_tail_of_a_response),
		cmocka_unit_test(test_bursts),
	};

	return cmocka_run_group_tests_name("recovery", tests, NULL, NULL);
}
