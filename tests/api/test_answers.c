/* SPDX-License-Identifier: BSD-3-Clause */
/* What calls answer at the edges, where Linux and FreeBSD agree: nothing to read, no peer, no room
 * for a name, connections that are over. A host talks to itself. */
#include <limits.h>
#include <sys/uio.h>

#include "apitest.h"

static struct sockaddr_in ip4(const char *text, uint16_t port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = htons(port) };

	assert_int_equal(inet_pton(AF_INET, text, &sin.sin_addr), 1);
	return sin;
}

static struct sockaddr_in6 ip6(const char *text, uint16_t port)
{
	struct sockaddr_in6 sin6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };

	assert_int_equal(inet_pton(AF_INET6, text, &sin6.sin6_addr), 1);
	return sin6;
}

static const struct linux_sockaddr *sa6(const struct sockaddr_in6 *sin6)
{
	return (const struct linux_sockaddr *)(const void *)sin6;
}

static int new_socket(int family, int type)
{
	int fd = ff_socket(family, type | SOCK_NONBLOCK, 0);

	assert_true(fd >= 0);
	return fd;
}

static int bound(int type, const char *addr, uint16_t port)
{
	struct sockaddr_in sin = ip4(addr, port);
	int fd = new_socket(AF_INET, type);

	assert_int_equal(ff_bind(fd, sa(&sin), sizeof(sin)), 0);
	return fd;
}

static int connect_to(int fd, const char *addr, uint16_t port)
{
	struct sockaddr_in sin = ip4(addr, port);
	int rc = ff_connect(fd, sa(&sin), sizeof(sin));

	api_settle();
	return rc;
}

static int dissolve(int fd)
{
	struct sockaddr_in sin = { .sin_family = AF_UNSPEC };

	return ff_connect(fd, sa(&sin), sizeof(sin));
}

/* c is connected, but connect() has not said so. */
static void self_pair(int *l, int *c, int *s)
{
	*l = bound(SOCK_STREAM, "127.0.0.1", PORT);
	*c = new_socket(AF_INET, SOCK_STREAM);
	assert_int_equal(ff_listen(*l, 4), 0);
	assert_errno(connect_to(*c, "127.0.0.1", PORT), EINPROGRESS);
	*s = ff_accept(*l, NULL, NULL);
	assert_true(*s >= 0);
}

static short poll_of(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN | POLLOUT | POLLRDHUP };

	(void)ff_poll(&p, 1, 0);
	return p.revents;
}

static int error_of(int fd)
{
	socklen_t len = sizeof(int);
	int error = -1;

	assert_int_equal(ff_getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len), 0);
	return error;
}

/* ---- no bytes ---- */

static void reading_no_bytes_takes_nothing(void **state)
{
	int u = bound(SOCK_DGRAM, "127.0.0.1", PORT), v = new_socket(AF_INET, SOCK_DGRAM);
	int t = new_socket(AF_INET, SOCK_STREAM);
	struct iovec iov = { NULL, 0 };
	char buf[8];

	(void)state;
	assert_int_equal(ff_read(t, buf, 0), 0);
	assert_int_equal(ff_read(u, buf, 0), 0);
	assert_int_equal(connect_to(v, "127.0.0.1", PORT), 0);
	assert_int_equal(ff_send(v, "abc", 3, 0), 3);
	api_settle();
	assert_int_equal(ff_read(u, buf, 0), 0);
	assert_int_equal(ff_readv(u, &iov, 1), 0);
	assert_int_equal(ff_readv(u, NULL, 0), 0);
	assert_int_equal(ff_read(u, buf, sizeof(buf)), 3);
	assert_errno(connect_to(t, "127.0.0.1", 9), EINPROGRESS);
	assert_int_equal(ff_read(t, buf, 0), 0);
	assert_int_equal(error_of(t), ECONNREFUSED); /* is still there */
	assert_errno(ff_read(-1, buf, 0), EBADF);
}

