/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ff_poll and ff_select: what is true of each descriptor, asked anew each turn. Their cost is that
 * of the list they are given; kqueue and epoll are for many. The kernel is asked about numbers of
 * its own, and watches them while the call waits.
 */
#include <limits.h>
#include <string.h>

#include "ff_api.h"

#include "api/zs_kern.h"
#include "api/zs_note.h"
#include "api/zs_wait.h"
#include "base/zs_api.h"

/* POLL bits of a number that is not ours. */
static short kern_poll(int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };

	return poll(&p, 1, 0) > 0 ? p.revents : 0;
}

static bool is_kernels(const struct zs_ctx *c, int fd)
{
	return fd >= 0 && fd < c->fds.base;
}

/* Of an epoll instance or a kqueue: it would report something. */
static bool is_pending(const struct zs_fd *f)
{
	struct zs_poller *p = f->obj;

	return p->pending(p);
}

/* ---- poll ---- */

struct poll_scan {
	struct zs_ctx *c;
	struct pollfd *fds;
	nfds_t n;
};

static short poll_events(struct zs_ctx *c, const struct pollfd *p)
{
	struct zs_fd *f = zs_fd_slot(&c->fds, p->fd);
	unsigned ev;
	int out = 0;

	if (f == NULL)
		return is_kernels(c, p->fd) ? kern_poll(p->fd, p->events) : POLLNVAL;
	if (f->kind == ZS_FD_KERN)
		return (short)(zs_kern_events(f->obj) & ((unsigned)p->events | POLLHUP | POLLERR));
	if (f->kind != ZS_FD_SOCK)
		return is_pending(f) ? (short)(p->events & (POLLIN | POLLRDNORM)) : 0;
	ev = zs_sock_readiness(f->obj);
	if (ev & (ZS_EV_READ | ZS_EV_RDHUP))
		out |= POLLIN | POLLRDNORM;
	if (ev & ZS_EV_WRITE)
		out |= POLLOUT | POLLWRNORM;
	if (ev & ZS_EV_RDHUP)
		out |= POLLRDHUP;
	if (ev & ZS_EV_HUP)
		out |= POLLHUP;
	if (ev & (ZS_EV_ERR | ZS_EV_ERRQ))
		out |= POLLERR;
	return (short)(out & (p->events | POLLHUP | POLLERR));
}

static int scan_poll(void *arg)
{
	struct poll_scan *p = arg;
	int n = 0;

	for (nfds_t i = 0; i < p->n; i++) {
		p->fds[i].revents = p->fds[i].fd < 0 ? 0 : poll_events(p->c, &p->fds[i]);
		n += p->fds[i].revents != 0;
	}
	return n;
}

/* Until release_polled(): sleeps end for the kernel's descriptors too. */
static void hold_polled(struct zs_ctx *c, const struct pollfd *fds, nfds_t n)
{
	for (nfds_t i = 0; i < n; i++)
		if (is_kernels(c, fds[i].fd))
			(void)zs_kern_hold(c, fds[i].fd); /* a file is always ready */
}

static void release_polled(struct zs_ctx *c, const struct pollfd *fds, nfds_t n)
{
	for (nfds_t i = 0; c->kerns != NULL && i < n; i++)
		zs_kern_release(c, fds[i].fd);
}

ZS_API int ff_poll(struct pollfd fds[], nfds_t nfds, int timeout)
{
	struct zs_ctx *c = zs_ctx_get();
	struct poll_scan scan = { .c = c, .fds = fds, .n = nfds };
	int rc;

	if (c == NULL)
		return -1;
	if (nfds > INT_MAX)
		return (int)ff_ret(-EINVAL);
	if (nfds > 0 && fds == NULL)
		return (int)ff_ret(-EFAULT);
	if (c->in_run || timeout == 0)
		return (int)ff_ret(zs_wait(c, 0, scan_poll, &scan));
	hold_polled(c, fds, nfds);
	rc = zs_wait(c, timeout < 0 ? UINT64_MAX : (uint64_t)timeout * 1000, scan_poll, &scan);
	release_polled(c, fds, nfds);
	return (int)ff_ret(rc);
}

/* ---- select: the sets may be larger than FD_SETSIZE, so they are arrays of words here ---- */

enum { WORD_BITS = 8 * sizeof(unsigned long), N_SETS = 3 };

struct select_scan {
	struct zs_ctx *c;
	int nfds;
	unsigned long *set[N_SETS]; /* read, write, exceptional: what is asked for */
	bool report;		    /* write the answer into the sets */
};

