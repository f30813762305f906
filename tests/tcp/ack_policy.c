/* SPDX-License-Identifier: BSD-3-Clause */
/* When we acknowledge: RFC 9293 3.8.6.3, RFC 5681 4.2, RFC 1122 4.2.3.2; PSH (RFC 9293 3.9.1.2). */
#include "tests/zs_test.h"
#include "tt.h"

static void no_quickack(struct zs_config *cfg)
{
	cfg->quickacks = 0;
}

/* A peer with 1000-byte segments, of which we have seen one, and nothing waits to be acknowledged.
 */
static void start(struct tt *t)
{
	tt_connect_passive(t, .opt = "mss 1460,sackOK", .rtt_us = 100 * TT_MS);
	tt_in(t, "A", 1, 1, 1000, .hold = true);
	tt_in(t, "A", 1001, 1, 1000);
	tt_expect(t, "A", 1, 2001, 0);
	tt_read(t, 2000);
	tt_drain(t);
}

/* RFC 5681 4.2: within 500 ms; ours after 40 ms. */
static void delayed(struct tt *t)
{
	start(t);
	tt_in(t, "A", 2001, 1, 1000);
	tt_expect_none(t);
	tt_expect_after(t, 40 * TT_MS, "A", 1, 3001, 0);
	tt_expect_quiet(t, TT_S);
	tt_read(t, 1000);
}

static void delack_10ms(struct zs_config *cfg)
{
	cfg->quickacks = 0;
	cfg->delack_us = 10 * TT_MS;
}

static void delay_is_configured(struct tt *t)
{
	start(t);
	tt_in(t, "A", 2001, 1, 1000);
	tt_expect_after(t, 10 * TT_MS, "A", 1, 3001, 0);
	tt_read(t, 1000);
}

/* RFC 5681 4.2: at least every second full-sized segment. */
static void every_second_segment(struct tt *t)
{
	start(t);
	for (uint32_t at = 2001; at < 12001; at += 2000) {
		tt_in(t, "A", at, 1, 1000);
		tt_expect_none(t);
		tt_in(t, "A", at + 1000, 1, 1000);
		tt_expect(t, "A", 1, at + 2000, 0);
	}
	tt_expect_quiet(t, TT_S);
	tt_read(t, 10000);
	tt_drain(t);
}

/* Small segments are not full-sized: the timer, started by the first, covers them. */
static void small_segments(struct tt *t)
{
	start(t);
	tt_in(t, "A", 2001, 1, 10);
	tt_advance(t, 10 * TT_MS);
	tt_in(t, "A", 2011, 1, 10);
	tt_advance(t, 10 * TT_MS);
	tt_in(t, "A", 2021, 1, 10);
	tt_expect_none(t);
	tt_expect_after(t, 20 * TT_MS, "A", 1, 2031, 0);
	tt_read(t, 30);
}

/* Data that we send takes the ACK along; none is left to send. */
static void piggyback(struct tt *t)
{
	start(t);
	tt_in(t, "A", 2001, 1, 100);
	tt_expect_none(t);
	tt_read(t, 100);
	tt_send(t, 50);
	tt_expect(t, "PA", 1, 2101, 50);
	tt_advance(t, 100 * TT_MS);
	tt_expect_none(t);
	tt_in(t, "A", 2101, 51, 0);
	tt_expect_quiet(t, TT_S);
}

/* RFC 5681 4.2: out of order, and what fills a gap: at once. (reassembly.c has the cases.) */
static void out_of_order(struct tt *t)
{
	start(t);
	tt_in(t, "A", 3001, 1, 10);
	tt_expect(t, "A", 1, 2001, 0);
	tt_in(t, "A", 2001, 1, 1000);
	tt_expect(t, "A", 1, 3011, 0);
	tt_read(t, 1010);
	tt_drain(t);
}

/* FIN is acknowledged at once. */
static void fin(struct tt *t)
{
	start(t);
	tt_in(t, "FA", 2001, 1, 10);
	tt_expect(t, "A", 1, 2012, 0);
	tt_read(t, 10);
}

/* A duplicate is answered at once (RFC 9293 3.10.7.4, first). */
static void duplicate(struct tt *t)
{
	start(t);
	tt_in(t, "A", 1001, 1, 1000);
	tt_expect(t, "A", 1, 2001, 0);
}

/* Segments at the start are acknowledged at once so that the peer's slow start gets going. */
static void quick_acks_first(struct tt *t)
{
	uint32_t at = 1;

	tt_connect_passive(t, .opt = "mss 1460,sackOK");
	for (unsigned i = 0; i < t->cfg.quickacks; i++, at += 1000) {
		tt_in(t, "A", at, 1, 1000);
		tt_expect(t, "A", 1, at + 1000, 0);
	}
	tt_in(t, "A", at, 1, 1000);
	tt_expect_none(t);
	tt_expect_after(t, 40 * TT_MS, "A", 1, at + 1000, 0);
	tt_read(t, at + 999);
	tt_drain(t);
}

