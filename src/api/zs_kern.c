/* SPDX-License-Identifier: BSD-3-Clause */
/* Kernel descriptors: one epoll instance of the kernel for each context that has any. */
#include "api/zs_kern.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "api/zs_note.h"

enum { MAX_EDGES = 32, COUNTER_BYTES = 8 };

/* Of a context, made for the first such descriptor. */
struct zs_kerns {
	int ep;
	uint32_t n_watched;
	uint64_t looked_us;
	struct zs_fd slot[]; /* the kernel's own numbers below fds.base */
};

static struct zs_kerns *kerns(struct zs_ctx *c)
{
	struct zs_kerns *ks;

	if (c->kerns != NULL)
		return c->kerns;
	ks = calloc(1, sizeof(*ks) + (size_t)c->fds.base * sizeof(ks->slot[0]));
	if (ks == NULL)
		return NULL;
	ks->ep = epoll_create1(EPOLL_CLOEXEC);
	if (ks->ep < 0) {
		free(ks);
		return NULL;
	}
	if (c->drive.watch != NULL)
		c->drive.watch(c->drive.arg, ks->ep);
	c->kerns = ks;
	return ks;
}

struct zs_fd *zs_kern_slot(const struct zs_ctx *c, int fd)
{
	struct zs_fd *f;

	if (c->kerns == NULL || fd < 0 || fd >= c->fds.base)
		return NULL;
	f = &c->kerns->slot[fd];
	return f->kind == ZS_FD_FREE ? NULL : f;
}

static bool exists(const struct zs_ctx *c, int fd)
{
	return fd >= 0 && fd < c->fds.base && fcntl(fd, F_GETFD) >= 0;
}

/* ---- watching ---- */

/*
 * What the kernel knows one by: the kernel's own number, for it goes on watching what was closed
 * and lives on under another number, when struct zs_kern is gone; of ours, which no one else
 * closes, its address.
 */
static uint64_t tag_of(const struct zs_kern *k)
{
	return k->refs > 0 ? (uintptr_t)k : (uint64_t)k->fd << 1 | 1;
}

/* NULL: nobody waits for it any more. */
static struct zs_kern *tagged(const struct zs_ctx *c, uint64_t tag)
{
	const struct zs_fd *f;

	if ((tag & 1) == 0)
		return (struct zs_kern *)(uintptr_t)tag;
	f = zs_kern_slot(c, (int)(tag >> 1));
	return f != NULL ? f->obj : NULL;
}

static int ask_kernel(const struct zs_kerns *ks, int op, const struct zs_kern *k)
{
	struct epoll_event ev = {
		.events = EPOLLIN | EPOLLPRI | EPOLLOUT | EPOLLRDHUP | EPOLLET,
		.data.u64 = tag_of(k),
	};

	return epoll_ctl(ks->ep, op, k->fd, &ev) < 0 ? -errno : 0;
}

int zs_kern_watch(struct zs_ctx *c, struct zs_kern *k)
{
	struct zs_kerns *ks = kerns(c);
	int rc;

	if (ks == NULL)
		return -ENOMEM;
	if (k->watched)
		return 0;
	rc = ask_kernel(ks, EPOLL_CTL_ADD, k);
	if (rc < 0)
		return rc;
	k->watched = true;
	ks->n_watched++;
	return 0;
}

/* The kernel forgets by itself what was closed. */
static void unwatch(struct zs_ctx *c, struct zs_kern *k)
{
	if (!k->watched)
		return;
	(void)ask_kernel(c->kerns, EPOLL_CTL_DEL, k);
	k->watched = false;
	c->kerns->n_watched--;
}

static int add_slot(struct zs_ctx *c, int fd, struct zs_fd *f)
{
	struct zs_kern *k = calloc(1, sizeof(*k));
	int rc;

	if (k == NULL)
		return -ENOMEM;
	zs_list_init(&k->watches);
	k->fd = fd;
	rc = zs_kern_watch(c, k);
	if (rc < 0) {
		free(k);
		return rc;
	}
	*f = (struct zs_fd){ .obj = k, .gen = f->gen + 1, .kind = ZS_FD_KERN };
	return 0;
}

static void free_slot(struct zs_ctx *c, struct zs_fd *f)
{
	unwatch(c, f->obj);
	free(f->obj);
	f->obj = NULL;
	f->kind = ZS_FD_FREE;
}

/* Closed and opened anew, what the kernel watched is gone, and so are the notes of it. */
static void forget_another(struct zs_ctx *c, struct zs_fd *f)
{
	struct zs_kern *k = f->obj;

	if (f->kind == ZS_FD_FREE || ask_kernel(c->kerns, EPOLL_CTL_MOD, k) == 0)
		return;
	k->holds++; /* until its last note is gone */
	zs_note_detach_all(c, f);
	free_slot(c, f);
}

int zs_kern_want(struct zs_ctx *c, int fd, struct zs_fd **out)
{
	struct zs_kerns *ks;
	struct zs_fd *f;

	if (!exists(c, fd))
		return -EBADF;
	ks = kerns(c);
	if (ks == NULL)
		return -ENOMEM;
	f = &ks->slot[fd];
	*out = f;
	forget_another(c, f);
	return f->kind != ZS_FD_FREE ? 0 : add_slot(c, fd, f);
}

