/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The application's say in where its connections come from: a function for all stacks of a process,
 * asked before a socket without an address connects.
 */
#include <arpa/inet.h>
#include <string.h>

#include "ff_api.h"

#include "api/zs_laddr.h"
#include "base/zs_api.h"
#include "core/zs_udp.h"

static pcblddr_func_t chooser; /* written by the application's threads; NULL: nobody asks */

ZS_API void ff_regist_pcblddr_fun(pcblddr_func_t func)
{
	__atomic_store_n(&chooser, func, __ATOMIC_RELAXED);
}

static bool has_no_address(const struct zs_sock *sk)
{
	if (sk->flags & (ZS_SF_BOUND | ZS_SF_CONNECTING))
		return false;
	return sk->kind == ZS_SK_UDP ? sk->udp->flow.fport == 0 : sk->kind == ZS_SK_TCP;
}

/* The port is connect()'s to choose, when it knows the peer. */
static int bind_to(struct zs_sock *sk, const void *name, socklen_t len)
{
	bool was = sk->flags & ZS_SF_BIND_NO_PORT;
	int rc;

	sk->flags |= ZS_SF_BIND_NO_PORT;
	rc = zs_sock_bind(sk, name, len);
	if (!was)
		sk->flags &= (uint16_t)~ZS_SF_BIND_NO_PORT;
	return rc;
}

static int choose_ip4(struct zs_sock *sk, pcblddr_func_t fn, const struct sockaddr *to)
{
	struct sockaddr_in dst, src = { .sin_family = AF_INET };

	memcpy(&dst, to, sizeof(dst));
	if (fn(AF_INET, &dst.sin_addr, dst.sin_port, &src.sin_addr) != 0 ||
	    src.sin_addr.s_addr == 0)
		return 0;
	return bind_to(sk, &src, sizeof(src));
}

static int choose_ip6(struct zs_sock *sk, pcblddr_func_t fn, const struct sockaddr *to)
{
	struct sockaddr_in6 dst, src = { .sin6_family = AF_INET6 };

	memcpy(&dst, to, sizeof(dst));
	if (fn(AF_INET6, &dst.sin6_addr, dst.sin6_port, &src.sin6_addr) != 0 ||
	    IN6_IS_ADDR_UNSPECIFIED(&src.sin6_addr))
		return 0;
	src.sin6_scope_id = dst.sin6_scope_id;
	return bind_to(sk, &src, sizeof(src));
}

int zs_laddr_choose(struct zs_sock *sk, const struct sockaddr *to, socklen_t len)
{
	pcblddr_func_t fn = __atomic_load_n(&chooser, __ATOMIC_RELAXED);
	sa_family_t family;

	if (fn == NULL || !has_no_address(sk) || to == NULL || len < sizeof(struct sockaddr_in))
		return 0;
	memcpy(&family, to, sizeof(family));
	if (family != sk->family)
		return 0;
	if (family == AF_INET)
		return choose_ip4(sk, fn, to);
	return len < sizeof(struct sockaddr_in6) ? 0 : choose_ip6(sk, fn, to);
}
