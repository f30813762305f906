/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Data out of order, overlapping, repeated (RFC 9293 3.10.7.4 seventh, RFC 5681 4.2, RFC 2018 4).
 * The orders and overlaps are generated; what the answer must be comes from a model that keeps the
 * peer's stream as a map of bytes.
 */
#include <stdio.h>
#include <string.h>

#include "tests/zs_test.h"
#include "tt.h"

enum { SPACE = 64, MAX_BLOCKS = 16 };

/* Which bytes arrived: relative numbers 1 .. SPACE - 1; and SACK blocks, latest first. */
struct model {
	bool have[SPACE];
	uint32_t nxt;
	uint32_t block[MAX_BLOCKS][2];
	unsigned n_blocks;
};

static void model_remove_block(struct model *md, unsigned i)
{
	memmove(&md->block[i], &md->block[i + 1], (md->n_blocks - i - 1) * sizeof(md->block[0]));
	md->n_blocks--;
}

/* RFC 2018 4: the first block is the contiguous one that contains the segment just received. Four
 * are kept. */
static void model_blocks(struct model *md, uint32_t seq)
{
	uint32_t left = seq, right = seq;

	for (unsigned i = 0; i < md->n_blocks;)
		if (md->block[i][1] <= md->nxt)
			model_remove_block(md, i);
		else
			i++;
	if (seq < md->nxt)
		return;
	while (left > md->nxt && md->have[left - 1])
		left--;
	while (right < SPACE && md->have[right])
		right++;
	if (left == right)
		return;
	for (unsigned i = 0; i < md->n_blocks;)
		if (md->block[i][0] >= left && md->block[i][1] <= right)
			model_remove_block(md, i);
		else
			i++;
	memmove(&md->block[1], &md->block[0], md->n_blocks * sizeof(md->block[0]));
	md->block[0][0] = left;
	md->block[0][1] = right;
	md->n_blocks = md->n_blocks < 4 ? md->n_blocks + 1 : 4;
}

static void model_add(struct model *md, uint32_t seq, uint32_t len)
{
	for (uint32_t i = seq; i < seq + len; i++)
		md->have[i] = true;
	while (md->nxt < SPACE && md->have[md->nxt])
		md->nxt++;
	model_blocks(md, seq);
}

static const char *model_text(const struct model *md, char *buf, size_t size)
{
	int n = 0;

	buf[0] = 0;
	if (md->n_blocks > 0)
		n = snprintf(buf, size, "nop,nop,sack");
	for (unsigned i = 0; i < md->n_blocks && i < 4; i++)
		n += snprintf(buf + n, size - (size_t)n, " %u:%u", md->block[i][0],
			      md->block[i][1]);
	return buf;
}

/* ---- all orders of five segments ---- */

static void swap(unsigned *a, unsigned *b)
{
	unsigned tmp = *a;

	*a = *b;
	*b = tmp;
}

typedef void order_fn(struct tt *t, const unsigned order[5]);

static void permute(struct tt *t, unsigned order[5], unsigned k, order_fn *fn)
{
	if (k == 5) {
		fn(t, order);
		tt_fresh(t);
		return;
	}
	for (unsigned i = k; i < 5; i++) {
		swap(&order[k], &order[i]);
		permute(t, order, k + 1, fn);
		swap(&order[k], &order[i]);
	}
}

/* Segment i has 2^i bytes and begins at 2^i. */
static void five_segments(struct tt *t, const unsigned order[5])
{
	struct model md = { .nxt = 1 };
	char sack[128];

	tt_connect_passive(t);
	for (unsigned i = 0; i < 5; i++) {
		uint32_t at = 1u << order[i];

		tt_in(t, "A", at, 1, at);
		model_add(&md, at, at);
		tt_expect(t, "A", 1, md.nxt, 0, .opt = model_text(&md, sack, sizeof(sack)));
		tt_expect_none(t);
		assert_int_equal(zs_tcp_readable(t->c->tcb), md.nxt - 1);
	}
	tt_read(t, 31);
	tt_expect_none(t);
}

/* CONFORMANCE row 26: the same bytes, and a determined ACK after each segment. */
static void all_orders(struct tt *t)
{
	unsigned order[5] = { 0, 1, 2, 3, 4 };

	permute(t, order, 0, five_segments);
}

