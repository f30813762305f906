/* SPDX-License-Identifier: BSD-3-Clause */
/* Retransmission timer: RFC 6298, with a minimum of 200 ms instead of 1 s (as Linux and FreeBSD);
 * RFC 5482. */
#include <errno.h>

#include "core/zs_ep.h"
#include "tests/zs_test.h"
#include "tt.h"

enum { MSS = 1000 };

/* Without SACK there is no tail loss probe in front of the timeout (RFC 8985 7.2). */
static void start(struct tt *t, uint32_t rtt_us)
{
	tt_connect_passive(t, .opt = "mss 1000", .rtt_us = rtt_us);
}

/* RFC 6298 2.2: SRTT = R, RTTVAR = R / 2; RTO = SRTT + max(200 ms, 4 RTTVAR). */
static void first_sample(struct tt *t)
{
	start(t, 100 * TT_MS);
	assert_in_range(tt_info(t).srtt_us, 99900, 100200);
	assert_in_range(tt_info(t).rttvar_us, 49900, 50100);
	assert_in_range(tt_info(t).rto_us, 299800, 300300);
}

static void first_sample_active(struct tt *t)
{
	tt_connect_active(t, .rtt_us = 200 * TT_MS);
	assert_in_range(tt_info(t).srtt_us, 199900, 200200);
	assert_in_range(tt_info(t).rto_us, 599800, 600600);
}

/* RFC 6298 2.4: the minimum is added as variance, so a data-centre path has 200 ms and a bit. */
static void minimum(struct tt *t)
{
	start(t, 100);
	assert_in_range(tt_info(t).srtt_us, 50, 200);
	assert_in_range(tt_info(t).rto_us, 200000, 200400);
}

/* RFC 6298 2.3: RTTVAR = 3/4 RTTVAR + 1/4 |SRTT - R'|, SRTT = 7/8 SRTT + 1/8 R'. */
static void second_sample(struct tt *t)
{
	start(t, 100 * TT_MS);
	tt_send(t, 10);
	tt_expect(t, "PA", 1, 1, 10);
	tt_advance(t, 180 * TT_MS);
	tt_in(t, "A", 1, 11, 0);
	assert_in_range(tt_info(t).srtt_us, 109800, 110300);
	assert_in_range(tt_info(t).rttvar_us, 57300, 57700);
}

/* RFC 6298 2.1: without a sample 1 s. */
static void initial(struct tt *t)
{
	assert_int_equal(tt_connect(t), 0);
	tt_expect(t, "S", 0, 0, 0);
	assert_int_equal(tt_info(t).rto_us, TT_S);
}

/* RFC 6298 5.4, 5.5: the earliest segment, doubled each time; CONFORMANCE row 39. */
static void backoff(struct tt *t)
{
	start(t, 100 * TT_MS);
	tt_send(t, 2 * MSS);
	tt_expect_run(t, 1, 1, MSS, 2);
	for (unsigned i = 0; i < 6; i++)
		tt_expect_after(t, 300 * TT_MS << i, "A", 1, 1, MSS);
	assert_int_equal(tt_stats(t)->tcp_rto, 6);
	assert_int_equal(tt_info(t).retransmits, 6);
	tt_in(t, "A", 1, 2001, 0);
	tt_expect_quiet(t, 10 * TT_S);
}

static void low_rto_max(struct zs_config *cfg)
{
	cfg->rto_max_us = 2 * TT_S;
}

/* RFC 6298 2.5, 5.5: up to a maximum. */
static void maximum(struct tt *t)
{
	start(t, 100 * TT_MS);
	tt_send(t, MSS);
	tt_expect(t, "A", 1, 1, MSS);
	for (unsigned i = 0; i < 3; i++)
		tt_expect_after(t, 300 * TT_MS << i, "A", 1, 1, MSS);
	tt_expect_after(t, 2 * TT_S, "A", 1, 1, MSS);
	tt_expect_after(t, 2 * TT_S, "A", 1, 1, MSS);
}

/* RFC 5681 3.1 (4): a loss event is one however many timeouts it takes; TCP_USER_TIMEOUT decides.
 */
