/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Options of IPPROTO_IP and IPPROTO_IPV6 (ip(7), ipv6(7)): what is kept, what is refused with which
 * error, and what stands in the packets that are sent.
 */
#include "zs_net6test.h"
#include "zs_socktest.h"

/* Its value, or the error. */
static int get(struct zs_sock *sk, int level, int name)
{
	int v = -1;
	socklen_t len = sizeof(v);
	int rc = zs_sock_getopt(sk, level, name, &v, &len);

	return rc < 0 ? rc : v;
}

/* Connects to the peer, who is known; of a datagram socket, sends a byte. The packet is f. */
static void send_first(struct net *net, struct zs_sock *sk, int family, struct frame *f)
{
	struct sockaddr_in6 sin6 = { .sin6_family = AF_INET6, .sin6_port = htons(80) };
	struct sockaddr_in sin = { .sin_family = AF_INET,
				   .sin_port = htons(80),
				   .sin_addr.s_addr = host(PEER) };
	const struct zs_addr peer = host6(PEER);
	const void *sa = family == AF_INET ? (void *)&sin : &sin6;
	int rc;

	memcpy(&sin6.sin6_addr, &peer, sizeof(peer));
	net_clear(net);
	rc = zs_sock_connect(sk, sa, family == AF_INET ? sizeof(sin) : sizeof(sin6));
	assert_true(rc == 0 || rc == -EINPROGRESS);
	if (rc == 0)
		assert_int_equal(
			zs_sock_send(sk, &(struct iovec){ (char *)f->b, 1 }, 1, 0, NULL, 0), 1);
	net_flush(net);
	net_sent(net, 0, f);
}

static void start(struct net *net)
{
	net6_start(net);
	net_know(net, PEER);
	net6_know(net, host6(PEER), mac_of(PEER));
}

/* With a stream and a datagram socket. */
static void start_both(struct net *net, int family, struct zs_sock **t, struct zs_sock **u)
{
	start(net);
	*t = new_sock(net->s, family, SOCK_STREAM);
	*u = new_sock(net->s, family, SOCK_DGRAM);
}

static void close_both(struct net *net, struct zs_sock *a, struct zs_sock *b)
{
	zs_sock_close(a);
	zs_sock_close(b);
	net_end(net);
}

static unsigned tclass(const struct frame *f)
{
	return get16(f->b + L2) >> 4 & 0xff;
}

static void test_tos_and_ttl(void **state)
{
	const uint8_t byte = 0x20;
	struct zs_sock *t, *u;
	struct net net;
	struct frame f = { .len = 0 };

	(void)state;
	start_both(&net, AF_INET, &t, &u);
	assert_int_equal(get(u, IPPROTO_IP, IP_TTL), 64);
	assert_int_equal(set_int(u, IPPROTO_IP, IP_TTL, 7), 0);
	assert_int_equal(set_int(u, IPPROTO_IP, IP_TOS, 0x103), 0); /* a byte of it */
	assert_int_equal(get(u, IPPROTO_IP, IP_TOS), 3);
	send_first(&net, u, AF_INET, &f);
	assert_int_equal(f.b[L2 + 1], 3);
	assert_int_equal(f.b[L2 + 8], 7);
	assert_int_equal(set_int(t, IPPROTO_IP, IP_TOS, 0xbb), 0); /* ECN is TCP's own */
	assert_int_equal(get(t, IPPROTO_IP, IP_TOS), 0xb8);
	assert_int_equal(set_int(t, IPPROTO_IP, IP_TTL, 9), 0);
	send_first(&net, t, AF_INET, &f);
	assert_int_equal(f.b[L2 + 1], 0xb8);
	assert_int_equal(f.b[L2 + 8], 9);
	assert_int_equal(zs_sock_setopt(u, IPPROTO_IP, IP_TOS, &byte, 1), 0);
	assert_int_equal(get(u, IPPROTO_IP, IP_TOS), 0x20);
	assert_int_equal(zs_sock_setopt(u, IPPROTO_IP, IP_TOS, &byte, 0), -EINVAL);
	assert_int_equal(set_int(u, IPPROTO_IP, IP_TTL, 0), -EINVAL);
	assert_int_equal(set_int(u, IPPROTO_IP, IP_TTL, 256), -EINVAL);
	assert_int_equal(set_int(u, IPPROTO_IP, IP_TTL, -1), 0);
	assert_int_equal(get(u, IPPROTO_IP, IP_TTL), 64);
	close_both(&net, t, u);
}

