/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the tests of the network layer share: one stack with one interface in virtual time, frames
 * built byte by byte with a checksum of their own (not the one under test), and what the stack
 * sent. Every test ends in net_end(), which insists on zero live mbufs.
 */
#ifndef ZS_NETTEST_H
#define ZS_NETTEST_H

#include "tests/zs_test.h"

#include <string.h>

#include "core/zs_neigh.h"
#include "core/zs_parse.h"
#include "core/zs_state.h"
#include "wire/zs_hdr.h"
#include "zs_simpool.h"

enum { NET_OUT_MAX = 4096, FRAME_MAX = 66000, L2 = 14, L3 = 20 };

struct frame {
	uint32_t len;
	uint8_t b[FRAME_MAX];
};

struct net {
	struct zs_simpools pools;
	struct zs_env env;
	struct zs_config cfg;
	struct zs_stack *s;
	struct zs_netif *nif;
	uint64_t now;
	uint16_t tx_limit; /* packets that the device takes at a time */
	uint32_t n_out;
	struct rte_mbuf *out[NET_OUT_MAX];
};

/* ---- addresses ---- */

static inline uint32_t ip4(unsigned a, unsigned b, unsigned c, unsigned d)
{
	uint8_t x[4] = { (uint8_t)a, (uint8_t)b, (uint8_t)c, (uint8_t)d };
	uint32_t v;

	memcpy(&v, x, sizeof(v));
	return v;
}

static inline uint32_t host(unsigned d)
{
	return ip4(10, 0, 0, d);
}

static inline struct zs_mac mac_of(unsigned d)
{
	return (struct zs_mac){ { 2, 0, 0, 0, 0, (uint8_t)d } };
}

enum { US = 2, PEER = 1 };

/* ---- the stack ---- */

static inline uint16_t net_tx(void *ctx, uint16_t port, struct rte_mbuf **pkts, uint16_t n)
{
	struct net *net = ctx;
	uint16_t i;

	(void)port;
	for (i = 0; i < n && i < net->tx_limit; i++) {
		assert_true(net->n_out < NET_OUT_MAX);
		net->out[net->n_out++] = pkts[i];
	}
	return i;
}

/* Defaults, to be changed before net_start(): host number d of 10.0.0.0/24, all offloads off. */
static inline void net_prepare(struct net *net, unsigned d)
{
	memset(net, 0, sizeof(*net));
	zs_simpools_init(&net->pools, 0);
	zs_simpools_env(&net->pools, &net->env, 7);
	net->env.tx = net_tx;
	net->env.ctx = net;
	net->tx_limit = UINT16_MAX;
	net->now = 1000000;
	zs_config_defaults(&net->cfg);
	net->cfg.max_conns = 16;
	net->cfg.max_half_open = 16;
	net->cfg.max_time_wait = 16;
	net->cfg.max_listeners = 4;
	net->cfg.max_udp = 64;
	net->cfg.max_neigh = 32;
	net->cfg.n_netifs = 1;
	net->cfg.netif[0] = (struct zs_netif_config){
		.mtu = 1500,
		.offloads = ZS_OFF_TX_MULTI_SEG,
		.mac = mac_of(d),
		.ip4_prefix = 24,
		.ip4_be = host(d),
		.ip4_gw_be = host(254),
	};
}

static inline void net_create(struct net *net)
{
	assert_int_equal(zs_stack_create(&net->s, &net->cfg, &net->env, net->now), 0);
	net->nif = &net->s->netif[0];
}

static inline void net_start(struct net *net)
{
	net_prepare(net, US);
	net_create(net);
}

static inline void net_clear(struct net *net)
{
	while (net->n_out > 0)
		rte_pktmbuf_free(net->out[--net->n_out]);
}

static inline void net_end(struct net *net)
{
	net_clear(net);
	zs_stack_destroy(net->s);
	assert_int_equal(zs_simpools_fini(&net->pools), 0);
}

static inline void net_flush(struct net *net)
{
	zs_stack_flush(net->s);
}

/* Lets time pass in steps of 10 ms at most, as a loop would. */
static inline void net_wait(struct net *net, uint64_t us)
{
	uint64_t end = net->now + us;

	while (net->now < end) {
		net->now = end - net->now > 10000 ? net->now + 10000 : end;
		zs_stack_advance(net->s, net->now);
		net_flush(net);
	}
}

static inline uint64_t drops(const struct net *net, enum zs_drop why)
{
	return net->s->stats.drops[why];
}

/* ---- frames ---- */

static inline void put16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static inline void put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v & 0xffff);
}

