/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * UDP, outwards. Datagrams go in the buffers they came in: a header goes into the headroom of a
 * buffer that is ours alone, and in front of it in a buffer of its own otherwise.
 */
#include <errno.h>

#include <rte_byteorder.h>

#include "core/tcp/zs_port.h"
#include "core/zs_ip4.h"
#include "core/zs_ip6.h"
#include "core/zs_udp_priv.h"

enum { DATAGRAM_MAX = 65535 - 20 - 8 };

/* Consumes m on success: the same datagram with an UDP header in front. NULL: no header buffer. */
static struct rte_mbuf *put_header(struct zs_stack *s, struct rte_mbuf *m, uint8_t family,
				   uint16_t sport, uint16_t dport)
{
	const unsigned l34 = family == ZS_AF_IP4 ? (unsigned)ZS_L34_OFF : (unsigned)ZS_L36_OFF;
	uint32_t len = m->pkt_len + sizeof(struct zs_udp_hdr);
	struct zs_udp_hdr *uh;
	struct rte_mbuf *h = m;

	if (zs_pkt_writable(m) && rte_pktmbuf_headroom(m) >= sizeof(*uh) + l34) {
		s->stats.tx_in_place++;
	} else {
		h = zs_hdr_alloc(s);
		if (unlikely(h == NULL))
			return NULL;
		zs_pkt_join(h, m);
		s->stats.tx_indirect++;
	}
	uh = (struct zs_udp_hdr *)rte_pktmbuf_prepend(h, sizeof(*uh));
	zs_assert(uh != NULL);
	*uh = (struct zs_udp_hdr){
		.sport_be = rte_cpu_to_be_16(sport),
		.dport_be = rte_cpu_to_be_16(dport),
		.len_be = rte_cpu_to_be_16((uint16_t)len),
	};
	h->ol_flags &= RTE_MBUF_F_INDIRECT | RTE_MBUF_F_EXTERNAL;
	h->ol_flags |= RTE_MBUF_F_TX_UDP_CKSUM |
		       (family == ZS_AF_IP4 ? RTE_MBUF_F_TX_IPV4 : RTE_MBUF_F_TX_IPV6);
	h->l4_len = sizeof(*uh);
	return h;
}

/* May this endpoint send n bytes to that address? */
static int check_send(const struct zs_stack *s, const struct zs_udp *u, uint8_t family,
		      const struct zs_addr *to, uint16_t port, uint32_t n)
{
	if (port == 0)
		return -EINVAL;
	if (n > DATAGRAM_MAX)
		return -EMSGSIZE;
	if (zs_udp_is_broadcast(s, family, to) && !u->broadcast)
		return -EACCES;
	/* from an address of IPv6 nothing goes to one of IPv4 */
	if (family != u->flow.family && (!u->dual || !zs_addr_is_any(&u->flow.laddr)))
		return -ENETUNREACH;
	return 0;
}

/* The way that a datagram takes. */
struct way {
	struct zs_netif *nif; /* chosen by the sender; NULL = by the route */
	struct zs_netif *out; /* by which it goes */
	struct zs_addr src;   /* any = of that interface */
	uint8_t ttl, tos;
};

/* The interface of number + 1; NULL and true for 0. */
static bool get_nif(struct zs_stack *s, uint16_t number, struct zs_netif **nif)
{
	if (number == 0)
		return true;
	if (number == ZS_LOOPBACK + 1)
		return true; /* the way to ourselves is always found */
	if (number > s->n_netifs)
		return false;
	*nif = &s->netif[number - 1];
	return true;
}

