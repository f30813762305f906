/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Buffers as the application sees them: chains of struct rte_mbuf. Sharing is by indirect mbufs, so
 * that every handle has a header and a private area of its own; payload is never copied except by
 * z_buf_copy_out(), which counts it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/zs_zstate.h"
#include "core/tcp/zs_taken.h"

/* pkt_len of a freed buffer; allocation and reception overwrite it. */
enum { FREED = 0x5afef4ee };

enum { CHAIN_MAX = 1 << 20 }; /* what one z_write() takes */

static __rte_always_inline bool looks_like_piece(const struct rte_mbuf *m)
{
	return zs_ctx_may_look(zs_ctx_self, m) &&
	       ((uintptr_t)m & (RTE_CACHE_LINE_MIN_SIZE - 1)) == 0 && m->pool != NULL &&
	       ((uintptr_t)m->pool & 7) == 0 && m->buf_addr != NULL &&
	       rte_mbuf_refcnt_read(m) != 0 && m->pkt_len != FREED &&
	       (uint32_t)m->data_off + m->data_len <= m->buf_len;
}

bool zs_zbuf_sane(const void *b)
{
	struct rte_mbuf *head = (struct rte_mbuf *)(uintptr_t)b;
	uint32_t len, n = 1;

	if (head == NULL || !looks_like_piece(head))
		return false;
	len = head->data_len;
	for (struct rte_mbuf *m = head->next; m != NULL; m = m->next, n++) {
		if (!looks_like_piece(m))
			return false;
		len += m->data_len;
	}
	if (n != head->nb_segs)
		return false;
	head->pkt_len = len;
	return true;
}

#ifdef ZS_DEBUG
struct rte_mbuf *zs_zbuf(const z_buf *b, const char *caller)
{
	struct rte_mbuf *m = (struct rte_mbuf *)(uintptr_t)b;

	if (m == NULL || looks_like_piece(m))
		return m;
	fprintf(stderr, "zstack: %s: %p is not a buffer%s\n", caller, (const void *)b,
		((uintptr_t)m & 7) == 0 && m->pkt_len == FREED ? ": freed before" : "");
	abort();
}
#else
struct rte_mbuf *zs_zbuf(const z_buf *b, const char *caller)
{
	(void)caller;
	return (struct rte_mbuf *)(uintptr_t)b;
}
#endif

static z_buf *handle(struct rte_mbuf *m)
{
	return (z_buf *)m;
}

/* Nobody else sees the bytes of this piece. */
static bool sole_piece(const struct rte_mbuf *m)
{
	if (rte_mbuf_refcnt_read(m) != 1 || RTE_MBUF_CLONED(m))
		return false;
	return !RTE_MBUF_HAS_EXTBUF(m) || rte_mbuf_ext_refcnt_read(m->shinfo) == 1;
}

void zs_zbuf_done(struct rte_mbuf *m, int status)
{
	for (; m != NULL; m = m->next) {
		if ((m->ol_flags & ZS_PKT_DONE) == 0)
			continue;
		m->ol_flags &= ~ZS_PKT_DONE;
		zs_seg(m)->done->fn(zs_seg(m)->done, status);
	}
}

/* The application gives the chain m up: what it was charged for it ends. */
static void drop_handles(struct rte_mbuf *m)
{
	if (zs_ctx_self != NULL)
		zs_taken_drop_all(zs_ctx_self->s, m);
}

/* m for the socket sk, if that is known, which waits when there is none. */
static z_buf *handle_for(struct zs_sock *sk, struct rte_mbuf *m)
{
	if (unlikely(m == NULL && sk != NULL && errno == ENOBUFS))
		zs_sock_await_buffers(sk);
	return handle(m);
}

static void *fail(int why)
{
	errno = why;
	return NULL;
}

ZS_API z_buf *z_alloc(int fd, size_t len, unsigned flags)
{
	struct zs_sock *sk = NULL;
	struct zs_zstate *z;
	bool enough;

	if (flags != 0)
		return fail(EINVAL);
	if (fd >= 0 && (sk = zs_fd_sock(fd)) == NULL)
		return NULL;
	z = zs_zstate();
	if (z == NULL)
		return NULL;
	enough = sk != NULL && zs_sock_send_piece(sk) == 0;
	return handle_for(sk, enough ? fail(ENOBUFS) : zs_zstate_alloc(z, len));
}

