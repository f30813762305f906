/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How a connection comes to a listener (RFC 9293 3.10.7.2): by the ACK of our SYN-ACK, by a SYN
 * cookie, or with the SYN itself (Fast Open).
 */
#include "core/tcp/zs_cookie.h"
#include "core/tcp/zs_half.h"
#include "core/tcp/zs_input.h"
#include "core/tcp/zs_output.h"
#include "core/tcp/zs_tfo.h"
#include "core/tcp/zs_timers.h"
#include "core/zs_parse.h"

enum { MIN_HALF_OPEN = 256 /* a listener may always have so many handshakes under way */ };

enum zs_drop zs_listen_refuses(const struct zs_stack *s, const struct zs_listener *l)
{
	if (l->n_accept >= l->backlog)
		return ZS_DROP_TCP_ACCEPT_FULL;
	if (l->n_half_open >= RTE_MAX(l->backlog, (uint32_t)MIN_HALF_OPEN) ||
	    s->tcp.halves.live >= s->tcp.halves.cap)
		return ZS_DROP_TCP_SYN_FULL;
	return ZS_DROP_COUNT;
}

/* The connection that h describes, in no table yet. NULL when the table is full. */
static struct zs_tcb *tcb_of(struct zs_stack *s, struct zs_listener *l, const struct zs_half *h)
{
	struct zs_tcb *tcb = zs_tcb_new(s, &h->flow);
	struct zs_synopts peer = {
		.mss = h->peer_mss,
		.wscale = h->peer_wscale,
		.has_wscale = h->wscale,
		.ts = h->ts,
		.sack = h->sack,
		.ecn = h->ecn,
	};

	if (tcb == NULL)
		return NULL;
	tcb->opts = l->opts;
	tcb->mtu = zs_half_mtu(s, &h->flow);
	tcb->iss = h->iss;
	tcb->irs = h->irs;
	tcb->snd_una = tcb->snd_nxt = tcb->snd_small = h->iss + 1;
	tcb->rcv_nxt = tcb->rcv_acked = h->irs + 1;
	tcb->ts_off = h->ts_off;
	tcb->ts_recent = h->ts_recent;
	tcb->ts_recent_ms = s->now_ms;
	tcb->rcv_wscale = zs_rcv_wscale(s, &l->opts);
	zs_tcp_opts_changed(s, tcb);
	tcb->rcv_adv = tcb->rcv_nxt + zs_listener_space(s, l);
	zs_tcb_negotiate(s, tcb, &peer);
	return tcb;
}

static void to_accept_queue(struct zs_stack *s, struct zs_listener *l, struct zs_tcb *tcb)
{
	tcb->listener = l;
	zs_list_add_tail(&l->accept, &tcb->accept_link);
	l->n_accept++;
	s->stats.tcp_conns_accepted++;
	zs_ep_raise(s, &l->ep, ZS_EV_READ);
}

/*
 * Fast Open (RFC 7413 4.2.2): the SYN proves that the client was here before, and the connection
 * begins with it. Consumes m.
 */
static void open_at_once(struct zs_stack *s, struct zs_listener *l, struct rte_mbuf *m,
			 struct zs_pktinfo *pi, uint32_t iss)
{
	struct zs_half h = zs_half_of(s, l, pi, iss);
	struct zs_tcb *tcb = tcb_of(s, l, &h);

	if (tcb == NULL) {
		zs_pkt_drop(s, m, ZS_DROP_TCP_NO_TCB);
		return;
	}
	tcb->snd_una = tcb->snd_small = tcb->iss;
	tcb->cwnd++; /* the SYN-ACK in flight takes nothing from the data */
	tcb->syn_flags |= ZS_SY_CHILD | ZS_SY_PENDING;
	s->tcp.tfo_pending++;
	tcb->max_snd_wnd = pi->wnd; /* never scaled (RFC 7323 2.2) */
	tcb->snd_wnd = pi->wnd + 1; /* begins behind our SYN */
	tcb->snd_wl1 = pi->seq;
	tcb->last_recv_us = s->now_us;
	zs_tcp_set_state(tcb, ZS_SYN_RCVD);
	zs_tcb_enter_table(s, tcb);
	if (pi->data_len > 0)
		tcb->syn_flags |= ZS_SY_DATA;
	pi->seq++;
	pi->tcp_flags &= (uint8_t)~ZS_SYN;
	zs_data_input(s, tcb, m, pi);
	zs_send_syn(s, tcb); /* acknowledges the data as well */
	tcb->flags &= ~(uint32_t)ZS_TF_ACK_NOW;
	tcb->deadline[ZS_TT_DELACK] = 0;
	tcb->rcv_acked = tcb->rcv_nxt;
	zs_retx_restart(s, tcb);
	to_accept_queue(s, l, tcb);
}

/* ---- SYN cookies ---- */

enum { COOKIE_US = 2 << 26 /* they are good for two periods at most */ };

