/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What becomes of datagrams, over IPv4 and IPv6: ICMP errors at connected sockets and in the error
 * queue, forged ones, and path MTUs that a router tells of.
 */
#include <time.h> /* before errqueue.h, which needs it */

#include <linux/errqueue.h>

#include "dgram.h"

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
	/* without what it says of the error, too */
	assert_int_equal(send_to(c, family, 1, PORT, "hello", 5), 5);
	api_run_ms(t, 5);
	assert_int_equal(ff_recvfrom(c, buf, 4, MSG_ERRQUEUE, (void *)&r.to, &r.to_len), 4);
	(void)address(family, 1, PORT, &peer);
	assert_memory_equal(&r.to, &peer, len);
	assert_errno(ff_recv(c, buf, sizeof(buf), MSG_ERRQUEUE), EAGAIN);
	close_on(t, 0, ep);
	close_on(t, 0, c);
}

/* A socket of IPv6 that sends to IPv4: addresses are mapped, the origin is ICMP of IPv4. */
static void test_errors_of_mapped(void **state)
{
	struct sockaddr_in6 to = { .sin6_family = AF_INET6, .sin6_port = htons(PORT) };
	struct api_world *t = *state;
	struct report r;
	int c;

	api_on(t, 0);
	c = ff_socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	assert_int_equal(inet_pton(AF_INET6, "::ffff:10.0.0.2", &to.sin6_addr), 1);
	for (int i = 0; i < 2; i++) {
		set(c, i == 0 ? IPPROTO_IPV6 : IPPROTO_IP, i == 0 ? IPV6_RECVERR : IP_RECVERR, 1);
		assert_int_equal(ff_sendto(c, "hello", 5, 0, (void *)&to, sizeof(to)), 5);
		api_run_ms(t, 5);
		assert_true(next_error(c, AF_INET6, &r));
		assert_int_equal(r.err.ee_errno, ECONNREFUSED);
		assert_int_equal(r.err.ee_origin, SO_EE_ORIGIN_ICMP);
		assert_int_equal(r.to_len, sizeof(to));
		assert_memory_equal(&r.to, &to, sizeof(to));
		assert_memory_equal(&((struct sockaddr_in6 *)&r.offender)->sin6_addr, &to.sin6_addr,
				    sizeof(to.sin6_addr));
		set(c, i == 0 ? IPPROTO_IPV6 : IPPROTO_IP, i == 0 ? IPV6_RECVERR : IP_RECVERR, 0);
	}
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

OVER_BOTH(refused)
OVER_BOTH(error_queue)
OVER_BOTH(error_bounds)
OVER_BOTH(path_mtu)
OVER_BOTH(path_mtu_errors)
OVER_BOTH(forged)

static const struct CMUnitTest tests[] = {
	BOTH(refused),
	BOTH(error_queue),
	BOTH(error_bounds),
	BOTH(path_mtu),
	BOTH(path_mtu_errors),
	BOTH(forged),
	cmocka_unit_test_setup_teardown(test_errors_of_mapped, api_setup, api_teardown),
};

ZS_TEST_MAIN(tests)
