/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Half-open entries: SYN-RECEIVED (RFC 9293 3.10.7.4) until the handshake's ACK, and the SYN-ACKs
 * that are sent again meanwhile.
 */
#include "core/tcp/zs_half.h"
#include "core/tcp/zs_ecn.h"
#include "core/tcp/zs_input.h"
#include "core/tcp/zs_output.h"
#include "core/tcp/zs_tfo.h"
#include "core/zs_ip6.h"
#include "core/zs_iphdr.h"

static uint32_t half_hash(const struct zs_stack *s, const struct zs_half *h)
{
	return zs_flow_hash(s->hash_key, &h->flow);
}

struct zs_listener *zs_half_listener(struct zs_stack *s, const struct zs_half *h)
{
	return zs_slab_at(&s->tcp.listeners, h->listener);
}

static void half_put(struct zs_stack *s, struct zs_half *h)
{
	zs_half_listener(s, h)->n_half_open--;
	zs_list_del(&h->fifo);
	zs_slab_put(&s->tcp.halves, h);
	s->tcp.flows_changed = true;
}

void zs_half_free(struct zs_stack *s, struct zs_half *h)
{
	zs_flowtab_del(s, half_hash(s, h), ZS_REF_HALF, zs_slab_index(&s->tcp.halves, h));
	half_put(s, h);
}

uint16_t zs_half_mtu(struct zs_stack *s, const struct zs_flow *flow)
{
	struct zs_addr nexthop;
	const struct zs_netif *nif = zs_route_lookup(s, flow->family, &flow->faddr, &nexthop);

	return nif != NULL ? zs_link_mtu(s, nif, flow->family) : 576;
}

void zs_half_answer(struct zs_stack *s, struct zs_half *h)
{
	const struct zs_listener *l = zs_half_listener(s, h);
	uint8_t cookie[ZS_TFO_OUR_LEN];
	uint16_t mss = (uint16_t)(zs_half_mtu(s, &h->flow) - zs_iphdr_with_tcp(h->flow.family));
	struct zs_tcpopt opt = {
		.mss = l->opts.maxseg != 0 ? RTE_MIN(mss, l->opts.maxseg) : mss,
		.has_ts = h->ts,
		.sack_perm = h->sack,
		.has_wscale = h->wscale,
		.wscale = zs_rcv_wscale(s, &l->opts),
		.ts_val = s->now_ms + h->ts_off,
		.ts_ecr = h->ts_recent,
		.fastopen = h->retries == 0 ? h->tfo : 0,
		.cookie = cookie,
	};
	struct zs_raw raw = {
		.flow = &h->flow,
		.seq = h->iss,
		.ack = h->irs + 1,
		.flags = (uint8_t)(ZS_SYN | ZS_ACK | (h->ecn ? ZS_ECE : 0)),
		.wnd = (uint16_t)zs_listener_space(s, l),
		.ttl = l->opts.ttl,
		.tos = l->opts.tos,
		.syn_opt = &opt,
	};

	if (opt.fastopen != 0)
		zs_tfo_cookie(zs_tfo_key(s, l), &h->flow, cookie);
	h->sent_us = (uint32_t)s->now_us;
	(void)zs_send_raw(s, &raw); /* as good as lost: the peer asks again */
}

/* Puts h on the queue of its retry count, where deadlines are in order. */
static void half_schedule(struct zs_stack *s, struct zs_half *h)
{
	uint64_t wait = (uint64_t)s->cfg.rto_initial_us << h->retries;

	h->deadline_us = s->now_us + wait;
	zs_list_add_tail(&s->tcp.half_fifo[h->retries], &h->fifo);
	if (!zs_timer_armed(&s->tcp.half_timer) ||
	    s->tcp.half_timer.tick << ZS_TICK_SHIFT > h->deadline_us)
		zs_timer_set(&s->wheel, &s->tcp.half_timer, h->deadline_us);
}

static void half_expired(struct zs_stack *s, struct zs_half *h)
{
	uint8_t defer = zs_half_listener(s, h)->opts.defer_accept;
	uint8_t limit = RTE_MAX(s->cfg.synack_retries, defer);

	if (h->retries >= RTE_MIN(limit, (uint8_t)(ZS_HALF_LEVELS - 1))) {
		zs_half_free(s, h);
		return;
	}
	zs_list_del(&h->fifo);
	h->retries++;
	half_schedule(s, h);
	if (!h->acked || h->retries >= defer)
		zs_half_answer(s, h);
}

void zs_half_timer(struct zs_stack *s, struct zs_timer *t)
{
	uint64_t next = UINT64_MAX;

	for (int level = ZS_HALF_LEVELS - 1; level >= 0; level--) {
		struct zs_list *head = &s->tcp.half_fifo[level];

		while (!zs_list_empty(head)) {
			struct zs_half *h = container_of(head->next, struct zs_half, fifo);

			if (h->deadline_us > s->now_us) {
				next = RTE_MIN(next, h->deadline_us);
				break;
			}
			half_expired(s, h);
		}
	}
	/* entries that moved up a level armed the timer themselves, perhaps later than `next` */
	if (next != UINT64_MAX && (!zs_timer_armed(t) || t->tick << ZS_TICK_SHIFT > next))
		zs_timer_set(&s->wheel, t, next);
}

