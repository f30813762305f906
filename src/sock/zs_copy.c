/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sockets that every stack of a process may have, each its own: what waits at an address of its own
 * for whoever comes. Connections and their like are one stack's.
 */
#include "sock/zs_sock_priv.h"

bool zs_sock_copyable(const struct zs_sock *sk)
{
	return sk->kind == ZS_SK_LISTENER || (sk->kind == ZS_SK_UDP && (sk->flags & ZS_SF_BOUND));
}

static int listen_too(struct zs_sock *sk, const struct zs_listener *from)
{
	int rc;

	*zs_tcp_opts(sk->tcb) = from->opts;
	zs_tcp_set_tfo_qlen(sk->tcb, from->tfo_qlen);
	if (from->has_tfo_key)
		zs_tcp_set_tfo_key(sk->tcb, from->tfo_key);
	zs_tcp_set_family(sk->tcb, from->family, from->dual);
	rc = zs_tcp_bind(sk->s, sk->tcb, &from->laddr, from->lport);
	return rc < 0 ? rc : zs_sock_listen(sk, (int)from->backlog - 1);
}

static int bind_too(struct zs_sock *sk, const struct zs_stack *from_s, const struct zs_udp *from)
{
	const struct zs_addr any = { .q = { 0, 0 } };
	struct zs_addr laddr = from->laddr_by_connect ? any : from->flow.laddr;
	struct zs_udp *u = sk->udp;
	int rc;

	u->reuseaddr = from->reuseaddr;
	u->reuseport = from->reuseport;
	u->broadcast = from->broadcast;
	u->freebind = from->freebind;
	u->keepalive = from->keepalive;
	u->rcvbuf = from->rcvbuf;
	u->ttl = from->ttl;
	u->tos = from->tos;
	u->recv = from->recv;
	u->recverr = from->recverr;
	u->recverr6 = from->recverr6;
	u->gro = from->gro;
	u->segment = from->segment;
	u->stamps = from->stamps;
	u->stamp_flags = from->stamp_flags;
	u->mtu_discover = from->mtu_discover;
	u->group_ttl = from->group_ttl;
	u->group_nif = from->group_nif;
	u->group_loop = from->group_loop;
	u->group_all = from->group_all;
	u->group6_all = from->group6_all;
	u->flow.family = from->flow.family;
	u->dual = from->dual;
	rc = zs_udp_bind(sk->s, u, &laddr, from->flow.lport);
	if (rc == 0 && from->flow.fport != 0)
		rc = zs_udp_connect(sk->s, u, &from->flow.faddr, from->flow.fport);
	return rc < 0 ? rc : zs_udp_join_too(from_s, from, sk->s, u);
}

int zs_sock_copy(const struct zs_sock *from, struct zs_stack *s, struct zs_sock **out)
{
	bool udp = from->kind == ZS_SK_UDP;
	struct zs_sock *sk;
	int rc = zs_sock_create(s, from->family, udp ? SOCK_DGRAM : SOCK_STREAM, 0, &sk);

	if (rc < 0)
		return rc;
	rc = udp ? bind_too(sk, from->s, from->udp) : listen_too(sk, from->lst);
	if (rc < 0) {
		(void)zs_sock_close(sk); /* nobody is connected */
		return rc;
	}
	sk->flags = from->flags;
	sk->linger_s = from->linger_s;
	sk->rcvlowat = from->rcvlowat;
	sk->rcvtimeo_ms = from->rcvtimeo_ms;
	sk->sndtimeo_ms = from->sndtimeo_ms;
	sk->priority = from->priority;
	sk->mtu_discover = from->mtu_discover;
	sk->bound_port = from->bound_port;
	sk->bound_ip4 = from->bound_ip4;
	*out = sk;
	return 0;
}
