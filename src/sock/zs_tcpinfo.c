/* SPDX-License-Identifier: BSD-3-Clause */
/* TCP_INFO, TCP_CC_INFO: what a connection knows of itself, in the layout and the units of Linux.
 */
#include <linux/inet_diag.h>
#include <linux/tcp.h>

#include "sock/zs_sockopt.h"

/* Linux' numbers of the states (TCP_ESTABLISHED and so on). */
static uint8_t linux_state(enum zs_tcp_state st)
{
	static const uint8_t map[ZS_NSTATES] = {
		[ZS_ESTABLISHED] = 1, [ZS_SYN_SENT] = 2,  [ZS_SYN_RCVD] = 3, [ZS_FIN_WAIT_1] = 4,
		[ZS_FIN_WAIT_2] = 5,  [ZS_TIME_WAIT] = 6, [ZS_CLOSED] = 7,   [ZS_CLOSE_WAIT] = 8,
		[ZS_LAST_ACK] = 9,    [ZS_LISTEN] = 10,	  [ZS_CLOSING] = 11,
	};

	return map[st];
}

/* Linux' TCP_CA_Open, Disorder, CWR, Recovery, Loss. */
static uint8_t linux_ca_state(const struct zs_tcp_info *in)
{
	static const uint8_t map[] = { 0, 3, 4 };

	if (in->ca_state == 0 && in->cwr)
		return 2;
	return in->ca_state == 0 && (in->sacked > 0 || in->dupacks > 0) ? 1 : map[in->ca_state];
}

static uint32_t segments(uint32_t bytes, uint32_t mss)
{
	return mss != 0 ? (bytes + mss - 1) / mss : 0;
}

/* Segments; what no loss has set yet is Linux' TCP_INFINITE_SSTHRESH. */
static uint32_t linux_ssthresh(const struct zs_tcp_info *in)
{
	return in->no_ssthresh ? INT32_MAX : segments(in->ssthresh, in->snd_mss);
}

static uint32_t ms_since(const struct zs_sock *sk, uint64_t then_us)
{
	uint64_t now_us = zs_stack_now(sk->s);

	return then_us != 0 && then_us < now_us ? (uint32_t)((now_us - then_us) / 1000) : 0;
}

static void fill_info(const struct zs_sock *sk, const struct zs_tcp_info *in, struct tcp_info *out)
{
	uint32_t mss = in->snd_mss;

	out->tcpi_state = linux_state(in->state);
	out->tcpi_ca_state = linux_ca_state(in);
	out->tcpi_retransmits = in->retransmits;
	out->tcpi_probes = in->probes;
	out->tcpi_backoff = in->backoff;
	out->tcpi_options = (in->ts ? TCPI_OPT_TIMESTAMPS : 0) | (in->sack ? TCPI_OPT_SACK : 0) |
			    (in->wscale ? TCPI_OPT_WSCALE : 0) | (in->ecn ? TCPI_OPT_ECN : 0) |
			    (in->ect_seen ? TCPI_OPT_ECN_SEEN : 0) |
			    (in->syn_data ? TCPI_OPT_SYN_DATA : 0);
	out->tcpi_snd_wscale = in->snd_wscale & 15;
	out->tcpi_rcv_wscale = in->rcv_wscale & 15;
	out->tcpi_delivery_rate_app_limited = in->app_limited;
	out->tcpi_rto = in->rto_us;
	out->tcpi_ato = zs_stack_config(sk->s)->delack_us;
	out->tcpi_snd_mss = mss;
	out->tcpi_rcv_mss = in->rcv_mss;
	out->tcpi_unacked = segments(in->unacked, mss);
	out->tcpi_sacked = segments(in->sacked, mss);
	out->tcpi_lost = segments(in->lost, mss);
	out->tcpi_retrans = segments(in->retx, mss);
	out->tcpi_last_data_sent = ms_since(sk, in->last_send_us);
	out->tcpi_last_data_recv = ms_since(sk, in->last_recv_us);
	out->tcpi_last_ack_recv = ms_since(sk, in->last_recv_us);
	out->tcpi_rtt = in->srtt_us;
	out->tcpi_rttvar = in->rttvar_us;
	out->tcpi_snd_ssthresh = linux_ssthresh(in);
	out->tcpi_reordering = in->reordering;
	out->tcpi_reord_seen = in->reord_seen;
	out->tcpi_snd_cwnd = mss != 0 ? in->cwnd / mss : 0;
	out->tcpi_advmss = in->adv_mss;
	out->tcpi_pmtu = in->pmtu;
	out->tcpi_rcv_space = in->rcv_wnd;
	out->tcpi_rcv_ssthresh = in->rcvbuf;
	out->tcpi_total_retrans = (uint32_t)in->total_retx;
	out->tcpi_bytes_acked = in->bytes_acked;
	out->tcpi_bytes_received = in->bytes_received;
	out->tcpi_segs_out = (uint32_t)in->segs_out;
	out->tcpi_segs_in = (uint32_t)in->segs_in;
	out->tcpi_notsent_bytes = in->unsent;
	out->tcpi_min_rtt = in->min_rtt_us;
	out->tcpi_bytes_sent = in->bytes_sent;
	out->tcpi_bytes_retrans = in->bytes_retx;
	out->tcpi_snd_wnd = in->snd_wnd;
	out->tcpi_pacing_rate = in->pacing_rate != 0 ? in->pacing_rate : UINT64_MAX;
	out->tcpi_delivery_rate = in->delivery_rate;
	out->tcpi_busy_time = in->busy_us;
	out->tcpi_rwnd_limited = in->rwnd_limited_us;
	out->tcpi_sndbuf_limited = in->sndbuf_limited_us;
	out->tcpi_dsack_dups = in->dsacks;
	out->tcpi_delivered = in->syn_acked + segments((uint32_t)in->delivered, mss);
}

