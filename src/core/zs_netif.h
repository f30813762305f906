/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A network interface of the stack (one DPDK port): addresses, MTU, capabilities, and the staged
 * TX burst. What the device cannot do is done here in software: checksums, and making a packet
 * contiguous that has more buffers than it sends.
 */
#ifndef ZS_NETIF_H
#define ZS_NETIF_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>

#include "core/zs_env.h"

struct zs_stack;

enum { ZS_TXQ_LEN = 512, ZS_LOOPBACK = ZS_MAX_PORTS /* index of the way to ourselves */ };

/* Payload buffers gathered into one packet, at most: of a segment, and of a TSO packet. */
enum { ZS_SEG_BUFS = 16, ZS_TSO_BUFS = 64 };

struct zs_netif {
	uint16_t port, mtu;
	uint16_t index;		    /* in s->netif */
	uint16_t n_txq;		    /* staged packets */
	uint16_t n_refused;	    /* of these, refused by env->tx before */
	uint16_t vlan;		    /* of all packets; 0 = none */
	uint8_t seg_bufs, tso_bufs; /* ZS_SEG_BUFS and ZS_TSO_BUFS, or what the device can do */
	uint8_t cut_bufs; /* of each segment of a TSO packet, and of others that are not TCP */
	uint32_t offloads;
	uint64_t tx_lacks; /* wishes in ol_flags that may be this side's work (zs_txq_push()) */
	struct zs_mac mac;
	uint8_t ip4_prefix;
	bool accept_any_dst, ip6; /* ip6: it has IPv6 addresses (zs_ip6.h) */
	uint32_t ip4_be, ip4_mask_be;
	uint32_t ip4_bcast_be; /* of the network; all ones when it has none */
	uint8_t n_ip4_more;    /* further addresses; in all of them: s->n_ip4_more */
	uint32_t ip4_more_be[ZS_IP4_MORE];
	struct rte_mbuf *txq[ZS_TXQ_LEN];
};

int zs_netif_init(struct zs_stack *s, struct zs_netif *nif, const struct zs_netif_config *cfg);

/* The interface of an index. */
struct zs_netif *zs_netif_at(struct zs_stack *s, uint16_t index);
/* Is that an IPv4 address of the interface itself? */
bool zs_netif_has_ip4(const struct zs_netif *nif, uint32_t ip4_be);

/* NULL for a port that is not configured. */
struct zs_netif *zs_netif_by_port(struct zs_stack *s, uint16_t port);

/* Packets that can still be staged. A sender that can wait asks first. */
static inline unsigned zs_txq_room(const struct zs_netif *nif)
{
	return ZS_TXQ_LEN - nif->n_txq;
}

/* zs_txq_push() where something is to be done to m first, or to the queue. */
void zs_txq_push_slow(struct zs_stack *s, struct zs_netif *nif, struct rte_mbuf *m);

/*
 * Consumes m: a whole frame, Ethernet header complete, l2_len/l3_len/l4_len set, ol_flags assigned
 * whole with the checksums it wants (RTE_MBUF_F_TX_IPV4, _IP_CKSUM, _TCP_CKSUM, _UDP_CKSUM): IP
 * checksum field zero and L4 checksum field holding the pseudo header's folded sum, as DPDK's
 * offloads expect. What the port cannot do is done here. Full queue: tries env->tx once, then drops
 * with ZS_DROP_TX_FULL.
 */
static inline void zs_txq_push(struct zs_stack *s, struct zs_netif *nif, struct rte_mbuf *m)
{
	if (likely(m->nb_segs == 1 && !(m->ol_flags & nif->tx_lacks) && nif->vlan == 0 &&
		   nif->n_txq < ZS_TXQ_LEN))
		nif->txq[nif->n_txq++] = m;
	else
		zs_txq_push_slow(s, nif, m);
}

/*
 * The address that a packet to dst by nif comes from, when nobody chose one. False: there is none.
 */
bool zs_source(const struct zs_stack *s, const struct zs_netif *nif, uint8_t family,
	       const struct zs_addr *dst, struct zs_addr *src);

/* A source that may be used by nif: loopback addresses do not leave a host (RFC 1122 3.2.1.3 g, RFC
 * 4291 2.5.3). */
bool zs_source_ok(const struct zs_netif *nif, uint8_t family, const struct zs_addr *src);

/* Address of an interface, or a loopback address. */
bool zs_is_own(const struct zs_stack *s, uint8_t family, const struct zs_addr *a);

/* Gives the staged burst to env->tx; what is refused stays staged, in order. */
void zs_txq_flush(struct zs_stack *s, struct zs_netif *nif);

/* Frees what is staged. */
void zs_txq_clear(struct zs_netif *nif);

/* ---- whole packets ---- */

/* The first buffer of m is held by nobody else: headers may be written into it. */
bool zs_pkt_writable(const struct rte_mbuf *m);

/* Memory that all buffers of the packet keep occupied. */
uint32_t zs_pkt_mem(const struct rte_mbuf *m);

/* Unfolded checksum of bytes [off, off + len) of the packet, over all its buffers. */
uint32_t zs_pkt_sum(const struct rte_mbuf *m, uint32_t off, uint32_t len);

/* Does the L4 checksum wished in m->ol_flags in software (pseudo header as above), clears the wish.
 */
void zs_pkt_finish_l4(struct rte_mbuf *m, uint32_t l4_off);

/* Cuts the packet to len bytes; buffers without a byte left are freed. Longer than it is: nothing.
 */
void zs_pkt_trim(struct rte_mbuf *m, uint32_t len);

/*
 * Consumes m, returns the packet without its first n bytes (n <= m->data_len). Its first buffer is
 * another one when nothing was left in m.
 */
struct rte_mbuf *zs_pkt_adj(struct rte_mbuf *m, uint16_t n);

/*
 * Bytes [off, off + len) of m as a new packet of references; m is borrowed, its memory gains
 * references. NULL (counts nothing) when len is 0 or the pool is empty.
 */
struct rte_mbuf *zs_pkt_slice(struct zs_stack *s, struct rte_mbuf *m, uint32_t off, uint32_t len);
/* Frees packets that are linked through zs_seg.next. */
void zs_pkt_free_list(struct rte_mbuf *m);

/* Consumes both: body (may be NULL) behind the last buffer of head. */
void zs_pkt_join(struct rte_mbuf *head, struct rte_mbuf *body);

#endif
