/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a connection says when its turn comes, once per burst: first what was lost (RFC 6675 4),
 * then new data as cwnd, the peer's window and Nagle allow (RFC 9293 3.8.6.2.1, RFC 1122 4.2.3.4),
 * FIN behind the last byte, and an ACK when no segment has carried it.
 */
#include "core/tcp/zs_output.h"

#include <errno.h>

#include "core/tcp/zs_cc.h"
#include "core/tcp/zs_ecn.h"
#include "core/tcp/zs_limits.h"
#include "core/tcp/zs_pace.h"
#include "core/tcp/zs_queue.h"
#include "core/tcp/zs_score.h"
#include "core/tcp/zs_sndrules.h"
#include "core/tcp/zs_timers.h"
#include "core/zs_parse.h"

enum {
	CORK_US = 200000,	     /* corked data waits no longer */
	TSO_BYTES = 65535 - 20 - 60, /* of payload in one packet */
	TX_COUNT_MAX = 31,
};

enum outcome {
	SENT,	 /* a segment went out: go on */
	NOTHING, /* nothing more to send now */
	BLOCKED, /* no buffer or no room at the device: again next turn */
};

static bool tx_room(struct zs_stack *s, const struct zs_tcb *tcb)
{
	return zs_txq_room(&s->netif[tcb->netif]) > 0;
}

/* Every segment carries the acknowledgement of all that was received. */
static void note_ack_sent(struct zs_tcb *tcb)
{
	tcb->flags &= ~(uint32_t)ZS_TF_ACK_NOW;
	tcb->rcv_acked = tcb->rcv_nxt;
	tcb->deadline[ZS_TT_DELACK] = 0;
}

static __rte_always_inline void mark_sent(struct zs_stack *s, struct zs_tcb *tcb,
					  struct rte_mbuf *m)
{
	struct zs_seg *seg = zs_seg(m);

	seg->tx_us = (uint32_t)s->now_us;
	if (seg->tx_count == 0)
		seg->first_tx_us = seg->tx_us;
	if (seg->tx_count < TX_COUNT_MAX)
		seg->tx_count++;
	if (unlikely(tcb->flags & ZS_TF_PACED))
		zs_rate_send(s, tcb, seg);
}

/* Something is in flight: at the end of the turn the retransmission timer runs. */
static void note_in_flight(struct zs_stack *s, struct zs_tcb *tcb)
{
	if (tcb->deadline[ZS_TT_RETX] == 0)
		tcb->rto_base_us = (uint32_t)s->now_us;
	tcb->deadline[ZS_TT_PERSIST] = 0;
	tcb->last_send_us = s->now_us;
}

/* ---- what was lost ---- */

static bool to_be_resent(struct rte_mbuf *m)
{
	return (zs_seg(m)->flags & (ZS_SEG_LOST | ZS_SEG_RETX | ZS_SEG_SACKED)) == ZS_SEG_LOST;
}

static struct rte_mbuf *next_lost(struct zs_stack *s, struct zs_tcb *tcb)
{
	struct zs_score *sc = zs_score(s, tcb);
	struct rte_mbuf *m = sc->retx_hint;

	m = m == NULL ? tcb->sndq.head : zs_seg(m)->next;
	for (; m != NULL && m != tcb->unsent; m = zs_seg(m)->next) {
		if (to_be_resent(m))
			return m;
		sc->retx_hint = m;
	}
	return NULL;
}

/*
 * Lost neighbours that fit into one segment with m. Records that were sent one by one end where
 * segments ended; those of packets that the device cut do not, and are cut here.
 */
static uint32_t gather_lost(struct zs_stack *s, struct zs_tcb *tcb, struct rte_mbuf *m)
{
	uint32_t len = zs_seg(m)->len;
	unsigned max = s->netif[tcb->netif].seg_bufs;

	for (unsigned pieces = 1; pieces < max && len < tcb->mss; pieces++) {
		if (zs_seg(m)->apart)
			break;
		m = zs_seg(m)->next;
		if (m == NULL || m == tcb->unsent || !to_be_resent(m))
			break;
		if (len + zs_seg(m)->len > tcb->mss &&
		    (!zs_tcb_tso(s, tcb) || zs_sndq_split(s, tcb, m, tcb->mss - len) < 0))
			break;
		len += zs_seg(m)->len;
	}
	return len;
}

