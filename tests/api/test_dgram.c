/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Datagrams over IPv4 and IPv6: batches whose buffers change hands, datagrams that leave as several
 * (UDP_SEGMENT) or arrive as one (UDP_GRO), times of arrival.
 */
#include <rte_mbuf.h>
#include <stdio.h>
#include <time.h>

#include "dgram.h"
#include "zs_simpattern.h"
#include "zstack.h"

static uint64_t copies(struct api_world *t)
{
	return zs_stack_stats(t->host[0].h->s)->copies + zs_stack_stats(t->host[1].h->s)->copies;
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
		v[i] = (struct z_dgram){ api_filled(i * 100, i * 300), (void *)&to, len, 0, 0, 0 };
	z_buf_free(v[1].buf);
	v[1].buf = kept = api_filled(0, 60000);
	assert_int_equal(z_buf_join(kept, api_filled(60000, 10000)),
			 0); /* longer than a datagram */
	v[3].addr = NULL;    /* not connected */
	assert_int_equal(z_send_dgrams(c, v, 5, 0), 3);
	for (int i = 0; i < 5; i++) {
		const int error[5] = { 0, EMSGSIZE, 0, EDESTADDRREQ, 0 };

		assert_int_equal(v[i].error, error[i]);
		assert_int_equal(v[i].len, error[i] == 0 ? i * 300 : 0);
		assert_int_equal(v[i].buf == NULL, error[i] == 0);
	}
	assert_ptr_equal(v[1].buf, kept);
	api_expect_bytes(v[1].buf, 0, 70000);
	api_expect_bytes(v[3].buf, 300, 900);
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
		api_expect_bytes(got[i].buf, i * 200, i * 600);
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
		v[i] = (struct z_dgram){ .buf = api_filled(i, 100) };
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
		api_expect_bytes(v[i].buf, i, 100);
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
		api_expect_bytes(got[i].buf, off, len[i]);
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
	v = (struct z_dgram){ .buf = api_filled(7, 2500), .segment = 1000 };
	ref = z_buf_ref(v.buf);
	assert_int_equal(z_send_dgrams(c, &v, 1, 0), 1);
	assert_int_equal(v.len, 2500);
	expect_segments(t, s, three, 3, 7);
	api_expect_bytes(ref, 7, 2500); /* nobody wrote into it */
	z_buf_free(ref);
	set(c, IPPROTO_UDP, UDP_SEGMENT, 1000);
	assert_int_equal(get(c, IPPROTO_UDP, UDP_SEGMENT), 1000);
	ref = api_filled(9, 2500);
	assert_int_equal(z_write(c, ref, 2500), 2500);
	expect_segments(t, s, three, 3, 9);
	ref = api_filled(3, 900); /* shorter than one: as it is */
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
	b = api_filled(0, 5000);
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
	b = api_filled(0, 641);
	assert_errno(z_write(c, b, 641), EINVAL); /* 65 */
	z_buf_free(b);
	b = api_filled(0, 640);
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

/* All segments leave, or none; and after that the rest of the batch is not tried. */
static void no_buffers(struct api_world *t, int family)
{
	struct rte_mempool *hdr = t->host[0].h->pools.hdr;
	int c = bound(t, 0, family, OTHER), s = bound(t, 1, family, PORT);
	struct z_dgram v[3];
	uint32_t live;

	api_on(t, 0);
	connect_to(c, family, 1, PORT);
	for (unsigned i = 0; i < 3; i++)
		v[i] = (struct z_dgram){ .buf = api_filled(i * 10, 2500), .segment = 1000 };
	live = zs_simpool_live(hdr);
	zs_simpool_limit(hdr, live + 3);
	assert_errno(z_send_dgrams(c, v, 3, 0), ENOBUFS);
	assert_int_equal(zs_simpool_live(hdr), live); /* what was made is gone again */
	zs_simpool_limit(hdr, UINT32_MAX);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(v[i].error, ENOBUFS);
		assert_int_equal(v[i].len, 0);
		api_expect_bytes(v[i].buf, i * 10, 2500);
	}
	assert_int_equal(z_send_dgrams(c, v, 3, 0), 3);
	api_run_ms(t, 5);
	api_on(t, 1);
	for (unsigned i = 0; i < 9; i++) {
		struct z_dgram got = { .buf = NULL };

		assert_int_equal(z_recv_dgrams(s, &got, 1, MSG_DONTWAIT), 1);
		z_buf_free(got.buf);
	}
	close_on(t, 0, c);
	close_on(t, 1, s);
}

