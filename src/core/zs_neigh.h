/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Neighbours: next hop of either family to MAC address, by ARP (RFC 826, 1122 2.3.2, 5227). Entries
 * age and are re-confirmed while in use; packets wait in a bounded queue while the answer is out.
 * Any change of a known MAC address, a route or an address increments s->nh_gen, by which header
 * templates notice.
 */
#ifndef ZS_NEIGH_H
#define ZS_NEIGH_H

#include <stdbool.h>

#include "base/zs_addr.h"
#include "wire/zs_hdr.h"

struct rte_mbuf;
struct zs_stack;
struct zs_netif;
struct zs_pktinfo;

int zs_neigh_init(struct zs_stack *s);
void zs_neigh_fini(struct zs_stack *s);

/* MAC address of a next hop, if known and fresh; marks the entry used. False: send through
 * zs_eth_output(). */
bool zs_neigh_lookup(struct zs_stack *s, struct zs_netif *nif, uint8_t family,
		     const struct zs_addr *nexthop, struct zs_mac *mac);

/*
 * Consumes m, a frame complete but for its destination MAC address (same requirements as
 * zs_txq_push). Sends it when the neighbour is known, else queues it and asks. Broadcast and
 * multicast next hops map to their group address.
 */
void zs_eth_output(struct zs_stack *s, struct zs_netif *nif, uint8_t family,
		   const struct zs_addr *nexthop, struct rte_mbuf *m);

/* Consumes m, parsed as ZS_PKT_ARP. */
void zs_arp_input(struct zs_stack *s, struct rte_mbuf *m, struct zs_pktinfo *pi);

/* TCP made progress with this next hop: counts as a confirmation (RFC 1122 2.3.2.1). */
void zs_neigh_confirm(struct zs_stack *s, struct zs_netif *nif, uint8_t family,
		      const struct zs_addr *nexthop);

/* Gratuitous ARP for the interface's address. */
void zs_arp_announce(struct zs_stack *s, struct zs_netif *nif);

/* Announces the interface's address now and once more (RFC 5227 2.3). */
void zs_arp_link_up(struct zs_stack *s, struct zs_netif *nif);

#endif
