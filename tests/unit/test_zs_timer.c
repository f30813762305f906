/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The timer wheel: each promise of its header, and long random runs against a naive model that
 * keeps all timers in one array.
 */
#include "tests/zs_test.h"

#include "base/zs_rand.h"
#include "core/zs_timer.h"

#include <string.h>

enum { TICK_US = 1 << ZS_TICK_SHIFT, MAX_TIMERS = 64, MAX_FIRED = 4096 };

struct fixture {
	struct zs_wheel w;
	struct zs_timer t[MAX_TIMERS];
	uint64_t now;
	int fired[MAX_FIRED]; /* indices, in order */
	int n_fired;
	void (*on_fire)(struct fixture *f, int i); /* what a handler does besides */
};

/* A handler gets the stack, which this test has none of: its fixture stands in. */
static void on_fire(struct zs_stack *s, struct zs_timer *t)
{
	struct fixture *f = (struct fixture *)(void *)s;
	int i = (int)(t - f->t);

	assert_false(zs_timer_armed(t));
	assert_true(f->n_fired < MAX_FIRED);
	f->fired[f->n_fired++] = i;
	if (f->on_fire != NULL)
		f->on_fire(f, i);
}

static void start(struct fixture *f, uint64_t now)
{
	int i;

	memset(f, 0, sizeof(*f));
	f->now = now;
	zs_wheel_init(&f->w, now);
	for (i = 0; i < MAX_TIMERS; i++)
		f->t[i].fire = on_fire;
}

static void set(struct fixture *f, int i, uint64_t deadline)
{
	zs_timer_set(&f->w, &f->t[i], deadline);
}

/* How many fired. */
static int advance(struct fixture *f, uint64_t now)
{
	f->now = now;
	f->n_fired = 0;
	zs_wheel_advance(&f->w, (struct zs_stack *)(void *)f, now);
	return f->n_fired;
}

static void never_early_one_tick_late(void **state)
{
	static const uint64_t delay[] = {
		1,	 63,	  64,	    65,		1000,	    16383,	16384,	   16385,
		1000000, 4194304, 60000000, 1ull << 30, 1ull << 37, 1ull << 38, 1ull << 40
	};
	static struct fixture f;
	unsigned i, j;

	(void)state;
	for (i = 0; i < sizeof(delay) / sizeof(delay[0]); i++) {
		for (j = 0; j < 3; j++) {
			uint64_t begin = 123456789 + j * 777777, end = begin + delay[i];

			start(&f, begin);
			set(&f, 0, end);
			assert_int_equal(advance(&f, end - 1), 0);
			assert_int_equal(advance(&f, end + TICK_US - 1), 1);
			assert_int_equal(advance(&f, end + 10000000), 0);
			assert_true(zs_wheel_next(&f.w) == UINT64_MAX);
		}
	}
}

static void past_fires_at_next_advance(void **state)
{
	static struct fixture f;

	(void)state;
	start(&f, 1000000);
	set(&f, 0, 5);
	assert_true(zs_wheel_next(&f.w) <= 1000000);
	assert_int_equal(advance(&f, 1000000), 1);
	set(&f, 0, 1000000 - 1);
	assert_int_equal(advance(&f, 1000000), 1);
}

static void cancel_and_rearm(void **state)
{
	static struct fixture f;

	(void)state;
	start(&f, 0);
	zs_timer_cancel(&f.w, &f.t[0]);
	set(&f, 0, 1000);
	assert_true(zs_timer_armed(&f.t[0]));
	zs_timer_cancel(&f.w, &f.t[0]);
	zs_timer_cancel(&f.w, &f.t[0]);
	assert_false(zs_timer_armed(&f.t[0]));
	assert_int_equal(advance(&f, 2000), 0);
	set(&f, 0, 3000);
	set(&f, 0, 9000);
	assert_int_equal(f.w.count, 1);
	assert_int_equal(advance(&f, 4000), 0);
	assert_int_equal(advance(&f, 9100), 1);
	assert_int_equal(f.w.count, 0);
}

