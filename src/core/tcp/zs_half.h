/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Half-open connections: a SYN was answered, the handshake's ACK is awaited. A compact entry with a
 * retransmission of its own; the tcb is made when the ACK comes.
 */
#ifndef ZS_HALF_H
#define ZS_HALF_H

#include "core/tcp/zs_tcp.h"
#include "core/zs_flow.h"

struct zs_half {
	struct zs_flow flow;
	struct zs_list fifo; /* on s->tcp.half_fifo[retries], by deadline */
	uint64_t deadline_us;
	uint32_t sent_us; /* of the SYN-ACK */
	uint32_t rtt_us;  /* it took to be acknowledged; 0 = not measured */
	uint32_t iss, irs;
	uint32_t ts_recent;
	uint32_t ts_off;
	uint32_t challenge_ms; /* of zs_challenge_allowed() */
	uint32_t listener;     /* index */
	uint16_t peer_mss;
	uint8_t peer_wscale;
	uint8_t retries;
	bool ts, sack, wscale, ecn;
	bool acked;	  /* the SYN-ACK was; data is awaited, or room */
	bool again;	  /* the SYN-ACK was sent again because the SYN was */
	uint8_t timeouts; /* of the SYN-ACK, before it was acknowledged */
	uint8_t tfo;	  /* the SYN-ACK carries a cookie: bits of zs_tcpopt.fastopen, 0 = no */
};
_Static_assert(sizeof(struct zs_half) <= 112, "half-open entries are compact");

/* Consumes m: a segment for a listener; a SYN is answered with this initial sequence number. */
void zs_listen_input(struct zs_stack *s, struct zs_listener *l, struct rte_mbuf *m,
		     struct zs_pktinfo *pi, uint32_t iss);
/* Why a SYN is not taken now; ZS_DROP_COUNT when it is. */
enum zs_drop zs_listen_refuses(const struct zs_stack *s, const struct zs_listener *l);
/* Consumes m: a segment of a half-open connection. */
void zs_half_input(struct zs_stack *s, struct zs_half *h, struct rte_mbuf *m,
		   struct zs_pktinfo *pi);

/* What a SYN says, and what we answer. */
struct zs_half zs_half_of(struct zs_stack *s, const struct zs_listener *l,
			  const struct zs_pktinfo *pi, uint32_t iss);
/* Makes the entry and answers the SYN. tfo: see struct zs_half. There has to be room. */
void zs_half_new(struct zs_stack *s, struct zs_listener *l, const struct zs_pktinfo *pi,
		 uint32_t iss, uint8_t tfo);
/* Sends the SYN-ACK. */
void zs_half_answer(struct zs_stack *s, struct zs_half *h);
/* The checks of SYN-RECEIVED, which may free h. Returns the reason to drop, ZS_DROP_COUNT when the
 * ACK is good. */
enum zs_drop zs_half_check(struct zs_stack *s, struct zs_half *h, const struct zs_pktinfo *pi);
/* TCP_DEFER_ACCEPT: the end of the handshake alone is nothing to bother the application with. The
 * last SYN-ACK makes the peer answer once more, and that counts. */
bool zs_half_defers(struct zs_stack *s, const struct zs_half *h, const struct zs_pktinfo *pi);
/* The connection takes the entry's place in the flow table; the entry is gone. */
void zs_half_become(struct zs_stack *s, struct zs_half *h, struct zs_tcb *tcb);
void zs_half_free(struct zs_stack *s, struct zs_half *h);
struct zs_listener *zs_half_listener(struct zs_stack *s, const struct zs_half *h);
/* The MTU of the link towards the peer of a flow. */
uint16_t zs_half_mtu(struct zs_stack *s, const struct zs_flow *flow);
/* The window that a listener offers. */
uint32_t zs_listener_space(const struct zs_stack *s, const struct zs_listener *l);
/* The listener for a segment, NULL when none. */
struct zs_listener *zs_listener_find(struct zs_stack *s, const struct zs_flow *flow);
struct zs_timer;
void zs_half_timer(struct zs_stack *s, struct zs_timer *t);

#endif
