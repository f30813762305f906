/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The descriptor table. Free numbers are found through a tree of bitmaps of 64 bits each: a set bit
 * says that the number is taken or, above the lowest level, that the 64 bits below are all set.
 * Finding the lowest free number is one step per level; memory that is not used yet is never
 * touched.
 */
#include "api/zs_fd.h"

#include <stdlib.h>

static void free_levels(struct zs_fdtab *t)
{
	for (int lv = 0; lv < ZS_FD_LEVELS; lv++) {
		free(t->full[lv]);
		t->full[lv] = NULL;
	}
}

int zs_fdtab_init(struct zs_fdtab *t, int base, uint32_t cap)
{
	uint32_t bits = cap;

	if (base < 0 || cap == 0 || cap > (uint32_t)INT32_MAX - (uint32_t)base || cap > 1u << 24)
		return -EINVAL;
	*t = (struct zs_fdtab){ .base = base, .cap = cap };
	t->slot = calloc(cap, sizeof(*t->slot));
	if (t->slot == NULL)
		return -ENOMEM;
	for (int lv = 0; lv < ZS_FD_LEVELS; lv++) {
		uint32_t words = (bits + 63) / 64;

		t->full[lv] = calloc(words, sizeof(uint64_t));
		if (t->full[lv] == NULL)
			goto err_free;
		bits = words;
	}
	return 0;
err_free:
	free_levels(t);
	free(t->slot);
	t->slot = NULL;
	return -ENOMEM;
}

void zs_fdtab_fini(struct zs_fdtab *t)
{
	free_levels(t);
	free(t->slot);
	t->slot = NULL;
	t->cap = 0;
}

static void mark_taken(struct zs_fdtab *t, uint32_t i)
{
	for (int lv = 0; lv < ZS_FD_LEVELS; lv++) {
		uint64_t *w = &t->full[lv][i / 64];

		*w |= 1ull << (i % 64);
		if (*w != UINT64_MAX)
			return;
		i /= 64;
	}
}

static void mark_free(struct zs_fdtab *t, uint32_t i)
{
	for (int lv = 0; lv < ZS_FD_LEVELS; lv++) {
		uint64_t *w = &t->full[lv][i / 64];
		bool was_full = *w == UINT64_MAX;

		*w &= ~(1ull << (i % 64));
		if (!was_full)
			return;
		i /= 64;
	}
}

/*
 * Lowest free index at or above i; beyond cap when there is none. Climbs while the rest of the word
 * is taken, then descends along the first hole.
 */
static uint64_t lowest_free(const struct zs_fdtab *t, uint64_t i)
{
	uint64_t size[ZS_FD_LEVELS];
	uint64_t bits = t->cap;
	int lv = 0;

	for (int k = 0; k < ZS_FD_LEVELS; k++) {
		size[k] = (bits + 63) / 64;
		bits = size[k];
	}
	for (;;) {
		uint64_t word = i / 64;
		uint64_t hole;

		if (word >= size[lv])
			return UINT64_MAX;
		hole = ~t->full[lv][word] & (UINT64_MAX << (i % 64));
		if (hole == 0) {
			if (lv == ZS_FD_LEVELS - 1)
				return UINT64_MAX;
			i = word + 1;
			lv++;
			continue;
		}
		i = word * 64 + (uint64_t)__builtin_ctzll(hole);
		if (lv == 0)
			return i;
		lv--;
		i *= 64;
	}
}

int zs_fd_install(struct zs_fdtab *t, enum zs_fd_kind kind, void *obj, int from)
{
	uint64_t i = from <= t->base ? 0 : (uint64_t)(from - t->base);
	struct zs_fd *f;

	i = lowest_free(t, i);
	if (i >= t->cap)
		return -EMFILE;
	f = &t->slot[i];
	f->obj = obj;
	f->notes = NULL;
	f->gen++;
	f->kind = (uint8_t)kind;
	f->flags = 0;
	mark_taken(t, (uint32_t)i);
	t->used++;
	return t->base + (int)i;
}

void zs_fd_release(struct zs_fdtab *t, int fd)
{
	struct zs_fd *f = zs_fd_slot(t, fd);

	if (f == NULL)
		return;
	f->obj = NULL;
	f->notes = NULL;
	f->kind = ZS_FD_FREE;
	mark_free(t, (uint32_t)(fd - t->base));
	t->used--;
}
