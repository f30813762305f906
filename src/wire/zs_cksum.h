/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The Internet checksum (RFC 1071). Sums are kept in 32 bits unfolded, so that pieces can be added
 * in any order; a piece that starts at an odd offset of the packet is byte-swapped by the caller's
 * use of zs_cksum_add_odd().
 */
#ifndef ZS_CKSUM_H
#define ZS_CKSUM_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/zs_addr.h"

/* Folded 16-bit one's complement sum of len bytes, to be added to others. */
uint32_t zs_cksum_raw(const void *data, size_t len);

/* Copies len bytes and returns what zs_cksum_raw() would say of them. They do not overlap. */
uint32_t zs_cksum_copy(void *to, const void *from, size_t len);

/* To 16 bits: the upper half of the sum with its own halves exchanged has both, and their carry. */
static inline uint16_t zs_cksum_fold(uint32_t sum)
{
	return (uint16_t)((sum + (sum << 16 | sum >> 16)) >> 16);
}

static inline uint16_t zs_cksum_fold64(uint64_t sum)
{
	return zs_cksum_fold((uint32_t)((sum + (sum << 32 | sum >> 32)) >> 32));
}

/* a + b modulo 2^64 - 1: an add and an add-with-carry */
static inline uint64_t zs_cksum_add64(uint64_t a, uint64_t b)
{
	uint64_t sum = a + b;

	return sum + (sum < a);
}

/* zs_cksum_raw() of an IPv4 header without options, as nearly all are: 20 bytes. */
static inline uint16_t zs_cksum_ip4(const void *hdr)
{
	uint32_t w[5];

	memcpy(w, hdr, sizeof(w));
	return zs_cksum_fold64((uint64_t)w[0] + w[1] + w[2] + w[3] + w[4]);
}

/* The value for a header's checksum field (already in wire order). */
static inline uint16_t zs_cksum_finish(uint32_t sum)
{
	return (uint16_t)~zs_cksum_fold(sum);
}

/* A piece that begins at an odd byte of the packet. */
static inline uint32_t zs_cksum_add_odd(uint32_t sum, uint32_t piece)
{
	uint16_t f = zs_cksum_fold(piece);

	return sum + (uint16_t)(f << 8 | f >> 8);
}

/* Pseudo header of TCP and UDP over IPv4 or IPv6 (RFC 9293 3.1, RFC 8200 8.1); len in host order.
 */
static inline uint32_t zs_cksum_pseudo(const struct zs_addr *src, const struct zs_addr *dst,
				       uint8_t proto, uint32_t len)
{
	/* the words of an IPv4 address beyond the first are zero and add nothing */
	uint64_t a = zs_cksum_add64(src->q[0], dst->q[0]);
	uint64_t b = zs_cksum_add64(src->q[1], dst->q[1]);
	uint64_t rest = (uint64_t)__builtin_bswap32(len) + ((uint64_t)proto << 24);

	return zs_cksum_fold64(zs_cksum_add64(zs_cksum_add64(a, b), rest));
}

#endif