/* Of each set, the events (enum zs_ev) that make a descriptor ready. */
static const unsigned select_mask[N_SETS] = {
	ZS_EV_READ | ZS_EV_RDHUP | ZS_EV_HUP | ZS_EV_ERR | ZS_EV_ERRQ,
	ZS_EV_WRITE | ZS_EV_ERR | ZS_EV_ERRQ, 0, /* nothing is urgent here */
};

/* Is the descriptor ready for the set? -EBADF. */
static int select_fd(struct zs_ctx *c, int fd, int set)
{
	static const short kern_mask[N_SETS] = { POLLIN | POLLHUP | POLLERR, POLLOUT | POLLERR,
						 POLLPRI };
	struct zs_fd *f = zs_fd_slot(&c->fds, fd);
	short ev;

	if (f != NULL && f->kind == ZS_FD_SOCK)
		return (zs_sock_readiness(f->obj) & select_mask[set]) != 0;
	if (f != NULL && f->kind == ZS_FD_KERN)
		return (zs_kern_events(f->obj) & (unsigned)kern_mask[set]) != 0;
	if (f != NULL)
		return set == 0 && is_pending(f);
	ev = is_kernels(c, fd) ? kern_poll(fd, kern_mask[set]) : POLLNVAL;
	return ev & POLLNVAL ? -EBADF : (ev & kern_mask[set]) != 0;
}

/* Bits of one word that are ready, or -EBADF. */
static int64_t select_word(const struct select_scan *sel, int set, int word, unsigned long *ready)
{
	unsigned long asked = sel->set[set][word];
	int64_t n = 0;

	*ready = 0;
	while (asked != 0) {
		int bit = __builtin_ctzl(asked);
		int fd = word * (int)WORD_BITS + bit;
		int rc;

		asked &= asked - 1;
		if (fd >= sel->nfds)
			break;
		rc = select_fd(sel->c, fd, set);
		if (rc < 0)
			return rc;
		*ready |= (unsigned long)rc << bit;
		n += rc;
	}
	return n;
}

static int scan_select(void *arg)
{
	struct select_scan *sel = arg;
	int words = (sel->nfds + (int)WORD_BITS - 1) / (int)WORD_BITS;
	int64_t total = 0;

	for (int set = 0; set < N_SETS; set++) {
		if (sel->set[set] == NULL)
			continue;
		for (int w = 0; w < words; w++) {
			unsigned long ready;
			int64_t n = select_word(sel, set, w, &ready);

			if (n < 0)
				return (int)n;
			total += n;
			if (sel->report)
				sel->set[set][w] = ready;
		}
	}
	return (int)total;
}

/* Calls fn for each number of the kernel's in the sets. */
static void for_kernels(const struct select_scan *sel, void (*fn)(struct zs_ctx *c, int fd))
{
	for (int fd = 0; fd < sel->nfds && is_kernels(sel->c, fd); fd++)
		for (int set = 0; set < N_SETS; set++)
			if (sel->set[set] != NULL &&
			    sel->set[set][fd / (int)WORD_BITS] & 1ul << fd % (int)WORD_BITS)
				fn(sel->c, fd);
}

static void hold_one(struct zs_ctx *c, int fd)
{
	(void)zs_kern_hold(c, fd); /* a file is always ready */
}

static int wait_select(struct select_scan *sel, uint64_t timeout_us)
{
	int rc;

	if (sel->c->in_run || timeout_us == 0)
		return zs_wait(sel->c, 0, scan_select, sel);
	for_kernels(sel, hold_one);
	rc = zs_wait(sel->c, timeout_us, scan_select, sel);
	for_kernels(sel, zs_kern_release);
	return rc;
}

ZS_API int ff_select(int nfds, fd_set *readfds, fd_set *writefds, fd_set *exceptfds,
		     struct timeval *timeout)
{
	struct zs_ctx *c = zs_ctx_get();
	struct select_scan sel = {
		.c = c,
		.nfds = nfds,
		.set = { (void *)readfds, (void *)writefds, (void *)exceptfds },
	};
	uint64_t timeout_us = UINT64_MAX;
	int rc;

	if (c == NULL)
		return -1;
	if (nfds < 0 || (timeout != NULL && (timeout->tv_sec < 0 || timeout->tv_usec < 0)))
		return (int)ff_ret(-EINVAL);
	if (timeout != NULL && timeout->tv_sec < ZS_WAIT_MAX_S)
		timeout_us = (uint64_t)timeout->tv_sec * 1000000 + (uint64_t)timeout->tv_usec;
	if (nfds > c->fds.base + (int)c->fds.cap)
		sel.nfds = c->fds.base + (int)c->fds.cap;
	rc = wait_select(&sel, timeout_us);
	if (rc < 0)
		return (int)ff_ret(rc);
	sel.report = true;
	return (int)ff_ret(scan_select(&sel));
}
