/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of this folder share: the endpoint of a socket, addresses, and what an idle or
 * ended socket answers. */
#ifndef ZS_SOCK_PRIV_H
#define ZS_SOCK_PRIV_H

#include <errno.h>

#include "core/tcp/zs_tcp.h"
#include "core/zs_udp.h"
#include "sock/zs_sock.h"

/* Largest payload of a datagram of the socket's, wherever it goes. */
static inline uint32_t zs_sock_dgram_max(const struct zs_sock *sk)
{
	return zs_udp_max(sk->family == AF_INET ? ZS_AF_IP4 : ZS_AF_IP6);
}

static inline struct zs_ep *zs_sock_ep(const struct zs_sock *sk)
{
	switch ((enum zs_sock_kind)sk->kind) {
	case ZS_SK_TCP:
		return zs_tcp_ep(sk->tcb);
	case ZS_SK_LISTENER:
		return &sk->lst->ep;
	case ZS_SK_UDP:
		return &sk->udp->ep;
	}
	__builtin_unreachable();
}

/* The connection is over, or the attempt failed; false for a socket that never connected. */
static inline bool zs_sock_ended(const struct zs_sock *sk)
{
	return zs_tcp_state(sk->tcb) == ZS_CLOSED &&
	       (sk->flags & (ZS_SF_CONNECTING | ZS_SF_CONNECTED)) != 0;
}

/* struct zs_udp.recv: what recvmsg() tells of a datagram, by the socket options' names. */
enum zs_recv {
	ZS_RECV_PKTINFO = 0x01,
	ZS_RECV_DST = 0x02,
	ZS_RECV_TTL = 0x04,
	ZS_RECV_TOS = 0x08,
	ZS_RECV_PKTINFO6 = 0x10,
	ZS_RECV_DST6 = 0x20,
	ZS_RECV_HOPS = 0x40,
	ZS_RECV_TCLASS = 0x80,
	ZS_RECV_TIME = 0x100,
	ZS_RECV_TIMENS = 0x200,
	ZS_RECV_STAMP = 0x400,
	ZS_RECV_GRO = 0x800,
	ZS_RECV_DROPS = 0x1000,
};

/* Control messages of sendmsg(): how the datagram is to be sent. -EINVAL, -ENODEV. */
int zs_cmsg_read(const struct zs_sock *sk, const struct msghdr *msg, struct zs_udp_how *how);
/* zs_sock_give() of a datagram; how may be NULL. */
ssize_t zs_sock_give_dgram(struct zs_sock *sk, struct rte_mbuf *m, const struct sockaddr *to,
			   socklen_t to_len, const struct zs_udp_how *how);

/* Appends a control message to the `used` bytes of msg (zs_cmsg.c); what has no room is cut, and
 * MSG_CTRUNC says so. */
void zs_cmsg_put(struct msghdr *msg, size_t *used, int level, int type, const void *data,
		 size_t len);
/* TTL and type of service of a packet of `family`, as far as the socket, of datagrams, wants them.
 */
void zs_cmsg_put_hops(const struct zs_sock *sk, uint8_t family, uint8_t ttl, uint8_t tos,
		      struct msghdr *msg, size_t *used);

/* The oldest of what happened to datagrams (zs_udperrq.c): bytes quoted, or -EAGAIN. */
ssize_t zs_sock_udp_errqueue(struct zs_sock *sk, struct msghdr *msg);

/* By the clock on the wall, of which the low bits of the stack's clock were kept. */
struct timespec zs_sock_wall_time(const struct zs_sock *sk, uint32_t at_us);

/* ---- SO_TIMESTAMPING (zs_stampopt.c) ---- */
/* Appends SCM_TIMESTAMPING. */
void zs_sock_put_stamp(const struct zs_sock *sk, uint32_t at_us, struct msghdr *msg, size_t *used);
/* A time of a stream waits in the error queue; tells it. */
bool zs_sock_stamp_waits(const struct zs_sock *sk);
void zs_sock_stamp_report(struct zs_sock *sk, struct msghdr *msg);
/* Tells one of datagrams. */
void zs_sock_stamp_of(const struct zs_sock *sk, const struct zs_udp_error *e, struct msghdr *msg);

/* A socket address, read. */
struct zs_name {
	struct zs_addr addr;
	uint16_t port;
	uint8_t family; /* enum zs_family: of a mapped address IPv4 */
};

/* -EINVAL: too short, too long or without its scope; -EAFNOSUPPORT: not of the socket's family. */
int zs_sock_addr_get(const struct zs_sock *sk, const struct sockaddr *sa, socklen_t len,
		     struct zs_name *n);
/* The same of an address to connect or send to: none at all stands for this host. */
int zs_sock_dest_get(const struct zs_sock *sk, const struct sockaddr *sa, socklen_t len,
		     struct zs_name *n);
/* Writes at most *len bytes and sets *len to the whole length. sa NULL: nothing. */
void zs_sock_addr_put(const struct zs_sock *sk, struct sockaddr *sa, socklen_t *len, uint8_t family,
		      const struct zs_addr *addr, uint16_t port);
/* Of TCP or UDP, and not bound: it is for addresses of this family from now on. -EINVAL. */
int zs_sock_set_family(struct zs_sock *sk, uint8_t family);
/* Of TCP or UDP: the family of its addresses now. */
uint8_t zs_sock_flow_family(const struct zs_sock *sk);

/*
 * May the socket be read, nothing being queued? -errno with the pending error taken, 0 = end of
 * stream, -EAGAIN, -ENOTCONN.
 */
int zs_sock_rx_idle(struct zs_sock *sk);
/* May the socket be written: 0, or the pending error (taken), -EPIPE, -ENOTCONN, -EAGAIN while
 * connecting. */
int zs_sock_tx_check(struct zs_sock *sk);
/*
 * A TCP socket starts over with a fresh tcb, as Linux does for a failed or dissolved connection:
 * options stay, and the address when bind chose it. -ENOBUFS: nothing changed.
 */
int zs_sock_renew(struct zs_sock *sk);
/*
 * MSG_FASTOPEN: connects if that is still to be done (zs_connect.c). 0: data may be written now;
 * -EINPROGRESS, -EALREADY: only after the handshake.
 */
int zs_sock_fastopen(struct zs_sock *sk, const struct sockaddr *to, socklen_t len);

#endif
