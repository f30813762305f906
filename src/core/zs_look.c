/* SPDX-License-Identifier: BSD-3-Clause */
/* The tables of endpoints in portions, and what their queues hold. Changes nothing. */
#include "core/zs_look.h"

#include "core/tcp/zs_cc.h"
#include "core/tcp/zs_half.h"
#include "core/tcp/zs_queue.h"
#include "core/tcp/zs_tw.h"
#include "core/zs_ip4.h"
#include "core/zs_neigh_priv.h"
#include "core/zs_udp.h"

enum {
	PLACES = 2048,	/* of a table in one portion */
	BUFFERS = 4096, /* about as many, walked along queues */
};

const uint32_t zs_look_age_us[ZS_AGES - 1] = { 1000, 10000, 100000, 1000000, 10000000, 60000000 };

/* ---- endpoints ---- */

static uint32_t us_until(const struct zs_stack *s, uint64_t at_us)
{
	return at_us > s->now_us ? (uint32_t)RTE_MIN(at_us - s->now_us, UINT32_MAX) : 0;
}

static bool look_listener(struct zs_stack *s, uint32_t i, struct zs_look_conn *c)
{
	const struct zs_listener *l = zs_slab_at(&s->tcp.listeners, i);

	if (!zs_list_linked(&l->hash_link))
		return false;
	c->state = ZS_LISTEN;
	c->flow = (struct zs_flow){
		.laddr = l->laddr,
		.lport = l->lport,
		.family = l->family,
		.proto = ZS_PROTO_TCP,
	};
	c->recv_q = l->n_accept;
	c->send_q = l->backlog - 1; /* as listen() was told */
	c->owner = l->ep.owner;
	return true;
}

static uint32_t snd_age(const struct zs_stack *s, const struct zs_tcb *tcb)
{
	struct rte_mbuf *m = tcb->sndq.head;

	return m != NULL && zs_seg(m)->tx_count > 0 ? (uint32_t)s->now_us - zs_seg(m)->first_tx_us
						    : 0;
}

static bool look_tcb(struct zs_stack *s, uint32_t i, struct zs_look_conn *c)
{
	struct zs_tcb *tcb = zs_slab_at(&s->tcp.tcbs, i);
	const struct zs_cc_ops *cc = zs_cc_find(tcb->opts.cc);

	if (tcb->timer.fire == NULL || tcb->state == ZS_CLOSED)
		return false;
	c->state = zs_tcp_shown_state(tcb);
	c->flow = tcb->flow;
	c->recv_q = tcb->rcvq.bytes;
	c->send_q = tcb->sndq.bytes;
	c->owner = tcb->ep.owner;
	c->cc = cc != NULL ? cc->name : "?";
	c->pmtu = tcb->mtu;
	c->snd_mem = tcb->sndq.mem;
	c->rcv_mem = tcb->rcvq.mem;
	c->ooo_mem = tcb->ooo.mem;
	c->snd_age_us = snd_age(s, tcb);
	zs_tcp_get_info(s, tcb, &c->info);
	return true;
}

static bool look_half(struct zs_stack *s, uint32_t i, struct zs_look_conn *c)
{
	const struct zs_half *h = zs_slab_at(&s->tcp.halves, i);

	if (!zs_list_linked(&h->fifo))
		return false;
	c->state = ZS_SYN_RCVD;
	c->flow = h->flow;
	c->retries = h->retries;
	c->left_us = us_until(s, h->deadline_us);
	return true;
}

static bool look_tw(struct zs_stack *s, uint32_t i, struct zs_look_conn *c)
{
	const struct zs_tw *tw = zs_slab_at(&s->tcp.tws, i);

	if (!zs_list_linked(&tw->fifo))
		return false;
	c->state = ZS_TIME_WAIT;
	c->flow = tw->flow;
	c->left_us = us_until(s, tw->expire_us);
	return true;
}

static bool look_udp(struct zs_stack *s, uint32_t i, struct zs_look_conn *c)
{
	const struct zs_udp *u = zs_udp_at(s, i);

	if (u->flow.lport == 0)
		return false;
	c->state = u->flow.fport != 0 ? ZS_ESTABLISHED : ZS_CLOSED;
	c->flow = u->flow;
	c->recv_q = u->rx_bytes;
	c->rcv_mem = u->rx_mem;
	c->owner = u->ep.owner;
	return true;
}

static uint32_t n_places(const struct zs_stack *s, enum zs_look_kind kind)
{
	switch (kind) {
	case ZS_LOOK_LISTENER:
		return s->tcp.listeners.high;
	case ZS_LOOK_TCP:
		return s->tcp.tcbs.high;
	case ZS_LOOK_HALF:
		return s->tcp.halves.high;
	case ZS_LOOK_TIME_WAIT:
		return s->tcp.tws.high;
	case ZS_LOOK_UDP:
		return s->cfg.max_udp;
	case ZS_LOOK_KINDS:
		break;
	}
	return 0;
}

