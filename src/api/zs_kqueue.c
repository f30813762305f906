/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * kqueue with the semantics of FreeBSD 12's: one note per filter and ident. A note that may have
 * something to report is on the ready list; whether it has is decided when the list is scanned, so
 * that level trigger costs nothing while packets arrive. A level-triggered note that was reported
 * goes to the end of the list: a scan that is cut short by its event array goes on where it
 * stopped. Another kqueue or an epoll instance has EVFILT_READ alone: it is readable while it
 * has events, with their number, as far as it is known before they are looked at.
 */
#include "api/zs_kqueue.h"

#include <limits.h>
#include <rte_prefetch.h>
#include <stdlib.h>
#include <sys/epoll.h>

#include "api/zs_kern.h"
#include "api/zs_kq_ident.h"

enum { KEPT_FLAGS = EV_CLEAR | EV_ONESHOT | EV_DISPATCH };

/* ---- life ---- */

static bool is_fd_note(const struct zs_note *n)
{
	return n->kind == ZS_NOTE_READ || n->kind == ZS_NOTE_WRITE;
}

static bool pending(struct zs_poller *p);

struct zs_kq *zs_kq_create(struct zs_ctx *c)
{
	struct zs_kq *kq = calloc(1, sizeof(*kq));

	if (kq != NULL)
		zs_poller_init(&kq->p, c, pending);
	return kq;
}

void zs_kq_ref(struct zs_kq *kq)
{
	kq->p.refs++;
}

void zs_kq_unref(struct zs_kq *kq)
{
	if (--kq->p.refs > 0)
		return;
	zs_poller_fini(&kq->p, zs_kq_ident_free);
	free(kq->bucket);
	free(kq);
}

/* ---- changes ---- */

void zs_kq_set_flags(struct zs_note *n, const struct kevent *kev, bool is_new)
{
	if (is_new)
		n->flags = kev->flags & KEPT_FLAGS;
	if ((kev->flags & EV_KEEPUDATA) == 0)
		n->udata = kev->udata;
	if (kev->flags & EV_FORCEONESHOT) {
		n->flags |= EV_ONESHOT;
		n->fired = true;
	}
	if (kev->flags & EV_DISABLE)
		n->flags |= EV_DISABLE;
	else if (kev->flags & (EV_ADD | EV_ENABLE))
		n->flags &= (uint16_t)~EV_DISABLE;
}

/* May the kqueue wait for this kqueue or epoll instance? */
static int check_poller(const struct zs_kq *kq, const struct kevent *kev, const struct zs_fd *f)
{
	if (kev->filter != EVFILT_READ || f->obj == kq)
		return -EINVAL;
	return (kev->flags & EV_ADD) ? zs_poller_may_nest(&kq->p, f->obj) : 0;
}

/* The descriptor of a change: of ours, or one of the kernel's. */
static int find_fd(struct zs_kq *kq, const struct kevent *kev, struct zs_fd **f)
{
	struct zs_ctx *c = kq->p.ctx;
	int fd = kev->ident <= INT_MAX ? (int)kev->ident : -1;

	*f = zs_fd_slot(&c->fds, fd);
	if (*f == NULL)
		return (kev->flags & (EV_ADD | EV_DELETE)) == EV_ADD ? zs_kern_want(c, fd, f)
								     : zs_kern_find(c, fd, f);
	switch ((enum zs_fd_kind)(*f)->kind) {
	case ZS_FD_SOCK:
		return 0;
	case ZS_FD_KERN:
		return zs_kern_watch(c, (*f)->obj);
	case ZS_FD_EPOLL:
	case ZS_FD_KQUEUE:
		return check_poller(kq, kev, *f);
	case ZS_FD_FREE:
		break;
	}
	return -EINVAL;
}

static unsigned mask_of(const struct kevent *kev)
{
	if (kev->filter == EVFILT_WRITE)
		return ZS_EV_WRITE;
	return ZS_EV_READ | ZS_EV_RDHUP | (kev->fflags & NOTE_LOWAT ? ZS_EV_SOME : 0);
}

