/* SPDX-License-Identifier: BSD-3-Clause */
/* F-Stack's zero-copy send: chains that ff_zc_mbuf_get() handed out and that wait for ff_write().
 */
#ifndef ZS_ZC_H
#define ZS_ZC_H

#include <stdbool.h>

#include "api/zs_ctx.h"

/* buf is such a chain. Asked for only when c->zc_head says that one is out. */
bool zs_zc_is_chain(const struct zs_ctx *c, const void *buf);
/* The application frees it itself. */
void zs_zc_forget(const void *buf);
/* Frees the chains that are still out. */
void zs_zc_free_all(struct zs_ctx *c);

#endif
