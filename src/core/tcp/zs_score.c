/* SPDX-License-Identifier: BSD-3-Clause */
/* Keeps marks, counts, places and the FIFO of retransmissions of a scoreboard in agreement. */
#include "core/tcp/zs_score.h"

#include "core/tcp/zs_ack.h"

struct zs_score *zs_score_wake(struct zs_stack *s, struct zs_tcb *tcb)
{
	struct zs_score *sc = zs_score(s, tcb);

	if (!(tcb->flags & ZS_TF_SCORE)) {
		*sc = (struct zs_score){
			.reo_wnd_mult = 1,
			.sack_steps = ZS_SACK_STEPS_MAX,
			.dsack_round = tcb->snd_una,
		};
		tcb->flags |= ZS_TF_SCORE;
	} else if (zs_marked(tcb)) {
		return sc;
	}
	sc->sack_hint = sc->lost_hint = sc->retx_hint = NULL;
	zs_list_init(&sc->retx);
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
		zs_score_unretx(tcb, m);
	seg->flags |= ZS_SEG_RETX;
	tcb->retx += seg->len;
	zs_undo_retx(s, tcb, seg);
	zs_list_add_tail(&sc->retx, &seg->retx);
}

void zs_score_unretx(struct zs_tcb *tcb, struct rte_mbuf *m)
{
	struct zs_seg *seg = zs_seg(m);

	zs_list_del(&seg->retx);
	seg->flags &= (uint8_t)~ZS_SEG_RETX;
	tcb->retx -= seg->len;
}

void zs_score_lost(struct zs_stack *s, struct zs_tcb *tcb, struct rte_mbuf *m)
{
	struct zs_score *sc = zs_score_wake(s, tcb);
	struct zs_seg *seg = zs_seg(m);

	if (seg->flags & ZS_SEG_RETX)
		zs_score_unretx(tcb, m);
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
		zs_score_unretx(tcb, m);
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
	if (zs_seg(m)->flags & ZS_SEG_RETX) /* the rest goes on behind it */
		zs_list_add_head(&zs_seg(m)->retx, &zs_seg(c)->retx);
}
