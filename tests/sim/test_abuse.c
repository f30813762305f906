/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the world does to a host: garbage, scans, floods, peers that vanish. The stack stays
 * unharmed, counts every frame that it did not use, and its memory returns to its level.
 */
#include <errno.h>

#include "simtest.h"

struct lone {
	struct zs_sim *w;
	struct zs_simhost *h;
	struct zs_simapp *app;
	struct raw_peer peer;
};

/* One host whose gateway is the hand-made peer. */
static void lone_create(struct lone *x, uint64_t seed)
{
	const struct zs_simwire_config wire = { .delay_ns = 10 * ZS_US };
	const struct zs_simconn_config take = { .rx_bytes = UINT64_MAX };
	struct zs_simhost_config c;

	x->w = zs_sim_create(seed);
	zs_simhost_config(&c, ip_b(), 24, 1500, ZS_SIM_OFF_ALL);
	c.stack.netif[0].ip4_gw_be = ip_a();
	x->h = zs_simhost_create(x->w, &c);
	raw_attach(&x->peer, zs_simlink_create(x->w, &wire), 1, x->h);
	zs_simlink_attach_host(x->peer.l, 0, x->h, 0);
	x->app = zs_simapp_create(x->h);
	zs_simapp_listen(x->app, PORT, 128, &take);
}

static uint64_t drops(const struct lone *x, enum zs_drop why)
{
	return zs_stack_stats(x->h->s)->drops[why];
}

/* Runs until timers have done their work; nothing may be left but the listener. */
static void lone_end(struct lone *x)
{
	struct zs_stack_counts n;
	uint32_t live, violations, leaked;

	zs_sim_run_for(x->w, 300 * ZS_SEC);
	n = zs_stack_counts(x->h->s);
	live = zs_simhost_live(x->h);
	violations = zs_sim_violations(x->w);
	leaked = zs_sim_destroy(x->w);
	zs_simapp_destroy(x->app);
	assert_int_equal(live, 0);
	assert_int_equal(n.tcbs, 0);
	assert_int_equal(n.half_open, 0);
	assert_int_equal(n.time_wait, 0);
	assert_int_equal(n.listeners, 1);
	assert_int_equal(violations, 0);
	assert_int_equal(leaked, 0);
}

/* Random bytes behind an Ethernet header that reaches the stack: each frame has its reason. */
static void test_garbage_frames(void **state)
{
	static const uint16_t types[] = { 0x0800, 0x0806, 0x86dd, 0x8100, 0x1234 };
	struct lone x;
	struct zs_simrand *r;
	uint64_t sent = 0;

	(void)state;
	lone_create(&x, 1);
	r = zs_sim_rand(x.w);
	for (unsigned int i = 0; i < 20000; i++) {
		uint8_t f[1514];
		uint32_t len = 1 + zs_simrand_below(r, i % 4 == 0 ? 1514 : 100);
		uint16_t type = types[zs_simrand_below(r, 5)];

		zs_sim_fill(zs_simrand_u64(r), 0, f, sizeof(f));
		memcpy(f, x.h->cfg.stack.netif[0].mac.b, 6);
		f[6] &= 0xfe;
		f[12] = (uint8_t)(type >> 8);
		f[13] = (uint8_t)type;
		if (i % 3 == 0)
			f[14] = 0x45;
		zs_simlink_inject(x.peer.l, 1, f, len);
		sent++;
		if (i % 32 == 0)
			zs_sim_run_for(x.w, ZS_MS);
	}
	zs_sim_run_for(x.w, ZS_SEC);
	assert_int_equal(zs_stack_stats(x.h->s)->rx_packets, sent);
	assert_int_equal(zs_simhost_drops(x.h), sent);
	assert_int_equal(zs_simhost_live(x.h), 0);
	lone_end(&x);
}

/* A good IP header, and a transport layer of random bytes under it. */
static void test_garbage_behind_ip(void **state)
{
	static const uint8_t protos[] = { 1, 6, 17, 2, 47 };
	struct lone x;
	struct zs_simrand *r;
	uint64_t sent = 0;

	(void)state;
	lone_create(&x, 2);
	r = zs_sim_rand(x.w);
	for (unsigned int i = 0; i < 20000; i++) {
		struct tcp_frame t = { .sip_be = ip_a(), .dip_be = ip_b() };
		uint8_t body[1480], f[1514];
		uint32_t len = zs_simrand_below(r, i % 4 == 0 ? 1480 : 100);

		memcpy(t.smac, x.peer.mac, 6);
		memcpy(t.dmac, x.peer.host_mac, 6);
		zs_sim_fill(zs_simrand_u64(r), 0, body, sizeof(body));
		len = frame_ip(f, &t, protos[zs_simrand_below(r, 5)], body, len);
		zs_simlink_inject(x.peer.l, 1, f, len);
		sent++;
		if (i % 32 == 0)
			zs_sim_run_for(x.w, ZS_MS);
	}
	zs_sim_run_for(x.w, ZS_SEC);
	assert_true(zs_simhost_drops(x.h) >= sent);
	lone_end(&x);
}

