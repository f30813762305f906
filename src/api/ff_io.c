/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Copying I/O by descriptor. Outside ff_run a blocking socket blocks: a read until there is
 * something, a write to a stream until all is queued. What a non-blocking call there does not get
 * at once it gets one turn of the stack for, so that a program that polls by reading makes
 * progress; and what is due after a call is sent at once.
 */
#include <limits.h>

#include "ff_api.h"

#include "api/zs_pair.h"
#include "api/zs_zc.h"
#include "base/zs_api.h"
#include "core/tcp/zs_tcp.h"

enum { MAX_IOV = 1024 };

static struct sockaddr *sa_out(struct linux_sockaddr *sa)
{
	return (struct sockaddr *)(void *)sa;
}

static size_t iov_bytes(const struct iovec *iov, int n)
{
	size_t bytes = 0;

	for (int i = 0; i < n; i++)
		bytes += iov[i].iov_len;
	return bytes;
}

static inline bool is_nowhere(const struct iovec *iov)
{
	return __builtin_expect(iov->iov_base == NULL, 0) && iov->iov_len > 0;
}

/* Bytes of the pieces; -EFAULT, -EINVAL, or -too_many. */
static ssize_t iov_check(const struct iovec *iov, size_t n, int too_many)
{
	size_t bytes = 0;

	if (n > MAX_IOV)
		return -too_many;
	if (n > 0 && iov == NULL)
		return -EFAULT;
	for (size_t i = 0; i < n; i++) {
		if (is_nowhere(&iov[i]))
			return -EFAULT;
		if (iov[i].iov_len > SSIZE_MAX - bytes)
			return -EINVAL;
		bytes += iov[i].iov_len;
	}
	return (ssize_t)bytes;
}

static bool may_block(const struct zs_ctx *c, const struct zs_sock *sk, int flags)
{
	return !c->in_run && (sk->flags & ZS_SF_NONBLOCK) == 0 && (flags & MSG_DONTWAIT) == 0;
}

/* What a call has done is told first: the error stays for the next one. */
static bool error_waits(const struct zs_sock *sk, bool begun)
{
	return __builtin_expect(begun, 0) && zs_sock_error(sk) != 0;
}

/* After -EAGAIN: 0 = try again. */
static int wait_io(struct zs_ctx *c, struct zs_sock *sk, unsigned ev, uint32_t timeout_ms,
		   int flags)
{
	if (c->in_run)
		return -EAGAIN;
	if (may_block(c, sk, flags))
		return zs_ctx_wait_sock(c, sk, ev, timeout_ms);
	zs_ctx_turn(c, 0);
	return zs_sock_readiness(sk) & (ev | ZS_EV_ERR | ZS_EV_HUP) ? 0 : -EAGAIN;
}

/* ---- receive ---- */

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

	if (error_waits(r->sk, r->begun) && zs_sock_readable(r->sk) == 0)
		return -EIO; /* nobody gets to see it */
	if (r->msg != NULL)
		return zs_sock_recvmsg(r->sk, r->msg, flags);
	return zs_sock_recv(r->sk, iov, n, flags, r->from, r->from_len, r->msg_flags);
}

static ssize_t recv_some(const struct rx *r, const struct iovec *iov, int n)
{
	bool again = true;
	ssize_t rc;

	for (;;) {
		rc = recv_once(r, iov, n);
		if (rc != -EAGAIN || !again)
			return rc;
		rc = wait_io(r->c, r->sk, ZS_EV_READ, r->sk->rcvtimeo_ms, r->flags);
		if (rc < 0)
			return rc;
		again = may_block(r->c, r->sk, r->flags);
	}
}

