/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * UDP endpoints (RFC 768, RFC 1122 4.1). Endpoints are found by local port; among those of one port
 * the connected one beats the one bound to the address, which beats the wildcard.
 */
#include "core/zs_udp.h"

#include <rte_byteorder.h>

#include "core/zs_ip4.h"
#include "core/zs_ip6.h"
#include "core/zs_parse.h"
#include "core/zs_udp_priv.h"

int zs_udp_init(struct zs_stack *s)
{
	struct zs_udp_table *t = zs_alloc(s, sizeof(*t));

	if (t == NULL)
		return -ENOMEM;
	s->udp = t;
	zs_list_init(&t->free);
	for (unsigned i = 0; i < ZS_UDP_BUCKETS; i++)
		zs_list_init(&t->bucket[i]);
	t->udp = zs_alloc(s, s->cfg.max_udp * sizeof(*t->udp));
	if (t->udp == NULL)
		return -ENOMEM; /* zs_udp_fini() takes the rest apart */
	for (uint32_t i = 0; i < s->cfg.max_udp; i++)
		zs_list_add_tail(&t->free, &t->udp[i].hash_link);
	return 0;
}

static void drop_queue(struct zs_stack *s, struct zs_udp *u)
{
	struct rte_mbuf *m;

	while ((m = zs_udp_recv(s, u)) != NULL)
		rte_pktmbuf_free(m);
}

void zs_udp_fini(struct zs_stack *s)
{
	struct zs_udp_table *t = s->udp;

	if (t == NULL)
		return;
	for (uint32_t i = 0; t->udp != NULL && i < s->cfg.max_udp; i++)
		drop_queue(s, &t->udp[i]);
	zs_free(s, t->udp);
	zs_free(s, t);
	s->udp = NULL;
}

uint32_t zs_udp_count(const struct zs_stack *s)
{
	return s->udp->live;
}

struct zs_udp *zs_udp_at(const struct zs_stack *s, uint32_t index)
{
	return &s->udp->udp[index];
}

uint32_t zs_udp_index(const struct zs_stack *s, const struct zs_udp *u)
{
	return (uint32_t)(u - s->udp->udp);
}

struct zs_udp *zs_udp_open(struct zs_stack *s, uint8_t family)
{
	struct zs_list *node;
	struct zs_udp *u;

	if (family != ZS_AF_IP4 && family != ZS_AF_IP6)
		return NULL;
	node = zs_list_pop(&s->udp->free);
	if (node == NULL)
		return NULL;
	u = container_of(node, struct zs_udp, hash_link);
	*u = (struct zs_udp){
		.ep = { .kind = ZS_EP_UDP },
		.flow = { .family = family, .proto = ZS_PROTO_UDP },
		.rcvbuf = s->cfg.rcvbuf,
		.ttl = family == ZS_AF_IP4 ? s->cfg.ttl : -1,
		.group_ttl = 1, /* RFC 1112 6.1 */
		.group_loop = true,
		.group_all = family == ZS_AF_IP4, /* as on Linux */
		.group6_all = true,
		.mtu_discover = ZS_UDP_MTU_WANT,
	};
	s->udp->live++;
	return u;
}

void zs_udp_close(struct zs_stack *s, struct zs_udp *u)
{
	drop_queue(s, u);
	zs_udp_errors_clear(s, u);
	zs_udp_leave_all(s, u);
	zs_list_del(&u->ep.link);
	zs_list_del(&u->hash_link);
	u->ep.owner = NULL;
	u->flow.lport = 0;
	zs_list_add_head(&s->udp->free, &u->hash_link);
	s->udp->live--;
}

/* ---- in ---- */

int zs_udp_score(const struct zs_udp *u, const struct zs_flow *f)
{
	int n = u->flow.family == f->family;

	if (u->flow.lport != f->lport || (n == 0 && !u->dual))
		return -1;
	if (!zs_addr_is_any(&u->flow.laddr)) {
		if (n == 0 || !zs_addr_eq(&u->flow.laddr, &f->laddr))
			return -1;
		n += 2;
	}
	if (u->flow.fport != 0) {
		if (u->flow.fport != f->fport || !zs_addr_eq(&u->flow.faddr, &f->faddr))
			return -1;
		n += 4;
	}
	return n;
}

