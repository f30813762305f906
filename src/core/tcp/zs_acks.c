/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The ACK field and window of a segment (RFC 9293 3.10.7.4 fifth): validity (RFC 5961 5), round
 * trip samples (RFC 6298, 7323 4), release of the send queue, and what follows for recovery,
 * congestion window and timers.
 */
#include "core/tcp/zs_ack.h"
#include "core/tcp/zs_cc.h"
#include "core/tcp/zs_ecn.h"
#include "core/tcp/zs_limits.h"
#include "core/tcp/zs_output.h"
#include "core/tcp/zs_pace.h"
#include "core/tcp/zs_queue.h"
#include "core/tcp/zs_score.h"
#include "core/tcp/zs_sndrules.h"
#include "core/tcp/zs_tw.h"
#include "core/zs_parse.h"

enum { RTO_AFTER_LOST_SYN_US = 3000000 };

void zs_rtt_sample(struct zs_stack *s, struct zs_tcb *tcb, uint32_t rtt_us)
{
	uint32_t rtt = RTE_MAX(rtt_us, 1u);
	uint64_t rto;

	if (tcb->srtt_us == 0) { /* RFC 6298 2.2 */
		tcb->srtt_us = rtt;
		tcb->rttvar_us = rtt / 2;
	} else { /* 2.3 */
		uint32_t diff = rtt > tcb->srtt_us ? rtt - tcb->srtt_us : tcb->srtt_us - rtt;

		tcb->rttvar_us = (uint32_t)((3 * (uint64_t)tcb->rttvar_us + diff) / 4);
		tcb->srtt_us = (uint32_t)((7 * (uint64_t)tcb->srtt_us + rtt) / 8);
		tcb->srtt_us = RTE_MAX(tcb->srtt_us, 1u);
	}
	tcb->min_rtt_us = RTE_MIN(tcb->min_rtt_us, rtt);
	rto = tcb->srtt_us + RTE_MAX(4 * (uint64_t)tcb->rttvar_us, (uint64_t)s->cfg.rto_min_us);
	tcb->rto_us = (uint32_t)RTE_MIN(rto, (uint64_t)s->cfg.rto_max_us);
}

uint32_t zs_rtt_echoed(const struct zs_stack *s, uint32_t ts_off, const struct zs_pktinfo *pi)
{
	uint32_t ms = s->now_ms + ts_off - pi->opt.ts_ecr;

	if (!pi->opt.has_ts || pi->opt.ts_ecr == 0 || ms >= s->cfg.rto_max_us / 1000)
		return 0;
	return RTE_MAX(ms * 1000, 1u);
}

/* The echo's clock ticks in milliseconds: that the path is shorter than exact samples say, it does
 * not know. */
static uint32_t rtt_by_ts(const struct zs_stack *s, const struct zs_tcb *tcb,
			  const struct zs_pktinfo *pi)
{
	uint32_t rtt = tcb->flags & ZS_TF_TS ? zs_rtt_echoed(s, tcb->ts_off, pi) : 0;

	return rtt == 0 || tcb->min_rtt_us == UINT32_MAX ? rtt : RTE_MAX(rtt, tcb->min_rtt_us);
}

/* Karn: only from data sent once, or by timestamp. 0 = no sample. */
static uint32_t rtt_of(struct zs_stack *s, const struct zs_tcb *tcb, const struct zs_ack *a,
		       const struct zs_pktinfo *pi)
{
	if (a->has_tx && !a->retx)
		return RTE_MAX((uint32_t)s->now_us - a->tx_us, 1u);
	return rtt_by_ts(s, tcb, pi);
}

void zs_rtt_begin(struct zs_stack *s, struct zs_tcb *tcb, unsigned timeouts, uint32_t rtt_us)
{
	tcb->rto_us = s->cfg.rto_initial_us;
	if (rtt_us != 0)
		zs_rtt_sample(s, tcb, rtt_us);
	else if (timeouts > 0) /* RFC 6298 5.7 */
		tcb->rto_us = RTE_MAX(tcb->rto_us, (uint32_t)RTO_AFTER_LOST_SYN_US);
	if (timeouts > 1) /* RFC 6928 2: a single one may have been spurious */
		tcb->cwnd = tcb->mss;
}

void zs_rtt_handshake(struct zs_stack *s, struct zs_tcb *tcb, const struct zs_pktinfo *pi,
		      unsigned timeouts, uint32_t rtt_us)
{
	zs_rtt_begin(s, tcb, timeouts, timeouts == 0 ? rtt_us : rtt_by_ts(s, tcb, pi));
}

