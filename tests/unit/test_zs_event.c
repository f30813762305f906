/* SPDX-License-Identifier: BSD-3-Clause */
/* Readiness: level by what is true, edges by what arrives, watches of several waiters, closing. */
#include "zs_sockworld.h"

struct trio {
	struct world t;
	struct zs_sock *lst, *c, *s;
	struct zs_waitq q;
	struct zs_watch w; /* on s */
};

static void trio_open(struct trio *x, unsigned mask)
{
	world_open(&x->t, NULL);
	x->lst = listen_on(x->t.s, PORT);
	connect_pair(&x->t, x->lst, &x->c, &x->s);
	zs_waitq_init(&x->q);
	zs_watch_add(x->s, &x->w, &x->q, mask);
}

static void trio_close(struct trio *x)
{
	zs_watch_del(&x->w);
	zs_sock_close(x->c);
	zs_sock_close(x->s);
	zs_sock_close(x->lst);
	world_close(&x->t);
}

/* What a waiter does with edge trigger: takes the watch off the list and forgets its edges. */
static unsigned take_edges(struct trio *x)
{
	unsigned ev = x->w.edges;

	zs_watch_deactivate(&x->w);
	x->w.edges = 0;
	return ev;
}

static void test_add_tells_what_is_ready_already(void **state)
{
	struct trio x;

	(void)state;
	trio_open(&x, ZS_EV_READ | ZS_EV_WRITE);
	assert_int_equal(x.q.n_ready, 1);
	assert_int_equal(take_edges(&x), ZS_EV_WRITE);
	assert_int_equal(x.q.n_ready, 0);
	trio_close(&x);
}

static void test_each_arrival_is_an_edge(void **state)
{
	struct trio x;

	(void)state;
	trio_open(&x, ZS_EV_READ);
	assert_int_equal(x.q.n_ready, 0);
	for (int i = 0; i < 3; i++) {
		/* nothing is read in between: the level stays, the edge comes anew */
		assert_int_equal(send_str(x.c, "abc", 0), 3);
		run_ms(&x.t, 100);
		assert_int_equal(x.q.n_ready, 1);
		assert_int_equal(take_edges(&x), ZS_EV_READ);
		run_ms(&x.t, 100);
		assert_int_equal(x.q.n_ready, 0);
	}
	assert_int_equal(zs_sock_readable(x.s), 9);
	trio_close(&x);
}

static void test_edge_of_data_read_meanwhile_is_not_told(void **state)
{
	struct trio x;
	char buf[16];

	(void)state;
	trio_open(&x, ZS_EV_READ);
	x.t.s->app = NULL; /* events stay in the core */
	assert_int_equal(send_str(x.c, "abc", 0), 3);
	run_ms(&x.t, 5);
	assert_int_equal(recv_n(x.s, buf, sizeof(buf), 0), 3);
	assert_int_equal(zs_sock_dispatch(x.t.s->s), 1);
	assert_int_equal(x.q.n_ready, 0);
	trio_close(&x);
}

static void test_mask_selects_but_not_errors(void **state)
{
	struct trio x;

	(void)state;
	trio_open(&x, 0);
	assert_int_equal(send_str(x.c, "abc", 0), 3);
	run_ms(&x.t, 5);
	assert_int_equal(x.q.n_ready, 0);
	kill_sock(x.c);
	run_ms(&x.t, 5);
	assert_int_equal(x.q.n_ready, 1);
	assert_int_equal(take_edges(&x), ZS_EV_ERR | ZS_EV_HUP);
	x.c = sock_of(x.t.c, SOCK_STREAM);
	trio_close(&x);
}

static void test_rcvlowat(void **state)
{
	struct trio x;

	(void)state;
	trio_open(&x, ZS_EV_READ);
	assert_int_equal(set_int(x.s, SOL_SOCKET, SO_RCVLOWAT, 10), 0);
	assert_int_equal(send_str(x.c, "12345", 0), 5);
	run_ms(&x.t, 100);
	assert_int_equal(x.q.n_ready, 0);
	assert_false(zs_sock_readiness(x.s) & ZS_EV_READ);
	assert_int_equal(send_str(x.c, "67890", 0), 5);
	run_ms(&x.t, 100);
	assert_int_equal(take_edges(&x), ZS_EV_READ);
	expect_str(x.s, "1234567890");
	/* what is there counts as soon as the mark is lowered */
	assert_int_equal(send_str(x.c, "ab", 0), 2);
	run_ms(&x.t, 100);
	assert_int_equal(x.q.n_ready, 0);
	assert_int_equal(set_int(x.s, SOL_SOCKET, SO_RCVLOWAT, 1), 0);
	run_ms(&x.t, 1);
	assert_int_equal(take_edges(&x), ZS_EV_READ);
	trio_close(&x);
}

