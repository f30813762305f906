/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Datagrams over IPv4 and IPv6: batches whose buffers change hands, datagrams that leave as several
 * (UDP_SEGMENT), what becomes of them (ICMP errors, the error queue), path MTUs, times of arrival.
 */
#include <time.h> /* before errqueue.h, which needs it */

#include <linux/errqueue.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <rte_mbuf.h>
#include <stdio.h>

#include "apitest.h"
#include "core/zs_stats.h"
#include "zs_simpattern.h"
#include "zstack.h"

enum { OTHER = 81, MTU = 1520, UDP_HDR = 8 };

static int iphdr(int family)
{
	return family == AF_INET ? 20 : 40;
}

static void set(int fd, int level, int name, int v)
{
	assert_int_equal(ff_setsockopt(fd, level, name, &v, sizeof(v)), 0);
}

static int get(int fd, int level, int name)
{
	int v = -1;
	socklen_t len = sizeof(v);

	assert_int_equal(ff_getsockopt(fd, level, name, &v, &len), 0);
	return v;
}

static socklen_t address(int family, int host, uint16_t port, struct sockaddr_storage *ss)
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
static int bound(struct api_world *t, int i, int family, uint16_t port)
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

static void connect_to(int fd, int family, int host, uint16_t port)
{
	struct sockaddr_storage ss;
	socklen_t len = address(family, host, port, &ss);

	assert_int_equal(ff_connect(fd, (void *)&ss, len), 0);
}

static ssize_t send_to(int fd, int family, int host, uint16_t port, const void *data, size_t n)
{
	struct sockaddr_storage ss;
	socklen_t len = address(family, host, port, &ss);

	return ff_sendto(fd, data, n, 0, (void *)&ss, len);
}

static void close_on(struct api_world *t, int i, int fd)
{
	api_on(t, i);
	assert_int_equal(ff_close(fd), 0);
}

static z_buf *filled(size_t off, size_t n)
{
	z_buf *b = z_alloc(-1, n, 0);
	void *p = b != NULL ? z_buf_append(b, n) : NULL;

	assert_non_null(p);
	zs_sim_fill(1, off, p, n);
	return b;
}

static void expect_bytes(z_buf *b, size_t off, size_t n)
{
	assert_int_equal(z_buf_len(b), n);
	assert_int_equal(zs_sim_match_chain(1, off, (struct rte_mbuf *)b), n);
}

static uint64_t copies(struct api_world *t)
{
	return zs_stack_stats(t->host[0].h->s)->copies + zs_stack_stats(t->host[1].h->s)->copies;
}

static uint64_t dropped(struct api_world *t, int host, enum zs_drop why)
{
	return zs_stack_stats(t->host[host].h->s)->drops[why];
}

/* ---- batches ---- */

static void batch(struct api_world *t, int family)
{
	struct sockaddr_storage to, from[8], a;
	socklen_t len = address(family, 1, PORT, &to), alen = address(family, 0, OTHER, &a);
	struct z_dgram v[8] = { { .buf = NULL } }, got[8] = { { .buf = NULL } };
	int c = bound(t, 0, family, OTHER), s = bound(t, 1, family, PORT);
	uint64_t before = copies(t);
	z_buf *kept;

	assert_errno(z_recv_dgrams(s, got, 8, 0), EAGAIN);
	api_on(t, 0);
	for (int i = 0; i < 5; i++)
		v[i] = (struct z_dgram){ filled(i * 100, i * 300), (void *)&to, len, 0, 0, 0 };
	z_buf_free(v[1].buf);
	v[1].buf = kept = filled(0, 60000);
	assert_int_equal(z_buf_join(kept, filled(60000, 10000)), 0); /* longer than a datagram */
	v[3].addr = NULL;					     /* not connected */
	assert_int_equal(z_send_dgrams(c, v, 5, 0), 3);
	for (int i = 0; i < 5; i++) {
		const int error[5] = { 0, EMSGSIZE, 0, EDESTADDRREQ, 0 };

		assert_int_equal(v[i].error, error[i]);
		assert_int_equal(v[i].len, error[i] == 0 ? i * 300 : 0);
		assert_int_equal(v[i].buf == NULL, error[i] == 0);
	}
	assert_ptr_equal(v[1].buf, kept);
	expect_bytes(v[1].buf, 0, 70000);
	expect_bytes(v[3].buf, 300, 900);
	z_buf_free(v[1].buf);
	z_buf_free(v[3].buf);
	api_run_ms(t, 5);
	api_on(t, 1);
	for (int i = 0; i < 8; i++)
		got[i] = (struct z_dgram){ .addr = (void *)&from[i], .addrlen = sizeof(from[i]) };
	got[2].addr = NULL;
	assert_int_equal(z_recv_dgrams(s, got, 2, MSG_DONTWAIT), 2);
	assert_int_equal(z_recv_dgrams(s, got + 2, 6, 0), 1);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(got[i].len, i * 600);
		expect_bytes(got[i].buf, i * 200, i * 600);
		z_buf_free(got[i].buf);
	}
	assert_int_equal(got[1].addrlen, alen);
	assert_memory_equal(&from[1], &a, alen);
	assert_null(got[3].buf);
	assert_errno(z_recv_dgrams(s, got, 8, MSG_DONTWAIT), EAGAIN);
	assert_int_equal(copies(t), before);
	close_on(t, 0, c);
	close_on(t, 1, s);
}