ZS_API z_buf *z_alloc_chain(int fd, size_t len, unsigned flags)
{
	uint32_t piece = UINT32_MAX;
	struct zs_sock *sk = NULL;
	struct zs_zstate *z;
	struct rte_mbuf *m;

	if ((flags & ~(unsigned)MSG_MORE) != 0 || len == 0 || len > CHAIN_MAX)
		return fail(EINVAL);
	if (fd >= 0) {
		sk = zs_fd_sock(fd);
		if (sk == NULL)
			return NULL;
		piece = zs_sock_send_piece(sk);
	}
	z = zs_zstate();
	if (z == NULL)
		return NULL;
	if (likely(piece > 0))
		m = zs_zstate_alloc_chain(z, (uint32_t)len, piece, (flags & MSG_MORE) != 0);
	else
		m = fail(ENOBUFS);
	return handle_for(sk, m);
}

ZS_API size_t z_buf_len(const z_buf *b)
{
	size_t len = 0;

	for (const struct rte_mbuf *m = zs_zbuf(b, __func__); m != NULL; m = m->next)
		len += m->data_len;
	return len;
}

ZS_API int z_buf_iov(const z_buf *b, struct z_iov *v, int max)
{
	int n = 0;

	for (struct rte_mbuf *m = zs_zbuf(b, __func__); m != NULL; m = m->next, n++) {
		if (n >= max)
			continue;
		v[n] = (struct z_iov){
			.ptr = rte_pktmbuf_mtod(m, void *),
			.len = m->data_len,
			.flags = m->ol_flags & ZS_PKT_COPIED ? Z_F_COPIED : 0,
			.buf = handle(m),
		};
	}
	return n;
}

ZS_API void *z_buf_append(z_buf *b, size_t n)
{
	struct rte_mbuf *m = zs_zbuf(b, __func__);
	struct rte_mbuf *last;
	void *p;

	if (unlikely(m == NULL))
		return fail(EINVAL);
	last = zs_zbuf_last(m);
	if (!sole_piece(last) || n > rte_pktmbuf_tailroom(last))
		return fail(ENOSPC);
	p = rte_pktmbuf_mtod_offset(last, void *, last->data_len);
	last->data_len = (uint16_t)(last->data_len + n);
	m->pkt_len += (uint32_t)n;
	return p;
}

ZS_API void *z_buf_prepend(z_buf *b, size_t n)
{
	struct rte_mbuf *m = zs_zbuf(b, __func__);

	if (unlikely(m == NULL))
		return fail(EINVAL);
	if (!sole_piece(m) || n > rte_pktmbuf_headroom(m))
		return fail(ENOSPC);
	m->data_off = (uint16_t)(m->data_off - n);
	m->data_len = (uint16_t)(m->data_len + n);
	m->pkt_len += (uint32_t)n;
	return rte_pktmbuf_mtod(m, void *);
}

/* The fresh buffer c, where it stands in its chain, becomes a reference to [off, off + len) of the
 * piece m. */
static void ref_piece(struct rte_mbuf *c, struct rte_mbuf *m, size_t off, size_t len)
{
	struct rte_mbuf *next = c->next;

	rte_pktmbuf_attach(c, m);
	c->next = next;
	/* attach copies the flags of a packet, but the completion is not the clone's */
	c->ol_flags &= ZS_PKT_ROOM | ZS_PKT_COPIED;
	zs_taken_hold(c);
	zs_pkt_set(c, (uint16_t)(m->data_off + off), (uint16_t)len);
}

/* The piece with the byte at off of the chain m; *off is counted from its first one then. */
static struct rte_mbuf *piece_at(struct rte_mbuf *m, size_t *off)
{
	for (; *off >= m->data_len; m = m->next)
		*off -= m->data_len;
	return m;
}

