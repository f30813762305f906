/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Flow table: from the key of a segment to what holds its state: a tcb, a half-open entry, or a
 * TIME-WAIT entry. Open addressing over 8-byte slots, linear probing, deletion by shifting back; at
 * most half full, so a probe stays within a cache line or two.
 */
#ifndef ZS_DEMUX_H
#define ZS_DEMUX_H

#include <stdint.h>

#include "core/zs_flow.h"

struct zs_stack;

enum zs_ref_kind { ZS_REF_NONE, ZS_REF_TCB, ZS_REF_HALF, ZS_REF_TW };

enum { ZS_REF_SHIFT = 30 };

struct zs_flowslot {
	uint32_t hash; /* 0 = empty */
	uint32_t ref;  /* kind << ZS_REF_SHIFT | index */
};

struct zs_flowtab {
	struct zs_flowslot *slot;
	uint32_t mask, used;
};

int zs_flowtab_init(struct zs_stack *s, uint32_t max_flows);

/* What the table holds for flow: its address, and kind in *kind; NULL when nothing. */
void *zs_flowtab_find(struct zs_stack *s, const struct zs_flow *flow, uint32_t hash, uint8_t *kind);
void zs_flowtab_add(struct zs_stack *s, uint32_t hash, enum zs_ref_kind kind, uint32_t index);
void zs_flowtab_del(struct zs_stack *s, uint32_t hash, enum zs_ref_kind kind, uint32_t index);
/* Another entry takes over the flow (half-open -> tcb -> TIME-WAIT) without a probe sequence of its
 * own. */
void zs_flowtab_replace(struct zs_stack *s, uint32_t hash, enum zs_ref_kind from_kind,
			uint32_t from_index, enum zs_ref_kind to_kind, uint32_t to_index);

#endif
