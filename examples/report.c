/* SPDX-License-Identifier: BSD-3-Clause */
/* One line: what the program did, what the library copied and allocated for it, and why packets
 * were dropped. */
#include "report.h"

#include <stdio.h>
#include <stdlib.h>
#include <zstack.h>

enum {
	MAX_REASONS = 64,
	MAX_CORES = 64,
	MAX_WINDOWS = 4096,
	TURNS_BETWEEN_LOOKS = 256,
	WINDOWS_A_SECOND = 20,
	MIN_WORK = 1000 /* a window with less says nothing */
};

static struct core {
	uint64_t done, turns;
	struct {
		uint64_t done, busy, total;
		unsigned n;
		uint32_t cycles[MAX_WINDOWS];
	} windows;
} cores[MAX_CORES];

void report_turn(uint64_t done)
{
	static __thread struct core *c;
	struct z_stats st;

	if (c == NULL)
		c = &cores[z_core()];
	c->done = done;
	if (++c->turns % TURNS_BETWEEN_LOOKS != 0 || z_stats_get(&st, sizeof(st)) < 0)
		return;
	if (st.total_cycles - c->windows.total < st.cycles_hz / WINDOWS_A_SECOND)
		return;
	if (done - c->windows.done >= MIN_WORK && c->windows.n < MAX_WINDOWS)
		c->windows.cycles[c->windows.n++] =
			(uint32_t)((st.busy_cycles - c->windows.busy) / (done - c->windows.done));
	c->windows.done = done;
	c->windows.busy = st.busy_cycles;
	c->windows.total = st.total_cycles;
}

static int by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static void report_windows(struct core *c)
{
	if (c->windows.n == 0)
		return;
	qsort(c->windows.cycles, c->windows.n, sizeof(c->windows.cycles[0]), by_value);
	printf(" cycles_best=%u cycles_median=%u windows=%u", c->windows.cycles[0],
	       c->windows.cycles[c->windows.n / 2], c->windows.n);
}

/* Who did how much. */
static void report_cores(const struct z_stats *sum)
{
	struct z_stats st;

	printf(" handed_over=%lu taken_over=%lu", sum->handed_over, sum->taken_over);
	for (int i = 0; i < z_cores() && z_core_stats_get(i, &st, sizeof(st)) == 0; i++)
		printf(" done%d=%lu accepted%d=%lu", i, cores[i].done, i, st.tcp_conns_accepted);
}

/* busy: share of the time with work; awake: share that others do not get. */
static void report_idle(const struct z_stats *st)
{
	double total = st->total_cycles > 0 ? (double)st->total_cycles : 1;

	printf(" turns=%lu busy=%.4f awake=%.4f sleeps=%lu wakes_packet=%lu wakes_timer=%lu",
	       st->turns, (double)st->busy_cycles / total, 1 - (double)st->slept_cycles / total,
	       st->sleeps, st->wakes_packet, st->wakes_timer);
}

void report(const char *program, const char *what)
{
	struct z_drop drops[MAX_REASONS];
	struct z_stats st;
	uint64_t done = 0;
	int n;

	if (z_core_stats_get(Z_ALL_CORES, &st, sizeof(st)) < 0) {
		perror("z_core_stats_get");
		return;
	}
	for (int i = 0; i < z_cores(); i++)
		done += cores[i].done;
	printf("%s: %s=%lu copies=%lu allocs=%lu buf_allocs=%lu bufs_in_use=%lu "
	       "segments=%lu segments_resent=%lu tx_packets=%lu tx_large=%lu "
	       "cycles_each=%lu",
	       program, what, done, st.copies, st.allocs, st.buf_allocs, st.bufs_in_use,
	       st.tcp_segs_out, st.tcp_segs_retx, st.tx_packets, st.tx_large,
	       done > 0 ? st.busy_cycles / done : 0);
	report_idle(&st);
	report_windows(&cores[z_core()]);
	if (z_cores() > 1)
		report_cores(&st);
	n = z_core_drops_get(Z_ALL_CORES, drops, MAX_REASONS);
	for (int i = 0; i < n && i < MAX_REASONS; i++)
		printf(" drop_%s=%lu", drops[i].name, drops[i].count);
	printf("\n");
}
