/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What one acknowledgement says, gathered once and handed to loss detection and congestion control.
 */
#ifndef ZS_ACK_H
#define ZS_ACK_H

#include "core/tcp/zs_tcb.h"

struct zs_ack {
	uint32_t acked;	     /* sequence numbers acknowledged cumulatively by this ACK */
	uint32_t released;   /* the payload among them, in bytes */
	uint32_t sacked;     /* bytes newly SACKed */
	uint32_t inflight;   /* before the ACK */
	uint32_t rtt_us;     /* sample, 0 = none */
	uint32_t tx_us;	     /* has_tx: transmission time of the newest record that was sent once */
	uint32_t sack_tx_us; /* has_sack_tx: likewise of those newly SACKed */
	uint32_t rack_tx_us; /* has_rack_tx: when that was sent which RACK takes for the latest */
	uint32_t echo; /* has_echo: the timestamp that comes back; only where there are marks */
	uint32_t dsack_left, dsack_end;
	uint32_t sacked_before; /* tcb->sacked; 0 where there are no marks */
	uint32_t known;		/* bytes among those acked that are no news */
	bool has_tx, has_sack_tx, has_rack_tx, has_echo;
	bool sack_old;	   /* newly SACKed: one that was sent once, before tcb->recover */
	bool retx;	   /* a record that was released had been sent again */
	bool dup;	   /* a duplicate ACK (RFC 5681 2; with SACK: one that brings new blocks) */
	bool reordered;	   /* something arrived after what was sent behind it */
	bool dsack;	   /* reports a duplicate (RFC 2883) */
	bool undone;	   /* by that: what is missing all the same has to be found again */
	bool ece;	   /* reports congestion marks (RFC 3168) */
	bool cwnd_limited; /* the window was in full use: growth is justified (RFC 7661) */
};

/* What is newly delivered, in bytes: by that much a window grows. */
static inline uint32_t zs_ack_news(const struct zs_ack *a)
{
	return a->acked - a->known;
}

enum zs_verdict { ZS_CONTINUE, ZS_DONE };

/* ---- zs_acks.c ---- */

/* RFC 9293 3.10.7.4 fifth. ZS_DONE: m is consumed, and tcb may be gone. */
enum zs_verdict zs_ack_check(struct zs_stack *s, struct zs_tcb *tcb, struct rte_mbuf *m,
			     const struct zs_pktinfo *pi);
/* The acknowledgement and window of a segment whose ACK lies in [snd_una, snd_nxt]. */
void zs_ack_process(struct zs_stack *s, struct zs_tcb *tcb, const struct zs_pktinfo *pi);
void zs_rtt_sample(struct zs_stack *s, struct zs_tcb *tcb, uint32_t rtt_us);
/* By the timestamp that a segment echoes (RFC 7323 4); 0 = no sample. */
uint32_t zs_rtt_echoed(const struct zs_stack *s, uint32_t ts_off, const struct zs_pktinfo *pi);
/* The handshake took rtt_us, 0 = not known, after so many timeouts of our SYN or SYN-ACK. */
void zs_rtt_begin(struct zs_stack *s, struct zs_tcb *tcb, unsigned timeouts, uint32_t rtt_us);
/* The same where it ends with pi, and what was sent first went rtt_us ago. */
void zs_rtt_handshake(struct zs_stack *s, struct zs_tcb *tcb, const struct zs_pktinfo *pi,
		      unsigned timeouts, uint32_t rtt_us);

/* ---- zs_sack.c ---- */

/* Marks records by the SACK blocks of pi; fills a->sacked, a->dsack. */
void zs_sack_input(struct zs_stack *s, struct zs_tcb *tcb, const struct zs_pktinfo *pi,
		   struct zs_ack *a);
/* Forgets all marks: the peer reneged (RFC 2018 8). */
void zs_sack_forget(struct zs_stack *s, struct zs_tcb *tcb);

/* ---- zs_rack.c ---- */

/* A record, up to end, is known to be delivered, and was not before. */
void zs_rack_delivered(struct zs_stack *s, struct zs_tcb *tcb, const struct zs_seg *seg,
		       uint32_t end, struct zs_ack *a);
/* The peer reports that something arrived twice. */
void zs_rack_dsack(struct zs_stack *s, struct zs_tcb *tcb, const struct zs_ack *a);
/* Marks what is lost, and notes when the rest of the suspects will be. */
void zs_rack_detect(struct zs_stack *s, struct zs_tcb *tcb);
void zs_rack_on_rto(struct zs_stack *s, struct zs_tcb *tcb);
/* A recovery is over. */
void zs_rack_recovered(struct zs_stack *s, struct zs_tcb *tcb);

/* ---- zs_prr.c ---- */

/* Fast recovery begins. */
void zs_prr_start(struct zs_stack *s, struct zs_tcb *tcb);
/*
 * In fast recovery, so many bytes were delivered: sets cwnd, except of an algorithm that does so
 * itself. safe: progress, and no further loss.
 */
void zs_prr_on_ack(struct zs_stack *s, struct zs_tcb *tcb, uint32_t delivered, bool safe);

/* ---- zs_undo.c ---- */

/* Before the window shrinks for a loss. */
void zs_undo_save(struct zs_stack *s, struct zs_tcb *tcb);
/* The same for a timeout, the first or another one. */
void zs_undo_on_rto(struct zs_stack *s, struct zs_tcb *tcb);
/* The window shrinks for something that is no mistake. */
void zs_undo_forget(struct zs_stack *s, struct zs_tcb *tcb);
/* A record is sent again. */
void zs_undo_retx(struct zs_stack *s, struct zs_tcb *tcb, const struct zs_seg *seg);
/* In recovery: does this acknowledgement tell that there was no loss? */
void zs_undo_on_ack(struct zs_stack *s, struct zs_tcb *tcb, const struct zs_ack *a);
/* The peer reports a duplicate. */
void zs_undo_on_dsack(struct zs_stack *s, struct zs_tcb *tcb, struct zs_ack *a);

/* ---- zs_retx.c ---- */

/* Sets the retransmission timer anew for what is in flight: RTO, PTO or reordering. */
void zs_retx_arm(struct zs_stack *s, struct zs_tcb *tcb);
/* The retransmission timeout starts from now (RFC 6298 5.3). */
void zs_retx_restart(struct zs_stack *s, struct zs_tcb *tcb);
/* A tail loss probe is due (RFC 8985 7.3). */
void zs_tlp_on_pto(struct zs_stack *s, struct zs_tcb *tcb);
/* A probe is out, and an acknowledgement came (7.4). */
void zs_tlp_on_ack(struct zs_stack *s, struct zs_tcb *tcb, const struct zs_pktinfo *pi,
		   const struct zs_ack *a);

/* ---- zs_loss.c ---- */

/* After marks and snd_una are up to date: declares losses, enters and leaves recovery. */
void zs_loss_on_ack(struct zs_stack *s, struct zs_tcb *tcb, const struct zs_ack *a);
/* The retransmission timer expired, after retx_count times in a row. */
void zs_loss_on_rto(struct zs_stack *s, struct zs_tcb *tcb);
/* The reordering window ended: what is lost now? */
void zs_loss_on_reorder_timer(struct zs_stack *s, struct zs_tcb *tcb);
/* Another timeout without progress: a segment that long may not fit the path (zs_pathmtu.c). */
void zs_mtu_on_timeout(struct zs_stack *s, struct zs_tcb *tcb);
/* A loss that is repaired already: the window shrinks as if recovery had begun and ended. */
void zs_loss_repaired(struct zs_stack *s, struct zs_tcb *tcb);

#endif
