/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Blind attacks: RST, SYN and data with guessed numbers (RFC 5961), in every synchronized state and
 * in SYN-RECEIVED of either kind (RFC 9293 3.10.7.4).
 */
#include <errno.h>

#include "tests/zs_test.h"
#include "tt.h"

/* Every one of these states once, each on a connection of its own. */
static const enum zs_tcp_state synchronized[] = {
	ZS_ESTABLISHED, ZS_FIN_WAIT_1, ZS_FIN_WAIT_2, ZS_CLOSING, ZS_CLOSE_WAIT, ZS_LAST_ACK,
};

enum { N_STATES = sizeof(synchronized) / sizeof(synchronized[0]) };

/* Our next sequence number: FIN counts once it is sent. */
static uint32_t snd_nxt(const struct tt *t)
{
	return t->c->ack;
}

static void expect_challenge(struct tt *t)
{
	tt_expect(t, "A", snd_nxt(t), t->c->seq, 0);
	tt_expect_none(t);
}

/* RFC 5961 3.2 case 2: SEG.SEQ == RCV.NXT resets. */
static void rst_exact_kills(struct tt *t)
{
	for (unsigned i = 0; i < N_STATES; i++) {
		enum zs_tcp_state st = synchronized[i];
		bool closing = st == ZS_CLOSING || st == ZS_LAST_ACK;

		tt_use(t, i);
		tt_enter(t, st);
		(void)tt_take_events(t);
		tt_in(t, "R", t->c->seq, 0, 0);
		tt_expect_none(t);
		tt_expect_state(t, ZS_CLOSED);
		if (!closing) { /* RFC 9293: these two were over for the application */
			assert_int_equal(tt_take_error(t), ECONNRESET);
			assert_int_equal(tt_take_error(t), 0);
			assert_true(tt_take_events(t) & ZS_EV_ERR);
		}
	}
}

/* RFC 9293 3.10.7.4: in CLOSING and LAST-ACK a reset is no error, also where the application only
 * shut down. */
static void rst_when_all_is_over(struct tt *t)
{
	tt_enter(t, ZS_CLOSING);
	tt_in(t, "R", t->c->seq, 0, 0);
	tt_expect_state(t, ZS_CLOSED);
	assert_int_equal(tt_take_error(t), 0);

	tt_use(t, 1);
	tt_enter(t, ZS_CLOSE_WAIT);
	tt_shutdown(t, ZS_SHUT_WR);
	tt_expect(t, "FA", 1, t->c->seq, 0);
	tt_expect_state(t, ZS_LAST_ACK);
	tt_in(t, "R", t->c->seq, 0, 0);
	tt_expect_state(t, ZS_CLOSED);
	assert_int_equal(tt_take_error(t), 0);
}

/* The ACK field of a RST is of no interest in a synchronized state. */
static void rst_ack_any_ack_kills(struct tt *t)
{
	static const uint32_t acks[] = { 0, 1, 2, 77, 0x80000000u };

	for (unsigned i = 0; i < sizeof(acks) / sizeof(acks[0]); i++) {
		tt_use(t, i);
		tt_enter(t, ZS_ESTABLISHED);
		tt_in(t, "RA", 1, acks[i], 0);
		tt_expect_none(t);
		tt_expect_state(t, ZS_CLOSED);
	}
}

/* RFC 5961 3.2 case 3: in the window, not exact: challenge ACK. Up to the last byte of the window.
 */
static void rst_in_window_challenged(struct tt *t)
{
	for (unsigned i = 0; i < N_STATES; i++) {
		tt_use(t, i);
		tt_enter(t, synchronized[i]);
		tt_in(t, "R", t->c->seq + 1, 0, 0);
		expect_challenge(t);
		tt_in(t, "R", t->c->edge - 1, 0, 0);
		expect_challenge(t);
		tt_in(t, "RA", t->c->seq + 1000, snd_nxt(t), 0);
		expect_challenge(t);
		tt_expect_state(t, synchronized[i]);
	}
	assert_int_equal(tt_stats(t)->tcp_challenge, 3 * N_STATES);
}

/* RFC 5961 3.2 case 1: outside: dropped without a word. */
static void rst_outside_dropped(struct tt *t)
{
	for (unsigned i = 0; i < N_STATES; i++) {
		tt_use(t, i);
		tt_enter(t, synchronized[i]);
		tt_in(t, "R", t->c->seq - 1, 0, 0);
		tt_in(t, "R", t->c->edge, 0, 0);
		tt_in(t, "R", t->c->edge + 100000, 0, 0);
		tt_in(t, "RA", t->c->seq - 1000, snd_nxt(t), 0);
		tt_in(t, "R", t->c->seq - 1, 0, 10); /* whatever it carries into the window */
		tt_in(t, "R", t->c->seq + 0x80000000u, 0, 10);
		tt_expect_none(t);
		tt_expect_state(t, synchronized[i]);
	}
}