/* Good checksums, random headers: the state machine of a port scan by a madman. */
static void test_random_segments(void **state)
{
	struct lone x;
	struct zs_simrand *r;

	(void)state;
	lone_create(&x, 3);
	r = zs_sim_rand(x.w);
	for (unsigned int i = 0; i < 50000; i++) {
		uint64_t bits = zs_simrand_u64(r);
		uint8_t payload[100] = { 0 };
		struct tcp_frame t = {
			.sip_be = ip_a(),
			.dip_be = ip_b(),
			.sport = (uint16_t)(1000 + (bits & 15)),
			.dport = PORT,
			.seq = (uint32_t)(bits >> 4 & 0xff),
			.ack = (uint32_t)zs_simrand_u64(r),
			.flags = (uint8_t)(bits >> 16),
			.wnd = (uint16_t)(bits >> 32),
			.payload = payload,
			.len = (uint32_t)(bits >> 48 & 63),
		};

		raw_send_tcp(&x.peer, &t);
		if (i % 16 == 0)
			zs_sim_run_for(x.w, ZS_MS);
	}
	lone_end(&x);
}

static void test_port_scan(void **state)
{
	struct lone x;

	(void)state;
	lone_create(&x, 4);
	for (uint16_t port = 1000; port < 3000; port++) {
		struct tcp_frame t = {
			.sip_be = ip_a(),
			.dip_be = ip_b(),
			.sport = 40000,
			.dport = port,
			.seq = 12345,
			.flags = ZS_SYN,
			.wnd = 1024,
		};

		raw_send_tcp(&x.peer, &t);
		zs_sim_run_for(x.w, ZS_MS);
	}
	assert_int_equal(x.peer.rsts, 2000);
	assert_int_equal(drops(&x, ZS_DROP_TCP_NO_CONN), 2000);
	assert_int_equal(zs_stack_counts(x.h->s).half_open, 0);
	lone_end(&x);
}

static void test_syn_flood(void **state)
{
	struct zs_stack_counts n;
	struct lone x;
	uint64_t full;

	(void)state;
	lone_create(&x, 5);
	for (uint32_t i = 0; i < 10000; i++) {
		struct tcp_frame t = {
			.sip_be = zs_sim_ip(192, 168, (uint8_t)(i >> 8), (uint8_t)i),
			.dip_be = ip_b(),
			.sport = (uint16_t)(1024 + i),
			.dport = PORT,
			.seq = i * 77,
			.flags = ZS_SYN,
			.wnd = 1024,
		};

		raw_send_tcp(&x.peer, &t);
		zs_sim_run_for(x.w, 20 * ZS_US);
	}
	zs_sim_run_for(x.w, ZS_MS);
	n = zs_stack_counts(x.h->s);
	full = drops(&x, ZS_DROP_TCP_SYN_FULL);
	assert_in_range(n.half_open, 1, x.h->cfg.stack.max_half_open);
	assert_int_equal(n.half_open + full, 10000);
	assert_int_equal(n.tcbs, 0);
	assert_true(x.peer.synacks >= n.half_open);
	lone_end(&x);
}

/*
 * RFC 4987: SYNs of nobody at ten times the rate of real clients, who are served: the SYN-ACKs
 * carry cookies when the queue is full. What the stack holds does not grow.
 */
