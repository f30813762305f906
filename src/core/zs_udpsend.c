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
#include "core/zs_iphdr.h"
#include "core/zs_udp_priv.h"

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
	h->ol_flags &= ZS_PKT_ROOM;
	h->ol_flags |= RTE_MBUF_F_TX_UDP_CKSUM |
		       (family == ZS_AF_IP4 ? RTE_MBUF_F_TX_IPV4 : RTE_MBUF_F_TX_IPV6);
	h->l4_len = sizeof(*uh);
	return h;
}

/* May this endpoint send n bytes to that address? */
static int check_send(const struct zs_udp *u, uint8_t family, bool broadcast, uint16_t port,
		      uint32_t n)
{
	if (port == 0)
		return -EINVAL;
	if (n > zs_udp_max(family))
		return -EMSGSIZE;
	if (broadcast && !u->broadcast)
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
	uint16_t mtu; /* what fits; 0 = anything: it does not leave */
	bool df;      /* IPv4 */
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

/* RFC 1112 6.1, RFC 4291 2.7 */
static bool stays_here(uint8_t family, const struct zs_addr *to, int ttl)
{
	return zs_udp_is_multicast(family, to) &&
	       (ttl == 0 || (family == ZS_AF_IP6 && zs_ip6_scope(to) < ZS_SCOPE_LINK));
}

static int find_way(struct zs_stack *s, const struct zs_udp *u, uint8_t family,
		    const struct zs_addr *to, const struct zs_udp_how *how, struct way *w)
{
	bool group = zs_udp_is_multicast(family, to);
	int ttl = group ? u->group_ttl : u->ttl;
	struct zs_addr nexthop;

	*w = (struct way){ .src = u->flow.laddr };
	w->tos = u->tos;
	if (zs_udp_is_group(s, u->flow.family,
			    &w->src)) /* receives by it, sends by the interface's */
		w->src = (struct zs_addr){ .q = { 0, 0 } };
	if (how != NULL) {
		w->src = zs_addr_is_any(&how->src) ? w->src : how->src;
		ttl = how->ttl >= 0 ? how->ttl : ttl;
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
	w->out = zs_route_by(s, w->nif, family, to, &nexthop);
	if (w->out == NULL)
		return -ENETUNREACH;
	if (unlikely(!zs_source_ok(w->out, family, &w->src)) && !stays_here(family, to, ttl))
		return -EINVAL;
	if (ttl < 0)
		ttl = family == ZS_AF_IP4 ? s->cfg.ttl : zs_hop_limit(s, w->out);
	w->ttl = (uint8_t)ttl;
	return 0;
}

/* ---- what fits ---- */

enum { LEAST_MTU4 = 552 }; /* what nobody is told to go below: zs_pmtu_lower() */

static uint16_t mtu_to(const struct zs_stack *s, const struct zs_udp *u, uint8_t family,
		       const struct zs_addr *to, const struct zs_netif *out)
{
	uint16_t link = zs_link_mtu(s, out, family);

	if (out->index == ZS_LOOPBACK)
		return 0;
	return u->mtu_discover >= ZS_UDP_MTU_PROBE ? link : zs_pmtu(s, family, to, link);
}

uint16_t zs_udp_path_mtu(struct zs_stack *s, const struct zs_udp *u)
{
	const struct zs_netif *out;
	uint16_t mtu;

	if (u->flow.fport == 0)
		return 0;
	out = zs_udp_nif(s, u, u->flow.family, &u->flow.faddr);
	mtu = out != NULL ? mtu_to(s, u, u->flow.family, &u->flow.faddr, out) : 0;
	return mtu == 0 && out != NULL ? UINT16_MAX : mtu;
}

/*
 * May n bytes of payload go this way, and how? As Linux has it: a datagram that fits says "do not
 * fragment" unless the socket does not want to know the path, and one that does not is cut by us.
 */
static int fit(struct zs_stack *s, struct zs_udp *u, uint8_t family, const struct zs_addr *to,
	       uint16_t port, uint32_t n, struct way *w)
{
	uint32_t len = n + sizeof(struct zs_udp_hdr) + zs_iphdr_len(family);
	bool fits;

	w->mtu = mtu_to(s, u, family, to, w->out);
	fits = w->mtu == 0 || len <= w->mtu;
	switch ((enum zs_udp_mtu)u->mtu_discover) {
	case ZS_UDP_MTU_DONT:
	case ZS_UDP_MTU_OMIT:
		return 0;
	case ZS_UDP_MTU_WANT:
		w->df = fits && w->mtu > LEAST_MTU4;
		return 0;
	case ZS_UDP_MTU_DO:
	case ZS_UDP_MTU_PROBE:
		w->df = w->mtu != 0;
		break;
	case ZS_UDP_MTU_INTERFACE:
		break;
	}
	if (fits)
		return 0;
	zs_udp_too_long(s, u, family, to, port, w->mtu);
	return -EMSGSIZE;
}

/* The same for a datagram that leaves as several. */
static int fit_segments(uint8_t family, uint32_t n, uint32_t size, const struct way *w)
{
	uint32_t len = size + sizeof(struct zs_udp_hdr) + zs_iphdr_len(family);

	if ((w->mtu != 0 && len > w->mtu) || n > size * ZS_UDP_SEGMENTS)
		return -EINVAL;
	return 0;
}

/* ---- sending ---- */

/* Whom it is for on this host hears it too (RFC 1112 6.1); borrows m, payload only. */
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

/* A datagram on its way to port `to`. */
struct dgram {
	const struct zs_addr *to;
	uint16_t port;
	uint8_t family;
	bool here; /* for endpoints of this host too */
	struct way way;
};

/* Consumes m, with its UDP header. From here on it may get lost, as any may on its way; the
 * counters tell. */
static void output(struct zs_stack *s, struct rte_mbuf *m, const struct dgram *d)
{
	const struct way *w = &d->way;
	const struct zs_ip_way how = { .nif = w->nif, .mtu = w->mtu, .df = w->df };

	if (stays_here(d->family, d->to, w->ttl))
		rte_pktmbuf_free(m);
	else
		(void)zs_ip_output_by(s, m, &how, d->family, &w->src, d->to, ZS_PROTO_UDP, w->ttl,
				      w->tos);
}

/* Consumes m on success. */
static int send_whole(struct zs_stack *s, struct zs_udp *u, struct rte_mbuf *m,
		      const struct dgram *d)
{
	if (unlikely(d->here))
		loop_back(s, u, m, d->family, d->to, d->port, &d->way);
	m = put_header(s, m, d->family, u->flow.lport, d->port);
	if (m == NULL)
		return -ENOBUFS;
	output(s, m, d);
	return 0;
}

/*
 * Consumes m on success: its bytes in datagrams of `size`, the last one of what is left, each a
 * header and references. All or none. There are devices that would cut, but what DPDK calls UDP
 * segmentation is fragmentation of one datagram, and some do that.
 */
static int send_cut(struct zs_stack *s, struct zs_udp *u, struct rte_mbuf *m, uint32_t size,
		    const struct dgram *d)
{
	struct rte_mbuf *first = NULL, **link = &first, *p, *h;

	for (uint32_t off = 0; off < m->pkt_len; off += size) {
		p = zs_pkt_slice(s, m, off, RTE_MIN(size, m->pkt_len - off));
		h = p != NULL ? put_header(s, p, d->family, u->flow.lport, d->port) : NULL;
		if (unlikely(h == NULL)) {
			rte_pktmbuf_free(p);
			zs_pkt_free_list(first);
			return -ENOBUFS;
		}
		*link = h;
		link = &zs_seg(h)->next;
		*link = NULL;
	}
	if (unlikely(d->here))
		for (h = first; h != NULL; h = zs_seg(h)->next)
			loop_back(s, u, h->next, d->family, d->to, d->port, &d->way);
	rte_pktmbuf_free(m);
	while (first != NULL) {
		h = first;
		first = zs_seg(h)->next;
		output(s, h, d);
	}
	return 0;
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
	uint32_t n = m->pkt_len;
	uint32_t size = how != NULL && how->segment >= 0 ? (uint32_t)how->segment : u->segment;
	struct dgram d = { .to = to, .port = port, .family = family };
	int rc;

	if (to == NULL) {
		if (u->flow.fport == 0)
			return -EDESTADDRREQ;
		d = (struct dgram){ .to = &u->flow.faddr,
				    .port = u->flow.fport,
				    .family = u->flow.family };
	}
	d.here = zs_udp_is_broadcast(s, d.family, d.to);
	rc = check_send(u, d.family, d.here, d.port, n);
	d.here |= u->group_loop && zs_udp_is_multicast(d.family, d.to);
	if (rc == 0)
		rc = find_way(s, u, d.family, d.to, how, &d.way);
	if (rc == 0)
		rc = fit(s, u, d.family, d.to, d.port, size == 0 ? n : RTE_MIN(n, size), &d.way);
	if (rc == 0 && unlikely(size != 0))
		rc = fit_segments(d.family, n, size, &d.way);
	if (rc == 0)
		rc = zs_udp_bind_any(s, u, d.way.out, d.family, d.to, d.port);
	if (rc == 0)
		rc = size == 0 || n <= size ? send_whole(s, u, m, &d) : send_cut(s, u, m, size, &d);
	if (rc == 0 && u->flow.fport == 0)
		zs_udp_note_sent(s, u, d.family, d.to, d.port);
	return rc;
}
