/* SPDX-License-Identifier: BSD-3-Clause */
/* Opening connections: RFC 9293 3.5, 3.10.7.3; options of the handshake; RFC 6528; RFC 5961 in
 * SYN-SENT. */
#include <errno.h>

#include "base/zs_seq.h"
#include "core/zs_pkt.h"
#include "tests/zs_test.h"
#include "tt.h"

/* ---- passive ---- */

/* RFC 9293 3.5: SYN, SYN-ACK, ACK; what the SYN did not offer the SYN-ACK does not (RFC 7323 1.3).
 */
static void passive_plain(struct tt *t)
{
	tt_listen(t, 1);
	tt_in(t, "S", 0, 0, 0, .opt = "");
	tt_expect(t, "SA", 0, 1, 0, .opt = "mss 1460", .psh = true);
	tt_expect_state(t, ZS_SYN_RCVD);
	assert_int_equal(tt_counts(t).half_open, 1);
	assert_int_equal(tt_counts(t).tcbs, 0);
	tt_in(t, "A", 1, 1, 0);
	tt_expect_none(t);
	assert_int_equal(t->listener_events, ZS_EV_READ);
	tt_accept(t);
	tt_expect_state(t, ZS_ESTABLISHED);
	assert_int_equal(tt_counts(t).half_open, 0);
	assert_null(zs_tcp_accept(t->s, t->listener));
}

static void use_ts(struct zs_config *cfg)
{
	cfg->use_ts = true;
}

/* Order of options as Linux has it; RFC 7323 2.2, 3.2: TSecr of a SYN-ACK is the TSval of the SYN.
 */
static void passive_all_options(struct tt *t)
{
	tt_listen(t, 1);
	tt_in(t, "S", 0, 0, 0, .opt = "mss 1460,sackOK,ts,nop,wscale 7", .tsval = 7777);
	tt_expect(t, "SA", 0, 1, 0, .opt = "mss 1460,sackOK,ts,nop,wscale 8", .tsecr = 7777);
	t->c->ts = true;
	tt_in(t, "A", 1, 1, 0, .opt = "nop,nop,ts", .tsval = 7780);
	tt_accept(t);
	assert_true(tt_info(t).ts);
	assert_true(tt_info(t).sack);
	assert_true(tt_info(t).wscale);
	assert_int_equal(tt_info(t).snd_wscale, 7);
	assert_int_equal(tt_info(t).rcv_wscale, 8);
}

static void passive_offers(struct tt *t)
{
	static const char *const offers[][2] = {
		{ "mss 1400", "mss 1460" },
		{ "mss 1400,sackOK", "mss 1460,nop,nop,sackOK" },
		{ "mss 1400,nop,nop,ts", "mss 1460,nop,nop,ts" },
		{ "mss 1400,nop,wscale 3", "mss 1460,nop,wscale 8" },
		{ "nop,wscale 0,sackOK,nop,nop", "mss 1460,nop,nop,sackOK,nop,wscale 8" },
		{ "sackOK,ts", "mss 1460,sackOK,ts" },
	};

	tt_listen(t, 16);
	for (unsigned i = 0; i < sizeof(offers) / sizeof(offers[0]); i++) {
		tt_use(t, i);
		tt_in(t, "S", 0, 0, 0, .opt = offers[i][0], .tsval = 5);
		tt_expect(t, "SA", 0, 1, 0, .opt = offers[i][1]);
		tt_in(t, "R", 1, 0, 0);
		tt_expect_none(t);
	}
}

/* RFC 9293 3.10.7.4, fifth: the ACK that completes may carry data. */
static void passive_ack_with_data(struct tt *t)
{
	tt_listen(t, 1);
	tt_in(t, "S", 0, 0, 0);
	tt_expect(t, "SA", 0, 1, 0);
	tt_in(t, "PA", 1, 1, 100);
	tt_expect(t, "A", 1, 101, 0);
	tt_accept(t);
	tt_read(t, 100);
}

/* The handshake's ACK was lost: the FIN of the peer completes and half-closes in one. */
static void passive_ack_with_fin(struct tt *t)
{
	tt_listen(t, 1);
	tt_in(t, "S", 0, 0, 0);
	tt_expect(t, "SA", 0, 1, 0);
	tt_in(t, "FA", 1, 1, 10);
	tt_expect(t, "A", 1, 12, 0);
	tt_accept(t);
	tt_expect_state(t, ZS_CLOSE_WAIT);
	tt_read(t, 10);
	assert_true(zs_tcp_fin_received(t->c->tcb));
}

