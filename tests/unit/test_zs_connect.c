/* SPDX-License-Identifier: BSD-3-Clause */
/* connect() with Fast Open (tcp(7)): MSG_FASTOPEN and TCP_FASTOPEN_CONNECT. */
#include "zs_sockworld.h"

#include <linux/tcp.h>

static struct zs_sock *fast_listener(struct world *t)
{
	struct zs_sock *lst = listen_on(t->s, PORT);

	assert_int_equal(set_int(lst, IPPROTO_TCP, TCP_FASTOPEN, 5), 0);
	return lst;
}

static ssize_t send_fast(struct zs_sock *sk, const char *str)
{
	struct iovec iov = { (void *)(uintptr_t)str, strlen(str) };
	struct sockaddr_in to = addr4(2, PORT);

	return zs_sock_send(sk, &iov, 1, MSG_FASTOPEN, (struct sockaddr *)&to, sizeof(to));
}

/* The server's end of the connection, which has received str. */
static void accept_str(struct world *t, struct zs_sock *lst, const char *str)
{
	struct zs_sock *s;

	run_ms(t, 5);
	assert_int_equal(zs_sock_accept(lst, NULL, NULL, &s), 0);
	expect_str(s, str);
	kill_sock(s);
	run_ms(t, 5);
}

/* Whoever has a cookie sends data with the SYN; who has none asks for one and sends after the
 * handshake. */
static void test_msg_fastopen(void **state)
{
	struct zs_sock *lst, *c;
	struct world t;

	(void)state;
	world_open(&t, NULL);
	lst = fast_listener(&t);
	c = sock_of(t.c, SOCK_STREAM);
	assert_int_equal(send_fast(c, "one"), -EINPROGRESS);
	assert_int_equal(send_fast(c, "one"), -EALREADY);
	run_ms(&t, 5);
	assert_int_equal(send_fast(c, "one"), 3); /* an ordinary write by now */
	accept_str(&t, lst, "one");
	kill_sock(c);
	c = sock_of(t.c, SOCK_STREAM);
	assert_int_equal(send_fast(c, "two"), 3);
	accept_str(&t, lst, "two");
	assert_int_equal(send_fast(c, "three"), -ECONNRESET);
	kill_sock(c);
	zs_sock_close(lst);
	world_close(&t);
}

/* Likewise, connect() being over at once where a cookie is known. */
static void test_fastopen_connect(void **state)
{
	struct zs_sock *lst, *c;
	struct world t;

	(void)state;
	world_open(&t, NULL);
	lst = fast_listener(&t);
	for (int i = 0; i < 2; i++) {
		c = sock_of(t.c, SOCK_STREAM);
		assert_int_equal(set_int(c, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 1), 0);
		assert_int_equal(connect_to(c, 2, PORT), i == 0 ? -EINPROGRESS : 0);
		run_ms(&t, 5);
		assert_int_equal(zs_sock_accept(lst, NULL, NULL, &(struct zs_sock *){ NULL }),
				 i == 0 ? 0 : -EAGAIN); /* there is no SYN without data */
		if (i == 1)
			assert_int_equal(send_str(c, "hello", 0), 5);
		if (i == 1)
			accept_str(&t, lst, "hello");
		kill_sock(c);
	}
	zs_sock_close(lst);
	world_close(&t);
}

static void no_client(struct zs_simhost_config *hc)
{
	hc->stack.tfo = ZS_TFO_SERVER;
}

static void test_refused(void **state)
{
	struct sockaddr_in to = addr4(2, PORT), none = { .sin_family = AF_UNSPEC };
	struct iovec iov = { (void *)(uintptr_t) "x", 1 };
	struct zs_sock *c;
	struct world t;

	(void)state;
	world_open(&t, NULL);
	c = sock_of(t.c, SOCK_STREAM);
	assert_int_equal(
		zs_sock_send(c, &iov, 1, MSG_FASTOPEN, (struct sockaddr *)&none, sizeof(none)),
		-EOPNOTSUPP);
	assert_int_equal(zs_sock_send(c, &iov, 1, MSG_FASTOPEN, (struct sockaddr *)&to, 8),
			 -EINVAL);
	zs_sock_close(c);
	world_close(&t);
	world_open(&t, no_client);
	c = sock_of(t.c, SOCK_STREAM);
	assert_int_equal(send_fast(c, "x"), -EOPNOTSUPP);
	assert_int_equal(set_int(c, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 1), -EOPNOTSUPP);
	zs_sock_close(c);
	world_close(&t);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_msg_fastopen),
	cmocka_unit_test(test_fastopen_connect),
	cmocka_unit_test(test_refused),
};

ZS_TEST_MAIN(tests)
