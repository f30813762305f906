/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Segment arrives (RFC 9293 3.10.7): dispatch by what the flow table found, the predicted case
 * first, then the checks of the synchronized states in their order, and SYN-SENT.
 */
#include "core/tcp/zs_input.h"
#include "core/tcp/zs_ack.h"

#include <errno.h>

#include "core/tcp/zs_ecn.h"
#include "core/tcp/zs_half.h"
#include "core/tcp/zs_output.h"
#include "core/tcp/zs_queue.h"
#include "core/tcp/zs_tfo.h"
#include "core/tcp/zs_timers.h"
#include "core/tcp/zs_tw.h"
#include "core/zs_parse.h"

enum { PAWS_IDLE_MS = 24 * 24 * 3600 * 1000u };

/* RFC 7323 5.5: after 24 days of silence TS.Recent says nothing. */
static bool ts_recent_valid(const struct zs_stack *s, const struct zs_tcb *tcb)
{
	return s->now_ms - tcb->ts_recent_ms < PAWS_IDLE_MS;
}

void zs_ts_update(struct zs_stack *s, struct zs_tcb *tcb, const struct zs_pktinfo *pi)
{
	if (!(tcb->flags & ZS_TF_TS) || !pi->opt.has_ts)
		return;
	if (zs_seq_leq(pi->seq, tcb->rcv_acked) &&
	    (zs_seq_geq(pi->opt.ts_val, tcb->ts_recent) || !ts_recent_valid(s, tcb))) {
		tcb->ts_recent = pi->opt.ts_val;
		tcb->ts_recent_ms = s->now_ms;
	}
}

/* RFC 7323 5.3 R1; not for RST (5.2). */
static bool paws_reject(const struct zs_stack *s, const struct zs_tcb *tcb,
			const struct zs_pktinfo *pi)
{
	return tcb->flags & ZS_TF_TS && pi->opt.has_ts && !(pi->tcp_flags & ZS_RST) &&
	       zs_seq_lt(pi->opt.ts_val, tcb->ts_recent) && ts_recent_valid(s, tcb);
}

/* RFC 7323 3.2: not from this peer. A SYN is spared: it may be of one that restarted (RFC 5961 4).
 */
static bool ts_missing(const struct zs_stack *s, const struct zs_tcb *tcb,
		       const struct zs_pktinfo *pi)
{
	return tcb->flags & ZS_TF_TS && !pi->opt.has_ts && !s->cfg.tolerate_missing_ts &&
	       !(pi->tcp_flags & (ZS_RST | ZS_SYN));
}

/* SEG.LEN of what has no SYN. */
static uint32_t seg_len(const struct zs_pktinfo *pi)
{
	return pi->data_len + (pi->tcp_flags & ZS_FIN ? 1 : 0);
}

bool zs_tcp_acceptable(const struct zs_pktinfo *pi, uint32_t rcv_nxt, uint32_t wnd)
{
	uint32_t len = seg_len(pi);

	if (pi->tcp_flags & ZS_RST) /* whatever it carries (RFC 5961 3.2) */
		return pi->seq == rcv_nxt || zs_seq_in(pi->seq, rcv_nxt, wnd);
	/* Who has filled our window acknowledges from its edge on: that counts, also with a window
	 * that is closed. Otherwise two that fill each other's windows would only challenge. */
	if (len == 0)
		return zs_seq_in(pi->seq, rcv_nxt, wnd + 1);
	/* a closed window still takes the ACK, URG and RST of what begins at its edge, and a FIN by
	 * itself, which needs no room, as on Linux and FreeBSD */
	if (wnd == 0)
		return pi->seq == rcv_nxt && len == 1 && pi->tcp_flags & ZS_FIN;
	return zs_seq_in(pi->seq, rcv_nxt, wnd) || zs_seq_in(rcv_nxt, pi->seq, len);
}

static void report_old_data(struct zs_tcb *tcb, const struct zs_pktinfo *pi)
{
	if (pi->data_len == 0 || !zs_seq_lt(pi->seq, tcb->rcv_nxt))
		return;
	tcb->dsack = (struct zs_sack_block){
		.left = pi->seq,
		.right = zs_seq_min(pi->seq + pi->data_len, tcb->rcv_nxt),
	};
	tcb->flags |= ZS_TF_DSACK;
}

