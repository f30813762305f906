/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where waiting datagrams were sent to. A buffer's private area has no room for two addresses of
 * IPv6, but a host has few addresses: a datagram keeps the number of a place in a small table. Who
 * did not ask for it has none.
 */
#include "core/zs_udp_priv.h"

enum { WAYS = 8 };

static struct zs_udp_place *way(struct zs_stack *s, const struct zs_addr *addr, unsigned i)
{
	uint64_t h = zs_mix(addr->q[0] ^ s->hash_key[0], addr->q[1] ^ s->hash_key[1]);

	return &s->udp->place[((h >> 32) + i) % ZS_UDP_PLACES];
}

uint16_t zs_udp_place_get(struct zs_stack *s, const struct zs_addr *addr)
{
	struct zs_udp_place *spare = NULL, *p;

	for (unsigned i = 0; i < WAYS; i++) {
		p = way(s, addr, i);
		if (p->users > 0 && zs_addr_eq(&p->addr, addr))
			break;
		if (p->users == 0 && spare == NULL)
			spare = p;
		p = NULL;
	}
	if (p == NULL)
		p = spare;
	if (p == NULL)
		return 0;
	p->addr = *addr;
	p->users++;
	return (uint16_t)(p - s->udp->place + 1);
}

void zs_udp_place_put(struct zs_stack *s, uint16_t place)
{
	if (place != 0)
		s->udp->place[place - 1].users--;
}

const struct zs_addr *zs_udp_to(const struct zs_stack *s, struct rte_mbuf *m)
{
	uint16_t place = zs_dgram(m)->place;

	return place == 0 ? NULL : &s->udp->place[place - 1].addr;
}
