/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Routers (RFC 4861 6.3) and addresses made of their prefixes (RFC 4862 5.5): solicitations at the
 * start, advertisements and what they say of hop limit, times, MTU, prefixes on link, and who leads
 * outside. The default route goes by one router; another one takes over when its time is up or it
 * does not answer. Redirects are not followed, as for IPv4: who sends them is who may divert.
 */
#include <errno.h>

#include <rte_byteorder.h>

#include "core/zs_ip6.h"
#include "core/zs_neigh_priv.h"
#include "core/zs_parse.h"

enum {
	SOLICITS = 3,
	SOLICIT_US = 4000000,
	SOLICIT_DELAY_US = 1000000,
	REACHABLE_US = 30000000,
	REACHABLE_MAX_MS = 3600000, /* RFC 4861 6.2.1 */
	RETRANS_MIN_MS = 10,	    /* shorter ones are no router's wish */
	RETRANS_MAX_MS = 60000,
	ID_LEN = 64, /* bits of an interface identifier (RFC 2464 4) */
	TWO_HOURS = 7200,
};

static void rs_timer(struct zs_stack *s, struct zs_timer *t);
static void life_timer(struct zs_stack *s, struct zs_timer *t);

void zs_rd_init(struct zs_if6 *i)
{
	i->rs_timer.fire = rs_timer;
	i->life_timer.fire = life_timer;
}

static bool wants(const struct zs_stack *s, const struct zs_if6 *i)
{
	return i->on && !i->failed && s->cfg.netif[i->index].ip6.autoconf;
}

/* RFC 4861 6.3.2: drawn around the base, so that not all ask at once. */
void zs_rd_reachable(struct zs_stack *s, struct zs_if6 *i, uint32_t base_ms)
{
	i->reachable_base_us = base_ms == 0 ? REACHABLE_US : base_ms * 1000u;
	i->reachable_us =
		i->reachable_base_us / 2 + zs_rand_below(&s->rand, i->reachable_base_us + 1);
}

/* ---- solicitations ---- */

static void rs_timer(struct zs_stack *s, struct zs_timer *t)
{
	struct zs_if6 *i = container_of(t, struct zs_if6, rs_timer);
	struct zs_netif *nif = &s->netif[i->index];
	const struct zs_addr routers = { .b = { 0xff, 0x02, [15] = 2 } };
	struct rte_mbuf *m;

	m = zs_icmp6_alloc(s, ZS_ND_ROUTER_SOLICIT,
			   sizeof(struct zs_icmp6_hdr) + sizeof(struct zs_ndopt_mac));
	if (m != NULL) {
		struct zs_icmp6_hdr *h = rte_pktmbuf_mtod(m, struct zs_icmp6_hdr *);

		*(struct zs_ndopt_mac *)(h + 1) =
			(struct zs_ndopt_mac){ ZS_NDOPT_SOURCE, 1, nif->mac };
		zs_ip6_send_link(s, nif, m, &i->addr[0].addr, &routers, NULL, false);
	}
	if (++i->solicits < SOLICITS)
		zs_timer_set(&s->wheel, t, s->now_us + SOLICIT_US);
}

void zs_rd_start(struct zs_stack *s, struct zs_netif *nif)
{
	struct zs_if6 *i = zs_if6(s, nif);

	if (!wants(s, i) || !zs_addr6_usable(&i->addr[0]))
		return;
	i->solicits = 0;
	zs_timer_set(&s->wheel, &i->rs_timer,
		     s->now_us + zs_rand_below(&s->rand, SOLICIT_DELAY_US));
}

/* ---- lifetimes ---- */

static uint64_t until(const struct zs_stack *s, uint32_t seconds)
{
	return seconds == UINT32_MAX ? UINT64_MAX : s->now_us + (uint64_t)seconds * 1000000;
}

static void set_life_timer(struct zs_stack *s, struct zs_if6 *i)
{
	uint64_t next = UINT64_MAX;

	for (unsigned k = 0; k < ZS_IF6_ROUTERS; k++)
		if (!zs_addr_is_any(&i->router[k].addr))
			next = RTE_MIN(next, i->router[k].until_us);
	for (unsigned k = 0; k < ZS_IF6_PREFIXES; k++)
		if (!zs_addr_is_any(&i->prefix[k].prefix))
			next = RTE_MIN(next, i->prefix[k].valid_us);
	if (next == UINT64_MAX)
		zs_timer_cancel(&s->wheel, &i->life_timer);
	else
		zs_timer_set(&s->wheel, &i->life_timer, next);
}

static struct zs_route default_route(const struct zs_if6 *i, const struct zs_addr *gw)
{
	return (struct zs_route){
		.gateway = *gw,
		.family = ZS_AF_IP6,
		.netif = i->index,
		.learned = true,
	};
}

