/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Loss detection and recovery: with SACK by RFC 6675, without it by NewReno (RFC 6582), and after a
 * timeout (RFC 5681 3.1, RFC 6298 5). Decides what is lost and how the window reacts; the records
 * to send again are found by their marks in zs_output.c. Another detector would replace detect().
 */
#include "core/tcp/zs_ack.h"
#include "core/tcp/zs_cc.h"
#include "core/tcp/zs_ecn.h"
#include "core/tcp/zs_queue.h"

enum { DUP_THRESH = 3 };

static void mark_lost(struct zs_tcb *tcb, struct rte_mbuf *m)
{
	struct zs_seg *seg = zs_seg(m);

	if (seg->flags & (ZS_SEG_LOST | ZS_SEG_SACKED))
		return;
	seg->flags |= ZS_SEG_LOST;
	tcb->lost += seg->len;
	if (tcb->retx_hint != NULL && zs_seq_leq(seg->seq, zs_seg(tcb->retx_hint)->seq))
		tcb->retx_hint = NULL;
}

/*
 * One segment is lost, as far as we know: the first record, or a segment's worth where the device
 * made the segments.
 */
static void mark_head_lost(struct zs_stack *s, struct zs_tcb *tcb)
{
	struct rte_mbuf *m = tcb->sndq.head;
	uint32_t left = tcb->mss;

	if ((m == NULL || m == tcb->unsent) && tcb->flags & ZS_TF_FIN_SENT)
		tcb->flags |= ZS_TF_FIN_LOST;
	while (m != NULL && m != tcb->unsent && left > 0 && !(zs_seg(m)->flags & ZS_SEG_SACKED)) {
		if (zs_seg(m)->len > left)
			(void)zs_sndq_split(s, tcb, m, left); /* or more than needed */
		mark_lost(tcb, m);
		if (!zs_tcb_tso(s, tcb))
			return;
		left -= RTE_MIN(left, zs_seg(m)->len);
		m = zs_seg(m)->next;
	}
}

/*
 * RFC 6675 4, IsLost(): more than (DupThresh - 1) * SMSS bytes above a record are SACKed. The
 * answer is monotonic from snd_una up, so each record is examined once, from lost_hint on.
 */
static void detect(struct zs_tcb *tcb)
{
	uint32_t thresh = (DUP_THRESH - 1) * (uint32_t)tcb->mss;
	struct rte_mbuf *m = tcb->lost_hint;

	if (tcb->sacked <= thresh)
		return;
	m = m == NULL ? tcb->sndq.head : zs_seg(m)->next;
	for (; m != NULL && m != tcb->unsent; m = zs_seg(m)->next) {
		struct zs_seg *seg = zs_seg(m);
		uint32_t here = seg->flags & ZS_SEG_SACKED ? seg->len : 0;

		if (tcb->sacked - tcb->sacked_below - here <= thresh)
			return;
		tcb->sacked_below += here;
		tcb->lost_hint = m;
		mark_lost(tcb, m);
	}
}

static void enter_recovery(struct zs_stack *s, struct zs_tcb *tcb, const struct zs_ack *a)
{
	tcb->ca_state = ZS_CA_RECOVERY;
	tcb->recover = tcb->snd_nxt;
	if (!zs_ecn_covers(tcb))
		tcb->ssthresh = zs_cc_find(tcb->cc)->on_congestion(s, tcb, a->inflight);
	tcb->cwnd = tcb->ssthresh;
	zs_ecn_reduced(tcb);
	s->stats.tcp_fast_retx++;
}

