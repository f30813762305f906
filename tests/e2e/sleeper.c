/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Has nothing to do but a timer every 10 ms, and says how far it was off, each time from the last.
 *
 *	sleeper [--conf config.ini]
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <ff_api.h>
#include <ff_event.h>
#include <zstack.h>

enum { PERIOD_US = 10000, TIMES = 100, QUIET_US = 300000 };

static int kq, n;
static int64_t off_us[TIMES], last_us;

static int64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static int by_value(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* The timer is made late, in the middle of a turn, when the loop has been asleep already. */
static void start_timer(void)
{
	static struct kevent timer;

	EV_SET(&timer, 1, EVFILT_TIMER, EV_ADD, 0, PERIOD_US / 1000, NULL);
	last_us = now_us();
	if (ff_kevent(kq, &timer, 1, NULL, 0, NULL) < 0)
		exit(1);
}

static int loop(void *arg)
{
	static bool started;
	struct kevent ev;
	int64_t now;

	(void)arg;
	if (!started && now_us() - last_us >= QUIET_US) {
		started = true;
		start_timer();
	}
	if (ff_kevent(kq, NULL, 0, &ev, 1, NULL) <= 0)
		return 0;
	now = now_us();
	off_us[n++] = llabs(now - last_us - PERIOD_US * ev.data);
	last_us = now;
	if (n == TIMES)
		ff_stop_run();
	return 0;
}

int main(int argc, char **argv)
{
	struct z_stats st;

	if (ff_init(argc, argv) < 0 || (kq = ff_kqueue()) < 0)
		return 1;
	last_us = now_us();
	ff_run(loop, NULL);
	z_stats_get(&st, sizeof(st));
	qsort(off_us, TIMES, sizeof(off_us[0]), by_value);
	printf("sleeper: off_tenth=%ld off_median=%ld off_p90=%ld off_max=%ld sleeps=%lu "
	       "turns=%lu bufs_in_use=%d\n",
	       off_us[TIMES / 10], off_us[TIMES / 2], off_us[TIMES * 9 / 10], off_us[TIMES - 1],
	       st.sleeps, st.turns, 0);
	return 0;
}
