/* SPDX-License-Identifier: BSD-3-Clause */
/* TIME-WAIT: RFC 9293 3.6.1, 3.10.7.4; RFC 1337; new connections out of it (RFC 1122 4.2.2.13, RFC
 * 6191). */
#include <errno.h>

#include "base/zs_seq.h"
#include "tests/zs_test.h"
#include "tt.h"

static void use_ts(struct zs_config *cfg)
{
	cfg->use_ts = true;
}

/* RFC 1337: RST is ignored, whatever it says: TIME-WAIT lasts. */
static void rst_ignored(struct tt *t)
{
	tt_enter(t, ZS_TIME_WAIT);
	tt_in(t, "R", 2, 0, 0);
	tt_in(t, "RA", 2, 2, 0);
	tt_in(t, "R", 3, 0, 0);
	tt_in(t, "R", 1, 0, 0);
	tt_expect_none(t);
	tt_expect_state(t, ZS_TIME_WAIT);
	tt_expect_quiet(t, 59 * TT_S);
	tt_expect_state(t, ZS_TIME_WAIT);
}

/* An acceptable pure ACK at RCV.NXT says nothing new. */
static void pure_ack(struct tt *t)
{
	tt_enter(t, ZS_TIME_WAIT);
	tt_in(t, "A", 2, 2, 0);
	tt_expect_none(t);
	tt_expect_state(t, ZS_TIME_WAIT);
}

/* Unacceptable: <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>. */
static void old_segment(struct tt *t)
{
	tt_enter(t, ZS_TIME_WAIT);
	tt_in(t, "A", 1, 2, 0);
	tt_expect(t, "A", 2, 2, 0);
	tt_in(t, "PA", (uint32_t)-100, 1, 50);
	tt_expect(t, "A", 2, 2, 0);
	tt_in(t, "A", 0x40000000, 2, 10);
	tt_expect(t, "A", 2, 2, 0);
	tt_expect_state(t, ZS_TIME_WAIT);
}

/* RFC 9293 3.10.7.4, fifth: the only thing that can arrive is the FIN again: ACK it, restart the 2
 * MSL. */
static void repeated_fin(struct tt *t)
{
	tt_enter(t, ZS_TIME_WAIT);
	tt_advance(t, 40 * TT_S);
	tt_in(t, "FA", 1, 2, 0);
	tt_expect(t, "A", 2, 2, 0);
	tt_expect_quiet(t, 40 * TT_S);
	tt_expect_state(t, ZS_TIME_WAIT);
	tt_expect_quiet(t, 21 * TT_S);
	tt_expect_state(t, ZS_CLOSED);
}

/* Neither ACK nor SYN nor RST: dropped when it would be acceptable (RFC 9293 3.10.7.4, fifth). */
static void no_ack_bit(struct tt *t)
{
	tt_enter(t, ZS_TIME_WAIT);
	tt_in(t, "F", 2, 0, 0);
	tt_in(t, "", 2, 0, 10);
	tt_expect_none(t);
	tt_expect_state(t, ZS_TIME_WAIT);
}

/* RFC 1122 4.2.2.13: a SYN beyond RCV.NXT opens a new connection, with an ISS above the old
 * numbers. */
static void new_connection(struct tt *t)
{
	uint32_t old;

	tt_enter(t, ZS_TIME_WAIT);
	old = t->c->iss + 2;
	tt_in(t, "S", 1000, 0, 0, .opt = "mss 1460");
	tt_expect(t, "SA", 0, 1001, 0);
	assert_true(zs_seq_gt(t->c->iss, old));
	assert_int_equal(tt_counts(t).time_wait, 0);
	assert_int_equal(tt_counts(t).half_open, 1);
	zs_tcp_abort(t->s, t->c->tcb);
	t->c->tcb = NULL;
	tt_in(t, "A", 1001, 1, 0);
	tt_expect_none(t);
	tt_accept(t);
	tt_expect_state(t, ZS_ESTABLISHED);
}

enum { BYTES = 7 * 10 * 1460 };

