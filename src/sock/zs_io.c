/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Copying I/O: recv and send between the application's memory and the queues, over iovecs, with the
 * flags and answers of Linux. What is copied is counted in stats.copies.
 */
#include "sock/zs_sock_priv.h"

/* ---- what both kinds of I/O ask first ---- */

int zs_sock_rx_idle(struct zs_sock *sk)
{
	int error = zs_sock_take_error(sk);

	if (error != 0)
		return -error;
	if (sk->flags & ZS_SF_RD_SHUT)
		return 0;
	if (sk->kind == ZS_SK_UDP)
		return -EAGAIN;
	if (zs_tcp_fin_received(sk->tcb) || zs_sock_ended(sk))
		return 0;
	return zs_tcp_state(sk->tcb) == ZS_CLOSED ? -ENOTCONN : -EAGAIN;
}

int zs_sock_tx_check(struct zs_sock *sk)
{
	int error = zs_sock_take_error(sk);

	if (error != 0)
		return -error;
	if (sk->flags & ZS_SF_WR_SHUT)
		return -EPIPE;
	if (sk->kind == ZS_SK_UDP)
		return 0;
	if (zs_tcp_state(sk->tcb) == ZS_CLOSED)
		return zs_sock_ended(sk) ? -EPIPE : -ENOTCONN;
	return zs_tcp_opening(sk->tcb) && !zs_tcp_syn_waits(sk->tcb) ? -EAGAIN : 0;
}

static size_t iov_bytes(const struct iovec *iov, int n_iov)
{
	size_t sum = 0;

	for (int i = 0; i < n_iov; i++)
		sum += iov[i].iov_len;
	return sum;
}

/* ---- receive ---- */

static size_t tcp_copy_to(struct zs_sock *sk, const struct iovec *iov, int n_iov)
{
	size_t off = 0;

	for (int i = 0; i < n_iov; i++) {
		size_t n = zs_tcp_copy_out(sk->s, sk->tcb, off, iov[i].iov_base, iov[i].iov_len);

		off += n;
		if (n < iov[i].iov_len)
			break;
	}
	return off;
}

static ssize_t recv_tcp(struct zs_sock *sk, const struct iovec *iov, int n_iov, int flags)
{
	size_t want = iov_bytes(iov, n_iov);
	size_t avail = zs_tcp_readable(sk->tcb);
	size_t n = want < avail ? want : avail;

	if (flags & MSG_OOB)
		return -EINVAL;
	if (avail == 0)
		return want == 0 && zs_tcp_state(sk->tcb) != ZS_CLOSED ? 0 : zs_sock_rx_idle(sk);
	if ((flags & MSG_TRUNC) == 0)
		n = tcp_copy_to(sk, iov, n_iov);
	if ((flags & MSG_PEEK) == 0 && n > 0)
		zs_tcp_consume(sk->s, sk->tcb, (uint32_t)n);
	return (ssize_t)n;
}

/* Copies the datagram m out; returns bytes copied. */
static size_t dgram_copy_to(const struct rte_mbuf *m, const struct iovec *iov, int n_iov)
{
	size_t done = 0, off = 0, pos = 0; /* off: in the segment, pos: in the iov */

	for (int i = 0; i < n_iov && m != NULL;) {
		size_t n = RTE_MIN(m->data_len - off, iov[i].iov_len - pos);

		if (n > 0)
			memcpy((char *)iov[i].iov_base + pos,
			       rte_pktmbuf_mtod_offset(m, const char *, off), n);
		done += n;
		off += n;
		pos += n;
		if (pos == iov[i].iov_len) {
			pos = 0;
			i++;
		}
		if (off == m->data_len) {
			off = 0;
			m = m->next;
		}
	}
	return done;
}

/* The end, once shut down for reading, comes from nobody. */
static int no_dgram(struct zs_sock *sk, socklen_t *from_len)
{
	int rc = zs_sock_rx_idle(sk);

	if (rc == 0 && from_len != NULL)
		*from_len = 0;
	return rc;
}

static ssize_t recv_udp(struct zs_sock *sk, const struct iovec *iov, int n_iov, int flags,
			struct sockaddr *from, socklen_t *from_len, int *msg_flags)
{
	struct rte_mbuf *m = sk->udp->rx_head;
	size_t len, n;

	if (sk->udp->ep.error != 0 || m == NULL)
		return no_dgram(sk, from_len);
	if ((flags & MSG_PEEK) == 0)
		m = zs_udp_recv(sk->s, sk->udp);
	len = m->pkt_len;
	n = dgram_copy_to(m, iov, n_iov);
	zs_stack_count_copies(sk->s, n);
	zs_sock_addr_put(sk, from, from_len, zs_dgram(m)->family, &zs_dgram(m)->from,
			 zs_dgram(m)->from_port);
	if (n < len && msg_flags != NULL)
		*msg_flags |= MSG_TRUNC;
	if ((flags & MSG_PEEK) == 0)
		rte_pktmbuf_free(m);
	return (ssize_t)((flags & MSG_TRUNC) ? len : n);
}

ssize_t zs_sock_recv(struct zs_sock *sk, const struct iovec *iov, int n_iov, int flags,
		     struct sockaddr *from, socklen_t *from_len, int *msg_flags)
{
	ssize_t n;

	if (msg_flags != NULL)
		*msg_flags = 0;
	if (flags & MSG_ERRQUEUE)
		return -EAGAIN;
	switch ((enum zs_sock_kind)sk->kind) {
	case ZS_SK_LISTENER:
		return -ENOTCONN;
	case ZS_SK_TCP:
		n = recv_tcp(sk, iov, n_iov, flags);
		if (n >= 0 && from != NULL && from_len != NULL)
			*from_len = 0;
		return n;
	case ZS_SK_UDP:
		return recv_udp(sk, iov, n_iov, flags, from, from_len, msg_flags);
	}
	__builtin_unreachable();
}