static void rcvbuf_8k(struct zs_config *cfg)
{
	cfg->rcvbuf = cfg->rcvbuf_max = 8192;
}

/* The peer's first flight fills our window and is lost. To the SYN-ACK that we repeat it answers
 * from the window's edge, and that completes. Data beyond it does not, nor a RST. */
static void passive_ack_from_edge(struct tt *t)
{
	tt_listen(t, 1);
	tt_in(t, "S", 0, 0, 0);
	tt_expect(t, "SA", 0, 1, 0, .wnd = 4096);
	tt_in(t, "A", 4097, 1, 1);
	tt_expect(t, "A", 1, 1, 0);
	tt_in(t, "R", 4097, 0, 0);
	tt_expect_none(t);
	tt_expect_state(t, ZS_SYN_RCVD);
	tt_expect_within(t, 990 * TT_MS, 1010 * TT_MS, "SA", 0, 1, 0);
	tt_in(t, "A", 4097, 1, 0);
	tt_expect_none(t);
	tt_accept(t);
	tt_in(t, "A", 1, 1, 100);
	tt_expect(t, "A", 1, 101, 0);
	tt_read(t, 100);
}

/* Data with the SYN is not acknowledged (no TFO); the peer sends it again. RFC 9293 3.4 allows
 * both. */
static void passive_syn_with_data(struct tt *t)
{
	tt_listen(t, 1);
	tt_in(t, "S", 0, 0, 50, .opt = "mss 1460");
	tt_expect(t, "SA", 0, 1, 0);
	tt_in(t, "A", 1, 1, 0);
	tt_accept(t);
	tt_in(t, "A", 1, 1, 50);
	tt_expect(t, "A", 1, 51, 0);
	tt_read(t, 50);
}

/* RFC 9293 3.8.1: a repeated SYN of a half-open connection gets the same SYN-ACK. */
static void passive_repeated_syn(struct tt *t)
{
	uint32_t iss;

	tt_listen(t, 1);
	tt_in(t, "S", 0, 0, 0);
	tt_expect(t, "SA", 0, 1, 0);
	iss = t->c->iss;
	tt_advance(t, 100 * TT_MS);
	tt_in(t, "S", 0, 0, 0);
	tt_expect(t, "SA", 0, 1, 0);
	assert_int_equal(t->c->iss, iss);
	assert_int_equal(tt_counts(t).half_open, 1);
	tt_in(t, "A", 1, 1, 0);
	tt_accept(t);
}

/* ---- active ---- */

static void active_plain(struct tt *t)
{
	assert_int_equal(tt_connect(t), 0);
	tt_expect_state(t, ZS_SYN_SENT);
	tt_expect(t, "S", 0, 0, 0, .opt = "mss 1460,nop,nop,sackOK,nop,wscale 8", .wnd = 65535);
	assert_int_equal(tt_take_events(t), 0);
	tt_in(t, "SA", 0, 1, 0, .opt = "mss 1000");
	tt_expect(t, "A", 1, 1, 0, .opt = "");
	tt_expect_state(t, ZS_ESTABLISHED);
	assert_true(tt_take_events(t) & ZS_EV_WRITE);
	assert_int_equal(tt_take_error(t), 0);
	assert_int_equal(tt_info(t).snd_mss, 1000);
	assert_false(tt_info(t).sack);
	assert_false(tt_info(t).wscale);
}

static void active_timestamps(struct tt *t)
{
	assert_int_equal(tt_connect(t), 0);
	tt_expect(t, "S", 0, 0, 0, .opt = "mss 1460,sackOK,ts,nop,wscale 8");
	tt_in(t, "SA", 0, 1, 0, .opt = "mss 1460,sackOK,ts,nop,wscale 2", .tsval = 99);
	tt_expect(t, "A", 1, 1, 0, .opt = "nop,nop,ts", .tsecr = 99);
	assert_true(tt_info(t).ts);
	assert_int_equal(tt_info(t).srtt_us > 0 || tt_info(t).rto_us > 0, 1);
}

/* RFC 9293 3.10.7.3, fifth: data with the SYN-ACK is taken. */
static void active_synack_with_data(struct tt *t)
{
	assert_int_equal(tt_connect(t), 0);
	tt_expect(t, "S", 0, 0, 0);
	tt_in(t, "SA", 0, 1, 20, .opt = "mss 1460");
	tt_expect(t, "A", 1, 21, 0);
	tt_expect_state(t, ZS_ESTABLISHED);
	tt_read(t, 20);
}

