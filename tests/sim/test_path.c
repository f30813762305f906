/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Paths and loads as they are: a router with a smaller MTU that says so, losses of 1, 5 and 10 %,
 * outages, many short connections, fragmented datagrams over a bad link.
 */
#include "../../sim/zs_simworld.h"
#include "core/zs_udp.h"
#include "simtest.h"

/* ---- a smaller MTU behind a router ---- */

struct router {
	struct zs_simlink *l;
	uint16_t mtu;
	uint64_t too_big, passed_after;
};

/* RFC 8201: the same with IPv6. */
static void say_too_big(const struct router *r, const struct zs_simpkt *p)
{
	struct zs_addr from = zs_sim_addr(zs_sim_ip(10, 0, 0, 99)), to = zs_sim_addr(ip_a());
	uint8_t out[14 + 40 + 8 + 48] = { 0 }, *ip = out + 14, *msg = ip + 40;
	uint16_t sum;

	memcpy(out, p->data + 6, 6);
	memcpy(out + 6, p->data, 6);
	memcpy(out + 12, "\x86\xdd\x60", 3);
	ip[5] = 8 + 48;
	ip[6] = ZS_PROTO_ICMP6;
	ip[7] = 60;
	memcpy(ip + 8, &from, 16);
	memcpy(ip + 24, &to, 16);
	msg[0] = ZS_ICMP6_TOO_BIG;
	msg[6] = (uint8_t)(r->mtu >> 8);
	msg[7] = (uint8_t)r->mtu;
	memcpy(msg + 8, p->data + 14, 48);
	sum = (uint16_t)~zs_simck_sum(zs_simck_sum(ZS_PROTO_ICMP6 + 8 + 48, ip + 8, 32), msg,
				      8 + 48);
	msg[2] = (uint8_t)(sum >> 8);
	msg[3] = (uint8_t)sum;
	zs_simlink_inject(r->l, 1, out, sizeof(out));
}

/* Frames from end 0 that are too long vanish, and an ICMP message goes back (RFC 1191). */
static unsigned int small_mtu(void *arg, struct zs_simpkt *p)
{
	struct router *r = arg;
	struct tcp_frame f = { .sip_be = zs_sim_ip(10, 0, 0, 99), .dip_be = ip_a() };
	uint8_t msg[8 + 28], out[128];

	if (p->len <= 14u + r->mtu || (p->data[12] != 8 && p->data[12] != 0x86)) {
		r->passed_after += r->too_big > 0;
		return ZS_SIM_PASS;
	}
	r->too_big++;
	if (p->data[12] == 0x86) {
		say_too_big(r, p);
		return ZS_SIM_DROP;
	}
	memset(msg, 0, 8);
	msg[0] = ZS_ICMP_UNREACH;
	msg[1] = ZS_UNREACH_FRAG_NEEDED;
	msg[6] = (uint8_t)(r->mtu >> 8);
	msg[7] = (uint8_t)r->mtu;
	memcpy(msg + 8, p->data + 14, 28);
	frame_fix_icmp(msg, sizeof(msg));
	memcpy(f.smac, p->data, 6);
	memcpy(f.dmac, p->data + 6, 6);
	zs_simlink_inject(r->l, 1, out, frame_ip(out, &f, ZS_PROTO_ICMP, msg, sizeof(msg)));
	return ZS_SIM_DROP;
}

static void test_path_mtu(void **state)
{
	struct zs_simconn_config how = { .tx = ZS_SIMTX_CHAIN, .tx_chunk = 100000 };
	struct router r = { .mtu = 1300 };
	struct pair_config c;
	struct pair p;

	(void)state;
	pair_config(&c, 1, 1500, ZS_SIM_OFF_ALL);
	pair_create(&p, &c);
	r.l = p.l;
	p.l->wire[0].cfg.rule = small_mtu;
	p.l->wire[0].cfg.rule_arg = &r;
	pair_transfer(&p, 300000, 1000, &how);
	if (!pair_run(&p, 1, 60 * ZS_SEC))
		fail_msg("%s", pair_problem(&p));
	assert_in_range(r.too_big, 1, 60);
	assert_true(r.passed_after >= 300000 / 1300);
	assert_int_equal(pair_copies(&p), 0);
	assert_true(zs_sim_now(p.w) < 2 * ZS_SEC);
	pair_end(&p);
}

