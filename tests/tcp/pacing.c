/* SPDX-License-Identifier: BSD-3-Clause */
/* Pacing (SO_MAX_PACING_RATE, BBR): when segments leave, and how seldom a timer is needed for it.
 */
#include "tests/zs_test.h"
#include "tt.h"

enum { MSS = 1000, RTT = 100 * TT_MS };

static void big_window(struct zs_config *cfg)
{
	cfg->sndbuf = cfg->sndbuf_max = 8 << 20;
	cfg->initial_cwnd_segs = 200;
}

static void bbr(struct zs_config *cfg)
{
	cfg->cc = ZS_CC_BBR;
	cfg->sndbuf = cfg->sndbuf_max = 8 << 20;
}

static void start(struct tt *t, uint32_t rate)
{
	tt_connect_passive(t, .opt = "mss 1000,sackOK,nop,wscale 14", .rtt_us = RTT);
	zs_tcp_opts(t->c->tcb)->max_pacing_rate = rate;
	zs_tcp_opts_changed(t->s, t->c->tcb);
}

/* One megabyte per second: a segment of 1000 bytes each millisecond. */
static void segments_are_spaced(struct tt *t)
{
	start(t, 100000);
	tt_send(t, 4 * MSS);
	tt_expect(t, "A", 1, 1, MSS);
	tt_expect_within(t, 5000 - 130, 5000 + 130, "A", 1001, 1, MSS); /* after a silence */
	for (unsigned i = 2; i < 4; i++)
		tt_expect_within(t, 10000 - 130, 10000 + 130, "A", 1 + i * MSS, 1, MSS);
	tt_expect_none(t);
	assert_int_equal(tt_info(t).pacing_rate, 100000);
}

/* Two by two where that does not take long: a receiver acknowledges the second at once. */
static void segments_go_in_pairs(struct tt *t)
{
	start(t, 1000000);
	tt_send(t, 10 * MSS);
	tt_expect(t, "A", 1, 1, MSS);
	tt_expect(t, "A", 1001, 1, MSS);
	tt_expect_within(t, 1500 - 130, 1500 + 130, "A", 2001, 1, MSS); /* after a silence */
	tt_expect(t, "A", 3001, 1, MSS);
	for (unsigned i = 4; i < 10; i += 2) {
		tt_expect_within(t, 2000 - 130, 2000 + 130, "A", 1 + i * MSS, 1, MSS);
		tt_expect(t, "A", 1001 + i * MSS, 1, MSS);
	}
	tt_expect_none(t);
}

/* What has become due meanwhile goes together: the rate holds, however coarse the clock of the
 * loop. */
static void rate_holds(struct tt *t)
{
	unsigned n = 0;

	start(t, 10000000);
	tt_send(t, 100 * MSS);
	for (unsigned i = 0; i < 5; i++) {
		tt_advance(t, 1000);
		for (const struct tt_out *o; (o = tt_next(t)) != NULL;)
			n++;
	}
	assert_in_range(n, 48, 52);
}

/* A rate beyond the wheel's tick: many segments by one timer. */
static void a_burst_per_tick(struct tt *t)
{
	unsigned bursts = 0, n = 0;
	uint64_t last = UINT64_MAX;

	start(t, 125000000);
	tt_send(t, 150 * MSS);
	tt_advance(t, 2000);
	for (const struct tt_out *o; (o = tt_next(t)) != NULL; n++) {
		bursts += o->at_us != last;
		last = o->at_us;
	}
	assert_int_equal(n, 150);
	assert_in_range(bursts, 10, 25); /* 8 segments in each 64 us */
}

/* After a silence there is no burst for the time in which nothing was to be sent: half a segment of
 * it counts. */
static void no_credit_for_silence(struct tt *t)
{
	start(t, 1000000);
	tt_send(t, 2 * MSS);
	tt_drain(t);
	tt_advance(t, 20 * TT_MS);
	tt_in(t, "A", 1, 2001, 0);
	tt_send(t, 5 * MSS);
	tt_expect(t, "A", 2001, 1, MSS);
	tt_expect(t, "A", 3001, 1, MSS);
	tt_expect_none(t);
	tt_expect_within(t, 1500 - 130, 1500 + 130, "A", 4001, 1, MSS);
	tt_drain(t);
}

static void rate_can_be_lifted(struct tt *t)
{
	start(t, 10000); /* a segment in 100 ms */
	tt_send(t, 3 * MSS);
	tt_expect(t, "A", 1, 1, MSS);
	tt_expect_none(t);
	zs_tcp_opts(t->c->tcb)->max_pacing_rate = 0;
	zs_tcp_opts_changed(t->s, t->c->tcb);
	tt_turn(t);
	tt_expect(t, "A", 1001, 1, MSS);
	tt_expect(t, "A", 2001, 1, MSS);
}

/* Retransmissions are paced too. */
static void retransmissions(struct tt *t)
{
	start(t, 0);
	tt_send(t, 10 * MSS);
	tt_drain(t);
	zs_tcp_opts(t->c->tcb)->max_pacing_rate = 1000000;
	zs_tcp_opts_changed(t->s, t->c->tcb);
	tt_advance(t, RTT);
	tt_in(t, "A", 1, 1, 0, .opt = "nop,nop,sack 4001:10001");
	tt_expect(t, "A", 1, 1, MSS);
	tt_expect(t, "A", 1001, 1, MSS);
	tt_expect_none(t);
	tt_expect_within(t, 1370, 1630, "A", 2001, 1, MSS);
	tt_drain(t);
}

