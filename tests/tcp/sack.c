/* SPDX-License-Identifier: BSD-3-Clause */
/* Selective acknowledgment: what we report (RFC 2018 4), what we believe (RFC 2018 5, 8).
 */
#include "core/tcp/zs_score.h"
#include "tests/zs_test.h"
#include "tt.h"

/* ---- as receiver ---- */

/* RFC 2018 4: latest first, at most four without timestamps; the oldest falls off. */
static void blocks_latest_first(struct tt *t)
{
	tt_connect_passive(t);
	tt_in(t, "A", 101, 1, 10);
	tt_expect(t, "A", 1, 1, 0, .opt = "nop,nop,sack 101:111");
	tt_in(t, "A", 301, 1, 10);
	tt_expect(t, "A", 1, 1, 0, .opt = "nop,nop,sack 301:311 101:111");
	tt_in(t, "A", 201, 1, 10);
	tt_expect(t, "A", 1, 1, 0, .opt = "nop,nop,sack 201:211 301:311 101:111");
	tt_in(t, "A", 501, 1, 10);
	tt_expect(t, "A", 1, 1, 0, .opt = "nop,nop,sack 501:511 201:211 301:311 101:111");
	tt_in(t, "A", 401, 1, 10);
	tt_expect(t, "A", 1, 1, 0, .opt = "nop,nop,sack 401:411 501:511 201:211 301:311");
}

static void use_ts(struct zs_config *cfg)
{
	cfg->use_ts = true;
}

/* RFC 2018 3: with timestamps there is room for three. */
static void three_blocks_with_timestamps(struct tt *t)
{
	tt_connect_passive(t, .opt = "mss 1460,sackOK,ts");
	tt_in(t, "A", 101, 1, 10);
	tt_expect(t, "A", 1, 1, 0, .opt = "nop,nop,ts,nop,nop,sack 101:111");
	tt_in(t, "A", 301, 1, 10);
	tt_in(t, "A", 201, 1, 10);
	tt_drain(t);
	tt_in(t, "A", 401, 1, 10);
	tt_expect(t, "A", 1, 1, 0, .opt = "nop,nop,ts,nop,nop,sack 401:411 201:211 301:311");
}

/* RFC 2018 4: neighbours become one block, which moves to the front. */
static void blocks_merge(struct tt *t)
{
	tt_connect_passive(t);
	tt_in(t, "A", 101, 1, 100);
	tt_in(t, "A", 301, 1, 100);
	tt_in(t, "A", 501, 1, 100);
	tt_drain(t);
	tt_in(t, "A", 201, 1, 100);
	tt_expect(t, "A", 1, 1, 0, .opt = "nop,nop,sack 101:401 501:601");
	tt_in(t, "A", 601, 1, 100);
	tt_expect(t, "A", 1, 1, 0, .opt = "nop,nop,sack 501:701 101:401");
	tt_in(t, "A", 401, 1, 100);
	tt_expect(t, "A", 1, 1, 0, .opt = "nop,nop,sack 101:701");
	tt_in(t, "A", 1, 1, 100);
	tt_expect(t, "A", 1, 701, 0, .opt = "");
	tt_read(t, 700);
	tt_drain(t);
}

/* Blocks below the cumulative ACK disappear, the others stay. */
static void blocks_pruned(struct tt *t)
{
	tt_connect_passive(t);
	tt_in(t, "A", 101, 1, 100);
	tt_in(t, "A", 301, 1, 100);
	tt_drain(t);
	tt_in(t, "A", 1, 1, 100);
	tt_expect(t, "A", 1, 201, 0, .opt = "nop,nop,sack 301:401");
	tt_in(t, "A", 501, 1, 100);
	tt_expect(t, "A", 1, 201, 0, .opt = "nop,nop,sack 501:601 301:401");
}

/*
 * Blocks go out on pure ACKs only, so that data segments keep their full size: with data to send,
 * an ACK with the news goes first (RFC 2018 4 SHOULD: on all ACKs that do not acknowledge
 * everything).
 */
