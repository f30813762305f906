/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The Internet checksum (RFC 1071) over bytes of any alignment and length. One's complement sums do
 * not depend on the order of the words, nor on how many are added at once: 32-bit words are added
 * into 64-bit accumulators, which cannot overflow below 16 GiB, and folded at the end.
 */
#include "wire/zs_cksum.h"

#include <string.h>

static uint64_t load64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static uint64_t halves(uint64_t v)
{
	return (v & 0xffffffff) + (v >> 32);
}

/* The last 0 to 7 bytes, as if zeros followed. */
static uint64_t load_tail(const uint8_t *p, size_t len)
{
	uint64_t v = 0;

	memcpy(&v, p, len);
	return v;
}

uint32_t zs_cksum_raw(const void *data, size_t len)
{
	const uint8_t *p = data;
	uint64_t a = 0, b = 0, c = 0, d = 0, sum;

	for (; len >= 32; p += 32, len -= 32) {
		a += halves(load64(p));
		b += halves(load64(p + 8));
		c += halves(load64(p + 16));
		d += halves(load64(p + 24));
	}
	sum = a + b + c + d;
	for (; len >= 8; p += 8, len -= 8)
		sum += halves(load64(p));
	if (len > 0)
		sum += halves(load_tail(p, len));
	sum = halves(sum);
	sum = halves(sum);
	return zs_cksum_fold((uint32_t)sum);
}

uint32_t zs_cksum_pseudo(const struct zs_addr *src, const struct zs_addr *dst, uint8_t proto,
			 uint32_t len)
{
	/* The words of an IPv4 address beyond the first are zero and add nothing. */
	uint32_t tail_be[2] = { __builtin_bswap32(len), __builtin_bswap32(proto) };

	return zs_cksum_raw(src, sizeof(*src)) + zs_cksum_raw(dst, sizeof(*dst)) +
	       zs_cksum_raw(tail_be, sizeof(tail_be));
}
