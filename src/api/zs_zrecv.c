/* SPDX-License-Identifier: BSD-3-Clause */
/* Receiving without a copy: taking buffers, and looking at what is queued. */
#include <limits.h>
#include <string.h>

#include "api/zs_rw.h"
#include "api/zs_zstate.h"
#include "core/tcp/zs_tcp.h"
#include "core/zs_udp.h"

_Static_assert(sizeof(struct zs_view) == sizeof(struct z_iov) &&
		       offsetof(struct zs_view, len) == offsetof(struct z_iov, len) &&
		       offsetof(struct zs_view, copied) == offsetof(struct z_iov, flags) &&
		       offsetof(struct zs_view, m) == offsetof(struct z_iov, buf) &&
		       Z_F_COPIED == 1,
	       "z_peek() fills the application's array as it is");

/* A stream with SO_RCVLOWAT that may block. */
static bool waits_for_more(const struct zs_sock *sk)
{
	return unlikely(sk->rcvlowat > 1) && zs_stream_blocks(zs_ctx_self, sk, 0);
}

/* zs_sock_take(), waiting as the socket is set to. */
static ssize_t take(struct zs_sock *sk, struct rte_mbuf **m, size_t max, struct sockaddr *from,
		    socklen_t *from_len)
{
	uint64_t until = 0;

	if (waits_for_more(sk) &&
	    zs_wait_least(zs_ctx_self, sk, RTE_MIN(max, sk->rcvlowat), &until) == -EAGAIN)
		return zs_sock_take(sk, m, max, from, from_len);
	for (;;) {
		ssize_t n = zs_sock_take(sk, m, max, from, from_len);
		int rc;

		if (n != -EAGAIN)
			return n;
		rc = zs_ctx_wait_sock(zs_ctx_self, sk, ZS_EV_READ, sk->rcvtimeo_ms);
		if (rc < 0)
			return rc;
	}
}

ZS_API ssize_t z_read(int fd, void *bufp, size_t nbytes)
{
	struct zs_sock *sk = zs_fd_sock(fd);
	struct rte_mbuf *m = NULL;
	ssize_t n = -1;
	void *out;

	if (bufp == NULL)
		return sk != NULL ? ff_ret(-EFAULT) : -1;
	if (sk != NULL)
		n = ff_ret(take(sk, &m, nbytes, NULL, NULL));
	out = m;
	memcpy(bufp, &out, sizeof(out)); /* whatever kind of pointer it is */
	/* outside ff_run nobody else would tell the peer that its window opened */
	if (n > 0)
		zs_ctx_kick(zs_ctx_self);
	return n;
}

ZS_API int z_peek(int fd, struct z_iov *v, int max, size_t off)
{
	struct zs_sock *sk = zs_fd_sock(fd);

	if (sk == NULL)
		return -1;
	if (max < 0 || (v == NULL && max > 0))
		return (int)ff_ret(max < 0 ? -EINVAL : -EFAULT);
	return (int)ff_ret(zs_sock_peek(sk, (struct zs_view *)v, max, off));
}

ZS_API int z_consume(int fd, size_t nbytes)
{
	struct zs_sock *sk = zs_fd_sock(fd);
	ssize_t n;

	if (sk == NULL)
		return -1;
	n = ff_ret(zs_sock_consume(sk, RTE_MIN(nbytes, (size_t)INT_MAX)));
	if (n > 0)
		zs_ctx_kick(zs_ctx_self);
	return (int)n;
}

/* Takes the oldest buffer of a stream as it is, or the oldest datagram. */
static ssize_t take_piece(struct zs_sock *sk, struct rte_mbuf **m, struct sockaddr *from)
{
	socklen_t from_len = sizeof(struct sockaddr_storage);
	/* nothing there: what take says, or the first byte after a wait */
	size_t max = RTE_MAX(zs_sock_piece(sk), (size_t)1);

	return take(sk, m, max, from, &from_len);
}

/* Waits until there is something to take or to say. */
static int wait_data(struct zs_sock *sk)
{
	bool least = waits_for_more(sk);
	int rc;

	if ((!least && zs_sock_has_data(sk)) || (zs_sock_readiness(sk) & ZS_EV_READ))
		return 0;
	rc = zs_ctx_wait_sock(zs_ctx_self, sk, ZS_EV_READ, sk->rcvtimeo_ms);
	return least && rc == -EAGAIN && zs_sock_has_data(sk) ? 0 : rc;
}

/* The oldest datagram, without waiting. */
static ssize_t take_dgram(struct zs_sock *sk, struct z_dgram *d)
{
	struct rte_mbuf *m = NULL;
	ssize_t n = zs_sock_take(sk, &m, 0, d->addr, d->addr != NULL ? &d->addrlen : NULL);

	if (m == NULL)
		return n < 0 ? n : -EAGAIN; /* shut down for reading */
	d->buf = (z_buf *)m;
	d->len = m->pkt_len;
	d->segment = zs_udp_segment(m);
	d->error = 0;
	return n;
}

ZS_API int z_recv_dgrams(int fd, struct z_dgram *v, int max, int flags)
{
	struct zs_sock *sk = zs_fd_sock(fd);
	ssize_t n;
	int i;

	if (sk == NULL)
		return -1;
	if (sk->kind != ZS_SK_UDP || max <= 0)
		return (int)ff_ret(max <= 0 ? -EINVAL : -EOPNOTSUPP);
	if (v == NULL)
		return (int)ff_ret(-EFAULT);
	n = flags & MSG_DONTWAIT ? 0 : wait_data(sk);
	for (i = 0; n >= 0 && i < max; i++) {
		if (i > 0 && !zs_sock_has_data(sk))
			break;
		n = take_dgram(sk, &v[i]);
		if (n < 0)
			break;
	}
	if (i == 0)
		return sk->flags & ZS_SF_RD_SHUT && n == -EAGAIN ? 0 : (int)ff_ret(n);
	zs_ctx_kick(zs_ctx_self);
	return i;
}

ZS_API int z_recv_bufs(int fd, z_buf **v, int max, struct sockaddr_storage *from)
{
	struct zs_sock *sk = zs_fd_sock(fd);
	ssize_t n;
	int i;

	if (sk == NULL)
		return -1;
	if (v == NULL && max > 0)
		return (int)ff_ret(-EFAULT);
	n = max > 0 ? wait_data(sk) : -EINVAL;
	for (i = 0; n >= 0 && i < max; i++) {
		struct rte_mbuf *m = NULL;

		if (i > 0 && !zs_sock_has_data(sk))
			break;
		n = take_piece(sk, &m, from != NULL ? (struct sockaddr *)&from[i] : NULL);
		if (m == NULL)
			break;
		v[i] = (z_buf *)m;
	}
	if (i == 0)
		return (int)ff_ret(n);
	zs_ctx_kick(zs_ctx_self);
	return i;
}
