/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The groups that this host listens to, and multicast listener discovery that tells routers and
 * switches of them: version 2 (RFC 3810; of sources nobody here is choosy: RFC 5790), and version 1
 * (RFC 2710) as long as a router speaks no better (8.2.1). A change is reported at once and once
 * more a little later (6.1); a query is answered with all groups after a random part of its time
 * (6.2). The device is told which addresses to let in.
 */
#include <errno.h>

#include <rte_byteorder.h>

#include "core/zs_groups.h"
#include "core/zs_parse.h"
#include "core/zs_state.h"

enum {
	ROBUSTNESS = 2, /* times that a change is reported */
	AGAIN_US = 1000000,
	OLDER_US = 260 * 1000000, /* RFC 3810 9.12: what an older router's query counts */
	MODE_IS_EXCLUDE = 2,
	CHANGE_TO_INCLUDE = 3, /* of no sources: left */
	CHANGE_TO_EXCLUDE = 4, /* of no sources: joined */
	V1_LEN = 24,	       /* of a message */
	V2_QUERY_LEN = 28,     /* or more */
};

struct record {
	uint8_t type, aux_len;
	uint16_t n_sources_be;
	uint8_t group[16];
} ZS_WIRE;
_Static_assert(sizeof(struct record) == 20, "multicast address record");

static void mld_timer(struct zs_stack *s, struct zs_timer *t);

void zs_mld_init(struct zs_if6 *i)
{
	i->mld_timer.fire = mld_timer;
}

/* Of the link, or of the interface itself. */
static bool is_all_nodes(const struct zs_addr *a)
{
	const struct zs_addr nodes = { .b = { 0xff, ZS_SCOPE_LINK, [15] = 1 } };
	struct zs_addr bare = zs_ip6_bare(a);

	if (bare.b[1] == ZS_SCOPE_INTERFACE)
		bare.b[1] = ZS_SCOPE_LINK;
	return zs_addr_eq(&bare, &nodes);
}

/* RFC 3810 6: no router asks for what all listen to, or what stays within a host. */
static bool is_silent(const struct zs_addr *a)
{
	return is_all_nodes(a) || zs_ip6_scope(a) < ZS_SCOPE_LINK;
}

bool zs_group6_member(const struct zs_stack *s, const struct zs_netif *nif,
		      const struct zs_addr *group)
{
	const struct zs_if6 *i = zs_if6(s, nif);

	if (i == NULL)
		return false;
	for (unsigned k = 0; k < ZS_IF6_GROUPS; k++)
		if (i->group[k].users > 0 && zs_addr_eq(&i->group[k].addr, group))
			return true;
	return is_all_nodes(group);
}

/* RFC 2464 7 */
static struct zs_mac group_mac(const struct zs_addr *a)
{
	return (struct zs_mac){ { 0x33, 0x33, a->b[12], a->b[13], a->b[14], a->b[15] } };
}

unsigned zs_mld_macs(const struct zs_stack *s, const struct zs_netif *nif, struct zs_mac *macs)
{
	const struct zs_if6 *i = zs_if6(s, nif);
	unsigned n = 0;

	if (i == NULL)
		return 0;
	macs[n++] = (struct zs_mac){ { 0x33, 0x33, 0, 0, 0, 1 } };
	for (unsigned k = 0; k < ZS_IF6_GROUPS; k++)
		if (i->group[k].users > 0)
			macs[n++] = group_mac(&i->group[k].addr);
	return n;
}

/* ---- reports ---- */

/* The link-local address, or none as long as it is tentative (RFC 3810 5.2.13). */
static struct zs_addr source(const struct zs_if6 *i)
{
	const struct zs_addr any = { .q = { 0, 0 } };

	return zs_addr6_usable(&i->addr[0]) ? i->addr[0].addr : any;
}

static void report(struct zs_stack *s, struct zs_netif *nif, const struct record *r, unsigned n)
{
	const struct zs_addr routers = { .b = { 0xff, 0x02, [15] = 0x16 } };
	const struct zs_addr src = source(zs_if6(s, nif));
	unsigned bytes = n * (unsigned)sizeof(*r);
	struct rte_mbuf *m, *body;

	/* a header buffer has no room for all of them */
	m = zs_icmp6_alloc(s, ZS_MLD2_REPORT, sizeof(struct zs_icmp6_hdr));
	body = m == NULL ? NULL : rte_pktmbuf_alloc(s->env.pkt_pool);
	if (body == NULL) {
		rte_pktmbuf_free(m);
		return; /* the next query asks again */
	}
	memcpy(rte_pktmbuf_append(body, (uint16_t)bytes), r, bytes);
	rte_pktmbuf_mtod(m, struct zs_icmp6_hdr *)->param_be = rte_cpu_to_be_32(n);
	zs_pkt_join(m, body);
	zs_ip6_send_link(s, nif, m, &src, &routers, NULL, true);
}

