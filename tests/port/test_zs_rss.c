/* SPDX-License-Identifier: BSD-3-Clause */
/* Placement of flows: the hash is Toeplitz's, and frames of a flow go where the flow belongs. */
#include "tests/zs_test.h"

#include <stdlib.h>
#include <string.h>

#include <rte_byteorder.h>
#include <rte_mbuf.h>
#include <rte_thash.h>

#include "base/zs_ip6addr.h"
#include "base/zs_rand.h"
#include "core/zs_flow.h"
#include "port/dpdk/zs_rss.h"
#include "wire/zs_hdr.h"

enum { LCORES = 3, BUCKETS = 128, HERE = 77 };

static struct zs_rss rss;
static struct zs_rand rnd = { .key = { 1, 2 } };

static struct frame {
	struct rte_mbuf m;
	uint8_t bytes[256];
} frame;

static int setup(void **state)
{
	(void)state;
	zs_rss_init(&rss, LCORES, BUCKETS);
	return 0;
}

static uint32_t random32(void)
{
	return (uint32_t)zs_rand_u64(&rnd);
}

static struct zs_flow random_flow(uint8_t proto)
{
	return (struct zs_flow){
		.laddr = zs_addr_ip4(random32()),
		.faddr = zs_addr_ip4(random32()),
		.lport = (uint16_t)random32(),
		.fport = (uint16_t)random32(),
		.family = ZS_AF_IP4,
		.proto = proto,
	};
}

/* What a card computes of a received packet with our key. */
static unsigned by_card(const struct zs_flow *f)
{
	uint32_t tuple[3] = {
		rte_be_to_cpu_32(f->faddr.ip4_be),
		rte_be_to_cpu_32(f->laddr.ip4_be),
		(uint32_t)f->fport << 16 | f->lport,
	};

	return rte_softrss(tuple, 3, rss.key) % BUCKETS % LCORES;
}

static void put_ip(uint8_t *p, uint32_t src_be, uint32_t dst_be, uint8_t proto, uint16_t frag)
{
	struct zs_ip4_hdr ip = {
		.ver_ihl = 0x45,
		.frag_be = rte_cpu_to_be_16(frag),
		.proto = proto,
		.src_be = src_be,
		.dst_be = dst_be,
	};

	memcpy(p, &ip, sizeof(ip));
}

static void put_ports(uint8_t *p, uint16_t sport, uint16_t dport)
{
	uint16_t ports[2] = { rte_cpu_to_be_16(sport), rte_cpu_to_be_16(dport) };

	memcpy(p, ports, sizeof(ports));
}

/* A frame that begins with these; len bytes of it are there. */
static const struct rte_mbuf *make(uint16_t type, unsigned tags, uint16_t len)
{
	frame.m = (struct rte_mbuf){ .buf_addr = frame.bytes, .data_len = len, .nb_segs = 1 };
	for (unsigned i = 0; i < tags; i++) {
		frame.bytes[12] = 0x81;
		frame.bytes[13] = 0;
	}
	frame.bytes[12 + 4 * tags] = (uint8_t)(type >> 8);
	frame.bytes[13 + 4 * tags] = (uint8_t)type;
	return &frame.m;
}

static unsigned place_received(const struct zs_flow *f, uint16_t frag, unsigned tags)
{
	uint8_t *ip = frame.bytes + 14 + 4 * tags;

	put_ip(ip, f->faddr.ip4_be, f->laddr.ip4_be, f->proto, frag);
	put_ports(ip + 20, f->fport, f->lport);
	return zs_rss_frame(&rss, make(ZS_ETH_IP4, tags, 64), HERE);
}

static void test_hash_is_that_of_a_card(void **state)
{
	unsigned n[LCORES] = { 0 };

	(void)state;
	for (int i = 0; i < 3000; i++) {
		struct zs_flow f = random_flow(i % 2 ? ZS_PROTO_TCP : ZS_PROTO_UDP);
		unsigned at = zs_rss_flow(&rss, &f);

		assert_int_equal(at, by_card(&f));
		assert_int_equal(place_received(&f, ZS_IP4_DF, 0), at);
		assert_int_equal(place_received(&f, 0, 1), at);
		n[at]++;
	}
	for (int i = 0; i < LCORES; i++)
		assert_in_range(n[i], 850, 1150);
}

