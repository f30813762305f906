/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a connection says when its turn comes, once per burst: first what was lost (RFC 6675 4),
 * then new data as cwnd, the peer's window and Nagle allow (RFC 9293 3.8.6.2.1, RFC 1122 4.2.3.4),
 * FIN behind the last byte, and an ACK when no segment has carried it.
 */
#include "core/tcp/zs_output.h"

#include "core/tcp/zs_cc.h"
#include "core/tcp/zs_limits.h"
#include "core/tcp/zs_outcome.h"
#include "core/tcp/zs_score.h"
#include "core/tcp/zs_sndrules.h"

enum {
	CORK_US = 200000,	     /* corked data waits no longer */
	TSO_BYTES = 65535 - 20 - 60, /* of payload in one packet */
};

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

/* The window ends here: is it worth a segment? When it is half of the best we saw; or when it stays
 * small, after the override timer. */
static __attribute__((noinline)) bool window_allows(const struct zs_tcb *tcb, uint32_t len)
{
	return len >= tcb->max_snd_wnd / 2 || (tcb->flags & ZS_TF_FORCE && tcb->snd_wnd < tcb->mss);
}

/* May a segment that is not full be sent? RFC 9293 3.8.6.2.1, with Minshall's form of Nagle's rule.
 */
static bool small_allowed(const struct zs_tcb *tcb, uint32_t len, uint32_t avail)
{
	if (unlikely(len < avail))
		return window_allows(tcb, len);
	if (tcb->flags & (ZS_TF_FORCE | ZS_TF_FIN_QUEUED))
		return true;
	if (tcb->opts.cork || tcb->flags & ZS_TF_MORE)
		return false;
	return tcb->opts.nodelay || !zs_tcb_unacked(tcb, tcb->snd_small);
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

		zs_out_mark(s, tcb, tcb->unsent);
		len -= seg->len;
		tcb->unsent = seg->next;
	}
}