static bool fin_follows(const struct zs_tcb *tcb, uint32_t end)
{
	return (tcb->flags & ZS_TF_FIN_SENT) != 0 && end == tcb->snd_nxt - 1;
}

/*
 * Whole records of len bytes in all: does a write end with the last of them, or what went out
 * together and does so again? run_end: where what was sent again before them in this turn ends.
 */
static bool ends_again(struct rte_mbuf *m, uint32_t len, uint32_t run_end)
{
	bool follows = zs_seg(m)->seq == run_end;

	while (zs_seg(m)->len < len) {
		len -= zs_seg(m)->len;
		m = zs_seg(m)->next;
	}
	return zs_seg(m)->flags & ZS_SEG_EOR || (follows && zs_seg(m)->ends_run);
}

/* Builds sg, of whole records that were sent before, and sends it. run_end: as in ends_again(). */
static enum outcome resend(struct zs_stack *s, struct zs_tcb *tcb, struct zs_segment *sg,
			   uint32_t *run_end)
{
	struct rte_mbuf *m = sg->first;
	uint32_t left;

	if (!tx_room(s, tcb))
		return BLOCKED;
	sg->seq = zs_seg(m)->seq;
	sg->flags = ends_again(m, sg->len, *run_end) ? ZS_ACK | ZS_PSH : ZS_ACK;
	if (fin_follows(tcb, sg->seq + sg->len))
		sg->flags |= ZS_FIN;
	if (zs_build_segment(s, tcb, sg) < 0)
		return BLOCKED;
	if (sg->flags & ZS_FIN)
		tcb->flags &= ~(uint32_t)ZS_TF_FIN_LOST;
	for (left = sg->len; left > 0; m = zs_seg(m)->next) {
		mark_sent(s, tcb, m);
		zs_score_retx(s, tcb, m);
		left -= zs_seg(m)->len;
	}
	*run_end = sg->seq + sg->len;
	if (unlikely(tcb->flags & ZS_TF_PACED))
		zs_pace_sent(s, tcb, sg->len);
	tcb->bytes_retx += sg->len;
	tcb->segs_retx++;
	s->stats.tcp_segs_retx++;
	note_ack_sent(tcb);
	note_in_flight(s, tcb);
	return SENT;
}

static enum outcome resend_one(struct zs_stack *s, struct zs_tcb *tcb, uint16_t wnd,
			       uint32_t *run_end)
{
	struct rte_mbuf *m = next_lost(s, tcb);
	struct zs_segment sg = { .first = m, .wnd = wnd };

	if (m == NULL || zs_score(s, tcb)->frto == ZS_FRTO_NEW_DATA)
		return NOTHING;
	if (zs_seg(m)->len > tcb->mss && zs_sndq_split(s, tcb, m, tcb->mss) < 0)
		return BLOCKED;
	sg.len = gather_lost(s, tcb, m);
	if (zs_inflight(tcb) + sg.len > tcb->cwnd)
		return NOTHING;
	if (unlikely(tcb->flags & ZS_TF_PACED) && !zs_pace_ready(s, tcb))
		return NOTHING;
	return resend(s, tcb, &sg, run_end);
}

/* ---- new data ---- */

/* Bytes of the peer's window not used yet. */
static uint32_t usable_window(const struct zs_tcb *tcb)
{
	uint32_t edge = tcb->snd_una + tcb->snd_wnd;

	return zs_seq_gt(edge, tcb->snd_nxt) ? edge - tcb->snd_nxt : 0;
}

/* What cwnd, too, lets out now. */
static inline uint32_t room_of_windows(const struct zs_tcb *tcb, uint32_t inflight)
{
	uint32_t room = tcb->cwnd > inflight ? tcb->cwnd - inflight : 0;

	return RTE_MIN(room, usable_window(tcb));
}

/* May a segment that is not full be sent? RFC 9293 3.8.6.2.1, with Minshall's form of Nagle's rule.
 */
