/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * IPv6 addresses of interfaces: link-local ones made of MAC addresses (RFC 4291 app. A), static and
 * automatic ones, their lifetimes (RFC 4862 5.5.4), and duplicate address detection before an
 * address is used (5.4). Which of them a packet comes from: RFC 6724.
 */
#include "core/zs_ip6.h"

#include <errno.h>

#include "core/zs_loopback.h"
#include "core/zs_neigh.h"

enum { DAD_DELAY_US = 1000000 /* RFC 4861 10: MAX_RTR_SOLICITATION_DELAY, RETRANS_TIMER */ };

static void addr_timer(struct zs_stack *s, struct zs_timer *t);

int zs_ip6_init(struct zs_stack *s)
{
	int rc = zs_pmtu_init(s);

	if (rc < 0)
		return rc;
	s->ip6 = zs_alloc(s, sizeof(*s->ip6));
	if (s->ip6 == NULL)
		return -ENOMEM;
	s->ip6->frag_id = (uint32_t)zs_rand_u64(&s->rand);
	for (unsigned i = 0; i < ZS_MAX_PORTS; i++) {
		struct zs_if6 *i6 = &s->ip6->nif[i];

		i6->index = (uint16_t)i;
		for (unsigned k = 0; k < ZS_IF6_ADDRS; k++)
			i6->addr[k].timer.fire = addr_timer;
		zs_rd_init(i6);
		zs_mld_init(i6);
	}
	return 0;
}

void zs_ip6_fini(struct zs_stack *s)
{
	zs_pmtu_fini(s);
	zs_free(s, s->ip6);
	s->ip6 = NULL;
}

struct zs_if6 *zs_if6(const struct zs_stack *s, const struct zs_netif *nif)
{
	return nif->ip6 ? &s->ip6->nif[nif->index] : NULL;
}

bool zs_addr6_usable(const struct zs_addr6 *a)
{
	return a->state == ZS_A6_PREFERRED || a->state == ZS_A6_DEPRECATED;
}

struct zs_addr6 *zs_addr6_find(const struct zs_stack *s, const struct zs_netif *nif,
			       const struct zs_addr *addr)
{
	struct zs_if6 *i = zs_if6(s, nif);

	for (unsigned k = 0; i != NULL && k < ZS_IF6_ADDRS; k++)
		if (i->addr[k].state != ZS_A6_FREE && zs_addr_eq(&i->addr[k].addr, addr))
			return &i->addr[k];
	return NULL;
}

bool zs_is_own_ip6(const struct zs_stack *s, const struct zs_addr *addr)
{
	for (uint16_t i = 0; i < s->n_netifs; i++) {
		const struct zs_addr6 *a = zs_addr6_find(s, &s->netif[i], addr);

		if (a != NULL && zs_addr6_usable(a))
			return true;
	}
	return zs_ip6_is_loopback(addr);
}

/* ---- duplicate address detection ---- */

/* When the address is to be looked at again. */
static void schedule(struct zs_stack *s, struct zs_addr6 *a)
{
	uint64_t next = a->state == ZS_A6_PREFERRED ? a->preferred_us : a->valid_us;

	if (next == UINT64_MAX)
		zs_timer_cancel(&s->wheel, &a->timer);
	else
		zs_timer_set(&s->wheel, &a->timer, next);
}

/* Nobody objected. */
static void take(struct zs_stack *s, struct zs_netif *nif, struct zs_addr6 *a)
{
	a->state = a->preferred_us > s->now_us ? ZS_A6_PREFERRED : ZS_A6_DEPRECATED;
	s->nh_gen++;
	schedule(s, a);
	if (a == &zs_if6(s, nif)->addr[0]) {
		zs_rd_start(s, nif);
		zs_mld_restart(s, nif); /* until now reports came from nobody (RFC 3590 4) */
	}
}

static void start_dad(struct zs_stack *s, struct zs_netif *nif, struct zs_addr6 *a)
{
	a->probes = 0;
	if (s->cfg.netif[nif->index].ip6.dad_probes == 0) {
		take(s, nif, a);
		return;
	}
	a->state = ZS_A6_TENTATIVE;
	/* RFC 4862 5.4.2: who starts together does not speak together */
	zs_timer_set(&s->wheel, &a->timer, s->now_us + zs_rand_below(&s->rand, DAD_DELAY_US));
}

static void dad_step(struct zs_stack *s, struct zs_netif *nif, struct zs_addr6 *a)
{
	if (a->probes >= s->cfg.netif[nif->index].ip6.dad_probes) {
		take(s, nif, a);
		return;
	}
	a->probes++;
	zs_nd_probe(s, nif, &a->addr);
	zs_timer_set(&s->wheel, &a->timer, s->now_us + zs_if6(s, nif)->retrans_us);
}

void zs_dad_failed(struct zs_stack *s, struct zs_netif *nif, struct zs_addr6 *a)
{
	s->stats.nd_conflicts++;
	zs_timer_cancel(&s->wheel, &a->timer);
	a->state = ZS_A6_DUPLICATE;
	if (a == &zs_if6(s, nif)->addr[0]) /* RFC 4862 5.4.5: made of a MAC address that is not */
		zs_if6(s, nif)->failed = true;
}