/* The last segment carries the FIN: it counts when everything before it is there. */
static void five_segments_fin(struct tt *t, const unsigned order[5])
{
	struct model md = { .nxt = 1 };
	bool fin = false;

	tt_connect_passive(t);
	for (unsigned i = 0; i < 5; i++) {
		uint32_t at = 1u << order[i];

		tt_in(t, at == 16 ? "FA" : "A", at, 1, at);
		model_add(&md, at, at);
		fin = md.nxt == 32;
		tt_expect(t, "A", 1, fin ? 33 : md.nxt, 0);
		tt_expect_none(t);
		tt_expect_state(t, fin ? ZS_CLOSE_WAIT : ZS_ESTABLISHED);
	}
	assert_true(fin);
	tt_read(t, 31);
	assert_true(zs_tcp_fin_received(t->c->tcb));
}

static void all_orders_fin(struct tt *t)
{
	unsigned order[5] = { 0, 1, 2, 3, 4 };

	permute(t, order, 0, five_segments_fin);
}

/* ---- overlaps ---- */

/* A D-SACK block (RFC 2883) is below the cumulative ACK or within the second block. */
static bool is_dsack(const struct tt *t, const struct tt_out *o)
{
	uint32_t left, right;

	if (o->n_sack == 0)
		return false;
	left = o->sack[0][0] - t->c->peer_isn;
	right = o->sack[0][1] - t->c->peer_isn;
	if (right <= tt_ack(t, o))
		return true;
	return o->n_sack > 1 && left >= o->sack[1][0] - t->c->peer_isn &&
	       right <= o->sack[1][1] - t->c->peer_isn;
}

static bool same_blocks(const struct tt *t, const struct model *md, const struct tt_out *o,
			unsigned skip)
{
	for (unsigned i = 0; i + skip < o->n_sack; i++)
		if (i >= md->n_blocks || o->sack[i + skip][0] - t->c->peer_isn != md->block[i][0] ||
		    o->sack[i + skip][1] - t->c->peer_isn != md->block[i][1])
			return false;
	return o->n_sack - skip == (md->n_blocks < 4 - skip ? md->n_blocks : 4 - skip);
}

/* The emitted ACK says what the model knows; a D-SACK block in front is looked at elsewhere. */
static void expect_model(struct tt *t, const struct model *md)
{
	const struct tt_out *o;
	unsigned skip;

	char model[128], is[128];

	assert_int_equal(tt_pending(t), 1);
	o = tt_next(t);
	assert_int_equal(o->flags, ZS_ACK);
	assert_int_equal(tt_ack(t, o), md->nxt);
	skip = is_dsack(t, o);
	tt_opt_text(t->c, o, is, sizeof(is));
	if (!same_blocks(t, md, o, skip))
		print_error("ack %u: %s, wanted%s %s\n", md->nxt, is,
			    skip ? " (behind D-SACK)" : "", model_text(md, model, sizeof(model)));
	assert_true(same_blocks(t, md, o, skip));
}

static void feed(struct tt *t, struct model *md, uint32_t from, uint32_t to)
{
	tt_in(t, "A", from, 1, to - from);
	model_add(md, from, to - from);
	expect_model(t, md);
}

/* Three islands, then a segment [from, to) laid over them, then everything again. */
static void one_overlap(struct tt *t, uint32_t from, uint32_t to)
{
	struct model md = { .nxt = 1 };

	tt_connect_passive(t);
	feed(t, &md, 3, 5);
	feed(t, &md, 7, 9);
	feed(t, &md, 11, 13);
	feed(t, &md, from, to);
	if (md.nxt < 16)
		feed(t, &md, 1, 16);
	assert_int_equal(md.nxt, 16);
	tt_read(t, 15);
	tt_fresh(t);
}

/* CONFORMANCE row 27: every segment over three gaps: no byte twice, none missing, an ACK at once.
 */
static void all_overlaps(struct tt *t)
{
	for (uint32_t from = 1; from < 15; from++)
		for (uint32_t to = from + 1; to <= 16; to++)
			one_overlap(t, from, to);
}

