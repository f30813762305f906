/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Congestion control as seen on the wire: initial window (RFC 6928), slow start and avoidance (RFC
 * 5681, byte counting of RFC 3465), only when the window was used (RFC 7661), CUBIC (RFC 9438),
 * idle restart.
 */
#include <math.h>
#include <stdio.h>

#include "tests/zs_test.h"
#include "tt.h"

enum { MSS = 1000, RTT = 100 * TT_MS };

static void newreno(struct zs_config *cfg)
{
	cfg->cc = ZS_CC_NEWRENO;
	cfg->sndbuf = cfg->sndbuf_max = 8 << 20;
}

static void cubic(struct zs_config *cfg)
{
	cfg->cc = ZS_CC_CUBIC;
	cfg->sndbuf = cfg->sndbuf_max = 8 << 20;
}

static void start(struct tt *t)
{
	tt_connect_passive(t, .opt = "mss 1000,sackOK,nop,wscale 14", .rtt_us = RTT);
}

static uint32_t cwnd(struct tt *t)
{
	return tt_info(t).cwnd / MSS;
}

/* RFC 6928 2: min(10 MSS, max(2 MSS, 14600)). */
static void initial_window(struct tt *t)
{
	start(t);
	tt_send(t, 20 * MSS);
	tt_expect_run(t, 1, 1, MSS, 10);
	tt_expect_none(t);
	assert_int_equal(tt_info(t).cwnd, 10 * MSS);
}

static void initial_window_1460(struct tt *t)
{
	tt_connect_passive(t);
	tt_send(t, 20 * 1460);
	tt_expect_run(t, 1, 1, 1460, 10);
	tt_expect_none(t);
}

static void mtu_9000(struct zs_config *cfg)
{
	cfg->netif[0].mtu = 9000;
}

static void initial_window_jumbo(struct tt *t)
{
	tt_connect_passive(t, .opt = "mss 8960");
	tt_send(t, 10 * 8960);
	tt_expect_run(t, 1, 1, 8960, 2); /* 2 MSS > 14600 */
	tt_expect_none(t);
}

static void iw_4(struct zs_config *cfg)
{
	cfg->initial_cwnd_segs = 4;
}

static void initial_window_configured(struct tt *t)
{
	start(t);
	tt_send(t, 20 * MSS);
	tt_expect_run(t, 1, 1, MSS, 4);
	tt_expect_none(t);
}

/* RFC 5681 3.1, RFC 3465 2.1: +1 segment per acknowledged segment, however they are acknowledged.
 */
static void slow_start(struct tt *t, unsigned per_ack)
{
	uint32_t next = 10001;

	start(t);
	tt_send(t, 100 * MSS);
	tt_expect_run(t, 1, 1, MSS, 10);
	tt_advance(t, RTT);
	for (uint32_t acked = 1; acked < 8001;) {
		acked += per_ack * MSS;
		tt_in(t, "A", 1, acked, 0);
		tt_expect_run(t, next, 1, MSS, 2 * per_ack);
		tt_expect_none(t);
		next += 2 * per_ack * MSS;
	}
	assert_int_equal(cwnd(t), 18);
}

static void slow_start_ack_each(struct tt *t)
{
	slow_start(t, 1);
}

static void slow_start_ack_every_second(struct tt *t)
{
	slow_start(t, 2);
}

static void slow_start_ack_every_fourth(struct tt *t)
{
	slow_start(t, 4);
}

/* A peer that splits its ACKs gains nothing (RFC 5681 3.1: min(N, SMSS)). */
static void ack_division(struct tt *t)
{
	start(t);
	tt_send(t, 100 * MSS);
	tt_drain(t);
	for (uint32_t i = 1; i <= 100; i++)
		tt_in(t, "A", 1, 1 + i * 10, 0);
	tt_drain(t);
	assert_in_range(tt_info(t).cwnd, 10 * MSS, 11 * MSS);
}

/* RFC 7661 4.3, RFC 9293 3.8.2: cwnd does not grow while the application does not use it. */
static void app_limited(struct tt *t)
{
	uint32_t at = 1;

	start(t);
	for (unsigned i = 0; i < 20; i++, at += 2 * MSS) {
		tt_send(t, 2 * MSS);
		tt_expect_run(t, at, 1, MSS, 2);
		tt_advance(t, RTT);
		tt_in(t, "A", 1, at + 2 * MSS, 0);
	}
	assert_int_equal(cwnd(t), 10);
}

