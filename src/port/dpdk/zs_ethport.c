/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One ethdev port: what the device can do, MTU, queues, addresses. Nothing is assumed of a device
 * that it does not advertise; what it lacks is done in software by the core (enum zs_offload says
 * what it has).
 */
#include <errno.h>
#include <string.h>

#include "core/zs_pkt.h"
#include "port/dpdk/zs_dpdk_state.h"

enum {
	RSS_TABLE_MAX = 2048, /* entries */
	TX_CKSUMS = ZS_OFF_TX_IP_CKSUM | ZS_OFF_TX_TCP_CKSUM | ZS_OFF_TX_UDP_CKSUM,
};

/* One offload of ours and what the device has to advertise for it, all of it. */
struct offload_map {
	uint64_t rx, tx;
	enum zs_offload ours;
};

static const struct offload_map offload_map[] = {
	{ RTE_ETH_RX_OFFLOAD_IPV4_CKSUM, 0, ZS_OFF_RX_IP_CKSUM },
	{ RTE_ETH_RX_OFFLOAD_TCP_CKSUM | RTE_ETH_RX_OFFLOAD_UDP_CKSUM, 0, ZS_OFF_RX_L4_CKSUM },
	{ 0, RTE_ETH_TX_OFFLOAD_IPV4_CKSUM, ZS_OFF_TX_IP_CKSUM },
	{ 0, RTE_ETH_TX_OFFLOAD_TCP_CKSUM, ZS_OFF_TX_TCP_CKSUM },
	{ 0, RTE_ETH_TX_OFFLOAD_UDP_CKSUM, ZS_OFF_TX_UDP_CKSUM },
	{ 0, RTE_ETH_TX_OFFLOAD_MULTI_SEGS, ZS_OFF_TX_MULTI_SEG },
	{ 0, RTE_ETH_TX_OFFLOAD_TCP_TSO, ZS_OFF_TX_TSO },
	{ RTE_ETH_RX_OFFLOAD_TCP_LRO, 0, ZS_OFF_RX_LRO },
	{ 0, RTE_ETH_TX_OFFLOAD_VLAN_INSERT, ZS_OFF_TX_VLAN },
	{ RTE_ETH_RX_OFFLOAD_VLAN_STRIP, 0, ZS_OFF_RX_VLAN },
};

/*
 * What is of no use: tags without a VLAN, and large packets without what they need beside it. The
 * checksum of a packet that the device put together is its own affair: it has to have a verdict.
 */
static uint32_t unwanted(const struct zs_ethport *p, const struct zs_dpdk_port *cfg)
{
	const uint64_t tso = RTE_ETH_TX_OFFLOAD_TCP_CKSUM | RTE_ETH_TX_OFFLOAD_MULTI_SEGS;
	const uint64_t lro = RTE_ETH_RX_OFFLOAD_TCP_CKSUM | RTE_ETH_RX_OFFLOAD_UDP_CKSUM;
	uint32_t off = cfg->no_offloads;

	if (cfg->vlan == 0)
		off |= ZS_OFF_TX_VLAN | ZS_OFF_RX_VLAN;
	if (p->quirks.no_tx_vlan)
		off |= ZS_OFF_TX_VLAN;
	if (p->quirks.no_tx_cksum)
		off |= TX_CKSUMS;
	if (p->quirks.no_multi_seg)
		off |= ZS_OFF_TX_MULTI_SEG;
	if ((p->info.tx_offload_capa & tso) != tso || p->quirks.no_tso ||
	    off & (ZS_OFF_TX_TCP_CKSUM | ZS_OFF_TX_MULTI_SEG))
		off |= ZS_OFF_TX_TSO;
	if ((p->info.rx_offload_capa & lro) != lro || off & ZS_OFF_RX_L4_CKSUM)
		off |= ZS_OFF_RX_LRO;
	return off;
}

/* Writes what is to be switched on into conf and returns it as enum zs_offload. */
static uint32_t choose_offloads(const struct zs_ethport *p, uint32_t off, struct rte_eth_conf *conf)
{
	uint32_t chosen = 0;

	conf->rxmode.offloads = conf->txmode.offloads = 0;
	conf->rxmode.max_lro_pkt_size = 0;
	for (size_t i = 0; i < RTE_DIM(offload_map); i++) {
		const struct offload_map *o = &offload_map[i];

		if ((off & o->ours) != 0 || (p->info.rx_offload_capa & o->rx) != o->rx ||
		    (p->info.tx_offload_capa & o->tx) != o->tx)
			continue;
		conf->rxmode.offloads |= o->rx;
		conf->txmode.offloads |= o->tx;
		chosen |= o->ours;
	}
	if (chosen & ZS_OFF_RX_LRO) {
		conf->rxmode.offloads |= p->info.rx_offload_capa & RTE_ETH_RX_OFFLOAD_SCATTER;
		conf->rxmode.max_lro_pkt_size = p->info.max_lro_pkt_size;
	}
	return chosen;
}

