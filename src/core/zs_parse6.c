/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The IPv6 part of the pass over a received frame (RFC 8200): the fixed header, and the chain of
 * extension headers up to TCP, UDP or ICMPv6, which has to be in the first buffer whole. Of
 * routing headers none is followed (RFC 5095); a fragment that is a whole packet is one (RFC 6946);
 * a first fragment holds all headers (RFC 7112).
 */
#include "core/zs_ip6.h"
#include "core/zs_parse_priv.h"

enum {
	MAX_EXT = 8, /* extension headers of a packet: more serve nobody but an attacker */
	OPT_PAD1 = 0,
	OPT_JUMBO = 0xc2,
	OPT_UNKNOWN = 0xc0, /* bits that say what becomes of who does not know an option */
	OPT_SKIP = 0x00,
	OPT_DISCARD = 0x40,
	OPT_REPORT = 0x80, /* and with 0x40: unless it was sent to a group */
};

/* The walk along the headers. */
struct walk {
	struct rte_mbuf *m;
	struct zs_pktinfo *pi;
	uint32_t off, end; /* in the frame: the next header; of the packet */
	uint32_t at;	   /* the byte that names the next header */
	uint8_t next;
	bool fragment; /* of more than one */
};

static const uint8_t *at(const struct walk *w, uint32_t off)
{
	return rte_pktmbuf_mtod_offset(w->m, const uint8_t *, off);
}

/* The sender is told what is wrong with byte off of the frame. */
static enum zs_drop problem(struct walk *w, uint8_t code, uint32_t off, enum zs_drop why)
{
	w->pi->problem = code + 1;
	w->pi->problem_off = (uint16_t)off;
	return why;
}

/* An option that nobody here knows. */
static enum zs_drop unknown_option(struct walk *w, uint32_t off)
{
	uint8_t type = *at(w, off);

	switch (type & OPT_UNKNOWN) {
	case OPT_SKIP:
		return ZS_PARSE_ON;
	case OPT_DISCARD:
		return ZS_DROP_IP_HEADER;
	case OPT_REPORT:
		break;
	default:
		if (zs_ip6_is_group(&w->pi->flow.laddr))
			return ZS_DROP_IP_HEADER;
		break;
	}
	return problem(w, ZS_PARAM6_OPTION, off, ZS_DROP_IP_HEADER);
}

/* Options of a header that ends at `end` (RFC 8200 4.2). */
static enum zs_drop options(struct walk *w, uint32_t off, uint32_t end)
{
	while (off < end) {
		const uint8_t *o = at(w, off);
		enum zs_drop why;
		uint32_t n = 1;

		if (o[0] != OPT_PAD1) {
			if (end - off < 2 || end - off < 2u + o[1])
				return ZS_DROP_IP_HEADER;
			n = 2u + o[1];
			why = unknown_option(w, off);
			if (why != ZS_PARSE_ON)
				return why;
		}
		off += n;
	}
	return ZS_PARSE_ON;
}

/* A header of the usual shape; *end: behind it. */
static enum zs_drop ext_bounds(const struct walk *w, uint32_t *end)
{
	if (w->end - w->off < 8 || w->m->data_len < w->off + 8)
		return ZS_DROP_IP_HEADER;
	*end = w->off + 8u * (at(w, w->off)[1] + 1u);
	return *end > w->end || *end > w->m->data_len ? ZS_DROP_IP_HEADER : ZS_PARSE_ON;
}

static enum zs_drop routing(struct walk *w)
{
	enum { TYPE = 2, SEGMENTS_LEFT = 3 };

	/* for us alone when there is nowhere left to go */
	if (at(w, w->off)[SEGMENTS_LEFT] == 0)
		return ZS_PARSE_ON;
	return problem(w, ZS_PARAM6_HEADER, w->off + TYPE, ZS_DROP_IP_HEADER);
}

/* The transport header, at least the part that all must have. */
static bool holds_upper(const struct walk *w)
{
	uint32_t have = w->end - w->off;

	switch (w->next) {
	case ZS_PROTO_TCP:
		return have >= sizeof(struct zs_tcp_hdr);
	case ZS_PROTO_UDP:
	case ZS_PROTO_ICMP6:
		return have >= sizeof(struct zs_udp_hdr);
	default:
		return true;
	}
}

/* The packet that this fragment, at off, is of would be longer than its length field can say. */
static bool too_long(const struct walk *w, uint32_t off)
{
	uint32_t before = w->off - w->pi->l3_off - (uint32_t)sizeof(struct zs_ip6_hdr);

	return before + off + w->pi->data_len > UINT16_MAX;
}

/* Notes where the fragment's own bytes begin; the walk goes on as if they were the packet. */
static enum zs_drop fragment(struct walk *w)
{
	const struct zs_ip6_frag_hdr *f = (const void *)at(w, w->off);
	const uint32_t LEN_AT = 4; /* of the payload length in the IPv6 header */
	const uint32_t OFF_AT = 2; /* of the offset in this one */
	uint16_t off = rte_be_to_cpu_16(f->off_be);

