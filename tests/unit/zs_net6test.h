/* SPDX-License-Identifier: BSD-3-Clause */
/* IPv6 for the tests of the network layer: addresses, frames with checksums of their own. */
#ifndef ZS_NET6TEST_H
#define ZS_NET6TEST_H

#include "base/zs_ip6addr.h"
#include "core/zs_ip6.h"
#include "core/zs_neigh_priv.h"
#include "zs_nettest.h"

enum { L3_6 = 40, L34_6 = L2 + L3_6, HOPS = 255 };

static const struct zs_addr any6 = { .q = { 0, 0 } };

/* 2001:db8::d */
static inline struct zs_addr host6(unsigned d)
{
	return zs_addr_ip6((const uint16_t[8]){ 0x2001, 0xdb8, [7] = (uint16_t)d });
}

/* Link-local address of the MAC address of d, as on the wire. */
static inline struct zs_addr link6(unsigned d)
{
	return zs_addr_ip6((const uint16_t[8]){ 0xfe80, 0, 0, 0, 0, 0xff, 0xfe00, (uint16_t)d });
}

static inline struct zs_addr zoned(struct zs_addr a)
{
	zs_ip6_set_zone(&a, 1);
	return a;
}

/* ff02::d */
static inline struct zs_addr group6(unsigned d)
{
	return zs_addr_ip6((const uint16_t[8]){ 0xff02, [7] = (uint16_t)d });
}

static inline void net6_prepare(struct net *net)
{
	net_prepare(net, US);
	net->cfg.netif[0].ip6 = (struct zs_ip6_config){
		.on = true,
		.n_addr = 1,
		.prefix = { 64 },
		.addr = { host6(US) },
	};
}

static inline void net6_start(struct net *net)
{
	net6_prepare(net);
	net_create(net);
	net_wait(net, 2000000); /* reports of groups */
	net_clear(net);
}

static inline void frame_ip6(struct frame *f, struct zs_addr src, struct zs_addr dst, unsigned next,
			     unsigned hop, size_t n)
{
	uint8_t ip[L3_6] = { 0x60 };

	put16(ip + 4, (unsigned)n);
	ip[6] = (uint8_t)next;
	ip[7] = (uint8_t)hop;
	memcpy(ip + 8, &src, 16);
	memcpy(ip + 24, &dst, 16);
	frame_eth(f,
		  dst.b[0] == 0xff ? (struct zs_mac){ { 0x33, 0x33, dst.b[12], dst.b[13], dst.b[14],
							dst.b[15] } }
				   : mac_of(US),
		  mac_of(PEER), ZS_ETH_IP6);
	frame_put(f, ip, sizeof(ip));
}

/* Of n bytes at offset l4 of the frame; 0xffff = correct. */
static inline uint32_t naive_l4_6(const struct frame *f, uint32_t l4, unsigned proto)
{
	uint32_t n = f->len - l4;
	uint32_t sum = naive_sum(f->b + L2 + 8, 32, 0);

	sum = naive_sum((const uint8_t[]){ 0, (uint8_t)proto, (uint8_t)(n >> 8), (uint8_t)n }, 4,
			sum);
	return naive_sum(f->b + l4, n, sum);
}

static inline void frame_fix6(struct frame *f, uint32_t l4, unsigned proto, unsigned at)
{
	put16(f->b + L2 + 4, f->len - L34_6);
	put16(f->b + l4 + at, 0);
	put16(f->b + l4 + at, ~naive_l4_6(f, l4, proto));
}

static inline void frame_icmp6(struct frame *f, struct zs_addr src, struct zs_addr dst,
			       unsigned hop, const void *msg, size_t n)
{
	frame_ip6(f, src, dst, ZS_PROTO_ICMP6, hop, n);
	frame_put(f, msg, n);
	frame_fix6(f, L34_6, ZS_PROTO_ICMP6, 2);
}

/* Neighbour solicitation or advertisement; option 0: without a MAC address. */
static inline void frame_nd(struct frame *f, unsigned type, unsigned flags, struct zs_addr src,
			    struct zs_addr dst, struct zs_addr target, unsigned option,
			    struct zs_mac mac)
{
	uint8_t msg[32] = { (uint8_t)type, [4] = (uint8_t)flags, [24] = (uint8_t)option, 1 };

	memcpy(msg + 8, &target, 16);
	memcpy(msg + 26, &mac, 6);
	frame_icmp6(f, src, dst, HOPS, msg, option != 0 ? 32 : 24);
}

static inline void frame_udp6(struct frame *f, struct zs_addr src, unsigned sport,
			      struct zs_addr dst, unsigned dport, const void *data, size_t n)
{
	uint8_t uh[8] = { 0 };

	put16(uh, sport);
	put16(uh + 2, dport);
	put16(uh + 4, (unsigned)(n + 8));
	frame_ip6(f, src, dst, ZS_PROTO_UDP, 61, n + 8);
	frame_put(f, uh, sizeof(uh));
	frame_put(f, data, n);
	frame_fix6(f, L34_6, ZS_PROTO_UDP, 6);
}

/* The peer's address is known. */
static inline void net6_know(struct net *net, struct zs_addr peer, struct zs_mac mac)
{
	struct frame f;

	frame_nd(&f, ZS_ND_SOLICIT, 0, peer, host6(US), host6(US), ZS_NDOPT_SOURCE, mac);
	net_input(net, &f);
	net_clear(net);
}

static inline void assert_addr(const void *p, struct zs_addr want)
{
	assert_memory_equal(p, &want, 16);
}

/* An IPv6 packet as sent, its length and ICMPv6 checksum included. */
static inline void assert_sent6(const struct frame *f, struct zs_addr src, struct zs_addr dst,
				unsigned next)
{
	assert_int_equal(get16(f->b + 12), ZS_ETH_IP6);
	assert_int_equal(f->b[L2] >> 4, 6);
	assert_int_equal(get16(f->b + L2 + 4), f->len - L34_6);
	assert_int_equal(f->b[L2 + 6], next);
	assert_addr(f->b + L2 + 8, src);
	assert_addr(f->b + L2 + 24, dst);
	if (next == ZS_PROTO_ICMP6 || next == ZS_PROTO_UDP)
		assert_int_equal(naive_l4_6(f, L34_6, next), 0xffff);
}

#endif
