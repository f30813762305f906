/* SPDX-License-Identifier: BSD-3-Clause */
/* Closing connections: RFC 9293 3.6, 3.10.4, 3.10.5, figure 12 and 13; RFC 1122 4.2.2.13; half
 * close. */
#include <errno.h>

#include "core/zs_ep.h"
#include "tests/zs_test.h"
#include "tt.h"

/* RFC 9293 3.6 case 1. */
static void active_close(struct tt *t)
{
	tt_connect_passive(t);
	tt_close(t);
	tt_expect(t, "FA", 1, 1, 0);
	tt_expect_state(t, ZS_FIN_WAIT_1);
	tt_in(t, "A", 1, 2, 0);
	tt_expect_none(t);
	tt_expect_state(t, ZS_FIN_WAIT_2);
	tt_in(t, "FA", 1, 2, 0);
	tt_expect(t, "A", 2, 2, 0);
	tt_expect_state(t, ZS_TIME_WAIT);
	assert_int_equal(tt_counts(t).tcbs, 0); /* compact entry */
	tt_expect_quiet(t, 59 * TT_S);
	tt_expect_state(t, ZS_TIME_WAIT);
	tt_expect_quiet(t, 2 * TT_S); /* 2 MSL */
	tt_expect_state(t, ZS_CLOSED);
}

/* RFC 9293 3.6 case 2. FIN is acknowledged at once. */
static void passive_close(struct tt *t)
{
	tt_connect_passive(t);
	tt_in(t, "FA", 1, 1, 0);
	tt_expect(t, "A", 1, 2, 0);
	tt_expect_state(t, ZS_CLOSE_WAIT);
	assert_true(tt_take_events(t) & ZS_EV_RDHUP);
	assert_true(zs_tcp_fin_received(t->c->tcb));
	assert_null(zs_tcp_recv(t->s, t->c->tcb, 100));
	assert_int_equal(tt_take_error(t), 0);
	tt_expect_quiet(t, 10 * TT_S);
	tt_close(t);
	tt_expect(t, "FA", 1, 2, 0);
	tt_expect_state(t, ZS_LAST_ACK);
	tt_in(t, "A", 2, 2, 0);
	tt_expect_none(t);
	tt_expect_state(t, ZS_CLOSED);
	assert_int_equal(tt_counts(t).tcbs, 0);
}

/* RFC 9293 3.6 case 3, figure 13. The peer's FIN is answered by a pure ACK; our FIN is not
 * repeated. */
static void simultaneous_close(struct tt *t)
{
	tt_connect_passive(t);
	tt_close(t);
	tt_expect(t, "FA", 1, 1, 0);
	tt_in(t, "FA", 1, 1, 0);
	tt_expect(t, "A", 2, 2, 0);
	tt_expect_state(t, ZS_CLOSING);
	tt_in(t, "A", 2, 2, 0);
	tt_expect_none(t);
	tt_expect_state(t, ZS_TIME_WAIT);
}

/* RFC 9293 3.10.7.4, eighth: FIN that acknowledges ours. */
static void fin_wait_1_to_time_wait(struct tt *t)
{
	tt_connect_passive(t);
	tt_close(t);
	tt_expect(t, "FA", 1, 1, 0);
	tt_in(t, "FA", 1, 2, 0);
	tt_expect(t, "A", 2, 2, 0);
	tt_expect_state(t, ZS_TIME_WAIT);
}

/* RFC 9293 3.6: the side that closed goes on receiving. */
static void half_close(struct tt *t)
{
	tt_connect_passive(t);
	tt_shutdown(t, ZS_SHUT_WR);
	tt_expect(t, "FA", 1, 1, 0);
	tt_in(t, "A", 1, 2, 100);
	tt_expect(t, "A", 2, 101, 0);
	tt_expect_state(t, ZS_FIN_WAIT_2);
	tt_read(t, 100);
	tt_advance(t, 200 * TT_S); /* no time limit: the application still holds it */
	tt_in(t, "FA", 101, 2, 50);
	tt_expect(t, "A", 2, 152, 0);
	tt_expect_state(t, ZS_TIME_WAIT);
	tt_read(t, 50);
	assert_true(zs_tcp_fin_received(t->c->tcb));
	assert_int_equal(tt_take_error(t), 0);
	tt_close(t);
	tt_expect_none(t);
}

