/* SPDX-License-Identifier: BSD-3-Clause */
/* Descriptors of the kernel beside sockets of the stack: epoll, kqueue, poll, select;
 * ff_socketpair.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "apitest.h"

static const struct timespec at_once;

static int ctl(int ep, int op, int fd, uint32_t events, uint64_t data)
{
	struct epoll_event ev = { .events = events, .data.u64 = data };

	return ff_epoll_ctl(ep, op, fd, &ev);
}

static int change(int kq, int fd, short filter, unsigned short flags)
{
	struct kevent kev;

	EV_SET(&kev, fd, filter, flags, 0, 0, NULL);
	return ff_kevent(kq, &kev, 1, NULL, 0, NULL);
}

static void make_pipe(int p[2])
{
	assert_int_equal(pipe2(p, O_NONBLOCK), 0);
	assert_true(p[1] < 1000); /* below the numbers of the stack */
}

static void close_pipe(const int p[2])
{
	close(p[0]);
	close(p[1]);
}

/* ---- epoll ---- */

static void epoll_of_both(void **state)
{
	struct api_world *t = *state;
	struct epoll_event ev[4];
	int p[2], c, s, lfd, ep;
	char buf[8];

	make_pipe(p);
	api_on(t, 1);
	lfd = api_listen(PORT, 0);
	api_pair(t, lfd, &c, &s);
	api_on(t, 1);
	ep = ff_epoll_create1(0);
	assert_int_equal(ctl(ep, EPOLL_CTL_ADD, p[0], EPOLLIN, 7), 0);
	assert_int_equal(ctl(ep, EPOLL_CTL_ADD, s, EPOLLIN, 8), 0);
	assert_int_equal(ff_epoll_wait(ep, ev, 4, 0), 0);
	assert_int_equal(write(p[1], "ab", 2), 2);
	for (int i = 0; i < 2; i++) { /* level */
		assert_int_equal(ff_epoll_wait(ep, ev, 4, 0), 1);
		assert_int_equal(ev[0].events, EPOLLIN);
		assert_true(ev[0].data.u64 == 7);
	}
	api_on(t, 0);
	assert_int_equal(ff_write(c, "x", 1), 1);
	api_run_ms(t, 1);
	api_on(t, 1);
	assert_int_equal(ff_epoll_wait(ep, ev, 4, 0), 2);
	assert_int_equal(read(p[0], buf, 8), 2);
	assert_int_equal(ff_read(s, buf, 8), 1);
	assert_int_equal(ff_epoll_wait(ep, ev, 4, 0), 0);
	assert_int_equal(ctl(ep, EPOLL_CTL_DEL, p[0], 0, 0), 0);
	assert_int_equal(write(p[1], "ab", 2), 2);
	assert_int_equal(ff_epoll_wait(ep, ev, 4, 0), 0);
	close_pipe(p);
}

static void epoll_edges(void **state)
{
	struct epoll_event ev[4];
	int p[2], ep = ff_epoll_create1(0);

	(void)state;
	make_pipe(p);
	assert_int_equal(ctl(ep, EPOLL_CTL_ADD, p[0], EPOLLIN | EPOLLET, 1), 0);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(write(p[1], "a", 1), 1);
		assert_int_equal(ff_epoll_wait(ep, ev, 4, 0), 1);
		assert_int_equal(ff_epoll_wait(ep, ev, 4, 0), 0);
	}
	assert_int_equal(ctl(ep, EPOLL_CTL_MOD, p[0], EPOLLIN | EPOLLONESHOT, 2), 0);
	assert_int_equal(ff_epoll_wait(ep, ev, 4, 0), 1);
	assert_int_equal(write(p[1], "a", 1), 1);
	assert_int_equal(ff_epoll_wait(ep, ev, 4, 0), 0);
	close(p[1]);
	assert_int_equal(ctl(ep, EPOLL_CTL_MOD, p[0], EPOLLIN, 3), 0);
	assert_int_equal(ff_epoll_wait(ep, ev, 4, 0), 1);
	assert_int_equal(ev[0].events, EPOLLIN | EPOLLHUP);
	close(p[0]);
	assert_int_equal(ff_epoll_wait(ep, ev, 4, 0), 0);
}