/*
 * The ACK field of these is good, though their data is not taken: data at a closed window (RFC 9293
 * 3.10.7.4), and what the peer repeats, FIN included, because our ACK was lost: its own may have
 * been, too, and we would repeat in turn. As on Linux and FreeBSD; no further back than the window
 * is wide, lest it be easier to guess (RFC 5961).
 */
static bool ack_counts(const struct zs_tcb *tcb, const struct zs_pktinfo *pi)
{
	uint32_t wnd = tcb->rcv_adv - tcb->rcv_nxt;
	uint32_t len = seg_len(pi);

	if (!(pi->tcp_flags & ZS_ACK) || len == 0 || tcb->state == ZS_SYN_RCVD)
		return false;
	return (wnd == 0 && pi->seq == tcb->rcv_nxt) || tcb->rcv_nxt - (pi->seq + len) <= wnd;
}

/* First: sequence number and PAWS. */
static enum zs_verdict check_seq(struct zs_stack *s, struct zs_tcb *tcb, struct rte_mbuf *m,
				 struct zs_pktinfo *pi)
{
	bool old = paws_reject(s, tcb, pi);

	if (unlikely(ts_missing(s, tcb, pi))) {
		zs_pkt_drop(s, m, ZS_DROP_TCP_PAWS);
		return ZS_DONE;
	}
	if (likely(!old && zs_tcp_acceptable(pi, tcb->rcv_nxt, tcb->rcv_adv - tcb->rcv_nxt)))
		return ZS_CONTINUE;
	if (pi->tcp_flags & ZS_RST) {
		zs_pkt_drop(s, m, ZS_DROP_TCP_WINDOW);
		return ZS_DONE;
	}
	/* RFC 5961 4: a SYN is challenged wherever it lies */
	if (pi->tcp_flags & ZS_SYN) {
		zs_challenge_ack(s, tcb);
		zs_pkt_drop(s, m, ZS_DROP_TCP_SYN);
		return ZS_DONE;
	}
	report_old_data(tcb, pi);
	if (pi->data_len > 0 || pi->tcp_flags & ZS_FIN)
		zs_ack_now(s, tcb);
	else
		zs_challenge_ack(s, tcb);
	if (!old && ack_counts(tcb, pi) && zs_ack_check(s, tcb, m, pi) == ZS_DONE)
		return ZS_DONE;
	zs_pkt_drop(s, m, old ? ZS_DROP_TCP_PAWS : ZS_DROP_TCP_WINDOW);
	return ZS_DONE;
}

/* The error that a reset means to the application (RFC 9293 3.10.7.4 second, and POSIX). */
static int reset_error(const struct zs_tcb *tcb)
{
	switch ((enum zs_tcp_state)tcb->state) {
	case ZS_SYN_SENT:
	case ZS_SYN_RCVD: /* Fast Open: the application may have it already */
		return tcb->syn_flags & ZS_SY_CHILD ? ECONNRESET : ECONNREFUSED;
	case ZS_CLOSING:
	case ZS_LAST_ACK:
		return 0;
	default:
		return ECONNRESET;
	}
}

/* Second: RST, exact or challenged (RFC 5961 3.2). */
static enum zs_verdict check_rst(struct zs_stack *s, struct zs_tcb *tcb, struct rte_mbuf *m,
				 const struct zs_pktinfo *pi)
{
	if (likely(!(pi->tcp_flags & ZS_RST)))
		return ZS_CONTINUE;
	zs_pkt_drop(s, m, ZS_DROP_TCP_RST);
	if (pi->seq != tcb->rcv_nxt) {
		zs_challenge_ack(s, tcb);
		return ZS_DONE;
	}
	s->stats.tcp_conns_reset++;
	zs_tcb_dead(s, tcb, reset_error(tcb));
	return ZS_DONE;
}

/* Fourth: SYN in the window (RFC 5961 4.2). */
static enum zs_verdict check_syn(struct zs_stack *s, struct zs_tcb *tcb, struct rte_mbuf *m,
				 const struct zs_pktinfo *pi)
{
	if (likely(!(pi->tcp_flags & ZS_SYN)))
		return ZS_CONTINUE;
	zs_pkt_drop(s, m, ZS_DROP_TCP_SYN);
	zs_challenge_ack(s, tcb);
	return ZS_DONE;
}

/*
 * Fifth, in SYN-RECEIVED of a simultaneous open or of Fast Open: our SYN is acknowledged, and
 * perhaps data behind it, or the ACK is wrong.
 */
