/* SPDX-License-Identifier: BSD-3-Clause */
/* The hosts, their world and the wire: see pair.h. */
#include "pair.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_byteorder.h>
#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>

#include "api/zs_ctx.h"
#include "core/zs_pkt.h"
#include "core/zs_stack.h"
#include "port/dpdk/zs_dpdk_state.h"
#include "wire/zs_hdr.h"

enum {
	N_PKT = 16383,
	N_HDR = 16383,
	N_BIG = 1023,
	CACHE = 512, /* as in zs_pools.c, and the same ops */
	FD_BASE = 16,
	HUGE_WANTED = 300, /* pages of 2 MB for both hosts' pools */
};

/* ---- EAL ---- */

static bool have_hugepages(void)
{
	FILE *f = fopen("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "r");
	long n = 0;

	if (f == NULL)
		return false;
	if (fscanf(f, "%ld", &n) != 1)
		n = 0;
	fclose(f);
	return n >= HUGE_WANTED;
}

bool pair_start_eal(bool huge)
{
	const char *mem = huge && have_hugepages() ? "--in-memory" : "--no-huge";
	const char *argv[] = { "core", "--no-pci", "--no-shconf", "--no-telemetry", mem,
			       "-m",   "560",	   "--log-level", "error",	    NULL };

	if (rte_eal_init(9, (char **)(uintptr_t)argv) >= 0)
		return true;
	fprintf(stderr, "core: EAL: %s\n", rte_strerror(rte_errno));
	return false;
}

/* ---- what a stack asks of the world ---- */

static void *table_alloc(void *ctx, size_t size, size_t align)
{
	struct host *h = ctx;

	h->reserved += size;
	return zs_mem_alloc(NULL, size, align);
}

static uint16_t send_frames(void *ctx, uint16_t port, struct rte_mbuf **pkts, uint16_t n)
{
	struct host *h = ctx;
	uint32_t room = HOST_QUEUE - h->n_out;

	(void)port;
	n = n < room ? n : (uint16_t)room;
	memcpy(&h->out[h->n_out], pkts, n * sizeof(pkts[0]));
	h->n_out += n;
	return n;
}

/* ---- a host's turn ---- */

static uint16_t receive(struct host *h, struct rte_mbuf **burst)
{
	uint16_t n = 0;

	for (; n < ZS_BURST && h->n_in > 0; n++, h->n_in--) {
		burst[n] = h->in[h->in_first];
		h->in_first = (h->in_first + 1) % HOST_QUEUE;
	}
	return n;
}

static uint64_t begin(void *arg)
{
	struct host *h = arg;
	struct rte_mbuf *burst[ZS_BURST];
	uint16_t n = receive(h, burst);

	zs_stack_set_now(h->s, h->now_us);
	if (n > 0)
		zs_stack_input(h->s, 0, burst, n);
	h->next_us = zs_stack_run_timers(h->s);
	return 0;
}

static void flush(void *arg)
{
	zs_stack_flush(((struct host *)arg)->s);
}

static void idle(void *arg, uint64_t until_us)
{
	(void)arg;
	(void)until_us;
}

/* What the application did may have made something ready: it is asked again, as in a real loop. */
static void busy(void *arg)
{
	((struct host *)arg)->busy = true;
}

static bool stopping(void *arg)
{
	(void)arg;
	return false;
}

static void load(void *arg, struct zs_load *out)
{
	(void)arg;
	*out = (struct zs_load){ .cycles_hz = rte_get_tsc_hz() };
}

void host_enter(struct host *h)
{
	(void)zs_ctx_enter(h->ctx);
}

void host_turn(struct host *h)
{
	uint64_t start = rte_rdtsc();

	host_enter(h);
	h->busy = false;
	(void)zs_ctx_begin_turn(h->ctx);
	h->ctx->in_run = true;
	if (h->app != NULL)
		(void)h->app(h->arg);
	h->ctx->in_run = false;
	zs_stack_flush(h->s);
	h->cycles += rte_rdtsc() - start;
}

__attribute__((noinline)) uint32_t host_input(struct host *h)
{
	struct rte_mbuf *burst[ZS_BURST];
	uint16_t n = receive(h, burst);
	uint64_t start = rte_rdtsc();

	zs_stack_input(h->s, 0, burst, n);
	h->cycles += rte_rdtsc() - start;
	return n;
}

/* ---- the wire ---- */

struct rte_mbuf *host_frame(struct host *h, uint16_t len)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(len > ZS_DPDK_PKT_ROOM ? h->big : h->pkt);

	if (m == NULL || rte_pktmbuf_append(m, len) == NULL) {
		fputs("core: no buffer for a frame\n", stderr);
		exit(1);
	}
	m->ol_flags = RTE_MBUF_F_RX_IP_CKSUM_GOOD | RTE_MBUF_F_RX_L4_CKSUM_GOOD;
	return m;
}

void host_arrive(struct host *h, struct rte_mbuf *m)
{
	if (h->n_in == HOST_QUEUE) {
		fputs("core: too many frames under way\n", stderr);
		exit(1);
	}
	h->in[(h->in_first + h->n_in++) % HOST_QUEUE] = m;
}

void host_deliver(struct host *h, const struct rte_mbuf *frame)
{
	struct rte_mbuf *m = host_frame(h, (uint16_t)frame->pkt_len);
	char *to = rte_pktmbuf_mtod(m, char *);

	for (const struct rte_mbuf *seg = frame; seg != NULL; seg = seg->next) {
		memcpy(to, rte_pktmbuf_mtod(seg, const char *), seg->data_len);
		to += seg->data_len;
	}
	host_arrive(h, m);
}

