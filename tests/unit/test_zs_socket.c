/* SPDX-License-Identifier: BSD-3-Clause */
/* Sockets: create, bind, connect, listen, accept, names, shutdown, close, with Linux' answers. */
#include "zs_sockworld.h"

static void test_create_refuses_what_it_is_not(void **state)
{
	struct zs_sock *sk;
	struct world t;

	(void)state;
	world_open(&t, NULL);
	assert_int_equal(zs_sock_create(t.c->s, AF_UNIX, SOCK_STREAM, 0, &sk), -EAFNOSUPPORT);
	assert_int_equal(zs_sock_create(t.c->s, AF_INET, SOCK_RAW, 0, &sk), -ESOCKTNOSUPPORT);
	assert_int_equal(zs_sock_create(t.c->s, AF_INET, 11, 0, &sk), -EINVAL); /* no such type */
	assert_int_equal(zs_sock_create(t.c->s, AF_INET, SOCK_STREAM | 0x10000, 0, &sk), -EINVAL);
	assert_int_equal(zs_sock_create(t.c->s, AF_INET, SOCK_STREAM, IPPROTO_UDP, &sk),
			 -EPROTONOSUPPORT);
	assert_int_equal(zs_sock_create(t.c->s, AF_INET, SOCK_DGRAM, IPPROTO_TCP, &sk),
			 -EPROTONOSUPPORT);
	assert_int_equal(
		zs_sock_create(t.c->s, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, IPPROTO_TCP, &sk), 0);
	assert_true(sk->flags & ZS_SF_NONBLOCK);
	zs_sock_close(sk);
	world_close(&t);
}

static void small_tables(struct zs_simhost_config *hc)
{
	hc->stack.max_conns = 4;
}

static void test_create_until_full_and_again(void **state)
{
	struct zs_sock *sk[4], *more;
	struct world t;

	(void)state;
	world_open(&t, small_tables);
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 4; i++)
			sk[i] = sock_of(t.c, SOCK_STREAM);
		assert_int_equal(zs_sock_create(t.c->s, AF_INET, SOCK_STREAM, 0, &more), -ENOBUFS);
		for (int i = 0; i < 4; i++)
			assert_int_equal(zs_sock_close(sk[i]), 0);
	}
	assert_int_equal(zs_stack_counts(t.c->s).tcbs, 0);
	world_close(&t);
}

static void test_bind(void **state)
{
	struct sockaddr_in sa = addr4(2, PORT), got;
	struct sockaddr_in6 sa6 = { .sin6_family = AF_INET6 };
	socklen_t len = sizeof(got);
	struct zs_sock *a, *b;
	struct world t;

	(void)state;
	world_open(&t, NULL);
	a = sock_of(t.s, SOCK_STREAM);
	b = sock_of(t.s, SOCK_STREAM);
	assert_int_equal(zs_sock_bind(a, (struct sockaddr *)&sa, 8), -EINVAL);
	assert_int_equal(zs_sock_bind(a, (struct sockaddr *)&sa6, sizeof(sa6)), -EAFNOSUPPORT);
	assert_int_equal(zs_sock_bind(a, (struct sockaddr *)&sa, sizeof(sa)), 0);
	assert_int_equal(zs_sock_bind(a, (struct sockaddr *)&sa, sizeof(sa)), -EINVAL);
	assert_int_equal(zs_sock_bind(b, (struct sockaddr *)&sa, sizeof(sa)), -EADDRINUSE);
	sa = addr4(77, PORT);
	assert_int_equal(zs_sock_bind(b, (struct sockaddr *)&sa, sizeof(sa)), -EADDRNOTAVAIL);
	assert_int_equal(zs_sock_name(a, (struct sockaddr *)&got, &len), 0);
	assert_int_equal(len, sizeof(got));
	assert_int_equal(ntohs(got.sin_port), PORT);
	assert_int_equal(got.sin_addr.s_addr, zs_sim_ip(10, 0, 0, 2));
	sa = addr4(0, 0);
	assert_int_equal(zs_sock_bind(b, (struct sockaddr *)&sa, sizeof(sa)), 0);
	assert_int_equal(zs_sock_name(b, (struct sockaddr *)&got, &len), 0);
	assert_int_not_equal(got.sin_port, 0);
	zs_sock_close(a);
	zs_sock_close(b);
	world_close(&t);
}

