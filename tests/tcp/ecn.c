/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Explicit congestion notification, clause by clause of RFC 3168: who asks and who agrees (6.1.1),
 * what is marked (6.1.4 to 6.1.6), the receiver's echo (6.1.3), the sender's reaction (6.1.2), and
 * peers and paths that do it wrong.
 */
#include "tests/zs_test.h"
#include "tt.h"

enum { MSS = 1000, RTT = 100 * TT_MS };

static const char syn_opt[] = "mss 1000,sackOK,nop,wscale 7";

static void on(struct zs_config *cfg)
{
	cfg->ecn = ZS_ECN_ON;
	cfg->cc = ZS_CC_NEWRENO;
}

static void passive(struct zs_config *cfg)
{
	cfg->ecn = ZS_ECN_PASSIVE;
	cfg->cc = ZS_CC_NEWRENO;
}

static void off(struct zs_config *cfg)
{
	cfg->ecn = ZS_ECN_OFF;
}

static void retry_once(struct zs_config *cfg)
{
	on(cfg);
	cfg->ecn_retries = 1;
}

static void cubic(struct zs_config *cfg)
{
	cfg->ecn = ZS_ECN_ON;
	cfg->cc = ZS_CC_CUBIC;
}

/* The peer opens, and asks. */
static void open_passive(struct tt *t)
{
	if (t->listener == NULL)
		tt_listen(t, 16);
	tt_in(t, "SEC", 0, 0, 0, .opt = syn_opt);
	tt_expect(t, "SAE", 0, 1, 0, .ecn = TT_NOT_ECT);
	tt_advance(t, RTT);
	tt_in(t, "A", 1, 1, 0);
	tt_accept(t);
	tt_expect_none(t);
	assert_true(tt_info(t).ecn);
}

/* ---- 6.1.1: initialisation ---- */

static void passive_agrees(struct tt *t)
{
	open_passive(t);
	tt_send(t, MSS);
	tt_expect(t, "A", 1, 1, MSS, .ecn = TT_ECT0);
}

static void passive_not_asked(struct tt *t)
{
	tt_connect_passive(t);
	assert_false(tt_info(t).ecn);
	tt_send(t, MSS);
	tt_expect(t, "A", 1, 1, MSS, .ecn = TT_NOT_ECT);
}

/* An ECN-setup SYN has both flags; one of them asks for nothing. */
static void passive_half_asked(struct tt *t)
{
	tt_listen(t, 16);
	tt_in(t, "SE", 0, 0, 0, .opt = syn_opt);
	tt_expect(t, "SA", 0, 1, 0);
	tt_fresh(t);
	tt_in(t, "SC", 0, 0, 0, .opt = syn_opt);
	tt_expect(t, "SA", 0, 1, 0);
}

static void passive_off(struct tt *t)
{
	tt_listen(t, 16);
	tt_in(t, "SEC", 0, 0, 0, .opt = syn_opt);
	tt_expect(t, "SA", 0, 1, 0);
}

/* "A host MUST NOT set ECT on SYN": where it is set, the path writes the field itself. */
static void passive_syn_with_ect(struct tt *t)
{
	tt_listen(t, 16);
	tt_in(t, "SEC", 0, 0, 0, .opt = syn_opt, .ecn = TT_CE);
	tt_expect(t, "SA", 0, 1, 0);
	tt_fresh(t);
	tt_in(t, "SEC", 0, 0, 0, .opt = syn_opt, .ecn = TT_ECT0);
	tt_expect(t, "SA", 0, 1, 0);
}

/* "If a host has received at least one non-ECN-setup SYN ..., it MUST NOT set ECT." */
static void passive_second_syn_does_not_ask(struct tt *t)
{
	tt_listen(t, 16);
	tt_in(t, "SEC", 0, 0, 0, .opt = syn_opt);
	tt_expect(t, "SAE", 0, 1, 0);
	tt_in(t, "S", 0, 0, 0, .opt = syn_opt);
	tt_expect(t, "SA", 0, 1, 0);
	tt_in(t, "SEC", 0, 0, 0, .opt = syn_opt);
	tt_expect(t, "SA", 0, 1, 0);
	tt_in(t, "A", 1, 1, 0);
	tt_accept(t);
	assert_false(tt_info(t).ecn);
}