/* Our numbers went further than those of a clock would have meanwhile. Returns the last. */
static uint32_t enter_after_much(struct tt *t)
{
	tt_connect_passive(t);
	for (uint32_t sent = 0; sent < BYTES; sent += BYTES / 7) {
		tt_send(t, BYTES / 7);
		tt_drain(t);
		tt_in(t, "A", 1, 1 + sent + BYTES / 7, 0);
	}
	tt_close(t);
	tt_expect(t, "FA", BYTES + 1, 1, 0);
	tt_in(t, "FA", 1, BYTES + 2, 0);
	tt_expect(t, "A", BYTES + 2, 2, 0);
	return t->c->iss + BYTES + 1;
}

/* The accept queue is full: nothing is given up for a SYN that is not taken. */
static void new_syn_is_refused(struct tt *t)
{
	uint32_t last;

	tt_listen(t, 1);
	last = enter_after_much(t);
	tt_use(t, 1);
	tt_in(t, "S", 0, 0, 0);
	tt_expect(t, "SA", 0, 1, 0);
	tt_in(t, "A", 1, 1, 0);
	tt_use(t, 0);
	tt_in(t, "S", 1000, 0, 0, .opt = "mss 1460");
	tt_expect_none(t);
	assert_int_equal(tt_drops(t, ZS_DROP_TCP_ACCEPT_FULL), 1);
	assert_int_equal(tt_counts(t).time_wait, 1);
	tt_use(t, 1);
	tt_accept(t);
	tt_use(t, 0);
	tt_in(t, "S", 1000, 0, 0, .opt = "mss 1460");
	tt_expect(t, "SA", 0, 1001, 0);
	assert_true(zs_seq_gt(t->c->iss, last));
}

static void one_half_open(struct zs_config *cfg)
{
	cfg->max_half_open = 1;
}

/* A cookie's number is not beyond the old ones. */
static void no_cookie(struct tt *t)
{
	tt_enter(t, ZS_TIME_WAIT);
	tt_use(t, 1);
	tt_in(t, "S", 0, 0, 0);
	tt_expect(t, "SA", 0, 1, 0);
	tt_use(t, 0);
	tt_in(t, "S", 1000, 0, 0, .opt = "mss 1460");
	tt_expect_none(t);
	assert_int_equal(tt_drops(t, ZS_DROP_TCP_SYN_FULL), 1);
	tt_expect_state(t, ZS_TIME_WAIT);
}

/* A SYN that is not beyond what was received may be an old one: ACK, stays. */
static void old_syn(struct tt *t)
{
	tt_enter(t, ZS_TIME_WAIT);
	tt_in(t, "S", 0, 0, 0, .opt = "mss 1460");
	tt_expect(t, "A", 2, 2, 0);
	tt_in(t, "S", 1, 0, 0, .opt = "mss 1460");
	tt_expect(t, "A", 2, 2, 0);
	tt_in(t, "S", 0x90000000, 0, 0, .opt = "mss 1460");
	tt_expect(t, "A", 2, 2, 0);
	tt_expect_state(t, ZS_TIME_WAIT);
}

static void enter_with_ts(struct tt *t, uint32_t tsval)
{
	tt_listen(t, 4);
	tt_in(t, "S", 0, 0, 0, .opt = "mss 1460,sackOK,ts", .tsval = tsval);
	tt_expect(t, "SA", 0, 1, 0);
	t->c->ts = true;
	tt_in(t, "A", 1, 1, 0, .tsval = tsval);
	tt_accept(t);
	tt_close(t);
	tt_expect(t, "FA", 1, 1, 0);
	tt_in(t, "FA", 1, 2, 0, .tsval = tsval);
	tt_expect(t, "A", 2, 2, 0, .tsecr = tsval);
	tt_expect_state(t, ZS_TIME_WAIT);
}

/* RFC 6191 3: a later timestamp is as good as a higher sequence number. */
static void new_connection_by_timestamp(struct tt *t)
{
	enter_with_ts(t, 5000);
	tt_in(t, "S", (uint32_t)-100000, 0, 0, .opt = "mss 1460,sackOK,ts", .tsval = 5001);
	tt_expect(t, "SA", 0, (uint32_t)-99999, 0);
}

