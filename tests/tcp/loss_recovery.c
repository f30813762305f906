/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Fast retransmit and recovery: RFC 5681 3.2, limited transmit (RFC 3042), NewReno (RFC 6582), SACK
 * (RFC 6675). Always 1000-byte segments, ten in flight, a round trip of 100 ms.
 */
#include <stdio.h>

#include "tests/zs_test.h"
#include "tt.h"

enum { MSS = 1000 };

static void start(struct tt *t, const char *opt, uint32_t bytes)
{
	tt_connect_passive(t, .opt = opt, .rtt_us = 100 * TT_MS);
	tt_send(t, bytes);
	tt_expect_run(t, 1, 1, MSS, 10);
	tt_expect_none(t);
	tt_advance(t, 50 * TT_MS);
}

static void start_plain(struct tt *t, uint32_t bytes)
{
	start(t, "mss 1000", bytes);
}

static void start_sack(struct tt *t, uint32_t bytes)
{
	start(t, "mss 1000,sackOK", bytes);
}

static void dupack(struct tt *t)
{
	tt_in(t, "A", 1, 1, 0);
}

/* RFC 5681 3.2: the third duplicate ACK, not before. */
static void third_dupack(struct tt *t)
{
	start_plain(t, 10 * MSS);
	dupack(t);
	dupack(t);
	tt_expect_none(t);
	dupack(t);
	tt_expect(t, "A", 1, 1, MSS);
	tt_expect_none(t);
	tt_in(t, "A", 1, 10001, 0);
	tt_expect_none(t);
	assert_int_equal(tt_info(t).bytes_retx, MSS);
	assert_int_equal(tt_stats(t)->tcp_fast_retx, 1);
	assert_int_equal(tt_stats(t)->tcp_rto, 0);
}

/* RFC 5681 3.2: the lost segment, all of it, of however many buffers it is. */
static void third_dupack_of_buffers(struct tt *t)
{
	tt_connect_passive(t, .opt = "mss 1000", .rtt_us = 100 * TT_MS);
	assert_int_equal(tt_send_bufs(t, 10 * MSS, MSS / 4), 0);
	tt_expect_run(t, 1, 1, MSS, 10);
	for (unsigned i = 0; i < 3; i++)
		dupack(t);
	tt_expect(t, "A", 1, 1, MSS);
	tt_expect_none(t);
	tt_in(t, "A", 1, 5001, 0);
	tt_expect(t, "A", 5001, 1, MSS);
	tt_expect_none(t);
	tt_in(t, "A", 1, 10001, 0);
}

/* Of small segments, that is one of them. */
static void third_dupack_of_small(struct tt *t)
{
	tt_connect_passive(t, .opt = "mss 1000", .rtt_us = 100 * TT_MS);
	zs_tcp_opts(t->c->tcb)->nodelay = true;
	zs_tcp_opts_changed(t->s, t->c->tcb);
	for (unsigned i = 0; i < 5; i++) {
		assert_int_equal(tt_send_bufs(t, 100, 50), 0);
		tt_expect(t, "PA", 1 + 100 * i, 1, 100);
		tt_advance(t, TT_MS);
	}
	for (unsigned i = 0; i < 3; i++)
		dupack(t);
	tt_expect(t, "PA", 1, 1, 100);
	tt_expect_none(t);
	tt_in(t, "A", 1, 501, 0);
}

/* RFC 5681 2: not duplicates: data, another window, SYN or FIN, nothing outstanding. */
static void not_duplicates(struct tt *t)
{
	start_plain(t, 10 * MSS);
	dupack(t);
	dupack(t);
	tt_in(t, "A", 1, 1, 0, .wnd = 60000);
	tt_in(t, "A", 1, 1, 0, .wnd = 60001);
	tt_in(t, "A", 1, 1, 10, .wnd = 60001);
	tt_expect(t, "A", 10001, 11, 0);
	tt_expect_none(t);
	assert_int_equal(tt_info(t).bytes_retx, 0);
	tt_read(t, 10);
	tt_in(t, "A", 11, 10001, 0);
	tt_in(t, "A", 11, 10001, 0);
	tt_in(t, "A", 11, 10001, 0);
	tt_in(t, "A", 11, 10001, 0);
	tt_in(t, "A", 11, 10001, 0);
	tt_expect_none(t);
	assert_int_equal(tt_info(t).ca_state, 0);
}

