/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Completions, and the pools' watermark. The core tells a completion in the middle of its work,
 * where the application must not call it: it is put aside and told at the end of the turn. A pool
 * is looked at only when the credit given at the last look is used up, for that costs two cache
 * lines.
 */
#include "api/zs_zstate.h"
#include "core/tcp/zs_taken.h"

#include <stdlib.h>

enum {
	/* The core's own marks are lower. References queued in the place of buffers have to leave
	 * it header buffers to send them with. */
	ROOMS_PART = 4,
	HEADERS_PART = 2,
	MAX_CREDIT = 256,
	MAX_BULK = 32,
};

static struct zs_zgauge gauge_of(struct rte_mempool *pool, uint32_t part)
{
	return (struct zs_zgauge){
		.pool = pool,
		.room = rte_pktmbuf_data_room_size(pool) - RTE_PKTMBUF_HEADROOM,
		.part = part,
	};
}

struct zs_zstate *zs_zstate_new(void)
{
	struct zs_ctx *c = zs_ctx_get();
	const struct zs_env *env;
	struct zs_zstate *z;

	if (c == NULL)
		return NULL;
	z = calloc(1, sizeof(*z));
	if (z == NULL)
		return NULL;
	env = zs_stack_env(c->s);
	z->c = c;
	z->refs = 1;
	z->pkt = gauge_of(env->pkt_pool, ROOMS_PART);
	z->big = gauge_of(env->big_pool, ROOMS_PART);
	z->hdr = gauge_of(env->hdr_pool, HEADERS_PART);
	zs_list_init(&z->dones);
	zs_list_init(&z->relays);
	zs_list_init(&z->blocked);
	zs_waitq_init(&z->relay_q);
	c->z = z;
	return z;
}

void zs_zstate_unref(struct zs_zstate *z)
{
	if (--z->refs == 0)
		free(z);
}

static bool tell_dones(struct zs_zstate *z)
{
	struct zs_list *node;
	struct zs_list now;

	if (zs_list_empty(&z->dones))
		return false;
	/* those that fire meanwhile wait for the next turn */
	now = z->dones;
	now.next->prev = &now;
	now.prev->next = &now;
	zs_list_init(&z->dones);
	while ((node = zs_list_pop(&now)) != NULL) {
		struct zs_zdone *d = container_of(node, struct zs_zdone, link);

		d->fn(d->arg, d->status);
		zs_zdone_drop(d);
	}
	return true;
}

bool zs_zstate_turn(struct zs_ctx *c)
{
	struct zs_zstate *z = c->z;
	bool was_in_run = c->in_run;
	bool moved;

	if (z == NULL)
		return false;
	c->in_run = true; /* a completion that waits must not drive the stack from in here */
	moved = zs_zrelay_turn(z);
	moved |= tell_dones(z);
	c->in_run = was_in_run;
	return moved;
}

void zs_zstate_fini(struct zs_ctx *c)
{
	struct zs_zstate *z = c->z;

	if (z == NULL)
		return;
	zs_zrelay_fini(z);
	while (tell_dones(z))
		;
	z->c = NULL;
	c->z = NULL;
	zs_zstate_unref(z);
}

void zs_zdone_drop(struct zs_zdone *d)
{
	struct zs_zstate *z = d->z;

	free(d);
	zs_zstate_unref(z);
}

/* After the context's end there are no turns any more: told at once. */
void zs_zdone_fire(struct zs_zdone *d, int status)
{
	d->status = status;
	if (d->z->c != NULL) {
		zs_list_add_tail(&d->z->dones, &d->link);
		return;
	}
	d->fn(d->arg, status);
	zs_zdone_drop(d);
}

static void buffer_done(struct zs_done *of_buffer, int status)
{
	zs_zdone_fire(container_of(of_buffer, struct zs_zdone, of_buffer), status);
}

struct zs_zdone *zs_zdone_new(struct zs_zstate *z, z_done_fn fn, void *arg)
{
	struct zs_zdone *d = calloc(1, sizeof(*d));

	if (d == NULL)
		return NULL;
	*d = (struct zs_zdone){ .of_buffer.fn = buffer_done, .z = z, .fn = fn, .arg = arg };
	z->refs++;
	return d;
}

/* ---- pools ---- */

static bool may_take(struct zs_zgauge *g, uint32_t n)
{
	uint32_t reserve, avail;

	if (g->credit >= n) {
		g->credit -= n;
		return true;
	}
	reserve = g->pool->size / g->part;
	avail = rte_mempool_get_ops(g->pool->ops_index)->get_count(g->pool);
	if (avail < reserve + n)
		return false;
	/* others take from the pool as well: never more than a part of what is left */
	g->credit = RTE_MIN((avail - reserve - n) / 4, (uint32_t)MAX_CREDIT);
	return true;
}

