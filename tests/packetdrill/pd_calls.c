/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The 32 entry points: system calls become ff_ calls, packets and time go to pd_world.c. Sockets
 * carry the number of a real descriptor of the kernel, because the tool closes what a script left
 * open by itself.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>

#include "ff_api.h"
#include "ff_epoll.h"

#include "pd.h"

enum { SETTLE_US = 3000 /* of real time */ };
enum { NO_PACKET_S = 24 * 3600 }; /* waited for so long, none will come: keepalive takes hours */

/* ---- entry and return ---- */

static bool on_main(const struct pd *p)
{
	return pthread_equal(pthread_self(), p->main);
}

/* A system call begins: scripts may have changed settings since the last. */
static struct pd *begin(void *u)
{
	struct pd *p = pd_enter(u);

	pd_sysctl((struct zs_config *)(uintptr_t)zs_stack_config(p->s));
	pd_metrics(p);
	if (!on_main(p))
		p->call = PD_CALL_RUNNING;
	return p;
}

/* A call of the main thread that would block for ever has as good an answer as one that does not.
 */
static long end(struct pd *p, long rc)
{
	int error = p->given_up && errno == EINTR ? EAGAIN : errno;

	pd_run(p);
	if (on_main(p))
		pd_wake(p);
	pd_leave(p);
	errno = error;
	return rc;
}

/* ---- descriptors ---- */

static int ours(const struct pd *p, int fd)
{
	return fd >= 0 && fd < PD_MAX_FDS && p->fd[fd] != 0 ? p->fd[fd] : -1;
}

/* A number of the kernel's for a descriptor of ours. */
static int number(struct pd *p, int our_fd)
{
	int fd;

	if (our_fd < 0)
		return our_fd;
	fd = eventfd(0, EFD_CLOEXEC);
	if (fd < 0 || fd >= PD_MAX_FDS) {
		(void)ff_close(our_fd);
		errno = EMFILE;
		return -1;
	}
	p->fd[fd] = our_fd;
	return fd;
}

static struct linux_sockaddr *sa_out(struct sockaddr *sa)
{
	return (struct linux_sockaddr *)(void *)sa;
}

static const struct linux_sockaddr *sa_in(const struct sockaddr *sa)
{
	return (const struct linux_sockaddr *)(const void *)sa;
}

/* ---- sockets ---- */

static int pd_socket(void *u, int domain, int type, int protocol)
{
	struct pd *p = begin(u);

	return (int)end(p, number(p, ff_socket(domain, type, protocol)));
}

static int pd_bind(void *u, int fd, const struct sockaddr *sa, socklen_t len)
{
	struct pd *p = begin(u);

	return (int)end(p, ff_bind(ours(p, fd), sa_in(sa), len));
}

static int pd_listen(void *u, int fd, int backlog)
{
	struct pd *p = begin(u);

	return (int)end(p, ff_listen(ours(p, fd), backlog));
}

static int pd_accept(void *u, int fd, struct sockaddr *sa, socklen_t *len)
{
	struct pd *p = begin(u);

	return (int)end(p, number(p, ff_accept4(ours(p, fd), sa_out(sa), len, 0)));
}

static int pd_connect(void *u, int fd, const struct sockaddr *sa, socklen_t len)
{
	struct pd *p = begin(u);

	return (int)end(p, ff_connect(ours(p, fd), sa_in(sa), len));
}

static int close_ours(struct pd *p, int fd)
{
	int our_fd = ours(p, fd);

	if (our_fd < 0)
		return -1;
	p->fd[fd] = 0;
	(void)syscall(SYS_close, fd);
	return ff_close(our_fd);
}

/* Also of what is none of ours: the ends of a pipe. */
static int pd_close(void *u, int fd)
{
	struct pd *p = begin(u);
	long rc = ours(p, fd) < 0 ? syscall(SYS_close, fd) : close_ours(p, fd);

	return (int)end(p, rc);
}

static int pd_shutdown(void *u, int fd, int how)
{
	struct pd *p = begin(u);

	return (int)end(p, ff_shutdown(ours(p, fd), how));
}

/* ---- input ---- */

static ssize_t pd_read(void *u, int fd, void *buf, size_t n)
{
	struct pd *p = begin(u);

	return end(p, ff_read(ours(p, fd), buf, n));
}

static ssize_t pd_readv(void *u, int fd, const struct iovec *iov, int n_iov)
{
	struct pd *p = begin(u);

	return end(p, ff_readv(ours(p, fd), iov, n_iov));
}

static ssize_t pd_recv(void *u, int fd, void *buf, size_t n, int flags)
{
	struct pd *p = begin(u);

	return end(p, ff_recv(ours(p, fd), buf, n, flags));
}

static ssize_t pd_recvfrom(void *u, int fd, void *buf, size_t n, int flags, struct sockaddr *sa,
			   socklen_t *len)
{
	struct pd *p = begin(u);

	return end(p, ff_recvfrom(ours(p, fd), buf, n, flags, sa_out(sa), len));
}