static bool small_allowed(const struct zs_tcb *tcb, uint32_t len, uint32_t avail)
{
	if (tcb->flags & ZS_TF_FORCE)
		return true;
	if (len < avail) /* the window ends here: worth it when it is half of the best we saw */
		return len >= tcb->max_snd_wnd / 2;
	if (tcb->flags & ZS_TF_FIN_QUEUED)
		return true;
	if (tcb->opts.cork || tcb->flags & ZS_TF_MORE)
		return false;
	return tcb->opts.nodelay || !zs_seq_gt(tcb->snd_small, tcb->snd_una);
}

/*
 * Whole records from tcb->unsent on, max of them, that make at most len bytes, the last one, which
 * is *last then, cut where need be.
 */
static inline __attribute__((always_inline)) uint32_t gather_new(struct zs_stack *s,
								 struct zs_tcb *tcb, uint32_t len,
								 unsigned max, struct zs_seg **last)
{
	struct rte_mbuf *m = tcb->unsent;
	uint32_t got = 0;

	for (unsigned pieces = 0; got < len && pieces < max; pieces++) {
		struct zs_seg *seg = zs_seg(m);

		if (seg->len > len - got && zs_sndq_split(s, tcb, m, len - got) < 0)
			break;
		got += seg->len;
		*last = seg;
		m = seg->next;
	}
	return got;
}

void zs_sndq_sent(struct zs_stack *s, struct zs_tcb *tcb, uint32_t len)
{
	while (len > 0) {
		struct zs_seg *seg = zs_seg(tcb->unsent);

		mark_sent(s, tcb, tcb->unsent);
		len -= seg->len;
		tcb->unsent = seg->next;
	}
}

static void enter_fin_sent(struct zs_stack *s, struct zs_tcb *tcb)
{
	tcb->flags |= ZS_TF_FIN_SENT;
	tcb->snd_nxt++;
	zs_tcp_set_state(tcb, tcb->state == ZS_CLOSE_WAIT ? ZS_LAST_ACK : ZS_FIN_WAIT_1);
	note_in_flight(s, tcb);
}

/*
 * Several segments at once, for the device to cut: as many full ones as avail bytes, the windows
 * and one packet allow, and the last one when it might be sent by itself. 0: there are not two.
 */
static __attribute__((noinline)) uint32_t several(const struct zs_stack *s,
						  const struct zs_tcb *tcb, uint32_t avail,
						  uint32_t inflight)
{
	uint32_t most = room_of_windows(tcb, inflight);
	uint32_t len, rest;

	if (tcb->flags & ZS_TF_PACED)
		most = RTE_MIN(most, zs_pace_quantum(s, tcb));
	len = RTE_MIN(avail, RTE_MIN(most, (uint32_t)TSO_BYTES));
	rest = len % tcb->mss;
	if (rest > 0 && (len < avail || !small_allowed(tcb, rest, rest)))
		len -= rest;
	return len > tcb->mss ? len : 0;
}

/* gather_new() for several segments: full ones, also where there are too many buffers for all. */
static __attribute__((noinline)) uint32_t gather_several(struct zs_stack *s, struct zs_tcb *tcb,
							 uint32_t len, struct zs_seg **last)
{
	unsigned max = s->netif[tcb->netif].tso_bufs;
	uint32_t got = gather_new(s, tcb, len, max, last);

	if (got == len)
		return got;
	if (got > tcb->mss)
		got -= got % tcb->mss;
	else
		max = s->netif[tcb->netif].seg_bufs;
	return gather_new(s, tcb, got, max, last);
}

/*
 * Is this the last of several full segments, because what is left is less than one, or no window is
 * left for it, or half of one window is full, the congestion window or the peer's largest? Then PSH
 * goes with it, so that a receiver who puts segments together does not wait for more (RFC 9293
 * 3.9.1.2), and acknowledges twice per window. run: payload since the last PSH, of this turn; room:
 * of both windows. Where half of cwnd is a single segment, its ACK may wait.
 */
