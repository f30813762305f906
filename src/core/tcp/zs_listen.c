/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Listeners and the SYN queue (RFC 9293 3.10.7.2, 3.10.7.4 in SYN-RECEIVED). A SYN makes a compact
 * half-open entry; the ACK of our SYN-ACK makes the connection and puts it on the accept queue.
 */
#include <errno.h>

#include "core/tcp/zs_ack.h"
#include "core/tcp/zs_cookie.h"
#include "core/tcp/zs_ecn.h"
#include "core/tcp/zs_half.h"
#include "core/tcp/zs_input.h"
#include "core/tcp/zs_output.h"
#include "core/tcp/zs_port.h"
#include "core/tcp/zs_queue.h"
#include "core/tcp/zs_tfo.h"
#include "core/tcp/zs_timers.h"
#include "core/zs_ip6.h"
#include "core/zs_iphdr.h"
#include "core/zs_parse.h"

enum {
	MIN_HALF_OPEN = 256, /* a listener may always have so many handshakes under way */
	MAX_BACKLOG = 65535
};

static struct zs_list *listen_bucket(struct zs_stack *s, uint16_t port)
{
	return &s->tcp.listen_hash[port % ZS_PORT_HASH];
}

/* 3: bound to this address, 2: to any, 1: to any of IPv6 and takes IPv4, 0: not for this flow. */
static int listener_score(const struct zs_listener *l, const struct zs_flow *flow)
{
	if (l->lport != flow->lport)
		return 0;
	if (l->family != flow->family)
		return l->dual && zs_addr_is_any(&l->laddr) ? 1 : 0;
	if (zs_addr_is_any(&l->laddr))
		return 2;
	return zs_addr_eq(&l->laddr, &flow->laddr) ? 3 : 0;
}

struct zs_listener *zs_listener_find(struct zs_stack *s, const struct zs_flow *flow)
{
	struct zs_list *head = listen_bucket(s, flow->lport);
	struct zs_listener *found = NULL;
	uint32_t n = 0, pick;
	int best = 0;

	for (struct zs_list *e = head->next; e != head; e = e->next) {
		struct zs_listener *l = container_of(e, struct zs_listener, hash_link);
		int score = listener_score(l, flow);

		if (score > best) {
			best = score;
			found = l;
			n = 0;
		}
		n += score != 0 && score == best;
	}
	if (n < 2)
		return found;
	/* SO_REUSEPORT: the flow decides which */
	pick = zs_flow_hash(s->hash_key, flow) / 2 % n;
	for (struct zs_list *e = head->next; e != head; e = e->next) {
		found = container_of(e, struct zs_listener, hash_link);
		if (listener_score(found, flow) == best && pick-- == 0)
			break;
	}
	return found;
}

bool zs_listener_conflicts(struct zs_stack *s, const struct zs_flow *local, bool dual,
			   bool reuseport)
{
	struct zs_list *head = listen_bucket(s, local->lport);

	for (struct zs_list *e = head->next; e != head; e = e->next) {
		const struct zs_listener *l = container_of(e, struct zs_listener, hash_link);

		if (l->lport == local->lport &&
		    zs_local_overlap(l->family, &l->laddr, l->dual, local->family, &local->laddr,
				     dual) &&
		    !(reuseport && l->opts.reuseport))
			return true;
	}
	return false;
}

