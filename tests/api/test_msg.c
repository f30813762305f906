/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ff_recvmsg and ff_sendmsg with control messages, and groups, as programs for Linux use them. The
 * hosts are 10.0.0.1 and .2, and fd00:: with the same behind it.
 */
#include "apitest.h"

#include <netinet/in.h>
#include <stdlib.h>

/* A datagram and its control messages. */
struct got {
	char data[64], control[256];
	struct sockaddr_storage from;
	struct msghdr msg;
	struct iovec iov;
	ssize_t n;
};

static void take(int fd, struct got *g, size_t room)
{
	memset(g, 0, sizeof(*g));
	g->iov = (struct iovec){ g->data, sizeof(g->data) };
	g->msg = (struct msghdr){
		.msg_name = &g->from,
		.msg_namelen = sizeof(g->from),
		.msg_iov = &g->iov,
		.msg_iovlen = 1,
		.msg_control = g->control,
		.msg_controllen = room,
	};
	g->n = ff_recvmsg(fd, &g->msg, MSG_DONTWAIT);
}

static const void *find(struct got *g, int level, int type, size_t len)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&g->msg); c != NULL; c = CMSG_NXTHDR(&g->msg, c)) {
		if (c->cmsg_level != level || c->cmsg_type != type)
			continue;
		assert_int_equal(c->cmsg_len, CMSG_LEN(len));
		return CMSG_DATA(c);
	}
	return NULL;
}

static int number(struct got *g, int level, int type)
{
	const void *p = find(g, level, type, sizeof(int));
	int v;

	assert_non_null(p);
	memcpy(&v, p, sizeof(v));
	return v;
}

static void on(int fd, int level, int name)
{
	int v = 1;
	socklen_t len = sizeof(v);

	assert_int_equal(ff_setsockopt(fd, level, name, &v, sizeof(v)), 0);
	v = 0;
	assert_int_equal(ff_getsockopt(fd, level, name, &v, &len), 0);
	assert_int_equal(v, 1);
}

static int server4(void)
{
	struct sockaddr_in any = { .sin_family = AF_INET, .sin_port = htons(PORT) };
	int fd = ff_socket(AF_INET, SOCK_DGRAM, 0);

	assert_int_equal(ff_bind(fd, sa(&any), sizeof(any)), 0);
	return fd;
}

static struct sockaddr_in6 addr6(const char *text, uint16_t port)
{
	struct sockaddr_in6 sin6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };

	assert_int_equal(inet_pton(AF_INET6, text, &sin6.sin6_addr), 1);
	return sin6;
}

static struct linux_sockaddr *sa6(struct sockaddr_in6 *sin6)
{
	return (struct linux_sockaddr *)(void *)sin6;
}

static int server6(void)
{
	struct sockaddr_in6 any = addr6("::", PORT);
	int fd = ff_socket(AF_INET6, SOCK_DGRAM, 0);

	assert_int_equal(ff_bind(fd, sa6(&any), sizeof(any)), 0);
	return fd;
}

/* ---- receiving ---- */

