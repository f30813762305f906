/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Neighbours in virtual time: asking, waiting, giving up, ageing and probing, whom the table
 * believes, what it keeps when it is full, and conflicts over our own address.
 */
#include "zs_nettest.h"

static const struct zs_mac all = { { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } };
static const struct zs_mac none = { { 0 } };

enum { SECOND = 1000000 };

/* A frame for host d, numbered. */
static void send_to(struct net *net, unsigned d, uint32_t number)
{
	const struct zs_addr nh = zs_addr_ip4(host(d));
	struct rte_mbuf *m = rte_pktmbuf_alloc(net->pools.hdr);
	struct zs_eth_hdr *eth = (struct zs_eth_hdr *)rte_pktmbuf_append(m, 60);

	eth->src = net->nif->mac;
	eth->type_be = 0x0008;
	memcpy(eth + 1, &number, sizeof(number));
	zs_eth_output(net->s, net->nif, ZS_AF_IP4, &nh, m);
	net_flush(net);
}

static bool is_arp(const struct frame *f)
{
	return get16(f->b + 12) == ZS_ETH_ARP;
}

/* Packet i of what was sent is an ARP packet of this kind. */
static void assert_arp(const struct net *net, uint32_t i, unsigned op, struct zs_mac dst,
		       uint32_t tpa)
{
	uint32_t us = host(US);
	struct frame f;

	net_sent(net, i, &f);
	assert_true(is_arp(&f));
	assert_int_equal(f.len, 60);
	assert_memory_equal(f.b, dst.b, 6);
	assert_memory_equal(f.b + 6, net->nif->mac.b, 6);
	assert_memory_equal(f.b + L2, "\0\1\10\0\6\4\0", 7);
	assert_int_equal(f.b[L2 + 7], op);
	assert_memory_equal(f.b + L2 + 8, net->nif->mac.b, 6);
	assert_memory_equal(f.b + L2 + 14, &us, 4);
	assert_memory_equal(f.b + L2 + 24, &tpa, 4);
}

static void assert_data(const struct net *net, uint32_t i, struct zs_mac dst, uint32_t number)
{
	struct frame f;

	net_sent(net, i, &f);
	assert_false(is_arp(&f));
	assert_memory_equal(f.b, dst.b, 6);
	assert_memory_equal(f.b + L2, &number, sizeof(number));
}

static void arp_in(struct net *net, struct zs_mac dst, unsigned op, struct zs_mac sha, uint32_t spa,
		   uint32_t tpa)
{
	struct frame f;

	frame_arp(&f, dst, op, sha, spa, op == ZS_ARP_REPLY ? mac_of(US) : none, tpa);
	net_input(net, &f);
}

static void reply_from(struct net *net, unsigned d)
{
	arp_in(net, mac_of(US), ZS_ARP_REPLY, mac_of(d), host(d), host(US));
}

static bool known(struct net *net, unsigned d, struct zs_mac *mac)
{
	const struct zs_addr a = zs_addr_ip4(host(d));

	return zs_neigh_lookup(net->s, net->nif, ZS_AF_IP4, &a, mac);
}

static void confirm(struct net *net, unsigned d)
{
	const struct zs_addr a = zs_addr_ip4(host(d));

	zs_neigh_confirm(net->s, net->nif, ZS_AF_IP4, &a);
}

/* Host d answers our question: entry REACHABLE. */
static void resolve(struct net *net, unsigned d)
{
	send_to(net, d, 0);
	reply_from(net, d);
	net_clear(net);
}