static void test_syn_flood_while_serving(void **state)
{
	enum { CLIENTS = 300, BOGUS = 10 };
	struct zs_simconn_config up = { .tx_bytes = 2000, .rx_bytes = 2000, .expects_echo = true };
	struct zs_simconn_config down = { .rx_bytes = 2000, .tx_bytes = 2000, .echo = true };
	struct pair_config c;
	struct raw_peer crowd;
	struct pair p;
	uint32_t peak;

	(void)state;
	pair_config(&c, 8, 1500, ZS_SIM_OFF_ALL);
	c.b.stack.max_half_open = 64;
	pair_create(&p, &c);
	crowd = (struct raw_peer){ .l = p.l, .end = 0, .mac = { 2, 0xbe, 0xef, 0, 0, 1 } };
	memcpy(crowd.host_mac, p.b->cfg.stack.netif[0].mac.b, 6);
	zs_simapp_listen(p.server, PORT, 128, &down);
	for (uint32_t i = 0; i < CLIENTS * BOGUS; i++) {
		struct tcp_frame t = {
			.sip_be = zs_sim_ip(10, 200, (uint8_t)(i >> 8), (uint8_t)i),
			.dip_be = ip_b(),
			.sport = (uint16_t)(1024 + i),
			.dport = PORT,
			.seq = i * 77,
			.flags = ZS_SYN,
			.wnd = 1024,
		};

		raw_send_tcp(&crowd, &t);
		if (i % BOGUS == 0)
			zs_simapp_connect(p.client, ip_b(), PORT, &up);
		zs_sim_run_for(p.w, 100 * ZS_US);
	}
	peak = zs_stack_counts(p.b->s).half_open;
	zs_sim_run_for(p.w, ZS_SEC / 2);
	assert_in_range(peak, 1, c.b.stack.max_half_open);
	assert_true(zs_stack_stats(p.b->s)->tcp_cookies_out > CLIENTS);
	assert_true(zs_stack_stats(p.b->s)->tcp_cookies_in >= CLIENTS / 2);
	assert_true(p.client->n_done >= CLIENTS * 95 / 100);
	assert_int_equal(p.client->n_failed, 0);
	assert_true(pair_settle(&p));
	assert_int_equal(pair_destroy(&p), 0);
}

/* The peer goes silent in the middle of a transfer: the sender gives up, and says why. */
static void test_peer_vanishes(void **state)
{
	struct zs_simconn_config up = { .tx_bytes = 1 << 20 };
	struct zs_simconn_config down = { .rx_bytes = 1 << 20 };
	struct pair_config c;
	struct pair p;
	uint32_t leaked;

	(void)state;
	pair_config(&c, 6, 1500, ZS_SIM_OFF_ALL);
	c.b.stack.keep_idle_ms = 10000;
	c.b.stack.keep_intvl_ms = 1000;
	pair_create(&p, &c);
	zs_simapp_listen(p.server, PORT, 16, &down);
	zs_simapp_connect(p.client, ip_b(), PORT, &up);
	zs_sim_run_for(p.w, 3 * ZS_MS);
	assert_int_equal(p.server->n_conns, 1);
	p.l->wire[0].cfg.loss_ppm = p.l->wire[1].cfg.loss_ppm = ZS_SIM_PPM;
	zs_tcp_opts(p.server->conns->tcb)->keepalive = true;
	zs_tcp_opts_changed(p.b->s, p.server->conns->tcb);
	zs_sim_run_for(p.w, 4000 * ZS_SEC);
	assert_int_equal(p.client->n_failed, 1);
	assert_int_equal(p.client->conns->error, ETIMEDOUT);
	assert_int_equal(p.server->n_failed, 1);
	assert_int_equal(p.server->conns->error, ETIMEDOUT);
	assert_true(pair_settle(&p));
	leaked = pair_destroy(&p);
	assert_int_equal(leaked, 0);
}

/* The server's process is killed and comes back: the client's next segment is answered by RST. */
static void test_peer_restarts(void **state)
{
	struct zs_simconn_config up = { .tx_bytes = 100 << 20 };
	struct zs_simconn_config down = { .rx_bytes = 100 << 20, .stay = true };
	struct zs_simhost *b2;
	struct pair_config c;
	struct pair p;

	(void)state;
	pair_config(&c, 7, 1500, ZS_SIM_OFF_ALL);
	pair_create(&p, &c);
	zs_simapp_listen(p.server, PORT, 16, &down);
	zs_simapp_connect(p.client, ip_b(), PORT, &up);
	zs_sim_run_for(p.w, 10 * ZS_MS);
	assert_int_equal(p.server->n_conns, 1);
	zs_simhost_stop(p.b);
	assert_int_equal(zs_simhost_live(p.b), 0);
	c.b.stack.netif[0].mac = p.b->cfg.stack.netif[0].mac;
	b2 = zs_simhost_create(p.w, &c.b);
	zs_simlink_attach_host(p.l, 1, b2, 0);
	zs_sim_run_for(p.w, 10 * ZS_SEC);
	assert_int_equal(p.client->n_failed, 1);
	assert_int_equal(p.client->conns->error, ECONNRESET);
	assert_int_equal(zs_sim_live(p.w), 0);
	assert_int_equal(pair_destroy(&p), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_garbage_frames),
		cmocka_unit_test(test_garbage_behind_ip),
		cmocka_unit_test(test_random_segments),
		cmocka_unit_test(test_port_scan),
		cmocka_unit_test(test_syn_flood),
		cmocka_unit_test(test_syn_flood_while_serving),
		cmocka_unit_test(test_peer_vanishes),
		cmocka_unit_test(test_peer_restarts),
	};

	return cmocka_run_group_tests_name("abuse", tests, NULL, NULL);
}
