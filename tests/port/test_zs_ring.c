/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The port on a net_ring device, in one process, with no privilege and no hugepages. On the other
 * ends of the two rings sits a second stack. The cases share one EAL, which starts once per
 * process.
 */
#include "tests/zs_test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_mbuf.h>
#include <rte_ring.h>

#include "ringpeer.h"

#include "core/tcp/zs_tcp.h"
#include "core/zs_pkt.h"
#include "core/zs_stack.h"
#include "core/zs_udp.h"
#include "port/dpdk/zs_dpdk.h"
#include "port/dpdk/zs_pcap.h"

enum { PORT = 7, TURNS = 2000 };

static struct world {
	struct ringpeer peer;
	struct zs_dpdk_config cfg;
	struct zs_dpdk *d;
	struct zs_lcore *lc;
	struct zs_udp *server, *client;
	bool announced;
	uint32_t idle_bufs; /* in use when nothing happens */
} w;

static const uint32_t port_ip = 0x0a120002, peer_ip = 0x0a120001;

static void small_config(struct zs_dpdk_config *cfg)
{
	zs_dpdk_config_defaults(cfg);
	cfg->prog = "test_zs_ring";
	cfg->huge = ZS_HUGE_OFF;
	cfg->n_pkt = 1024;
	cfg->n_hdr = 1024;
	cfg->n_big = 64;
	cfg->close_ms = 1;
	cfg->port[0].n_rxd = cfg->port[0].n_txd = 64;
	cfg->stack.use_tlp = false; /* which would come before a timeout */
	cfg->stack.max_conns = cfg->stack.max_half_open = cfg->stack.max_time_wait = 64;
	cfg->on_eal = ringpeer_device;
	cfg->on_eal_arg = &w.peer;
}

static void turn_peer(void)
{
	ringpeer_turn(&w.peer, zs_lcore_clock_us(w.lc));
}

static void turn_port(void)
{
	uint64_t next_us = zs_lcore_turn(w.lc);

	zs_lcore_flush(w.lc);
	zs_lcore_idle(w.lc, next_us);
}

/* Both sides until nothing moves. */
static void settle(void)
{
	struct zs_lcore_stats before, after;

	do {
		zs_lcore_get_stats(w.lc, &before);
		for (int i = 0; i < 8; i++) {
			turn_port();
			turn_peer();
		}
		zs_lcore_get_stats(w.lc, &after);
	} while (after.rx_packets != before.rx_packets || after.tx_packets != before.tx_packets);
}

/* The first turn, before anybody speaks: our address, from and for itself, to all. */
static bool first_frame_is_announcement(void)
{
	struct rte_mbuf *m;
	const uint8_t *f;
	bool is;

	(void)zs_lcore_turn(w.lc);
	zs_lcore_flush(w.lc);
	if (rte_ring_dequeue(w.peer.from_port, (void **)&m) < 0)
		return false;
	f = rte_pktmbuf_mtod(m, const uint8_t *);
	is = memcmp(f, "\xff\xff\xff\xff\xff\xff", 6) == 0 && f[12] == 8 && f[13] == 6 &&
	     memcmp(f + 28, &w.cfg.port[0].ip4_be, 4) == 0 && memcmp(f + 38, f + 28, 4) == 0;
	rte_pktmbuf_free(m);
	return is;
}

static int setup(void **state)
{
	const struct zs_addr any = { .q = { 0, 0 } };

	(void)state;
	small_config(&w.cfg);
	w.cfg.port[0].ip4_be = htonl(port_ip);
	if (zs_dpdk_init(&w.d, &w.cfg) < 0)
		return -1;
	w.lc = zs_dpdk_lcore(w.d, 0);
	if (ringpeer_make(&w.peer, w.d, &w.cfg.stack, htonl(peer_ip), ZS_OFF_TX_MULTI_SEG) < 0)
		return -1;
	w.announced = first_frame_is_announcement();
	w.server = zs_udp_open(zs_lcore_stack(w.lc), ZS_AF_IP4);
	w.client = zs_udp_open(w.peer.s, ZS_AF_IP4);
	if (zs_udp_bind(zs_lcore_stack(w.lc), w.server, &any, PORT) < 0)
		return -1;
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

static void send_to_port(uint16_t len)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(zs_dpdk_pools(w.d).pkt);
	struct zs_addr to = zs_addr_ip4(htonl(port_ip));

	assert_non_null(m);
	memset(rte_pktmbuf_append(m, len), 'a', len);
	assert_int_equal(zs_udp_send(w.peer.s, w.client, m, &to, PORT), 0);
}

