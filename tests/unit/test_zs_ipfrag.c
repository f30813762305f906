/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reassembly: whatever order and however often fragments come, the datagram is whole or nothing;
 * overlaps, bounds and timeouts; the memory always returns.
 */
#include "zs_nettest.h"

#include "core/zs_ip4.h"
#include "core/zs_udp.h"

enum { MAX_PARTS = 1500, SECOND = 1000000 };

/* A UDP datagram of n payload bytes, cut in parts of `cut` bytes (a multiple of 8). */
struct parts {
	struct frame whole;
	uint32_t n, cut;
	unsigned id;
};

static struct parts big; /* 66 KB: too much for a stack frame under a sanitizer */

static void make_parts(struct parts *p, uint32_t n, uint32_t cut, unsigned id)
{
	static uint8_t data[65536];

	fill(data, n, id + n);
	frame_udp(&p->whole, host(PEER), 1000, host(US), 2000, data, n);
	p->cut = cut;
	p->id = id;
	p->n = (n + 8 + cut - 1) / cut;
	assert_true(p->n <= MAX_PARTS);
}

/* len bytes at off of the datagram as a fragment. */
static void cut_part(const struct parts *p, struct frame *f, uint32_t off, uint32_t len, bool more)
{
	frame_ip4(f, host(PEER), host(US), ZS_PROTO_UDP, len);
	put16(f->b + L2 + 4, p->id);
	put16(f->b + L2 + 6, off / 8 | (more ? ZS_IP4_MF : 0));
	frame_fix_ip(f);
	frame_put(f, p->whole.b + L2 + L3 + off, len);
}

static void part(const struct parts *p, struct frame *f, uint32_t i)
{
	uint32_t total = p->whole.len - L2 - L3, off = i * p->cut;
	uint32_t len = total - off < p->cut ? total - off : p->cut;

	cut_part(p, f, off, len, i + 1 < p->n);
}

static struct zs_udp *listen_udp(struct net *net)
{
	struct zs_udp *u = zs_udp_open(net->s, ZS_AF_IP4);
	const struct zs_addr any = zs_addr_ip4(0);

	assert_non_null(u);
	assert_int_equal(zs_udp_bind(net->s, u, &any, 2000), 0);
	return u;
}

static void assert_received(struct net *net, struct zs_udp *u, const struct parts *p)
{
	static struct frame got;
	struct rte_mbuf *m = zs_udp_recv(net->s, u);

	assert_non_null(m);
	frame_of(&got, m);
	assert_int_equal(got.len, p->whole.len - L2 - L3 - 8);
	assert_memory_equal(got.b, p->whole.b + L2 + L3 + 8, got.len);
	rte_pktmbuf_free(m);
	assert_null(zs_udp_recv(net->s, u));
}

static void shuffle(struct zs_rand *r, uint32_t *v, uint32_t n)
{
	for (uint32_t i = n; i > 1; i--) {
		uint32_t j = zs_rand_below(r, i), t = v[j];

		v[j] = v[i - 1];
		v[i - 1] = t;
	}
}

/* Random orders, some parts twice, some in chains: the datagram comes once, and whole. */
static void test_any_order(void **state)
{
	struct zs_rand r = { .key = { 3, 4 } };
	struct net net;
	struct zs_udp *u;

	(void)state;
	net_start(&net);
	u = listen_udp(&net);
	for (unsigned round = 0; round < 300; round++) {
		uint32_t order[2 * MAX_PARTS], n = zs_rand_below(&r, 5000) + 1, k;

		make_parts(&big, n, 8 * (3 + zs_rand_below(&r, 100)), round);
		if (big.n < 2)
			continue;
		for (k = 0; k < big.n; k++)
			order[k] = k;
		for (; k < big.n + big.n / 3; k++)
			order[k] = zs_rand_below(&r, big.n);
		shuffle(&r, order, k);
		for (uint32_t i = 0; i < k; i++) {
			struct frame f;

			part(&big, &f, order[i]);
			net_input_mbuf(&net, round % 3 == 0 && f.len > 50
						     ? net_chain(&net, &f, L2 + L3 + 8, 30)
						     : net_mbuf(&net, &f));
			if (u->rx_head != NULL)
				break; /* later copies would begin a new datagram */
		}
		assert_received(&net, u, &big);
		assert_int_equal(zs_simpools_live(&net.pools), 0);
	}
	assert_int_equal(net.s->stats.copies, 0);
	net_end(&net);
}

