/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The turn of an lcore's loop: clock, receive, timers, send; and its accounting. Time is the TSC,
 * read once per turn, turned into microseconds by a multiplication.
 */
#include <errno.h>
#include <sched.h>
#include <sys/eventfd.h>

#include <rte_cycles.h>
#include <rte_pause.h>

#include "port/dpdk/zs_fanout.h"
#include "port/dpdk/zs_frames.h"
#include "port/dpdk/zs_pcap.h"
#include "port/dpdk/zs_procs.h"

enum {
	/* Offers of the CPU to others. Who takes one keeps it for some milliseconds, so none is
	 * made while an answer may be on its way. */
	YIELD_AFTER_US = 20,
	YIELD_EVERY = 32, /* idle turns */
	LINK_US = 100000, /* between two looks at a link that is down */
	LATE_US = 10000,
};

void zs_loop_init(struct zs_lcore *lc)
{
	lc->stats.tsc_hz = rte_get_tsc_hz();
	lc->us_mul = (uint64_t)(((__uint128_t)1000000 << 32) / lc->stats.tsc_hz);
	lc->us_base = 1000000;
	lc->tsc_base = lc->d->tsc_base;
	lc->mark_tsc = lc->work_tsc = rte_rdtsc();
	lc->next_us = UINT64_MAX;
	lc->aside = lc->fan != NULL || zs_frames_looked(lc->d);
	if (lc->index == 0) /* announces for all */
		lc->links_down = (1u << lc->n_ports) - 1;
}

static uint64_t clock_us(const struct zs_lcore *lc, uint64_t tsc)
{
	return lc->us_base + (uint64_t)(((__uint128_t)(tsc - lc->tsc_base) * lc->us_mul) >> 32);
}

uint64_t zs_lcore_clock_us(const struct zs_lcore *lc)
{
	return clock_us(lc, rte_rdtsc());
}

/* The time since the last mark belongs to a turn that is over. */
static void account(struct zs_lcore *lc, uint64_t tsc)
{
	uint64_t cycles = tsc - lc->mark_tsc;

	lc->stats.total_cycles += cycles;
	if (lc->busy) {
		lc->stats.busy_cycles += cycles;
		lc->stats.busy_turns++;
		lc->idle_turns = 0;
		if (lc->worked)
			lc->work_tsc = tsc;
		lc->busy = lc->worked = false;
	}
	lc->mark_tsc = tsc;
}

/* What of a burst is for lc's own stack. */
static uint16_t sort(struct zs_lcore *lc, uint16_t index, struct rte_mbuf **pkts, uint16_t n)
{
	if (unlikely(zs_frames_looked(lc->d)))
		return zs_frames_look(lc, index, pkts, n);
	return lc->fan != NULL ? zs_fan_out(lc, index, pkts, n) : n;
}

static inline void receive(struct zs_lcore *lc, uint16_t index, uint16_t queue, bool shared)
{
	struct rte_mbuf *pkts[ZS_BURST];
	uint16_t n = rte_eth_rx_burst(lc->d->port[index].id, queue, pkts, ZS_BURST);

	if (n == 0)
		return;
	zs_lcore_mark_busy(lc);
	lc->stats.rx_packets += n;
	if (shared)
		n = sort(lc, index, pkts, n);
	zs_stack_input(lc->s, index, pkts, n);
}

/* A port's address is announced when its link is up: before, nobody would hear it. */
static void watch_links(struct zs_lcore *lc, uint64_t now_us)
{
	struct rte_eth_link link;

	lc->links_us = now_us + LINK_US;
	for (uint16_t i = 0; i < lc->n_ports; i++) {
		if (!(lc->links_down & 1u << i) ||
		    rte_eth_link_get_nowait(lc->d->port[i].id, &link) < 0 ||
		    link.link_status != RTE_ETH_LINK_UP)
			continue;
		lc->links_down &= ~(1u << i);
		zs_stack_link_up(lc->s, i);
	}
}

