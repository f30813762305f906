/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The device of a host. Sending: checks the mbufs, puts a copy of the bytes on the wire with the
 * checksums that the flags ask for, and frees the mbufs at once, or holds them as a NIC does until
 * its completion, and then looks whether anybody wrote to memory that a NIC would still have been
 * reading. Receiving: fresh mbufs of the host's packet pool, scattered when one is too small.
 */
#include <stdio.h>
#include <stdlib.h>

#include "zs_simhost_priv.h"

enum { ETH_MIN = 60, ETH_HDR = 14 };

struct zs_simheld {
	struct zs_simheld *next;
	struct rte_mbuf *m;
	uint64_t release_ns, hash;
	uint32_t n;
	struct {
		const void *p;
		uint32_t len;
	} seg[];
};

static const struct zs_netif_config *netif_of(const struct zs_simhost *h, uint16_t port)
{
	for (uint16_t i = 0; i < h->cfg.stack.n_netifs; i++)
		if (h->cfg.stack.netif[i].port == port)
			return &h->cfg.stack.netif[i];
	return NULL;
}

/* What a NIC would choke on. */
static const char *check_segments(const struct rte_mbuf *m)
{
	uint32_t len = 0, n = 0;

	for (const struct rte_mbuf *seg = m; seg != NULL; seg = seg->next) {
		if (rte_mbuf_refcnt_read(seg) == 0)
			return "mbuf with reference count 0 sent";
		if (seg->data_off + seg->data_len > seg->buf_len)
			return "segment reaches beyond its buffer";
		len += seg->data_len;
		n++;
	}
	if (n != m->nb_segs)
		return "nb_segs is wrong";
	return len == m->pkt_len ? NULL : "pkt_len is wrong";
}

static const char *check_packet(const struct rte_mbuf *m, const struct zs_netif_config *nif)
{
	uint64_t l4 = m->ol_flags & RTE_MBUF_F_TX_L4_MASK;
	bool tso = (m->ol_flags & RTE_MBUF_F_TX_TCP_SEG) != 0;

	if (nif == NULL)
		return "sent to a port that is not there";
	if (!tso && m->pkt_len > ETH_HDR + (uint32_t)nif->mtu)
		return "frame longer than the MTU";
	if (m->pkt_len > ETH_HDR + (uint32_t)UINT16_MAX)
		return "packet longer than IPv4 can say";
	if (m->nb_segs > 1 && !(nif->offloads & ZS_OFF_TX_MULTI_SEG))
		return "chain sent to a device without multi-segment TX";
	if (tso && !(nif->offloads & ZS_OFF_TX_TSO))
		return "TSO packet sent to a device that cannot";
	if ((m->ol_flags & RTE_MBUF_F_TX_IP_CKSUM) && !(nif->offloads & ZS_OFF_TX_IP_CKSUM))
		return "IP checksum left to a device that cannot";
	if (l4 == RTE_MBUF_F_TX_TCP_CKSUM && !(nif->offloads & ZS_OFF_TX_TCP_CKSUM))
		return "TCP checksum left to a device that cannot";
	if (l4 == RTE_MBUF_F_TX_UDP_CKSUM && !(nif->offloads & ZS_OFF_TX_UDP_CKSUM))
		return "UDP checksum left to a device that cannot";
	if (m->ol_flags & RTE_MBUF_F_TX_UDP_SEG)
		return "UDP segmentation offload, which no port here has";
	return check_segments(m);
}

static struct zs_simpkt *gather(struct zs_sim *w, const struct rte_mbuf *m)
{
	uint32_t len = RTE_MAX(m->pkt_len, (uint32_t)ETH_MIN);
	struct zs_simpkt *p = zs_simpkt_new(w, len);
	uint8_t *out = p->data;

	for (const struct rte_mbuf *seg = m; seg != NULL; seg = seg->next) {
		memcpy(out, rte_pktmbuf_mtod(seg, const void *), seg->data_len);
		out += seg->data_len;
	}
	memset(out, 0, p->data + len - out);
	return p;
}

static uint64_t hash_held(const struct zs_simheld *e)
{
	uint64_t hash = 0;

	for (uint32_t i = 0; i < e->n; i++)
		hash = zs_sim_hash(hash, e->seg[i].p, e->seg[i].len);
	return hash;
}

