/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The core's view of struct rte_mbuf: the private area, and the few operations on buffers that the
 * rest of the core uses. Every mbuf that enters the core has a private area of at least
 * ZS_PRIV_SIZE bytes. While a buffer waits in a queue of ours it is one segment (m->next == NULL)
 * and linked through its struct zs_seg, for m->next belongs to the packet being sent.
 */
#ifndef ZS_PKT_H
#define ZS_PKT_H

#include <stddef.h>
#include <stdint.h>

#include <rte_branch_prediction.h>
#include <rte_mbuf.h>
#include <rte_prefetch.h>

#include "base/zs_addr.h"
#include "base/zs_assert.h"
#include "base/zs_list.h"

enum { ZS_PRIV_SIZE = 64, ZS_PACKET_MAX = 2048 };

/*
 * Where the payload of a copying write starts: with the headers of IPv4 before it, 66 bytes with
 * timestamps, in the buffer's second line. 8 bytes less, where the headroom ends, and the device
 * would have to fetch the first line for two bytes, and we to claim it back.
 */
enum { ZS_COPY_OFF = 2 * RTE_CACHE_LINE_SIZE + 8 };
_Static_assert((int)ZS_COPY_OFF >= RTE_PKTMBUF_HEADROOM, "no less headroom than other buffers");

enum zs_seg_flag {
	ZS_SEG_SACKED = 0x01, /* the peer reported it by SACK */
	ZS_SEG_LOST = 0x02,   /* declared lost; counted in tcb->lost until retransmitted or acked */
	ZS_SEG_RETX = 0x04,   /* retransmitted and not known to be lost again */
	ZS_SEG_TRIMMED = 0x08, /* front already acknowledged: what precedes off is payload */
	ZS_SEG_EOR = 0x10,     /* last byte of one write: PSH goes out with it */
	ZS_SEG_DONE = 0x20,    /* carries completions (done) */
	ZS_SEG_COPIED = 0x40,  /* payload was copied by the stack */
	ZS_SEG_SUMMED = 0x80,  /* of a copying write: sum is that of all its bytes */
};

/* A completion: called once, when the stack is done with the buffer that carries it. */
struct zs_done {
	void (*fn)(struct zs_done *d, int status); /* 0 or -errno */
	struct zs_done *next;			   /* of the same record */
	bool failures_only;			   /* 0 is not told: gone with its buffer */
};

/* In the private area of a TCP payload buffer, send or receive queue. */
struct zs_seg {
	struct rte_mbuf *next; /* queue link */
	uint32_t seq;
	uint32_t len;		 /* payload bytes; SYN and FIN not counted */
	uint32_t tx_us;		 /* last transmission */
	uint32_t first_tx_us;	 /* first transmission */
	uint32_t delivered;	 /* of a paced connection, at the last transmission: low bits of */
	uint32_t delivered_us;	 /* tcb->delivered, and when it last grew: zs_rate.c */
	uint16_t off;		 /* payload offset from buf_addr: the truth about its position */
	uint8_t flags;		 /* enum zs_seg_flag */
	uint8_t tx_count : 5;	 /* 0 = never sent; saturates */
	uint8_t ends_run : 1;	 /* of several segments that went out together: PSH was with it */
	uint8_t apart : 1;	 /* nothing behind it may share its segment (MSG_EOR) */
	uint8_t app_limited : 1; /* with delivered: the application had nothing more to send */
	uint16_t taken; /* charged for the room while the application holds it, in cache lines;
			   0 = nothing: zs_taken.h */
	uint16_t holds; /* handles of the application's to the room */
	union {
		struct zs_done *done; /* ZS_SEG_DONE */
		uint32_t sum;	      /* ZS_SEG_SUMMED: zs_cksum_raw() of the payload */
	};
	union {
		struct zs_list retx; /* send queue: FIFO of what was sent again */
		struct {
			uint32_t taken_slot, taken_gen; /* whom: set while taken is */
		};
		uint32_t first_sent_us; /* with delivered, sent once: zs_rate.c */
	};
};
_Static_assert(sizeof(struct zs_seg) <= ZS_PRIV_SIZE, "zs_seg must fit the private area");

