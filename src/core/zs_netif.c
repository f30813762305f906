/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Interfaces and their staged TX burst. What a device cannot do (checksums, packets of several
 * buffers) is done when a packet is staged, so that env->tx gets only what the port can send.
 */
#include "core/zs_netif.h"

#include <errno.h>

#include <rte_byteorder.h>

#include "core/zs_ip6.h"
#include "core/zs_loopback.h"
#include "core/zs_state.h"
#include "wire/zs_cksum.h"

enum { MIN_MTU = 68 /* RFC 791 */, VLAN_MAX = 4094 };

static uint32_t prefix_mask_be(uint8_t prefix)
{
	return prefix == 0 ? 0 : rte_cpu_to_be_32(UINT32_MAX << (32 - prefix));
}

static int set_more(struct zs_stack *s, struct zs_netif *nif, const struct zs_netif_config *cfg)
{
	if (cfg->n_ip4_more > ZS_IP4_MORE || (cfg->n_ip4_more > 0 && cfg->ip4_be == 0))
		return -EINVAL;
	for (unsigned i = 0; i < cfg->n_ip4_more; i++)
		if (cfg->ip4_more_be[i] == 0 ||
		    zs_is_group(ZS_AF_IP4, &(struct zs_addr){ .ip4_be = cfg->ip4_more_be[i] }))
			return -EINVAL;
	nif->n_ip4_more = cfg->n_ip4_more;
	memcpy(nif->ip4_more_be, cfg->ip4_more_be, sizeof(nif->ip4_more_be));
	s->n_ip4_more += cfg->n_ip4_more;
	return 0;
}

/* Routes that come with an address: its network, and the gateway. */
static int install_routes(struct zs_stack *s, const struct zs_netif *nif,
			  const struct zs_netif_config *cfg)
{
	struct zs_route r = {
		.prefix = zs_addr_ip4(nif->ip4_be & nif->ip4_mask_be),
		.family = ZS_AF_IP4,
		.prefix_len = nif->ip4_prefix,
		.netif = nif->index,
	};
	int rc = 0;

	if (nif->ip4_be == 0)
		return 0;
	rc = zs_route_add(s, &r);
	if (rc == 0 && cfg->ip4_gw_be != 0) {
		r.prefix = zs_addr_ip4(0);
		r.prefix_len = 0;
		r.gateway = zs_addr_ip4(cfg->ip4_gw_be);
		rc = zs_route_add(s, &r);
	}
	return rc == -EEXIST ? 0 : rc; /* of two interfaces with one route, the first has it */
}

/* Payload buffers: the header has one of its own. */
static uint8_t payload_bufs(uint16_t max, unsigned ours)
{
	return (uint8_t)(max == 0 ? ours : RTE_MIN(max - 1u, ours));
}

/* TCP and UDP share a field of ol_flags: a look at one means a look at both. */
static uint64_t lacks(uint32_t offloads)
{
	uint64_t flags = 0;

	if (!(offloads & ZS_OFF_TX_TCP_CKSUM) || !(offloads & ZS_OFF_TX_UDP_CKSUM))
		flags |= RTE_MBUF_F_TX_L4_MASK;
	if (!(offloads & ZS_OFF_TX_IP_CKSUM))
		flags |= RTE_MBUF_F_TX_IP_CKSUM;
	return flags;
}

/* A device that cannot do what TSO needs beside it has no TSO. */
static void set_offloads(struct zs_netif *nif, const struct zs_netif_config *cfg)
{
	uint32_t need = ZS_OFF_TX_TCP_CKSUM | ZS_OFF_TX_MULTI_SEG;

	nif->offloads = cfg->offloads;
	nif->tx_lacks = lacks(cfg->offloads);
	nif->seg_bufs = payload_bufs(cfg->max_bufs, ZS_SEG_BUFS);
	nif->tso_bufs = payload_bufs(cfg->max_tso_bufs, ZS_TSO_BUFS);
	nif->cut_bufs = payload_bufs(cfg->max_bufs, ZS_TSO_BUFS);
	if (nif->seg_bufs == 0) {
		nif->offloads &= ~(uint32_t)ZS_OFF_TX_MULTI_SEG;
		nif->seg_bufs = ZS_SEG_BUFS; /* they are made one */
	}
	if ((nif->offloads & need) != need || nif->tso_bufs == 0)
		nif->offloads &= ~(uint32_t)ZS_OFF_TX_TSO;
}

