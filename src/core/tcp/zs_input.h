/* SPDX-License-Identifier: BSD-3-Clause */
/* Receiving: the steps of RFC 9293 3.10.7 that other files of tcp/ share. */
#ifndef ZS_INPUT_H
#define ZS_INPUT_H

#include "core/tcp/zs_ack.h"
#include "core/tcp/zs_tcb.h"

/* ---- zs_input.c ---- */

/* Consumes m: a segment of a connection in a synchronized state. */
void zs_tcp_synchronized_input(struct zs_stack *s, struct zs_tcb *tcb, struct rte_mbuf *m,
			       struct zs_pktinfo *pi);
/* RFC 9293 3.4: something of the segment lies in the window of wnd from rcv_nxt on. */
bool zs_tcp_acceptable(const struct zs_pktinfo *pi, uint32_t rcv_nxt, uint32_t wnd);
/* RFC 7323 4.3 (2): TS.Recent follows the segment that bears on the left edge. */
void zs_ts_update(struct zs_stack *s, struct zs_tcb *tcb, const struct zs_pktinfo *pi);

/* ---- zs_data.c ---- */

/* RFC 9293 3.10.7.4 seventh and eighth. Consumes m. */
void zs_data_input(struct zs_stack *s, struct zs_tcb *tcb, struct rte_mbuf *m,
		   const struct zs_pktinfo *pi);
/* In order, whole, within the window, state ESTABLISHED: the common case. Consumes m. */
void zs_data_in_order(struct zs_stack *s, struct zs_tcb *tcb, struct rte_mbuf *m,
		      const struct zs_pktinfo *pi);

/* ---- zs_open.c ---- */

/* Sets MSS, scales and options from the peer's SYN; enters ESTABLISHED's initial window. */
struct zs_synopts {
	uint16_t mss;
	uint8_t wscale;
	bool ts, sack, has_wscale, ecn;
};
void zs_tcb_negotiate(struct zs_stack *s, struct zs_tcb *tcb, const struct zs_synopts *peer);
uint8_t zs_rcv_wscale(const struct zs_stack *s, const struct zs_tcp_opts *opts);
/* RFC 6528: clock plus a keyed hash of the flow. */
uint32_t zs_isn(struct zs_stack *s, const struct zs_flow *flow);
/* Per-flow offset of the timestamp clock (RFC 7323 7.1). */
uint32_t zs_ts_offset(struct zs_stack *s, const struct zs_flow *flow);

#endif
