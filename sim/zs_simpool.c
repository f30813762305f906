/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The mbuf pools of the simulator: a struct rte_mempool made by hand, with operations of our own.
 * An mbuf sits one cache line into its block, behind the object header that DPDK expects in front
 * of it; the pool's private data follows the pool where rte_mempool_get_priv() looks for it.
 */
#include "zs_simpool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/zs_pkt.h"

#if defined(__SANITIZE_ADDRESS__)
#define KEEP_BLOCKS 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define KEEP_BLOCKS 0
#endif
#endif
#ifndef KEEP_BLOCKS
#define KEEP_BLOCKS 1
#endif

enum { LINE = RTE_CACHE_LINE_SIZE, KEEP_MAX = 1 << 16 };

struct simpool {
	uint32_t live, peak, limit;
	uint32_t n_kept;
	uint64_t allocs, failures;
	void (*watch)(void *arg, struct rte_mbuf *m);
	void *watch_arg;
	void *kept; /* freed mbufs, chained through the first word of their data room */
};

static struct simpool *simpool(const struct rte_mempool *mp)
{
	return mp->pool_data;
}

static void *block_of(void *mbuf)
{
	return (char *)mbuf - LINE;
}

static struct rte_mbuf *block_new(struct rte_mempool *mp)
{
	char *p = aligned_alloc(LINE, RTE_ALIGN_CEIL(LINE + mp->elt_size, LINE));
	struct rte_mempool_objhdr *hdr;

	if (p == NULL)
		abort();
	hdr = (struct rte_mempool_objhdr *)(p + LINE - sizeof(*hdr));
	memset(hdr, 0, sizeof(*hdr));
	hdr->mp = mp;
	rte_pktmbuf_init(mp, NULL, p + LINE, 0);
	return (struct rte_mbuf *)(p + LINE);
}

static void block_keep(struct simpool *sp, struct rte_mbuf *m)
{
	memcpy(m->buf_addr, &sp->kept, sizeof(void *));
	sp->kept = m;
	sp->n_kept++;
}

static struct rte_mbuf *block_reuse(struct simpool *sp)
{
	struct rte_mbuf *m = sp->kept;

	memcpy(&sp->kept, m->buf_addr, sizeof(void *));
	sp->n_kept--;
	return m;
}

static int op_dequeue(struct rte_mempool *mp, void **objs, unsigned int n)
{
	struct simpool *sp = simpool(mp);

	if (n > sp->limit || sp->live > sp->limit - n) {
		sp->failures++;
		return -1;
	}
	for (unsigned int i = 0; i < n; i++)
		objs[i] = sp->kept != NULL ? block_reuse(sp) : block_new(mp);
	sp->live += n;
	sp->allocs += n;
	if (sp->live > sp->peak)
		sp->peak = sp->live;
	return 0;
}

static int op_enqueue(struct rte_mempool *mp, void *const *objs, unsigned int n)
{
	struct simpool *sp = simpool(mp);

	for (unsigned int i = 0; i < n; i++) {
		if (sp->watch != NULL)
			sp->watch(sp->watch_arg, objs[i]);
		if (KEEP_BLOCKS && sp->n_kept < KEEP_MAX)
			block_keep(sp, objs[i]);
		else
			free(block_of(objs[i]));
	}
	sp->live -= n;
	return 0;
}

static int op_alloc(struct rte_mempool *mp)
{
	(void)mp;
	return 0;
}

static void op_free(struct rte_mempool *mp)
{
	(void)mp;
}

static unsigned int op_count(const struct rte_mempool *mp)
{
	const struct simpool *sp = simpool(mp);

	return sp->live < sp->limit ? sp->limit - sp->live : 0;
}

static int ops_index(void)
{
	static const struct rte_mempool_ops ops = {
		.name = "zs_sim",
		.alloc = op_alloc,
		.free = op_free,
		.enqueue = op_enqueue,
		.dequeue = op_dequeue,
		.get_count = op_count,
	};
	static int index = -1;

	if (index < 0)
		index = rte_mempool_register_ops(&ops);
	return index;
}

struct rte_mempool *zs_simpool_create(const char *name, uint16_t room)
{
	size_t head = RTE_MEMPOOL_HEADER_SIZE((struct rte_mempool *)NULL, 0);
	size_t size = RTE_ALIGN_CEIL(head + sizeof(struct rte_pktmbuf_pool_private), LINE);
	struct rte_mempool *mp = aligned_alloc(LINE, size);
	struct simpool *sp = calloc(1, sizeof(*sp));
	struct rte_pktmbuf_pool_private *priv;