/* RFC 3042: one new segment for each of the first two duplicate ACKs. */
static void limited_transmit(struct tt *t)
{
	start_plain(t, 20 * MSS);
	dupack(t);
	tt_expect(t, "A", 10001, 1, MSS);
	tt_expect_none(t);
	dupack(t);
	tt_expect(t, "A", 11001, 1, MSS);
	tt_expect_none(t);
	dupack(t);
	tt_expect(t, "A", 1, 1, MSS);
	tt_drain(t);
	tt_in(t, "A", 1, 12001, 0);
	tt_drain(t);
}

static void limited_transmit_sack(struct tt *t)
{
	start_sack(t, 20 * MSS);
	tt_in(t, "A", 1, 1, 0, .opt = "nop,nop,sack 1001:2001");
	tt_expect(t, "A", 10001, 1, MSS);
	tt_expect_none(t);
	tt_in(t, "A", 1, 1, 0, .opt = "nop,nop,sack 1001:3001");
	tt_expect(t, "A", 11001, 1, MSS);
	tt_expect_none(t);
	tt_in(t, "A", 1, 1, 0, .opt = "nop,nop,sack 1001:4001");
	tt_expect(t, "A", 1, 1, MSS);
	tt_drain(t);
	tt_in(t, "A", 1, 12001, 0);
	tt_drain(t);
}

/* RFC 3042: not beyond the peer's window. */
static void limited_transmit_window(struct tt *t)
{
	tt_connect_passive(t, .opt = "mss 1000", .rtt_us = 100 * TT_MS, .wnd = 11000);
	tt_send(t, 20 * MSS);
	tt_expect_run(t, 1, 1, MSS, 10);
	dupack(t);
	tt_expect(t, "A", 10001, 1, MSS);
	dupack(t);
	tt_expect_none(t);
}

/* RFC 3042: it takes new data, and leaves cwnd alone. */
static void limited_transmit_nothing_new(struct tt *t)
{
	start_plain(t, 10 * MSS);
	dupack(t);
	dupack(t);
	tt_expect_none(t);
	assert_int_equal(tt_info(t).cwnd, 10 * MSS);
	tt_send(t, MSS);
	tt_expect(t, "A", 10001, 1, MSS); /* it comes late, and goes all the same */
	assert_int_equal(tt_info(t).cwnd, 10 * MSS);
	assert_int_equal(tt_info(t).ca_state, 0);
	tt_in(t, "A", 1, 11001, 0);
}

/* RFC 6582 3.2: a partial ACK repeats the next hole at once, without three more duplicates. */
static void newreno_partial_ack(struct tt *t)
{
	start_plain(t, 10 * MSS);
	for (unsigned i = 0; i < 7; i++)
		dupack(t);
	tt_expect(t, "A", 1, 1, MSS);
	tt_expect_none(t);
	tt_in(t, "A", 1, 3001, 0);
	tt_expect(t, "A", 3001, 1, MSS);
	tt_expect_none(t);
	tt_in(t, "A", 1, 7001, 0);
	tt_expect(t, "A", 7001, 1, MSS);
	tt_expect_none(t);
	assert_int_equal(tt_info(t).ca_state, 1);
	tt_in(t, "A", 1, 10001, 0);
	tt_expect_none(t);
	assert_int_equal(tt_info(t).ca_state, 0);
	assert_int_equal(tt_info(t).bytes_retx, 3 * MSS);
	assert_int_equal(tt_stats(t)->tcp_rto, 0);
	tt_expect_quiet(t, 10 * TT_S);
}

/* RFC 6582 3.2 step 2: a partial ACK shifts the timer, so one hole per round trip never times out.
 */
static void newreno_no_timeout(struct tt *t)
{
	start_plain(t, 10 * MSS);
	for (unsigned i = 0; i < 4; i++)
		dupack(t);
	tt_expect(t, "A", 1, 1, MSS);
	for (unsigned i = 1; i < 6; i++) {
		tt_advance(t, 100 * TT_MS);
		tt_in(t, "A", 1, 1 + i * MSS, 0);
		tt_expect(t, "A", 1 + i * MSS, 1, MSS);
		tt_expect_none(t);
	}
	tt_in(t, "A", 1, 10001, 0);
	assert_int_equal(tt_stats(t)->tcp_rto, 0);
}