/* The same when the first bytes were received in order: old data in front. */
static void overlaps_with_old_data(struct tt *t)
{
	for (uint32_t from = 1; from < 12; from++)
		for (uint32_t to = from + 1; to <= 16; to++) {
			struct model md = { .nxt = 1 };

			tt_connect_passive(t);
			feed(t, &md, 1, 6);
			feed(t, &md, 9, 11);
			feed(t, &md, from, to);
			if (md.nxt < 16)
				feed(t, &md, 6, 16);
			tt_read(t, 15);
			tt_fresh(t);
		}
}

/* Random segments of a stream of 63 bytes until it is whole; 60 times, from a generator of its own.
 */
static void random_overlaps(struct tt *t)
{
	uint32_t x = 12345;

	for (unsigned round = 0; round < 60; round++) {
		struct model md = { .nxt = 1 };
		unsigned sent = 0;

		tt_connect_passive(t);
		while (md.nxt < SPACE) {
			uint32_t from, to;

			x = x * 1664525 + 1013904223;
			from = 1 + (x >> 16) % (SPACE - 1);
			to = from + 1 + (x >> 8) % 20;
			if (sent++ > 100)
				from = md.nxt;
			if (to <= from || to > SPACE)
				to = from + 1;
			feed(t, &md, from, to);
		}
		tt_read(t, SPACE - 1);
		tt_fresh(t);
	}
}

/* What was received stays; a copy with other bytes (here: zeros) does not replace it. */
static void first_copy_is_kept(struct tt *t)
{
	tt_connect_passive(t);
	tt_in(t, "A", 1, 1, 10);
	tt_expect(t, "A", 1, 11, 0);
	tt_in(t, "A", 5, 1, 10, .junk = 6);
	tt_expect(t, "A", 1, 15, 0);
	tt_read(t, 14);
}

/* ---- single behaviours ---- */

/* RFC 5681 4.2: out of order: ACK at once, even where ACKs are delayed. Filling a gap likewise. */
static void no_quickack(struct zs_config *cfg)
{
	cfg->quickacks = 0;
}

static void gap_acked_at_once(struct tt *t)
{
	tt_connect_passive(t);
	tt_in(t, "A", 101, 1, 100);
	tt_expect(t, "A", 1, 1, 0, .opt = "nop,nop,sack 101:201");
	tt_in(t, "A", 301, 1, 100);
	tt_expect(t, "A", 1, 1, 0, .opt = "nop,nop,sack 301:401 101:201");
	tt_in(t, "A", 1, 1,
	      50); /* in order, with gaps behind: RFC 5681 4.2, "fills in part of a gap" */
	tt_expect(t, "A", 1, 51, 0, .opt = "nop,nop,sack 301:401 101:201");
	tt_in(t, "A", 51, 1, 50);
	tt_expect(t, "A", 1, 201, 0, .opt = "nop,nop,sack 301:401");
	tt_in(t, "A", 201, 1, 100);
	tt_expect(t, "A", 1, 401, 0, .opt = "");
	tt_read(t, 400);
	tt_drain(t);
}

/* READ is raised when the gap is filled, not before. */
static void read_event_when_in_order(struct tt *t)
{
	tt_connect_passive(t);
	(void)tt_take_events(t);
	tt_in(t, "A", 11, 1, 10);
	tt_drain(t);
	assert_int_equal(tt_take_events(t) & ZS_EV_READ, 0);
	tt_in(t, "A", 1, 1, 10);
	tt_drain(t);
	assert_true(tt_take_events(t) & ZS_EV_READ);
	tt_read(t, 20);
}

/* A whole burst out of order: one ACK for all of it at its end, which reports all of it. */
static void burst_out_of_order(struct tt *t)
{
	const struct tt_out *o = NULL;

	tt_connect_passive(t);
	tt_in(t, "A", 301, 1, 100, .hold = true);
	tt_in(t, "A", 101, 1, 100, .hold = true);
	tt_in(t, "A", 501, 1, 100);
	assert_in_range(tt_pending(t), 1, 3);
	while (tt_pending(t) > 0)
		o = tt_next(t);
	assert_non_null(o);
	assert_int_equal(tt_ack(t, o), 1);
	assert_int_equal(o->n_sack, 3);
	assert_int_equal(o->sack[0][0] - t->c->peer_isn, 501);
	tt_in(t, "A", 1, 1, 100, .hold = true);
	tt_in(t, "A", 401, 1, 100, .hold = true);
	tt_in(t, "A", 201, 1, 100);
	while (tt_pending(t) > 0)
		o = tt_next(t);
	assert_int_equal(tt_ack(t, o), 601);
	tt_read(t, 600);
}

