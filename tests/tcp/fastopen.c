/* SPDX-License-Identifier: BSD-3-Clause */
/* TCP Fast Open: RFC 7413, client and server. */
#include <errno.h>
#include <stdio.h>

#include <rte_byteorder.h>

#include "core/tcp/zs_tfo.h"
#include "core/zs_pkt.h"
#include "tests/zs_test.h"
#include "tt.h"

#define OPTS "mss 1460,nop,nop,sackOK,nop,wscale 8"

/* ---- client ---- */

static int fast_connect(struct tt *t)
{
	struct zs_addr peer = zs_addr_ip4(rte_cpu_to_be_32(tt_ends.peer_ip));
	int rc;

	if (t->c->tcb == NULL)
		tt_open(t);
	rc = zs_tcp_fastopen(t->s, t->c->tcb, &peer, t->c->peer_port);
	t->c->port = zs_tcp_flow(t->c->tcb)->lport;
	tt_turn(t);
	return rc;
}

/* Connection 0 asks for a cookie and gets this one, connection 1 is next. */
static void get_cookie(struct tt *t, const char *opt)
{
	assert_int_equal(fast_connect(t), -EINPROGRESS);
	tt_expect(t, "S", 0, 0, 0, .opt = OPTS ",fo,nop,nop");
	tt_in(t, "SA", 0, 1, 0, .opt = opt);
	tt_expect(t, "A", 1, 1, 0);
	tt_abort(t);
	tt_drain(t);
	tt_use(t, 1);
}

/* 4.1.2, 4.2.1: the first SYN asks; the next one carries the cookie and data. */
static void client_asks_then_sends(struct tt *t)
{
	get_cookie(t, "mss 1460,sackOK,fo 0102030405060708");
	assert_int_equal(fast_connect(t), 0);
	tt_expect_none(t);
	assert_int_equal(tt_send_more(t, 1000, 0), 1000);
	tt_expect(t, "S", 0, 0, 1000, .opt = OPTS ",fo 0102030405060708,nop,nop");
	assert_int_equal(tt_send_more(t, 10, 0), -EAGAIN);
	tt_in(t, "SA", 0, 1001, 0, .opt = "mss 1460");
	tt_expect(t, "A", 1001, 1, 0);
	tt_expect_state(t, ZS_ESTABLISHED);
	assert_true(tt_info(t).syn_data);
	assert_int_equal(tt_info(t).bytes_acked, 1000);
	tt_send(t, 10);
	tt_expect(t, "A", 1001, 1, 10);
}

/* 4.1.3, 4.2.1: no more than the peer's MSS, which goes with the cookie, less all options. */
static void data_fit_the_mss_of_the_peer(struct tt *t)
{
	get_cookie(t, "mss 940,fo 01020304");
	assert_int_equal(fast_connect(t), 0);
	assert_int_equal(tt_send_more(t, 5000, 0), 900);
	tt_expect(t, "S", 0, 0, 900);
	tt_in(t, "SA", 0, 901, 0, .opt = "mss 1460");
	tt_expect(t, "A", 901, 1, 0);
}

static void zero_copy_is_cut(struct tt *t)
{
	get_cookie(t, "mss 940,fo 01020304");
	assert_int_equal(fast_connect(t), 0);
	assert_int_equal(tt_send_bufs(t, 2000, 1200), 0);
	tt_expect(t, "S", 0, 0, 900);
	tt_in(t, "SA", 0, 901, 0, .opt = "mss 1460");
	tt_expect(t, "A", 901, 1, 1100);
}

/* 4.2.1: the SYN-ACK acknowledges the SYN only, or part of the data: the rest goes out at once. */
static void unacknowledged_data_go_again(struct tt *t)
{
	static const uint32_t acks[] = { 1, 2, 500, 1000 };

	get_cookie(t, "mss 1460,fo 01020304");
	for (unsigned i = 0; i < sizeof(acks) / sizeof(acks[0]); i++) {
		tt_use(t, i + 1);
		assert_int_equal(fast_connect(t), 0);
		tt_send(t, 1000);
		tt_expect(t, "S", 0, 0, 1000);
		tt_in(t, "SA", 0, acks[i], 0, .opt = "mss 1460");
		tt_expect(t, "PA", acks[i], 1, 1001 - acks[i], .psh = true);
		assert_true(tt_info(t).syn_data == (acks[i] > 1));
		tt_in(t, "A", 1, 1001, 0);
		assert_int_equal(tt_info(t).inflight, 0);
		assert_int_equal(tt_info(t).lost, 0);
		tt_expect_none(t);
	}
}

