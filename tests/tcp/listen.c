/* SPDX-License-Identifier: BSD-3-Clause */
/* Listeners: LISTEN and half-open entries (RFC 9293 3.10.7.2, 3.10.7.4), backlog, SYN-ACK
 * retransmission. */
#include <errno.h>

#include "core/zs_ep.h"
#include "tests/zs_test.h"
#include "tt.h"

/* RFC 6298: 1 s, doubled; five retransmissions; then the entry is forgotten. */
static void synack_retransmission(struct tt *t)
{
	uint64_t wait = TT_S;

	tt_enter(t, ZS_SYN_RCVD);
	for (unsigned i = 0; i < 5; i++, wait *= 2)
		tt_expect_within(t, wait - TT_MS, wait + 10 * TT_MS, "SA", 0, 1, 0,
				 .opt = "mss 1460,nop,nop,sackOK");
	tt_advance(t, wait - 100 * TT_MS);
	assert_int_equal(tt_counts(t).half_open, 1);
	tt_advance(t, 200 * TT_MS);
	tt_expect_none(t);
	assert_int_equal(tt_counts(t).half_open, 0);
	tt_in(t, "A", 1, 1, 0);
	tt_expect(t, "R", 1, 0, 0);
}

static void synack_retransmission_answered(struct tt *t)
{
	tt_enter(t, ZS_SYN_RCVD);
	tt_expect_within(t, 999 * TT_MS, 1010 * TT_MS, "SA", 0, 1, 0);
	tt_in(t, "A", 1, 1, 0);
	tt_accept(t);
	tt_expect_quiet(t, 10 * TT_S);
}

/* RFC 9293 3.10.7.2, first. */
static void listen_rst(struct tt *t)
{
	tt_listen(t, 1);
	tt_in(t, "R", 1, 0, 0);
	tt_in(t, "RA", 1, 1, 0);
	tt_expect_none(t);
	assert_int_equal(tt_counts(t).half_open, 0);
}

/* RFC 9293 3.10.7.2, second: any ACK: <SEQ=SEG.ACK><CTL=RST>. */
static void listen_ack(struct tt *t)
{
	tt_listen(t, 1);
	tt_in(t, "A", 1, 77, 0);
	tt_expect(t, "R", 77, 0, 0);
	tt_in(t, "FA", 1, 78, 0);
	tt_expect(t, "R", 78, 0, 0);
	tt_in(t, "SA", 1, 79, 0);
	tt_expect(t, "R", 79, 0, 0);
	tt_in(t, "PA", 1, 80, 100);
	tt_expect(t, "R", 80, 0, 0);
	assert_int_equal(tt_counts(t).half_open, 0);
}

/* RFC 9293 3.10.7.2, fourth: nothing that can be here: dropped. */
static void listen_other(struct tt *t)
{
	tt_listen(t, 1);
	tt_in(t, "F", 1, 0, 0);
	tt_in(t, "", 1, 0, 10);
	tt_in(t, "P", 1, 0, 10);
	tt_expect_none(t);
	assert_int_equal(tt_drops(t, ZS_DROP_TCP_STATE), 3);
}

/* SYN+FIN: nobody sends it in earnest (T/TCP is historic, RFC 6247): dropped. */
static void listen_syn_fin(struct tt *t)
{
	tt_listen(t, 1);
	tt_in(t, "SF", 0, 0, 0);
	tt_expect_none(t);
	assert_int_equal(tt_counts(t).half_open, 0);
}

/* RST wins over SYN (RFC 9293 3.10.7.2 checks RST first). */
static void listen_syn_rst(struct tt *t)
{
	tt_listen(t, 1);
	tt_in(t, "SR", 0, 0, 0);
	tt_expect_none(t);
	assert_int_equal(tt_counts(t).half_open, 0);
}