/*
 * Who acknowledges more than before spoke later, also where he repeats something from before
 * SND.WL1: otherwise the window that we know would begin at the new SND.UNA, and end further on
 * than any that was offered.
 */
static __attribute__((noinline)) bool spoke_later(const struct zs_tcb *tcb,
						  const struct zs_pktinfo *pi)
{
	return zs_seq_gt(pi->ack, tcb->snd_una);
}

/* RFC 9293 3.10.7.4: SND.WL1 and SND.WL2 keep old segments from changing the window. */
static bool update_window(struct zs_stack *s, struct zs_tcb *tcb, const struct zs_pktinfo *pi)
{
	uint32_t wnd = pi->wnd << tcb->snd_wscale;
	bool changed = wnd != tcb->snd_wnd;

	if (unlikely(zs_seq_lt(pi->ack, tcb->snd_una))) /* comes for its SACK blocks */
		return false;
	if (!zs_seq_lt(tcb->snd_wl1, pi->seq) &&
	    !(tcb->snd_wl1 == pi->seq && zs_seq_leq(tcb->snd_wl2, pi->ack)) &&
	    likely(!spoke_later(tcb, pi)))
		return false;
	tcb->snd_wl1 = pi->seq;
	tcb->snd_wl2 = pi->ack;
	tcb->snd_wnd = wnd;
	tcb->max_snd_wnd = RTE_MAX(tcb->max_snd_wnd, wnd);
	if (changed && wnd > 0) {
		if (tcb->unsent != NULL)
			tcb->deadline[ZS_TT_PERSIST] = 0;
		/* the user timeout begins anew with what is sent now */
		if (unlikely(tcb->probe_shift != 0))
			tcb->stalled_us = tcb->probe_shift = 0;
	}
	if (changed && tcb->unsent != NULL) {
		zs_limit_end(s, tcb);
		zs_output_later(s, tcb);
	}
	return changed;
}

/*
 * In slow start the window may grow to twice what was in flight at once, as on Linux (RFC 7661 says
 * no more than: if it was used). The largest flight counts until all of it is acknowledged: una is
 * SND.UNA before this ACK.
 */
static bool flight_allows(struct zs_tcb *tcb, uint32_t inflight, uint32_t una)
{
	if (inflight > tcb->max_flight || !zs_seq_lt(una, tcb->flight_end)) {
		tcb->max_flight = inflight;
		tcb->flight_end = tcb->snd_nxt;
	}
	return tcb->cwnd < 2 * (uint64_t)tcb->max_flight;
}

/* In congestion avoidance all that was sent up to when the window was full earns growth, also when
 * nothing follows it. */
static bool full_lately(struct zs_tcb *tcb, bool full, uint32_t inflight, uint32_t una)
{
	if (full) {
		tcb->max_flight = inflight;
		tcb->flight_end = tcb->snd_nxt;
	} else if (!zs_seq_lt(una, tcb->flight_end)) {
		tcb->flight_end = una; /* lest it come in front by and by */
		return false;
	}
	return true;
}

static bool cwnd_limited(struct zs_tcb *tcb, uint32_t inflight, uint32_t una)
{
	bool full = tcb->flags & ZS_TF_CWND_FULL || inflight + tcb->mss > tcb->cwnd;

	if (tcb->cwnd >= tcb->ssthresh)
		return full_lately(tcb, full, inflight, una);
	/* a flight of less than half is nothing to remember */
	if (likely(inflight < tcb->cwnd / 2 && !zs_seq_lt(una, tcb->flight_end)))
		return full;
	return flight_allows(tcb, inflight, una) || full;
}

/* More room for the application, and a larger send buffer for a larger window. */
static void wake_writer(struct zs_stack *s, struct zs_tcb *tcb)
{
	uint64_t want = 2 * (uint64_t)tcb->cwnd;

	if (want > tcb->sndbuf && tcb->opts.sndbuf == 0)
		tcb->sndbuf = (uint32_t)RTE_MIN(want, (uint64_t)s->cfg.sndbuf_max);
	if (unlikely(tcb->flags & ZS_TF_WANT_SPACE))
		zs_sndq_wake(s, tcb);
}

