/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where the stream ends (RFC 9293 3.6, 3.10.7.4 eighth): peers whose data goes on behind their FIN,
 * and the state that is told while our FIN waits behind data.
 */
#include "tests/zs_test.h"
#include "tt.h"

/* A FIN in front of what was received beyond a gap: it counts, and what is behind it is forgotten.
 */
static void data_beyond_fin(struct tt *t)
{
	tt_connect_passive(t);
	tt_in(t, "A", 101, 1, 300);
	tt_expect(t, "A", 1, 1, 0, .opt = "nop,nop,sack 101:401");
	tt_in(t, "FA", 1, 1, 0);
	tt_expect(t, "A", 1, 2, 0, .opt = "");
	tt_expect_state(t, ZS_CLOSE_WAIT);
	assert_int_equal(zs_tcp_readable(t->c->tcb), 0);
}

/* The same where the FIN's own data reaches that. */
static void data_across_fin(struct tt *t)
{
	tt_connect_passive(t);
	tt_in(t, "A", 11, 1, 300);
	tt_drain(t);
	tt_in(t, "FA", 1, 1, 100);
	tt_expect(t, "A", 1, 102, 0, .opt = "");
	tt_expect_state(t, ZS_CLOSE_WAIT);
	tt_read(t, 100);
}

/* A FIN that came early and lies within the stream was not the peer's: whoever guesses cuts off
 * nothing, and the connection is an ordinary one again. */
static void stream_goes_past_early_fin(struct tt *t)
{
	uint64_t fast;

	tt_connect_passive(t);
	tt_in(t, "FA", 51, 1, 50);
	tt_expect(t, "A", 1, 1, 0, .opt = "nop,nop,sack 51:101");
	tt_in(t, "A", 1, 1, 300);
	tt_drain(t);
	tt_expect_state(t, ZS_ESTABLISHED);
	tt_read(t, 300);
	fast = tt_stats(t)->tcp_fast_path;
	tt_in(t, "A", 301, 1, 10);
	tt_drain(t);
	assert_int_equal(tt_stats(t)->tcp_fast_path, fast + 1);
	tt_in(t, "FA", 311, 1, 0);
	tt_expect(t, "A", 1, 312, 0);
	tt_expect_state(t, ZS_CLOSE_WAIT);
	tt_read(t, 10);
}

/* One that the stream ends at is good, and what lies beyond it is not told of any more. */
static void stream_ends_at_early_fin(struct tt *t)
{
	tt_connect_passive(t);
	tt_in(t, "FA", 101, 1, 0);
	tt_drain(t);
	tt_in(t, "A", 151, 1, 50);
	tt_expect(t, "A", 1, 1, 0, .opt = "nop,nop,sack 151:201");
	tt_in(t, "A", 1, 1, 100);
	tt_expect(t, "A", 1, 102, 0, .opt = "");
	tt_expect_state(t, ZS_CLOSE_WAIT);
	tt_read(t, 100);
}

/* RFC 9293 3.10.4: "in any case, enter FIN-WAIT-1". */
static void closing_is_told_at_once(struct tt *t)
{
	tt_connect_passive(t, .opt = "mss 1000,sackOK", .wnd = 1000);
	tt_send(t, 2000);
	tt_expect(t, "A", 1, 1, 1000);
	tt_shutdown(t, ZS_SHUT_WR);
	tt_expect_none(t);
	assert_int_equal(tt_info(t).state, ZS_FIN_WAIT_1);
	tt_in(t, "FA", 1, 1001, 0);
	tt_expect(t, "FPA", 1001, 2, 1000);
	assert_int_equal(tt_info(t).state, ZS_LAST_ACK);
}

static void closing_is_told_after_fin(struct tt *t)
{
	tt_connect_passive(t, .opt = "mss 1000,sackOK", .wnd = 1000);
	tt_in(t, "FA", 1, 1, 0);
	tt_drain(t);
	tt_send(t, 2000);
	tt_expect(t, "A", 1, 2, 1000);
	assert_int_equal(tt_info(t).state, ZS_CLOSE_WAIT);
	tt_shutdown(t, ZS_SHUT_WR);
	assert_int_equal(tt_info(t).state, ZS_LAST_ACK);
}

/* TCP_LINGER2: so long an orphan waits for the peer's FIN. */
static void time_in_fin_wait_2(struct tt *t)
{
	tt_connect_passive(t);
	zs_tcp_opts(t->c->tcb)->fin_wait2_s = 5;
	tt_close(t);
	tt_expect(t, "FA", 1, 1, 0);
	tt_in(t, "A", 1, 2, 0);
	tt_expect_quiet(t, 4900 * TT_MS);
	tt_expect_state(t, ZS_FIN_WAIT_2);
	tt_expect_quiet(t, 200 * TT_MS);
	tt_expect_state(t, ZS_CLOSED);
}

/* But not less than it takes the peer to send its FIN again. */
static void least_time_in_fin_wait_2(struct tt *t)
{
	tt_connect_passive(t, .rtt_us = 500 * TT_MS);
	zs_tcp_opts(t->c->tcb)->fin_wait2_s = 1;
	tt_close(t);
	tt_expect(t, "FA", 1, 1, 0);
	tt_in(t, "A", 1, 2, 0);
	tt_expect_quiet(t, 3 * TT_S);
	tt_expect_state(t, ZS_FIN_WAIT_2);
	tt_advance(t, 3 * TT_S);
	tt_expect_state(t, ZS_CLOSED);
}

static void no_time_in_fin_wait_2(struct tt *t)
{
	tt_connect_passive(t);
	zs_tcp_opts(t->c->tcb)->fin_wait2_s = ZS_FIN_WAIT2_NONE;
	tt_close(t);
	tt_expect(t, "FA", 1, 1, 0);
	tt_in(t, "A", 1, 2, 0);
	tt_expect(t, "RA", 2, 1, 0);
	tt_expect_state(t, ZS_CLOSED);
}

static void no_time_after_shutdown(struct tt *t)
{
	tt_enter(t, ZS_FIN_WAIT_2);
	zs_tcp_opts(t->c->tcb)->fin_wait2_s = ZS_FIN_WAIT2_NONE;
	tt_close(t);
	tt_expect(t, "RA", 2, 1, 0);
	tt_expect_state(t, ZS_CLOSED);
}

static const struct CMUnitTest tests[] = {
	TT(data_beyond_fin),	      TT(data_across_fin),	    TT(stream_goes_past_early_fin),
	TT(stream_ends_at_early_fin), TT(closing_is_told_at_once),  TT(closing_is_told_after_fin),
	TT(time_in_fin_wait_2),	      TT(least_time_in_fin_wait_2), TT(no_time_in_fin_wait_2),
	TT(no_time_after_shutdown),
};

ZS_TEST_MAIN(tests)
