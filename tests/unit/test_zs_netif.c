/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Interfaces: what a port cannot do is done in software and nothing else is touched; the staged
 * burst keeps its order whatever the device takes; packets in chains are cut and summed right.
 */
#include "zs_nettest.h"

#include <errno.h>

enum { HEADERS_UDP = L2 + L3 + 8, HEADERS_TCP = L2 + L3 + 20 };

/* The fields of a frame as a sender leaves them: see zs_txq_push(). */
static void wish(struct frame *f, struct rte_mbuf *m, unsigned proto)
{
	uint8_t *ip = f->b + L2;
	size_t n = f->len - L2 - L3;
	uint32_t pseudo = naive_sum(ip + 12, 8, 0);
	bool udp = proto == ZS_PROTO_UDP;

	pseudo = naive_sum((const uint8_t[]){ 0, ip[9], (uint8_t)(n >> 8), (uint8_t)n }, 4, pseudo);
	put16(ip + 10, 0);
	put16(ip + L3 + (udp ? 6 : 16), pseudo);
	memcpy(rte_pktmbuf_mtod(m, void *), f->b, udp ? HEADERS_UDP : HEADERS_TCP);
	m->ol_flags = RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IP_CKSUM |
		      (udp ? RTE_MBUF_F_TX_UDP_CKSUM : RTE_MBUF_F_TX_TCP_CKSUM);
	m->l2_len = L2;
	m->l3_len = L3;
	m->l4_len = udp ? 8 : 20;
}

static struct rte_mbuf *make(struct net *net, struct frame *f, unsigned proto, uint32_t n,
			     uint32_t piece)
{
	uint8_t data[4096];
	uint32_t headers = proto == ZS_PROTO_UDP ? HEADERS_UDP : HEADERS_TCP;
	struct rte_mbuf *m;

	fill(data, n, n + piece);
	if (proto == ZS_PROTO_UDP)
		frame_udp(f, host(US), 1, host(PEER), 2, data, n);
	else
		frame_tcp(f, NULL, 0, data, n);
	m = piece == 0 ? net_mbuf(net, f) : net_chain(net, f, headers + piece / 2, piece);
	wish(f, m, proto);
	return m;
}

static void test_cksum_of_chains(void **state)
{
	struct net net;
	struct frame f, sent;

	(void)state;
	net_start(&net);
	net.nif->cut_bufs = UINT8_MAX;
	for (uint32_t n = 0; n < 250; n += 7) {
		for (uint32_t piece = 0; piece < 40; piece += n % 3 + 1) {
			unsigned proto = (n ^ piece) & 1 ? ZS_PROTO_TCP : ZS_PROTO_UDP;
			struct rte_mbuf *m = make(&net, &f, proto, n, piece);
			uint32_t headers = proto == ZS_PROTO_UDP ? HEADERS_UDP : HEADERS_TCP;

			zs_txq_push(net.s, net.nif, m);
			net_flush(&net);
			assert_int_equal(net.n_out, 1);
			assert_ptr_equal(net.out[0], m);
			assert_int_equal(m->ol_flags, 0);
			net_sent(&net, 0, &sent);
			assert_int_equal(sent.len, f.len);
			assert_memory_equal(sent.b + headers, f.b + headers, f.len - headers);
			assert_cksums(&sent);
			net_clear(&net);
		}
	}
	assert_int_equal(net.s->stats.copies, 0);
	net_end(&net);
}

