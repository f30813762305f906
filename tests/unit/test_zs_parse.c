/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The parser: what it reads from good frames, one bad frame for every reason to drop, every frame
 * cut at every byte, verdicts of the device, chains, and garbage.
 */
#include "zs_nettest.h"

static const uint8_t data[] = "the quick brown fox";
enum { N = sizeof(data) - 1 };

static const uint8_t opt_ts[12] = { 1, 1, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8 };
static const uint8_t opt_many[24] = { 2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0, 0, 1,
				      0, 0, 0, 2,    1, 3, 3, 7,  0, 0, 0, 0 };
static const uint8_t opt_sack[12] = { 1, 1, 5, 10, 0, 0, 0, 10, 0, 0, 0, 20 };

/* Consumes m. */
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

static void test_tcp(void **state)
{
	struct net net;
	struct frame f;
	struct zs_pktinfo pi;

	(void)state;
	net_start(&net);
	frame_tcp(&f, opt_ts, sizeof(opt_ts), data, N);
	f.b[L2 + 1] = 0x2b;
	frame_fix_ip(&f);
	parse(&net, &f, &pi);
	assert_int_equal(pi.kind, ZS_PKT_TCP);
	assert_int_equal(pi.flow.laddr.ip4_be, host(US));
	assert_int_equal(pi.flow.faddr.ip4_be, host(PEER));
	assert_int_equal(pi.flow.lport, 80);
	assert_int_equal(pi.flow.fport, 1000);
	assert_int_equal(pi.flow.family, ZS_AF_IP4);
	assert_int_equal(pi.flow.proto, ZS_PROTO_TCP);
	assert_int_equal(pi.hash, zs_flow_hash(net.s->hash_key, &pi.flow));
	assert_int_not_equal(pi.hash, 0);
	assert_int_equal(pi.tcp_flags, ZS_ACK | ZS_PSH);
	assert_int_equal(pi.seq, 0xfffffff0);
	assert_int_equal(pi.ack, 0x01020304);
	assert_int_equal(pi.wnd, 4321);
	assert_int_equal(pi.tos, 0x2b);
	assert_int_equal(pi.ttl, 61);
	assert_false(pi.bcast);
	assert_int_equal(pi.l3_off, L2);
	assert_int_equal(pi.l4_off, L2 + L3);
	assert_int_equal(pi.data_off, L2 + L3 + 32);
	assert_int_equal(pi.data_len, N);
	assert_ptr_equal(pi.nif, net.nif);
	assert_true(pi.opt.has_ts);
	assert_int_equal(pi.opt.ts_val, 0x01020304);
	assert_int_equal(pi.opt.ts_ecr, 0x05060708);
	assert_int_equal(pi.opt.mss, 0);
	assert_int_equal(pi.opt.n_sack, 0);
	net_end(&net);
}

static void test_tcp_options(void **state)
{
	struct net net;
	struct frame f;
	struct zs_pktinfo pi;
	struct rte_mbuf *m;

	(void)state;
	net_start(&net);
	frame_tcp(&f, opt_many, sizeof(opt_many), NULL, 0);
	parse(&net, &f, &pi);
	assert_int_equal(pi.opt.mss, 1460);
	assert_true(pi.opt.sack_perm && pi.opt.has_ts && pi.opt.has_wscale);
	assert_int_equal(pi.opt.wscale, 7);
	assert_int_equal(pi.opt.ts_val, 1);
	assert_int_equal(pi.opt.ts_ecr, 2);
	frame_tcp(&f, opt_sack, sizeof(opt_sack), data, N);
	m = net_mbuf(&net, &f);
	zs_parse(net.s, net.nif, m, &pi);
	assert_int_equal(pi.opt.n_sack, 1);
	assert_int_equal(zs_tcpopt_sack(pi.opt.sack, 0).left, 10);
	assert_int_equal(zs_tcpopt_sack(pi.opt.sack, 0).right, 20);
	assert_false(pi.opt.has_ts);
	rte_pktmbuf_free(m);
	frame_tcp(&f, NULL, 0, data, N);
	parse(&net, &f, &pi);
	assert_false(pi.opt.has_ts);
	assert_int_equal(pi.opt.n_sack, 0);
	/* A malformed option does not lose the segment. */
	frame_tcp(&f, "\x08\x63\x00\x00", 4, data, N);
	parse(&net, &f, &pi);
	assert_int_equal(pi.kind, ZS_PKT_TCP);
	assert_false(pi.opt.has_ts);
	net_end(&net);
}

