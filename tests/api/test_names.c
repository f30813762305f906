/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Every function of the headers, called by a thread that has no stack: it fails with a clear errno
 * and touches nothing. That no other names are exported is tools/check-exports' business.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "ff_api.h"
#include "ff_config.h"
#include "ff_epoll.h"
#include "ff_errno.h"
#include "ff_event.h"
#include "ff_log.h"
#include "ff_veth.h"
#include "tests/zs_test.h"
#include "zstack.h"

#define FAILS(call, err)                                                                           \
	do {                                                                                       \
		errno = 0;                                                                         \
		assert_true((call) == -1);                                                         \
		assert_int_equal(errno, (err));                                                    \
	} while (0)

#define NOTHING(call, err)                                                                         \
	do {                                                                                       \
		errno = 0;                                                                         \
		assert_null(call);                                                                 \
		assert_int_equal(errno, (err));                                                    \
	} while (0)

#define SILENT(call, err)                                                                          \
	do {                                                                                       \
		errno = 0;                                                                         \
		call;                                                                              \
		assert_int_equal(errno, (err));                                                    \
	} while (0)

static void sockets(void **state)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	struct linux_sockaddr *sa = (struct linux_sockaddr *)(void *)&sin;
	socklen_t len = sizeof(sin);
	int sv[2], on = 1;

	(void)state;
	FAILS(ff_socket(AF_INET, SOCK_STREAM, 0), EPERM);
	FAILS(ff_socketpair(AF_UNIX, SOCK_STREAM, 0, sv), EPERM);
	FAILS(ff_bind(1024, sa, len), EPERM);
	FAILS(ff_listen(1024, 1), EPERM);
	FAILS(ff_accept(1024, sa, &len), EPERM);
	FAILS(ff_accept4(1024, sa, &len, 0), EPERM);
	FAILS(ff_connect(1024, sa, len), EPERM);
	FAILS(ff_close(1024), EPERM);
	FAILS(ff_shutdown(1024, SHUT_RDWR), EPERM);
	FAILS(ff_getpeername(1024, sa, &len), EPERM);
	FAILS(ff_getsockname(1024, sa, &len), EPERM);
	FAILS(ff_setsockopt(1024, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)), EPERM);
	FAILS(ff_getsockopt(1024, SOL_SOCKET, SO_ERROR, &on, &len), EPERM);
	FAILS(ff_ioctl(1024, FIONBIO, &on), EPERM);
	FAILS(ff_fcntl(1024, F_GETFL), EPERM);
	FAILS(ff_dup(1024), EPERM);
	FAILS(ff_dup2(1024, 1025), EPERM);
	assert_int_equal(ff_fdisused(1024), 0);
	FAILS(ff_getmaxfd(), EPERM);
}

static void io(void **state)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	struct linux_sockaddr *sa = (struct linux_sockaddr *)(void *)&sin;
	socklen_t len = sizeof(sin);
	char buf[8] = "";
	struct iovec iov = { .iov_base = buf, .iov_len = sizeof(buf) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct ff_zc_mbuf zc = { 0 };

	(void)state;
	FAILS(ff_read(1024, buf, 1), EPERM);
	FAILS(ff_readv(1024, &iov, 1), EPERM);
	FAILS(ff_recv(1024, buf, 1, 0), EPERM);
	FAILS(ff_recvfrom(1024, buf, 1, 0, sa, &len), EPERM);
	FAILS(ff_recvmsg(1024, &msg, 0), EPERM);
	FAILS(ff_write(1024, buf, 1), EPERM);
	FAILS(ff_writev(1024, &iov, 1), EPERM);
	FAILS(ff_send(1024, buf, 1, 0), EPERM);
	FAILS(ff_sendto(1024, buf, 1, 0, sa, len), EPERM);
	FAILS(ff_sendmsg(1024, &msg, 0), EPERM);
	FAILS(ff_zc_mbuf_get(&zc, 8), EPERM);
	FAILS(ff_zc_mbuf_write(&zc, buf, 1), EINVAL);
	FAILS(ff_zc_mbuf_read(&zc, buf, 1), ENOSYS);
	FAILS(ff_zc_send(1024, buf, 1), EPERM);
}