static void advance_una(struct zs_stack *s, struct zs_tcb *tcb, const struct zs_pktinfo *pi,
			struct zs_ack *a)
{
	a->acked = pi->ack - tcb->snd_una;
	zs_sndq_ack(s, tcb, pi->ack, a);
	tcb->snd_una = pi->ack;
	tcb->bytes_acked += a->released;
	tcb->retx_count = 0;
	tcb->stalled_us = 0;
	a->rtt_us = rtt_of(s, tcb, a, pi);
	if (a->rtt_us != 0)
		zs_rtt_sample(s, tcb, a->rtt_us);
}

/* SACK blocks; what they report was delivered just now, and is a sample where there is no other. */
static void blocks_input(struct zs_stack *s, struct zs_tcb *tcb, const struct zs_pktinfo *pi,
			 struct zs_ack *a)
{
	zs_sack_input(s, tcb, pi, a);
	if (a->has_sack_tx && a->rtt_us == 0) {
		a->rtt_us = RTE_MAX((uint32_t)s->now_us - a->sack_tx_us, 1u);
		zs_rtt_sample(s, tcb, a->rtt_us);
	}
	if (a->dsack) {
		zs_rack_dsack(s, tcb, a);
		zs_undo_on_dsack(s, tcb, a);
	}
}

/* What loss detection has to know of an ACK beside. The scoreboard has to be ready before something
 * is released, for that may be all that was marked, and is news to RACK. */
static void look_closer(struct zs_stack *s, struct zs_ack *a, struct zs_tcb *tcb,
			const struct zs_pktinfo *pi)
{
	(void)zs_score_wake(s, tcb);
	a->has_echo = tcb->flags & ZS_TF_TS && pi->opt.has_ts && pi->opt.ts_ecr != 0;
	a->echo = pi->opt.ts_ecr;
	a->sacked_before = tcb->sacked;
}

/*
 * The window grows by what has just been delivered: what was SACKed before is acknowledged now, but
 * limited transmit (RFC 3042) has sent something in its place already. Without SACK a duplicate ACK
 * stands for a segment. Sets a->known; returns whether the window may grow at all.
 */
static bool grows(struct zs_stack *s, const struct zs_tcb *tcb, struct zs_ack *a)
{
	if (tcb->flags & ZS_TF_SACK)
		a->known = a->sacked_before - tcb->sacked; /* negative where more was SACKed */
	else
		a->known = RTE_MIN(a->sacked_before, a->acked - RTE_MIN(a->acked, tcb->mss));
	/* where segments are reordered a SACK is as good as an ACK, as on Linux */
	return a->acked > 0 || (a->sacked > 0 && zs_score(s, tcb)->reordering > ZS_DUP_THRESH);
}

/* For those who want to know. */
static __attribute__((noinline)) void note_ack(struct zs_stack *s, struct zs_tcb *tcb,
					       const struct zs_ack *a)
{
	if (tcb->flags & ZS_TF_PACED)
		zs_rate_ack_ends(s, tcb, a);
	if (tcb->stamps != NULL)
		zs_stamps_acked(s, tcb);
}

