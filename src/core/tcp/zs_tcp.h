/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * TCP as the socket layer uses it: open, bind, connect, listen, accept, move data, close. A tcb
 * belongs to its socket until zs_tcp_close() or zs_tcp_abort(), which orphan or free it: the
 * pointer is not to be used afterwards. A tcb that was reset or timed out stays (state CLOSED,
 * ep.error set) until then.
 */
#ifndef ZS_TCP_H
#define ZS_TCP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/zs_ep.h"
#include "core/zs_flow.h"
#include "core/zs_pkt.h"

struct zs_pktinfo;
struct zs_stack;
struct zs_tcb;

enum zs_tcp_state {
	ZS_CLOSED,
	ZS_LISTEN,
	ZS_SYN_SENT,
	ZS_SYN_RCVD,
	ZS_ESTABLISHED,
	ZS_FIN_WAIT_1,
	ZS_FIN_WAIT_2,
	ZS_CLOSING,
	ZS_TIME_WAIT,
	ZS_CLOSE_WAIT,
	ZS_LAST_ACK,
	ZS_NSTATES
};

const char *zs_tcp_state_name(enum zs_tcp_state st);

enum { ZS_FIN_WAIT2_NONE = UINT8_MAX };

/* Per-connection options; a listener's are inherited by what it accepts. */
struct zs_tcp_opts {
	bool nodelay, keepalive, reuseaddr, reuseport;
	bool cork : 1;
	bool tfo_connect : 1;	/* connect leaves the SYN to the first write */
	bool tfo_no_cookie : 1; /* data in the SYN without a cookie */
	bool lowat_given : 1;	/* notsent_lowat is the application's, not the stack's */
	bool freebind : 1;	/* bound to an address that may become ours later */
	/* of datagrams, kept without effect: SO_BROADCAST, IP_RECVERR, IPV6_RECVERR */
	bool broadcast : 1, recverr : 1, recverr6 : 1;
	uint8_t cc; /* enum zs_cc_kind */
	uint8_t tos, ttl;
	uint16_t maxseg;	/* upper bound of the MSS, 0 = none */
	uint16_t recv;		/* likewise: as struct zs_udp.recv */
	uint32_t notsent_lowat; /* unsent bytes above which writing waits; 0 = no limit */
	uint8_t keep_count;
	uint8_t syn_retries;	 /* 0 = the stack's */
	uint8_t defer_accept;	 /* SYN-ACKs to be sent again before a connection without data is
				    accepted; 0 = it is at once */
	uint8_t fin_wait2_s;	 /* of an orphan; 0 = the stack's, ZS_FIN_WAIT2_NONE = no time */
	uint32_t sndbuf, rcvbuf; /* fixed by the application; 0 = automatic */
	uint32_t keep_idle_ms, keep_intvl_ms;
	uint32_t user_timeout_ms; /* RFC 5482; 0 = by data_retries */
	uint32_t max_pacing_rate; /* bytes per second; 0 = no limit */
	uint32_t mark;		  /* SO_MARK: kept, without effect */
};

struct zs_listener {
	struct zs_ep ep;
	struct zs_list hash_link;
	struct zs_addr laddr; /* any = all */
	uint16_t lport;
	uint8_t family;
	bool dual;	  /* of IPv6 and bound to any: takes IPv4 as well */
	uint32_t backlog; /* limit of accept queue, and of half-open entries */
	uint32_t n_accept, n_half_open;
	uint64_t cookie_us; /* the last SYN cookie was given out; 0 = never */
	uint32_t tfo_qlen;  /* connections of Fast Open that may be in SYN-RECEIVED */
	bool has_tfo_key;   /* otherwise the stack's */
	uint8_t tfo_key[16];
	struct zs_list accept; /* tcbs ready, by tcb->accept_link */
	struct zs_tcp_opts opts;
};

int zs_tcp_init(struct zs_stack *s);
void zs_tcp_fini(struct zs_stack *s);

/* A closed tcb with the stack's default options; NULL when the table is full. */
struct zs_tcb *zs_tcp_open(struct zs_stack *s, uint8_t family);
struct zs_ep *zs_tcp_ep(struct zs_tcb *tcb);
struct zs_tcp_opts *zs_tcp_opts(struct zs_tcb *tcb);
/* After changing *zs_tcp_opts(): takes effect at once (Nagle release, buffers, keepalive, cc). */
void zs_tcp_opts_changed(struct zs_stack *s, struct zs_tcb *tcb);

