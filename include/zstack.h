/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Z-stack: zero-copy buffers and I/O. The stack hands out the buffers that the network device
 * filled, and sends the buffers that the application filled; a payload byte is written once.
 * Sockets, events and everything else of a program are those of ff_api.h: a descriptor may be used
 * with ff_ and z_ calls alike.
 *
 *	z_buf *b;
 *	ssize_t n = z_read(fd, &b, 65536);             // n bytes, b is yours
 *	...
 *	if (z_write(fd, b, n) < 0)                     // echo: on success b is the stack's again
 *		z_buf_free(b);                         // on failure it is still yours
 *
 * Rules of ownership
 * 1. A buffer has one owner. z_alloc, z_read and the like make it yours; z_write and the like take
 * it back on success, and only then. What is yours is freed with z_buf_free().
 * 2. The stack never changes a payload byte. It may write its headers in front of the payload of a
 * buffer that it owns and that nobody shares.
 * 3. A buffer is a chain of one or more pieces; all lengths count the whole chain.
 * 4. Who shares a buffer (z_buf_ref, z_buf_slice, z_buf_split) shares its bytes: z_buf_writable()
 * tells whether they may be written.
 * 5. What you have taken and not yet freed or sent counts against the receive window of its
 * connection: a program that collects buffers slows its peers down and not the network device. Such
 * a buffer is free when the last reference to it is, by z_buf_free() or by sending it. After
 * rte_pktmbuf_free() the stack learns of it only when it meets the buffer again; until then the
 * window is smaller, at worst by half.
 * 6. Payload is copied by z_buf_copy_out(), by ff_ calls into or out of memory of yours, and else
 * only so. Received: small payloads that wait, into one buffer (Z_F_COPIED): of a connection whose
 * unread data takes one and a half times its receive buffer, or of which you hold more than that
 * buffer, and of any while the pool is low; the first fragment of a datagram that somebody shares.
 * Sent: packets of more buffers than the device takes (af_xdp, memif with zero-copy=yes: one), and
 * where a VLAN's tag has no room in front.
 * 7. Received payload has no particular alignment; room from z_alloc() starts at a multiple of 64
 * bytes.
 * 8. A buffer stays with the thread that made or took it. What another core is to send goes there
 * as bytes.
 *
 * Errors: -1 or NULL with errno (Linux values). These are not repeated below. Of every call with
 * fd: EPERM: the calling thread has no stack (also of all that make buffers); EBADF, ENOTSOCK: not
 * a socket descriptor; EFAULT: NULL for an array or for where a result goes. EINVAL: NULL for a
 * buffer or a z_mem; calls that count something return 0 for NULL. EINTR: a call waited, outside
 * ff_run(), and ff_stop_run(), SIGINT or SIGTERM came before or meanwhile. All calls belong to the
 * thread that runs the stack. In a debug build a pointer to anything but a buffer, or
 * a buffer freed twice, ends the program with a message; one used after it was given away does not.
 */
#ifndef ZSTACK_H
#define ZSTACK_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A buffer. In library mode a z_buf * is a struct rte_mbuf *: either may be cast to the other. */
typedef struct z_buf z_buf;
/* Memory of the application's that buffers may point into. */
typedef struct z_mem z_mem;

enum {
	Z_F_COPIED = 1, /* z_iov.flags: the stack copied some of these bytes, for want of buffers */
};

/* A contiguous piece of payload. */
struct z_iov {
	void *ptr;
	uint32_t len;	/* bytes */
	uint32_t flags; /* Z_F_COPIED */
	z_buf *buf;	/* the piece's buffer: borrowed, not to be freed */
};

/* ---- buffers ---- */

/*
 * A new buffer of length 0 with room for len bytes in one piece behind space for the stack's
 * headers. fd: the socket it is for, or -1 when that is not known; a hint. flags: 0. NULL: ENOBUFS:
 * too few buffers are left (the last quarter of each pool is kept for the network device and the
 * stack; of what references are made of, the last half), or what a TCP socket fd has queued is more
 * than a quarter of what is left: it becomes writable when it is worth another try; EMSGSIZE: no
 * pool has such rooms (z_max_room(); join several); EINVAL.
 */
