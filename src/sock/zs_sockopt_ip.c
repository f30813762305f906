/* SPDX-License-Identifier: BSD-3-Clause */
/* Options of IPPROTO_IP. */
#include <netinet/in.h>

#include "sock/zs_sockopt.h"

static uint8_t *ip_byte(const struct zs_sock *sk, int name)
{
	struct zs_tcp_opts *o = zs_opt_tcp(sk);

	switch (name) {
	case IP_TOS:
		return o != NULL ? &o->tos : &sk->udp->tos;
	case IP_TTL:
		return o != NULL ? &o->ttl : &sk->udp->ttl;
	default:
		return NULL;
	}
}

int zs_opt_ip_set(struct zs_sock *sk, int name, const void *val, socklen_t len)
{
	uint8_t *field = ip_byte(sk, name);
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
		*field = zs_opt_tos(sk, v);
		return zs_opt_changed(sk);
	case IP_TTL:
		if (v != -1 && (v < 1 || v > 255))
			return -EINVAL;
		*field = v == -1 ? zs_stack_config(sk->s)->ttl : (uint8_t)v;
		return zs_opt_changed(sk);
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
	const uint8_t *field = ip_byte(sk, name);

	if (field != NULL)
		return zs_opt_put_int(val, len,
				      *field == 0 && name == IP_TTL ? zs_stack_config(sk->s)->ttl
								    : *field);
	switch (name) {
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
