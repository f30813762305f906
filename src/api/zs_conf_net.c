/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Interfaces that are more than a port with an address: [vlanN], vip_addr, and [bondN], a device
 * that EAL makes of others (net_bonding).
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "api/zs_conf_priv.h"

/* More addresses, separated by ';' as F-Stack does it, or by blanks. */
bool zs_conf_vips(struct zs_conf_raw *raw, struct zs_conf_port *p, const char *value)
{
	char *copy = zs_conf_strdup(raw->conf, value), *save = NULL;

	if (!raw->continued)
		p->n_vip4 = 0;
	for (char *w = strtok_r(copy, "; \t", &save); w != NULL;
	     w = strtok_r(NULL, "; \t", &save)) {
		if (p->n_vip4 == ZS_IP4_MORE)
			return zs_conf_fail(raw, raw->line, "vip_addr: more than %d addresses",
					    ZS_IP4_MORE);
		if (inet_pton(AF_INET, w, &p->vip4_be[p->n_vip4]) != 1)
			return zs_conf_fail(raw, raw->line, "vip_addr: '%s' is not an IPv4 address",
					    w);
		p->n_vip4++;
	}
	return true;
}

static bool get_number(const char *value, unsigned long max, uint32_t *out)
{
	char *end;
	unsigned long n = strtoul(value, &end, 10);

	*out = (uint32_t)n;
	return *value >= '0' && *value <= '9' && *end == '\0' && n <= max;
}

/* ---- [vlanN] ---- */

static struct zs_conf_vlan *vlan_of(struct zs_conf_raw *raw, unsigned id)
{
	struct zs_conf_vlan *v = raw->vlan;

	while (v < raw->vlan + raw->n_vlans && v->id != id)
		v++;
	if (v == raw->vlan + ZS_CONF_VLANS)
		return NULL;
	if (v == raw->vlan + raw->n_vlans) {
		*v = (struct zs_conf_vlan){ .id = id, .net.line = raw->line };
		raw->n_vlans++;
	}
	return v;
}

bool zs_conf_key_vlan(struct zs_conf_raw *raw, unsigned id, const char *section, const char *key,
		      const char *value)
{
	struct zs_conf_vlan *v = vlan_of(raw, id);

	if (v == NULL)
		return zs_conf_fail(raw, raw->line, "[%s]: more than %d VLANs", section,
				    ZS_CONF_VLANS);
	if (strcmp(key, "portid") == 0)
		return get_number(value, ZS_CONF_PORTS - 1, &v->portid) ||
		       zs_conf_fail(raw, raw->line, "portid: '%s' is not in 0..%d", value,
				    ZS_CONF_PORTS - 1);
	if (strcmp(key, "mtu") == 0 || strcmp(key, "mac") == 0 || strcmp(key, "vlan") == 0) {
		zs_conf_no_effect(raw, section, key); /* of the port */
		return true;
	}
	return zs_conf_key_port(raw, &v->net, section, key, value);
}

bool zs_conf_has_vlan(const struct zs_conf_raw *raw, unsigned portid)
{
	for (unsigned i = 0; i < raw->n_vlans; i++)
		if (raw->vlan[i].portid == portid)
			return true;
	return false;
}

bool zs_conf_finish_vlans(struct zs_conf_raw *raw, struct zs_dpdk_config *d)
{
	unsigned ports = 0;

	for (unsigned i = 0; i < d->n_ports; i++)
		ports += !zs_conf_has_vlan(raw, d->port[i].port_id);
	for (unsigned i = 0; i < raw->n_vlans; i++) {
		const struct zs_conf_vlan *v = &raw->vlan[i];
		struct zs_dpdk_vlan *out = &d->vlan[i];
		const char *name = zs_conf_printf(raw->conf, "vlan%u", v->id);
		unsigned k = 0;

		while (k < d->n_ports && d->port[k].port_id != v->portid)
			k++;
		if (k == d->n_ports)
			return zs_conf_fail(raw, v->net.line, "[%s] portid: port %u is not used",
					    name, v->portid);
		if (ports + i >= ZS_MAX_PORTS)
			return zs_conf_fail(raw, v->net.line, "[%s]: more than %d interfaces", name,
					    ZS_MAX_PORTS);
		if (!zs_conf_finish_port(raw, &v->net, name, &out->net))
			return false;
		out->port = (uint16_t)k;
		out->net.vlan = (uint16_t)v->id;
		d->port[k].vlan = (uint16_t)v->id; /* the device may strip tags */
		d->n_vlans++;
	}
	return true;
}

/* ---- [bondN] ---- */

bool zs_conf_key_bond(struct zs_conf_raw *raw, struct zs_conf_bond *b, const char *section,
		      const char *key, const char *value)
{
	static const struct {
		const char *key, *arg; /* of net_bonding */
	} args[] = {
		{ "mode", "mode" },
		{ "slave", "slave" },
		{ "primary", "primary" },
		{ "mac", "mac" },
		{ "socket_id", "socket_id" },
		{ "xmit_policy", "xmit_policy" },
		{ "lsc_poll_period_ms", "lsc_poll_period_ms" },
		{ "up_delay", "up_delay" },
		{ "down_delay", "down_delay" },
	};

	for (unsigned i = 0; i < sizeof(args) / sizeof(args[0]); i++) {
		if (strcmp(key, args[i].key) != 0)
			continue;
		b->has_mode = b->has_mode || strcmp(key, "mode") == 0;
		b->has_slave = b->has_slave || strcmp(key, "slave") == 0;
		b->args = zs_conf_printf(raw->conf, "%s,%s=%s", b->args != NULL ? b->args : "",
					 args[i].arg, value);
		return true;
	}
	zs_conf_no_effect(raw, section, key);
	return true;
}

bool zs_conf_finish_bonds(struct zs_conf_raw *raw)
{
	for (unsigned i = 0; i < raw->nb_bond; i++) {
		const struct zs_conf_bond *b = &raw->bond[i];

		if (b->line == 0)
			return zs_conf_fail(raw, raw->nb_bond_line, "nb_bond: there is no [bond%u]",
					    i);
		if (!b->has_mode || !b->has_slave)
			return zs_conf_fail(raw, b->line, "[bond%u] has no %s", i,
					    b->has_mode ? "slave" : "mode");
		zs_conf_add_eal(raw->conf,
				zs_conf_printf(raw->conf, "--vdev=net_bonding%u%s", i, b->args));
	}
	return true;
}
