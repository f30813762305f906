/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sockets by descriptor: from ff_socket to ff_close, names and options. A blocking socket blocks
 * outside ff_run: ff_connect and ff_accept drive the stack until it is done or SO_SNDTIMEO,
 * SO_RCVTIMEO is over.
 */
#include "ff_api.h"

#include "api/zs_laddr.h"
#include "api/zs_pair.h"
#include "api/zs_wait.h"
#include "base/zs_api.h"

/* struct linux_sockaddr is struct sockaddr by another name. */
static const struct sockaddr *sa_in(const struct linux_sockaddr *sa)
{
	return (const struct sockaddr *)(const void *)sa;
}

static struct sockaddr *sa_out(struct linux_sockaddr *sa)
{
	return (struct sockaddr *)(void *)sa;
}

/* A descriptor for a new socket; closes it when there is none left. */
static int install(struct zs_ctx *c, struct zs_sock *sk, int flags)
{
	int fd = zs_ctx_add_sock(c, sk);

	if (fd < 0)
		(void)zs_sock_close(sk);
	else if (flags & SOCK_CLOEXEC)
		zs_fd_slot(&c->fds, fd)->flags |= ZS_FDF_CLOEXEC;
	return fd;
}

ZS_API int ff_socket(int domain, int type, int protocol)
{
	struct zs_ctx *c = zs_ctx_get();
	struct zs_sock *sk;
	int rc;

	if (c == NULL)
		return -1;
	rc = zs_sock_create(c->s, domain, type, protocol, &sk);
	return (int)ff_ret(rc < 0 ? rc : install(c, sk, type));
}

/*
 * Programs written for F-Stack bind a port for IPv4 and then for IPv6, which in FreeBSD are two by
 * default: where IPv4 has the port already, the socket serves IPv6 alone.
 */