static void test_less_than_rcvlowat_is_told_to_who_asks(void **state)
{
	struct trio x;
	char buf[16];

	(void)state;
	trio_open(&x, ZS_EV_READ | ZS_EV_SOME);
	assert_int_equal(set_int(x.s, SOL_SOCKET, SO_RCVLOWAT, 10), 0);
	assert_int_equal(send_str(x.c, "12345", 0), 5);
	run_ms(&x.t, 100);
	assert_int_equal(take_edges(&x), ZS_EV_SOME);
	assert_int_equal(send_str(x.c, "67890", 0), 5);
	run_ms(&x.t, 100);
	assert_int_equal(take_edges(&x), ZS_EV_READ);
	expect_str(x.s, "1234567890");
	/* not what was read meanwhile */
	x.t.s->app = NULL; /* events stay in the core */
	assert_int_equal(send_str(x.c, "abc", 0), 3);
	run_ms(&x.t, 5);
	assert_int_equal(recv_n(x.s, buf, sizeof(buf), 0), 3);
	assert_int_equal(zs_sock_dispatch(x.t.s->s), 1);
	assert_int_equal(x.q.n_ready, 0);
	trio_close(&x);
}

static void test_lowat_beyond_the_window_does_not_stall(void **state)
{
	static char block[65536];
	struct iovec iov = { block, sizeof(block) };
	struct trio x;

	(void)state;
	trio_open(&x, ZS_EV_READ);
	assert_int_equal(set_int(x.s, SOL_SOCKET, SO_RCVLOWAT, 1 << 30), 0);
	for (int i = 0; i < 2000 && x.q.n_ready == 0; i++) {
		(void)zs_sock_send(x.c, &iov, 1, 0, NULL, 0); /* until nothing goes in any more */
		run_ms(&x.t, 1);
	}
	assert_int_equal(take_edges(&x), ZS_EV_READ);
	trio_close(&x);
}

static void test_end_of_stream_passes_lowat(void **state)
{
	struct trio x;

	(void)state;
	trio_open(&x, ZS_EV_READ | ZS_EV_RDHUP);
	assert_int_equal(set_int(x.s, SOL_SOCKET, SO_RCVLOWAT, 1000), 0);
	assert_int_equal(send_str(x.c, "12345", 0), 5);
	assert_int_equal(zs_sock_shutdown(x.c, SHUT_WR), 0);
	run_ms(&x.t, 100);
	assert_int_equal(take_edges(&x), ZS_EV_READ | ZS_EV_RDHUP);
	trio_close(&x);
}

static void test_write_edge_when_room_comes_back(void **state)
{
	static char block[65536];
	struct iovec iov = { block, sizeof(block) };
	struct trio x;
	ssize_t n;

	(void)state;
	trio_open(&x, ZS_EV_WRITE);
	assert_int_equal(take_edges(&x), ZS_EV_WRITE);
	do
		n = zs_sock_send(x.s, &iov, 1, 0, NULL, 0);
	while (n > 0);
	assert_int_equal(n, -EAGAIN);
	assert_false(zs_sock_readiness(x.s) & ZS_EV_WRITE);
	assert_int_equal(zs_sock_writable(x.s), 0);
	for (int i = 0; i < 1000 && x.q.n_ready == 0; i++) {
		run_ms(&x.t, 1);
		while (recv_n(x.c, block, sizeof(block), 0) > 0)
			;
	}
	assert_int_equal(take_edges(&x), ZS_EV_WRITE);
	assert_true(zs_sock_readiness(x.s) & ZS_EV_WRITE);
	trio_close(&x);
}

static void test_listener_and_connect(void **state)
{
	struct zs_watch lw, cw;
	struct zs_waitq q;
	struct zs_sock *lst, *c, *s;
	struct world t;

	(void)state;
	world_open(&t, NULL);
	lst = listen_on(t.s, PORT);
	c = sock_of(t.c, SOCK_STREAM);
	/* as Linux: a socket that was never connected hangs up and can be written to */
	assert_int_equal(zs_sock_readiness(c), ZS_EV_WRITE | ZS_EV_HUP);
	assert_int_equal(connect_to(c, 2, PORT), -EINPROGRESS);
	zs_waitq_init(&q);
	zs_watch_add(lst, &lw, &q, ZS_EV_READ);
	zs_watch_add(c, &cw, &q, ZS_EV_WRITE);
	assert_int_equal(q.n_ready, 0);
	run_ms(&t, 5);
	assert_int_equal(lw.edges, ZS_EV_READ);
	assert_int_equal(cw.edges, ZS_EV_WRITE);
	/* in order of arrival: the client is connected before the server knows */
	assert_ptr_equal(q.ready.next, &cw.ready_link);
	assert_int_equal(zs_sock_readiness(lst), ZS_EV_READ);
	assert_int_equal(zs_sock_accept(lst, NULL, NULL, &s), 0);
	assert_int_equal(zs_sock_readiness(lst), 0);
	zs_watch_del(&lw);
	zs_watch_del(&cw);
	assert_int_equal(q.n_ready, 0);
	zs_sock_close(c);
	zs_sock_close(s);
	zs_sock_close(lst);
	world_close(&t);
}

