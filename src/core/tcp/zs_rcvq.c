/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The receive queue and the window that follows from it. The device's own buffers wait here,
 * trimmed to their payload, and are handed over as they are. The window counts the memory they
 * occupy, not the bytes they show; its right edge never moves back (RFC 9293 3.8.6), nor forward in
 * silly steps (RFC 9293 3.8.6.2.2).
 */
#include <errno.h>

#include "core/tcp/zs_queue.h"
#include "core/tcp/zs_taken.h"

enum { FIRST_BYTES = 32768 };

struct rte_mbuf *zs_pkt_cut(struct rte_mbuf *m, uint32_t front, uint32_t len)
{
	struct rte_mbuf *head, *last;
	uint32_t left = len;

	while (front >= m->data_len && m->next != NULL) {
		struct rte_mbuf *next = m->next;

		front -= m->data_len;
		m->next = NULL;
		rte_pktmbuf_free_seg(m);
		m = next;
	}
	m->data_off = (uint16_t)(m->data_off + front);
	m->data_len = (uint16_t)(m->data_len - front);
	head = last = m;
	head->pkt_len = len;
	head->nb_segs = 1;
	while (last->data_len < left) {
		left -= last->data_len;
		last = last->next;
		zs_assert(last != NULL); /* m has front + len bytes */
		head->nb_segs++;
	}
	last->data_len = (uint16_t)left;
	m = last->next;
	last->next = NULL;
	rte_pktmbuf_free(m); /* NULL allowed */
	return head;
}

static uint32_t rcv_mem(const struct zs_tcb *tcb)
{
	return tcb->rcvq.mem + tcb->ooo.mem;
}

bool zs_rcv_memory_full(const struct zs_stack *s, const struct zs_tcb *tcb)
{
	if (unlikely(s->pool_level != ZS_POOL_PLENTY) &&
	    (s->pool_level == ZS_POOL_CRITICAL || tcb->rcvq.mem > 0 || zs_taken_hoards(s, tcb)))
		return true;
	return rcv_mem(tcb) / 2 > tcb->rcvbuf;
}

/* n bytes can be copied behind the payload of t, queued: nobody shares its room. */
static bool has_room(const struct rte_mbuf *t, uint32_t n)
{
	return rte_mbuf_refcnt_read(t) == 1 && RTE_MBUF_DIRECT(t) && rte_pktmbuf_tailroom(t) >= n;
}

/* Moves the payload of m behind that of t. Consumes m. */
static void copy_behind(struct zs_stack *s, struct rte_mbuf *t, struct rte_mbuf *m)
{
	uint32_t n = m->data_len;

	memcpy(rte_pktmbuf_mtod_offset(t, uint8_t *, t->data_len),
	       rte_pktmbuf_mtod(m, const uint8_t *), n);
	zs_pkt_set(t, t->data_off, (uint16_t)(t->data_len + n));
	zs_seg(t)->len += n;
	zs_seg(t)->flags |= ZS_SEG_COPIED;
	s->stats.copies += n;
	rte_pktmbuf_free_seg(m);
}

/*
 * Small payloads in large rooms: when memory is well over the limit, move bytes together. A little
 * over it is nobody's fault: the window promises bytes, and a last small segment may fill it up.
 */
static bool compact_into_tail(struct zs_stack *s, struct zs_tcb *tcb, struct rte_mbuf *m)
{
	struct rte_mbuf *t = tcb->rcvq.tail;

	if (t == NULL || rcv_mem(tcb) / 3 <= tcb->rcvbuf / 2 || !has_room(t, m->data_len))
		return false;
	tcb->rcvq.bytes += m->data_len;
	copy_behind(s, t, m);
	return true;
}

static void append_one(struct zs_stack *s, struct zs_tcb *tcb, struct rte_mbuf *m)
{
	struct zs_seg *seg = zs_seg(m);
	uint32_t n = m->data_len;

	seg->seq = tcb->rcv_nxt;
	seg->len = n;
	seg->off = m->data_off;
	seg->flags = 0;
	zs_taken_fresh(s, m);
	m->pkt_len = n;
	tcb->rcv_nxt += n;
	tcb->bytes_in += n;
	s->stats.tcp_bytes_in += n;
	if (!compact_into_tail(s, tcb, m))
		zs_segq_push(&tcb->rcvq, m, n);
}

void zs_rcvq_append(struct zs_stack *s, struct zs_tcb *tcb, struct rte_mbuf *m)
{
	uint32_t ratio = (m->pkt_len << 8) / (m->nb_segs * zs_pkt_truesize(m));
	struct rte_mbuf *piece;

	tcb->rcv_ratio = (uint16_t)((tcb->rcv_ratio * 15u + RTE_MIN(ratio, 256u)) / 16);
	while ((piece = zs_chain_pop(&m)) != NULL)
		append_one(s, tcb, piece);
}

static void free_segq(struct zs_segq *q)
{
	struct rte_mbuf *m = q->head;

	*q = (struct zs_segq){ 0 };
	while (m != NULL) {
		struct rte_mbuf *next = zs_seg(m)->next;

		rte_pktmbuf_free_seg(m);
		m = next;
	}
}

