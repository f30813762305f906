/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The scoreboard (RFC 2018, 6675): SACK blocks become marks in the records of the send queue. A
 * block that was in the last ACK is not walked again, and a block that grew is walked from where it
 * ended.
 */
#include "core/tcp/zs_ack.h"
#include "core/tcp/zs_pace.h"
#include "core/tcp/zs_queue.h"
#include "core/tcp/zs_score.h"
#include "core/zs_parse.h"

static bool seen_before(const struct zs_score *sc, struct zs_sack_block b)
{
	for (unsigned i = 0; i < ZS_MAX_SACK; i++)
		if (sc->seen[i].left == b.left && sc->seen[i].right == b.right)
			return true;
	return false;
}

static void mark(struct zs_stack *s, struct zs_tcb *tcb, struct rte_mbuf *m, struct zs_ack *a)
{
	struct zs_seg *seg = zs_seg(m);

	if (seg->flags & ZS_SEG_LOST)
		tcb->lost -= seg->len;
	if (seg->flags & ZS_SEG_RETX)
		zs_score_unretx(tcb, m);
	seg->flags &= (uint8_t)~ZS_SEG_LOST;
	seg->flags |= ZS_SEG_SACKED;
	tcb->sacked += seg->len;
	tcb->delivered += seg->len;
	a->sacked += seg->len;
	if (seg->tx_count == 1) {
		a->has_sack_tx = true;
		a->sack_tx_us = seg->tx_us;
		a->sack_old |= zs_seq_leq(seg->seq + seg->len, tcb->recover);
	}
	zs_rack_delivered(s, tcb, seg, seg->seq + seg->len, a);
	if (tcb->flags & ZS_TF_PACED)
		zs_rate_delivered(s, tcb, seg);
}

static struct rte_mbuf *start_of_walk(const struct zs_tcb *tcb, const struct zs_score *sc,
				      uint32_t left)
{
	if (sc->sack_hint != NULL && zs_seq_geq(left, sc->sack_hint_left))
		return sc->sack_hint;
	return tcb->sndq.head;
}

/*
 * A record of several segments can be covered in part: it is cut at the edge. One of a single
 * segment (or where there is no buffer) is sent again rather than trusted.
 */
static bool cut(struct zs_stack *s, struct zs_tcb *tcb, struct rte_mbuf *m, uint32_t edge)
{
	const struct zs_seg *seg = zs_seg(m);

	return seg->len > tcb->mss && !(seg->flags & ZS_SEG_SACKED) &&
	       zs_sndq_split(s, tcb, m, edge - seg->seq) == 0;
}

/* False: not to the end of the block, for it would cost too much. */
static bool walk(struct zs_stack *s, struct zs_tcb *tcb, struct zs_sack_block b, struct zs_ack *a)
{
	struct zs_score *sc = zs_score(s, tcb);
	struct rte_mbuf *m = start_of_walk(tcb, sc, b.left);
	struct rte_mbuf *last = NULL;

	for (; m != NULL && m != tcb->unsent && sc->sack_steps > 0; m = zs_seg(m)->next) {
		const struct zs_seg *seg = zs_seg(m);

		sc->sack_steps--;
		if (zs_seq_lt(seg->seq, b.left)) {
			if (zs_seq_gt(seg->seq + seg->len, b.left))
				(void)cut(s, tcb, m, b.left);
			continue;
		}
		if (zs_seq_gt(seg->seq + seg->len, b.right) &&
		    (zs_seq_geq(seg->seq, b.right) || !cut(s, tcb, m, b.right)))
			break;
		if (!(seg->flags & ZS_SEG_SACKED))
			mark(s, tcb, m, a);
		last = m;
	}
	if (last != NULL &&
	    (sc->sack_hint == NULL || zs_seq_gt(zs_seg(last)->seq, zs_seg(sc->sack_hint)->seq))) {
		/* from left to here all is marked, provided the walk began at or before left */
		sc->sack_hint = last;
		sc->sack_hint_left = b.left;
	}
	return sc->sack_steps > 0;
}

/* RFC 2883 4: the first block lies below the cumulative ACK, or inside the second block. */
static bool is_dsack(const struct zs_sack_block *b, unsigned n, uint32_t ack)
{
	if (zs_seq_leq(b[0].right, ack) || zs_seq_lt(b[0].left, ack))
		return true;
	return n > 1 && zs_seq_geq(b[0].left, b[1].left) && zs_seq_leq(b[0].right, b[1].right);
}

/* By their place in the stream: reported in one ACK, they say nothing of the order of arrival. */
static void sort_blocks(struct zs_sack_block *b, unsigned n)
{
	for (unsigned i = 1; i < n; i++)
		for (unsigned k = i; k > 0 && zs_seq_lt(b[k].left, b[k - 1].left); k--) {
			struct zs_sack_block low = b[k];

			b[k] = b[k - 1];
			b[k - 1] = low;
		}
}

void zs_sack_input(struct zs_stack *s, struct zs_tcb *tcb, const struct zs_pktinfo *pi,
		   struct zs_ack *a)
{
	struct zs_score *sc = zs_score(s, tcb);
	struct zs_sack_block b[ZS_MAX_SACK] = { 0 };
	unsigned n = RTE_MIN((unsigned)pi->opt.n_sack, (unsigned)ZS_MAX_SACK);

	for (unsigned i = 0; i < n; i++)
		b[i] = zs_tcpopt_sack(pi->opt.sack, i);
	if (is_dsack(b, n, pi->ack)) {
		a->dsack = true;
		a->dsack_left = b[0].left;
		a->dsack_end = b[0].right;
		s->stats.tcp_dsack_in++;
		b[0] = (struct zs_sack_block){ 0 };
	}
	sort_blocks(b + a->dsack, n - a->dsack);
	sc->sack_steps = RTE_MIN(sc->sack_steps + ZS_SACK_STEPS, (uint32_t)ZS_SACK_STEPS_MAX);
	for (unsigned i = 0; i < n; i++) {
		bool valid = zs_seq_lt(b[i].left, b[i].right) &&
			     zs_seq_geq(b[i].left, tcb->snd_una) &&
			     zs_seq_leq(b[i].right, tcb->snd_nxt);

		if (!valid || !(seen_before(sc, b[i]) || walk(s, tcb, b[i], a)))
			b[i] = (struct zs_sack_block){ 0 };
	}
	memcpy(sc->seen, b, sizeof(b));
}

void zs_sack_forget(struct zs_stack *s, struct zs_tcb *tcb)
{
	struct zs_score *sc = zs_score(s, tcb);

	for (struct rte_mbuf *m = tcb->sndq.head; m != NULL && m != tcb->unsent;
	     m = zs_seg(m)->next)
		zs_seg(m)->flags &= (uint8_t)~ZS_SEG_SACKED;
	tcb->sacked = 0;
	sc->lost_hint = sc->sack_hint = NULL;
	memset(sc->seen, 0, sizeof(sc->seen));
}
