/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * epoll as in Linux: level trigger by default, EPOLLET (each new arrival reports again),
 * EPOLLONESHOT, EPOLLRDHUP; one event per descriptor with all that is true; data untouched. A stack
 * belongs to one thread, so EPOLLEXCLUSIVE has nobody to exclude and only its rules for epoll_ctl
 * are kept. As with kqueues, a scan decides what is true, and level-triggered notes take turns. An
 * instance may wait for another one, or for a kqueue, that is readable when it would report
 * something.
 */
#include "api/zs_epoll.h"

#include <stdlib.h>

#include <rte_prefetch.h>

#include "api/zs_kern.h"
#include "api/zs_note.h"

struct zs_epoll {
	struct zs_poller p; /* first */
};

enum { DISABLED = 1 }; /* n->flags: one-shot that has fired */

static const uint32_t exclusive_ok =
	EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLWAKEUP | EPOLLET | EPOLLEXCLUSIVE;

static bool pending(struct zs_poller *p);

struct zs_epoll *zs_epoll_create(struct zs_ctx *c)
{
	struct zs_epoll *ep = calloc(1, sizeof(*ep));

	if (ep != NULL)
		zs_poller_init(&ep->p, c, pending);
	return ep;
}

void zs_epoll_ref(struct zs_epoll *ep)
{
	ep->p.refs++;
}

void zs_epoll_unref(struct zs_epoll *ep)
{
	if (--ep->p.refs > 0)
		return;
	zs_poller_fini(&ep->p, NULL);
	free(ep);
}

static unsigned watch_mask(uint32_t events)
{
	unsigned mask = 0;

	if (events & (EPOLLIN | EPOLLRDNORM | EPOLLPRI)) /* PRI: for the kernel's sockets */
		mask |= ZS_EV_READ;
	if (events & (EPOLLOUT | EPOLLWRNORM))
		mask |= ZS_EV_WRITE;
	if (events & EPOLLRDHUP)
		mask |= ZS_EV_RDHUP;
	return mask;
}

static inline uint32_t events_of(unsigned ev)
{
	uint32_t out = 0;

	if (ev & ZS_EV_READ)
		out |= EPOLLIN | EPOLLRDNORM;
	if (ev & ZS_EV_WRITE)
		out |= EPOLLOUT | EPOLLWRNORM;
	if (ev & ZS_EV_RDHUP)
		out |= EPOLLIN | EPOLLRDNORM | EPOLLRDHUP;
	if (ev & ZS_EV_HUP)
		out |= EPOLLHUP;
	if (ev & (ZS_EV_ERR | ZS_EV_ERRQ))
		out |= EPOLLERR;
	return out;
}

static inline uint32_t true_of(const struct zs_note *n)
{
	if (n->w.sk != NULL)
		return events_of(zs_sock_readiness(n->w.sk));
	if (n->kern != NULL)
		return zs_kern_events(n->kern);
	return n->child->pending(n->child) ? EPOLLIN | EPOLLRDNORM : 0;
}

static void arm(struct zs_note *n, const struct epoll_event *ev)
{
	n->events = ev->events | EPOLLERR | EPOLLHUP;
	n->data = ev->data.u64;
	n->flags = 0;
	n->w.mask = (uint16_t)watch_mask(ev->events);
	n->sdata = -1; /* of a poller: nothing was told yet */
	if (true_of(n) & n->events)
		zs_watch_activate(&n->w);
}

/* What may not be asked for. */
static int check(int op, const struct epoll_event *ev, bool is_poller)
{
	if (op != EPOLL_CTL_ADD && op != EPOLL_CTL_MOD && op != EPOLL_CTL_DEL)
		return -EINVAL;
	if (op == EPOLL_CTL_DEL || (ev->events & EPOLLEXCLUSIVE) == 0)
		return 0;
	return op == EPOLL_CTL_MOD || is_poller || (ev->events & ~exclusive_ok) != 0 ? -EINVAL : 0;
}

/* The descriptor: of ours, or the kernel's. */
static int find(struct zs_epoll *ep, int op, int fd, struct zs_fd **f)
{
	struct zs_ctx *c = ep->p.ctx;

	*f = zs_fd_slot(&c->fds, fd);
	if (*f == NULL)
		return op == EPOLL_CTL_ADD ? zs_kern_want(c, fd, f) : zs_kern_find(c, fd, f);
	switch ((enum zs_fd_kind)(*f)->kind) {
	case ZS_FD_SOCK:
		return 0;
	case ZS_FD_KERN:
		return zs_kern_watch(c, (*f)->obj);
	case ZS_FD_EPOLL:
	case ZS_FD_KQUEUE:
		if ((*f)->obj == ep)
			return -EINVAL;
		return op == EPOLL_CTL_ADD ? zs_poller_may_nest(&ep->p, (*f)->obj) : 0;
	case ZS_FD_FREE:
		break;
	}
	return -EPERM;
}