static void test_resolution(void **state)
{
	struct zs_mac mac;
	struct net net;

	(void)state;
	net_start(&net);
	for (uint32_t k = 0; k < 5; k++)
		send_to(&net, 5, k);
	assert_int_equal(net.n_out, 1); /* one question for all five */
	assert_arp(&net, 0, ZS_ARP_REQUEST, all, host(5));
	assert_false(known(&net, 5, &mac));
	net_clear(&net);
	reply_from(&net, 5);
	assert_int_equal(net.n_out, 5);
	for (uint32_t k = 0; k < 5; k++)
		assert_data(&net, k, mac_of(5), k);
	assert_true(known(&net, 5, &mac));
	assert_memory_equal(&mac, mac_of(5).b, 6);
	net_clear(&net);
	send_to(&net, 5, 9);
	assert_int_equal(net.n_out, 1);
	assert_data(&net, 0, mac_of(5), 9);
	net_end(&net);
}

static void test_no_answer(void **state)
{
	struct net net;

	(void)state;
	net_start(&net);
	send_to(&net, 5, 1);
	send_to(&net, 5, 2);
	net_wait(&net, 990000);
	assert_int_equal(net.n_out, 1);
	net_wait(&net, 20000);
	assert_int_equal(net.n_out, 2);
	net_wait(&net, SECOND);
	assert_int_equal(net.n_out, 3);
	assert_int_equal(drops(&net, ZS_DROP_NEIGH_FAILED), 0);
	net_wait(&net, SECOND);
	assert_int_equal(net.n_out, 3);
	for (uint32_t i = 0; i < 3; i++)
		assert_arp(&net, i, ZS_ARP_REQUEST, all, host(5));
	assert_int_equal(drops(&net, ZS_DROP_NEIGH_FAILED), 2);
	net_wait(&net, 5 * SECOND);
	assert_int_equal(net.n_out, 3);
	/* the next packet asks anew, and an answer that late helps */
	net_clear(&net);
	send_to(&net, 5, 3);
	assert_arp(&net, 0, ZS_ARP_REQUEST, all, host(5));
	reply_from(&net, 5);
	assert_data(&net, 1, mac_of(5), 3);
	net_end(&net);
}

static void test_waiting_room(void **state)
{
	struct net net;

	(void)state;
	net_start(&net);
	for (uint32_t k = 0; k < 70; k++)
		send_to(&net, 5, k);
	assert_int_equal(drops(&net, ZS_DROP_NEIGH_FULL), 6);
	net_clear(&net);
	reply_from(&net, 5);
	assert_int_equal(net.n_out, 64);
	for (uint32_t k = 0; k < 64; k++) /* the oldest gave way */
		assert_data(&net, k, mac_of(5), k + 6);
	net_end(&net);
}

static void test_waiting_room_total(void **state)
{
	struct net net;

	(void)state;
	net_prepare(&net, US);
	net.cfg.max_neigh = 64;
	net_create(&net);
	for (unsigned d = 10; d < 43; d++)
		for (uint32_t k = 0; k < 64; k++)
			send_to(&net, d, k);
	net_clear(&net);
	assert_int_equal(zs_simpools_live(&net.pools), 2048);
	assert_int_equal(drops(&net, ZS_DROP_NEIGH_FULL), 64);
	for (unsigned d = 10; d < 42; d++) {
		reply_from(&net, d);
		assert_int_equal(net.n_out, 64);
		net_clear(&net);
	}
	for (unsigned d = 50; d < 70; d++) /* all places are free again */
		for (uint32_t k = 0; k < 64; k++)
			send_to(&net, d, k);
	assert_int_equal(drops(&net, ZS_DROP_NEIGH_FULL), 64);
	net_end(&net); /* the rest is freed with the stack */
}

static void test_groups(void **state)
{
	const struct zs_addr mc = zs_addr_ip4(ip4(224, 129, 2, 3));
	const struct zs_mac mapped = { { 1, 0, 0x5e, 1, 2, 3 } };
	const struct zs_addr bc = zs_addr_ip4(UINT32_MAX);
	struct net net;

	(void)state;
	net_start(&net);
	send_to(&net, 255, 1); /* of the network */
	assert_data(&net, 0, all, 1);
	for (unsigned i = 0; i < 2; i++) {
		struct rte_mbuf *m = rte_pktmbuf_alloc(net.pools.hdr);

		memset(rte_pktmbuf_append(m, 60), 0, 60);
		zs_eth_output(net.s, net.nif, ZS_AF_IP4, i == 0 ? &mc : &bc, m);
		net_flush(&net);
	}
	assert_data(&net, 1, mapped, 0);
	assert_data(&net, 2, all, 0);
	net_end(&net);
}

