/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What recvmsg tells of a stream, in Linux' layout: how much is left to read (TCP_INQ), and the
 * error queue, with the times of SO_TIMESTAMPING, and where writes with MSG_ZEROCOPY report their
 * end. Those writes are copied, so their
 * buffers are free again at once, and SO_EE_CODE_ZEROCOPY_COPIED says that there was nothing to
 * gain: z_write() is how to send without a copy. All that has ended and was not told is one range.
 */
#include <sys/time.h> /* before errqueue.h, which needs it */

#include <linux/errqueue.h>
#include <linux/tcp.h>
#include <netinet/in.h>

#include "sock/zs_sock_priv.h"

void zs_sock_control(const struct zs_sock *sk, struct msghdr *msg)
{
	size_t used = 0;
	uint32_t n;
	int left;

	if (sk->flags & ZS_SF_INQ) {
		n = zs_tcp_readable(sk->tcb);
		/* as on Linux: the end of the stream is worth another read */
		left = n > 0 ? (int)n : zs_tcp_fin_received(sk->tcb) ? 1 : 0;
		zs_cmsg_put(msg, &used, IPPROTO_TCP, TCP_CM_INQ, &left, sizeof(left));
	}
	msg->msg_controllen = used;
}

/* With the connection: how many writes had MSG_ZEROCOPY, and of how many the end was told. */
enum { SENT, TOLD };

void zs_sock_zc_sent(struct zs_sock *sk)
{
	if (!(sk->flags & ZS_SF_ZEROCOPY) || sk->kind != ZS_SK_TCP)
		return;
	zs_tcp_words(sk->tcb)[SENT]++;
	sk->flags |= ZS_SF_ERRQ;
	zs_ep_raise(sk->s, zs_tcp_ep(sk->tcb), ZS_EV_ERRQ);
}

/* An error, and the address that it is of, of which nothing is known. */
struct report {
	struct sock_extended_err err;
	struct sockaddr_in6 offender;
};

ssize_t zs_sock_errqueue(struct zs_sock *sk, struct msghdr *msg)
{
	bool ip4 = sk->family == AF_INET;
	struct report r = {
		.err = {
			.ee_origin = SO_EE_ORIGIN_ZEROCOPY,
			.ee_code = SO_EE_CODE_ZEROCOPY_COPIED,
		},
	};
	size_t len = sizeof(r.err) + (ip4 ? sizeof(struct sockaddr_in) : sizeof(r.offender));
	uint32_t *words;
	size_t used = 0;

	if (sk->kind == ZS_SK_UDP)
		return zs_sock_udp_errqueue(sk, msg);
	if (zs_sock_stamp_waits(sk)) {
		zs_sock_stamp_report(sk, msg);
		return 0;
	}
	if (!(sk->flags & ZS_SF_ERRQ))
		return -EAGAIN;
	if (msg->msg_name != NULL)
		msg->msg_namelen = 0;
	words = zs_tcp_words(sk->tcb);
	r.err.ee_info = words[TOLD];
	r.err.ee_data = words[SENT] - 1;
	msg->msg_flags = 0;
	zs_cmsg_put(msg, &used, ip4 ? IPPROTO_IP : IPPROTO_IPV6, ip4 ? IP_RECVERR : IPV6_RECVERR,
		    &r, len);
	msg->msg_controllen = used;
	msg->msg_flags |= MSG_ERRQUEUE;
	words[TOLD] = words[SENT];
	sk->flags &= (uint16_t)~ZS_SF_ERRQ;
	return 0;
}