void zs_ack_process(struct zs_stack *s, struct zs_tcb *tcb, const struct zs_pktinfo *pi)
{
	struct zs_ack a = { .inflight = zs_inflight(tcb) };
	bool outstanding = tcb->snd_una != tcb->snd_nxt;
	bool window = update_window(s, tcb, pi);
	bool marked = zs_marked(tcb);

	tcb->probes = 0;
	if (unlikely(tcb->flags & ZS_TF_PACED))
		zs_rate_ack_begins(s, tcb);
	if (unlikely(marked || pi->opt.n_sack > 0))
		look_closer(s, &a, tcb, pi);
	if (zs_seq_gt(pi->ack, tcb->snd_una))
		advance_una(s, tcb, pi, &a);
	if (pi->opt.n_sack > 0 && tcb->flags & ZS_TF_SACK) {
		blocks_input(s, tcb, pi, &a);
		marked = true;
	}
	if (unlikely(tcb->tlp != ZS_TLP_NONE))
		zs_tlp_on_ack(s, tcb, pi, &a);
	if (!outstanding)
		return;
	/* RFC 5681 2: a duplicate ACK; with SACK it is one that brings news (RFC 6675 2). */
	if (tcb->flags & ZS_TF_SACK)
		a.dup = a.sacked > 0 && a.acked == 0;
	else
		a.dup = a.acked == 0 && pi->data_len == 0 && !window && !(pi->tcp_flags & ZS_FIN) &&
			pi->ack == tcb->snd_una;
	if (a.acked == 0 && a.sacked == 0 && !a.dup && !a.undone)
		return;
	a.cwnd_limited = cwnd_limited(tcb, a.inflight, tcb->snd_una - a.acked);
	if (unlikely(tcb->flags & ZS_TF_ECN)) {
		a.ece = (pi->tcp_flags & ZS_ECE) != 0;
		zs_ecn_on_ack(s, tcb, &a);
	}
	if (tcb->ca_state != ZS_CA_RECOVERY && !a.ece &&
	    (unlikely(marked) ? grows(s, tcb, &a) : a.acked > 0))
		zs_cc_find(tcb->cc)->on_ack(s, tcb, &a);
	if (tcb->ca_state != ZS_CA_OPEN || a.dup || marked)
		zs_loss_on_ack(s, tcb, &a);
	else
		tcb->dupacks = 0;
	if (a.acked > 0) {
		if (tcb->snd_una == tcb->snd_nxt)
			tcb->deadline[ZS_TT_RETX] = 0;
		else
			zs_retx_restart(s, tcb);
		wake_writer(s, tcb);
	} else if (a.sacked > 0 || a.undone) {
		zs_retx_arm(s, tcb);
	}
	if (unlikely(tcb->flags & (ZS_TF_PACED | ZS_TF_SND_RULES)))
		note_ack(s, tcb, &a);
	if (tcb->unsent != NULL || tcb->lost > 0 ||
	    tcb->flags & (ZS_TF_FIN_QUEUED | ZS_TF_FIN_LOST)) {
		tcb->flags &= ~(uint32_t)ZS_TF_MORE; /* as Linux: what was announced is late */
		zs_limit_end(s, tcb);
		zs_output_later(s, tcb);
	}
}

/* Our FIN is acknowledged: the states that waited for that. */
static enum zs_verdict fin_acked(struct zs_stack *s, struct zs_tcb *tcb, struct rte_mbuf *m)
{
	switch ((enum zs_tcp_state)tcb->state) {
	case ZS_FIN_WAIT_1:
		zs_tcp_set_state(tcb, ZS_FIN_WAIT_2);
		if (!(tcb->flags & ZS_TF_ORPHAN) || zs_fin_wait2(s, tcb))
			return ZS_CONTINUE;
		rte_pktmbuf_free(m);
		return ZS_DONE;
	case ZS_CLOSING:
		rte_pktmbuf_free(m);
		zs_tw_enter(s, tcb);
		return ZS_DONE;
	case ZS_LAST_ACK:
		rte_pktmbuf_free(m);
		zs_tcb_dead(s, tcb, 0);
		return ZS_DONE;
	default:
		return ZS_CONTINUE;
	}
}

/* RFC 5961 5.2: SND.UNA - MAX.SND.WND, but nothing before our SYN was ever there to acknowledge. */
static uint32_t oldest_ack(const struct zs_tcb *tcb)
{
	return tcb->bytes_acked < tcb->max_snd_wnd ? tcb->iss + 1 : tcb->snd_una - tcb->max_snd_wnd;
}

enum zs_verdict zs_ack_check(struct zs_stack *s, struct zs_tcb *tcb, struct rte_mbuf *m,
			     const struct zs_pktinfo *pi)
{
	bool fin = tcb->flags & ZS_TF_FIN_SENT && tcb->snd_una != tcb->snd_nxt &&
		   pi->ack == tcb->snd_nxt;
	bool old = zs_seq_lt(pi->ack, tcb->snd_una);

	if (zs_seq_gt(pi->ack, tcb->snd_nxt) || (old && zs_seq_lt(pi->ack, oldest_ack(tcb)))) {
		zs_challenge_ack(s, tcb);
		zs_pkt_drop(s, m, ZS_DROP_TCP_BAD_ACK);
		return ZS_DONE;
	}
	/* old: its data may still be news, and its SACK blocks */
	if (old &&
	    (pi->opt.n_sack == 0 || !(tcb->flags & ZS_TF_SACK) || tcb->snd_una == tcb->snd_nxt))
		return ZS_CONTINUE;
	if (fin)
		tcb->flags &= ~(uint32_t)ZS_TF_FIN_LOST;
	zs_ack_process(s, tcb, pi);
	return fin ? fin_acked(s, tcb, m) : ZS_CONTINUE;
}
