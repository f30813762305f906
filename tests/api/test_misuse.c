/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Calls as no program should make them: NULL for every pointer, descriptors closed twice or used
 * after their number went to something else, pointers to anything as buffers. Each has a clear
 * errno and, under the sanitizers, no access that it should not make.
 */
#include <limits.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "apitest.h"
#include "ff_veth.h"
#include "zstack.h"

static void connected(struct api_world *t, int *lfd, int *c, int *s)
{
	api_on(t, 1);
	*lfd = api_listen(PORT, 0);
	api_pair(t, *lfd, c, s);
}

static void null_names(void **state)
{
	struct api_world *t = *state;
	struct sockaddr_in sin;
	socklen_t len = sizeof(sin);
	int lfd, c, s, fd;

	connected(t, &lfd, &c, &s);
	fd = ff_socket(AF_INET, SOCK_STREAM, 0);
	assert_errno(ff_bind(fd, NULL, sizeof(sin)), EFAULT);
	assert_errno(ff_connect(fd, NULL, sizeof(sin)), EFAULT);
	assert_errno(ff_bind(fd, sa(&sin), 0), EINVAL);
	assert_errno(ff_getsockname(c, NULL, &len), EFAULT);
	assert_errno(ff_getsockname(c, sa(&sin), NULL), EFAULT);
	assert_errno(ff_getpeername(c, NULL, &len), EFAULT);
	assert_errno(ff_getpeername(c, sa(&sin), NULL), EFAULT);
	assert_errno(ff_setsockopt(c, SOL_SOCKET, SO_KEEPALIVE, NULL, 4), EFAULT);
	assert_errno(ff_getsockopt(c, SOL_SOCKET, SO_ERROR, NULL, &len), EFAULT);
	assert_errno(ff_getsockopt(c, SOL_SOCKET, SO_ERROR, &fd, NULL), EFAULT);
	assert_errno(ff_ioctl(c, FIONBIO, NULL), EFAULT);
	assert_errno(ff_socketpair(AF_UNIX, SOCK_STREAM, 0, NULL), EFAULT);
	api_on(t, 1);
	assert_errno(ff_accept4(lfd, NULL, NULL, -1), EINVAL);
}

static void null_data(void **state)
{
	struct api_world *t = *state;
	struct msghdr msg = { .msg_iovlen = 1 };
	int lfd, c, s;

	connected(t, &lfd, &c, &s);
	assert_int_equal(ff_write(c, "abc", 3), 3);
	api_run_ms(t, 1);
	assert_errno(ff_write(c, NULL, 5), EFAULT);
	assert_errno(ff_send(c, NULL, 5, 0), EFAULT);
	assert_errno(ff_sendto(c, NULL, 5, 0, NULL, 0), EFAULT);
	assert_errno(ff_writev(c, NULL, 1), EFAULT);
	assert_errno(ff_writev(c, NULL, -1), EINVAL);
	assert_errno(ff_sendmsg(c, NULL, 0), EFAULT);
	assert_errno(ff_sendmsg(c, &msg, 0), EFAULT);
	assert_int_equal(ff_write(c, NULL, 0), 0);
	api_on(t, 1);
	assert_errno(ff_read(s, NULL, 5), EFAULT);
	assert_errno(ff_recv(s, NULL, 5, MSG_PEEK), EFAULT);
	assert_errno(ff_recvfrom(s, NULL, 5, 0, NULL, NULL), EFAULT);
	assert_errno(ff_readv(s, NULL, 1), EFAULT);
	assert_errno(ff_readv(s, NULL, INT_MIN), EINVAL);
	assert_errno(ff_recvmsg(s, NULL, 0), EFAULT);
	assert_errno(ff_recvmsg(s, &msg, 0), EFAULT);
	api_expect(s, 0, 0);
}

static void null_waits(void **state)
{
	struct api_world *t = *state;
	int lfd, c, s, kq, ep;
	struct kevent kev;

	connected(t, &lfd, &c, &s);
	kq = ff_kqueue();
	ep = ff_epoll_create1(0);
	assert_errno(ff_kevent(kq, NULL, 1, NULL, 0, NULL), EFAULT);
	assert_errno(ff_kevent(kq, NULL, 0, NULL, 1, NULL), EFAULT);
	assert_errno(ff_kevent(kq, NULL, -1, &kev, 1, NULL), EINVAL);
	assert_errno(ff_kevent_do_each(kq, NULL, 0, NULL, 1, NULL, NULL), EFAULT);
	assert_errno(ff_epoll_ctl(ep, EPOLL_CTL_ADD, c, NULL), EFAULT);
	assert_errno(ff_epoll_wait(ep, NULL, 1, 0), EFAULT);
	assert_errno(ff_epoll_wait(ep, NULL, 0, 0), EINVAL);
	assert_errno(ff_poll(NULL, 3, 0), EFAULT);
	assert_int_equal(ff_select(c + 1, NULL, NULL, NULL, &(struct timeval){ 0 }), 0);
}

