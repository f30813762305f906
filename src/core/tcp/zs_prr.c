/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Proportional rate reduction (RFC 6937): in recovery, what may be sent follows what is delivered,
 * so that the window has come down to ssthresh when the recovery ends, without a silence and
 * without a burst. Below ssthresh it grows back by no more than what was delivered, and by one
 * segment more (slow-start reduction bound) for an acknowledgement that brings progress and no
 * further loss. But two segments may always be in flight, for nothing but a timeout would tell of
 * the loss of a single one.
 */
#include "core/tcp/zs_ack.h"
#include "core/tcp/zs_cc.h"
#include "core/tcp/zs_score.h"

static uint32_t sent_so_far(const struct zs_tcb *tcb, const struct zs_score *sc)
{
	return (uint32_t)(tcb->bytes_out + tcb->bytes_retx - sc->prr_base);
}

void zs_prr_start(struct zs_stack *s, struct zs_tcb *tcb)
{
	struct zs_score *sc = zs_score(s, tcb);

	if (zs_cc_find(tcb->cc)->on_rate != NULL)
		tcb->cwnd = tcb->ssthresh;
	sc->prr_delivered = 0;
	sc->prr_flight = RTE_MAX(tcb->snd_nxt - tcb->snd_una, 1u);
	sc->prr_base = tcb->bytes_out + tcb->bytes_retx;
}

void zs_prr_on_ack(struct zs_stack *s, struct zs_tcb *tcb, uint32_t delivered, bool safe)
{
	struct zs_score *sc = zs_score(s, tcb);
	uint32_t sent = sent_so_far(tcb, sc), pipe = zs_inflight(tcb);
	uint64_t n;

	if (zs_cc_find(tcb->cc)->on_rate != NULL)
		return;
	sc->prr_delivered += delivered;
	if (pipe > tcb->ssthresh) {
		n = (uint64_t)sc->prr_delivered * tcb->ssthresh;
		n = (n + sc->prr_flight - 1) / sc->prr_flight;
		n = n > sent ? n - sent : 0;
	} else {
		n = sc->prr_delivered > sent ? sc->prr_delivered - sent : 0;
		n = RTE_MAX(n, (uint64_t)delivered) + (safe ? tcb->mss : 0);
		n = RTE_MIN(n, (uint64_t)(tcb->ssthresh - pipe));
	}
	if (sent == 0) /* the first retransmission does not wait (RFC 6675 5 4.3) */
		n = RTE_MAX(n, (uint64_t)tcb->mss);
	tcb->cwnd = RTE_MAX(pipe + (uint32_t)n, RTE_MIN(tcb->ssthresh, 2u * tcb->mss));
}
