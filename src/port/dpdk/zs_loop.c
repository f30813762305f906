/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The loop's turn: clock, timers, receive, send, what to do when there is nothing to do; and its
 * accounting. Time is the TSC, read once per turn, turned into microseconds by a multiplication.
 */
#include <errno.h>
#include <sched.h>
#include <sys/prctl.h>
#include <time.h>

#include <rte_cycles.h>
#include <rte_pause.h>

#include "port/dpdk/zs_dpdk_state.h"

enum {
	SPIN_TURNS = 64,  /* idle turns before the first sleep */
	YIELD_EVERY = 32, /* idle turns between two offers of the CPU to others */
	LINK_US = 100000, /* between two looks at a link that is down */
};

void zs_loop_init(struct zs_dpdk *d, const struct zs_dpdk_config *cfg)
{
	d->stats.tsc_hz = rte_get_tsc_hz();
	d->us_mul = (uint64_t)(((__uint128_t)1000000 << 32) / d->stats.tsc_hz);
	d->us_base = 1000000;
	d->tsc_base = d->mark_tsc = rte_rdtsc();
	d->next_us = UINT64_MAX;
	d->links_down = (1u << d->n_ports) - 1;
	d->idle_sleep_us = cfg->idle_sleep_us;
	if (d->idle_sleep_us != 0)
		(void)prctl(PR_SET_TIMERSLACK, 1000); /* ns; sleeps would last 50 us longer */
}

static uint64_t clock_us(const struct zs_dpdk *d, uint64_t tsc)
{
	return d->us_base + (uint64_t)(((__uint128_t)(tsc - d->tsc_base) * d->us_mul) >> 32);
}

uint64_t zs_dpdk_clock_us(const struct zs_dpdk *d)
{
	return clock_us(d, rte_rdtsc());
}

/* The time since the last mark belongs to a turn that is over. */
static void account(struct zs_dpdk *d, uint64_t tsc)
{
	uint64_t cycles = tsc - d->mark_tsc;

	d->stats.total_cycles += cycles;
	if (d->busy) {
		d->stats.busy_cycles += cycles;
		d->stats.busy_turns++;
		d->idle_turns = 0;
		d->busy = false;
	}
	d->mark_tsc = tsc;
}

static void receive(struct zs_dpdk *d, uint16_t index)
{
	struct rte_mbuf *pkts[ZS_BURST];
	uint16_t n = rte_eth_rx_burst(d->port[index].id, ZS_QUEUE, pkts, ZS_BURST);

	if (n == 0)
		return;
	d->busy = true;
	d->stats.rx_packets += n;
	zs_stack_input(d->s, index, pkts, n);
}

/* A port's address is announced when its link is up: before, nobody would hear it. */
static void watch_links(struct zs_dpdk *d, uint64_t now_us)
{
	struct rte_eth_link link;

	d->links_us = now_us + LINK_US;
	for (uint16_t i = 0; i < d->n_ports; i++) {
		if (!(d->links_down & 1u << i) ||
		    rte_eth_link_get_nowait(d->port[i].id, &link) < 0 ||
		    link.link_status != RTE_ETH_LINK_UP)
			continue;
		d->links_down &= ~(1u << i);
		zs_stack_link_up(d->s, i);
	}
}

uint64_t zs_dpdk_turn(struct zs_dpdk *d)
{
	uint64_t tsc = rte_rdtsc();
	uint64_t now_us = clock_us(d, tsc);

	account(d, tsc);
	d->stats.turns++;
	if (now_us >= d->next_us)
		d->busy = true;
	d->next_us = zs_stack_advance(d->s, now_us);
	if (unlikely(d->links_down != 0) && now_us >= d->links_us)
		watch_links(d, now_us);
	for (uint16_t i = 0; i < d->n_ports; i++)
		receive(d, i);
	return d->busy ? 0 : d->next_us;
}

void zs_dpdk_flush(struct zs_dpdk *d)
{
	zs_stack_flush(d->s);
	d->busy |= zs_stack_loops(d->s);
}

/* The packets of the burst that the driver will take; one that it calls malformed ends the burst.
 */
static uint16_t prepare(const struct zs_ethport *p, struct rte_mbuf **pkts, uint16_t n)
{
	return p->tx_prepare ? rte_eth_tx_prepare(p->id, ZS_QUEUE, pkts, n) : n;
}

/* env->tx of the stack; ctx is struct zs_dpdk. */
uint16_t zs_loop_tx(void *ctx, uint16_t port, struct rte_mbuf **pkts, uint16_t n)
{
	struct zs_dpdk *d = ctx;
	const struct zs_ethport *p = &d->port[port];
	uint16_t good = prepare(p, pkts, n);
	uint16_t sent = rte_eth_tx_burst(p->id, ZS_QUEUE, pkts, good);

	d->stats.tx_packets += sent;
	if (sent > 0)
		d->busy = true;
	if (sent == good && good < n) { /* would be refused for ever */
		rte_pktmbuf_free(pkts[sent++]);
		d->stats.tx_malformed++;
	}
	d->stats.tx_refused += n - sent;
	return sent;
}

static void sleep_us(uint64_t us)
{
	struct timespec ts = { .tv_sec = (time_t)(us / 1000000),
			       .tv_nsec = (long)(us % 1000000) * 1000 };

	(void)nanosleep(&ts, NULL); /* a signal ends it early, and shall */
}

void zs_dpdk_idle(struct zs_dpdk *d, uint64_t until_us)
{
	uint64_t tsc, now_us;

	if (d->busy)
		return;
	tsc = rte_rdtsc();
	account(d, tsc);
	d->idle_turns++;
	if (d->idle_sleep_us == 0 || d->idle_turns < SPIN_TURNS) {
		if (d->idle_turns % YIELD_EVERY == 0)
			(void)sched_yield(); /* never fails */
		else
			rte_pause();
		return;
	}
	now_us = clock_us(d, tsc);
	if (now_us >= until_us || zs_dpdk_stopping(d))
		return;
	d->stats.sleeps++;
	sleep_us(RTE_MIN(until_us - now_us, (uint64_t)d->idle_sleep_us));
}

void zs_dpdk_mark_busy(struct zs_dpdk *d)
{
	d->busy = true;
}

bool zs_dpdk_stopping(const struct zs_dpdk *d)
{
	return d->stop || (d->signals && zs_signal_seen());
}

void zs_dpdk_stop(struct zs_dpdk *d)
{
	d->stop = true;
}

void zs_dpdk_get_stats(const struct zs_dpdk *d, struct zs_dpdk_stats *out)
{
	*out = d->stats;
}

void zs_dpdk_reset_stats(struct zs_dpdk *d)
{
	uint64_t hz = d->stats.tsc_hz;

	account(d, rte_rdtsc());
	d->stats = (struct zs_dpdk_stats){ .tsc_hz = hz };
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