static int add(struct zs_epoll *ep, struct zs_fd *f, int fd, const struct epoll_event *ev)
{
	struct zs_note *n = zs_note_attach(&ep->p, f, fd, ZS_NOTE_EPOLL, watch_mask(ev->events));

	if (n == NULL) {
		zs_kern_unwant(ep->p.ctx, fd);
		return -ENOMEM;
	}
	arm(n, ev);
	return 0;
}

int zs_epoll_ctl(struct zs_epoll *ep, int op, int fd, const struct epoll_event *ev)
{
	struct zs_note *n;
	struct zs_fd *f;
	int rc = find(ep, op, fd, &f);

	if (rc < 0)
		return rc;
	rc = check(op, ev, f->kind == ZS_FD_EPOLL || f->kind == ZS_FD_KQUEUE);
	if (rc < 0) {
		zs_kern_unwant(ep->p.ctx, fd);
		return rc;
	}
	n = zs_note_find(f, &ep->p, ZS_NOTE_EPOLL);
	if (op == EPOLL_CTL_ADD)
		return n != NULL ? -EEXIST : add(ep, f, fd, ev);
	if (n == NULL)
		return -ENOENT;
	if (op == EPOLL_CTL_DEL) {
		zs_note_detach(ep->p.ctx, n);
		return 0;
	}
	if (n->events & EPOLLEXCLUSIVE)
		return -EINVAL;
	arm(n, ev);
	return 0;
}

int zs_epoll_copy(const struct zs_epoll *from, struct zs_epoll *to)
{
	const struct zs_list *head = &from->p.notes;
	int rc = 0;

	for (struct zs_list *l = head->next; rc == 0 && l != head; l = l->next) {
		const struct zs_note *n = container_of(l, struct zs_note, p_link);
		struct epoll_event ev = { .events = n->events, .data.u64 = n->data };

		if (!zs_note_may_copy(n, from->p.ctx, to->p.ctx))
			continue;
		rc = zs_epoll_ctl(to, EPOLL_CTL_ADD, n->fd, &ev);
		if (rc == 0)
			container_of(to->p.notes.prev, struct zs_note, p_link)->flags = n->flags;
	}
	return rc;
}

static inline bool is_dead(const struct zs_note *n)
{
	return n->w.sk == NULL && n->kern == NULL && n->child == NULL;
}

static bool is_edge(const struct zs_note *n)
{
	return (n->events & EPOLLET) != 0;
}

static bool pending(struct zs_poller *p)
{
	if (!zs_list_empty(&p->nested))
		zs_poller_ask(p, is_edge);
	while (p->q.n_ready > 0) {
		struct zs_note *n = zs_note_of(p->q.ready.next);

		if (!is_dead(n) && (n->flags & DISABLED) == 0 && (true_of(n) & n->events) != 0)
			return true;
		zs_note_unready(n);
		if (is_dead(n))
			zs_note_detach(p->ctx, n);
	}
	return false;
}

int zs_epoll_scan(struct zs_epoll *ep, struct epoll_event *out, int max)
{
	struct zs_waitq *q = &ep->p.q;
	uint32_t left;
	int n_out = 0;

	if (__builtin_expect(!zs_list_empty(&ep->p.nested), 0))
		zs_poller_ask(&ep->p, is_edge);
	left = q->n_ready;

	for (; left > 0 && n_out < max; left--) {
		struct zs_note *n = zs_note_of(q->ready.next);
		uint32_t events;

		zs_note_unready(n);
		rte_prefetch0(&zs_note_of(q->ready.next)->data);
		if (is_dead(n)) {
			zs_note_detach(ep->p.ctx, n);
			continue;
		}
		if (n->flags & DISABLED)
			continue;
		events = true_of(n) & n->events;
		if (events == 0)
			continue;
		out[n_out].events = events;
		out[n_out].data.u64 = n->data;
		zs_fd_prefetch(&ep->p.ctx->fds, n->fd);
		n_out++;
		n->w.edges = 0;
		if (n->events & EPOLLONESHOT)
			n->flags |= DISABLED;
		else if ((n->events & EPOLLET) == 0)
			zs_note_ready(n);
	}
	return n_out;
}