static void timeouts_beyond_number(struct tt *t)
{
	uint32_t ssthresh;

	start(t, 100 * TT_MS);
	zs_tcp_opts(t->c->tcb)->user_timeout_ms = 3600000;
	tt_send(t, 10 * MSS);
	tt_advance(t, 2 * TT_S);
	ssthresh = tt_info(t).ssthresh;
	assert_in_range(ssthresh, 5 * MSS, 7 * MSS);
	for (unsigned i = 0; i < 300; i++) {
		tt_advance(t, 2 * TT_S);
		tt_drain(t);
	}
	assert_int_equal(tt_info(t).retransmits, 255);
	assert_int_equal(tt_info(t).ssthresh, ssthresh);
	tt_expect_state(t, ZS_ESTABLISHED);
}

/* RFC 6298 5.1: runs from the first segment, not from the latest. */
static void started_by_first(struct tt *t)
{
	start(t, 100 * TT_MS);
	tt_send(t, MSS);
	tt_expect(t, "A", 1, 1, MSS);
	tt_advance(t, 200 * TT_MS);
	tt_send(t, MSS);
	tt_expect(t, "A", 1001, 1, MSS);
	tt_expect_after(t, 100 * TT_MS, "A", 1, 1, MSS);
}

/* RFC 6298 5.3: an ACK of new data restarts it; a duplicate does not. 5.2: all acknowledged: off.
 */
static void restarted_by_progress(struct tt *t)
{
	start(t, 100 * TT_MS);
	tt_send(t, 3 * MSS);
	tt_expect_run(t, 1, 1, MSS, 3);
	tt_advance(t, 100 * TT_MS);
	tt_in(t, "A", 1, 1001, 0);
	tt_advance(t, 50 * TT_MS);
	tt_in(t, "A", 1, 1001, 0);
	/* the second sample of 100 ms makes RTTVAR 37.5 ms, the RTO stays at the minimum's 300 ms
	 */
	tt_expect_within(t, 240 * TT_MS, 255 * TT_MS, "A", 1001, 1, MSS);
	tt_in(t, "A", 1, 3001, 0);
	tt_expect_quiet(t, 20 * TT_S);
}

/* Karn: a segment that was sent twice gives no sample (RFC 6298 3). */
static void karn(struct tt *t)
{
	uint32_t srtt;

	start(t, 100 * TT_MS);
	srtt = tt_info(t).srtt_us;
	tt_send(t, MSS);
	tt_expect(t, "A", 1, 1, MSS);
	tt_expect_after(t, 300 * TT_MS, "A", 1, 1, MSS);
	tt_advance(t, 10 * TT_MS);
	tt_in(t, "A", 1, 1001, 0);
	assert_int_equal(tt_info(t).srtt_us, srtt);
	tt_send(t, 2 * MSS); /* together with one that was sent once, and arrived long ago */
	tt_expect_run(t, 1001, 1, MSS, 2);
	tt_expect_after(t, 600 * TT_MS, "A", 1001, 1, MSS);
	tt_in(t, "A", 1, 3001, 0);
	assert_int_equal(tt_info(t).srtt_us, srtt);
}

static void use_ts(struct zs_config *cfg)
{
	cfg->use_ts = true;
}

/* RFC 7323 4: with timestamps it does, by the echo of the copy that arrived. */
static void timestamps_solve_karn(struct tt *t)
{
	uint32_t first_ts, srtt;
	const struct tt_out *o;

	tt_connect_passive(t, .opt = "mss 1012,ts", .rtt_us = 100 * TT_MS);
	srtt = tt_info(t).srtt_us;
	tt_send(t, MSS);
	o = tt_next(t);
	first_ts = o->tsval;
	tt_expect_after(t, 300 * TT_MS, "A", 1, 1, MSS);
	tt_advance(t, 100 * TT_MS);
	tt_in(t, "A", 1, 1001, 0, .opt = "nop,nop,ts", .tsecr = first_ts);
	assert_true(tt_info(t).srtt_us > srtt + 20 * TT_MS); /* 400 ms / 8 more */
	assert_true(tt_info(t).srtt_us < srtt + 60 * TT_MS);
}

/* An echo within one tick of the clock is no path of a microsecond. */
static void echo_within_a_tick(struct tt *t)
{
	tt_connect_passive(t, .opt = "mss 1012,ts", .rtt_us = 600);
	tt_send(t, MSS);
	tt_expect(t, "A", 1, 1, MSS);
	tt_expect_after(t, 200 * TT_MS + 600, "A", 1, 1, MSS);
	tt_in(t, "A", 1, 1001, 0);
	assert_in_range(tt_info(t).min_rtt_us, 590, 700);
	assert_in_range(tt_info(t).srtt_us, 590, 1100);
}