/* The peer's window limits, not ours: no growth either. */
static void receiver_limited(struct tt *t)
{
	uint32_t at = 1;

	tt_connect_passive(t, .opt = "mss 1000,sackOK", .rtt_us = RTT, .wnd = 4000);
	tt_send(t, 80 * MSS);
	for (unsigned i = 0; i < 10; i++, at += 4 * MSS) {
		tt_expect_run(t, at, 1, MSS, 4);
		tt_expect_none(t);
		tt_advance(t, RTT);
		tt_in(t, "A", 1, at + 4 * MSS, 0);
	}
	tt_drain(t);
	assert_in_range(cwnd(t), 10, 14);
}

/*
 * A bulk transfer with the whole window acknowledged once per round trip, segment by segment.
 * Returns the cumulative ACK reached.
 */
static uint32_t round_trips(struct tt *t, uint32_t acked, unsigned n, uint32_t *snd_max)
{
	for (unsigned i = 0; i < n; i++) {
		uint32_t until = *snd_max;

		tt_advance(t, RTT);
		while (acked < until) {
			const struct tt_out *o;

			acked += MSS;
			tt_in(t, "A", 1, acked, 0);
			while ((o = tt_next(t)) != NULL)
				if (tt_seq(t, o) + o->len > *snd_max)
					*snd_max = tt_seq(t, o) + o->len;
			if (zs_tcp_send_space(t->c->tcb) > 2000000)
				tt_send(t, 1000000);
			while ((o = tt_next(t)) != NULL)
				if (tt_seq(t, o) + o->len > *snd_max)
					*snd_max = tt_seq(t, o) + o->len;
		}
	}
	return acked;
}

/* Into congestion avoidance by one loss: the first of ten is lost, repaired, all acknowledged. */
static uint32_t lose_one(struct tt *t, uint32_t *snd_max)
{
	start(t);
	tt_send(t, 4000000);
	tt_expect_run(t, 1, 1, MSS, 10);
	tt_advance(t, RTT);
	tt_in(t, "A", 1, 1, 0, .opt = "nop,nop,sack 1001:10001");
	*snd_max = 10001;
	for (const struct tt_out *o; (o = tt_next(t)) != NULL;)
		if (tt_seq(t, o) + o->len > *snd_max)
			*snd_max = tt_seq(t, o) + o->len;
	tt_advance(t, RTT);
	tt_in(t, "A", 1, *snd_max, 0);
	for (uint32_t first = *snd_max, i = 0; i < 1000; i++) {
		const struct tt_out *o = tt_next(t);

		if (o == NULL)
			return first;
		*snd_max = tt_seq(t, o) + o->len;
	}
	return 0;
}

/*
 * RFC 7661, as Linux: in slow start the window grows to twice what was in flight at once, also by
 * the last ACKs of that flight, and not further.
 */
static void grows_to_twice_the_flight(struct tt *t, unsigned segs)
{
	start(t);
	tt_send(t, segs * 1000);
	tt_drain(t);
	for (unsigned i = 2; i < segs; i += 2)
		tt_in(t, "A", 1, 1000 * i + 1, 0);
	tt_in(t, "A", 1, 1000 * segs + 1, 0);
	tt_drain(t);
}

static void a_full_flight(struct tt *t)
{
	grows_to_twice_the_flight(t, 10);
	assert_int_equal(tt_info(t).cwnd, 20000);
}

static void a_flight_of_nine(struct tt *t)
{
	grows_to_twice_the_flight(t, 9);
	assert_int_equal(tt_info(t).cwnd, 18000);
}

static void half_a_flight(struct tt *t)
{
	grows_to_twice_the_flight(t, 5);
	assert_int_equal(tt_info(t).cwnd, 10000);
}

/* The next, smaller one does not profit from it. */
static void a_flight_counts_once(struct tt *t)
{
	grows_to_twice_the_flight(t, 10);
	tt_send(t, 3000);
	tt_drain(t);
	tt_in(t, "A", 1, 13001, 0);
	assert_int_equal(tt_info(t).cwnd, 20000);
}