/* TCP_QUICKACK: on: what is owed is acknowledged now and the next segments at once; off: delayed
 * ACKs from now on. */
void zs_tcp_quickack(struct zs_stack *s, struct zs_tcb *tcb, bool on);

/* Of a closed tcb that is not bound: its family, and whether it takes IPv4 too once it listens. */
void zs_tcp_set_family(struct zs_tcb *tcb, uint8_t family, bool dual);

/* port 0 = ephemeral. -EADDRINUSE, -EADDRNOTAVAIL, -EINVAL (bound already). */
int zs_tcp_bind(struct zs_stack *s, struct zs_tcb *tcb, const struct zs_addr *addr, uint16_t port);
/* Binds the address and leaves the port to connect, which knows the whole flow. -EADDRNOTAVAIL,
 * -EINVAL. */
int zs_tcp_bind_addr(struct zs_stack *s, struct zs_tcb *tcb, const struct zs_addr *addr);

/*
 * Sends a SYN; binds when necessary. Completion is ZS_EV_WRITE, failure ZS_EV_ERR | ZS_EV_HUP.
 * 0, -EISCONN, -EALREADY, -EADDRNOTAVAIL, -ENETUNREACH, -EADDRINUSE, -EOPNOTSUPP.
 */
int zs_tcp_connect(struct zs_stack *s, struct zs_tcb *tcb, const struct zs_addr *addr,
		   uint16_t port);

/*
 * The same with Fast Open (RFC 7413). 0: the SYN waits for the first data to take along; then
 * zs_tcp_send() or, without data, zs_tcp_syn_now() sends it. -EINPROGRESS: no cookie is known, the
 * SYN went out and asks for one. -EOPNOTSUPP: switched off.
 */
int zs_tcp_fastopen(struct zs_stack *s, struct zs_tcb *tcb, const struct zs_addr *addr,
		    uint16_t port);
/* The SYN waits for data. */
bool zs_tcp_syn_waits(const struct zs_tcb *tcb);
void zs_tcp_syn_now(struct zs_stack *s, struct zs_tcb *tcb);
/* The key and tfo_qlen of the listener that tcb will be. */
void zs_tcp_set_tfo_key(struct zs_tcb *tcb, const uint8_t key[16]);
const uint8_t *zs_tcp_tfo_key(const struct zs_tcb *tcb); /* NULL: not set */
void zs_tcp_set_tfo_qlen(struct zs_tcb *tcb, uint32_t qlen);
uint32_t zs_tcp_tfo_qlen(const struct zs_tcb *tcb);
/* Nothing can be read or written yet: the handshake has to come further first. */
bool zs_tcp_opening(const struct zs_tcb *tcb);
/* The peer has answered a SYN of this one, or sent one: there is, or was, a connection. */
bool zs_tcp_has_met(const struct zs_tcb *tcb);
/* Somebody sleeps until he may write: the ACK of the handshake can go with his data. */
void zs_tcp_writer_waits(struct zs_tcb *tcb, bool waits);

/* Consumes the bound (or unbound: ephemeral) tcb on success and puts the listener in *out. */
int zs_tcp_listen(struct zs_stack *s, struct zs_tcb *tcb, int backlog, struct zs_listener **out);
void zs_tcp_set_backlog(struct zs_listener *l, int backlog);
/* Next established connection; the caller sets its ep owner. NULL when none waits. */
struct zs_tcb *zs_tcp_accept(struct zs_stack *s, struct zs_listener *l);
/* Resets what waits for accept, forgets half-open entries. */
void zs_tcp_listener_close(struct zs_stack *s, struct zs_listener *l);

enum zs_tcp_state zs_tcp_state(const struct zs_tcb *tcb);
/* The state to tell others: closing begins with the call, also where data goes before our FIN. */
enum zs_tcp_state zs_tcp_shown_state(const struct zs_tcb *tcb);
/* Words that the socket layer keeps with a connection, zero at first. */
enum { ZS_TCP_WORDS = 2 };
uint32_t *zs_tcp_words(struct zs_tcb *tcb);
const struct zs_flow *zs_tcp_flow(const struct zs_tcb *tcb); /* laddr/lport/faddr/fport */
/* Where it is bound: any, when it was connect that chose flow.laddr. */
struct zs_addr zs_tcp_bound_addr(const struct zs_tcb *tcb);

/* ---- sending ---- */
enum zs_send_flag {
	ZS_SEND_MORE = 1, /* another write follows soon */
	ZS_SEND_EOR = 2,  /* and none shares the last segment of this one */
};