static void pieces_are_counted_and_measured(void **state)
{
	int u = new_socket(AF_INET, SOCK_DGRAM);
	char c;
	struct iovec iov[2] = { { &c, 1 }, { &c, (size_t)SSIZE_MAX } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = IOV_MAX + 1 };

	(void)state;
	assert_errno(ff_sendmsg(u, &msg, 0), EMSGSIZE);
	assert_errno(ff_recvmsg(u, &msg, 0), EMSGSIZE);
	assert_errno(ff_writev(u, iov, IOV_MAX + 1), EINVAL);
	assert_errno(ff_readv(u, iov, -1), EINVAL);
	assert_errno(ff_writev(u, iov, 2), EINVAL);
	assert_errno(ff_readv(u, iov, 2), EINVAL);
}

/* For the next try. */
static void a_message_that_did_not_come_leaves_its_places(void **state)
{
	struct sockaddr_in sin;
	char b, control[64];
	struct iovec iov = { &b, 1 };
	struct msghdr msg = {
		.msg_name = &sin,
		.msg_namelen = sizeof(sin),
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	int l, c, s;

	(void)state;
	self_pair(&l, &c, &s);
	assert_errno(ff_recvmsg(s, &msg, 0), EAGAIN);
	assert_int_equal(msg.msg_namelen, sizeof(sin));
	assert_int_equal(msg.msg_controllen, sizeof(control));
	assert_int_equal(ff_send(c, "x", 1, 0), 1);
	api_settle();
	assert_int_equal(ff_recvmsg(s, &msg, 0), 1);
	assert_int_equal(msg.msg_namelen, 0);
	assert_int_equal(msg.msg_controllen, 0);
}

/* ---- names ---- */

static void names_want_room(void **state)
{
	struct sockaddr_in sin;
	socklen_t less = (socklen_t)-1;
	int l, c, s;
	char b;

	(void)state;
	self_pair(&l, &c, &s);
	assert_errno(ff_getsockname(s, sa(&sin), &less), EINVAL);
	assert_errno(ff_getpeername(s, sa(&sin), &less), EINVAL);
	assert_errno(ff_recvfrom(s, &b, 1, 0, sa(&sin), &less), EINVAL);
	assert_errno(ff_recvfrom(s, &b, 1, 0, sa(&sin), NULL), EFAULT);
	/* nothing is taken from the queue for it */
	assert_errno(connect_to(new_socket(AF_INET, SOCK_STREAM), "127.0.0.1", PORT), EINPROGRESS);
	assert_errno(ff_accept(l, sa(&sin), NULL), EFAULT);
	assert_errno(ff_accept(l, sa(&sin), &less), EINVAL);
	assert_true(ff_accept(l, NULL, NULL) >= 0);
}

static void addresses_have_a_length(void **state)
{
	struct {
		struct sockaddr_in sin;
		char more[256];
	} a = { .sin = ip4("127.0.0.1", PORT) };
	int fd = new_socket(AF_INET, SOCK_STREAM), u = new_socket(AF_INET, SOCK_DGRAM);

	(void)state;
	assert_errno(ff_bind(fd, sa(&a.sin), sizeof(struct sockaddr_storage) + 1), EINVAL);
	assert_errno(ff_connect(fd, sa(&a.sin), sizeof(struct sockaddr_storage) + 1), EINVAL);
	assert_errno(ff_sendto(u, "x", 1, 0, sa(&a.sin), sizeof(struct sockaddr_storage) + 1),
		     EINVAL);
	assert_int_equal(ff_bind(fd, sa(&a.sin), sizeof(struct sockaddr_storage)), 0);
}

static void any_address_may_lack_its_family(void **state)
{
	struct sockaddr_in sin = ip4("0.0.0.0", PORT), loopback = ip4("127.0.0.1", PORT);
	int fd = new_socket(AF_INET, SOCK_STREAM), fd6 = new_socket(AF_INET6, SOCK_STREAM);
	socklen_t len = sizeof(sin);

	(void)state;
	sin.sin_family = loopback.sin_family = AF_UNSPEC;
	assert_errno(ff_bind(fd, sa(&loopback), sizeof(loopback)), EAFNOSUPPORT);
	assert_int_equal(ff_bind(fd6, sa(&sin), sizeof(sin)), -1);
	assert_int_equal(ff_bind(fd, sa(&sin), sizeof(sin)), 0);
	assert_int_equal(ff_getsockname(fd, sa(&sin), &len), 0);
	assert_int_equal(ntohs(sin.sin_port), PORT);
}

/* ---- the address of none ---- */

static void connecting_to_no_address_is_to_oneself(void **state)
{
	struct sockaddr_in6 any6 = ip6("::", PORT), peer6;
	int l, c, s, c6 = new_socket(AF_INET6, SOCK_STREAM), l6;
	socklen_t len = sizeof(struct sockaddr_in);
	struct sockaddr_in peer;

	(void)state;
	self_pair(&l, &c, &s);
	ff_close(c);
	c = new_socket(AF_INET, SOCK_STREAM);
	assert_errno(connect_to(c, "0.0.0.0", PORT), EINPROGRESS);
	assert_int_equal(connect_to(c, "0.0.0.0", PORT), 0);
	assert_int_equal(ff_getpeername(c, sa(&peer), &len), 0);
	assert_int_equal(peer.sin_addr.s_addr, htonl(INADDR_LOOPBACK));
	l6 = new_socket(AF_INET6, SOCK_STREAM);
	assert_int_equal(ff_bind(l6, sa6(&any6), sizeof(any6)), 0);
	assert_int_equal(ff_listen(l6, 1), 0);
	assert_errno(ff_connect(c6, sa6(&any6), sizeof(any6)), EINPROGRESS);
	api_settle();
	len = sizeof(peer6);
	assert_int_equal(ff_getpeername(c6, (struct linux_sockaddr *)(void *)&peer6, &len), 0);
	assert_true(IN6_IS_ADDR_LOOPBACK(&peer6.sin6_addr));
}

static void sending_to_no_address_is_to_oneself(void **state)
{
	int u = bound(SOCK_DGRAM, "0.0.0.0", PORT), v = bound(SOCK_DGRAM, "127.0.0.9", PORT + 1);
	struct sockaddr_in any = ip4("0.0.0.0", PORT), peer;
	socklen_t len = sizeof(peer);
	char buf[8];

	(void)state;
	assert_int_equal(
		ff_sendto(new_socket(AF_INET, SOCK_DGRAM), "ab", 2, 0, sa(&any), sizeof(any)), 2);
	api_settle();
	assert_int_equal(ff_read(u, buf, sizeof(buf)), 2);
	/* where it is bound, there it is at home */
	assert_int_equal(connect_to(v, "0.0.0.0", PORT), 0);
	assert_int_equal(ff_getpeername(v, sa(&peer), &len), 0);
	assert_int_equal(ntohl(peer.sin_addr.s_addr), 0x7f000009);
}

/* RFC 1122 3.2.1.3 g, RFC 4291 2.5.3: it is no source for what leaves the host. */
static void from_the_loopback_address_nothing_leaves(void **state)
{
	struct sockaddr_in far = ip4("10.0.0.2", PORT), own = ip4("10.0.0.1", PORT);
	struct sockaddr_in group = ip4("239.1.2.3", PORT);
	struct sockaddr_in6 lo6 = ip6("::1", PORT + 1), far6 = ip6("fd00::a00:2", PORT);
	struct sockaddr_in6 group6 = ip6("ff01::5", PORT);
	int u = bound(SOCK_DGRAM, "127.0.0.1", PORT), v = new_socket(AF_INET6, SOCK_DGRAM);

	(void)state;
	assert_errno(ff_sendto(u, "x", 1, 0, sa(&far), sizeof(far)), EINVAL);
	assert_errno(ff_connect(u, sa(&far), sizeof(far)), EINVAL);
	assert_errno(connect_to(bound(SOCK_STREAM, "127.0.0.1", PORT), "10.0.0.2", PORT), EINVAL);
	assert_int_equal(ff_sendto(u, "x", 1, 0, sa(&own), sizeof(own)), 1);
	assert_int_equal(ff_bind(v, sa6(&lo6), sizeof(lo6)), 0);
	assert_errno(ff_sendto(v, "x", 1, 0, sa6(&far6), sizeof(far6)), EINVAL);
	assert_errno(ff_connect(v, sa6(&far6), sizeof(far6)), EINVAL);
	/* a group may have its members here */
	assert_errno(ff_sendto(u, "x", 1, 0, sa(&group), sizeof(group)), EINVAL);
	assert_int_equal(ff_setsockopt(u, IPPROTO_IP, IP_MULTICAST_TTL, &(int){ 0 }, sizeof(int)),
			 0);
	assert_int_equal(ff_sendto(u, "x", 1, 0, sa(&group), sizeof(group)), 1);
	assert_int_equal(ff_connect(u, sa(&group), sizeof(group)), 0);
	group6.sin6_scope_id = 1;
	assert_int_equal(ff_sendto(v, "x", 1, 0, sa6(&group6), sizeof(group6)), 1);
	/* what connect chose, it chooses anew */
	v = new_socket(AF_INET, SOCK_DGRAM);
	assert_int_equal(connect_to(v, "127.0.0.1", PORT), 0);
	assert_int_equal(connect_to(v, "10.0.0.2", PORT), 0);
}

/* ---- shutdown ---- */

static void a_datagram_socket_is_shut_down_without_a_peer(void **state)
{
	struct sockaddr_in to = ip4("127.0.0.1", PORT);
	int u = bound(SOCK_DGRAM, "127.0.0.1", PORT);
	socklen_t len = sizeof(to);
	char c;

	(void)state;
	assert_errno(ff_recvfrom(u, &c, 1, 0, sa(&to), &len), EAGAIN);
	assert_int_equal(len, sizeof(to));
	assert_errno(ff_shutdown(u, SHUT_RD), ENOTCONN);
	assert_int_equal(poll_of(u), POLLIN | POLLOUT | POLLRDHUP);
	assert_int_equal(ff_recvfrom(u, &c, 1, 0, sa(&to), &len), 0);
	assert_int_equal(len, 0); /* from nobody */
	assert_errno(ff_shutdown(u, SHUT_WR), ENOTCONN);
	assert_errno(ff_sendto(u, "x", 1, MSG_NOSIGNAL, sa(&to), sizeof(to)), EPIPE);
}

static void shutdown_ends_a_connection_only_once(void **state)
{
	struct sockaddr_in sin;
	socklen_t len = sizeof(sin);
	int l, c, s;

	(void)state;
	self_pair(&l, &c, &s);
	assert_int_equal(ff_shutdown(s, SHUT_WR), 0);
	assert_int_equal(ff_shutdown(s, SHUT_WR), 0);
	api_settle();
	assert_int_equal(ff_getpeername(s, sa(&sin), &len), 0);
	ff_close(c);
	api_settle();
	assert_errno(ff_getpeername(s, sa(&sin), &len), ENOTCONN); /* both have said goodbye */
	assert_errno(ff_shutdown(s, SHUT_RD), ENOTCONN);
}

/* ---- listen ---- */

static void one_more_than_the_backlog_waits(void **state)
{
	int l = bound(SOCK_STREAM, "127.0.0.1", PORT), c[3];

	(void)state;
	assert_int_equal(ff_listen(l, 1), 0);
	for (int i = 0; i < 3; i++) {
		c[i] = new_socket(AF_INET, SOCK_STREAM);
		assert_errno(connect_to(c[i], "127.0.0.1", PORT), EINPROGRESS);
	}
	assert_int_equal(poll_of(c[0]), POLLOUT);
	assert_int_equal(poll_of(c[1]), POLLOUT);
	assert_int_equal(poll_of(c[2]), 0);
}

/* ---- connect, again ---- */

static void what_was_connected_stays_so_until_it_is_dissolved(void **state)
{
	struct linger lg = { .l_onoff = 1 };
	int l, c, s;

	(void)state;
	self_pair(&l, &c, &s);
	assert_int_equal(connect_to(c, "127.0.0.1", PORT), 0);
	assert_int_equal(ff_setsockopt(s, SOL_SOCKET, SO_LINGER, &lg, sizeof(lg)), 0);
	ff_close(s);
	api_settle();
	assert_errno(connect_to(c, "127.0.0.1", PORT), EISCONN);
	assert_int_equal(error_of(c), ECONNRESET);
	assert_errno(connect_to(c, "127.0.0.1", PORT), EISCONN);
	assert_int_equal(dissolve(c), 0);
	assert_errno(connect_to(c, "127.0.0.1", PORT), EINPROGRESS);
	assert_int_equal(connect_to(c, "127.0.0.1", PORT), 0);
}

static void an_attempt_that_failed_may_be_repeated(void **state)
{
	int c = new_socket(AF_INET, SOCK_STREAM), l = bound(SOCK_STREAM, "127.0.0.1", PORT);

	(void)state;
	assert_errno(connect_to(c, "127.0.0.1", PORT), EINPROGRESS);
	assert_errno(connect_to(c, "127.0.0.1", PORT), ECONNREFUSED);
	assert_int_equal(ff_listen(l, 1), 0);
	assert_errno(connect_to(c, "127.0.0.1", PORT), EINPROGRESS);
	assert_int_equal(connect_to(c, "127.0.0.1", PORT), 0);
}

/* connect's choice of an address is for the one attempt. */
static void a_failed_attempt_leaves_no_address_behind(void **state)
{
	struct api_world *t = *state;
	int c = bound(SOCK_STREAM, "0.0.0.0", PORT + 1);
	struct sockaddr_in sin;
	socklen_t len = sizeof(sin);

	assert_errno(connect_to(c, "127.0.0.1", PORT), EINPROGRESS);
	assert_errno(connect_to(c, "127.0.0.1", PORT), ECONNREFUSED);
	assert_int_equal(ff_getsockname(c, sa(&sin), &len), 0);
	assert_int_equal(sin.sin_addr.s_addr, INADDR_ANY);
	assert_int_equal(ntohs(sin.sin_port), PORT + 1);
	api_on(t, 1);
	(void)api_listen(PORT, 0);
	api_on(t, 0);
	assert_errno(connect_to(c, "10.0.0.2", PORT), EINPROGRESS);
	assert_int_equal(connect_to(c, "10.0.0.2", PORT), 0);
	assert_int_equal(dissolve(c), 0);
	assert_int_equal(ff_listen(c, 1), 0); /* on all addresses again */
	assert_errno(connect_to(new_socket(AF_INET, SOCK_STREAM), "127.0.0.1", PORT + 1),
		     EINPROGRESS);
	assert_true(ff_accept(c, NULL, NULL) >= 0);
}

/* IP_BIND_ADDRESS_NO_PORT is for who asks for none. */
static void a_failed_attempt_leaves_the_port_that_was_asked_for(void **state)
{
	int c = new_socket(AF_INET, SOCK_STREAM), on = 1;
	struct sockaddr_in sin = ip4("127.0.0.1", PORT + 1);
	socklen_t len = sizeof(sin);

	(void)state;
	assert_int_equal(ff_setsockopt(c, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on)), 0);
	assert_int_equal(ff_bind(c, sa(&sin), sizeof(sin)), 0);
	assert_errno(connect_to(c, "127.0.0.1", PORT), EINPROGRESS);
	assert_errno(connect_to(c, "127.0.0.1", PORT), ECONNREFUSED);
	assert_int_equal(ff_getsockname(c, sa(&sin), &len), 0);
	assert_int_equal(ntohs(sin.sin_port), PORT + 1);
}

