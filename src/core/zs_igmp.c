/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Groups of IPv4, and IGMP that tells routers and switches of them: version 3 (RFC 3376; of sources
 * nobody here is choosy: RFC 5790), and version 2 or 1 as long as a router speaks no better (7.2).
 * A change is reported at once and once more a little later (5.1); a query is answered with all
 * groups after a random part of its time (5.2).
 */
#include <errno.h>

#include <rte_byteorder.h>

#include "core/zs_groups.h"
#include "core/zs_ip4.h"
#include "core/zs_iphdr.h"
#include "core/zs_neigh.h"
#include "core/zs_parse.h"
#include "core/zs_state.h"

enum {
	ROBUSTNESS = 2, /* times that a change is reported */
	AGAIN_US = 1000000,
	OLDER_US = 260 * 1000000, /* RFC 3376 8.12: what an older router's query counts */
	TENTH_US = 100000,
	V1_RESPONSE_US = 10 * 1000000,
	NETWORK_CONTROL = 0xc0, /* RFC 3376 4: type of service */
	MODE_IS_EXCLUDE = 2,
	CHANGE_TO_INCLUDE = 3, /* of no sources: left */
	CHANGE_TO_EXCLUDE = 4, /* of no sources: joined */
	V3_QUERY_LEN = 12,     /* or more */
};

enum zs_igmp_type {
	QUERY = 0x11,
	V1_REPORT = 0x12,
	V2_REPORT = 0x16,
	V2_LEAVE = 0x17,
	V3_REPORT = 0x22,
};

struct record {
	uint8_t type, aux_len;
	uint16_t n_sources_be;
	uint32_t group_be;
} ZS_WIRE;
_Static_assert(sizeof(struct record) == 8, "group record");

struct group4 {
	uint32_t addr_be;
	uint16_t users;	 /* 0 = left; and free when that needs no more reports */
	uint8_t reports; /* still to be sent of its beginning or end */
};

struct if4 {
	struct group4 group[ZS_IF4_GROUPS];
	struct zs_timer timer; /* for whichever comes first: changes, or the answer to a query */
	uint64_t v1_until_us, v2_until_us; /* a router speaks that version */
	uint64_t answer_us; /* when all groups are reported, in answer to a query; 0 = not */
	uint16_t index;
};

struct zs_igmp_table {
	struct if4 nif[ZS_MAX_PORTS];
};

static void igmp_timer(struct zs_stack *s, struct zs_timer *t);

int zs_igmp_init(struct zs_stack *s)
{
	s->igmp = zs_alloc(s, sizeof(*s->igmp));
	if (s->igmp == NULL)
		return -ENOMEM;
	for (unsigned i = 0; i < ZS_MAX_PORTS; i++) {
		s->igmp->nif[i].index = (uint16_t)i;
		s->igmp->nif[i].timer.fire = igmp_timer;
	}
	return 0;
}

void zs_igmp_fini(struct zs_stack *s)
{
	zs_free(s, s->igmp);
	s->igmp = NULL;
}

static struct if4 *if4(const struct zs_stack *s, const struct zs_netif *nif)
{
	return nif->index == ZS_LOOPBACK ? NULL : &s->igmp->nif[nif->index];
}

static uint32_t group_be(uint8_t last)
{
	return rte_cpu_to_be_32(0xe0000000u | last);
}

/* Routers know that all listen there (RFC 3376 6). */
static bool is_all_systems(uint32_t addr_be)
{
	return addr_be == group_be(1);
}

static struct group4 *find(struct if4 *i, uint32_t addr_be)
{
	for (unsigned k = 0; k < ZS_IF4_GROUPS; k++)
		if (i->group[k].users > 0 && i->group[k].addr_be == addr_be)
			return &i->group[k];
	return NULL;
}

bool zs_group4_member(const struct zs_stack *s, const struct zs_netif *nif, uint32_t addr_be)
{
	struct if4 *i = if4(s, nif);

	return is_all_systems(addr_be) || (i != NULL && find(i, addr_be) != NULL);
}