/* Endpoint number k of those that share the port by SO_REUSEPORT and suit equally well. */
static struct zs_udp *sharer(struct zs_list *head, const struct zs_flow *f, int best, uint32_t k)
{
	for (struct zs_list *l = head->next; l != head; l = l->next) {
		struct zs_udp *u = container_of(l, struct zs_udp, hash_link);

		if (u->reuseport && zs_udp_score(u, f) == best && k-- == 0)
			return u;
	}
	return NULL;
}

static struct zs_udp *lookup(struct zs_stack *s, const struct zs_flow *f, uint32_t hash)
{
	struct zs_list *head = zs_udp_bucket(s, f->lport);
	struct zs_udp *found = NULL;
	uint32_t sharers = 0;
	int best = -1;

	for (struct zs_list *l = head->next; l != head; l = l->next) {
		struct zs_udp *u = container_of(l, struct zs_udp, hash_link);
		int n = zs_udp_score(u, f);

		if (n > best) {
			best = n;
			found = u;
			sharers = 0;
		}
		if (n >= 0 && n == best && u->reuseport)
			sharers++;
	}
	if (sharers < 2 || !found->reuseport)
		return found;
	/* The flow decides, so that a peer stays with one endpoint. */
	return sharer(head, f, best, (uint32_t)(((uint64_t)hash * sharers) >> 32));
}

uint16_t zs_udp_segment(const struct rte_mbuf *m)
{
	return m->ol_flags & RTE_MBUF_F_RX_LRO ? m->tso_segsz : 0;
}

/* The datagram that waits last came in this burst too, from the same peer and in the same way. */
static bool continues(struct zs_stack *s, const struct zs_udp *u, const struct zs_udp_rx *rx)
{
	const struct zs_dgram *d;

	if (u->rx_tail == NULL || zs_pkt_time(u->rx_tail) != (uint32_t)s->now_us)
		return false;
	d = zs_dgram(u->rx_tail);
	return d->from_port == rx->flow->fport && d->family == rx->flow->family &&
	       zs_addr_eq(&d->from, &rx->flow->faddr) && d->ttl == rx->ttl && d->tos == rx->tos &&
	       d->nif == rx->nif->index + 1 &&
	       (d->place == 0 || zs_addr_eq(zs_udp_to(s, u->rx_tail), &rx->flow->laddr));
}

/*
 * UDP_GRO: m, not longer than those before it, becomes part of them, as where the device puts
 * datagrams together. A shorter one is the last.
 */
static bool put_together(struct zs_stack *s, struct zs_udp *u, struct rte_mbuf *m,
			 const struct zs_udp_rx *rx)
{
	struct rte_mbuf *t = u->rx_tail;
	uint32_t seg;

	if (!continues(s, u, rx))
		return false;
	seg = zs_udp_segment(t) != 0 ? zs_udp_segment(t) : t->pkt_len;
	if (m->pkt_len == 0 || m->pkt_len > seg || t->pkt_len % seg != 0 ||
	    t->pkt_len / seg >= ZS_UDP_SEGMENTS || t->pkt_len + m->pkt_len > UINT16_MAX)
		return false;
	u->rx_bytes += m->pkt_len;
	u->rx_mem += zs_pkt_mem(m);
	if (rte_pktmbuf_chain(t, m) < 0) {
		u->rx_bytes -= m->pkt_len;
		u->rx_mem -= zs_pkt_mem(m);
		return false;
	}
	t->ol_flags |= RTE_MBUF_F_RX_LRO;
	t->tso_segsz = (uint16_t)seg;
	return true;
}

/* u takes nothing more: its buffer is full, or the pool is short and it has its share. */
static bool is_full(const struct zs_stack *s, const struct zs_udp *u, uint32_t mem)
{
	if (unlikely(s->pool_level == ZS_POOL_CRITICAL))
		return true;
	return u->rx_head != NULL &&
	       (u->rx_mem + mem > u->rcvbuf || s->pool_level != ZS_POOL_PLENTY);
}

