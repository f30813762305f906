/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * SO_TIMESTAMPING over IPv4 and IPv6: when datagrams came and went, and what became of the writes
 * of a stream, in Linux' messages.
 */
#include <time.h> /* before errqueue.h, which needs it */

#include <linux/errqueue.h>
#include <linux/net_tstamp.h>
#include <linux/tcp.h>

#include "dgram.h"

enum {
	SENT = SOF_TIMESTAMPING_TX_SCHED | SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_TX_ACK,
	USUAL = SENT | SOF_TIMESTAMPING_SOFTWARE | SOF_TIMESTAMPING_OPT_ID,
	RECEIVED = SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE,
};

union room {
	struct cmsghdr first;
	char bytes[256];
};

static ssize_t receive(int fd, int flags, union room *room, struct msghdr *msg)
{
	static char buf[64];
	static struct iovec iov;

	iov = (struct iovec){ buf, sizeof(buf) };
	*msg = (struct msghdr){
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = room,
		.msg_controllen = sizeof(*room),
	};
	return ff_recvmsg(fd, msg, flags);
}

static uint64_t wall_us(void)
{
	struct timespec ts;

	assert_int_equal(clock_gettime(CLOCK_REALTIME, &ts), 0);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

/* A time of `ago` microseconds of our world; the call may take a tenth of a second. */
static void assert_ago(const struct cmsghdr *c, uint64_t ago)
{
	struct scm_timestamping t;
	uint64_t us;

	assert_non_null(c);
	assert_int_equal(c->cmsg_level, SOL_SOCKET);
	assert_int_equal(c->cmsg_type, SCM_TIMESTAMPING);
	assert_int_equal(c->cmsg_len, CMSG_LEN(sizeof(t)));
	memcpy(&t, CMSG_DATA(c), sizeof(t));
	us = (uint64_t)t.ts[0].tv_sec * 1000000 + (uint64_t)t.ts[0].tv_nsec / 1000;
	assert_true(us + ago <= wall_us());
	assert_true(us + ago + 5000000 > wall_us());
	assert_int_equal(t.ts[2].tv_sec, 0); /* of a device */
}

static void assert_report(const struct cmsghdr *c, int family, uint32_t what, uint32_t which)
{
	struct sock_extended_err e;

	assert_non_null(c);
	assert_int_equal(c->cmsg_level, family == AF_INET ? IPPROTO_IP : IPPROTO_IPV6);
	assert_int_equal(c->cmsg_type, family == AF_INET ? IP_RECVERR : IPV6_RECVERR);
	memcpy(&e, CMSG_DATA(c), sizeof(e));
	assert_int_equal(e.ee_errno, ENOMSG);
	assert_int_equal(e.ee_origin, SO_EE_ORIGIN_TIMESTAMPING);
	assert_int_equal(e.ee_info, what);
	assert_int_equal(e.ee_data, which);
}

static void expect_report(int fd, int family, uint32_t what, uint32_t which, uint64_t ago)
{
	union room room;
	struct msghdr msg;
	struct cmsghdr *c;

	assert_int_equal(receive(fd, MSG_ERRQUEUE, &room, &msg), 0);
	assert_int_equal(msg.msg_flags, MSG_ERRQUEUE | MSG_TRUNC);
	c = CMSG_FIRSTHDR(&msg);
	assert_ago(c, ago);
	assert_report(CMSG_NXTHDR(&msg, c), family, what, which);
}

static void expect_nothing(int fd)
{
	union room room;
	struct msghdr msg;

	assert_errno(receive(fd, MSG_ERRQUEUE, &room, &msg), EAGAIN);
}

/* ---- streams ---- */

static void stream(struct api_world *t, int family)
{
	struct epoll_event ev = { .events = EPOLLIN };
	struct sockaddr_storage ss;
	socklen_t len = address(family, 1, PORT, &ss);
	char buf[3000] = { 0 };
	int l, c, s, ep;

	api_on(t, 1);
	l = ff_socket(family, SOCK_STREAM, 0);
	set(l, SOL_SOCKET, SO_REUSEADDR, 1);
	assert_int_equal(ff_bind(l, (void *)&ss, len), 0);
	assert_int_equal(ff_listen(l, 1), 0);
	api_on(t, 0);
	c = ff_socket(family, SOCK_STREAM, 0);
	assert_errno(ff_setsockopt(c, SOL_SOCKET, SO_TIMESTAMPING, &(int){ USUAL }, sizeof(int)),
		     EINVAL); /* not connected */
	assert_int_equal(ff_connect(c, (void *)&ss, len), 0);
	set(c, IPPROTO_TCP, TCP_NODELAY, 1);
	set(c, SOL_SOCKET, SO_TIMESTAMPING, USUAL);
	assert_int_equal(get(c, SOL_SOCKET, SO_TIMESTAMPING), USUAL);
	len = 16;
	assert_int_equal(ff_getsockopt(c, SOL_SOCKET, SO_TIMESTAMPING, buf, &len), 0);
	assert_int_equal(len, 8); /* struct so_timestamping */
	ep = ff_epoll_create(1);
	assert_int_equal(ff_epoll_ctl(ep, EPOLL_CTL_ADD, c, &ev), 0);
	assert_int_equal(ff_epoll_wait(ep, &ev, 1, 0), 0);
	assert_int_equal(ff_write(c, buf, 2000), 2000);
	assert_int_equal(ff_write(c, buf, 1000), 1000);
	assert_int_equal(ff_epoll_wait(ep, &ev, 1, 100), 1);
	assert_int_equal(ev.events, EPOLLERR);
	api_run_ms(t, 500);
	api_on(t, 0);
	expect_report(c, family, SCM_TSTAMP_SCHED, 1999, 400000);
	expect_report(c, family, SCM_TSTAMP_SND, 1999, 400000);
	expect_report(c, family, SCM_TSTAMP_SCHED, 2999, 400000);
	expect_report(c, family, SCM_TSTAMP_SND, 2999, 400000);
	expect_report(c, family, SCM_TSTAMP_ACK, 1999, 400000);
	expect_report(c, family, SCM_TSTAMP_ACK, 2999, 400000);
	expect_nothing(c);
	assert_int_equal(ff_epoll_wait(ep, &ev, 1, 0), 0);
	set(c, SOL_SOCKET, SO_TIMESTAMPING, 0);
	assert_int_equal(ff_write(c, buf, 10), 10);
	api_run_ms(t, 5);
	api_on(t, 0);
	expect_nothing(c);
	assert_int_equal(ff_close(ep), 0);
	assert_int_equal(ff_close(c), 0);
	api_on(t, 1);
	s = ff_accept(l, NULL, NULL);
	assert_int_equal(ff_recv(s, buf, sizeof(buf), MSG_WAITALL), 3000);
	assert_int_equal(ff_close(s), 0);
	assert_int_equal(ff_close(l), 0);
	api_run_ms(t, 100);
}

/* ---- datagrams ---- */

static void datagrams_come(struct api_world *t, int family)
{
	int c = bound(t, 0, family, OTHER), s = bound(t, 1, family, PORT);
	union room room;
	struct msghdr msg;

	set(s, SOL_SOCKET, SO_TIMESTAMPING, SOF_TIMESTAMPING_RX_SOFTWARE);
	api_on(t, 0);
	assert_int_equal(send_to(c, family, 1, PORT, "x", 1), 1);
	api_run_ms(t, 5);
	api_on(t, 1);
	assert_int_equal(receive(s, 0, &room, &msg), 1);
	assert_null(CMSG_FIRSTHDR(&msg)); /* taken, but not to be told */
	set(s, SOL_SOCKET, SO_TIMESTAMPING, RECEIVED);
	set(s, SOL_SOCKET, SO_TIMESTAMPNS, 1);
	api_on(t, 0);
	assert_int_equal(send_to(c, family, 1, PORT, "x", 1), 1);
	api_run_ms(t, 500);
	api_on(t, 1);
	assert_int_equal(receive(s, 0, &room, &msg), 1);
	assert_int_equal(CMSG_FIRSTHDR(&msg)->cmsg_type, SO_TIMESTAMPNS);
	assert_ago(CMSG_NXTHDR(&msg, CMSG_FIRSTHDR(&msg)), 400000);
	close_on(t, 0, c);
	close_on(t, 1, s);
}

static void datagrams_go(struct api_world *t, int family)
{
	int c = bound(t, 0, family, OTHER), s = bound(t, 1, family, PORT);
	char buf[8];

	api_on(t, 0);
	set(c, SOL_SOCKET, SO_TIMESTAMPING, USUAL);
	assert_int_equal(send_to(c, family, 1, PORT, "x", 1), 1);
	assert_int_equal(send_to(c, family, 1, PORT, "y", 1), 1);
	expect_report(c, family, SCM_TSTAMP_SCHED, 0, 0);
	expect_report(c, family, SCM_TSTAMP_SND, 0, 0);
	expect_report(c, family, SCM_TSTAMP_SCHED, 1, 0);
	expect_report(c, family, SCM_TSTAMP_SND, 1, 0);
	expect_nothing(c);
	assert_errno(ff_read(c, buf, sizeof(buf)), EAGAIN); /* no error */
	api_run_ms(t, 5);
	api_on(t, 1);
	assert_int_equal(ff_read(s, buf, sizeof(buf)), 1);
	assert_int_equal(ff_read(s, buf, sizeof(buf)), 1);
	close_on(t, 0, c);
	close_on(t, 1, s);
}

/* The time is that of the call, also where the loop has not turned for long. */
static void datagrams_go_late(struct api_world *t, int family)
{
	int c = bound(t, 0, family, OTHER);
	struct sockaddr_storage ss;
	socklen_t len = address(family, 1, PORT, &ss);
	union room room = { .bytes = { 0 } };
	struct iovec iov = { "z", 1 };
	struct msghdr msg = {
		.msg_name = &ss,
		.msg_namelen = len,
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &room,
		.msg_controllen = CMSG_SPACE(sizeof(int)),
	};
	struct z_dgram d = { .addr = (void *)&ss, .addrlen = len };
	z_buf *b;

	room.first = (struct cmsghdr){
		.cmsg_len = CMSG_LEN(sizeof(int)),
		.cmsg_level = family == AF_INET ? IPPROTO_IP : IPPROTO_IPV6,
		.cmsg_type = family == AF_INET ? IP_TTL : IPV6_HOPLIMIT,
	};
	memcpy(CMSG_DATA(CMSG_FIRSTHDR(&msg)), &(int){ 9 }, sizeof(int));
	api_on(t, 0);
	set(c, SOL_SOCKET, SO_TIMESTAMPING, USUAL);
	api_run_ms(t, 8000);
	api_on(t, 0);
	assert_int_equal(send_to(c, family, 1, PORT, "x", 1), 1);
	api_run_ms(t, 8000);
	api_on(t, 0);
	assert_int_equal(ff_sendmsg(c, &msg, 0), 1);
	api_run_ms(t, 8000);
	api_on(t, 0);
	b = api_filled(0, 1);
	assert_int_equal(z_sendto_buf(c, b, (void *)&ss, len, 0), 1);
	api_run_ms(t, 8000);
	api_on(t, 0);
	d.buf = api_filled(0, 1);
	assert_int_equal(z_send_dgrams(c, &d, 1, 0), 1);
	for (uint32_t id = 0; id < 4; id++) {
		expect_report(c, family, SCM_TSTAMP_SCHED, id, (3 - id) * 8000000);
		expect_report(c, family, SCM_TSTAMP_SND, id, (3 - id) * 8000000);
	}
	close_on(t, 0, c);
	api_run_ms(t, 5);
}

static void refused(struct api_world *t, int family)
{
	int c = bound(t, 0, family, OTHER);

	api_on(t, 0);
	assert_errno(ff_setsockopt(c, SOL_SOCKET, SO_TIMESTAMPING, &(int){ 1 << 30 }, sizeof(int)),
		     EINVAL);
	assert_int_equal(get(c, SOL_SOCKET, SO_TIMESTAMPING), 0);
	close_on(t, 0, c);
}

OVER_BOTH(stream)
OVER_BOTH(datagrams_come)
OVER_BOTH(datagrams_go)
OVER_BOTH(datagrams_go_late)
OVER_BOTH(refused)

static const struct CMUnitTest tests[] = {
	BOTH(stream),  BOTH(datagrams_come), BOTH(datagrams_go), BOTH(datagrams_go_late),
	BOTH(refused),
};

ZS_TEST_MAIN(tests)
