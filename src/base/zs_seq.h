/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sequence space arithmetic (RFC 9293 3.4): 32-bit numbers compared modulo 2^32. The only place
 * where sequence numbers, and timestamps of RFC 7323, are compared.
 */
#ifndef ZS_SEQ_H
#define ZS_SEQ_H

#include <stdbool.h>
#include <stdint.h>

static inline bool zs_seq_lt(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) < 0;
}

static inline bool zs_seq_leq(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) <= 0;
}

static inline bool zs_seq_gt(uint32_t a, uint32_t b)
{
	return zs_seq_lt(b, a);
}

static inline bool zs_seq_geq(uint32_t a, uint32_t b)
{
	return zs_seq_leq(b, a);
}

/* x in [lo, lo + len): false for len == 0 */
static inline bool zs_seq_in(uint32_t x, uint32_t lo, uint32_t len)
{
	return x - lo < len;
}

static inline uint32_t zs_seq_max(uint32_t a, uint32_t b)
{
	return zs_seq_lt(a, b) ? b : a;
}

static inline uint32_t zs_seq_min(uint32_t a, uint32_t b)
{
	return zs_seq_lt(a, b) ? a : b;
}

#endif
