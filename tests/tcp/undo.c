/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What was no loss is undone: Eifel by timestamps (RFC 3522), by D-SACK (RFC 3708), F-RTO (RFC
 * 5682), with the response of RFC 4015. Ten segments of 1000 bytes, a round trip of 100 ms.
 */
#include <string.h>

#include "core/tcp/zs_tcb.h"
#include "tests/zs_test.h"
#include "tt.h"

enum { MSS = 1000, RTT = 100 * TT_MS };

static void use_ts(struct zs_config *cfg)
{
	cfg->use_ts = true;
}

static uint32_t start(struct tt *t, const char *opt, uint32_t segs)
{
	uint32_t ts;

	tt_connect_passive(t, .opt = opt, .rtt_us = RTT);
	tt_send(t, segs * MSS);
	tt_expect_run(t, 1, 1, MSS, 10);
	tt_expect_none(t);
	ts = t->c->tsecr;
	tt_advance(t, RTT);
	return ts;
}

static void expect_undone(struct tt *t)
{
	assert_int_equal(tt_info(t).ca_state, 0);
	assert_int_equal(tt_info(t).lost, 0);
	assert_true(tt_info(t).cwnd >= 10 * MSS);
	assert_true(tt_info(t).ssthresh >= 10 * MSS);
	assert_int_equal(tt_stats(t)->tcp_undo, 1);
}

/* RFC 3522 3.2: the ACK echoes the original: fast retransmit was wrong. */
static void eifel_fast_retransmit(struct tt *t)
{
	uint32_t ts = start(t, "mss 1012,sackOK,ts", 10);

	tt_in(t, "A", 1, 1, 0, .opt = "nop,nop,ts,nop,nop,sack 1001:4001", .tsecr = ts);
	tt_expect(t, "A", 1, 1, MSS);
	assert_int_equal(tt_info(t).ca_state, 1);
	tt_advance(t, 10 * TT_MS);
	tt_in(t, "A", 1, 4001, 0, .opt = "nop,nop,ts", .tsecr = ts);
	expect_undone(t);
	tt_in(t, "A", 1, 10001, 0);
	tt_expect_quiet(t, 10 * TT_S);
}

/* Without SACK, too, and then it takes more duplicate ACKs than came in vain. */
static void eifel_raises_the_threshold(struct tt *t)
{
	uint32_t ts = start(t, "mss 1012,ts", 40);

	for (unsigned i = 0; i < 5; i++)
		tt_in(t, "A", 1, 1, 0, .opt = "nop,nop,ts", .tsecr = ts);
	assert_int_equal(tt_info(t).ca_state, 1);
	tt_advance(t, 10 * TT_MS);
	tt_in(t, "A", 1, 6001, 0, .opt = "nop,nop,ts", .tsecr = ts);
	expect_undone(t);
	assert_int_equal(tt_info(t).reordering, 5);
	tt_drain(t);
	for (unsigned i = 0; i < 5; i++)
		tt_in(t, "A", 1, 6001, 0);
	assert_int_equal(tt_info(t).ca_state, 0);
	tt_in(t, "A", 1, 6001, 0);
	assert_int_equal(tt_info(t).ca_state, 1);
	tt_drain(t);
	assert_int_equal(tt_stats(t)->tcp_fast_retx, 2);
}

/* But not more than can come; and a timeout ends it. */
static void eifel_threshold_of_a_small_flight(struct tt *t)
{
	uint32_t ts = start(t, "mss 1012,ts", 10);

	for (unsigned i = 0; i < 8; i++)
		tt_in(t, "A", 1, 1, 0, .opt = "nop,nop,ts", .tsecr = ts);
	tt_advance(t, 10 * TT_MS);
	tt_in(t, "A", 1, 10001, 0, .opt = "nop,nop,ts", .tsecr = ts);
	assert_int_equal(tt_info(t).reordering, 8);
	tt_drain(t);
	tt_send(t, 5 * MSS);
	tt_drain(t);
	for (unsigned i = 0; i < 4; i++)
		tt_in(t, "A", 1, 10001, 0);
	tt_expect(t, "A", 10001, 1, MSS);
	tt_drain(t);
	tt_advance(t, TT_S);
	tt_drain(t);
	assert_int_equal(tt_info(t).reordering, 3);
}