/* RFC 6191 3, RFC 7323 5: an older timestamp is not, even with a higher sequence number. */
static void old_syn_by_timestamp(struct tt *t)
{
	enter_with_ts(t, 5000);
	tt_in(t, "S", 100000, 0, 0, .opt = "mss 1460,sackOK,ts", .tsval = 4999);
	tt_expect(t, "A", 2, 2, 0);
	tt_expect_state(t, ZS_TIME_WAIT);
}

/* RFC 7323 4.3, RFC 6191 2: the last timestamp is that of the last segment, be it the FIN again. */
static void last_timestamp(struct tt *t)
{
	enter_with_ts(t, 5000);
	tt_in(t, "FA", 1, 2, 0, .tsval = 7000);
	tt_expect(t, "A", 2, 2, 0, .tsecr = 7000);
	tt_in(t, "A", 2, 2, 0, .tsval = 8000);
	tt_expect_none(t);
	tt_in(t, "FA", 1, 2, 0, .tsval = 6000);
	tt_expect(t, "A", 2, 2, 0, .tsecr = 8000);
	tt_in(t, "A", 100000, 2, 0, .tsval = 9000); /* not acceptable */
	tt_expect(t, "A", 2, 2, 0, .tsecr = 8000);
	tt_in(t, "FA", 1, 100, 0, .tsval = 9000); /* of the unsent */
	tt_expect(t, "A", 2, 2, 0, .tsecr = 8000);
	tt_in(t, "S", 100000, 0, 0, .opt = "mss 1460,sackOK,ts", .tsval = 7500);
	tt_expect(t, "A", 2, 2, 0);
	tt_in(t, "S", 100000, 0, 0, .opt = "mss 1460,sackOK,ts", .tsval = 8001);
	tt_expect(t, "SA", 0, 100001, 0);
}

/* Timestamps go on: the echo is of TS.Recent, our clock is the connection's. */
static void timestamps_in_time_wait(struct tt *t)
{
	uint32_t last;

	enter_with_ts(t, 5000);
	last = t->c->tsecr;
	tt_advance(t, 5 * TT_S);
	tt_in(t, "FA", 1, 2, 0, .tsval = 5000);
	tt_expect(t, "A", 2, 2, 0, .opt = "nop,nop,ts", .tsecr = 5000);
	assert_in_range(t->c->tsecr - last, 4999, 5001);
}

/* Nobody listens any more: the SYN is refused, TIME-WAIT notwithstanding, or answered as an old
 * one. */
static void new_syn_without_listener(struct tt *t)
{
	const struct tt_out *o;

	tt_enter(t, ZS_TIME_WAIT);
	zs_tcp_listener_close(t->s, t->listener);
	t->listener = NULL;
	tt_in(t, "S", 1000, 0, 0, .opt = "mss 1460");
	assert_int_equal(tt_pending(t), 1);
	o = tt_next(t);
	assert_true(o->flags & (ZS_RST | ZS_ACK));
	assert_false(o->flags & ZS_SYN);
}

/* After 2 MSL nothing is known any more. */
static void after_expiry(struct tt *t)
{
	tt_enter(t, ZS_TIME_WAIT);
	tt_advance(t, 61 * TT_S);
	tt_expect_state(t, ZS_CLOSED);
	tt_in(t, "FA", 1, 2, 0);
	tt_expect(t, "R", 2, 0, 0);
}

/* An active open over the old connection: its numbers begin beyond the old ones (RFC
 * 1122 4.2.2.13). */
static void active_reuse(struct tt *t)
{
	struct zs_addr any = zs_addr_ip4(0);
	uint32_t old;

	tt_open(t);
	assert_int_equal(zs_tcp_bind(t->s, t->c->tcb, &any, 5555), 0);
	tt_connect_active(t);
	old = t->c->iss;
	tt_close(t);
	tt_expect(t, "FA", 1, 1, 0);
	tt_in(t, "FA", 1, 2, 0);
	tt_expect(t, "A", 2, 2, 0);
	tt_expect_state(t, ZS_TIME_WAIT);
	tt_open(t);
	assert_int_equal(zs_tcp_bind(t->s, t->c->tcb, &any, 5555), 0);
	assert_int_equal(tt_connect(t), 0);
	tt_expect(t, "S", 0, 0, 0);
	assert_true(zs_seq_gt(t->c->iss, old + 2));
	assert_int_equal(tt_counts(t).time_wait, 0);
	tt_in(t, "SA", 0, 1, 0);
	tt_expect(t, "A", 1, 1, 0);
}

