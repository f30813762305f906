/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Neighbours, routers, groups and addresses of IPv6: duplicate address detection, solicitations and
 * advertisements both ways, what routers advertise, reports of groups, and which source is chosen.
 */
#include "zs_net6test.h"

#include <errno.h>

#include "core/zs_udp.h"

enum { ND_AT = L34_6, TARGET = ND_AT + 8 };

static const struct zs_mac nobody = { { 0 } };

static struct zs_addr solicited(struct zs_addr a)
{
	return zs_ip6_solicited_node(&a);
}

/* Index of the first packet sent from `at` on that is ICMPv6 of this type; n_out: none. */
static uint32_t find_icmp6(const struct net *net, uint32_t at, unsigned type, struct frame *f)
{
	for (; at < net->n_out; at++) {
		net_sent(net, at, f);
		if (get16(f->b + 12) == ZS_ETH_IP6 && f->b[L2 + 6] == ZS_PROTO_ICMP6 &&
		    f->b[ND_AT] == type)
			return at;
	}
	return at;
}

static unsigned state_of(const struct net *net, struct zs_addr a)
{
	const struct zs_addr6 *x = zs_addr6_find(net->s, net->nif, &a);

	return x != NULL ? x->state : (unsigned)ZS_A6_FREE;
}

/* ---- duplicate address detection (RFC 4862 5.4) ---- */

static void dad_start(struct net *net)
{
	net6_prepare(net);
	net->cfg.netif[0].ip6.dad_probes = 1;
	net_create(net);
}

static void test_dad(void **state)
{
	struct net net;
	struct frame f;
	uint32_t i;

	(void)state;
	dad_start(&net);
	assert_int_equal(state_of(&net, host6(US)), ZS_A6_TENTATIVE);
	net_wait(&net, 1100000);
	i = find_icmp6(&net, 0, ZS_ND_SOLICIT, &f);
	assert_true(i < net.n_out);
	assert_int_equal(f.len, L34_6 + 24); /* from nobody, so without a MAC address */
	assert_int_equal(f.b[L2 + 7], HOPS);
	assert_sent6(&f, any6, solicited(f.b[TARGET] == 0xfe ? link6(US) : host6(US)),
		     ZS_PROTO_ICMP6);
	assert_int_equal(f.b[0], 0x33);
	i = find_icmp6(&net, i + 1, ZS_ND_SOLICIT, &f);
	assert_true(i < net.n_out);
	net_wait(&net, 1100000);
	assert_int_equal(state_of(&net, host6(US)), ZS_A6_PREFERRED);
	assert_int_equal(state_of(&net, zoned(link6(US))), ZS_A6_PREFERRED);
	net_end(&net);
}

/* Somebody has it, or tries it at the same time. */
static void test_dad_fails(void **state)
{
	const struct zs_addr us = host6(US);
	struct net net;
	struct frame f;

	(void)state;
	for (unsigned how = 0; how < 2; how++) {
		struct zs_udp *u;

		dad_start(&net);
		net_wait(&net, 1100000);
		if (how == 0)
			frame_nd(&f, ZS_ND_ADVERT, ZS_NA_OVERRIDE, host6(US), group6(1), host6(US),
				 ZS_NDOPT_TARGET, mac_of(9));
		else
			frame_nd(&f, ZS_ND_SOLICIT, 0, any6, solicited(host6(US)), host6(US), 0,
				 nobody);
		net_input(&net, &f);
		assert_int_equal(state_of(&net, host6(US)), ZS_A6_DUPLICATE);
		assert_int_equal(net.s->stats.nd_conflicts, 1);
		net_wait(&net, 3000000);
		u = zs_udp_open(net.s, ZS_AF_IP6);
		assert_int_equal(zs_udp_bind(net.s, u, &us, 5), -EADDRNOTAVAIL);
		zs_udp_close(net.s, u);
		net_clear(&net);
		frame_nd(&f, ZS_ND_SOLICIT, 0, host6(PEER), solicited(host6(US)), host6(US),
			 ZS_NDOPT_SOURCE, mac_of(PEER));
		net_input(&net, &f); /* not ours to answer for */
		assert_int_equal(find_icmp6(&net, 0, ZS_ND_ADVERT, &f), net.n_out);
		zs_stack_link_up(net.s, 0); /* another try */
		net_wait(&net, 3000000);
		assert_int_equal(state_of(&net, host6(US)), ZS_A6_PREFERRED);
		net_end(&net);
	}
}

/* Who asks for an address while it is tried is not answered, and proves nothing. */
static void test_dad_undisturbed(void **state)
{
	struct net net;
	struct frame f;

	(void)state;
	dad_start(&net);
	net_wait(&net, 1100000);
	net_clear(&net);
	frame_nd(&f, ZS_ND_SOLICIT, 0, host6(PEER), solicited(host6(US)), host6(US),
		 ZS_NDOPT_SOURCE, mac_of(PEER));
	net_input(&net, &f);
	assert_int_equal(net.n_out, 0);
	memcpy(f.b + 6, mac_of(US).b, 6); /* our own probe, come back */
	frame_nd(&f, ZS_ND_SOLICIT, 0, any6, solicited(host6(US)), host6(US), 0, nobody);
	memcpy(f.b + 6, mac_of(US).b, 6);
	net_input(&net, &f);
	net_wait(&net, 2000000);
	assert_int_equal(state_of(&net, host6(US)), ZS_A6_PREFERRED);
	net_end(&net);
}