/* May have no more references. Each piece of a chain is one, so that the count doubles at most. */
static bool is_taken_up(struct rte_mbuf *m)
{
	return zs_pkt_refs(m) > ZS_REFS_APP;
}

/* Those that have some of the first len bytes; 0: not all of them may be referred to. */
static uint32_t count_pieces(struct rte_mbuf *m, size_t len)
{
	uint32_t n = 0;

	for (; len > 0; m = m->next) {
		if (unlikely(is_taken_up(m)))
			return 0;
		n += m->data_len > 0;
		len -= RTE_MIN(len, (size_t)m->data_len);
	}
	return n;
}

/* References to [off, off + len) of the chain m, len > 0; NULL with errno. */
static struct rte_mbuf *ref_range(struct rte_mbuf *m, size_t off, size_t len)
{
	struct zs_zstate *z = zs_zstate();
	struct rte_mbuf *head;
	size_t left = len;
	uint32_t n_pieces;

	if (z == NULL)
		return NULL;
	m = piece_at(m, &off);
	n_pieces = count_pieces(m, off + len);
	if (unlikely(n_pieces == 0))
		return fail(ENOBUFS);
	head = zs_zstate_alloc_refs(z, n_pieces);
	if (head == NULL)
		return NULL;
	for (struct rte_mbuf *c = head; c != NULL; c = c->next) {
		size_t n;

		m = piece_at(m, &off);
		n = RTE_MIN(left, m->data_len - off);
		ref_piece(c, m, off, n);
		off += n;
		left -= n;
	}
	head->nb_segs = (uint16_t)n_pieces;
	head->pkt_len = (uint32_t)len;
	return head;
}

ZS_API z_buf *z_buf_slice(z_buf *b, size_t off, size_t len)
{
	size_t total = z_buf_len(b);

	if (len == 0 || off > total || len > total - off)
		return fail(EINVAL);
	return handle(ref_range(zs_zbuf(b, __func__), off, len));
}

ZS_API z_buf *z_buf_ref(z_buf *b)
{
	return z_buf_slice(b, 0, z_buf_len(b));
}

/* b's bytes from off on leave its chain. off is where the piece behind prev begins. */
static struct rte_mbuf *cut_behind(struct rte_mbuf *head, struct rte_mbuf *prev, size_t off)
{
	struct rte_mbuf *rest = prev->next;
	uint16_t kept = 1;

	for (const struct rte_mbuf *m = head; m != prev; m = m->next)
		kept++;
	if (rest != NULL) {
		rest->nb_segs = (uint16_t)(head->nb_segs - kept);
		rest->pkt_len = (uint32_t)(head->pkt_len - off);
	}
	prev->next = NULL;
	head->nb_segs = kept;
	head->pkt_len = (uint32_t)off;
	return rest;
}

/* The piece m ends after `keep` bytes; what is behind goes into a new piece next to it, and the
 * completion with it. */
static int split_piece(struct rte_mbuf *head, struct rte_mbuf *m, size_t keep)
{
	struct zs_zstate *z = zs_zstate();
	struct rte_mbuf *c;

	if (z == NULL)
		return -1;
	c = is_taken_up(m) ? fail(ENOBUFS) : zs_zstate_alloc_refs(z, 1);
	if (c == NULL)
		return -1;
	ref_piece(c, m, keep, m->data_len - keep);
	if (m->ol_flags & ZS_PKT_DONE) {
		zs_seg(c)->done = zs_seg(m)->done;
		c->ol_flags |= ZS_PKT_DONE;
		m->ol_flags &= ~ZS_PKT_DONE;
	}
	c->next = m->next;
	m->next = c;
	m->data_len = (uint16_t)keep;
	head->nb_segs++;
	return 0;
}

ZS_API z_buf *z_buf_split(z_buf *b, size_t off)
{
	struct rte_mbuf *head = zs_zbuf(b, __func__);
	struct rte_mbuf *m = head;
	size_t total = z_buf_len(b);
	size_t left = off;

	if (off == 0 || off >= total)
		return fail(EINVAL);
	head->pkt_len = (uint32_t)total;
	while (left > m->data_len) {
		left -= m->data_len;
		m = m->next;
	}
	if (left < m->data_len && split_piece(head, m, left) < 0)
		return NULL;
	return handle(cut_behind(head, m, off));
}