/* In the private area of a received datagram. */
struct zs_dgram {
	struct rte_mbuf *next;
	struct zs_addr from;
	uint16_t from_port;
	uint16_t place; /* where it was sent to: zs_udp_to(); 0 = nobody asked */
	uint8_t family;
	uint8_t ttl, tos;
	uint8_t nif; /* index of the interface + 1 */
};
_Static_assert(sizeof(struct zs_dgram) <= offsetof(struct zs_seg, taken),
	       "what a datagram leaves of a stream's buffer: its charge");

static inline struct zs_seg *zs_seg(struct rte_mbuf *m)
{
	return rte_mbuf_to_priv(m);
}

static inline struct rte_mbuf *zs_seg_mbuf(struct zs_seg *seg)
{
	return RTE_PTR_SUB(seg, sizeof(struct rte_mbuf));
}

static inline struct zs_dgram *zs_dgram(struct rte_mbuf *m)
{
	return rte_mbuf_to_priv(m);
}

/* When a received datagram came: low bits of the stack's clock. The device's hash is no longer
 * needed then. */
static inline void zs_pkt_set_time(struct rte_mbuf *m, uint64_t now_us)
{
	m->hash.usr = (uint32_t)now_us;
}

static inline uint32_t zs_pkt_time(const struct rte_mbuf *m)
{
	return m->hash.usr;
}

/* FIFO of buffers linked through zs_seg.next. */
struct zs_segq {
	struct rte_mbuf *head, *tail;
	uint32_t bytes; /* payload */
	uint32_t mem;	/* truesize */
};

/*
 * In m->ol_flags, among the bits of dynamic flags: zs_seg(m)->done is set. Unlike the private area,
 * ol_flags is clear in every fresh buffer.
 */
#define ZS_PKT_DONE (UINT64_C(1) << 39)

/* Likewise: a received buffer whose payload the stack has put together by copying. */
#define ZS_PKT_COPIED (UINT64_C(1) << 40)

/* Likewise: a copy of what another stack received, to learn from; it is not to be answered. */
#define ZS_PKT_NEWS (UINT64_C(1) << 37)

/* Likewise: the room is the application's memory (z_buf_wrap()), or charged to another buffer. */
#define ZS_PKT_LENT (UINT64_C(1) << 36)

/* What ol_flags say of the room, which stays true whatever becomes of the packet. */
#define ZS_PKT_ROOM (RTE_MBUF_F_INDIRECT | RTE_MBUF_F_EXTERNAL | ZS_PKT_LENT)

/* Memory that a queued buffer keeps occupied, in bytes. An indirect buffer's room is charged to its
 * owner, and the application's own to nobody. */
static inline uint32_t zs_pkt_truesize(const struct rte_mbuf *m)
{
	uint32_t fixed = sizeof(struct rte_mbuf) + ZS_PRIV_SIZE;

	return fixed + (m->ol_flags & (RTE_MBUF_F_INDIRECT | ZS_PKT_LENT) ? 0 : m->buf_len);
}

/*
 * References are counted in 16 bits. An application gets no more to a room that has so many, which
 * leaves as many for the stack to send with.
 */
enum { ZS_REFS_APP = UINT16_MAX / 2, ZS_REFS_MAX = 65000 };

/* References to the room of m. */
static inline uint16_t zs_pkt_refs(struct rte_mbuf *m)
{
	if (RTE_MBUF_HAS_EXTBUF(m))
		return rte_mbuf_ext_refcnt_read(m->shinfo);
	return rte_mbuf_refcnt_read(rte_mbuf_from_indirect(m)); /* itself, if it is direct */
}

/*
 * Asks for the lines of a fresh buffer, from that at off on, that headers and n bytes of payload
 * will be written into. The device read them last, or a core behind it, and stores would wait for
 * one after the other. Longer writes than a packet's claim lines whole, and need none of this.
 */
static inline void zs_pkt_prefetch_write(const struct rte_mbuf *m, uint32_t off, uint32_t n)
{
	const uint8_t *p = m->buf_addr, *end = p + m->data_off + (n <= ZS_PACKET_MAX ? n : 0);

	for (p += off; p < end; p += 2 * RTE_CACHE_LINE_SIZE) {
		__builtin_prefetch(p, 1, 3);
		__builtin_prefetch(p + RTE_CACHE_LINE_SIZE, 1, 3);
	}
}

/* Make m, one segment, show len bytes at off from buf_addr. */
static inline void zs_pkt_set(struct rte_mbuf *m, uint16_t off, uint16_t len)
{
	m->data_off = off;
	m->data_len = len;
	m->pkt_len = len;
}

#endif
