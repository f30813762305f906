/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * RACK and tail loss probes (RFC 8985) on the wire. 1000-byte segments; a round trip of 100 ms
 * where no other is named.
 */
#include "core/tcp/zs_score.h"
#include "tests/zs_test.h"
#include "tt.h"

enum { MSS = 1000, RTT = 100 * TT_MS };

static void start(struct tt *t, uint32_t rtt_us, uint32_t segs)
{
	tt_connect_passive(t, .opt = "mss 1000,sackOK", .rtt_us = rtt_us);
	tt_send(t, segs * MSS);
	tt_expect_run(t, 1, 1, MSS, segs < 10 ? segs : 10);
	tt_expect_none(t);
}

/*
 * RFC 8985 6.2 step 5: the first blocks come with an ACK that moves SND.UNA as well, and are the
 * last thing that the peer has to say.
 */
static void first_blocks_with_progress(struct tt *t)
{
	start(t, RTT, 10);
	tt_advance(t, RTT);
	tt_in(t, "A", 1, 1001, 0, .opt = "nop,nop,sack 6001:10001 3001:4001");
	tt_expect_run(t, 1001, 1, MSS, 2);
	tt_expect_run(t, 4001, 1, MSS, 2);
	tt_in(t, "A", 1, 10001, 0);
	assert_int_equal(tt_stats(t)->tcp_rto, 0);
}

/* RFC 8985 6.2 step 3: blocks of one ACK, the latest first, are no reordering. */
static void latest_block_first(struct tt *t)
{
	start(t, RTT, 10);
	tt_advance(t, RTT);
	tt_in(t, "A", 1, 1, 0, .opt = "nop,nop,sack 8001:10001 2001:4001");
	assert_int_equal(tt_info(t).lost, 6 * MSS);
	tt_expect_run(t, 1, 1, MSS, 2);
	tt_expect_run(t, 4001, 1, MSS, 2); /* four were delivered: four go out (RFC 6937) */
	tt_drain(t);
	tt_in(t, "A", 1, 10001, 0);
}

/* With fewer than three segments reported, the reordering window passes first. */
static void first_block_with_progress_waits(struct tt *t)
{
	start(t, RTT, 4);
	tt_advance(t, RTT);
	tt_in(t, "A", 1, 1001, 0, .opt = "nop,nop,sack 3001:4001");
	tt_expect_within(t, 20 * TT_MS, 30 * TT_MS, "A", 1001, 1, MSS);
	tt_expect(t, "A", 2001, 1, MSS);
	tt_in(t, "A", 1, 4001, 0);
}

/* ---- tail loss probe ---- */

static void use_ts(struct zs_config *cfg)
{
	cfg->use_ts = true;
}

/* The last segment of a response is lost on a path of 1 ms: repaired 2 RTT after the last ACK. */
static void tail_loss_in_two_round_trips(struct tt *t)
{
	start(t, TT_MS, 6);
	tt_advance(t, TT_MS);
	tt_in(t, "A", 1, 5001, 0);
	tt_expect_within(t, 1900, 2200, "A", 5001, 1, MSS);
	tt_advance(t, TT_MS);
	tt_in(t, "A", 1, 6001, 0);
	tt_expect_quiet(t, 10 * TT_S);
	assert_int_equal(tt_stats(t)->tcp_rto, 0);
	assert_int_equal(tt_stats(t)->tcp_tlp, 1);
	assert_int_equal(tt_info(t).bytes_retx, MSS);
}

/* RFC 8985 7.2: 2 SRTT after the last transmission, when nothing comes back at all. */
static void probe_after_two_srtt(struct tt *t)
{
	start(t, RTT, 4);
	tt_expect_after(t, 200 * TT_MS, "A", 3001, 1, MSS);
	/* 7.3: the timeout runs from the probe, and there is only one probe */
	tt_expect_after(t, 300 * TT_MS, "A", 1, 1, MSS);
	assert_int_equal(tt_stats(t)->tcp_tlp, 1);
	assert_int_equal(tt_stats(t)->tcp_rto, 1);
}