static void test_udp(void **state)
{
	struct net net;
	struct frame f;
	struct zs_pktinfo pi;

	(void)state;
	net_start(&net);
	frame_udp(&f, host(PEER), 53, host(US), 5353, data, N);
	parse(&net, &f, &pi);
	assert_int_equal(pi.kind, ZS_PKT_UDP);
	assert_int_equal(pi.flow.lport, 5353);
	assert_int_equal(pi.flow.fport, 53);
	assert_int_equal(pi.data_off, L2 + L3 + 8);
	assert_int_equal(pi.data_len, N);
	assert_int_equal(pi.hash, zs_flow_hash(net.s->hash_key, &pi.flow));
	/* no checksum: nothing to check */
	put16(f.b + L2 + L3 + 6, 0);
	f.b[L2 + L3 + 8] ^= 1;
	parse(&net, &f, &pi);
	assert_int_equal(pi.kind, ZS_PKT_UDP);
	/* UDP may be shorter than IP says */
	frame_udp(&f, host(PEER), 53, host(US), 5353, data, N);
	put16(f.b + L2 + L3 + 4, 8 + 5);
	put16(f.b + L2 + L3 + 6, 0);
	parse(&net, &f, &pi);
	assert_int_equal(pi.kind, ZS_PKT_UDP);
	assert_int_equal(pi.data_len, 5);
	net_end(&net);
}

static void test_others(void **state)
{
	struct net net;
	struct frame f;
	struct zs_pktinfo pi;

	(void)state;
	net_start(&net);
	frame_icmp(&f, host(PEER), host(US), ZS_ICMP_ECHO, 0, 1, data, N);
	parse(&net, &f, &pi);
	assert_int_equal(pi.kind, ZS_PKT_ICMP);
	assert_int_equal(pi.l4_off, L2 + L3);
	assert_int_equal(pi.data_off, L2 + L3 + 8);
	assert_int_equal(pi.data_len, N);
	frame_ip4(&f, host(PEER), host(US), 47, N);
	frame_put(&f, data, N);
	parse(&net, &f, &pi);
	assert_int_equal(pi.kind, ZS_PKT_IP_OTHER);
	assert_int_equal(pi.flow.proto, 47);
	frame_udp(&f, host(PEER), 53, host(US), 5353, data, N);
	put16(f.b + L2 + 6, ZS_IP4_MF);
	frame_fix_ip(&f);
	parse(&net, &f, &pi);
	assert_int_equal(pi.kind, ZS_PKT_FRAG);
	assert_int_equal(pi.data_len, N + 8);
	put16(f.b + L2 + 6, 3);
	frame_fix_ip(&f);
	parse(&net, &f, &pi);
	assert_int_equal(pi.kind, ZS_PKT_FRAG);
	put16(f.b + L2 + 6, ZS_IP4_DF);
	frame_fix_ip(&f);
	parse(&net, &f, &pi);
	assert_int_equal(pi.kind, ZS_PKT_UDP);
	frame_arp(&f, mac_of(US), ZS_ARP_REPLY, mac_of(PEER), host(PEER), mac_of(US), host(US));
	parse(&net, &f, &pi);
	assert_int_equal(pi.kind, ZS_PKT_ARP);
	assert_int_equal(pi.l3_off, L2);
	net_end(&net);
}