static void test_bind_without_a_port(void **state)
{
	struct sockaddr_in sa = addr4(1, 0), got;
	socklen_t len = sizeof(got);
	struct zs_sock *lst, *c, *s;
	struct world t;

	(void)state;
	world_open(&t, NULL);
	lst = listen_on(t.s, PORT);
	c = sock_of(t.c, SOCK_STREAM);
	assert_int_equal(set_int(c, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1), 0);
	assert_int_equal(zs_sock_bind(c, (struct sockaddr *)&sa, sizeof(sa)), 0);
	assert_int_equal(zs_sock_bind(c, (struct sockaddr *)&sa, sizeof(sa)), -EINVAL);
	assert_int_equal(zs_sock_name(c, (struct sockaddr *)&got, &len), 0);
	assert_int_equal(got.sin_port, 0); /* connect will choose */
	assert_int_equal(connect_to(c, 2, PORT), -EINPROGRESS);
	run_ms(&t, 5);
	assert_int_equal(zs_sock_name(c, (struct sockaddr *)&got, &len), 0);
	assert_int_not_equal(got.sin_port, 0);
	assert_int_equal(got.sin_addr.s_addr, zs_sim_ip(10, 0, 0, 1));
	assert_int_equal(zs_sock_accept(lst, NULL, NULL, &s), 0);
	zs_sock_close(c);
	zs_sock_close(s);
	zs_sock_close(lst);
	world_close(&t);
}

static void test_connect_accept_names(void **state)
{
	struct sockaddr_in peer, name;
	socklen_t len = sizeof(peer);
	struct zs_sock *lst, *c, *s;
	struct world t;

	(void)state;
	world_open(&t, NULL);
	lst = listen_on(t.s, PORT);
	lst->flags |= ZS_SF_NONBLOCK;
	c = sock_of(t.c, SOCK_STREAM);
	assert_int_equal(zs_sock_accept(lst, NULL, NULL, &s), -EAGAIN);
	assert_int_equal(zs_sock_accept(c, NULL, NULL, &s), -EINVAL);
	assert_int_equal(zs_sock_peer(c, (struct sockaddr *)&peer, &len), -ENOTCONN);

	assert_int_equal(connect_to(c, 2, PORT), -EINPROGRESS);
	assert_int_equal(connect_to(c, 2, PORT), -EALREADY);
	assert_int_equal(zs_sock_readiness(c), 0);
	run_ms(&t, 5);
	assert_int_equal(connect_to(c, 2, PORT), 0);
	assert_int_equal(connect_to(c, 2, PORT), -EISCONN);
	assert_int_equal(connect_to(lst, 2, PORT), -EISCONN);
	assert_int_equal(zs_sock_listen(c, 5), -EINVAL);

	assert_int_equal(zs_sock_readable(lst), 1);
	assert_int_equal(zs_sock_accept(lst, (struct sockaddr *)&peer, &len, &s), 0);
	assert_int_equal(peer.sin_addr.s_addr, zs_sim_ip(10, 0, 0, 1));
	assert_true(s->flags & ZS_SF_NONBLOCK); /* inherited */
	assert_int_equal(zs_sock_name(c, (struct sockaddr *)&name, &len), 0);
	assert_int_equal(name.sin_port, peer.sin_port);
	len = 4; /* a short buffer gets what fits, and the whole length */
	assert_int_equal(zs_sock_peer(c, (struct sockaddr *)&peer, &len), 0);
	assert_int_equal(len, sizeof(peer));
	zs_sock_close(c);
	zs_sock_close(s);
	zs_sock_close(lst);
	world_close(&t);
}

