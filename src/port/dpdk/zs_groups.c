/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The group addresses that a device lets in. All stacks have the same addresses at
 * first, so the first one speaks for all. A device that has no filter for so many, or none at all,
 * is asked for all groups; one that refuses that too lets them in anyway or has to be promiscuous.
 */
#include <rte_ethdev.h>

#include "port/dpdk/zs_procs.h"

_Static_assert(sizeof(struct zs_mac) == sizeof(struct rte_ether_addr), "the same bytes");

/* What the first stack wants. */
static int set_list(struct zs_ethport *p, const struct rte_ether_addr *list, unsigned n)
{
	int rc = rte_eth_dev_set_mc_addr_list(p->id, (struct rte_ether_addr *)(uintptr_t)list, n);

	p->n_groups = n <= ZS_PORT_GROUPS ? n : 0;
	memcpy(p->groups, list, p->n_groups * sizeof(*list));
	return rc < 0 ? rte_eth_allmulticast_enable(p->id) : 0;
}

static bool has(const struct zs_ethport *p, const struct rte_ether_addr *mac)
{
	for (unsigned i = 0; i < p->n_groups; i++)
		if (rte_is_same_ether_addr(&p->groups[i], mac))
			return true;
	return false;
}

/* What another stack joined for itself, after they had parted: seldom, and not worth a list. */
static int add_more(const struct zs_ethport *p, const struct rte_ether_addr *list, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (!has(p, &list[i]))
			return rte_eth_allmulticast_enable(p->id);
	return 0;
}

/* The device is the primary's. */
static void ask_primary(struct zs_shared *sh, const struct zs_ethport *p, uint16_t port,
			const struct rte_ether_addr *list, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (!has(p, &list[i]))
			__atomic_store_n(&sh->all_groups[port], true, __ATOMIC_RELEASE);
}

void zs_groups_set(void *ctx, uint16_t port, const struct zs_mac *macs, unsigned n)
{
	struct zs_lcore *lc = ctx;
	struct zs_ethport *p = &lc->d->port[port];
	struct rte_ether_addr list[n > 0 ? n : 1];
	int rc = 0;

	memcpy(list, macs, n * sizeof(*macs));
	if (zs_procs_secondary(lc->d)) {
		ask_primary(lc->d->procs->sh, p, port, list, n);
		return;
	}
	rte_spinlock_lock(&lc->d->groups_lock);
	if (lc->index == 0)
		rc = set_list(p, list, n);
	else if (lc->d->spread)
		rc = add_more(p, list, n);
	rte_spinlock_unlock(&lc->d->groups_lock);
	if (rc < 0 && rc != -ENOTSUP)
		zs_dpdk_warn("port %u: no multicast, or in promiscuous mode only: %s", port,
			     strerror(-rc));
}
