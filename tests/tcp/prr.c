/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Proportional rate reduction (RFC 6937) as seen on the wire: 20 segments of 1000 bytes in flight,
 * NewReno, so that the window has to come down to 10.
 */
#include <stdio.h>

#include "tests/zs_test.h"
#include "tt.h"

enum { MSS = 1000, FLIGHT = 20, RTT = 100 * TT_MS };

static void twenty(struct zs_config *cfg)
{
	cfg->cc = ZS_CC_NEWRENO;
	cfg->initial_cwnd_segs = FLIGHT;
}

/* How many segments, which are forgotten, an ACK was answered with. */
static unsigned answers(struct tt *t)
{
	unsigned n = tt_pending(t);

	tt_drain(t);
	return n;
}

static void start_of(struct tt *t, unsigned segs)
{
	tt_connect_passive(t, .opt = "mss 1000,sackOK", .rtt_us = RTT);
	tt_send(t, segs * MSS);
	assert_int_equal(answers(t), FLIGHT);
	tt_advance(t, RTT);
}

static void start(struct tt *t)
{
	start_of(t, 100);
}

/* SACK of [from, to], in segments from the first that is in flight. */
static unsigned sack(struct tt *t, unsigned from, unsigned to)
{
	struct tt_seg ack = { .flags = "A", .seq = 1, .ack = 1 };
	char opt[64];

	snprintf(opt, sizeof(opt), "nop,nop,sack %u:%u", 1 + from * MSS, 1 + (to + 1) * MSS);
	ack.opt = opt;
	tt_in_(t, ack, __FILE__, __LINE__);
	return answers(t);
}

/* RFC 6937 3: one loss: one segment goes out for every two that were delivered, evenly. */
static void one_loss(struct tt *t)
{
	unsigned flight, sent = 0;

	start(t);
	flight = tt_info(t).inflight / MSS;
	assert_int_equal(flight, FLIGHT);
	sent = sack(t, 1, 1) + sack(t, 1, 2); /* limited transmit (RFC 3042) */
	assert_int_equal(sent, 2);
	sent = sack(t, 1, 3); /* the retransmission */
	assert_int_equal(sent, 1);
	for (unsigned i = 4; i < flight; i++) {
		unsigned n = sack(t, 1, i);

		assert_in_range(n, 0, 1);
		sent += n;
		assert_in_range(2 * sent + 4, i - 3, i + 3);
	}
	assert_in_range(tt_info(t).inflight, tt_info(t).ssthresh - 2 * MSS, tt_info(t).ssthresh);
	tt_in(t, "A", 1, (FLIGHT + 2) * MSS + 1, 0);
	tt_drain(t);
	assert_int_equal(tt_info(t).cwnd, tt_info(t).ssthresh);
}

/* RFC 6937 3: many losses: below ssthresh, no more goes out than is delivered, and one more. */
static void burst_loss(struct tt *t)
{
	start(t);
	assert_in_range(sack(t, 12, 12) + sack(t, 12, 13), 2, 2);
	assert_in_range(sack(t, 12, 14), 1, 2);
	for (unsigned i = 15; i < FLIGHT; i++)
		assert_in_range(sack(t, 12, i), 0, 2);
	assert_in_range(tt_info(t).inflight, 0, tt_info(t).ssthresh);
	/* retransmissions arrive: progress without further loss */
	tt_advance(t, RTT);
	for (unsigned i = 1; i <= 4; i++) {
		tt_in(t, "A", 1, i * MSS + 1, 0, .opt = "");
		assert_in_range(answers(t), 1, 3);
	}
	assert_in_range(tt_info(t).inflight, 0, tt_info(t).ssthresh);
	assert_int_equal(tt_stats(t)->tcp_rto, 0);
}