/*
 * The core leaves checksum fields as the offloads want them; hardware may have further wishes,
 * which its rte_eth_tx_prepare() fulfils.
 */
static bool needs_prepare(const struct zs_ethport *p)
{
	return (p->offloads & TX_CKSUMS) != 0 && !p->quirks.no_prepare;
}

/* The MTU to use when none is configured: the kernel's where the device is a kernel interface. */
static int default_mtu(const struct zs_ethport *p)
{
	uint16_t mtu = RTE_ETHER_MTU;
	int kern = p->info.if_index != 0 ? zs_kernif_get_mtu(p->info.if_index) : -ENODEV;

	if (kern >= 68 && kern <= UINT16_MAX)
		return kern;
	if (rte_eth_dev_get_mtu(p->id, &mtu) < 0 || mtu < 68)
		return RTE_ETHER_MTU;
	return mtu;
}

static int check_mtu(const struct zs_ethport *p, uint16_t index)
{
	if (p->mtu < 68)
		return zs_dpdk_fail(-EINVAL, "port %u: MTU %u is below 68 (RFC 791)", index,
				    p->mtu);
	if (p->mtu > p->quirks.max_mtu)
		return zs_dpdk_fail(-EINVAL, "port %u: %s: MTU %u, at most %u%s", index,
				    p->info.driver_name, p->mtu, p->quirks.max_mtu,
				    p->quirks.mtu_hint);
	return 0;
}

static uint64_t rss_types(const struct zs_ethport *p)
{
	uint64_t wanted = RTE_ETH_RSS_IPV4 | RTE_ETH_RSS_FRAG_IPV4 | RTE_ETH_RSS_NONFRAG_IPV4_TCP |
			  RTE_ETH_RSS_NONFRAG_IPV4_UDP | RTE_ETH_RSS_IPV6 | RTE_ETH_RSS_FRAG_IPV6 |
			  RTE_ETH_RSS_NONFRAG_IPV6_TCP | RTE_ETH_RSS_NONFRAG_IPV6_UDP;

	return wanted & p->info.flow_type_rss_offloads;
}

/*
 * What a receive ring has no room for is lost, where a transmit ring makes us wait: hence no less
 * than the device recommends. Answers to 200 connections come back as a thousand packets at once.
 */
static uint16_t default_rxd(const struct zs_ethport *p)
{
	return RTE_MAX(p->info.default_rxportconf.ring_size, (uint16_t)ZS_DPDK_DESCS);
}

/* A queue for each stack, as far as there are queues that other processes can use, too. */
static void choose_queues(struct zs_ethport *p, const struct zs_dpdk *d)
{
	uint16_t n = p->quirks.one_queue ? 1 : d->n_stacks;

	if (d->procs != NULL)
		n = RTE_MIN(n, p->quirks.proc_queues);

	p->n_rxq = RTE_MIN(n, p->info.max_rx_queues);
	p->n_txq = RTE_MIN(n, p->info.max_tx_queues);
}

int zs_ethport_check(struct zs_dpdk *d, uint16_t index, const struct zs_dpdk_port *cfg)
{
	struct zs_ethport *p = &d->port[index];
	int rc;

	p->id = cfg->port_id;
	if (!rte_eth_dev_is_valid_port(p->id)) {
		if (d->own_tap && rte_eth_dev_count_avail() == 0)
			return zs_dpdk_fail(-ENODEV,
					    "port %u: cannot make the tap interface zs0 "
					    "(needs CAP_NET_ADMIN and /dev/net/tun)",
					    index);
		return zs_dpdk_fail(-ENODEV, "port %u: there is no DPDK port %u (found %u)", index,
				    p->id, rte_eth_dev_count_avail());
	}
	rc = rte_eth_dev_info_get(p->id, &p->info);
	if (rc < 0)
		return zs_dpdk_fail(rc, "port %u: %s", index, strerror(-rc));
	zs_quirks_get(p, &p->quirks);
	choose_queues(p, d);
	p->mtu = cfg->mtu != 0 ? cfg->mtu : (uint16_t)default_mtu(p);
	rc = check_mtu(p, index);
	if (rc < 0)
		return rc;
	p->n_rxd = cfg->n_rxd != 0 ? cfg->n_rxd : default_rxd(p);
	p->n_txd = cfg->n_txd != 0 ? cfg->n_txd : ZS_DPDK_DESCS;
	rc = rte_eth_dev_adjust_nb_rx_tx_desc(p->id, &p->n_rxd, &p->n_txd);
	if (rc < 0)
		return zs_dpdk_fail(rc, "port %u: no usable ring sizes: %s", index, strerror(-rc));
	p->held = p->n_rxd + p->n_txd + p->quirks.held;
	return 0;
}