static inline bool ends_burst(const struct zs_stack *s, const struct zs_tcb *tcb, uint32_t run,
			      uint32_t len, uint32_t avail, uint32_t room)
{
	uint32_t next = tcb->mss, most;

	if (run + len <= tcb->mss)
		return false;
	if (tcb->cwnd < 4 * next)
		return false;
	most = RTE_MIN(tcb->cwnd, tcb->max_snd_wnd) / 2;
	if (s->cfg.psh_segs != 0)
		most = RTE_MIN(most, s->cfg.psh_segs * next);
	if (tcb->flags & ZS_TF_MORE && avail - len < next)
		return false; /* the application says that more comes */
	return avail - len < next || room < len + next || run + len + next > most;
}

/* len bytes of new data are out. */
static inline void note_new_data(struct zs_stack *s, struct zs_tcb *tcb, uint32_t len)
{
	tcb->snd_nxt += len;
	tcb->bytes_out += len;
	s->stats.tcp_bytes_out += len;
	if (tcb->rcv_acked != tcb->rcv_nxt)
		tcb->quickack = 0; /* ACKs find data to go with: they may wait for it */
	note_ack_sent(tcb);
	note_in_flight(s, tcb);
}

/* run: as for ends_burst(). */
static enum outcome send_one(struct zs_stack *s, struct zs_tcb *tcb, uint16_t wnd, uint32_t *run)
{
	struct zs_segment sg = { .first = tcb->unsent, .seq = tcb->snd_nxt, .wnd = wnd };
	const struct zs_netif *nif;
	uint32_t avail, len, inflight, large = 0;
	struct zs_seg *last = NULL;

	avail = zs_unsent_bytes(tcb);
	inflight = zs_inflight(tcb);
	len = RTE_MIN(avail, (uint32_t)tcb->mss);
	len = RTE_MIN(len, usable_window(tcb));
	if (len == 0 || (len < tcb->mss && !small_allowed(tcb, len, avail)))
		return NOTHING;
	if (inflight > 0 && inflight + len > tcb->cwnd) {
		tcb->flags |= ZS_TF_CWND_FULL;
		return NOTHING;
	}
	if (unlikely(tcb->flags & ZS_TF_PACED) && !zs_pace_ready(s, tcb))
		return NOTHING;
	nif = &s->netif[tcb->netif];
	if (zs_txq_room(nif) == 0)
		return BLOCKED;
	/* not every device cuts CWR as it should be: on the first segment only */
	if (avail > tcb->mss && nif->offloads & ZS_OFF_TX_TSO && !(tcb->flags & ZS_TF_CWR))
		large = several(s, tcb, avail, inflight);
	len = large > 0 ? gather_several(s, tcb, large, &last)
			: gather_new(s, tcb, len, nif->seg_bufs, &last);
	if (len == 0)
		return BLOCKED;
	sg.len = len;
	sg.flags = ZS_ACK;
	if (last->flags & ZS_SEG_EOR) {
		sg.flags |= ZS_PSH;
	} else if (ends_burst(s, tcb, *run, len, avail, room_of_windows(tcb, inflight))) {
		sg.flags |= ZS_PSH;
		last->ends_run = 1;
	}
	if (len == avail && tcb->flags & ZS_TF_FIN_QUEUED)
		sg.flags |= ZS_FIN | ZS_PSH;
	if (unlikely(tcb->flags & ZS_TF_ECN)) {
		sg.ect = true;
		sg.flags |= tcb->flags & ZS_TF_CWR ? ZS_CWR : 0;
	}
	if (zs_build_segment(s, tcb, &sg) < 0)
		return BLOCKED;
	if (unlikely(sg.flags & ZS_CWR))
		tcb->flags &= ~(uint32_t)ZS_TF_CWR;
	zs_sndq_sent(s, tcb, len);
	if (unlikely(tcb->flags & ZS_TF_PACED))
		zs_pace_sent(s, tcb, len);
	note_new_data(s, tcb, len);
	*run = sg.flags & ZS_PSH ? 0 : *run + len;
	if (len < tcb->mss || (len > tcb->mss && len % tcb->mss != 0))
		tcb->snd_small = tcb->snd_nxt;
	if (sg.flags & ZS_FIN)
		enter_fin_sent(s, tcb);
	return SENT;
}