static void test_connect_refused_is_told_once_and_may_be_repeated(void **state)
{
	struct zs_sock *c, *lst, *s;
	struct world t;

	(void)state;
	world_open(&t, NULL);
	c = sock_of(t.c, SOCK_STREAM);
	assert_int_equal(connect_to(c, 2, PORT), -EINPROGRESS);
	run_ms(&t, 5);
	assert_true(zs_sock_readiness(c) & ZS_EV_ERR);
	assert_true(zs_sock_readiness(c) & ZS_EV_HUP);
	assert_int_equal(zs_sock_error(c), ECONNREFUSED);
	assert_int_equal(get_int(c, SOL_SOCKET, SO_ERROR), ECONNREFUSED);
	assert_int_equal(get_int(c, SOL_SOCKET, SO_ERROR), 0);
	assert_int_equal(connect_to(c, 2, PORT),
			 -ECONNABORTED); /* Linux: failed, and told already */
	assert_int_equal(connect_to(c, 2, PORT), -EINPROGRESS);
	run_ms(&t, 5);
	assert_int_equal(connect_to(c, 2, PORT), -ECONNREFUSED); /* told by connect itself */
	lst = listen_on(t.s, PORT);
	assert_int_equal(connect_to(c, 2, PORT), -EINPROGRESS);
	run_ms(&t, 5);
	assert_int_equal(connect_to(c, 2, PORT), 0);
	assert_int_equal(zs_sock_accept(lst, NULL, NULL, &s), 0);
	zs_sock_close(c);
	zs_sock_close(s);
	zs_sock_close(lst);
	world_close(&t);
}

static void test_bound_address_survives_a_failed_connect(void **state)
{
	struct sockaddr_in sa = addr4(1, 5555), got;
	socklen_t len = sizeof(got);
	struct zs_sock *c;
	struct world t;

	(void)state;
	world_open(&t, NULL);
	c = sock_of(t.c, SOCK_STREAM);
	assert_int_equal(set_int(c, IPPROTO_TCP, 1 /* TCP_NODELAY */, 1), 0);
	assert_int_equal(zs_sock_bind(c, (struct sockaddr *)&sa, sizeof(sa)), 0);
	assert_int_equal(connect_to(c, 2, PORT), -EINPROGRESS);
	run_ms(&t, 5);
	assert_int_equal(connect_to(c, 2, PORT), -ECONNREFUSED);
	assert_int_equal(zs_sock_name(c, (struct sockaddr *)&got, &len), 0);
	assert_int_equal(ntohs(got.sin_port), 5555);
	assert_int_equal(get_int(c, IPPROTO_TCP, 1), 1);
	zs_sock_close(c);
	world_close(&t);
}

static void test_reset_is_told_once(void **state)
{
	struct zs_sock *lst, *c, *s;
	struct world t;
	char buf[8];

	(void)state;
	world_open(&t, NULL);
	lst = listen_on(t.s, PORT);
	connect_pair(&t, lst, &c, &s);
	kill_sock(s); /* linger 0: RST */
	run_ms(&t, 5);
	assert_true(zs_sock_readiness(c) & ZS_EV_ERR);
	assert_int_equal(recv_n(c, buf, sizeof(buf), 0), -ECONNRESET);
	assert_int_equal(recv_n(c, buf, sizeof(buf), 0), 0);
	assert_int_equal(send_str(c, "x", 0), -EPIPE);
	assert_int_equal(zs_sock_shutdown(c, SHUT_RDWR), -ENOTCONN);
	zs_sock_close(c);
	zs_sock_close(lst);
	world_close(&t);
}

