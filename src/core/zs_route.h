/* SPDX-License-Identifier: BSD-3-Clause */
/* Routes: longest prefix match over a short sorted table (RFC 1122 3.3.1). */
#ifndef ZS_ROUTE_H
#define ZS_ROUTE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/zs_addr.h"

struct zs_stack;
struct zs_netif;

enum { ZS_MAX_ROUTES = 64 };

struct zs_route {
	struct zs_addr prefix;
	struct zs_addr gateway; /* any = on link */
	uint8_t family, prefix_len;
	uint16_t netif; /* index */
	bool learned;	/* of a router, which may take it back (zs_rd.c) */
};

/* 0, -EEXIST, -ENOSPC, -EINVAL; del: -ENOENT. */
int zs_route_add(struct zs_stack *s, const struct zs_route *r);
/* The same routes as another stack on the same interfaces has, but for those learned: each keeps
 * its own. */
void zs_route_copy(const struct zs_stack *from, struct zs_stack *to);
int zs_route_del(struct zs_stack *s, const struct zs_route *r);

/* Multicast, or IPv4's limited broadcast. */
bool zs_is_group(uint8_t family, const struct zs_addr *a);

/* Interface and next hop for dst; NULL when unreachable. For an address of
 * ours it is the loopback interface. */
struct zs_netif *zs_route_lookup(struct zs_stack *s, uint8_t family, const struct zs_addr *dst,
				 struct zs_addr *nexthop);

/* The same by a given interface, NULL = any: where no route of its own leads there, as if dst were
 * on its link. */
struct zs_netif *zs_route_by(struct zs_stack *s, struct zs_netif *nif, uint8_t family,
			     const struct zs_addr *dst, struct zs_addr *nexthop);

#endif
