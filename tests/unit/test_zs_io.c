/* SPDX-License-Identifier: BSD-3-Clause */
/* Copying I/O: iovecs, flags, ends of streams, datagrams, and that every copy is counted. */
#include "zs_sockworld.h"

struct pair {
	struct world t;
	struct zs_sock *lst, *c, *s;
};

static void pair_open(struct pair *x)
{
	world_open(&x->t, NULL);
	x->lst = listen_on(x->t.s, PORT);
	connect_pair(&x->t, x->lst, &x->c, &x->s);
}

static void pair_close(struct pair *x)
{
	zs_sock_close(x->c);
	zs_sock_close(x->s);
	zs_sock_close(x->lst);
	world_close(&x->t);
}

static uint64_t copies(struct zs_simhost *h)
{
	return zs_stack_stats(h->s)->copies;
}

static void test_iovecs(void **state)
{
	char a[3], b[1], d[20];
	struct iovec out[] = { { "Hello, ", 7 }, { NULL, 0 }, { "wor", 3 }, { "ld", 2 } };
	struct iovec in[] = { { a, 3 }, { NULL, 0 }, { b, 1 }, { d, sizeof(d) } };
	struct pair x;

	(void)state;
	pair_open(&x);
	assert_int_equal(zs_sock_send(x.c, out, 4, 0, NULL, 0), 12);
	run_ms(&x.t, 5);
	/* one write, one segment: SYN, ACK of the handshake and the data */
	assert_int_equal(zs_stack_stats(x.t.s->s)->tcp_segs_in, 3);
	assert_int_equal(zs_sock_recv(x.s, in, 4, 0, NULL, NULL, NULL), 12);
	assert_memory_equal(a, "Hel", 3);
	assert_memory_equal(b, "l", 1);
	assert_memory_equal(d, "o, world", 8);
	assert_int_equal(copies(x.t.c), 12);
	assert_int_equal(copies(x.t.s), 12);
	assert_int_equal(recv_n(x.s, d, sizeof(d), 0), -EAGAIN);
	pair_close(&x);
}

static void test_peek_and_discard(void **state)
{
	struct pair x;
	char buf[16];

	(void)state;
	pair_open(&x);
	assert_int_equal(send_str(x.c, "abcdef", 0), 6);
	run_ms(&x.t, 5);
	assert_int_equal(recv_n(x.s, buf, 4, MSG_PEEK), 4);
	assert_memory_equal(buf, "abcd", 4);
	memset(buf, '-', sizeof(buf));
	assert_int_equal(recv_n(x.s, buf, 2, MSG_TRUNC), 2); /* discarded, not copied */
	assert_int_equal(buf[0], '-');
	assert_int_equal(copies(x.t.s), 4);
	expect_str(x.s, "cdef");
	assert_int_equal(recv_n(x.s, buf, 4, MSG_OOB), -EINVAL);
	assert_int_equal(recv_n(x.s, buf, 4, MSG_ERRQUEUE), -EAGAIN);
	assert_int_equal(recv_n(x.s, buf, 0, 0), 0);
	pair_close(&x);
}

static void test_more_holds_the_tail(void **state)
{
	struct pair x;

	(void)state;
	pair_open(&x);
	assert_int_equal(send_str(x.c, "ab", MSG_MORE), 2);
	run_ms(&x.t, 20);
	assert_int_equal(zs_sock_readable(x.s), 0);
	assert_int_equal(send_str(x.c, "cd", 0), 2);
	run_ms(&x.t, 20);
	expect_str(x.s, "abcd");
	pair_close(&x);
}

static void test_states_without_a_connection(void **state)
{
	struct zs_sock *sk, *lst;
	struct world t;
	char buf[4];

	(void)state;
	world_open(&t, NULL);
	sk = sock_of(t.c, SOCK_STREAM);
	lst = listen_on(t.c, PORT);
	assert_int_equal(recv_n(sk, buf, 4, 0), -ENOTCONN);
	assert_int_equal(send_str(sk, "x", 0), -ENOTCONN);
	assert_int_equal(recv_n(lst, buf, 4, 0), -ENOTCONN);
	assert_int_equal(send_str(lst, "x", 0), -ENOTCONN);
	assert_int_equal(connect_to(sk, 99, PORT), -EINPROGRESS); /* nobody has this address */
	assert_int_equal(recv_n(sk, buf, 4, 0), -EAGAIN);
	assert_int_equal(send_str(sk, "x", 0), -EAGAIN);
	zs_sock_close(sk);
	zs_sock_close(lst);
	run_ms(&t, 5000);
	world_close(&t);
}