/*
 * What most turns are about: records of a segment each, the last one smaller perhaps, within the
 * windows, and nothing out of the ordinary. Whatever else is to be sent stays unsent.
 */
static void send_records(struct zs_stack *s, struct zs_tcb *tcb, uint16_t wnd, uint32_t *run)
{
	enum { RARE = ZS_TF_PACED | ZS_TF_ECN | ZS_TF_FIN_QUEUED | ZS_TF_MORE | ZS_TF_SND_RULES };
	const struct zs_netif *nif = &s->netif[tcb->netif];
	uint32_t avail = zs_unsent_bytes(tcb), mss = tcb->mss;
	uint32_t room, sent = 0;
	struct rte_mbuf *m = tcb->unsent, *before = NULL;
	bool alike;

	if (tcb->flags & RARE || (avail > mss && nif->offloads & ZS_OFF_TX_TSO))
		return;
	room = room_of_windows(tcb, zs_inflight(tcb));
	alike = avail > mss && zs_build_alike(s, tcb);
	while (m != NULL && zs_txq_room(nif) > 0) {
		struct zs_seg *seg = zs_seg(m);
		uint32_t len = seg->len;
		bool small = len < mss;
		uint8_t flags = ZS_ACK;

		if (len > mss || len > room ||
		    (small && (len < avail || !small_allowed(tcb, len, avail))))
			break;
		if (seg->flags & ZS_SEG_EOR) {
			flags |= ZS_PSH;
		} else if (ends_burst(s, tcb, *run, len, avail, room)) {
			flags |= ZS_PSH;
			seg->ends_run = 1;
		}
		if (!(before != NULL && zs_seg(before)->len == len &&
		      zs_build_like(s, tcb, m, before, tcb->snd_nxt + sent, flags)) &&
		    zs_build_record(s, tcb, m, tcb->snd_nxt + sent, wnd, flags) < 0)
			break;
		before = alike ? m : NULL;
		mark_sent(s, tcb, m);
		*run = flags & ZS_PSH ? 0 : *run + len;
		sent += len;
		avail -= len;
		room -= len;
		m = seg->next;
		if (small)
			tcb->snd_small = tcb->snd_nxt + sent;
	}
	if (sent == 0)
		return;
	tcb->unsent = m;
	note_new_data(s, tcb, sent);
}

/*
 * The same as far as records go that may share a segment: what is behind them is hidden, and keeps
 * them neither from being sent, small as they may be, nor gets into their last segment.
 */
static __attribute__((noinline)) enum outcome send_together(struct zs_stack *s, struct zs_tcb *tcb,
							    uint16_t wnd, uint32_t *run)
{
	enum { HIDE = ZS_TF_FIN_QUEUED | ZS_TF_FORCE };
	uint32_t unsent = tcb->unsent != NULL ? zs_unsent_bytes(tcb) : 0;
	uint32_t piece = zs_sndq_together(tcb, unsent), held = tcb->flags & HIDE;
	enum outcome o;

	if (piece == unsent)
		return send_one(s, tcb, wnd, run);
	tcb->sndq.bytes -= unsent - piece;
	tcb->flags &= ~(uint32_t)HIDE;
	if (usable_window(tcb) >= RTE_MIN(piece, (uint32_t)tcb->mss))
		tcb->flags |= ZS_TF_FORCE;
	o = send_one(s, tcb, wnd, run);
	tcb->flags = (tcb->flags & ~(uint32_t)HIDE) | held;
	tcb->sndq.bytes += unsent - piece;
	return o;
}

/* FIN by itself: nothing unsent before it, or sent before and lost. */
static enum outcome send_fin(struct zs_stack *s, struct zs_tcb *tcb, uint16_t wnd)
{
	bool again = (tcb->flags & ZS_TF_FIN_LOST) != 0 && tcb->lost == tcb->retx;
	bool first = (tcb->flags & (ZS_TF_FIN_QUEUED | ZS_TF_FIN_SENT)) == ZS_TF_FIN_QUEUED &&
		     tcb->unsent == NULL;
	struct zs_segment sg = { .wnd = wnd, .flags = ZS_FIN | ZS_ACK };