/* RFC 5681 3.1 (2): one segment per round trip. */
static void newreno_avoidance(struct tt *t)
{
	uint32_t snd_max, acked, before;

	acked = lose_one(t, &snd_max);
	assert_int_equal(tt_info(t).ssthresh, 5 * MSS);
	acked = round_trips(t, acked, 3, &snd_max); /* slow start up to ssthresh */
	before = tt_info(t).cwnd;
	assert_in_range(before, 5 * MSS, 8 * MSS);
	acked = round_trips(t, acked, 10, &snd_max);
	assert_in_range(tt_info(t).cwnd, before + 9 * MSS, before + 11 * MSS);
	(void)acked;
}

/* One of ten is lost and repaired, and that is all for now. Returns the next number to be sent. */
static uint32_t lose_one_of_ten(struct tt *t)
{
	start(t);
	tt_send(t, 10 * MSS);
	tt_advance(t, RTT);
	tt_in(t, "A", 1, 1, 0, .opt = "nop,nop,sack 1001:10001");
	tt_advance(t, RTT);
	tt_in(t, "A", 1, 10001, 0);
	tt_drain(t);
	assert_int_equal(tt_info(t).cwnd, tt_info(t).ssthresh);
	return 10001;
}

/* So many segments, all acknowledged one by one, a round trip after the first. */
static uint32_t flight(struct tt *t, uint32_t at, unsigned n)
{
	tt_send(t, n * MSS);
	tt_advance(t, RTT);
	for (unsigned i = 0; i < n; i++)
		tt_in(t, "A", 1, at += MSS, 0);
	tt_drain(t);
	return at;
}

/* RFC 7661 4.2: all that was sent while the window was full earns growth, though nothing follows.
 */
static void last_full_window_counts(struct tt *t)
{
	uint32_t at = lose_one_of_ten(t);

	assert_int_equal(cwnd(t), 5);
	at = flight(t, at, 15); /* 5, 6 and the rest */
	assert_int_equal(cwnd(t), 7);
	for (unsigned i = 0; i < 10; i++)
		at = flight(t, at, 2); /* in a window that is not */
	assert_int_equal(cwnd(t), 7);
}

/* The last ACKs of a flight come at once: round trips that are no measure for probes. */
static void newreno_without_probes(struct zs_config *cfg)
{
	newreno(cfg);
	cfg->use_tlp = false;
}

static void cubic_without_restart(struct zs_config *cfg)
{
	cubic(cfg);
	cfg->use_tlp = false;
	cfg->idle_restart = false;
}

/* RFC 9438 5.8: the curve does not go on while the window is not in use. */
static void cubic_after_silence(struct tt *t)
{
	uint32_t at = lose_one_of_ten(t), before;

	for (unsigned i = 0; i < 10; i++)
		at = flight(t, at, cwnd(t));
	before = cwnd(t);
	assert_in_range(before, 9, 15);
	tt_advance(t, 10 * TT_S); /* it would be 200 segments higher */
	at = flight(t, at, cwnd(t));
	assert_in_range(cwnd(t), before, before + 2);
}

/*
 * RFC 9438 4.2, 4.3: W(t) = 0.4 (t - K)^3 + Wmax, or the Reno estimate where that is larger. After
 * a loss at 10 segments: K = cbrt(10 * 0.3 / 0.4) = 1.96 s.
 */
static void cubic_curve(struct tt *t)
{
	uint32_t snd_max, acked;
	double w[120];
	const double wmax = 10, k = cbrt(wmax * 0.3 / 0.4);
	double reno = 7;

	acked = lose_one(t, &snd_max);
	assert_int_equal(tt_info(t).ssthresh, 7 * MSS);
	for (unsigned i = 0; i < 100; i++) {
		double secs = (i + 1) * 0.1, curve;

		acked = round_trips(t, acked, 1, &snd_max);
		w[i] = (double)tt_info(t).cwnd / MSS;
		curve = 0.4 * pow(secs - k, 3) + wmax;
		/* 4.3: alpha = 3 (1 - b) / (1 + b) per round trip up to the old window, then 1 */
		reno += reno < wmax ? 3 * 0.3 / 1.7 : 1;
		if (reno > curve)
			curve = reno;
		/* within 15 % and two segments of where it should be one round trip before or after
		 */
		assert_true(w[i] < 1.15 * curve + 2.5);
		if (i >= 2)
			assert_true(w[i] > 0.8 * curve - 2.5);
	}
	assert_true(w[99] > 150); /* the convex part: Reno would be at 104 */
	(void)acked;
}

