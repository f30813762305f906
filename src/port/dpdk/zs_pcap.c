/* SPDX-License-Identifier: BSD-3-Clause */
/* Capture: what looks at packets, copies, and the thread that writes them. */
#define ALLOW_EXPERIMENTAL_API /* pcapng, and BPF from libpcap */
#include "port/dpdk/zs_pcap.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include <rte_bpf.h>
#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_pcapng.h>
#include <rte_ring.h>

#include "port/dpdk/zs_dpdk_state.h"
#include "port/dpdk/zs_pcapfilter.h"
#include "port/dpdk/zs_procs.h"

enum {
	SNAPLEN = 2048,
	SNAPLEN_MAX = 60000,
	MEMORY = 8 << 20, /* of copies on their way to the file */
	COPIES_MIN = 63,
	COPIES_MAX = 4095,
	BURST = 32,
	NAP_US = 500,
};

struct zs_pcap {
	struct rte_bpf *bpf; /* NULL: all packets */
	struct rte_mempool *copies;
	struct rte_ring *ring;
	rte_pcapng_t *out;
	int fd;
	uint32_t snaplen;
	uint64_t max_packets;
	pthread_t writer;
	bool has_writer, attached;
	bool full, end; /* written by one thread, read by others */
	int error;
	uint64_t packets, missed; /* likewise; missed: by several */
	uint16_t n_ports, port[ZS_MAX_PORTS];
	const struct rte_eth_rxtx_callback *rx[ZS_MAX_PORTS][ZS_MAX_LCORES];
	char file[ZS_PCAP_FILE];
};

/* ---- on the loops ---- */

/*
 * The time of an enhanced packet block (pcapng 4.3). That of rte_pcapng_copy() in DPDK 22.11 counts
 * from its first call on, which is later than the TSC that it gets there, and wraps.
 */
static void stamp(struct rte_mbuf *copy, uint64_t ns)
{
	uint32_t high_low[] = { (uint32_t)(ns >> 32), (uint32_t)ns };

	memcpy(rte_pktmbuf_mtod_offset(copy, void *, 3 * sizeof(uint32_t)), high_low,
	       sizeof(high_low));
}

static bool is_full(const struct zs_pcap *p)
{
	return __atomic_load_n(&p->full, __ATOMIC_RELAXED);
}

/* Copies of a burst. */
struct batch {
	uint64_t wanted[BURST];
	struct rte_mbuf *copy[BURST]; /* NULL: not wanted, or no memory */
};

static void copy_burst(const struct zs_pcap *p, struct batch *b, uint16_t port, uint16_t queue,
		       struct rte_mbuf **pkts, uint16_t n, enum rte_pcapng_direction dir)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	for (uint16_t i = 0; i < n; i++)
		b->wanted[i] = 1;
	if (p->bpf != NULL)
		(void)rte_bpf_exec_burst(p->bpf, (void **)pkts, b->wanted, n);
	for (uint16_t i = 0; i < n; i++) {
		b->copy[i] = NULL;
		if (b->wanted[i] != 0)
			b->copy[i] = rte_pcapng_copy(port, queue, pkts[i], p->copies, p->snaplen, 0,
						     dir);
		if (b->copy[i] != NULL)
			stamp(b->copy[i],
			      (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec);
	}
}

/* The first n of the burst are for the file. */
static void keep(struct zs_pcap *p, struct batch *b, uint16_t n)
{
	unsigned n_copies = 0, missed = 0, put;

	for (uint16_t i = 0; i < n; i++) {
		if (b->copy[i] != NULL)
			b->copy[n_copies++] = b->copy[i];
		else
			missed += b->wanted[i] != 0;
	}
	put = rte_ring_enqueue_burst(p->ring, (void **)b->copy, n_copies, NULL);
	rte_pktmbuf_free_bulk(b->copy + put, n_copies - put);
	missed += n_copies - put;
	if (missed > 0)
		__atomic_fetch_add(&p->missed, missed, __ATOMIC_RELAXED);
}

static uint16_t on_rx(uint16_t port, uint16_t queue, struct rte_mbuf **pkts, uint16_t n,
		      uint16_t max, void *arg)
{
	struct zs_pcap *p = arg;
	struct batch b;

	(void)max;
	for (uint16_t i = 0; i < n && !is_full(p); i += BURST) {
		uint16_t k = RTE_MIN(n - i, BURST);

		copy_burst(p, &b, port, queue, pkts + i, k, RTE_PCAPNG_DIRECTION_IN);
		keep(p, &b, k);
	}
	return n;
}

/* What the device refuses is offered again, and captured when it goes. */
uint16_t zs_pcap_send(struct zs_pcap *p, uint16_t port, uint16_t queue, struct rte_mbuf **pkts,
		      uint16_t n)
{
	uint16_t sent = 0, k, took;
	struct batch b;

	if (is_full(p))
		return rte_eth_tx_burst(port, queue, pkts, n);
	do {
		k = RTE_MIN(n - sent, BURST);
		copy_burst(p, &b, port, queue, pkts + sent, k, RTE_PCAPNG_DIRECTION_OUT);
		took = rte_eth_tx_burst(port, queue, pkts + sent, k);
		rte_pktmbuf_free_bulk(b.copy + took, k - took);
		keep(p, &b, took);
		sent += took;
	} while (took == k && sent < n);
	return sent;
}