static void test_options_of_ip(void **state)
{
	static const uint8_t router_alert[4] = { 148, 4, 0, 0 };
	struct net net;
	struct frame f, plain;
	struct zs_pktinfo pi;

	(void)state;
	net_start(&net);
	frame_udp(&plain, host(PEER), 53, host(US), 5353, data, N);
	frame_eth(&f, mac_of(US), mac_of(PEER), ZS_ETH_IP4);
	frame_put(&f, plain.b + L2, L3);
	frame_put(&f, router_alert, 4);
	frame_put(&f, plain.b + L2 + L3, plain.len - L2 - L3);
	f.b[L2] = 0x46;
	put16(f.b + L2 + 2, f.len - L2);
	frame_fix_ip(&f);
	parse(&net, &f, &pi);
	assert_int_equal(pi.kind, ZS_PKT_UDP);
	assert_int_equal(pi.l4_off, L2 + L3 + 4);
	assert_int_equal(pi.data_len, N);
	f.b[L2 + L3] = 131; /* loose source route */
	frame_fix_ip(&f);
	assert_drop(&net, &f, ZS_DROP_IP_HEADER);
	f.b[L2 + L3] = 137; /* strict source route */
	frame_fix_ip(&f);
	assert_drop(&net, &f, ZS_DROP_IP_HEADER);
	f.b[L2 + L3] = 148;
	f.b[L2 + L3 + 1] = 5; /* longer than the header */
	frame_fix_ip(&f);
	assert_drop(&net, &f, ZS_DROP_IP_HEADER);
	f.b[L2 + L3 + 1] = 1;
	frame_fix_ip(&f);
	assert_drop(&net, &f, ZS_DROP_IP_HEADER);
	parse_mbuf(&net, net_chain(&net, &f, L2 + L3 + 1, 99), &pi);
	assert_int_equal(pi.drop, ZS_DROP_IP_HEADER);
	memcpy(f.b + L2 + L3, "\x01\x01\x00\xff", 4);
	frame_fix_ip(&f);
	parse(&net, &f, &pi);
	assert_int_equal(pi.kind, ZS_PKT_UDP);
	net_end(&net);
}

/* A tag of VLAN 0 is read over, others are not ours. */
static void test_vlan(void **state)
{
	struct net net;
	struct frame f, plain;
	struct zs_pktinfo pi;

	(void)state;
	net_start(&net);
	frame_udp(&plain, host(PEER), 53, host(US), 5353, data, N);
	frame_eth(&f, mac_of(US), mac_of(PEER), ZS_ETH_VLAN);
	frame_put(&f, "\xe0\x00\x08\x00", 4);
	frame_put(&f, plain.b + L2, plain.len - L2);
	parse(&net, &f, &pi);
	assert_int_equal(pi.kind, ZS_PKT_UDP);
	assert_int_equal(pi.l3_off, L2 + 4);
	assert_int_equal(pi.data_off, L2 + 4 + L3 + 8);
	f.b[L2 + 1] = 5;
	assert_drop(&net, &f, ZS_DROP_ETH_TYPE);
	f.len = L2 + 3;
	assert_drop(&net, &f, ZS_DROP_ETH_TYPE);
	net_end(&net);
}

/* A port in a VLAN: only what is in it is ours, whoever took the tag off. */
static void test_vlan_port(void **state)
{
	struct net net;
	struct frame f, plain;
	struct zs_pktinfo pi;
	struct rte_mbuf *m;

	(void)state;
	net_start(&net);
	net.nif->vlan = 0x105;
	frame_udp(&plain, host(PEER), 53, host(US), 5353, data, N);
	assert_drop(&net, &plain, ZS_DROP_ETH_TYPE);
	frame_eth(&f, mac_of(US), mac_of(PEER), ZS_ETH_VLAN);
	frame_put(&f, "\xe1\x05\x08\x00", 4);
	frame_put(&f, plain.b + L2, plain.len - L2);
	parse(&net, &f, &pi);
	assert_int_equal(pi.kind, ZS_PKT_UDP);
	assert_int_equal(pi.l3_off, L2 + 4);
	f.b[L2 + 1] = 4;
	assert_drop(&net, &f, ZS_DROP_ETH_TYPE);
	f.b[L2] = f.b[L2 + 1] = 0;
	assert_drop(&net, &f, ZS_DROP_ETH_TYPE);
	net.nif->offloads |= ZS_OFF_RX_VLAN;
	for (uint16_t id = 0x104; id < 0x107; id++) {
		m = net_mbuf(&net, &plain);
		m->ol_flags = RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED;
		m->vlan_tci = 0x2000 | id;
		parse_mbuf(&net, m, &pi);
		assert_int_equal(pi.kind, id == 0x105 ? ZS_PKT_UDP : ZS_PKT_DROP);
	}
	net_end(&net);
}

