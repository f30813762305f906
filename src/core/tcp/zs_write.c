/* SPDX-License-Identifier: BSD-3-Clause */
/* Writing: buffers and bytes of the application become records of the send queue. */
#include <errno.h>

#include "core/tcp/zs_queue.h"
#include "core/tcp/zs_sndrules.h"
#include "core/tcp/zs_taken.h"
#include "wire/zs_cksum.h"

enum { MAX_CHAIN = 1 << 20 };

static __rte_always_inline void enqueue(struct zs_stack *s, struct zs_tcb *tcb, struct rte_mbuf *m,
					uint32_t seq)
{
	struct zs_seg *seg = zs_seg(m);
	bool done = (m->ol_flags & ZS_PKT_DONE) != 0;

	seg->seq = seq;
	seg->len = m->data_len;
	seg->off = m->data_off;
	seg->flags = done ? ZS_SEG_DONE : 0;
	seg->tx_count = 0;
	seg->apart = 0;
	seg->ends_run = 0;
	seg->app_limited = 0;
	m->ol_flags &= ~(ZS_PKT_DONE | ZS_PKT_COPIED);
	zs_segq_push(&tcb->sndq, m, seg->len);
	if (tcb->unsent == NULL) {
		tcb->unsent = m;
		if (tcb->sndq.head == m)
			tcb->busy_us -= s->now_us;
	}
}

static uint32_t tail_seq(const struct zs_tcb *tcb)
{
	return tcb->snd_nxt - (tcb->flags & ZS_TF_FIN_SENT ? 1 : 0) + zs_unsent_bytes(tcb);
}

static __rte_always_inline uint32_t space_of(const struct zs_tcb *tcb)
{
	if (tcb->sndq.bytes >= tcb->sndbuf || tcb->sndq.mem / 4 >= tcb->sndbuf)
		return 0;
	if (unlikely(tcb->flags & ZS_TF_SND_RULES))
		return RTE_MIN(tcb->sndbuf - tcb->sndq.bytes, zs_lowat_space(tcb));
	return tcb->sndbuf - tcb->sndq.bytes;
}

uint32_t zs_tcp_send_space(const struct zs_tcb *tcb)
{
	return space_of(tcb);
}

bool zs_tcp_writable(const struct zs_stack *s, struct zs_tcb *tcb)
{
	if (unlikely(space_of(tcb) == 0)) {
		/* no write was refused where the room went by itself: records are cut */
		tcb->flags |= ZS_TF_WANT_SPACE;
		return false;
	}
	return likely(!(tcb->flags & ZS_TF_WANT_SPACE)) || zs_sndq_roomy(s, tcb);
}

void zs_tcp_await_room(struct zs_tcb *tcb)
{
	tcb->flags |= ZS_TF_WANT_SPACE;
}

/*
 * No more than a quarter of what is free: however many write, all get about the same, and each has
 * something queued, whose acknowledgements tell it when to go on.
 */
bool zs_tcp_has_share(const struct zs_stack *s, const struct zs_tcb *tcb)
{
	return tcb->sndq.mem > s->pool_share;
}

uint32_t zs_tcp_send_piece(const struct zs_stack *s, const struct zs_tcb *tcb)
{
	return tcb->mss != 0 && !zs_tcb_tso(s, tcb) ? tcb->mss : UINT32_MAX;
}

/* May the application send now? 0 or -errno. */
static __rte_always_inline int may_send(struct zs_tcb *tcb)
{
	switch ((enum zs_tcp_state)tcb->state) {
	case ZS_ESTABLISHED:
	case ZS_CLOSE_WAIT:
		break;
	case ZS_SYN_RCVD:
		if (tcb->syn_flags & ZS_SY_CHILD)
			break;
		/* fallthrough */
	case ZS_SYN_SENT:
		if (tcb->syn_flags & ZS_SY_WAITS)
			break;
		tcb->flags |= ZS_TF_WANT_SPACE;
		return tcb->flags & ZS_TF_FIN_QUEUED ? -EPIPE : -EAGAIN;
	case ZS_CLOSED:
		return tcb->flags & ZS_TF_SYN_SENT || zs_tcp_has_met(tcb) ? -EPIPE : -ENOTCONN;
	default:
		return -EPIPE;
	}
	if (tcb->flags & ZS_TF_FIN_QUEUED)
		return -EPIPE;
	if (space_of(tcb) == 0) {
		tcb->flags |= ZS_TF_WANT_SPACE;
		return -EAGAIN;
	}
	return 0;
}