/* Only the primary sees a port that has no queues for others. */
static bool is_seen(const struct zs_dpdk *d, uint16_t port)
{
	return !zs_procs_secondary(d) || d->port[port].n_rxq > 1;
}

static bool sees_any(const struct zs_dpdk *d)
{
	for (uint16_t i = 0; i < d->n_ports; i++)
		if (is_seen(d, i))
			return true;
	return false;
}

static int attach(struct zs_dpdk *d, struct zs_pcap *p)
{
	p->attached = true;
	for (uint16_t i = 0; i < p->n_ports; i++) {
		struct zs_ethport *port = &d->port[p->port[i]];

		for (uint16_t q = 0; q < port->n_rxq; q++) {
			p->rx[i][q] = rte_eth_add_rx_callback(port->id, q, on_rx, p);
			if (p->rx[i][q] == NULL)
				return -rte_errno;
		}
		__atomic_store_n(&port->capture, p, __ATOMIC_RELEASE);
	}
	return 0;
}

void zs_pcap_detach(struct zs_dpdk *d)
{
	struct zs_pcap *p = d->pcap;

	if (p == NULL || !p->attached)
		return;
	p->attached = false;
	for (uint16_t i = 0; i < p->n_ports; i++) {
		struct zs_ethport *port = &d->port[p->port[i]];

		__atomic_store_n(&port->capture, NULL, __ATOMIC_RELAXED);
		/* It fails for callbacks that are not there. */
		for (uint16_t q = 0; q < port->n_rxq && p->rx[i][q] != NULL; q++)
			(void)rte_eth_remove_rx_callback(port->id, q, p->rx[i][q]);
	}
}

/* ---- the writer ---- */

/* All of them, or none: of a file that is full, what it took of a packet is cut off again. */
static int write_packets(struct zs_pcap *p, struct rte_mbuf **pkts, unsigned n)
{
	off_t begin = lseek(p->fd, 0, SEEK_CUR); /* a pipe has no places */
	ssize_t bytes = 0, written;
	int rc = 0;

	for (unsigned i = 0; i < n; i++)
		bytes += rte_pktmbuf_pkt_len(pkts[i]);
	written = rte_pcapng_write_packets(p->out, pkts, (uint16_t)n);
	if (written < 0)
		rc = rte_errno != 0 ? rte_errno : EIO;
	else if (written < bytes)
		rc = ENOSPC;
	if (rc != 0 && begin >= 0 && ftruncate(p->fd, begin) == 0)
		(void)lseek(p->fd, begin, SEEK_SET);
	return rc;
}

static unsigned drain(struct zs_pcap *p)
{
	struct rte_mbuf *pkts[BURST];
	unsigned n = rte_ring_dequeue_burst(p->ring, (void **)pkts, BURST, NULL);
	unsigned write = n;

	if (p->max_packets != 0)
		write = (unsigned)RTE_MIN((uint64_t)n, p->max_packets - p->packets);
	if (write > 0 && p->error == 0)
		p->error = write_packets(p, pkts, write);
	if (p->error != 0)
		write = 0;
	rte_pktmbuf_free_bulk(pkts, n);
	__atomic_store_n(&p->packets, p->packets + write, __ATOMIC_RELAXED);
	if (p->error != 0 || (p->max_packets != 0 && p->packets >= p->max_packets))
		__atomic_store_n(&p->full, true, __ATOMIC_RELAXED);
	return n;
}

static void *write_all(void *arg)
{
	struct timespec nap = { .tv_nsec = NAP_US * 1000 };
	struct zs_pcap *p = arg;

	for (;;) {
		bool end = __atomic_load_n(&p->end, __ATOMIC_ACQUIRE);

		if (drain(p) > 0)
			continue;
		if (end)
			return NULL;
		(void)nanosleep(&nap, NULL); /* a signal ends it early, and may */
	}
}

/* ---- start and end ---- */

static void destroy(struct zs_pcap *p)
{
	if (p->out != NULL)
		rte_pcapng_close(p->out); /* closes fd */
	else if (p->fd >= 0)
		close(p->fd);
	rte_ring_free(p->ring); /* NULL allowed, as below */
	rte_mempool_free(p->copies);
	rte_bpf_destroy(p->bpf);
	free(p);
}

static int fail(char err[ZS_PCAP_ERR], int rc, const char *what)
{
	snprintf(err, ZS_PCAP_ERR, "%s: %s", what, strerror(-rc));
	return rc;
}

/*
 * Copies of a packet are one buffer, with room for what pcapng writes around it. Processes that
 * share memory share its names, and a killed one leaves its behind.
 */
