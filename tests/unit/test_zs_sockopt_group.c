/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Options of groups on a host with two interfaces (ip(7), ipv6(7), RFC 3678): what may be said in
 * which struct, errors as Linux has them, and what becomes of the datagrams.
 */
#include "zs_net6test.h"

#include <errno.h>
#include <netinet/in.h>

#include "sock/zs_sock.h"

enum { PORT = 5000, ANY = 0, FIRST = 1, SECOND = 2, NONE = 9 };

/* Frames that were sent: by which port each. */
static uint16_t by_port[NET_OUT_MAX];

static uint16_t tx(void *ctx, uint16_t port, struct rte_mbuf **pkts, uint16_t n)
{
	const struct net *net = ctx;

	for (uint16_t i = 0; i < n; i++)
		by_port[net->n_out + i] = port;
	return net_tx(ctx, port, pkts, n);
}

/* Interface 2 is 10.0.1.2 and 2001:db8:1::2. */
static void start(struct net *net)
{
	struct zs_netif_config *c;

	net6_prepare(net);
	net->env.tx = tx;
	net->cfg.n_netifs = 2;
	c = &net->cfg.netif[1];
	*c = net->cfg.netif[0];
	c->port = 1;
	c->mac = mac_of(3);
	c->ip4_be = ip4(10, 0, 1, US);
	c->ip4_gw_be = 0;
	c->ip6.addr[0].b[5] = 1;
	net_create(net);
	net_wait(net, 2000000);
	net_clear(net);
}

static struct zs_sock *sock_of(struct net *net, int family, int type)
{
	struct zs_sock *sk = NULL;

	assert_int_equal(zs_sock_create(net->s, family, type, 0, &sk), 0);
	return sk;
}

static struct zs_sock *bound(struct net *net, int family)
{
	struct sockaddr_in6 sin6 = { .sin6_family = AF_INET6, .sin6_port = htons(PORT) };
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = htons(PORT) };
	struct zs_sock *sk = sock_of(net, family, SOCK_DGRAM);
	const int on = 1;

	assert_int_equal(zs_sock_setopt(sk, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)), 0);
	if (family == AF_INET)
		assert_int_equal(zs_sock_bind(sk, (struct sockaddr *)&sin, sizeof(sin)), 0);
	else
		assert_int_equal(zs_sock_bind(sk, (struct sockaddr *)&sin6, sizeof(sin6)), 0);
	return sk;
}

static int set(struct zs_sock *sk, int level, int name, int v)
{
	return zs_sock_setopt(sk, level, name, &v, sizeof(v));
}

static int get(struct zs_sock *sk, int level, int name)
{
	int v = -1;
	socklen_t len = sizeof(v);

	assert_int_equal(zs_sock_getopt(sk, level, name, &v, &len), 0);
	assert_int_equal(len, sizeof(v));
	return v;
}

static uint32_t group4(unsigned d)
{
	return ip4(239, 1, 1, d);
}

static uint32_t own4(int number)
{
	return ip4(10, 0, number == SECOND, US);
}

/* ff02::d (that of an interface) and ff05::d */
static struct zs_addr group_of(int scope, unsigned d)
{
	struct zs_addr a = group6(d);

	a.b[1] = (uint8_t)scope;
	return a;
}

/* ---- the structs ---- */

static int mreqn(struct zs_sock *sk, int name, uint32_t group_be, uint32_t ip4_be, int number)
{
	const struct ip_mreqn mr = { { group_be }, { ip4_be }, number };

	return zs_sock_setopt(sk, IPPROTO_IP, name, &mr, sizeof(mr));
}

static int mreq(struct zs_sock *sk, int name, uint32_t group_be, uint32_t ip4_be)
{
	const struct ip_mreq mr = { { group_be }, { ip4_be } };

	return zs_sock_setopt(sk, IPPROTO_IP, name, &mr, sizeof(mr));
}

