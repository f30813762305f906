/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What an application says of its send queue: records that keep apart (MSG_EOR), and how much may
 * wait unsent (TCP_NOTSENT_LOWAT); as Linux does it.
 */
#include <errno.h>

#include "core/tcp/zs_tcb.h"
#include "tests/zs_test.h"
#include "tt.h"

enum { MSS = 1000, RTT = 100 * TT_MS };

static void start(struct tt *t)
{
	tt_connect_passive(t, .opt = "mss 1000,sackOK", .rtt_us = RTT);
}

static void send_apart(struct tt *t, uint32_t n)
{
	assert_int_equal(tt_send_more(t, n, ZS_SEND_EOR), n);
}

static void fill_window(struct tt *t)
{
	tt_send(t, 10 * MSS);
	tt_expect_run(t, 1, 1, MSS, 10);
}

/* ---- MSG_EOR ---- */

/* What waits together goes apart, small as it is: only the last of it would wait by Nagle's rule.
 */
static void records_share_no_segment(struct tt *t)
{
	start(t);
	fill_window(t);
	for (int i = 0; i < 3; i++)
		send_apart(t, 300);
	tt_send(t, MSS);
	tt_expect_none(t);
	tt_in(t, "A", 1, 10001, 0);
	tt_expect(t, "PA", 10001, 1, 300, .psh = true);
	tt_expect(t, "PA", 10301, 1, 300, .psh = true);
	tt_expect(t, "PA", 10601, 1, 300, .psh = true);
	tt_expect(t, "PA", 10901, 1, MSS);
	tt_in(t, "A", 1, 11901, 0);
}

/* A large one is cut as ever, and its end is not filled up. */
static void the_end_of_a_large_record(struct tt *t)
{
	start(t);
	fill_window(t);
	send_apart(t, 1400);
	tt_send(t, 1600);
	tt_in(t, "A", 1, 10001, 0);
	tt_expect(t, "A", 10001, 1, MSS);
	tt_expect(t, "PA", 11001, 1, 400, .psh = true);
	tt_expect(t, "A", 11401, 1, MSS);
	tt_expect_none(t); /* Nagle: 400 bytes are in flight */
	tt_in(t, "A", 1, 11401, 0);
	tt_expect(t, "PA", 12401, 1, 600, .psh = true);
	tt_in(t, "A", 1, 13001, 0);
}

/* Nothing behind it: the usual rule. */
static void the_last_waits_by_nagle(struct tt *t)
{
	start(t);
	send_apart(t, 10);
	tt_expect(t, "PA", 1, 1, 10);
	send_apart(t, 20);
	tt_expect_quiet(t, 50 * TT_MS);
	tt_send(t, 30);
	tt_expect(t, "PA", 11, 1, 20);
	tt_expect_none(t);
	tt_in(t, "A", 1, 31, 0);
	tt_expect(t, "PA", 31, 1, 30);
	tt_in(t, "A", 1, 61, 0);
}

static void fin_follows_the_last(struct tt *t)
{
	start(t);
	fill_window(t);
	send_apart(t, 300);
	tt_send(t, 200);
	tt_shutdown(t, ZS_SHUT_WR);
	tt_in(t, "A", 1, 10001, 0);
	tt_expect(t, "PA", 10001, 1, 300);
	tt_expect(t, "FPA", 10301, 1, 200);
	tt_in(t, "A", 1, 10502, 0);
}

/* No small segment at the edge of a window because of it (RFC 9293 3.8.6.2.1). */
static void silly_windows_are_avoided(struct tt *t)
{
	tt_connect_passive(t, .opt = "mss 1000,sackOK", .rtt_us = RTT, .wnd = 5000);
	tt_send(t, 4900);
	tt_expect_run(t, 1, 1, MSS, 4);
	tt_expect(t, "PA", 4001, 1, 900);
	send_apart(t, 300);
	tt_send(t, 300);
	tt_expect_none(t); /* 100 bytes of window are left */
	tt_in(t, "A", 1, 4901, 0);
	tt_expect(t, "PA", 4901, 1, 300);
	tt_expect_none(t);
	tt_in(t, "A", 1, 5201, 0);
	tt_expect(t, "PA", 5201, 1, 300);
	tt_in(t, "A", 1, 5501, 0);
}