static void send_in_close_wait(struct tt *t)
{
	tt_enter(t, ZS_CLOSE_WAIT);
	tt_send(t, 500);
	tt_expect(t, "PA", 1, 2, 500);
	tt_in(t, "A", 2, 501, 0);
	tt_close(t);
	tt_expect(t, "FA", 501, 2, 0);
	tt_in(t, "A", 2, 502, 0);
	tt_expect_state(t, ZS_CLOSED);
}

static void reads_until_fin(struct tt *t, uint32_t from, uint32_t end)
{
	const struct tt_out *o;
	bool fin = false;

	while ((o = tt_next(t)) != NULL) {
		assert_int_equal(tt_seq(t, o), from);
		assert_false(fin);
		from += o->len;
		fin = (o->flags & ZS_FIN) != 0;
	}
	assert_int_equal(from, end);
	assert_true(fin);
}

/* RFC 9293 3.10.4: FIN follows all that was queued, here as the window opens step by step. */
static void close_with_window_full(struct tt *t)
{
	tt_connect_passive(t, .wnd = 2920);
	tt_send(t, 7000);
	tt_expect(t, "A", 1, 1, 1460);
	tt_expect(t, "A", 1461, 1, 1460);
	tt_close(t);
	tt_expect_none(t);
	tt_in(t, "A", 1, 2921, 0);
	tt_expect(t, "A", 2921, 1, 1460);
	tt_expect(t, "A", 4381, 1, 1460);
	tt_expect_none(t);
	tt_in(t, "A", 1, 5841, 0);
	reads_until_fin(t, 5841, 7001);
	tt_in(t, "A", 1, 7002, 0);
	tt_expect_state(t, ZS_FIN_WAIT_2);
}

/* FIN rides on the last data segment. */
static void fin_with_data(struct tt *t)
{
	tt_connect_passive(t);
	assert_int_equal(tt_send_more(t, 100, ZS_SEND_MORE), 100);
	tt_drain(t);
	tt_close(t);
	tt_expect(t, "FPA", 1, 1, 100);
	tt_in(t, "A", 1, 102, 0);
	tt_expect_state(t, ZS_FIN_WAIT_2);
}

/* RFC 1122 4.2.2.13: data was lost for the application: RST. */
static void close_with_unread_data(struct tt *t)
{
	tt_connect_passive(t);
	tt_in(t, "A", 1, 1, 100);
	tt_expect(t, "A", 1, 101, 0);
	tt_close(t);
	tt_expect(t, "RA", 1, 101, 0);
	tt_expect_state(t, ZS_CLOSED);
	assert_int_equal(tt_counts(t).tcbs, 0);
}

/* RFC 1122 4.2.2.13: data that arrives after close() cannot be delivered: RST. */
static void data_after_close(struct tt *t)
{
	tt_connect_passive(t);
	tt_close(t);
	tt_expect(t, "FA", 1, 1, 0);
	tt_in(t, "A", 1, 2, 0);
	tt_in(t, "A", 1, 2, 100);
	tt_expect(t, "R", 2, 0, 0);
	tt_expect_none(t);
	tt_expect_state(t, ZS_CLOSED);
	assert_int_equal(tt_drops(t, ZS_DROP_TCP_CLOSED), 1);
}

static void data_after_close_fin_wait_1(struct tt *t)
{
	tt_connect_passive(t);
	tt_close(t);
	tt_expect(t, "FA", 1, 1, 0);
	tt_in(t, "A", 1, 1, 100);
	tt_expect(t, "R", 1, 0,
		  0); /* where the peer awaits our next byte: it has not seen our FIN */
	tt_expect_none(t);
	tt_expect_state(t, ZS_CLOSED);
}