/* What is sent to an address while it is tried is not for us. */
static unsigned n_strays;

static bool take_stray(void *ctx, uint16_t port, struct rte_mbuf *m, enum zs_pass why)
{
	(void)ctx;
	(void)port;
	assert_int_equal(why, ZS_PASS_STRAY);
	rte_pktmbuf_free(m);
	n_strays++;
	return true;
}

/* Another stack of the host may be through with it, and serve there. */
static void test_dad_passes_on(void **state)
{
	struct net net;
	struct frame f;

	(void)state;
	net6_prepare(&net);
	net.cfg.netif[0].ip6.dad_probes = 1;
	net.env.pass_on = take_stray;
	net_create(&net);
	n_strays = 0;
	frame_udp6(&f, host6(PEER), 5, host6(US), 100, "x", 1);
	net_input(&net, &f);
	assert_int_equal(n_strays, 1);
	frame_udp6(&f, host6(PEER), 5, host6(77), 100, "x", 1);
	net_input(&net, &f);
	assert_int_equal(n_strays, 1);
	assert_int_equal(drops(&net, ZS_DROP_IP_NOT_OURS), 1);
	net_end(&net);
}

static void test_dad_deaf(void **state)
{
	struct rte_mbuf *m;
	struct zs_udp *u;
	struct net net;
	struct frame f;

	(void)state;
	dad_start(&net);
	u = zs_udp_open(net.s, ZS_AF_IP6);
	assert_int_equal(zs_udp_bind(net.s, u, &any6, 100), 0);
	frame_udp6(&f, host6(PEER), 5, host6(US), 100, "x", 1);
	net_input(&net, &f);
	assert_null(zs_udp_recv(net.s, u));
	assert_int_equal(drops(&net, ZS_DROP_IP_TENTATIVE), 1);
	net_wait(&net, 3000000);
	net_input(&net, &f);
	m = zs_udp_recv(net.s, u);
	assert_non_null(m);
	rte_pktmbuf_free(m);
	zs_udp_close(net.s, u);
	net_end(&net);
}

/* ---- neighbours (RFC 4861 7.2) ---- */

static void test_answers(void **state)
{
	struct zs_addr peer = host6(PEER);
	struct zs_mac mac;
	struct net net;
	struct frame f;

	(void)state;
	net6_start(&net);
	frame_nd(&f, ZS_ND_SOLICIT, 0, peer, solicited(host6(US)), host6(US), ZS_NDOPT_SOURCE,
		 mac_of(PEER));
	net_input(&net, &f);
	assert_int_equal(net.n_out, 1);
	net_sent(&net, 0, &f);
	assert_sent6(&f, host6(US), peer, ZS_PROTO_ICMP6);
	assert_memory_equal(f.b, mac_of(PEER).b, 6);
	assert_int_equal(f.b[ND_AT], ZS_ND_ADVERT);
	assert_int_equal(f.b[ND_AT + 4], ZS_NA_SOLICITED | ZS_NA_OVERRIDE);
	assert_addr(f.b + TARGET, host6(US));
	assert_int_equal(f.b[TARGET + 16], ZS_NDOPT_TARGET);
	assert_memory_equal(f.b + TARGET + 18, mac_of(US).b, 6);
	assert_true(zs_neigh_lookup(net.s, net.nif, ZS_AF_IP6, &peer, &mac));
	assert_memory_equal(&mac, mac_of(PEER).b, 6);
	net_clear(&net);
	/* somebody who tries our address learns that it is taken */
	frame_nd(&f, ZS_ND_SOLICIT, 0, any6, solicited(host6(US)), host6(US), 0, nobody);
	net_input(&net, &f);
	assert_int_equal(net.n_out, 1);
	net_sent(&net, 0, &f);
	assert_sent6(&f, host6(US), group6(1), ZS_PROTO_ICMP6);
	assert_int_equal(f.b[ND_AT + 4], ZS_NA_OVERRIDE);
	net_end(&net);
}

/* RFC 4861 7.1: what a router may have let through, and what is malformed, is not believed. */
static void test_not_believed(void **state)
{
	struct zs_addr peer = host6(PEER);
	struct zs_mac mac;
	struct net net;
	struct frame f;

	(void)state;
	net6_start(&net);
	for (unsigned how = 0; how < 5; how++) {
		frame_nd(&f, ZS_ND_SOLICIT, 0, peer, solicited(host6(US)),
			 how == 3 ? group6(1) : host6(US), ZS_NDOPT_SOURCE, mac_of(PEER));
		if (how == 0)
			f.b[L2 + 7] = 254;
		else if (how == 1)
			f.b[ND_AT + 1] = 1;
		else if (how == 2)
			f.b[TARGET + 17] = 0;
		else if (how == 4)
			f.b[TARGET + 17] = 2;
		frame_fix6(&f, ND_AT, ZS_PROTO_ICMP6, 2);
		net_input(&net, &f);
		assert_int_equal(net.n_out, 0);
		assert_int_equal(drops(&net, ZS_DROP_ICMP_BAD), how + 1);
		assert_false(zs_neigh_lookup(net.s, net.nif, ZS_AF_IP6, &peer, &mac));
	}
	f.b[ND_AT + 2] ^= 1;
	net_input(&net, &f);
	assert_int_equal(drops(&net, ZS_DROP_ICMP_CKSUM), 1);
	net_end(&net);
}

