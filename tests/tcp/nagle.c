/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * When small segments go: Nagle (RFC 9293 3.7.4, RFC 1122 4.2.3.4) in Minshall's form: one small
 * segment in flight, full ones do not count; NODELAY, CORK, MSG_MORE.
 */
#include "core/tcp/zs_tcb.h"
#include "tests/zs_test.h"
#include "tt.h"

static void start(struct tt *t)
{
	tt_connect_passive(t, .opt = "mss 1000,sackOK", .rtt_us = 100 * TT_MS);
}

static void set(struct tt *t, bool nodelay, bool cork)
{
	zs_tcp_opts(t->c->tcb)->nodelay = nodelay;
	zs_tcp_opts(t->c->tcb)->cork = cork;
	zs_tcp_opts_changed(t->s, t->c->tcb);
	tt_turn(t);
}

/* Idle: the first small segment goes at once; the next wait for its ACK and go as one. */
static void one_small_in_flight(struct tt *t)
{
	start(t);
	tt_send(t, 10);
	tt_expect(t, "PA", 1, 1, 10);
	tt_send(t, 20);
	tt_send(t, 30);
	tt_expect_quiet(t, 100 * TT_MS);
	tt_in(t, "A", 1, 11, 0);
	tt_expect(t, "PA", 11, 1, 50);
	tt_expect_none(t);
	tt_in(t, "A", 1, 61, 0);
}

/* The last small one is half of sequence space away, behind full ones only, and looks like new. */
static void small_long_ago(struct tt *t)
{
	start(t);
	t->c->tcb->snd_small = t->c->tcb->snd_una - 0x80000001;
	tt_send(t, 10);
	tt_expect(t, "PA", 1, 1, 10);
	tt_send(t, 20);
	tt_expect_none(t);
	tt_in(t, "A", 1, 11, 0);
	tt_expect(t, "PA", 11, 1, 20);
	tt_in(t, "A", 1, 31, 0);
}

/* As soon as a full segment is together it goes. */
static void full_segment_goes(struct tt *t)
{
	start(t);
	tt_send(t, 10);
	tt_expect(t, "PA", 1, 1, 10);
	tt_send(t, 600);
	tt_expect_none(t);
	tt_send(t, 600);
	tt_expect(t, "A", 11, 1, 1000);
	tt_expect_none(t);
	tt_in(t, "A", 1, 11, 0); /* the full one is still out, the small one is not */
	tt_expect(t, "PA", 1011, 1, 200);
	tt_in(t, "A", 1, 1211, 0);
}

/* A write of more than one segment: its tail goes at once, the tail of the next one waits for that.
 */
static void tail_of_a_write(struct tt *t)
{
	start(t);
	tt_send(t, 1500);
	tt_expect(t, "A", 1, 1, 1000);
	tt_expect(t, "PA", 1001, 1, 500);
	tt_send(t, 1500);
	tt_expect(t, "A", 1501, 1, 1000);
	tt_expect_none(t);
	tt_in(t, "A", 1, 1001, 0);
	tt_expect_none(t);
	tt_in(t, "A", 1, 1501, 0);
	tt_expect(t, "PA", 2501, 1, 500);
	tt_in(t, "A", 1, 3001, 0);
}

static void nodelay(struct tt *t)
{
	start(t);
	set(t, true, false);
	tt_send(t, 10);
	tt_expect(t, "PA", 1, 1, 10);
	tt_send(t, 20);
	tt_expect(t, "PA", 11, 1, 20);
	tt_send(t, 1030);
	tt_expect(t, "A", 31, 1, 1000);
	tt_expect(t, "PA", 1031, 1, 30);
	tt_in(t, "A", 1, 1061, 0);
}

/* Setting NODELAY releases what waits. */
static void nodelay_releases(struct tt *t)
{
	start(t);
	tt_send(t, 10);
	tt_send(t, 20);
	tt_expect(t, "PA", 1, 1, 10);
	tt_expect_none(t);
	set(t, true, false);
	tt_expect(t, "PA", 11, 1, 20);
	tt_in(t, "A", 1, 31, 0);
}

/* Corked: not even an idle connection sends a partial segment; uncorking does. */
static void cork(struct tt *t)
{
	start(t);
	set(t, false, true);
	tt_send(t, 10);
	tt_send(t, 500);
	tt_expect_quiet(t, 100 * TT_MS);
	tt_send(t, 600);
	tt_expect(t, "A", 1, 1, 1000);
	tt_expect_none(t);
	set(t, false, false);
	tt_expect(t, "PA", 1001, 1, 110);
	tt_in(t, "A", 1, 1111, 0);
}

