/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * epoll with Linux's constants and semantics: level trigger, EPOLLET, EPOLLONESHOT, EPOLLRDHUP; one
 * event per descriptor; data comes back untouched. See ff_api.h about waiting.
 */
#ifndef FF_EPOLL_H
#define FF_EPOLL_H

#include <sys/epoll.h>

#ifdef __cplusplus
extern "C" {
#endif

int ff_epoll_create(int size);
int ff_epoll_create1(int flags);
int ff_epoll_ctl(int epfd, int op, int fd, struct epoll_event *event);
int ff_epoll_wait(int epfd, struct epoll_event *events, int maxevents, int timeout);

#ifdef __cplusplus
}
#endif

#endif