/* Set from far and from near, all for one tick: first set, first fired. */
static void one_tick_fires_in_order_of_setting(void **state)
{
	const uint64_t when = 5000000000;
	static struct fixture f;
	int i;

	(void)state;
	start(&f, 0);
	for (i = 0; i < 10; i++) {
		set(&f, i, when - (unsigned)i);
		set(&f, 20 + i, when - (2000u << i));
		advance(&f, when - (when >> (3 * i + 1)) - 1000);
	}
	assert_int_equal(advance(&f, when), 10);
	for (i = 0; i < 10; i++)
		assert_int_equal(f.fired[i], i);
}

static void ticks_fire_in_order_of_time(void **state)
{
	static struct fixture f;
	int i;

	(void)state;
	start(&f, 77);
	for (i = 0; i < 30; i++)
		set(&f, 29 - i, 100 + ((uint64_t)TICK_US << (29 - i)));
	assert_int_equal(advance(&f, 1ull << 40), 30);
	for (i = 0; i < 30; i++)
		assert_int_equal(f.fired[i], i);
}

static void rearm_self(struct fixture *f, int i)
{
	set(f, i, f->now);
}

/* A handler that sets itself for now is called once per advance, not for ever. */
static void handler_rearms_itself(void **state)
{
	static struct fixture f;

	(void)state;
	start(&f, 0);
	f.on_fire = rearm_self;
	set(&f, 0, 64);
	assert_int_equal(advance(&f, 128), 1);
	assert_int_equal(advance(&f, 128), 1);
	assert_int_equal(advance(&f, 100000), 1);
}

static void cancel_next(struct fixture *f, int i)
{
	zs_timer_cancel(&f->w, &f->t[i + 1]);
	set(f, i + 2, f->now + 1000);
}

/* Timers due in the same advance, cancelled and moved by the handler before them. */
static void handler_cancels_and_moves_due_timers(void **state)
{
	static struct fixture f;

	(void)state;
	start(&f, 0);
	f.on_fire = cancel_next;
	set(&f, 0, 640);
	set(&f, 1, 640);
	set(&f, 2, 700);
	assert_int_equal(advance(&f, 10000), 1);
	assert_int_equal(f.fired[0], 0);
	assert_false(zs_timer_armed(&f.t[1]));
	assert_int_equal(f.w.count, 1);
	f.on_fire = NULL;
	assert_int_equal(advance(&f, 11000 + TICK_US), 1);
	assert_int_equal(f.fired[0], 2);
}

/* A year without timers, then with one at its end: a handful of steps, not 5e11. */
static void idle_gap_is_cheap(void **state)
{
	const uint64_t year = 365ull * 86400 * 1000000;
	static struct fixture f;
	int i;

	(void)state;
	start(&f, 0);
	for (i = 0; i < 1000; i++) {
		uint64_t base = (uint64_t)i * year;

		set(&f, 0, base + year - 5);
		assert_int_equal(advance(&f, base + year - 6), 0);
		assert_int_equal(advance(&f, base + year + TICK_US), 1);
	}
}

/* Following zs_wheel_next() alone fires every timer in time, in few steps. */
static void next_is_never_late(void **state)
{
	struct zs_rand r = { .key = { 9, 9 } };
	static struct fixture f;
	int round, i;

	(void)state;
	for (round = 0; round < 500; round++) {
		uint64_t begin = zs_rand_u64(&r) >> 10, deadline, next;
		int steps = 0;

		start(&f, begin);
		deadline = begin + (zs_rand_u64(&r) >> (24 + zs_rand_below(&r, 36)));
		set(&f, 3, deadline);
		for (i = 4; i < 10; i++) {
			set(&f, i, begin + (zs_rand_u64(&r) >> 30));
			zs_timer_cancel(&f.w, &f.t[i]);
		}
		while (zs_timer_armed(&f.t[3])) {
			next = zs_wheel_next(&f.w);
			assert_true(next < deadline + TICK_US);
			advance(&f, next > f.now ? next : f.now);
			assert_true(++steps < 64);
		}
		assert_true(f.now >= deadline && f.now < deadline + TICK_US);
		assert_true(zs_wheel_next(&f.w) == UINT64_MAX);
	}
}