static int change_fd(struct zs_kq *kq, const struct kevent *kev)
{
	enum zs_note_kind kind = kev->filter == EVFILT_READ ? ZS_NOTE_READ : ZS_NOTE_WRITE;
	struct zs_ctx *c = kq->p.ctx;
	bool is_new = false;
	struct zs_note *n;
	struct zs_fd *f;
	int rc = find_fd(kq, kev, &f);

	if (rc < 0)
		return rc;
	n = zs_note_find(f, &kq->p, kind);
	if (kev->flags & EV_DELETE) {
		if (n == NULL)
			return -ENOENT;
		zs_note_detach(c, n);
		return 0;
	}
	if (n == NULL && (kev->flags & EV_ADD) == 0)
		return -ENOENT;
	if (n == NULL) {
		n = zs_note_attach(&kq->p, f, (int)kev->ident, kind, mask_of(kev));
		is_new = true;
	}
	if (n == NULL) {
		zs_kern_unwant(c, (int)kev->ident);
		return -ENOMEM;
	}
	zs_kq_set_flags(n, kev, is_new);
	n->fflags = kev->fflags & NOTE_LOWAT;
	n->sdata = n->child != NULL ? -1 : kev->data; /* nothing was told yet */
	n->w.mask = (uint16_t)mask_of(kev);
	kq->p.q.arrivals++;
	if ((n->flags & EV_DISABLE) == 0)
		zs_note_ready(n);
	return 0;
}

int zs_kq_change(struct zs_kq *kq, const struct kevent *kev)
{
	if (kev->flags & EV_ADD && kev->flags & EV_KEEPUDATA)
		return -EINVAL;
	switch (kev->filter) {
	case EVFILT_READ:
	case EVFILT_WRITE:
		return change_fd(kq, kev);
	case EVFILT_TIMER:
	case EVFILT_USER:
		return zs_kq_change_ident(kq, kev);
	default:
		return -EINVAL;
	}
}

/* Of a descriptor that to's context has as well. */
static int copy_fd(const struct zs_note *n, struct zs_kq *to)
{
	struct kevent kev = {
		.ident = (uintptr_t)n->fd,
		.filter = n->kind == ZS_NOTE_WRITE ? EVFILT_WRITE : EVFILT_READ,
		.flags = (unsigned short)(EV_ADD | n->flags),
		.fflags = n->fflags,
		.data = n->sdata,
		.udata = n->udata,
	};

	return zs_kq_change(to, &kev);
}

int zs_kq_copy(const struct zs_kq *from, struct zs_kq *to)
{
	const struct zs_list *head = &from->p.notes;
	int rc = 0;

	for (struct zs_list *l = head->next; rc == 0 && l != head; l = l->next) {
		const struct zs_note *n = container_of(l, struct zs_note, p_link);

		if (!is_fd_note(n))
			rc = zs_kq_copy_ident(n, to);
		else if (zs_note_may_copy(n, from->p.ctx, to->p.ctx))
			rc = copy_fd(n, to);
	}
	return rc;
}

/* ---- events ---- */

/* NOTE_LOWAT: what is there suffices. Room is of use in a connection; where it does not suffice,
 * or is told once, more of it is told. */
static bool reaches_mark(const struct zs_note *n, unsigned ev, uint32_t amount)
{
	bool enough = (int64_t)amount >= n->sdata;

	if (n->kind == ZS_NOTE_READ)
		return enough || zs_sock_full(n->w.sk);
	if ((ev & ZS_EV_WRITE) == 0)
		return false;
	if (!enough || n->flags & EV_CLEAR)
		zs_sock_await_room(n->w.sk);
	return enough;
}

/* An event of a socket; false when there is nothing to report. */
static inline bool fill_sock(const struct zs_note *n, struct kevent *out)
{
	const struct zs_sock *sk = n->w.sk;
	unsigned ev = zs_sock_readiness(sk);
	bool is_read = n->kind == ZS_NOTE_READ;
	uint32_t amount = is_read ? zs_sock_readable(sk) : zs_sock_writable(sk);
	bool eof, ready;

	/* HUP without RDHUP: a socket that was never connected, of which BSD reports nothing. */
	if ((ev & (ZS_EV_HUP | ZS_EV_RDHUP)) == ZS_EV_HUP)
		ev = 0;
	if (is_read)
		eof = (ev & ZS_EV_RDHUP) != 0;
	else
		eof = (ev & ZS_EV_HUP) != 0 || (ev != 0 && (sk->flags & ZS_SF_WR_SHUT));
	if (n->fflags & NOTE_LOWAT)
		ready = reaches_mark(n, ev, amount);
	else
		ready = (ev & (is_read ? ZS_EV_READ : ZS_EV_WRITE)) != 0;
	if (!ready && !eof && (ev & ZS_EV_ERR) == 0 && !n->fired)
		return false;
	*out = (struct kevent){
		.ident = (uintptr_t)n->fd,
		.filter = is_read ? EVFILT_READ : EVFILT_WRITE,
		.flags = (unsigned short)(n->flags | (eof ? EV_EOF : 0)),
		.fflags = eof || (ev & ZS_EV_ERR) ? (unsigned)zs_sock_error(sk) : 0,
		.data = amount,
		.udata = n->udata,
	};
	return true;
}