/* A port chosen by the stack is never one in TIME-WAIT to the same peer. */
static void few_ports(struct zs_config *cfg)
{
	cfg->ip_local_port_lo = 40000;
	cfg->ip_local_port_hi = 40001;
}

static void ephemeral_avoids(struct tt *t)
{
	uint16_t first;

	tt_connect_active(t);
	first = t->c->port;
	tt_close(t);
	tt_expect(t, "FA", 1, 1, 0);
	tt_in(t, "FA", 1, 2, 0);
	tt_expect(t, "A", 2, 2, 0);
	assert_int_equal(tt_connect(t), 0);
	tt_expect(t, "S", 0, 0, 0);
	assert_int_not_equal(t->c->port, first);
	tt_use(t, 1);
	t->c->peer_port = t->conn[0].peer_port;
	assert_int_equal(tt_connect(t), -EADDRNOTAVAIL);
	assert_int_equal(tt_counts(t).time_wait, 1);
}

static void tiny_table(struct zs_config *cfg)
{
	cfg->max_time_wait = 4;
}

/* The table is full: the oldest entry goes, closing always works. */
static void full_table(struct tt *t)
{
	for (unsigned i = 0; i < 8; i++) {
		tt_use(t, i);
		tt_connect_passive(t);
		tt_close(t);
		tt_expect(t, "FA", 1, 1, 0);
		tt_in(t, "FA", 1, 2, 0);
		tt_expect(t, "A", 2, 2, 0);
	}
	assert_int_equal(tt_counts(t).time_wait, 4);
	assert_int_equal(tt_counts(t).tcbs, 0);
	tt_use(t, 7);
	tt_in(t, "FA", 1, 2, 0);
	tt_expect(t, "A", 2, 2, 0);
	tt_use(t, 0);
	tt_in(t, "FA", 1, 2, 0);
	tt_expect(t, "R", 2, 0, 0);
}

static void short_msl(struct zs_config *cfg)
{
	cfg->msl_us = 500 * TT_MS;
}

static void msl_is_configured(struct tt *t)
{
	tt_enter(t, ZS_TIME_WAIT);
	tt_advance(t, 900 * TT_MS);
	tt_expect_state(t, ZS_TIME_WAIT);
	tt_advance(t, 200 * TT_MS);
	tt_expect_state(t, ZS_CLOSED);
}

/* The port can be used by a new listener and by connections to other peers meanwhile. */
static void port_is_not_blocked(struct tt *t)
{
	tt_enter(t, ZS_TIME_WAIT);
	zs_tcp_listener_close(t->s, t->listener);
	tt_listen(t, 4);
	tt_use(t, 1);
	tt_connect_passive(t);
}

static const struct CMUnitTest tests[] = {
	TT(rst_ignored),
	TT(pure_ack),
	TT(old_segment),
	TT(repeated_fin),
	TT(no_ack_bit),
	TT(new_connection),
	TT(new_syn_is_refused),
	TT_CFG(no_cookie, one_half_open),
	TT(old_syn),
	TT_CFG(new_connection_by_timestamp, use_ts),
	TT_CFG(old_syn_by_timestamp, use_ts),
	TT_CFG(last_timestamp, use_ts),
	TT_CFG(timestamps_in_time_wait, use_ts),
	TT(new_syn_without_listener),
	TT(after_expiry),
	TT(active_reuse),
	TT_CFG(ephemeral_avoids, few_ports),
	TT_CFG(full_table, tiny_table),
	TT_CFG(msl_is_configured, short_msl),
	TT(port_is_not_blocked),
};

ZS_TEST_MAIN(tests)
