/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Input: a burst of packets is worked in stages: parse all, look up all, process in order of
 * arrival.
 */
#include "core/tcp/zs_half.h"
#include "core/tcp/zs_tcb.h"
#include "core/tcp/zs_tcp.h"
#include "core/zs_groups.h"
#include "core/zs_ip4.h"
#include "core/zs_ip6.h"
#include "core/zs_loopback.h"
#include "core/zs_merge.h"
#include "core/zs_neigh.h"
#include "core/zs_parse.h"
#include "core/zs_stack.h"
#include "core/zs_state.h"
#include "core/zs_udp.h"

/* As a rule the first probe finds it. */
static inline void find_flow(struct zs_stack *s, struct zs_pktinfo *pi)
{
	struct zs_flowslot slot;

	pi->ref = NULL;
	pi->ref_kind = ZS_REF_NONE;
	if (pi->kind != ZS_PKT_TCP)
		return;
	slot = s->flows.slot[pi->hash & s->flows.mask];
	if (likely(slot.hash == pi->hash && slot.ref >> ZS_REF_SHIFT == ZS_REF_TCB)) {
		struct zs_tcb *tcb =
			zs_slab_at(&s->tcp.tcbs, slot.ref - (ZS_REF_TCB << ZS_REF_SHIFT));

		if (likely(zs_flow_eq(&tcb->flow, &pi->flow))) {
			pi->ref = tcb;
			pi->ref_kind = ZS_REF_TCB;
			zs_tcb_prefetch(tcb);
			return;
		}
	}
	pi->ref = zs_flowtab_find(s, &pi->flow, pi->hash, &pi->ref_kind);
	if (likely(pi->ref_kind == ZS_REF_TCB))
		zs_tcb_prefetch(pi->ref);
	else if (pi->ref_kind == ZS_REF_NONE && s->env.pass_on != NULL)
		pi->kind = ZS_PKT_STRAY;
}

static void process(struct zs_stack *s, struct rte_mbuf *m, struct zs_pktinfo *pi);

/* Consumes m when it returns true. */
static bool pass_stray(struct zs_stack *s, struct rte_mbuf *m, const struct zs_pktinfo *pi)
{
	bool begins = (pi->tcp_flags & (ZS_SYN | ZS_ACK | ZS_RST)) == ZS_SYN;

	if (begins && zs_listener_find(s, &pi->flow) != NULL)
		return false;
	return zs_pass_on(s, pi->nif, m, ZS_PASS_STRAY);
}

/* Consumes m. An earlier packet of the burst may have created its connection. */
static __attribute__((noinline)) void input_stray(struct zs_stack *s, struct rte_mbuf *m,
						  struct zs_pktinfo *pi)
{
	pi->kind = ZS_PKT_TCP;
	find_flow(s, pi);
	if (pi->kind == ZS_PKT_STRAY && pass_stray(s, m, pi))
		return;
	pi->kind = ZS_PKT_TCP;
	zs_tcp_input(s, m, pi);
}

/* A reassembled datagram starts over as one packet. */
static void input_fragment(struct zs_stack *s, struct zs_netif *nif, struct rte_mbuf *m,
			   struct zs_pktinfo *pi)
{
	m = zs_ipfrag_input(s, m, pi);
	if (m == NULL)
		return;
	if (zs_pass_on(s, nif, m, ZS_PASS_WHOLE))
		return;
	zs_parse(s, nif, m, pi);
	find_flow(s, pi);
	if (pi->kind == ZS_PKT_FRAG)
		zs_pkt_drop(s, m, ZS_DROP_FRAG_BAD);
	else
		process(s, m, pi);
}

static void process(struct zs_stack *s, struct rte_mbuf *m, struct zs_pktinfo *pi)
{
	switch ((enum zs_pkt_kind)pi->kind) {
	case ZS_PKT_TCP:
		zs_tcp_input(s, m, pi);
		break;
	case ZS_PKT_STRAY:
		input_stray(s, m, pi);
		break;
	case ZS_PKT_UDP:
		zs_udp_input(s, m, pi);
		break;
	case ZS_PKT_ARP:
		zs_arp_input(s, m, pi);
		break;
	case ZS_PKT_ICMP:
		zs_icmp_input(s, m, pi);
		break;
	case ZS_PKT_ICMP6:
		zs_icmp6_input(s, m, pi);
		break;
	case ZS_PKT_FRAG:
		input_fragment(s, pi->nif, m, pi);
		break;
	case ZS_PKT_IP_OTHER:
		if (pi->flow.proto == ZS_PROTO_IGMP && pi->flow.family == ZS_AF_IP4) {
			zs_igmp_input(s, m, pi);
			break;
		}
		zs_icmp_send_unreach(s, m, pi, ZS_UNREACH_PROTO);
		zs_pkt_drop(s, m, ZS_DROP_IP_PROTO);
		break;
	case ZS_PKT_PROBLEM:
		zs_icmp6_send_error(s, m, pi, ZS_ICMP6_PARAM_PROBLEM, pi->problem - 1,
				    pi->problem_off - pi->l3_off);
		zs_pkt_drop(s, m, pi->drop);
		break;
	case ZS_PKT_DROP:
		/* another stack of this host may have asked already, and serve there */
		if (pi->drop == ZS_DROP_IP_TENTATIVE && zs_pass_on(s, pi->nif, m, ZS_PASS_STRAY))
			break;
		zs_pkt_drop(s, m, pi->drop);
		break;
	}
}