/* One of several lcores: its own queue, where it has one, and what others hand over; or the
 * application wants to see frames first. */
static __attribute__((noinline)) void receive_aside(struct zs_lcore *lc)
{
	if (lc->d->procs != NULL && !zs_procs_turn(lc))
		return;
	for (uint16_t i = 0; i < lc->n_ports; i++) {
		uint16_t q, end;

		for (zs_lcore_queues(lc, &lc->d->port[i], &q, &end); q < end; q++)
			if (zs_procs_polls(lc, q))
				receive(lc, i, q, true);
	}
	if (lc->fan != NULL)
		zs_fan_take(lc);
}

static inline void receive_all(struct zs_lcore *lc)
{
	if (unlikely(__atomic_load_n(&lc->aside, __ATOMIC_RELAXED)))
		receive_aside(lc);
	else
		for (uint16_t i = 0; i < lc->n_ports; i++)
			receive(lc, i, 0, false);
}

/*
 * Timers are late, for the application took its time, and what would have stopped them may wait in
 * the queue. So they wait until that is received, two bursts per turn so that sockets do not
 * overflow; but no longer than LATE_US more.
 */
static __attribute__((noinline)) bool hold_timers(struct zs_lcore *lc, uint64_t now_us)
{
	uint64_t before = lc->stats.rx_packets + lc->stats.taken_over;

	if (zs_stack_loops(lc->s)) /* that is due as well */
		return false;
	if (lc->held_us == 0)
		lc->held_us = now_us;
	receive_all(lc);
	if (lc->stats.rx_packets + lc->stats.taken_over - before >= ZS_BURST &&
	    now_us - lc->held_us < LATE_US)
		return true;
	lc->held_us = 0;
	return false;
}

static inline bool timers_may_run(struct zs_lcore *lc, uint64_t now_us)
{
	if (now_us < lc->next_us)
		return true;
	lc->busy = true;
	return now_us - lc->next_us < LATE_US || !hold_timers(lc, now_us);
}

uint64_t zs_lcore_turn(struct zs_lcore *lc)
{
	uint64_t tsc = rte_rdtsc();
	uint64_t now_us = clock_us(lc, tsc);

	account(lc, tsc);
	lc->stats.turns++;
	zs_stack_set_now(lc->s, now_us);
	if (unlikely(lc->links_down != 0) && now_us >= lc->links_us)
		watch_links(lc, now_us);
	receive_all(lc);
	if (timers_may_run(lc, now_us))
		lc->next_us = zs_stack_run_timers(lc->s);
	if (unlikely(lc->idle.state != ZS_AWAKE))
		zs_idle_turned(lc);
	return lc->busy ? 0 : lc->next_us;
}

void zs_lcore_flush(struct zs_lcore *lc)
{
	zs_stack_flush(lc->s);
	lc->busy |= zs_stack_loops(lc->s);
	if (unlikely(lc->fan != NULL))
		zs_fan_send(lc);
	if (unlikely(lc->idle.out >= 0) && lc->busy)
		zs_lcore_fd_at(lc, 0);
}

static bool has_tso(struct rte_mbuf *const *pkts, uint16_t n)
{
	uint64_t flags = 0;

	for (uint16_t i = 0; i < n; i++)
		flags |= pkts[i]->ol_flags;
	return (flags & RTE_MBUF_F_TX_TCP_SEG) != 0;
}

/* The packets of the burst that the driver will take; one that it calls malformed ends the burst.
 */
static uint16_t prepare(const struct zs_ethport *p, uint16_t queue, struct rte_mbuf **pkts,
			uint16_t n)
{
	if (p->tx_prepare || (p->tso_prepare && has_tso(pkts, n)))
		return rte_eth_tx_prepare(p->id, queue, pkts, n);
	return n;
}

