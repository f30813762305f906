/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What MSG_EOR and TCP_NOTSENT_LOWAT make of a send queue: off the path of everybody else. As on
 * Linux, where both come from: a small record that keeps apart does not wait for Nagle's rule once
 * something is queued behind it; and who waits for room may write again when half of what may be
 * unsent is sent.
 */
#include "core/tcp/zs_sndrules.h"

#include "core/tcp/zs_limits.h"
#include "core/tcp/zs_queue.h"

void zs_sndq_keep_apart(struct zs_tcb *tcb)
{
	zs_seg(tcb->sndq.tail)->apart = 1;
	tcb->flags |= ZS_TF_SND_RULES;
}

uint32_t zs_sndq_together(const struct zs_tcb *tcb, uint32_t unsent)
{
	uint32_t n = 0;

	for (struct rte_mbuf *m = tcb->unsent; m != NULL; m = zs_seg(m)->next) {
		n += zs_seg(m)->len;
		if (zs_seg(m)->apart)
			return n;
	}
	return unsent;
}

static uint32_t unsent_of(const struct zs_tcb *tcb)
{
	return tcb->unsent != NULL ? zs_unsent_bytes(tcb) : 0;
}

uint32_t zs_lowat_space(const struct zs_tcb *tcb)
{
	uint32_t unsent = unsent_of(tcb), most = tcb->opts.notsent_lowat;

	if (most == 0)
		return UINT32_MAX;
	return unsent < most ? most - unsent : 0;
}

void zs_lowat_wake(struct zs_stack *s, struct zs_tcb *tcb)
{
	if (!(tcb->flags & ZS_TF_WANT_SPACE) || tcb->opts.notsent_lowat == 0 ||
	    unsent_of(tcb) > tcb->opts.notsent_lowat / 2 || zs_tcp_send_space(tcb) == 0)
		return;
	tcb->flags &= ~(uint32_t)ZS_TF_WANT_SPACE;
	zs_limit_end(s, tcb);
	zs_ep_raise(s, &tcb->ep, ZS_EV_WRITE);
}

void zs_lowat_changed(struct zs_stack *s, struct zs_tcb *tcb)
{
	if (tcb->opts.notsent_lowat != 0)
		tcb->flags |= ZS_TF_SND_RULES;
	zs_lowat_wake(s, tcb);
}
