/* SPDX-License-Identifier: BSD-3-Clause */
/* IPv4 output: headers, fragments of every size by reference, and each way to fail. */
#include "zs_nettest.h"

#include <errno.h>

#include "core/zs_ip4.h"

static const struct zs_addr any;

/* A transport header of 8 bytes and n bytes of payload, as one buffer or with the payload behind.
 */
static struct rte_mbuf *message(struct net *net, uint32_t n, unsigned pieces)
{
	struct rte_mbuf *h = rte_pktmbuf_alloc(net->pools.hdr);

	memset(rte_pktmbuf_prepend(h, 8), 0x11, 8);
	for (unsigned i = 0; i < pieces; i++) {
		uint32_t k = n / pieces + (i == 0 ? n % pieces : 0);

		if (k > 0)
			zs_pkt_join(h, net_payload(net, k, i + 1));
	}
	h->l4_len = 8;
	return h;
}

static int output(struct net *net, struct rte_mbuf *m, uint32_t dst_be, bool df)
{
	const struct zs_addr dst = zs_addr_ip4(dst_be);
	int rc = zs_ip4_output(net->s, m, &any, &dst, 200, 33, 0x48, df);

	net_flush(net);
	return rc;
}

static void start(struct net *net, uint16_t mtu)
{
	net_prepare(net, US);
	net->cfg.netif[0].mtu = mtu;
	net_create(net);
	net_know(net, PEER);
	net_know(net, 254);
}

static void test_headers(void **state)
{
	const uint32_t us = host(US), peer = host(PEER);
	struct net net;
	struct frame f;
	unsigned id;

	(void)state;
	start(&net, 1500);
	assert_int_equal(output(&net, message(&net, 100, 1), peer, false), 0);
	net_sent(&net, 0, &f);
	assert_int_equal(f.len, L2 + L3 + 108);
	assert_memory_equal(f.b, mac_of(PEER).b, 6);
	assert_memory_equal(f.b + 6, mac_of(US).b, 6);
	assert_int_equal(get16(f.b + 12), ZS_ETH_IP4);
	assert_int_equal(f.b[L2], 0x45);
	assert_int_equal(f.b[L2 + 1], 0x48);
	assert_int_equal(get16(f.b + L2 + 2), L3 + 108);
	assert_int_equal(get16(f.b + L2 + 6), 0);
	assert_int_equal(f.b[L2 + 8], 33);
	assert_int_equal(f.b[L2 + 9], 200);
	assert_memory_equal(f.b + L2 + 12, &us, 4);
	assert_memory_equal(f.b + L2 + 16, &peer, 4);
	assert_int_equal(naive_sum(f.b + L2, L3, 0), 0xffff);
	id = get16(f.b + L2 + 4);
	net_clear(&net);
	assert_int_equal(output(&net, message(&net, 100, 1), ip4(9, 9, 9, 9), false), 0);
	net_sent(&net, 0, &f);
	assert_memory_equal(f.b, mac_of(254).b, 6); /* by the gateway */
	assert_int_not_equal(get16(f.b + L2 + 4), id);
	net_clear(&net);
	assert_int_equal(output(&net, message(&net, 100, 1), peer, true), 0);
	net_sent(&net, 0, &f);
	assert_int_equal(get16(f.b + L2 + 6), ZS_IP4_DF);
	net_end(&net);
}

/* Fragments put together again are the message, and their payload is the sender's own memory. */
static void check_fragments(struct net *net, uint32_t n, uint32_t mtu, unsigned pieces)
{
	uint8_t whole[70000];
	struct rte_mbuf *m = message(net, n, pieces);
	struct frame f;
	uint32_t got = 0, total = m->pkt_len, allocs;
	unsigned id = 0;

	frame_of(&f, m);
	memcpy(whole, f.b, f.len);
	allocs = (uint32_t)zs_simpool_allocs(net->pools.pkt);
	assert_int_equal(output(net, m, host(PEER), false), 0);
	assert_true(total + L3 > mtu ? net->n_out > 1 : net->n_out == 1);
	for (uint32_t i = 0; i < net->n_out; i++) {
		uint32_t len, off;

		net_sent(net, i, &f);
		len = get16(f.b + L2 + 2);
		off = (get16(f.b + L2 + 6) & ZS_IP4_OFFMASK) * 8;
		assert_true(len <= mtu);
		assert_int_equal(len, f.len - L2);
		assert_int_equal(off, got);
		assert_int_equal(!!(get16(f.b + L2 + 6) & ZS_IP4_MF), i + 1 < net->n_out);
		assert_int_equal(naive_sum(f.b + L2, L3, 0), 0xffff);
		assert_true(i == 0 || get16(f.b + L2 + 4) == id);
		id = get16(f.b + L2 + 4);
		assert_memory_equal(f.b + L2 + L3, whole + off, len - L3);
		got += len - L3;
	}
	assert_int_equal(got, total);
	assert_int_equal(zs_simpool_allocs(net->pools.pkt), allocs);
	assert_int_equal(net->s->stats.copies, 0);
	net_clear(net);
	assert_int_equal(zs_simpools_live(&net->pools), 0);
}