static void hold(struct zs_simhost *h, struct rte_mbuf *m, uint64_t release_ns)
{
	struct zs_simhost_priv *p = h->priv;
	struct zs_simheld *e = malloc(sizeof(*e) + m->nb_segs * sizeof(e->seg[0]));

	if (e == NULL)
		abort();
	e->next = NULL;
	e->m = m;
	e->release_ns = release_ns;
	e->n = 0;
	for (const struct rte_mbuf *seg = m; seg != NULL; seg = seg->next) {
		e->seg[e->n].p = rte_pktmbuf_mtod(seg, const void *);
		e->seg[e->n++].len = seg->data_len;
	}
	e->hash = hash_held(e);
	if (p->held_tail != NULL)
		p->held_tail->next = e;
	else
		p->held_head = e;
	p->held_tail = e;
	p->n_held++;
}

void zs_simdev_release(struct zs_simhost *h, uint64_t t_ns)
{
	struct zs_simhost_priv *p = h->priv;

	while (p->held_head != NULL && p->held_head->release_ns <= t_ns) {
		struct zs_simheld *e = p->held_head;

		p->held_head = e->next;
		if (e->next == NULL)
			p->held_tail = NULL;
		p->n_held--;
		if (hash_held(e) != e->hash)
			zs_sim_violate(h->w, "memory changed while the device was reading it");
		rte_pktmbuf_free(e->m);
		free(e);
	}
}

uint64_t zs_simdev_next(const struct zs_simhost *h)
{
	return h->priv->held_head != NULL ? h->priv->held_head->release_ns : ZS_SIM_NEVER;
}

/* Consumes p. */
static void send_frame(struct zs_simhost *h, struct zs_simwire *wire, struct zs_simpkt *p)
{
	if (wire != NULL)
		zs_simwire_send(wire, p);
	else
		zs_simpkt_free(h->w, p);
}

/* What a NIC makes of a packet longer than the MTU. Consumes p. */
static void send_cut(struct zs_simhost *h, struct zs_simwire *wire, struct zs_simpkt *p,
		     uint32_t segsz)
{
	struct zs_simpkt *f;

	h->dev.tx_tso++;
	for (uint32_t off = 0; (f = zs_simtso_cut(h->w, p, off, segsz)) != NULL; off += segsz) {
		h->dev.tx_tso_frames++;
		send_frame(h, wire, f);
	}
	zs_simpkt_free(h->w, p);
}

/* Consumes m. */
static void send_one(struct zs_simhost *h, uint16_t port, struct rte_mbuf *m)
{
	const struct zs_simdev_config *c = &h->cfg.dev;
	struct zs_simwire *wire = h->priv->wire[port];
	const struct zs_netif_config *nif = netif_of(h, port);
	bool tso = (m->ol_flags & RTE_MBUF_F_TX_TCP_SEG) != 0;
	const char *wrong = check_packet(m, nif);
	struct zs_simpkt *p = gather(h->w, m);
	uint64_t release_ns;

	if (wrong == NULL && !c->trust)
		wrong = tso ? zs_simtso_check(p, m, nif->mtu) : zs_simck_fill(p, m);
	if (wrong != NULL)
		zs_sim_violate(h->w, wrong);
	p->trusted = wrong == NULL;
	h->dev.tx++;
	h->dev.tx_bytes += m->pkt_len;
	if (tso && m->tso_segsz != 0)
		send_cut(h, wire, p, m->tso_segsz);
	else
		send_frame(h, wire, p);
	release_ns = h->w->now_ns + c->hold_ns;
	if (c->tx_ring != 0 && wire != NULL)
		release_ns = RTE_MAX(release_ns, wire->busy_ps / 1000);
	if (release_ns > h->w->now_ns)
		hold(h, m, release_ns);
	else
		rte_pktmbuf_free(m);
}

uint16_t zs_simdev_tx(void *ctx, uint16_t port, struct rte_mbuf **pkts, uint16_t n)
{
	struct zs_simhost *h = ctx;
	const struct zs_simdev_config *c = &h->cfg.dev;
	uint32_t take = n, room;

	zs_simdev_release(h, h->w->now_ns);
	if (n > 0 && zs_simrand_chance(&h->priv->rand, c->refuse_ppm))
		take = zs_simrand_below(&h->priv->rand, n);
	room = c->tx_ring - RTE_MIN(h->priv->n_held, c->tx_ring);
	if (c->tx_ring != 0)
		take = RTE_MIN(take, room);
	for (uint32_t i = 0; i < take; i++)
		send_one(h, port, pkts[i]);
	h->dev.tx_refused += n - take;
	return (uint16_t)take;
}

/* ---- receiving ---- */

struct rte_mbuf *zs_simdev_peek(const struct zs_simhost *h)
{
	return h->priv->rx[h->priv->rx_head];
}

