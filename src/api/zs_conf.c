/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reads config.ini with inih and turns it into what zs_dpdk_init() and the facade want. inih calls
 * back for each key right after it has asked our reader for the line, so the reader knows the line
 * number of every key.
 */
#include "api/zs_conf.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <ini.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "ff_config.h"

#include "api/zs_conf_priv.h"

enum { FD_BASE = 1024, MAX_POLLERS = 4096 };

/* ---- strings and messages ---- */

struct zs_conf_str {
	struct zs_conf_str *next;
	char s[];
};

static char *new_string(struct zs_conf *conf, size_t len)
{
	struct zs_conf_str *str = malloc(sizeof(*str) + len + 1);

	if (str == NULL)
		abort();
	str->next = conf->strings;
	conf->strings = str;
	return str->s;
}

char *zs_conf_strdup(struct zs_conf *conf, const char *s)
{
	size_t len = strlen(s);

	return memcpy(new_string(conf, len), s, len + 1);
}

char *zs_conf_printf(struct zs_conf *conf, const char *fmt, ...)
{
	va_list ap;
	char *s;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	s = new_string(conf, (size_t)len);
	va_start(ap, fmt);
	vsnprintf(s, (size_t)len + 1, fmt, ap);
	va_end(ap);
	return s;
}

bool zs_conf_fail(struct zs_conf_raw *raw, int line, const char *fmt, ...)
{
	char *err = raw->conf->err;
	va_list ap;
	int n;

	if (raw->failed)
		return false;
	raw->failed = true;
	if (line > 0)
		n = snprintf(err, ZS_CONF_ERR, "%s:%d: ", raw->file, line);
	else
		n = snprintf(err, ZS_CONF_ERR, "%s: ", raw->file);
	if (n < 0 || n >= ZS_CONF_ERR)
		return false;
	va_start(ap, fmt);
	vsnprintf(err + n, (size_t)(ZS_CONF_ERR - n), fmt, ap);
	va_end(ap);
	return false;
}

/* One list for all of them: F-Stack's sample file alone has some twenty. */
void zs_conf_no_effect(struct zs_conf_raw *raw, const char *section, const char *key)
{
	char *note = raw->conf->note;
	size_t len = strlen(note);

	raw->no_effect = true;
	if (len == 0)
		len = (size_t)snprintf(note, ZS_CONF_NOTE, "%s: without effect here:", raw->file);
	if (len < ZS_CONF_NOTE)
		snprintf(note + len, ZS_CONF_NOTE - len, " [%s] %s (line %d)", section, key,
			 raw->line);
}

/* ---- reading ---- */

static char *read_line(char *buf, int size, void *stream)
{
	struct zs_conf_raw *raw = stream;
	size_t len;

	if (fgets(buf, size, raw->f) == NULL)
		return NULL;
	raw->line++;
	raw->continued = isspace((unsigned char)buf[0]) != 0;
	len = strlen(buf);
	if (len > 0 && buf[len - 1] != '\n' && !feof(raw->f))
		zs_conf_fail(raw, raw->line, "line longer than %d characters", size - 2);
	return buf;
}

static int on_key(void *user, const char *section, const char *name, const char *value)
{
	struct zs_conf_raw *raw = user;

	/* The first error counts; after it there is nothing more to say. */
	return raw->failed || zs_conf_key(raw, section, name, value);
}

static int parse_file(struct zs_conf_raw *raw)
{
	int line;

	raw->f = fopen(raw->file, "r");
	if (raw->f == NULL) {
		snprintf(raw->conf->err, ZS_CONF_ERR, "%s: %s", raw->file, strerror(errno));
		return -ENOENT;
	}
	line = ini_parse_stream(read_line, raw, on_key, raw);
	fclose(raw->f);
	if (line > 0)
		zs_conf_fail(raw, line, "neither [section] nor key = value nor comment");
	return raw->failed ? -EINVAL : 0;
}

/* ---- understanding ---- */

static void set_defaults(struct zs_conf_raw *raw, struct zs_conf *conf, const char *file)
{
	*raw = (struct zs_conf_raw){
		.conf = conf,
		.file = file,
		.promiscuous = true,
		.numa_on = true,
		.fd_reserve = FD_BASE,
		.hz = 100,
		.close_ms = conf->dpdk.close_ms,
		.idle = conf->dpdk.idle,
		.idle_sleep = conf->dpdk.idle_sleep_us,
		.log_lib_level = 8,
	};
	raw->stack = conf->dpdk.stack;
}

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

static bool finish(struct zs_conf_raw *raw)
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

/* ---- what applications may read ---- */

