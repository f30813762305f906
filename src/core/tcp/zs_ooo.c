/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Out-of-order queue: payload beyond a gap, sorted by sequence number, never overlapping, bounded
 * in bytes by the window and in memory by the receive buffer. Keeps the SACK blocks to report,
 * latest first (RFC 2018 4), and the duplicate to report by D-SACK (RFC 2883).
 */
#include "core/tcp/zs_queue.h"

static uint32_t end_of(struct rte_mbuf *m)
{
	return zs_seg(m)->seq + zs_seg(m)->len;
}

/* [left, right) was received beyond a gap: merge with the blocks it touches, put it first. */
static void note_block(struct zs_tcb *tcb, uint32_t left, uint32_t right)
{
	struct zs_sack_block kept[ZS_MAX_SACK];
	unsigned n = 0;

	for (unsigned i = 0; i < tcb->n_recent; i++) {
		struct zs_sack_block b = tcb->recent[i];

		if (zs_seq_leq(b.left, right) && zs_seq_leq(left, b.right)) {
			left = zs_seq_min(left, b.left);
			right = zs_seq_max(right, b.right);
		} else {
			kept[n++] = b;
		}
	}
	n = RTE_MIN(n, (unsigned)ZS_MAX_SACK - 1);
	tcb->recent[0] = (struct zs_sack_block){ left, right };
	memcpy(&tcb->recent[1], kept, n * sizeof(kept[0]));
	tcb->n_recent = (uint8_t)(n + 1);
}

void zs_ooo_prune_blocks(struct zs_tcb *tcb)
{
	unsigned n = 0;

	for (unsigned i = 0; i < tcb->n_recent; i++)
		if (zs_seq_gt(tcb->recent[i].right, tcb->rcv_nxt))
			tcb->recent[n++] = tcb->recent[i];
	tcb->n_recent = (uint8_t)n;
}

/* One segment may repeat several runs of bytes: the first of them is told (RFC 2883 4). */
static void note_duplicate(struct zs_sack_block *dup, uint32_t left, uint32_t right)
{
	if (dup->left == dup->right)
		*dup = (struct zs_sack_block){ left, right };
	else if (dup->right == left)
		dup->right = right;
}

static void report_duplicate(struct zs_tcb *tcb, const struct zs_sack_block *dup)
{
	if (dup->left == dup->right)
		return;
	tcb->dsack = *dup;
	tcb->flags |= ZS_TF_DSACK;
}

/* Last record that starts at or before seq, NULL when seq is before all. */
static struct rte_mbuf *find_before(const struct zs_tcb *tcb, uint32_t seq)
{
	struct rte_mbuf *prev = NULL;

	if (tcb->ooo.tail != NULL && zs_seq_leq(zs_seg(tcb->ooo.tail)->seq, seq))
		return tcb->ooo.tail;
	for (struct rte_mbuf *m = tcb->ooo.head; m != NULL && zs_seq_leq(zs_seg(m)->seq, seq);
	     m = zs_seg(m)->next)
		prev = m;
	return prev;
}

static struct rte_mbuf *next_of(const struct zs_tcb *tcb, struct rte_mbuf *prev)
{
	return prev == NULL ? tcb->ooo.head : zs_seg(prev)->next;
}

static void unlink_after(struct zs_tcb *tcb, struct rte_mbuf *prev)
{
	struct rte_mbuf *m = next_of(tcb, prev);
	struct rte_mbuf *next = zs_seg(m)->next;

	if (prev == NULL)
		tcb->ooo.head = next;
	else
		zs_seg(prev)->next = next;
	if (next == NULL)
		tcb->ooo.tail = prev;
	tcb->ooo.bytes -= zs_seg(m)->len;
	tcb->ooo.mem -= zs_pkt_truesize(m);
}

/* Links m, one buffer showing its payload, behind prev. */
static void link_after(struct zs_tcb *tcb, struct rte_mbuf *prev, struct rte_mbuf *m, uint32_t seq)
{
	struct zs_seg *seg = zs_seg(m);

	seg->seq = seq;
	seg->len = m->data_len;
	seg->off = m->data_off;
	seg->flags = 0;
	seg->next = next_of(tcb, prev);
	m->pkt_len = m->data_len;
	if (prev == NULL)
		tcb->ooo.head = m;
	else
		zs_seg(prev)->next = m;
	if (seg->next == NULL)
		tcb->ooo.tail = m;
	tcb->ooo.bytes += seg->len;
	tcb->ooo.mem += zs_pkt_truesize(m);
}

static void link_chain(struct zs_tcb *tcb, struct rte_mbuf *prev, struct rte_mbuf *m, uint32_t seq)
{
	struct rte_mbuf *piece;

	while ((piece = zs_chain_pop(&m)) != NULL) {
		link_after(tcb, prev, piece, seq);
		seq += piece->data_len;
		prev = piece;
	}
}

/* The contiguous run of queued data around seq. */
static struct zs_sack_block find_run(const struct zs_tcb *tcb, uint32_t seq)
{
	struct zs_sack_block run = { seq, seq };

