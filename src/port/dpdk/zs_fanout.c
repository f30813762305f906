/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The rings between lcores: see zs_fanout.h. A packet in a ring has the interface's index in
 * m->port, and above it how many stacks did not know it.
 */
#include "port/dpdk/zs_fanout.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <rte_errno.h>
#include <rte_ring.h>

#include "core/zs_pkt.h"
#include "port/dpdk/zs_procs.h"

enum {
	RING = 1024,
	/* A producer that loses its CPU in the middle of its work does not stop the others. */
	RING_FLAGS = RING_F_MP_RTS_ENQ | RING_F_SC_DEQ,
	/* Of processes, one of which may end in the middle: one ring for each two of them. */
	PAIR_MIN = 128,
	PAIR_FLAGS = RING_F_SP_ENQ | RING_F_SC_DEQ,
	ASKED_SHIFT = 8,
	INDEX_MASK = (1 << ASKED_SHIFT) - 1,
};
_Static_assert((unsigned)ZS_MAX_PORTS <= (unsigned)INDEX_MASK, "one byte");

/* What an lcore has gathered for the others. */
struct zs_fan {
	uint16_t n_out[ZS_MAX_LCORES];
	struct rte_mbuf *out[ZS_MAX_LCORES][ZS_BURST];
};

/* ---- life ---- */

/* Who leave something in rings of their own: all processes, or all threads as one. */
static uint16_t n_sources(const struct zs_dpdk *d)
{
	return d->procs != NULL ? d->n_stacks : 1;
}

static uint16_t source(const struct zs_lcore *lc)
{
	return lc->d->procs != NULL ? lc->index : 0;
}

static unsigned ring_size(const struct zs_dpdk *d)
{
	if (d->procs == NULL)
		return RING;
	return RTE_MAX((unsigned)RING / rte_align32pow2(d->n_stacks - 1u), (unsigned)PAIR_MIN);
}

/* Where whoever used it before was killed in the middle: what was half done is lost. */
static void mend(struct rte_ring *r, bool produces)
{
	if (produces)
		r->prod.head = r->prod.tail;
	else
		r->cons.tail = r->cons.head;
}

/* row: 0 = packets for the stack, 1 + port = frames for its queue. */
static int open_ring(struct zs_dpdk *d, uint16_t to, uint16_t row, uint16_t from)
{
	unsigned flags = d->procs != NULL ? PAIR_FLAGS : RING_FLAGS;
	char name[RTE_RING_NAMESIZE];
	struct rte_ring *r;

	snprintf(name, sizeof(name), "zs_to%u_%u_%u", to, row, from);
	r = zs_procs_secondary(d)
		    ? rte_ring_lookup(name)
		    : rte_ring_create(name, ring_size(d), d->node_of[to]->socket, flags);
	if (r == NULL)
		return zs_dpdk_fail(-ENOMEM, "no memory for the rings of stack %u: %s", to,
				    rte_strerror(rte_errno));
	if (zs_procs_secondary(d) && (to == d->procs->id || from == d->procs->id))
		mend(r, from == d->procs->id);
	d->box[to].ring[row][from] = r;
	return 0;
}

static int open_box(struct zs_dpdk *d, uint16_t to)
{
	int rc = 0;

	if (d->procs != NULL) {
		d->box[to].need_wakeup = &d->procs->sh->stack[to].need_wakeup;
		d->box[to].event = rc = zs_procs_event(d, to);
	}
	for (uint16_t from = 0; rc >= 0 && from < n_sources(d); from++) {
		if (d->procs != NULL && from == to)
			continue;
		rc = open_ring(d, to, 0, from);
		for (uint16_t i = 0; rc == 0 && i < d->n_ports; i++)
			if (d->port[i].n_txq < d->n_stacks && to < d->port[i].n_txq)
				rc = open_ring(d, to, 1 + i, from);
	}
	return rc < 0 ? rc : 0;
}

