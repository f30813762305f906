/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * HyStart++ (RFC 9406 4.2): the round trips that end slow start, and those that do not. Each round
 * acknowledges a whole window, segment by segment, RTT after it was sent.
 */
#include "tests/zs_test.h"
#include "tt.h"

enum { MSS = 1000, BASE = 80 * TT_MS };

static uint32_t snd_max, acked;

static void cubic(struct zs_config *cfg)
{
	cfg->cc = ZS_CC_CUBIC;
	cfg->sndbuf = cfg->sndbuf_max = 8 << 20;
}

static void newreno(struct zs_config *cfg)
{
	cubic(cfg);
	cfg->cc = ZS_CC_NEWRENO;
}

static void start(struct tt *t)
{
	tt_connect_passive(t, .opt = "mss 1000,sackOK,nop,wscale 14", .rtt_us = BASE);
	tt_send(t, 4000000);
	tt_expect_run(t, 1, 1, MSS, 10);
	snd_max = 1 + 10 * MSS;
	acked = 1;
}

/* The window that is out is acknowledged after rtt_us; returns by how many segments cwnd grew. */
static uint32_t round_trip(struct tt *t, uint32_t rtt_us)
{
	uint32_t until = snd_max, before = tt_info(t).cwnd;

	tt_advance(t, rtt_us);
	while (acked < until) {
		acked += MSS;
		tt_in(t, "A", 1, acked, 0);
		for (const struct tt_out *o; (o = tt_next(t)) != NULL;)
			snd_max = tt_seq(t, o) + o->len;
	}
	return (tt_info(t).cwnd - before) / MSS;
}

static void steady_round_trips_double(struct tt *t)
{
	start(t);
	assert_int_equal(round_trip(t, BASE), 10);
	assert_int_equal(round_trip(t, BASE), 20);
	assert_int_equal(round_trip(t, BASE), 40);
	assert_int_equal(tt_info(t).cwnd, 80 * MSS);
}

/* max(4 ms, min(RTT / 8, 16 ms)) more than in the round before: a quarter of the growth follows. */
static void longer_round_trip(struct tt *t)
{
	start(t);
	(void)round_trip(t, BASE);
	(void)round_trip(t, BASE + BASE / 8);
	assert_in_range(round_trip(t, BASE + BASE / 8), 6, 8);
	assert_true(tt_info(t).ssthresh > 1000 * MSS); /* not decided yet */
}

static void not_longer_enough(struct tt *t)
{
	start(t);
	(void)round_trip(t, BASE);
	(void)round_trip(t, BASE + BASE / 8 - 200);
	assert_int_equal(round_trip(t, BASE + BASE / 8 - 200), 40);
}

/* Five rounds of conservative slow start, then congestion avoidance from where it is. */
static void five_rounds(struct tt *t)
{
	uint32_t rtt = BASE + BASE / 4, cwnd;

	start(t);
	(void)round_trip(t, BASE);
	(void)round_trip(t, rtt);
	for (unsigned i = 0; i < 5; i++)
		(void)round_trip(t, rtt);
	cwnd = tt_info(t).cwnd;
	assert_in_range(tt_info(t).ssthresh, cwnd - 25 * MSS, cwnd);
	assert_true(tt_info(t).segs_out < 2000);
	assert_true(round_trip(t, rtt) <= 8);
}

/* The round trips shorten again: it was noise, and slow start goes on. */
static void noise(struct tt *t)
{
	uint32_t grew;

	start(t);
	(void)round_trip(t, BASE);
	(void)round_trip(t, BASE + BASE / 4);
	(void)round_trip(t, BASE);
	grew = round_trip(t, BASE);
	assert_true(grew >= tt_info(t).cwnd / MSS * 45 / 100);
}

/* A round of fewer than eight samples says nothing. */
static void few_samples(struct tt *t)
{
	uint32_t cwnd;

	start(t);
	tt_advance(t, BASE);
	tt_in(t, "A", 1, 1 + 10 * MSS, 0); /* one ACK for all ten: one sample */
	tt_drain(t);
	tt_advance(t, 2 * BASE);
	cwnd = tt_info(t).cwnd;
	tt_in(t, "A", 1, 1 + 16 * MSS, 0);
	tt_drain(t);
	tt_in(t, "A", 1, 1 + 30 * MSS, 0);
	tt_drain(t);
	assert_int_equal(tt_info(t).cwnd - cwnd, 20 * MSS);
}

static void plain(struct zs_config *cfg)
{
	cubic(cfg);
	cfg->hystart = ZS_HYSTART_DELAY;
}

/* RFC 9438 4.10: HyStart ends slow start with the ninth sample of such a round, at once. */
static void plain_ends_at_once(struct tt *t)
{
	start(t);
	assert_int_equal(round_trip(t, BASE), 10);
	(void)round_trip(t, BASE + BASE / 4); /* with samples of before in its round */
	(void)round_trip(t, BASE + BASE / 4);
	assert_in_range(tt_info(t).ssthresh, 28 * MSS, 50 * MSS);
	assert_in_range(tt_info(t).cwnd, tt_info(t).ssthresh, tt_info(t).ssthresh + 3 * MSS);
}

/* The same delay, but in a window of fewer than 16 segments. */
static void plain_needs_a_window(struct tt *t)
{
	start(t);
	tt_advance(t, BASE + BASE / 4);
	for (unsigned i = 1; i <= 5; i++)
		tt_in(t, "A", 1, acked += MSS, 0);
	tt_drain(t);
	assert_true(tt_info(t).ssthresh > 1000 * MSS);
}

static void off(struct zs_config *cfg)
{
	cubic(cfg);
	cfg->hystart = ZS_HYSTART_OFF;
}

static void off_goes_on(struct tt *t)
{
	start(t);
	(void)round_trip(t, BASE);
	assert_int_equal(round_trip(t, 2 * BASE), 20);
	assert_int_equal(round_trip(t, 2 * BASE), 40);
}

static const struct CMUnitTest tests[] = {
	TT_CFG(steady_round_trips_double, cubic),
	TT_CFG(steady_round_trips_double, newreno),
	TT_CFG(longer_round_trip, cubic),
	TT_CFG(longer_round_trip, newreno),
	TT_CFG(not_longer_enough, cubic),
	TT_CFG(five_rounds, cubic),
	TT_CFG(five_rounds, newreno),
	TT_CFG(noise, cubic),
	TT_CFG(few_samples, cubic),
	TT_CFG(plain_ends_at_once, plain),
	TT_CFG(plain_needs_a_window, plain),
	TT_CFG(off_goes_on, off),
};

ZS_TEST_MAIN(tests)