int zs_tcp_listen(struct zs_stack *s, struct zs_tcb *tcb, int backlog, struct zs_listener **out)
{
	bool dual = (tcb->flags & ZS_TF_DUAL) != 0;
	struct zs_listener *l;
	int rc;

	if (tcb->state != ZS_CLOSED || tcb->flow.fport != 0)
		return -EINVAL;
	if (tcb->flow.lport == 0) {
		rc = zs_tcp_bind(s, tcb, &tcb->flow.laddr, 0);
		if (rc < 0)
			return rc;
	}
	if (zs_listener_conflicts(s, &tcb->flow, dual, tcb->opts.reuseport))
		return -EADDRINUSE;
	l = zs_slab_get(&s->tcp.listeners);
	if (l == NULL)
		return -ENOBUFS;
	*l = (struct zs_listener){
		.ep = { .kind = ZS_EP_LISTENER, .owner = tcb->ep.owner },
		.laddr = tcb->flow.laddr,
		.lport = tcb->flow.lport,
		.family = tcb->flow.family,
		.dual = dual,
		.opts = tcb->opts,
	};
	l->has_tfo_key = (tcb->syn_flags & ZS_SY_KEY) != 0;
	memcpy(l->tfo_key, tcb->tfo.key, sizeof(l->tfo_key));
	l->tfo_qlen = tcb->tfo.qlen;
	zs_list_init(&l->accept);
	zs_tcp_set_backlog(l, backlog);
	zs_list_add_tail(listen_bucket(s, l->lport), &l->hash_link);
	zs_tcb_free(s, tcb);
	*out = l;
	return 0;
}

void zs_tcp_set_backlog(struct zs_listener *l, int backlog)
{
	int n = RTE_MIN(backlog, (int)MAX_BACKLOG);

	l->backlog = (uint32_t)RTE_MAX(n, 1);
}

struct zs_tcb *zs_tcp_accept(struct zs_stack *s, struct zs_listener *l)
{
	struct zs_list *e = zs_list_pop(&l->accept);
	struct zs_tcb *tcb;

	(void)s;
	if (e == NULL)
		return NULL;
	tcb = container_of(e, struct zs_tcb, accept_link);
	tcb->listener = NULL;
	l->n_accept--;
	return tcb;
}

void zs_tcp_listener_close(struct zs_stack *s, struct zs_listener *l)
{
	uint32_t index = zs_slab_index(&s->tcp.listeners, l);
	struct zs_tcb *tcb;

	while ((tcb = zs_tcp_accept(s, l)) != NULL)
		zs_tcp_abort(s, tcb);
	for (unsigned level = 0; level < ZS_HALF_LEVELS; level++) {
		struct zs_list *head = &s->tcp.half_fifo[level];
		struct zs_list *next;

		for (struct zs_list *e = head->next; e != head; e = next) {
			struct zs_half *h = container_of(e, struct zs_half, fifo);

			next = e->next;
			if (h->listener == index)
				zs_half_free(s, h);
		}
	}
	zs_list_del(&l->hash_link);
	zs_list_del(&l->ep.link);
	zs_slab_put(&s->tcp.listeners, l);
}

/* ---- half-open entries ---- */

static uint32_t half_hash(const struct zs_stack *s, const struct zs_half *h)
{
	return zs_flow_hash(s->hash_key, &h->flow);
}

static struct zs_listener *half_listener(struct zs_stack *s, const struct zs_half *h)
{
	return zs_slab_at(&s->tcp.listeners, h->listener);
}

static void half_put(struct zs_stack *s, struct zs_half *h)
{
	half_listener(s, h)->n_half_open--;
	zs_list_del(&h->fifo);
	zs_slab_put(&s->tcp.halves, h);
	s->tcp.flows_changed = true;
}

void zs_half_free(struct zs_stack *s, struct zs_half *h)
{
	zs_flowtab_del(s, half_hash(s, h), ZS_REF_HALF, zs_slab_index(&s->tcp.halves, h));
	half_put(s, h);
}

static uint32_t listener_space(const struct zs_stack *s, const struct zs_listener *l)
{
	uint32_t buf = l->opts.rcvbuf != 0 ? l->opts.rcvbuf : s->cfg.rcvbuf;

	return RTE_MIN(buf / 2, 65535u);
}

static uint16_t mtu_to(struct zs_stack *s, const struct zs_flow *flow)
{
	struct zs_addr nexthop;
	const struct zs_netif *nif = zs_route_lookup(s, flow->family, &flow->faddr, &nexthop);

	return nif != NULL ? zs_link_mtu(s, nif, flow->family) : 576;
}

