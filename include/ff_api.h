/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * POSIX-like calls on Z-stack, source compatible with F-Stack programs. Constants, structures and
 * errno values are those of Linux. Calls on descriptors and routes act on the calling thread's
 * stack; a thread without one gets -1 and EPERM from them. Zero-copy calls are in zstack.h.
 *
 * Waiting: outside ff_run() a blocking socket blocks (the stack runs meanwhile) and ff_kevent(),
 * ff_epoll_wait(), ff_select() and ff_poll() honour their timeouts; after ff_stop_run(), SIGINT or
 * SIGTERM who would wait gets EINTR. Inside the loop function of ff_run() nothing blocks: a wait is
 * a poll, whatever its timeout.
 */
#ifndef FF_API_H
#define FF_API_H

#include <sys/poll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <netinet/in.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

#include "ff_errno.h"
#include "ff_event.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The layout of struct sockaddr: cast a struct sockaddr_in pointer to this. */
struct linux_sockaddr {
	short sa_family;
	char sa_data[14];
};

#define AF_INET6_LINUX 10
#define PF_INET6_LINUX AF_INET6_LINUX
#define AF_INET6_FREEBSD 28
#define PF_INET6_FREEBSD AF_INET6_FREEBSD

/* ---- start and loop ---- */

/* Called once per turn of the loop. */
typedef int (*loop_func_t)(void *arg);

/*
 * Starts the stacks of this process: one for each CPU of lcore_mask, or, with --proc-id, the one of
 * that CPU among them. Recognized: --conf/-c FILE, --proc-type/-t primary, secondary or auto,
 * --proc-id/-p N; everything else in argv is left to the application. A secondary process waits up
 * to 20 seconds for its primary, number 0; they need hugepages.
 * Without --conf, ./config.ini is read when it exists, and otherwise the defaults hold (one net_tap
 * port zs0, 10.18.0.2/24). 0, or -1 with the reason on stderr; a second time EALREADY, without.
 */
int ff_init(int argc, char *const argv[]);

/*
 * Drives the stacks, each on a thread of its own, the calling one among them, with loop(arg) called
 * in each turn of each; until ff_stop_run() on any of them, SIGINT or SIGTERM. Every thread has its
 * own sockets and descriptors: with more than one, what loop shares between them is the program's
 * to lock; an eventfd in another's kqueue or epoll instance tells it that there is something.
 * Listeners, bound UDP sockets, kqueues and epoll instances that were made before exist for each
 * thread under the same numbers, with their registrations; connections stay with the calling one.
 * The stacks end when the process exits: what is connected then is closed, and reset when that
 * takes longer than close_ms (300).
 */
void ff_run(loop_func_t loop, void *arg);
void ff_stop_run(void);

/* ---- sockets ---- */

int ff_socket(int domain, int type, int protocol);
int ff_bind(int s, const struct linux_sockaddr *addr, socklen_t addrlen);
int ff_listen(int s, int backlog);
/* The new socket inherits non-blocking mode from the listener, as in BSD; ff_accept4() goes by its
 * flags. */
int ff_accept(int s, struct linux_sockaddr *addr, socklen_t *addrlen);
int ff_accept4(int s, struct linux_sockaddr *addr, socklen_t *addrlen, int flags);
int ff_connect(int s, const struct linux_sockaddr *name, socklen_t namelen);
/* With SO_LINGER and a time, a blocking socket waits for the peer's ACK of all, outside ff_run. */
int ff_close(int fd);
int ff_shutdown(int s, int how);
/* Two connected stream or datagram sockets, AF_UNIX: the kernel's, under numbers of ours. */
int ff_socketpair(int domain, int type, int protocol, int *sv);
int ff_getpeername(int s, struct linux_sockaddr *name, socklen_t *namelen);
int ff_getsockname(int s, struct linux_sockaddr *name, socklen_t *namelen);
int ff_setsockopt(int s, int level, int optname, const void *optval, socklen_t optlen);
int ff_getsockopt(int s, int level, int optname, void *optval, socklen_t *optlen);

ssize_t ff_read(int d, void *buf, size_t nbytes);
ssize_t ff_readv(int fd, const struct iovec *iov, int iovcnt);
ssize_t ff_recv(int s, void *buf, size_t len, int flags);
ssize_t ff_recvfrom(int s, void *buf, size_t len, int flags, struct linux_sockaddr *from,
		    socklen_t *fromlen);
