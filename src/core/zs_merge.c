/* SPDX-License-Identifier: BSD-3-Clause */
/* Merging segments of a burst: only what the device left as single buffers of one connection. */
#include "core/zs_merge.h"

#include "core/tcp/zs_tcb.h"
#include "core/zs_state.h"

static bool mergeable(const struct rte_mbuf *m, const struct zs_pktinfo *pi)
{
	return pi->ref_kind == ZS_REF_TCB && m->nb_segs == 1 &&
	       !(m->ol_flags & RTE_MBUF_F_RX_LRO) && (pi->tcp_flags & ZS_ACK) != 0;
}

uint16_t zs_merge_run(struct zs_stack *s, struct rte_mbuf **pkts, struct zs_pktinfo *pi, uint16_t n)
{
	struct rte_mbuf *head = pkts[0], *last = head;
	struct zs_tcb *tcb = pi->ref;
	uint16_t full = (uint16_t)pi->data_len, k = 1;

	if (!mergeable(head, pi))
		return 1;
	for (; k < n && zs_merge_fits(&pi[0], &pi[k]) && mergeable(pkts[k], &pi[k]); k++) {
		struct rte_mbuf *m = pkts[k];

		if (pi->data_len + pi[k].data_len > UINT16_MAX)
			break;
		zs_pkt_set(m, (uint16_t)(m->data_off + pi[k].data_off), (uint16_t)pi[k].data_len);
		last->next = m;
		last = m;
		head->nb_segs++;
		head->pkt_len += m->data_len;
		pi->data_len += m->data_len;
	}
	if (k > 1) {
		head->ol_flags |= RTE_MBUF_F_RX_LRO;
		head->tso_segsz = full;
		s->stats.tcp_segs_in += k - 1u;
		tcb->segs_in += k - 1u;
	}
	return k;
}
