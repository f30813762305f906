/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A stack that shares its interface with others: what it offers them before it refuses a packet,
 * what a copy of their ARP does, and which local ports it takes.
 */
#include "zs_nettest.h"

#include <errno.h>

#include "core/tcp/zs_tcp.h"
#include "core/zs_ip4.h"
#include "core/zs_udp.h"

static struct others {
	bool take;
	unsigned whole, stray;
	uint16_t modulus; /* of the ports that suit us */
} others;

static bool pass_on(void *ctx, uint16_t port, struct rte_mbuf *m, enum zs_pass why)
{
	(void)ctx;
	assert_int_equal(port, 0);
	others.whole += why == ZS_PASS_WHOLE;
	others.stray += why == ZS_PASS_STRAY;
	if (others.take)
		rte_pktmbuf_free(m);
	return others.take;
}

static bool rss_ok(void *ctx, const struct zs_flow *flow)
{
	(void)ctx;
	assert_int_equal(flow->laddr.ip4_be, host(US));
	assert_int_equal(flow->faddr.ip4_be, host(PEER));
	assert_int_equal(flow->fport, 77);
	return flow->lport % others.modulus == 0;
}

static void start_beside_others(struct net *net, bool take)
{
	others = (struct others){ .take = take, .modulus = 1 };
	net_prepare(net, US);
	net->env.pass_on = pass_on;
	net->env.rss_ok = rss_ok;
	net_create(net);
	net_know(net, PEER);
}

static void input_tcp(struct net *net, uint8_t flags)
{
	struct frame f;

	frame_tcp(&f, NULL, 0, NULL, 0);
	f.b[L2 + L3 + 13] = flags;
	frame_fix_l4(&f, 16);
	net_input(net, &f);
}

static void listen_80(struct net *net)
{
	struct zs_tcb *tcb = zs_tcp_open(net->s, ZS_AF_IP4);
	const struct zs_addr any = zs_addr_ip4(0);
	struct zs_listener *l;

	assert_int_equal(zs_tcp_bind(net->s, tcb, &any, 80), 0);
	assert_int_equal(zs_tcp_listen(net->s, tcb, 5, &l), 0);
}

static void test_stray_segment_is_offered(void **state)
{
	struct net net;

	(void)state;
	start_beside_others(&net, true);
	input_tcp(&net, ZS_ACK);
	input_tcp(&net, ZS_SYN);
	assert_int_equal(others.stray, 2);
	assert_int_equal(net.n_out, 0);
	assert_int_equal(drops(&net, ZS_DROP_TCP_NO_CONN), 0);
	others.take = false;
	input_tcp(&net, ZS_SYN);
	assert_int_equal(others.stray, 3);
	assert_int_equal(net.n_out, 1); /* the RST */
	net_end(&net);
}

static void test_connection_that_can_begin_here_does(void **state)
{
	struct net net;

	(void)state;
	start_beside_others(&net, true);
	listen_80(&net);
	input_tcp(&net, ZS_ACK); /* may be of a connection of another stack's listener */
	assert_int_equal(others.stray, 1);
	input_tcp(&net, ZS_SYN);
	assert_int_equal(others.stray, 1);
	assert_int_equal(net.n_out, 1); /* SYN,ACK */
	input_tcp(&net, ZS_SYN);	/* and now its flow is known */
	assert_int_equal(others.stray, 1);
	net_end(&net);
}

static void test_stray_datagram_is_offered(void **state)
{
	struct net net;
	struct frame f;

	(void)state;
	start_beside_others(&net, true);
	frame_udp(&f, host(PEER), 1, host(US), 2, "x", 1);
	net_input(&net, &f);
	assert_int_equal(others.stray, 1);
	assert_int_equal(net.n_out, 0);
	others.take = false;
	net_input(&net, &f);
	assert_int_equal(drops(&net, ZS_DROP_UDP_NO_SOCKET), 1);
	assert_int_equal(net.n_out, 1); /* port unreachable */
	net_end(&net);
}

/* Of a datagram of 24 bytes, UDP header included. */
static void fragment(struct net *net, unsigned off, unsigned n, bool more)
{
	static const uint8_t payload[24] = { 0, 1, 0, 2, 0, 24 };
	struct frame f;

	frame_ip4(&f, host(PEER), host(US), ZS_PROTO_UDP, n);
	put16(f.b + L2 + 6, off / 8 | (more ? ZS_IP4_MF : 0u));
	frame_fix_ip(&f);
	frame_put(&f, payload + off, n);
	net_input(net, &f);
}