/* ---- UDP_GRO ---- */

static ssize_t receive_gro(int fd, char *buf, size_t room, int *segment)
{
	union {
		struct cmsghdr first;
		char bytes[64];
	} control;
	struct iovec iov = { buf, room };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = &control,
			      .msg_controllen = sizeof(control) };
	ssize_t n = ff_recvmsg(fd, &msg, 0);
	struct cmsghdr *c = n >= 0 ? CMSG_FIRSTHDR(&msg) : NULL;

	*segment = 0;
	if (c != NULL) {
		assert_int_equal(c->cmsg_level, IPPROTO_UDP);
		assert_int_equal(c->cmsg_type, UDP_GRO);
		memcpy(segment, CMSG_DATA(c), sizeof(*segment));
	}
	return n;
}

/* What is sent in one moment arrives in one burst. */
static void no_time_on_the_wire(struct api_world *t)
{
	t->link->wire[0].cfg.rate_bps = t->link->wire[1].cfg.rate_bps = 0;
}

/* What came in one burst is one: equal ones, and a shorter one that ends it. */
static void put_together(struct api_world *t, int family)
{
	struct sockaddr_storage from;
	struct z_dgram v[2] = { { .addr = (void *)&from, .addrlen = sizeof(from) } };
	int c = bound(t, 0, family, OTHER), s = bound(t, 1, family, PORT), segment;
	char buf[8000], got[8000];

	zs_sim_fill(1, 0, buf, sizeof(buf));
	no_time_on_the_wire(t);
	set(s, IPPROTO_UDP, UDP_GRO, 1);
	assert_int_equal(get(s, IPPROTO_UDP, UDP_GRO), 1);
	api_on(t, 0);
	assert_int_equal(send_to(c, family, 1, PORT, buf, 1000), 1000);
	assert_int_equal(send_to(c, family, 1, PORT, buf + 1000, 1000), 1000);
	assert_int_equal(send_to(c, family, 1, PORT, buf + 2000, 400), 400);
	assert_int_equal(send_to(c, family, 1, PORT, buf + 2400, 400), 400);
	assert_int_equal(send_to(c, family, 1, PORT, buf + 2800, 500), 500); /* a longer one */
	assert_int_equal(send_to(c, family, 1, PORT, buf, 0), 0);
	api_run_ms(t, 5);
	api_on(t, 1);
	assert_int_equal(receive_gro(s, got, sizeof(got), &segment), 2400);
	assert_int_equal(segment, 1000);
	assert_memory_equal(got, buf, 2400);
	assert_int_equal(receive_gro(s, got, sizeof(got), &segment), 400);
	assert_int_equal(segment, 0); /* came as one */
	assert_int_equal(receive_gro(s, got, sizeof(got), &segment), 500);
	assert_int_equal(receive_gro(s, got, sizeof(got), &segment), 0);
	assert_errno(receive_gro(s, got, sizeof(got), &segment), EAGAIN);
	api_on(t, 0);
	set(c, IPPROTO_UDP, UDP_SEGMENT, 1200);
	assert_int_equal(send_to(c, family, 1, PORT, buf, 8000), 8000);
	api_run_ms(t, 5);
	api_on(t, 1);
	assert_int_equal(z_recv_dgrams(s, v, 2, MSG_DONTWAIT), 1);
	assert_int_equal(v[0].len, 8000);
	assert_int_equal(v[0].segment, 1200);
	api_expect_bytes(v[0].buf, 0, 8000);
	z_buf_free(v[0].buf);
	close_on(t, 0, c);
	close_on(t, 1, s);
}

