/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * CUBIC (RFC 9438) in integers: time in milliseconds since the epoch, the curve in segments.
 *
 *   W_cubic(t) = C * (t - K)^3 + W_max,  C = 0.4 segments/s^3,  beta = 0.7
 *
 * K is where the curve comes back to W_max. Beside it grows W_est, what Reno would have (4.3); the
 * larger one rules. Both become a number of bytes to be acknowledged for each segment more, which
 * holds until the window has grown or some time has passed: so most ACKs cost an addition.
 * The first slow start is HyStart++'s (4.10).
 */
#include "core/tcp/zs_cc.h"

struct cubic {
	uint32_t w_max;	  /* where the curve is level: the window before the last reduction */
	uint32_t w_prior; /* the same, before fast convergence; 0: nothing was ever lost */
	union {
		struct {
			uint32_t epoch_ms; /* start of congestion avoidance, 0 = none */
			uint32_t k_ms;
			uint32_t w_est;	    /* Reno-friendly window */
			uint32_t est_acked; /* bytes that it does not know of yet */
			uint32_t per;	    /* bytes for each segment more; 0 = to be found out */
			uint32_t per_ms;    /* when that was */
			uint32_t credit;    /* bytes towards the next segment */
			uint32_t seen_ms;   /* the last ACK that it could grow by */
		};
		struct zs_hystart hystart; /* in the first slow start, which nothing follows */
	};
};
_Static_assert(sizeof(struct cubic) <= sizeof(((struct zs_tcb *)0)->cc_priv), "cc_priv");

enum {
	MAX_T_MS = 1000000,
	PER_HOLDS_MS = 32,   /* or an eighth of a round trip */
	HARDLY = 100,	     /* windows to be acknowledged for a segment where the curve is level */
	NEVER_LOST_PER = 20, /* segments for one more as long as nothing was ever lost */
};

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

/* C * d^3 in whole segments, d in ms. */
static uint64_t cubed(uint64_t d_ms, bool round)
{
	const uint64_t per_segment = UINT64_C(2500000000);
	uint64_t d = RTE_MIN(d_ms, (uint64_t)MAX_T_MS);

	return (d * d * d + (round ? per_segment / 2 : 0)) / per_segment;
}

static void start_epoch(struct zs_stack *s, struct zs_tcb *tcb, struct cubic *c)
{
	uint64_t below = c->w_max > tcb->cwnd ? c->w_max - tcb->cwnd : 0;

	c->epoch_ms = RTE_MAX(s->now_ms, 1u);
	c->seen_ms = s->now_ms;
	c->w_est = tcb->cwnd;
	c->est_acked = c->per = c->credit = 0;
	if (below == 0)
		c->w_max = tcb->cwnd;
	/* K = cbrt((W_max - cwnd) / C): in ms, with (W_max - cwnd) in segments, times 2.5e9 */
	c->k_ms = cube_root(below * UINT64_C(2500000000) / tcb->mss);
}

/*
 * By how many whole segments is W_cubic above cwnd, a round trip from now? (4.2) On the way up to
 * W_max it is rounded: were the distance cut off, the curve would be a segment too high, which is
 * much where flows have few.
 */
static uint64_t curve_ahead(const struct zs_stack *s, const struct zs_tcb *tcb,
			    const struct cubic *c)
{
	uint64_t t = s->now_ms - c->epoch_ms + tcb->min_rtt_us / 1000;
	uint64_t w = c->w_max / tcb->mss, cwnd = tcb->cwnd / tcb->mss;

	if (t >= c->k_ms)
		w += cubed(t - c->k_ms, false);
	else
		w -= RTE_MIN(w, cubed(c->k_ms - t, true));
	return w > cwnd ? w - cwnd : 0;
}

/* By how many segments is Reno's window? alpha = 3 (1 - beta) / (1 + beta) = 0.53 until it reaches
 * the window before the loss, then 1 (4.3). */