ssize_t ff_recvmsg(int s, struct msghdr *msg, int flags);

ssize_t ff_write(int fd, const void *buf, size_t nbytes);
ssize_t ff_writev(int fd, const struct iovec *iov, int iovcnt);
ssize_t ff_send(int s, const void *buf, size_t len, int flags);
ssize_t ff_sendto(int s, const void *buf, size_t len, int flags, const struct linux_sockaddr *to,
		  socklen_t tolen);
ssize_t ff_sendmsg(int s, const struct msghdr *msg, int flags);

/* FIONBIO, FIONREAD. */
int ff_ioctl(int fd, unsigned long request, ...);
/* F_GETFL, F_SETFL, F_GETFD, F_SETFD, F_DUPFD, F_DUPFD_CLOEXEC. */
int ff_fcntl(int fd, int cmd, ...);
int ff_dup(int oldfd);
int ff_dup2(int oldfd, int newfd);

/* ---- waiting ---- */

int ff_select(int nfds, fd_set *readfds, fd_set *writefds, fd_set *exceptfds,
	      struct timeval *timeout);
int ff_poll(struct pollfd fds[], nfds_t nfds, int timeout);
int ff_kqueue(void);
int ff_kevent(int kq, const struct kevent *changelist, int nchanges, struct kevent *eventlist,
	      int nevents, const struct timespec *timeout);
/* As ff_kevent(), but each event, at most 256 a call, is handed to do_each(), which writes it where
 * *eventlist points. */
int ff_kevent_do_each(int kq, const struct kevent *changelist, int nchanges, void *eventlist,
		      int nevents, const struct timespec *timeout,
		      void (*do_each)(void **, struct kevent *));

/* ---- the rest of POSIX ---- */

#if __GLIBC__ > 2 || (__GLIBC__ == 2 && __GLIBC_MINOR__ >= 31)
int ff_gettimeofday(struct timeval *tv, void *tz);
#else
int ff_gettimeofday(struct timeval *tv, struct timezone *tz);
#endif
int ff_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*start)(void *),
		      void *arg);
int ff_pthread_join(pthread_t thread, void **retval);
/*
 * FreeBSD's protocol, for the settings of [freebsd.sysctl] that have a meaning here: { 0, 3 } makes
 * a number of the name in newp, which then reads and writes a 32-bit value. What is written holds
 * for this thread's stack and what it opens from then on.
 */
int ff_sysctl(const int *name, unsigned int namelen, void *oldp, size_t *oldlenp, const void *newp,
	      size_t newlen);

/* ---- descriptors ---- */

/* 1 when fd is one of this thread's, else 0. Our numbers start at fd_reserve: they equal none of
 * the kernel's unless the process opens more than that. */
int ff_fdisused(int fd);
/* No descriptor is as large as this. */
int ff_getmaxfd(void);

/* ---- traffic and routes ---- */

struct ff_traffic_args {
	uint64_t rx_packets, rx_bytes;
	uint64_t tx_packets, tx_bytes;
	uint64_t rx_dropped, tx_dropped;
};
/* buffer: a struct ff_traffic_args. */
void ff_get_traffic(void *buffer);

enum FF_ROUTE_CTL { FF_ROUTE_ADD, FF_ROUTE_DEL, FF_ROUTE_CHANGE };
enum FF_ROUTE_FLAG { FF_RTF_HOST, FF_RTF_GATEWAY };
/*
 * Routes of IPv4 of this thread's stack, 64 in all with those of its interfaces. gw NULL: the
 * network is on the link. FF_RTF_HOST: netmask counts for nothing; else NULL means a host too.
 * FF_ROUTE_CHANGE adds what is not there. 0; -1: EINVAL: not IPv4, or a netmask with a hole;
 * ENETUNREACH: no interface has gw in its network, or no route leads to dst; EEXIST; ENOSPC;
 * ENOENT: none to delete.
 */
int ff_route_ctl(enum FF_ROUTE_CTL req, enum FF_ROUTE_FLAG flag, struct linux_sockaddr *dst,
		 struct linux_sockaddr *gw, struct linux_sockaddr *netmask);

/* ---- packets beside the stack ---- */

