/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the configuration file says, in F-Stack's structure and field names, for programs that look.
 * To be read; changing it changes nothing. What the file leaves out is the default, 0 or NULL (tso
 * is 0, though it is used then). Never filled in: nb_bond, proc_mask, proc_lcore, vdev_cfgs and
 * bond_cfgs; mac, hw_features, cores and slaves of a port; kni and pcap; of freebsd all but hz and
 * fd_reserve.
 */
#ifndef FF_CONFIG_H
#define FF_CONFIG_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define DPDK_CONFIG_NUM 64
#define DPDK_CONFIG_MAXLEN 256
#define DPDK_MAX_LCORE 128
#define MAX_PKT_BURST 32
#define BURST_TX_DRAIN_US 100
#define VIP_MAX_NUM 64

struct ff_hw_features {
	uint8_t rx_csum;
	uint8_t rx_lro;
	uint8_t tx_csum_ip;
	uint8_t tx_csum_l4;
	uint8_t tx_tso;
};

/* [portN] */
struct ff_port_cfg {
	char *name;
	char *ifname;
	uint8_t port_id;
	uint8_t mac[6];
	struct ff_hw_features hw_features;
	char *addr;
	char *netmask;
	char *broadcast;
	char *gateway;
	int nb_lcores;
	int nb_slaves;
	uint16_t lcore_list[DPDK_MAX_LCORE];
	uint16_t *slave_portid_list;
};

/* [vdevN] */
struct ff_vdev_cfg {
	char *name;
	char *iface;
	char *path;
	char *mac;
	uint8_t vdev_id;
	uint8_t nb_queues;
	uint8_t nb_cq;
	uint16_t queue_size;
};

/* [bondN] is not told here. */
struct ff_bond_cfg;

/* One key of [freebsd.boot] or [freebsd.sysctl]. */
struct ff_freebsd_cfg {
	char *name;
	char *str;
	void *value;
	size_t vlen;
	struct ff_freebsd_cfg *next;
};

struct ff_config {
	char *filename;
	struct {
		char *proc_type;
		char *lcore_mask;
		char *proc_mask;
		char *base_virtaddr;
		char *file_prefix;
		char *allow;
		int nb_channel;
		int memory; /* MB */
		int no_huge;
		int nb_procs;
		int proc_id;
		int promiscuous;
		int nb_vdev;
		int nb_bond;
		int numa_on;
		int tso;
		int tx_csum_offoad_skip;
		int vlan_strip;
		int symmetric_rss;
		unsigned idle_sleep; /* us */
		unsigned
			pkt_tx_delay; /* us; has no effect: packets leave at the end of each turn */
		uint16_t *proc_lcore;
		int nb_ports;
		uint16_t max_portid;
		uint16_t *portid_list;
		uint16_t log_level;
		struct ff_port_cfg *port_cfgs; /* indexed by port number */
		struct ff_vdev_cfg *vdev_cfgs;
		struct ff_bond_cfg *bond_cfgs;
	} dpdk;
	struct {
		int enable;
		char *method;
		char *tcp_port;
		char *udp_port;
	} kni;
	struct {
		int level;
		const char *dir;
	} log;
	struct {
		struct ff_freebsd_cfg *boot;
		struct ff_freebsd_cfg *sysctl;
		long physmem;
		int hz;
		int fd_reserve;
		int mem_size;
	} freebsd;
	struct {
		uint16_t enable;
		uint16_t snap_len;
		uint32_t save_len;
		char *save_path;
	} pcap;
};

extern struct ff_config ff_global_cfg;

/* Reads the configuration as ff_init() does, without starting anything. 0 or -1. */
int ff_load_config(int argc, char *const argv[]);

#ifdef __cplusplus
}
#endif

#endif