/* An answer in the buffer that asked, to whoever it came from. */
static void echo_batch(struct api_world *t, int family)
{
	struct sockaddr_storage from[4];
	struct z_dgram v[4];
	int c = bound(t, 0, family, OTHER), s = bound(t, 1, family, PORT), n;
	uint64_t before;

	api_on(t, 0);
	connect_to(c, family, 1, PORT);
	before = copies(t);
	for (int i = 0; i < 4; i++)
		v[i] = (struct z_dgram){ .buf = filled(i, 100) };
	assert_int_equal(z_send_dgrams(c, v, 4, 0), 4);
	api_run_ms(t, 5);
	api_on(t, 1);
	for (int i = 0; i < 4; i++)
		v[i] = (struct z_dgram){ .addr = (void *)&from[i], .addrlen = sizeof(from[i]) };
	n = z_recv_dgrams(s, v, 4, 0);
	assert_int_equal(n, 4);
	assert_int_equal(z_send_dgrams(s, v, n, 0), 4);
	api_run_ms(t, 5);
	api_on(t, 0);
	memset(v, 0, sizeof(v));
	assert_int_equal(z_recv_dgrams(c, v, 4, 0), 4);
	for (int i = 0; i < 4; i++) {
		expect_bytes(v[i].buf, i, 100);
		z_buf_free(v[i].buf);
	}
	assert_int_equal(copies(t), before);
	close_on(t, 0, c);
	close_on(t, 1, s);
}

static void misuse(struct api_world *t, int family)
{
	struct z_dgram v = { .buf = NULL };
	int c = bound(t, 0, family, OTHER), st = ff_socket(family, SOCK_STREAM, 0);

	assert_errno(z_recv_dgrams(st, &v, 1, 0), EOPNOTSUPP);
	assert_errno(z_send_dgrams(st, &v, 1, 0), EOPNOTSUPP);
	assert_errno(z_recv_dgrams(c, &v, 0, 0), EINVAL);
	assert_errno(z_send_dgrams(c, &v, 0, 0), EINVAL);
	assert_errno(z_recv_dgrams(c, NULL, 1, 0), EFAULT);
	assert_errno(z_send_dgrams(c, NULL, 1, 0), EFAULT);
	assert_errno(z_send_dgrams(c, &v, 1, 0), EINVAL); /* no buffer */
	assert_int_equal(v.error, EINVAL);
	assert_int_equal(ff_shutdown(c, SHUT_RD), -1); /* not connected, as on Linux */
	close_on(t, 0, c);
	close_on(t, 0, st);
}

/* ---- segments ---- */