	w->pi->frag_header = true;
	if (off & (ZS_IP6_OFFMASK | ZS_IP6_MF) && !w->fragment) {
		w->fragment = true;
		w->pi->frag_off = (uint16_t)w->off;
		w->pi->frag_at = (uint16_t)w->at;
		w->pi->data_off = (uint16_t)(w->off + sizeof(*f));
		w->pi->data_len = w->end - w->pi->data_off;
		if (off & ZS_IP6_MF && w->pi->data_len % 8 != 0)
			return problem(w, ZS_PARAM6_HEADER, w->pi->l3_off + LEN_AT,
				       ZS_DROP_FRAG_BAD);
		if (too_long(w, off & ZS_IP6_OFFMASK))
			return problem(w, ZS_PARAM6_HEADER, w->off + OFF_AT, ZS_DROP_FRAG_BAD);
	} else if (w->fragment) {
		return ZS_DROP_FRAG_BAD;
	}
	return ZS_PARSE_ON;
}

/* One extension header; ZS_PARSE_ON with w->next one that is none: that is the upper layer's. */
static enum zs_drop ext(struct walk *w)
{
	uint32_t end;
	enum zs_drop why = ext_bounds(w, &end);

	if (why != ZS_PARSE_ON)
		return why;
	switch (w->next) {
	case ZS_EXT_HOPOPTS:
	case ZS_EXT_DSTOPTS:
		why = options(w, w->off + 2, end);
		break;
	case ZS_EXT_ROUTING:
		why = routing(w);
		break;
	case ZS_EXT_FRAGMENT:
		end = w->off + sizeof(struct zs_ip6_frag_hdr);
		why = fragment(w);
		break;
	}
	w->next = at(w, w->off)[0];
	w->at = w->off;
	w->off = end;
	return why;
}

static bool is_ext(const struct walk *w, bool first)
{
	if (w->next == ZS_EXT_HOPOPTS) /* anywhere else it is a header that nobody knows */
		return first;
	return w->next == ZS_EXT_DSTOPTS || w->next == ZS_EXT_ROUTING || w->next == ZS_EXT_FRAGMENT;
}

static bool later_fragment(const struct walk *w)
{
	const struct zs_ip6_frag_hdr *f;

	if (!w->fragment)
		return false;
	f = (const void *)at(w, w->pi->frag_off);
	return (f->off_be & rte_cpu_to_be_16(ZS_IP6_OFFMASK)) != 0;
}

static __attribute__((noinline)) enum zs_drop walk_ext(struct walk *w)
{
	for (unsigned n = 0; is_ext(w, n == 0); n++) {
		enum zs_drop why;

		if (n == MAX_EXT)
			return ZS_DROP_IP_HEADER;
		why = ext(w);
		if (why != ZS_PARSE_ON) /* RFC 7112 5: all headers are in the first fragment */
			return w->fragment && w->pi->problem == 0 ? ZS_DROP_FRAG_BAD : why;
		if (later_fragment(w)) /* what follows is not a header */
			return ZS_PARSE_ON;
	}
	return w->fragment && !holds_upper(w) ? ZS_DROP_FRAG_BAD : ZS_PARSE_ON;
}

/* Unspecified only where there is no better one (RFC 4291 2.5.2); never what a host is not. */
static bool source_ok(const struct zs_stack *s, const struct zs_netif *nif,
		      const struct zs_addr *src, const struct zs_ip6_hdr *ip)
{
	if (unlikely(nif->index == ZS_LOOPBACK))
		return zs_is_own_ip6(s, src);
	if (unlikely(zs_addr_is_any(src)))
		return ip->next == ZS_PROTO_ICMP6 || ip->next == ZS_EXT_HOPOPTS;
	return !zs_ip6_is_group(src) && !zs_ip6_is_loopback(src) && !zs_ip6_is_mapped(src) &&
	       !zs_is_own_ip6(s, src);
}

/* ZS_PARSE_ON, or why not. */
static enum zs_drop check_dest(const struct zs_stack *s, const struct zs_netif *nif,
			       const struct zs_addr *dst, struct zs_pktinfo *pi)
{
	const struct zs_addr6 *a;
	bool ours;

	if (unlikely(zs_ip6_is_group(dst))) {
		pi->bcast = true; /* RFC 4291 2.7: smaller scopes do not leave a host */
		ours = zs_ip6_scope(dst) >= ZS_SCOPE_LINK && zs_group6_member(s, nif, dst);
	} else if (unlikely(zs_ip6_is_loopback(dst) || nif->index == ZS_LOOPBACK)) {
		ours = nif->index == ZS_LOOPBACK;
	} else if (likely((a = zs_addr6_find(s, nif, dst)) != NULL)) {
		if (unlikely(a->state == ZS_A6_TENTATIVE)) /* what objects to it goes to groups */
			return ZS_DROP_IP_TENTATIVE;
		ours = zs_addr6_usable(a);
	} else {
		ours = !zs_ip6_has_zone(dst) && (nif->accept_any_dst || zs_is_own_ip6(s, dst));
	}
	return ours ? ZS_PARSE_ON : ZS_DROP_IP_NOT_OURS;
}

