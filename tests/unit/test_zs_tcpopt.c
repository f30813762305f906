/* SPDX-License-Identifier: BSD-3-Clause */
/* TCP options: what is written is read back, and no bytes make the parser read outside. */
#include "tests/zs_test.h"

#include "base/zs_rand.h"
#include "wire/zs_tcpopt.h"

#include <stdlib.h>
#include <string.h>

/* Parses from a heap block of exactly len bytes, so that a sanitizer sees any read beyond. */
static bool parse_exact(struct zs_tcpopt *o, const uint8_t *p, unsigned len)
{
	uint8_t *copy = malloc(len > 0 ? len : 1);
	bool ok;

	assert_non_null(copy);
	memcpy(copy, p, len);
	ok = zs_tcpopt_parse(o, len > 0 ? copy : copy + 1, len);
	if (o->n_sack > 0) { /* point into p instead of the copy */
		assert_true(o->sack >= copy && o->sack + o->n_sack * 8 <= copy + len);
		o->sack = p + (o->sack - copy);
	}
	free(copy);
	return ok;
}

static void no_options(void **state)
{
	struct zs_tcpopt o;

	(void)state;
	memset(&o, 0xff, sizeof(o));
	assert_true(parse_exact(&o, (const uint8_t *)"", 0));
	assert_true(!o.has_ts && !o.has_wscale && !o.sack_perm && o.mss == 0 && o.n_sack == 0);
}

static void every_kind(void **state)
{
	static const uint8_t p[] = { 2, 4, 0x05, 0xb4, 4, 2, 8, 10, 1, 2,
				     3, 4, 5,	 6,    7, 8, 1, 3,  3, 7 };
	struct zs_tcpopt o;

	(void)state;
	assert_true(parse_exact(&o, p, sizeof(p)));
	assert_int_equal(o.mss, 1460);
	assert_true(o.sack_perm && o.has_ts && o.has_wscale);
	assert_int_equal(o.ts_val, 0x01020304);
	assert_int_equal(o.ts_ecr, 0x05060708);
	assert_int_equal(o.wscale, 7);
}

/* RFC 9293 MUST-6: skip by length. */
static void unknown_kinds_are_skipped(void **state)
{
	static const uint8_t p[] = { 253, 5, 1, 2, 3, 30, 2, 2, 4, 0x02, 0x18 };
	struct zs_tcpopt o;

	(void)state;
	assert_true(parse_exact(&o, p, sizeof(p)));
	assert_int_equal(o.mss, 536);
}

static void nothing_after_the_end(void **state)
{
	static const uint8_t p[] = { 1, 0, 2, 4, 0x05, 0xb4 };
	struct zs_tcpopt o;

	(void)state;
	assert_true(parse_exact(&o, p, sizeof(p)));
	assert_int_equal(o.mss, 0);
}

/* RFC 7323 2.3 */
static void large_window_scale_is_14(void **state)
{
	static const uint8_t p[] = { 3, 3, 200 };
	struct zs_tcpopt o;

	(void)state;
	assert_true(parse_exact(&o, p, sizeof(p)));
	assert_int_equal(o.wscale, 14);
}

static void malformed_stops_and_keeps_the_rest(void **state)
{
	static const struct {
		uint8_t b[12];
		unsigned len;
	} bad[] = {
		{ { 2, 4, 1, 1, 2 }, 5 },	    /* kind without length */
		{ { 2, 4, 1, 1, 99, 0 }, 6 },	    /* length 0 */
		{ { 2, 4, 1, 1, 99, 1, 4, 2 }, 8 }, /* length 1 */
		{ { 2, 4, 1, 1, 99, 5, 4, 2 }, 8 }, /* beyond the end */
	};
	struct zs_tcpopt o;
	unsigned i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_false(parse_exact(&o, bad[i].b, bad[i].len));
		assert_int_equal(o.mss, 0x101);
		assert_true(!o.has_wscale && !o.has_ts && !o.sack_perm && o.n_sack == 0);
	}
}

