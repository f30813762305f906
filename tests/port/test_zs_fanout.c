/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Two lcores on a net_ring device with one queue; on its other end a third stack, the peer. Once
 * the lcores share the work this program drives both from one thread, so that every case goes the
 * same way each time. The cases share one EAL and build on each other's state as little as they
 * can.
 */
#include "tests/zs_test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_ethdev.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include "ringpeer.h"

#include "core/tcp/zs_tcp.h"
#include "core/tcp/zs_tfo.h"
#include "core/zs_neigh.h"
#include "core/zs_netif.h"
#include "core/zs_pkt.h"
#include "core/zs_udp.h"
#include "port/dpdk/zs_dpdk.h"
#include "port/dpdk/zs_fanout.h"
#include "port/dpdk/zs_procs.h"
#include "port/dpdk/zs_rss.h"
#include "wire/zs_cksum.h"
#include "wire/zs_hdr.h"

enum { PORT = 7, LONELY_PORT = 8, CLOSED_PORT = 9, CLIENTS = 32 };

static struct world {
	struct ringpeer peer;
	struct zs_dpdk_config cfg;
	struct zs_dpdk *d;
	struct zs_lcore *lc[2];
	struct zs_stack *s[2];
	struct zs_udp *server[2], *client[CLIENTS];
	struct zs_rss rss;
	uint32_t idle_bufs;
	bool stalled; /* lcore 1 has no turn */
} w;

static const uint32_t port_ip = 0x0a120002, peer_ip = 0x0a120001;

/* ---- turns ---- */

static void turn_peer(void)
{
	ringpeer_turn(&w.peer, zs_lcore_clock_us(w.lc[0]));
}

static void turn_lcore(int i)
{
	(void)zs_lcore_turn(w.lc[i]);
	zs_lcore_flush(w.lc[i]);
}

static uint64_t moved(void)
{
	struct zs_lcore_stats a, b;

	zs_lcore_get_stats(w.lc[0], &a);
	zs_lcore_get_stats(w.lc[1], &b);
	return a.rx_packets + a.tx_packets + a.taken_over + b.taken_over;
}

static void settle(void)
{
	uint64_t before;

	do {
		before = moved();
		for (int i = 0; i < 8; i++) {
			turn_peer();
			turn_lcore(0);
			if (!w.stalled)
				turn_lcore(1);
		}
	} while (moved() != before);
}

/* ---- datagrams ---- */

static struct zs_udp *open_udp(struct zs_stack *s, uint16_t port)
{
	const struct zs_addr any = { .q = { 0, 0 } };
	struct zs_udp *u = zs_udp_open(s, ZS_AF_IP4);

	assert_non_null(u);
	assert_int_equal(zs_udp_bind(s, u, &any, port), 0);
	return u;
}

static void send_from(struct zs_stack *s, struct zs_udp *u, uint32_t to_ip, uint16_t port,
		      uint16_t len)
{
	struct zs_dpdk_pools pools = zs_dpdk_pools(w.d);
	struct rte_mbuf *m = rte_pktmbuf_alloc(len > 1400 ? pools.big : pools.pkt);
	struct zs_addr to = zs_addr_ip4(htonl(to_ip));

	assert_non_null(m);
	memset(rte_pktmbuf_append(m, len), 'a', len);
	assert_int_equal(zs_udp_send(s, u, m, &to, port), 0);
}

static unsigned drain(struct zs_stack *s, struct zs_udp *u)
{
	struct rte_mbuf *m;
	unsigned n = 0;

	while ((m = zs_udp_recv(s, u)) != NULL) {
		rte_pktmbuf_free(m);
		n++;
	}
	return n;
}

/* The lcore of what client i sends to the port. */
static unsigned place_of(int i, uint16_t port)
{
	struct zs_flow f = {
		.laddr = zs_addr_ip4(htonl(port_ip)),
		.faddr = zs_addr_ip4(htonl(peer_ip)),
		.lport = port,
		.fport = w.client[i]->flow.lport,
		.family = ZS_AF_IP4,
		.proto = ZS_PROTO_UDP,
	};

	return zs_rss_flow(&w.rss, &f);
}