static bool for_client(const struct rte_mbuf *m)
{
	const struct zs_eth_hdr *eth = rte_pktmbuf_mtod(m, const struct zs_eth_hdr *);
	const struct zs_ip4_hdr *ip = (const struct zs_ip4_hdr *)(eth + 1);

	return eth->type_be != RTE_BE16(ZS_ETH_IP4) || ip->dst_be == PAIR_CLIENT_IP;
}

void pair_carry(struct pair *p, struct host *from)
{
	struct host *to = from == &p->server ? &p->client : &p->server;

	for (uint32_t i = 0; i < from->n_out; i++) {
		struct rte_mbuf *m = from->out[i];

		if (to == &p->client && p->others != NULL && !for_client(m))
			p->others(p, m);
		else
			host_deliver(to, m);
		rte_pktmbuf_free(m);
	}
	from->n_out = 0;
}

/* The server's alone, and a function of its own: profilers tell the hosts apart by it. */
static __attribute__((noinline)) void turns(struct host *h)
{
	if (h->n_in == 0 && !h->busy && h->now_us < h->next_us)
		return;
	do
		host_turn(h);
	while (h->n_in > 0);
}

void pair_round(struct pair *p)
{
	p->server.now_us = p->client.now_us += ROUND_US;
	host_turn(&p->client);
	while (p->client.n_in > 0)
		host_turn(&p->client);
	pair_carry(p, &p->client);
	turns(&p->server);
	pair_carry(p, &p->server);
}

/* ---- making and ending ---- */

static void or_exit(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "core: %s: no memory\n", what);
	exit(1);
}

static struct rte_mempool *pool(const char *host, const char *what, uint32_t n, uint32_t room)
{
	struct rte_mempool *mp;
	char name[RTE_MEMPOOL_NAMESIZE];

	snprintf(name, sizeof(name), "%s%u_%s", host, rte_lcore_id(), what);
	mp = rte_pktmbuf_pool_create_by_ops(name, n, CACHE, ZS_PRIV_SIZE,
					    (uint16_t)(RTE_PKTMBUF_HEADROOM + room), SOCKET_ID_ANY,
					    "stack");
	or_exit(mp != NULL, name);
	return mp;
}

static void make_host(struct host *h, const char *name, struct zs_config *cfg, uint8_t number)
{
	struct zs_env env = {
		.alloc = table_alloc, .free = zs_mem_free, .tx = send_frames, .ctx = h
	};
	struct zs_drive drive = { .turn = begin,
				  .flush = flush,
				  .idle = idle,
				  .busy = busy,
				  .stopping = stopping,
				  .load = load,
				  .arg = h };

	h->pkt = env.pkt_pool = pool(name, "pkt", N_PKT, ZS_DPDK_PKT_ROOM);
	h->hdr = env.hdr_pool = pool(name, "hdr", N_HDR, ZS_DPDK_HDR_ROOM);
	h->big = env.big_pool = pool(name, "big", N_BIG, ZS_DPDK_BIG_ROOM);
	h->mac = (struct zs_mac){ { 2, 0, 0, 0, 0, number } };
	h->now_us = 1000000;
	memset(env.seed, number, sizeof(env.seed));
	cfg->n_netifs = 1;
	cfg->netif[0].mac = h->mac;
	cfg->netif[0].mtu = 1500;
	cfg->netif[0].ip4_prefix = 24;
	cfg->netif[0].offloads |= ZS_OFF_RX_IP_CKSUM | ZS_OFF_RX_L4_CKSUM | ZS_OFF_TX_IP_CKSUM |
				  ZS_OFF_TX_TCP_CKSUM | ZS_OFF_TX_UDP_CKSUM | ZS_OFF_TX_MULTI_SEG |
				  ZS_OFF_RX_LRO;
	or_exit(zs_stack_create(&h->s, cfg, &env, h->now_us) == 0, name);
	or_exit(zs_ctx_create(&h->ctx, h->s, &drive, FD_BASE, cfg->max_conns + 1024) == 0, name);
}

struct pair *pair_create(uint32_t server_conns, void (*change)(struct zs_config *cfg))
{
	struct pair *p = calloc(1, sizeof(*p));
	struct zs_config cfg;

	or_exit(p != NULL, "pair");
	zs_config_defaults(&cfg);
	cfg.max_conns = server_conns;
	cfg.netif[0].ip4_be = PAIR_SERVER_IP;
	cfg.netif[0].ip4_gw_be = PAIR_CLIENT_IP;
	if (change != NULL)
		change(&cfg);
	make_host(&p->server, "server", &cfg, 2);
	zs_config_defaults(&cfg);
	cfg.max_conns = 4096;
	cfg.netif[0].ip4_be = PAIR_CLIENT_IP;
	cfg.netif[0].ip4_gw_be = 0;
	make_host(&p->client, "client", &cfg, 3);
	return p;
}

static void end_host(struct host *h)
{
	host_enter(h);
	zs_ctx_destroy(h->ctx);
	zs_stack_destroy(h->s);
	for (; h->n_in > 0; h->n_in--, h->in_first = (h->in_first + 1) % HOST_QUEUE)
		rte_pktmbuf_free(h->in[h->in_first]);
	rte_pktmbuf_free_bulk(h->out, h->n_out);
	rte_mempool_free(h->pkt);
	rte_mempool_free(h->hdr);
	rte_mempool_free(h->big);
}

void pair_destroy(struct pair *p)
{
	end_host(&p->client);
	end_host(&p->server);
	free(p);
}
