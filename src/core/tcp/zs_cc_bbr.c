/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * BBR (draft-cardwell-iccrg-bbr-congestion-control-00): a model of the path, made of the bottleneck
 * bandwidth (the best delivery rate of ten round trips) and the round trip without queues (the
 * least of ten seconds), says how fast to send and how much may be in flight. Losses say nothing,
 * except that what is lost is not in flight. Needs pacing (zs_pace.c) and rate samples (zs_rate.c).
 */
#include "core/tcp/zs_cc.h"
#include "core/tcp/zs_pace.h"

enum {
	UNIT = 256,	      /* gain 1 */
	HIGH_GAIN = 739,      /* 2 / ln 2: doubles the rate in each round trip (4.3.2.1) */
	DRAIN_GAIN = 88,      /* its inverse */
	CWND_GAIN = 2 * UNIT, /* room for delayed and aggregated ACKs (4.2.3.2) */
	FULL_BW_ROUNDS = 3,
	RTPROP_US = 10000000, /* how long a least round trip is believed */
	PROBE_RTT_US = 200000,
	MIN_PIPE_SEGS = 4,
	CYCLE = 8,
	MARGIN_PERCENT =
		99, /* so much of the bandwidth is used: a queue of rounding errors drains */
};

static const uint16_t cycle_gain[CYCLE] = { UNIT * 5 / 4, UNIT * 3 / 4, UNIT, UNIT,
					    UNIT,	  UNIT,		UNIT, UNIT };

static struct zs_bbr *bbr_of(const struct zs_stack *s, const struct zs_tcb *tcb)
{
	return &zs_pace(s, tcb)->bbr;
}

static uint32_t min_pipe(const struct zs_tcb *tcb)
{
	return (uint32_t)MIN_PIPE_SEGS * tcb->mss;
}

/* BBRInflight(): what the path holds, and what the device and the receiver delay. */
static uint32_t inflight_for(const struct zs_stack *s, const struct zs_tcb *tcb,
			     const struct zs_bbr *b, uint32_t gain)
{
	uint64_t bdp = b->btl_bw * b->rtprop_us / 1000000;

	if (b->rtprop_us == 0 || b->btl_bw == 0)
		return zs_cc_initial_window(s, tcb->mss);
	bdp = bdp * gain / UNIT + 3 * (uint64_t)zs_pace_quantum(s, tcb);
	return (uint32_t)RTE_MIN(bdp, (uint64_t)ZS_SSTHRESH_INITIAL);
}

static void set_gains(struct zs_bbr *b, uint32_t pacing, uint32_t cwnd)
{
	b->pacing_gain = (uint16_t)pacing;
	b->cwnd_gain = (uint16_t)cwnd;
}

static void enter_startup(struct zs_bbr *b)
{
	b->state = ZS_BBR_STARTUP;
	set_gains(b, HIGH_GAIN, HIGH_GAIN);
}

static void advance_cycle(const struct zs_stack *s, struct zs_bbr *b)
{
	b->cycle = (uint8_t)((b->cycle + 1) % CYCLE);
	b->cycle_us = s->now_us;
	b->pacing_gain = cycle_gain[b->cycle];
}

/* 4.3.4.3: the flows of a bottleneck do not all begin in the same phase, and none with 3/4. */
static void enter_probe_bw(struct zs_stack *s, struct zs_bbr *b)
{
	b->state = ZS_BBR_PROBE_BW;
	set_gains(b, UNIT, CWND_GAIN);
	b->cycle = (uint8_t)(CYCLE - 1 - zs_rand_below(&s->rand, CYCLE - 1));
	advance_cycle(s, b);
}

/* ---- the model (4.1) ---- */

static void update_bandwidth(const struct zs_tcb *tcb, struct zs_bbr *b,
			     const struct zs_rate_sample *rs)
{
	b->round_start = false;
	if (!rs->valid)
		return;
	if (zs_seq_geq(rs->prior_delivered, b->next_round_delivered)) {
		b->next_round_delivered = (uint32_t)tcb->delivered;
		b->round_start = b->bw_round_ends = true;
	}
	/* while the application is the limit, a sample can only be too small, and a round with
	 * nothing else makes none before it older */
	if (rs->bytes_per_s < b->btl_bw && rs->app_limited)
		return;
	if (b->bw_round_ends) {
		b->round = (uint8_t)((b->round + 1) % ZS_BBR_BW_ROUNDS);
		b->bw[b->round] = 0;
		b->bw_round_ends = false;
	}
	b->bw[b->round] = RTE_MAX(b->bw[b->round], rs->bytes_per_s);
	b->btl_bw = 0;
	for (unsigned i = 0; i < ZS_BBR_BW_ROUNDS; i++)
		b->btl_bw = RTE_MAX(b->btl_bw, b->bw[i]);
}