static void test_half_close(void **state)
{
	struct zs_sock *lst, *c, *s;
	struct world t;
	char buf[8];

	(void)state;
	world_open(&t, NULL);
	lst = listen_on(t.s, PORT);
	connect_pair(&t, lst, &c, &s);
	assert_int_equal(zs_sock_shutdown(c, 7), -EINVAL);
	assert_int_equal(send_str(c, "bye", 0), 3);
	assert_int_equal(zs_sock_shutdown(c, SHUT_WR), 0);
	assert_int_equal(send_str(c, "x", 0), -EPIPE);
	run_ms(&t, 5);
	assert_true(zs_sock_readiness(s) & ZS_EV_RDHUP);
	assert_false(zs_sock_readiness(s) & ZS_EV_HUP);
	expect_str(s, "bye");
	assert_int_equal(recv_n(s, buf, sizeof(buf), 0), 0);
	assert_int_equal(recv_n(s, buf, sizeof(buf), 0), 0);
	assert_int_equal(send_str(s, "still here", 0), 10);
	run_ms(&t, 5);
	expect_str(c, "still here");
	zs_sock_close(s);
	run_ms(&t, 5);
	assert_int_equal(recv_n(c, buf, sizeof(buf), 0), 0);
	assert_true(zs_sock_readiness(c) & ZS_EV_HUP);
	zs_sock_close(c);
	zs_sock_close(lst);
	world_close(&t);
}

static void test_shutdown_rd_ends_reading(void **state)
{
	struct zs_sock *lst, *c, *s;
	struct world t;
	char buf[8];

	(void)state;
	world_open(&t, NULL);
	lst = listen_on(t.s, PORT);
	connect_pair(&t, lst, &c, &s);
	assert_int_equal(zs_sock_shutdown(s, SHUT_RD), 0);
	assert_int_equal(recv_n(s, buf, sizeof(buf), 0), 0);
	assert_int_equal(send_str(s, "out", 0), 3);
	run_ms(&t, 5);
	expect_str(c, "out");
	zs_sock_close(s);
	zs_sock_close(c);
	zs_sock_close(lst);
	world_close(&t);
}

static void test_shutdown_of_a_listener_ends_accepting(void **state)
{
	struct zs_sock *lst, *c, *s;
	struct world t;

	(void)state;
	world_open(&t, NULL);
	lst = listen_on(t.s, PORT);
	assert_int_equal(zs_sock_shutdown(lst, SHUT_RD), 0);
	assert_int_equal(zs_sock_accept(lst, NULL, NULL, &s), -EINVAL);
	c = sock_of(t.c, SOCK_STREAM);
	assert_int_equal(connect_to(c, 2, PORT), -EINPROGRESS);
	run_ms(&t, 5);
	assert_int_equal(zs_sock_take_error(c), ECONNREFUSED);
	assert_int_equal(zs_sock_listen(lst, 5), 0); /* and begins again */
	zs_sock_close(c);
	zs_sock_close(lst);
	world_close(&t);
}

static void test_close_sends_what_is_queued(void **state)
{
	static char out[100000], in[sizeof(out) + 1];
	struct iovec iov = { out, sizeof(out) };
	struct zs_sock *lst, *c, *s;
	size_t got = 0;
	struct world t;
	ssize_t n;

	(void)state;
	world_open(&t, NULL);
	for (size_t i = 0; i < sizeof(out); i++)
		out[i] = (char)(i * 7 + i / 251);
	lst = listen_on(t.s, PORT);
	connect_pair(&t, lst, &c, &s);
	n = zs_sock_send(c, &iov, 1, 0, NULL, 0);
	assert_true(n > 0);
	zs_sock_close(c);
	for (int i = 0; i < 200; i++) {
		ssize_t k = recv_n(s, in + got, sizeof(in) - got, 0);

		if (k == 0)
			break;
		if (k > 0)
			got += (size_t)k;
		run_ms(&t, 1);
	}
	assert_int_equal(got, n);
	assert_memory_equal(in, out, got);
	zs_sock_close(s);
	zs_sock_close(lst);
	run_ms(&t, 500);
	assert_int_equal(zs_stack_counts(t.c->s).tcbs, 0);
	assert_int_equal(zs_stack_counts(t.s->s).tcbs, 0);
	world_close(&t);
}

