/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Groups that this host listens to, by interface: of IPv4 with IGMP (RFC 3376, zs_igmp.c), of IPv6
 * with MLD (RFC 3810, zs_mld.c, zs_ip6.h); and what the device is told of both.
 */
#ifndef ZS_GROUPS_H
#define ZS_GROUPS_H

#include <stdbool.h>

#include "core/zs_ip6.h"

struct rte_mbuf;
struct zs_pktinfo;

enum { ZS_IF4_GROUPS = 32 };

/* ---- IPv4 (zs_igmp.c) ---- */

int zs_igmp_init(struct zs_stack *s);
void zs_igmp_fini(struct zs_stack *s);
/* Counted: as often left as joined. -ENOSPC, -EINVAL (no group, or of the loopback interface). */
int zs_group4_join(struct zs_stack *s, struct zs_netif *nif, uint32_t group_be);
void zs_group4_leave(struct zs_stack *s, struct zs_netif *nif, uint32_t group_be);
bool zs_group4_member(const struct zs_stack *s, const struct zs_netif *nif, uint32_t group_be);
/* Consumes m, parsed, of protocol IGMP. */
void zs_igmp_input(struct zs_stack *s, struct rte_mbuf *m, const struct zs_pktinfo *pi);
/* The link came up: all groups are reported as new ones. */
void zs_igmp_restart(struct zs_stack *s, struct zs_netif *nif);

/* ---- either family (zs_groups.c) ---- */

int zs_group_join(struct zs_stack *s, struct zs_netif *nif, uint8_t family,
		  const struct zs_addr *group);
void zs_group_leave(struct zs_stack *s, struct zs_netif *nif, uint8_t family,
		    const struct zs_addr *group);
/* Packets to the group are for this host. */
bool zs_group_member(const struct zs_stack *s, const struct zs_netif *nif, uint8_t family,
		     const struct zs_addr *group);
/* Tells the device of nif which addresses to let in. */
void zs_groups_tell(struct zs_stack *s, const struct zs_netif *nif);

enum { ZS_GROUP_MACS = ZS_IF4_GROUPS + 1 + ZS_IF6_GROUPS + 1 }; /* of one interface */

/* The addresses of one family's groups; returns how many. */
unsigned zs_igmp_macs(const struct zs_stack *s, const struct zs_netif *nif, struct zs_mac *macs);
unsigned zs_mld_macs(const struct zs_stack *s, const struct zs_netif *nif, struct zs_mac *macs);

#endif