/* RFC 5961 4.2: a SYN, whatever its numbers, is answered by a challenge ACK. */
static void syn_challenged(struct tt *t)
{
	for (unsigned i = 0; i < N_STATES; i++) {
		uint32_t seqs[6];

		tt_use(t, i);
		tt_enter(t, synchronized[i]);
		seqs[0] = t->c->seq;
		seqs[1] = t->c->seq + 1;
		seqs[2] = t->c->seq - 1;
		seqs[3] = t->c->edge - 1;
		seqs[4] = t->c->edge;
		seqs[5] = t->c->seq + 0x80000000u;
		for (unsigned k = 0; k < 6; k++) {
			tt_in(t, "S", seqs[k], 0, 0, .opt = "mss 1460");
			expect_challenge(t);
			tt_in(t, "SA", seqs[k], snd_nxt(t), 0);
			expect_challenge(t);
		}
		tt_expect_state(t, synchronized[i]);
	}
}

/* A peer that restarted: its SYN is challenged, it answers our ACK by RST at RCV.NXT, the
 * connection dies. */
static void half_open_discovery(struct tt *t)
{
	tt_connect_passive(t);
	tt_in(t, "S", 5000000, 0, 0, .opt = "mss 1460");
	tt_expect(t, "A", 1, 1, 0);
	tt_in(t, "R", 1, 0, 0);
	tt_expect_none(t);
	tt_expect_state(t, ZS_CLOSED);
	tt_in(t, "S", 5000000, 0, 0, .opt = "mss 1460"); /* its next try */
	tt_expect(t, "SA", 0, 5000001, 0);
}

/* ---- SYN-RECEIVED, from LISTEN: a half-open entry ---- */

static void syn_rcvd_rst_exact(struct tt *t)
{
	static const uint32_t acks[] = { 0, 1, 2, 0x7fffffff };

	tt_listen(t, 16);
	for (unsigned i = 0; i < sizeof(acks) / sizeof(acks[0]); i++) {
		tt_enter(t, ZS_SYN_RCVD);
		tt_in(t, i == 0 ? "R" : "RA", 1, acks[i], 0);
		tt_expect_none(t);
		tt_expect_state(t, ZS_CLOSED);
		assert_int_equal(tt_counts(t).half_open, 0);
	}
	assert_null(zs_tcp_accept(t->s, t->listener));
}

static void syn_rcvd_rst_in_window(struct tt *t)
{
	tt_enter(t, ZS_SYN_RCVD);
	tt_in(t, "R", 2, 0, 0);
	tt_expect(t, "A", 1, 1, 0);
	tt_in(t, "R", t->c->edge - 1, 0, 0);
	tt_expect(t, "A", 1, 1, 0);
	tt_expect_state(t, ZS_SYN_RCVD);
}

static void syn_rcvd_rst_outside(struct tt *t)
{
	tt_enter(t, ZS_SYN_RCVD);
	tt_in(t, "R", 0, 0, 0);
	tt_in(t, "R", 1 + 65535, 0, 0);
	tt_expect_none(t);
	tt_expect_state(t, ZS_SYN_RCVD);
	tt_in(t, "A", 1, 1, 0);
	tt_accept(t);
}

/* RFC 9293 3.10.7.4, first, before the ACK bit is looked at. */
static void syn_rcvd_outside_without_ack(struct tt *t)
{
	tt_enter(t, ZS_SYN_RCVD);
	tt_in(t, "F", (uint32_t)-100, 0, 0);
	tt_expect(t, "A", 1, 1, 0);
	tt_in(t, "P", t->c->edge, 0, 10);
	tt_expect(t, "A", 1, 1, 0);
	tt_in(t, "P", 1, 0, 10);
	tt_expect_none(t);
	tt_expect_state(t, ZS_SYN_RCVD);
}

/* RFC 7323 2.3: only the window of a SYN is not scaled. */
static void syn_rcvd_window_is_scaled(struct tt *t)
{
	tt_listen(t, 16);
	tt_in(t, "S", 0, 0, 0, .opt = "mss 1460,nop,wscale 7");
	tt_expect(t, "SA", 0, 1, 0, .wnd = 65535, .opt = "mss 1460,nop,wscale 8");
	tt_in(t, "A", (uint32_t)-100, 1, 0);
	tt_expect(t, "A", 1, 1, 0, .wnd = 256);
	tt_in(t, "A", 1, 1, 0);
	tt_accept(t);
}

/* RFC 9293 3.10.7.4, fourth, SYN-RECEIVED: a SYN in the window: challenged (RFC 5961 4), not
 * believed. */
