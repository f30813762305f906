/* SPDX-License-Identifier: BSD-3-Clause */
/* Options after the handshake: timestamps and PAWS (RFC 7323 3-5), MSS in both directions (RFC
 * 9293 3.7.1, 6691). */
#include "base/zs_seq.h"
#include "tests/zs_test.h"
#include "tt.h"

enum { TS0 = 1000000 };

static void use_ts(struct zs_config *cfg)
{
	cfg->use_ts = true;
}

static void ts_no_quickack(struct zs_config *cfg)
{
	cfg->use_ts = true;
	cfg->quickacks = 0;
}

/* TS.Recent is TS0 after this; scripts give every TSval themselves. */
static void start(struct tt *t)
{
	tt_listen(t, 1);
	tt_in(t, "S", 0, 0, 0, .opt = "mss 1460,sackOK,ts,nop,wscale 0", .tsval = TS0);
	tt_expect(t, "SA", 0, 1, 0, .tsecr = TS0);
	t->c->ts = true;
	tt_in(t, "A", 1, 1, 0, .tsval = TS0);
	tt_accept(t);
	tt_expect_none(t);
}

/* RFC 7323 3.2: on every segment but RST, with the TSval of the segment that advanced the window.
 */
static void echoed(struct tt *t)
{
	start(t);
	tt_in(t, "A", 1, 1, 100, .tsval = TS0 + 10);
	tt_expect(t, "A", 1, 101, 0, .opt = "nop,nop,ts", .tsecr = TS0 + 10);
	tt_send(t, 10);
	tt_expect(t, "PA", 1, 101, 10, .opt = "nop,nop,ts", .tsecr = TS0 + 10);
	tt_in(t, "A", 101, 11, 100, .tsval = TS0 + 20);
	tt_expect(t, "A", 11, 201, 0, .tsecr = TS0 + 20);
	tt_read(t, 200);
	tt_drain(t);
}

/* RFC 7323 4.3 (2): delayed ACK: the echo is of the first segment not yet acknowledged. */
static void echo_of_first_delayed(struct tt *t)
{
	start(t);
	tt_in(t, "A", 1, 1, 1448, .tsval = TS0 + 10);
	tt_in(t, "A", 1449, 1, 1448, .tsval = TS0 + 11);
	tt_expect(t, "A", 1, 2897, 0, .tsecr = TS0 + 10);
	tt_in(t, "A", 2897, 1, 10, .tsval = TS0 + 20);
	tt_in(t, "A", 2907, 1, 10, .tsval = TS0 + 25);
	tt_expect_after(t, 40 * TT_MS, "A", 1, 2917, 0, .tsecr = TS0 + 20);
	tt_read(t, 2916);
	tt_drain(t);
}

/* RFC 7323 4.3: a segment beyond a gap does not count; the one that fills it does. */
static void echo_with_gap(struct tt *t)
{
	start(t);
	tt_in(t, "A", 101, 1, 100, .tsval = TS0 + 10);
	tt_expect(t, "A", 1, 1, 0, .tsecr = TS0);
	tt_in(t, "A", 201, 1, 100, .tsval = TS0 + 20);
	tt_expect(t, "A", 1, 1, 0, .tsecr = TS0);
	tt_in(t, "A", 1, 1, 100, .tsval = TS0 + 15);
	tt_expect(t, "A", 1, 301, 0, .tsecr = TS0 + 15);
	tt_read(t, 300);
	tt_drain(t);
}

/* RFC 7323 5.3 R1: older than TS.Recent: ACK and drop, although the sequence number is right. */
static void paws(struct tt *t)
{
	start(t);
	tt_in(t, "A", 1, 1, 100, .tsval = TS0 - 1);
	tt_expect(t, "A", 1, 1, 0, .tsecr = TS0);
	tt_in(t, "A", 1, 1, 100, .tsval = TS0 + 0x80000001u);
	tt_expect(t, "A", 1, 1, 0, .tsecr = TS0);
	assert_int_equal(zs_tcp_readable(t->c->tcb), 0);
	assert_int_equal(tt_drops(t, ZS_DROP_TCP_PAWS), 2);
	tt_in(t, "A", 1, 1, 100, .tsval = TS0); /* the same is good */
	tt_expect(t, "A", 1, 101, 0);
	tt_read(t, 100);
	tt_drain(t);
}