/* RFC 6582 3.2 step 1, 4: after recovery, old duplicates below `recover` start nothing. */
static void no_second_recovery(struct tt *t)
{
	start_plain(t, 10 * MSS);
	for (unsigned i = 0; i < 6; i++)
		dupack(t);
	tt_expect(t, "A", 1, 1, MSS);
	tt_expect_none(t);
	tt_in(t, "A", 1, 10001, 0);
	tt_expect_none(t);
	tt_send(t, 2 * MSS); /* RFC 6582 3.2: at most one more than what is in flight, here none */
	tt_expect_run(t, 10001, 1, MSS, 2);
	tt_in(t, "A", 1, 10001, 0);
	tt_in(t, "A", 1, 10001, 0);
	tt_expect_none(t);
	tt_in(t, "A", 1, 12001, 0);
	assert_int_equal(tt_stats(t)->tcp_fast_retx, 1);
}

/*
 * RFC 6582 3.2 steps 1 and 4: after a timeout, too, duplicate ACKs of what was the highest number
 * then are the answers to what was repeated for nothing.
 */
static void no_recovery_after_timeout(struct tt *t)
{
	start_plain(t, 20 * MSS);
	tt_expect_within(t, 240 * TT_MS, 260 * TT_MS, "A", 1, 1, MSS);
	tt_in(t, "A", 1, 1001, 0);
	tt_drain(t);
	tt_in(t, "A", 1, 10001, 0);
	tt_drain(t);
	for (unsigned i = 0; i < 4; i++)
		tt_in(t, "A", 1, 10001, 0);
	tt_drain(t);
	assert_int_equal(tt_stats(t)->tcp_fast_retx, 0);
	tt_in(t, "A", 1, 11001, 0); /* beyond that they count again */
	tt_drain(t);
	for (unsigned i = 0; i < 3; i++)
		tt_in(t, "A", 1, 11001, 0);
	assert_int_equal(tt_stats(t)->tcp_fast_retx, 1);
	tt_drain(t);
	tt_in(t, "A", 1, 20001, 0);
}

/* RFC 5681 3.1: one segment after a timeout, and no more for the duplicate ACKs of what was before.
 */
static void dupacks_after_timeout(struct tt *t)
{
	start_plain(t, 10 * MSS);
	tt_expect_within(t, 240 * TT_MS, 260 * TT_MS, "A", 1, 1, MSS);
	for (unsigned i = 0; i < 9; i++)
		dupack(t);
	tt_expect_none(t);
	tt_in(t, "A", 1, 1001, 0);
	tt_expect_run(t, 1001, 1, MSS, 2);
	tt_expect_none(t);
	tt_in(t, "A", 1, 10001, 0);
}

/*
 * RFC 6675 6: the timeout counts from when the first segment was repeated. On a long path two round
 * trips, which that takes to be acknowledged, are more than the timeout.
 */
static void timeout_counts_from_the_repeated(struct tt *t)
{
	tt_connect_passive(t, .opt = "mss 1000,sackOK", .rtt_us = 400 * TT_MS);
	for (unsigned i = 0; i < 8; i++) { /* a steady round trip: RTO is hardly more than 600 ms */
		tt_send(t, MSS);
		tt_drain(t);
		tt_advance(t, 400 * TT_MS);
		tt_in(t, "A", 1, (i + 1) * MSS + 1, 0);
	}
	tt_send(t, 10 * MSS);
	tt_expect_run(t, 8001, 1, MSS, 10);
	tt_advance(t, 400 * TT_MS);
	tt_in(t, "A", 1, 8001, 0, .opt = "nop,nop,sack 9001:18001");
	tt_expect(t, "A", 8001, 1, MSS);
	tt_expect_quiet(t, 400 * TT_MS);
	tt_in(t, "A", 1, 18001, 0);
	assert_int_equal(tt_stats(t)->tcp_rto, 0);
}