/* Clients that differ in nothing but their port are spread, too. */
static void test_neighbouring_ports_are_spread(void **state)
{
	struct zs_flow f = random_flow(ZS_PROTO_TCP);
	unsigned n[LCORES] = { 0 };

	(void)state;
	f.fport = 40000;
	for (int i = 0; i < 300; i++, f.fport++)
		n[zs_rss_flow(&rss, &f)]++;
	for (int i = 0; i < LCORES; i++)
		assert_in_range(n[i], 60, 140);
}

static void test_both_directions_have_one_place(void **state)
{
	(void)state;
	for (int i = 0; i < 100; i++) {
		struct zs_flow f = random_flow(ZS_PROTO_TCP);
		struct zs_flow back = {
			f.faddr, f.laddr, f.fport, f.lport, f.family, f.proto, { 0 }
		};

		assert_int_equal(zs_rss_flow(&rss, &f), zs_rss_flow(&rss, &back));
	}
}

static void test_fragments_of_a_datagram_meet(void **state)
{
	(void)state;
	for (int i = 0; i < 100; i++) {
		struct zs_flow f = random_flow(ZS_PROTO_UDP);
		unsigned first = place_received(&f, ZS_IP4_MF, 0);

		f.fport = (uint16_t)random32(); /* later ones have payload there */
		assert_int_equal(place_received(&f, ZS_IP4_MF | 100, 0), first);
		assert_int_equal(place_received(&f, 200, 0), first);
	}
}

static unsigned place_icmp(const struct zs_flow *f, uint8_t type, uint16_t len)
{
	uint8_t *ip = frame.bytes + 14;
	uint8_t *quoted = ip + 20 + sizeof(struct zs_icmp_hdr);

	put_ip(ip, random32(), f->laddr.ip4_be, ZS_PROTO_ICMP, 0);
	ip[20] = type;
	put_ip(quoted, f->laddr.ip4_be, f->faddr.ip4_be, f->proto, 0);
	put_ports(quoted + 20, f->lport, f->fport);
	return zs_rss_frame(&rss, make(ZS_ETH_IP4, 0, len), HERE);
}

static void test_errors_go_to_the_flow_they_quote(void **state)
{
	(void)state;
	for (int i = 0; i < 100; i++) {
		struct zs_flow f = random_flow(ZS_PROTO_TCP);

		assert_int_equal(place_icmp(&f, ZS_ICMP_UNREACH, 14 + 20 + 8 + 28),
				 zs_rss_flow(&rss, &f));
		assert_int_equal(place_icmp(&f, ZS_ICMP_TIME_EXCEEDED, 100), zs_rss_flow(&rss, &f));
		assert_int_equal(place_icmp(&f, ZS_ICMP_ECHO, 100), HERE);
		assert_int_equal(place_icmp(&f, ZS_ICMP_UNREACH, 14 + 20 + 8 + 19), HERE);
	}
}

static void test_the_rest(void **state)
{
	(void)state;
	assert_int_equal(zs_rss_frame(&rss, make(ZS_ETH_ARP, 0, 42), HERE), ZS_RSS_ALL);
	assert_int_equal(zs_rss_frame(&rss, make(ZS_ETH_ARP, 1, 46), HERE), ZS_RSS_ALL);
	assert_int_equal(zs_rss_frame(&rss, make(ZS_ETH_IP6, 0, 100), HERE), HERE);
	for (uint16_t len = 0; len < 34; len++)
		assert_int_equal(zs_rss_frame(&rss, make(ZS_ETH_IP4, 0, len), HERE), HERE);
}

