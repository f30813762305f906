/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Control messages of recvmsg as Linux has them, over IPv4 and IPv6: what is left to read
 * (TCP_INQ), and the error queue of writes with MSG_ZEROCOPY.
 */
#include <time.h> /* before errqueue.h, which needs it */

#include <linux/errqueue.h>
#include <linux/tcp.h>
#include <netinet/in.h>

#include "apitest.h"

static void set(int fd, int level, int name, int v)
{
	assert_int_equal(ff_setsockopt(fd, level, name, &v, sizeof(v)), 0);
}

static socklen_t address(int family, int host, struct sockaddr_storage *ss)
{
	struct sockaddr_in6 sin6 = { .sin6_family = AF_INET6, .sin6_port = htons(PORT) };
	struct sockaddr_in sin = api_addr(host, PORT);

	assert_int_equal(
		inet_pton(AF_INET6, host == 0 ? "fd00::a00:1" : "fd00::a00:2", &sin6.sin6_addr), 1);
	if (family == AF_INET) {
		memcpy(ss, &sin, sizeof(sin));
		return sizeof(sin);
	}
	memcpy(ss, &sin6, sizeof(sin6));
	return sizeof(sin6);
}

/* A connection from a (0) to b (1); leaves a entered. */
static void make_pair(struct api_world *t, int family, int *c, int *s)
{
	struct sockaddr_storage ss;
	socklen_t len = address(family, 1, &ss);
	int l;

	api_on(t, 1);
	l = ff_socket(family, SOCK_STREAM, 0);
	set(l, SOL_SOCKET, SO_REUSEADDR, 1);
	set(l, SOL_SOCKET, SO_ZEROCOPY, 1); /* what is accepted has it too */
	assert_int_equal(ff_bind(l, (void *)&ss, len), 0);
	assert_int_equal(ff_listen(l, 1), 0);
	api_on(t, 0);
	*c = ff_socket(family, SOCK_STREAM, 0);
	assert_int_equal(ff_connect(*c, (void *)&ss, len), 0);
	api_on(t, 1);
	*s = ff_accept(l, NULL, NULL);
	assert_true(*s >= 0);
	assert_int_equal(ff_close(l), 0);
	api_on(t, 0);
}

static void close_both(struct api_world *t, int c, int s)
{
	api_on(t, 0);
	assert_int_equal(ff_close(c), 0);
	api_on(t, 1);
	assert_int_equal(ff_close(s), 0);
	api_run_ms(t, 100);
}

union room {
	struct cmsghdr first;
	char bytes[128];
};

/* recvmsg with room for control messages. */
static ssize_t receive(int fd, size_t n, int flags, union room *room, struct msghdr *msg)
{
	static char buf[8192];
	static struct iovec iov;

	iov = (struct iovec){ buf, n };
	*msg = (struct msghdr){
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = room,
		.msg_controllen = sizeof(*room),
	};
	return ff_recvmsg(fd, msg, flags);
}

/* ---- TCP_INQ ---- */

static void expect_left(int fd, size_t n, int left)
{
	union room room;
	struct msghdr msg;
	struct cmsghdr *c;
	int v;

	assert_int_equal(receive(fd, n, 0, &room, &msg), n);
	c = CMSG_FIRSTHDR(&msg);
	assert_non_null(c);
	assert_int_equal(c->cmsg_level, IPPROTO_TCP);
	assert_int_equal(c->cmsg_type, TCP_CM_INQ);
	memcpy(&v, CMSG_DATA(c), sizeof(v));
	assert_int_equal(v, left);
	assert_null(CMSG_NXTHDR(&msg, c));
}

static void left_to_read(struct api_world *t, int family)
{
	char buf[3000] = { 0 };
	union room room;
	struct msghdr msg;
	int c, s;

	make_pair(t, family, &c, &s);
	assert_int_equal(ff_write(c, buf, sizeof(buf)), sizeof(buf));
	api_run_ms(t, 5);
	api_on(t, 1);
	assert_int_equal(receive(s, 500, 0, &room, &msg), 500);
	assert_int_equal(msg.msg_controllen, 0); /* not asked for */
	set(s, IPPROTO_TCP, TCP_INQ, 1);
	expect_left(s, 500, 2000);
	api_on(t, 0);
	assert_int_equal(ff_shutdown(c, SHUT_WR), 0);
	api_run_ms(t, 5);
	api_on(t, 1);
	expect_left(s, 1500, 500);
	expect_left(s, 500, 1); /* the end of the stream is worth a read */
	assert_int_equal(ff_read(s, buf, sizeof(buf)), 0);
	close_both(t, c, s);
}

