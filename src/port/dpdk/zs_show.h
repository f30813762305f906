/* SPDX-License-Identifier: BSD-3-Clause */
/* What ports, pools and loops look like, for those who show it to people. Any thread. */
#ifndef ZS_SHOW_H
#define ZS_SHOW_H

#include "port/dpdk/zs_dpdk.h"

enum { ZS_SHOW_NAME = 64 };

struct zs_show_port {
	char device[ZS_SHOW_NAME]; /* as DPDK calls it */
	const char *driver;
	uint16_t port_id; /* ethdev's number */
	bool link_up;
	uint32_t link_mbps; /* 0 = unknown */
	uint16_t n_rxq, n_txq, n_rxd, n_txd;
	bool rss, intr;
	struct zs_dpdk_port_stats stats;
};

/* 0 or -errno; index of the interface. */
int zs_show_port(const struct zs_dpdk *d, uint16_t index, struct zs_show_port *out);

/* Name of an offload by its bit in enum zs_offload; NULL beyond the last. */
const char *zs_show_offload(unsigned bit);

struct zs_show_pool {
	const char *name;
	uint32_t size, in_use, room; /* room: bytes of a buffer */
};

/* Pool number i of the process; false: there are not so many. */
bool zs_show_pool(const struct zs_dpdk *d, unsigned i, struct zs_show_pool *out);

/* Number of the process among `n` with a stack each; n is 0 when it is none of several. */
struct zs_show_proc {
	uint16_t id, n;
	bool present; /* it takes part */
};

void zs_show_proc(const struct zs_dpdk *d, struct zs_show_proc *out);

#endif