/* It echoes the retransmission: it was right. */
static void eifel_says_loss(struct tt *t)
{
	uint32_t ts = start(t, "mss 1012,sackOK,ts", 10);

	tt_in(t, "A", 1, 1, 0, .opt = "nop,nop,ts,nop,nop,sack 1001:10001", .tsecr = ts);
	tt_expect(t, "A", 1, 1, MSS);
	tt_advance(t, RTT);
	tt_in(t, "A", 1, 10001, 0);
	assert_int_equal(tt_info(t).cwnd, 7 * MSS);
	assert_int_equal(tt_info(t).ssthresh, 7 * MSS);
	assert_int_equal(tt_stats(t)->tcp_undo, 0);
}

/* After a timeout: nothing else is repeated, new data goes on. */
static void eifel_timeout(struct tt *t)
{
	uint32_t ts = start(t, "mss 1012,ts", 20);

	tt_expect_after(t, 200 * TT_MS, "A", 1, 1, MSS);
	tt_advance(t, 10 * TT_MS);
	tt_in(t, "A", 1, 1001, 0, .opt = "nop,nop,ts", .tsecr = ts);
	expect_undone(t);
	tt_expect(t, "A", 10001, 1, MSS);
	tt_drain(t);
	tt_in(t, "A", 1, 10001, 0);
	tt_drain(t);
	assert_int_equal(tt_info(t).bytes_retx, MSS);
}

/* Two timeouts in a row, and then the original is acknowledged: back to before the first. */
static void eifel_second_timeout(struct tt *t)
{
	uint32_t ts = start(t, "mss 1012,ts", 20);

	tt_expect_after(t, 200 * TT_MS, "A", 1, 1, MSS);
	tt_expect_after(t, 600 * TT_MS, "A", 1, 1, MSS);
	tt_in(t, "A", 1, 1001, 0, .opt = "nop,nop,ts", .tsecr = ts);
	expect_undone(t);
	tt_drain(t);
	assert_int_equal(tt_info(t).bytes_retx, 2 * MSS);
}

/* A timeout in fast recovery: the loss that recovery was for is not undone. */
static void eifel_timeout_in_recovery(struct tt *t)
{
	uint32_t ts = start(t, "mss 1012,ts", 20);

	for (unsigned i = 0; i < 3; i++)
		tt_in(t, "A", 1, 1, 0, .opt = "nop,nop,ts", .tsecr = ts);
	tt_drain(t);
	assert_int_equal(tt_info(t).ca_state, 1);
	tt_advance(t, 320 * TT_MS);
	tt_drain(t);
	assert_int_equal(tt_info(t).ca_state, 2);
	tt_in(t, "A", 1, 1001, 0, .opt = "nop,nop,ts", .tsecr = ts);
	assert_int_equal(tt_stats(t)->tcp_undo, 0);
	assert_in_range(tt_info(t).ssthresh, 2 * MSS, 7 * MSS);
	tt_drain(t);
}

/* RFC 4015 3: no burst, when all comes back at once. */
static void undo_without_burst(struct tt *t)
{
	uint32_t ts = start(t, "mss 1012,ts", 80);

	tt_in(t, "A", 1, 10001, 0, .opt = "nop,nop,ts", .tsecr = ts);
	tt_expect_run(t, 10001, 1, MSS, 20);
	ts = t->c->tsecr;
	tt_advance(t, 250 * TT_MS);
	tt_drain(t);
	tt_advance(t, 100 * TT_MS);
	tt_drain(t); /* the timeout has passed */
	assert_int_equal(tt_stats(t)->tcp_rto, 1);
	tt_in(t, "A", 1, 30001, 0, .opt = "nop,nop,ts", .tsecr = ts);
	/* as much as slow start would send by itself; the window before was 20 */
	assert_in_range(tt_pending(t), 1, 14);
	tt_drain(t);
	assert_true(tt_info(t).ssthresh >= 20 * MSS);
	assert_int_equal(tt_stats(t)->tcp_undo, 1);
}

/* RFC 3708: all that was repeated arrived twice. Also when recovery has ended meanwhile. */
static void dsack_fast_retransmit(struct tt *t)
{
	(void)start(t, "mss 1000,sackOK", 10);
	tt_in(t, "A", 1, 1, 0, .opt = "nop,nop,sack 1001:4001");
	tt_expect(t, "A", 1, 1, MSS);
	tt_advance(t, 10 * TT_MS);
	tt_in(t, "A", 1, 10001, 0);
	assert_int_equal(tt_info(t).cwnd, 7 * MSS);
	tt_advance(t, 90 * TT_MS);
	tt_in(t, "A", 1, 10001, 0, .opt = "nop,nop,sack 1:1001");
	expect_undone(t);
}

