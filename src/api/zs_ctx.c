/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Contexts: creation and end, turns of the loop, waiting for one socket, closing descriptors. A
 * socket with several descriptors (dup) counts the additional ones in sk->user.
 */
#include "api/zs_ctx.h"

#include <stdlib.h>
#include <time.h>

#include "api/zs_ask.h"
#include "api/zs_epoll.h"
#include "api/zs_kern.h"
#include "api/zs_kqueue.h"
#include "api/zs_note.h"
#include "api/zs_zc.h"
#include "api/zs_zstate.h"
#include "core/tcp/zs_tcp.h"

__thread struct zs_ctx *zs_ctx_self __attribute__((tls_model("initial-exec")));

int zs_ctx_create(struct zs_ctx **out, struct zs_stack *s, const struct zs_drive *drive,
		  int fd_base, uint32_t max_fds)
{
	struct zs_ctx *c = calloc(1, sizeof(*c));
	int rc;

	if (c == NULL)
		return -ENOMEM;
	rc = zs_fdtab_init(&c->fds, fd_base, max_fds);
	if (rc < 0) {
		free(c);
		return rc;
	}
	c->s = s;
	c->drive = *drive;
	zs_wheel_init(&c->wheel, zs_stack_now(s));
	*out = c;
	return 0;
}

void zs_ctx_group(struct zs_ctx *const *all, uint16_t n)
{
	for (uint16_t i = 0; i < n; i++) {
		all[i]->all = all;
		all[i]->index = i;
		all[i]->n_all = n;
	}
}

static void call(struct zs_ctx *c, enum zs_ctx_call what)
{
	__atomic_fetch_or(&c->calls, (uint8_t)what, __ATOMIC_RELEASE);
}

void zs_ctx_stop(struct zs_ctx *c)
{
	call(c, ZS_CALL_STOP);
	for (uint16_t i = 0; i < c->n_all; i++)
		call(c->all[i], ZS_CALL_STOP);
}

void zs_ctx_ask(struct zs_ctx *c)
{
	call(c, ZS_CALL_ASK);
	if (c->drive.wake != NULL)
		c->drive.wake(c->drive.arg);
}

bool zs_ctx_called(struct zs_ctx *c)
{
	uint8_t calls = __atomic_fetch_and(&c->calls, (uint8_t)~ZS_CALL_ASK, __ATOMIC_ACQUIRE);

	if (calls & ZS_CALL_ASK)
		zs_ask_answer(c);
	return (calls & ZS_CALL_STOP) != 0;
}

void zs_ctx_destroy(struct zs_ctx *c)
{
	if (c == NULL)
		return;
	for (uint32_t i = 0; c->fds.used > 0 && i < c->fds.cap; i++)
		if (c->fds.slot[i].kind != ZS_FD_FREE)
			(void)zs_ctx_close(c, c->fds.base + (int)i);
	zs_zc_free_all(c);
	zs_zstate_fini(c);
	zs_kern_fini(c);
	zs_note_free_chunks(c);
	zs_fdtab_fini(&c->fds);
	if (zs_ctx_self == c)
		zs_ctx_self = NULL;
	free(c);
}

struct zs_ctx *zs_ctx_enter(struct zs_ctx *c)
{
	struct zs_ctx *before = zs_ctx_self;

	zs_ctx_self = c;
	return before;
}

struct zs_sock *zs_fd_sock_error(int fd)
{
	struct zs_ctx *c = zs_ctx_get();

	if (c != NULL)
		errno = zs_fd_slot(&c->fds, fd) == NULL ? EBADF : ENOTSOCK;
	return NULL;
}

int zs_ctx_add_sock(struct zs_ctx *c, struct zs_sock *sk)
{
	sk->user = NULL;
	return zs_fd_install(&c->fds, ZS_FD_SOCK, sk, 0);
}

int zs_ctx_close(struct zs_ctx *c, int fd)
{
	struct zs_fd *f = zs_fd_slot(&c->fds, fd);
	enum zs_fd_kind kind;
	void *obj;

	if (f == NULL)
		return -EBADF;
	kind = f->kind;
	obj = f->obj;
	zs_note_detach_all(c, f);
	zs_fd_release(&c->fds, fd);
	switch (kind) {
	case ZS_FD_SOCK: {
		struct zs_sock *sk = obj;

		if (sk->user != NULL) {
			sk->user = (void *)((uintptr_t)sk->user - 1);
			return 0;
		}
		return zs_sock_close(sk);
	}
	case ZS_FD_KQUEUE:
		zs_kq_unref(obj);
		return 0;
	case ZS_FD_EPOLL:
		zs_epoll_unref(obj);
		return 0;
	case ZS_FD_KERN:
		zs_kern_unref(c, obj);
		return 0;
	case ZS_FD_FREE:
		break;
	}
	return 0;
}

