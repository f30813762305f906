/* SPDX-License-Identifier: BSD-3-Clause */
/* Random numbers and hashes of the simulator: fast, seeded, not for anything that needs a secret.
 */
#ifndef ZS_SIMRAND_H
#define ZS_SIMRAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/zs_hash.h"

enum { ZS_SIM_PPM = 1000000 };

struct zs_simrand {
	uint64_t state;
};

/* A bijection of 64-bit numbers that leaves no pattern behind. */
static inline uint64_t zs_sim_scramble(uint64_t x)
{
	x ^= x >> 32;
	x *= 0xd6e8feb86659fd93u;
	x ^= x >> 32;
	x *= 0xd6e8feb86659fd93u;
	return x ^ x >> 32;
}

static inline uint64_t zs_simrand_u64(struct zs_simrand *r)
{
	r->state += 0x9e3779b97f4a7c15u;
	return zs_sim_scramble(r->state);
}

/* Uniform in [0, n); n > 0. */
static inline uint32_t zs_simrand_below(struct zs_simrand *r, uint32_t n)
{
	return (uint32_t)(((zs_simrand_u64(r) >> 32) * n) >> 32);
}

/* True with a probability of ppm millionths; 0 draws nothing. */
static inline bool zs_simrand_chance(struct zs_simrand *r, uint32_t ppm)
{
	return ppm != 0 && zs_simrand_below(r, ZS_SIM_PPM) < ppm;
}

/* Adds len bytes to a running hash. */
static inline uint64_t zs_sim_hash(uint64_t h, const void *data, size_t len)
{
	const uint8_t *p = data;
	uint64_t w = len;

	for (; len >= 8; p += 8, len -= 8) {
		h = zs_mix(h ^ w, 0xa0761d6478bd642fu);
		memcpy(&w, p, 8);
	}
	h = zs_mix(h ^ w, 0xe7037ed1a0b428dbu);
	w = 0;
	if (len > 0)
		memcpy(&w, p, len);
	return zs_mix(h ^ w, 0x8ebc6af09c88c6e3u) + 1;
}

#endif
