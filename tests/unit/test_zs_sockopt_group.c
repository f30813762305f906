/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which groups a socket hears (ip(7), ipv6(7), RFC 3678): joined and left by each struct, errors as
 * Linux has them.
 */
#include "zs_grouptest.h"

/* A datagram to the group comes in by that interface; does the socket have it? */
static bool hears4(struct net *net, struct zs_sock *sk, uint32_t group_be, int number)
{
	uint8_t byte = 0;
	struct iovec iov = { &byte, 1 };
	struct rte_mbuf *m;
	struct frame f;

	frame_udp(&f, ip4(10, 0, number == SECOND, PEER), 7, group_be, PORT, "g", 1);
	f.b[0] = 0x01;
	m = net_mbuf(net, &f);
	zs_stack_input(net->s, (uint16_t)(number - 1), &m, 1);
	net_flush(net);
	net_clear(net);
	return zs_sock_recv(sk, &iov, 1, 0, NULL, NULL, NULL) == 1 && byte == 'g';
}

static bool hears6(struct net *net, struct zs_sock *sk, struct zs_addr group, int number)
{
	struct zs_addr peer = host6(PEER);
	uint8_t byte = 0;
	struct iovec iov = { &byte, 1 };
	struct rte_mbuf *m;
	struct frame f;

	peer.b[5] = number == SECOND;
	frame_udp6(&f, peer, 7, group, PORT, "g", 1);
	m = net_mbuf(net, &f);
	zs_stack_input(net->s, (uint16_t)(number - 1), &m, 1);
	net_flush(net);
	net_clear(net);
	return zs_sock_recv(sk, &iov, 1, 0, NULL, NULL, NULL) == 1 && byte == 'g';
}

static int greq4(struct zs_sock *sk, int name, uint32_t group_be, uint32_t number)
{
	const struct sockaddr_in sin = { .sin_family = AF_INET, .sin_addr.s_addr = group_be };
	struct group_req gr = { .gr_interface = number };

	memcpy(&gr.gr_group, &sin, sizeof(sin));
	return zs_sock_setopt(sk, IPPROTO_IP, name, &gr, sizeof(gr));
}

static int greq6(struct zs_sock *sk, int name, struct zs_addr group, uint32_t number)
{
	struct sockaddr_in6 sin6 = { .sin6_family = AF_INET6 };
	struct group_req gr = { .gr_interface = number };

	memcpy(&sin6.sin6_addr, &group, sizeof(group));
	memcpy(&gr.gr_group, &sin6, sizeof(sin6));
	return zs_sock_setopt(sk, IPPROTO_IPV6, name, &gr, sizeof(gr));
}

static void test_membership_ip4(void **state)
{
	struct zs_sock *sk, *all;
	struct net net;

	(void)state;
	start(&net);
	sk = bound(&net, AF_INET);
	/* by number, by address, by either with the number first */
	assert_int_equal(mreqn(sk, IP_ADD_MEMBERSHIP, group4(1), 0, SECOND), 0);
	assert_true(hears4(&net, sk, group4(1), SECOND));
	assert_false(hears4(&net, sk, group4(1), FIRST));
	assert_int_equal(mreq(sk, IP_ADD_MEMBERSHIP, group4(1), own4(SECOND)), -EADDRINUSE);
	assert_int_equal(mreqn(sk, IP_ADD_MEMBERSHIP, group4(1), own4(SECOND), FIRST), 0);
	assert_true(hears4(&net, sk, group4(1), FIRST));
	assert_int_equal(mreq(sk, IP_DROP_MEMBERSHIP, group4(1), own4(SECOND)), 0);
	assert_false(hears4(&net, sk, group4(1), SECOND));
	assert_true(hears4(&net, sk, group4(1), FIRST));
	assert_int_equal(mreqn(sk, IP_DROP_MEMBERSHIP, group4(1), 0, FIRST), 0);
	assert_int_equal(mreqn(sk, IP_DROP_MEMBERSHIP, group4(1), 0, FIRST), -EADDRNOTAVAIL);
	/* left open: joined by the route, left wherever it was joined */
	assert_int_equal(mreq(sk, IP_ADD_MEMBERSHIP, group4(2), 0), 0);
	assert_true(hears4(&net, sk, group4(2), FIRST));
	assert_int_equal(mreqn(sk, IP_ADD_MEMBERSHIP, group4(3), 0, SECOND), 0);
	assert_int_equal(mreq(sk, IP_DROP_MEMBERSHIP, group4(3), 0), 0);
	assert_false(hears4(&net, sk, group4(3), SECOND));
	assert_int_equal(mreq(sk, IP_DROP_MEMBERSHIP, group4(3), 0), -EADDRNOTAVAIL);
	/* without looking at the family */
	assert_int_equal(greq4(sk, MCAST_JOIN_GROUP, group4(4), SECOND), 0);
	assert_int_equal(greq4(sk, MCAST_JOIN_GROUP, group4(4), SECOND), -EADDRINUSE);
	assert_true(hears4(&net, sk, group4(4), SECOND));
	assert_int_equal(greq4(sk, MCAST_LEAVE_GROUP, group4(4), ANY), 0);
	assert_int_equal(greq4(sk, MCAST_JOIN_GROUP, group4(4), ANY), 0);
	assert_true(hears4(&net, sk, group4(4), FIRST));
	/* what others joined for, until IP_MULTICAST_ALL is off */
	all = bound(&net, AF_INET);
	assert_int_equal(get_int(all, IPPROTO_IP, IP_MULTICAST_ALL), 1);
	assert_true(hears4(&net, all, group4(2), FIRST));
	assert_int_equal(set_int(all, IPPROTO_IP, IP_MULTICAST_ALL, 0), 0);
	assert_int_equal(get_int(all, IPPROTO_IP, IP_MULTICAST_ALL), 0);
	assert_false(hears4(&net, all, group4(2), FIRST));
	zs_sock_close(all);
	zs_sock_close(sk);
	net_end(&net);
}