/* A known kind of another length is as good as an unknown one: what follows counts. */
static void other_lengths_are_skipped(void **state)
{
	static const uint8_t other[][8] = {
		{ 3, 4, 7, 1 },	      /* window scale */
		{ 8, 4, 7, 1 },	      /* timestamps */
		{ 5, 2 },	      /* SACK without a block */
		{ 5, 6, 1, 1, 1, 1 }, /* of half a block */
		{ 4, 3, 1 },	      /* SACK-permitted */
		{ 2, 2 },	      /* MSS */
		{ 2, 8, 9, 9, 9, 9, 9, 9 },
	};
	struct zs_tcpopt o;

	(void)state;
	for (unsigned i = 0; i < sizeof(other) / sizeof(other[0]); i++) {
		static const uint8_t mss[] = { 2, 4, 1, 1 };
		uint8_t p[12];
		unsigned len = other[i][1];

		memcpy(p, other[i], len);
		memcpy(p + len, mss, sizeof(mss));
		assert_true(parse_exact(&o, p, len + sizeof(mss)));
		assert_int_equal(o.mss, 0x101);
		assert_true(!o.has_wscale && !o.has_ts && !o.sack_perm && o.n_sack == 0);
	}
}

/* All inputs of up to 3 bytes, and of 4 over the values that matter. */
static void all_small_inputs(void **state)
{
	static const uint8_t some[] = { 0, 1, 2, 3, 4, 5, 6, 8, 10, 18, 34, 40, 255 };
	const unsigned n = sizeof(some);
	struct zs_tcpopt o;
	uint32_t v;
	uint8_t p[4];

	(void)state;
	for (v = 0; v < 1u << 16; v++) {
		p[0] = (uint8_t)v;
		p[1] = (uint8_t)(v >> 8);
		parse_exact(&o, p, 1);
		parse_exact(&o, p, 2);
	}
	for (v = 0; v < n * n * n * n; v++) {
		p[0] = some[v % n];
		p[1] = some[v / n % n];
		p[2] = some[v / n / n % n];
		p[3] = some[v / n / n / n];
		parse_exact(&o, p, 3);
		parse_exact(&o, p, 4);
	}
}

static void random_inputs(void **state)
{
	struct zs_rand r = { .key = { 5, 6 } };
	unsigned round, i;

	(void)state;
	for (round = 0; round < 200000; round++) {
		unsigned len = zs_rand_below(&r, ZS_TCPOPT_MAX + 1);
		uint8_t p[ZS_TCPOPT_MAX];
		struct zs_tcpopt o;

		for (i = 0; i < len; i++)
			p[i] = (uint8_t)zs_rand_below(&r, round % 2 ? 256 : 12);
		parse_exact(&o, p, len);
		assert_in_range(o.n_sack, 0, ZS_MAX_SACK);
		assert_in_range(o.wscale, 0, ZS_WSCALE_MAX);
	}
}

static void syn_round_trip(void **state)
{
	unsigned mask;

	(void)state;
	for (mask = 0; mask < 16; mask++) {
		struct zs_tcpopt in = {
			.mss = mask & 1 ? 1460 : 0,
			.sack_perm = mask & 2,
			.has_ts = mask & 4,
			.ts_val = mask & 4 ? 0xdeadbeef : 0,
			.ts_ecr = mask & 4 ? 0x01020304 : 0,
			.has_wscale = mask & 8,
			.wscale = mask & 8 ? 9 : 0,
		};
		uint8_t p[ZS_TCPOPT_MAX];
		struct zs_tcpopt out;
		unsigned len = zs_tcpopt_write_syn(p, &in);

		assert_int_equal(len % 4, 0);
		assert_in_range(len, 0, 20);
		assert_true(parse_exact(&out, p, len));
		assert_int_equal(out.mss, in.mss);
		assert_int_equal(out.sack_perm, in.sack_perm);
		assert_int_equal(out.has_ts, in.has_ts);
		assert_int_equal(out.ts_val, in.ts_val);
		assert_int_equal(out.ts_ecr, in.ts_ecr);
		assert_int_equal(out.has_wscale, in.has_wscale);
		assert_int_equal(out.wscale, in.wscale);
	}
}