int zs_fan_create(struct zs_dpdk *d)
{
	int rc = 0;

	d->box = calloc(d->n_stacks, sizeof(*d->box));
	if (d->box == NULL)
		return zs_dpdk_fail(-ENOMEM, "out of memory");
	for (uint16_t to = 0; to < d->n_stacks; to++)
		d->box[to].event = -1;
	for (uint16_t to = 0; rc == 0 && to < d->n_stacks; to++)
		rc = open_box(d, to);
	for (uint16_t i = 0; rc == 0 && i < d->n_lcores; i++) {
		d->lcore[i]->fan = zs_mem_near(d, sizeof(struct zs_fan), d->lcore[i]->node->socket);
		if (d->lcore[i]->fan == NULL)
			rc = zs_dpdk_fail(-ENOMEM, "out of memory");
	}
	return rc;
}

static void empty_ring(struct rte_ring *r)
{
	void *m;

	while (r != NULL && rte_ring_dequeue(r, &m) == 0)
		rte_pktmbuf_free(m);
}

/* Of another process the primary's lcore may take what nobody else takes any more. */
void zs_fan_bury(struct zs_lcore *lc, uint16_t index)
{
	struct zs_box *box = &lc->d->box[index];

	for (size_t row = 0; row < RTE_DIM(box->ring); row++) {
		for (uint16_t from = 0; from < n_sources(lc->d); from++) {
			if (box->ring[row][from] == NULL)
				continue;
			mend(box->ring[row][from], false);
			empty_ring(box->ring[row][from]);
		}
	}
}

static void close_box(const struct zs_dpdk *d, struct zs_box *box)
{
	for (size_t row = 0; !zs_procs_secondary(d) && row < RTE_DIM(box->ring); row++) {
		for (size_t from = 0; from < RTE_DIM(box->ring[row]); from++) {
			empty_ring(box->ring[row][from]);
			rte_ring_free(box->ring[row][from]); /* NULL allowed */
		}
	}
	if (d->procs != NULL && box->event >= 0)
		close(box->event);
}

/* What is for a secondary alone, it empties itself. */
void zs_fan_free(struct zs_dpdk *d)
{
	for (uint16_t i = 0; i < d->n_lcores; i++) {
		if (zs_procs_secondary(d) && d->lcore[i]->fan != NULL)
			zs_fan_bury(d->lcore[i], d->procs->id);
		zs_mem_near_free(d, d->lcore[i]->fan);
		d->lcore[i]->fan = NULL;
	}
	for (uint16_t to = 0; d->box != NULL && to < d->n_stacks; to++)
		close_box(d, &d->box[to]);
	free(d->box);
	d->box = NULL;
}

uint32_t zs_fan_held(const struct zs_dpdk *d)
{
	uint32_t pairs = d->procs != NULL ? d->n_stacks - 1u : 1;

	return d->n_stacks > 1 ? ring_size(d) * pairs * d->n_stacks * (1u + d->n_ports) : 0;
}

/* ---- what may leave the process ---- */

static bool is_foreign(const struct rte_mbuf *m)
{
	for (; m != NULL; m = m->next)
		if (RTE_MBUF_HAS_EXTBUF(m))
			return true;
	return false;
}

/*
 * Memory of the application's and the function that ends its use are of one process: another gets a
 * copy. Returns how many of the packets can go.
 */
static uint16_t make_sendable(struct zs_lcore *lc, struct rte_mbuf **pkts, uint16_t n)
{
	for (uint16_t i = 0; i < n; i++) {
		struct rte_mbuf *copy;

		if (likely(!is_foreign(pkts[i])))
			continue;
		copy = rte_pktmbuf_copy(pkts[i], lc->node->pools.big, 0, UINT32_MAX);
		if (copy == NULL)
			return i;
		copy->port = pkts[i]->port;
		rte_pktmbuf_free(pkts[i]);
		pkts[i] = copy;
	}
	return n;
}

/* ---- in ---- */