/* RFC 8985 7.2: where two round trips are longer than the timeout, the probe goes out at its time.
 */
static void probe_at_the_timeout(struct tt *t)
{
	start(t, 600 * TT_MS, 4);
	tt_in(t, "A", 1, 1001, 0);
	tt_drain(t);
	for (unsigned i = 0; i < 20; i++) { /* a steady round trip: RTO is SRTT + 200 ms */
		tt_advance(t, 600 * TT_MS);
		tt_in(t, "A", 1, 4001 + MSS * i, 0);
		tt_send(t, MSS);
		tt_expect(t, "A", 4001 + MSS * i, 1, MSS);
	}
	tt_send(t, MSS);
	tt_expect(t, "A", 24001, 1, MSS);
	assert_true(tt_info(t).rto_us < 1000 * TT_MS);
	tt_expect_within(t, tt_info(t).rto_us - TT_MS, tt_info(t).rto_us, "A", 24001, 1, MSS);
	assert_int_equal(tt_stats(t)->tcp_tlp, 1);
	assert_int_equal(tt_stats(t)->tcp_rto, 0);
	tt_in(t, "A", 1, 25001, 0);
}

static void grant_200ms(struct zs_config *cfg)
{
	cfg->tlp_ack_delay_us = 200 * TT_MS;
}

/* RFC 8985 7.2: TLP.max_ack_delay of a single segment, configured: later than the timeout. */
static void granted_ack_delay(struct tt *t)
{
	start(t, RTT, 1);
	tt_expect_after(t, 300 * TT_MS, "A", 1, 1, MSS);
	assert_int_equal(tt_stats(t)->tcp_tlp, 1);
	tt_expect_after(t, 300 * TT_MS, "A", 1, 1, MSS);
	assert_int_equal(tt_stats(t)->tcp_rto, 1);
	tt_in(t, "A", 1, 1001, 0);
}

static void no_probes(struct zs_config *cfg)
{
	cfg->use_tlp = false;
}

static void probes_switched_off(struct tt *t)
{
	start(t, RTT, 3);
	tt_expect_after(t, 300 * TT_MS, "A", 1, 1, MSS);
	assert_int_equal(tt_stats(t)->tcp_tlp, 0);
	assert_int_equal(tt_stats(t)->tcp_rto, 1);
	tt_in(t, "A", 1, 3001, 0);
}

/* RFC 8985 7.2: new data moves the probe, an acknowledgement too, but not beyond the RTO. */
static void probe_moves(struct tt *t)
{
	start(t, RTT, 2);
	tt_advance(t, 50 * TT_MS);
	tt_send(t, MSS);
	tt_expect(t, "A", 2001, 1, MSS);
	tt_expect_quiet(t, 199 * TT_MS);
	tt_in(t, "A", 1, 1001, 0);
	tt_expect_quiet(t, 150 * TT_MS);
	tt_send(t, MSS);
	tt_expect(t, "A", 3001, 1, MSS);
	tt_expect_within(t, 230 * TT_MS, 245 * TT_MS, "A", 3001, 1, MSS); /* 2 SRTT of now */
}

/* RFC 8985 7.3: new data is the better probe, one segment beyond cwnd and whatever Nagle says. */
static void probe_of_new_data(struct tt *t)
{
	start(t, RTT, 12);
	tt_expect_after(t, 200 * TT_MS, "A", 10001, 1, MSS);
	tt_expect_none(t);
	tt_in(t, "A", 1, 11001, 0);
	tt_expect(t, "A", 11001, 1, MSS);
	tt_in(t, "A", 1, 12001, 0);
	assert_int_equal(tt_info(t).bytes_retx, 0);
	assert_true(tt_info(t).cwnd >= 10 * MSS); /* nothing was lost */
}

static void probe_of_held_data(struct tt *t)
{
	start(t, RTT, 2);
	tt_send(t, 100);
	tt_expect(t, "PA", 2001, 1, 100);
	tt_send(t, 100); /* waits by Nagle's rule */
	tt_expect_none(t);
	tt_expect_after(t, 200 * TT_MS, "PA", 2101, 1, 100);
}

