/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Too few buffers: pools of 512, 200 connections, readers that do not read. Nobody crashes, windows
 * close, and when the readers go on everything completes, intact.
 */
#include "simtest.h"

enum { POOL = 512, CONNS = 200, EACH = 30000, STALL = 5 };

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
		cmocka_unit_test(test_echo_with_sleeping_clients),
		cmocka_unit_test(test_both_ends_are_short_of_buffers),
	};

	return cmocka_run_group_tests_name("exhaust", tests, NULL, NULL);
}