/* Only one of two did: then the other was lost. */
static void dsack_of_one_of_two(struct tt *t)
{
	(void)start(t, "mss 1000,sackOK", 10);
	tt_in(t, "A", 1, 1, 0, .opt = "nop,nop,sack 2001:10001");
	tt_expect_run(t, 1, 1, MSS, 2);
	tt_advance(t, RTT);
	tt_in(t, "A", 1, 10001, 0, .opt = "nop,nop,sack 1:1001");
	assert_int_equal(tt_info(t).ssthresh, 7 * MSS);
	assert_int_equal(tt_stats(t)->tcp_undo, 0);
}

/* RFC 3708 3: a report of what was never repeated counts for nothing. */
static void dsack_of_something_else(struct tt *t)
{
	(void)start(t, "mss 1000,sackOK", 10);
	tt_in(t, "A", 1, 5001, 0);
	tt_drain(t);
	tt_in(t, "A", 1, 5001, 0, .opt = "nop,nop,sack 6001:9001");
	tt_expect(t, "A", 5001, 1, MSS);
	tt_in(t, "A", 1, 5001, 0, .opt = "nop,nop,sack 1:1001 6001:9001");
	tt_in(t, "A", 1, 5001, 0, .opt = "nop,nop,sack 2001:3001 6001:9001");
	assert_int_equal(tt_info(t).ca_state, 1);
	assert_int_equal(tt_stats(t)->tcp_undo, 0);
	tt_drain(t);
}

/* RFC 5682 2.1: two ACKs that advance: the timeout was spurious, nothing but the head is repeated.
 */
static void frto_spurious(struct tt *t)
{
	(void)start(t, "mss 1000", 20);
	tt_expect_after(t, 200 * TT_MS, "A", 1, 1, MSS);
	tt_in(t, "A", 1, 1001, 0);
	tt_expect_run(t, 10001, 1, MSS, 2); /* step 2b: new data */
	tt_expect_none(t);
	tt_in(t, "A", 1, 2001, 0);
	expect_undone(t);
	tt_drain(t);
	tt_in(t, "A", 1, 12001, 0);
	tt_drain(t);
	assert_int_equal(tt_info(t).bytes_retx, MSS);
}

/* Step 3a: the second is a duplicate: the timeout was right. */
static void frto_genuine(struct tt *t)
{
	(void)start(t, "mss 1000", 20);
	tt_expect_after(t, 200 * TT_MS, "A", 1, 1, MSS);
	tt_in(t, "A", 1, 1001, 0);
	tt_expect_run(t, 10001, 1, MSS, 2);
	tt_expect_none(t);
	tt_in(t, "A", 1, 1001, 0);
	tt_expect(t, "A", 1001, 1, MSS);
	tt_drain(t);
	assert_int_equal(tt_info(t).ca_state, 2);
	assert_int_equal(tt_stats(t)->tcp_undo, 0);
	assert_in_range(tt_info(t).ssthresh, 5 * MSS, 7 * MSS);
}

/* Of the new data, too, duplicate ACKs say nothing: they answer what was repeated for nothing (RFC
 * 6582 3.2 step 4). */
static void frto_genuine_no_recovery(struct tt *t)
{
	(void)start(t, "mss 1000", 30);
	tt_expect_after(t, 200 * TT_MS, "A", 1, 1, MSS);
	tt_in(t, "A", 1, 1001, 0);
	tt_expect_run(t, 10001, 1, MSS, 2);
	tt_in(t, "A", 1, 1001, 0);
	tt_expect(t, "A", 1001, 1, MSS);
	tt_drain(t);
	tt_in(t, "A", 1, 12001, 0);
	tt_drain(t);
	for (unsigned i = 0; i < 4; i++)
		tt_in(t, "A", 1, 12001, 0);
	tt_drain(t);
	assert_int_equal(tt_stats(t)->tcp_fast_retx, 0);
	tt_in(t, "A", 1, 13001, 0); /* beyond that they count again */
	tt_drain(t);
	for (unsigned i = 0; i < 3; i++)
		tt_in(t, "A", 1, 13001, 0);
	assert_int_equal(tt_stats(t)->tcp_fast_retx, 1);
	tt_drain(t);
}

