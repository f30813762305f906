/* SPDX-License-Identifier: BSD-3-Clause */
/* Kernel event queues, without descriptors and waiting: changes in, events out. */
#ifndef ZS_KQUEUE_H
#define ZS_KQUEUE_H

#include "ff_event.h"

#include "api/zs_ctx.h"

struct zs_kq;

/* NULL: no memory. One reference. */
struct zs_kq *zs_kq_create(struct zs_ctx *c);
void zs_kq_ref(struct zs_kq *kq);
void zs_kq_unref(struct zs_kq *kq);

/* Applies one change. -EBADF, -ENOENT, -EINVAL, -ENOMEM. */
int zs_kq_change(struct zs_kq *kq, const struct kevent *kev);

/* Registers with `to` what is registered with `from`, as far as to's context has the descriptors.
 */
int zs_kq_copy(const struct zs_kq *from, struct zs_kq *to);
/* Events that are true now, at most max; each note once, in turn. */
int zs_kq_scan(struct zs_kq *kq, struct kevent *out, int max);

#endif
