/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sockets from birth to death: create, bind, listen, accept, shut down, close, with the answers
 * that Linux gives (connect is in zs_connect.c). A socket owns one tcb, listener or UDP endpoint at
 * a time; listen and a failed connect replace it, the watches stay.
 */
#include <netinet/in.h>

#include "sock/zs_sock_priv.h"

/* ---- life ---- */

static struct zs_sock *sock_new(struct zs_stack *s, enum zs_sock_kind kind, int family)
{
	struct zs_sock *sk = zs_stack_sock_get(s);

	if (sk == NULL)
		return NULL;
	*sk = (struct zs_sock){
		.s = s,
		.kind = (uint8_t)kind,
		.family = (uint8_t)family,
		.rcvlowat = 1,
		.mtu_discover = IP_PMTUDISC_WANT,
	};
	zs_list_init(&sk->watches);
	return sk;
}

static int sock_kind(int domain, int type, int protocol, enum zs_sock_kind *kind)
{
	type &= ~(SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (type < 0 || type > SOCK_PACKET)
		return -EINVAL;
	if (domain != AF_INET && domain != AF_INET6)
		return -EAFNOSUPPORT;
	switch (type) {
	case SOCK_STREAM:
		*kind = ZS_SK_TCP;
		return protocol == 0 || protocol == IPPROTO_TCP ? 0 : -EPROTONOSUPPORT;
	case SOCK_DGRAM:
		*kind = ZS_SK_UDP;
		return protocol == 0 || protocol == IPPROTO_UDP ? 0 : -EPROTONOSUPPORT;
	default:
		return -ESOCKTNOSUPPORT;
	}
}

int zs_sock_create(struct zs_stack *s, int domain, int type, int protocol, struct zs_sock **out)
{
	enum zs_sock_kind kind;
	struct zs_sock *sk;
	uint8_t family = domain == AF_INET ? ZS_AF_IP4 : ZS_AF_IP6;
	int rc = sock_kind(domain, type, protocol, &kind);

	if (rc < 0)
		return rc;
	sk = sock_new(s, kind, domain);
	if (sk == NULL)
		return -ENOBUFS;
	if (kind == ZS_SK_TCP)
		sk->tcb = zs_tcp_open(s, family);
	else
		sk->udp = zs_udp_open(s, family);
	if (kind == ZS_SK_TCP ? sk->tcb == NULL : sk->udp == NULL) {
		zs_stack_sock_put(s, sk);
		return -ENOBUFS;
	}
	if (type & SOCK_NONBLOCK)
		sk->flags |= ZS_SF_NONBLOCK;
	zs_sock_ep(sk)->owner = sk;
	(void)zs_sock_set_family(sk, family); /* nothing is bound yet */
	*out = sk;
	return 0;
}

/* No event of this endpoint reaches the socket any more. */
static void disown(struct zs_ep *ep)
{
	zs_list_del(&ep->link);
	ep->owner = NULL;
}

static void close_endpoint(struct zs_sock *sk, bool abort)
{
	disown(zs_sock_ep(sk));
	switch ((enum zs_sock_kind)sk->kind) {
	case ZS_SK_TCP:
		if (abort)
			zs_tcp_abort(sk->s, sk->tcb);
		else
			zs_tcp_close(sk->s, sk->tcb);
		break;
	case ZS_SK_LISTENER:
		zs_tcp_listener_close(sk->s, sk->lst);
		break;
	case ZS_SK_UDP:
		zs_udp_close(sk->s, sk->udp);
		break;
	}
}

static void tell_closed(struct zs_sock *sk)
{
	struct zs_list *node;

	while ((node = zs_list_pop(&sk->watches)) != NULL) {
		struct zs_watch *w = container_of(node, struct zs_watch, sock_link);

		w->sk = NULL;
		w->edges |= ZS_EV_HUP;
		zs_watch_activate(w);
	}
}

int zs_sock_close(struct zs_sock *sk)
{
	bool abort = (sk->flags & ZS_SF_LINGER) && sk->linger_s == 0;

	tell_closed(sk);
	close_endpoint(sk, abort);
	zs_stack_sock_put(sk->s, sk);
	return 0;
}

uint64_t zs_sock_linger_us(const struct zs_sock *sk)
{
	enum zs_tcp_state st;

	if (sk->kind != ZS_SK_TCP || sk->linger_s == 0 ||
	    (sk->flags & (ZS_SF_LINGER | ZS_SF_NONBLOCK)) != ZS_SF_LINGER)
		return 0;
	st = zs_tcp_state(sk->tcb);
	if (st < ZS_SYN_RCVD || st == ZS_TIME_WAIT || zs_sock_readable(sk) > 0)
		return 0;
	return (uint64_t)sk->linger_s * 1000000;
}

bool zs_sock_delivered(const struct zs_sock *sk)
{
	enum zs_tcp_state st = zs_tcp_shown_state(sk->tcb);

	return st != ZS_FIN_WAIT_1 && st != ZS_CLOSING && st != ZS_LAST_ACK;
}

/* IP_BIND_ADDRESS_NO_PORT leaves the choice of a port to connect. */
static int bind_tcp(struct zs_sock *sk, struct zs_tcb *tcb, const struct zs_addr *addr,
		    uint16_t port)
{
	if (port == 0 && (sk->flags & ZS_SF_BIND_NO_PORT))
		return zs_tcp_bind_addr(sk->s, tcb, addr);
	return zs_tcp_bind(sk->s, tcb, addr, port);
}

int zs_sock_renew(struct zs_sock *sk)
{
	const uint8_t own = sk->family == AF_INET ? ZS_AF_IP4 : ZS_AF_IP6;
	struct zs_tcb *tcb = zs_tcp_open(sk->s, own);
	const struct zs_flow *flow;
	struct zs_addr laddr;
	uint16_t lport;
	uint8_t family = own;

	if (tcb == NULL)
		return -ENOBUFS;
	if (sk->kind == ZS_SK_LISTENER) {
		*zs_tcp_opts(tcb) = sk->lst->opts;
		family = sk->lst->family;
		laddr = sk->lst->laddr;
		lport = sk->lst->lport;
	} else {
		flow = zs_tcp_flow(sk->tcb);
		*zs_tcp_opts(tcb) = *zs_tcp_opts(sk->tcb);
		laddr = zs_tcp_bound_addr(sk->tcb);
		lport = flow->lport;
		if (sk->bound_ip4)
			family = ZS_AF_IP4;
	}
	close_endpoint(sk, true);
	sk->kind = ZS_SK_TCP;
	sk->tcb = tcb;
	sk->flags &= (uint16_t) ~(ZS_SF_CONNECTING | ZS_SF_CONNECTED | ZS_SF_RD_SHUT |
				  ZS_SF_WR_SHUT | ZS_SF_ERRQ | ZS_SF_STAMPS);
	zs_tcp_ep(tcb)->owner = sk;
	zs_tcp_opts_changed(sk->s, tcb);
	(void)zs_sock_set_family(sk, family); /* nothing is bound yet */
	if (sk->flags & ZS_SF_BIND_NO_PORT && !sk->bound_port)
		lport = 0;
	if ((sk->flags & ZS_SF_BOUND) && bind_tcp(sk, tcb, &laddr, lport) < 0) {
		sk->flags &= (uint16_t)~ZS_SF_BOUND;
		sk->bound_ip4 = false;
	}
	zs_ep_raise(sk->s, zs_tcp_ep(tcb), ZS_EV_HUP);
	return 0;
}

/* ---- bind, listen ---- */

static int bind_name(const struct zs_sock *sk, const struct sockaddr *sa, socklen_t len,
		     struct zs_name *n)
{
	struct sockaddr_in sin;

	if (sk->family != AF_INET || sa == NULL || len < sizeof(sin))
		return zs_sock_addr_get(sk, sa, len, n);
	memcpy(&sin, sa, sizeof(sin));
	if (sin.sin_family != AF_UNSPEC || sin.sin_addr.s_addr != INADDR_ANY)
		return zs_sock_addr_get(sk, sa, len, n);
	/* what old programs bind to, and Linux and FreeBSD let them */
	sin.sin_family = AF_INET;
	return zs_sock_addr_get(sk, (const struct sockaddr *)&sin, sizeof(sin), n);
}

static bool tcp_may_bind(const struct zs_sock *sk)
{
	return sk->kind == ZS_SK_TCP && zs_tcp_state(sk->tcb) == ZS_CLOSED &&
	       !(sk->flags & ZS_SF_BOUND) && !zs_sock_ended(sk);
}

int zs_sock_bind(struct zs_sock *sk, const struct sockaddr *sa, socklen_t len)
{
	struct zs_name n;
	int rc = bind_name(sk, sa, len, &n);
	uint8_t was;

	if (rc < 0)
		return rc == -ENETUNREACH ? -EINVAL : rc; /* IPv4 for a socket that is for IPv6 */
	if (sk->kind != ZS_SK_UDP && !tcp_may_bind(sk))
		return -EINVAL;
	was = zs_sock_flow_family(sk);
	rc = zs_sock_set_family(sk, n.family);
	if (rc == 0)
		rc = sk->kind == ZS_SK_UDP ? zs_udp_bind(sk->s, sk->udp, &n.addr, n.port)
					   : bind_tcp(sk, sk->tcb, &n.addr, n.port);
	if (rc < 0) {
		(void)zs_sock_set_family(sk, was); /* as it was, so it can be */
		return rc;
	}
	sk->flags |= ZS_SF_BOUND;
	sk->bound_ip4 = n.family == ZS_AF_IP4;
	sk->bound_port = n.port != 0;
	return 0;
}

int zs_sock_listen(struct zs_sock *sk, int backlog)
{
	struct zs_listener *lst;
	struct zs_ep *ep;
	int rc;

	if (backlog < 0 || backlog > SOMAXCONN)
		backlog = SOMAXCONN;
	backlog++; /* one more than asked for, as on Linux; FreeBSD has half as many more */
	if (sk->kind == ZS_SK_UDP)
		return -EOPNOTSUPP;
	if (sk->kind == ZS_SK_LISTENER) {
		zs_tcp_set_backlog(sk->lst, backlog);
		return 0;
	}
	if (zs_tcp_state(sk->tcb) != ZS_CLOSED || zs_sock_ended(sk))
		return -EINVAL;
	ep = zs_tcp_ep(sk->tcb);
	disown(ep);
	rc = zs_tcp_listen(sk->s, sk->tcb, backlog, &lst);
	if (rc < 0) {
		ep->owner = sk;
		return rc;
	}
	sk->kind = ZS_SK_LISTENER;
	sk->lst = lst;
	lst->ep.owner = sk;
	return 0;
}

/* ---- accept ---- */

/* The accepted socket inherits what the application chose for the listener, non-blocking mode
 * included (docs: BSD's way). */
static void inherit(struct zs_sock *sk, const struct zs_sock *from)
{
	sk->flags = ZS_SF_CONNECTED |
		    (from->flags & (ZS_SF_V6ONLY | ZS_SF_NONBLOCK | ZS_SF_LINGER | ZS_SF_OOBINLINE |
				    ZS_SF_ZEROCOPY | ZS_SF_DEBUG | ZS_SF_INQ));
	sk->linger_s = from->linger_s;
	sk->rcvlowat = from->rcvlowat;
	sk->rcvtimeo_ms = from->rcvtimeo_ms;
	sk->sndtimeo_ms = from->sndtimeo_ms;
	sk->priority = from->priority;
	sk->mtu_discover = from->mtu_discover;
}

int zs_sock_accept(struct zs_sock *sk, struct sockaddr *sa, socklen_t *len, struct zs_sock **out)
{
	const struct zs_flow *flow;
	struct zs_sock *new;

	if (sk->kind == ZS_SK_UDP)
		return -EOPNOTSUPP;
	if (sk->kind != ZS_SK_LISTENER)
		return -EINVAL;
	if (sk->lst->n_accept == 0)
		return -EAGAIN;
	new = sock_new(sk->s, ZS_SK_TCP, sk->family);
	if (new == NULL)
		return -ENOBUFS;
	new->tcb = zs_tcp_accept(sk->s, sk->lst);
	if (new->tcb == NULL) {
		zs_stack_sock_put(sk->s, new);
		return -EAGAIN;
	}
	inherit(new, sk);
	zs_tcp_ep(new->tcb)->owner = new;
	flow = zs_tcp_flow(new->tcb);
	zs_sock_addr_put(new, sa, len, flow->family, &flow->faddr, flow->fport);
	*out = new;
	return 0;
}

/* ---- shutdown ---- */

static int shutdown_tcp(struct zs_sock *sk, unsigned how, uint16_t flags)
{
	int rc;

	switch (zs_tcp_state(sk->tcb)) {
	case ZS_CLOSED:
	case ZS_TIME_WAIT:
		return -ENOTCONN;
	case ZS_SYN_SENT:
		return zs_sock_renew(sk);
	default:
		break;
	}
	rc = zs_tcp_shutdown(sk->s, sk->tcb, how);
	if (rc < 0)
		return rc;
	if (sk->flags & ZS_SF_CONNECTING) /* who shuts it down knows that it is connected */
		sk->flags ^= ZS_SF_CONNECTING | ZS_SF_CONNECTED;
	sk->flags |= flags;
	/* Waiters learn of what the application itself has changed. */
	zs_ep_raise(sk->s, zs_tcp_ep(sk->tcb),
		    how & ZS_SHUT_RD ? ZS_EV_RDHUP | ZS_EV_HUP : ZS_EV_WRITE | ZS_EV_HUP);
	return 0;
}

/* Without a peer it is an error and works all the same, as on Linux and FreeBSD: that is how
 * waiting for a datagram is ended. */
static int shutdown_udp(struct zs_sock *sk, uint16_t flags)
{
	sk->flags |= flags;
	zs_ep_raise(sk->s, &sk->udp->ep, ZS_EV_RDHUP | ZS_EV_HUP);
	return sk->udp->flow.fport == 0 ? -ENOTCONN : 0;
}

int zs_sock_shutdown(struct zs_sock *sk, int how)
{
	static const uint16_t flags[] = {
		[SHUT_RD] = ZS_SF_RD_SHUT,
		[SHUT_WR] = ZS_SF_WR_SHUT,
		[SHUT_RDWR] = ZS_SF_RD_SHUT | ZS_SF_WR_SHUT,
	};

	if (how != SHUT_RD && how != SHUT_WR && how != SHUT_RDWR)
		return -EINVAL;
	switch ((enum zs_sock_kind)sk->kind) {
	case ZS_SK_TCP:
		return shutdown_tcp(sk, (unsigned)how + 1, flags[how]);
	case ZS_SK_LISTENER: /* reading from a listener is accepting */
		return how == SHUT_WR ? 0 : zs_sock_renew(sk);
	case ZS_SK_UDP:
		return shutdown_udp(sk, flags[how]);
	}
	__builtin_unreachable();
}

_Static_assert(SHUT_RD + 1 == ZS_SHUT_RD && SHUT_WR + 1 == ZS_SHUT_WR &&
		       SHUT_RDWR + 1 == (ZS_SHUT_RD | ZS_SHUT_WR),
	       "how of shutdown() is a mask less one");

/* ---- errors ---- */

int zs_sock_error(const struct zs_sock *sk)
{
	return zs_sock_ep(sk)->error;
}

int zs_sock_take_error(struct zs_sock *sk)
{
	struct zs_ep *ep = zs_sock_ep(sk);
	int error = ep->error;

	ep->error = 0;
	return error;
}
