/* SPDX-License-Identifier: BSD-3-Clause */
/* Descriptors: numbers, reuse, dup, flags, errors. */
#include <fcntl.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/ioctl.h>

#include "apitest.h"

static void numbers_start_at_base_lowest_first(void **state)
{
	struct api_world *t = *state;
	int fd[200];

	for (int i = 0; i < 200; i++) {
		fd[i] = ff_socket(AF_INET, SOCK_DGRAM, 0);
		if (fd[i] < 0) {
			assert_true(i >= 60); /* the stack's UDP table */
			break;
		}
		assert_int_equal(fd[i], t->base[0] + i);
	}
	assert_int_equal(ff_close(fd[17]), 0);
	assert_int_equal(ff_close(fd[5]), 0);
	assert_int_equal(ff_kqueue(), fd[5]);
	assert_int_equal(ff_epoll_create(1), fd[17]);
}

static void table_full_is_emfile(void **state)
{
	int n = 0;

	(void)state;
	while (ff_kqueue() >= 0)
		n++;
	assert_int_equal(errno, EMFILE);
	assert_int_equal(n, 256);
	assert_errno(ff_socket(AF_INET, SOCK_STREAM, 0), EMFILE);
}

static void accept_with_full_table_keeps_the_connection(void **state)
{
	struct api_world *t = *state;
	struct sockaddr_in sin = api_addr(1, PORT);
	int lfd, c, last = -1, fd;

	api_on(t, 1);
	lfd = api_listen(PORT, 0);
	while ((fd = ff_kqueue()) >= 0)
		last = fd;
	api_on(t, 0);
	c = ff_socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(ff_connect(c, sa(&sin), sizeof(sin)), 0);
	api_on(t, 1);
	assert_errno(ff_accept(lfd, NULL, NULL), EMFILE);
	assert_int_equal(ff_close(last), 0);
	assert_int_equal(ff_accept(lfd, NULL, NULL), last);
}

static void wrong_descriptors(void **state)
{
	struct api_world *t = *state;
	int kq = ff_kqueue();
	int ep = ff_epoll_create1(0);
	struct kevent kev;
	struct epoll_event ev = { .events = EPOLLIN };
	char b;

	assert_errno(ff_read(t->base[0] + 99, &b, 1), EBADF);
	assert_errno(ff_read(3, &b, 1), EBADF);
	assert_errno(ff_read(-1, &b, 1), EBADF);
	assert_errno(ff_close(t->base[0] + 99), EBADF);
	assert_errno(ff_write(kq, "x", 1), ENOTSOCK);
	assert_errno(ff_listen(ep, 1), ENOTSOCK);
	assert_errno(ff_kevent(ep, NULL, 0, &kev, 1, NULL), EBADF);
	assert_errno(ff_epoll_wait(kq, &ev, 1, 0), EINVAL);
	assert_int_equal(ff_epoll_ctl(ep, EPOLL_CTL_ADD, kq, &ev), 0);
	assert_errno(ff_epoll_ctl(ep, EPOLL_CTL_ADD, ep, &ev), EINVAL);
	assert_errno(ff_epoll_ctl(ep, EPOLL_CTL_ADD, 3, &ev), EBADF);
	assert_int_equal(ff_fdisused(kq), 1);
	assert_int_equal(ff_fdisused(1), 0);
	assert_int_equal(ff_close(kq), 0);
	assert_int_equal(ff_fdisused(kq), 0);
	assert_int_equal(ff_getmaxfd(), t->base[0] + 256);
}

/* The other host's numbers mean nothing here. */
static void foreign_descriptor(void **state)
{
	struct api_world *t = *state;
	int fd;
	char b;

	api_on(t, 1);
	fd = ff_socket(AF_INET, SOCK_STREAM, 0);
	api_on(t, 0);
	assert_errno(ff_read(fd, &b, 1), EBADF);
}

