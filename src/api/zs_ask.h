/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Questions to the stacks from threads that have none. A stack is its own thread's alone, so the
 * question is left in a slot of its context and answered on its loop, between two turns; who sleeps
 * is woken. A context that nobody drives (before and after ff_run() all but the first) is answered
 * for by the first one's loop. Costs the loops nothing while nobody asks: the slot is behind the
 * flag that also tells them to stop.
 */
#ifndef ZS_ASK_H
#define ZS_ASK_H

#include <stdbool.h>
#include <stdint.h>

struct zs_ctx;

/* One at a time asks: the caller sees to that. */
struct zs_asker {
	struct zs_ctx *const *all;
	uint16_t n;
	uint32_t patience_ms; /* how long to wait for each */
};

/*
 * Runs fn(c, arg) on the loop of context number i and returns when it is done: 0, or -ETIMEDOUT:
 * the loop does not turn, and fn will not be called any more; -EINVAL: there is no such context.
 */
int zs_ask(const struct zs_asker *a, uint16_t i, void (*fn)(struct zs_ctx *c, void *arg),
	   void *arg);

/* On the loop of c: answers what is asked of it, and of those without a loop when c is the first.
 */
void zs_ask_answer(struct zs_ctx *c);

#endif
