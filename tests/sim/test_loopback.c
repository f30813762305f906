/* SPDX-License-Identifier: BSD-3-Clause */
/* A host that talks to itself, by its own address and by 127/8: nothing of it is seen on a wire. */
#include "simtest.h"

#include <errno.h>

enum { MIB = 1 << 20 };

struct lone {
	struct zs_sim *w;
	struct zs_simhost *h;
	struct zs_simapp *app;
};

static void lone_create(struct lone *x)
{
	struct zs_simhost_config c;

	zs_simhost_config(&c, ip_a(), 24, 1500, ZS_SIM_OFF_NONE);
	x->w = zs_sim_create(1);
	x->h = zs_simhost_create(x->w, &c);
	x->app = zs_simapp_create(x->h);
}

static bool forgotten(void *arg)
{
	const struct lone *x = arg;
	struct zs_stack_counts n = zs_stack_counts(x->h->s);

	return n.tcbs + n.half_open + n.time_wait == 0 && zs_simhost_live(x->h) == 0;
}

static void lone_end(struct lone *x)
{
	zs_simapp_unlisten(x->app);
	assert_true(zs_sim_run_until(x->w, zs_sim_now(x->w) + 2000 * ZS_SEC, forgotten, x));
	/* with IPv6 it reports its groups, and that is all */
	assert_in_range(x->h->dev.tx, 0, zs_sim_family() == ZS_AF_IP6 ? 2 : 0);
	assert_int_equal(zs_simhost_drops(x->h), 0);
	assert_int_equal(zs_sim_violations(x->w), 0);
	assert_int_equal(zs_sim_destroy(x->w), 0);
	zs_simapp_destroy(x->app);
}

static bool both_done(void *arg)
{
	const struct lone *x = arg;

	return x->app->n_done + x->app->n_failed == 2;
}

static void transfer(uint32_t to, struct zs_simconn_config how)
{
	struct lone x;

	how.tx_bytes = how.rx_bytes = MIB;
	lone_create(&x);
	zs_simapp_listen(x.app, PORT, 8, &how);
	zs_simapp_connect(x.app, to, PORT, &how);
	assert_true(zs_sim_run_until(x.w, 2 * ZS_SEC, both_done, &x));
	assert_int_equal(x.app->n_failed, 0);
	assert_int_equal(x.app->rx_bytes, 2 * MIB);
	assert_int_equal(zs_stack_stats(x.h->s)->tcp_segs_retx, 0);
	if (how.tx != ZS_SIMTX_COPY)
		assert_int_equal(zs_stack_stats(x.h->s)->copies, 0);
	for (struct zs_simconn *c = x.app->conns; c != NULL; c = c->next)
		zs_simconn_release(c);
	lone_end(&x);
}

static void test_both_ways(void **state)
{
	const uint32_t to[] = { ip_a(), zs_sim_ip(127, 0, 0, 1), zs_sim_ip(127, 8, 7, 6) };

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(to); i++) {
		transfer(to[i],
			 (struct zs_simconn_config){ .tx = ZS_SIMTX_BUF, .tx_chunk = 1 << 16 });
		transfer(to[i],
			 (struct zs_simconn_config){ .tx = ZS_SIMTX_ODD, .tx_chunk = 1 << 16 });
		transfer(to[i], (struct zs_simconn_config){
					.tx = ZS_SIMTX_BIG, .tx_chunk = 1 << 16, .share = true });
		transfer(to[i], (struct zs_simconn_config){ .tx = ZS_SIMTX_COPY,
							    .rx = ZS_SIMRX_COPY,
							    .tx_chunk = 1 << 16 });
	}
}

static void test_closed_port(void **state)
{
	struct zs_simconn_config up = { .tx_bytes = 1 };
	struct zs_simconn *c;
	struct lone x;

	(void)state;
	lone_create(&x);
	c = zs_simapp_connect(x.app, zs_sim_ip(127, 0, 0, 1), PORT, &up);
	zs_sim_run_for(x.w, ZS_MS);
	assert_int_equal(x.app->n_failed, 1);
	assert_int_equal(c->error, ECONNREFUSED);
	assert_int_equal(zs_sim_destroy(x.w), 0);
	zs_simapp_destroy(x.app);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_both_ways),
		cmocka_unit_test(test_closed_port),
	};

	return cmocka_run_group_tests_name("loopback", tests, NULL, NULL);
}