/* The route leads to the first router there is. A static one stays. */
static void choose_router(struct zs_stack *s, struct zs_if6 *i)
{
	struct zs_route r;

	if (!zs_addr_is_any(&i->gateway)) {
		r = default_route(i, &i->gateway);
		(void)zs_route_del(s, &r);
		i->gateway = (struct zs_addr){ .q = { 0, 0 } };
	}
	for (unsigned k = 0; k < ZS_IF6_ROUTERS; k++) {
		if (zs_addr_is_any(&i->router[k].addr))
			continue;
		r = default_route(i, &i->router[k].addr);
		if (zs_route_add(s, &r) == 0)
			i->gateway = i->router[k].addr;
		return;
	}
}

static void forget_router(struct zs_stack *s, struct zs_if6 *i, struct zs_router6 *r)
{
	bool chosen = zs_addr_eq(&r->addr, &i->gateway);

	r->addr = (struct zs_addr){ .q = { 0, 0 } };
	if (chosen)
		choose_router(s, i);
}

static struct zs_route prefix_route(const struct zs_if6 *i, const struct zs_prefix6 *p)
{
	return (struct zs_route){
		.prefix = p->prefix,
		.family = ZS_AF_IP6,
		.prefix_len = p->len,
		.netif = i->index,
		.learned = true,
	};
}

static void forget_prefix(struct zs_stack *s, struct zs_if6 *i, struct zs_prefix6 *p)
{
	struct zs_route r = prefix_route(i, p);

	if (p->routed)
		(void)zs_route_del(s, &r);
	*p = (struct zs_prefix6){ .len = 0 };
}

static void life_timer(struct zs_stack *s, struct zs_timer *t)
{
	struct zs_if6 *i = container_of(t, struct zs_if6, life_timer);

	for (unsigned k = 0; k < ZS_IF6_ROUTERS; k++)
		if (!zs_addr_is_any(&i->router[k].addr) && i->router[k].until_us <= s->now_us)
			forget_router(s, i, &i->router[k]);
	for (unsigned k = 0; k < ZS_IF6_PREFIXES; k++)
		if (!zs_addr_is_any(&i->prefix[k].prefix) && i->prefix[k].valid_us <= s->now_us)
			forget_prefix(s, i, &i->prefix[k]);
	set_life_timer(s, i);
}

/* ---- what an advertisement says ---- */

static void router_in(struct zs_stack *s, struct zs_if6 *i, const struct zs_addr *from,
		      uint32_t seconds)
{
	struct zs_router6 *r = NULL;

	for (unsigned k = 0; k < ZS_IF6_ROUTERS; k++) {
		if (zs_addr_eq(&i->router[k].addr, from)) {
			r = &i->router[k];
			break;
		}
		if (r == NULL && zs_addr_is_any(&i->router[k].addr))
			r = &i->router[k];
	}
	if (r == NULL)
		return;
	if (seconds == 0) {
		if (!zs_addr_is_any(&r->addr))
			forget_router(s, i, r);
		return;
	}
	r->addr = *from;
	r->until_us = until(s, seconds);
	if (zs_addr_is_any(&i->gateway))
		choose_router(s, i);
}

static void on_link_prefix(struct zs_stack *s, struct zs_if6 *i, const struct zs_addr *prefix,
			   uint8_t len, uint32_t seconds)
{
	struct zs_prefix6 *p = NULL;
	struct zs_route r;

	for (unsigned k = 0; k < ZS_IF6_PREFIXES; k++) {
		if (zs_addr_eq(&i->prefix[k].prefix, prefix) && i->prefix[k].len == len) {
			p = &i->prefix[k];
			break;
		}
		if (p == NULL && zs_addr_is_any(&i->prefix[k].prefix))
			p = &i->prefix[k];
	}
	if (p == NULL)
		return;
	if (seconds == 0) {
		if (!zs_addr_is_any(&p->prefix))
			forget_prefix(s, i, p);
		return;
	}
	if (zs_addr_is_any(&p->prefix)) {
		*p = (struct zs_prefix6){ .prefix = *prefix, .len = len };
		r = prefix_route(i, p);
		p->routed = zs_route_add(s, &r) == 0; /* not where a static one is */
	}
	p->valid_us = until(s, seconds);
}

/* RFC 4862 5.5.3 (e): who shortens lifetimes at will could take every address away. */
static uint64_t safe_valid(const struct zs_stack *s, const struct zs_addr6 *a, uint32_t seconds)
{
	uint64_t wanted = until(s, seconds);

	if (seconds > TWO_HOURS || wanted > a->valid_us)
		return wanted;
	return RTE_MIN(a->valid_us, until(s, TWO_HOURS));
}

static void automatic(struct zs_stack *s, struct zs_netif *nif, const struct zs_addr *prefix,
		      uint32_t preferred, uint32_t valid)
{
	struct zs_if6 *i = zs_if6(s, nif);
	struct zs_addr addr = *prefix;
	struct zs_addr6 *a;

	addr.q[1] = i->addr[0].addr.q[1]; /* the identifier of the link-local address */
	a = zs_addr6_find(s, nif, &addr);
	if (a == NULL && valid != 0)
		(void)zs_addr6_add(s, nif, &addr, ID_LEN, until(s, preferred), until(s, valid),
				   true); /* no room: those there are stay */
	else if (a != NULL && a->automatic)
		zs_addr6_life(s, a, until(s, preferred), safe_valid(s, a, valid));
}

