/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * NewReno's window (RFC 5681 3.1): slow start, then one segment per round trip; half of what is in
 * flight after a loss. cc_priv[0] is of zs_cc_reno_grow().
 */
#include "core/tcp/zs_cc.h"

static void newreno_init(struct zs_stack *s, struct zs_tcb *tcb)
{
	(void)s;
	tcb->cc_priv[0] = 0;
}

static void newreno_on_ack(struct zs_stack *s, struct zs_tcb *tcb, const struct zs_ack *a)
{
	(void)s;
	zs_cc_reno_grow(tcb, &tcb->cc_priv[0], a);
}

static uint32_t newreno_on_congestion(struct zs_stack *s, struct zs_tcb *tcb, uint32_t inflight)
{
	(void)s;
	return RTE_MAX(inflight / 2, 2u * tcb->mss);
}

static void newreno_on_rto(struct zs_stack *s, struct zs_tcb *tcb)
{
	(void)s;
	tcb->cc_priv[0] = 0;
}

const struct zs_cc_ops zs_cc_newreno = {
	.name = "reno",
	.init = newreno_init,
	.on_ack = newreno_on_ack,
	.on_congestion = newreno_on_congestion,
	.on_rto = newreno_on_rto,
};