	if (!again && !first)
		return NOTHING;
	if (!tx_room(s, tcb))
		return BLOCKED;
	sg.seq = again ? tcb->snd_nxt - 1 : tcb->snd_nxt;
	if (zs_build_segment(s, tcb, &sg) < 0)
		return BLOCKED;
	tcb->flags &= ~(uint32_t)ZS_TF_FIN_LOST;
	note_ack_sent(tcb);
	if (first)
		enter_fin_sent(s, tcb);
	note_in_flight(s, tcb);
	return SENT;
}

/* ---- acknowledgements ---- */

/* The blocks that go with an ACK: a duplicate first (RFC 2883 4), then the latest. */
static uint8_t sack_blocks(struct zs_tcb *tcb, struct zs_sack_block *out)
{
	unsigned max = tcb->flags & ZS_TF_TS ? 3 : 4;
	uint8_t n = 0;

	if (!(tcb->flags & ZS_TF_SACK))
		return 0;
	if (tcb->flags & ZS_TF_DSACK)
		out[n++] = tcb->dsack;
	for (unsigned i = 0; i < tcb->n_recent && n < max; i++)
		out[n++] = tcb->recent[i];
	tcb->flags &= ~(uint32_t)ZS_TF_DSACK;
	return n;
}

static enum outcome send_ack(struct zs_stack *s, struct zs_tcb *tcb, uint16_t wnd)
{
	struct zs_sack_block blocks[ZS_MAX_SACK];
	struct zs_segment sg = {
		.seq = tcb->snd_nxt,
		.wnd = wnd,
		.flags = ZS_ACK,
		.sack = blocks,
	};

	if (!tx_room(s, tcb))
		return BLOCKED;
	sg.n_sack = sack_blocks(tcb, blocks);
	if (zs_build_segment(s, tcb, &sg) < 0)
		return BLOCKED;
	s->stats.tcp_acks_out++;
	note_ack_sent(tcb);
	return SENT;
}

void zs_send_ack(struct zs_stack *s, struct zs_tcb *tcb)
{
	if (zs_build_refresh(s, tcb))
		(void)send_ack(s, tcb, zs_build_window(tcb)); /* as good as lost */
}

/* ---- when nothing may be sent ---- */

/* Data waits and nothing is in flight that would bring an ACK: probe the window, or release the
 * cork. */
static void arm_persist(struct zs_stack *s, struct zs_tcb *tcb)
{
	bool held = tcb->opts.cork || tcb->flags & ZS_TF_MORE;
	bool open = usable_window(tcb) > 0;

	if (tcb->deadline[ZS_TT_PERSIST] != 0 || tcb->snd_una != tcb->snd_nxt)
		return;
	zs_tcb_timer(s, tcb, ZS_TT_PERSIST, s->now_us + (held && open ? CORK_US : tcb->rto_us));
}

/* RFC 2861: the window of a connection that was idle for n RTOs is halved n times, down to the
 * initial one. */
static void restart_after_idle(struct zs_stack *s, struct zs_tcb *tcb)
{
	uint64_t idle = s->now_us - tcb->last_send_us;
	uint32_t iw;

	if (likely(idle <= tcb->rto_us) || tcb->last_send_us == 0 || tcb->unsent == NULL ||
	    tcb->snd_una != tcb->snd_nxt || zs_cc_find(tcb->cc)->on_rate != NULL ||
	    !s->cfg.idle_restart)
		return;
	iw = zs_cc_initial_window(s, tcb->mss);
	if (tcb->cwnd <= iw)
		return;
	tcb->ssthresh = RTE_MAX(tcb->ssthresh, tcb->cwnd / 4 * 3);
	for (; idle > tcb->rto_us && tcb->cwnd > iw; idle -= tcb->rto_us)
		tcb->cwnd /= 2;
	tcb->cwnd = RTE_MAX(tcb->cwnd, iw);
}

/* ---- tail loss probe (RFC 8985 7.3) ---- */

static struct rte_mbuf *last_sent(const struct zs_tcb *tcb)
{
	struct rte_mbuf *m = tcb->sndq.head;