/* shutdown(RD): what comes is acknowledged, and can still be read. */
static void data_after_shutdown_rd(struct tt *t)
{
	tt_connect_passive(t);
	tt_shutdown(t, ZS_SHUT_RD);
	tt_expect_none(t);
	tt_in(t, "A", 1, 1, 100);
	tt_expect(t, "A", 1, 101, 0);
	tt_read(t, 100);
	tt_send(t, 10);
	tt_expect(t, "PA", 1, 101, 10);
	tt_in(t, "A", 201, 11, 100);
	tt_expect(t, "A", 11, 101, 0);
	tt_in(t, "A", 101, 11, 100);
	tt_expect(t, "A", 11, 301, 0);
	tt_read(t, 200);
	tt_in(t, "FA", 301, 11, 0);
	tt_expect(t, "A", 11, 302, 0);
	tt_expect_state(t, ZS_CLOSE_WAIT);
}

/* Unless nobody reads: the window does not close, and so much memory is not kept. */
static void nobody_reads_after_shutdown_rd(struct tt *t)
{
	uint32_t seq = 1, most = 0;

	tt_connect_passive(t);
	tt_shutdown(t, ZS_SHUT_RD);
	for (unsigned i = 0; i < 2000; i++, seq += 1460) {
		tt_in(t, "A", seq, 1, 1460);
		most = RTE_MAX(most, zs_tcp_readable(t->c->tcb));
		tt_drain(t);
		assert_true(tt_info(t).rcv_wnd > 10 * 1460);
	}
	assert_in_range(most, 1460, 512 * 1024);
	assert_int_equal(zs_tcp_readable(t->c->tcb), 0);
	tt_in(t, "A", seq + 1460, 1, 1460); /* behind a gap, likewise */
	tt_in(t, "A", seq, 1, 1460);
	tt_drain(t);
	assert_int_equal(zs_tcp_readable(t->c->tcb), 0);
	tt_in(t, "FA", seq + 2920, 1, 0);
	tt_expect(t, "A", 1, seq + 2921, 0);
	tt_expect_state(t, ZS_CLOSE_WAIT);
}

/* What is queued can be read, or not: then the application has said that it does not want it, and
 * nothing is lost that the peer had to know of. */
static void shutdown_rd_keeps_queued(struct tt *t)
{
	tt_connect_passive(t);
	tt_in(t, "A", 1, 1, 100);
	tt_expect(t, "A", 1, 101, 0);
	tt_shutdown(t, ZS_SHUT_RD);
	tt_drain(t);
	assert_int_equal(zs_tcp_readable(t->c->tcb), 100);
	tt_close(t);
	tt_expect(t, "FA", 1, 101, 0);
}

static void shutdown_both_with_unsent(struct tt *t)
{
	tt_connect_passive(t, .wnd = 1460);
	tt_send(t, 2920);
	tt_expect(t, "A", 1, 1, 1460);
	tt_shutdown(t, ZS_SHUT_RD | ZS_SHUT_WR);
	tt_expect_none(t);
	assert_int_equal(tt_send_more(t, 10, 0), -EPIPE);
	tt_in(t, "A", 1, 1461, 0);
	reads_until_fin(t, 1461, 2921);
}

static void shutdown_twice(struct tt *t)
{
	tt_connect_passive(t);
	tt_shutdown(t, ZS_SHUT_WR);
	tt_expect(t, "FA", 1, 1, 0);
	tt_shutdown(t, ZS_SHUT_WR);
	tt_expect_none(t);
	assert_int_equal(tt_send_more(t, 1, 0), -EPIPE);
	tt_in(t, "A", 1, 2, 0);
	tt_expect_state(t, ZS_FIN_WAIT_2);
}

static void shutdown_not_connected(struct tt *t)
{
	tt_open(t);
	assert_int_equal(zs_tcp_shutdown(t->s, t->c->tcb, ZS_SHUT_WR), -ENOTCONN);
	assert_int_equal(tt_send_more(t, 1, 0), -ENOTCONN);
}

