/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ff_socketpair: what talks to itself needs no network, so the kernel's pair serves, under two
 * numbers of ours, for I/O, events, flags, ff_shutdown() and ff_close(). Its descriptors never
 * block in the kernel: a call that has to wait drives the stack meanwhile.
 */
#include <unistd.h>

#include "ff_api.h"

#include "api/zs_pair.h"
#include "api/zs_wait.h"
#include "base/zs_api.h"

static int install_both(struct zs_ctx *c, const int kfd[2], int type, int sv[2])
{
	bool nonblock = (type & SOCK_NONBLOCK) != 0;
	uint8_t flags = type & SOCK_CLOEXEC ? ZS_FDF_CLOEXEC : 0;
	int fd[2];

	fd[0] = zs_kern_install(c, kfd[0], nonblock, flags);
	if (fd[0] < 0) {
		close(kfd[1]);
		return fd[0];
	}
	fd[1] = zs_kern_install(c, kfd[1], nonblock, flags);
	if (fd[1] < 0) {
		(void)zs_ctx_close(c, fd[0]);
		return fd[1];
	}
	sv[0] = fd[0];
	sv[1] = fd[1];
	return 0;
}

ZS_API int ff_socketpair(int domain, int type, int protocol, int *sv)
{
	struct zs_ctx *c = zs_ctx_get();
	int kfd[2];

	if (c == NULL)
		return -1;
	if (sv == NULL)
		return (int)ff_ret(-EFAULT);
	if (domain != AF_UNIX)
		return (int)ff_ret(-EAFNOSUPPORT);
	if (socketpair(domain, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol, kfd) < 0)
		return -1;
	return (int)ff_ret(install_both(c, kfd, type, sv));
}

/* ---- I/O ---- */

static int scan_readable(void *arg)
{
	return (zs_kern_events(arg) & (POLLIN | POLLHUP | POLLERR)) != 0;
}

static int scan_writable(void *arg)
{
	return (zs_kern_events(arg) & (POLLOUT | POLLHUP | POLLERR)) != 0;
}

/* After EAGAIN: 0 = try again. */
static int wait_for(struct zs_kern *k, zs_scan_fn scan, int flags)
{
	struct zs_ctx *c = zs_ctx_self;
	int rc;

	if (c->in_run || k->nonblock || (flags & MSG_DONTWAIT))
		return -EAGAIN;
	rc = zs_kern_watch(c, k);
	if (rc == 0)
		rc = zs_wait(c, UINT64_MAX, scan, k);
	return rc < 0 ? rc : 0;
}

ssize_t zs_pair_recv(int fd, struct msghdr *msg, int flags)
{
	struct zs_kern *k = zs_fd_kern(fd);
	ssize_t n;
	int rc;

	if (k == NULL)
		return -1;
	while ((n = recvmsg(k->fd, msg, flags | MSG_DONTWAIT)) < 0 && errno == EAGAIN) {
		rc = wait_for(k, scan_readable, flags);
		if (rc < 0)
			return ff_ret(rc);
	}
	return n;
}

ssize_t zs_pair_send(int fd, const struct msghdr *msg, int flags)
{
	struct zs_kern *k = zs_fd_kern(fd);
	ssize_t n;
	int rc;

	if (k == NULL)
		return -1;
	while ((n = sendmsg(k->fd, msg, flags | MSG_DONTWAIT)) < 0 && errno == EAGAIN) {
		rc = wait_for(k, scan_writable, flags);
		if (rc < 0)
			return ff_ret(rc);
	}
	return n;
}
