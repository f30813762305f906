/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * SO_TIMESTAMPING, in Linux' layout: when a datagram came, and when what was written went out, or
 * was acknowledged, on the error queue. All times are the stack's, none is a device's: of what is
 * sent, that of the turn that gives it to the device. What was written is not quoted.
 */
#include <sys/time.h> /* before errqueue.h, which needs it */

#include <linux/errqueue.h>
#include <linux/net_tstamp.h>

#include "sock/zs_sockopt.h"

_Static_assert((int)ZS_STAMP_SENT == SCM_TSTAMP_SND && (int)ZS_STAMP_QUEUED == SCM_TSTAMP_SCHED &&
		       (int)ZS_STAMP_ACKED == SCM_TSTAMP_ACK,
	       "told as they are");

/* What the flags ask for of what is sent: 1 << enum zs_stamp_of. */
static unsigned wants(uint32_t flags)
{
	return (flags & SOF_TIMESTAMPING_TX_SOFTWARE ? 1u << ZS_STAMP_SENT : 0) |
	       (flags & SOF_TIMESTAMPING_TX_SCHED ? 1u << ZS_STAMP_QUEUED : 0) |
	       (flags & SOF_TIMESTAMPING_TX_ACK ? 1u << ZS_STAMP_ACKED : 0);
}

static int set_tcp(struct zs_sock *sk, uint32_t flags)
{
	/* of what is not connected the number of a byte means nothing */
	if (flags & SOF_TIMESTAMPING_OPT_ID && zs_tcp_state(sk->tcb) == ZS_CLOSED)
		return -EINVAL;
	zs_opt_flag(sk, ZS_SF_STAMPS, flags != 0);
	return zs_tcp_stamps(sk->s, sk->tcb, wants(flags), flags);
}

static void set_udp(struct zs_udp *u, uint32_t flags)
{
	bool come = flags & SOF_TIMESTAMPING_RX_SOFTWARE && flags & SOF_TIMESTAMPING_SOFTWARE;

	if (flags & SOF_TIMESTAMPING_OPT_ID && !(u->stamp_flags & SOF_TIMESTAMPING_OPT_ID))
		u->stamp_next = 0;
	u->stamp_flags = flags;
	u->stamps = (uint8_t)(wants(flags) & ~(1u << ZS_STAMP_ACKED));
	u->recv = (uint16_t)((u->recv & ~ZS_RECV_STAMP) | (come ? ZS_RECV_STAMP : 0));
}

int zs_opt_stamp_set(struct zs_sock *sk, int v)
{
	if (v & ~SOF_TIMESTAMPING_MASK)
		return -EINVAL;
	if (v & SOF_TIMESTAMPING_BIND_PHC)
		return -EOPNOTSUPP;
	switch ((enum zs_sock_kind)sk->kind) {
	case ZS_SK_TCP:
		return set_tcp(sk, (uint32_t)v);
	case ZS_SK_UDP:
		zs_opt_flag(sk, ZS_SF_STAMPS, v != 0);
		set_udp(sk->udp, (uint32_t)v);
		return 0;
	case ZS_SK_LISTENER:
		return -EINVAL; /* nothing is sent by it, and what it accepts asks for itself */
	}
	__builtin_unreachable();
}

/* struct so_timestamping, whose second number is of a device's clock. */
int zs_opt_stamp_get(const struct zs_sock *sk, void *val, socklen_t *len)
{
	const uint32_t v[2] = {
		sk->kind == ZS_SK_UDP	? sk->udp->stamp_flags
		: sk->kind == ZS_SK_TCP ? zs_tcp_stamps_word(sk->tcb)
					: 0,
	};

	return zs_opt_put(val, len, v, sizeof(v));
}

void zs_sock_put_stamp(const struct zs_sock *sk, uint32_t at_us, struct msghdr *msg, size_t *used)
{
	struct scm_timestamping t = { .ts = { { 0 } } }; /* the others are of devices */
	struct timespec ts = zs_sock_wall_time(sk, at_us);

	memcpy(&t.ts[0], &ts, sizeof(ts));
	zs_cmsg_put(msg, used, SOL_SOCKET, SCM_TIMESTAMPING, &t, sizeof(t));
}

/* A report of the error queue: the time, and what it is of. */
static void put_report(const struct zs_sock *sk, uint32_t flags, const struct zs_stamp *st,
		       struct msghdr *msg)
{
	bool ip4 = sk->family == AF_INET;
	struct {
		struct sock_extended_err err;
		struct sockaddr_in6 offender; /* of nobody */
	} r = {
		.err = {
			.ee_errno = ENOMSG,
			.ee_origin = SO_EE_ORIGIN_TIMESTAMPING,
			.ee_info = st->of,
			.ee_data = flags & SOF_TIMESTAMPING_OPT_ID ? st->byte : 0,
		},
	};
	size_t len = sizeof(r.err) + (ip4 ? sizeof(struct sockaddr_in) : sizeof(r.offender));
	size_t used = 0;

	msg->msg_flags = 0;
	if (flags & SOF_TIMESTAMPING_SOFTWARE)
		zs_sock_put_stamp(sk, st->at_us, msg, &used);
	zs_cmsg_put(msg, &used, ip4 ? IPPROTO_IP : IPPROTO_IPV6, ip4 ? IP_RECVERR : IPV6_RECVERR,
		    &r, len);
	msg->msg_controllen = used;
	msg->msg_flags |= MSG_ERRQUEUE;
	if (!(flags & SOF_TIMESTAMPING_OPT_TSONLY))
		msg->msg_flags |= MSG_TRUNC; /* what was sent would be here */
}

bool zs_sock_stamp_waits(const struct zs_sock *sk)
{
	return sk->flags & ZS_SF_STAMPS && sk->kind == ZS_SK_TCP && zs_tcp_stamp(sk->tcb) != NULL;
}

void zs_sock_stamp_report(struct zs_sock *sk, struct msghdr *msg)
{
	if (msg->msg_name != NULL)
		msg->msg_namelen = 0;
	put_report(sk, zs_tcp_stamps_word(sk->tcb), zs_tcp_stamp(sk->tcb), msg);
	zs_tcp_stamp_done(sk->tcb);
}

void zs_sock_stamp_of(const struct zs_sock *sk, const struct zs_udp_error *e, struct msghdr *msg)
{
	const struct zs_stamp st = { .at_us = e->at_us, .byte = e->which, .of = (uint8_t)e->info };

	put_report(sk, sk->udp->stamp_flags, &st, msg);
}
