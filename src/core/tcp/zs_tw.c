/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * TIME-WAIT: the tcb is given back, a compact entry answers what is left over (RFC 9293 3.10.7.4,
 * 1337), and gives way to a new connection that is provably new (RFC 6191, 1122 4.2.2.13). All live
 * equally long, so one queue and one timer serve them; when the table is full the oldest goes.
 */
#include "core/tcp/zs_tw.h"

#include "core/tcp/zs_half.h"
#include "core/tcp/zs_input.h"
#include "core/tcp/zs_output.h"
#include "core/tcp/zs_queue.h"
#include "core/zs_parse.h"

enum { ISS_STEP = 65537 }; /* beyond any unscaled window of the old connection */

static void schedule(struct zs_stack *s, struct zs_tw *tw)
{
	tw->expire_us = s->now_us + 2 * (uint64_t)s->cfg.msl_us;
	zs_list_del(&tw->fifo);
	zs_list_add_tail(&s->tcp.tw_fifo, &tw->fifo);
	if (!zs_timer_armed(&s->tcp.tw_timer))
		zs_timer_set(&s->wheel, &s->tcp.tw_timer, tw->expire_us);
}

static struct zs_tw *oldest(struct zs_stack *s)
{
	return container_of(s->tcp.tw_fifo.next, struct zs_tw, fifo);
}

void zs_tw_free(struct zs_stack *s, struct zs_tw *tw)
{
	zs_flowtab_del(s, tw->hash, ZS_REF_TW, zs_slab_index(&s->tcp.tws, tw));
	zs_list_del(&tw->fifo);
	zs_slab_put(&s->tcp.tws, tw);
	s->tcp.flows_changed = true;
}

void zs_tw_timer(struct zs_stack *s, struct zs_timer *t)
{
	while (!zs_list_empty(&s->tcp.tw_fifo)) {
		struct zs_tw *tw = oldest(s);

		if (tw->expire_us > s->now_us) {
			zs_timer_set(&s->wheel, t, tw->expire_us);
			return;
		}
		zs_tw_free(s, tw);
	}
}

static void send_ack(struct zs_stack *s, const struct zs_tw *tw)
{
	struct zs_raw raw = {
		.flow = &tw->flow,
		.seq = tw->snd_nxt,
		.ack = tw->rcv_nxt,
		.wnd = tw->rcv_wnd,
		.flags = ZS_ACK,
		.ttl = s->cfg.ttl,
		.ts = tw->ts,
		.ts_val = s->now_ms + tw->ts_off,
		.ts_ecr = tw->ts_recent,
	};

	s->stats.tcp_acks_out++;
	(void)zs_send_raw(s, &raw); /* as good as lost: the peer asks again */
}

void zs_tw_enter(struct zs_stack *s, struct zs_tcb *tcb)
{
	bool owe_ack = (tcb->flags & ZS_TF_ACK_NOW) != 0;
	bool orphan = (tcb->flags & ZS_TF_ORPHAN) != 0;
	struct zs_tw *tw = zs_slab_get(&s->tcp.tws);

	if (tw == NULL) {
		zs_tw_free(s, oldest(s));
		tw = zs_slab_get(&s->tcp.tws);
	}
	*tw = (struct zs_tw){
		.flow = tcb->flow,
		.hash = tcb->hash,
		.snd_nxt = tcb->snd_nxt,
		.rcv_nxt = tcb->rcv_nxt,
		.rcv_wnd =
			(uint16_t)RTE_MIN((tcb->rcv_adv - tcb->rcv_nxt) >> tcb->rcv_wscale, 65535u),
		.ts_recent = tcb->ts_recent,
		.ts_off = tcb->ts_off,
		.ts = (tcb->flags & ZS_TF_TS) != 0,
	};
	zs_tcp_set_state(tcb, ZS_TIME_WAIT);
	zs_tcb_leave_table(s, tcb);
	zs_flowtab_add(s, tw->hash, ZS_REF_TW, zs_slab_index(&s->tcp.tws, tw));
	schedule(s, tw);
	if (owe_ack)
		send_ack(s, tw);
	zs_tcb_detach(s, tcb);
	s->stats.tcp_conns_closed++;
	if (orphan)
		zs_tcb_free(s, tcb);
	else
		zs_ep_raise(s, &tcb->ep, ZS_EV_READ | ZS_EV_RDHUP | ZS_EV_HUP);
}

/* RFC 6191 2: a SYN that cannot be an old one: by its timestamp, or else by its number. */
static bool proves_new(const struct zs_stack *s, const struct zs_tw *tw,
		       const struct zs_pktinfo *pi)
{
	bool has_ts = pi->opt.has_ts && s->cfg.use_ts;

	if ((pi->tcp_flags & (ZS_SYN | ZS_ACK | ZS_RST | ZS_FIN)) != ZS_SYN)
		return false;
	if (has_ts && (!tw->ts || zs_seq_gt(pi->opt.ts_val, tw->ts_recent)))
		return true;
	if (has_ts && pi->opt.ts_val != tw->ts_recent)
		return false;
	return zs_seq_gt(pi->seq, tw->rcv_nxt);
}

uint32_t zs_tw_next_iss(struct zs_stack *s, const struct zs_tw *tw)
{
	return zs_seq_max(zs_isn(s, &tw->flow), tw->snd_nxt + ISS_STEP);
}

/* The entry goes when the SYN is taken; a cookie would not have the number that it asks for. */
static void open_anew(struct zs_stack *s, struct zs_tw *tw, struct zs_listener *l,
		      struct rte_mbuf *m, struct zs_pktinfo *pi)
{
	uint32_t iss = zs_tw_next_iss(s, tw);
	enum zs_drop why = zs_listen_refuses(s, l);

	if (why != ZS_DROP_COUNT) {
		zs_pkt_drop(s, m, why);
		return;
	}
	zs_tw_free(s, tw);
	zs_listen_input(s, l, m, pi, iss);
}

void zs_tw_input(struct zs_stack *s, struct zs_tw *tw, struct rte_mbuf *m, struct zs_pktinfo *pi)
{
	struct zs_listener *l;
	uint32_t end = pi->seq + pi->data_len + (pi->tcp_flags & ZS_FIN ? 1 : 0);
	/* the FIN again, or an ACK behind it */
	bool last = !(pi->tcp_flags & ZS_SYN) && end == tw->rcv_nxt && pi->ack == tw->snd_nxt;

	if (pi->tcp_flags & ZS_RST) { /* RFC 1337: ends nothing */
		zs_pkt_drop(s, m, ZS_DROP_TCP_RST);
		return;
	}
	if (proves_new(s, tw, pi) && (l = zs_listener_find(s, &pi->flow)) != NULL) {
		open_anew(s, tw, l, m, pi);
		return;
	}
	if (!(pi->tcp_flags & ZS_ACK) && !(pi->tcp_flags & ZS_SYN)) {
		zs_pkt_drop(s, m, ZS_DROP_TCP_NO_ACK);
		return;
	}
	if (last && pi->opt.has_ts && zs_seq_gt(pi->opt.ts_val, tw->ts_recent))
		tw->ts_recent = pi->opt.ts_val;
	if (pi->tcp_flags & ZS_FIN && end == tw->rcv_nxt)
		schedule(s, tw); /* the peer did not see our ACK: 2 MSL begin anew */
	if (!(last && pi->seq == end) && zs_challenge_allowed(s, &tw->challenge_ms))
		send_ack(s, tw);
	zs_pkt_drop(s, m, ZS_DROP_TCP_STATE);
}
