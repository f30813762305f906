/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The defects of the research prototype, each as a test of ours: what it sent again was damaged, it
 * overwrote reference counts, took one buffer per segment and sent it whole, lost data it refused,
 * ran past the room of its buffers, and knew no way to send a received buffer back but by hand.
 */
#include <errno.h>

#include <rte_byteorder.h>

#include "simtest.h"

struct drop_data {
	unsigned int nth; /* data packet to lose; counts down */
	unsigned int seen;
	uint32_t seq;
	uint8_t lost[2048], again[2048];
	int32_t len, again_len;
};

/* Loses the n-th packet with data, and keeps its payload and that of its retransmission. */
static unsigned int drop_nth_data(void *arg, struct zs_simpkt *p)
{
	struct drop_data *d = arg;
	uint32_t seq;
	int32_t n = frame_payload(p, &seq, NULL);
	const uint8_t *data = p->data + 14 + 20 + (p->data[14 + 20 + 12] >> 4) * 4u;

	if (n <= 0)
		return ZS_SIM_PASS;
	d->seen++;
	if (d->seen == d->nth) {
		d->seq = seq;
		d->len = n;
		memcpy(d->lost, data, (size_t)n);
		return ZS_SIM_DROP;
	}
	if (d->len > 0 && d->again_len == 0 && seq == d->seq) {
		d->again_len = n;
		memcpy(d->again, data, (size_t)n);
	}
	return ZS_SIM_PASS;
}

static void retransmit(bool ts, uint64_t hold_ns, uint8_t tx, unsigned int nth, uint64_t bytes)
{
	struct zs_simconn_config how = { .tx = tx, .tx_chunk = 50000 };
	struct drop_data d = { .nth = nth };
	struct pair_config c;
	struct pair p;

	pair_config(&c, 1, 1500, ZS_SIM_OFF_ALL);
	c.a.stack.use_ts = ts;
	c.a.dev.hold_ns = hold_ns;
	pair_create(&p, &c);
	p.l->wire[0].cfg.rule = drop_nth_data;
	p.l->wire[0].cfg.rule_arg = &d;
	pair_transfer(&p, bytes, 0, &how);
	assert_true(pair_run(&p, 1, 60 * ZS_SEC));
	assert_true(zs_stack_stats(p.a->s)->tcp_segs_retx >= 1);
	assert_true(d.len > 0 && d.again_len > 0);
	assert_memory_equal(d.lost, d.again, (size_t)RTE_MIN(d.len, d.again_len));
	assert_int_equal(pair_copies(&p), 0);
	pair_end(&p);
}

/* 1: the header of the first transmission was sent as payload, unless timestamps hid it. */
static void test_1_retransmission_is_the_payload(void **state)
{
	(void)state;
	for (unsigned int ts = 0; ts < 2; ts++) {
		retransmit(ts, 0, ZS_SIMTX_BUF, 1, 1000);
		retransmit(ts, 0, ZS_SIMTX_BUF, 1, 100000);
		retransmit(ts, 0, ZS_SIMTX_BUF, 20, 100000);
		retransmit(ts, 0, ZS_SIMTX_BIG, 7, 100000);
	}
}

/* 2: the count was set, not incremented: a use after free when the device still had the buffer. */
static void test_2_device_still_holds_the_first_copy(void **state)
{
	(void)state;
	for (unsigned int ts = 0; ts < 2; ts++) {
		retransmit(ts, 5 * ZS_SEC, ZS_SIMTX_BUF, 1, 1000);
		retransmit(ts, 5 * ZS_SEC, ZS_SIMTX_BUF, 11, 100000);
		retransmit(ts, 5 * ZS_SEC, ZS_SIMTX_ODD, 11, 100000);
		retransmit(ts, 5 * ZS_SEC, ZS_SIMTX_BIG, 11, 100000);
	}
}

/* 3: a segment was one buffer, and the whole buffer: chains and parts of buffers were not sent
 * right. */
static void test_3_segments_are_any_part_of_any_chain(void **state)
{
	static const uint8_t ways[] = { ZS_SIMTX_ODD, ZS_SIMTX_CHAIN, ZS_SIMTX_BIG };

	(void)state;
	for (unsigned int i = 0; i < sizeof(ways); i++) {
		for (uint16_t maxseg = 100; maxseg < 1400; maxseg += 333) {
			struct zs_simconn_config how = {
				.tx = ways[i],
				.tx_chunk = 60000,
				.maxseg = maxseg,
			};
			struct pair_config c;
			struct pair p;

			pair_config(&c, maxseg, 1500, ZS_SIM_OFF_ALL);
			c.wire.loss_ppm = 20000;
			pair_create(&p, &c);
			pair_transfer(&p, 120000, 0, &how);
			assert_true(pair_run(&p, 1, 600 * ZS_SEC));
			/* The receiver may move small payloads together, out of their large rooms.
			 */
			assert_int_equal(zs_stack_stats(p.a->s)->copies, 0);
			pair_end(&p);
		}
	}
}