static void enter_fin_sent(struct zs_stack *s, struct zs_tcb *tcb)
{
	tcb->flags |= ZS_TF_FIN_SENT;
	tcb->snd_nxt++;
	/* not in SYN-RECEIVED: what is sent again there is the SYN, until it is acknowledged */
	if (tcb->state != ZS_SYN_RCVD)
		zs_tcp_set_state(tcb, tcb->state == ZS_CLOSE_WAIT ? ZS_LAST_ACK : ZS_FIN_WAIT_1);
	zs_out_in_flight(s, tcb);
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

/*
 * Of len bytes in whole records from tcb->unsent on, the full segments before the first with bytes
 * in more than max buffers; all of them if there is none.
 */
static __attribute__((noinline)) uint32_t cuttable(const struct zs_tcb *tcb, uint32_t len,
						   unsigned max)
{
	uint32_t got = 0, end = tcb->mss; /* of the segment that the next byte is in */
	unsigned pieces = 0;		  /* of that segment */

	for (struct rte_mbuf *m = tcb->unsent; got < len; m = zs_seg(m)->next) {
		if (pieces == max)
			return end - tcb->mss;
		pieces++;
		got += zs_seg(m)->len;
		if (got >= end) {
			uint32_t part = got % tcb->mss;

			pieces = part > 0;
			end = got - part + tcb->mss;
		}
	}
	return len;
}

/* gather_new() for several segments: full ones, also where there are too many buffers for all, or
 * for one of them. */
static __attribute__((noinline)) uint32_t gather_several(struct zs_stack *s, struct zs_tcb *tcb,
							 uint32_t len, struct zs_seg **last)
{
	const struct zs_netif *nif = &s->netif[tcb->netif];
	unsigned max = nif->tso_bufs;
	uint32_t got = gather_new(s, tcb, len, max, last);
	uint32_t most = nif->cut_bufs < max ? cuttable(tcb, got, nif->cut_bufs) : got;

	if (most == len)
		return len;
	if (most > tcb->mss) {
		most -= most % tcb->mss;
	} else {
		most = RTE_MIN(got, (uint32_t)tcb->mss);
		max = nif->seg_bufs;
	}
	return gather_new(s, tcb, most, max, last);
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
	if (s->cfg.psh_segs != 0) {
		if (s->cfg.psh_segs == ZS_PSH_WRITES)
			return false;
		most = RTE_MIN(most, s->cfg.psh_segs * next);
	}
	if (tcb->flags & ZS_TF_MORE && avail - len < next)
		return false; /* the application says that more comes */
	return avail - len < next || room < len + next || run + len + next > most;
}

/* len bytes of new data are out, up to snd_nxt. */
static inline void note_new_data(struct zs_stack *s, struct zs_tcb *tcb, uint32_t len)
{
	tcb->bytes_out += len;
	s->stats.tcp_bytes_out += len;
	if (tcb->rcv_acked != tcb->rcv_nxt)
		tcb->quickack = 0; /* ACKs find data to go with: they may wait for it */
	zs_out_acked(tcb);
	zs_out_in_flight(s, tcb);
}

/* run: as for ends_burst(). */
static enum zs_outcome send_one(struct zs_stack *s, struct zs_tcb *tcb, uint16_t wnd, uint32_t *run)
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
		return ZS_OUT_NOTHING;
	if (inflight > 0 && inflight + len > tcb->cwnd) {
		tcb->flags |= ZS_TF_CWND_FULL;
		return ZS_OUT_NOTHING;
	}
	if (unlikely(tcb->flags & ZS_TF_PACED) && !zs_pace_ready(s, tcb))
		return ZS_OUT_NOTHING;
	nif = &s->netif[tcb->netif];
	if (zs_txq_room(nif) == 0)
		return ZS_OUT_BLOCKED;
	/* not every device cuts CWR as it should be: on the first segment only */
	if (avail > tcb->mss && nif->offloads & ZS_OFF_TX_TSO && !(tcb->flags & ZS_TF_CWR))
		large = several(s, tcb, avail, inflight);
	len = large > 0 ? gather_several(s, tcb, large, &last)
			: gather_new(s, tcb, len, nif->seg_bufs, &last);
	if (len == 0)
		return ZS_OUT_BLOCKED;
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
		return ZS_OUT_BLOCKED;
	if (unlikely(sg.flags & ZS_CWR))
		tcb->flags &= ~(uint32_t)ZS_TF_CWR;
	zs_sndq_sent(s, tcb, len);
	if (unlikely(tcb->flags & ZS_TF_PACED))
		zs_pace_sent(s, tcb, len);
	tcb->snd_nxt += len;
	note_new_data(s, tcb, len);
	*run = sg.flags & ZS_PSH ? 0 : *run + len;
	if (len < tcb->mss || (len > tcb->mss && len % tcb->mss != 0))
		tcb->snd_small = tcb->snd_nxt;
	if (sg.flags & ZS_FIN)
		enter_fin_sent(s, tcb);
	return ZS_OUT_SENT;
}

/*
 * What most turns are about: segments of one record each, cut off a longer one or the last one
 * smaller perhaps, within the windows, and nothing out of the ordinary. Whatever else is to be sent
 * stays unsent.
 */
