/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Connecting and dissolving it again, of streams and datagrams, with the answers that Linux gives;
 * with TCP Fast Open the first write does it (RFC 7413).
 */
#include "sock/zs_sock_priv.h"

static bool is_unspec(const struct sockaddr *sa, socklen_t len)
{
	return sa != NULL && len >= sizeof(sa->sa_family) && sa->sa_family == AF_UNSPEC;
}

/* The second and later calls of connect, while and after the first one's handshake. */
static int connect_again(struct zs_sock *sk)
{
	int error;

	switch (zs_tcp_state(sk->tcb)) {
	case ZS_SYN_SENT:
	case ZS_SYN_RCVD:
		return -EALREADY;
	case ZS_CLOSED:
		error = zs_sock_take_error(sk);
		if (zs_sock_renew(sk) < 0)
			return -ENOBUFS;
		return error != 0 ? -error : -ECONNABORTED;
	default:
		sk->flags &= (uint16_t)~ZS_SF_CONNECTING;
		sk->flags |= ZS_SF_CONNECTED;
		return 0;
	}
}

/* Starts with the socket in the family of n, and leaves it in its own when that fails. What is
 * bound to an address of the one family does not reach the other one. */
static int start_in_family(struct zs_sock *sk, const struct zs_name *n,
			   int (*start)(struct zs_sock *sk, const struct zs_name *n))
{
	uint8_t was = zs_sock_flow_family(sk);
	int rc = -ENETUNREACH;

	if ((n->family == ZS_AF_IP4 || !sk->bound_ip4) && zs_sock_set_family(sk, n->family) == 0)
		rc = start(sk, n);
	if (rc < 0 && rc != -EINPROGRESS)
		(void)zs_sock_set_family(sk, was); /* nothing has been bound since */
	return rc;
}

/* with: what the socket is when the SYN need not be sent at once, for a cookie is known. */
static int begin_fastopen(struct zs_sock *sk, const struct zs_name *to, uint16_t with)
{
	int rc = zs_tcp_fastopen(sk->s, sk->tcb, &to->addr, to->port);

	if (rc == 0)
		sk->flags |= with | ZS_SF_FASTOPEN;
	else if (rc == -EINPROGRESS)
		sk->flags |= ZS_SF_CONNECTING;
	return rc;
}

static int start_tcp(struct zs_sock *sk, const struct zs_name *n)
{
	int rc;

	if (zs_tcp_opts(sk->tcb)->tfo_connect) /* then the first write sends the SYN */
		return begin_fastopen(sk, n, ZS_SF_CONNECTED);
	rc = zs_tcp_connect(sk->s, sk->tcb, &n->addr, n->port);
	if (rc < 0)
		return rc;
	sk->flags |= ZS_SF_CONNECTING;
	return -EINPROGRESS;
}

static int connect_tcp(struct zs_sock *sk, const struct sockaddr *sa, socklen_t len)
{
	bool ended = zs_sock_ended(sk);
	struct zs_name n;
	int rc;

	if (len < sizeof(sa_family_t))
		return -EINVAL;
	if (is_unspec(sa, len))
		return zs_sock_renew(sk);
	if (sk->flags & ZS_SF_CONNECTING)
		return connect_again(sk);
	/* also when it is over: until AF_UNSPEC dissolves it */
	if (zs_tcp_state(sk->tcb) != ZS_CLOSED || (ended && zs_tcp_has_met(sk->tcb)))
		return -EISCONN;
	rc = zs_sock_dest_get(sk, sa, len, &n);
	if (rc == 0 && ended)
		rc = zs_sock_renew(sk);
	return rc < 0 ? rc : start_in_family(sk, &n, start_tcp);
}

static int disconnect_udp(struct zs_sock *sk)
{
	int rc = zs_udp_connect(sk->s, sk->udp, NULL, 0);

	/* what was connected to IPv4 is for both again, unless bind said so */
	if (rc == 0 && sk->family == AF_INET6 && !sk->bound_ip4 &&
	    zs_addr_is_any(&sk->udp->flow.laddr))
		(void)zs_sock_set_family(sk, ZS_AF_IP6); /* from any to any */
	return rc;
}

static int start_fastopen(struct zs_sock *sk, const struct zs_name *n)
{
	return begin_fastopen(sk, n, ZS_SF_CONNECTING);
}

int zs_sock_fastopen(struct zs_sock *sk, const struct sockaddr *to, socklen_t len)
{
	struct zs_name n;
	int rc;

	if (!(zs_stack_config(sk->s)->tfo & ZS_TFO_CLIENT) || is_unspec(to, len))
		return -EOPNOTSUPP;
	if (zs_tcp_state(sk->tcb) == ZS_SYN_SENT)
		return zs_tcp_syn_waits(sk->tcb) ? 0 : -EALREADY;
	if (zs_tcp_state(sk->tcb) != ZS_CLOSED || zs_sock_ended(sk))
		return 0; /* an ordinary write, or the error that it gets */
	rc = zs_sock_dest_get(sk, to, len, &n);
	return rc < 0 ? rc : start_in_family(sk, &n, start_fastopen);
}

static int start_udp(struct zs_sock *sk, const struct zs_name *n)
{
	return zs_udp_connect(sk->s, sk->udp, &n->addr, n->port);
}

/* From IPv6 to IPv4, the address being connect's choice; not the other way round, as on Linux. */
static int change_family(struct zs_sock *sk, const struct zs_name *n)
{
	const struct zs_udp was = *sk->udp;
	int rc;

	if (n->family == ZS_AF_IP6)
		return -EAFNOSUPPORT;
	rc = disconnect_udp(sk);
	if (rc == 0)
		rc = start_in_family(sk, n, start_udp);
	if (rc < 0) {
		sk->udp->flow = was.flow;
		sk->udp->dual = was.dual;
		sk->udp->laddr_by_connect = true;
	}
	return rc;
}

static int connect_udp(struct zs_sock *sk, const struct sockaddr *sa, socklen_t len)
{
	struct zs_name n;
	int rc;

	if (is_unspec(sa, len))
		return disconnect_udp(sk);
	rc = zs_sock_dest_get(sk, sa, len, &n);
	if (rc == 0 && sk->udp->laddr_by_connect && n.family != sk->udp->flow.family)
		return change_family(sk, &n);
	return rc < 0 ? rc : start_in_family(sk, &n, start_udp);
}

int zs_sock_connect(struct zs_sock *sk, const struct sockaddr *sa, socklen_t len)
{
	switch ((enum zs_sock_kind)sk->kind) {
	case ZS_SK_TCP:
		return connect_tcp(sk, sa, len);
	case ZS_SK_LISTENER:
		return is_unspec(sa, len) ? zs_sock_renew(sk) : -EISCONN;
	case ZS_SK_UDP:
		return connect_udp(sk, sa, len);
	}
	__builtin_unreachable();
}
