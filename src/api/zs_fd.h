/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * File descriptors of one context: numbers from `base` up (F-Stack's fd_reserve, so that they never
 * collide with the kernel's), lowest free number first as POSIX wants it. The table is an array in
 * memory that is only touched where it is used; a lookup is one bounds check and one load.
 */
#ifndef ZS_FD_H
#define ZS_FD_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rte_prefetch.h>

struct zs_ctx;
struct zs_note;
struct zs_sock;

enum zs_fd_kind { ZS_FD_FREE, ZS_FD_SOCK, ZS_FD_KQUEUE, ZS_FD_EPOLL, ZS_FD_KERN };

enum zs_fd_flag { ZS_FDF_CLOEXEC = 0x01 };

struct zs_fd {
	void *obj;	       /* struct zs_sock, zs_kq, zs_epoll or zs_kern, by kind */
	struct zs_note *notes; /* registrations of this number with kqueues and epoll instances */
	uint32_t gen;	       /* counts the uses of this number */
	uint8_t kind;	       /* enum zs_fd_kind */
	uint8_t flags;	       /* enum zs_fd_flag */
};

enum { ZS_FD_LEVELS = 4 };

struct zs_fdtab {
	struct zs_fd *slot; /* cap of them; index = fd - base */
	int base;
	uint32_t cap, used;
	uint64_t *full[ZS_FD_LEVELS]; /* bit set: number taken (level 0), or all 64 bits below are
					 set */
};

/* The facade's one translation: -errno becomes errno and -1. */
static inline int64_t ff_ret(int64_t rc)
{
	if (__builtin_expect(rc >= 0, 1))
		return rc;
	errno = (int)-rc;
	return -1;
}

int zs_fdtab_init(struct zs_fdtab *t, int base, uint32_t cap);
void zs_fdtab_fini(struct zs_fdtab *t);

/* Lowest free number at or above `from` (0: any) for obj; -EMFILE when the table is full. */
int zs_fd_install(struct zs_fdtab *t, enum zs_fd_kind kind, void *obj, int from);

/* Frees the number; obj is the caller's again. Its notes must be gone. */
void zs_fd_release(struct zs_fdtab *t, int fd);

/* NULL when the number is not in use. */
static inline struct zs_fd *zs_fd_slot(const struct zs_fdtab *t, int fd)
{
	uint32_t i = (uint32_t)fd - (uint32_t)t->base;

	if (__builtin_expect(i >= t->cap || t->slot[i].kind == ZS_FD_FREE, 0))
		return NULL;
	return &t->slot[i];
}

/* For who is about to use the number. */
static inline void zs_fd_prefetch(const struct zs_fdtab *t, int fd)
{
	rte_prefetch0(&t->slot[(uint32_t)fd - (uint32_t)t->base]);
}

#endif
