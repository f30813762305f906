/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The one pass over a received frame: Ethernet with a priority tag at most, ARP, IPv4 (RFC 791, RFC
 * 1122 3.2.1), UDP, TCP, ICMP; IPv6 headers are in zs_parse6.c. Any bytes of any length are safe.
 * Each stage returns the reason to drop, or ZS_PARSE_ON with pi->kind set. A header that is not
 * wholly in the first buffer is a bad header.
 */
#include "core/zs_parse_priv.h"
#include "wire/zs_cksum.h"

enum { IPOPT_END = 0, IPOPT_NOP = 1, IPOPT_LSRR = 131, IPOPT_SSRR = 137 };

/* nop, nop, timestamps, length 10: what nearly every segment carries */
enum { OPT_TS_ONLY = 0x0101080a, OPT_TS_ONLY_LEN = 12 };

static bool mac_eq(const struct zs_mac *a, const struct zs_mac *b)
{
	uint32_t a0, b0;
	uint16_t a1, b1;

	memcpy(&a0, a->b, 4);
	memcpy(&b0, b->b, 4);
	memcpy(&a1, a->b + 4, 2);
	memcpy(&b1, b->b + 4, 2);
	return ((a0 ^ b0) | (uint32_t)(a1 ^ b1)) == 0;
}

static uint32_t load_be32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return rte_be_to_cpu_32(v);
}

/* RFC 1122 3.2.1.3: what cannot be the address of one other host. */
static bool source_ok(const struct zs_stack *s, const struct zs_netif *nif, uint32_t src_be)
{
	const uint32_t one = 1u << 24, multicast = 0xe0u << 24, reserved = 0xf0u << 24;
	uint32_t src = rte_be_to_cpu_32(src_be);

	if (unlikely(nif->index == ZS_LOOPBACK))
		return zs_is_own_ip4(s, src_be);
	if (unlikely(src - one >= multicast - one) && (src < reserved || src == UINT32_MAX))
		return false;
	if (unlikely(src >> 24 == 127))
		return false;
	if (unlikely(src_be == nif->ip4_bcast_be))
		return false;
	return !zs_is_own_ip4(s, src_be);
}

/* Sets pi->bcast for group addresses. */
static bool dest_ok(const struct zs_stack *s, const struct zs_netif *nif, uint32_t dst_be,
		    struct zs_pktinfo *pi)
{
	uint32_t dst = rte_be_to_cpu_32(dst_be);

	if (likely(dst_be == nif->ip4_be && dst_be != 0))
		return true;
	if (unlikely(zs_is_loopback_ip4(dst_be))) /* never from a wire */
		return nif->index == ZS_LOOPBACK;
	if (dst == UINT32_MAX || dst >> 28 == 0xe ||
	    (dst_be == nif->ip4_bcast_be && nif->ip4_be != 0)) {
		pi->bcast = true;
		return true;
	}
	return nif->accept_any_dst || zs_is_own_ip4(s, dst_be);
}

/* Options are skipped, but source routes are not for hosts to follow. */
static bool ip4_options_ok(const uint8_t *p, unsigned len)
{
	while (len > 0 && p[0] != IPOPT_END) {
		unsigned n = 1;

		if (p[0] == IPOPT_LSRR || p[0] == IPOPT_SSRR)
			return false;
		if (p[0] != IPOPT_NOP) {
			if (len < 2 || p[1] < 2 || p[1] > len)
				return false;
			n = p[1];
		}
		p += n;
		len -= n;
	}
	return true;
}

static bool ip4_cksum_ok(const struct zs_netif *nif, const struct rte_mbuf *m,
			 const struct zs_ip4_hdr *ip, unsigned ihl)
{
	if (nif->offloads & ZS_OFF_RX_IP_CKSUM) {
		uint64_t verdict = m->ol_flags & RTE_MBUF_F_RX_IP_CKSUM_MASK;

		if (verdict == RTE_MBUF_F_RX_IP_CKSUM_GOOD ||
		    verdict == RTE_MBUF_F_RX_IP_CKSUM_NONE)
			return true;
		if (verdict == RTE_MBUF_F_RX_IP_CKSUM_BAD)
			return false;
	}
	return likely(ihl == sizeof(*ip)) ? zs_cksum_ip4(ip) == 0xffff
					  : zs_cksum_raw(ip, ihl) == 0xffff;
}

