/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The timers of a connection: retransmission (RFC 6298 5), persist (RFC 9293 3.8.6.1), delayed ACK
 * (RFC 5681 4.2), keepalive (RFC 1122 4.2.3.6), FIN-WAIT-2 of an orphan. One wheel node stands for
 * all; each handler returns true when the connection is gone.
 */
#include <errno.h>

#include "core/tcp/zs_ack.h"
#include "core/tcp/zs_output.h"
#include "core/tcp/zs_pace.h"
#include "core/tcp/zs_queue.h"
#include "core/tcp/zs_sndrules.h"
#include "core/tcp/zs_timers.h"

enum { MAX_BACKOFF = 16, ORPHAN_PROBES = 8 };

/* Where time is the limit, there may be more of them than the number can tell. */
static void count(uint8_t *n)
{
	*n += *n < UINT8_MAX;
}

/* RFC 5482: the user timeout counts from when what is missing was sent, or could not be. */
static uint64_t user_deadline(const struct zs_tcb *tcb)
{
	uint64_t ms = tcb->opts.user_timeout_ms;

	return ms == 0 ? UINT64_MAX : tcb->stalled_us + ms * 1000;
}

static bool give_up(struct zs_stack *s, struct zs_tcb *tcb, unsigned tries, unsigned limit)
{
	if (tcb->stalled_us == 0)
		tcb->stalled_us = s->now_us - tcb->rto_us;
	if (tcb->opts.user_timeout_ms != 0)
		return s->now_us >= user_deadline(tcb);
	return tries >= limit;
}

/*
 * RFC 9293 3.8.6.1: a closed window has no end while the peer answers, also where it was closed
 * over what is on its way (3.8.6, SHLD-17). An orphan is not kept for ever (RFC 6429): answered, it
 * waits for as long as retransmissions would.
 */
static bool give_up_probing(struct zs_stack *s, struct zs_tcb *tcb)
{
	bool orphan = (tcb->flags & ZS_TF_ORPHAN) != 0;
	unsigned limit = orphan ? ORPHAN_PROBES : s->cfg.data_retries;

	if (tcb->stalled_us == 0) /* keepalive's, from before */
		tcb->probes = 0;
	if (give_up(s, tcb, tcb->probes, limit) || (orphan && tcb->probe_shift == MAX_BACKOFF))
		return true;
	count(&tcb->probes);
	return false;
}

static void back_off(struct zs_stack *s, struct zs_tcb *tcb)
{
	tcb->rto_us = (uint32_t)RTE_MIN(2 * (uint64_t)tcb->rto_us, (uint64_t)s->cfg.rto_max_us);
	tcb->rto_base_us = (uint32_t)s->now_us;
	tcb->retx_kind = ZS_RETX_RTO;
	zs_tcb_timer(s, tcb, ZS_TT_RETX, RTE_MIN(s->now_us + tcb->rto_us, user_deadline(tcb)));
}

static bool retransmit_syn(struct zs_stack *s, struct zs_tcb *tcb)
{
	unsigned limit = tcb->opts.syn_retries != 0 ? tcb->opts.syn_retries : s->cfg.syn_retries;

	if (give_up(s, tcb, tcb->retx_count, limit)) {
		zs_tcb_dead(s, tcb, ETIMEDOUT);
		return true;
	}
	count(&tcb->retx_count);
	back_off(s, tcb);
	zs_send_syn(s, tcb);
	return false;
}

static bool retransmit(struct zs_stack *s, struct zs_tcb *tcb)
{
	bool closed = tcb->snd_wnd == 0 && !(tcb->flags & ZS_TF_ORPHAN);

	if (tcb->state == ZS_SYN_SENT || tcb->state == ZS_SYN_RCVD)
		return retransmit_syn(s, tcb);
	if (tcb->snd_una == tcb->snd_nxt)
		return false;
	if (closed ? give_up_probing(s, tcb)
		   : give_up(s, tcb, tcb->retx_count, s->cfg.data_retries)) {
		zs_tcb_dead(s, tcb, ETIMEDOUT);
		return true;
	}
	tcb->nh_checked_ms = 0; /* the neighbour may be what failed (RFC 1122 2.3.2.1) */
	tcb->hdr_len = 0;
	s->stats.tcp_rto++;
	zs_loss_on_rto(s, tcb);
	if (!closed || tcb->retx_count == 0)
		count(&tcb->retx_count);
	if (!closed)
		zs_mtu_on_timeout(s, tcb);
	back_off(s, tcb);
	zs_output_later(s, tcb);
	return false;
}

/*
 * The window is closed, or too small to be worth a segment: probe, or send what fits. Where there
 * was no route, and is none, that counts like a probe that nobody answers.
 */