	if (tcb->unsent == NULL)
		return tcb->sndq.tail;
	if (m == tcb->unsent)
		return NULL;
	while (zs_seg(m)->next != tcb->unsent)
		m = zs_seg(m)->next;
	return m;
}

/* The last segment again. */
static enum outcome probe_again(struct zs_stack *s, struct zs_tcb *tcb, uint16_t wnd)
{
	struct zs_segment sg = { .first = last_sent(tcb), .wnd = wnd };
	uint32_t len, run_end = tcb->snd_nxt;

	if (sg.first == NULL) { /* FIN is all that is in flight */
		tcb->flags |= ZS_TF_FIN_LOST;
		return SENT;
	}
	len = zs_seg(sg.first)->len;
	if (len > tcb->mss) {
		if (zs_sndq_split(s, tcb, sg.first, len - tcb->mss) < 0)
			return BLOCKED;
		sg.first = zs_seg(sg.first)->next;
	}
	sg.len = zs_seg(sg.first)->len;
	return resend(s, tcb, &sg, &run_end);
}

/* One segment of new data, whatever cwnd and Nagle say, or else the last one again. A cork holds.
 */
static __attribute__((noinline)) enum outcome probe(struct zs_stack *s, struct zs_tcb *tcb,
						    uint16_t wnd)
{
	uint32_t cwnd = tcb->cwnd, run = 0;
	uint8_t kind = ZS_TLP_NEW;
	enum outcome o;

	if (!tcb->opts.cork && !(tcb->flags & ZS_TF_MORE))
		tcb->flags |= ZS_TF_FORCE;
	tcb->cwnd = zs_inflight(tcb) + tcb->mss;
	o = tcb->unsent != NULL ? send_one(s, tcb, wnd, &run) : NOTHING;
	tcb->cwnd = cwnd;
	tcb->flags &= ~(uint32_t)ZS_TF_FORCE;
	if (o == NOTHING) {
		kind = ZS_TLP_AGAIN;
		o = probe_again(s, tcb, wnd);
	}
	if (o == BLOCKED)
		return BLOCKED;
	tcb->tlp = kind;
	zs_score_wake(s, tcb)->tlp_end = tcb->snd_nxt;
	s->stats.tcp_tlp++;
	return SENT;
}

/* ---- the turn ---- */

/* For those who want to know: all that may be sent now has been. */
static __attribute__((noinline)) void note_sent(struct zs_stack *s, struct zs_tcb *tcb)
{
	if (tcb->flags & ZS_TF_PACED && tcb->unsent == NULL && tcb->lost <= tcb->retx)
		zs_rate_app_limited(s, tcb);
	if (tcb->stamps != NULL)
		zs_stamps_sent(s, tcb);
	zs_lowat_wake(s, tcb);
	zs_limit_find(s, tcb, usable_window(tcb));
}

/* Data, the lost first, and FIN: all that may be sent now. */
static enum outcome say(struct zs_stack *s, struct zs_tcb *tcb, uint16_t wnd)
{
	uint32_t run = 0, run_end = tcb->snd_nxt;
	enum outcome o;

	restart_after_idle(s, tcb);
	if (unlikely(tcb->tlp == ZS_TLP_DUE) && probe(s, tcb, wnd) == BLOCKED)
		return BLOCKED;
	tcb->flags &= ~(uint32_t)ZS_TF_CWND_FULL;
	while (unlikely(tcb->lost > 0) && (o = resend_one(s, tcb, wnd, &run_end)) != NOTHING)
		if (o == BLOCKED)
			return BLOCKED;
	if (tcb->unsent != NULL)
		send_records(s, tcb, wnd, &run);
	for (o = SENT; tcb->unsent != NULL && o == SENT;)
		o = unlikely(tcb->flags & ZS_TF_SND_RULES) ? send_together(s, tcb, wnd, &run)
							   : send_one(s, tcb, wnd, &run);
	if (unlikely(o == BLOCKED))
		return BLOCKED;
	if (unlikely(tcb->unsent != NULL))
		arm_persist(s, tcb);
	else
		tcb->flags &= ~(uint32_t)ZS_TF_FORCE;
	if (unlikely(tcb->unsent != NULL ||
		     tcb->flags & (ZS_TF_PACED | ZS_TF_SND_RULES | ZS_TF_WANT_SPACE)))
		note_sent(s, tcb);
	return unlikely(tcb->flags & ZS_TF_FIN_QUEUED) ? send_fin(s, tcb, wnd) : NOTHING;
}

