/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The account of what the application holds (zs_taken.h). A mark in a buffer names its connection
 * by slot and generation; a slot is memory of the stack whoever lives there, so that a mark which
 * has outlived its connection is read, found wrong and forgotten.
 */
#include "core/tcp/zs_taken.h"

#include "core/tcp/zs_queue.h"

void zs_taken_end(struct zs_stack *s, struct zs_seg *seg)
{
	uint32_t n = (uint32_t)seg->taken * RTE_CACHE_LINE_MIN_SIZE;
	struct zs_tcb *tcb;

	seg->taken = 0;
	if (seg->taken_slot >= s->tcp.tcbs.high)
		return;
	tcb = zs_slab_at(&s->tcp.tcbs, seg->taken_slot);
	if (tcb->taken_gen != seg->taken_gen)
		return;
	n = RTE_MIN(n, tcb->taken_mem);
	tcb->taken_mem -= n;
	s->taken_mem -= n;
	zs_rcv_opened(s, tcb);
}

void zs_taken_charge(struct zs_stack *s, struct zs_tcb *tcb, struct rte_mbuf *m)
{
	struct zs_seg *seg = zs_seg(m);
	uint32_t n;

	if (!RTE_MBUF_DIRECT(m))
		return;
	seg->holds++;
	seg->taken = (uint16_t)((zs_pkt_truesize(m) - 1) / RTE_CACHE_LINE_MIN_SIZE + 1);
	seg->taken_slot = zs_slab_index(&s->tcp.tcbs, tcb);
	seg->taken_gen = tcb->taken_gen;
	n = (uint32_t)seg->taken * RTE_CACHE_LINE_MIN_SIZE;
	tcb->taken_mem += n;
	s->taken_mem += n;
}

bool zs_taken_hoards(const struct zs_stack *s, const struct zs_tcb *tcb)
{
	return tcb->taken_mem > tcb->rcvbuf / 2 && s->taken_mem > s->pool_free;
}
