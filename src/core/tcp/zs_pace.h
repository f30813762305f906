/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Pacing, and what a connection delivers: the part of a connection that only those have who pace,
 * because their congestion control does or because they were given a rate (SO_MAX_PACING_RATE). It
 * lies in a table of its own, at the place that the tcb has in its table, and is memory that nobody
 * touches until ZS_TF_PACED is set.
 *
 * A segment pushes the time of the next one. Who may not send yet wakes when that time has come, to
 * the tick of the timer wheel, and then sends what has become due meanwhile: one timer per burst.
 */
#ifndef ZS_PACE_H
#define ZS_PACE_H

#include "core/tcp/zs_tcb.h"

struct zs_ack;

/* Delivery rate by one ACK (draft-cheng-iccrg-delivery-rate-estimation 3.3). */
struct zs_rate_sample {
	uint64_t bytes_per_s;	  /* 0 = none */
	uint32_t prior_delivered; /* low bits of tcb->delivered when the packet was sent */
	uint32_t delivered;	  /* bytes by this ACK */
	uint32_t lost;		  /* bytes newly taken for lost */
	uint32_t prior_inflight;
	uint32_t rtt_us; /* 0 = none */
	bool app_limited, valid;
};

enum zs_bbr_state { ZS_BBR_STARTUP, ZS_BBR_DRAIN, ZS_BBR_PROBE_BW, ZS_BBR_PROBE_RTT };

enum { ZS_BBR_BW_ROUNDS = 10 };

/* Names of the draft (zs_cc_bbr.c); gains in 1/256, rates in bytes per second. */
struct zs_bbr {
	uint64_t bw[ZS_BBR_BW_ROUNDS]; /* the best of each of the last rounds, by round */
	uint64_t btl_bw;	       /* the best of all of these */
	uint64_t full_bw;
	uint64_t cycle_us, rtprop_stamp_us, probe_rtt_done_us;
	uint32_t rtprop_us; /* 0 = unknown */
	uint32_t next_round_delivered;
	uint32_t prior_cwnd;
	uint16_t pacing_gain, cwnd_gain;
	uint8_t state; /* enum zs_bbr_state */
	uint8_t round; /* index in bw */
	uint8_t cycle, full_bw_count;
	uint8_t ca_state;   /* of the connection at the last ACK */
	bool bw_round_ends; /* what bw[round] is of: the next sample that counts begins another */
	bool seen_rtt, round_start, filled_pipe, idle_restart, conserve, probe_rtt_round_done;
};

struct zs_pace {
	uint64_t next_ns;  /* when the next segment may go */
	uint64_t rate;	   /* of the congestion control, bytes per second; 0 = no limit */
	bool limited;	   /* something had to wait for next_ns, and nothing has lacked since */
	uint32_t together; /* bytes sent at begun_us, */
	uint64_t begun_us; /* when next_ns had come */
	uint32_t since_us; /* what was sent before tells nothing */
	/* the connection's part of the delivery rate estimator (3.1.1) */
	uint32_t delivered_us, first_sent_us;
	uint32_t app_limited; /* low bits of tcb->delivered up to which samples are; 0 = none */
	uint32_t lost_before;
	/* the newest of the packets delivered by this ACK */
	uint32_t prior_delivered, prior_us, send_elapsed_us, delivered_before;
	bool fresh, prior_app_limited;
	uint64_t delivery_rate; /* of the last sample that the application did not keep low */
	struct zs_bbr bbr;
};

static inline struct zs_pace *zs_pace(const struct zs_stack *s, const struct zs_tcb *tcb)
{
	return &s->tcp.paces[zs_slab_index(&s->tcp.tcbs, tcb)];
}

/* Begins or ends as congestion control and options say. */
void zs_pace_update(struct zs_stack *s, struct zs_tcb *tcb);

/* ---- of connections with ZS_TF_PACED only ---- */

/* An ACK has changed the window of an algorithm that knows no rate. */
void zs_pace_window(struct zs_stack *s, struct zs_tcb *tcb);
/* Bytes per second, 0 = no limit. */
uint64_t zs_pace_rate(const struct zs_stack *s, const struct zs_tcb *tcb);
/* May a segment go now? If not, the connection will be on the output list when it may. */
bool zs_pace_ready(struct zs_stack *s, struct zs_tcb *tcb);
void zs_pace_sent(struct zs_stack *s, struct zs_tcb *tcb, uint32_t len);
/* What goes together, as one packet where the device cuts: about a millisecond's worth there. */
uint32_t zs_pace_quantum(const struct zs_stack *s, const struct zs_tcb *tcb);
/* The wheel's node fired. Returns when it is needed again, UINT64_MAX for never. */
uint64_t zs_pace_fire(struct zs_stack *s, struct zs_tcb *tcb);

/* ---- delivery rate: likewise ---- */

/* A record is sent; snd_nxt does not count it yet. */
void zs_rate_send(struct zs_stack *s, struct zs_tcb *tcb, struct zs_seg *seg);
/* There is nothing more to send, though there might be. */
void zs_rate_app_limited(struct zs_stack *s, struct zs_tcb *tcb);
/* An ACK begins; records were delivered by it; it ends. */
void zs_rate_ack_begins(struct zs_stack *s, struct zs_tcb *tcb);
void zs_rate_delivered(struct zs_stack *s, struct zs_tcb *tcb, const struct zs_seg *seg);
void zs_rate_ack_ends(struct zs_stack *s, struct zs_tcb *tcb, const struct zs_ack *a);

#endif
