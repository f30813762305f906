/* SPDX-License-Identifier: BSD-3-Clause */
/* A context for a further thread, after the example of the first. */
#ifndef ZS_COPY_H
#define ZS_COPY_H

#include "api/zs_ctx.h"

/*
 * Gives `to`, new and empty and with the same range of descriptors, what `from` has of routes,
 * listeners, bound UDP sockets, kqueues and epoll instances, with their registrations and the same
 * numbers. Everything else, and what waits in these, stays from's. Neither may run. -errno: `to`
 * has a part.
 */
int zs_ctx_copy(const struct zs_ctx *from, struct zs_ctx *to);

#endif
