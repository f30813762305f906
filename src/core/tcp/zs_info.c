/* SPDX-License-Identifier: BSD-3-Clause */
/* What a connection tells about itself. */
#include "core/tcp/zs_cc.h"
#include "core/tcp/zs_limits.h"
#include "core/tcp/zs_output.h"
#include "core/tcp/zs_pace.h"
#include "core/tcp/zs_queue.h"
#include "core/tcp/zs_score.h"
#include "core/zs_ip6.h"
#include "core/zs_iphdr.h"
#include "core/zs_udp.h"

uint32_t *zs_tcp_words(struct zs_tcb *tcb)
{
	return tcb->words;
}

uint64_t zs_tcp_acked(const struct zs_tcb *tcb)
{
	return tcb->bytes_acked;
}

bool zs_tcp_fin_received(const struct zs_tcb *tcb)
{
	return (tcb->flags & ZS_TF_FIN_RCVD) != 0;
}

/* RFC 9293 3.10.4: CLOSE enters FIN-WAIT-1 in any case; here the FIN waits behind data. */
enum zs_tcp_state zs_tcp_shown_state(const struct zs_tcb *tcb)
{
	if (tcb->flags & ZS_TF_FIN_QUEUED &&
	    (tcb->state == ZS_ESTABLISHED || tcb->state == ZS_SYN_RCVD))
		return ZS_FIN_WAIT_1;
	if (tcb->flags & ZS_TF_FIN_QUEUED && tcb->state == ZS_CLOSE_WAIT)
		return ZS_LAST_ACK;
	return tcb->state;
}

bool zs_tcp_has_met(const struct zs_tcb *tcb)
{
	return tcb->peer_mss != 0; /* what never is; its first number may be 0 */
}

void zs_tcp_get_info(const struct zs_stack *s, const struct zs_tcb *tcb, struct zs_tcp_info *info)
{
	const struct zs_score *sc = tcb->flags & ZS_TF_SCORE ? zs_score(s, tcb) : NULL;
	const struct zs_cc_ops *cc = zs_cc_find(tcb->cc);

	*info = (struct zs_tcp_info){
		.state = zs_tcp_shown_state(tcb),
		.ca_state = tcb->ca_state,
		.retransmits = tcb->retx_count,
		.probes = tcb->probes,
		.backoff = tcb->retx_count,
		.ts = (tcb->flags & ZS_TF_TS) != 0,
		.sack = (tcb->flags & ZS_TF_SACK) != 0,
		.wscale = (tcb->flags & ZS_TF_WSCALE) != 0,
		.ecn = (tcb->flags & ZS_TF_ECN) != 0,
		.ect_seen = (tcb->flags & ZS_TF_ECT_SEEN) != 0,
		.syn_acked = tcb->state >= ZS_ESTABLISHED,
		.delivered = tcb->delivered,
		.syn_data = (tcb->syn_flags & ZS_SY_DATA) != 0,
		.snd_wscale = tcb->snd_wscale,
		.rcv_wscale = tcb->rcv_wscale,
		.rto_us = tcb->rto_us,
		.snd_mss = tcb->mss,
		.rcv_mss = tcb->rcv_mss,
		.pmtu = zs_pmtu(s, tcb->flow.family, &tcb->flow.faddr, tcb->mtu),
		.adv_mss = zs_syn_mss(tcb),
		.srtt_us = tcb->srtt_us,
		.rttvar_us = tcb->rttvar_us,
		.min_rtt_us = tcb->min_rtt_us == UINT32_MAX ? 0 : tcb->min_rtt_us,
		.cwr = (tcb->flags & ZS_TF_ECN_CUT) != 0 && zs_seq_lt(tcb->snd_una, tcb->recover),
		.dupacks = tcb->dupacks,
		.cwnd = tcb->cwnd,
		.ssthresh = tcb->ssthresh,
		.no_ssthresh = tcb->ssthresh >= ZS_SSTHRESH_INITIAL,
		.inflight = zs_inflight(tcb),
		.sacked = tcb->sacked,
		.lost = tcb->lost,
		.retx = tcb->retx,
		.unacked = tcb->snd_nxt - tcb->snd_una,
		.reordering = RTE_MAX(sc != NULL ? (int)sc->reordering : 0, (int)ZS_DUP_THRESH),
		.reord_seen = sc != NULL ? sc->reord_seen : 0,
		.snd_wnd = tcb->snd_wnd,
		.rcv_wnd = tcb->rcv_adv - tcb->rcv_nxt,
		.rcvbuf = tcb->rcvbuf,
		.sndbuf = tcb->sndbuf,
		.rcv_mem = tcb->rcvq.mem + tcb->ooo.mem,
		.taken_mem = tcb->taken_mem,
		.snd_queued = tcb->sndq.bytes,
		.unsent = tcb->unsent != NULL ? zs_unsent_bytes(tcb) : 0,
		.bytes_acked = tcb->bytes_acked,
		.bytes_received = tcb->bytes_in,
		.bytes_sent = tcb->bytes_out,
		.bytes_retx = tcb->bytes_retx,
		.segs_in = tcb->segs_in,
		.segs_out = tcb->segs_out,
		.total_retx = tcb->segs_retx,
		.last_send_us = tcb->last_send_us,
		.last_recv_us = tcb->last_recv_us,
		.pacing_rate = tcb->flags & ZS_TF_PACED ? zs_pace_rate(s, tcb) : 0,
		.delivery_rate = tcb->flags & ZS_TF_PACED ? zs_pace(s, tcb)->delivery_rate : 0,
		.app_limited = tcb->flags & ZS_TF_PACED && zs_pace(s, tcb)->app_limited != 0,
		.busy_us = zs_busy_us(s, tcb),
		.rwnd_limited_us = zs_limited_us(s, tcb, ZS_LIMIT_RWND),
		.sndbuf_limited_us = zs_limited_us(s, tcb, ZS_LIMIT_SNDBUF),
		.dsacks = sc != NULL ? sc->dsacks : 0,
		.quickack = tcb->quickack > 0,
		.cc = tcb->cc,
	};
	if (cc->tell != NULL)
		cc->tell(s, tcb, info);
}

struct zs_stack_counts zs_stack_counts(const struct zs_stack *s)
{
	return (struct zs_stack_counts){
		.tcbs = s->tcp.tcbs.live,
		.half_open = s->tcp.halves.live,
		.time_wait = s->tcp.tws.live,
		.listeners = s->tcp.listeners.live,
		.udp = zs_udp_count(s),
	};
}
