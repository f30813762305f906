/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * DCTCP (RFC 8257): routers mark early, the receiver echoes exactly which bytes were marked
 * (zs_ecn.c), and the window shrinks by half of the share that was: alpha, a running mean over
 * windows of data. Growth, and what follows a loss, are NewReno's (3.3, 3.5).
 */
#include "core/tcp/zs_cc.h"

enum { ONE = 1 << 20, GAIN_SHIFT = 4 }; /* alpha = 1; g = 1/16 (4.2) */

struct dctcp {
	uint64_t avoid_acc;	/* of zs_cc_reno_avoid() */
	uint64_t acked, marked; /* bytes in this window of data */
	uint32_t window_end;
	uint32_t alpha; /* of ONE */
};
_Static_assert(sizeof(struct dctcp) <= sizeof(((struct zs_tcb *)0)->cc_priv), "cc_priv");

static struct dctcp *priv(struct zs_tcb *tcb)
{
	return (struct dctcp *)(void *)tcb->cc_priv;
}

static void dctcp_init(struct zs_stack *s, struct zs_tcb *tcb)
{
	(void)s;
	*priv(tcb) = (struct dctcp){ .alpha = ONE, .window_end = tcb->snd_nxt };
}

/* 3.3, steps 1 to 8 */
static void dctcp_on_marks(struct zs_stack *s, struct zs_tcb *tcb, const struct zs_ack *a)
{
	struct dctcp *d = priv(tcb);

	(void)s;
	d->acked += a->acked;
	if (a->ece)
		d->marked += a->acked;
	if (!zs_seq_gt(tcb->snd_una, d->window_end) || d->acked == 0)
		return;
	d->alpha -= d->alpha >> GAIN_SHIFT;
	d->alpha += (uint32_t)(d->marked * (ONE >> GAIN_SHIFT) / d->acked);
	d->alpha = RTE_MIN(d->alpha, (uint32_t)ONE);
	d->acked = d->marked = 0;
	d->window_end = tcb->snd_nxt;
}

static void dctcp_on_ack(struct zs_stack *s, struct zs_tcb *tcb, const struct zs_ack *a)
{
	(void)s;
	if (a->cwnd_limited)
		zs_cc_reno_avoid(tcb, &priv(tcb)->avoid_acc, zs_cc_slow_start(tcb, zs_ack_news(a)));
}

/* Step 9: cwnd * (1 - alpha / 2) */
static uint32_t dctcp_on_ecn(struct zs_stack *s, struct zs_tcb *tcb)
{
	uint64_t off = (uint64_t)tcb->cwnd * priv(tcb)->alpha / (2 * (uint64_t)ONE);

	(void)s;
	return RTE_MAX(tcb->cwnd - (uint32_t)off, 2u * tcb->mss);
}

static uint32_t dctcp_on_congestion(struct zs_stack *s, struct zs_tcb *tcb, uint32_t inflight)
{
	(void)s;
	return RTE_MAX(inflight / 2, 2u * tcb->mss);
}

static void dctcp_on_rto(struct zs_stack *s, struct zs_tcb *tcb)
{
	(void)s;
	priv(tcb)->avoid_acc = 0;
}

/* What was learnt of marks meanwhile stays true. */
static void dctcp_on_undo(struct zs_stack *s, struct zs_tcb *tcb, const uint64_t *prior)
{
	(void)s;
	priv(tcb)->avoid_acc = ((const struct dctcp *)(const void *)prior)->avoid_acc;
}

static void dctcp_tell(const struct zs_stack *s, const struct zs_tcb *tcb, struct zs_tcp_info *info)
{
	const struct dctcp *d = (const void *)tcb->cc_priv;

	(void)s;
	info->dctcp.alpha = d->alpha / (ONE / 1024);
	info->dctcp.marked = (uint32_t)d->marked;
	info->dctcp.acked = (uint32_t)d->acked;
	info->dctcp.ce = (tcb->flags & ZS_TF_ECE) != 0;
}

const struct zs_cc_ops zs_cc_dctcp = {
	.name = "dctcp",
	.needs_ecn = true,
	.init = dctcp_init,
	.on_ack = dctcp_on_ack,
	.on_marks = dctcp_on_marks,
	.on_ecn = dctcp_on_ecn,
	.on_congestion = dctcp_on_congestion,
	.on_rto = dctcp_on_rto,
	.on_undo = dctcp_on_undo,
	.tell = dctcp_tell,
};
