/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sockets above the core: POSIX-like semantics without file descriptors, errno or blocking. All
 * functions return 0 or a count, or -errno (Linux values). Nothing here blocks: what cannot be done
 * now is -EAGAIN (or -EINPROGRESS for connect); waiting is the facade's business (src/api).
 */
#ifndef ZS_SOCK_H
#define ZS_SOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "base/zs_addr.h"
#include "base/zs_list.h"
#include "core/zs_ep.h"
#include "core/zs_stack.h"

struct rte_mbuf;
struct zs_listener;
struct zs_sock;
struct zs_tcb;
struct zs_udp;

/* ---- readiness (zs_event.c) ---- */

/* Where watches of one waiter (a kqueue, an epoll instance, a blocked call) gather when something
 * happened. */
struct zs_waitq {
	struct zs_list ready; /* watches, by ready_link, in order of arrival */
	uint32_t n_ready;
	uint32_t arrivals; /* counts activations: an edge for who waits for this waiter */
};

/* One waiter's interest in one socket. Owned by the waiter. */
struct zs_watch {
	struct zs_list sock_link;  /* on sk->watches */
	struct zs_list ready_link; /* on q->ready */
	struct zs_waitq *q;
	struct zs_sock *sk; /* NULL once the socket is closed: the waiter drops the watch */
	uint16_t mask;	    /* enum zs_ev of interest; ERR and HUP always count */
	uint16_t edges; /* events that arrived since the waiter last cleared this: for edge trigger
			 */
};

void zs_waitq_init(struct zs_waitq *q);
void zs_watch_add(struct zs_sock *sk, struct zs_watch *w, struct zs_waitq *q, unsigned mask);
void zs_watch_del(struct zs_watch *w);
/* Put on (off) the ready list by hand: initial state, re-arm of level trigger. */
void zs_watch_activate(struct zs_watch *w);
void zs_watch_deactivate(struct zs_watch *w);

/*
 * Drains the core's events into the watches. Once per turn, and after calls that may change
 * readiness. Returns how many sockets had events.
 */
uint32_t zs_sock_dispatch(struct zs_stack *s);

/* What is true now: enum zs_ev. */
unsigned zs_sock_readiness(const struct zs_sock *sk);

/* Amounts for kevent's data field and ioctl: readable bytes (datagram: of the first), accept
 * backlog; writable space. */
uint32_t zs_sock_readable(const struct zs_sock *sk);
uint32_t zs_sock_writable(const struct zs_sock *sk);
/* No more of a stream comes before something is read: its window is all but closed (as Linux has it
 * for SO_RCVLOWAT). */
bool zs_sock_full(const struct zs_sock *sk);
/* The room of a stream is not enough: ZS_EV_WRITE when acknowledgements have made more. */
void zs_sock_await_room(const struct zs_sock *sk);

/* ---- sockets (zs_socket.c, zs_connect.c, zs_sockaddr.c) ---- */

enum zs_sock_kind { ZS_SK_TCP, ZS_SK_LISTENER, ZS_SK_UDP };

enum zs_sock_flag {
	ZS_SF_NONBLOCK = 0x01,
	ZS_SF_RD_SHUT = 0x02,
	ZS_SF_WR_SHUT = 0x04,
	ZS_SF_CONNECTING = 0x08, /* connect was called and has not told its outcome yet */
	ZS_SF_CONNECTED = 0x10,	 /* was connected once */
	ZS_SF_LINGER = 0x20,
	ZS_SF_BOUND = 0x40, /* by bind, not by connect or listen */
	ZS_SF_OOBINLINE = 0x80,
	ZS_SF_BIND_NO_PORT = 0x100,
	ZS_SF_V6ONLY = 0x200,
	ZS_SF_FASTOPEN = 0x400, /* data goes, or went, with the SYN: a blocking write waits for the
				   handshake */
	ZS_SF_ZEROCOPY = 0x800, /* MSG_ZEROCOPY is counted, and its end told */
	ZS_SF_ERRQ = 0x1000,	/* the error queue is not empty */
	ZS_SF_INQ = 0x2000,	/* recvmsg tells what is left to read */
	ZS_SF_STAMPS = 0x4000,	/* SO_TIMESTAMPING is set */
	ZS_SF_DEBUG = 0x8000,	/* kept, without effect */
};