static struct zs_udp *say(struct net *net, struct zs_udp *u, struct zs_addr to)
{
	if (u == NULL)
		u = zs_udp_open(net->s, ZS_AF_IP6);
	assert_int_equal(zs_udp_send(net->s, u, net_payload(net, 10, 1), &to, 7), 0);
	net_flush(net);
	return u;
}

/* A packet waits for the answer; a neighbour that is silent is asked three times. */
static void test_asks(void **state)
{
	struct zs_udp *u;
	struct net net;
	struct frame f;

	(void)state;
	net6_start(&net);
	u = say(&net, NULL, host6(PEER));
	assert_int_equal(net.n_out, 1);
	net_sent(&net, 0, &f);
	assert_sent6(&f, host6(US), solicited(host6(PEER)), ZS_PROTO_ICMP6);
	assert_memory_equal(f.b, "\x33\x33\xff\0\0\1", 6);
	assert_addr(f.b + TARGET, host6(PEER));
	assert_int_equal(f.b[TARGET + 16], ZS_NDOPT_SOURCE);
	net_clear(&net);
	frame_nd(&f, ZS_ND_ADVERT, ZS_NA_SOLICITED | ZS_NA_OVERRIDE, host6(PEER), host6(US),
		 host6(PEER), ZS_NDOPT_TARGET, mac_of(PEER));
	net_input(&net, &f);
	assert_int_equal(net.n_out, 1);
	net_sent(&net, 0, &f);
	assert_sent6(&f, host6(US), host6(PEER), ZS_PROTO_UDP);
	assert_memory_equal(f.b, mac_of(PEER).b, 6);
	net_clear(&net);
	(void)say(&net, u, host6(9));
	net_wait(&net, 5000000);
	for (uint32_t i = 0, n = 0; i < net.n_out; i++, n++) {
		i = find_icmp6(&net, i, ZS_ND_SOLICIT, &f);
		assert_int_equal(i == net.n_out, n == 3);
	}
	assert_int_equal(drops(&net, ZS_DROP_NEIGH_FAILED), 1);
	zs_udp_close(net.s, u);
	net_end(&net);
}

/* Who asks for us under many names leaves room for those whom we want to reach. */
static void test_flood_of_solicitations(void **state)
{
	struct zs_udp *u;
	struct net net;
	struct frame f;

	(void)state;
	net6_start(&net);
	for (unsigned d = 100; d < 100 + net.cfg.max_neigh; d++) {
		frame_nd(&f, ZS_ND_SOLICIT, 0, link6(d), solicited(host6(US)), host6(US),
			 ZS_NDOPT_SOURCE, mac_of(d));
		net_input(&net, &f);
		assert_int_equal(net.n_out, 1);
		net_sent(&net, 0, &f);
		assert_int_equal(f.b[ND_AT], ZS_ND_ADVERT);
		assert_memory_equal(f.b, mac_of(d).b, 6);
		net_clear(&net);
	}
	u = say(&net, NULL, host6(5));
	assert_int_equal(find_icmp6(&net, 0, ZS_ND_SOLICIT, &f), 0);
	assert_int_equal(drops(&net, ZS_DROP_NEIGH_FULL), 0);
	zs_udp_close(net.s, u);
	net_end(&net);
}

/* RFC 4861 7.2.5: another MAC address without the override flag raises doubts, no more. */
static void test_override(void **state)
{
	struct zs_addr peer = host6(PEER);
	struct zs_mac mac;
	struct net net;
	struct frame f;

	(void)state;
	net6_start(&net);
	net6_know(&net, peer, mac_of(PEER));
	frame_nd(&f, ZS_ND_ADVERT, 0, peer, host6(US), peer, ZS_NDOPT_TARGET, mac_of(9));
	net_input(&net, &f);
	assert_true(zs_neigh_lookup(net.s, net.nif, ZS_AF_IP6, &peer, &mac));
	assert_memory_equal(&mac, mac_of(PEER).b, 6);
	f.b[ND_AT + 4] = ZS_NA_OVERRIDE;
	frame_fix6(&f, ND_AT, ZS_PROTO_ICMP6, 2);
	net_input(&net, &f);
	assert_true(zs_neigh_lookup(net.s, net.nif, ZS_AF_IP6, &peer, &mac));
	assert_memory_equal(&mac, mac_of(9).b, 6);
	/* an advertisement of someone we do not talk to makes no entry */
	peer = host6(33);
	frame_nd(&f, ZS_ND_ADVERT, ZS_NA_OVERRIDE, peer, group6(1), peer, ZS_NDOPT_TARGET,
		 mac_of(33));
	net_input(&net, &f);
	assert_null(zs_neigh_find(net.s, net.nif, ZS_AF_IP6, &peer));
	net_end(&net);
}

/* ---- routers (RFC 4861 6.3, RFC 4862 5.5) ---- */

struct ra {
	uint16_t lifetime;
	uint32_t valid, preferred, mtu;
	uint8_t hop_limit;
};

static void frame_ra(struct frame *f, unsigned from, const struct ra *ra)
{
	uint8_t msg[16 + 32 + 8] = { ZS_ND_ROUTER_ADVERT, [4] = ra->hop_limit };
	uint8_t *p = msg + 16, *mtu = p + 32;

	put16(msg + 6, ra->lifetime);
	memcpy(p, "\3\4\x40\xc0", 4);
	put32(p + 4, ra->valid);
	put32(p + 8, ra->preferred);
	memcpy(p + 16, "\x20\x01\x0d\xb8\0\5\0\0", 8);
	memcpy(mtu, "\5\1\0\0", 4);
	put32(mtu + 4, ra->mtu);
	frame_icmp6(f, link6(from), group6(1), HOPS, msg, sizeof(msg));
}

