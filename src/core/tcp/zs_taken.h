/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the application has taken and not given back is charged to its connection, so that the
 * window counts it as occupied. The charge is written in the private area of the buffer that owns
 * the room, with the name of the connection and the number of the application's handles to the
 * room: the buffer itself and references to it. It ends when the last of them comes back, freed or
 * sent, or when the stack meets the buffer again, for an application may have freed it behind the
 * stack's back.
 */
#ifndef ZS_TAKEN_H
#define ZS_TAKEN_H

#include "core/zs_pkt.h"

struct zs_stack;
struct zs_tcb;

/* Ends the charge that seg carries (seg->taken != 0). Its connection may be gone: then that is all.
 */
void zs_taken_end(struct zs_stack *s, struct zs_seg *seg);

/* Charges m, one piece that leaves the receive queue, to tcb. A reference is not charged: its owner
 * is, or will be. */
void zs_taken_charge(struct zs_stack *s, struct zs_tcb *tcb, struct rte_mbuf *m);

/*
 * tcb holds more than half of its window, and charges all in all exceed what is free: not all of
 * them are of buffers that have long come back unnoticed.
 */
bool zs_taken_hoards(const struct zs_stack *s, const struct zs_tcb *tcb);

/* m comes from a pool: whoever had it before is done with it. */
static inline void zs_taken_fresh(struct zs_stack *s, struct rte_mbuf *m)
{
	struct zs_seg *seg = zs_seg(m);

	if (unlikely(seg->taken != 0))
		zs_taken_end(s, seg);
	seg->holds = 0;
}

/* The buffer that owns the room of m. */
static inline struct rte_mbuf *zs_taken_owner(struct rte_mbuf *m)
{
	return RTE_MBUF_CLONED(m) ? rte_mbuf_from_indirect(m) : m;
}

/* The application gets one more handle to the room of m. */
static inline void zs_taken_hold(struct rte_mbuf *m)
{
	struct rte_mbuf *owner = zs_taken_owner(m);

	if (owner->priv_size >= ZS_PRIV_SIZE)
		zs_seg(owner)->holds++;
}

/* The application gives m, one piece, back: it is about to be freed, or is the stack's already. */
static inline void zs_taken_drop(struct zs_stack *s, struct rte_mbuf *m)
{
	struct rte_mbuf *owner = zs_taken_owner(m);
	struct zs_seg *seg = zs_seg(owner);

	if (unlikely(owner->priv_size < ZS_PRIV_SIZE))
		return;
	if (seg->holds > 0)
		seg->holds--;
	if (seg->taken != 0 && (seg->holds == 0 || rte_mbuf_refcnt_read(owner) == 1))
		zs_taken_end(s, seg);
}

/* The same for all pieces of a chain. */
static inline void zs_taken_drop_all(struct zs_stack *s, struct rte_mbuf *m)
{
	for (; m != NULL; m = m->next)
		zs_taken_drop(s, m);
}

#endif