/* Whatever it looks like, it has a place, and nothing beyond its end is read. */
static void test_nonsense(void **state)
{
	(void)state;
	for (int i = 0; i < 20000; i++) {
		uint16_t len = (uint16_t)zs_rand_below(&rnd, 120);
		uint8_t *p = malloc(len);
		unsigned at;

		for (uint16_t k = 0; k < len; k++)
			p[k] = (uint8_t)random32();
		if (len > 23) {
			p[12] = 0x08;
			p[13] = 0;
			p[23] = (uint8_t[]){ 1, 6, 17 }[i % 3];
		}
		frame.m = (struct rte_mbuf){ .buf_addr = p, .data_len = len };
		at = zs_rss_frame(&rss, &frame.m, HERE);
		assert_true(at < LCORES || at == HERE || at == ZS_RSS_ALL);
		free(p);
	}
}

static struct zs_addr random_ip6(bool link)
{
	struct zs_addr a = { .q = { zs_rand_u64(&rnd), zs_rand_u64(&rnd) } };

	a.b[0] = link ? 0xfe : 0x20;
	a.b[1] = 0x80;
	a.b[2] = a.b[3] = 0;
	return a;
}

/* The same for IPv6, whose zones no card knows; fragments, errors, and what all have to hear. */
static void test_ip6(void **state)
{
	enum { IP = 14, L4 = IP + 40 };
	uint8_t *ip = frame.bytes + IP, *l4 = frame.bytes + L4;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		struct zs_flow f = {
			.laddr = random_ip6(i % 2),
			.faddr = random_ip6(i % 2),
			.lport = (uint16_t)random32(),
			.fport = (uint16_t)random32(),
			.family = ZS_AF_IP6,
		};
		uint32_t tuple[9];
		unsigned card;

		memset(&frame, 0, sizeof(frame));
		ip[0] = 0x60;
		ip[6] = ZS_PROTO_TCP;
		memcpy(ip + 8, &f.faddr, 16);
		memcpy(ip + 24, &f.laddr, 16);
		put_ports(l4, f.fport, f.lport);
		for (unsigned k = 0; k < 9; k++) {
			memcpy(&tuple[k], ip + 8 + 4 * k, 4);
			tuple[k] = rte_be_to_cpu_32(tuple[k]);
		}
		card = rte_softrss(tuple, 9, rss.key) % BUCKETS % LCORES;
		assert_int_equal(zs_rss_frame(&rss, make(ZS_ETH_IP6, 0, 128), HERE), card);
		zs_ip6_set_zone(&f.laddr, 1);
		zs_ip6_set_zone(&f.faddr, 1);
		assert_int_equal(zs_rss_flow(&rss, &f), card);
		/* quoted by an error */
		ip[6] = ZS_PROTO_ICMP6;
		memcpy(l4 + 8, ip, 40);
		l4[8 + 6] = ZS_PROTO_TCP;
		memset(l4, 0, 8);
		l4[0] = ZS_ICMP6_TOO_BIG;
		put_ports(l4 + 48, f.lport, f.fport);
		assert_int_equal(zs_rss_frame(&rss, make(ZS_ETH_IP6, 0, 128), HERE), card);
		l4[0] = ZS_ND_ADVERT;
		assert_int_equal(zs_rss_frame(&rss, make(ZS_ETH_IP6, 0, 128), HERE), ZS_RSS_ALL);
		/* without ports all fragments meet */
		ip[6] = ZS_EXT_FRAGMENT;
		card = rte_softrss(tuple, 8, rss.key) % BUCKETS % LCORES;
		assert_int_equal(zs_rss_frame(&rss, make(ZS_ETH_IP6, 0, 128), HERE), card);
		for (uint16_t len = 14; len < 128; len++) /* nothing behind the end is read */
			(void)zs_rss_frame(&rss, make(ZS_ETH_IP6, 0, len), HERE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ip6),
		cmocka_unit_test(test_hash_is_that_of_a_card),
		cmocka_unit_test(test_neighbouring_ports_are_spread),
		cmocka_unit_test(test_both_directions_have_one_place),
		cmocka_unit_test(test_fragments_of_a_datagram_meet),
		cmocka_unit_test(test_errors_go_to_the_flow_they_quote),
		cmocka_unit_test(test_the_rest),
		cmocka_unit_test(test_nonsense),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
