/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The parser and IPv6: what it reads, chains of extension headers, what is refused and with which
 * error, every frame cut at every byte, and garbage.
 */
#include "zs_net6test.h"

static const uint8_t data[] = "the quick brown fox";
enum { N = sizeof(data) - 1 };

static void parse_mbuf(struct net *net, struct rte_mbuf *m, struct zs_pktinfo *pi)
{
	memset(pi, 0xa5, sizeof(*pi));
	zs_parse(net->s, net->nif, m, pi);
	rte_pktmbuf_free(m);
}

static void parse(struct net *net, const struct frame *f, struct zs_pktinfo *pi)
{
	parse_mbuf(net, net_mbuf(net, f), pi);
}

static void assert_drop(struct net *net, const struct frame *f, enum zs_drop why)
{
	struct zs_pktinfo pi;

	parse(net, f, &pi);
	assert_int_equal(pi.kind, ZS_PKT_DROP);
	assert_string_equal(zs_drop_name(pi.drop), zs_drop_name(why));
}

static void assert_problem(struct net *net, const struct frame *f, unsigned code, unsigned off)
{
	struct zs_pktinfo pi;

	parse(net, f, &pi);
	assert_int_equal(pi.kind, ZS_PKT_PROBLEM);
	assert_int_equal(pi.problem - 1, code);
	assert_int_equal(pi.problem_off - pi.l3_off, off);
}

/* A TCP segment behind the extension headers ext, the first of which is of type next. */
static void frame_tcp6(struct frame *f, unsigned next, const void *ext, size_t n_ext)
{
	uint8_t th[20] = { 0x03, 0xe8, 0, 80, 0xff, 0xff,   0xff,
			   0xf0, 1,    2, 3,  4,    5 << 4, ZS_ACK | ZS_PSH };

	frame_ip6(f, host6(PEER), host6(US), next, 61, 0);
	frame_put(f, ext, n_ext);
	frame_put(f, th, sizeof(th));
	frame_put(f, data, N);
	frame_fix6(f, L34_6 + (uint32_t)n_ext, ZS_PROTO_TCP, 16);
}

static void test_tcp(void **state)
{
	struct net net;
	struct frame f;
	struct zs_pktinfo pi;

	(void)state;
	net6_start(&net);
	frame_tcp6(&f, ZS_PROTO_TCP, NULL, 0);
	f.b[L2] = 0x62;
	f.b[L2 + 1] = 0xb5;
	parse(&net, &f, &pi);
	assert_int_equal(pi.kind, ZS_PKT_TCP);
	assert_addr(&pi.flow.laddr, host6(US));
	assert_addr(&pi.flow.faddr, host6(PEER));
	assert_int_equal(pi.flow.lport, 80);
	assert_int_equal(pi.flow.fport, 1000);
	assert_int_equal(pi.flow.family, ZS_AF_IP6);
	assert_int_equal(pi.flow.proto, ZS_PROTO_TCP);
	assert_int_equal(pi.hash, zs_flow_hash(net.s->hash_key, &pi.flow));
	assert_int_equal(pi.tos, 0x2b);
	assert_int_equal(pi.ttl, 61);
	assert_int_equal(pi.l4_off, L34_6);
	assert_int_equal(pi.data_off, L34_6 + 20);
	assert_int_equal(pi.data_len, N);
	f.b[L34_6 + 25] ^= 1;
	assert_drop(&net, &f, ZS_DROP_TCP_CKSUM);
	net_end(&net);
}

