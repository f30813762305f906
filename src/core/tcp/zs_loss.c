/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Loss recovery: what is lost is found by RACK (zs_rack.c) where there is SACK, by duplicate ACKs
 * (RFC 5681 3.2, RFC 6582) where there is none, and by a timeout (RFC 5681 3.1, RFC 6298 5).
 * Decides how the window reacts; the records to send again are found by their marks in zs_output.c.
 */
#include "core/tcp/zs_ack.h"
#include "core/tcp/zs_cc.h"
#include "core/tcp/zs_ecn.h"
#include "core/tcp/zs_queue.h"
#include "core/tcp/zs_score.h"

/* Without SACK one segment is lost, as far as we know: the first. */
static void mark_head_lost(struct zs_stack *s, struct zs_tcb *tcb)
{
	struct rte_mbuf *m = tcb->sndq.head;
	uint32_t left = 0;

	if (m != NULL && m != tcb->unsent)
		left = RTE_MIN(zs_sndq_segment(s, tcb, m), (uint32_t)tcb->mss);
	else if (tcb->flags & ZS_TF_FIN_SENT)
		tcb->flags |= ZS_TF_FIN_LOST;
	for (; left > 0; m = zs_seg(m)->next) {
		if (zs_seg(m)->len > left)
			(void)zs_sndq_split(s, tcb, m, left); /* or more than needed */
		zs_score_lost(s, tcb, m);
		left -= RTE_MIN(left, zs_seg(m)->len);
	}
}

static void enter_recovery(struct zs_stack *s, struct zs_tcb *tcb, uint32_t inflight)
{
	bool covered = zs_ecn_covers(tcb);

	tcb->ca_state = ZS_CA_RECOVERY;
	tcb->recover = tcb->snd_nxt;
	tcb->tlp = ZS_TLP_NONE;
	zs_undo_save(s, tcb);
	if (!covered)
		tcb->ssthresh = zs_cc_find(tcb->cc)->on_congestion(s, tcb, inflight);
	zs_prr_start(s, tcb);
	zs_ecn_reduced(tcb);
	s->stats.tcp_fast_retx++;
}

static void leave_recovery(struct zs_stack *s, struct zs_tcb *tcb)
{
	bool sack = (tcb->flags & ZS_TF_SACK) != 0;
	uint32_t flight = RTE_MAX(zs_inflight(tcb), (uint32_t)tcb->mss);

	/* RFC 6582 3.2 step 3: no burst after a guess; with SACK cwnd is ssthresh, and stays it
	 * (RFC 6675 5) */
	if (tcb->ca_state == ZS_CA_RECOVERY && zs_cc_find(tcb->cc)->on_rate == NULL)
		tcb->cwnd = sack ? tcb->ssthresh : RTE_MIN(tcb->ssthresh, flight + tcb->mss);
	tcb->ca_state = ZS_CA_OPEN;
	tcb->dupacks = 0;
	if (sack)
		zs_rack_recovered(s, tcb);
	else
		tcb->sacked = 0;
}

/* Without SACK, each duplicate ACK says that one segment, we do not know which, has left the
 * network. */
static void reno_dupack(struct zs_stack *s, struct zs_tcb *tcb)
{
	uint32_t out = tcb->snd_nxt - tcb->snd_una;

	(void)zs_score_wake(s, tcb);
	if (tcb->sacked + 2u * tcb->mss <= out)
		tcb->sacked += tcb->mss;
}

static void reno_partial_ack(struct zs_stack *s, struct zs_tcb *tcb, uint32_t acked)
{
	uint32_t known = acked > tcb->mss ? acked - tcb->mss : 0;

	tcb->sacked -= RTE_MIN(tcb->sacked, known);
	mark_head_lost(s, tcb);
}

/*
 * Without SACK the third duplicate ACK tells of a loss (RFC 5681 3.2). Where undone recoveries have
 * shown that segments come later than that, it is one more than the latest, or, where less is in
 * flight, all of that (RFC 4653 3).
 */
static uint32_t dup_thresh(struct zs_stack *s, const struct zs_tcb *tcb)
{
	uint32_t flight = (tcb->snd_nxt - tcb->snd_una) / tcb->mss;
	uint32_t late = tcb->flags & ZS_TF_SCORE ? zs_score(s, tcb)->reordering + 1u : 0;

	return RTE_MAX(RTE_MIN(late, flight - RTE_MIN(flight, 1u)), (uint32_t)ZS_DUP_THRESH);
}

/*
 * Finds what is lost. Returns whether something is that was not so before: what did not fit the
 * path (RFC 1191 6.4), or did not come with a SYN (RFC 7413 4.2.1), is sent again, but tells
 * nothing of congestion.
 */
static bool find_losses(struct zs_stack *s, struct zs_tcb *tcb)
{
	uint32_t before = tcb->lost - tcb->retx;

	if (tcb->flags & ZS_TF_SACK)
		zs_rack_detect(s, tcb);
	else if (tcb->ca_state == ZS_CA_OPEN && tcb->dupacks >= dup_thresh(s, tcb))
		mark_head_lost(s, tcb);
	return zs_seq_gt(tcb->lost - tcb->retx, before) || tcb->flags & ZS_TF_FIN_LOST;
}

/*
 * Something is lost, as find_losses() has it: does recovery begin? In recovery PRR heeds it. After
 * a timeout it is the answer to that, unless it was sent again meanwhile (RFC 8985 9.3).
 */