static bool cycle_is_over(const struct zs_stack *s, const struct zs_tcb *tcb,
			  const struct zs_bbr *b, const struct zs_rate_sample *rs)
{
	bool full = s->now_us - b->cycle_us > b->rtprop_us;

	if (b->pacing_gain > UNIT)
		return full && (rs->lost > 0 ||
				rs->prior_inflight >= inflight_for(s, tcb, b, b->pacing_gain));
	if (b->pacing_gain < UNIT)
		return full || rs->prior_inflight <= inflight_for(s, tcb, b, UNIT);
	return full;
}

/* 4.3.2.2: three rounds without a quarter more, and the pipe is full. */
static void check_full_pipe(struct zs_bbr *b, const struct zs_rate_sample *rs)
{
	if (b->filled_pipe || !b->round_start || rs->app_limited)
		return;
	if (b->btl_bw >= b->full_bw + b->full_bw / 4) {
		b->full_bw = b->btl_bw;
		b->full_bw_count = 0;
		return;
	}
	b->filled_pipe = ++b->full_bw_count >= FULL_BW_ROUNDS;
}

static void check_drain(struct zs_stack *s, const struct zs_tcb *tcb, struct zs_bbr *b)
{
	if (b->state == ZS_BBR_STARTUP && b->filled_pipe) {
		b->state = ZS_BBR_DRAIN;
		set_gains(b, DRAIN_GAIN, HIGH_GAIN);
	}
	if (b->state == ZS_BBR_DRAIN && zs_inflight(tcb) <= inflight_for(s, tcb, b, UNIT))
		enter_probe_bw(s, b);
}

static void save_cwnd(const struct zs_tcb *tcb, struct zs_bbr *b)
{
	if (b->ca_state == ZS_CA_OPEN && b->state != ZS_BBR_PROBE_RTT)
		b->prior_cwnd = tcb->cwnd;
	else
		b->prior_cwnd = RTE_MAX(b->prior_cwnd, tcb->cwnd);
}

static void restore_cwnd(struct zs_tcb *tcb, const struct zs_bbr *b)
{
	tcb->cwnd = RTE_MAX(tcb->cwnd, b->prior_cwnd);
}

/* 4.3.5: in flight is next to nothing for 200 ms and a round trip, and the queue empties. */
static void probe_rtt(struct zs_stack *s, struct zs_tcb *tcb, struct zs_bbr *b)
{
	zs_rate_app_limited(s, tcb);
	if (b->probe_rtt_done_us == 0) {
		if (zs_inflight(tcb) > min_pipe(tcb))
			return;
		b->probe_rtt_done_us = s->now_us + PROBE_RTT_US;
		b->probe_rtt_round_done = false;
		b->next_round_delivered = (uint32_t)tcb->delivered;
		return;
	}
	b->probe_rtt_round_done |= b->round_start;
	if (!b->probe_rtt_round_done || s->now_us <= b->probe_rtt_done_us)
		return;
	b->rtprop_stamp_us = s->now_us;
	restore_cwnd(tcb, b);
	if (b->filled_pipe)
		enter_probe_bw(s, b);
	else
		enter_startup(b);
}

static void update_rtprop(struct zs_stack *s, struct zs_tcb *tcb, struct zs_bbr *b, uint32_t rtt_us)
{
	bool expired = s->now_us > b->rtprop_stamp_us + RTPROP_US;

	if (rtt_us != 0 && (b->rtprop_us == 0 || rtt_us <= b->rtprop_us || expired)) {
		b->rtprop_us = rtt_us;
		b->rtprop_stamp_us = s->now_us;
	}
	if (expired && b->state != ZS_BBR_PROBE_RTT && !b->idle_restart) {
		save_cwnd(tcb, b);
		b->state = ZS_BBR_PROBE_RTT;
		set_gains(b, UNIT, UNIT);
		b->probe_rtt_done_us = 0;
	}
	if (b->state == ZS_BBR_PROBE_RTT)
		probe_rtt(s, tcb, b);
	b->idle_restart = false;
}

/* ---- what follows from it (4.2) ---- */

static void set_pacing_rate(struct zs_stack *s, struct zs_tcb *tcb, const struct zs_bbr *b)
{
	struct zs_pace *p = zs_pace(s, tcb);
	uint64_t rate = b->btl_bw * b->pacing_gain / UNIT * MARGIN_PERCENT / 100;

	if (rate != 0 && (b->filled_pipe || rate > p->rate))
		p->rate = rate;
}

/* 4.2.3.4: in the first round of recovery one segment goes for one that has arrived. */
static void modulate_for_recovery(struct zs_tcb *tcb, struct zs_bbr *b,
				  const struct zs_rate_sample *rs)
{
	if (b->ca_state != ZS_CA_OPEN && tcb->ca_state == ZS_CA_OPEN) {
		b->conserve = false;
		restore_cwnd(tcb, b);
	}
	b->ca_state = tcb->ca_state;
	if (b->conserve && b->round_start)
		b->conserve = false;
	if (b->conserve)
		tcb->cwnd = RTE_MAX(tcb->cwnd, zs_inflight(tcb) + rs->delivered);
}

