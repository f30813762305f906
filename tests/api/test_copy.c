/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A further thread's context: it has what the first prepared, under the same numbers, and works by
 * itself. Host a's context is the example, host b's stack is the further one's.
 */
#include "apitest.h"

#include <fcntl.h>
#include <linux/net_tstamp.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "api/zs_copy.h"
#include "zstack.h"

enum { UDP_PORT = 53, MAX_FDS = 256 };

static struct zs_ctx *further; /* on b's stack, with a's numbers */

static void make_copy(struct api_world *t)
{
	struct api_host *b = &t->host[1];

	assert_int_equal(zs_ctx_create(&further, b->h->s, &b->ctx->drive, t->base[0], MAX_FDS), 0);
	assert_int_equal(zs_ctx_copy(t->host[0].ctx, further), 0);
}

static void drop_copy(struct api_world *t)
{
	zs_ctx_destroy(further);
	api_on(t, 0);
}

static int udp_socket(uint16_t port)
{
	struct sockaddr_in any = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = ff_socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	assert_true(fd >= 0);
	assert_int_equal(ff_bind(fd, sa(&any), sizeof(any)), 0);
	return fd;
}

static void add(int kq, uintptr_t ident, short filter, unsigned short flags, unsigned fflags,
		int64_t data, void *udata)
{
	struct kevent kev;

	EV_SET(&kev, ident, filter, EV_ADD | flags, fflags, data, udata);
	assert_int_equal(ff_kevent(kq, &kev, 1, NULL, 0, NULL), 0);
}

/* Connects from a to the further context's listener; its descriptor there. */
static int connect_to_copy(struct api_world *t, int lfd, int *c)
{
	struct sockaddr_in to = api_addr(1, PORT);

	api_on(t, 0);
	*c = ff_socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	assert_errno(ff_connect(*c, sa(&to), sizeof(to)), EINPROGRESS);
	api_run_ms(t, 10);
	(void)zs_ctx_enter(further);
	return ff_accept(lfd, NULL, NULL);
}

static void test_listener_accepts_by_itself(void **state)
{
	struct api_world *t = *state;
	int on = 1, qlen = 9, lfd = api_listen(PORT, SOCK_NONBLOCK), c, s, got = 0;
	socklen_t len = sizeof(got);
	uint8_t key[16] = { 1, 2, 3 }, got_key[16];

	assert_int_equal(ff_setsockopt(lfd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on)), 0);
	assert_int_equal(ff_setsockopt(lfd, IPPROTO_TCP, TCP_FASTOPEN, &qlen, sizeof(qlen)), 0);
	assert_int_equal(ff_setsockopt(lfd, IPPROTO_TCP, TCP_FASTOPEN_KEY, key, sizeof(key)), 0);
	make_copy(t);
	s = connect_to_copy(t, lfd, &c);
	assert_true(s >= 0);
	assert_true(ff_fcntl(s, F_GETFL) & O_NONBLOCK); /* inherited from the copied listener */
	assert_int_equal(ff_getsockopt(s, SOL_SOCKET, SO_KEEPALIVE, &got, &len), 0);
	assert_true(got != 0);
	assert_int_equal(ff_getsockopt(lfd, IPPROTO_TCP, TCP_FASTOPEN, &got, &len), 0);
	assert_int_equal(got, qlen);
	len = sizeof(got_key);
	assert_int_equal(ff_getsockopt(lfd, IPPROTO_TCP, TCP_FASTOPEN_KEY, got_key, &len), 0);
	assert_memory_equal(got_key, key, sizeof(key));
	assert_int_equal(ff_write(s, "hello", 5), 5);
	api_on(t, 0);
	api_run_ms(t, 10);
	assert_int_equal(ff_read(c, (char[8]){ 0 }, 8), 5);
	assert_errno(ff_accept(lfd, NULL, NULL), EAGAIN); /* the first one has a queue of its own */
	drop_copy(t);
}

static void test_kqueue_reports_with_the_same_numbers(void **state)
{
	struct api_world *t = *state;
	int lfd = api_listen(PORT, SOCK_NONBLOCK), kq = ff_kqueue(), c, there;
	struct timespec zero = { 0 };
	struct kevent ev;

	add(kq, (uintptr_t)lfd, EVFILT_READ, EV_CLEAR, 0, 0, &there);
	make_copy(t);
	(void)zs_ctx_enter(further);
	assert_int_equal(ff_kevent(kq, NULL, 0, &ev, 1, &zero), 0);
	assert_true(connect_to_copy(t, kq, &c) < 0); /* not a socket: the connection waits */
	assert_int_equal(ff_kevent(kq, NULL, 0, &ev, 1, &zero), 1);
	assert_int_equal(ev.ident, lfd);
	assert_int_equal(ev.data, 1);
	assert_ptr_equal(ev.udata, &there);
	assert_int_equal(ff_kevent(kq, NULL, 0, &ev, 1, &zero), 0); /* EV_CLEAR came along */
	api_on(t, 0);
	assert_int_equal(ff_kevent(kq, NULL, 0, &ev, 1, &zero), 0);
	drop_copy(t);
}