void zs_udp_enqueue(struct zs_stack *s, struct zs_udp *u, struct rte_mbuf *m,
		    const struct zs_udp_rx *rx)
{
	uint32_t mem = zs_pkt_mem(m);
	struct zs_dgram *d = zs_dgram(m);

	if (is_full(s, u, mem)) {
		u->rx_drops++;
		zs_pkt_drop(s, m, ZS_DROP_UDP_FULL);
		return;
	}
	if (unlikely(u->gro) && put_together(s, u, m, rx))
		return;
	*d = (struct zs_dgram){
		.from = rx->flow->faddr,
		.from_port = rx->flow->fport,
		.family = rx->flow->family,
		.ttl = rx->ttl,
		.tos = rx->tos,
		.nif = (uint8_t)(rx->nif->index + 1),
		.place = u->recv != 0 ? zs_udp_place_get(s, &rx->flow->laddr) : 0,
	};
	zs_pkt_set_time(m, s->now_us);
	if (u->rx_head == NULL)
		u->rx_head = m;
	else
		zs_dgram(u->rx_tail)->next = m;
	u->rx_tail = m;
	u->rx_bytes += m->pkt_len;
	u->rx_mem += mem;
	zs_ep_raise(s, &u->ep, ZS_EV_READ);
}

/* Consumes m, which nobody here wants. */
static void refuse(struct zs_stack *s, struct rte_mbuf *m, const struct zs_pktinfo *pi)
{
	if (zs_pass_on(s, pi->nif, m, ZS_PASS_STRAY))
		return;
	zs_icmp_send_unreach(s, m, pi, ZS_UNREACH_PORT);
	zs_pkt_drop(s, m, ZS_DROP_UDP_NO_SOCKET);
}

/* Does anybody take what is sent to all of a group? Asked while the headers are still there. */
static bool anybody(struct zs_stack *s, const struct zs_flow *f)
{
	struct zs_list *head = zs_udp_bucket(s, f->lport);

	for (struct zs_list *l = head->next; l != head; l = l->next)
		if (zs_udp_score(container_of(l, struct zs_udp, hash_link), f) >= 0)
			return true;
	return false;
}

static void input_all(struct zs_stack *s, struct rte_mbuf *m, struct zs_pktinfo *pi,
		      const struct zs_udp_rx *rx)
{
	if (!anybody(s, &pi->flow)) {
		refuse(s, m, pi);
		return;
	}
	zs_pkt_trim(m, pi->data_off + pi->data_len);
	m = zs_pkt_adj(m, pi->data_off);
	if (!zs_udp_deliver_all(s, m, rx))
		zs_pkt_drop(s, m, ZS_DROP_UDP_NO_SOCKET);
}

void zs_udp_input(struct zs_stack *s, struct rte_mbuf *m, struct zs_pktinfo *pi)
{
	const struct zs_udp_rx rx = {
		.flow = &pi->flow, .nif = pi->nif, .ttl = pi->ttl, .tos = pi->tos
	};
	struct zs_udp *u;

	if (unlikely(pi->bcast && zs_udp_is_group(s, pi->flow.family, &pi->flow.laddr))) {
		input_all(s, m, pi, &rx);
		return;
	}
	u = lookup(s, &pi->flow, pi->hash);
	if (u == NULL) {
		refuse(s, m, pi);
		return;
	}
	zs_pkt_trim(m, pi->data_off + pi->data_len); /* IP may carry more than UDP says */
	zs_udp_enqueue(s, u, zs_pkt_adj(m, pi->data_off), &rx);
}

struct rte_mbuf *zs_udp_recv(struct zs_stack *s, struct zs_udp *u)
{
	struct rte_mbuf *m = u->rx_head;

	if (m == NULL)
		return NULL;
	zs_udp_place_put(s, zs_dgram(m)->place);
	u->rx_head = zs_dgram(m)->next;
	if (u->rx_head == NULL)
		u->rx_tail = NULL;
	u->rx_bytes -= m->pkt_len;
	u->rx_mem -= zs_pkt_mem(m);
	return m;
}
