/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Windows that stay closed: for how long a connection waits (RFC 9293 3.8.6, 3.8.6.1), where the
 * window was closed over what is on its way, too, and with a user timeout (RFC 5482).
 */
#include <errno.h>

#include "tests/zs_test.h"
#include "tt.h"

enum { MSS = 1000, TIMES = 40 };

static void start(struct tt *t)
{
	tt_connect_passive(t, .opt = "mss 1000,sackOK", .rtt_us = 20 * TT_MS, .wnd = 5000);
}

/* Three segments are on their way, one arrives, and the peer has no room any more. */
static void shrink_to_zero(struct tt *t)
{
	start(t);
	tt_send(t, 3 * MSS);
	tt_expect_run(t, 1, 1, MSS, 3);
	tt_in(t, "A", 1, 1001, 0, .wnd = TT_WND0);
	tt_expect_none(t);
}

/* What the stack says until then is answered: the window is closed. */
static void answer_until(struct tt *t, uint64_t until, uint32_t ack)
{
	while (tt_time(t) < until) {
		tt_advance(t, 10 * TT_MS);
		if (tt_pending(t) > 0 && tt_state(t) != ZS_CLOSED)
			tt_in(t, "A", 1, ack, 0, .wnd = TT_WND0);
		tt_drain(t);
	}
}

static void expect_timed_out(struct tt *t)
{
	tt_expect_state(t, ZS_CLOSED);
	assert_int_equal(tt_take_error(t), ETIMEDOUT);
}

/* RFC 9293 3.8.6, SHLD-17: data beyond the edge does not time out. */
static void shrunk_to_zero_for_ever(struct tt *t)
{
	shrink_to_zero(t);
	answer_until(t, TIMES * 120ull * TT_S, 1001);
	tt_expect_state(t, ZS_ESTABLISHED);
	assert_int_equal(tt_info(t).snd_mss, MSS);
	tt_in(t, "A", 1, 1001, 0, .wnd = 5000);
	tt_advance(t, 121ull * TT_S);
	tt_expect(t, "A", 1001, 1, MSS);
	tt_in(t, "A", 1, 2001, 0);
	tt_drain(t);
	tt_in(t, "A", 1, 3001, 0);
	tt_send(t, 1);
	tt_expect(t, "PA", 3001, 1, 1);
	tt_in(t, "A", 1, 3002, 0);
}

/* RFC 9293 3.8.6, MUST-34: what is beyond the edge a peer may throw away, its ACK with it, so an
 * acknowledgement without data stays within. */
static void shrunk_window_takes_acks(struct tt *t)
{
	shrink_to_zero(t);
	tt_in(t, "PA", 1, 1001, 100, .wnd = TT_WND0);
	tt_expect(t, "A", 1001, 101, 0);
	tt_in(t, "PA", 101, 1001, 100, .wnd = 1500);
	tt_expect(t, "A", 2501, 201, 0);
	tt_in(t, "PA", 201, 1001, 100, .wnd = 2500);
	tt_expect(t, "A", 3001, 301, 0);
	tt_in(t, "A", 301, 1001, 0, .wnd = TT_WND0);
	tt_abort(t);
	tt_expect(t, "RA", 1001, 301, 0);
}

static void answer_until_timeout(struct tt *t, uint64_t nth)
{
	while (tt_stats(t)->tcp_rto < nth)
		answer_until(t, tt_time(t) + 10 * TT_MS, 1001);
}

/* RFC 5681 3.1: ssthresh stays when a timeout has repeated the segment before. */
static void ssthresh_falls_once(struct tt *t)
{
	uint32_t ssthresh;

	start(t);
	tt_send(t, 5 * MSS);
	tt_expect_run(t, 1, 1, MSS, 5);
	tt_in(t, "A", 1, 1001, 0, .wnd = TT_WND0);
	answer_until_timeout(t, 1);
	ssthresh = tt_info(t).ssthresh;
	assert_true(ssthresh > 2 * MSS);
	answer_until_timeout(t, 4);
	assert_int_equal(tt_info(t).ssthresh, ssthresh);
}

