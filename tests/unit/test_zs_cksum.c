/* SPDX-License-Identifier: BSD-3-Clause */
/* The checksum against RFC 1071's definition, over lengths, alignments and pieces. */
#include "tests/zs_test.h"

#include "base/zs_rand.h"
#include "wire/zs_cksum.h"

#include <string.h>

/* RFC 1071 by the book: 16-bit big-endian words, end-around carry, complement. */
static uint16_t naive_be(const uint8_t *p, size_t len)
{
	uint32_t sum = 0;
	size_t i;

	for (i = 0; i < len; i++) {
		sum += i % 2 ? p[i] : (uint32_t)p[i] << 8;
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return (uint16_t)~sum;
}

/* The checksum field's two bytes, as a number of the wire. */
static uint16_t wire(uint16_t field)
{
	uint8_t b[2];

	memcpy(b, &field, 2);
	return (uint16_t)(b[0] << 8 | b[1]);
}

static void rfc1071_example(void **state)
{
	static const uint8_t data[] = { 0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7 };

	(void)state;
	assert_int_equal(wire(zs_cksum_finish(zs_cksum_raw(data, sizeof(data)))), 0x220d);
}

static void any_length_and_alignment(void **state)
{
	struct zs_rand r = { .key = { 1, 1 } };
	uint8_t buf[800 + 8];
	unsigned len, off, i;

	(void)state;
	for (len = 0; len <= 800; len++) {
		for (off = 0; off < 8; off++) {
			for (i = 0; i < len; i++)
				buf[off + i] = (uint8_t)zs_rand_u64(&r);
			assert_int_equal(wire(zs_cksum_finish(zs_cksum_raw(buf + off, len))),
					 naive_be(buf + off, len));
		}
	}
}

static void long_runs_of_ones(void **state)
{
	static uint8_t buf[70001];

	(void)state;
	memset(buf, 0xff, sizeof(buf));
	assert_int_equal(wire(zs_cksum_finish(zs_cksum_raw(buf, 65535))), naive_be(buf, 65535));
	assert_int_equal(wire(zs_cksum_finish(zs_cksum_raw(buf, 70000))), naive_be(buf, 70000));
}

static void copies_and_sums(void **state)
{
	struct zs_rand r = { .key = { 3, 3 } };
	uint8_t from[1600], to[1600 + 2];

	(void)state;
	for (unsigned i = 0; i < sizeof(from); i++)
		from[i] = (uint8_t)zs_rand_u64(&r);
	for (unsigned len = 0; len <= 1500; len += len < 600 ? 1 : 37) {
		unsigned off = len % 8;

		memset(to, 0xee, sizeof(to));
		assert_int_equal(zs_cksum_copy(to + 1, from + off, len),
				 zs_cksum_raw(from + off, len));
		assert_memory_equal(to + 1, from + off, len);
		assert_int_equal(to[0], 0xee);
		assert_int_equal(to[len + 1], 0xee);
	}
}

static void pieces_at_even_and_odd_offsets(void **state)
{
	struct zs_rand r = { .key = { 2, 2 } };
	uint8_t buf[200];
	unsigned round, i;

	(void)state;
	for (round = 0; round < 2000; round++) {
		unsigned len = zs_rand_below(&r, sizeof(buf) + 1);
		unsigned cut = zs_rand_below(&r, len + 1);
		uint32_t sum;

		for (i = 0; i < len; i++)
			buf[i] = (uint8_t)zs_rand_u64(&r);
		sum = zs_cksum_raw(buf, cut);
		if (cut % 2)
			sum = zs_cksum_add_odd(sum, zs_cksum_raw(buf + cut, len - cut));
		else
			sum += zs_cksum_raw(buf + cut, len - cut);
		assert_int_equal(wire(zs_cksum_finish(sum)), naive_be(buf, len));
	}
}

static void pseudo_header_of_ip4(void **state)
{
	static const uint8_t pseudo[12] = { 10, 18, 0, 1, 10, 18, 0, 2, 0, 6, 0x12, 0x34 };
	struct zs_addr src, dst;
	uint32_t a, b;

	(void)state;
	memcpy(&a, pseudo, 4);
	memcpy(&b, pseudo + 4, 4);
	src = zs_addr_ip4(a);
	dst = zs_addr_ip4(b);
	assert_int_equal(wire(zs_cksum_finish(zs_cksum_pseudo(&src, &dst, 6, 0x1234))),
			 naive_be(pseudo, sizeof(pseudo)));
}

static void pseudo_header_of_ip6(void **state)
{
	uint8_t pseudo[40];
	struct zs_addr src, dst;
	unsigned i;

	(void)state;
	for (i = 0; i < 32; i++)
		pseudo[i] = (uint8_t)(i * 7 + 1);
	memcpy(pseudo + 32, (const uint8_t[]){ 0, 1, 2, 3, 0, 0, 0, 58 }, 8);
	memcpy(src.b, pseudo, 16);
	memcpy(dst.b, pseudo + 16, 16);
	assert_int_equal(wire(zs_cksum_finish(zs_cksum_pseudo(&src, &dst, 58, 0x00010203))),
			 naive_be(pseudo, sizeof(pseudo)));
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(rfc1071_example),
	cmocka_unit_test(any_length_and_alignment),
	cmocka_unit_test(long_runs_of_ones),
	cmocka_unit_test(copies_and_sums),
	cmocka_unit_test(pieces_at_even_and_odd_offsets),
	cmocka_unit_test(pseudo_header_of_ip4),
	cmocka_unit_test(pseudo_header_of_ip6),
};

ZS_TEST_MAIN(tests)