static void leave_recovery(struct zs_tcb *tcb)
{
	bool sack = (tcb->flags & ZS_TF_SACK) != 0;
	uint32_t flight = RTE_MAX(zs_inflight(tcb), (uint32_t)tcb->mss);

	/* RFC 6582 3.2 step 3: no burst after a guess; with SACK cwnd is ssthresh, and stays it
	 * (RFC 6675 5) */
	if (tcb->ca_state == ZS_CA_RECOVERY && !sack)
		tcb->cwnd = RTE_MIN(tcb->ssthresh, flight + tcb->mss);
	tcb->ca_state = ZS_CA_OPEN;
	tcb->dupacks = 0;
	if (!sack)
		tcb->sacked = 0;
}

/* Without SACK, each duplicate ACK says that one segment, we do not know which, has left the
 * network. */
static void reno_dupack(struct zs_tcb *tcb)
{
	uint32_t out = tcb->snd_nxt - tcb->snd_una;

	if (tcb->sacked + 2u * tcb->mss <= out)
		tcb->sacked += tcb->mss;
}

static void reno_partial_ack(struct zs_stack *s, struct zs_tcb *tcb, uint32_t acked)
{
	uint32_t known = acked > tcb->mss ? acked - tcb->mss : 0;

	tcb->sacked -= RTE_MIN(tcb->sacked, known);
	mark_head_lost(s, tcb);
}

void zs_loss_on_ack(struct zs_stack *s, struct zs_tcb *tcb, const struct zs_ack *a)
{
	bool sack = (tcb->flags & ZS_TF_SACK) != 0;

	if (tcb->ca_state != ZS_CA_OPEN && zs_seq_geq(tcb->snd_una, tcb->recover))
		leave_recovery(tcb);
	if (a->acked > 0 && tcb->ca_state == ZS_CA_OPEN) {
		tcb->dupacks = 0;
		if (!sack)
			tcb->sacked = 0;
	}
	if (a->dup) {
		tcb->dupacks++;
		if (!sack)
			reno_dupack(tcb);
	} else if (a->acked > 0 && !sack && tcb->ca_state == ZS_CA_RECOVERY) {
		reno_partial_ack(s, tcb, a->acked);
	}
	if (sack)
		detect(tcb);
	if (tcb->ca_state != ZS_CA_OPEN)
		return;
	if (tcb->dupacks >= DUP_THRESH)
		mark_head_lost(s, tcb);
	if (tcb->lost > 0 || tcb->flags & ZS_TF_FIN_LOST)
		enter_recovery(s, tcb, a);
}

void zs_loss_on_rto(struct zs_stack *s, struct zs_tcb *tcb)
{
	uint32_t inflight = zs_inflight(tcb);

	/* RFC 2018 8: after a timeout SACK information may be stale; the head is SACKed only if so.
	 */
	if (!(tcb->flags & ZS_TF_SACK))
		tcb->sacked = 0;
	else if (tcb->sndq.head != NULL && zs_seg(tcb->sndq.head)->flags & ZS_SEG_SACKED)
		zs_sack_forget(tcb);
	for (struct rte_mbuf *m = tcb->sndq.head; m != NULL && m != tcb->unsent;
	     m = zs_seg(m)->next) {
		struct zs_seg *seg = zs_seg(m);

		if (seg->flags & ZS_SEG_RETX) {
			seg->flags &= (uint8_t)~ZS_SEG_RETX;
			tcb->retx -= seg->len;
		}
		mark_lost(tcb, m);
	}
	tcb->retx_hint = NULL;
	if (tcb->flags & ZS_TF_FIN_SENT)
		tcb->flags |= ZS_TF_FIN_LOST;
	/* RFC 5681 3.1 (4): once per loss event, not for each timeout of the same data */
	if (tcb->retx_count <= 1) {
		tcb->ssthresh = zs_cc_find(tcb->cc)->on_congestion(s, tcb, inflight);
		tcb->recover = tcb->snd_nxt;
	}
	zs_cc_find(tcb->cc)->on_rto(s, tcb);
	tcb->ca_state = ZS_CA_LOSS;
	zs_ecn_reduced(tcb);
	tcb->cwnd = tcb->mss;
	tcb->dupacks = 0;
}