static void test_timers_and_user_events_come_along(void **state)
{
	struct api_world *t = *state;
	struct timespec soon = { .tv_nsec = 50 * 1000000 }, later = { .tv_sec = 1 };
	uint64_t t0 = api_now_us(t);
	int kq = ff_kqueue();
	struct kevent ev;

	add(kq, 5, EVFILT_TIMER, 0, 0, 10, NULL);
	add(kq, 6, EVFILT_TIMER, EV_ONESHOT, NOTE_USECONDS, 2000, NULL);
	add(kq, 7, EVFILT_USER, EV_CLEAR, NOTE_FFCOPY | 3, 0, NULL);
	add(kq, 8, EVFILT_TIMER, EV_ONESHOT, 0, 1100, NULL);
	api_run_ms(t, 1000); /* without a turn */
	make_copy(t);
	(void)zs_ctx_enter(further);
	assert_int_equal(ff_kevent(kq, NULL, 0, &ev, 1, &soon), 1);
	assert_int_equal(ev.ident, 5);
	assert_int_equal(ff_kevent(kq, NULL, 0, &ev, 1, &soon), 1);
	assert_int_equal(ev.ident, 6);
	assert_int_equal(ff_kevent(kq, NULL, 0, &ev, 1, &soon), 1); /* periodic */
	assert_int_equal(ev.ident, 5);
	EV_SET(&ev, 7, EVFILT_USER, 0, NOTE_TRIGGER, 0, NULL);
	assert_int_equal(ff_kevent(kq, &ev, 1, NULL, 0, NULL), 0);
	assert_int_equal(ff_kevent(kq, NULL, 0, &ev, 1, &(struct timespec){ 0 }), 1);
	assert_int_equal(ev.ident, 7);
	assert_int_equal(ev.fflags, 3);
	EV_SET(&ev, 5, EVFILT_TIMER, EV_DELETE, 0, 0, NULL);
	assert_int_equal(ff_kevent(kq, &ev, 1, NULL, 0, NULL), 0);
	assert_int_equal(ff_kevent(kq, NULL, 0, &ev, 1, &later), 1);
	assert_int_equal(ev.ident, 8);
	assert_in_range(api_now_us(t) - t0, 1100000, 1100300);
	drop_copy(t);
}

/* A time of day is told once, and the timer stays: also in a copy, also when it was told before. */
static void test_times_of_day_come_along(void **state)
{
	struct api_world *t = *state;
	struct timespec zero = { 0 }, soon = { .tv_nsec = 50 * 1000000 };
	int kq = ff_kqueue();
	struct kevent ev;

	add(kq, 5, EVFILT_TIMER, 0, NOTE_ABSTIME | NOTE_SECONDS, 1, NULL);
	api_run_ms(t, 1);
	assert_int_equal(ff_kevent(kq, NULL, 0, &ev, 1, &zero), 1);
	add(kq, 6, EVFILT_TIMER, 0, NOTE_ABSTIME | NOTE_SECONDS, 1, NULL);
	make_copy(t);
	(void)zs_ctx_enter(further);
	assert_int_equal(ff_kevent(kq, NULL, 0, &ev, 1, &soon), 1);
	assert_int_equal(ev.ident, 6);
	assert_int_equal(ev.flags, EV_CLEAR);
	assert_int_equal(ff_kevent(kq, NULL, 0, &ev, 1, &soon), 0);
	for (uintptr_t ident = 5; ident <= 6; ident++) {
		EV_SET(&ev, ident, EVFILT_TIMER, EV_DELETE, 0, 0, NULL);
		assert_int_equal(ff_kevent(kq, &ev, 1, NULL, 0, NULL), 0);
	}
	drop_copy(t);
}

static void test_epoll_and_udp(void **state)
{
	struct api_world *t = *state;
	int fd = udp_socket(UDP_PORT), ep = ff_epoll_create(1), s;
	struct epoll_event ev = { .events = EPOLLIN, .data.u64 = 0x123456789abcdef };
	struct sockaddr_in to = api_addr(1, UDP_PORT);

	assert_int_equal(ff_epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev), 0);
	make_copy(t);
	s = ff_socket(AF_INET, SOCK_DGRAM, 0);
	assert_int_equal(ff_sendto(s, "abc", 3, 0, sa(&to), sizeof(to)), 3);
	api_run_ms(t, 10);
	(void)zs_ctx_enter(further);
	assert_int_equal(ff_epoll_wait(ep, &ev, 1, 0), 1);
	assert_true(ev.events == EPOLLIN && ev.data.u64 == 0x123456789abcdef);
	assert_int_equal(ff_read(fd, (char[8]){ 0 }, 8), 3);
	drop_copy(t);
}