/* A connection that neither reads nor writes by itself: the test does. */
static struct zs_simconn *idle_pair(struct pair *p, const struct pair_config *c)
{
	struct zs_simconn_config how = { .stay = true, .rx_bytes = UINT64_MAX };
	struct zs_simconn_config there = {
		.stay = true,
		.rx_bytes = UINT64_MAX,
		.rx_from_ns = 10 * ZS_SEC,
	};
	struct zs_simconn *conn;

	pair_create(p, c);
	zs_simapp_listen(p->server, PORT, 16, &there);
	conn = zs_simapp_connect(p->client, ip_b(), PORT, &how);
	zs_sim_run_for(p->w, 10 * ZS_MS);
	assert_true(conn->connected);
	return conn;
}

static struct rte_mbuf *stream_buf(struct zs_simconn *c, uint16_t n)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(c->app->h->pools.pkt);

	assert_non_null(m);
	zs_sim_append(c->tx_key, c->tx_off, m, n);
	zs_sim_mark(c->tx_key, c->tx_off, m);
	return m;
}

struct partial_ack {
	uint32_t cut;	     /* bytes taken off the first acknowledgement */
	uint64_t silence_ns; /* and nothing passes until then */
	struct zs_sim *w;
	bool done;
};

/* The receiver acknowledges the first part of a segment only, and is silent until the RTO is over.
 */
static unsigned int acknowledge_a_part(void *arg, struct zs_simpkt *p)
{
	struct partial_ack *pa = arg;
	uint8_t *tcp = p->data + 34, flags;
	uint32_t ack;

	if (frame_payload(p, NULL, &flags) < 0 || flags & ZS_SYN)
		return ZS_SIM_PASS;
	if (pa->done)
		return zs_sim_now(pa->w) < pa->silence_ns ? ZS_SIM_DROP : ZS_SIM_PASS;
	memcpy(&ack, tcp + 8, 4);
	ack = rte_cpu_to_be_32(rte_be_to_cpu_32(ack) - pa->cut);
	memcpy(tcp + 8, &ack, 4);
	frame_fix_tcp(p);
	pa->done = true;
	pa->silence_ns = zs_sim_now(pa->w) + 300 * ZS_MS;
	return ZS_SIM_PASS;
}

/* 3, too: the rest of a buffer is sent again; what was acknowledged of it is still payload. */
static void test_3_rest_of_a_partly_acknowledged_buffer(void **state)
{
	(void)state;
	for (uint32_t cut = 100; cut < 1000; cut += 200) {
		struct zs_simconn_config how = { .tx = ZS_SIMTX_BUF };
		struct zs_simconn_config there = { .rx_bytes = 1000, .tx_after_fin = true };
		struct partial_ack pa = { .cut = cut };
		struct pair_config c;
		struct pair p;

		how.tx_bytes = 1000;
		pair_config(&c, cut, 1500, ZS_SIM_OFF_ALL);
		pair_create(&p, &c);
		pa.w = p.w;
		p.l->wire[1].cfg.rule = acknowledge_a_part;
		p.l->wire[1].cfg.rule_arg = &pa;
		zs_simapp_listen(p.server, PORT, 1, &there);
		how.stay = true;
		zs_simapp_connect(p.client, ip_b(), PORT, &how);
		zs_sim_run_for(p.w, ZS_SEC);
		assert_true(pa.done);
		assert_int_equal(p.server->rx_bytes, 1000);
		assert_in_range(zs_stack_stats(p.a->s)->tcp_segs_retx, 1, 3);
		p.client->conns->cfg.stay = false;
		zs_simapp_resume(p.client);
		assert_true(pair_run(&p, 1, 60 * ZS_SEC));
		pair_end(&p);
	}
}