/* A peer that is gone is given up. */
static void shrunk_to_zero_unanswered(struct tt *t)
{
	shrink_to_zero(t);
	tt_advance(t, 20 * 120ull * TT_S);
	tt_drain(t);
	expect_timed_out(t);
}

/* A FIN goes into a closed window; peers that do not take it there still have to answer. */
static void fin_into_closed_window(struct tt *t)
{
	start(t);
	tt_in(t, "A", 1, 1, 0, .wnd = TT_WND0);
	tt_shutdown(t, ZS_SHUT_WR);
	tt_expect(t, "FA", 1, 1, 0);
	answer_until(t, TIMES * 120ull * TT_S, 1);
	tt_expect_state(t, ZS_FIN_WAIT_1);
	tt_in(t, "A", 1, 1, 0, .wnd = 5000);
	tt_advance(t, 121ull * TT_S);
	tt_expect(t, "FA", 1, 1, 0);
	tt_in(t, "FA", 1, 2, 0);
	tt_expect(t, "A", 2, 2, 0);
}

/* RFC 6429: nobody waits for it, so answers alone do not keep it. */
static void orphans_end(struct tt *t, uint32_t n)
{
	start(t);
	tt_in(t, "A", 1, 1, 0, .wnd = TT_WND0);
	if (n > 0)
		tt_send(t, n);
	tt_close(t);
	tt_drain(t);
	for (unsigned i = 0; i < TIMES * 120 * 10 && tt_counts(t).tcbs > 0; i++) {
		tt_advance(t, 100 * TT_MS);
		if (tt_pending(t) > 0 && tt_counts(t).tcbs > 0)
			tt_in(t, "A", 1, 1, 0, .wnd = TT_WND0);
		tt_drain(t);
	}
	assert_int_equal(tt_counts(t).tcbs, 0);
	assert_in_range(tt_time(t), 300ull * TT_S, 3600ull * TT_S);
}

static void orphan_with_data(struct tt *t)
{
	orphans_end(t, MSS);
}

static void orphan_with_fin(struct tt *t)
{
	orphans_end(t, 0);
}

/* A segment waits for a window, 2 s at most. */
static void wait_for_window(struct tt *t)
{
	start(t);
	zs_tcp_opts(t->c->tcb)->user_timeout_ms = 2000;
	zs_tcp_opts_changed(t->s, t->c->tcb);
	tt_in(t, "A", 1, 1, 0, .wnd = TT_WND0);
	tt_send(t, MSS);
}

/* tcp(7): TCP_USER_TIMEOUT is also for what waits for a window, whether the peer answers or not. */
static void user_timeout_unanswered(struct tt *t)
{
	wait_for_window(t);
	tt_advance(t, 1900 * TT_MS);
	tt_drain(t);
	tt_expect_state(t, ZS_ESTABLISHED);
	tt_advance(t, 200 * TT_MS);
	tt_expect_none(t);
	expect_timed_out(t);
}

static void user_timeout_answered(struct tt *t)
{
	wait_for_window(t);
	answer_until(t, tt_time(t) + 1900 * TT_MS, 1);
	tt_expect_state(t, ZS_ESTABLISHED);
	answer_until(t, tt_time(t) + 200 * TT_MS, 1);
	expect_timed_out(t);
}

/* Once the window is open, what is sent has all of the time. */
static void user_timeout_begins_anew(struct tt *t)
{
	wait_for_window(t);
	answer_until(t, tt_time(t) + 1900 * TT_MS, 1);
	tt_in(t, "A", 1, 1, 0, .wnd = 5000);
	tt_expect(t, "PA", 1, 1, MSS);
	tt_advance(t, 1500 * TT_MS);
	tt_drain(t);
	tt_expect_state(t, ZS_ESTABLISHED);
	tt_in(t, "A", 1, 1001, 0);
}

static const struct CMUnitTest tests[] = {
	TT(ssthresh_falls_once),      TT(shrunk_to_zero_for_ever), TT(shrunk_to_zero_unanswered),
	TT(shrunk_window_takes_acks), TT(fin_into_closed_window),  TT(orphan_with_data),
	TT(orphan_with_fin),	      TT(user_timeout_unanswered), TT(user_timeout_answered),
	TT(user_timeout_begins_anew),
};

ZS_TEST_MAIN(tests)