static void test_answers(void **state)
{
	struct zs_mac mac;
	struct net net;

	(void)state;
	net_start(&net);
	arp_in(&net, all, ZS_ARP_REQUEST, mac_of(7), host(7), host(US));
	assert_int_equal(net.n_out, 1);
	assert_arp(&net, 0, ZS_ARP_REPLY, mac_of(7), host(7));
	assert_memory_equal(rte_pktmbuf_mtod(net.out[0], uint8_t *) + L2 + 18, mac_of(7).b, 6);
	assert_true(known(&net, 7, &mac)); /* RFC 826: who asks for us is known */
	net_clear(&net);
	/* questions for others are not ours to answer, nor to learn from */
	arp_in(&net, all, ZS_ARP_REQUEST, mac_of(8), host(8), host(9));
	assert_int_equal(net.n_out, 0);
	assert_false(known(&net, 8, &mac));
	assert_int_equal(drops(&net, ZS_DROP_ARP_NOT_OURS), 1);
	/* a probe (RFC 5227) for our address is answered and teaches nothing */
	arp_in(&net, all, ZS_ARP_REQUEST, mac_of(8), 0, host(US));
	assert_arp(&net, 0, ZS_ARP_REPLY, mac_of(8), 0);
	net_clear(&net);
	/* who is not on this link is answered, not learned */
	arp_in(&net, all, ZS_ARP_REQUEST, mac_of(8), ip4(172, 16, 1, 1), host(US));
	assert_int_equal(net.n_out, 1);
	{
		const struct zs_addr a = zs_addr_ip4(ip4(172, 16, 1, 1));

		assert_false(zs_neigh_lookup(net.s, net.nif, ZS_AF_IP4, &a, &mac));
	}
	net_end(&net);
}

/* What is known on one link says nothing about another. */
/* Further addresses of the interface: asked for, announced, defended, and sent from. */
static void test_further_addresses(void **state)
{
	const uint32_t more = ip4(10, 9, 9, 9);
	struct net net;
	struct frame f;

	(void)state;
	net_prepare(&net, US);
	net.cfg.netif[0].n_ip4_more = 1;
	net.cfg.netif[0].ip4_more_be[0] = more;
	net_create(&net);
	arp_in(&net, all, ZS_ARP_REQUEST, mac_of(7), host(7), more);
	assert_int_equal(net.n_out, 1);
	net_sent(&net, 0, &f);
	assert_int_equal(f.b[L2 + 7], ZS_ARP_REPLY);
	assert_memory_equal(f.b + L2 + 14, &more, 4); /* in its name */
	net_clear(&net);
	zs_arp_announce(net.s, net.nif);
	net_flush(&net);
	assert_int_equal(net.n_out, 2);
	net_sent(&net, 1, &f);
	assert_memory_equal(f.b + L2 + 14, &more, 4);
	assert_memory_equal(f.b + L2 + 24, &more, 4);
	net_clear(&net);
	arp_in(&net, all, ZS_ARP_REQUEST, mac_of(8), more, host(9));
	assert_int_equal(net.s->stats.arp_conflicts, 1);
	net_clear(&net);
	/* ping: the answer comes from the address that was asked */
	frame_icmp(&f, host(7), more, ZS_ICMP_ECHO, 0, 0x00010002, "x", 1);
	net_input(&net, &f);
	assert_int_equal(net.n_out, 1);
	net_sent(&net, 0, &f);
	assert_memory_equal(f.b + L2 + 12, &more, 4);
	frame_icmp(&f, more, host(US), ZS_ICMP_ECHO, 0, 0x00010002, "x", 1);
	net_input(&net, &f);
	assert_int_equal(drops(&net, ZS_DROP_IP_SOURCE), 1);
	net_end(&net);
	/* what cannot be one */
	net_prepare(&net, US);
	net.cfg.netif[0].n_ip4_more = 1;
	assert_int_equal(zs_stack_create(&net.s, &net.cfg, &net.env, net.now), -EINVAL);
	assert_int_equal(zs_simpools_fini(&net.pools), 0);
}