/* ... but what fits is sent in the end, as ever: the peer may never open it further. */
static void a_small_window_is_used(struct tt *t)
{
	tt_connect_passive(t, .opt = "mss 1000,sackOK", .rtt_us = RTT, .wnd = 5000);
	tt_send(t, 5000);
	tt_expect_run(t, 1, 1, MSS, 5);
	send_apart(t, 300);
	tt_send(t, 300);
	tt_in(t, "A", 1, 5001, 0, .wnd = 100);
	tt_expect_within(t, 200 * TT_MS, 1000 * TT_MS, "A", 5001, 1, 100);
	tt_in(t, "A", 1, 5101, 0);
	tt_expect(t, "PA", 5101, 1, 200);
	tt_in(t, "A", 1, 5301, 0);
	tt_expect(t, "PA", 5301, 1, 300);
	tt_in(t, "A", 1, 5601, 0);
}

/* Sent again they keep apart, too. */
static void retransmissions_keep_apart(struct tt *t)
{
	start(t);
	fill_window(t);
	for (int i = 0; i < 5; i++)
		send_apart(t, 300);
	tt_send(t, 3 * MSS);
	tt_in(t, "A", 1, 10001, 0);
	for (uint32_t i = 0; i < 5; i++)
		tt_expect(t, "PA", 10001 + 300 * i, 1, 300);
	tt_expect_run(t, 11501, 1, MSS, 3);
	tt_advance(t, RTT);
	tt_in(t, "A", 1, 10601, 0, .opt = "nop,nop,sack 11501:14501");
	tt_expect(t, "PA", 10601, 1, 300);
	tt_expect(t, "PA", 10901, 1, 300);
	tt_expect(t, "PA", 11201, 1, 300);
	tt_in(t, "A", 1, 14501, 0);
}

/* ---- TCP_NOTSENT_LOWAT ---- */

static void set_lowat(struct tt *t, uint32_t bytes)
{
	zs_tcp_opts(t->c->tcb)->notsent_lowat = bytes;
	zs_tcp_opts_changed(t->s, t->c->tcb);
}

/* Half of the largest window, in full segments: what leaves together. */
static uint32_t run_of(const struct tt *t)
{
	return t->c->tcb->max_snd_wnd / 2 / MSS * MSS;
}

/* Unsent bytes are limited, by a whole run: what the windows let out at once is none of them. */
static void unsent_bytes_are_limited(struct tt *t)
{
	uint32_t taken;

	start(t);
	set_lowat(t, 4 * MSS);
	taken = 10 * MSS + run_of(t);
	assert_int_equal(tt_send_more(t, 100 * MSS, 0), taken);
	assert_int_equal(tt_send_more(t, MSS, 0), -EAGAIN);
	tt_turn(t);
	tt_expect_run(t, 1, 1, MSS, 10);
	assert_int_equal(tt_send_more(t, MSS, 0), -EAGAIN);
	tt_drain(t);
}

/* He who waits is told when more than half of it has gone, not before. */
static void the_writer_is_told(struct tt *t)
{
	start(t);
	set_lowat(t, 4 * MSS);
	tt_send(t, 10 * MSS);
	tt_expect_run(t, 1, 1, MSS, 10);
	tt_send(t, 3 * MSS);
	tt_send(t, MSS);
	tt_send_more(t, MSS, 0);
	(void)tt_take_events(t);
	tt_in(t, "A", 1, 1001, 0);
	tt_expect_run(t, 10001, 1, MSS, 2);
	assert_int_equal(tt_take_events(t) & ZS_EV_WRITE, 0);
	tt_in(t, "A", 1, 2001, 0);
	tt_expect_run(t, 12001, 1, MSS, 2);
	assert_int_equal(tt_take_events(t) & ZS_EV_WRITE, ZS_EV_WRITE);
	tt_in(t, "A", 1, 14001, 0);
}

