/* SPDX-License-Identifier: BSD-3-Clause */
/* TIME-WAIT in compact entries (RFC 9293 3.6.1, 1337, 6191): what is needed to answer old segments.
 */
#ifndef ZS_TW_H
#define ZS_TW_H

#include "core/tcp/zs_tcp.h"
#include "core/zs_flow.h"

struct zs_tw {
	struct zs_flow flow;
	struct zs_list fifo;
	uint64_t expire_us;
	uint32_t hash;
	uint32_t snd_nxt, rcv_nxt;
	uint16_t rcv_wnd; /* as on the wire */
	uint32_t ts_recent, ts_off;
	uint32_t challenge_ms; /* of zs_challenge_allowed() */
	bool ts;
};
_Static_assert(sizeof(struct zs_tw) <= 96, "TIME-WAIT entries are compact");

/* The tcb's connection goes on as an entry; the tcb leaves the tables. */
void zs_tw_enter(struct zs_stack *s, struct zs_tcb *tcb);
/* Initial sequence number of the connection that takes over: beyond the old one's (RFC
 * 1122 4.2.2.13). */
uint32_t zs_tw_next_iss(struct zs_stack *s, const struct zs_tw *tw);
/* Consumes m. */
void zs_tw_input(struct zs_stack *s, struct zs_tw *tw, struct rte_mbuf *m, struct zs_pktinfo *pi);
struct zs_timer;
void zs_tw_timer(struct zs_stack *s, struct zs_timer *t);
void zs_tw_free(struct zs_stack *s, struct zs_tw *tw);

#endif