static void test_tclass_and_hops(void **state)
{
	const uint8_t byte = 0x20;
	struct zs_sock *t, *u;
	struct net net;
	struct frame f = { .len = 0 };

	(void)state;
	start_both(&net, AF_INET6, &t, &u);
	assert_int_equal(get(u, IPPROTO_IPV6, IPV6_UNICAST_HOPS), 64);
	assert_int_equal(get(t, IPPROTO_IPV6, IPV6_UNICAST_HOPS), 64);
	assert_int_equal(set_int(u, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 7), 0);
	assert_int_equal(set_int(u, IPPROTO_IPV6, IPV6_TCLASS, 0x23), 0);
	assert_int_equal(get(u, IPPROTO_IPV6, IPV6_UNICAST_HOPS), 7);
	assert_int_equal(get(u, IPPROTO_IPV6, IPV6_TCLASS), 0x23);
	send_first(&net, u, AF_INET6, &f);
	assert_int_equal(tclass(&f), 0x23);
	assert_int_equal(f.b[L2 + 7], 7);
	assert_int_equal(set_int(t, IPPROTO_IPV6, IPV6_TCLASS, 0xbb), 0); /* ECN is TCP's own */
	assert_int_equal(get(t, IPPROTO_IPV6, IPV6_TCLASS), 0xb8);
	assert_int_equal(set_int(t, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 9), 0);
	send_first(&net, t, AF_INET6, &f);
	assert_int_equal(tclass(&f), 0xb8);
	assert_int_equal(f.b[L2 + 7], 9);
	assert_int_equal(set_int(u, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 0), 0); /* to neighbours */
	assert_int_equal(get(u, IPPROTO_IPV6, IPV6_UNICAST_HOPS), 0);
	send_first(&net, u, AF_INET6, &f);
	assert_int_equal(f.b[L2 + 7], 0);
	for (int v = -2; v <= 256; v += 258) {
		assert_int_equal(set_int(u, IPPROTO_IPV6, IPV6_TCLASS, v), -EINVAL);
		assert_int_equal(set_int(u, IPPROTO_IPV6, IPV6_UNICAST_HOPS, v), -EINVAL);
	}
	assert_int_equal(zs_sock_setopt(u, IPPROTO_IPV6, IPV6_TCLASS, &byte, 1), -EINVAL);
	assert_int_equal(set_int(u, IPPROTO_IPV6, IPV6_TCLASS, -1), 0);
	assert_int_equal(set_int(u, IPPROTO_IPV6, IPV6_UNICAST_HOPS, -1), 0);
	send_first(&net, u, AF_INET6, &f);
	assert_int_equal(tclass(&f), 0);
	assert_int_equal(f.b[L2 + 7], 64);
	close_both(&net, t, u);
}

/* Each socket of a level keeps these; those of IPv4 have nothing of the level of IPv6. */
static void test_flags(void **state)
{
	static const struct {
		int ip4, ip6; /* of the same meaning; 0 = only IPv4 has it */
		int set, want;
	} v[] = {
		{ IP_MTU_DISCOVER, IPV6_MTU_DISCOVER, IP_PMTUDISC_DO, IP_PMTUDISC_DO },
		{ IP_FREEBIND, IPV6_FREEBIND, 1, 1 },
		{ IP_RECVERR, IPV6_RECVERR, 1, 1 },
		{ IP_PKTINFO, IPV6_RECVPKTINFO, 1, 1 },
		{ IP_BIND_ADDRESS_NO_PORT, 0, 2, 1 },
	};
	static const int types[] = { SOCK_DGRAM, SOCK_STREAM };
	struct zs_sock *sk4, *sk6;
	struct net net;

	(void)state;
	start(&net);
	for (unsigned i = 0; i < 2 * RTE_DIM(v); i++) {
		const int ip6 = v[i / 2].ip6;

		sk4 = new_sock(net.s, AF_INET, types[i % 2]);
		sk6 = new_sock(net.s, AF_INET6, types[i % 2]);
		assert_int_equal(set_int(sk4, IPPROTO_IP, v[i / 2].ip4, v[i / 2].set), 0);
		assert_int_equal(get(sk4, IPPROTO_IP, v[i / 2].ip4), v[i / 2].want);
		if (ip6 != 0) {
			assert_int_equal(set_int(sk6, IPPROTO_IPV6, ip6, v[i / 2].set), 0);
			assert_int_equal(get(sk6, IPPROTO_IPV6, ip6), v[i / 2].want);
			assert_int_equal(set_int(sk4, IPPROTO_IPV6, ip6, 1), -ENOPROTOOPT);
			assert_int_equal(get(sk4, IPPROTO_IPV6, ip6), -ENOPROTOOPT);
		}
		zs_sock_close(sk4);
		zs_sock_close(sk6);
	}
	net_end(&net);
}