/* 4: success was reported as 0 written, and what was refused was freed: silent loss. */
static void test_4_what_is_refused_stays_the_callers(void **state)
{
	struct zs_simconn *c;
	struct pair_config cfg;
	struct rte_mbuf *m;
	struct pair p;
	int rc;

	(void)state;
	pair_config(&cfg, 4, 1500, ZS_SIM_OFF_ALL);
	cfg.b.stack.rcvbuf = cfg.b.stack.rcvbuf_max = 32 << 10;
	cfg.a.stack.sndbuf = cfg.a.stack.sndbuf_max = 32 << 10;
	c = idle_pair(&p, &cfg);
	for (;;) {
		m = stream_buf(c, 1000);
		rc = zs_tcp_send(p.a->s, c->tcb, m, 0);
		if (rc < 0)
			break;
		c->tx_off += 1000;
	}
	assert_int_equal(rc, -EAGAIN);
	assert_int_equal(rte_mbuf_refcnt_read(m), 1);
	assert_int_equal(m->pkt_len, 1000);
	assert_int_equal(zs_sim_match_chain(c->tx_key, c->tx_off, m), 1000);
	zs_sim_run_for(p.w, 20 * ZS_SEC);
	assert_int_equal(zs_tcp_send(p.a->s, c->tcb, m, 0), 0);
	c->tx_off += 1000;
	zs_simhost_wake(p.a, 0);
	zs_sim_run_for(p.w, ZS_SEC);
	assert_int_equal(p.server->conns->rx_off, c->tx_off);
	assert_int_equal(p.server->n_failed, 0);
	zs_tcp_close(p.a->s, c->tcb);
	c->tcb = NULL;
	zs_simhost_wake(p.a, 0);
	zs_sim_run_for(p.w, ZS_SEC);
	zs_tcp_close(p.b->s, p.server->conns->tcb);
	p.server->conns->tcb = NULL;
	zs_simhost_wake(p.b, 0);
	pair_end(&p);
}

/* 5: bodies of 4 and 8 KB were never written, and ran past the room into the neighbour. */
static void test_5_bodies_of_4_and_8_kb_are_what_was_written(void **state)
{
	(void)state;
	for (uint32_t size = 4096; size <= 8192; size *= 2) {
		struct zs_simconn_config how = { .tx = ZS_SIMTX_BIG, .tx_chunk = size };
		struct pair_config c;
		struct pair p;

		pair_config(&c, size, 1500, ZS_SIM_OFF_ALL);
		pair_create(&p, &c);
		pair_transfer(&p, 0, size, &how);
		assert_true(pair_run(&p, 1, ZS_SEC));
		assert_int_equal(p.client->rx_bytes, size);
		assert_int_equal(pair_copies(&p), 0);
		pair_end(&p);
	}
}

/* Sends n small messages, each after the echo of the one before. */
static void ping_pong(struct pair *p, struct zs_simconn *c, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		struct rte_mbuf *m = stream_buf(c, 64);

		assert_int_equal(zs_tcp_send(p->a->s, c->tcb, m, 0), 0);
		c->tx_off += 64;
		zs_simhost_wake(p->a, 0);
		zs_sim_run_for(p->w, ZS_MS);
		assert_int_equal(c->rx_off, c->tx_off);
	}
}

/* 6: sending a received buffer back took five calls; here it takes one, and no allocation. */
static void test_6_echo_of_a_received_buffer_allocates_nothing(void **state)
{
	struct zs_simconn_config how = {
		.stay = true,
		.rx_bytes = UINT64_MAX,
		.expects_echo = true,
	};
	struct zs_simconn_config there = { .rx_bytes = UINT64_MAX, .echo = true };
	struct pair_config cfg;
	const struct zs_stats *st;
	struct zs_simconn *c;
	struct pair p;
	uint64_t allocs, acks, in_place;

	(void)state;
	pair_config(&cfg, 6, 1500, ZS_SIM_OFF_ALL);
	pair_create(&p, &cfg);
	zs_simapp_listen(p.server, PORT, 16, &there);
	c = zs_simapp_connect(p.client, ip_b(), PORT, &how);
	zs_sim_run_for(p.w, 10 * ZS_MS);
	ping_pong(&p, c, 20);
	st = zs_stack_stats(p.b->s);
	allocs = st->allocs;
	acks = st->tcp_acks_out;
	in_place = st->tx_in_place;
	ping_pong(&p, c, 100);
	assert_int_equal(st->allocs - allocs, 0);
	assert_int_equal(st->tcp_acks_out - acks, 0);
	assert_int_equal(st->tx_in_place - in_place, 100);
	assert_int_equal(pair_copies(&p), 0);
	zs_tcp_close(p.a->s, c->tcb);
	c->tcb = NULL;
	zs_simhost_wake(p.a, 0);
	zs_sim_run_for(p.w, ZS_SEC);
	assert_int_equal(p.server->n_done, 1);
	pair_end(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_1_retransmission_is_the_payload),
		cmocka_unit_test(test_2_device_still_holds_the_first_copy),
		cmocka_unit_test(test_3_segments_are_any_part_of_any_chain),
		cmocka_unit_test(test_3_rest_of_a_partly_acknowledged_buffer),
		cmocka_unit_test(test_4_what_is_refused_stays_the_callers),
		cmocka_unit_test(test_5_bodies_of_4_and_8_kb_are_what_was_written),
		cmocka_unit_test(test_6_echo_of_a_received_buffer_allocates_nothing),
	};

	return cmocka_run_group_tests_name("prototype", tests, NULL, NULL);
}
