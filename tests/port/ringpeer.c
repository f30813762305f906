/* SPDX-License-Identifier: BSD-3-Clause */
/* See ringpeer.h. */
#include "ringpeer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_eth_ring.h>
#include <rte_ring.h>

int ringpeer_device(void *arg)
{
	struct ringpeer *p = arg;
	int flags = RING_F_SP_ENQ | RING_F_SC_DEQ;

	p->to_port = rte_ring_create("to_port", RINGPEER_SIZE, SOCKET_ID_ANY, (unsigned)flags);
	p->from_port = rte_ring_create("from_port", RINGPEER_SIZE, SOCKET_ID_ANY, (unsigned)flags);
	if (p->to_port == NULL || p->from_port == NULL)
		return -ENOMEM;
	return rte_eth_from_rings("test", &p->to_port, 1, &p->from_port, 1, 0) < 0 ? -EIO : 0;
}

static void *peer_alloc(void *ctx, size_t size, size_t align)
{
	void *mem = aligned_alloc(align, (size + align - 1) / align * align);

	(void)ctx;
	if (mem != NULL)
		memset(mem, 0, size);
	return mem;
}

static void peer_free(void *ctx, void *mem)
{
	(void)ctx;
	free(mem);
}

static uint16_t peer_tx(void *ctx, uint16_t port, struct rte_mbuf **pkts, uint16_t n)
{
	struct ringpeer *p = ctx;

	(void)port;
	return (uint16_t)rte_ring_enqueue_burst(p->to_port, (void **)pkts, n, NULL);
}

int ringpeer_make(struct ringpeer *p, const struct zs_dpdk *d, const struct zs_config *cfg,
		  uint32_t ip4_be, uint32_t offloads)
{
	struct zs_dpdk_pools pools = zs_dpdk_pools(d);
	struct zs_config own = *cfg;
	struct zs_env env = {
		.alloc = peer_alloc,
		.free = peer_free,
		.tx = peer_tx,
		.ctx = p,
		.pkt_pool = pools.pkt,
		.hdr_pool = pools.hdr,
		.big_pool = pools.big,
	};

	own.n_netifs = 1;
	own.netif[0] = (struct zs_netif_config){
		.mtu = 1500,
		.offloads = offloads,
		.mac = { { 2, 0, 0, 0, 0, 9 } },
		.ip4_be = ip4_be,
		.ip4_prefix = 24,
	};
	return zs_stack_create(&p->s, &own, &env, 1000000);
}

void ringpeer_turn(struct ringpeer *p, uint64_t now_us)
{
	struct rte_mbuf *pkts[ZS_BURST];
	uint16_t n;

	zs_stack_advance(p->s, now_us);
	n = (uint16_t)rte_ring_dequeue_burst(p->from_port, (void **)pkts, ZS_BURST, NULL);
	zs_stack_input(p->s, 0, pkts, n);
	zs_stack_flush(p->s);
}
