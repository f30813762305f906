/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ff_poll and ff_select: what is true of each descriptor, asked anew each turn. Their cost is that
 * of the list they are given; kqueue and epoll are for many.
 */
#include <limits.h>
#include <string.h>

#include "ff_api.h"

#include "api/zs_wait.h"
#include "base/zs_api.h"

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
		return POLLNVAL;
	if (f->kind != ZS_FD_SOCK)
		return 0;
	ev = zs_sock_readiness(f->obj);
	if (ev & (ZS_EV_READ | ZS_EV_RDHUP))
		out |= POLLIN | POLLRDNORM;
	if (ev & ZS_EV_WRITE)
		out |= POLLOUT | POLLWRNORM;
	if (ev & ZS_EV_RDHUP)
		out |= POLLRDHUP;
	if (ev & ZS_EV_HUP)
		out |= POLLHUP;
	if (ev & ZS_EV_ERR)
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

ZS_API int ff_poll(struct pollfd fds[], nfds_t nfds, int timeout)
{
	struct zs_ctx *c = zs_ctx_get();
	struct poll_scan scan = { .c = c, .fds = fds, .n = nfds };

	if (c == NULL)
		return -1;
	if (nfds > INT_MAX)
		return (int)ff_ret(-EINVAL);
	if (nfds > 0 && fds == NULL)
		return (int)ff_ret(-EFAULT);
	return (int)ff_ret(
		zs_wait(c, timeout < 0 ? UINT64_MAX : (uint64_t)timeout * 1000, scan_poll, &scan));
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
	ZS_EV_READ | ZS_EV_RDHUP | ZS_EV_HUP | ZS_EV_ERR, ZS_EV_WRITE | ZS_EV_ERR,
	0, /* nothing is urgent here */
};

/* Bits of one word that are ready, or -EBADF. */
static int64_t select_word(const struct select_scan *sel, int set, int word, unsigned long *ready)
{
	unsigned long asked = sel->set[set][word];
	int64_t n = 0;

	*ready = 0;
	while (asked != 0) {
		int bit = __builtin_ctzl(asked);
		int fd = word * (int)WORD_BITS + bit;
		struct zs_fd *f;

		asked &= asked - 1;
		if (fd >= sel->nfds)
			break;
		f = zs_fd_slot(&sel->c->fds, fd);
		if (f == NULL)
			return -EBADF;
		if (f->kind != ZS_FD_SOCK || !(zs_sock_readiness(f->obj) & select_mask[set]))
			continue;
		*ready |= 1ul << bit;
		n++;
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
	rc = zs_wait(c, timeout_us, scan_select, &sel);
	if (rc < 0)
		return (int)ff_ret(rc);
	sel.report = true;
	return scan_select(&sel);
}
