/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * When an lcore sleeps and what ends it. A net_ring device with one queue: lcore 0 polls it and can
 * only nap; lcore 1 has no queue, and sleeps until it is woken. Both are driven by this thread.
 */
#include "tests/zs_test.h"

#include <poll.h>
#include <sched.h>
#include <signal.h>

#include <rte_cycles.h>
#include <rte_eth_ring.h>
#include <rte_ring.h>

#include "port/dpdk/zs_dpdk_state.h"

enum { FAR_US = 1000000, SLACK_US = 50000 /* a crowded machine */ };

static struct world {
	struct rte_ring *to_port, *from_port;
	struct zs_dpdk_config cfg;
	struct zs_dpdk *d;
	struct zs_lcore *lc[2];
} w;

static int make_device(void *arg)
{
	int flags = RING_F_SP_ENQ | RING_F_SC_DEQ;

	(void)arg;
	w.to_port = rte_ring_create("to_port", 256, SOCKET_ID_ANY, (unsigned)flags);
	w.from_port = rte_ring_create("from_port", 256, SOCKET_ID_ANY, (unsigned)flags);
	if (w.to_port == NULL || w.from_port == NULL)
		return -1;
	return rte_eth_from_rings("test", &w.to_port, 1, &w.from_port, 1, 0) < 0 ? -1 : 0;
}

static void nothing(struct zs_lcore *lc, void *arg)
{
	(void)lc;
	(void)arg;
}

static int setup(void **state)
{
	(void)state;
	zs_dpdk_config_defaults(&w.cfg);
	w.cfg.prog = "test_zs_idle";
	w.cfg.huge = ZS_HUGE_OFF;
	w.cfg.eal_args = "--lcores=0@0,1@0";
	w.cfg.n_pkt = w.cfg.n_hdr = 4096;
	w.cfg.n_big = 64;
	w.cfg.mem_mb = 256;
	w.cfg.close_ms = 1;
	w.cfg.port[0].n_rxd = w.cfg.port[0].n_txd = 64;
	w.cfg.stack.max_conns = w.cfg.stack.max_half_open = w.cfg.stack.max_time_wait = 64;
	w.cfg.on_eal = make_device;
	if (zs_dpdk_init(&w.d, &w.cfg) < 0 || zs_dpdk_n_lcores(w.d) != 2)
		return -1;
	w.lc[0] = zs_dpdk_lcore(w.d, 0);
	w.lc[1] = zs_dpdk_lcore(w.d, 1);
	zs_dpdk_run(w.d, nothing, NULL); /* from here on each lcore has its own queues */
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	zs_dpdk_fini(w.d);
	return 0;
}

static void turn(struct zs_lcore *lc)
{
	(void)zs_lcore_turn(lc);
	zs_lcore_flush(lc);
}

static struct zs_lcore_stats stats(const struct zs_lcore *lc)
{
	struct zs_lcore_stats st;

	zs_lcore_get_stats(lc, &st);
	return st;
}

static uint64_t now_us(void)
{
	return zs_lcore_clock_us(w.lc[0]);
}

/* An lcore that has just had work, in this mode. */
static struct zs_lcore *begin(int i, enum zs_idle_mode mode)
{
	struct zs_lcore *lc = w.lc[i];

	lc->idle.mode = mode;
	lc->idle.state = ZS_AWAKE;
	*lc->idle.need_wakeup = false;
	lc->idle.spin_us = mode == ZS_IDLE_POWERSAVE ? 0 : 50;
	turn(lc);
	turn(lc); /* what starting has left is over */
	zs_lcore_mark_busy(lc);
	turn(lc);
	zs_lcore_reset_stats(lc);
	return lc;
}

/* Until it has slept; false: not within that time. Its next turn is not begun. */
static bool sleeps_within(struct zs_lcore *lc, uint64_t us, uint64_t until_us)
{
	uint64_t end = now_us() + us;

	while (now_us() < end) {
		turn(lc);
		zs_lcore_idle(lc, until_us);
		if (stats(lc).sleeps > 0)
			return true;
	}
	return false;
}

