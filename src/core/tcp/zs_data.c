/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Text and FIN of a segment (RFC 9293 3.10.7.4 seventh, eighth), and when to acknowledge (RFC 5681
 * 4.2): every second full segment, at once for anything out of the ordinary, else delayed.
 */
#include "core/tcp/zs_input.h"
#include "core/tcp/zs_output.h"
#include "core/tcp/zs_queue.h"
#include "core/tcp/zs_tw.h"
#include "core/zs_iphdr.h"
#include "core/zs_parse.h"

/*
 * The size of the peer's full segments. Of a packet that was put together by a device it is what
 * that says, and never more than we asked the peer for.
 */
static void learn_mss(struct zs_tcb *tcb, const struct rte_mbuf *m, uint32_t len)
{
	uint32_t ours;

	if (m->ol_flags & RTE_MBUF_F_RX_LRO && m->tso_segsz != 0)
		len = RTE_MIN(len, (uint32_t)m->tso_segsz);
	if (likely(len <= tcb->rcv_mss))
		return;
	ours = tcb->mtu - zs_iphdr_with_tcp(tcb->flow.family);
	if (tcb->flags & ZS_TF_TS)
		ours -= 12;
	tcb->rcv_mss = (uint16_t)RTE_MAX(RTE_MIN(len, ours), (uint32_t)tcb->rcv_mss);
}

static __rte_always_inline void acknowledge(struct zs_stack *s, struct zs_tcb *tcb)
{
	if (tcb->quickack > 0) {
		tcb->quickack--;
		zs_ack_now(s, tcb);
	} else if (tcb->rcv_nxt - tcb->rcv_acked >= 2u * tcb->rcv_mss) {
		zs_ack_now(s, tcb);
	} else if (tcb->deadline[ZS_TT_DELACK] == 0) {
		zs_tcb_timer(s, tcb, ZS_TT_DELACK, s->now_us + s->cfg.delack_us);
	}
}

/*
 * Receiver's round trip: the data answers our segment whose timestamp it echoes, perhaps after the
 * peer has thought it over for long. So a shorter one counts at once.
 */
static void sample_rcv_rtt(struct zs_stack *s, struct zs_tcb *tcb, const struct zs_pktinfo *pi)
{
	uint32_t ms;

	if (!(tcb->flags & ZS_TF_TS) || !pi->opt.has_ts || pi->opt.ts_ecr == 0)
		return;
	ms = s->now_ms + tcb->ts_off - pi->opt.ts_ecr;
	if (ms < 60000)
		tcb->rcv_rtt_us = RTE_MIN((7 * tcb->rcv_rtt_us + ms * 1000) / 8, ms * 1000);
}

void zs_data_in_order(struct zs_stack *s, struct zs_tcb *tcb, struct rte_mbuf *m,
		      const struct zs_pktinfo *pi)
{
	if (unlikely(zs_rcv_memory_full(s, tcb))) {
		zs_ack_now(s, tcb);
		zs_pkt_drop(s, m, ZS_DROP_TCP_RCVBUF);
		return;
	}
	sample_rcv_rtt(s, tcb, pi);
	if (unlikely(pi->data_len > tcb->rcv_mss))
		learn_mss(tcb, m, pi->data_len);
	if (likely(m->nb_segs == 1))
		zs_pkt_set(m, (uint16_t)(m->data_off + pi->data_off), (uint16_t)pi->data_len);
	else
		m = zs_pkt_cut(m, pi->data_off, pi->data_len);
	zs_rcvq_append(s, tcb, m);
	acknowledge(s, tcb);
	zs_ep_raise(s, &tcb->ep, ZS_EV_READ);
}

