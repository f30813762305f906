/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Socket addresses as Linux has them, and those of a socket: sockaddr_in, sockaddr_in6 with its
 * scope id, and IPv4 in IPv6 on sockets that do both (RFC 3493 3.7). The scope id of an interface
 * is its index + 1: that of [portN] is N + 1, counted in the order of the configuration.
 */
#include <netinet/in.h>

#include "base/zs_ip6addr.h"
#include "core/zs_route.h"
#include "sock/zs_sock_priv.h"

/* Without the scope id, as RFC 2133 had it: Linux takes that too. */
enum { SIN6_MIN = offsetof(struct sockaddr_in6, sin6_scope_id) };

static void get_ip4(const struct sockaddr *sa, struct zs_name *n)
{
	struct sockaddr_in sin;

	memcpy(&sin, sa, sizeof(sin));
	*n = (struct zs_name){
		.addr = zs_addr_ip4(sin.sin_addr.s_addr),
		.port = ntohs(sin.sin_port),
		.family = ZS_AF_IP4,
	};
}

static int get_ip6(const struct zs_sock *sk, const struct sockaddr *sa, socklen_t len,
		   struct zs_name *n)
{
	struct sockaddr_in6 sin6 = { .sin6_scope_id = 0 };

	memcpy(&sin6, sa, len < sizeof(sin6) ? len : sizeof(sin6));
	*n = (struct zs_name){ .port = ntohs(sin6.sin6_port), .family = ZS_AF_IP6 };
	memcpy(&n->addr, &sin6.sin6_addr, sizeof(n->addr));
	if (zs_ip6_is_mapped(&n->addr)) {
		if (sk->flags & ZS_SF_V6ONLY)
			return -ENETUNREACH;
		n->addr = zs_addr_ip4(zs_ip6_mapped(&n->addr));
		n->family = ZS_AF_IP4;
	} else if (zs_ip6_has_zone(&n->addr)) {
		if (sin6.sin6_scope_id == 0 && sk->kind == ZS_SK_UDP && zs_ip6_is_group(&n->addr))
			sin6.sin6_scope_id = sk->udp->group_nif;
		if (zs_ip6_zone(&n->addr) != 0 || sin6.sin6_scope_id == 0 ||
		    sin6.sin6_scope_id > zs_stack_config(sk->s)->n_netifs)
			return -EINVAL;
		zs_ip6_set_zone(&n->addr, sin6.sin6_scope_id);
	}
	return 0;
}

int zs_sock_addr_get(const struct zs_sock *sk, const struct sockaddr *sa, socklen_t len,
		     struct zs_name *n)
{
	sa_family_t family;
	size_t least = sk->family == AF_INET6 ? (size_t)SIN6_MIN : sizeof(struct sockaddr_in);

	if (sa == NULL || len < sizeof(family) || len > sizeof(struct sockaddr_storage))
		return -EINVAL;
	memcpy(&family, sa, sizeof(family));
	if (len < least)
		return -EINVAL;
	if (family != sk->family)
		return -EAFNOSUPPORT;
	if (family == AF_INET6)
		return get_ip6(sk, sa, len, n);
	get_ip4(sa, n);
	return 0;
}

/* The address of none becomes where the socket is bound, else the loopback address; that of IPv4
 * when it is bound to IPv4, as on Linux. */
static void to_oneself(const struct zs_sock *sk, struct zs_name *n)
{
	static const struct in6_addr loopback6 = IN6ADDR_LOOPBACK_INIT;
	const bool udp = sk->kind == ZS_SK_UDP;
	const struct zs_flow *f = udp ? &sk->udp->flow : zs_tcp_flow(sk->tcb);
	const struct zs_addr bound = udp ? f->laddr : zs_tcp_bound_addr(sk->tcb);

	if (f->family == n->family && !zs_addr_is_any(&bound) && !zs_is_group(f->family, &bound)) {
		n->addr = bound;
		return;
	}
	if (f->family == ZS_AF_IP4 && (udp || sk->flags & ZS_SF_BOUND))
		n->family = ZS_AF_IP4;
	if (n->family == ZS_AF_IP4)
		n->addr = zs_addr_ip4(htonl(INADDR_LOOPBACK));
	else
		memcpy(&n->addr, &loopback6, sizeof(n->addr));
}

/* Datagrams of IPv6 may be sent to IPv4 without more ado. */
static bool is_plain_ip4(const struct zs_sock *sk, const struct sockaddr *sa, socklen_t len)
{
	return sk->kind == ZS_SK_UDP && !(sk->flags & ZS_SF_V6ONLY) && sa != NULL &&
	       len >= sizeof(struct sockaddr_in) && len <= sizeof(struct sockaddr_storage) &&
	       sa->sa_family == AF_INET;
}

