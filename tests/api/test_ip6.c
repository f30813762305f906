/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * IPv6 through the facade, as programs for Linux use it: streams and datagrams, listeners that take
 * IPv4 too, mapped addresses, scope ids, options. The hosts are 10.0.0.1 and .2, and fd00:: with
 * the same behind it.
 */
#include "apitest.h"

#include <netinet/in.h>

#include "core/zs_look.h"

static struct linux_sockaddr *sa6(struct sockaddr_in6 *sin6)
{
	return (struct linux_sockaddr *)(void *)sin6;
}

static struct sockaddr_in6 addr6(const char *text, uint16_t port)
{
	struct sockaddr_in6 sin6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };

	assert_int_equal(inet_pton(AF_INET6, text, &sin6.sin6_addr), 1);
	return sin6;
}

static void assert_name(int (*get)(int, struct linux_sockaddr *, socklen_t *), int fd,
			const char *text, uint16_t port)
{
	struct sockaddr_in6 sin6;
	socklen_t len = sizeof(sin6);
	char buf[64];

	assert_int_equal(get(fd, sa6(&sin6), &len), 0);
	assert_int_equal(len, sizeof(sin6));
	assert_int_equal(sin6.sin6_family, AF_INET6);
	assert_string_equal(inet_ntop(AF_INET6, &sin6.sin6_addr, buf, sizeof(buf)), text);
	if (port != 0)
		assert_int_equal(ntohs(sin6.sin6_port), port);
}

static int socket6(int type, bool v6only)
{
	int fd = ff_socket(AF_INET6, type, 0), on = v6only;

	assert_true(fd >= 0);
	assert_int_equal(ff_setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)), 0);
	return fd;
}

static int listen6(const char *text, bool v6only)
{
	struct sockaddr_in6 sin6 = addr6(text, PORT);
	int fd = socket6(SOCK_STREAM, v6only);

	assert_int_equal(ff_bind(fd, sa6(&sin6), sizeof(sin6)), 0);
	assert_int_equal(ff_listen(fd, 8), 0);
	return fd;
}

static int connect6(struct api_world *t, const char *text)
{
	struct sockaddr_in6 sin6 = addr6(text, PORT);
	int fd;

	api_on(t, 0);
	fd = socket6(SOCK_STREAM, false);
	assert_int_equal(ff_connect(fd, sa6(&sin6), sizeof(sin6)), 0);
	return fd;
}

static void stream(void **state)
{
	struct api_world *t = *state;
	struct sockaddr_in6 peer;
	socklen_t len = sizeof(peer);
	char buf[64];
	int l, c, s;

	api_on(t, 1);
	l = listen6("::", true);
	assert_name(ff_getsockname, l, "::", PORT);
	c = connect6(t, "fd00::a00:2");
	api_on(t, 1);
	s = ff_accept(l, sa6(&peer), &len);
	assert_true(s >= 0);
	assert_int_equal(len, sizeof(peer));
	assert_string_equal(inet_ntop(AF_INET6, &peer.sin6_addr, buf, sizeof(buf)), "fd00::a00:1");
	assert_int_equal(peer.sin6_scope_id, 0);
	assert_name(ff_getsockname, s, "fd00::a00:2", PORT);
	api_on(t, 0);
	assert_name(ff_getpeername, c, "fd00::a00:2", PORT);
	api_write_all(c, 50000, 3);
	api_on(t, 1);
	api_expect(s, 50000, 3);
	api_write_all(s, 50000, 4);
	api_on(t, 0);
	api_expect(c, 50000, 4);
}

