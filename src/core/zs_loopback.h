/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The way to ourselves: 127.0.0.0/8 (RFC 1122 3.2.1.3 g) and every address of an interface. What is
 * sent there is staged like any packet, and is input of the same stack in its next turn.
 */
#ifndef ZS_LOOPBACK_H
#define ZS_LOOPBACK_H

#include "core/zs_state.h"

static inline struct zs_netif *zs_loopback(struct zs_stack *s)
{
	return &s->netif[ZS_LOOPBACK];
}

static inline bool zs_is_loopback_ip4(uint32_t ip4_be)
{
	return rte_be_to_cpu_32(ip4_be) >> 24 == 127;
}

/* One of the further addresses of an interface. */
bool zs_is_more_ip4(const struct zs_stack *s, uint32_t ip4_be);

/* Address of an interface, or of the loopback net. */
static inline bool zs_is_own_ip4(const struct zs_stack *s, uint32_t ip4_be)
{
	for (uint16_t i = 0; i < s->n_netifs; i++)
		if (s->netif[i].ip4_be == ip4_be)
			return ip4_be != 0;
	return zs_is_loopback_ip4(ip4_be) ||
	       (unlikely(s->n_ip4_more > 0) && zs_is_more_ip4(s, ip4_be));
}

void zs_loopback_init(struct zs_stack *s);

/* Next packets to be input, at most max. What they bring about comes in a later call. */
uint16_t zs_loopback_take(struct zs_stack *s, struct rte_mbuf **pkts, uint16_t max);
/* Inputs what we sent to ourselves before this turn (zs_receive.c). */
void zs_receive_own(struct zs_stack *s);

#endif
