/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Building a segment. Two rules: the header goes in place, into the headroom of the one buffer that
 * is sent whole, when nobody else can see that buffer; otherwise a header mbuf is followed by
 * references to the pieces. Payload is never touched. Checksums are always asked of the device;
 * zs_txq_push() does them where the device cannot. A connection is IPv4 or IPv6 for life: each has
 * code of its own below zs_build_segment().
 */
#include <errno.h>

#include <rte_byteorder.h>

#include "core/tcp/zs_ecn.h"
#include "core/tcp/zs_output.h"
#include "core/tcp/zs_queue.h"
#include "core/zs_iphdr.h"
#include "core/zs_neigh.h"
#include "core/zs_parse.h"
#include "core/zs_state.h"

enum {
	L2 = sizeof(struct zs_eth_hdr),
	TS_LEN = 12,
	TAG = sizeof(struct zs_vlan_hdr), /* of a VLAN: room for it is left in front */
	TCP6 = L2 + sizeof(struct zs_ip6_hdr),
	TEMPLATE6 = TCP6 + offsetof(struct zs_tcp_hdr, seq_be), /* up to the ports */
};

_Static_assert((unsigned)TEMPLATE6 <= ZS_HDR_MAX, "template");

static uint64_t tx_flags(uint8_t family)
{
	return (family == ZS_AF_IP4 ? RTE_MBUF_F_TX_IPV4 : RTE_MBUF_F_TX_IPV6) |
	       RTE_MBUF_F_TX_TCP_CKSUM;
}

/*
 * The template of a connection over IPv6 ends with the ports: what follows them in the TCP header
 * is different in each segment, and there is no room for it.
 */
static void put_template_ip6(struct zs_stack *s, struct zs_tcb *tcb)
{
	const struct zs_flow *f = &tcb->flow;
	struct zs_tcp_hdr tcp = {
		.sport_be = rte_cpu_to_be_16(f->lport),
		.dport_be = rte_cpu_to_be_16(f->fport),
	};

	zs_ip6_put((void *)(tcb->hdr + L2), &f->laddr, &f->faddr, ZS_PROTO_TCP, tcb->opts.ttl,
		   tcb->opts.tos, zs_flow_label(s, f));
	memcpy(tcb->hdr + TCP6, &tcp, TEMPLATE6 - TCP6);
}

static void put_template_ip4(struct zs_tcb *tcb)
{
	struct zs_tcp_hdr *tcp = (void *)(tcb->hdr + L2 + sizeof(struct zs_ip4_hdr));

	zs_ip4_put((void *)(tcb->hdr + L2), &tcb->flow.laddr, &tcb->flow.faddr, tcb->opts.ttl,
		   tcb->opts.tos);
	*tcp = (struct zs_tcp_hdr){
		.sport_be = rte_cpu_to_be_16(tcb->flow.lport),
		.dport_be = rte_cpu_to_be_16(tcb->flow.fport),
	};
	if (tcb->flags & ZS_TF_TS)
		(void)zs_tcpopt_write_ts((uint8_t *)(tcp + 1), 0, 0);
}

bool zs_build_template(struct zs_stack *s, struct zs_tcb *tcb)
{
	struct zs_mac mac = { { 0 } };
	struct zs_addr nexthop;
	struct zs_netif *nif;
	uint8_t family = tcb->flow.family;

	nif = zs_route_lookup(s, family, &tcb->flow.faddr, &nexthop);
	if (nif == NULL)
		return false;
	tcb->netif = nif->index;
	if (tcb->nh_checked_ms != 0 &&
	    zs_seq_gt((uint32_t)(tcb->last_recv_us / 1000), tcb->nh_checked_ms))
		zs_neigh_confirm(s, nif, family, &nexthop);
	if (zs_neigh_lookup(s, nif, family, &nexthop, &mac))
		tcb->flags &= ~(uint32_t)ZS_TF_NH_PENDING;
	else
		tcb->flags |= ZS_TF_NH_PENDING;
	tcb->nh_gen = s->nh_gen;
	tcb->nh_checked_ms = s->now_ms;
	tcb->hdr_len =
		(uint8_t)(L2 + zs_iphdr_with_tcp(family) + (tcb->flags & ZS_TF_TS ? TS_LEN : 0));
	zs_eth_put(tcb->hdr, nif, &mac, family);
	if (family == ZS_AF_IP4)
		put_template_ip4(tcb);
	else
		put_template_ip6(s, tcb);
	tcb->pseudo = zs_pseudo(family, &tcb->flow.laddr, &tcb->flow.faddr, ZS_PROTO_TCP, 0);
	return true;
}