/* The peer's echo is not believed when it makes no sense (FIELD: an SRTT of days). */
static void absurd_echo(struct tt *t)
{
	tt_connect_passive(t, .opt = "mss 1012,sackOK,ts", .rtt_us = 100 * TT_MS);
	tt_send(t, MSS);
	tt_drain(t);
	tt_advance(t, 100 * TT_MS);
	tt_in(t, "A", 1, 1001, 0, .opt = "nop,nop,ts", .tsecr = 12345);
	assert_in_range(tt_info(t).rto_us, 200000, 400000);
	tt_send(t, MSS);
	tt_drain(t);
	tt_in(t, "A", 1, 2001, 0, .opt = "nop,nop,ts", .tsecr = t->c->tsecr + 100000);
	assert_in_range(tt_info(t).rto_us, 200000, 400000);
}

/* RFC 5681 3.1: cwnd is one segment, ssthresh half the flight or 0.7 of it; once for all timeouts
 * in a row. */
static void window_after_timeout(struct tt *t)
{
	start(t, 100 * TT_MS);
	tt_send(t, 10 * MSS);
	tt_expect_run(t, 1, 1, MSS, 10);
	tt_expect_after(t, 300 * TT_MS, "A", 1, 1, MSS);
	tt_expect_none(t);
	assert_int_equal(tt_info(t).cwnd, MSS);
	assert_in_range(tt_info(t).ssthresh, 5 * MSS, 7 * MSS);
	assert_int_equal(tt_info(t).ca_state, 2);
	tt_expect_after(t, 600 * TT_MS, "A", 1, 1, MSS);
	assert_in_range(tt_info(t).ssthresh, 5 * MSS, 7 * MSS);
	assert_int_equal(tt_info(t).cwnd, MSS);
}

/* RFC 5681 3.1: then slow start over what is taken for lost: 1, 2, 4 segments. */
static void slow_start_after_timeout(struct tt *t)
{
	start(t, 100 * TT_MS);
	tt_send(t, 10 * MSS);
	tt_drain(t);
	tt_expect_after(t, 300 * TT_MS, "A", 1, 1, MSS);
	tt_advance(t, 100 * TT_MS);
	tt_in(t, "A", 1, 1001, 0);
	tt_expect_run(t, 1001, 1, MSS, 2);
	tt_expect_none(t);
	tt_advance(t, 100 * TT_MS);
	tt_in(t, "A", 1, 3001, 0);
	tt_expect_run(t, 3001, 1, MSS, 4);
	tt_expect_none(t);
	tt_in(t, "A", 1, 10001, 0);
	tt_expect_none(t);
	tt_send(t, MSS);
	tt_expect(t, "A", 10001, 1, MSS);
	tt_in(t, "A", 1, 11001, 0); /* RFC 6582 3.2: more than all of then */
	assert_int_equal(tt_info(t).ca_state, 0);
}

/* The first ACK after the timeout covers all: the timeout was late, nothing more is repeated. */
static void spurious_timeout(struct tt *t)
{
	start(t, 100 * TT_MS);
	tt_send(t, 10 * MSS);
	tt_drain(t);
	tt_expect_after(t, 300 * TT_MS, "A", 1, 1, MSS);
	tt_in(t, "A", 1, 10001, 0);
	tt_expect_none(t);
	assert_int_equal(tt_info(t).bytes_retx, MSS);
	tt_expect_quiet(t, 10 * TT_S);
}

/* The same of FIN. */
static void spurious_timeout_with_fin(struct tt *t)
{
	start(t, 100 * TT_MS);
	tt_send(t, 3 * MSS);
	tt_shutdown(t, ZS_SHUT_WR);
	tt_drain(t);
	tt_expect_after(t, 300 * TT_MS, "A", 1, 1, MSS);
	tt_in(t, "A", 1, 3002, 0);
	tt_expect_state(t, ZS_FIN_WAIT_2);
	tt_in(t, "A", 1, 3002, 100);
	tt_expect(t, "A", 3002, 101, 0);
	tt_expect_quiet(t, 10 * TT_S);
	tt_read(t, 100);
}

