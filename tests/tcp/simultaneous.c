/* SPDX-License-Identifier: BSD-3-Clause */
/* Simultaneous open (RFC 9293 3.5, figure 7): what the second SYN of the peer carries, and closing
 * in SYN-RECEIVED (3.10.4). */
#include "tests/zs_test.h"
#include "tt.h"

/* RFC 7323 2.2: the window of a SYN-ACK is not scaled, and nothing of it is lost to the scale. */
static void window_is_not_scaled(struct tt *t)
{
	t->c->wnd = 5000;
	assert_int_equal(tt_connect(t), 0);
	tt_expect(t, "S", 0, 0, 0);
	tt_in(t, "S", 0, 0, 0, .opt = "mss 1000,sackOK,nop,wscale 14");
	tt_expect(t, "SA", 0, 1, 0);
	tt_in(t, "SA", 0, 1, 0, .opt = "mss 1000,sackOK,nop,wscale 14");
	tt_expect(t, "A", 1, 1, 0);
	assert_int_equal(tt_info(t).snd_wnd, 5000);
	tt_send(t, 6000);
	tt_expect_run(t, 1, 1, 1000, 5);
	tt_expect_none(t);
}

static void simultaneous(struct tt *t)
{
	assert_int_equal(tt_connect(t), 0);
	tt_expect(t, "S", 0, 0, 0);
	tt_in(t, "S", 0, 0, 0, .opt = "mss 1000,sackOK");
	tt_expect(t, "SA", 0, 1, 0);
	tt_expect_state(t, ZS_SYN_RCVD);
}

static void simultaneous_open(struct tt *t)
{
	simultaneous(t);
	tt_in(t, "SA", 0, 1, 0, .opt = "mss 1000,sackOK");
	tt_expect_state(t, ZS_ESTABLISHED);
	/* the SYN was known: RFC 5961 4, RFC 2883 4 */
	tt_expect(t, "A", 1, 1, 0, .opt = "nop,nop,sack 0:1");
	assert_int_equal(tt_info(t).snd_mss, 1000);
	tt_send(t, 10);
	tt_expect(t, "PA", 1, 1, 10);
	tt_in(t, "A", 1, 11, 0);
}

/* RFC 9293 3.4 allows to leave data of a SYN to be repeated. */
static void simultaneous_open_with_data(struct tt *t)
{
	assert_int_equal(tt_connect(t), 0);
	tt_expect(t, "S", 0, 0, 0);
	tt_in(t, "S", 0, 0, 100, .opt = "mss 1000,sackOK");
	tt_expect(t, "SA", 0, 1, 0);
	tt_expect_state(t, ZS_SYN_RCVD);
	tt_in(t, "A", 1, 1, 100);
	tt_expect_state(t, ZS_ESTABLISHED);
	tt_expect(t, "A", 1, 101, 0);
	tt_read(t, 100);
}

static void simultaneous_open_ack(struct tt *t)
{
	simultaneous(t);
	tt_in(t, "A", 1, 1, 0);
	tt_expect_none(t);
	tt_expect_state(t, ZS_ESTABLISHED);
	assert_true(tt_take_events(t) & ZS_EV_WRITE);
	tt_in(t, "A", 1, 1, 30);
	tt_expect(t, "A", 1, 31, 0);
	tt_read(t, 30);
}

static void simultaneous_open_retransmits(struct tt *t)
{
	simultaneous(t);
	tt_expect_after(t, TT_S, "SA", 0, 1, 0);
	tt_expect_after(t, 2 * TT_S, "SA", 0, 1, 0);
	tt_in(t, "A", 1, 1, 0);
	tt_expect_state(t, ZS_ESTABLISHED);
	tt_expect_quiet(t, 10 * TT_S);
}

/* A SYN-ACK that waits for a buffer when it is acknowledged is not sent again. */
static void simultaneous_open_no_buffers(struct tt *t)
{
	simultaneous(t);
	tt_starve(true);
	tt_expect_quiet(t, TT_S + 10 * TT_MS);
	tt_in(t, "A", 1, 1, 0);
	tt_expect_state(t, ZS_ESTABLISHED);
	tt_starve(false);
	tt_turn(t);
	tt_expect_none(t);
}