static bool speaks_v1(const struct zs_stack *s, const struct zs_if6 *i)
{
	return i->mld_v1_until_us > s->now_us;
}

/* ZS_MLD_REPORT or ZS_MLD_DONE. */
static void send_v1(struct zs_stack *s, struct zs_netif *nif, uint8_t type,
		    const struct zs_addr *group, const struct zs_addr *dst)
{
	const struct zs_addr src = source(zs_if6(s, nif)), bare = zs_ip6_bare(group);
	struct rte_mbuf *m = zs_icmp6_alloc(s, type, V1_LEN);

	if (m == NULL)
		return; /* the next query asks again */
	memcpy(rte_pktmbuf_mtod_offset(m, void *, sizeof(struct zs_icmp6_hdr)), &bare,
	       sizeof(bare));
	zs_ip6_send_link(s, nif, m, &src, dst, NULL, true);
}

static struct record record(uint8_t type, const struct zs_addr *group)
{
	const struct zs_addr bare = zs_ip6_bare(group);
	struct record r = { .type = type };

	memcpy(r.group, &bare, sizeof(bare));
	return r;
}

static uint8_t record_type(const struct zs_group6 *g, bool all)
{
	if (all)
		return MODE_IS_EXCLUDE;
	return g->users > 0 ? CHANGE_TO_EXCLUDE : CHANGE_TO_INCLUDE;
}

static void report_again(struct zs_stack *s, struct zs_if6 *i)
{
	zs_timer_set_by(&s->wheel, &i->mld_timer,
			s->now_us + 1 + zs_rand_below(&s->rand, AGAIN_US));
}

/* What is still to be said of changes, or of all groups. */
static void report_groups(struct zs_stack *s, struct zs_netif *nif, bool all)
{
	struct zs_if6 *i = zs_if6(s, nif);
	struct record r[ZS_IF6_GROUPS];
	bool v1 = speaks_v1(s, i), more = false;
	unsigned n = 0;

	for (unsigned k = 0; k < ZS_IF6_GROUPS; k++) {
		struct zs_group6 *g = &i->group[k];

		if (is_silent(&g->addr))
			continue;
		more |= g->reports > (all ? 0 : 1);
		if ((all ? g->users : g->reports) == 0)
			continue;
		if (!all)
			g->reports--;
		if (!v1)
			r[n++] = record(record_type(g, all), &g->addr);
		else if (g->users > 0) /* version 1 leaves once */
			send_v1(s, nif, ZS_MLD_REPORT, &g->addr, &g->addr);
	}
	if (n > 0)
		report(s, nif, r, n);
	if (more)
		report_again(s, i);
}

static void mld_timer(struct zs_stack *s, struct zs_timer *t)
{
	struct zs_if6 *i = container_of(t, struct zs_if6, mld_timer);
	bool all = i->mld_answer_us != 0 && i->mld_answer_us <= s->now_us;

	if (all)
		i->mld_answer_us = 0;
	report_groups(s, &s->netif[i->index], all);
	if (i->mld_answer_us != 0)
		zs_timer_set_by(&s->wheel, &i->mld_timer, i->mld_answer_us);
}

/* Changes of one instant go together. */
static void report_soon(struct zs_stack *s, struct zs_if6 *i)
{
	zs_timer_set_by(&s->wheel, &i->mld_timer, s->now_us + 1);
}

void zs_mld_restart(struct zs_stack *s, struct zs_netif *nif)
{
	struct zs_if6 *i = zs_if6(s, nif);

	for (unsigned k = 0; k < ZS_IF6_GROUPS; k++)
		if (i->group[k].users > 0)
			i->group[k].reports = ROBUSTNESS;
	report_soon(s, i);
}

/* ---- membership ---- */

/* Where the group is, or was, or what is free, or needs one report less; NULL: no room. */
static struct zs_group6 *place(struct zs_if6 *i, const struct zs_addr *addr)
{
	struct zs_group6 *best = NULL;

	for (unsigned k = 0; k < ZS_IF6_GROUPS; k++) {
		struct zs_group6 *g = &i->group[k];

		if (g->users + g->reports > 0 && zs_addr_eq(&g->addr, addr))
			return g;
		if (g->users == 0 && (best == NULL || g->reports < best->reports))
			best = g;
	}
	return best;
}