z_buf *z_alloc(int fd, size_t len, unsigned flags);

/*
 * A new buffer of length len, its bytes not initialized: a chain of the pieces that fd sends best,
 * each as it is: of a segment's payload; or, where the device cuts segments (TSO) or fd is -1, as
 * long as the pools have them. z_buf_iov() tells where they are. flags: 0, or MSG_MORE: more of the
 * stream will follow, so a last piece shorter than the others is left out, and the buffer is
 * shorter than len (but never empty). NULL: ENOBUFS, as z_alloc(); EINVAL: len 0 or over 1 MiB.
 */
z_buf *z_alloc_chain(int fd, size_t len, unsigned flags);

/* The most that one z_alloc() can have room for, bytes; 0 without a stack. */
size_t z_max_room(void);

/* Payload bytes. */
size_t z_buf_len(const z_buf *b);

/* Describes the first `max` pieces; returns how many b has, which may be more. Nothing is copied or
 * taken. */
int z_buf_iov(const z_buf *b, struct z_iov *v, int max);

/*
 * Makes b n bytes longer at its end (its beginning) and returns where they go: n bytes in one
 * piece, not initialized. NULL: ENOSPC: no such room in the last (first) piece, or it is shared.
 */
void *z_buf_append(z_buf *b, size_t n);
void *z_buf_prepend(z_buf *b, size_t n);

/*
 * Cuts b at off: b keeps [0, off), the rest is returned and yours. 0 < off < length. No payload is
 * copied; where the cut goes through a piece, both sides share it afterwards. NULL, b unchanged:
 * EINVAL: off; ENOBUFS.
 */
z_buf *z_buf_split(z_buf *b, size_t off);

/* Appends b to a; b is a part of a then. -1: EOVERFLOW: too many pieces (65535); EINVAL: b
 * is a, or a part of it already. */
int z_buf_join(z_buf *a, z_buf *b);

/*
 * Another buffer with the same bytes, which both share and neither may write from now on: one
 * cached object for many sockets. b may be freed before it. NULL: EINVAL: b is empty; ENOBUFS: no
 * buffer, or some 32,000 references to b's bytes already.
 */
z_buf *z_buf_ref(z_buf *b);

/* The same for [off, off + len). NULL: EINVAL: range, or len 0; ENOBUFS. */
z_buf *z_buf_slice(z_buf *b, size_t off, size_t len);

/*
 * For who was told ENOBUFS by a call that names no socket (the ones above, z_alloc(-1)): fd, a
 * connection, becomes writable when it is worth another try. -1: EBADF, EOPNOTSUPP.
 */
int z_await_buffers(int fd);

/* 1 when nobody else shares any piece of b, so that its bytes may be written; else 0. */
int z_buf_writable(const z_buf *b);

/* Copies up to n bytes from offset off to dst; returns bytes copied. Counted in z_stats.copies. */
size_t z_buf_copy_out(const z_buf *b, size_t off, void *dst, size_t n);

/*
 * Empties b for use as a new one: one piece, length 0, space for headers in front. A received
 * buffer so becomes the buffer of the answer. The room of a shared piece is not b's own: nothing
 * can be appended then.
 */
void z_buf_reset(z_buf *b);

/* Frees b. NULL is allowed. */
void z_buf_free(z_buf *b);

/*
 * Calls fn(arg, status) once when the stack is done with b: status 0: the peer acknowledged its
 * last byte (a datagram: it was handed to the device); -errno: the connection ended before;
 * -ECANCELED: b was freed unsent. fn runs at the end of a turn of the stack: in ff_run() before the
 * loop function; elsewhere inside whatever call waits or polls, and it must not close the
 * descriptor of that call. It may call anything else, and does not block. Belongs to the last piece
 * of b: what is joined behind it does not delay it. What is sent as one datagram has eight at most.
 * A buffer with a completion is freed with z_buf_free(), not with rte_pktmbuf_free(). -1: EBUSY: b
 * has one already; EINVAL: fn NULL; ENOMEM; EPERM.
 */
typedef void (*z_done_fn)(void *arg, int status);
int z_buf_on_done(z_buf *b, z_done_fn fn, void *arg);

/* ---- the application's own memory ---- */

