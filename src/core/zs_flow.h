/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The flow key: both ends of a conversation as seen from here. 40 bytes, zero padded, so that hash
 * and comparison never look at the family.
 */
#ifndef ZS_FLOW_H
#define ZS_FLOW_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/zs_addr.h"
#include "base/zs_hash.h"

struct zs_flow {
	struct zs_addr laddr, faddr; /* local, foreign */
	uint16_t lport, fport;	     /* host order */
	uint8_t family;		     /* enum zs_family */
	uint8_t proto;		     /* enum zs_ipproto */
	uint8_t pad[2];
};
_Static_assert(sizeof(struct zs_flow) == 40, "flow key");

static inline bool zs_flow_eq(const struct zs_flow *a, const struct zs_flow *b)
{
	uint64_t ta, tb;

	memcpy(&ta, &a->lport, sizeof(ta));
	memcpy(&tb, &b->lport, sizeof(tb));
	return ta == tb && zs_addr_eq(&a->faddr, &b->faddr) && zs_addr_eq(&a->laddr, &b->laddr);
}

/* Keyed: an outsider cannot choose ports or addresses that collide. Never 0. */
static inline uint32_t zs_flow_hash(const uint64_t key[2], const struct zs_flow *f)
{
	uint64_t tail, h;

	memcpy(&tail, &f->lport, sizeof(tail));
	h = zs_mix(f->faddr.q[0] ^ key[0], f->faddr.q[1] ^ key[1]) ^
	    zs_mix(f->laddr.q[0] ^ key[1], f->laddr.q[1] ^ ~key[0]);
	h = zs_mix(h ^ tail, key[0] | 1);
	return (uint32_t)(h >> 32) | 1;
}

#endif
