/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * kqueue with the semantics of FreeBSD 12's: one note per filter and ident. A note that may have
 * something to report is on the ready list; whether it has is decided when the list is scanned, so
 * that level trigger costs nothing while packets arrive. A level-triggered note that was reported
 * goes to the end of the list: a scan that is cut short by its event array goes on where it
 * stopped. EVFILT_TIMER counts on a timer wheel of the context's; its data is the number of
 * expirations. Another kqueue or an epoll instance has EVFILT_READ alone: it is readable while it
 * has events, with their number, as far as it is known before they are looked at.
 */
#include "api/zs_kqueue.h"

#include <limits.h>
#include <rte_prefetch.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>

#include "api/zs_kern.h"
#include "api/zs_note.h"

enum { KEPT_FLAGS = EV_CLEAR | EV_ONESHOT | EV_DISPATCH, FIRST_BUCKETS = 16 };

/* A note of a timer or user event, found by the application's number. */
struct ident_note {
	struct zs_note n;	 /* first */
	struct ident_note *next; /* same bucket */
	uintptr_t ident;
	struct zs_kq *kq;
	struct zs_timer timer;
	uint64_t deadline_us;
	uint64_t period_us; /* 0 = once */
};

struct zs_kq {
	struct zs_poller p; /* first */
	struct ident_note **bucket;
	uint32_t n_buckets, n_idents;
};

/* ---- notes by number ---- */

static uint32_t bucket_of(const struct zs_kq *kq, uintptr_t ident)
{
	return (uint32_t)((ident * 0x9e3779b97f4a7c15ull) >> 32) & (kq->n_buckets - 1);
}

static struct ident_note *ident_find(const struct zs_kq *kq, uintptr_t ident,
				     enum zs_note_kind kind)
{
	struct ident_note *in;

	if (kq->n_idents == 0)
		return NULL;
	for (in = kq->bucket[bucket_of(kq, ident)]; in != NULL; in = in->next)
		if (in->ident == ident && in->n.kind == kind)
			return in;
	return NULL;
}

static void ident_link(struct zs_kq *kq, struct ident_note *in)
{
	uint32_t b = bucket_of(kq, in->ident);

	in->next = kq->bucket[b];
	kq->bucket[b] = in;
}

static bool ident_grow(struct zs_kq *kq)
{
	uint32_t n = kq->n_buckets == 0 ? FIRST_BUCKETS : kq->n_buckets * 2;
	struct ident_note **old = kq->bucket;
	uint32_t n_old = kq->n_buckets;
	struct ident_note **new = calloc(n, sizeof(struct ident_note *));

	if (new == NULL)
		return false;
	kq->bucket = new;
	kq->n_buckets = n;
	for (uint32_t b = 0; b < n_old; b++)
		while (old[b] != NULL) {
			struct ident_note *in = old[b];

			old[b] = in->next;
			ident_link(kq, in);
		}
	free(old);
	return true;
}

static struct ident_note *ident_add(struct zs_kq *kq, uintptr_t ident, enum zs_note_kind kind)
{
	struct ident_note *in;

	if (kq->n_idents >= kq->n_buckets && !ident_grow(kq))
		return NULL;
	in = calloc(1, sizeof(*in));
	if (in == NULL)
		return NULL;
	in->kq = kq;
	in->ident = ident;
	in->n.kind = (uint8_t)kind;
	in->n.fd = -1;
	in->n.w.q = &kq->p.q;
	zs_list_add_tail(&kq->p.notes, &in->n.p_link);
	ident_link(kq, in);
	kq->n_idents++;
	return in;
}

static void ident_free(struct zs_note *n)
{
	struct ident_note *in = container_of(n, struct ident_note, n);
	struct zs_kq *kq = in->kq;
	struct ident_note **pp = &kq->bucket[bucket_of(kq, in->ident)];

	while (*pp != in)
		pp = &(*pp)->next;
	*pp = in->next;
	kq->n_idents--;
	zs_timer_cancel(&kq->p.ctx->wheel, &in->timer);
	zs_note_unready(n);
	zs_list_del(&n->p_link);
	free(in);
}

