/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * SYN cookies (RFC 4987 3.6): where the SYN queue is full, the SYN-ACK carries in its sequence
 * number what the ACK has to bring back, and nothing is kept. What the peer offered lives on in the
 * low bits of our timestamp, if it sends any.
 */
#ifndef ZS_COOKIE_H
#define ZS_COOKIE_H

#include "core/tcp/zs_half.h"
#include "core/zs_state.h"

/* Makes h, of a SYN, one that need not be kept: its initial sequence number, and its clock. */
void zs_cookie_bake(struct zs_stack *s, struct zs_half *h);

/*
 * Does this ACK bring back a cookie of ours? Then h is filled with what was agreed, but for the
 * listener.
 */
bool zs_cookie_eat(struct zs_stack *s, const struct zs_pktinfo *pi, struct zs_half *h);

#endif
