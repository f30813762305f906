/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * struct zs_stack itself: everything that a stack remembers between calls. Included by the core
 * only; everyone else goes through zs_stack.h.
 */
#ifndef ZS_STATE_H
#define ZS_STATE_H

#include "base/zs_list.h"
#include "base/zs_rand.h"
#include "core/tcp/zs_tcptab.h"
#include "core/zs_demux.h"
#include "core/zs_env.h"
#include "core/zs_netif.h"
#include "core/zs_pkt.h"
#include "core/zs_route.h"
#include "core/zs_stack.h"
#include "core/zs_timer.h"

struct zs_neigh_table;
struct zs_frag_table;
struct zs_udp_table;
struct zs_ip6_table;
struct zs_pmtu_table;
struct zs_igmp_table;

/* A rate limit: tokens refill at `rate` per second up to `rate`. */
struct zs_bucket {
	uint64_t last_us;
	uint32_t tokens, rate;
};

/* What is left of the packet pool, as seen by those who would keep a received buffer. */
enum zs_pool_level {
	ZS_POOL_PLENTY,
	ZS_POOL_LOW,	  /* below an eighth: who holds some takes no more */
	ZS_POOL_CRITICAL, /* below a sixteenth: nobody takes any */
};

struct zs_stack {
	uint64_t now_us;    /* constant while one call runs */
	uint32_t now_ms;    /* the same, for timestamps */
	struct zs_list out; /* tcbs with output due */
	struct zs_list evq; /* endpoints with events */
	struct zs_env env;
	struct zs_config cfg;
	uint64_t hash_key[2];
	uint64_t isn_key[2];
	struct zs_rand rand;
	uint16_t ip_id; /* for datagrams that may be fragmented (RFC 6864) */
	uint16_t n_netifs, n_routes;
	uint16_t n_ip4_more; /* addresses of interfaces beyond their first */
	uint32_t nh_gen;
	uint8_t pool_level;   /* enum zs_pool_level */
	uint32_t pool_credit; /* packets to come before the pool is looked at again */
	uint32_t hdr_credit;  /* references to be kept before the header pool is looked at again */
	uint32_t taken_gen;   /* of the newest tcb */
	uint64_t pool_free;   /* bytes in free buffers when the pool was last found low */
	uint64_t pool_share;  /* bytes that a connection may have queued to write more, when last
				 looked */
	uint64_t taken_mem;   /* of all connections: zs_taken.h */
	struct zs_bucket icmp_limit, challenge_limit;
	struct zs_flowtab flows;
	struct zs_tcptab tcp;
	struct zs_slab socks;	      /* records of the socket layer */
	struct zs_neigh_table *neigh; /* zs_neigh.c */
	struct zs_frag_table *frags;  /* zs_ipfrag.c */
	struct zs_udp_table *udp;     /* zs_udp.c */
	struct zs_ip6_table *ip6;     /* zs_addr6.c */
	struct zs_pmtu_table *pmtu;   /* zs_pmtu.c */
	struct zs_igmp_table *igmp;   /* zs_igmp.c */
	struct zs_route routes[ZS_MAX_ROUTES];
	struct zs_stats stats;
	uint64_t wall_us; /* time of day when now_us was 0 */
	struct zs_wheel wheel;
	struct zs_netif netif[ZS_LOOPBACK + 1];
};

static inline void *zs_alloc(struct zs_stack *s, size_t size)
{
	return s->env.alloc(s->env.ctx, size, 64);
}

static inline void zs_free(struct zs_stack *s, void *p)
{
	if (p != NULL)
		s->env.free(s->env.ctx, p);
}

/* Consumes m. Out of the way of what is not dropped. */
__rte_cold void zs_pkt_drop(struct zs_stack *s, struct rte_mbuf *m, enum zs_drop why);

/* Offers m to the stacks beside this one; what comes from ourselves is nobody else's. */
static inline bool zs_pass_on(struct zs_stack *s, const struct zs_netif *nif, struct rte_mbuf *m,
			      enum zs_pass why)
{
	return s->env.pass_on != NULL && nif->index != ZS_LOOPBACK &&
	       s->env.pass_on(s->env.ctx, nif->port, m, why);
}

/* n buffers of the packet pool are about to be taken: brings s->pool_level up to date. */
void zs_pool_watch(struct zs_stack *s, uint16_t n);

/* Who keeps a reference until somebody else lets go, and what he leaves of the header pool. */
enum zs_keep {
	ZS_KEEP_QUEUE, /* a send queue, until the peer acknowledges: a quarter */
	ZS_KEEP_FIRST, /* likewise, with nothing in flight yet: an eighth, so that all get on */
	ZS_KEEP_APP,   /* or what an application has a part in: half */
};

/*
 * May a header buffer be kept? The last ones are for headers and acknowledgements, which come back
 * by themselves, and are what sets the kept ones free.
 */
bool zs_hdr_spare(struct zs_stack *s, enum zs_keep who);

/* Takes a token; false when none is left. */
bool zs_bucket_take(struct zs_stack *s, struct zs_bucket *b);

/* A header buffer with headroom for all headers, empty; NULL counts nothing. */
static inline struct rte_mbuf *zs_hdr_alloc(struct zs_stack *s)
{
	s->stats.allocs++;
	return rte_pktmbuf_alloc(s->env.hdr_pool);
}

/*
 * A fresh indirect buffer over [off, off + len) of m (offsets from buf_addr); m is borrowed and its
 * memory gains a reference. NULL when the pool is empty, or there are too many references.
 */
static inline struct rte_mbuf *zs_pkt_clone(struct zs_stack *s, struct rte_mbuf *m, uint16_t off,
					    uint16_t len)
{
	struct rte_mbuf *c = zs_hdr_alloc(s);

	if (unlikely(c == NULL))
		return NULL;
	if (unlikely(zs_pkt_refs(m) > ZS_REFS_MAX)) {
		rte_mbuf_raw_free(c);
		return NULL;
	}
	rte_pktmbuf_attach(c, m);
	zs_pkt_set(c, off, len);
	c->next = NULL;
	c->nb_segs = 1;
	return c;
}

/* The same for a reference that will be kept; NULL also when the pool is too low for that. */
static inline struct rte_mbuf *zs_pkt_keep(struct zs_stack *s, struct rte_mbuf *m, uint16_t off,
					   uint16_t len, enum zs_keep who)
{
	return likely(zs_hdr_spare(s, who)) ? zs_pkt_clone(s, m, off, len) : NULL;
}

#endif
