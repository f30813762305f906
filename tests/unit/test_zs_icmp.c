/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ICMP: echo in the buffer that asked, errors of ours (when, to whom, how often, quoting what), and
 * errors of others on their way to UDP and TCP.
 */
#include "zs_nettest.h"

#include <errno.h>

#include "core/tcp/zs_tcp.h"
#include "core/zs_ip4.h"
#include "core/zs_udp.h"

/* What TCP was told (the linker puts this in the place of TCP's own function). */
static struct {
	unsigned calls;
	struct zs_flow flow;
	uint32_t seq, mtu;
	int hard;
} told;

void __wrap_zs_tcp_icmp_error(struct zs_stack *s, const struct zs_flow *flow, uint32_t seq,
			      int hard, uint32_t mtu);
void __wrap_zs_tcp_icmp_error(struct zs_stack *s, const struct zs_flow *flow, uint32_t seq,
			      int hard, uint32_t mtu)
{
	(void)s;
	told.calls++;
	told.flow = *flow;
	told.seq = seq;
	told.hard = hard;
	told.mtu = mtu;
}

static void ping(struct frame *f, const void *data, size_t n)
{
	frame_icmp(f, host(PEER), host(US), ZS_ICMP_ECHO, 0, 0xabcd0001, data, n);
}

static void assert_pong(const struct frame *f, const void *data, size_t n)
{
	const uint32_t us = host(US), peer = host(PEER);

	assert_int_equal(f->len, L2 + L3 + 8 + n);
	assert_memory_equal(f->b, mac_of(PEER).b, 6);
	assert_memory_equal(f->b + L2 + 12, &us, 4);
	assert_memory_equal(f->b + L2 + 16, &peer, 4);
	assert_int_equal(f->b[L2 + 8], 64);
	assert_int_equal(f->b[L2 + L3], ZS_ICMP_ECHO_REPLY);
	assert_memory_equal(f->b + L2 + L3 + 4, "\xab\xcd\0\1", 4);
	assert_memory_equal(f->b + L2 + L3 + 8, data, n);
	assert_cksums(f);
}

static void start(struct net *net)
{
	memset(&told, 0, sizeof(told));
	net_start(net);
	net_know(net, PEER);
}

static void test_echo(void **state)
{
	uint8_t data[1472];
	struct net net;
	struct frame f;

	(void)state;
	start(&net);
	for (uint32_t n = 0; n <= sizeof(data); n += n < 70 ? 1 : 467) {
		uint64_t allocs = net.s->stats.allocs;
		struct rte_mbuf *m;

		fill(data, n, n);
		ping(&f, data, n);
		m = net_mbuf(&net, &f);
		m->ol_flags = RTE_MBUF_F_RX_IP_CKSUM_GOOD | RTE_MBUF_F_RX_RSS_HASH;
		net_input_mbuf(&net, m);
		assert_int_equal(net.n_out, 1);
		assert_ptr_equal(net.out[0], m);
		assert_int_equal(net.s->stats.allocs, allocs);
		assert_int_equal(m->ol_flags, 0);
		net_sent(&net, 0, &f);
		assert_pong(&f, data, n);
		net_clear(&net);
	}
	ping(&f, data, 10); /* the same type of service (RFC 1122 3.2.2.6), but no ECN mark */
	f.b[L2 + 1] = 0x2b;
	frame_fix_ip(&f);
	net_input(&net, &f);
	net_sent(&net, 0, &f);
	assert_int_equal(f.b[L2 + 1], 0x28);
	assert_int_equal(net.s->stats.copies, 0);
	net_end(&net);
}

/* Chains, priority tags and IP options: the answer has none of the oddities of the question. */
static void test_echo_odd(void **state)
{
	uint8_t data[333];
	struct net net;
	struct frame f, odd;

	(void)state;
	start(&net);
	fill(data, sizeof(data), 1);
	for (uint32_t first = L2 + L3 + 8; first < 60; first++) {
		ping(&f, data, sizeof(data));
		net_input_mbuf(&net, net_chain(&net, &f, first, 31));
		net_sent(&net, 0, &f);
		assert_pong(&f, data, sizeof(data));
		net_clear(&net);
	}
	ping(&f, data, sizeof(data));
	frame_eth(&odd, mac_of(US), mac_of(PEER), ZS_ETH_VLAN);
	frame_put(&odd, "\xe0\x00\x08\x00", 4);
	frame_put(&odd, f.b + L2, f.len - L2);
	net_input(&net, &odd);
	net_sent(&net, 0, &f);
	assert_pong(&f, data, sizeof(data));
	net_clear(&net);
	ping(&f, data, sizeof(data));
	odd.len = 0;
	frame_put(&odd, f.b, L2 + L3);
	frame_put(&odd, "\x01\x01\x01\x00", 4);
	frame_put(&odd, f.b + L2 + L3, f.len - L2 - L3);
	odd.b[L2] = 0x46;
	put16(odd.b + L2 + 2, odd.len - L2);
	frame_fix_ip(&odd);
	net_input(&net, &odd);
	net_sent(&net, 0, &f);
	assert_pong(&f, data, sizeof(data));
	net_end(&net);
}