int zs_netif_init(struct zs_stack *s, struct zs_netif *nif, const struct zs_netif_config *cfg)
{
	int rc;

	if (cfg->mtu < MIN_MTU || cfg->ip4_prefix > 32 || cfg->mac.b[0] & 1 || cfg->vlan > VLAN_MAX)
		return -EINVAL;
	for (uint16_t i = 0; i < s->n_netifs; i++)
		if (&s->netif[i] != nif && s->netif[i].port == cfg->port &&
		    s->netif[i].vlan == cfg->vlan)
			return -EINVAL;
	nif->port = cfg->port;
	nif->mtu = cfg->mtu;
	set_offloads(nif, cfg);
	nif->vlan = cfg->vlan;
	nif->mac = cfg->mac;
	nif->accept_any_dst = cfg->accept_any_dst;
	nif->ip4_be = cfg->ip4_be;
	nif->ip4_prefix = cfg->ip4_prefix;
	nif->ip4_mask_be = prefix_mask_be(cfg->ip4_prefix);
	/* Networks of one or two addresses have no broadcast address (RFC 3021). */
	nif->ip4_bcast_be = cfg->ip4_be == 0 || cfg->ip4_prefix > 30
				    ? UINT32_MAX
				    : cfg->ip4_be | ~nif->ip4_mask_be;
	rc = set_more(s, nif, cfg);
	return rc < 0 ? rc : install_routes(s, nif, cfg);
}

bool zs_source(const struct zs_stack *s, const struct zs_netif *nif, uint8_t family,
	       const struct zs_addr *dst, struct zs_addr *src)
{
	bool own = nif->index == ZS_LOOPBACK &&
		   (dst->ip4_be & nif->ip4_mask_be) != (nif->ip4_be & nif->ip4_mask_be);

	if (family == ZS_AF_IP6)
		return zs_source_ip6(s, nif, dst, src);
	*src = own ? *dst : zs_addr_ip4(nif->ip4_be);
	return true;
}

bool zs_source_ok(const struct zs_netif *nif, uint8_t family, const struct zs_addr *src)
{
	return nif->index == ZS_LOOPBACK ||
	       !(family == ZS_AF_IP4 ? zs_is_loopback_ip4(src->ip4_be) : zs_ip6_is_loopback(src));
}

bool zs_is_own(const struct zs_stack *s, uint8_t family, const struct zs_addr *a)
{
	return family == ZS_AF_IP4 ? zs_is_own_ip4(s, a->ip4_be) : zs_is_own_ip6(s, a);
}

struct zs_netif *zs_netif_at(struct zs_stack *s, uint16_t index)
{
	return &s->netif[index];
}

bool zs_netif_has_ip4(const struct zs_netif *nif, uint32_t ip4_be)
{
	if (ip4_be != 0 && nif->ip4_be == ip4_be)
		return true;
	for (unsigned i = 0; i < nif->n_ip4_more; i++)
		if (nif->ip4_more_be[i] == ip4_be)
			return true;
	return false;
}

struct zs_netif *zs_netif_by_port(struct zs_stack *s, uint16_t port)
{
	for (uint16_t i = 0; i < s->n_netifs; i++)
		if (s->netif[i].port == port)
			return &s->netif[i];
	return NULL;
}

static void finish_ip_cksum(struct rte_mbuf *m)
{
	struct zs_ip4_hdr *ip = rte_pktmbuf_mtod_offset(m, struct zs_ip4_hdr *, m->l2_len);

	ip->cksum = zs_cksum_finish(zs_cksum_raw(ip, m->l3_len)); /* it was zero */
}

/* Does what m wishes and the port lacks. */
static void finish_cksums(const struct zs_netif *nif, struct rte_mbuf *m)
{
	uint64_t l4 = m->ol_flags & RTE_MBUF_F_TX_L4_MASK;

	if ((l4 == RTE_MBUF_F_TX_TCP_CKSUM && !(nif->offloads & ZS_OFF_TX_TCP_CKSUM)) ||
	    (l4 == RTE_MBUF_F_TX_UDP_CKSUM && !(nif->offloads & ZS_OFF_TX_UDP_CKSUM)))
		zs_pkt_finish_l4(m, m->l2_len + m->l3_len);
	if (m->ol_flags & RTE_MBUF_F_TX_IP_CKSUM && !(nif->offloads & ZS_OFF_TX_IP_CKSUM)) {
		finish_ip_cksum(m);
		m->ol_flags &= ~RTE_MBUF_F_TX_IP_CKSUM;
	}
	if (!(m->ol_flags & (RTE_MBUF_F_TX_IP_CKSUM | RTE_MBUF_F_TX_L4_MASK)))
		m->ol_flags &= ~(RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IPV6);
}

static struct rte_mbuf *alloc_room(struct zs_stack *s, uint32_t len)
{
	struct rte_mempool *pool[2] = { s->env.pkt_pool, s->env.big_pool };

	for (unsigned i = 0; i < 2; i++) {
		struct rte_mbuf *m;

		if (rte_pktmbuf_data_room_size(pool[i]) < RTE_PKTMBUF_HEADROOM + len)
			continue;
		s->stats.allocs++;
		m = rte_pktmbuf_alloc(pool[i]);
		if (m != NULL)
			return m;
	}
	return NULL;
}

/* Consumes m. One buffer with the same bytes, or NULL (counted). */
static struct rte_mbuf *linearize(struct zs_stack *s, struct rte_mbuf *m)
{
	struct rte_mbuf *flat = alloc_room(s, m->pkt_len);
	uint32_t headers = m->l2_len + m->l3_len + m->l4_len;
	char *to;

