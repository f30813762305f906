/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rules of its own that a send queue may have (ZS_TF_SND_RULES): records that share no segment with
 * what follows them (MSG_EOR), how much may wait unsent (TCP_NOTSENT_LOWAT), and who wants to know
 * when what was sent (SO_TIMESTAMPING).
 */
#ifndef ZS_SNDRULES_H
#define ZS_SNDRULES_H

#include "core/tcp/zs_tcb.h"

/* The last record ends a segment. */
void zs_sndq_keep_apart(struct zs_tcb *tcb);
/* Bytes from tcb->unsent on, of `unsent`, that may go into segments together. */
uint32_t zs_sndq_together(const struct zs_tcb *tcb, uint32_t unsent);

/*
 * Of a copying write that exceeds the space that is left: what it may take. All that goes out at
 * once, and then whole runs of full segments, the last of which may exceed the space: so nobody
 * queues crumbs, and who waits is not woken for one.
 */
__rte_cold uint32_t zs_sndq_round(const struct zs_tcb *tcb, uint32_t space);
/* Bytes that may be written before TCP_NOTSENT_LOWAT is reached. */
__rte_cold uint32_t zs_lowat_space(const struct zs_tcb *tcb);
/* A third of the send buffer is free, and of its share of the pool, and little is unsent: worth the
 * while of who waits. */
bool zs_sndq_roomy(const struct zs_stack *s, const struct zs_tcb *tcb);
/* The queue is empty, and the pool too: looks again later. zs_sndq_retried() is when it is later.
 */
void zs_sndq_retry(struct zs_stack *s, struct zs_tcb *tcb);
void zs_sndq_retried(struct zs_stack *s, struct zs_tcb *tcb);
/* Tells who waits, if it is. */
void zs_sndq_wake(struct zs_stack *s, struct zs_tcb *tcb);
/* Data has left the queue: whom that option keeps waiting may write. */
void zs_lowat_wake(struct zs_stack *s, struct zs_tcb *tcb);
/* The option was set. */
void zs_lowat_changed(struct zs_stack *s, struct zs_tcb *tcb);

/* ---- of connections whose tcb->stamps is not NULL (zs_stamps.c) ---- */

/* A write is queued; all up to snd_nxt was sent; and up to snd_una acknowledged. */
void zs_stamps_written(struct zs_tcb *tcb);
void zs_stamps_sent(struct zs_stack *s, struct zs_tcb *tcb);
void zs_stamps_acked(struct zs_stack *s, struct zs_tcb *tcb);

#endif