static void null_others(void **state)
{
	struct ff_zc_mbuf zc = { 0 };
	void *p = NULL;
	unsigned len;
	int mib[2] = { 0 };

	(void)state;
	ff_get_traffic(NULL);
	assert_int_equal(ff_gettimeofday(NULL, NULL), 0);
	assert_errno(ff_route_ctl(FF_ROUTE_ADD, FF_RTF_GATEWAY, NULL, NULL, NULL), EINVAL);
	assert_int_equal(ff_sysctl(NULL, 2, NULL, NULL, NULL, 0), -1);
	assert_int_equal(ff_sysctl(mib, 0, NULL, NULL, NULL, 0), -1);
	assert_int_equal(ff_dpdk_raw_packet_send(NULL, 60, 0), -1);
	assert_errno(ff_zc_mbuf_get(NULL, 10), EINVAL);
	assert_errno(ff_zc_mbuf_get(&zc, -1), EINVAL);
	assert_errno(ff_zc_mbuf_write(NULL, "x", 1), EINVAL);
	assert_errno(ff_zc_mbuf_write(&zc, "x", 1), EINVAL);
	assert_errno(ff_zc_mbuf_write(&zc, NULL, 1), EINVAL);
	ff_mbuf_free(NULL);
	assert_int_equal(ff_next_mbuf(&p, &p, &len), -1);
	z_buf_free(NULL);
}

static void null_buffers(void **state)
{
	struct api_world *t = *state;
	struct z_iov v[2];
	z_buf *b = NULL;
	int lfd, c, s;

	connected(t, &lfd, &c, &s);
	assert_errno(z_write(c, NULL, 5), EINVAL);
	assert_errno(z_send_bufs(c, NULL, 1, 0), EFAULT);
	assert_errno(z_send_bufs(c, &b, 1, 0), EINVAL);
	assert_errno(z_sendto_buf(c, NULL, NULL, 0, 0), EINVAL);
	assert_errno(z_read(c, NULL, 5), EFAULT);
	assert_errno(z_peek(c, NULL, 2, 0), EFAULT);
	assert_errno(z_peek(c, v, -1, 0), EINVAL);
	assert_errno(z_recv_bufs(c, NULL, 2, NULL), EFAULT);
	assert_errno(z_acked(c, NULL), EFAULT);
	assert_null(z_mem_register(NULL, 10, 0));
	assert_errno(z_mem_unregister(NULL), EINVAL);
	assert_null(z_buf_wrap(NULL, v, sizeof(v), NULL, NULL));
	assert_int_equal(errno, EINVAL);
	assert_errno(z_stats_get(NULL, sizeof(struct z_stats)), EFAULT);
	assert_errno(z_splice(c, c, 10, 99), EINVAL);
}

/* z_alloc() failed, and nobody looked. */
static void null_for_a_buffer(void **state)
{
	struct z_iov v[2];
	z_buf *b;

	(void)state;
	b = z_alloc(-1, 100, 0);
	assert_non_null(z_buf_append(b, 10));
	errno = 0;
	assert_null(z_buf_append(NULL, 10));
	assert_int_equal(errno, EINVAL);
	errno = 0;
	assert_null(z_buf_prepend(NULL, 10));
	assert_int_equal(errno, EINVAL);
	errno = 0;
	assert_null(z_buf_split(NULL, 1));
	assert_int_equal(errno, EINVAL);
	errno = 0;
	assert_null(z_buf_ref(NULL));
	assert_int_equal(errno, EINVAL);
	assert_errno(z_buf_join(b, NULL), EINVAL);
	assert_errno(z_buf_join(NULL, b), EINVAL);
	assert_errno(z_buf_on_done(NULL, NULL, NULL), EINVAL);
	assert_int_equal(z_buf_len(NULL), 0);
	assert_int_equal(z_buf_iov(NULL, v, 2), 0);
	assert_int_equal(z_buf_writable(NULL), 0);
	assert_int_equal(z_buf_copy_out(NULL, 0, v, 2), 0);
	z_buf_reset(NULL);
	assert_int_equal(z_buf_len(b), 10);
	z_buf_free(b);
}

/* The page behind the last one of a mapping is none. */
static void memory_that_is_not_there(void **state)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *p = mmap(NULL, 2 * page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	z_mem *mem;

	(void)state;
	assert_int_equal(munmap(p + page, page), 0);
	errno = 0;
	assert_null(z_mem_register(p + 1, page, 0));
	assert_int_equal(errno, EFAULT);
	mem = z_mem_register(p + 1, page - 1, 0);
	assert_non_null(mem);
	assert_int_equal(z_mem_unregister(mem), 0);
	assert_int_equal(munmap(p, page), 0);
}