static void set_cwnd(struct zs_stack *s, struct zs_tcb *tcb, struct zs_bbr *b,
		     const struct zs_rate_sample *rs)
{
	uint32_t target = inflight_for(s, tcb, b, b->cwnd_gain);

	modulate_for_recovery(tcb, b, rs);
	if (!b->conserve) {
		if (b->filled_pipe)
			tcb->cwnd = RTE_MIN(tcb->cwnd + rs->delivered, target);
		else if (tcb->cwnd < target || tcb->delivered < zs_cc_initial_window(s, tcb->mss))
			tcb->cwnd += rs->delivered;
	}
	tcb->cwnd = RTE_MAX(tcb->cwnd, min_pipe(tcb));
	if (b->state == ZS_BBR_PROBE_RTT)
		tcb->cwnd = RTE_MIN(tcb->cwnd, min_pipe(tcb));
}

/* 4.2.1: the initial window in each round trip, by the high gain. */
static void init_pacing_rate(struct zs_stack *s, struct zs_tcb *tcb, struct zs_bbr *b)
{
	uint64_t rtt_us = tcb->srtt_us != 0 ? tcb->srtt_us : 1000;

	b->seen_rtt = tcb->srtt_us != 0;
	zs_pace(s, tcb)->rate = (uint64_t)RTE_MAX(tcb->cwnd, (uint32_t)tcb->mss) * 1000000 /
				rtt_us * HIGH_GAIN / UNIT;
}

static void bbr_on_rate(struct zs_stack *s, struct zs_tcb *tcb, const struct zs_rate_sample *rs)
{
	struct zs_bbr *b = bbr_of(s, tcb);

	if (!b->seen_rtt && tcb->srtt_us != 0)
		init_pacing_rate(s, tcb, b);
	update_bandwidth(tcb, b, rs);
	if (b->state == ZS_BBR_PROBE_BW && cycle_is_over(s, tcb, b, rs))
		advance_cycle(s, b);
	check_full_pipe(b, rs);
	check_drain(s, tcb, b);
	update_rtprop(s, tcb, b, rs->rtt_us);
	set_pacing_rate(s, tcb, b);
	set_cwnd(s, tcb, b, rs);
}

/* ---- operations ---- */

static void bbr_init(struct zs_stack *s, struct zs_tcb *tcb)
{
	struct zs_bbr *b;

	if (!(tcb->flags & ZS_TF_PACED))
		return;
	b = bbr_of(s, tcb);
	*b = (struct zs_bbr){
		.rtprop_us = tcb->min_rtt_us == UINT32_MAX ? 0 : tcb->min_rtt_us,
		.rtprop_stamp_us = s->now_us,
		.next_round_delivered = (uint32_t)tcb->delivered,
		.ca_state = tcb->ca_state,
	};
	enter_startup(b);
	init_pacing_rate(s, tcb, b);
}

static void bbr_on_ack(struct zs_stack *s, struct zs_tcb *tcb, const struct zs_ack *a)
{
	(void)s;
	(void)tcb;
	(void)a;
}

/* Recovery begins: what is in flight says how much may be. */
static uint32_t bbr_on_congestion(struct zs_stack *s, struct zs_tcb *tcb, uint32_t inflight)
{
	struct zs_bbr *b = bbr_of(s, tcb);

	(void)inflight;
	save_cwnd(tcb, b);
	b->ca_state = ZS_CA_RECOVERY;
	b->conserve = true;
	b->next_round_delivered = (uint32_t)tcb->delivered; /* the round begins here */
	return RTE_MAX(zs_inflight(tcb) + tcb->mss, min_pipe(tcb));
}

static uint32_t bbr_on_ecn(struct zs_stack *s, struct zs_tcb *tcb)
{
	(void)s;
	return tcb->cwnd; /* marks say nothing that the model does not know */
}

static void bbr_on_rto(struct zs_stack *s, struct zs_tcb *tcb)
{
	bbr_of(s, tcb)->conserve = false;
}

static void bbr_tell(const struct zs_stack *s, const struct zs_tcb *tcb, struct zs_tcp_info *info)
{
	const struct zs_bbr *b = bbr_of(s, tcb);

	if (!(tcb->flags & ZS_TF_PACED)) /* not begun */
		return;
	info->bbr.bytes_per_s = b->btl_bw;
	info->bbr.min_rtt_us = b->rtprop_us;
	info->bbr.pacing_gain = b->pacing_gain;
	info->bbr.cwnd_gain = b->cwnd_gain;
}

const struct zs_cc_ops zs_cc_bbr = {
	.name = "bbr",
	.init = bbr_init,
	.on_ack = bbr_on_ack,
	.on_rate = bbr_on_rate,
	.on_ecn = bbr_on_ecn,
	.on_congestion = bbr_on_congestion,
	.on_rto = bbr_on_rto,
	.tell = bbr_tell,
};