static void active_asks(struct tt *t)
{
	assert_int_equal(tt_connect(t), 0);
	tt_expect(t, "SEC", 0, 0, 0, .ecn = TT_NOT_ECT);
	tt_in(t, "SAE", 0, 1, 0, .opt = syn_opt);
	tt_expect(t, "A", 1, 1, 0, .ecn = TT_NOT_ECT);
	assert_true(tt_info(t).ecn);
	tt_send(t, MSS);
	tt_expect(t, "A", 1, 1, MSS, .ecn = TT_ECT0);
}

/* The default: as a client nobody is asked. */
static void active_does_not_ask(struct tt *t)
{
	assert_int_equal(tt_connect(t), 0);
	tt_expect(t, "S", 0, 0, 0);
	tt_in(t, "SAE", 0, 1, 0, .opt = syn_opt);
	tt_expect(t, "A", 1, 1, 0);
	assert_false(tt_info(t).ecn);
}

static void active_refused(struct tt *t)
{
	assert_int_equal(tt_connect(t), 0);
	tt_expect(t, "SEC", 0, 0, 0);
	tt_in(t, "SA", 0, 1, 0, .opt = syn_opt);
	tt_expect(t, "A", 1, 1, 0);
	assert_false(tt_info(t).ecn);
}

/* Both flags in a SYN-ACK: a reflection of ours by one who knows nothing of them. */
static void active_reflected(struct tt *t)
{
	assert_int_equal(tt_connect(t), 0);
	tt_expect(t, "SEC", 0, 0, 0);
	tt_in(t, "SAEC", 0, 1, 0, .opt = syn_opt);
	tt_expect(t, "A", 1, 1, 0);
	assert_false(tt_info(t).ecn);
	tt_send(t, MSS);
	tt_expect(t, "A", 1, 1, MSS, .ecn = TT_NOT_ECT);
}

/* 6.1.1.1: a SYN that is lost may be so for what it asks. */
static void active_falls_back(struct tt *t)
{
	assert_int_equal(tt_connect(t), 0);
	tt_expect(t, "SEC", 0, 0, 0);
	tt_expect_after(t, TT_S, "S", 0, 0, 0);
	/* it sent a SYN that does not ask, so it may not use ECN whatever comes back */
	tt_in(t, "SAE", 0, 1, 0, .opt = syn_opt);
	tt_expect(t, "A", 1, 1, 0);
	assert_false(tt_info(t).ecn);
}

static void active_falls_back_later(struct tt *t)
{
	assert_int_equal(tt_connect(t), 0);
	tt_expect(t, "SEC", 0, 0, 0);
	tt_expect_after(t, TT_S, "SEC", 0, 0, 0);
	tt_expect_after(t, 2 * TT_S, "S", 0, 0, 0);
}

static void simultaneous_open(struct tt *t)
{
	assert_int_equal(tt_connect(t), 0);
	tt_expect(t, "SEC", 0, 0, 0);
	tt_in(t, "SEC", 0, 0, 0, .opt = syn_opt);
	tt_expect(t, "SAE", 0, 1, 0);
	tt_in(t, "SAE", 0, 1, 0, .opt = syn_opt);
	tt_expect(t, "A", 1, 1, 0);
	assert_true(tt_info(t).ecn);
}

static void simultaneous_open_refused(struct tt *t)
{
	assert_int_equal(tt_connect(t), 0);
	tt_expect(t, "SEC", 0, 0, 0);
	tt_in(t, "SEC", 0, 0, 0, .opt = syn_opt);
	tt_expect(t, "SAE", 0, 1, 0);
	tt_in(t, "SA", 0, 1, 0, .opt = syn_opt);
	tt_expect(t, "A", 1, 1, 0);
	assert_false(tt_info(t).ecn);
}