static void expect_segments(struct api_world *t, int s, const size_t *len, int n, size_t off)
{
	struct z_dgram got[70] = { { .buf = NULL } };

	api_run_ms(t, 10);
	api_on(t, 1);
	assert_int_equal(z_recv_dgrams(s, got, 70, MSG_DONTWAIT), n);
	for (int i = 0; i < n; i++) {
		expect_bytes(got[i].buf, off, len[i]);
		off += len[i];
		z_buf_free(got[i].buf);
	}
	api_on(t, 0);
}

static ssize_t sendmsg_cut(int fd, void *data, size_t n, uint16_t size, size_t cmsg_len)
{
	union {
		struct cmsghdr c;
		char room[CMSG_SPACE(sizeof(int))];
	} u = { .c = { .cmsg_len = CMSG_LEN(cmsg_len),
		       .cmsg_level = IPPROTO_UDP,
		       .cmsg_type = UDP_SEGMENT } };
	struct iovec iov = { data, n };
	const struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &u,
		.msg_controllen = CMSG_SPACE(cmsg_len),
	};

	memcpy(CMSG_DATA(&u.c), &size, sizeof(size));
	return ff_sendmsg(fd, &msg, 0);
}

static void segments(struct api_world *t, int family)
{
	const size_t three[] = { 1000, 1000, 500 }, one[] = { 900 };
	int c = bound(t, 0, family, OTHER), s = bound(t, 1, family, PORT);
	struct z_dgram v = { .buf = NULL };
	uint64_t before;
	char data[2500];
	z_buf *ref;

	api_on(t, 0);
	connect_to(c, family, 1, PORT);
	assert_int_equal(get(c, IPPROTO_UDP, UDP_SEGMENT), 0);
	before = copies(t);
	v = (struct z_dgram){ .buf = filled(7, 2500), .segment = 1000 };
	ref = z_buf_ref(v.buf);
	assert_int_equal(z_send_dgrams(c, &v, 1, 0), 1);
	assert_int_equal(v.len, 2500);
	expect_segments(t, s, three, 3, 7);
	expect_bytes(ref, 7, 2500); /* nobody wrote into it */
	z_buf_free(ref);
	set(c, IPPROTO_UDP, UDP_SEGMENT, 1000);
	assert_int_equal(get(c, IPPROTO_UDP, UDP_SEGMENT), 1000);
	ref = filled(9, 2500);
	assert_int_equal(z_write(c, ref, 2500), 2500);
	expect_segments(t, s, three, 3, 9);
	ref = filled(3, 900); /* shorter than one: as it is */
	assert_int_equal(z_write(c, ref, 900), 900);
	expect_segments(t, s, one, 1, 3);
	assert_int_equal(copies(t), before);
	set(c, IPPROTO_UDP, UDP_SEGMENT, 0);
	zs_sim_fill(1, 0, data, sizeof(data)); /* copied once, then cut */
	assert_int_equal(sendmsg_cut(c, data, 2500, 1000, sizeof(uint16_t)), 2500);
	expect_segments(t, s, three, 3, 0);
	assert_errno(sendmsg_cut(c, data, 2500, 1000, sizeof(int)), EINVAL);
	close_on(t, 0, c);
	close_on(t, 1, s);
}

static void segment_limits(struct api_world *t, int family)
{
	int c = bound(t, 0, family, OTHER), s = bound(t, 1, family, PORT);
	const int most = MTU - iphdr(family) - UDP_HDR, bad[] = { -1, 65536 };
	unsigned n = 0;
	z_buf *b;

	api_on(t, 0);
	connect_to(c, family, 1, PORT);
	for (int i = 0; i < 2; i++)
		assert_errno(ff_setsockopt(c, IPPROTO_UDP, UDP_SEGMENT, &bad[i], sizeof(int)),
			     EINVAL);
	assert_errno(ff_setsockopt(c, IPPROTO_UDP, 12345, &bad[0], sizeof(int)), ENOPROTOOPT);
	set(c, IPPROTO_UDP, UDP_SEGMENT, most + 1);
	b = filled(0, 5000);
	assert_errno(z_write(c, b, 5000), EINVAL); /* longer than the path takes */
	set(c, IPPROTO_UDP, UDP_SEGMENT, most);
	assert_int_equal(z_write(c, b, 5000), 5000);
	api_run_ms(t, 5);
	api_on(t, 1);
	for (int i = 0; i < 4; i++) {
		assert_true(z_read(s, &b, 1) > 0);
		z_buf_free(b);
	}
	api_on(t, 0);
	set(c, IPPROTO_UDP, UDP_SEGMENT, 10);
	b = filled(0, 641);
	assert_errno(z_write(c, b, 641), EINVAL); /* 65 */
	z_buf_free(b);
	b = filled(0, 640);
	assert_int_equal(z_write(c, b, 640), 640);
	api_run_ms(t, 10);
	api_on(t, 1);
	while (z_read(s, &b, 1) == 10) {
		z_buf_free(b);
		n++;
	}
	assert_int_equal(n + dropped(t, 1, ZS_DROP_UDP_FULL), 64); /* some found no room there */
	close_on(t, 0, c);
	close_on(t, 1, s);
}