/* ---- coming and going ---- */

static struct zs_netif *netif_of(struct zs_stack *s, const struct zs_addr6 *a)
{
	for (uint16_t i = 0; i < s->n_netifs; i++) {
		const struct zs_if6 *i6 = &s->ip6->nif[i];

		if (a >= i6->addr && a < i6->addr + ZS_IF6_ADDRS)
			return &s->netif[i];
	}
	return NULL;
}

static void addr_timer(struct zs_stack *s, struct zs_timer *t)
{
	struct zs_addr6 *a = container_of(t, struct zs_addr6, timer);
	struct zs_netif *nif = netif_of(s, a);

	switch ((enum zs_addr6_state)a->state) {
	case ZS_A6_TENTATIVE:
		dad_step(s, nif, a);
		break;
	case ZS_A6_PREFERRED:
	case ZS_A6_DEPRECATED:
		if (a->valid_us <= s->now_us) {
			zs_addr6_del(s, nif, a);
			break;
		}
		a->state = a->preferred_us > s->now_us ? ZS_A6_PREFERRED : ZS_A6_DEPRECATED;
		schedule(s, a);
		break;
	case ZS_A6_DUPLICATE:
	case ZS_A6_FREE:
		break;
	}
}

void zs_addr6_life(struct zs_stack *s, struct zs_addr6 *a, uint64_t preferred_us, uint64_t valid_us)
{
	a->preferred_us = preferred_us;
	a->valid_us = valid_us;
	if (zs_addr6_usable(a)) {
		a->state = preferred_us > s->now_us ? ZS_A6_PREFERRED : ZS_A6_DEPRECATED;
		schedule(s, a);
	}
}

int zs_addr6_add(struct zs_stack *s, struct zs_netif *nif, const struct zs_addr *addr,
		 uint8_t prefix_len, uint64_t preferred_us, uint64_t valid_us, bool automatic)
{
	struct zs_if6 *i = zs_if6(s, nif);
	const struct zs_addr group = zs_ip6_solicited_node(addr);
	struct zs_addr6 *a = NULL;
	int rc;

	for (unsigned k = 0; a == NULL && k < ZS_IF6_ADDRS; k++)
		if (i->addr[k].state == ZS_A6_FREE)
			a = &i->addr[k];
	if (a == NULL)
		return -ENOSPC;
	rc = zs_group6_join(s, nif, &group);
	if (rc < 0)
		return rc;
	a->addr = *addr;
	zs_ip6_set_zone(&a->addr, nif->index + 1u);
	a->prefix_len = prefix_len;
	a->preferred_us = preferred_us;
	a->valid_us = valid_us;
	a->automatic = automatic;
	start_dad(s, nif, a);
	return 0;
}

void zs_addr6_del(struct zs_stack *s, struct zs_netif *nif, struct zs_addr6 *a)
{
	const struct zs_addr group = zs_ip6_solicited_node(&a->addr);

	zs_timer_cancel(&s->wheel, &a->timer);
	a->state = ZS_A6_FREE;
	zs_group6_leave(s, nif, &group);
	s->nh_gen++;
}

/* RFC 4291 app. A: the universal bit is the other way round than in the MAC address. */
static struct zs_addr link_local(const struct zs_mac *mac)
{
	const uint8_t *m = mac->b;

	return (struct zs_addr){ .b = { 0xfe, 0x80, [8] = m[0] ^ 2, m[1], m[2], 0xff, 0xfe, m[3],
					m[4], m[5] } };
}

static int add_route(struct zs_stack *s, const struct zs_netif *nif, const struct zs_addr *prefix,
		     uint8_t len, const struct zs_addr *gw)
{
	struct zs_route r = {
		.prefix = *prefix,
		.gateway = *gw,
		.family = ZS_AF_IP6,
		.prefix_len = len,
		.netif = nif->index,
	};
	int rc = zs_route_add(s, &r);

	return rc == -EEXIST ? 0 : rc;
}

static int add_static(struct zs_stack *s, struct zs_netif *nif, const struct zs_ip6_config *cfg)
{
	const struct zs_addr any = { .q = { 0, 0 } };
	struct zs_addr gw = cfg->gw;
	int rc = 0;

	for (unsigned i = 0; rc == 0 && i < cfg->n_addr; i++) {
		const struct zs_addr *a = &cfg->addr[i];

		if (cfg->prefix[i] > 128 || zs_addr_is_any(a) || zs_ip6_is_group(a) ||
		    zs_ip6_is_loopback(a) || zs_ip6_is_mapped(a))
			return -EINVAL;
		rc = zs_addr6_add(s, nif, a, cfg->prefix[i], UINT64_MAX, UINT64_MAX, false);
		if (rc == 0 && !zs_ip6_is_link_local(a))
			rc = add_route(s, nif, a, cfg->prefix[i], &any);
	}
	if (rc == 0 && !zs_addr_is_any(&gw)) {
		zs_ip6_set_zone(&gw, nif->index + 1u);
		rc = add_route(s, nif, &any, 0, &gw);
	}
	return rc;
}

