/* SPDX-License-Identifier: BSD-3-Clause */
/* The simulator itself: time, wires, damage, captures, pools, the device's checks, the hub. */
#include <stdlib.h>
#include <unistd.h>

#include "../../sim/zs_simworld.h"
#include "simtest.h"

struct sink {
	struct zs_sim *w;
	unsigned int n;
	uint64_t at[4096];
	uint8_t first[4096];
	bool trusted[4096];
	uint8_t copy[256];
};

static void sink_deliver(void *ctx, unsigned int port, struct zs_simpkt *p)
{
	struct sink *s = ctx;

	(void)port;
	s->at[s->n] = zs_sim_now(s->w);
	s->trusted[s->n] = p->trusted;
	memcpy(s->copy, p->data, RTE_MIN(p->len, sizeof(s->copy)));
	s->first[s->n++] = p->data[60];
	zs_simpkt_free(s->w, p);
}

static struct zs_simlink *wire_to_sink(struct zs_sim *w, const struct zs_simwire_config *c,
				       struct sink *s)
{
	struct zs_simlink *l = zs_simlink_create(w, c);

	memset(s, 0, sizeof(*s));
	s->w = w;
	zs_simlink_attach(l, 1, sink_deliver, s, 0);
	return l;
}

static void inject_n(struct zs_simlink *l, unsigned int n, uint32_t len)
{
	uint8_t f[1514] = { 0 };

	f[12] = 0x08;
	for (unsigned int i = 0; i < n; i++) {
		f[60] = (uint8_t)i;
		zs_simlink_inject(l, 0, f, len);
	}
}

static void test_delay_and_rate(void **state)
{
	const struct zs_simwire_config c = { .delay_ns = ZS_MS, .rate_bps = 10000000000 };
	struct zs_sim *w = zs_sim_create(1);
	static struct sink s;
	struct zs_simlink *l = wire_to_sink(w, &c, &s);

	(void)state;
	inject_n(l, 1000, 1514);
	zs_sim_run_for(w, ZS_SEC);
	assert_int_equal(s.n, 1000);
	assert_int_equal(s.at[0], ZS_MS + 1212);
	assert_in_range(s.at[999], ZS_MS + 1211200, ZS_MS + 1211201);
	for (unsigned int i = 0; i < 1000; i++)
		assert_int_equal(s.first[i], (uint8_t)i);
	assert_int_equal(zs_sim_destroy(w), 0);
}

static void test_queue_limit(void **state)
{
	const struct zs_simwire_config c = { .rate_bps = 8000000, .queue_bytes = 10000 };
	struct zs_sim *w = zs_sim_create(1);
	static struct sink s;
	struct zs_simlink *l = wire_to_sink(w, &c, &s);

	(void)state;
	inject_n(l, 100, 1000);
	assert_int_equal(l->wire[0].stats.queue_full, 89);
	zs_sim_run_for(w, ZS_SEC);
	assert_int_equal(s.n, 11);
	assert_int_equal(s.at[10], 11 * ZS_MS);
	assert_int_equal(zs_sim_destroy(w), 0);
}

static void test_chances(void **state)
{
	const struct zs_simwire_config c = {
		.loss_ppm = 100000,
		.dup_ppm = 50000,
		.corrupt_ppm = 20000,
		.reorder_ppm = 100000,
		.reorder_ns = ZS_MS,
	};
	struct zs_sim *w = zs_sim_create(7);
	static struct sink s;
	struct zs_simlink *l = wire_to_sink(w, &c, &s);
	const struct zs_simwire_stats *st = &l->wire[0].stats;

	(void)state;
	for (unsigned int i = 0; i < 100; i++) {
		s.n = 0;
		inject_n(l, 100, 100);
		zs_sim_run_for(w, ZS_SEC);
	}
	assert_int_equal(st->sent, 10000);
	assert_in_range(st->lost, 900, 1100);
	assert_in_range(st->duplicated, 400, 500);
	assert_in_range(st->corrupted, 150, 250);
	assert_in_range(st->reordered, 900, 1100);
	assert_int_equal(st->delivered, st->sent - st->lost + st->duplicated);
	assert_int_equal(zs_sim_destroy(w), 0);
}