static void test_refused_connect_is_everything_at_once(void **state)
{
	struct zs_watch w;
	struct zs_waitq q;
	struct zs_sock *c;
	struct world t;

	(void)state;
	world_open(&t, NULL);
	c = sock_of(t.c, SOCK_STREAM);
	assert_int_equal(connect_to(c, 2, PORT), -EINPROGRESS);
	zs_waitq_init(&q);
	zs_watch_add(c, &w, &q, ZS_EV_READ | ZS_EV_WRITE | ZS_EV_RDHUP);
	run_ms(&t, 5);
	assert_int_equal(w.edges, ZS_EV_READ | ZS_EV_WRITE | ZS_EV_RDHUP | ZS_EV_HUP | ZS_EV_ERR);
	zs_watch_del(&w);
	zs_sock_close(c);
	world_close(&t);
}

static void test_close_tells_every_watch(void **state)
{
	struct zs_watch w[2];
	struct zs_waitq q[2];
	struct zs_sock *u;
	struct world t;

	(void)state;
	world_open(&t, NULL);
	u = sock_of(t.c, SOCK_DGRAM);
	for (int i = 0; i < 2; i++) {
		zs_waitq_init(&q[i]);
		zs_watch_add(u, &w[i], &q[i], ZS_EV_READ);
		assert_int_equal(q[i].n_ready, 0);
	}
	zs_sock_close(u);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(q[i].n_ready, 1);
		assert_null(w[i].sk);
		assert_true(w[i].edges & ZS_EV_HUP);
		zs_watch_del(&w[i]);
		assert_int_equal(q[i].n_ready, 0);
	}
	world_close(&t);
}

static void test_udp_readiness(void **state)
{
	struct iovec iov = { "hello", 5 };
	struct sockaddr_in sa = addr4(2, 53);
	struct zs_watch w;
	struct zs_waitq q;
	struct zs_sock *a, *b;
	struct world t;
	char buf[8];

	(void)state;
	world_open(&t, NULL);
	a = sock_of(t.c, SOCK_DGRAM);
	b = sock_of(t.s, SOCK_DGRAM);
	assert_int_equal(zs_sock_bind(b, (struct sockaddr *)&sa, sizeof(sa)), 0);
	zs_waitq_init(&q);
	zs_watch_add(b, &w, &q, ZS_EV_READ);
	assert_int_equal(zs_sock_readiness(b), ZS_EV_WRITE);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(zs_sock_send(a, &iov, 1, 0, (struct sockaddr *)&sa, sizeof(sa)),
				 5);
		run_ms(&t, 5);
		assert_int_equal(w.edges, ZS_EV_READ);
		zs_watch_deactivate(&w);
		w.edges = 0;
	}
	assert_int_equal(zs_sock_readable(b), 5); /* the first datagram, not the sum */
	assert_int_equal(recv_n(b, buf, sizeof(buf), 0), 5);
	assert_int_equal(recv_n(b, buf, sizeof(buf), 0), 5);
	assert_int_equal(zs_sock_readiness(b), ZS_EV_WRITE);
	zs_watch_del(&w);
	zs_sock_close(a);
	zs_sock_close(b);
	world_close(&t);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_add_tells_what_is_ready_already),
	cmocka_unit_test(test_each_arrival_is_an_edge),
	cmocka_unit_test(test_edge_of_data_read_meanwhile_is_not_told),
	cmocka_unit_test(test_mask_selects_but_not_errors),
	cmocka_unit_test(test_rcvlowat),
	cmocka_unit_test(test_less_than_rcvlowat_is_told_to_who_asks),
	cmocka_unit_test(test_lowat_beyond_the_window_does_not_stall),
	cmocka_unit_test(test_end_of_stream_passes_lowat),
	cmocka_unit_test(test_write_edge_when_room_comes_back),
	cmocka_unit_test(test_listener_and_connect),
	cmocka_unit_test(test_refused_connect_is_everything_at_once),
	cmocka_unit_test(test_close_tells_every_watch),
	cmocka_unit_test(test_udp_readiness),
};

ZS_TEST_MAIN(tests)