/* The segments from 4 to 9, and from 16 to `to`, have arrived. */
static unsigned sack_two(struct tt *t, unsigned to)
{
	struct tt_seg ack = { .flags = "A", .seq = 1, .ack = 1 };
	char opt[64];

	snprintf(opt, sizeof(opt), "nop,nop,sack %u:%u %u:%u", 1 + 16 * MSS, 1 + (to + 1) * MSS,
		 1 + 4 * MSS, 1 + 10 * MSS);
	ack.opt = opt;
	tt_in_(t, ack, __FILE__, __LINE__);
	return answers(t);
}

/*
 * RFC 6937 3: the first four and six more of twenty are lost: one recovery, no timeout, and no
 * burst but of what was delivered and not replaced before the six were missed.
 */
static void scattered_losses(struct tt *t)
{
	static const unsigned next[] = { 1, 2, 3, 10, 11, 12, 13, 14, 15, 22 };

	start_of(t, 22);
	assert_int_equal(sack(t, 4, 4) + sack(t, 4, 5), 2); /* limited transmit: 20 and 21 */
	for (unsigned i = 6; i <= 9; i++) {
		tt_advance(t, TT_MS);
		assert_in_range(sack(t, 4, i), 0, 2);
	}
	for (unsigned i = 16; i <= 19; i++) {
		tt_advance(t, TT_MS);
		assert_in_range(sack_two(t, i), 0, i == 16 ? 4 : 2);
	}
	tt_advance(t, RTT - 8 * TT_MS);
	assert_in_range(sack_two(t, 20), 0, 2);
	assert_in_range(sack_two(t, 21), 0, 2);
	for (unsigned i = 0; i < sizeof(next) / sizeof(next[0]); i++) {
		assert_true(tt_info(t).bytes_retx >= (i + 1) * MSS); /* it is on its way already */
		tt_advance(t, i < 6 ? TT_MS : RTT);
		tt_in(t, "A", 1, 1 + next[i] * MSS, 0);
		assert_in_range(answers(t), 0, 3);
		assert_in_range(tt_info(t).inflight, 0, tt_info(t).ssthresh);
	}
	assert_int_equal(tt_info(t).bytes_retx, 10 * MSS);
	assert_int_equal(tt_stats(t)->tcp_fast_retx, 1);
	assert_int_equal(tt_stats(t)->tcp_rto, 0);
	assert_int_equal(tt_info(t).ca_state, 0);
}

/* One reduction for the whole recovery, and in the end cwnd is ssthresh (RFC 6937 3). */
static void ends_at_ssthresh(struct tt *t)
{
	uint32_t ssthresh;

	start(t);
	(void)sack(t, 1, 9);
	ssthresh = tt_info(t).ssthresh;
	assert_in_range(ssthresh, 9 * MSS, 10 * MSS);
	(void)sack(t, 11, 15);
	(void)sack(t, 17, 19);
	assert_int_equal(tt_info(t).ssthresh, ssthresh);
	tt_advance(t, RTT);
	tt_in(t, "A", 1, (FLIGHT + 5) * MSS + 1, 0);
	tt_drain(t);
	assert_int_equal(tt_info(t).ssthresh, ssthresh);
}

/* Without SACK likewise, by what duplicate ACKs say (RFC 6937 3). */
static void without_sack(struct tt *t)
{
	unsigned sent = 0;

	tt_connect_passive(t, .opt = "mss 1000", .rtt_us = RTT);
	tt_send(t, 100 * MSS);
	assert_int_equal(answers(t), FLIGHT);
	for (unsigned i = 1; i < FLIGHT; i++) {
		tt_in(t, "A", 1, 1, 0);
		assert_in_range(tt_pending(t), 0, 1);
		sent += answers(t);
	}
	assert_in_range(sent, 10, 13);
	assert_in_range(tt_info(t).inflight, 8 * MSS, 11 * MSS);
}

static const struct CMUnitTest tests[] = {
	TT_CFG(one_loss, twenty),	  TT_CFG(burst_loss, twenty),
	TT_CFG(scattered_losses, twenty), TT_CFG(ends_at_ssthresh, twenty),
	TT_CFG(without_sack, twenty),
};

ZS_TEST_MAIN(tests)
