/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What one acknowledgement says, gathered once and handed to loss detection and congestion control.
 */
#ifndef ZS_ACK_H
#define ZS_ACK_H

#include "core/tcp/zs_tcb.h"

struct zs_ack {
	uint32_t acked;	   /* bytes acknowledged cumulatively by this ACK */
	uint32_t sacked;   /* bytes newly SACKed */
	uint32_t inflight; /* before the ACK */
	uint32_t rtt_us;   /* sample, 0 = none */
	bool dup;	   /* a duplicate ACK (RFC 5681 2; with SACK: one that brings new blocks) */
	bool dsack;	   /* reports a duplicate (RFC 2883) */
	bool ece;	   /* reports congestion marks (RFC 3168) */
	bool cwnd_limited; /* the window was in full use: growth is justified (RFC 7661) */
};

enum zs_verdict { ZS_CONTINUE, ZS_DONE };

/* ---- zs_acks.c ---- */

/* RFC 9293 3.10.7.4 fifth. ZS_DONE: m is consumed, and tcb may be gone. */
enum zs_verdict zs_ack_check(struct zs_stack *s, struct zs_tcb *tcb, struct rte_mbuf *m,
			     const struct zs_pktinfo *pi);
/* The acknowledgement and window of a segment whose ACK lies in [snd_una, snd_nxt]. */
void zs_ack_process(struct zs_stack *s, struct zs_tcb *tcb, const struct zs_pktinfo *pi);
void zs_rtt_sample(struct zs_stack *s, struct zs_tcb *tcb, uint32_t rtt_us);
/* The handshake is over, after so many timeouts of our SYN or SYN-ACK, the last one sent rtt_us
 * ago. */
void zs_rtt_handshake(struct zs_stack *s, struct zs_tcb *tcb, const struct zs_pktinfo *pi,
		      unsigned timeouts, uint32_t rtt_us);

/* ---- zs_sack.c ---- */

/* Marks records by the SACK blocks of pi; fills a->sacked, a->dsack. */
void zs_sack_input(struct zs_stack *s, struct zs_tcb *tcb, const struct zs_pktinfo *pi,
		   struct zs_ack *a);
/* Forgets all marks: the peer reneged (RFC 2018 8). */
void zs_sack_forget(struct zs_tcb *tcb);

/* ---- zs_loss.c ---- */

/* After marks and snd_una are up to date: declares losses, enters and leaves recovery. */
void zs_loss_on_ack(struct zs_stack *s, struct zs_tcb *tcb, const struct zs_ack *a);
/* The retransmission timer expired. */
void zs_loss_on_rto(struct zs_stack *s, struct zs_tcb *tcb);

#endif
