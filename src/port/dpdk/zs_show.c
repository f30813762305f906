/* SPDX-License-Identifier: BSD-3-Clause */
/* Ports and pools as people want to see them. Reads what ethdev and mempool let any thread read. */
#include "port/dpdk/zs_show.h"

#include <errno.h>

#include "port/dpdk/zs_dpdk_state.h"
#include "port/dpdk/zs_procs.h"

int zs_show_port(const struct zs_dpdk *d, uint16_t index, struct zs_show_port *out)
{
	const struct zs_ethport *p = &d->port[index];
	struct rte_eth_link link = { 0 };

	if (index >= d->n_ports)
		return -EINVAL;
	*out = (struct zs_show_port){
		.driver = p->info.driver_name,
		.port_id = p->id,
		.n_rxq = p->n_rxq,
		.n_txq = p->n_txq,
		.n_rxd = p->n_rxd,
		.n_txd = p->n_txd,
		.rss = p->rss,
		.intr = p->intr,
	};
	if (rte_eth_dev_get_name_by_port(p->id, out->device) < 0)
		out->device[0] = '\0';
	if (rte_eth_link_get_nowait(p->id, &link) == 0) {
		out->link_up = link.link_status == RTE_ETH_LINK_UP &&
			       (p->info.if_index == 0 || !zs_kernif_is_down(p->info.if_index));
		out->link_mbps = link.link_speed == RTE_ETH_SPEED_NUM_UNKNOWN ? 0 : link.link_speed;
	}
	(void)zs_dpdk_port_stats(d, index, &out->stats); /* zero where the device has none */
	return 0;
}
_Static_assert(ZS_SHOW_NAME >= RTE_ETH_NAME_MAX_LEN, "a device's name");

const char *zs_show_offload(unsigned bit)
{
	static const char *const names[] = {
		"rx-ip-checksum",
		"rx-l4-checksum",
		"tx-ip-checksum",
		"tx-tcp-checksum",
		"tx-udp-checksum",
		"multi-segment",
		"tso",
		"lro",
		"tx-vlan",
		"rx-vlan",
	};

	return bit < RTE_DIM(names) ? names[bit] : NULL;
}

bool zs_show_pool(const struct zs_dpdk *d, unsigned i, struct zs_show_pool *out)
{
	const struct zs_node *node;
	const struct rte_mempool *mp = NULL;
	unsigned n = 0;

	for (node = d->node; mp == NULL && node < d->node + d->n_nodes; node++) {
		const struct rte_mempool *const own[] = { node->pools.pkt, node->pools.hdr,
							  node->pools.big };

		for (unsigned j = 0; mp == NULL && j < RTE_DIM(own); j++)
			mp = n++ == i ? own[j] : NULL;
		for (uint16_t j = 0; mp == NULL && j < d->n_ports; j++)
			if (node->rx_pool[j] != NULL && n++ == i)
				mp = node->rx_pool[j];
	}
	if (mp == NULL)
		return false;
	*out = (struct zs_show_pool){
		.name = mp->name,
		.size = mp->size,
		.in_use = rte_mempool_in_use_count(mp),
		.room = rte_pktmbuf_data_room_size((struct rte_mempool *)(uintptr_t)mp),
	};
	return true;
}

void zs_show_proc(const struct zs_dpdk *d, struct zs_show_proc *out)
{
	*out = (struct zs_show_proc){ 0 };
	if (d->procs == NULL)
		return;
	out->id = d->procs->id;
	out->n = d->n_stacks;
	out->present = zs_procs_present(d, out->id);
}
