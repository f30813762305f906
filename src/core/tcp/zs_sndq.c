/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The send queue: cuts records where segments end, releases what is acknowledged. Payload is never
 * changed; a record's position is zs_seg.off, whatever a header in the headroom made of data_off.
 */
#include <errno.h>

#include "core/tcp/zs_ack.h"
#include "core/tcp/zs_limits.h"
#include "core/tcp/zs_pace.h"
#include "core/tcp/zs_queue.h"
#include "core/tcp/zs_score.h"
#include "core/tcp/zs_taken.h"

/*
 * The buffer that m, an indirect one, refers to, when m is all that keeps it; the caller owns a
 * reference to it then. NULL: somebody else has it, or there is none.
 */
static struct rte_mbuf *sole_owner(const struct rte_mbuf *m)
{
	struct rte_mbuf *owner;

	if (!RTE_MBUF_CLONED(m))
		return NULL;
	owner = rte_mbuf_from_indirect((struct rte_mbuf *)(uintptr_t)m);
	if (zs_sndq_foreign(owner))
		return NULL;
	rte_mbuf_refcnt_update(owner, 1);
	owner->ol_flags &= ~ZS_PKT_DONE;
	owner->next = NULL; /* of the packet that it was in */
	owner->nb_segs = 1;
	return owner;
}

/*
 * A buffer for the bytes of m from off on. Where none can be kept, the one that m refers to will do
 * once nobody else needs it: so no connection waits for a buffer while it keeps one.
 */
static struct rte_mbuf *rest_of(struct zs_stack *s, struct rte_mbuf *m, uint16_t off, uint16_t len,
				enum zs_keep who)
{
	struct rte_mbuf *c = zs_pkt_keep(s, m, off, len, who);

	if (likely(c != NULL))
		return c;
	c = sole_owner(m);
	if (c != NULL)
		zs_pkt_set(c, off, len);
	return c;
}

/* The buffer to, met again, becomes the record that m is; what m's room is charged stays with m. */
static void take_over(struct zs_stack *s, struct rte_mbuf *to, struct rte_mbuf *m)
{
	zs_taken_fresh(s, to);
	*zs_seg(to) = *zs_seg(m);
	zs_seg(to)->taken = 0;
	zs_seg(to)->holds = 0;
}

void zs_sndq_yield(struct zs_stack *s, struct zs_tcb *tcb)
{
	struct rte_mbuf *m = tcb->unsent, *owner;

	if (m == NULL || m != tcb->sndq.head || rte_mbuf_refcnt_read(m) != 1)
		return;
	owner = sole_owner(m);
	if (owner == NULL)
		return;
	take_over(s, owner, m);
	zs_seg(owner)->flags |= ZS_SEG_TRIMMED;
	zs_pkt_set(owner, zs_seg(m)->off, (uint16_t)zs_seg(m)->len);
	tcb->sndq.mem += zs_pkt_truesize(owner) - zs_pkt_truesize(m);
	tcb->sndq.head = tcb->unsent = owner;
	if (tcb->sndq.tail == m)
		tcb->sndq.tail = owner;
	rte_pktmbuf_free_seg(m);
}

int zs_sndq_split(struct zs_stack *s, struct zs_tcb *tcb, struct rte_mbuf *m, uint32_t len)
{
	struct zs_seg *seg = zs_seg(m);
	struct zs_seg *rest;
	struct rte_mbuf *c;

	zs_assert(len > 0 && len < seg->len);
	c = rest_of(s, m, (uint16_t)(seg->off + len), (uint16_t)(seg->len - len),
		    tcb->snd_una == tcb->snd_nxt ? ZS_KEEP_FIRST : ZS_KEEP_QUEUE);
	if (c == NULL)
		return -ENOBUFS;
	rest = zs_seg(c);
	take_over(s, c, m);
	rest->seq += len;
	rest->len -= len;
	rest->off = (uint16_t)(seg->off + len);
	seg->next = c;
	seg->len = len;
	seg->flags &= (uint8_t) ~(ZS_SEG_EOR | ZS_SEG_DONE | ZS_SEG_COPIED | ZS_SEG_SUMMED);
	seg->apart = seg->ends_run = 0;
	rest->flags &= (uint8_t) ~(ZS_SEG_COPIED | ZS_SEG_SUMMED);
	if (unlikely(!RTE_MBUF_CLONED(c))) {
		if (RTE_MBUF_HAS_EXTBUF(c)) /* a reference, too, and the room is charged with m */
			c->ol_flags |= ZS_PKT_LENT;
		else /* there are bytes of m where a header would go */
			rest->flags |= ZS_SEG_TRIMMED;
	}
	tcb->sndq.mem += zs_pkt_truesize(c);
	if (tcb->sndq.tail == m)
		tcb->sndq.tail = c;
	zs_score_split(s, tcb, m, c);
	return 0;
}

