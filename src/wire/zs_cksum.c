/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The Internet checksum (RFC 1071) over bytes of any alignment and length. One's complement sums do
 * not depend on how many words are added at once: 64-bit words are added with their carry coming
 * around, and the sum is folded at the end.
 */
#include "wire/zs_cksum.h"

#include <string.h>

static uint64_t load64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* a + b modulo 2^64 - 1: an add and an add-with-carry */
static uint64_t add_around(uint64_t a, uint64_t b)
{
	uint64_t sum = a + b;

	return sum + (sum < a);
}

/* The last 0 to 7 bytes, as if zeros followed. */
static uint64_t load_tail(const uint8_t *p, size_t len)
{
	uint64_t v = 0;
	unsigned at = 0;

	if (len & 4) {
		uint32_t w;

		memcpy(&w, p, sizeof(w));
		v = w;
		at = 4;
	}
	if (len & 2) {
		uint16_t w;

		memcpy(&w, p + at, sizeof(w));
		v |= (uint64_t)w << 8 * at;
		at += 2;
	}
	if (len & 1)
		v |= (uint64_t)p[at] << 8 * at;
	return v;
}

uint32_t zs_cksum_raw(const void *data, size_t len)
{
	const uint8_t *p = data;
	uint64_t a = 0, b = 0, c = 0, d = 0;

	for (; len >= 32;
	     p += 32, len -= 32) { /* four chains: the carries do not wait for each other */
		a = add_around(a, load64(p));
		b = add_around(b, load64(p + 8));
		c = add_around(c, load64(p + 16));
		d = add_around(d, load64(p + 24));
	}
	for (; len >= 8; p += 8, len -= 8)
		a = add_around(a, load64(p));
	b = add_around(b, load_tail(p, len));
	a = add_around(add_around(a, b), add_around(c, d));
	a = (a & 0xffffffff) + (a >> 32);
	a = (a & 0xffffffff) + (a >> 32);
	return zs_cksum_fold((uint32_t)a);
}

uint32_t zs_cksum_pseudo(const struct zs_addr *src, const struct zs_addr *dst, uint8_t proto,
			 uint32_t len)
{
	/* The words of an IPv4 address beyond the first are zero and add nothing. */
	uint64_t sum =
		add_around(add_around(src->q[0], src->q[1]), add_around(dst->q[0], dst->q[1]));

	sum = add_around(sum, (uint64_t)__builtin_bswap32(len) + __builtin_bswap32(proto));
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffffffff) + (sum >> 32);
	return zs_cksum_fold((uint32_t)sum);
}