/* ---- what is marked ---- */

/* 6.1.4: pure ACKs are not ECT. 6.1.5: nor are retransmissions. 6.1.6: nor are window probes. */
static void only_new_data_is_ect(struct tt *t)
{
	open_passive(t);
	tt_in(t, "A", 1, 1, MSS);
	tt_expect(t, "A", 1, 1 + MSS, 0, .ecn = TT_NOT_ECT);
	tt_send(t, 3 * MSS);
	for (unsigned i = 0; i < 3; i++)
		tt_expect(t, "A", 1 + i * MSS, 1 + MSS, MSS, .ecn = TT_ECT0);
	tt_advance(t, RTT);
	tt_in(t, "A", 1 + MSS, 1 + 2 * MSS, 0);
	tt_expect_within(t, 100 * TT_MS, 1 * TT_S, "A", 1 + 2 * MSS, 1 + MSS, MSS,
			 .ecn = TT_NOT_ECT);
	tt_in(t, "A", 1 + MSS, 1 + 3 * MSS, 0, .wnd = TT_WND0);
	tt_send(t, MSS);
	tt_expect_within(t, 100 * TT_MS, 2 * TT_S, "A", 3 * MSS, 1 + MSS, 0, .ecn = TT_NOT_ECT);
}

/* The application's type of service stays, and its checksum is right (tt verifies it). */
static void tos_is_kept(struct tt *t)
{
	open_passive(t);
	zs_tcp_opts(t->c->tcb)->tos = 0xb8;
	zs_tcp_opts_changed(t->s, t->c->tcb);
	tt_send(t, MSS);
	assert_int_equal(tt_next(t)->tos, 0xb8 | TT_ECT0);
}

/* ---- 6.1.3: the receiver ---- */

/* Every ACK echoes, whether for marked data or not, until the peer says that it has reacted. */
static void echo_until_cwr(struct tt *t)
{
	open_passive(t);
	tt_in(t, "A", 1, 1, MSS, .ecn = TT_ECT0);
	tt_expect(t, "A", 1, 1001, 0);
	tt_in(t, "A", 1001, 1, MSS, .ecn = TT_CE);
	tt_expect(t, "AE", 1, 2001, 0);
	tt_in(t, "A", 2001, 1, MSS, .ecn = TT_ECT0);
	tt_expect(t, "AE", 1, 3001, 0);
	tt_send(t, MSS); /* our data acknowledges too */
	tt_expect(t, "AE", 1, 3001, MSS);
	tt_in(t, "AC", 3001, 1001, MSS, .ecn = TT_ECT0);
	tt_expect(t, "A", 1001, 4001, 0);
	assert_int_equal(tt_stats(t)->tcp_ecn_ce, 1);
	assert_true(tt_info(t).ect_seen);
}

/* CWR on a marked segment: that mark is a new one. */
static void cwr_with_ce(struct tt *t)
{
	open_passive(t);
	tt_in(t, "A", 1, 1, MSS, .ecn = TT_CE);
	tt_expect(t, "AE", 1, 1001, 0);
	tt_in(t, "AC", 1001, 1, MSS, .ecn = TT_CE);
	tt_expect(t, "AE", 1, 2001, 0);
	tt_in(t, "AC", 2001, 1, MSS, .ecn = TT_ECT0);
	tt_expect(t, "A", 1, 3001, 0);
}

/* CWR counts on data only: a pure ACK may be anybody's, and is not delivered reliably. */
static void cwr_on_pure_ack(struct tt *t)
{
	open_passive(t);
	tt_in(t, "A", 1, 1, MSS, .ecn = TT_CE);
	tt_expect(t, "AE", 1, 1001, 0);
	tt_send(t, MSS);
	tt_expect(t, "AE", 1, 1001, MSS);
	tt_in(t, "AC", 1001, 1001, 0);
	tt_in(t, "A", 1001, 1001, MSS, .ecn = TT_ECT0);
	tt_expect(t, "AE", 1001, 2001, 0);
}

