/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * TCP scripts: one stack in virtual time, the test plays its peer segment by segment.
 *
 * Numbers in a script are relative: 0 is the SYN of either side, 1 the first byte. The peer's SYN
 * is near the end of sequence space, so every script of more than 16 bytes wraps. Payload is a
 * pattern of its position, verified on the wire (tt_expect) and in the application (tt_read).
 * Frames are built and taken apart here, without the stack's own wire code; every emitted frame has
 * its addresses, lengths and checksums verified. ARP is answered behind the scenes.
 *
 * Options are text, in the order of the wire, for both directions:
 *	"mss 1460,sackOK,ts,nop,wscale 7"   "nop,nop,sack 5:9 1:3"   "eol"   "" (none)
 * In a segment to the stack "ts" takes val and ecr from .tsval/.tsecr, or the peer's clock and the
 * last value seen when these are 0. NULL: a timestamp when negotiated, else none. In an expectation
 * NULL is "whatever".
 *
 * Every script runs over IPv4, and over IPv6 where the environment has TT_IP6. There MTUs are 20
 * bytes larger, so that the MSS is the same.
 */
#ifndef TT_H
#define TT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/tcp/zs_tcp.h"
#include "core/zs_stack.h"

enum {
	TT_PEER_ISN = (int)0xfffffff0,
	TT_PORT = 80,	      /* of our listener */
	TT_PEER_PORT = 40000, /* of the peer's first connection */
	TT_WND0 = 0x10000,    /* .wnd: zero window */
	TT_MAX_CONNS = 16,
	TT_MAX_SACK = 4,
	TT_MS = 1000,
	TT_S = 1000 * 1000,
	TT_SLACK_US = 130, /* a timer may be one tick late, and rounds up to a tick */
};

/* The ECN field of the IP header (RFC 3168 5). In an expectation 0 is any. */
enum tt_ecn { TT_ECT1 = 1, TT_ECT0 = 2, TT_CE = 3, TT_NOT_ECT = 4 };

/* A segment in relative numbers. */
struct tt_seg {
	const char *flags; /* letters of SFRPAUEC; an expectation ignores P unless .psh is set */
	uint32_t seq, ack, len;
	uint32_t wnd; /* as on the wire; 0: the usual one (in), any (out) */
	const char *opt;
	uint32_t tsval, tsecr;
	bool psh;	/* expectation: P must be as in flags */
	bool hold;	/* in: wait for the next segment and arrive in one burst with it */
	uint32_t junk;	/* in: so many bytes at the start are not the stream's, but zeros */
	bool bad_cksum; /* in: wrong TCP checksum */
	uint8_t doff;	/* in: header length in words instead of the right one */
	uint16_t cut; /* in: bytes missing at the end of the frame, lengths as if they were there */
	uint16_t urg;
	uint8_t ecn; /* enum tt_ecn of the IP header */
};

/* An emitted segment, decoded. */
struct tt_out {
	uint64_t at_us; /* since the script began */
	uint16_t sport, dport;
	uint32_t seq, ack; /* absolute */
	uint8_t flags;
	uint16_t wnd;
	uint32_t len;
	bool has_ts;
	uint32_t tsval, tsecr;
	uint16_t mss;
	int wscale; /* -1: absent */
	unsigned n_sack;
	uint32_t sack[TT_MAX_SACK][2]; /* absolute */
	uint8_t tos, ttl;
	bool df;
	uint8_t opt[40];
	unsigned opt_len;
	uint8_t *payload; /* on the heap */
};