/* Once an ACK has found data to go with, ACKs may wait for data again (RFC 1122 4.2.3.2). */
static void quick_until_answered(struct tt *t)
{
	tt_connect_passive(t, .opt = "mss 1460,sackOK", .rtt_us = 100 * TT_MS);
	tt_send(t, 50);
	tt_send(t, 60); /* waits by Nagle's rule */
	tt_expect(t, "PA", 1, 1, 50);
	tt_in(t, "A", 1, 1, 100);
	tt_expect(t, "A", 51, 101, 0);
	tt_in(t, "A", 101, 51, 100);
	tt_expect(t, "PA", 51, 201, 60);
	tt_in(t, "A", 201, 111, 100);
	tt_expect_none(t);
	tt_expect_after(t, 40 * TT_MS, "A", 111, 301, 0);
	tt_read(t, 300);
}

/* One ACK for a whole burst of the device. */
static void burst(struct tt *t)
{
	start(t);
	for (uint32_t i = 0; i < 8; i++)
		tt_in(t, "A", 2001 + i * 1000, 1, 1000, .hold = i < 7);
	tt_expect(t, "A", 1, 10001, 0);
	tt_expect_none(t);
	tt_read(t, 8000);
	tt_drain(t);
}

/* Pure ACKs are never acknowledged, and neither is an ACK of our FIN. */
static void no_ack_of_ack(struct tt *t)
{
	start(t);
	for (unsigned i = 0; i < 5; i++)
		tt_in(t, "A", 2001, 1, 0);
	tt_expect_quiet(t, TT_S);
	assert_int_equal(tt_info(t).snd_queued, 0);
}

/* RFC 9293 3.8.6.3: a delayed ACK must not be lost when the application closes. */
static void close_carries_ack(struct tt *t)
{
	start(t);
	tt_in(t, "A", 2001, 1, 100);
	tt_read(t, 100);
	tt_close(t);
	tt_expect(t, "FA", 1, 2101, 0);
	tt_expect_quiet(t, 100 * TT_MS);
}

/* Reading much opens the window by two segments: an update goes out without waiting (RFC
 * 9293 3.8.6.2.2). */
static void small_rcvbuf(struct zs_config *cfg)
{
	cfg->quickacks = 0;
	cfg->rcvbuf = cfg->rcvbuf_max = 16384;
	cfg->use_wscale = false;
}

static void update_after_read(struct tt *t)
{
	uint32_t edge;

	tt_connect_passive(t, .opt = "mss 1460,sackOK");
	tt_in(t, "A", 1, 1, 1460);
	tt_in(t, "A", 1461, 1, 1460);
	tt_in(t, "A", 2921, 1, 1460);
	tt_in(t, "A", 4381, 1, 1460);
	tt_drain(t);
	edge = t->c->edge;
	tt_read(t, 5840);
	assert_int_equal(tt_pending(t), 1);
	tt_drain(t);
	assert_true(t->c->edge >= edge + 2920);
}

/* ---- PSH, RFC 9293 3.9.1.2: on the last segment of what was written ---- */

static void psh_at_end_of_write(struct tt *t)
{
	tt_connect_passive(t, .opt = "mss 1000");
	tt_send(t, 3500);
	tt_expect(t, "A", 1, 1, 1000, .psh = true);
	tt_expect(t, "A", 1001, 1, 1000, .psh = true);
	tt_expect(t, "PA", 2001, 1, 1000, .psh = true); /* of the full ones */
	tt_expect(t, "PA", 3001, 1, 500, .psh = true);
	tt_in(t, "A", 1, 3501, 0);
}

static void psh_of_full_segments(struct tt *t)
{
	tt_connect_passive(t, .opt = "mss 1000");
	tt_send(t, 2000);
	tt_expect(t, "A", 1, 1, 1000, .psh = true);
	tt_expect(t, "PA", 1001, 1, 1000, .psh = true);
	tt_in(t, "A", 1, 2001, 0);
}

static void psh_single(struct tt *t)
{
	tt_connect_passive(t, .opt = "mss 1000");
	tt_send(t, 1);
	tt_expect(t, "PA", 1, 1, 1, .psh = true);
	tt_in(t, "A", 1, 2, 0);
}

static const struct CMUnitTest tests[] = {
	TT_CFG(delayed, no_quickack),
	TT_CFG(delay_is_configured, delack_10ms),
	TT_CFG(every_second_segment, no_quickack),
	TT_CFG(small_segments, no_quickack),
	TT_CFG(piggyback, no_quickack),
	TT_CFG(out_of_order, no_quickack),
	TT_CFG(fin, no_quickack),
	TT_CFG(duplicate, no_quickack),
	TT(quick_acks_first),
	TT(quick_until_answered),
	TT_CFG(burst, no_quickack),
	TT_CFG(no_ack_of_ack, no_quickack),
	TT_CFG(close_carries_ack, no_quickack),
	TT_CFG(update_after_read, small_rcvbuf),
	TT(psh_at_end_of_write),
	TT(psh_of_full_segments),
	TT(psh_single),
};

ZS_TEST_MAIN(tests)