/* Step 2a: the first is a duplicate. */
static void frto_first_is_duplicate(struct tt *t)
{
	(void)start(t, "mss 1000", 20);
	tt_expect_after(t, 200 * TT_MS, "A", 1, 1, MSS);
	tt_in(t, "A", 1, 1, 0);
	tt_expect_none(t);
	tt_in(t, "A", 1, 1001, 0);
	tt_expect_run(t, 1001, 1, MSS, 2); /* what is taken for lost, and nothing new */
	tt_expect_none(t);
	assert_int_equal(tt_stats(t)->tcp_undo, 0);
}

/* Step 2b needs new data: without any, what is taken for lost goes out (RFC 5682 2.1). */
static void frto_nothing_new(struct tt *t)
{
	(void)start(t, "mss 1000", 10);
	tt_expect_after(t, 200 * TT_MS, "A", 1, 1, MSS);
	tt_in(t, "A", 1, 1001, 0);
	tt_expect_run(t, 1001, 1, MSS, 2);
	tt_in(t, "A", 1, 10001, 0);
	assert_int_equal(tt_stats(t)->tcp_undo, 0);
}

/* An ACK of a part of what was sent again, and of the rest of it, tells nothing. */
static void frto_divided_ack(struct tt *t)
{
	(void)start(t, "mss 1000", 20);
	tt_expect_after(t, 200 * TT_MS, "A", 1, 1, MSS);
	tt_in(t, "A", 1, 401, 0);
	tt_drain(t);
	tt_in(t, "A", 1, 701, 0);
	tt_in(t, "A", 1, 1001, 0);
	tt_drain(t);
	assert_int_equal(tt_stats(t)->tcp_undo, 0);
	assert_int_equal(tt_info(t).ca_state, 2);
}

/* To the timeout of a connection with SACK, behind its tail loss probe; the first is acknowledged.
 */
static void frto_sack(struct tt *t)
{
	(void)start(t, "mss 1000,sackOK", 30);
	tt_expect_after(t, 100 * TT_MS, "A", 10001, 1, MSS);
	tt_expect_after(t, 300 * TT_MS, "A", 1, 1, MSS);
	tt_in(t, "A", 1, 1001, 0);
	tt_expect_run(t, 11001, 1, MSS, 2);
	tt_expect_none(t);
}

/* RFC 5682 3.1 step 3b: a block of before the timeout that was sent once. */
static void frto_sack_of_old_data(struct tt *t)
{
	frto_sack(t);
	tt_in(t, "A", 1, 1001, 0, .opt = "nop,nop,sack 2001:3001");
	expect_undone(t);
	tt_drain(t);
}

/* Step 3a: only what is new arrives. */
static void frto_sack_of_new_data(struct tt *t)
{
	frto_sack(t);
	tt_in(t, "A", 1, 1001, 0, .opt = "nop,nop,sack 11001:12001");
	tt_expect(t, "A", 1001, 1, MSS);
	tt_drain(t);
	assert_int_equal(tt_info(t).ca_state, 2);
	assert_int_equal(tt_stats(t)->tcp_undo, 0);
}

/* Step 2b: what Nagle's rule would hold back is not new data that may be sent. */
static void frto_less_than_a_segment(struct tt *t)
{
	(void)start(t, "mss 1000", 10);
	tt_send(t, 100);
	tt_drain(t);
	tt_expect_after(t, 200 * TT_MS, "A", 1, 1, MSS);
	tt_in(t, "A", 1, 1001, 0);
	tt_expect(t, "A", 1001, 1, MSS);
	tt_drain(t);
}

/* RFC 9438 4.9: CUBIC goes on from where it was: a second loss sees the old maximum. */
static void cubic_keeps_its_maximum(struct tt *t)
{
	(void)start(t, "mss 1000,sackOK", 10);
	tt_in(t, "A", 1, 1, 0, .opt = "nop,nop,sack 1001:4001");
	tt_expect(t, "A", 1, 1, MSS);
	tt_in(t, "A", 1, 10001, 0);
	tt_in(t, "A", 1, 10001, 0, .opt = "nop,nop,sack 1:1001");
	expect_undone(t);
	tt_send(t, 10 * MSS);
	tt_expect_run(t, 10001, 1, MSS, 10);
	tt_advance(t, RTT);
	tt_in(t, "A", 1, 10001, 0, .opt = "nop,nop,sack 11001:20001");
	tt_advance(t, 60 * TT_MS);
	tt_expect(t, "A", 10001, 1, MSS);
	assert_int_equal(tt_info(t).ssthresh, 7 * MSS);
}