/* RFC 8200 4.1: all in the recommended order; RFC 6946: an atomic fragment. */
static void test_ext_headers(void **state)
{
	static const uint8_t chain[] = {
		60, 0, 5,    2, 0, 0, 1, 0, /* hop-by-hop: router alert, padding */
		43, 0, 1,    2, 0, 0, 0, 0, /* destination options: PadN 2, Pad1 */
		44, 0, 0,    0, 0, 0, 0, 0, /* routing, no segments left */
		60, 0, 0,    0, 1, 2, 3, 4, /* fragment that is a whole */
		6,  0, 0x1e, 4, 0, 0, 0, 0  /* destination options: unknown, to be skipped */
	};
	struct net net;
	struct frame f;
	struct zs_pktinfo pi;

	(void)state;
	net6_start(&net);
	frame_tcp6(&f, ZS_EXT_HOPOPTS, chain, sizeof(chain));
	parse(&net, &f, &pi);
	assert_int_equal(pi.kind, ZS_PKT_TCP);
	assert_int_equal(pi.l4_off, L34_6 + sizeof(chain));
	assert_int_equal(pi.data_len, N);
	for (uint32_t n = 0; n < f.len - N; n++) { /* cut, and lengths that say so */
		struct frame cut = f;

		cut.len = n;
		parse(&net, &cut, &pi);
		assert_int_equal(pi.kind, ZS_PKT_DROP);
		if (n < L34_6)
			continue;
		put16(cut.b + L2 + 4, n - L34_6);
		parse(&net, &cut, &pi);
		assert_int_not_equal(pi.kind, ZS_PKT_TCP);
	}
	net_end(&net);
}

/* What nobody here knows, and who is told (RFC 8200 4.1, 4.2, 4.4; RFC 5095). */
static void test_refused(void **state)
{
	static const uint8_t routing0[24] = { 6, 2, 0, 1 }, late_hop[16] = { 0, 0, 1, 4, [8] = 6 };
	uint8_t option[8] = { 6, 0, 0xc2, 4 };
	struct zs_pktinfo pi;
	struct net net;
	struct frame f;

	(void)state;
	net6_start(&net);
	frame_tcp6(&f, ZS_EXT_ROUTING, routing0, sizeof(routing0));
	assert_problem(&net, &f, ZS_PARAM6_HEADER, 42);
	frame_tcp6(&f, ZS_EXT_HOPOPTS, option, sizeof(option)); /* a jumbogram's */
	assert_problem(&net, &f, ZS_PARAM6_OPTION, 42);
	option[2] = 0x80;
	frame_tcp6(&f, ZS_EXT_DSTOPTS, option, sizeof(option));
	assert_problem(&net, &f, ZS_PARAM6_OPTION, 42);
	option[2] = 0x40;
	frame_tcp6(&f, ZS_EXT_DSTOPTS, option, sizeof(option));
	assert_drop(&net, &f, ZS_DROP_IP_HEADER);
	option[2] = 0;
	option[3] = 200; /* beyond its header */
	frame_tcp6(&f, ZS_EXT_DSTOPTS, option, sizeof(option));
	option[2] = 1;
	frame_tcp6(&f, ZS_EXT_DSTOPTS, option, sizeof(option));
	assert_drop(&net, &f, ZS_DROP_IP_HEADER);
	frame_tcp6(&f, ZS_EXT_DSTOPTS, late_hop, sizeof(late_hop));
	parse(&net, &f, &pi); /* the header 0 in this place is one that nobody knows */
	assert_int_equal(pi.kind, ZS_PKT_IP_OTHER);
	assert_int_equal(pi.next_at - pi.l3_off, 40);
	frame_tcp6(&f, 1, NULL, 0); /* IPv4's ICMP */
	parse(&net, &f, &pi);
	assert_int_equal(pi.kind, ZS_PKT_IP_OTHER);
	net_end(&net);
}

/* RFC 8200 4.1: no end of headers is too many of them. */
static void test_long_chain(void **state)
{
	uint8_t chain[20 * 8];
	struct net net;
	struct frame f;

	(void)state;
	net6_start(&net);
	for (unsigned i = 0; i < sizeof(chain); i += 8)
		memcpy(chain + i, "\x3c\0\1\4\0\0\0\0", 8);
	chain[sizeof(chain) - 8] = ZS_PROTO_TCP;
	frame_tcp6(&f, ZS_EXT_DSTOPTS, chain, sizeof(chain));
	assert_drop(&net, &f, ZS_DROP_IP_HEADER);
	net_end(&net);
}