/* 6.1.5: CE on what is outside the window is no news; neither is it on a pure ACK. */
static void ce_without_data_in_window(struct tt *t)
{
	open_passive(t);
	tt_in(t, "A", 1, 1, MSS, .ecn = TT_ECT0);
	tt_expect(t, "A", 1, 1001, 0);
	tt_in(t, "A", 1, 1, MSS, .ecn = TT_CE); /* an old copy */
	tt_expect(t, "A", 1, 1001, 0);
	tt_in(t, "A", 1001, 1, 0, .ecn = TT_CE);
	tt_in(t, "A", 1001, 1, MSS, .ecn = TT_ECT1);
	tt_expect(t, "A", 1, 2001, 0);
}

/* Two segments of a burst, one marked: they are not taken for one. */
static void mark_within_a_burst(struct tt *t)
{
	open_passive(t);
	tt_in(t, "A", 1, 1, MSS, .ecn = TT_ECT0, .hold = true);
	tt_in(t, "A", 1001, 1, MSS, .ecn = TT_CE);
	tt_expect(t, "AE", 1, 2001, 0);
}

/* Not negotiated: marks and flags of the path and the peer mean nothing. */
static void not_negotiated(struct tt *t)
{
	tt_connect_passive(t, .opt = syn_opt);
	tt_in(t, "A", 1, 1, MSS, .ecn = TT_CE);
	tt_expect(t, "A", 1, 1001, 0);
	tt_send(t, 10 * MSS);
	tt_drain(t);
	tt_in(t, "AE", 1001, 5001, 0);
	tt_drain(t);
	assert_true(tt_info(t).cwnd >= 10 * MSS);
	tt_send(t, MSS);
	while (tt_pending(t) > 0)
		assert_int_equal(tt_next(t)->flags & (ZS_ECE | ZS_CWR), 0);
}

/* ---- 6.1.2: the sender ---- */

/*
 * A window is in flight; the echo halves it once, and the next new data tells. It comes down by
 * one segment for every two that are delivered (RFC 9937).
 */
static void reduce_once_per_window(struct tt *t)
{
	unsigned sent = 0, cwr = 0;

	open_passive(t);
	tt_send(t, 40 * MSS);
	tt_expect_run(t, 1, 1, MSS, 10);
	tt_advance(t, RTT);
	for (unsigned i = 1; i <= 9; i++) {
		tt_in(t, "AE", 1, 1 + i * MSS, 0); /* the same window */
		assert_int_equal(tt_info(t).ssthresh, 5 * MSS);
		assert_in_range(tt_pending(t), 0, 1);
		for (const struct tt_out *o; (o = tt_next(t)) != NULL; sent++)
			cwr += (o->flags & ZS_CWR) != 0;
	}
	assert_int_equal(tt_stats(t)->tcp_ecn_cuts, 1);
	assert_in_range(sent, 4, 6);
	assert_int_equal(cwr, 1); /* the first new data, and no other */
	/* all that was sent before the reduction is acknowledged: marks are news again */
	tt_in(t, "A", 1, 10001, 0);
	assert_int_equal(tt_info(t).cwnd, 5 * MSS);
	tt_drain(t);
	tt_in(t, "AE", 1, 11001, 0);
	assert_int_equal(tt_stats(t)->tcp_ecn_cuts, 2);
	tt_drain(t);
	assert_true(tt_info(t).ssthresh < 5 * MSS);
	assert_int_equal(tt_stats(t)->tcp_segs_retx, 0);
}

/*
 * The echo goes on until CWR arrives, and CWR goes with the first new data: an ACK of all that was
 * sent before still has it. A loss there is one of the next window.
 */