/* RFC 9293 3.10.7.3: an ACK of what was not sent is no answer to our SYN. */
static void ack_beyond_the_data(struct tt *t)
{
	get_cookie(t, "mss 1460,fo 01020304");
	assert_int_equal(fast_connect(t), 0);
	tt_send(t, 1000);
	tt_expect(t, "S", 0, 0, 1000);
	tt_in(t, "SA", 0, 1002, 0, .opt = "mss 1460");
	tt_expect(t, "R", 1002, 0, 0);
	tt_expect_state(t, ZS_SYN_SENT);
}

/* A router says that the SYN is too long: it goes again at once, without what made it so. */
static void too_long_for_the_path(struct tt *t)
{
	get_cookie(t, "mss 1460,sackOK,fo 0102030405060708");
	assert_int_equal(fast_connect(t), 0);
	assert_int_equal(tt_send_more(t, 1000, 0), 1000);
	tt_expect(t, "S", 0, 0, 1000);
	tt_in_icmp(t, ZS_ICMP_UNREACH, ZS_UNREACH_FRAG_NEEDED, 1500, 0); /* which it is not */
	tt_in_icmp(t, ZS_ICMP_UNREACH, ZS_UNREACH_FRAG_NEEDED, 640, 7);	 /* not of this one */
	tt_in_icmp(t, ZS_ICMP_UNREACH, ZS_UNREACH_FRAG_NEEDED, 640, 0);
	tt_expect(t, "S", 0, 0, 0);
	tt_in_icmp(t, ZS_ICMP_UNREACH, ZS_UNREACH_FRAG_NEEDED, 640, 0); /* said already */
	tt_expect_none(t);
	tt_in(t, "SA", 0, 1, 0, .opt = "mss 1460");
	tt_expect(t, "A", 1, 1, 600);
	tt_expect(t, "PA", 601, 1, 400);
	tt_in(t, "A", 1, 1001, 0);
}

/* 4.1.3: a SYN that is sent again has neither cookie nor data. */
static void retransmission_is_plain(struct tt *t)
{
	get_cookie(t, "mss 1460,fo 01020304");
	assert_int_equal(fast_connect(t), 0);
	tt_send(t, 1000);
	tt_expect(t, "S", 0, 0, 1000);
	tt_expect_after(t, TT_S, "S", 0, 0, 0, .opt = OPTS);
	tt_in(t, "SA", 0, 1, 0, .opt = "mss 1460");
	tt_expect(t, "A", 1, 1, 1000);
}

/* 4.1.1: cookies of no proper length are none; the one that is known stays. */
static void bad_cookies_are_ignored(struct tt *t)
{
	static const char *const bad[] = { "fo 0102", "fo 0102030405", "fo" };

	get_cookie(t, "mss 1460,fo 01020304");
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char opt[64];

		snprintf(opt, sizeof(opt), "mss 1460,%s", bad[i]);
		tt_use(t, i + 1);
		assert_int_equal(fast_connect(t), 0);
		tt_send(t, 100);
		tt_expect(t, "S", 0, 0, 100, .opt = OPTS ",fo 01020304,nop,nop");
		tt_in(t, "SA", 0, 101, 0, .opt = opt);
		tt_drain(t);
	}
}

/* A server that knows the experimental option only (RFC 6994) is asked that way, once. */
static void experimental_option_is_tried_once(struct tt *t)
{
	static const char *const asked[] = { "fo,nop,nop", "foexp", "fo,nop,nop", "fo,nop,nop" };

	for (unsigned i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
		char opt[64];

		snprintf(opt, sizeof(opt), OPTS ",%s", asked[i]);
		tt_use(t, i);
		assert_int_equal(fast_connect(t), -EINPROGRESS);
		tt_expect(t, "S", 0, 0, 0, .opt = opt);
		tt_in(t, "SA", 0, 1, 0, .opt = "mss 1460");
		tt_drain(t);
	}
}

static void without_cookies(struct zs_config *cfg)
{
	cfg->tfo = ZS_TFO_CLIENT | ZS_TFO_CLIENT_NO_COOKIE;
}

static void client_without_cookie(struct tt *t)
{
	assert_int_equal(fast_connect(t), 0);
	tt_send(t, 100);
	tt_expect(t, "S", 0, 0, 100, .opt = OPTS);
	tt_in(t, "SA", 0, 101, 0, .opt = "mss 1460,fo 01020304");
	tt_expect(t, "A", 101, 1, 0);
}

