/* SPDX-License-Identifier: BSD-3-Clause */
/* One line: what the program did, what the library copied and allocated for it, and why packets
 * were dropped. */
#include "report.h"

#include <stdio.h>
#include <stdlib.h>
#include <zstack.h>

enum {
	MAX_REASONS = 64,
	MAX_WINDOWS = 4096,
	TURNS_BETWEEN_LOOKS = 256,
	WINDOWS_A_SECOND = 20,
	MIN_WORK = 1000 /* a window with less says nothing */
};

static struct {
	uint64_t turns, done, busy, total;
	unsigned n;
	uint32_t cycles[MAX_WINDOWS];
} windows;

void report_turn(uint64_t done)
{
	struct z_stats st;

	if (++windows.turns % TURNS_BETWEEN_LOOKS != 0 || z_stats_get(&st, sizeof(st)) < 0)
		return;
	if (st.total_cycles - windows.total < st.cycles_hz / WINDOWS_A_SECOND)
		return;
	if (done - windows.done >= MIN_WORK && windows.n < MAX_WINDOWS)
		windows.cycles[windows.n++] =
			(uint32_t)((st.busy_cycles - windows.busy) / (done - windows.done));
	windows.done = done;
	windows.busy = st.busy_cycles;
	windows.total = st.total_cycles;
}

static int by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

void report(const char *program, const char *what, uint64_t done)
{
	struct z_drop drops[MAX_REASONS];
	struct z_stats st;
	int n;

	if (z_stats_get(&st, sizeof(st)) < 0) {
		perror("z_stats_get");
		return;
	}
	printf("%s: %s=%lu copies=%lu allocs=%lu buf_allocs=%lu bufs_in_use=%lu "
	       "segments_resent=%lu "
	       "cycles_each=%lu",
	       program, what, done, st.copies, st.allocs, st.buf_allocs, st.bufs_in_use,
	       st.tcp_segs_retx, done > 0 ? st.busy_cycles / done : 0);
	if (windows.n > 0) {
		qsort(windows.cycles, windows.n, sizeof(windows.cycles[0]), by_value);
		printf(" cycles_best=%u cycles_median=%u windows=%u", windows.cycles[0],
		       windows.cycles[windows.n / 2], windows.n);
	}
	n = z_drops_get(drops, MAX_REASONS);
	for (int i = 0; i < n && i < MAX_REASONS; i++)
		printf(" drop_%s=%lu", drops[i].name, drops[i].count);
	printf("\n");
}