static void ra_start(struct net *net)
{
	net_prepare(net, US);
	net->cfg.netif[0].ip6 = (struct zs_ip6_config){ .on = true, .autoconf = true };
	net_create(net);
}

/* 2001:db8:5::/64 with the interface's identifier */
static struct zs_addr automatic(void)
{
	struct zs_addr a = link6(US);

	memcpy(a.b, "\x20\x01\x0d\xb8\0\5\0\0", 8);
	return a;
}

static bool leads_to(struct net *net, struct zs_addr dst, struct zs_addr want)
{
	struct zs_addr nexthop;

	return zs_route_lookup(net->s, ZS_AF_IP6, &dst, &nexthop) == net->nif &&
	       zs_addr_eq(&nexthop, &want);
}

static void test_router(void **state)
{
	const struct zs_addr far = zs_addr_ip6((const uint16_t[8]){ 0x2001, 0xaaaa, [7] = 1 });
	struct ra ra = { 1800, 7200, 3600, 1400, 33 };
	struct net net;
	struct frame f;

	(void)state;
	ra_start(&net);
	net_wait(&net, 1100000);
	assert_true(find_icmp6(&net, 0, ZS_ND_ROUTER_SOLICIT, &f) < net.n_out);
	assert_sent6(&f, link6(US), group6(2), ZS_PROTO_ICMP6);
	net_clear(&net);
	frame_ra(&f, PEER, &ra);
	f.b[L2 + 7] = 64;
	net_input(&net, &f); /* from afar */
	assert_int_equal(state_of(&net, automatic()), ZS_A6_FREE);
	f.b[L2 + 7] = HOPS;
	net_input(&net, &f);
	assert_int_equal(state_of(&net, automatic()), ZS_A6_PREFERRED);
	assert_true(leads_to(&net, far, zoned(link6(PEER))));
	assert_int_equal(zs_link_mtu(net.s, net.nif, ZS_AF_IP6), 1400);
	assert_int_equal(zs_link_mtu(net.s, net.nif, ZS_AF_IP4), 1500);
	assert_int_equal(zs_hop_limit(net.s, net.nif), 33);
	net_wait(&net, 5000000); /* nobody has to be asked again */
	assert_int_equal(find_icmp6(&net, 0, ZS_ND_ROUTER_SOLICIT, &f), net.n_out);
	net_end(&net);
}

/* RFC 6980 5: not even in a fragment that is the whole message. */
static void test_in_fragment(void **state)
{
	static const uint8_t atomic[8] = { ZS_PROTO_ICMP6 };
	const struct zs_addr far = zs_addr_ip6((const uint16_t[8]){ 0x2001, 0xaaaa, [7] = 1 });
	struct ra ra = { 1800, 7200, 3600, 1400, 33 };
	struct zs_addr peer = zoned(link6(PEER));
	struct net net;
	struct frame f;

	(void)state;
	ra_start(&net);
	for (unsigned i = 0; i < 2; i++) {
		if (i == 0)
			frame_ra(&f, PEER, &ra);
		else
			frame_nd(&f, ZS_ND_SOLICIT, 0, link6(PEER), solicited(link6(US)), link6(US),
				 ZS_NDOPT_SOURCE, mac_of(PEER));
		memmove(f.b + L34_6 + sizeof(atomic), f.b + L34_6, f.len - L34_6);
		memcpy(f.b + L34_6, atomic, sizeof(atomic));
		f.len += sizeof(atomic);
		f.b[L2 + 6] = ZS_EXT_FRAGMENT;
		put16(f.b + L2 + 4, f.len - L34_6);
		net_input(&net, &f);
		assert_int_equal(drops(&net, ZS_DROP_ICMP_BAD), i + 1);
	}
	assert_int_equal(state_of(&net, automatic()), ZS_A6_FREE);
	assert_false(leads_to(&net, far, peer));
	assert_null(zs_neigh_find(net.s, net.nif, ZS_AF_IP6, &peer));
	net_end(&net);
}

static void test_lifetimes(void **state)
{
	const struct zs_addr far = zs_addr_ip6((const uint16_t[8]){ 0x2001, 0xaaaa, [7] = 1 });
	struct zs_addr near = automatic(), src;
	struct ra ra = { 60, 300, 100, 1500, 0 };
	struct net net;
	struct frame f;

	(void)state;
	near.b[15] = 77;
	ra_start(&net);
	frame_ra(&f, PEER, &ra);
	net_input(&net, &f);
	assert_true(leads_to(&net, near, near));
	ra.lifetime = 1800;
	frame_ra(&f, 9, &ra); /* a second router */
	net_input(&net, &f);
	assert_true(leads_to(&net, far, zoned(link6(PEER))));
	net_wait(&net, 61000000);
	assert_true(leads_to(&net, far, zoned(link6(9))));
	net_wait(&net, 60000000);
	assert_int_equal(state_of(&net, automatic()), ZS_A6_DEPRECATED);
	assert_true(zs_source_ip6(net.s, net.nif, &far, &src));
	net_wait(&net, 200000000);
	assert_int_equal(state_of(&net, automatic()), ZS_A6_FREE);
	assert_false(leads_to(&net, near, near));
	ra.lifetime = 0; /* it is a router no longer */
	frame_ra(&f, 9, &ra);
	net_input(&net, &f);
	assert_false(leads_to(&net, far, zoned(link6(9))));
	net_end(&net);
}