/* Two VLANs and no untagged packets on one device: each is an interface. */
static void test_vlans_of_a_port(void **state)
{
	struct net net;
	struct frame f, plain;
	struct zs_pktinfo pi;
	struct rte_mbuf *m;

	(void)state;
	net_prepare(&net, US);
	net.cfg.n_netifs = 2;
	net.cfg.netif[1] = net.cfg.netif[0];
	net.cfg.netif[0].vlan = 5;
	net.cfg.netif[1].vlan = 6;
	net.cfg.netif[1].ip4_be = ip4(10, 6, 0, 2);
	net.cfg.netif[1].ip4_gw_be = 0;
	net_create(&net);
	frame_udp(&plain, host(PEER), 53, host(US), 5353, data, N);
	assert_drop(&net, &plain, ZS_DROP_ETH_TYPE);
	for (uint8_t id = 4; id < 8; id++) {
		frame_eth(&f, mac_of(US), mac_of(PEER), ZS_ETH_VLAN);
		frame_put(&f, (const uint8_t[]){ 0, id, 8, 0 }, 4);
		frame_put(&f, plain.b + L2, plain.len - L2);
		if (id < 5 || id > 6) {
			assert_drop(&net, &f, ZS_DROP_ETH_TYPE);
			continue;
		}
		parse(&net, &f, &pi);
		assert_int_equal(pi.kind, ZS_PKT_UDP);
		assert_ptr_equal(pi.nif, &net.s->netif[id - 5]);
		m = net_mbuf(&net, &plain);
		net.nif->offloads |= ZS_OFF_RX_VLAN;
		m->ol_flags = RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED;
		m->vlan_tci = id;
		parse_mbuf(&net, m, &pi);
		net.nif->offloads &= ~(uint32_t)ZS_OFF_RX_VLAN;
		assert_int_equal(pi.kind, ZS_PKT_UDP);
		assert_ptr_equal(pi.nif, &net.s->netif[id - 5]);
	}
	/* and answers go out by the same, tagged */
	frame_icmp(&plain, ip4(10, 6, 0, 1), ip4(10, 6, 0, 2), ZS_ICMP_ECHO, 0, 1, "x", 1);
	frame_eth(&f, mac_of(US), mac_of(PEER), ZS_ETH_VLAN);
	frame_put(&f, "\0\6\10\0", 4);
	frame_put(&f, plain.b + L2, plain.len - L2);
	net_input(&net, &f);
	assert_int_equal(net.n_out, 1); /* ARP: who has 10.6.0.1? */
	net_sent(&net, 0, &f);
	assert_int_equal(get16(f.b + L2 - 2), ZS_ETH_VLAN);
	assert_int_equal(get16(f.b + L2), 6);
	net_end(&net);
	/* twice the same is none */
	net_prepare(&net, US);
	net.cfg.n_netifs = 2;
	net.cfg.netif[1] = net.cfg.netif[0];
	assert_int_equal(zs_stack_create(&net.s, &net.cfg, &net.env, net.now), -EINVAL);
	assert_int_equal(zs_simpools_fini(&net.pools), 0);
}