static uint64_t hash_of_run(uint64_t seed, const char *path)
{
	const struct zs_simwire_config c = {
		.delay_ns = 10 * ZS_US,
		.loss_ppm = 100000,
		.corrupt_ppm = 100000,
		.reorder_ppm = 100000,
		.reorder_ns = ZS_MS,
	};
	struct zs_sim *w = zs_sim_create(seed);
	static struct sink s;
	struct zs_simlink *l = wire_to_sink(w, &c, &s);
	uint64_t hash;

	zs_simlink_capture(l, 1, path);
	inject_n(l, 1000, 200);
	zs_sim_run_for(w, ZS_SEC);
	hash = zs_simlink_hash(l, 1);
	zs_sim_destroy(w);
	return hash;
}

static void test_same_seed_same_bytes(void **state)
{
	(void)state;
	assert_int_equal(hash_of_run(1, NULL), hash_of_run(1, NULL));
	assert_int_not_equal(hash_of_run(1, NULL), hash_of_run(2, NULL));
}

static void test_capture_file(void **state)
{
	char path[] = "/tmp/zs_test_pcap_XXXXXX";
	uint32_t head[10];
	uint8_t frame[60] = { 0 };
	struct zs_simpcap pc, hash_only;
	int fd = mkstemp(path);
	FILE *f;

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(zs_simpcap_open(&pc, path), 0);
	assert_int_equal(zs_simpcap_open(&hash_only, NULL), 0);
	zs_simpcap_write(&pc, 3000007, frame, sizeof(frame));
	zs_simpcap_write(&hash_only, 3000007, frame, sizeof(frame));
	assert_int_equal(pc.hash, hash_only.hash);
	zs_simpcap_close(&pc);
	f = fopen(path, "rb");
	assert_non_null(f);
	assert_int_equal(fread(head, 1, sizeof(head), f), sizeof(head));
	assert_int_equal(fread(frame, 1, sizeof(frame), f), sizeof(frame));
	assert_int_equal(fgetc(f), EOF);
	fclose(f);
	unlink(path);
	assert_int_equal(head[0], 0xa1b2c3d4);
	assert_int_equal(head[5], 1);
	assert_int_equal(head[6], 3);
	assert_int_equal(head[7], 7);
	assert_int_equal(head[8], 60);
	assert_int_equal(head[9], 60);
}

static void test_pool(void **state)
{
	struct rte_mempool *mp = zs_simpool_create("t", 2048);
	struct rte_mbuf *m = rte_pktmbuf_alloc(mp), *c = rte_pktmbuf_alloc(mp);

	(void)state;
	assert_int_equal(rte_pktmbuf_headroom(m), RTE_PKTMBUF_HEADROOM);
	assert_int_equal(rte_pktmbuf_tailroom(m), 2048);
	assert_int_equal(m->priv_size, 64);
	rte_pktmbuf_attach(c, m);
	rte_pktmbuf_free(m);
	assert_int_equal(zs_simpool_live(mp), 2);
	rte_pktmbuf_free(c);
	assert_int_equal(zs_simpool_live(mp), 0);
	zs_simpool_limit(mp, 1);
	m = rte_pktmbuf_alloc(mp);
	assert_non_null(m);
	assert_null(rte_pktmbuf_alloc(mp));
	assert_int_equal(zs_simpool_failures(mp), 1);
	assert_int_equal(zs_simpool_destroy(mp), 1);
	free((char *)m - RTE_CACHE_LINE_SIZE);
}

/* A marked buffer whose payload changes is found when it returns to the pool. */
static void test_mark(void **state)
{
	struct rte_mempool *mp = zs_simpool_create("t", 2048);
	struct rte_mbuf *m = rte_pktmbuf_alloc(mp);

	(void)state;
	zs_sim_append(9, 12345, m, 1000);
	assert_int_equal(zs_sim_match_chain(9, 12345, m), 1000);
	assert_int_equal(zs_sim_match(9, 12346, rte_pktmbuf_mtod(m, char *) + 1, 999), 999);
	zs_sim_mark(9, 12345, m);
	assert_true(zs_sim_unmark(m));
	zs_sim_mark(9, 12345, m);
	rte_pktmbuf_mtod(m, char *)[777] ^= 1;
	assert_int_equal(zs_sim_match_chain(9, 12345, m), 777);
	assert_false(zs_sim_unmark(m));
	rte_pktmbuf_free(m);
	assert_int_equal(zs_simpool_destroy(mp), 0);
}