/* A client whose datagrams to the port belong to that lcore. */
static int client_of(unsigned lcore, uint16_t port)
{
	for (int i = 0; i < CLIENTS; i++)
		if (place_of(i, port) == lcore)
			return i;
	fail_msg("no client for lcore %u", lcore);
	return -1;
}

static uint64_t drops(int i, enum zs_drop why)
{
	return zs_stack_stats(w.s[i])->drops[why];
}

static void expect_idle(void)
{
	settle();
	assert_int_equal(zs_dpdk_bufs_in_use(w.d), w.idle_bufs);
}

/* ---- cases ---- */

static void test_alone_the_first_gets_everything(void **state)
{
	(void)state;
	for (int i = 0; i < CLIENTS; i++)
		send_from(w.peer.s, w.client[i], port_ip, PORT, 10);
	settle();
	assert_int_equal(drain(w.s[0], w.server[0]), CLIENTS);
	assert_int_equal(drain(w.s[1], w.server[1]), 0);
	expect_idle();
}

static unsigned ran[2];

static void note_run(struct zs_lcore *lc, void *arg)
{
	assert_ptr_equal(arg, &w);
	assert_ptr_equal(lc, w.lc[zs_lcore_index(lc)]);
	ran[zs_lcore_index(lc)] = rte_lcore_id() + 1;
}

static void test_run_calls_on_every_lcore(void **state)
{
	(void)state;
	zs_dpdk_run(w.d, note_run, &w);
	assert_int_equal(ran[0], 1);
	assert_int_equal(ran[1], 2);
}

static void test_datagrams_go_where_they_belong_and_back(void **state)
{
	struct zs_lcore_stats a, b;
	struct rte_mbuf *m;
	unsigned n[2] = { 0 };

	(void)state;
	for (int i = 0; i < CLIENTS; i++) {
		send_from(w.peer.s, w.client[i], port_ip, PORT, 10);
		settle();
		for (unsigned k = 0; k < 2; k++) {
			m = zs_udp_recv(w.s[k], w.server[k]);
			assert_int_equal(m != NULL, k == place_of(i, PORT));
			if (m == NULL)
				continue;
			struct zs_addr from = zs_dgram(m)->from;
			uint16_t port = zs_dgram(m)->from_port;

			n[k]++;
			assert_int_equal(zs_udp_send(w.s[k], w.server[k], m, &from, port), 0);
		}
		settle();
		assert_int_equal(drain(w.peer.s, w.client[i]), 1);
	}
	assert_true(n[0] >= CLIENTS / 4 && n[1] >= CLIENTS / 4);
	zs_lcore_get_stats(w.lc[0], &a);
	zs_lcore_get_stats(w.lc[1], &b);
	assert_true(b.taken_over >= n[1]);
	assert_int_equal(a.handed_over, b.taken_over);
	assert_int_equal(b.rx_packets, 0);
	expect_idle();
}

static void test_arp_reaches_both_and_one_answers(void **state)
{
	struct zs_addr peer = zs_addr_ip4(htonl(peer_ip));
	uint64_t before = zs_stack_stats(w.peer.s)->rx_packets;
	struct zs_mac mac;

	(void)state;
	zs_arp_announce(w.peer.s, zs_netif_by_port(w.peer.s, 0));
	settle();
	assert_int_equal(zs_stack_stats(w.peer.s)->rx_packets, before);
	for (int i = 0; i < 2; i++) {
		assert_true(zs_neigh_lookup(w.s[i], zs_netif_by_port(w.s[i], 0), ZS_AF_IP4, &peer,
					    &mac));
		assert_int_equal(mac.b[5], 9);
	}
	expect_idle();
}

/* A socket on one lcore alone gets its datagrams wherever their flows belong. */
static void test_stray_finds_its_socket(void **state)
{
	struct zs_udp *lonely = open_udp(w.s[1], LONELY_PORT);

	(void)state;
	for (unsigned k = 0; k < 2; k++) {
		send_from(w.peer.s, w.client[client_of(k, LONELY_PORT)], port_ip, LONELY_PORT, 10);
		settle();
		assert_int_equal(drain(w.s[1], lonely), 1);
	}
	zs_udp_close(w.s[1], lonely);
	expect_idle();
}

