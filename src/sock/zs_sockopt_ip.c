/* SPDX-License-Identifier: BSD-3-Clause */
/* Options of IPPROTO_IP. */
#include <netinet/in.h>

#include "sock/zs_sockopt.h"

int zs_opt_ip_set(struct zs_sock *sk, int name, const void *val, socklen_t len)
{
	int rc = zs_opt_group4_set(sk, name, val, len), v;

	if (rc != -ENOPROTOOPT)
		return rc;

	/* Linux takes these as a byte as well */
	if (len >= sizeof(v))
		memcpy(&v, val, sizeof(v));
	else if (len >= 1)
		v = *(const uint8_t *)val;
	else
		return -EINVAL;
	switch (name) {
	case IP_TOS:
		*zs_opt_tos_of(sk) = zs_opt_tos(sk, v);
		return zs_opt_changed(sk);
	case IP_TTL:
		if (v != -1 && (v < 1 || v > 255))
			return -EINVAL;
		return zs_opt_ttl_set(sk, v);
	case IP_BIND_ADDRESS_NO_PORT:
		zs_opt_flag(sk, ZS_SF_BIND_NO_PORT, v != 0);
		return 0;
	case IP_MTU_DISCOVER:
		return zs_opt_mtu_discover(sk, v);
	case IP_FREEBIND:
		return zs_opt_freebind(sk, v != 0);
	case IP_RECVERR:
		return zs_opt_recverr_set(sk, IPPROTO_IP, v != 0);
	default:
		return zs_opt_recv_set(sk, IPPROTO_IP, name, v);
	}
}

int zs_opt_ip_get(const struct zs_sock *sk, int name, void *val, socklen_t *len)
{
	switch (name) {
	case IP_TOS:
		return zs_opt_put_int(val, len, *zs_opt_tos_of(sk));
	case IP_TTL:
		return zs_opt_put_int(val, len, zs_opt_ttl(sk));
	case IP_BIND_ADDRESS_NO_PORT:
		return zs_opt_put_int(val, len, (sk->flags & ZS_SF_BIND_NO_PORT) != 0);
	case IP_MTU_DISCOVER:
		return zs_opt_put_int(val, len, (int)sk->mtu_discover);
	case IP_FREEBIND:
		return zs_opt_put_int(val, len, zs_opt_freebound(sk));
	case IP_RECVERR:
		return zs_opt_put_int(val, len, zs_opt_recverr_get(sk, IPPROTO_IP));
	case IP_MTU:
		return zs_opt_mtu_get(sk, val, len);
	default:
		if (zs_opt_recv_get(sk, IPPROTO_IP, name, val, len) == 0)
			return 0;
		return zs_opt_group4_get(sk, name, val, len);
	}
}
