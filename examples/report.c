/* SPDX-License-Identifier: BSD-3-Clause */
/* One line: what the program did, what the library copied and allocated for it, and why packets were dropped. */
#include "report.h"

#include <stdio.h>
#include <zstack.h>

enum { MAX_REASONS = 64 };

void report(const char *program, const char *what, uint64_t done)
{
	struct z_drop drops[MAX_REASONS];
	struct z_stats st;
	int n;

	if (z_stats_get(&st, sizeof(st)) < 0) {
		perror("z_stats_get");
		return;
	}
	printf("%s: %s=%lu copies=%lu allocs=%lu buf_allocs=%lu segments_resent=%lu cycles_each=%lu", program,
	       what, done, st.copies, st.allocs, st.buf_allocs, st.tcp_segs_retx,
	       done > 0 ? st.busy_cycles / done : 0);
	n = z_drops_get(drops, MAX_REASONS);
	for (int i = 0; i < n && i < MAX_REASONS; i++)
		printf(" drop_%s=%lu", drops[i].name, drops[i].count);
	printf("\n");
}