static void active_synack_with_fin(struct tt *t)
{
	assert_int_equal(tt_connect(t), 0);
	tt_expect(t, "S", 0, 0, 0);
	tt_in(t, "SFA", 0, 1, 0, .opt = "mss 1460");
	tt_expect(t, "A", 1, 2, 0);
	tt_expect_state(t, ZS_CLOSE_WAIT);
	assert_true(tt_take_events(t) & ZS_EV_RDHUP);
}

/* Our ACK was lost: the repeated SYN-ACK is a SYN in a synchronized state (RFC 5961 4.2): ACK. */
static void active_repeated_synack(struct tt *t)
{
	tt_connect_active(t);
	tt_in(t, "SA", 0, 1, 0, .opt = "mss 1460,sackOK");
	tt_expect(t, "A", 1, 1, 0);
	tt_expect_state(t, ZS_ESTABLISHED);
}

/* RFC 9293 3.7.1, 6691: the MSS option is the MTU less fixed headers, whatever other options there
 * are. */
static void mss_is(struct tt *t, uint16_t mss)
{
	assert_int_equal(tt_connect(t), 0);
	assert_int_equal(tt_next(t)->mss, mss);
}

static void mtu_72(struct zs_config *cfg)
{
	cfg->netif[0].mtu = 72;
	cfg->use_ts = true;
}

static void mtu_576(struct zs_config *cfg)
{
	cfg->netif[0].mtu = 576;
	cfg->use_ts = true;
}

static void mtu_1280(struct zs_config *cfg)
{
	cfg->netif[0].mtu = 1280;
}

static void mtu_9000(struct zs_config *cfg)
{
	cfg->netif[0].mtu = 9000;
}

static void mtu_65535(struct zs_config *cfg)
{
	cfg->netif[0].mtu = 65535;
}

static void mss_of_mtu_72(struct tt *t)
{
	mss_is(t, 32);
}

static void mss_of_mtu_576(struct tt *t)
{
	mss_is(t, 536);
}

static void mss_of_mtu_1280(struct tt *t)
{
	mss_is(t, 1240);
}

static void mss_of_mtu_9000(struct tt *t)
{
	mss_is(t, 8960);
}

static void mss_of_mtu_65535(struct tt *t)
{
	mss_is(t, 65495);
}

/* RFC 7323 2: the smallest shift that can express the largest receive buffer; the SYN's window is
 * unscaled. */
static void wscale_is(struct tt *t, int wscale)
{
	const struct tt_out *o;

	assert_int_equal(tt_connect(t), 0);
	o = tt_next(t);
	assert_int_equal(o->wscale, wscale);
}

static void rcvbuf_64k(struct zs_config *cfg)
{
	cfg->rcvbuf = cfg->rcvbuf_max = 65535;
}

static void rcvbuf_128k(struct zs_config *cfg)
{
	cfg->rcvbuf = cfg->rcvbuf_max = 128 << 10;
}

static void rcvbuf_2m(struct zs_config *cfg)
{
	cfg->rcvbuf_max = 2 << 20;
}

static void rcvbuf_1g(struct zs_config *cfg)
{
	cfg->rcvbuf_max = 1 << 30;
}

static void wscale_of_64k(struct tt *t)
{
	wscale_is(t, 0);
}

static void wscale_of_128k(struct tt *t)
{
	wscale_is(t, 2);
}

static void wscale_of_2m(struct tt *t)
{
	wscale_is(t, 6);
}

static void wscale_of_15m(struct tt *t)
{
	wscale_is(t, 8);
}

static void wscale_of_1g(struct tt *t)
{
	wscale_is(t, 14);
}

/* RFC 7323 2.2: not scaled unless both offered. */
static void wscale_not_used_one_sided(struct tt *t)
{
	tt_connect_active(t, .opt = "mss 1460,sackOK", .wnd = 3000);
	assert_false(tt_info(t).wscale);
	assert_int_equal(tt_info(t).snd_wnd, 3000);
	tt_in(t, "A", 1, 1, 10);
	tt_expect(t, "A", 1, 11, 0);
	assert_in_range(t->c->wnd_out, 32768, 65535);
	tt_read(t, 10);
	tt_drain(t);
}

