/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Blocking and non-blocking calls, timeouts, inside and outside ff_run; scattered I/O; datagrams;
 * what is sent leaves at once.
 */
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>

#include "apitest.h"

struct act {
	struct api_world *t;
	int fd;
	const char *text;
	int host;
};

static void at(struct api_world *t, unsigned ms, void (*fn)(void *arg), void *arg)
{
	zs_sim_at(t->w, zs_sim_now(t->w) + ms * ZS_MS, fn, arg);
}

/* What another host's application does while ours is blocked. */
static void write_text(void *arg)
{
	struct act *a = arg;
	struct zs_ctx *before = zs_ctx_enter(a->t->host[a->host].ctx);

	assert_int_equal(ff_write(a->fd, a->text, strlen(a->text)), strlen(a->text));
	(void)zs_ctx_enter(before);
}

static void close_fd(void *arg)
{
	struct act *a = arg;
	struct zs_ctx *before = zs_ctx_enter(a->t->host[a->host].ctx);

	assert_int_equal(ff_close(a->fd), 0);
	(void)zs_ctx_enter(before);
}

/* Like a loop function of ff_run: takes what is there and does not drive the world, which is
 * running. */
static void read_some(void *arg)
{
	struct act *a = arg;
	struct zs_ctx *c = a->t->host[a->host].ctx;
	struct zs_ctx *before = zs_ctx_enter(c);
	static char buf[65536];

	c->in_run = true;
	(void)ff_read(a->fd, buf, sizeof(buf));
	c->in_run = false;
	c->drive.flush(c->drive.arg);
	(void)zs_ctx_enter(before);
}

static void connect_it(void *arg)
{
	struct act *a = arg;
	struct zs_ctx *before = zs_ctx_enter(a->t->host[a->host].ctx);
	struct sockaddr_in sin = api_addr(1, PORT);

	assert_errno(ff_connect(a->fd, sa(&sin), sizeof(sin)), EINPROGRESS);
	(void)zs_ctx_enter(before);
}

static void make_pair(struct api_world *t, int *c, int *s)
{
	api_on(t, 1);
	api_pair(t, api_listen(PORT, 0), c, s);
}

static void read_blocks_until_data(void **state)
{
	struct api_world *t = *state;
	struct act a = { .t = t, .text = "late", .host = 1 };
	uint64_t t0;
	char buf[8];
	int c;

	make_pair(t, &c, &a.fd);
	t0 = api_now_us(t);
	at(t, 30, write_text, &a);
	assert_int_equal(ff_read(c, buf, sizeof(buf)), 4);
	assert_in_range(api_now_us(t) - t0, 30000, 30200);
	at(t, 30, close_fd, &a);
	assert_int_equal(ff_read(c, buf, sizeof(buf)), 0);
}

static void set_linger(int fd, int seconds)
{
	struct linger l = { 1, seconds };

	assert_int_equal(ff_setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l)), 0);
}

/* POSIX close(): with SO_LINGER it waits until all has been acknowledged, or for the time. */
static void close_lingers(void **state)
{
	struct api_world *t = *state;
	uint64_t t0;
	int c, s;

	make_pair(t, &c, &s);
	set_linger(c, 3);
	assert_int_equal(ff_write(c, "bye", 3), 3);
	t0 = api_now_us(t);
	assert_int_equal(ff_close(c), 0);
	assert_in_range(api_now_us(t) - t0, 1, 100000);
	api_on(t, 1);
	assert_int_equal(ff_close(s), 0);
}

/* Nothing is acknowledged any more, and the time of two seconds passes. */
static void close_in_vain(struct api_world *t, int fd)
{
	uint64_t t0 = api_now_us(t);

	assert_int_equal(ff_close(fd), 0);
	assert_in_range(api_now_us(t) - t0, 2000000, 2010000);
}

static void close_lingers_for_a_time(void **state)
{
	struct api_world *t = *state;
	int c, s;

	make_pair(t, &c, &s);
	set_linger(c, 2);
	t->link->wire[1].cfg.loss_ppm = 1000000; /* no acknowledgement */
	close_in_vain(t, c);
}