static void send_records(struct zs_stack *s, struct zs_tcb *tcb, uint16_t wnd, uint32_t *run)
{
	enum { RARE = ZS_TF_PACED | ZS_TF_ECN | ZS_TF_FIN_QUEUED | ZS_TF_MORE | ZS_TF_SND_RULES };
	const struct zs_netif *nif = &s->netif[tcb->netif];
	uint32_t avail = zs_unsent_bytes(tcb), mss = tcb->mss;
	uint32_t room, sent = 0, before = 0;
	struct rte_mbuf *m = tcb->unsent;
	bool alike;

	if (tcb->flags & RARE || (avail > mss && nif->offloads & ZS_OFF_TX_TSO))
		return;
	room = room_of_windows(tcb, zs_inflight(tcb));
	alike = avail > mss && zs_build_alike(s, tcb);
	while (m != NULL && zs_txq_room(nif) > 0) {
		struct zs_seg *seg = zs_seg(m);
		uint32_t len = RTE_MIN(seg->len, mss);
		bool small = len < mss;
		uint8_t flags = ZS_ACK;

		if (len > room || (small && (len < avail || !small_allowed(tcb, len, avail))))
			break;
		if (seg->len > len && zs_sndq_split(s, tcb, m, len) < 0)
			break;
		if (seg->flags & ZS_SEG_EOR) {
			flags |= ZS_PSH;
		} else if (ends_burst(s, tcb, *run, len, avail, room)) {
			flags |= ZS_PSH;
			seg->ends_run = 1;
		}
		if (!(before == len && zs_build_like(s, tcb, m, tcb->snd_nxt, flags)) &&
		    zs_build_record(s, tcb, m, tcb->snd_nxt, wnd, flags) < 0)
			break;
		before = alike ? len : 0;
		zs_out_mark(s, tcb, m);
		*run = flags & ZS_PSH ? 0 : *run + len;
		tcb->snd_nxt += len;
		sent += len;
		avail -= len;
		room -= len;
		m = seg->next;
		if (small)
			tcb->snd_small = tcb->snd_nxt;
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
static __attribute__((noinline)) enum zs_outcome send_together(struct zs_stack *s,
							       struct zs_tcb *tcb, uint16_t wnd,
							       uint32_t *run)
{
	enum { HIDE = ZS_TF_FIN_QUEUED | ZS_TF_FORCE };
	uint32_t unsent = tcb->unsent != NULL ? zs_unsent_bytes(tcb) : 0;
	uint32_t piece = zs_sndq_together(tcb, unsent), held = tcb->flags & HIDE;
	enum zs_outcome o;

	if (piece == unsent)
		return send_one(s, tcb, wnd, run);
	tcb->sndq.bytes -= unsent - piece;
	tcb->flags &= ~(uint32_t)ZS_TF_FIN_QUEUED;
	if (usable_window(tcb) >= RTE_MIN(piece, (uint32_t)tcb->mss))
		tcb->flags |= ZS_TF_FORCE;
	o = send_one(s, tcb, wnd, run);
	tcb->flags = (tcb->flags & ~(uint32_t)HIDE) | held;
	tcb->sndq.bytes += unsent - piece;
	return o;
}

/* FIN by itself: nothing unsent before it, or sent before and lost. */
static enum zs_outcome send_fin(struct zs_stack *s, struct zs_tcb *tcb, uint16_t wnd)
{
	bool again = (tcb->flags & ZS_TF_FIN_LOST) != 0 && !zs_resend_due(s, tcb);
	bool first = zs_fin_waits(tcb) && tcb->unsent == NULL;
	struct zs_segment sg = { .wnd = wnd, .flags = ZS_FIN | ZS_ACK };

	if (!again && !first)
		return ZS_OUT_NOTHING;
	if (!zs_out_room(s, tcb))
		return ZS_OUT_BLOCKED;
	sg.seq = again ? tcb->snd_nxt - 1 : tcb->snd_nxt;
	if (zs_build_segment(s, tcb, &sg) < 0)
		return ZS_OUT_BLOCKED;
	tcb->flags &= ~(uint32_t)ZS_TF_FIN_LOST;
	zs_out_acked(tcb);
	if (first)
		enter_fin_sent(s, tcb);
	zs_out_in_flight(s, tcb);
	return ZS_OUT_SENT;
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

/* ---- tail loss probe (RFC 8985 7.3) ---- */

/* One segment of new data, whatever cwnd and small_allowed() say, or else the last one again. A
 * cork holds. */
static __attribute__((noinline)) enum zs_outcome probe(struct zs_stack *s, struct zs_tcb *tcb,
						       uint16_t wnd)
{
	uint32_t cwnd = tcb->cwnd, max_snd_wnd = tcb->max_snd_wnd, run = 0;
	uint8_t kind = ZS_TLP_NEW;
	enum zs_outcome o;

	if (!tcb->opts.cork && !(tcb->flags & ZS_TF_MORE)) {
		tcb->flags |= ZS_TF_FORCE;
		tcb->max_snd_wnd = 0;
	}
	tcb->cwnd = zs_inflight(tcb) + tcb->mss;
	o = tcb->unsent != NULL ? send_one(s, tcb, wnd, &run) : ZS_OUT_NOTHING;
	tcb->cwnd = cwnd;
	tcb->max_snd_wnd = max_snd_wnd;
	tcb->flags &= ~(uint32_t)ZS_TF_FORCE;
	if (o == ZS_OUT_NOTHING) {
		kind = ZS_TLP_AGAIN;
		o = zs_resend_last(s, tcb, wnd);
	}
	if (o == ZS_OUT_BLOCKED)
		return ZS_OUT_BLOCKED;
	tcb->tlp = kind;
	zs_score_wake(s, tcb)->tlp_end = tcb->snd_nxt;
	s->stats.tcp_tlp++;
	return ZS_OUT_SENT;
}

/* ---- the turn ---- */

/* For those who want to know: all that may be sent now has been. */
static __attribute__((noinline)) void note_sent(struct zs_stack *s, struct zs_tcb *tcb)
{
	if (tcb->flags & ZS_TF_PACED && tcb->unsent == NULL && !zs_resend_due(s, tcb))
		zs_rate_app_limited(s, tcb);
	if (tcb->stamps != NULL)
		zs_stamps_sent(s, tcb);
	zs_lowat_wake(s, tcb);
	zs_limit_find(s, tcb, usable_window(tcb));
}

/* Data, the lost first, and FIN: all that may be sent now. */
static enum zs_outcome say(struct zs_stack *s, struct zs_tcb *tcb, uint16_t wnd)
{
	uint32_t run = 0, run_end = tcb->snd_nxt;
	enum zs_outcome o;

	if (unlikely(s->now_us - tcb->last_send_us > tcb->rto_us))
		zs_cc_after_idle(s, tcb);
	if (unlikely(tcb->tlp == ZS_TLP_DUE) && probe(s, tcb, wnd) == ZS_OUT_BLOCKED)
		return ZS_OUT_BLOCKED;
	tcb->flags &= ~(uint32_t)ZS_TF_CWND_FULL;
	while (unlikely(tcb->lost > 0) &&
	       (o = zs_resend_one(s, tcb, wnd, &run_end)) != ZS_OUT_NOTHING)
		if (o == ZS_OUT_BLOCKED)
			return ZS_OUT_BLOCKED;
	for (o = ZS_OUT_SENT; tcb->unsent != NULL && o == ZS_OUT_SENT;) {
		send_records(s, tcb, wnd, &run);
		if (likely(tcb->unsent == NULL))
			break;
		o = unlikely(tcb->flags & ZS_TF_SND_RULES) ? send_together(s, tcb, wnd, &run)
							   : send_one(s, tcb, wnd, &run);
	}
	if (unlikely(o == ZS_OUT_BLOCKED))
		return ZS_OUT_BLOCKED;
	if (unlikely(tcb->unsent != NULL))
		arm_persist(s, tcb);
	else
		tcb->flags &= ~(uint32_t)ZS_TF_FORCE;
	if (unlikely(tcb->unsent != NULL ||
		     tcb->flags & (ZS_TF_PACED | ZS_TF_SND_RULES | ZS_TF_WANT_SPACE)))
		note_sent(s, tcb);
	return unlikely(tcb->flags & ZS_TF_FIN_QUEUED) ? send_fin(s, tcb, wnd) : ZS_OUT_NOTHING;
}

/* In SYN-RECEIVED a server's may with Fast Open, and a FIN before which there is nothing (RFC 9293
 * 3.10.4). */
static bool may_say(const struct zs_tcb *tcb)
{
	return tcb->state != ZS_SYN_RCVD || tcb->syn_flags & ZS_SY_CHILD || tcb->sndq.head == NULL;
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
	if (!zs_build_refresh(s, tcb)) { /* no route: timers try again */
		if (tcb->unsent != NULL || zs_fin_waits(tcb))
			arm_persist(s, tcb);
		return true;
	}
	if (tcb->flags & ZS_TF_ACK_NOW && (tcb->n_recent > 0 || tcb->flags & ZS_TF_DSACK) &&
	    zs_out_ack(s, tcb, wnd) == ZS_OUT_BLOCKED)
		return false;
	blocked = may_say(tcb) && say(s, tcb, wnd) == ZS_OUT_BLOCKED;
	/* RFC 8985 7.2: new data moves the probe */
	if (tcb->snd_una != tcb->snd_nxt &&
	    (tcb->deadline[ZS_TT_RETX] == 0 ||
	     (tcb->snd_nxt != before && tcb->ca_state == ZS_CA_OPEN)))
		zs_retx_arm(s, tcb);
	/* Data that must wait keeps no acknowledgement back: the peer may wait for just that. */
	if (tcb->flags & ZS_TF_ACK_NOW && zs_out_ack(s, tcb, wnd) == ZS_OUT_BLOCKED)
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

		/* more than one a turn touches, and its input is a while ago */
		if (!zs_list_empty(&s->out))
			zs_tcb_prefetch(container_of(s->out.next, struct zs_tcb, out));
		if (!output(s, tcb)) {
			zs_list_del(node); /* a charge that ended meanwhile may have put it there */
			zs_list_add_tail(&again, node);
		}
	}
	while ((node = zs_list_pop(&again)) != NULL)
		zs_list_add_tail(&s->out, node);
}
