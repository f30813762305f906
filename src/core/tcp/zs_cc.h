/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Congestion control behind one table of operations. Windows are bytes. An algorithm keeps what it
 * needs in tcb->cc_priv; loss recovery decides when, the algorithm how much.
 */
#ifndef ZS_CC_H
#define ZS_CC_H

#include "core/tcp/zs_hystart.h"

enum { ZS_SSTHRESH_INITIAL = 1 << 30 }; /* as high as it gets: no loss has set it yet */

struct zs_rate_sample;

struct zs_cc_ops {
	const char *name;
	bool needs_ecn; /* asks for ECN whatever the configuration says */
	void (*init)(struct zs_stack *s, struct zs_tcb *tcb);
	/* Data was delivered outside of fast recovery: may raise tcb->cwnd, by zs_ack_news(). */
	void (*on_ack)(struct zs_stack *s, struct zs_tcb *tcb, const struct zs_ack *a);
	/* A congestion event: returns the new ssthresh; `inflight` before it (RFC 5681 3.1 (4)). */
	uint32_t (*on_congestion)(struct zs_stack *s, struct zs_tcb *tcb, uint32_t inflight);
	/*
	 * Not NULL: the algorithm paces, and sets tcb->cwnd and the rate of zs_pace.h by each ACK,
	 * whatever on_congestion and loss recovery made of them.
	 */
	void (*on_rate)(struct zs_stack *s, struct zs_tcb *tcb, const struct zs_rate_sample *rs);
	/* An ECN connection only, may be NULL: each ACK, to account for marks. */
	void (*on_marks)(struct zs_stack *s, struct zs_tcb *tcb, const struct zs_ack *a);
	/* The new ssthresh for marks in a window of data; NULL: on_congestion. */
	uint32_t (*on_ecn)(struct zs_stack *s, struct zs_tcb *tcb);
	/* A retransmission timeout, after on_congestion. */
	void (*on_rto)(struct zs_stack *s, struct zs_tcb *tcb);
	/* The congestion event was none: prior is cc_priv before it. NULL: it has lost nothing. */
	void (*on_undo)(struct zs_stack *s, struct zs_tcb *tcb, const uint64_t *prior);
	/* What it has learnt of the path. NULL: nothing that others would know by name. */
	void (*tell)(const struct zs_stack *s, const struct zs_tcb *tcb, struct zs_tcp_info *info);
};

extern const struct zs_cc_ops zs_cc_newreno, zs_cc_cubic, zs_cc_dctcp, zs_cc_bbr;

/* NULL for a kind that does not exist. */
const struct zs_cc_ops *zs_cc_find(unsigned kind);

/* RFC 6928 2: ten segments, but of large ones (jumbo frames) only as many as make the same bytes,
 * or two. */
uint32_t zs_cc_initial_window(const struct zs_stack *s, uint32_t mss);
/* RFC 2861: the window of a connection that was idle for n RTOs is halved n times, down to the
 * initial one. For one that was idle for longer than an RTO. */
void zs_cc_after_idle(struct zs_stack *s, struct zs_tcb *tcb);
/* RFC 5681 3.1: exponential growth below ssthresh; returns the acknowledged bytes left over above
 * it. */
uint32_t zs_cc_slow_start(struct zs_tcb *tcb, uint32_t acked);
/*
 * One segment per round trip (RFC 5681 3.1) for bytes acknowledged above ssthresh; *acc counts
 * those towards the next segment (RFC 3465).
 */
void zs_cc_reno_avoid(struct zs_tcb *tcb, uint64_t *acc, uint32_t acked);

#endif
