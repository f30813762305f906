/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * All keys of the configuration are read: what they come to for zs_dpdk_init() and the facade, and
 * what does not fit together.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "api/zs_conf_priv.h"

enum { MAX_POLLERS = 4096 };

void zs_conf_add_eal(struct zs_conf *conf, const char *arg)
{
	if (conf->dpdk.n_eal_argv < ZS_CONF_EAL_ARGS)
		conf->eal_argv[conf->dpdk.n_eal_argv++] = arg;
}

static int prefix_of(uint32_t mask_be)
{
	uint32_t m = ntohl(mask_be);

	if (m == 0 || (~m & (~m + 1)) != 0)
		return -1;
	return __builtin_popcount(m);
}

/* Neither a group's, nor reserved, nor loopback, nor the first or last of its network. */
static bool is_of_a_host(uint32_t ip_be, int prefix)
{
	uint32_t ip = ntohl(ip_be), mask = prefix < 31 ? ~0u >> prefix : 0;

	if (ip >> 28 >= 14 || ip >> 24 == IN_LOOPBACKNET)
		return false;
	return mask == 0 || ((ip & mask) != 0 && (ip & mask) != mask);
}

bool zs_conf_finish_port(struct zs_conf_raw *raw, const struct zs_conf_port *p, const char *name,
			 struct zs_dpdk_port *out)
{
	int prefix = p->prefix != 0 ? p->prefix : 24;

	if (!zs_conf_finish_ip6(raw, p, name, &out->ip6))
		return false;
	if (p->ip4_be == 0 && p->n_vip4 > 0)
		return zs_conf_fail(raw, p->line, "[%s] has vip_addr, but no addr", name);
	if (p->ip4_be == 0 && !out->ip6.on)
		return zs_conf_fail(raw, p->line, "[%s] has no addr", name);
	if (p->has_mask) {
		prefix = prefix_of(p->mask_be);
		if (prefix < 0)
			return zs_conf_fail(raw, p->line, "[%s] netmask %s has a hole", name,
					    p->netmask);
		if (p->prefix != 0 && p->prefix != prefix)
			return zs_conf_fail(raw, p->line, "[%s] addr and netmask disagree", name);
	}
	if (p->ip4_be != 0 && !is_of_a_host(p->ip4_be, prefix))
		return zs_conf_fail(raw, p->line, "[%s] addr is no host's address in its network",
				    name);
	out->mtu = (uint16_t)p->mtu;
	out->vlan = (uint16_t)p->vlan;
	out->mac = p->mac;
	out->ip4_be = p->ip4_be;
	out->ip4_prefix = (uint8_t)prefix;
	out->ip4_gw_be = p->gw_be;
	out->n_ip4_more = p->n_vip4;
	memcpy(out->ip4_more_be, p->vip4_be, sizeof(out->ip4_more_be));
	return true;
}

/* Where a port has VLANs, its section has no say in addresses, as in F-Stack. */
static bool finish_one(struct zs_conf_raw *raw, unsigned id, struct zs_dpdk_port *out)
{
	const struct zs_conf_port *p = &raw->port[id];

	if (!zs_conf_has_vlan(raw, id))
		return zs_conf_finish_port(raw, p, zs_conf_printf(raw->conf, "port%u", id), out);
	out->mtu = (uint16_t)p->mtu;
	out->mac = p->mac;
	out->ip4_be = 0;
	return true;
}