/* RFC 7323 5.3: the ACK field of a segment that PAWS rejects is not used. */
static void paws_ack_not_used(struct tt *t)
{
	start(t);
	tt_send(t, 100);
	tt_drain(t);
	tt_in(t, "A", 1, 101, 0, .tsval = TS0 - 5);
	tt_drain(t);
	assert_int_equal(tt_info(t).snd_queued, 100);
	tt_in(t, "A", 1, 101, 0, .tsval = TS0);
	assert_int_equal(tt_info(t).snd_queued, 0);
}

/* RFC 7323 5.2: RST is not subject to PAWS. */
static void paws_not_for_rst(struct tt *t)
{
	start(t);
	tt_in(t, "R", 1, 0, 0, .tsval = TS0 - 1000);
	tt_expect_none(t);
	tt_expect_state(t, ZS_CLOSED);
}

/* A RST needs no timestamp at all (RFC 7323 3.2). */
static void rst_without_ts(struct tt *t)
{
	start(t);
	tt_in(t, "R", 1, 0, 0, .opt = "");
	tt_expect_state(t, ZS_CLOSED);
}

/* RFC 7323 5.5: after 24 days of silence TS.Recent means nothing. */
static void paws_outdated(struct tt *t)
{
	start(t);
	for (unsigned i = 0; i < 25; i++)
		tt_advance(t, 86400ull * TT_S);
	tt_in(t, "A", 1, 1, 100, .tsval = TS0 - 1);
	tt_expect(t, "A", 1, 101, 0, .tsecr = TS0 - 1);
	tt_read(t, 100);
	tt_drain(t);
}

/* The peer's clock wraps. */
static void ts_wrap(struct tt *t)
{
	tt_listen(t, 1);
	tt_in(t, "S", 0, 0, 0, .opt = "mss 1460,sackOK,ts", .tsval = 0xfffffff0u);
	tt_expect(t, "SA", 0, 1, 0);
	t->c->ts = true;
	tt_in(t, "A", 1, 1, 0, .tsval = 0xfffffff8u);
	tt_accept(t);
	tt_in(t, "A", 1, 1, 10, .tsval = 0xffffffffu);
	tt_expect(t, "A", 1, 11, 0, .tsecr = 0xffffffffu);
	tt_in(t, "A", 11, 1, 10, .tsval = 7);
	tt_expect(t, "A", 1, 21, 0, .tsecr = 7);
	tt_in(t, "A", 21, 1, 10, .tsval = 0xfffffffeu);
	tt_expect(t, "A", 1, 21, 0, .tsecr = 7);
	tt_read(t, 20);
	tt_drain(t);
}

/* CONFORMANCE row 32: an unacceptable ACK (RFC 5961 5) leaves TS.Recent alone. */
static void bad_ack_does_not_update(struct tt *t)
{
	start(t);
	tt_in(t, "A", 1, 1000, 10, .tsval = TS0 + 50);
	tt_expect(t, "A", 1, 1, 0, .tsecr = TS0);
	tt_in(t, "A", 1, 1, 10, .tsval = TS0 + 40); /* would be old otherwise */
	tt_expect(t, "A", 1, 11, 0, .tsecr = TS0 + 40);
	tt_read(t, 10);
}

/* Nor does a segment outside the window (RFC 7323 5.3 R3 needs SEG.SEQ <= Last.ACK.sent). */
static void outside_does_not_update(struct tt *t)
{
	start(t);
	tt_in(t, "A", t->c->edge + 0x1000000, 1, 10, .tsval = TS0 + 50);
	tt_expect(t, "A", 1, 1, 0, .tsecr = TS0);
}

/* RFC 7323 3.2: a segment without the negotiated timestamp: dropped silently (SHOULD). */
static void missing_ts(struct tt *t)
{
	start(t);
	tt_in(t, "A", 1, 1, 10, .opt = "");
	tt_expect_none(t);
	assert_int_equal(zs_tcp_readable(t->c->tcb), 0);
	tt_in(t, "A", 1, 1, 10, .tsval = TS0 + 1);
	tt_expect(t, "A", 1, 11, 0);
	tt_read(t, 10);
}