static void test_membership_ip6(void **state)
{
	const struct zs_addr link = group_of(2, 0x77), site = group_of(5, 0x78);
	struct zs_sock *sk, *all;
	struct net net;

	(void)state;
	start(&net);
	sk = bound(&net, AF_INET6);
	assert_int_equal(mreq6(sk, IPV6_JOIN_GROUP, link, SECOND), 0);
	assert_true(hears6(&net, sk, link, SECOND));
	assert_false(hears6(&net, sk, link, FIRST));
	assert_int_equal(greq6(sk, MCAST_JOIN_GROUP, link, SECOND), -EADDRINUSE);
	assert_int_equal(greq6(sk, MCAST_JOIN_GROUP, link, ANY), 0); /* the first with IPv6 */
	assert_true(hears6(&net, sk, link, FIRST));
	assert_int_equal(greq6(sk, MCAST_LEAVE_GROUP, link, FIRST), 0);
	assert_true(hears6(&net, sk, link, SECOND));
	assert_int_equal(mreq6(sk, IPV6_LEAVE_GROUP, link, ANY), 0);
	assert_false(hears6(&net, sk, link, SECOND));
	assert_int_equal(mreq6(sk, IPV6_LEAVE_GROUP, link, SECOND), -EADDRNOTAVAIL);
	assert_int_equal(mreq6(sk, IPV6_JOIN_GROUP, site, ANY), 0);
	assert_true(hears6(&net, sk, site, FIRST));
	all = bound(&net, AF_INET6);
	assert_true(hears6(&net, all, site, FIRST));
	assert_int_equal(set_int(all, IPPROTO_IPV6, IPV6_MULTICAST_ALL, 0), 0);
	assert_int_equal(get_int(all, IPPROTO_IPV6, IPV6_MULTICAST_ALL), 0);
	assert_false(hears6(&net, all, site, FIRST));
	/* a socket of IPv6 may join groups of IPv4 */
	assert_int_equal(greq4(sk, MCAST_JOIN_GROUP, group4(1), SECOND), 0);
	assert_true(hears4(&net, sk, group4(1), SECOND));
	/* which others of IPv6 hear if they ask for it */
	assert_int_equal(get_int(all, IPPROTO_IP, IP_MULTICAST_ALL), 0);
	assert_false(hears4(&net, all, group4(1), SECOND));
	assert_int_equal(set_int(all, IPPROTO_IP, IP_MULTICAST_ALL, 1), 0);
	assert_true(hears4(&net, all, group4(1), SECOND));
	assert_int_equal(set_int(all, IPPROTO_IP, IP_MULTICAST_ALL, 2), -EINVAL);
	assert_int_equal(set_int(all, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 2), -EINVAL);
	zs_sock_close(all);
	zs_sock_close(sk);
	net_end(&net);
}

