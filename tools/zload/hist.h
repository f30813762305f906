/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A log-linear histogram of times in nanoseconds, from 1 ns to some 9 hours with three significant
 * digits. Each power of two is cut into 1024 buckets of equal width, so that a bucket is at most
 * 1/1024 of its values wide; below 2048 ns every value has a bucket of its own. Count, sum, least
 * and greatest value are exact. Recording is a few instructions and never fails.
 */
#ifndef ZLOAD_HIST_H
#define ZLOAD_HIST_H

#include <stdint.h>

enum {
	HIST_SUB_BITS = 10,
	HIST_SUB = 1 << HIST_SUB_BITS, /* buckets of a power of two */
	HIST_MAX_BITS = 45,	       /* greater values count in the last bucket */
	HIST_BUCKETS = (HIST_MAX_BITS - HIST_SUB_BITS + 1) * HIST_SUB,
};

/* Zeroed memory is an empty histogram. */
struct hist {
	uint64_t count, sum, min, max; /* min and max have no meaning while count is 0 */
	uint64_t bucket[HIST_BUCKETS];
};

/* The bucket of a value. */
static inline uint32_t hist_index(uint64_t v)
{
	uint32_t shift;

	if (v >> HIST_MAX_BITS != 0)
		return HIST_BUCKETS - 1;
	/* the bits that do not fit: 0 for all below 2 * HIST_SUB */
	shift = 63u - HIST_SUB_BITS - (uint32_t)__builtin_clzll(v | HIST_SUB);
	return shift * HIST_SUB + (uint32_t)(v >> shift);
}

/* The least and the greatest value of a bucket. */
uint64_t hist_low(uint32_t index);
uint64_t hist_high(uint32_t index);

static inline void hist_record(struct hist *h, uint64_t v)
{
	if (h->count++ == 0)
		h->min = h->max = v;
	h->sum += v;
	if (v < h->min)
		h->min = v;
	if (v > h->max)
		h->max = v;
	h->bucket[hist_index(v)]++;
}

/* Adds all values of `from`. */
void hist_merge(struct hist *to, const struct hist *from);

/* Empties h; takes as long as there are buckets between its least and its greatest value. */
void hist_clear(struct hist *h);

/*
 * The value that `percent` of all values do not exceed: the greatest one of its bucket, though
 * never greater than the maximum. 0 gives the minimum, 100 the maximum, an empty histogram 0.
 */
uint64_t hist_percentile(const struct hist *h, double percent);

/* 0 for an empty histogram. */
double hist_mean(const struct hist *h);

#endif
