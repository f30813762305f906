/* SPDX-License-Identifier: BSD-3-Clause */
/* I/O on the descriptors of ff_socketpair(), for the calls that found no socket behind fd. */
#ifndef ZS_PAIR_H
#define ZS_PAIR_H

#include <sys/socket.h>
#include <sys/uio.h>

#include "api/zs_kern.h"

/* One end of a pair, or NULL with errno unchanged: what the caller found out holds. */
static inline struct zs_kern *zs_fd_kern(int fd)
{
	struct zs_ctx *c = zs_ctx_self;
	struct zs_fd *f = c == NULL ? NULL : zs_fd_slot(&c->fds, fd);

	return f != NULL && f->kind == ZS_FD_KERN ? f->obj : NULL;
}

/* As recvmsg() and sendmsg(); -1 with errno unchanged when fd is no pair's. */
ssize_t zs_pair_recv(int fd, struct msghdr *msg, int flags);
ssize_t zs_pair_send(int fd, const struct msghdr *msg, int flags);

#endif