static void newreno_cc(struct zs_config *cfg)
{
	cfg->cc = ZS_CC_NEWRENO;
}

/*
 * RFC 5681 equation 4: no more than half of FlightSize. What duplicate ACKs say has left counts as
 * gone (in a bulk transfer limited transmit replaces it). After recovery cwnd is at most that.
 */
static void newreno_halves(struct tt *t)
{
	start_plain(t, 10 * MSS);
	dupack(t);
	dupack(t);
	dupack(t);
	tt_drain(t);
	assert_in_range(tt_info(t).ssthresh, 4 * MSS, 5 * MSS);
	tt_in(t, "A", 1, 10001, 0);
	assert_in_range(tt_info(t).cwnd, MSS, 5 * MSS);
}

/* RFC 9438 4.6: beta is 0.7. RFC 6675 5: after recovery the window is that, whatever is in flight.
 */
static void cubic_beta(struct tt *t)
{
	start_sack(t, 10 * MSS);
	tt_in(t, "A", 1, 1, 0, .opt = "nop,nop,sack 1001:4001");
	tt_drain(t);
	assert_int_equal(tt_info(t).ssthresh, 7 * MSS);
	tt_in(t, "A", 1, 10001, 0);
	assert_int_equal(tt_info(t).cwnd, 7 * MSS);
}

/* RFC 6675 4 IsLost: three segments' worth SACKed above are enough, in one ACK. */
static void sack_one_ack_is_enough(struct tt *t)
{
	start_sack(t, 10 * MSS);
	tt_in(t, "A", 1, 1, 0, .opt = "nop,nop,sack 1001:3001");
	tt_expect_none(t);
	tt_in(t, "A", 1, 1, 0, .opt = "nop,nop,sack 1001:4001");
	tt_expect(t, "A", 1, 1, MSS);
	tt_expect_none(t);
	tt_in(t, "A", 1, 10001, 0);
	tt_expect_none(t);
	assert_int_equal(tt_stats(t)->tcp_rto, 0);
}

/* A single byte SACKed at the end says nothing about loss (RFC 6675 4: bytes and segments count).
 */
static void sack_of_last_byte(struct tt *t)
{
	start_sack(t, 10 * MSS);
	tt_in(t, "A", 1, 1, 0, .opt = "nop,nop,sack 10000:10001");
	tt_expect_none(t);
	assert_int_equal(tt_info(t).lost, 0);
	tt_in(t, "A", 1, 10001, 0);
}

/* RFC 8985 6.2: two holes; in recovery the second is known at once. Then new data. */
static void sack_two_holes(struct tt *t)
{
	start_sack(t, 20 * MSS);
	/* 1 and 5 are lost */
	tt_in(t, "A", 1, 1, 0, .opt = "nop,nop,sack 1001:2001");
	tt_in(t, "A", 1, 1, 0, .opt = "nop,nop,sack 1001:3001");
	tt_expect_run(t, 10001, 1, MSS, 2);
	tt_in(t, "A", 1, 1, 0, .opt = "nop,nop,sack 1001:4001");
	tt_expect(t, "A", 1, 1, MSS);
	tt_drain(t);
	tt_in(t, "A", 1, 1, 0, .opt = "nop,nop,sack 5001:6001 1001:4001");
	assert_int_equal(tt_info(t).lost, 2 * MSS);
	tt_in(t, "A", 1, 1, 0, .opt = "nop,nop,sack 5001:7001 1001:4001");
	tt_in(t, "A", 1, 1, 0, .opt = "nop,nop,sack 5001:8001 1001:4001");
	tt_in(t, "A", 1, 1, 0, .opt = "nop,nop,sack 5001:9001 1001:4001");
	tt_in(t, "A", 1, 1, 0, .opt = "nop,nop,sack 5001:12001 1001:4001");
	assert_true(tt_pending(t) >= 1);
	tt_expect(t, "A", 4001, 1, MSS);
	tt_drain(t);
	assert_int_equal(tt_info(t).bytes_retx, 2 * MSS);
	assert_int_equal(tt_stats(t)->tcp_rto, 0);
	tt_in(t, "A", 1, 12001, 0);
	tt_drain(t);
}

