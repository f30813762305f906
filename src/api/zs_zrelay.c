/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * z_splice_auto: two connections joined inside the stack. A relay watches both sockets and moves
 * what it can when something happens to one of them; a direction that has reached its high
 * watermark is looked at once per turn until the queue is down to the low one, for the stack tells
 * of room, not of watermarks.
 */
#include <stdlib.h>

#include "api/zs_zstate.h"
#include "core/tcp/zs_tcp.h"

struct side {
	struct zs_watch w; /* w.sk NULL: the application closed it */
	struct zrelay *r;
	bool ended; /* the end of its stream was passed on */
	bool held;  /* what it sends is over the high watermark */
};

struct zrelay {
	struct zs_list link;	/* on z->relays */
	struct zs_list blocked; /* on z->blocked */
	struct side side[2];
	size_t low, high; /* bytes queued for sending; high 0 = as the send buffer allows */
};

enum { ROUNDS = 16 }; /* splices of one direction in one turn, so that others get theirs */

static uint32_t queued(const struct zs_sock *sk)
{
	struct zs_tcp_info info;

	zs_tcp_get_info(sk->s, sk->tcb, &info);
	return info.snd_queued;
}

/* Bytes that may be moved to this side now, by its watermarks. */
static size_t allowance(const struct zrelay *r, struct side *to)
{
	size_t n;

	if (r->high == 0)
		return SIZE_MAX;
	n = queued(to->w.sk);
	if (n >= r->high)
		to->held = true;
	else if (n <= r->low)
		to->held = false;
	return to->held ? 0 : r->high - n;
}

enum outcome { IDLE, MOVED, BLOCKED, FAILED };

static enum outcome move(struct zrelay *r, struct side *from, struct side *to)
{
	enum outcome out = IDLE;

	for (int i = 0; i < ROUNDS && !from->ended; i++) {
		size_t max = allowance(r, to);
		ssize_t n;

		/* the error stays with its socket, where the application finds it */
		if (zs_sock_error(from->w.sk) != 0 || zs_sock_error(to->w.sk) != 0)
			return FAILED;
		if (max == 0)
			return out == MOVED ? out : BLOCKED;
		n = zs_sock_splice(from->w.sk, to->w.sk, max);
		if (n == -EAGAIN)
			return out;
		if (n == -ENOBUFS)
			return BLOCKED;
		if (n < 0)
			return FAILED;
		if (n == 0) {
			from->ended = true;
			(void)zs_sock_shutdown(to->w.sk,
					       SHUT_WR); /* -ENOTCONN: it is over anyway */
		}
		out = MOVED;
	}
	return out;
}

static void relay_free(struct zrelay *r)
{
	zs_watch_del(&r->side[0].w);
	zs_watch_del(&r->side[1].w);
	zs_list_del(&r->blocked);
	zs_list_del(&r->link);
	free(r);
}

/* One side failed: the other is reset, so that its peer does not take what it got for everything.
 */
static void relay_fail(struct zrelay *r)
{
	static const struct sockaddr unspec = { .sa_family = AF_UNSPEC };

	for (int i = 0; i < 2; i++) {
		struct zs_sock *sk = r->side[i].w.sk;

		if (zs_sock_error(sk) != 0 || zs_tcp_state(sk->tcb) == ZS_CLOSED)
			continue;
		if (zs_sock_connect(sk, &unspec, sizeof(unspec)) == 0)
			continue;
		/* no room for another connection in its place: it is reset when it is closed */
		sk->flags |= ZS_SF_LINGER;
		sk->linger_s = 0;
	}
	relay_free(r);
}

/* Closed, or it has become a listener. */
static bool is_gone(const struct side *side)
{
	return side->w.sk == NULL || side->w.sk->kind != ZS_SK_TCP;
}

/* Moves what can be moved; frees r when it is over. */
static bool relay_run(struct zs_zstate *z, struct zrelay *r)
{
	enum outcome a, b;

	zs_list_del(&r->blocked);
	if (is_gone(&r->side[0]) || is_gone(&r->side[1])) {
		relay_free(r);
		return false;
	}
	a = move(r, &r->side[0], &r->side[1]);
	b = a == FAILED ? FAILED : move(r, &r->side[1], &r->side[0]);
	if (b == FAILED) {
		relay_fail(r);
		return true;
	}
	if (r->side[0].ended && r->side[1].ended) {
		relay_free(r);
		return true;
	}
	if (a != IDLE || b != IDLE)
		zs_list_add_tail(&z->blocked, &r->blocked); /* there may be more: see next turn */
	return a == MOVED || b == MOVED;
}

bool zs_zrelay_turn(struct zs_zstate *z)
{
	struct zs_list *node, *stop = z->blocked.prev;
	bool moved = false;

	if (!zs_list_empty(&z->blocked)) {
		bool last;

		/* each of those that were there at first, once */
		do {
			node = z->blocked.next;
			last = node == stop;
			moved |= relay_run(z, container_of(node, struct zrelay, blocked));
		} while (!last);
	}
	while (!zs_list_empty(&z->relay_q.ready)) {
		struct zs_watch *w =
			container_of(z->relay_q.ready.next, struct zs_watch, ready_link);

		zs_watch_deactivate(w);
		w->edges = 0;
		moved |= relay_run(z, container_of(w, struct side, w)->r);
	}
	return moved;
}

void zs_zrelay_fini(struct zs_zstate *z)
{
	while (!zs_list_empty(&z->relays))
		relay_free(container_of(z->relays.next, struct zrelay, link));
}

static bool in_relay(const struct zs_zstate *z, const struct zs_sock *sk)
{
	for (struct zs_list *n = sk->watches.next; n != &sk->watches; n = n->next)
		if (container_of(n, struct zs_watch, sock_link)->q == &z->relay_q)
			return true;
	return false;
}

static int relay_start(struct zs_zstate *z, struct zs_sock *a, struct zs_sock *b, size_t low,
		       size_t high)
{
	struct zs_sock *sk[2] = { a, b };
	struct zrelay *r;

	if (a == b || a->kind != ZS_SK_TCP || b->kind != ZS_SK_TCP || low > high)
		return -EINVAL;
	if (in_relay(z, a) || in_relay(z, b))
		return -EBUSY;
	r = calloc(1, sizeof(*r));
	if (r == NULL)
		return -ENOMEM;
	r->low = low;
	r->high = high;
	zs_list_add_tail(&z->relays, &r->link);
	for (int i = 0; i < 2; i++) {
		r->side[i].r = r;
		zs_watch_add(sk[i], &r->side[i].w, &z->relay_q,
			     ZS_EV_READ | ZS_EV_WRITE | ZS_EV_RDHUP);
	}
	(void)relay_run(z, r);
	return 0;
}

ZS_API int z_splice_auto(int a, int b, size_t low, size_t high)
{
	struct zs_sock *ska = zs_fd_sock(a);
	struct zs_sock *skb = ska != NULL ? zs_fd_sock(b) : NULL;
	struct zs_zstate *z = skb != NULL ? zs_zstate() : NULL;
	int rc;

	if (z == NULL)
		return -1;
	rc = relay_start(z, ska, skb, low, high);
	if (rc == 0)
		zs_ctx_kick(z->c);
	return (int)ff_ret(rc);
}
