/* SPDX-License-Identifier: BSD-3-Clause */
/* Placement of flows: see zs_rss.h. */
#include "port/dpdk/zs_rss.h"

#include <string.h>

#include <rte_mbuf.h>
#include <rte_thash.h>

#include "base/zs_ip6addr.h"
#include "core/zs_flow.h"
#include "wire/zs_hdr.h"

static const uint8_t key_period[2] = { 0x6d, 0x5a }; /* an odd number of ones: no hash is lost */

void zs_rss_init(struct zs_rss *r, unsigned n_lcores, unsigned buckets)
{
	for (unsigned i = 0; i < ZS_RSS_KEY_MAX; i++)
		r->key[i] = key_period[i % 2];
	for (uint32_t b = 0; b < 256; b++) {
		uint32_t high = b << 24, low = b << 16;

		r->hi[b] = (uint16_t)rte_softrss(&high, 1, r->key);
		r->lo[b] = (uint16_t)rte_softrss(&low, 1, r->key);
	}
	r->mask = (uint16_t)(buckets - 1);
	for (unsigned i = 0; i < ZS_RSS_BUCKETS; i++)
		r->lcore[i] = (uint8_t)((i & r->mask) % n_lcores);
}

static uint32_t fold(uint32_t words)
{
	return (words >> 16) ^ (words & 0xffff);
}

/* As on the wire: without zones. */
static uint32_t fold_ip6(const struct zs_addr *a, const struct zs_addr *b)
{
	struct zs_addr x = zs_ip6_bare(a), y = zs_ip6_bare(b);
	uint64_t both = x.q[0] ^ x.q[1] ^ y.q[0] ^ y.q[1];

	return fold((uint32_t)(both >> 32) ^ (uint32_t)both);
}

/* x: all 16-bit words of the input, big endian, in one. */
static unsigned place(const struct zs_rss *r, uint32_t x_be)
{
	uint16_t x = rte_be_to_cpu_16((uint16_t)x_be);

	return r->lcore[(r->hi[x >> 8] ^ r->lo[x & 0xff]) & r->mask];
}

unsigned zs_rss_flow(const struct zs_rss *r, const struct zs_flow *f)
{
	uint16_t ports_be = rte_cpu_to_be_16(f->lport ^ f->fport);

	if (f->family == ZS_AF_IP6)
		return place(r, fold_ip6(&f->laddr, &f->faddr) ^ ports_be);
	return place(r, fold(f->laddr.ip4_be ^ f->faddr.ip4_be) ^ ports_be);
}

/* IPv4 with its ports, at p; end: behind the last byte there is. */
static unsigned by_ports(const struct zs_rss *r, const struct zs_ip4_hdr *ip, const char *end)
{
	const char *l4 = (const char *)ip + (ip->ver_ihl & 0xfu) * 4;
	uint32_t x = fold(ip->src_be ^ ip->dst_be), ports;

	if (l4 + sizeof(ports) > end)
		return place(r, x);
	memcpy(&ports, l4, sizeof(ports));
	return place(r, x ^ fold(ports));
}

static unsigned by_quote(const struct zs_rss *r, const struct zs_ip4_hdr *ip, const char *end,
			 unsigned here)
{
	const struct zs_icmp_hdr *icmp =
		(const struct zs_icmp_hdr *)((const char *)ip + (ip->ver_ihl & 0xfu) * 4);
	const struct zs_ip4_hdr *quoted = (const struct zs_ip4_hdr *)(icmp + 1);

	if ((const char *)(quoted + 1) > end)
		return here;
	switch (icmp->type) {
	case ZS_ICMP_UNREACH:
	case ZS_ICMP_TIME_EXCEEDED:
	case ZS_ICMP_PARAM_PROBLEM:
		return by_ports(r, quoted, end);
	default:
		return here;
	}
}

static unsigned place_ip4(const struct zs_rss *r, const char *p, const char *end, unsigned here)
{
	const struct zs_ip4_hdr *ip = (const struct zs_ip4_hdr *)p;

	if ((const char *)(ip + 1) > end)
		return here;
	if (ip->frag_be & rte_cpu_to_be_16(ZS_IP4_MF | ZS_IP4_OFFMASK))
		return place(r, fold(ip->src_be ^ ip->dst_be));
	switch (ip->proto) {
	case ZS_PROTO_TCP:
	case ZS_PROTO_UDP:
		return by_ports(r, ip, end);
	case ZS_PROTO_ICMP:
		return by_quote(r, ip, end, here);
	case ZS_PROTO_IGMP: /* each has groups of its own */
		return ZS_RSS_ALL;
	default:
		return here;
	}
}