static void hand_over(struct zs_lcore *lc, unsigned to, struct rte_mbuf **pkts, unsigned n)
{
	const struct zs_dpdk *d = lc->d;
	unsigned taken = d->procs != NULL ? make_sendable(lc, pkts, (uint16_t)n) : n;

	taken = rte_ring_enqueue_burst(d->box[to].ring[0][source(lc)], (void **)pkts, taken, NULL);
	lc->stats.handed_over += taken;
	zs_idle_wake(&d->box[to]);
	for (; taken < n; taken++)
		zs_stack_drop(lc->s, pkts[taken], ZS_DROP_HANDOVER_FULL);
}

static void stage(struct zs_lcore *lc, unsigned to, struct rte_mbuf *m)
{
	struct zs_fan *fan = lc->fan;

	if (fan->n_out[to] == ZS_BURST) {
		hand_over(lc, to, fan->out[to], ZS_BURST);
		fan->n_out[to] = 0;
	}
	fan->out[to][fan->n_out[to]++] = m;
}

/* Borrows m. Who finds no buffer for a copy asks by itself when it wants to know. */
static void stage_copies(struct zs_lcore *lc, const struct rte_mbuf *m)
{
	for (uint16_t to = 0; to < lc->d->n_stacks; to++) {
		struct rte_mbuf *copy;

		if (to == lc->index || !zs_procs_present(lc->d, to))
			continue;
		copy = rte_pktmbuf_copy(m, lc->node->pools.pkt, 0, m->pkt_len);
		if (copy == NULL)
			return;
		copy->ol_flags |= ZS_PKT_NEWS;
		copy->port = m->port;
		stage(lc, to, copy);
	}
}

static void hand_over_staged(struct zs_lcore *lc)
{
	struct zs_fan *fan = lc->fan;

	for (uint16_t to = 0; to < lc->d->n_stacks; to++) {
		if (fan->n_out[to] > 0)
			hand_over(lc, to, fan->out[to], fan->n_out[to]);
		fan->n_out[to] = 0;
	}
}

uint16_t zs_fan_out(struct zs_lcore *lc, uint16_t index, struct rte_mbuf **pkts, uint16_t n)
{
	const struct zs_dpdk *d = lc->d;
	uint16_t own = 0;

	if (!d->spread)
		return n;
	for (uint16_t i = 0; i < n; i++)
		rte_prefetch0(rte_pktmbuf_mtod(pkts[i], void *));
	for (uint16_t i = 0; i < n; i++) {
		unsigned to = zs_rss_frame(&d->rss, pkts[i], lc->index);

		pkts[i]->port = index; /* some drivers leave it as it was */
		if (to == ZS_RSS_ALL) {
			stage_copies(lc, pkts[i]);
			to = lc->index;
		}
		to = zs_procs_heir(d, to);
		if (to == lc->index)
			pkts[own++] = pkts[i];
		else
			stage(lc, to, pkts[i]);
	}
	hand_over_staged(lc);
	return own;
}

void zs_fan_give(struct zs_lcore *lc, unsigned to, uint16_t index, struct rte_mbuf *m)
{
	m->port = index;
	hand_over(lc, to, &m, 1);
}

void zs_fan_news(struct zs_lcore *lc, const struct rte_mbuf *m)
{
	if (zs_rss_frame(&lc->d->rss, m, lc->index) != ZS_RSS_ALL)
		return;
	stage_copies(lc, m);
	hand_over_staged(lc);
}

static void take(struct zs_lcore *lc, struct rte_ring *r)
{
	struct rte_mbuf *pkts[ZS_BURST];
	unsigned n = rte_ring_dequeue_burst(r, (void **)pkts, ZS_BURST, NULL);

	if (n == 0)
		return;
	zs_lcore_mark_busy(lc);
	lc->stats.taken_over += n;
	for (unsigned i = 0, k; i < n; i += k) {
		uint16_t index = pkts[i]->port & INDEX_MASK;

		for (k = 1; i + k < n && (pkts[i + k]->port & INDEX_MASK) == index;)
			k++;
		zs_stack_input(lc->s, index, pkts + i, (uint16_t)k);
	}
}