static void blocks_before_data(struct tt *t)
{
	tt_connect_passive(t, .wnd = 1000);
	tt_send(t, 2000);
	tt_expect(t, "A", 1, 1, 1000);
	tt_in(t, "A", 101, 1001, 100);
	tt_expect(t, "A", 1001, 1, 0, .opt = "nop,nop,sack 101:201");
	tt_expect(t, "PA", 1001, 1, 1000, .opt = "");
	tt_in(t, "A", 1, 2001, 100);
	tt_expect(t, "A", 2001, 201, 0, .opt = "");
	tt_read(t, 200);
}

/* The SACK option takes from the payload of a full segment, never makes the packet too big (RFC
 * 6691). */
static void blocks_shorten_data(struct tt *t)
{
	const struct tt_out *o;
	uint32_t next = 1;

	tt_connect_passive(t);
	tt_in(t, "A", 101, 1, 100);
	tt_drain(t);
	tt_send(t, 5000);
	while ((o = tt_next(t)) != NULL) {
		assert_int_equal(tt_seq(t, o), next);
		assert_in_range(o->len + o->opt_len, 1, 1460);
		next += o->len;
	}
	assert_int_equal(next, 5001);
}

/* RFC 2018 2: never without SACK-permitted. */
static void not_negotiated(struct tt *t)
{
	tt_connect_passive(t, .opt = "mss 1460");
	tt_in(t, "A", 101, 1, 100);
	tt_expect(t, "A", 1, 1, 0, .opt = "");
	tt_in(t, "A", 101, 1, 100);
	tt_expect(t, "A", 1, 1, 0, .opt = "");
	tt_in(t, "A", 1, 1, 100);
	tt_expect(t, "A", 1, 201, 0, .opt = "");
	tt_read(t, 200);
}

/* Nor is there anything to say before data, however often something came twice. */
static void not_negotiated_duplicate(struct tt *t)
{
	tt_connect_passive(t, .opt = "mss 1460");
	tt_in(t, "A", 1, 1, 100);
	tt_in(t, "A", 1, 1, 100);
	tt_send(t, 10);
	tt_drain(t);
	tt_send(t, 20); /* waits for the ACK of the first 10 */
	tt_expect_none(t);
	tt_in(t, "A", 101, 1, 100, .hold = true);
	tt_in(t, "A", 201, 11, 100);
	tt_expect(t, "PA", 11, 301, 20);
	tt_expect_none(t);
	tt_read(t, 300);
	tt_in(t, "A", 301, 31, 0);
}

/* ---- as sender: ten segments of 1000 bytes in flight ---- */

static void ten_out(struct tt *t)
{
	tt_connect_passive(t, .opt = "mss 1000,sackOK", .rtt_us = 100 * TT_MS);
	tt_send(t, 10000);
	tt_expect_run(t, 1, 1, 1000, 10);
	tt_expect_none(t);
}

static void sacked_is_counted(struct tt *t)
{
	ten_out(t);
	tt_in(t, "A", 1, 1, 0, .opt = "nop,nop,sack 3001:4001");
	assert_int_equal(tt_info(t).sacked, 1000);
	tt_in(t, "A", 1, 1, 0, .opt = "nop,nop,sack 3001:5001");
	assert_int_equal(tt_info(t).sacked, 2000);
	tt_in(t, "A", 1, 1, 0, .opt = "nop,nop,sack 3001:5001"); /* nothing new */
	assert_int_equal(tt_info(t).sacked, 2000);
	tt_drain(t);
	tt_in(t, "A", 1, 5001, 0);
	assert_int_equal(tt_info(t).sacked, 0);
	tt_in(t, "A", 1, 10001, 0);
	tt_drain(t);
	assert_int_equal(tt_info(t).inflight, 0);
}

/* Blocks that cannot be: empty, reversed, not sent yet, below SND.UNA, beyond: no effect, no harm.
 */
static void impossible_blocks(struct tt *t)
{
	static const char *const bad[] = {
		"nop,nop,sack 3001:3001",   "nop,nop,sack 4001:3001",
		"nop,nop,sack 10001:11001", "nop,nop,sack 9001:12001",
		"nop,nop,sack 1:1",	    "nop,nop,sack 2147483000:2147484000",
	};

	ten_out(t);
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		tt_in(t, "A", 1, 1, 0, .opt = bad[i], .wnd = 60000);
		assert_int_equal(tt_info(t).sacked, 0);
		assert_int_equal(tt_info(t).lost, 0);
	}
	tt_drain(t);
	tt_in(t, "A", 1, 10001, 0);
	tt_expect_none(t);
}