static ssize_t pd_recvmsg(void *u, int fd, struct msghdr *msg, int flags)
{
	struct pd *p = begin(u);

	return end(p, ff_recvmsg(ours(p, fd), msg, flags));
}

/* ---- output ---- */

static ssize_t pd_write(void *u, int fd, const void *buf, size_t n)
{
	struct pd *p = begin(u);

	return end(p, ff_write(ours(p, fd), buf, n));
}

static ssize_t pd_writev(void *u, int fd, const struct iovec *iov, int n_iov)
{
	struct pd *p = begin(u);

	return end(p, ff_writev(ours(p, fd), iov, n_iov));
}

static ssize_t pd_send(void *u, int fd, const void *buf, size_t n, int flags)
{
	struct pd *p = begin(u);

	return end(p, ff_send(ours(p, fd), buf, n, flags));
}

static ssize_t pd_sendto(void *u, int fd, const void *buf, size_t n, int flags,
			 const struct sockaddr *sa, socklen_t len)
{
	struct pd *p = begin(u);

	return end(p, ff_sendto(ours(p, fd), buf, n, flags, sa_in(sa), len));
}

static ssize_t pd_sendmsg(void *u, int fd, const struct msghdr *msg, int flags)
{
	struct pd *p = begin(u);

	return end(p, ff_sendmsg(ours(p, fd), msg, flags));
}

/* ---- control ---- */

static int pd_fcntl(void *u, int fd, int cmd, ...)
{
	struct pd *p = begin(u);
	va_list ap;
	int arg;

	va_start(ap, cmd);
	arg = va_arg(ap, int);
	va_end(ap);
	return (int)end(p, ff_fcntl(ours(p, fd), cmd, arg));
}

static int pd_ioctl(void *u, int fd, unsigned long request, ...)
{
	struct pd *p = begin(u);
	va_list ap;
	void *arg;

	va_start(ap, request);
	arg = va_arg(ap, void *);
	va_end(ap);
	return (int)end(p, ff_ioctl(ours(p, fd), request, arg));
}

static int pd_getsockopt(void *u, int fd, int level, int name, void *val, socklen_t *len)
{
	struct pd *p = begin(u);

	return (int)end(p, ff_getsockopt(ours(p, fd), level, name, val, len));
}

static int pd_setsockopt(void *u, int fd, int level, int name, const void *val, socklen_t len)
{
	struct pd *p = begin(u);

	return (int)end(p, ff_setsockopt(ours(p, fd), level, name, val, len));
}

/* ---- readiness ---- */

/* It has a deadline of its own, so that the tool's main thread may wait in it. */
static struct pd *begin_timed(void *u, int timeout_ms)
{
	struct pd *p = begin(u);

	if (timeout_ms > 0)
		p->patience += (uint64_t)timeout_ms * 1000;
	return p;
}

static int pd_poll(void *u, struct pollfd *fds, nfds_t n, int timeout_ms)
{
	struct pd *p = begin_timed(u, timeout_ms);
	struct pollfd *mine = calloc(n + 1, sizeof(*mine));
	int rc;

	if (mine == NULL)
		abort();
	for (nfds_t i = 0; i < n; i++)
		mine[i] = (struct pollfd){ .fd = ours(p, fds[i].fd), .events = fds[i].events };
	rc = ff_poll(mine, n, timeout_ms);
	for (nfds_t i = 0; i < n; i++)
		fds[i].revents = mine[i].revents;
	free(mine);
	return (int)end(p, rc);
}

static int pd_epoll_create(void *u, int size)
{
	struct pd *p = begin(u);

	return (int)end(p, number(p, ff_epoll_create(size)));
}

static int pd_epoll_ctl(void *u, int epfd, int op, int fd, struct epoll_event *ev)
{
	struct pd *p = begin(u);

	return (int)end(p, ff_epoll_ctl(ours(p, epfd), op, ours(p, fd), ev));
}

static int pd_epoll_wait(void *u, int epfd, struct epoll_event *evs, int max, int timeout_ms)
{
	struct pd *p = begin_timed(u, timeout_ms);

	return (int)end(p, ff_epoll_wait(ours(p, epfd), evs, max, timeout_ms));
}

/* ---- pipes are the kernel's ---- */

static int pd_pipe(void *u, int fds[2])
{
	struct pd *p = begin(u);

	return (int)end(p, pipe2(fds, O_NONBLOCK));
}

/* Between a socket and a pipe, by way of a buffer. Where a script says NULL, the tool points to a
 * zero: neither end has an offset. */
static ssize_t pd_splice(void *u, int in, loff_t *off_in, int out, loff_t *off_out, size_t n,
			 unsigned flags)
{
	struct pd *p = begin(u);
	char buf[65536];
	size_t room = n < sizeof(buf) ? n : sizeof(buf);
	ssize_t got;

	(void)flags;
	(void)off_in;
	(void)off_out;
	got = ours(p, in) < 0 ? read(in, buf, room) : ff_read(ours(p, in), buf, room);
	if (got <= 0)
		return end(p, got);
	if (ours(p, out) < 0)
		return end(p, write(out, buf, (size_t)got));
	return end(p, ff_write(ours(p, out), buf, (size_t)got));
}

