/* SPDX-License-Identifier: BSD-3-Clause */
/* Fixed-size objects by index. Memory is touched only when an object is used for the first time. */
#include <errno.h>

#include "core/tcp/zs_tcb.h"

int zs_slab_init(struct zs_stack *s, struct zs_slab *sl, uint32_t size, uint32_t cap)
{
	*sl = (struct zs_slab){ .size = RTE_ALIGN_CEIL(size, 8), .cap = cap, .free = UINT32_MAX };
	if (size >= RTE_CACHE_LINE_SIZE)
		sl->size = RTE_ALIGN_CEIL(size, RTE_CACHE_LINE_SIZE);
	sl->mem = zs_alloc(s, (size_t)sl->size * cap);
	return sl->mem != NULL ? 0 : -ENOMEM;
}

void *zs_slab_get(struct zs_slab *sl)
{
	void *obj;

	if (sl->free != UINT32_MAX) {
		obj = zs_slab_at(sl, sl->free);
		memcpy(&sl->free, obj, sizeof(sl->free));
	} else if (sl->high < sl->cap) {
		obj = zs_slab_at(sl, sl->high++);
	} else {
		return NULL;
	}
	memset(obj, 0, sl->size);
	sl->live++;
	return obj;
}

void zs_slab_put(struct zs_slab *sl, void *obj)
{
	memcpy(obj, &sl->free, sizeof(sl->free));
	sl->free = zs_slab_index(sl, obj);
	sl->live--;
}