struct rte_mbuf *zs_simdev_pop(struct zs_simhost *h)
{
	struct zs_simhost_priv *p = h->priv;
	struct rte_mbuf *m = p->rx[p->rx_head];

	p->rx_head = (p->rx_head + 1) & (p->rx_cap - 1);
	p->rx_n--;
	return m;
}

static void rx_push(struct zs_simhost_priv *p, struct rte_mbuf *m)
{
	if (p->rx_n == p->rx_cap) {
		uint32_t cap = p->rx_cap != 0 ? 2 * p->rx_cap : 256;
		struct rte_mbuf **ring = malloc(cap * sizeof(struct rte_mbuf *));

		if (ring == NULL)
			abort();
		for (uint32_t i = 0; i < p->rx_n; i++)
			ring[i] = p->rx[(p->rx_head + i) & (p->rx_cap - 1)];
		free(p->rx);
		p->rx = ring;
		p->rx_cap = cap;
		p->rx_head = 0;
	}
	p->rx[(p->rx_head + p->rx_n++) & (p->rx_cap - 1)] = m;
}

/* The bytes of p in fresh mbufs; NULL when the pool is empty. */
static struct rte_mbuf *scatter(struct rte_mempool *mp, const struct zs_simpkt *p)
{
	struct rte_mbuf *head = NULL, **link = &head;
	uint32_t done = 0;

	while (done < p->len) {
		struct rte_mbuf *m = rte_pktmbuf_alloc(mp);
		uint16_t n;

		if (m == NULL) {
			rte_pktmbuf_free(head);
			return NULL;
		}
		n = (uint16_t)RTE_MIN(p->len - done, (uint32_t)rte_pktmbuf_tailroom(m));
		memcpy(rte_pktmbuf_mtod(m, void *), p->data + done, n);
		m->data_len = n;
		done += n;
		*link = m;
		link = &m->next;
		if (m != head)
			head->nb_segs++;
	}
	head->pkt_len = p->len;
	return head;
}

static uint64_t rx_flags(const struct zs_simpkt *p, uint32_t offloads)
{
	static const uint64_t ip[] = { 0, RTE_MBUF_F_RX_IP_CKSUM_GOOD, RTE_MBUF_F_RX_IP_CKSUM_BAD };
	static const uint64_t l4[] = { 0, RTE_MBUF_F_RX_L4_CKSUM_GOOD, RTE_MBUF_F_RX_L4_CKSUM_BAD };
	struct zs_simck v = { ZS_SIMCK_GOOD, ZS_SIMCK_GOOD };

	if (!(offloads & (ZS_OFF_RX_IP_CKSUM | ZS_OFF_RX_L4_CKSUM)))
		return 0;
	if (!p->trusted)
		v = zs_simck_verify(p);
	return ((offloads & ZS_OFF_RX_IP_CKSUM) ? ip[v.ip] : 0) |
	       ((offloads & ZS_OFF_RX_L4_CKSUM) ? l4[v.l4] : 0);
}

/* True: m went into the packet that arrived last. */
static bool lro(struct zs_simhost *h, struct rte_mbuf *m)
{
	struct zs_simhost_priv *p = h->priv;
	struct rte_mbuf *last;

	if (p->rx_n == 0 || !(netif_of(h, m->port)->offloads & ZS_OFF_RX_LRO))
		return false;
	last = p->rx[(p->rx_head + p->rx_n - 1) & (p->rx_cap - 1)];
	if (!zs_simlro_merge(last, m, ETH_HDR + UINT16_MAX))
		return false;
	h->dev.rx_lro++;
	return true;
}

static void host_deliver(void *ctx, unsigned int port, struct zs_simpkt *p)
{
	struct zs_simhost *h = ctx;
	struct rte_mbuf *m = h->s != NULL ? scatter(h->pools.pkt, p) : NULL;

	if (m == NULL) {
		h->dev.rx_nombuf++;
	} else {
		h->dev.rx++;
		h->dev.rx_bytes += p->len;
		m->port = (uint16_t)port;
		m->ol_flags = rx_flags(p, netif_of(h, (uint16_t)port)->offloads);
		if (!lro(h, m))
			rx_push(h->priv, m);
	}
	zs_simpkt_free(h->w, p);
}

void zs_simlink_attach_host(struct zs_simlink *l, unsigned int end, struct zs_simhost *h,
			    uint16_t port)
{
	h->priv->wire[port] = &l->wire[end];
	zs_simlink_attach(l, end, host_deliver, h, port);
}