static uint64_t reno_ahead(struct zs_tcb *tcb, struct cubic *c)
{
	uint64_t inc = (uint64_t)c->est_acked * tcb->mss;

	if (c->w_est < c->w_prior)
		inc = inc * 9 / 17;
	c->w_est += (uint32_t)(inc / tcb->cwnd);
	c->est_acked = 0;
	return c->w_est > tcb->cwnd ? (c->w_est - tcb->cwnd + tcb->mss / 2u) / tcb->mss : 0;
}

/* Bytes for each segment more where so many are to come with one window: whole segments, and at
 * least two, so that cwnd grows by no more than one half per round trip (4.2). */
static void set_pace(struct zs_stack *s, struct zs_tcb *tcb, struct cubic *c)
{
	uint64_t ahead = RTE_MAX(curve_ahead(s, tcb, c), reno_ahead(tcb, c)), mss = tcb->mss;
	uint64_t per = (uint64_t)HARDLY * tcb->cwnd;

	if (ahead > 0)
		per = tcb->cwnd / ahead / mss * mss;
	if (c->w_prior == 0)
		per = RTE_MIN(per, NEVER_LOST_PER * mss);
	c->per = (uint32_t)RTE_MIN(RTE_MAX(per, 2 * mss), (uint64_t)UINT32_MAX);
	c->per_ms = s->now_ms;
}

/* What was gathered at a higher price buys one segment. */
static void grow(struct zs_tcb *tcb, struct cubic *c, uint32_t acked)
{
	uint32_t segs = 0;

	if (c->credit >= c->per) {
		c->credit = 0;
		segs = 1;
	}
	c->credit += acked;
	segs += c->credit / c->per;
	c->credit %= c->per;
	tcb->cwnd += segs * tcb->mss;
	if (segs > 0)
		c->per = 0;
}

static void cubic_init(struct zs_stack *s, struct zs_tcb *tcb)
{
	(void)s;
	*priv(tcb) = (struct cubic){ 0 };
}

/* The price of a segment is out of date. */
static bool outdated(const struct zs_stack *s, const struct zs_tcb *tcb, const struct cubic *c)
{
	uint32_t holds = RTE_MIN(tcb->srtt_us / 8 / 1000, (uint32_t)PER_HOLDS_MS);

	return c->per == 0 || s->now_ms - c->per_ms >= holds;
}

/* Time in which the window was not in use is none of the epoch's (5.8): ACKs of a full window come
 * within a round trip of each other. */
static void skip_silence(const struct zs_stack *s, const struct zs_tcb *tcb, struct cubic *c)
{
	uint32_t silent_ms = s->now_ms - c->seen_ms;

	if (silent_ms > tcb->srtt_us / 1000 + 1)
		c->epoch_ms += silent_ms - tcb->srtt_us / 1000;
	c->seen_ms = s->now_ms;
}

static void cubic_on_ack(struct zs_stack *s, struct zs_tcb *tcb, const struct zs_ack *a)
{
	struct cubic *c = priv(tcb);
	uint32_t acked;

	if (!a->cwnd_limited) {
		if (tcb->ssthresh < ZS_SSTHRESH_INITIAL)
			c->epoch_ms = 0;
		return;
	}
	acked = zs_hystart_ack(s, &c->hystart, tcb, a);
	if (acked == 0)
		return;
	if (c->epoch_ms == 0)
		start_epoch(s, tcb, c);
	skip_silence(s, tcb, c);
	c->est_acked += acked;
	if (outdated(s, tcb, c))
		set_pace(s, tcb, c);
	grow(tcb, c, acked);
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
	c->epoch_ms = 0;
	return RTE_MAX(reduced, 2u * tcb->mss);
}

/* 4.8: the curve is level where congestion avoidance will begin. */
static void cubic_on_rto(struct zs_stack *s, struct zs_tcb *tcb)
{
	(void)s;
	priv(tcb)->w_max = 0;
	priv(tcb)->epoch_ms = 0;
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
