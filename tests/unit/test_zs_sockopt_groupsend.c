/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How datagrams are sent to groups (ip(7), ipv6(7)): interface, TTL, whether they come back; and
 * that streams have no such options.
 */
#include "zs_grouptest.h"

/* Sends one byte, to nobody else than sa (NULL: connected); returns how many frames went out. */
static uint32_t send_one(struct net *net, struct zs_sock *sk, const void *sa, socklen_t len)
{
	char byte = 'x';
	struct iovec iov = { &byte, 1 };

	net_clear(net);
	assert_int_equal(zs_sock_send(sk, &iov, 1, 0, sa, len), 1);
	net_flush(net);
	return net->n_out;
}

static struct sockaddr_in to4(uint32_t group_be)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
				     .sin_port = htons(PORT),
				     .sin_addr.s_addr = group_be };
}

static struct sockaddr_in6 to6(struct zs_addr group)
{
	struct sockaddr_in6 sin6 = { .sin6_family = AF_INET6, .sin6_port = htons(PORT) };

	memcpy(&sin6.sin6_addr, &group, sizeof(group));
	return sin6;
}

/* What is sent to a group goes by that interface, from its address, with that TTL. */
static void expect_way4(struct net *net, struct zs_sock *sk, int number, unsigned ttl)
{
	const struct sockaddr_in to = to4(group4(1));
	uint32_t own = own4(number);
	struct frame f;

	assert_int_equal(send_one(net, sk, &to, sizeof(to)), 1);
	net_sent(net, 0, &f);
	assert_int_equal(by_port[0], number - 1);
	assert_memory_equal(f.b + L2 + 12, &own, 4);
	assert_int_equal(f.b[L2 + 8], ttl);
	assert_cksums(&f);
}

static void expect_way6(struct net *net, struct zs_sock *sk, struct zs_addr group, int number,
			unsigned hops)
{
	const struct sockaddr_in6 to = to6(group);
	struct frame f;

	assert_int_equal(send_one(net, sk, &to, sizeof(to)), 1);
	net_sent(net, 0, &f);
	assert_int_equal(by_port[0], number - 1);
	assert_int_equal(f.b[L2 + 7], hops);
	assert_addr(f.b + L2 + 24, group);
}

static void test_interface_ip4(void **state)
{
	const struct sockaddr_in to = to4(group4(1));
	uint32_t ip, own = own4(SECOND);
	socklen_t len = sizeof(ip);
	struct zs_sock *sk;
	struct net net;
	struct frame f;

	(void)state;
	start(&net);
	sk = new_sock(net.s, AF_INET, SOCK_DGRAM);
	assert_int_equal(zs_sock_getopt(sk, IPPROTO_IP, IP_MULTICAST_IF, &ip, &len), 0);
	assert_int_equal(ip, 0);
	expect_way4(&net, sk, FIRST, 1);
	ip = own;
	assert_int_equal(zs_sock_setopt(sk, IPPROTO_IP, IP_MULTICAST_IF, &ip, sizeof(ip)), 0);
	expect_way4(&net, sk, SECOND, 1);
	ip = 0;
	assert_int_equal(zs_sock_getopt(sk, IPPROTO_IP, IP_MULTICAST_IF, &ip, &len), 0);
	assert_int_equal(ip, own);
	len = 2;
	assert_int_equal(zs_sock_getopt(sk, IPPROTO_IP, IP_MULTICAST_IF, &ip, &len), 0);
	assert_int_equal(len, 2);
	/* what is not there changes nothing */
	ip = ip4(1, 2, 3, 4);
	assert_int_equal(zs_sock_setopt(sk, IPPROTO_IP, IP_MULTICAST_IF, &ip, sizeof(ip)),
			 -EADDRNOTAVAIL);
	assert_int_equal(mreqn(sk, IP_MULTICAST_IF, 0, 0, NONE), -EADDRNOTAVAIL);
	assert_int_equal(zs_sock_setopt(sk, IPPROTO_IP, IP_MULTICAST_IF, &ip, 3), -EINVAL);
	assert_int_equal(zs_sock_setopt(sk, IPPROTO_IP, IP_MULTICAST_IF, &ip, 0), -EINVAL);
	expect_way4(&net, sk, SECOND, 1);
	ip = 0; /* by the route again */
	assert_int_equal(zs_sock_setopt(sk, IPPROTO_IP, IP_MULTICAST_IF, &ip, sizeof(ip)), 0);
	expect_way4(&net, sk, FIRST, 1);
	assert_int_equal(mreqn(sk, IP_MULTICAST_IF, 0, 0, SECOND), 0);
	expect_way4(&net, sk, SECOND, 1);
	assert_int_equal(mreq(sk, IP_MULTICAST_IF, 0, own4(FIRST)), 0);
	expect_way4(&net, sk, FIRST, 1);
	/* connected: the address is that of the interface too */
	assert_int_equal(mreqn(sk, IP_MULTICAST_IF, 0, 0, SECOND), 0);
	assert_int_equal(zs_sock_connect(sk, (const struct sockaddr *)&to, sizeof(to)), 0);
	assert_int_equal(send_one(&net, sk, NULL, 0), 1);
	net_sent(&net, 0, &f);
	assert_int_equal(by_port[0], 1);
	assert_memory_equal(f.b + L2 + 12, &own, 4);
	zs_sock_close(sk);
	net_end(&net);
}

