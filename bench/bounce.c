/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a link takes for itself: `bounce EAL-ARGS -- SECONDS` sends a frame out of port 0, waits
 * until it is back, sends the next one, and prints the median of their times in nanoseconds.
 * Whatever sends it back at the other end is the other half of what is measured: testpmd, which
 * touches nothing but the addresses.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include "tools/zload/hist.h"

enum {
	FRAME = 128,	       /* bytes: about that of a small request */
	EXPERIMENTAL = 0x88b5, /* ethertype (IEEE 802) */
	BUFFERS = 8192,
	RING = 2048,
	WARM_UP = 5,	    /* a fifth of the time is not counted */
	LOST_A_SECOND = 10, /* a frame that takes longer is given up */
};

static void fail(const char *what)
{
	fprintf(stderr, "bounce: %s\n", what);
	exit(1);
}

static struct rte_mempool *start_port(void)
{
	const struct rte_eth_conf conf = { 0 };
	struct rte_mempool *pool = rte_pktmbuf_pool_create(
		"bounce", BUFFERS, 256, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);

	if (pool == NULL || rte_eth_dev_configure(0, 1, 1, &conf) != 0 ||
	    rte_eth_rx_queue_setup(0, 0, RING, SOCKET_ID_ANY, NULL, pool) != 0 ||
	    rte_eth_tx_queue_setup(0, 0, RING, SOCKET_ID_ANY, NULL) != 0 ||
	    rte_eth_dev_start(0) != 0)
		fail("port 0 does not start");
	return pool;
}

static void send_frame(struct rte_mempool *pool)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
	struct rte_ether_hdr *eth = m != NULL ? (void *)rte_pktmbuf_append(m, FRAME) : NULL;

	if (eth == NULL)
		fail("no buffer");
	memset(eth, 0, FRAME);
	eth->dst_addr.addr_bytes[0] = eth->src_addr.addr_bytes[0] = 2; /* locally administered */
	eth->ether_type = rte_cpu_to_be_16(EXPERIMENTAL);
	if (rte_eth_tx_burst(0, 0, &m, 1) == 0)
		rte_pktmbuf_free(m);
}

/* One of ours has come. */
static bool received(void)
{
	struct rte_mbuf *m;
	bool ours;

	if (rte_eth_rx_burst(0, 0, &m, 1) == 0)
		return false;
	ours = rte_pktmbuf_mtod(m, struct rte_ether_hdr *)->ether_type ==
	       rte_cpu_to_be_16(EXPERIMENTAL);
	rte_pktmbuf_free(m);
	return ours;
}

static struct hist took; /* nanoseconds */

int main(int argc, char **argv)
{
	int n_eal = rte_eal_init(argc, argv);
	double seconds = n_eal >= 0 && argc > n_eal + 1 ? atof(argv[n_eal + 1]) : 0;
	struct rte_mempool *pool;
	uint64_t hz, begin, now;

	if (seconds <= 0)
		fail("usage: bounce EAL-ARGS -- SECONDS");
	pool = start_port();
	hz = rte_get_tsc_hz();
	begin = rte_rdtsc();
	do {
		uint64_t sent = rte_rdtsc();
		bool back;

		send_frame(pool);
		while (!(back = received()) && rte_rdtsc() - sent < hz / LOST_A_SECOND)
			;
		now = rte_rdtsc();
		if (back && (double)(now - begin) * WARM_UP > seconds * (double)hz)
			hist_record(&took, (now - sent) * 1000000000 / hz);
	} while ((double)(now - begin) < seconds * (double)hz);
	if (took.count == 0)
		fail("nothing came back");
	printf("%" PRIu64 "\n", hist_percentile(&took, 50));
	(void)rte_eth_dev_stop(0);
	return rte_eal_cleanup();
}