/* RFC 9438 4.7: a second loss below the last maximum releases more (fast convergence). */
static void cubic_second_loss(struct tt *t)
{
	uint32_t snd_max, acked, before;
	char opt[64];

	acked = lose_one(t, &snd_max);
	acked = round_trips(t, acked, 3, &snd_max);
	before = (snd_max - acked) / MSS;
	tt_advance(t, RTT);
	snprintf(opt, sizeof(opt), "nop,nop,sack %u:%u", acked + MSS, snd_max);
	tt_in(t, "A", 1, acked, 0, .opt = opt);
	tt_drain(t);
	assert_in_range(tt_info(t).ssthresh / MSS, before * 7 / 10 - 1, before * 7 / 10 + 1);
}

/* One reduction per window of data (RFC 5681 3.2, RFC 6675 5): many losses of one flight count
 * once. */
static void one_reduction_per_window(struct tt *t)
{
	start(t);
	tt_send(t, 100 * MSS);
	tt_drain(t);
	tt_advance(t, RTT);
	tt_in(t, "A", 1, 1, 0, .opt = "nop,nop,sack 1001:4001");
	tt_drain(t);
	assert_int_equal(tt_info(t).ssthresh, 7 * MSS);
	tt_in(t, "A", 1, 1, 0, .opt = "nop,nop,sack 5001:8001 1001:4001");
	tt_in(t, "A", 1, 1, 0, .opt = "nop,nop,sack 9001:10001 5001:8001 1001:4001");
	tt_drain(t);
	assert_int_equal(tt_info(t).ssthresh, 7 * MSS);
}

/* RFC 5681 4.1: after an idle time of more than an RTO at most the initial window goes out as a
 * burst. */
static void idle_restart(struct tt *t)
{
	uint32_t snd_max = 1, acked;

	start(t);
	tt_send(t, 70 * MSS);
	for (const struct tt_out *o; (o = tt_next(t)) != NULL;)
		snd_max = tt_seq(t, o) + o->len;
	acked = 1;
	while (acked < 70001) {
		tt_advance(t, RTT);
		acked = snd_max;
		tt_in(t, "A", 1, acked, 0);
		for (const struct tt_out *o; (o = tt_next(t)) != NULL;)
			snd_max = tt_seq(t, o) + o->len;
	}
	assert_true(cwnd(t) >= 40);
	tt_advance(t, 10 * TT_S);
	tt_send(t, 70 * MSS);
	assert_in_range(tt_pending(t), 1, 10);
	tt_drain(t);
}

static void no_restart(struct zs_config *cfg)
{
	cfg->idle_restart = false;
}

static void idle_restart_is_configured(struct tt *t)
{
	start(t);
	tt_send(t, 10 * MSS);
	tt_drain(t);
	tt_in(t, "A", 1, 10001, 0);
	assert_int_equal(cwnd(t), 20);
	tt_advance(t, 10 * TT_S);
	tt_send(t, 30 * MSS);
	assert_int_equal(tt_pending(t), 20);
	tt_drain(t);
}

/* The window grows by what is news: what was SACKed has been replaced by limited transmit. */
static void grows_by_what_is_delivered(struct tt *t, const char *opt, const char *one,
				       const char *two)
{
	tt_connect_passive(t, .opt = opt, .rtt_us = RTT);
	tt_send(t, 20 * MSS);
	tt_expect_run(t, 1, 1, MSS, 10);
	tt_advance(t, RTT);
	tt_in(t, "A", 1, 1, 0, .opt = one);
	tt_expect(t, "A", 10001, 1, MSS);
	tt_in(t, "A", 1, 1, 0, .opt = two);
	tt_expect(t, "A", 11001, 1, MSS);
	tt_in(t, "A", 1, 3001, 0);
	tt_expect_run(t, 12001, 1, MSS, 2);
	tt_expect_none(t);
	assert_int_equal(cwnd(t), 11);
}

