/* SPDX-License-Identifier: BSD-3-Clause */
/* epoll instances, without descriptors of their own and waiting. */
#ifndef ZS_EPOLL_H
#define ZS_EPOLL_H

#include <sys/epoll.h>

#include "api/zs_ctx.h"

struct zs_epoll;

/* NULL: no memory. One reference. */
struct zs_epoll *zs_epoll_create(struct zs_ctx *c);
void zs_epoll_ref(struct zs_epoll *ep);
void zs_epoll_unref(struct zs_epoll *ep);

/* EPOLL_CTL_ADD, _MOD, _DEL. -EBADF, -EPERM (nothing to wait for), -EEXIST, -ENOENT, -EINVAL,
 * -ELOOP, -ENOMEM. */
int zs_epoll_ctl(struct zs_epoll *ep, int op, int fd, const struct epoll_event *ev);

/* Registers with `to` what is registered with `from`, as far as to's context has the descriptors.
 */
int zs_epoll_copy(const struct zs_epoll *from, struct zs_epoll *to);
/* Events that are true now, at most max; each descriptor once, in turn. */
int zs_epoll_scan(struct zs_epoll *ep, struct epoll_event *out, int max);

#endif
