/* SPDX-License-Identifier: BSD-3-Clause */
/* What the tests of datagrams share: sockets of either family on the two hosts. */
#ifndef DGRAM_H
#define DGRAM_H

#include <netinet/in.h>
#include <netinet/udp.h>

#include "apitest.h"
#include "core/zs_stack.h"
#include "core/zs_stats.h"

enum { OTHER = 81, MTU = 1520, UDP_HDR = 8 };

static inline int iphdr(int family)
{
	return family == AF_INET ? 20 : 40;
}

static inline void set(int fd, int level, int name, int v)
{
	assert_int_equal(ff_setsockopt(fd, level, name, &v, sizeof(v)), 0);
}

static inline int get(int fd, int level, int name)
{
	int v = -1;
	socklen_t len = sizeof(v);

	assert_int_equal(ff_getsockopt(fd, level, name, &v, &len), 0);
	return v;
}

static inline socklen_t address(int family, int host, uint16_t port, struct sockaddr_storage *ss)
{
	struct sockaddr_in6 sin6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	struct sockaddr_in sin = api_addr(host, port);

	assert_int_equal(
		inet_pton(AF_INET6, host == 0 ? "fd00::a00:1" : "fd00::a00:2", &sin6.sin6_addr), 1);
	memset(ss, 0, sizeof(*ss));
	if (family == AF_INET) {
		memcpy(ss, &sin, sizeof(sin));
		return sizeof(sin);
	}
	memcpy(ss, &sin6, sizeof(sin6));
	return sizeof(sin6);
}

/* On host i: a socket that does not block, bound to its address. */
static inline int bound(struct api_world *t, int i, int family, uint16_t port)
{
	struct sockaddr_storage ss;
	socklen_t len = address(family, i, port, &ss);
	int fd;

	api_on(t, i);
	fd = ff_socket(family, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	assert_true(fd >= 0);
	assert_int_equal(ff_bind(fd, (void *)&ss, len), 0);
	return fd;
}

static inline void connect_to(int fd, int family, int host, uint16_t port)
{
	struct sockaddr_storage ss;
	socklen_t len = address(family, host, port, &ss);

	assert_int_equal(ff_connect(fd, (void *)&ss, len), 0);
}

static inline ssize_t send_to(int fd, int family, int host, uint16_t port, const void *data,
			      size_t n)
{
	struct sockaddr_storage ss;
	socklen_t len = address(family, host, port, &ss);

	return ff_sendto(fd, data, n, 0, (void *)&ss, len);
}

static inline void close_on(struct api_world *t, int i, int fd)
{
	api_on(t, i);
	assert_int_equal(ff_close(fd), 0);
}

static inline uint64_t dropped(struct api_world *t, int host, enum zs_drop why)
{
	return zs_stack_stats(t->host[host].h->s)->drops[why];
}

#define OVER_BOTH(name)                                                                            \
	static void test_##name(void **state)                                                      \
	{                                                                                          \
		name(*state, AF_INET);                                                             \
	}                                                                                          \
	static void test_##name##_ip6(void **state)                                                \
	{                                                                                          \
		name(*state, AF_INET6);                                                            \
	}
#define BOTH(name)                                                                                 \
	cmocka_unit_test_setup_teardown(test_##name, api_setup, api_teardown),                     \
		cmocka_unit_test_setup_teardown(test_##name##_ip6, api_setup, api_teardown)

#endif
