/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * /zstack/if: interfaces, their addresses and devices. /zstack/pools: pools of buffers.
 * /zstack/proc: which of several processes this is.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "api/zs_ctx.h"
#include "core/zs_look.h"
#include "core/zs_netif.h"
#include "port/dpdk/zs_show.h"
#include "tel/zs_tel_priv.h"

/* ---- interfaces ---- */

struct ifs {
	uint16_t n;
	struct zs_netif_view {
		uint16_t port, mtu, vlan, staged;
		uint32_t offloads, ip4_be;
		uint8_t ip4_prefix;
		struct zs_mac mac;
		int n_ip6;
		struct zs_look_ip6 ip6[ZS_IF6_ADDRS];
	} v[ZS_MAX_PORTS];
};

/* On the stack's loop. */
static void look(struct zs_ctx *c, void *arg)
{
	struct ifs *p = arg;

	p->n = zs_look_netifs(c->s);
	for (uint16_t i = 0; i < p->n; i++) {
		const struct zs_netif *nif = zs_look_netif(c->s, i);

		p->v[i] = (struct zs_netif_view){
			.port = nif->port,
			.mtu = nif->mtu,
			.vlan = nif->vlan,
			.staged = nif->n_txq,
			.offloads = nif->offloads,
			.ip4_be = nif->ip4_be,
			.ip4_prefix = nif->ip4_prefix,
			.mac = nif->mac,
		};
		p->v[i].n_ip6 = zs_look_ip6(c->s, i, p->v[i].ip6);
	}
}

/* "ip6_0": "fe80::1/64", and so on; where there is more to say of one, "ip6_0_state". */
static void tell_ip6(struct zs_tel_dict *t, const struct zs_look_ip6 *v, int i)
{
	char text[ZS_TEL_ADDR], value[ZS_TEL_ADDR + sizeof("/128")], name[32];

	(void)snprintf(name, sizeof(name), "ip6_%d", i);
	(void)snprintf(value, sizeof(value), "%s/%u", zs_tel_addr(text, ZS_AF_IP6, &v->addr),
		       v->prefix);
	zs_tel_str(t, name, value);
	if (v->state[0] == '\0')
		return;
	(void)snprintf(name, sizeof(name), "ip6_%d_state", i);
	zs_tel_str(t, name, v->state);
}

static void tell_stack_side(struct zs_tel_dict *t, const struct zs_netif_view *v)
{
	struct zs_addr ip4 = zs_addr_ip4(v->ip4_be);
	char text[ZS_TEL_ADDR], offloads[128] = "";
	size_t len = 0;

	zs_tel_str(t, "mac", zs_tel_mac(text, &v->mac));
	zs_tel_str(t, "ip4", v->ip4_be != 0 ? zs_tel_addr(text, ZS_AF_IP4, &ip4) : "");
	zs_tel_u64(t, "ip4_prefix", v->ip4_prefix);
	for (int i = 0; i < v->n_ip6; i++)
		tell_ip6(t, &v->ip6[i], i);
	zs_tel_u64(t, "mtu", v->mtu);
	zs_tel_u64(t, "vlan", v->vlan);
	zs_tel_u64(t, "staged", v->staged);
	for (unsigned bit = 0; zs_show_offload(bit) != NULL; bit++) {
		size_t n = strlen(zs_show_offload(bit));

		if (!(v->offloads & 1u << bit) || len + n + 2 > sizeof(offloads))
			continue;
		if (len > 0)
			offloads[len++] = ' ';
		memcpy(offloads + len, zs_show_offload(bit), n + 1);
		len += n;
	}
	zs_tel_str(t, "offloads", offloads);
}