static void test_links_apart(void **state)
{
	const struct zs_addr five = zs_addr_ip4(host(5));
	struct zs_mac mac;
	struct net net;

	(void)state;
	net_prepare(&net, US);
	net.cfg.netif[1] = net.cfg.netif[0];
	net.cfg.netif[1].port = 1;
	net.cfg.netif[1].ip4_be = host(3);
	net.cfg.netif[1].mac = mac_of(3);
	net.cfg.n_netifs = 2;
	net_create(&net);
	resolve(&net, 5);
	assert_true(known(&net, 5, &mac));
	assert_false(zs_neigh_lookup(net.s, &net.s->netif[1], ZS_AF_IP4, &five, &mac));
	net_end(&net);
}

static void test_hygiene(void **state)
{
	struct zs_mac mac;
	struct net net;
	uint32_t gen;

	(void)state;
	net_start(&net);
	/* an answer that nobody asked for */
	reply_from(&net, 5);
	assert_false(known(&net, 5, &mac));
	/* a second, different answer: the first one stands */
	resolve(&net, 5);
	gen = net.s->nh_gen;
	arp_in(&net, mac_of(US), ZS_ARP_REPLY, mac_of(66), host(5), host(US));
	assert_true(known(&net, 5, &mac));
	assert_memory_equal(&mac, mac_of(5).b, 6);
	/* neither does a question to someone else change it */
	arp_in(&net, all, ZS_ARP_REQUEST, mac_of(66), host(5), host(9));
	assert_true(known(&net, 5, &mac));
	assert_memory_equal(&mac, mac_of(5).b, 6);
	/* an answer to someone else that reached us does not resolve what we ask */
	send_to(&net, 6, 0);
	arp_in(&net, mac_of(US), ZS_ARP_REPLY, mac_of(66), host(6), host(9));
	assert_false(known(&net, 6, &mac));
	assert_int_equal(net.s->nh_gen, gen);
	net_end(&net);
}

static void test_announcements(void **state)
{
	struct zs_mac mac;
	struct net net;
	uint32_t gen;

	(void)state;
	net_start(&net);
	arp_in(&net, all, ZS_ARP_REQUEST, mac_of(5), host(5), host(5));
	arp_in(&net, all, ZS_ARP_REPLY, mac_of(5), host(5), host(5));
	assert_false(known(&net, 5, &mac)); /* a stranger's move is none of our business */
	resolve(&net, 5);
	gen = net.s->nh_gen;
	arp_in(&net, all, ZS_ARP_REQUEST, mac_of(50), host(5), host(5));
	assert_true(known(&net, 5, &mac));
	assert_memory_equal(&mac, mac_of(50).b, 6);
	assert_true(net.s->nh_gen != gen);
	gen = net.s->nh_gen;
	arp_in(&net, all, ZS_ARP_REPLY, mac_of(51), host(5), host(5));
	assert_true(known(&net, 5, &mac));
	assert_memory_equal(&mac, mac_of(51).b, 6);
	assert_true(net.s->nh_gen != gen);
	/* it also ends a wait */
	send_to(&net, 6, 6);
	net_clear(&net);
	arp_in(&net, all, ZS_ARP_REQUEST, mac_of(60), host(6), host(6));
	assert_data(&net, 0, mac_of(60), 6);
	net_clear(&net);
	zs_arp_announce(net.s, net.nif);
	net_flush(&net);
	assert_arp(&net, 0, ZS_ARP_REQUEST, all, host(US));
	net_end(&net);
}