/* Bytes of room; a chain is accepted whole when there is any. */
uint32_t zs_tcp_send_space(const struct zs_tcb *tcb);
/* There is room; for who was refused some only once a third of the buffer is free: not for each ACK
 * a crumb. */
bool zs_tcp_writable(const struct zs_stack *s, struct zs_tcb *tcb);
/* The room is not enough: ZS_EV_WRITE by the next ACK after which a third of the buffer is free. */
void zs_tcp_await_room(struct zs_tcb *tcb);
/* What is queued has its share of the pool: there are no more buffers for it now. */
bool zs_tcp_has_share(const struct zs_stack *s, const struct zs_tcb *tcb);
/* The application found no buffer to write with: ZS_EV_WRITE when it is worth another try. */
void zs_tcp_await_buffers(struct zs_stack *s, struct zs_tcb *tcb);
/* Payload of the longest buffer that is sent as it is: a segment's, or UINT32_MAX: any. */
uint32_t zs_tcp_send_piece(const struct zs_stack *s, const struct zs_tcb *tcb);

/*
 * Queues the chain m whole and takes ownership on success (returns 0); its payload is never
 * changed. -EAGAIN no room, -EPIPE after shutdown or reset, -ENOTCONN, -EMSGSIZE over 1 MiB,
 * -EINVAL empty, -ENOBUFS: m stays the caller's.
 */
int zs_tcp_send(struct zs_stack *s, struct zs_tcb *tcb, struct rte_mbuf *m, unsigned flags);

/* Copies up to len bytes into the send queue (counted in stats.copies). Bytes accepted or -errno as
 * above. */
int64_t zs_tcp_send_copy(struct zs_stack *s, struct zs_tcb *tcb, const void *buf, size_t len,
			 unsigned flags);

/* What is queued goes out as far as the windows allow, whatever Nagle and cork say, once. */
void zs_tcp_push(struct zs_tcb *tcb);

/*
 * Times of what is written from now on (SO_TIMESTAMPING, zs_stamps.c): wants is of 1 << enum
 * zs_stamp_of, of the last byte of each write; 0 = no more. word is the socket layer's to keep, 0
 * at first. -ENOBUFS.
 */
enum zs_stamp_of {
	ZS_STAMP_SENT,	 /* given to the device */
	ZS_STAMP_QUEUED, /* the stack has taken it out of the send queue, to do so */
	ZS_STAMP_ACKED,
};
struct zs_stamp {
	uint32_t at_us; /* low bits of the stack's clock */
	uint32_t byte;	/* the last of a write, the first since times are wanted being 0 */
	uint8_t of;	/* enum zs_stamp_of */
};
int zs_tcp_stamps(struct zs_stack *s, struct zs_tcb *tcb, unsigned wants, uint32_t word);
uint32_t zs_tcp_stamps_word(const struct zs_tcb *tcb);
/* The oldest that was not taken; NULL: none. And takes it. */
const struct zs_stamp *zs_tcp_stamp(const struct zs_tcb *tcb);
void zs_tcp_stamp_done(struct zs_tcb *tcb);

/* Bytes acknowledged by the peer since the connection began. */
uint64_t zs_tcp_acked(const struct zs_tcb *tcb);

/* ---- receiving ---- */
uint32_t zs_tcp_readable(const struct zs_tcb *tcb);
/* The peer's FIN is next in the stream (all data before it may still be queued). */
bool zs_tcp_fin_received(const struct zs_tcb *tcb);
/* Oldest queued buffer, each showing its payload, linked by zs_seg(m)->next. Still the stack's. */
struct rte_mbuf *zs_tcp_rcvq(const struct zs_tcb *tcb);
/* Takes at most max bytes as one chain; ownership to the caller. NULL when nothing is queued (or no
 * mbuf for a split). */
struct rte_mbuf *zs_tcp_recv(struct zs_stack *s, struct zs_tcb *tcb, size_t max);
/*
 * The same, and what is taken is charged to the connection until zs_taken_drop() or zs_tcp_send()
 * of it (zs_taken.h). A connection that holds too much gets small payloads packed, see
 * zs_tcp_pack().
 */
struct rte_mbuf *zs_tcp_take(struct zs_stack *s, struct zs_tcb *tcb, size_t max);
/*
 * Where buffers are dear, because the pool is low or the application holds more than the whole
 * receive buffer: moves small payloads among the first max queued bytes together, so that what is
 * taken next is few full buffers. Counted in stats.copies.
 */