static void *foreign_thread(void *arg)
{
	char b;

	assert_errno(ff_read(*(int *)arg, &b, 1), EPERM);
	assert_errno(ff_socket(AF_INET, SOCK_STREAM, 0), EPERM);
	assert_errno(ff_kqueue(), EPERM);
	assert_errno(ff_close(*(int *)arg), EPERM);
	assert_int_equal(ff_fdisused(*(int *)arg), 0);
	return NULL;
}

static void thread_without_stack_is_eperm(void **state)
{
	int fd = ff_socket(AF_INET, SOCK_STREAM, 0);
	pthread_t th;

	(void)state;
	assert_int_equal(ff_pthread_create(&th, NULL, foreign_thread, &fd), 0);
	assert_int_equal(ff_pthread_join(th, NULL), 0);
}

static void dup_shares_the_socket(void **state)
{
	struct api_world *t = *state;
	int lfd, c, s, d, e;
	char b;

	api_on(t, 1);
	lfd = api_listen(PORT, 0);
	api_pair(t, lfd, &c, &s);
	d = ff_dup(c);
	assert_true(d > c);
	e = ff_dup2(c, t->base[0] + 100);
	assert_int_equal(e, t->base[0] + 100);
	assert_int_equal(ff_dup2(e, e), e);
	assert_errno(ff_dup2(c, 3), EBADF);
	assert_errno(ff_dup2(t->base[0] + 90, d), EBADF);
	assert_int_equal(ff_fcntl(c, F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(ff_fcntl(d, F_GETFL), O_RDWR | O_NONBLOCK);
	assert_int_equal(ff_close(c), 0);
	assert_errno(ff_write(c, "x", 1), EBADF);
	assert_int_equal(ff_write(d, "x", 1), 1);
	assert_int_equal(ff_close(d), 0);
	assert_int_equal(ff_write(e, "y", 1), 1);
	api_on(t, 1);
	assert_int_equal(ff_read(s, &b, 1), 1);
	assert_int_equal(ff_read(s, &b, 1), 1);
	assert_int_equal(b, 'y');
	api_on(t, 0);
	assert_int_equal(ff_close(e), 0);
	api_on(t, 1);
	assert_int_equal(ff_read(s, &b, 1), 0); /* the last close sent the FIN */
}

static void dup2_closes_its_target(void **state)
{
	struct api_world *t = *state;
	int lfd, c, s, u;
	char b;

	api_on(t, 1);
	lfd = api_listen(PORT, 0);
	api_pair(t, lfd, &c, &s);
	u = ff_socket(AF_INET, SOCK_DGRAM, 0);
	assert_int_equal(ff_dup2(u, c), c);
	api_on(t, 1);
	assert_int_equal(ff_read(s, &b, 1), 0);
	api_on(t, 0);
	assert_int_equal(ff_close(c), 0);
}

/* As ff_close() would: until the peer has it all. */
static void dup2_lingers(void **state)
{
	const struct linger wait = { .l_onoff = 1, .l_linger = 2 };
	struct api_world *t = *state;
	uint64_t t0;
	int c, s, u;

	api_on(t, 1);
	api_pair(t, api_listen(PORT, 0), &c, &s);
	assert_int_equal(ff_setsockopt(c, SOL_SOCKET, SO_LINGER, &wait, sizeof(wait)), 0);
	u = ff_socket(AF_INET, SOCK_DGRAM, 0);
	assert_int_equal(ff_write(c, "x", 1), 1);
	t0 = api_now_us(t);
	assert_int_equal(ff_dup2(u, c), c);
	assert_true(api_now_us(t) > t0);
}

static void flags(void **state)
{
	int fd = ff_socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int on = 1, off = 0, n = -1, d;

	(void)state;
	assert_int_equal(ff_fcntl(fd, F_GETFL), O_RDWR | O_NONBLOCK);
	assert_int_equal(ff_fcntl(fd, F_GETFD), FD_CLOEXEC);
	d = ff_fcntl(fd, F_DUPFD, fd + 10);
	assert_int_equal(d, fd + 10);
	assert_int_equal(ff_fcntl(d, F_GETFD), 0);
	assert_int_equal(ff_fcntl(fd, F_DUPFD_CLOEXEC, fd + 10), fd + 11);
	assert_int_equal(ff_fcntl(fd + 11, F_GETFD), FD_CLOEXEC);
	assert_int_equal(ff_fcntl(fd, F_SETFD, 0), 0);
	assert_int_equal(ff_fcntl(fd, F_GETFD), 0);
	assert_int_equal(ff_ioctl(fd, FIONBIO, &off), 0);
	assert_int_equal(ff_fcntl(fd, F_GETFL), O_RDWR);
	assert_int_equal(ff_ioctl(fd, FIONBIO, &on), 0);
	assert_int_equal(ff_fcntl(fd, F_GETFL), O_RDWR | O_NONBLOCK);
	assert_int_equal(ff_ioctl(fd, FIONREAD, &n), 0);
	assert_int_equal(n, 0);
	assert_errno(ff_ioctl(fd, 0x1234, &n), ENOTTY);
	assert_errno(ff_fcntl(fd, 4711, 0), EINVAL);
	assert_errno(ff_fcntl(fd + 50, F_GETFL), EBADF);
}

static void options_are_inherited_by_accept(void **state)
{
	struct api_world *t = *state;
	int on = 1, dont = IP_PMTUDISC_DONT, v = -1, lfd, c, s;
	socklen_t len = sizeof(v);

	api_on(t, 1);
	lfd = api_listen(PORT, 0);
	assert_int_equal(ff_setsockopt(lfd, IPPROTO_TCP, TCP_INQ, &on, sizeof(on)), 0);
	assert_int_equal(ff_setsockopt(lfd, IPPROTO_IP, IP_MTU_DISCOVER, &dont, sizeof(dont)), 0);
	api_pair(t, lfd, &c, &s);
	api_on(t, 1);
	assert_int_equal(ff_getsockopt(s, IPPROTO_TCP, TCP_INQ, &v, &len), 0);
	assert_int_equal(v, on);
	assert_int_equal(ff_getsockopt(s, IPPROTO_IP, IP_MTU_DISCOVER, &v, &len), 0);
	assert_int_equal(v, dont);
}

static void nonblocking_mode_is_inherited_by_accept(void **state)
{
	struct api_world *t = *state;
	struct sockaddr_in sin = api_addr(1, PORT);
	int lfd, c[3], s;

	api_on(t, 1);
	lfd = api_listen(PORT, SOCK_NONBLOCK);
	assert_errno(ff_accept(lfd, NULL, NULL), EAGAIN);
	api_on(t, 0);
	for (int i = 0; i < 3; i++) {
		c[i] = ff_socket(AF_INET, SOCK_STREAM, 0);
		assert_int_equal(ff_connect(c[i], sa(&sin), sizeof(sin)), 0);
	}
	api_run_ms(t, 1);
	api_on(t, 1);
	s = ff_accept(lfd, NULL, NULL);
	assert_int_equal(ff_fcntl(s, F_GETFL), O_RDWR | O_NONBLOCK);
	s = ff_accept4(lfd, NULL, NULL, 0);
	assert_int_equal(ff_fcntl(s, F_GETFL), O_RDWR);
	s = ff_accept4(lfd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	assert_int_equal(ff_fcntl(s, F_GETFL), O_RDWR | O_NONBLOCK);
	assert_int_equal(ff_fcntl(s, F_GETFD), FD_CLOEXEC);
	assert_errno(ff_accept4(lfd, NULL, NULL, 1), EINVAL);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, api_setup, api_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(numbers_start_at_base_lowest_first),
		TEST(table_full_is_emfile),
		TEST(accept_with_full_table_keeps_the_connection),
		TEST(wrong_descriptors),
		TEST(foreign_descriptor),
		TEST(thread_without_stack_is_eperm),
		TEST(dup_shares_the_socket),
		TEST(dup2_closes_its_target),
		TEST(dup2_lingers),
		TEST(flags),
		TEST(nonblocking_mode_is_inherited_by_accept),
		TEST(options_are_inherited_by_accept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