static struct rte_mbuf *receive_at_port(void)
{
	for (int i = 0; i < TURNS; i++) {
		struct rte_mbuf *m = zs_udp_recv(zs_lcore_stack(w.lc), w.server);

		if (m != NULL)
			return m;
		turn_peer();
		turn_port();
	}
	return NULL;
}

static void test_datagrams_cross_and_buffers_return(void **state)
{
	(void)state;
	for (uint16_t len = 1; len <= 1400; len += 199) {
		struct rte_mbuf *m;

		send_to_port(len);
		m = receive_at_port();
		assert_non_null(m);
		assert_int_equal(m->pkt_len, len);
		rte_pktmbuf_free(m);
	}
	settle();
	assert_int_equal(zs_dpdk_bufs_in_use(w.d), w.idle_bufs);
}

static void test_first_use_of_private_area_is_zero(void **state)
{
	static const uint8_t zero[ZS_PRIV_SIZE];
	struct rte_mbuf *m = rte_pktmbuf_alloc(zs_dpdk_pools(w.d).big); /* nobody used one yet */

	(void)state;
	assert_non_null(m);
	assert_memory_equal(rte_mbuf_to_priv(m), zero, sizeof(zero));
	rte_pktmbuf_free(m);
}

static void test_rooms(void **state)
{
	struct zs_dpdk_pools p = zs_dpdk_pools(w.d);

	(void)state;
	assert_int_equal(rte_pktmbuf_data_room_size(p.pkt), RTE_PKTMBUF_HEADROOM + 2048);
	assert_int_equal(rte_pktmbuf_data_room_size(p.hdr), RTE_PKTMBUF_HEADROOM + 128);
	assert_int_equal(rte_pktmbuf_data_room_size(p.big), RTE_PKTMBUF_HEADROOM + 16384 + 512);
	assert_true(rte_pktmbuf_priv_size(p.pkt) >= ZS_PRIV_SIZE);
	assert_true(rte_pktmbuf_priv_size(p.hdr) >= ZS_PRIV_SIZE);
	assert_true(rte_pktmbuf_priv_size(p.big) >= ZS_PRIV_SIZE);
}

/* net_ring does multi-segment TX and no checksums: advertised, so used; not advertised, so not. */
static void test_offloads_are_what_is_advertised(void **state)
{
	(void)state;
	assert_int_equal(zs_stack_config(zs_lcore_stack(w.lc))->netif[0].offloads,
			 ZS_OFF_TX_MULTI_SEG);
}

static void test_device_that_is_full_is_counted_and_tried_again(void **state)
{
	struct rte_mbuf *filler[RINGPEER_SIZE];
	struct zs_lcore_stats before, after;
	struct rte_mbuf *m;
	unsigned n;

	(void)state;
	n = rte_ring_free_count(w.peer.from_port);
	for (unsigned i = 0; i < n; i++) {
		filler[i] = rte_pktmbuf_alloc(zs_dpdk_pools(w.d).pkt);
		assert_non_null(filler[i]);
	}
	assert_int_equal(rte_ring_enqueue_bulk(w.peer.from_port, (void **)filler, n, NULL), n);
	send_to_port(10); /* and the answer cannot leave */
	zs_stack_flush(w.peer.s);
	zs_lcore_get_stats(w.lc, &before);
	m = NULL;
	for (int i = 0; i < TURNS && m == NULL; i++) {
		turn_port();
		m = zs_udp_recv(zs_lcore_stack(w.lc), w.server);
	}
	assert_non_null(m);
	struct zs_addr from = zs_dgram(m)->from;
	uint16_t port = zs_dgram(m)->from_port;

	assert_int_equal(zs_udp_send(zs_lcore_stack(w.lc), w.server, m, &from, port), 0);
	turn_port();
	turn_port();
	zs_lcore_get_stats(w.lc, &after);
	assert_true(after.tx_refused >= before.tx_refused + 2);
	assert_int_equal(after.tx_packets, before.tx_packets);
	assert_true(zs_stack_tx_pending(zs_lcore_stack(w.lc)));

	assert_int_equal(rte_ring_dequeue_bulk(w.peer.from_port, (void **)filler, n, NULL), n);
	rte_pktmbuf_free_bulk(filler, n);
	settle();
	zs_lcore_get_stats(w.lc, &after);
	assert_int_equal(after.tx_packets, before.tx_packets + 1);
	m = zs_udp_recv(w.peer.s, w.client);
	assert_non_null(m);
	rte_pktmbuf_free(m);
	assert_int_equal(zs_dpdk_bufs_in_use(w.d), w.idle_bufs);
}