/* RFC 9293 3.10.7.4: FIN with a gap before it waits; the ACK that fills the gap covers it. */
static void fin_with_gap(struct tt *t)
{
	tt_connect_passive(t);
	tt_in(t, "FA", 11, 1, 10);
	tt_expect(t, "A", 1, 1, 0, .opt = "nop,nop,sack 11:21"); /* data only, as FreeBSD */
	tt_expect_state(t, ZS_ESTABLISHED);
	tt_in(t, "A", 1, 1, 10);
	tt_expect(t, "A", 1, 22, 0, .opt = "");
	tt_expect_state(t, ZS_CLOSE_WAIT);
	tt_read(t, 20);
	assert_true(zs_tcp_fin_received(t->c->tcb));
}

/* A FIN without data beyond a gap. */
static void bare_fin_with_gap(struct tt *t)
{
	tt_connect_passive(t);
	tt_in(t, "FA", 11, 1, 0);
	tt_expect(t, "A", 1, 1, 0);
	tt_expect_state(t, ZS_ESTABLISHED);
	assert_false(zs_tcp_fin_received(t->c->tcb));
	tt_in(t, "A", 1, 1, 10);
	tt_expect(t, "A", 1, 12, 0);
	tt_expect_state(t, ZS_CLOSE_WAIT);
	tt_read(t, 10);
}

/* The gap before the FIN is filled in two steps, the FIN is seen twice. */
static void fin_twice_with_gap(struct tt *t)
{
	tt_connect_passive(t);
	tt_in(t, "FA", 21, 1, 10);
	tt_drain(t);
	tt_in(t, "FA", 21, 1, 10);
	tt_drain(t);
	tt_in(t, "A", 11, 1, 10);
	tt_expect(t, "A", 1, 1, 0);
	tt_in(t, "A", 1, 1, 10);
	tt_expect(t, "A", 1, 32, 0);
	tt_expect_state(t, ZS_CLOSE_WAIT);
	tt_read(t, 30);
}

/* After shutdown(WR) as well: the FIN behind the gap moves FIN-WAIT-2 to TIME-WAIT when it is
 * filled. */
static void fin_with_gap_in_fin_wait_2(struct tt *t)
{
	tt_enter(t, ZS_FIN_WAIT_2);
	tt_in(t, "FA", 11, 2, 10);
	tt_expect(t, "A", 2, 1, 0);
	tt_expect_state(t, ZS_FIN_WAIT_2);
	tt_in(t, "A", 1, 2, 10);
	tt_expect(t, "A", 2, 22, 0);
	tt_expect_state(t, ZS_TIME_WAIT);
	tt_read(t, 20);
}

static void small_rcvbuf(struct zs_config *cfg)
{
	cfg->rcvbuf = cfg->rcvbuf_max = 8192;
	cfg->use_wscale = false;
}

/* RFC 9293 3.10.7.4: what lies beyond the window is cut off. */
static void beyond_window_is_cut(struct tt *t)
{
	uint32_t edge;

	tt_connect_passive(t);
	edge = t->c->edge;
	assert_in_range(edge, 2000, 8193);
	tt_in(t, "FA", edge - 100, 1, 300); /* FIN included */
	tt_drain(t);
	for (uint32_t at = 1; at < edge - 100; at += 1000) {
		tt_in(t, "A", at, 1, at + 1000 < edge - 100 ? 1000 : edge - 100 - at);
		tt_drain(t);
		tt_read(t, at + 1000 < edge - 100 ? 1000 : edge - at);
		tt_drain(t);
	}
	assert_int_equal(t->c->read, edge - 1);
	tt_expect_state(t, ZS_ESTABLISHED);
	tt_in(t, "FA", edge, 1, 200);
	tt_expect(t, "A", 1, edge + 201, 0);
	tt_expect_state(t, ZS_CLOSE_WAIT);
	tt_read(t, 200);
}