/* MSG_WAITALL: fills every piece; short only at end of stream, error, timeout. */
static ssize_t recv_all(struct rx *r, const struct iovec *iov, int n)
{
	ssize_t done = 0;

	for (int i = 0; i < n; i++) {
		struct iovec rest = iov[i];

		while (rest.iov_len > 0) {
			ssize_t rc = recv_some(r, &rest, 1);

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
	struct msghdr msg = {
		.msg_name = r->from,
		.msg_namelen = r->from != NULL ? *r->from_len : 0,
		.msg_iov = (struct iovec *)(uintptr_t)iov,
		.msg_iovlen = (size_t)n,
	};
	ssize_t rc = recv_error(r->sk, &msg);

	if (rc >= 0 && r->from != NULL)
		*r->from_len = msg.msg_namelen;
	return rc;
}

/* MSG_WAITALL with MSG_PEEK: waits for all, but takes nothing; short as recv_all(). */
static ssize_t peek_all(struct rx *r, const struct iovec *iov, int n)
{
	uint32_t lowat = r->sk->rcvlowat;
	size_t want = iov_bytes(iov, n);

	r->sk->rcvlowat = want < INT_MAX ? (uint32_t)want : INT_MAX;
	if (zs_ctx_wait_sock(r->c, r->sk, ZS_EV_READ, r->sk->rcvtimeo_ms) == -EAGAIN)
		r->flags |= MSG_DONTWAIT;
	r->sk->rcvlowat = lowat;
	return recv_some(r, iov, n);
}

/* With flags that a plain read has not. */
static ssize_t recv_flagged(struct rx *r, const struct iovec *iov, int n)
{
	if (r->flags & MSG_ERRQUEUE)
		return recv_plain_error(r, iov, n);
	if (r->sk->kind != ZS_SK_TCP || !may_block(r->c, r->sk, r->flags))
		return recv_some(r, iov, n);
	return r->flags & MSG_PEEK ? peek_all(r, iov, n) : recv_all(r, iov, n);
}

static ssize_t pair_recv(int fd, const struct iovec *iov, int n, int flags, struct sockaddr *from,
			 socklen_t *from_len)
{
	struct msghdr msg = {
		.msg_name = from,
		.msg_namelen = from != NULL ? *from_len : 0,
		.msg_iov = (struct iovec *)(uintptr_t)iov,
		.msg_iovlen = (size_t)n,
	};
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
	if (n > 0 && is_nowhere(iov) && (sk->kind != ZS_SK_TCP || (flags & MSG_TRUNC) == 0))
		return ff_ret(-EFAULT);
	rc = flags & (MSG_WAITALL | MSG_ERRQUEUE) ? recv_flagged(&r, iov, n)
						  : recv_some(&r, iov, n);
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
	ssize_t rc = iov_check(iov, (size_t)iovcnt, EINVAL);

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
	return do_recv(s, &iov, 1, flags, sa_out(from), fromlen, NULL);
}

/* A datagram with control messages. */
static ssize_t recv_controlled(struct zs_sock *sk, struct msghdr *msg, int flags)
{
	struct rx r = { .c = zs_ctx_self, .sk = sk, .flags = flags, .msg = msg };

	if (zs_sock_tells_time(sk))
		zs_ctx_tell_wall(r.c);
	return ff_ret(recv_some(&r, msg->msg_iov, (int)msg->msg_iovlen));
}

ZS_API ssize_t ff_recvmsg(int s, struct msghdr *msg, int flags)
{
	struct zs_sock *sk;
	ssize_t rc;

	if (msg == NULL)
		return ff_ret(-EFAULT);
	rc = iov_check(msg->msg_iov, msg->msg_iovlen, EMSGSIZE);
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
	if (sk->kind == ZS_SK_UDP && msg->msg_controllen > 0)
		return recv_controlled(sk, msg, flags);
	rc = do_recv(s, msg->msg_iov, (int)msg->msg_iovlen, flags, msg->msg_name,
		     msg->msg_name == NULL ? NULL : &msg->msg_namelen, &msg->msg_flags);
	if (rc >= 0)
		zs_sock_control(sk, msg);
	else
		msg->msg_controllen = 0;
	return rc;
}

/* ---- send ---- */

struct tx {
	struct zs_ctx *c;
	struct zs_sock *sk;
	int flags;
	const struct sockaddr *to;
	socklen_t to_len;
	const struct msghdr *msg; /* with control messages; NULL: without */
	bool begun;		  /* a part is sent already */
};

/* The ACK that a handshake ends with waits for the data of who sleeps here. */
static int wait_to_send(const struct tx *t, bool all_sent)
{
	bool tcp = !all_sent && t->sk->kind == ZS_SK_TCP && may_block(t->c, t->sk, t->flags);
	int rc;

	if (tcp)
		zs_tcp_writer_waits(t->sk->tcb, true);
	rc = wait_io(t->c, t->sk, ZS_EV_WRITE, t->sk->sndtimeo_ms, t->flags);
	if (tcp)
		zs_tcp_writer_waits(t->sk->tcb, false);
	return rc;
}

/* A blocking write whose first bytes went with the SYN tells of a connection, or why there is none.
 */
static ssize_t end_handshake(const struct tx *t, ssize_t sent, size_t total)
{
	int rc;

	t->sk->flags &= (uint16_t)~ZS_SF_FASTOPEN;
	if (!may_block(t->c, t->sk, t->flags))
		return sent;
	rc = wait_to_send(t, (size_t)sent == total);
	if (rc == 0)
		rc = -zs_sock_take_error(t->sk);
	return rc < 0 ? rc : sent;
}

static ssize_t send_some(struct tx *t, const struct iovec *iov, int n)
{
	bool again = true;
	ssize_t rc;

	for (;;) {
		if (error_waits(t->sk, t->begun))
			return -EIO; /* as above */
		rc = t->msg != NULL ? zs_sock_sendmsg(t->sk, t->msg, t->flags)
				    : zs_sock_send(t->sk, iov, n, t->flags, t->to, t->to_len);
		t->flags &= ~MSG_FASTOPEN; /* connects once; what follows is writing */
		if (rc == -EINPROGRESS && may_block(t->c, t->sk, t->flags))
			rc = -EAGAIN;
		if (rc > 0 && t->sk->flags & ZS_SF_FASTOPEN)
			return end_handshake(t, rc, iov_bytes(iov, n));
		if (rc != -EAGAIN || !again)
			return rc;
		rc = wait_to_send(t, false);
		if (rc < 0)
			return rc;
		again = may_block(t->c, t->sk, t->flags);
	}
}

/* What a blocking write to a stream still has to do after its first `done` bytes. */
static ssize_t send_rest(struct tx *t, const struct iovec *iov, int n, size_t done)
{
	size_t skip = done;

	t->begun = true;
	for (int i = 0; i < n; i++) {
		struct iovec rest = iov[i];
		size_t k = skip < rest.iov_len ? skip : rest.iov_len;

		skip -= k;
		rest.iov_base = (char *)rest.iov_base + k;
		rest.iov_len -= k;
		while (rest.iov_len > 0) {
			ssize_t rc = send_some(t, &rest, 1);

			if (rc <= 0)
				return (ssize_t)done;
			done += (size_t)rc;
			rest.iov_base = (char *)rest.iov_base + rc;
			rest.iov_len -= (size_t)rc;
		}
	}
	return (ssize_t)done;
}

static ssize_t pair_send(int fd, const struct iovec *iov, int n, int flags, const void *to,
			 socklen_t to_len)
{
	struct msghdr msg = {
		.msg_name = (void *)(uintptr_t)to,
		.msg_namelen = to_len,
		.msg_iov = (struct iovec *)(uintptr_t)iov,
		.msg_iovlen = (size_t)n,
	};

	return zs_pair_send(fd, &msg, flags);
}

static ssize_t do_send(int fd, const struct iovec *iov, int n, int flags, const void *to,
		       socklen_t to_len)
{
	struct zs_sock *sk = zs_fd_sock(fd);
	struct tx t = { .c = zs_ctx_self, .sk = sk, .flags = flags, .to = to, .to_len = to_len };
	ssize_t rc;

	if (sk == NULL)
		return pair_send(fd, iov, n, flags, to, to_len);
	if (n > 0 && is_nowhere(iov))
		return ff_ret(-EFAULT);
	rc = send_some(&t, iov, n);
	if (__builtin_expect(flags & MSG_ZEROCOPY, 0) && rc > 0)
		zs_sock_zc_sent(sk);
	if (rc <= 0 && !t.c->in_run)
		zs_ctx_kick(t.c); /* the SYN of Fast Open */
	if (t.c->in_run || rc <= 0)
		return ff_ret(rc);
	if (sk->kind == ZS_SK_TCP && may_block(t.c, sk, flags) && (size_t)rc < iov_bytes(iov, n))
		rc = send_rest(&t, iov, n, (size_t)rc);
	zs_ctx_kick(t.c);
	return rc;
}

ZS_API ssize_t ff_write(int fd, const void *buf, size_t nbytes)
{
	struct iovec iov = { .iov_base = (void *)(uintptr_t)buf, .iov_len = nbytes };
	struct zs_ctx *c = zs_ctx_self;

	if (c != NULL && c->zc_head != NULL && zs_zc_is_chain(c, buf))
		return ff_zc_send(fd, buf, nbytes);
	return do_send(fd, &iov, 1, 0, NULL, 0);
}

ZS_API ssize_t ff_writev(int fd, const struct iovec *iov, int iovcnt)
{
	ssize_t rc = iov_check(iov, (size_t)iovcnt, EINVAL);

	return rc < 0 ? ff_ret(rc) : do_send(fd, iov, iovcnt, 0, NULL, 0);
}

ZS_API ssize_t ff_send(int s, const void *buf, size_t len, int flags)
{
	struct iovec iov = { .iov_base = (void *)(uintptr_t)buf, .iov_len = len };

	return do_send(s, &iov, 1, flags, NULL, 0);
}

ZS_API ssize_t ff_sendto(int s, const void *buf, size_t len, int flags,
			 const struct linux_sockaddr *to, socklen_t tolen)
{
	struct iovec iov = { .iov_base = (void *)(uintptr_t)buf, .iov_len = len };

	return do_send(s, &iov, 1, flags, to, tolen);
}

static ssize_t send_msg(int s, const struct msghdr *msg, int flags)
{
	return do_send(s, msg->msg_iov, (int)msg->msg_iovlen, flags, msg->msg_name,
		       msg->msg_namelen);
}

/* With control messages: datagrams and pairs have some. */
static ssize_t send_controlled(int s, const struct msghdr *msg, int flags)
{
	struct zs_sock *sk = zs_fd_sock(s);
	struct tx t = { .c = zs_ctx_self, .sk = sk, .flags = flags, .msg = msg };
	ssize_t rc;

	if (sk == NULL)
		return zs_pair_send(s, msg, flags);
	if (sk->kind != ZS_SK_UDP)
		return send_msg(s, msg, flags);
	rc = send_some(&t, msg->msg_iov, (int)msg->msg_iovlen);
	if (!t.c->in_run)
		zs_ctx_kick(t.c);
	return ff_ret(rc);
}

ZS_API ssize_t ff_sendmsg(int s, const struct msghdr *msg, int flags)
{
	ssize_t rc;

	if (msg == NULL)
		return ff_ret(-EFAULT);
	rc = iov_check(msg->msg_iov, msg->msg_iovlen, EMSGSIZE);
	if (rc < 0)
		return ff_ret(rc);
	if (msg->msg_controllen > 0 && msg->msg_control != NULL)
		return send_controlled(s, msg, flags);
	return send_msg(s, msg, flags);
}