/* An event of a kernel descriptor: end of file as EV_EOF. The kernel does not tell how much room
 * there is: a mark of EVFILT_WRITE asks for some. */
static bool fill_kern(const struct zs_note *n, struct kevent *out)
{
	uint32_t ev = zs_kern_events(n->kern);
	bool is_read = n->kind == ZS_NOTE_READ;
	bool eof = (ev & (EPOLLHUP | EPOLLERR | (is_read ? EPOLLRDHUP : 0u))) != 0;
	int64_t amount = is_read ? zs_kern_readable(n->kern) : zs_kern_writable(n->kern);
	bool ready = is_read && n->fflags & NOTE_LOWAT ? amount >= n->sdata
						       : (ev & (is_read ? EPOLLIN : EPOLLOUT)) != 0;

	if (!ready && !eof && !n->fired)
		return false;
	*out = (struct kevent){
		.ident = (uintptr_t)n->fd,
		.filter = is_read ? EVFILT_READ : EVFILT_WRITE,
		.flags = (unsigned short)(n->flags | (eof ? EV_EOF : 0)),
		.data = amount,
		.udata = n->udata,
	};
	return true;
}

/* Of another poller. */
static bool fill_child(const struct zs_note *n, struct kevent *out)
{
	if (!n->child->pending(n->child) && !n->fired)
		return false;
	*out = (struct kevent){
		.ident = (uintptr_t)n->fd,
		.filter = EVFILT_READ,
		.flags = n->flags,
		.data = n->child->q.n_ready,
		.udata = n->udata,
	};
	return true;
}

static inline bool fill_fd(const struct zs_note *n, struct kevent *out)
{
	if (n->w.sk != NULL)
		return fill_sock(n, out);
	return n->kern != NULL ? fill_kern(n, out) : fill_child(n, out);
}

static void forget(struct zs_kq *kq, struct zs_note *n)
{
	if (is_fd_note(n))
		zs_note_detach(kq->p.ctx, n);
	else
		zs_kq_ident_free(n);
}

static bool is_dead(const struct zs_note *n)
{
	return is_fd_note(n) && n->w.sk == NULL && n->kern == NULL && n->child == NULL;
}

static bool has_event(const struct zs_note *n)
{
	struct kevent unused;

	if (n->flags & EV_DISABLE)
		return false;
	return is_fd_note(n) ? fill_fd(n, &unused) : n->fired;
}

static bool is_edge(const struct zs_note *n)
{
	return (n->flags & EV_CLEAR) != 0;
}

static bool pending(struct zs_poller *p)
{
	if (!zs_list_empty(&p->nested))
		zs_poller_ask(p, is_edge);
	while (p->q.n_ready > 0) {
		struct zs_note *n = zs_note_of(p->q.ready.next);

		if (!is_dead(n) && has_event(n))
			return true;
		zs_note_unready(n);
		if (is_dead(n))
			forget(container_of(p, struct zs_kq, p), n);
	}
	return false;
}

int zs_kq_scan(struct zs_kq *kq, struct kevent *out, int max)
{
	struct zs_waitq *q = &kq->p.q;
	uint32_t left;
	int n_out = 0;

	if (__builtin_expect(!zs_list_empty(&kq->p.nested), 0))
		zs_poller_ask(&kq->p, is_edge);
	left = q->n_ready;

	for (; left > 0 && n_out < max; left--) {
		struct zs_note *n = zs_note_of(q->ready.next);

		zs_note_unready(n);
		rte_prefetch0(&zs_note_of(q->ready.next)->udata);
		if (n->flags & EV_DISABLE)
			continue;
		if (is_dead(n)) {
			forget(kq, n);
			continue;
		}
		if (!(is_fd_note(n) ? fill_fd(n, &out[n_out]) : zs_kq_fill_ident(n, &out[n_out])))
			continue;
		zs_fd_prefetch(&kq->p.ctx->fds, n->fd);
		n_out++;
		n->w.edges = 0;
		if (n->flags & EV_ONESHOT)
			forget(kq, n);
		else if (n->flags & EV_DISPATCH)
			n->flags |= EV_DISABLE;
		else if ((n->flags & EV_CLEAR) == 0)
			zs_note_ready(n);
	}
	return n_out;
}