/* RFC 6298 5: FIN is retransmitted like data. */
static void fin_lost(struct tt *t)
{
	tt_connect_passive(t, .opt = "mss 1460", .rtt_us = 100 * TT_MS);
	tt_close(t);
	tt_expect(t, "FA", 1, 1, 0);
	tt_expect_after(t, 300 * TT_MS, "FA", 1, 1, 0);
	tt_expect_after(t, 600 * TT_MS, "FA", 1, 1, 0);
	tt_in(t, "A", 1, 2, 0);
	tt_expect_state(t, ZS_FIN_WAIT_2);
	tt_expect_quiet(t, 10 * TT_S);
}

static void few_retries(struct zs_config *cfg)
{
	cfg->data_retries = 3;
}

/* Nobody answers the FIN of an orphan: it goes away by itself. */
static void fin_never_answered(struct tt *t)
{
	tt_connect_passive(t, .opt = "mss 1460", .rtt_us = 100 * TT_MS);
	tt_close(t);
	tt_expect(t, "FA", 1, 1, 0);
	for (unsigned i = 0; i < 3; i++)
		tt_expect_after(t, 300 * TT_MS << i, "FA", 1, 1, 0);
	tt_advance(t, 300 * TT_MS << 3 << 1);
	tt_drain(t);
	assert_int_equal(tt_counts(t).tcbs, 0);
}

static void last_ack_fin_lost(struct tt *t)
{
	tt_connect_passive(t, .opt = "mss 1460", .rtt_us = 100 * TT_MS);
	tt_in(t, "FA", 1, 1, 0);
	tt_expect(t, "A", 1, 2, 0);
	tt_close(t);
	tt_expect(t, "FA", 1, 2, 0);
	tt_expect_after(t, 300 * TT_MS, "FA", 1, 2, 0);
	tt_in(t, "FA", 1, 1, 0); /* the peer's FIN again: our ACK was lost too */
	assert_true(tt_pending(t) >= 1);
	tt_drain(t);
	tt_in(t, "A", 2, 2, 0);
	tt_expect_state(t, ZS_CLOSED);
}

/* An orphan does not wait for ever for the peer's FIN. */
static void fin_wait_2_timeout(struct tt *t)
{
	tt_connect_passive(t);
	tt_close(t);
	tt_expect(t, "FA", 1, 1, 0);
	tt_in(t, "A", 1, 2, 0);
	tt_expect_quiet(t, 59 * TT_S);
	tt_expect_state(t, ZS_FIN_WAIT_2);
	tt_advance(t, 2 * TT_S);
	tt_drain(t);
	tt_expect_state(t, ZS_CLOSED);
	tt_in(t, "FA", 1, 2, 0);
	tt_drain(t);
}

/* Closing what was half-closed starts the same limit. */
static void fin_wait_2_timeout_after_shutdown(struct tt *t)
{
	tt_enter(t, ZS_FIN_WAIT_2);
	tt_advance(t, 300 * TT_S);
	tt_expect_state(t, ZS_FIN_WAIT_2);
	tt_close(t);
	tt_expect_none(t);
	tt_advance(t, 61 * TT_S);
	tt_drain(t);
	tt_expect_state(t, ZS_CLOSED);
}

/* RFC 9293 3.10.5: ABORT sends RST in every state where the peer knows of us. */
static void abort_sends_rst(struct tt *t)
{
	static const struct {
		enum zs_tcp_state st;
		uint32_t seq, ack;
	} rows[] = {
		{ ZS_ESTABLISHED, 1, 1 },
		{ ZS_CLOSE_WAIT, 1, 2 },
		{ ZS_FIN_WAIT_1, 2, 1 },
		{ ZS_FIN_WAIT_2, 2, 1 },
	};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		tt_use(t, i);
		tt_enter(t, rows[i].st);
		tt_abort(t);
		tt_expect(t, "RA", rows[i].seq, rows[i].ack, 0);
		tt_expect_none(t);
		tt_expect_state(t, ZS_CLOSED);
	}
}