/* A buffer that someone else holds too is answered from a header buffer in front of it. */
static void test_echo_shared(void **state)
{
	uint8_t data[333];
	struct net net;
	struct frame f, before;
	struct rte_mbuf *m;

	(void)state;
	start(&net);
	fill(data, sizeof(data), 1);
	ping(&before, data, sizeof(data));
	m = net_mbuf(&net, &before);
	net_input_mbuf(&net, zs_pkt_slice(net.s, m, 0, m->pkt_len));
	net_sent(&net, 0, &f);
	assert_pong(&f, data, sizeof(data));
	net_clear(&net);
	frame_of(&f, m);
	assert_memory_equal(f.b, before.b, before.len);
	zs_simpool_limit(net.pools.hdr, 2); /* the reference and nothing to build with */
	net_input_mbuf(&net, zs_pkt_slice(net.s, m, 0, m->pkt_len));
	assert_int_equal(net.n_out, 0);
	assert_int_equal(drops(&net, ZS_DROP_NO_MBUF), 1);
	rte_pktmbuf_free(m);
	net_end(&net);
}

/* A ping larger than the MTU: reassembled, and its answer in fragments. */
static void test_echo_large(void **state)
{
	static uint8_t data[4000];
	struct net net;
	struct frame f, whole, back;

	(void)state;
	start(&net);
	fill(data, sizeof(data), 4);
	ping(&whole, data, sizeof(data));
	for (uint32_t off = 0; off < 4008; off += 1480) {
		uint32_t n = 4008 - off < 1480 ? 4008 - off : 1480;

		frame_ip4(&f, host(PEER), host(US), ZS_PROTO_ICMP, n);
		put16(f.b + L2 + 6, off / 8 | (off + n < 4008 ? ZS_IP4_MF : 0));
		frame_fix_ip(&f);
		frame_put(&f, whole.b + L2 + L3 + off, n);
		net_input(&net, &f);
	}
	assert_int_equal(net.n_out, 3);
	frame_ip4(&back, host(US), host(PEER), ZS_PROTO_ICMP, 4008);
	for (uint32_t i = 0; i < 3; i++) {
		net_sent(&net, i, &f);
		assert_int_equal(naive_sum(f.b + L2, L3, 0), 0xffff);
		frame_put(&back, f.b + L2 + L3, f.len - L2 - L3);
	}
	memcpy(back.b, mac_of(PEER).b, 6);
	back.b[L2 + 8] = 64;
	frame_fix_ip(&back);
	assert_pong(&back, data, sizeof(data));
	assert_int_equal(net.s->stats.copies, 0);
	net_end(&net);
}

/* In the smallest fragments: their chain is longer than devices take in one packet. */
static void test_echo_in_pieces(void **state)
{
	uint8_t data[1000];
	struct net net;
	struct frame f, whole;
	uint32_t n = sizeof(data) + 8;

	(void)state;
	start(&net);
	fill(data, sizeof(data), 5);
	ping(&whole, data, sizeof(data));
	for (uint32_t off = 0; off < n; off += 8) {
		frame_ip4(&f, host(PEER), host(US), ZS_PROTO_ICMP, 8);
		put16(f.b + L2 + 6, off / 8 | (off + 8 < n ? ZS_IP4_MF : 0));
		frame_fix_ip(&f);
		frame_put(&f, whole.b + L2 + L3 + off, 8);
		net_input(&net, &f);
	}
	assert_int_equal(net.n_out, 1);
	assert_int_equal(net.out[0]->nb_segs, 1);
	net_sent(&net, 0, &f);
	assert_pong(&f, data, sizeof(data));
	assert_int_equal(net.s->stats.tx_linearized, 1);
	net_end(&net);
}