/* What the two sides know of one connection. */
struct tt_conn {
	struct zs_tcb *tcb; /* NULL: not ours to use (half-open, or closed by the application) */
	uint16_t port, peer_port;
	uint32_t peer_isn, iss; /* iss: from our last SYN */
	bool iss_known;
	bool ts;	     /* peer puts timestamps on its segments */
	uint32_t tsecr;	     /* last TSval seen of ours */
	uint16_t wnd;	     /* usual window of the peer, as on the wire */
	uint32_t sent, read; /* bytes the application wrote and read */
	uint32_t edge; /* right edge of the window last offered to the peer, relative (unscaled) */
	uint32_t wnd_out; /* window field of that segment */
	uint32_t seq,
		ack; /* after tt_enter(): what the peer's next segment carries, all acknowledged */
	unsigned events; /* ZS_EV_* raised since tt_take_events() */
};

struct tt_held;

struct tt {
	struct zs_stack *s;
	struct zs_config cfg;
	uint64_t now, t0;
	struct zs_listener *listener;
	unsigned listener_events;
	struct tt_conn conn[TT_MAX_CONNS], *c; /* c: the one scripts speak of */

	bool hold_tx;	 /* keep emitted buffers as a slow device does, until tt_release_tx() */
	unsigned refuse; /* env->tx refuses so many calls */
	bool no_arp;	 /* the peer does not answer ARP */
	unsigned arp_requests;

	/* internal */
	const struct tt_case *tcase;
	struct tt_out out[4096];
	unsigned out_head, out_tail;
	struct tt_held *held;
	void *burst[64];
	unsigned n_burst;
	bool arp_due, no_such_mtu; /* that IPv6 has no room for */
	struct {
		uint8_t bytes[1400];
		unsigned len;
	} icmp_out;
};

struct tt_case {
	void (*fn)(struct tt *t);
	void (*config)(struct zs_config *cfg); /* tweaks before the stack is made, or NULL */
};

int tt_setup(void **state);
void tt_run(void **state);
int tt_teardown(void **state);

/* One row of a cmocka table. */
#define TT(fn) TT_CFG(fn, NULL)
#define TT_CFG(fn, config)                                                                         \
	{                                                                                          \
#fn, tt_run, tt_setup, tt_teardown, &(struct tt_case)                              \
		{                                                                                  \
			fn, config                                                                 \
		}                                                                                  \
	}

/* ---- the peer speaks ---- */
void tt_in_(struct tt *t, struct tt_seg seg, const char *file, int line);
#define tt_in(t, flags_, seq_, ack_, len_, ...)                                                    \
	tt_in_(t,                                                                                  \
	       (struct tt_seg){ .flags = (flags_),                                                 \
				.seq = (seq_),                                                     \
				.ack = (ack_),                                                     \
				.len = (len_),                                                     \
				__VA_ARGS__ },                                                     \
	       __FILE__, __LINE__)
/* A whole IP packet (header without checksum, which is filled in) or frame of any bytes. */
void tt_in_frame(struct tt *t, const void *frame, size_t len);
/* ICMP error, or what IPv6 has in its place, quoting our segment of the connection with sequence
 * number seq (relative). */
void tt_in_icmp(struct tt *t, uint8_t type, uint8_t code, uint16_t mtu, uint32_t seq);

/* ---- what the stack must answer ---- */
void tt_expect_(struct tt *t, struct tt_seg want, const char *file, int line);
#define tt_expect(t, flags_, seq_, ack_, len_, ...)                                                \
	tt_expect_(t,                                                                              \
		   (struct tt_seg){ .flags = (flags_),                                             \
				    .seq = (seq_),                                                 \
				    .ack = (ack_),                                                 \
				    .len = (len_),                                                 \
				    __VA_ARGS__ },                                                 \
		   __FILE__, __LINE__)
/* Nothing is said until us have passed, then this (up to slack later). Leaves time at the emission.
 */
void tt_expect_after_(struct tt *t, uint64_t us, uint64_t slack, struct tt_seg want,
		      const char *file, int line);
