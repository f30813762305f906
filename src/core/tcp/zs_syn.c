/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The SYN of a connection, and the SYN-ACK of those that have a tcb already: simultaneous open (RFC
 * 9293 3.5) and Fast Open (RFC 7413). A client's first SYN may carry data, as records of the send
 * queue that were sent; what of it the SYN-ACK does not acknowledge is lost, and sent again at
 * once.
 */
#include "core/tcp/zs_ack.h"
#include "core/tcp/zs_ecn.h"
#include "core/tcp/zs_output.h"
#include "core/tcp/zs_queue.h"
#include "core/tcp/zs_score.h"
#include "core/tcp/zs_tfo.h"
#include "core/zs_iphdr.h"
#include "core/zs_parse.h"

uint16_t zs_syn_mss(const struct zs_tcb *tcb)
{
	uint16_t hdr = (uint16_t)zs_iphdr_with_tcp(tcb->flow.family);
	uint16_t mss = tcb->mtu > hdr ? (uint16_t)(tcb->mtu - hdr) : 0;

	return tcb->opts.maxseg != 0 ? RTE_MIN(mss, tcb->opts.maxseg) : mss;
}

uint32_t zs_syn_room(struct zs_stack *s, const struct zs_tcb *tcb)
{
	uint16_t peer = zs_tfo_peer(s, &tcb->flow)->mss;
	uint16_t mss = zs_syn_mss(tcb);

	if (peer != 0)
		mss = RTE_MIN(mss, peer);
	return mss > 2 * ZS_TCPOPT_MAX ? mss - ZS_TCPOPT_MAX : ZS_TCPOPT_MAX;
}

/* References to what is unsent, as far as a SYN has room. False: no buffer. */
static bool take_payload(struct zs_stack *s, struct zs_tcb *tcb, struct rte_mbuf **head,
			 uint32_t *len)
{
	uint32_t room = zs_syn_room(s, tcb);
	struct rte_mbuf **link = head;

	for (struct rte_mbuf *m = tcb->unsent; m != NULL && room > 0; m = zs_seg(m)->next) {
		struct zs_seg *seg = zs_seg(m);

		if (seg->len > room && zs_sndq_split(s, tcb, m, room) < 0)
			goto err_free;
		*link = zs_pkt_clone(s, m, seg->off, (uint16_t)seg->len);
		if (*link == NULL)
			goto err_free;
		link = &(*link)->next;
		*len += seg->len;
		room -= seg->len;
	}
	return true;

err_free:
	rte_pktmbuf_free(*head);
	*head = NULL;
	return false;
}

static struct zs_tcpopt options(struct zs_stack *s, const struct zs_tcb *tcb, bool ack)
{
	struct zs_tcpopt opt = {
		.mss = zs_syn_mss(tcb),
		.has_ts = ack ? (tcb->flags & ZS_TF_TS) != 0 : s->cfg.use_ts,
		.sack_perm = ack ? (tcb->flags & ZS_TF_SACK) != 0 : s->cfg.use_sack,
		.has_wscale = ack ? (tcb->flags & ZS_TF_WSCALE) != 0 : s->cfg.use_wscale,
		.wscale = tcb->rcv_wscale,
		.ts_val = s->now_ms + tcb->ts_off,
		.ts_ecr = ack ? tcb->ts_recent : 0,
	};

	/* RFC 7413 4.1.3: a SYN that is sent again may be lost for its option or its data */
	if (!ack && tcb->retx_count == 0 && tcb->syn_flags & ZS_SY_ASKED)
		zs_tfo_syn_option(s, tcb, &opt);
	return opt;
}

bool zs_syn_output(struct zs_stack *s, struct zs_tcb *tcb)
{
	bool ack = tcb->state == ZS_SYN_RCVD;
	uint32_t wnd = RTE_MIN(zs_rcv_space(tcb), 65535u);
	struct zs_tcpopt opt = options(s, tcb, ack);
	struct zs_raw raw = {
		.flow = &tcb->flow,
		.seq = tcb->iss,
		.ack = ack ? tcb->rcv_nxt : 0,
		.flags = (uint8_t)(ZS_SYN | (ack ? ZS_ACK : 0)),
		.wnd = (uint16_t)wnd,
		.ttl = tcb->opts.ttl,
		.tos = tcb->opts.tos,
		.syn_opt = &opt,
	};
	uint32_t len = 0;

	if (!ack)
		raw.flags |= zs_ecn_syn(s, tcb);
	else if (tcb->flags & ZS_TF_ECN)
		raw.flags |= ZS_ECE;
	if (ack)
		tcb->rcv_adv = zs_seq_max(tcb->rcv_adv, tcb->rcv_nxt + wnd);
	tcb->flags |= ZS_TF_SYN_DUE;
	if (zs_txq_room(&s->netif[tcb->netif]) == 0)
		return false;
	if (!ack && tcb->retx_count == 0 && !take_payload(s, tcb, &raw.payload, &len))
		return false;
	if (!zs_send_raw(s, &raw))
		return false;
	tcb->flags &= ~(uint32_t)ZS_TF_SYN_DUE;
	tcb->last_send_us = s->now_us;
	zs_sndq_sent(s, tcb, len);
	tcb->snd_nxt += len;
	tcb->bytes_out += len;
	return true;
}

void zs_send_syn(struct zs_stack *s, struct zs_tcb *tcb)
{
	if (!zs_syn_output(s, tcb))
		zs_output_later(s, tcb);
}

void zs_syn_acked(struct zs_stack *s, struct zs_tcb *tcb, uint32_t ack)
{
	struct zs_ack r = { 0 };

	if (tcb->snd_nxt == ack && tcb->sndq.head == NULL)
		return;
	zs_sndq_ack(s, tcb, ack, &r);
	tcb->bytes_acked += r.released;
	if (r.released > 0)
		tcb->syn_flags |= ZS_SY_DATA;
	for (struct rte_mbuf *m = tcb->sndq.head; m != NULL && m != tcb->unsent;
	     m = zs_seg(m)->next)
		zs_score_lost(s, tcb, m);
	tcb->delivered = 0; /* the SYN was one segment, with or without data */
}
