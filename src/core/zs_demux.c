/* SPDX-License-Identifier: BSD-3-Clause */
/* The flow table: see zs_demux.h for its shape. */
#include "core/zs_demux.h"

#include <errno.h>

#include "core/tcp/zs_half.h"
#include "core/tcp/zs_tcb.h"
#include "core/tcp/zs_tw.h"
#include "core/zs_state.h"

static uint32_t make_ref(enum zs_ref_kind kind, uint32_t index)
{
	return (uint32_t)kind << ZS_REF_SHIFT | index;
}

int zs_flowtab_init(struct zs_stack *s, uint32_t max_flows)
{
	struct zs_flowtab *t = &s->flows;
	uint32_t size = 64;

	while (size < 2 * max_flows)
		size *= 2;
	t->slot = zs_alloc(s, size * sizeof(*t->slot));
	if (t->slot == NULL)
		return -ENOMEM;
	t->mask = size - 1;
	return 0;
}

/* The object behind a reference when it is the flow's, else NULL. */
static void *match(struct zs_stack *s, uint32_t ref, const struct zs_flow *flow)
{
	uint32_t index = ref & ((1u << ZS_REF_SHIFT) - 1);
	const struct zs_flow *key = NULL;
	void *obj = NULL;

	switch ((enum zs_ref_kind)(ref >> ZS_REF_SHIFT)) {
	case ZS_REF_TCB: {
		struct zs_tcb *tcb = zs_slab_at(&s->tcp.tcbs, index);

		obj = tcb;
		key = &tcb->flow;
		break;
	}
	case ZS_REF_HALF: {
		struct zs_half *h = zs_slab_at(&s->tcp.halves, index);

		obj = h;
		key = &h->flow;
		break;
	}
	case ZS_REF_TW: {
		struct zs_tw *tw = zs_slab_at(&s->tcp.tws, index);

		obj = tw;
		key = &tw->flow;
		break;
	}
	case ZS_REF_NONE:
		return NULL;
	}
	return zs_flow_eq(key, flow) ? obj : NULL;
}

void *zs_flowtab_find(struct zs_stack *s, const struct zs_flow *flow, uint32_t hash, uint8_t *kind)
{
	const struct zs_flowtab *t = &s->flows;

	for (uint32_t i = hash & t->mask; t->slot[i].hash != 0; i = (i + 1) & t->mask) {
		void *obj;

		if (t->slot[i].hash != hash)
			continue;
		obj = match(s, t->slot[i].ref, flow);
		if (obj != NULL) {
			*kind = (uint8_t)(t->slot[i].ref >> ZS_REF_SHIFT);
			return obj;
		}
	}
	*kind = ZS_REF_NONE;
	return NULL;
}

void zs_flowtab_add(struct zs_stack *s, uint32_t hash, enum zs_ref_kind kind, uint32_t index)
{
	struct zs_flowtab *t = &s->flows;
	uint32_t i = hash & t->mask;

	zs_assert(hash != 0 && t->used <= t->mask / 2 + 1);
	while (t->slot[i].hash != 0)
		i = (i + 1) & t->mask;
	t->slot[i] = (struct zs_flowslot){ .hash = hash, .ref = make_ref(kind, index) };
	t->used++;
}

static uint32_t slot_of(const struct zs_flowtab *t, uint32_t hash, uint32_t ref)
{
	uint32_t i = hash & t->mask;

	while (t->slot[i].hash != hash || t->slot[i].ref != ref) {
		zs_assert(t->slot[i].hash != 0);
		i = (i + 1) & t->mask;
	}
	return i;
}

void zs_flowtab_del(struct zs_stack *s, uint32_t hash, enum zs_ref_kind kind, uint32_t index)
{
	struct zs_flowtab *t = &s->flows;
	uint32_t hole = slot_of(t, hash, make_ref(kind, index));

	/* Shift back every follower that the hole now separates from its home slot. */
	for (uint32_t i = (hole + 1) & t->mask; t->slot[i].hash != 0; i = (i + 1) & t->mask) {
		uint32_t home = t->slot[i].hash & t->mask;

		if (((i - home) & t->mask) < ((i - hole) & t->mask))
			continue;
		t->slot[hole] = t->slot[i];
		hole = i;
	}
	t->slot[hole].hash = 0;
	t->used--;
}

void zs_flowtab_replace(struct zs_stack *s, uint32_t hash, enum zs_ref_kind from_kind,
			uint32_t from_index, enum zs_ref_kind to_kind, uint32_t to_index)
{
	struct zs_flowtab *t = &s->flows;

	t->slot[slot_of(t, hash, make_ref(from_kind, from_index))].ref =
		make_ref(to_kind, to_index);
}