/* RFC 6675 5.1, RFC 2018 5.1: what was SACKed is not repeated before it has to be. */
static void timeout_with_sack(struct tt *t)
{
	tt_connect_passive(t, .opt = "mss 1000,sackOK", .rtt_us = 100 * TT_MS);
	tt_send(t, 4 * MSS);
	tt_expect_run(t, 1, 1, MSS, 4);
	tt_advance(t, 100 * TT_MS);
	tt_in(t, "A", 1, 1, 0, .opt = "nop,nop,sack 1001:3001");
	tt_expect_within(t, 20 * TT_MS, 30 * TT_MS, "A", 1, 1, MSS); /* RACK; and it is lost too */
	tt_expect_within(t, 170 * TT_MS, 300 * TT_MS, "A", 1, 1, MSS);
	assert_int_equal(tt_stats(t)->tcp_rto, 1);
	tt_advance(t, 100 * TT_MS);
	tt_in(t, "A", 1, 3001, 0);
	tt_expect(t, "A", 3001, 1, MSS);
	tt_expect_none(t);
	tt_in(t, "A", 1, 4001, 0);
	assert_int_equal(tt_info(t).bytes_retx, 3 * MSS);
}

static void few_retries(struct zs_config *cfg)
{
	cfg->data_retries = 3;
}

/* RFC 9293 3.8.3, R2: given up: ETIMEDOUT. */
static void gives_up(struct tt *t)
{
	start(t, 100 * TT_MS);
	(void)tt_take_events(t);
	tt_send(t, MSS);
	tt_expect(t, "A", 1, 1, MSS);
	for (unsigned i = 0; i < 3; i++)
		tt_expect_after(t, 300 * TT_MS << i, "A", 1, 1, MSS);
	tt_advance(t, (300 * TT_MS << 3) - 10 * TT_MS);
	tt_expect_state(t, ZS_ESTABLISHED);
	tt_advance(t, 20 * TT_MS);
	tt_drain(t); /* a RST is welcome */
	tt_expect_state(t, ZS_CLOSED);
	assert_true(tt_take_events(t) & ZS_EV_ERR);
	assert_int_equal(tt_take_error(t), ETIMEDOUT);
	tt_in(t, "A", 1, 1001, 0); /* RFC 9293 3.10.7.1 */
	tt_expect(t, "R", 1001, 0, 0);
}

/* With the default of 15 that takes about 15 minutes: R2 is at least 100 s (RFC 1122 4.2.3.5). */
static void gives_up_late(struct tt *t)
{
	start(t, 100 * TT_MS);
	tt_send(t, MSS);
	tt_advance(t, 100ull * TT_S);
	tt_expect_state(t, ZS_ESTABLISHED);
	tt_advance(t, 1500ull * TT_S);
	assert_in_range(tt_pending(t), 16, 17);
	tt_drain(t);
	tt_expect_state(t, ZS_CLOSED);
}

/* RFC 5482: the user timeout ends it earlier. */
static void user_timeout(struct tt *t)
{
	start(t, 100 * TT_MS);
	zs_tcp_opts(t->c->tcb)->user_timeout_ms = 3000;
	zs_tcp_opts_changed(t->s, t->c->tcb);
	tt_send(t, MSS);
	tt_advance(t, 2900 * TT_MS);
	tt_expect_state(t, ZS_ESTABLISHED);
	tt_advance(t, 2000 * TT_MS);
	tt_expect_state(t, ZS_CLOSED);
	assert_int_equal(tt_take_error(t), ETIMEDOUT);
	tt_drain(t);
	tt_in(t, "A", 1, 1, 10);
	tt_expect(t, "R", 1, 0, 0);
}

/* It is measured from the last progress, so a slow but living peer stays. */
static void user_timeout_with_progress(struct tt *t)
{
	start(t, 100 * TT_MS);
	zs_tcp_opts(t->c->tcb)->user_timeout_ms = 1000;
	zs_tcp_opts_changed(t->s, t->c->tcb);
	for (uint32_t i = 0; i < 10; i++) {
		tt_send(t, MSS);
		tt_advance(t, 500 * TT_MS);
		tt_drain(t);
		tt_in(t, "A", 1, 1 + (i + 1) * MSS, 0);
	}
	tt_expect_state(t, ZS_ESTABLISHED);
	tt_expect_none(t);
}

/* RFC 6298 5.7: after a lost SYN, and no sample (Karn: which SYN was it?), data begins with 3 s. */
static void syn_lost(struct tt *t)
{
	assert_int_equal(tt_connect(t), 0);
	tt_expect(t, "S", 0, 0, 0);
	tt_expect_after(t, TT_S, "S", 0, 0, 0);
	tt_in(t, "SA", 0, 1, 0, .opt = "mss 1000,sackOK");
	tt_expect(t, "A", 1, 1, 0);
	assert_int_equal(tt_info(t).srtt_us, 0);
	assert_int_equal(tt_info(t).rto_us, 3 * TT_S);
	assert_int_equal(tt_info(t).cwnd, 10 * MSS); /* RFC 6928 2: one lost SYN changes nothing */
}

