/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The transmission control block, and what is common to all who work on it: its pool, legal state
 * transitions, its timers, its place on the output list.
 *
 *   send queue    |<- acked ->|<---- in flight ---->|<- unsent ->|
 *                         snd_una                snd_nxt
 *                              (= tcb->sndq.head)    (= tcb->unsent)
 *
 * snd_nxt never goes back: what is lost is marked in its record (struct zs_seg) and sent again from
 * there. FIN takes the last number but has no record.
 */
#ifndef ZS_TCB_H
#define ZS_TCB_H

#include "base/zs_seq.h"
#include "core/tcp/zs_tcp.h"
#include "core/tcp/zs_tcptab.h"
#include "core/zs_state.h"
#include "wire/zs_tcpopt.h"

enum zs_tcb_flag {
	ZS_TF_ACK_NOW = 1u << 0,     /* an ACK goes out at the next flush */
	ZS_TF_TS = 1u << 1,	     /* timestamps negotiated (RFC 7323) */
	ZS_TF_SACK = 1u << 2,	     /* SACK negotiated (RFC 2018) */
	ZS_TF_WSCALE = 1u << 3,	     /* window scaling negotiated */
	ZS_TF_FIN_QUEUED = 1u << 4,  /* FIN follows the send queue */
	ZS_TF_FIN_SENT = 1u << 5,    /* FIN is at snd_nxt - 1 */
	ZS_TF_FIN_LOST = 1u << 6,    /* FIN is to be sent again */
	ZS_TF_FIN_RCVD = 1u << 7,    /* the peer's FIN was taken in order */
	ZS_TF_RD_SHUT = 1u << 8,     /* shut for reading: what comes is kept while there is room */
	ZS_TF_ORPHAN = 1u << 9,	     /* no socket any more */
	ZS_TF_SYN_SENT = 1u << 10,   /* our SYN is at iss */
	ZS_TF_MORE = 1u << 11,	     /* the last write announced more (MSG_MORE) */
	ZS_TF_WANT_SPACE = 1u << 12, /* a writer waits for room: raise WRITE when there is some */
	ZS_TF_FORCE = 1u << 13,	     /* send what is queued now whatever Nagle says, once */
	ZS_TF_BOUND = 1u << 14,	     /* on port_hash */
	ZS_TF_IN_TABLE = 1u << 15,   /* in the flow table */
	ZS_TF_CWND_FULL = 1u << 16,  /* cwnd stopped the last output */
	ZS_TF_NH_PENDING = 1u << 17, /* next hop's MAC address not known yet */
	ZS_TF_OOO_FIN = 1u << 18,    /* a FIN beyond a gap was seen, at fin_seq */
	ZS_TF_DSACK = 1u << 19,	     /* dsack holds a block to report (RFC 2883) */
	ZS_TF_SRC_CHOSEN = 1u << 20, /* flow.laddr is connect's choice, not bind's */
	ZS_TF_SYN_DUE = 1u << 21,    /* the SYN found no buffer */
	ZS_TF_SCORE = 1u << 22,	     /* its struct zs_score is in use */
	ZS_TF_SND_RULES = 1u << 23,  /* what is sent has rules of its own: zs_sndrules.h */
	ZS_TF_ECN = 1u << 24,	     /* ECN negotiated (RFC 3168) */
	ZS_TF_ECN_SYN = 1u << 25,    /* our last SYN asked for it */
	ZS_TF_ECT_SEEN = 1u << 26,   /* the peer sends ECT, and it gets here */
	ZS_TF_ECE = 1u << 27,	     /* CE was received: every ACK says so */
	ZS_TF_CWR = 1u << 28,	     /* the next new data says that the window was reduced */
	ZS_TF_ECN_CUT = 1u << 29,    /* it was for a mark, less than a window of data ago */
	ZS_TF_PACED = 1u << 30,	     /* its struct zs_pace is in use */
	ZS_TF_DUAL = 1u << 31,	     /* of IPv6, and takes IPv4 when it listens to any */
};

/* Of the opening: Fast Open (RFC 7413), and who waits for its end; and of the end of reading. */
enum zs_syn_flag {
	ZS_SY_WAITS = 0x01,   /* the SYN waits for data */
	ZS_SY_ASKED = 0x02,   /* the SYN carried a cookie or the request for one */
	ZS_SY_DATA = 0x04,    /* data of the SYN was accepted, by the peer or by us */
	ZS_SY_CHILD = 0x08,   /* a server's: may send in SYN-RECEIVED */
	ZS_SY_PENDING = 0x10, /* counted in tfo_pending */
	ZS_SY_KEY = 0x20,     /* tfo.key is set */
	ZS_SY_WRITER = 0x40,  /* somebody sleeps until he may write */
	ZS_SY_DEAF = 0x80,    /* shut for reading, and there was no room: all is discarded now */
};

