/* SPDX-License-Identifier: BSD-3-Clause */
/* What the table of neighbours shares with those who ask for and hear of their MAC addresses. */
#ifndef ZS_NEIGH_PRIV_H
#define ZS_NEIGH_PRIV_H

#include "base/zs_ip6addr.h"
#include "core/zs_neigh.h"
#include "core/zs_state.h"

enum {
	ZS_NEIGH_RETRIES = 3,
	ZS_NEIGH_RETRY_US = 1000000,
	ZS_NEIGH_WAIT_TOTAL = 2048, /* packets in waiting, of all neighbours */
};

enum zs_neigh_state {
	ZS_NS_FREE,
	ZS_NS_INCOMPLETE,
	ZS_NS_REACHABLE,
	ZS_NS_STALE,
	ZS_NS_DELAY,
	ZS_NS_PROBE,
	ZS_NS_FAILED
};

struct zs_neigh {
	struct zs_list hash_link; /* in a bucket, or in the free list */
	struct zs_timer timer;
	uint64_t used_us, confirmed_us;
	struct zs_addr addr;
	struct zs_mac mac;
	uint8_t state;	/* enum zs_neigh_state */
	uint8_t probes; /* sent in this state */
	bool used;	/* ever; if not, learned from a request */
	uint8_t family;
	uint16_t netif;
	uint16_t n_wait;
	uint16_t wait_head, wait_tail; /* in zs_neigh_table.wait */
};

/* A packet in waiting; not linked through its own memory, which belongs to its sender. */
struct zs_neigh_wait {
	struct rte_mbuf *m;
	uint16_t next;
};

/* ARP's own (zs_arp.c), by index of the interface. */
struct zs_arp {
	uint64_t defended_us[ZS_MAX_PORTS];
	struct zs_timer announce[ZS_MAX_PORTS];
};

struct zs_neigh_table {
	struct zs_neigh *neigh;
	struct zs_list *bucket;
	struct zs_list free;
	uint32_t mask, cap;
	uint16_t wait_free; /* ZS_NEIGH_WAIT_TOTAL = none */
	struct zs_arp arp;
	struct zs_neigh_wait wait[ZS_NEIGH_WAIT_TOTAL];
};

/*
 * How readily an entry gives way to a new one, 0 = not at all: what may be in use stays, so that
 * neither a scan from here nor requests under many names push it out.
 */
enum zs_neigh_cheap { ZS_NC_KEEP, ZS_NC_OLD, ZS_NC_UNRESOLVED, ZS_NC_WORTHLESS };

struct zs_neigh *zs_neigh_find(struct zs_stack *s, const struct zs_netif *nif, uint8_t family,
			       const struct zs_addr *addr);

/* An entry without a state; NULL when the table is full of entries less cheap than `least`. */
struct zs_neigh *zs_neigh_add(struct zs_stack *s, const struct zs_netif *nif, uint8_t family,
			      const struct zs_addr *addr, enum zs_neigh_cheap least);

static inline bool zs_neigh_has_mac(const struct zs_neigh *n)
{
	return n->state == ZS_NS_REACHABLE || n->state == ZS_NS_STALE || n->state == ZS_NS_DELAY ||
	       n->state == ZS_NS_PROBE;
}

/* Takes mac as the neighbour's address. known: by an answer to us; else only by its own word. */
void zs_neigh_learn(struct zs_stack *s, struct zs_neigh *n, const struct zs_mac *mac, bool known);

/* Another address for it was heard: what is known is to be confirmed before long. */
void zs_neigh_doubt(struct zs_stack *s, struct zs_neigh *n);

/* True for an address whose packets would go out by nif without a gateway. */
bool zs_on_link(struct zs_stack *s, const struct zs_netif *nif, uint8_t family,
		const struct zs_addr *addr);

/* ---- zs_arp.c ---- */

void zs_arp_init(struct zs_neigh_table *t);
/* The first questions are broadcast, those to confirm what is known go to the neighbour alone. */
void zs_arp_ask(struct zs_stack *s, const struct zs_neigh *n, bool unicast);

#endif