ssize_t pd_sendfile(struct pd *u, int out, int in, off_t *off, size_t n)
{
	struct pd *p = begin(u);
	char buf[65536];
	size_t room = n < sizeof(buf) ? n : sizeof(buf);
	ssize_t got = off != NULL ? pread(in, buf, room, *off) : read(in, buf, room);
	ssize_t done = got;

	if (got > 0)
		done = ff_write(ours(p, out), buf, (size_t)got);
	if (done > 0 && off != NULL)
		*off += done;
	return end(p, done);
}

/* ---- packets and time ---- */

static int pd_netdev_send(void *u, const void *buf, size_t n)
{
	struct pd *p = pd_enter(u);
	int rc = pd_inject(p, buf, n);

	return (int)end(p, rc);
}

static int pd_netdev_receive(void *u, void *buf, size_t *n, long long *time_us)
{
	struct pd *p = pd_enter(u);
	uint64_t limit = p->now_us + (uint64_t)NO_PACKET_S * 1000000;
	struct pd_pkt *pkt;
	uint64_t next;

	while (p->out == NULL && (next = pd_next(p)) <= limit)
		pd_advance(p, next);
	pkt = p->out;
	if (pkt == NULL) {
		*n = 0;
		return (int)end(p, 0);
	}
	p->out = pkt->next;
	if (p->out == NULL)
		p->out_tail = &p->out;
	*n = pkt->len < *n ? pkt->len : *n;
	memcpy(buf, pkt->ip, *n);
	*time_us = (long long)pkt->at_us;
	free(pkt);
	return (int)end(p, 0);
}

/*
 * Our time takes no time: the thread of a released call, which is on its way to the tool's lock,
 * would never get it. Here the main thread has let go of it.
 */
static void settle(struct pd *p)
{
	if (!on_main(p) || !p->settling)
		return;
	p->settling = false;
	usleep(SETTLE_US);
}

static int pd_usleep(void *u, useconds_t us)
{
	enum { SPIN_US = 20 }; /* that the tool would rather spin for */
	struct pd *p;

	settle(u);
	p = pd_enter(u);

	pd_advance(p, p->now_us + us + SPIN_US);
	return (int)end(p, 0);
}

/* Each look at the clock moves it: the tool spins until its time has come. */
static int pd_gettimeofday(void *u, struct timeval *tv, struct timezone *tz)
{
	struct pd *p = pd_enter(u);

	(void)tz;
	if (!on_main(p) && p->call == PD_CALL_RUNNING) {
		p->call = PD_CALL_NONE;
		p->settling = true;
		pthread_cond_broadcast(&p->changed);
	} else {
		pd_advance(p, p->now_us + 1);
	}
	tv->tv_sec = (time_t)(p->now_us / 1000000);
	tv->tv_usec = (suseconds_t)(p->now_us % 1000000);
	return (int)end(p, 0);
}

static void pd_free(void *u)
{
	struct pd *p = u;

	pthread_mutex_lock(&p->lock);
	(void)zs_ctx_enter(p->ctx);
	pd_stop(p);
	for (int fd = 0; fd < PD_MAX_FDS; fd++)
		if (p->fd[fd] != 0)
			(void)syscall(SYS_close, fd);
	pthread_mutex_unlock(&p->lock);
	pd_forget(p);
	pthread_cond_destroy(&p->changed);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

int pd_info(struct pd *p, int fd, int level, int name, void *val, socklen_t *len)
{
	return pd_getsockopt(p, fd, level, name, val, len);
}

int pd_drop(struct pd *p, int fd)
{
	return pd_close(p, fd);
}

void pd_calls(struct packetdrill_interface *ifc)
{
	*ifc = (struct packetdrill_interface){
		.userdata = ifc->userdata,
		.free = pd_free,
		.socket = pd_socket,
		.bind = pd_bind,
		.listen = pd_listen,
		.accept = pd_accept,
		.connect = pd_connect,
		.read = pd_read,
		.readv = pd_readv,
		.recv = pd_recv,
		.recvfrom = pd_recvfrom,
		.recvmsg = pd_recvmsg,
		.write = pd_write,
		.writev = pd_writev,
		.send = pd_send,
		.sendto = pd_sendto,
		.sendmsg = pd_sendmsg,
		.fcntl = pd_fcntl,
		.ioctl = pd_ioctl,
		.close = pd_close,
		.shutdown = pd_shutdown,
		.getsockopt = pd_getsockopt,
		.setsockopt = pd_setsockopt,
		.poll = pd_poll,
		.netdev_send = pd_netdev_send,
		.netdev_receive = pd_netdev_receive,
		.usleep = pd_usleep,
		.gettimeofday = pd_gettimeofday,
		.epoll_create = pd_epoll_create,
		.epoll_ctl = pd_epoll_ctl,
		.epoll_wait = pd_epoll_wait,
		.pipe = pd_pipe,
		.splice = pd_splice,
	};
}
