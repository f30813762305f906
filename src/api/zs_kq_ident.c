/* SPDX-License-Identifier: BSD-3-Clause */
#include "api/zs_kq_ident.h"

#include <stdlib.h>
#include <time.h>

enum { FIRST_BUCKETS = 16 };

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

void zs_kq_ident_free(struct zs_note *n)
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

/* Microseconds, rounded up; -1: too large or negative. The shortest period is one of the unit. */
static int64_t timer_us(const struct kevent *kev, bool periodic)
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
	int64_t data = kev->data == 0 && periodic ? 1 : kev->data;

	for (unsigned i = 0; i < sizeof(unit) / sizeof(unit[0]); i++) {
		if (unit[i].note != which)
			continue;
		if (data < 0 || data > INT64_MAX / 2 / unit[i].num - unit[i].den)
			return -1;
		return (data * unit[i].num + unit[i].den - 1) / unit[i].den;
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

static int timer_arm(struct ident_note *in, const struct kevent *kev, unsigned flags)
{
	struct zs_ctx *c = in->kq->p.ctx;
	bool periodic = (flags & EV_ONESHOT) == 0 && (kev->fflags & NOTE_ABSTIME) == 0;
	int64_t us = timer_us(kev, periodic);

	if (us < 0)
		return -EINVAL;
	in->period_us = periodic ? (uint64_t)us : 0;
	if (kev->fflags & NOTE_ABSTIME) {
		struct timespec ts;
		int64_t now;

		(void)clock_gettime(CLOCK_REALTIME, &ts); /* never fails */
		now = (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
		us = us > now ? us - now : 0;
	}
	in->n.sdata = 0;
	in->n.fired = false;
	in->deadline_us = zs_ctx_now(c) + (uint64_t)us;
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

int zs_kq_change_ident(struct zs_kq *kq, const struct kevent *kev)
{
	enum zs_note_kind kind = kev->filter == EVFILT_TIMER ? ZS_NOTE_TIMER : ZS_NOTE_USER;
	struct ident_note *in = ident_find(kq, kev->ident, kind);
	bool is_new = false;
	int rc = 0;

	if (in == NULL && ((kev->flags & EV_ADD) == 0 || (kev->flags & EV_DELETE)))
		return -ENOENT;
	if (kev->flags & EV_DELETE) {
		zs_kq_ident_free(&in->n);
		return 0;
	}
	if (in == NULL) {
		in = ident_add(kq, kev->ident, kind);
		if (in == NULL)
			return -ENOMEM;
		is_new = true;
	}
	if (kind == ZS_NOTE_TIMER && (kev->flags & EV_ADD))
		rc = timer_arm(in, kev, is_new ? kev->flags : in->n.flags);
	if (rc < 0) {
		if (is_new)
			zs_kq_ident_free(&in->n);
		return rc;
	}
	if (kind == ZS_NOTE_USER && kev->flags & EV_CLEAR)
		in->n.fired = false; /* by an earlier change */
	zs_kq_set_flags(&in->n, kev, is_new);
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

/* The clocks of two contexts need not be the same. */
static void timer_copy(const struct ident_note *from, struct ident_note *in)
{
	uint64_t now = zs_ctx_now(from->kq->p.ctx);
	uint64_t left = from->deadline_us > now ? from->deadline_us - now : 0;

	in->period_us = from->period_us;
	in->deadline_us = zs_ctx_now(in->kq->p.ctx) + left;
	in->timer.fire = timer_fire;
	zs_timer_set(&in->kq->p.ctx->wheel, &in->timer, in->deadline_us);
}

int zs_kq_copy_ident(const struct zs_note *n, struct zs_kq *to)
{
	const struct ident_note *from = container_of(n, struct ident_note, n);
	struct ident_note *in = ident_add(to, from->ident, (enum zs_note_kind)n->kind);

	if (in == NULL)
		return -ENOMEM;
	in->n.flags = n->flags;
	in->n.fflags = n->fflags;
	in->n.sdata = n->sdata;
	in->n.udata = n->udata;
	in->n.fired = n->fired;
	if (zs_timer_armed(&from->timer))
		timer_copy(from, in);
	if (in->n.fired)
		zs_note_ready(&in->n);
	return 0;
}

bool zs_kq_fill_ident(struct zs_note *n, struct kevent *out)
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
	if (n->flags & EV_CLEAR) {
		n->fired = false;
		n->sdata = is_timer ? 0 : n->sdata;
	}
	return true;
}