static void test_data_before_a_reset_is_read_first(void **state)
{
	struct pair x;
	char buf[8];

	(void)state;
	pair_open(&x);
	assert_int_equal(send_str(x.c, "last", 0), 4);
	run_ms(&x.t, 5);
	kill_sock(x.c);
	run_ms(&x.t, 5);
	assert_int_equal(send_str(x.s, "x", 0), -ECONNRESET); /* told once */
	assert_int_equal(send_str(x.s, "x", 0), -EPIPE);
	expect_str(x.s, "last");
	assert_int_equal(recv_n(x.s, buf, sizeof(buf), 0), 0);
	x.c = sock_of(x.t.c, SOCK_STREAM);
	pair_close(&x);
}

static void test_stream_in_odd_pieces(void **state)
{
	enum { TOTAL = 1 << 20 };
	static uint8_t out[TOTAL], in[TOTAL];
	size_t sent = 0, got = 0;
	struct pair x;

	(void)state;
	pair_open(&x);
	for (size_t i = 0; i < TOTAL; i++)
		out[i] = (uint8_t)(i * 31 + (i >> 8) * 17);
	for (int step = 0; got < TOTAL && step < 100000; step++) {
		size_t want = RTE_MIN((size_t)(step * 7919 % 9000 + 1), TOTAL - sent);
		struct iovec iov[2] = { { out + sent, want / 3 },
					{ out + sent + want / 3, want - want / 3 } };
		ssize_t n = want > 0 ? zs_sock_send(x.c, iov, 2, 0, NULL, 0) : 0;

		if (n > 0)
			sent += (size_t)n;
		else if (want > 0)
			assert_int_equal(n, -EAGAIN);
		n = recv_n(x.s, in + got, RTE_MIN((size_t)(step * 104729 % 5000 + 1), TOTAL - got),
			   0);
		if (n > 0)
			got += (size_t)n;
		if (step % 8 == 0)
			run_ms(&x.t, 1);
	}
	assert_int_equal(got, TOTAL);
	assert_memory_equal(in, out, TOTAL);
	pair_close(&x);
}

/* ---- datagrams ---- */

struct udp_pair {
	struct world t;
	struct zs_sock *a, *b; /* a sends to b, which is bound to port 53 */
	struct sockaddr_in to;
};

static void udp_open(struct udp_pair *x)
{
	world_open(&x->t, NULL);
	x->to = addr4(2, 53);
	x->a = sock_of(x->t.c, SOCK_DGRAM);
	x->b = sock_of(x->t.s, SOCK_DGRAM);
	assert_int_equal(zs_sock_bind(x->b, (struct sockaddr *)&x->to, sizeof(x->to)), 0);
}

static void udp_close(struct udp_pair *x)
{
	zs_sock_close(x->a);
	zs_sock_close(x->b);
	world_close(&x->t);
}

static ssize_t send_to(struct udp_pair *x, const void *p, size_t n)
{
	struct iovec iov = { (void *)(uintptr_t)p, n };

	return zs_sock_send(x->a, &iov, 1, 0, (struct sockaddr *)&x->to, sizeof(x->to));
}

static void test_datagrams_keep_their_bounds(void **state)
{
	struct sockaddr_in from;
	socklen_t len = sizeof(from);
	struct udp_pair x;
	char buf[16];
	struct iovec iov = { buf, sizeof(buf) };
	int mflags;

	(void)state;
	udp_open(&x);
	assert_int_equal(send_to(&x, "one", 3), 3);
	assert_int_equal(send_to(&x, "", 0), 0);
	assert_int_equal(send_to(&x, "three", 5), 5);
	run_ms(&x.t, 5);
	assert_int_equal(zs_sock_recv(x.b, &iov, 1, MSG_PEEK, NULL, NULL, NULL), 3);
	assert_int_equal(zs_sock_recv(x.b, &iov, 1, 0, (struct sockaddr *)&from, &len, &mflags), 3);
	assert_memory_equal(buf, "one", 3);
	assert_int_equal(mflags, 0);
	assert_int_equal(from.sin_addr.s_addr, zs_sim_ip(10, 0, 0, 1));
	assert_int_not_equal(from.sin_port, 0);
	assert_int_equal(zs_sock_recv(x.b, &iov, 1, 0, NULL, NULL, NULL), 0);
	iov.iov_len = 2;
	assert_int_equal(zs_sock_recv(x.b, &iov, 1, 0, NULL, NULL, &mflags), 2);
	assert_int_equal(mflags, MSG_TRUNC); /* the rest is gone */
	assert_int_equal(zs_sock_recv(x.b, &iov, 1, 0, NULL, NULL, NULL), -EAGAIN);
	assert_int_equal(send_to(&x, "three", 5), 5);
	run_ms(&x.t, 5);
	assert_int_equal(zs_sock_recv(x.b, &iov, 1, MSG_TRUNC, NULL, NULL, NULL),
			 5); /* real length */
	udp_close(&x);
}

