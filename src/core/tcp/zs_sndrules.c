/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What MSG_EOR and TCP_NOTSENT_LOWAT make of a send queue, and where a copying write ends that does
 * not fit: off the path of everybody else. As on Linux, where both options come from: a small
 * record that keeps apart does not wait for Nagle's rule once something is queued behind it; what
 * can go out at once does not count as unsent; and who waits for room may write again when more
 * than half of what may be unsent is sent.
 */
#include "core/tcp/zs_sndrules.h"

#include "core/tcp/zs_limits.h"
#include "core/tcp/zs_queue.h"

enum { RETRY_US = 1000 };

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

/* Full segments that both windows let out now. */
static uint32_t goes_now(const struct zs_tcb *tcb)
{
	uint32_t edge = tcb->snd_una + tcb->snd_wnd, inflight = zs_inflight(tcb);
	uint32_t room = tcb->cwnd > inflight ? tcb->cwnd - inflight : 0;

	if (tcb->state < ZS_ESTABLISHED || !zs_seq_gt(edge, tcb->snd_nxt))
		return 0;
	room = RTE_MIN(room, edge - tcb->snd_nxt);
	return room - room % tcb->mss;
}

uint32_t zs_lowat_space(const struct zs_tcb *tcb)
{
	uint32_t unsent = unsent_of(tcb);
	uint64_t most;

	if (tcb->opts.notsent_lowat == 0)
		return UINT32_MAX;
	most = (uint64_t)tcb->opts.notsent_lowat + goes_now(tcb);
	return unsent < most ? (uint32_t)RTE_MIN(most - unsent, (uint64_t)UINT32_MAX) : 0;
}

/* As many full segments as leave together: half of the peer's largest window. */
static uint32_t run_of(const struct zs_tcb *tcb)
{
	uint32_t run = RTE_MIN(RTE_MIN(tcb->max_snd_wnd / 2, tcb->sndbuf), (uint32_t)UINT16_MAX);

	return run > tcb->mss ? run - run % tcb->mss : tcb->mss;
}

uint32_t zs_sndq_round(const struct zs_tcb *tcb, uint32_t space)
{
	uint32_t now = goes_now(tcb), unsent = unsent_of(tcb), run;

	if (tcb->state < ZS_ESTABLISHED)
		return space;
	now = now > unsent ? now - unsent : 0;
	if (space <= now)
		return space;
	run = run_of(tcb);
	return now + (space - now + run - 1) / run * run;
}

bool zs_sndq_roomy(const struct zs_stack *s, const struct zs_tcb *tcb)
{
	uint32_t lowat = tcb->opts.notsent_lowat;

	return tcb->sndq.mem / 4 < tcb->sndbuf &&
	       tcb->sndq.bytes <= tcb->sndbuf - tcb->sndbuf / 3 &&
	       tcb->sndq.mem <= s->pool_share - s->pool_share / 3 &&
	       (tcb->sndq.head != NULL || tcb->deadline[ZS_TT_PERSIST] == 0) &&
	       (lowat == 0 || 2 * (uint64_t)unsent_of(tcb) < lowat);
}

/* The timer is free: without data there is no window to be probed. */
void zs_sndq_retry(struct zs_stack *s, struct zs_tcb *tcb)
{
	zs_tcb_timer(s, tcb, ZS_TT_PERSIST, s->now_us + RETRY_US);
}

void zs_sndq_retried(struct zs_stack *s, struct zs_tcb *tcb)
{
	zs_pool_watch(s, 1);
	if (s->pool_level != ZS_POOL_PLENTY)
		zs_sndq_retry(s, tcb);
	else
		zs_sndq_wake(s, tcb);
}

void zs_sndq_wake(struct zs_stack *s, struct zs_tcb *tcb)
{
	if (!(tcb->flags & ZS_TF_WANT_SPACE) || !zs_sndq_roomy(s, tcb))
		return;
	tcb->flags &= ~(uint32_t)ZS_TF_WANT_SPACE;
	zs_limit_end(s, tcb);
	zs_ep_raise(s, &tcb->ep, ZS_EV_WRITE);
}

void zs_lowat_wake(struct zs_stack *s, struct zs_tcb *tcb)
{
	if (tcb->opts.notsent_lowat != 0)
		zs_sndq_wake(s, tcb);
}

void zs_lowat_changed(struct zs_stack *s, struct zs_tcb *tcb)
{
	if (tcb->opts.notsent_lowat != 0)
		tcb->flags |= ZS_TF_SND_RULES;
	zs_sndq_wake(s, tcb);
}