/* RFC 7323 2.2, 2.3: windows of SYN segments are never scaled, all others are. */
static void wscale_used_when_both(struct tt *t)
{
	assert_int_equal(tt_connect(t), 0);
	tt_expect(t, "S", 0, 0, 0, .wnd = 65535);
	tt_in(t, "SA", 0, 1, 0, .opt = "mss 1460,nop,wscale 4", .wnd = 3000);
	tt_expect(t, "A", 1, 1, 0);
	assert_int_equal(tt_info(t).snd_wnd, 3000);
	assert_in_range(t->c->wnd_out, 1, 1024); /* 256 KiB >> 8 */
	tt_in(t, "A", 1, 1, 1, .wnd = 3000);
	tt_expect(t, "A", 1, 2, 0);
	assert_int_equal(tt_info(t).snd_wnd, 3000 << 4);
	tt_read(t, 1);
	tt_drain(t);
}

static void no_ts(struct zs_config *cfg)
{
	cfg->use_ts = false;
}

static void no_sack(struct zs_config *cfg)
{
	cfg->use_ts = true;
	cfg->use_sack = false;
}

static void no_wscale(struct zs_config *cfg)
{
	cfg->use_ts = true;
	cfg->use_wscale = false;
}

static void option_off(struct tt *t, const char *left)
{
	assert_int_equal(tt_connect(t), 0);
	tt_expect(t, "S", 0, 0, 0, .opt = left);
	tt_in(t, "R", 1, 0, 0);
	tt_use(t, 1);
	tt_listen(t, 1);
	tt_in(t, "S", 0, 0, 0, .opt = "mss 1460,sackOK,ts,nop,wscale 7", .tsval = 3);
	tt_expect(t, "SA", 0, 1, 0, .opt = left);
}

static void ts_off(struct tt *t)
{
	option_off(t, "mss 1460,nop,nop,sackOK,nop,wscale 8");
}

static void sack_off(struct tt *t)
{
	option_off(t, "mss 1460,nop,nop,ts,nop,wscale 8");
}

static void wscale_off(struct tt *t)
{
	option_off(t, "mss 1460,sackOK,ts");
}

/* ---- SYN lost ---- */

/* RFC 6298 5.5, 9293 3.8.3: 1 s, doubled each time; R2 for a SYN is at least 3 minutes of RFC 1122,
 * ours is 127 s. */
static void syn_timeout(struct tt *t)
{
	uint64_t wait = TT_S;

	assert_int_equal(tt_connect(t), 0);
	tt_expect(t, "S", 0, 0, 0);
	for (unsigned i = 0; i < 6; i++, wait *= 2)
		tt_expect_after(t, wait, "S", 0, 0, 0,
				.opt = "mss 1460,nop,nop,sackOK,nop,wscale 8");
	tt_expect_state(t, ZS_SYN_SENT);
	tt_expect_quiet(t, wait - 2 * TT_MS);
	tt_expect_state(t, ZS_SYN_SENT);
	tt_expect_quiet(t, 4 * TT_MS);
	tt_expect_state(t, ZS_CLOSED);
	assert_true(tt_take_events(t) & ZS_EV_ERR);
	assert_int_equal(tt_take_error(t), ETIMEDOUT);
}

static void syn_retransmission_answered(struct tt *t)
{
	assert_int_equal(tt_connect(t), 0);
	tt_expect(t, "S", 0, 0, 0);
	tt_expect_after(t, TT_S, "S", 0, 0, 0);
	tt_advance(t, 10 * TT_MS);
	tt_in(t, "SA", 0, 1, 0, .opt = "mss 1460,sackOK");
	tt_expect(t, "A", 1, 1, 0);
	tt_expect_quiet(t, 10 * TT_S);
}

/* ---- SYN-SENT ---- */

/* RFC 9293 3.10.7.3, first: ACK outside (ISS, SND.NXT] is answered by RST, and nothing else
 * happens. */
static void syn_sent_bad_ack(struct tt *t)
{
	static const uint32_t bad[] = { 0, 2, 1000, 0x80000000u, (uint32_t)-5 };

	assert_int_equal(tt_connect(t), 0);
	tt_expect(t, "S", 0, 0, 0);
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		tt_in(t, "A", 0, bad[i], 0);
		tt_expect(t, "R", bad[i], 0, 0);
		tt_in(t, "SA", 0, bad[i], 0);
		tt_expect(t, "R", bad[i], 0, 0);
	}
	tt_expect_state(t, ZS_SYN_SENT);
	tt_expect_after(t, TT_S, "S", 0, 0, 0); /* at its usual time */
	tt_in(t, "SA", 0, 1, 0);
	tt_expect(t, "A", 1, 1, 0);
	tt_expect_state(t, ZS_ESTABLISHED);
}