static int ctl_add(int ep, int fd, uint32_t events, uint64_t data)
{
	struct epoll_event ev = { .events = events, .data.u64 = data };

	return ff_epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev);
}

/* What was closed, and is another file by now, is in no copy; nor are the two of a pair. */
static void test_descriptors_of_the_kernel(void **state)
{
	int fd = open("/dev/null", O_RDONLY), kept[2], closed[2], file[2], pair[2];
	int ep = ff_epoll_create(1), kq = ff_kqueue();
	const struct timespec at_once = { 0 };
	struct epoll_event ev[4];
	struct kevent kev[4];

	assert_int_equal(pipe(kept), 0);
	assert_int_equal(pipe(closed), 0);
	assert_int_equal(pipe(file), 0);
	assert_int_equal(ff_socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_int_equal(ctl_add(ep, pair[0], EPOLLIN, 1), 0);
	assert_int_equal(ctl_add(ep, closed[0], EPOLLIN, 2), 0);
	assert_int_equal(ctl_add(ep, file[0], EPOLLIN, 3), 0);
	assert_int_equal(ctl_add(ep, kept[0], EPOLLIN, 4), 0);
	add(kq, (uintptr_t)pair[0], EVFILT_READ, 0, 0, 0, NULL);
	add(kq, (uintptr_t)closed[0], EVFILT_READ, 0, 0, 0, NULL);
	add(kq, (uintptr_t)file[0], EVFILT_READ, 0, 0, 0, NULL);
	add(kq, (uintptr_t)kept[0], EVFILT_READ, 0, 0, 0, NULL);
	close(closed[0]);
	assert_int_equal(dup2(fd, file[0]), file[0]);
	make_copy(*state);
	(void)zs_ctx_enter(further);
	assert_int_equal(write(kept[1], "x", 1), 1);
	assert_int_equal(ff_epoll_wait(ep, ev, 4, 0), 1);
	assert_true(ev[0].data.u64 == 4);
	assert_int_equal(ff_kevent(kq, NULL, 0, kev, 4, &at_once), 1);
	assert_int_equal(kev[0].ident, kept[0]);
	drop_copy(*state);
	close(kept[0]);
	close(kept[1]);
	close(closed[1]);
	close(file[0]);
	close(file[1]);
	close(fd);
}

/* EPOLLONESHOT: who has been told is not told again, by a copy neither. */
static void test_one_shot_stays_fired(void **state)
{
	struct api_world *t = *state;
	struct sockaddr_in to = api_addr(1, UDP_PORT);
	int fd = udp_socket(UDP_PORT), ep = ff_epoll_create(1), s;
	struct epoll_event ev;

	assert_int_equal(ctl_add(ep, fd, EPOLLOUT | EPOLLONESHOT, 1), 0);
	assert_int_equal(ff_epoll_wait(ep, &ev, 1, 0), 1);
	make_copy(t);
	s = ff_socket(AF_INET, SOCK_DGRAM, 0);
	assert_int_equal(ff_sendto(s, "abc", 3, 0, sa(&to), sizeof(to)), 3);
	api_run_ms(t, 10);
	(void)zs_ctx_enter(further);
	assert_int_equal(ff_epoll_wait(ep, &ev, 1, 0), 0);
	ev.events = EPOLLIN | EPOLLONESHOT;
	assert_int_equal(ff_epoll_ctl(ep, EPOLL_CTL_MOD, fd, &ev), 0);
	assert_int_equal(ff_epoll_wait(ep, &ev, 1, 0), 1);
	drop_copy(t);
}

static void test_times_of_datagrams(void **state)
{
	const int want = SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE;
	int fd = udp_socket(UDP_PORT), v[2] = { want };
	struct sockaddr_in to = api_addr(1, PORT);
	socklen_t len = sizeof(v);
	char buf[8];

	assert_int_equal(ff_setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPING, v, sizeof(v[0])), 0);
	make_copy(*state);
	(void)zs_ctx_enter(further);
	v[0] = 0;
	assert_int_equal(ff_getsockopt(fd, SOL_SOCKET, SO_TIMESTAMPING, v, &len), 0);
	assert_int_equal(v[0], want);
	assert_int_equal(ff_sendto(fd, "abc", 3, 0, sa(&to), sizeof(to)), 3);
	assert_int_equal(ff_recv(fd, buf, sizeof(buf), MSG_ERRQUEUE), 0);
	drop_copy(*state);
}