static void tolerant(struct zs_config *cfg)
{
	use_ts(cfg);
	cfg->tolerate_missing_ts = true;
}

/* Unless configured: it is taken, and says nothing about TS.Recent. */
static void missing_ts_tolerated(struct tt *t)
{
	start(t);
	tt_in(t, "A", 1, 1, 10, .opt = "");
	tt_expect(t, "A", 1, 11, 0, .tsecr = TS0);
	tt_in(t, "A", 11, 1, 10, .tsval = TS0 + 1);
	tt_expect(t, "A", 1, 21, 0, .tsecr = TS0 + 1);
	tt_read(t, 20);
}

/* Timestamps that were not negotiated are ignored (RFC 7323 3.2), and never sent. */
static void uninvited_ts(struct tt *t)
{
	tt_connect_passive(t);
	tt_in(t, "A", 1, 1, 10, .opt = "nop,nop,ts", .tsval = 500);
	tt_expect(t, "A", 1, 11, 0, .opt = "");
	tt_in(t, "A", 11, 1, 10, .opt = "nop,nop,ts", .tsval = 400);
	tt_expect(t, "A", 1, 21, 0, .opt = "");
	tt_read(t, 20);
}

/* RFC 7323 5.4: our clock ticks every ms and never goes back; the offset is per connection. */
static void our_clock(struct tt *t)
{
	uint32_t first;

	start(t);
	tt_send(t, 1);
	tt_expect(t, "PA", 1, 1, 1);
	first = t->c->tsecr;
	tt_in(t, "A", 1, 2, 0, .tsval = TS0 + 1);
	tt_advance(t, 1500 * TT_MS);
	tt_send(t, 1);
	tt_expect(t, "PA", 2, 1, 1);
	assert_in_range(t->c->tsecr - first, 1499, 1501);
	tt_in(t, "A", 1, 3, 0, .tsval = TS0 + 2);
}

/* ---- MSS ---- */

/* RFC 9293 3.7.1: no option: 536, and 1220 with IPv6. */
static uint32_t default_mss(void)
{
	return tt_v6() ? 1220 : 536;
}

static void mss_absent(struct tt *t)
{
	uint32_t mss = default_mss();

	tt_connect_passive(t, .opt = "sackOK");
	assert_int_equal(tt_info(t).snd_mss, mss);
	tt_send(t, 2 * mss);
	tt_expect_run(t, 1, 1, mss, 2);
	tt_in(t, "A", 1, 2 * mss + 1, 0);
}

static void mss_absent_active(struct tt *t)
{
	uint32_t mss = default_mss();

	tt_connect_active(t, .opt = "");
	tt_send(t, 2 * mss);
	tt_expect_run(t, 1, 1, mss, 2);
	tt_in(t, "A", 1, 2 * mss + 1, 0);
}

/* RFC 6691: the peer's MSS less our own options. */
static void mss_less_options(struct tt *t)
{
	tt_connect_passive(t, .opt = "mss 1000,sackOK,ts");
	assert_int_equal(tt_info(t).snd_mss, 988);
	tt_send(t, 1976);
	tt_expect_run(t, 1, 1, 988, 2);
	tt_in(t, "A", 1, 1977, 0);
}

/* Never beyond our own MTU. */
static void mss_of_peer_too_large(struct tt *t)
{
	tt_connect_passive(t, .opt = "mss 65495");
	assert_int_equal(tt_info(t).snd_mss, 1460);
	tt_send(t, 2920);
	tt_expect_run(t, 1, 1, 1460, 2);
	tt_in(t, "A", 1, 2921, 0);
}

/* An absurdly small MSS would make every byte a packet: a floor, which still fits any link (RFC
 * 791: 68). */
static void mss_of_peer_too_small(struct tt *t)
{
	static const char *const tiny[] = { "mss 0", "mss 1", "mss 20" };

	for (unsigned i = 0; i < 3; i++) {
		tt_use(t, i);
		tt_connect_passive(t, .opt = tiny[i]);
		assert_in_range(tt_info(t).snd_mss, 28, default_mss());
	}
}