void zs_rcvq_purge(struct zs_tcb *tcb)
{
	free_segq(&tcb->rcvq);
	free_segq(&tcb->ooo);
	tcb->n_recent = 0;
}

/*
 * What the application holds counts for half of the buffer at most: a charge may be of a buffer
 * that has come back unnoticed, and that alone must not stop the connection. With an empty queue
 * the other half is offered, which is as much as zs_rcv_edge() waits for.
 */
uint32_t zs_rcv_space(const struct zs_tcb *tcb)
{
	uint32_t mem = rcv_mem(tcb) + RTE_MIN(tcb->taken_mem, tcb->rcvbuf / 2);
	uint32_t ratio = RTE_MAX(tcb->rcv_ratio, 32);
	uint64_t space;

	if (mem >= tcb->rcvbuf)
		return 0;
	space = (uint64_t)(tcb->rcvbuf - mem) * ratio >> 8;
	return (uint32_t)RTE_MIN(space, (uint64_t)65535 << tcb->rcv_wscale);
}

uint32_t zs_rcv_edge(const struct zs_tcb *tcb)
{
	uint32_t edge = tcb->rcv_nxt + zs_rcv_space(tcb);
	uint32_t half = (uint32_t)((uint64_t)tcb->rcvbuf * tcb->rcv_ratio >> 9);
	uint32_t step = RTE_MIN((uint32_t)tcb->mss, half);

	if (zs_seq_lt(edge, tcb->rcv_adv + step))
		return tcb->rcv_adv;
	return edge;
}

void zs_rcv_tell(struct zs_stack *s, struct zs_tcb *tcb)
{
	uint32_t left = tcb->rcv_adv - tcb->rcv_nxt;
	uint32_t grown;

	if (tcb->state == ZS_CLOSED ||
	    tcb->flags & (ZS_TF_FIN_RCVD | ZS_TF_ORPHAN | ZS_TF_ACK_NOW)) /* the ACK tells it */
		return;
	/* a SYN's window is at most 64 KB; the first answers tell of the rest by themselves */
	if (tcb->bytes_in < FIRST_BYTES && left >= FIRST_BYTES)
		return;
	grown = zs_rcv_edge(tcb) - tcb->rcv_adv;
	if (grown >= 2u * tcb->mss && (grown >= left || left < 2u * tcb->mss))
		zs_ack_now(s, tcb);
	else if (grown > 0 && left < tcb->mss)
		zs_ack_now(s, tcb);
}

/*
 * The application took n bytes. Follows the connection's need: what is consumed in a round trip is
 * to fit twice into the window.
 */
static void tune(struct zs_stack *s, struct zs_tcb *tcb, uint32_t n)
{
	uint32_t rtt = RTE_MAX(tcb->srtt_us, tcb->rcv_rtt_us);

	tcb->tune_bytes += n;
	if (rtt != 0 && (uint32_t)s->now_us - tcb->tune_start_us >= rtt) {
		uint64_t payload = (uint64_t)tcb->tune_bytes * 2 * 256;
		uint32_t ratio = RTE_MAX(tcb->rcv_ratio, 32);

		if (payload > (uint64_t)tcb->rcvbuf * ratio && tcb->opts.rcvbuf == 0)
			tcb->rcvbuf =
				(uint32_t)RTE_MIN(payload / ratio, (uint64_t)s->cfg.rcvbuf_max);
		tcb->tune_start_us = (uint32_t)s->now_us;
		tcb->tune_bytes = 0;
	}
}

static void consumed(struct zs_stack *s, struct zs_tcb *tcb, uint32_t n)
{
	tune(s, tcb, n);
	zs_rcv_opened(s, tcb);
}

uint32_t zs_tcp_readable(const struct zs_tcb *tcb)
{
	return tcb->rcvq.bytes;
}

struct rte_mbuf *zs_tcp_rcvq(const struct zs_tcb *tcb)
{
	return tcb->rcvq.head;
}

static struct rte_mbuf *pop(struct zs_tcb *tcb)
{
	struct rte_mbuf *m = tcb->rcvq.head;
	struct zs_seg *seg = zs_seg(m);

	tcb->rcvq.head = seg->next;
	if (tcb->rcvq.head == NULL)
		tcb->rcvq.tail = NULL;
	tcb->rcvq.bytes -= seg->len;
	tcb->rcvq.mem -= zs_pkt_truesize(m);
	return m;
}

static void trim_head(struct zs_tcb *tcb, uint32_t n)
{
	struct rte_mbuf *m = tcb->rcvq.head;
	struct zs_seg *seg = zs_seg(m);

	seg->seq += n;
	seg->len -= n;
	seg->off = (uint16_t)(seg->off + n);
	zs_pkt_set(m, seg->off, (uint16_t)seg->len);
	tcb->rcvq.bytes -= n;
}

/* The first n bytes of the head buffer as a reference; the head keeps the rest. */
static struct rte_mbuf *take_part(struct zs_stack *s, struct zs_tcb *tcb, uint32_t n)
{
	struct rte_mbuf *m = tcb->rcvq.head;
	struct rte_mbuf *c = zs_pkt_keep(s, m, zs_seg(m)->off, (uint16_t)n, ZS_KEEP_APP);