/* Asks the device to spread flows as we do. */
static void choose_rss(struct zs_dpdk *d, struct zs_ethport *p, struct rte_eth_conf *conf)
{
	uint8_t len = RTE_MIN(p->info.hash_key_size, ZS_RSS_KEY_MAX);

	p->rss = p->n_rxq > 1 && rss_types(p) != 0;
	if (!p->rss)
		return;
	conf->rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
	conf->rx_adv_conf.rss_conf = (struct rte_eth_rss_conf){
		.rss_key = len > 0 ? d->rss.key : NULL,
		.rss_key_len = len,
		.rss_hf = rss_types(p),
	};
}

static int configure(struct zs_dpdk *d, uint16_t index, const struct zs_dpdk_port *cfg)
{
	struct zs_ethport *p = &d->port[index];
	struct rte_eth_conf conf = { .rxmode.mtu = RTE_ETHER_MTU };
	uint32_t off = unwanted(p, cfg);
	int rc;

	p->offloads = choose_offloads(p, off, &conf);
	/* What the device would refuse is left to set_mtu(), which has the words for it. */
	if (p->mtu <= p->info.max_mtu && p->mtu >= p->info.min_mtu &&
	    p->mtu + 14u <= p->info.max_rx_pktlen)
		conf.rxmode.mtu = p->mtu;
	choose_rss(d, p, &conf);
	conf.intr_conf.rxq = p->intr;
	rc = rte_eth_dev_configure(p->id, p->n_rxq, p->n_txq, &conf);
	if (rc < 0 && p->intr) { /* it is polled then */
		p->intr = false;
		conf.intr_conf.rxq = 0;
		rc = rte_eth_dev_configure(p->id, p->n_rxq, p->n_txq, &conf);
	}
	if (rc < 0 && p->rss) { /* software does it */
		p->rss = false;
		conf.rxmode.mq_mode = RTE_ETH_MQ_RX_NONE;
		rc = rte_eth_dev_configure(p->id, p->n_rxq, p->n_txq, &conf);
	}
	if (rc < 0 && p->offloads & ZS_OFF_RX_LRO) { /* virtio: the peer has not agreed to it */
		p->offloads = choose_offloads(p, off | ZS_OFF_RX_LRO, &conf);
		rc = rte_eth_dev_configure(p->id, p->n_rxq, p->n_txq, &conf);
	}
	p->tx_prepare = needs_prepare(p);
	p->tso_prepare = (p->offloads & ZS_OFF_TX_TSO) != 0 && !p->tx_prepare;
	if (rc < 0)
		return zs_dpdk_fail(rc, "port %u: %s: configuration refused: %s", index,
				    p->info.driver_name, strerror(-rc));
	p->configured = true;
	return 0;
}

/* A device without an MTU of its own (memif, ring, vhost) takes any frame that its buffers hold. */
static int set_mtu(const struct zs_ethport *p, uint16_t index)
{
	int rc;

	if (p->info.if_index != 0 && zs_kernif_get_mtu(p->info.if_index) == p->mtu)
		return 0; /* and no privilege needed */
	if (p->quirks.mtu_by_kernel)
		rc = zs_kernif_set_mtu(p->info.if_index, p->mtu);
	else
		rc = rte_eth_dev_set_mtu(p->id, p->mtu);
	if (rc < 0 && rc != -ENOTSUP)
		return zs_dpdk_fail(rc, "port %u: %s: MTU %u refused (%u to %u allowed): %s", index,
				    p->info.driver_name, p->mtu, p->info.min_mtu, p->info.max_mtu,
				    strerror(-rc));
	return 0;
}