enum zs_ca_state {
	ZS_CA_OPEN,	/* nothing known lost */
	ZS_CA_RECOVERY, /* fast recovery until snd_una passes recover (RFC 6675) */
	ZS_CA_LOSS,	/* after a retransmission timeout, likewise */
};

enum zs_tcb_timer {
	ZS_TT_RETX,    /* retransmission, and SYN: see enum zs_retx_kind */
	ZS_TT_PERSIST, /* zero window probes */
	ZS_TT_DELACK,
	ZS_TT_LIFE, /* keepalive; FIN-WAIT-2 of an orphan */
	ZS_TT_COUNT
};

/* What the retransmission timer waits for (RFC 8985 8: one timer for all three). */
enum zs_retx_kind {
	ZS_RETX_RTO,
	ZS_RETX_PTO,	 /* a tail loss probe */
	ZS_RETX_REORDER, /* the reordering window ends */
};

/* A tail loss probe (RFC 8985 7). */
enum zs_tlp {
	ZS_TLP_NONE,
	ZS_TLP_DUE,   /* goes out with the next output */
	ZS_TLP_NEW,   /* new data was sent as the probe, up to tlp_end */
	ZS_TLP_AGAIN, /* the last segment was sent again */
};

enum { ZS_HDR_MAX = 72 }; /* Ethernet 14, IPv4 20, TCP with timestamps 32, and room to align */

struct zs_cc_ops;
struct zs_ooo;

struct zs_tcb {
	/* line 0: demux and what steers a segment */
	struct zs_flow flow __attribute__((aligned(64)));
	uint32_t hash;
	uint32_t flags; /* enum zs_tcb_flag */
	uint8_t state;	/* enum zs_tcp_state */
	uint8_t ca_state;
	uint8_t snd_wscale, rcv_wscale;
	uint16_t mss;	  /* payload bytes of a full segment that we send */
	uint16_t rcv_mss; /* largest payload seen, for the ACK every second segment */
	uint16_t netif;
	uint8_t hdr_len;     /* of hdr: Ethernet to the end of TCP with its usual options */
	uint8_t quickack;    /* segments still to be acknowledged at once */
	uint8_t retx_count;  /* timeouts in a row without progress */
	uint8_t probes;	     /* keepalive or window probes unanswered */
	uint8_t probe_shift; /* window probes since the window closed: their backoff */
	uint8_t n_recent;

	/* line 1: sequence space; every segment */
	uint32_t rcv_nxt __attribute__((aligned(64)));
	uint32_t rcv_adv;   /* right edge of the window last advertised */
	uint32_t rcv_acked; /* rcv_nxt in the last segment sent: Last.ACK.sent of RFC 7323 */
	uint32_t snd_una, snd_nxt;
	uint32_t snd_wnd, snd_wl1, snd_wl2;
	uint32_t ts_recent, ts_recent_ms;
	uint32_t ts_off; /* added to our clock: TSval */
	uint32_t dupacks;
	uint32_t cwnd, ssthresh;
	uint32_t sacked,
		lost; /* bytes in flight with these marks; without SACK, sacked is a guess */

	/* line 2: send queue */
	struct zs_segq sndq __attribute__((aligned(64)));
	struct rte_mbuf *unsent; /* first record never sent */
	uint32_t retx;		 /* bytes marked RETX and not SACKED: sent again and in flight */
	uint32_t sndbuf;
	uint32_t srtt_us, rttvar_us, rto_us; /* srtt_us 0 = no sample yet */
	uint32_t recover;		     /* snd_nxt when recovery began, or at ZS_TF_ECN_CUT */
	uint64_t delivered;		     /* bytes known to have arrived */

	/* line 3: receive queue, links */
	struct zs_segq rcvq __attribute__((aligned(64)));
	struct zs_segq ooo; /* out of order: sorted by seq, not overlapping */
	struct zs_list out; /* on s->out when output is due */

	/* line 4: timers: one wheel node at the earliest deadline; 0 = off */
	uint64_t deadline[ZS_TT_COUNT] __attribute__((aligned(64)));
	struct zs_timer timer;