#define tt_expect_after(t, us, flags_, seq_, ack_, len_, ...)                                      \
	tt_expect_after_(t, us, TT_SLACK_US,                                                       \
			 (struct tt_seg){ .flags = (flags_),                                       \
					  .seq = (seq_),                                           \
					  .ack = (ack_),                                           \
					  .len = (len_),                                           \
					  __VA_ARGS__ },                                           \
			 __FILE__, __LINE__)
/* The same within [lo, hi] microseconds from now. */
#define tt_expect_within(t, lo, hi, flags_, seq_, ack_, len_, ...)                                 \
	tt_expect_after_(t, lo, (hi) - (lo) + TT_SLACK_US,                                         \
			 (struct tt_seg){ .flags = (flags_),                                       \
					  .seq = (seq_),                                           \
					  .ack = (ack_),                                           \
					  .len = (len_),                                           \
					  __VA_ARGS__ },                                           \
			 __FILE__, __LINE__)
/* n segments of `mss` bytes one behind the other, the first at seq. */
void tt_expect_run_(struct tt *t, uint32_t seq, uint32_t ack, uint32_t mss, unsigned n,
		    const char *file, int line);
#define tt_expect_run(t, seq, ack, mss, n) tt_expect_run_(t, seq, ack, mss, n, __FILE__, __LINE__)
void tt_expect_none_(struct tt *t, const char *file, int line);
#define tt_expect_none(t) tt_expect_none_(t, __FILE__, __LINE__)
/* Silence for us microseconds. */
#define tt_expect_quiet(t, us) (tt_expect_none(t), tt_advance(t, us), tt_expect_none(t))
/* Next emitted segment for tests that look themselves; NULL when there is none. Valid until the
 * next tt call. */
const struct tt_out *tt_next(struct tt *t);
/* Relative sequence and acknowledgment number of it. */
uint32_t tt_seq(const struct tt *t, const struct tt_out *o);
uint32_t tt_ack(const struct tt *t, const struct tt_out *o);
unsigned tt_pending(const struct tt *t); /* emitted and not yet looked at */
void tt_drain(struct tt *t);		 /* forget them */

/* ---- time ---- */
void tt_advance(struct tt *t, uint64_t us);
void tt_turn(struct tt *t); /* flush and take what comes, no time passes */
void tt_release_tx(
	struct tt *t); /* the device is done with all it held; checks that nobody wrote to it */

/* ---- connections ---- */
struct tt_opts {
	const char *opt; /* of the peer's SYN or SYN-ACK; NULL: "mss 1460,sackOK" */
	uint16_t wnd;	 /* of all the peer's segments, 0: 65535 */
	uint32_t rtt_us; /* the handshake takes so long */
};
void tt_use(struct tt *t, unsigned i); /* scripts speak of connection i from now on */
void tt_listen(struct tt *t, int backlog);
/* Listens if need be, and shakes hands: c->tcb is accepted and ESTABLISHED, nothing pending. */
void tt_connect_passive_(struct tt *t, struct tt_opts o, const char *file, int line);
#define tt_connect_passive(t, ...)                                                                 \
	tt_connect_passive_(t, (struct tt_opts){ __VA_ARGS__ }, __FILE__, __LINE__)
/* Brings connection c into a state by the shortest way; the application holds the tcb where there
 * is one. */
void tt_enter_(struct tt *t, enum zs_tcp_state st, const char *file, int line);
#define tt_enter(t, st) tt_enter_(t, st, __FILE__, __LINE__)
/* Resets connection c and makes it a new one with ports never used before: for loops in one script.
 */
void tt_fresh(struct tt *t);
void tt_accept(struct tt *t); /* c->tcb; fails when there is none */
void tt_open(struct tt *t);   /* c->tcb, closed */
int tt_connect(struct tt *t); /* opens if need be; the SYN is pending afterwards */
void tt_connect_active_(struct tt *t, struct tt_opts o, const char *file, int line);
#define tt_connect_active(t, ...)                                                                  \
	tt_connect_active_(t, (struct tt_opts){ __VA_ARGS__ }, __FILE__, __LINE__)

