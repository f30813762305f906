/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A small program on the DPDK port, for trying links: answers ping (the stack does), echoes UDP on
 * port 7, and with -c sends datagrams to another one and checks what comes back. EAL arguments come
 * from ZSTACK_EAL_ARGS. Says "ready ..." when it runs and a line of counters when it ends.
 *
 *	zs_pong [-i IP/PREFIX] [-m MTU] [-s IDLE_SLEEP_US] [-n N_PKT] [-H on|off] [-t SECONDS]
 *		[-p PORTS] [-P (powersave)] [-c IP -N COUNT -S SIZE (at least 4)]
 *
 * Exit code 0: ended by a signal or, with -c, all datagrams came back; 2: with -c, some did not.
 */
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_mbuf.h>

#include "core/zs_udp.h"
#include "port/dpdk/zs_dpdk.h"

enum { ECHO_PORT = 7, RETRY_US = 200000 };

struct pong {
	struct zs_dpdk *d;
	struct zs_lcore *lc;
	struct zs_stack *s;
	struct zs_udp *udp;
	uint32_t peer_be; /* 0 = server */
	uint32_t count, size;
	uint32_t got;
	uint64_t sent_us, end_us;
	bool waiting, bad;
};

static void die(const char *what)
{
	fprintf(stderr, "zs_pong: %s\n", what);
	exit(1);
}

static void parse_addr(char *text, struct zs_dpdk_port *p)
{
	char *slash = strchr(text, '/');

	if (slash != NULL) {
		*slash = '\0';
		p->ip4_prefix = (uint8_t)atoi(slash + 1);
	}
	if (inet_pton(AF_INET, text, &p->ip4_be) != 1)
		die("bad address");
}

static void parse_args(int argc, char **argv, struct zs_dpdk_config *cfg, struct pong *g)
{
	int c;

	while ((c = getopt(argc, argv, "i:m:s:n:H:t:p:Pc:N:S:")) != -1) {
		switch (c) {
		case 'i':
			parse_addr(optarg, &cfg->port[0]);
			break;
		case 'm':
			cfg->port[0].mtu = (uint16_t)atoi(optarg);
			break;
		case 's':
			cfg->idle_sleep_us = (uint32_t)atoi(optarg);
			break;
		case 'n':
			cfg->n_pkt = (uint32_t)atoi(optarg);
			break;
		case 'H':
			cfg->huge = strcmp(optarg, "on") == 0 ? ZS_HUGE_ON : ZS_HUGE_OFF;
			break;
		case 't':
			g->end_us = (uint64_t)atoi(optarg) * 1000000;
			break;
		case 'p':
			cfg->n_ports = (uint16_t)atoi(optarg);
			break;
		case 'P':
			cfg->idle = ZS_IDLE_POWERSAVE;
			break;
		case 'c':
			if (inet_pton(AF_INET, optarg, &g->peer_be) != 1)
				die("bad address");
			break;
		case 'N':
			g->count = (uint32_t)atoi(optarg);
			break;
		case 'S':
			g->size = (uint32_t)atoi(optarg);
			break;
		default:
			die("bad option");
		}
	}
}

/* A further port, for net_ring and others with several devices: 10.18.N.2/24. */
static void more_ports(struct zs_dpdk_config *cfg)
{
	for (uint16_t i = 1; i < cfg->n_ports; i++)
		cfg->port[i] = (struct zs_dpdk_port){
			.port_id = i,
			.ip4_be = htonl(0x0a120002u + ((uint32_t)i << 8)),
			.ip4_prefix = 24,
		};
}

static uint8_t pattern(uint32_t seq, uint32_t i)
{
	return i < 4 ? (uint8_t)(seq >> (8 * i)) : (uint8_t)(seq * 31 + i * 7 + (i >> 8));
}

static void send_next(struct pong *g)
{
	struct zs_dpdk_pools pools = zs_dpdk_pools(g->d);
	struct rte_mbuf *m = rte_pktmbuf_alloc(g->size <= 1400 ? pools.pkt : pools.big);
	struct zs_addr to = zs_addr_ip4(g->peer_be);
	uint8_t *p;

	if (m == NULL)
		return;
	p = (uint8_t *)rte_pktmbuf_append(m, (uint16_t)g->size);
	for (uint32_t i = 0; i < g->size; i++)
		p[i] = pattern(g->got, i);
	if (zs_udp_send(g->s, g->udp, m, &to, ECHO_PORT) < 0)
		rte_pktmbuf_free(m);
	g->sent_us = zs_stack_now(g->s);
	g->waiting = true;
}