	/* lines 5 and 6: the header of a segment, events */
	uint8_t hdr[ZS_HDR_MAX] __attribute__((aligned(64)));
	uint32_t pseudo; /* checksum of the pseudo header without its length */
	uint32_t nh_gen; /* s->nh_gen when hdr was made */
	uint32_t nh_checked_ms;
	uint32_t fin_seq;
	struct zs_ep ep;
	uint64_t busy_us; /* zs_limits.h */

	/* line 7: congestion control, and bounds of both windows */
	uint64_t cc_priv[5] __attribute__((aligned(64)));
	uint32_t max_flight, flight_end; /* the largest flight lately, until that is all acked */
	uint32_t max_snd_wnd;
	uint32_t snd_small; /* end of the last segment sent that was not full (Minshall's Nagle) */
	uint32_t rcvbuf;
	uint32_t taken_mem; /* held by the application */

	/* line 8: times, and what they measure */
	uint64_t last_send_us __attribute__((aligned(64)));
	uint64_t last_recv_us;
	uint64_t stalled_us; /* after a timeout: since when nothing was acknowledged; 0 = no timeout
			      */
	uint32_t tune_start_us, tune_bytes; /* consumed by the application, since when */
	uint32_t min_rtt_us, rcv_rtt_us;
	uint32_t taken_gen; /* with its index, the name of this connection in what it holds */
	uint32_t segs_retx;
	uint32_t rto_base_us; /* what the RTO counts from */
	uint16_t rcv_ratio;   /* payload per truesize, in 1/256, smoothed */
	uint16_t peer_mss, mtu;
	uint8_t cc;	   /* enum zs_cc_kind that cc_priv is of */
	uint8_t retx_kind; /* enum zs_retx_kind of the retransmission timer */
	uint8_t tlp;	   /* enum zs_tlp */
	uint8_t tlp_delay; /* how long the peer may delay an ACK: zs_retx.c */
	uint8_t syn_flags; /* enum zs_syn_flag */
	uint8_t limited;   /* enum zs_limit */

	/* line 9: counters and the first options */
	uint64_t bytes_in __attribute__((aligned(64)));
	uint64_t bytes_out, bytes_acked;
	uint32_t segs_in, segs_out;
	struct zs_tcp_opts opts;

	uint32_t iss, irs;
	/* from here on: less often */
	union {
		struct zs_list accept_link; /* with listener */
		struct zs_list port_link;   /* with ZS_TF_BOUND */
	};
	struct zs_listener *listener; /* while on its accept queue */
	union {
		struct zs_sack_block
			recent[ZS_MAX_SACK]; /* out-of-order blocks, latest first (RFC 2018 4) */
		struct {		     /* in CLOSED: of the listener to be */
			uint8_t key[16];
			uint32_t qlen;
		} tfo;
	};
	struct zs_sack_block dsack;
	uint64_t bytes_retx;
	uint32_t words[ZS_TCP_WORDS]; /* the socket layer's */
	uint64_t limited_us[2];	      /* zs_limits.h */
	struct rte_mbuf *stamps; /* zs_stamps.c: who wants to know when what was sent; or NULL */
};
_Static_assert(offsetof(struct zs_tcb, rcv_nxt) == 64, "line 1: sequence space");
_Static_assert(offsetof(struct zs_tcb, sndq) == 128, "line 2: send queue");
_Static_assert(offsetof(struct zs_tcb, rcvq) == 192, "line 3: receive queue");
_Static_assert(offsetof(struct zs_tcb, deadline) == 256, "line 4: timers");
_Static_assert(offsetof(struct zs_tcb, hdr) == 320, "lines 5, 6: header, events");
_Static_assert(offsetof(struct zs_tcb, cc_priv) == 448, "line 7: congestion control");
_Static_assert(offsetof(struct zs_tcb, last_send_us) == 512, "line 8: times");
_Static_assert(offsetof(struct zs_tcb, bytes_in) == 576, "line 9: counters, hints");
_Static_assert(offsetof(struct zs_tcb, opts.ttl) < 640, "what each segment asks of the options");
_Static_assert(offsetof(struct zs_tcb, accept_link) >= 640, "a request does without the rest");
_Static_assert(sizeof(struct zs_tcb) <= 768, "budget of a connection: 1 KB with its socket");

/* ---- slabs (zs_slab.c) ---- */

int zs_slab_init(struct zs_stack *s, struct zs_slab *sl, uint32_t size, uint32_t cap);
/* Zeroed object, NULL when full. */
void *zs_slab_get(struct zs_slab *sl);
void zs_slab_put(struct zs_slab *sl, void *obj);

