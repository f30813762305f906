/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Neighbour discovery (RFC 4861): solicitations and advertisements, to ask for neighbours, to
 * answer for addresses of ours, and to find out that an address is somebody else's (RFC 4862 5.4).
 * The states of a neighbour are zs_neigh.c's.
 *
 * Whom we believe: messages with hop limit 255, which no router lets through. A solicitation
 * teaches its sender's address; an advertisement changes an entry that exists. A copy of what
 * another stack received (ZS_PKT_NEWS) teaches, and is answered by that one.
 */
#include <rte_byteorder.h>

#include "core/zs_ip6.h"
#include "core/zs_neigh_priv.h"
#include "core/zs_parse.h"

enum { LINK_HOPS = 255 };

/* ---- options ---- */

bool zs_nd_options_ok(const uint8_t *p, uint32_t len)
{
	uint32_t off = 0;

	while (off < len) {
		if (len - off < 2 || p[off + 1] == 0 || len - off < 8u * p[off + 1])
			return false;
		off += 8u * p[off + 1];
	}
	return true;
}

const void *zs_nd_option(const uint8_t *p, uint32_t len, uint32_t *off, uint8_t type, uint32_t size)
{
	while (*off < len) {
		const uint8_t *o = p + *off;

		*off += 8u * o[1];
		if (o[0] == type && 8u * o[1] >= size)
			return o;
	}
	return NULL;
}

const uint8_t *zs_nd_message(const struct rte_mbuf *m, const struct zs_pktinfo *pi, uint32_t fixed,
			     uint32_t *n_opts)
{
	const uint8_t *p = rte_pktmbuf_mtod_offset(m, const uint8_t *, pi->l4_off);
	uint32_t len = sizeof(struct zs_icmp6_hdr) + pi->data_len;

	if (pi->ttl != LINK_HOPS || pi->frag_header || p[1] != 0 || len < fixed ||
	    m->data_len < pi->l4_off + len || !zs_nd_options_ok(p + fixed, len - fixed))
		return NULL;
	*n_opts = len - fixed;
	return p;
}

/* The option that names a MAC address; NULL: none, or none of one station. */
static const struct zs_mac *mac_option(const uint8_t *p, uint32_t len, uint8_t type)
{
	uint32_t off = 0;
	const struct zs_ndopt_mac *o = zs_nd_option(p, len, &off, type, sizeof(*o));

	return o != NULL && !(o->mac.b[0] & 1) ? &o->mac : NULL;
}

/* ---- out ---- */

/*
 * flags: of an advertisement. to: NULL = as the table of neighbours says. Our MAC address goes with
 * it unless it comes from nobody (RFC 4861 4.3).
 */
static void send(struct zs_stack *s, struct zs_netif *nif, uint8_t type, uint8_t flags,
		 const struct zs_addr *target, const struct zs_addr *src, const struct zs_addr *dst,
		 const struct zs_mac *to)
{
	uint8_t option = type == ZS_ND_ADVERT ? ZS_NDOPT_TARGET : ZS_NDOPT_SOURCE;
	bool named = !zs_addr_is_any(src);
	struct zs_addr bare = zs_ip6_bare(target);
	unsigned len = sizeof(struct zs_nd_hdr) + (named ? sizeof(struct zs_ndopt_mac) : 0);
	struct rte_mbuf *m = zs_icmp6_alloc(s, type, len);
	struct zs_nd_hdr *nd;

	if (m == NULL)
		return;
	nd = rte_pktmbuf_mtod(m, struct zs_nd_hdr *);
	nd->flags = flags;
	memcpy(nd->target, &bare, sizeof(bare));
	if (named)
		*(struct zs_ndopt_mac *)(nd + 1) = (struct zs_ndopt_mac){ option, 1, nif->mac };
	zs_ip6_send_link(s, nif, m, src, dst, to, false);
}

