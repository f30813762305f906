/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * RACK (RFC 8985 6): a record is lost when one that was sent after it has been delivered, and a
 * reordering window has passed beyond the round trip of that one. Needs SACK, and the time of the
 * latest transmission of each record.
 *
 * Records that were sent once lie in the send queue in the order of transmission, and those that
 * were sent again in the FIFO of the scoreboard. Both orders are also that of being lost, so a
 * record is looked at once, and an acknowledgement costs no more than what it changes.
 */
#include "core/tcp/zs_ack.h"
#include "core/tcp/zs_score.h"

enum { REO_WND_PERSIST = 16, REO_WND_MULT_MAX = 255 };

/* RACK_sent_after() of RFC 8985 6.2. */
static bool sent_after(uint32_t tx_us, uint32_t end, uint32_t than_us, uint32_t than_end)
{
	return zs_seq_gt(tx_us, than_us) || (tx_us == than_us && zs_seq_gt(end, than_end));
}

/*
 * The echoed timestamp is older than the latest transmission: it was an earlier one that arrived.
 * What is SACKed is not what the peer echoes, but what moved SND.UNA last (RFC 7323 4.3).
 */
static bool echo_before(const struct zs_stack *s, const struct zs_tcb *tcb,
			const struct zs_seg *seg, const struct zs_ack *a)
{
	uint32_t sent_ago_ms = ((uint32_t)s->now_us - seg->tx_us) / 1000;

	return a->has_echo && !(seg->flags & ZS_SEG_SACKED) &&
	       s->now_ms + tcb->ts_off - a->echo > sent_ago_ms + 1;
}

/* What was sent once has arrived after what was sent behind it: by how many segments? */
static void note_reordering(const struct zs_tcb *tcb, struct zs_score *sc, const struct zs_seg *seg,
			    struct zs_ack *a)
{
	uint32_t by = (sc->fack - seg->seq + tcb->mss - 1) / tcb->mss;

	sc->reordered = true;
	sc->reord_seen += !a->reordered;
	a->reordered = true;
	by = RTE_MIN(by, (uint32_t)ZS_REORDERING_MAX);
	sc->reordering = (uint16_t)RTE_MAX(by, sc->reordering);
}

/* RFC 8985 6.2, steps 2 and 3. */
void zs_rack_delivered(struct zs_stack *s, struct zs_tcb *tcb, const struct zs_seg *seg,
		       uint32_t end, struct zs_ack *a)
{
	struct zs_score *sc = zs_score(s, tcb);
	uint32_t rtt = (uint32_t)s->now_us - seg->tx_us;

	if (zs_seq_gt(end, sc->fack))
		sc->fack = end;
	else if (seg->tx_count == 1 && zs_seq_lt(end, sc->fack))
		note_reordering(tcb, sc, seg, a);
	if (seg->tx_count > 1 && (echo_before(s, tcb, seg, a) || rtt < tcb->min_rtt_us))
		return;
	if (seg->tx_count == 1)
		tcb->min_rtt_us = RTE_MIN(tcb->min_rtt_us, RTE_MAX(rtt, 1u));
	/* as if what is SACKed came first where it was sent first, as the RFC has it; what is
	 * acknowledged goes by its place in the stream, as on Linux, which is more patient */
	if (a->has_rack_tx && seg->flags & ZS_SEG_SACKED && zs_seq_lt(seg->tx_us, a->rack_tx_us))
		return;
	a->has_rack_tx = true;
	a->rack_tx_us = seg->tx_us;
	sc->rack_rtt_us = rtt;
	if (sc->rack_valid && !sent_after(seg->tx_us, end, sc->rack_tx_us, sc->rack_end))
		return;
	sc->rack_valid = true;
	sc->rack_tx_us = seg->tx_us;
	sc->rack_end = end;
}

/*
 * RFC 8985 6.2 step 4, first half: duplicates reported by D-SACK widen the window, once per round.
 * A tail loss probe that was not needed says nothing about reordering.
 */
void zs_rack_dsack(struct zs_stack *s, struct zs_tcb *tcb, const struct zs_ack *a)
{
	struct zs_score *sc = zs_score(s, tcb);

	sc->dsacks++;
	if (tcb->tlp == ZS_TLP_AGAIN && zs_seq_geq(a->dsack_end + 1, sc->tlp_end))
		return;
	if (zs_tcb_unacked(tcb, sc->dsack_round))
		return;
	sc->dsack_round = tcb->snd_nxt;
	if (sc->reo_wnd_mult < REO_WND_MULT_MAX)
		sc->reo_wnd_mult++;
	sc->reo_wnd_persist = REO_WND_PERSIST;
}