static void test_closed_port_is_refused_once(void **state)
{
	uint64_t before[2] = { drops(0, ZS_DROP_UDP_NO_SOCKET), drops(1, ZS_DROP_UDP_NO_SOCKET) };
	uint64_t heard = zs_stack_stats(w.peer.s)->rx_packets;

	(void)state;
	for (unsigned k = 0; k < 2; k++) {
		send_from(w.peer.s, w.client[client_of(k, CLOSED_PORT)], port_ip, CLOSED_PORT, 10);
		settle();
	}
	/* the last to be asked: the other one */
	assert_int_equal(drops(0, ZS_DROP_UDP_NO_SOCKET), before[0] + 1);
	assert_int_equal(drops(1, ZS_DROP_UDP_NO_SOCKET), before[1] + 1);
	assert_int_equal(zs_stack_stats(w.peer.s)->rx_packets, heard + 2);
	expect_idle();
}

static void test_fragments_meet_and_go_on(void **state)
{
	(void)state;
	for (unsigned k = 0; k < 2; k++) {
		send_from(w.peer.s, w.client[client_of(k, PORT)], port_ip, PORT, 4000);
		settle();
		assert_int_equal(drain(w.s[k], w.server[k]), 1);
		assert_int_equal(drain(w.s[!k], w.server[!k]), 0);
	}
	expect_idle();
}

static struct rte_mbuf *new_frame(enum zs_ethertype type, size_t len)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(zs_dpdk_pools(w.d).pkt);
	struct zs_eth_hdr *eth;

	assert_non_null(m);
	eth = (struct zs_eth_hdr *)rte_pktmbuf_append(m, (uint16_t)(sizeof(*eth) + len));
	memset(eth, 0, sizeof(*eth) + len);
	eth->type_be = htons(type);
	return m;
}

/* 8 bytes of an IGMP query at 0, with more to come, or 8 behind them. */
static struct rte_mbuf *new_igmp_fragment(uint16_t frag)
{
	struct rte_mbuf *m = new_frame(ZS_ETH_IP4, sizeof(struct zs_ip4_hdr) + 8);
	struct zs_eth_hdr *eth = rte_pktmbuf_mtod(m, struct zs_eth_hdr *);
	struct zs_ip4_hdr *ip = (struct zs_ip4_hdr *)(eth + 1);

	eth->dst = zs_netif_by_port(w.s[0], 0)->mac;
	*ip = (struct zs_ip4_hdr){
		.ver_ihl = 0x45,
		.len_be = htons(sizeof(*ip) + 8),
		.id_be = htons(77),
		.frag_be = htons(frag),
		.ttl = 1,
		.proto = ZS_PROTO_IGMP,
		.src_be = htonl(peer_ip + 4),
		.dst_be = htonl(port_ip),
	};
	ip->cksum = zs_cksum_finish(zs_cksum_raw(ip, sizeof(*ip)));
	*(uint8_t *)(ip + 1) = 0x11;
	return m;
}

static uint64_t taken_over_by_second(void)
{
	struct zs_lcore_stats st;

	zs_lcore_get_stats(w.lc[1], &st);
	return st.taken_over;
}

/* A datagram that came in fragments and is for all stacks. */
static void test_whole_datagrams_for_all_reach_all(void **state)
{
	struct rte_mbuf *m[] = { new_igmp_fragment(ZS_IP4_MF), new_igmp_fragment(1) };
	uint64_t before = taken_over_by_second();
	struct zs_ip6_hdr *ip6;

	(void)state;
	assert_int_equal(zs_rss_frame(&w.rss, m[0], 9), 0);
	assert_int_equal(rte_ring_enqueue_bulk(w.peer.to_port, (void **)m, 2, NULL), 2);
	expect_idle();
	assert_int_equal(taken_over_by_second(), before + 1);

	m[0] = new_frame(ZS_ETH_IP6, sizeof(*ip6) + sizeof(struct zs_icmp6_hdr));
	ip6 = rte_pktmbuf_mtod_offset(m[0], struct zs_ip6_hdr *, sizeof(struct zs_eth_hdr));
	ip6->next = ZS_PROTO_ICMP6;
	((struct zs_icmp6_hdr *)(ip6 + 1))->type = ZS_MLD_QUERY;
	assert_false(zs_fan_pass_on(w.lc[0], 0, m[0], ZS_PASS_WHOLE));
	rte_pktmbuf_free(m[0]); /* still the caller's */
	expect_idle();
	assert_int_equal(taken_over_by_second(), before + 2);
}