/* RFC 9293 3.10.7.3, second. */
static void syn_sent_refused(struct tt *t)
{
	assert_int_equal(tt_connect(t), 0);
	tt_expect(t, "S", 0, 0, 0);
	tt_in(t, "RA", 0, 1, 0);
	tt_expect_none(t);
	tt_expect_state(t, ZS_CLOSED);
	assert_int_equal(tt_take_events(t) & (ZS_EV_ERR | ZS_EV_HUP), ZS_EV_ERR | ZS_EV_HUP);
	assert_int_equal(tt_take_error(t), ECONNREFUSED);
	assert_int_equal(tt_take_error(t), 0);
}

/* RFC 9293 3.10.7.3: a RST is only valid here with an acceptable ACK. */
static void syn_sent_rst_ignored(struct tt *t)
{
	assert_int_equal(tt_connect(t), 0);
	tt_expect(t, "S", 0, 0, 0);
	tt_in(t, "RA", 0, 0, 0);
	tt_in(t, "RA", 0, 2, 0);
	tt_in(t, "R", 0, 0, 0);
	tt_in(t, "R", 1, 0, 0);
	tt_expect_none(t);
	tt_expect_state(t, ZS_SYN_SENT);
	assert_int_equal(tt_take_error(t), 0);
	tt_expect_after(t, TT_S, "S", 0, 0, 0);
}

/* RFC 9293 3.10.7.3, fifth: neither SYN nor RST: dropped. */
static void syn_sent_no_syn(struct tt *t)
{
	assert_int_equal(tt_connect(t), 0);
	tt_expect(t, "S", 0, 0, 0);
	tt_in(t, "A", 0, 1, 0);
	tt_in(t, "F", 0, 0, 0);
	tt_in(t, "FA", 0, 1, 0);
	tt_in(t, "A", 0, 1, 100);
	tt_in(t, "", 0, 0, 10);
	tt_expect_none(t);
	tt_expect_state(t, ZS_SYN_SENT);
	assert_int_equal(tt_drops(t, ZS_DROP_TCP_STATE), 5);
}

/* A connection that never was has nothing to reset. */
static void close_in_syn_sent(struct tt *t)
{
	assert_int_equal(tt_connect(t), 0);
	tt_expect(t, "S", 0, 0, 0);
	tt_close(t);
	tt_expect_none(t);
	tt_expect_state(t, ZS_CLOSED);
	assert_int_equal(tt_counts(t).tcbs, 0);
	tt_expect_quiet(t, 5 * TT_S);
	tt_in(t, "SA", 0, 1, 0); /* RFC 9293 3.10.7.1 */
	tt_expect(t, "R", 1, 0, 0);
}

static void abort_in_syn_sent(struct tt *t)
{
	assert_int_equal(tt_connect(t), 0);
	tt_expect(t, "S", 0, 0, 0);
	tt_abort(t);
	tt_expect_none(t);
	assert_int_equal(tt_counts(t).tcbs, 0);
}

/* ---- ISN and ports ---- */

/* RFC 6528 3: per connection a hash, over all a clock of 4 us. */
static void isn_grows_with_time(struct tt *t)
{
	uint32_t first, step;

	tt_listen(t, 4);
	tt_in(t, "S", 0, 0, 0);
	tt_expect(t, "SA", 0, 1, 0);
	first = t->c->iss;
	tt_in(t, "R", 1, 0, 0);
	tt_expect_state(t, ZS_CLOSED);
	tt_advance(t, TT_S);
	tt_in(t, "S", 0, 0, 0);
	tt_expect(t, "SA", 0, 1, 0);
	step = t->c->iss - first;
	assert_in_range(step, 200000, 1100000);
}

static void isn_differs_per_connection(struct tt *t)
{
	tt_listen(t, 16);
	for (unsigned i = 0; i < 8; i++) {
		tt_use(t, i);
		tt_in(t, "S", 0, 0, 0);
		tt_expect(t, "SA", 0, 1, 0);
		for (unsigned k = 0; k < i; k++)
			assert_true(t->conn[i].iss - t->conn[k].iss + 10000 > 20000);
	}
}