static struct zs_addr all_nodes(void)
{
	return (struct zs_addr){ .b = { 0xff, 0x02, [15] = 1 } };
}

void zs_nd_ask(struct zs_stack *s, const struct zs_neigh *n, bool unicast)
{
	struct zs_netif *nif = &s->netif[n->netif];
	struct zs_addr to = unicast ? n->addr : zs_ip6_solicited_node(&n->addr);
	struct zs_addr src;

	if (zs_source_ip6(s, nif, &n->addr, &src))
		send(s, nif, ZS_ND_SOLICIT, 0, &n->addr, &src, &to, NULL);
}

void zs_nd_probe(struct zs_stack *s, struct zs_netif *nif, const struct zs_addr *target)
{
	const struct zs_addr any = { .q = { 0, 0 } }, to = zs_ip6_solicited_node(target);

	send(s, nif, ZS_ND_SOLICIT, 0, target, &any, &to, NULL);
}

void zs_nd_announce(struct zs_stack *s, struct zs_netif *nif, const struct zs_addr *target)
{
	const struct zs_addr to = all_nodes();

	send(s, nif, ZS_ND_ADVERT, ZS_NA_OVERRIDE, target, target, &to, NULL);
}

/* ---- in ---- */

/* From the interface itself: some devices hear what they send. */
static bool is_echo(const struct rte_mbuf *m, const struct zs_netif *nif)
{
	return memcmp(&rte_pktmbuf_mtod(m, const struct zs_eth_hdr *)->src, &nif->mac,
		      sizeof(nif->mac)) == 0;
}

void zs_nd_learn_sender(struct zs_stack *s, const struct zs_pktinfo *pi, const uint8_t *opts,
			uint32_t n_opts)
{
	const struct zs_mac *mac = mac_option(opts, n_opts, ZS_NDOPT_SOURCE);
	const struct zs_addr *from = &pi->flow.faddr;
	struct zs_neigh *n;

	if (mac == NULL || zs_addr_is_any(from))
		return;
	n = zs_neigh_find(s, pi->nif, ZS_AF_IP6, from);
	if (n == NULL && zs_on_link(s, pi->nif, ZS_AF_IP6, from))
		n = zs_neigh_add(s, pi->nif, ZS_AF_IP6, from, ZS_NC_WORTHLESS);
	if (n != NULL)
		zs_neigh_learn(s, n, mac, false);
}

/* RFC 4861 7.2.4. Who gave a MAC address is answered there, and is not in use by that. */
static void answer(struct zs_stack *s, const struct zs_pktinfo *pi, const struct zs_addr *target,
		   const struct zs_mac *to)
{
	const struct zs_addr everyone = all_nodes();
	bool any = zs_addr_is_any(&pi->flow.faddr);

	send(s, pi->nif, ZS_ND_ADVERT, ZS_NA_OVERRIDE | (any ? 0 : ZS_NA_SOLICITED), target, target,
	     any ? &everyone : &pi->flow.faddr, to);
}

/* RFC 4861 7.1.1: what must be so when nobody asks under a name. */
static bool nameless_ok(const struct zs_pktinfo *pi, const uint8_t *opts, uint32_t n_opts)
{
	static const uint8_t prefix[13] = { 0xff, 0x02, [11] = 0x01, [12] = 0xff };
	struct zs_addr dst = zs_ip6_bare(&pi->flow.laddr);
	uint32_t off = 0;

	return memcmp(dst.b, prefix, sizeof(prefix)) == 0 &&
	       zs_nd_option(opts, n_opts, &off, ZS_NDOPT_SOURCE, 0) == NULL;
}

