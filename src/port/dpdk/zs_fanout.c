/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The rings between lcores: see zs_fanout.h. A packet in a ring has the interface's index in
 * m->port, and above it how many stacks did not know it.
 */
#include "port/dpdk/zs_fanout.h"

#include <errno.h>
#include <stdio.h>

#include <rte_errno.h>
#include <rte_malloc.h>
#include <rte_ring.h>

#include "core/zs_pkt.h"

enum {
	RING = 1024,
	/* A producer that loses its CPU in the middle of its work does not stop the others. */
	RING_FLAGS = RING_F_MP_RTS_ENQ | RING_F_SC_DEQ,
	ASKED_SHIFT = 8,
	INDEX_MASK = (1 << ASKED_SHIFT) - 1,
};
_Static_assert((unsigned)ZS_MAX_PORTS <= (unsigned)INDEX_MASK, "one byte");

struct zs_fan {
	struct rte_ring *in;		   /* packets for the stack */
	struct rte_ring *tx[ZS_MAX_PORTS]; /* frames for the own queue; NULL: others have theirs */
	uint16_t n_out[ZS_MAX_LCORES];
	struct rte_mbuf *out[ZS_MAX_LCORES][ZS_BURST];
};

/* ---- life ---- */

static struct rte_ring *make_ring(const struct zs_lcore *lc, const char *what, unsigned port)
{
	char name[RTE_RING_NAMESIZE];
	struct rte_ring *r;

	snprintf(name, sizeof(name), "zs_%s%u_%u", what, lc->index, port);
	r = rte_ring_create(name, RING, lc->node->socket, (unsigned)RING_FLAGS);
	if (r == NULL)
		zs_dpdk_fail(0, "no memory for the rings of lcore %u: %s", lc->id,
			     rte_strerror(rte_errno));
	return r;
}

int zs_fan_create(struct zs_lcore *lc)
{
	const struct zs_dpdk *d = lc->d;
	struct zs_fan *fan =
		rte_zmalloc_socket(NULL, sizeof(*fan), RTE_CACHE_LINE_SIZE, lc->node->socket);

	if (fan == NULL)
		return zs_dpdk_fail(-ENOMEM, "out of memory");
	lc->fan = fan;
	fan->in = make_ring(lc, "in", 0);
	if (fan->in == NULL)
		return -ENOMEM;
	for (uint16_t i = 0; i < d->n_ports; i++) {
		if (d->port[i].n_txq == d->n_lcores || lc->index >= d->port[i].n_txq)
			continue;
		fan->tx[i] = make_ring(lc, "tx", i);
		if (fan->tx[i] == NULL)
			return -ENOMEM;
	}
	return 0;
}

static void free_ring(struct rte_ring *r)
{
	void *m;

	while (r != NULL && rte_ring_dequeue(r, &m) == 0)
		rte_pktmbuf_free(m);
	rte_ring_free(r); /* NULL allowed */
}

void zs_fan_free(struct zs_lcore *lc)
{
	if (lc->fan == NULL)
		return;
	free_ring(lc->fan->in);
	for (uint16_t i = 0; i < ZS_MAX_PORTS; i++)
		free_ring(lc->fan->tx[i]);
	rte_free(lc->fan);
	lc->fan = NULL;
}

uint32_t zs_fan_held(const struct zs_dpdk *d)
{
	return d->n_lcores > 1 ? RING * d->n_lcores * (1u + d->n_ports) : 0;
}

/* ---- in ---- */

static void hand_over(struct zs_lcore *lc, unsigned to, struct rte_mbuf **pkts, unsigned n)
{
	unsigned taken = rte_ring_enqueue_burst(lc->d->lcore[to]->fan->in, (void **)pkts, n, NULL);

	lc->stats.handed_over += taken;
	zs_idle_wake(lc->d->lcore[to]);
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
	for (uint16_t to = 0; to < lc->d->n_lcores; to++) {
		struct rte_mbuf *copy;

		if (to == lc->index)
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

	for (uint16_t to = 0; to < lc->d->n_lcores; to++) {
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

void zs_fan_news(struct zs_lcore *lc, uint16_t index, struct rte_mbuf *m)
{
	if (zs_rss_frame(&lc->d->rss, m, lc->index) != ZS_RSS_ALL)
		return;
	m->port = index;
	stage_copies(lc, m);
	hand_over_staged(lc);
}

void zs_fan_take(struct zs_lcore *lc)
{
	struct rte_mbuf *pkts[ZS_BURST];
	unsigned n = rte_ring_dequeue_burst(lc->fan->in, (void **)pkts, ZS_BURST, NULL);

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

bool zs_fan_pass_on(void *ctx, uint16_t port, struct rte_mbuf *m, enum zs_pass why)
{
	struct zs_lcore *lc = ctx;
	const struct zs_dpdk *d = lc->d;
	unsigned asked = m->port >> ASKED_SHIFT, to = lc->index;

	if (!d->spread)
		return false;
	switch (why) {
	case ZS_PASS_WHOLE:
		asked = 0;
		to = zs_rss_frame(&d->rss, m, lc->index);
		break;
	case ZS_PASS_STRAY:
		if (++asked < d->n_lcores)
			to = (lc->index + 1u) % d->n_lcores;
		break;
	}
	m->port = (uint16_t)(port | asked << ASKED_SHIFT);
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
	uint16_t n_txq = lc->d->port[port].n_txq;
	struct zs_lcore *owner;

	if (lc->index < n_txq)
		return zs_loop_tx(lc, port, pkts, n);
	owner = lc->d->lcore[lc->index % n_txq];
	n = (uint16_t)rte_ring_enqueue_burst(owner->fan->tx[port], (void **)pkts, n, NULL);
	if (n > 0)
		zs_lcore_mark_busy(lc);
	zs_idle_wake(owner);
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
	for (uint16_t i = 0; i < lc->n_ports; i++)
		if (lc->fan->tx[i] != NULL)
			send_ring(lc, i, lc->fan->tx[i]);
}

bool zs_fan_tx_pending(const struct zs_lcore *lc)
{
	for (uint16_t i = 0; lc->fan != NULL && i < lc->n_ports; i++)
		if (lc->fan->tx[i] != NULL && !rte_ring_empty(lc->fan->tx[i]))
			return true;
	return false;
}
