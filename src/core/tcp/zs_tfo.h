/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * TCP Fast Open (RFC 7413): data in the SYN, guarded by a cookie that the server made and the
 * client keeps. What a server hands out is a keyed hash of both addresses; what a client got is
 * remembered per pair of addresses in a small table.
 */
#ifndef ZS_TFO_H
#define ZS_TFO_H

#include "core/zs_state.h"
#include "wire/zs_tcpopt.h"

struct zs_half;
struct zs_listener;
struct zs_pktinfo;
struct zs_tcb;

/* What a client knows of a server. */
struct zs_tfo_peer {
	struct zs_addr laddr, faddr;
	uint8_t cookie[ZS_TFO_COOKIE_MAX];
	uint8_t len;	   /* 0 = no cookie */
	bool exp;	   /* the cookie came in the experimental option (RFC 6994) */
	uint8_t exp_tries; /* no cookie by RFC 7413's option: 1 try the other next, 2 tried */
	uint16_t mss;	   /* of the peer; 0 = nothing known of these addresses */
};

int zs_tfo_init(struct zs_stack *s);
void zs_tfo_fini(struct zs_stack *s);

/* ---- client ---- */

/* Never NULL; len and mss are 0 when nothing is known. */
const struct zs_tfo_peer *zs_tfo_peer(struct zs_stack *s, const struct zs_flow *flow);
/* Fills the option of the first SYN: the cookie, or the request for one. */
void zs_tfo_syn_option(struct zs_stack *s, const struct zs_tcb *tcb, struct zs_tcpopt *opt);
/* The SYN-ACK came: remembers its cookie and MSS. syn_data: our SYN had some. */
void zs_tfo_learn(struct zs_stack *s, const struct zs_tcb *tcb, const struct zs_pktinfo *pi,
		  bool syn_data);
/* Forgets everything. */
void zs_tfo_flush(struct zs_stack *s);

/* ---- server ---- */

enum { ZS_TFO_OUR_LEN = 8 /* of the cookies that we make */ };

enum zs_tfo_verdict {
	ZS_TFO_NO,     /* an ordinary handshake */
	ZS_TFO_COOKIE, /* an ordinary one, and the SYN-ACK carries a cookie */
	ZS_TFO_OPEN,   /* the connection begins now, with what the SYN carries */
};

/* What to do about this SYN. */
enum zs_tfo_verdict zs_tfo_judge(struct zs_stack *s, const struct zs_listener *l,
				 const struct zs_pktinfo *pi);
/* zs_tcpopt.fastopen of a SYN-ACK that answers this SYN with a cookie, in the same option. */
uint8_t zs_tfo_reply(const struct zs_tcpopt *syn);
/* The cookie of this client. */
void zs_tfo_cookie(const uint8_t key[16], const struct zs_flow *flow,
		   uint8_t cookie[ZS_TFO_OUR_LEN]);
/* The key that l's cookies are made with. */
const uint8_t *zs_tfo_key(const struct zs_stack *s, const struct zs_listener *l);
/* A connection of ZS_TFO_OPEN has left SYN-RECEIVED. */
void zs_tfo_child_done(struct zs_stack *s, struct zs_tcb *tcb);

#endif
