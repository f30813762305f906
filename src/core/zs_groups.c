/* SPDX-License-Identifier: BSD-3-Clause */
/* Groups of either family, and the one list of addresses that a device has for both. */
#include "core/zs_groups.h"

#include "core/zs_state.h"

int zs_group_join(struct zs_stack *s, struct zs_netif *nif, uint8_t family,
		  const struct zs_addr *group)
{
	return family == ZS_AF_IP4 ? zs_group4_join(s, nif, group->ip4_be)
				   : zs_group6_join(s, nif, group);
}

void zs_group_leave(struct zs_stack *s, struct zs_netif *nif, uint8_t family,
		    const struct zs_addr *group)
{
	if (family == ZS_AF_IP4)
		zs_group4_leave(s, nif, group->ip4_be);
	else
		zs_group6_leave(s, nif, group);
}

bool zs_group_member(const struct zs_stack *s, const struct zs_netif *nif, uint8_t family,
		     const struct zs_addr *group)
{
	return family == ZS_AF_IP4 ? zs_group4_member(s, nif, group->ip4_be)
				   : zs_group6_member(s, nif, group);
}

void zs_groups_tell(struct zs_stack *s, const struct zs_netif *nif)
{
	struct zs_mac macs[ZS_MAX_PORTS * ZS_GROUP_MACS];
	unsigned n = 0;

	if (s->env.groups == NULL)
		return;
	for (uint16_t i = 0; i < s->n_netifs; i++) { /* a device may be in several VLANs */
		if (s->netif[i].port != nif->port)
			continue;
		n += zs_mld_macs(s, &s->netif[i], macs + n);
		n += zs_igmp_macs(s, &s->netif[i], macs + n);
	}
	s->env.groups(s->env.ctx, nif->port, macs, n);
}
