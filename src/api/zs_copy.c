/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Contexts of further threads: what the main thread prepared before ff_run, under the same
 * descriptor numbers, as if each thread had made the same calls.
 */
#include "api/zs_copy.h"

#include "api/zs_epoll.h"
#include "api/zs_kqueue.h"
#include "core/zs_route.h"

/* The lowest number of what stands behind slot i (dup). */
static uint32_t first_of(const struct zs_fdtab *t, uint32_t i)
{
	uint32_t k = 0;

	while (t->slot[k].kind != t->slot[i].kind || t->slot[k].obj != t->slot[i].obj)
		k++;
	return k;
}

static int new_sock(const struct zs_sock *from, struct zs_ctx *to, int fd)
{
	struct zs_sock *sk;
	int rc;

	if (!zs_sock_copyable(from))
		return -ENOENT;
	rc = zs_sock_copy(from, to->s, &sk);
	if (rc < 0)
		return rc;
	rc = zs_fd_install(&to->fds, ZS_FD_SOCK, sk, fd);
	if (rc < 0)
		(void)zs_sock_close(sk);
	return rc;
}

static int new_kqueue(struct zs_ctx *to, int fd)
{
	struct zs_kq *kq = zs_kq_create(to);
	int rc = kq == NULL ? -ENOMEM : zs_fd_install(&to->fds, ZS_FD_KQUEUE, kq, fd);

	if (kq != NULL && rc < 0)
		zs_kq_unref(kq);
	return rc;
}

static int new_epoll(struct zs_ctx *to, int fd)
{
	struct zs_epoll *ep = zs_epoll_create(to);
	int rc = ep == NULL ? -ENOMEM : zs_fd_install(&to->fds, ZS_FD_EPOLL, ep, fd);

	if (ep != NULL && rc < 0)
		zs_epoll_unref(ep);
	return rc;
}

/* -ENOENT: nothing that a further thread can have. */
static int copy_fd(const struct zs_ctx *from, struct zs_ctx *to, uint32_t i)
{
	const struct zs_fd *f = &from->fds.slot[i];
	uint32_t first = first_of(&from->fds, i);
	int fd = from->fds.base + (int)i;

	if (first < i) {
		int rc = zs_ctx_dup(to, from->fds.base + (int)first, fd, f->flags);

		return rc == -EBADF ? -ENOENT : rc;
	}
	switch ((enum zs_fd_kind)f->kind) {
	case ZS_FD_SOCK:
		return new_sock(f->obj, to, fd);
	case ZS_FD_KQUEUE:
		return new_kqueue(to, fd);
	case ZS_FD_EPOLL:
		return new_epoll(to, fd);
	case ZS_FD_KERN: /* what two sockets of a pair say is between them */
	case ZS_FD_FREE:
		break;
	}
	return -ENOENT;
}

static int copy_fds(const struct zs_ctx *from, struct zs_ctx *to)
{
	for (uint32_t i = 0, left = from->fds.used; left > 0 && i < from->fds.cap; i++) {
		int fd = from->fds.base + (int)i, rc;

		if (from->fds.slot[i].kind == ZS_FD_FREE)
			continue;
		left--;
		rc = copy_fd(from, to, i);
		if (rc == -ENOENT)
			continue;
		if (rc < 0)
			return rc;
		if (rc != fd)
			return -EMFILE;
		zs_fd_slot(&to->fds, fd)->flags = from->fds.slot[i].flags;
	}
	return 0;
}

static int copy_notes(const struct zs_ctx *from, struct zs_ctx *to)
{
	int rc = 0;

	for (uint32_t i = 0; rc == 0 && to->fds.used > 0 && i < to->fds.cap; i++) {
		const struct zs_fd *f = &from->fds.slot[i], *t = &to->fds.slot[i];

		if (t->kind == ZS_FD_KQUEUE && first_of(&to->fds, i) == i)
			rc = zs_kq_copy(f->obj, t->obj);
		else if (t->kind == ZS_FD_EPOLL && first_of(&to->fds, i) == i)
			rc = zs_epoll_copy(f->obj, t->obj);
	}
	return rc;
}

int zs_ctx_copy(const struct zs_ctx *from, struct zs_ctx *to)
{
	int rc;

	(void)zs_stack_advance(to->s, zs_stack_now(from->s)); /* timers start now */
	zs_route_copy(from->s, to->s);
	rc = copy_fds(from, to);
	return rc < 0 ? rc : copy_notes(from, to);
}