/* Not of two bursts, of two peers, or where nobody asked. */
static void kept_apart(struct api_world *t, int family)
{
	int c = bound(t, 0, family, OTHER), d = bound(t, 0, family, OTHER + 1);
	int s = bound(t, 1, family, PORT), segment;
	char buf[100] = { 0 };

	no_time_on_the_wire(t);
	for (int i = 0; i < 2; i++) {
		api_on(t, 0);
		assert_int_equal(send_to(c, family, 1, PORT, buf, 50), 50);
		assert_int_equal(send_to(c, family, 1, PORT, buf, 50), 50);
		assert_int_equal(send_to(d, family, 1, PORT, buf, 50), 50);
		api_run_ms(t, 5);
		api_on(t, 0);
		assert_int_equal(send_to(d, family, 1, PORT, buf, 50), 50);
		api_run_ms(t, 5);
		api_on(t, 1);
		if (i == 0)
			assert_int_equal(receive_gro(s, buf, sizeof(buf), &segment), 50);
		assert_int_equal(receive_gro(s, buf, sizeof(buf), &segment), i == 0 ? 50 : 100);
		assert_int_equal(segment, i == 0 ? 0 : 50);
		assert_int_equal(receive_gro(s, buf, sizeof(buf), &segment), 50);
		assert_int_equal(receive_gro(s, buf, sizeof(buf), &segment), 50);
		assert_errno(receive_gro(s, buf, sizeof(buf), &segment), EAGAIN);
		set(s, IPPROTO_UDP, UDP_GRO, 1);
	}
	close_on(t, 0, c);
	close_on(t, 0, d);
	close_on(t, 1, s);
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

/* The largest there are, over the wire and on this host. */
static void largest(struct api_world *t, int family)
{
	static char out[65536], in[65536];
	const ssize_t n = 65535 - UDP_HDR - (family == AF_INET ? 20 : 0);
	int c = bound(t, 0, family, OTHER), s;

	for (size_t i = 0; i < sizeof(out); i++)
		out[i] = (char)(i * 7 + i / 251);
	for (int host = 0; host < 2; host++) {
		s = bound(t, host, family, PORT);
		set(s, SOL_SOCKET, SO_RCVBUF, 1 << 20);
		api_on(t, 0);
		assert_errno(send_to(c, family, host, PORT, out, (size_t)n + 1), EMSGSIZE);
		assert_int_equal(send_to(c, family, host, PORT, out, (size_t)n), n);
		api_run_ms(t, 20);
		api_on(t, host);
		assert_int_equal(ff_read(s, in, sizeof(in)), n);
		assert_memory_equal(in, out, n);
		close_on(t, host, s);
	}
	close_on(t, 0, c);
}

/* What is sent on this host waits in the sender's buffers, which are not much larger than it. */
static void charge(struct api_world *t, int family)
{
	int c = bound(t, 0, family, OTHER), s = bound(t, 0, family, PORT), got = 0;
	static char data[3000];

	assert_int_equal(get(s, SOL_SOCKET, SO_RCVBUF), 65536);
	for (int i = 0; i < 10; i++) {
		assert_int_equal(send_to(c, family, 0, PORT, data, sizeof(data)), sizeof(data));
		api_run_ms(t, 1);
	}
	while (ff_read(s, data, sizeof(data)) == sizeof(data))
		got++;
	assert_int_equal(got, 10);
	close_on(t, 0, c);
	close_on(t, 0, s);
}

OVER_BOTH(batch)
OVER_BOTH(charge)
OVER_BOTH(largest)
OVER_BOTH(echo_batch)
OVER_BOTH(misuse)
OVER_BOTH(segments)
OVER_BOTH(segment_limits)
OVER_BOTH(no_buffers)
OVER_BOTH(times)
OVER_BOTH(put_together)
OVER_BOTH(kept_apart)

static const struct CMUnitTest tests[] = {
	BOTH(batch),	      BOTH(echo_batch), BOTH(misuse), BOTH(segments),
	BOTH(segment_limits), BOTH(no_buffers), BOTH(times),  BOTH(put_together),
	BOTH(kept_apart),     BOTH(largest),	BOTH(charge),
};

ZS_TEST_MAIN(tests)