static void test_bad_headers(void **state)
{
	struct net net;
	struct frame f;

	(void)state;
	net_start(&net);
	f.len = 0;
	assert_drop(&net, &f, ZS_DROP_ETH_SHORT);
	frame_eth(&f, mac_of(US), mac_of(PEER), ZS_ETH_IP6);
	frame_put(&f, data, N);
	assert_drop(&net, &f, ZS_DROP_ETH_TYPE);
	frame_tcp(&f, NULL, 0, data, N);
	f.b[5] = 99;
	assert_drop(&net, &f, ZS_DROP_ETH_NOT_OURS);
	frame_arp(&f, mac_of(US), 1, mac_of(PEER), host(PEER), mac_of(US), host(US));
	f.b[L2 + 1] = 6; /* not Ethernet */
	assert_drop(&net, &f, ZS_DROP_ARP_BAD);
	frame_arp(&f, mac_of(US), 1, mac_of(PEER), host(PEER), mac_of(US), host(US));
	f.b[L2 + 4] = 8;
	assert_drop(&net, &f, ZS_DROP_ARP_BAD);
	frame_tcp(&f, NULL, 0, data, N);
	f.b[L2] = 0x55;
	assert_drop(&net, &f, ZS_DROP_IP_HEADER);
	f.b[L2] = 0x44;
	assert_drop(&net, &f, ZS_DROP_IP_HEADER);
	frame_tcp(&f, NULL, 0, data, N);
	put16(f.b + L2 + 2, 19); /* shorter than its header */
	frame_fix_ip(&f);
	assert_drop(&net, &f, ZS_DROP_IP_HEADER);
	put16(f.b + L2 + 2, f.len - L2 + 1); /* longer than the frame */
	frame_fix_ip(&f);
	assert_drop(&net, &f, ZS_DROP_IP_HEADER);
	frame_tcp(&f, NULL, 0, data, N);
	f.b[L2 + 8] ^= 1;
	assert_drop(&net, &f, ZS_DROP_IP_CKSUM);
	frame_tcp(&f, NULL, 0, data, N);
	f.b[f.len - 1] ^= 1;
	assert_drop(&net, &f, ZS_DROP_TCP_CKSUM);
	frame_udp(&f, host(PEER), 53, host(US), 5353, data, N);
	f.b[f.len - 1] ^= 1;
	assert_drop(&net, &f, ZS_DROP_UDP_CKSUM);
	frame_tcp(&f, NULL, 0, data, N);
	f.b[L2 + L3 + 12] = 4 << 4;
	frame_fix_l4(&f, 16);
	assert_drop(&net, &f, ZS_DROP_TCP_HEADER);
	f.b[L2 + L3 + 12] = 15 << 4;
	frame_fix_l4(&f, 16);
	assert_drop(&net, &f, ZS_DROP_TCP_HEADER);
	frame_udp(&f, host(PEER), 53, host(US), 5353, data, N);
	put16(f.b + L2 + L3 + 4, 7);
	assert_drop(&net, &f, ZS_DROP_UDP_HEADER);
	put16(f.b + L2 + L3 + 4, N + 9);
	assert_drop(&net, &f, ZS_DROP_UDP_HEADER);
	frame_ip4(&f, host(PEER), host(US), ZS_PROTO_ICMP, 7);
	frame_put(&f, data, 7);
	assert_drop(&net, &f, ZS_DROP_ICMP_BAD);
	net_end(&net);
}

static void test_addresses(void **state)
{
	const uint32_t bad_src[] = { ip4(224, 0, 0, 1), UINT32_MAX,	    ip4(127, 0, 0, 1),
				     ip4(0, 0, 0, 0),	ip4(10, 0, 0, 255), ip4(10, 0, 0, 2) };
	const uint32_t bad_dst[] = { ip4(10, 0, 0, 3), ip4(127, 0, 0, 1), ip4(0, 0, 0, 0),
				     ip4(10, 0, 1, 255) };
	const uint32_t group[] = { UINT32_MAX, ip4(10, 0, 0, 255), ip4(224, 0, 0, 1),
				   ip4(239, 1, 2, 3) };
	struct net net;
	struct frame f;
	struct zs_pktinfo pi;

	(void)state;
	net_start(&net);
	for (unsigned i = 0; i < 6; i++) {
		frame_udp(&f, bad_src[i], 53, host(US), 5353, data, N);
		assert_drop(&net, &f, ZS_DROP_IP_SOURCE);
	}
	for (unsigned i = 0; i < 4; i++) {
		frame_udp(&f, host(PEER), 53, bad_dst[i], 5353, data, N);
		assert_drop(&net, &f, ZS_DROP_IP_NOT_OURS);
	}
	for (unsigned i = 0; i < 4; i++) {
		frame_udp(&f, host(PEER), 53, group[i], 5353, data, N);
		parse(&net, &f, &pi);
		assert_int_equal(pi.kind, ZS_PKT_UDP);
		assert_true(pi.bcast);
		frame_tcp(&f, NULL, 0, data, N);
		memcpy(f.b + L2 + 16, &group[i], 4);
		frame_fix_ip(&f);
		frame_fix_l4(&f, 16);
		assert_drop(&net, &f, ZS_DROP_IP_NOT_OURS);
	}
	/* unicast in a link-layer broadcast */
	frame_udp(&f, host(PEER), 53, host(US), 5353, data, N);
	memset(f.b, 0xff, 6);
	parse(&net, &f, &pi);
	assert_int_equal(pi.kind, ZS_PKT_UDP);
	assert_true(pi.bcast);
	net_end(&net);
}

