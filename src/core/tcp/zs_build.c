/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Building a segment. Two rules: the header goes in place, into the headroom of the one buffer that
 * is sent whole, when nobody else can see that buffer; otherwise a header mbuf is followed by
 * references to the pieces. Payload is never touched. Checksums are always asked of the device;
 * zs_txq_push() does them where the device cannot.
 */
#include <errno.h>

#include <rte_byteorder.h>

#include "core/tcp/zs_output.h"
#include "core/tcp/zs_queue.h"
#include "core/zs_neigh.h"
#include "core/zs_parse.h"
#include "core/zs_state.h"
#include "wire/zs_cksum.h"

enum {
	L2 = sizeof(struct zs_eth_hdr),
	L3 = sizeof(struct zs_ip4_hdr),
	L4 = sizeof(struct zs_tcp_hdr),
	TS_LEN = 12,
	TAG = sizeof(struct zs_vlan_hdr), /* of a VLAN: room for it is left in front */
	NH_RECHECK_MS = 5000,		  /* a cached MAC address is looked up again so often */
};

static const uint64_t tx_flags = RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_TCP_CKSUM;

/*
 * The IP checksum field holds the sum of all other fields but the length, until put_ip_len() sets
 * both: less work than to ask the device for it.
 */
static void put_eth_ip(uint8_t *p, const struct zs_netif *nif, const struct zs_mac *dst,
		       const struct zs_flow *flow, uint8_t ttl, uint8_t tos)
{
	struct zs_eth_hdr *eth = (void *)p;
	struct zs_ip4_hdr *ip = (void *)(p + L2);

	*eth = (struct zs_eth_hdr){
		.dst = *dst,
		.src = nif->mac,
		.type_be = rte_cpu_to_be_16(ZS_ETH_IP4),
	};
	*ip = (struct zs_ip4_hdr){
		.ver_ihl = 0x45,
		.tos = tos,
		.frag_be = rte_cpu_to_be_16(ZS_IP4_DF), /* atomic: ID may be 0 (RFC 6864 4.1) */
		.ttl = ttl,
		.proto = ZS_PROTO_TCP,
		.src_be = flow->laddr.ip4_be,
		.dst_be = flow->faddr.ip4_be,
	};
	ip->cksum = zs_cksum_ip4(ip);
}

static void put_ip_len(struct zs_ip4_hdr *ip, unsigned len)
{
	ip->len_be = rte_cpu_to_be_16((uint16_t)len);
	ip->cksum = zs_cksum_finish((uint32_t)ip->cksum + ip->len_be);
}