static struct rte_mbuf *take(struct zs_zstate *z, struct zs_zgauge *g)
{
	struct rte_mbuf *m = may_take(g, 1) ? rte_pktmbuf_alloc(g->pool) : NULL;

	if (m == NULL) {
		errno = ENOBUFS;
		return NULL;
	}
	z->buf_allocs++;
	return m;
}

/* len: bytes that the application will write. */
static struct rte_mbuf *take_room(struct zs_zstate *z, struct zs_zgauge *g, uint32_t len)
{
	struct rte_mbuf *m = take(z, g);

	if (likely(m != NULL)) {
		zs_taken_fresh(z->c->s, m);
		zs_pkt_prefetch_write(m, 0, len);
	}
	return m;
}

struct rte_mbuf *zs_zstate_alloc(struct zs_zstate *z, size_t room)
{
	struct zs_zgauge *g = room <= z->pkt.room ? &z->pkt : &z->big;

	if (room > g->room) {
		errno = EMSGSIZE;
		return NULL;
	}
	return take_room(z, g, (uint32_t)room);
}

static bool take_several(struct zs_zstate *z, struct zs_zgauge *g, struct rte_mbuf **v, uint32_t n)
{
	if (!may_take(g, n) || rte_pktmbuf_alloc_bulk(g->pool, v, n) < 0) {
		errno = ENOBUFS;
		return false;
	}
	z->buf_allocs += n;
	for (uint32_t i = 0; i < n; i++)
		zs_taken_fresh(z->c->s, v[i]);
	return true;
}

static struct rte_mbuf *chain_of(struct zs_zstate *z, struct zs_zgauge *g, uint32_t len,
				 uint32_t piece)
{
	uint32_t left = len, n_left = (len + piece - 1) / piece, n_all = n_left;
	struct rte_mbuf *head = NULL, **end = &head;

	while (n_left > 0) {
		struct rte_mbuf *v[MAX_BULK];
		uint32_t n = RTE_MIN(n_left, (uint32_t)MAX_BULK);

		if (!take_several(z, g, v, n)) {
			rte_pktmbuf_free(head);
			return NULL;
		}
		for (uint32_t i = 0; i < n; i++) {
			v[i]->data_len = (uint16_t)RTE_MIN(left, piece);
			left -= v[i]->data_len;
			zs_pkt_prefetch_write(v[i], 0, v[i]->data_len);
			*end = v[i];
			end = &v[i]->next;
		}
		n_left -= n;
	}
	zs_assert(head != NULL); /* len > 0 */
	head->nb_segs = (uint16_t)n_all;
	head->pkt_len = len;
	return head;
}

static struct rte_mbuf *one_of(struct zs_zstate *z, struct zs_zgauge *g, uint32_t len)
{
	struct rte_mbuf *m = take_room(z, g, len);

	if (likely(m != NULL)) {
		m->data_len = (uint16_t)len;
		m->pkt_len = len;
	}
	return m;
}

struct rte_mbuf *zs_zstate_alloc_chain(struct zs_zstate *z, uint32_t len, uint32_t piece,
				       bool whole)
{
	uint32_t small = RTE_MIN(piece, z->pkt.room), large = RTE_MIN(piece, z->big.room);
	struct rte_mbuf *m = NULL;

	if (likely(len <= small))
		return one_of(z, &z->pkt, len);
	if (piece > small && len > 2 * small) /* worth a large room */
		m = chain_of(z, &z->big, whole && len > large ? len - len % large : len, large);
	return m != NULL ? m : chain_of(z, &z->pkt, whole ? len - len % small : len, small);
}

struct rte_mbuf *zs_zstate_alloc_refs(struct zs_zstate *z, uint32_t n)
{
	struct rte_mbuf *v[MAX_BULK], *all = NULL;

	if (likely(n == 1))
		return take(z, &z->hdr);
	if (!may_take(&z->hdr, n))
		goto none;
	for (uint32_t left = n, k; left > 0; left -= k) {
		k = RTE_MIN(left, (uint32_t)MAX_BULK);
		if (rte_pktmbuf_alloc_bulk(z->hdr.pool, v, k) < 0)
			goto none;
		for (uint32_t i = 0; i < k; i++) {
			v[i]->next = all;
			all = v[i];
		}
	}
	z->buf_allocs += n;
	return all;
none:
	rte_pktmbuf_free(all);
	errno = ENOBUFS;
	return NULL;
}

ZS_API size_t z_max_room(void)
{
	struct zs_zstate *z = zs_zstate();

	return z != NULL ? RTE_MAX(z->pkt.room, z->big.room) : 0;
}
