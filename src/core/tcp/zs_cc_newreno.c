/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * NewReno's window (RFC 5681 3.1): slow start, the first time with HyStart++, then one segment per
 * round trip; half of what is in flight after a loss.
 */
#include "core/tcp/zs_cc.h"

struct newreno {
	uint64_t avoid_acc; /* of zs_cc_reno_avoid() */
	struct zs_hystart hystart;
};
_Static_assert(sizeof(struct newreno) <= sizeof(((struct zs_tcb *)0)->cc_priv), "cc_priv");

static struct newreno *priv(struct zs_tcb *tcb)
{
	return (struct newreno *)(void *)tcb->cc_priv;
}

static void newreno_init(struct zs_stack *s, struct zs_tcb *tcb)
{
	(void)s;
	*priv(tcb) = (struct newreno){ 0 };
}

static void newreno_on_ack(struct zs_stack *s, struct zs_tcb *tcb, const struct zs_ack *a)
{
	struct newreno *n = priv(tcb);

	if (a->cwnd_limited)
		zs_cc_reno_avoid(tcb, &n->avoid_acc, zs_hystart_ack(s, &n->hystart, tcb, a));
}

static uint32_t newreno_on_congestion(struct zs_stack *s, struct zs_tcb *tcb, uint32_t inflight)
{
	(void)s;
	return RTE_MAX(inflight / 2, 2u * tcb->mss);
}

static void newreno_on_rto(struct zs_stack *s, struct zs_tcb *tcb)
{
	(void)s;
	priv(tcb)->avoid_acc = 0;
}

static void newreno_on_undo(struct zs_stack *s, struct zs_tcb *tcb, const uint64_t *prior)
{
	(void)s;
	memcpy(tcb->cc_priv, prior, sizeof(struct newreno));
}

const struct zs_cc_ops zs_cc_newreno = {
	.name = "reno",
	.init = newreno_init,
	.on_ack = newreno_on_ack,
	.on_congestion = newreno_on_congestion,
	.on_rto = newreno_on_rto,
	.on_undo = newreno_on_undo,
};
