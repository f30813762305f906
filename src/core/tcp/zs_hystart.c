/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * HyStart++ (RFC 9406 4.2). A round trip that is longer by an eighth than in the round before leads
 * to conservative slow start (CSS): a quarter of the growth, for up to five rounds. When the round
 * trips shorten again it was noise, and slow start goes on; else congestion avoidance begins from
 * here. How much one ACK may add (L, 4.3) is not limited: an ACK stands for a burst where the
 * peer's device or stack merges what it receives.
 *
 * HyStart (RFC 9438 4.10), by its delays: a round in which all of eight samples are longer by an
 * eighth than the shortest ever ends slow start at once, in windows of 16 segments and more.
 */
#include "core/tcp/zs_hystart.h"

#include "core/tcp/zs_cc.h"

enum {
	MIN_THRESH_US = 4000,
	MAX_THRESH_US = 16000,
	THRESH_SHIFT = 3, /* MIN_RTT_DIVISOR 8 */
	N_SAMPLES = 8,
	CSS_GROWTH_DIVISOR = 4,
	CSS_ROUNDS = 5,
	LOW_WINDOW = 16, /* segments */
};

/* So much longer than base is a queue that grows. */
static bool longer(uint32_t rtt_us, uint32_t base_us)
{
	uint32_t thresh = base_us >> THRESH_SHIFT;

	thresh = RTE_MIN(RTE_MAX(thresh, (uint32_t)MIN_THRESH_US), (uint32_t)MAX_THRESH_US);
	return rtt_us >= base_us + thresh;
}

static void begin_round(struct zs_hystart *h, const struct zs_tcb *tcb)
{
	h->begun = true;
	h->window_end = tcb->snd_nxt;
	h->this_min_us = 0;
	h->samples = 0;
}

static uint32_t least(uint32_t known_us, uint32_t rtt_us)
{
	return known_us == 0 ? rtt_us : RTE_MIN(known_us, rtt_us);
}

static void end_slow_start(struct zs_hystart *h, struct zs_tcb *tcb)
{
	tcb->ssthresh = tcb->cwnd;
	*h = (struct zs_hystart){ 0 };
}

/* ---- HyStart++ ---- */

static void round_over(struct zs_hystart *h, struct zs_tcb *tcb)
{
	if (h->begun && !zs_seq_geq(tcb->snd_una, h->window_end))
		return;
	h->last_min_us = h->this_min_us;
	begin_round(h, tcb);
	if (h->css_base_us == 0 || ++h->css_rounds < CSS_ROUNDS)
		return;
	end_slow_start(h, tcb);
}

static void take_sample(struct zs_hystart *h, uint32_t rtt_us)
{
	if (rtt_us == 0)
		return;
	h->this_min_us = least(h->this_min_us, rtt_us);
	h->samples += h->samples < N_SAMPLES;
	if (h->samples < N_SAMPLES || h->last_min_us == 0)
		return;
	if (h->css_base_us != 0) {
		if (h->this_min_us < h->css_base_us) /* it was noise */
			h->css_base_us = 0;
	} else if (longer(h->this_min_us, h->last_min_us)) {
		h->css_base_us = h->this_min_us;
		h->css_rounds = 0;
	}
}

static void plus_plus(struct zs_hystart *h, struct zs_tcb *tcb, const struct zs_ack *a)
{
	uint32_t news = zs_ack_news(a);

	tcb->cwnd += h->css_base_us != 0 ? news / CSS_GROWTH_DIVISOR : news;
	take_sample(h, a->rtt_us);
	round_over(h, tcb);
}

/* ---- HyStart ---- */

/* last_min_us is the shortest round trip ever. */
static bool delayed(struct zs_hystart *h, const struct zs_tcb *tcb, uint32_t rtt_us)
{
	if (rtt_us == 0)
		return false;
	h->last_min_us = least(h->last_min_us, rtt_us);
	if (tcb->cwnd < (uint32_t)LOW_WINDOW * tcb->mss)
		return false;
	if (!h->begun || zs_seq_gt(tcb->snd_una, h->window_end))
		begin_round(h, tcb);
	h->this_min_us = least(h->this_min_us, rtt_us);
	if (h->samples < N_SAMPLES) {
		h->samples++;
		return false;
	}
	return longer(h->this_min_us, h->last_min_us);
}

/* ---- both ---- */

uint32_t zs_hystart_ack(const struct zs_stack *s, struct zs_hystart *h, struct zs_tcb *tcb,
			const struct zs_ack *a)
{
	bool first = tcb->ssthresh >= ZS_SSTHRESH_INITIAL;

	if (first && s->cfg.hystart == ZS_HYSTART_PP) {
		plus_plus(h, tcb, a);
		return 0;
	}
	if (first && s->cfg.hystart == ZS_HYSTART_DELAY && delayed(h, tcb, a->rtt_us))
		end_slow_start(h, tcb);
	return zs_cc_slow_start(tcb, zs_ack_news(a));
}