static void test_close_of_a_listener_resets_those_waiting(void **state)
{
	struct zs_sock *lst, *c;
	struct world t;

	(void)state;
	world_open(&t, NULL);
	lst = listen_on(t.s, PORT);
	c = sock_of(t.c, SOCK_STREAM);
	assert_int_equal(connect_to(c, 2, PORT), -EINPROGRESS);
	run_ms(&t, 5);
	zs_sock_close(lst);
	run_ms(&t, 5);
	assert_int_equal(zs_sock_take_error(c), ECONNRESET);
	zs_sock_close(c);
	world_close(&t);
}

static void test_connect_unspec_disconnects(void **state)
{
	struct sockaddr unspec = { .sa_family = AF_UNSPEC };
	struct zs_sock *lst, *c, *s;
	struct world t;

	(void)state;
	world_open(&t, NULL);
	lst = listen_on(t.s, PORT);
	connect_pair(&t, lst, &c, &s);
	assert_int_equal(zs_sock_connect(c, &unspec, sizeof(unspec)), 0);
	assert_int_equal(send_str(c, "x", 0), -ENOTCONN);
	run_ms(&t, 5);
	assert_int_equal(zs_sock_take_error(s), ECONNRESET);
	zs_sock_close(c);
	zs_sock_close(s);
	zs_sock_close(lst);
	world_close(&t);
}

static void test_udp_connect_and_names(void **state)
{
	struct sockaddr unspec = { .sa_family = AF_UNSPEC };
	struct sockaddr_in sa;
	socklen_t len = sizeof(sa);
	struct zs_sock *u;
	struct world t;

	(void)state;
	world_open(&t, NULL);
	u = sock_of(t.c, SOCK_DGRAM);
	assert_int_equal(zs_sock_listen(u, 5), -EOPNOTSUPP);
	assert_int_equal(zs_sock_accept(u, NULL, NULL, &u), -EOPNOTSUPP);
	assert_int_equal(zs_sock_peer(u, (struct sockaddr *)&sa, &len), -ENOTCONN);
	assert_int_equal(zs_sock_shutdown(u, SHUT_WR), -ENOTCONN);
	assert_int_equal(connect_to(u, 2, 53), 0);
	assert_int_equal(zs_sock_peer(u, (struct sockaddr *)&sa, &len), 0);
	assert_int_equal(ntohs(sa.sin_port), 53);
	assert_int_equal(zs_sock_name(u, (struct sockaddr *)&sa, &len), 0);
	assert_int_not_equal(sa.sin_port, 0);
	assert_int_equal(zs_sock_connect(u, &unspec, sizeof(unspec)), 0);
	assert_int_equal(zs_sock_peer(u, (struct sockaddr *)&sa, &len), -ENOTCONN);
	zs_sock_close(u);
	world_close(&t);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_create_refuses_what_it_is_not),
	cmocka_unit_test(test_create_until_full_and_again),
	cmocka_unit_test(test_bind),
	cmocka_unit_test(test_bind_without_a_port),
	cmocka_unit_test(test_connect_accept_names),
	cmocka_unit_test(test_connect_refused_is_told_once_and_may_be_repeated),
	cmocka_unit_test(test_bound_address_survives_a_failed_connect),
	cmocka_unit_test(test_reset_is_told_once),
	cmocka_unit_test(test_half_close),
	cmocka_unit_test(test_shutdown_rd_ends_reading),
	cmocka_unit_test(test_shutdown_of_a_listener_ends_accepting),
	cmocka_unit_test(test_close_sends_what_is_queued),
	cmocka_unit_test(test_close_of_a_listener_resets_those_waiting),
	cmocka_unit_test(test_connect_unspec_disconnects),
	cmocka_unit_test(test_udp_connect_and_names),
};

ZS_TEST_MAIN(tests)
