/* SPDX-License-Identifier: BSD-3-Clause */
/* Sending again: what was lost (RFC 6675 4), and the last segment as a probe (RFC 8985 7.3). */
#include "core/tcp/zs_ack.h"
#include "core/tcp/zs_outcome.h"
#include "core/tcp/zs_score.h"

static bool to_be_resent(struct rte_mbuf *m)
{
	return (zs_seg(m)->flags & (ZS_SEG_LOST | ZS_SEG_RETX | ZS_SEG_SACKED)) == ZS_SEG_LOST;
}

static struct rte_mbuf *next_lost(struct zs_stack *s, struct zs_tcb *tcb)
{
	struct zs_score *sc = zs_score(s, tcb);
	struct rte_mbuf *m = sc->retx_hint;

	m = m == NULL ? tcb->sndq.head : zs_seg(m)->next;
	for (; m != NULL && m != tcb->unsent; m = zs_seg(m)->next) {
		if (to_be_resent(m))
			return m;
		sc->retx_hint = m;
	}
	return NULL;
}

bool zs_resend_due(struct zs_stack *s, struct zs_tcb *tcb)
{
	return tcb->lost > 0 && next_lost(s, tcb) != NULL;
}

/*
 * Lost neighbours that fit into one segment with m. Records that were sent one by one end where
 * segments ended; those of packets that the device cut do not, and are cut here.
 */
static uint32_t gather_lost(struct zs_stack *s, struct zs_tcb *tcb, struct rte_mbuf *m)
{
	uint32_t len = zs_seg(m)->len;
	unsigned max = s->netif[tcb->netif].seg_bufs;

	for (unsigned pieces = 1; pieces < max && len < tcb->mss; pieces++) {
		if (zs_seg(m)->apart)
			break;
		m = zs_seg(m)->next;
		if (m == NULL || m == tcb->unsent || !to_be_resent(m))
			break;
		if (len + zs_seg(m)->len > tcb->mss &&
		    (!zs_tcb_tso(s, tcb) || zs_sndq_split(s, tcb, m, tcb->mss - len) < 0))
			break;
		len += zs_seg(m)->len;
	}
	return len;
}

static bool fin_follows(const struct zs_tcb *tcb, uint32_t end)
{
	return (tcb->flags & ZS_TF_FIN_SENT) != 0 && end == tcb->snd_nxt - 1;
}

/*
 * Whole records of len bytes in all: does a write end with the last of them, or what went out
 * together and does so again? run_end: where what was sent again before them in this turn ends.
 */
static bool ends_again(struct rte_mbuf *m, uint32_t len, uint32_t run_end)
{
	bool follows = zs_seg(m)->seq == run_end;

	while (zs_seg(m)->len < len) {
		len -= zs_seg(m)->len;
		m = zs_seg(m)->next;
	}
	return zs_seg(m)->flags & ZS_SEG_EOR || (follows && zs_seg(m)->ends_run);
}

/* Builds sg, of whole records that were sent before, and sends it. run_end: as in ends_again(). */
static enum zs_outcome resend(struct zs_stack *s, struct zs_tcb *tcb, struct zs_segment *sg,
			      uint32_t *run_end)
{
	struct rte_mbuf *m = sg->first;
	uint32_t left;

	if (!zs_out_room(s, tcb))
		return ZS_OUT_BLOCKED;
	sg->seq = zs_seg(m)->seq;
	sg->flags = ends_again(m, sg->len, *run_end) ? ZS_ACK | ZS_PSH : ZS_ACK;
	if (fin_follows(tcb, sg->seq + sg->len))
		sg->flags |= ZS_FIN;
	if (zs_build_segment(s, tcb, sg) < 0)
		return ZS_OUT_BLOCKED;
	if (sg->flags & ZS_FIN)
		tcb->flags &= ~(uint32_t)ZS_TF_FIN_LOST;
	for (left = sg->len; left > 0; m = zs_seg(m)->next) {
		zs_out_mark(s, tcb, m);
		zs_score_retx(s, tcb, m);
		left -= zs_seg(m)->len;
	}
	*run_end = sg->seq + sg->len;
	/* RFC 6675 6: two round trips may be longer than the timeout */
	if (tcb->ca_state == ZS_CA_RECOVERY && sg->first == tcb->sndq.head)
		zs_retx_restart(s, tcb);
	if (unlikely(tcb->flags & ZS_TF_PACED))
		zs_pace_sent(s, tcb, sg->len);
	tcb->bytes_retx += sg->len;
	tcb->segs_retx++;
	s->stats.tcp_segs_retx++;
	zs_out_acked(tcb);
	zs_out_in_flight(s, tcb);
	return ZS_OUT_SENT;
}