struct zs_sock {
	struct zs_stack *s;
	uint8_t kind;	/* enum zs_sock_kind */
	uint8_t family; /* AF_INET, AF_INET6 */
	uint16_t flags; /* enum zs_sock_flag */
	int linger_s;
	uint32_t rcvlowat;
	uint32_t rcvtimeo_ms, sndtimeo_ms; /* 0 = none; honoured by the facade */
	uint32_t priority : 24;		   /* SO_PRIORITY: kept, without effect */
	uint32_t mtu_discover : 6;	   /* IP_MTU_DISCOVER: without effect on a stream */
	uint32_t bound_port : 1;	   /* bind asked for the port */
	uint32_t bound_ip4 : 1;		   /* bind was for IPv4 alone */
	union {
		struct zs_tcb *tcb;
		struct zs_listener *lst;
		struct zs_udp *udp;
	};
	struct zs_list watches;
	void *user; /* the facade's: fd */
};
_Static_assert(sizeof(struct zs_sock) <= ZS_SOCK_ROOM, "sockets live in the stack's records");

/*
 * -EINVAL, -EAFNOSUPPORT, -ESOCKTNOSUPPORT, -EPROTONOSUPPORT, -ENOBUFS. SOCK_NONBLOCK is honoured,
 * SOCK_CLOEXEC ignored. The socket is a record of the stack's (ZS_SOCK_ROOM): nothing is allocated.
 */
int zs_sock_create(struct zs_stack *s, int domain, int type, int protocol, struct zs_sock **out);
/* Linger as configured; all watches are told (ZS_EV_HUP, sk NULL). Frees sk. */
int zs_sock_close(struct zs_sock *sk);
int zs_sock_bind(struct zs_sock *sk, const struct sockaddr *sa, socklen_t len);
/* backlog + 1 connections wait for accept; < 0 or too many: SOMAXCONN + 1. */
int zs_sock_listen(struct zs_sock *sk, int backlog);
/*
 * TCP: -EINPROGRESS when the handshake begins, -EALREADY while it runs, then once 0 or why it
 * failed, then -EISCONN (or, after a failure, a new attempt). AF_UNSPEC disconnects.
 */
int zs_sock_connect(struct zs_sock *sk, const struct sockaddr *sa, socklen_t len);
int zs_sock_accept(struct zs_sock *sk, struct sockaddr *sa, socklen_t *len, struct zs_sock **out);
int zs_sock_shutdown(struct zs_sock *sk, int how);
/* A blocking close is to wait, so many microseconds at most, for what the peer has not acknowledged
 * (SO_LINGER with a time). 0 = it is not: nothing to send, or unread data that will reset it. */
uint64_t zs_sock_linger_us(const struct zs_sock *sk);
/* The peer has acknowledged all, our FIN included, or never will. */
bool zs_sock_delivered(const struct zs_sock *sk);
int zs_sock_name(const struct zs_sock *sk, struct sockaddr *sa, socklen_t *len);
int zs_sock_peer(const struct zs_sock *sk, struct sockaddr *sa, socklen_t *len);
/* Pending error (SO_ERROR), 0 or positive errno: looked at, and taken. */
int zs_sock_error(const struct zs_sock *sk);
int zs_sock_take_error(struct zs_sock *sk);

/* ---- for further stacks (zs_copy.c) ---- */
/* A listener, or a UDP socket that bind gave its address. */
bool zs_sock_copyable(const struct zs_sock *sk);
/* Such a socket on another stack: same addresses and options. -EADDRINUSE, -ENOBUFS. */
int zs_sock_copy(const struct zs_sock *from, struct zs_stack *s, struct zs_sock **out);

/* ---- options (zs_sockopt.c) ---- */
int zs_sock_setopt(struct zs_sock *sk, int level, int name, const void *val, socklen_t len);
int zs_sock_getopt(struct zs_sock *sk, int level, int name, void *val, socklen_t *len);

/* ---- I/O (zs_io.c); copying ---- */
/* flags: MSG_PEEK MSG_DONTWAIT MSG_TRUNC MSG_WAITALL(facade) MSG_NOSIGNAL. 0 = end of stream. */
ssize_t zs_sock_recv(struct zs_sock *sk, const struct iovec *iov, int n_iov, int flags,
		     struct sockaddr *from, socklen_t *from_len, int *msg_flags);
