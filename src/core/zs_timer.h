/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Hierarchical timer wheel (Varghese, Lauck 1987): 4 levels of 256 slots, tick 64 us. Setting and
 * cancelling are O(1). A timer fires in the first advance whose time is at or past its deadline
 * rounded up to a tick: up to one tick late, never early. Timers of one tick fire in the order in
 * which they were set.
 */
#ifndef ZS_TIMER_H
#define ZS_TIMER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/zs_list.h"

struct zs_stack;

enum {
	ZS_TICK_SHIFT = 6,
	ZS_WHEEL_LEVELS = 4,
	ZS_WHEEL_BITS = 8,
	ZS_WHEEL_SLOTS = 1 << ZS_WHEEL_BITS
};

struct zs_timer {
	struct zs_list link;
	uint64_t tick; /* when it fires */
	void (*fire)(struct zs_stack *s, struct zs_timer *t);
};

struct zs_wheel {
	uint64_t tick;	    /* all timers of earlier ticks have fired */
	struct zs_list far; /* timers of later epochs: ticks that differ above the top level */
	uint32_t count;
	uint64_t busy[ZS_WHEEL_LEVELS][ZS_WHEEL_SLOTS / 64]; /* bit set: slot may hold timers */
	struct zs_list slot[ZS_WHEEL_LEVELS][ZS_WHEEL_SLOTS];
};

void zs_wheel_init(struct zs_wheel *w, uint64_t now_us);

/* (Re)arms t for deadline_us; t->fire must be set. A deadline in the past fires at the next
 * advance. */
void zs_timer_set(struct zs_wheel *w, struct zs_timer *t, uint64_t deadline_us);

/* The same, unless t is armed for then or earlier. */
void zs_timer_set_by(struct zs_wheel *w, struct zs_timer *t, uint64_t deadline_us);

/* Harmless when not armed. */
void zs_timer_cancel(struct zs_wheel *w, struct zs_timer *t);

static inline bool zs_timer_armed(const struct zs_timer *t)
{
	return zs_list_linked(&t->link);
}

/* Fires all that is due by now_us. A handler may set and cancel any timer, its own included. */
void zs_wheel_advance(struct zs_wheel *w, struct zs_stack *s, uint64_t now_us);

/* Earliest possible deadline in us (may be early, never late), UINT64_MAX when none is armed. */
uint64_t zs_wheel_next(const struct zs_wheel *w);

#endif
