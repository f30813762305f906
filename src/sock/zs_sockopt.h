/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of socket options share: a file per level, and helpers to get values in and out.
 */
#ifndef ZS_SOCKOPT_H
#define ZS_SOCKOPT_H

#include <netinet/in.h>

#include "sock/zs_sock_priv.h"

int zs_opt_socket_set(struct zs_sock *sk, int name, const void *val, socklen_t len);
int zs_opt_socket_get(struct zs_sock *sk, int name, void *val, socklen_t *len);
int zs_opt_tcp_set(struct zs_sock *sk, int name, const void *val, socklen_t len);
int zs_opt_tcp_get(struct zs_sock *sk, int name, void *val, socklen_t *len);
int zs_opt_ip_set(struct zs_sock *sk, int name, const void *val, socklen_t len);
int zs_opt_ip_get(const struct zs_sock *sk, int name, void *val, socklen_t *len);
int zs_opt_ip6_set(struct zs_sock *sk, int name, const void *val, socklen_t len);
int zs_opt_ip6_get(const struct zs_sock *sk, int name, void *val, socklen_t *len);
int zs_opt_udp_set(struct zs_sock *sk, int name, const void *val, socklen_t len);
int zs_opt_udp_get(const struct zs_sock *sk, int name, void *val, socklen_t *len);
/* SO_TIMESTAMP and SO_TIMESTAMPNS; SO_TIMESTAMPING; IP_RECVERR and IPV6_RECVERR; IP_MTU and
 * IPV6_MTU. */
int zs_opt_time_set(struct zs_sock *sk, int name, bool on);
int zs_opt_time_get(const struct zs_sock *sk, int name);
int zs_opt_stamp_set(struct zs_sock *sk, int v);
int zs_opt_stamp_get(const struct zs_sock *sk, void *val, socklen_t *len);
int zs_opt_recverr_set(struct zs_sock *sk, int level, bool on);
int zs_opt_recverr_get(const struct zs_sock *sk, int level);
int zs_opt_mtu_get(const struct zs_sock *sk, void *val, socklen_t *len);
/* Groups (zs_sockopt_group.c); and what recvmsg() tells of a datagram (zs_cmsg.c). -ENOPROTOOPT: it
 * is none of these. */
int zs_opt_group4_set(struct zs_sock *sk, int name, const void *val, socklen_t len);
int zs_opt_group4_get(const struct zs_sock *sk, int name, void *val, socklen_t *len);
int zs_opt_group6_set(struct zs_sock *sk, int name, const void *val, socklen_t len);
int zs_opt_group6_get(const struct zs_sock *sk, int name, void *val, socklen_t *len);
int zs_opt_recv_set(struct zs_sock *sk, int level, int name, int v);
int zs_opt_recv_get(const struct zs_sock *sk, int level, int name, void *val, socklen_t *len);
/* TCP_CC_INFO, TCP_INFO (zs_tcpinfo.c). */
int zs_opt_cc_info(const struct zs_sock *sk, void *val, socklen_t *len);
int zs_opt_tcp_info(const struct zs_sock *sk, void *val, socklen_t *len);

/* The options of the connection or of those to be accepted; NULL for a datagram socket. */
static inline struct zs_tcp_opts *zs_opt_tcp(const struct zs_sock *sk)
{
	switch ((enum zs_sock_kind)sk->kind) {
	case ZS_SK_TCP:
		return zs_tcp_opts(sk->tcb);
	case ZS_SK_LISTENER:
		return &sk->lst->opts;
	case ZS_SK_UDP:
		return NULL;
	}
	__builtin_unreachable();
}

/* What recvmsg() is to tell of a datagram, enum zs_recv; a stream has no such messages, and keeps
 * it, as on Linux. */
static inline uint16_t *zs_opt_recv(const struct zs_sock *sk)
{
	return sk->kind == ZS_SK_UDP ? &sk->udp->recv : &zs_opt_tcp(sk)->recv;
}

static inline int zs_opt_changed(struct zs_sock *sk)
{
	if (sk->kind == ZS_SK_TCP)
		zs_tcp_opts_changed(sk->s, sk->tcb);
	return 0;
}

static inline void zs_opt_flag(struct zs_sock *sk, uint16_t flag, bool on)
{
	if (on)
		sk->flags |= flag;
	else
		sk->flags &= (uint16_t)~flag;
}

/* Type of service or traffic class; the ECN field is TCP's own (RFC 3168), as on Linux. */
static inline uint8_t zs_opt_tos(const struct zs_sock *sk, int v)
{
	return (uint8_t)(sk->kind == ZS_SK_UDP ? v : v & ~3);
}

/* TTL or hop limit; -1: the usual one. */
static inline int zs_opt_ttl_set(struct zs_sock *sk, int v)
{
	const uint8_t usual = zs_stack_config(sk->s)->ttl;

	if (sk->kind == ZS_SK_UDP)
		sk->udp->ttl = (int16_t)(v == -1 && sk->family == AF_INET ? usual : v);
	else
		zs_opt_tcp(sk)->ttl = v == -1 ? usual : (uint8_t)v;
	return zs_opt_changed(sk);
}

static inline int zs_opt_ttl(const struct zs_sock *sk)
{
	int v = sk->kind == ZS_SK_UDP ? sk->udp->ttl : zs_opt_tcp(sk)->ttl;

	return v < 0 ? zs_stack_config(sk->s)->ttl : v;
}

static inline uint8_t *zs_opt_tos_of(const struct zs_sock *sk)
{
	return sk->kind == ZS_SK_UDP ? &sk->udp->tos : &zs_opt_tcp(sk)->tos;
}

/* IP_MTU_DISCOVER of either family: for a stream path MTU discovery is always on, whatever is
 * chosen. */
static inline int zs_opt_mtu_discover(struct zs_sock *sk, int v)
{
	if (v < IP_PMTUDISC_DONT || v > IP_PMTUDISC_OMIT)
		return -EINVAL;
	sk->mtu_discover = (uint8_t)v;
	if (sk->kind == ZS_SK_UDP)
		sk->udp->mtu_discover = (uint8_t)v;
	return 0;
}

/* IP_FREEBIND of either family. */
static inline int zs_opt_freebind(struct zs_sock *sk, bool on)
{
	if (sk->kind == ZS_SK_UDP)
		sk->udp->freebind = on;
	else
		zs_opt_tcp(sk)->freebind = on;
	return 0;
}

static inline int zs_opt_freebound(const struct zs_sock *sk)
{
	return sk->kind == ZS_SK_UDP ? sk->udp->freebind : zs_opt_tcp(sk)->freebind;
}

static inline int zs_opt_int(const void *val, socklen_t len, int *out)
{
	if (len < sizeof(*out))
		return -EINVAL;
	memcpy(out, val, sizeof(*out));
	return 0;
}

/* As much of the value as the caller has room for. */
static inline int zs_opt_put(void *val, socklen_t *len, const void *from, size_t size)
{
	if (*len > size)
		*len = (socklen_t)size;
	memcpy(val, from, *len);
	return 0;
}

static inline int zs_opt_put_int(void *val, socklen_t *len, int v)
{
	return zs_opt_put(val, len, &v, sizeof(v));
}

#endif