static bool tells_of_congestion(const struct zs_stack *s, const struct zs_tcb *tcb, bool found,
				uint64_t lost_again)
{
	if (tcb->ca_state == ZS_CA_LOSS)
		return s->stats.tcp_lost_retx != lost_again;
	return found && tcb->ca_state == ZS_CA_OPEN;
}

/*
 * What was lost is repaired. After a timeout without SACK there are duplicate ACKs still to come,
 * of what was repeated for nothing: they say nothing until something newer is acknowledged (RFC
 * 6582 3.2 steps 1 and 4).
 */
static bool recovered(const struct zs_tcb *tcb)
{
	bool beyond = tcb->ca_state == ZS_CA_LOSS && !(tcb->flags & ZS_TF_SACK);

	return zs_seq_geq(tcb->snd_una, tcb->recover + beyond);
}

void zs_loss_on_ack(struct zs_stack *s, struct zs_tcb *tcb, const struct zs_ack *a)
{
	bool sack = (tcb->flags & ZS_TF_SACK) != 0, found, left = false;
	uint64_t lost_again = s->stats.tcp_lost_retx;
	uint32_t lost;

	if (tcb->ca_state != ZS_CA_OPEN)
		zs_undo_on_ack(s, tcb, a);
	if (tcb->ca_state != ZS_CA_OPEN && recovered(tcb)) {
		leave_recovery(s, tcb);
		left = true;
	}
	if (a->acked > 0 && tcb->ca_state != ZS_CA_RECOVERY) {
		tcb->dupacks = 0;
		if (!sack)
			tcb->sacked = 0;
	}
	if (a->dup) {
		tcb->dupacks++;
		/* after a timeout only of what is new since: a single segment is in flight else
		 * (RFC 5681 3.1), and the rest answers what was before */
		if (!sack && (tcb->ca_state != ZS_CA_LOSS || zs_seq_gt(tcb->snd_nxt, tcb->recover)))
			reno_dupack(s, tcb);
	} else if (a->acked > 0 && !sack && tcb->ca_state == ZS_CA_RECOVERY) {
		reno_partial_ack(s, tcb, a->acked);
	}
	lost = tcb->lost;
	found = find_losses(s, tcb) || (left && tcb->lost > 0);
	if (tells_of_congestion(s, tcb, found, lost_again))
		enter_recovery(s, tcb, a->inflight);
	if (tcb->ca_state == ZS_CA_RECOVERY)
		zs_prr_on_ack(s, tcb, a->acked + tcb->sacked - a->sacked_before,
			      a->acked > 0 && tcb->lost <= lost);
}

void zs_loss_on_reorder_timer(struct zs_stack *s, struct zs_tcb *tcb)
{
	uint32_t inflight = zs_inflight(tcb);
	uint64_t lost_again = s->stats.tcp_lost_retx;
	bool found = find_losses(s, tcb);

	if (tells_of_congestion(s, tcb, found, lost_again))
		enter_recovery(s, tcb, inflight);
	if (tcb->ca_state == ZS_CA_RECOVERY)
		zs_prr_on_ack(s, tcb, 0, false);
	zs_retx_arm(s, tcb);
	zs_output_later(s, tcb);
}

void zs_loss_repaired(struct zs_stack *s, struct zs_tcb *tcb)
{
	if (tcb->ca_state != ZS_CA_OPEN || zs_ecn_covers(tcb))
		return;
	zs_undo_forget(s, tcb);
	tcb->ssthresh = zs_cc_find(tcb->cc)->on_congestion(s, tcb, zs_inflight(tcb));
	tcb->cwnd = tcb->ssthresh;
	zs_ecn_reduced(tcb);
}

/* Without SACK all that was sent is taken for lost (RFC 5681 3.1). */
static void all_lost(struct zs_stack *s, struct zs_tcb *tcb)
{
	struct zs_score *sc = zs_score_wake(s, tcb);

	tcb->sacked = 0;
	sc->reordering = 0; /* perhaps it was not as large as that */
	for (struct rte_mbuf *m = tcb->sndq.head; m != NULL && m != tcb->unsent;
	     m = zs_seg(m)->next)
		zs_score_lost(s, tcb, m);
	sc->retx_hint = NULL;
}

void zs_loss_on_rto(struct zs_stack *s, struct zs_tcb *tcb)
{
	uint32_t inflight = zs_inflight(tcb);

	zs_undo_on_rto(s, tcb);
	if (!(tcb->flags & ZS_TF_SACK)) {
		all_lost(s, tcb);
	} else {
		/* RFC 2018 8: SACK information may be stale; the head is SACKed only if it is. */
		if (tcb->sndq.head != NULL && zs_seg(tcb->sndq.head)->flags & ZS_SEG_SACKED)
			zs_sack_forget(s, tcb);
		zs_rack_on_rto(s, tcb);
	}
	if (tcb->flags & ZS_TF_FIN_SENT)
		tcb->flags |= ZS_TF_FIN_LOST;
	/* RFC 5681 3.1 (4): once per loss event, not for each timeout of the same data */
	if (tcb->retx_count == 0) {
		tcb->ssthresh = zs_cc_find(tcb->cc)->on_congestion(s, tcb, inflight);
		tcb->recover = tcb->snd_nxt;
		tcb->flags &= ~(uint32_t)ZS_TF_ECN_CUT; /* was for what was before */
	}
	zs_cc_find(tcb->cc)->on_rto(s, tcb);
	tcb->ca_state = ZS_CA_LOSS;
	tcb->tlp = ZS_TLP_NONE;
	zs_ecn_reduced(tcb);
	tcb->cwnd = zs_inflight(tcb) + tcb->mss;
	tcb->dupacks = 0;
}