/* RFC 5227 2.3: twice, two seconds apart. */
static void test_link_up(void **state)
{
	struct net net;

	(void)state;
	net_start(&net);
	zs_stack_link_up(net.s, 99); /* no port of ours */
	net_wait(&net, SECOND);
	assert_int_equal(net.n_out, 0);
	zs_stack_link_up(net.s, net.nif->port);
	assert_true(zs_stack_advance(net.s, net.now) <= net.now + 2 * SECOND);
	net_wait(&net, 1900000);
	assert_int_equal(net.n_out, 1);
	assert_arp(&net, 0, ZS_ARP_REQUEST, all, host(US));
	net_wait(&net, 60 * SECOND);
	assert_int_equal(net.n_out, 2);
	assert_arp(&net, 1, ZS_ARP_REQUEST, all, host(US));
	net_end(&net);
}

/* 30 s fresh; then 5 s of grace from the first use; then three unicasts; then a broadcast. */
static void test_ageing(void **state)
{
	struct net net;
	uint32_t gen;

	(void)state;
	net_start(&net);
	resolve(&net, 5);
	net_wait(&net, 29 * SECOND);
	gen = net.s->nh_gen;
	net_wait(&net, 2 * SECOND);
	assert_true(net.s->nh_gen != gen); /* templates are to be looked up again */
	net_wait(&net, 60 * SECOND);
	assert_int_equal(net.n_out, 0); /* nobody uses it: nobody asks */
	send_to(&net, 5, 1);
	assert_data(&net, 0, mac_of(5), 1);
	net_clear(&net);
	net_wait(&net, 4900000);
	assert_int_equal(net.n_out, 0);
	net_wait(&net, 200000);
	assert_int_equal(net.n_out, 1);
	assert_arp(&net, 0, ZS_ARP_REQUEST, mac_of(5), host(5));
	net_clear(&net);
	reply_from(&net, 5);
	net_wait(&net, 25 * SECOND);
	assert_int_equal(net.n_out, 0);
	/* and without an answer */
	net_wait(&net, 10 * SECOND);
	send_to(&net, 5, 2);
	net_clear(&net);
	net_wait(&net, 5 * SECOND + 2100000);
	assert_int_equal(net.n_out, 3);
	for (uint32_t i = 0; i < 3; i++)
		assert_arp(&net, i, ZS_ARP_REQUEST, mac_of(5), host(5));
	net_clear(&net);
	send_to(&net, 5, 3); /* still sent to where it was */
	assert_data(&net, 0, mac_of(5), 3);
	net_clear(&net);
	gen = net.s->nh_gen;
	net_wait(&net, SECOND);
	assert_true(net.s->nh_gen != gen);
	assert_arp(&net, 0, ZS_ARP_REQUEST, all, host(5));
	net_clear(&net);
	send_to(&net, 5, 4); /* waits now */
	assert_int_equal(net.n_out, 0);
	net_wait(&net, 3 * SECOND);
	assert_int_equal(drops(&net, ZS_DROP_NEIGH_FAILED), 1);
	net_end(&net);
}

/* What TCP hears from its peer spares the questions. */
static void test_confirmed(void **state)
{
	struct zs_mac mac;
	struct net net;
	uint32_t gen;

	(void)state;
	net_start(&net);
	confirm(&net, 5); /* unknown: nothing happens */
	resolve(&net, 5);
	gen = net.s->nh_gen;
	for (unsigned i = 0; i < 20; i++) {
		net_wait(&net, 20 * SECOND);
		confirm(&net, 5);
	}
	assert_int_equal(net.n_out, 0);
	assert_int_equal(net.s->nh_gen, gen);
	net_wait(&net, 31 * SECOND);
	assert_true(known(&net, 5, &mac)); /* used while stale */
	net_wait(&net, 3 * SECOND);
	confirm(&net, 5);
	net_wait(&net, 10 * SECOND);
	assert_int_equal(net.n_out, 0);
	net_end(&net);
}