/* What z_write and ff_write get is not always what z_alloc gave. */
static void pointers_to_anything(void **state)
{
	struct api_world *t = *state;
	int lfd, c, s, on_stack[64] = { 0 };
	char *heap = calloc(1, 4096);
	z_buf *b;

	connected(t, &lfd, &c, &s);
	assert_errno(z_write(c, on_stack, 10), EINVAL);
	assert_errno(z_write(c, heap, 10), EINVAL);
	memset(heap, 0x5a, 4096);
	assert_errno(z_write(c, heap, 10), EINVAL);
	memset(heap, 0xff, 4096);
	assert_errno(z_write(c, heap, 10), EINVAL);
	b = z_alloc(c, 100, 0);
	assert_non_null(z_buf_append(b, 100));
	assert_errno(z_write(c, b, 99), EINVAL); /* a buffer, but not of this length */
	assert_int_equal(z_write(c, b, 100), 100);
	/* ff_write takes bytes, whatever they look like */
	assert_int_equal(ff_write(c, heap, 100), 100);
	free(heap);
}

static void closed_twice(void **state)
{
	struct api_world *t = *state;
	int lfd, c, s, kq, ep;
	char b;

	connected(t, &lfd, &c, &s);
	kq = ff_kqueue();
	ep = ff_epoll_create1(0);
	assert_int_equal(ff_close(c), 0);
	assert_errno(ff_close(c), EBADF);
	assert_errno(ff_read(c, &b, 1), EBADF);
	assert_errno(ff_write(c, &b, 1), EBADF);
	assert_errno(z_write(c, &b, 1), EBADF);
	assert_errno(ff_shutdown(c, SHUT_RDWR), EBADF);
	assert_int_equal(ff_close(kq), 0);
	assert_errno(ff_close(kq), EBADF);
	assert_errno(ff_kevent(kq, NULL, 0, NULL, 0, NULL), EBADF);
	assert_int_equal(ff_close(ep), 0);
	assert_errno(ff_close(ep), EBADF);
	assert_errno(ff_close(-1), EBADF);
	assert_errno(ff_close(INT_MAX), EBADF);
}

/* The number of a closed socket goes to another: what was registered for the first is gone. */
static void number_used_again(void **state)
{
	struct api_world *t = *state;
	struct epoll_event ev = { .events = EPOLLIN | EPOLLOUT, .data.u64 = 1 };
	struct timespec zero = { 0 };
	int lfd, c, s, other, ep, kq;
	struct kevent kev;
	char b;

	connected(t, &lfd, &c, &s);
	ep = ff_epoll_create1(0);
	kq = ff_kqueue();
	assert_int_equal(ff_epoll_ctl(ep, EPOLL_CTL_ADD, c, &ev), 0);
	EV_SET(&kev, c, EVFILT_WRITE, EV_ADD, 0, 0, NULL);
	assert_int_equal(ff_kevent(kq, &kev, 1, NULL, 0, NULL), 0);
	assert_int_equal(ff_close(c), 0);
	other = ff_socket(AF_INET, SOCK_DGRAM, 0);
	assert_int_equal(other, c);
	assert_int_equal(ff_epoll_wait(ep, &ev, 1, 0), 0);
	assert_int_equal(ff_kevent(kq, NULL, 0, &kev, 1, &zero), 0);
	assert_errno(ff_epoll_ctl(ep, EPOLL_CTL_MOD, other, &ev), ENOENT);
	assert_errno(ff_recv(other, &b, 1, MSG_DONTWAIT), EAGAIN);
}

static void numbers_out_of_range(void **state)
{
	static const int fd[] = { INT_MIN, -1, 0, 1023, 1024 + 256, INT_MAX };
	struct epoll_event ev = { .events = EPOLLIN };
	int ep = ff_epoll_create1(0);
	struct kevent kev;
	char b;

	(void)state;
	for (unsigned i = 0; i < sizeof(fd) / sizeof(fd[0]); i++) {
		assert_errno(ff_read(fd[i], &b, 1), EBADF);
		assert_errno(ff_dup(fd[i]), EBADF);
		assert_errno(ff_dup2(fd[i], 1100), EBADF);
		assert_errno(ff_fcntl(fd[i], 1), EBADF);
		assert_errno(ff_epoll_wait(fd[i], &ev, 1, 0), EBADF);
		assert_errno(ff_kevent(fd[i], NULL, 0, &kev, 1, NULL), EBADF);
		assert_int_equal(ff_fdisused(fd[i]), 0);
	}
	assert_errno(ff_dup2(ep, 3), EBADF);
	assert_errno(ff_dup2(ep, INT_MAX), EBADF);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, api_setup, api_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(null_names),
		TEST(null_data),
		TEST(null_waits),
		TEST(null_others),
		TEST(null_buffers),
		TEST(null_for_a_buffer),
		TEST(memory_that_is_not_there),
		TEST(pointers_to_anything),
		TEST(closed_twice),
		TEST(number_used_again),
		TEST(numbers_out_of_range),
	};

	return cmocka_run_group_tests_name("misuse", tests, NULL, NULL);
}