static uint8_t *be16_at(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
	return p;
}

static void arp_request(uint8_t *f, const uint8_t *smac, uint32_t sip_be, uint32_t tip_be)
{
	memset(f, 0, 60);
	memset(f, 0xff, 6);
	memcpy(f + 6, smac, 6);
	be16_at(f + 12, 0x0806);
	be16_at(f + 14, 1);
	be16_at(f + 16, 0x0800);
	be16_at(f + 18, 0x0604);
	be16_at(f + 20, 1);
	memcpy(f + 22, smac, 6);
	memcpy(f + 28, &sip_be, 4);
	memcpy(f + 38, &tip_be, 4);
}

/* A host on a wire answers ARP: input, turn, output, device all take part. */
static void test_host_answers_arp(void **state)
{
	const struct zs_simwire_config c = { .delay_ns = 50 * ZS_US };
	const uint8_t mac[6] = { 2, 1, 1, 1, 1, 1 };
	struct zs_sim *w = zs_sim_create(1);
	struct zs_simhost_config hc;
	struct zs_simhost *h;
	static struct sink s;
	struct zs_simlink *l = wire_to_sink(w, &c, &s);
	uint8_t f[60];

	(void)state;
	zs_simhost_config(&hc, ip_b(), 24, 1500, ZS_SIM_OFF_ALL);
	h = zs_simhost_create(w, &hc);
	zs_simlink_attach_host(l, 0, h, 0);
	zs_sim_run_for(w, ZS_MS);
	s.n = 0;
	arp_request(f, mac, ip_a(), ip_b());
	zs_simlink_inject(l, 1, f, sizeof(f));
	zs_sim_run_for(w, ZS_MS);
	assert_int_equal(s.n, 1);
	assert_memory_equal(s.copy, mac, 6);
	assert_memory_equal(s.copy + 22, h->cfg.stack.netif[0].mac.b, 6);
	assert_int_equal(zs_sim_violations(w), 0);
	assert_int_equal(zs_sim_live(w), 0);
	assert_int_equal(zs_sim_destroy(w), 0);
}

struct call {
	struct zs_sim *w;
	unsigned int n;
	uint64_t at[3];
};

static void note_time(void *arg)
{
	struct call *c = arg;

	c->at[c->n++] = zs_sim_now(c->w);
}

static void test_agenda(void **state)
{
	struct zs_sim *w = zs_sim_create(1);
	struct call c = { .w = w };

	(void)state;
	zs_sim_at(w, 300, note_time, &c);
	zs_sim_at(w, 100, note_time, &c);
	zs_sim_at(w, 200, note_time, &c);
	zs_sim_run_until(w, 250, NULL, NULL);
	assert_int_equal(c.n, 2);
	assert_int_equal(c.at[0], 100);
	assert_int_equal(c.at[1], 200);
	assert_int_equal(zs_sim_now(w), 250);
	zs_sim_run_for(w, 100);
	assert_int_equal(c.at[2], 300);
	assert_int_equal(zs_sim_destroy(w), 0);
}

/* Three hosts on a hub, each pair of neighbours talks; the hub learns who is where. */
static void test_hub(void **state)
{
	const struct zs_simwire_config c = { .delay_ns = 20 * ZS_US, .rate_bps = 1000000000 };
	struct zs_simconn_config up = { .tx_bytes = 100000 }, down = { .rx_bytes = 100000 };
	struct zs_sim *w = zs_sim_create(1);
	struct zs_simhub *hub = zs_simhub_create(w);
	struct zs_simapp *app[3];

	(void)state;
	for (uint8_t i = 0; i < 3; i++) {
		struct zs_simhost_config hc;
		struct zs_simhost *h;

		zs_simhost_config(&hc, zs_sim_ip(10, 0, 0, i + 1), 24, 1500, ZS_SIM_OFF_ALL);
		h = zs_simhost_create(w, &hc);
		zs_simhub_join(hub, h, &c);
		app[i] = zs_simapp_create(h);
		zs_simapp_listen(app[i], PORT, 16, &down);
	}
	for (uint8_t i = 0; i < 3; i++)
		zs_simapp_connect(app[i], zs_sim_ip(10, 0, 0, (i + 1) % 3 + 1), PORT, &up);
	zs_sim_run_for(w, 10 * ZS_SEC);
	for (unsigned int i = 0; i < 3; i++) {
		assert_int_equal(app[i]->n_conns, 2);
		assert_int_equal(app[i]->n_done, 2);
		/* A learning hub keeps others' unicast away: only ARP is seen by all. */
		assert_in_range(zs_stack_stats(app[i]->h->s)->drops[ZS_DROP_ETH_NOT_OURS], 0, 5);
	}
	assert_int_equal(zs_sim_violations(w), 0);
	assert_int_equal(zs_sim_destroy(w), 0);
	for (unsigned int i = 0; i < 3; i++)
		zs_simapp_destroy(app[i]);
}