static int make_pool(struct zs_pcap *p, char err[ZS_PCAP_ERR])
{
	char name[RTE_RING_NAMESIZE];
	uint32_t room = rte_pcapng_mbuf_size(p->snaplen);
	uint32_t n = RTE_MIN(RTE_MAX((uint32_t)MEMORY / room, (uint32_t)COPIES_MIN),
			     (uint32_t)COPIES_MAX);

	snprintf(name, sizeof(name), "zs_pcap.%d", getpid());
	p->copies = rte_pktmbuf_pool_create(name, n, 0, 0, (uint16_t)room, SOCKET_ID_ANY);
	if (p->copies == NULL)
		return fail(err, -rte_errno, "memory for copies of packets");
	p->ring = rte_ring_create(name, rte_align32pow2(n + 1), SOCKET_ID_ANY, RING_F_SC_DEQ);
	return p->ring == NULL ? fail(err, -rte_errno, "memory for a ring") : 0;
}

static int open_file(struct zs_pcap *p, const char *name, char err[ZS_PCAP_ERR])
{
	struct utsname host;
	char os[2 * sizeof(host.sysname)];

	(void)uname(&host); /* fails for bad addresses only */
	snprintf(os, sizeof(os), "%s %.60s", host.sysname, host.release);
	p->fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (p->fd < 0)
		return fail(err, -errno, name);
	p->out = rte_pcapng_fdopen(p->fd, os, host.machine, "Z-stack", NULL);
	return p->out == NULL ? fail(err, rte_errno != 0 ? -rte_errno : -EIO, name) : 0;
}

static int start_writer(struct zs_pcap *p, char err[ZS_PCAP_ERR])
{
	int rc = rte_ctrl_thread_create(&p->writer, "zs-pcap", NULL, write_all, p);

	if (rc != 0)
		return fail(err, -abs(rc), "a thread to write the file");
	p->has_writer = true;
	return 0;
}

static int prepare(struct zs_pcap *p, const struct zs_pcap_options *o, char err[ZS_PCAP_ERR])
{
	int rc = 0;

	if (o->filter[0] != '\0')
		rc = zs_pcapfilter_compile(o->filter, p->snaplen, &p->bpf, err);
	if (rc == 0)
		rc = make_pool(p, err);
	if (rc == 0)
		rc = open_file(p, o->file, err);
	if (rc == 0)
		rc = start_writer(p, err);
	return rc;
}

int zs_pcap_start(struct zs_dpdk *d, const struct zs_pcap_options *o, char err[ZS_PCAP_ERR])
{
	struct zs_pcap *p;
	int rc;

	if (d->pcap != NULL) {
		snprintf(err, ZS_PCAP_ERR, "a capture runs already");
		return -EBUSY;
	}
	if (o->snaplen > SNAPLEN_MAX || (o->port != ZS_PCAP_ALL_PORTS && o->port >= d->n_ports) ||
	    o->file[0] == '\0' || strlen(o->file) >= ZS_PCAP_FILE) {
		snprintf(err, ZS_PCAP_ERR,
			 "no such interface, a file without a name, or more than %d "
			 "bytes of a packet",
			 SNAPLEN_MAX);
		return -EINVAL;
	}
	if (!sees_any(d)) {
		snprintf(err, ZS_PCAP_ERR,
			 "the primary process receives and sends for all: ask that");
		return -ENOTSUP;
	}
	p = calloc(1, sizeof(*p));
	if (p == NULL)
		return fail(err, -ENOMEM, "a capture");
	p->fd = -1;
	p->snaplen = o->snaplen != 0 ? o->snaplen : SNAPLEN;
	p->max_packets = o->max_packets;
	strcpy(p->file, o->file);
	for (uint16_t i = 0; i < d->n_ports; i++)
		if (is_seen(d, i) && (o->port == ZS_PCAP_ALL_PORTS || o->port == i))
			p->port[p->n_ports++] = i;
	rc = prepare(p, o, err);
	d->pcap = p;
	if (rc == 0) {
		rc = attach(d, p);
		if (rc == 0)
			return 0;
		(void)fail(err, rc, "callbacks of ethdev");
		return rc; /* the caller ends what has begun */
	}
	zs_pcap_finish(d, NULL);
	return rc;
}

void zs_pcap_finish(struct zs_dpdk *d, struct zs_pcap_status *last)
{
	struct zs_pcap *p = d->pcap;

	if (p == NULL)
		return;
	if (p->has_writer) {
		__atomic_store_n(&p->end, true, __ATOMIC_RELEASE);
		(void)pthread_join(p->writer, NULL); /* fails for what is no thread */
	}
	if (last != NULL) {
		zs_pcap_status(d, last);
		last->running = false;
	}
	destroy(p);
	d->pcap = NULL;
}

void zs_pcap_status(const struct zs_dpdk *d, struct zs_pcap_status *out)
{
	const struct zs_pcap *p = d->pcap;

	*out = (struct zs_pcap_status){ .running = p != NULL };
	if (p == NULL)
		return;
	out->full = __atomic_load_n(&p->full, __ATOMIC_RELAXED);
	out->error = p->error;
	out->packets = __atomic_load_n(&p->packets, __ATOMIC_RELAXED);
	out->missed = __atomic_load_n(&p->missed, __ATOMIC_RELAXED);
	strcpy(out->file, p->file);
}