static void test_connected_port_is_chosen_for_the_way_back(void **state)
{
	struct zs_addr peer = zs_addr_ip4(htonl(peer_ip));

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct zs_udp *u = zs_udp_open(w.s[i], ZS_AF_IP4);

		assert_int_equal(zs_udp_connect(w.s[i], u, &peer, 1234), 0);
		assert_int_equal(zs_rss_flow(&w.rss, &u->flow), i);
		zs_udp_close(w.s[i], u);
	}
}

static void test_full_ring_is_a_drop_with_a_name(void **state)
{
	int i = client_of(1, PORT);
	uint64_t before = drops(0, ZS_DROP_HANDOVER_FULL);
	unsigned got;

	(void)state;
	w.stalled = true;
	for (int k = 0; k < 1100; k++) {
		send_from(w.peer.s, w.client[i], port_ip, PORT, 1);
		if (k % 16 == 0)
			settle();
	}
	settle();
	assert_int_equal(drops(0, ZS_DROP_HANDOVER_FULL), before + 1100 - 1023);
	assert_string_equal(zs_drop_name(ZS_DROP_HANDOVER_FULL), "handover_full");
	w.stalled = false;
	settle();
	got = drain(w.s[1], w.server[1]);
	assert_int_equal(got + drops(1, ZS_DROP_UDP_FULL), 1023);
	expect_idle();
}

/* The application's word against that of the hash: all to one lcore; answers; what it forgets. */
static struct looks {
	int to;
	unsigned seen;
} looks;

static int look(void *arg, struct zs_frame *f)
{
	struct looks *l = arg;

	l->seen++;
	assert_int_equal(f->lcore, 0); /* there is one queue */
	assert_int_equal(f->n_lcores, 2);
	return l->to;
}

static void test_frames_go_where_the_application_says(void **state)
{
	struct zs_lcore_stats before, after;
	struct zs_udp *u;

	(void)state;
	zs_dpdk_look_at_frames(w.d, look, &looks);
	for (int to = 0; to < 2; to++) {
		looks = (struct looks){ .to = to };
		for (int i = 0; i < CLIENTS; i++) {
			send_from(w.peer.s, w.client[i], port_ip, PORT, 10);
			settle();
		}
		assert_int_equal(looks.seen, CLIENTS);
		assert_int_equal(drain(w.s[to], w.server[to]), CLIENTS);
		assert_int_equal(drain(w.s[!to], w.server[!to]), 0);
	}
	/* what the lcore that it says does not know is offered to the others */
	looks = (struct looks){ .to = 0 };
	u = open_udp(w.s[1], LONELY_PORT);
	send_from(w.peer.s, w.client[0], port_ip, LONELY_PORT, 10);
	settle();
	assert_int_equal(drain(w.s[1], u), 1);
	zs_udp_close(w.s[1], u);
	/* what all learn from reaches all the same */
	looks = (struct looks){ .to = 0 };
	zs_lcore_get_stats(w.lc[1], &before);
	zs_arp_announce(w.peer.s, zs_netif_by_port(w.peer.s, 0));
	settle();
	zs_lcore_get_stats(w.lc[1], &after);
	assert_int_equal(after.taken_over, before.taken_over + 1);
	zs_dpdk_look_at_frames(w.d, NULL, NULL);
	looks.seen = 0;
	send_from(w.peer.s, w.client[client_of(1, PORT)], port_ip, PORT, 10);
	settle();
	assert_int_equal(looks.seen, 0);
	assert_int_equal(drain(w.s[1], w.server[1]), 1);
	expect_idle();
}

/* A group that another stack than the first joins: the device lets it in, whoever asks. */
static void test_groups_of_any_lcore(void **state)
{
	const struct zs_addr group = zs_addr_ip4(htonl(0xef010203));
	struct zs_udp *u = open_udp(w.s[1], LONELY_PORT);

	(void)state;
	assert_int_equal(rte_eth_allmulticast_disable(0), 0);
	assert_int_equal(zs_udp_join(w.s[1], u, zs_netif_by_port(w.s[1], 0), ZS_AF_IP4, &group), 0);
	assert_int_equal(rte_eth_allmulticast_get(0), 1);
	send_from(w.peer.s, w.client[0], ntohl(group.ip4_be), LONELY_PORT, 3);
	settle();
	assert_int_equal(drain(w.s[1], u), 1);
	zs_udp_close(w.s[1], u);
	expect_idle();
}