/* More than cwnd: our FIN waits behind it. */
static void close_lingers_with_data_unsent(void **state)
{
	struct api_world *t = *state;
	int c, s;

	make_pair(t, &c, &s);
	set_linger(c, 2);
	t->link->wire[1].cfg.loss_ppm = 1000000;
	api_write_all(c, 50000, 1);
	close_in_vain(t, c);
}

static void fast_open_connect(int *fd)
{
	struct sockaddr_in to = api_addr(1, PORT);
	int on = 1;

	*fd = ff_socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(ff_setsockopt(*fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &on, sizeof(on)), 0);
	assert_int_equal(ff_connect(*fd, sa(&to), sizeof(to)), 0);
}

/* Fast Open: it was accepted and answered, and its SYN-ACK is not acknowledged yet. */
static void close_lingers_before_the_handshake_ends(void **state)
{
	struct api_world *t = *state;
	int qlen = 8, lfd, c, s;
	char buf[8];

	api_on(t, 1);
	lfd = api_listen(PORT, 0);
	assert_int_equal(ff_setsockopt(lfd, IPPROTO_TCP, TCP_FASTOPEN, &qlen, sizeof(qlen)), 0);
	api_on(t, 0);
	fast_open_connect(&c); /* gets the cookie */
	assert_int_equal(ff_close(c), 0);
	fast_open_connect(&c);
	assert_int_equal(ff_fcntl(c, F_SETFL, O_NONBLOCK), 0);
	t->link->wire[1].cfg.loss_ppm = 1000000;
	assert_int_equal(ff_write(c, "ask", 3), 3);
	api_on(t, 1);
	assert_int_equal(ff_close(ff_accept(lfd, NULL, NULL)), 0);
	s = ff_accept(lfd, NULL, NULL);
	assert_int_equal(ff_read(s, buf, sizeof(buf)), 3);
	set_linger(s, 2);
	assert_int_equal(ff_write(s, "tell", 4), 4);
	close_in_vain(t, s);
}

static void nonblocking_close_does_not_linger(void **state)
{
	struct api_world *t = *state;
	uint64_t t0;
	int c, s;

	make_pair(t, &c, &s);
	set_linger(c, 2);
	assert_int_equal(ff_fcntl(c, F_SETFL, O_NONBLOCK), 0);
	t0 = api_now_us(t);
	assert_int_equal(ff_close(c), 0);
	assert_in_range(api_now_us(t) - t0, 0, 1);
}

static void rcvtimeo(void **state)
{
	struct api_world *t = *state;
	struct timeval tv = { .tv_usec = 50000 };
	uint64_t t0;
	char buf[8];
	int c, s;

	make_pair(t, &c, &s);
	assert_int_equal(ff_setsockopt(c, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)), 0);
	t0 = api_now_us(t);
	assert_errno(ff_read(c, buf, sizeof(buf)), EAGAIN);
	assert_in_range(api_now_us(t) - t0, 50000, 50400);
}

static void nonblocking_read_gives_the_stack_a_turn(void **state)
{
	struct api_world *t = *state;
	struct act a = { .t = t, .text = "x", .host = 1 };
	char b;
	int c, tries = 0;

	make_pair(t, &c, &a.fd);
	assert_int_equal(ff_fcntl(c, F_SETFL, O_NONBLOCK), 0);
	write_text(&a);
	/* no other call drives host 0: reading alone must get there */
	while (ff_read(c, &b, 1) < 0) {
		assert_int_equal(errno, EAGAIN);
		zs_sim_run_for(t->w, 1 * ZS_US);
		assert_true(++tries < 200);
	}
	assert_errno(ff_recv(c, &b, 1, MSG_DONTWAIT), EAGAIN);
}