static inline void *zs_slab_at(const struct zs_slab *sl, uint32_t index)
{
	return sl->mem + (size_t)index * sl->size;
}

static inline uint32_t zs_slab_index(const struct zs_slab *sl, const void *obj)
{
	return (uint32_t)((size_t)((const char *)obj - sl->mem) / sl->size);
}

/* ---- tcb (zs_tcb.c) ---- */

struct zs_tcb *zs_tcb_new(struct zs_stack *s, const struct zs_flow *flow);
/* Frees all that it holds and the tcb itself; nothing is sent. */
void zs_tcb_free(struct zs_stack *s, struct zs_tcb *tcb);
/* Out of the tables and without timers or queued data to send; the socket still holds it. */
void zs_tcb_detach(struct zs_stack *s, struct zs_tcb *tcb);
/* The connection is over: error (positive errno, 0 = orderly) to the socket; an orphan is freed. */
void zs_tcb_dead(struct zs_stack *s, struct zs_tcb *tcb, int error);

void zs_tcb_enter_table(struct zs_stack *s, struct zs_tcb *tcb);
void zs_tcb_leave_table(struct zs_stack *s, struct zs_tcb *tcb);

/* The only writer of tcb->state. */
void zs_tcp_set_state(struct zs_tcb *tcb, enum zs_tcp_state to);

/* Arms, moves or (deadline 0) stops one of the timers. */
void zs_tcb_timer(struct zs_stack *s, struct zs_tcb *tcb, enum zs_tcb_timer which,
		  uint64_t deadline_us);
/* The timers' node fires at deadline_us at the latest. */
void zs_tcb_wake(struct zs_stack *s, struct zs_tcb *tcb, uint64_t deadline_us);

/* An orphan waits for the peer's FIN (zs_close.c); false: it was not to, and is gone. */
bool zs_fin_wait2(struct zs_stack *s, struct zs_tcb *tcb);

static inline void zs_output_later(struct zs_stack *s, struct zs_tcb *tcb)
{
	if (!zs_list_linked(&tcb->out)) {
		rte_prefetch0(tcb->hdr);
		zs_list_add_tail(&s->out, &tcb->out);
	}
}

static inline void zs_ack_now(struct zs_stack *s, struct zs_tcb *tcb)
{
	tcb->flags |= ZS_TF_ACK_NOW;
	zs_output_later(s, tcb);
}

/* What a segment touches that comes or goes: all but the header of one that goes, which
 * zs_output_later() has asked for, and what is used less often. */
static inline void zs_tcb_prefetch(const struct zs_tcb *tcb)
{
	rte_prefetch0(&tcb->flow);
	rte_prefetch0(&tcb->rcv_nxt);
	rte_prefetch0(&tcb->sndq);
	rte_prefetch0(&tcb->rcvq);
	rte_prefetch0(&tcb->deadline);
	rte_prefetch0(&tcb->ep);
	rte_prefetch0(&tcb->cc_priv);
	rte_prefetch0(&tcb->last_send_us);
	rte_prefetch0(&tcb->bytes_in);
}

/* SND.NXT - SND.UNA less what left the network (RFC 6675 pipe, Linux' packets in flight). */
static inline uint32_t zs_inflight(const struct zs_tcb *tcb)
{
	uint32_t out = tcb->snd_nxt - tcb->snd_una + tcb->retx;
	uint32_t left = tcb->sacked + tcb->lost;

	return out > left ? out - left : 0;
}

/* SND.UNA < seq <= SND.NXT: not all before seq is acknowledged. False for what was sent long ago.
 */
static inline bool zs_tcb_unacked(const struct zs_tcb *tcb, uint32_t seq)
{
	return zs_seq_in(tcb->snd_nxt, seq, tcb->snd_nxt - tcb->snd_una);
}

/* The device cuts what is sent: records need not end where segments do. */
static inline bool zs_tcb_tso(const struct zs_stack *s, const struct zs_tcb *tcb)
{
	return (s->netif[tcb->netif].offloads & ZS_OFF_TX_TSO) != 0;
}

/* FIN is to follow what is in the send queue. */
static inline bool zs_fin_waits(const struct zs_tcb *tcb)
{
	return (tcb->flags & (ZS_TF_FIN_QUEUED | ZS_TF_FIN_SENT)) == ZS_TF_FIN_QUEUED;
}

static inline bool zs_tcb_synchronized(const struct zs_tcb *tcb)
{
	return tcb->state >= ZS_ESTABLISHED;
}

#endif