/* Pipe (RFC 6675 4): with ssthresh in flight, what is delivered is replaced, not more. */
static void sack_pipe_is_respected(struct tt *t)
{
	start_sack(t, 60 * MSS);
	for (unsigned i = 2; i <= 10; i++) {
		struct tt_seg ack = { .flags = "A", .seq = 1, .ack = 1 };
		char opt[64];

		snprintf(opt, sizeof(opt), "nop,nop,sack 1001:%u", i * MSS + 1);
		ack.opt = opt;
		tt_in_(t, ack, __FILE__, __LINE__);
		assert_in_range(tt_info(t).inflight, 0, 12 * MSS);
		if (i >= 9)
			assert_in_range(tt_info(t).inflight, 0, 8 * MSS);
	}
	tt_drain(t);
}

/* A retransmission that is lost as well is repaired by the timeout. */
static void lost_retransmission(struct tt *t)
{
	start_plain(t, 10 * MSS);
	dupack(t);
	dupack(t);
	dupack(t);
	tt_expect(t, "A", 1, 1, MSS);
	for (unsigned i = 0; i < 6; i++)
		dupack(t);
	tt_drain(t);
	tt_expect_within(t, 150 * TT_MS, 320 * TT_MS, "A", 1, 1, MSS);
	assert_int_equal(tt_stats(t)->tcp_rto, 1);
	tt_in(t, "A", 1, 10001, 0);
	tt_expect_none(t);
}

/* ARCHITECTURE 6: the device still holds the first copy when the segment goes out again. */
static void retransmit_while_held(struct tt *t)
{
	tt_connect_passive(t, .opt = "mss 1000,sackOK", .rtt_us = 100 * TT_MS);
	t->hold_tx = true;
	assert_int_equal(tt_send_bufs(t, 10 * MSS, 1000), 0);
	tt_expect_run(t, 1, 1, MSS, 10);
	tt_in(t, "A", 1, 1, 50); /* another ACK field in the second copy */
	tt_expect(t, "A", 10001, 51, 0);
	tt_in(t, "A", 51, 1, 0, .opt = "nop,nop,sack 1001:4001");
	tt_expect(t, "A", 1, 51, MSS);
	tt_advance(t, 400 * TT_MS);
	assert_true(tt_pending(t) > 0);
	while (tt_pending(t) > 0)
		tt_expect(t, "A", tt_seq(t, &t->out[t->out_head % 4096]), 51,
			  t->out[t->out_head % 4096].len);
	tt_in(t, "A", 51, 10001, 0); /* all acknowledged while the device holds all */
	tt_release_tx(t);
	tt_read(t, 50);
	tt_drain(t);
	assert_int_equal(tt_stats(t)->copies, 0);
}

static void one_buffer(struct zs_config *cfg)
{
	cfg->netif[0].offloads &= ~(uint32_t)ZS_OFF_TX_MULTI_SEG;
}

/* A device that takes one buffer a packet, and gives buffers back when it is called: no copy. */
static void retransmit_of_one_buffer(struct tt *t)
{
	uint64_t before;

	tt_connect_passive(t, .opt = "mss 1000,sackOK", .rtt_us = 100 * TT_MS);
	before = tt_stats(t)->copies; /* of neighbour discovery */
	t->hold_tx = true;
	assert_int_equal(tt_send_bufs(t, 10 * MSS, 1000), 0);
	tt_expect_run(t, 1, 1, MSS, 10);
	tt_in(t, "A", 1, 1, 0, .opt = "nop,nop,sack 1001:4001");
	tt_expect(t, "A", 1, 1, MSS);
	tt_in(t, "A", 1, 10001, 0);
	tt_release_tx(t);
	tt_expect_none(t);
	assert_int_equal(tt_stats(t)->copies, before);
}

/* The same through partial acknowledgment: half a segment is acknowledged, the rest repeated. */
static void partial_segment_acked(struct tt *t)
{
	const struct tt_out *o;

	start_plain(t, 10 * MSS);
	tt_in(t, "A", 1, 501, 0);
	tt_drain(t);
	for (unsigned i = 0; i < 3; i++)
		tt_in(t, "A", 1, 501, 0);
	o = tt_next(t);
	assert_non_null(o);
	assert_int_equal(tt_seq(t, o), 501);
	assert_in_range(o->len, 500, 1000);
	for (uint32_t i = 0; i < o->len; i++)
		assert_int_equal(o->payload[i], tt_our_byte(501 + i));
	tt_drain(t);
	tt_in(t, "A", 1, 10001, 0);
	tt_drain(t);
}

