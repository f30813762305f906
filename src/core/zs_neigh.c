/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The neighbour table: which MAC address a next hop has, by the states of RFC 4861 7.3.2 for ARP
 * as for IPv6; a bounded room for packets that wait (RFC 1122 2.3.2.2, RFC 4861 7.2.2), ageing with
 * unicast probes (RFC 1122 2.3.2.1).
 *
 *   INCOMPLETE --answer--> REACHABLE --30 s--> STALE --used--> DELAY --5 s--> PROBE
 *        |  3 broadcasts       ^                 (confirmed: REACHABLE)         | 3 unicasts
 *        v                     `------------------ answer ----------------------'
 *      FAILED                                       no answer: INCOMPLETE
 */
#include <errno.h>

#include <rte_byteorder.h>

#include "core/zs_ip4.h"
#include "core/zs_ip6.h"
#include "core/zs_neigh_priv.h"

enum {
	REACHABLE_US = 30 * 1000000,
	DELAY_US = 5 * 1000000,
	UNUSED_US = 600 * 1000000, /* an entry that nobody used for so long is forgotten */
	FAILED_US = 30 * 1000000,
	IN_USE_US = 60 * 1000000, /* used within this time: never pushed out */
	WAIT_PER_NEIGH = 64,
};

static void fire(struct zs_stack *s, struct zs_timer *t);

int zs_neigh_init(struct zs_stack *s)
{
	struct zs_neigh_table *t = zs_alloc(s, sizeof(*t));
	uint32_t buckets = 16;

	if (t == NULL)
		return -ENOMEM;
	s->neigh = t;
	t->cap = s->cfg.max_neigh;
	while (buckets < t->cap)
		buckets *= 2;
	t->mask = buckets - 1;
	t->neigh = zs_alloc(s, t->cap * sizeof(*t->neigh));
	t->bucket = zs_alloc(s, buckets * sizeof(*t->bucket));
	if (t->neigh == NULL || t->bucket == NULL)
		return -ENOMEM; /* zs_neigh_fini() takes the rest apart */
	for (uint32_t i = 0; i < buckets; i++)
		zs_list_init(&t->bucket[i]);
	zs_list_init(&t->free);
	for (uint32_t i = 0; i < t->cap; i++) {
		t->neigh[i].timer.fire = fire;
		zs_list_add_tail(&t->free, &t->neigh[i].hash_link);
	}
	for (unsigned i = 0; i < ZS_NEIGH_WAIT_TOTAL; i++)
		t->wait[i].next = (uint16_t)(i + 1);
	zs_arp_init(t);
	return 0;
}

static struct zs_list *bucket_of(struct zs_stack *s, const struct zs_netif *nif, uint8_t family,
				 const struct zs_addr *addr)
{
	uint64_t h = zs_mix(s->hash_key[0] ^ addr->q[0],
			    s->hash_key[1] ^ addr->q[1] ^ nif->index ^ (uint64_t)family << 16);

	return &s->neigh->bucket[(h >> 32) & s->neigh->mask];
}

struct zs_neigh *zs_neigh_find(struct zs_stack *s, const struct zs_netif *nif, uint8_t family,
			       const struct zs_addr *addr)
{
	struct zs_list *head = bucket_of(s, nif, family, addr);

	for (struct zs_list *l = head->next; l != head; l = l->next) {
		struct zs_neigh *n = container_of(l, struct zs_neigh, hash_link);

		if (zs_addr_eq(&n->addr, addr) && n->netif == nif->index && n->family == family)
			return n;
	}
	return NULL;
}

/* ---- packets in waiting ---- */

static struct rte_mbuf *wait_pop(struct zs_neigh_table *t, struct zs_neigh *n)
{
	uint16_t i = n->wait_head;

	if (n->n_wait == 0)
		return NULL;
	n->wait_head = t->wait[i].next;
	n->n_wait--;
	t->wait[i].next = t->wait_free;
	t->wait_free = i;
	return t->wait[i].m;
}

static void wait_drop(struct zs_stack *s, struct zs_neigh *n)
{
	struct rte_mbuf *m;

	while ((m = wait_pop(s->neigh, n)) != NULL)
		zs_pkt_drop(s, m, ZS_DROP_NEIGH_FULL);
}

/* Nobody answered: who sent the packets hears of it. */
static void wait_fail(struct zs_stack *s, struct zs_neigh *n)
{
	struct rte_mbuf *m;

	while ((m = wait_pop(s->neigh, n)) != NULL) {
		if (n->family == ZS_AF_IP4)
			zs_icmp_unresolved(s, m);
		else
			zs_icmp6_unresolved(s, &s->netif[n->netif], m);
		zs_pkt_drop(s, m, ZS_DROP_NEIGH_FAILED);
	}
}

/* Consumes m. The newest packets are worth keeping (RFC 1122 2.3.2.2): the oldest gives way. */
static void wait_push(struct zs_stack *s, struct zs_neigh *n, struct rte_mbuf *m)
{
	struct zs_neigh_table *t = s->neigh;
	uint16_t i;

	if (n->n_wait > 0 && (n->n_wait == WAIT_PER_NEIGH || t->wait_free == ZS_NEIGH_WAIT_TOTAL))
		zs_pkt_drop(s, wait_pop(t, n), ZS_DROP_NEIGH_FULL);
	i = t->wait_free;
	if (i == ZS_NEIGH_WAIT_TOTAL) {
		zs_pkt_drop(s, m, ZS_DROP_NEIGH_FULL);
		return;
	}
	t->wait_free = t->wait[i].next;
	t->wait[i].m = m;
	if (n->n_wait == 0)
		n->wait_head = i;
	else
		t->wait[n->wait_tail].next = i;
	n->wait_tail = i;
	n->n_wait++;
}

static void set_dst(struct rte_mbuf *m, const struct zs_mac *mac)
{
	rte_pktmbuf_mtod(m, struct zs_eth_hdr *)->dst = *mac;
}

static void wait_send(struct zs_stack *s, struct zs_neigh *n)
{
	struct rte_mbuf *m;

	while ((m = wait_pop(s->neigh, n)) != NULL) {
		set_dst(m, &n->mac);
		zs_txq_push(s, &s->netif[n->netif], m);
	}
}

/* ---- states ---- */

/* Routers may say how patient to be (RFC 4861 6.3.4). */
static uint32_t retry_us(const struct zs_stack *s, const struct zs_neigh *n)
{
	return n->family == ZS_AF_IP4 ? (uint32_t)ZS_NEIGH_RETRY_US
				      : zs_if6(s, &s->netif[n->netif])->retrans_us;
}

static uint32_t reachable_us(const struct zs_stack *s, const struct zs_neigh *n)
{
	return n->family == ZS_AF_IP4 ? (uint32_t)REACHABLE_US
				      : zs_if6(s, &s->netif[n->netif])->reachable_us;
}

/* It does not answer. */
static void gave_up(struct zs_stack *s, struct zs_neigh *n)
{
	if (n->family == ZS_AF_IP6)
		zs_rd_unreachable(s, &s->netif[n->netif], &n->addr);
}

static void ask(struct zs_stack *s, struct zs_neigh *n)
{
	n->probes++;
	if (n->family == ZS_AF_IP4)
		zs_arp_ask(s, n, n->state == ZS_NS_PROBE);
	else
		zs_nd_ask(s, n, n->state == ZS_NS_PROBE);
	zs_timer_set(&s->wheel, &n->timer, s->now_us + retry_us(s, n));
}

static void enter(struct zs_stack *s, struct zs_neigh *n, enum zs_neigh_state to)
{
	n->state = (uint8_t)to;
	n->probes = 0;
	switch (to) {
	case ZS_NS_INCOMPLETE:
	case ZS_NS_PROBE:
		ask(s, n);
		break;
	case ZS_NS_REACHABLE:
		zs_timer_set(&s->wheel, &n->timer, n->confirmed_us + reachable_us(s, n));
		break;
	case ZS_NS_STALE:
		zs_timer_set(&s->wheel, &n->timer, s->now_us + UNUSED_US);
		break;
	case ZS_NS_DELAY:
		zs_timer_set(&s->wheel, &n->timer, s->now_us + DELAY_US);
		break;
	case ZS_NS_FAILED:
		gave_up(s, n);
		wait_fail(s, n);
		zs_timer_set(&s->wheel, &n->timer, s->now_us + FAILED_US);
		break;
	case ZS_NS_FREE:
		zs_timer_cancel(&s->wheel, &n->timer);
		zs_list_del(&n->hash_link);
		zs_list_add_head(&s->neigh->free, &n->hash_link);
		break;
	}
}

/* The address is right: an answer came, or a layer above saw progress. */
static void confirm(struct zs_stack *s, struct zs_neigh *n)
{
	n->confirmed_us = s->now_us;
	if (n->state != ZS_NS_REACHABLE)
		enter(s, n, ZS_NS_REACHABLE);
}

static void mark_used(const struct zs_stack *s, struct zs_neigh *n)
{
	n->used_us = s->now_us;
	n->used = true;
}

static void use(struct zs_stack *s, struct zs_neigh *n)
{
	mark_used(s, n);
	if (n->state == ZS_NS_STALE)
		enter(s, n, ZS_NS_DELAY);
}

static void fire(struct zs_stack *s, struct zs_timer *t)
{
	struct zs_neigh *n = container_of(t, struct zs_neigh, timer);

	switch ((enum zs_neigh_state)n->state) {
	case ZS_NS_INCOMPLETE:
		if (n->probes < ZS_NEIGH_RETRIES)
			ask(s, n);
		else
			enter(s, n, ZS_NS_FAILED);
		break;
	case ZS_NS_REACHABLE: /* confirmations only store their time */
		if (n->confirmed_us + reachable_us(s, n) > s->now_us) {
			enter(s, n, ZS_NS_REACHABLE);
			break;
		}
		/* Senders that keep the address in a template come back and mark it used. */
		s->nh_gen++;
		enter(s, n, ZS_NS_STALE);
		break;
	case ZS_NS_DELAY:
		enter(s, n, ZS_NS_PROBE);
		break;
	case ZS_NS_PROBE:
		if (n->probes < ZS_NEIGH_RETRIES) {
			ask(s, n);
			break;
		}
		s->nh_gen++;
		gave_up(s, n);
		enter(s, n, ZS_NS_INCOMPLETE);
		break;
	case ZS_NS_STALE:
	case ZS_NS_FAILED:
		enter(s, n, ZS_NS_FREE);
		break;
	case ZS_NS_FREE:
		break;
	}
}

static enum zs_neigh_cheap cheapness(const struct zs_stack *s, const struct zs_neigh *n)
{
	if (n->state == ZS_NS_FAILED || (zs_neigh_has_mac(n) && !n->used))
		return ZS_NC_WORTHLESS;
	if (n->state == ZS_NS_INCOMPLETE)
		return ZS_NC_UNRESOLVED;
	return n->used_us + IN_USE_US > s->now_us ? ZS_NC_KEEP : ZS_NC_OLD;
}

/* Frees the least useful entry that is at least as cheap as `least`. False: none is. */
static bool evict(struct zs_stack *s, enum zs_neigh_cheap least)
{
	struct zs_neigh *victim = NULL;
	enum zs_neigh_cheap best = ZS_NC_KEEP;

	for (uint32_t i = 0; i < s->neigh->cap; i++) {
		struct zs_neigh *n = &s->neigh->neigh[i];
		enum zs_neigh_cheap c = cheapness(s, n);

		if (c < least || c < best || c == ZS_NC_KEEP)
			continue;
		if (victim == NULL || c > best || n->used_us < victim->used_us) {
			victim = n;
			best = c;
		}
	}
	if (victim == NULL)
		return false;
	wait_drop(s, victim);
	if (zs_neigh_has_mac(victim))
		s->nh_gen++;
	enter(s, victim, ZS_NS_FREE);
	return true;
}

struct zs_neigh *zs_neigh_add(struct zs_stack *s, const struct zs_netif *nif, uint8_t family,
			      const struct zs_addr *addr, enum zs_neigh_cheap least)
{
	struct zs_list *node;
	struct zs_neigh *n;

	if (zs_list_empty(&s->neigh->free) && !evict(s, least))
		return NULL;
	node = zs_list_pop(&s->neigh->free);
	n = container_of(node, struct zs_neigh, hash_link);
	n->addr = *addr;
	n->family = family;
	n->netif = nif->index;
	n->used_us = s->now_us;
	n->used = false;
	n->confirmed_us = 0;
	n->n_wait = 0;
	zs_list_add_head(bucket_of(s, nif, family, addr), &n->hash_link);
	return n;
}

void zs_neigh_fini(struct zs_stack *s)
{
	struct zs_neigh_table *t = s->neigh;

	if (t == NULL)
		return;
	for (uint32_t i = 0; t->neigh != NULL && t->bucket != NULL && i < t->cap; i++) {
		struct rte_mbuf *m;

		while ((m = wait_pop(t, &t->neigh[i])) != NULL)
			rte_pktmbuf_free(m);
	}
	zs_free(s, t->bucket);
	zs_free(s, t->neigh);
	zs_free(s, t);
	s->neigh = NULL;
}

/* ---- senders ---- */

bool zs_neigh_lookup(struct zs_stack *s, struct zs_netif *nif, uint8_t family,
		     const struct zs_addr *nexthop, struct zs_mac *mac)
{
	struct zs_neigh *n = zs_neigh_find(s, nif, family, nexthop);

	if (nif->index == ZS_LOOPBACK) {
		*mac = nif->mac;
		return true;
	}
	if (n == NULL || !zs_neigh_has_mac(n))
		return false;
	use(s, n);
	*mac = n->mac;
	return true;
}

void zs_neigh_confirm(struct zs_stack *s, struct zs_netif *nif, uint8_t family,
		      const struct zs_addr *nexthop)
{
	struct zs_neigh *n = zs_neigh_find(s, nif, family, nexthop);

	if (n == NULL || !zs_neigh_has_mac(n))
		return;
	mark_used(s, n);
	confirm(s, n);
}

/* RFC 1112 6.4: the lower 23 bits of the group in 01:00:5e:00:00:00. */
static bool group_mac_ip4(const struct zs_netif *nif, uint32_t ip4_be, struct zs_mac *mac)
{
	uint32_t ip = rte_be_to_cpu_32(ip4_be);

	if (ip4_be == UINT32_MAX || ip4_be == nif->ip4_bcast_be) {
		*mac = (struct zs_mac){ { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } };
		return true;
	}
	if (ip >> 28 != 0xe)
		return false;
	*mac = (struct zs_mac){ { 0x01, 0x00, 0x5e, (ip >> 16) & 0x7f, (ip >> 8) & 0xff,
				  ip & 0xff } };
	return true;
}

/* RFC 2464 7: the last four bytes of the group in 33:33:00:00:00:00. */
static bool group_mac_ip6(const struct zs_addr *a, struct zs_mac *mac)
{
	if (!zs_ip6_is_group(a))
		return false;
	*mac = (struct zs_mac){ { 0x33, 0x33, a->b[12], a->b[13], a->b[14], a->b[15] } };
	return true;
}

static bool group_mac(const struct zs_netif *nif, uint8_t family, const struct zs_addr *a,
		      struct zs_mac *mac)
{
	return family == ZS_AF_IP4 ? group_mac_ip4(nif, a->ip4_be, mac) : group_mac_ip6(a, mac);
}

void zs_eth_output(struct zs_stack *s, struct zs_netif *nif, uint8_t family,
		   const struct zs_addr *nexthop, struct rte_mbuf *m)
{
	struct zs_neigh *n = zs_neigh_find(s, nif, family, nexthop);
	struct zs_mac mac;

	if (likely(n != NULL && zs_neigh_has_mac(n))) {
		use(s, n);
		set_dst(m, &n->mac);
		zs_txq_push(s, nif, m);
		return;
	}
	if (nif->index == ZS_LOOPBACK || group_mac(nif, family, nexthop, &mac)) {
		mac = nif->index == ZS_LOOPBACK ? nif->mac : mac;
		set_dst(m, &mac);
		zs_txq_push(s, nif, m);
		return;
	}
	if (n == NULL)
		n = zs_neigh_add(s, nif, family, nexthop, ZS_NC_OLD);
	if (unlikely(n == NULL)) {
		zs_pkt_drop(s, m, ZS_DROP_NEIGH_FULL);
		return;
	}
	mark_used(s, n);
	wait_push(s, n, m);
	if (n->state != ZS_NS_INCOMPLETE)
		enter(s, n, ZS_NS_INCOMPLETE);
}

/* ---- what is heard of them ---- */

void zs_neigh_learn(struct zs_stack *s, struct zs_neigh *n, const struct zs_mac *mac, bool known)
{
	bool changed = zs_neigh_has_mac(n) && memcmp(&n->mac, mac, sizeof(*mac)) != 0;

	if (changed)
		s->nh_gen++;
	n->mac = *mac;
	if (known)
		confirm(s, n);
	else if (changed || !zs_neigh_has_mac(n))
		enter(s, n, n->n_wait > 0 ? ZS_NS_DELAY : ZS_NS_STALE);
	wait_send(s, n);
}

void zs_neigh_doubt(struct zs_stack *s, struct zs_neigh *n)
{
	s->nh_gen++; /* who keeps the address in a template comes back, and has it confirmed */
	enter(s, n, ZS_NS_STALE);
}

bool zs_on_link(struct zs_stack *s, const struct zs_netif *nif, uint8_t family,
		const struct zs_addr *addr)
{
	struct zs_addr nexthop;

	return zs_route_lookup(s, family, addr, &nexthop) == nif && zs_addr_eq(addr, &nexthop);
}
