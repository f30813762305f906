/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Cycles per unit of work in windows of 50 ms: the best one, which repeats on a shared machine, and
 * the median, which shows the machine. And the lines that the benchmark prints.
 */
#ifndef BENCH_METER_H
#define BENCH_METER_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum { METER_WINDOWS = 24, METER_SKIPPED = 4 };

struct meter {
	uint64_t count;	       /* of work to be done for a profiler instead of windows, or 0 */
	uint64_t counted;      /* done since the warm-up, which is half of that; exact */
	uint64_t work, cycles; /* when the window began */
	uint32_t n;	       /* windows that are over */
	double per_work[METER_WINDOWS];
};

/* Work and cycles so far, both growing from any start. True when all windows are over, or the work
 * to be counted is done. */
bool meter_look(struct meter *m, uint64_t work, uint64_t cycles);
/* Without those of the warm-up. */
double meter_best(struct meter *m);
double meter_median(struct meter *m);

/* Where lines go to: standard output, and JSON unless NULL. */
struct lines {
	FILE *json;
	unsigned n;
};

bool lines_open(struct lines *l, const char *json); /* false: errno */
void lines_add(struct lines *l, const char *name, double value, const char *unit);
void lines_close(struct lines *l);

#endif