static bool persist(struct zs_stack *s, struct zs_tcb *tcb)
{
	bool open = zs_seq_gt(tcb->snd_una + tcb->snd_wnd, tcb->snd_nxt);
	uint64_t wait;

	if (tcb->sndq.head == NULL)
		zs_sndq_retried(s, tcb);
	if (tcb->unsent == NULL && !zs_fin_waits(tcb))
		return false;
	if ((open || tcb->unsent == NULL) && zs_build_refresh(s, tcb)) {
		tcb->flags |= ZS_TF_FORCE;
		tcb->probe_shift = 0;
		if (tcb->unsent != NULL) /* more was announced, and did not come */
			zs_seg(tcb->sndq.tail)->flags |= ZS_SEG_EOR;
		zs_output_later(s, tcb);
		return false;
	}
	zs_sndq_yield(s, tcb);
	if (give_up_probing(s, tcb)) {
		zs_tcb_dead(s, tcb, ETIMEDOUT);
		return true;
	}
	zs_send_probe(s, tcb);
	/* the interval grows whether they are answered or not (RFC 9293 3.8.6.1, SHLD-30) */
	if (tcb->probe_shift < MAX_BACKOFF)
		tcb->probe_shift++;
	wait = (uint64_t)tcb->rto_us << tcb->probe_shift;
	wait = RTE_MIN(wait, (uint64_t)s->cfg.rto_max_us);
	zs_tcb_timer(s, tcb, ZS_TT_PERSIST, RTE_MIN(s->now_us + wait, user_deadline(tcb)));
	return false;
}

void zs_keepalive_start(struct zs_stack *s, struct zs_tcb *tcb)
{
	uint64_t due = s->now_us + (uint64_t)tcb->opts.keep_idle_ms * 1000;

	if (tcb->flags & ZS_TF_ORPHAN || !zs_tcb_synchronized(tcb) || tcb->state == ZS_TIME_WAIT)
		return;
	if (tcb->deadline[ZS_TT_LIFE] != 0) /* where it is too early now, keepalive() waits on */
		due = RTE_MIN(due, tcb->deadline[ZS_TT_LIFE]);
	zs_tcb_timer(s, tcb, ZS_TT_LIFE, tcb->opts.keepalive ? due : 0);
}

/* What is in flight or waits has a timer that asks and gives up. tcp(7): the user timeout, where
 * there is one, decides in place of the number of probes. */
static bool keepalive(struct zs_stack *s, struct zs_tcb *tcb)
{
	uint64_t ms = tcb->opts.user_timeout_ms, end = tcb->last_recv_us + ms * 1000;
	uint64_t idle_until = tcb->last_recv_us + (uint64_t)tcb->opts.keep_idle_ms * 1000;
	uint64_t next = s->now_us + (uint64_t)tcb->opts.keep_intvl_ms * 1000;
	bool busy = tcb->snd_una != tcb->snd_nxt || tcb->unsent != NULL || zs_fin_waits(tcb);

	if (!tcb->opts.keepalive)
		return false;
	if (idle_until > s->now_us || busy) {
		zs_tcb_timer(s, tcb, ZS_TT_LIFE, idle_until > s->now_us ? idle_until : next);
		return false;
	}
	if (ms == 0 ? tcb->probes >= tcb->opts.keep_count : tcb->probes > 0 && s->now_us >= end) {
		zs_send_rst(s, tcb);
		zs_tcb_dead(s, tcb, ETIMEDOUT);
		return true;
	}
	count(&tcb->probes);
	zs_send_probe(s, tcb);
	zs_tcb_timer(s, tcb, ZS_TT_LIFE, end > s->now_us ? RTE_MIN(end, next) : next);
	return false;
}

static bool life(struct zs_stack *s, struct zs_tcb *tcb)
{
	if (!(tcb->flags & ZS_TF_ORPHAN))
		return keepalive(s, tcb);
	if (tcb->state != ZS_FIN_WAIT_2)
		return false;
	zs_tcb_dead(s, tcb, 0);
	return true;
}

static bool retransmission(struct zs_stack *s, struct zs_tcb *tcb)
{
	switch ((enum zs_retx_kind)tcb->retx_kind) {
	case ZS_RETX_RTO:
		return retransmit(s, tcb);
	case ZS_RETX_PTO:
		zs_tlp_on_pto(s, tcb);
		return false;
	case ZS_RETX_REORDER:
		zs_loss_on_reorder_timer(s, tcb);
		return false;
	}
	return false;
}

static bool expired(struct zs_stack *s, struct zs_tcb *tcb, enum zs_tcb_timer which)
{
	tcb->deadline[which] = 0;
	switch (which) {
	case ZS_TT_RETX:
		return retransmission(s, tcb);
	case ZS_TT_PERSIST:
		return persist(s, tcb);
	case ZS_TT_DELACK:
		zs_ack_now(s, tcb);
		return false;
	case ZS_TT_LIFE:
		return life(s, tcb);
	case ZS_TT_COUNT:
		break;
	}
	return false;
}

void zs_tcb_timer_fire(struct zs_stack *s, struct zs_timer *t)
{
	struct zs_tcb *tcb = container_of(t, struct zs_tcb, timer);
	uint64_t next = UINT64_MAX;

	for (unsigned i = 0; i < ZS_TT_COUNT; i++)
		if (tcb->deadline[i] != 0 && tcb->deadline[i] <= s->now_us && expired(s, tcb, i))
			return;
	for (unsigned i = 0; i < ZS_TT_COUNT; i++)
		if (tcb->deadline[i] != 0)
			next = RTE_MIN(next, tcb->deadline[i]);
	if (unlikely(tcb->flags & ZS_TF_PACED))
		next = RTE_MIN(next, zs_pace_fire(s, tcb));
	if (next != UINT64_MAX)
		zs_timer_set(&s->wheel, &tcb->timer, next);
}