/* ---- errors ---- */

struct report {
	struct sock_extended_err err;
	struct sockaddr_storage offender, to;
	socklen_t to_len;
	char data[256];
	ssize_t n;
};

static bool next_error(int fd, int family, struct report *r)
{
	union {
		struct cmsghdr first;
		char bytes[128];
	} room;
	struct iovec iov = { r->data, sizeof(r->data) };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &room,
		.msg_controllen = sizeof(room),
		.msg_name = &r->to,
		.msg_namelen = sizeof(r->to),
	};
	struct cmsghdr *c;

	memset(&r->to, 0, sizeof(r->to));
	r->n = ff_recvmsg(fd, &msg, MSG_ERRQUEUE);
	if (r->n < 0) {
		assert_int_equal(errno, EAGAIN);
		return false;
	}
	assert_int_equal(msg.msg_flags, MSG_ERRQUEUE);
	r->to_len = msg.msg_namelen;
	c = CMSG_FIRSTHDR(&msg);
	assert_non_null(c);
	assert_int_equal(c->cmsg_level, family == AF_INET ? IPPROTO_IP : IPPROTO_IPV6);
	assert_int_equal(c->cmsg_type, family == AF_INET ? IP_RECVERR : IPV6_RECVERR);
	memcpy(&r->err, CMSG_DATA(c), sizeof(r->err));
	memset(&r->offender, 0, sizeof(r->offender));
	memcpy(&r->offender, CMSG_DATA(c) + sizeof(r->err),
	       family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6));
	return true;
}

static void ask_for_errors(int fd, int family, bool on)
{
	if (family == AF_INET)
		set(fd, IPPROTO_IP, IP_RECVERR, on);
	else
		set(fd, IPPROTO_IPV6, IPV6_RECVERR, on);
}

static void refused(struct api_world *t, int family)
{
	int c = bound(t, 0, family, OTHER);
	char buf[8];

	connect_to(c, family, 1, PORT);
	assert_int_equal(ff_send(c, "x", 1, 0), 1);
	api_run_ms(t, 5);
	assert_errno(ff_recv(c, buf, sizeof(buf), 0), ECONNREFUSED);
	assert_errno(ff_recv(c, buf, sizeof(buf), 0), EAGAIN); /* once */
	assert_int_equal(ff_send(c, "x", 1, 0), 1);
	api_run_ms(t, 5);
	assert_int_equal(get(c, SOL_SOCKET, SO_ERROR), ECONNREFUSED);
	assert_int_equal(get(c, SOL_SOCKET, SO_ERROR), 0);
	close_on(t, 0, c);
}