static void grows_by_news(struct tt *t)
{
	grows_by_what_is_delivered(t, "mss 1000,sackOK", "nop,nop,sack 1001:2001",
				   "nop,nop,sack 1001:3001");
}

static void grows_by_news_without_sack(struct tt *t)
{
	grows_by_what_is_delivered(t, "mss 1000", NULL, NULL);
}

/* Where segments are known to be reordered, a SACK is as good as an ACK. */
static void grows_by_sacks_of_the_reordered(struct tt *t)
{
	start(t);
	tt_send(t, 10 * MSS);
	tt_drain(t);
	tt_advance(t, RTT);
	tt_in(t, "A", 1, 1, 0, .opt = "nop,nop,sack 9001:10001");
	assert_int_equal(cwnd(t), 10);
	tt_in(t, "A", 1, 1, 0, .opt = "nop,nop,sack 3001:4001 9001:10001");
	assert_int_equal(cwnd(t), 11);
	tt_in(t, "A", 1, 10001, 0);
	assert_int_equal(cwnd(t), 19);
}

/* RFC 9438 4.8: after a timeout the curve is level where congestion avoidance begins. */
static void cubic_after_a_timeout(struct tt *t)
{
	start(t);
	tt_send(t, 10 * MSS);
	tt_drain(t);
	tt_advance(t, 2 * TT_S);
	tt_drain(t);
	assert_int_equal(tt_info(t).ssthresh, 7 * MSS);
	tt_in(t, "A", 1, 10001, 0);
	tt_send(t, 100 * MSS);
	tt_drain(t);
	for (uint32_t at = 10001; at < 24001; at += MSS) {
		tt_in(t, "A", 1, at + MSS, 0);
		tt_drain(t);
		tt_advance(t, 10 * TT_MS);
	}
	assert_in_range(cwnd(t), 7, 8);
}

/* CUBIC and NewReno can be chosen per connection. */
static void chosen_per_connection(struct tt *t)
{
	tt_open(t);
	zs_tcp_opts(t->c->tcb)->cc = ZS_CC_NEWRENO;
	zs_tcp_opts_changed(t->s, t->c->tcb);
	assert_int_equal(tt_connect(t), 0);
	tt_expect(t, "S", 0, 0, 0);
	tt_in(t, "SA", 0, 1, 0, .opt = "mss 1000,sackOK");
	tt_expect(t, "A", 1, 1, 0);
	tt_send(t, 10 * MSS);
	tt_drain(t);
	tt_in(t, "A", 1, 1, 0, .opt = "nop,nop,sack 1001:4001");
	tt_drain(t);
	assert_int_equal(tt_info(t).ssthresh, 5 * MSS);
	tt_in(t, "A", 1, 10001, 0);
	tt_drain(t);
}

static const struct CMUnitTest tests[] = {
	TT(initial_window),
	TT(initial_window_1460),
	TT_CFG(initial_window_jumbo, mtu_9000),
	TT_CFG(initial_window_configured, iw_4),
	TT(slow_start_ack_each),
	TT(slow_start_ack_every_second),
	TT(slow_start_ack_every_fourth),
	TT(ack_division),
	TT(app_limited),
	TT(receiver_limited),
	TT(a_full_flight),
	TT(a_flight_of_nine),
	TT(half_a_flight),
	TT(a_flight_counts_once),
	TT_CFG(newreno_avoidance, newreno),
	TT_CFG(last_full_window_counts, newreno_without_probes),
	TT_CFG(cubic_after_silence, cubic_without_restart),
	TT_CFG(cubic_curve, cubic),
	TT_CFG(cubic_second_loss, cubic),
	TT(one_reduction_per_window),
	TT(idle_restart),
	TT_CFG(idle_restart_is_configured, no_restart),
	TT(grows_by_news),
	TT(grows_by_news_without_sack),
	TT(grows_by_sacks_of_the_reordered),
	TT_CFG(cubic_after_a_timeout, cubic),
	TT(chosen_per_connection),
};

ZS_TEST_MAIN(tests)