static inline unsigned get16(const uint8_t *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

/* The sum of RFC 1071 as its text says it, byte by byte. */
static inline uint32_t naive_sum(const uint8_t *p, size_t n, uint32_t sum)
{
	for (size_t i = 0; i < n; i++) {
		sum += i % 2 == 0 ? (uint32_t)p[i] << 8 : p[i];
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return sum;
}

/* Of the transport segment behind the IP header at ip, n bytes; 0xffff = correct. */
static inline uint32_t naive_l4(const uint8_t *ip, size_t n)
{
	uint32_t sum = naive_sum(ip + 12, 8, 0);

	sum = naive_sum((const uint8_t[]){ 0, ip[9], (uint8_t)(n >> 8), (uint8_t)n }, 4, sum);
	return naive_sum(ip + 4 * (ip[0] & 15), n, sum);
}

static inline void frame_put(struct frame *f, const void *data, size_t n)
{
	assert_true(f->len + n <= FRAME_MAX);
	if (n > 0)
		memcpy(f->b + f->len, data, n);
	f->len += (uint32_t)n;
}

static inline void frame_eth(struct frame *f, struct zs_mac dst, struct zs_mac src, unsigned type)
{
	uint8_t t[2];

	f->len = 0;
	put16(t, type);
	frame_put(f, dst.b, 6);
	frame_put(f, src.b, 6);
	frame_put(f, t, 2);
}

/* After a change of the IP header of f. */
static inline void frame_fix_ip(struct frame *f)
{
	uint8_t *ip = f->b + L2;

	put16(ip + 10, 0);
	put16(ip + 10, ~naive_sum(ip, 4u * (ip[0] & 15), 0));
}

/* Ethernet and IPv4 header for a payload of n bytes, which the caller puts behind. */
static inline void frame_ip4(struct frame *f, uint32_t src, uint32_t dst, unsigned proto, size_t n)
{
	uint8_t ip[L3] = { 0x45 };

	put16(ip + 2, (unsigned)(L3 + n));
	put16(ip + 4, 0x1234);
	ip[8] = 61;
	ip[9] = (uint8_t)proto;
	memcpy(ip + 12, &src, 4);
	memcpy(ip + 16, &dst, 4);
	frame_eth(f, mac_of(US), mac_of(PEER), ZS_ETH_IP4);
	frame_put(f, ip, sizeof(ip));
	frame_fix_ip(f);
}

/* (Re)computes the transport checksum of f; at: its offset in the transport header. */
static inline void frame_fix_l4(struct frame *f, unsigned at)
{
	uint8_t *ip = f->b + L2, *l4 = ip + 4 * (ip[0] & 15);
	size_t n = get16(ip + 2) - 4u * (ip[0] & 15);

	put16(l4 + at, 0);
	put16(l4 + at, ~naive_l4(ip, n));
}

static inline void frame_udp(struct frame *f, uint32_t src, unsigned sport, uint32_t dst,
			     unsigned dport, const void *data, size_t n)
{
	uint8_t uh[8] = { 0 };

	put16(uh, sport);
	put16(uh + 2, dport);
	put16(uh + 4, (unsigned)(n + 8));
	frame_ip4(f, src, dst, ZS_PROTO_UDP, n + 8);
	frame_put(f, uh, sizeof(uh));
	frame_put(f, data, n);
	frame_fix_l4(f, 6);
}

/* From port 1000 to port 80, opts padded by the caller to a multiple of 4. */
static inline void frame_tcp(struct frame *f, const void *opts, size_t n_opts, const void *data,
			     size_t n)
{
	uint8_t th[20] = { 0 };

	put16(th, 1000);
	put16(th + 2, 80);
	put32(th + 4, 0xfffffff0);
	put32(th + 8, 0x01020304);
	th[12] = (uint8_t)((20 + n_opts) / 4 << 4);
	th[13] = ZS_ACK | ZS_PSH;
	put16(th + 14, 4321);
	frame_ip4(f, host(PEER), host(US), ZS_PROTO_TCP, 20 + n_opts + n);
	frame_put(f, th, sizeof(th));
	frame_put(f, opts, n_opts);
	frame_put(f, data, n);
	frame_fix_l4(f, 16);
}

static inline void frame_icmp(struct frame *f, uint32_t src, uint32_t dst, unsigned type,
			      unsigned code, uint32_t rest, const void *data, size_t n)
{
	uint8_t h[8] = { (uint8_t)type, (uint8_t)code };
	uint8_t *icmp = f->b + L2 + L3;

	put32(h + 4, rest);
	frame_ip4(f, src, dst, ZS_PROTO_ICMP, n + 8);
	frame_put(f, h, sizeof(h));
	frame_put(f, data, n);
	put16(icmp + 2, ~naive_sum(icmp, n + 8, 0));
}

static inline void frame_arp(struct frame *f, struct zs_mac dst, unsigned op, struct zs_mac sha,
			     uint32_t spa, struct zs_mac tha, uint32_t tpa)
{
	uint8_t fixed[8] = { 0, 1, 8, 0, 6, 4, 0, (uint8_t)op };
	uint8_t pad[18] = { 0 };

	frame_eth(f, dst, sha, ZS_ETH_ARP);
	frame_put(f, fixed, sizeof(fixed));
	frame_put(f, sha.b, 6);
	frame_put(f, &spa, 4);
	frame_put(f, tha.b, 6);
	frame_put(f, &tpa, 4);
	frame_put(f, pad, sizeof(pad));
}

/* ---- frames and mbufs ---- */

/*
 * The frame in one buffer that ends with it, so that reading on is reading out of bounds (but
 * headers stay at even addresses, as on every device).
 */
static inline struct rte_mbuf *net_mbuf(struct net *net, const struct frame *f)
{
	struct rte_mempool *mp = f->len > ZS_SIM_PKT_ROOM ? net->pools.big : net->pools.pkt;
	struct rte_mbuf *m = rte_pktmbuf_alloc(mp);

	assert_non_null(m);
	zs_pkt_set(m, (uint16_t)((m->buf_len - f->len) & ~1u), (uint16_t)f->len);
	memcpy(rte_pktmbuf_mtod(m, void *), f->b, f->len);
	return m;
}

/* The frame in a chain: first bytes in the first buffer, the rest in buffers of `piece` bytes. */
static inline struct rte_mbuf *net_chain(struct net *net, const struct frame *f, uint32_t first,
					 uint32_t piece)
{
	struct rte_mbuf *head = NULL, *tail = NULL;

	for (uint32_t at = 0, n; at < f->len || head == NULL; at += n) {
		struct rte_mbuf *m = rte_pktmbuf_alloc(net->pools.pkt);

		n = head == NULL ? first : piece;
		n = n < f->len - at ? n : f->len - at;
		zs_pkt_set(m, (uint16_t)((m->buf_len - n) & ~1u), (uint16_t)n);
		memcpy(rte_pktmbuf_mtod(m, void *), f->b + at, n);
		if (head == NULL) {
			head = m;
		} else {
			tail->next = m;
			head->nb_segs++;
			head->pkt_len += n;
		}
		tail = m;
	}
	return head;
}

static inline void frame_of(struct frame *f, const struct rte_mbuf *m)
{
	uint32_t total = m->pkt_len;
	unsigned segs = m->nb_segs;

	f->len = 0;
	for (; m != NULL; m = m->next, segs--)
		frame_put(f, rte_pktmbuf_mtod(m, const void *), m->data_len);
	assert_int_equal(f->len, total);
	assert_int_equal(segs, 0);
}

/* Packet i of what was sent. */
static inline void net_sent(const struct net *net, uint32_t i, struct frame *f)
{
	assert_true(i < net->n_out);
	frame_of(f, net->out[i]);
}

static inline void net_input_mbuf(struct net *net, struct rte_mbuf *m)
{
	zs_stack_input(net->s, 0, &m, 1);
	net_flush(net);
}

static inline void net_input(struct net *net, const struct frame *f)
{
	net_input_mbuf(net, net_mbuf(net, f));
}

/* The peer, or host d, is asked for no longer: its address is known. */
static inline void net_know(struct net *net, unsigned d)
{
	struct frame f;

	frame_arp(&f, mac_of(US), ZS_ARP_REQUEST, mac_of(d), host(d), (struct zs_mac){ { 0 } },
		  net->cfg.netif[0].ip4_be);
	memcpy(f.b, net->nif->mac.b, 6);
	net_input(net, &f);
	net_clear(net);
}

/* Both checksums of an IPv4 packet as sent in software. */
static inline void assert_cksums(const struct frame *f)
{
	const uint8_t *ip = f->b + L2;
	size_t ihl = 4u * (ip[0] & 15), n = get16(ip + 2) - ihl;

	assert_int_equal(naive_sum(ip, ihl, 0), 0xffff);
	if (get16(ip + 6) & 0x3fff)
		return; /* a fragment */
	if (ip[9] == ZS_PROTO_ICMP)
		assert_int_equal(naive_sum(ip + ihl, n, 0), 0xffff);
	else
		assert_int_equal(naive_l4(ip, n), 0xffff);
}

static inline void fill(uint8_t *p, size_t n, uint32_t seed)
{
	for (size_t i = 0; i < n; i++) {
		seed = seed * 1664525u + 1013904223u;
		p[i] = (uint8_t)(seed >> 24);
	}
}

/* n bytes of a pattern in one buffer with the usual headroom: a payload to send. */
static inline struct rte_mbuf *net_payload(struct net *net, uint32_t n, uint32_t seed)
{
	struct rte_mempool *mp = n > ZS_SIM_PKT_ROOM ? net->pools.big : net->pools.pkt;
	struct rte_mbuf *m = rte_pktmbuf_alloc(mp);

	assert_non_null(m);
	fill((uint8_t *)rte_pktmbuf_append(m, (uint16_t)n), n, seed);
	return m;
}

#endif
