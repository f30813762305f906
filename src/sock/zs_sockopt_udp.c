/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Options of IPPROTO_UDP, and those of other levels that are about datagrams: when they came, what
 * became of them, what fits their path.
 */
#include <netinet/in.h>
#include <netinet/udp.h>

#include "sock/zs_sockopt.h"

static int set_segment(struct zs_udp *u, int v)
{
	if (v < 0 || v > UINT16_MAX)
		return -EINVAL;
	u->segment = (uint16_t)v;
	return 0;
}

static int set_gro(struct zs_udp *u, bool on)
{
	u->gro = on;
	u->recv = (uint16_t)((u->recv & ~ZS_RECV_GRO) | (on ? ZS_RECV_GRO : 0));
	return 0;
}

int zs_opt_udp_set(struct zs_sock *sk, int name, const void *val, socklen_t len)
{
	int v, rc;

	if (sk->kind != ZS_SK_UDP || (name != UDP_SEGMENT && name != UDP_GRO))
		return -ENOPROTOOPT;
	rc = zs_opt_int(val, len, &v);
	if (rc < 0)
		return rc;
	return name == UDP_GRO ? set_gro(sk->udp, v != 0) : set_segment(sk->udp, v);
}

int zs_opt_udp_get(const struct zs_sock *sk, int name, void *val, socklen_t *len)
{
	if (sk->kind != ZS_SK_UDP || (name != UDP_SEGMENT && name != UDP_GRO))
		return -ENOPROTOOPT;
	return zs_opt_put_int(val, len, name == UDP_GRO ? sk->udp->gro : sk->udp->segment);
}

/* The one turns the other off, as on Linux. A stream does not know when each byte came. */
int zs_opt_time_set(struct zs_sock *sk, int name, bool on)
{
	const uint16_t both = ZS_RECV_TIME | ZS_RECV_TIMENS;

	if (sk->kind != ZS_SK_UDP)
		return -ENOPROTOOPT;
	sk->udp->recv &= (uint16_t)~both;
	if (on)
		sk->udp->recv |= name == SO_TIMESTAMP ? ZS_RECV_TIME : ZS_RECV_TIMENS;
	return 0;
}

int zs_opt_time_get(const struct zs_sock *sk, int name)
{
	uint16_t bit = name == SO_TIMESTAMP ? ZS_RECV_TIME : ZS_RECV_TIMENS;

	return sk->kind == ZS_SK_UDP && (sk->udp->recv & bit) != 0;
}

/* Of a stream no error is queued. */
static int tcp_recverr_set(struct zs_tcp_opts *o, int level, bool on)
{
	if (level == IPPROTO_IP)
		o->recverr = on;
	else
		o->recverr6 = on;
	return 0;
}

int zs_opt_recverr_set(struct zs_sock *sk, int level, bool on)
{
	struct zs_udp *u = sk->udp;

	if (sk->kind != ZS_SK_UDP)
		return tcp_recverr_set(zs_opt_tcp(sk), level, on);
	*(level == IPPROTO_IP ? &u->recverr : &u->recverr6) = on;
	if (!on)
		zs_udp_errors_clear(sk->s, u);
	return 0;
}

int zs_opt_recverr_get(const struct zs_sock *sk, int level)
{
	const struct zs_tcp_opts *o = zs_opt_tcp(sk);

	if (o != NULL)
		return level == IPPROTO_IP ? o->recverr : o->recverr6;
	return level == IPPROTO_IP ? sk->udp->recverr : sk->udp->recverr6;
}

static uint16_t tcp_mtu(const struct zs_sock *sk)
{
	struct zs_tcp_info info = { .pmtu = 0 };

	if (sk->kind == ZS_SK_TCP && zs_tcp_state(sk->tcb) != ZS_CLOSED)
		zs_tcp_get_info(sk->s, sk->tcb, &info);
	return info.pmtu;
}

int zs_opt_mtu_get(const struct zs_sock *sk, void *val, socklen_t *len)
{
	uint16_t mtu = sk->kind == ZS_SK_UDP ? zs_udp_path_mtu(sk->s, sk->udp) : tcp_mtu(sk);

	return mtu == 0 ? -ENOTCONN : zs_opt_put_int(val, len, mtu);
}