/* ---- the application ---- */
void tt_send(struct tt *t, uint32_t n); /* n bytes of pattern, copied in; all must fit */
int64_t tt_send_more(struct tt *t, uint32_t n, unsigned flags); /* the same with flags and result */
int tt_send_bufs(struct tt *t, uint32_t n,
		 uint32_t piece); /* zero-copy: a chain of buffers of piece bytes */
void tt_read_(struct tt *t, uint32_t n, const char *file, int line);
#define tt_read(t, n)                                                                              \
	tt_read_(t, n, __FILE__, __LINE__) /* exactly n bytes wait; takes and verifies them */
void tt_read_some_(struct tt *t, uint32_t n, const char *file, int line);
#define tt_read_some(t, n) tt_read_some_(t, n, __FILE__, __LINE__) /* more may wait */
void tt_close(struct tt *t);
void tt_abort(struct tt *t);
void tt_shutdown(struct tt *t, unsigned how);

/* ---- what is ---- */
enum zs_tcp_state tt_state(struct tt *t);
void tt_expect_state_(struct tt *t, enum zs_tcp_state want, const char *file, int line);
#define tt_expect_state(t, want) tt_expect_state_(t, want, __FILE__, __LINE__)
/* ep.error, which is cleared by looking. */
int tt_take_error(struct tt *t);
unsigned tt_take_events(struct tt *t);
struct zs_tcp_info tt_info(struct tt *t);
uint64_t tt_drops(const struct tt *t, enum zs_drop why);
const struct zs_stats *tt_stats(const struct tt *t);
struct zs_stack_counts tt_counts(const struct tt *t);
uint64_t tt_time(const struct tt *t); /* us since the script began */
unsigned tt_live_mbufs(void);
/* No buffer for headers and references can be had while on. */
void tt_starve(bool on);
/* The packet pool, and that for headers and references, have no more than n. */
void tt_pool(uint32_t n);
void tt_headers(uint32_t n);

/* ---- wire (tt_wire.c) ---- */
struct tt_ends {
	uint8_t mac[6], peer_mac[6];
	uint32_t ip, peer_ip; /* host order */
};
extern const struct tt_ends tt_ends;
bool tt_v6(void);
uint8_t tt_family(void);
unsigned tt_l34(void); /* bytes in front of TCP */
/* The address of the script's family that goes by this one of IPv4, in host order. */
struct zs_addr tt_addr(uint32_t ip);
uint8_t tt_flags(const char *letters);
const char *tt_flags_text(uint8_t flags); /* in a static buffer */
uint8_t tt_peer_byte(uint32_t rel);	  /* payload patterns: of the peer, and of ours */
uint8_t tt_our_byte(uint32_t rel);
uint16_t tt_cksum(const void *p, size_t len,
		  uint32_t sum); /* folded, not complemented, big endian value */
/* The same over a transport segment of this protocol with its pseudo header. */
uint16_t tt_l4_cksum(const void *l4, size_t len, uint8_t proto, bool from_peer);
/* IPv6 header from the peer. */
void tt_ip6_build(uint8_t *ip, size_t l4_len, uint8_t next, uint8_t hop);
unsigned tt_opt_build(const struct tt_conn *c, const struct tt_seg *seg, uint32_t tsval,
		      uint8_t out[40]);
void tt_opt_text(const struct tt_conn *c, const struct tt_out *o, char *buf, size_t size);
/* Ethernet + IP + TCP frame of seg; returns its length. buf of at least 128 + seg->len bytes. */
size_t tt_frame_build(const struct tt_conn *c, const struct tt_seg *seg, uint32_t tsval,
		      uint8_t *buf);
/* Decodes and verifies an emitted TCP frame; returns a reason when something is wrong. */
const char *tt_frame_parse(const uint8_t *f, size_t len, struct tt_out *o);

#endif
