/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ARP (RFC 826): asks for neighbours and answers for our address, with conflict detection and a
 * bounded defence (RFC 5227 2.4).
 *
 * Whom we believe: a request that asks for us teaches its sender's address; an answer teaches only
 * what we asked for; an announcement (gratuitous ARP) changes an entry that exists; nothing else
 * does. A copy of what another stack received (ZS_PKT_NEWS) teaches, and is answered by that one.
 */
#include <rte_byteorder.h>

#include "core/zs_neigh_priv.h"
#include "core/zs_parse.h"

enum {
	DEFEND_US = 10 * 1000000,
	ANNOUNCE_US = 2 * 1000000, /* from the first announcement to the second (RFC 5227 1.1) */
	FRAME_MIN = 60,
};

/* ---- out ---- */

static const struct zs_mac broadcast = { { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } };
static const struct zs_mac unknown = { { 0 } };

static void arp_send(struct zs_stack *s, struct zs_netif *nif, enum zs_arp_op op,
		     const struct zs_mac *dst, const struct zs_mac *tha, uint32_t spa_be,
		     uint32_t tpa_be)
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
	memcpy(arp->spa, &spa_be, sizeof(arp->spa));
	arp->tha = *tha;
	memcpy(arp->tpa, &tpa_be, sizeof(arp->tpa));
	m->l2_len = sizeof(*eth);
	m->l3_len = 0;
	m->l4_len = 0;
	zs_txq_push(s, nif, m);
}

static void announce_one(struct zs_stack *s, struct zs_netif *nif, uint32_t ip4_be)
{
	arp_send(s, nif, ZS_ARP_REQUEST, &broadcast, &unknown, ip4_be, ip4_be);
}

void zs_arp_announce(struct zs_stack *s, struct zs_netif *nif)
{
	if (nif->ip4_be != 0)
		announce_one(s, nif, nif->ip4_be);
	for (unsigned i = 0; i < nif->n_ip4_more; i++)
		announce_one(s, nif, nif->ip4_more_be[i]);
}

static void announce_again(struct zs_stack *s, struct zs_timer *t)
{
	zs_arp_announce(s, &s->netif[t - s->neigh->arp.announce]);
}

void zs_arp_init(struct zs_neigh_table *t)
{
	for (unsigned i = 0; i < ZS_MAX_PORTS; i++)
		t->arp.announce[i].fire = announce_again;
}

void zs_arp_link_up(struct zs_stack *s, struct zs_netif *nif)
{
	zs_arp_announce(s, nif);
	zs_timer_set(&s->wheel, &s->neigh->arp.announce[nif->index], s->now_us + ANNOUNCE_US);
}

void zs_arp_ask(struct zs_stack *s, const struct zs_neigh *n, bool unicast)
{
	struct zs_netif *nif = &s->netif[n->netif];

	arp_send(s, nif, ZS_ARP_REQUEST, unicast ? &n->mac : &broadcast, &unknown, nif->ip4_be,
		 n->addr.ip4_be);
}

/* ---- in ---- */

/* RFC 5227 2.4 (b): keep the address, say so, but never in a duel faster than once in 10 s. */
static void defend(struct zs_stack *s, struct zs_netif *nif)
{
	uint64_t *last = &s->neigh->arp.defended_us[nif->index];

	s->stats.arp_conflicts++;
	if (*last != 0 && s->now_us - *last < DEFEND_US)
		return;
	*last = s->now_us != 0 ? s->now_us : 1;
	zs_arp_announce(s, nif);
}

static struct zs_neigh *find(struct zs_stack *s, const struct zs_netif *nif, uint32_t ip4_be)
{
	struct zs_addr a = zs_addr_ip4(ip4_be);

	return zs_neigh_find(s, nif, ZS_AF_IP4, &a);
}

static void request_for_us(struct zs_stack *s, struct zs_netif *nif, const struct zs_mac *sha,
			   uint32_t spa_be, uint32_t tpa_be, bool answer)
{
	struct zs_addr sender = zs_addr_ip4(spa_be);
	struct zs_neigh *n = zs_neigh_find(s, nif, ZS_AF_IP4, &sender);

	/* A probe (RFC 5227 2.1) comes from no address: that is on no link. */
	if (n == NULL && zs_on_link(s, nif, ZS_AF_IP4, &sender))
		n = zs_neigh_add(s, nif, ZS_AF_IP4, &sender, ZS_NC_WORTHLESS);
	if (n != NULL)
		zs_neigh_learn(s, n, sha, false);
	if (answer)
		arp_send(s, nif, ZS_ARP_REPLY, sha, sha, tpa_be, spa_be);
}

/* Neither asks for us nor speaks in our name. False: of no use. */
static bool news(struct zs_stack *s, struct zs_netif *nif, const struct zs_arp_hdr *arp,
		 uint32_t spa_be, uint32_t tpa_be)
{
	struct zs_neigh *n = find(s, nif, spa_be);
	bool reply = arp->op_be == rte_cpu_to_be_16(ZS_ARP_REPLY);

	if (n == NULL || spa_be == 0)
		return false;
	if (reply && tpa_be == nif->ip4_be &&
	    (n->state == ZS_NS_INCOMPLETE || n->state == ZS_NS_PROBE)) {
		zs_neigh_learn(s, n, &arp->sha, true);
		return true;
	}
	if (spa_be != tpa_be)
		return false;
	zs_neigh_learn(s, n, &arp->sha, false);
	return true;
}

/* Never a host's own address (RFC 1122 3.2.1.3). */
static bool group_or_loopback(const struct zs_netif *nif, uint32_t ip4_be)
{
	uint32_t ip = rte_be_to_cpu_32(ip4_be);

	return ip >> 28 == 0xe || ip == UINT32_MAX || ip4_be == nif->ip4_bcast_be ||
	       ip >> 24 == 127;
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
	    memcmp(&arp->sha, &unknown, sizeof(unknown)) == 0 || group_or_loopback(nif, spa_be))
		return ZS_DROP_ARP_BAD;
	if (nif->ip4_be == 0 || memcmp(&arp->sha, &nif->mac, sizeof(nif->mac)) == 0)
		return ZS_DROP_ARP_NOT_OURS;
	if (zs_netif_has_ip4(nif, spa_be)) {
		if (!copy)
			defend(s, nif);
		return ZS_DROP_COUNT;
	}
	if (op == ZS_ARP_REQUEST && zs_netif_has_ip4(nif, tpa_be)) {
		request_for_us(s, nif, &arp->sha, spa_be, tpa_be, !copy);
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