static void tell_device(struct zs_tel_dict *t, const struct zs_show_port *p)
{
	zs_tel_str(t, "device", p->device);
	zs_tel_str(t, "driver", p->driver);
	zs_tel_u64(t, "port_id", p->port_id);
	zs_tel_u64(t, "up", p->link_up);
	zs_tel_u64(t, "mbps", p->link_mbps);
	zs_tel_u64(t, "rx_queues", p->n_rxq);
	zs_tel_u64(t, "tx_queues", p->n_txq);
	zs_tel_u64(t, "rx_descs", p->n_rxd);
	zs_tel_u64(t, "tx_descs", p->n_txd);
	zs_tel_u64(t, "rss", p->rss);
	zs_tel_u64(t, "interrupts", p->intr);
	zs_tel_u64(t, "rx_packets", p->stats.rx_packets);
	zs_tel_u64(t, "rx_bytes", p->stats.rx_bytes);
	zs_tel_u64(t, "rx_missed", p->stats.rx_missed);
	zs_tel_u64(t, "rx_errors", p->stats.rx_errors);
	zs_tel_u64(t, "rx_nombuf", p->stats.rx_nombuf);
	zs_tel_u64(t, "tx_packets", p->stats.tx_packets);
	zs_tel_u64(t, "tx_bytes", p->stats.tx_bytes);
	zs_tel_u64(t, "tx_errors", p->stats.tx_errors);
}

static int tell_ifs(struct zs_tel_query *q, const char *params, struct rte_tel_data *d)
{
	uint64_t from;
	struct zs_tel_page page;
	int rc = zs_tel_page_from(&page, d, q, &params, &from);
	struct ifs p;

	if (rc == 0)
		rc = zs_tel_ask(q, 0, look, &p);
	for (uint64_t i = from; rc == 0 && i < p.n; i++) {
		struct zs_show_port port;
		struct zs_tel_dict t;

		rc = zs_show_port(q->dpdk, p.v[i].port, &port);
		if (rc == 0)
			rc = zs_tel_entry(&t);
		if (rc < 0)
			break;
		tell_stack_side(&t, &p.v[i]);
		tell_device(&t, &port);
		if (!zs_tel_page_add(&page, i, &t))
			break;
	}
	return zs_tel_page_end(&page, rc);
}

/* ---- pools ---- */

static int tell_pools(struct zs_tel_query *q, const char *params, struct rte_tel_data *d)
{
	struct zs_tel_page page;
	struct zs_show_pool pool;
	int rc = zs_tel_page_start(&page, d);

	(void)params;
	for (unsigned i = 0; rc == 0 && zs_show_pool(q->dpdk, i, &pool); i++) {
		struct zs_tel_dict t;

		rc = zs_tel_entry(&t);
		if (rc < 0)
			break;
		zs_tel_u64(&t, "size", pool.size);
		zs_tel_u64(&t, "in_use", pool.in_use);
		zs_tel_u64(&t, "free", pool.size - pool.in_use);
		zs_tel_u64(&t, "room", pool.room);
		if (!zs_tel_page_add_named(&page, pool.name, &t))
			break;
	}
	return zs_tel_page_end(&page, rc);
}

/* ---- processes ---- */

static int tell_proc(struct zs_tel_query *q, const char *params, struct rte_tel_data *d)
{
	struct zs_tel_dict t = { .d = d };
	struct zs_show_proc proc;

	(void)params;
	zs_show_proc(q->dpdk, &proc);
	rte_tel_data_start_dict(d);
	zs_tel_u64(&t, "proc", proc.id);
	zs_tel_u64(&t, "procs", proc.n);
	zs_tel_u64(&t, "takes_part", proc.present);
	return 0;
}

int zs_tel_add_port(void)
{
	static const struct zs_tel_cmd cmds[] = {
		{ "/zstack/if", tell_ifs,
		  "Interfaces: addresses, device, counters. Parameter: from interface" },
		{ "/zstack/pools", tell_pools, "Pools of buffers: size, in use, free, room" },
		{ "/zstack/proc", tell_proc,
		  "Number of this process; of how many, 0: it has all stacks" },
	};

	return zs_tel_add(cmds, sizeof(cmds) / sizeof(cmds[0]));
}