/* RFC 1112 6.4 */
static struct zs_mac mac_of(uint32_t addr_be)
{
	uint32_t ip = rte_be_to_cpu_32(addr_be);

	return (struct zs_mac){ { 0x01, 0x00, 0x5e, (ip >> 16) & 0x7f, (ip >> 8) & 0xff,
				  ip & 0xff } };
}

/* Where nothing was joined nobody has to hear queries. */
unsigned zs_igmp_macs(const struct zs_stack *s, const struct zs_netif *nif, struct zs_mac *macs)
{
	const struct if4 *i = if4(s, nif);
	unsigned n = 0;

	for (unsigned k = 0; i != NULL && k < ZS_IF4_GROUPS; k++)
		if (i->group[k].users > 0)
			macs[n++] = mac_of(i->group[k].addr_be);
	if (n > 0)
		macs[n++] = mac_of(group_be(1));
	return n;
}

/* ---- messages ---- */

/* Consumes m, an IGMP message. IPv4 header with a router alert (RFC 2113), TTL 1. */
static void send_message(struct zs_stack *s, struct zs_netif *nif, struct rte_mbuf *m,
			 uint32_t dst_be)
{
	struct {
		struct zs_ip4_hdr ip;
		uint8_t alert[4];
	} ZS_WIRE h = {
		.ip = {
			.ver_ihl = 0x46,
			.tos = NETWORK_CONTROL,
			.len_be = rte_cpu_to_be_16((uint16_t)(sizeof(h) + m->pkt_len)),
			.frag_be = rte_cpu_to_be_16(ZS_IP4_DF),
			.ttl = 1,
			.proto = ZS_PROTO_IGMP,
			.src_be = nif->ip4_be,
			.dst_be = dst_be,
		},
		.alert = { 0x94, 4, 0, 0 },
	};
	struct zs_addr dst = zs_addr_ip4(dst_be);
	const struct zs_mac unknown = { { 0 } };
	struct zs_igmp_hdr *igmp = rte_pktmbuf_mtod(m, struct zs_igmp_hdr *);
	char *front;

	igmp->cksum = zs_cksum_finish(zs_pkt_sum(m, 0, m->pkt_len));
	front = rte_pktmbuf_prepend(m, sizeof(struct zs_eth_hdr) + sizeof(h));
	if (front == NULL) {
		zs_pkt_drop(s, m, ZS_DROP_NO_MBUF);
		return;
	}
	h.ip.cksum = zs_cksum_finish(zs_cksum_raw(&h, sizeof(h)));
	zs_eth_put((uint8_t *)front, nif, &unknown, ZS_AF_IP4);
	memcpy(front + sizeof(struct zs_eth_hdr), &h, sizeof(h));
	m->l2_len = sizeof(struct zs_eth_hdr);
	m->l3_len = sizeof(h);
	m->l4_len = 0;
	zs_eth_output(s, nif, ZS_AF_IP4, &dst, m);
}

/* An empty message of a type; NULL (counted): the next query asks again. */
static struct rte_mbuf *new_message(struct zs_stack *s, uint8_t type, uint32_t param_be)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(s->env.pkt_pool);
	struct zs_igmp_hdr *h;

	if (m == NULL) {
		s->stats.drops[ZS_DROP_NO_MBUF]++;
		return NULL;
	}
	h = (struct zs_igmp_hdr *)rte_pktmbuf_append(m, sizeof(*h));
	*h = (struct zs_igmp_hdr){ .type = type, .param_be = param_be };
	return m;
}

/* ---- reports ---- */

static void send_v3(struct zs_stack *s, struct zs_netif *nif, const struct record *r, uint16_t n)
{
	const unsigned V3_ROUTERS = 22;
	struct rte_mbuf *m = new_message(s, V3_REPORT, rte_cpu_to_be_32(n));

	if (m == NULL)
		return;
	memcpy(rte_pktmbuf_append(m, (uint16_t)(n * sizeof(*r))), r, n * sizeof(*r));
	send_message(s, nif, m, group_be(V3_ROUTERS));
}