static void test_not_answered(void **state)
{
	struct net net;
	struct frame f;

	(void)state;
	start(&net);
	ping(&f, "x", 1);
	f.b[f.len - 1] ^= 1;
	net_input(&net, &f);
	assert_int_equal(drops(&net, ZS_DROP_ICMP_CKSUM), 1);
	frame_icmp(&f, host(PEER), host(255), ZS_ICMP_ECHO, 0, 1, "x", 1);
	net_input(&net, &f);
	frame_icmp(&f, host(PEER), host(US), ZS_ICMP_ECHO_REPLY, 0, 1, "x", 1);
	net_input(&net, &f);
	frame_icmp(&f, host(PEER), host(US), 13, 0, 1, "x", 1); /* timestamp */
	net_input(&net, &f);
	assert_int_equal(drops(&net, ZS_DROP_ICMP_IGNORED), 3);
	assert_int_equal(net.n_out, 0);
	net_end(&net);
}

/* ---- our own errors ---- */

static void test_unreachable(void **state)
{
	uint8_t data[1400];
	struct net net;
	struct frame f, e;

	(void)state;
	start(&net);
	fill(data, sizeof(data), 1);
	for (uint32_t n = 0; n <= sizeof(data); n += 100) {
		uint32_t quoted = L3 + 8 + n < 548 ? L3 + 8 + n : 548;

		frame_udp(&f, host(PEER), 1, host(US), 2, data, n);
		net_input(&net, &f);
		assert_int_equal(net.n_out, 1);
		net_sent(&net, 0, &e);
		assert_int_equal(e.len, L2 + L3 + 8 + quoted);
		assert_memory_equal(e.b, mac_of(PEER).b, 6);
		assert_int_equal(e.b[L2 + L3], ZS_ICMP_UNREACH);
		assert_int_equal(e.b[L2 + L3 + 1], ZS_UNREACH_PORT);
		assert_memory_equal(e.b + L2 + L3 + 4, "\0\0\0\0", 4);
		assert_memory_equal(e.b + L2 + L3 + 8, f.b + L2, quoted);
		assert_cksums(&e);
		net_clear(&net);
		assert_int_equal(zs_simpools_live(&net.pools), 0);
	}
	assert_int_equal(drops(&net, ZS_DROP_UDP_NO_SOCKET), 15);
	frame_ip4(&f, host(PEER), host(US), 47, 10);
	frame_put(&f, data, 10);
	net_input(&net, &f);
	net_sent(&net, 0, &e);
	assert_int_equal(e.b[L2 + L3 + 1], ZS_UNREACH_PROTO);
	assert_int_equal(drops(&net, ZS_DROP_IP_PROTO), 1);
	assert_int_equal(net.s->stats.copies, 0);
	net_end(&net);
}

static void test_silence(void **state)
{
	struct net net;
	struct frame f;
	struct zs_pktinfo pi;
	struct rte_mbuf *m;

	(void)state;
	start(&net);
	frame_udp(&f, host(PEER), 1, host(255), 2, "x", 1);
	net_input(&net, &f);
	frame_udp(&f, host(PEER), 1, ip4(224, 0, 0, 251), 2, "x", 1);
	net_input(&net, &f);
	frame_udp(&f, host(PEER), 1, host(US), 2, "x", 1);
	memset(f.b, 0xff, 6); /* by a link-layer broadcast */
	net_input(&net, &f);
	frame_ip4(&f, host(PEER), ip4(224, 0, 0, 1), 103, 8); /* PIM */
	frame_put(&f, "01234567", 8);
	net_input(&net, &f);
	assert_int_equal(net.n_out, 0);
	assert_int_equal(drops(&net, ZS_DROP_UDP_NO_SOCKET), 3);
	assert_int_equal(drops(&net, ZS_DROP_IP_PROTO), 1);
	/* never about an ICMP message */
	frame_icmp(&f, host(PEER), host(US), ZS_ICMP_UNREACH, ZS_UNREACH_PORT, 0, "short", 5);
	net_input(&net, &f);
	assert_int_equal(net.n_out, 0);
	assert_int_equal(drops(&net, ZS_DROP_ICMP_BAD), 1);
	m = net_mbuf(&net, &f);
	zs_parse(net.s, net.nif, m, &pi);
	zs_icmp_send_unreach(net.s, m, &pi, ZS_UNREACH_PROTO);
	rte_pktmbuf_free(m);
	net_flush(&net);
	assert_int_equal(net.n_out, 0);
	net_end(&net);
}

