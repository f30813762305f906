/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Who holds which local port. Explicit binds are kept in a table; ephemeral ports of connect() need
 * only that the whole flow is new. They count on from a keyed hash of the destination, past ports
 * that someone bound or listens on, with a counter for each of some groups of destinations (RFC
 * 6056 3.3.4): who sees the ports to one destination learns nothing of those to another.
 */
#include "core/tcp/zs_port.h"

#include <errno.h>

#include "core/tcp/zs_tcb.h"
#include "core/zs_loopback.h"

enum { MAX_GAP = 4 }; /* between ports chosen one after the other */

static struct zs_list *port_bucket(struct zs_stack *s, uint16_t port)
{
	return &s->tcp.port_hash[port % ZS_PORT_HASH];
}

bool zs_addr_is_local(const struct zs_stack *s, uint8_t family, const struct zs_addr *a)
{
	if (zs_addr_is_any(a))
		return true;
	for (unsigned i = 0; i < s->n_netifs; i++)
		if (s->netif[i].accept_any_dst)
			return true;
	return zs_is_own(s, family, a);
}

bool zs_local_overlap(uint8_t fa, const struct zs_addr *a, bool dual_a, uint8_t fb,
		      const struct zs_addr *b, bool dual_b)
{
	if (fa == fb)
		return zs_addr_is_any(a) || zs_addr_is_any(b) || zs_addr_eq(a, b);
	return (dual_a && zs_addr_is_any(a)) || (dual_b && zs_addr_is_any(b));
}

static bool bind_conflicts(struct zs_stack *s, const struct zs_flow *local, bool dual,
			   const struct zs_tcp_opts *o)
{
	struct zs_list *head = port_bucket(s, local->lport);

	if (zs_listener_conflicts(s, local, dual, o->reuseport))
		return true;
	for (struct zs_list *e = head->next; e != head; e = e->next) {
		const struct zs_tcb *t = container_of(e, struct zs_tcb, port_link);

		if (t->flow.lport == local->lport &&
		    zs_local_overlap(t->flow.family, &t->flow.laddr, (t->flags & ZS_TF_DUAL) != 0,
				     local->family, &local->laddr, dual) &&
		    !(o->reuseaddr && t->opts.reuseaddr) && !(o->reuseport && t->opts.reuseport))
			return true;
	}
	return false;
}

static uint16_t port_at(const struct zs_stack *s, uint32_t offset)
{
	uint32_t n = s->cfg.ip_local_port_hi - s->cfg.ip_local_port_lo + 1u;

	return (uint16_t)(s->cfg.ip_local_port_lo + offset % n);
}

static int bind_any_port(struct zs_stack *s, struct zs_flow *local, bool dual,
			 const struct zs_tcp_opts *o)
{
	uint32_t n = s->cfg.ip_local_port_hi - s->cfg.ip_local_port_lo + 1u;
	uint32_t start = zs_rand_below(&s->rand, n);

	for (uint32_t i = 0; i < n; i++) {
		local->lport = port_at(s, start + i);
		if (!bind_conflicts(s, local, dual,
				    &(struct zs_tcp_opts){ .reuseport = o->reuseport }))
			return 0;
	}
	return -EADDRINUSE;
}

int zs_tcp_bind(struct zs_stack *s, struct zs_tcb *tcb, const struct zs_addr *addr, uint16_t port)
{
	struct zs_flow local = { .laddr = *addr, .lport = port, .family = tcb->flow.family };
	bool dual = (tcb->flags & ZS_TF_DUAL) != 0;
	int rc;

	if (tcb->state != ZS_CLOSED || tcb->flow.lport != 0)
		return -EINVAL;
	if (!tcb->opts.freebind && !zs_addr_is_local(s, local.family, addr))
		return -EADDRNOTAVAIL;
	if (port == 0) {
		rc = bind_any_port(s, &local, dual, &tcb->opts);
		if (rc < 0)
			return rc;
	} else if (bind_conflicts(s, &local, dual, &tcb->opts)) {
		return -EADDRINUSE;
	}
	tcb->flow.laddr = local.laddr;
	tcb->flow.lport = local.lport;
	tcb->flags |= ZS_TF_BOUND;
	zs_list_add_tail(port_bucket(s, local.lport), &tcb->port_link);
	return 0;
}

int zs_tcp_bind_addr(struct zs_stack *s, struct zs_tcb *tcb, const struct zs_addr *addr)
{
	if (tcb->state != ZS_CLOSED || tcb->flow.lport != 0)
		return -EINVAL;
	if (!tcb->opts.freebind && !zs_addr_is_local(s, tcb->flow.family, addr))
		return -EADDRNOTAVAIL;
	tcb->flow.laddr = *addr;
	return 0;
}

/*
 * The search goes on behind the port that was found last, at a random distance: ports of
 * connections that last are passed once in a round of the range, not by every connect.
 */
int zs_port_ephemeral(struct zs_stack *s, struct zs_flow *flow)
{
	uint32_t n = s->cfg.ip_local_port_hi - s->cfg.ip_local_port_lo + 1u;
	uint32_t *next;
	uint64_t hash;

	flow->lport = 0;
	hash = zs_siphash(s->isn_key, flow, sizeof(*flow));
	next = &s->tcp.next_port[hash >> 32 & (ZS_NEXT_PORTS - 1)];
	for (uint32_t i = 0; i < n; i++) {
		uint8_t kind;

		flow->lport = port_at(s, (uint32_t)hash % n + *next + i);
		if (bind_conflicts(s, flow, false, &(struct zs_tcp_opts){ 0 }))
			continue;
		if (zs_flowtab_find(s, flow, zs_flow_hash(s->hash_key, flow), &kind) != NULL)
			continue;
		if (s->env.rss_ok == NULL || s->env.rss_ok(s->env.ctx, flow)) {
			*next = (*next + i + 1 + zs_rand_below(&s->rand, MAX_GAP)) % n;
			return 0;
		}
	}
	return -EADDRNOTAVAIL;
}