static void send_old(struct zs_stack *s, struct zs_netif *nif, uint8_t type, uint32_t addr_be,
		     uint32_t dst_be)
{
	struct rte_mbuf *m = new_message(s, type, addr_be);

	if (m != NULL)
		send_message(s, nif, m, dst_be);
}

/* What the router understands: the type of a report. */
static uint8_t report_type(const struct zs_stack *s, const struct if4 *i)
{
	if (i->v1_until_us > s->now_us)
		return V1_REPORT;
	return i->v2_until_us > s->now_us ? V2_REPORT : V3_REPORT;
}

static struct record record(uint8_t type, uint32_t addr_be)
{
	return (struct record){ .type = type, .group_be = addr_be };
}

static uint8_t record_type(const struct group4 *g, bool all)
{
	if (all)
		return MODE_IS_EXCLUDE;
	return g->users > 0 ? CHANGE_TO_EXCLUDE : CHANGE_TO_INCLUDE;
}

static void report_again(struct zs_stack *s, struct if4 *i)
{
	zs_timer_set_by(&s->wheel, &i->timer, s->now_us + 1 + zs_rand_below(&s->rand, AGAIN_US));
}

/* What is still to be said of changes, or of all groups. */
static void report_groups(struct zs_stack *s, struct zs_netif *nif, bool all)
{
	struct if4 *i = if4(s, nif);
	uint8_t type = report_type(s, i);
	struct record r[ZS_IF4_GROUPS];
	bool more = false;
	uint16_t n = 0;

	for (unsigned k = 0; k < ZS_IF4_GROUPS; k++) {
		struct group4 *g = &i->group[k];

		if (is_all_systems(g->addr_be))
			continue;
		more |= g->reports > (all ? 0 : 1);
		if ((all ? g->users : g->reports) == 0)
			continue;
		if (!all)
			g->reports--;
		if (type == V3_REPORT)
			r[n++] = record(record_type(g, all), g->addr_be);
		else if (g->users > 0) /* older versions leave once */
			send_old(s, nif, type, g->addr_be, g->addr_be);
	}
	if (n > 0)
		send_v3(s, nif, r, n);
	if (more)
		report_again(s, i);
}

static void igmp_timer(struct zs_stack *s, struct zs_timer *t)
{
	struct if4 *i = container_of(t, struct if4, timer);
	bool all = i->answer_us != 0 && i->answer_us <= s->now_us;

	if (all)
		i->answer_us = 0;
	report_groups(s, &s->netif[i->index], all);
	if (i->answer_us != 0)
		zs_timer_set_by(&s->wheel, &i->timer, i->answer_us);
}

/* Changes of one instant go together. */
static void report_soon(struct zs_stack *s, struct if4 *i)
{
	zs_timer_set_by(&s->wheel, &i->timer, s->now_us + 1);
}

void zs_igmp_restart(struct zs_stack *s, struct zs_netif *nif)
{
	struct if4 *i = if4(s, nif);
	bool any = false;

	for (unsigned k = 0; i != NULL && k < ZS_IF4_GROUPS; k++) {
		if (i->group[k].users == 0)
			continue;
		i->group[k].reports = ROBUSTNESS;
		any = true;
	}
	if (any)
		report_soon(s, i);
}

/* ---- membership ---- */

/* Where the group is, or was, or what is free, or needs one report less; NULL: no room. */
static struct group4 *place(struct if4 *i, uint32_t addr_be)
{
	struct group4 *best = NULL;

	for (unsigned k = 0; k < ZS_IF4_GROUPS; k++) {
		struct group4 *g = &i->group[k];

		if (g->users + g->reports > 0 && g->addr_be == addr_be)
			return g;
		if (g->users == 0 && (best == NULL || g->reports < best->reports))
			best = g;
	}
	return best;
}

