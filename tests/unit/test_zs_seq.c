/* SPDX-License-Identifier: BSD-3-Clause */
/* Sequence arithmetic: order and membership across the wrap at 2^32. */
#include "tests/zs_test.h"

#include "base/zs_seq.h"

static void order_near_any_number(void **state)
{
	static const uint32_t start[] = { 0, 1, 0x7fffffff, 0x80000000, 0xfffffff0, 0xffffffff };
	unsigned i;

	(void)state;
	for (i = 0; i < sizeof(start) / sizeof(start[0]); i++) {
		uint32_t a = start[i], b = a + 100, c = a + 0x7fffffff;

		assert_true(zs_seq_lt(a, b) && zs_seq_leq(a, b) && zs_seq_gt(b, a) &&
			    zs_seq_geq(b, a));
		assert_false(zs_seq_lt(b, a) || zs_seq_leq(b, a) || zs_seq_gt(a, b) ||
			     zs_seq_geq(a, b));
		assert_true(zs_seq_lt(a, c));
	}
}

static void equal_is_neither_less_nor_greater(void **state)
{
	(void)state;
	assert_false(zs_seq_lt(5, 5) || zs_seq_gt(5, 5));
	assert_true(zs_seq_leq(5, 5) && zs_seq_geq(5, 5));
}

static void membership(void **state)
{
	(void)state;
	assert_true(zs_seq_in(0xfffffffe, 0xfffffffe, 4));
	assert_true(zs_seq_in(1, 0xfffffffe, 4));
	assert_false(zs_seq_in(2, 0xfffffffe, 4));
	assert_false(zs_seq_in(0xfffffffd, 0xfffffffe, 4));
	assert_false(zs_seq_in(7, 7, 0));
}

static void max_and_min(void **state)
{
	(void)state;
	assert_int_equal(zs_seq_max(0xffffffff, 3), 3);
	assert_int_equal(zs_seq_max(3, 0xffffffff), 3);
	assert_int_equal(zs_seq_min(0xffffffff, 3), 0xffffffff);
	assert_int_equal(zs_seq_min(3, 0xffffffff), 0xffffffff);
	assert_int_equal(zs_seq_max(9, 9), 9);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(order_near_any_number),
	cmocka_unit_test(equal_is_neither_less_nor_greater),
	cmocka_unit_test(membership),
	cmocka_unit_test(max_and_min),
};

ZS_TEST_MAIN(tests)