/* The out-of-order queue is bounded in memory: one-byte segments cost buffers (FIELD.md). */
static void ooo_is_bounded(struct tt *t)
{
	uint32_t peak = 0;

	tt_connect_passive(t);
	for (uint32_t i = 0; i < 2000; i++) {
		tt_in(t, "A", 3 + 2 * i, 1, 1);
		tt_drain(t);
		if (tt_live_mbufs() > peak)
			peak = tt_live_mbufs();
	}
	assert_in_range(peak, 1, 400);
	assert_true(tt_drops(t, ZS_DROP_TCP_OOO_FULL) + tt_drops(t, ZS_DROP_TCP_RCVBUF) > 0);
	tt_in(t, "A", 1, 1, 2); /* what is next in order is always taken */
	tt_drain(t);
	assert_in_range(zs_tcp_readable(t->c->tcb), 2, 4002);
	tt_read_some(t, 2);
	tt_drain(t);
}

static void least_rcvbuf(struct zs_config *cfg)
{
	cfg->rcvbuf = cfg->rcvbuf_max = 2304;
}

/* Two buffers beyond the gap are all the memory there is: they give way to what fills it. */
static void gap_is_filled_without_memory(struct tt *t)
{
	tt_connect_passive(t);
	tt_in(t, "A", 201, 1, 100);
	tt_in(t, "A", 401, 1, 100);
	tt_drain(t);
	tt_in(t, "A", 1, 1, 200);
	tt_expect(t, "A", 1, 201, 0);
	tt_read(t, 200);
	tt_drain(t);
	tt_in(t, "A", 201, 1, 300);
	tt_drain(t);
	tt_read(t, 300);
}

/* After a reset or close nothing of the queue remains (the harness counts buffers). */
static void ooo_freed_at_reset(struct tt *t)
{
	tt_connect_passive(t);
	tt_in(t, "A", 101, 1, 100);
	tt_in(t, "A", 301, 1, 100);
	tt_drain(t);
	tt_in(t, "R", 1, 0, 0);
	tt_expect_state(t, ZS_CLOSED);
	tt_abort(t);
	assert_int_equal(tt_live_mbufs(), 0);
}

/* CONFORMANCE row 31, RFC 9293 3.10.7.4 fifth: without the ACK bit: dropped, not queued. */
static void no_ack_bit(struct tt *t)
{
	tt_connect_passive(t);
	tt_in(t, "P", 1, 0, 100);
	tt_in(t, "", 101, 0, 100);
	tt_in(t, "F", 1, 0, 0);
	tt_expect_none(t);
	assert_int_equal(zs_tcp_readable(t->c->tcb), 0);
	assert_int_equal(tt_drops(t, ZS_DROP_TCP_NO_ACK), 3);
	tt_expect_state(t, ZS_ESTABLISHED);
	tt_in(t, "A", 1, 1, 1);
	tt_expect(t, "A", 1, 2, 0, .opt = "");
	tt_read(t, 1);
}

/* Sequence numbers wrap: 100 KB from 0xfffffff0 on with every second segment late. */
static void wrap(struct tt *t)
{
	tt_connect_passive(t);
	for (uint32_t at = 1; at < 100000; at += 2000) {
		tt_in(t, "A", at + 1000, 1, 1000);
		tt_expect(t, "A", 1, at, 0);
		tt_in(t, "A", at, 1, 1000);
		tt_expect(t, "A", 1, at + 2000, 0);
		tt_read(t, 2000);
		tt_drain(t);
	}
	assert_int_equal(tt_stats(t)->copies, 0);
}

static const struct CMUnitTest tests[] = {
	TT(all_orders),
	TT(all_orders_fin),
	TT(all_overlaps),
	TT(overlaps_with_old_data),
	TT(random_overlaps),
	TT(first_copy_is_kept),
	TT_CFG(gap_acked_at_once, no_quickack),
	TT(read_event_when_in_order),
	TT(burst_out_of_order),
	TT(fin_with_gap),
	TT(bare_fin_with_gap),
	TT(fin_twice_with_gap),
	TT(fin_with_gap_in_fin_wait_2),
	TT_CFG(beyond_window_is_cut, small_rcvbuf),
	TT_CFG(ooo_is_bounded, small_rcvbuf),
	TT_CFG(gap_is_filled_without_memory, least_rcvbuf),
	TT(ooo_freed_at_reset),
	TT(no_ack_bit),
	TT(wrap),
};

ZS_TEST_MAIN(tests)