static void test_fragments(void **state)
{
	static const uint16_t mtus[] = { 68, 576, 577, 580, 1500, 9000 };
	struct net net;

	(void)state;
	for (unsigned i = 0; i < 6; i++) {
		start(&net, mtus[i]);
		for (uint32_t n = 0; n < 4000; n += n < 100 ? 1 : 61)
			check_fragments(&net, n, mtus[i], n % 3 + 1);
		check_fragments(&net, mtus[i] - L3 - 8u, mtus[i], 1);
		check_fragments(&net, mtus[i] - L3 - 7u, mtus[i], 1);
		check_fragments(&net, 65535 - L3 - 8, mtus[i], 40);
		net_end(&net);
	}
}

/* Two datagrams in fragments do not have one identification. */
static void test_ids(void **state)
{
	struct net net;
	struct frame f, g;

	(void)state;
	start(&net, 576);
	assert_int_equal(output(&net, message(&net, 1000, 1), host(PEER), false), 0);
	net_sent(&net, 0, &f);
	net_clear(&net);
	assert_int_equal(output(&net, message(&net, 1000, 1), host(PEER), false), 0);
	net_sent(&net, 0, &g);
	assert_int_not_equal(get16(f.b + L2 + 4), get16(g.b + L2 + 4));
	net_end(&net);
}

static void test_failures(void **state)
{
	struct net net;

	(void)state;
	start(&net, 576);
	assert_int_equal(output(&net, message(&net, 576 - L3 - 7, 1), host(PEER), true), -EMSGSIZE);
	assert_int_equal(drops(&net, ZS_DROP_TX_TOO_BIG), 1);
	assert_int_equal(output(&net, message(&net, 65535 - L3 - 7, 40), host(PEER), false),
			 -EMSGSIZE);
	assert_int_equal(drops(&net, ZS_DROP_TX_TOO_BIG), 2);
	assert_int_equal(output(&net, message(&net, 9, 1), 0, false), -ENETUNREACH);
	assert_int_equal(drops(&net, ZS_DROP_NO_ROUTE), 1);
	/* fragments: all or none */
	zs_simpool_limit(net.pools.hdr, 6);
	assert_int_equal(output(&net, message(&net, 2000, 1), host(PEER), false), -ENOBUFS);
	assert_int_equal(drops(&net, ZS_DROP_NO_MBUF), 1);
	assert_int_equal(net.n_out, 0);
	assert_int_equal(zs_simpools_live(&net.pools), 0);
	net_end(&net);
}

/* A checksum wish cannot be left to a device that sees fragments only. */
static void test_cksum_before_fragments(void **state)
{
	const struct zs_addr dst = zs_addr_ip4(host(PEER));
	struct net net;
	struct frame f, whole;

	(void)state;
	start(&net, 576);
	net.nif->offloads |= ZS_OFF_TX_UDP_CKSUM | ZS_OFF_TX_IP_CKSUM;
	for (uint32_t n = 1001; n < 1004; n++) {
		struct rte_mbuf *m = message(&net, n, 3);

		m->ol_flags = RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_UDP_CKSUM;
		assert_int_equal(zs_ip4_output(net.s, m, &any, &dst, ZS_PROTO_UDP, 64, 0, false),
				 0);
		net_flush(&net);
		frame_ip4(&whole, host(US), host(PEER), ZS_PROTO_UDP, n + 8);
		for (uint32_t i = 0; i < net.n_out; i++) {
			net_sent(&net, i, &f);
			frame_put(&whole, f.b + L2 + L3, f.len - L2 - L3);
			assert_int_equal(net.out[i]->ol_flags & RTE_MBUF_F_TX_L4_MASK, 0);
		}
		assert_int_equal(whole.len, L2 + L3 + n + 8);
		assert_int_equal(naive_l4(whole.b + L2, n + 8), 0xffff);
		net_clear(&net);
	}
	net_end(&net);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_fragments),
		cmocka_unit_test(test_ids),
		cmocka_unit_test(test_failures),
		cmocka_unit_test(test_cksum_before_fragments),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