/* A packet of IPv6: its upper layer, if it is in a place where no header of a fragment is before.
 */
struct ip6 {
	const char *l4; /* NULL: it cannot be seen, or there are fragments */
	uint8_t next;
	uint32_t addrs; /* folded */
};

static struct ip6 read_ip6(const char *p, const char *end)
{
	const struct zs_ip6_hdr *ip = (const struct zs_ip6_hdr *)p;
	struct ip6 v = { .l4 = p + sizeof(*ip) };
	struct zs_addr src, dst;

	if (v.l4 > end)
		return (struct ip6){ .next = ZS_EXT_NONE };
	memcpy(&src, ip->src, sizeof(src));
	memcpy(&dst, ip->dst, sizeof(dst));
	v.addrs = fold_ip6(&src, &dst);
	v.next = ip->next;
	while (v.next == ZS_EXT_HOPOPTS || v.next == ZS_EXT_DSTOPTS || v.next == ZS_EXT_ROUTING) {
		const struct zs_ip6_ext_hdr *e = (const struct zs_ip6_ext_hdr *)v.l4;

		if ((const char *)(e + 1) > end)
			break;
		v.next = e->next;
		v.l4 += 8 * (e->len + 1u);
	}
	if (v.next == ZS_EXT_FRAGMENT || v.l4 + sizeof(struct zs_icmp6_hdr) > end)
		v.l4 = NULL;
	return v;
}

static unsigned by_ports_ip6(const struct zs_rss *r, const struct ip6 *v)
{
	uint32_t ports;

	if (v->l4 == NULL)
		return place(r, v->addrs);
	memcpy(&ports, v->l4, sizeof(ports));
	return place(r, v->addrs ^ fold(ports));
}

/* What neighbours, routers and multicast routers say is for all stacks. */
static unsigned place_icmp6(const struct zs_rss *r, const struct ip6 *v, const char *end,
			    unsigned here)
{
	const struct zs_icmp6_hdr *icmp = (const struct zs_icmp6_hdr *)v->l4;
	struct ip6 quoted;

	if (icmp == NULL)
		return place(r, v->addrs);
	switch (icmp->type) {
	case ZS_ND_ROUTER_ADVERT:
	case ZS_ND_SOLICIT:
	case ZS_ND_ADVERT:
	case ZS_MLD_QUERY:
		return ZS_RSS_ALL;
	case ZS_ICMP6_UNREACH:
	case ZS_ICMP6_TOO_BIG:
	case ZS_ICMP6_TIME_EXCEEDED:
	case ZS_ICMP6_PARAM_PROBLEM:
		quoted = read_ip6((const char *)(icmp + 1), end);
		return quoted.l4 != NULL ? by_ports_ip6(r, &quoted) : here;
	default:
		return here;
	}
}

static unsigned place_ip6(const struct zs_rss *r, const char *p, const char *end, unsigned here)
{
	struct ip6 v = read_ip6(p, end);

	switch (v.next) {
	case ZS_PROTO_TCP:
	case ZS_PROTO_UDP:
	case ZS_EXT_FRAGMENT:
		return by_ports_ip6(r, &v);
	case ZS_PROTO_ICMP6:
		return place_icmp6(r, &v, end, here);
	default:
		return here;
	}
}

unsigned zs_rss_frame(const struct zs_rss *r, const struct rte_mbuf *m, unsigned here)
{
	const char *p = rte_pktmbuf_mtod(m, const char *), *end = p + m->data_len;
	const struct zs_eth_hdr *eth = (const struct zs_eth_hdr *)p;
	const struct zs_vlan_hdr *tag = (const struct zs_vlan_hdr *)(eth + 1);
	uint16_t type_be;

	if ((const char *)(tag + 1) > end)
		return here;
	type_be = eth->type_be;
	p += sizeof(*eth);
	if (type_be == rte_cpu_to_be_16(ZS_ETH_VLAN)) {
		type_be = tag->type_be;
		p += sizeof(*tag);
	}
	if (type_be == rte_cpu_to_be_16(ZS_ETH_ARP))
		return ZS_RSS_ALL;
	if (type_be == rte_cpu_to_be_16(ZS_ETH_IP6))
		return place_ip6(r, p, end, here);
	return type_be == rte_cpu_to_be_16(ZS_ETH_IP4) ? place_ip4(r, p, end, here) : here;
}
