/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The three queues of a connection. Send queue: records in stream order from snd_una on, each one
 * buffer; a record that was sent covers bytes of one segment. Receive queue: in order, each buffer
 * showing its payload. Out-of-order queue: sorted, not overlapping.
 */
#ifndef ZS_QUEUE_H
#define ZS_QUEUE_H

#include "core/tcp/zs_tcb.h"

/* ---- send queue (zs_sndq.c; zs_write.c puts what the application writes at its end) ---- */

/* The queue must be the only holder of a record's struct, and needs a private area in it. */
static inline bool zs_sndq_foreign(const struct rte_mbuf *m)
{
	return rte_mbuf_refcnt_read(m) != 1 || m->priv_size < ZS_PRIV_SIZE;
}

/* The first len bytes from tcb->unsent on, whole records, have been sent (zs_output.c). */
void zs_sndq_sent(struct zs_stack *s, struct zs_tcb *tcb, uint32_t len);
/* Cuts record m after len bytes (0 < len < its length): the rest becomes a record of its own behind
 * it. -ENOBUFS. */
int zs_sndq_split(struct zs_stack *s, struct zs_tcb *tcb, struct rte_mbuf *m, uint32_t len);
/* m was sent: the bytes that went out with it in one segment, whole records from m on, as far as
 * can be told; where the device cuts, in one turn. */
uint32_t zs_sndq_segment(const struct zs_stack *s, const struct zs_tcb *tcb, struct rte_mbuf *m);
/* Nothing is in flight, and nothing may be sent for now: gives back a reference that the first
 * record can do without. */
void zs_sndq_yield(struct zs_stack *s, struct zs_tcb *tcb);
/* Releases what lies below ack, and fills in what a says of that. */
struct zs_ack;
void zs_sndq_ack(struct zs_stack *s, struct zs_tcb *tcb, uint32_t ack, struct zs_ack *a);
/* Frees everything; completions get status. */
void zs_sndq_purge(struct zs_stack *s, struct zs_tcb *tcb, int status);

static inline uint32_t zs_unsent_bytes(const struct zs_tcb *tcb)
{
	uint32_t fin = tcb->flags & ZS_TF_FIN_SENT ? 1 : 0;
	uint32_t syn = tcb->state == ZS_SYN_SENT || tcb->state == ZS_SYN_RCVD ? 1 : 0;

	return tcb->sndq.bytes - (tcb->snd_nxt - tcb->snd_una - fin - syn);
}

/* ---- receive queue (zs_rcvq.c) ---- */

/* Consumes m, one or more buffers showing payload only, which starts at rcv_nxt; advances rcv_nxt.
 */
void zs_rcvq_append(struct zs_stack *s, struct zs_tcb *tcb, struct rte_mbuf *m);
void zs_rcvq_purge(struct zs_tcb *tcb);
/* Bytes that may be offered beyond rcv_nxt by memory (RFC 9293 3.8.6.2.2). */
uint32_t zs_rcv_space(const struct zs_tcb *tcb);
/* New right edge to advertise: never moves left, and moves only when that is worth a segment. */
uint32_t zs_rcv_edge(const struct zs_tcb *tcb);
/* Tells the peer when the window grew by a worthwhile step. */
void zs_rcv_tell(struct zs_stack *s, struct zs_tcb *tcb);
/* Takes nothing more: over its memory, or the packet pool is short and it has its share. */
bool zs_rcv_memory_full(const struct zs_stack *s, const struct zs_tcb *tcb);

/* Memory has come free. Usually nothing is to tell: so much is left of the window that it could not
 * double, were all memory free. */
static inline void zs_rcv_opened(struct zs_stack *s, struct zs_tcb *tcb)
{
	uint64_t full = (uint64_t)tcb->rcvbuf * RTE_MAX(tcb->rcv_ratio, 32) >> 8;
	uint32_t left = tcb->rcv_adv - tcb->rcv_nxt;

	if (left < 2u * tcb->mss || full >= 2 * (uint64_t)left)
		zs_rcv_tell(s, tcb);
}

/* ---- out-of-order queue (zs_ooo.c) ---- */

/* Consumes m, payload at seq > rcv_nxt within the window. */
void zs_ooo_insert(struct zs_stack *s, struct zs_tcb *tcb, struct rte_mbuf *m, uint32_t seq,
		   uint32_t len);
/* Moves to the receive queue what has become in order. */
void zs_ooo_drain(struct zs_stack *s, struct zs_tcb *tcb);
/* Gives up all that waits behind a gap. */
void zs_ooo_discard(struct zs_stack *s, struct zs_tcb *tcb);
/* Forgets SACK blocks below rcv_nxt. */
void zs_ooo_prune_blocks(struct zs_tcb *tcb);

/* Cuts `front` bytes off the start and keeps `len`, over a chain; frees emptied buffers. Returns
 * the head. */
struct rte_mbuf *zs_pkt_cut(struct rte_mbuf *m, uint32_t front, uint32_t len);

/* Takes the first buffer that shows bytes off a chain; empty ones before it are freed. NULL at its
 * end. */
static inline struct rte_mbuf *zs_chain_pop(struct rte_mbuf **chain)
{
	struct rte_mbuf *m;

	while ((m = *chain) != NULL) {
		*chain = m->next;
		m->next = NULL;
		m->nb_segs = 1;
		if (m->data_len > 0)
			return m;
		rte_pktmbuf_free_seg(m);
	}
	return NULL;
}

static inline void zs_segq_push(struct zs_segq *q, struct rte_mbuf *m, uint32_t len)
{
	zs_seg(m)->next = NULL;
	if (q->tail == NULL)
		q->head = m;
	else
		zs_seg(q->tail)->next = m;
	q->tail = m;
	q->bytes += len;
	q->mem += zs_pkt_truesize(m);
}

#endif
