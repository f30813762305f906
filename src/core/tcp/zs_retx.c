/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The retransmission timer is one for three (RFC 8985 8): the end of the reordering window when
 * something is under suspicion, a tail loss probe (RFC 8985 7) when all seems well, and behind both
 * the retransmission timeout (RFC 6298 5). The probe makes the peer say what it has, so that a lost
 * tail is found in about two round trips.
 */
#include "core/tcp/zs_ack.h"
#include "core/tcp/zs_queue.h"
#include "core/tcp/zs_score.h"
#include "core/zs_parse.h"

enum {
	MIN_PTO_US = 1000, /* what a host may need to answer, whatever the path is */
	ACK_DELAYS = 3,
};

/*
 * RFC 8985 7.2, TLP_calc_PTO(). A single segment may be acknowledged late: TLP.max_ack_delay is
 * learnt. It is nothing until a probe has turned out to be needless, for many peers never delay an
 * ACK that somebody waits for; then it is the usual delay of hosts, then the longest.
 */
static uint64_t pto_us(const struct zs_stack *s, const struct zs_tcb *tcb)
{
	static const uint32_t max_ack_delay_us[ACK_DELAYS] = { 0, 40000, 200000 };
	uint64_t us = RTE_MAX(2 * (uint64_t)tcb->srtt_us, (uint64_t)MIN_PTO_US);

	if (tcb->snd_nxt - tcb->snd_una <= tcb->mss)
		us += RTE_MAX(max_ack_delay_us[tcb->tlp_delay], s->cfg.tlp_ack_delay_us);
	return us;
}

/* RFC 8985 7.2: a probe needs SACK, a sample of the round trip, nothing SACKed and no recovery. */
static bool may_probe(const struct zs_stack *s, const struct zs_tcb *tcb)
{
	return s->cfg.use_tlp && tcb->flags & ZS_TF_SACK && tcb->ca_state == ZS_CA_OPEN &&
	       tcb->srtt_us != 0 && tcb->tlp == ZS_TLP_NONE && !zs_marked(tcb) &&
	       tcb->retx_count == 0 && zs_tcb_synchronized(tcb);
}

void zs_retx_arm(struct zs_stack *s, struct zs_tcb *tcb)
{
	int32_t left = (int32_t)(tcb->rto_base_us + tcb->rto_us - (uint32_t)s->now_us);
	uint64_t us = left > 0 ? (uint64_t)left : 0;
	uint64_t other;

	if (tcb->snd_una == tcb->snd_nxt) {
		tcb->deadline[ZS_TT_RETX] = 0;
		return;
	}
	tcb->retx_kind = ZS_RETX_RTO;
	if (may_probe(s, tcb)) {
		/* RFC 8985 7.2: a probe comes first, also where the RTO is no longer than its time
		 */
		tcb->retx_kind = ZS_RETX_PTO;
		us = RTE_MIN(us, pto_us(s, tcb));
	} else if ((zs_marked(tcb) || tcb->ca_state != ZS_CA_OPEN) && tcb->flags & ZS_TF_SACK &&
		   zs_score(s, tcb)->reo_pending) {
		left = (int32_t)(zs_score(s, tcb)->reo_us - (uint32_t)s->now_us);
		other = left > 0 ? (uint64_t)left : 0;
		if (other < us) {
			tcb->retx_kind = ZS_RETX_REORDER;
			us = other;
		}
	}
	zs_tcb_timer(s, tcb, ZS_TT_RETX, s->now_us + us);
}

void zs_retx_restart(struct zs_stack *s, struct zs_tcb *tcb)
{
	tcb->rto_base_us = (uint32_t)s->now_us;
	zs_retx_arm(s, tcb);
}

void zs_tlp_on_pto(struct zs_stack *s, struct zs_tcb *tcb)
{
	tcb->tlp = ZS_TLP_DUE;
	zs_retx_restart(s, tcb); /* RFC 8985 7.3: the RTO runs from the probe */
	zs_output_later(s, tcb);
}

/*
 * RFC 8985 7.4.2. A probe of new data tells nothing by itself. One that was sent again is either
 * reported as a duplicate, or it has repaired a loss that nobody has seen: that shrinks the window.
 */
void zs_tlp_on_ack(struct zs_stack *s, struct zs_tcb *tcb, const struct zs_pktinfo *pi,
		   const struct zs_ack *a)
{
	uint32_t end;

	if (tcb->tlp == ZS_TLP_DUE) {
		if (a->acked > 0)
			tcb->tlp = ZS_TLP_NONE; /* it was only late */
		return;
	}
	end = zs_score(s, tcb)->tlp_end;
	if (zs_seq_lt(pi->ack, end))
		return;
	if (tcb->tlp == ZS_TLP_NEW) {
		tcb->tlp = ZS_TLP_NONE;
	} else if (a->dsack || (a->acked == 0 && pi->data_len == 0 && pi->opt.n_sack == 0)) {
		tcb->tlp = ZS_TLP_NONE;
		tcb->tlp_delay = (uint8_t)RTE_MIN(tcb->tlp_delay + 1, ACK_DELAYS - 1);
	} else if (zs_seq_gt(pi->ack, end)) {
		tcb->tlp = ZS_TLP_NONE;
		zs_loss_repaired(s, tcb);
	}
}