/* RFC 4862 5.5.3 (e): one packet does not take an address away. */
static void test_two_hours(void **state)
{
	struct ra ra = { 1800, 86400, 86400, 1500, 0 };
	struct net net;
	struct frame f;

	(void)state;
	ra_start(&net);
	frame_ra(&f, PEER, &ra);
	net_input(&net, &f);
	ra.valid = ra.preferred = 1;
	frame_ra(&f, PEER, &ra);
	net_input(&net, &f);
	net_wait(&net, 3000000);
	assert_int_equal(state_of(&net, automatic()), ZS_A6_DEPRECATED);
	net_end(&net);
}

/* Another router takes over when the first one does not answer (RFC 4861 6.3.6). */
static void test_dead_router(void **state)
{
	const struct zs_addr far = zs_addr_ip6((const uint16_t[8]){ 0x2001, 0xaaaa, [7] = 1 });
	struct ra ra = { 1800, 7200, 3600, 1500, 0 };
	struct zs_udp *u;
	struct net net;
	struct frame f;

	(void)state;
	ra_start(&net);
	frame_ra(&f, PEER, &ra);
	net_input(&net, &f);
	frame_ra(&f, 9, &ra);
	net_input(&net, &f);
	u = say(&net, NULL, far);
	assert_true(leads_to(&net, far, zoned(link6(PEER))));
	net_wait(&net, 4000000);
	assert_true(leads_to(&net, far, zoned(link6(9))));
	zs_udp_close(net.s, u);
	net_end(&net);
}

/* RFC 4861 7.2.5: what must not change the entry does not say either that it is no router. */
static void test_refused_advert(void **state)
{
	const struct zs_addr far = zs_addr_ip6((const uint16_t[8]){ 0x2001, 0xaaaa, [7] = 1 });
	const struct zs_addr peer = link6(PEER);
	struct ra ra = { 1800, 7200, 3600, 1500, 0 };
	struct zs_udp *u;
	struct net net;
	struct frame f;

	(void)state;
	ra_start(&net);
	frame_ra(&f, PEER, &ra);
	net_input(&net, &f);
	u = say(&net, NULL, far);
	frame_nd(&f, ZS_ND_ADVERT, ZS_NA_OVERRIDE, peer, group6(1), peer, 0, nobody);
	net_input(&net, &f); /* no MAC address, where none is known */
	assert_true(leads_to(&net, far, zoned(peer)));
	frame_nd(&f, ZS_ND_ADVERT, ZS_NA_ROUTER | ZS_NA_SOLICITED | ZS_NA_OVERRIDE, peer, link6(US),
		 peer, ZS_NDOPT_TARGET, mac_of(PEER));
	net_input(&net, &f);
	frame_nd(&f, ZS_ND_ADVERT, 0, peer, group6(1), peer, ZS_NDOPT_TARGET, mac_of(9));
	for (unsigned i = 0; i < 2; i++) { /* the entry is reachable, then stale */
		net_input(&net, &f);
		assert_true(leads_to(&net, far, zoned(peer)));
	}
	frame_nd(&f, ZS_ND_ADVERT, 0, peer, group6(1), peer, ZS_NDOPT_TARGET, mac_of(PEER));
	net_input(&net, &f); /* its own word */
	assert_false(leads_to(&net, far, zoned(peer)));
	zs_udp_close(net.s, u);
	net_end(&net);
}

/*
 * What one stack heard of routers another one does not get by a copy: it hears them itself, and who
 * heard takes away. What was configured it gets.
 */
static void test_copied_routes(void **state)
{
	const struct zs_addr far = zs_addr_ip6((const uint16_t[8]){ 0x2001, 0xaaaa, [7] = 1 });
	const struct zs_route fixed = {
		.prefix = host6(0), .gateway = host6(7), .family = ZS_AF_IP6, .prefix_len = 64
	};
	struct ra ra = { 1800, 7200, 3600, 1500, 0 };
	struct zs_addr near = automatic();
	static struct net a, b;
	struct frame f;

	(void)state;
	near.b[15] = 77;
	ra_start(&a);
	ra_start(&b);
	assert_int_equal(zs_route_add(a.s, &fixed), 0);
	frame_ra(&f, PEER, &ra);
	net_input(&a, &f);
	zs_route_copy(a.s, b.s);
	assert_true(leads_to(&b, host6(9), host6(7)));
	assert_true(leads_to(&b, zoned(link6(9)), zoned(link6(9))));
	assert_false(leads_to(&b, far, zoned(link6(PEER))));
	assert_false(leads_to(&b, near, near));
	net_input(&b, &f);
	frame_ra(&f, 9, &ra);
	net_input(&b, &f);
	zs_route_copy(a.s, b.s); /* what it has heard stays */
	assert_true(leads_to(&b, far, zoned(link6(PEER))));
	assert_true(leads_to(&b, near, near));
	ra.lifetime = 0;
	frame_ra(&f, PEER, &ra);
	net_input(&b, &f);
	assert_true(leads_to(&b, far, zoned(link6(9))));
	net_end(&b);
	net_end(&a);
}

/* With addresses of its own only, an interface takes none from routers. */
static void test_no_autoconf(void **state)
{
	struct ra ra = { 1800, 7200, 3600, 1400, 33 };
	struct net net;
	struct frame f;

	(void)state;
	net6_start(&net);
	frame_ra(&f, PEER, &ra);
	net_input(&net, &f);
	assert_int_equal(state_of(&net, automatic()), ZS_A6_FREE);
	assert_int_equal(zs_link_mtu(net.s, net.nif, ZS_AF_IP6), 1500);
	net_end(&net);
}