static void test_large_datagrams(void **state)
{
	static char out[65508], in[65508];
	struct iovec iov = { in, sizeof(in) };
	struct udp_pair x;

	(void)state;
	udp_open(&x);
	for (size_t i = 0; i < sizeof(out); i++)
		out[i] = (char)(i * 13 + i / 256);
	assert_int_equal(send_to(&x, out, 65508), -EMSGSIZE);
	assert_int_equal(send_to(&x, out, 9000), 9000);
	run_ms(&x.t, 20);
	assert_int_equal(zs_sock_recv(x.b, &iov, 1, 0, NULL, NULL, NULL), 9000);
	assert_memory_equal(in, out, 9000);
	assert_int_equal(set_int(x.b, SOL_SOCKET, SO_RCVBUF, 1 << 20), 0);
	assert_int_equal(send_to(&x, out, 65507), 65507);
	run_ms(&x.t, 20);
	assert_int_equal(zs_sock_recv(x.b, &iov, 1, 0, NULL, NULL, NULL), 65507);
	assert_memory_equal(in, out, 65507);
	udp_close(&x);
}

static void test_udp_errors(void **state)
{
	struct sockaddr_in bcast = addr4(255, 53);
	struct udp_pair x;
	char buf[4];

	(void)state;
	udp_open(&x);
	assert_int_equal(send_str(x.a, "x", 0), -EDESTADDRREQ);
	x.to.sin_family = AF_INET6;
	assert_int_equal(send_to(&x, "x", 1), -EAFNOSUPPORT);
	x.to = bcast;
	assert_int_equal(send_to(&x, "x", 1), -EACCES);
	assert_int_equal(set_int(x.a, SOL_SOCKET, SO_BROADCAST, 1), 0);
	assert_int_equal(send_to(&x, "x", 1), 1);
	/* nobody at that port: ICMP, told once by whatever comes first */
	assert_int_equal(connect_to(x.a, 2, 999), 0);
	assert_int_equal(send_str(x.a, "x", 0), 1);
	run_ms(&x.t, 5);
	assert_true(zs_sock_readiness(x.a) & ZS_EV_ERR);
	assert_int_equal(recv_n(x.a, buf, 4, 0), -ECONNREFUSED);
	assert_int_equal(recv_n(x.a, buf, 4, 0), -EAGAIN);
	assert_int_equal(send_str(x.a, "x", 0), 1);
	run_ms(&x.t, 5);
	assert_int_equal(send_str(x.a, "x", 0), -ECONNREFUSED);
	assert_int_equal(zs_sock_shutdown(x.a, SHUT_RDWR), 0);
	assert_int_equal(send_str(x.a, "x", 0), -EPIPE);
	assert_int_equal(recv_n(x.a, buf, 4, 0), 0);
	udp_close(&x);
}

static void test_udp_without_buffers(void **state)
{
	struct udp_pair x;

	(void)state;
	udp_open(&x);
	zs_simpool_limit(x.t.c->pools.pkt, zs_simpool_live(x.t.c->pools.pkt));
	assert_int_equal(send_to(&x, "x", 1), -ENOBUFS);
	zs_simpool_limit(x.t.c->pools.pkt, UINT32_MAX);
	assert_int_equal(send_to(&x, "x", 1), 1);
	udp_close(&x);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_iovecs),
	cmocka_unit_test(test_peek_and_discard),
	cmocka_unit_test(test_more_holds_the_tail),
	cmocka_unit_test(test_states_without_a_connection),
	cmocka_unit_test(test_data_before_a_reset_is_read_first),
	cmocka_unit_test(test_stream_in_odd_pieces),
	cmocka_unit_test(test_datagrams_keep_their_bounds),
	cmocka_unit_test(test_large_datagrams),
	cmocka_unit_test(test_udp_errors),
	cmocka_unit_test(test_udp_without_buffers),
};

ZS_TEST_MAIN(tests)