uint16_t zs_build_window(const struct zs_tcb *tcb)
{
	uint32_t unit = 1u << tcb->rcv_wscale;
	uint32_t field = (zs_rcv_edge(tcb) - tcb->rcv_nxt + unit - 1) >> tcb->rcv_wscale;

	return (uint16_t)RTE_MIN(field, (uint32_t)UINT16_MAX);
}

/* From now on the peer knows this right edge. */
static void commit_window(struct zs_tcb *tcb, uint16_t field)
{
	tcb->rcv_adv =
		zs_seq_max(tcb->rcv_adv, tcb->rcv_nxt + ((uint32_t)field << tcb->rcv_wscale));
}

/* Headers of len bytes, in pieces of a size that the compiler knows: they overlap. */
static inline void copy_headers(uint8_t *to, const uint8_t *from, unsigned len)
{
	enum { PIECE = 32 };
	unsigned last = len - PIECE;

	zs_assert(len >= PIECE && len <= 3 * PIECE);
	memcpy(to, from, PIECE);
	if (len > 2 * PIECE)
		memcpy(to + PIECE, from + PIECE, PIECE);
	memcpy(to + last, from + last, PIECE);
}

/* The template is Not-ECT; before zs_ip4_put_len(). */
static __attribute__((noinline)) void put_ecn(const struct zs_tcb *tcb, const struct zs_segment *sg,
					      uint8_t *ip, struct zs_tcp_hdr *tcp)
{
	if (tcb->flags & ZS_TF_ECE)
		tcp->flags |= ZS_ECE;
	if (sg->ect)
		zs_ip_set_ecn(ip, tcb->flow.family, ZS_ECN_ECT0);
}

/* Headers of tcb at p; hdr_len and any SACK blocks. */
static inline __attribute__((always_inline)) void put_headers(struct zs_stack *s,
							      struct zs_tcb *tcb, uint8_t *p,
							      const struct zs_segment *sg,
							      unsigned l4_len, uint8_t family)
{
	const unsigned l3 = zs_iphdr_len(family);
	struct zs_tcp_hdr *tcp = (void *)(p + L2 + l3);
	uint8_t *opt = (uint8_t *)(tcp + 1);
	uint32_t l4_bytes = l4_len + sg->len;

	copy_headers(p, tcb->hdr, family == ZS_AF_IP6 ? (unsigned)TEMPLATE6 : tcb->hdr_len);
	tcp->flags = sg->flags;
	if (unlikely(tcb->flags & ZS_TF_ECN))
		put_ecn(tcb, sg, p + L2, tcp);
	if (family == ZS_AF_IP4) {
		zs_ip4_put_len((void *)(p + L2), l3 + l4_bytes);
	} else {
		struct zs_ip6_hdr *ip = (void *)(p + L2);

		ip->plen_be = rte_cpu_to_be_16((uint16_t)l4_bytes);
		tcp->urg_be = 0;
	}
	tcp->seq_be = rte_cpu_to_be_32(sg->seq);
	tcp->ack_be = rte_cpu_to_be_32(tcb->rcv_nxt);
	tcp->doff = (uint8_t)(l4_len << 2);
	tcp->wnd_be = rte_cpu_to_be_16(sg->wnd);
	tcp->cksum = zs_cksum_fold(tcb->pseudo + rte_cpu_to_be_16((uint16_t)l4_bytes));
	if (tcb->flags & ZS_TF_TS)
		opt += zs_tcpopt_write_ts(opt, s->now_ms + tcb->ts_off, tcb->ts_recent);
	if (sg->n_sack > 0)
		(void)zs_tcpopt_write_sack(opt, sg->sack, sg->n_sack);
}

