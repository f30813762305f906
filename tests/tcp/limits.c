/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a connection waits for while it has something to deliver, and for how long: its times in
 * TCP_INFO. And when what was written went out (SO_TIMESTAMPING).
 */
#include "tests/zs_test.h"
#include "tt.h"

enum { MSS = 1460, RTT = 100 * TT_MS };

static void assert_times(struct tt *t, uint64_t busy_us, uint64_t rwnd_us, uint64_t sndbuf_us)
{
	struct zs_tcp_info i = tt_info(t);

	assert_in_range(i.busy_us, busy_us, busy_us + 1000);
	assert_in_range(i.rwnd_limited_us, rwnd_us, rwnd_us + 1000);
	assert_in_range(i.sndbuf_limited_us, sndbuf_us, sndbuf_us + 1000);
}

static void network_is_no_limit(struct tt *t)
{
	tt_connect_passive(t, .rtt_us = RTT);
	tt_advance(t, RTT);
	assert_times(t, 0, 0, 0);
	tt_send(t, 20 * MSS); /* twice the window */
	tt_advance(t, RTT);
	tt_in(t, "A", 1, 1 + 10 * MSS, 0);
	tt_advance(t, RTT);
	assert_times(t, 2 * RTT, 0, 0);
	tt_in(t, "A", 1, 1 + 20 * MSS, 0);
	tt_advance(t, RTT); /* with nothing to do */
	assert_times(t, 2 * RTT, 0, 0);
	tt_drain(t);
}

static void small_window(struct tt *t)
{
	tt_connect_passive(t, .rtt_us = RTT, .wnd = MSS);
	tt_send(t, 2 * MSS);
	tt_advance(t, RTT / 2);
	assert_times(t, RTT / 2, RTT / 2, 0);
	tt_in(t, "A", 1, 1 + MSS, 0); /* its room moves on: the field is as before */
	tt_advance(t, RTT / 2);
	assert_times(t, RTT, RTT / 2, 0);
	tt_in(t, "A", 1, 1 + 2 * MSS, 0);
	assert_times(t, RTT, RTT / 2, 0);
	tt_drain(t);
}

static void closed_window(struct tt *t)
{
	tt_connect_passive(t, .rtt_us = RTT);
	tt_send(t, MSS);
	tt_in(t, "A", 1, 1 + MSS, 0, .wnd = TT_WND0);
	tt_advance(t, RTT);
	assert_times(t, 0, 0, 0); /* there is nothing to send */
	tt_send(t, 2 * MSS);
	tt_advance(t, RTT);
	assert_times(t, RTT, RTT, 0);
	tt_in(t, "A", 1, 1 + MSS, 0); /* nothing is in flight */
	tt_advance(t, RTT);
	assert_times(t, 2 * RTT, RTT, 0);
	tt_in(t, "A", 1, 1 + 3 * MSS, 0);
	tt_drain(t);
}

static void small_send_buffer(struct tt *t)
{
	tt_connect_passive(t, .rtt_us = RTT);
	zs_tcp_opts(t->c->tcb)->sndbuf = 2 * MSS;
	zs_tcp_opts_changed(t->s, t->c->tcb);
	assert_int_equal(tt_send_more(t, 4 * MSS, 0), 2 * MSS);
	tt_advance(t, RTT);
	assert_times(t, RTT, 0, RTT);
	tt_in(t, "A", 1, 1 + 2 * MSS, 0); /* the application has room, and writes nothing */
	tt_advance(t, RTT);
	assert_times(t, RTT, 0, RTT);
	tt_drain(t);
}

static void ends_with_the_connection(struct tt *t)
{
	tt_connect_passive(t, .rtt_us = RTT, .wnd = MSS);
	tt_send(t, 2 * MSS);
	tt_advance(t, RTT / 2);
	tt_in(t, "RA", 1, 1, 0);
	tt_advance(t, RTT);
	assert_times(t, RTT / 2, RTT / 2, 0);
	tt_drain(t);
}

/* ---- stamps ---- */

static const unsigned all = 1u << ZS_STAMP_SENT | 1u << ZS_STAMP_QUEUED | 1u << ZS_STAMP_ACKED;