static void test_rate(void **state)
{
	struct net net;
	struct frame f;

	(void)state;
	net_prepare(&net, US);
	net.cfg.icmp_rate = 10;
	net_create(&net);
	net_know(&net, PEER);
	frame_udp(&f, host(PEER), 1, host(US), 2, "x", 1);
	for (unsigned i = 0; i < 100; i++)
		net_input(&net, &f);
	assert_int_equal(net.n_out, 10);
	assert_int_equal(drops(&net, ZS_DROP_ICMP_RATE), 90);
	net_wait(&net, 500000);
	for (unsigned i = 0; i < 100; i++)
		net_input(&net, &f);
	assert_in_range(net.n_out, 14, 16);
	net_clear(&net);
	ping(&f, "x", 1); /* answers are no errors */
	for (unsigned i = 0; i < 100; i++)
		net_input(&net, &f);
	assert_int_equal(net.n_out, 100);
	net_end(&net);
}

static void test_no_buffers(void **state)
{
	struct net net;
	struct frame f;

	(void)state;
	start(&net);
	frame_udp(&f, host(PEER), 1, host(US), 2, "x", 1);
	for (uint32_t limit = 0; limit < 2; limit++) {
		zs_simpool_limit(net.pools.hdr, limit);
		net_input(&net, &f);
		assert_int_equal(drops(&net, ZS_DROP_NO_MBUF), limit + 1);
		assert_int_equal(zs_simpools_live(&net.pools), 0);
	}
	net_end(&net);
}

/* ---- errors of others ---- */

/* An error that quotes a packet of ours from port 1000 to port 2000 of host 9. */
static void error_frame(struct frame *f, unsigned type, unsigned code, uint32_t rest,
			unsigned proto)
{
	struct frame quoted;
	uint8_t l4[8];

	put16(l4, 1000);
	put16(l4 + 2, 2000);
	put32(l4 + 4, 0xfedcba98);
	frame_ip4(&quoted, host(US), host(9), proto, sizeof(l4));
	put16(quoted.b + L2 + 2, 1500);
	frame_fix_ip(&quoted);
	frame_put(&quoted, l4, sizeof(l4));
	frame_icmp(f, host(PEER), host(US), type, code, rest, quoted.b + L2, L3 + 8);
}

static void test_to_tcp(void **state)
{
	static const struct {
		unsigned type, code;
		uint32_t rest, mtu;
		int hard;
	} row[] = {
		{ ZS_ICMP_UNREACH, ZS_UNREACH_PORT, 0, 0, ECONNREFUSED },
		{ ZS_ICMP_UNREACH, ZS_UNREACH_ADMIN_PROHIB, 0, 0, EHOSTUNREACH },
		{ ZS_ICMP_UNREACH, ZS_UNREACH_HOST, 0, 0, 0 },
		{ ZS_ICMP_UNREACH, ZS_UNREACH_FRAG_NEEDED, 1400, 1400, 0 },
		{ ZS_ICMP_UNREACH, ZS_UNREACH_FRAG_NEEDED, 0, 1492, 0 }, /* RFC 1191 7 */
		{ ZS_ICMP_UNREACH, ZS_UNREACH_FRAG_NEEDED, 20, 68, 0 },
		{ ZS_ICMP_TIME_EXCEEDED, 0, 0, 0, 0 },
		{ ZS_ICMP_PARAM_PROBLEM, 0, 0x10000000, 0, 0 },
	};
	struct net net;
	struct frame f;

	(void)state;
	start(&net);
	for (unsigned i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		error_frame(&f, row[i].type, row[i].code, row[i].rest, ZS_PROTO_TCP);
		net_input(&net, &f);
		assert_int_equal(told.calls, i + 1);
		assert_int_equal(told.flow.laddr.ip4_be, host(US));
		assert_int_equal(told.flow.faddr.ip4_be, host(9));
		assert_int_equal(told.flow.lport, 1000);
		assert_int_equal(told.flow.fport, 2000);
		assert_int_equal(told.flow.proto, ZS_PROTO_TCP);
		assert_int_equal(told.flow.family, ZS_AF_IP4);
		assert_int_equal(told.seq, 0xfedcba98);
		assert_int_equal(told.hard, row[i].hard);
		assert_int_equal(told.mtu, row[i].mtu);
	}
	net_end(&net);
}