static enum zs_verdict check_syn_rcvd(struct zs_stack *s, struct zs_tcb *tcb, struct rte_mbuf *m,
				      const struct zs_pktinfo *pi)
{
	if (pi->ack == tcb->iss || pi->ack - tcb->iss > tcb->snd_nxt - tcb->iss) {
		zs_send_rst_for(s, pi);
		zs_pkt_drop(s, m, ZS_DROP_TCP_BAD_ACK);
		return ZS_DONE;
	}
	zs_tcp_set_state(tcb, tcb->flags & ZS_TF_FIN_SENT ? ZS_FIN_WAIT_1 : ZS_ESTABLISHED);
	zs_tfo_child_done(s, tcb);
	tcb->flags &= ~(uint32_t)ZS_TF_SYN_DUE;
	tcb->snd_una = tcb->iss + 1;
	tcb->snd_wnd = pi->wnd << tcb->snd_wscale;
	tcb->snd_wl1 = pi->seq;
	tcb->snd_wl2 = pi->ack;
	tcb->deadline[ZS_TT_RETX] = 0;
	/* since the first SYN of a simultaneous open, and not since what was sent behind it */
	zs_rtt_handshake(s, tcb, pi, tcb->retx_count,
			 RTE_MAX((uint32_t)s->now_us - tcb->rto_base_us, 1u));
	if (tcb->snd_nxt != tcb->snd_una) /* data of Fast Open or FIN followed the SYN-ACK */
		zs_retx_restart(s, tcb);
	tcb->retx_count = 0;
	tcb->stalled_us = 0;
	zs_keepalive_start(s, tcb);
	zs_ep_raise(s, &tcb->ep, ZS_EV_WRITE);
	zs_output_later(s, tcb);
	return ZS_CONTINUE;
}

static enum zs_verdict check_ack(struct zs_stack *s, struct zs_tcb *tcb, struct rte_mbuf *m,
				 const struct zs_pktinfo *pi)
{
	if (unlikely(!(pi->tcp_flags & ZS_ACK))) {
		zs_pkt_drop(s, m, ZS_DROP_TCP_NO_ACK);
		return ZS_DONE;
	}
	if (tcb->state == ZS_SYN_RCVD && check_syn_rcvd(s, tcb, m, pi) == ZS_DONE)
		return ZS_DONE;
	if (zs_ack_check(s, tcb, m, pi) == ZS_DONE)
		return ZS_DONE;
	zs_ts_update(s, tcb, pi);
	return ZS_CONTINUE;
}

/*
 * Simultaneous open (RFC 9293 figure 8): the peer's SYN-ACK repeats the SYN that we have and
 * acknowledges ours; the rest of it is an ordinary ACK. True when it was one.
 */
static bool strip_repeated_syn(struct zs_stack *s, struct zs_tcb *tcb, struct zs_pktinfo *pi)
{
	if ((pi->tcp_flags & (ZS_SYN | ZS_ACK | ZS_RST)) != (ZS_SYN | ZS_ACK) ||
	    pi->seq != tcb->irs || pi->ack != tcb->iss + 1)
		return false;
	if ((pi->tcp_flags & (ZS_ECE | ZS_CWR)) != ZS_ECE) /* RFC 3168 6.1.1 */
		tcb->flags &= ~(uint32_t)ZS_TF_ECN;
	pi->seq++;
	pi->tcp_flags &= (uint8_t) ~(ZS_SYN | ZS_ECE);
	tcb->dsack = (struct zs_sack_block){ tcb->irs, tcb->irs + 1 };
	tcb->flags |= ZS_TF_DSACK;
	zs_ack_now(s, tcb); /* the peer may not have seen our SYN-ACK */
	return true;
}

/* That of a SYN is not scaled (RFC 7323 2.2). */
static void take_unscaled_window(struct zs_tcb *tcb, const struct zs_pktinfo *pi)
{
	tcb->snd_wnd = tcb->max_snd_wnd = pi->wnd;
}

void zs_tcp_synchronized_input(struct zs_stack *s, struct zs_tcb *tcb, struct rte_mbuf *m,
			       struct zs_pktinfo *pi)
{
	bool syn = unlikely(tcb->state == ZS_SYN_RCVD) && strip_repeated_syn(s, tcb, pi);

