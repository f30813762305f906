/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Too few buffers: pools of 512, 200 connections, readers that do not read. Nobody crashes, windows
 * close, and when the readers go on everything completes, intact.
 */
#include "simtest.h"

enum { POOL = 512, CONNS = 200, EACH = 30000, STALL = 5, FEW = 32 };

static void limit(struct zs_simhost *h)
{
	zs_simpool_limit(h->pools.pkt, POOL);
	zs_simpool_limit(h->pools.hdr, POOL);
	zs_simpool_limit(h->pools.big, POOL);
}

static void configure(struct pair_config *c, uint64_t seed)
{
	pair_config(c, seed, 1500, ZS_SIM_OFF_ALL);
	c->a.stack.max_conns = c->b.stack.max_conns = 2 * CONNS;
}

static void expect_complete(struct pair *p)
{
	if (!pair_run(p, CONNS, 3600 * ZS_SEC))
		fail_msg("%s at %llu s", pair_problem(p),
			 (unsigned long long)(zs_sim_now(p->w) / ZS_SEC));
	assert_int_equal(p->client->n_done, CONNS);
	assert_int_equal(p->server->n_done, CONNS);
}

/* Clients send, the server's readers sleep: its pool fills with what waits to be read. */
static void test_server_does_not_read(void **state)
{
	struct zs_simconn_config up = { .tx_bytes = EACH };
	struct zs_simconn_config down = { .rx_bytes = EACH, .rx_from_ns = 3600 * ZS_SEC };
	struct pair_config c;
	struct pair p;

	(void)state;
	configure(&c, 1);
	pair_create(&p, &c);
	limit(p.b);
	zs_simapp_listen(p.server, PORT, CONNS, &down);
	for (unsigned int i = 0; i < CONNS; i++)
		zs_simapp_connect(p.client, ip_b(), PORT, &up);
	zs_sim_run_for(p.w, STALL * ZS_SEC);
	assert_true(zs_simpool_live(p.b->pools.pkt) > POOL / 2);
	assert_true(zs_simpool_peak(p.b->pools.pkt) <= POOL);
	assert_int_equal(p.server->rx_bytes, 0);
	p.server->accept_cfg.rx_from_ns = 0;
	zs_simapp_resume(p.server);
	expect_complete(&p);
	pair_end(&p);
}

/* The server has few buffers to send from, and the clients' readers sleep. */
static void test_clients_do_not_read(void **state)
{
	struct zs_simconn_config up = { .rx_bytes = EACH, .rx_from_ns = 3600 * ZS_SEC };
	struct zs_simconn_config down = { .tx_bytes = EACH };
	struct pair_config c;
	struct pair p;

	(void)state;
	configure(&c, 2);
	c.a.stack.rcvbuf = c.a.stack.rcvbuf_max = 8192;
	pair_create(&p, &c);
	limit(p.b);
	zs_simapp_listen(p.server, PORT, CONNS, &down);
	for (unsigned int i = 0; i < CONNS; i++)
		zs_simapp_connect(p.client, ip_b(), PORT, &up);
	zs_sim_run_for(p.w, STALL * ZS_SEC);
	assert_true(zs_simpool_peak(p.b->pools.pkt) >= POOL * 3 / 4);
	assert_int_equal(p.client->rx_bytes, 0);
	zs_simapp_resume(p.client);
	expect_complete(&p);
	pair_end(&p);
}

/*
 * All write what the pool has no room for. They share it, and are not told to write for nothing:
 * three segments and more go out for each refusal.
 */
