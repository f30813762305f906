/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Hierarchical timer wheel. A timer sits in the level of the highest byte in which its tick differs
 * from the wheel's, so all timers of one tick share one slot at any time, and cascading a slot to
 * the level below keeps the order in which they were set. Ticks that differ above the top level
 * wait on the `far` list until the wheel enters the next epoch of 2^32 ticks.
 *
 * Advancing goes from one busy slot to the next by bitmap: an idle gap costs the same at any
 * length.
 */
#include "core/zs_timer.h"

#include "base/zs_assert.h"

enum { SLOT_MASK = ZS_WHEEL_SLOTS - 1, EPOCH_SHIFT = ZS_WHEEL_LEVELS * ZS_WHEEL_BITS };

static unsigned slot_index(uint64_t tick, unsigned level)
{
	return (tick >> (level * ZS_WHEEL_BITS)) & SLOT_MASK;
}

static void set_busy(struct zs_wheel *w, unsigned level, unsigned i)
{
	w->busy[level][i / 64] |= 1ull << (i % 64);
}

static void clear_busy(struct zs_wheel *w, unsigned level, unsigned i)
{
	w->busy[level][i / 64] &= ~(1ull << (i % 64));
}

/* First busy slot of a level at or after `from`, or -1. */
static int find_busy(const struct zs_wheel *w, unsigned level, unsigned from)
{
	unsigned word = from / 64;
	uint64_t bits;

	if (from >= ZS_WHEEL_SLOTS)
		return -1;
	bits = w->busy[level][word] & (~0ull << (from % 64));
	while (bits == 0) {
		if (++word == ZS_WHEEL_SLOTS / 64)
			return -1;
		bits = w->busy[level][word];
	}
	return (int)(word * 64) + __builtin_ctzll(bits);
}

static void insert(struct zs_wheel *w, struct zs_timer *t)
{
	uint64_t diff = t->tick ^ w->tick;
	unsigned level, i;

	zs_assert(t->tick >= w->tick);
	if (diff >> EPOCH_SHIFT) {
		zs_list_add_tail(&w->far, &t->link);
		return;
	}
	level = (31 - (unsigned)__builtin_clz((uint32_t)diff | 1)) / ZS_WHEEL_BITS;
	i = slot_index(t->tick, level);
	zs_list_add_tail(&w->slot[level][i], &t->link);
	set_busy(w, level, i);
}

/* Moves all of `from` to the end of `to`. */
static void splice(struct zs_list *to, struct zs_list *from)
{
	if (zs_list_empty(from))
		return;
	from->next->prev = to->prev;
	from->prev->next = to;
	to->prev->next = from->next;
	to->prev = from->prev;
	zs_list_init(from);
}

static void reinsert(struct zs_wheel *w, struct zs_list *list)
{
	struct zs_list moving, *node;

	zs_list_init(&moving);
	splice(&moving, list);
	while ((node = zs_list_pop(&moving)) != NULL)
		insert(w, container_of(node, struct zs_timer, link));
}

/* Brings down what the higher levels hold for the ticks that begin at w->tick. */
static void cascade(struct zs_wheel *w)
{
	unsigned level, i;

	if ((w->tick & ((1ull << EPOCH_SHIFT) - 1)) == 0)
		reinsert(w, &w->far);
	for (level = ZS_WHEEL_LEVELS - 1; level > 0; level--) {
		if (w->tick & ((1ull << (level * ZS_WHEEL_BITS)) - 1))
			continue;
		i = slot_index(w->tick, level);
		clear_busy(w, level, i);
		reinsert(w, &w->slot[level][i]);
	}
}

/* The first tick at which there is something to fire or to cascade; UINT64_MAX for none. */
static uint64_t next_event(const struct zs_wheel *w)
{
	unsigned level, shift;
	int i;

	if (w->count == 0)
		return UINT64_MAX;
	for (level = 0; level < ZS_WHEEL_LEVELS; level++) {
		/* the slot that w->tick is in has come down already, except on the lowest level */
		i = find_busy(w, level, slot_index(w->tick, level) + (level > 0));
		if (i < 0)
			continue;
		shift = level * ZS_WHEEL_BITS;
		return ((w->tick >> shift & ~(uint64_t)SLOT_MASK) | (unsigned)i) << shift;
	}
	if (!zs_list_empty(&w->far))
		return ((w->tick >> EPOCH_SHIFT) + 1) << EPOCH_SHIFT;
	return UINT64_MAX;
}

void zs_wheel_init(struct zs_wheel *w, uint64_t now_us)
{
	unsigned level, i;

	*w = (struct zs_wheel){ .tick = now_us >> ZS_TICK_SHIFT };
	zs_list_init(&w->far);
	for (level = 0; level < ZS_WHEEL_LEVELS; level++)
		for (i = 0; i < ZS_WHEEL_SLOTS; i++)
			zs_list_init(&w->slot[level][i]);
}

void zs_timer_set(struct zs_wheel *w, struct zs_timer *t, uint64_t deadline_us)
{
	uint64_t tick = deadline_us >> ZS_TICK_SHIFT;

	if (deadline_us & ((1u << ZS_TICK_SHIFT) - 1))
		tick++;
	zs_timer_cancel(w, t);
	t->tick = tick > w->tick ? tick : w->tick;
	insert(w, t);
	w->count++;
}

void zs_timer_set_by(struct zs_wheel *w, struct zs_timer *t, uint64_t deadline_us)
{
	if (!zs_timer_armed(t) || t->tick > deadline_us >> ZS_TICK_SHIFT)
		zs_timer_set(w, t, deadline_us);
}

void zs_timer_cancel(struct zs_wheel *w, struct zs_timer *t)
{
	if (!zs_timer_armed(t))
		return;
	zs_list_del(&t->link);
	w->count--;
}

/* Moves the timers of ticks up to `target` to `due` and the wheel to `target`. */
static void collect(struct zs_wheel *w, struct zs_list *due, uint64_t target)
{
	uint64_t tick;
	unsigned i;

	while ((tick = next_event(w)) <= target) {
		if (tick != w->tick) {
			w->tick = tick;
			cascade(w);
		}
		i = slot_index(tick, 0);
		clear_busy(w, 0, i);
		splice(due, &w->slot[0][i]);
	}
	w->tick = target;
}

void zs_wheel_advance(struct zs_wheel *w, struct zs_stack *s, uint64_t now_us)
{
	uint64_t target = now_us >> ZS_TICK_SHIFT;
	struct zs_list due, *node;

	if (target < w->tick)
		return;
	zs_list_init(&due);
	collect(w, &due, target);
	/* What a handler sets for now or earlier goes to the slot of `target`: the next advance. */
	while ((node = zs_list_pop(&due)) != NULL) {
		struct zs_timer *t = container_of(node, struct zs_timer, link);

		w->count--;
		t->fire(s, t);
	}
}

uint64_t zs_wheel_next(const struct zs_wheel *w)
{
	uint64_t tick = next_event(w);

	return tick == UINT64_MAX ? UINT64_MAX : tick << ZS_TICK_SHIFT;
}