	if (check_seq(s, tcb, m, pi) == ZS_DONE || /* first  */
	    check_rst(s, tcb, m, pi) == ZS_DONE || /* second; third, security, is obsolete */
	    check_syn(s, tcb, m, pi) == ZS_DONE || /* fourth */
	    check_ack(s, tcb, m, pi) == ZS_DONE)   /* fifth; sixth, urgent, is in line */
		return;
	if (unlikely(syn))
		take_unscaled_window(tcb, pi);
	if (tcb->flags & ZS_TF_ECN && pi->data_len > 0)
		zs_ecn_receive(s, tcb, pi);
	zs_data_input(s, tcb, m, pi); /* seventh, eighth */
}

/*
 * Header prediction (Jacobson 1990): in ESTABLISHED, the next segment in order, nothing lost,
 * nothing out of order, no flag but ACK and PSH.
 */
static bool predicted(const struct zs_tcb *tcb, const struct zs_pktinfo *pi)
{
	bool ts = (tcb->flags & ZS_TF_TS) != 0;

	return tcb->state == ZS_ESTABLISHED &&
	       (pi->tcp_flags & ~(ZS_PSH | ZS_ECE | ZS_CWR)) == ZS_ACK && pi->seq == tcb->rcv_nxt &&
	       tcb->ca_state == ZS_CA_OPEN && tcb->ooo.head == NULL && pi->opt.n_sack == 0 &&
	       pi->opt.has_ts == ts && (!ts || zs_seq_geq(pi->opt.ts_val, tcb->ts_recent)) &&
	       pi->ack - tcb->snd_una <= tcb->snd_nxt - tcb->snd_una &&
	       pi->data_len <= tcb->rcv_adv - tcb->rcv_nxt &&
	       (pi->data_len > 0 || pi->ack != tcb->snd_una) &&
	       !(tcb->flags & (ZS_TF_RD_SHUT | ZS_TF_ORPHAN | ZS_TF_OOO_FIN));
}

static void fast_input(struct zs_stack *s, struct zs_tcb *tcb, struct rte_mbuf *m,
		       const struct zs_pktinfo *pi)
{
	s->stats.tcp_fast_path++;
	zs_ts_update(s, tcb, pi);
	zs_ack_process(s, tcb, pi);
	if (unlikely(tcb->flags & ZS_TF_ECN) && pi->data_len > 0)
		zs_ecn_receive(s, tcb, pi);
	if (pi->data_len > 0)
		zs_data_in_order(s, tcb, m, pi);
	else
		rte_pktmbuf_free(m);
}

/* ---- SYN-SENT (RFC 9293 3.10.7.3) ---- */

static void peer_syn(struct zs_stack *s, struct zs_tcb *tcb, const struct zs_pktinfo *pi)
{
	struct zs_synopts peer = {
		.mss = pi->opt.mss,
		.wscale = pi->opt.wscale,
		.has_wscale = pi->opt.has_wscale && s->cfg.use_wscale,
		.ts = pi->opt.has_ts && s->cfg.use_ts,
		.sack = pi->opt.sack_perm && s->cfg.use_sack,
		.ecn = zs_ecn_agreed(s, tcb, pi),
	};
	uint32_t offered = RTE_MIN(zs_rcv_space(tcb), 65535u); /* in our SYN, unscaled */

	tcb->irs = pi->seq;
	tcb->rcv_nxt = pi->seq + 1;
	tcb->rcv_acked = tcb->rcv_nxt;
	tcb->rcv_adv = tcb->rcv_nxt + offered;
	if (peer.ts) {
		tcb->ts_recent = pi->opt.ts_val;
		tcb->ts_recent_ms = s->now_ms;
	}
	zs_tcb_negotiate(s, tcb, &peer);
	tcb->snd_wnd = pi->wnd; /* of a SYN: never scaled (RFC 7323 2.2) */
	tcb->max_snd_wnd = pi->wnd;
	tcb->snd_wl1 = pi->seq;
	tcb->snd_wl2 = pi->ack;
}