static void no_room_for_it(struct api_world *t, int family)
{
	struct iovec iov;
	char buf[10];
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	int c, s;

	make_pair(t, family, &c, &s);
	assert_int_equal(ff_write(c, "0123456789", 10), 10);
	api_run_ms(t, 5);
	api_on(t, 1);
	set(s, IPPROTO_TCP, TCP_INQ, 1);
	iov = (struct iovec){ buf, 4 };
	assert_int_equal(ff_recvmsg(s, &msg, 0), 4);
	assert_int_equal(msg.msg_controllen, 0);
	assert_int_equal(msg.msg_flags, MSG_CTRUNC);
	assert_int_equal(ff_read(s, buf, sizeof(buf)), 6);
	close_both(t, c, s);
}

/* ---- MSG_ZEROCOPY ---- */

static void expect_sent(int fd, int family, uint32_t from, uint32_t to)
{
	struct sock_extended_err e;
	union room room;
	struct msghdr msg;
	struct cmsghdr *c;

	assert_int_equal(receive(fd, 0, MSG_ERRQUEUE, &room, &msg), 0);
	assert_int_equal(msg.msg_flags, MSG_ERRQUEUE);
	c = CMSG_FIRSTHDR(&msg);
	assert_non_null(c);
	assert_int_equal(c->cmsg_level, family == AF_INET ? IPPROTO_IP : IPPROTO_IPV6);
	assert_int_equal(c->cmsg_type, family == AF_INET ? IP_RECVERR : IPV6_RECVERR);
	memcpy(&e, CMSG_DATA(c), sizeof(e));
	assert_int_equal(e.ee_errno, 0);
	assert_int_equal(e.ee_origin, SO_EE_ORIGIN_ZEROCOPY);
	assert_int_equal(e.ee_code, SO_EE_CODE_ZEROCOPY_COPIED);
	assert_int_equal(e.ee_info, from);
	assert_int_equal(e.ee_data, to);
	assert_errno(receive(fd, 0, MSG_ERRQUEUE, &room, &msg), EAGAIN);
}

/* Writes are counted by call, and told of as one range. */
static void zerocopy(struct api_world *t, int family)
{
	char buf[3000] = { 0 };
	struct epoll_event ev = { .events = EPOLLIN | EPOLLET };
	union room room;
	struct msghdr msg;
	int c, s, ep;

	make_pair(t, family, &c, &s);
	assert_int_equal(ff_send(c, buf, 10, MSG_ZEROCOPY), 10); /* the option is off: a write */
	assert_errno(receive(c, 0, MSG_ERRQUEUE, &room, &msg), EAGAIN);
	api_on(t, 1);
	ep = ff_epoll_create(1);
	assert_int_equal(ff_epoll_ctl(ep, EPOLL_CTL_ADD, s, &ev), 0);
	api_run_ms(t, 5);
	api_on(t, 1);
	assert_int_equal(ff_epoll_wait(ep, &ev, 1, 0), 1);
	assert_int_equal(ff_read(s, buf, sizeof(buf)), 10);
	assert_int_equal(ff_send(s, buf, sizeof(buf), MSG_ZEROCOPY), sizeof(buf));
	assert_int_equal(ff_send(s, buf, 1, MSG_ZEROCOPY), 1);
	assert_int_equal(ff_epoll_wait(ep, &ev, 1, 0), 1);
	assert_int_equal(ev.events, EPOLLERR);
	assert_int_equal(ff_epoll_wait(ep, &ev, 1, 0), 0);
	expect_sent(s, family, 0, 1);
	assert_int_equal(ff_send(s, buf, 1, MSG_ZEROCOPY), 1);
	expect_sent(s, family, 2, 2);
	assert_int_equal(ff_close(ep), 0);
	api_run_ms(t, 5);
	api_on(t, 0);
	assert_int_equal(ff_recv(c, buf, sizeof(buf), MSG_WAITALL), 3000);
	assert_int_equal(ff_read(c, buf, sizeof(buf)), 2);
	close_both(t, c, s);
}

