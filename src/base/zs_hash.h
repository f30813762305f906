/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Keyed hashes. zs_siphash() is SipHash-2-4 (Aumasson, Bernstein 2012): the pseudo-random function
 * for initial sequence numbers (RFC 6528), ports (RFC 6056) and cookies. zs_mix() is a folded
 * 64x64->128 multiply, for hash tables whose key an outsider does not know.
 */
#ifndef ZS_HASH_H
#define ZS_HASH_H

#include <stddef.h>
#include <stdint.h>

uint64_t zs_siphash(const uint64_t key[2], const void *data, size_t len);

static inline uint64_t zs_mix(uint64_t a, uint64_t b)
{
	unsigned __int128 p = (unsigned __int128)a * b;

	return (uint64_t)p ^ (uint64_t)(p >> 64);
}

#endif