static int bind_ip6_alone(struct zs_sock *sk, const struct linux_sockaddr *addr, socklen_t len)
{
	int on = 1, off = 0, rc;

	if (sk->flags & ZS_SF_V6ONLY)
		return -EADDRINUSE;
	rc = zs_sock_setopt(sk, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (rc == 0)
		rc = zs_sock_bind(sk, sa_in(addr), len);
	if (rc < 0)
		(void)zs_sock_setopt(sk, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	return rc < 0 ? -EADDRINUSE : 0;
}

ZS_API int ff_bind(int s, const struct linux_sockaddr *addr, socklen_t addrlen)
{
	struct zs_sock *sk = zs_fd_sock(s);
	int rc;

	if (sk == NULL)
		return -1;
	if (addr == NULL && addrlen > 0)
		return (int)ff_ret(-EFAULT);
	rc = zs_sock_bind(sk, sa_in(addr), addrlen);
	if (rc == -EADDRINUSE && sk->family == AF_INET6)
		rc = bind_ip6_alone(sk, addr, addrlen);
	return (int)ff_ret(rc);
}

ZS_API int ff_listen(int s, int backlog)
{
	struct zs_sock *sk = zs_fd_sock(s);

	return sk == NULL ? -1 : (int)ff_ret(zs_sock_listen(sk, backlog));
}

/* The connection, which has no descriptor yet; or NULL with errno. */
static struct zs_sock *do_accept(int s, struct linux_sockaddr *addr, socklen_t *addrlen)
{
	struct zs_sock *sk = zs_fd_sock(s), *out = NULL;
	struct zs_ctx *c = zs_ctx_self;
	int rc;

	if (sk == NULL)
		return NULL;
	/* Asked first: a connection that was taken from the queue could not be put back. */
	rc = c->fds.used >= c->fds.cap ? -EMFILE : zs_name_room(addr, addrlen);
	while (rc == 0 && out == NULL) {
		rc = zs_sock_accept(sk, sa_out(addr), addrlen, &out);
		if (rc == -EAGAIN)
			rc = zs_ctx_wait_sock(c, sk, ZS_EV_READ, sk->rcvtimeo_ms);
	}
	(void)ff_ret(rc);
	return out;
}

ZS_API int ff_accept(int s, struct linux_sockaddr *addr, socklen_t *addrlen)
{
	struct zs_sock *sk = do_accept(s, addr, addrlen);

	return sk == NULL ? -1 : (int)ff_ret(install(zs_ctx_self, sk, 0));
}

ZS_API int ff_accept4(int s, struct linux_sockaddr *addr, socklen_t *addrlen, int flags)
{
	struct zs_sock *sk;

	if (flags & ~(SOCK_NONBLOCK | SOCK_CLOEXEC))
		return (int)ff_ret(-EINVAL);
	sk = do_accept(s, addr, addrlen);
	if (sk == NULL)
		return -1;
	if (flags & SOCK_NONBLOCK)
		sk->flags |= ZS_SF_NONBLOCK;
	else
		sk->flags &= (uint16_t)~ZS_SF_NONBLOCK;
	return (int)ff_ret(install(zs_ctx_self, sk, flags));
}

/* Blocking: until the handshake is over. A timeout leaves it running, as in Linux. */
static int finish_connect(struct zs_ctx *c, struct zs_sock *sk, const struct sockaddr *sa,
			  socklen_t len, int rc)
{
	zs_ctx_kick(c);
	if (c->in_run || (sk->flags & ZS_SF_NONBLOCK))
		return rc;
	rc = zs_ctx_wait_sock(c, sk, ZS_EV_WRITE, sk->sndtimeo_ms);
	if (rc < 0)
		return rc == -EAGAIN ? -EINPROGRESS : rc;
	return zs_sock_connect(sk, sa, len);
}

ZS_API int ff_connect(int s, const struct linux_sockaddr *name, socklen_t namelen)
{
	struct zs_sock *sk = zs_fd_sock(s);
	int rc;

	if (sk == NULL)
		return -1;
	if (name == NULL && namelen > 0)
		return (int)ff_ret(-EFAULT);
	(void)zs_ctx_now(zs_ctx_self); /* of the SYN */
	rc = zs_laddr_choose(sk, sa_in(name), namelen);
	if (rc == 0)
		rc = zs_sock_connect(sk, sa_in(name), namelen);
	zs_ctx_busy(zs_ctx_self);
	if (rc == -EINPROGRESS || rc == -EALREADY)
		rc = finish_connect(zs_ctx_self, sk, sa_in(name), namelen, rc);
	return (int)ff_ret(rc);
}

static int delivered(void *sk)
{
	return zs_sock_delivered(sk);
}

/* SO_LINGER with a time: a blocking close waits for the ACK of what was sent (POSIX). Not through
 * one of several descriptors: it is the last that closes. */
static void linger(struct zs_ctx *c, int fd)
{
	struct zs_fd *f = zs_fd_slot(&c->fds, fd);
	struct zs_sock *sk;
	uint64_t us;

	if (f == NULL || f->kind != ZS_FD_SOCK || c->in_run)
		return;
	sk = f->obj;
	us = sk->user == NULL ? zs_sock_linger_us(sk) : 0;
	if (us == 0)
		return;
	(void)zs_sock_shutdown(sk, SHUT_WR); /* refused: it is shut down already */
	zs_ctx_kick(c);
	(void)zs_wait(c, us, delivered, sk); /* what it did not wait for goes on without it */
}

ZS_API int ff_close(int fd)
{
	struct zs_ctx *c = zs_ctx_get();
	int rc;

	if (c == NULL)
		return -1;
	linger(c, fd);
	rc = zs_ctx_close(c, fd);
	if (rc == 0)
		zs_ctx_kick(c);
	return (int)ff_ret(rc);
}

ZS_API int ff_shutdown(int s, int how)
{
	struct zs_sock *sk = zs_fd_sock(s);
	const struct zs_kern *k = sk == NULL ? zs_fd_kern(s) : NULL;
	int rc;

	if (sk == NULL)
		return k == NULL ? -1 : shutdown(k->fd, how);
	rc = zs_sock_shutdown(sk, how);
	zs_ctx_busy(zs_ctx_self);
	if (rc == 0)
		zs_ctx_kick(zs_ctx_self);
	return (int)ff_ret(rc);
}

static int do_name(int s, struct linux_sockaddr *name, socklen_t *namelen,
		   int (*get)(const struct zs_sock *sk, struct sockaddr *sa, socklen_t *len))
{
	struct zs_sock *sk = zs_fd_sock(s);
	int rc;

	if (sk == NULL)
		return -1;
	rc = name == NULL ? -EFAULT : zs_name_room(name, namelen);
	return (int)ff_ret(rc < 0 ? rc : get(sk, sa_out(name), namelen));
}

ZS_API int ff_getpeername(int s, struct linux_sockaddr *name, socklen_t *namelen)
{
	return do_name(s, name, namelen, zs_sock_peer);
}

ZS_API int ff_getsockname(int s, struct linux_sockaddr *name, socklen_t *namelen)
{
	return do_name(s, name, namelen, zs_sock_name);
}

ZS_API int ff_setsockopt(int s, int level, int optname, const void *optval, socklen_t optlen)
{
	struct zs_sock *sk = zs_fd_sock(s);
	int rc;

	if (sk == NULL)
		return -1;
	if (optval == NULL)
		return (int)ff_ret(-EFAULT);
	rc = zs_sock_setopt(sk, level, optname, optval, optlen);
	if (rc == 0)
		zs_ctx_kick(zs_ctx_self); /* TCP_NODELAY and TCP_CORK may release data */
	return (int)ff_ret(rc);
}

ZS_API int ff_getsockopt(int s, int level, int optname, void *optval, socklen_t *optlen)
{
	struct zs_sock *sk = zs_fd_sock(s);

	if (sk == NULL)
		return -1;
	if (optval == NULL || optlen == NULL)
		return (int)ff_ret(-EFAULT);
	return (int)ff_ret(zs_sock_getopt(sk, level, optname, optval, optlen));
}
