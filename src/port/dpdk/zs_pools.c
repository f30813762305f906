/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The buffer pools: one set for the lcores of each NUMA node, so that memory is near and what one
 * lcore does not need another may have; the lcores' caches keep them apart. Every buffer has a
 * private area of ZS_PRIV_SIZE bytes, zero when its pool is made (rte_pktmbuf_init) and afterwards
 * as its last user left it.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_mbuf_pool_ops.h>

#include "core/zs_pkt.h"
#include "port/dpdk/zs_fanout.h"
#include "port/dpdk/zs_procs.h"

enum { CACHE = 512, SPARE = 128, OTHER_MEM_MB = 64, PAGE = 4096 };

/* What one buffer takes in a pool, headers, padding and all. */
static uint64_t buf_size(uint32_t room)
{
	return 192 + sizeof(struct rte_mbuf) + ZS_PRIV_SIZE + RTE_PKTMBUF_HEADROOM + room;
}

/* As asked for; the device may allow less. */
static uint32_t rxd(const struct zs_dpdk_port *p)
{
	return p->n_rxd != 0 ? p->n_rxd : ZS_DPDK_DESCS;
}

static uint32_t txd(const struct zs_dpdk_port *p)
{
	return p->n_txd != 0 ? p->n_txd : ZS_DPDK_DESCS;
}

uint32_t zs_pools_mem_mb(const struct zs_dpdk_config *cfg)
{
	/* Before EAL runs nobody knows whether a device wants pages. */
	uint64_t pkt = PAGE, sent = pkt + buf_size(ZS_DPDK_HDR_ROOM) + buf_size(cfg->big_room);
	uint64_t bytes = cfg->n_pkt * pkt + cfg->n_hdr * buf_size(ZS_DPDK_HDR_ROOM) +
			 cfg->n_big * buf_size(cfg->big_room) + SPARE * sent;

	unsigned cores = cfg->lcore_mask != 0 ? (unsigned)__builtin_popcountll(cfg->lcore_mask) : 1;

	for (uint16_t i = 0; i < cfg->n_ports; i++) {
		const struct zs_dpdk_port *p = &cfg->port[i];
		uint32_t room = p->mtu > ZS_DPDK_PKT_ROOM ? p->mtu : ZS_DPDK_PKT_ROOM;

		bytes += txd(p) * sent;
		bytes += 2 * (rxd(p) + txd(p)) * buf_size(room); /* a pool of its own */
	}
	return (uint32_t)(cores * bytes / 8 * 9 >> 20) + OTHER_MEM_MB;
}

/* The buffer freed last is the next to be taken, while the processor's cache still knows it. */
static const char pool_ops[] = "stack";
/* The same without a lock, that somebody may be killed with. */
static const char proc_pool_ops[] = "lf_stack";

static const char *ops_of(const struct zs_dpdk *d)
{
	return d->procs != NULL ? proc_pool_ops : pool_ops;
}

/* The primary's. */
static struct rte_mempool *find(const char *name)
{
	struct rte_mempool *mp = rte_mempool_lookup(name);

	if (mp == NULL)
		zs_dpdk_fail(0, "the primary process has no pool %s", name);
	return mp;
}

static struct rte_mempool *create(const struct zs_dpdk *d, const struct zs_node *node,
				  const char *name, uint32_t n, uint32_t room)
{
	uint32_t cache = RTE_MIN((uint32_t)CACHE, n / 8);
	struct rte_mempool *mp;

	if (zs_procs_secondary(d))
		return find(name);
	mp = rte_pktmbuf_pool_create_by_ops(name, n, cache, ZS_PRIV_SIZE,
					    (uint16_t)(RTE_PKTMBUF_HEADROOM + room), node->socket,
					    ops_of(d));
	if (mp == NULL)
		zs_dpdk_fail(0, "no memory for %" PRIu32 " buffers of %" PRIu32 " bytes: %s", n,
			     room, rte_strerror(rte_errno));
	return mp;
}

/* The same with buffers of exactly one page each, one behind the other; the room is what is left in
 * it. */