/* As Linux does without IPV6_V6ONLY: one listener for both, IPv4 under mapped addresses. */
static void dual_listener(void **state)
{
	struct api_world *t = *state;
	struct sockaddr_in sin = api_addr(1, PORT), any = { .sin_family = AF_INET };
	int l, c, s;

	any.sin_port = htons(PORT);
	api_on(t, 1);
	l = listen6("::", false);
	c = ff_socket(AF_INET, SOCK_STREAM, 0);
	assert_errno(ff_bind(c, sa(&any), sizeof(any)), EADDRINUSE);
	api_on(t, 0);
	c = ff_socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(ff_connect(c, sa(&sin), sizeof(sin)), 0);
	api_on(t, 1);
	s = ff_accept(l, NULL, NULL);
	assert_true(s >= 0);
	assert_name(ff_getpeername, s, "::ffff:10.0.0.1", 0);
	assert_name(ff_getsockname, s, "::ffff:10.0.0.2", PORT);
	api_on(t, 0);
	api_write_all(c, 3000, 1);
	api_on(t, 1);
	api_expect(s, 3000, 1);
	/* a socket of IPv6 may call IPv4 as well */
	c = connect6(t, "::ffff:10.0.0.2");
	assert_name(ff_getsockname, c, "::ffff:10.0.0.1", 0);
	c = connect6(t, "fd00::a00:2");
	api_on(t, 1);
	assert_name(ff_getpeername, ff_accept(l, NULL, NULL), "::ffff:10.0.0.1", 0);
	assert_name(ff_getpeername, ff_accept(l, NULL, NULL), "fd00::a00:1", 0);
}

/* IPV6_V6ONLY keeps the families apart, and both may have the port. */
static void v6only(void **state)
{
	struct api_world *t = *state;
	struct sockaddr_in6 mapped = addr6("::ffff:10.0.0.2", PORT);
	struct sockaddr_in sin = api_addr(1, PORT);
	int c, off = 0, v = 0;
	socklen_t len = sizeof(v);

	api_on(t, 1);
	c = listen6("::", true);
	assert_int_equal(ff_getsockopt(c, IPPROTO_IPV6, IPV6_V6ONLY, &v, &len), 0);
	assert_int_equal(v, 1);
	assert_errno(ff_setsockopt(c, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)), EINVAL);
	api_on(t, 0);
	c = ff_socket(AF_INET, SOCK_STREAM, 0);
	assert_errno(ff_connect(c, sa(&sin), sizeof(sin)), ECONNREFUSED);
	api_on(t, 1);
	(void)api_listen(PORT, 0);
	api_on(t, 0);
	c = socket6(SOCK_STREAM, true);
	assert_errno(ff_connect(c, sa6(&mapped), sizeof(mapped)), ENETUNREACH);
	assert_errno(ff_bind(c, sa6(&mapped), sizeof(mapped)), EINVAL);
}

/* FreeBSD keeps the families apart by default, and F-Stack's programs count on that. */
static void ip4_before_ip6(void **state)
{
	struct api_world *t = *state;
	struct sockaddr_in6 any6 = addr6("::", PORT), mapped = addr6("::ffff:10.0.0.2", PORT);
	struct sockaddr_in sin = api_addr(1, PORT);
	int l4, l6, c, v = 0, type[] = { SOCK_STREAM, SOCK_DGRAM };
	socklen_t len = sizeof(v);

	for (int i = 1; i >= 0; i--) {
		api_on(t, 1);
		l4 = ff_socket(AF_INET, type[i], 0);
		assert_int_equal(ff_bind(l4, sa(&sin), sizeof(sin)), 0);
		l6 = socket6(type[i], false);
		assert_errno(ff_bind(l6, sa6(&mapped), sizeof(mapped)), EADDRINUSE);
		assert_int_equal(ff_getsockopt(l6, IPPROTO_IPV6, IPV6_V6ONLY, &v, &len), 0);
		assert_int_equal(v, 0);
		assert_int_equal(ff_bind(l6, sa6(&any6), sizeof(any6)), 0);
		assert_int_equal(ff_getsockopt(l6, IPPROTO_IPV6, IPV6_V6ONLY, &v, &len), 0);
		assert_int_equal(v, 1);
		c = socket6(type[i], false);
		assert_errno(ff_bind(c, sa6(&any6), sizeof(any6)), EADDRINUSE);
	}
	assert_int_equal(ff_listen(l4, 8), 0);
	assert_int_equal(ff_listen(l6, 8), 0);
	(void)connect6(t, "fd00::a00:2");
	c = ff_socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(ff_connect(c, sa(&sin), sizeof(sin)), 0);
	api_on(t, 1);
	assert_name(ff_getpeername, ff_accept(l6, NULL, NULL), "fd00::a00:1", 0);
	len = sizeof(sin);
	assert_int_equal(ff_getpeername(ff_accept(l4, NULL, NULL), sa(&sin), &len), 0);
	assert_int_equal(sin.sin_family, AF_INET);
}

