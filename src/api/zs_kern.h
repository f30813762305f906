/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Descriptors of the kernel in the waits of a context: pipes, eventfds, timerfds, kernel sockets in
 * an epoll instance or a kqueue beside sockets of the stack, and in ff_poll and ff_select. Numbers
 * below fd_reserve are the kernel's own; ff_socketpair() has two more under numbers of ours.
 *
 * One epoll instance of the kernel watches all of them, edge-triggered: an edge puts the notes of
 * its descriptor on their ready lists, and poll(2) says what is true when those are scanned, just
 * as with sockets. The kernel's instance is looked at in turns of the loop and while the loop
 * sleeps; who has no such descriptor pays nothing.
 */
#ifndef ZS_KERN_H
#define ZS_KERN_H

#include "api/zs_ctx.h"
#include "base/zs_list.h"

struct zs_note;

struct zs_kern {
	struct zs_list watches; /* by zs_watch.sock_link */
	int fd;			/* the kernel's */
	uint32_t refs;		/* numbers of ours (ff_socketpair); 0: the kernel's own number */
	uint32_t holds;		/* waits that have no note: ff_poll, ff_select */
	bool watched;		/* by the kernel's epoll instance */
	bool nonblock;		/* of ours: what F_SETFL said */
};

/* How often a loop that has other work looks, microseconds. */
enum { ZS_KERN_EVERY_US = 20 };

/* ---- descriptors ---- */

/* The kernel's number fd, if somebody waits for it; else NULL. */
struct zs_fd *zs_kern_slot(const struct zs_ctx *c, int fd);
/*
 * The same, watched from now on. A number that was closed and opened anew loses its old notes.
 * -EBADF; -EPERM: it can always be read and written (a file); -ENOMEM.
 */
int zs_kern_want(struct zs_ctx *c, int fd, struct zs_fd **out);
/* Without wanting it: -ENOENT: nobody waits for it, or for another file that had its number;
 * -EBADF.
 */
int zs_kern_find(struct zs_ctx *c, int fd, struct zs_fd **out);
/* A descriptor of ours is to be watched. 0 or -errno. */
int zs_kern_watch(struct zs_ctx *c, struct zs_kern *k);
/* Nobody waits for it any more unless a note or a hold says so. */
void zs_kern_unwant(struct zs_ctx *c, int fd);
/* May another context wait for it, too? The kernel's own number, and not closed since. */
bool zs_kern_may_copy(const struct zs_ctx *c, const struct zs_kern *k);
/* Waits without a note. What could not be held may be released. */
int zs_kern_hold(struct zs_ctx *c, int fd);
void zs_kern_release(struct zs_ctx *c, int fd);

/* The kernel's descriptor kfd under a number of ours; closes it when that fails. -EMFILE, -ENOMEM.
 */
int zs_kern_install(struct zs_ctx *c, int kfd, bool nonblock, uint8_t flags);
/* One number less; with the last one it is closed. */
void zs_kern_unref(struct zs_ctx *c, struct zs_kern *k);

void zs_kern_fini(struct zs_ctx *c);

/* ---- what is true ---- */

/* EPOLL bits, which are those of poll(2) too; nothing when the descriptor was closed. */
uint32_t zs_kern_events(const struct zs_kern *k);

/* Bytes to be read; room to write. */
int64_t zs_kern_readable(const struct zs_kern *k);
int64_t zs_kern_writable(const struct zs_kern *k);

/* Takes the kernel's edges, unless it was asked less than every_us ago. True when there were some.
 */
bool zs_kern_look(struct zs_ctx *c, uint32_t every_us);

#endif
