/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Control messages of datagrams, with Linux' numbers and structs: where one was sent to and by
 * which interface it came, its TTL and type of service (ip(7), ipv6(7), RFC 3542 6); and the same
 * for one that is to be sent.
 */
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/time.h>

#include "base/zs_ip6addr.h"
#include "core/tcp/zs_port.h"
#include "core/zs_netif.h"
#include "sock/zs_sock_priv.h"
#include "sock/zs_sockopt.h"

/* ---- what is wanted ---- */

static uint16_t bit_ip4(int name)
{
	switch (name) {
	case IP_PKTINFO:
		return ZS_RECV_PKTINFO;
	case IP_RECVORIGDSTADDR:
		return ZS_RECV_DST;
	case IP_RECVTTL:
		return ZS_RECV_TTL;
	case IP_RECVTOS:
		return ZS_RECV_TOS;
	default:
		return 0;
	}
}

static uint16_t bit_ip6(int name)
{
	switch (name) {
	case IPV6_RECVPKTINFO:
		return ZS_RECV_PKTINFO6;
	case IPV6_RECVORIGDSTADDR:
		return ZS_RECV_DST6;
	case IPV6_RECVHOPLIMIT:
		return ZS_RECV_HOPS;
	case IPV6_RECVTCLASS:
		return ZS_RECV_TCLASS;
	default:
		return 0;
	}
}

static uint16_t bit_of(int level, int name)
{
	if (level == SOL_SOCKET)
		return ZS_RECV_DROPS;
	return level == IPPROTO_IP ? bit_ip4(name) : bit_ip6(name);
}

int zs_opt_recv_set(struct zs_sock *sk, int level, int name, int v)
{
	uint16_t bit = bit_of(level, name);

	if (bit == 0)
		return -ENOPROTOOPT;
	if (v != 0)
		*zs_opt_recv(sk) |= bit;
	else
		*zs_opt_recv(sk) &= (uint16_t)~bit;
	return 0;
}

int zs_opt_recv_get(const struct zs_sock *sk, int level, int name, void *val, socklen_t *len)
{
	uint16_t bit = bit_of(level, name);

	if (bit == 0)
		return -ENOPROTOOPT;
	return zs_opt_put_int(val, len, (*zs_opt_recv(sk) & bit) != 0);
}

/* ---- received ---- */

void zs_cmsg_put(struct msghdr *msg, size_t *used, int level, int type, const void *data,
		 size_t len)
{
	struct cmsghdr head = { .cmsg_len = CMSG_LEN(len), .cmsg_level = level, .cmsg_type = type };
	size_t room = msg->msg_controllen - *used;
	char *at;

	if (room < sizeof(head)) { /* without any, msg_control may be NULL */
		msg->msg_flags |= MSG_CTRUNC;
		return;
	}
	at = (char *)msg->msg_control + *used;
	if (room < head.cmsg_len) {
		msg->msg_flags |= MSG_CTRUNC;
		head.cmsg_len = room;
	}
	memcpy(at, &head, sizeof(head));
	memcpy(at + CMSG_LEN(0), data, head.cmsg_len - CMSG_LEN(0));
	*used += RTE_MIN(CMSG_SPACE(len), room);
}

/* The address to answer from: the one it was sent to, or of a group the interface's. */
static struct zs_addr answer_from(const struct zs_sock *sk, const struct zs_dgram *d,
				  const struct zs_addr *to)
{
	const struct zs_netif *nif = zs_netif_at(sk->s, (uint16_t)(d->nif - 1));
	struct zs_addr src = *to;

	if (!zs_addr_is_local(sk->s, d->family, to))
		(void)zs_source(sk->s, nif, d->family, &d->from, &src);
	return src;
}

/* An address as sockets of IPv6 see it. */
static struct in6_addr shown(uint8_t family, const struct zs_addr *a)
{
	const struct zs_addr bare = family == ZS_AF_IP4 ? zs_ip6_map(a->ip4_be) : zs_ip6_bare(a);
	struct in6_addr out;

	memcpy(&out, &bare, sizeof(out));
	return out;
}

static void put_pktinfo(const struct zs_sock *sk, const struct zs_dgram *d,
			const struct zs_addr *to, struct msghdr *msg, size_t *used)
{
	if (d->family == ZS_AF_IP4 && sk->udp->recv & ZS_RECV_PKTINFO) {
		const struct zs_addr from = answer_from(sk, d, to);
		const struct in_pktinfo info = {
			.ipi_ifindex = d->nif,
			.ipi_spec_dst.s_addr = from.ip4_be,
			.ipi_addr.s_addr = to->ip4_be,
		};

		zs_cmsg_put(msg, used, IPPROTO_IP, IP_PKTINFO, &info, sizeof(info));
	}
	if (sk->udp->recv & ZS_RECV_PKTINFO6) {
		const struct in6_pktinfo info = {
			.ipi6_addr = shown(d->family, to),
			.ipi6_ifindex = d->nif,
		};

		zs_cmsg_put(msg, used, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof(info));
	}
}