static void test_any_destination(void **state)
{
	struct net net;
	struct frame f;
	struct zs_pktinfo pi;

	(void)state;
	net_prepare(&net, US);
	net.cfg.netif[0].accept_any_dst = true;
	net_create(&net);
	frame_udp(&f, host(PEER), 53, ip4(192, 0, 2, 1), 5353, data, N);
	parse(&net, &f, &pi);
	assert_int_equal(pi.kind, ZS_PKT_UDP);
	assert_false(pi.bcast);
	assert_int_equal(pi.flow.laddr.ip4_be, ip4(192, 0, 2, 1));
	net_end(&net);
}

static void test_padding(void **state)
{
	struct net net;
	struct frame f;
	struct zs_pktinfo pi;
	struct rte_mbuf *m;
	uint32_t len;

	(void)state;
	net_start(&net);
	frame_tcp(&f, NULL, 0, data, 1);
	len = f.len;
	frame_put(&f, data, 5);
	m = net_mbuf(&net, &f);
	zs_parse(net.s, net.nif, m, &pi);
	assert_int_equal(pi.kind, ZS_PKT_TCP);
	assert_int_equal(pi.data_len, 1);
	assert_int_equal(m->pkt_len, len);
	assert_int_equal(m->data_len, len);
	rte_pktmbuf_free(m);
	/* padding in buffers of its own goes away with them */
	m = net_chain(&net, &f, len, 2);
	assert_int_equal(m->nb_segs, 4);
	zs_parse(net.s, net.nif, m, &pi);
	assert_int_equal(pi.kind, ZS_PKT_TCP);
	assert_int_equal(m->nb_segs, 1);
	assert_int_equal(m->pkt_len, len);
	assert_int_equal(zs_simpools_live(&net.pools), 1);
	rte_pktmbuf_free(m);
	net_end(&net);
}

/* Payload may lie in any buffers; headers must lie in the first. */
static void test_chains(void **state)
{
	uint8_t big[777];
	struct net net;
	struct frame f;
	struct zs_pktinfo pi;

	(void)state;
	net_start(&net);
	fill(big, sizeof(big), 1);
	for (uint32_t first = 1; first < 100; first++) {
		enum zs_drop why = first < 14	? ZS_DROP_ETH_SHORT
				   : first < 34 ? ZS_DROP_IP_HEADER
						: ZS_DROP_TCP_HEADER;

		frame_tcp(&f, opt_ts, sizeof(opt_ts), big, sizeof(big));
		parse_mbuf(&net, net_chain(&net, &f, first, first * 7 % 13 + 1), &pi);
		if (first >= L2 + L3 + 32) {
			assert_int_equal(pi.kind, ZS_PKT_TCP);
			assert_int_equal(pi.data_len, sizeof(big));
		} else {
			assert_int_equal(pi.kind, ZS_PKT_DROP);
			assert_int_equal(pi.drop, why);
		}
		frame_udp(&f, host(PEER), 1, host(US), 2, big, sizeof(big) - first);
		parse_mbuf(&net, net_chain(&net, &f, first, first * 5 % 17 + 1), &pi);
		assert_int_equal(pi.kind, first >= 42 ? ZS_PKT_UDP : ZS_PKT_DROP);
	}
	net_end(&net);
}

