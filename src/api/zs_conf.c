/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reads config.ini with inih, key by key (zs_conf_keys.c; zs_conf_finish.c says what they come to),
 * and publishes what applications may see. inih calls back for each key right after it has asked
 * our reader for the line, so the reader knows the line number of every key.
 */
#include "api/zs_conf.h"

#include <ctype.h>
#include <errno.h>
#include <ini.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "ff_config.h"

#include "api/zs_conf_priv.h"

enum { FD_BASE = 1024 };

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

	if (fgets(buf, size, raw->f) == NULL) {
		if (ferror(raw->f))
			zs_conf_fail(raw, 0, "%s", strerror(errno));
		return NULL;
	}
	raw->line++;
	raw->continued = raw->has_key && isspace((unsigned char)buf[0]);
	if (!raw->continued && buf[strspn(buf, " \t")] == '[')
		raw->has_key = false;
	len = strlen(buf);
	if (len > 0 && buf[len - 1] != '\n' && !feof(raw->f))
		zs_conf_fail(raw, raw->line, "line longer than %d characters", size - 2);
	return buf;
}

static int on_key(void *user, const char *section, const char *name, const char *value)
{
	struct zs_conf_raw *raw = user;

	raw->has_key = true;
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
	if (rc == 0 && (!zs_conf_finish(&raw) || !zs_conf_finish_procs(&raw, args)))
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