static bool finish_ports(struct zs_conf_raw *raw, struct zs_dpdk_config *d)
{
	struct zs_dpdk_port base = d->port[0];
	uint64_t bits = 1;
	uint32_t off = 0;

	if (raw->port_list != NULL && !zs_conf_list(raw->port_list, ZS_CONF_PORTS, &bits))
		return zs_conf_fail(raw, raw->port_list_line,
				    "port_list: '%s' is not a list of ports such as 0-3,7",
				    raw->port_list);
	if (raw->csum_skip)
		off |= ZS_OFF_TX_IP_CKSUM | ZS_OFF_TX_TCP_CKSUM | ZS_OFF_TX_UDP_CKSUM;
	if (raw->tso_given && !raw->tso)
		off |= ZS_OFF_TX_TSO;
	if (raw->no_lro)
		off |= ZS_OFF_RX_LRO;
	base.promiscuous = raw->promiscuous;
	base.no_offloads |= off;
	base.n_rxd = raw->rxd != 0 ? (uint16_t)raw->rxd : base.n_rxd;
	base.n_txd = raw->txd != 0 ? (uint16_t)raw->txd : base.n_txd;
	d->n_ports = 0;
	for (unsigned id = 0; id < ZS_CONF_PORTS; id++) {
		struct zs_dpdk_port *p = &d->port[d->n_ports];

		if ((bits & (1ull << id)) == 0)
			continue;
		if (d->n_ports == ZS_MAX_PORTS)
			return zs_conf_fail(raw, raw->port_list_line,
					    "port_list: more than %d ports", ZS_MAX_PORTS);
		*p = base;
		p->port_id = (uint16_t)id;
		d->n_ports++;
		if (raw->port[id].line != 0) {
			if (!finish_one(raw, id, p))
				return false;
		} else if (raw->port_list != NULL) {
			return zs_conf_fail(raw, raw->port_list_line,
					    "port_list: there is no [port%u]", id);
		}
	}
	return true;
}

static bool finish_vdevs(struct zs_conf_raw *raw)
{
	for (unsigned i = 0; i < raw->nb_vdev; i++) {
		const struct zs_conf_vdev *v = &raw->vdev[i];
		uint32_t queues = v->queues != 0 ? v->queues : 1;
		char *arg;

		if (v->line == 0)
			return zs_conf_fail(raw, raw->nb_vdev_line, "nb_vdev: there is no [vdev%u]",
					    i);
		if (v->path == NULL)
			return zs_conf_fail(raw, v->line, "[vdev%u] has no path", i);
		arg = zs_conf_printf(raw->conf,
				     "--vdev=net_virtio_user%u,path=%s,queues=%u,queue_size=%u", i,
				     v->path, queues, v->queue_size != 0 ? v->queue_size : 256);
		if (v->has_cq || queues > 1)
			arg = zs_conf_printf(raw->conf, "%s,cq=%u", arg, v->has_cq ? v->cq : 1);
		if (v->iface != NULL)
			arg = zs_conf_printf(raw->conf, "%s,iface=%s", arg, v->iface);
		if (v->mac != NULL)
			arg = zs_conf_printf(raw->conf, "%s,mac=%s", arg, v->mac);
		zs_conf_add_eal(raw->conf, arg);
	}
	return true;
}

static bool finish_lcores(struct zs_conf_raw *raw)
{
	uint64_t mask;
	char *end;

	if (raw->lcore_mask == NULL)
		return true;
	errno = 0;
	mask = strtoull(raw->lcore_mask, &end, 16);
	if (errno != 0 || *end != '\0' || mask == 0)
		return zs_conf_fail(raw, raw->lcore_mask_line,
				    "lcore_mask: '%s' is not a hexadecimal mask of up to 64 CPUs",
				    raw->lcore_mask);
	raw->conf->dpdk.lcore_mask = mask;
	return true;
}