static void test_forgotten(void **state)
{
	struct zs_mac mac;
	struct net net;

	(void)state;
	net_start(&net);
	resolve(&net, 5);
	net_wait(&net, 31 * SECOND);
	net_wait(&net, 598 * SECOND);
	resolve(&net, 6);
	assert_true(known(&net, 5, &mac));
	confirm(&net, 5);
	net_wait(&net, 31 * SECOND);
	net_wait(&net, 601 * SECOND);
	assert_false(known(&net, 5, &mac));
	assert_int_equal(net.n_out, 0);
	net_end(&net);
}

/* 32 entries. A scan of the network finds no room where addresses are in use. */
static void test_full(void **state)
{
	struct zs_mac mac;
	struct net net;

	(void)state;
	net_start(&net);
	for (unsigned d = 100; d < 132; d++) {
		resolve(&net, d);
		net_wait(&net, 1000);
	}
	send_to(&net, 5, 1);
	assert_int_equal(net.n_out, 0);
	assert_int_equal(drops(&net, ZS_DROP_NEIGH_FULL), 1);
	for (unsigned d = 100; d < 132; d++)
		assert_true(known(&net, d, &mac));
	net_wait(&net, 61 * SECOND);
	net_clear(&net);
	for (unsigned d = 101; d < 132; d++)
		confirm(&net, d);
	/* one is idle: it gives way, and then newcomers push out each other only */
	for (unsigned d = 10; d < 60; d++)
		send_to(&net, d, d);
	assert_int_equal(net.n_out, 50);
	assert_int_equal(drops(&net, ZS_DROP_NEIGH_FULL), 1 + 49);
	assert_false(known(&net, 100, &mac));
	for (unsigned d = 101; d < 132; d++)
		assert_true(known(&net, d, &mac));
	net_clear(&net);
	reply_from(&net, 59);
	assert_data(&net, 0, mac_of(59), 59);
	net_end(&net);
}

/* Requests under many names push out neither what is used nor what is being asked. */
static void test_flood_of_requests(void **state)
{
	struct zs_mac mac;
	struct net net;

	(void)state;
	net_start(&net);
	resolve(&net, 5);
	send_to(&net, 6, 6);
	for (unsigned d = 10; d < 250; d++) {
		arp_in(&net, all, ZS_ARP_REQUEST, mac_of(d), host(d), host(US));
		net_clear(&net);
	}
	assert_true(known(&net, 5, &mac));
	reply_from(&net, 6);
	assert_data(&net, 0, mac_of(6), 6);
	assert_int_equal(drops(&net, ZS_DROP_NEIGH_FULL), 0);
	net_end(&net);
}

/* Who only asked for us gives way to whom we want to reach; who was reached, not to who asks. */
static void test_worth(void **state)
{
	struct zs_mac mac;
	struct net net;

	(void)state;
	net_start(&net);
	for (unsigned d = 100; d < 132; d++)
		arp_in(&net, all, ZS_ARP_REQUEST, mac_of(d), host(d), host(US));
	for (unsigned d = 10; d < 42; d++) {
		resolve(&net, d);
		assert_true(known(&net, d, &mac));
		net_wait(&net, 1000);
	}
	assert_int_equal(drops(&net, ZS_DROP_NEIGH_FULL), 0);
	net_wait(&net, 61 * SECOND); /* idle, all of them */
	net_clear(&net);
	arp_in(&net, all, ZS_ARP_REQUEST, mac_of(100), host(100), host(US));
	assert_int_equal(net.n_out, 1);
	assert_false(known(&net, 100, &mac));
	/* of the idle ones that unused for longest gives way first */
	confirm(&net, 10);
	send_to(&net, 5, 1);
	assert_false(known(&net, 11, &mac));
	for (unsigned d = 10; d < 42; d++)
		assert_true(d == 11 || known(&net, d, &mac));
	net_end(&net);
}

