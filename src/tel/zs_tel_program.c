/* SPDX-License-Identifier: BSD-3-Clause */
/* The commands of a whole program, with ports and a configuration. */
#include "tel/zs_tel_priv.h"

int zs_tel_start_port(struct zs_dpdk *dpdk)
{
	int rc;

	zs_tel_set_dpdk(dpdk);
	rc = zs_tel_add_port();
	if (rc == 0)
		rc = zs_tel_add_pcap();
	return rc == 0 ? zs_tel_add_knobs() : rc;
}