static bool finish_stack(struct zs_conf_raw *raw)
{
	struct zs_config *s = &raw->stack;

	if (raw->no_delack)
		s->delack_us = 0;
	if (s->sndbuf > s->sndbuf_max || raw->no_sndbuf_auto) {
		if (raw->sndbuf_max_given && s->sndbuf > s->sndbuf_max)
			return zs_conf_fail(raw, raw->sndbuf_line,
					    "send buffer of %u is above its maximum %u", s->sndbuf,
					    s->sndbuf_max);
		s->sndbuf_max = s->sndbuf;
	}
	if (s->rcvbuf > s->rcvbuf_max || raw->no_rcvbuf_auto) {
		if (raw->rcvbuf_max_given && s->rcvbuf > s->rcvbuf_max)
			return zs_conf_fail(raw, raw->rcvbuf_line,
					    "receive buffer of %u is above its maximum %u",
					    s->rcvbuf, s->rcvbuf_max);
		s->rcvbuf_max = s->rcvbuf;
	}
	if (s->ip_local_port_lo > s->ip_local_port_hi)
		return zs_conf_fail(raw, raw->ports_line, "local ports: first %u is above last %u",
				    s->ip_local_port_lo, s->ip_local_port_hi);
	if (s->rto_min_us > s->rto_max_us)
		return zs_conf_fail(raw, raw->rto_line,
				    "retransmission timeout: minimum above maximum");
	return true;
}

static void finish_eal(struct zs_conf_raw *raw)
{
	struct zs_conf *conf = raw->conf;
	struct zs_dpdk_config *d = &conf->dpdk;

	if (raw->channel != 0)
		zs_conf_add_eal(conf, zs_conf_printf(conf, "-n%u", raw->channel));
	if (raw->base_virtaddr != NULL)
		zs_conf_add_eal(conf,
				zs_conf_printf(conf, "--base-virtaddr=%s", raw->base_virtaddr));
	if (raw->file_prefix != NULL)
		zs_conf_add_eal(conf, zs_conf_printf(conf, "--file-prefix=%s", raw->file_prefix));
	if (raw->log_level != 0)
		zs_conf_add_eal(conf, zs_conf_printf(conf, "--log-level=%u", raw->log_level));
	if (raw->allow != NULL) {
		char *list = zs_conf_strdup(conf, raw->allow);
		char *save = NULL;

		d->pci = true;
		for (char *dev = strtok_r(list, ", ", &save); dev != NULL;
		     dev = strtok_r(NULL, ", ", &save))
			zs_conf_add_eal(conf, zs_conf_printf(conf, "--allow=%s", dev));
	}
	d->pci = d->pci || raw->pci;
	d->eal_argv = conf->eal_argv;
	d->eal_args = raw->eal_args;
	d->huge = raw->no_huge ? ZS_HUGE_OFF : d->huge;
	d->mem_mb = raw->memory;
	d->numa = raw->numa_on;
	d->n_pkt = raw->pkt_bufs != 0 ? raw->pkt_bufs : d->n_pkt;
	d->n_hdr = raw->hdr_bufs != 0 ? raw->hdr_bufs : d->n_hdr;
	d->n_big = raw->big_bufs != 0 ? raw->big_bufs : d->n_big;
	d->big_room = raw->big_room != 0 ? (uint16_t)raw->big_room : d->big_room;
	d->idle = raw->idle;
	d->idle_sleep_us = raw->idle_sleep;
	d->close_ms = raw->close_ms;
}

bool zs_conf_finish(struct zs_conf_raw *raw)
{
	struct zs_conf *conf = raw->conf;
	uint64_t fds;

	if (!finish_lcores(raw) || !finish_vdevs(raw) || !zs_conf_finish_bonds(raw) ||
	    !finish_ports(raw, &conf->dpdk) || !zs_conf_finish_vlans(raw, &conf->dpdk) ||
	    !finish_stack(raw))
		return false;
	finish_eal(raw);
	conf->dpdk.stack = raw->stack;
	conf->fd_base = (int)raw->fd_reserve;
	fds = (uint64_t)raw->stack.max_conns + raw->stack.max_listeners + raw->stack.max_udp +
	      MAX_POLLERS;
	if (raw->max_fds != 0)
		fds = raw->max_fds;
	conf->max_fds = fds > 1u << 24 ? 1u << 24 : (uint32_t)fds;
	return true;
}
