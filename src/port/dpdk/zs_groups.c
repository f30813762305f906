/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The group addresses that a device lets in. All stacks of a process have the same addresses, so
 * the first one speaks for all. A device that has no filter for so many, or none at all, is asked
 * for all groups; one that refuses that too lets them in anyway or has to be promiscuous.
 */
#include <rte_ethdev.h>

#include "port/dpdk/zs_dpdk_state.h"

_Static_assert(sizeof(struct zs_mac) == sizeof(struct rte_ether_addr), "the same bytes");

void zs_groups_set(void *ctx, uint16_t port, const struct zs_mac *macs, unsigned n)
{
	struct zs_lcore *lc = ctx;
	uint16_t id = lc->d->port[port].id;
	struct rte_ether_addr list[n > 0 ? n : 1];
	int rc;

	if (lc->index != 0)
		return;
	memcpy(list, macs, n * sizeof(*macs));
	rc = rte_eth_dev_set_mc_addr_list(id, list, n);
	if (rc < 0)
		rc = rte_eth_allmulticast_enable(id);
	if (rc < 0 && rc != -ENOTSUP)
		zs_dpdk_warn("port %u: no IPv6 multicast, or in promiscuous mode only: %s", port,
			     strerror(-rc));
}
