/* SPDX-License-Identifier: BSD-3-Clause */
/* Pacing: when the next segment may go. */
#include "core/tcp/zs_pace.h"

#include "core/tcp/zs_cc.h"

enum {
	NS_PER_US = 1000,
	CATCH_UP_NS = 1000000, /* what was not sent in time is made up for up to so late */
	PAIRS_FROM = 150000,   /* bytes per second: two segments go together */
	QUANTUM_SHIFT = 10,    /* of a second: about a millisecond */
	QUANTUM_MAX = 65535,
};

static const uint64_t S_IN_NS = 1000000000;

void zs_pace_update(struct zs_stack *s, struct zs_tcb *tcb)
{
	bool want = tcb->opts.max_pacing_rate != 0 || zs_cc_find(tcb->cc)->on_rate != NULL ||
		    s->cfg.pace;

	if (want && tcb->flags & ZS_TF_PACED && zs_cc_find(tcb->cc)->on_rate == NULL)
		zs_pace(s, tcb)->rate = 0;
	if (want == ((tcb->flags & ZS_TF_PACED) != 0))
		return;
	tcb->flags ^= ZS_TF_PACED;
	if (want)
		*zs_pace(s, tcb) = (struct zs_pace){
			.since_us = (uint32_t)s->now_us,
			.delivered_us = (uint32_t)s->now_us,
			.first_sent_us = (uint32_t)s->now_us,
		};
}

/*
 * A window is spread over the round trip, at twice the rate where it may double in the next one,
 * and a fifth faster than it comes back where it grows slowly: so that nothing but the window is
 * the limit, and it may still grow. Before there is a sample nothing is known.
 */
void zs_pace_window(struct zs_stack *s, struct zs_tcb *tcb)
{
	uint64_t tenths = tcb->cwnd < tcb->ssthresh / 2 ? 20 : 12;

	zs_pace(s, tcb)->rate = s->cfg.pace && tcb->srtt_us != 0
					? (uint64_t)tcb->cwnd * 100000 / tcb->srtt_us * tenths
					: 0;
}

static uint64_t rate_of(const struct zs_tcb *tcb, const struct zs_pace *p)
{
	uint64_t most = tcb->opts.max_pacing_rate;

	if (most == 0 || p->rate == 0)
		return most | p->rate;
	return RTE_MIN(most, p->rate);
}

uint64_t zs_pace_rate(const struct zs_stack *s, const struct zs_tcb *tcb)
{
	return rate_of(tcb, zs_pace(s, tcb));
}

/* Whose congestion control makes a model of the path measures with single segments. */
static bool by_window(const struct zs_tcb *tcb)
{
	return zs_cc_find(tcb->cc)->on_rate == NULL;
}

/*
 * The second of two segments goes with the first, where that is not slow (as send_quantum of
 * draft-cardwell-iccrg-bbr-congestion-control-00 4.2.2): two are acknowledged at once (RFC 5681
 * 4.2), and need one timer.
 */
static bool goes_along(const struct zs_stack *s, const struct zs_tcb *tcb, const struct zs_pace *p,
		       uint64_t rate)
{
	return p->begun_us == s->now_us && p->together == tcb->mss && rate >= PAIRS_FROM &&
	       by_window(tcb);
}

bool zs_pace_ready(struct zs_stack *s, struct zs_tcb *tcb)
{
	struct zs_pace *p = zs_pace(s, tcb);
	uint64_t rate = rate_of(tcb, p);

	if (p->next_ns <= s->now_us * NS_PER_US || rate == 0) {
		p->begun_us = s->now_us;
		p->together = 0;
		return true;
	}
	if (goes_along(s, tcb, p, rate))
		return true;
	p->limited = true;
	zs_tcb_wake(s, tcb, (p->next_ns + NS_PER_US - 1) / NS_PER_US);
	return false;
}

/* Who had to wait makes up for what was late; who was silent has half of what is sent first. */
void zs_pace_sent(struct zs_stack *s, struct zs_tcb *tcb, uint32_t len)
{
	struct zs_pace *p = zs_pace(s, tcb);
	uint64_t rate = rate_of(tcb, p), now_ns = s->now_us * NS_PER_US;
	uint64_t takes = rate != 0 ? len * S_IN_NS / rate : 0;
	uint64_t late = p->limited ? CATCH_UP_NS : by_window(tcb) ? takes / 2 : 0;

	p->together += len;
	p->next_ns = RTE_MAX(p->next_ns, now_ns > late ? now_ns - late : 0) + takes;
}

uint32_t zs_pace_quantum(const struct zs_stack *s, const struct zs_tcb *tcb)
{
	uint64_t rate = rate_of(tcb, zs_pace(s, tcb));

	if (rate == 0)
		return QUANTUM_MAX;
	return (uint32_t)RTE_MIN(RTE_MAX(rate >> QUANTUM_SHIFT, 2u * tcb->mss),
				 (uint64_t)QUANTUM_MAX);
}

uint64_t zs_pace_fire(struct zs_stack *s, struct zs_tcb *tcb)
{
	const struct zs_pace *p = zs_pace(s, tcb);

	if (!p->limited)
		return UINT64_MAX;
	if (p->next_ns > s->now_us * NS_PER_US)
		return (p->next_ns + NS_PER_US - 1) / NS_PER_US;
	zs_output_later(s, tcb);
	return UINT64_MAX;
}