/* Returns false when it has to go on in a later turn. */
static bool output(struct zs_stack *s, struct zs_tcb *tcb)
{
	uint16_t wnd = zs_build_window(tcb);
	uint32_t before = tcb->snd_nxt;
	bool blocked;

	if (tcb->flags & ZS_TF_SYN_DUE)
		return zs_syn_output(s, tcb);
	if (tcb->state < ZS_SYN_RCVD || tcb->state == ZS_TIME_WAIT)
		return true;
	if (!zs_build_refresh(s, tcb))
		return true; /* no route: timers try again */
	if (tcb->flags & ZS_TF_ACK_NOW && (tcb->n_recent > 0 || tcb->flags & ZS_TF_DSACK) &&
	    send_ack(s, tcb, wnd) == BLOCKED)
		return false;
	blocked = (tcb->state != ZS_SYN_RCVD || tcb->syn_flags & ZS_SY_CHILD) &&
		  say(s, tcb, wnd) == BLOCKED;
	/* RFC 8985 7.2: new data moves the probe */
	if (tcb->snd_una != tcb->snd_nxt &&
	    (tcb->deadline[ZS_TT_RETX] == 0 ||
	     (tcb->snd_nxt != before && tcb->ca_state == ZS_CA_OPEN)))
		zs_retx_arm(s, tcb);
	/* Data that must wait keeps no acknowledgement back: the peer may wait for just that. */
	if (tcb->flags & ZS_TF_ACK_NOW && send_ack(s, tcb, wnd) == BLOCKED)
		return false;
	return !blocked;
}

void zs_output_run(struct zs_stack *s)
{
	struct zs_list again;
	struct zs_list *node;

	zs_list_init(&again);
	while ((node = zs_list_pop(&s->out)) != NULL) {
		struct zs_tcb *tcb = container_of(node, struct zs_tcb, out);

		if (!output(s, tcb))
			zs_list_add_tail(&again, node);
	}
	while ((node = zs_list_pop(&again)) != NULL)
		zs_list_add_tail(&s->out, node);
}

void zs_send_probe(struct zs_stack *s, struct zs_tcb *tcb)
{
	struct zs_segment sg = {
		.seq = tcb->snd_una - 1,
		.wnd = zs_build_window(tcb),
		.flags = ZS_ACK,
	};

	if (zs_build_refresh(s, tcb) && tx_room(s, tcb) && zs_build_segment(s, tcb, &sg) == 0) {
		s->stats.tcp_probes++;
		note_ack_sent(tcb);
	}
}

void zs_send_rst(struct zs_stack *s, struct zs_tcb *tcb)
{
	struct zs_raw raw = {
		.flow = &tcb->flow,
		.seq = tcb->snd_nxt,
		.ack = tcb->rcv_nxt,
		.flags = ZS_RST | ZS_ACK,
		.ttl = tcb->opts.ttl,
		.ts = (tcb->flags & ZS_TF_TS) != 0,
		.ts_val = s->now_ms + tcb->ts_off,
		.ts_ecr = tcb->ts_recent,
	};

	s->stats.tcp_rst_out++;
	(void)zs_send_raw(s, &raw); /* as good as lost: the peer asks again */
}

bool zs_challenge_allowed(struct zs_stack *s)
{
	struct zs_bucket *b = &s->challenge_limit;

	if (s->now_us - b->last_us >= 1000000) {
		b->last_us = s->now_us;
		b->tokens = b->rate / 2 + zs_rand_below(&s->rand, b->rate + 1);
	}
	if (b->tokens == 0)
		return false;
	b->tokens--;
	return true;
}

void zs_challenge_ack(struct zs_stack *s, struct zs_tcb *tcb)
{
	if (!zs_challenge_allowed(s))
		return;
	s->stats.tcp_challenge++;
	zs_ack_now(s, tcb);
}