/*
 * Declares [addr, addr + len) as memory that buffers may point into; it stays the application's,
 * and must stay mapped until z_mem_unregister(). It is the calling core's: others register it as
 * well. flags: 0. Only where the driver reads packets with the CPU, in this process, and each core
 * has a transmit queue of its own: tap, af_packet, af_xdp, vhost, ring, pcap, null. NULL: EINVAL;
 * EFAULT: not all of it is mapped; ENOTSUP: some port is another (a network card, memif,
 * virtio_user), or the program is one of several processes (--proc-id); ENOMEM; EPERM.
 */
z_mem *z_mem_register(void *addr, size_t len, unsigned flags);

/* 0; -1: EBUSY while buffers point into it; EINVAL: NULL, or another core's. */
int z_mem_unregister(z_mem *mem);

/*
 * A buffer of the len bytes at ptr inside mem: sent without a copy. When the last reference is
 * gone, the device's included, fn(arg, status) is called as z_buf_on_done() says (0 also when the
 * buffer was freed unsent); until then the bytes must not change. fn may be NULL. Takes no other
 * completion. NULL: EINVAL: not inside mem, mem another core's, len 0 or over 1 MiB; ENOBUFS;
 * ENOMEM; EPERM.
 */
z_buf *z_buf_wrap(z_mem *mem, void *ptr, size_t len, z_done_fn fn, void *arg);

/* ---- receiving ---- */

/*
 * Takes up to nbytes of the stream, or the next datagram (whole, whatever nbytes). bufp is the
 * address of a z_buf *, struct rte_mbuf * or void *. Returns bytes, and *bufp is yours; 0: end of
 * stream, *bufp is NULL (an empty datagram: *bufp is not NULL and yours). What you do not give
 * back closes the window, and of small payloads you may get a copy: rules 5, 6. -1, *bufp NULL:
 * EAGAIN; ENOTCONN; EINVAL: nbytes 0; ENOBUFS: no buffer to split one with; ECONNRESET, ETIMEDOUT
 * and other errors of the connection, once.
 */
ssize_t z_read(int fd, void *bufp, size_t nbytes);

/*
 * Looks at what has been received, from offset off on, without taking it: fills up to max pieces
 * and returns how many. They stay valid until the next call that takes from fd, its close or, after
 * SHUT_RD, the next turn of the stack. 0: end of stream; also of a datagram that has nothing beyond
 * off. -1: EAGAIN: nothing (beyond off); EINVAL: max below 0; others as z_read. Never blocks.
 */
int z_peek(int fd, struct z_iov *v, int max, size_t off);

/*
 * Is done with the first nbytes of what has been received; a datagram goes as a whole. Returns
 * bytes released, at most INT_MAX, 0 where there is nothing; -1: ENOTCONN: a listener.
 */
int z_consume(int fd, size_t nbytes);

/*
 * Takes up to max received buffers as they are, one piece each, or datagrams, one each. from (NULL,
 * or an array of max) gets the senders of datagrams. Returns how many; 0: end of stream; -1 as
 * z_read. All are yours.
 */
int z_recv_bufs(int fd, z_buf **v, int max, struct sockaddr_storage *from);

/* A datagram of a batch. */
struct z_dgram {
	z_buf *buf;	       /* payload */
	struct sockaddr *addr; /* received: gets the sender; sent: where to. NULL: of no interest,
				  or to the connected peer */
	socklen_t addrlen;     /* of *addr; received: its room, then the length of the address */
	uint32_t len;	       /* payload bytes, received or sent */
	uint16_t segment;      /* sent: leaves as datagrams of so many bytes each, the last one of
				  what is left (UDP_SEGMENT); 0: as the socket is set to. Received:
				  came as such (UDP_GRO); 0: as one */
	int error;	       /* sent: 0, or why it was not */
};

/*
 * Takes up to max datagrams, as recvmmsg() does: buf, len, segment and *addr of each. All buffers
 * are yours. Waits, unless told not to, for the first one only. flags: MSG_DONTWAIT. Returns how
 * many; 0: nothing is left after SHUT_RD; -1: as z_read; EOPNOTSUPP: a stream; EINVAL: max 0.
 */
int z_recv_dgrams(int fd, struct z_dgram *v, int max, int flags);