int zs_group6_join(struct zs_stack *s, struct zs_netif *nif, const struct zs_addr *group)
{
	struct zs_if6 *i = zs_if6(s, nif);
	struct zs_addr addr = *group;
	struct zs_group6 *g;

	if (i == NULL || !zs_ip6_is_group(group))
		return -EINVAL;
	zs_ip6_set_zone(&addr, nif->index + 1u);
	g = place(i, &addr);
	if (g == NULL)
		return -ENOSPC;
	if (g->users > 0) {
		g->users++;
		return 0;
	}
	*g = (struct zs_group6){ .addr = addr, .users = 1, .reports = ROBUSTNESS };
	zs_groups_tell(s, nif);
	if (!is_silent(&addr))
		report_soon(s, i);
	return 0;
}

static void say_left(struct zs_stack *s, struct zs_netif *nif, struct zs_group6 *g)
{
	const struct zs_addr routers = { .b = { 0xff, 0x02, [15] = 2 } };
	struct record r = record(CHANGE_TO_INCLUDE, &g->addr);
	struct zs_if6 *i = zs_if6(s, nif);

	if (speaks_v1(s, i)) {
		send_v1(s, nif, ZS_MLD_DONE, &g->addr, &routers);
		return;
	}
	report(s, nif, &r, 1);
	g->reports = ROBUSTNESS - 1;
	report_again(s, i);
}

void zs_group6_leave(struct zs_stack *s, struct zs_netif *nif, const struct zs_addr *group)
{
	struct zs_if6 *i = zs_if6(s, nif);
	struct zs_addr addr = *group;

	zs_ip6_set_zone(&addr, nif->index + 1u);
	for (unsigned k = 0; i != NULL && k < ZS_IF6_GROUPS; k++) {
		struct zs_group6 *g = &i->group[k];

		if (g->users == 0 || !zs_addr_eq(&g->addr, &addr))
			continue;
		if (--g->users > 0)
			return;
		g->reports = 0;
		if (!is_silent(&addr))
			say_left(s, nif, g);
		zs_groups_tell(s, nif);
		return;
	}
}

/* ---- queries ---- */

/* RFC 3810 5.1.3: up to 32767 as it is, then as a mantissa with an exponent; in ms. */
static uint32_t response_ms(uint16_t code)
{
	const unsigned LIMIT = 0x8000, EXP_SHIFT = 12;

	if (code < LIMIT)
		return code;
	return ((code & 0xfffu) | 0x1000u) << (((code >> EXP_SHIFT) & 7) + 3);
}

/* For messages of groups (RFC 2711 2.1), among options that are all within their header. */
static bool has_alert(const struct rte_mbuf *m, const struct zs_pktinfo *pi)
{
	static const uint8_t alert[4] = { 5, 2, 0, 0 };
	const struct zs_ip6_hdr *ip =
		rte_pktmbuf_mtod_offset(m, const struct zs_ip6_hdr *, pi->l3_off);
	const uint8_t *ext = (const uint8_t *)(ip + 1);
	uint32_t end = ip->next == ZS_EXT_HOPOPTS ? 8u * (ext[1] + 1u) : 0;

	for (uint32_t at = 2; at + sizeof(alert) <= end; at += ext[at] == 0 ? 1 : 2u + ext[at + 1])
		if (memcmp(ext + at, alert, sizeof(alert)) == 0)
			return true;
	return false;
}

/* RFC 3810 8.2.1: what was still to be said in version 2. */
static void cancel_reports(struct zs_if6 *i)
{
	i->mld_answer_us = 0;
	for (unsigned k = 0; k < ZS_IF6_GROUPS; k++)
		i->group[k].reports = 0;
}

unsigned zs_mld_input(struct zs_stack *s, const struct rte_mbuf *m, const struct zs_pktinfo *pi)
{
	const struct zs_icmp6_hdr *h =
		rte_pktmbuf_mtod_offset(m, const struct zs_icmp6_hdr *, pi->l4_off);
	struct zs_if6 *i = zs_if6(s, pi->nif);
	uint32_t len = pi->data_len + (uint32_t)sizeof(*h), ms;
	uint64_t at;

	/* RFC 3810 6.2 */
	if (i == NULL || pi->ttl != 1 || !zs_ip6_is_link_local(&pi->flow.faddr) ||
	    !has_alert(m, pi) || (len != V1_LEN && len < V2_QUERY_LEN))
		return ZS_DROP_ICMP_BAD;
	ms = rte_be_to_cpu_32(h->param_be) >> 16;
	if (len != V1_LEN) {
		ms = response_ms((uint16_t)ms);
	} else {
		if (!speaks_v1(s, i))
			cancel_reports(i);
		i->mld_v1_until_us = s->now_us + OLDER_US;
	}
	at = s->now_us + 1 + zs_rand_below(&s->rand, ms + 1) * (uint64_t)1000;
	if (i->mld_answer_us == 0 || at < i->mld_answer_us)
		i->mld_answer_us = at;
	zs_timer_set_by(&s->wheel, &i->mld_timer, at);
	return ZS_DROP_COUNT;
}