/* Bytes behind the headroom that take one frame of the MTU. */
static uint32_t rx_room(const struct zs_ethport *p)
{
	uint32_t room = p->mtu + (uint32_t)ZS_L2_OVERHEAD + p->quirks.extra_room;

	room = RTE_ALIGN(RTE_MAX(room, p->quirks.min_room), 64u);
	return RTE_MIN(room, (uint32_t)UINT16_MAX - RTE_PKTMBUF_HEADROOM);
}

static int setup_rx(struct zs_dpdk *d, struct zs_ethport *p, uint16_t index, uint16_t queue)
{
	struct zs_node *node = d->node_of[queue];
	struct rte_mempool *mp = zs_pool_rx(d, node, index, (uint16_t)rx_room(p));
	int rc = -ENOMEM;

	if (mp != NULL)
		rc = rte_eth_rx_queue_setup(p->id, queue, p->n_rxd,
					    (unsigned)rte_eth_dev_socket_id(p->id), NULL, mp);
	if (rc < 0)
		return zs_dpdk_fail(rc, "port %u: %s: receive queue %u of %u refused: %s", index,
				    p->info.driver_name, queue, p->n_rxd, strerror(-rc));
	zs_intr_find_socket(d, p, queue);
	return 0;
}

/*
 * A ring of virtio has the size that its host gave it, whatever is asked for (QEMU: 256). The
 * driver does not say which, but refuses a threshold that is too large for it.
 */
static int try_tx(const struct zs_ethport *p, uint16_t queue, uint16_t ring)
{
	static const char log[] = "pmd.net.virtio.init";
	struct rte_eth_txconf conf = p->info.default_txconf;
	bool may_fail = p->quirks.sent_max != 0 && ring > 2 * p->quirks.sent_max;
	int level = may_fail ? zs_dpdk_hush(log) : -1;
	int rc;

	if (may_fail)
		conf.tx_free_thresh = ring - p->quirks.sent_max;
	rc = rte_eth_tx_queue_setup(p->id, queue, p->n_txd, (unsigned)rte_eth_dev_socket_id(p->id),
				    &conf);
	zs_dpdk_unhush(log, level);
	return rc == -EINVAL && may_fail ? try_tx(p, queue, ring / 2) : rc;
}

static int setup_tx(const struct zs_ethport *p, uint16_t index, uint16_t queue)
{
	int rc = try_tx(p, queue, p->n_txd);

	if (rc < 0)
		return zs_dpdk_fail(rc, "port %u: %s: transmit queue %u of %u refused: %s", index,
				    p->info.driver_name, queue, p->n_txd, strerror(-rc));
	return 0;
}

static int setup_queues(struct zs_dpdk *d, struct zs_ethport *p, uint16_t index)
{
	int rc = 0;

	for (uint16_t q = 0; rc == 0 && q < p->n_rxq; q++)
		rc = setup_rx(d, p, index, q);
	for (uint16_t q = 0; rc == 0 && q < p->n_txq; q++)
		rc = setup_tx(p, index, q);
	return rc;
}

/* A device without an address (ring, null) gets one of ours; that it cannot keep it does not
 * matter. */
static void invent_mac(const struct zs_ethport *p, struct rte_ether_addr *addr)
{
	rte_eth_random_addr(addr->addr_bytes);
	(void)rte_eth_dev_default_mac_addr_set(p->id, addr);
}

/* What the other end of the device has, where that is the kernel's. */
static struct rte_ether_addr other_mac(const struct zs_ethport *p, struct rte_ether_addr addr)
{
	if (p->quirks.mac_of_kernel) {
		addr.addr_bytes[0] =
			(addr.addr_bytes[0] & ~RTE_ETHER_GROUP_ADDR) | RTE_ETHER_LOCAL_ADMIN_ADDR;
		addr.addr_bytes[5] ^= 1;
	}
	return addr;
}