/* RFC 8985 7.3: the last segment is sent again, however many writes are in it. */
static void probe_is_the_whole_segment(struct tt *t)
{
	start(t, RTT, 2);
	assert_int_equal(tt_send_bufs(t, 700, 200), 0);
	tt_expect(t, "PA", 2001, 1, 700);
	tt_expect_after(t, 200 * TT_MS, "PA", 2001, 1, 700);
	tt_expect_none(t);
	tt_in(t, "A", 1, 2701, 0);
	tt_expect_quiet(t, 10 * TT_S);
}

/* But not what is in another one. */
static void probe_is_one_segment(struct tt *t)
{
	start(t, RTT, 2);
	assert_int_equal(tt_send_bufs(t, 1500, 300), 0);
	tt_expect(t, "A", 2001, 1, MSS);
	tt_expect(t, "PA", 3001, 1, 500);
	tt_expect_after(t, 200 * TT_MS, "PA", 3001, 1, 500);
	tt_advance(t, TT_MS);
	tt_in(t, "A", 1, 3501, 0);
}

/* A cork is stronger: then the last segment it is. */
static void probe_leaves_the_cork(struct tt *t)
{
	start(t, RTT, 2);
	assert_int_equal(tt_send_more(t, 100, ZS_SEND_MORE), 100);
	tt_expect_after(t, 200 * TT_MS, "A", 1001, 1, MSS);
	tt_expect_none(t);
}

/* RFC 8985 7.3: not beyond the peer's window; then the last segment it is. */
static void probe_within_window(struct tt *t)
{
	tt_connect_passive(t, .opt = "mss 1000,sackOK", .rtt_us = RTT, .wnd = 4000);
	tt_send(t, 6 * MSS);
	tt_expect_run(t, 1, 1, MSS, 4);
	tt_expect_after(t, 200 * TT_MS, "A", 3001, 1, MSS);
}

/* RFC 8985 7.4.2: reported as a duplicate: no loss, no reduction. */
static void probe_was_needless(struct tt *t)
{
	start(t, RTT, 4);
	tt_expect_after(t, 200 * TT_MS, "A", 3001, 1, MSS);
	tt_in(t, "A", 1, 4001, 0);
	tt_in(t, "A", 1, 4001, 0, .opt = "nop,nop,sack 3001:4001");
	tt_send(t, 2 * MSS);
	tt_expect_run(t, 4001, 1, MSS, 2);
	tt_advance(t, RTT);
	tt_in(t, "A", 1, 6001, 0);
	assert_true(tt_info(t).cwnd >= 10 * MSS);
	assert_true(tt_info(t).ssthresh > 100 * MSS);
	tt_expect_quiet(t, 10 * TT_S);
}

/* RFC 8985 7.4.2: without that report it has repaired a loss, for which the window shrinks. */
static void probe_repaired_a_loss(struct tt *t)
{
	start(t, RTT, 10);
	tt_advance(t, RTT);
	tt_in(t, "A", 1, 9001, 0);
	tt_expect_within(t, 190 * TT_MS, 210 * TT_MS, "A", 9001, 1, MSS);
	tt_advance(t, RTT);
	tt_in(t, "A", 1, 10001, 0);
	tt_send(t, 2 * MSS);
	tt_expect_run(t, 10001, 1, MSS, 2);
	tt_advance(t, RTT);
	tt_in(t, "A", 1, 12001, 0);
	assert_in_range(tt_info(t).ssthresh, 7 * MSS, 14 * MSS);
	assert_int_equal(tt_info(t).cwnd, tt_info(t).ssthresh);
	assert_int_equal(tt_stats(t)->tcp_rto, 0);
}

/* RFC 8985 7.2: a peer that delays the ACK of a single segment is given time, once that is known.
 */
