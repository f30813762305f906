/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Socket options with Linux' numbers, structs and ranges, a file for each level
 * (zs_sockopt_*.c); what none of them knows is -ENOPROTOOPT.
 */
#include <limits.h>
#include <netinet/in.h>

#include "sock/zs_sockopt.h"

int zs_sock_setopt(struct zs_sock *sk, int level, int name, const void *val, socklen_t len)
{
	if (len > INT_MAX)
		return -EINVAL;
	if (val == NULL)
		return -EFAULT;
	switch (level) {
	case SOL_SOCKET:
		return zs_opt_socket_set(sk, name, val, len);
	case IPPROTO_TCP:
		return zs_opt_tcp_set(sk, name, val, len);
	case IPPROTO_IP:
		return zs_opt_ip_set(sk, name, val, len);
	case IPPROTO_IPV6:
		return zs_opt_ip6_set(sk, name, val, len);
	case IPPROTO_UDP:
		return zs_opt_udp_set(sk, name, val, len);
	default:
		return -ENOPROTOOPT;
	}
}

int zs_sock_getopt(struct zs_sock *sk, int level, int name, void *val, socklen_t *len)
{
	if (val == NULL || len == NULL)
		return -EFAULT;
	if (*len > INT_MAX)
		return -EINVAL;
	switch (level) {
	case SOL_SOCKET:
		return zs_opt_socket_get(sk, name, val, len);
	case IPPROTO_TCP:
		return zs_opt_tcp_get(sk, name, val, len);
	case IPPROTO_IP:
		return zs_opt_ip_get(sk, name, val, len);
	case IPPROTO_IPV6:
		return zs_opt_ip6_get(sk, name, val, len);
	case IPPROTO_UDP:
		return zs_opt_udp_get(sk, name, val, len);
	default:
		return -ENOPROTOOPT;
	}
}