/* Packets of so many bytes in a pcapng file. */
static unsigned count_packets(const char *file, uint32_t len)
{
	enum { PACKET = 6, BLOCK_WORDS = 7 };
	uint32_t b[BLOCK_WORDS]; /* type, length, interface, time (2), captured, original */
	FILE *f = fopen(file, "r");
	unsigned n = 0;

	assert_non_null(f);
	while (fread(b, sizeof(b), 1, f) == 1) {
		n += b[0] == PACKET && b[6] == len;
		assert_true(b[1] >= sizeof(b));
		assert_int_equal(fseek(f, (long)(b[1] - sizeof(b)), SEEK_CUR), 0);
	}
	fclose(f);
	return n;
}

/* The device refuses it, many times, and then takes it. */
static void test_a_capture_has_each_frame_once(void **state)
{
	enum { FRAMES = RINGPEER_SIZE + 20, LEN = 33, HEADERS = 14 + 20 + 8 };
	char file[] = "/tmp/test_zs_ring.XXXXXX", err[ZS_PCAP_ERR];
	struct zs_pcap_options o = { .file = file, .filter = "", .port = ZS_PCAP_ALL_PORTS };
	struct zs_addr to = zs_addr_ip4(htonl(peer_ip));
	uint16_t port = w.client->flow.lport;
	struct zs_pcap_status last;
	struct rte_mbuf *m;

	(void)state;
	close(mkstemp(file));
	assert_int_equal(zs_pcap_start(w.d, &o, err), 0);
	for (int i = 0; i < FRAMES; i++) {
		m = rte_pktmbuf_alloc(zs_dpdk_pools(w.d).pkt);
		assert_non_null(m);
		memset(rte_pktmbuf_append(m, LEN), 'a', LEN);
		assert_int_equal(zs_udp_send(zs_lcore_stack(w.lc), w.server, m, &to, port), 0);
		turn_port();
	}
	assert_true(zs_stack_tx_pending(zs_lcore_stack(w.lc)));
	settle();
	assert_false(zs_stack_tx_pending(zs_lcore_stack(w.lc)));
	zs_pcap_detach(w.d);
	zs_pcap_finish(w.d, &last);
	assert_true(last.packets >= FRAMES);
	assert_int_equal(count_packets(file, HEADERS + LEN), FRAMES);
	unlink(file);
	while ((m = zs_udp_recv(w.peer.s, w.client)) != NULL)
		rte_pktmbuf_free(m);
	assert_int_equal(zs_dpdk_bufs_in_use(w.d), w.idle_bufs);
}

static void test_statistics_tell_busy_from_idle(void **state)
{
	struct zs_lcore_stats st;
	struct rte_mbuf *m;

	(void)state;
	settle();
	zs_lcore_reset_stats(w.lc);
	for (int i = 0; i < 100; i++)
		turn_port();
	(void)zs_lcore_turn(w.lc);
	zs_lcore_get_stats(w.lc, &st);
	assert_int_equal(st.turns, 101);
	assert_true(st.busy_turns <= 5); /* a timer of the stack may have come */
	assert_true(st.total_cycles > 0);
	assert_true(st.busy_cycles < st.total_cycles);

	zs_lcore_reset_stats(w.lc);
	for (int i = 0; i < 10; i++) {
		(void)zs_lcore_turn(w.lc);
		zs_lcore_mark_busy(w.lc);
	}
	(void)zs_lcore_turn(w.lc);
	zs_lcore_get_stats(w.lc, &st);
	assert_true(st.busy_turns >= 10);
	assert_true(st.busy_cycles > 0 && st.busy_cycles <= st.total_cycles);

	send_to_port(10);
	zs_stack_flush(w.peer.s);
	assert_int_equal(zs_lcore_turn(w.lc), 0);
	m = zs_udp_recv(zs_lcore_stack(w.lc), w.server);
	assert_non_null(m);
	rte_pktmbuf_free(m);
	zs_lcore_get_stats(w.lc, &st);
	assert_int_equal(st.rx_packets, 1);
}

