/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * epoll as in Linux: level trigger by default, EPOLLET (each new arrival reports again),
 * EPOLLONESHOT, EPOLLRDHUP; one event per descriptor with all that is true; data untouched. A stack
 * belongs to one thread, so EPOLLEXCLUSIVE has nobody to exclude and only its rules for epoll_ctl
 * are kept. As with kqueues, a scan decides what is true, and level-triggered notes take turns.
 */
#include "api/zs_epoll.h"

#include <stdlib.h>

#include "api/zs_note.h"

struct zs_epoll {
	struct zs_poller p; /* first */
};

enum { DISABLED = 1 }; /* n->flags: one-shot that has fired */

static const uint32_t exclusive_ok =
	EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLWAKEUP | EPOLLET | EPOLLEXCLUSIVE;

struct zs_epoll *zs_epoll_create(struct zs_ctx *c)
{
	struct zs_epoll *ep = calloc(1, sizeof(*ep));

	if (ep != NULL)
		zs_poller_init(&ep->p, c);
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

	if (events & (EPOLLIN | EPOLLRDNORM))
		mask |= ZS_EV_READ;
	if (events & (EPOLLOUT | EPOLLWRNORM))
		mask |= ZS_EV_WRITE;
	if (events & EPOLLRDHUP)
		mask |= ZS_EV_RDHUP;
	return mask;
}

static void arm(struct zs_note *n, const struct epoll_event *ev)
{
	n->events = ev->events | EPOLLERR | EPOLLHUP;
	n->data = ev->data.u64;
	n->flags = 0;
	n->w.mask = (uint16_t)watch_mask(ev->events);
	zs_note_ready(n);
}

int zs_epoll_ctl(struct zs_epoll *ep, int op, int fd, const struct epoll_event *ev)
{
	struct zs_ctx *c = ep->p.ctx;
	struct zs_fd *f = zs_fd_slot(&c->fds, fd);
	struct zs_note *n;

	if (f == NULL)
		return -EBADF;
	if (f->kind == ZS_FD_EPOLL && f->obj == ep)
		return -EINVAL;
	if (f->kind != ZS_FD_SOCK)
		return -EPERM;
	if (op != EPOLL_CTL_DEL && (ev->events & EPOLLEXCLUSIVE) &&
	    (op == EPOLL_CTL_MOD || (ev->events & ~exclusive_ok) != 0))
		return -EINVAL;
	n = zs_note_find(f, &ep->p, ZS_NOTE_EPOLL);
	switch (op) {
	case EPOLL_CTL_ADD:
		if (n != NULL)
			return -EEXIST;
		n = zs_note_attach(&ep->p, f, fd, ZS_NOTE_EPOLL, watch_mask(ev->events));
		if (n == NULL)
			return -ENOMEM;
		arm(n, ev);
		return 0;
	case EPOLL_CTL_MOD:
		if (n == NULL)
			return -ENOENT;
		if (n->events & EPOLLEXCLUSIVE)
			return -EINVAL;
		arm(n, ev);
		return 0;
	case EPOLL_CTL_DEL:
		if (n == NULL)
			return -ENOENT;
		zs_note_detach(c, n);
		return 0;
	default:
		return -EINVAL;
	}
}

int zs_epoll_copy(const struct zs_epoll *from, struct zs_epoll *to)
{
	const struct zs_list *head = &from->p.notes;
	int rc = 0;

	for (struct zs_list *l = head->next; rc == 0 && l != head; l = l->next) {
		const struct zs_note *n = container_of(l, struct zs_note, p_link);
		struct epoll_event ev = { .events = n->events, .data.u64 = n->data };

		if (zs_fd_slot(&to->p.ctx->fds, n->fd) != NULL)
			rc = zs_epoll_ctl(to, EPOLL_CTL_ADD, n->fd, &ev);
	}
	return rc;
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
	if (ev & ZS_EV_ERR)
		out |= EPOLLERR;
	return out;
}

int zs_epoll_scan(struct zs_epoll *ep, struct epoll_event *out, int max)
{
	struct zs_waitq *q = &ep->p.q;
	uint32_t left = q->n_ready;
	int n_out = 0;

	for (; left > 0 && n_out < max; left--) {
		struct zs_note *n = zs_note_of(q->ready.next);
		uint32_t events;

		zs_note_unready(n);
		if (n->w.sk == NULL) {
			zs_note_detach(ep->p.ctx, n);
			continue;
		}
		if (n->flags & DISABLED)
			continue;
		events = events_of(zs_sock_readiness(n->w.sk)) & n->events;
		if (events == 0)
			continue;
		out[n_out].events = events;
		out[n_out].data.u64 = n->data;
		n_out++;
		n->w.edges = 0;
		if (n->events & EPOLLONESHOT)
			n->flags |= DISABLED;
		else if ((n->events & EPOLLET) == 0)
			zs_note_ready(n);
	}
	return n_out;
}