int zs_kern_find(struct zs_ctx *c, int fd, struct zs_fd **out)
{
	if (!exists(c, fd))
		return -EBADF;
	*out = zs_kern_slot(c, fd);
	if (*out != NULL)
		forget_another(c, *out);
	return *out != NULL && (*out)->kind != ZS_FD_FREE ? 0 : -ENOENT;
}

void zs_kern_unwant(struct zs_ctx *c, int fd)
{
	struct zs_fd *f = zs_kern_slot(c, fd);
	const struct zs_kern *k = f == NULL ? NULL : f->obj;

	if (k != NULL && k->holds == 0 && f->notes == NULL)
		free_slot(c, f);
}

bool zs_kern_may_copy(const struct zs_ctx *c, const struct zs_kern *k)
{
	return k->refs == 0 && ask_kernel(c->kerns, EPOLL_CTL_MOD, k) == 0;
}

int zs_kern_hold(struct zs_ctx *c, int fd)
{
	struct zs_fd *f;
	int rc = zs_kern_want(c, fd, &f);

	if (rc == 0)
		((struct zs_kern *)f->obj)->holds++;
	return rc;
}

void zs_kern_release(struct zs_ctx *c, int fd)
{
	const struct zs_fd *f = zs_kern_slot(c, fd);
	struct zs_kern *k = f == NULL ? NULL : f->obj;

	if (k == NULL || k->holds == 0)
		return;
	k->holds--;
	zs_kern_unwant(c, fd);
}

/* ---- numbers of ours ---- */

int zs_kern_install(struct zs_ctx *c, int kfd, bool nonblock, uint8_t flags)
{
	struct zs_kern *k = calloc(1, sizeof(*k));
	int fd = k == NULL ? -ENOMEM : zs_fd_install(&c->fds, ZS_FD_KERN, k, 0);

	if (fd < 0) {
		free(k);
		close(kfd);
		return fd;
	}
	*k = (struct zs_kern){ .fd = kfd, .refs = 1, .nonblock = nonblock };
	zs_list_init(&k->watches);
	zs_fd_slot(&c->fds, fd)->flags = flags;
	return fd;
}

void zs_kern_unref(struct zs_ctx *c, struct zs_kern *k)
{
	if (--k->refs > 0)
		return;
	unwatch(c, k);
	close(k->fd);
	free(k);
}

void zs_kern_fini(struct zs_ctx *c)
{
	if (c->kerns == NULL)
		return;
	for (int fd = 0; fd < c->fds.base; fd++)
		free(c->kerns->slot[fd].obj);
	if (c->drive.watch != NULL)
		c->drive.watch(c->drive.arg, -1);
	close(c->kerns->ep);
	free(c->kerns);
	c->kerns = NULL;
}

/* ---- what is true ---- */

uint32_t zs_kern_events(const struct zs_kern *k)
{
	struct pollfd p = {
		.fd = k->fd,
		.events = POLLIN | POLLPRI | POLLOUT | POLLRDNORM | POLLWRNORM | POLLRDHUP,
	};

	return poll(&p, 1, 0) > 0 ? (uint32_t)(p.revents & ~POLLNVAL) : 0;
}

/* eventfds and timerfds do not tell: what they hold is one counter. */
int64_t zs_kern_readable(const struct zs_kern *k)
{
	int n = 0;

	if ((zs_kern_events(k) & POLLIN) == 0)
		return 0;
	return ioctl(k->fd, FIONREAD, &n) == 0 ? n : COUNTER_BYTES;
}

/* What a descriptor that is ready takes without blocking, at least. */
int64_t zs_kern_writable(const struct zs_kern *k)
{
	return zs_kern_events(k) & POLLOUT ? 1 : 0;
}

static void tell(const struct zs_kern *k, uint32_t events)
{
	for (struct zs_list *l = k->watches.next; l != &k->watches; l = l->next) {
		struct zs_watch *w = container_of(l, struct zs_watch, sock_link);
		uint32_t wanted = EPOLLERR | EPOLLHUP;

		wanted |= w->mask & ZS_EV_READ ? EPOLLIN | EPOLLPRI | EPOLLRDHUP : 0;
		wanted |= w->mask & ZS_EV_RDHUP ? EPOLLRDHUP : 0;
		wanted |= w->mask & ZS_EV_WRITE ? EPOLLOUT : 0;
		if (events & wanted)
			zs_watch_activate(w);
	}
}

bool zs_kern_look(struct zs_ctx *c, uint32_t every_us)
{
	struct zs_kerns *ks = c->kerns;
	struct epoll_event ev[MAX_EDGES];
	uint64_t now = zs_stack_now(c->s);
	int n;

	if (ks->n_watched == 0 || now - ks->looked_us < every_us)
		return false;
	ks->looked_us = now;
	n = epoll_wait(ks->ep, ev, MAX_EDGES, 0);
	for (int i = 0; i < n; i++) {
		const struct zs_kern *k = tagged(c, ev[i].data.u64);

		if (k != NULL)
			tell(k, ev[i].events);
	}
	return n > 0;
}
