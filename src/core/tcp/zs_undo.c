/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Was it a loss at all? Three ways to find out that it was not: the echoed timestamp is older than
 * the first retransmission (Eifel, RFC 3522); all that was sent again is reported as duplicate
 * (D-SACK, RFC 3708); after a timeout, what was sent once and before it goes on being acknowledged
 * (F-RTO, RFC 5682). The response is to undo: what was taken for lost no longer is, the window may
 * grow back to what it was, and congestion control gets its state back (RFC 4015, RFC 9438 4.9).
 */
#include "core/tcp/zs_cc.h"
#include "core/tcp/zs_queue.h"
#include "core/tcp/zs_score.h"

void zs_undo_save(struct zs_stack *s, struct zs_tcb *tcb)
{
	struct zs_score *sc = zs_score_wake(s, tcb);
	struct rte_mbuf *m = tcb->sndq.head;

	/* what was sent again before would be taken for the answer to what is sent again now */
	sc->undo = tcb->retx == 0 && (m == NULL || zs_seg(m)->tx_count <= 1);
	sc->undo_first_ack = true;
	sc->retx_sent = false;
	sc->frto = ZS_FRTO_OFF;
	sc->undo_una = tcb->snd_una;
	sc->undo_retx = 0;
	sc->prior_cwnd = tcb->cwnd;
	sc->prior_ssthresh = tcb->ssthresh;
	sc->prior_kind = tcb->cc;
	memcpy(sc->prior_cc, tcb->cc_priv, sizeof(sc->prior_cc));
}

/* What recovery did before is not undone, and what a timeout did before not by halves: the window
 * of before the first of several in a row is the one to return to. */
void zs_undo_on_rto(struct zs_stack *s, struct zs_tcb *tcb)
{
	if (tcb->ca_state == ZS_CA_OPEN) {
		zs_undo_save(s, tcb);
		zs_score(s, tcb)->frto = ZS_FRTO_RESENT;
		zs_score(s, tcb)->frto_end = tcb->snd_una;
		return;
	}
	zs_score(s, tcb)->frto = ZS_FRTO_OFF;
	if (tcb->retx_count == 0)
		zs_undo_forget(s, tcb);
}

void zs_undo_forget(struct zs_stack *s, struct zs_tcb *tcb)
{
	if (tcb->flags & ZS_TF_SCORE)
		zs_score(s, tcb)->undo = false;
}

void zs_undo_retx(struct zs_stack *s, struct zs_tcb *tcb, const struct zs_seg *seg)
{
	struct zs_score *sc = zs_score(s, tcb);

	if (tcb->ca_state == ZS_CA_OPEN)
		return;
	if (sc->frto == ZS_FRTO_RESENT)
		sc->frto_end = seg->seq + seg->len;
	if (!sc->undo)
		return;
	if (!sc->retx_sent)
		sc->retx_ts = s->now_ms + tcb->ts_off;
	sc->retx_sent = true;
	sc->undo_retx += seg->len;
}

/* Nothing is lost any more. What was sent again counts as a second copy in flight. */
static void forget_losses(struct zs_tcb *tcb, struct zs_score *sc)
{
	for (struct rte_mbuf *m = tcb->sndq.head; m != NULL && m != tcb->unsent;
	     m = zs_seg(m)->next)
		zs_seg(m)->flags &= (uint8_t)~ZS_SEG_LOST;
	tcb->lost = 0;
	tcb->flags &= ~(uint32_t)ZS_TF_FIN_LOST;
	sc->lost_hint = sc->retx_hint = NULL;
}

/* That is what it was, then; without SACK, as far as duplicate ACKs tell. */
static void note_reordering(const struct zs_tcb *tcb, struct zs_score *sc)
{
	uint32_t by = RTE_MIN(tcb->dupacks, (uint32_t)ZS_REORDERING_MAX);

	sc->reordered = true;
	if (tcb->flags & ZS_TF_SACK)
		return;
	sc->reord_seen++;
	sc->reordering = (uint16_t)RTE_MAX(by, (uint32_t)sc->reordering);
}