static void test_conflict(void **state)
{
	struct zs_mac mac;
	struct net net;

	(void)state;
	net_start(&net);
	arp_in(&net, all, ZS_ARP_REQUEST, mac_of(66), host(US), host(US));
	assert_int_equal(net.s->stats.arp_conflicts, 1);
	assert_int_equal(net.n_out, 1);
	assert_arp(&net, 0, ZS_ARP_REQUEST, all, host(US));
	net_clear(&net);
	net_wait(&net, 9 * SECOND);
	arp_in(&net, all, ZS_ARP_REPLY, mac_of(66), host(US), host(5));
	assert_int_equal(net.s->stats.arp_conflicts, 2);
	assert_int_equal(net.n_out, 0); /* no duel */
	net_wait(&net, 2 * SECOND);
	arp_in(&net, all, ZS_ARP_REPLY, mac_of(66), host(US), host(5));
	assert_int_equal(net.n_out, 1);
	assert_false(known(&net, US, &mac));
	/* our own words, come back to us, are no conflict */
	net_clear(&net);
	arp_in(&net, all, ZS_ARP_REQUEST, mac_of(US), host(US), host(US));
	assert_int_equal(net.s->stats.arp_conflicts, 3);
	assert_int_equal(net.n_out, 0);
	net_end(&net);
}

static void test_bad(void **state)
{
	struct net net;

	(void)state;
	net_start(&net);
	arp_in(&net, all, 3, mac_of(5), host(5), host(US));
	arp_in(&net, all, ZS_ARP_REQUEST, all, host(5), host(US));
	arp_in(&net, all, ZS_ARP_REQUEST, none, host(5), host(US));
	arp_in(&net, all, ZS_ARP_REQUEST, mac_of(5), ip4(224, 0, 0, 1), host(US));
	arp_in(&net, all, ZS_ARP_REQUEST, mac_of(5), UINT32_MAX, host(US));
	arp_in(&net, all, ZS_ARP_REQUEST, mac_of(5), ip4(127, 0, 0, 1), host(US));
	arp_in(&net, all, ZS_ARP_REQUEST, mac_of(66), host(255), host(US));
	assert_int_equal(drops(&net, ZS_DROP_ARP_BAD), 7);
	assert_int_equal(net.n_out, 0);
	send_to(&net, 255, 1); /* broadcasts stay what they are */
	assert_data(&net, 0, all, 1);
	net_end(&net);
}

/* Without a buffer to ask with, the question comes with the next try. */
static void test_no_buffers(void **state)
{
	struct net net;

	(void)state;
	net_start(&net);
	zs_simpool_limit(net.pools.hdr, 1); /* the packet itself */
	send_to(&net, 5, 1);
	assert_int_equal(net.n_out, 0);
	assert_int_equal(drops(&net, ZS_DROP_NO_MBUF), 1);
	zs_simpool_limit(net.pools.hdr, 10);
	net_wait(&net, SECOND + 1000);
	assert_int_equal(net.n_out, 1);
	reply_from(&net, 5);
	assert_data(&net, 1, mac_of(5), 1);
	net_end(&net);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_resolution),   cmocka_unit_test(test_no_answer),
		cmocka_unit_test(test_waiting_room), cmocka_unit_test(test_waiting_room_total),
		cmocka_unit_test(test_groups),	     cmocka_unit_test(test_answers),
		cmocka_unit_test(test_links_apart),  cmocka_unit_test(test_further_addresses),
		cmocka_unit_test(test_hygiene),	     cmocka_unit_test(test_announcements),
		cmocka_unit_test(test_link_up),	     cmocka_unit_test(test_ageing),
		cmocka_unit_test(test_confirmed),    cmocka_unit_test(test_forgotten),
		cmocka_unit_test(test_full),	     cmocka_unit_test(test_flood_of_requests),
		cmocka_unit_test(test_worth),	     cmocka_unit_test(test_conflict),
		cmocka_unit_test(test_bad),	     cmocka_unit_test(test_no_buffers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