static void syn_rcvd_syn_in_window(struct tt *t)
{
	tt_enter(t, ZS_SYN_RCVD);
	tt_in(t, "S", 1000, 0, 0);
	tt_expect(t, "A", 1, 1, 0);
	tt_expect_state(t, ZS_SYN_RCVD);
	tt_in(t, "A", 1, 1, 0);
	tt_accept(t);
}

/* ---- the rate of challenges, RFC 5961 7 ---- */

static void challenge_5(struct zs_config *cfg)
{
	cfg->challenge_rate = 5;
}

static void no_gap(struct zs_config *cfg)
{
	cfg->challenge_gap_ms = 0;
}

/* A connection has ten at once, then two per second, whatever comes. */
static void expect_ten_then_two(struct tt *t, const char *flags)
{
	for (unsigned i = 0; i < 50; i++)
		tt_in(t, flags, 100 + i, 0, 0);
	assert_int_equal(tt_pending(t), 10);
	tt_drain(t);
	tt_advance(t, TT_S);
	for (unsigned i = 0; i < 50; i++)
		tt_in(t, flags, 100 + i, 0, 0);
	assert_int_equal(tt_pending(t), 2);
	tt_drain(t);
}

/* Whom somebody floods starves nobody else. */
static void challenges_of_a_connection(struct tt *t)
{
	tt_connect_passive(t);
	tt_use(t, 1);
	tt_connect_passive(t);
	tt_use(t, 0);
	expect_ten_then_two(t, "R");
	tt_use(t, 1);
	tt_in(t, "S", 100, 0, 0);
	tt_expect(t, "A", 1, 1, 0);
	tt_advance(t, 60 * TT_S);
	tt_use(t, 0);
	expect_ten_then_two(t, "S");
}

/* A bare ACK outside the window is no better; data always is answered. */
static void challenges_of_bare_acks(struct tt *t)
{
	tt_connect_passive(t);
	for (unsigned i = 0; i < 50; i++)
		tt_in(t, "A", (uint32_t)-100, 1, 0);
	assert_int_equal(tt_pending(t), 10);
	tt_drain(t);
	tt_in(t, "A", (uint32_t)-100, 1, 10);
	assert_int_equal(tt_pending(t), 1);
	tt_drain(t);
}

static void challenges_of_entries(struct tt *t)
{
	tt_enter(t, ZS_SYN_RCVD);
	for (unsigned i = 0; i < 50; i++)
		tt_in(t, "R", 100, 0, 0);
	assert_int_equal(tt_pending(t), 10);
	tt_drain(t);
	tt_use(t, 1);
	tt_enter(t, ZS_TIME_WAIT);
	for (unsigned i = 0; i < 50; i++)
		tt_in(t, "A", 100, 0, 0);
	assert_int_equal(tt_pending(t), 10);
	tt_drain(t);
}

static void challenge_rate(struct tt *t)
{
	tt_connect_passive(t);
	tt_use(t, 1);
	tt_connect_passive(t);
	for (unsigned i = 0; i < 10; i++) { /* one limit for all connections */
		tt_use(t, i % 2);
		tt_in(t, "R", 100 + i, 0, 0);
	}
	assert_int_equal(tt_pending(t), 5);
	tt_drain(t);
	tt_advance(t, TT_S);
	for (unsigned i = 0; i < 10; i++)
		tt_in(t, "S", 100 + i, 0, 0);
	assert_in_range(tt_pending(t), 2, 8);
	assert_int_equal(tt_stats(t)->tcp_challenge, 5 + tt_pending(t));
	tt_drain(t);
}

static void challenge_100(struct zs_config *cfg)
{
	cfg->challenge_rate = 100;
	cfg->challenge_gap_ms = 0;
}

/* The limit is no number that an observer can rely on (CVE-2016-5696): another one every second. */
static void challenge_rate_is_drawn(struct tt *t)
{
	unsigned least = 1000, most = 0, sum = 0;

	tt_connect_passive(t);
	for (unsigned sec = 0; sec < 20; sec++) {
		tt_advance(t, TT_S);
		for (unsigned i = 0; i < 200; i++)
			tt_in(t, "R", 100, 0, 0);
		least = tt_pending(t) < least ? tt_pending(t) : least;
		most = tt_pending(t) > most ? tt_pending(t) : most;
		sum += tt_pending(t);
		tt_drain(t);
	}
	assert_in_range(least, 50, 80);
	assert_in_range(most, 120, 150);
	assert_in_range(sum, 20 * 75, 20 * 125);
}

/* ---- RFC 5961 5: ACK fields ---- */