static void echo_until_cwr_arrives(struct tt *t)
{
	open_passive(t);
	tt_send(t, 40 * MSS);
	tt_expect_run(t, 1, 1, MSS, 10);
	tt_in(t, "AE", 1, 5001, 0);
	tt_expect(t, "AC", 10001, 1, MSS);
	for (unsigned i = 6; i <= 10; i++)
		tt_in(t, "AE", 1, 1 + i * MSS, 0);
	tt_drain(t);
	assert_int_equal(tt_stats(t)->tcp_ecn_cuts, 1);
	assert_int_equal(tt_info(t).cwnd, 5 * MSS);
	assert_int_equal(tt_info(t).ssthresh, 5 * MSS);
	tt_in(t, "AE", 1, 10001, 0, .opt = "nop,nop,sack 11001:14001");
	tt_expect(t, "A", 10001, 1, MSS);
	assert_true(tt_info(t).ssthresh < 5 * MSS);
	tt_drain(t);
	tt_in(t, "A", 1, 15001, 0);
	tt_drain(t);
}

static void reduce_cubic(struct tt *t)
{
	open_passive(t);
	tt_send(t, 40 * MSS);
	tt_expect_run(t, 1, 1, MSS, 10);
	tt_in(t, "AE", 1, 1 + MSS, 0);
	assert_int_equal(tt_info(t).ssthresh, 7 * MSS);
	tt_in(t, "A", 1, 1 + 10 * MSS, 0);
	assert_in_range(tt_info(t).cwnd, 7 * MSS, 8 * MSS);
	tt_drain(t);
}

/*
 * RFC 9937: less than ssthresh is in flight: what is delivered is replaced, and a mark earns no
 * segment more.
 */
static void reduce_a_small_flight(struct tt *t)
{
	open_passive(t);
	tt_send(t, 4 * MSS);
	tt_expect_run(t, 1, 1, MSS, 4);
	tt_in(t, "AE", 1, 1 + MSS, 0);
	assert_int_equal(tt_info(t).ssthresh, 7 * MSS);
	assert_int_equal(tt_info(t).cwnd, 4 * MSS);
	tt_in(t, "A", 1, 1 + 4 * MSS, 0);
	assert_int_equal(tt_info(t).cwnd, 7 * MSS);
}

/* "TCP should not increase the congestion window when it receives an ECN-Echo ACK." */
static void no_growth_by_an_echo(struct tt *t)
{
	open_passive(t);
	tt_send(t, 60 * MSS);
	tt_drain(t);
	tt_in(t, "AE", 1, 1 + 10 * MSS, 0); /* reduced to 5 */
	tt_drain(t);
	tt_in(t, "AE", 1, 1 + 12 * MSS, 0); /* a new window, reduced again */
	tt_in(t, "AE", 1, 1 + 13 * MSS, 0);
	assert_true(tt_info(t).cwnd <= 5 * MSS);
	tt_drain(t);
}

/* A peer that echoes for ever gets what two segments per round trip give it. */
static void echo_for_ever(struct tt *t)
{
	uint32_t acked = 1;

	open_passive(t);
	tt_send(t, 60 * MSS);
	for (unsigned i = 0; i < 10; i++) {
		tt_advance(t, RTT);
		for (const struct tt_out *o; (o = tt_next(t)) != NULL;)
			acked = tt_seq(t, o) + o->len;
		tt_in(t, "AE", 1, acked, 0);
	}
	assert_int_equal(tt_info(t).cwnd, 2 * MSS);
	assert_int_equal(tt_pending(t), 2);
	tt_drain(t);
}

/* A mark and a loss in one window of data: one reduction. */
static void mark_then_loss(struct tt *t)
{
	open_passive(t);
	tt_send(t, 40 * MSS);
	tt_expect_run(t, 1, 1, MSS, 10);
	tt_in(t, "AE", 1, 1 + MSS, 0);
	assert_int_equal(tt_info(t).ssthresh, 5 * MSS);
	tt_drain(t);
	tt_in(t, "A", 1, 1 + MSS, 0, .opt = "nop,nop,sack 2001:6001");
	tt_expect(t, "A", 1001, 1, MSS, .ecn = TT_NOT_ECT); /* no CWR: it is no new data */
	assert_int_equal(tt_info(t).ssthresh, 5 * MSS);
	tt_drain(t);
}