static void accept_blocks(void **state)
{
	struct api_world *t = *state;
	struct timeval tv = { .tv_usec = 20000 };
	struct act a = { .t = t, .host = 0 };
	struct sockaddr_in peer = { 0 };
	socklen_t len = sizeof(peer);
	uint64_t t0;
	int lfd, s;

	a.fd = ff_socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	api_on(t, 1);
	lfd = api_listen(PORT, 0);
	assert_int_equal(ff_setsockopt(lfd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)), 0);
	assert_errno(ff_accept(lfd, NULL, NULL), EAGAIN);
	tv.tv_usec = 0;
	assert_int_equal(ff_setsockopt(lfd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)), 0);
	t0 = api_now_us(t);
	at(t, 40, connect_it, &a);
	s = ff_accept(lfd, sa(&peer), &len);
	assert_true(s >= 0);
	assert_in_range(api_now_us(t) - t0, 40000, 40400);
	assert_int_equal(len, sizeof(peer));
	assert_int_equal(peer.sin_addr.s_addr, zs_sim_ip(10, 0, 0, 1));
	len = sizeof(peer);
	assert_int_equal(ff_getsockname(s, sa(&peer), &len), 0);
	assert_int_equal(ntohs(peer.sin_port), PORT);
	assert_int_equal(ff_getpeername(s, sa(&peer), &len), 0);
	assert_errno(ff_getpeername(lfd, sa(&peer), &len), ENOTCONN);
}

static void connect_refused_and_timed_out(void **state)
{
	struct api_world *t = *state;
	struct sockaddr_in closed = api_addr(1, 9);
	struct sockaddr_in nobody = api_addr(76, 9);
	struct timeval tv = { .tv_usec = 100000 };
	uint64_t t0;
	int fd;

	fd = ff_socket(AF_INET, SOCK_STREAM, 0);
	assert_errno(ff_connect(fd, sa(&closed), sizeof(closed)), ECONNREFUSED);
	assert_int_equal(ff_setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)), 0);
	t0 = api_now_us(t);
	assert_errno(ff_connect(fd, sa(&nobody), sizeof(nobody)), EINPROGRESS);
	assert_in_range(api_now_us(t) - t0, 100000, 100400);
	fd = ff_socket(AF_INET, SOCK_STREAM, 0);
	assert_errno(ff_connect(fd, sa(&nobody), sizeof(nobody) - 1), EINVAL);
}

static void write_blocks_until_all_is_queued(void **state)
{
	enum { N = 1000000 };
	struct api_world *t = *state;
	struct act a = { .t = t, .host = 1 };
	int c;

	make_pair(t, &c, &a.fd);
	for (unsigned ms = 1; ms < 200; ms++)
		at(t, ms, read_some, &a);
	/* the reader frees some 64 KB per millisecond: this takes a while, and all of it is taken
	 */
	{
		static char buf[N];
		uint64_t t0 = api_now_us(t);

		assert_int_equal(ff_write(c, buf, N), N);
		assert_true(api_now_us(t) - t0 > 5000);
	}
	api_run_ms(t, 200); /* the remaining reads */
}

static void sndtimeo_gives_a_short_count(void **state)
{
	static char buf[1000000];
	struct api_world *t = *state;
	struct timeval tv = { .tv_usec = 20000 };
	ssize_t n;
	int c, s;

	make_pair(t, &c, &s);
	assert_int_equal(ff_setsockopt(c, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)), 0);
	n = ff_write(c, buf, sizeof(buf));
	assert_in_range(n, 10000, sizeof(buf) - 1);
	assert_errno(ff_write(c, buf, sizeof(buf)), EAGAIN);
}

/* SO_SNDTIMEO is a time for the call, too. */
static void sndtimeo_is_for_the_call(void **state)
{
	static char buf[8000000];
	struct api_world *t = *state;
	struct act a = { .t = t, .host = 1 };
	struct timeval tv = { .tv_usec = 20000 };
	uint64_t t0;
	int c;

	make_pair(t, &c, &a.fd);
	assert_int_equal(ff_setsockopt(c, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)), 0);
	for (unsigned ms = 10; ms < 100; ms += 10)
		at(t, ms, read_some, &a);
	t0 = api_now_us(t);
	assert_in_range(ff_write(c, buf, sizeof(buf)), 10000, sizeof(buf) - 1);
	assert_in_range(api_now_us(t) - t0, 20000, 20400);
	api_run_ms(t, 100); /* the remaining reads */
}