static void error_queue(struct api_world *t, int family)
{
	int c = bound(t, 0, family, OTHER), ep = ff_epoll_create(1);
	struct epoll_event ev = { .events = EPOLLIN };
	struct sockaddr_storage peer;
	socklen_t len = address(family, 1, PORT, &peer);
	struct report r;
	char buf[8];

	assert_int_equal(ff_epoll_ctl(ep, EPOLL_CTL_ADD, c, &ev), 0);
	assert_int_equal(send_to(c, family, 1, PORT, "hello", 5), 5);
	api_run_ms(t, 5);
	assert_int_equal(ff_epoll_wait(ep, &ev, 1, 0), 0); /* not asked for */
	assert_errno(ff_recv(c, buf, sizeof(buf), 0), EAGAIN);
	ask_for_errors(c, family, true);
	assert_int_equal(send_to(c, family, 1, PORT, "hello", 5), 5);
	api_run_ms(t, 5);
	assert_int_equal(ff_epoll_wait(ep, &ev, 1, 0), 1);
	assert_int_equal(ev.events, EPOLLERR);
	assert_true(next_error(c, family, &r));
	assert_int_equal(r.err.ee_errno, ECONNREFUSED);
	assert_int_equal(r.err.ee_origin,
			 family == AF_INET ? SO_EE_ORIGIN_ICMP : SO_EE_ORIGIN_ICMP6);
	assert_int_equal(r.err.ee_type, family == AF_INET ? 3 : 1);
	assert_int_equal(r.err.ee_code, family == AF_INET ? 3 : 4);
	assert_int_equal(r.err.ee_info, 0);
	assert_int_equal(r.to_len, len);
	assert_memory_equal(&r.to, &peer, len);
	(void)address(family, 1, 0, &peer); /* it told us itself */
	assert_memory_equal(&r.offender, &peer, len);
	assert_int_equal(r.n, 5);
	assert_memory_equal(r.data, "hello", 5);
	assert_false(next_error(c, family, &r));
	assert_int_equal(ff_epoll_wait(ep, &ev, 1, 0), 0);
	assert_int_equal(get(c, SOL_SOCKET, SO_ERROR), 0); /* it was told */
	close_on(t, 0, ep);
	close_on(t, 0, c);
}

/* A sender who never looks keeps little. */
static void error_bounds(struct api_world *t, int family)
{
	int c = bound(t, 0, family, OTHER), n = 0;
	struct report r;

	ask_for_errors(c, family, true);
	for (int i = 0; i < 40; i++) {
		(void)get(c, SOL_SOCKET, SO_ERROR);
		assert_int_equal(send_to(c, family, 1, (uint16_t)(PORT + i), "x", 1), 1);
		api_run_ms(t, 1200); /* our peer limits how often it complains */
	}
	assert_int_equal(dropped(t, 0, ZS_DROP_UDP_ERRORS), 8);
	while (next_error(c, family, &r))
		n++;
	assert_int_equal(n, 32);
	assert_int_equal(send_to(c, family, 1, PORT, "x", 1), 1);
	api_run_ms(t, 5);
	ask_for_errors(c, family, false); /* forgets what waits */
	assert_false(next_error(c, family, &r));
	close_on(t, 0, c);
}

/* ---- a router on the way ---- */

struct router {
	struct api_world *t;
	int family, limit, told; /* longer packets of a's are refused: MTU */
	bool df_seen, fragments_seen;
	uint16_t port; /* 0 = as quoted; else a lie: another source port */
};

