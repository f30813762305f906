/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * IPv6 output (RFC 8200): route, source, header, and fragments where a datagram is larger than its
 * path takes. A fragment is a header buffer in front of references to the datagram's own bytes.
 */
#include "core/zs_ip6.h"

#include <errno.h>

#include "core/zs_ip4.h"
#include "core/zs_iphdr.h"
#include "core/zs_loopback.h"
#include "core/zs_neigh.h"

enum { PAYLOAD_MAX = 65535, LINK_HOPS = 255 };

/* All that goes into the headers of one packet. */
struct out {
	struct zs_netif *nif;
	struct zs_addr nexthop, src, dst;
	uint8_t next, hop, tclass;
};

/* Borrows m. Ethernet (but for its destination) and IPv6 headers in front of it; false: no room. */
static bool put_headers(struct rte_mbuf *m, const struct out *o)
{
	uint32_t plen = m->pkt_len;
	char *front = rte_pktmbuf_prepend(m, ZS_L36_OFF);
	const struct zs_mac unknown = { { 0 } };
	struct zs_ip6_hdr *ip;

	if (unlikely(front == NULL))
		return false;
	zs_eth_put((uint8_t *)front, o->nif, &unknown, ZS_AF_IP6);
	ip = (struct zs_ip6_hdr *)(front + sizeof(struct zs_eth_hdr));
	zs_ip6_put(ip, &o->src, &o->dst, o->next, o->hop, o->tclass, 0);
	ip->plen_be = rte_cpu_to_be_16((uint16_t)plen);
	m->l2_len = sizeof(struct zs_eth_hdr);
	m->l3_len = sizeof(*ip);
	if (m->ol_flags & RTE_MBUF_F_TX_L4_MASK)
		m->ol_flags |= RTE_MBUF_F_TX_IPV6;
	return true;
}

/* The pseudo header's sum goes where the device, or zs_pkt_finish_l4(), looks for it. */
static void put_cksum(struct rte_mbuf *m, const struct out *o)
{
	uint32_t sum = zs_pseudo(ZS_AF_IP6, &o->src, &o->dst, o->next, m->pkt_len);
	struct zs_icmp6_hdr *icmp;

	switch (o->next) {
	case ZS_PROTO_UDP:
		rte_pktmbuf_mtod(m, struct zs_udp_hdr *)->cksum = zs_cksum_fold(sum);
		break;
	case ZS_PROTO_ICMP6:
		icmp = rte_pktmbuf_mtod(m, struct zs_icmp6_hdr *);
		icmp->cksum = 0;
		icmp->cksum = zs_cksum_finish(sum + zs_pkt_sum(m, 0, m->pkt_len));
		break;
	default:
		break;
	}
}

/* Borrows m. Its bytes [off, off + n) with headers of their own, or NULL. */
static struct rte_mbuf *make_fragment(struct zs_stack *s, struct rte_mbuf *m, const struct out *o,
				      uint32_t off, uint32_t n, uint32_t id)
{
	struct rte_mbuf *h = zs_hdr_alloc(s);
	struct zs_ip6_frag_hdr *f;
	struct rte_mbuf *body;
	struct out o2 = *o;

	if (unlikely(h == NULL))
		return NULL;
	body = zs_pkt_slice(s, m, off, n);
	f = body == NULL ? NULL : (struct zs_ip6_frag_hdr *)rte_pktmbuf_prepend(h, sizeof(*f));
	zs_pkt_join(h, body);
	if (unlikely(f == NULL)) {
		rte_pktmbuf_free(h);
		return NULL;
	}
	*f = (struct zs_ip6_frag_hdr){
		.next = o->next,
		.off_be =
			rte_cpu_to_be_16((uint16_t)(off | (off + n < m->pkt_len ? ZS_IP6_MF : 0))),
		.id_be = id,
	};
	o2.next = ZS_EXT_FRAGMENT;
	if (unlikely(!put_headers(h, &o2))) {
		rte_pktmbuf_free(h);
		return NULL;
	}
	h->l4_len = 0;
	return h;
}

/* Consumes m, L4 checksum complete. All fragments or none. */
static int send_fragments(struct zs_stack *s, struct rte_mbuf *m, const struct out *o, uint16_t mtu)
{
	uint32_t room = (mtu - sizeof(struct zs_ip6_hdr) - sizeof(struct zs_ip6_frag_hdr)) & ~7u;
	uint32_t id = s->ip6->frag_id++;
	struct rte_mbuf *first = NULL, **link = &first;

	for (uint32_t off = 0; off < m->pkt_len; off += room) {
		uint32_t n = RTE_MIN(room, m->pkt_len - off);

		*link = make_fragment(s, m, o, off, n, id);
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
		zs_eth_output(s, o->nif, ZS_AF_IP6, &o->nexthop, h);
	}
	return 0;
}

/* Interface, next hop and source. */
static int find_way(struct zs_stack *s, struct zs_netif *nif, struct out *o)
{
	o->nif = zs_route_by(s, nif, ZS_AF_IP6, &o->dst, &o->nexthop);
	if (unlikely(o->nif == NULL))
		return -ENETUNREACH;
	if (zs_addr_is_any(&o->src) && !zs_source(s, o->nif, ZS_AF_IP6, &o->dst, &o->src))
		return -EADDRNOTAVAIL;
	if (unlikely(!zs_source_ok(o->nif, ZS_AF_IP6, &o->src)))
		return -EINVAL;
	/* RFC 4007 9: an address of one link does not leave it */
	if (unlikely(zs_ip6_zone(&o->src) != 0 && zs_ip6_zone(&o->dst) == 0 &&
		     !zs_ip6_is_group(&o->dst) && !zs_addr_eq(&o->nexthop, &o->dst)))
		return -ENETUNREACH;
	return 0;
}