static void told_of_ip4(void **state)
{
	struct api_world *t = *state;
	struct sockaddr_in to = api_addr(1, PORT);
	struct in_pktinfo info;
	struct sockaddr_in dst;
	int c, s, ttl = 33, tos = 0x48;
	struct got g;

	api_on(t, 1);
	s = server4();
	api_on(t, 0);
	c = ff_socket(AF_INET, SOCK_DGRAM, 0);
	assert_int_equal(ff_setsockopt(c, IPPROTO_IP, IP_TTL, &ttl, sizeof(ttl)), 0);
	assert_int_equal(ff_setsockopt(c, IPPROTO_IP, IP_TOS, &tos, sizeof(tos)), 0);
	assert_int_equal(ff_sendto(c, "a", 1, 0, sa(&to), sizeof(to)), 1);
	api_run_ms(t, 5);
	api_on(t, 1);
	take(s, &g, sizeof(g.control)); /* not asked for */
	assert_int_equal(g.n, 1);
	assert_int_equal(g.msg.msg_controllen, 0);
	on(s, IPPROTO_IP, IP_PKTINFO);
	on(s, IPPROTO_IP, IP_RECVTTL);
	on(s, IPPROTO_IP, IP_RECVTOS);
	on(s, IPPROTO_IP, IP_RECVORIGDSTADDR);
	take(s, &g, sizeof(g.control));
	assert_int_equal(g.n, -1);
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(g.msg.msg_controllen, sizeof(g.control)); /* untouched */
	api_on(t, 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(ff_sendto(c, "abc", 3, 0, sa(&to), sizeof(to)), 3);
	api_run_ms(t, 5);
	api_on(t, 1);
	take(s, &g, sizeof(g.control));
	assert_int_equal(g.n, 3);
	assert_int_equal(g.msg.msg_flags, 0);
	assert_int_equal(number(&g, IPPROTO_IP, IP_TTL), 33);
	assert_int_equal(*(const uint8_t *)find(&g, IPPROTO_IP, IP_TOS, 1), 0x48);
	memcpy(&info, find(&g, IPPROTO_IP, IP_PKTINFO, sizeof(info)), sizeof(info));
	assert_int_equal(info.ipi_ifindex, 1);
	assert_int_equal(info.ipi_addr.s_addr, to.sin_addr.s_addr);
	assert_int_equal(info.ipi_spec_dst.s_addr, to.sin_addr.s_addr);
	memcpy(&dst, find(&g, IPPROTO_IP, IP_ORIGDSTADDR, sizeof(dst)), sizeof(dst));
	assert_memory_equal(&dst, &to, sizeof(to));
	/* little room: whole messages, a part of one, and a flag */
	take(s, &g, CMSG_SPACE(sizeof(info)) + 4);
	assert_int_equal(g.n, 3);
	assert_int_equal(g.msg.msg_flags & MSG_CTRUNC, MSG_CTRUNC);
	assert_non_null(find(&g, IPPROTO_IP, IP_PKTINFO, sizeof(info)));
	take(s, &g, 0);
	assert_int_equal(g.n, 3);
}

static void told_of_ip6(void **state)
{
	struct api_world *t = *state;
	struct sockaddr_in6 to = addr6("fd00::a00:2", PORT),
			    mapped = addr6("::ffff:10.0.0.2", PORT);
	struct in6_pktinfo info;
	int c, s, hops = 7, tclass = 0x28;
	struct got g;

	api_on(t, 1);
	s = server6();
	on(s, IPPROTO_IPV6, IPV6_RECVPKTINFO);
	on(s, IPPROTO_IPV6, IPV6_RECVHOPLIMIT);
	on(s, IPPROTO_IPV6, IPV6_RECVTCLASS);
	api_on(t, 0);
	c = ff_socket(AF_INET6, SOCK_DGRAM, 0);
	assert_int_equal(ff_setsockopt(c, IPPROTO_IPV6, IPV6_UNICAST_HOPS, &hops, sizeof(hops)), 0);
	assert_int_equal(ff_setsockopt(c, IPPROTO_IPV6, IPV6_TCLASS, &tclass, sizeof(tclass)), 0);
	assert_int_equal(ff_sendto(c, "a", 1, 0, sa6(&to), sizeof(to)), 1);
	assert_int_equal(ff_sendto(c, "b", 1, 0, sa6(&mapped), sizeof(mapped)), 1);
	api_run_ms(t, 5);
	api_on(t, 1);
	for (int i = 0; i < 2; i++) {
		take(s, &g, sizeof(g.control));
		assert_int_equal(g.n, 1);
		assert_int_equal(number(&g, IPPROTO_IPV6, IPV6_HOPLIMIT), 7);
		assert_int_equal(number(&g, IPPROTO_IPV6, IPV6_TCLASS), 0x28);
		memcpy(&info, find(&g, IPPROTO_IPV6, IPV6_PKTINFO, sizeof(info)), sizeof(info));
		assert_int_equal(info.ipi6_ifindex, 1);
		assert_memory_equal(&info.ipi6_addr,
				    g.data[0] == 'a' ? &to.sin6_addr : &mapped.sin6_addr, 16);
	}
}

/* ---- sending ---- */

struct control {
	_Alignas(struct cmsghdr) char b[256];
	size_t len;
};

static void add(struct control *c, int level, int type, const void *data, size_t len)
{
	struct cmsghdr h = { .cmsg_len = CMSG_LEN(len), .cmsg_level = level, .cmsg_type = type };

	memcpy(c->b + c->len, &h, sizeof(h));
	memcpy(c->b + c->len + CMSG_LEN(0), data, len);
	c->len += CMSG_SPACE(len);
}

static ssize_t give(int fd, void *to, socklen_t len, struct control *c)
{
	struct iovec iov = { (char *)(uintptr_t) "hello", 5 };
	const struct msghdr msg = {
		.msg_name = to,
		.msg_namelen = len,
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = c->b,
		.msg_controllen = c->len,
	};

	return ff_sendmsg(fd, &msg, 0);
}

static void a_name_without_length_is_none(void **state)
{
	struct sockaddr_in to = api_addr(1, PORT), other = api_addr(1, PORT + 1);
	struct control c = { .len = 0 };
	int fd = ff_socket(AF_INET, SOCK_DGRAM, 0), ttl = 9;

	(void)state;
	assert_errno((int)give(fd, &to, 0, &c), EDESTADDRREQ);
	assert_int_equal(ff_connect(fd, sa(&to), sizeof(to)), 0);
	assert_int_equal(give(fd, &other, 0, &c), 5);
	add(&c, IPPROTO_IP, IP_TTL, &ttl, sizeof(ttl));
	assert_int_equal(give(fd, &other, 0, &c), 5);
	assert_errno((int)ff_sendto(fd, "x", 1, 0, sa(&other), 0), EINVAL);
}

static void sent_as_told_ip4(void **state)
{
	struct api_world *t = *state;
	struct sockaddr_in to = api_addr(1, PORT), lo = { .sin_family = AF_INET }, from;
	struct in_pktinfo info = { .ipi_ifindex = 1 };
	struct control c = { .len = 0 };
	int fd, s, v;
	struct got g;

	api_on(t, 1);
	s = server4();
	on(s, IPPROTO_IP, IP_RECVTTL);
	on(s, IPPROTO_IP, IP_RECVTOS);
	api_on(t, 0);
	fd = ff_socket(AF_INET, SOCK_DGRAM, 0);
	v = 9;
	add(&c, IPPROTO_IP, IP_TTL, &v, sizeof(v));
	v = 0xb8;
	add(&c, IPPROTO_IP, IP_TOS, &v, sizeof(v));
	add(&c, IPPROTO_IP, IP_PKTINFO, &info, sizeof(info));
	assert_int_equal(give(fd, &to, sizeof(to), &c), 5);
	api_run_ms(t, 5);
	api_on(t, 1);
	take(s, &g, sizeof(g.control));
	assert_int_equal(g.n, 5);
	assert_int_equal(number(&g, IPPROTO_IP, IP_TTL), 9);
	assert_int_equal(*(const uint8_t *)find(&g, IPPROTO_IP, IP_TOS, 1), 0xb8);
	/* the source, on the way to ourselves */
	api_on(t, 0);
	s = server4();
	lo.sin_port = htons(PORT);
	lo.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	info = (struct in_pktinfo){ .ipi_spec_dst.s_addr = htonl(0x7f000005) };
	c.len = 0;
	add(&c, IPPROTO_IP, IP_PKTINFO, &info, sizeof(info));
	assert_int_equal(give(fd, &lo, sizeof(lo), &c), 5);
	api_run_ms(t, 5);
	take(s, &g, 0);
	assert_int_equal(g.n, 5);
	memcpy(&from, &g.from, sizeof(from));
	assert_int_equal(from.sin_addr.s_addr, htonl(0x7f000005));
	/* what is wrong */
	info.ipi_spec_dst = to.sin_addr; /* not ours */
	c.len = 0;
	add(&c, IPPROTO_IP, IP_PKTINFO, &info, sizeof(info));
	assert_errno(give(fd, &to, sizeof(to), &c), EINVAL);
	info = (struct in_pktinfo){ .ipi_ifindex = 7 };
	c.len = 0;
	add(&c, IPPROTO_IP, IP_PKTINFO, &info, sizeof(info));
	assert_errno(give(fd, &to, sizeof(to), &c), EINVAL);
	v = 0;
	c.len = 0;
	add(&c, IPPROTO_IP, IP_TTL, &v, sizeof(v));
	assert_errno(give(fd, &to, sizeof(to), &c), EINVAL);
	c.len = 0;
	add(&c, IPPROTO_IP, 99, &v, sizeof(v));
	assert_errno(give(fd, &to, sizeof(to), &c), EINVAL);
	c.len = 0;
	add(&c, IPPROTO_IP, IP_TTL, &v, sizeof(v));
	c.len -= 8; /* longer than it is */
	assert_errno(give(fd, &to, sizeof(to), &c), EINVAL);
}

static void sent_as_told_ip6(void **state)
{
	struct api_world *t = *state;
	struct sockaddr_in6 to = addr6("fd00::a00:2", PORT), from;
	struct in6_pktinfo info = { .ipi6_ifindex = 1 };
	struct control c = { .len = 0 };
	int fd, s, v;
	struct got g;

	api_on(t, 1);
	s = server6();
	on(s, IPPROTO_IPV6, IPV6_RECVHOPLIMIT);
	on(s, IPPROTO_IPV6, IPV6_RECVTCLASS);
	api_on(t, 0);
	fd = ff_socket(AF_INET6, SOCK_DGRAM, 0);
	v = 9;
	add(&c, IPPROTO_IPV6, IPV6_HOPLIMIT, &v, sizeof(v));
	v = 0xb8;
	add(&c, IPPROTO_IPV6, IPV6_TCLASS, &v, sizeof(v));
	info.ipi6_addr = addr6("fe80::ff:fe00:1", 0).sin6_addr;
	add(&c, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof(info));
	assert_int_equal(give(fd, &to, sizeof(to), &c), 5);
	api_run_ms(t, 5);
	api_on(t, 1);
	take(s, &g, sizeof(g.control));
	assert_int_equal(g.n, 5);
	assert_int_equal(number(&g, IPPROTO_IPV6, IPV6_HOPLIMIT), 9);
	assert_int_equal(number(&g, IPPROTO_IPV6, IPV6_TCLASS), 0xb8);
	memcpy(&from, &g.from, sizeof(from));
	assert_memory_equal(&from.sin6_addr, &info.ipi6_addr, 16);
	assert_int_equal(from.sin6_scope_id, 1);
	api_on(t, 0);
	v = -1; /* what it would be without it: RFC 3542 6.3, 6.5 */
	c.len = 0;
	add(&c, IPPROTO_IPV6, IPV6_HOPLIMIT, &v, sizeof(v));
	add(&c, IPPROTO_IPV6, IPV6_TCLASS, &v, sizeof(v));
	assert_int_equal(give(fd, &to, sizeof(to), &c), 5);
	api_run_ms(t, 5);
	api_on(t, 1);
	take(s, &g, sizeof(g.control));
	assert_int_equal(number(&g, IPPROTO_IPV6, IPV6_HOPLIMIT), 64);
	assert_int_equal(number(&g, IPPROTO_IPV6, IPV6_TCLASS), 0);
	api_on(t, 0);
	info.ipi6_addr = to.sin6_addr; /* not ours */
	c.len = 0;
	add(&c, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof(info));
	assert_errno(give(fd, &to, sizeof(to), &c), EINVAL);
}

/* ---- groups ---- */

static void groups_ip4(void **state)
{
	struct api_world *t = *state;
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(PORT) };
	struct ip_mreqn mr = { .imr_multiaddr.s_addr = htonl(0xef010203), .imr_ifindex = 1 };
	struct in_pktinfo info;
	unsigned char small = 5;
	int c, s, v = 0;
	socklen_t len = sizeof(v);
	struct got g;

	to.sin_addr = mr.imr_multiaddr;
	api_on(t, 1);
	s = server4();
	on(s, IPPROTO_IP, IP_PKTINFO);
	on(s, IPPROTO_IP, IP_RECVTTL);
	api_on(t, 0);
	c = ff_socket(AF_INET, SOCK_DGRAM, 0);
	assert_int_equal(ff_setsockopt(c, IPPROTO_IP, IP_MULTICAST_TTL, &small, 1), 0);
	assert_int_equal(ff_getsockopt(c, IPPROTO_IP, IP_MULTICAST_TTL, &v, &len), 0);
	assert_int_equal(v, 5);
	assert_int_equal(ff_sendto(c, "a", 1, 0, sa(&to), sizeof(to)), 1);
	api_run_ms(t, 5);
	api_on(t, 1);
	take(s, &g, sizeof(g.control));
	assert_int_equal(g.n, -1);
	assert_int_equal(ff_setsockopt(s, IPPROTO_IP, IP_ADD_MEMBERSHIP, &mr, sizeof(mr)), 0);
	assert_errno(ff_setsockopt(s, IPPROTO_IP, IP_ADD_MEMBERSHIP, &mr, sizeof(struct ip_mreq)),
		     EADDRINUSE); /* by the route: the same interface */
	api_on(t, 0);
	assert_int_equal(ff_sendto(c, "b", 1, 0, sa(&to), sizeof(to)), 1);
	api_run_ms(t, 5);
	api_on(t, 1);
	take(s, &g, sizeof(g.control));
	assert_int_equal(g.n, 1);
	assert_int_equal(g.data[0], 'b');
	assert_int_equal(number(&g, IPPROTO_IP, IP_TTL), 5);
	memcpy(&info, find(&g, IPPROTO_IP, IP_PKTINFO, sizeof(info)), sizeof(info));
	assert_int_equal(info.ipi_addr.s_addr, mr.imr_multiaddr.s_addr);
	assert_int_equal(info.ipi_spec_dst.s_addr, api_addr(1, 0).sin_addr.s_addr);
	assert_int_equal(info.ipi_ifindex, 1);
	assert_int_equal(ff_setsockopt(s, IPPROTO_IP, IP_DROP_MEMBERSHIP, &mr, sizeof(mr)), 0);
	assert_errno(ff_setsockopt(s, IPPROTO_IP, IP_DROP_MEMBERSHIP, &mr, sizeof(mr)),
		     EADDRNOTAVAIL);
	api_on(t, 0);
	assert_int_equal(ff_sendto(c, "c", 1, 0, sa(&to), sizeof(to)), 1);
	api_run_ms(t, 5);
	api_on(t, 1);
	take(s, &g, sizeof(g.control));
	assert_int_equal(g.n, -1);
	mr.imr_ifindex = 9;
	assert_errno(ff_setsockopt(s, IPPROTO_IP, IP_ADD_MEMBERSHIP, &mr, sizeof(mr)), ENODEV);
	mr.imr_ifindex = 1;
	mr.imr_multiaddr.s_addr = htonl(0x0a000001);
	assert_errno(ff_setsockopt(s, IPPROTO_IP, IP_ADD_MEMBERSHIP, &mr, sizeof(mr)), EINVAL);
	assert_errno(ff_setsockopt(s, IPPROTO_IP, IP_ADD_MEMBERSHIP, &mr, 3), EINVAL);
	c = ff_socket(AF_INET, SOCK_STREAM, 0);
	mr.imr_multiaddr = to.sin_addr;
	assert_errno(ff_setsockopt(c, IPPROTO_IP, IP_ADD_MEMBERSHIP, &mr, sizeof(mr)), EPROTO);
	assert_errno(ff_setsockopt(c, IPPROTO_IP, IP_MULTICAST_TTL, &v, sizeof(v)), EINVAL);
}

