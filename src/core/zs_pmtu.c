/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Path MTUs that routers told of (RFC 8201 5.2), per destination. A small table: a set of places
 * for each hash, the oldest gives way; what is forgotten is learned again. Nothing here raises an
 * MTU but time (5.3: ten minutes).
 */
#include <errno.h>

#include "core/zs_ip6.h"
#include "core/zs_state.h"

enum { SETS = 256, WAYS = 4, AGE_US = 600 * 1000000 };

struct path {
	struct zs_addr dst;
	uint64_t until_us; /* 0 = free */
	uint16_t mtu;
	uint8_t family;
};

struct zs_pmtu_table {
	struct path path[SETS][WAYS];
	uint32_t n; /* entries ever made: 0, and nobody has to look */
};

int zs_pmtu_init(struct zs_stack *s)
{
	s->pmtu = zs_alloc(s, sizeof(*s->pmtu));
	return s->pmtu != NULL ? 0 : -ENOMEM;
}

void zs_pmtu_fini(struct zs_stack *s)
{
	zs_free(s, s->pmtu);
	s->pmtu = NULL;
}

static struct path *set_of(const struct zs_stack *s, const struct zs_addr *dst)
{
	uint64_t h = zs_mix(dst->q[0] ^ s->hash_key[0], dst->q[1] ^ s->hash_key[1]);

	return s->pmtu->path[(h >> 32) % SETS];
}

static bool is_of(const struct path *p, const struct zs_stack *s, uint8_t family,
		  const struct zs_addr *dst)
{
	return p->until_us > s->now_us && p->family == family && zs_addr_eq(&p->dst, dst);
}

uint16_t zs_link_mtu(const struct zs_stack *s, const struct zs_netif *nif, uint8_t family)
{
	const struct zs_if6 *i = family == ZS_AF_IP6 ? zs_if6(s, nif) : NULL;

	return i != NULL && i->mtu != 0 ? i->mtu : nif->mtu;
}

uint16_t zs_pmtu(const struct zs_stack *s, uint8_t family, const struct zs_addr *dst, uint16_t mtu)
{
	const struct path *set;

	if (likely(s->pmtu->n == 0))
		return mtu;
	set = set_of(s, dst);
	for (unsigned i = 0; i < WAYS; i++)
		if (is_of(&set[i], s, family, dst))
			return RTE_MIN(set[i].mtu, mtu);
	return mtu;
}

void zs_pmtu_lower(struct zs_stack *s, uint8_t family, const struct zs_addr *dst, uint32_t mtu)
{
	const uint32_t least = family == ZS_AF_IP6 ? ZS_IP6_MIN_MTU : 552; /* RFC 5927 7.2 */
	struct path *set = set_of(s, dst), *p = &set[0];

	mtu = RTE_MAX(mtu, least); /* RFC 8201 4: not below the minimum */
	if (mtu > UINT16_MAX)
		return;
	for (unsigned i = 0; i < WAYS; i++) {
		if (is_of(&set[i], s, family, dst)) {
			p = &set[i];
			if (p->mtu <= mtu)
				return;
			break;
		}
		if (set[i].until_us < p->until_us)
			p = &set[i];
	}
	*p = (struct path){
		.dst = *dst,
		.until_us = s->now_us + AGE_US,
		.mtu = (uint16_t)mtu,
		.family = family,
	};
	s->pmtu->n++;
}