/* ---- send ---- */

void zs_sock_written(struct zs_sock *sk)
{
	if (sk->flags & ZS_SF_FASTOPEN && zs_tcp_syn_waits(sk->tcb))
		zs_tcp_syn_now(sk->s, sk->tcb);
}

static ssize_t send_tcp(struct zs_sock *sk, const struct iovec *iov, int n_iov, int flags)
{
	size_t left = iov_bytes(iov, n_iov), sent = 0;
	int rc = zs_sock_tx_check(sk);

	if (rc < 0)
		return rc;
	if (flags & MSG_OOB)
		return -EOPNOTSUPP;
	if (left == 0 && zs_tcp_syn_waits(sk->tcb)) { /* nothing to take along: as connect does */
		zs_tcp_syn_now(sk->s, sk->tcb);
		return -EINPROGRESS;
	}
	for (int i = 0; i < n_iov; i++) {
		size_t len = iov[i].iov_len;
		bool more = (flags & MSG_MORE) || left > len;
		unsigned how = more ? ZS_SEND_MORE : 0;
		int64_t n;

		if (len == 0)
			continue;
		if (unlikely(flags & MSG_EOR) && left == len)
			how |= ZS_SEND_EOR;
		n = zs_tcp_send_copy(sk->s, sk->tcb, iov[i].iov_base, len, how);
		if (n < 0)
			return sent > 0 ? (ssize_t)sent : (ssize_t)n;
		sent += (size_t)n;
		left -= len;
		if ((size_t)n < len)
			break;
	}
	zs_sock_written(sk);
	return (ssize_t)sent;
}

/* Appends as much of len as m has room for; returns bytes. */
static size_t fill(struct rte_mbuf *m, const char *src, size_t len)
{
	uint16_t n = (uint16_t)RTE_MIN(len, (size_t)rte_pktmbuf_tailroom(m));

	memcpy(rte_pktmbuf_mtod_offset(m, char *, m->data_len), src, n);
	m->data_len = (uint16_t)(m->data_len + n);
	return n;
}

/* In so many small buffers at most: a large one of 64 KB is charged to who receives it here. */
enum { SMALL_BUFS = 8 };

/* A chain of fresh buffers holding the bytes of iov; NULL when the pool is empty. */
static struct rte_mbuf *dgram_copy_from(struct zs_sock *sk, const struct iovec *iov, int n_iov,
					size_t total)
{
	const struct zs_env *env = zs_stack_env(sk->s);
	size_t room = rte_pktmbuf_data_room_size(env->pkt_pool) - RTE_PKTMBUF_HEADROOM;
	struct rte_mempool *pool = total <= SMALL_BUFS * room ? env->pkt_pool : env->big_pool;
	struct rte_mbuf *head = rte_pktmbuf_alloc(pool), *last = head;

	for (int i = 0; i < n_iov && last != NULL; i++) {
		size_t pos = 0;

		while (pos < iov[i].iov_len) {
			size_t n = fill(last, (const char *)iov[i].iov_base + pos,
					iov[i].iov_len - pos);

			pos += n;
			if (n > 0)
				continue;
			last->next = rte_pktmbuf_alloc(pool);
			last = last->next;
			if (last == NULL)
				break;
			head->nb_segs++;
		}
	}
	if (last == NULL) {
		rte_pktmbuf_free(head);
		return NULL;
	}
	head->pkt_len = (uint32_t)total;
	zs_stack_count_copies(sk->s, total);
	return head;
}

static ssize_t send_udp(struct zs_sock *sk, const struct iovec *iov, int n_iov,
			const struct sockaddr *to, socklen_t to_len, const struct zs_udp_how *how)
{
	size_t total = iov_bytes(iov, n_iov);
	int rc = zs_sock_tx_check(sk);
	struct rte_mbuf *m;
	ssize_t n;

	if (rc < 0)
		return rc;
	if (total > zs_sock_dgram_max(sk))
		return -EMSGSIZE;
	m = dgram_copy_from(sk, iov, n_iov, total);
	if (m == NULL)
		return -ENOBUFS;
	n = zs_sock_give_dgram(sk, m, to, to_len, how);
	if (n < 0)
		rte_pktmbuf_free(m);
	return n;
}

ssize_t zs_sock_send(struct zs_sock *sk, const struct iovec *iov, int n_iov, int flags,
		     const struct sockaddr *to, socklen_t to_len)
{
	int rc;

	switch ((enum zs_sock_kind)sk->kind) {
	case ZS_SK_LISTENER:
		return -ENOTCONN;
	case ZS_SK_TCP:
		rc = flags & MSG_FASTOPEN ? zs_sock_fastopen(sk, to, to_len) : 0;
		return rc < 0 ? rc : send_tcp(sk, iov, n_iov, flags);
	case ZS_SK_UDP:
		return send_udp(sk, iov, n_iov, to, to_len, NULL);
	}
	__builtin_unreachable();
}

ssize_t zs_sock_sendmsg(struct zs_sock *sk, const struct msghdr *msg, int flags)
{
	const struct iovec *iov = msg->msg_iov;
	int n = (int)msg->msg_iovlen, rc;
	struct zs_udp_how how;

	if (sk->kind != ZS_SK_UDP || msg->msg_controllen == 0)
		return zs_sock_send(sk, iov, n, flags, msg->msg_name, msg->msg_namelen);
	rc = zs_cmsg_read(sk, msg, &how);
	if (rc < 0)
		return rc;
	return send_udp(sk, iov, n, msg->msg_name, msg->msg_namelen, &how);
}