static void peer_that_delays(struct tt *t)
{
	start(t, TT_MS, 1);
	tt_expect_within(t, 1900, 2100, "A", 1, 1, MSS);
	tt_in(t, "A", 1, 1001, 0, .opt = "nop,nop,sack 1:1001");
	tt_send(t, MSS);
	tt_expect(t, "A", 1001, 1, MSS);
	tt_expect_within(t, 40 * TT_MS, 44 * TT_MS, "A", 1001, 1, MSS);
	tt_in(t, "A", 1, 2001, 0, .opt = "nop,nop,sack 1001:2001");
	tt_send(t, MSS);
	tt_expect(t, "A", 2001, 1, MSS);
	tt_expect_within(t, 190 * TT_MS, 210 * TT_MS, "A", 2001, 1, MSS); /* the timeout's time */
	assert_int_equal(tt_stats(t)->tcp_tlp, 3);
}

/* Several of the tail are lost: the SACK of the probe convicts the rest (RFC 8985 3.3). */
static void tail_of_three(struct tt *t)
{
	start(t, RTT, 10);
	tt_advance(t, RTT);
	tt_in(t, "A", 1, 7001, 0);
	tt_expect_within(t, 190 * TT_MS, 210 * TT_MS, "A", 9001, 1, MSS);
	tt_advance(t, RTT);
	tt_in(t, "A", 1, 7001, 0, .opt = "nop,nop,sack 9001:10001");
	tt_expect_run(t, 7001, 1, MSS, 2);
	tt_expect_none(t);
	tt_advance(t, RTT);
	tt_in(t, "A", 1, 10001, 0);
	tt_expect_quiet(t, 10 * TT_S);
	assert_int_equal(tt_stats(t)->tcp_rto, 0);
	assert_int_equal(tt_info(t).bytes_retx, 3 * MSS);
}

/* RFC 8985 6.2 step 2, RFC 7323 4.3: an ACK echoes what moved SND.UNA last, so that with a probe
 * that is SACKed comes an older timestamp. */
static void tail_of_three_echoed(struct tt *t)
{
	uint32_t ts;

	tt_connect_passive(t, .opt = "mss 1012,sackOK,ts", .rtt_us = RTT);
	tt_send(t, 10 * MSS);
	tt_expect_run(t, 1, 1, MSS, 10);
	ts = t->c->tsecr;
	tt_advance(t, RTT);
	tt_in(t, "A", 1, 7001, 0);
	tt_expect_within(t, 190 * TT_MS, 210 * TT_MS, "A", 9001, 1, MSS);
	tt_advance(t, RTT);
	tt_in(t, "A", 1, 7001, 0, .opt = "nop,nop,ts,nop,nop,sack 9001:10001", .tsecr = ts);
	tt_expect_run(t, 7001, 1, MSS, 2);
	tt_advance(t, RTT);
	tt_in(t, "A", 1, 10001, 0);
	tt_expect_quiet(t, 10 * TT_S);
	assert_int_equal(tt_stats(t)->tcp_rto, 0);
}

/* FIN by itself is a tail as well. */
static void lost_fin(struct tt *t)
{
	start(t, TT_MS, 2);
	tt_in(t, "A", 1, 2001, 0);
	tt_close(t);
	tt_expect(t, "FA", 2001, 1, 0);
	tt_expect_within(t, 900, 2100, "FA", 2001, 1, 0);
	tt_in(t, "A", 1, 2002, 0);
	tt_expect_state(t, ZS_FIN_WAIT_2);
	assert_int_equal(tt_stats(t)->tcp_rto, 0);
}

static void probe_carries_fin(struct tt *t)
{
	start(t, RTT, 3);
	tt_send(t, MSS);
	tt_close(t);
	tt_expect(t, "A", 3001, 1, MSS);
	tt_expect(t, "FA", 4001, 1, 0);
	tt_expect_after(t, 200 * TT_MS, "FA", 3001, 1, MSS);
}

/* ---- what is lost ---- */

/*
 * RFC 8985 6.2 step 4: fewer than three SACKed, no reordering ever seen: after a quarter of the
 * round trip, without a timeout and without more ACKs.
 */