static void switched_off(struct zs_config *cfg)
{
	cfg->tfo = 0;
}

static void client_switched_off(struct tt *t)
{
	assert_int_equal(fast_connect(t), -EOPNOTSUPP);
}

/* A SYN that waits for data can be sent without, and a socket closed before either. */
static void syn_without_data(struct tt *t)
{
	get_cookie(t, "mss 1460,fo 01020304");
	assert_int_equal(fast_connect(t), 0);
	zs_tcp_syn_now(t->s, t->c->tcb);
	tt_turn(t);
	tt_expect(t, "S", 0, 0, 0, .opt = OPTS ",fo 01020304,nop,nop");
	tt_use(t, 2);
	assert_int_equal(fast_connect(t), 0);
	tt_close(t);
	tt_expect_quiet(t, TT_S);
}

/* ---- server ---- */

static void any_listener(struct zs_config *cfg)
{
	cfg->tfo = ZS_TFO_SERVER | ZS_TFO_ANY_LISTENER;
	cfg->tfo_key_set = true; /* all zeros */
}

/* What the zero key makes of the peer's address and ours. */
static const char *good_cookie(char text[24])
{
	struct zs_flow flow = {
		.laddr = zs_addr_ip4(rte_cpu_to_be_32(tt_ends.ip)),
		.faddr = zs_addr_ip4(rte_cpu_to_be_32(tt_ends.peer_ip)),
		.family = ZS_AF_IP4,
	};
	uint8_t key[16] = { 0 }, cookie[ZS_TFO_OUR_LEN];
	int n = snprintf(text, 24, "fo ");

	zs_tfo_cookie(key, &flow, cookie);
	for (unsigned i = 0; i < sizeof(cookie); i++)
		n += snprintf(text + n, 24 - (size_t)n, "%02x", cookie[i]);
	return text;
}

/* 4.1.2: a keyed hash of both addresses; Linux computes the same for this key and these two. */
static void cookie_is_siphash_of_addresses(struct tt *t)
{
	static const uint8_t key[16] = { 0xf7, 0x63, 0xbf, 0xa0, 0x81, 0x3d, 0x80, 0xed,
					 0x30, 0x1d, 0x64, 0xcd, 0x90, 0x4a, 0xbc, 0xce };
	static const uint8_t want[] = { 0x00, 0xab, 0xaa, 0xab, 0xe8, 0xe9, 0x54, 0xc2 };
	struct zs_flow flow = {
		.laddr = zs_addr_ip4(rte_cpu_to_be_32(0xc0a80002)),
		.faddr = zs_addr_ip4(rte_cpu_to_be_32(0x0af80002)),
		.family = ZS_AF_IP4,
	};
	uint8_t cookie[ZS_TFO_OUR_LEN];

	(void)t;
	zs_tfo_cookie(key, &flow, cookie);
	assert_memory_equal(cookie, want, sizeof(want));
}

/* 4.2.2: without a cookie, or with a wrong one, the handshake is ordinary and brings one. */
static void server_gives_cookies(struct tt *t)
{
	static const char *const offers[] = { "fo", "fo 0102030405060708", "fo 01020304" };
	char good[24], want[80];

	snprintf(want, sizeof(want), "mss 1460,%s,nop,nop", good_cookie(good));
	tt_listen(t, 16);
	for (unsigned i = 0; i < sizeof(offers) / sizeof(offers[0]); i++) {
		char opt[64];

		snprintf(opt, sizeof(opt), "mss 1460,%s", offers[i]);
		tt_use(t, i);
		tt_in(t, "S", 0, 0, i == 0 ? 0 : 100, .opt = opt);
		tt_expect(t, "SA", 0, 1, 0, .opt = want);
		/* a SYN-ACK that is sent again does without */
		tt_expect_after(t, TT_S, "SA", 0, 1, 0, .opt = "mss 1460");
		tt_in(t, "R", 1, 0, 0);
		tt_expect_none(t);
	}
}

static void syn_with_cookie(struct tt *t, uint32_t len)
{
	char good[24], opt[64];

	snprintf(opt, sizeof(opt), "mss 1460,%s", good_cookie(good));
	tt_in(t, "S", 0, 0, len, .opt = opt);
	tt_expect(t, "SA", 0, 1 + len, 0, .opt = "mss 1460");
}