int zs_ip6_config(struct zs_stack *s, struct zs_netif *nif, const struct zs_ip6_config *cfg)
{
	struct zs_addr ll = link_local(&nif->mac), net = { .b = { 0xfe, 0x80 } };
	const struct zs_addr any = { .q = { 0, 0 } };
	struct zs_if6 *i = &s->ip6->nif[nif->index];
	int rc;

	if (!cfg->on)
		return 0;
	if (nif->mtu < ZS_IP6_MIN_MTU || cfg->n_addr > ZS_IP6_STATIC)
		return -EINVAL;
	nif->ip6 = true;
	i->on = true;
	i->retrans_us = DAD_DELAY_US;
	zs_rd_reachable(s, i, 0);
	zs_ip6_set_zone(&net, nif->index + 1u);
	rc = add_route(s, nif, &net, 64, &any);
	if (rc == 0)
		rc = zs_addr6_add(s, nif, &ll, 64, UINT64_MAX, UINT64_MAX, false);
	return rc < 0 ? rc : add_static(s, nif, cfg);
}

void zs_ip6_link_up(struct zs_stack *s, struct zs_netif *nif)
{
	struct zs_if6 *i = zs_if6(s, nif);

	if (i == NULL)
		return;
	i->failed = false;
	zs_mld_restart(s, nif);
	for (unsigned k = 0; k < ZS_IF6_ADDRS; k++) {
		struct zs_addr6 *a = &i->addr[k];

		/* What is in use stays: a link that flaps is not another one, most of the time. */
		if (a->state == ZS_A6_DUPLICATE)
			start_dad(s, nif, a);
		else if (zs_addr6_usable(a))
			zs_nd_announce(s, nif, &a->addr);
	}
	zs_rd_start(s, nif);
}

/* ---- RFC 6724: which address ---- */

/* Policy table of 2.1: which kinds of addresses belong together. */
static unsigned label(const struct zs_addr *a)
{
	static const struct {
		uint8_t prefix[4], bits, label;
	} table[] = {
		{ { 0x20, 0x02 }, 16, 2 },	       /* 6to4 */
		{ { 0x20, 0x01, 0x00, 0x00 }, 32, 5 }, /* Teredo */
		{ { 0xfc }, 7, 13 },		       /* unique local */
		{ { 0xfe, 0xc0 }, 10, 11 },	       /* site-local of old */
	};

	if (zs_ip6_is_loopback(a))
		return 0;
	for (unsigned i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct zs_addr p = { .q = { 0, 0 } };

		memcpy(p.b, table[i].prefix, sizeof(table[i].prefix));
		if (zs_ip6_common(a, &p) >= table[i].bits)
			return table[i].label;
	}
	return 1;
}

/* Rule 2: the smallest scope that still reaches the destination, else the largest. */
static int scope_cmp(const struct zs_addr *a, const struct zs_addr *b, unsigned dst)
{
	unsigned sa = zs_ip6_scope(a), sb = zs_ip6_scope(b);

	if (sa == sb)
		return 0;
	if (sa < sb)
		return sa < dst ? -1 : 1;
	return sb < dst ? 1 : -1;
}

/* > 0: a is the better source. Both are of the interface that the packet leaves by (rule 5). */
static int better(const struct zs_addr6 *a, const struct zs_addr6 *b, const struct zs_addr *dst)
{
	int n = zs_addr_eq(&a->addr, dst) - zs_addr_eq(&b->addr, dst); /* 1 */
	unsigned ca, cb;

	if (n == 0)
		n = scope_cmp(&a->addr, &b->addr, zs_ip6_scope(dst)); /* 2 */
	if (n == 0)						      /* 3 */
		n = (a->state == ZS_A6_PREFERRED) - (b->state == ZS_A6_PREFERRED);
	if (n == 0) /* 6 */
		n = (label(&a->addr) == label(dst)) - (label(&b->addr) == label(dst));
	if (n != 0)
		return n;
	ca = zs_ip6_common(&a->addr, dst); /* 8 */
	cb = zs_ip6_common(&b->addr, dst);
	return (int)RTE_MIN(ca, (unsigned)a->prefix_len) -
	       (int)RTE_MIN(cb, (unsigned)b->prefix_len);
}

bool zs_source_ip6(const struct zs_stack *s, const struct zs_netif *nif, const struct zs_addr *dst,
		   struct zs_addr *src)
{
	const struct zs_if6 *i = zs_if6(s, nif);
	const struct zs_addr6 *best = NULL;

	if (nif->index == ZS_LOOPBACK) {
		*src = *dst;
		return true;
	}
	for (unsigned k = 0; i != NULL && k < ZS_IF6_ADDRS; k++) {
		const struct zs_addr6 *a = &i->addr[k];

		if (zs_addr6_usable(a) && (best == NULL || better(a, best, dst) > 0))
			best = a;
	}
	if (best != NULL)
		*src = best->addr;
	return best != NULL;
}