void zs_fan_take(struct zs_lcore *lc)
{
	struct rte_ring **in = lc->d->box[lc->index].ring[0];

	for (uint16_t from = 0; from < n_sources(lc->d); from++)
		if (in[from] != NULL)
			take(lc, in[from]);
}

/* The next stack that has not been asked; lc's own: there is none. */
static unsigned next_to_ask(const struct zs_lcore *lc, unsigned *asked)
{
	const struct zs_dpdk *d = lc->d;
	unsigned to = lc->index;

	do {
		to = (to + 1u) % d->n_stacks;
		++*asked;
	} while (*asked < d->n_stacks && !zs_procs_present(d, to));
	return *asked < d->n_stacks ? to : lc->index;
}

bool zs_fan_pass_on(void *ctx, uint16_t port, struct rte_mbuf *m, enum zs_pass why)
{
	struct zs_lcore *lc = ctx;
	const struct zs_dpdk *d = lc->d;
	bool whole = why == ZS_PASS_WHOLE;
	unsigned asked = whole ? 0 : m->port >> ASKED_SHIFT, to;

	if (!d->spread)
		return false;
	to = whole ? zs_rss_frame(&d->rss, m, lc->index) : next_to_ask(lc, &asked);
	m->port = (uint16_t)(port | asked << ASKED_SHIFT);
	if (to == ZS_RSS_ALL) {
		zs_fan_news(lc, m);
		return false;
	}
	to = zs_procs_heir(d, to);
	if (to == lc->index)
		return false;
	hand_over(lc, to, &m, 1);
	return true;
}

bool zs_fan_rss_ok(void *ctx, const struct zs_flow *flow)
{
	const struct zs_lcore *lc = ctx;

	return zs_rss_flow(&lc->d->rss, flow) == lc->index;
}

/* ---- out ---- */

uint16_t zs_fan_tx(void *ctx, uint16_t port, struct rte_mbuf **pkts, uint16_t n)
{
	struct zs_lcore *lc = ctx;
	const struct zs_dpdk *d = lc->d;
	uint16_t n_txq = d->port[port].n_txq;
	unsigned owner;

	if (unlikely(zs_procs_waits(d)))
		return 0;
	if (lc->index < n_txq)
		return zs_loop_tx(lc, port, pkts, n);
	owner = zs_procs_heir(d, lc->index % n_txq);
	if (d->procs != NULL)
		n = make_sendable(lc, pkts, n);
	n = (uint16_t)rte_ring_enqueue_burst(d->box[owner].ring[1 + port][source(lc)],
					     (void **)pkts, n, NULL);
	if (n > 0)
		zs_lcore_mark_busy(lc);
	zs_idle_wake(&d->box[owner]);
	return n;
}

/* What the device refuses stays in the ring. */
static void send_ring(struct zs_lcore *lc, uint16_t port, struct rte_ring *r)
{
	struct rte_mbuf *pkts[ZS_BURST];
	uint16_t n, sent;

	do {
		n = (uint16_t)rte_ring_dequeue_burst_start(r, (void **)pkts, ZS_BURST, NULL);
		if (n == 0)
			return;
		sent = zs_loop_tx(lc, port, pkts, n);
		rte_ring_dequeue_finish(r, sent);
	} while (sent == ZS_BURST);
}

void zs_fan_send(struct zs_lcore *lc)
{
	const struct zs_box *box = &lc->d->box[lc->index];

	for (uint16_t i = 0; i < lc->n_ports; i++)
		for (uint16_t from = 0; from < n_sources(lc->d); from++)
			if (box->ring[1 + i][from] != NULL)
				send_ring(lc, i, box->ring[1 + i][from]);
}

bool zs_fan_tx_pending(const struct zs_lcore *lc)
{
	const struct zs_box *box = lc->fan != NULL ? &lc->d->box[lc->index] : NULL;

	for (uint16_t i = 0; box != NULL && i < lc->n_ports; i++)
		for (uint16_t from = 0; from < n_sources(lc->d); from++)
			if (box->ring[1 + i][from] != NULL &&
			    !rte_ring_empty(box->ring[1 + i][from]))
				return true;
	return false;
}
