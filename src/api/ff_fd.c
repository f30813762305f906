/* SPDX-License-Identifier: BSD-3-Clause */
/* Operations on descriptors of any kind: duplicates, flags, ioctl, whose they are. */
#include <fcntl.h>
#include <stdarg.h>
#include <sys/ioctl.h>

#include "ff_api.h"

#include "api/zs_pair.h"
#include "base/zs_api.h"

ZS_API int ff_dup(int oldfd)
{
	struct zs_ctx *c = zs_ctx_get();

	return c == NULL ? -1 : (int)ff_ret(zs_ctx_dup(c, oldfd, 0, 0));
}

ZS_API int ff_dup2(int oldfd, int newfd)
{
	struct zs_ctx *c = zs_ctx_get();

	if (c == NULL)
		return -1;
	if (zs_fd_slot(&c->fds, oldfd) == NULL || newfd < c->fds.base ||
	    newfd >= c->fds.base + (int)c->fds.cap)
		return (int)ff_ret(-EBADF);
	if (oldfd == newfd)
		return newfd;
	if (zs_fd_slot(&c->fds, newfd) != NULL)
		(void)ff_close(newfd); /* in use: it succeeds */
	return (int)ff_ret(zs_ctx_dup(c, oldfd, newfd, 0));
}

/* ---- fcntl ---- */

static int get_fl(const struct zs_fd *f)
{
	bool nonblock = false;

	if (f->kind == ZS_FD_SOCK)
		nonblock = (((const struct zs_sock *)f->obj)->flags & ZS_SF_NONBLOCK) != 0;
	else if (f->kind == ZS_FD_KERN)
		nonblock = ((const struct zs_kern *)f->obj)->nonblock;
	return O_RDWR | (nonblock ? O_NONBLOCK : 0);
}

static void set_nonblock(struct zs_fd *f, bool on)
{
	struct zs_sock *sk = f->obj;

	if (f->kind == ZS_FD_KERN)
		((struct zs_kern *)f->obj)->nonblock = on;
	if (f->kind != ZS_FD_SOCK)
		return;
	if (on)
		sk->flags |= ZS_SF_NONBLOCK;
	else
		sk->flags &= (uint16_t)~ZS_SF_NONBLOCK;
}

static int do_fcntl(struct zs_ctx *c, int fd, int cmd, int arg)
{
	struct zs_fd *f = zs_fd_slot(&c->fds, fd);

	if (f == NULL)
		return -EBADF;
	switch (cmd) {
	case F_GETFL:
		return get_fl(f);
	case F_SETFL:
		set_nonblock(f, (arg & O_NONBLOCK) != 0);
		return 0;
	case F_GETFD:
		return f->flags & ZS_FDF_CLOEXEC ? FD_CLOEXEC : 0;
	case F_SETFD:
		f->flags = arg & FD_CLOEXEC ? ZS_FDF_CLOEXEC : 0;
		return 0;
	case F_DUPFD:
		return zs_ctx_dup(c, fd, arg, 0);
	case F_DUPFD_CLOEXEC:
		return zs_ctx_dup(c, fd, arg, ZS_FDF_CLOEXEC);
	default:
		return -EINVAL;
	}
}

ZS_API int ff_fcntl(int fd, int cmd, ...)
{
	struct zs_ctx *c = zs_ctx_get();
	va_list ap;
	int arg;

	if (c == NULL)
		return -1;
	va_start(ap, cmd);
	arg = va_arg(ap, int);
	va_end(ap);
	return (int)ff_ret(do_fcntl(c, fd, cmd, arg));
}

/* ---- ioctl ---- */

static int do_ioctl(struct zs_fd *f, const struct zs_sock *sk, unsigned long request, int *arg)
{
	switch (request) {
	case FIONBIO:
		set_nonblock(f, *arg != 0);
		return 0;
	case FIONREAD:
		if (sk == NULL)
			return ioctl(((const struct zs_kern *)f->obj)->fd, FIONREAD, arg) < 0
				       ? -errno
				       : 0;
		if (sk->kind == ZS_SK_LISTENER)
			return -EINVAL;
		*arg = (int)zs_sock_readable(sk);
		return 0;
	default:
		return -ENOTTY;
	}
}

ZS_API int ff_ioctl(int fd, unsigned long request, ...)
{
	struct zs_sock *sk = zs_fd_sock(fd);
	va_list ap;
	int *arg;

	if (sk == NULL && zs_fd_kern(fd) == NULL)
		return -1;
	va_start(ap, request);
	arg = va_arg(ap, int *);
	va_end(ap);
	if (arg == NULL)
		return (int)ff_ret(-EFAULT);
	return (int)ff_ret(do_ioctl(zs_fd_slot(&zs_ctx_self->fds, fd), sk, request, arg));
}

/* ---- whose is it ---- */

ZS_API int ff_fdisused(int fd)
{
	struct zs_ctx *c = zs_ctx_self;

	return c != NULL && zs_fd_slot(&c->fds, fd) != NULL;
}

ZS_API int ff_getmaxfd(void)
{
	struct zs_ctx *c = zs_ctx_get();

	return c == NULL ? -1 : c->fds.base + (int)c->fds.cap;
}