static void epoll_errors(void **state)
{
	int p[2], ep = ff_epoll_create1(0), file = open("/proc/self/exe", O_RDONLY);

	(void)state;
	make_pipe(p);
	assert_errno(ctl(ep, EPOLL_CTL_ADD, file, EPOLLIN, 0), EPERM);
	assert_errno(ctl(ep, EPOLL_CTL_MOD, p[0], EPOLLIN, 0), ENOENT);
	assert_errno(ctl(ep, EPOLL_CTL_DEL, p[0], 0, 0), ENOENT);
	assert_int_equal(ctl(ep, EPOLL_CTL_ADD, p[0], EPOLLIN, 0), 0);
	assert_errno(ctl(ep, EPOLL_CTL_ADD, p[0], EPOLLIN, 0), EEXIST);
	close_pipe(p);
	assert_errno(ctl(ep, EPOLL_CTL_ADD, p[1], EPOLLIN, 0), EBADF);
	assert_errno(ctl(ep, EPOLL_CTL_DEL, p[1], EPOLLIN, 0), EBADF);
	assert_errno(ctl(ep, EPOLL_CTL_ADD, -1, EPOLLIN, 0), EBADF);
	close(file);
}

/* The kernel gives the number to another file: that one starts anew. */
static void number_used_again(void **state)
{
	struct epoll_event ev[4];
	int p[2], q[2], ep = ff_epoll_create1(0), kq = ff_kqueue();
	struct kevent kev;

	(void)state;
	make_pipe(p);
	assert_int_equal(ctl(ep, EPOLL_CTL_ADD, p[0], EPOLLIN, 1), 0);
	assert_int_equal(change(kq, p[0], EVFILT_READ, EV_ADD), 0);
	close_pipe(p);
	make_pipe(q);
	assert_int_equal(q[0], p[0]);
	assert_int_equal(write(q[1], "a", 1), 1);
	assert_int_equal(ctl(ep, EPOLL_CTL_ADD, q[0], EPOLLIN, 2), 0);
	assert_int_equal(ff_epoll_wait(ep, ev, 4, 0), 1);
	assert_true(ev[0].data.u64 == 2);
	assert_int_equal(ff_kevent(kq, NULL, 0, &kev, 1, &at_once), 0);
	close_pipe(q);
}

/* Who knows that its number may be another file's by now asks with MOD first. */
static void number_of_another(void **state)
{
	int p[2], q[2], ep = ff_epoll_create1(0), kq = ff_kqueue(), file;

	(void)state;
	make_pipe(p);
	assert_int_equal(ctl(ep, EPOLL_CTL_ADD, p[0], EPOLLIN, 1), 0);
	assert_int_equal(change(kq, p[0], EVFILT_READ, EV_ADD), 0);
	close_pipe(p);
	assert_errno(ctl(ep, EPOLL_CTL_MOD, p[0], EPOLLIN, 1), EBADF);
	make_pipe(q);
	assert_int_equal(q[0], p[0]);
	assert_errno(ctl(ep, EPOLL_CTL_MOD, q[0], EPOLLIN, 2), ENOENT);
	assert_errno(ctl(ep, EPOLL_CTL_DEL, q[0], 0, 0), ENOENT);
	assert_errno(change(kq, q[0], EVFILT_READ, EV_DISABLE), ENOENT);
	assert_int_equal(ctl(ep, EPOLL_CTL_ADD, q[0], EPOLLIN, 3), 0);
	close(q[0]);
	file = open("/proc/self/exe", O_RDONLY);
	assert_int_equal(file, q[0]);
	assert_errno(ctl(ep, EPOLL_CTL_ADD, file, EPOLLIN, 4), EPERM);
	close(file);
	close(q[1]);
}

/* The kernel goes on watching what was closed under one number and lives under another. */
static void duplicate_outlives_number(void **state)
{
	struct epoll_event ev[4];
	int p[2], q[2], other[2], d, ep = ff_epoll_create1(0);

	(void)state;
	make_pipe(other);
	assert_int_equal(ctl(ep, EPOLL_CTL_ADD, other[0], EPOLLIN, 1), 0);
	make_pipe(p);
	assert_int_equal(ctl(ep, EPOLL_CTL_ADD, p[0], EPOLLIN, 2), 0);
	d = dup(p[0]);
	close(p[0]);
	make_pipe(q);
	assert_int_equal(q[0], p[0]);
	assert_int_equal(ctl(ep, EPOLL_CTL_ADD, q[0], EPOLLIN, 3), 0);
	assert_int_equal(write(p[1], "a", 1), 1); /* of the one that was */
	assert_int_equal(ff_epoll_wait(ep, ev, 4, 0), 0);
	assert_int_equal(write(q[1], "a", 1), 1);
	assert_int_equal(ff_epoll_wait(ep, ev, 4, 0), 1);
	assert_true(ev[0].data.u64 == 3);
	close(d);
	close(p[1]);
	close_pipe(q);
	close_pipe(other);
}