/* RFC 9293 3.10.5: CLOSING, LAST-ACK, TIME-WAIT just go. */
static void abort_is_silent(struct tt *t)
{
	static const enum zs_tcp_state st[] = { ZS_CLOSING, ZS_LAST_ACK, ZS_TIME_WAIT };

	for (unsigned i = 0; i < sizeof(st) / sizeof(st[0]); i++) {
		tt_use(t, i);
		tt_enter(t, st[i]);
		tt_abort(t);
		tt_expect_none(t);
	}
	assert_int_equal(tt_counts(t).tcbs, 0);
}

static void abort_with_data(struct tt *t)
{
	tt_connect_passive(t, .wnd = 1000);
	tt_send(t, 3000);
	tt_drain(t);
	tt_abort(t);
	assert_int_equal(tt_pending(t), 1);
	tt_expect(t, "RA", 1001, 1, 0); /* SEG.SEQ = SND.NXT */
}

static void fin_with_data_received(struct tt *t)
{
	tt_connect_passive(t);
	tt_in(t, "FPA", 1, 1, 300);
	tt_expect(t, "A", 1, 302, 0);
	tt_expect_state(t, ZS_CLOSE_WAIT);
	assert_int_equal(tt_take_events(t) & (ZS_EV_READ | ZS_EV_RDHUP), ZS_EV_READ | ZS_EV_RDHUP);
	tt_read(t, 300);
	assert_true(zs_tcp_fin_received(t->c->tcb));
}

/* RFC 9293 3.10.7.4, first: old segments are answered by an ACK. */
static void repeated_fin(struct tt *t)
{
	tt_enter(t, ZS_CLOSE_WAIT);
	tt_in(t, "FA", 1, 1, 0);
	tt_expect(t, "A", 1, 2, 0);
	tt_expect_state(t, ZS_CLOSE_WAIT);
	assert_int_equal(zs_tcp_readable(t->c->tcb), 0);
}

/* Data beyond the FIN is nothing that this peer can have sent. */
static void data_beyond_fin(struct tt *t)
{
	tt_enter(t, ZS_CLOSE_WAIT);
	tt_in(t, "A", 2, 1, 100);
	assert_int_equal(zs_tcp_readable(t->c->tcb), 0);
	tt_drain(t);
	tt_close(t);
	tt_expect(t, "FA", 1, 2, 0);
}

/* A FIN acknowledged together with data that was still in flight. */
static void fin_acked_with_data(struct tt *t)
{
	tt_connect_passive(t);
	tt_send(t, 1000);
	tt_expect(t, "PA", 1, 1, 1000);
	tt_close(t);
	tt_expect(t, "FA", 1001, 1, 0);
	tt_in(t, "A", 1, 1001, 0);
	tt_expect_state(t, ZS_FIN_WAIT_1);
	tt_in(t, "A", 1, 1002, 0);
	tt_expect_state(t, ZS_FIN_WAIT_2);
}

static void send_after_reset(struct tt *t)
{
	tt_connect_passive(t);
	tt_in(t, "R", 1, 0, 0);
	tt_expect_state(t, ZS_CLOSED);
	assert_int_equal(tt_send_more(t, 1, 0), -EPIPE);
	assert_int_equal(tt_take_error(t), ECONNRESET);
	assert_int_equal(tt_take_error(t), 0);
	tt_close(t);
	tt_expect_none(t);
}

/* What was received before the reset can be read (Linux, FreeBSD: no; RFC 9293 3.10.7.4 flushes).
 */
static void reset_flushes(struct tt *t)
{
	tt_connect_passive(t);
	tt_in(t, "A", 1, 1, 100);
	tt_expect(t, "A", 1, 101, 0);
	tt_in(t, "R", 101, 0, 0);
	tt_expect_none(t);
	tt_expect_state(t, ZS_CLOSED);
	assert_true(tt_take_events(t) & ZS_EV_ERR);
	assert_int_equal(tt_take_error(t), ECONNRESET);
}