static void few_segments(struct tt *t)
{
	start(t, RTT, 3);
	tt_advance(t, RTT);
	tt_in(t, "A", 1, 1, 0, .opt = "nop,nop,sack 1001:3001");
	tt_expect_after(t, 25 * TT_MS, "A", 1, 1, MSS);
	tt_advance(t, RTT);
	tt_in(t, "A", 1, 3001, 0);
	tt_expect_quiet(t, 10 * TT_S);
	assert_int_equal(tt_stats(t)->tcp_rto, 0);
	assert_int_equal(tt_stats(t)->tcp_fast_retx, 1);
}

/* A hole that closes within the window was reordering: nothing is repeated, no reduction. */
static void reordered_within_window(struct tt *t)
{
	start(t, RTT, 3);
	tt_advance(t, RTT);
	tt_in(t, "A", 1, 1, 0, .opt = "nop,nop,sack 1001:3001");
	tt_advance(t, 20 * TT_MS);
	tt_in(t, "A", 1, 3001, 0);
	tt_expect_quiet(t, 10 * TT_S);
	assert_int_equal(tt_info(t).bytes_retx, 0);
	assert_int_equal(tt_info(t).ca_state, 0);
	assert_int_equal(tt_info(t).cwnd, 10 * MSS);
}

static void show_reordering(struct tt *t)
{
	start(t, RTT, 3);
	tt_advance(t, RTT);
	tt_in(t, "A", 1, 1, 0, .opt = "nop,nop,sack 1001:3001");
	tt_in(t, "A", 1, 3001, 0);
	tt_send(t, 9 * MSS);
	tt_expect_run(t, 3001, 1, MSS, 9);
	tt_advance(t, RTT);
}

/* RFC 8985 6.2 step 4: where reordering was seen, many SACKed segments prove nothing either. */
static void window_after_reordering(struct tt *t)
{
	show_reordering(t);
	tt_in(t, "A", 1, 3001, 0, .opt = "nop,nop,sack 4001:12001");
	tt_expect_after(t, 25 * TT_MS, "A", 3001, 1, MSS);
}

/*
 * RFC 8985 6.2 step 2: of all that an ACK reports, what was sent last says how long the round trip
 * is, and not what lies last in the stream, of which ACKs were lost.
 */
static void round_trip_of_what_was_sent_last(struct tt *t)
{
	show_reordering(t);
	tt_in(t, "A", 1, 3001, 0, .opt = "nop,nop,sack 4001:5001");
	tt_expect_after(t, 25 * TT_MS, "A", 3001, 1, MSS);
	tt_advance(t, RTT + TT_MS);
	tt_in(t, "A", 1, 5001, 0, .opt = "nop,nop,sack 6001:12001");
	tt_expect(t, "A", 5001, 1, MSS);
}

/* RFC 8985 6.2 step 5: what is under suspicion when nothing else is missing waits no longer. */
static void last_suspect(struct tt *t)
{
	show_reordering(t);
	tt_in(t, "A", 1, 3001, 0, .opt = "nop,nop,sack 4001:12001");
	tt_advance(t, 10 * TT_MS);
	tt_send(t, MSS);
	tt_expect(t, "A", 12001, 1, MSS);
	tt_expect_after(t, 15 * TT_MS, "A", 3001, 1, MSS);
	tt_advance(t, RTT + TT_MS);
	tt_in(t, "A", 1, 12001, 0);
	tt_expect_within(t, 9 * TT_MS, 26 * TT_MS, "A", 12001, 1, MSS);
	tt_in(t, "A", 1, 13001, 0);
}

/* FIN in flight takes no room of the two segments that always have it. */
static void few_segments_and_fin(struct tt *t)
{
	start(t, RTT, 4);
	tt_shutdown(t, ZS_SHUT_WR);
	tt_expect(t, "FA", 4001, 1, 0);
	tt_advance(t, RTT);
	tt_in(t, "A", 1, 1, 0, .opt = "nop,nop,sack 2001:4001");
	tt_expect_within(t, 20 * TT_MS, 30 * TT_MS, "A", 1, 1, MSS);
	tt_expect(t, "A", 1001, 1, MSS);
	tt_in(t, "A", 1, 4002, 0);
}

