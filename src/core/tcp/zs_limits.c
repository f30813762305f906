/* SPDX-License-Identifier: BSD-3-Clause */
/* What keeps a connection from sending, and for how long. */
#include "core/tcp/zs_limits.h"

#include "core/tcp/zs_queue.h"

static uint64_t *sum_of(struct zs_tcb *tcb, enum zs_limit limit)
{
	return &tcb->limited_us[limit - 1];
}

void zs_limit_set(struct zs_stack *s, struct zs_tcb *tcb, enum zs_limit limit)
{
	if (tcb->limited == limit)
		return;
	if (tcb->limited != ZS_LIMIT_NONE)
		*sum_of(tcb, tcb->limited) += s->now_us;
	if (limit != ZS_LIMIT_NONE)
		*sum_of(tcb, limit) -= s->now_us;
	tcb->limited = (uint8_t)limit;
}

/* The peer's window has no room for the next segment; what Nagle's rule, a cork or pacing hold back
 * has room there. */
static bool window_ends(const struct zs_tcb *tcb, uint32_t usable_window)
{
	return !(tcb->flags & ZS_TF_CWND_FULL) &&
	       usable_window < RTE_MIN(zs_unsent_bytes(tcb), (uint32_t)tcb->mss);
}

void zs_limit_find(struct zs_stack *s, struct zs_tcb *tcb, uint32_t usable_window)
{
	enum zs_limit limit = ZS_LIMIT_NONE;

	if (tcb->unsent != NULL) {
		if (window_ends(tcb, usable_window))
			limit = ZS_LIMIT_RWND;
	} else if (tcb->flags & ZS_TF_WANT_SPACE && tcb->sndq.head != NULL) {
		limit = ZS_LIMIT_SNDBUF;
	}
	zs_limit_set(s, tcb, limit);
}

uint64_t zs_busy_us(const struct zs_stack *s, const struct zs_tcb *tcb)
{
	return tcb->busy_us + (tcb->sndq.head != NULL ? s->now_us : 0);
}

uint64_t zs_limited_us(const struct zs_stack *s, const struct zs_tcb *tcb, enum zs_limit limit)
{
	return tcb->limited_us[limit - 1] + (tcb->limited == limit ? s->now_us : 0);
}
