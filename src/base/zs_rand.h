/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Pseudo-random numbers of one stack: a keyed PRF over a counter, so that the same seed gives the
 * same run, and an outsider who sees outputs cannot predict the next one.
 */
#ifndef ZS_RAND_H
#define ZS_RAND_H

#include "base/zs_hash.h"

struct zs_rand {
	uint64_t key[2];
	uint64_t counter;
};

static inline uint64_t zs_rand_u64(struct zs_rand *r)
{
	r->counter++;
	return zs_siphash(r->key, &r->counter, sizeof(r->counter));
}

/* Uniform in [0, n); n > 0. */
static inline uint32_t zs_rand_below(struct zs_rand *r, uint32_t n)
{
	return (uint32_t)(((zs_rand_u64(r) >> 32) * n) >> 32);
}

#endif