/* ---- kqueue ---- */

static void kqueue_of_kernel_descriptors(void **state)
{
	int p[2], kq = ff_kqueue(), efd = eventfd(0, EFD_NONBLOCK);
	struct kevent kev[4];
	uint64_t one = 1;

	(void)state;
	make_pipe(p);
	assert_int_equal(change(kq, p[0], EVFILT_READ, EV_ADD), 0);
	assert_int_equal(change(kq, efd, EVFILT_READ, EV_ADD | EV_CLEAR), 0);
	assert_int_equal(ff_kevent(kq, NULL, 0, kev, 4, &at_once), 0);
	assert_int_equal(write(p[1], "abc", 3), 3);
	assert_int_equal(ff_kevent(kq, NULL, 0, kev, 4, &at_once), 1);
	assert_int_equal(kev[0].ident, p[0]);
	assert_int_equal(kev[0].data, 3);
	assert_int_equal(write(efd, &one, 8), 8);
	assert_int_equal(ff_kevent(kq, NULL, 0, kev, 4, &at_once), 2);
	assert_int_equal(ff_kevent(kq, NULL, 0, kev, 4, &at_once), 1); /* EV_CLEAR */
	assert_int_equal(change(kq, efd, EVFILT_READ, EV_DELETE), 0);
	assert_errno(change(kq, efd, EVFILT_READ, EV_DELETE), ENOENT);
	close(p[1]);
	assert_int_equal(ff_kevent(kq, NULL, 0, kev, 4, &at_once), 1);
	assert_true(kev[0].flags & EV_EOF);
	assert_int_equal(kev[0].data, 3);
	assert_int_equal(change(kq, p[0], EVFILT_READ, EV_DELETE), 0);
	assert_errno(change(kq, 900, EVFILT_READ, EV_ADD), EBADF);
	close(p[0]);
	close(efd);
}

/* How much room there is the kernel does not say: a mark asks for some. */
static void write_mark_of_kernel_descriptors(void **state)
{
	int p[2], kq = ff_kqueue();
	struct kevent kev;
	char page[4096] = { 0 };

	(void)state;
	make_pipe(p);
	EV_SET(&kev, p[1], EVFILT_WRITE, EV_ADD, NOTE_LOWAT, sizeof(page), NULL);
	assert_int_equal(ff_kevent(kq, &kev, 1, NULL, 0, NULL), 0);
	assert_int_equal(ff_kevent(kq, NULL, 0, &kev, 1, &at_once), 1);
	assert_int_equal(kev.ident, p[1]);
	while (write(p[1], page, sizeof(page)) > 0)
		;
	assert_int_equal(ff_kevent(kq, NULL, 0, &kev, 1, &at_once), 0);
	close_pipe(p);
}

/* ---- poll and select ---- */

static void poll_and_select(void **state)
{
	struct api_world *t = *state;
	int p[2], lfd;
	struct pollfd fds[3];
	unsigned long r[64] = { 0 };
	struct timeval zero = { 0 };

	make_pipe(p);
	api_on(t, 1);
	lfd = api_listen(PORT, 0);
	fds[0] = (struct pollfd){ .fd = p[0], .events = POLLIN };
	fds[1] = (struct pollfd){ .fd = lfd, .events = POLLIN };
	fds[2] = (struct pollfd){ .fd = 900, .events = POLLIN };
	assert_int_equal(ff_poll(fds, 2, 5), 0);
	assert_int_equal(ff_poll(fds, 3, 5), 1);
	assert_int_equal(fds[2].revents, POLLNVAL);
	assert_int_equal(write(p[1], "abc", 3), 3);
	assert_int_equal(ff_poll(fds, 2, -1), 1);
	assert_int_equal(fds[0].revents, POLLIN);
	r[0] = 1ul << p[0];
	assert_int_equal(ff_select(lfd + 1, (fd_set *)(void *)r, NULL, NULL, &zero), 1);
	assert_true(r[0] == 1ul << p[0]);
	assert_int_equal(ff_select(lfd + 1, (fd_set *)(void *)r, NULL, NULL, NULL), 1);
	close_pipe(p);
}