static int mreq6(struct zs_sock *sk, int name, struct zs_addr group, unsigned number)
{
	struct ipv6_mreq mr = { .ipv6mr_interface = number };

	memcpy(&mr.ipv6mr_multiaddr, &group, sizeof(group));
	return zs_sock_setopt(sk, IPPROTO_IPV6, name, &mr, sizeof(mr));
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

/* ---- datagrams ---- */

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

/* ---- which groups ---- */

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
	assert_int_equal(get(all, IPPROTO_IP, IP_MULTICAST_ALL), 1);
	assert_true(hears4(&net, all, group4(2), FIRST));
	assert_int_equal(set(all, IPPROTO_IP, IP_MULTICAST_ALL, 0), 0);
	assert_int_equal(get(all, IPPROTO_IP, IP_MULTICAST_ALL), 0);
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
	assert_int_equal(set(all, IPPROTO_IPV6, IPV6_MULTICAST_ALL, 0), 0);
	assert_int_equal(get(all, IPPROTO_IPV6, IPV6_MULTICAST_ALL), 0);
	assert_false(hears6(&net, all, site, FIRST));
	/* a socket of IPv6 may join groups of IPv4 */
	assert_int_equal(greq4(sk, MCAST_JOIN_GROUP, group4(1), SECOND), 0);
	assert_true(hears4(&net, sk, group4(1), SECOND));
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
	u4 = sock_of(&net, AF_INET, SOCK_DGRAM);
	u6 = sock_of(&net, AF_INET6, SOCK_DGRAM);
	t4 = sock_of(&net, AF_INET, SOCK_STREAM);
	t6 = sock_of(&net, AF_INET6, SOCK_STREAM);
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

/* ---- how it is sent ---- */

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
	sk = sock_of(&net, AF_INET, SOCK_DGRAM);
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
	sk = sock_of(&net, AF_INET6, SOCK_DGRAM);
	assert_int_equal(get(sk, IPPROTO_IPV6, IPV6_MULTICAST_IF), ANY);
	expect_way6(&net, sk, site, FIRST, 1);
	assert_int_equal(set(sk, IPPROTO_IPV6, IPV6_MULTICAST_IF, SECOND), 0);
	assert_int_equal(get(sk, IPPROTO_IPV6, IPV6_MULTICAST_IF), SECOND);
	expect_way6(&net, sk, site, SECOND, 1);
	expect_way6(&net, sk, link, SECOND, 1);
	assert_int_equal(set(sk, IPPROTO_IPV6, IPV6_MULTICAST_IF, NONE), -ENODEV);
	assert_int_equal(set(sk, IPPROTO_IPV6, IPV6_MULTICAST_IF, -1), -ENODEV);
	expect_way6(&net, sk, site, SECOND, 1);
	assert_int_equal(zs_sock_connect(sk, (const struct sockaddr *)&to, sizeof(to)), 0);
	assert_int_equal(send_one(&net, sk, NULL, 0), 1);
	net_sent(&net, 0, &f);
	assert_int_equal(by_port[0], 1);
	assert_sent6(&f, own, site, ZS_PROTO_UDP);
	assert_int_equal(set(sk, IPPROTO_IPV6, IPV6_MULTICAST_IF, ANY), 0);
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
	sk = sock_of(&net, AF_INET, SOCK_DGRAM);
	assert_int_equal(mreq(member, IP_ADD_MEMBERSHIP, group4(1), 0), 0);
	net_wait(&net, 2000000);
	assert_int_equal(get(sk, IPPROTO_IP, IP_MULTICAST_TTL), 1);
	assert_int_equal(get(sk, IPPROTO_IP, IP_MULTICAST_LOOP), 1);
	assert_int_equal(zs_sock_setopt(sk, IPPROTO_IP, IP_MULTICAST_TTL, &byte, 1), 0);
	expect_way4(&net, sk, FIRST, 7);
	assert_int_equal(zs_sock_recv(member, &(struct iovec){ &v, 4 }, 1, 0, NULL, NULL, NULL), 1);
	len = 1;
	byte = 0;
	assert_int_equal(zs_sock_getopt(sk, IPPROTO_IP, IP_MULTICAST_TTL, &byte, &len), 0);
	assert_int_equal(byte, 7);
	assert_int_equal(set(sk, IPPROTO_IP, IP_MULTICAST_LOOP, 0), 0);
	assert_int_equal(get(sk, IPPROTO_IP, IP_MULTICAST_LOOP), 0);
	expect_way4(&net, sk, FIRST, 7);
	assert_int_equal(zs_sock_recv(member, &(struct iovec){ &v, 4 }, 1, 0, NULL, NULL, NULL),
			 -EAGAIN);
	/* 0: only for members on this host */
	assert_int_equal(set(sk, IPPROTO_IP, IP_MULTICAST_TTL, 0), 0);
	assert_int_equal(set(sk, IPPROTO_IP, IP_MULTICAST_LOOP, 2), 0);
	assert_int_equal(send_one(&net, sk, &to, sizeof(to)), 0);
	assert_int_equal(zs_sock_recv(member, &(struct iovec){ &v, 4 }, 1, 0, NULL, NULL, NULL), 1);
	assert_int_equal(set(sk, IPPROTO_IP, IP_MULTICAST_TTL, 256), -EINVAL);
	assert_int_equal(set(sk, IPPROTO_IP, IP_MULTICAST_TTL, -2), -EINVAL);
	assert_int_equal(zs_sock_setopt(sk, IPPROTO_IP, IP_MULTICAST_TTL, &byte, 0), -EINVAL);
	assert_int_equal(get(sk, IPPROTO_IP, IP_MULTICAST_TTL), 0);
	assert_int_equal(set(sk, IPPROTO_IP, IP_MULTICAST_TTL, -1), 0); /* the default */
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
	sk = sock_of(&net, AF_INET6, SOCK_DGRAM);
	assert_int_equal(mreq6(member, IPV6_JOIN_GROUP, site, FIRST), 0);
	net_wait(&net, 2000000);
	assert_int_equal(get(sk, IPPROTO_IPV6, IPV6_MULTICAST_HOPS), 1);
	assert_int_equal(set(sk, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, 9), 0);
	expect_way6(&net, sk, site, FIRST, 9);
	assert_int_equal(zs_sock_recv(member, &(struct iovec){ &v, 4 }, 1, 0, NULL, NULL, NULL), 1);
	assert_int_equal(set(sk, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 0), 0);
	assert_int_equal(get(sk, IPPROTO_IPV6, IPV6_MULTICAST_LOOP), 0);
	expect_way6(&net, sk, site, FIRST, 9);
	assert_int_equal(zs_sock_recv(member, &(struct iovec){ &v, 4 }, 1, 0, NULL, NULL, NULL),
			 -EAGAIN);
	assert_int_equal(set(sk, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, 0), 0);
	assert_int_equal(set(sk, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 1), 0);
	assert_int_equal(send_one(&net, sk, &to, sizeof(to)), 0);
	assert_int_equal(zs_sock_recv(member, &(struct iovec){ &v, 4 }, 1, 0, NULL, NULL, NULL), 1);
	assert_int_equal(set(sk, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, 256), -EINVAL);
	assert_int_equal(set(sk, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, -2), -EINVAL);
	assert_int_equal(zs_sock_setopt(sk, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &byte, 1), -EINVAL);
	assert_int_equal(set(sk, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, -1), 0);
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
	t4 = sock_of(&net, AF_INET, SOCK_STREAM);
	t6 = sock_of(&net, AF_INET6, SOCK_STREAM);
	u4 = sock_of(&net, AF_INET, SOCK_DGRAM);
	for (unsigned i = 0; i < RTE_DIM(ip4_names); i++) {
		assert_int_equal(set(t4, IPPROTO_IP, ip4_names[i], 1), -EINVAL);
		assert_int_equal(zs_sock_getopt(t4, IPPROTO_IP, ip4_names[i], &v, &len),
				 -ENOPROTOOPT);
		assert_int_equal(set(t6, IPPROTO_IPV6, ip6_names[i], 1), -ENOPROTOOPT);
		assert_int_equal(zs_sock_getopt(t6, IPPROTO_IPV6, ip6_names[i], &v, &len),
				 -ENOPROTOOPT);
		assert_int_equal(set(u4, IPPROTO_IPV6, ip6_names[i], 1), -ENOPROTOOPT);
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
	cmocka_unit_test(test_membership_ip4),	    cmocka_unit_test(test_membership_ip6),
	cmocka_unit_test(test_refused_memberships), cmocka_unit_test(test_interface_ip4),
	cmocka_unit_test(test_interface_ip6),	    cmocka_unit_test(test_ttl_and_loop_ip4),
	cmocka_unit_test(test_hops_and_loop_ip6),   cmocka_unit_test(test_streams_have_none_of_it),
};

ZS_TEST_MAIN(tests)