/* ---- groups (RFC 3810) ---- */

static struct {
	unsigned calls, n;
	struct zs_mac mac[ZS_IF6_GROUPS + 1];
} device;

static void note_groups(void *ctx, uint16_t port, const struct zs_mac *macs, unsigned n)
{
	(void)ctx;
	assert_int_equal(port, 0);
	device.calls++;
	device.n = n;
	memcpy(device.mac, macs, n * sizeof(*macs));
}

static bool device_has(const char *mac)
{
	for (unsigned i = 0; i < device.n; i++)
		if (memcmp(&device.mac[i], mac, 6) == 0)
			return true;
	return false;
}

/* A report with record type `type` of group g. */
static bool is_report(const struct frame *f, unsigned type, struct zs_addr g)
{
	const uint8_t *mld = f->b + L34_6 + 8;

	if (get16(f->b + 12) != ZS_ETH_IP6 || f->b[L2 + 6] != ZS_EXT_HOPOPTS ||
	    mld[0] != ZS_MLD2_REPORT)
		return false;
	assert_int_equal(f->b[L2 + 7], 1);
	assert_memory_equal(f->b + L34_6, "\x3a\0\5\2\0\0\1\0", 8); /* router alert */
	assert_addr(f->b + L2 + 24, group6(0x16));
	assert_int_equal(naive_l4_6(f, L34_6 + 8, ZS_PROTO_ICMP6), 0xffff);
	for (unsigned i = 0; i < get16(mld + 6); i++)
		if (mld[8 + 20 * i] == type && memcmp(mld + 12 + 20 * i, &g, 16) == 0)
			return true;
	return false;
}

static unsigned reports(const struct net *net, unsigned type, struct zs_addr g)
{
	unsigned n = 0;
	struct frame f;

	for (uint32_t i = 0; i < net->n_out; i++) {
		net_sent(net, i, &f);
		n += is_report(&f, type, g);
	}
	return n;
}

/* ms: what a router gives for the answer; len: 28, of version 1 24. */
static void query_with(struct net *net, const char *hopopts, unsigned ms, size_t len)
{
	uint8_t msg[28] = { ZS_MLD_QUERY };
	struct frame f;

	put16(msg + 4, ms);
	frame_ip6(&f, link6(PEER), group6(1), ZS_EXT_HOPOPTS, 1, 8 + len);
	frame_put(&f, hopopts, 8);
	frame_put(&f, msg, len);
	frame_fix6(&f, L34_6 + 8, ZS_PROTO_ICMP6, 2);
	net_input(net, &f);
}

static void query(struct net *net, unsigned ms, size_t len)
{
	query_with(net, "\x3a\0\5\2\0\0\1\0", ms, len);
}

static void test_groups(void **state)
{
	struct zs_addr g = group6(0x1234);
	struct net net;

	(void)state;
	net6_prepare(&net);
	net.env.groups = note_groups;
	net_create(&net);
	assert_true(device_has("\x33\x33\0\0\0\1"));
	assert_true(device_has("\x33\x33\xff\0\0\2"));
	net_wait(&net, 3000000);
	assert_int_equal(reports(&net, 4, solicited(host6(US))), 2); /* robustness */
	net_clear(&net);
	assert_int_equal(zs_group6_join(net.s, net.nif, &g), 0);
	assert_int_equal(zs_group6_join(net.s, net.nif, &g), 0);
	assert_true(device_has("\x33\x33\0\0\x12\x34"));
	net_wait(&net, 3000000);
	assert_int_equal(reports(&net, 4, g), 2);
	net_clear(&net);
	query(&net, 1000, 28);
	net_wait(&net, 1100000);
	assert_int_equal(reports(&net, 2, g), 1);
	assert_int_equal(reports(&net, 2, solicited(host6(US))), 1);
	net_clear(&net);
	zs_group6_leave(net.s, net.nif, &g);
	assert_int_equal(net.n_out, 0); /* another one still listens */
	zs_group6_leave(net.s, net.nif, &g);
	net_flush(&net);
	assert_int_equal(reports(&net, 3, g), 1);
	assert_false(device_has("\x33\x33\0\0\x12\x34"));
	net_wait(&net, 3000000);
	assert_int_equal(net.n_out, 2);
	assert_int_equal(reports(&net, 3, g), 2); /* that, too */
	net_end(&net);
}

/* Who comes back is not said to have left. */
static void test_join_after_leave(void **state)
{
	struct zs_addr g = group6(0x1234);
	struct net net;

	(void)state;
	net6_start(&net);
	assert_int_equal(zs_group6_join(net.s, net.nif, &g), 0);
	net_wait(&net, 3000000);
	net_clear(&net);
	zs_group6_leave(net.s, net.nif, &g);
	assert_int_equal(zs_group6_join(net.s, net.nif, &g), 0);
	net_wait(&net, 3000000);
	assert_int_equal(net.n_out, 3);
	assert_int_equal(reports(&net, 3, g), 1);
	assert_int_equal(reports(&net, 4, g), 2);
	net_end(&net);
}

