/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Addresses and ports of UDP endpoints: bind and connect, who may share a port, and by which
 * interface a peer is reached.
 */
#include <errno.h>

#include "core/tcp/zs_port.h"
#include "core/zs_route.h"
#include "core/zs_udp_priv.h"

bool zs_udp_is_group(const struct zs_stack *s, uint8_t family, const struct zs_addr *a)
{
	if (zs_is_group(family, a))
		return true;
	for (uint16_t i = 0; family == ZS_AF_IP4 && i < s->n_netifs; i++)
		if (s->netif[i].ip4_bcast_be == a->ip4_be)
			return true;
	return false;
}

bool zs_udp_is_broadcast(const struct zs_stack *s, uint8_t family, const struct zs_addr *a)
{
	return family == ZS_AF_IP4 && zs_udp_is_group(s, family, a) &&
	       !zs_udp_is_multicast(family, a);
}

static bool may_bind(const struct zs_stack *s, uint8_t family, const struct zs_addr *a)
{
	return zs_udp_is_group(s, family, a) || zs_addr_is_local(s, family, a);
}

/* Two endpoints may have one port when their addresses differ, or both agreed to share. */
static bool conflict(const struct zs_udp *a, const struct zs_udp *b, const struct zs_addr *addr)
{
	if (!zs_local_overlap(a->flow.family, addr, a->dual, b->flow.family, &b->flow.laddr,
			      b->dual))
		return false;
	return !(a->reuseport && b->reuseport) && !(a->reuseaddr && b->reuseaddr);
}

/* exclusive: nobody else may have the port, however willing to share. */
static bool port_free(struct zs_stack *s, const struct zs_udp *u, const struct zs_addr *addr,
		      uint16_t port, bool exclusive)
{
	struct zs_list *head = zs_udp_bucket(s, port);

	for (struct zs_list *l = head->next; l != head; l = l->next) {
		const struct zs_udp *other = container_of(l, struct zs_udp, hash_link);

		if (other->flow.lport == port && (exclusive || conflict(u, other, addr)))
			return false;
	}
	return true;
}

/* What comes back of the flow arrives at this stack. */
static bool comes_back(const struct zs_stack *s, const struct zs_flow *flow, uint16_t lport)
{
	struct zs_flow f = *flow;

	f.lport = lport;
	return s->env.rss_ok == NULL || f.fport == 0 || s->env.rss_ok(s->env.ctx, &f);
}

/*
 * RFC 6056 3.3.1: a random port, and onward from there when it is taken. flow: all that is known of
 * what it is for. 0: there is none.
 */
static uint16_t pick_port(struct zs_stack *s, const struct zs_udp *u, const struct zs_flow *flow)
{
	uint32_t lo = s->cfg.ip_local_port_lo, n = s->cfg.ip_local_port_hi - lo + 1;
	uint32_t at = zs_rand_below(&s->rand, n);

	for (uint32_t i = 0; i < n; i++) {
		uint16_t port = (uint16_t)(lo + (at + i) % n);

		if (port_free(s, u, &u->flow.laddr, port, true) && comes_back(s, flow, port))
			return port;
	}
	return 0;
}

int zs_udp_bind(struct zs_stack *s, struct zs_udp *u, const struct zs_addr *addr, uint16_t port)
{
	if (u->flow.lport != 0)
		return -EINVAL;
	if (!u->freebind && !may_bind(s, u->flow.family, addr))
		return -EADDRNOTAVAIL;
	if (port == 0)
		port = pick_port(s, u, &u->flow);
	else if (!port_free(s, u, addr, port, false))
		return -EADDRINUSE;
	if (port == 0)
		return -EADDRINUSE;
	u->flow.laddr = *addr;
	u->flow.lport = port;
	zs_list_add_head(zs_udp_bucket(s, port), &u->hash_link);
	return 0;
}

int zs_udp_bind_any(struct zs_stack *s, struct zs_udp *u, const struct zs_netif *nif,
		    uint8_t family, const struct zs_addr *to, uint16_t port)
{
	const struct zs_addr any = { .q = { 0, 0 } };
	struct zs_flow flow = u->flow;

	if (u->flow.lport != 0)
		return 0;
	flow.family = family;
	(void)zs_source(s, nif, family, to, &flow.laddr);
	flow.faddr = *to;
	flow.fport = port;
	return zs_udp_bind(s, u, &any, pick_port(s, u, &flow));
}

static void disconnect(struct zs_udp *u)
{
	if (u->laddr_by_connect)
		u->flow.laddr = (struct zs_addr){ .q = { 0, 0 } };
	u->laddr_by_connect = false;
	u->flow.faddr = (struct zs_addr){ .q = { 0, 0 } };
	u->flow.fport = 0;
}

struct zs_netif *zs_udp_nif(struct zs_stack *s, const struct zs_udp *u, uint8_t family,
			    const struct zs_addr *to)
{
	struct zs_netif *chosen = NULL;
	struct zs_addr nexthop;

	if (u->group_nif != 0 && zs_udp_is_multicast(family, to))
		chosen = &s->netif[u->group_nif - 1];
	return zs_route_by(s, chosen, family, to, &nexthop);
}

int zs_udp_connect(struct zs_stack *s, struct zs_udp *u, const struct zs_addr *addr, uint16_t port)
{
	uint8_t family = u->flow.family;
	struct zs_netif *nif;
	int rc;

	if (addr == NULL) {
		disconnect(u);
		return 0;
	}
	if (port == 0)
		return -EINVAL;
	nif = zs_udp_nif(s, u, family, addr);
	if (nif == NULL)
		return -ENETUNREACH;
	if (zs_udp_is_broadcast(s, family, addr) && !u->broadcast)
		return -EACCES;
	if (!u->laddr_by_connect && !zs_udp_is_multicast(family, addr) &&
	    !zs_source_ok(nif, family, &u->flow.laddr))
		return -EINVAL;
	rc = zs_udp_bind_any(s, u, nif, family, addr, port);
	if (rc < 0)
		return rc;
	disconnect(u);
	if (zs_addr_is_any(&u->flow.laddr)) {
		if (!zs_source(s, nif, family, addr, &u->flow.laddr))
			return -EADDRNOTAVAIL;
		u->laddr_by_connect = true;
	}
	u->flow.faddr = *addr;
	u->flow.fport = port;
	return 0;
}