static void test_to_udp(void **state)
{
	static const struct {
		unsigned type, code;
		int error;
	} row[] = {
		{ ZS_ICMP_UNREACH, ZS_UNREACH_PORT, ECONNREFUSED },
		{ ZS_ICMP_UNREACH, ZS_UNREACH_HOST, EHOSTUNREACH },
		{ ZS_ICMP_UNREACH, ZS_UNREACH_NET, ENETUNREACH },
		{ ZS_ICMP_UNREACH, ZS_UNREACH_PROTO, ENOPROTOOPT },
		{ ZS_ICMP_UNREACH, ZS_UNREACH_FRAG_NEEDED, EMSGSIZE },
		{ ZS_ICMP_TIME_EXCEEDED, 0, EHOSTUNREACH },
		{ ZS_ICMP_PARAM_PROBLEM, 0, EPROTO },
	};
	const struct zs_addr nine = zs_addr_ip4(host(9)), any = zs_addr_ip4(0);
	struct net net;
	struct frame f;
	struct zs_udp *u;
	unsigned ev;

	(void)state;
	start(&net);
	u = zs_udp_open(net.s, ZS_AF_IP4);
	u->ep.owner = u;
	assert_int_equal(zs_udp_bind(net.s, u, &any, 1000), 0);
	error_frame(&f, ZS_ICMP_UNREACH, ZS_UNREACH_PORT, 0, ZS_PROTO_UDP);
	net_input(&net, &f);
	assert_int_equal(u->ep.error, 0); /* not connected: whom would it mean? */
	assert_int_equal(zs_udp_connect(net.s, u, &nine, 2000), 0);
	for (unsigned i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		error_frame(&f, row[i].type, row[i].code, 0, ZS_PROTO_UDP);
		net_input(&net, &f);
		assert_int_equal(u->ep.error, row[i].error);
		assert_ptr_equal(zs_ep_next(net.s, &ev), &u->ep);
		assert_int_equal(ev, ZS_EV_ERR);
		u->ep.error = 0;
	}
	assert_int_equal(zs_udp_connect(net.s, u, &nine, 2001), 0);
	net_input(&net, &f);
	assert_int_equal(u->ep.error, 0);
	net_end(&net);
}

static void test_not_for_us(void **state)
{
	const uint32_t q = L2 + L3 + 8; /* the quoted header */
	const uint32_t other = host(77);
	struct net net;
	struct frame f, g;

	(void)state;
	start(&net);
	error_frame(&f, ZS_ICMP_UNREACH, ZS_UNREACH_PORT, 0, ZS_PROTO_TCP);
	g = f;
	memcpy(g.b + q + 12, &other, 4); /* not sent by us */
	frame_icmp(&g, host(PEER), host(US), 3, 3, 0, memmove(g.b + 2000, g.b + q, 28), 28);
	net_input(&net, &g);
	g = f;
	put16(g.b + q + 6, 1); /* a later fragment: no ports in it */
	frame_icmp(&g, host(PEER), host(US), 3, 3, 0, memmove(g.b + 2000, g.b + q, 28), 28);
	net_input(&net, &g);
	g = f;
	memset(g.b, 0xff, 6); /* by a link-layer broadcast */
	net_input(&net, &g);
	assert_int_equal(drops(&net, ZS_DROP_ICMP_IGNORED), 3);
	g = f;
	g.b[q] = 0x65;
	frame_icmp(&g, host(PEER), host(US), 3, 3, 0, memmove(g.b + 2000, g.b + q, 28), 28);
	net_input(&net, &g);
	g = f;
	g.b[q] = 0x4f; /* options longer than what is quoted */
	frame_icmp(&g, host(PEER), host(US), 3, 3, 0, memmove(g.b + 2000, g.b + q, 28), 28);
	net_input(&net, &g);
	for (uint32_t n = 0; n < 28; n++) {
		g = f;
		frame_icmp(&g, host(PEER), host(US), 3, 3, 0, memmove(g.b + 2000, g.b + q, n), n);
		net_input(&net, &g);
	}
	assert_int_equal(drops(&net, ZS_DROP_ICMP_BAD), 30);
	assert_int_equal(told.calls, 0);
	net_input_mbuf(&net, net_chain(&net, &f, q + 27, 100)); /* quote not in the first buffer */
	assert_int_equal(told.calls, 1);
	net_input(&net, &f);
	assert_int_equal(told.calls, 2);
	net_end(&net);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_echo),	       cmocka_unit_test(test_echo_odd),
		cmocka_unit_test(test_echo_shared),    cmocka_unit_test(test_echo_large),
		cmocka_unit_test(test_echo_in_pieces), cmocka_unit_test(test_not_answered),
		cmocka_unit_test(test_unreachable),    cmocka_unit_test(test_silence),
		cmocka_unit_test(test_rate),	       cmocka_unit_test(test_no_buffers),
		cmocka_unit_test(test_to_tcp),	       cmocka_unit_test(test_to_udp),
		cmocka_unit_test(test_not_for_us),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