/* RFC 3810 6: of what no router forwards, none is told. */
static void test_unreported(void **state)
{
	struct zs_addr a[] = { group6(1), group6(7), group6(7) };
	struct net net;

	(void)state;
	net6_start(&net);
	a[1].b[1] = 0;
	a[2].b[1] = ZS_SCOPE_INTERFACE;
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(zs_group6_join(net.s, net.nif, &a[i]), 0);
	query(&net, 1000, 28);
	net_wait(&net, 3000000);
	for (unsigned i = 0; i < 3; i++)
		zs_group6_leave(net.s, net.nif, &a[i]);
	net_wait(&net, 3000000);
	for (unsigned i = 0; i < 3; i++)
		for (unsigned type = 2; type <= 4; type++)
			assert_int_equal(reports(&net, type, a[i]), 0);
	assert_int_equal(reports(&net, 2, solicited(host6(US))), 1);
	net_end(&net);
}

/* RFC 3810 6.1: at once, whatever time an answer has, which is given all the same. */
static void test_join_before_answer(void **state)
{
	struct zs_addr g = group6(0x1234);
	struct net net;

	(void)state;
	net6_start(&net);
	query(&net, 10000, 28);
	assert_int_equal(zs_group6_join(net.s, net.nif, &g), 0);
	net_wait(&net, 10000);
	assert_int_equal(reports(&net, 4, g), 1);
	assert_int_equal(reports(&net, 2, g), 0);
	net_wait(&net, 10100000);
	assert_int_equal(reports(&net, 4, g), 2);
	assert_int_equal(reports(&net, 2, g), 1);
	net_end(&net);
}

/* Messages of version 1 (RFC 2710) about group g, to dst. */
static unsigned old_messages(const struct net *net, unsigned type, struct zs_addr g,
			     struct zs_addr dst)
{
	const uint8_t *mld;
	unsigned n = 0;
	struct frame f;

	for (uint32_t i = 0; i < net->n_out; i++) {
		net_sent(net, i, &f);
		mld = f.b + L34_6 + 8;
		if (f.b[L2 + 6] != ZS_EXT_HOPOPTS || mld[0] != type ||
		    memcmp(mld + 8, &g, sizeof(g)) != 0)
			continue;
		n++;
		assert_int_equal(f.len, L34_6 + 8 + 24);
		assert_int_equal(f.b[L2 + 7], 1);
		assert_memory_equal(f.b + L34_6, "\x3a\0\5\2\0\0\1\0", 8); /* router alert */
		assert_memory_equal(mld + 4, "\0\0\0\0", 4);
		assert_addr(f.b + L2 + 8, link6(US));
		assert_addr(f.b + L2 + 24, dst);
		assert_int_equal(naive_l4_6(&f, L34_6 + 8, ZS_PROTO_ICMP6), 0xffff);
	}
	return n;
}

/* RFC 3810 8.2.1: as long as a router of version 1 asks, version 1 is what it hears. */
static void test_older_routers(void **state)
{
	struct zs_addr g = group6(0x1234), h = group6(0x5678), us = solicited(host6(US));
	struct net net;

	(void)state;
	net6_start(&net);
	assert_int_equal(zs_group6_join(net.s, net.nif, &g), 0);
	net_wait(&net, 3000000);
	net_clear(&net);
	query(&net, 1000, 25); /* of no version */
	assert_int_equal(drops(&net, ZS_DROP_ICMP_BAD), 1);
	query(&net, 1000, 24);
	net_wait(&net, 1100000);
	assert_int_equal(net.n_out, 2);
	assert_int_equal(old_messages(&net, ZS_MLD_REPORT, g, g), 1);
	assert_int_equal(old_messages(&net, ZS_MLD_REPORT, us, us), 1);
	net_clear(&net);
	assert_int_equal(zs_group6_join(net.s, net.nif, &h), 0);
	net_wait(&net, 3000000);
	assert_int_equal(net.n_out, 2);
	assert_int_equal(old_messages(&net, ZS_MLD_REPORT, h, h), 2);
	net_clear(&net);
	zs_group6_leave(net.s, net.nif, &g);
	net_flush(&net);
	assert_int_equal(net.n_out, 1);
	assert_int_equal(old_messages(&net, ZS_MLD_DONE, g, group6(2)), 1);
	net_clear(&net);
	query(&net, 0xffff, 24); /* plain milliseconds */
	net_wait(&net, 66000000);
	assert_int_equal(net.n_out, 2);
	assert_int_equal(old_messages(&net, ZS_MLD_REPORT, h, h), 1);
	net_clear(&net);
	net_wait(&net, 200000000); /* it is gone: version 2 again */
	zs_group6_leave(net.s, net.nif, &h);
	net_flush(&net);
	assert_int_equal(reports(&net, 3, h), 1);
	net_end(&net);
}

/* RFC 3810 8.2.1: what version 2 had still to say is not said in version 1. */
static void test_router_gets_older(void **state)
{
	struct zs_addr g = group6(0x1234);
	struct net net;

	(void)state;
	net6_start(&net);
	assert_int_equal(zs_group6_join(net.s, net.nif, &g), 0);
	net_wait(&net, 10000);
	query(&net, 2000, 28);
	query(&net, 10000, 24);
	net_wait(&net, 11000000);
	assert_int_equal(reports(&net, 4, g), 1);
	assert_int_equal(reports(&net, 2, g), 0);
	assert_int_equal(old_messages(&net, ZS_MLD_REPORT, g, g), 1); /* the answer */
	net_end(&net);
}

