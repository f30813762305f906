/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What lcores hand each other, over bounded rings: packets that arrived on a queue that is not
 * their flow's (or a device with one queue), copies of ARP for every stack's neighbour table,
 * packets that the stack of one lcore does not know and another's may, and frames to send where a
 * device has fewer transmit queues than there are lcores. A full ring is a drop with a name, or a
 * device that takes no more. With one lcore there is nothing of all this. The same between the
 * processes of zs_procs.h.
 */
#ifndef ZS_FANOUT_H
#define ZS_FANOUT_H

#include "port/dpdk/zs_dpdk_state.h"

/* Rings of all stacks; a secondary process finds them. -ENOMEM is said on stderr. */
int zs_fan_create(struct zs_dpdk *d);
/* Frees what waits in them, too. */
void zs_fan_free(struct zs_dpdk *d);
/* The process of a stack is gone: drops what waits for it. */
void zs_fan_bury(struct zs_lcore *lc, uint16_t index);
/* Buffers that all rings can keep. */
uint32_t zs_fan_held(const struct zs_dpdk *d);

/* A burst from port `index`: hands over what is not lc's, returns how many are left in pkts. */
uint16_t zs_fan_out(struct zs_lcore *lc, uint16_t index, struct rte_mbuf **pkts, uint16_t n);
/* Hands one packet of interface index over; consumes it. */
void zs_fan_give(struct zs_lcore *lc, unsigned to, uint16_t index, struct rte_mbuf *m);
/* Borrows m, whose port is the interface: copies for the others if it is something that all learn
 * from. */
void zs_fan_news(struct zs_lcore *lc, const struct rte_mbuf *m);
/* Gives lc's stack what others handed over. */
void zs_fan_take(struct zs_lcore *lc);
/* Sends what others left for lc's transmit queues. */
void zs_fan_send(struct zs_lcore *lc);
/* Something of that is still to be sent. */
bool zs_fan_tx_pending(const struct zs_lcore *lc);

/* env->tx, env->pass_on and env->rss_ok; ctx is struct zs_lcore. */
uint16_t zs_fan_tx(void *ctx, uint16_t port, struct rte_mbuf **pkts, uint16_t n);
bool zs_fan_pass_on(void *ctx, uint16_t port, struct rte_mbuf *m, enum zs_pass why);
bool zs_fan_rss_ok(void *ctx, const struct zs_flow *flow);

#endif
