/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ECN: what SYNs agree on (RFC 3168 6.1.1), the receiver's echo (6.1.3, RFC 8257 3.2) and the
 * sender's reaction (6.1.2). Marks of packets: only new data is ECT(0), never a retransmission, a
 * probe, a pure ACK or a SYN (6.1.4, 6.1.5, 6.1.6); that is zs_output.c and zs_build.c.
 */
#include "core/tcp/zs_ecn.h"

#include "core/tcp/zs_cc.h"
#include "core/tcp/zs_output.h"
#include "core/tcp/zs_score.h"

enum { SETUP = ZS_ECE | ZS_CWR };

/* Who is it for, but a connection whose congestion control is nothing without? */
static bool enabled(const struct zs_stack *s, uint8_t cc, bool active)
{
	if (zs_cc_find(cc)->needs_ecn)
		return true;
	return s->cfg.ecn == ZS_ECN_ON || (s->cfg.ecn == ZS_ECN_PASSIVE && !active);
}

uint8_t zs_ecn_syn(const struct zs_stack *s, struct zs_tcb *tcb)
{
	tcb->flags &= ~(uint32_t)ZS_TF_ECN_SYN;
	/* 6.1.1.1: somebody on the way may drop SYNs that ask */
	if (tcb->retx_count > s->cfg.ecn_retries || !enabled(s, tcb->cc, true))
		return 0;
	tcb->flags |= ZS_TF_ECN_SYN;
	return SETUP;
}

bool zs_ecn_accept(const struct zs_stack *s, uint8_t cc, const struct zs_pktinfo *syn)
{
	/* A SYN is never ECT (6.1.1): here the field is not what the peer wrote. */
	return (syn->tcp_flags & SETUP) == SETUP && zs_ecn_field(syn) == ZS_ECN_NOT_ECT &&
	       enabled(s, cc, false);
}

bool zs_ecn_agreed(const struct zs_stack *s, const struct zs_tcb *tcb, const struct zs_pktinfo *pi)
{
	if (!(tcb->flags & ZS_TF_ECN_SYN))
		return false;
	if (!(pi->tcp_flags & ZS_ACK)) /* simultaneous open */
		return zs_ecn_accept(s, tcb->cc, pi);
	/* Both flags are a reflection by one who does not know them (6.1.1). */
	return (pi->tcp_flags & SETUP) == ZS_ECE;
}

/*
 * RFC 8257 3.2: each ACK says whether all that it acknowledges was marked, or none. So what was
 * received before a change is acknowledged before it.
 */
static void echo_exactly(struct zs_stack *s, struct zs_tcb *tcb, bool ce)
{
	if (ce == ((tcb->flags & ZS_TF_ECE) != 0))
		return;
	if (tcb->rcv_nxt != tcb->rcv_acked)
		zs_send_ack(s, tcb);
	tcb->flags ^= ZS_TF_ECE;
}

void zs_ecn_receive(struct zs_stack *s, struct zs_tcb *tcb, const struct zs_pktinfo *pi)
{
	enum zs_ecn_field field = zs_ecn_field(pi);

	if (field != ZS_ECN_NOT_ECT)
		tcb->flags |= ZS_TF_ECT_SEEN;
	s->stats.tcp_ecn_ce += field == ZS_ECN_CE;
	if (tcb->cc == ZS_CC_DCTCP) {
		echo_exactly(s, tcb, field == ZS_ECN_CE);
		return;
	}
	if (pi->tcp_flags & ZS_CWR)
		tcb->flags &= ~(uint32_t)ZS_TF_ECE;
	if (field == ZS_ECN_CE)
		tcb->flags |= ZS_TF_ECE;
}

/* The reaction of 6.1.2: as to a loss, but nothing is missing. */
static void reduce(struct zs_stack *s, struct zs_tcb *tcb, const struct zs_ack *a)
{
	const struct zs_cc_ops *cc = zs_cc_find(tcb->cc);

	zs_undo_forget(s, tcb);
	tcb->ssthresh =
		cc->on_ecn != NULL ? cc->on_ecn(s, tcb) : cc->on_congestion(s, tcb, a->inflight);
	(void)zs_score_wake(s, tcb);
	zs_prr_start(s, tcb);
	tcb->recover = tcb->snd_nxt;
	tcb->flags |= ZS_TF_ECN_CUT;
	zs_ecn_reduced(tcb);
	s->stats.tcp_ecn_cuts++;
}

/*
 * The window comes down as in fast recovery (RFC 9937), and does not grow meanwhile. A mark is no
 * progress without further congestion: what it comes with earns no segment more.
 */
static void come_down(struct zs_stack *s, struct zs_tcb *tcb, const struct zs_ack *a)
{
	uint32_t delivered = a->acked;

	if (zs_marked(tcb) || a->sacked_before > 0)
		delivered += tcb->sacked - a->sacked_before;
	zs_prr_on_ack(s, tcb, delivered, a->acked > 0 && !a->ece);
}

void zs_ecn_on_ack(struct zs_stack *s, struct zs_tcb *tcb, struct zs_ack *a)
{
	const struct zs_cc_ops *cc = zs_cc_find(tcb->cc);
	bool all = zs_seq_geq(tcb->snd_una, tcb->recover); /* of the window that was reduced */

	if (tcb->flags & ZS_TF_ECN_CUT && all) {
		if (tcb->ca_state == ZS_CA_OPEN && cc->on_rate == NULL &&
		    zs_seq_lt(tcb->snd_una - a->acked, tcb->recover))
			tcb->cwnd = tcb->ssthresh;
		/* the echo goes on until CWR arrives, which is with what was sent next */
		if (tcb->snd_una != tcb->recover)
			tcb->flags &= ~(uint32_t)ZS_TF_ECN_CUT;
	}
	if (cc->on_marks != NULL)
		cc->on_marks(s, tcb, a);
	/* once per window of data, be it for marks or for losses */
	if (a->ece && !(tcb->flags & ZS_TF_ECN_CUT) && tcb->ca_state == ZS_CA_OPEN) {
		reduce(s, tcb, a);
		all = false;
	}
	if (!(tcb->flags & ZS_TF_ECN_CUT) || tcb->ca_state != ZS_CA_OPEN)
		return;
	if (!all)
		come_down(s, tcb, a);
	a->ece = true;
}