/* The stack of an lcore whose frames nobody sends keeps what its ring does not take. */
static void test_frames_wait_for_the_sender(void **state)
{
	const uint64_t *lost = &zs_stack_stats(w.peer.s)->drops[ZS_DROP_UDP_FULL];
	uint64_t before = *lost;
	unsigned got = 0;

	(void)state;
	for (int k = 0; k < 1200; k++) {
		send_from(w.s[1], w.server[1], peer_ip, w.client[0]->flow.lport, 1);
		zs_stack_flush(w.s[1]);
	}
	assert_true(zs_stack_tx_pending(w.s[1]));
	assert_int_equal(drops(1, ZS_DROP_TX_FULL), 0);
	for (int k = 0; k < 200; k++) {
		settle();
		got += drain(w.peer.s, w.client[0]);
	}
	assert_false(zs_stack_tx_pending(w.s[1]));
	assert_int_equal(got + *lost - before, 1200);
	expect_idle();
}

/* A secondary process: answers would reach the primary, which knows nothing of the question. */
static void test_who_takes_no_part_yet_sends_nothing(void **state)
{
	static struct zs_shared sh = { .state[1] = ZS_PROC_WANTED };
	struct zs_procs procs = { .sh = &sh, .fd = -1, .id = 1 };
	struct rte_mbuf *m = rte_pktmbuf_alloc(w.lc[1]->node->pools.pkt);

	(void)state;
	assert_non_null(m);
	w.d->procs = &procs;
	assert_int_equal(zs_fan_tx(w.lc[1], 0, &m, 1), 0);
	sh.state[1] = ZS_PROC_PRESENT;
	assert_false(zs_procs_waits(w.d));
	sh.state[1] = ZS_PROC_ABSENT;
	procs.told = true; /* it ends, and says so to its peers */
	assert_false(zs_procs_waits(w.d));
	w.d->procs = NULL;
	rte_pktmbuf_free(m); /* still ours */
	expect_idle();
}

/* Four processes and a device with two queues: the second, which sends for the fourth, is not
 * there. */
static void test_the_primary_sends_for_who_is_not_there(void **state)
{
	static struct zs_shared sh = { .state = { ZS_PROC_PRESENT, ZS_PROC_ABSENT, ZS_PROC_PRESENT,
						  ZS_PROC_PRESENT } };
	static struct zs_box box[4];
	static struct zs_dpdk d = { .n_ports = 1, .n_stacks = 4, .box = box, .port[0].n_txq = 2 };
	struct zs_procs procs = { .sh = &sh, .fd = -1, .id = 3 };
	struct zs_lcore fourth = { .d = &d, .index = 3, .node = w.lc[0]->node };
	struct rte_ring *to[2];

	(void)state;
	d.procs = &procs;
	for (int i = 0; i < 2; i++) {
		to[i] = rte_ring_create(i == 0 ? "first" : "second", 8, SOCKET_ID_ANY, 0);
		assert_non_null(to[i]);
		box[i].ring[1][3] = to[i];
		box[i].need_wakeup = &sh.stack[i].need_wakeup;
	}
	for (int i = 0; i < 2; i++) {
		struct rte_mbuf *m = new_frame(ZS_ETH_IP4, 20);

		assert_int_equal(zs_fan_tx(&fourth, 0, &m, 1), 1);
		assert_int_equal(rte_ring_count(to[0]), 1);
		assert_int_equal(rte_ring_count(to[1]), i);
		sh.state[1] = ZS_PROC_PRESENT;
	}
	for (uint16_t i = 0; i < 2; i++) {
		zs_fan_bury(&fourth, i);
		rte_ring_free(to[i]);
	}
	expect_idle();
}