	if (c != NULL) {
		zs_seg(c)->flags = zs_seg(m)->flags;
		zs_taken_hold(m);
		trim_head(tcb, n);
	}
	return c;
}

/* At most max queued bytes as one chain. */
static struct rte_mbuf *gather(struct zs_stack *s, struct zs_tcb *tcb, size_t max)
{
	struct rte_mbuf *head = NULL, *last = NULL;
	size_t left = max;

	while (tcb->rcvq.head != NULL && left > 0 && (head == NULL || head->nb_segs < 1024)) {
		struct rte_mbuf *m;

		if (zs_seg(tcb->rcvq.head)->len <= left)
			m = pop(tcb);
		else if (head == NULL)
			m = take_part(s, tcb, (uint32_t)left);
		else
			break;
		if (m == NULL)
			break;
		left -= m->data_len;
		if (head == NULL) {
			head = m;
		} else {
			last->next = m;
			head->nb_segs++;
			head->pkt_len += m->data_len;
		}
		last = m;
	}
	return head;
}

struct rte_mbuf *zs_tcp_recv(struct zs_stack *s, struct zs_tcb *tcb, size_t max)
{
	struct rte_mbuf *head = gather(s, tcb, max);

	if (head != NULL)
		consumed(s, tcb, head->pkt_len);
	return head;
}

static void pack(struct zs_stack *s, struct zs_tcb *tcb, size_t max)
{
	struct rte_mbuf *m = tcb->rcvq.head;
	size_t seen = 0;

	while (m != NULL && seen < max) {
		struct rte_mbuf *next = zs_seg(m)->next;

		if (next == NULL || next->data_len > next->buf_len / 2 ||
		    !has_room(m, next->data_len)) {
			seen += m->data_len;
			m = next;
			continue;
		}
		zs_seg(m)->next = zs_seg(next)->next;
		if (tcb->rcvq.tail == next)
			tcb->rcvq.tail = m;
		tcb->rcvq.mem -= zs_pkt_truesize(next);
		copy_behind(s, m, next);
	}
}

void zs_tcp_pack(struct zs_stack *s, struct zs_tcb *tcb, size_t max)
{
	if (unlikely(s->pool_level != ZS_POOL_PLENTY || tcb->taken_mem > tcb->rcvbuf))
		pack(s, tcb, max);
}

struct rte_mbuf *zs_tcp_take(struct zs_stack *s, struct zs_tcb *tcb, size_t max)
{
	struct rte_mbuf *head;

	zs_tcp_pack(s, tcb, max);
	head = gather(s, tcb, max);
	if (head == NULL)
		return NULL;
	for (struct rte_mbuf *m = head; m != NULL; m = m->next) {
		zs_taken_charge(s, tcb, m);
		if (zs_seg(m)->flags & ZS_SEG_COPIED)
			m->ol_flags |= ZS_PKT_COPIED;
	}
	consumed(s, tcb, head->pkt_len); /* where all is charged, the window is as it was */
	return head;
}

void zs_tcp_unrecv(struct zs_tcb *tcb, struct rte_mbuf *m)
{
	struct zs_segq front = { 0 };

	while (m != NULL) {
		struct rte_mbuf *next = m->next;

		m->next = NULL;
		m->nb_segs = 1;
		zs_pkt_set(m, m->data_off, m->data_len);
		zs_seg(m)->len = m->data_len;
		zs_seg(m)->off = m->data_off;
		zs_segq_push(&front, m, m->data_len);
		m = next;
	}
	zs_seg(front.tail)->next = tcb->rcvq.head;
	if (tcb->rcvq.head == NULL)
		tcb->rcvq.tail = front.tail;
	tcb->rcvq.head = front.head;
	tcb->rcvq.bytes += front.bytes;
	tcb->rcvq.mem += front.mem;
}

void zs_tcp_consume(struct zs_stack *s, struct zs_tcb *tcb, uint32_t n)
{
	uint32_t left = RTE_MIN(n, tcb->rcvq.bytes);
	uint32_t total = left;

	while (left > 0) {
		uint32_t len = zs_seg(tcb->rcvq.head)->len;

		if (len > left) {
			trim_head(tcb, left);
			break;
		}
		rte_pktmbuf_free_seg(pop(tcb));
		left -= len;
	}
	consumed(s, tcb, total);
}

size_t zs_tcp_copy_out(struct zs_stack *s, const struct zs_tcb *tcb, size_t off, void *dst,
		       size_t n)
{
	uint8_t *out = dst;
	size_t done = 0;

	for (struct rte_mbuf *m = tcb->rcvq.head; m != NULL && done < n; m = zs_seg(m)->next) {
		size_t len = zs_seg(m)->len;
		size_t k;

		if (off >= len) {
			off -= len;
			continue;
		}
		k = RTE_MIN(len - off, n - done);
		memcpy(out + done, rte_pktmbuf_mtod_offset(m, const uint8_t *, off), k);
		done += k;
		off = 0;
	}
	s->stats.copies += done;
	return done;
}
