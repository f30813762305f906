/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The world of the stack: a clock that the tool moves, a device that turns IP packets into frames
 * and back, and the thread whose call blocks.
 */
#include <stdlib.h>
#include <string.h>

#include <rte_ether.h>

#include "core/zs_pkt.h"
#include "pd.h"

enum {
	ETH_LEN = 14,
	IP_TCP_LEN = 40,       /* IPv6 has 20 more: a small packet more is taken for a large one */
	START_US = 1000000000, /* of the clock: far from 0, so that nothing is before it */
	MAX_PKT = 65536,
	IP6_MIN_MTU = 1280, /* RFC 8200 5: no link of less has IPv6 */
};

static const uint8_t our_mac[6] = { 2, 0, 0, 0, 0, 1 };
const uint8_t pd_peer_mac[6] = { 2, 0, 0, 0, 0, 2 };

/* ---- device ---- */

static void emit(struct pd *p, struct rte_mbuf *m)
{
	uint32_t len = m->pkt_len - ETH_LEN;
	struct pd_pkt *pkt = malloc(sizeof(*pkt) + len);
	uint8_t *to;
	uint32_t skip = ETH_LEN;

	if (pkt == NULL)
		abort();
	*pkt = (struct pd_pkt){ .at_us = p->now_us, .len = len };
	to = pkt->ip;
	for (const struct rte_mbuf *seg = m; seg != NULL; seg = seg->next) {
		uint32_t n = seg->data_len - skip;

		memcpy(to, rte_pktmbuf_mtod_offset(seg, const uint8_t *, skip), n);
		to += n;
		skip = 0;
	}
	*p->out_tail = pkt;
	p->out_tail = &pkt->next;
}

static uint16_t device_tx(void *ctx, uint16_t port, struct rte_mbuf **pkts, uint16_t n)
{
	struct pd *p = ctx;

	(void)port;
	for (uint16_t i = 0; i < n; i++) {
		if (!pd_neigh_note(p, pkts[i]))
			emit(p, pkts[i]);
		rte_pktmbuf_free(pkts[i]);
	}
	return n;
}

void pd_give(struct pd *p, uint16_t type, const void *l3, uint32_t n)
{
	struct rte_mempool *pool = n <= ZS_SIM_PKT_ROOM - ETH_LEN ? p->pools.pkt : p->pools.big;
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
	uint8_t *to = rte_pktmbuf_mtod(m, uint8_t *);

	memcpy(to, our_mac, 6);
	memcpy(to + 6, pd_peer_mac, 6);
	to[12] = (uint8_t)(type >> 8);
	to[13] = (uint8_t)type;
	memcpy(to + ETH_LEN, l3, n);
	m->data_len = (uint16_t)(ETH_LEN + n);
	m->pkt_len = m->data_len;
	if (p->mss != 0 && n > (uint32_t)IP_TCP_LEN + p->mss) {
		m->ol_flags |= RTE_MBUF_F_RX_LRO;
		m->tso_segsz = p->mss;
	}
	zs_stack_input(p->s, 0, &m, 1);
}

int pd_inject(struct pd *p, const void *ip, size_t n)
{
	bool v6 = n > 0 && *(const uint8_t *)ip >> 4 == 6;

	if (n == 0 || n > MAX_PKT - ETH_LEN)
		return -1;
	pd_give(p, v6 ? RTE_ETHER_TYPE_IPV6 : RTE_ETHER_TYPE_IPV4, ip, (uint32_t)n);
	pd_run(p);
	return 0;
}

/* ---- clock ---- */

void pd_run(struct pd *p)
{
	do {
		if (p->ask_len > 0)
			pd_neigh_answer(p);
		p->next_us = zs_stack_advance(p->s, p->now_us);
		(void)zs_sock_dispatch(p->s);
		zs_stack_flush(p->s);
	} while (p->ask_len > 0 || zs_stack_loops(p->s));
	p->next_us = zs_stack_advance(p->s, p->now_us);
}

uint64_t pd_next(const struct pd *p)
{
	uint64_t next = p->next_us;

	if (p->call == PD_CALL_ASLEEP && p->wake_us < next)
		next = p->wake_us;
	return next;
}

void pd_wake(struct pd *p)
{
	if (p->call != PD_CALL_ASLEEP)
		return;
	p->call = PD_CALL_RUNNING;
	pthread_cond_broadcast(&p->changed);
	while (p->call == PD_CALL_RUNNING)
		pthread_cond_wait(&p->changed, &p->lock);
}