/* 1: the answer; 0: one that we have had (we ask again when it takes long); -1: nonsense. */
static int is_answer(const struct pong *g, const struct rte_mbuf *m)
{
	uint8_t buf[65536];
	const uint8_t *p;
	uint32_t seq;

	if (m->pkt_len != g->size)
		return -1;
	p = rte_pktmbuf_read(m, 0, m->pkt_len, buf);
	seq = p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
	for (uint32_t i = 0; i < g->size; i++)
		if (p[i] != pattern(seq, i))
			return -1;
	if (seq > g->got)
		return -1;
	return seq == g->got;
}

static void serve(struct pong *g)
{
	struct rte_mbuf *m;

	while ((m = zs_udp_recv(g->s, g->udp)) != NULL) {
		struct zs_addr from = zs_dgram(m)->from;
		uint16_t port = zs_dgram(m)->from_port;

		zs_lcore_mark_busy(g->lc);
		g->got++;
		if (zs_udp_send(g->s, g->udp, m, &from, port) < 0)
			rte_pktmbuf_free(m);
	}
}

static void ask(struct pong *g)
{
	struct rte_mbuf *m;

	while ((m = zs_udp_recv(g->s, g->udp)) != NULL) {
		int answer = is_answer(g, m);

		zs_lcore_mark_busy(g->lc);
		rte_pktmbuf_free(m);
		g->bad = g->bad || answer < 0;
		g->got += answer == 1;
		g->waiting = g->waiting && answer != 1;
	}
	if (g->got == g->count)
		zs_dpdk_stop(g->d);
	else if (!g->waiting || zs_stack_now(g->s) > g->sent_us + RETRY_US)
		send_next(g);
}

static void run(struct pong *g)
{
	while (!zs_dpdk_stopping(g->d)) {
		uint64_t next_us = zs_lcore_turn(g->lc);

		if (g->peer_be != 0)
			ask(g);
		else
			serve(g);
		zs_lcore_flush(g->lc);
		zs_lcore_idle(g->lc, next_us);
		if (g->end_us != 0 && zs_stack_now(g->s) > g->end_us)
			zs_dpdk_stop(g->d);
	}
}

static void report(const struct pong *g)
{
	const struct zs_stats *st = zs_stack_stats(g->s);
	struct zs_lcore_stats ds;

	zs_lcore_get_stats(g->lc, &ds);
	printf("done udp=%u rx=%" PRIu64 " tx=%" PRIu64 " refused=%" PRIu64 " turns=%" PRIu64
	       " busy=%" PRIu64 " busy_cycles=%" PRIu64 " total_cycles=%" PRIu64 " sleeps=%" PRIu64
	       " wakes_packet=%" PRIu64 " wakes_timer=%" PRIu64 " copies=%" PRIu64 "\n",
	       g->got, ds.rx_packets, ds.tx_packets, ds.tx_refused, ds.turns, ds.busy_turns,
	       ds.busy_cycles, ds.total_cycles, ds.sleeps, ds.wakes_packet, ds.wakes_timer,
	       st->copies);
	for (int i = 0; i < ZS_DROP_COUNT; i++)
		if (st->drops[i] != 0)
			printf("drop %s=%" PRIu64 "\n", zs_drop_name(i), st->drops[i]);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	struct pong g = { .count = 100, .size = 64 };
	struct zs_dpdk_config cfg;
	const struct zs_addr any = { .q = { 0, 0 } };
	int rc = 0;

	zs_dpdk_config_defaults(&cfg);
	cfg.prog = argv[0];
	cfg.n_pkt = 8192;
	cfg.n_hdr = 4096;
	cfg.n_big = 256;
	parse_args(argc, argv, &cfg, &g);
	more_ports(&cfg);
	if (zs_dpdk_init(&g.d, &cfg) < 0)
		return 1;
	g.lc = zs_dpdk_lcore(g.d, 0);
	g.s = zs_lcore_stack(g.lc);
	g.udp = zs_udp_open(g.s, ZS_AF_IP4);
	if (g.udp == NULL || zs_udp_bind(g.s, g.udp, &any, g.peer_be != 0 ? 0 : ECHO_PORT) < 0)
		die("no UDP socket");
	printf("ready mtu=%u offloads=%#x\n", zs_stack_config(g.s)->netif[0].mtu,
	       zs_stack_config(g.s)->netif[0].offloads);
	fflush(stdout);
	g.end_us += g.end_us != 0 ? zs_lcore_clock_us(g.lc) : 0;
	run(&g);
	report(&g);
	if (g.peer_be != 0 && (g.got < g.count || g.bad))
		rc = 2;
	zs_udp_close(g.s, g.udp);
	zs_dpdk_fini(g.d);
	return rc;
}