static void test_largest(void **state)
{
	struct net net;
	struct zs_udp *u;

	(void)state;
	net_start(&net);
	u = listen_udp(&net);
	u->rcvbuf = 4 << 20;
	make_parts(&big, 65535 - L3 - 8, 1480, 1);
	for (uint32_t i = big.n; i-- > 0;) {
		struct frame f;

		part(&big, &f, i);
		net_input(&net, &f);
	}
	assert_received(&net, u, &big);
	net_end(&net);
}

/* Datagrams that differ in id, protocol or source do not mix. */
static void test_interleaved(void **state)
{
	static struct parts a, b;
	struct net net;
	struct frame f;
	struct zs_udp *u;

	(void)state;
	net_start(&net);
	u = listen_udp(&net);
	make_parts(&a, 100, 56, 1);
	make_parts(&b, 101, 56, 2);
	part(&a, &f, 0);
	net_input(&net, &f);
	part(&b, &f, 1);
	net_input(&net, &f);
	part(&a, &f, 1);
	net_input(&net, &f);
	assert_received(&net, u, &a);
	part(&b, &f, 0);
	net_input(&net, &f);
	assert_received(&net, u, &b);
	/* same id: another protocol, source or destination */
	part(&a, &f, 0);
	net_input(&net, &f);
	part(&a, &f, 1);
	for (unsigned i = 0; i < 3; i++) {
		static const uint8_t at[3] = { 9, 15, 19 }, value[3] = { ZS_PROTO_ICMP, 9, 255 };
		struct frame g = f;

		g.b[L2 + at[i]] = value[i];
		frame_fix_ip(&g);
		net_input(&net, &g);
		assert_null(zs_udp_recv(net.s, u));
	}
	net_input(&net, &f);
	assert_received(&net, u, &a);
	net_end(&net);
}

/* Any overlap kills the datagram, and what still comes of it. */
static void test_overlap(void **state)
{
	static const struct {
		uint32_t off, len;
		bool more;
	} bad[] = {
		{ 56, 56, true },  /* both halves of two */
		{ 48, 16, true },  /* end of one */
		{ 56, 8, true },   /* within one */
		{ 40, 80, true },  /* covers one */
		{ 48, 64, true },  /* same start, other length */
		{ 144, 8, true },  /* behind the end */
		{ 96, 8, false },  /* another end, earlier */
		{ 144, 8, false }, /* another end, later */
	};
	struct net net;
	struct frame f;
	struct zs_udp *u;

	(void)state;
	net_start(&net);
	u = listen_udp(&net);
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		uint64_t before = drops(&net, ZS_DROP_FRAG_BAD);

		make_parts(&big, 136, 48, 100 + i); /* [0,48) [48,96) [96,144) */
		part(&big, &f, 1);
		net_input(&net, &f);
		part(&big, &f, 2);
		net_input(&net, &f);
		frame_put(&big.whole, "padding.", 8);
		cut_part(&big, &f, bad[i].off, bad[i].len, bad[i].more);
		net_input(&net, &f);
		assert_int_equal(drops(&net, ZS_DROP_FRAG_BAD), before + 3);
		assert_int_equal(zs_simpools_live(&net.pools), 0);
		big.whole.len -= 8;
		for (uint32_t k = 0; k < 3; k++) {
			part(&big, &f, k);
			net_input(&net, &f);
		}
		assert_int_equal(drops(&net, ZS_DROP_FRAG_BAD), before + 6);
		assert_null(zs_udp_recv(net.s, u));
	}
	/* two ends that do not touch, and bytes behind an end */
	make_parts(&big, 136, 48, 200);
	part(&big, &f, 2);
	net_input(&net, &f);
	cut_part(&big, &f, 48, 8, false);
	net_input(&net, &f);
	assert_int_equal(zs_simpools_live(&net.pools), 0);
	make_parts(&big, 136, 48, 201);
	cut_part(&big, &f, 96, 48, true);
	net_input(&net, &f);
	cut_part(&big, &f, 48, 8, false);
	net_input(&net, &f);
	assert_int_equal(zs_simpools_live(&net.pools), 0);
	/* after the timeout the name is free again */
	net_wait(&net, 31 * SECOND);
	for (uint32_t k = 0; k < 3; k++) {
		part(&big, &f, k);
		net_input(&net, &f);
	}
	assert_received(&net, u, &big);
	net_end(&net);
}

