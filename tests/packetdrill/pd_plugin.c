/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * libzstack-packetdrill.so: the one symbol that packetdrill looks up, and three that it does not.
 * For %{ }% blocks, sendfile and at the end of a script the tool asks libc, not the plug-in, about
 * its sockets: with the library also in LD_PRELOAD these questions come here, and what is not ours
 * goes on to the kernel.
 */
#include <stdlib.h>
#include <sys/syscall.h>

#include "base/zs_api.h"
#include "pd.h"

/* The tool has one instance for its whole life; libc's functions have no argument to name it. */
static struct pd *the_one;

static struct pd *owner_of(int fd)
{
	struct pd *p = the_one;

	return p != NULL && fd >= 0 && fd < PD_MAX_FDS && p->fd[fd] != 0 ? p : NULL;
}

ZS_API int getsockopt(int fd, int level, int name, void *val, socklen_t *len)
{
	struct pd *p = owner_of(fd);

	if (p != NULL)
		return pd_info(p, fd, level, name, val, len);
	return (int)syscall(SYS_getsockopt, fd, level, name, val, len);
}

ZS_API int close(int fd)
{
	struct pd *p = owner_of(fd);

	return p != NULL ? pd_drop(p, fd) : (int)syscall(SYS_close, fd);
}

/* libc's header would make it sendfile64: the tool uses the other name, which means the same here.
 */
ssize_t sendfile(int out, int in, off_t *off, size_t n);

ZS_API ssize_t sendfile(int out, int in, off_t *off, size_t n)
{
	struct pd *p = owner_of(out);

	if (p != NULL)
		return pd_sendfile(p, out, in, off, n);
	return syscall(SYS_sendfile, out, in, off, n);
}

void pd_forget(struct pd *p)
{
	if (the_one == p)
		the_one = NULL;
}

ZS_API void packetdrill_interface_init(const char *flags, struct packetdrill_interface *ifc)
{
	struct pd *p = calloc(1, sizeof(*p));

	if (p == NULL)
		abort();
	pd_options(p, flags);
	p->main = pthread_self();
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->changed, NULL);
	the_one = p;
	ifc->userdata = p;
	pd_calls(ifc);
}