void zs_rack_recovered(struct zs_stack *s, struct zs_tcb *tcb)
{
	struct zs_score *sc = zs_score(s, tcb);

	if (sc->reo_wnd_persist > 0 && --sc->reo_wnd_persist == 0)
		sc->reo_wnd_mult = 1;
}

/* RFC 8985 6.2 step 4, second half. */
static uint32_t reo_wnd(const struct zs_tcb *tcb, const struct zs_score *sc)
{
	uint32_t min_rtt = RTE_MIN(tcb->min_rtt_us, sc->rack_rtt_us);
	uint64_t wnd = (uint64_t)sc->reo_wnd_mult * min_rtt / 4;
	bool many = tcb->dupacks >= ZS_DUP_THRESH || tcb->sacked > (ZS_DUP_THRESH - 1u) * tcb->mss;

	if (!sc->reordered && (tcb->ca_state != ZS_CA_OPEN || many))
		return 0;
	return (uint32_t)RTE_MIN(wnd, (uint64_t)tcb->srtt_us);
}

enum fate {
	LATER,	 /* sent after what has been delivered: nothing can be said */
	SUSPECT, /* sent before, but the reordering window has not passed */
	LOST,
};

static enum fate fate_of(const struct zs_stack *s, const struct zs_score *sc,
			 const struct zs_seg *seg, uint32_t wnd)
{
	uint32_t age = (uint32_t)s->now_us - seg->tx_us;

	if (!sent_after(sc->rack_tx_us, sc->rack_end, seg->tx_us, seg->seq + seg->len))
		return LATER;
	return age >= sc->rack_rtt_us + wnd ? LOST : SUSPECT;
}

/* Of what was sent once. Returns whether something stays under suspicion. */
static bool detect_first(struct zs_stack *s, struct zs_tcb *tcb, struct zs_score *sc, uint32_t wnd)
{
	struct rte_mbuf *m = sc->lost_hint;

	m = m == NULL ? tcb->sndq.head : zs_seg(m)->next;
	for (; m != NULL && m != tcb->unsent; m = zs_seg(m)->next) {
		if (!(zs_seg(m)->flags & (ZS_SEG_SACKED | ZS_SEG_LOST | ZS_SEG_RETX))) {
			enum fate fate = fate_of(s, sc, zs_seg(m), wnd);

			if (fate != LOST)
				return fate == SUSPECT;
			zs_score_lost(s, tcb, m);
		}
		sc->lost_hint = m;
	}
	return false;
}

/*
 * Of what was sent again: it is lost once more. In a burst the repeated goes first, so sequence
 * numbers tell the order with what is new; with what was new when it was repeated only time does.
 */
static bool detect_again(struct zs_stack *s, struct zs_tcb *tcb, struct zs_score *sc, uint32_t wnd)
{
	while (!zs_list_empty(&sc->retx)) {
		struct zs_seg *seg = container_of(sc->retx.next, struct zs_seg, retx);
		enum fate fate = fate_of(s, sc, seg, wnd);

		if (fate == LATER || seg->tx_us == (uint32_t)s->now_us)
			return false;
		if (fate == SUSPECT)
			return true;
		zs_score_lost(s, tcb, zs_seg_mbuf(seg));
		s->stats.tcp_lost_retx++;
	}
	return false;
}

/* RFC 8985 6.2 step 5. All suspicion ends when the window of the record that was sent last ends. */
void zs_rack_detect(struct zs_stack *s, struct zs_tcb *tcb)
{
	struct zs_score *sc = zs_score(s, tcb);
	uint32_t wnd;
	bool first, again;

	sc->reo_pending = false;
	if (!sc->rack_valid)
		return;
	wnd = reo_wnd(tcb, sc);
	first = detect_first(s, tcb, sc, wnd);
	again = detect_again(s, tcb, sc, wnd);
	sc->rack_valid = true; /* also where what was marked before has just been released */
	sc->reo_pending = first || again;
	sc->reo_us = sc->rack_tx_us + sc->rack_rtt_us + wnd;
}

/* RFC 8985 6.3: the first record is lost, and what was sent as long ago. */
void zs_rack_on_rto(struct zs_stack *s, struct zs_tcb *tcb)
{
	struct zs_score *sc = zs_score_wake(s, tcb);
	uint32_t rtt = sc->rack_valid ? sc->rack_rtt_us : tcb->srtt_us;
	uint32_t limit = rtt + reo_wnd(tcb, sc);

	for (struct rte_mbuf *m = tcb->sndq.head; m != NULL && m != tcb->unsent;
	     m = zs_seg(m)->next) {
		uint32_t age = (uint32_t)s->now_us - zs_seg(m)->tx_us;

		if (zs_seg(m)->flags & ZS_SEG_SACKED || (m != tcb->sndq.head && age < limit))
			continue;
		zs_score_lost(s, tcb, m);
	}
	sc->retx_hint = NULL;
	sc->reo_pending = false;
}
