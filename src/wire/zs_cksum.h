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

static inline uint16_t zs_cksum_fold(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

/* A sum of 64 bits as one of 16. */
static inline uint16_t zs_cksum_fold64(uint64_t sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffffffff) + (sum >> 32);
	return zs_cksum_fold((uint32_t)sum);
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
uint32_t zs_cksum_pseudo(const struct zs_addr *src, const struct zs_addr *dst, uint8_t proto,
			 uint32_t len);

#endif