static uint32_t sum16(const uint8_t *p, size_t n, uint32_t sum)
{
	for (size_t i = 0; i < n; i++)
		sum += i % 2 == 0 ? (uint32_t)p[i] << 8 : p[i];
	while (sum >> 16 != 0)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static void put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

/* "Too big" about the packet at ip, to its sender. */
static void complain(struct router *r, const uint8_t *frame, int limit)
{
	uint8_t f[14 + 40 + 8 + 100] = { 0 };
	const uint8_t *ip = frame + 14;
	bool v4 = r->family == AF_INET;
	unsigned h = v4 ? 20 : 40, quote = h + 8 + 12, n = 8 + quote;
	uint8_t *icmp = f + 14 + h;
	uint32_t sum;

	memcpy(f, frame + 6, 6);
	memcpy(f + 6, frame, 6);
	memcpy(f + 12, frame + 12, 2);
	if (v4) {
		f[14] = 0x45;
		put16(f + 16, h + n);
		f[22] = 64;
		f[23] = 1;
		memcpy(f + 26, "\x0a\0\0\xfe", 4); /* 10.0.0.254 */
		memcpy(f + 30, ip + 12, 4);
		put16(f + 24, ~sum16(f + 14, h, 0));
		icmp[0] = 3;
		icmp[1] = 4;
		put16(icmp + 6, (uint32_t)limit);
	} else {
		f[14] = 0x60;
		put16(f + 18, n);
		f[20] = 58;
		f[21] = 64;
		memcpy(f + 22, ip + 24, 16);
		f[37] ^= 0x80; /* another host of the same network */
		memcpy(f + 38, ip + 8, 16);
		icmp[0] = 2;
		put16(icmp + 6, (uint32_t)limit);
	}
	memcpy(icmp + 8, ip, quote);
	if (r->port != 0)
		put16(icmp + 8 + h, r->port);
	sum = v4 ? 0 : sum16(f + 22, 32, 58 + n);
	put16(icmp + 2, ~sum16(icmp, n, sum));
	r->told++;
	zs_simlink_inject(r->t->link, 1, f, 14 + h + n);
}

static unsigned int route(void *arg, struct zs_simpkt *p)
{
	struct router *r = arg;
	const uint8_t *ip = p->data + 14;
	bool v4 = r->family == AF_INET;
	int len = v4 ? ip[2] << 8 | ip[3] : 40 + (ip[4] << 8 | ip[5]);

	if (memcmp(p->data + 12, v4 ? "\x08\0" : "\x86\xdd", 2) != 0 || ip[v4 ? 9 : 6] == 58)
		return ZS_SIM_PASS;
	r->df_seen = v4 && (ip[6] & 0x40) != 0;
	r->fragments_seen = v4 ? ((ip[6] & 0x3f) | ip[7]) != 0 : ip[6] == 44;
	if (len <= r->limit || (v4 && !r->df_seen))
		return ZS_SIM_PASS;
	complain(r, p->data, r->limit);
	return ZS_SIM_DROP;
}

static void put_router(struct api_world *t, struct router *r, int family, int limit)
{
	*r = (struct router){ .t = t, .family = family, .limit = limit };
	t->link->wire[0].cfg.rule = route;
	t->link->wire[0].cfg.rule_arg = r;
}

static void set_discover(int fd, int family, int how)
{
	if (family == AF_INET)
		set(fd, IPPROTO_IP, IP_MTU_DISCOVER, how);
	else
		set(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, how);
}

static int mtu_of(int fd, int family)
{
	return family == AF_INET ? get(fd, IPPROTO_IP, IP_MTU) : get(fd, IPPROTO_IPV6, IPV6_MTU);
}

static void expect_whole(struct api_world *t, int s, size_t n)
{
	static char buf[4000];

	api_run_ms(t, 5);
	api_on(t, 1);
	assert_int_equal(ff_recv(s, buf, sizeof(buf), 0), n);
	api_on(t, 0);
}

static void path_mtu(struct api_world *t, int family)
{
	int c = bound(t, 0, family, OTHER), s = bound(t, 1, family, PORT), v;
	const int h = iphdr(family) + UDP_HDR;
	socklen_t vlen = sizeof(v);
	static char data[4000];
	static struct router r;

	api_on(t, 0);
	put_router(t, &r, family, 1400);
	assert_errno(family == AF_INET ? ff_getsockopt(c, IPPROTO_IP, IP_MTU, &v, &vlen)
				       : ff_getsockopt(c, IPPROTO_IPV6, IPV6_MTU, &v, &vlen),
		     ENOTCONN);
	connect_to(c, family, 1, PORT);
	assert_int_equal(mtu_of(c, family), MTU);
	/* as sockets come: lost once, and the sender hears of it; cut from then on */
	assert_int_equal(ff_send(c, data, 1450, 0), 1450);
	api_run_ms(t, 5);
	assert_int_equal(r.df_seen, family == AF_INET);
	assert_int_equal(r.told, 1);
	assert_int_equal(mtu_of(c, family), 1400);
	assert_errno(ff_send(c, data, 1450, 0), EMSGSIZE);
	assert_int_equal(ff_send(c, data, 1450, 0), 1450);
	assert_true(r.fragments_seen && !r.df_seen);
	expect_whole(t, s, 1450);
	assert_int_equal(ff_send(c, data, (size_t)(1400 - h), 0), 1400 - h);
	assert_true(!r.fragments_seen && r.df_seen == (family == AF_INET));
	expect_whole(t, s, (size_t)(1400 - h));
	/* never cut by us */
	set_discover(c, family, IP_PMTUDISC_DO);
	assert_errno(ff_send(c, data, (size_t)(1401 - h), 0), EMSGSIZE);
	assert_int_equal(ff_send(c, data, (size_t)(1400 - h), 0), 1400 - h);
	expect_whole(t, s, (size_t)(1400 - h));
	/* whatever the path takes, as far as the link does */
	set_discover(c, family, IP_PMTUDISC_PROBE);
	assert_int_equal(mtu_of(c, family), MTU);
	assert_int_equal(ff_send(c, data, (size_t)(MTU - h), 0), MTU - h);
	api_run_ms(t, 5);
	assert_int_equal(r.told, 2);
	assert_int_equal(get(c, SOL_SOCKET, SO_ERROR), EMSGSIZE);
	assert_errno(ff_send(c, data, (size_t)(MTU + 1 - h), 0), EMSGSIZE);
	set_discover(c, family, IP_PMTUDISC_INTERFACE);
	assert_errno(ff_send(c, data, (size_t)(MTU + 1 - h), 0), EMSGSIZE);
	/* routers may cut, and we do where the link is too narrow */
	set_discover(c, family, IP_PMTUDISC_OMIT);
	assert_int_equal(ff_send(c, data, 4000, 0), 4000);
	assert_true(r.fragments_seen && !r.df_seen);
	assert_int_equal(r.told, family == AF_INET ? 2 : 4); /* IPv6: nobody on the way cuts */
	set_discover(c, family, IP_PMTUDISC_DONT);
	(void)get(c, SOL_SOCKET, SO_ERROR);
	assert_int_equal(ff_send(c, data, 1300, 0), 1300);
	assert_true(!r.fragments_seen && !r.df_seen);
	t->link->wire[0].cfg.rule = NULL;
	api_run_ms(t, 100);
	close_on(t, 0, c);
	close_on(t, 1, s);
	api_run_ms(t, 1000 * 700); /* ten minutes later nothing is known of the path */
}

/* What did not fit, in the queue: of a router, and of our own. */
static void path_mtu_errors(struct api_world *t, int family)
{
	int c = bound(t, 0, family, OTHER), s = bound(t, 1, family, PORT);
	struct sockaddr_storage peer;
	socklen_t len = address(family, 1, PORT, &peer);
	static char data[4000];
	static struct router r;
	struct report e;

	api_on(t, 0);
	put_router(t, &r, family, 1400);
	ask_for_errors(c, family, true);
	set_discover(c, family, IP_PMTUDISC_DO);
	assert_int_equal(send_to(c, family, 1, PORT, data, 1440), 1440);
	api_run_ms(t, 5);
	assert_true(next_error(c, family, &e));
	assert_int_equal(e.err.ee_errno, EMSGSIZE);
	assert_int_equal(e.err.ee_info, 1400);
	assert_memory_equal(&e.to, &peer, len);
	assert_memory_not_equal(&e.offender, &peer, len); /* the router */
	assert_int_equal(e.offender.ss_family, family);
	assert_errno(send_to(c, family, 1, PORT, data, 1440), EMSGSIZE);
	assert_true(next_error(c, family, &e));
	assert_int_equal(e.err.ee_origin, SO_EE_ORIGIN_LOCAL);
	assert_int_equal(e.err.ee_errno, EMSGSIZE);
	assert_int_equal(e.err.ee_info, 1400);
	assert_int_equal(e.offender.ss_family, AF_UNSPEC);
	assert_memory_equal(&e.to, &peer, len);
	assert_false(next_error(c, family, &e));
	t->link->wire[0].cfg.rule = NULL;
	close_on(t, 0, c);
	close_on(t, 1, s);
	api_run_ms(t, 1000 * 700);
}

/* Messages about what nobody sent: of another port, of another peer. */
static void forged(struct api_world *t, int family)
{
	int c = bound(t, 0, family, OTHER), d = bound(t, 0, family, OTHER + 1);
	static char data[4000];
	static struct router r;
	struct report e;

	ask_for_errors(c, family, true);
	ask_for_errors(d, family, true);
	put_router(t, &r, family, 1400);
	r.port = OTHER + 1; /* it exists, but has sent nothing */
	assert_int_equal(send_to(c, family, 1, PORT, data, 1440), 1440);
	api_run_ms(t, 5);
	assert_int_equal(r.told, 1);
	assert_false(next_error(c, family, &e));
	assert_false(next_error(d, family, &e));
	connect_to(d, family, 1, PORT + 1); /* of another peer */
	assert_int_equal(send_to(c, family, 1, PORT, data, 1440), 1440);
	api_run_ms(t, 5);
	assert_int_equal(r.told, 2);
	assert_false(next_error(d, family, &e));
	assert_int_equal(get(d, SOL_SOCKET, SO_ERROR), 0);
	assert_int_equal(mtu_of(d, family), MTU); /* and nothing was learned of the path */
	t->link->wire[0].cfg.rule = NULL;
	close_on(t, 0, c);
	close_on(t, 0, d);
}

/* ---- when it came ---- */

static uint64_t wall_us(void)
{
	struct timespec ts;

	assert_int_equal(clock_gettime(CLOCK_REALTIME, &ts), 0);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

static void times(struct api_world *t, int family)
{
	int c = bound(t, 0, family, OTHER), s = bound(t, 1, family, PORT);
	const int names[] = { SO_TIMESTAMP, SO_TIMESTAMPNS };
	union {
		struct cmsghdr first;
		char bytes[64];
	} room;
	char buf[8];
	struct iovec iov = { buf, sizeof(buf) };
	struct timespec at;
	struct cmsghdr *cm;

	for (int i = 0; i < 2; i++) {
		struct msghdr msg = { .msg_iov = &iov,
				      .msg_iovlen = 1,
				      .msg_control = &room,
				      .msg_controllen = sizeof(room) };
		uint64_t before, us;

		api_on(t, 1);
		set(s, SOL_SOCKET, names[i], 1);
		assert_int_equal(get(s, SOL_SOCKET, names[i]), 1);
		assert_int_equal(get(s, SOL_SOCKET, names[1 - i]), 0);
		api_on(t, 0);
		assert_int_equal(send_to(c, family, 1, PORT, "x", 1), 1);
		api_run_ms(t, 5000); /* it waits for five seconds */
		api_on(t, 1);
		before = wall_us();
		assert_int_equal(ff_recvmsg(s, &msg, 0), 1);
		cm = CMSG_FIRSTHDR(&msg);
		assert_non_null(cm);
		assert_int_equal(cm->cmsg_level, SOL_SOCKET);
		assert_int_equal(cm->cmsg_type, names[i]);
		memcpy(&at, CMSG_DATA(cm), sizeof(at));
		us = (uint64_t)at.tv_sec * 1000000 + (uint64_t)at.tv_nsec / (i == 0 ? 1 : 1000);
		assert_true(us >= before - 5000000 && us < wall_us() - 4900000);
	}
	close_on(t, 0, c);
	close_on(t, 1, s);
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

OVER_BOTH(batch)
OVER_BOTH(echo_batch)
OVER_BOTH(misuse)
OVER_BOTH(segments)
OVER_BOTH(segment_limits)
OVER_BOTH(refused)
OVER_BOTH(error_queue)
OVER_BOTH(error_bounds)
OVER_BOTH(path_mtu)
OVER_BOTH(path_mtu_errors)
OVER_BOTH(forged)
OVER_BOTH(times)

static const struct CMUnitTest tests[] = {
	BOTH(batch),	      BOTH(echo_batch),	     BOTH(misuse),	BOTH(segments),
	BOTH(segment_limits), BOTH(refused),	     BOTH(error_queue), BOTH(error_bounds),
	BOTH(path_mtu),	      BOTH(path_mtu_errors), BOTH(forged),	BOTH(times),
};

ZS_TEST_MAIN(tests)
