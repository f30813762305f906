/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The routing table: at most ZS_MAX_ROUTES entries, longest prefix first, so that the first match
 * is the best. Group addresses have a route of their own kind: on link, by the interface whose
 * network they belong to, or the one that leads outside (RFC 1122 3.3.1, 3.3.6, 3.3.7).
 */
#include "core/zs_route.h"

#include <errno.h>

#include "base/zs_ip6addr.h"
#include "core/zs_loopback.h"
#include "core/zs_state.h"

static unsigned family_bits(uint8_t family)
{
	switch (family) {
	case ZS_AF_IP4:
		return 32;
	case ZS_AF_IP6:
		return 128;
	default:
		return 0;
	}
}

static bool prefix_match(const struct zs_addr *a, const struct zs_addr *b, unsigned bits)
{
	unsigned whole = bits / 8, rest = bits % 8;

	if (memcmp(a->b, b->b, whole) != 0)
		return false;
	return rest == 0 || (a->b[whole] ^ b->b[whole]) >> (8 - rest) == 0;
}

static void clear_behind(struct zs_addr *a, unsigned bits)
{
	for (unsigned i = bits; i < 8 * sizeof(a->b); i++)
		a->b[i / 8] &= (uint8_t) ~(0x80 >> i % 8);
}

static bool same_prefix(const struct zs_route *a, const struct zs_route *b)
{
	return a->family == b->family && a->prefix_len == b->prefix_len &&
	       prefix_match(&a->prefix, &b->prefix, a->prefix_len);
}

int zs_route_add(struct zs_stack *s, const struct zs_route *r)
{
	unsigned bits = family_bits(r->family);
	uint16_t at;

	if (bits == 0 || r->prefix_len > bits || r->netif >= s->n_netifs)
		return -EINVAL;
	for (uint16_t i = 0; i < s->n_routes; i++)
		if (same_prefix(&s->routes[i], r))
			return -EEXIST;
	if (s->n_routes == ZS_MAX_ROUTES)
		return -ENOSPC;
	for (at = s->n_routes; at > 0 && s->routes[at - 1].prefix_len < r->prefix_len; at--)
		s->routes[at] = s->routes[at - 1];
	s->routes[at] = *r;
	clear_behind(&s->routes[at].prefix, r->prefix_len);
	s->n_routes++;
	s->nh_gen++;
	return 0;
}

void zs_route_copy(const struct zs_stack *from, struct zs_stack *to)
{
	uint16_t kept = 0;

	for (uint16_t i = 0; i < to->n_routes; i++)
		if (to->routes[i].learned)
			to->routes[kept++] = to->routes[i];
	to->n_routes = kept;
	for (uint16_t i = 0; i < from->n_routes; i++)
		if (!from->routes[i].learned)
			(void)zs_route_add(to, &from->routes[i]); /* of two, the learned one */
	to->nh_gen++;
}

int zs_route_del(struct zs_stack *s, const struct zs_route *r)
{
	for (uint16_t i = 0; i < s->n_routes; i++) {
		if (!same_prefix(&s->routes[i], r))
			continue;
		s->n_routes--;
		for (; i < s->n_routes; i++)
			s->routes[i] = s->routes[i + 1];
		s->nh_gen++;
		return 0;
	}
	return -ENOENT;
}

/* nif: of this interface only; NULL = of any. */
static const struct zs_route *best(const struct zs_stack *s, const struct zs_netif *nif,
				   uint8_t family, const struct zs_addr *dst)
{
	for (uint16_t i = 0; i < s->n_routes; i++) {
		const struct zs_route *r = &s->routes[i];

		if (nif != NULL && r->netif != nif->index)
			continue;
		if (r->family == family && prefix_match(&r->prefix, dst, r->prefix_len))
			return r;
	}
	return NULL;
}

bool zs_is_group(uint8_t family, const struct zs_addr *a)
{
	if (family == ZS_AF_IP6)
		return zs_ip6_is_group(a);
	return a->ip4_be == UINT32_MAX || (a->b[0] & 0xf0) == 0xe0;
}

/* Limited broadcast and multicast: interface of the best route, else the first with an address. */
static struct zs_netif *group_netif(struct zs_stack *s, const struct zs_addr *dst)
{
	const struct zs_route *r = best(s, NULL, ZS_AF_IP4, dst);

	if (r != NULL)
		return &s->netif[r->netif];
	for (uint16_t i = 0; i < s->n_netifs; i++)
		if (s->netif[i].ip4_be != 0)
			return &s->netif[i];
	return NULL;
}

/* The interface that the zone names; of a wider group the first one with IPv6. */
static struct zs_netif *group_netif_ip6(struct zs_stack *s, const struct zs_addr *dst)
{
	unsigned zone = zs_ip6_zone(dst);

	for (uint16_t i = 0; i < s->n_netifs; i++)
		if (s->netif[i].ip6 && (zone == 0 ? !zs_ip6_has_zone(dst) : i + 1u == zone))
			return &s->netif[i];
	return NULL;
}

struct zs_netif *zs_route_lookup(struct zs_stack *s, uint8_t family, const struct zs_addr *dst,
				 struct zs_addr *nexthop)
{
	const struct zs_route *r;

	if (zs_addr_is_any(dst))
		return NULL;
	*nexthop = *dst;
	if (zs_is_own(s, family, dst))
		return zs_loopback(s);
	if (family == ZS_AF_IP4 && zs_is_group(family, dst))
		return group_netif(s, dst);
	if (zs_ip6_is_group(dst) && family == ZS_AF_IP6)
		return group_netif_ip6(s, dst);
	r = best(s, NULL, family, dst);
	if (r == NULL)
		return NULL;
	if (!zs_addr_is_any(&r->gateway))
		*nexthop = r->gateway;
	return &s->netif[r->netif];
}

struct zs_netif *zs_route_by(struct zs_stack *s, struct zs_netif *nif, uint8_t family,
			     const struct zs_addr *dst, struct zs_addr *nexthop)
{
	struct zs_netif *usual = zs_route_lookup(s, family, dst, nexthop);
	const struct zs_route *r;

	if (nif == NULL || usual == nif || zs_addr_is_any(dst))
		return usual;
	if (usual == zs_loopback(s))
		return usual;
	*nexthop = *dst;
	r = zs_is_group(family, dst) ? NULL : best(s, nif, family, dst);
	if (r != NULL && !zs_addr_is_any(&r->gateway))
		*nexthop = r->gateway;
	return nif;
}