/* ---- life ---- */

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
	zs_poller_fini(&kq->p, ident_free);
	free(kq->bucket);
	free(kq);
}

/* ---- changes ---- */

/* What all filters have in common. EV_ADD enables unless told otherwise. */
static void set_flags(struct zs_note *n, const struct kevent *kev)
{
	if (kev->flags & EV_ADD) {
		n->flags = (uint16_t)((kev->flags & KEPT_FLAGS) | (n->flags & EV_DISABLE));
		n->udata = kev->udata;
	}
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
	return (kev->flags & EV_ADD) && zs_poller_loops(f->obj, &kq->p, 1) ? -ELOOP : 0;
}

/* The descriptor of a change: of ours, or one of the kernel's. */
static int find_fd(struct zs_kq *kq, const struct kevent *kev, struct zs_fd **f)
{
	struct zs_ctx *c = kq->p.ctx;
	int fd = kev->ident <= INT_MAX ? (int)kev->ident : -1;

	*f = zs_fd_slot(&c->fds, fd);
	if (*f == NULL) {
		if ((kev->flags & EV_ADD) && (kev->flags & EV_DELETE) == 0)
			return zs_kern_want(c, fd, f);
		*f = zs_kern_slot(c, fd);
		return *f != NULL ? 0 : zs_kern_exists(c, fd) ? -ENOENT : -EBADF;
	}
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

static int change_fd(struct zs_kq *kq, const struct kevent *kev)
{
	enum zs_note_kind kind = kev->filter == EVFILT_READ ? ZS_NOTE_READ : ZS_NOTE_WRITE;
	unsigned mask = kind == ZS_NOTE_READ ? ZS_EV_READ | ZS_EV_RDHUP : ZS_EV_WRITE;
	struct zs_ctx *c = kq->p.ctx;
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
	if (n == NULL)
		n = zs_note_attach(&kq->p, f, (int)kev->ident, kind, mask);
	if (n == NULL) {
		zs_kern_unwant(c, (int)kev->ident);
		return -ENOMEM;
	}
	set_flags(n, kev);
	if (kev->flags & EV_ADD) {
		n->fflags = kev->fflags & NOTE_LOWAT;
		n->sdata = n->child != NULL ? -1 : kev->data; /* nothing was told yet */
	}
	kq->p.q.arrivals++;
	if ((n->flags & EV_DISABLE) == 0)
		zs_note_ready(n);
	return 0;
}

/* Microseconds, rounded up; -1: too large or negative. */
static int64_t timer_us(const struct kevent *kev)
{
	static const struct {
		uint32_t note;
		int64_t num, den;
	} unit[] = {
		{ NOTE_SECONDS, 1000000, 1 },
		{ NOTE_MSECONDS, 1000, 1 },
		{ NOTE_USECONDS, 1, 1 },
		{ NOTE_NSECONDS, 1, 1000 },
		{ 0, 1000, 1 },
	};
	uint32_t which =
		kev->fflags & (NOTE_SECONDS | NOTE_MSECONDS | NOTE_USECONDS | NOTE_NSECONDS);

	for (unsigned i = 0; i < sizeof(unit) / sizeof(unit[0]); i++) {
		if (unit[i].note != which)
			continue;
		if (kev->data < 0 || kev->data > INT64_MAX / 2 / unit[i].num - unit[i].den)
			return -1;
		return (kev->data * unit[i].num + unit[i].den - 1) / unit[i].den;
	}
	return -1;
}

static void timer_fire(struct zs_stack *s, struct zs_timer *t)
{
	struct ident_note *in = container_of(t, struct ident_note, timer);
	struct zs_ctx *c = in->kq->p.ctx;
	uint64_t now = zs_stack_now(s);
	uint64_t times = 1;

	if (in->period_us != 0) {
		if (now > in->deadline_us)
			times += (now - in->deadline_us) / in->period_us;
		in->deadline_us += times * in->period_us;
		zs_timer_set(&c->wheel, t, in->deadline_us);
	}
	in->n.sdata += (int64_t)times;
	in->n.fired = true;
	in->kq->p.q.arrivals++;
	zs_note_ready(&in->n);
	zs_ctx_busy(c);
}

static int timer_arm(struct ident_note *in, const struct kevent *kev)
{
	struct zs_ctx *c = in->kq->p.ctx;
	int64_t us = timer_us(kev);

	if (us < 0)
		return -EINVAL;
	in->period_us = 0;
	if (kev->fflags & NOTE_ABSTIME) {
		struct timespec ts;
		int64_t now;

		(void)clock_gettime(CLOCK_REALTIME, &ts); /* never fails */
		now = (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
		us = us > now ? us - now : 0;
	} else if ((kev->flags & EV_ONESHOT) == 0) {
		us = us == 0 ? 1 : us;
		in->period_us = (uint64_t)us;
	}
	in->n.sdata = 0;
	in->n.fired = false;
	in->deadline_us = zs_stack_now(c->s) + (uint64_t)us;
	in->timer.fire = timer_fire;
	zs_timer_set(&c->wheel, &in->timer, in->deadline_us);
	return 0;
}

static void user_touch(struct ident_note *in, const struct kevent *kev)
{
	uint32_t bits = kev->fflags & NOTE_FFLAGSMASK;

	switch (kev->fflags & NOTE_FFCTRLMASK) {
	case NOTE_FFAND:
		in->n.fflags &= bits;
		break;
	case NOTE_FFOR:
		in->n.fflags |= bits;
		break;
	case NOTE_FFCOPY:
		in->n.fflags = bits;
		break;
	default:
		break;
	}
	in->n.sdata = kev->data;
	if (kev->fflags & NOTE_TRIGGER)
		in->n.fired = true;
}

static int change_ident(struct zs_kq *kq, const struct kevent *kev)
{
	enum zs_note_kind kind = kev->filter == EVFILT_TIMER ? ZS_NOTE_TIMER : ZS_NOTE_USER;
	struct ident_note *in = ident_find(kq, kev->ident, kind);
	bool is_new = false;
	int rc = 0;

	if (in == NULL && ((kev->flags & EV_ADD) == 0 || (kev->flags & EV_DELETE)))
		return -ENOENT;
	if (kev->flags & EV_DELETE) {
		ident_free(&in->n);
		return 0;
	}
	if (in == NULL) {
		in = ident_add(kq, kev->ident, kind);
		if (in == NULL)
			return -ENOMEM;
		is_new = true;
	}
	if (kind == ZS_NOTE_TIMER && (kev->flags & EV_ADD))
		rc = timer_arm(in, kev);
	if (rc < 0) {
		if (is_new)
			ident_free(&in->n);
		return rc;
	}
	set_flags(&in->n, kev);
	if (kind == ZS_NOTE_TIMER)
		in->n.flags |= EV_CLEAR;
	else
		user_touch(in, kev);
	if (is_new && kind == ZS_NOTE_USER)
		in->n.fflags = kev->fflags & NOTE_FFLAGSMASK;
	if (in->n.fired) {
		kq->p.q.arrivals++;
		zs_note_ready(&in->n);
	}
	return 0;
}

int zs_kq_change(struct zs_kq *kq, const struct kevent *kev)
{
	switch (kev->filter) {
	case EVFILT_READ:
	case EVFILT_WRITE:
		return change_fd(kq, kev);
	case EVFILT_TIMER:
	case EVFILT_USER:
		return change_ident(kq, kev);
	default:
		return -EINVAL;
	}
}

/* The change that makes a note like n. */
static struct kevent change_of(const struct zs_note *n)
{
	const struct ident_note *in = container_of(n, struct ident_note, n);
	struct kevent kev = {
		.ident = (uintptr_t)n->fd,
		.flags = (unsigned short)(EV_ADD | n->flags),
		.fflags = n->fflags,
		.data = n->sdata,
		.udata = n->udata,
	};

	switch ((enum zs_note_kind)n->kind) {
	case ZS_NOTE_TIMER:
		kev.ident = in->ident;
		kev.filter = EVFILT_TIMER;
		kev.fflags = NOTE_USECONDS;
		kev.data = (int64_t)in->period_us;
		if (in->period_us == 0) {
			uint64_t now = zs_stack_now(in->kq->p.ctx->s);

			kev.flags |= EV_ONESHOT;
			kev.data = in->deadline_us > now ? (int64_t)(in->deadline_us - now) : 0;
		}
		break;
	case ZS_NOTE_USER:
		kev.ident = in->ident;
		kev.filter = EVFILT_USER;
		kev.fflags |= n->fired ? NOTE_TRIGGER : 0u;
		break;
	case ZS_NOTE_WRITE:
		kev.filter = EVFILT_WRITE;
		break;
	case ZS_NOTE_READ:
	case ZS_NOTE_EPOLL:
		kev.filter = EVFILT_READ;
		break;
	}
	return kev;
}

int zs_kq_copy(const struct zs_kq *from, struct zs_kq *to)
{
	const struct zs_list *head = &from->p.notes;
	int rc = 0;

	for (struct zs_list *l = head->next; rc == 0 && l != head; l = l->next) {
		const struct zs_note *n = container_of(l, struct zs_note, p_link);
		struct kevent kev = change_of(n);

		if (n->fd < 0 || n->kern != NULL || zs_fd_slot(&to->p.ctx->fds, n->fd) != NULL)
			rc = zs_kq_change(to, &kev);
	}
	return rc;
}

/* ---- events ---- */

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
		ready = (int64_t)amount >= n->sdata;
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

/* An event of a kernel descriptor: end of file as EV_EOF. */
static bool fill_kern(const struct zs_note *n, struct kevent *out)
{
	uint32_t ev = zs_kern_events(n->kern);
	bool is_read = n->kind == ZS_NOTE_READ;
	bool eof = (ev & (EPOLLHUP | EPOLLERR | (is_read ? EPOLLRDHUP : 0u))) != 0;
	int64_t amount = is_read ? zs_kern_readable(n->kern) : zs_kern_writable(n->kern);
	bool ready = n->fflags & NOTE_LOWAT ? amount >= n->sdata
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

static bool fill_ident(struct zs_note *n, struct kevent *out)
{
	bool is_timer = n->kind == ZS_NOTE_TIMER;

	if (!n->fired)
		return false;
	*out = (struct kevent){
		.ident = container_of(n, struct ident_note, n)->ident,
		.filter = is_timer ? EVFILT_TIMER : EVFILT_USER,
		.flags = n->flags,
		.fflags = n->fflags,
		.data = n->sdata,
		.udata = n->udata,
	};
	if (n->flags & (EV_CLEAR | EV_DISPATCH)) {
		n->fired = false;
		n->sdata = is_timer ? 0 : n->sdata;
	}
	return true;
}

static void forget(struct zs_kq *kq, struct zs_note *n)
{
	if (n->kind == ZS_NOTE_READ || n->kind == ZS_NOTE_WRITE)
		zs_note_detach(kq->p.ctx, n);
	else
		ident_free(n);
}

static bool is_fd_note(const struct zs_note *n)
{
	return n->kind == ZS_NOTE_READ || n->kind == ZS_NOTE_WRITE;
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
		bool is_sock = n->kind == ZS_NOTE_READ || n->kind == ZS_NOTE_WRITE;

		zs_note_unready(n);
		rte_prefetch0(&zs_note_of(q->ready.next)->udata);
		if (n->flags & EV_DISABLE)
			continue;
		if (is_dead(n)) {
			forget(kq, n);
			continue;
		}
		if (!(is_sock ? fill_fd(n, &out[n_out]) : fill_ident(n, &out[n_out])))
			continue;
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
