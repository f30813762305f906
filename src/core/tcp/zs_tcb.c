/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Life of a tcb: made, entered into the tables, told what it may become, taken out, freed. Owns the
 * rule of legal state transitions (RFC 9293 3.3.2) and the mapping of a connection's deadlines to
 * its one wheel node.
 */
#include "core/tcp/zs_tcb.h"

#include <errno.h>

#include "core/tcp/zs_cc.h"
#include "core/tcp/zs_output.h"
#include "core/tcp/zs_queue.h"
#include "core/tcp/zs_tfo.h"
#include "core/tcp/zs_timers.h"

static uint32_t bit(enum zs_tcp_state st)
{
	return 1u << st;
}

/* States that may follow `from`. */
static uint32_t successors(enum zs_tcp_state from)
{
	switch (from) {
	case ZS_CLOSED: /* ESTABLISHED: out of the SYN queue; SYN-RECEIVED: Fast Open */
		return bit(ZS_SYN_SENT) | bit(ZS_SYN_RCVD) | bit(ZS_ESTABLISHED);
	case ZS_LISTEN:
		return bit(ZS_CLOSED);
	case ZS_SYN_SENT:
		return bit(ZS_ESTABLISHED) | bit(ZS_SYN_RCVD);
	case ZS_SYN_RCVD:
		return bit(ZS_ESTABLISHED) | bit(ZS_FIN_WAIT_1) | bit(ZS_CLOSE_WAIT);
	case ZS_ESTABLISHED:
		return bit(ZS_FIN_WAIT_1) | bit(ZS_CLOSE_WAIT);
	case ZS_FIN_WAIT_1:
		return bit(ZS_FIN_WAIT_2) | bit(ZS_CLOSING) | bit(ZS_TIME_WAIT);
	case ZS_FIN_WAIT_2:
	case ZS_CLOSING:
		return bit(ZS_TIME_WAIT);
	case ZS_CLOSE_WAIT:
		return bit(ZS_LAST_ACK);
	case ZS_TIME_WAIT:
	case ZS_LAST_ACK:
	case ZS_NSTATES:
		return 0;
	}
	return 0;
}

void zs_tcp_set_state(struct zs_tcb *tcb, enum zs_tcp_state to)
{
	zs_assert(to == ZS_CLOSED || (successors(tcb->state) & bit(to)) != 0);
	tcb->state = (uint8_t)to;
}

const char *zs_tcp_state_name(enum zs_tcp_state st)
{
	static const char *const names[ZS_NSTATES] = {
		[ZS_CLOSED] = "CLOSED",		  [ZS_LISTEN] = "LISTEN",
		[ZS_SYN_SENT] = "SYN-SENT",	  [ZS_SYN_RCVD] = "SYN-RECEIVED",
		[ZS_ESTABLISHED] = "ESTABLISHED", [ZS_FIN_WAIT_1] = "FIN-WAIT-1",
		[ZS_FIN_WAIT_2] = "FIN-WAIT-2",	  [ZS_CLOSING] = "CLOSING",
		[ZS_TIME_WAIT] = "TIME-WAIT",	  [ZS_CLOSE_WAIT] = "CLOSE-WAIT",
		[ZS_LAST_ACK] = "LAST-ACK",
	};

	return (unsigned)st < ZS_NSTATES ? names[st] : "?";
}

struct zs_tcb *zs_tcb_new(struct zs_stack *s, const struct zs_flow *flow)
{
	const struct zs_config *cfg = &s->cfg;
	struct zs_tcb *tcb = zs_slab_get(&s->tcp.tcbs);

	if (tcb == NULL)
		return NULL;
	tcb->flow = *flow;
	tcb->ep.kind = ZS_EP_TCP;
	tcb->timer.fire = zs_tcb_timer_fire;
	tcb->rto_us = cfg->rto_initial_us;
	tcb->sndbuf = cfg->sndbuf;
	tcb->rcvbuf = cfg->rcvbuf;
	tcb->rcv_ratio = 128;
	tcb->quickack = cfg->quickacks;
	if (++s->taken_gen == 0) /* of no connection */
		s->taken_gen++;
	tcb->taken_gen = s->taken_gen;
	tcb->min_rtt_us = UINT32_MAX;
	tcb->opts = (struct zs_tcp_opts){
		.cc = cfg->cc,
		.ttl = cfg->ttl,
		.keep_idle_ms = cfg->keep_idle_ms,
		.keep_intvl_ms = cfg->keep_intvl_ms,
		.keep_count = (uint8_t)RTE_MIN(cfg->keep_count, (uint32_t)UINT8_MAX),
		.notsent_lowat = cfg->notsent_lowat,
	};
	if (cfg->notsent_lowat != 0)
		tcb->flags |= ZS_TF_SND_RULES;
	tcb->cc = tcb->opts.cc;
	return tcb;
}