static void who_shuts_down_knows_that_it_is_connected(void **state)
{
	int l, c, s;

	(void)state;
	self_pair(&l, &c, &s);
	assert_int_equal(ff_shutdown(c, SHUT_RD), 0);
	assert_errno(connect_to(c, "127.0.0.1", PORT), EISCONN);
}

static void the_state_is_told_before_the_address(void **state)
{
	struct sockaddr_in6 other = ip6("::1", PORT);
	int l, c, s;

	(void)state;
	self_pair(&l, &c, &s);
	assert_errno(ff_connect(s, sa6(&other), sizeof(other)), EISCONN);
	assert_errno(ff_connect(s, sa6(&other), 1), EINVAL);
}

static void a_listener_is_dissolved(void **state)
{
	int l, c, s;

	(void)state;
	self_pair(&l, &c, &s);
	assert_errno(connect_to(l, "127.0.0.1", PORT), EISCONN);
	assert_int_equal(dissolve(l), 0);
	assert_errno(ff_accept(l, NULL, NULL), EINVAL);
	assert_errno(connect_to(new_socket(AF_INET, SOCK_STREAM), "127.0.0.1", PORT), EINPROGRESS);
	ff_close(c);
	assert_int_equal(ff_listen(l, 1), 0);
}

/* ---- IPv6, options ---- */