/* The tag of the port's VLAN goes between addresses and type, by the device or by us. */
static void test_vlan(void **state)
{
	enum { TAG = 4 };
	struct net net;
	struct frame f, sent;
	struct rte_mbuf *m;

	(void)state;
	net_start(&net);
	net.nif->vlan = 0x105;
	for (unsigned i = 0; i < 3; i++) {
		m = make(&net, &f, i == 1 ? ZS_PROTO_TCP : ZS_PROTO_UDP, 500, i * 100);
		if (i == 2) { /* no room in front */
			memmove(m->buf_addr, rte_pktmbuf_mtod(m, void *), m->data_len);
			m->data_off = 0;
		}
		zs_txq_push(net.s, net.nif, m);
		net_flush(&net);
		net_sent(&net, 0, &sent);
		assert_int_equal(sent.len, f.len + TAG);
		assert_memory_equal(sent.b, f.b, 12);
		assert_memory_equal(sent.b + 12, "\x81\x00\x01\x05", TAG);
		memmove(sent.b + 12, sent.b + 12 + TAG, sent.len - 12 - TAG);
		sent.len -= TAG;
		assert_int_equal(get16(sent.b + 12), ZS_ETH_IP4);
		assert_memory_equal(sent.b + HEADERS_TCP, f.b + HEADERS_TCP, f.len - HEADERS_TCP);
		assert_cksums(&sent);
		net_clear(&net);
	}
	net.nif->offloads = ZS_OFF_TX_VLAN;
	m = make(&net, &f, ZS_PROTO_UDP, 500, 0);
	zs_txq_push(net.s, net.nif, m);
	net_flush(&net);
	net_sent(&net, 0, &sent);
	assert_int_equal(sent.len, f.len);
	assert_int_equal(m->ol_flags, RTE_MBUF_F_TX_VLAN);
	assert_int_equal(m->vlan_tci, 0x105);
	net_clear(&net);
	net_end(&net);
}

/* TSO goes where checksums and chains go, and no packet has more buffers than the device takes. */
static void test_large(void **state)
{
	const uint32_t all = ZS_OFF_TX_TCP_CKSUM | ZS_OFF_TX_MULTI_SEG | ZS_OFF_TX_TSO;
	const struct {
		uint32_t offloads, have;
		uint16_t bufs, tso_bufs;
		uint8_t seg, tso;
	} t[] = {
		{ all, all, 0, 0, ZS_SEG_BUFS, ZS_TSO_BUFS },
		{ all, all, 8, 40, 7, 39 },
		{ all & ~ZS_OFF_TX_TCP_CKSUM, ZS_OFF_TX_MULTI_SEG, 0, 0, ZS_SEG_BUFS, ZS_TSO_BUFS },
		{ all & ~ZS_OFF_TX_MULTI_SEG, ZS_OFF_TX_TCP_CKSUM, 0, 0, ZS_SEG_BUFS, ZS_TSO_BUFS },
		{ all, ZS_OFF_TX_TCP_CKSUM, 1, 0, ZS_SEG_BUFS, ZS_TSO_BUFS },
	};

	(void)state;
	for (unsigned i = 0; i < RTE_DIM(t); i++) {
		struct net net;

		net_prepare(&net, US);
		net.cfg.netif[0].offloads = t[i].offloads;
		net.cfg.netif[0].max_bufs = t[i].bufs;
		net.cfg.netif[0].max_tso_bufs = t[i].tso_bufs;
		net_create(&net);
		assert_int_equal(net.nif->offloads, t[i].have);
		assert_int_equal(net.nif->seg_bufs, t[i].seg);
		assert_int_equal(net.nif->tso_bufs, t[i].tso);
		net_end(&net);
	}
}

/* What UDP, ICMP and fragments chain as it comes is made one where it is too long. */
static void test_long_chain(void **state)
{
	struct net net;
	struct frame f, sent;
	struct rte_mbuf *m;

	(void)state;
	net_prepare(&net, US);
	net.cfg.netif[0].max_bufs = 8;
	net_create(&net);
	m = make(&net, &f, ZS_PROTO_UDP, 60, 9); /* 8 buffers */
	assert_int_equal(m->nb_segs, 8);
	zs_txq_push(net.s, net.nif, m);
	assert_int_equal(net.s->stats.tx_linearized, 0);
	m = make(&net, &f, ZS_PROTO_UDP, 100, 9);
	assert_true(m->nb_segs > 8);
	zs_txq_push(net.s, net.nif, m);
	net_flush(&net);
	assert_int_equal(net.n_out, 2);
	assert_int_equal(net.out[0]->nb_segs, 8);
	assert_int_equal(net.out[1]->nb_segs, 1);
	assert_int_equal(net.s->stats.tx_linearized, 1);
	net_sent(&net, 1, &sent);
	assert_int_equal(sent.len, f.len);
	assert_memory_equal(sent.b + HEADERS_UDP, f.b + HEADERS_UDP, f.len - HEADERS_UDP);
	assert_cksums(&sent);
	net_end(&net);
}

