/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Cases of epoll and kqueue as lines of text, for the calls of the library and for those of the
 * kernel: "pair; add s IN; write c 3; wait = s:IN". Steps are separated by ';'. What stands behind
 * '=' is what has to come of a step: an errno's name, a number, or events. All sockets are
 * non-blocking; names are single letters.
 *
 *	pair            l listens, c is connected to s
 *	listen l, tcp x, udp u v (connected to each other)
 *	connect x       to the listener l; connect x nobody: to a port where nobody listens
 *	accept l x, dup x y, close x, reset x, shut x WR, lowat x 10
 *	write x 3, read x 3, fill x (until it is full), drain x (until it is empty, the peer
 *	                having time to send)
 *	add x IN|ET, mod x OUT, del x      in the epoll instance e
 *	epoll x, kqueue x (the kqueue, under another number), newkqueue x
 *	addto x s IN, modin x s OUT, delfrom x s, waitin x; kaddto x s READ, kdelfrom x s READ,
 *	kwaitin x       in and of the one called x
 *	poll x          is it readable: 1 or 0
 *	wait, wait1     what is reported (by wait1: at most one), by name: "c:OUT s:IN"
 *	kadd x READ|CLEAR, kdel x READ, kenable x READ, kdisable x READ
 *	ktimer 5 ms, kuser 7, ktrigger 7
 *	kwait, kwait1   "s:READ=3 s:WRITE|EOF"; numbers are compared when they are given
 *	sleep ms
 */
#ifndef SCRIPT_H
#define SCRIPT_H

#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>

struct kevent;

/* The calls of one side. Those of kqueue are NULL where there is none. */
struct script_calls {
	int (*socket)(int domain, int type, int protocol);
	int (*bind)(int fd, const struct sockaddr *sa, socklen_t len);
	int (*listen)(int fd, int backlog);
	int (*connect)(int fd, const struct sockaddr *sa, socklen_t len);
	int (*accept4)(int fd, struct sockaddr *sa, socklen_t *len, int flags);
	int (*getsockname)(int fd, struct sockaddr *sa, socklen_t *len);
	int (*setsockopt)(int fd, int level, int name, const void *val, socklen_t len);
	int (*shutdown)(int fd, int how);
	int (*close)(int fd);
	int (*dup)(int fd);
	ssize_t (*read)(int fd, void *buf, size_t n);
	ssize_t (*send)(int fd, const void *buf, size_t n, int flags);
	int (*poll)(struct pollfd *fds, nfds_t n, int timeout);
	int (*epoll_create1)(int flags);
	int (*epoll_ctl)(int ep, int op, int fd, struct epoll_event *ev);
	int (*epoll_wait)(int ep, struct epoll_event *ev, int max, int timeout);
	int (*kqueue)(void);
	int (*kevent)(int kq, const struct kevent *changes, int n, struct kevent *events, int max,
		      const struct timespec *timeout);
};

/* Runs a script; fails the cmocka test at the first step that does not come out as it has to. */
void script_run(const struct script_calls *calls, const char *script);

#endif
