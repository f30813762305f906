/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What an IPv6 address says of itself (RFC 4291). Addresses of one link, unicast and groups, carry
 * their zone (RFC 4007) inside the stack: the interface's index + 1 in bytes 2 and 3, which are
 * zero on the wire. So an address means one place everywhere, in flows, routes and sockets, and
 * only what reads and writes packets and socket addresses knows of it.
 */
#ifndef ZS_IP6ADDR_H
#define ZS_IP6ADDR_H

#include "base/zs_addr.h"

enum zs_ip6_scope { /* RFC 4291 2.7 */
		    ZS_SCOPE_INTERFACE = 1,
		    ZS_SCOPE_LINK = 2,
		    ZS_SCOPE_SITE = 5,
		    ZS_SCOPE_GLOBAL = 14,
};

/* The address whose 16-bit words these are. */
static inline struct zs_addr zs_addr_ip6(const uint16_t w[8])
{
	struct zs_addr a;

	for (unsigned i = 0; i < 8; i++) {
		a.b[2 * i] = (uint8_t)(w[i] >> 8);
		a.b[2 * i + 1] = (uint8_t)w[i];
	}
	return a;
}

static inline bool zs_ip6_is_group(const struct zs_addr *a)
{
	return a->b[0] == 0xff;
}

static inline bool zs_ip6_is_link_local(const struct zs_addr *a)
{
	return a->b[0] == 0xfe && (a->b[1] & 0xc0) == 0x80;
}

static inline bool zs_ip6_is_loopback(const struct zs_addr *a)
{
	return a->q[0] == 0 && a->q[1] == zs_addr_ip6((const uint16_t[8]){ [7] = 1 }).q[1];
}

/* ::ffff:a.b.c.d (RFC 4291 2.5.5.2) */
static inline bool zs_ip6_is_mapped(const struct zs_addr *a)
{
	return a->q[0] == 0 && a->b[8] == 0 && a->b[9] == 0 && a->b[10] == 0xff && a->b[11] == 0xff;
}

static inline struct zs_addr zs_ip6_map(uint32_t ip4_be)
{
	struct zs_addr a = { .b = { [10] = 0xff, [11] = 0xff } };

	memcpy(a.b + 12, &ip4_be, sizeof(ip4_be));
	return a;
}

static inline uint32_t zs_ip6_mapped(const struct zs_addr *a)
{
	uint32_t ip4_be;

	memcpy(&ip4_be, a->b + 12, sizeof(ip4_be));
	return ip4_be;
}

static inline unsigned zs_ip6_scope(const struct zs_addr *a)
{
	if (zs_ip6_is_group(a))
		return a->b[1] & 0xf;
	if (zs_ip6_is_link_local(a) || zs_ip6_is_loopback(a))
		return ZS_SCOPE_LINK;
	return ZS_SCOPE_GLOBAL;
}

/* ---- zones ---- */

/* Means nothing without its zone. */
static inline bool zs_ip6_has_zone(const struct zs_addr *a)
{
	return zs_ip6_is_link_local(a) || (zs_ip6_is_group(a) && (a->b[1] & 0xf) <= ZS_SCOPE_LINK);
}

/* Interface index + 1; 0 = none. */
static inline unsigned zs_ip6_zone(const struct zs_addr *a)
{
	return zs_ip6_has_zone(a) ? (unsigned)(a->b[2] << 8 | a->b[3]) : 0;
}

static inline void zs_ip6_set_zone(struct zs_addr *a, unsigned zone)
{
	if (!zs_ip6_has_zone(a))
		return;
	a->b[2] = (uint8_t)(zone >> 8);
	a->b[3] = (uint8_t)zone;
}

/* As on the wire. */
static inline struct zs_addr zs_ip6_bare(const struct zs_addr *a)
{
	struct zs_addr bare = *a;

	zs_ip6_set_zone(&bare, 0);
	return bare;
}

/* ---- addresses made of others ---- */

/* ff02::1:ffXX:XXXX (RFC 4291 2.7.1) */
static inline struct zs_addr zs_ip6_solicited_node(const struct zs_addr *a)
{
	return (struct zs_addr){ .b = { 0xff, 0x02, [11] = 0x01, [12] = 0xff, a->b[13], a->b[14],
					a->b[15] } };
}

/* Leaves the first `bits` of it. */
static inline void zs_ip6_cut(struct zs_addr *a, unsigned bits)
{
	for (unsigned i = 0; i < sizeof(a->b); i++) {
		unsigned keep = bits >= 8 * (i + 1) ? 8 : bits > 8 * i ? bits - 8 * i : 0;

		a->b[i] &= (uint8_t)(0xff00 >> keep);
	}
}

/* How many leading bits are alike, at most 128. */
static inline unsigned zs_ip6_common(const struct zs_addr *a, const struct zs_addr *b)
{
	for (unsigned i = 0; i < 2; i++) {
		uint64_t diff = __builtin_bswap64(a->q[i] ^ b->q[i]);

		if (diff != 0)
			return 64 * i + (unsigned)__builtin_clzll(diff);
	}
	return 128;
}

#endif
