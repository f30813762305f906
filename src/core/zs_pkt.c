/* SPDX-License-Identifier: BSD-3-Clause */
/* The operations on whole packets that need a walk over their buffers. */
#include "core/zs_pkt.h"

#include "core/zs_state.h"
#include "wire/zs_cksum.h"

bool zs_pkt_writable(const struct rte_mbuf *m)
{
	if (RTE_MBUF_CLONED(m) || rte_mbuf_refcnt_read(m) != 1)
		return false;
	return !RTE_MBUF_HAS_EXTBUF(m) || rte_mbuf_ext_refcnt_read(m->shinfo) == 1;
}

uint32_t zs_pkt_mem(const struct rte_mbuf *m)
{
	uint32_t mem = 0;

	for (; m != NULL; m = m->next)
		mem += zs_pkt_truesize(m);
	return mem;
}

uint32_t zs_pkt_sum(const struct rte_mbuf *m, uint32_t off, uint32_t len)
{
	uint32_t sum = 0, done = 0;

	if (likely(off + len <= m->data_len))
		return zs_cksum_raw(rte_pktmbuf_mtod_offset(m, const void *, off), len);
	for (; m != NULL && done < len; m = m->next) {
		uint32_t n, piece;

		if (off >= m->data_len) {
			off -= m->data_len;
			continue;
		}
		n = RTE_MIN(m->data_len - off, len - done);
		piece = zs_cksum_raw(rte_pktmbuf_mtod_offset(m, const void *, off), n);
		sum = done & 1 ? zs_cksum_add_odd(sum, piece) : sum + piece;
		done += n;
		off = 0;
	}
	return sum;
}

void zs_pkt_trim(struct rte_mbuf *m, uint32_t len)
{
	struct rte_mbuf *seg = m;
	uint32_t left = len;

	if (likely(m->pkt_len <= len))
		return;
	m->pkt_len = len;
	m->nb_segs = 1;
	while (left > seg->data_len) {
		left -= seg->data_len;
		seg = seg->next;
		m->nb_segs++;
	}
	seg->data_len = (uint16_t)left;
	rte_pktmbuf_free(seg->next);
	seg->next = NULL;
}

struct rte_mbuf *zs_pkt_adj(struct rte_mbuf *m, uint16_t n)
{
	struct rte_mbuf *next = m->next;

	zs_assert(n <= m->data_len);
	m->data_off += n;
	m->data_len -= n;
	m->pkt_len -= n;
	if (likely(m->data_len > 0 || next == NULL))
		return m;
	next->pkt_len = m->pkt_len;
	next->nb_segs = m->nb_segs - 1;
	rte_pktmbuf_free_seg(m);
	return zs_pkt_adj(next, 0); /* empty buffers need not be alone */
}

void zs_pkt_join(struct rte_mbuf *head, struct rte_mbuf *body)
{
	if (body == NULL)
		return;
	rte_pktmbuf_lastseg(head)->next = body;
	head->nb_segs += body->nb_segs;
	head->pkt_len += body->pkt_len;
}

struct rte_mbuf *zs_pkt_slice(struct zs_stack *s, struct rte_mbuf *m, uint32_t off, uint32_t len)
{
	struct rte_mbuf *head = NULL, *tail = NULL;

	for (; m != NULL && len > 0; m = m->next) {
		struct rte_mbuf *c;
		uint16_t n;

		if (off >= m->data_len) {
			off -= m->data_len;
			continue;
		}
		n = (uint16_t)RTE_MIN(m->data_len - off, len);
		c = zs_pkt_clone(s, m, (uint16_t)(m->data_off + off), n);
		if (unlikely(c == NULL)) {
			rte_pktmbuf_free(head);
			return NULL;
		}
		c->ol_flags &= ZS_PKT_ROOM;
		if (head == NULL) {
			head = c;
		} else {
			tail->next = c;
			head->nb_segs++;
			head->pkt_len += n;
		}
		tail = c;
		len -= n;
		off = 0;
	}
	return head;
}

void zs_pkt_free_list(struct rte_mbuf *m)
{
	while (m != NULL) {
		struct rte_mbuf *next = zs_seg(m)->next;

		rte_pktmbuf_free(m);
		m = next;
	}
}

/* The field holds the pseudo header's sum: summing over it completes the checksum. */
static uint16_t l4_cksum(const struct rte_mbuf *m, uint32_t l4_off)
{
	return zs_cksum_finish(zs_pkt_sum(m, l4_off, m->pkt_len - l4_off));
}

void zs_pkt_finish_l4(struct rte_mbuf *m, uint32_t l4_off)
{
	uint64_t wish = m->ol_flags & RTE_MBUF_F_TX_L4_MASK;

	if (wish == RTE_MBUF_F_TX_TCP_CKSUM) {
		struct zs_tcp_hdr *th = rte_pktmbuf_mtod_offset(m, struct zs_tcp_hdr *, l4_off);

		th->cksum = l4_cksum(m, l4_off);
	} else if (wish == RTE_MBUF_F_TX_UDP_CKSUM) {
		struct zs_udp_hdr *uh = rte_pktmbuf_mtod_offset(m, struct zs_udp_hdr *, l4_off);

		uh->cksum = l4_cksum(m, l4_off);
		if (uh->cksum == 0) /* 0 would say "none" (RFC 768) */
			uh->cksum = 0xffff;
	}
	m->ol_flags &= ~RTE_MBUF_F_TX_L4_MASK;
}