static void cut_everywhere(struct net *net, struct frame *f)
{
	uint32_t full = f->len;

	for (f->len = 0; f->len < full; f->len++) {
		struct zs_pktinfo pi;

		parse(net, f, &pi);
		assert_int_equal(pi.kind, ZS_PKT_DROP);
	}
}

static void test_truncated(void **state)
{
	struct net net;
	struct frame f;

	(void)state;
	net_start(&net);
	frame_tcp(&f, opt_many, sizeof(opt_many), data, N);
	cut_everywhere(&net, &f);
	frame_tcp(&f, opt_ts, sizeof(opt_ts), NULL, 0);
	cut_everywhere(&net, &f);
	frame_udp(&f, host(PEER), 53, host(US), 5353, data, N);
	cut_everywhere(&net, &f);
	frame_icmp(&f, host(PEER), host(US), ZS_ICMP_ECHO, 0, 1, data, N);
	cut_everywhere(&net, &f);
	frame_arp(&f, mac_of(US), 1, mac_of(PEER), host(PEER), mac_of(US), host(US));
	f.len = L2 + 28;
	cut_everywhere(&net, &f);
	net_end(&net);
}

/* The device's verdict counts exactly when the port's offloads say so. */
static void test_verdicts(void **state)
{
	static const struct {
		uint64_t flag;
		enum zs_pkt_kind good, bad; /* of a good and a bad checksum */
	} row[] = {
		{ RTE_MBUF_F_RX_L4_CKSUM_UNKNOWN, ZS_PKT_TCP, ZS_PKT_DROP },
		{ RTE_MBUF_F_RX_L4_CKSUM_GOOD, ZS_PKT_TCP, ZS_PKT_TCP },
		{ RTE_MBUF_F_RX_L4_CKSUM_NONE, ZS_PKT_TCP, ZS_PKT_TCP },
		{ RTE_MBUF_F_RX_L4_CKSUM_BAD, ZS_PKT_DROP, ZS_PKT_DROP },
	};
	struct net net;
	struct frame good, bad;
	struct zs_pktinfo pi;

	(void)state;
	net_start(&net);
	frame_tcp(&good, NULL, 0, data, N);
	bad = good;
	bad.b[bad.len - 1] ^= 1;
	for (unsigned i = 0; i < 8; i++) {
		bool believe = i >= 4;
		struct rte_mbuf *m;

		net.nif->offloads = believe ? ZS_OFF_RX_L4_CKSUM | ZS_OFF_RX_IP_CKSUM : 0;
		m = net_mbuf(&net, &good);
		m->ol_flags = row[i % 4].flag;
		parse_mbuf(&net, m, &pi);
		assert_int_equal(pi.kind, believe ? row[i % 4].good : ZS_PKT_TCP);
		m = net_mbuf(&net, &bad);
		m->ol_flags = row[i % 4].flag;
		parse_mbuf(&net, m, &pi);
		assert_int_equal(pi.kind, believe ? row[i % 4].bad : ZS_PKT_DROP);
	}
	good.b[L2 + 10] ^= 1; /* the IP header's checksum */
	for (unsigned i = 0; i < 2; i++) {
		struct rte_mbuf *m = net_mbuf(&net, &good);

		net.nif->offloads = i == 0 ? ZS_OFF_RX_IP_CKSUM : 0;
		m->ol_flags = RTE_MBUF_F_RX_IP_CKSUM_GOOD;
		parse_mbuf(&net, m, &pi);
		assert_int_equal(pi.kind, i == 0 ? ZS_PKT_TCP : ZS_PKT_DROP);
	}
	net.nif->offloads = ZS_OFF_RX_IP_CKSUM;
	frame_tcp(&good, NULL, 0, data, N);
	{
		struct rte_mbuf *m = net_mbuf(&net, &good);

		m->ol_flags = RTE_MBUF_F_RX_IP_CKSUM_BAD;
		parse_mbuf(&net, m, &pi);
		assert_int_equal(pi.drop, ZS_DROP_IP_CKSUM);
	}
	net_end(&net);
}

