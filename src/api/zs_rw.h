/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What copying reads and writes by descriptor share. Outside ff_run a blocking socket blocks: a
 * read until there is something, a write to a stream until all is queued. What a non-blocking call
 * there does not get at once it gets one turn of the stack for, so that a program that polls by
 * reading makes progress; and what is due after a call is sent at once.
 */
#ifndef ZS_RW_H
#define ZS_RW_H

#include <sys/uio.h>

#include "api/zs_ctx.h"

static inline size_t zs_iov_bytes(const struct iovec *iov, int n)
{
	size_t bytes = 0;

	for (int i = 0; i < n; i++)
		bytes += iov[i].iov_len;
	return bytes;
}

/* Memory is asked for, or given, that is nowhere. */
static inline bool zs_iov_nowhere(const struct iovec *iov)
{
	return __builtin_expect(iov->iov_base == NULL, 0) && iov->iov_len > 0;
}

/* Bytes of the pieces; -EFAULT, -EINVAL, or -too_many. */
ssize_t zs_iov_check(const struct iovec *iov, size_t n, int too_many);

static inline bool zs_may_block(const struct zs_ctx *c, const struct zs_sock *sk, int flags)
{
	return !c->in_run && (sk->flags & ZS_SF_NONBLOCK) == 0 && (flags & MSG_DONTWAIT) == 0;
}

/* A stream whose reads wait for as much as is asked for, or SO_RCVLOWAT. */
static inline bool zs_stream_blocks(const struct zs_ctx *c, const struct zs_sock *sk, int flags)
{
	return sk->kind == ZS_SK_TCP && zs_may_block(c, sk, flags);
}

/* What a call has done is told first: the error stays for the next one. */
static inline bool zs_error_waits(const struct zs_sock *sk, bool begun)
{
	return __builtin_expect(begun, 0) && zs_sock_error(sk) != 0;
}

/* Until a stream that may block has so much to read, or ends; -EAGAIN: not within SO_RCVTIMEO.
 * until: as zs_ctx_wait_until() has it, here and below. */
int zs_wait_least(struct zs_ctx *c, struct zs_sock *sk, size_t bytes, uint64_t *until);

/* After -EAGAIN: 0 = try again. */
int zs_wait_io(struct zs_ctx *c, struct zs_sock *sk, unsigned ev, uint32_t timeout_ms, int flags,
	       uint64_t *until);

#endif
