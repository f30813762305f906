/* SPDX-License-Identifier: BSD-3-Clause */
/* Where connections come from, when the application has a function for that (ff_laddr.c). */
#ifndef ZS_LADDR_H
#define ZS_LADDR_H

#include "sock/zs_sock.h"

/* Before sk connects to that name: binds it to an address if the application says which. 0, or what
 * bind says of it. */
int zs_laddr_choose(struct zs_sock *sk, const struct sockaddr *to, socklen_t len);

#endif