static void send_syn_ack(struct zs_stack *s, struct zs_half *h)
{
	const struct zs_listener *l = half_listener(s, h);
	uint8_t cookie[ZS_TFO_OUR_LEN];
	uint16_t mss = (uint16_t)(mtu_to(s, &h->flow) - zs_iphdr_with_tcp(h->flow.family));
	struct zs_tcpopt opt = {
		.mss = l->opts.maxseg != 0 ? RTE_MIN(mss, l->opts.maxseg) : mss,
		.has_ts = h->ts,
		.sack_perm = h->sack,
		.has_wscale = h->wscale,
		.wscale = zs_rcv_wscale(s, &l->opts),
		.ts_val = s->now_ms + h->ts_off,
		.ts_ecr = h->ts_recent,
		.fastopen = h->retries == 0 ? h->tfo : 0,
		.cookie = cookie,
	};
	struct zs_raw raw = {
		.flow = &h->flow,
		.seq = h->iss,
		.ack = h->irs + 1,
		.flags = (uint8_t)(ZS_SYN | ZS_ACK | (h->ecn ? ZS_ECE : 0)),
		.wnd = (uint16_t)listener_space(s, l),
		.ttl = l->opts.ttl,
		.tos = l->opts.tos,
		.syn_opt = &opt,
	};

	if (opt.fastopen != 0)
		zs_tfo_cookie(zs_tfo_key(s, l), &h->flow, cookie);
	h->sent_us = s->now_us;
	(void)zs_send_raw(s, &raw); /* as good as lost: the peer asks again */
}

/* Puts h on the queue of its retry count, where deadlines are in order. */
static void half_schedule(struct zs_stack *s, struct zs_half *h)
{
	uint64_t wait = (uint64_t)s->cfg.rto_initial_us << h->retries;

	h->deadline_us = s->now_us + wait;
	zs_list_add_tail(&s->tcp.half_fifo[h->retries], &h->fifo);
	if (!zs_timer_armed(&s->tcp.half_timer) ||
	    s->tcp.half_timer.tick << ZS_TICK_SHIFT > h->deadline_us)
		zs_timer_set(&s->wheel, &s->tcp.half_timer, h->deadline_us);
}

static void half_expired(struct zs_stack *s, struct zs_half *h)
{
	uint8_t defer = half_listener(s, h)->opts.defer_accept;
	uint8_t limit = RTE_MAX(s->cfg.synack_retries, defer);

	if (h->retries >= RTE_MIN(limit, (uint8_t)(ZS_HALF_LEVELS - 1))) {
		zs_half_free(s, h);
		return;
	}
	zs_list_del(&h->fifo);
	h->retries++;
	half_schedule(s, h);
	if (!h->acked || h->retries >= defer)
		send_syn_ack(s, h);
}

void zs_half_timer(struct zs_stack *s, struct zs_timer *t)
{
	uint64_t next = UINT64_MAX;

	for (int level = ZS_HALF_LEVELS - 1; level >= 0; level--) {
		struct zs_list *head = &s->tcp.half_fifo[level];

		while (!zs_list_empty(head)) {
			struct zs_half *h = container_of(head->next, struct zs_half, fifo);

			if (h->deadline_us > s->now_us) {
				next = RTE_MIN(next, h->deadline_us);
				break;
			}
			half_expired(s, h);
		}
	}
	/* entries that moved up a level armed the timer themselves, perhaps later than `next` */
	if (next != UINT64_MAX && (!zs_timer_armed(t) || t->tick << ZS_TICK_SHIFT > next))
		zs_timer_set(&s->wheel, t, next);
}