static void waits(void **state)
{
	struct pollfd p = { .fd = 1024 };
	struct epoll_event ee = { 0 };
	struct timeval tv = { 0 };
	struct kevent kev = { 0 };

	(void)state;
	FAILS(ff_select(0, NULL, NULL, NULL, &tv), EPERM);
	FAILS(ff_poll(&p, 1, 0), EPERM);
	FAILS(ff_kqueue(), EPERM);
	FAILS(ff_kevent(1024, &kev, 1, &kev, 1, NULL), EPERM);
	FAILS(ff_kevent_do_each(1024, &kev, 1, &kev, 1, NULL, NULL), EPERM);
	FAILS(ff_epoll_create(1), EPERM);
	FAILS(ff_epoll_create1(0), EPERM);
	FAILS(ff_epoll_ctl(1024, EPOLL_CTL_ADD, 1025, &ee), EPERM);
	FAILS(ff_epoll_wait(1024, &ee, 1, 0), EPERM);
}

static void *nothing(void *arg)
{
	return arg;
}

static int drop(void *data, uint16_t *len, uint16_t queue_id, uint16_t nb_queues)
{
	(void)data;
	(void)len;
	(void)queue_id;
	(void)nb_queues;
	return FF_DISPATCH_ERROR;
}

static void the_rest(void **state)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	struct linux_sockaddr *sa = (struct linux_sockaddr *)(void *)&sin;
	struct ff_traffic_args traffic = { .rx_packets = 1 };
	struct timeval tv = { 0 };
	pthread_t th;
	size_t len = 0;
	void *result = NULL;
	int mib[2] = { 0 };

	(void)state;
	assert_int_equal(ff_gettimeofday(&tv, NULL), 0);
	assert_true(tv.tv_sec > 0);
	assert_int_equal(ff_pthread_create(&th, NULL, nothing, &tv), 0);
	assert_int_equal(ff_pthread_join(th, &result), 0);
	assert_ptr_equal(result, &tv);
	SILENT(ff_get_traffic(&traffic), EPERM);
	assert_true(traffic.rx_packets == 0);
	FAILS(ff_route_ctl(FF_ROUTE_ADD, FF_RTF_HOST, sa, sa, sa), EPERM);
	assert_int_equal(ff_sysctl(mib, 2, NULL, &len, NULL, 0), -1);
	assert_int_equal(ff_dpdk_raw_packet_send(mib, 8, 0), -1);
	ff_regist_packet_dispatcher(drop);
	ff_regist_packet_dispatcher(NULL);
	ff_regist_packet_dispatcher_context(NULL);
	ff_regist_pcblddr_fun(NULL);
	ff_run(NULL, NULL);
	ff_stop_run();
}

static void inside(void **state)
{
	unsigned n = 0;
	int x = 0;

	(void)state;
	FAILS(ff_ioctl_freebsd(1024, 0), ENOSYS);
	FAILS(ff_setsockopt_freebsd(1024, 0, 0, &x, sizeof(x)), ENOSYS);
	FAILS(ff_getsockopt_freebsd(1024, 0, 0, &x, &n), ENOSYS);
	FAILS(ff_rtioctl(0, &x, &n, n), ENOSYS);
	FAILS(ff_ngctl(NGCTL_SOCKET, &x), ENOSYS);
	FAILS(ff_freebsd_init(), ENOSYS);
	FAILS(ff_rss_tbl_init(), ENOSYS);
	FAILS(ff_veth_detach(&x), ENOSYS);
	NOTHING(ff_adapt_user_thread_add(&x), ENOSYS);
	NOTHING(ff_switch_curthread(&x), ENOSYS);
	NOTHING(ff_veth_attach(NULL), ENOSYS);
	NOTHING(ff_veth_softc_to_hostc(&x), ENOSYS);
	NOTHING(ff_veth_get_softc(&x), ENOSYS);
	NOTHING(ff_mbuf_gethdr(&x, 1, &x, 1, 0), ENOSYS);
	SILENT(ff_adapt_user_thread_exit(&x), ENOSYS);
	SILENT(ff_restore_curthread(&x), ENOSYS);
	SILENT(ff_hardclock(), ENOSYS);
	SILENT(ff_swi_net_excute(), ENOSYS);
	SILENT(ff_veth_process_packet(&x, &x), ENOSYS);
	SILENT(ff_veth_free_softc(&x), ENOSYS);
	SILENT(ff_mbuf_tx_offload(&x, NULL), ENOSYS);
	SILENT(ff_mbuf_set_vlan_info(&x, 1), ENOSYS);
}

