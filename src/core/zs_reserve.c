/* SPDX-License-Identifier: BSD-3-Clause */
/* The watermarks of the pools: who may take a buffer when few are left. */
#include <rte_mempool.h>

#include "core/zs_state.h"

/* What zs_taken_charge() charges for a buffer of the pool, at most. */
static uint64_t buf_mem(struct rte_mempool *mp)
{
	return sizeof(struct rte_mbuf) + ZS_PRIV_SIZE + rte_pktmbuf_data_room_size(mp) +
	       RTE_CACHE_LINE_MIN_SIZE;
}

/*
 * Keeps the last buffers for the device: acknowledgements must find a buffer to arrive in, for they
 * are what sets buffers free. Looking costs two cache lines, so it is done as often as the pool
 * could have run low since: a packet takes one buffer, and so does a copying write.
 */
void zs_pool_watch(struct zs_stack *s, uint16_t n)
{
	struct rte_mempool *mp = s->env.pkt_pool;
	uint32_t reserve = mp->size / 8; /* applications leave twice that */
	uint32_t avail;

	if (likely(s->pool_credit >= n)) {
		s->pool_credit -= n;
		return;
	}
	avail = rte_mempool_get_ops(mp->ops_index)->get_count(mp);
	s->pool_credit = 0;
	s->pool_share = avail > 2 * reserve ? (avail - 2 * reserve) * buf_mem(mp) / 4 : 0;
	if (likely(avail >= reserve)) {
		s->pool_level = ZS_POOL_PLENTY;
		s->pool_credit = RTE_MIN((avail - reserve) / 4, 256u);
	} else {
		s->pool_free = avail * buf_mem(mp);
		s->pool_level = avail < reserve / 2 ? ZS_POOL_CRITICAL : ZS_POOL_LOW;
	}
}

bool zs_hdr_spare(struct zs_stack *s, enum zs_keep who)
{
	static const uint8_t left[] = {
		[ZS_KEEP_QUEUE] = 4, [ZS_KEEP_FIRST] = 8, [ZS_KEEP_APP] = 2
	};
	const struct rte_mempool *mp = s->env.hdr_pool;
	uint32_t avail;

	if (likely(s->hdr_credit > 0)) {
		s->hdr_credit--;
		return true;
	}
	avail = rte_mempool_get_ops(mp->ops_index)->get_count(mp);
	if (unlikely(avail <= mp->size / 2))
		return avail > mp->size / left[who];
	s->hdr_credit = RTE_MIN((avail - mp->size / 2) / 4, 256u);
	return true;
}