int zs_sock_dest_get(const struct zs_sock *sk, const struct sockaddr *sa, socklen_t len,
		     struct zs_name *n)
{
	int rc = 0;

	if (is_plain_ip4(sk, sa, len))
		get_ip4(sa, n);
	else
		rc = zs_sock_addr_get(sk, sa, len, n);
	if (unlikely(rc == 0 && zs_addr_is_any(&n->addr)))
		to_oneself(sk, n);
	return rc;
}

static void put(struct sockaddr *sa, socklen_t *len, const void *from, socklen_t size)
{
	memcpy(sa, from, *len < size ? *len : size);
	*len = size;
}

void zs_sock_addr_put(const struct zs_sock *sk, struct sockaddr *sa, socklen_t *len, uint8_t family,
		      const struct zs_addr *addr, uint16_t port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct sockaddr_in6 sin6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	struct zs_addr bare;

	if (sa == NULL || len == NULL)
		return;
	if (sk->family == AF_INET) {
		sin.sin_addr.s_addr = addr->ip4_be;
		put(sa, len, &sin, sizeof(sin));
		return;
	}
	bare = family == ZS_AF_IP4 ? zs_ip6_map(addr->ip4_be) : zs_ip6_bare(addr);
	memcpy(&sin6.sin6_addr, &bare, sizeof(bare));
	sin6.sin6_scope_id = family == ZS_AF_IP6 ? zs_ip6_zone(addr) : 0;
	put(sa, len, &sin6, sizeof(sin6));
}

/* ---- names ---- */

int zs_sock_name(const struct zs_sock *sk, struct sockaddr *sa, socklen_t *len)
{
	const struct zs_flow *flow;

	switch ((enum zs_sock_kind)sk->kind) {
	case ZS_SK_TCP:
		flow = zs_tcp_flow(sk->tcb);
		zs_sock_addr_put(sk, sa, len, flow->family, &flow->laddr, flow->lport);
		break;
	case ZS_SK_LISTENER:
		zs_sock_addr_put(sk, sa, len, sk->lst->family, &sk->lst->laddr, sk->lst->lport);
		break;
	case ZS_SK_UDP:
		flow = &sk->udp->flow;
		zs_sock_addr_put(sk, sa, len, flow->family, &flow->laddr, flow->lport);
		break;
	}
	return 0;
}

int zs_sock_peer(const struct zs_sock *sk, struct sockaddr *sa, socklen_t *len)
{
	const struct zs_flow *flow;
	enum zs_tcp_state st;

	switch ((enum zs_sock_kind)sk->kind) {
	case ZS_SK_LISTENER:
		return -ENOTCONN;
	case ZS_SK_TCP:
		st = zs_tcp_state(sk->tcb);
		if (st == ZS_CLOSED || st == ZS_SYN_SENT || st == ZS_TIME_WAIT)
			return -ENOTCONN;
		flow = zs_tcp_flow(sk->tcb);
		break;
	case ZS_SK_UDP:
	default:
		flow = &sk->udp->flow;
		break;
	}
	if (flow->fport == 0)
		return -ENOTCONN;
	zs_sock_addr_put(sk, sa, len, flow->family, &flow->faddr, flow->fport);
	return 0;
}

/* ---- families ---- */

/* Sockets that do both start as IPv6, and become what their first address is. */
static bool dual(const struct zs_sock *sk)
{
	return sk->family == AF_INET6 && !(sk->flags & ZS_SF_V6ONLY);
}

uint8_t zs_sock_flow_family(const struct zs_sock *sk)
{
	return sk->kind == ZS_SK_UDP ? sk->udp->flow.family : zs_tcp_flow(sk->tcb)->family;
}

int zs_sock_set_family(struct zs_sock *sk, uint8_t family)
{
	const struct zs_flow *f = sk->kind == ZS_SK_UDP ? &sk->udp->flow : zs_tcp_flow(sk->tcb);
	bool both = dual(sk) && family == ZS_AF_IP6;

	if (f->family == family && f->lport != 0)
		return 0;
	if (f->family != family && (!dual(sk) || !zs_addr_is_any(&f->laddr)))
		return -EINVAL;
	if (sk->kind == ZS_SK_UDP) {
		sk->udp->flow.family = family;
		sk->udp->dual = both;
	} else {
		zs_tcp_set_family(sk->tcb, family, both);
	}
	return 0;
}