static struct rte_mempool *create_of_pages(const struct zs_dpdk *d, const struct zs_node *node,
					   const char *name, uint32_t n)
{
	enum { FLAGS = RTE_MEMPOOL_F_NO_SPREAD };
	uint32_t elt = PAGE - (rte_mempool_calc_obj_size(PAGE, FLAGS, NULL) - PAGE);
	struct rte_pktmbuf_pool_private priv = {
		.mbuf_data_room_size = (uint16_t)(elt - sizeof(struct rte_mbuf) - ZS_PRIV_SIZE),
		.mbuf_priv_size = ZS_PRIV_SIZE,
	};
	struct rte_mempool *mp;
	int rc;

	if (zs_procs_secondary(d))
		return find(name);
	mp = rte_mempool_create_empty(name, n, elt, CACHE, sizeof(priv), node->socket, FLAGS);
	rc = mp == NULL ? -rte_errno : rte_mempool_set_ops_byname(mp, ops_of(d), NULL);
	if (rc >= 0) {
		rte_pktmbuf_pool_init(mp, &priv);
		rc = rte_mempool_populate_default(mp);
	}
	if (rc < 0) {
		zs_dpdk_fail(0, "no memory for %" PRIu32 " buffers of a page: %s", n,
			     rte_strerror(-rc));
		rte_mempool_free(mp); /* NULL allowed */
		return NULL;
	}
	rte_mempool_obj_iter(mp, rte_pktmbuf_init, NULL);
	return mp;
}

static bool wants_pages(const struct zs_dpdk *d)
{
	for (uint16_t i = 0; i < d->n_ports; i++)
		if (d->port[i].quirks.page_bufs)
			return true;
	return false;
}

/*
 * Rings keep buffers for as long as they like, transmit rings and those between lcores those of any
 * pool: what they can keep must not be all there is.
 */
static uint32_t least(const struct zs_dpdk *d, bool received)
{
	uint32_t n = SPARE + zs_fan_held(d);

	for (uint16_t i = 0; i < d->n_ports; i++)
		n += received ? RTE_MAX(d->port[i].n_rxq, d->port[i].n_txq) * d->port[i].held
			      : d->port[i].n_txq * d->port[i].n_txd;
	return n;
}

static void rx_pool_name(char name[RTE_MEMPOOL_NAMESIZE], uint16_t port, int node)
{
	snprintf(name, RTE_MEMPOOL_NAMESIZE, "zs_rx%u_%d", port, node);
}

static int create_node(struct zs_dpdk *d, struct zs_node *node, const struct zs_dpdk_config *cfg)
{
	uint32_t n_pkt = RTE_MAX(cfg->n_pkt * node->n_lcores, least(d, true));
	uint32_t n_hdr = RTE_MAX(cfg->n_hdr * node->n_lcores, least(d, false));
	uint32_t n_big = RTE_MAX(cfg->n_big * node->n_lcores, least(d, false));
	struct zs_dpdk_pools *p = &node->pools;
	char pkt[RTE_MEMPOOL_NAMESIZE], hdr[RTE_MEMPOOL_NAMESIZE], big[RTE_MEMPOOL_NAMESIZE];
	int number = (int)(node - d->node);

	snprintf(pkt, sizeof(pkt), "zs_pkt%d", number);
	snprintf(hdr, sizeof(hdr), "zs_hdr%d", number);
	snprintf(big, sizeof(big), "zs_big%d", number);
	p->pkt = wants_pages(d) ? create_of_pages(d, node, pkt, n_pkt)
				: create(d, node, pkt, n_pkt, ZS_DPDK_PKT_ROOM);
	if (p->pkt != NULL)
		p->hdr = create(d, node, hdr, n_hdr, ZS_DPDK_HDR_ROOM);
	if (p->hdr != NULL)
		p->big = create(d, node, big, n_big, cfg->big_room);
	return p->big != NULL ? 0 : -ENOMEM;
}

/* The cache of a lcore whose process was killed in the middle may be wrong, and is lost. */
static void forget_cache(struct rte_mempool *mp)
{
	struct rte_mempool_cache *cache = rte_mempool_default_cache(mp, rte_lcore_id());

	if (cache != NULL)
		cache->len = 0;
}

/* What a secondary process needs of pools that are there. */
static void find_rest(struct zs_dpdk *d)
{
	for (struct zs_node *node = d->node; node < d->node + d->n_nodes; node++) {
		forget_cache(node->pools.pkt);
		forget_cache(node->pools.hdr);
		forget_cache(node->pools.big);
		for (uint16_t i = 0; i < d->n_ports; i++) {
			char name[RTE_MEMPOOL_NAMESIZE];

			rx_pool_name(name, i, (int)(node - d->node));
			node->rx_pool[i] = rte_mempool_lookup(name); /* few ports have one */
			if (node->rx_pool[i] != NULL)
				forget_cache(node->rx_pool[i]);
		}
	}
}