/* The stack's value counts for who does not say; he who does may be without a limit. */
static void lowat_of_the_stack(struct zs_config *cfg)
{
	cfg->notsent_lowat = 4 * MSS;
}

static void unsent_bytes_are_limited_by_default(struct tt *t)
{
	start(t);
	assert_int_equal(tt_send_more(t, 100 * MSS, 0), 10 * MSS + run_of(t));
	set_lowat(t, UINT32_MAX);
	assert_int_equal(tt_send_more(t, 50 * MSS, 0), 50 * MSS);
	tt_turn(t);
	tt_expect_run(t, 1, 1, MSS, 10);
	tt_drain(t);
}

/* ---- SO_SNDBUF ---- */

static void set_sndbuf(struct tt *t, uint32_t bytes)
{
	zs_tcp_opts(t->c->tcb)->sndbuf = bytes;
	zs_tcp_opts_changed(t->s, t->c->tcb);
}

/* A write that does not fit ends with a run of full segments, twice the buffer at most. */
static void no_crumbs_are_queued(struct tt *t)
{
	start(t);
	set_sndbuf(t, 12500);
	assert_int_equal(tt_send_more(t, 100 * MSS, 0), 10 * MSS + 12 * MSS);
	assert_int_equal(tt_send_more(t, MSS, 0), -EAGAIN);
	tt_turn(t);
	tt_expect_run(t, 1, 1, MSS, 10);
	tt_drain(t);
}

/* Who was refused is not woken for a crumb, and does not see one: a third has to be free. */
static void a_third_is_worth_the_while(struct tt *t)
{
	start(t);
	set_sndbuf(t, 12 * MSS);
	assert_int_equal(tt_send_more(t, 12 * MSS, 0), 12 * MSS);
	tt_turn(t);
	tt_expect_run(t, 1, 1, MSS, 10);
	(void)tt_take_events(t);
	tt_in(t, "A", 1, 3001, 0);
	tt_expect_run(t, 10001, 1, MSS, 2);
	assert_int_equal(tt_take_events(t) & ZS_EV_WRITE, 0);
	assert_false(zs_tcp_writable(t->s, t->c->tcb));
	assert_int_equal(zs_tcp_send_space(t->c->tcb), 3 * MSS);
	tt_in(t, "A", 1, 4001, 0);
	assert_int_equal(tt_take_events(t) & ZS_EV_WRITE, ZS_EV_WRITE);
	assert_true(zs_tcp_writable(t->s, t->c->tcb));
	tt_in(t, "A", 1, 12001, 0);
}

static void without_the_option_all_is_taken(struct tt *t)
{
	start(t);
	set_lowat(t, 4 * MSS);
	set_lowat(t, 0);
	assert_int_equal(tt_send_more(t, 30 * MSS, 0), 30 * MSS);
	tt_turn(t);
	tt_expect_run(t, 1, 1, MSS, 10);
	tt_drain(t);
}

static const struct CMUnitTest tests[] = {
	TT(records_share_no_segment),
	TT(the_end_of_a_large_record),
	TT(the_last_waits_by_nagle),
	TT(fin_follows_the_last),
	TT(silly_windows_are_avoided),
	TT(a_small_window_is_used),
	TT(retransmissions_keep_apart),
	TT(unsent_bytes_are_limited),
	TT(the_writer_is_told),
	TT(without_the_option_all_is_taken),
	TT_CFG(unsent_bytes_are_limited_by_default, lowat_of_the_stack),
	TT(no_crumbs_are_queued),
	TT(a_third_is_worth_the_while),
};

ZS_TEST_MAIN(tests)