/* What later kernels added behind the struct of this system's headers. */
struct later {
	uint32_t rcv_wnd, rehash;
	uint16_t total_rto, total_rto_recoveries;
	uint32_t total_rto_time_ms;
	uint32_t ecn_counters[7], ecn_modes;
};

enum { LATER_AT = offsetof(struct tcp_info, tcpi_snd_wnd) + sizeof(uint32_t) };

union whole {
	struct tcp_info info;
	uint8_t bytes[LATER_AT + sizeof(struct later)];
};

int zs_opt_tcp_info(const struct zs_sock *sk, void *val, socklen_t *len)
{
	union whole out = { .info.tcpi_state = linux_state(ZS_LISTEN) };
	struct later later = { .rcv_wnd = 0 };
	struct zs_tcp_info in;

	if (sk->kind == ZS_SK_LISTENER) {
		/* Linux shows the accept queue in these two */
		out.info.tcpi_unacked = sk->lst->n_accept;
		out.info.tcpi_sacked = sk->lst->backlog - 1;
	} else {
		zs_tcp_get_info(sk->s, sk->tcb, &in);
		fill_info(sk, &in, &out.info);
		later.rcv_wnd = in.rcv_wnd;
		memcpy(out.bytes + LATER_AT, &later, sizeof(later));
	}
	return zs_opt_put(val, len, &out, sizeof(out));
}

/* Linux tells nothing of the algorithms that have not learnt anything. */
int zs_opt_cc_info(const struct zs_sock *sk, void *val, socklen_t *len)
{
	struct zs_tcp_info in = { .cc = ZS_CC_CUBIC };
	union tcp_cc_info out;

	if (sk->kind != ZS_SK_LISTENER)
		zs_tcp_get_info(sk->s, sk->tcb, &in);
	switch ((enum zs_cc_kind)in.cc) {
	case ZS_CC_BBR:
		out.bbr = (struct tcp_bbr_info){
			.bbr_bw_lo = (uint32_t)in.bbr.bytes_per_s,
			.bbr_bw_hi = (uint32_t)(in.bbr.bytes_per_s >> 32),
			.bbr_min_rtt = in.bbr.min_rtt_us,
			.bbr_pacing_gain = in.bbr.pacing_gain,
			.bbr_cwnd_gain = in.bbr.cwnd_gain,
		};
		return zs_opt_put(val, len, &out, sizeof(out.bbr));
	case ZS_CC_DCTCP:
		out.dctcp = (struct tcp_dctcp_info){
			.dctcp_enabled = in.ecn,
			.dctcp_ce_state = in.dctcp.ce,
			.dctcp_alpha = in.dctcp.alpha,
			.dctcp_ab_ecn = in.dctcp.marked,
			.dctcp_ab_tot = in.dctcp.acked,
		};
		return zs_opt_put(val, len, &out, sizeof(out.dctcp));
	case ZS_CC_CUBIC:
	case ZS_CC_NEWRENO:
	case ZS_CC_COUNT:
		break;
	}
	*len = 0;
	return 0;
}