static void waitall_and_scattered(void **state)
{
	struct api_world *t = *state;
	struct act a = { .t = t, .text = "cdef", .host = 1 };
	struct act b = { .t = t, .host = 1 };
	char x[3], y[5], z[4];
	struct iovec in[3] = { { x, 3 }, { y, 0 }, { y, 3 } };
	struct iovec out[3] = { { (void *)(uintptr_t) "a", 1 },
				{ NULL, 0 },
				{ (void *)(uintptr_t) "b", 1 } };
	struct msghdr msg = { .msg_iov = in, .msg_iovlen = 3 };
	int c;

	make_pair(t, &c, &a.fd);
	b.fd = a.fd;
	api_on(t, 1);
	assert_int_equal(ff_writev(a.fd, out, 3), 2);
	api_on(t, 0);
	at(t, 5, write_text, &a);
	assert_int_equal(ff_recvmsg(c, &msg, MSG_WAITALL), 6);
	assert_memory_equal(x, "abc", 3);
	assert_memory_equal(y, "def", 3);
	/* end of stream: what there was */
	a.text = "gh";
	at(t, 5, write_text, &a);
	at(t, 9, close_fd, &b);
	assert_int_equal(ff_recv(c, z, 4, MSG_WAITALL), 2);
	assert_int_equal(ff_recv(c, z, 4, MSG_WAITALL), 0);
	assert_errno(ff_readv(c, in, 1025), EINVAL);
	assert_errno(ff_readv(c, in, -1), EINVAL);
	assert_errno(ff_readv(c, NULL, 1), EFAULT);
	assert_int_equal(ff_readv(c, in, 2), 0);
}

static void peek_then_read(void **state)
{
	struct api_world *t = *state;
	struct act a = { .t = t, .text = "peek", .host = 1 };
	char buf[8];
	int c, n;

	make_pair(t, &c, &a.fd);
	write_text(&a);
	assert_int_equal(ff_recv(c, buf, 2, MSG_PEEK), 2);
	assert_int_equal(ff_ioctl(c, FIONREAD, &n), 0);
	assert_int_equal(n, 4);
	assert_int_equal(ff_read(c, buf, 8), 4);
	assert_memory_equal(buf, "peek", 4);
}

static void write_after_peer_reset_is_epipe(void **state)
{
	struct api_world *t = *state;
	struct linger lg = { .l_onoff = 1 };
	int c, s;

	make_pair(t, &c, &s);
	api_on(t, 1);
	assert_int_equal(ff_setsockopt(s, SOL_SOCKET, SO_LINGER, &lg, sizeof(lg)), 0);
	assert_int_equal(ff_close(s), 0);
	api_run_ms(t, 1);
	api_on(t, 0);
	assert_errno(ff_write(c, "x", 1), ECONNRESET);
	assert_errno(ff_write(c, "x", 1), EPIPE);
}

static void writes_leave_without_a_turn(void **state)
{
	struct api_world *t = *state;
	struct zs_stats before;
	int c, s;

	make_pair(t, &c, &s);
	before = *zs_stack_stats(t->host[0].h->s);
	assert_int_equal(ff_write(c, "x", 1), 1);
	assert_true(zs_stack_stats(t->host[0].h->s)->tx_packets > before.tx_packets);
	before = *zs_stack_stats(t->host[0].h->s);
	assert_int_equal(ff_close(c), 0);
	assert_true(zs_stack_stats(t->host[0].h->s)->tx_packets > before.tx_packets);
}

/* A reader that makes room says so at once, though nothing else drives its stack. */
static void reading_opens_the_window(void **state)
{
	static char buf[65536];
	struct api_world *t = *state;
	struct zs_stats before;
	int c, s;

	make_pair(t, &c, &s);
	while (ff_send(c, buf, sizeof(buf), MSG_DONTWAIT) > 0)
		;
	api_run_ms(t, 100); /* until the window is closed */
	api_on(t, 1);
	before = *zs_stack_stats(t->host[1].h->s);
	assert_true(ff_read(s, buf, sizeof(buf)) > 30000);
	assert_true(zs_stack_stats(t->host[1].h->s)->tx_packets > before.tx_packets);
}

