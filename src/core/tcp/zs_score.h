/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The scoreboard: what is needed beside the tcb once something of a connection is SACKed, lost or
 * sent again. It lies in a table of its own, at the place that the tcb has in its table, and is
 * memory that nobody touches as long as the connection loses nothing. Between two losses only its
 * last part is remembered.
 *
 * The marks themselves are in the records of the send queue. Records with ZS_SEG_RETX are also in
 * a FIFO, which is in the order of their latest transmission.
 */
#ifndef ZS_SCORE_H
#define ZS_SCORE_H

#include "core/tcp/zs_tcb.h"

/* Segments SACKed above one that is missing make it lost (RFC 5681 3.2, RFC 6675). */
enum { ZS_DUP_THRESH = 3, ZS_REORDERING_MAX = 300 };

/*
 * What SACK blocks may cost, in records looked at: an ACK brings so many, and what is not used is
 * kept, up to a limit. A peer that jumps about in a large window, of tiny segments perhaps, would
 * have us do nothing else.
 */
enum { ZS_SACK_STEPS = 1024, ZS_SACK_STEPS_MAX = 1 << 16 };

/* F-RTO (RFC 5682): where a timeout stands. */
enum zs_frto {
	ZS_FRTO_OFF,	  /* it was right, as far as we know */
	ZS_FRTO_RESENT,	  /* the first segment was sent again */
	ZS_FRTO_NEW_DATA, /* that was acknowledged: new data goes out in place of what was lost */
};

struct zs_score {
	/* places in the send queue */
	struct rte_mbuf *sack_hint; /* record where the last SACK block ended; NULL = none */
	struct rte_mbuf *lost_hint; /* all up to it were marked, or are in the FIFO; NULL = none */
	struct rte_mbuf *retx_hint; /* no record before it is to be sent again; NULL = from the head
				     */
	struct zs_list retx;	    /* the FIFO, through zs_seg.retx */
	uint32_t sack_hint_left;    /* left edge of the block that ended at sack_hint */
	uint32_t sack_steps;	    /* saved up */
	struct zs_sack_block seen[ZS_MAX_SACK]; /* blocks of the last ACK: need no second walk */

	/* RACK (RFC 8985 5.3): of the record, among those delivered, that was sent last */
	uint32_t rack_tx_us, rack_end, rack_rtt_us;
	uint32_t fack;	 /* highest sequence number delivered: RACK.fack */
	uint32_t reo_us; /* when what is under suspicion will be taken for lost */
	bool rack_valid, reo_pending;

	/* proportional rate reduction (RFC 6937) */
	uint32_t prr_delivered; /* bytes since the recovery began */
	uint32_t prr_flight;	/* snd_nxt - snd_una then: RecoverFS */
	uint64_t prr_base;	/* bytes_out + bytes_retx then */

	/* what there was before the window shrank, should that turn out to be a mistake */
	uint64_t prior_cc[5]; /* tcb->cc_priv */
	uint32_t prior_cwnd, prior_ssthresh;
	uint32_t undo_una;  /* snd_una then */
	uint32_t undo_retx; /* bytes sent again since, less those reported as duplicates */
	uint32_t retx_ts;   /* retx_sent: timestamp of the first retransmission */
	bool undo;	    /* all this is valid */
	bool undo_first_ack, retx_sent;
	uint8_t prior_kind; /* tcb->cc */
	uint8_t frto;	    /* enum zs_frto */
	uint32_t frto_end;  /* end of the segment that the timeout sent again */

	/* remembered for the life of the connection */
	bool reordered;	      /* RACK.reordering_seen */
	uint32_t reord_seen;  /* acknowledgements that told of it */
	uint16_t reordering;  /* how far, in segments; 0 = never */
	uint8_t reo_wnd_mult; /* RACK.reo_wnd_mult */
	uint8_t reo_wnd_persist;
	uint32_t dsack_round;  /* snd_nxt when the last D-SACK counted */
	uint32_t dsacks;       /* duplicates reported */
	uint32_t tlp_end;      /* snd_nxt after the last tail loss probe */
	uint32_t challenge_ms; /* of zs_challenge_allowed() */
};

/* Some record is marked: only then do the places above mean anything. */
static inline bool zs_marked(const struct zs_tcb *tcb)
{
	return (tcb->sacked | tcb->lost | tcb->retx) != 0;
}

/* Valid once zs_score_wake() was called for this connection. */
static inline struct zs_score *zs_score(const struct zs_stack *s, const struct zs_tcb *tcb)
{
	return &s->tcp.scores[zs_slab_index(&s->tcp.tcbs, tcb)];
}

/* Before a record is marked: makes the scoreboard ready where none is yet. */
struct zs_score *zs_score_wake(struct zs_stack *s, struct zs_tcb *tcb);

/* The record m is sent again: it enters the FIFO and the count. */
void zs_score_retx(struct zs_stack *s, struct zs_tcb *tcb, struct rte_mbuf *m);
/* m, which has ZS_SEG_RETX, leaves both. */
void zs_score_unretx(struct zs_tcb *tcb, struct rte_mbuf *m);
/* m is lost, and so is the copy that was sent again, if there was one. */
void zs_score_lost(struct zs_stack *s, struct zs_tcb *tcb, struct rte_mbuf *m);
/* m leaves the queue, or n bytes at its start do; it and its places are forgotten. */
void zs_score_acked(struct zs_stack *s, struct zs_tcb *tcb, struct rte_mbuf *m, uint32_t n);
/* m was cut and c is the rest of it. */
void zs_score_split(struct zs_stack *s, struct zs_tcb *tcb, struct rte_mbuf *m, struct rte_mbuf *c);

#endif