/* Fragments: offsets, and all headers in the first (RFC 7112). */
static void test_fragment(void **state)
{
	uint8_t ext[8] = { ZS_PROTO_TCP, 0, 0, 1, 0, 0, 0, 7 };
	struct zs_pktinfo pi;
	struct net net;
	struct frame f;

	(void)state;
	net6_start(&net);
	frame_tcp6(&f, ZS_EXT_FRAGMENT, ext, sizeof(ext));
	f.len -= 7; /* 32 bytes are left */
	put16(f.b + L2 + 4, f.len - L34_6);
	parse(&net, &f, &pi);
	assert_int_equal(pi.kind, ZS_PKT_FRAG);
	assert_int_equal(pi.frag_off, L34_6);
	assert_int_equal(pi.frag_at, L2 + 6);
	assert_int_equal(pi.data_off, L34_6 + 8);
	assert_int_equal(pi.data_len, 32);
	f.len -= 1; /* only the last one may have any length */
	put16(f.b + L2 + 4, f.len - L34_6);
	assert_problem(&net, &f, ZS_PARAM6_HEADER, 4);
	f.len -= 15; /* TCP's header is not whole */
	put16(f.b + L2 + 4, f.len - L34_6);
	assert_drop(&net, &f, ZS_DROP_FRAG_BAD);
	put16(f.b + L34_6 + 2, 64 | 1); /* a later one need not have it */
	parse(&net, &f, &pi);
	assert_int_equal(pi.kind, ZS_PKT_FRAG);
	put16(f.b + L34_6 + 2, 65512 | 1); /* 16 bytes of it fit into a packet */
	parse(&net, &f, &pi);
	assert_int_equal(pi.kind, ZS_PKT_FRAG);
	put16(f.b + L34_6 + 2, 65528); /* and here do not */
	assert_problem(&net, &f, ZS_PARAM6_HEADER, 42);
	net_end(&net);
}

/* RFC 8200 8.1: without a checksum there is no UDP. */
static void test_udp(void **state)
{
	struct zs_pktinfo pi;
	struct net net;
	struct frame f;

	(void)state;
	net6_start(&net);
	frame_udp6(&f, host6(PEER), 7, host6(US), 9, data, N);
	parse(&net, &f, &pi);
	assert_int_equal(pi.kind, ZS_PKT_UDP);
	assert_int_equal(pi.data_len, N);
	put16(f.b + L34_6 + 6, 0);
	assert_drop(&net, &f, ZS_DROP_UDP_CKSUM);
	net_end(&net);
}

/* Addresses that are of no use on a wire, and the zone of those that are of one link. */
static void test_addresses(void **state)
{
	struct zs_addr bad = link6(PEER), mapped = zs_ip6_map(host(PEER));
	struct zs_pktinfo pi;
	struct net net;
	struct frame f;

	(void)state;
	net6_start(&net);
	frame_udp6(&f, host6(PEER), 7, host6(77), 9, data, N);
	assert_drop(&net, &f, ZS_DROP_IP_NOT_OURS);
	frame_udp6(&f, host6(PEER), 7, group6(77), 9, data, N);
	assert_drop(&net, &f, ZS_DROP_IP_NOT_OURS);
	frame_udp6(&f, group6(1), 7, host6(US), 9, data, N);
	assert_drop(&net, &f, ZS_DROP_IP_SOURCE);
	frame_udp6(&f, mapped, 7, host6(US), 9, data, N);
	assert_drop(&net, &f, ZS_DROP_IP_SOURCE);
	frame_udp6(&f, any6, 7, host6(US), 9, data, N);
	assert_drop(&net, &f, ZS_DROP_IP_SOURCE);
	bad.b[3] = 1;
	frame_udp6(&f, bad, 7, host6(US), 9, data, N);
	assert_drop(&net, &f, ZS_DROP_IP_SOURCE);
	frame_udp6(&f, link6(PEER), 7, link6(US), 9, data, N);
	parse(&net, &f, &pi);
	assert_int_equal(pi.kind, ZS_PKT_UDP);
	assert_addr(&pi.flow.laddr, zoned(link6(US)));
	assert_addr(&pi.flow.faddr, zoned(link6(PEER)));
	assert_int_equal(pi.hash, zs_flow_hash(net.s->hash_key, &pi.flow));
	frame_udp6(&f, link6(PEER), 7, group6(1), 9, data, N);
	parse(&net, &f, &pi);
	assert_int_equal(pi.kind, ZS_PKT_UDP);
	assert_true(pi.bcast);
	net_end(&net);
}