static void zero_copy(void **state)
{
	struct z_iov v[2];
	struct z_stats st;
	struct z_drop drops[2];
	uint64_t acked;
	void *p = v;

	(void)state;
	NOTHING(z_alloc(-1, 10, 0), EPERM);
	NOTHING(z_alloc_chain(-1, 10, 0), EPERM);
	assert_int_equal(z_max_room(), 0);
	NOTHING(z_mem_register(v, sizeof(v), 0), EPERM);
	FAILS(z_read(1024, &p, 10), EPERM);
	FAILS(z_peek(1024, v, 2, 0), EPERM);
	FAILS(z_consume(1024, 1), EPERM);
	FAILS(z_recv_bufs(1024, (z_buf **)&p, 1, NULL), EPERM);
	FAILS(z_recv_dgrams(1024, NULL, 1, 0), EPERM);
	FAILS(z_send_dgrams(1024, NULL, 1, 0), EPERM);
	FAILS(z_write(1024, v, 1), EPERM);
	FAILS(z_send_bufs(1024, NULL, 0, 0), EPERM);
	FAILS(z_sendto_buf(1024, NULL, NULL, 0, 0), EPERM);
	assert_int_equal(z_send_space(1024), 0);
	FAILS(z_await_buffers(1024), EPERM);
	FAILS(z_acked(1024, &acked), EPERM);
	FAILS(z_splice(1024, 1025, 1, 0), EPERM);
	FAILS(z_splice_auto(1024, 1025, 0, 0), EPERM);
	FAILS(z_poll(1), EPERM);
	FAILS(z_ctx_fd(), EPERM);
	FAILS(z_set_idle(Z_IDLE_POLL), EPERM);
	FAILS(z_stats_get(&st, sizeof(st)), EPERM);
	FAILS(z_drops_get(drops, 2), EPERM);
	FAILS(z_cores(), EPERM);
	FAILS(z_core(), EPERM);
	FAILS(z_core_stats_get(0, &st, sizeof(st)), EPERM);
	FAILS(z_core_drops_get(0, drops, 2), EPERM);
}

static void logs(void **state)
{
	(void)state;
	ff_log_set_global_level(FF_LOG_DISABLE);
	assert_int_equal(ff_log(FF_LOG_ERR, FF_LOGTYPE_FSTACK_APP, "%d", 1), 0);
	FAILS(ff_log_set_level(99, FF_LOG_ERR), EINVAL);
	assert_int_equal(ff_log_reset_stream(NULL), 0);
	assert_int_equal(ff_openlog_stream(stderr), 0);
	assert_int_equal(ff_log_open_set(), 0);
	ff_log_close();
}

/* What F-Stack programs know of the structures. */
static void layouts(void **state)
{
	(void)state;
	assert_int_equal(sizeof(struct kevent), 64);
	assert_int_equal(offsetof(struct kevent, data), 16);
	assert_int_equal(offsetof(struct kevent, udata), 24);
	assert_int_equal(offsetof(struct kevent, ext), 32);
	assert_int_equal(sizeof(struct linux_sockaddr), 16);
	assert_int_equal(sizeof(struct ff_traffic_args), 48);
	assert_int_equal(sizeof(struct ff_zc_mbuf), 24);
	assert_int_equal(ff_EAGAIN, 35);
	assert_int_equal(ff_ECONNREFUSED, 61);
	assert_int_equal(AF_INET6_LINUX, AF_INET6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sockets),  cmocka_unit_test(io),      cmocka_unit_test(waits),
		cmocka_unit_test(the_rest), cmocka_unit_test(inside),  cmocka_unit_test(zero_copy),
		cmocka_unit_test(logs),	    cmocka_unit_test(layouts),
	};

	return cmocka_run_group_tests_name("names", tests, NULL, NULL);
}
