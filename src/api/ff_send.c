/* SPDX-License-Identifier: BSD-3-Clause */
/* Copying writes by descriptor. */
#include "ff_api.h"

#include "api/zs_pair.h"
#include "api/zs_rw.h"
#include "api/zs_zc.h"
#include "base/zs_api.h"
#include "core/tcp/zs_tcp.h"

struct tx {
	struct zs_ctx *c;
	struct zs_sock *sk;
	int flags;
	const struct sockaddr *to;
	socklen_t to_len;
	const struct msghdr *msg; /* with control messages; NULL: without */
	bool begun;		  /* a part is sent already */
	uint64_t until;		  /* when SO_SNDTIMEO is over; 0: it has not waited yet */
};

/* The ACK that a handshake ends with waits for the data of who sleeps here. */
static int wait_to_send(struct tx *t, bool all_sent)
{
	bool tcp = !all_sent && t->sk->kind == ZS_SK_TCP && zs_may_block(t->c, t->sk, t->flags);
	int rc;

	if (tcp)
		zs_tcp_writer_waits(t->sk->tcb, true);
	rc = zs_wait_io(t->c, t->sk, ZS_EV_WRITE, t->sk->sndtimeo_ms, t->flags, &t->until);
	if (tcp)
		zs_tcp_writer_waits(t->sk->tcb, false);
	return rc;
}

/* A blocking write whose first bytes went with the SYN tells of a connection, or why there is none.
 */
static ssize_t end_handshake(struct tx *t, ssize_t sent, size_t total)
{
	int rc;

	t->sk->flags &= (uint16_t)~ZS_SF_FASTOPEN;
	if (!zs_may_block(t->c, t->sk, t->flags))
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
		if (zs_error_waits(t->sk, t->begun))
			return -EIO; /* nobody gets to see it */
		rc = t->msg != NULL ? zs_sock_sendmsg(t->sk, t->msg, t->flags)
				    : zs_sock_send(t->sk, iov, n, t->flags, t->to, t->to_len);
		t->flags &= ~MSG_FASTOPEN; /* connects once; what follows is writing */
		if (rc == -EINPROGRESS && zs_may_block(t->c, t->sk, t->flags))
			rc = -EAGAIN;
		if (rc > 0 && t->sk->flags & ZS_SF_FASTOPEN)
			return end_handshake(t, rc, zs_iov_bytes(iov, n));
		if (rc != -EAGAIN || !again)
			return rc;
		rc = wait_to_send(t, false);
		if (rc < 0)
			return rc;
		again = zs_may_block(t->c, t->sk, t->flags);
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
	if (n > 0 && zs_iov_nowhere(iov))
		return ff_ret(-EFAULT);
	if (__builtin_expect((flags & MSG_FASTOPEN) || sk->flags & (ZS_SF_FASTOPEN | ZS_SF_STAMPS),
			     0))
		(void)zs_ctx_now(t.c); /* of the SYN, or of a datagram that is to tell it */
	rc = send_some(&t, iov, n);
	if (__builtin_expect(flags & MSG_ZEROCOPY, 0) && rc > 0)
		zs_sock_zc_sent(sk);
	if (rc <= 0 && !t.c->in_run)
		zs_ctx_kick(t.c); /* the SYN of Fast Open */
	if (t.c->in_run || rc <= 0)
		return ff_ret(rc);
	if (sk->kind == ZS_SK_TCP && zs_may_block(t.c, sk, flags) &&
	    (size_t)rc < zs_iov_bytes(iov, n))
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
	ssize_t rc = zs_iov_check(iov, (size_t)iovcnt, EINVAL);

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
	if (__builtin_expect(sk->flags & ZS_SF_STAMPS, 0))
		(void)zs_ctx_now(t.c);
	rc = send_some(&t, msg->msg_iov, (int)msg->msg_iovlen);
	if (!t.c->in_run)
		zs_ctx_kick(t.c);
	return ff_ret(rc);
}

ZS_API ssize_t ff_sendmsg(int s, const struct msghdr *msg, int flags)
{
	struct msghdr nameless;
	ssize_t rc;

	if (msg == NULL)
		return ff_ret(-EFAULT);
	if (msg->msg_name != NULL && msg->msg_namelen == 0) { /* none, as on Linux */
		nameless = *msg;
		nameless.msg_name = NULL;
		msg = &nameless;
	}
	rc = zs_iov_check(msg->msg_iov, msg->msg_iovlen, EMSGSIZE);
	if (rc < 0)
		return ff_ret(rc);
	if (msg->msg_controllen > 0 && msg->msg_control != NULL)
		return send_controlled(s, msg, flags);
	return send_msg(s, msg, flags);
}