/* RFC 4015 3: back to the window of before in slow start, without a burst. */
static void undo(struct zs_stack *s, struct zs_tcb *tcb, struct zs_score *sc)
{
	const struct zs_cc_ops *cc = zs_cc_find(tcb->cc);
	uint32_t burst = zs_cc_initial_window(s, tcb->mss);

	if (tcb->ca_state == ZS_CA_RECOVERY)
		note_reordering(tcb, sc);
	sc->undo = false;
	sc->frto = ZS_FRTO_OFF;
	forget_losses(tcb, sc);
	tcb->ca_state = ZS_CA_OPEN;
	tcb->dupacks = 0;
	tcb->ssthresh = RTE_MAX(tcb->ssthresh, RTE_MAX(sc->prior_ssthresh, sc->prior_cwnd));
	burst += zs_inflight(tcb);
	tcb->cwnd = RTE_MAX(tcb->cwnd, RTE_MIN(sc->prior_cwnd, burst));
	if (sc->prior_kind == tcb->cc && cc->on_undo != NULL)
		cc->on_undo(s, tcb, sc->prior_cc);
	s->stats.tcp_undo++;
	zs_output_later(s, tcb);
}

/* What the network duplicates may have been sent once; of what is acknowledged we do not know. */
static bool sent_again(const struct zs_tcb *tcb, uint32_t seq)
{
	struct rte_mbuf *m = tcb->sndq.head;

	if (zs_seq_lt(seq, tcb->snd_una))
		return true;
	while (m != NULL && m != tcb->unsent && zs_seq_leq(zs_seg(m)->seq + zs_seg(m)->len, seq))
		m = zs_seg(m)->next;
	return m != NULL && zs_seg(m)->tx_count > 1;
}

void zs_undo_on_dsack(struct zs_stack *s, struct zs_tcb *tcb, struct zs_ack *a)
{
	struct zs_score *sc = zs_score(s, tcb);
	uint32_t len = a->dsack_end - a->dsack_left;

	if (!sc->undo || sc->undo_retx == 0 || !zs_seq_lt(a->dsack_left, a->dsack_end))
		return;
	if (zs_seq_lt(a->dsack_left, sc->undo_una) || zs_seq_gt(a->dsack_end, tcb->recover) ||
	    !sent_again(tcb, a->dsack_left))
		return;
	sc->undo_retx -= RTE_MIN(len, sc->undo_retx);
	if (sc->undo_retx != 0)
		return;
	undo(s, tcb, sc);
	a->undone = true;
}

/* Room for a full segment of new data, which nothing but cwnd keeps back? */
static bool has_new_data(const struct zs_tcb *tcb)
{
	uint32_t edge = tcb->snd_una + tcb->snd_wnd;

	return tcb->unsent != NULL && zs_unsent_bytes(tcb) >= tcb->mss &&
	       zs_seq_geq(edge, tcb->snd_nxt + tcb->mss);
}

/*
 * RFC 5682 2.1, and 3.1 where there is SACK. Step 2: the segment that was sent again is
 * acknowledged, and new data goes out. Step 3: the next ACK brings something of before the timeout
 * that was sent once, or it does not.
 */
static void frto_on_ack(struct zs_stack *s, struct zs_tcb *tcb, struct zs_score *sc,
			const struct zs_ack *a)
{
	enum zs_frto step = sc->frto;

	if (zs_seq_geq(tcb->snd_una, tcb->recover)) {
		sc->frto = ZS_FRTO_OFF;
		return;
	}
	if (step == ZS_FRTO_RESENT && a->acked > 0 && zs_seq_lt(tcb->snd_una, sc->frto_end))
		return; /* a part of it */
	sc->frto = ZS_FRTO_OFF;
	if (step == ZS_FRTO_NEW_DATA && (a->sack_old || (a->acked > 0 && a->has_tx))) {
		undo(s, tcb, sc);
	} else if (step == ZS_FRTO_RESENT && a->acked > 0 && has_new_data(tcb)) {
		sc->frto = ZS_FRTO_NEW_DATA;
		tcb->cwnd = zs_inflight(tcb) + 2u * tcb->mss;
	} else if (step == ZS_FRTO_NEW_DATA && !(tcb->flags & ZS_TF_SACK)) {
		/* step 3a; duplicate ACKs of the new data, too, are of before (RFC 6582 3.2) */
		tcb->recover = tcb->snd_nxt;
		tcb->cwnd = zs_inflight(tcb) + 2u * tcb->mss;
	}
}

void zs_undo_on_ack(struct zs_stack *s, struct zs_tcb *tcb, const struct zs_ack *a)
{
	struct zs_score *sc = zs_score(s, tcb);

	if (a->acked > 0 && sc->undo && sc->retx_sent && sc->undo_first_ack) {
		sc->undo_first_ack = false;
		if (a->has_echo && zs_seq_lt(a->echo, sc->retx_ts)) {
			undo(s, tcb, sc);
			return;
		}
	}
	if (sc->frto != ZS_FRTO_OFF)
		frto_on_ack(s, tcb, sc, a);
}