/* RFC 6056 3.3.3: ports within the range, no two the same, not just the next one. */
static void ephemeral_ports(struct tt *t)
{
	unsigned in_order = 0;

	for (unsigned i = 0; i < 8; i++) {
		tt_use(t, i);
		assert_int_equal(tt_connect(t), 0);
		tt_expect(t, "S", 0, 0, 0);
		assert_in_range(t->c->port, t->cfg.ip_local_port_lo, t->cfg.ip_local_port_hi);
		for (unsigned k = 0; k < i; k++)
			assert_int_not_equal(t->conn[k].port, t->c->port);
		in_order += i > 0 && t->c->port == t->conn[i - 1].port + 1;
	}
	assert_true(in_order < 3);
}

static void connect_errors(struct tt *t)
{
	struct zs_addr far = tt_addr(0xc0000201), any = { .q = { 0, 0 } };
	struct zs_addr other = tt_addr(0x0a000063), network = tt_addr(0x0a0000ff);

	tt_open(t);
	assert_int_equal(zs_tcp_connect(t->s, t->c->tcb, &far, 80), -ENETUNREACH);
	if (!tt_v6()) /* RFC 1122 4.2.3.10 */
		assert_int_equal(zs_tcp_connect(t->s, t->c->tcb, &network, 80), -EADDRNOTAVAIL);
	assert_int_equal(zs_tcp_bind(t->s, t->c->tcb, &other, 5000), -EADDRNOTAVAIL);
	assert_int_equal(zs_tcp_bind(t->s, t->c->tcb, &any, 5000), 0);
	assert_int_equal(zs_tcp_bind(t->s, t->c->tcb, &any, 5001), -EINVAL);
	assert_int_equal(tt_connect(t), 0);
	assert_int_equal(t->c->port, 5000);
	tt_expect(t, "S", 0, 0, 0);
	assert_int_equal(tt_connect(t), -EALREADY);
	tt_in(t, "SA", 0, 1, 0);
	tt_expect(t, "A", 1, 1, 0);
	assert_int_equal(tt_connect(t), -EISCONN);
	tt_use(t, 1);
	tt_open(t);
	assert_int_equal(zs_tcp_bind(t->s, t->c->tcb, &any, 5000), -EADDRINUSE);
}

/* RFC 826: the SYN waits for the next hop's address, and is not lost. */
static void syn_waits_for_arp(struct tt *t)
{
	t->no_arp = true;
	assert_int_equal(tt_connect(t), 0);
	tt_expect_none(t);
	assert_int_equal(t->arp_requests, 1);
	tt_advance(t, 300 * TT_MS);
	tt_expect_none(t);
	t->no_arp = false;
	t->arp_due = true;
	tt_turn(t);
	tt_expect(t, "S", 0, 0, 0);
}

static const struct CMUnitTest tests[] = {
	TT(passive_plain),
	TT_CFG(passive_all_options, use_ts),
	TT_CFG(passive_offers, use_ts),
	TT(passive_ack_with_data),
	TT(passive_ack_with_fin),
	TT_CFG(passive_ack_from_edge, rcvbuf_8k),
	TT(passive_syn_with_data),
	TT(passive_repeated_syn),
	TT(active_plain),
	TT_CFG(active_timestamps, use_ts),
	TT(active_synack_with_data),
	TT(active_synack_with_fin),
	TT(active_repeated_synack),
	TT_CFG(mss_of_mtu_72, mtu_72),
	TT_CFG(mss_of_mtu_576, mtu_576),
	TT_CFG(mss_of_mtu_1280, mtu_1280),
	TT_CFG(mss_of_mtu_9000, mtu_9000),
	TT_CFG(mss_of_mtu_65535, mtu_65535),
	TT_CFG(wscale_of_64k, rcvbuf_64k),
	TT_CFG(wscale_of_128k, rcvbuf_128k),
	TT_CFG(wscale_of_2m, rcvbuf_2m),
	TT(wscale_of_15m),
	TT_CFG(wscale_of_1g, rcvbuf_1g),
	TT(wscale_not_used_one_sided),
	TT(wscale_used_when_both),
	TT_CFG(ts_off, no_ts),
	TT_CFG(sack_off, no_sack),
	TT_CFG(wscale_off, no_wscale),
	TT(syn_timeout),
	TT(syn_retransmission_answered),
	TT(syn_sent_bad_ack),
	TT(syn_sent_refused),
	TT(syn_sent_rst_ignored),
	TT(syn_sent_no_syn),
	TT(close_in_syn_sent),
	TT(abort_in_syn_sent),
	TT(isn_grows_with_time),
	TT(isn_differs_per_connection),
	TT(ephemeral_ports),
	TT(connect_errors),
	TT(syn_waits_for_arp),
};

ZS_TEST_MAIN(tests)