/* Replaces shared or foreign buffers of the chain by references to them. Undone on failure. */
static __attribute__((noinline)) int wrap_chain(struct zs_stack *s, struct rte_mbuf **head)
{
	struct rte_mbuf *wrapped = NULL, **last = &wrapped; /* the references, in order */

	for (struct rte_mbuf *m = *head; m != NULL; m = m->next) {
		struct rte_mbuf *c;

		if (!zs_sndq_foreign(m))
			continue;
		c = zs_pkt_keep(s, m, m->data_off, m->data_len, ZS_KEEP_APP);
		if (c == NULL)
			goto err_free;
		zs_seg(c)->next = NULL;
		*last = c;
		last = &zs_seg(c)->next;
	}
	for (struct rte_mbuf **link = head; wrapped != NULL; link = &(*link)->next) {
		struct rte_mbuf *m = *link;
		struct rte_mbuf *c = wrapped;

		if (!zs_sndq_foreign(m))
			continue;
		wrapped = zs_seg(c)->next;
		if (m->ol_flags & ZS_PKT_DONE && m->priv_size >= ZS_PRIV_SIZE) {
			zs_seg(c)->done = zs_seg(m)->done;
			c->ol_flags |= ZS_PKT_DONE;
		}
		c->next = m->next;
		*link = c;
		rte_pktmbuf_free_seg(m);
	}
	return 0;

err_free:
	while (wrapped != NULL) {
		struct rte_mbuf *next = zs_seg(wrapped)->next;

		rte_pktmbuf_free_seg(wrapped);
		wrapped = next;
	}
	return -ENOBUFS;
}

/*
 * Consumes m, which shows nothing: it is done with when the last record of its chain before it is,
 * now if there is none.
 */
static __attribute__((noinline)) void leave_out(struct zs_stack *s, struct rte_mbuf *m,
						struct zs_seg *before)
{
	struct zs_done *d = zs_seg(m)->done;

	zs_taken_drop(s, m);
	if (m->ol_flags & ZS_PKT_DONE && before == NULL) {
		d->fn(d, 0);
	} else if (m->ol_flags & ZS_PKT_DONE && !d->failures_only) {
		d->next = before->flags & ZS_SEG_DONE ? before->done : NULL;
		before->done = d;
		before->flags |= ZS_SEG_DONE;
	}
	rte_pktmbuf_free_seg(m);
}

static __rte_always_inline void note_written(struct zs_stack *s, struct zs_tcb *tcb, unsigned flags)
{
	if (flags & ZS_SEND_MORE) {
		tcb->flags |= ZS_TF_MORE;
	} else {
		tcb->flags &= ~(uint32_t)ZS_TF_MORE;
		zs_seg(tcb->sndq.tail)->flags |= ZS_SEG_EOR;
	}
	if (unlikely(flags & ZS_SEND_EOR))
		zs_sndq_keep_apart(tcb);
	if (unlikely(tcb->flags & ZS_TF_SND_RULES) && tcb->stamps != NULL)
		zs_stamps_written(tcb);
	if (space_of(tcb) == 0)
		tcb->flags |= ZS_TF_WANT_SPACE;
	if (likely(tcb->state != ZS_SYN_SENT))
		zs_output_later(s, tcb);
	else if (!(flags & ZS_SEND_MORE))
		zs_tcp_syn_now(s, tcb);
}

void zs_tcp_push(struct zs_tcb *tcb)
{
	if (tcb->unsent != NULL)
		tcb->flags |= ZS_TF_FORCE;
}

int zs_tcp_send(struct zs_stack *s, struct zs_tcb *tcb, struct rte_mbuf *m, unsigned flags)
{
	struct rte_mbuf *piece;
	uint32_t seq, first;
	uint64_t total = 0;
	bool wrap = false;
	int rc = may_send(tcb);

	if (rc < 0)
		return rc;
	for (const struct rte_mbuf *p = m; p != NULL; p = p->next) {
		total += p->data_len;
		wrap |= zs_sndq_foreign(p);
	}
	if (total == 0)
		return -EINVAL;
	if (total > MAX_CHAIN)
		return -EMSGSIZE;
	if (wrap && (rc = wrap_chain(s, &m)) < 0)
		return rc;
	first = seq = tail_seq(tcb);
	while ((piece = m) != NULL) {
		m = piece->next;
		piece->next = NULL;
		piece->nb_segs = 1;
		if (unlikely(piece->data_len == 0)) {
			leave_out(s, piece, seq != first ? zs_seg(tcb->sndq.tail) : NULL);
			continue;
		}
		enqueue(s, tcb, piece, seq);
		zs_taken_drop(s, piece);
		seq += piece->data_len;
	}
	note_written(s, tcb, flags);
	return 0;
}

/*
 * Room in the last record for bytes of another copying write, up to most in all: it is ours, unsent
 * and not full.
 */
static uint32_t tail_room(const struct zs_tcb *tcb, uint32_t most)
{
	struct rte_mbuf *m = tcb->sndq.tail;
	const struct zs_seg *seg;
	uint32_t room;

	if (tcb->unsent == NULL)
		return 0;
	seg = zs_seg(m);
	if (seg->tx_count != 0 || seg->apart || !(seg->flags & ZS_SEG_COPIED) || seg->len >= most ||
	    rte_mbuf_refcnt_read(m) != 1)
		return 0;
	room = m->buf_len - seg->off - seg->len;
	return RTE_MIN(room, most - seg->len);
}