static void test_bad_shapes(void **state)
{
	struct net net;
	struct frame f;

	(void)state;
	net_start(&net);
	(void)listen_udp(&net);
	make_parts(&big, 65000, 64, 1);
	cut_part(&big, &f, 0, 0, true); /* empty */
	net_input(&net, &f);
	cut_part(&big, &f, 0, 12, true); /* not a multiple of 8 */
	net_input(&net, &f);
	cut_part(&big, &f, 0, 40, true);
	put16(f.b + L2 + 6, 8190 | ZS_IP4_MF); /* beyond 65535 */
	frame_fix_ip(&f);
	net_input(&net, &f);
	assert_int_equal(drops(&net, ZS_DROP_FRAG_BAD), 3);
	put16(f.b + L2 + 6, 8191);
	frame_fix_ip(&f);
	net_input(&net, &f);
	assert_int_equal(drops(&net, ZS_DROP_FRAG_BAD), 4);
	/* TCP: the first fragment too short for the header, another one with a part of it (RFC
	 * 1858) */
	cut_part(&big, &f, 0, 16, true);
	f.b[L2 + 9] = ZS_PROTO_TCP;
	frame_fix_ip(&f);
	net_input(&net, &f);
	cut_part(&big, &f, 8, 64, true);
	f.b[L2 + 9] = ZS_PROTO_TCP;
	frame_fix_ip(&f);
	net_input(&net, &f);
	assert_int_equal(drops(&net, ZS_DROP_FRAG_BAD), 6);
	assert_int_equal(zs_simpools_live(&net.pools), 0);
	net_end(&net);
}

/* RFC 3168 5.3: what one fragment says of congestion, the whole says; -1: nothing comes. */
static void test_ecn(void **state)
{
	static const struct {
		uint8_t ecn[3];
		int whole;
	} cases[] = {
		{ { 2, 2, 2 }, 2 }, { { 2, 2, 3 }, 3 }, { { 3, 2, 2 }, 3 },  { { 1, 3, 1 }, 3 },
		{ { 3, 3, 3 }, 3 }, { { 0, 0, 0 }, 0 }, { { 0, 3, 0 }, -1 }, { { 3, 3, 0 }, -1 },
	};
	struct net net;
	struct zs_udp *u;
	struct rte_mbuf *m;
	struct frame f;

	(void)state;
	net_start(&net);
	u = listen_udp(&net);
	for (unsigned k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
		make_parts(&big, 1000, 400, 10 + k);
		for (uint32_t i = 0; i < 3; i++) {
			part(&big, &f, i);
			f.b[L2 + 1] = (uint8_t)(0xb8 | cases[k].ecn[i]);
			frame_fix_ip(&f);
			net_input(&net, &f);
		}
		m = zs_udp_recv(net.s, u);
		assert_int_equal(m != NULL, cases[k].whole >= 0);
		if (m != NULL)
			assert_int_equal(zs_dgram(m)->tos, 0xb8 | cases[k].whole);
		rte_pktmbuf_free(m);
	}
	assert_int_equal(drops(&net, ZS_DROP_FRAG_BAD), 6);
	net_end(&net);
}

static void test_timeout(void **state)
{
	static struct parts other;
	struct net net;
	struct frame f;
	struct zs_udp *u;

	(void)state;
	net_start(&net);
	u = listen_udp(&net);
	make_parts(&big, 136, 48, 1);
	make_parts(&other, 136, 48, 2);
	part(&big, &f, 0);
	net_input(&net, &f);
	net_wait(&net, 10 * SECOND);
	part(&big, &f, 1);
	net_input(&net, &f);
	part(&other, &f, 0);
	net_input(&net, &f);
	net_wait(&net, 19 * SECOND);
	assert_int_equal(drops(&net, ZS_DROP_FRAG_TIMEOUT), 0);
	net_wait(&net, 1100000);
	assert_int_equal(drops(&net, ZS_DROP_FRAG_TIMEOUT), 2);
	part(&other, &f, 2);
	net_input(&net, &f);
	part(&other, &f, 1);
	net_input(&net, &f);
	assert_received(&net, u, &other);
	part(&other, &f, 1);
	net_input(&net, &f);
	net_wait(&net, 10 * SECOND);
	part(&big, &f, 1);
	net_input(&net, &f);
	net_wait(&net, 21 * SECOND);
	assert_int_equal(drops(&net, ZS_DROP_FRAG_TIMEOUT), 3);
	net_wait(&net, 10 * SECOND);
	assert_int_equal(drops(&net, ZS_DROP_FRAG_TIMEOUT), 4);
	assert_int_equal(zs_simpools_live(&net.pools), 0);
	net_end(&net);
}