static enum zs_drop solicit_in(struct zs_stack *s, const struct rte_mbuf *m,
			       const struct zs_pktinfo *pi, const struct zs_addr *target,
			       const uint8_t *opts, uint32_t n_opts)
{
	struct zs_addr6 *a = zs_addr6_find(s, pi->nif, target);
	bool nameless = zs_addr_is_any(&pi->flow.faddr);

	if (nameless && !nameless_ok(pi, opts, n_opts))
		return ZS_DROP_ICMP_BAD;
	if (a == NULL || a->state == ZS_A6_DUPLICATE)
		return ZS_DROP_ICMP_IGNORED;
	if (a->state == ZS_A6_TENTATIVE) {
		if (nameless) /* somebody else tries it */
			zs_dad_failed(s, pi->nif, a);
		return ZS_DROP_COUNT;
	}
	zs_nd_learn_sender(s, pi, opts, n_opts);
	if (!(m->ol_flags & ZS_PKT_NEWS))
		answer(s, pi, &a->addr, mac_option(opts, n_opts, ZS_NDOPT_SOURCE));
	return ZS_DROP_COUNT;
}

/* RFC 4861 7.2.5. False: the advertisement changes nothing. */
static bool update(struct zs_stack *s, struct zs_neigh *n, uint8_t flags, const struct zs_mac *mac)
{
	bool known = zs_neigh_has_mac(n);
	bool same = known && (mac == NULL || memcmp(mac, &n->mac, sizeof(*mac)) == 0);

	if (!known && mac == NULL)
		return false;
	if (known && !same && !(flags & ZS_NA_OVERRIDE)) {
		if (n->state == ZS_NS_REACHABLE)
			zs_neigh_doubt(s, n);
		return false;
	}
	if (!same || flags & ZS_NA_SOLICITED)
		zs_neigh_learn(s, n, mac != NULL ? mac : &n->mac, (flags & ZS_NA_SOLICITED) != 0);
	return true;
}

static enum zs_drop advert_in(struct zs_stack *s, const struct zs_pktinfo *pi, uint8_t flags,
			      const struct zs_addr *target, const struct zs_mac *mac)
{
	struct zs_addr6 *a = zs_addr6_find(s, pi->nif, target);
	struct zs_neigh *n;

	if (pi->bcast && flags & ZS_NA_SOLICITED)
		return ZS_DROP_ICMP_BAD;
	if (a != NULL) {
		if (a->state == ZS_A6_TENTATIVE)
			zs_dad_failed(s, pi->nif, a);
		else
			s->stats.nd_conflicts++;
		return ZS_DROP_COUNT;
	}
	n = zs_neigh_find(s, pi->nif, ZS_AF_IP6, target);
	if (n == NULL)
		return ZS_DROP_ICMP_IGNORED;
	if (update(s, n, flags, mac) && !(flags & ZS_NA_ROUTER)) /* it was one, perhaps */
		zs_rd_not_router(s, pi->nif, target);
	return ZS_DROP_COUNT;
}

unsigned zs_nd_input(struct zs_stack *s, const struct rte_mbuf *m, const struct zs_pktinfo *pi)
{
	uint32_t n_opts;
	const struct zs_nd_hdr *nd = (const void *)zs_nd_message(m, pi, sizeof(*nd), &n_opts);
	const uint8_t *opts;
	struct zs_addr target;

	if (nd == NULL)
		return ZS_DROP_ICMP_BAD;
	opts = (const uint8_t *)(nd + 1);
	memcpy(&target, nd->target, sizeof(target));
	if (zs_ip6_is_group(&target) || zs_ip6_zone(&target) != 0)
		return ZS_DROP_ICMP_BAD;
	if (pi->nif->index == ZS_LOOPBACK || is_echo(m, pi->nif))
		return ZS_DROP_ICMP_IGNORED;
	zs_ip6_set_zone(&target, pi->nif->index + 1u);
	if (nd->type == ZS_ND_SOLICIT)
		return solicit_in(s, m, pi, &target, opts, n_opts);
	return advert_in(s, pi, nd->flags, &target, mac_option(opts, n_opts, ZS_NDOPT_TARGET));
}