/* RFC 8985 6.2 step 4: D-SACK widens the window by a quarter of the round trip, once per round. */
static void dsack_widens_the_window(struct tt *t)
{
	show_reordering(t);
	tt_in(t, "A", 1, 3001, 0, .opt = "nop,nop,sack 4001:12001");
	tt_expect_after(t, 25 * TT_MS, "A", 3001, 1, MSS);
	tt_in(t, "A", 1, 12001, 0);
	tt_send(t, 4 * MSS);
	tt_expect_run(t, 12001, 1, MSS, 4);
	tt_in(t, "A", 1, 12001, 0, .opt = "nop,nop,sack 3001:4001");
	tt_in(t, "A", 1, 12001, 0, .opt = "nop,nop,sack 3001:4001");
	tt_advance(t, RTT);
	tt_in(t, "A", 1, 12001, 0, .opt = "nop,nop,sack 13001:16001");
	tt_expect_within(t, 50 * TT_MS, 51 * TT_MS, "A", 12001, 1, MSS);
}

/* The round of the last D-SACK is half of sequence space away, and does not go on. */
static void dsack_long_ago(struct tt *t)
{
	show_reordering(t);
	tt_in(t, "A", 1, 12001, 0);
	tt_send(t, 4 * MSS);
	tt_drain(t);
	tt_in(t, "A", 1, 12001, 0, .opt = "nop,nop,sack 3001:4001");
	zs_score(t->s, t->c->tcb)->dsack_round = t->c->tcb->snd_una - 0x80000001;
	tt_in(t, "A", 1, 12001, 0, .opt = "nop,nop,sack 3001:4001");
	tt_advance(t, RTT);
	tt_in(t, "A", 1, 12001, 0, .opt = "nop,nop,sack 13001:16001");
	tt_expect_within(t, 75 * TT_MS, 76 * TT_MS, "A", 12001, 1, MSS);
}

/* A retransmission is lost as well: found when something sent after it arrives, not by a timeout.
 */
static void lost_retransmission(struct tt *t)
{
	start(t, RTT, 10);
	tt_send(t, 10 * MSS);
	tt_expect_none(t);
	tt_advance(t, RTT);
	tt_in(t, "A", 1, 1, 0, .opt = "nop,nop,sack 1001:10001");
	tt_expect(t, "A", 1, 1, MSS);
	assert_true(tt_pending(t) > 1); /* new data after it */
	tt_drain(t);
	tt_advance(t, RTT);
	tt_in(t, "A", 1, 1, 0, .opt = "nop,nop,sack 1001:11001");
	tt_expect(t, "A", 1, 1, MSS);
	tt_drain(t);
	tt_in(t, "A", 1, 14001, 0);
	tt_drain(t);
	assert_int_equal(tt_stats(t)->tcp_rto, 0);
	assert_int_equal(tt_stats(t)->tcp_lost_retx, 1);
	assert_int_equal(tt_info(t).bytes_retx, 2 * MSS);
}

/* RFC 8985 9.3, RFC 5681 4.3: after a timeout that is another sign of congestion, and the window is
 * that of a recovery from then on. */
static void lost_retransmission_after_timeout(struct tt *t)
{
	uint32_t ssthresh;

	start(t, RTT, 10);
	tt_expect_after(t, 200 * TT_MS, "A", 9001, 1, MSS);
	tt_expect_after(t, 300 * TT_MS, "A", 1, 1, MSS);
	ssthresh = tt_info(t).ssthresh;
	tt_advance(t, RTT);
	tt_in(t, "A", 1, 1001, 0);
	tt_expect_run(t, 1001, 1, MSS, 2);
	tt_expect_none(t);
	tt_advance(t, RTT);
	tt_in(t, "A", 1, 1001, 0, .opt = "nop,nop,sack 2001:3001");
	tt_expect(t, "A", 1001, 1, MSS);
	tt_drain(t);
	assert_int_equal(tt_stats(t)->tcp_lost_retx, 1);
	assert_int_equal(tt_info(t).ca_state, 1);
	assert_true(tt_info(t).ssthresh < ssthresh);
	tt_in(t, "A", 1, 10001, 0);
	assert_int_equal(tt_info(t).ca_state, 0);
}