/* Moves on to the next table when this one is at its end; false when all are. */
static bool settle(const struct zs_stack *s, struct zs_look_pos *pos)
{
	while (pos->kind < ZS_LOOK_KINDS && pos->index >= n_places(s, pos->kind)) {
		pos->kind++;
		pos->index = 0;
	}
	return pos->kind < ZS_LOOK_KINDS;
}

static bool look(struct zs_stack *s, const struct zs_look_pos *pos, struct zs_look_conn *c)
{
	*c = (struct zs_look_conn){ .pos = *pos };
	switch ((enum zs_look_kind)pos->kind) {
	case ZS_LOOK_LISTENER:
		return look_listener(s, pos->index, c);
	case ZS_LOOK_TCP:
		return look_tcb(s, pos->index, c);
	case ZS_LOOK_HALF:
		return look_half(s, pos->index, c);
	case ZS_LOOK_TIME_WAIT:
		return look_tw(s, pos->index, c);
	case ZS_LOOK_UDP:
		return look_udp(s, pos->index, c);
	case ZS_LOOK_KINDS:
		break;
	}
	return false;
}

int zs_look_conns(struct zs_stack *s, struct zs_look_pos *pos, struct zs_look_conn *v, int max)
{
	int n = 0;

	for (int places = 0; n < max && places < PLACES && settle(s, pos); places++) {
		n += look(s, pos, &v[n]);
		pos->index++;
	}
	(void)settle(s, pos); /* says whether this was the end */
	return n;
}

struct zs_look_pos zs_look_at(const struct zs_stack *s, const struct zs_ep *ep)
{
	struct zs_look_pos pos = { ZS_LOOK_KINDS, 0 };

	switch ((enum zs_ep_kind)ep->kind) {
	case ZS_EP_TCP:
		pos.kind = ZS_LOOK_TCP;
		pos.index = zs_slab_index(&s->tcp.tcbs, container_of(ep, struct zs_tcb, ep));
		break;
	case ZS_EP_LISTENER:
		pos.kind = ZS_LOOK_LISTENER;
		pos.index =
			zs_slab_index(&s->tcp.listeners, container_of(ep, struct zs_listener, ep));
		break;
	case ZS_EP_UDP:
		pos.kind = ZS_LOOK_UDP;
		pos.index = zs_udp_index(s, container_of(ep, struct zs_udp, ep));
		break;
	}
	return pos;
}

/* ---- buffers ---- */

static void hold_bytes(struct zs_look_hold *h, uint64_t bytes, uint64_t age_us)
{
	unsigned class = 0;

	while (class < ZS_AGES - 1 && age_us >= zs_look_age_us[class])
		class ++;
	h->bytes += bytes;
	h->age[class] += bytes;
}

static void hold(struct zs_look_hold *h, uint64_t bytes, uint64_t age_us)
{
	h->bufs++;
	hold_bytes(h, bytes, age_us);
}

/* Nobody knows since when. */
static void hold_ageless(struct zs_look_hold *h, uint64_t bytes)
{
	h->bufs++;
	h->bytes += bytes;
	h->unknown += bytes;
}

static uint32_t hold_sndq(const struct zs_stack *s, const struct zs_tcb *tcb,
			  struct zs_look_hold *v)
{
	uint32_t n = 0;

	for (struct rte_mbuf *m = tcb->sndq.head; m != NULL; m = zs_seg(m)->next, n++) {
		if (zs_seg(m)->tx_count > 0)
			hold(&v[ZS_HOLD_SENT], zs_pkt_truesize(m),
			     (uint32_t)s->now_us - zs_seg(m)->first_tx_us);
		else
			hold_ageless(&v[ZS_HOLD_UNSENT], zs_pkt_truesize(m));
	}
	return n;
}

static uint32_t hold_queue(const struct zs_stack *s, const struct zs_tcb *tcb,
			   const struct zs_segq *q, struct zs_look_hold *h)
{
	uint32_t n = 0;

	for (struct rte_mbuf *m = q->head; m != NULL; m = zs_seg(m)->next, n++)
		hold(h, zs_pkt_truesize(m), s->now_us - tcb->last_recv_us);
	return n;
}

/* Returns about how many buffers were looked at. */
static uint32_t hold_tcb(const struct zs_stack *s, const struct zs_tcb *tcb, struct zs_look_hold *v)
{
	if (tcb->timer.fire == NULL)
		return 0;
	hold_bytes(&v[ZS_HOLD_APP], tcb->taken_mem, s->now_us - tcb->last_recv_us);
	return hold_sndq(s, tcb, v) + hold_queue(s, tcb, &tcb->rcvq, &v[ZS_HOLD_RCVQ]) +
	       hold_queue(s, tcb, &tcb->ooo, &v[ZS_HOLD_OOO]);
}