void zs_tcb_enter_table(struct zs_stack *s, struct zs_tcb *tcb)
{
	tcb->hash = zs_flow_hash(s->hash_key, &tcb->flow);
	zs_flowtab_add(s, tcb->hash, ZS_REF_TCB, zs_slab_index(&s->tcp.tcbs, tcb));
	tcb->flags |= ZS_TF_IN_TABLE;
	s->tcp.flows_changed = true;
}

void zs_tcb_leave_table(struct zs_stack *s, struct zs_tcb *tcb)
{
	if (!(tcb->flags & ZS_TF_IN_TABLE))
		return;
	zs_flowtab_del(s, tcb->hash, ZS_REF_TCB, zs_slab_index(&s->tcp.tcbs, tcb));
	tcb->flags &= ~(uint32_t)ZS_TF_IN_TABLE;
	s->tcp.flows_changed = true;
}

void zs_tcb_detach(struct zs_stack *s, struct zs_tcb *tcb)
{
	zs_tcb_leave_table(s, tcb);
	zs_tfo_child_done(s, tcb);
	zs_timer_cancel(&s->wheel, &tcb->timer);
	memset(tcb->deadline, 0, sizeof(tcb->deadline));
	zs_list_del(&tcb->out);
	if (tcb->flags & ZS_TF_BOUND)
		zs_list_del(&tcb->port_link);
	tcb->flags &= ~(uint32_t)ZS_TF_BOUND;
}

void zs_tcb_free(struct zs_stack *s, struct zs_tcb *tcb)
{
	zs_tcb_detach(s, tcb);
	zs_list_del(&tcb->ep.link);
	if (tcb->listener != NULL) {
		zs_list_del(&tcb->accept_link);
		tcb->listener->n_accept--;
	}
	zs_sndq_purge(s, tcb, tcb->ep.error != 0 ? -tcb->ep.error : -ECONNRESET);
	zs_rcvq_purge(tcb);
	rte_pktmbuf_free(tcb->stamps);
	s->taken_mem -= tcb->taken_mem;
	tcb->taken_gen = 0;	/* what the application still holds is nobody's */
	tcb->timer.fire = NULL; /* marks a free slot for zs_tcp_foreach() */
	zs_slab_put(&s->tcp.tcbs, tcb);
}

void zs_tcb_dead(struct zs_stack *s, struct zs_tcb *tcb, int error)
{
	zs_tcb_detach(s, tcb);
	zs_tcp_set_state(tcb, ZS_CLOSED);
	s->stats.tcp_conns_closed++;
	if (tcb->flags & ZS_TF_ORPHAN) {
		tcb->ep.error = error;
		zs_tcb_free(s, tcb);
		return;
	}
	zs_sndq_purge(s, tcb, error != 0 ? -error : -ECONNRESET);
	tcb->ep.error = error;
	zs_ep_raise(s, &tcb->ep,
		    ZS_EV_READ | ZS_EV_WRITE | ZS_EV_RDHUP | ZS_EV_HUP | (error ? ZS_EV_ERR : 0));
}

/*
 * The node sits at the earliest deadline or before it: moving a deadline later is a store, and the
 * node that fires early finds nothing due and re-arms itself.
 */
void zs_tcb_timer(struct zs_stack *s, struct zs_tcb *tcb, enum zs_tcb_timer which,
		  uint64_t deadline_us)
{
	tcb->deadline[which] = deadline_us;
	if (deadline_us != 0)
		zs_tcb_wake(s, tcb, deadline_us);
}

void zs_tcb_wake(struct zs_stack *s, struct zs_tcb *tcb, uint64_t deadline_us)
{
	if (!zs_timer_armed(&tcb->timer) ||
	    tcb->timer.tick > (deadline_us + (1 << ZS_TICK_SHIFT) - 1) >> ZS_TICK_SHIFT)
		zs_timer_set(&s->wheel, &tcb->timer, deadline_us);
}

void zs_tcp_quickack(struct zs_stack *s, struct zs_tcb *tcb, bool on)
{
	tcb->quickack = on ? RTE_MAX(s->cfg.quickacks, 1) : 0;
	if (on && tcb->deadline[ZS_TT_DELACK] != 0)
		zs_ack_now(s, tcb);
}
