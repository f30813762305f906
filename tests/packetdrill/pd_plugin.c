/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * libzstack-packetdrill.so: the one symbol that packetdrill looks up. For %{ }% blocks, sendfile
 * and at the end of a script the tool asks libc, not the plug-in, about its sockets: these
 * questions come here (pd_hook.c), and what is not ours goes on to the kernel.
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

static int take_getsockopt(int fd, int level, int name, void *val, socklen_t *len)
{
	struct pd *p = owner_of(fd);

	if (p != NULL)
		return pd_info(p, fd, level, name, val, len);
	return (int)syscall(SYS_getsockopt, fd, level, name, val, len);
}

static int take_close(int fd)
{
	struct pd *p = owner_of(fd);

	return p != NULL ? pd_drop(p, fd) : (int)syscall(SYS_close, fd);
}

static ssize_t take_sendfile(int out, int in, off_t *off, size_t n)
{
	struct pd *p = owner_of(out);

	if (p != NULL)
		return pd_sendfile(p, out, in, off, n);
	return syscall(SYS_sendfile, out, in, off, n);
}

static void take_calls(void)
{
	struct pd_hook hooks[] = {
		{ "getsockopt", (void (*)(void))take_getsockopt },
		{ "close", (void (*)(void))take_close },
		{ "sendfile", (void (*)(void))take_sendfile },
		{ "sendfile64", (void (*)(void))take_sendfile },
		{ NULL, NULL },
	};

	pd_hook(hooks);
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
	take_calls();
	ifc->userdata = p;
	pd_calls(ifc);
}