static void test_freebind_of_datagrams(void **state)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(0x0a0000fe) };
	struct zs_sock *sk;
	struct net net;

	(void)state;
	start(&net);
	sk = new_sock(net.s, AF_INET, SOCK_DGRAM);
	assert_int_equal(zs_sock_bind(sk, (struct sockaddr *)&sa, sizeof(sa)), -EADDRNOTAVAIL);
	assert_int_equal(set_int(sk, IPPROTO_IP, IP_FREEBIND, 1), 0);
	assert_int_equal(zs_sock_bind(sk, (struct sockaddr *)&sa, sizeof(sa)), 0);
	zs_sock_close(sk);
	net_end(&net);
}

static void test_refusals(void **state)
{
	struct zs_sock *t, *u;
	struct net net;

	(void)state;
	start_both(&net, AF_INET6, &t, &u);
	for (int v = -1; v <= IP_PMTUDISC_OMIT + 1; v += IP_PMTUDISC_OMIT + 2) {
		assert_int_equal(set_int(u, IPPROTO_IP, IP_MTU_DISCOVER, v), -EINVAL);
		assert_int_equal(set_int(u, IPPROTO_IPV6, IPV6_MTU_DISCOVER, v), -EINVAL);
	}
	assert_int_equal(set_int(u, IPPROTO_IP, IP_MTU, 1500), -ENOPROTOOPT);
	assert_int_equal(set_int(u, IPPROTO_IPV6, 9999, 1), -ENOPROTOOPT);
	assert_int_equal(get(u, IPPROTO_IP, 9999), -ENOPROTOOPT);
	assert_int_equal(get(u, IPPROTO_IPV6, 9999), -ENOPROTOOPT);
	assert_int_equal(get(t, IPPROTO_IPV6, 9999), -ENOPROTOOPT);
	close_both(&net, t, u);
}

/* Only IPv6, or both: to be said before bind(). */
static void test_v6only(void **state)
{
	const struct sockaddr_in6 any = { .sin6_family = AF_INET6, .sin6_port = htons(80) };
	const struct sockaddr_in any4 = { .sin_family = AF_INET, .sin_port = htons(80) };
	static const int types[] = { SOCK_DGRAM, SOCK_STREAM };
	struct zs_sock *sk, *sk4;
	struct net net;

	(void)state;
	start(&net);
	for (unsigned i = 0; i < RTE_DIM(types); i++) {
		sk = new_sock(net.s, AF_INET6, types[i]);
		sk4 = new_sock(net.s, AF_INET, types[i]);
		assert_int_equal(get(sk, IPPROTO_IPV6, IPV6_V6ONLY), 0);
		assert_int_equal(set_int(sk, IPPROTO_IPV6, IPV6_V6ONLY, 2), 0);
		assert_int_equal(get(sk, IPPROTO_IPV6, IPV6_V6ONLY), 1);
		assert_int_equal(zs_sock_bind(sk, (const void *)&any, sizeof(any)), 0);
		assert_int_equal(set_int(sk, IPPROTO_IPV6, IPV6_V6ONLY, 0), -EINVAL);
		assert_int_equal(zs_sock_bind(sk4, (const void *)&any4, sizeof(any4)), 0);
		if (types[i] == SOCK_STREAM)
			assert_int_equal(zs_sock_listen(sk, 1), 0);
		assert_int_equal(set_int(sk, IPPROTO_IPV6, IPV6_V6ONLY, 0), -EINVAL);
		zs_sock_close(sk);
		zs_sock_close(sk4);
	}
	net_end(&net);
}

static void test_path_mtu(void **state)
{
	const struct zs_addr peer = host6(PEER);
	struct zs_sock *t, *u;
	struct net net;
	struct frame f = { .len = 0 };

	(void)state;
	start_both(&net, AF_INET6, &t, &u);
	assert_int_equal(get(t, IPPROTO_IPV6, IPV6_MTU), -ENOTCONN);
	assert_int_equal(get(t, IPPROTO_IP, IP_MTU), -ENOTCONN);
	assert_int_equal(get(u, IPPROTO_IPV6, IPV6_MTU), -ENOTCONN);
	send_first(&net, t, AF_INET6, &f);
	send_first(&net, u, AF_INET6, &f);
	assert_int_equal(get(t, IPPROTO_IPV6, IPV6_MTU), 1500);
	assert_int_equal(get(u, IPPROTO_IPV6, IPV6_MTU), 1500);
	zs_pmtu_lower(net.s, ZS_AF_IP6, &peer, 1400);
	assert_int_equal(get(t, IPPROTO_IPV6, IPV6_MTU), 1400);
	assert_int_equal(get(u, IPPROTO_IPV6, IPV6_MTU), 1400);
	close_both(&net, t, u);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_tos_and_ttl),
	cmocka_unit_test(test_tclass_and_hops),
	cmocka_unit_test(test_flags),
	cmocka_unit_test(test_refusals),
	cmocka_unit_test(test_freebind_of_datagrams),
	cmocka_unit_test(test_v6only),
	cmocka_unit_test(test_path_mtu),
};

ZS_TEST_MAIN(tests)
