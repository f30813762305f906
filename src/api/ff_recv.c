/* SPDX-License-Identifier: BSD-3-Clause */
/* Copying reads by descriptor, and what comes with what is read. */
#include <rte_branch_prediction.h>
#include <rte_common.h>

#include "ff_api.h"

#include "api/zs_pair.h"
#include "api/zs_rw.h"
#include "base/zs_api.h"

struct rx {
	struct zs_ctx *c;
	struct zs_sock *sk;
	int flags;
	struct sockaddr *from;
	socklen_t *from_len;
	int *msg_flags;
	struct msghdr *msg; /* with control messages; NULL: without */
	bool begun;	    /* there is a part already */
};

static ssize_t recv_once(const struct rx *r, const struct iovec *iov, int n)
{
	int flags = r->flags & ~MSG_WAITALL;

	if (zs_error_waits(r->sk, r->begun) && zs_sock_readable(r->sk) == 0)
		return -EIO; /* nobody gets to see it */
	if (r->msg != NULL)
		return zs_sock_recvmsg(r->sk, r->msg, flags);
	return zs_sock_recv(r->sk, iov, n, flags, r->from, r->from_len, r->msg_flags);
}

/* For whatever comes: await_least() is for SO_RCVLOWAT, and MSG_WAITALL does not care for it. */
static int await_some(const struct rx *r, uint64_t *until)
{
	if (zs_stream_blocks(r->c, r->sk, r->flags))
		return zs_wait_least(r->c, r->sk, 1, until);
	return zs_wait_io(r->c, r->sk, ZS_EV_READ, r->sk->rcvtimeo_ms, r->flags, until);
}

/* until: as zs_ctx_wait_until() has it. */
static ssize_t recv_some(const struct rx *r, const struct iovec *iov, int n, uint64_t *until)
{
	bool again = true;
	ssize_t rc;

	for (;;) {
		rc = recv_once(r, iov, n);
		if (rc != -EAGAIN || !again)
			return rc;
		rc = await_some(r, until);
		if (rc < 0)
			return rc;
		again = zs_may_block(r->c, r->sk, r->flags);
	}
}

/* MSG_WAITALL: fills every piece; short only at end of stream, error, timeout. */
static ssize_t recv_all(struct rx *r, const struct iovec *iov, int n)
{
	uint64_t until = 0;
	ssize_t done = 0;

	for (int i = 0; i < n; i++) {
		struct iovec rest = iov[i];

		while (rest.iov_len > 0) {
			ssize_t rc = recv_some(r, &rest, 1, &until);

			if (rc <= 0)
				return done > 0 ? done : rc;
			r->begun = true;
			done += rc;
			rest.iov_base = (char *)rest.iov_base + rc;
			rest.iov_len -= (size_t)rc;
		}
	}
	return done;
}

static struct msghdr msg_of(const struct iovec *iov, int n, struct sockaddr *from,
			    const socklen_t *from_len)
{
	return (struct msghdr){
		.msg_name = from,
		.msg_namelen = from != NULL ? *from_len : 0,
		.msg_iov = (struct iovec *)(uintptr_t)iov,
		.msg_iovlen = (size_t)n,
	};
}

/* MSG_ERRQUEUE, which never waits. */
static ssize_t recv_error(struct zs_sock *sk, struct msghdr *msg)
{
	if (zs_sock_tells_time(sk))
		zs_ctx_tell_wall(zs_ctx_self);
	return zs_sock_errqueue(sk, msg);
}

/* The same for who has no struct for it. */
static ssize_t recv_plain_error(const struct rx *r, const struct iovec *iov, int n)
{
	struct msghdr msg = msg_of(iov, n, r->from, r->from_len);
	ssize_t rc = recv_error(r->sk, &msg);

	if (rc >= 0 && r->from != NULL)
		*r->from_len = msg.msg_namelen;
	return rc;
}

/* A blocking read of a stream waits until as much as is asked for is there, or SO_RCVLOWAT; with
 * MSG_PEEK and MSG_WAITALL until all is. The flags to go on with. */
static __rte_noinline int await_least(struct zs_sock *sk, const struct iovec *iov, int n, int flags)
{
	size_t want = zs_iov_bytes(iov, n);
	uint64_t until = 0;

	if (!zs_stream_blocks(zs_ctx_self, sk, flags))
		return flags;
	if ((flags & MSG_WAITALL) == 0)
		want = RTE_MIN(want, sk->rcvlowat);
	if (zs_wait_least(zs_ctx_self, sk, want, &until) == -EAGAIN)
		return flags | MSG_DONTWAIT;
	return flags;
}

/* With flags that a plain read has not. */
static ssize_t recv_flagged(struct rx *r, const struct iovec *iov, int n)
{
	if (r->flags & MSG_ERRQUEUE)
		return recv_plain_error(r, iov, n);
	if (zs_stream_blocks(r->c, r->sk, r->flags) && (r->flags & MSG_PEEK) == 0)
		return recv_all(r, iov, n);
	r->flags = await_least(r->sk, iov, n, r->flags);
	return recv_some(r, iov, n, &(uint64_t){ 0 });
}