/* RFC 7323 4: with timestamps it is known which SYN it was. */
static void syn_lost_timestamps(struct tt *t)
{
	assert_int_equal(tt_connect(t), 0);
	tt_expect(t, "S", 0, 0, 0);
	tt_expect_after(t, TT_S, "S", 0, 0, 0);
	tt_advance(t, 100 * TT_MS);
	t->c->ts = true;
	tt_in(t, "SA", 0, 1, 0, .opt = "mss 1000,sackOK,ts");
	tt_expect(t, "A", 1, 1, 0);
	assert_in_range(tt_info(t).srtt_us, 99000, 102000);
	assert_in_range(tt_info(t).rto_us, 298000, 310000);
}

/* RFC 6298 3: of a SYN-ACK that was sent twice, because the SYN was, there is no sample. */
static void syn_ack_sent_twice(struct tt *t)
{
	tt_listen(t, 1);
	tt_in(t, "S", 0, 0, 0, .opt = "mss 1000,sackOK");
	tt_expect(t, "SA", 0, 1, 0);
	tt_advance(t, 60 * TT_MS);
	tt_in(t, "S", 0, 0, 0, .opt = "mss 1000,sackOK");
	tt_expect(t, "SA", 0, 1, 0);
	tt_advance(t, 40 * TT_MS);
	tt_in(t, "A", 1, 1, 0);
	tt_accept(t);
	assert_int_equal(tt_info(t).srtt_us, 0);
	assert_int_equal(tt_info(t).rto_us, TT_S);
	assert_int_equal(tt_info(t).cwnd, 10 * MSS);
}

/* But with timestamps; and the peer has its own by the SYN that was answered (RFC 7323 4.3). */
static void syn_ack_sent_twice_timestamps(struct tt *t)
{
	uint32_t first;

	tt_listen(t, 1);
	tt_in(t, "S", 0, 0, 0, .opt = "mss 1000,sackOK,ts", .tsval = 5000);
	tt_expect(t, "SA", 0, 1, 0, .tsecr = 5000);
	first = t->c->tsecr;
	tt_advance(t, 60 * TT_MS);
	tt_in(t, "S", 0, 0, 0, .opt = "mss 1000,sackOK,ts", .tsval = 6000);
	tt_expect(t, "SA", 0, 1, 0, .tsecr = 6000);
	tt_in(t, "S", 0, 0, 0, .opt = "mss 1000,sackOK,ts", .tsval = 5500);
	tt_expect(t, "SA", 0, 1, 0, .tsecr = 6000);
	tt_advance(t, 40 * TT_MS);
	t->c->ts = true;
	tt_in(t, "A", 1, 1, 0, .tsval = 6100, .tsecr = first);
	tt_accept(t);
	assert_in_range(tt_info(t).srtt_us, 99 * TT_MS, 102 * TT_MS);
}

/* RFC 6928 2, RFC 5681 3.1: after two, the initial window is one segment; on both sides. */
static void syn_lost_twice(struct tt *t)
{
	assert_int_equal(tt_connect(t), 0);
	tt_expect(t, "S", 0, 0, 0);
	tt_expect_after(t, TT_S, "S", 0, 0, 0);
	tt_expect_after(t, 2 * TT_S, "S", 0, 0, 0);
	tt_in(t, "SA", 0, 1, 0, .opt = "mss 1000,sackOK");
	tt_expect(t, "A", 1, 1, 0);
	assert_int_equal(tt_info(t).cwnd, MSS);
	tt_use(t, 1);
	tt_enter(t, ZS_SYN_RCVD);
	tt_expect_within(t, 900 * TT_MS, 1100 * TT_MS, "SA", 0, 1, 0);
	tt_expect_within(t, 1900 * TT_MS, 2100 * TT_MS, "SA", 0, 1, 0);
	tt_in(t, "A", 1, 1, 0);
	tt_accept(t);
	assert_int_equal(tt_info(t).cwnd, 1460);
	assert_int_equal(tt_info(t).rto_us, 3 * TT_S);
}

/* RFC 6298 5.5: the backed-off value stays until there is a new sample, which needs data sent once.
 */
