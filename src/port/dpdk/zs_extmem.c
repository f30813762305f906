/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * May packets point into memory that is not EAL's? Where the driver reads them with the CPU, in
 * this process, yes. A device that reads memory by itself would need it mapped first, and another
 * process that gets addresses needs it shared: neither is done here, so such ports say no, and so
 * does a primary or secondary process. And so do those where another lcore sends, for the
 * application would hear of the end there.
 */
#include <errno.h>
#include <string.h>

#include "port/dpdk/zs_dpdk_state.h"

static bool reads_with_cpu(const struct zs_ethport *port)
{
	static const char *const drivers[] = {
		"net_tap",  "net_af_packet", "net_af_xdp", "net_ring",
		"net_null", "net_pcap",	     "net_vhost",
	};

	for (size_t i = 0; i < RTE_DIM(drivers); i++)
		if (strcmp(port->info.driver_name, drivers[i]) == 0)
			return true;
	return false;
}

int zs_dpdk_mem_map(const struct zs_dpdk *d)
{
	if (d->procs != NULL)
		return -ENOTSUP;
	for (uint16_t i = 0; i < d->n_ports; i++)
		if (!reads_with_cpu(&d->port[i]) || d->port[i].n_txq < d->n_lcores)
			return -ENOTSUP;
	return 0;
}
