/* SPDX-License-Identifier: BSD-3-Clause */
/* Keepalive: RFC 9293 3.8.4, RFC 1122 4.2.3.6; and our answer to the peer's. */
#include <errno.h>

#include "core/zs_ep.h"
#include "tests/zs_test.h"
#include "tt.h"

/* 10 s idle, then 3 probes 2 s apart. */
static void turn_on(struct tt *t)
{
	struct zs_tcp_opts *o = zs_tcp_opts(t->c->tcb);

	o->keepalive = true;
	o->keep_idle_ms = 10000;
	o->keep_intvl_ms = 2000;
	o->keep_count = 3;
	zs_tcp_opts_changed(t->s, t->c->tcb);
	tt_turn(t);
}

/* MUST default to off. */
static void off_by_default(struct tt *t)
{
	tt_connect_passive(t);
	tt_expect_quiet(t, 3 * 7200ull * TT_S);
	tt_expect_state(t, ZS_ESTABLISHED);
}

/* <SEQ=SND.NXT-1>, nothing in it, so that the peer must answer; its answer starts the idle time
 * anew. */
static void probe_and_answer(struct tt *t)
{
	tt_connect_passive(t);
	turn_on(t);
	for (unsigned i = 0; i < 3; i++) {
		tt_expect_within(t, 10ull * TT_S - TT_MS, 10ull * TT_S + TT_MS, "A", 0, 1, 0);
		tt_in(t, "A", 1, 1, 0);
		tt_expect_none(t);
	}
	assert_int_equal(tt_take_error(t), 0);
}

static void default_idle_is_two_hours(struct tt *t)
{
	tt_connect_passive(t);
	zs_tcp_opts(t->c->tcb)->keepalive = true;
	zs_tcp_opts_changed(t->s, t->c->tcb);
	tt_expect_within(t, 7199ull * TT_S, 7201ull * TT_S, "A", 0, 1, 0);
	tt_in(t, "A", 1, 1, 0);
}

/* One unanswered probe does not mean a dead connection; all of them do. */
static void unanswered(struct tt *t)
{
	tt_connect_passive(t);
	turn_on(t);
	(void)tt_take_events(t);
	tt_expect_within(t, 10ull * TT_S - TT_MS, 10ull * TT_S + TT_MS, "A", 0, 1, 0);
	tt_expect_within(t, 2 * TT_S - TT_MS, 2 * TT_S + TT_MS, "A", 0, 1, 0);
	tt_expect_within(t, 2 * TT_S - TT_MS, 2 * TT_S + TT_MS, "A", 0, 1, 0);
	tt_advance(t, 1900 * TT_MS);
	tt_expect_none(t);
	tt_expect_state(t, ZS_ESTABLISHED);
	tt_advance(t, 200 * TT_MS);
	tt_drain(t); /* a RST is welcome */
	tt_expect_state(t, ZS_CLOSED);
	assert_true(tt_take_events(t) & ZS_EV_ERR);
	assert_int_equal(tt_take_error(t), ETIMEDOUT);
}

/* The peer restarted and knows nothing: its RST ends it. */
static void answered_by_rst(struct tt *t)
{
	tt_connect_passive(t);
	turn_on(t);
	tt_expect_within(t, 10ull * TT_S - TT_MS, 10ull * TT_S + TT_MS, "A", 0, 1, 0);
	tt_in(t, "R", 1, 0, 0);
	tt_expect_state(t, ZS_CLOSED);
	assert_int_equal(tt_take_error(t), ECONNRESET);
}

/* MUST only be sent when nothing was received within the interval. */
static void traffic_defers(struct tt *t)
{
	uint32_t at = 1;

	tt_connect_passive(t);
	turn_on(t);
	for (unsigned i = 0; i < 5; i++, at += 10) {
		tt_advance(t, 6 * TT_S);
		tt_in(t, "A", at, 1, 10);
		tt_expect(t, "A", 1, at + 10, 0);
		tt_read(t, 10);
	}
	tt_expect_within(t, 10ull * TT_S - TT_MS, 10ull * TT_S + TT_MS, "A", 0, at, 0);
	tt_in(t, "A", at, 1, 0);
}