static void publish_port(struct zs_conf_raw *raw, unsigned id, struct ff_port_cfg *out)
{
	const struct zs_conf_port *p = &raw->port[id];

	*out = (struct ff_port_cfg){
		.name = zs_conf_printf(raw->conf, "port%u", id),
		.ifname = p->ifname,
		.port_id = (uint8_t)id,
		.addr = p->addr,
		.netmask = p->netmask,
		.broadcast = p->broadcast,
		.gateway = p->gateway,
	};
}

static void publish(struct zs_conf_raw *raw, const struct zs_conf_args *args)
{
	struct zs_conf *conf = raw->conf;
	struct zs_dpdk_config *d = &conf->dpdk;
	struct ff_config *g = &ff_global_cfg;
	uint16_t max_id = d->port[d->n_ports - 1].port_id;

	*g = (struct ff_config){ 0 };
	g->filename = conf->file != NULL ? zs_conf_strdup(conf, conf->file) : NULL;
	g->dpdk.proc_type =
		zs_conf_strdup(conf, args->proc_type != NULL ? args->proc_type : "auto");
	g->dpdk.lcore_mask = raw->lcore_mask;
	g->dpdk.base_virtaddr = raw->base_virtaddr;
	g->dpdk.file_prefix = raw->file_prefix;
	g->dpdk.allow = raw->allow;
	g->dpdk.nb_channel = (int)raw->channel;
	g->dpdk.memory = (int)raw->memory;
	g->dpdk.no_huge = raw->no_huge;
	g->dpdk.nb_procs = d->procs ? __builtin_popcountll(d->lcore_mask) : 1;
	g->dpdk.proc_id = d->proc_id;
	g->dpdk.promiscuous = raw->promiscuous;
	g->dpdk.nb_vdev = (int)raw->nb_vdev;
	g->dpdk.numa_on = raw->numa_on;
	g->dpdk.tso = raw->tso;
	g->dpdk.tx_csum_offoad_skip = raw->csum_skip;
	g->dpdk.vlan_strip = raw->vlan_strip;
	g->dpdk.symmetric_rss = raw->symmetric_rss;
	g->dpdk.idle_sleep = raw->idle_sleep;
	g->dpdk.pkt_tx_delay = raw->pkt_tx_delay;
	g->dpdk.log_level = (uint16_t)raw->log_level;
	g->dpdk.nb_ports = d->n_ports;
	g->dpdk.max_portid = max_id;
	g->dpdk.portid_list = (void *)new_string(conf, sizeof(uint16_t) * d->n_ports);
	g->dpdk.port_cfgs = (void *)new_string(conf, sizeof(struct ff_port_cfg) * (max_id + 1u));
	memset(g->dpdk.port_cfgs, 0, sizeof(struct ff_port_cfg) * (max_id + 1u));
	for (unsigned i = 0; i < d->n_ports; i++) {
		g->dpdk.portid_list[i] = d->port[i].port_id;
		publish_port(raw, d->port[i].port_id, &g->dpdk.port_cfgs[d->port[i].port_id]);
	}
	g->log.level = (int)raw->log_lib_level;
	g->log.dir = raw->log_dir;
	g->freebsd.hz = (int)raw->hz;
	g->freebsd.fd_reserve = conf->fd_base;
}

/* ---- entry points ---- */

static int read_all(struct zs_conf *conf, const char *file, const struct zs_conf_args *args,
		    zs_conf_line_fn fn, void *arg)
{
	struct zs_conf_raw raw;
	int rc = 0;

	*conf = (struct zs_conf){ .file = file };
	zs_dpdk_config_defaults(&conf->dpdk);
	set_defaults(&raw, conf, file != NULL ? file : "defaults");
	raw.on_line = fn;
	raw.on_line_arg = arg;
	if (file != NULL)
		rc = parse_file(&raw);
	if (rc == 0 && (!finish(&raw) || !zs_conf_finish_procs(&raw, args)))
		rc = -EINVAL;
	if (rc == 0)
		publish(&raw, args);
	return rc;
}

int zs_conf_load(struct zs_conf *conf, const char *file, const struct zs_conf_args *args)
{
	return read_all(conf, file, args, NULL, NULL);
}

int zs_conf_check(struct zs_conf *conf, const char *file, zs_conf_line_fn fn, void *arg)
{
	static const struct zs_conf_args none;

	return read_all(conf, file, &none, fn, arg);
}

void zs_conf_free(struct zs_conf *conf)
{
	while (conf->strings != NULL) {
		struct zs_conf_str *str = conf->strings;

		conf->strings = str->next;
		free(str);
	}
}
