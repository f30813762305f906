/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Explicit congestion notification (RFC 3168): a router marks packets of those who asked for it
 * (ECT) instead of dropping them (CE), the receiver echoes marks (ECE), the sender reduces its
 * window as for a loss and says so (CWR). Only connections with ZS_TF_ECN come here.
 */
#ifndef ZS_ECN_H
#define ZS_ECN_H

#include "core/tcp/zs_ack.h"
#include "core/zs_parse.h"

enum zs_ecn_field { ZS_ECN_NOT_ECT = 0, ZS_ECN_ECT1 = 1, ZS_ECN_ECT0 = 2, ZS_ECN_CE = 3 };

static inline enum zs_ecn_field zs_ecn_field(const struct zs_pktinfo *pi)
{
	return (enum zs_ecn_field)(pi->tos & 3);
}

/* The flags of the SYN of an active open; 0 when it does not ask. */
uint8_t zs_ecn_syn(const struct zs_stack *s, struct zs_tcb *tcb);
/* Does a peer's SYN ask, and may a connection with congestion control cc say yes? */
bool zs_ecn_accept(const struct zs_stack *s, uint8_t cc, const struct zs_pktinfo *syn);
/* The peer's SYN or SYN-ACK in SYN-SENT: is ECN agreed? */
bool zs_ecn_agreed(const struct zs_stack *s, const struct zs_tcb *tcb, const struct zs_pktinfo *pi);

/* Receiver: an acceptable segment with payload; before that is taken. */
void zs_ecn_receive(struct zs_stack *s, struct zs_tcb *tcb, const struct zs_pktinfo *pi);
/*
 * Sender: an ACK while data is in flight, before congestion control and loss detection see it.
 * Where the window has been reduced, by this mark or one before, a->ece keeps it from growing.
 */
void zs_ecn_on_ack(struct zs_stack *s, struct zs_tcb *tcb, struct zs_ack *a);

/* The window was reduced, for whatever reason: the peer is told with the next new data (6.1.2). */
static inline void zs_ecn_reduced(struct zs_tcb *tcb)
{
	if (tcb->flags & ZS_TF_ECN)
		tcb->flags |= ZS_TF_CWR;
}

/* A loss in the window of data that a mark has reduced already costs nothing more (6.1.2). */
static inline bool zs_ecn_covers(struct zs_tcb *tcb)
{
	bool cut = tcb->flags & ZS_TF_ECN_CUT && zs_seq_lt(tcb->snd_una, tcb->recover);

	tcb->flags &= ~(uint32_t)ZS_TF_ECN_CUT; /* recovery is what goes on from here */
	return cut;
}

#endif