bool zs_build_refresh(struct zs_stack *s, struct zs_tcb *tcb)
{
	struct zs_mac mac = { { 0 } };
	struct zs_addr nexthop;
	struct zs_netif *nif;
	struct zs_tcp_hdr *tcp = (void *)(tcb->hdr + L2 + L3);

	if (likely(tcb->hdr_len != 0 && tcb->nh_gen == s->nh_gen &&
		   !(tcb->flags & ZS_TF_NH_PENDING) &&
		   s->now_ms - tcb->nh_checked_ms < NH_RECHECK_MS))
		return true;
	nif = zs_route_lookup(s, tcb->flow.family, &tcb->flow.faddr, &nexthop);
	if (nif == NULL)
		return false;
	tcb->netif = nif->index;
	if (tcb->nh_checked_ms != 0 &&
	    zs_seq_gt((uint32_t)(tcb->last_recv_us / 1000), tcb->nh_checked_ms))
		zs_neigh_confirm(s, nif, &nexthop);
	if (zs_neigh_lookup(s, nif, &nexthop, &mac))
		tcb->flags &= ~(uint32_t)ZS_TF_NH_PENDING;
	else
		tcb->flags |= ZS_TF_NH_PENDING;
	tcb->nh_gen = s->nh_gen;
	tcb->nh_checked_ms = s->now_ms;
	tcb->hdr_len = L2 + L3 + L4 + (tcb->flags & ZS_TF_TS ? TS_LEN : 0);
	put_eth_ip(tcb->hdr, nif, &mac, &tcb->flow, tcb->opts.ttl, tcb->opts.tos);
	*tcp = (struct zs_tcp_hdr){
		.sport_be = rte_cpu_to_be_16(tcb->flow.lport),
		.dport_be = rte_cpu_to_be_16(tcb->flow.fport),
	};
	if (tcb->flags & ZS_TF_TS)
		(void)zs_tcpopt_write_ts((uint8_t *)(tcp + 1), 0, 0);
	tcb->pseudo = zs_cksum_pseudo(&tcb->flow.laddr, &tcb->flow.faddr, ZS_PROTO_TCP, 0);
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

/* The template, in pieces of a size that the compiler knows: they overlap. */
static inline void copy_template(uint8_t *to, const struct zs_tcb *tcb)
{
	enum { PIECE = 32 };
	unsigned len = tcb->hdr_len, last = len - PIECE;

	zs_assert(len >= PIECE && len <= ZS_HDR_MAX);
	memcpy(to, tcb->hdr, PIECE);
	if (len > 2 * PIECE)
		memcpy(to + PIECE, tcb->hdr + PIECE, PIECE);
	memcpy(to + last, tcb->hdr + last, PIECE);
}

/* Headers of tcb at p; hdr_len and any SACK blocks. */
static void put_headers(struct zs_stack *s, struct zs_tcb *tcb, uint8_t *p,
			const struct zs_segment *sg, unsigned l4_len)
{
	struct zs_ip4_hdr *ip = (void *)(p + L2);
	struct zs_tcp_hdr *tcp = (void *)(p + L2 + L3);
	uint8_t *opt = (uint8_t *)(tcp + 1);
	uint32_t l4_bytes = l4_len + sg->len;

	copy_template(p, tcb);
	put_ip_len(ip, L3 + l4_bytes);
	tcp->seq_be = rte_cpu_to_be_32(sg->seq);
	tcp->ack_be = rte_cpu_to_be_32(tcb->rcv_nxt);
	tcp->doff = (uint8_t)(l4_len << 2);
	tcp->flags = sg->flags;
	tcp->wnd_be = rte_cpu_to_be_16(sg->wnd);
	tcp->cksum = zs_cksum_fold(tcb->pseudo + rte_cpu_to_be_16((uint16_t)l4_bytes));
	if (tcb->flags & ZS_TF_TS)
		opt += zs_tcpopt_write_ts(opt, s->now_ms + tcb->ts_off, tcb->ts_recent);
	if (sg->n_sack > 0)
		(void)zs_tcpopt_write_sack(opt, sg->sack, sg->n_sack);
}

static void set_tx(struct rte_mbuf *m, unsigned l4_len)
{
	m->ol_flags = tx_flags;
	m->tx_offload = rte_mbuf_tx_offload(L2, L3, l4_len, 0, 0, 0, 0);
}

/* The checksum, where the device does not; of payload that was summed when it was copied, only
 * that of the header. */
static void finish_cksum(const struct zs_netif *nif, struct rte_mbuf *m,
			 const struct zs_segment *sg, unsigned l4_len)
{
	struct zs_tcp_hdr *tcp = rte_pktmbuf_mtod_offset(m, struct zs_tcp_hdr *, L2 + L3);
	const struct zs_seg *seg = sg->len > 0 ? zs_seg(sg->first) : NULL;

	if (nif->offloads & ZS_OFF_TX_TCP_CKSUM)
		return;
	if (seg != NULL && seg->flags & ZS_SEG_SUMMED && seg->len == sg->len)
		tcp->cksum = zs_cksum_finish(zs_cksum_raw(tcp, l4_len) + seg->sum);
	else
		tcp->cksum = zs_cksum_finish(zs_pkt_sum(m, L2 + L3, l4_len + sg->len));
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
	uint32_t more = (len - 1) / tcb->mss;
	struct zs_ip4_hdr *ip = rte_pktmbuf_mtod_offset(m, struct zs_ip4_hdr *, L2);
	struct zs_tcp_hdr *tcp = rte_pktmbuf_mtod_offset(m, struct zs_tcp_hdr *, L2 + L3);

	tcp->cksum = zs_cksum_fold(tcb->pseudo);
	m->ol_flags = tx_flags | RTE_MBUF_F_TX_TCP_SEG;
	if (s->netif[tcb->netif].offloads & ZS_OFF_TX_IP_CKSUM) {
		ip->cksum = 0;
		m->ol_flags |= RTE_MBUF_F_TX_IP_CKSUM;
	}
	m->tx_offload = rte_mbuf_tx_offload(L2, L3, l4_len, tcb->mss, 0, 0, 0);
	s->stats.tx_tso++;
	s->stats.tcp_segs_out += more;
	tcb->segs_out += more;
}

static void transmit(struct zs_stack *s, struct zs_tcb *tcb, struct rte_mbuf *m)
{
	struct zs_netif *nif = &s->netif[tcb->netif];
	struct zs_addr nexthop;

	if (likely(!(tcb->flags & ZS_TF_NH_PENDING))) {
		zs_txq_push(s, nif, m);
		return;
	}
	nif = zs_route_lookup(s, tcb->flow.family, &tcb->flow.faddr, &nexthop);
	if (nif == NULL)
		zs_pkt_drop(s, m, ZS_DROP_NO_ROUTE);
	else
		zs_eth_output(s, nif, &nexthop, m);
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

static struct rte_mbuf *build_in_place(struct rte_mbuf *m, unsigned hdr)
{
	const struct zs_seg *seg = zs_seg(m);

	zs_pkt_set(m, (uint16_t)(seg->off - hdr), (uint16_t)(hdr + seg->len));
	m->next = NULL;
	m->nb_segs = 1;
	rte_mbuf_refcnt_update(m, 1);
	return m;
}

static struct rte_mbuf *build_chain(struct zs_stack *s, const struct zs_segment *sg, unsigned hdr)
{
	struct rte_mbuf *head = zs_hdr_alloc(s);
	struct rte_mbuf *last = head;
	uint32_t left = sg->len;

	if (head == NULL)
		return NULL;
	head->data_off = (uint16_t)(head->buf_len - RTE_ALIGN_CEIL(hdr, 8));
	zs_pkt_set(head, head->data_off, (uint16_t)hdr);
	for (struct rte_mbuf *m = sg->first; left > 0; m = zs_seg(m)->next) {
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

int zs_build_segment(struct zs_stack *s, struct zs_tcb *tcb, const struct zs_segment *sg)
{
	unsigned sack_len = sg->n_sack > 0 ? 4u + 8u * sg->n_sack : 0;
	unsigned hdr = tcb->hdr_len + sack_len;
	unsigned l4_len = hdr - L2 - L3;
	struct rte_mbuf *m;

	if (sg->len > 0 && zs_seg(sg->first)->len == sg->len &&
	    fits_in_place(sg->first, zs_seg(sg->first), hdr)) {
		m = build_in_place(sg->first, hdr);
		s->stats.tx_in_place++;
	} else {
		m = build_chain(s, sg, hdr);
		if (unlikely(m == NULL))
			return -ENOBUFS;
		s->stats.tx_indirect += sg->len > 0;
	}
	commit_window(tcb, sg->wnd);
	set_tx(m, l4_len);
	put_headers(s, tcb, rte_pktmbuf_mtod(m, uint8_t *), sg, l4_len);
	if (unlikely(sg->len > tcb->mss))
		ask_tso(s, tcb, m, sg->len, l4_len);
	else
		finish_cksum(&s->netif[tcb->netif], m, sg, l4_len);
	s->stats.tcp_segs_out++;
	tcb->segs_out++;
	transmit(s, tcb, m);
	return 0;
}

bool zs_send_raw(struct zs_stack *s, const struct zs_raw *raw)
{
	struct zs_addr nexthop;
	struct zs_mac none = { { 0 } };
	struct zs_netif *nif = zs_route_lookup(s, raw->flow->family, &raw->flow->faddr, &nexthop);
	struct rte_mbuf *m = nif != NULL ? zs_hdr_alloc(s) : NULL;
	struct zs_tcp_hdr *tcp;
	unsigned l4_len = L4;
	uint8_t *p;

	if (m == NULL) {
		s->stats.drops[nif == NULL ? ZS_DROP_NO_ROUTE : ZS_DROP_NO_MBUF]++;
		return nif == NULL;
	}
	m->data_off = (uint16_t)(m->buf_len - (L2 + L3 + L4 + ZS_TCPOPT_MAX));
	p = (uint8_t *)m->buf_addr + m->data_off;
	put_eth_ip(p, nif, &none, raw->flow, raw->ttl, raw->tos);
	tcp = (void *)(p + L2 + L3);
	if (raw->syn_opt != NULL)
		l4_len += zs_tcpopt_write_syn((uint8_t *)(tcp + 1), raw->syn_opt);
	else if (raw->ts)
		l4_len += zs_tcpopt_write_ts((uint8_t *)(tcp + 1), raw->ts_val, raw->ts_ecr);
	put_ip_len((void *)(p + L2), L3 + l4_len);
	*tcp = (struct zs_tcp_hdr){
		.sport_be = rte_cpu_to_be_16(raw->flow->lport),
		.dport_be = rte_cpu_to_be_16(raw->flow->fport),
		.seq_be = rte_cpu_to_be_32(raw->seq),
		.ack_be = rte_cpu_to_be_32(raw->ack),
		.doff = (uint8_t)(l4_len << 2),
		.flags = raw->flags,
		.wnd_be = rte_cpu_to_be_16(raw->wnd),
		.cksum = zs_cksum_fold(zs_cksum_pseudo(&raw->flow->laddr, &raw->flow->faddr,
						       ZS_PROTO_TCP, l4_len)),
	};
	zs_pkt_set(m, m->data_off, (uint16_t)(L2 + L3 + l4_len));
	set_tx(m, l4_len);
	s->stats.tcp_segs_out++;
	zs_eth_output(s, nif, &nexthop, m);
	return true;
}

void zs_send_rst_for(struct zs_stack *s, const struct zs_pktinfo *pi)
{
	struct zs_raw raw = { .flow = &pi->flow, .ttl = s->cfg.ttl };
	uint32_t syn_fin = (pi->tcp_flags & ZS_SYN ? 1 : 0) + (pi->tcp_flags & ZS_FIN ? 1 : 0);

	if (pi->tcp_flags & ZS_RST)
		return;
	if (pi->tcp_flags & ZS_ACK) {
		raw.seq = pi->ack;
		raw.flags = ZS_RST;
	} else {
		raw.ack = pi->seq + pi->data_len + syn_fin;
		raw.flags = ZS_RST | ZS_ACK;
	}
	s->stats.tcp_rst_out++;
	(void)zs_send_raw(s, &raw); /* as good as lost: the peer asks again */
}