/* What a probe has on its way takes nothing from what is found to be lost, and is lost itself. */
static void loss_behind_a_probe(struct tt *t)
{
	start(t, RTT, 10);
	tt_expect_after(t, 200 * TT_MS, "A", 9001, 1, MSS);
	tt_advance(t, TT_MS);
	tt_in(t, "A", 1, 1, 0, .opt = "nop,nop,sack 1001:9001");
	tt_expect(t, "A", 1, 1, MSS);
	tt_advance(t, RTT);
	tt_in(t, "A", 1, 9001, 0);
	tt_expect(t, "A", 9001, 1, MSS);
	tt_in(t, "A", 1, 10001, 0);
	assert_int_equal(tt_stats(t)->tcp_rto, 0);
}

/* RFC 8985 6.2 step 2: the ACK of the original is not taken for that of its retransmission. */
static void late_original(struct tt *t)
{
	start(t, RTT, 10);
	tt_advance(t, RTT);
	tt_in(t, "A", 1, 1, 0, .opt = "nop,nop,sack 1001:4001");
	tt_expect(t, "A", 1, 1, MSS);
	tt_advance(t, TT_MS); /* far less than a round trip */
	tt_in(t, "A", 1, 4001, 0);
	tt_expect_none(t);
	assert_int_equal(tt_info(t).lost, 0);
}

/* RFC 8985 6.3: a timeout convicts what was sent a round trip ago, not what was sent just now. */
static void timeout_spares_the_young(struct tt *t)
{
	start(t, RTT, 4);
	tt_expect_after(t, 200 * TT_MS, "A", 3001, 1, MSS);
	tt_advance(t, 270 * TT_MS);
	tt_send(t, 2 * MSS);
	tt_expect_run(t, 4001, 1, MSS, 2);
	tt_expect_within(t, 20 * TT_MS, 35 * TT_MS, "A", 1, 1, MSS);
	assert_int_equal(tt_info(t).lost, 4 * MSS);
	assert_int_equal(tt_info(t).inflight, 3 * MSS);
}

static const struct CMUnitTest tests[] = {
	TT(first_blocks_with_progress),
	TT(latest_block_first),
	TT(first_block_with_progress_waits),
	TT(tail_loss_in_two_round_trips),
	TT(probe_at_the_timeout),
	TT_CFG(granted_ack_delay, grant_200ms),
	TT_CFG(probes_switched_off, no_probes),
	TT(probe_after_two_srtt),
	TT(probe_moves),
	TT(probe_of_new_data),
	TT(probe_of_held_data),
	TT(probe_leaves_the_cork),
	TT(probe_is_the_whole_segment),
	TT(probe_is_one_segment),
	TT(probe_within_window),
	TT(probe_was_needless),
	TT(probe_repaired_a_loss),
	TT(peer_that_delays),
	TT(tail_of_three),
	TT_CFG(tail_of_three_echoed, use_ts),
	TT(lost_fin),
	TT(probe_carries_fin),
	TT(few_segments),
	TT(reordered_within_window),
	TT(window_after_reordering),
	TT(round_trip_of_what_was_sent_last),
	TT(last_suspect),
	TT(few_segments_and_fin),
	TT(dsack_widens_the_window),
	TT(dsack_long_ago),
	TT(lost_retransmission),
	TT(lost_retransmission_after_timeout),
	TT(loss_behind_a_probe),
	TT(late_original),
	TT(timeout_spares_the_young),
};

ZS_TEST_MAIN(tests)