ZS_API int z_buf_join(z_buf *a, z_buf *b)
{
	struct rte_mbuf *ma = zs_zbuf(a, __func__);
	struct rte_mbuf *mb = zs_zbuf(b, __func__);
	struct rte_mbuf *last;
	uint32_t segs;

	if (ma == NULL || mb == NULL)
		return (int)ff_ret(-EINVAL);
	last = zs_zbuf_last(ma);
	segs = (uint32_t)ma->nb_segs + mb->nb_segs;
	if (last == zs_zbuf_last(mb)) /* one is a part of the other */
		return (int)ff_ret(-EINVAL);
	if (segs > RTE_MBUF_MAX_NB_SEGS)
		return (int)ff_ret(-EOVERFLOW);
	last->next = mb;
	ma->nb_segs = (uint16_t)segs;
	ma->pkt_len += mb->pkt_len;
	return 0;
}

ZS_API int z_buf_writable(const z_buf *b)
{
	for (const struct rte_mbuf *m = zs_zbuf(b, __func__); m != NULL; m = m->next)
		if (!sole_piece(m))
			return 0;
	return b != NULL;
}

ZS_API size_t z_buf_copy_out(const z_buf *b, size_t off, void *dst, size_t n)
{
	size_t done = 0;

	for (const struct rte_mbuf *m = zs_zbuf(b, __func__); m != NULL && done < n; m = m->next) {
		size_t k;

		if (off >= m->data_len) {
			off -= m->data_len;
			continue;
		}
		k = RTE_MIN(m->data_len - off, n - done);
		memcpy((char *)dst + done, rte_pktmbuf_mtod_offset(m, const char *, off), k);
		done += k;
		off = 0;
	}
	if (zs_ctx_self != NULL)
		zs_stack_count_copies(zs_ctx_self->s, done);
	return done;
}

ZS_API void z_buf_reset(z_buf *b)
{
	struct rte_mbuf *m = zs_zbuf(b, __func__);
	struct rte_mbuf *rest;

	if (m == NULL)
		return;
	rest = m->next;
	zs_zbuf_done(m, -ECANCELED);
	m->next = NULL;
	drop_handles(rest);
	rte_pktmbuf_free(rest);
	/* a reference gives up what it refers to and has its own small room again */
	if (!RTE_MBUF_DIRECT(m) && rte_mbuf_refcnt_read(m) == 1) {
		drop_handles(m);
		rte_pktmbuf_detach(m);
	}
	rte_pktmbuf_reset(m);
}

ZS_API void z_buf_free(z_buf *b)
{
	struct rte_mbuf *m;

	if (b == NULL)
		return;
	m = zs_zbuf(b, __func__);
	zs_zbuf_done(m, -ECANCELED);
	drop_handles(m);
#ifdef ZS_DEBUG
	/* another holder's view of a shared buffer stays as it is */
	if (rte_mbuf_refcnt_read(m) == 1)
		m->pkt_len = FREED;
#endif
	rte_pktmbuf_free(m);
}

ZS_API int z_buf_on_done(z_buf *b, z_done_fn fn, void *arg)
{
	struct rte_mbuf *last = zs_zbuf(b, __func__);
	struct zs_zstate *z = zs_zstate();
	struct zs_zdone *d;

	if (z == NULL)
		return -1;
	if (last == NULL)
		return (int)ff_ret(-EINVAL);
	last = zs_zbuf_last(last);
	if (fn == NULL || (last->ol_flags & ZS_PKT_DONE) || last->priv_size < ZS_PRIV_SIZE) {
		errno = last->ol_flags & ZS_PKT_DONE ? EBUSY : EINVAL;
		return -1;
	}
	d = zs_zdone_new(z, fn, arg);
	if (d == NULL)
		return -1;
	zs_seg(last)->done = &d->of_buffer;
	last->ol_flags |= ZS_PKT_DONE;
	return 0;
}