/* What we send to ourselves: the zone in which the address is ours. */
static void set_own_zone(const struct zs_stack *s, struct zs_addr *a)
{
	for (unsigned zone = 1; zone <= s->n_netifs; zone++) {
		zs_ip6_set_zone(a, zone);
		if (zs_is_own_ip6(s, a))
			return;
	}
}

/* With the zone that the interface gives it; false: the wire has none. */
static bool read_addr(const struct zs_stack *s, const struct zs_netif *nif, const uint8_t *p,
		      struct zs_addr *a)
{
	memcpy(a, p, sizeof(*a));
	if (likely(!zs_ip6_has_zone(a)))
		return true;
	if (zs_ip6_zone(a) != 0)
		return false;
	if (nif->index == ZS_LOOPBACK)
		set_own_zone(s, a);
	else
		zs_ip6_set_zone(a, nif->index + 1u);
	return true;
}

static void fill(struct zs_pktinfo *pi, const struct zs_ip6_hdr *ip, const struct walk *w)
{
	const unsigned TCLASS_SHIFT = 20;

	memcpy(&pi->flow.laddr, ip->dst, sizeof(pi->flow.laddr));
	memcpy(&pi->flow.faddr, ip->src, sizeof(pi->flow.faddr));
	pi->flow.proto = w->next;
	pi->tos = (uint8_t)(rte_be_to_cpu_32(ip->vtf_be) >> TCLASS_SHIFT);
	pi->ttl = ip->hop;
	pi->l4_off = (uint16_t)w->off;
	pi->next_at = (uint16_t)w->at;
}

static enum zs_drop parse(struct zs_stack *s, struct zs_netif *nif, struct rte_mbuf *m,
			  struct zs_pktinfo *pi)
{
	const struct zs_ip6_hdr *ip = rte_pktmbuf_mtod_offset(m, struct zs_ip6_hdr *, pi->l3_off);
	struct walk w = { .m = m, .pi = pi, .off = pi->l3_off + (uint32_t)sizeof(*ip) };
	struct zs_addr src, dst;
	enum zs_drop why;

	if (unlikely(m->data_len < w.off))
		return ZS_DROP_IP_HEADER;
	w.end = w.off + rte_be_to_cpu_16(ip->plen_be);
	if (unlikely((rte_be_to_cpu_32(ip->vtf_be) >> 28) != ZS_IP6_VERSION || m->pkt_len < w.end))
		return ZS_DROP_IP_HEADER;
	if (unlikely(!read_addr(s, nif, ip->dst, &dst)))
		return ZS_DROP_IP_NOT_OURS;
	why = check_dest(s, nif, &dst, pi);
	if (unlikely(why != ZS_PARSE_ON))
		return why;
	if (unlikely(!read_addr(s, nif, ip->src, &src) || !source_ok(s, nif, &src, ip)))
		return ZS_DROP_IP_SOURCE;
	zs_pkt_trim(m, w.end);
	pi->flow = (struct zs_flow){ .laddr = dst, .faddr = src, .family = ZS_AF_IP6 };
	w.next = ip->next;
	w.at = pi->l3_off + (uint32_t)offsetof(struct zs_ip6_hdr, next);
	if (unlikely(is_ext(&w, true))) {
		why = walk_ext(&w);
		if (why != ZS_PARSE_ON)
			return why;
	}
	if (!w.fragment) {
		pi->data_off = (uint16_t)w.off;
		pi->data_len = w.end - w.off;
	}
	fill(pi, ip, &w);
	why = w.fragment ? ZS_PARSE_ON : zs_parse_upper_ip6(s, m, pi, w.end - w.off);
	if (w.fragment)
		pi->kind = ZS_PKT_FRAG;
	if (unlikely(zs_ip6_has_zone(&dst) || zs_ip6_has_zone(&src))) {
		pi->flow.laddr = dst;
		pi->flow.faddr = src;
		pi->hash = zs_flow_hash(s->hash_key, &pi->flow);
	}
	return why;
}

enum zs_drop zs_parse_ip6(struct zs_stack *s, struct zs_netif *nif, struct rte_mbuf *m,
			  struct zs_pktinfo *pi)
{
	enum zs_drop why;

	pi->problem = 0;
	pi->frag_header = false;
	why = parse(s, nif, m, pi);
	if (likely(why == ZS_PARSE_ON || pi->problem == 0))
		return why;
	pi->kind = ZS_PKT_PROBLEM;
	pi->drop = (uint8_t)why;
	return ZS_PARSE_ON;
}