static void test_interface_ip6(void **state)
{
	const struct zs_addr link = group_of(2, 0x77), site = group_of(5, 0x78);
	struct zs_addr own = host6(US);
	struct sockaddr_in6 to = to6(site);
	struct zs_sock *sk;
	struct net net;
	struct frame f;

	(void)state;
	own.b[5] = 1;
	start(&net);
	sk = new_sock(net.s, AF_INET6, SOCK_DGRAM);
	assert_int_equal(get_int(sk, IPPROTO_IPV6, IPV6_MULTICAST_IF), ANY);
	expect_way6(&net, sk, site, FIRST, 1);
	assert_int_equal(set_int(sk, IPPROTO_IPV6, IPV6_MULTICAST_IF, SECOND), 0);
	assert_int_equal(get_int(sk, IPPROTO_IPV6, IPV6_MULTICAST_IF), SECOND);
	expect_way6(&net, sk, site, SECOND, 1);
	expect_way6(&net, sk, link, SECOND, 1);
	assert_int_equal(set_int(sk, IPPROTO_IPV6, IPV6_MULTICAST_IF, NONE), -ENODEV);
	assert_int_equal(set_int(sk, IPPROTO_IPV6, IPV6_MULTICAST_IF, -1), -ENODEV);
	expect_way6(&net, sk, site, SECOND, 1);
	assert_int_equal(zs_sock_connect(sk, (const struct sockaddr *)&to, sizeof(to)), 0);
	assert_int_equal(send_one(&net, sk, NULL, 0), 1);
	net_sent(&net, 0, &f);
	assert_int_equal(by_port[0], 1);
	assert_sent6(&f, own, site, ZS_PROTO_UDP);
	assert_int_equal(set_int(sk, IPPROTO_IPV6, IPV6_MULTICAST_IF, ANY), 0);
	expect_way6(&net, sk, site, FIRST, 1);
	zs_sock_close(sk);
	net_end(&net);
}

static void test_ttl_and_loop_ip4(void **state)
{
	const struct sockaddr_in to = to4(group4(1));
	struct zs_sock *sk, *member;
	uint8_t byte = 7;
	struct net net;
	socklen_t len;
	int v;

	(void)state;
	start(&net);
	member = bound(&net, AF_INET);
	sk = new_sock(net.s, AF_INET, SOCK_DGRAM);
	assert_int_equal(mreq(member, IP_ADD_MEMBERSHIP, group4(1), 0), 0);
	net_wait(&net, 2000000);
	assert_int_equal(get_int(sk, IPPROTO_IP, IP_MULTICAST_TTL), 1);
	assert_int_equal(get_int(sk, IPPROTO_IP, IP_MULTICAST_LOOP), 1);
	assert_int_equal(zs_sock_setopt(sk, IPPROTO_IP, IP_MULTICAST_TTL, &byte, 1), 0);
	expect_way4(&net, sk, FIRST, 7);
	assert_int_equal(zs_sock_recv(member, &(struct iovec){ &v, 4 }, 1, 0, NULL, NULL, NULL), 1);
	len = 1;
	byte = 0;
	assert_int_equal(zs_sock_getopt(sk, IPPROTO_IP, IP_MULTICAST_TTL, &byte, &len), 0);
	assert_int_equal(byte, 7);
	assert_int_equal(set_int(sk, IPPROTO_IP, IP_MULTICAST_LOOP, 0), 0);
	assert_int_equal(get_int(sk, IPPROTO_IP, IP_MULTICAST_LOOP), 0);
	expect_way4(&net, sk, FIRST, 7);
	assert_int_equal(zs_sock_recv(member, &(struct iovec){ &v, 4 }, 1, 0, NULL, NULL, NULL),
			 -EAGAIN);
	/* 0: only for members on this host */
	assert_int_equal(set_int(sk, IPPROTO_IP, IP_MULTICAST_TTL, 0), 0);
	assert_int_equal(set_int(sk, IPPROTO_IP, IP_MULTICAST_LOOP, 2), 0);
	assert_int_equal(send_one(&net, sk, &to, sizeof(to)), 0);
	assert_int_equal(zs_sock_recv(member, &(struct iovec){ &v, 4 }, 1, 0, NULL, NULL, NULL), 1);
	assert_int_equal(set_int(sk, IPPROTO_IP, IP_MULTICAST_TTL, 256), -EINVAL);
	assert_int_equal(set_int(sk, IPPROTO_IP, IP_MULTICAST_TTL, -2), -EINVAL);
	assert_int_equal(zs_sock_setopt(sk, IPPROTO_IP, IP_MULTICAST_TTL, &byte, 0), -EINVAL);
	assert_int_equal(get_int(sk, IPPROTO_IP, IP_MULTICAST_TTL), 0);
	assert_int_equal(set_int(sk, IPPROTO_IP, IP_MULTICAST_TTL, -1), 0); /* the default */
	expect_way4(&net, sk, FIRST, 1);
	zs_sock_close(sk);
	zs_sock_close(member);
	net_end(&net);
}