/* RFC 3810 6.2: a query without a router alert is none. */
static void test_query_without_alert(void **state)
{
	static const char *const hopopts[] = {
		"\x3a\0\1\4\5\2\0\0",			    /* in padding */
		"\x3a\0\0\0\0\0\0\0", "\x3a\0\5\2\0\1\1\0", /* of another protocol */
	};
	uint8_t msg[28] = { ZS_MLD_QUERY };
	struct net net;
	struct frame f;

	(void)state;
	net6_start(&net);
	for (unsigned i = 0; i < 3; i++)
		query_with(&net, hopopts[i], 1000, 28);
	frame_icmp6(&f, link6(PEER), group6(1), 1, msg, 28);
	net_input(&net, &f);
	assert_int_equal(drops(&net, ZS_DROP_ICMP_BAD), 4);
	net_wait(&net, 1100000);
	assert_int_equal(net.n_out, 0);
	query_with(&net, "\x3a\0\1\0\5\2\0\0", 1000, 28);
	net_wait(&net, 1100000);
	assert_int_equal(net.n_out, 1);
	net_end(&net);
}

/* RFC 3810 5.1.3: the longest time that a router can give is 8,387,584 ms. */
static void test_long_response(void **state)
{
	uint64_t longest = 0, max_us = 8387584000;
	struct net net;

	(void)state;
	net6_start(&net);
	for (unsigned i = 0; i < 64; i++) {
		struct zs_if6 *i6 = zs_if6(net.s, net.nif);

		i6->mld_answer_us = 0;
		query(&net, 0xffff, 28);
		longest = RTE_MAX(longest, i6->mld_answer_us - net.now);
	}
	assert_in_range(longest, max_us / 10 * 9, max_us + 1);
	net_end(&net);
}

/* RFC 3590 4: what was reported from nobody while the address was tried is reported from it. */
static void test_reports_after_dad(void **state)
{
	struct zs_addr g = group6(0x1234), us = link6(US), from;
	unsigned nobody_says = 0, we_say = 0;
	struct net net;
	struct frame f;

	(void)state;
	dad_start(&net);
	assert_int_equal(zs_group6_join(net.s, net.nif, &g), 0);
	net_wait(&net, 4000000);
	for (uint32_t i = 0; i < net.n_out; i++) {
		net_sent(&net, i, &f);
		if (!is_report(&f, 4, g))
			continue;
		memcpy(&from, f.b + L2 + 8, sizeof(from));
		nobody_says += zs_addr_is_any(&from);
		we_say += zs_addr_eq(&from, &us);
	}
	assert_true(nobody_says > 0);
	assert_int_equal(we_say, 2);
	net_end(&net);
}

/* ---- sources (RFC 6724 5) ---- */

static void test_source(void **state)
{
	static const uint16_t ula[8] = { 0xfd00, 1, [7] = 2 },
			      doc[8] = { 0x2001, 0xdb8, 7, [7] = 2 };
	struct zs_addr dst, src;
	struct net net;

	(void)state;
	net6_prepare(&net);
	net.cfg.netif[0].ip6.n_addr = 3;
	net.cfg.netif[0].ip6.addr[1] = zs_addr_ip6(ula);
	net.cfg.netif[0].ip6.addr[2] = zs_addr_ip6(doc);
	net.cfg.netif[0].ip6.prefix[1] = net.cfg.netif[0].ip6.prefix[2] = 64;
	net_create(&net);
	dst = zoned(link6(PEER));
	assert_true(zs_source_ip6(net.s, net.nif, &dst, &src));
	assert_addr(&src, zoned(link6(US))); /* rule 2: scope */
	dst = zs_addr_ip6((const uint16_t[8]){ 0xfd00, 9, [7] = 9 });
	assert_true(zs_source_ip6(net.s, net.nif, &dst, &src));
	assert_addr(&src, zs_addr_ip6(ula)); /* rule 6: label */
	dst = zs_addr_ip6((const uint16_t[8]){ 0x2001, 0xdb8, 7, [7] = 9 });
	assert_true(zs_source_ip6(net.s, net.nif, &dst, &src));
	assert_addr(&src, zs_addr_ip6(doc)); /* rule 8: longest prefix */
	dst = host6(US);
	assert_true(zs_source_ip6(net.s, net.nif, &dst, &src));
	assert_addr(&src, host6(US)); /* rule 1: itself */
	net_end(&net);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_dad),
	cmocka_unit_test(test_dad_fails),
	cmocka_unit_test(test_dad_undisturbed),
	cmocka_unit_test(test_dad_deaf),
	cmocka_unit_test(test_dad_passes_on),
	cmocka_unit_test(test_answers),
	cmocka_unit_test(test_not_believed),
	cmocka_unit_test(test_asks),
	cmocka_unit_test(test_flood_of_solicitations),
	cmocka_unit_test(test_override),
	cmocka_unit_test(test_router),
	cmocka_unit_test(test_in_fragment),
	cmocka_unit_test(test_lifetimes),
	cmocka_unit_test(test_two_hours),
	cmocka_unit_test(test_dead_router),
	cmocka_unit_test(test_refused_advert),
	cmocka_unit_test(test_copied_routes),
	cmocka_unit_test(test_no_autoconf),
	cmocka_unit_test(test_groups),
	cmocka_unit_test(test_join_before_answer),
	cmocka_unit_test(test_join_after_leave),
	cmocka_unit_test(test_unreported),
	cmocka_unit_test(test_router_gets_older),
	cmocka_unit_test(test_long_response),
	cmocka_unit_test(test_query_without_alert),
	cmocka_unit_test(test_older_routers),
	cmocka_unit_test(test_reports_after_dad),
	cmocka_unit_test(test_source),
};

ZS_TEST_MAIN(tests)
