/* SPDX-License-Identifier: BSD-3-Clause */
/* What reading the configuration (zs_conf.c) and understanding it (zs_conf_keys.c) share. */
#ifndef ZS_CONF_PRIV_H
#define ZS_CONF_PRIV_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "api/zs_conf.h"

enum { ZS_CONF_PORTS = 32, ZS_CONF_VDEVS = 16, ZS_CONF_VLANS = ZS_MAX_PORTS, ZS_CONF_BONDS = 8 };

/* [portN]; line 0 = there is no such section */
struct zs_conf_port {
	int line;
	char *addr, *netmask, *broadcast, *gateway, *ifname;
	uint32_t ip4_be, mask_be, bcast_be, gw_be;
	uint32_t vip4_be[ZS_IP4_MORE];
	uint8_t n_vip4;
	uint8_t prefix; /* of addr = a.b.c.d/n; 0 = none */
	bool has_mask;
	uint32_t mtu, vlan;
	struct zs_mac mac;

	/* IPv6 (zs_conf_ip6.c) */
	struct zs_addr ip6, gw6;
	struct zs_addr vip6[ZS_IP6_STATIC - 1];
	uint8_t ip6_len, vip6_len[ZS_IP6_STATIC - 1], vip6_all_len; /* 0 = not given */
	uint8_t n_vip6;
	bool has_ip6, auto6_given, auto6, dad6_given, dad6;
};

/* [vdevN] */
struct zs_conf_vdev {
	int line;
	char *iface, *path, *mac;
	uint32_t queues, queue_size, cq;
	bool has_cq;
};

/* [vlanN]: an interface of its own on a port. */
struct zs_conf_vlan {
	unsigned id;
	uint32_t portid;
	struct zs_conf_port net;
};

/* [bondN] */
struct zs_conf_bond {
	int line;
	char *args; /* ",mode=4,..." */
	bool has_mode, has_slave;
};

/* The file, key by key; the tables of zs_conf_keys.c point into it. */
struct zs_conf_raw {
	struct zs_conf *conf;
	const char *file;
	FILE *f;
	int line;
	bool continued; /* the line is indented: it goes on with the key before */
	bool has_key;	/* the section has one */
	bool failed;
	bool no_effect; /* of the key that is being read */
	zs_conf_line_fn on_line;
	void *on_line_arg;

	/* [dpdk] */
	char *lcore_mask, *base_virtaddr, *file_prefix, *allow, *eal_args, *port_list;
	uint32_t channel, memory, nb_vdev, nb_bond, proc_id_max;
	uint32_t idle_sleep, pkt_tx_delay, log_level;
	enum zs_idle_mode idle;
	uint32_t pkt_bufs, hdr_bufs, big_bufs, big_room, rxd, txd, close_ms;
	bool no_huge, promiscuous, numa_on, csum_skip, tso, vlan_strip, symmetric_rss, pci;
	int port_list_line, nb_vdev_line, nb_bond_line, lcore_mask_line;
	bool tso_given, no_lro;

	/* [log], [freebsd.boot] */
	uint32_t log_lib_level, hz, fd_reserve, max_fds;
	char *log_dir;

	struct zs_config stack;
	int sndbuf_line, rcvbuf_line, ports_line, rto_line; /* last mention */
	bool sndbuf_max_given, rcvbuf_max_given, no_delack, no_sndbuf_auto, no_rcvbuf_auto;

	struct zs_conf_port port[ZS_CONF_PORTS];
	struct zs_conf_vdev vdev[ZS_CONF_VDEVS];
	struct zs_conf_vlan vlan[ZS_CONF_VLANS];
	unsigned n_vlans;
	struct zs_conf_bond bond[ZS_CONF_BONDS];
};

/* A copy that lives as long as the configuration; never NULL (the process ends). */
char *zs_conf_strdup(struct zs_conf *conf, const char *s);
char *zs_conf_printf(struct zs_conf *conf, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* "file:line: reason" into conf->err, unless there is one already. Returns false. */
bool zs_conf_fail(struct zs_conf_raw *raw, int line, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Remembers that a key has no effect. */
void zs_conf_no_effect(struct zs_conf_raw *raw, const char *section, const char *key);

/* One key = value; false after zs_conf_fail(). */
bool zs_conf_key(struct zs_conf_raw *raw, const char *section, const char *key, const char *value);

/* ---- values (zs_conf_value.c); false: it is none ---- */

/* With a suffix k, m or g. */
bool zs_conf_number(const char *value, uint64_t *out);
bool zs_conf_bool(const char *value, bool *out);
/* List of numbers and ranges ("0-3,7"), each below max, into set bits. */
bool zs_conf_list(const char *value, uint32_t max, uint64_t *bits);
bool zs_conf_mac(const char *value, struct zs_mac *mac);
/* False after zs_conf_fail(), which names the key. */
bool zs_conf_ip4(struct zs_conf_raw *raw, const char *key, const char *value, uint32_t *out);

/* ---- what keys do (zs_conf_why.c) ---- */

/* Why a key has no effect, NULL: nobody knows it; what a key does, NULL: its name says it. */
const char *zs_conf_why_unused(const char *section, const char *key);
const char *zs_conf_why_used(const char *section, const char *key);

enum zs_conf_found { ZS_KEY_UNKNOWN, ZS_KEY_OK, ZS_KEY_BAD };

/* A key of [portN], if it is one of IPv6's. */
enum zs_conf_found zs_conf_key_ip6(struct zs_conf_raw *raw, struct zs_conf_port *p, const char *key,
				   const char *value);
/* All keys are read: what they come to. */
bool zs_conf_finish_ip6(struct zs_conf_raw *raw, const struct zs_conf_port *p, const char *name,
			struct zs_ip6_config *out);

/* All keys are read (zs_conf_finish.c): what they come to. */
bool zs_conf_finish(struct zs_conf_raw *raw);

/* Of [portN], and of [vlanN] as far as it has the same; name: "port0". */
bool zs_conf_key_port(struct zs_conf_raw *raw, struct zs_conf_port *p, const char *section,
		      const char *key, const char *value);
bool zs_conf_finish_port(struct zs_conf_raw *raw, const struct zs_conf_port *p, const char *name,
			 struct zs_dpdk_port *out);

/* zs_conf_args.c: what lcore_mask and the command line come to. */
bool zs_conf_finish_procs(struct zs_conf_raw *raw, const struct zs_conf_args *args);

/* zs_conf_net.c */
bool zs_conf_vips(struct zs_conf_raw *raw, struct zs_conf_port *p, const char *value);
bool zs_conf_key_vlan(struct zs_conf_raw *raw, unsigned id, const char *section, const char *key,
		      const char *value);
bool zs_conf_has_vlan(const struct zs_conf_raw *raw, unsigned portid);
bool zs_conf_finish_vlans(struct zs_conf_raw *raw, struct zs_dpdk_config *d);
bool zs_conf_key_bond(struct zs_conf_raw *raw, struct zs_conf_bond *b, const char *section,
		      const char *key, const char *value);
bool zs_conf_finish_bonds(struct zs_conf_raw *raw);
void zs_conf_add_eal(struct zs_conf *conf, const char *arg);

#endif