static enum zs_drop refuse_syn(const struct zs_stack *s, const struct zs_listener *l)
{
	if (l->n_accept >= l->backlog)
		return ZS_DROP_TCP_ACCEPT_FULL;
	if (l->n_half_open >= RTE_MAX(l->backlog, (uint32_t)MIN_HALF_OPEN) ||
	    s->tcp.halves.live >= s->tcp.halves.cap)
		return ZS_DROP_TCP_SYN_FULL;
	return ZS_DROP_COUNT;
}

/* What a SYN says, and what we answer. */
static struct zs_half half_of(struct zs_stack *s, const struct zs_listener *l,
			      const struct zs_pktinfo *pi, uint32_t iss)
{
	return (struct zs_half){
		.flow = pi->flow,
		.iss = iss,
		.irs = pi->seq,
		.ts_recent = pi->opt.ts_val,
		.ts_off = zs_ts_offset(s, &pi->flow),
		.listener = zs_slab_index(&s->tcp.listeners, l),
		.peer_mss = pi->opt.mss,
		.peer_wscale = pi->opt.wscale,
		.ts = pi->opt.has_ts && s->cfg.use_ts,
		.sack = pi->opt.sack_perm && s->cfg.use_sack,
		.wscale = pi->opt.has_wscale && s->cfg.use_wscale,
		.ecn = zs_ecn_accept(s, l->opts.cc, pi),
	};
}

static void half_new(struct zs_stack *s, struct zs_listener *l, const struct zs_pktinfo *pi,
		     uint32_t iss, uint8_t tfo)
{
	struct zs_half *h = zs_slab_get(&s->tcp.halves);

	*h = half_of(s, l, pi, iss);
	h->tfo = tfo;
	l->n_half_open++;
	zs_flowtab_add(s, half_hash(s, h), ZS_REF_HALF, zs_slab_index(&s->tcp.halves, h));
	s->tcp.flows_changed = true;
	half_schedule(s, h);
	send_syn_ack(s, h);
}

/* ---- connections ---- */

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
	tcb->mtu = mtu_to(s, &h->flow);
	tcb->iss = h->iss;
	tcb->irs = h->irs;
	tcb->snd_una = tcb->snd_nxt = tcb->snd_small = h->iss + 1;
	tcb->rcv_nxt = tcb->rcv_acked = h->irs + 1;
	tcb->ts_off = h->ts_off;
	tcb->ts_recent = h->ts_recent;
	tcb->ts_recent_ms = s->now_ms;
	tcb->rcv_wscale = zs_rcv_wscale(s, &l->opts);
	zs_tcp_opts_changed(s, tcb);
	tcb->rcv_adv = tcb->rcv_nxt + listener_space(s, l);
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
	struct zs_half h = half_of(s, l, pi, iss);
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
	struct zs_half h = half_of(s, l, pi, 0);

	zs_cookie_bake(s, &h);
	l->cookie_us = s->now_us;
	s->stats.tcp_cookies_out++;
	send_syn_ack(s, &h);
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
	why = refuse_syn(s, l);
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
	half_new(s, l, pi, iss, verdict == ZS_TFO_COOKIE ? zs_tfo_reply(&pi->opt) : 0);
	rte_pktmbuf_free(m);
}

static void half_challenge(struct zs_stack *s, const struct zs_half *h)
{
	struct zs_raw raw = {
		.flow = &h->flow,
		.seq = h->iss + 1,
		.ack = h->irs + 1,
		.flags = ZS_ACK,
		.wnd = (uint16_t)listener_space(s, half_listener(s, h)),
		.ttl = s->cfg.ttl,
		.ts = h->ts,
		.ts_val = s->now_ms + h->ts_off,
		.ts_ecr = h->ts_recent,
	};

	if (!zs_challenge_allowed(s))
		return;
	s->stats.tcp_challenge++;
	(void)zs_send_raw(s, &raw); /* as good as lost: the peer asks again */
}

