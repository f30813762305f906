/* SPDX-License-Identifier: BSD-3-Clause */
/* The generator: the same for the same seed, within bounds, and even. */
#include "tests/zs_test.h"

#include "base/zs_rand.h"

static void same_seed_same_numbers(void **state)
{
	struct zs_rand a = { .key = { 1, 2 } }, b = { .key = { 1, 2 } }, c = { .key = { 1, 3 } };
	unsigned i, same = 0;

	(void)state;
	for (i = 0; i < 100; i++) {
		uint64_t x = zs_rand_u64(&a);

		assert_true(x == zs_rand_u64(&b));
		same += x == zs_rand_u64(&c);
	}
	assert_int_equal(same, 0);
}

static void numbers_differ(void **state)
{
	struct zs_rand r = { .key = { 7, 8 } };
	uint64_t last = zs_rand_u64(&r);
	unsigned i;

	(void)state;
	for (i = 0; i < 1000; i++) {
		uint64_t x = zs_rand_u64(&r);

		assert_true(x != last);
		last = x;
	}
}

static void below_is_below_and_even(void **state)
{
	struct zs_rand r = { .key = { 3, 4 } };
	unsigned count[10] = { 0 }, i;

	(void)state;
	for (i = 0; i < 10000; i++) {
		uint32_t x = zs_rand_below(&r, 10);

		assert_in_range(x, 0, 9);
		count[x]++;
	}
	for (i = 0; i < 10; i++)
		assert_in_range(count[i], 850, 1150);
	for (i = 0; i < 100; i++)
		assert_int_equal(zs_rand_below(&r, 1), 0);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(same_seed_same_numbers),
	cmocka_unit_test(numbers_differ),
	cmocka_unit_test(below_is_below_and_even),
};

ZS_TEST_MAIN(tests)
