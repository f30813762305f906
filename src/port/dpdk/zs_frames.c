/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Frames beside the stack. The application's function is asked about each frame as it arrived, and
 * says which lcore is to have it, or that it is dropped, or that it has become its own answer.
 */
#include "port/dpdk/zs_frames.h"

#include <errno.h>

#include "port/dpdk/zs_fanout.h"
#include "port/dpdk/zs_procs.h"

void zs_dpdk_look_at_frames(struct zs_dpdk *d, zs_frame_fn fn, void *arg)
{
	d->look_arg = arg;
	__atomic_store_n(&d->look, fn, __ATOMIC_RELEASE);
	for (uint16_t i = 0; i < d->n_lcores; i++)
		__atomic_store_n(&d->lcore[i]->aside, fn != NULL || d->n_stacks > 1,
				 __ATOMIC_RELAXED);
}

/* Consumes m. */
static void send_frame(struct zs_lcore *lc, uint16_t index, struct rte_mbuf *m)
{
	uint16_t sent =
		lc->fan != NULL ? zs_fan_tx(lc, index, &m, 1) : zs_loop_tx(lc, index, &m, 1);

	if (sent == 0)
		zs_stack_drop(lc->s, m, ZS_DROP_TX_FULL);
}

static void answer(struct zs_lcore *lc, uint16_t index, struct rte_mbuf *m, uint16_t len)
{
	if (m->nb_segs != 1 || len > m->data_len + rte_pktmbuf_tailroom(m)) {
		zs_stack_drop(lc->s, m, ZS_DROP_TX_TOO_BIG);
		return;
	}
	m->data_len = len;
	m->pkt_len = len;
	m->ol_flags &= RTE_MBUF_F_INDIRECT | RTE_MBUF_F_EXTERNAL;
	send_frame(lc, index, m);
}

/* Where m goes: its core, or a negative number. */
static int ask(const struct zs_lcore *lc, zs_frame_fn look, const struct rte_mbuf *m, uint16_t *len)
{
	const struct zs_dpdk *d = lc->d;
	struct zs_frame f = {
		.data = rte_pktmbuf_mtod(m, void *),
		.len = m->data_len,
		.lcore = lc->index,
		.n_lcores = d->n_stacks,
		.vlan_stripped = (m->ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED) != 0,
		.vlan_tci = m->vlan_tci,
	};
	int to = look(d->look_arg, &f);

	*len = f.len;
	if (to >= 0 && to < d->n_stacks)
		return d->spread ? (int)zs_procs_heir(d, (unsigned)to)
				 : lc->index; /* the others do not run yet */
	return to;
}

uint16_t zs_frames_look(struct zs_lcore *lc, uint16_t index, struct rte_mbuf **pkts, uint16_t n)
{
	const struct zs_dpdk *d = lc->d;
	zs_frame_fn look = __atomic_load_n(&d->look, __ATOMIC_ACQUIRE);
	uint16_t kept = 0;

	if (look == NULL) /* since a moment */
		return lc->fan != NULL ? zs_fan_out(lc, index, pkts, n) : n;
	for (uint16_t i = 0; i < n; i++) {
		struct rte_mbuf *m = pkts[i];
		uint16_t len;
		int to = ask(lc, look, m, &len);

		if (to == lc->index) {
			m->port = index; /* some drivers leave it as it was */
			if (d->spread && lc->fan != NULL)
				zs_fan_news(lc, m);
			pkts[kept++] = m;
		} else if (to == ZS_FRAME_ANSWER) {
			answer(lc, index, m, len);
		} else if (to >= 0 && to < d->n_stacks) {
			zs_fan_give(lc, (unsigned)to, index, m);
		} else {
			zs_stack_drop(lc->s, m, ZS_DROP_BY_APP);
		}
	}
	return kept;
}

int zs_lcore_send_frame(struct zs_lcore *lc, uint16_t port_id, const void *data, size_t len)
{
	const struct zs_dpdk *d = lc->d;
	struct rte_mbuf *m;
	uint16_t index = 0;

	while (index < d->n_ports && d->port[index].id != port_id)
		index++;
	if (index == d->n_ports)
		return -ENODEV;
	if (len == 0 || len > (size_t)d->port[index].mtu + RTE_ETHER_HDR_LEN + RTE_VLAN_HLEN)
		return -EMSGSIZE;
	m = rte_pktmbuf_alloc(lc->node->pools.pkt);
	if (m != NULL && len > rte_pktmbuf_tailroom(m)) {
		rte_pktmbuf_free(m);
		m = rte_pktmbuf_alloc(lc->node->pools.big);
	}
	if (m == NULL || len > rte_pktmbuf_tailroom(m)) {
		rte_pktmbuf_free(m);
		return -ENOBUFS;
	}
	rte_memcpy(rte_pktmbuf_append(m, (uint16_t)len), data, len);
	send_frame(lc, index, m);
	return 0;
}