static void assert_sound(const struct zs_pktinfo *pi, const struct rte_mbuf *m)
{
	switch ((enum zs_pkt_kind)pi->kind) {
	case ZS_PKT_DROP:
		assert_true(pi->drop < ZS_DROP_COUNT);
		return;
	case ZS_PKT_TCP:
	case ZS_PKT_UDP:
		assert_int_not_equal(pi->hash, 0);
		/* fall through */
	case ZS_PKT_ARP:
	case ZS_PKT_ICMP:
	case ZS_PKT_FRAG:
	case ZS_PKT_IP_OTHER:
		assert_true(pi->l3_off <= pi->l4_off && pi->l4_off <= pi->data_off);
		assert_true(pi->data_off <= m->data_len);
		assert_true(pi->data_off + pi->data_len <= m->pkt_len);
		return;
	case ZS_PKT_ICMP6: /* not where there is no IPv6 */
	case ZS_PKT_PROBLEM:
	case ZS_PKT_STRAY: /* not the parser's to say */
		break;
	}
	fail();
}

/* Good frames with bytes changed and cut anywhere, with checksums believed so that damage gets
 * deep. */
static void test_garbage(void **state)
{
	struct zs_rand r = { .key = { 1, 2 } };
	unsigned seen[ZS_PKT_IP_OTHER + 1] = { 0 };
	struct net net;
	struct frame f;

	(void)state;
	net_start(&net);
	net.nif->offloads = ZS_OFF_RX_IP_CKSUM | ZS_OFF_RX_L4_CKSUM;
	for (unsigned i = 0; i < 60000; i++) {
		struct zs_pktinfo pi;
		struct rte_mbuf *m;

		switch (zs_rand_below(&r, 4)) {
		case 0:
			frame_tcp(&f, opt_many, sizeof(opt_many), data, N);
			break;
		case 1:
			frame_udp(&f, host(PEER), 53, host(US), 5353, data, N);
			break;
		case 2:
			frame_icmp(&f, host(PEER), host(US), 8, 0, 1, data, N);
			break;
		default:
			frame_arp(&f, mac_of(US), 1, mac_of(PEER), 0, mac_of(US), host(US));
		}
		for (uint32_t k = zs_rand_below(&r, 6); k > 0; k--)
			f.b[12 + zs_rand_below(&r, f.len - 12)] = (uint8_t)zs_rand_u64(&r);
		if (zs_rand_below(&r, 3) == 0)
			f.len = zs_rand_below(&r, f.len);
		m = zs_rand_below(&r, 3) == 0 && f.len > 0
			    ? net_chain(&net, &f, 1 + zs_rand_below(&r, f.len), 7)
			    : net_mbuf(&net, &f);
		m->ol_flags = RTE_MBUF_F_RX_IP_CKSUM_GOOD | RTE_MBUF_F_RX_L4_CKSUM_GOOD;
		zs_parse(net.s, net.nif, m, &pi);
		assert_sound(&pi, m);
		seen[pi.kind]++;
		rte_pktmbuf_free(m);
	}
	for (unsigned k = 0; k <= ZS_PKT_IP_OTHER; k++)
		assert_true(k == ZS_PKT_ICMP6 || seen[k] > 20);
	net_end(&net);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tcp),
		cmocka_unit_test(test_tcp_options),
		cmocka_unit_test(test_udp),
		cmocka_unit_test(test_others),
		cmocka_unit_test(test_options_of_ip),
		cmocka_unit_test(test_vlan),
		cmocka_unit_test(test_vlan_port),
		cmocka_unit_test(test_vlans_of_a_port),
		cmocka_unit_test(test_bad_headers),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_any_destination),
		cmocka_unit_test(test_padding),
		cmocka_unit_test(test_chains),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_garbage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