static void ts_and_sack_fill_forty_bytes(void **state)
{
	static const struct zs_sack_block blocks[4] = {
		{ 0xfffffff0, 0x10 }, { 0x100, 0x200 }, { 0x300, 0x400 }, { 0x500, 0x600 }
	};
	uint8_t p[ZS_TCPOPT_MAX];
	struct zs_tcpopt o;
	unsigned n, i, len;

	(void)state;
	for (n = 1; n <= 3; n++) {
		len = zs_tcpopt_write_ts(p, 77, 88);
		assert_int_equal(len, 12);
		len += zs_tcpopt_write_sack(p + len, blocks, n);
		assert_int_equal(len, 16 + 8 * n);
		assert_true(parse_exact(&o, p, len));
		assert_true(o.has_ts && o.ts_val == 77 && o.ts_ecr == 88);
		assert_int_equal(o.n_sack, n);
		for (i = 0; i < n; i++) {
			assert_int_equal(zs_tcpopt_sack(o.sack, i).left, blocks[i].left);
			assert_int_equal(zs_tcpopt_sack(o.sack, i).right, blocks[i].right);
		}
	}
	assert_int_equal(zs_tcpopt_write_sack(p, blocks, 4), 36);
	assert_true(parse_exact(&o, p, 36));
	assert_int_equal(o.n_sack, 4);
}

/* RFC 7413 4.1.1: 4 to 16 bytes, an even number, or none: a request. Kind 254 with its number (RFC
 * 6994). */
static void fast_open_cookies(void **state)
{
	static const struct {
		uint8_t bytes[24];
		uint8_t want; /* zs_tcpopt.fastopen */
	} v[] = {
		{ { 34, 2 }, ZS_TFO_PRESENT },
		{ { 34, 3, 1 }, 0 },
		{ { 34, 4, 1, 2 }, 0 },
		{ { 34, 6, 1, 2, 3, 4 }, ZS_TFO_PRESENT | 4 },
		{ { 34, 7, 1, 2, 3, 4, 5 }, 0 },
		{ { 34, 18 }, ZS_TFO_PRESENT | 16 },
		{ { 34, 20 }, 0 },
		{ { 254, 4, 0xf9, 0x89 }, ZS_TFO_PRESENT | ZS_TFO_EXP },
		{ { 254, 8, 0xf9, 0x89, 1, 2, 3, 4 }, ZS_TFO_PRESENT | ZS_TFO_EXP | 4 },
		{ { 254, 8, 0xf9, 0x88, 1, 2, 3, 4 }, 0 },
		{ { 254, 3, 0xf9 }, 0 },
	};
	struct zs_tcpopt o;

	(void)state;
	for (unsigned i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		assert_true(parse_exact(&o, v[i].bytes, v[i].bytes[1]));
		assert_int_equal(o.fastopen, v[i].want);
	}
}

static void fast_open_round_trip(void **state)
{
	static const uint8_t cookie[16] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 };
	struct zs_tcpopt in = { .mss = 1460, .has_ts = true, .sack_perm = true, .cookie = cookie };
	struct zs_tcpopt out;
	uint8_t p[ZS_TCPOPT_MAX];
	unsigned len;

	(void)state;
	for (unsigned exp = 0; exp < 2; exp++)
		for (unsigned n = 0; n <= 16; n += n == 0 ? 4 : 2) {
			in.fastopen = (uint8_t)(n | ZS_TFO_PRESENT | (exp ? ZS_TFO_EXP : 0));
			len = zs_tcpopt_write_syn(p, &in);
			assert_true(len <= ZS_TCPOPT_MAX && len % 4 == 0);
			assert_true(parse_exact(&out, p, len));
			assert_int_equal(out.fastopen, in.fastopen);
			assert_memory_equal(out.cookie, cookie, n);
		}
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(no_options),
	cmocka_unit_test(every_kind),
	cmocka_unit_test(unknown_kinds_are_skipped),
	cmocka_unit_test(nothing_after_the_end),
	cmocka_unit_test(large_window_scale_is_14),
	cmocka_unit_test(malformed_stops_and_keeps_the_rest),
	cmocka_unit_test(other_lengths_are_skipped),
	cmocka_unit_test(all_small_inputs),
	cmocka_unit_test(random_inputs),
	cmocka_unit_test(syn_round_trip),
	cmocka_unit_test(ts_and_sack_fill_forty_bytes),
	cmocka_unit_test(fast_open_cookies),
	cmocka_unit_test(fast_open_round_trip),
};

ZS_TEST_MAIN(tests)