static void newreno_ts(struct zs_config *cfg)
{
	cfg->use_ts = true;
	cfg->cc = ZS_CC_NEWRENO;
}

static void bbr_ts(struct zs_config *cfg)
{
	cfg->use_ts = true;
	cfg->cc = ZS_CC_BBR;
}

/* RFC 4015 3.2, RFC 9438 4.9: all that the algorithm keeps is as it was, HyStart++'s round too. */
static void state_of_congestion_control_is_back(struct tt *t)
{
	uint32_t ts = start(t, "mss 1012,ts", 60), cwnd;
	uint64_t before[5];

	tt_in(t, "A", 1, 5001, 0, .opt = "nop,nop,ts", .tsecr = ts);
	tt_drain(t);
	ts = t->c->tsecr;
	memcpy(before, t->c->tcb->cc_priv, sizeof(before));
	assert_true(before[1] != 0);
	cwnd = tt_info(t).cwnd;
	tt_advance(t, 350 * TT_MS);
	tt_drain(t);
	assert_int_equal(tt_stats(t)->tcp_rto, 1);
	tt_in(t, "A", 1, 6001, 0, .opt = "nop,nop,ts", .tsecr = ts);
	assert_int_equal(tt_stats(t)->tcp_undo, 1);
	assert_memory_equal(before, t->c->tcb->cc_priv, sizeof(before));
	assert_int_equal(tt_info(t).cwnd, cwnd);
	assert_true(tt_info(t).ssthresh > 1000 * MSS); /* slow start goes on */
	tt_drain(t);
}

/* BBR keeps its model through losses, and what it may have in flight is back. */
static void bbr_is_back(struct tt *t)
{
	uint32_t ts, cwnd;

	tt_connect_passive(t, .opt = "mss 1012,ts", .rtt_us = RTT);
	tt_send(t, 60 * MSS);
	tt_advance(t, RTT);
	tt_drain(t);
	ts = t->c->tsecr;
	cwnd = tt_info(t).cwnd;
	tt_advance(t, 350 * TT_MS);
	tt_drain(t);
	assert_int_equal(tt_stats(t)->tcp_rto, 1);
	assert_in_range(tt_info(t).cwnd, MSS, 4 * MSS);
	tt_in(t, "A", 1, 1001, 0, .opt = "nop,nop,ts", .tsecr = ts);
	assert_int_equal(tt_stats(t)->tcp_undo, 1);
	assert_true(tt_info(t).cwnd >= cwnd);
	tt_drain(t);
}

/* The algorithm was exchanged meanwhile: what the other one kept means nothing to it. */
static void another_algorithm(struct tt *t)
{
	uint64_t fresh[5];
	uint32_t ts = start(t, "mss 1012,ts", 20);

	tt_expect_after(t, 200 * TT_MS, "A", 1, 1, MSS);
	zs_tcp_opts(t->c->tcb)->cc = ZS_CC_DCTCP;
	zs_tcp_opts_changed(t->s, t->c->tcb);
	memcpy(fresh, t->c->tcb->cc_priv, sizeof(fresh));
	t->c->tcb->cc_priv[0] = fresh[0] = 7;
	tt_in(t, "A", 1, 1001, 0, .opt = "nop,nop,ts", .tsecr = ts);
	expect_undone(t);
	assert_in_range(t->c->tcb->cc_priv[0], 7, 7 + 2 * MSS);
	tt_drain(t);
}

static void ecn_newreno(struct zs_config *cfg)
{
	cfg->ecn = ZS_ECN_PASSIVE;
	cfg->cc = ZS_CC_NEWRENO;
}