/* RFC 9293 3.10.7.4, fifth: SYN-RECEIVED and a wrong ACK: RST, the entry stays. */
static void half_open_bad_ack(struct tt *t)
{
	static const uint32_t bad[] = { 0, 2, 100000, 0x80000000u };

	tt_enter(t, ZS_SYN_RCVD);
	for (unsigned i = 0; i < 4; i++) {
		tt_in(t, "A", 1, bad[i], 0);
		tt_expect(t, "R", bad[i], 0, 0);
	}
	tt_expect_state(t, ZS_SYN_RCVD);
	tt_in(t, "A", 1, 1, 0);
	tt_accept(t);
}

/* RFC 9293 3.10.7.4, first: an unacceptable sequence number is answered and does not complete. */
static void half_open_outside_window(struct tt *t)
{
	tt_enter(t, ZS_SYN_RCVD);
	tt_in(t, "A", 200000, 1, 0);
	tt_expect(t, "A", 1, 1, 0);
	tt_in(t, "A", (uint32_t)-1000, 1, 10);
	tt_expect(t, "A", 1, 1, 0);
	tt_expect_state(t, ZS_SYN_RCVD);
	assert_null(zs_tcp_accept(t->s, t->listener));
}

/* RFC 9293 3.4: acceptable is also what only ends in the window, and its new bytes count. */
static void half_open_partly_old(struct tt *t)
{
	tt_enter(t, ZS_SYN_RCVD);
	tt_in(t, "A", 0, 2, 10);
	tt_expect(t, "R", 2, 0, 0);
	tt_in(t, "A", 0, 1, 10);
	tt_expect(t, "A", 1, 10, 0);
	tt_accept(t);
	tt_read(t, 9);
}

/* No ACK bit: dropped. */
static void half_open_no_ack(struct tt *t)
{
	tt_enter(t, ZS_SYN_RCVD);
	tt_in(t, "F", 1, 0, 0);
	tt_in(t, "", 1, 0, 5);
	tt_expect_none(t);
	tt_expect_state(t, ZS_SYN_RCVD);
}

/* The handshake's ACK was lost and later data comes first: it completes, the gap is reported. */
static void half_open_later_data(struct tt *t)
{
	tt_enter(t, ZS_SYN_RCVD);
	tt_in(t, "A", 101, 1, 100);
	tt_expect(t, "A", 1, 1, 0, .opt = "nop,nop,sack 101:201");
	tt_accept(t);
	tt_in(t, "A", 1, 1, 100);
	tt_expect(t, "A", 1, 201, 0);
	tt_read(t, 200);
}

/* First in, first out. */
static void accept_order(struct tt *t)
{
	struct zs_tcb *tcb;

	tt_listen(t, 8);
	for (unsigned i = 0; i < 3; i++) {
		tt_use(t, i);
		tt_in(t, "S", 0, 0, 0);
		tt_expect(t, "SA", 0, 1, 0);
	}
	for (unsigned i = 3; i-- > 0;) { /* completed in the other order */
		tt_use(t, i);
		tt_in(t, "A", 1, 1, 0);
	}
	for (unsigned i = 3; i-- > 0;) {
		tt_use(t, i);
		tcb = zs_tcp_accept(t->s, t->listener);
		assert_non_null(tcb);
		assert_int_equal(zs_tcp_flow(tcb)->fport, t->c->peer_port);
		t->c->tcb = tcb;
	}
}

/* Data that comes before accept waits for it. */
static void data_before_accept(struct tt *t)
{
	tt_enter(t, ZS_SYN_RCVD);
	tt_in(t, "A", 1, 1, 0);
	tt_in(t, "A", 1, 1, 500);
	tt_expect(t, "A", 1, 501, 0);
	tt_in(t, "FA", 501, 1, 0);
	tt_expect(t, "A", 1, 502, 0);
	tt_accept(t);
	tt_expect_state(t, ZS_CLOSE_WAIT);
	tt_read(t, 500);
	assert_true(zs_tcp_fin_received(t->c->tcb));
}