static void set_tx(struct rte_mbuf *m, unsigned l4_len, uint8_t family)
{
	m->ol_flags = tx_flags(family);
	m->tx_offload = rte_mbuf_tx_offload(L2, zs_iphdr_len(family), l4_len, 0, 0, 0, 0);
}

/* The checksum, where the device does not; of payload that was summed when it was copied, only
 * that of the header. */
static inline __attribute__((always_inline)) void finish_cksum(const struct zs_netif *nif,
							       struct rte_mbuf *m,
							       const struct zs_segment *sg,
							       unsigned l4_len, uint8_t family)
{
	const unsigned l4_off = L2 + zs_iphdr_len(family);
	struct zs_tcp_hdr *tcp = rte_pktmbuf_mtod_offset(m, struct zs_tcp_hdr *, l4_off);
	const struct zs_seg *seg = sg->len > 0 ? zs_seg(sg->first) : NULL;

	if (nif->offloads & ZS_OFF_TX_TCP_CKSUM)
		return;
	if (seg != NULL && seg->flags & ZS_SEG_SUMMED && seg->len == sg->len)
		tcp->cksum = zs_cksum_finish(zs_cksum_raw(tcp, l4_len) + seg->sum);
	else
		tcp->cksum = zs_cksum_finish(zs_pkt_sum(m, l4_off, l4_len + sg->len));
	m->ol_flags = 0;
}

/*
 * More than one segment: the device cuts it, and computes all that differs between them. It wants
 * to start from a pseudo header without length, and from no IP checksum. A device without IP
 * checksums (virtio) hands on what it gets: there the one of the whole packet stays.
 */
static __attribute__((noinline)) void ask_tso(struct zs_stack *s, struct zs_tcb *tcb,
					      struct rte_mbuf *m, uint32_t len, unsigned l4_len)
{
	const unsigned l3 = zs_iphdr_len(tcb->flow.family);
	uint32_t more = (len - 1) / tcb->mss;
	struct zs_tcp_hdr *tcp = rte_pktmbuf_mtod_offset(m, struct zs_tcp_hdr *, L2 + l3);

	tcp->cksum = zs_cksum_fold(tcb->pseudo);
	m->ol_flags |= RTE_MBUF_F_TX_TCP_SEG;
	if (tcb->flow.family == ZS_AF_IP4 && s->netif[tcb->netif].offloads & ZS_OFF_TX_IP_CKSUM) {
		rte_pktmbuf_mtod_offset(m, struct zs_ip4_hdr *, L2)->cksum = 0;
		m->ol_flags |= RTE_MBUF_F_TX_IP_CKSUM;
	}
	m->tx_offload = rte_mbuf_tx_offload(L2, l3, l4_len, tcb->mss, 0, 0, 0);
	s->stats.tx_tso++;
	s->stats.tcp_segs_out += more;
	tcb->segs_out += more;
}

static __rte_noinline void transmit_unresolved(struct zs_stack *s, struct zs_tcb *tcb,
					       struct rte_mbuf *m)
{
	struct zs_addr nexthop;
	struct zs_netif *nif = zs_route_lookup(s, tcb->flow.family, &tcb->flow.faddr, &nexthop);

	if (nif == NULL)
		zs_pkt_drop(s, m, ZS_DROP_NO_ROUTE);
	else
		zs_eth_output(s, nif, tcb->flow.family, &nexthop, m);
}

/*
 * Only the queue, and references of ours that show other bytes, hold the record: nobody reads its
 * struct or its headroom. A record that was never sent is so by the rule of zs_tcp_send(); one that
 * was, when the device has let go of it.
 */
static bool exclusive(const struct rte_mbuf *m, const struct zs_seg *seg)
{
	return seg->tx_count == 0 || rte_mbuf_refcnt_read(m) == 1;
}