/* The handshake is complete: the connection comes into being. NULL when the table is full. */
static struct zs_tcb *half_promote(struct zs_stack *s, struct zs_half *h,
				   const struct zs_pktinfo *pi)
{
	struct zs_listener *l = half_listener(s, h);
	struct zs_tcb *tcb = tcb_of(s, l, h);

	if (tcb == NULL)
		return NULL;
	zs_rtt_handshake(s, tcb, pi, h->retries, (uint32_t)(s->now_us - h->sent_us));
	tcb->hash = half_hash(s, h);
	zs_flowtab_replace(s, tcb->hash, ZS_REF_HALF, zs_slab_index(&s->tcp.halves, h), ZS_REF_TCB,
			   zs_slab_index(&s->tcp.tcbs, tcb));
	tcb->flags |= ZS_TF_IN_TABLE;
	half_put(s, h);
	zs_tcp_set_state(tcb, ZS_ESTABLISHED);
	zs_keepalive_start(s, tcb);
	to_accept_queue(s, l, tcb);
	return tcb;
}

/* The checks of SYN-RECEIVED. Returns the reason to drop, ZS_DROP_COUNT when the ACK is good. */
static enum zs_drop half_check(struct zs_stack *s, struct zs_half *h, const struct zs_pktinfo *pi)
{
	const struct zs_listener *l = half_listener(s, h);
	bool in_window = zs_seq_in(pi->seq, h->irs + 1, listener_space(s, l));

	if (pi->tcp_flags & ZS_RST) {
		if (pi->seq == h->irs + 1)
			zs_half_free(s, h);
		else if (in_window)
			half_challenge(s, h);
		return ZS_DROP_TCP_RST;
	}
	if (pi->tcp_flags & ZS_SYN) {
		if (pi->seq == h->irs && !(pi->tcp_flags & ZS_ACK)) {
			/* RFC 3168 6.1.1: one SYN that does not ask, and there is no ECN */
			h->ecn = h->ecn && zs_ecn_accept(s, l->opts.cc, pi);
			send_syn_ack(s, h);
		} else
			half_challenge(s, h);
		return ZS_DROP_TCP_SYN;
	}
	if (!(pi->tcp_flags & ZS_ACK))
		return ZS_DROP_TCP_NO_ACK;
	if (h->ts && !pi->opt.has_ts && !s->cfg.tolerate_missing_ts) /* RFC 7323 3.2 */
		return ZS_DROP_TCP_PAWS;
	if (h->ts && pi->opt.has_ts && zs_seq_lt(pi->opt.ts_val, h->ts_recent)) {
		half_challenge(s, h);
		return ZS_DROP_TCP_PAWS;
	}
	if (!in_window) {
		half_challenge(s, h);
		return ZS_DROP_TCP_WINDOW;
	}
	if (pi->ack != h->iss + 1) {
		zs_send_rst_for(s, pi);
		return ZS_DROP_TCP_BAD_ACK;
	}
	return l->n_accept >= l->backlog ? ZS_DROP_TCP_ACCEPT_FULL : ZS_DROP_COUNT;
}

/* TCP_DEFER_ACCEPT: the end of the handshake alone is nothing to bother the application with. The
 * last SYN-ACK makes the peer answer once more, and that counts. */
static bool defers(struct zs_stack *s, struct zs_half *h, const struct zs_pktinfo *pi)
{
	if (pi->data_len > 0 || pi->tcp_flags & ZS_FIN ||
	    h->retries >= half_listener(s, h)->opts.defer_accept)
		return false;
	h->acked = true;
	return true;
}

void zs_half_input(struct zs_stack *s, struct zs_half *h, struct rte_mbuf *m, struct zs_pktinfo *pi)
{
	enum zs_drop why = half_check(s, h, pi);
	struct zs_tcb *tcb;

	if (why != ZS_DROP_COUNT) {
		zs_pkt_drop(s, m, why);
		return;
	}
	if (defers(s, h, pi)) {
		rte_pktmbuf_free(m);
		return;
	}
	tcb = half_promote(s, h, pi);
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