static void test_poll_never_sleeps(void **state)
{
	struct zs_lcore *lc = begin(0, ZS_IDLE_POLL);

	(void)state;
	assert_false(sleeps_within(lc, 5000, UINT64_MAX));
}

static uint64_t first_yield_us; /* after the last work */

/* In place of the C library's. */
int sched_yield(void)
{
	const struct zs_lcore *lc = w.lc[0];

	if (first_yield_us == 0)
		first_yield_us = (lc->mark_tsc - lc->work_tsc) / lc->idle.us_tsc;
	return 0;
}

/* Who shares its core with somebody, of however low a priority, gets it back after a tick. */
static void test_who_polls_lends_the_core_after_a_while_only(void **state)
{
	struct zs_lcore *lc = begin(0, ZS_IDLE_POLL);

	(void)state;
	first_yield_us = 0;
	assert_false(sleeps_within(lc, 5000, UINT64_MAX));
	assert_true(first_yield_us >= 20);
}

static void test_adaptive_polls_for_a_while_first(void **state)
{
	struct zs_lcore *lc = begin(0, ZS_IDLE_ADAPTIVE);
	uint64_t work = lc->work_tsc;

	(void)state;
	assert_true(sleeps_within(lc, FAR_US, UINT64_MAX));
	assert_true(rte_rdtsc() - work >= 50 * lc->stats.tsc_hz / 1000000);
	assert_true(stats(lc).slept_cycles > 0);
	assert_true(stats(lc).slept_cycles < stats(lc).total_cycles);
}

static void test_powersave_sleeps_at_once(void **state)
{
	struct zs_lcore *lc = begin(0, ZS_IDLE_POWERSAVE);

	(void)state;
	zs_lcore_idle(lc, UINT64_MAX);
	assert_int_equal(stats(lc).sleeps, 1);
	turn(lc);
	assert_int_equal(stats(lc).wakes_timer, 1);
	assert_int_equal(stats(lc).wakes_packet, 0);
}

static void test_a_busy_turn_does_not_end_in_sleep(void **state)
{
	struct zs_lcore *lc = begin(0, ZS_IDLE_POWERSAVE);

	(void)state;
	turn(lc);
	zs_lcore_mark_busy(lc);
	zs_lcore_idle(lc, UINT64_MAX);
	assert_int_equal(stats(lc).sleeps, 0);
}

static void test_naps_grow_with_the_silence(void **state)
{
	struct zs_lcore *lc = begin(0, ZS_IDLE_POWERSAVE);
	uint64_t hz = lc->stats.tsc_hz;

	(void)state;
	lc->work_tsc = rte_rdtsc() - hz / 1000 * 16; /* 16 ms, so 2 ms */
	zs_lcore_idle(lc, UINT64_MAX);
	assert_true(stats(lc).slept_cycles >= hz / 1000 * 2);
	zs_lcore_reset_stats(lc);
	lc->idle.sleep_us = 100; /* as configured */
	turn(lc);
	zs_lcore_idle(lc, UINT64_MAX);
	lc->idle.sleep_us = 0;
	assert_in_range(stats(lc).slept_cycles, hz / 10000, hz / 10000 + SLACK_US * (hz / 1000000));
}

static void test_deadlines_are_kept(void **state)
{
	uint64_t us[] = { 300, 3000, 30000 };

	(void)state;
	for (int i = 0; i < 2; i++) {
		for (unsigned k = 0; k < RTE_DIM(us); k++) {
			struct zs_lcore *lc = begin(i, ZS_IDLE_POWERSAVE);
			uint64_t until = now_us() + us[k];

			lc->work_tsc -= lc->stats.tsc_hz; /* the nap would be 10 ms */
			while (now_us() < until) {
				turn(lc);
				zs_lcore_idle(lc, until);
			}
			assert_true(now_us() < until + SLACK_US);
			assert_true(stats(lc).sleeps >= 1);
			assert_true(stats(lc).sleeps <= us[k] / 10000 + 1 + i);
		}
	}
}