static void assert_stamp(struct tt *t, enum zs_stamp_of of, uint32_t byte, uint64_t at_us)
{
	const struct zs_stamp *st = zs_tcp_stamp(t->c->tcb);

	assert_non_null(st);
	assert_int_equal(st->of, of);
	assert_int_equal(st->byte, byte);
	assert_int_equal(st->at_us, (uint32_t)at_us);
	zs_tcp_stamp_done(t->c->tcb);
}

static void assert_no_stamp(struct tt *t)
{
	assert_null(zs_tcp_stamp(t->c->tcb));
}

static void stamps_of_each_write(struct tt *t)
{
	uint64_t sent = t->now + RTT, acked = sent + RTT;

	tt_connect_passive(t, .rtt_us = RTT);
	tt_send(t, 100); /* before anybody asked */
	tt_in(t, "A", 1, 101, 0);
	assert_int_equal(zs_tcp_stamps(t->s, t->c->tcb, all, 7), 0);
	assert_int_equal(zs_tcp_stamps_word(t->c->tcb), 7);
	zs_tcp_opts(t->c->tcb)->nodelay = true;
	tt_send(t, 2000);
	tt_send(t, 500);
	assert_stamp(t, ZS_STAMP_QUEUED, 1999, sent);
	assert_stamp(t, ZS_STAMP_SENT, 1999, sent);
	assert_stamp(t, ZS_STAMP_QUEUED, 2499, sent);
	assert_stamp(t, ZS_STAMP_SENT, 2499, sent);
	assert_no_stamp(t);
	tt_advance(t, RTT);
	tt_in(t, "A", 1, 2100, 0); /* but for one byte */
	assert_no_stamp(t);
	tt_in(t, "A", 1, 2601, 0);
	assert_stamp(t, ZS_STAMP_ACKED, 1999, acked);
	assert_stamp(t, ZS_STAMP_ACKED, 2499, acked);
	assert_no_stamp(t);
	tt_drain(t);
}

/* Only what is asked for; and of what waits for a window when it goes. */
static void stamps_when_it_goes(struct tt *t)
{
	uint64_t sent = t->now + RTT + RTT / 2;

	tt_connect_passive(t, .rtt_us = RTT, .wnd = MSS);
	assert_int_equal(zs_tcp_stamps(t->s, t->c->tcb, 1u << ZS_STAMP_SENT, 1), 0);
	tt_send(t, 2 * MSS);
	assert_no_stamp(t);
	tt_advance(t, RTT / 2);
	tt_in(t, "A", 1, 1 + MSS, 0);
	assert_stamp(t, ZS_STAMP_SENT, 2 * MSS - 1, sent);
	assert_no_stamp(t);
	tt_in(t, "A", 1, 1 + 2 * MSS, 0);
	assert_no_stamp(t);
	assert_int_equal(zs_tcp_stamps(t->s, t->c->tcb, 0, 0), 0);
	tt_send(t, 10);
	assert_no_stamp(t);
	tt_drain(t);
}

/* Nobody takes them: the first ones stay, memory is bounded. */
static void stamps_that_nobody_takes(struct tt *t)
{
	unsigned n = 0;

	tt_connect_passive(t);
	assert_int_equal(zs_tcp_stamps(t->s, t->c->tcb, all, 1), 0);
	for (unsigned i = 0; i < 200; i++) {
		tt_send(t, 10);
		tt_in(t, "A", 1, 11 + 10 * i, 0);
	}
	for (; zs_tcp_stamp(t->c->tcb) != NULL; n++)
		zs_tcp_stamp_done(t->c->tcb);
	assert_int_equal(n, 96);
	tt_drain(t);
}

static const struct CMUnitTest tests[] = {
	TT(network_is_no_limit),
	TT(small_window),
	TT(closed_window),
	TT(small_send_buffer),
	TT(ends_with_the_connection),
	TT(stamps_of_each_write),
	TT(stamps_when_it_goes),
	TT(stamps_that_nobody_takes),
};

ZS_TEST_MAIN(tests)