static void test_whole_datagram_is_offered_once(void **state)
{
	struct net net;

	(void)state;
	start_beside_others(&net, true);
	fragment(&net, 0, 8, true);
	assert_int_equal(others.whole, 0);
	fragment(&net, 8, 16, false);
	assert_int_equal(others.whole, 1);
	assert_int_equal(others.stray, 0);
	net_end(&net);
}

/* ---- ARP ---- */

static void input_copy(struct net *net, const struct frame *f)
{
	struct rte_mbuf *m = net_mbuf(net, f);

	m->ol_flags |= ZS_PKT_NEWS;
	net_input_mbuf(net, m);
}

static void test_copied_request_teaches_and_is_not_answered(void **state)
{
	const struct zs_addr nine = zs_addr_ip4(host(9));
	struct zs_mac mac;
	struct net net;
	struct frame f;

	(void)state;
	start_beside_others(&net, true);
	frame_arp(&f, (struct zs_mac){ { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } }, ZS_ARP_REQUEST,
		  mac_of(9), host(9), (struct zs_mac){ { 0 } }, host(US));
	input_copy(&net, &f);
	assert_int_equal(net.n_out, 0);
	assert_true(zs_neigh_lookup(net.s, net.nif, ZS_AF_IP4, &nine, &mac));
	assert_int_equal(mac.b[5], 9);
	net_input(&net, &f);
	assert_int_equal(net.n_out, 1);
	net_end(&net);
}

static void test_copies_are_neither_defended_against_nor_counted(void **state)
{
	struct net net;
	struct frame f;

	(void)state;
	start_beside_others(&net, true);
	frame_arp(&f, mac_of(US), ZS_ARP_REQUEST, mac_of(9), host(US), (struct zs_mac){ { 0 } },
		  host(US));
	input_copy(&net, &f);
	frame_arp(&f, mac_of(US), ZS_ARP_REQUEST, mac_of(9), host(9), (struct zs_mac){ { 0 } },
		  host(33));
	input_copy(&net, &f);
	assert_int_equal(net.n_out, 0);
	assert_int_equal(net.s->stats.arp_conflicts, 0);
	assert_int_equal(drops(&net, ZS_DROP_ARP_NOT_OURS), 0);
	net_end(&net);
}

/* ---- local ports ---- */

static void test_connect_takes_a_port_that_comes_back(void **state)
{
	const struct zs_addr peer = zs_addr_ip4(host(PEER));
	struct zs_tcb *tcb;
	struct zs_udp *u;
	struct net net;

	(void)state;
	start_beside_others(&net, false);
	others.modulus = 19;
	for (int i = 0; i < 10; i++) {
		tcb = zs_tcp_open(net.s, ZS_AF_IP4);
		assert_int_equal(zs_tcp_connect(net.s, tcb, &peer, 77), 0);
		assert_int_equal(zs_tcp_flow(tcb)->lport % 19, 0);
		u = zs_udp_open(net.s, ZS_AF_IP4);
		assert_int_equal(zs_udp_connect(net.s, u, &peer, 77), 0);
		assert_int_equal(u->flow.lport % 19, 0);
		u = zs_udp_open(net.s, ZS_AF_IP4);
		assert_int_equal(zs_udp_send(net.s, u, net_payload(&net, 5, 1), &peer, 77), 0);
		assert_int_equal(u->flow.lport % 19, 0);
	}
	net_flush(&net);
	net_end(&net);
}

static void test_without_a_fitting_port_udp_takes_any(void **state)
{
	const struct zs_addr peer = zs_addr_ip4(host(PEER));
	struct zs_tcb *tcb;
	struct zs_udp *u;
	struct net net;

	(void)state;
	start_beside_others(&net, false);
	others.modulus = UINT16_MAX;
	u = zs_udp_open(net.s, ZS_AF_IP4);
	assert_int_equal(zs_udp_connect(net.s, u, &peer, 77), 0);
	assert_true(u->flow.lport != 0);
	tcb = zs_tcp_open(net.s, ZS_AF_IP4);
	assert_int_equal(zs_tcp_connect(net.s, tcb, &peer, 77), -EADDRNOTAVAIL);
	net_end(&net);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stray_segment_is_offered),
		cmocka_unit_test(test_connection_that_can_begin_here_does),
		cmocka_unit_test(test_stray_datagram_is_offered),
		cmocka_unit_test(test_whole_datagram_is_offered_once),
		cmocka_unit_test(test_copied_request_teaches_and_is_not_answered),
		cmocka_unit_test(test_copies_are_neither_defended_against_nor_counted),
		cmocka_unit_test(test_connect_takes_a_port_that_comes_back),
		cmocka_unit_test(test_without_a_fitting_port_udp_takes_any),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
