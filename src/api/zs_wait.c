/* SPDX-License-Identifier: BSD-3-Clause */
/* Waiting: turns of the loop until there is something to report. */
#include "api/zs_wait.h"

int zs_wait(struct zs_ctx *c, uint64_t timeout_us, zs_scan_fn scan, void *arg)
{
	uint64_t deadline, now;
	int n;

	if (c->in_run) {
		n = scan(arg);
		if (n > 0)
			zs_ctx_busy(c);
		return n;
	}
	zs_ctx_turn(c, 0);
	n = scan(arg);
	if (n != 0 || timeout_us == 0)
		return n;
	now = zs_stack_now(c->s);
	deadline = timeout_us < UINT64_MAX - now ? now + timeout_us : UINT64_MAX;
	while (zs_stack_now(c->s) < deadline) {
		if (zs_ctx_stopping(c))
			return -EINTR;
		zs_ctx_turn(c, deadline);
		n = scan(arg);
		if (n != 0)
			return n;
	}
	return 0;
}
