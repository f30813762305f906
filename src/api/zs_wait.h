/* SPDX-License-Identifier: BSD-3-Clause */
/* Waiting: the one loop behind ff_kevent, ff_epoll_wait, ff_select and ff_poll. */
#ifndef ZS_WAIT_H
#define ZS_WAIT_H

#include <time.h>

#include "api/zs_ctx.h"

enum { ZS_WAIT_MAX_S = 1000000000 };

/* What is there now: a count, 0 for nothing, or -errno. */
typedef int (*zs_scan_fn)(void *arg);

/*
 * Inside ff_run: scans once. Elsewhere drives the stack until scan finds something, timeout_us is
 * over (0 = one turn; UINT64_MAX = no limit; result 0), or the process is being stopped (-EINTR).
 */
int zs_wait(struct zs_ctx *c, uint64_t timeout_us, zs_scan_fn scan, void *arg);

/* Microseconds of a timeout, rounded up; NULL = UINT64_MAX. False: not a valid time. */
static inline bool zs_wait_timeout(const struct timespec *ts, uint64_t *us)
{
	*us = UINT64_MAX;
	if (ts == NULL)
		return true;
	if (ts->tv_sec < 0 || ts->tv_nsec < 0 || ts->tv_nsec >= 1000000000)
		return false;
	if (ts->tv_sec < ZS_WAIT_MAX_S)
		*us = (uint64_t)ts->tv_sec * 1000000 + ((uint64_t)ts->tv_nsec + 999) / 1000;
	return true;
}

#endif