static void backoff_ends(struct tt *t)
{
	start(t, 100 * TT_MS);
	tt_send(t, MSS);
	tt_expect(t, "A", 1, 1, MSS);
	tt_expect_after(t, 300 * TT_MS, "A", 1, 1, MSS);
	tt_expect_after(t, 600 * TT_MS, "A", 1, 1, MSS);
	tt_in(t, "A", 1, 1001, 0);
	assert_in_range(tt_info(t).rto_us, 1199000, 1201000);
	assert_int_equal(tt_info(t).backoff, 0);
	tt_send(t, MSS);
	tt_expect(t, "A", 1001, 1, MSS);
	tt_advance(t, 100 * TT_MS);
	tt_in(t, "A", 1, 2001, 0);
	assert_in_range(tt_info(t).rto_us, 299000, 301000);
}

/* A device that takes nothing for a while: what was not sent needs no timer, and goes out later. */
static void device_refuses(struct tt *t)
{
	start(t, 100 * TT_MS);
	t->refuse = 3;
	tt_send(t, MSS);
	tt_expect_none(t);
	assert_true(zs_stack_tx_pending(t->s));
	for (unsigned i = 0; i < 4; i++)
		tt_turn(t);
	tt_expect(t, "A", 1, 1, MSS);
	tt_in(t, "A", 1, 1001, 0);
	assert_int_equal(tt_stats(t)->tcp_rto, 0);
}

/* No buffer to build with: said later, as soon as there is one; nothing is lost and no timer is
 * needed. */
static void no_buffers(struct tt *t)
{
	start(t, 100 * TT_MS);
	tt_starve(true);
	tt_in(t, "A", 1, 1, 100);
	tt_expect_none(t);
	assert_true(zs_stack_tx_pending(t->s));
	tt_starve(false);
	tt_turn(t);
	tt_expect(t, "A", 1, 101, 0);
	tt_read(t, 100);
	tt_send(t, 10 * MSS);
	tt_expect_run(t, 1, 101, MSS, 10);
	t->hold_tx = true; /* so that repeating needs references */
	tt_starve(true);
	tt_in(t, "A", 101, 1, 0, .opt = "nop,nop,sack 1001:4001");
	tt_drain(t);
	tt_starve(false);
	tt_turn(t);
	tt_drain(t);
	tt_in(t, "A", 101, 10001, 0);
	tt_expect_none(t);
	assert_int_equal(tt_stats(t)->tcp_rto, 0);
	tt_release_tx(t);
}

/* A SYN that waits for a buffer when it is answered is not sent again. */
static void no_buffers_for_a_syn(struct tt *t)
{
	assert_int_equal(tt_connect(t), 0);
	tt_expect(t, "S", 0, 0, 0);
	tt_starve(true);
	tt_expect_quiet(t, TT_S + 10 * TT_MS);
	tt_in(t, "SA", 0, 1, 0, .opt = "mss 1000,sackOK");
	tt_expect_state(t, ZS_ESTABLISHED);
	tt_starve(false);
	tt_turn(t);
	tt_expect(t, "A", 1, 1, 0);
	tt_expect_none(t);
}

static const struct CMUnitTest tests[] = {
	TT(first_sample),
	TT(first_sample_active),
	TT(minimum),
	TT(second_sample),
	TT(initial),
	TT(backoff),
	TT_CFG(maximum, low_rto_max),
	TT_CFG(timeouts_beyond_number, low_rto_max),
	TT(started_by_first),
	TT(restarted_by_progress),
	TT(karn),
	TT_CFG(timestamps_solve_karn, use_ts),
	TT_CFG(echo_within_a_tick, use_ts),
	TT_CFG(absurd_echo, use_ts),
	TT(window_after_timeout),
	TT(slow_start_after_timeout),
	TT(spurious_timeout),
	TT(spurious_timeout_with_fin),
	TT(timeout_with_sack),
	TT_CFG(gives_up, few_retries),
	TT(gives_up_late),
	TT(user_timeout),
	TT(user_timeout_with_progress),
	TT(syn_lost),
	TT_CFG(syn_lost_timestamps, use_ts),
	TT(syn_ack_sent_twice),
	TT_CFG(syn_ack_sent_twice_timestamps, use_ts),
	TT(syn_lost_twice),
	TT(backoff_ends),
	TT(device_refuses),
	TT(no_buffers),
	TT(no_buffers_for_a_syn),
};

ZS_TEST_MAIN(tests)
