/* SPDX-License-Identifier: BSD-3-Clause */
/* When requests are due: evenly at a fixed rate, at once without one, never more than the limit. */
#include "tests/zs_test.h"

#include "tools/zload/pace.h"

enum { HZ = 2450000000u };

static void a_rate_is_kept_for_a_day(void **state)
{
	const uint64_t start = 12345, day = 86400ull * HZ;
	struct pace p;
	uint64_t due;

	(void)state;
	pace_start(&p, 300000, 0, HZ, start);
	for (int i = 0; i < 300000; i++)
		assert_true(pace_take(&p, start + HZ, &due));
	assert_true(start + HZ - due < HZ / 100000);
	assert_true(pace_behind(&p, start + HZ) <= 1);
	/* 300,000 a second, to a millionth */
	assert_in_range(pace_behind(&p, start + day), 86399ull * 299999, 86399ull * 300001);
}

static void what_was_not_taken_stays_due(void **state)
{
	struct pace p;
	uint64_t due;

	(void)state;
	pace_start(&p, 1000, 0, HZ, 0);
	assert_true(pace_take(&p, 0, &due) && due == 0);
	assert_false(pace_take(&p, HZ / 1000 - 1, &due));
	assert_true(pace_take(&p, HZ, &due)); /* a second late */
	assert_true(due == HZ / 1000);
	assert_int_equal(pace_behind(&p, HZ), 999);
}

static void what_is_forgotten_is_not_due(void **state)
{
	struct pace p;
	uint64_t due;

	(void)state;
	pace_start(&p, 1000, 5, HZ, 0);
	assert_true(pace_take(&p, 0, &due));
	pace_forget(&p, HZ);
	assert_true(pace_take(&p, HZ, &due) && due == HZ);
	assert_false(pace_take(&p, HZ, &due));
	assert_int_equal(pace_behind(&p, 2ull * HZ), 3); /* of the limit */
}

static void without_a_rate_all_is_due(void **state)
{
	struct pace p;
	uint64_t due;

	(void)state;
	pace_start(&p, 0, 0, HZ, 5);
	for (uint64_t now = 5; now < 1000; now++)
		assert_true(pace_take(&p, now, &due) && due == now);
	assert_true(pace_behind(&p, 100000) == 0);
}

static void the_limit_holds(void **state)
{
	struct pace p;
	uint64_t due;

	(void)state;
	for (uint64_t rate = 0; rate <= 1000; rate += 1000) {
		pace_start(&p, rate, 3, HZ, 0);
		for (int i = 0; i < 3; i++)
			assert_true(pace_take(&p, HZ, &due));
		assert_false(pace_take(&p, HZ, &due));
		assert_true(pace_behind(&p, 2ull * HZ) == 0);
	}
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_rate_is_kept_for_a_day),
	cmocka_unit_test(what_was_not_taken_stays_due),
	cmocka_unit_test(what_is_forgotten_is_not_due),
	cmocka_unit_test(without_a_rate_all_is_due),
	cmocka_unit_test(the_limit_holds),
};

ZS_TEST_MAIN(tests)
