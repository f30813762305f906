/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Delivery rate estimation (draft-cheng-iccrg-delivery-rate-estimation): each record remembers how
 * much was delivered when it was sent, and an ACK of it tells how much was delivered since then, in
 * which time. The longer of the time it took to send and the time it took to acknowledge counts.
 */
#include "core/tcp/zs_ack.h"
#include "core/tcp/zs_cc.h"
#include "core/tcp/zs_pace.h"

/* 3.1.2 */
void zs_rate_send(struct zs_stack *s, struct zs_tcb *tcb, struct zs_seg *seg)
{
	struct zs_pace *p = zs_pace(s, tcb);

	if (tcb->snd_una == tcb->snd_nxt) {
		p->first_sent_us = p->delivered_us = (uint32_t)s->now_us;
		p->bbr.idle_restart = p->app_limited != 0;
	}
	seg->delivered = (uint32_t)tcb->delivered;
	seg->delivered_us = p->delivered_us;
	seg->app_limited = p->app_limited != 0;
	if (seg->tx_count <= 1)
		seg->first_sent_us = p->first_sent_us;
}

/* 3.4 */
void zs_rate_app_limited(struct zs_stack *s, struct zs_tcb *tcb)
{
	uint32_t until = (uint32_t)tcb->delivered + zs_inflight(tcb);

	zs_pace(s, tcb)->app_limited = until != 0 ? until : 1;
	zs_pace(s, tcb)->limited = false;
}

void zs_rate_ack_begins(struct zs_stack *s, struct zs_tcb *tcb)
{
	struct zs_pace *p = zs_pace(s, tcb);

	p->fresh = false;
	p->lost_before = tcb->lost;
	p->delivered_before = (uint32_t)tcb->delivered;
}

/* 3.3, UpdateRateSample(): the packet that was sent last is the one that counts. */
void zs_rate_delivered(struct zs_stack *s, struct zs_tcb *tcb, const struct zs_seg *seg)
{
	struct zs_pace *p = zs_pace(s, tcb);

	p->delivered_us = (uint32_t)s->now_us;
	if (zs_seq_leq(seg->tx_us, p->since_us))
		return;
	if (p->fresh && !zs_seq_geq(seg->delivered, p->prior_delivered))
		return;
	p->fresh = true;
	p->prior_delivered = seg->delivered;
	p->prior_us = seg->delivered_us;
	p->prior_app_limited = seg->app_limited;
	/* one that was sent again does not know what was sent when it was first */
	p->send_elapsed_us = seg->tx_count <= 1 ? seg->tx_us - seg->first_sent_us : 0;
	p->first_sent_us = seg->tx_us;
}

/* 3.3, GenerateRateSample() */
static void sample(struct zs_stack *s, const struct zs_tcb *tcb, struct zs_pace *p,
		   struct zs_rate_sample *rs)
{
	uint32_t interval = (uint32_t)s->now_us - p->prior_us;

	rs->valid = p->fresh;
	if (!p->fresh)
		return;
	rs->prior_delivered = p->prior_delivered;
	rs->app_limited = p->prior_app_limited;
	interval = RTE_MAX(interval, p->send_elapsed_us);
	/* shorter than any round trip: acknowledgements that were compressed */
	if (interval != 0 && interval >= tcb->min_rtt_us)
		rs->bytes_per_s = (uint64_t)((uint32_t)tcb->delivered - p->prior_delivered) *
				  1000000 / interval;
}

void zs_rate_ack_ends(struct zs_stack *s, struct zs_tcb *tcb, const struct zs_ack *a)
{
	const struct zs_cc_ops *cc = zs_cc_find(tcb->cc);
	struct zs_pace *p = zs_pace(s, tcb);
	struct zs_rate_sample rs = {
		.delivered = (uint32_t)tcb->delivered - p->delivered_before,
		.lost = tcb->lost > p->lost_before ? tcb->lost - p->lost_before : 0,
		.prior_inflight = a->inflight,
		.rtt_us = a->rtt_us,
	};

	if (p->app_limited != 0 && zs_seq_gt((uint32_t)tcb->delivered, p->app_limited))
		p->app_limited = 0;
	sample(s, tcb, p, &rs);
	if (rs.bytes_per_s != 0 && (!rs.app_limited || rs.bytes_per_s >= p->delivery_rate))
		p->delivery_rate = rs.bytes_per_s;
	if (cc->on_rate != NULL)
		cc->on_rate(s, tcb, &rs);
	else
		zs_pace_window(s, tcb);
}