static int set_mac(struct zs_ethport *p, uint16_t index, const struct zs_mac *want)
{
	static const struct zs_mac none;
	struct rte_ether_addr addr, device;
	int rc;

	if (memcmp(want, &none, sizeof(none)) != 0) {
		memcpy(&addr, want, sizeof(addr));
		device = other_mac(p, addr);
		rc = rte_is_valid_assigned_ether_addr(&addr)
			     ? rte_eth_dev_default_mac_addr_set(p->id, &device)
			     : -EINVAL;
		if (rc < 0 && rc != -ENOTSUP)
			return zs_dpdk_fail(rc, "port %u: %s: MAC address refused: %s", index,
					    p->info.driver_name, strerror(-rc));
	} else {
		rc = rte_eth_macaddr_get(p->id, &device);
		if (rc < 0)
			return zs_dpdk_fail(rc, "port %u: no MAC address: %s", index,
					    strerror(-rc));
		addr = other_mac(p, device);
	}
	if (!rte_is_valid_assigned_ether_addr(&addr))
		invent_mac(p, &addr);
	memcpy(&p->mac, &addr, sizeof(p->mac));
	return 0;
}

/* Once more without interrupts, when the device does not start with them. */
static int start_device(struct zs_dpdk *d, uint16_t index, const struct zs_dpdk_port *cfg)
{
	struct zs_ethport *p = &d->port[index];
	int rc = rte_eth_dev_start(p->id);

	if (rc == 0 || !p->intr)
		return rc;
	zs_dpdk_warn("port %u: %s: does not start with receive interrupts: it is polled", index,
		     p->info.driver_name);
	p->intr = false;
	rc = configure(d, index, cfg);
	if (rc == 0)
		rc = setup_queues(d, p, index);
	return rc < 0 ? rc : rte_eth_dev_start(p->id);
}

static int start(struct zs_dpdk *d, uint16_t index, const struct zs_dpdk_port *cfg)
{
	struct zs_ethport *p = &d->port[index];
	int rc = start_device(d, index, cfg);

	if (rc < 0)
		return zs_dpdk_fail(rc, "port %u: %s: does not start: %s", index,
				    p->info.driver_name, strerror(-rc));
	p->started = true;
	rc = rte_eth_dev_set_link_up(p->id);
	if (rc < 0 && rc != -ENOTSUP)
		zs_dpdk_warn("port %u: link does not come up: %s", index, strerror(-rc));
	if (cfg->promiscuous) {
		rc = rte_eth_promiscuous_enable(p->id);
		if (rc < 0 && rc != -ENOTSUP)
			return zs_dpdk_fail(rc, "port %u: %s: no promiscuous mode: %s", index,
					    p->info.driver_name, strerror(-rc));
	}
	return 0;
}

/* What the device refuses costs a hand-over per packet, no more. */
static void set_rss_table(const struct zs_dpdk *d, const struct zs_ethport *p)
{
	struct rte_eth_rss_reta_entry64 reta[RSS_TABLE_MAX / RTE_ETH_RETA_GROUP_SIZE] = { 0 };
	uint16_t size = p->info.reta_size;

	if (size == 0 || size > RSS_TABLE_MAX)
		return;
	for (uint16_t i = 0; i < size; i++) {
		struct rte_eth_rss_reta_entry64 *e = &reta[i / RTE_ETH_RETA_GROUP_SIZE];

		e->mask |= 1ull << i % RTE_ETH_RETA_GROUP_SIZE;
		e->reta[i % RTE_ETH_RETA_GROUP_SIZE] = d->rss.lcore[i & d->rss.mask] % p->n_rxq;
	}
	(void)rte_eth_dev_rss_reta_update(p->id, reta, size);
}

int zs_ethport_start(struct zs_dpdk *d, uint16_t index, const struct zs_dpdk_port *cfg)
{
	struct zs_ethport *p = &d->port[index];
	int rc;

	/* A queue may go from one process to another, its interrupt does not. */
	p->intr = d->idle != ZS_IDLE_POLL && (d->procs == NULL || p->n_rxq == 1);
	rc = configure(d, index, cfg);
	if (rc == 0)
		rc = set_mtu(p, index);
	if (rc == 0)
		rc = setup_queues(d, p, index);
	if (rc == 0)
		rc = set_mac(p, index, &cfg->mac);
	if (rc == 0)
		rc = start(d, index, cfg);
	if (rc == 0 && p->rss)
		set_rss_table(d, p);
	if (rc == 0 && p->intr)
		zs_intr_check_port(p, index);
	return rc;
}

void zs_ethport_stop(struct zs_dpdk *d, uint16_t index)
{
	struct zs_ethport *p = &d->port[index];

	if (p->started)
		(void)rte_eth_dev_stop(p->id); /* nothing to be done about a device that will not */
	if (p->configured)
		(void)rte_eth_dev_close(p->id);
	p->started = p->configured = false;
}