/* A block that cuts a segment in two marks at most what it covers whole. */
static void partial_blocks(struct tt *t)
{
	ten_out(t);
	tt_in(t, "A", 1, 1, 0, .opt = "nop,nop,sack 3501:5501");
	assert_int_equal(tt_info(t).sacked, 1000);
	tt_drain(t);
	tt_in(t, "A", 1, 1, 0, .opt = "nop,nop,sack 3001:6001");
	assert_int_equal(tt_info(t).sacked, 3000);
	tt_drain(t);
	tt_in(t, "A", 1, 10001, 0);
	tt_expect_none(t);
}

/* Looking for places in the queue may cost so much, and no more; what was left out may come again.
 */
static void steps_are_limited(struct tt *t)
{
	struct zs_score *sc;

	ten_out(t);
	tt_in(t, "A", 1, 1, 0, .opt = "nop,nop,sack 9001:10001");
	assert_int_equal(tt_info(t).sacked, 1000);
	sc = zs_score(t->s, t->c->tcb);
	assert_in_range(sc->sack_steps, ZS_SACK_STEPS_MAX - 20, ZS_SACK_STEPS_MAX);
	sc->sack_steps = 0u - ZS_SACK_STEPS + 4; /* this ACK may look at four records */
	tt_in(t, "A", 1, 1, 0, .opt = "nop,nop,sack 3001:7001");
	assert_int_equal(tt_info(t).sacked, 2000);
	assert_int_equal(sc->sack_steps, 0);
	tt_in(t, "A", 1, 1, 0, .opt = "nop,nop,sack 3001:7001");
	assert_int_equal(tt_info(t).sacked, 5000);
	assert_int_equal(sc->sack_steps, ZS_SACK_STEPS - 8);
	tt_drain(t);
	tt_in(t, "A", 1, 10001, 0);
	tt_expect_none(t);
}

/* SACK blocks on a connection without SACK are not believed. */
static void blocks_not_negotiated(struct tt *t)
{
	tt_connect_passive(t, .opt = "mss 1000");
	tt_send(t, 10000);
	tt_drain(t);
	tt_in(t, "A", 1, 1, 1, .opt = "nop,nop,sack 1001:9001");
	assert_int_equal(tt_info(t).lost, 0);
	tt_drain(t);
	tt_read(t, 1);
	tt_in(t, "A", 2, 10001, 0);
	tt_drain(t);
}

/* RFC 6675 5 (4), NextSeg: only what is missing is sent again, in order. */
static void only_holes_are_repeated(struct tt *t)
{
	ten_out(t);
	tt_in(t, "A", 1, 1, 0, .opt = "nop,nop,sack 1001:2001 3001:10001");
	tt_expect(t, "A", 1, 1, 1000);
	tt_in(t, "A", 1, 2001, 0, .opt = "nop,nop,sack 3001:10001");
	tt_expect(t, "A", 2001, 1, 1000);
	tt_expect_none(t);
	tt_in(t, "A", 1, 10001, 0);
	tt_expect_none(t);
	assert_int_equal(tt_info(t).bytes_retx, 2000);
	tt_expect_quiet(t, 10 * TT_S);
}

/* RFC 2018 8: the peer throws away what it SACKed: all of it must come again, in the end. */
static void reneging(struct tt *t)
{
	bool have[10] = { false };
	unsigned next = 0;

	ten_out(t);
	tt_in(t, "A", 1, 1, 0, .opt = "nop,nop,sack 1001:3001");
	tt_drain(t);
	for (unsigned i = 0; i < 300 && next < 10; i++) {
		const struct tt_out *o;

		tt_advance(t, 50 * TT_MS);
		while ((o = tt_next(t)) != NULL)
			have[(tt_seq(t, o) - 1) / 1000] = true;
		while (next < 10 && have[next])
			next++;
		tt_in(t, "A", 1, 1 + next * 1000, 0);
	}
	tt_drain(t);
	assert_int_equal(tt_info(t).snd_queued, 0);
	assert_in_range(tt_time(t), 0, 6 * TT_S);
}