/* Another machine takes over an address: by its announcement peers know at once. */
static void test_takeover(void **state)
{
	const struct zs_simwire_config c = { .delay_ns = 20 * ZS_US, .rate_bps = 1000000000 };
	struct zs_simconn_config up = { .tx_bytes = 1000 }, down = { .rx_bytes = 1000 };
	struct zs_sim *w = zs_sim_create(1);
	struct zs_simhub *hub = zs_simhub_create(w);
	struct zs_simapp *app[3];

	(void)state;
	for (uint8_t i = 0; i < 3; i++) {
		struct zs_simhost_config hc;
		struct zs_simhost *h;

		zs_simhost_config(&hc, zs_sim_ip(10, 0, 0, i == 0 ? 1 : 2), 24, 1500,
				  ZS_SIM_OFF_ALL);
		h = zs_simhost_create(w, &hc);
		if (i == 2)
			zs_simhost_stop(app[1]->h);
		zs_simhub_join(hub, h, &c);
		app[i] = zs_simapp_create(h);
		zs_simapp_listen(app[i], PORT, 16, &down);
		if (i == 2)
			zs_stack_link_up(h->s, 0);
		zs_simhost_wake(h, 0);
		zs_sim_run_for(w, ZS_MS);
		if (i > 0)
			zs_simapp_connect(app[0], zs_sim_ip(10, 0, 0, 2), PORT, &up);
		zs_sim_run_for(w, 10 * ZS_MS);
		assert_int_equal(app[0]->n_done, i);
	}
	assert_int_equal(app[2]->n_done, 1);
	assert_int_equal(zs_sim_violations(w), 0);
	assert_int_equal(zs_sim_destroy(w), 0);
	for (unsigned int i = 0; i < 3; i++)
		zs_simapp_destroy(app[i]);
}

/* The device of the simulator sees what is wrong with a packet. */
static const char *device_says(void (*spoil)(uint8_t *f))
{
	struct rte_mempool *mp = zs_simpool_create("t", 2048);
	struct zs_sim *w = zs_sim_create(1);
	struct rte_mbuf *m = rte_pktmbuf_alloc(mp);
	struct tcp_frame t = { .sip_be = ip_a(), .dip_be = ip_b(), .sport = 1, .dport = 2 };
	struct zs_simpkt *p = zs_simpkt_new(w, 60);
	const char *said;

	memset(p->data, 0, 60);
	assert_int_equal(frame_tcp(p->data, &t), 54);
	if (spoil != NULL)
		spoil(p->data);
	said = zs_simck_fill(p, m);
	zs_simpkt_free(w, p);
	rte_pktmbuf_free(m);
	zs_sim_destroy(w);
	zs_simpool_destroy(mp);
	return said;
}

static void spoil_ip(uint8_t *f)
{
	f[14 + 8]--;
}

static void spoil_tcp(uint8_t *f)
{
	f[14 + 20 + 7] ^= 0x10;
}

static void test_device_checks_checksums(void **state)
{
	(void)state;
	assert_null(device_says(NULL));
	assert_non_null(device_says(spoil_ip));
	assert_non_null(device_says(spoil_tcp));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_delay_and_rate),
		cmocka_unit_test(test_queue_limit),
		cmocka_unit_test(test_chances),
		cmocka_unit_test(test_same_seed_same_bytes),
		cmocka_unit_test(test_capture_file),
		cmocka_unit_test(test_pool),
		cmocka_unit_test(test_mark),
		cmocka_unit_test(test_agenda),
		cmocka_unit_test(test_device_checks_checksums),
		cmocka_unit_test(test_host_answers_arp),
		cmocka_unit_test(test_hub),
		cmocka_unit_test(test_takeover),
	};

	return cmocka_run_group_tests_name("world", tests, NULL, NULL);
}