uint32_t zs_sndq_segment(const struct zs_stack *s, const struct zs_tcb *tcb, struct rte_mbuf *m)
{
	const struct zs_netif *nif = &s->netif[tcb->netif];
	bool tso = zs_tcb_tso(s, tcb);
	unsigned max = tso ? nif->tso_bufs : nif->seg_bufs;
	uint32_t most = tso ? UINT32_MAX : tcb->mss;
	uint32_t len = zs_seg(m)->len;

	for (unsigned pieces = 1; pieces < max && !zs_seg(m)->apart; pieces++) {
		struct rte_mbuf *next = zs_seg(m)->next;

		if (next == NULL || next == tcb->unsent ||
		    zs_seg(next)->tx_us != zs_seg(m)->tx_us || len + zs_seg(next)->len > most)
			break;
		len += zs_seg(next)->len;
		m = next;
	}
	return len;
}

static void complete(struct rte_mbuf *m, int status)
{
	struct zs_seg *seg = zs_seg(m);
	struct zs_done *d, *next;

	if (likely(!(seg->flags & ZS_SEG_DONE)))
		return;
	seg->flags &= (uint8_t)~ZS_SEG_DONE;
	for (d = seg->done; d != NULL; d = next) {
		next = d->next;
		d->fn(d, status);
	}
}

/* n bytes of the record m are acknowledged: times and counts. */
static void note_acked(struct zs_tcb *tcb, const struct zs_seg *seg, uint32_t n, struct zs_ack *a)
{
	a->released += n;
	if (!(seg->flags & ZS_SEG_SACKED))
		tcb->delivered += n;
	if (seg->tx_count > 1)
		a->retx = true;
	else if (!(seg->flags & ZS_SEG_SACKED)) {
		a->has_tx = true;
		a->tx_us = seg->tx_us;
	}
}

void zs_sndq_ack(struct zs_stack *s, struct zs_tcb *tcb, uint32_t ack, struct zs_ack *a)
{
	bool marked = zs_marked(tcb);
	struct rte_mbuf *m;

	while ((m = tcb->sndq.head) != NULL && m != tcb->unsent) {
		struct zs_seg *seg = zs_seg(m);
		uint32_t n = ack - seg->seq;

		if (zs_seq_leq(ack, seg->seq))
			return;
		n = RTE_MIN(n, seg->len);
		note_acked(tcb, seg, n, a);
		if (unlikely(tcb->flags & ZS_TF_PACED) && !(seg->flags & ZS_SEG_SACKED))
			zs_rate_delivered(s, tcb, seg);
		if (unlikely(marked)) {
			if (!(seg->flags & ZS_SEG_SACKED))
				zs_rack_delivered(s, tcb, seg, seg->seq + n, a);
			zs_score_acked(s, tcb, m, n);
		}
		tcb->sndq.bytes -= n;
		if (n < seg->len) {
			seg->seq += n;
			seg->off = (uint16_t)(seg->off + n);
			seg->len -= n;
			seg->flags |= ZS_SEG_TRIMMED;
			seg->flags &= (uint8_t)~ZS_SEG_SUMMED;
			return;
		}
		tcb->sndq.head = seg->next;
		tcb->sndq.mem -= zs_pkt_truesize(m);
		if (tcb->sndq.head == NULL) {
			tcb->sndq.tail = NULL;
			tcb->busy_us += s->now_us;
		}
		complete(m, 0);
		/* m->next belongs to the packet, if the device still has it */
		rte_pktmbuf_free_seg(m);
	}
}

void zs_sndq_purge(struct zs_stack *s, struct zs_tcb *tcb, int status)
{
	struct rte_mbuf *m = tcb->sndq.head;

	if (m != NULL)
		tcb->busy_us += s->now_us;
	zs_limit_end(s, tcb);
	tcb->sndq = (struct zs_segq){ 0 };
	tcb->unsent = NULL;
	tcb->sacked = tcb->lost = tcb->retx = 0;
	while (m != NULL) {
		struct rte_mbuf *next = zs_seg(m)->next;

		complete(m, status);
		rte_pktmbuf_free_seg(m);
		m = next;
	}
}
