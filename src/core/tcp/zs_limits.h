/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How long a connection had something to deliver, from the write to the last acknowledgement, and
 * how long of that it waited for the peer's window or for the application, whose writes the send
 * buffer kept small. What is left it waited for the network: round trips and congestion window.
 *
 * A time is a sum from which `now` is taken off when it begins to run, and to which it is added
 * when it ends: so each costs one addition. busy_us runs while there are records in the send queue.
 */
#ifndef ZS_LIMITS_H
#define ZS_LIMITS_H

#include "core/tcp/zs_tcb.h"

enum zs_limit { ZS_LIMIT_NONE, ZS_LIMIT_RWND, ZS_LIMIT_SNDBUF };

/* From now on it is this one that the connection waits for. */
void zs_limit_set(struct zs_stack *s, struct zs_tcb *tcb, enum zs_limit limit);
/* All is sent that may be sent now: what does the rest wait for, or the connection for the rest? */
void zs_limit_find(struct zs_stack *s, struct zs_tcb *tcb, uint32_t usable_window);
/* Up to now, running or not. */
uint64_t zs_busy_us(const struct zs_stack *s, const struct zs_tcb *tcb);
uint64_t zs_limited_us(const struct zs_stack *s, const struct zs_tcb *tcb, enum zs_limit limit);

static inline void zs_limit_end(struct zs_stack *s, struct zs_tcb *tcb)
{
	if (unlikely(tcb->limited != ZS_LIMIT_NONE))
		zs_limit_set(s, tcb, ZS_LIMIT_NONE);
}

#endif
