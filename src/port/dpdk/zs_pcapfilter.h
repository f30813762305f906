/* SPDX-License-Identifier: BSD-3-Clause */
/* Filters of tcpdump as programs for librte_bpf. */
#ifndef ZS_PCAPFILTER_H
#define ZS_PCAPFILTER_H

#include <stdint.h>

#include "port/dpdk/zs_pcap.h"

struct rte_bpf;

/* For Ethernet frames. -errno with the reason in err; -ENOTSUP: libpcap is not installed. */
int zs_pcapfilter_compile(const char *filter, uint32_t snaplen, struct rte_bpf **out,
			  char err[ZS_PCAP_ERR]);

#endif