void zs_cmsg_put_hops(const struct zs_sock *sk, uint8_t family, uint8_t ttl, uint8_t tos,
		      struct msghdr *msg, size_t *used)
{
	const uint16_t recv = sk->udp->recv;
	const int hops = ttl, tclass = tos;

	if (family == ZS_AF_IP4 && recv & ZS_RECV_TTL)
		zs_cmsg_put(msg, used, IPPROTO_IP, IP_TTL, &hops, sizeof(hops));
	if (family == ZS_AF_IP4 && recv & ZS_RECV_TOS)
		zs_cmsg_put(msg, used, IPPROTO_IP, IP_TOS, &tos, sizeof(tos));
	if (recv & ZS_RECV_HOPS)
		zs_cmsg_put(msg, used, IPPROTO_IPV6, IPV6_HOPLIMIT, &hops, sizeof(hops));
	if (recv & ZS_RECV_TCLASS)
		zs_cmsg_put(msg, used, IPPROTO_IPV6, IPV6_TCLASS, &tclass, sizeof(tclass));
}

static void put_dst(const struct zs_sock *sk, const struct zs_dgram *d, const struct zs_addr *to,
		    struct msghdr *msg, size_t *used)
{
	const struct sockaddr_in dst = {
		.sin_family = AF_INET,
		.sin_port = htons(sk->udp->flow.lport),
		.sin_addr.s_addr = to->ip4_be,
	};
	const struct sockaddr_in6 dst6 = {
		.sin6_family = AF_INET6,
		.sin6_port = htons(sk->udp->flow.lport),
		.sin6_addr = shown(d->family, to),
		.sin6_scope_id = d->family == ZS_AF_IP4 ? 0 : zs_ip6_zone(to),
	};

	if (d->family == ZS_AF_IP4 && sk->udp->recv & ZS_RECV_DST)
		zs_cmsg_put(msg, used, IPPROTO_IP, IP_ORIGDSTADDR, &dst, sizeof(dst));
	if (sk->udp->recv & ZS_RECV_DST6)
		zs_cmsg_put(msg, used, IPPROTO_IPV6, IPV6_ORIGDSTADDR, &dst6, sizeof(dst6));
}

struct timespec zs_sock_wall_time(const struct zs_sock *sk, uint32_t at_us)
{
	const uint64_t MILLION = 1000000;
	uint64_t now_us = zs_stack_now(sk->s);
	uint64_t us = zs_stack_wall(sk->s) + now_us - ((uint32_t)now_us - at_us);

	return (struct timespec){ .tv_sec = (time_t)(us / MILLION),
				  .tv_nsec = (long)(us % MILLION) * 1000 };
}

/* When it came. */
static void put_time(const struct zs_sock *sk, const struct rte_mbuf *m, struct msghdr *msg,
		     size_t *used)
{
	const struct timespec ts = zs_sock_wall_time(sk, zs_pkt_time(m));
	const struct timeval tv = { .tv_sec = ts.tv_sec, .tv_usec = ts.tv_nsec / 1000 };

	if (sk->udp->recv & ZS_RECV_TIMENS)
		zs_cmsg_put(msg, used, SOL_SOCKET, SO_TIMESTAMPNS, &ts, sizeof(ts));
	if (sk->udp->recv & ZS_RECV_TIME)
		zs_cmsg_put(msg, used, SOL_SOCKET, SO_TIMESTAMP, &tv, sizeof(tv));
	if (sk->udp->recv & ZS_RECV_STAMP)
		zs_sock_put_stamp(sk, zs_pkt_time(m), msg, used);
}

bool zs_sock_tells_time(const struct zs_sock *sk)
{
	const uint16_t times = ZS_RECV_TIME | ZS_RECV_TIMENS | ZS_RECV_STAMP;

	if (sk->kind == ZS_SK_UDP)
		return (sk->udp->recv & times) != 0 || sk->udp->stamps != 0;
	return (sk->flags & ZS_SF_STAMPS) != 0;
}

/* What is to be said of the datagram m that waits; into msg->msg_control. */
static size_t describe(const struct zs_sock *sk, struct rte_mbuf *m, struct msghdr *msg)
{
	const struct zs_addr *to = zs_udp_to(sk->s, m);
	const struct zs_dgram *d = zs_dgram(m);
	int segment = zs_udp_segment(m);
	size_t used = 0;

	put_time(sk, m, msg, &used);
	if (sk->udp->recv & ZS_RECV_DROPS && sk->udp->rx_drops != 0)
		zs_cmsg_put(msg, &used, SOL_SOCKET, SO_RXQ_OVFL, &sk->udp->rx_drops,
			    sizeof(sk->udp->rx_drops));
	if (segment != 0 && sk->udp->recv & ZS_RECV_GRO)
		zs_cmsg_put(msg, &used, IPPROTO_UDP, UDP_GRO, &segment, sizeof(segment));
	if (to != NULL)
		put_pktinfo(sk, d, to, msg, &used);
	zs_cmsg_put_hops(sk, d->family, d->ttl, d->tos, msg, &used);
	if (to != NULL)
		put_dst(sk, d, to, msg, &used);
	return used;
}