/* ---- loss ---- */

static void lossy(uint32_t ppm, unsigned int conns)
{
	static const uint32_t sizes[] = { 0, 1, 64, 1024, 1460, 4096, 8192, 65536, 300000 };
	struct pair_config c;
	struct pair p;

	pair_config(&c, ppm, 1500, ZS_SIM_OFF_ALL);
	c.wire.loss_ppm = ppm;
	c.a.stack.syn_retries = c.b.stack.synack_retries = 10;
	for (unsigned int i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct zs_simconn_config how = { .tx = (uint8_t)(i % ZS_SIMTX_MODES),
						 .tx_chunk = 9000 };

		pair_create(&p, &c);
		for (unsigned int k = 0; k < conns; k++)
			pair_transfer(&p, sizes[i], sizes[i], &how);
		if (!pair_run(&p, conns, 3600 * ZS_SEC))
			fail_msg("%u bytes: %s", sizes[i], pair_problem(&p));
		pair_end(&p);
	}
}

static void test_loss_1_percent(void **state)
{
	(void)state;
	lossy(10000, 1);
	lossy(10000, 20);
}

static void test_loss_5_percent(void **state)
{
	(void)state;
	lossy(50000, 1);
	lossy(50000, 20);
}

static void test_loss_10_percent(void **state)
{
	(void)state;
	lossy(100000, 1);
	lossy(100000, 20);
}

/* The link is dead for 3 s: the transfer goes on soon after, within the backed-off timeout. */
static void test_outage(void **state)
{
	struct zs_simconn_config how = { .tx = ZS_SIMTX_BUF };
	struct pair_config c;
	struct pair p;

	(void)state;
	pair_config(&c, 3, 1500, ZS_SIM_OFF_ALL);
	pair_create(&p, &c);
	pair_transfer(&p, 4 << 20, 0, &how);
	zs_sim_run_for(p.w, 5 * ZS_MS);
	p.l->wire[0].cfg.loss_ppm = p.l->wire[1].cfg.loss_ppm = ZS_SIM_PPM;
	zs_sim_run_for(p.w, 3 * ZS_SEC);
	p.l->wire[0].cfg.loss_ppm = p.l->wire[1].cfg.loss_ppm = 0;
	assert_true(pair_run(&p, 1, 60 * ZS_SEC));
	assert_in_range(zs_sim_now(p.w), 3 * ZS_SEC, 8 * ZS_SEC);
	pair_end(&p);
}

/* ---- many short connections ---- */

/* One after the other; TIME-WAIT entries beyond their table make room for new ones. */
static void test_short_connections(void **state)
{
	enum { N = SLOW_BUILD ? 1000 : 5000 };
	struct zs_simconn_config how = { .tx = ZS_SIMTX_BUF };
	struct zs_stack_counts n;
	struct pair_config c;
	struct pair p;

	(void)state;
	pair_config(&c, 4, 1500, ZS_SIM_OFF_ALL);
	c.a.stack.max_time_wait = c.b.stack.max_time_wait = 256;
	pair_create(&p, &c);
	for (uint32_t i = 1; i <= N; i++) {
		pair_transfer(&p, 100, 1000, &how);
		if (!pair_run(&p, i, ZS_SEC))
			fail_msg("connection %u: %s", i, pair_problem(&p));
	}
	n = zs_stack_counts(p.a->s);
	assert_in_range(n.tcbs, 0, 1);
	assert_in_range(n.time_wait, 1, 256);
	pair_end(&p);
}