/* A sum of zero is sent as all ones: zero says "no checksum" (RFC 768). */
static void test_udp_zero(void **state)
{
	struct net net;
	struct frame f;
	struct rte_mbuf *m;
	uint8_t data[2] = { 0 };

	(void)state;
	net_start(&net);
	frame_udp(&f, host(US), 1, host(PEER), 2, data, 2);
	put16(data, get16(f.b + L2 + L3 + 6));
	frame_udp(&f, host(US), 1, host(PEER), 2, data, 2);
	m = net_mbuf(&net, &f);
	wish(&f, m, ZS_PROTO_UDP);
	zs_txq_push(net.s, net.nif, m);
	net_flush(&net);
	net_sent(&net, 0, &f);
	assert_int_equal(get16(f.b + L2 + L3 + 6), 0xffff);
	net_end(&net);
}

/* A capable port gets flags and bytes as they are; a half capable one gets its half. */
static void test_offloads(void **state)
{
	struct net net;
	struct frame f, sent;
	struct rte_mbuf *m;
	uint64_t flags;

	(void)state;
	net_start(&net);
	net.nif->offloads = ZS_OFF_TX_IP_CKSUM | ZS_OFF_TX_TCP_CKSUM | ZS_OFF_TX_MULTI_SEG;
	m = make(&net, &f, ZS_PROTO_TCP, 100, 9);
	flags = m->ol_flags;
	zs_txq_push(net.s, net.nif, m);
	net_flush(&net);
	net_sent(&net, 0, &sent);
	assert_memory_equal(sent.b, f.b, f.len);
	assert_int_equal(m->ol_flags, flags);
	net_clear(&net);
	m = make(&net, &f, ZS_PROTO_UDP, 100, 9);
	zs_txq_push(net.s, net.nif, m);
	net_flush(&net);
	net_sent(&net, 0, &sent);
	assert_int_equal(m->ol_flags, RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IP_CKSUM);
	assert_int_equal(get16(sent.b + L2 + 10), 0);
	assert_int_equal(naive_l4(sent.b + L2, f.len - L2 - L3), 0xffff);
	net_clear(&net);
	net.nif->offloads = ZS_OFF_TX_TCP_CKSUM | ZS_OFF_TX_MULTI_SEG;
	m = make(&net, &f, ZS_PROTO_TCP, 100, 9);
	zs_txq_push(net.s, net.nif, m);
	net_flush(&net);
	net_sent(&net, 0, &sent);
	assert_int_equal(m->ol_flags, RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_TCP_CKSUM);
	assert_int_equal(naive_sum(sent.b + L2, L3, 0), 0xffff);
	assert_int_equal(get16(sent.b + L2 + L3 + 16), get16(f.b + L2 + L3 + 16));
	net_end(&net);
}

static void test_linearize(void **state)
{
	struct net net;
	struct frame f, sent;

	(void)state;
	net_start(&net);
	net.nif->offloads = 0;
	zs_txq_push(net.s, net.nif, make(&net, &f, ZS_PROTO_TCP, 333, 11));
	zs_txq_push(net.s, net.nif,
		    make(&net, &f, ZS_PROTO_UDP, 3000, 700));		  /* from the big pool */
	zs_txq_push(net.s, net.nif, make(&net, &f, ZS_PROTO_UDP, 44, 0)); /* is contiguous */
	net_flush(&net);
	assert_int_equal(net.n_out, 3);
	for (uint32_t i = 0; i < 3; i++) {
		assert_int_equal(net.out[i]->nb_segs, 1);
		assert_int_equal(net.out[i]->ol_flags, 0);
		net_sent(&net, i, &sent);
		assert_cksums(&sent);
	}
	assert_int_equal(net.s->stats.tx_linearized, 2);
	assert_int_equal(net.s->stats.copies, 333 + 3000);
	assert_int_equal(zs_simpools_live(&net.pools), 3);
	net_clear(&net);
	zs_simpool_limit(net.pools.big, 0);
	zs_txq_push(net.s, net.nif, make(&net, &f, ZS_PROTO_UDP, 3000, 700));
	assert_int_equal(drops(&net, ZS_DROP_NO_MBUF), 1);
	assert_int_equal(zs_simpools_live(&net.pools), 0);
	net_end(&net);
}