/* 4.2.2: the data of the SYN can be read, and answered, before the handshake is complete. */
static void server_answers_at_once(struct tt *t)
{
	tt_listen(t, 1);
	syn_with_cookie(t, 100);
	assert_int_equal(t->listener_events, ZS_EV_READ);
	tt_accept(t);
	tt_expect_state(t, ZS_SYN_RCVD);
	assert_true(tt_info(t).syn_data);
	tt_read(t, 100);
	tt_send(t, 50);
	tt_expect(t, "A", 1, 101, 50);
	tt_in(t, "A", 101, 51, 0);
	tt_expect_state(t, ZS_ESTABLISHED);
	tt_in(t, "A", 101, 51, 10);
	tt_expect(t, "A", 51, 111, 0);
}

/* What it answers moves no timer of the SYN-ACK, whatever the clock says. */
static void server_answers_late_in_the_day(struct tt *t)
{
	tt_advance(t, 100 * TT_S);
	tt_listen(t, 1);
	syn_with_cookie(t, 100);
	tt_accept(t);
	tt_send(t, 50);
	tt_expect(t, "A", 1, 101, 50);
	tt_expect_after(t, TT_S, "SA", 0, 101, 0, .opt = "mss 1460");
}

/* RFC 6298 3: the handshake's round trip began with the SYN-ACK, not with the answer behind it. */
static void server_answers_late(struct tt *t)
{
	tt_listen(t, 1);
	syn_with_cookie(t, 100);
	tt_accept(t);
	tt_advance(t, 90 * TT_MS);
	tt_send(t, 50);
	tt_expect(t, "A", 1, 101, 50);
	tt_advance(t, 10 * TT_MS);
	tt_in(t, "A", 101, 1, 0);
	assert_in_range(tt_info(t).srtt_us, 100 * TT_MS, 101 * TT_MS);
	assert_in_range(tt_info(t).min_rtt_us, 100 * TT_MS, 101 * TT_MS);
}

/* 4.2.2: the SYN-ACK is sent again; the ACK may acknowledge less than what was sent. */
static void server_sends_syn_ack_again(struct tt *t)
{
	tt_listen(t, 1);
	syn_with_cookie(t, 100);
	tt_accept(t);
	tt_expect_after(t, TT_S, "SA", 0, 101, 0, .opt = "mss 1460");
	tt_send(t, 50);
	tt_expect(t, "A", 1, 101, 50);
	tt_in(t, "A", 101, 1, 0);
	tt_expect_state(t, ZS_ESTABLISHED);
	tt_expect_within(t, 100 * TT_MS, 4 * TT_S, "A", 1, 101, 50);
}

/* A reset before accept: the connection stays in the queue, its data can be read, then the error.
 */
static void server_reset_before_accept(struct tt *t)
{
	tt_listen(t, 1);
	syn_with_cookie(t, 100);
	tt_in(t, "R", 101, 0, 0);
	tt_expect_none(t);
	tt_accept(t);
	tt_read(t, 100);
	assert_int_equal(tt_take_error(t), ECONNRESET);
}

/* RFC 9293 3.6.1: data that were acknowledged and are not read end in a reset. */
static void server_closes_with_unread_data(struct tt *t)
{
	tt_listen(t, 1);
	syn_with_cookie(t, 100);
	tt_accept(t);
	tt_close(t);
	tt_expect(t, "RA", 1, 101, 0);
}

/* A short answer, and FIN with it: all before the handshake is complete. */
static void answer_and_close(struct tt *t)
{
	tt_listen(t, 1);
	syn_with_cookie(t, 100);
	tt_accept(t);
	tt_read(t, 100);
	tt_send(t, 50);
	tt_expect(t, "A", 1, 101, 50);
	tt_close(t);
	tt_expect(t, "FA", 51, 101, 0);
}

static void server_closes_at_once(struct tt *t)
{
	answer_and_close(t);
	tt_in(t, "A", 101, 52, 0);
	tt_expect_state(t, ZS_FIN_WAIT_2);
	tt_in(t, "FA", 101, 52, 0);
	tt_expect(t, "A", 52, 102, 0);
	tt_expect_state(t, ZS_TIME_WAIT);
}

static void server_closes_and_syn_ack_is_lost(struct tt *t)
{
	answer_and_close(t);
	tt_expect_after(t, TT_S, "SA", 0, 101, 0, .opt = "mss 1460");
	tt_in(t, "A", 101, 1, 0);
	tt_expect_within(t, TT_MS, 6 * TT_S, "FA", 1, 101, 50);
	tt_in(t, "A", 101, 52, 0);
	tt_expect_state(t, ZS_FIN_WAIT_2);
}