ssize_t zs_sock_recvmsg(struct zs_sock *sk, struct msghdr *msg, int flags)
{
	const bool waits =
		sk->kind == ZS_SK_UDP && sk->udp->rx_head != NULL && sk->udp->ep.error == 0;
	struct msghdr control = { .msg_control = msg->msg_control,
				  .msg_controllen = msg->msg_controllen };
	size_t used = 0;
	ssize_t n;

	/* before the datagram goes, and nothing is received when the call fails */
	if (flags & MSG_ERRQUEUE)
		return zs_sock_errqueue(sk, msg);
	if (waits && sk->udp->recv != 0)
		used = describe(sk, sk->udp->rx_head, &control);
	n = zs_sock_recv(sk, msg->msg_iov, (int)msg->msg_iovlen, flags, msg->msg_name,
			 msg->msg_name == NULL ? NULL : &msg->msg_namelen, &msg->msg_flags);
	if (n < 0)
		return n;
	msg->msg_controllen = used;
	msg->msg_flags |= control.msg_flags;
	return n;
}

/* ---- to be sent ---- */

/* The value of a message as a number: of one byte or an int. */
static int get_byte(const void *data, size_t len, int least, int16_t *out)
{
	int v;

	if (len == sizeof(v))
		memcpy(&v, data, sizeof(v));
	else if (len == 1)
		v = *(const uint8_t *)data;
	else
		return -EINVAL;
	if (v < least || v > 255)
		return -EINVAL;
	*out = (int16_t)v;
	return 0;
}

static int get_pktinfo(const void *data, size_t len, struct zs_udp_how *how)
{
	struct in_pktinfo info;

	if (len != sizeof(info))
		return -EINVAL;
	memcpy(&info, data, sizeof(info));
	if (info.ipi_ifindex < 0 || info.ipi_ifindex > UINT16_MAX)
		return -ENODEV;
	how->nif = (uint16_t)info.ipi_ifindex;
	how->src = zs_addr_ip4(info.ipi_spec_dst.s_addr);
	return 0;
}

static int get_pktinfo6(const void *data, size_t len, struct zs_udp_how *how)
{
	struct in6_pktinfo info;

	if (len != sizeof(info))
		return -EINVAL;
	memcpy(&info, data, sizeof(info));
	if (info.ipi6_ifindex > UINT16_MAX)
		return -ENODEV;
	how->nif = (uint16_t)info.ipi6_ifindex;
	memcpy(&how->src, &info.ipi6_addr, sizeof(how->src));
	if (zs_ip6_is_mapped(&how->src))
		how->src = zs_addr_ip4(zs_ip6_mapped(&how->src));
	else
		zs_ip6_set_zone(&how->src, how->nif);
	return 0;
}

static int get_segment(const void *data, size_t len, struct zs_udp_how *how)
{
	uint16_t v;

	if (len != sizeof(v))
		return -EINVAL;
	memcpy(&v, data, sizeof(v));
	how->segment = v;
	return 0;
}

static int read_one(const struct zs_sock *sk, const struct cmsghdr *c, struct zs_udp_how *how)
{
	const void *data = CMSG_DATA(c);
	size_t len = c->cmsg_len - CMSG_LEN(0);

	if (c->cmsg_level == IPPROTO_UDP && c->cmsg_type == UDP_SEGMENT)
		return get_segment(data, len, how);
	if (c->cmsg_level == IPPROTO_IP) {
		switch (c->cmsg_type) {
		case IP_PKTINFO:
			return get_pktinfo(data, len, how);
		case IP_TTL:
			return get_byte(data, len, 1, &how->ttl);
		case IP_TOS:
			return get_byte(data, len, 0, &how->tos);
		default:
			return -EINVAL;
		}
	}
	if (c->cmsg_level != IPPROTO_IPV6 || sk->family != AF_INET6)
		return c->cmsg_level == SOL_SOCKET ? -EINVAL : 0; /* somebody else's */
	switch (c->cmsg_type) {
	case IPV6_PKTINFO:
		return get_pktinfo6(data, len, how);
	case IPV6_HOPLIMIT: /* -1 of both: the default (RFC 3542 6.3, 6.5) */
		return get_byte(data, len, -1, &how->ttl);
	case IPV6_TCLASS:
		return get_byte(data, len, -1, &how->tos);
	default:
		return -EINVAL;
	}
}

int zs_cmsg_read(const struct zs_sock *sk, const struct msghdr *msg, struct zs_udp_how *how)
{
	struct msghdr m = *msg;
	const struct cmsghdr *end = (const void *)((const char *)m.msg_control + m.msg_controllen);

	*how = (struct zs_udp_how){ .ttl = -1, .tos = -1, .segment = -1 };
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c != NULL; c = CMSG_NXTHDR(&m, c)) {
		int rc;

		if (c->cmsg_len < CMSG_LEN(0) ||
		    c->cmsg_len > (size_t)((const char *)end - (const char *)c))
			return -EINVAL;
		rc = read_one(sk, c, how);
		if (rc < 0)
			return rc;
	}
	return 0;
}
