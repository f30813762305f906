/* SPDX-License-Identifier: BSD-3-Clause */
/* Keeps marks, counts, places and the FIFO of retransmissions of a scoreboard in agreement. */
#include "core/tcp/zs_score.h"

#include "core/tcp/zs_ack.h"

struct zs_score *zs_score_wake(struct zs_stack *s, struct zs_tcb *tcb)
{
	struct zs_score *sc = zs_score(s, tcb);

	if (!(tcb->flags & ZS_TF_SCORE)) {
		*sc = (struct zs_score){ .reo_wnd_mult = 1, .sack_steps = ZS_SACK_STEPS_MAX };
		tcb->flags |= ZS_TF_SCORE;
	} else if (zs_marked(tcb)) {
		return sc;
	}
	sc->sack_hint = sc->lost_hint = sc->retx_hint = NULL;
	sc->retx_head = sc->retx_tail = NULL;
	memset(sc->seen, 0, sizeof(sc->seen));
	sc->fack = tcb->snd_una;
	sc->rack_valid = sc->reo_pending = false;
	return sc;
}

void zs_score_retx(struct zs_stack *s, struct zs_tcb *tcb, struct rte_mbuf *m)
{
	struct zs_score *sc = zs_score_wake(s, tcb);
	struct zs_seg *seg = zs_seg(m);

	if (seg->flags & ZS_SEG_RETX)
		zs_score_unretx(s, tcb, m);
	seg->flags |= ZS_SEG_RETX;
	tcb->retx += seg->len;
	zs_undo_retx(s, tcb, seg);
	seg->retx_next = NULL;
	seg->retx_prev = sc->retx_tail;
	if (sc->retx_head == NULL)
		sc->retx_head = m;
	else
		zs_seg(sc->retx_tail)->retx_next = m;
	sc->retx_tail = m;
}

void zs_score_unretx(struct zs_stack *s, struct zs_tcb *tcb, struct rte_mbuf *m)
{
	struct zs_score *sc = zs_score(s, tcb);
	struct zs_seg *seg = zs_seg(m);

	if (seg->retx_prev == NULL)
		sc->retx_head = seg->retx_next;
	else
		zs_seg(seg->retx_prev)->retx_next = seg->retx_next;
	if (seg->retx_next == NULL)
		sc->retx_tail = seg->retx_prev;
	else
		zs_seg(seg->retx_next)->retx_prev = seg->retx_prev;
	seg->flags &= (uint8_t)~ZS_SEG_RETX;
	tcb->retx -= seg->len;
}

void zs_score_lost(struct zs_stack *s, struct zs_tcb *tcb, struct rte_mbuf *m)
{
	struct zs_score *sc = zs_score_wake(s, tcb);
	struct zs_seg *seg = zs_seg(m);

	if (seg->flags & ZS_SEG_RETX)
		zs_score_unretx(s, tcb, m);
	if (!(seg->flags & ZS_SEG_LOST)) {
		seg->flags |= ZS_SEG_LOST;
		tcb->lost += seg->len;
	}
	if (sc->retx_hint != NULL && zs_seq_leq(seg->seq, zs_seg(sc->retx_hint)->seq))
		sc->retx_hint = NULL;
}

void zs_score_acked(struct zs_stack *s, struct zs_tcb *tcb, struct rte_mbuf *m, uint32_t n)
{
	struct zs_score *sc = zs_score(s, tcb);
	struct zs_seg *seg = zs_seg(m);

	if (seg->flags & ZS_SEG_SACKED)
		tcb->sacked -= n;
	if (seg->flags & ZS_SEG_LOST)
		tcb->lost -= n;
	if (n < seg->len) {
		if (seg->flags & ZS_SEG_RETX)
			tcb->retx -= n;
		return;
	}
	if (seg->flags & ZS_SEG_RETX)
		zs_score_unretx(s, tcb, m);
	if (sc->sack_hint == m)
		sc->sack_hint = NULL;
	if (sc->lost_hint == m)
		sc->lost_hint = NULL;
	if (sc->retx_hint == m)
		sc->retx_hint = NULL;
}

void zs_score_split(struct zs_stack *s, struct zs_tcb *tcb, struct rte_mbuf *m, struct rte_mbuf *c)
{
	struct zs_score *sc;

	if (!zs_marked(tcb))
		return;
	sc = zs_score(s, tcb);
	if (sc->lost_hint == m)
		sc->lost_hint = c;
	if (!(zs_seg(m)->flags & ZS_SEG_RETX))
		return;
	zs_seg(m)->retx_next = c; /* the rest goes on behind it: the links were copied */
	zs_seg(c)->retx_prev = m;
	if (sc->retx_tail == m)
		sc->retx_tail = c;
	else
		zs_seg(zs_seg(c)->retx_next)->retx_prev = c;
}