/* Before a machine's own sleep gets deep. The least of some: a crowded machine prolongs them. */
static void test_adaptive_turns_over_in_its_sleep(void **state)
{
	struct zs_lcore *lc = begin(1, ZS_IDLE_ADAPTIVE);
	uint64_t least = UINT64_MAX;

	(void)state;
	for (int i = 0; i < 10; i++) {
		zs_lcore_reset_stats(lc);
		assert_true(sleeps_within(lc, FAR_US, UINT64_MAX));
		least = RTE_MIN(least, stats(lc).slept_cycles);
	}
	assert_in_range(least, 0, 4000 * lc->idle.us_tsc);
}

static bool rung(const struct zs_lcore *lc)
{
	struct pollfd fd = { .fd = lc->idle.event, .events = POLLIN };

	return poll(&fd, 1, 0) == 1;
}

/* As another lcore does. */
static void rouse(const struct zs_lcore *lc)
{
	const struct zs_box box = { .event = lc->idle.event, .need_wakeup = lc->idle.need_wakeup };

	zs_idle_wake(&box);
}

static void test_who_is_awake_is_not_rung_for(void **state)
{
	struct zs_lcore *lc = begin(1, ZS_IDLE_ADAPTIVE);

	(void)state;
	rouse(lc);
	assert_false(rung(lc));
}

static void test_a_sleeper_is_woken_once(void **state)
{
	struct zs_lcore *lc = begin(1, ZS_IDLE_POWERSAVE);
	uint64_t before;

	(void)state;
	zs_lcore_idle(lc, UINT64_MAX); /* ready to sleep, and has one more turn first */
	assert_int_equal(stats(lc).sleeps, 0);
	assert_int_equal(lc->idle.state, ZS_ARMED);
	turn(lc);
	rouse(lc);
	assert_true(rung(lc));
	before = now_us();
	zs_lcore_idle(lc, UINT64_MAX);
	assert_true(now_us() - before < SLACK_US);
	assert_int_equal(stats(lc).sleeps, 1);
	assert_false(rung(lc));
	turn(lc);
	assert_int_equal(stats(lc).wakes_packet, 1);
	assert_int_equal(lc->idle.state, ZS_AWAKE);
	rouse(lc);
	assert_false(rung(lc));
}

static void test_work_found_after_arming_keeps_it_awake(void **state)
{
	struct zs_lcore *lc = begin(1, ZS_IDLE_POWERSAVE);

	(void)state;
	zs_lcore_idle(lc, UINT64_MAX);
	assert_int_equal(lc->idle.state, ZS_ARMED);
	(void)zs_lcore_turn(lc);
	zs_lcore_mark_busy(lc);
	zs_idle_turned(lc);
	assert_int_equal(lc->idle.state, ZS_AWAKE);
	assert_false(*lc->idle.need_wakeup);
	zs_lcore_idle(lc, UINT64_MAX);
	assert_int_equal(stats(lc).sleeps, 0);
}

static void test_wake_ups_that_come_soon_lengthen_the_polling(void **state)
{
	struct zs_lcore *lc = begin(0, ZS_IDLE_ADAPTIVE);

	(void)state;
	for (int i = 0; i < 4; i++) {
		lc->idle.state = ZS_WOKEN;
		lc->worked = true;
		lc->work_tsc = lc->mark_tsc;
		zs_idle_turned(lc);
	}
	assert_int_equal(lc->idle.spin_us, 200);
	for (int i = 0; i < 4; i++) {
		lc->idle.state = ZS_WOKEN;
		lc->worked = true;
		lc->work_tsc = lc->mark_tsc - lc->stats.tsc_hz;
		zs_idle_turned(lc);
	}
	assert_int_equal(lc->idle.spin_us, 50);
	assert_int_equal(stats(lc).wakes_packet, 8);
}

static void test_all_are_woken(void **state)
{
	struct zs_lcore *lc = begin(1, ZS_IDLE_POWERSAVE);
	uint64_t before;

	(void)state;
	zs_lcore_idle(lc, UINT64_MAX);
	turn(lc);
	zs_dpdk_wake(w.d);
	before = now_us();
	zs_lcore_idle(lc, UINT64_MAX);
	assert_true(now_us() - before < SLACK_US);
	turn(lc);
}