static bool fits_in_place(const struct rte_mbuf *m, const struct zs_seg *seg, unsigned hdr)
{
	return RTE_MBUF_DIRECT(m) && seg->off >= hdr + TAG && !(seg->flags & ZS_SEG_TRIMMED) &&
	       exclusive(m, seg);
}

/* The record's mbuf with one more reference, or a fresh reference where the device still reads the
 * old. */
static struct rte_mbuf *piece(struct zs_stack *s, struct rte_mbuf *m)
{
	struct zs_seg *seg = zs_seg(m);

	if (!exclusive(m, seg))
		return zs_pkt_clone(s, m, seg->off, (uint16_t)seg->len);
	zs_pkt_set(m, seg->off, (uint16_t)seg->len);
	m->next = NULL;
	m->nb_segs = 1;
	rte_mbuf_refcnt_update(m, 1);
	return m;
}

static void build_in_place(struct rte_mbuf *m, unsigned hdr)
{
	const struct zs_seg *seg = zs_seg(m);

	zs_pkt_set(m, (uint16_t)(seg->off - hdr), (uint16_t)(hdr + seg->len));
	m->next = NULL;
	m->nb_segs = 1;
	rte_mbuf_refcnt_update(m, 1);
}

/* Puts so many bytes, from the record m on, behind the head. NULL, and the head is freed: no
 * buffer. */
static struct rte_mbuf *add_pieces(struct zs_stack *s, struct rte_mbuf *head, struct rte_mbuf *m,
				   uint32_t left)
{
	struct rte_mbuf *last = head;

	for (; left > 0; m = zs_seg(m)->next) {
		struct rte_mbuf *p = piece(s, m);

		if (p == NULL) {
			rte_pktmbuf_free(head);
			return NULL;
		}
		left -= zs_seg(m)->len;
		last->next = p;
		last = p;
		head->nb_segs++;
		head->pkt_len += p->data_len;
	}
	return head;
}

static struct rte_mbuf *build_chain(struct zs_stack *s, const struct zs_segment *sg, unsigned hdr)
{
	struct rte_mbuf *head = zs_hdr_alloc(s);

	if (head == NULL)
		return NULL;
	s->stats.tx_indirect += sg->len > 0;
	head->data_off = (uint16_t)(head->buf_len - RTE_ALIGN_CEIL(hdr, 8));
	zs_pkt_set(head, head->data_off, (uint16_t)hdr);
	return add_pieces(s, head, sg->first, sg->len);
}

/* The headers go into the first record, if it is ours to write, else into a buffer of their own.
 * NULL: no buffer. */
static inline __attribute__((always_inline)) struct rte_mbuf *build_packet(
	struct zs_stack *s, const struct zs_segment *sg, unsigned hdr)
{
	struct rte_mbuf *m = sg->first;

	if (sg->len == 0 || !fits_in_place(m, zs_seg(m), hdr))
		return build_chain(s, sg, hdr);
	s->stats.tx_in_place++;
	build_in_place(m, hdr);
	if (likely(zs_seg(m)->len == sg->len))
		return m;
	return add_pieces(s, m, zs_seg(m)->next, sg->len - zs_seg(m)->len);
}

/*
 * Is to be sent again. Where a device takes one buffer a packet, what it still holds would have to
 * be copied; a burst of no packets has it give back what it is done with.
 */
static __attribute__((noinline)) void reclaim(struct zs_stack *s, const struct zs_tcb *tcb,
					      const struct rte_mbuf *m)
{
	const struct zs_netif *nif = &s->netif[tcb->netif];

	if (!(nif->offloads & ZS_OFF_TX_MULTI_SEG) && rte_mbuf_refcnt_read(m) > 1)
		(void)s->env.tx(s->env.ctx, nif->port, NULL, 0);
}