/* A mark after the recovery is no mistake: a late D-SACK does not undo what it did. */
static void mark_is_not_undone(struct tt *t)
{
	tt_listen(t, 1);
	tt_in(t, "SEC", 0, 0, 0, .opt = "mss 1000,sackOK");
	tt_expect(t, "SAE", 0, 1, 0);
	tt_advance(t, RTT);
	tt_in(t, "A", 1, 1, 0);
	tt_accept(t);
	tt_send(t, 30 * MSS);
	tt_expect_run(t, 1, 1, MSS, 10);
	tt_advance(t, RTT);
	tt_in(t, "A", 1, 1, 0, .opt = "nop,nop,sack 1001:4001");
	tt_drain(t);
	tt_in(t, "A", 1, tt_info(t).inflight > 0 ? 10001 : 0, 0);
	tt_drain(t);
	assert_int_equal(tt_info(t).ca_state, 0);
	tt_advance(t, RTT);
	tt_in(t, "AE", 1, 11001, 0);
	tt_drain(t);
	assert_int_equal(tt_stats(t)->tcp_ecn_cuts, 1);
	tt_in(t, "A", 1, 11001, 0, .opt = "nop,nop,sack 1:1001");
	assert_int_equal(tt_stats(t)->tcp_undo, 0);
	tt_drain(t);
}

static void no_probes(struct zs_config *cfg)
{
	cfg->use_tlp = false;
}

/* What is still missing is found again at once, also where the D-SACK is all that an ACK says. */
static void losses_after_undo(struct tt *t)
{
	(void)start(t, "mss 1000,sackOK", 12);
	tt_expect_within(t, 190 * TT_MS, 210 * TT_MS, "A", 1, 1, MSS);
	tt_advance(t, RTT + TT_MS);
	tt_in(t, "A", 1, 1001, 0, .opt = "nop,nop,sack 2001:3001");
	tt_expect_run(t, 10001, 1, MSS, 2); /* F-RTO */
	tt_in(t, "A", 1, 1001, 0, .opt = "nop,nop,sack 1:1001 2001:3001");
	assert_int_equal(tt_stats(t)->tcp_undo, 1);
	tt_expect(t, "A", 1001, 1, MSS);
	tt_drain(t);
	tt_in(t, "A", 1, 12001, 0);
}

/* RFC 3708: a duplicate of what was sent once is the network's, and says nothing of the repeated.
 */
static void dsack_of_what_was_sent_once(struct tt *t)
{
	(void)start(t, "mss 1000,sackOK", 10);
	tt_in(t, "A", 1, 1, 0, .opt = "nop,nop,sack 1001:4001");
	tt_expect(t, "A", 1, 1, MSS);
	tt_in(t, "A", 1, 1, 0, .opt = "nop,nop,sack 2001:3001 1001:4001");
	assert_int_equal(tt_info(t).ca_state, 1);
	assert_int_equal(tt_stats(t)->tcp_undo, 0);
	tt_in(t, "A", 1, 10001, 0);
}

static const struct CMUnitTest tests[] = {
	TT_CFG(eifel_fast_retransmit, use_ts),
	TT_CFG(eifel_raises_the_threshold, use_ts),
	TT_CFG(eifel_threshold_of_a_small_flight, use_ts),
	TT_CFG(eifel_says_loss, use_ts),
	TT_CFG(eifel_timeout, use_ts),
	TT_CFG(eifel_second_timeout, use_ts),
	TT_CFG(eifel_timeout_in_recovery, use_ts),
	TT_CFG(undo_without_burst, use_ts),
	TT(dsack_fast_retransmit),
	TT(dsack_of_one_of_two),
	TT(dsack_of_something_else),
	TT(frto_spurious),
	TT(frto_genuine),
	TT(frto_genuine_no_recovery),
	TT(frto_first_is_duplicate),
	TT(frto_nothing_new),
	TT(frto_divided_ack),
	TT(frto_sack_of_old_data),
	TT(frto_sack_of_new_data),
	TT(frto_less_than_a_segment),
	TT(cubic_keeps_its_maximum),
	TT_CFG(state_of_congestion_control_is_back, use_ts),
	TT_CFG(state_of_congestion_control_is_back, newreno_ts),
	TT_CFG(bbr_is_back, bbr_ts),
	TT_CFG(another_algorithm, use_ts),
	TT_CFG(mark_is_not_undone, ecn_newreno),
	TT_CFG(losses_after_undo, no_probes),
	TT(dsack_of_what_was_sent_once),
};

ZS_TEST_MAIN(tests)
