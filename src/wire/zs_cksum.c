/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The Internet checksum (RFC 1071) over bytes of any alignment and length. One's complement sums do
 * not depend on how many words are added at once: short runs are added in 64-bit words with their
 * carry coming around, long ones in vectors of 32-bit lanes, and the sum is folded at the end.
 */
#include "wire/zs_cksum.h"

#include <string.h>

enum {
	WIDE = 256,	    /* from so many bytes on vectors are quicker */
	MAX_WORDS = 1 << 16 /* that a sum of 32 bits takes */
};

static uint64_t load64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
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

/*
 * Sum of 2 n 16-bit words, n at most MAX_WORDS, copied to `to` unless that is NULL: loops that the
 * compiler turns into vectors.
 */
static inline __attribute__((always_inline)) uint64_t sum_words(uint8_t *restrict to,
								const uint8_t *restrict p, size_t n)
{
	uint32_t even = 0, odd = 0;

#ifndef __clang__ /* which unrolls loops of vectors by itself, and worse when told to */
#pragma GCC unroll 4
#endif
	for (size_t i = 0; i < n; i++) {
		uint32_t w;

		memcpy(&w, p + sizeof(w) * i, sizeof(w));
		if (to != NULL)
			memcpy(to + sizeof(w) * i, &w, sizeof(w));
		even += w & 0xffff;
		odd += w >> 16;
	}
	return (uint64_t)even + odd;
}

static uint64_t sum_plain(uint8_t *to, const uint8_t *p, size_t n)
{
	return to != NULL ? sum_words(to, p, n) : sum_words(NULL, p, n);
}

#ifdef __x86_64__
__attribute__((target("avx2"))) static uint64_t sum_avx2(uint8_t *to, const uint8_t *p, size_t n)
{
	return to != NULL ? sum_words(to, p, n) : sum_words(NULL, p, n);
}

static uint64_t sum_wide(uint8_t *to, const uint8_t *p, size_t n)
{
	return __builtin_cpu_supports("avx2") ? sum_avx2(to, p, n) : sum_plain(to, p, n);
}
#else
static uint64_t sum_wide(uint8_t *to, const uint8_t *p, size_t n)
{
	return sum_plain(to, p, n);
}
#endif

/* Sums, and copies, whole vectors; *done: so many bytes. */
static __attribute__((noinline)) uint64_t sum_vectors(uint8_t *to, const uint8_t *p, size_t len,
						      size_t *done)
{
	uint64_t sum = 0;
	size_t pos = 0;

	while (len - pos >= WIDE) {
		size_t n = (len - pos) / 32 * 8;

		n = n < MAX_WORDS ? n : MAX_WORDS;
		sum += sum_wide(to != NULL ? to + pos : NULL, p + pos, n);
		pos += 4 * n;
	}
	*done = pos;
	return sum;
}

/* The same for what is too short for vectors. */
static inline uint64_t sum_short(const uint8_t *p, size_t len)
{
	uint64_t a = 0, b = 0;

	for (; len >= 16;
	     p += 16, len -= 16) { /* two chains: neither waits for the other's carry */
		a = zs_cksum_add64(a, load64(p));
		b = zs_cksum_add64(b, load64(p + 8));
	}
	if (len >= 8) {
		a = zs_cksum_add64(a, load64(p));
		p += 8;
		len -= 8;
	}
	b = zs_cksum_add64(b, load_tail(p, len));
	return zs_cksum_add64(a, b);
}

uint32_t zs_cksum_raw(const void *data, size_t len)
{
	const uint8_t *p = data;
	uint64_t sum = 0;
	size_t done = 0;

	if (len >= WIDE)
		sum = sum_vectors(NULL, p, len, &done);
	return zs_cksum_fold64(zs_cksum_add64(sum, sum_short(p + done, len - done)));
}

uint32_t zs_cksum_copy(void *to, const void *from, size_t len)
{
	uint8_t *out = to;
	const uint8_t *p = from;
	uint64_t sum = 0;
	size_t done = 0;

	if (len >= WIDE)
		sum = sum_vectors(out, p, len, &done);
	memcpy(out + done, p + done, len - done);
	return zs_cksum_fold64(zs_cksum_add64(sum, sum_short(p + done, len - done)));
}