enum zs_outcome zs_resend_one(struct zs_stack *s, struct zs_tcb *tcb, uint16_t wnd,
			      uint32_t *run_end)
{
	struct rte_mbuf *m = next_lost(s, tcb);
	struct zs_segment sg = { .first = m, .wnd = wnd };
	uint32_t fin = tcb->flags & ZS_TF_FIN_SENT ? 1 : 0; /* takes nothing from the data */

	if (m == NULL || zs_score(s, tcb)->frto == ZS_FRTO_NEW_DATA)
		return ZS_OUT_NOTHING;
	if (zs_seg(m)->len > tcb->mss && zs_sndq_split(s, tcb, m, tcb->mss) < 0)
		return ZS_OUT_BLOCKED;
	sg.len = gather_lost(s, tcb, m);
	if (zs_inflight(tcb) + sg.len > tcb->cwnd + fin)
		return ZS_OUT_NOTHING;
	if (unlikely(tcb->flags & ZS_TF_PACED) && !zs_pace_ready(s, tcb))
		return ZS_OUT_NOTHING;
	return resend(s, tcb, &sg, run_end);
}

/*
 * The segment that was sent last, as far as can be told: records that went in one turn share
 * segments as gather_new() has it, and where the device cuts, full ones. NULL: there is none;
 * *skip: so much of its first record belongs to the one before.
 */
static struct rte_mbuf *last_sent(const struct zs_stack *s, const struct zs_tcb *tcb, uint32_t *len,
				  uint32_t *skip)
{
	unsigned pieces = 0, max = s->netif[tcb->netif].seg_bufs;
	struct rte_mbuf *first = NULL, *before = NULL;
	bool tso = zs_tcb_tso(s, tcb);

	for (struct rte_mbuf *m = tcb->sndq.head; m != NULL && m != tcb->unsent;
	     before = m, m = zs_seg(m)->next) {
		const struct zs_seg *seg = zs_seg(m);

		if (before == NULL || zs_seg(before)->apart || pieces == max ||
		    seg->tx_us != zs_seg(before)->tx_us || (!tso && *len + seg->len > tcb->mss)) {
			first = m;
			*len = *skip = pieces = 0;
		}
		*len += seg->len;
		pieces++;
		if (*len > tcb->mss) {
			first = m;
			*len = (*len - 1) % tcb->mss + 1;
			*skip = seg->len - *len;
			pieces = 1;
		}
	}
	return first;
}

enum zs_outcome zs_resend_last(struct zs_stack *s, struct zs_tcb *tcb, uint16_t wnd)
{
	uint32_t len = 0, skip = 0, run_end = tcb->snd_nxt;
	struct zs_segment sg = { .first = last_sent(s, tcb, &len, &skip), .wnd = wnd };

	if (sg.first == NULL) { /* FIN is all that is in flight */
		tcb->flags |= ZS_TF_FIN_LOST;
		return ZS_OUT_SENT;
	}
	if (skip > 0) {
		if (zs_sndq_split(s, tcb, sg.first, skip) < 0)
			return ZS_OUT_BLOCKED;
		sg.first = zs_seg(sg.first)->next;
	}
	sg.len = len;
	return resend(s, tcb, &sg, &run_end);
}
