/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The loopback interface. Its queue is the staged burst of struct zs_netif, so that it is bounded,
 * and connections wait for room in it as they do for a device's. Nothing is copied and no checksum
 * computed: the receiver gets the sender's buffer where nobody else holds it, else a reference with
 * a private area of its own, for a record stays in the send queue until it is acknowledged.
 */
#include "core/zs_loopback.h"

#include <rte_byteorder.h>

/* For TCP, whose rules about small segments and delayed ACKs want some that are full. */
enum { MTU = 1500, PREFIX = 8 };

bool zs_is_more_ip4(const struct zs_stack *s, uint32_t ip4_be)
{
	for (uint16_t i = 0; i < s->n_netifs; i++)
		if (zs_netif_has_ip4(&s->netif[i], ip4_be))
			return true;
	return false;
}

void zs_loopback_init(struct zs_stack *s)
{
	*zs_loopback(s) = (struct zs_netif){
		.index = ZS_LOOPBACK,
		.port = UINT16_MAX,
		.mtu = MTU,
		.seg_bufs = ZS_SEG_BUFS,
		.offloads = ZS_OFF_RX_IP_CKSUM | ZS_OFF_RX_L4_CKSUM | ZS_OFF_TX_IP_CKSUM |
			    ZS_OFF_TX_TCP_CKSUM | ZS_OFF_TX_UDP_CKSUM | ZS_OFF_TX_MULTI_SEG,
		.ip4_be = rte_cpu_to_be_32(0x7f000001),
		.ip4_mask_be = rte_cpu_to_be_32(0xff000000),
		.ip4_bcast_be = UINT32_MAX,
		.ip4_prefix = PREFIX,
	};
}

static bool must_refer(const struct rte_mbuf *m)
{
	return rte_mbuf_refcnt_read(m) != 1 || m->priv_size < ZS_PRIV_SIZE;
}

/* Consumes m. The packet as its receiver may own it, or NULL (counted): there was no buffer. */
static struct rte_mbuf *as_received(struct zs_stack *s, struct rte_mbuf *m)
{
	uint32_t pkt_len = m->pkt_len;
	uint16_t nb_segs = m->nb_segs;

	for (struct rte_mbuf **link = &m; *link != NULL; link = &(*link)->next) {
		struct rte_mbuf *old = *link, *c;

		if (must_refer(old)) {
			c = zs_pkt_keep(s, old, old->data_off, old->data_len, ZS_KEEP_QUEUE);
			if (c == NULL) {
				zs_pkt_drop(s, m, ZS_DROP_NO_MBUF);
				return NULL;
			}
			c->next = old->next;
			c->pkt_len = pkt_len;
			c->nb_segs = nb_segs;
			*link = c;
			rte_pktmbuf_free_seg(old);
		}
		(*link)->ol_flags &= ZS_PKT_ROOM;
	}
	m->ol_flags |= RTE_MBUF_F_RX_IP_CKSUM_GOOD | RTE_MBUF_F_RX_L4_CKSUM_GOOD;
	return m;
}

uint16_t zs_loopback_take(struct zs_stack *s, struct rte_mbuf **pkts, uint16_t max)
{
	struct zs_netif *lo = zs_loopback(s);
	uint16_t n = RTE_MIN(max, lo->n_txq), got = 0;

	for (uint16_t i = 0; i < n; i++) {
		struct rte_mbuf *m = lo->txq[i];

		s->stats.tx_packets++;
		s->stats.tx_bytes += m->pkt_len;
		m = as_received(s, m);
		if (m != NULL)
			pkts[got++] = m;
	}
	lo->n_txq -= n;
	for (uint16_t i = 0; i < lo->n_txq; i++)
		lo->txq[i] = lo->txq[n + i];
	return got;
}