void zs_tcp_pack(struct zs_stack *s, struct zs_tcb *tcb, size_t max);
/* Puts back, in front, what zs_tcp_recv() has just returned and nobody has changed. */
void zs_tcp_unrecv(struct zs_tcb *tcb, struct rte_mbuf *m);
/* Frees n queued bytes (n <= readable). */
void zs_tcp_consume(struct zs_stack *s, struct zs_tcb *tcb, uint32_t n);
/* Copies out from offset off without consuming; returns bytes. Counted in stats.copies. */
size_t zs_tcp_copy_out(struct zs_stack *s, const struct zs_tcb *tcb, size_t off, void *dst,
		       size_t n);

/* ---- ending ---- */
enum zs_shutdown { ZS_SHUT_RD = 1, ZS_SHUT_WR = 2 };
int zs_tcp_shutdown(struct zs_stack *s, struct zs_tcb *tcb, unsigned how);
/* Orderly: sends what is queued, then FIN; RST instead when unread data waits (RFC 9293 3.6.1,
 * 1122 4.2.2.13). */
void zs_tcp_close(struct zs_stack *s, struct zs_tcb *tcb);
/* RST when synchronized; frees at once. */
void zs_tcp_abort(struct zs_stack *s, struct zs_tcb *tcb);

/* ---- introspection ---- */
struct zs_tcp_info {
	enum zs_tcp_state state;
	uint8_t ca_state; /* 0 nothing known lost, 1 fast recovery, 2 after a timeout */
	uint8_t retransmits, probes, backoff;
	bool ts, sack, wscale, ecn, ect_seen, app_limited, syn_data, syn_acked;
	bool no_ssthresh; /* ssthresh is as high as it gets */
	bool cwr;	  /* the window was reduced for a mark, less than a window of data ago */
	uint8_t snd_wscale, rcv_wscale;
	uint32_t rto_us, snd_mss, rcv_mss, adv_mss, srtt_us, rttvar_us, min_rtt_us;
	uint32_t dupacks;
	uint32_t cwnd, ssthresh;	       /* bytes */
	uint32_t inflight, sacked, lost, retx; /* bytes */
	uint32_t unacked;		       /* SND.NXT - SND.UNA */
	uint32_t reordering, reord_seen;       /* of segments: by how many, how often */
	uint32_t snd_wnd, rcv_wnd;
	uint32_t rcvbuf, sndbuf, rcv_mem, taken_mem, snd_queued, unsent;
	uint64_t bytes_acked, bytes_received, bytes_sent, bytes_retx;
	uint64_t segs_in, segs_out, total_retx;
	uint64_t delivered;		     /* bytes, without those of the SYN */
	uint64_t last_send_us, last_recv_us; /* stack time */
	uint64_t pacing_rate;		     /* bytes per second, 0 = not paced */
	uint64_t delivery_rate; /* of the last sample of a paced connection, likewise */
	/* how long something was to be delivered, and of that, waited for what: zs_limits.h */
	uint64_t busy_us, rwnd_limited_us, sndbuf_limited_us;
	uint32_t dsacks; /* duplicates that the peer reported */
	uint16_t pmtu;	 /* what fits the path, as far as it is known */
	bool quickack;	 /* the next segment is acknowledged at once */
	uint8_t cc;	 /* enum zs_cc_kind; what these two have learnt: */
	struct {
		uint64_t bytes_per_s;
		uint32_t min_rtt_us;
		uint16_t pacing_gain, cwnd_gain; /* in 1/256 */
	} bbr;
	struct {
		uint32_t alpha;		/* in 1/1024 */
		uint32_t marked, acked; /* bytes in this window of data */
		bool ce;		/* what came last was marked */
	} dctcp;
};
void zs_tcp_get_info(const struct zs_stack *s, const struct zs_tcb *tcb, struct zs_tcp_info *info);

/* Calls fn for each tcb in use, in table order. */
void zs_tcp_foreach(struct zs_stack *s, void (*fn)(void *arg, struct zs_tcb *tcb), void *arg);

/* ---- from the layers below ---- */
/* Consumes m, parsed as ZS_PKT_TCP; pi->ref is what the flow table found. */
void zs_tcp_input(struct zs_stack *s, struct rte_mbuf *m, struct zs_pktinfo *pi);
/*
 * An ICMP error quotes our segment of flow with this sequence number. hard: what it means to a
 * connection attempt (errno), 0 = nothing; mtu != 0: what fits the path.
 */
void zs_tcp_icmp_error(struct zs_stack *s, const struct zs_flow *flow, uint32_t seq, int hard,
		       uint32_t mtu);

#endif
