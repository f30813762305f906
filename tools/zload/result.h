/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What came of the load: counters, latencies, and their course in windows of 50 ms and in seconds.
 * Times given to it are ticks of the TSC; latencies are kept in nanoseconds.
 */
#ifndef ZLOAD_RESULT_H
#define ZLOAD_RESULT_H

#include <stdbool.h>
#include <stdint.h>

#include "hist.h"

enum failure {
	FAIL_CONNECT,  /* refused, unreachable, or no local port */
	FAIL_RESET,    /* by the peer, or broken off by the stack */
	FAIL_CLOSED,   /* the end came with requests unanswered */
	FAIL_TIMEOUT,  /* too long a silence */
	FAIL_RESPONSE, /* not HTTP, or not asked for */
	FAIL_BODY,     /* differs from the pattern */
	FAIL_COUNT
};

const char *failure_name(enum failure f);

enum { STATUS_MAX = 1000, WINDOWS_A_SECOND = 20 };

/* A second of the measurement; the last one may be shorter. */
struct second {
	double seconds;
	uint64_t responses, bytes, failures;
	uint64_t p50_ns, p99_ns, max_ns;
};

struct result {
	struct hist latency; /* of the seconds that are over */
	struct hist recent;  /* of the current one */
	uint64_t responses, bytes;
	uint64_t lost;	   /* requests that will not be answered: their connection failed */
	uint64_t failures; /* the sum of: */
	uint64_t failed[FAIL_COUNT];
	int connect_error; /* errno of the last attempt that failed; 0 = none did */
	uint64_t status[STATUS_MAX];
	uint64_t reopened;	  /* connections that the server ended in order */
	uint64_t behind, waiting; /* at the end: due and not sent; sent and not answered */

	uint64_t hz, ns_mul; /* ns_mul: nanoseconds per tick, in 2^-32 */
	uint64_t start, end; /* of the measurement; 0 = not yet */
	double busy;	     /* share of the loop's cycles in turns that did something */

	struct second *second;
	uint32_t n_seconds, cap_seconds;
	float *window; /* responses/s */
	uint32_t n_windows, cap_windows;
	struct {
		uint64_t tick, responses, bytes, failures; /* when it began */
	} this_second, this_window;
};

/* r is zeroed memory. */
void result_init(struct result *r, uint64_t hz);
/* From now on all counts; what was before is forgotten. */
void result_begin(struct result *r, uint64_t now);
/* To be called at least every few milliseconds. True when a second is over. */
bool result_tick(struct result *r, uint64_t now);
void result_finish(struct result *r, uint64_t now);
void result_free(struct result *r);

static inline uint64_t result_ns(const struct result *r, uint64_t ticks)
{
	return (uint64_t)(((__uint128_t)ticks * r->ns_mul) >> 32);
}

static inline double result_seconds(const struct result *r)
{
	return r->end > r->start ? (double)(r->end - r->start) / (double)r->hz : 0;
}

/* Responses with a status below 400. */
uint64_t result_served(const struct result *r);

/* Responses/s of the best and of the median window. Sorts the windows. */
void result_windows(struct result *r, double *best, double *median);

#endif