int zs_pools_create(struct zs_dpdk *d, const struct zs_dpdk_config *cfg)
{
	int rc = 0;

	if (cfg->n_pkt == 0 || cfg->n_hdr == 0 || cfg->n_big == 0 ||
	    cfg->big_room < ZS_DPDK_PKT_ROOM || cfg->big_room > UINT16_MAX - RTE_PKTMBUF_HEADROOM)
		return zs_dpdk_fail(-EINVAL, "pool sizes out of range");
	for (uint16_t i = 0; rc == 0 && i < d->n_nodes; i++)
		rc = create_node(d, &d->node[i], cfg);
	if (rc == 0 && zs_procs_secondary(d))
		find_rest(d);
	return rc;
}

struct rte_mempool *zs_pool_rx(struct zs_dpdk *d, struct zs_node *node, uint16_t index,
			       uint16_t room)
{
	char name[RTE_MEMPOOL_NAMESIZE];

	if (room + RTE_PKTMBUF_HEADROOM <= rte_pktmbuf_data_room_size(node->pools.pkt))
		return node->pools.pkt;
	if (node->rx_pool[index] == NULL) {
		rx_pool_name(name, index, (int)(node - d->node));
		node->rx_pool[index] =
			create(d, node, name, 2 * d->port[index].held * d->port[index].n_rxq, room);
	}
	return node->rx_pool[index];
}

void zs_pools_free(struct zs_dpdk *d)
{
	if (zs_procs_secondary(d))
		return;
	for (struct zs_node *node = d->node; node < d->node + d->n_nodes; node++) {
		for (uint16_t i = 0; i < d->n_ports; i++)
			rte_mempool_free(node->rx_pool[i]); /* NULL allowed */
		rte_mempool_free(node->pools.big);
		rte_mempool_free(node->pools.hdr);
		rte_mempool_free(node->pools.pkt);
	}
}

struct zs_dpdk_pools zs_dpdk_pools(const struct zs_dpdk *d)
{
	return d->lcore[0]->node->pools;
}

static uint32_t in_use(const struct rte_mempool *mp)
{
	return mp != NULL ? rte_mempool_in_use_count(mp) : 0;
}

uint32_t zs_dpdk_bufs_in_use(const struct zs_dpdk *d)
{
	uint32_t n = 0;

	for (const struct zs_node *node = d->node; node < d->node + d->n_nodes; node++) {
		n += in_use(node->pools.pkt) + in_use(node->pools.hdr) + in_use(node->pools.big);
		for (uint16_t i = 0; i < d->n_ports; i++)
			n += in_use(node->rx_pool[i]);
	}
	return n;
}

/* ---- where they are ---- */

struct span {
	uintptr_t lo, hi;
};

static void widen(struct rte_mempool *mp, void *arg, struct rte_mempool_memhdr *mem, unsigned index)
{
	struct span *sp = arg;
	uintptr_t lo = (uintptr_t)mem->addr;

	(void)mp;
	(void)index;
	sp->lo = RTE_MIN(sp->lo, lo);
	sp->hi = RTE_MAX(sp->hi, lo + mem->len);
}

static void widen_by(struct rte_mempool *mp, struct span *sp)
{
	if (mp != NULL)
		(void)rte_mempool_mem_iter(mp, widen, sp);
}

void zs_dpdk_buf_span(const struct zs_dpdk *d, uintptr_t *lo, uintptr_t *span)
{
	struct span sp = { .lo = UINTPTR_MAX };

	for (const struct zs_node *node = d->node; node < d->node + d->n_nodes; node++) {
		widen_by(node->pools.pkt, &sp);
		widen_by(node->pools.hdr, &sp);
		widen_by(node->pools.big, &sp);
		for (uint16_t i = 0; i < d->n_ports; i++)
			widen_by(node->rx_pool[i], &sp);
	}
	*lo = sp.lo;
	*span = sp.hi - sp.lo;
}

bool zs_dpdk_is_mem(const void *p)
{
	return rte_mem_virt2memseg(p, NULL) != NULL;
}