/* BBR begins with the initial window in one round trip, times 2.89. */
static void bbr_paces_from_the_start(struct tt *t)
{
	tt_connect_passive(t, .opt = "mss 1000,sackOK,nop,wscale 14", .rtt_us = RTT);
	tt_send(t, 100 * MSS);
	tt_drain(t);
	tt_advance(t, RTT);
	tt_drain(t);
	tt_in(t, "A", 1, 2001, 0);
	assert_in_range(tt_info(t).pacing_rate, 250000, 350000);
	tt_drain(t);
}

/* Chosen in the middle: what was sent before tells nothing about the rate. */
static void bbr_chosen_later(struct tt *t)
{
	start(t, 0);
	tt_send(t, 10 * MSS);
	tt_drain(t);
	zs_tcp_opts(t->c->tcb)->cc = ZS_CC_BBR;
	zs_tcp_opts_changed(t->s, t->c->tcb);
	tt_advance(t, RTT);
	tt_in(t, "A", 1, 10001, 0);
	assert_in_range(tt_info(t).pacing_rate, 1, 6000000);
	zs_tcp_opts(t->c->tcb)->cc = ZS_CC_CUBIC;
	zs_tcp_opts_changed(t->s, t->c->tcb);
	assert_int_equal(tt_info(t).pacing_rate, 0);
}

/* All that is out is acknowledged after a round trip. */
static void round_trip(struct tt *t)
{
	tt_advance(t, RTT);
	tt_drain(t);
	tt_in(t, "A", 1, (uint32_t)tt_info(t).bytes_acked + tt_info(t).unacked + 1, 0);
	tt_drain(t);
}

/* Small messages tell nothing of the bandwidth, however many: what it was before is known still. */
static void bbr_remembers_in_small_talk(struct tt *t)
{
	uint64_t rate;

	tt_connect_passive(t, .opt = "mss 1000,sackOK", .rtt_us = RTT, .wnd = 10 * MSS);
	tt_send(t, 150 * MSS);
	while (tt_info(t).snd_queued > 0)
		round_trip(t);
	rate = tt_info(t).bbr.bytes_per_s;
	assert_in_range(rate, 50000, 110000);
	for (unsigned i = 0; i < 30; i++) {
		tt_send(t, 10);
		round_trip(t);
	}
	assert_int_equal(tt_info(t).bbr.bytes_per_s, rate);
	assert_true(tt_info(t).pacing_rate > rate / 2);
}

static void pace(struct zs_config *cfg)
{
	cfg->pace = true;
	cfg->cc = ZS_CC_NEWRENO;
	cfg->hystart = ZS_HYSTART_OFF;
	cfg->sndbuf = cfg->sndbuf_max = 8 << 20;
}

/* A window of slow start goes out in half a round trip; before there is an ACK nothing is known. */
static void window_is_spread(struct tt *t)
{
	tt_connect_passive(t, .opt = "mss 1000,sackOK,nop,wscale 14", .rtt_us = RTT);
	tt_send(t, 100 * MSS);
	for (unsigned i = 0; i < 10; i++)
		tt_expect(t, "A", 1 + i * MSS, 1, MSS);
	tt_advance(t, RTT);
	tt_in(t, "A", 1, 10001, 0);
	assert_int_equal(tt_info(t).pacing_rate, 400000); /* 20 segments, 100 ms, twice */
	tt_expect(t, "A", 10001, 1, MSS);
	tt_expect(t, "A", 11001, 1, MSS);
	tt_expect_within(t, 3750 - 130, 3750 + 130, "A", 12001, 1, MSS);
	tt_expect(t, "A", 13001, 1, MSS);
	for (unsigned i = 14; i < 30; i += 2) {
		tt_expect_within(t, 5000 - 130, 5000 + 130, "A", 1 + i * MSS, 1, MSS);
		tt_expect(t, "A", 1001 + i * MSS, 1, MSS);
	}
	tt_expect_none(t);
}

/* Where it grows slowly it takes five sixths of one. */
static void window_is_spread_further(struct tt *t)
{
	tt_connect_passive(t, .opt = "mss 1000,sackOK,nop,wscale 14", .rtt_us = RTT);
	tt_send(t, 100 * MSS);
	tt_drain(t);
	tt_advance(t, RTT);
	tt_in(t, "A", 1, 1, 0, .opt = "nop,nop,sack 3001:10001");
	tt_advance(t, RTT);
	tt_in(t, "A", 1, 16001, 0);
	assert_true(tt_info(t).cwnd >= tt_info(t).ssthresh);
	assert_int_equal(tt_info(t).pacing_rate,
			 (uint64_t)tt_info(t).cwnd * 100000 / tt_info(t).srtt_us * 12);
	tt_drain(t);
}

static const struct CMUnitTest tests[] = {
	TT_CFG(segments_are_spaced, big_window),
	TT_CFG(segments_go_in_pairs, big_window),
	TT_CFG(rate_holds, big_window),
	TT_CFG(a_burst_per_tick, big_window),
	TT_CFG(no_credit_for_silence, big_window),
	TT_CFG(rate_can_be_lifted, big_window),
	TT(retransmissions),
	TT_CFG(bbr_paces_from_the_start, bbr),
	TT_CFG(bbr_chosen_later, big_window),
	TT_CFG(bbr_remembers_in_small_talk, bbr),
	TT_CFG(window_is_spread, pace),
	TT_CFG(window_is_spread_further, pace),
};

ZS_TEST_MAIN(tests)