static int find_way(struct zs_stack *s, const struct zs_udp *u, uint8_t family,
		    const struct zs_addr *to, const struct zs_udp_how *how, struct way *w)
{
	bool group = zs_udp_is_multicast(family, to);
	struct zs_addr nexthop;

	*w = (struct way){ .src = u->flow.laddr, .ttl = group ? u->group_ttl : u->ttl };
	w->tos = u->tos;
	if (zs_udp_is_group(s, u->flow.family,
			    &w->src)) /* receives by it, sends by the interface's */
		w->src = (struct zs_addr){ .q = { 0, 0 } };
	if (how != NULL) {
		w->src = zs_addr_is_any(&how->src) ? w->src : how->src;
		w->ttl = how->ttl >= 0 ? (uint8_t)how->ttl : w->ttl;
		w->tos = how->tos >= 0 ? (uint8_t)how->tos : w->tos;
		if (!zs_addr_is_any(&how->src) && !zs_addr_is_local(s, family, &how->src))
			return -EINVAL;
	}
	if (!get_nif(s,
		     how != NULL && how->nif != 0 ? how->nif
		     : group			  ? u->group_nif
						  : 0,
		     &w->nif))
		return -EINVAL;
	if (w->ttl == 0 && family == ZS_AF_IP4 && !group)
		w->ttl = s->cfg.ttl;
	w->out = zs_route_by(s, w->nif, family, to, &nexthop);
	return w->out == NULL ? -ENETUNREACH : 0;
}

/* Members on this host hear it too (RFC 1112 6.1); borrows m, payload only. */
static void loop_back(struct zs_stack *s, const struct zs_udp *u, struct rte_mbuf *m,
		      uint8_t family, const struct zs_addr *to, uint16_t port, const struct way *w)
{
	struct zs_flow flow = {
		.laddr = *to,
		.faddr = w->src,
		.lport = port,
		.fport = u->flow.lport,
		.family = family,
		.proto = ZS_PROTO_UDP,
	};
	const struct zs_udp_rx rx = { .flow = &flow, .nif = w->out, .ttl = w->ttl, .tos = w->tos };

	if (zs_addr_is_any(&flow.faddr))
		(void)zs_source(s, w->out, family, to, &flow.faddr);
	zs_udp_loop_back(s, m, &rx);
}

int zs_udp_send(struct zs_stack *s, struct zs_udp *u, struct rte_mbuf *m, const struct zs_addr *to,
		uint16_t port)
{
	return zs_udp_send_how(s, u, m, u->flow.family, to, port, NULL);
}

int zs_udp_send_to(struct zs_stack *s, struct zs_udp *u, struct rte_mbuf *m, uint8_t family,
		   const struct zs_addr *to, uint16_t port)
{
	return zs_udp_send_how(s, u, m, family, to, port, NULL);
}

int zs_udp_send_how(struct zs_stack *s, struct zs_udp *u, struct rte_mbuf *m, uint8_t family,
		    const struct zs_addr *to, uint16_t port, const struct zs_udp_how *how)
{
	struct way w;
	int rc;

	if (to == NULL) {
		if (u->flow.fport == 0)
			return -EDESTADDRREQ;
		family = u->flow.family;
		to = &u->flow.faddr;
		port = u->flow.fport;
	}
	rc = check_send(s, u, family, to, port, m->pkt_len);
	if (rc == 0)
		rc = find_way(s, u, family, to, how, &w);
	if (rc == 0)
		rc = zs_udp_bind_any(s, u, w.out, family, to, port);
	if (rc < 0)
		return rc;
	if (unlikely(u->group_loop && zs_udp_is_multicast(family, to)))
		loop_back(s, u, m, family, to, port, &w);
	m = put_header(s, m, family, u->flow.lport, port);
	if (m == NULL)
		return -ENOBUFS;
	/* From here on a datagram may get lost, as any may on its way; the counters tell. */
	if (zs_udp_is_multicast(family, to) && w.ttl == 0)
		rte_pktmbuf_free(m); /* it stays on this host (RFC 1112 6.1) */
	else
		(void)zs_ip_output_by(s, m, w.nif, family, &w.src, to, ZS_PROTO_UDP, w.ttl, w.tos);
	return 0;
}