/* flags: MSG_MORE MSG_NOSIGNAL MSG_DONTWAIT MSG_EOR; MSG_ZEROCOPY is told by zs_sock_zc_sent() */
ssize_t zs_sock_send(struct zs_sock *sk, const struct iovec *iov, int n_iov, int flags,
		     const struct sockaddr *to, socklen_t to_len);

/* The same with control messages (zs_cmsg.c), of datagrams; others have none. */
ssize_t zs_sock_recvmsg(struct zs_sock *sk, struct msghdr *msg, int flags);
ssize_t zs_sock_sendmsg(struct zs_sock *sk, const struct msghdr *msg, int flags);

/* ---- error queue, and control messages of streams (zs_errq.c) ---- */
/* A write with MSG_ZEROCOPY has put bytes into the send queue. */
void zs_sock_zc_sent(struct zs_sock *sk);
/* The first message of the error queue, MSG_ERRQUEUE: bytes of payload, which a stream's has not;
 * or -EAGAIN. */
ssize_t zs_sock_errqueue(struct zs_sock *sk, struct msghdr *msg);
/* recvmsg() is to tell when a datagram came: zs_stack_set_wall() first. */
bool zs_sock_tells_time(const struct zs_sock *sk);
/* What the options of the socket want said with received data; msg_controllen is set. */
void zs_sock_control(const struct zs_sock *sk, struct msghdr *msg);

/* ---- I/O (zs_zio.c); zero-copy ---- */
/*
 * Takes at most max bytes (TCP) or the next datagram, whole. >0 and *m yours; 0 = end of stream, *m
 * NULL, or an empty datagram, *m yours. -ENOBUFS: no buffer to split one with.
 */
ssize_t zs_sock_take(struct zs_sock *sk, struct rte_mbuf **m, size_t max, struct sockaddr *from,
		     socklen_t *from_len);
/* Bytes of the buffer that waits longest (small ones may be packed into it, see zs_tcp_pack());
 * 0 = none, or an empty datagram. */
size_t zs_sock_piece(struct zs_sock *sk);
/* A buffer waits: zs_sock_take() would return it (if max is not the limit). */
bool zs_sock_has_data(const struct zs_sock *sk);
/* Payload of the longest buffer that is sent as it is: a segment's, or UINT32_MAX: any. 0: what is
 * queued has its share of the buffers. */
uint32_t zs_sock_send_piece(const struct zs_sock *sk);
/* The application found no buffer to write with: ZS_EV_WRITE when it is worth another try. */
void zs_sock_await_buffers(struct zs_sock *sk);
/* At the end of a call that wrote: a SYN of Fast Open goes with that, whatever else was announced
 * (MSG_MORE). */
void zs_sock_written(struct zs_sock *sk);
/* Takes ownership of the chain on success only; returns its bytes. */
ssize_t zs_sock_give(struct zs_sock *sk, struct rte_mbuf *m, int flags, const struct sockaddr *to,
		     socklen_t to_len);
/* Of a datagram, which leaves as several of `segment` bytes; 0: as the socket has it. Also
 * -EOPNOTSUPP: a stream. */
ssize_t zs_sock_give_cut(struct zs_sock *sk, struct rte_mbuf *m, const struct sockaddr *to,
			 socklen_t to_len, uint16_t segment);
/* One piece of what waits in the receive queue; m stays the stack's. Laid out like struct z_iov,
 * which the facade gives in its place. */
struct zs_view {
	void *ptr;
	uint32_t len;
	uint32_t copied; /* 1: the stack copied it on arrival (pool low) */
	struct rte_mbuf *m;
} __attribute__((may_alias));
/* Views of the stream (first datagram) from offset off on; how many. 0 = end of stream, -EAGAIN:
 * nothing there. */
int zs_sock_peek(struct zs_sock *sk, struct zs_view *v, int max, size_t off);
/* Frees n bytes of the stream, at most what is there; or the first datagram. Returns bytes. */
ssize_t zs_sock_consume(struct zs_sock *sk, size_t n);
/*
 * TCP to TCP: whole buffers move from the one receive queue to the other send queue, at most max
 * bytes, without an allocation unless the first buffer is longer than max. Bytes moved, 0 at end of
 * stream, -EAGAIN: nothing to read or no room; otherwise the error of either side.
 */
ssize_t zs_sock_splice(struct zs_sock *from, struct zs_sock *to, size_t max);

#endif
