/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * When requests are due. At a fixed rate each has its time, whatever became of those before:
 * latency counts from there, so a server that stalls is charged for all requests that it should
 * have had meanwhile. Without a rate a request is due as soon as a connection is free for it. Time
 * is in ticks of the TSC.
 */
#ifndef ZLOAD_PACE_H
#define ZLOAD_PACE_H

#include <stdbool.h>
#include <stdint.h>

enum { PACE_FRACTION = 12 }; /* bits: a tick is too coarse to add up */

struct pace {
	uint64_t start;
	uint64_t step; /* from one request to the next, in 2^-PACE_FRACTION ticks; 0 = no rate */
	uint64_t next; /* since start, likewise */
	uint64_t left; /* requests still to be handed out */
};

static inline void pace_start(struct pace *p, uint64_t rate, uint64_t limit, uint64_t hz,
			      uint64_t now)
{
	*p = (struct pace){
		.start = now,
		.step = rate > 0 ? (hz << PACE_FRACTION) / rate : 0,
		.left = limit > 0 ? limit : UINT64_MAX,
	};
}

/* Takes the next request if it is due now; *due is when it was. */
static inline bool pace_take(struct pace *p, uint64_t now, uint64_t *due)
{
	*due = now;
	if (p->left == 0)
		return false;
	if (p->step > 0) {
		*due = p->start + (p->next >> PACE_FRACTION);
		if (*due > now)
			return false;
		p->next += p->step;
	}
	p->left--;
	return true;
}

/* What was due before now and not taken is not asked for any more. */
static inline void pace_forget(struct pace *p, uint64_t now)
{
	p->start = now;
	p->next = 0;
}

/* Requests that are due and were not taken. */
static inline uint64_t pace_behind(const struct pace *p, uint64_t now)
{
	uint64_t since = (now - p->start) << PACE_FRACTION;
	uint64_t n;

	if (p->step == 0 || since < p->next)
		return 0;
	n = (since - p->next) / p->step + 1;
	return n < p->left ? n : p->left;
}

#endif