/* CORK is stronger than NODELAY. */
static void cork_over_nodelay(struct tt *t)
{
	start(t);
	set(t, true, true);
	tt_send(t, 10);
	tt_expect_quiet(t, 100 * TT_MS);
	set(t, true, false);
	tt_expect(t, "PA", 1, 1, 10);
	tt_in(t, "A", 1, 11, 0);
}

/* A cork that is forgotten does not hold data for ever: 200 ms, as Linux. */
static void cork_is_limited(struct tt *t)
{
	start(t);
	set(t, false, true);
	tt_send(t, 10);
	tt_expect_within(t, 150 * TT_MS, 1000 * TT_MS, "PA", 1, 1, 10);
	tt_in(t, "A", 1, 11, 0);
}

/* MSG_MORE: like a cork until the next write without it. */
static void more(struct tt *t)
{
	start(t);
	assert_int_equal(tt_send_more(t, 100, ZS_SEND_MORE), 100);
	tt_expect_quiet(t, 100 * TT_MS);
	tt_send(t, 50);
	tt_expect(t, "PA", 1, 1, 150);
	tt_in(t, "A", 1, 151, 0);
}

/* Full segments do not wait for MSG_MORE's end. */
static void more_full(struct tt *t)
{
	start(t);
	assert_int_equal(tt_send_more(t, 2500, ZS_SEND_MORE), 2500);
	tt_expect(t, "A", 1, 1, 1000);
	tt_expect(t, "A", 1001, 1, 1000);
	tt_expect_none(t);
	tt_send(t, 500);
	tt_expect(t, "A", 2001, 1, 1000);
	tt_in(t, "A", 1, 3001, 0);
}

/* As Linux: an ACK lets go of what was announced to grow, and nothing says that it has ended. */
static void more_until_an_ack(struct tt *t)
{
	start(t);
	assert_int_equal(tt_send_more(t, 2500, ZS_SEND_MORE), 2500);
	tt_expect(t, "A", 1, 1, 1000, .psh = true);
	tt_expect(t, "A", 1001, 1, 1000, .psh = true);
	tt_expect_none(t);
	tt_in(t, "A", 1, 1001, 0);
	tt_expect(t, "A", 2001, 1, 500, .psh = true);
	tt_in(t, "A", 1, 2501, 0);
}

/* close() and shutdown() push out what Nagle or a cork holds, with the FIN on it. */
static void fin_releases(struct tt *t)
{
	start(t);
	set(t, false, true);
	tt_send(t, 100);
	tt_expect_none(t);
	tt_shutdown(t, ZS_SHUT_WR);
	tt_expect(t, "FPA", 1, 1, 100);
	tt_in(t, "A", 1, 102, 0);
}

static void fin_releases_nagle(struct tt *t)
{
	start(t);
	tt_send(t, 10);
	tt_expect(t, "PA", 1, 1, 10);
	tt_send(t, 20);
	tt_expect_none(t);
	tt_close(t);
	tt_expect(t, "FPA", 11, 1, 20);
	tt_in(t, "A", 1, 32, 0);
	tt_expect_state(t, ZS_FIN_WAIT_2);
}

/* Held data is not sent with a delayed ACK that happens to go out: the ACK is a pure one. */
static void ack_does_not_release(struct tt *t)
{
	start(t);
	tt_send(t, 10);
	tt_expect(t, "PA", 1, 1, 10);
	tt_send(t, 20);
	tt_in(t, "A", 1, 1, 100);
	tt_expect(t, "A", 11, 101, 0);
	tt_expect_none(t);
	tt_read(t, 100);
	tt_in(t, "A", 101, 11, 0);
	tt_expect(t, "PA", 11, 101, 20);
	tt_in(t, "A", 101, 31, 0);
}

/* Zero-copy writes follow the same rules: buffers are gathered into one segment. */
static void buffers_are_gathered(struct tt *t)
{
	start(t);
	assert_int_equal(tt_send_bufs(t, 10, 10), 0);
	tt_expect(t, "PA", 1, 1, 10);
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(tt_send_bufs(t, 150, 50), 0);
	tt_expect_none(t);
	tt_in(t, "A", 1, 11, 0);
	tt_expect(t, "PA", 11, 1, 750);
	tt_in(t, "A", 1, 761, 0);
	assert_int_equal(tt_stats(t)->copies, 0);
}

static const struct CMUnitTest tests[] = {
	TT(one_small_in_flight),
	TT(small_long_ago),
	TT(full_segment_goes),
	TT(tail_of_a_write),
	TT(nodelay),
	TT(nodelay_releases),
	TT(cork),
	TT(cork_over_nodelay),
	TT(cork_is_limited),
	TT(more),
	TT(more_full),
	TT(more_until_an_ack),
	TT(fin_releases),
	TT(fin_releases_nagle),
	TT(ack_does_not_release),
	TT(buffers_are_gathered),
};

ZS_TEST_MAIN(tests)
