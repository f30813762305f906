/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Zero-copy I/O: buffers change hands, bytes stay where they are. take hands out what the device
 * delivered, give queues what the application filled, peek shows without taking, splice moves
 * from one connection to another.
 */
#include "core/tcp/zs_taken.h"
#include "sock/zs_sock_priv.h"

/* ---- take ---- */

static ssize_t take_tcp(struct zs_sock *sk, struct rte_mbuf **m, size_t max)
{
	if (max == 0)
		return -EINVAL;
	if (zs_tcp_readable(sk->tcb) == 0)
		return zs_sock_rx_idle(sk);
	*m = zs_tcp_take(sk->s, sk->tcb, max);
	return *m != NULL ? (ssize_t)(*m)->pkt_len : -ENOBUFS;
}

bool zs_sock_has_data(const struct zs_sock *sk)
{
	if (sk->kind == ZS_SK_UDP)
		return sk->udp->ep.error == 0 && sk->udp->rx_head != NULL;
	return sk->kind == ZS_SK_TCP && zs_tcp_readable(sk->tcb) > 0;
}

size_t zs_sock_piece(struct zs_sock *sk)
{
	if (!zs_sock_has_data(sk))
		return 0;
	if (sk->kind == ZS_SK_UDP)
		return sk->udp->rx_head->pkt_len;
	zs_tcp_pack(sk->s, sk->tcb, zs_tcp_rcvq(sk->tcb)->buf_len);
	return zs_tcp_rcvq(sk->tcb)->data_len;
}

static ssize_t take_udp(struct zs_sock *sk, struct rte_mbuf **m, struct sockaddr *from,
			socklen_t *from_len)
{
	if (!zs_sock_has_data(sk))
		return zs_sock_rx_idle(sk);
	*m = zs_udp_recv(sk->s, sk->udp);
	zs_sock_addr_put(sk, from, from_len, zs_dgram(*m)->family, &zs_dgram(*m)->from,
			 zs_dgram(*m)->from_port);
	return (ssize_t)(*m)->pkt_len;
}

ssize_t zs_sock_take(struct zs_sock *sk, struct rte_mbuf **m, size_t max, struct sockaddr *from,
		     socklen_t *from_len)
{
	*m = NULL;
	switch ((enum zs_sock_kind)sk->kind) {
	case ZS_SK_LISTENER:
		return -ENOTCONN;
	case ZS_SK_TCP:
		return take_tcp(sk, m, max);
	case ZS_SK_UDP:
		return take_udp(sk, m, from, from_len);
	}
	__builtin_unreachable();
}

/* ---- give ---- */

static ssize_t give_tcp(struct zs_sock *sk, struct rte_mbuf *m, int flags)
{
	uint32_t len = m->pkt_len;
	int rc = zs_sock_tx_check(sk);

	if (rc == 0)
		rc = zs_tcp_send(sk->s, sk->tcb, m, flags & MSG_MORE ? ZS_SEND_MORE : 0);
	return rc < 0 ? rc : (ssize_t)len;
}

/*
 * A datagram is done with when it is handed on: nobody acknowledges it. Its completions are called
 * then, which is after m is gone, so they are collected before.
 */
enum { DGRAM_DONE_MAX = 8 };

struct dones {
	struct {
		void (*fn)(struct zs_done *d, int status);
		struct zs_done *d;
	} v[DGRAM_DONE_MAX];
	int n;
};

static int collect_dones(struct rte_mbuf *m, struct dones *d)
{
	for (; m != NULL; m = m->next) {
		if ((m->ol_flags & ZS_PKT_DONE) == 0 || zs_seg(m)->done->failures_only)
			continue;
		if (d->n == DGRAM_DONE_MAX)
			return -EINVAL;
		d->v[d->n].d = zs_seg(m)->done;
		d->v[d->n++].fn = zs_seg(m)->done->fn;
	}
	return 0;
}

ssize_t zs_sock_give_dgram(struct zs_sock *sk, struct rte_mbuf *m, const struct sockaddr *to,
			   socklen_t to_len, const struct zs_udp_how *how)
{
	uint32_t len = m->pkt_len;
	struct zs_name n;
	struct dones d = { .n = 0 };
	int rc = zs_sock_tx_check(sk);

	if (rc == 0 && to != NULL)
		rc = zs_sock_dest_get(sk, to, to_len, &n);
	if (rc == 0 && len > zs_sock_dgram_max(sk))
		rc = -EMSGSIZE;
	if (rc == 0)
		rc = collect_dones(m, &d);
	if (rc != 0)
		return rc;
	zs_taken_drop_all(sk->s, m); /* now, for after the call m may be gone */
	if (to != NULL)
		rc = zs_udp_send_how(sk->s, sk->udp, m, n.family, &n.addr, n.port, how);
	else
		rc = zs_udp_send_how(sk->s, sk->udp, m, 0, NULL, 0, how);
	if (rc < 0)
		return rc;
	if (unlikely(sk->udp->stamps != 0))
		zs_udp_stamp(sk->s, sk->udp);
	/* m may still wait in a device queue, but as far as the application can tell it is gone. */
	for (int i = 0; i < d.n; i++)
		d.v[i].fn(d.v[i].d, 0);
	return (ssize_t)len;
}

ssize_t zs_sock_give_cut(struct zs_sock *sk, struct rte_mbuf *m, const struct sockaddr *to,
			 socklen_t to_len, uint16_t segment)
{
	const struct zs_udp_how how = { .ttl = -1, .tos = -1, .segment = segment };

	if (sk->kind != ZS_SK_UDP)
		return -EOPNOTSUPP;
	return zs_sock_give_dgram(sk, m, to, to_len, segment != 0 ? &how : NULL);
}

