/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Pools of struct rte_mbuf without EAL and without any DPDK library. Each mbuf is a heap block of
 * its own, so that AddressSanitizer sees use after free, double free and overflow of the room at
 * the very line; a counter of live mbufs shows leaks exactly, and a limit on it simulates an
 * exhausted pool. Builds without AddressSanitizer keep freed blocks for reuse.
 */
#ifndef ZS_SIMPOOL_H
#define ZS_SIMPOOL_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>

#include "core/zs_env.h"

/*
 * A pool whose mbufs have RTE_PKTMBUF_HEADROOM + room bytes and a private area of ZS_PRIV_SIZE.
 * room is at most 65535 - RTE_PKTMBUF_HEADROOM. Never NULL.
 */
struct rte_mempool *zs_simpool_create(const char *name, uint16_t room);

/* Returns the number of mbufs that are still out (0 = none leaked); mp is gone in any case. */
uint32_t zs_simpool_destroy(struct rte_mempool *mp);

/* Mbufs that are out now, and the most that ever were. */
uint32_t zs_simpool_live(const struct rte_mempool *mp);
uint32_t zs_simpool_peak(const struct rte_mempool *mp);

/* Mbufs handed out since the beginning, and requests that the limit refused. */
uint64_t zs_simpool_allocs(const struct rte_mempool *mp);
uint64_t zs_simpool_failures(const struct rte_mempool *mp);

/* At most `max` mbufs may be out; UINT32_MAX = no limit, as after creation. */
void zs_simpool_limit(struct rte_mempool *mp, uint32_t max);

/* Less than a quarter is left: who can wait leaves it to the device. */
bool zs_simpool_low(const struct rte_mempool *mp);

/* Calls fn(arg, m) for each mbuf that returns to the pool, before its memory is given up. */
void zs_simpool_watch(struct rte_mempool *mp, void (*fn)(void *arg, struct rte_mbuf *m), void *arg);

/* The three pools that struct zs_env wants. */
struct zs_simpools {
	struct rte_mempool *pkt, *hdr, *big;
};

enum { ZS_SIM_PKT_ROOM = 2048, ZS_SIM_HDR_ROOM = 128, ZS_SIM_BIG_ROOM = 65535 - 128 };

/* pkt_room 0 = ZS_SIM_PKT_ROOM; a frame of 9000 bytes needs more. */
void zs_simpools_init(struct zs_simpools *p, uint16_t pkt_room);
/* Mbufs out of all three. */
uint32_t zs_simpools_live(const struct zs_simpools *p);
/* Destroys all three; returns mbufs leaked. */
uint32_t zs_simpools_fini(struct zs_simpools *p);

/* Sets pools, alloc, free and seed of env; tx, rss_ok and ctx are the caller's. */
void zs_simpools_env(const struct zs_simpools *p, struct zs_env *env, uint64_t seed);

#endif