/* RFC 2883 5: the peer's D-SACK is seen, and does not count as SACKed data. */
static void dsack_received(struct tt *t)
{
	ten_out(t);
	tt_in(t, "A", 1, 3001, 0);
	tt_drain(t);
	tt_in(t, "A", 1, 3001, 0, .opt = "nop,nop,sack 1001:2001");
	tt_drain(t);
	assert_int_equal(tt_stats(t)->tcp_dsack_in, 1);
	assert_int_equal(tt_info(t).sacked, 0);
	tt_in(t, "A", 1, 3001, 0, .opt = "nop,nop,sack 4001:5001 4001:6001");
	assert_int_equal(tt_stats(t)->tcp_dsack_in, 2);
	assert_int_equal(tt_info(t).sacked, 2000);
	tt_drain(t);
	tt_in(t, "A", 1, 10001, 0);
	tt_drain(t);
}

/* SACK information that arrives with data and with a cumulative ACK. */
static void blocks_with_data(struct tt *t)
{
	ten_out(t);
	tt_in(t, "A", 1, 1001, 10, .opt = "nop,nop,sack 2001:4001");
	tt_expect(t, "A", 1001, 11, 1000); /* the path has no length: lost at once */
	assert_int_equal(tt_info(t).sacked, 2000);
	tt_drain(t);
	tt_read(t, 10);
	tt_in(t, "A", 11, 10001, 0);
	tt_drain(t);
}

/* RFC 2018: an ACK that was overtaken still tells what has arrived. */
static void blocks_of_an_old_ack(struct tt *t)
{
	tt_connect_passive(t, .opt = "mss 1000,sackOK", .rtt_us = 10 * TT_MS);
	tt_send(t, 10 * 1000);
	tt_drain(t);
	tt_in(t, "A", 1, 4001, 0, .opt = "nop,nop,sack 8001:9001");
	tt_in(t, "A", 1, 3001, 0, .opt = "nop,nop,sack 5001:7001");
	tt_drain(t);
	assert_int_equal(tt_info(t).sacked, 3000);
	tt_in(t, "A", 1, 3001, 0, .opt = "nop,nop,sack 3001:4001"); /* no news */
	assert_int_equal(tt_info(t).sacked, 3000);
	tt_drain(t);
}

/* By how many segments, and how often, does TCP_INFO know. */
static void reordering_is_measured(struct tt *t)
{
	tt_connect_passive(t, .opt = "mss 1000,sackOK", .rtt_us = 10 * TT_MS);
	tt_send(t, 10 * 1000);
	tt_drain(t);
	assert_int_equal(tt_info(t).reordering, 3);
	tt_advance(t, 10 * TT_MS);
	tt_in(t, "A", 1, 1, 0, .opt = "nop,nop,sack 8001:9001");
	tt_in(t, "A", 1, 1, 0, .opt = "nop,nop,sack 3001:4001 8001:9001");
	assert_int_equal(tt_info(t).reordering, 6);
	assert_int_equal(tt_info(t).reord_seen, 1);
	tt_in(t, "A", 1, 9001, 0);
	assert_int_equal(tt_info(t).reordering, 9);
	assert_int_equal(tt_info(t).reord_seen, 2);
	tt_drain(t);
}

static const struct CMUnitTest tests[] = {
	TT(blocks_latest_first),
	TT_CFG(three_blocks_with_timestamps, use_ts),
	TT(blocks_merge),
	TT(blocks_pruned),
	TT(blocks_before_data),
	TT(blocks_shorten_data),
	TT(not_negotiated),
	TT(not_negotiated_duplicate),
	TT(sacked_is_counted),
	TT(impossible_blocks),
	TT(partial_blocks),
	TT(steps_are_limited),
	TT(blocks_not_negotiated),
	TT(only_holes_are_repeated),
	TT(reneging),
	TT(dsack_received),
	TT(blocks_with_data),
	TT(blocks_of_an_old_ack),
	TT(reordering_is_measured),
};

ZS_TEST_MAIN(tests)
