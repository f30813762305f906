/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The plug-in interface of the packetdrill tool: what it expects behind --so_filename. It looks up
 * one symbol, packetdrill_interface_init(), which fills the struct: one pointer of the plug-in's
 * own and 32 functions. They answer and set errno as the functions of libc do that they are named
 * after.
 */
#ifndef PD_IFC_H
#define PD_IFC_H

#include <poll.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

struct packetdrill_interface {
	void *userdata;
	void (*free)(void *u);

	int (*socket)(void *u, int domain, int type, int protocol);
	int (*bind)(void *u, int fd, const struct sockaddr *sa, socklen_t len);
	int (*listen)(void *u, int fd, int backlog);
	int (*accept)(void *u, int fd, struct sockaddr *sa, socklen_t *len);
	int (*connect)(void *u, int fd, const struct sockaddr *sa, socklen_t len);

	ssize_t (*read)(void *u, int fd, void *buf, size_t n);
	ssize_t (*readv)(void *u, int fd, const struct iovec *iov, int n_iov);
	ssize_t (*recv)(void *u, int fd, void *buf, size_t n, int flags);
	ssize_t (*recvfrom)(void *u, int fd, void *buf, size_t n, int flags, struct sockaddr *sa,
			    socklen_t *len);
	ssize_t (*recvmsg)(void *u, int fd, struct msghdr *msg, int flags);

	ssize_t (*write)(void *u, int fd, const void *buf, size_t n);
	ssize_t (*writev)(void *u, int fd, const struct iovec *iov, int n_iov);
	ssize_t (*send)(void *u, int fd, const void *buf, size_t n, int flags);
	ssize_t (*sendto)(void *u, int fd, const void *buf, size_t n, int flags,
			  const struct sockaddr *sa, socklen_t len);
	ssize_t (*sendmsg)(void *u, int fd, const struct msghdr *msg, int flags);

	int (*fcntl)(void *u, int fd, int cmd, ...);
	int (*ioctl)(void *u, int fd, unsigned long request, ...);
	int (*close)(void *u, int fd);
	int (*shutdown)(void *u, int fd, int how);
	int (*getsockopt)(void *u, int fd, int level, int name, void *val, socklen_t *len);
	int (*setsockopt)(void *u, int fd, int level, int name, const void *val, socklen_t len);
	int (*poll)(void *u, struct pollfd *fds, nfds_t n, int timeout_ms);

	/* An IP packet of n bytes to the stack. */
	int (*netdev_send)(void *u, const void *buf, size_t n);
	/* The next IP packet of the stack: waits for it. *n: room, then length; 0 = there will be
	 * none. */
	int (*netdev_receive)(void *u, void *buf, size_t *n, long long *time_us);

	int (*usleep)(void *u, useconds_t us);
	int (*gettimeofday)(void *u, struct timeval *tv, struct timezone *tz);

	int (*epoll_create)(void *u, int size);
	int (*epoll_ctl)(void *u, int epfd, int op, int fd, struct epoll_event *ev);
	int (*epoll_wait)(void *u, int epfd, struct epoll_event *evs, int max, int timeout_ms);
	int (*pipe)(void *u, int fds[2]);
	ssize_t (*splice)(void *u, int in, loff_t *off_in, int out, loff_t *off_out, size_t n,
			  unsigned flags);
};
_Static_assert(sizeof(struct packetdrill_interface) == 33 * sizeof(void *), "32 functions");

void packetdrill_interface_init(const char *flags, struct packetdrill_interface *ifc);

#endif