static void syn_sent_established(struct zs_stack *s, struct zs_tcb *tcb,
				 const struct zs_pktinfo *pi)
{
	tcb->deadline[ZS_TT_RETX] = 0;
	zs_rtt_handshake(s, tcb, pi, tcb->retx_count,
			 RTE_MAX((uint32_t)(s->now_us - tcb->last_send_us), 1u));
	zs_tfo_learn(s, tcb, pi, tcb->snd_nxt != tcb->iss + 1);
	zs_syn_acked(s, tcb, pi->ack);
	tcb->flags &= ~(uint32_t)ZS_TF_SYN_DUE;
	tcb->snd_una = pi->ack;
	tcb->retx_count = 0;
	tcb->stalled_us = 0;
	zs_tcp_set_state(tcb, ZS_ESTABLISHED);
	s->stats.tcp_conns_opened++;
	zs_keepalive_start(s, tcb);
	if (tcb->syn_flags & ZS_SY_WRITER) { /* its data will carry the ACK, and later ones */
		zs_tcb_timer(s, tcb, ZS_TT_DELACK, s->now_us + s->cfg.delack_us);
		tcb->quickack = 0;
	} else {
		zs_ack_now(s, tcb);
	}
	zs_output_later(s, tcb);
	zs_ep_raise(s, &tcb->ep, ZS_EV_WRITE);
}

/* RFC 9293 3.10.7.3: what was sent is acknowledged, and an echoed timestamp is not from the future.
 */
static bool syn_ack_good(const struct zs_stack *s, const struct zs_tcb *tcb,
			 const struct zs_pktinfo *pi)
{
	if (pi->ack == tcb->iss || pi->ack - tcb->iss > tcb->snd_nxt - tcb->iss)
		return false;
	return !(pi->tcp_flags & ZS_SYN) || !pi->opt.has_ts || pi->opt.ts_ecr == 0 ||
	       !s->cfg.use_ts || zs_seq_leq(pi->opt.ts_ecr, s->now_ms + tcb->ts_off);
}

static void syn_sent_input(struct zs_stack *s, struct zs_tcb *tcb, struct rte_mbuf *m,
			   struct zs_pktinfo *pi)
{
	bool has_ack = (pi->tcp_flags & ZS_ACK) != 0;

	if (has_ack && !syn_ack_good(s, tcb, pi)) {
		zs_send_rst_for(s, pi);
		zs_pkt_drop(s, m, ZS_DROP_TCP_BAD_ACK);
		return;
	}
	if (pi->tcp_flags & ZS_RST) {
		zs_pkt_drop(s, m, ZS_DROP_TCP_RST);
		if (has_ack)
			zs_tcb_dead(s, tcb, ECONNREFUSED);
		return;
	}
	if (!(pi->tcp_flags & ZS_SYN)) {
		zs_pkt_drop(s, m, ZS_DROP_TCP_STATE);
		return;
	}
	peer_syn(s, tcb, pi);
	if (!has_ack) { /* simultaneous open */
		zs_syn_acked(s, tcb, tcb->iss + 1);
		zs_tcp_set_state(tcb, ZS_SYN_RCVD);
		zs_send_syn(s, tcb);
		rte_pktmbuf_free(m);
		return;
	}
	syn_sent_established(s, tcb, pi);
	/* what the SYN-ACK carries beside SYN starts at RCV.NXT */
	pi->seq++;
	pi->tcp_flags &= (uint8_t)~ZS_SYN;
	zs_data_input(s, tcb, m, pi);
}

static void tcb_input(struct zs_stack *s, struct zs_tcb *tcb, struct rte_mbuf *m,
		      struct zs_pktinfo *pi)
{
	tcb->last_recv_us = s->now_us;
	tcb->segs_in++;
	if (likely(predicted(tcb, pi)))
		fast_input(s, tcb, m, pi);
	else if (tcb->state == ZS_SYN_SENT)
		syn_sent_input(s, tcb, m, pi);
	else
		zs_tcp_synchronized_input(s, tcb, m, pi);
}

static void no_connection(struct zs_stack *s, struct rte_mbuf *m, struct zs_pktinfo *pi)
{
	struct zs_listener *l = zs_listener_find(s, &pi->flow);

	if (l != NULL) {
		zs_listen_input(s, l, m, pi, zs_isn(s, &pi->flow));
		return;
	}
	zs_send_rst_for(s, pi);
	zs_pkt_drop(s, m, ZS_DROP_TCP_NO_CONN);
}

void zs_tcp_input(struct zs_stack *s, struct rte_mbuf *m, struct zs_pktinfo *pi)
{
	s->stats.tcp_segs_in++;
	switch ((enum zs_ref_kind)pi->ref_kind) {
	case ZS_REF_TCB:
		tcb_input(s, pi->ref, m, pi);
		break;
	case ZS_REF_HALF:
		zs_half_input(s, pi->ref, m, pi);
		break;
	case ZS_REF_TW:
		zs_tw_input(s, pi->ref, m, pi);
		break;
	case ZS_REF_NONE:
		no_connection(s, m, pi);
		break;
	}
}
