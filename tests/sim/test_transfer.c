/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Transfers of every size, up, down and both at once, by every way of sending and receiving, over
 * three MTUs, with and without timestamps and SACK, over devices that compute checksums or not, and
 * that hold what they send: byte-exact, without a copy on the zero-copy ways, nothing left over.
 */
#include "simtest.h"

struct variant {
	uint16_t mtu;
	uint8_t tx;
};

static const uint64_t sizes[] = { 0, 1, 64, 1024, 1460, 4096, 8192, 65536, 1 << 20 };

/* Option bits of one run. */
enum { NO_TS = 1, NO_SACK = 2, HOLD = 4, UP_ONLY = 8, DOWN_ONLY = 16, POOR = 32, BITS = 64 };

static void configure(struct pair_config *c, const struct variant *v, unsigned int bits)
{
	pair_config(c, 1 + bits, v->mtu, bits & POOR ? OFF_CHAINS : ZS_SIM_OFF_ALL);
	c->a.stack.use_ts = !(bits & NO_TS);
	c->b.stack.use_sack = !(bits & NO_SACK);
	if (bits & HOLD) {
		c->a.dev.hold_ns = 300 * ZS_US;
		c->b.dev.hold_ns = 50 * ZS_US;
	}
}

static void transfer(const struct variant *v, uint64_t size, unsigned int bits)
{
	struct zs_simconn_config how = {
		.tx = v->tx,
		.rx = bits % 2 ? ZS_SIMRX_TAKE : ZS_SIMRX_CONSUME,
		.tx_chunk = v->tx == ZS_SIMTX_CHAIN ? 1 << 20
			    : v->tx == ZS_SIMTX_BUF ? 1448
						    : 50000,
		.share = (bits & (HOLD | POOR)) == HOLD,
	};
	struct pair_config c;
	struct pair p;

	configure(&c, v, bits);
	pair_create(&p, &c);
	pair_transfer(&p, bits & DOWN_ONLY ? 0 : size, bits & UP_ONLY ? 0 : size, &how);
	if (!pair_run(&p, 1, 60 * ZS_SEC)) {
		print_error("size %llu mtu %u way %u bits %u: %s\n", (unsigned long long)size,
			    v->mtu, v->tx, bits, pair_problem(&p));
		fail();
	}
	if (v->tx != ZS_SIMTX_COPY)
		assert_int_equal(pair_copies(&p), 0);
	for (struct zs_simapp *app = p.client; app != NULL; app = app == p.client ? p.server : NULL)
		for (struct zs_simconn *x = app->conns; x != NULL; x = x->next)
			zs_simconn_release(x);
	pair_end(&p);
}

/* All options at small sizes; at large ones as many as time allows, others each time. */
static void test_sizes(void **state)
{
	const struct variant *v = *state;
	unsigned int turn = v->mtu + v->tx;

	for (unsigned int i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		unsigned int step = sizes[i] < 8192 ? 1 : sizes[i] < 1 << 20 ? 5 : 13;

		if (SLOW_BUILD)
			step = sizes[i] < 65536 ? 7 : sizes[i] < 1 << 20 ? 13 : 43;
		for (unsigned int bits = turn++ % step; bits < BITS; bits += step)
			if ((bits & (UP_ONLY | DOWN_ONLY)) != (UP_ONLY | DOWN_ONLY))
				transfer(v, sizes[i], bits);
	}
}

static void test_no_offload_at_all(void **state)
{
	struct zs_simconn_config how = { .tx = ZS_SIMTX_ODD, .tx_chunk = 5000 };
	struct pair_config c;
	struct pair p;

	(void)state;
	pair_config(&c, 5, 1500, ZS_SIM_OFF_NONE);
	pair_create(&p, &c);
	pair_transfer(&p, 300000, 300000, &how);
	assert_true(pair_run(&p, 1, 60 * ZS_SEC));
	assert_true(zs_stack_stats(p.a->s)->tx_linearized > 0);
	pair_end(&p);
}

static void test_100_mib(void **state)
{
	struct zs_simconn_config how = { .tx = ZS_SIMTX_CHAIN, .tx_chunk = 1 << 20 };
	struct pair_config c;
	struct pair p;

	(void)state;
	pair_config(&c, 100, 1500, ZS_SIM_OFF_ALL);
	c.wire.rate_bps = 10000000000;
	pair_create(&p, &c);
	pair_transfer(&p, 100 << 20, 100 << 20, &how);
	if (!pair_run(&p, 1, 60 * ZS_SEC))
		fail_msg("%s", pair_problem(&p));
	assert_int_equal(pair_copies(&p), 0);
	pair_end(&p);
}

static void test_200_connections(void **state)
{
	struct zs_simconn_config how = { .tx = ZS_SIMTX_BUF };
	struct pair_config c;
	struct pair p;

	(void)state;
	pair_config(&c, 200, 1500, ZS_SIM_OFF_ALL);
	pair_create(&p, &c);
	for (unsigned int i = 0; i < 200; i++)
		pair_transfer(&p, 20000, 20000, &how);
	if (!pair_run(&p, 200, 60 * ZS_SEC))
		fail_msg("%s", pair_problem(&p));
	assert_int_equal(pair_copies(&p), 0);
	pair_end(&p);
}