void pd_advance(struct pd *p, uint64_t t_us)
{
	uint64_t next;

	while ((next = pd_next(p)) <= t_us) {
		p->now_us = next > p->now_us ? next : p->now_us + 1;
		pd_run(p);
		pd_wake(p);
	}
	if (t_us > p->now_us)
		p->now_us = t_us;
}

/* ---- what the calls of the API need of the loop ---- */

static bool is_main(const struct pd *p)
{
	return pthread_equal(pthread_self(), p->main);
}

static uint64_t drive_turn(void *arg)
{
	struct pd *p = arg;

	pd_run(p);
	return p->next_us;
}

static void drive_flush(void *arg)
{
	pd_run(arg);
}

/* The main thread is the pump: where it waits for a time, it moves the clock itself. */
static void idle_main(struct pd *p, uint64_t until_us)
{
	if (until_us > p->patience) {
		p->given_up = true;
		return;
	}
	p->now_us = until_us > p->now_us ? until_us : p->now_us + 1;
}

static void drive_idle(void *arg, uint64_t until_us)
{
	struct pd *p = arg;

	if (is_main(p)) {
		idle_main(p, until_us);
		return;
	}
	p->wake_us = until_us;
	p->call = PD_CALL_ASLEEP;
	pthread_cond_broadcast(&p->changed);
	while (p->call == PD_CALL_ASLEEP)
		pthread_cond_wait(&p->changed, &p->lock);
}

/* The tool takes our clock for that on the wall. */
static uint64_t drive_wall(void *arg)
{
	return ((struct pd *)arg)->now_us;
}

static void drive_busy(void *arg)
{
	(void)arg;
}

static bool drive_stopping(void *arg)
{
	return ((struct pd *)arg)->given_up;
}

/* ---- life ---- */

static void start(struct pd *p)
{
	struct zs_drive drive = {
		.turn = drive_turn,
		.flush = drive_flush,
		.idle = drive_idle,
		.busy = drive_busy,
		.wall_us = drive_wall,
		.stopping = drive_stopping,
		.arg = p,
	};
	struct zs_env env = { .tx = device_tx, .ctx = p };
	struct zs_config cfg;

	zs_simpools_init(&p->pools, 0);
	zs_simpools_env(&p->pools, &env, 1);
	zs_config_defaults(&cfg);
	pd_sysctl(&cfg);
	cfg.max_conns = cfg.max_half_open = cfg.max_time_wait = 256;
	cfg.n_netifs = 1;
	cfg.netif[0] = (struct zs_netif_config){
		.mtu = p->mtu,
		.offloads = ZS_OFF_TX_MULTI_SEG,
		.ip4_be = p->local_be,
		.accept_any_dst = true,
		.ip6 = {
			.on = p->mtu >= IP6_MIN_MTU,
			.n_addr = 1,
			.prefix = { 64 },
			.addr = { p->local6 },
			.gw = p->local6,
		},
	};
	cfg.netif[0].ip6.gw.b[15] ^= 0x80; /* a neighbour, and so everybody else is behind it */
	memcpy(cfg.netif[0].mac.b, our_mac, sizeof(our_mac));
	if (zs_stack_create(&p->s, &cfg, &env, p->now_us) < 0 ||
	    zs_ctx_create(&p->ctx, p->s, &drive, PD_FD_BASE, PD_MAX_FDS) < 0)
		abort();
	pd_run(p);
}

struct pd *pd_enter(void *u)
{
	struct pd *p = u;

	pthread_mutex_lock(&p->lock);
	if (p->s == NULL) {
		p->now_us = START_US;
		p->out_tail = &p->out;
		start(p);
	}
	if (is_main(p))
		p->patience = p->now_us;
	p->given_up = false;
	(void)zs_ctx_enter(p->ctx);
	return p;
}

void pd_leave(struct pd *p)
{
	pthread_mutex_unlock(&p->lock);
}

void pd_stop(struct pd *p)
{
	while (p->out != NULL) {
		struct pd_pkt *pkt = p->out;

		p->out = pkt->next;
		free(pkt);
	}
	if (p->s == NULL)
		return;
	zs_ctx_destroy(p->ctx);
	zs_stack_destroy(p->s);
	(void)zs_simpools_fini(&p->pools);
}