/* CONFORMANCE row 45: TCP_MAXSEG before connect clamps what we announce and what we send. */
static void maxseg_active(struct tt *t)
{
	tt_open(t);
	zs_tcp_opts(t->c->tcb)->maxseg = 700;
	zs_tcp_opts_changed(t->s, t->c->tcb);
	assert_int_equal(tt_connect(t), 0);
	tt_expect(t, "S", 0, 0, 0, .opt = "mss 700,nop,nop,sackOK,nop,wscale 8");
	tt_in(t, "SA", 0, 1, 0, .opt = "mss 1460");
	tt_expect(t, "A", 1, 1, 0);
	assert_int_equal(tt_info(t).snd_mss, 700);
	tt_send(t, 1400);
	tt_expect_run(t, 1, 1, 700, 2);
	tt_in(t, "A", 1, 1401, 0);
}

static void maxseg_listener(struct tt *t)
{
	tt_listen(t, 1);
	t->listener->opts.maxseg = 800;
	tt_in(t, "S", 0, 0, 0, .opt = "mss 1460");
	tt_expect(t, "SA", 0, 1, 0, .opt = "mss 800");
	tt_in(t, "A", 1, 1, 0);
	tt_accept(t);
	assert_int_equal(tt_info(t).snd_mss, 800);
}

/* ---- others ---- */

/* MSS and window scale count in SYN segments only (RFC 9293 3.2). */
static void syn_options_later(struct tt *t)
{
	tt_connect_passive(t);
	tt_in(t, "A", 1, 1, 10, .opt = "mss 100,nop,wscale 5,sackOK,nop,nop", .wnd = 4000);
	tt_expect(t, "A", 1, 11, 0);
	assert_int_equal(tt_info(t).snd_mss, 1460);
	assert_int_equal(tt_info(t).snd_wnd, 4000);
	tt_read(t, 10);
}

/* RFC 9293 3.2 MUST-6: unknown options are skipped. */
static void unknown_options(struct tt *t)
{
	tt_connect_passive(t, .opt = "raw fd06aabbccdd,mss 1200,raw 4203ff,nop,sackOK");
	assert_int_equal(tt_info(t).snd_mss, 1200);
	assert_true(tt_info(t).sack);
	tt_in(t, "A", 1, 1, 10, .opt = "raw fe04abcd");
	tt_expect(t, "A", 1, 11, 0);
	tt_read(t, 10);
}

/* 40 bytes of options. */
static void longest_options(struct tt *t)
{
	tt_connect_passive(
		t, .opt = "mss 1200,raw fd22000102030405060708090a0b0c0d0e0f101112131415161718"
			  "191a1b1c1d1e1f,sackOK");
	assert_int_equal(tt_info(t).snd_mss, 1200);
	assert_true(tt_info(t).sack);
}

static const struct CMUnitTest tests[] = {
	TT_CFG(echoed, use_ts),
	TT_CFG(echo_of_first_delayed, ts_no_quickack),
	TT_CFG(echo_with_gap, use_ts),
	TT_CFG(paws, use_ts),
	TT_CFG(paws_ack_not_used, use_ts),
	TT_CFG(paws_not_for_rst, use_ts),
	TT_CFG(rst_without_ts, use_ts),
	TT_CFG(paws_outdated, use_ts),
	TT_CFG(ts_wrap, use_ts),
	TT_CFG(bad_ack_does_not_update, use_ts),
	TT_CFG(outside_does_not_update, use_ts),
	TT_CFG(missing_ts, use_ts),
	TT_CFG(missing_ts_tolerated, tolerant),
	TT(uninvited_ts),
	TT_CFG(our_clock, use_ts),
	TT(mss_absent),
	TT(mss_absent_active),
	TT_CFG(mss_less_options, use_ts),
	TT(mss_of_peer_too_large),
	TT(mss_of_peer_too_small),
	TT(maxseg_active),
	TT(maxseg_listener),
	TT(syn_options_later),
	TT(unknown_options),
	TT(longest_options),
};

ZS_TEST_MAIN(tests)