/* The peer's FIN is next in order. May end the tcb. */
static void take_fin(struct zs_stack *s, struct zs_tcb *tcb)
{
	tcb->rcv_nxt++;
	tcb->rcv_adv = zs_seq_max(tcb->rcv_adv, tcb->rcv_nxt); /* it may lie behind a full window */
	tcb->flags |= ZS_TF_FIN_RCVD;
	zs_ooo_discard(s, tcb);
	zs_ack_now(s, tcb);
	zs_ep_raise(s, &tcb->ep, ZS_EV_READ | ZS_EV_RDHUP);
	switch ((enum zs_tcp_state)tcb->state) {
	case ZS_SYN_RCVD:
	case ZS_ESTABLISHED:
		zs_tcp_set_state(tcb, ZS_CLOSE_WAIT);
		break;
	case ZS_FIN_WAIT_1: /* our FIN is not acknowledged yet */
		zs_tcp_set_state(tcb, ZS_CLOSING);
		break;
	case ZS_FIN_WAIT_2:
		zs_tw_enter(s, tcb);
		break;
	default:
		break;
	}
}

static bool takes_data(const struct zs_tcb *tcb)
{
	return tcb->state >= ZS_SYN_RCVD && tcb->state <= ZS_FIN_WAIT_2 &&
	       !(tcb->flags & ZS_TF_FIN_RCVD);
}

/* RFC 9293 3.6.1, RFC 1122 4.2.2.13: data for an application that closed: it can never be
 * delivered. */
static bool closed_to_data(struct zs_stack *s, struct zs_tcb *tcb, struct rte_mbuf *m,
			   const struct zs_pktinfo *pi, uint32_t len)
{
	if (!(tcb->flags & ZS_TF_ORPHAN) || len == 0)
		return false;
	zs_pkt_drop(s, m, ZS_DROP_TCP_CLOSED);
	zs_send_rst_for(s, pi); /* as CLOSED answers: where the peer awaits our next byte */
	zs_tcb_dead(s, tcb, 0);
	return true;
}

/*
 * May the next bytes be kept? Where the pool is short, or nothing waits for the application that
 * could make room by reading, what waits behind a gap is given up for what fills the gap (RFC 2018
 * 8 allows to renege), else buffers beyond gaps could block all progress.
 */
static bool has_memory(struct zs_stack *s, struct zs_tcb *tcb)
{
	if (likely(!zs_rcv_memory_full(s, tcb)))
		return true;
	if (tcb->ooo.head == NULL || (s->pool_level == ZS_POOL_PLENTY && tcb->rcvq.head != NULL))
		return false;
	zs_ooo_discard(s, tcb);
	return s->pool_level != ZS_POOL_PLENTY || !zs_rcv_memory_full(s, tcb);
}

/*
 * After shutdown(RD) what comes can still be read, as on Linux, but nobody may mean to: before the
 * window closes for want of a reader, all is given up, and from then on acknowledged and discarded,
 * as on BSD, so that the peer is not held up.
 */
static bool is_deaf(struct zs_stack *s, struct zs_tcb *tcb, uint32_t len)
{
	if (!(tcb->flags & ZS_TF_RD_SHUT))
		return false;
	if (tcb->syn_flags & ZS_SY_DEAF)
		return true;
	if (tcb->rcvq.mem + tcb->ooo.mem <= tcb->rcvbuf / 2 && zs_rcv_space(tcb) > len &&
	    !zs_rcv_memory_full(s, tcb))
		return false;
	tcb->syn_flags |= ZS_SY_DEAF;
	zs_rcvq_purge(tcb);
	return true;
}