static ssize_t pair_recv(int fd, const struct iovec *iov, int n, int flags, struct sockaddr *from,
			 socklen_t *from_len)
{
	struct msghdr msg = msg_of(iov, n, from, from_len);
	ssize_t rc = zs_pair_recv(fd, &msg, flags);

	if (rc >= 0 && from != NULL)
		*from_len = msg.msg_namelen;
	return rc;
}

static ssize_t do_recv(int fd, const struct iovec *iov, int n, int flags, struct sockaddr *from,
		       socklen_t *from_len, int *msg_flags)
{
	struct zs_sock *sk = zs_fd_sock(fd);
	struct rx r = {
		.c = zs_ctx_self,
		.sk = sk,
		.flags = flags,
		.from = from,
		.from_len = from_len,
		.msg_flags = msg_flags,
	};
	ssize_t rc;

	if (sk == NULL)
		return pair_recv(fd, iov, n, flags, from, from_len);
	/* TCP with MSG_TRUNC throws bytes away: they need no place. */
	if (n > 0 && zs_iov_nowhere(iov) && (sk->kind != ZS_SK_TCP || (flags & MSG_TRUNC) == 0))
		return ff_ret(-EFAULT);
	if (flags & (MSG_WAITALL | MSG_ERRQUEUE)) {
		rc = recv_flagged(&r, iov, n);
	} else {
		if (unlikely(sk->rcvlowat > 1))
			r.flags = await_least(sk, iov, n, flags);
		rc = recv_some(&r, iov, n, &(uint64_t){ 0 });
	}
	if (rc > 0)
		zs_ctx_kick(r.c); /* a window update */
	return ff_ret(rc);
}

/* Reading no bytes takes nothing, an error neither, whatever state the socket is in. */
static ssize_t read_nothing(int fd)
{
	return zs_fd_sock(fd) != NULL || zs_fd_kern(fd) != NULL ? 0 : -1;
}

ZS_API ssize_t ff_read(int d, void *buf, size_t nbytes)
{
	struct iovec iov = { .iov_base = buf, .iov_len = nbytes };

	if (__builtin_expect(nbytes == 0, 0))
		return read_nothing(d);
	return do_recv(d, &iov, 1, 0, NULL, NULL, NULL);
}

ZS_API ssize_t ff_readv(int fd, const struct iovec *iov, int iovcnt)
{
	ssize_t rc = zs_iov_check(iov, (size_t)iovcnt, EINVAL);

	if (rc == 0)
		return read_nothing(fd);
	return rc < 0 ? ff_ret(rc) : do_recv(fd, iov, iovcnt, 0, NULL, NULL, NULL);
}

ZS_API ssize_t ff_recv(int s, void *buf, size_t len, int flags)
{
	struct iovec iov = { .iov_base = buf, .iov_len = len };

	return do_recv(s, &iov, 1, flags, NULL, NULL, NULL);
}

ZS_API ssize_t ff_recvfrom(int s, void *buf, size_t len, int flags, struct linux_sockaddr *from,
			   socklen_t *fromlen)
{
	struct iovec iov = { .iov_base = buf, .iov_len = len };
	int rc = zs_name_room(from, fromlen);

	if (rc < 0)
		return ff_ret(rc);
	return do_recv(s, &iov, 1, flags, (struct sockaddr *)(void *)from, fromlen, NULL);
}

/* A datagram with control messages. */
static ssize_t recv_controlled(struct zs_sock *sk, struct msghdr *msg, int flags)
{
	struct rx r = { .c = zs_ctx_self, .sk = sk, .flags = flags, .msg = msg };

	if (zs_sock_tells_time(sk))
		zs_ctx_tell_wall(r.c);
	return ff_ret(recv_some(&r, msg->msg_iov, (int)msg->msg_iovlen, &(uint64_t){ 0 }));
}

ZS_API ssize_t ff_recvmsg(int s, struct msghdr *msg, int flags)
{
	struct zs_sock *sk;
	ssize_t rc;

	if (msg == NULL)
		return ff_ret(-EFAULT);
	rc = zs_iov_check(msg->msg_iov, msg->msg_iovlen, EMSGSIZE);
	if (rc >= 0)
		rc = zs_name_room(msg->msg_name, &msg->msg_namelen);
	if (rc < 0)
		return ff_ret(rc);
	if (msg->msg_control == NULL)
		msg->msg_controllen = 0;
	sk = zs_fd_sock(s);
	if (sk == NULL)
		return zs_pair_recv(s, msg, flags);
	if (flags & MSG_ERRQUEUE)
		return ff_ret(recv_error(sk, msg));
	msg->msg_flags = 0;
	if (sk->kind == ZS_SK_UDP) /* also without room: MSG_CTRUNC says what there would be */
		return recv_controlled(sk, msg, flags);
	rc = do_recv(s, msg->msg_iov, (int)msg->msg_iovlen, flags, msg->msg_name,
		     msg->msg_name == NULL ? NULL : &msg->msg_namelen, &msg->msg_flags);
	if (rc >= 0)
		zs_sock_control(sk, msg);
	return rc;
}