ssize_t zs_sock_give(struct zs_sock *sk, struct rte_mbuf *m, int flags, const struct sockaddr *to,
		     socklen_t to_len)
{
	switch ((enum zs_sock_kind)sk->kind) {
	case ZS_SK_LISTENER:
		return -ENOTCONN;
	case ZS_SK_TCP:
		return give_tcp(sk, m, flags);
	case ZS_SK_UDP:
		return zs_sock_give_dgram(sk, m, to, to_len, NULL);
	}
	__builtin_unreachable();
}

/* ---- peek, consume ---- */

static struct zs_view view_of(struct rte_mbuf *m, size_t off, bool copied)
{
	return (struct zs_view){
		.ptr = rte_pktmbuf_mtod_offset(m, void *, off),
		.len = (uint32_t)(m->data_len - off),
		.copied = copied,
		.m = m,
	};
}

static int peek_tcp(struct rte_mbuf *m, struct zs_view *v, int max, size_t off)
{
	int n = 0;

	for (; m != NULL && n < max; m = zs_seg(m)->next) {
		if (off >= m->data_len) {
			off -= m->data_len;
			continue;
		}
		v[n++] = view_of(m, off, (zs_seg(m)->flags & ZS_SEG_COPIED) != 0);
		off = 0;
	}
	return n;
}

static int peek_udp(struct rte_mbuf *m, struct zs_view *v, int max, size_t off)
{
	int n = 0;

	for (; m != NULL && n < max; m = m->next) {
		if (off >= m->data_len) {
			off -= m->data_len;
			continue;
		}
		v[n++] = view_of(m, off, false);
		off = 0;
	}
	return n;
}

int zs_sock_peek(struct zs_sock *sk, struct zs_view *v, int max, size_t off)
{
	switch ((enum zs_sock_kind)sk->kind) {
	case ZS_SK_LISTENER:
		return -ENOTCONN;
	case ZS_SK_TCP:
		if (zs_tcp_readable(sk->tcb) <= off)
			return zs_tcp_readable(sk->tcb) > 0 ? -EAGAIN : zs_sock_rx_idle(sk);
		return peek_tcp(zs_tcp_rcvq(sk->tcb), v, max, off);
	case ZS_SK_UDP:
		if (!zs_sock_has_data(sk))
			return zs_sock_rx_idle(sk);
		return peek_udp(sk->udp->rx_head, v, max, off);
	}
	__builtin_unreachable();
}

ssize_t zs_sock_consume(struct zs_sock *sk, size_t n)
{
	struct rte_mbuf *m;

	switch ((enum zs_sock_kind)sk->kind) {
	case ZS_SK_LISTENER:
		return -ENOTCONN;
	case ZS_SK_TCP:
		n = RTE_MIN(n, (size_t)zs_tcp_readable(sk->tcb));
		if (n > 0)
			zs_tcp_consume(sk->s, sk->tcb, (uint32_t)n);
		return (ssize_t)n;
	case ZS_SK_UDP:
		m = zs_udp_recv(sk->s, sk->udp);
		n = m != NULL ? m->pkt_len : 0;
		rte_pktmbuf_free(m);
		return (ssize_t)n;
	}
	__builtin_unreachable();
}

uint32_t zs_sock_send_piece(const struct zs_sock *sk)
{
	if (sk->kind != ZS_SK_TCP)
		return UINT32_MAX;
	return zs_tcp_has_share(sk->s, sk->tcb) ? 0 : zs_tcp_send_piece(sk->s, sk->tcb);
}

void zs_sock_await_buffers(struct zs_sock *sk)
{
	if (sk->kind == ZS_SK_TCP)
		zs_tcp_await_buffers(sk->s, sk->tcb);
}

/* ---- splice ---- */

/*
 * How much to move: whole buffers, up to max, and no more of them than the destination's room asks
 * for; of the first buffer a part when it alone is longer than max.
 */
static size_t splice_bytes(struct rte_mbuf *m, size_t max, size_t room)
{
	size_t sum = 0;

	for (; m != NULL && sum < room; m = zs_seg(m)->next) {
		if (m->data_len > max - sum)
			break;
		sum += m->data_len;
	}
	return sum > 0 ? sum : max;
}

enum { SPLICE_MAX = 1 << 20 }; /* what one zs_tcp_send takes */

ssize_t zs_sock_splice(struct zs_sock *from, struct zs_sock *to, size_t max)
{
	struct rte_mbuf *m;
	uint32_t room, len;
	int rc;

	if (from->kind != ZS_SK_TCP || to->kind != ZS_SK_TCP || max == 0)
		return -EINVAL;
	rc = zs_sock_tx_check(to);
	if (rc < 0)
		return rc;
	if (zs_tcp_readable(from->tcb) == 0)
		return zs_sock_rx_idle(from);
	room = zs_tcp_send_space(to->tcb);
	if (room == 0) {
		zs_tcp_await_room(to->tcb);
		return -EAGAIN;
	}
	max = splice_bytes(zs_tcp_rcvq(from->tcb), RTE_MIN(max, (size_t)SPLICE_MAX), room);
	m = zs_tcp_recv(from->s, from->tcb, max);
	if (m == NULL)
		return -ENOBUFS;
	len = m->pkt_len;
	rc = zs_tcp_send(to->s, to->tcb, m, 0);
	if (rc < 0) {
		zs_tcp_unrecv(from->tcb, m);
		return rc;
	}
	return (ssize_t)len;
}