/* [::] is the loopback address, of IPv4 for who is bound to that. */
static void the_address_of_none(void **state)
{
	static const struct {
		const char *bound, *to;
	} at[] = {
		{ NULL, "::1" },
		{ "::1", "::1" },
		{ "::ffff:0.0.0.0", "::ffff:127.0.0.1" },
		{ "::ffff:127.0.0.9", "::ffff:127.0.0.1" },
	};
	struct sockaddr_in6 none = addr6("::", PORT), from;

	(void)state;
	(void)listen6("::", false);
	for (unsigned i = 0; i < 2 * RTE_DIM(at); i++) {
		int fd = socket6(i % 2 == 0 ? SOCK_STREAM : SOCK_DGRAM, false);

		if (at[i / 2].bound != NULL) {
			from = addr6(at[i / 2].bound, 0);
			assert_int_equal(ff_bind(fd, sa6(&from), sizeof(from)), 0);
		}
		assert_int_equal(ff_connect(fd, sa6(&none), sizeof(none)), 0);
		assert_name(ff_getpeername, fd, at[i / 2].to, PORT);
	}
}

/* A call that fails leaves a socket for both families what it was. */
static void failures_leave_both_families(void **state)
{
	struct sockaddr_in6 taken = addr6("::ffff:0.0.0.0", PORT), one = addr6("::1", PORT);
	struct sockaddr_in6 far = addr6("::ffff:192.0.2.9", PORT), name;
	int type[] = { SOCK_STREAM, SOCK_DGRAM };
	socklen_t len = sizeof(name);
	char buf[8];
	int s, c;

	(void)state;
	for (int i = 0; i < 2; i++) {
		int fd = socket6(type[i], false);

		s = ff_socket(AF_INET, type[i], 0);
		assert_int_equal(ff_bind(s,
					 sa(&(struct sockaddr_in){ .sin_family = AF_INET,
								   .sin_port = htons(PORT) }),
					 sizeof(struct sockaddr_in)),
				 0);
		assert_errno(ff_bind(fd, sa6(&taken), sizeof(taken)), EADDRINUSE);
		assert_name(ff_getsockname, fd, "::", 0);
		assert_errno(ff_connect(fd, sa6(&far), sizeof(far)), ENETUNREACH);
		assert_name(ff_getsockname, fd, "::", 0);
	}
	/* it has a port already: bind is refused, and it goes on hearing IPv6 */
	s = socket6(SOCK_DGRAM, false);
	c = socket6(SOCK_DGRAM, false);
	assert_int_equal(ff_sendto(s, "a", 1, 0, sa6(&one), sizeof(one)), 1);
	assert_int_equal(ff_getsockname(s, sa6(&name), &len), 0);
	assert_errno(ff_bind(s, sa6(&taken), sizeof(taken)), EINVAL);
	one.sin6_port = name.sin6_port;
	assert_int_equal(ff_sendto(c, "bc", 2, 0, sa6(&one), sizeof(one)), 2);
	assert_int_equal(ff_recv(s, buf, sizeof(buf), MSG_DONTWAIT), 2);
}

/* Connecting to IPv4 and dissolving that again leaves a socket what bind made it: for both
 * families, or for IPv4. */