static void push_numbered(struct net *net, uint32_t k)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(net->pools.hdr);

	memcpy(rte_pktmbuf_append(m, 60), &k, sizeof(k));
	zs_txq_push(net->s, net->nif, m);
}

static void test_refused(void **state)
{
	struct net net;

	(void)state;
	net_start(&net);
	for (uint32_t k = 0; k < 10; k++)
		push_numbered(&net, k);
	net.tx_limit = 4;
	net_flush(&net);
	assert_int_equal(net.n_out, 4);
	assert_int_equal(zs_txq_room(net.nif), ZS_TXQ_LEN - 6);
	assert_int_equal(net.s->stats.tx_refused, 6);
	assert_int_equal(net.s->stats.tx_packets, 4);
	assert_int_equal(net.s->stats.tx_bytes, 4 * 60);
	assert_true(zs_stack_tx_pending(net.s));
	push_numbered(&net, 10);
	net.tx_limit = 1;
	net_flush(&net);
	assert_int_equal(net.s->stats.tx_refused,
			 7); /* only number 10 is refused for the first time */
	net.tx_limit = 100;
	net_flush(&net);
	assert_int_equal(net.s->stats.tx_refused, 7);
	assert_int_equal(net.n_out, 11);
	for (uint32_t i = 0; i < 11; i++)
		assert_memory_equal(rte_pktmbuf_mtod(net.out[i], void *), &i, sizeof(i));
	assert_int_equal(net.s->stats.tx_packets, 11);
	assert_int_equal(net.s->stats.tx_bytes, 11 * 60);
	assert_false(zs_stack_tx_pending(net.s));
	net_end(&net);
}

static void test_full(void **state)
{
	struct net net;

	(void)state;
	net_start(&net);
	net.tx_limit = 0;
	for (uint32_t k = 0; k < ZS_TXQ_LEN + 3; k++)
		push_numbered(&net, k);
	assert_int_equal(drops(&net, ZS_DROP_TX_FULL), 3);
	assert_int_equal(zs_txq_room(net.nif), 0);
	net.tx_limit = 2;
	push_numbered(&net, 1000); /* the device takes two now: there is room */
	assert_int_equal(drops(&net, ZS_DROP_TX_FULL), 3);
	assert_int_equal(net.n_out, 2);
	assert_int_equal(zs_txq_room(net.nif), 1);
	net_end(&net); /* what is staged is freed with the stack */
}

static void test_init(void **state)
{
	struct zs_netif_config good = {
		.mtu = 1500, .port = 5, .mac = mac_of(9), .ip4_prefix = 16
	};
	struct zs_netif_config bad;
	struct net net;
	uint32_t gen;

	(void)state;
	net_prepare(&net, US);
	net.cfg.netif[1] = good;
	net.cfg.netif[1].ip4_be = ip4(172, 16, 3, 4);
	net.cfg.n_netifs = 2;
	net_create(&net);
	assert_int_equal(net.nif->ip4_mask_be, ip4(255, 255, 255, 0));
	assert_int_equal(net.nif->ip4_bcast_be, host(255));
	assert_int_equal(net.s->netif[1].ip4_bcast_be, ip4(172, 16, 255, 255));
	assert_ptr_equal(zs_netif_by_port(net.s, 0), &net.s->netif[0]);
	assert_ptr_equal(zs_netif_by_port(net.s, 5), &net.s->netif[1]);
	assert_null(zs_netif_by_port(net.s, 1));
	net.s->n_netifs = 3;
	net.s->netif[2].index = 2;
	bad = good; /* port 5 is there already */
	assert_int_equal(zs_netif_init(net.s, &net.s->netif[2], &bad), -EINVAL);
	good.port = 6;
	bad = good;
	bad.mtu = 67;
	assert_int_equal(zs_netif_init(net.s, &net.s->netif[2], &bad), -EINVAL);
	bad = good;
	bad.ip4_prefix = 33;
	assert_int_equal(zs_netif_init(net.s, &net.s->netif[2], &bad), -EINVAL);
	bad = good;
	bad.mac.b[0] = 1;
	assert_int_equal(zs_netif_init(net.s, &net.s->netif[2], &bad), -EINVAL);
	gen = net.s->nh_gen;
	good.ip4_be = ip4(192, 168, 0, 1);
	good.ip4_prefix = 32;
	assert_int_equal(zs_netif_init(net.s, &net.s->netif[2], &good), 0);
	assert_int_equal(net.s->netif[2].ip4_bcast_be, UINT32_MAX);
	assert_int_not_equal(net.s->nh_gen, gen);
	net_end(&net);
}