/* A mark, a timeout, and what was sent again is lost: the mark was for what was before. */
static void mark_then_timeout_then_loss(struct tt *t)
{
	uint32_t ssthresh;

	open_passive(t);
	tt_send(t, 10 * MSS);
	tt_expect_run(t, 1, 1, MSS, 10);
	tt_in(t, "AE", 1, 1 + MSS, 0);
	while (tt_stats(t)->tcp_rto == 0) {
		tt_drain(t);
		tt_advance(t, TT_MS);
	}
	ssthresh = tt_info(t).ssthresh;
	tt_expect(t, "A", 1001, 1, MSS);
	tt_advance(t, RTT);
	tt_in(t, "A", 1, 2001, 0);
	tt_expect_run(t, 2001, 1, MSS, 2);
	tt_advance(t, RTT);
	tt_in(t, "A", 1, 2001, 0, .opt = "nop,nop,sack 3001:4001");
	tt_expect(t, "A", 2001, 1, MSS);
	assert_true(tt_info(t).ssthresh < ssthresh);
	tt_drain(t);
}

/* Whatever reduced the window, CWR says so; and echoes during recovery reduce nothing more. */
static void loss_sends_cwr(struct tt *t)
{
	open_passive(t);
	tt_send(t, 40 * MSS);
	tt_expect_run(t, 1, 1, MSS, 10);
	tt_in(t, "A", 1, 1, 0, .opt = "nop,nop,sack 1001:4001");
	tt_expect(t, "A", 1, 1, MSS);
	tt_in(t, "AE", 1, 1, 0, .opt = "nop,nop,sack 1001:10001");
	tt_expect(t, "AC", 10001, 1, MSS);
	assert_int_equal(tt_stats(t)->tcp_ecn_cuts, 0);
	tt_drain(t);
}

static void timeout_sends_cwr(struct tt *t)
{
	open_passive(t);
	tt_send(t, 3 * MSS);
	tt_drain(t);
	tt_advance(t, 2 * TT_S);
	tt_drain(t);
	tt_in(t, "A", 1, 1 + 3 * MSS, 0);
	tt_drain(t);
	tt_send(t, MSS);
	tt_expect(t, "AC", 1 + 3 * MSS, 1, MSS, .ecn = TT_ECT0);
}

static const struct CMUnitTest tests[] = {
	TT_CFG(passive_agrees, passive),
	TT(passive_agrees),
	TT(passive_not_asked),
	TT(passive_half_asked),
	TT_CFG(passive_off, off),
	TT(passive_syn_with_ect),
	TT(passive_second_syn_does_not_ask),
	TT_CFG(active_asks, on),
	TT(active_does_not_ask),
	TT_CFG(active_refused, on),
	TT_CFG(active_reflected, on),
	TT_CFG(active_falls_back, on),
	TT_CFG(active_falls_back_later, retry_once),
	TT_CFG(simultaneous_open, on),
	TT_CFG(simultaneous_open_refused, on),
	TT_CFG(only_new_data_is_ect, passive),
	TT(tos_is_kept),
	TT(echo_until_cwr),
	TT(cwr_with_ce),
	TT(cwr_on_pure_ack),
	TT(ce_without_data_in_window),
	TT(mark_within_a_burst),
	TT(not_negotiated),
	TT_CFG(reduce_once_per_window, passive),
	TT_CFG(echo_until_cwr_arrives, passive),
	TT_CFG(reduce_cubic, cubic),
	TT_CFG(reduce_a_small_flight, cubic),
	TT_CFG(no_growth_by_an_echo, passive),
	TT_CFG(echo_for_ever, passive),
	TT_CFG(mark_then_loss, passive),
	TT_CFG(mark_then_timeout_then_loss, passive),
	TT_CFG(loss_sends_cwr, passive),
	TT_CFG(timeout_sends_cwr, passive),
};

ZS_TEST_MAIN(tests)