static inline __attribute__((always_inline)) int build(struct zs_stack *s, struct zs_tcb *tcb,
						       const struct zs_segment *sg, uint8_t family)
{
	unsigned sack_len = sg->n_sack > 0 ? 4u + 8u * sg->n_sack : 0;
	unsigned hdr = tcb->hdr_len + sack_len;
	unsigned l4_len = hdr - L2 - zs_iphdr_len(family);
	struct rte_mbuf *m;

	if (unlikely(sg->len > 0 && zs_seg(sg->first)->tx_count > 0))
		reclaim(s, tcb, sg->first);
	m = build_packet(s, sg, hdr);
	if (unlikely(m == NULL))
		return -ENOBUFS;
	commit_window(tcb, sg->wnd);
	set_tx(m, l4_len, family);
	put_headers(s, tcb, rte_pktmbuf_mtod(m, uint8_t *), sg, l4_len, family);
	if (unlikely(sg->len > tcb->mss))
		ask_tso(s, tcb, m, sg->len, l4_len);
	else
		finish_cksum(&s->netif[tcb->netif], m, sg, l4_len, family);
	s->stats.tcp_segs_out++;
	tcb->segs_out++;
	if (likely(!(tcb->flags & ZS_TF_NH_PENDING)))
		zs_txq_push(s, &s->netif[tcb->netif], m);
	else
		transmit_unresolved(s, tcb, m);
	return 0;
}

static __attribute__((noinline)) int build_ip6(struct zs_stack *s, struct zs_tcb *tcb,
					       const struct zs_segment *sg)
{
	return build(s, tcb, sg, ZS_AF_IP6);
}

int zs_build_segment(struct zs_stack *s, struct zs_tcb *tcb, const struct zs_segment *sg)
{
	if (unlikely(tcb->flow.family == ZS_AF_IP6))
		return build_ip6(s, tcb, sg);
	return build(s, tcb, sg, ZS_AF_IP4);
}

int zs_build_record(struct zs_stack *s, struct zs_tcb *tcb, struct rte_mbuf *m, uint32_t seq,
		    uint16_t wnd, uint8_t flags)
{
	const struct zs_segment sg = {
		.first = m,
		.len = zs_seg(m)->len,
		.seq = seq,
		.wnd = wnd,
		.flags = flags,
	};

	if (unlikely(tcb->flow.family == ZS_AF_IP6))
		return build_ip6(s, tcb, &sg);
	return build(s, tcb, &sg, ZS_AF_IP4);
}

bool zs_build_alike(const struct zs_stack *s, const struct zs_tcb *tcb)
{
	enum { NEEDS = ZS_OFF_TX_TCP_CKSUM | ZS_OFF_TX_MULTI_SEG };
	const struct zs_netif *nif = &s->netif[tcb->netif];

	return nif->vlan == 0 && (nif->offloads & NEEDS) == NEEDS &&
	       !(tx_flags(tcb->flow.family) & nif->tx_lacks) && !(tcb->flags & ZS_TF_NH_PENDING);
}

bool zs_build_like(struct zs_stack *s, struct zs_tcb *tcb, struct rte_mbuf *m, uint32_t seq,
		   uint8_t flags)
{
	const unsigned l4_off = L2 + zs_iphdr_len(tcb->flow.family), hdr = tcb->hdr_len;
	struct zs_netif *nif = &s->netif[tcb->netif];
	const struct rte_mbuf *before = nif->txq[nif->n_txq - 1];
	const struct zs_segment sg = { .first = m, .len = zs_seg(m)->len };
	struct zs_tcp_hdr *tcp;

	if (before->pkt_len != hdr + sg.len || zs_txq_room(nif) == 0)
		return false;
	m = build_packet(s, &sg, hdr);
	if (unlikely(m == NULL))
		return false;
	copy_headers(rte_pktmbuf_mtod(m, uint8_t *), rte_pktmbuf_mtod(before, uint8_t *), hdr);
	tcp = rte_pktmbuf_mtod_offset(m, struct zs_tcp_hdr *, l4_off);
	tcp->seq_be = rte_cpu_to_be_32(seq);
	tcp->flags = flags;
	m->ol_flags = before->ol_flags;
	m->tx_offload = before->tx_offload;
	s->stats.tcp_segs_out++;
	tcb->segs_out++;
	nif->txq[nif->n_txq++] = m;
	return true;
}