/* ---- sending ---- */

/*
 * Sends b whole: nbytes must be its length. Returns nbytes, and b is the stack's; or -1, and b is
 * still yours, never a part of it: EAGAIN: no room in the send buffer (any room at all takes all of
 * b); EMSGSIZE: longer than 1 MiB, or than a datagram may be; EPIPE; ENOTCONN; EINVAL: not a
 * buffer, not of this length, empty (a datagram may be), or more than eight completions in a
 * datagram; ENOBUFS; for datagrams also EDESTADDRREQ, ENETUNREACH, EACCES; errors of the
 * connection, once.
 */
ssize_t z_write(int fd, const void *b, size_t nbytes);

/*
 * Sends n buffers one after the other; datagrams: one each. flags: MSG_MORE: more follows, do not
 * send a short segment yet; MSG_DONTWAIT. Returns how many were taken, those are the stack's; -1 as
 * z_write when it is none.
 */
int z_send_bufs(int fd, z_buf *const *v, int n, int flags);

/*
 * z_write for a datagram to an address, or to the connected peer (to NULL). flags: MSG_DONTWAIT.
 * Returns bytes. -1: as z_write; EAFNOSUPPORT: an address of another family; EINVAL: also tolen,
 * port 0, or more than eight completions of z_buf_on_done(); EADDRINUSE: no local port is free.
 */
ssize_t z_sendto_buf(int fd, z_buf *b, const struct sockaddr *to, socklen_t tolen, int flags);

/*
 * Sends n datagrams, each for itself. One that was sent has error 0, its bytes in len, and NULL in
 * buf: it is the stack's. One that was not keeps its buffer, which is yours as before, and error
 * says why: as z_sendto_buf; EINVAL: also more than 64 segments, or longer ones than the path
 * takes. After ENOBUFS the rest is not tried and has that error too. flags: none has an effect.
 * Returns how many were sent; -1 with the error of the first when it is none; EOPNOTSUPP: a stream;
 * EINVAL: n 0.
 */
int z_send_dgrams(int fd, struct z_dgram *v, int n, int flags);

/* Bytes of room in the send buffer; 0 also on error (errno). */
size_t z_send_space(int fd);

/* *bytes: what the peer has acknowledged since the connection began. 0; -1: EOPNOTSUPP: not TCP. */
int z_acked(int fd, uint64_t *bytes);

/* ---- moving ---- */

/*
 * Moves up to max bytes from what `from` has received to what `to` sends, without touching them.
 * flags: 0. Waits where the side that is to blame blocks. Returns bytes; 0: end of stream. -1:
 * EAGAIN: nothing to move or no room; ENOBUFS: too few buffers for now; EINVAL: not two
 * connections, max 0; else the error of either side.
 */
ssize_t z_splice(int from, int to, size_t max, unsigned flags);

/*
 * From now on everything that a receives is sent on b and the other way round, inside the stack. At
 * most `high` bytes are queued for sending on a side; when that is reached, moving goes on at `low`
 * (0, 0: as the send buffers allow). The end of one side's stream is passed on; an error on one
 * side resets the other (when it is closed, if max_conns are in use). The application keeps both
 * descriptors, reads and writes neither, and closes them when both have EPOLLHUP (EV_EOF of
 * EVFILT_WRITE), or one has an error: one alone may have received what was not passed on yet, and
 * closing one ends the arrangement. 0; -1: EINVAL: not two connections, low > high; EBUSY: one of
 * them is arranged already; ENOMEM.
 */
int z_splice_auto(int a, int b, size_t low, size_t high);

/* ---- contexts: an application may own its loop ---- */

/*
 * A turn of this thread's stack: receives, fires timers, sends; and up to budget - 1 more while
 * they bring news. Returns how many sockets had something to tell: ask with ff_kevent or
 * ff_epoll_wait (timeout 0). Never sleeps. Not needed inside ff_run(), where it does nothing and
 * returns 0. -1: EPERM.
 */
int z_poll(int budget);