static void test_many_writers_share_the_pool(void **state)
{
	enum { BYTES = 500000 };
	struct zs_simconn_config up = { .rx_bytes = BYTES };
	struct zs_simconn_config down = { .tx = ZS_SIMTX_COPY,
					  .tx_bytes = BYTES,
					  .tx_chunk = 65536 };
	uint64_t first = UINT64_MAX, last = 0;
	struct pair_config c;
	struct pair p;

	(void)state;
	configure(&c, 10);
	pair_create(&p, &c);
	zs_simpool_limit(p.b->pools.pkt, POOL);
	zs_simapp_listen(p.server, PORT, CONNS, &down);
	for (unsigned int i = 0; i < CONNS / 4; i++)
		zs_simapp_connect(p.client, ip_b(), PORT, &up);
	assert_true(pair_run(&p, CONNS / 4, 60 * ZS_SEC));
	for (const struct zs_simconn *k = p.client->conns; k != NULL; k = k->next) {
		first = RTE_MIN(first, k->done_ns);
		last = RTE_MAX(last, k->done_ns);
	}
	assert_true(first > last / 2);
	assert_true(p.server->n_refused < p.client->rx_bytes / 1448 / 3);
	pair_end(&p);
}

/* Echo with the received buffers themselves, which stay out until the client acknowledges. */
static void test_echo_with_sleeping_clients(void **state)
{
	struct zs_simconn_config up = {
		.tx_bytes = EACH,
		.rx_bytes = EACH,
		.expects_echo = true,
		.rx_from_ns = 3600 * ZS_SEC,
	};
	struct zs_simconn_config down = { .rx_bytes = EACH, .echo = true };
	struct pair_config c;
	struct pair p;

	(void)state;
	configure(&c, 3);
	c.a.stack.rcvbuf = c.a.stack.rcvbuf_max = 8192;
	pair_create(&p, &c);
	limit(p.b);
	zs_simapp_listen(p.server, PORT, CONNS, &down);
	for (unsigned int i = 0; i < CONNS; i++)
		zs_simapp_connect(p.client, ip_b(), PORT, &up);
	zs_sim_run_for(p.w, STALL * ZS_SEC);
	zs_simapp_resume(p.client);
	expect_complete(&p);
	pair_end(&p);
}

static void let_go(struct zs_simapp *app)
{
	for (struct zs_simconn *c = app->conns; c != NULL; c = c->next)
		zs_simconn_release(c);
}

static void transfers_with_few_header_buffers(const struct zs_simconn_config *both, uint64_t seed)
{
	struct pair_config c;
	struct pair p;

	configure(&c, seed);
	c.a.dev.hold_ns = c.b.dev.hold_ns = 200 * ZS_US;
	pair_create(&p, &c);
	limit(p.a);
	limit(p.b);
	zs_simpool_limit(p.a->pools.hdr, FEW);
	zs_simpool_limit(p.b->pools.hdr, FEW);
	zs_simpool_limit(p.a->pools.pkt, 2 * FEW);
	zs_simpool_limit(p.b->pools.pkt, 2 * FEW);
	for (unsigned int i = 0; i < CONNS; i++)
		pair_transfer(&p, EACH, EACH, both);
	expect_complete(&p);
	let_go(p.client);
	let_go(p.server);
	pair_end(&p);
}

/* Whoever keeps references must leave header buffers for those who acknowledge. */
static void test_few_header_buffers_for_odd_chains(void **state)
{
	(void)state;
	transfers_with_few_header_buffers(
		&(struct zs_simconn_config){ .tx = ZS_SIMTX_ODD, .tx_chunk = 9000 }, 5);
}

/* A record of many segments keeps a reference to its rest while it has to be cut again. */
static void test_few_header_buffers_for_large_records(void **state)
{
	(void)state;
	transfers_with_few_header_buffers(
		&(struct zs_simconn_config){ .tx = ZS_SIMTX_BIG, .tx_chunk = EACH }, 6);
}

/* Buffers that the application keeps wait as references, and have to be cut besides. */
static void test_few_header_buffers_for_shared_records(void **state)
{
	(void)state;
	transfers_with_few_header_buffers(
		&(struct zs_simconn_config){ .tx = ZS_SIMTX_BIG, .tx_chunk = EACH, .share = true },
		7);
}