/* len bytes from pi->l4_off, with the pseudo header. */
static __rte_noinline bool l4_sum_ok(const struct rte_mbuf *m, const struct zs_pktinfo *pi,
				     uint32_t len)
{
	uint32_t sum = zs_cksum_pseudo(&pi->flow.faddr, &pi->flow.laddr, pi->flow.proto, len);

	sum += zs_pkt_sum(m, pi->l4_off, len);
	return zs_cksum_fold(sum) == 0xffff;
}

static inline bool l4_cksum_ok(const struct rte_mbuf *m, const struct zs_pktinfo *pi, uint32_t len)
{
	if (pi->nif->offloads & ZS_OFF_RX_L4_CKSUM) {
		uint64_t verdict = m->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK;

		if (verdict == RTE_MBUF_F_RX_L4_CKSUM_GOOD ||
		    verdict == RTE_MBUF_F_RX_L4_CKSUM_NONE)
			return true;
		if (verdict == RTE_MBUF_F_RX_L4_CKSUM_BAD)
			return false;
	}
	return l4_sum_ok(m, pi, len);
}

static inline void parse_tcp_options(const uint8_t *p, unsigned len, struct zs_tcpopt *opt)
{
	*opt = (struct zs_tcpopt){ .mss = 0 };
	if (likely(len == OPT_TS_ONLY_LEN && load_be32(p) == OPT_TS_ONLY)) {
		opt->has_ts = true;
		opt->ts_val = load_be32(p + 4);
		opt->ts_ecr = load_be32(p + 8);
	} else if (len > 0) {
		/* What stood before a malformed option counts; the segment is not lost for it. */
		(void)zs_tcpopt_parse(opt, p, len);
	}
}

static __rte_always_inline enum zs_drop parse_tcp(struct zs_stack *s, struct rte_mbuf *m,
						  struct zs_pktinfo *pi, uint32_t len)
{
	const struct zs_tcp_hdr *th = rte_pktmbuf_mtod_offset(m, struct zs_tcp_hdr *, pi->l4_off);
	uint32_t hlen;

	if (unlikely(m->data_len < pi->l4_off + sizeof(*th)))
		return ZS_DROP_TCP_HEADER;
	hlen = (th->doff >> 4) * 4u;
	if (unlikely(hlen < sizeof(*th) || hlen > len || m->data_len < pi->l4_off + hlen))
		return ZS_DROP_TCP_HEADER;
	if (unlikely(pi->bcast)) /* RFC 9293 3.9.2.3 */
		return ZS_DROP_IP_NOT_OURS;
	if (unlikely(!l4_cksum_ok(m, pi, len)))
		return ZS_DROP_TCP_CKSUM;
	pi->flow.lport = rte_be_to_cpu_16(th->dport_be);
	pi->flow.fport = rte_be_to_cpu_16(th->sport_be);
	pi->hash = zs_flow_hash(s->hash_key, &pi->flow);
	pi->data_off = (uint16_t)(pi->l4_off + hlen);
	pi->data_len = len - hlen;
	pi->tcp_flags = th->flags;
	pi->seq = rte_be_to_cpu_32(th->seq_be);
	pi->ack = rte_be_to_cpu_32(th->ack_be);
	pi->wnd = rte_be_to_cpu_16(th->wnd_be);
	parse_tcp_options((const uint8_t *)(th + 1), hlen - sizeof(*th), &pi->opt);
	pi->kind = ZS_PKT_TCP;
	return ZS_PARSE_ON;
}

static inline enum zs_drop parse_udp(struct zs_stack *s, struct rte_mbuf *m, struct zs_pktinfo *pi,
				     uint32_t len, uint8_t family)
{
	const struct zs_udp_hdr *uh = rte_pktmbuf_mtod_offset(m, struct zs_udp_hdr *, pi->l4_off);
	uint32_t ulen;

	if (unlikely(len < sizeof(*uh) || m->data_len < pi->l4_off + sizeof(*uh)))
		return ZS_DROP_UDP_HEADER;
	ulen = rte_be_to_cpu_16(uh->len_be);
	if (unlikely(ulen < sizeof(*uh) || ulen > len))
		return ZS_DROP_UDP_HEADER;
	if (uh->cksum == 0 ? family == ZS_AF_IP6 : unlikely(!l4_cksum_ok(m, pi, ulen)))
		return ZS_DROP_UDP_CKSUM;
	pi->flow.lport = rte_be_to_cpu_16(uh->dport_be);
	pi->flow.fport = rte_be_to_cpu_16(uh->sport_be);
	pi->hash = zs_flow_hash(s->hash_key, &pi->flow);
	pi->data_off = (uint16_t)(pi->l4_off + sizeof(*uh));
	pi->data_len = ulen - sizeof(*uh);
	pi->kind = ZS_PKT_UDP;
	return ZS_PARSE_ON;
}

