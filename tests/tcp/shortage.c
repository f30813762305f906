/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Copying writes while buffers are short: each connection gets its share, and who gets nothing
 * waits, instead of being told again and again that it may write. And no route for a while.
 */
#include <errno.h>

#include "core/tcp/zs_tcb.h"
#include "tests/zs_test.h"
#include "tt.h"

enum { MSS = 1000, RTT = 100 * TT_MS, POOL = 256, PLENTY = 1 << 20 };

static void start(struct tt *t)
{
	tt_connect_passive(t, .opt = "mss 1000,sackOK", .rtt_us = RTT);
	(void)tt_take_events(t);
}

static void pool(struct tt *t, uint32_t n)
{
	tt_pool(n);
	t->s->pool_credit = 0; /* it is looked at again */
}

static bool told(struct tt *t)
{
	return (tt_take_events(t) & ZS_EV_WRITE) != 0;
}

/* Full segments that a write of any length gets. */
static uint32_t share(struct tt *t)
{
	int64_t n = tt_send_more(t, POOL * MSS, 0);

	assert_true(n > 0 && n % MSS == 0);
	assert_int_equal(tt_send_more(t, MSS, 0), -EAGAIN);
	assert_false(zs_tcp_writable(t->s, t->c->tcb));
	return (uint32_t)n / MSS;
}

/* No connection queues more than a quarter of what is left beyond the last quarter. */
static void each_has_its_share(struct tt *t)
{
	uint32_t n[3], left = POOL - POOL / 4;

	tt_listen(t, 8);
	for (unsigned i = 0; i < 3; i++) {
		tt_use(t, i);
		start(t);
	}
	pool(t, POOL);
	for (unsigned i = 0; i < 3; i++) {
		tt_use(t, i);
		n[i] = share(t);
		assert_in_range(n[i], left / 6, left / 4 + left / 8);
		left -= n[i];
	}
	pool(t, PLENTY);
	tt_drain(t);
}

/* Acknowledgements wake who was refused, when a third of its share is free. */
static void acknowledgements_wake(struct tt *t)
{
	uint32_t n;

	start(t);
	pool(t, POOL);
	n = share(t);
	tt_turn(t);
	tt_expect_run(t, 1, 1, MSS, 10);
	tt_drain(t);
	tt_in(t, "A", 1, 1 + MSS, 0);
	assert_false(told(t));
	for (uint32_t i = 2; i <= n - n / 3; i++) {
		tt_in(t, "A", 1, 1 + i * MSS, 0);
		tt_drain(t);
	}
	assert_true(told(t));
	assert_true(zs_tcp_writable(t->s, t->c->tcb));
	assert_true(tt_send_more(t, POOL * MSS, 0) >= (int64_t)n / 4 * MSS);
	pool(t, PLENTY);
	tt_drain(t);
}

enum { TAKEN = 15 };
static struct rte_mbuf *taken[TAKEN];

static void refuse(struct tt *t)
{
	for (int i = 0; i < TAKEN; i++)
		taken[i] = rte_pktmbuf_alloc(zs_stack_env(t->s)->pkt_pool);
	pool(t, TAKEN + 1);
	assert_int_equal(tt_send_more(t, MSS, 0), -EAGAIN);
	assert_false(told(t));
	assert_false(zs_tcp_writable(t->s, t->c->tcb));
}

static void give_back(struct tt *t)
{
	for (int i = 0; i < TAKEN; i++)
		rte_pktmbuf_free(taken[i]);
	pool(t, PLENTY);
}

/* Nothing is in flight whose acknowledgement would wake it: time does, when there are buffers. */
static void without_data_time_wakes(struct tt *t)
{
	start(t);
	refuse(t);
	tt_advance(t, 10 * TT_MS);
	assert_false(told(t));
	assert_false(zs_tcp_writable(t->s, t->c->tcb));
	give_back(t);
	tt_advance(t, 2 * TT_MS);
	assert_true(told(t));
	assert_true(zs_tcp_writable(t->s, t->c->tcb));
	tt_send(t, MSS);
	tt_expect(t, "PA", 1, 1, MSS);
}

/* The timer is that of the window's probes: a window that opens does not stop it. */
static void a_window_update_stops_no_waiting(struct tt *t)
{
	start(t);
	refuse(t);
	give_back(t);
	tt_in(t, "A", 1, 1, 0, .wnd = 30000);
	assert_false(told(t));
	tt_advance(t, 2 * TT_MS);
	assert_true(told(t));
}