/* What waits there is no error: reading goes on, and blocks as ever. */
static void errqueue_is_no_error(struct api_world *t, int family)
{
	struct timeval tv = { .tv_usec = 20000 };
	struct pollfd pfd = { .events = POLLIN };
	char buf[10];
	int c, s;

	make_pair(t, family, &c, &s);
	set(c, SOL_SOCKET, SO_ZEROCOPY, 1);
	assert_int_equal(ff_setsockopt(c, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)), 0);
	assert_int_equal(ff_send(c, "x", 1, MSG_ZEROCOPY), 1);
	pfd.fd = c;
	assert_int_equal(ff_poll(&pfd, 1, 0), 1);
	assert_int_equal(pfd.revents, POLLERR);
	assert_errno(ff_read(c, buf, sizeof(buf)), EAGAIN);
	api_on(t, 1);
	assert_int_equal(ff_write(s, "y", 1), 1);
	api_on(t, 0);
	assert_int_equal(ff_read(c, buf, sizeof(buf)), 1);
	expect_sent(c, family, 0, 0);
	api_on(t, 1);
	assert_int_equal(ff_read(s, buf, sizeof(buf)), 1);
	close_both(t, c, s);
}

/* ff_recv() looks there, too, and never waits; and who has no room for control messages says so. */
static void errqueue_by_recv(struct api_world *t, int family)
{
	struct sockaddr_storage from;
	socklen_t len = sizeof(from);
	struct msghdr msg = { .msg_controllen = 100 };
	char buf[10];
	int c, s;

	make_pair(t, family, &c, &s);
	set(c, SOL_SOCKET, SO_ZEROCOPY, 1);
	assert_errno(ff_recv(c, buf, sizeof(buf), MSG_ERRQUEUE), EAGAIN);
	assert_int_equal(ff_send(c, "x", 1, MSG_ZEROCOPY), 1);
	assert_int_equal(ff_recvfrom(c, buf, sizeof(buf), MSG_ERRQUEUE, (void *)&from, &len), 0);
	assert_int_equal(len, 0);
	assert_errno(ff_recv(c, buf, sizeof(buf), MSG_ERRQUEUE), EAGAIN);
	assert_int_equal(ff_send(c, "x", 1, MSG_ZEROCOPY), 1);
	assert_int_equal(ff_recvmsg(c, &msg, MSG_ERRQUEUE), 0);
	assert_int_equal(msg.msg_flags, MSG_ERRQUEUE | MSG_CTRUNC);
	assert_int_equal(msg.msg_controllen, 0);
	close_both(t, c, s);
}

/* As poll()'s POLLERR: ready for reading and for writing. */
static void errqueue_by_select(struct api_world *t, int family)
{
	unsigned long r[64] = { 0 }, w[64] = { 0 };
	struct timeval zero = { 0 };
	union room room;
	struct msghdr msg;
	int c, s;

	make_pair(t, family, &c, &s);
	set(c, SOL_SOCKET, SO_ZEROCOPY, 1);
	assert_int_equal(ff_send(c, "x", 1, MSG_ZEROCOPY), 1);
	r[c / 64] = 1ul << c % 64;
	assert_int_equal(ff_select(c + 1, (fd_set *)(void *)r, NULL, NULL, &zero), 1);
	assert_int_equal(receive(c, 0, MSG_ERRQUEUE, &room, &msg), 0);
	w[c / 64] = r[c / 64];
	assert_int_equal(ff_select(c + 1, (fd_set *)(void *)r, (fd_set *)(void *)w, NULL, &zero),
			 1);
	assert_true(r[c / 64] == 0 && w[c / 64] != 0);
	close_both(t, c, s);
}

static void both(void **state, void (*fn)(struct api_world *t, int family))
{
	fn(*state, AF_INET);
	fn(*state, AF_INET6);
}

static void test_left_to_read(void **state)
{
	both(state, left_to_read);
}

static void test_no_room_for_it(void **state)
{
	both(state, no_room_for_it);
}

static void test_zerocopy(void **state)
{
	both(state, zerocopy);
}

static void test_errqueue_is_no_error(void **state)
{
	both(state, errqueue_is_no_error);
}

static void test_errqueue_by_recv(void **state)
{
	both(state, errqueue_by_recv);
}

static void test_errqueue_by_select(void **state)
{
	both(state, errqueue_by_select);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test_setup_teardown(test_left_to_read, api_setup, api_teardown),
	cmocka_unit_test_setup_teardown(test_no_room_for_it, api_setup, api_teardown),
	cmocka_unit_test_setup_teardown(test_zerocopy, api_setup, api_teardown),
	cmocka_unit_test_setup_teardown(test_errqueue_is_no_error, api_setup, api_teardown),
	cmocka_unit_test_setup_teardown(test_errqueue_by_recv, api_setup, api_teardown),
	cmocka_unit_test_setup_teardown(test_errqueue_by_select, api_setup, api_teardown),
};

ZS_TEST_MAIN(tests)