static enum zs_drop parse_icmp(struct rte_mbuf *m, struct zs_pktinfo *pi, uint32_t len)
{
	const uint32_t hlen = sizeof(struct zs_icmp_hdr);

	if (len < hlen || m->data_len < pi->l4_off + hlen)
		return ZS_DROP_ICMP_BAD;
	pi->data_off = (uint16_t)(pi->l4_off + hlen);
	pi->data_len = len - hlen;
	pi->kind = pi->flow.family == ZS_AF_IP4 ? ZS_PKT_ICMP : ZS_PKT_ICMP6;
	return ZS_PARSE_ON;
}

/* len bytes of IP payload, not a fragment */
static inline __attribute__((always_inline)) enum zs_drop parse_l4(struct zs_stack *s,
								   struct rte_mbuf *m,
								   struct zs_pktinfo *pi,
								   uint32_t len, uint8_t family)
{
	const uint8_t icmp = family == ZS_AF_IP4 ? ZS_PROTO_ICMP : ZS_PROTO_ICMP6;

	switch (pi->flow.proto) {
	case ZS_PROTO_TCP:
		return parse_tcp(s, m, pi, len);
	case ZS_PROTO_UDP:
		return parse_udp(s, m, pi, len, family);
	default:
		if (pi->flow.proto == icmp)
			return parse_icmp(m, pi, len);
		pi->kind = ZS_PKT_IP_OTHER;
		return ZS_PARSE_ON;
	}
}

enum zs_drop zs_parse_upper_ip6(struct zs_stack *s, struct rte_mbuf *m, struct zs_pktinfo *pi,
				uint32_t len)
{
	return parse_l4(s, m, pi, len, ZS_AF_IP6);
}

static void fill_ip4(struct zs_pktinfo *pi, const struct zs_ip4_hdr *ip, unsigned ihl, unsigned len)
{
	pi->flow = (struct zs_flow){
		.laddr = zs_addr_ip4(ip->dst_be),
		.faddr = zs_addr_ip4(ip->src_be),
		.family = ZS_AF_IP4,
		.proto = ip->proto,
	};
	pi->tos = ip->tos;
	pi->ttl = ip->ttl;
	pi->l4_off = (uint16_t)(pi->l3_off + ihl);
	pi->data_off = pi->l4_off;
	pi->data_len = len - ihl;
}

static enum zs_drop parse_ip4(struct zs_stack *s, struct zs_netif *nif, struct rte_mbuf *m,
			      struct zs_pktinfo *pi)
{
	const struct zs_ip4_hdr *ip = rte_pktmbuf_mtod_offset(m, struct zs_ip4_hdr *, pi->l3_off);
	uint32_t ihl, len;

	if (unlikely(m->data_len < pi->l3_off + sizeof(*ip)))
		return ZS_DROP_IP_HEADER;
	ihl = (ip->ver_ihl & 0xfu) * 4;
	len = rte_be_to_cpu_16(ip->len_be);
	if (unlikely(ip->ver_ihl >> 4 != 4 || ihl < sizeof(*ip) || len < ihl ||
		     m->data_len < pi->l3_off + ihl || m->pkt_len < pi->l3_off + len))
		return ZS_DROP_IP_HEADER;
	if (unlikely(!ip4_cksum_ok(nif, m, ip, ihl)))
		return ZS_DROP_IP_CKSUM;
	if (unlikely(ihl > sizeof(*ip) &&
		     !ip4_options_ok((const uint8_t *)(ip + 1), ihl - sizeof(*ip))))
		return ZS_DROP_IP_HEADER;
	if (unlikely(!dest_ok(s, nif, ip->dst_be, pi)))
		return ZS_DROP_IP_NOT_OURS;
	if (unlikely(!source_ok(s, nif, ip->src_be)))
		return ZS_DROP_IP_SOURCE;
	zs_pkt_trim(m, pi->l3_off + len);
	fill_ip4(pi, ip, ihl, len);
	if (unlikely(ip->frag_be & rte_cpu_to_be_16(ZS_IP4_MF | ZS_IP4_OFFMASK))) {
		pi->kind = ZS_PKT_FRAG;
		return ZS_PARSE_ON;
	}
	return parse_l4(s, m, pi, len - ihl, ZS_AF_IP4);
}