/*
 * Where the device leaves checksums to us, the copy is the time to sum: the bytes are at hand, and
 * need not be read again when the segment is built.
 */
static void fill(const struct zs_stack *s, struct zs_tcb *tcb, struct rte_mbuf *m,
		 const uint8_t *src, uint32_t n)
{
	struct zs_seg *seg = zs_seg(m);
	uint8_t *dst = (uint8_t *)m->buf_addr + seg->off + seg->len;

	if (s->netif[tcb->netif].offloads & ZS_OFF_TX_TCP_CKSUM) {
		memcpy(dst, src, n);
		seg->flags &= (uint8_t)~ZS_SEG_SUMMED;
	} else {
		uint32_t sum = zs_cksum_copy(dst, src, n);

		seg->sum = seg->len & 1 ? zs_cksum_add_odd(seg->sum, sum) : seg->sum + sum;
	}
	seg->len += n;
	seg->flags &= (uint8_t)~ZS_SEG_EOR;
	zs_pkt_set(m, seg->off, (uint16_t)seg->len);
	tcb->sndq.bytes += n;
}

/*
 * A large room for n bytes that leave as one packet, instead of two ordinary ones or more; the
 * application has its half of those buffers for itself.
 */
static struct rte_mbuf *take_large(struct zs_stack *s, size_t n)
{
	struct rte_mempool *mp = s->env.big_pool;

	if (n <= rte_pktmbuf_data_room_size(s->env.pkt_pool) - (size_t)ZS_COPY_OFF ||
	    rte_mempool_get_ops(mp->ops_index)->get_count(mp) <= mp->size / 2)
		return NULL;
	return rte_pktmbuf_alloc(mp);
}

/* A buffer for a copying write of n bytes, which may not take the last ones: see zs_pool_watch().
 */
static struct rte_mbuf *take_for_copy(struct zs_stack *s, const struct zs_tcb *tcb, size_t n)
{
	struct rte_mbuf *m = NULL;

	if (n > tcb->mss && zs_tcb_tso(s, tcb))
		m = take_large(s, n);
	if (m != NULL)
		return m;
	zs_pool_watch(s, 1);
	if (s->pool_level != ZS_POOL_PLENTY || zs_tcp_has_share(s, tcb))
		return NULL;
	return rte_pktmbuf_alloc(s->env.pkt_pool);
}

/* Without data in flight no acknowledgement will wake the writer: time has to. */
void zs_tcp_await_buffers(struct zs_stack *s, struct zs_tcb *tcb)
{
	if (tcb->state < ZS_ESTABLISHED || may_send(tcb) < 0)
		return;
	tcb->flags |= ZS_TF_WANT_SPACE;
	if (tcb->sndq.head == NULL)
		zs_sndq_retry(s, tcb);
}

int64_t zs_tcp_send_copy(struct zs_stack *s, struct zs_tcb *tcb, const void *buf, size_t len,
			 unsigned flags)
{
	const uint8_t *src = buf;
	uint32_t most = zs_tcb_tso(s, tcb) ? UINT16_MAX : tcb->mss; /* of a record */
	size_t left;
	int rc = may_send(tcb);

	if (rc < 0)
		return rc;
	if (len == 0)
		return 0;
	left = space_of(tcb);
	if (unlikely(len > left))
		left = zs_sndq_round(tcb, (uint32_t)left);
	left = RTE_MIN(len, left);
	if (unlikely(tcb->state == ZS_SYN_SENT)) /* what the SYN can take along, and no more */
		left = RTE_MIN(left, (size_t)tcb->mss - RTE_MIN(tcb->mss, tcb->sndq.bytes));
	while (left > 0) {
		uint32_t room = tail_room(tcb, most);
		uint32_t n;

		if (room == 0) {
			uint32_t seq = tail_seq(tcb);
			struct rte_mbuf *m = take_for_copy(s, tcb, left);

			if (m == NULL)
				break;
			s->stats.allocs++;
			m->data_off = ZS_COPY_OFF;
			zs_taken_fresh(s, m);
			enqueue(s, tcb, m, seq);
			zs_seg(m)->flags = ZS_SEG_COPIED | ZS_SEG_SUMMED;
			zs_seg(m)->sum = 0;
			room = RTE_MIN((uint32_t)rte_pktmbuf_tailroom(m), most);
			zs_pkt_prefetch_write(m, RTE_CACHE_LINE_SIZE,
					      (uint32_t)RTE_MIN((size_t)room, left));
		}
		n = (uint32_t)RTE_MIN((size_t)room, left);
		fill(s, tcb, tcb->sndq.tail, src, n);
		src += n;
		left -= n;
	}
	if (src == (const uint8_t *)buf) {
		zs_tcp_await_buffers(s, tcb);
		return -EAGAIN;
	}
	s->stats.copies += (uint64_t)(src - (const uint8_t *)buf);
	note_written(s, tcb, flags);
	if ((size_t)(src - (const uint8_t *)buf) < len)
		tcb->flags |= ZS_TF_WANT_SPACE;
	return src - (const uint8_t *)buf;
}