static int output(struct zs_stack *s, struct rte_mbuf *m, const struct zs_ip_way *way,
		  const struct zs_addr *src, const struct zs_addr *dst, uint8_t proto, int hop,
		  uint8_t tclass)
{
	struct out o = { .src = *src, .dst = *dst, .next = proto, .tclass = tclass };
	int rc = find_way(s, way->nif, &o);
	uint16_t mtu;

	if (unlikely(rc < 0)) {
		zs_pkt_drop(s, m, ZS_DROP_NO_ROUTE);
		return rc;
	}
	if (unlikely(m->pkt_len > PAYLOAD_MAX)) {
		zs_pkt_drop(s, m, ZS_DROP_TX_TOO_BIG);
		return -EMSGSIZE;
	}
	o.hop = hop < 0 ? zs_hop_limit(s, o.nif) : (uint8_t)hop;
	put_cksum(m, &o);
	mtu = way->mtu != 0 ? way->mtu
			    : zs_pmtu(s, ZS_AF_IP6, dst, zs_link_mtu(s, o.nif, ZS_AF_IP6));
	if (m->pkt_len + sizeof(struct zs_ip6_hdr) > mtu && o.nif->index != ZS_LOOPBACK) {
		zs_pkt_finish_l4(m, 0);
		return send_fragments(s, m, &o, mtu);
	}
	if (unlikely(!put_headers(m, &o))) {
		zs_pkt_drop(s, m, ZS_DROP_NO_MBUF);
		return -ENOBUFS;
	}
	zs_eth_output(s, o.nif, ZS_AF_IP6, &o.nexthop, m);
	return 0;
}

int zs_ip6_output(struct zs_stack *s, struct rte_mbuf *m, const struct zs_addr *src,
		  const struct zs_addr *dst, uint8_t proto, uint8_t hop, uint8_t tclass)
{
	const struct zs_ip_way way = { .mtu = 0 };

	return output(s, m, &way, src, dst, proto, hop == 0 ? -1 : hop, tclass);
}

int zs_ip_output_by(struct zs_stack *s, struct rte_mbuf *m, const struct zs_ip_way *way,
		    uint8_t family, const struct zs_addr *src, const struct zs_addr *dst,
		    uint8_t proto, uint8_t ttl, uint8_t tos)
{
	return family == ZS_AF_IP4 ? zs_ip4_output_by(s, m, way, src, dst, proto, ttl, tos)
				   : output(s, m, way, src, dst, proto, ttl, tos);
}

uint8_t zs_hop_limit(const struct zs_stack *s, const struct zs_netif *nif)
{
	const struct zs_if6 *i = zs_if6(s, nif);

	return i != NULL && i->hop_limit != 0 ? i->hop_limit : s->cfg.ttl;
}

/* ---- messages of the link ---- */

struct rte_mbuf *zs_icmp6_alloc(struct zs_stack *s, uint8_t type, unsigned len)
{
	struct rte_mbuf *m = zs_hdr_alloc(s);
	char *p = m == NULL ? NULL : rte_pktmbuf_prepend(m, (uint16_t)len);

	if (unlikely(p == NULL)) {
		zs_pkt_drop(s, m, ZS_DROP_NO_MBUF);
		return NULL;
	}
	memset(p, 0, len);
	p[0] = (char)type;
	m->l4_len = sizeof(struct zs_icmp6_hdr);
	return m;
}

/* RFC 2711: routers look at the packet; padded to 8 bytes. */
static bool put_alert(struct rte_mbuf *m)
{
	static const uint8_t alert[8] = { ZS_PROTO_ICMP6, 0, 5, 2, 0, 0, 1, 0 };
	char *p = rte_pktmbuf_prepend(m, sizeof(alert));

	if (p != NULL)
		memcpy(p, alert, sizeof(alert));
	return p != NULL;
}

void zs_ip6_send_link(struct zs_stack *s, struct zs_netif *nif, struct rte_mbuf *m,
		      const struct zs_addr *src, const struct zs_addr *dst, const struct zs_mac *to,
		      bool alert)
{
	struct out o = {
		.nif = nif,
		.src = *src,
		.dst = *dst,
		.next = ZS_PROTO_ICMP6,
		.hop = alert ? 1 : LINK_HOPS,
	};

	put_cksum(m, &o);
	if (alert)
		o.next = ZS_EXT_HOPOPTS;
	if (unlikely((alert && !put_alert(m)) || !put_headers(m, &o))) {
		zs_pkt_drop(s, m, ZS_DROP_NO_MBUF);
		return;
	}
	m->l4_len = 0;
	if (to == NULL) {
		zs_eth_output(s, nif, ZS_AF_IP6, dst, m);
		return;
	}
	rte_pktmbuf_mtod(m, struct zs_eth_hdr *)->dst = *to;
	zs_txq_push(s, nif, m);
}
