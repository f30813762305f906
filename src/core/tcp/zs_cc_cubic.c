/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * CUBIC (RFC 9438) in integers: windows in bytes, time in milliseconds since the epoch.
 *
 *   W_cubic(t) = C * (t - K)^3 + W_max,  C = 0.4 segments/s^3,  beta = 0.7
 *
 * K is where the curve comes back to W_max. Beside it grows W_est, what Reno would have (4.3); the
 * larger one rules. The first slow start is HyStart++'s (4.10).
 */
#include "core/tcp/zs_cc.h"

struct cubic {
	uint32_t w_max;	  /* window before the last reduction */
	uint32_t w_prior; /* the same, before fast convergence */
	union {
		struct {
			uint64_t epoch_us; /* start of congestion avoidance, 0 = none */
			uint32_t k_ms;
			uint32_t w_est;	   /* Reno-friendly window */
			uint32_t cwnd_acc; /* growth of less than a byte, in bytes * cwnd */
		};
		struct zs_hystart hystart; /* in the first slow start, which nothing follows */
	};
};
_Static_assert(sizeof(struct cubic) <= sizeof(((struct zs_tcb *)0)->cc_priv), "cc_priv");

enum { MAX_T_MS = 1000000 };

static struct cubic *priv(struct zs_tcb *tcb)
{
	return (struct cubic *)(void *)tcb->cc_priv;
}

/* Largest r with r^3 <= x. */
static uint32_t cube_root(uint64_t x)
{
	uint64_t r = 0;

	for (int shift = 20; shift >= 0; shift--) {
		uint64_t t = r | UINT64_C(1) << shift;

		if (t * t * t <= x)
			r = t;
	}
	return (uint32_t)r;
}

/* C * d^3 in bytes, d in ms. */
static uint64_t cubed(uint64_t d_ms, uint32_t mss)
{
	uint64_t d = RTE_MIN(d_ms, (uint64_t)MAX_T_MS);

	return d * d * d / 2500000 * mss / 1000;
}

static void start_epoch(struct zs_stack *s, struct zs_tcb *tcb, struct cubic *c)
{
	uint64_t below = c->w_max > tcb->cwnd ? c->w_max - tcb->cwnd : 0;

	c->epoch_us = RTE_MAX(s->now_us, 1u);
	c->w_est = tcb->cwnd;
	c->cwnd_acc = 0;
	if (below == 0)
		c->w_max = tcb->cwnd;
	/* K = cbrt((W_max - cwnd) / C): in ms, with (W_max - cwnd) in segments, times 2.5e9 */
	c->k_ms = cube_root(below * UINT64_C(2500000000) / tcb->mss);
}

/* W_cubic one round trip from now, within [cwnd, 1.5 cwnd] (4.2). */
static uint32_t target(struct zs_stack *s, const struct zs_tcb *tcb, const struct cubic *c)
{
	uint64_t t = (s->now_us - c->epoch_us + tcb->srtt_us) / 1000;
	uint64_t w;

	if (t >= c->k_ms) {
		w = c->w_max + cubed(t - c->k_ms, tcb->mss);
	} else {
		uint64_t down = cubed(c->k_ms - t, tcb->mss);

		w = c->w_max > down ? c->w_max - down : 0;
	}
	w = RTE_MAX(w, (uint64_t)tcb->cwnd);
	return (uint32_t)RTE_MIN(w, (uint64_t)tcb->cwnd + tcb->cwnd / 2);
}

/* alpha = 3 (1 - beta) / (1 + beta) = 0.53 until W_est reaches the window before the loss, then 1.
 */
static void grow_reno_estimate(struct zs_tcb *tcb, struct cubic *c, uint32_t acked)
{
	uint64_t inc = (uint64_t)acked * tcb->mss;

	if (c->w_est < c->w_prior)
		inc = inc * 9 / 17;
	c->w_est += (uint32_t)(inc / tcb->cwnd);
}

static void cubic_init(struct zs_stack *s, struct zs_tcb *tcb)
{
	(void)s;
	*priv(tcb) = (struct cubic){ 0 };
}

static void cubic_on_ack(struct zs_stack *s, struct zs_tcb *tcb, const struct zs_ack *a)
{
	struct cubic *c = priv(tcb);
	uint32_t acked;
	uint64_t step;

	if (!a->cwnd_limited) {
		if (tcb->ssthresh < ZS_SSTHRESH_INITIAL)
			c->epoch_us = 0;
		return;
	}
	acked = zs_hystart_ack(&c->hystart, tcb, a);
	if (acked == 0)
		return;
	if (c->epoch_us == 0)
		start_epoch(s, tcb, c);
	grow_reno_estimate(tcb, c, acked);
	step = (uint64_t)(target(s, tcb, c) - tcb->cwnd) * acked + c->cwnd_acc;
	c->cwnd_acc = (uint32_t)(step % tcb->cwnd);
	tcb->cwnd += (uint32_t)(step / tcb->cwnd);
	tcb->cwnd = RTE_MAX(tcb->cwnd, c->w_est);
}

static uint32_t cubic_on_congestion(struct zs_stack *s, struct zs_tcb *tcb, uint32_t inflight)
{
	struct cubic *c = priv(tcb);
	uint32_t reduced = (uint32_t)((uint64_t)tcb->cwnd * 7 / 10);

	(void)s;
	(void)inflight;
	c->w_prior = tcb->cwnd;
	/* fast convergence (4.7): a second loss below the old maximum leaves room for others */
	c->w_max = tcb->cwnd < c->w_max ? (uint32_t)((uint64_t)tcb->cwnd * 17 / 20) : tcb->cwnd;
	c->hystart = (struct zs_hystart){ 0 };
	c->epoch_us = 0;
	return RTE_MAX(reduced, 2u * tcb->mss);
}

static void cubic_on_rto(struct zs_stack *s, struct zs_tcb *tcb)
{
	(void)s;
	priv(tcb)->epoch_us = 0;
}

/* RFC 9438 4.9 */
static void cubic_on_undo(struct zs_stack *s, struct zs_tcb *tcb, const uint64_t *prior)
{
	(void)s;
	memcpy(tcb->cc_priv, prior, sizeof(struct cubic));
}

const struct zs_cc_ops zs_cc_cubic = {
	.name = "cubic",
	.init = cubic_init,
	.on_ack = cubic_on_ack,
	.on_congestion = cubic_on_congestion,
	.on_rto = cubic_on_rto,
	.on_undo = cubic_on_undo,
};