static void test_a_start_that_fails_half_way_closes_what_it_opened(void **state)
{
	static struct zs_shared sh;
	static struct zs_dpdk d = { .n_stacks = 2 };
	struct zs_procs procs = { .sh = &sh, .fd = -1, .path = "/nowhere/zs_procs" };
	int null = open("/dev/null", O_WRONLY), saved = dup(STDERR_FILENO), in = dup(STDIN_FILENO);

	(void)state;
	d.procs = &procs;
	dup2(null, STDIN_FILENO);
	dup2(null, STDERR_FILENO);
	assert_int_equal(zs_fan_create(&d), -ENOENT);
	zs_fan_free(&d);
	dup2(saved, STDERR_FILENO);
	assert_true(fcntl(STDIN_FILENO, F_GETFD) >= 0);
	dup2(in, STDIN_FILENO);
	close(null);
	close(saved);
	close(in);
}

/* A client's next connection may come to another stack than the one that gave it its cookie. */
static void test_cookies_of_one_lcore_are_good_on_another(void **state)
{
	const struct zs_listener l = { .has_tfo_key = false };

	(void)state;
	assert_memory_equal(zs_tfo_key(w.s[0], &l), zs_tfo_key(w.s[1], &l), 16);
}

/* ---- the world ---- */

static int setup(void **state)
{
	(void)state;
	zs_dpdk_config_defaults(&w.cfg);
	w.cfg.prog = "test_zs_fanout";
	w.cfg.huge = ZS_HUGE_OFF;
	w.cfg.eal_args = "--lcores=0@0,1@0";
	w.cfg.n_pkt = w.cfg.n_hdr = 4096;
	w.cfg.n_big = 64;
	w.cfg.mem_mb = 256;
	w.cfg.close_ms = 1;
	w.cfg.port[0].n_rxd = w.cfg.port[0].n_txd = 64;
	w.cfg.port[0].ip4_be = htonl(port_ip);
	w.cfg.stack.max_conns = w.cfg.stack.max_half_open = w.cfg.stack.max_time_wait = 64;
	w.cfg.on_eal = ringpeer_device;
	w.cfg.on_eal_arg = &w.peer;
	if (zs_dpdk_init(&w.d, &w.cfg) < 0 || zs_dpdk_n_lcores(w.d) != 2)
		return -1;
	zs_rss_init(&w.rss, 2, ZS_RSS_BUCKETS);
	if (ringpeer_make(&w.peer, w.d, &w.cfg.stack, htonl(peer_ip), 0) < 0)
		return -1;
	for (unsigned i = 0; i < 2; i++) {
		w.lc[i] = zs_dpdk_lcore(w.d, i);
		w.s[i] = zs_lcore_stack(w.lc[i]);
		w.server[i] = open_udp(w.s[i], PORT);
	}
	for (int i = 0; i < CLIENTS; i++)
		w.client[i] = open_udp(w.peer.s, (uint16_t)(4000 + i));
	settle();
	w.idle_bufs = zs_dpdk_bufs_in_use(w.d);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	zs_stack_destroy(w.peer.s);
	zs_dpdk_fini(w.d);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_alone_the_first_gets_everything),
		cmocka_unit_test(test_run_calls_on_every_lcore),
		cmocka_unit_test(test_datagrams_go_where_they_belong_and_back),
		cmocka_unit_test(test_arp_reaches_both_and_one_answers),
		cmocka_unit_test(test_stray_finds_its_socket),
		cmocka_unit_test(test_closed_port_is_refused_once),
		cmocka_unit_test(test_fragments_meet_and_go_on),
		cmocka_unit_test(test_whole_datagrams_for_all_reach_all),
		cmocka_unit_test(test_connected_port_is_chosen_for_the_way_back),
		cmocka_unit_test(test_full_ring_is_a_drop_with_a_name),
		cmocka_unit_test(test_frames_go_where_the_application_says),
		cmocka_unit_test(test_groups_of_any_lcore),
		cmocka_unit_test(test_frames_wait_for_the_sender),
		cmocka_unit_test(test_who_takes_no_part_yet_sends_nothing),
		cmocka_unit_test(test_the_primary_sends_for_who_is_not_there),
		cmocka_unit_test(test_a_start_that_fails_half_way_closes_what_it_opened),
		cmocka_unit_test(test_cookies_of_one_lcore_are_good_on_another),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