	if (unlikely(flat == NULL)) {
		zs_pkt_drop(s, m, ZS_DROP_NO_MBUF);
		return NULL;
	}
	to = rte_pktmbuf_append(flat, (uint16_t)m->pkt_len);
	for (const struct rte_mbuf *seg = m; seg != NULL; seg = seg->next) {
		memcpy(to, rte_pktmbuf_mtod(seg, const void *), seg->data_len);
		to += seg->data_len;
	}
	flat->ol_flags = m->ol_flags & ~ZS_PKT_ROOM;
	flat->tx_offload = m->tx_offload;
	s->stats.tx_linearized++;
	s->stats.copies += m->pkt_len - RTE_MIN(headers, m->pkt_len);
	rte_pktmbuf_free(m);
	return flat;
}

/* Consumes m. The packet in the VLAN of the port, or NULL (counted): there was no buffer. */
static struct rte_mbuf *tag(struct zs_stack *s, const struct zs_netif *nif, struct rte_mbuf *m)
{
	const struct zs_vlan_hdr vlan = {
		.tci_be = rte_cpu_to_be_16(nif->vlan),
		.type_be = rte_pktmbuf_mtod(m, const struct zs_eth_hdr *)->type_be,
	};
	struct zs_eth_hdr *eth;

	if (nif->offloads & ZS_OFF_TX_VLAN) {
		m->ol_flags |= RTE_MBUF_F_TX_VLAN;
		m->vlan_tci = nif->vlan;
		return m;
	}
	if (rte_pktmbuf_headroom(m) < sizeof(vlan)) {
		m = linearize(s, m);
		if (m == NULL)
			return NULL;
	}
	eth = rte_pktmbuf_mtod(m, struct zs_eth_hdr *);
	memmove(rte_pktmbuf_prepend(m, sizeof(vlan)), eth, sizeof(*eth));
	eth = rte_pktmbuf_mtod(m, struct zs_eth_hdr *);
	eth->type_be = rte_cpu_to_be_16(ZS_ETH_VLAN);
	memcpy(eth + 1, &vlan, sizeof(vlan));
	m->l2_len += sizeof(vlan);
	return m;
}

/* TCP counts its buffers itself; others send chains as they came. To ourselves they may. */
static bool too_many_bufs(const struct zs_netif *nif, const struct rte_mbuf *m)
{
	if (!(nif->offloads & ZS_OFF_TX_MULTI_SEG))
		return m->nb_segs > 1;
	if (likely(m->nb_segs <= 1u + nif->cut_bufs) || nif->index == ZS_LOOPBACK)
		return false;
	return !(m->ol_flags & RTE_MBUF_F_TX_TCP_SEG) || m->nb_segs > 1u + nif->tso_bufs;
}

void zs_txq_push_slow(struct zs_stack *s, struct zs_netif *nif, struct rte_mbuf *m)
{
	if (unlikely(too_many_bufs(nif, m))) {
		m = linearize(s, m);
		if (m == NULL)
			return;
	}
	if (m->ol_flags & (RTE_MBUF_F_TX_IP_CKSUM | RTE_MBUF_F_TX_L4_MASK))
		finish_cksums(nif, m);
	if (unlikely(nif->vlan != 0)) {
		m = tag(s, nif, m);
		if (m == NULL)
			return;
	}
	if (unlikely(nif->n_txq == ZS_TXQ_LEN)) {
		zs_txq_flush(s, nif);
		if (nif->n_txq == ZS_TXQ_LEN) {
			zs_pkt_drop(s, m, ZS_DROP_TX_FULL);
			return;
		}
	}
	nif->txq[nif->n_txq++] = m;
}

void zs_txq_flush(struct zs_stack *s, struct zs_netif *nif)
{
	uint64_t bytes = 0;
	uint16_t n = nif->n_txq, sent, left;

	if (n == 0 || nif->index == ZS_LOOPBACK)
		return;
	for (uint16_t i = 0; i < n; i++)
		bytes += nif->txq[i]->pkt_len;
	sent = s->env.tx(s->env.ctx, nif->port, nif->txq, n);
	zs_assert(sent <= n);
	left = n - sent;
	for (uint16_t i = 0; i < left; i++) {
		nif->txq[i] = nif->txq[sent + i];
		bytes -= nif->txq[i]->pkt_len;
	}
	nif->n_txq = left;
	s->stats.tx_packets += sent;
	s->stats.tx_bytes += bytes;
	/* Packets refused before and again now are counted once. */
	if (left > 0) {
		uint16_t old = nif->n_refused > sent ? nif->n_refused - sent : 0;

		s->stats.tx_refused += left - old;
	}
	nif->n_refused = left;
}

void zs_txq_clear(struct zs_netif *nif)
{
	for (uint16_t i = 0; i < nif->n_txq; i++)
		rte_pktmbuf_free(nif->txq[i]);
	nif->n_txq = 0;
	nif->n_refused = 0;
}
