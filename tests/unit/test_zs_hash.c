/* SPDX-License-Identifier: BSD-3-Clause */
/* SipHash-2-4 against the vectors its authors published; zs_mix spreads. */
#include "tests/zs_test.h"

#include "base/zs_hash.h"

#include <string.h>

/* Key 00..0f, message 00..n-1: "SipHash: a fast short-input PRF", appendix A and its test program.
 */
static void published_vectors(void **state)
{
	static const uint64_t expect[] = {
		0x726fdb47dd0e0e31, 0x74f839c593dc67fd, 0x0d6c8009d9a94f5a,
		0x85676696d7fb7e2d, 0xcf2794e0277187b7, 0x18765564cd99a68d,
		0xcbc9466e58fee3ce, 0xab0200f58b01d137, 0x93f5f5799a932462,
	};
	const uint64_t key[2] = { 0x0706050403020100, 0x0f0e0d0c0b0a0908 };
	uint8_t msg[16];
	unsigned i;

	(void)state;
	for (i = 0; i < sizeof(msg); i++)
		msg[i] = (uint8_t)i;
	for (i = 0; i < sizeof(expect) / sizeof(expect[0]); i++)
		assert_true(zs_siphash(key, msg, i) == expect[i]);
	assert_true(zs_siphash(key, msg, 15) == 0xa129ca6149be45e5);
}

static void any_alignment(void **state)
{
	const uint64_t key[2] = { 1, 2 };
	uint8_t buf[64 + 8], msg[40];
	unsigned off;

	(void)state;
	memset(msg, 0x5a, sizeof(msg));
	for (off = 0; off < 8; off++) {
		memcpy(buf + off, msg, sizeof(msg));
		assert_true(zs_siphash(key, buf + off, 37) == zs_siphash(key, msg, 37));
	}
}

static void key_matters(void **state)
{
	const uint64_t a[2] = { 1, 2 }, b[2] = { 1, 3 };

	(void)state;
	assert_true(zs_siphash(a, "x", 1) != zs_siphash(b, "x", 1));
}

/* 4096 consecutive inputs over 256 buckets: no bucket far from 16. */
static void mix_spreads(void **state)
{
	unsigned count[256] = { 0 }, i;

	(void)state;
	for (i = 0; i < 4096; i++)
		count[zs_mix(i ^ 0x9e3779b97f4a7c15, 0xd6e8feb86659fd93) & 255]++;
	for (i = 0; i < 256; i++)
		assert_in_range(count[i], 1, 48);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(published_vectors),
	cmocka_unit_test(any_alignment),
	cmocka_unit_test(key_matters),
	cmocka_unit_test(mix_spreads),
};

ZS_TEST_MAIN(tests)
