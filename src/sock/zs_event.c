/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Readiness. The core's events become edges in the watches of a socket; what is true now is asked
 * of the connection itself (zs_sock_readiness) and follows Linux' tcp_poll: end of stream is
 * readable, a socket that will answer an error is readable and writable. An edge that is no longer
 * true when it is handed on (the data was read meanwhile, or SO_RCVLOWAT is not reached) is not
 * handed on. Who has a mark of his own is told of less than SO_RCVLOWAT by ZS_EV_SOME.
 */
#include "sock/zs_sock_priv.h"

void zs_waitq_init(struct zs_waitq *q)
{
	zs_list_init(&q->ready);
	q->n_ready = 0;
	q->arrivals = 0;
}

void zs_watch_activate(struct zs_watch *w)
{
	w->q->arrivals++;
	if (zs_list_linked(&w->ready_link))
		return;
	zs_list_add_tail(&w->q->ready, &w->ready_link);
	w->q->n_ready++;
}

void zs_watch_deactivate(struct zs_watch *w)
{
	if (!zs_list_linked(&w->ready_link))
		return;
	zs_list_del(&w->ready_link);
	w->q->n_ready--;
}

static unsigned wanted(const struct zs_watch *w)
{
	return w->mask | ZS_EV_ERR | ZS_EV_ERRQ | ZS_EV_HUP;
}

static void mark(struct zs_watch *w, unsigned ev)
{
	ev &= wanted(w);
	if (ev == 0)
		return;
	w->edges |= (uint16_t)ev;
	zs_watch_activate(w);
}

void zs_watch_add(struct zs_sock *sk, struct zs_watch *w, struct zs_waitq *q, unsigned mask)
{
	*w = (struct zs_watch){ .q = q, .sk = sk, .mask = (uint16_t)mask };
	zs_list_add_tail(&sk->watches, &w->sock_link);
	mark(w, zs_sock_readiness(sk));
}

void zs_watch_del(struct zs_watch *w)
{
	zs_watch_deactivate(w);
	zs_list_del(&w->sock_link);
	w->sk = NULL;
}

/* Of the edges ev those that are true. */
static unsigned still_true(const struct zs_sock *sk, unsigned ev)
{
	unsigned now = zs_sock_readiness(sk);

	if (ev & ~now & ZS_EV_READ && sk->kind == ZS_SK_TCP && zs_tcp_readable(sk->tcb) > 0)
		return (ev & now) | ZS_EV_SOME;
	return ev & now;
}

static void notify(struct zs_sock *sk, unsigned ev)
{
	struct zs_list *node;

	if (zs_list_empty(&sk->watches))
		return;
	if (ev & (ZS_EV_RDHUP | ZS_EV_HUP | ZS_EV_ERR))
		ev |= ZS_EV_READ;
	if (ev & (ZS_EV_HUP | ZS_EV_ERR))
		ev |= ZS_EV_WRITE;
	if (unlikely(ev != ZS_EV_READ || sk->kind != ZS_SK_TCP ||
		     zs_tcp_readable(sk->tcb) < sk->rcvlowat))
		ev = still_true(sk, ev);
	for (node = sk->watches.next; node != &sk->watches; node = node->next)
		mark(container_of(node, struct zs_watch, sock_link), ev);
}

uint32_t zs_sock_dispatch(struct zs_stack *s)
{
	struct zs_ep *ep;
	uint32_t n = 0;
	unsigned ev;

	while ((ep = zs_ep_next(s, &ev)) != NULL) {
		const struct zs_sock *behind = zs_ep_owner_next(s);

		if (behind != NULL)
			rte_prefetch0(behind->watches.next);
		if (ep->owner == NULL)
			continue;
		notify(ep->owner, ev);
		n++;
	}
	return n;
}

static unsigned udp_readiness(const struct zs_sock *sk)
{
	unsigned ev = ZS_EV_WRITE;

	if (sk->udp->rx_head != NULL)
		ev |= ZS_EV_READ;
	if (sk->udp->ep.error != 0)
		ev |= ZS_EV_ERR;
	if (sk->udp->err_head != NULL)
		ev |= ZS_EV_ERRQ;
	if (sk->flags & ZS_SF_RD_SHUT)
		ev |= ZS_EV_READ | ZS_EV_RDHUP;
	if ((sk->flags & ZS_SF_RD_SHUT) && (sk->flags & ZS_SF_WR_SHUT))
		ev |= ZS_EV_HUP;
	return ev;
}