	if (mp == NULL || sp == NULL || ops_index() < 0)
		abort();
	memset(mp, 0, size);
	snprintf(mp->name, sizeof(mp->name), "%s", name);
	mp->ops_index = ops_index();
	mp->pool_data = sp;
	mp->size = UINT32_MAX;
	mp->elt_size = sizeof(struct rte_mbuf) + ZS_PRIV_SIZE + RTE_PKTMBUF_HEADROOM + room;
	mp->private_data_size = sizeof(*priv);
	priv = rte_mempool_get_priv(mp);
	priv->mbuf_data_room_size = RTE_PKTMBUF_HEADROOM + room;
	priv->mbuf_priv_size = ZS_PRIV_SIZE;
	sp->limit = UINT32_MAX;
	return mp;
}

uint32_t zs_simpool_destroy(struct rte_mempool *mp)
{
	struct simpool *sp;
	uint32_t live;

	if (mp == NULL)
		return 0;
	sp = simpool(mp);
	live = sp->live;
	while (sp->kept != NULL)
		free(block_of(block_reuse(sp)));
	free(sp);
	free(mp);
	return live;
}

uint32_t zs_simpool_live(const struct rte_mempool *mp)
{
	return simpool(mp)->live;
}

uint32_t zs_simpool_peak(const struct rte_mempool *mp)
{
	return simpool(mp)->peak;
}

uint64_t zs_simpool_allocs(const struct rte_mempool *mp)
{
	return simpool(mp)->allocs;
}

uint64_t zs_simpool_failures(const struct rte_mempool *mp)
{
	return simpool(mp)->failures;
}

void zs_simpool_limit(struct rte_mempool *mp, uint32_t max)
{
	simpool(mp)->limit = max;
	mp->size = max;
}

bool zs_simpool_low(const struct rte_mempool *mp)
{
	const struct simpool *sp = simpool(mp);

	return sp->live >= sp->limit - sp->limit / 4;
}

void zs_simpool_watch(struct rte_mempool *mp, void (*fn)(void *arg, struct rte_mbuf *m), void *arg)
{
	simpool(mp)->watch = fn;
	simpool(mp)->watch_arg = arg;
}

void zs_simpools_init(struct zs_simpools *p, uint16_t pkt_room)
{
	p->pkt = zs_simpool_create("pkt", pkt_room != 0 ? pkt_room : ZS_SIM_PKT_ROOM);
	p->hdr = zs_simpool_create("hdr", ZS_SIM_HDR_ROOM);
	p->big = zs_simpool_create("big", ZS_SIM_BIG_ROOM);
}

uint32_t zs_simpools_live(const struct zs_simpools *p)
{
	return zs_simpool_live(p->pkt) + zs_simpool_live(p->hdr) + zs_simpool_live(p->big);
}

uint32_t zs_simpools_fini(struct zs_simpools *p)
{
	uint32_t leaked = zs_simpool_destroy(p->pkt) + zs_simpool_destroy(p->hdr) +
			  zs_simpool_destroy(p->big);

	*p = (struct zs_simpools){ NULL, NULL, NULL };
	return leaked;
}

/* calloc: the untouched pages of a large table cost nothing. The block's start is kept in front. */
static void *env_alloc(void *ctx, size_t size, size_t align)
{
	char *raw = calloc(1, sizeof(raw) + align + size);
	char *p;

	(void)ctx;
	if (raw == NULL)
		return NULL;
	p = RTE_PTR_ALIGN_CEIL(raw + sizeof(raw), align);
	memcpy(p - sizeof(raw), &raw, sizeof(raw));
	return p;
}

static void env_free(void *ctx, void *p)
{
	void *raw;

	(void)ctx;
	if (p == NULL)
		return;
	memcpy(&raw, (char *)p - sizeof(void *), sizeof(void *));
	free(raw);
}

void zs_simpools_env(const struct zs_simpools *p, struct zs_env *env, uint64_t seed)
{
	env->alloc = env_alloc;
	env->free = env_free;
	env->pkt_pool = p->pkt;
	env->hdr_pool = p->hdr;
	env->big_pool = p->big;
	memcpy(env->seed, &seed, sizeof(seed));
	memset(env->seed + sizeof(seed), 0x5a, sizeof(env->seed) - sizeof(seed));
}