	for (struct rte_mbuf *m = tcb->ooo.head; m != NULL; m = zs_seg(m)->next) {
		if (m == tcb->ooo.head || zs_seg(m)->seq != run.right) {
			if (zs_seq_gt(zs_seg(m)->seq, seq))
				break;
			run.left = zs_seg(m)->seq;
		}
		run.right = end_of(m);
	}
	return run;
}

/*
 * [seq, end) came and is queued between prev and next: the first block is to be the whole run
 * around it (RFC 2018 4). The blocks kept know it, but for those that were forgotten for want of
 * room: only then the queue is walked.
 */
static void note_run(struct zs_tcb *tcb, const struct zs_sack_block *prev, struct rte_mbuf *next,
		     uint32_t seq, uint32_t end)
{
	const struct zs_sack_block *b = &tcb->recent[0];
	bool known = true;

	note_block(tcb, seq, end);
	if (prev != NULL && zs_seq_geq(prev->right, seq))
		known = zs_seq_leq(b->left, prev->left) && zs_seq_geq(b->right, prev->right);
	if (next != NULL && zs_seq_leq(zs_seg(next)->seq, end))
		known = known && zs_seq_geq(b->right, end_of(next));
	if (!known) {
		struct zs_sack_block run = find_run(tcb, seq);

		note_block(tcb, run.left, run.right);
	}
}

void zs_ooo_insert(struct zs_stack *s, struct zs_tcb *tcb, struct rte_mbuf *m, uint32_t seq,
		   uint32_t len)
{
	struct rte_mbuf *prev = find_before(tcb, seq);
	struct rte_mbuf *next;
	struct zs_sack_block dup = { seq, seq }, before = dup;
	uint32_t end = seq + len;
	uint32_t front = 0;

	if (prev != NULL)
		before = (struct zs_sack_block){ zs_seg(prev)->seq, end_of(prev) };
	if (prev != NULL && zs_seq_gt(end_of(prev), seq)) {
		uint32_t dup_end = zs_seq_min(end_of(prev), end);

		note_duplicate(&dup, seq, dup_end);
		front = dup_end - seq;
	}
	if (front == len) {
		report_duplicate(tcb, &dup);
		note_run(tcb, &before, NULL, seq, end);
		zs_pkt_drop(s, m, ZS_DROP_TCP_DUP);
		return;
	}
	if ((tcb->ooo.mem + tcb->rcvq.mem) / 3 > tcb->rcvbuf / 2 ||
	    s->pool_level != ZS_POOL_PLENTY) {
		zs_pkt_drop(s, m, ZS_DROP_TCP_OOO_FULL);
		return;
	}
	/* What the new segment covers whole goes; where it overlaps the next one, it ends there. */
	while ((next = next_of(tcb, prev)) != NULL && zs_seq_leq(end_of(next), end)) {
		note_duplicate(&dup, zs_seg(next)->seq, end_of(next));
		unlink_after(tcb, prev);
		rte_pktmbuf_free_seg(next);
	}
	if (next != NULL && zs_seq_lt(zs_seg(next)->seq, end)) {
		note_duplicate(&dup, zs_seg(next)->seq, end);
		end = zs_seg(next)->seq;
	}
	report_duplicate(tcb, &dup);
	m = zs_pkt_cut(m, front, end - seq - front);
	link_chain(tcb, prev, m, seq + front);
	note_run(tcb, prev != NULL ? &before : NULL, next, seq, end);
}

void zs_ooo_discard(struct zs_stack *s, struct zs_tcb *tcb)
{
	while (tcb->ooo.head != NULL) {
		struct rte_mbuf *m = tcb->ooo.head;

		unlink_after(tcb, NULL);
		zs_pkt_drop(s, m, ZS_DROP_TCP_OOO_FULL);
	}
	tcb->n_recent = 0;
}

void zs_ooo_drain(struct zs_stack *s, struct zs_tcb *tcb)
{
	struct zs_sack_block again = { tcb->rcv_nxt, tcb->rcv_nxt };
	struct rte_mbuf *m;

	while ((m = tcb->ooo.head) != NULL && zs_seq_leq(zs_seg(m)->seq, tcb->rcv_nxt)) {
		uint32_t dup = tcb->rcv_nxt - zs_seg(m)->seq;

		if (dup > 0)
			note_duplicate(&again, zs_seg(m)->seq, zs_seq_min(end_of(m), tcb->rcv_nxt));
		unlink_after(tcb, NULL);
		if (dup >= zs_seg(m)->len) {
			rte_pktmbuf_free_seg(m);
			continue;
		}
		if (tcb->syn_flags & ZS_SY_DEAF) { /* as what arrives in order: nobody reads it */
			tcb->rcv_nxt += zs_seg(m)->len - dup;
			zs_pkt_drop(s, m, ZS_DROP_TCP_CLOSED);
			continue;
		}
		if (dup > 0)
			zs_pkt_set(m, (uint16_t)(m->data_off + dup), (uint16_t)(m->data_len - dup));
		zs_rcvq_append(s, tcb, m);
	}
	if (!(tcb->flags & ZS_TF_DSACK))
		report_duplicate(tcb, &again);
	zs_ooo_prune_blocks(tcb);
}