/* RFC 4291 2.7: scope 0 is nobody's, and scope 1 does not leave a host. */
static void test_no_scope(void **state)
{
	struct zs_addr g;
	struct net net;
	struct frame f;

	(void)state;
	net6_start(&net);
	for (unsigned scope = 0; scope <= ZS_SCOPE_LINK; scope++) {
		g = group6(0x77);
		g.b[1] = (uint8_t)scope;
		assert_int_equal(zs_group6_join(net.s, net.nif, &g), 0);
		frame_udp6(&f, link6(PEER), 7, g, 9, data, N);
		if (scope < ZS_SCOPE_LINK)
			assert_drop(&net, &f, ZS_DROP_IP_NOT_OURS);
	}
	g = group6(1);
	g.b[1] = ZS_SCOPE_INTERFACE;
	frame_udp6(&f, link6(PEER), 7, g, 9, data, N);
	assert_drop(&net, &f, ZS_DROP_IP_NOT_OURS);
	net_end(&net);
}

/* Bytes changed anywhere, checksums believed so that damage gets deep: nothing is read out of
 * bounds, and what is said of the packet is within it. */
static void test_garbage(void **state)
{
	static const uint8_t chain[] = { 60, 0, 5, 2, 0, 0, 1, 0, 44, 0, 1, 2, 0, 0, 0, 0,
					 60, 0, 0, 0, 1, 2, 3, 4, 6,  0, 0, 0, 0, 0, 0, 0 };
	uint32_t seed = 1;
	struct net net;
	struct frame f;

	(void)state;
	net6_prepare(&net);
	net.cfg.netif[0].offloads |= ZS_OFF_RX_L4_CKSUM;
	net_create(&net);
	for (unsigned i = 0; i < 20000; i++) {
		struct zs_pktinfo pi;
		struct rte_mbuf *m;

		frame_tcp6(&f, ZS_EXT_HOPOPTS, chain, sizeof(chain));
		for (unsigned k = 0; k < 1 + i % 4; k++) {
			seed = seed * 1664525u + 1013904223u;
			f.b[L2 + (seed >> 8) % (f.len - L2)] = (uint8_t)(seed >> 24);
		}
		m = net_mbuf(&net, &f);
		m->ol_flags = RTE_MBUF_F_RX_L4_CKSUM_GOOD;
		zs_parse(net.s, net.nif, m, &pi);
		if (pi.kind == ZS_PKT_PROBLEM) {
			assert_true(pi.problem_off < m->data_len);
		} else if (pi.kind != ZS_PKT_DROP) {
			assert_true(pi.l4_off <= m->data_len);
			assert_true(pi.data_off + pi.data_len <= m->pkt_len);
		}
		rte_pktmbuf_free(m);
	}
	net_end(&net);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_tcp),	 cmocka_unit_test(test_ext_headers),
	cmocka_unit_test(test_refused),	 cmocka_unit_test(test_long_chain),
	cmocka_unit_test(test_fragment), cmocka_unit_test(test_udp),
	cmocka_unit_test(test_no_scope), cmocka_unit_test(test_addresses),
	cmocka_unit_test(test_garbage),
};

ZS_TEST_MAIN(tests)