static void take_in_order(struct zs_stack *s, struct zs_tcb *tcb, struct rte_mbuf *m,
			  const struct zs_pktinfo *pi, uint32_t skip, uint32_t len)
{
	bool gap = tcb->ooo.head != NULL;

	if (len > tcb->rcv_mss)
		learn_mss(tcb, m, len);
	if (is_deaf(s, tcb, len)) {
		tcb->rcv_nxt += len;
		tcb->rcv_adv = zs_seq_max(tcb->rcv_adv, tcb->rcv_nxt + zs_rcv_space(tcb));
		zs_pkt_drop(s, m, ZS_DROP_TCP_CLOSED);
	} else if (!has_memory(s, tcb)) {
		zs_pkt_drop(s, m, ZS_DROP_TCP_RCVBUF);
		zs_ack_now(s, tcb);
		return;
	} else {
		sample_rcv_rtt(s, tcb, pi);
		zs_rcvq_append(s, tcb, zs_pkt_cut(m, pi->data_off + skip, len));
		zs_ep_raise(s, &tcb->ep, ZS_EV_READ);
	}
	zs_ooo_drain(s, tcb);
	if (gap || skip > 0)
		zs_ack_now(s, tcb);
	acknowledge(s, tcb);
}

/* How much of len bytes at seq is not beyond the window; where something is, FIN is as well. */
static uint32_t cut_end(struct zs_stack *s, struct zs_tcb *tcb, uint32_t seq, uint32_t len,
			bool *fin)
{
	uint32_t ahead = seq - tcb->rcv_nxt;
	uint32_t room = tcb->rcv_adv - tcb->rcv_nxt;

	if (len == 0 || ahead + len <= room)
		return len;
	*fin = false;
	zs_ack_now(s, tcb);
	return ahead < room ? room - ahead : 0;
}

/*
 * A FIN behind the bytes from seq to end. In order, it ends the stream: what came from beyond it
 * goes. Early, it is a guess until the stream arrives there, and is forgotten where that goes past.
 */
static void note_fin(struct zs_stack *s, struct zs_tcb *tcb, uint32_t seq, uint32_t end)
{
	struct rte_mbuf *last = tcb->ooo.tail;

	tcb->flags |= ZS_TF_OOO_FIN;
	tcb->fin_seq = end;
	if (last != NULL && seq == tcb->rcv_nxt &&
	    zs_seq_gt(zs_seg(last)->seq + zs_seg(last)->len, end))
		zs_ooo_discard(s, tcb);
}

void zs_data_input(struct zs_stack *s, struct zs_tcb *tcb, struct rte_mbuf *m,
		   const struct zs_pktinfo *pi)
{
	uint32_t len = pi->data_len;
	uint32_t seq = pi->seq;
	uint32_t skip = 0;
	bool fin = (pi->tcp_flags & ZS_FIN) != 0;

	if (!takes_data(tcb) || (len == 0 && !fin)) {
		rte_pktmbuf_free(m);
		return;
	}
	if (zs_seq_lt(seq, tcb->rcv_nxt)) { /* the front is old */
		skip = RTE_MIN(tcb->rcv_nxt - seq, len);
		if (skip > 0 && len > 0) {
			tcb->dsack = (struct zs_sack_block){ seq, seq + skip };
			tcb->flags |= ZS_TF_DSACK;
		}
		seq += skip;
		len -= skip;
	}
	len = cut_end(s, tcb, seq, len, &fin);
	if (closed_to_data(s, tcb, m, pi, len))
		return;
	if (fin && !zs_seq_lt(seq + len, tcb->rcv_nxt))
		note_fin(s, tcb, seq, seq + len);
	if (len == 0) {
		if (skip > 0 || seq != tcb->rcv_nxt)
			zs_ack_now(s, tcb);
		rte_pktmbuf_free(m);
	} else if (seq == tcb->rcv_nxt) {
		take_in_order(s, tcb, m, pi, skip, len);
	} else { /* RFC 5681 4.2: a gap is reported at once */
		zs_ack_now(s, tcb);
		m = zs_pkt_cut(m, pi->data_off + skip, len);
		zs_ooo_insert(s, tcb, m, seq, len);
	}
	if (tcb->flags & ZS_TF_OOO_FIN && zs_seq_leq(tcb->fin_seq, tcb->rcv_nxt)) {
		tcb->flags &= ~(uint32_t)ZS_TF_OOO_FIN;
		if (tcb->fin_seq == tcb->rcv_nxt)
			take_fin(s, tcb);
	}
}