static enum zs_drop parse_arp(struct rte_mbuf *m, struct zs_pktinfo *pi)
{
	const struct zs_arp_hdr *arp = rte_pktmbuf_mtod_offset(m, struct zs_arp_hdr *, pi->l3_off);
	const uint16_t ethernet = 1;

	if (m->data_len < pi->l3_off + sizeof(*arp))
		return ZS_DROP_ARP_BAD;
	if (arp->htype_be != rte_cpu_to_be_16(ethernet) ||
	    arp->ptype_be != rte_cpu_to_be_16(ZS_ETH_IP4) || arp->hlen != sizeof(struct zs_mac) ||
	    arp->plen != sizeof(uint32_t))
		return ZS_DROP_ARP_BAD;
	pi->l4_off = pi->l3_off;
	pi->data_off = pi->l3_off;
	pi->data_len = sizeof(*arp);
	pi->kind = ZS_PKT_ARP;
	return ZS_PARSE_ON;
}

/* The interface of the device that is in VLAN id; NULL: none is. */
static struct zs_netif *in_vlan(struct zs_stack *s, struct zs_netif *nif, uint16_t id)
{
	uint16_t port = nif->port;

	if (likely(nif->vlan == id))
		return nif;
	for (uint16_t i = 0; i < s->n_netifs; i++)
		if (s->netif[i].port == port && s->netif[i].vlan == id)
			return &s->netif[i];
	return NULL;
}

/*
 * The type of what is in a VLAN of ours, and *nif the interface that is in it; ZS_ETH_VLAN for
 * other packets, also those without a tag. A tag of VLAN 0 carries only a priority (802.1Q 6.9):
 * read over it.
 */
static uint16_t vlan_type(struct zs_stack *s, struct zs_netif **nif, const struct rte_mbuf *m,
			  struct zs_pktinfo *pi, uint16_t type)
{
	const struct zs_vlan_hdr *tag =
		rte_pktmbuf_mtod_offset(m, struct zs_vlan_hdr *, sizeof(struct zs_eth_hdr));
	const uint16_t ID = 0xfff;
	struct zs_netif *in;

	if ((*nif)->offloads & ZS_OFF_RX_VLAN && m->ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED) {
		in = in_vlan(s, *nif, m->vlan_tci & ID);
	} else {
		if (type != ZS_ETH_VLAN || m->data_len < sizeof(struct zs_eth_hdr) + sizeof(*tag))
			return ZS_ETH_VLAN;
		in = in_vlan(s, *nif, rte_be_to_cpu_16(tag->tci_be) & ID);
		pi->l3_off += sizeof(*tag);
		type = rte_be_to_cpu_16(tag->type_be);
	}
	if (in == NULL)
		return ZS_ETH_VLAN;
	*nif = in;
	pi->nif = in;
	return type;
}

static enum zs_drop parse_eth(struct zs_stack *s, struct zs_netif *nif, struct rte_mbuf *m,
			      struct zs_pktinfo *pi)
{
	const struct zs_eth_hdr *eth = rte_pktmbuf_mtod(m, struct zs_eth_hdr *);
	uint16_t type;

	if (unlikely(m->data_len < sizeof(*eth)))
		return ZS_DROP_ETH_SHORT;
	pi->bcast = eth->dst.b[0] & 1;
	if (unlikely(!pi->bcast && !mac_eq(&eth->dst, &nif->mac)))
		return ZS_DROP_ETH_NOT_OURS;
	pi->l3_off = sizeof(*eth);
	type = rte_be_to_cpu_16(eth->type_be);
	if (unlikely(type == ZS_ETH_VLAN || nif->vlan != 0))
		type = vlan_type(s, &nif, m, pi, type);
	if (likely(type == ZS_ETH_IP4))
		return parse_ip4(s, nif, m, pi);
	if (type == ZS_ETH_IP6 && (nif->ip6 || nif->index == ZS_LOOPBACK))
		return zs_parse_ip6(s, nif, m, pi);
	return type == ZS_ETH_ARP ? parse_arp(m, pi) : ZS_DROP_ETH_TYPE;
}

void zs_parse(struct zs_stack *s, struct zs_netif *nif, struct rte_mbuf *m, struct zs_pktinfo *pi)
{
	enum zs_drop why;

	pi->nif = nif;
	pi->hash = 0;
	why = parse_eth(s, nif, m, pi);
	if (unlikely(why != ZS_PARSE_ON)) {
		pi->kind = ZS_PKT_DROP;
		pi->drop = (uint8_t)why;
	}
}