static void bind_says_for_which_family_it_is(void **state)
{
	struct sockaddr_in6 both = addr6("::", PORT), ip4 = addr6("::ffff:0.0.0.0", PORT + 1);
	struct sockaddr_in6 closed4 = addr6("::ffff:127.0.0.1", 9), one = addr6("::1", PORT);
	struct sockaddr_in6 none = { .sin6_family = AF_UNSPEC };
	int type[] = { SOCK_STREAM, SOCK_DGRAM };

	(void)state;
	for (int i = 0; i < 2; i++) {
		int fd = socket6(type[i], false), fd4 = socket6(type[i], false);

		assert_int_equal(ff_bind(fd, sa6(&both), sizeof(both)), 0);
		assert_int_equal(ff_bind(fd4, sa6(&ip4), sizeof(ip4)), 0);
		assert_errno(ff_connect(fd4, sa6(&one), sizeof(one)), ENETUNREACH);
		assert_int_equal(ff_connect(fd, sa6(&closed4), sizeof(closed4)), i - 1);
		assert_int_equal(ff_connect(fd4, sa6(&closed4), sizeof(closed4)), i - 1);
		assert_int_equal(ff_connect(fd, sa6(&none), sizeof(none)), 0);
		assert_int_equal(ff_connect(fd4, sa6(&none), sizeof(none)), 0);
		assert_name(ff_getsockname, fd, "::", PORT);
		assert_name(ff_getsockname, fd4, "::ffff:0.0.0.0", PORT + 1);
		if (i == 0)
			assert_int_equal(ff_listen(fd, 1), 0);
	}
	assert_int_equal(ff_connect(socket6(SOCK_STREAM, false), sa6(&one), sizeof(one)), 0);
}

static void datagrams(void **state)
{
	struct api_world *t = *state;
	struct sockaddr_in6 to = addr6("fd00::a00:2", PORT), from = addr6("::", PORT);
	struct sockaddr_in6 mapped = addr6("::ffff:10.0.0.2", PORT);
	static char data[20000], got[20000];
	socklen_t len = sizeof(from);
	char text[64];
	int c, s;

	api_on(t, 1);
	s = socket6(SOCK_DGRAM, false);
	assert_int_equal(ff_bind(s, sa6(&from), sizeof(from)), 0);
	api_on(t, 0);
	c = socket6(SOCK_DGRAM, false);
	memset(data, 7, sizeof(data));
	assert_int_equal(ff_sendto(c, data, sizeof(data), 0, sa6(&to), sizeof(to)), sizeof(data));
	api_on(t, 1);
	assert_int_equal(ff_recvfrom(s, got, sizeof(got), 0, sa6(&from), &len), sizeof(got));
	assert_memory_equal(got, data, sizeof(data));
	assert_int_equal(len, sizeof(from));
	assert_string_equal(inet_ntop(AF_INET6, &from.sin6_addr, text, sizeof(text)),
			    "fd00::a00:1");
	assert_int_equal(ff_sendto(s, data, 10, 0, sa6(&from), sizeof(from)), 10);
	api_on(t, 0);
	assert_int_equal(ff_recv(c, got, sizeof(got), 0), 10);
	assert_int_equal(ff_sendto(c, data, 5, 0, sa6(&mapped), sizeof(mapped)), 5);
	api_on(t, 1);
	len = sizeof(from);
	assert_int_equal(ff_recvfrom(s, got, sizeof(got), 0, sa6(&from), &len), 5);
	assert_string_equal(inet_ntop(AF_INET6, &from.sin6_addr, text, sizeof(text)),
			    "::ffff:10.0.0.1");
	api_on(t, 0);
	assert_int_equal(ff_connect(c, sa6(&to), sizeof(to)), 0);
	assert_int_equal(ff_send(c, data, 6, 0), 6);
	api_on(t, 1);
	assert_int_equal(ff_recv(s, got, sizeof(got), 0), 6);
}

/* fe80:: is on many links: the scope id says on which. */
/* connect() takes a datagram socket from IPv6 to IPv4, unless it was bound; where it fails, the
 * peer stays. Linux has no way back, so neither have we. */
