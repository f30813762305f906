/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The path's MTU as a connection learns of it: by ICMP (RFC 1191, RFC 8201), believed only when it
 * quotes what is in flight (RFC 5927 7); and by silence, where a router drops what is too long and
 * says nothing: a black hole (RFC 8899 4.3).
 */
#include <errno.h>

#include "core/tcp/zs_ack.h"
#include "core/tcp/zs_output.h"
#include "core/tcp/zs_queue.h"
#include "core/tcp/zs_score.h"
#include "core/zs_ip6.h"
#include "core/zs_iphdr.h"

enum {
	MAX_PROBES = 3,	 /* RFC 8899 5.1.2: so many in a row that nobody acknowledges */
	BASE_IP4 = 1200, /* BASE_PLPMTU */
	ETHERNET = 1500,
};

static uint32_t overhead(const struct zs_tcb *tcb)
{
	return zs_iphdr_with_tcp(tcb->flow.family) + (tcb->flags & ZS_TF_TS ? 12 : 0);
}

/* Segments in flight, also those sent again, that no longer fit the path are lost; they are cut
 * when they are sent again. */
static void set_mss(struct zs_stack *s, struct zs_tcb *tcb, uint32_t mss)
{
	struct rte_mbuf *m = tcb->sndq.head;

	while (m != NULL && m != tcb->unsent) {
		uint32_t left = zs_sndq_segment(s, tcb, m);
		bool fits = left <= mss;

		for (; left > 0; m = zs_seg(m)->next) {
			if (!fits && !(zs_seg(m)->flags & ZS_SEG_SACKED))
				zs_score_lost(s, tcb, m);
			left -= zs_seg(m)->len;
		}
	}
	tcb->mss = (uint16_t)mss;
	zs_output_later(s, tcb);
}

static void lower_mss(struct zs_stack *s, struct zs_tcb *tcb, uint32_t mtu)
{
	uint32_t mss;

	zs_pmtu_lower(s, tcb->flow.family, &tcb->flow.faddr, mtu);
	mss = zs_pmtu(s, tcb->flow.family, &tcb->flow.faddr, tcb->mtu) - overhead(tcb);
	if (mss < tcb->mss)
		set_mss(s, tcb, mss);
}

/*
 * The next size down, for this connection alone: others may take another path, and a path that is
 * down looks the same. What is not longer than any path takes is not the cause.
 */
void zs_mtu_on_timeout(struct zs_stack *s, struct zs_tcb *tcb)
{
	uint32_t base = tcb->flow.family == ZS_AF_IP6 ? ZS_IP6_MIN_MTU : BASE_IP4;
	uint32_t size, room = overhead(tcb);

	if (tcb->retx_count % MAX_PROBES != 0 || tcb->sndq.head == NULL || !s->cfg.mtu_black_holes)
		return;
	size = RTE_MIN(zs_sndq_segment(s, tcb, tcb->sndq.head), (uint32_t)tcb->mss) + room;
	if (size <= base)
		return;
	s->stats.tcp_black_holes++;
	set_mss(s, tcb, (size > ETHERNET ? (uint32_t)ETHERNET : base) - room);
	tcb->cwnd = zs_inflight(tcb) + tcb->mss; /* one segment after a timeout (RFC 5681 3.1) */
}

/* A SYN that was too long for its data is sent again without them, at once. */
static void shorten_syn(struct zs_stack *s, struct zs_tcb *tcb, uint32_t mtu)
{
	uint32_t now;

	if (mtu >= tcb->mtu || tcb->snd_nxt == tcb->iss + 1)
		return;
	zs_pmtu_lower(s, tcb->flow.family, &tcb->flow.faddr, mtu);
	now = zs_pmtu(s, tcb->flow.family, &tcb->flow.faddr, tcb->mtu);
	if (now >= tcb->mtu)
		return;
	tcb->mtu = (uint16_t)now;
	tcb->retx_count += tcb->retx_count < UINT8_MAX;
	zs_send_syn(s, tcb);
}

/* The connection is being opened, and no other segment than the SYN was there to be quoted. */
static bool only_syn(const struct zs_tcb *tcb, uint32_t seq)
{
	return seq == tcb->iss && (tcb->state == ZS_SYN_SENT ||
				   (tcb->state == ZS_SYN_RCVD && tcb->syn_flags & ZS_SY_CHILD));
}

void zs_tcp_icmp_error(struct zs_stack *s, const struct zs_flow *flow, uint32_t seq, int hard,
		       uint32_t mtu)
{
	uint8_t kind;
	struct zs_tcb *tcb = zs_flowtab_find(s, flow, zs_flow_hash(s->hash_key, flow), &kind);

	if (tcb == NULL || kind != ZS_REF_TCB)
		return;
	if (mtu == 0 && hard != 0 && only_syn(tcb, seq)) {
		zs_tcb_dead(s, tcb, hard);
		return;
	}
	/* RFC 5927 4.1: the quoted number must be in flight */
	if (mtu == 0 || zs_seq_lt(seq, tcb->snd_una) || !zs_seq_lt(seq, tcb->snd_nxt))
		return;
	if (tcb->state == ZS_SYN_SENT)
		shorten_syn(s, tcb, mtu);
	else
		lower_mss(s, tcb, mtu);
}
