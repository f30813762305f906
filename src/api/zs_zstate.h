/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a context keeps for the z_ calls: completions that wait to be told, the arrangements of
 * z_splice_auto, and a cheap view of how full the pools are.
 */
#ifndef ZS_ZSTATE_H
#define ZS_ZSTATE_H

#include <rte_mbuf.h>

#include "api/zs_ctx.h"
#include "base/zs_api.h"
#include "core/zs_pkt.h"
#include "zstack.h"

/* How many buffers may be taken from a pool before somebody has to look again. */
struct zs_zgauge {
	struct rte_mempool *pool;
	uint32_t credit;
	uint32_t room; /* of a buffer */
	uint32_t part; /* one of so many parts of the pool is not the application's */
};

/* Outlives its context while completions are out: counted by refs. */
struct zs_zstate {
	struct zs_ctx *c;	 /* NULL when the context is gone */
	uint32_t refs;		 /* the context's one, and one per struct zs_zdone */
	struct zs_list dones;	 /* fired, not told yet */
	struct zs_list relays;	 /* all */
	struct zs_list blocked;	 /* relays that wait for a low watermark */
	struct zs_waitq relay_q; /* what happened to sockets of relays */
	struct zs_zgauge pkt, big, hdr;
	uint64_t buf_allocs;
};

/* A completion: fires once, is told at the end of the turn, and is freed then. */
struct zs_zdone {
	struct zs_list link;	  /* on z->dones once fired */
	struct zs_done of_buffer; /* fires it */
	struct zs_zstate *z;
	z_done_fn fn;
	void *arg;
	int status;
};

struct zs_zstate *zs_zstate_new(void);

/* The calling thread's; made when first asked for. NULL with errno EPERM or ENOMEM. */
static inline struct zs_zstate *zs_zstate(void)
{
	struct zs_ctx *c = zs_ctx_self;

	return likely(c != NULL && c->z != NULL) ? c->z : zs_zstate_new();
}

/* A struct z_mem or completion that referred to z is gone. */
void zs_zstate_unref(struct zs_zstate *z);

/* After the events of a turn: tells completions, moves what relays have to move. True when
 * something was done. */
bool zs_zstate_turn(struct zs_ctx *c);
/* The context ends; its sockets are closed. */
void zs_zstate_fini(struct zs_ctx *c);

/* NULL: no memory. */
struct zs_zdone *zs_zdone_new(struct zs_zstate *z, z_done_fn fn, void *arg);
/* It is told that, in a while. */
void zs_zdone_fire(struct zs_zdone *d, int status);
/* Never to be told. */
void zs_zdone_drop(struct zs_zdone *done);

/* A buffer of at least `room` bytes, counted; NULL with errno ENOBUFS (at the watermark) or
 * EMSGSIZE. */
struct rte_mbuf *zs_zstate_alloc(struct zs_zstate *z, size_t room);
/* A chain of len bytes, pieces of at most `piece`, or of as many as fill `whole` ones; all or
 * nothing, counted. NULL with errno ENOBUFS. */
struct rte_mbuf *zs_zstate_alloc_chain(struct zs_zstate *z, uint32_t len, uint32_t piece,
				       bool whole);
/* n > 0 buffers without room of their own, for attaching, linked by next; all or none: NULL with
 * errno ENOBUFS. */
struct rte_mbuf *zs_zstate_alloc_refs(struct zs_zstate *z, uint32_t n);

/* Moves what can be moved; true when something was. */
bool zs_zrelay_turn(struct zs_zstate *z);
void zs_zrelay_fini(struct zs_zstate *z);

/* ---- buffers ---- */

/*
 * The mbuf behind a handle. In a debug build ends the program when it is none or was freed;
 * otherwise costs nothing.
 */
struct rte_mbuf *zs_zbuf(const z_buf *b, const char *caller);

/* b could be a buffer, by looks: cheap, and safe for any pointer to mapped memory. Sets pkt_len to
 * what the pieces sum up to. */
bool zs_zbuf_sane(const void *b);

/* Fires the completions of a chain. */
void zs_zbuf_done(struct rte_mbuf *m, int status);

static inline struct rte_mbuf *zs_zbuf_last(struct rte_mbuf *m)
{
	while (m->next != NULL)
		m = m->next;
	return m;
}

#endif