/* poll does not wait for what is closed, and leaves it as it was. */
static void poll_of_a_closed_number(void **state)
{
	struct pollfd pfd = { .events = POLLIN };
	int p[2], q[2], ep = ff_epoll_create1(0);

	(void)state;
	make_pipe(p);
	assert_int_equal(ctl(ep, EPOLL_CTL_ADD, p[0], EPOLLIN, 1), 0);
	close_pipe(p);
	pfd.fd = p[0];
	assert_int_equal(ff_poll(&pfd, 1, 1), 1);
	assert_int_equal(pfd.revents, POLLNVAL);
	make_pipe(q);
	assert_int_equal(q[0], p[0]);
	assert_int_equal(ctl(ep, EPOLL_CTL_ADD, q[0], EPOLLIN, 2), 0);
	close_pipe(q);
}

/* ---- ff_socketpair ---- */

static void pair_talks(void **state)
{
	struct epoll_event ev[4];
	int sv[2], d, n = 0, ep = ff_epoll_create1(0);
	char buf[8];

	(void)state;
	assert_errno(ff_socketpair(AF_INET, SOCK_STREAM, 0, sv), EAFNOSUPPORT);
	assert_errno(ff_socketpair(AF_UNIX, SOCK_STREAM, 0, NULL), EFAULT);
	assert_int_equal(ff_socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, sv), 0);
	assert_true(ff_fdisused(sv[0]) && ff_fdisused(sv[1]));
	assert_int_equal(ctl(ep, EPOLL_CTL_ADD, sv[1], EPOLLIN | EPOLLRDHUP, 3), 0);
	assert_int_equal(ff_epoll_wait(ep, ev, 4, 0), 0);
	assert_errno(ff_read(sv[1], buf, 8), EAGAIN);
	assert_int_equal(ff_write(sv[0], "hello", 5), 5);
	assert_int_equal(ff_epoll_wait(ep, ev, 4, 0), 1);
	assert_int_equal(ff_ioctl(sv[1], FIONREAD, &n), 0);
	assert_int_equal(n, 5);
	d = ff_dup(sv[1]);
	assert_int_equal(ff_close(sv[1]), 0);
	assert_int_equal(ff_read(d, buf, 8), 5);
	assert_memory_equal(buf, "hello", 5);
	assert_int_equal(ff_send(d, "x", 1, 0), 1);
	assert_int_equal(ff_recv(sv[0], buf, 8, 0), 1);
	assert_int_equal(ff_fcntl(d, F_SETFL, 0), 0);
	assert_int_equal(ff_fcntl(d, F_GETFL), O_RDWR);
	assert_int_equal(ff_shutdown(sv[0], SHUT_WR), 0);
	assert_int_equal(ff_read(d, buf, 8), 0);
	assert_int_equal(ff_close(sv[0]), 0);
	assert_errno(ff_send(d, "x", 1, MSG_NOSIGNAL), EPIPE);
	assert_errno(ff_bind(d, NULL, 0), ENOTSOCK);
}

static void say_hello(void *arg)
{
	int *fd = arg;

	if (*fd >= 0)
		assert_int_equal(ff_write(*fd, "late", 4), 4);
	*fd = -1;
}

static void pair_blocks(void **state)
{
	struct api_world *t = *state;
	int sv[2], from;
	char buf[8];

	assert_int_equal(ff_socketpair(AF_UNIX, SOCK_STREAM, 0, sv), 0);
	from = sv[0];
	t->host[0].at_turn = say_hello;
	t->host[0].at_turn_arg = &from;
	assert_int_equal(ff_read(sv[1], buf, 8), 4);
	t->host[0].at_turn = NULL;
}

