/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Capturing packets of the ports into a pcapng file while the stacks run. What arrives is looked at
 * in callbacks of ethdev, which are not there at other times, what is sent in zs_pcap_send(); a
 * filter is compiled by libpcap, turned into eBPF and run by librte_bpf; copies go over a ring to a
 * thread that writes the file. When it is too slow packets are missed, and counted, rather than the
 * loops delayed.
 */
#ifndef ZS_PCAP_H
#define ZS_PCAP_H

#include "port/dpdk/zs_dpdk.h"

struct rte_mbuf;
struct zs_pcap;

enum { ZS_PCAP_ERR = 128, ZS_PCAP_FILE = 256, ZS_PCAP_ALL_PORTS = 0xffff };

struct zs_pcap_options {
	const char *file;
	const char *filter;   /* as tcpdump has it; "" = all packets */
	uint32_t snaplen;     /* bytes kept of a packet; 0 = 2048 */
	uint64_t max_packets; /* ends by itself; 0 = never */
	uint16_t port;	      /* index of an interface, or ZS_PCAP_ALL_PORTS */
};

struct zs_pcap_status {
	bool running; /* between start and stop */
	bool full;    /* has max_packets, or the file takes no more (error) */
	int error;    /* errno of writing */
	uint64_t packets, missed;
	char file[ZS_PCAP_FILE];
};

/* -errno with the reason in err. -EBUSY: there is one. Any thread, one at a time, as all here. */
int zs_pcap_start(struct zs_dpdk *d, const struct zs_pcap_options *o, char err[ZS_PCAP_ERR]);

/*
 * Ends it in two steps: after the first nothing new is captured, and once every loop has had a turn
 * after that nobody looks at packets any more; then the second writes what waits and closes the
 * file; last, unless NULL: what came of it.
 */
void zs_pcap_detach(struct zs_dpdk *d);
void zs_pcap_finish(struct zs_dpdk *d, struct zs_pcap_status *last);

void zs_pcap_status(const struct zs_dpdk *d, struct zs_pcap_status *out);

/* rte_eth_tx_burst() of a port with a capture; copies what the device takes. */
uint16_t zs_pcap_send(struct zs_pcap *p, uint16_t port, uint16_t queue, struct rte_mbuf **pkts,
		      uint16_t n);

#endif