/* RFC 9293 3.10.7.4, fifth: SYN-RECEIVED and an ACK of what was not sent: RST, no change. */
static void simultaneous_open_bad_ack(struct tt *t)
{
	simultaneous(t);
	tt_in(t, "A", 1, 2, 0);
	tt_expect(t, "R", 2, 0, 0);
	tt_expect_state(t, ZS_SYN_RCVD);
	tt_in(t, "A", 1, 1, 0);
	tt_expect_state(t, ZS_ESTABLISHED);
}

/* RFC 9293 3.10.7.4, second: SYN-RECEIVED that came from SYN-SENT is refused. */
static void simultaneous_open_refused(struct tt *t)
{
	simultaneous(t);
	tt_in(t, "R", 1, 0, 0);
	tt_expect_none(t);
	tt_expect_state(t, ZS_CLOSED);
	assert_int_equal(tt_take_error(t), ECONNREFUSED);
}

/* Nothing was sent and nothing waits: FIN goes at once. */
static void close_sends_fin(struct tt *t)
{
	simultaneous(t);
	tt_close(t);
	tt_expect(t, "FA", 1, 1, 0);
	tt_in(t, "A", 1, 1, 0);
	tt_expect_state(t, ZS_FIN_WAIT_1);
	tt_in(t, "A", 1, 2, 0);
	tt_expect_state(t, ZS_FIN_WAIT_2);
	tt_in(t, "FA", 1, 2, 0);
	tt_expect(t, "A", 2, 2, 0);
	tt_expect_state(t, ZS_TIME_WAIT);
}

static void shutdown_sends_fin(struct tt *t)
{
	simultaneous(t);
	tt_shutdown(t, ZS_SHUT_WR);
	tt_expect(t, "FA", 1, 1, 0);
	assert_int_equal(tt_info(t).state, ZS_FIN_WAIT_1);
	tt_in(t, "A", 1, 2, 10); /* of both, SYN and FIN */
	tt_expect_state(t, ZS_FIN_WAIT_2);
	tt_expect(t, "A", 2, 11, 0);
	tt_read(t, 10);
}

/* The peer closes as well, and has not seen our FIN. */
static void both_close(struct tt *t)
{
	simultaneous(t);
	tt_close(t);
	tt_expect(t, "FA", 1, 1, 0);
	tt_in(t, "FA", 1, 1, 0);
	tt_expect(t, "A", 2, 2, 0);
	tt_expect_state(t, ZS_CLOSING);
	tt_in(t, "A", 2, 2, 0);
	tt_expect_state(t, ZS_TIME_WAIT);
}

/* Our SYN is what is sent again; when that has arrived, FIN is. */
static void syn_and_fin_are_lost(struct tt *t)
{
	simultaneous(t);
	tt_close(t);
	tt_expect(t, "FA", 1, 1, 0);
	tt_expect_after(t, TT_S, "SA", 0, 1, 0);
	tt_in(t, "A", 1, 1, 0);
	tt_expect_within(t, TT_MS, 6 * TT_S, "FA", 1, 1, 0);
	tt_in(t, "A", 1, 2, 0);
	tt_expect_state(t, ZS_FIN_WAIT_2);
}

static const struct CMUnitTest tests[] = {
	TT(simultaneous_open),
	TT(simultaneous_open_with_data),
	TT(simultaneous_open_ack),
	TT(simultaneous_open_retransmits),
	TT(simultaneous_open_no_buffers),
	TT(simultaneous_open_bad_ack),
	TT(simultaneous_open_refused),
	TT(close_sends_fin),
	TT(shutdown_sends_fin),
	TT(both_close),
	TT(syn_and_fin_are_lost),
	TT(window_is_not_scaled),
};

ZS_TEST_MAIN(tests)