/* 500 at once, opened within one turn of the client. */
static void test_connection_storm(void **state)
{
	enum { N = 500 };
	struct zs_simconn_config how = { .tx = ZS_SIMTX_COPY };
	struct pair_config c;
	struct pair p;

	(void)state;
	pair_config(&c, 5, 1500, ZS_SIM_OFF_ALL);
	pair_create(&p, &c);
	for (uint32_t i = 0; i < N; i++)
		pair_transfer(&p, 3000, 3000, &how);
	if (!pair_run(&p, N, 60 * ZS_SEC))
		fail_msg("%s", pair_problem(&p));
	pair_end(&p);
}

/* ---- datagrams ---- */

/* A datagram of n bytes carries the stream of key n. */
struct udp_end {
	struct zs_udp *u;
	uint32_t got, damaged;
};

static void udp_turn(struct zs_simhost *h, void *arg)
{
	struct udp_end *e = arg;
	struct rte_mbuf *m;
	unsigned int ev;

	while (zs_ep_next(h->s, &ev) != NULL)
		continue;
	while ((m = zs_udp_recv(h->s, e->u)) != NULL) {
		e->got++;
		e->damaged += zs_sim_match_chain(m->pkt_len, 0, m) != m->pkt_len;
		rte_pktmbuf_free(m);
	}
}

static void send_datagram(struct zs_simhost *h, struct zs_udp *u, uint16_t len)
{
	const struct zs_addr to = zs_sim_addr(ip_b());
	struct rte_mbuf *m = rte_pktmbuf_alloc(h->pools.big);

	assert_non_null(m);
	zs_sim_append(len, 0, m, len);
	zs_sim_mark(len, 0, m);
	assert_int_equal(zs_udp_send(h->s, u, m, &to, PORT), 0);
	zs_simhost_wake(h, 0);
}

/* Fragments are lost, doubled, damaged and out of order: what arrives is whole and right. */
static void test_datagrams_over_a_bad_link(void **state)
{
	enum { N = 1000 };
	const struct zs_addr any = { .q = { 0, 0 } };
	struct udp_end here = { .u = NULL }, there = here;
	struct pair_config c;
	struct pair p;

	(void)state;
	pair_config(&c, 8, 1500, ZS_SIM_OFF_ALL);
	c.wire.loss_ppm = c.wire.corrupt_ppm = 10000;
	c.wire.dup_ppm = c.wire.reorder_ppm = 100000;
	c.wire.reorder_ns = ZS_MS;
	pair_create(&p, &c);
	p.a->app = p.b->app = udp_turn;
	p.a->app_arg = &here;
	p.b->app_arg = &there;
	here.u = zs_udp_open(p.a->s, zs_sim_family());
	there.u = zs_udp_open(p.b->s, zs_sim_family());
	assert_int_equal(zs_udp_bind(p.b->s, there.u, &any, PORT), 0);
	for (unsigned int i = 0; i < N; i++) {
		send_datagram(p.a, here.u, (uint16_t)(1 + i * 13));
		zs_sim_run_for(p.w, ZS_MS);
	}
	zs_sim_run_for(p.w, 60 * ZS_SEC);
	assert_int_equal(there.damaged, 0);
	assert_in_range(there.got, N * 85 / 100, N * 115 / 100);
	assert_int_equal(pair_copies(&p), 0);
	zs_udp_close(p.a->s, here.u);
	zs_udp_close(p.b->s, there.u);
	pair_end(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_path_mtu),
		cmocka_unit_test(test_loss_1_percent),
		cmocka_unit_test(test_loss_5_percent),
		cmocka_unit_test(test_loss_10_percent),
		cmocka_unit_test(test_outage),
		cmocka_unit_test(test_short_connections),
		cmocka_unit_test(test_connection_storm),
		cmocka_unit_test(test_datagrams_over_a_bad_link),
	};

	return cmocka_run_group_tests_name("path", tests, NULL, NULL);
}