int zs_group4_join(struct zs_stack *s, struct zs_netif *nif, uint32_t addr_be)
{
	struct if4 *i = if4(s, nif);
	struct group4 *g;

	if (i == NULL || rte_be_to_cpu_32(addr_be) >> 28 != 0xe)
		return -EINVAL;
	g = place(i, addr_be);
	if (g == NULL)
		return -ENOSPC;
	if (g->users > 0) {
		g->users++;
		return 0;
	}
	*g = (struct group4){ .addr_be = addr_be, .users = 1, .reports = ROBUSTNESS };
	zs_groups_tell(s, nif);
	if (!is_all_systems(addr_be))
		report_soon(s, i);
	return 0;
}

static void say_left(struct zs_stack *s, struct zs_netif *nif, struct group4 *g)
{
	const unsigned ALL_ROUTERS = 2;
	struct record r = record(CHANGE_TO_INCLUDE, g->addr_be);
	struct if4 *i = if4(s, nif);

	switch (report_type(s, i)) {
	case V3_REPORT:
		send_v3(s, nif, &r, 1);
		g->reports = ROBUSTNESS - 1;
		report_again(s, i);
		break;
	case V2_REPORT:
		send_old(s, nif, V2_LEAVE, g->addr_be, group_be(ALL_ROUTERS));
		break;
	default: /* version 1 leaves in silence */
		break;
	}
}

void zs_group4_leave(struct zs_stack *s, struct zs_netif *nif, uint32_t addr_be)
{
	struct if4 *i = if4(s, nif);
	struct group4 *g = i == NULL ? NULL : find(i, addr_be);

	if (g == NULL || --g->users > 0)
		return;
	g->reports = 0;
	zs_groups_tell(s, nif);
	if (!is_all_systems(addr_be))
		say_left(s, nif, g);
}

/* ---- queries ---- */

/* RFC 3376 4.1.1: up to 127 as it is, then as a mantissa with an exponent; in tenths of a second.
 */
static uint32_t response_us(uint8_t code)
{
	const unsigned LIMIT = 0x80;

	if (code < LIMIT)
		return code * (uint32_t)TENTH_US;
	return (((code & 0xfu) | 0x10u) << (((code >> 4) & 7) + 3)) * (uint32_t)TENTH_US;
}

/* RFC 3376 7.2.1: what was still to be said in another version. */
static void cancel_reports(struct if4 *i)
{
	i->answer_us = 0;
	for (unsigned k = 0; k < ZS_IF4_GROUPS; k++)
		i->group[k].reports = 0;
}

static void input_query(struct zs_stack *s, struct if4 *i, const struct zs_igmp_hdr *h,
			uint32_t len)
{
	uint8_t before = report_type(s, i);
	uint32_t us = response_us(h->code);
	uint64_t at;

	if (len < V3_QUERY_LEN) { /* RFC 3376 7.1 */
		if (h->code == 0) {
			i->v1_until_us = s->now_us + OLDER_US;
			us = V1_RESPONSE_US;
		} else {
			i->v2_until_us = s->now_us + OLDER_US;
		}
	}
	if (report_type(s, i) != before)
		cancel_reports(i);
	at = s->now_us + 1 + zs_rand_below(&s->rand, us + 1);
	if (i->answer_us == 0 || at < i->answer_us)
		i->answer_us = at;
	zs_timer_set_by(&s->wheel, &i->timer, at);
}

void zs_igmp_input(struct zs_stack *s, struct rte_mbuf *m, const struct zs_pktinfo *pi)
{
	const struct zs_igmp_hdr *h =
		rte_pktmbuf_mtod_offset(m, const struct zs_igmp_hdr *, pi->l4_off);
	struct if4 *i = if4(s, pi->nif);

	if (i == NULL || pi->data_len < sizeof(*h) || m->data_len < pi->l4_off + sizeof(*h) ||
	    (h->type == QUERY && pi->data_len > sizeof(*h) && pi->data_len < V3_QUERY_LEN) ||
	    zs_cksum_fold(zs_pkt_sum(m, pi->l4_off, pi->data_len)) != 0xffff) {
		zs_pkt_drop(s, m, ZS_DROP_ICMP_BAD);
		return;
	}
	/* What other hosts say of themselves is for routers. */
	if (h->type == QUERY)
		input_query(s, i, h, pi->data_len);
	rte_pktmbuf_free(m);
}