static void test_trim_and_adj(void **state)
{
	struct net net;
	struct frame f, g;

	(void)state;
	net_start(&net);
	f.len = 100;
	fill(f.b, f.len, 5);
	for (uint32_t piece = 1; piece < 50; piece += 3) {
		for (uint32_t len = 0; len <= 101; len++) {
			struct rte_mbuf *m = net_chain(&net, &f, 10, piece);

			zs_pkt_trim(m, len);
			frame_of(&g, m);
			assert_int_equal(g.len, len < 100 ? len : 100);
			assert_memory_equal(g.b, f.b, g.len);
			rte_pktmbuf_free(m);
		}
		for (uint16_t n = 0; n <= 10; n++) {
			struct rte_mbuf *m = zs_pkt_adj(net_chain(&net, &f, 10, piece), n);

			frame_of(&g, m);
			assert_int_equal(g.len, 100 - n);
			assert_memory_equal(g.b, f.b + n, g.len);
			assert_true(m->data_len > 0);
			rte_pktmbuf_free(m);
		}
		assert_int_equal(zs_simpools_live(&net.pools), 0);
	}
	{ /* buffers that were empty go too */
		struct rte_mbuf *m = net_chain(&net, &f, 10, 90);
		struct rte_mbuf *empty = rte_pktmbuf_alloc(net.pools.hdr);

		empty->next = m->next;
		m->next = empty;
		m->nb_segs++;
		m = zs_pkt_adj(m, 10);
		assert_int_equal(m->nb_segs, 1);
		frame_of(&g, m);
		assert_memory_equal(g.b, f.b + 10, 90);
		rte_pktmbuf_free(m);
	}
	net_end(&net);
}

static void test_slice(void **state)
{
	struct net net;
	struct frame f, g;
	struct rte_mbuf *m, *part;

	(void)state;
	net_start(&net);
	f.len = 100;
	fill(f.b, f.len, 6);
	m = net_chain(&net, &f, 30, 17);
	for (uint32_t off = 0; off < 100; off++) {
		for (uint32_t len = 1; off + len <= 100; len += 5) {
			part = zs_pkt_slice(net.s, m, off, len);
			frame_of(&g, part);
			assert_int_equal(g.len, len);
			assert_memory_equal(g.b, f.b + off, len);
			rte_pktmbuf_free(part);
		}
	}
	assert_null(zs_pkt_slice(net.s, m, 0, 0));
	m->ol_flags |= RTE_MBUF_F_RX_RSS_HASH | ZS_PKT_DONE;
	part = zs_pkt_slice(net.s, m, 1, 1);
	assert_int_equal(part->ol_flags, RTE_MBUF_F_INDIRECT);
	rte_pktmbuf_free(part);
	m->ol_flags = 0;
	part = zs_pkt_slice(net.s, m, 0, 100);
	assert_false(zs_pkt_writable(m));
	assert_false(zs_pkt_writable(part));
	rte_pktmbuf_free(m);
	frame_of(&g, part);
	assert_memory_equal(g.b, f.b, 100);
	rte_pktmbuf_free(part);
	m = net_chain(&net, &f, 30, 17);
	assert_true(zs_pkt_writable(m));
	zs_simpool_limit(net.pools.hdr, 3); /* gives up in the middle */
	assert_null(zs_pkt_slice(net.s, m, 0, 100));
	assert_int_equal(zs_simpool_live(net.pools.hdr), 0);
	rte_pktmbuf_free(m);
	net_end(&net);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cksum_of_chains),
		cmocka_unit_test(test_vlan),
		cmocka_unit_test(test_large),
		cmocka_unit_test(test_long_chain),
		cmocka_unit_test(test_udp_zero),
		cmocka_unit_test(test_offloads),
		cmocka_unit_test(test_linearize),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_init),
		cmocka_unit_test(test_trim_and_adj),
		cmocka_unit_test(test_slice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