/* With data outstanding the retransmission timer does the work. */
static void not_with_data_in_flight(struct tt *t)
{
	tt_connect_passive(t, .rtt_us = 100 * TT_MS);
	turn_on(t);
	tt_send(t, 100);
	tt_drain(t);
	for (unsigned i = 0; i < 15; i++) {
		const struct tt_out *o;

		tt_advance(t, TT_S);
		while ((o = tt_next(t)) != NULL)
			assert_int_equal(tt_seq(t, o), 1);
	}
	tt_in(t, "A", 1, 101, 0);
	tt_expect_none(t);
}

/* Probes of a closed window ask as well, and it is they that are counted then. */
static void not_with_data_waiting(struct tt *t)
{
	tt_connect_passive(t);
	turn_on(t);
	tt_in(t, "A", 1, 1, 0, .wnd = TT_WND0);
	tt_send(t, 10);
	tt_advance(t, 100ull * TT_S);
	assert_true(tt_pending(t) > 3); /* unanswered */
	tt_drain(t);
	tt_expect_state(t, ZS_ESTABLISHED);
}

/* Nor do keepalive's count for the data that is written after them. */
static void data_after_probes(struct tt *t)
{
	tt_connect_passive(t);
	turn_on(t);
	zs_tcp_opts(t->c->tcb)->keep_count = 60;
	tt_in(t, "A", 1, 1, 0, .wnd = TT_WND0);
	tt_advance(t, 50 * TT_S);
	assert_true(tt_pending(t) > t->cfg.data_retries);
	tt_drain(t);
	tt_send(t, 10);
	tt_advance(t, 10 * TT_S);
	assert_true(tt_pending(t) > 1);
	tt_drain(t);
	tt_expect_state(t, ZS_ESTABLISHED);
}

/* Turned off again in the middle. */
static void turned_off(struct tt *t)
{
	tt_connect_passive(t);
	turn_on(t);
	tt_expect_within(t, 10ull * TT_S - TT_MS, 10ull * TT_S + TT_MS, "A", 0, 1, 0);
	zs_tcp_opts(t->c->tcb)->keepalive = false;
	zs_tcp_opts_changed(t->s, t->c->tcb);
	tt_expect_quiet(t, 100ull * TT_S);
	tt_expect_state(t, ZS_ESTABLISHED);
}

/* Half-closed connections are watched too. */
static void in_close_wait(struct tt *t)
{
	tt_enter(t, ZS_CLOSE_WAIT);
	turn_on(t);
	tt_expect_within(t, 9ull * TT_S, 11ull * TT_S, "A", 0, 2, 0);
	tt_in(t, "A", 2, 1, 0);
	tt_expect_state(t, ZS_CLOSE_WAIT);
}

/* The application still holds what has come to its end. */
static void not_in_time_wait(struct tt *t)
{
	tt_enter(t, ZS_TIME_WAIT);
	turn_on(t);
	tt_expect_quiet(t, 100ull * TT_S);
	assert_int_equal(tt_take_error(t), 0);
}

/* Any option may be set meanwhile: neither the first probe nor the next waits longer for it. */
static void other_options(struct tt *t)
{
	tt_connect_passive(t);
	turn_on(t);
	for (unsigned i = 0; i < 2; i++) {
		tt_advance(t, (i == 0 ? 9 : 1) * TT_S);
		zs_tcp_opts_changed(t->s, t->c->tcb);
		tt_expect_within(t, TT_S - 2 * TT_MS, TT_S + TT_MS, "A", 0, 1, 0);
	}
	tt_in(t, "A", 1, 1, 0);
	zs_tcp_opts(t->c->tcb)->keep_idle_ms = 5000;
	zs_tcp_opts_changed(t->s, t->c->tcb);
	tt_expect_within(t, 5 * TT_S - TT_MS, 5 * TT_S + TT_MS, "A", 0, 1, 0);
	tt_in(t, "A", 1, 1, 0);
	zs_tcp_opts(t->c->tcb)->keep_idle_ms = 20000;
	zs_tcp_opts_changed(t->s, t->c->tcb);
	tt_expect_within(t, 20ull * TT_S - TT_MS, 20ull * TT_S + TT_MS, "A", 0, 1, 0);
}

