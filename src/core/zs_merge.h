/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Segments of a burst that continue each other become one packet before TCP sees them, as if the
 * device had merged them (LRO): of a bulk transfer TCP's work is done once per burst.
 */
#ifndef ZS_MERGE_H
#define ZS_MERGE_H

#include "core/zs_parse.h"
#include "wire/zs_hdr.h"

/*
 * b, behind a in its burst, goes on where a ends and says nothing else that a does not say. Both
 * are TCP or of no connection.
 */
static inline bool zs_merge_fits(const struct zs_pktinfo *a, const struct zs_pktinfo *b)
{
	return a->ref == b->ref && a->ref != NULL && b->seq == a->seq + a->data_len &&
	       a->data_len > 0 && b->data_len > 0 && b->ack == a->ack && b->wnd == a->wnd &&
	       b->tos == a->tos && ((a->tcp_flags | b->tcp_flags) & ~ZS_PSH) == ZS_ACK &&
	       b->opt.has_ts == a->opt.has_ts && b->opt.ts_val == a->opt.ts_val &&
	       b->opt.ts_ecr == a->opt.ts_ecr && (a->opt.n_sack | b->opt.n_sack) == 0;
}

/*
 * Adds to the first packet those of the n - 1 behind it that fit; pi[0] is that of all then.
 * Returns how many packets it is now made of; the others are consumed.
 */
uint16_t zs_merge_run(struct zs_stack *s, struct rte_mbuf **pkts, struct zs_pktinfo *pi,
		      uint16_t n);

#endif