#define FF_DISPATCH_ERROR (-1)
#define FF_DISPATCH_RESPONSE (-2)
typedef int (*dispatch_func_t)(void *data, uint16_t *len, uint16_t queue_id, uint16_t nb_queues);
struct ff_dispatcher_context {
	struct {
		uint8_t stripped;
		uint16_t vlan_tci;
	} vlan;
};
typedef int (*dispatch_func_context_t)(void *data, uint16_t *len, uint16_t queue_id,
				       uint16_t nb_queues, struct ff_dispatcher_context context);
/*
 * Called after ff_init(): func sees every frame before the stack does, on the core (queue) where it
 * arrived, and returns the core that is to have it, FF_DISPATCH_ERROR: it is dropped, or
 * FF_DISPATCH_RESPONSE: it goes back as func has left it, *len bytes long. With a process for each
 * core (--proc-id) these are processes. NULL ends it. One function of the two kinds for all cores;
 * none costs nothing.
 */
void ff_regist_packet_dispatcher(dispatch_func_t func);
void ff_regist_packet_dispatcher_context(dispatch_func_context_t func);
/* Sends a copy of the frame, Ethernet header included, by DPDK port port_id. 0; -1: ENODEV,
 * EMSGSIZE, ENOBUFS; EFAULT: data NULL; EINVAL: total below 1. */
int ff_dpdk_raw_packet_send(void *data, int total, uint16_t port_id);

/*
 * Asked by ff_connect() for the address that a socket without one is to have: dst_addr and src_addr
 * are struct in_addr or in6_addr, dst_port is in network order. 0 with an address in *src_addr:
 * that one; an address of zeros, or another result: the stack's choice. NULL ends it.
 */
typedef int (*pcblddr_func_t)(uint16_t family, void *dst_addr, uint16_t dst_port, void *src_addr);
void ff_regist_pcblddr_fun(pcblddr_func_t func);

/*
 * ---- names of F-Stack's inside, for its tools and its preloaded adapter: they do nothing and fail
 * with ENOSYS (-1, NULL). Its thread-local variable pcurthread does not exist. ----
 */

int ff_ioctl_freebsd(int fd, unsigned long request, ...);
int ff_setsockopt_freebsd(int s, int level, int optname, const void *optval, socklen_t optlen);
int ff_getsockopt_freebsd(int s, int level, int optname, void *optval, socklen_t *optlen);
int ff_rtioctl(int fib, void *data, unsigned *plen, unsigned maxlen);
enum FF_NGCTL_CMD { NGCTL_SOCKET, NGCTL_BIND, NGCTL_CONNECT, NGCTL_SEND, NGCTL_RECV, NGCTL_CLOSE };
int ff_ngctl(int cmd, void *data);
void *ff_adapt_user_thread_add(void *parent);
void ff_adapt_user_thread_exit(void *td);
void *ff_switch_curthread(void *new_curthread);
void ff_restore_curthread(void *old_curthread);
int ff_freebsd_init(void);
void ff_hardclock(void);
void ff_swi_net_excute(void);
int ff_rss_tbl_init(void);

/* ---- F-Stack's zero-copy send; zstack.h has the native one ---- */

struct ff_zc_mbuf {
	void *bsd_mbuf;	    /* first buffer of the chain */
	void *bsd_mbuf_off; /* where the next ff_zc_mbuf_write() goes on */
	int off;	    /* bytes written so far */
	int len;	    /* bytes asked for */
};
/* Allocates a chain with room for len bytes. 0 or -1. */
int ff_zc_mbuf_get(struct ff_zc_mbuf *m, int len);
/* Appends len bytes; never more than m->len in all. Returns len or -1. */
int ff_zc_mbuf_write(struct ff_zc_mbuf *m, const char *data, int len);
/* -1, ENOSYS: F-Stack's does nothing either. */
int ff_zc_mbuf_read(struct ff_zc_mbuf *m, const char *data, int len);
/*
 * Sends the chain m->bsd_mbuf without a copy. On success it is the stack's; on failure it is still
 * the caller's, to send again or to free with ff_mbuf_free(). ff_write() does the same when it is
 * given a bsd_mbuf that ff_zc_mbuf_get() handed out, as programs built with FSTACK_ZC_SEND do.
 */
ssize_t ff_zc_send(int fd, const void *bsd_mbuf, size_t nbytes);

/* See zstack.h. */
ssize_t z_read(int fd, void *bufp, size_t nbytes);
ssize_t z_write(int fd, const void *buf, size_t nbytes);

#ifdef __cplusplus
}
#endif

#endif