/* SO_ERROR stays 0 over an orderly end; the HUP event says that both directions are over. */
static void orderly_end_has_no_error(struct tt *t)
{
	tt_connect_passive(t);
	tt_shutdown(t, ZS_SHUT_WR);
	tt_expect(t, "FA", 1, 1, 0);
	tt_in(t, "FA", 1, 2, 0);
	tt_expect(t, "A", 2, 2, 0);
	assert_true(tt_take_events(t) & ZS_EV_RDHUP);
	assert_int_equal(tt_take_error(t), 0);
	tt_expect_quiet(t, 70 * TT_S);
	assert_int_equal(tt_take_error(t), 0);
	tt_expect_state(t, ZS_CLOSED);
}

static void last_ack_held_by_application(struct tt *t)
{
	tt_enter(t, ZS_LAST_ACK);
	tt_in(t, "A", 2, 2, 0);
	tt_expect_none(t);
	tt_expect_state(t, ZS_CLOSED);
	assert_int_equal(tt_take_error(t), 0);
	assert_true(tt_take_events(t) & ZS_EV_HUP);
}

static void use_ts(struct zs_config *cfg)
{
	cfg->use_ts = true;
}

/* RFC 7323 3.2: the RST of an abort and the FIN carry current timestamps. */
static void timestamps_of_fin_and_rst(struct tt *t)
{
	const struct tt_out *o;
	uint32_t fin_ts;

	tt_connect_passive(t, .opt = "mss 1460,sackOK,ts");
	tt_advance(t, 500 * TT_MS);
	tt_shutdown(t, ZS_SHUT_WR);
	o = tt_next(t);
	assert_true(o->has_ts);
	fin_ts = o->tsval;
	tt_in(t, "A", 1, 2, 0);
	tt_advance(t, 500 * TT_MS);
	tt_abort(t);
	o = tt_next(t);
	assert_true(o->flags & ZS_RST);
	assert_true(o->has_ts);
	assert_int_equal(o->tsval - fin_ts, 500);
}

/* A peer's first number may be any: it has been there all the same. */
static void peer_began_with_0(struct tt *t)
{
	struct zs_addr peer = tt_addr(tt_ends.peer_ip);

	t->c->peer_isn = 0;
	tt_connect_passive(t);
	tt_in(t, "R", 1, 0, 0);
	tt_expect_state(t, ZS_CLOSED);
	assert_true(zs_tcp_has_met(t->c->tcb));
	assert_int_equal(zs_tcp_connect(t->s, t->c->tcb, &peer, TT_PEER_PORT), -EISCONN);
	assert_int_equal(tt_take_error(t), ECONNRESET);
	assert_int_equal(tt_send_more(t, 1, 0), -EPIPE);
}

static const struct CMUnitTest tests[] = {
	TT(active_close),
	TT(passive_close),
	TT(simultaneous_close),
	TT(fin_wait_1_to_time_wait),
	TT(half_close),
	TT(send_in_close_wait),
	TT(close_with_window_full),
	TT(fin_with_data),
	TT(close_with_unread_data),
	TT(data_after_close),
	TT(data_after_close_fin_wait_1),
	TT(data_after_shutdown_rd),
	TT(nobody_reads_after_shutdown_rd),
	TT(shutdown_rd_keeps_queued),
	TT(shutdown_both_with_unsent),
	TT(shutdown_twice),
	TT(shutdown_not_connected),
	TT(fin_lost),
	TT_CFG(fin_never_answered, few_retries),
	TT(last_ack_fin_lost),
	TT(fin_wait_2_timeout),
	TT(fin_wait_2_timeout_after_shutdown),
	TT(abort_sends_rst),
	TT(abort_is_silent),
	TT(abort_with_data),
	TT(fin_with_data_received),
	TT(repeated_fin),
	TT(data_beyond_fin),
	TT(fin_acked_with_data),
	TT(send_after_reset),
	TT(reset_flushes),
	TT(orderly_end_has_no_error),
	TT(last_ack_held_by_application),
	TT_CFG(timestamps_of_fin_and_rst, use_ts),
	TT(peer_began_with_0),
};

ZS_TEST_MAIN(tests)