/* A SYN that found no buffer is not lost: it waits for one, not for a timeout. */
static void test_more_connects_than_header_buffers(void **state)
{
	struct zs_simconn_config up = { .tx_bytes = 1 }, down = { .rx_bytes = 1 };
	struct pair_config c;
	struct pair p;

	(void)state;
	configure(&c, 9);
	c.a.dev.hold_ns = 200 * ZS_US;
	pair_create(&p, &c);
	zs_simpool_limit(p.a->pools.hdr, 8);
	zs_simapp_listen(p.server, PORT, CONNS, &down);
	for (unsigned int i = 0; i < CONNS; i++)
		zs_simapp_connect(p.client, ip_b(), PORT, &up);
	zs_sim_run_for(p.w, c.a.stack.rto_initial_us / 2 * ZS_US);
	assert_int_equal(p.server->n_conns, CONNS);
	expect_complete(&p);
	pair_end(&p);
}

static bool half_done(void *arg)
{
	const struct pair *p = arg;

	return p->server->n_done == CONNS / 2;
}

/* Those whose peers do not read give back what the others need. */
static void test_few_header_buffers_and_closed_windows(void **state)
{
	struct zs_simconn_config up = { .tx = ZS_SIMTX_BIG, .tx_chunk = EACH, .tx_bytes = EACH };
	struct zs_simconn_config down = { .rx_bytes = EACH, .rx_from_ns = 3600 * ZS_SEC };
	struct pair_config c;
	struct pair p;

	(void)state;
	configure(&c, 8);
	c.b.stack.rcvbuf = c.b.stack.rcvbuf_max = 2048;
	pair_create(&p, &c);
	zs_simpool_limit(p.a->pools.hdr, FEW);
	zs_simapp_listen(p.server, PORT, CONNS, &down);
	for (unsigned int i = 0; i < CONNS / 2; i++) {
		zs_simapp_connect(p.client, ip_b(), PORT, &up);
		zs_sim_run_for(p.w, 20 * ZS_MS); /* each finds buffers when it comes */
	}
	assert_int_equal(p.server->n_conns, CONNS / 2);
	p.server->accept_cfg.rx_from_ns = 0;
	for (unsigned int i = 0; i < CONNS / 2; i++)
		zs_simapp_connect(p.client, ip_b(), PORT, &up);
	assert_true(zs_sim_run_until(p.w, zs_sim_now(p.w) + 20 * ZS_SEC, half_done, &p));
	zs_simapp_resume(p.server);
	expect_complete(&p);
	pair_end(&p);
}

/* Both ends send odd chains, and their devices hold what they got: what cannot be built waits. */
static void test_both_ends_are_short_of_buffers(void **state)
{
	struct zs_simconn_config both = { .tx = ZS_SIMTX_ODD, .tx_chunk = 9000 };
	struct pair_config c;
	struct pair p;

	(void)state;
	configure(&c, 4);
	c.a.dev.hold_ns = c.b.dev.hold_ns = 200 * ZS_US;
	pair_create(&p, &c);
	limit(p.a);
	limit(p.b);
	for (unsigned int i = 0; i < CONNS; i++)
		pair_transfer(&p, EACH, EACH, &both);
	expect_complete(&p);
	assert_true(zs_simpool_peak(p.a->pools.pkt) >= POOL * 3 / 4);
	pair_end(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_server_does_not_read),
		cmocka_unit_test(test_clients_do_not_read),
		cmocka_unit_test(test_many_writers_share_the_pool),
		cmocka_unit_test(test_echo_with_sleeping_clients),
		cmocka_unit_test(test_few_header_buffers_for_odd_chains),
		cmocka_unit_test(test_few_header_buffers_for_large_records),
		cmocka_unit_test(test_few_header_buffers_for_shared_records),
		cmocka_unit_test(test_more_connects_than_header_buffers),
		cmocka_unit_test(test_few_header_buffers_and_closed_windows),
		cmocka_unit_test(test_both_ends_are_short_of_buffers),
	};

	return cmocka_run_group_tests_name("exhaust", tests, NULL, NULL);
}
