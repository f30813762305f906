/* SPDX-License-Identifier: BSD-3-Clause */
/* Options of IPPROTO_IPV6 (RFC 3493 5, RFC 3542): hop limit and traffic class share their place
 * with IPv4's TTL and TOS, for a socket may be used for either. */
#include <netinet/in.h>

#include "sock/zs_sockopt.h"

/* Before bind: afterwards it is decided who gets what. */
static int set_v6only(struct zs_sock *sk, bool on)
{
	bool bound = sk->kind == ZS_SK_UDP	  ? sk->udp->flow.lport != 0
		     : sk->kind == ZS_SK_LISTENER ? true
						  : zs_tcp_flow(sk->tcb)->lport != 0;

	if (bound)
		return -EINVAL;
	zs_opt_flag(sk, ZS_SF_V6ONLY, on);
	return zs_sock_set_family(sk, ZS_AF_IP6);
}

int zs_opt_ip6_set(struct zs_sock *sk, int name, const void *val, socklen_t len)
{
	int v, rc;

	if (sk->family != AF_INET6)
		return -ENOPROTOOPT;
	rc = zs_opt_group6_set(sk, name, val, len);
	if (rc != -ENOPROTOOPT)
		return rc;
	rc = zs_opt_int(val, len, &v);
	if (rc < 0)
		return rc;
	switch (name) {
	case IPV6_V6ONLY:
		return set_v6only(sk, v != 0);
	case IPV6_MTU_DISCOVER:
		return zs_opt_mtu_discover(sk, v);
	case IPV6_FREEBIND:
		return zs_opt_freebind(sk, v != 0);
	case IPV6_RECVERR:
		return zs_opt_recverr_set(sk, IPPROTO_IPV6, v != 0);
	case IPV6_TCLASS:
		if (v < -1 || v > 255)
			return -EINVAL;
		*zs_opt_tos_of(sk) = zs_opt_tos(sk, v == -1 ? 0 : v);
		return zs_opt_changed(sk);
	case IPV6_UNICAST_HOPS:
		if (v < -1 || v > 255)
			return -EINVAL;
		return zs_opt_ttl_set(sk, v);
	default:
		return zs_opt_recv_set(sk, IPPROTO_IPV6, name, v);
	}
}

int zs_opt_ip6_get(const struct zs_sock *sk, int name, void *val, socklen_t *len)
{
	if (sk->family != AF_INET6)
		return -ENOPROTOOPT;
	if (name == IPV6_V6ONLY)
		return zs_opt_put_int(val, len, (sk->flags & ZS_SF_V6ONLY) != 0);
	if (name == IPV6_MTU_DISCOVER)
		return zs_opt_put_int(val, len, (int)sk->mtu_discover);
	if (name == IPV6_FREEBIND)
		return zs_opt_put_int(val, len, zs_opt_freebound(sk));
	if (name == IPV6_RECVERR)
		return zs_opt_put_int(val, len, zs_opt_recverr_get(sk, IPPROTO_IPV6));
	if (name == IPV6_MTU)
		return zs_opt_mtu_get(sk, val, len);
	if (name == IPV6_TCLASS)
		return zs_opt_put_int(val, len, *zs_opt_tos_of(sk));
	if (name == IPV6_UNICAST_HOPS)
		return zs_opt_put_int(val, len, zs_opt_ttl(sk));
	if (zs_opt_recv_get(sk, IPPROTO_IPV6, name, val, len) == 0)
		return 0;
	return zs_opt_group6_get(sk, name, val, len);
}
