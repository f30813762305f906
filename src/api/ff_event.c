/* SPDX-License-Identifier: BSD-3-Clause */
/* kqueue and epoll by descriptor: ff_kqueue, ff_kevent, ff_epoll_create, ff_epoll_ctl,
 * ff_epoll_wait. */
#include <limits.h>

#include "ff_api.h"
#include "ff_epoll.h"

#include "api/zs_epoll.h"
#include "api/zs_kqueue.h"
#include "api/zs_wait.h"
#include "base/zs_api.h"

static void *obj_of(struct zs_ctx *c, int fd, enum zs_fd_kind kind, int wrong_kind)
{
	struct zs_fd *f = zs_fd_slot(&c->fds, fd);

	if (f != NULL && f->kind == kind)
		return f->obj;
	errno = f == NULL ? EBADF : wrong_kind;
	return NULL;
}

/* ---- kqueue ---- */

ZS_API int ff_kqueue(void)
{
	struct zs_ctx *c = zs_ctx_get();
	struct zs_kq *kq;
	int fd;

	if (c == NULL)
		return -1;
	kq = zs_kq_create(c);
	if (kq == NULL)
		return (int)ff_ret(-ENOMEM);
	fd = zs_fd_install(&c->fds, ZS_FD_KQUEUE, kq, 0);
	if (fd < 0)
		zs_kq_unref(kq);
	return (int)ff_ret(fd);
}

struct kq_scan {
	struct zs_kq *kq;
	struct kevent *out;
	int max;
};

static int scan_kq(void *arg)
{
	struct kq_scan *k = arg;

	return zs_kq_scan(k->kq, k->out, k->max);
}

/*
 * Applies the changes. What fails is reported as an event as long as there is room (then *n_out
 * counts), else ends the call with its error.
 */
static int apply(struct zs_kq *kq, const struct kevent *change, int n, struct kevent *out, int max,
		 int *n_out)
{
	for (int i = 0; i < n; i++) {
		int rc = zs_kq_change(kq, &change[i]);

		if (rc == 0 && (change[i].flags & EV_RECEIPT) == 0)
			continue;
		if (*n_out == max) {
			if (rc < 0)
				return rc;
			continue;
		}
		out[*n_out] = change[i];
		out[*n_out].flags = EV_ERROR;
		out[*n_out].data = -rc;
		(*n_out)++;
	}
	return 0;
}

ZS_API int ff_kevent(int fd, const struct kevent *changelist, int nchanges,
		     struct kevent *eventlist, int nevents, const struct timespec *timeout)
{
	struct zs_ctx *c = zs_ctx_get();
	struct kq_scan scan = { .out = eventlist, .max = nevents };
	uint64_t timeout_us;
	int n_out = 0;
	int rc;

	if (c == NULL)
		return -1;
	scan.kq = obj_of(c, fd, ZS_FD_KQUEUE, EBADF);
	if (scan.kq == NULL)
		return -1;
	if (nchanges < 0 || nevents < 0 || !zs_wait_timeout(timeout, &timeout_us))
		return (int)ff_ret(-EINVAL);
	if ((nchanges > 0 && changelist == NULL) || (nevents > 0 && eventlist == NULL))
		return (int)ff_ret(-EFAULT);
	if (nchanges > 0) {
		rc = apply(scan.kq, changelist, nchanges, eventlist, nevents, &n_out);
		zs_ctx_busy(c);
		if (rc < 0 || n_out > 0)
			return (int)ff_ret(rc < 0 ? rc : n_out);
	}
	if (nevents == 0)
		return 0;
	return (int)ff_ret(zs_wait(c, timeout_us, scan_kq, &scan));
}

ZS_API int ff_kevent_do_each(int kq, const struct kevent *changelist, int nchanges, void *eventlist,
			     int nevents, const struct timespec *timeout,
			     void (*do_each)(void **, struct kevent *))
{
	struct kevent ev[256];
	int n = nevents < 256 ? nevents : 256;

	if (n > 0 && do_each == NULL && zs_ctx_get() != NULL)
		return (int)ff_ret(-EFAULT);
	n = ff_kevent(kq, changelist, nchanges, ev, n, timeout);
	for (int i = 0; i < n; i++)
		do_each(&eventlist, &ev[i]);
	return n;
}

/* ---- epoll ---- */

ZS_API int ff_epoll_create1(int flags)
{
	struct zs_ctx *c = zs_ctx_get();
	struct zs_epoll *ep;
	int fd;

	if (c == NULL)
		return -1;
	if (flags & ~EPOLL_CLOEXEC)
		return (int)ff_ret(-EINVAL);
	ep = zs_epoll_create(c);
	if (ep == NULL)
		return (int)ff_ret(-ENOMEM);
	fd = zs_fd_install(&c->fds, ZS_FD_EPOLL, ep, 0);
	if (fd < 0)
		zs_epoll_unref(ep);
	else if (flags & EPOLL_CLOEXEC)
		zs_fd_slot(&c->fds, fd)->flags |= ZS_FDF_CLOEXEC;
	return (int)ff_ret(fd);
}

/* F-Stack's programs pass 0, which Linux would refuse. */
ZS_API int ff_epoll_create(int size)
{
	(void)size;
	return ff_epoll_create1(0);
}

ZS_API int ff_epoll_ctl(int epfd, int op, int fd, struct epoll_event *event)
{
	struct zs_ctx *c = zs_ctx_get();
	struct zs_epoll *ep;

	if (c == NULL)
		return -1;
	ep = obj_of(c, epfd, ZS_FD_EPOLL, EINVAL);
	if (ep == NULL)
		return -1;
	if (op != EPOLL_CTL_DEL && event == NULL)
		return (int)ff_ret(-EFAULT);
	zs_ctx_busy(c);
	return (int)ff_ret(zs_epoll_ctl(ep, op, fd, event));
}

struct epoll_scan {
	struct zs_epoll *ep;
	struct epoll_event *out;
	int max;
};

static int scan_epoll(void *arg)
{
	struct epoll_scan *e = arg;

	return zs_epoll_scan(e->ep, e->out, e->max);
}

ZS_API int ff_epoll_wait(int epfd, struct epoll_event *events, int maxevents, int timeout)
{
	struct zs_ctx *c = zs_ctx_get();
	struct epoll_scan scan = { .out = events, .max = maxevents };
	uint64_t timeout_us = timeout < 0 ? UINT64_MAX : (uint64_t)timeout * 1000;

	if (c == NULL)
		return -1;
	scan.ep = obj_of(c, epfd, ZS_FD_EPOLL, EINVAL);
	if (scan.ep == NULL)
		return -1;
	if (maxevents <= 0)
		return (int)ff_ret(-EINVAL);
	if (events == NULL)
		return (int)ff_ret(-EFAULT);
	return (int)ff_ret(zs_wait(c, timeout_us, scan_epoll, &scan));
}