static void nobody_at_home_is_told_over_ip6_too(void **state)
{
	struct sockaddr_in6 to = ip6("::1", PORT);
	int u = new_socket(AF_INET6, SOCK_DGRAM);

	(void)state;
	assert_int_equal(ff_connect(u, sa6(&to), sizeof(to)), 0);
	assert_int_equal(ff_send(u, "abc", 3, 0), 3);
	api_settle();
	assert_int_equal(poll_of(u), POLLOUT | POLLERR);
	assert_int_equal(error_of(u), ECONNREFUSED);
}

static void ttl_of_a_socket_for_both_families(void **state)
{
	int u = new_socket(AF_INET6, SOCK_DGRAM), ttl = 0;
	socklen_t len = sizeof(ttl);

	(void)state;
	assert_int_equal(ff_getsockopt(u, IPPROTO_IP, IP_TTL, &ttl, &len), 0);
	assert_int_equal(ttl, 64);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, api_setup, api_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(reading_no_bytes_takes_nothing),
		CASE(pieces_are_counted_and_measured),
		CASE(a_message_that_did_not_come_leaves_its_places),
		CASE(names_want_room),
		CASE(addresses_have_a_length),
		CASE(any_address_may_lack_its_family),
		CASE(connecting_to_no_address_is_to_oneself),
		CASE(sending_to_no_address_is_to_oneself),
		CASE(from_the_loopback_address_nothing_leaves),
		CASE(a_datagram_socket_is_shut_down_without_a_peer),
		CASE(shutdown_ends_a_connection_only_once),
		CASE(one_more_than_the_backlog_waits),
		CASE(what_was_connected_stays_so_until_it_is_dissolved),
		CASE(an_attempt_that_failed_may_be_repeated),
		CASE(a_failed_attempt_leaves_no_address_behind),
		CASE(a_failed_attempt_leaves_the_port_that_was_asked_for),
		CASE(who_shuts_down_knows_that_it_is_connected),
		CASE(the_state_is_told_before_the_address),
		CASE(a_listener_is_dissolved),
		CASE(nobody_at_home_is_told_over_ip6_too),
		CASE(ttl_of_a_socket_for_both_families),
	};

	return cmocka_run_group_tests_name("answers", tests, NULL, NULL);
}