/* An earlier packet of the burst may have created or ended the connection. */
static void refind_flow(struct zs_stack *s, struct zs_pktinfo *pi)
{
	if (pi->kind == ZS_PKT_TCP && s->tcp.flows_changed)
		find_flow(s, pi);
}

/* Where packets of one connection follow each other. */
static __attribute__((noinline)) void process_merged(struct zs_stack *s, struct rte_mbuf **pkts,
						     struct zs_pktinfo *pi, uint16_t n)
{
	uint16_t k;

	for (uint16_t i = 0; i < n; i += k) {
		k = 1;
		if (i + 1 < n && !s->tcp.flows_changed && zs_merge_fits(&pi[i], &pi[i + 1]))
			k = zs_merge_run(s, &pkts[i], &pi[i], n - i);
		refind_flow(s, &pi[i]);
		process(s, pkts[i], &pi[i]);
	}
}

/* Headers with their options, and a short message behind them. */
static inline void prefetch(const struct rte_mbuf *m)
{
	const uint8_t *p = rte_pktmbuf_mtod(m, const uint8_t *);

	rte_prefetch0(p);
	rte_prefetch0(p + RTE_CACHE_LINE_SIZE);
	if (m->data_len > 2 * RTE_CACHE_LINE_SIZE)
		rte_prefetch0(p + 2 * RTE_CACHE_LINE_SIZE);
}

static void input_burst(struct zs_stack *s, struct zs_netif *nif, struct rte_mbuf **pkts,
			uint16_t n)
{
	struct zs_pktinfo pi[ZS_BURST];
	const void *last = pi; /* no connection */
	uint64_t bytes = 0;
	bool again = false;
	uint16_t i;

	zs_pool_watch(s, n);
	for (i = 0; i < n; i++)
		prefetch(pkts[i]);
	for (i = 0; i < n; i++) {
		bytes += pkts[i]->pkt_len;
		zs_parse(s, nif, pkts[i], &pi[i]);
		rte_prefetch0(&s->flows.slot[pi[i].hash & s->flows.mask]);
	}
	s->tcp.flows_changed = false;
	for (i = 0; i < n; i++) {
		find_flow(s, &pi[i]);
		again |= pi[i].ref == last;
		last = pi[i].ref;
	}
	again = again && s->cfg.use_merge;
	if (again)
		process_merged(s, pkts, pi, n);
	for (i = again ? n : 0; i < n; i++) {
		refind_flow(s, &pi[i]);
		if (likely(pi[i].kind == ZS_PKT_TCP))
			zs_tcp_input(s, pkts[i], &pi[i]);
		else
			process(s, pkts[i], &pi[i]);
	}
	s->stats.rx_packets += n;
	s->stats.rx_bytes += bytes;
}

void zs_receive_own(struct zs_stack *s)
{
	struct zs_netif *lo = zs_loopback(s);
	uint16_t left = lo->n_txq;

	while (left > 0) {
		struct rte_mbuf *pkts[ZS_BURST];
		uint16_t n = RTE_MIN(left, (uint16_t)ZS_BURST);

		left -= n;
		n = zs_loopback_take(s, pkts, n);
		input_burst(s, lo, pkts, n);
	}
}

void zs_stack_input(struct zs_stack *s, uint16_t port, struct rte_mbuf **pkts, uint16_t n)
{
	struct zs_netif *nif = zs_netif_by_port(s, port);

	if (nif == NULL) {
		for (uint16_t i = 0; i < n; i++)
			zs_pkt_drop(s, pkts[i], ZS_DROP_IP_NOT_OURS);
		return;
	}
	while (n > 0) {
		uint16_t k = n < ZS_BURST ? n : ZS_BURST;

		input_burst(s, nif, pkts, k);
		pkts += k;
		n -= k;
	}
}
