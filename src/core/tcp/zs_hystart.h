/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * HyStart++ (RFC 9406), or HyStart: slow start ends when round trips grow, before it ends in
 * losses. In the first slow start of a connection only.
 */
#ifndef ZS_HYSTART_H
#define ZS_HYSTART_H

#include "core/tcp/zs_ack.h"

/* In an algorithm's part of cc_priv; all zero to begin with. RTTs: 0 = none known. */
struct zs_hystart {
	uint32_t window_end;		   /* the round ends when this is acknowledged */
	uint32_t last_min_us, this_min_us; /* least RTT of the round before, and of this one */
	uint32_t css_base_us; /* RTT that led to conservative slow start; 0 = not in it */
	uint8_t samples;      /* in this round, as far as they matter */
	uint8_t css_rounds;
	bool begun;
};

/* Slow start by one ACK. Returns the newly delivered bytes left over above ssthresh. */
uint32_t zs_hystart_ack(const struct zs_stack *s, struct zs_hystart *h, struct zs_tcb *tcb,
			const struct zs_ack *a);

#endif