static void datagrams(void **state)
{
	struct api_world *t = *state;
	struct sockaddr_in any = { .sin_family = AF_INET, .sin_port = htons(53) };
	struct sockaddr_in to = api_addr(1, 53), from;
	socklen_t len = sizeof(from);
	struct iovec iov;
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	char buf[16];
	int a, b;

	api_on(t, 1);
	b = ff_socket(AF_INET, SOCK_DGRAM, 0);
	assert_int_equal(ff_bind(b, sa(&any), sizeof(any)), 0);
	api_on(t, 0);
	a = ff_socket(AF_INET, SOCK_DGRAM, 0);
	assert_int_equal(ff_sendto(a, "ping", 4, 0, sa(&to), sizeof(to)), 4);
	assert_errno(ff_send(a, "ping", 4, 0), EDESTADDRREQ);
	api_on(t, 1);
	assert_int_equal(ff_recvfrom(b, buf, sizeof(buf), 0, sa(&from), &len), 4);
	assert_int_equal(from.sin_addr.s_addr, zs_sim_ip(10, 0, 0, 1));
	iov = (struct iovec){ .iov_base = (void *)(uintptr_t) "pong!", .iov_len = 5 };
	msg.msg_name = &from;
	msg.msg_namelen = sizeof(from);
	assert_int_equal(ff_sendmsg(b, &msg, 0), 5);
	api_on(t, 0);
	iov = (struct iovec){ .iov_base = buf, .iov_len = 3 };
	msg.msg_name = &from;
	msg.msg_namelen = sizeof(from);
	assert_int_equal(ff_recvmsg(a, &msg, 0), 3);
	assert_int_equal(msg.msg_flags & MSG_TRUNC, MSG_TRUNC);
	assert_int_equal(msg.msg_namelen, sizeof(from));
	assert_int_equal(ntohs(from.sin_port), 53);
}

/* ---- inside ff_run ---- */

struct run {
	struct api_world *t;
	int c, s, kq, ep, turns;
};

static int loop_never_blocks(void *arg)
{
	struct run *r = arg;
	struct kevent kev;
	struct epoll_event eev;
	struct pollfd pfd = { .fd = r->c, .events = POLLIN };
	uint64_t t0 = api_now_us(r->t);
	char b;

	/* the socket is in blocking mode, and every timeout says forever */
	assert_errno(ff_read(r->c, &b, 1), EAGAIN);
	assert_int_equal(ff_kevent(r->kq, NULL, 0, &kev, 1, NULL), 0);
	assert_int_equal(ff_epoll_wait(r->ep, &eev, 1, -1), 0);
	assert_int_equal(ff_poll(&pfd, 1, -1), 0);
	assert_int_equal(api_now_us(r->t), t0);
	if (++r->turns == 3)
		r->t->host[0].ctx->calls |= ZS_CALL_STOP;
	return 0;
}

static void run_calls_poll(void **state)
{
	struct api_world *t = *state;
	struct run r = { .t = t };
	struct kevent kev;

	make_pair(t, &r.c, &r.s);
	r.kq = ff_kqueue();
	r.ep = ff_epoll_create1(0);
	EV_SET(&kev, r.c, EVFILT_READ, EV_ADD, 0, 0, NULL);
	assert_int_equal(ff_kevent(r.kq, &kev, 1, NULL, 0, NULL), 0);
	/* a periodic timer wakes the idle loop; it is in another queue */
	EV_SET(&kev, 1, EVFILT_TIMER, EV_ADD, 0, 10, NULL);
	assert_int_equal(ff_kevent(ff_kqueue(), &kev, 1, NULL, 0, NULL), 0);
	zs_ctx_run(t->host[0].ctx, loop_never_blocks, &r);
	assert_int_equal(r.turns, 3);
	assert_false(t->host[0].ctx->in_run);
}

static int loop_connects(void *arg)
{
	struct run *r = arg;
	struct sockaddr_in sin = api_addr(1, PORT);
	int rc;

	if (r->turns++ == 0) {
		assert_errno(ff_connect(r->c, sa(&sin), sizeof(sin)), EINPROGRESS);
		return 0;
	}
	rc = ff_connect(r->c, sa(&sin), sizeof(sin));
	if (rc == 0)
		r->t->host[0].ctx->calls |= ZS_CALL_STOP;
	else
		assert_int_equal(errno, EALREADY);
	return 0;
}