/* Many small writes: a retransmission repeats their bytes, whatever the boundaries. */
static void retransmit_of_small_writes(struct tt *t)
{
	tt_connect_passive(t, .opt = "mss 1000", .rtt_us = 100 * TT_MS);
	zs_tcp_opts(t->c->tcb)->nodelay = true;
	zs_tcp_opts_changed(t->s, t->c->tcb);
	for (unsigned i = 0; i < 8; i++) {
		assert_int_equal(tt_send_bufs(t, 101, 40), 0);
		tt_expect(t, "PA", 1 + 101 * i, 1, 101);
	}
	tt_advance(t, 290 * TT_MS);
	tt_expect_none(t);
	tt_advance(t, 20 * TT_MS);
	tt_expect(t, "A", 1, 1, tt_pending(t) > 0 ? t->out[t->out_head % 4096].len : 0);
	tt_drain(t);
	tt_in(t, "A", 1, 809, 0);
	tt_expect_none(t);
}

/* Data larger than any packet in one buffer (rule 1 and 2 of ARCHITECTURE 6): cut, never copied. */
static void big_buffers(struct tt *t)
{
	tt_connect_passive(t, .opt = "mss 1000,sackOK", .rtt_us = 100 * TT_MS);
	assert_int_equal(tt_send_bufs(t, 50000, 25000), 0);
	tt_expect_run(t, 1, 1, MSS, 10);
	tt_in(t, "A", 1, 1, 0, .opt = "nop,nop,sack 1001:4001 5001:10001");
	tt_expect(t, "A", 1, 1, MSS);
	tt_drain(t);
	for (uint32_t acked = 10001; acked < 50001;) {
		const struct tt_out *o;

		tt_in(t, "A", 1, acked, 0);
		while ((o = tt_next(t)) != NULL)
			if (tt_seq(t, o) + o->len > acked)
				acked = tt_seq(t, o) + o->len;
	}
	tt_in(t, "A", 1, 50001, 0);
	assert_int_equal(tt_stats(t)->copies, 0);
	assert_int_equal(zs_tcp_acked(t->c->tcb), 50000);
}

/* FIN lost behind data: the probe repeats it; data is not repeated. */
static void lost_fin(struct tt *t)
{
	start_sack(t, 10 * MSS);
	tt_shutdown(t, ZS_SHUT_WR);
	tt_expect(t, "FA", 10001, 1, 0);
	tt_in(t, "A", 1, 10001, 0);
	tt_expect_none(t);
	tt_advance(t, 300 * TT_MS);
	tt_expect(t, "FA", 10001, 1, 0);
	tt_in(t, "A", 1, 10002, 0);
	tt_expect_state(t, ZS_FIN_WAIT_2);
}

static const struct CMUnitTest tests[] = {
	TT(third_dupack),
	TT(third_dupack_of_buffers),
	TT(third_dupack_of_small),
	TT(not_duplicates),
	TT(limited_transmit),
	TT(limited_transmit_sack),
	TT(limited_transmit_window),
	TT(limited_transmit_nothing_new),
	TT(newreno_partial_ack),
	TT(newreno_no_timeout),
	TT(no_second_recovery),
	TT(no_recovery_after_timeout),
	TT(dupacks_after_timeout),
	TT(timeout_counts_from_the_repeated),
	TT_CFG(newreno_halves, newreno_cc),
	TT(cubic_beta),
	TT(sack_one_ack_is_enough),
	TT(sack_of_last_byte),
	TT(sack_two_holes),
	TT(sack_pipe_is_respected),
	TT(lost_retransmission),
	TT(retransmit_while_held),
	TT_CFG(retransmit_of_one_buffer, one_buffer),
	TT(partial_segment_acked),
	TT(retransmit_of_small_writes),
	TT(big_buffers),
	TT(lost_fin),
};

ZS_TEST_MAIN(tests)
