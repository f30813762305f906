/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sending: what to say (zs_output.c, zs_resend.c, zs_reply.c) and how a segment is built
 * (zs_build.c).
 */
#ifndef ZS_OUTPUT_H
#define ZS_OUTPUT_H

#include "core/tcp/zs_tcb.h"

/* ---- zs_output.c ---- */

/* Every connection on s->out gets its turn, as far as the device's queue has room. */
void zs_output_run(struct zs_stack *s);

/* ---- zs_reply.c ---- */

/* An ACK at once, in the middle of a burst. */
void zs_send_ack(struct zs_stack *s, struct zs_tcb *tcb);
/* A segment without payload that makes the peer answer: keepalive and window probe (seq snd_una -
 * 1). */
void zs_send_probe(struct zs_stack *s, struct zs_tcb *tcb);
/* RST with the connection's own numbers. */
__rte_cold void zs_send_rst(struct zs_stack *s, struct zs_tcb *tcb);
/*
 * May another challenge ACK be sent? A connection may send ten at once, and then one per gap (RFC
 * 5961 7: ten in five seconds), so that whom somebody floods starves nobody else; next_ms, zero at
 * first, is its own. And there is a limit for the stack, drawn anew each second around the
 * configured rate: who counts the challenges on a connection of his own does not learn whether
 * somebody else's was challenged (CVE-2016-5696).
 */
bool zs_challenge_allowed(struct zs_stack *s, uint32_t *next_ms);
/* An ACK in answer to an unacceptable segment, within these limits. */
__rte_cold void zs_challenge_ack(struct zs_stack *s, struct zs_tcb *tcb);

/* ---- zs_syn.c ---- */

/* SYN, or SYN-ACK of a simultaneous open or of Fast Open; in a later turn when there is no buffer.
 */
void zs_send_syn(struct zs_stack *s, struct zs_tcb *tcb);
/* False: it is still due. */
bool zs_syn_output(struct zs_stack *s, struct zs_tcb *tcb);
/* The SYN-ACK acknowledges the data of our SYN up to ack, perhaps none of it: the rest is lost.
 */
void zs_syn_acked(struct zs_stack *s, struct zs_tcb *tcb, uint32_t ack);
/* The MSS that our SYN announces; 0 before there is a route. */
uint16_t zs_syn_mss(const struct zs_tcb *tcb);
/* Payload that fits into our SYN with the options of the cookie. */
uint32_t zs_syn_room(struct zs_stack *s, const struct zs_tcb *tcb);

/* ---- zs_build.c ---- */

struct zs_segment {
	struct rte_mbuf *first; /* first record, NULL = no payload */
	uint32_t len;		/* payload: whole records from first on */
	uint32_t seq;
	uint16_t wnd;  /* zs_build_window() */
	uint8_t flags; /* enum zs_tcp_flag */
	uint8_t n_sack;
	bool ect;			  /* marks of congestion are welcome (RFC 3168) */
	const struct zs_sack_block *sack; /* n_sack of them; read only when there are any */
};

/* Builds and sends; borrows the records. -ENOBUFS: nothing was sent. */
int zs_build_segment(struct zs_stack *s, struct zs_tcb *tcb, const struct zs_segment *sg);
/* The same for one whole record, with ACK and perhaps PSH. */
int zs_build_record(struct zs_stack *s, struct zs_tcb *tcb, struct rte_mbuf *m, uint32_t seq,
		    uint16_t wnd, uint8_t flags);
/* Nothing is to be done to packets of this connection but to send them, in whatever pieces:
 * zs_build_like() may be used. */
bool zs_build_alike(const struct zs_stack *s, const struct zs_tcb *tcb);
/*
 * The same for a record behind another of its length, which has just gone by zs_build_record() or
 * this: with the headers of that packet, the last one staged. False: it takes zs_build_record().
 */
bool zs_build_like(struct zs_stack *s, struct zs_tcb *tcb, struct rte_mbuf *m, uint32_t seq,
		   uint8_t flags);
/* The window field of what is sent now. */
uint16_t zs_build_window(const struct zs_tcb *tcb);
/* Makes tcb->hdr anew. False: no route to the peer. */
bool zs_build_template(struct zs_stack *s, struct zs_tcb *tcb);

enum { ZS_NH_RECHECK_MS = 5000 /* a cached MAC address is looked up again so often */ };

/* (Re)makes tcb->hdr when routes or neighbours changed. False: no route to the peer. */
static inline bool zs_build_refresh(struct zs_stack *s, struct zs_tcb *tcb)
{
	if (likely(tcb->hdr_len != 0 && tcb->nh_gen == s->nh_gen &&
		   !(tcb->flags & ZS_TF_NH_PENDING) &&
		   s->now_ms - tcb->nh_checked_ms < ZS_NH_RECHECK_MS))
		return true;
	return zs_build_template(s, tcb);
}

/* A segment of no tcb: RST, SYN-ACK of the SYN queue, ACK of TIME-WAIT; also SYN of a tcb. */
struct zs_raw {
	const struct zs_flow *flow;
	uint32_t seq, ack;
	uint16_t wnd; /* as on the wire */
	uint8_t flags, ttl, tos;
	const struct zs_tcpopt *syn_opt; /* options of a SYN, NULL = none */
	struct rte_mbuf *payload;	 /* chain, consumed; NULL = none */
	bool ts;
	uint32_t ts_val, ts_ecr;
};
/* ---- zs_raw.c ---- */

/* False: there was no buffer. */
bool zs_send_raw(struct zs_stack *s, const struct zs_raw *raw);
/* RST in answer to a segment (RFC 9293 3.10.7.1); never to a RST. */
__rte_cold void zs_send_rst_for(struct zs_stack *s, const struct zs_pktinfo *pi);
/* IPv6's, 20 bits. */
uint32_t zs_flow_label(const struct zs_stack *s, const struct zs_flow *flow);

#endif