/* The model: what should fire in an advance to `now`, in order. */
struct model {
	bool armed[MAX_TIMERS];
	uint64_t tick[MAX_TIMERS];
	uint64_t order[MAX_TIMERS]; /* when set */
	uint64_t clock;
};

static int model_next(const struct model *m, uint64_t target)
{
	int i, best = -1;

	for (i = 0; i < MAX_TIMERS; i++) {
		if (!m->armed[i] || m->tick[i] > target)
			continue;
		if (best < 0 || m->tick[i] < m->tick[best] ||
		    (m->tick[i] == m->tick[best] && m->order[i] < m->order[best]))
			best = i;
	}
	return best;
}

static void model_set(struct model *m, int i, uint64_t deadline, uint64_t now)
{
	uint64_t tick = (deadline + TICK_US - 1) / TICK_US;

	m->armed[i] = true;
	m->tick[i] = tick > now / TICK_US ? tick : now / TICK_US;
	m->order[i] = m->clock++;
}

static void compare(struct fixture *f, struct model *m, uint64_t now)
{
	int i, k;

	advance(f, now);
	for (k = 0; (i = model_next(m, now / TICK_US)) >= 0; k++) {
		assert_true(k < f->n_fired);
		assert_int_equal(f->fired[k], i);
		m->armed[i] = false;
	}
	assert_int_equal(k, f->n_fired);
	for (i = 0; i < MAX_TIMERS; i++)
		assert_int_equal(m->armed[i], zs_timer_armed(&f->t[i]));
}

static void against_the_model(void **state)
{
	struct zs_rand r = { .key = { 4, 2 } };
	static struct fixture f;
	int run, step;

	(void)state;
	for (run = 0; run < 60; run++) {
		/* some runs begin just before the end of an epoch of the wheel */
		uint64_t now = run % 3 ? zs_rand_u64(&r) >> 20 : (3ull << 38) - 5000;
		unsigned range = 20 + zs_rand_below(&r, 44);
		struct model m = { .clock = 0 };

		start(&f, now);
		for (step = 0; step < 3000; step++) {
			int i = (int)zs_rand_below(&r, MAX_TIMERS);
			uint64_t delta = zs_rand_u64(&r) >> zs_rand_below(&r, 64 - 20);

			switch (zs_rand_below(&r, 8)) {
			case 0:
				zs_timer_cancel(&f.w, &f.t[i]);
				m.armed[i] = false;
				break;
			case 1:
				now += (zs_rand_u64(&r) >> 24) >> zs_rand_below(&r, 40);
				compare(&f, &m, now);
				break;
			default:
				delta >>= range;
				set(&f, i, now + delta);
				model_set(&m, i, now + delta, now);
			}
		}
		compare(&f, &m, UINT64_MAX >> 10);
		assert_int_equal(f.w.count, 0);
	}
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(never_early_one_tick_late),
	cmocka_unit_test(past_fires_at_next_advance),
	cmocka_unit_test(cancel_and_rearm),
	cmocka_unit_test(one_tick_fires_in_order_of_setting),
	cmocka_unit_test(ticks_fire_in_order_of_time),
	cmocka_unit_test(handler_rearms_itself),
	cmocka_unit_test(handler_cancels_and_moves_due_timers),
	cmocka_unit_test(idle_gap_is_cheap),
	cmocka_unit_test(next_is_never_late),
	cmocka_unit_test(against_the_model),
};

ZS_TEST_MAIN(tests)