/*
 * A descriptor of the kernel's that is readable when z_poll() is due, for the loop of an
 * application that waits for other things too: poll(), select() and epoll (level-triggered) take
 * it, nobody reads from it, and the library keeps it (always the same one). It is readable when a
 * packet has come, a timer is due, a call has left something to do, or the last z_poll() had
 * news, for there may be more; and not any more after a z_poll() that found nothing to do. So a
 * loop goes
 *
 *	epoll_wait(ep, ...);              with z_ctx_fd() in ep
 *	z_poll(32);
 *	ff_kevent(..., &zero) or ff_epoll_wait(..., 0), and the work
 *
 * and costs no system call of ours while there is something to do. A device without receive
 * interrupts, and `idle=poll`, make it readable every now and then, at least every 4 ms
 * (`idle=powersave`: 10 ms). Of no use inside ff_run(). -1: EPERM; ENOSYS: not in this build;
 * EMFILE.
 */
int z_ctx_fd(void);

/*
 * What this thread does without work, from now on; `idle` in the configuration is what it does
 * until then. For a program, or a part of it, that cannot wait for a core to wake. 0; -1: EPERM;
 * EINVAL: none of these; ENOSYS: not in this build.
 */
enum z_idle {
	Z_IDLE_ADAPTIVE,  /* polls on for a while after the last work, then sleeps */
	Z_IDLE_POLL,	  /* polls on */
	Z_IDLE_POWERSAVE, /* sleeps at once */
};
int z_set_idle(enum z_idle mode);

/* ---- introspection ---- */

/* Counters of this thread's stack since its start. */
struct z_stats {
	uint64_t rx_packets, rx_bytes, tx_packets, tx_bytes;
	uint64_t copies;     /* payload bytes that the library copied (rule 6) */
	uint64_t allocs;     /* buffers that the stack took from its pools for sending */
	uint64_t buf_allocs; /* buffers that z_ calls took from the pools: z_alloc, z_buf_ref and so
				on */
	uint64_t tx_in_place; /* segments whose headers went in front of their payload */
	uint64_t tx_indirect; /* segments of a header buffer and references */
	uint64_t tx_refused;  /* packets that the device did not take at once */
	uint64_t drops;	      /* packets dropped, for whatever reason: z_drops_get() */
	uint64_t tcp_segs_in, tcp_segs_out, tcp_segs_retx;
	uint64_t tcp_conns_opened, tcp_conns_accepted, tcp_conns_closed, tcp_conns_reset;
	uint64_t turns, busy_turns; /* of the loop; 0 where it does not count */
	uint64_t total_cycles,
		busy_cycles; /* TSC cycles of the loop, and of turns that did something */
	uint64_t cycles_hz;
	uint64_t bufs_in_use; /* buffers of all pools that somebody holds now: application, queues,
				 device rings; of the whole process */
	uint64_t handed_over, taken_over; /* packets given to, got from other cores' stacks */
	uint64_t tx_large; /* packets of several segments, for the device to cut (TSO) */
	uint64_t sleeps, slept_cycles; /* 1 - slept_cycles / total_cycles is the share of its core
					  that the loop uses */
	uint64_t wakes_packet, wakes_timer; /* what ended sleeps: packets, or time and all else */
};

/* Fills the first `size` bytes of *st (sizeof(*st)). 0; -1: EPERM. */
int z_stats_get(struct z_stats *st, size_t size);

/* A reason to drop packets, and how often it applied. */
struct z_drop {
	const char *name; /* such as "tcp_window"; static */
	uint64_t count;
};

/* Fills up to max reasons that have applied; returns how many have, which may be more. -1: EPERM.
 */
int z_drops_get(struct z_drop *v, int max);

/* ---- many cores: ff_run() drives a stack on each, with a thread of its own ---- */

/*
 * How many this process has, and which of them is this thread's, from 0 on: 1 and 0 with a process
 * for each core (--proc-id). -1: EPERM.
 */
int z_cores(void);
int z_core(void);

enum { Z_ALL_CORES = -1 };

/*
 * z_stats_get() and z_drops_get() of one core, or the sums of all. Of a core that is at work the
 * numbers may be a little old. -1: EPERM; EINVAL: there is no such core.
 */
int z_core_stats_get(int core, struct z_stats *st, size_t size);
int z_core_drops_get(int core, struct z_drop *v, int max);

#ifdef __cplusplus
}
#endif

#endif
