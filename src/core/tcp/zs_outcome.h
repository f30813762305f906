/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the files share that say what a connection has to say: zs_output.c (the turn, and new data),
 * zs_resend.c (what was lost), zs_reply.c (segments without payload).
 */
#ifndef ZS_OUTCOME_H
#define ZS_OUTCOME_H

#include "core/tcp/zs_output.h"
#include "core/tcp/zs_pace.h"
#include "core/tcp/zs_queue.h"

enum zs_outcome {
	ZS_OUT_SENT,	/* a segment went out: go on */
	ZS_OUT_NOTHING, /* nothing more to send now */
	ZS_OUT_BLOCKED, /* no buffer or no room at the device: again next turn */
};

enum { ZS_TX_COUNT_MAX = 31 };

static inline bool zs_out_room(struct zs_stack *s, const struct zs_tcb *tcb)
{
	return zs_txq_room(&s->netif[tcb->netif]) > 0;
}

/* Every segment carries the acknowledgement of all that was received. */
static inline void zs_out_acked(struct zs_tcb *tcb)
{
	tcb->flags &= ~(uint32_t)ZS_TF_ACK_NOW;
	tcb->rcv_acked = tcb->rcv_nxt;
	tcb->deadline[ZS_TT_DELACK] = 0;
}

static __rte_always_inline void zs_out_mark(struct zs_stack *s, struct zs_tcb *tcb,
					    struct rte_mbuf *m)
{
	struct zs_seg *seg = zs_seg(m);

	seg->tx_us = (uint32_t)s->now_us;
	if (seg->tx_count == 0)
		seg->first_tx_us = seg->tx_us;
	if (seg->tx_count < ZS_TX_COUNT_MAX)
		seg->tx_count++;
	if (unlikely(tcb->flags & ZS_TF_PACED))
		zs_rate_send(s, tcb, seg);
}

/* Something is in flight: at the end of the turn the retransmission timer runs. */
static inline void zs_out_in_flight(struct zs_stack *s, struct zs_tcb *tcb)
{
	if (tcb->deadline[ZS_TT_RETX] == 0)
		tcb->rto_base_us = (uint32_t)s->now_us;
	tcb->deadline[ZS_TT_PERSIST] = 0;
	tcb->last_send_us = s->now_us;
}

/* Something was lost, and has not been sent again. */
bool zs_resend_due(struct zs_stack *s, struct zs_tcb *tcb);
/* The next of what was lost, in one segment. run_end: where what was sent again before it in this
 * turn ends. */
enum zs_outcome zs_resend_one(struct zs_stack *s, struct zs_tcb *tcb, uint16_t wnd,
			      uint32_t *run_end);
/* The last segment again (RFC 8985 7.3). */
enum zs_outcome zs_resend_last(struct zs_stack *s, struct zs_tcb *tcb, uint16_t wnd);
enum zs_outcome zs_out_ack(struct zs_stack *s, struct zs_tcb *tcb, uint16_t wnd);

#endif