static void send_cookie(struct zs_stack *s, struct zs_listener *l, const struct zs_pktinfo *pi)
{
	struct zs_half h = zs_half_of(s, l, pi, 0);

	zs_cookie_bake(s, &h);
	l->cookie_us = s->now_us;
	s->stats.tcp_cookies_out++;
	zs_half_answer(s, &h);
}

/* An ACK to a listener that gave out cookies, not long ago. False: it brings none of them. */
static bool open_by_cookie(struct zs_stack *s, struct zs_listener *l, struct rte_mbuf *m,
			   struct zs_pktinfo *pi)
{
	struct zs_half h;
	struct zs_tcb *tcb;

	if (s->now_us - l->cookie_us > COOKIE_US || !zs_cookie_eat(s, pi, &h))
		return false;
	if (l->n_accept >= l->backlog) {
		zs_pkt_drop(s, m, ZS_DROP_TCP_ACCEPT_FULL);
		return true;
	}
	h.listener = zs_slab_index(&s->tcp.listeners, l);
	tcb = tcb_of(s, l, &h);
	if (tcb == NULL) {
		zs_pkt_drop(s, m, ZS_DROP_TCP_NO_TCB);
		return true;
	}
	s->stats.tcp_cookies_in++;
	zs_tcb_enter_table(s, tcb);
	zs_tcp_set_state(tcb, ZS_ESTABLISHED);
	zs_keepalive_start(s, tcb);
	to_accept_queue(s, l, tcb);
	tcb->snd_wl1 = pi->seq - 1;
	tcb->snd_wl2 = pi->ack;
	tcb->last_recv_us = s->now_us;
	zs_tcp_synchronized_input(s, tcb, m, pi);
	return true;
}

void zs_listen_input(struct zs_stack *s, struct zs_listener *l, struct rte_mbuf *m,
		     struct zs_pktinfo *pi, uint32_t iss)
{
	enum zs_tfo_verdict verdict;
	enum zs_drop why;

	if ((pi->tcp_flags & (ZS_RST | ZS_ACK | ZS_SYN)) == ZS_ACK && l->cookie_us != 0 &&
	    open_by_cookie(s, l, m, pi))
		return;
	if (pi->tcp_flags & (ZS_RST | ZS_ACK)) { /* first, second: send_rst_for() spares RST */
		zs_send_rst_for(s, pi);
		zs_pkt_drop(s, m, ZS_DROP_TCP_NO_CONN);
		return;
	}
	/* third; SYN with FIN is no way to open a connection */
	if ((pi->tcp_flags & (ZS_SYN | ZS_FIN)) != ZS_SYN) {
		zs_pkt_drop(s, m, ZS_DROP_TCP_STATE);
		return;
	}
	why = zs_listen_refuses(s, l);
	if (why != ZS_DROP_COUNT) {
		if (why == ZS_DROP_TCP_SYN_FULL && s->cfg.syn_cookies)
			send_cookie(s, l, pi);
		zs_pkt_drop(s, m, why);
		return;
	}
	verdict = zs_tfo_judge(s, l, pi);
	if (verdict == ZS_TFO_OPEN) {
		open_at_once(s, l, m, pi, iss);
		return;
	}
	zs_half_new(s, l, pi, iss, verdict == ZS_TFO_COOKIE ? zs_tfo_reply(&pi->opt) : 0);
	rte_pktmbuf_free(m);
}

/* The handshake is complete: the connection comes into being. NULL when the table is full. */
static struct zs_tcb *half_promote(struct zs_stack *s, struct zs_half *h)
{
	struct zs_listener *l = zs_half_listener(s, h);
	struct zs_tcb *tcb = tcb_of(s, l, h);

	if (tcb == NULL)
		return NULL;
	zs_rtt_begin(s, tcb, h->timeouts, h->rtt_us);
	zs_half_become(s, h, tcb);
	zs_tcp_set_state(tcb, ZS_ESTABLISHED);
	zs_keepalive_start(s, tcb);
	to_accept_queue(s, l, tcb);
	return tcb;
}

void zs_half_input(struct zs_stack *s, struct zs_half *h, struct rte_mbuf *m, struct zs_pktinfo *pi)
{
	enum zs_drop why = zs_half_check(s, h, pi);
	struct zs_tcb *tcb;

	if (why != ZS_DROP_COUNT) {
		zs_pkt_drop(s, m, why);
		return;
	}
	if (zs_half_defers(s, h, pi)) {
		rte_pktmbuf_free(m);
		return;
	}
	tcb = half_promote(s, h);
	if (tcb == NULL) {
		zs_pkt_drop(s, m, ZS_DROP_TCP_NO_TCB);
		return;
	}
	/* the first window of an ACK counts whatever SND.WL1 says */
	tcb->snd_wl1 = pi->seq - 1;
	tcb->snd_wl2 = pi->ack;
	tcb->last_recv_us = s->now_us;
	zs_tcp_synchronized_input(s, tcb, m, pi);
}