static void test_numbers_and_duplicates(void **state)
{
	struct api_world *t = *state;
	int kq = ff_kqueue(), idle = ff_socket(AF_INET, SOCK_STREAM, 0);
	int lfd = api_listen(PORT, SOCK_NONBLOCK), dup_l, dup_kq, high, dup_idle, c;

	dup_l = ff_dup(lfd);
	dup_kq = ff_dup(kq);
	dup_idle = ff_dup(idle);
	high = ff_fcntl(lfd, F_DUPFD_CLOEXEC, lfd + 100);
	assert_true(dup_l >= 0 && dup_kq >= 0 && dup_idle >= 0 && high == lfd + 100);
	make_copy(t);
	(void)zs_ctx_enter(further);
	assert_errno(ff_fcntl(idle, F_GETFL), EBADF); /* an idle socket is its thread's */
	assert_errno(ff_fcntl(dup_idle, F_GETFL), EBADF);
	assert_int_equal(ff_fcntl(high, F_GETFD), FD_CLOEXEC);
	add(dup_kq, (uintptr_t)dup_l, EVFILT_READ, 0, 0, 0, NULL);
	assert_int_equal(ff_close(lfd), 0);
	assert_int_equal(ff_close(kq), 0);
	/* still listens; and the lowest number is free again */
	assert_int_equal(connect_to_copy(t, high, &c), t->base[0]);
	drop_copy(t);
}

/* What there is once cannot be had twice: the caller hears of it, and nothing leaks. */
static void test_address_in_use_fails(void **state)
{
	struct api_world *t = *state;
	struct api_host *b = &t->host[1];

	api_on(t, 1);
	(void)api_listen(PORT, SOCK_NONBLOCK);
	api_on(t, 0);
	(void)api_listen(PORT, SOCK_NONBLOCK);
	assert_int_equal(zs_ctx_create(&further, b->h->s, &b->ctx->drive, t->base[0], MAX_FDS), 0);
	assert_int_equal(zs_ctx_copy(t->host[0].ctx, further), -EADDRINUSE);
	drop_copy(t);
}

static void test_group_stops_together(void **state)
{
	struct api_world *t = *state;
	struct zs_ctx *all[2] = { t->host[0].ctx, t->host[1].ctx };

	zs_ctx_group(all, 2);
	assert_false(zs_ctx_stopping(all[0]) || zs_ctx_stopping(all[1]));
	zs_ctx_stop(all[1]);
	assert_true(zs_ctx_stopping(all[0]) && zs_ctx_stopping(all[1]));
}

static void test_statistics_by_core_and_summed(void **state)
{
	struct api_world *t = *state;
	struct zs_ctx *all[2] = { t->host[0].ctx, t->host[1].ctx };
	struct z_stats a, b, sum;
	int c, s;

	assert_int_equal(z_cores(), 1);
	assert_int_equal(z_core(), 0);
	zs_ctx_group(all, 2);
	api_on(t, 1);
	api_pair(t, api_listen(PORT, 0), &c, &s);
	assert_int_equal(z_cores(), 2);
	assert_int_equal(z_core_stats_get(0, &a, sizeof(a)), 0);
	assert_int_equal(z_core_stats_get(1, &b, sizeof(b)), 0);
	assert_int_equal(z_core_stats_get(Z_ALL_CORES, &sum, sizeof(sum)), 0);
	assert_int_equal(a.tcp_conns_accepted, 0);
	assert_int_equal(b.tcp_conns_accepted, 1);
	assert_int_equal(sum.tcp_conns_accepted, 1);
	assert_int_equal(sum.rx_packets, a.rx_packets + b.rx_packets);
	assert_errno(z_core_stats_get(2, &a, sizeof(a)), EINVAL);
	assert_errno(z_core_drops_get(-2, NULL, 0), EINVAL);
	api_on(t, 1);
	assert_int_equal(z_core(), 1);
	assert_int_equal(z_stats_get(&a, sizeof(a)), 0);
	assert_int_equal(a.tcp_conns_accepted, 1);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, api_setup, api_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_listener_accepts_by_itself),
		CASE(test_kqueue_reports_with_the_same_numbers),
		CASE(test_timers_and_user_events_come_along),
		CASE(test_times_of_day_come_along),
		CASE(test_epoll_and_udp),
		CASE(test_descriptors_of_the_kernel),
		CASE(test_one_shot_stays_fired),
		CASE(test_times_of_datagrams),
		CASE(test_numbers_and_duplicates),
		CASE(test_address_in_use_fails),
		CASE(test_group_stops_together),
		CASE(test_statistics_by_core_and_summed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