static void server_listener_closes(struct tt *t)
{
	tt_listen(t, 1);
	syn_with_cookie(t, 100);
	zs_tcp_listener_close(t->s, t->listener);
	t->listener = NULL;
	tt_turn(t);
	tt_expect(t, "RA", 1, 101, 0);
}

/* 5.1: so many may be open whose client has not been heard from twice. */
static void server_limits_the_unproven(struct tt *t)
{
	tt_listen(t, 16);
	t->listener->tfo_qlen = 2;
	for (unsigned i = 0; i < 3; i++) {
		char good[24], opt[64];

		snprintf(opt, sizeof(opt), "mss 1460,%s", good_cookie(good));
		tt_use(t, i);
		tt_in(t, "S", 0, 0, 100, .opt = opt);
		tt_expect(t, "SA", 0, i < 2 ? 101 : 1, 0);
	}
	tt_use(t, 0);
	tt_in(t, "A", 101, 1, 0); /* proven */
	tt_use(t, 3);
	syn_with_cookie(t, 100);
}

static void two_conns(struct zs_config *cfg)
{
	any_listener(cfg);
	cfg->max_conns = 2;
}

/* Where the table of connections is full, an ordinary handshake, which needs no place yet. */
static void server_without_room(struct tt *t)
{
	tt_listen(t, 16);
	for (unsigned i = 0; i < 3; i++) {
		char good[24], opt[64];

		snprintf(opt, sizeof(opt), "mss 1460,%s", good_cookie(good));
		tt_use(t, i);
		tt_in(t, "S", 0, 0, 100, .opt = opt);
		tt_expect(t, "SA", 0, i < 2 ? 101 : 1, 0);
	}
}

/* Data in a SYN without the option, to a listener without Fast Open: they come again later. */
static void plain_syn_data_are_ignored(struct tt *t)
{
	tt_listen(t, 1);
	tt_in(t, "S", 0, 0, 100, .opt = "mss 1460");
	tt_expect(t, "SA", 0, 1, 0, .opt = "mss 1460");
	tt_in(t, "A", 1, 1, 100);
	tt_expect(t, "A", 1, 101, 0);
	tt_accept(t);
	tt_read(t, 100);
}

static void cookies_not_required(struct zs_config *cfg)
{
	cfg->tfo = ZS_TFO_SERVER | ZS_TFO_ANY_LISTENER | ZS_TFO_NO_COOKIE;
}

static void server_without_cookies(struct tt *t)
{
	tt_listen(t, 1);
	tt_in(t, "S", 0, 0, 100, .opt = "mss 1460");
	tt_expect(t, "SA", 0, 101, 0, .opt = "mss 1460");
	tt_accept(t);
	tt_read(t, 100);
}

static const struct CMUnitTest tests[] = {
	TT(client_asks_then_sends),
	TT(data_fit_the_mss_of_the_peer),
	TT(zero_copy_is_cut),
	TT(unacknowledged_data_go_again),
	TT(ack_beyond_the_data),
	TT(too_long_for_the_path),
	TT(retransmission_is_plain),
	TT(bad_cookies_are_ignored),
	TT(experimental_option_is_tried_once),
	TT_CFG(client_without_cookie, without_cookies),
	TT_CFG(client_switched_off, switched_off),
	TT(syn_without_data),
	TT(cookie_is_siphash_of_addresses),
	TT_CFG(server_gives_cookies, any_listener),
	TT_CFG(server_answers_at_once, any_listener),
	TT_CFG(server_answers_late_in_the_day, any_listener),
	TT_CFG(server_answers_late, any_listener),
	TT_CFG(server_sends_syn_ack_again, any_listener),
	TT_CFG(server_reset_before_accept, any_listener),
	TT_CFG(server_closes_with_unread_data, any_listener),
	TT_CFG(server_closes_at_once, any_listener),
	TT_CFG(server_closes_and_syn_ack_is_lost, any_listener),
	TT_CFG(server_listener_closes, any_listener),
	TT_CFG(server_limits_the_unproven, any_listener),
	TT_CFG(server_without_room, two_conns),
	TT_CFG(plain_syn_data_are_ignored, any_listener),
	TT_CFG(server_without_cookies, cookies_not_required),
};

ZS_TEST_MAIN(tests)