/* All that the kernel has to say of a message, a descriptor of its own included. */
static void pair_of_messages(void **state)
{
	union {
		struct cmsghdr first;
		char bytes[CMSG_SPACE(sizeof(int))];
	} room = { .first = { CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS } };
	char buf[8] = "ab";
	struct iovec iov = { buf, 2 };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &room,
		.msg_controllen = sizeof(room),
	};
	struct sockaddr_storage from;
	socklen_t len = sizeof(from);
	int sv[2], p[2], fd;

	(void)state;
	make_pipe(p);
	memcpy(CMSG_DATA(&room.first), &p[1], sizeof(p[1]));
	assert_int_equal(ff_socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sv), 0);
	assert_int_equal(ff_sendmsg(sv[0], &msg, 0), 2);
	memset(&room, 0, sizeof(room));
	iov.iov_len = 1;
	assert_int_equal(ff_recvmsg(sv[1], &msg, MSG_CMSG_CLOEXEC), 1);
	assert_int_equal(msg.msg_flags & ~MSG_CMSG_CLOEXEC, MSG_TRUNC);
	assert_non_null(CMSG_FIRSTHDR(&msg));
	memcpy(&fd, CMSG_DATA(&room.first), sizeof(fd));
	assert_int_equal(write(fd, "x", 1), 1);
	assert_int_equal(read(p[0], buf, 2), 1);
	assert_int_equal(ff_write(sv[0], "x", 1), 1);
	assert_int_equal(ff_recvfrom(sv[1], buf, 2, 0, (void *)&from, &len), 1);
	assert_int_equal(len, 0);
	close(fd);
	close_pipe(p);
}

/* A kernel descriptor ends a wait that a socket could not end. */
static void wait_ends(void **state)
{
	struct api_world *t = *state;
	struct epoll_event ev[4];
	int sv[2], from, ep = ff_epoll_create1(0);

	assert_int_equal(ff_socketpair(AF_UNIX, SOCK_DGRAM, 0, sv), 0);
	assert_int_equal(ctl(ep, EPOLL_CTL_ADD, sv[1], EPOLLIN, 3), 0);
	assert_int_equal(ctl(ep, EPOLL_CTL_ADD, api_listen(PORT, 0), EPOLLIN, 4), 0);
	from = sv[0];
	t->host[0].at_turn = say_hello;
	t->host[0].at_turn_arg = &from;
	assert_int_equal(ff_epoll_wait(ep, ev, 4, -1), 1);
	assert_true(ev[0].data.u64 == 3);
	t->host[0].at_turn = NULL;
}

/* Of a connection of the kernel's, listening nowhere else. */
static void kernel_pair(int fd[2])
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(sin);
	int lfd = socket(AF_INET, SOCK_STREAM, 0);

	fd[1] = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(lfd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	assert_int_equal(listen(lfd, 1), 0);
	assert_int_equal(getsockname(lfd, (struct sockaddr *)&sin, &len), 0);
	assert_int_equal(connect(fd[1], (struct sockaddr *)&sin, sizeof(sin)), 0);
	fd[0] = accept(lfd, NULL, NULL);
	assert_true(fd[0] >= 0);
	close(lfd);
}

static void epoll_of_urgent_data(void **state)
{
	struct epoll_event ev;
	int fd[2], ep;

	api_on(*state, 1);
	kernel_pair(fd);
	ep = ff_epoll_create1(0);
	assert_int_equal(ctl(ep, EPOLL_CTL_ADD, fd[0], EPOLLPRI, 7), 0);
	assert_int_equal(send(fd[1], "x", 1, 0), 1);
	assert_int_equal(ff_epoll_wait(ep, &ev, 1, 10), 0);
	assert_int_equal(send(fd[1], "y", 1, MSG_OOB), 1);
	assert_int_equal(ff_epoll_wait(ep, &ev, 1, 10), 1);
	assert_int_equal(ev.events, EPOLLPRI);
	close_pipe(fd);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, api_setup, api_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(epoll_of_both),
		TEST(epoll_edges),
		TEST(epoll_of_urgent_data),
		TEST(epoll_errors),
		TEST(number_used_again),
		TEST(number_of_another),
		TEST(duplicate_outlives_number),
		TEST(poll_of_a_closed_number),
		TEST(poll_and_select),
		TEST(kqueue_of_kernel_descriptors),
		TEST(write_mark_of_kernel_descriptors),
		TEST(pair_talks),
		TEST(pair_blocks),
		TEST(pair_of_messages),
		TEST(wait_ends),
	};

	return cmocka_run_group_tests_name("kern", tests, NULL, NULL);
}
