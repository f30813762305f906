/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The neighbour table: ARP (RFC 826) with the states that RFC 4861 7.3.2 made customary, a bounded
 * room for packets that wait (RFC 1122 2.3.2.2), ageing with unicast probes (RFC 1122 2.3.2.1), and
 * conflict detection with a bounded defence (RFC 5227 2.4).
 *
 *   INCOMPLETE --answer--> REACHABLE --30 s--> STALE --used--> DELAY --5 s--> PROBE
 *        |  3 broadcasts       ^                 (confirmed: REACHABLE)         | 3 unicasts
 *        v                     `------------------ answer ----------------------'
 *      FAILED                                       no answer: INCOMPLETE
 *
 * Whom we believe: a request that asks for us teaches its sender's address; an answer teaches only
 * what we asked for; an announcement (gratuitous ARP) changes an entry that exists; nothing else
 * does. A copy of what another stack received (ZS_PKT_NEWS) teaches, and is answered by that one.
 */
#include "core/zs_neigh.h"

#include <errno.h>

#include <rte_byteorder.h>

#include "core/zs_parse.h"
#include "core/zs_state.h"

enum {
	RETRIES = 3,
	RETRY_US = 1000000,
	REACHABLE_US = 30 * 1000000,
	DELAY_US = 5 * 1000000,
	UNUSED_US = 600 * 1000000, /* an entry that nobody used for so long is forgotten */
	FAILED_US = 30 * 1000000,
	IN_USE_US = 60 * 1000000, /* used within this time: never pushed out */
	DEFEND_US = 10 * 1000000,
	ANNOUNCE_US = 2 * 1000000, /* from the first announcement to the second (RFC 5227 1.1) */
	WAIT_PER_NEIGH = 64,
	WAIT_TOTAL = 2048,
	FRAME_MIN = 60,
};

enum state { FREE, INCOMPLETE, REACHABLE, STALE, DELAY, PROBE, FAILED };

struct zs_neigh {
	struct zs_list hash_link; /* in a bucket, or in the free list */
	struct zs_timer timer;
	uint64_t used_us, confirmed_us;
	uint32_t ip4_be;
	struct zs_mac mac;
	uint8_t state;
	uint8_t probes; /* sent in this state */
	bool used;	/* ever; if not, learned from a request */
	uint16_t netif;
	uint16_t n_wait;
	uint16_t wait_head, wait_tail; /* in zs_neigh_table.wait */
};

/* A packet in waiting; not linked through its own memory, which belongs to its sender. */
struct waiting {
	struct rte_mbuf *m;
	uint16_t next;
};

struct zs_neigh_table {
	struct zs_neigh *neigh;
	struct zs_list *bucket;
	struct zs_list free;
	uint32_t mask, cap;
	uint16_t wait_free; /* WAIT_TOTAL = none */
	uint64_t defended_us[ZS_MAX_PORTS];
	struct zs_timer announce[ZS_MAX_PORTS]; /* by index of the interface */
	struct waiting wait[WAIT_TOTAL];
};

static void fire(struct zs_stack *s, struct zs_timer *t);
static void announce_again(struct zs_stack *s, struct zs_timer *t);

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
	for (unsigned i = 0; i < WAIT_TOTAL; i++)
		t->wait[i].next = (uint16_t)(i + 1);
	for (unsigned i = 0; i < ZS_MAX_PORTS; i++)
		t->announce[i].fire = announce_again;
	return 0;
}

static struct zs_list *bucket_of(struct zs_stack *s, const struct zs_netif *nif, uint32_t ip4_be)
{
	uint64_t h = zs_mix(s->hash_key[0] ^ ip4_be, s->hash_key[1] ^ nif->index);

	return &s->neigh->bucket[(h >> 32) & s->neigh->mask];
}

static struct zs_neigh *find(struct zs_stack *s, const struct zs_netif *nif, uint32_t ip4_be)
{
	struct zs_list *head = bucket_of(s, nif, ip4_be);

	for (struct zs_list *l = head->next; l != head; l = l->next) {
		struct zs_neigh *n = container_of(l, struct zs_neigh, hash_link);

		if (n->ip4_be == ip4_be && n->netif == nif->index)
			return n;
	}
	return NULL;
}

static bool has_mac(const struct zs_neigh *n)
{
	return n->state == REACHABLE || n->state == STALE || n->state == DELAY || n->state == PROBE;
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

static void wait_drop(struct zs_stack *s, struct zs_neigh *n, enum zs_drop why)
{
	struct rte_mbuf *m;

	while ((m = wait_pop(s->neigh, n)) != NULL)
		zs_pkt_drop(s, m, why);
}

/* Consumes m. The newest packets are worth keeping (RFC 1122 2.3.2.2): the oldest gives way. */
static void wait_push(struct zs_stack *s, struct zs_neigh *n, struct rte_mbuf *m)
{
	struct zs_neigh_table *t = s->neigh;
	uint16_t i;

	if (n->n_wait > 0 && (n->n_wait == WAIT_PER_NEIGH || t->wait_free == WAIT_TOTAL))
		zs_pkt_drop(s, wait_pop(t, n), ZS_DROP_NEIGH_FULL);
	i = t->wait_free;
	if (i == WAIT_TOTAL) {
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

/* ---- ARP packets out ---- */

static const struct zs_mac broadcast = { { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } };
static const struct zs_mac unknown = { { 0 } };

static void arp_send(struct zs_stack *s, struct zs_netif *nif, enum zs_arp_op op,
		     const struct zs_mac *dst, const struct zs_mac *tha, uint32_t tpa_be)
{
	struct rte_mbuf *m = zs_hdr_alloc(s);
	struct zs_eth_hdr *eth;
	struct zs_arp_hdr *arp;

	eth = m == NULL ? NULL : (struct zs_eth_hdr *)rte_pktmbuf_prepend(m, FRAME_MIN);
	if (unlikely(eth == NULL)) {
		zs_pkt_drop(s, m, ZS_DROP_NO_MBUF);
		return;
	}
	memset(eth, 0, FRAME_MIN);
	*eth = (struct zs_eth_hdr){ *dst, nif->mac, rte_cpu_to_be_16(ZS_ETH_ARP) };
	arp = (struct zs_arp_hdr *)(eth + 1);
	arp->htype_be = rte_cpu_to_be_16(1);
	arp->ptype_be = rte_cpu_to_be_16(ZS_ETH_IP4);
	arp->hlen = sizeof(struct zs_mac);
	arp->plen = sizeof(tpa_be);
	arp->op_be = rte_cpu_to_be_16(op);
	arp->sha = nif->mac;
	memcpy(arp->spa, &nif->ip4_be, sizeof(arp->spa));
	arp->tha = *tha;
	memcpy(arp->tpa, &tpa_be, sizeof(arp->tpa));
	m->l2_len = sizeof(*eth);
	m->l3_len = 0;
	m->l4_len = 0;
	zs_txq_push(s, nif, m);
}

void zs_arp_announce(struct zs_stack *s, struct zs_netif *nif)
{
	if (nif->ip4_be != 0)
		arp_send(s, nif, ZS_ARP_REQUEST, &broadcast, &unknown, nif->ip4_be);
}

static void announce_again(struct zs_stack *s, struct zs_timer *t)
{
	zs_arp_announce(s, &s->netif[t - s->neigh->announce]);
}

void zs_arp_link_up(struct zs_stack *s, struct zs_netif *nif)
{
	zs_arp_announce(s, nif);
	zs_timer_set(&s->wheel, &s->neigh->announce[nif->index], s->now_us + ANNOUNCE_US);
}

/* ---- states ---- */

static void ask(struct zs_stack *s, struct zs_neigh *n)
{
	const struct zs_mac *to = n->state == PROBE ? &n->mac : &broadcast;

	n->probes++;
	arp_send(s, &s->netif[n->netif], ZS_ARP_REQUEST, to, &unknown, n->ip4_be);
	zs_timer_set(&s->wheel, &n->timer, s->now_us + RETRY_US);
}

static void enter(struct zs_stack *s, struct zs_neigh *n, enum state to)
{
	n->state = (uint8_t)to;
	n->probes = 0;
	switch (to) {
	case INCOMPLETE:
	case PROBE:
		ask(s, n);
		break;
	case REACHABLE:
		zs_timer_set(&s->wheel, &n->timer, n->confirmed_us + REACHABLE_US);
		break;
	case STALE:
		zs_timer_set(&s->wheel, &n->timer, s->now_us + UNUSED_US);
		break;
	case DELAY:
		zs_timer_set(&s->wheel, &n->timer, s->now_us + DELAY_US);
		break;
	case FAILED:
		wait_drop(s, n, ZS_DROP_NEIGH_FAILED);
		zs_timer_set(&s->wheel, &n->timer, s->now_us + FAILED_US);
		break;
	case FREE:
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
	if (n->state != REACHABLE)
		enter(s, n, REACHABLE);
}

static void mark_used(const struct zs_stack *s, struct zs_neigh *n)
{
	n->used_us = s->now_us;
	n->used = true;
}

static void use(struct zs_stack *s, struct zs_neigh *n)
{
	mark_used(s, n);
	if (n->state == STALE)
		enter(s, n, DELAY);
}

static void fire(struct zs_stack *s, struct zs_timer *t)
{
	struct zs_neigh *n = container_of(t, struct zs_neigh, timer);

	switch ((enum state)n->state) {
	case INCOMPLETE:
		if (n->probes < RETRIES)
			ask(s, n);
		else
			enter(s, n, FAILED);
		break;
	case REACHABLE: /* confirmations only store their time */
		if (n->confirmed_us + REACHABLE_US > s->now_us) {
			enter(s, n, REACHABLE);
			break;
		}
		/* Senders that keep the address in a template come back and mark it used. */
		s->nh_gen++;
		enter(s, n, STALE);
		break;
	case DELAY:
		enter(s, n, PROBE);
		break;
	case PROBE:
		if (n->probes < RETRIES) {
			ask(s, n);
			break;
		}
		s->nh_gen++;
		enter(s, n, INCOMPLETE);
		break;
	case STALE:
	case FAILED:
		enter(s, n, FREE);
		break;
	case FREE:
		break;
	}
}

/*
 * How readily an entry gives way to a new one, 0 = not at all: what may be in use stays, so that
 * neither a scan from here nor requests under many names push it out.
 */
enum cheap { KEEP, OLD, UNRESOLVED, WORTHLESS };

static enum cheap cheapness(const struct zs_stack *s, const struct zs_neigh *n)
{
	if (n->state == FAILED || (has_mac(n) && !n->used))
		return WORTHLESS;
	if (n->state == INCOMPLETE)
		return UNRESOLVED;
	return n->used_us + IN_USE_US > s->now_us ? KEEP : OLD;
}

/* Frees the least useful entry that is at least as cheap as `least`. False: none is. */
static bool evict(struct zs_stack *s, enum cheap least)
{
	struct zs_neigh *victim = NULL;
	enum cheap best = KEEP;

	for (uint32_t i = 0; i < s->neigh->cap; i++) {
		struct zs_neigh *n = &s->neigh->neigh[i];
		enum cheap c = cheapness(s, n);

		if (c < least || c < best || c == KEEP)
			continue;
		if (victim == NULL || c > best || n->used_us < victim->used_us) {
			victim = n;
			best = c;
		}
	}
	if (victim == NULL)
		return false;
	wait_drop(s, victim, ZS_DROP_NEIGH_FULL);
	if (has_mac(victim))
		s->nh_gen++;
	enter(s, victim, FREE);
	return true;
}

/* An entry without a state; NULL when the table is full of better ones. */
static struct zs_neigh *add(struct zs_stack *s, const struct zs_netif *nif, uint32_t ip4_be,
			    enum cheap least)
{
	struct zs_list *node;
	struct zs_neigh *n;

	if (zs_list_empty(&s->neigh->free) && !evict(s, least))
		return NULL;
	node = zs_list_pop(&s->neigh->free);
	n = container_of(node, struct zs_neigh, hash_link);
	n->ip4_be = ip4_be;
	n->netif = nif->index;
	n->used_us = s->now_us;
	n->used = false;
	n->confirmed_us = 0;
	n->n_wait = 0;
	zs_list_add_head(bucket_of(s, nif, ip4_be), &n->hash_link);
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

bool zs_neigh_lookup(struct zs_stack *s, struct zs_netif *nif, const struct zs_addr *nexthop,
		     struct zs_mac *mac)
{
	struct zs_neigh *n = find(s, nif, nexthop->ip4_be);

	if (nif->index == ZS_LOOPBACK) {
		*mac = nif->mac;
		return true;
	}
	if (n == NULL || !has_mac(n))
		return false;
	use(s, n);
	*mac = n->mac;
	return true;
}

void zs_neigh_confirm(struct zs_stack *s, struct zs_netif *nif, const struct zs_addr *nexthop)
{
	struct zs_neigh *n = find(s, nif, nexthop->ip4_be);

	if (n == NULL || !has_mac(n))
		return;
	mark_used(s, n);
	confirm(s, n);
}

/* RFC 1112 6.4: the lower 23 bits of the group in 01:00:5e:00:00:00. */
static bool group_mac(const struct zs_netif *nif, uint32_t ip4_be, struct zs_mac *mac)
{
	uint32_t ip = rte_be_to_cpu_32(ip4_be);

	if (ip4_be == UINT32_MAX || ip4_be == nif->ip4_bcast_be) {
		*mac = broadcast;
		return true;
	}
	if (ip >> 28 != 0xe)
		return false;
	*mac = (struct zs_mac){ { 0x01, 0x00, 0x5e, (ip >> 16) & 0x7f, (ip >> 8) & 0xff,
				  ip & 0xff } };
	return true;
}

void zs_eth_output(struct zs_stack *s, struct zs_netif *nif, const struct zs_addr *nexthop,
		   struct rte_mbuf *m)
{
	uint32_t ip4_be = nexthop->ip4_be;
	struct zs_neigh *n = find(s, nif, ip4_be);
	struct zs_mac mac;

	if (likely(n != NULL && has_mac(n))) {
		use(s, n);
		set_dst(m, &n->mac);
		zs_txq_push(s, nif, m);
		return;
	}
	if (nif->index == ZS_LOOPBACK || group_mac(nif, ip4_be, &mac)) {
		mac = nif->index == ZS_LOOPBACK ? nif->mac : mac;
		set_dst(m, &mac);
		zs_txq_push(s, nif, m);
		return;
	}
	if (n == NULL)
		n = add(s, nif, ip4_be, OLD);
	if (unlikely(n == NULL)) {
		zs_pkt_drop(s, m, ZS_DROP_NEIGH_FULL);
		return;
	}
	mark_used(s, n);
	wait_push(s, n, m);
	if (n->state != INCOMPLETE)
		enter(s, n, INCOMPLETE);
}

/* ---- ARP packets in ---- */

/* Takes mac as the neighbour's address. known: by an answer to us; else only by its own word. */
static void learn(struct zs_stack *s, struct zs_neigh *n, const struct zs_mac *mac, bool known)
{
	bool changed = has_mac(n) && memcmp(&n->mac, mac, sizeof(*mac)) != 0;

	if (changed)
		s->nh_gen++;
	n->mac = *mac;
	if (known)
		confirm(s, n);
	else if (changed || !has_mac(n))
		enter(s, n, n->n_wait > 0 ? DELAY : STALE);
	wait_send(s, n);
}

/* RFC 5227 2.4 (b): keep the address, say so, but never in a duel faster than once in 10 s. */
static void defend(struct zs_stack *s, struct zs_netif *nif)
{
	uint64_t *last = &s->neigh->defended_us[nif->index];

	s->stats.arp_conflicts++;
	if (*last != 0 && s->now_us - *last < DEFEND_US)
		return;
	*last = s->now_us != 0 ? s->now_us : 1;
	zs_arp_announce(s, nif);
}

/* True for an address whose packets would go out by nif without a gateway. */
static bool on_link(struct zs_stack *s, const struct zs_netif *nif, uint32_t ip4_be)
{
	struct zs_addr a = zs_addr_ip4(ip4_be), nexthop;

	return zs_route_lookup(s, ZS_AF_IP4, &a, &nexthop) == nif && zs_addr_eq(&a, &nexthop);
}

static void request_for_us(struct zs_stack *s, struct zs_netif *nif, const struct zs_mac *sha,
			   uint32_t spa_be, bool answer)
{
	struct zs_neigh *n = find(s, nif, spa_be);

	/* A probe (RFC 5227 2.1) comes from no address: that is on no link. */
	if (n == NULL && on_link(s, nif, spa_be))
		n = add(s, nif, spa_be, WORTHLESS);
	if (n != NULL)
		learn(s, n, sha, false);
	if (answer)
		arp_send(s, nif, ZS_ARP_REPLY, sha, sha, spa_be);
}

/* Neither asks for us nor speaks in our name. False: of no use. */
static bool news(struct zs_stack *s, struct zs_netif *nif, const struct zs_arp_hdr *arp,
		 uint32_t spa_be, uint32_t tpa_be)
{
	struct zs_neigh *n = find(s, nif, spa_be);
	bool reply = arp->op_be == rte_cpu_to_be_16(ZS_ARP_REPLY);

	if (n == NULL || spa_be == 0)
		return false;
	if (reply && tpa_be == nif->ip4_be && (n->state == INCOMPLETE || n->state == PROBE)) {
		learn(s, n, &arp->sha, true);
		return true;
	}
	if (spa_be != tpa_be)
		return false;
	learn(s, n, &arp->sha, false);
	return true;
}

static bool group_or_loopback(uint32_t ip4_be)
{
	uint32_t ip = rte_be_to_cpu_32(ip4_be);

	return ip >> 28 == 0xe || ip == UINT32_MAX || ip >> 24 == 127;
}

/* Borrows m. ZS_DROP_COUNT when the packet was of use. */
static enum zs_drop arp_handle(struct zs_stack *s, const struct rte_mbuf *m,
			       const struct zs_pktinfo *pi)
{
	const struct zs_arp_hdr *arp =
		rte_pktmbuf_mtod_offset(m, const struct zs_arp_hdr *, pi->l3_off);
	struct zs_netif *nif = pi->nif;
	bool copy = (m->ol_flags & ZS_PKT_NEWS) != 0;
	uint16_t op = rte_be_to_cpu_16(arp->op_be);
	uint32_t spa_be, tpa_be;

	memcpy(&spa_be, arp->spa, sizeof(spa_be));
	memcpy(&tpa_be, arp->tpa, sizeof(tpa_be));
	if ((op != ZS_ARP_REQUEST && op != ZS_ARP_REPLY) || arp->sha.b[0] & 1 ||
	    memcmp(&arp->sha, &unknown, sizeof(unknown)) == 0 || group_or_loopback(spa_be))
		return ZS_DROP_ARP_BAD;
	if (nif->ip4_be == 0 || memcmp(&arp->sha, &nif->mac, sizeof(nif->mac)) == 0)
		return ZS_DROP_ARP_NOT_OURS;
	if (spa_be == nif->ip4_be) {
		if (!copy)
			defend(s, nif);
		return ZS_DROP_COUNT;
	}
	if (op == ZS_ARP_REQUEST && tpa_be == nif->ip4_be) {
		request_for_us(s, nif, &arp->sha, spa_be, !copy);
		return ZS_DROP_COUNT;
	}
	return news(s, nif, arp, spa_be, tpa_be) ? ZS_DROP_COUNT : ZS_DROP_ARP_NOT_OURS;
}

void zs_arp_input(struct zs_stack *s, struct rte_mbuf *m, struct zs_pktinfo *pi)
{
	enum zs_drop why = arp_handle(s, m, pi);

	if (why == ZS_DROP_COUNT || (m->ol_flags & ZS_PKT_NEWS) != 0)
		rte_pktmbuf_free(m); /* of the original the other stack keeps count */
	else
		zs_pkt_drop(s, m, why);
}