static void change_of_family(void **state)
{
	struct sockaddr_in6 ip6 = addr6("fd00::a00:2", PORT), ip4 = addr6("::ffff:10.0.0.2", PORT),
			    bound = addr6("fd00::a00:1", 0),
			    nowhere = addr6("::ffff:9.9.9.9", PORT);
	struct api_world *t = *state;
	int c, s;

	api_on(t, 1);
	s = socket6(SOCK_DGRAM, false);
	assert_int_equal(ff_bind(s,
				 sa6(&(struct sockaddr_in6){ .sin6_family = AF_INET6,
							     .sin6_port = htons(PORT) }),
				 sizeof(ip6)),
			 0);
	api_on(t, 0);
	c = socket6(SOCK_DGRAM, false);
	assert_int_equal(ff_connect(c, sa6(&ip6), sizeof(ip6)), 0);
	assert_errno(ff_connect(c, sa6(&nowhere), sizeof(nowhere)), ENETUNREACH);
	assert_name(ff_getpeername, c, "fd00::a00:2", PORT);
	assert_name(ff_getsockname, c, "fd00::a00:1", 0);
	assert_int_equal(ff_connect(c, sa6(&ip4), sizeof(ip4)), 0);
	assert_name(ff_getpeername, c, "::ffff:10.0.0.2", PORT);
	assert_name(ff_getsockname, c, "::ffff:10.0.0.1", 0);
	assert_int_equal(ff_write(c, "x", 1), 1);
	assert_errno(ff_connect(c, sa6(&ip6), sizeof(ip6)), EAFNOSUPPORT);
	assert_int_equal(ff_write(c, "y", 1), 1);
	api_run_ms(t, 5);
	api_on(t, 1);
	assert_int_equal(ff_read(s, (char[2]){ 0 }, 2), 1);
	assert_int_equal(ff_read(s, (char[2]){ 0 }, 2), 1);
	api_on(t, 0);
	c = socket6(SOCK_DGRAM, false);
	assert_int_equal(ff_bind(c, sa6(&bound), sizeof(bound)), 0);
	assert_int_equal(ff_connect(c, sa6(&ip6), sizeof(ip6)), 0);
	assert_errno(ff_connect(c, sa6(&ip4), sizeof(ip4)), ENETUNREACH);
}

static void link_local(void **state)
{
	struct api_world *t = *state;
	struct sockaddr_in6 to = addr6("fe80::ff:fe00:2", PORT), peer;
	socklen_t len = sizeof(peer);
	int l, c, s;

	api_on(t, 1);
	l = listen6("::", false);
	api_on(t, 0);
	c = socket6(SOCK_STREAM, false);
	assert_errno(ff_connect(c, sa6(&to), sizeof(to)), EINVAL);
	to.sin6_scope_id = 2;
	assert_errno(ff_connect(c, sa6(&to), sizeof(to)), EINVAL);
	to.sin6_scope_id = 1;
	assert_int_equal(ff_connect(c, sa6(&to), sizeof(to)), 0);
	api_on(t, 1);
	s = ff_accept(l, sa6(&peer), &len);
	assert_true(s >= 0);
	assert_int_equal(peer.sin6_scope_id, 1);
	assert_int_equal(peer.sin6_addr.s6_addr[0], 0xfe);
	assert_int_equal(peer.sin6_addr.s6_addr[2] | peer.sin6_addr.s6_addr[3], 0);
	api_write_all(s, 100, 1);
	api_on(t, 0);
	api_expect(c, 100, 1);
}

static void lengths_and_families(void **state)
{
	struct api_world *t = *state;
	struct sockaddr_in6 to = addr6("fd00::a00:2", PORT);
	struct sockaddr_in sin = api_addr(1, PORT);
	int c;

	api_on(t, 0);
	c = socket6(SOCK_STREAM, false);
	assert_errno(ff_connect(c, sa6(&to), sizeof(sin)), EINVAL);
	assert_errno(ff_connect(c, sa(&sin), sizeof(to)), EAFNOSUPPORT);
	c = ff_socket(AF_INET, SOCK_STREAM, 0);
	assert_errno(ff_connect(c, sa6(&to), sizeof(to)), EAFNOSUPPORT);
	to = addr6("2001:db8::1", PORT);
	c = socket6(SOCK_STREAM, false);
	assert_errno(ff_connect(c, sa6(&to), sizeof(to)), ENETUNREACH);
	assert_errno(ff_bind(c, sa6(&to), sizeof(to)), EADDRNOTAVAIL);
	/* datagrams are sent to IPv4 by either name, but it is bound by its own alone */
	c = socket6(SOCK_DGRAM, false);
	assert_int_equal(ff_sendto(c, "a", 1, 0, sa(&sin), sizeof(sin)), 1);
	c = socket6(SOCK_DGRAM, false);
	sin = api_addr(0, PORT);
	assert_errno(ff_bind(c, sa(&sin), sizeof(sin)), EINVAL);
	assert_errno(ff_bind(c, sa(&sin), sizeof(to)), EAFNOSUPPORT);
}