/* Reset before accept: gone, or accepted with its error; never dangling. */
static void reset_before_accept(struct tt *t)
{
	struct zs_tcb *tcb;

	tt_enter(t, ZS_SYN_RCVD);
	tt_in(t, "A", 1, 1, 0);
	tt_in(t, "R", 1, 0, 0);
	tt_expect_state(t, ZS_CLOSED);
	tcb = zs_tcp_accept(t->s, t->listener);
	if (tcb != NULL) {
		t->c->tcb = tcb;
		assert_int_equal(zs_tcp_state(tcb), ZS_CLOSED);
	}
	assert_null(zs_tcp_accept(t->s, t->listener));
}

/* backlog 2: the third completed handshake waits until accept makes room; its data is not lost. */
static void accept_queue_full(struct tt *t)
{
	struct zs_tcb *tcb;
	unsigned got = 0;

	tt_listen(t, 2);
	for (unsigned i = 0; i < 6; i++) {
		tt_use(t, i);
		tt_in(t, "S", 0, 0, 0);
		if (tt_pending(t) == 0)
			continue; /* not even half-open: the peer's SYN comes again */
		tt_expect(t, "SA", 0, 1, 0);
		tt_in(t, "A", 1, 1, 0);
		tt_expect_none(t);
	}
	assert_in_range(t->listener->n_accept, 2, 3);
	assert_true(tt_drops(t, ZS_DROP_TCP_ACCEPT_FULL) + tt_drops(t, ZS_DROP_TCP_SYN_FULL) > 0);
	while ((tcb = zs_tcp_accept(t->s, t->listener)) != NULL) {
		zs_tcp_abort(t->s, tcb);
		got++;
	}
	tt_turn(t);
	tt_drain(t);
	assert_in_range(got, 2, 3);
	assert_int_equal(t->listener->n_accept, 0);
}

/* A full accept queue takes no SYN; one accept makes room for one. */
static void accept_queue_full_no_syn(struct tt *t)
{
	tt_listen(t, 1);
	tt_in(t, "S", 0, 0, 0);
	tt_expect(t, "SA", 0, 1, 0);
	tt_in(t, "A", 1, 1, 0);
	tt_use(t, 1);
	tt_in(t, "S", 0, 0, 0);
	tt_expect_none(t);
	assert_int_equal(tt_drops(t, ZS_DROP_TCP_ACCEPT_FULL), 1);
	assert_int_equal(tt_counts(t).half_open, 0);
	tt_use(t, 0);
	tt_accept(t);
	tt_use(t, 1);
	tt_in(t, "S", 0, 0, 0); /* again after a second */
	tt_expect(t, "SA", 0, 1, 0);
}

/* Handshakes that end while the queue is full wait in their entries; later data completes them. */
static void accept_queue_full_then_room(struct tt *t)
{
	tt_listen(t, 1);
	for (unsigned i = 0; i < 2; i++) {
		tt_use(t, i);
		tt_in(t, "S", 0, 0, 0);
		tt_expect(t, "SA", 0, 1, 0);
	}
	for (unsigned i = 0; i < 2; i++) {
		tt_use(t, i);
		tt_in(t, "A", 1, 1, 0);
		tt_expect_none(t);
	}
	assert_int_equal(t->listener->n_accept, 1);
	assert_int_equal(tt_counts(t).half_open, 1);
	assert_int_equal(tt_drops(t, ZS_DROP_TCP_ACCEPT_FULL), 1);
	tt_advance(t, 500 * TT_MS);
	tt_use(t, 0);
	tt_accept(t);
	tt_use(t, 1);
	tt_in(t, "A", 1, 1, 10);
	tt_expect(t, "A", 1, 11, 0);
	tt_accept(t);
	tt_read(t, 10);
	assert_in_range(tt_info(t).srtt_us, 1, TT_MS);
}

static void few_half_open(struct zs_config *cfg)
{
	cfg->max_half_open = 4;
}

