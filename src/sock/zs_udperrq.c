/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The error queue of datagrams, IP_RECVERR and IPV6_RECVERR, in Linux' layout: whom a datagram was
 * for is the message's address, what is quoted of it its data, and a control message says what
 * happened and who says so; others, of the ICMP message, its TTL and type of service.
 */
#include <sys/time.h> /* before errqueue.h, which needs it */

#include <linux/errqueue.h>
#include <netinet/in.h>

#include "sock/zs_sock_priv.h"

/* Behind sock_extended_err: who tells. Of nobody the family is 0. */
static size_t put_offender(const struct zs_sock *sk, const struct zs_udp_error *e, uint8_t *at)
{
	const struct sockaddr_in6 nobody = { .sin6_family = AF_UNSPEC };
	socklen_t len = sk->family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(nobody);

	memcpy(at, &nobody, len);
	if (e->origin != ZS_UDP_LOCAL)
		zs_sock_addr_put(sk, (struct sockaddr *)(void *)at, &len, e->family, &e->from, 0);
	return len;
}

static void put_report(const struct zs_sock *sk, const struct zs_udp_error *e, struct msghdr *msg)
{
	const struct sock_extended_err err = {
		.ee_errno = (uint32_t)e->error,
		.ee_origin = e->origin,
		.ee_type = e->type,
		.ee_code = e->code,
		.ee_info = e->info,
	};
	uint8_t report[sizeof(err) + sizeof(struct sockaddr_in6)] __attribute__((aligned(8)));
	bool ip4 = sk->family == AF_INET;
	size_t used = 0, len;

	memcpy(report, &err, sizeof(err));
	len = sizeof(err) + put_offender(sk, e, report + sizeof(err));
	if (e->origin != ZS_UDP_LOCAL)
		zs_cmsg_put_hops(sk, e->family, e->ttl, e->tos, msg, &used);
	zs_cmsg_put(msg, &used, ip4 ? IPPROTO_IP : IPPROTO_IPV6, ip4 ? IP_RECVERR : IPV6_RECVERR,
		    report, len);
	msg->msg_controllen = used;
}

static size_t put_quote(const struct zs_udp_error *e, struct msghdr *msg)
{
	size_t done = 0;

	for (size_t i = 0; i < msg->msg_iovlen && done < e->len; i++) {
		size_t n = RTE_MIN(msg->msg_iov[i].iov_len, (size_t)e->len - done);

		memcpy(msg->msg_iov[i].iov_base, e->data + done, n);
		done += n;
	}
	if (done < e->len)
		msg->msg_flags |= MSG_TRUNC;
	return done;
}

ssize_t zs_sock_udp_errqueue(struct zs_sock *sk, struct msghdr *msg)
{
	const struct zs_udp_error *e = zs_udp_error(sk->udp);
	size_t n;

	if (e == NULL)
		return -EAGAIN;
	msg->msg_flags = MSG_ERRQUEUE;
	if (e->origin == ZS_UDP_TIME) {
		zs_sock_stamp_of(sk, e, msg);
		if (msg->msg_name != NULL)
			msg->msg_namelen = 0;
		zs_udp_error_done(sk->s, sk->udp);
		return 0;
	}
	put_report(sk, e, msg);
	n = put_quote(e, msg);
	zs_sock_addr_put(sk, msg->msg_name, &msg->msg_namelen, e->family, &e->to, e->port);
	zs_udp_error_done(sk->s, sk->udp);
	/* what was told is no error any more; what waits still is */
	e = zs_udp_error(sk->udp);
	sk->udp->ep.error =
		e != NULL && e->origin != ZS_UDP_LOCAL && e->origin != ZS_UDP_TIME ? e->error : 0;
	return (ssize_t)n;
}