/* Bounds: 256 datagrams, 4 MB, 256 fragments of one. The oldest give way. */
static void test_bounds(void **state)
{
	struct net net;
	struct frame f;
	struct zs_udp *u;

	(void)state;
	net_start(&net);
	u = listen_udp(&net);
	for (unsigned id = 0; id < 300; id++) {
		make_parts(&big, 136, 48, id);
		part(&big, &f, 0);
		net_input(&net, &f);
	}
	assert_int_equal(zs_simpools_live(&net.pools), 256);
	assert_int_equal(drops(&net, ZS_DROP_FRAG_FULL), 44);
	for (uint32_t k = 1; k < 3; k++) { /* the newest is still there */
		part(&big, &f, k);
		net_input(&net, &f);
	}
	assert_received(&net, u, &big);
	for (unsigned id = 1000; id < 1100; id++) {
		make_parts(&big, 8000, 96, id);
		for (uint32_t k = 1; k < big.n; k++) {
			part(&big, &f, k);
			net_input(&net, &f);
			assert_true(zs_simpools_live(&net.pools) <= (4 << 20) / 2048);
		}
	}
	net_wait(&net, 31 * SECOND);
	assert_int_equal(zs_simpools_live(&net.pools), 0);
	make_parts(&big, 8 * 300 - 8, 8, 7);
	for (uint32_t k = 0; k < big.n; k++) {
		part(&big, &f, k);
		net_input(&net, &f);
		assert_true(zs_simpools_live(&net.pools) <= 256);
	}
	assert_null(zs_udp_recv(net.s, u));
	assert_int_equal(zs_simpools_live(&net.pools), 0);
	net_end(&net);
}

/* Options that are not copied stand in the first fragment only (RFC 791 3.1). */
static void test_options(void **state)
{
	struct net net;
	struct frame f, first;
	struct zs_udp *u;

	(void)state;
	net_start(&net);
	u = listen_udp(&net);
	make_parts(&big, 136, 48, 1);
	part(&big, &f, 0);
	first.len = 0;
	frame_put(&first, f.b, L2 + L3);
	frame_put(&first, "\x01\x01\x01\x00", 4);
	frame_put(&first, f.b + L2 + L3, f.len - L2 - L3);
	first.b[L2] = 0x46;
	put16(first.b + L2 + 2, first.len - L2);
	frame_fix_ip(&first);
	for (uint32_t k = 3; k-- > 1;) {
		part(&big, &f, k);
		net_input(&net, &f);
	}
	net_input(&net, &first);
	assert_received(&net, u, &big);
	net_end(&net);
}

/* A first fragment that someone else holds too is not written to. */
static void test_shared_head(void **state)
{
	struct net net;
	struct frame f, before, after;
	struct rte_mbuf *m, *ours;
	struct zs_udp *u;

	(void)state;
	net_start(&net);
	u = listen_udp(&net);
	make_parts(&big, 136, 48, 1);
	part(&big, &before, 0);
	ours = net_mbuf(&net, &before);
	m = zs_pkt_slice(net.s, ours, 0, ours->pkt_len);
	net_input_mbuf(&net, m);
	for (uint32_t k = 1; k < 3; k++) {
		part(&big, &f, k);
		net_input(&net, &f);
	}
	assert_received(&net, u, &big);
	frame_of(&after, ours);
	assert_memory_equal(after.b, before.b, before.len);
	rte_pktmbuf_free(ours);
	net_end(&net);
}

/* Fragments that wait when the stack goes are freed with it. */
static void test_left_behind(void **state)
{
	struct net net;
	struct frame f;

	(void)state;
	net_start(&net);
	make_parts(&big, 136, 48, 1);
	part(&big, &f, 0);
	net_input(&net, &f);
	assert_int_equal(zs_simpools_live(&net.pools), 1);
	net_end(&net);
}

/* The checksum of the whole decides, not what a device said about a part. */
static void test_cksum_of_whole(void **state)
{
	struct net net;
	struct frame f;

	(void)state;
	net_start(&net);
	net.nif->offloads |= ZS_OFF_RX_IP_CKSUM | ZS_OFF_RX_L4_CKSUM;
	(void)listen_udp(&net);
	make_parts(&big, 136, 48, 1);
	big.whole.b[big.whole.len - 1] ^= 1;
	for (uint32_t k = 0; k < 3; k++) {
		struct rte_mbuf *m;

		part(&big, &f, k);
		m = net_mbuf(&net, &f);
		m->ol_flags = RTE_MBUF_F_RX_IP_CKSUM_GOOD | RTE_MBUF_F_RX_L4_CKSUM_GOOD;
		net_input_mbuf(&net, m);
	}
	assert_int_equal(drops(&net, ZS_DROP_UDP_CKSUM), 1);
	net_end(&net);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_any_order),   cmocka_unit_test(test_largest),
		cmocka_unit_test(test_interleaved), cmocka_unit_test(test_overlap),
		cmocka_unit_test(test_bad_shapes),  cmocka_unit_test(test_ecn),
		cmocka_unit_test(test_timeout),	    cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_shared_head), cmocka_unit_test(test_options),
		cmocka_unit_test(test_left_behind), cmocka_unit_test(test_cksum_of_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