/*
 * The application took its time, longer than the timeout: the ACK that waits behind other packets
 * comes before that.
 */
static void test_what_waits_is_received_before_timers_run(void **state)
{
	enum { BEFORE = 2 * ZS_BURST + 9, PAUSE_US = 350000 };
	struct zs_stack *s = zs_lcore_stack(w.lc);
	struct zs_tcb *l = zs_tcp_open(w.peer.s, ZS_AF_IP4), *c = zs_tcp_open(s, ZS_AF_IP4);
	const struct zs_addr any = { .q = { 0, 0 } }, to = zs_addr_ip4(htonl(peer_ip));
	uint64_t timeouts = zs_stack_stats(s)->tcp_rto;
	struct zs_listener *lst;
	struct rte_mbuf *m;

	(void)state;
	assert_int_equal(zs_tcp_bind(w.peer.s, l, &any, PORT), 0);
	assert_int_equal(zs_tcp_listen(w.peer.s, l, 1, &lst), 0);
	assert_int_equal(zs_tcp_connect(s, c, &to, PORT), 0);
	settle();
	assert_int_equal(zs_tcp_state(c), ZS_ESTABLISHED);
	assert_int_equal(zs_tcp_send_copy(s, c, "a", 1, 0), 1);
	turn_port();
	turn_port();
	for (int i = 0; i < BEFORE; i++)
		send_to_port(1);
	turn_peer();
	assert_int_equal(zs_tcp_acked(c), 0);
	usleep(PAUSE_US);
	for (int i = 0; i < 4; i++)
		turn_port();
	assert_int_equal(zs_tcp_acked(c), 1);
	assert_int_equal(zs_stack_stats(s)->tcp_rto, timeouts);
	for (int i = 0; i < BEFORE; i++) {
		m = zs_udp_recv(s, w.server);
		assert_non_null(m);
		rte_pktmbuf_free(m);
	}
	zs_tcp_abort(s, c);
	zs_tcp_listener_close(w.peer.s, lst);
	settle();
	assert_int_equal(zs_dpdk_bufs_in_use(w.d), w.idle_bufs);
}

static void test_clock_runs_with_the_wall(void **state)
{
	uint64_t a = zs_lcore_clock_us(w.lc), b;

	(void)state;
	usleep(20000);
	b = zs_lcore_clock_us(w.lc);
	assert_in_range(b - a, 19000, 2000000);
}

static void test_second_init_is_refused(void **state)
{
	struct zs_dpdk_config cfg;
	struct zs_dpdk *d = NULL;
	int null, saved, rc;

	(void)state;
	small_config(&cfg);
	cfg.signals = false;
	cfg.on_eal = NULL;
	null = open("/dev/null", O_WRONLY);
	saved = dup(STDERR_FILENO);
	dup2(null, STDERR_FILENO);
	rc = zs_dpdk_init(&d, &cfg);
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(null);
	assert_int_equal(rc, -EALREADY);
	assert_null(d);
	turn_port(); /* the first one is well */
}

static void test_signal_stops(void **state)
{
	struct sigaction sa;

	(void)state;
	assert_false(zs_dpdk_stopping(w.d));
	raise(SIGTERM);
	assert_true(zs_dpdk_stopping(w.d));
	raise(SIGTERM); /* timeout(1) sends two */
	raise(SIGTERM);
	assert_int_equal(sigaction(SIGTERM, NULL, &sa), 0);
	assert_true(sa.sa_handler == SIG_DFL); /* the next one would end the process */
}

static void test_address_is_announced(void **state)
{
	(void)state;
	assert_true(w.announced);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_use_of_private_area_is_zero),
		cmocka_unit_test(test_rooms),
		cmocka_unit_test(test_address_is_announced),
		cmocka_unit_test(test_offloads_are_what_is_advertised),
		cmocka_unit_test(test_datagrams_cross_and_buffers_return),
		cmocka_unit_test(test_device_that_is_full_is_counted_and_tried_again),
		cmocka_unit_test(test_a_capture_has_each_frame_once),
		cmocka_unit_test(test_statistics_tell_busy_from_idle),
		cmocka_unit_test(test_what_waits_is_received_before_timers_run),
		cmocka_unit_test(test_clock_runs_with_the_wall),
		cmocka_unit_test(test_second_init_is_refused),
		cmocka_unit_test(test_signal_stops),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
