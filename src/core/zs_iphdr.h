/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Ethernet and IP headers in front of what this host sends. Where the family is a constant for the
 * compiler, so is everything here that depends on it.
 */
#ifndef ZS_IPHDR_H
#define ZS_IPHDR_H

#include <string.h>

#include <rte_byteorder.h>

#include "base/zs_ip6addr.h"
#include "core/zs_netif.h"
#include "wire/zs_cksum.h"
#include "wire/zs_hdr.h"

/* Bytes of the IP header, without options or extension headers. */
static inline unsigned zs_iphdr_len(uint8_t family)
{
	return family == ZS_AF_IP4 ? sizeof(struct zs_ip4_hdr) : sizeof(struct zs_ip6_hdr);
}

/* IP and TCP headers: what the MSS leaves of the MTU (RFC 6691). */
static inline unsigned zs_iphdr_with_tcp(uint8_t family)
{
	return zs_iphdr_len(family) + sizeof(struct zs_tcp_hdr);
}

static inline void zs_eth_put(uint8_t *p, const struct zs_netif *nif, const struct zs_mac *dst,
			      uint8_t family)
{
	*(struct zs_eth_hdr *)(void *)p = (struct zs_eth_hdr){
		.dst = *dst,
		.src = nif->mac,
		.type_be = rte_cpu_to_be_16(family == ZS_AF_IP4 ? ZS_ETH_IP4 : ZS_ETH_IP6),
	};
}

/*
 * TCP's IPv4 header. The checksum field holds the sum of all other fields but the length, until
 * zs_ip4_put_len() sets both: less work than to ask the device for it.
 */
static inline void zs_ip4_put(struct zs_ip4_hdr *ip, const struct zs_addr *src,
			      const struct zs_addr *dst, uint8_t ttl, uint8_t tos)
{
	*ip = (struct zs_ip4_hdr){
		.ver_ihl = 0x45,
		.tos = tos,
		.frag_be = rte_cpu_to_be_16(ZS_IP4_DF), /* atomic: ID may be 0 (RFC 6864 4.1) */
		.ttl = ttl,
		.proto = ZS_PROTO_TCP,
		.src_be = src->ip4_be,
		.dst_be = dst->ip4_be,
	};
	ip->cksum = zs_cksum_ip4(ip);
}

static inline void zs_ip4_put_len(struct zs_ip4_hdr *ip, unsigned len)
{
	ip->len_be = rte_cpu_to_be_16((uint16_t)len);
	ip->cksum = zs_cksum_finish((uint32_t)ip->cksum + ip->len_be);
}

/* Payload length 0; addresses may have a zone. */
static inline void zs_ip6_put(struct zs_ip6_hdr *ip, const struct zs_addr *src,
			      const struct zs_addr *dst, uint8_t next, uint8_t hop, uint8_t tclass,
			      uint32_t label)
{
	const struct zs_addr from = zs_ip6_bare(src), to = zs_ip6_bare(dst);
	const unsigned VERSION_SHIFT = 28, TCLASS_SHIFT = 20;

	*ip = (struct zs_ip6_hdr){
		.vtf_be = rte_cpu_to_be_32((uint32_t)ZS_IP6_VERSION << VERSION_SHIFT |
					   (uint32_t)tclass << TCLASS_SHIFT | label),
		.next = next,
		.hop = hop,
	};
	memcpy(ip->src, &from, sizeof(from));
	memcpy(ip->dst, &to, sizeof(to));
}

/* Writes the ECN field (RFC 3168 5) of a header that has 0 there; of an IPv4 header before
 * zs_ip4_put_len(). */
static inline void zs_ip_set_ecn(uint8_t *p, uint8_t family, uint8_t ecn)
{
	struct zs_ip4_hdr *ip4 = (void *)p;
	const unsigned TCLASS_SHIFT = 20;

	if (family == ZS_AF_IP4) {
		ip4->tos |= ecn;
		ip4->cksum = zs_cksum_fold((uint32_t)ip4->cksum + rte_cpu_to_be_16(ecn));
	} else {
		((struct zs_ip6_hdr *)(void *)p)->vtf_be |=
			rte_cpu_to_be_32((uint32_t)ecn << TCLASS_SHIFT);
	}
}

/* zs_cksum_pseudo() of addresses that may have a zone. */
static inline uint32_t zs_pseudo(uint8_t family, const struct zs_addr *src,
				 const struct zs_addr *dst, uint8_t proto, uint32_t len)
{
	struct zs_addr from, to;

	if (family == ZS_AF_IP4)
		return zs_cksum_pseudo(src, dst, proto, len);
	from = zs_ip6_bare(src);
	to = zs_ip6_bare(dst);
	return zs_cksum_pseudo(&from, &to, proto, len);
}

#endif