/* A SYN flood: bounded, counted, and it passes (FIELD: half-open entries that never went away). */
static void syn_flood(struct tt *t)
{
	tt_listen(t, 100);
	for (unsigned i = 0; i < 50; i++) {
		t->conn[0].peer_port = (uint16_t)(50000 + i);
		tt_in(t, "S", 0, 0, 0);
	}
	assert_in_range(tt_pending(t), 4, 50);
	tt_drain(t);
	assert_int_equal(tt_counts(t).half_open, 4);
	assert_true(tt_drops(t, ZS_DROP_TCP_SYN_FULL) >= 1);
	tt_advance(t, 100ull * TT_S);
	tt_drain(t);
	assert_int_equal(tt_counts(t).half_open, 0);
	assert_int_equal(tt_live_mbufs(), 0);
	tt_use(t, 1);
	tt_connect_passive(t);
}

static void few_conns(struct zs_config *cfg)
{
	cfg->max_conns = 3;
}

/* No tcb left: the handshake cannot complete now; nothing breaks, and it can later. */
static void no_tcb_left(struct tt *t)
{
	unsigned n = 0;

	tt_listen(t, 16);
	for (unsigned i = 0; i < 5; i++) {
		tt_use(t, i);
		tt_in(t, "S", 0, 0, 0);
		tt_drain(t);
		tt_in(t, "A", 1, 1, 0);
		tt_drain(t);
	}
	assert_in_range(tt_counts(t).tcbs, 2, 3);
	assert_true(tt_drops(t, ZS_DROP_TCP_NO_TCB) >= 1);
	for (unsigned i = 0; i < 5; i++) {
		struct zs_tcb *tcb = zs_tcp_accept(t->s, t->listener);

		if (tcb == NULL)
			break;
		n++;
		zs_tcp_abort(t->s, tcb);
	}
	assert_in_range(n, 2, 3);
	tt_turn(t);
	tt_drain(t);
	tt_use(t, 4);
	tt_in(t, "A", 1, 1, 0); /* its half-open entry still waits */
	tt_drain(t);
	assert_int_equal(t->listener->n_accept, 1);
}

/* Closing the listener: what waits for accept is reset, half-open entries are forgotten. */
static void listener_close(struct tt *t)
{
	tt_listen(t, 8);
	tt_use(t, 0);
	tt_in(t, "S", 0, 0, 0);
	tt_expect(t, "SA", 0, 1, 0);
	tt_in(t, "A", 1, 1, 100);
	tt_expect(t, "A", 1, 101, 0);
	tt_use(t, 1);
	tt_in(t, "S", 0, 0, 0);
	tt_expect(t, "SA", 0, 1, 0);
	zs_tcp_listener_close(t->s, t->listener);
	t->listener = NULL;
	tt_turn(t);
	tt_use(t, 0);
	tt_expect(t, "RA", 1, 101, 0);
	tt_expect_none(t);
	assert_int_equal(tt_counts(t).tcbs, 0);
	assert_int_equal(tt_counts(t).half_open, 0);
	assert_int_equal(tt_counts(t).listeners, 0);
	assert_int_equal(tt_live_mbufs(), 0);
	tt_use(t, 1);
	tt_in(t, "A", 1, 1, 0);
	tt_expect(t, "R", 1, 0, 0);
	tt_in(t, "S", 100, 0, 0);
	tt_expect(t, "RA", (uint32_t)-t->c->iss, 101, 0);
}

/* Accepted connections live on without their listener. */
static void listener_close_keeps_accepted(struct tt *t)
{
	tt_connect_passive(t);
	zs_tcp_listener_close(t->s, t->listener);
	t->listener = NULL;
	tt_turn(t);
	tt_expect_none(t);
	tt_in(t, "A", 1, 1, 10);
	tt_expect(t, "A", 1, 11, 0);
	tt_read(t, 10);
}

