/* SPDX-License-Identifier: BSD-3-Clause */
/* Scattered memory, and waiting for one socket: see zs_rw.h. */
#include "api/zs_rw.h"

#include <limits.h>

enum { MAX_IOV = 1024 };

ssize_t zs_iov_check(const struct iovec *iov, size_t n, int too_many)
{
	size_t bytes = 0;

	if (n > MAX_IOV)
		return -too_many;
	if (n > 0 && iov == NULL)
		return -EFAULT;
	for (size_t i = 0; i < n; i++) {
		if (zs_iov_nowhere(&iov[i]))
			return -EFAULT;
		if (iov[i].iov_len > SSIZE_MAX - bytes)
			return -EINVAL;
		bytes += iov[i].iov_len;
	}
	return (ssize_t)bytes;
}

int zs_wait_least(struct zs_ctx *c, struct zs_sock *sk, size_t bytes, uint64_t *until)
{
	uint32_t lowat = sk->rcvlowat;
	int rc;

	sk->rcvlowat = bytes < INT_MAX ? (uint32_t)bytes : INT_MAX;
	rc = zs_ctx_wait_until(c, sk, ZS_EV_READ, sk->rcvtimeo_ms, until);
	sk->rcvlowat = lowat;
	return rc;
}

int zs_wait_io(struct zs_ctx *c, struct zs_sock *sk, unsigned ev, uint32_t timeout_ms, int flags,
	       uint64_t *until)
{
	if (c->in_run)
		return -EAGAIN;
	if (zs_may_block(c, sk, flags))
		return zs_ctx_wait_until(c, sk, ev, timeout_ms, until);
	zs_ctx_turn(c, 0);
	return zs_sock_readiness(sk) & (ev | ZS_EV_ERR | ZS_EV_HUP) ? 0 : -EAGAIN;
}
