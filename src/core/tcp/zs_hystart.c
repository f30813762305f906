/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * HyStart++ (RFC 9406 4.2). A round trip that is longer by an eighth than in the round before leads
 * to conservative slow start (CSS): a quarter of the growth, for up to five rounds. When the round
 * trips shorten again it was noise, and slow start goes on; else congestion avoidance begins from
 * here. How much one ACK may add (L, 4.3) is not limited: an ACK stands for a burst where the
 * peer's device or stack merges what it receives.
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
};

static void round_over(struct zs_hystart *h, struct zs_tcb *tcb)
{
	if (h->begun && !zs_seq_geq(tcb->snd_una, h->window_end))
		return;
	h->begun = true;
	h->window_end = tcb->snd_nxt;
	h->last_min_us = h->this_min_us;
	h->this_min_us = 0;
	h->samples = 0;
	if (h->css_base_us == 0 || ++h->css_rounds < CSS_ROUNDS)
		return;
	tcb->ssthresh = tcb->cwnd;
	*h = (struct zs_hystart){ 0 };
}

static void take_sample(struct zs_hystart *h, uint32_t rtt_us)
{
	uint32_t thresh = h->last_min_us >> THRESH_SHIFT;

	if (rtt_us == 0)
		return;
	h->this_min_us = h->this_min_us == 0 ? rtt_us : RTE_MIN(h->this_min_us, rtt_us);
	h->samples += h->samples < N_SAMPLES;
	if (h->samples < N_SAMPLES || h->last_min_us == 0)
		return;
	thresh = RTE_MIN(RTE_MAX(thresh, (uint32_t)MIN_THRESH_US), (uint32_t)MAX_THRESH_US);
	if (h->css_base_us != 0) {
		if (h->this_min_us < h->css_base_us) /* it was noise */
			h->css_base_us = 0;
	} else if (h->this_min_us >= h->last_min_us + thresh) {
		h->css_base_us = h->this_min_us;
		h->css_rounds = 0;
	}
}

uint32_t zs_hystart_ack(struct zs_hystart *h, struct zs_tcb *tcb, const struct zs_ack *a)
{
	if (tcb->ssthresh < ZS_SSTHRESH_INITIAL)
		return zs_cc_slow_start(tcb, a->acked);
	tcb->cwnd += h->css_base_us != 0 ? a->acked / CSS_GROWTH_DIVISOR : a->acked;
	take_sample(h, a->rtt_us);
	round_over(h, tcb);
	return 0;
}