static void run_drives_a_connect(void **state)
{
	struct api_world *t = *state;
	struct run r = { .t = t };

	api_on(t, 1);
	r.s = api_listen(PORT, 0);
	api_on(t, 0);
	r.c = ff_socket(AF_INET, SOCK_STREAM, 0);
	zs_ctx_run(t->host[0].ctx, loop_connects, &r);
	assert_true(r.turns > 1);
	api_on(t, 1);
	assert_true(ff_accept(r.s, NULL, NULL) >= 0);
}

/* ---- a program that works for long between two calls ---- */

static void expect_nothing_again(const struct api_world *t, int fd)
{
	struct tcp_info info;
	socklen_t len = sizeof(info);

	assert_int_equal(ff_getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len), 0);
	assert_int_equal(info.tcpi_state, TCP_ESTABLISHED);
	assert_int_equal(info.tcpi_total_retrans, 0);
	assert_in_range(info.tcpi_rtt, 1, 999);
	assert_int_equal(zs_stack_stats(t->host[0].h->s)->tcp_segs_retx, 0);
}

static void write_after_a_pause(void **state)
{
	struct api_world *t = *state;
	int c, s;
	char b;

	make_pair(t, &c, &s);
	api_run_ms(t, 500);
	assert_int_equal(ff_write(c, "x", 1), 1);
	assert_errno(ff_recv(c, &b, 1, MSG_DONTWAIT), EAGAIN); /* a turn before the answer */
	api_run_ms(t, 5);
	expect_nothing_again(t, c);
}

static void connect_after_a_pause(void **state)
{
	struct api_world *t = *state;
	struct sockaddr_in sin = api_addr(1, PORT);
	int c, s;

	make_pair(t, &c, &s);
	for (int by_write = 0; by_write < 2; by_write++) {
		c = ff_socket(AF_INET, SOCK_STREAM, 0);
		api_run_ms(t, 1500);
		if (by_write)
			assert_int_equal(ff_sendto(c, "x", 1, MSG_FASTOPEN, sa(&sin), sizeof(sin)),
					 1);
		else
			assert_int_equal(ff_connect(c, sa(&sin), sizeof(sin)), 0);
		api_run_ms(t, 5);
		expect_nothing_again(t, c);
	}
}

static int loop_writes_and_works(void *arg)
{
	struct run *r = arg;

	if (r->turns++ == 0)
		assert_int_equal(ff_write(r->c, "x", 1), 1);
	else
		api_run_ms(r->t, 5);
	if (r->turns == 3)
		r->t->host[0].ctx->calls |= ZS_CALL_STOP;
	api_run_ms(r->t, 20);
	return 0;
}

static void run_sends_after_work(void **state)
{
	struct api_world *t = *state;
	struct run r = { .t = t };

	make_pair(t, &r.c, &r.s);
	zs_ctx_run(t->host[0].ctx, loop_writes_and_works, &r);
	expect_nothing_again(t, r.c);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, api_setup, api_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(read_blocks_until_data),
		TEST(close_lingers),
		TEST(close_lingers_for_a_time),
		TEST(close_lingers_with_data_unsent),
		TEST(close_lingers_before_the_handshake_ends),
		TEST(nonblocking_close_does_not_linger),
		TEST(rcvtimeo),
		TEST(nonblocking_read_gives_the_stack_a_turn),
		TEST(accept_blocks),
		TEST(connect_refused_and_timed_out),
		TEST(write_blocks_until_all_is_queued),
		TEST(sndtimeo_gives_a_short_count),
		TEST(sndtimeo_is_for_the_call),
		TEST(waitall_and_scattered),
		TEST(peek_then_read),
		TEST(write_after_peer_reset_is_epipe),
		TEST(writes_leave_without_a_turn),
		TEST(reading_opens_the_window),
		TEST(datagrams),
		TEST(run_calls_poll),
		TEST(run_drives_a_connect),
		TEST(write_after_a_pause),
		TEST(connect_after_a_pause),
		TEST(run_sends_after_work),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