static void prefix_in(struct zs_stack *s, struct zs_netif *nif, const struct zs_ndopt_prefix *o)
{
	uint32_t valid = rte_be_to_cpu_32(o->valid_be);
	uint32_t preferred = rte_be_to_cpu_32(o->preferred_be);
	struct zs_addr prefix;

	memcpy(&prefix, o->prefix, sizeof(prefix));
	if (o->prefix_len > 128 || zs_ip6_is_link_local(&prefix) || zs_ip6_is_group(&prefix))
		return;
	zs_ip6_cut(&prefix, o->prefix_len);
	if (zs_addr_is_any(&prefix))
		return;
	if (o->flags & ZS_PREFIX_ON_LINK)
		on_link_prefix(s, zs_if6(s, nif), &prefix, o->prefix_len, valid);
	if (o->flags & ZS_PREFIX_AUTO && o->prefix_len == ID_LEN && preferred <= valid)
		automatic(s, nif, &prefix, preferred, valid);
}

static void params_in(struct zs_stack *s, struct zs_if6 *i, const struct zs_ra_hdr *ra)
{
	uint32_t reachable = rte_be_to_cpu_32(ra->reachable_be);
	uint32_t retrans = rte_be_to_cpu_32(ra->retrans_be);

	if (ra->hop_limit != 0)
		i->hop_limit = ra->hop_limit;
	if (reachable != 0 && reachable <= REACHABLE_MAX_MS &&
	    reachable * 1000 != i->reachable_base_us)
		zs_rd_reachable(s, i, reachable);
	if (retrans >= RETRANS_MIN_MS && retrans <= RETRANS_MAX_MS)
		i->retrans_us = retrans * 1000;
}

static void options_in(struct zs_stack *s, struct zs_netif *nif, const uint8_t *p, uint32_t len)
{
	const struct zs_ndopt_prefix *prefix;
	const struct zs_ndopt_mtu *mtu;
	uint32_t off = 0;

	while ((prefix = zs_nd_option(p, len, &off, ZS_NDOPT_PREFIX, sizeof(*prefix))) != NULL)
		prefix_in(s, nif, prefix);
	off = 0;
	mtu = zs_nd_option(p, len, &off, ZS_NDOPT_MTU, sizeof(*mtu));
	if (mtu != NULL) {
		uint32_t v = rte_be_to_cpu_32(mtu->mtu_be);

		if (v >= ZS_IP6_MIN_MTU && v <= nif->mtu)
			zs_if6(s, nif)->mtu = (uint16_t)v;
	}
}

unsigned zs_rd_input(struct zs_stack *s, const struct rte_mbuf *m, const struct zs_pktinfo *pi)
{
	uint32_t n_opts;
	const struct zs_ra_hdr *ra = (const void *)zs_nd_message(m, pi, sizeof(*ra), &n_opts);
	const uint8_t *opts;
	struct zs_if6 *i = zs_if6(s, pi->nif);

	if (ra == NULL || !zs_ip6_is_link_local(&pi->flow.faddr))
		return ZS_DROP_ICMP_BAD;
	if (i == NULL || !wants(s, i))
		return ZS_DROP_ICMP_IGNORED;
	opts = (const uint8_t *)(ra + 1);
	zs_timer_cancel(&s->wheel, &i->rs_timer);
	params_in(s, i, ra);
	zs_nd_learn_sender(s, pi, opts, n_opts);
	router_in(s, i, &pi->flow.faddr, rte_be_to_cpu_16(ra->lifetime_be));
	options_in(s, pi->nif, opts, n_opts);
	set_life_timer(s, i);
	return ZS_DROP_COUNT;
}

/* The chosen one goes to the end of the list, or off it when it says that it is none. */
static void pass_over(struct zs_stack *s, struct zs_if6 *i, const struct zs_addr *addr, bool gone)
{
	struct zs_router6 first;
	unsigned k = 0, last = ZS_IF6_ROUTERS - 1;

	while (k <= last && !zs_addr_eq(&i->router[k].addr, addr))
		k++;
	if (k > last)
		return;
	if (gone) {
		forget_router(s, i, &i->router[k]);
		return;
	}
	first = i->router[k];
	for (; k < last; k++)
		i->router[k] = i->router[k + 1];
	i->router[last] = first;
	choose_router(s, i);
}

void zs_rd_not_router(struct zs_stack *s, struct zs_netif *nif, const struct zs_addr *addr)
{
	pass_over(s, zs_if6(s, nif), addr, true);
}

void zs_rd_unreachable(struct zs_stack *s, struct zs_netif *nif, const struct zs_addr *addr)
{
	struct zs_if6 *i = zs_if6(s, nif);

	if (i != NULL && zs_addr_eq(addr, &i->gateway))
		pass_over(s, i, addr, false);
}