/* What was set on the listener holds for what it accepts. */
static void options_are_inherited(struct tt *t)
{
	tt_listen(t, 1);
	t->listener->opts.nodelay = true;
	t->listener->opts.ttl = 33;
	tt_connect_passive(t);
	assert_true(zs_tcp_opts(t->c->tcb)->nodelay);
	tt_send(t, 10);
	tt_send(t, 10);
	assert_int_equal(tt_pending(t), 2);
	assert_int_equal(tt_next(t)->ttl, 33);
	tt_drain(t);
	tt_in(t, "A", 1, 21, 0);
}

/* IP_FREEBIND: the address may become ours later. */
static void bind_to_a_foreign_address(struct tt *t)
{
	struct zs_addr elsewhere = tt_addr(0x0a0000fe);

	tt_open(t);
	assert_int_equal(zs_tcp_bind(t->s, t->c->tcb, &elsewhere, TT_PORT), -EADDRNOTAVAIL);
	zs_tcp_opts(t->c->tcb)->freebind = true;
	assert_int_equal(zs_tcp_bind(t->s, t->c->tcb, &elsewhere, TT_PORT), 0);
	tt_close(t);
}

/* ---- TCP_DEFER_ACCEPT, as Linux ---- */

static void defer(struct tt *t, uint8_t syn_acks, const char *opt)
{
	tt_listen(t, 4);
	t->listener->opts.defer_accept = syn_acks;
	tt_in(t, "S", 0, 0, 0, .opt = opt);
	tt_expect(t, "SA", 0, 1, 0);
}

static void end_handshake(struct tt *t)
{
	tt_in(t, "A", 1, 1, 0);
	tt_expect_none(t);
	assert_int_equal(t->listener->n_accept, 0);
}

static void deferring_listener(struct tt *t, uint8_t syn_acks)
{
	defer(t, syn_acks, "mss 1460,sackOK");
	end_handshake(t);
}

static void data_after(struct tt *t, uint64_t us)
{
	tt_advance(t, us);
	tt_in(t, "PA", 1, 1, 10);
	tt_accept(t);
	tt_expect(t, "A", 1, 11, 0);
	tt_read(t, 10);
}

/* The connection is accepted when its first data comes. */
static void deferred_until_data(struct tt *t)
{
	deferring_listener(t, 2);
	data_after(t, 500 * TT_MS);
	assert_in_range(tt_info(t).srtt_us, 1, TT_MS);
}

/* RFC 6298 3: the round trip ended with the ACK, and what the client thinks about is no part of it;
 * RFC 6928 2: nor was a SYN-ACK lost meanwhile. */
static void deferred_is_no_round_trip(struct tt *t)
{
	deferring_listener(t, 5);
	data_after(t, 4 * TT_S);
	assert_in_range(tt_info(t).srtt_us, 1, TT_MS);
	assert_int_equal(tt_info(t).cwnd, 10 * 1460);
}

static void use_ts(struct zs_config *cfg)
{
	cfg->use_ts = true;
}

/* RFC 7323 4: neither is it by the timestamp that the data echoes. */
static void deferred_is_no_round_trip_by_echo(struct tt *t)
{
	defer(t, 5, "mss 1460,sackOK,ts");
	t->c->ts = true;
	tt_expect_within(t, 999 * TT_MS, 1010 * TT_MS, "SA", 0, 1, 0);
	tt_advance(t, 20 * TT_MS);
	end_handshake(t);
	data_after(t, 900 * TT_MS);
	assert_in_range(tt_info(t).srtt_us, 19 * TT_MS, 21 * TT_MS);
}

/* Those that were lost before count. */
static void deferred_after_losses(struct tt *t)
{
	defer(t, 5, "mss 1460,sackOK");
	tt_expect_within(t, 999 * TT_MS, 1010 * TT_MS, "SA", 0, 1, 0);
	tt_expect_within(t, 1999 * TT_MS, 2010 * TT_MS, "SA", 0, 1, 0);
	end_handshake(t);
	data_after(t, 100 * TT_MS);
	assert_int_equal(tt_info(t).srtt_us, 0);
	assert_int_equal(tt_info(t).rto_us, 3 * TT_S);
	assert_int_equal(tt_info(t).cwnd, 1460);
}

