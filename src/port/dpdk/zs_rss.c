/* SPDX-License-Identifier: BSD-3-Clause */
/* Placement of flows: see zs_rss.h. */
#include "port/dpdk/zs_rss.h"

#include <string.h>

#include <rte_mbuf.h>
#include <rte_thash.h>

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

/* x: all 16-bit words of the input, big endian, in one. */
static unsigned place(const struct zs_rss *r, uint32_t x_be)
{
	uint16_t x = rte_be_to_cpu_16((uint16_t)x_be);

	return r->lcore[(r->hi[x >> 8] ^ r->lo[x & 0xff]) & r->mask];
}

unsigned zs_rss_flow(const struct zs_rss *r, const struct zs_flow *f)
{
	uint16_t ports_be = rte_cpu_to_be_16(f->lport ^ f->fport);

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
	return type_be == rte_cpu_to_be_16(ZS_ETH_IP4) ? place_ip4(r, p, end, here) : here;
}