/* RFC 1122 4.2.3.6: the peer's probes, with no byte or one byte of garbage, are answered. */
static void peers_probes(struct tt *t)
{
	tt_connect_passive(t);
	tt_in(t, "A", 1, 1, 10);
	tt_expect(t, "A", 1, 11, 0);
	tt_read(t, 10);
	tt_in(t, "A", 10, 1, 0);
	tt_expect(t, "A", 1, 11, 0);
	tt_in(t, "A", 10, 1, 1, .junk = 1);
	tt_expect(t, "A", 1, 11, 0);
	assert_int_equal(zs_tcp_readable(t->c->tcb), 0);
}

/* Accepted connections inherit it from the listener. */
/* tcp(7): TCP_USER_TIMEOUT says when, in place of the number of probes; but one is sent. */
static void user_timeout(struct tt *t)
{
	tt_connect_passive(t);
	turn_on(t);
	zs_tcp_opts(t->c->tcb)->user_timeout_ms = 13000;
	tt_expect_within(t, 10ull * TT_S - TT_MS, 10ull * TT_S + TT_MS, "A", 0, 1, 0);
	tt_expect_within(t, 2 * TT_S - TT_MS, 2 * TT_S + TT_MS, "A", 0, 1, 0);
	tt_expect_within(t, TT_S - TT_MS, TT_S + TT_MS, "RA", 1, 1, 0);
	assert_int_equal(tt_take_error(t), ETIMEDOUT);
}

static void long_user_timeout(struct tt *t)
{
	tt_connect_passive(t);
	turn_on(t);
	zs_tcp_opts(t->c->tcb)->user_timeout_ms = 60000;
	for (unsigned i = 0; i < 25; i++) {
		tt_advance(t, i == 0 ? 10 * TT_S + TT_MS : 2 * TT_S);
		tt_expect(t, "A", 0, 1, 0);
	}
	tt_expect_within(t, 2 * TT_S - 2 * TT_MS, 2 * TT_S + TT_MS, "RA", 1, 1, 0);
	assert_int_equal(tt_take_error(t), ETIMEDOUT);
}

/* Also where there were more probes than a byte counts. */
static void very_long_user_timeout(struct tt *t)
{
	tt_connect_passive(t);
	turn_on(t);
	zs_tcp_opts(t->c->tcb)->user_timeout_ms = 521000;
	for (unsigned i = 0; i < 256; i++) {
		tt_advance(t, i == 0 ? 10 * TT_S + TT_MS : 2 * TT_S);
		tt_expect(t, "A", 0, 1, 0);
	}
	tt_expect_within(t, TT_S - 2 * TT_MS, TT_S + TT_MS, "RA", 1, 1, 0);
	assert_int_equal(tt_take_error(t), ETIMEDOUT);
}

static void inherited(struct tt *t)
{
	tt_listen(t, 1);
	t->listener->opts.keepalive = true;
	t->listener->opts.keep_idle_ms = 3000;
	tt_connect_passive(t);
	tt_expect_within(t, 2900 * TT_MS, 3100 * TT_MS, "A", 0, 1, 0);
	tt_in(t, "A", 1, 1, 0);
}

static const struct CMUnitTest tests[] = {
	TT(off_by_default),
	TT(probe_and_answer),
	TT(default_idle_is_two_hours),
	TT(unanswered),
	TT(answered_by_rst),
	TT(traffic_defers),
	TT(not_with_data_in_flight),
	TT(not_with_data_waiting),
	TT(data_after_probes),
	TT(turned_off),
	TT(in_close_wait),
	TT(not_in_time_wait),
	TT(other_options),
	TT(peers_probes),
	TT(user_timeout),
	TT(long_user_timeout),
	TT(very_long_user_timeout),
	TT(inherited),
};

ZS_TEST_MAIN(tests)