struct zs_half zs_half_of(struct zs_stack *s, const struct zs_listener *l,
			  const struct zs_pktinfo *pi, uint32_t iss)
{
	return (struct zs_half){
		.flow = pi->flow,
		.iss = iss,
		.irs = pi->seq,
		.ts_recent = pi->opt.ts_val,
		.ts_off = zs_ts_offset(s, &pi->flow),
		.listener = zs_slab_index(&s->tcp.listeners, l),
		.peer_mss = pi->opt.mss,
		.peer_wscale = pi->opt.wscale,
		.ts = pi->opt.has_ts && s->cfg.use_ts,
		.sack = pi->opt.sack_perm && s->cfg.use_sack,
		.wscale = pi->opt.has_wscale && s->cfg.use_wscale,
		.ecn = zs_ecn_accept(s, l->opts.cc, pi),
	};
}

void zs_half_new(struct zs_stack *s, struct zs_listener *l, const struct zs_pktinfo *pi,
		 uint32_t iss, uint8_t tfo)
{
	struct zs_half *h = zs_slab_get(&s->tcp.halves);

	*h = zs_half_of(s, l, pi, iss);
	h->tfo = tfo;
	l->n_half_open++;
	zs_flowtab_add(s, half_hash(s, h), ZS_REF_HALF, zs_slab_index(&s->tcp.halves, h));
	s->tcp.flows_changed = true;
	half_schedule(s, h);
	zs_half_answer(s, h);
}

void zs_half_become(struct zs_stack *s, struct zs_half *h, struct zs_tcb *tcb)
{
	tcb->hash = half_hash(s, h);
	zs_flowtab_replace(s, tcb->hash, ZS_REF_HALF, zs_slab_index(&s->tcp.halves, h), ZS_REF_TCB,
			   zs_slab_index(&s->tcp.tcbs, tcb));
	tcb->flags |= ZS_TF_IN_TABLE;
	half_put(s, h);
}

static void half_challenge(struct zs_stack *s, struct zs_half *h)
{
	const struct zs_listener *l = zs_half_listener(s, h);
	uint32_t shift = h->wscale ? zs_rcv_wscale(s, &l->opts) : 0;
	struct zs_raw raw = {
		.flow = &h->flow,
		.seq = h->iss + 1,
		.ack = h->irs + 1,
		.flags = ZS_ACK,
		.wnd = (uint16_t)((zs_listener_space(s, l) + (1u << shift) - 1) >> shift),
		.ttl = s->cfg.ttl,
		.ts = h->ts,
		.ts_val = s->now_ms + h->ts_off,
		.ts_ecr = h->ts_recent,
	};

	if (!zs_challenge_allowed(s, &h->challenge_ms))
		return;
	s->stats.tcp_challenge++;
	(void)zs_send_raw(s, &raw); /* as good as lost: the peer asks again */
}

/* The round trip ends here, however long the connection waits for data or for room. */
static void note_acked(struct zs_stack *s, struct zs_half *h, const struct zs_pktinfo *pi)
{
	h->acked = true;
	h->timeouts = h->retries;
	if (h->retries == 0 && !h->again)
		h->rtt_us = RTE_MAX((uint32_t)s->now_us - h->sent_us, 1u);
	else if (h->ts)
		h->rtt_us = zs_rtt_echoed(s, h->ts_off, pi);
}

enum zs_drop zs_half_check(struct zs_stack *s, struct zs_half *h, const struct zs_pktinfo *pi)
{
	const struct zs_listener *l = zs_half_listener(s, h);
	bool acceptable = zs_tcp_acceptable(pi, h->irs + 1, zs_listener_space(s, l));

	if (pi->tcp_flags & ZS_RST) {
		if (pi->seq == h->irs + 1)
			zs_half_free(s, h);
		else if (acceptable)
			half_challenge(s, h);
		return ZS_DROP_TCP_RST;
	}
	if (pi->tcp_flags & ZS_SYN) {
		if (pi->seq == h->irs && !(pi->tcp_flags & ZS_ACK)) {
			/* RFC 3168 6.1.1: one SYN that does not ask, and there is no ECN */
			h->ecn = h->ecn && zs_ecn_accept(s, l->opts.cc, pi);
			if (pi->opt.has_ts && zs_seq_gt(pi->opt.ts_val, h->ts_recent))
				h->ts_recent = pi->opt.ts_val; /* RFC 7323 4.3 */
			h->again = true;
			zs_half_answer(s, h);
		} else
			half_challenge(s, h);
		return ZS_DROP_TCP_SYN;
	}
	if (h->ts && !pi->opt.has_ts && !s->cfg.tolerate_missing_ts) /* RFC 7323 3.2 */
		return ZS_DROP_TCP_PAWS;
	if (h->ts && pi->opt.has_ts && zs_seq_lt(pi->opt.ts_val, h->ts_recent)) {
		half_challenge(s, h);
		return ZS_DROP_TCP_PAWS;
	}
	if (!acceptable) {
		half_challenge(s, h);
		return ZS_DROP_TCP_WINDOW;
	}
	if (!(pi->tcp_flags & ZS_ACK))
		return ZS_DROP_TCP_NO_ACK;
	if (pi->ack != h->iss + 1) {
		zs_send_rst_for(s, pi);
		return ZS_DROP_TCP_BAD_ACK;
	}
	if (!h->acked)
		note_acked(s, h, pi);
	return l->n_accept >= l->backlog ? ZS_DROP_TCP_ACCEPT_FULL : ZS_DROP_COUNT;
}

bool zs_half_defers(struct zs_stack *s, const struct zs_half *h, const struct zs_pktinfo *pi)
{
	return pi->data_len == 0 && !(pi->tcp_flags & ZS_FIN) &&
	       h->retries < zs_half_listener(s, h)->opts.defer_accept;
}