static void groups_ip6(void **state)
{
	struct api_world *t = *state;
	struct sockaddr_in6 to = addr6("ff02::77", PORT), wide = addr6("ff05::78", PORT);
	struct ipv6_mreq mr = { .ipv6mr_multiaddr = to.sin6_addr, .ipv6mr_interface = 1 };
	struct group_req gr = { .gr_interface = 1 };
	int c, s, v = 6;
	socklen_t len = sizeof(v);
	struct got g;

	memcpy(&gr.gr_group, &wide, sizeof(wide));
	api_on(t, 1);
	s = server6();
	on(s, IPPROTO_IPV6, IPV6_RECVHOPLIMIT);
	assert_int_equal(ff_setsockopt(s, IPPROTO_IPV6, IPV6_JOIN_GROUP, &mr, sizeof(mr)), 0);
	assert_int_equal(ff_setsockopt(s, IPPROTO_IPV6, MCAST_JOIN_GROUP, &gr, sizeof(gr)), 0);
	assert_errno(ff_setsockopt(s, IPPROTO_IPV6, IPV6_JOIN_GROUP, &mr, sizeof(mr)), EADDRINUSE);
	api_on(t, 0);
	c = ff_socket(AF_INET6, SOCK_DGRAM, 0);
	assert_errno(ff_sendto(c, "a", 1, 0, sa6(&to), sizeof(to)), EINVAL); /* by which? */
	v = 1;
	assert_int_equal(ff_setsockopt(c, IPPROTO_IPV6, IPV6_MULTICAST_IF, &v, sizeof(v)), 0);
	v = 6;
	assert_int_equal(ff_setsockopt(c, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &v, sizeof(v)), 0);
	v = 0;
	assert_int_equal(ff_getsockopt(c, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &v, &len), 0);
	assert_int_equal(v, 6);
	assert_int_equal(ff_sendto(c, "a", 1, 0, sa6(&to), sizeof(to)), 1);
	assert_int_equal(ff_sendto(c, "b", 1, 0, sa6(&wide), sizeof(wide)), 1);
	api_run_ms(t, 5);
	api_on(t, 1);
	for (int i = 0; i < 2; i++) {
		take(s, &g, sizeof(g.control));
		assert_int_equal(g.n, 1);
		assert_int_equal(g.data[0], 'a' + i);
		assert_int_equal(number(&g, IPPROTO_IPV6, IPV6_HOPLIMIT), 6);
	}
	assert_int_equal(ff_setsockopt(s, IPPROTO_IPV6, IPV6_LEAVE_GROUP, &mr, sizeof(mr)), 0);
	assert_int_equal(ff_setsockopt(s, IPPROTO_IPV6, MCAST_LEAVE_GROUP, &gr, sizeof(gr)), 0);
	assert_errno(ff_setsockopt(s, IPPROTO_IPV6, IPV6_LEAVE_GROUP, &mr, sizeof(mr)),
		     EADDRNOTAVAIL);
	v = 5;
	assert_errno(ff_setsockopt(s, IPPROTO_IPV6, IPV6_MULTICAST_IF, &v, sizeof(v)), ENODEV);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test_setup_teardown(told_of_ip4, api_setup, api_teardown),
	cmocka_unit_test_setup_teardown(told_of_ip6, api_setup, api_teardown),
	cmocka_unit_test_setup_teardown(a_name_without_length_is_none, api_setup, api_teardown),
	cmocka_unit_test_setup_teardown(sent_as_told_ip4, api_setup, api_teardown),
	cmocka_unit_test_setup_teardown(sent_as_told_ip6, api_setup, api_teardown),
	cmocka_unit_test_setup_teardown(groups_ip4, api_setup, api_teardown),
	cmocka_unit_test_setup_teardown(groups_ip6, api_setup, api_teardown),
};

ZS_TEST_MAIN(tests)
