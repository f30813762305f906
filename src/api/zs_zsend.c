/* SPDX-License-Identifier: BSD-3-Clause */
/* Sending and moving without a copy. A buffer changes hands on success only, and only whole. */
#include "api/zs_zstate.h"
#include "core/tcp/zs_tcp.h"

/* zs_sock_give(), waiting as the socket is set to unless MSG_DONTWAIT. */
static ssize_t give(struct zs_sock *sk, struct rte_mbuf *m, int flags, const struct sockaddr *to,
		    socklen_t tolen)
{
	if (__builtin_expect(sk->flags & (ZS_SF_FASTOPEN | ZS_SF_STAMPS), 0))
		(void)zs_ctx_now(zs_ctx_self); /* of the SYN, or of a datagram that is to tell it */
	for (;;) {
		ssize_t n = zs_sock_give(sk, m, flags, to, tolen);
		int rc;

		if (n != -EAGAIN || (flags & MSG_DONTWAIT))
			return n;
		rc = zs_ctx_wait_sock(zs_ctx_self, sk, ZS_EV_WRITE, sk->sndtimeo_ms);
		if (rc < 0)
			return rc;
	}
}

static ssize_t sent(ssize_t n)
{
	if (n >= 0)
		zs_ctx_kick(zs_ctx_self);
	return ff_ret(n);
}

ZS_API ssize_t z_write(int fd, const void *b, size_t nbytes)
{
	struct zs_sock *sk = zs_fd_sock(fd);
	struct rte_mbuf *m = (struct rte_mbuf *)(uintptr_t)b;

	if (sk == NULL)
		return -1;
	if (!zs_zbuf_sane(b) || m->pkt_len != nbytes)
		return ff_ret(-EINVAL);
	return sent(give(sk, m, 0, NULL, 0));
}

ZS_API ssize_t z_sendto_buf(int fd, z_buf *b, const struct sockaddr *to, socklen_t tolen, int flags)
{
	struct zs_sock *sk = zs_fd_sock(fd);
	ssize_t n;

	if (sk == NULL)
		return -1;
	if (!zs_zbuf_sane(b))
		return ff_ret(-EINVAL);
	n = give(sk, (struct rte_mbuf *)b, flags, to, tolen);
	zs_sock_written(sk);
	return sent(n);
}

ZS_API int z_send_bufs(int fd, z_buf *const *v, int n, int flags)
{
	struct zs_sock *sk = zs_fd_sock(fd);
	ssize_t rc = n > 0 ? 0 : -EINVAL;
	int i;

	if (sk == NULL)
		return -1;
	if (v == NULL && n > 0)
		return (int)ff_ret(-EFAULT);
	for (i = 0; i < n; i++) {
		int more = i + 1 < n ? MSG_MORE : 0;

		if (!zs_zbuf_sane(v[i])) {
			rc = -EINVAL;
			break;
		}
		/* what has been taken is told before waiting for room */
		if (i > 0)
			rc = zs_sock_give(sk, (struct rte_mbuf *)v[i], flags | more, NULL, 0);
		else
			rc = give(sk, (struct rte_mbuf *)v[i], flags | more, NULL, 0);
		if (rc < 0)
			break;
	}
	zs_sock_written(sk);
	return (int)sent(i > 0 ? i : rc);
}

static ssize_t give_dgram(struct zs_sock *sk, struct z_dgram *d)
{
	ssize_t n = -EINVAL;

	if (zs_zbuf_sane(d->buf))
		n = zs_sock_give_cut(sk, (struct rte_mbuf *)d->buf, d->addr, d->addrlen,
				     d->segment);
	d->error = n < 0 ? (int)-n : 0;
	d->len = n < 0 ? 0 : (uint32_t)n;
	if (n >= 0)
		d->buf = NULL;
	return n;
}

ZS_API int z_send_dgrams(int fd, struct z_dgram *v, int n, int flags)
{
	struct zs_sock *sk = zs_fd_sock(fd);
	int sent_n = 0;

	(void)flags; /* nothing here waits */
	if (sk == NULL)
		return -1;
	if (sk->kind != ZS_SK_UDP || n <= 0)
		return (int)ff_ret(n <= 0 ? -EINVAL : -EOPNOTSUPP);
	if (v == NULL)
		return (int)ff_ret(-EFAULT);
	if (__builtin_expect(sk->flags & ZS_SF_STAMPS, 0))
		(void)zs_ctx_now(zs_ctx_self);
	for (int i = 0; i < n; i++) {
		if (i > 0 && v[i - 1].error == ENOBUFS) {
			v[i].error = ENOBUFS;
			v[i].len = 0;
		} else if (give_dgram(sk, &v[i]) >= 0) {
			sent_n++;
		}
	}
	return (int)sent(sent_n > 0 ? sent_n : -v[0].error);
}

ZS_API size_t z_send_space(int fd)
{
	struct zs_sock *sk = zs_fd_sock(fd);

	return sk != NULL ? zs_sock_writable(sk) : 0;
}

ZS_API int z_await_buffers(int fd)
{
	struct zs_sock *sk = zs_fd_sock(fd);

	if (sk == NULL)
		return -1;
	if (sk->kind != ZS_SK_TCP)
		return (int)ff_ret(-EOPNOTSUPP);
	zs_sock_await_buffers(sk);
	return 0;
}

ZS_API int z_acked(int fd, uint64_t *bytes)
{
	struct zs_sock *sk = zs_fd_sock(fd);

	if (sk == NULL)
		return -1;
	if (sk->kind != ZS_SK_TCP)
		return (int)ff_ret(-EOPNOTSUPP);
	if (bytes == NULL)
		return (int)ff_ret(-EFAULT);
	*bytes = zs_tcp_acked(sk->tcb);
	return 0;
}

/* Nothing could be moved: waits for the side that it was for. */
static int wait_splice(struct zs_sock *from, struct zs_sock *to)
{
	if (zs_sock_readable(from) == 0)
		return zs_ctx_wait_sock(zs_ctx_self, from, ZS_EV_READ, from->rcvtimeo_ms);
	return zs_ctx_wait_sock(zs_ctx_self, to, ZS_EV_WRITE, to->sndtimeo_ms);
}

ZS_API ssize_t z_splice(int from, int to, size_t max, unsigned flags)
{
	struct zs_sock *a = zs_fd_sock(from);
	struct zs_sock *b = a != NULL ? zs_fd_sock(to) : NULL;

	if (b == NULL)
		return -1;
	if (flags != 0)
		return ff_ret(-EINVAL);
	for (;;) {
		ssize_t n = zs_sock_splice(a, b, max);
		int rc;

		if (n != -EAGAIN)
			return sent(n);
		rc = wait_splice(a, b);
		if (rc < 0)
			return ff_ret(rc);
	}
}