static void test_refused_memberships(void **state)
{
	const struct zs_addr g6 = group_of(2, 0x77);
	struct group_req gr = { .gr_group.ss_family = AF_UNIX };
	struct ipv6_mreq mr6 = { .ipv6mr_interface = FIRST };
	struct ip_mreq mr = { .imr_multiaddr.s_addr = group4(1) };
	struct zs_sock *u4, *u6, *t4, *t6;
	struct net net;

	(void)state;
	start(&net);
	u4 = new_sock(net.s, AF_INET, SOCK_DGRAM);
	u6 = new_sock(net.s, AF_INET6, SOCK_DGRAM);
	t4 = new_sock(net.s, AF_INET, SOCK_STREAM);
	t6 = new_sock(net.s, AF_INET6, SOCK_STREAM);
	/* no such interface */
	assert_int_equal(mreqn(u4, IP_ADD_MEMBERSHIP, group4(1), 0, NONE), -ENODEV);
	assert_int_equal(mreqn(u4, IP_ADD_MEMBERSHIP, group4(1), 0, -1), -ENODEV);
	assert_int_equal(mreq(u4, IP_ADD_MEMBERSHIP, group4(1), ip4(1, 2, 3, 4)), -ENODEV);
	assert_int_equal(greq4(u4, MCAST_JOIN_GROUP, group4(1), NONE), -ENODEV);
	assert_int_equal(greq4(u4, MCAST_JOIN_GROUP, group4(1), UINT32_MAX), -ENODEV);
	assert_int_equal(greq6(u6, MCAST_JOIN_GROUP, g6, NONE), -ENODEV);
	assert_int_equal(mreq6(u6, IPV6_JOIN_GROUP, g6, UINT32_MAX), -ENODEV);
	/* no group */
	assert_int_equal(mreqn(u4, IP_ADD_MEMBERSHIP, host(9), 0, FIRST), -EINVAL);
	assert_int_equal(greq4(u4, MCAST_JOIN_GROUP, host(9), FIRST), -EINVAL);
	assert_int_equal(mreq6(u6, IPV6_JOIN_GROUP, host6(9), FIRST), -EINVAL);
	assert_int_equal(greq6(u6, MCAST_JOIN_GROUP, host6(9), FIRST), -EINVAL);
	/* no such family, or not that of the socket */
	assert_int_equal(zs_sock_setopt(u6, IPPROTO_IPV6, MCAST_JOIN_GROUP, &gr, sizeof(gr)),
			 -EADDRNOTAVAIL);
	assert_int_equal(mreq6(u4, IPV6_JOIN_GROUP, g6, FIRST), -ENOPROTOOPT);
	memcpy(&gr.gr_group, &(struct sockaddr_in6){ .sin6_family = AF_INET6 },
	       sizeof(struct sockaddr_in6));
	memcpy((char *)&gr.gr_group + offsetof(struct sockaddr_in6, sin6_addr), &g6, 16);
	gr.gr_interface = FIRST;
	assert_int_equal(zs_sock_setopt(u4, IPPROTO_IP, MCAST_JOIN_GROUP, &gr, sizeof(gr)),
			 -EADDRNOTAVAIL);
	/* too short */
	assert_int_equal(zs_sock_setopt(u4, IPPROTO_IP, IP_ADD_MEMBERSHIP, &mr, sizeof(mr) - 1),
			 -EINVAL);
	assert_int_equal(zs_sock_setopt(u4, IPPROTO_IP, MCAST_JOIN_GROUP, &gr, sizeof(gr) - 1),
			 -EINVAL);
	assert_int_equal(zs_sock_setopt(u6, IPPROTO_IPV6, IPV6_JOIN_GROUP, &mr6, sizeof(mr6) - 1),
			 -EINVAL);
	/* a length between the two structs is the shorter one */
	assert_int_equal(zs_sock_setopt(u4, IPPROTO_IP, IP_ADD_MEMBERSHIP,
					&(char[12]){ (char)239, 1, 1, 1 }, 9),
			 0);
	/* streams have no groups */
	assert_int_equal(mreqn(t4, IP_ADD_MEMBERSHIP, group4(1), 0, FIRST), -EPROTO);
	assert_int_equal(mreqn(t4, IP_DROP_MEMBERSHIP, group4(1), 0, FIRST), -EPROTO);
	assert_int_equal(mreq6(t6, IPV6_JOIN_GROUP, g6, FIRST), -EPROTO);
	zs_sock_close(u4);
	zs_sock_close(u6);
	zs_sock_close(t4);
	zs_sock_close(t6);
	net_end(&net);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_membership_ip4),
	cmocka_unit_test(test_membership_ip6),
	cmocka_unit_test(test_refused_memberships),
};

ZS_TEST_MAIN(tests)