static void test_hops_and_loop_ip6(void **state)
{
	const struct zs_addr site = group_of(5, 0x78);
	const struct sockaddr_in6 to = to6(site);
	struct zs_sock *sk, *member;
	struct net net;
	char byte = 3;
	int v;

	(void)state;
	start(&net);
	member = bound(&net, AF_INET6);
	sk = new_sock(net.s, AF_INET6, SOCK_DGRAM);
	assert_int_equal(mreq6(member, IPV6_JOIN_GROUP, site, FIRST), 0);
	net_wait(&net, 2000000);
	assert_int_equal(get_int(sk, IPPROTO_IPV6, IPV6_MULTICAST_HOPS), 1);
	assert_int_equal(set_int(sk, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, 9), 0);
	expect_way6(&net, sk, site, FIRST, 9);
	assert_int_equal(zs_sock_recv(member, &(struct iovec){ &v, 4 }, 1, 0, NULL, NULL, NULL), 1);
	assert_int_equal(set_int(sk, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 0), 0);
	assert_int_equal(get_int(sk, IPPROTO_IPV6, IPV6_MULTICAST_LOOP), 0);
	expect_way6(&net, sk, site, FIRST, 9);
	assert_int_equal(zs_sock_recv(member, &(struct iovec){ &v, 4 }, 1, 0, NULL, NULL, NULL),
			 -EAGAIN);
	assert_int_equal(set_int(sk, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, 0), 0);
	assert_int_equal(set_int(sk, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 1), 0);
	assert_int_equal(send_one(&net, sk, &to, sizeof(to)), 0);
	assert_int_equal(zs_sock_recv(member, &(struct iovec){ &v, 4 }, 1, 0, NULL, NULL, NULL), 1);
	assert_int_equal(set_int(sk, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, 256), -EINVAL);
	assert_int_equal(set_int(sk, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, -2), -EINVAL);
	assert_int_equal(zs_sock_setopt(sk, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &byte, 1), -EINVAL);
	assert_int_equal(set_int(sk, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, -1), 0);
	expect_way6(&net, sk, site, FIRST, 1);
	zs_sock_close(sk);
	zs_sock_close(member);
	net_end(&net);
}

static void test_streams_have_none_of_it(void **state)
{
	static const int ip4_names[] = { IP_MULTICAST_IF, IP_MULTICAST_TTL };
	static const int ip6_names[] = { IPV6_MULTICAST_IF, IPV6_MULTICAST_HOPS };
	struct zs_sock *t4, *t6, *u4;
	socklen_t len = sizeof(int);
	struct net net;
	int v;

	(void)state;
	start(&net);
	t4 = new_sock(net.s, AF_INET, SOCK_STREAM);
	t6 = new_sock(net.s, AF_INET6, SOCK_STREAM);
	u4 = new_sock(net.s, AF_INET, SOCK_DGRAM);
	for (unsigned i = 0; i < RTE_DIM(ip4_names); i++) {
		assert_int_equal(set_int(t4, IPPROTO_IP, ip4_names[i], 1), -EINVAL);
		assert_int_equal(zs_sock_getopt(t4, IPPROTO_IP, ip4_names[i], &v, &len),
				 -ENOPROTOOPT);
		assert_int_equal(set_int(t6, IPPROTO_IPV6, ip6_names[i], 1), -ENOPROTOOPT);
		assert_int_equal(zs_sock_getopt(t6, IPPROTO_IPV6, ip6_names[i], &v, &len),
				 -ENOPROTOOPT);
		assert_int_equal(set_int(u4, IPPROTO_IPV6, ip6_names[i], 1), -ENOPROTOOPT);
		assert_int_equal(zs_sock_getopt(u4, IPPROTO_IPV6, ip6_names[i], &v, &len),
				 -ENOPROTOOPT);
	}
	assert_int_equal(zs_sock_getopt(u4, IPPROTO_IP, IP_ADD_MEMBERSHIP, &v, &len), -ENOPROTOOPT);
	zs_sock_close(t4);
	zs_sock_close(t6);
	zs_sock_close(u4);
	net_end(&net);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_interface_ip4),		cmocka_unit_test(test_interface_ip6),
	cmocka_unit_test(test_ttl_and_loop_ip4),	cmocka_unit_test(test_hops_and_loop_ip6),
	cmocka_unit_test(test_streams_have_none_of_it),
};

ZS_TEST_MAIN(tests)
