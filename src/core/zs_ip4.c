/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * IPv4 output (RFC 791, RFC 1122 3.2.1, 3.3.1): route, header, and fragments where a datagram is
 * larger than the link takes. A fragment is a header buffer in front of references to the
 * datagram's own bytes: payload is neither copied nor changed.
 */
#include "core/zs_ip4.h"

#include <errno.h>

#include <rte_byteorder.h>

#include "core/zs_loopback.h"
#include "core/zs_neigh.h"
#include "core/zs_state.h"
#include "wire/zs_cksum.h"

enum { IP4_MAX = 65535, VERSION_IHL = 0x45 };

/* All that goes into the headers of one datagram. */
struct out {
	struct zs_netif *nif;
	struct zs_addr nexthop, src, dst;
	uint8_t proto, ttl, tos;
	uint16_t id, frag; /* frag: flags and offset, host order */
	uint16_t mtu;
};

/* Borrows m. Ethernet (but for its destination) and IPv4 headers in front of it; false: no room. */
static bool put_headers(struct rte_mbuf *m, const struct out *o)
{
	char *front = rte_pktmbuf_prepend(m, ZS_L34_OFF);
	struct zs_eth_hdr *eth = (struct zs_eth_hdr *)front;
	struct zs_ip4_hdr *ip;

	if (unlikely(front == NULL))
		return false;
	eth->src = o->nif->mac;
	eth->type_be = rte_cpu_to_be_16(ZS_ETH_IP4);
	ip = (struct zs_ip4_hdr *)(eth + 1);
	*ip = (struct zs_ip4_hdr){
		.ver_ihl = VERSION_IHL,
		.tos = o->tos,
		.len_be = rte_cpu_to_be_16((uint16_t)(m->pkt_len - sizeof(*eth))),
		.id_be = rte_cpu_to_be_16(o->id),
		.frag_be = rte_cpu_to_be_16(o->frag),
		.ttl = o->ttl,
		.proto = o->proto,
		.src_be = o->src.ip4_be,
		.dst_be = o->dst.ip4_be,
	};
	m->l2_len = sizeof(*eth);
	m->l3_len = sizeof(*ip);
	m->ol_flags |= RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IP_CKSUM;
	return true;
}

/* The pseudo header's sum goes where the device, or zs_pkt_finish_l4(), looks for it. */
static void put_pseudo(struct rte_mbuf *m, const struct out *o)
{
	uint64_t wish = m->ol_flags & RTE_MBUF_F_TX_L4_MASK;
	uint16_t sum;

	if (wish == 0)
		return;
	sum = zs_cksum_fold(zs_cksum_pseudo(&o->src, &o->dst, o->proto, m->pkt_len));
	if (wish == RTE_MBUF_F_TX_TCP_CKSUM)
		rte_pktmbuf_mtod(m, struct zs_tcp_hdr *)->cksum = sum;
	else if (wish == RTE_MBUF_F_TX_UDP_CKSUM)
		rte_pktmbuf_mtod(m, struct zs_udp_hdr *)->cksum = sum;
}

/* Borrows m. Its bytes [off, off + n) with headers of their own, or NULL. */
static struct rte_mbuf *make_fragment(struct zs_stack *s, struct rte_mbuf *m, const struct out *o,
				      uint32_t off, uint32_t n)
{
	struct rte_mbuf *h = zs_hdr_alloc(s);
	struct rte_mbuf *body;

	if (unlikely(h == NULL))
		return NULL;
	body = zs_pkt_slice(s, m, off, n);
	zs_pkt_join(h, body);
	if (unlikely(body == NULL || !put_headers(h, o))) {
		rte_pktmbuf_free(h);
		return NULL;
	}
	h->l4_len = 0;
	return h;
}

/* Consumes m, L4 checksum complete. All fragments or none. */
static int send_fragments(struct zs_stack *s, struct rte_mbuf *m, struct out *o)
{
	uint32_t room = (o->mtu - sizeof(struct zs_ip4_hdr)) & ~7u;
	struct rte_mbuf *first = NULL, **link = &first;

	o->id = s->ip_id++;
	for (uint32_t off = 0; off < m->pkt_len; off += room) {
		uint32_t n = RTE_MIN(room, m->pkt_len - off);

		o->frag = (uint16_t)(off / 8 | (off + n < m->pkt_len ? ZS_IP4_MF : 0u));
		*link = make_fragment(s, m, o, off, n);
		if (unlikely(*link == NULL)) {
			zs_pkt_free_list(first);
			zs_pkt_drop(s, m, ZS_DROP_NO_MBUF);
			return -ENOBUFS;
		}
		link = &zs_seg(*link)->next;
		*link = NULL;
	}
	rte_pktmbuf_free(m);
	while (first != NULL) {
		struct rte_mbuf *h = first;

		first = zs_seg(h)->next;
		zs_eth_output(s, o->nif, ZS_AF_IP4, &o->nexthop, h);
	}
	return 0;
}

int zs_ip4_output(struct zs_stack *s, struct rte_mbuf *m, const struct zs_addr *src,
		  const struct zs_addr *dst, uint8_t proto, uint8_t ttl, uint8_t tos, bool df)
{
	const struct zs_ip_way way = { .df = df };

	return zs_ip4_output_by(s, m, &way, src, dst, proto, ttl, tos);
}

int zs_ip4_output_by(struct zs_stack *s, struct rte_mbuf *m, const struct zs_ip_way *way,
		     const struct zs_addr *src, const struct zs_addr *dst, uint8_t proto,
		     uint8_t ttl, uint8_t tos)
{
	struct out o = { .src = *src, .dst = *dst, .proto = proto, .ttl = ttl, .tos = tos };
	uint32_t len = m->pkt_len + sizeof(struct zs_ip4_hdr);
	bool whole, df = way->df;

	o.nif = zs_route_by(s, way->nif, ZS_AF_IP4, dst, &o.nexthop);
	if (unlikely(o.nif == NULL)) {
		zs_pkt_drop(s, m, ZS_DROP_NO_ROUTE);
		return -ENETUNREACH;
	}
	o.mtu = way->mtu != 0 ? RTE_MIN(way->mtu, o.nif->mtu) : o.nif->mtu;
	whole = len <= o.mtu || o.nif->index == ZS_LOOPBACK; /* nothing on the way cuts it */
	if (unlikely(len > IP4_MAX || (df && !whole))) {
		zs_pkt_drop(s, m, ZS_DROP_TX_TOO_BIG);
		return -EMSGSIZE;
	}
	if (zs_addr_is_any(src))
		(void)zs_source(s, o.nif, ZS_AF_IP4, dst, &o.src);
	if (unlikely(!zs_source_ok(o.nif, ZS_AF_IP4, &o.src))) {
		zs_pkt_drop(s, m, ZS_DROP_NO_ROUTE);
		return -EINVAL;
	}
	put_pseudo(m, &o);
	if (!whole) {
		zs_pkt_finish_l4(m, 0);
		return send_fragments(s, m, &o);
	}
	/* What cannot be fragmented on its way needs no identification (RFC 6864 4.1). */
	o.id = df ? 0 : s->ip_id++;
	o.frag = df ? ZS_IP4_DF : 0;
	if (unlikely(!put_headers(m, &o))) {
		zs_pkt_drop(s, m, ZS_DROP_NO_MBUF);
		return -ENOBUFS;
	}
	zs_eth_output(s, o.nif, ZS_AF_IP4, &o.nexthop, m);
	return 0;
}
