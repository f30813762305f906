/* SPDX-License-Identifier: BSD-3-Clause */
/* Frames beside the stack: what an application wants to see before it, and what it sends itself. */
#ifndef ZS_FRAMES_H
#define ZS_FRAMES_H

#include "port/dpdk/zs_dpdk_state.h"

static inline bool zs_frames_looked(const struct zs_dpdk *d)
{
	return __atomic_load_n(&d->look, __ATOMIC_RELAXED) != NULL;
}

/* The rest of a burst for the stack; the others are dropped, answered or handed over. */
uint16_t zs_frames_look(struct zs_lcore *lc, uint16_t index, struct rte_mbuf **pkts, uint16_t n);

#endif