/* The peer is left alone until the last SYN-ACK, and its answer to that counts. */
static void deferred_for_a_time(struct tt *t)
{
	deferring_listener(t, 2);
	tt_expect_within(t, 2990 * TT_MS, 3010 * TT_MS, "SA", 0, 1, 0);
	tt_in(t, "A", 1, 1, 0);
	assert_int_equal(t->listener->n_accept, 1);
	tt_accept(t);
	tt_expect_quiet(t, 10 * TT_S);
}

static void deferred_and_closed(struct tt *t)
{
	deferring_listener(t, 2);
	tt_in(t, "FA", 1, 1, 0);
	tt_accept(t);
	tt_expect(t, "A", 1, 2, 0);
	tt_expect_state(t, ZS_CLOSE_WAIT);
}

static void bind_errors(struct tt *t)
{
	struct zs_addr any = zs_addr_ip4(0);
	struct zs_listener *second;

	tt_listen(t, 1);
	tt_open(t);
	assert_int_equal(zs_tcp_bind(t->s, t->c->tcb, &any, TT_PORT), -EADDRINUSE);
	assert_int_equal(zs_tcp_listen(t->s, t->c->tcb, 1, &second), 0); /* unbound: ephemeral */
	t->c->tcb = NULL;
	assert_in_range(second->lport, t->cfg.ip_local_port_lo, t->cfg.ip_local_port_hi);
	t->c->port = second->lport;
	tt_in(t, "S", 0, 0, 0);
	tt_expect(t, "SA", 0, 1, 0);
	zs_tcp_listener_close(t->s, second);
}

/* The most specific listener gets the SYN: bound to our address before bound to any. */
static void specific_listener_first(struct tt *t)
{
	struct zs_addr ours = tt_addr(tt_ends.ip);
	struct zs_listener *specific;

	tt_open(t);
	assert_int_equal(zs_tcp_bind(t->s, t->c->tcb, &ours, TT_PORT), 0);
	assert_int_equal(zs_tcp_listen(t->s, t->c->tcb, 1, &specific), 0);
	t->c->tcb = NULL;
	specific->ep.owner = t;
	tt_in(t, "S", 0, 0, 0);
	tt_expect(t, "SA", 0, 1, 0);
	tt_in(t, "A", 1, 1, 0);
	assert_int_equal(specific->n_accept, 1);
	zs_tcp_listener_close(t->s, specific);
	tt_turn(t);
	tt_expect(t, "RA", 1, 1, 0);
}

static const struct CMUnitTest tests[] = {
	TT(synack_retransmission),
	TT(synack_retransmission_answered),
	TT(listen_rst),
	TT(listen_ack),
	TT(listen_other),
	TT(listen_syn_fin),
	TT(listen_syn_rst),
	TT(half_open_bad_ack),
	TT(half_open_outside_window),
	TT(half_open_partly_old),
	TT(half_open_no_ack),
	TT(half_open_later_data),
	TT(accept_order),
	TT(data_before_accept),
	TT(reset_before_accept),
	TT(accept_queue_full),
	TT(accept_queue_full_no_syn),
	TT(accept_queue_full_then_room),
	TT_CFG(syn_flood, few_half_open),
	TT_CFG(no_tcb_left, few_conns),
	TT(listener_close),
	TT(listener_close_keeps_accepted),
	TT(options_are_inherited),
	TT(bind_to_a_foreign_address),
	TT(deferred_until_data),
	TT(deferred_is_no_round_trip),
	TT_CFG(deferred_is_no_round_trip_by_echo, use_ts),
	TT(deferred_after_losses),
	TT(deferred_for_a_time),
	TT(deferred_and_closed),
	TT(bind_errors),
	TT(specific_listener_first),
};

ZS_TEST_MAIN(tests)
