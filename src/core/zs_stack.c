/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The entry points: create and destroy a stack, put a burst of packets in, let time pass, flush
 * what has to be said. A burst is worked in stages: parse all, look up all, process in order of
 * arrival.
 */
#include "core/zs_stack.h"

#include <errno.h>

#include "core/tcp/zs_half.h"
#include "core/tcp/zs_output.h"
#include "core/tcp/zs_tcb.h"
#include "core/tcp/zs_tcp.h"
#include "core/zs_groups.h"
#include "core/zs_ip4.h"
#include "core/zs_ip6.h"
#include "core/zs_loopback.h"
#include "core/zs_merge.h"
#include "core/zs_neigh.h"
#include "core/zs_parse.h"
#include "core/zs_state.h"
#include "core/zs_tune.h"
#include "core/zs_udp.h"

static void derive_keys(struct zs_stack *s)
{
	uint64_t seed[2];
	uint64_t label;

	memcpy(seed, s->env.seed, sizeof(seed));
	for (label = 0; label < 6; label++) {
		uint64_t k = zs_siphash(seed, &label, sizeof(label));

		if (label < 2)
			s->hash_key[label] = k;
		else if (label < 4)
			s->isn_key[label - 2] = k;
		else
			s->rand.key[label - 4] = k;
	}
}

static int init_tables(struct zs_stack *s)
{
	const struct zs_config *cfg = &s->cfg;
	int rc;

	rc = zs_flowtab_init(s, cfg->max_conns + cfg->max_half_open + cfg->max_time_wait);
	if (rc == 0)
		rc = zs_neigh_init(s);
	if (rc == 0)
		rc = zs_ipfrag_init(s);
	if (rc == 0)
		rc = zs_udp_init(s);
	if (rc == 0)
		rc = zs_igmp_init(s);
	if (rc == 0)
		rc = zs_ip6_init(s);
	if (rc == 0)
		rc = zs_tcp_init(s);
	if (rc == 0)
		rc = zs_slab_init(s, &s->socks, ZS_SOCK_ROOM,
				  cfg->max_conns + cfg->max_listeners + cfg->max_udp);
	return rc;
}

static void set_clock(struct zs_stack *s, uint64_t now_us)
{
	s->now_us = now_us;
	s->now_ms = (uint32_t)(now_us / 1000);
}

int zs_stack_create(struct zs_stack **out, const struct zs_config *cfg, const struct zs_env *env,
		    uint64_t now_us)
{
	struct zs_stack *s;
	int rc = zs_config_check(cfg);

	if (rc < 0)
		return rc;
	s = env->alloc(env->ctx, sizeof(*s), 64);
	if (s == NULL)
		return -ENOMEM;
	s->env = *env;
	s->cfg = *cfg;
	set_clock(s, now_us);
	s->icmp_limit = (struct zs_bucket){ now_us, cfg->icmp_rate, cfg->icmp_rate };
	s->challenge_limit = (struct zs_bucket){ now_us, cfg->challenge_rate, cfg->challenge_rate };
	zs_list_init(&s->out);
	zs_list_init(&s->evq);
	zs_wheel_init(&s->wheel, now_us);
	derive_keys(s);
	s->taken_gen = (uint32_t)s->hash_key[0]; /* not that of another stack with the same pool */
	zs_loopback_init(s);
	rc = init_tables(s);
	for (uint16_t i = 0; rc == 0 && i < cfg->n_netifs; i++) {
		s->netif[i].index = i;
		s->n_netifs++;
		rc = zs_netif_init(s, &s->netif[i], &cfg->netif[i]);
		if (rc == 0)
			rc = zs_ip6_config(s, &s->netif[i], &cfg->netif[i].ip6);
	}
	if (rc < 0) {
		zs_stack_destroy(s);
		return rc;
	}
	*out = s;
	return 0;
}

/* Also takes apart what a failed create left half done. */
void zs_stack_destroy(struct zs_stack *s)
{
	if (s == NULL)
		return;
	zs_tcp_fini(s);
	zs_udp_fini(s);
	zs_igmp_fini(s);
	zs_ipfrag_fini(s);
	zs_ip6_fini(s);
	zs_neigh_fini(s);
	for (uint16_t i = 0; i < s->n_netifs; i++)
		zs_txq_clear(&s->netif[i]);
	zs_txq_clear(zs_loopback(s));
	zs_free(s, s->socks.mem);
	zs_free(s, s->flows.slot);
	s->env.free(s->env.ctx, s);
}

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
		zs_pkt_drop(s, m, pi->drop);
		break;
	}
}

/* What zs_taken_charge() charges for a buffer of the pool, at most. */
static uint64_t buf_mem(struct rte_mempool *mp)
{
	return sizeof(struct rte_mbuf) + ZS_PRIV_SIZE + rte_pktmbuf_data_room_size(mp) +
	       RTE_CACHE_LINE_MIN_SIZE;
}