/* Who writes no more is not waited for. */
static void shutdown_ends_the_waiting(struct tt *t)
{
	start(t);
	refuse(t);
	tt_shutdown(t, ZS_SHUT_WR);
	tt_expect(t, "FA", 1, 1, 0);
	tt_advance(t, 10 * TT_MS);
	assert_int_equal(t->c->tcb->deadline[ZS_TT_PERSIST], 0);
	give_back(t);
	tt_in(t, "A", 1, 2, 0);
}

/*
 * A record that is shared is sent by references, which wait for its acknowledgement. When nearly
 * all of them wait already, a connection that has nothing in flight gets on all the same.
 */
static void a_shared_record_gets_on(struct tt *t)
{
	enum { HELD = 48, SPARE = 12 };
	const struct zs_env *env = zs_stack_env(t->s);
	struct rte_mbuf *held[HELD], *m = rte_pktmbuf_alloc(env->big_pool);
	const struct tt_out *o;

	start(t);
	rte_pktmbuf_append(m, 4 * MSS);
	rte_mbuf_refcnt_update(m, 1);
	assert_int_equal(zs_tcp_send(t->s, t->c->tcb, m, 0), 0);
	for (int i = 0; i < HELD; i++)
		held[i] = rte_pktmbuf_alloc(env->hdr_pool);
	tt_headers(HELD + 1 + SPARE); /* the record is one, too */
	t->s->hdr_credit = 0;
	for (uint32_t i = 0; i < 2; i++) {
		tt_turn(t);
		o = tt_next(t);
		assert_non_null(o);
		assert_int_equal(tt_seq(t, o), 1 + i * MSS);
		assert_int_equal(o->len, MSS);
		tt_expect_none(t);
		tt_in(t, "A", 1, 1 + (i + 1) * MSS, 0);
	}
	for (int i = 0; i < HELD; i++)
		rte_pktmbuf_free(held[i]);
	tt_starve(false);
	tt_drain(t);
	tt_in(t, "A", 1, 1 + 4 * MSS, 0);
	rte_pktmbuf_free(m);
}

/* ---- routes ---- */

struct routes {
	struct zs_route r[ZS_MAX_ROUTES];
	uint16_t n;
};

static void lose_routes(struct tt *t, struct routes *all)
{
	all->n = t->s->n_routes;
	memcpy(all->r, t->s->routes, sizeof(all->r));
	while (t->s->n_routes > 0)
		assert_int_equal(zs_route_del(t->s, &all->r[t->s->n_routes - 1]), 0);
}

static void find_routes(struct tt *t, const struct routes *all)
{
	for (uint16_t i = 0; i < all->n; i++)
		assert_int_equal(zs_route_add(t->s, &all->r[i]), 0);
}

/* Nothing is in flight, and there is no route for a while: what was written goes out when there is
 * one. */
static void data_wait_for_a_route(struct tt *t)
{
	struct routes all;

	start(t);
	lose_routes(t, &all);
	tt_send(t, MSS);
	tt_expect_quiet(t, TT_S);
	find_routes(t, &all);
	tt_expect_within(t, 0, 2 * TT_S, "A", 1, 1, MSS);
	tt_in(t, "A", 1, 1 + MSS, 0);
}

/* But not for ever. */
static void no_route_at_all(struct tt *t)
{
	struct routes all;

	start(t);
	lose_routes(t, &all);
	tt_send(t, MSS);
	tt_expect_quiet(t, 20 * 60ull * TT_S);
	assert_int_equal(tt_take_error(t), ETIMEDOUT);
}

static void fin_waits_for_a_route(struct tt *t)
{
	struct routes all;

	start(t);
	lose_routes(t, &all);
	tt_close(t);
	tt_expect_quiet(t, TT_S);
	find_routes(t, &all);
	tt_expect_within(t, 0, 2 * TT_S, "FA", 1, 1, 0);
	tt_in(t, "A", 1, 2, 0);
}

static const struct CMUnitTest tests[] = {
	TT(each_has_its_share),	       TT(acknowledgements_wake),
	TT(without_data_time_wakes),   TT(a_window_update_stops_no_waiting),
	TT(shutdown_ends_the_waiting), TT(a_shared_record_gets_on),
	TT(data_wait_for_a_route),     TT(no_route_at_all),
	TT(fin_waits_for_a_route),
};

ZS_TEST_MAIN(tests)