/* ---- the descriptor ---- */

static bool readable(struct zs_lcore *lc, int wait_ms)
{
	struct pollfd fd = { .fd = zs_lcore_fd(lc), .events = POLLIN };

	return poll(&fd, 1, wait_ms) == 1;
}

static void test_descriptor_tells_when_a_turn_is_due(void **state)
{
	struct zs_lcore *lc = begin(1, ZS_IDLE_POWERSAVE);
	int fd = zs_lcore_fd(lc);
	uint64_t at;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(zs_lcore_fd(lc), fd);
	assert_true(readable(lc, 0)); /* nobody has had a turn yet */
	turn(lc);
	zs_lcore_fd_arm(lc);
	assert_false(readable(lc, 0));
	rouse(lc);
	assert_true(readable(lc, 0));
	assert_true(readable(lc, 0)); /* until there was a turn */
	zs_lcore_fd_arm(lc);
	assert_false(readable(lc, 0));
	at = now_us() + 5000;
	zs_lcore_fd_at(lc, at);
	zs_lcore_fd_at(lc, at + 100000); /* not later than was said */
	assert_true(readable(lc, 90));
	assert_in_range(now_us(), at, at + SLACK_US);
	zs_lcore_fd_arm(lc);
	assert_false(readable(lc, 0));
	zs_lcore_fd_at(lc, 0);
	assert_true(readable(lc, 0));
	zs_lcore_fd_arm(lc);
	zs_lcore_mark_busy(lc);
	zs_lcore_flush(lc); /* a call has left something */
	assert_true(readable(lc, 0));
}

/* Without interrupts it cannot know, so it becomes readable by itself. */
static void test_descriptor_of_a_polled_device_ticks(void **state)
{
	struct zs_lcore *lc = begin(0, ZS_IDLE_ADAPTIVE);

	(void)state;
	(void)zs_lcore_fd(lc);
	zs_lcore_fd_arm(lc);
	assert_true(readable(lc, 1000));
}

/* ---- the end: last, for it lasts ---- */

static void test_a_signal_ends_the_sleep(void **state)
{
	struct zs_lcore *lc = begin(1, ZS_IDLE_POWERSAVE);
	uint64_t before;

	(void)state;
	zs_lcore_idle(lc, UINT64_MAX);
	turn(lc);
	raise(SIGTERM); /* just before it falls asleep */
	assert_int_equal(lc->idle.state, ZS_ARMED);
	before = now_us();
	zs_idle_sleep(lc, before, UINT64_MAX);
	assert_true(now_us() - before < SLACK_US);
	assert_true(zs_dpdk_stopping(w.d));
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_poll_never_sleeps),
	cmocka_unit_test(test_who_polls_lends_the_core_after_a_while_only),
	cmocka_unit_test(test_adaptive_polls_for_a_while_first),
	cmocka_unit_test(test_powersave_sleeps_at_once),
	cmocka_unit_test(test_a_busy_turn_does_not_end_in_sleep),
	cmocka_unit_test(test_naps_grow_with_the_silence),
	cmocka_unit_test(test_deadlines_are_kept),
	cmocka_unit_test(test_who_is_awake_is_not_rung_for),
	cmocka_unit_test(test_adaptive_turns_over_in_its_sleep),
	cmocka_unit_test(test_a_sleeper_is_woken_once),
	cmocka_unit_test(test_work_found_after_arming_keeps_it_awake),
	cmocka_unit_test(test_wake_ups_that_come_soon_lengthen_the_polling),
	cmocka_unit_test(test_all_are_woken),
	cmocka_unit_test(test_descriptor_tells_when_a_turn_is_due),
	cmocka_unit_test(test_descriptor_of_a_polled_device_ticks),
	cmocka_unit_test(test_a_signal_ends_the_sleep),
};

int main(void)
{
	return cmocka_run_group_tests(tests, setup, teardown);
}