static void test_half_close(void **state)
{
	struct zs_simconn_config how = { .tx_bytes = 70000, .rx_bytes = 30000 };
	struct zs_simconn_config there = { .tx_bytes = 30000,
					   .rx_bytes = 70000,
					   .tx_after_fin = true };
	struct pair_config c;
	struct pair p;

	(void)state;
	pair_config(&c, 3, 1500, ZS_SIM_OFF_ALL);
	pair_create(&p, &c);
	zs_simapp_listen(p.server, PORT, 16, &there);
	zs_simapp_connect(p.client, ip_b(), PORT, &how);
	assert_true(pair_run(&p, 1, 60 * ZS_SEC));
	pair_end(&p);
}

/* A reader of 10 KB each 5 ms: the window closes and opens; the sender waits, and loses nothing. */
static void test_slow_reader(void **state)
{
	struct zs_simconn_config how = { .tx_bytes = 2 << 20 };
	struct zs_simconn_config there = {
		.rx_bytes = 2 << 20,
		.rx_chunk = 10000,
		.rx_every_ns = 5 * ZS_MS,
	};
	struct pair_config c;
	struct pair p;

	(void)state;
	pair_config(&c, 4, 1500, ZS_SIM_OFF_ALL);
	c.b.stack.rcvbuf = 64 << 10;
	c.b.stack.rcvbuf_max = 64 << 10;
	pair_create(&p, &c);
	zs_simapp_listen(p.server, PORT, 16, &there);
	zs_simapp_connect(p.client, ip_b(), PORT, &how);
	assert_true(pair_run(&p, 1, 60 * ZS_SEC));
	assert_in_range(zs_sim_now(p.w), ZS_SEC, 2 * ZS_SEC);
	assert_int_equal(zs_stack_stats(p.a->s)->tcp_segs_retx, 0);
	pair_end(&p);
}

/* Small ring, refusals now and then, buffers held: back-pressure is not loss. */
static void test_device_that_refuses(void **state)
{
	struct zs_simconn_config how = { .tx = ZS_SIMTX_ODD, .tx_chunk = 9000 };
	struct pair_config c;
	struct pair p;

	(void)state;
	pair_config(&c, 6, 1500, ZS_SIM_OFF_ALL);
	c.a.dev = (struct zs_simdev_config){ .tx_ring = 16, .refuse_ppm = 200000 };
	c.b.dev = (struct zs_simdev_config){ .hold_ns = ZS_MS, .refuse_ppm = 500000 };
	pair_create(&p, &c);
	pair_transfer(&p, 1 << 20, 1 << 20, &how);
	assert_true(pair_run(&p, 1, 60 * ZS_SEC));
	assert_true(p.a->dev.tx_refused > 0 && p.b->dev.tx_refused > 0);
	assert_int_equal(zs_stack_stats(p.a->s)->tcp_segs_retx, 0);
	pair_end(&p);
}

int main(void)
{
	static const struct variant v[3][ZS_SIMTX_MODES] = {
		{ { 576, 0 }, { 576, 1 }, { 576, 2 }, { 576, 3 }, { 576, 4 } },
		{ { 1500, 0 }, { 1500, 1 }, { 1500, 2 }, { 1500, 3 }, { 1500, 4 } },
		{ { 9000, 0 }, { 9000, 1 }, { 9000, 2 }, { 9000, 3 }, { 9000, 4 } },
	};
	static const char *const names[3][ZS_SIMTX_MODES] = {
		{ "mtu_576_buffers", "mtu_576_odd_chains", "mtu_576_1mib_chains",
		  "mtu_576_large_buffers", "mtu_576_copied" },
		{ "mtu_1500_buffers", "mtu_1500_odd_chains", "mtu_1500_1mib_chains",
		  "mtu_1500_large_buffers", "mtu_1500_copied" },
		{ "mtu_9000_buffers", "mtu_9000_odd_chains", "mtu_9000_1mib_chains",
		  "mtu_9000_large_buffers", "mtu_9000_copied" },
	};
	struct CMUnitTest tests[3 * ZS_SIMTX_MODES + 6] = {
		{ "no_offload_at_all", test_no_offload_at_all, NULL, NULL, NULL },
		{ "100_mib_each_way", test_100_mib, NULL, NULL, NULL },
		{ "200_connections", test_200_connections, NULL, NULL, NULL },
		{ "half_close", test_half_close, NULL, NULL, NULL },
		{ "slow_reader", test_slow_reader, NULL, NULL, NULL },
		{ "device_that_refuses", test_device_that_refuses, NULL, NULL, NULL },
	};

	for (unsigned int i = 0; i < 3 * ZS_SIMTX_MODES; i++) {
		tests[6 + i].name = names[i / ZS_SIMTX_MODES][i % ZS_SIMTX_MODES];
		tests[6 + i].test_func = test_sizes;
		tests[6 + i].initial_state =
			(void *)(uintptr_t)&v[i / ZS_SIMTX_MODES][i % ZS_SIMTX_MODES];
	}
	return cmocka_run_group_tests_name("transfer", tests, NULL, NULL);
}