int zs_ctx_dup(struct zs_ctx *c, int fd, int from, uint8_t flags)
{
	struct zs_fd *f = zs_fd_slot(&c->fds, fd);
	int new;

	if (f == NULL)
		return -EBADF;
	if (from < 0 || from >= c->fds.base + (int)c->fds.cap)
		return -EINVAL;
	new = zs_fd_install(&c->fds, f->kind, f->obj, from);
	if (new < 0)
		return new;
	zs_fd_slot(&c->fds, new)->flags = flags;
	switch ((enum zs_fd_kind)f->kind) {
	case ZS_FD_SOCK: {
		struct zs_sock *sk = f->obj;

		sk->user = (void *)((uintptr_t)sk->user + 1);
		break;
	}
	case ZS_FD_KQUEUE:
		zs_kq_ref(f->obj);
		break;
	case ZS_FD_EPOLL:
		zs_epoll_ref(f->obj);
		break;
	case ZS_FD_KERN:
		((struct zs_kern *)f->obj)->refs++;
		break;
	case ZS_FD_FREE:
		break;
	}
	return new;
}

uint64_t zs_ctx_begin_turn(struct zs_ctx *c)
{
	uint64_t next = c->drive.turn(c->drive.arg);

	if (c->wheel.count > 0) {
		uint64_t timer;

		zs_wheel_advance(&c->wheel, c->s, zs_stack_now(c->s));
		timer = zs_wheel_next(&c->wheel);
		next = timer < next ? timer : next;
	}
	c->n_events = zs_sock_dispatch(c->s);
	if (zs_zstate_turn(c))
		next = 0;
	return next;
}

bool zs_ctx_turn(struct zs_ctx *c, uint64_t until_us)
{
	uint64_t next = zs_ctx_begin_turn(c);
	bool busy = c->n_events > 0 || next == 0;

	if (__builtin_expect(__atomic_load_n(&c->calls, __ATOMIC_RELAXED) != 0, 0))
		(void)zs_ctx_called(c); /* whoever waits asks whether to stop */
	if (c->kerns != NULL && zs_kern_look(c, 0))
		busy = true;
	c->drive.flush(c->drive.arg);
	if (c->has_fd)
		c->drive.fd_at(c->drive.arg, busy ? 0 : next);
	/* Who waits looks first: events may have come from timers or calls, without a packet. */
	if (until_us != 0 && !busy)
		c->drive.idle(c->drive.arg, next < until_us ? next : until_us);
	return busy;
}

void zs_ctx_flush(struct zs_ctx *c)
{
	(void)zs_ctx_now(c);
	c->drive.flush(c->drive.arg);
}

void zs_ctx_run(struct zs_ctx *c, int (*loop)(void *arg), void *arg)
{
	while (!zs_ctx_stopping(c)) {
		uint64_t next = zs_ctx_begin_turn(c);

		if (c->kerns != NULL && zs_kern_look(c, ZS_KERN_EVERY_US))
			zs_ctx_busy(c);
		c->in_run = true;
		(void)loop(arg); /* F-Stack gives its result no meaning either */
		c->in_run = false;
		zs_ctx_flush(c);
		c->drive.idle(c->drive.arg, next);
	}
}

static bool has_events(const struct zs_sock *sk, unsigned events)
{
	unsigned ev = zs_sock_readiness(sk) & (events | ZS_EV_ERR | ZS_EV_HUP);

	/* a blocking write goes on when that is worth the while, not for each ACK's crumb */
	if (ev == ZS_EV_WRITE && sk->kind == ZS_SK_TCP && !(sk->flags & ZS_SF_WR_SHUT) &&
	    zs_tcp_state(sk->tcb) == ZS_ESTABLISHED)
		return zs_tcp_writable(sk->s, sk->tcb);
	return ev != 0;
}

int zs_ctx_wait_sock(struct zs_ctx *c, struct zs_sock *sk, unsigned events, uint32_t timeout_ms)
{
	uint64_t until = 0;

	return zs_ctx_wait_until(c, sk, events, timeout_ms, &until);
}

int zs_ctx_wait_until(struct zs_ctx *c, struct zs_sock *sk, unsigned events, uint32_t timeout_ms,
		      uint64_t *until)
{
	if (c->in_run)
		return -EAGAIN;
	zs_ctx_turn(c, 0);
	if (has_events(sk, events))
		return 0;
	if (sk->flags & ZS_SF_NONBLOCK)
		return -EAGAIN;
	if (*until == 0)
		*until = timeout_ms == 0 ? UINT64_MAX
					 : zs_stack_now(c->s) + (uint64_t)timeout_ms * 1000;
	while (!has_events(sk, events)) {
		if (zs_ctx_stopping(c))
			return -EINTR;
		if (zs_stack_now(c->s) >= *until)
			return -EAGAIN;
		zs_ctx_turn(c, *until);
	}
	return 0;
}

void zs_ctx_tell_wall(struct zs_ctx *c)
{
	const uint64_t MILLION = 1000000;
	uint64_t now_us = zs_ctx_now(c);
	struct timespec ts;

	if (c->drive.wall_us != NULL) {
		zs_stack_set_wall(c->s, c->drive.wall_us(c->drive.arg) - now_us);
		return;
	}
	(void)clock_gettime(CLOCK_REALTIME, &ts); /* never fails */
	zs_stack_set_wall(c->s,
			  (uint64_t)ts.tv_sec * MILLION + (uint64_t)ts.tv_nsec / 1000 - now_us);
}