/* 5.2: SEG.ACK > SND.NXT: ACK, drop the segment with its data. */
static void ack_of_unsent(struct tt *t)
{
	tt_connect_passive(t);
	tt_send(t, 100);
	tt_expect(t, "PA", 1, 1, 100);
	tt_in(t, "A", 1, 102, 50);
	tt_expect(t, "A", 101, 1, 0);
	assert_int_equal(zs_tcp_readable(t->c->tcb), 0);
	tt_in(t, "A", 1, 0x7fffff00, 50);
	tt_expect(t, "A", 101, 1, 0);
	assert_int_equal(tt_info(t).snd_queued, 100);
	assert_int_equal(tt_drops(t, ZS_DROP_TCP_BAD_ACK), 2);
	tt_in(t, "A", 1, 101, 50);
	tt_drain(t);
	tt_read(t, 50);
	tt_drain(t);
}

/* 5.2: SEG.ACK < SND.UNA - MAX.SND.WND: ACK, drop. */
static void ack_too_old(struct tt *t)
{
	tt_connect_passive(t, .wnd = 1000);
	tt_in(t, "A", 1, 1 - 1001, 50);
	tt_expect(t, "A", 1, 1, 0);
	tt_in(t, "A", 1, 0x80000010u, 50);
	tt_expect(t, "A", 1, 1, 0);
	assert_int_equal(zs_tcp_readable(t->c->tcb), 0);
}

/* No ACK of anything before our SYN was ever right, however large the peer's window: whoever
 * guesses is not helped by it. As on Linux and FreeBSD. */
static void ack_before_our_syn(struct tt *t)
{
	tt_connect_passive(t);
	tt_in(t, "A", 1, 0, 50);
	tt_expect(t, "A", 1, 1, 0);
	tt_in(t, "A", 1, 1 - 1000, 50);
	tt_expect(t, "A", 1, 1, 0);
	assert_int_equal(zs_tcp_readable(t->c->tcb), 0);
	tt_send(t, 1000);
	tt_drain(t);
	tt_in(t, "A", 1, 1001, 0);
	tt_in(t, "A", 1, 0, 50);
	tt_expect(t, "A", 1001, 1, 0);
	assert_int_equal(zs_tcp_readable(t->c->tcb), 0);
	tt_in(t, "A", 1, 1, 50); /* that of the handshake is an old one */
	tt_expect(t, "A", 1001, 51, 0);
	tt_read(t, 50);
}

/* 5.2: an old ACK within that range is a duplicate, its data is good. */
static void ack_old_with_data(struct tt *t)
{
	tt_connect_passive(t);
	tt_send(t, 1000);
	tt_drain(t);
	tt_in(t, "A", 1, 1001, 0);
	tt_in(t, "A", 1, 501, 50);
	tt_expect(t, "A", 1001, 51, 0);
	tt_read(t, 50);
}

/* RFC 9293 3.10.7.4, first: data outside the window is answered, by an ACK that tells where we are.
 */
static void data_outside_window(struct tt *t)
{
	tt_connect_passive(t);
	tt_in(t, "A", 0, 1, 1);
	tt_expect(t, "A", 1, 1, 0);
	tt_in(t, "A", t->c->edge, 1, 10);
	tt_expect(t, "A", 1, 1, 0);
	tt_in(t, "A", (uint32_t)-5000, 1, 100);
	tt_expect(t, "A", 1, 1, 0);
	tt_in(t, "A", t->c->seq + 0x80000000u, 1, 10); /* neither before nor behind */
	tt_expect(t, "A", 1, 1, 0);
	assert_int_equal(zs_tcp_readable(t->c->tcb), 0);
	assert_in_range(tt_drops(t, ZS_DROP_TCP_WINDOW) + tt_drops(t, ZS_DROP_TCP_DUP), 4, 4);
}

static const struct CMUnitTest tests[] = {
	TT(rst_exact_kills),
	TT(rst_when_all_is_over),
	TT(rst_ack_any_ack_kills),
	TT(rst_in_window_challenged),
	TT(rst_outside_dropped),
	TT_CFG(syn_challenged, no_gap),
	TT(half_open_discovery),
	TT(syn_rcvd_rst_exact),
	TT(syn_rcvd_rst_in_window),
	TT(syn_rcvd_rst_outside),
	TT(syn_rcvd_outside_without_ack),
	TT(syn_rcvd_window_is_scaled),
	TT(syn_rcvd_syn_in_window),
	TT(challenges_of_a_connection),
	TT(challenges_of_bare_acks),
	TT(challenges_of_entries),
	TT_CFG(challenge_rate, challenge_5),
	TT_CFG(challenge_rate_is_drawn, challenge_100),
	TT(ack_of_unsent),
	TT(ack_too_old),
	TT(ack_before_our_syn),
	TT(ack_old_with_data),
	TT(data_outside_window),
};

ZS_TEST_MAIN(tests)
