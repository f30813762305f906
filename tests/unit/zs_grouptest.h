/* SPDX-License-Identifier: BSD-3-Clause */
/* What the tests of groups' options share: a host with two interfaces, and the structs by which
 * groups and interfaces are named. */
#ifndef ZS_GROUPTEST_H
#define ZS_GROUPTEST_H

#include "zs_net6test.h"
#include "zs_socktest.h"

enum { PORT = 5000, ANY = 0, FIRST = 1, SECOND = 2, NONE = 9 };

/* Frames that were sent: by which port each. */
static uint16_t by_port[NET_OUT_MAX];

static inline uint16_t tx(void *ctx, uint16_t port, struct rte_mbuf **pkts, uint16_t n)
{
	const struct net *net = ctx;

	for (uint16_t i = 0; i < n; i++)
		by_port[net->n_out + i] = port;
	return net_tx(ctx, port, pkts, n);
}

/* Interface 2 is 10.0.1.2 and 2001:db8:1::2. */
static inline void start(struct net *net)
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

static inline struct zs_sock *bound(struct net *net, int family)
{
	struct sockaddr_in6 sin6 = { .sin6_family = AF_INET6, .sin6_port = htons(PORT) };
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = htons(PORT) };
	struct zs_sock *sk = new_sock(net->s, family, SOCK_DGRAM);
	const int on = 1;

	assert_int_equal(zs_sock_setopt(sk, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)), 0);
	if (family == AF_INET)
		assert_int_equal(zs_sock_bind(sk, (struct sockaddr *)&sin, sizeof(sin)), 0);
	else
		assert_int_equal(zs_sock_bind(sk, (struct sockaddr *)&sin6, sizeof(sin6)), 0);
	return sk;
}

static inline uint32_t group4(unsigned d)
{
	return ip4(239, 1, 1, d);
}

static inline uint32_t own4(int number)
{
	return ip4(10, 0, number == SECOND, US);
}

/* ff02::d (that of an interface) and ff05::d */
static inline struct zs_addr group_of(int scope, unsigned d)
{
	struct zs_addr a = group6(d);

	a.b[1] = (uint8_t)scope;
	return a;
}

/* ---- the structs ---- */

static inline int mreqn(struct zs_sock *sk, int name, uint32_t group_be, uint32_t ip4_be,
			int number)
{
	const struct ip_mreqn mr = { { group_be }, { ip4_be }, number };

	return zs_sock_setopt(sk, IPPROTO_IP, name, &mr, sizeof(mr));
}

static inline int mreq(struct zs_sock *sk, int name, uint32_t group_be, uint32_t ip4_be)
{
	const struct ip_mreq mr = { { group_be }, { ip4_be } };

	return zs_sock_setopt(sk, IPPROTO_IP, name, &mr, sizeof(mr));
}

static inline int mreq6(struct zs_sock *sk, int name, struct zs_addr group, unsigned number)
{
	struct ipv6_mreq mr = { .ipv6mr_interface = number };

	memcpy(&mr.ipv6mr_multiaddr, &group, sizeof(group));
	return zs_sock_setopt(sk, IPPROTO_IPV6, name, &mr, sizeof(mr));
}

#endif