static uint32_t hold_udp(const struct zs_udp *u, struct zs_look_hold *v)
{
	uint32_t n = 0;

	for (struct rte_mbuf *m = u->rx_head; m != NULL; m = zs_dgram(m)->next, n++)
		hold_ageless(&v[ZS_HOLD_UDP], zs_pkt_mem(m));
	return n;
}

/* What is not in the tables of endpoints. */
static void hold_rest(struct zs_stack *s, struct zs_look_hold *v)
{
	for (uint32_t i = 0; i < zs_look_neighs(s); i++) {
		struct zs_look_neigh n;

		if (zs_look_neigh(s, i, &n))
			v[ZS_HOLD_NEIGH].bufs += n.n_wait;
	}
	v[ZS_HOLD_FRAG].bytes += zs_ipfrag_mem(s);
	v[ZS_HOLD_FRAG].unknown += zs_ipfrag_mem(s);
	for (uint16_t i = 0; i <= s->n_netifs; i++) {
		const struct zs_netif *nif = &s->netif[i < s->n_netifs ? i : ZS_LOOPBACK];

		for (uint16_t j = 0; j < nif->n_txq; j++)
			hold_ageless(&v[ZS_HOLD_STAGE], zs_pkt_mem(nif->txq[j]));
	}
}

void zs_look_bufs(struct zs_stack *s, struct zs_look_pos *pos, struct zs_look_hold *v)
{
	uint32_t places = 0, buffers = 0;

	if (pos->kind == 0 && pos->index == 0)
		hold_rest(s, v);
	for (; places < PLACES && buffers < BUFFERS && settle(s, pos); places++, pos->index++) {
		if (pos->kind == ZS_LOOK_TCP)
			buffers += hold_tcb(s, zs_slab_at(&s->tcp.tcbs, pos->index), v);
		else if (pos->kind == ZS_LOOK_UDP)
			buffers += hold_udp(zs_udp_at(s, pos->index), v);
	}
	(void)settle(s, pos);
}

/* ---- neighbours ---- */

uint32_t zs_look_neighs(const struct zs_stack *s)
{
	return s->neigh->cap;
}

static uint64_t ago(const struct zs_stack *s, uint64_t at_us)
{
	return s->now_us > at_us ? s->now_us - at_us : 0;
}

bool zs_look_neigh(const struct zs_stack *s, uint32_t i, struct zs_look_neigh *out)
{
	static const char *const name[] = {
		[ZS_NS_FREE] = "FREE",	   [ZS_NS_INCOMPLETE] = "INCOMPLETE",
		[ZS_NS_STALE] = "STALE",   [ZS_NS_REACHABLE] = "REACHABLE",
		[ZS_NS_DELAY] = "DELAY",   [ZS_NS_PROBE] = "PROBE",
		[ZS_NS_FAILED] = "FAILED",
	};
	const struct zs_neigh *n = &s->neigh->neigh[i];

	if (n->state == ZS_NS_FREE)
		return false;
	*out = (struct zs_look_neigh){
		.family = n->family,
		.netif = n->netif,
		.addr = n->addr,
		.mac = n->mac,
		.state = name[n->state],
		.has_mac = zs_neigh_has_mac(n),
		.n_wait = n->n_wait,
		.confirmed_us = ago(s, n->confirmed_us),
		.used_us = ago(s, n->used_us),
	};
	return true;
}

/* ---- interfaces and routes ---- */

uint16_t zs_look_netifs(const struct zs_stack *s)
{
	return s->n_netifs;
}

const struct zs_netif *zs_look_netif(const struct zs_stack *s, uint16_t i)
{
	return &s->netif[i];
}

static const char *ip6_state(const struct zs_addr6 *a)
{
	switch ((enum zs_addr6_state)a->state) {
	case ZS_A6_TENTATIVE:
		return "tentative";
	case ZS_A6_DEPRECATED:
		return "deprecated";
	case ZS_A6_DUPLICATE:
		return "duplicate";
	case ZS_A6_PREFERRED:
	case ZS_A6_FREE:
		break;
	}
	return a->automatic ? "dynamic" : "";
}

int zs_look_ip6(const struct zs_stack *s, uint16_t i, struct zs_look_ip6 *v)
{
	const struct zs_if6 *i6 = zs_if6(s, &s->netif[i]);
	int n = 0;

	for (unsigned k = 0; i6 != NULL && k < ZS_IF6_ADDRS; k++) {
		const struct zs_addr6 *a = &i6->addr[k];

		if (a->state == ZS_A6_FREE)
			continue;
		v[n++] = (struct zs_look_ip6){
			.addr = zs_ip6_bare(&a->addr),
			.prefix = a->prefix_len,
			.state = ip6_state(a),
		};
	}
	return n;
}

uint16_t zs_look_routes(const struct zs_stack *s)
{
	return s->n_routes;
}

const struct zs_route *zs_look_route(const struct zs_stack *s, uint16_t i)
{
	return &s->routes[i];
}