/* env->tx of the stack; ctx is struct zs_lcore. */
uint16_t zs_loop_tx(void *ctx, uint16_t port, struct rte_mbuf **pkts, uint16_t n)
{
	struct zs_lcore *lc = ctx;
	const struct zs_ethport *p = &lc->d->port[port];
	uint16_t queue = lc->index;
	uint16_t good = prepare(p, queue, pkts, n);
	struct zs_pcap *capture = __atomic_load_n(&p->capture, __ATOMIC_ACQUIRE);
	uint16_t sent = unlikely(capture != NULL) ? zs_pcap_send(capture, p->id, queue, pkts, good)
						  : rte_eth_tx_burst(p->id, queue, pkts, good);

	lc->stats.tx_packets += sent;
	if (sent > 0)
		zs_lcore_mark_busy(lc);
	if (sent == good && good < n) { /* would be refused for ever */
		rte_pktmbuf_free(pkts[sent++]);
		lc->stats.tx_malformed++;
	}
	lc->stats.tx_refused += n - sent;
	return sent;
}

static void pause_turn(const struct zs_lcore *lc, uint64_t idle_tsc)
{
	if (idle_tsc >= YIELD_AFTER_US * lc->idle.us_tsc && lc->idle_turns % YIELD_EVERY == 0)
		(void)sched_yield(); /* never fails */
	else
		rte_pause();
}

void zs_lcore_idle(struct zs_lcore *lc, uint64_t until_us)
{
	uint64_t tsc, idle_tsc;

	if (lc->busy)
		return;
	tsc = rte_rdtsc();
	account(lc, tsc);
	lc->idle_turns++;
	idle_tsc = tsc - lc->work_tsc;
	if (zs_idle_is_due(lc, idle_tsc) && !zs_dpdk_stopping(lc->d))
		zs_idle_sleep(lc, clock_us(lc, tsc), until_us);
	else
		pause_turn(lc, idle_tsc);
}

void zs_lcore_mark_busy(struct zs_lcore *lc)
{
	lc->busy = lc->worked = true;
}

bool zs_dpdk_stopping(const struct zs_dpdk *d)
{
	return __atomic_load_n(&d->stop, __ATOMIC_RELAXED) || (d->signals && zs_signal_seen());
}

void zs_dpdk_stop(struct zs_dpdk *d)
{
	__atomic_store_n(&d->stop, true, __ATOMIC_RELAXED);
	(void)eventfd_write(d->stop_fd, 1); /* fails when it is readable already */
}

void zs_dpdk_wake(struct zs_dpdk *d)
{
	for (uint16_t i = 0; i < d->n_lcores; i++)
		zs_lcore_wake(d->lcore[i]);
}

void zs_lcore_wake(struct zs_lcore *lc)
{
	(void)eventfd_write(lc->idle.event, 1); /* as above */
}

void zs_lcore_get_stats(const struct zs_lcore *lc, struct zs_lcore_stats *out)
{
	*out = lc->stats;
}

void zs_lcore_reset_stats(struct zs_lcore *lc)
{
	uint64_t hz = lc->stats.tsc_hz;

	account(lc, rte_rdtsc());
	lc->stats = (struct zs_lcore_stats){ .tsc_hz = hz };
}

int zs_dpdk_port_stats(const struct zs_dpdk *d, uint16_t index, struct zs_dpdk_port_stats *out)
{
	struct rte_eth_stats st;
	int rc;

	if (index >= d->n_ports)
		return -EINVAL;
	rc = rte_eth_stats_get(d->port[index].id, &st);
	if (rc < 0)
		return rc;
	*out = (struct zs_dpdk_port_stats){
		.rx_packets = st.ipackets,
		.tx_packets = st.opackets,
		.rx_bytes = st.ibytes,
		.tx_bytes = st.obytes,
		.rx_missed = st.imissed,
		.rx_errors = st.ierrors,
		.rx_nombuf = st.rx_nombuf,
		.tx_errors = st.oerrors,
	};
	return 0;
}