static void options(void **state)
{
	static const int names[] = { IPV6_TCLASS, IPV6_UNICAST_HOPS };
	struct api_world *t = *state;
	int v, types[] = { SOCK_STREAM, SOCK_DGRAM };
	socklen_t len = sizeof(v);

	api_on(t, 0);
	for (unsigned i = 0; i < 4; i++) {
		int c = socket6(types[i % 2], false), name = names[i / 2];

		v = 76;
		assert_int_equal(ff_setsockopt(c, IPPROTO_IPV6, name, &v, sizeof(v)), 0);
		v = 256;
		assert_errno(ff_setsockopt(c, IPPROTO_IPV6, name, &v, sizeof(v)), EINVAL);
		assert_int_equal(ff_getsockopt(c, IPPROTO_IPV6, name, &v, &len), 0);
		assert_int_equal(v, 76);
		v = -1;
		assert_int_equal(ff_setsockopt(c, IPPROTO_IPV6, name, &v, sizeof(v)), 0);
		assert_int_equal(ff_getsockopt(c, IPPROTO_IPV6, name, &v, &len), 0);
		assert_int_equal(v, name == IPV6_TCLASS ? 0 : 64);
	}
	v = 1;
	assert_errno(ff_setsockopt(ff_socket(AF_INET, SOCK_STREAM, 0), IPPROTO_IPV6, IPV6_V6ONLY,
				   &v, sizeof(v)),
		     ENOPROTOOPT);
}

/* What zstack if shows. */
static void seen(void **state)
{
	struct api_world *t = *state;
	struct zs_look_ip6 v[ZS_IF6_ADDRS];
	char text[64];
	int n = zs_look_ip6(api_on(t, 0)->s, 0, v);

	assert_int_equal(n, 2);
	assert_string_equal(inet_ntop(AF_INET6, &v[0].addr, text, sizeof(text)), "fe80::ff:fe00:1");
	assert_string_equal(inet_ntop(AF_INET6, &v[1].addr, text, sizeof(text)), "fd00::a00:1");
	for (int i = 0; i < n; i++) {
		assert_int_equal(v[i].prefix, i == 0 ? 64 : 120);
		assert_string_equal(v[i].state, "");
	}
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test_setup_teardown(stream, api_setup, api_teardown),
	cmocka_unit_test_setup_teardown(dual_listener, api_setup, api_teardown),
	cmocka_unit_test_setup_teardown(v6only, api_setup, api_teardown),
	cmocka_unit_test_setup_teardown(ip4_before_ip6, api_setup, api_teardown),
	cmocka_unit_test_setup_teardown(the_address_of_none, api_setup, api_teardown),
	cmocka_unit_test_setup_teardown(failures_leave_both_families, api_setup, api_teardown),
	cmocka_unit_test_setup_teardown(bind_says_for_which_family_it_is, api_setup, api_teardown),
	cmocka_unit_test_setup_teardown(datagrams, api_setup, api_teardown),
	cmocka_unit_test_setup_teardown(change_of_family, api_setup, api_teardown),
	cmocka_unit_test_setup_teardown(link_local, api_setup, api_teardown),
	cmocka_unit_test_setup_teardown(lengths_and_families, api_setup, api_teardown),
	cmocka_unit_test_setup_teardown(seen, api_setup, api_teardown),
	cmocka_unit_test_setup_teardown(options, api_setup, api_teardown),
};

ZS_TEST_MAIN(tests)