bool zs_sock_full(const struct zs_sock *sk)
{
	struct zs_tcp_info info;

	if (sk->kind != ZS_SK_TCP || zs_tcp_readable(sk->tcb) == 0)
		return false;
	zs_tcp_get_info(sk->s, sk->tcb, &info);
	return info.rcv_wnd <= info.rcv_mss;
}

/* SO_RCVLOWAT is reached, or never will be. */
static bool enough_to_read(const struct zs_sock *sk)
{
	uint32_t n = zs_tcp_readable(sk->tcb);

	return n >= sk->rcvlowat || (n > 0 && zs_sock_full(sk));
}

/* Of a connection that neither end has begun to close, without an error. */
static inline unsigned open_readiness(const struct zs_sock *sk)
{
	unsigned ev = zs_tcp_writable(sk->s, sk->tcb) ? ZS_EV_WRITE : 0;

	return enough_to_read(sk) ? ev | ZS_EV_READ : ev;
}

static __attribute__((noinline)) unsigned other_readiness(const struct zs_sock *sk)
{
	enum zs_tcp_state st = zs_tcp_state(sk->tcb);
	bool fin = zs_tcp_fin_received(sk->tcb) || (sk->flags & ZS_SF_RD_SHUT);
	unsigned ev = zs_tcp_ep(sk->tcb)->error != 0 ? ZS_EV_ERR : 0;

	if (sk->flags & ZS_SF_ERRQ || zs_sock_stamp_waits(sk))
		ev |= ZS_EV_ERRQ;
	if (st == ZS_CLOSED && !zs_sock_ended(sk))
		return ev | ZS_EV_WRITE | ZS_EV_HUP;
	if (st == ZS_CLOSED)
		return ev | ZS_EV_READ | ZS_EV_WRITE | ZS_EV_RDHUP | ZS_EV_HUP;
	if (zs_tcp_opening(sk->tcb))
		return zs_tcp_syn_waits(sk->tcb) ? ev | ZS_EV_WRITE : ev;
	ev |= open_readiness(sk);
	if (fin)
		ev |= ZS_EV_READ | ZS_EV_RDHUP;
	if (sk->flags & ZS_SF_WR_SHUT)
		ev |= ZS_EV_WRITE;
	if (fin && (sk->flags & ZS_SF_WR_SHUT))
		ev |= ZS_EV_HUP;
	return ev;
}

static inline unsigned tcp_readiness(const struct zs_sock *sk)
{
	if (likely(zs_tcp_state(sk->tcb) == ZS_ESTABLISHED &&
		   !(sk->flags & (ZS_SF_RD_SHUT | ZS_SF_WR_SHUT | ZS_SF_ERRQ | ZS_SF_STAMPS)) &&
		   zs_tcp_ep(sk->tcb)->error == 0))
		return open_readiness(sk);
	return other_readiness(sk);
}

unsigned zs_sock_readiness(const struct zs_sock *sk)
{
	if (likely(sk->kind == ZS_SK_TCP))
		return tcp_readiness(sk);
	switch ((enum zs_sock_kind)sk->kind) {
	case ZS_SK_LISTENER:
		return sk->lst->n_accept > 0 ? ZS_EV_READ : 0;
	case ZS_SK_UDP:
		return udp_readiness(sk);
	case ZS_SK_TCP:
		break;
	}
	__builtin_unreachable();
}

uint32_t zs_sock_readable(const struct zs_sock *sk)
{
	switch ((enum zs_sock_kind)sk->kind) {
	case ZS_SK_LISTENER:
		return sk->lst->n_accept;
	case ZS_SK_UDP:
		return sk->udp->rx_head != NULL ? sk->udp->rx_head->pkt_len : 0;
	case ZS_SK_TCP:
		return zs_tcp_readable(sk->tcb);
	}
	__builtin_unreachable();
}

uint32_t zs_sock_writable(const struct zs_sock *sk)
{
	switch ((enum zs_sock_kind)sk->kind) {
	case ZS_SK_LISTENER:
		return 0;
	case ZS_SK_UDP:
		return zs_sock_dgram_max(sk);
	case ZS_SK_TCP:
		return zs_tcp_send_space(sk->tcb);
	}
	__builtin_unreachable();
}

void zs_sock_await_room(const struct zs_sock *sk)
{
	if (sk->kind == ZS_SK_TCP)
		zs_tcp_await_room(sk->tcb);
}
