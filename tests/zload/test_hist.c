/* SPDX-License-Identifier: BSD-3-Clause */
/* The histogram of zload: buckets without gaps, three digits, exact ends, merging. */
#include "tests/zs_test.h"

#include <stdlib.h>
#include <string.h>

#include "tools/zload/hist.h"

static struct hist h, other;

static int empty(void **state)
{
	(void)state;
	memset(&h, 0, sizeof(h));
	memset(&other, 0, sizeof(other));
	return 0;
}

static void buckets_join_without_gap(void **state)
{
	(void)state;
	assert_true(hist_low(0) == 0);
	for (uint32_t i = 0; i < HIST_BUCKETS; i++) {
		assert_int_equal(hist_index(hist_low(i)), i);
		assert_int_equal(hist_index(hist_high(i)), i);
		if (i + 1 < HIST_BUCKETS)
			assert_true(hist_high(i) + 1 == hist_low(i + 1));
	}
}

static void buckets_keep_three_digits(void **state)
{
	(void)state;
	for (uint32_t i = 0; i + 1 < HIST_BUCKETS; i++)
		assert_true((hist_high(i) - hist_low(i)) * HIST_SUB <= hist_low(i));
}

static void small_values_are_exact(void **state)
{
	(void)state;
	for (uint64_t v = 0; v < 2 * HIST_SUB; v++)
		assert_true(hist_low(hist_index(v)) == v && hist_high(hist_index(v)) == v);
}

static void hours_fit_and_more_does_no_harm(void **state)
{
	const uint64_t hours9 = 9ull * 3600 * 1000000000;

	(void)state;
	assert_true(hist_high(hist_index(hours9)) - hours9 < hours9 / 1000);
	assert_int_equal(hist_index(UINT64_MAX), HIST_BUCKETS - 1);
	hist_record(&h, UINT64_MAX);
	assert_true(hist_percentile(&h, 50) == UINT64_MAX);
}

static void nothing_recorded_gives_zero(void **state)
{
	(void)state;
	assert_true(hist_percentile(&h, 50) == 0);
	assert_true(hist_mean(&h) == 0);
}

static void one_value_is_every_percentile(void **state)
{
	(void)state;
	hist_record(&h, 1234567);
	for (int p = 0; p <= 100; p++)
		assert_true(hist_percentile(&h, p) == 1234567);
	assert_true(h.min == 1234567 && h.max == 1234567 && hist_mean(&h) == 1234567);
}

static void percentiles_of_1_to_1000(void **state)
{
	(void)state;
	for (uint64_t v = 1000; v > 0; v--)
		hist_record(&h, v);
	assert_true(hist_percentile(&h, 0) == 1);
	assert_true(hist_percentile(&h, 50) == 500);
	assert_true(hist_percentile(&h, 90) == 900);
	assert_true(hist_percentile(&h, 99.9) == 999);
	assert_true(hist_percentile(&h, 99.91) == 1000);
	assert_true(hist_percentile(&h, 100) == 1000);
	assert_true(h.count == 1000 && hist_mean(&h) == 500.5);
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Against sorted values over eleven orders of magnitude. */
static void percentiles_have_three_digits(void **state)
{
	static uint64_t v[10000];
	const double percent[] = { 1, 10, 50, 90, 99, 99.9, 99.99 };
	uint64_t x = 1;

	(void)state;
	for (int i = 0; i < 10000; i++) {
		x = x * 6364136223846793005ull + 1442695040888963407ull;
		v[i] = (x >> 20) >> (x >> 58) % 40;
		hist_record(&h, v[i]);
	}
	qsort(v, 10000, sizeof(v[0]), by_value);
	for (int i = 0; i < 7; i++) {
		uint64_t want = v[(int)(percent[i] * 100 + 0.5) - 1];
		uint64_t got = hist_percentile(&h, percent[i]);

		assert_true(got >= want && got - want <= want / HIST_SUB);
	}
}

static void merging_is_recording_both(void **state)
{
	static struct hist all;

	(void)state;
	for (uint64_t v = 1; v < 1000000; v += v / 7 + 1) {
		hist_record(v % 2 ? &h : &other, v);
		hist_record(&all, v);
	}
	hist_merge(&h, &other);
	assert_memory_equal(&h, &all, sizeof(h));
	memset(&other, 0, sizeof(other));
	hist_merge(&h, &other); /* of nothing */
	assert_memory_equal(&h, &all, sizeof(h));
	hist_merge(&other, &h); /* into nothing */
	assert_memory_equal(&other, &all, sizeof(h));
}

static void clearing_leaves_nothing(void **state)
{
	(void)state;
	hist_clear(&h);
	hist_record(&h, 5);
	hist_record(&h, 5000000000);
	hist_clear(&h);
	assert_memory_equal(&h, &other, sizeof(h));
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test_setup(buckets_join_without_gap, empty),
	cmocka_unit_test_setup(buckets_keep_three_digits, empty),
	cmocka_unit_test_setup(small_values_are_exact, empty),
	cmocka_unit_test_setup(hours_fit_and_more_does_no_harm, empty),
	cmocka_unit_test_setup(nothing_recorded_gives_zero, empty),
	cmocka_unit_test_setup(one_value_is_every_percentile, empty),
	cmocka_unit_test_setup(percentiles_of_1_to_1000, empty),
	cmocka_unit_test_setup(percentiles_have_three_digits, empty),
	cmocka_unit_test_setup(merging_is_recording_both, empty),
	cmocka_unit_test_setup(clearing_leaves_nothing, empty),
};

ZS_TEST_MAIN(tests)