/*
 * Keeps the last buffers for the device: acknowledgements must find a buffer to arrive in, for they
 * are what sets buffers free. Looking costs two cache lines, so it is done as often as the pool
 * could have run low since: a packet takes one buffer, and so does a copying write.
 */
void zs_pool_watch(struct zs_stack *s, uint16_t n)
{
	struct rte_mempool *mp = s->env.pkt_pool;
	uint32_t reserve = mp->size / 8; /* applications leave twice that */
	uint32_t avail;

	if (likely(s->pool_credit >= n)) {
		s->pool_credit -= n;
		return;
	}
	avail = rte_mempool_get_ops(mp->ops_index)->get_count(mp);
	s->pool_credit = 0;
	s->pool_share = avail > 2 * reserve ? (avail - 2 * reserve) * buf_mem(mp) / 4 : 0;
	if (likely(avail >= reserve)) {
		s->pool_level = ZS_POOL_PLENTY;
		s->pool_credit = RTE_MIN((avail - reserve) / 4, 256u);
	} else {
		s->pool_free = avail * buf_mem(mp);
		s->pool_level = avail < reserve / 2 ? ZS_POOL_CRITICAL : ZS_POOL_LOW;
	}
}

bool zs_hdr_spare(struct zs_stack *s, enum zs_keep who)
{
	static const uint8_t left[] = {
		[ZS_KEEP_QUEUE] = 4, [ZS_KEEP_FIRST] = 8, [ZS_KEEP_APP] = 2
	};
	const struct rte_mempool *mp = s->env.hdr_pool;
	uint32_t avail;

	if (likely(s->hdr_credit > 0)) {
		s->hdr_credit--;
		return true;
	}
	avail = rte_mempool_get_ops(mp->ops_index)->get_count(mp);
	if (unlikely(avail <= mp->size / 2))
		return avail > mp->size / left[who];
	s->hdr_credit = RTE_MIN((avail - mp->size / 2) / 4, 256u);
	return true;
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

/* What we sent to ourselves before this turn. */
static void input_loopback(struct zs_stack *s)
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

uint64_t zs_stack_advance(struct zs_stack *s, uint64_t now_us)
{
	if (now_us > s->now_us)
		set_clock(s, now_us);
	zs_wheel_advance(&s->wheel, s, s->now_us);
	input_loopback(s);
	return zs_stack_loops(s) ? 0 : zs_wheel_next(&s->wheel);
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

void zs_stack_drop(struct zs_stack *s, struct rte_mbuf *m, enum zs_drop why)
{
	zs_pkt_drop(s, m, why);
}

void zs_stack_link_up(struct zs_stack *s, uint16_t port)
{
	for (uint16_t i = 0; i < s->n_netifs; i++) {
		struct zs_netif *nif = &s->netif[i];

		if (nif->port != port)
			continue;
		zs_arp_link_up(s, nif);
		zs_igmp_restart(s, nif);
		zs_ip6_link_up(s, nif);
	}
}

void zs_stack_flush(struct zs_stack *s)
{
	zs_output_run(s);
	for (uint16_t i = 0; i < s->n_netifs; i++)
		zs_txq_flush(s, &s->netif[i]);
}

bool zs_stack_tx_pending(const struct zs_stack *s)
{
	for (uint16_t i = 0; i < s->n_netifs; i++)
		if (s->netif[i].n_txq > 0)
			return true;
	return zs_stack_loops(s) || !zs_list_empty(&s->out);
}

bool zs_stack_loops(const struct zs_stack *s)
{
	return s->netif[ZS_LOOPBACK].n_txq > 0;
}

uint64_t zs_stack_now(const struct zs_stack *s)
{
	return s->now_us;
}

const struct zs_stats *zs_stack_stats(const struct zs_stack *s)
{
	return &s->stats;
}

void *zs_stack_sock_get(struct zs_stack *s)
{
	return zs_slab_get(&s->socks);
}

void zs_stack_sock_put(struct zs_stack *s, void *record)
{
	zs_slab_put(&s->socks, record);
}

const struct zs_env *zs_stack_env(const struct zs_stack *s)
{
	return &s->env;
}

void zs_stack_set_wall(struct zs_stack *s, uint64_t wall_us)
{
	s->wall_us = wall_us;
}

uint64_t zs_stack_wall(const struct zs_stack *s)
{
	return s->wall_us;
}

void zs_stack_count_copies(struct zs_stack *s, uint64_t bytes)
{
	s->stats.copies += bytes;
}

const struct zs_config *zs_stack_config(const struct zs_stack *s)
{
	return &s->cfg;
}

bool zs_bucket_take(struct zs_stack *s, struct zs_bucket *b)
{
	uint64_t refill = (s->now_us - b->last_us) * b->rate / 1000000;

	if (refill > 0) {
		b->tokens = refill >= b->rate - b->tokens ? b->rate : b->tokens + (uint32_t)refill;
		b->last_us = s->now_us;
	}
	if (b->tokens == 0)
		return false;
	b->tokens--;
	return true;
}
