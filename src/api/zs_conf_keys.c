/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What each key of the configuration means: tables from name to field, type and range, and the few
 * keys that need a function of their own.
 */
#include <string.h>

#include "api/zs_conf_priv.h"
#include "api/zs_settings.h"

enum kind { U8, U16, U32, BOOL, NOT_BOOL, STR };

enum { VLAN_IDS = 4095 };

/* A number is value * mul. Sizes take a suffix k, m or g. */
struct key {
	const char *name;
	size_t off;
	uint8_t kind;
	uint32_t mul;
	uint64_t min, max; /* of the value as written */
};

#define RAW(field) offsetof(struct zs_conf_raw, field)
#define STACK(field) offsetof(struct zs_conf_raw, stack.field)

static const struct key dpdk_keys[] = {
	{ "lcore_mask", RAW(lcore_mask), STR, 0, 0, 0 },
	{ "channel", RAW(channel), U32, 1, 1, 32 },
	{ "base_virtaddr", RAW(base_virtaddr), STR, 0, 0, 0 },
	{ "file_prefix", RAW(file_prefix), STR, 0, 0, 0 },
	{ "allow", RAW(allow), STR, 0, 0, 0 },
	{ "pci_whitelist", RAW(allow), STR, 0, 0, 0 },
	{ "eal_args", RAW(eal_args), STR, 0, 0, 0 },
	{ "port_list", RAW(port_list), STR, 0, 0, 0 },
	{ "memory", RAW(memory), U32, 1, 1, 1 << 20 },
	{ "no_huge", RAW(no_huge), BOOL, 0, 0, 0 },
	{ "promiscuous", RAW(promiscuous), BOOL, 0, 0, 0 },
	{ "numa_on", RAW(numa_on), BOOL, 0, 0, 0 },
	{ "tx_csum_offoad_skip", RAW(csum_skip), BOOL, 0, 0, 0 },
	{ "tso", RAW(tso), BOOL, 0, 0, 0 },
	{ "lro", RAW(no_lro), NOT_BOOL, 0, 0, 0 },
	{ "vlan_strip", RAW(vlan_strip), BOOL, 0, 0, 0 },
	{ "symmetric_rss", RAW(symmetric_rss), BOOL, 0, 0, 0 },
	{ "pci", RAW(pci), BOOL, 0, 0, 0 },
	{ "idle_sleep", RAW(idle_sleep), U32, 1, 0, 1000000 },
	{ "pkt_tx_delay", RAW(pkt_tx_delay), U32, 1, 0, 1000000 },
	{ "log_level", RAW(log_level), U32, 1, 0, 8 },
	{ "nb_vdev", RAW(nb_vdev), U32, 1, 0, ZS_CONF_VDEVS },
	{ "nb_bond", RAW(nb_bond), U32, 1, 0, ZS_CONF_BONDS },
	{ "pkt_bufs", RAW(pkt_bufs), U32, 1, 64, 1 << 26 },
	{ "hdr_bufs", RAW(hdr_bufs), U32, 1, 64, 1 << 26 },
	{ "big_bufs", RAW(big_bufs), U32, 1, 1, 1 << 26 },
	{ "big_room", RAW(big_room), U32, 1, 2048, 65000 },
	{ "rx_descs", RAW(rxd), U32, 1, 32, 32768 },
	{ "tx_descs", RAW(txd), U32, 1, 32, 32768 },
	{ NULL, 0, 0, 0, 0, 0 },
};

static const struct key boot_keys[] = {
	{ "fd_reserve", RAW(fd_reserve), U32, 1, 0, 1 << 30 },
	{ "hz", RAW(hz), U32, 1, 1, 1000000 },
	{ NULL, 0, 0, 0, 0, 0 },
};

/* What is not a setting of the stack alone; the others are in zs_settings.c. */
static const struct key sysctl_keys[] = {
	{ "net.inet.tcp.sendbuf_auto", RAW(no_sndbuf_auto), NOT_BOOL, 0, 0, 0 },
	{ "net.inet.tcp.recvbuf_auto", RAW(no_rcvbuf_auto), NOT_BOOL, 0, 0, 0 },
	{ "net.inet.tcp.delayed_ack", RAW(no_delack), NOT_BOOL, 0, 0, 0 },
	{ NULL, 0, 0, 0, 0, 0 },
};

static const struct key stack_keys[] = {
	{ "max_conns", STACK(max_conns), U32, 1, 1, (1u << 29) - 1 },
	{ "max_half_open", STACK(max_half_open), U32, 1, 1, (1u << 28) - 1 },
	{ "max_time_wait", STACK(max_time_wait), U32, 1, 1, (1u << 28) - 1 },
	{ "max_listeners", STACK(max_listeners), U32, 1, 1, 1 << 20 },
	{ "max_udp", STACK(max_udp), U32, 1, 1, 1 << 20 },
	{ "max_neigh", STACK(max_neigh), U32, 1, 1, 1 << 20 },
	{ "max_fds", RAW(max_fds), U32, 1, 16, 1 << 24 },
	{ "sndbuf", STACK(sndbuf), U32, 1, 1, 1u << 31 },
	{ "sndbuf_max", STACK(sndbuf_max), U32, 1, 1, 1u << 31 },
	{ "rcvbuf", STACK(rcvbuf), U32, 1, 1, 1u << 31 },
	{ "rcvbuf_max", STACK(rcvbuf_max), U32, 1, 1, 1u << 31 },
	{ "rto_min_us", STACK(rto_min_us), U32, 1, 64, 60000000 },
	{ "rto_max_us", STACK(rto_max_us), U32, 1, 64, UINT32_MAX },
	{ "rto_initial_us", STACK(rto_initial_us), U32, 1, 64, 60000000 },
	{ "delack_us", STACK(delack_us), U32, 1, 0, 500000 },
	{ "notsent_lowat", STACK(notsent_lowat), U32, 1, 0, UINT32_MAX },
	{ "tlp", STACK(use_tlp), BOOL, 0, 0, 0 },
	{ "tlp_ack_delay_us", STACK(tlp_ack_delay_us), U32, 1, 0, 500000 },
	{ "msl_us", STACK(msl_us), U32, 1, 1, 1u << 31 },
	{ "fin_wait2_us", STACK(fin_wait2_us), U32, 1, 1, UINT32_MAX },
	{ "keep_idle_ms", STACK(keep_idle_ms), U32, 1, 1, UINT32_MAX },
	{ "keep_intvl_ms", STACK(keep_intvl_ms), U32, 1, 1, UINT32_MAX },
	{ "keep_count", STACK(keep_count), U32, 1, 1, 1000 },
	{ "syn_retries", STACK(syn_retries), U8, 1, 1, 30 },
	{ "synack_retries", STACK(synack_retries), U8, 1, 1, 7 },
	{ "data_retries", STACK(data_retries), U8, 1, 1, 30 },
	{ "quickacks", STACK(quickacks), U8, 1, 0, 255 },
	{ "initial_cwnd_segs", STACK(initial_cwnd_segs), U8, 1, 1, 255 },
	{ "hystart", STACK(hystart), U8, 1, 0, 2 },
	{ "psh_segs", STACK(psh_segs), U8, 1, 0, 255 },
	{ "idle_restart", STACK(idle_restart), BOOL, 0, 0, 0 },
	{ "ecn", STACK(ecn), U8, 1, 0, 2 },
	{ "ecn_retries", STACK(ecn_retries), U8, 1, 0, 30 },
	{ "timestamps", STACK(use_ts), BOOL, 0, 0, 0 },
	{ "tolerate_missing_ts", STACK(tolerate_missing_ts), BOOL, 0, 0, 0 },
	{ "pace", STACK(pace), BOOL, 0, 0, 0 },
	{ "sack", STACK(use_sack), BOOL, 0, 0, 0 },
	{ "window_scaling", STACK(use_wscale), BOOL, 0, 0, 0 },
	{ "merge", STACK(use_merge), BOOL, 0, 0, 0 },
	{ "ttl", STACK(ttl), U8, 1, 1, 255 },
	{ "local_port_first", STACK(ip_local_port_lo), U16, 1, 1, 65535 },
	{ "local_port_last", STACK(ip_local_port_hi), U16, 1, 1, 65535 },
	{ "icmp_rate", STACK(icmp_rate), U32, 1, 0, 1000000 },
	{ "challenge_rate", STACK(challenge_rate), U32, 1, 0, 1000000 },
	{ "challenge_gap_ms", STACK(challenge_gap_ms), U32, 1, 0, 60000 },
	{ "idle_sleep_us", RAW(idle_sleep), U32, 1, 0, 1000000 },
	{ "close_ms", RAW(close_ms), U32, 1, 0, 60000 },
	{ NULL, 0, 0, 0, 0, 0 },
};

static const struct key log_keys[] = {
	{ "level", RAW(log_lib_level), U32, 1, 0, 8 },
	{ "dir", RAW(log_dir), STR, 0, 0, 0 },
	{ NULL, 0, 0, 0, 0, 0 },
};

/* ---- tables ---- */

static bool set_number(struct zs_conf_raw *raw, const struct key *k, void *field, const char *value)
{
	uint64_t v;

	if (!zs_conf_number(value, &v))
		return zs_conf_fail(raw, raw->line, "%s: '%s' is not a number", k->name, value);
	if (v < k->min || v > k->max)
		return zs_conf_fail(raw, raw->line, "%s: %s is not in %llu..%llu", k->name, value,
				    (unsigned long long)k->min, (unsigned long long)k->max);
	v *= k->mul;
	if (k->kind == U8)
		*(uint8_t *)field = (uint8_t)v;
	else if (k->kind == U16)
		*(uint16_t *)field = (uint16_t)v;
	else
		*(uint32_t *)field = (uint32_t)v;
	return true;
}

static bool no_continuation(struct zs_conf_raw *raw, const char *key)
{
	return zs_conf_fail(raw, raw->line, "%s: an indented line goes on with the key before",
			    key);
}

static bool set_key(struct zs_conf_raw *raw, const struct key *k, const char *value)
{
	void *field = (char *)raw + k->off;
	bool b;

	if (k->kind == STR) {
		char **s = field;

		if (*value == '\0')
			return zs_conf_fail(raw, raw->line, "%s: empty", k->name);
		*s = raw->continued && *s != NULL ? zs_conf_printf(raw->conf, "%s %s", *s, value)
						  : zs_conf_strdup(raw->conf, value);
		return true;
	}
	if (raw->continued)
		return no_continuation(raw, k->name);
	if (k->kind != BOOL && k->kind != NOT_BOOL)
		return set_number(raw, k, field, value);
	if (!zs_conf_bool(value, &b))
		return zs_conf_fail(raw, raw->line, "%s: '%s' is neither 0 nor 1", k->name, value);
	*(bool *)field = k->kind == BOOL ? b : !b;
	return true;
}

static const struct key *find_key(const struct key *k, const char *name)
{
	for (; k->name != NULL; k++)
		if (strcmp(k->name, name) == 0)
			return k;
	return NULL;
}

/* ---- sections ---- */

bool zs_conf_key_port(struct zs_conf_raw *raw, struct zs_conf_port *p, const char *section,
		      const char *key, const char *value)
{
	uint64_t n;

	switch (zs_conf_key_ip6(raw, p, key, value)) {
	case ZS_KEY_OK:
		return true;
	case ZS_KEY_BAD:
		return false;
	case ZS_KEY_UNKNOWN:
		break;
	}
	if (strcmp(key, "addr") == 0) {
		char *copy = zs_conf_strdup(raw->conf, value);
		char *slash = strchr(copy, '/');

		if (slash != NULL) {
			*slash = '\0';
			if (!zs_conf_number(slash + 1, &n) || n < 1 || n > 32)
				return zs_conf_fail(raw, raw->line,
						    "addr: '%s' is not a prefix length", slash + 1);
			p->prefix = (uint8_t)n;
		}
		p->addr = copy;
		return zs_conf_ip4(raw, key, copy, &p->ip4_be);
	}
	if (strcmp(key, "netmask") == 0) {
		p->netmask = zs_conf_strdup(raw->conf, value);
		p->has_mask = true;
		return zs_conf_ip4(raw, key, value, &p->mask_be);
	}
	if (strcmp(key, "broadcast") == 0) {
		p->broadcast = zs_conf_strdup(raw->conf, value);
		return zs_conf_ip4(raw, key, value, &p->bcast_be);
	}
	if (strcmp(key, "gateway") == 0) {
		p->gateway = zs_conf_strdup(raw->conf, value);
		return zs_conf_ip4(raw, key, value, &p->gw_be);
	}
	if (strcmp(key, "vip_addr") == 0)
		return zs_conf_vips(raw, p, value);
	if (strcmp(key, "mtu") == 0) {
		if (!zs_conf_number(value, &n) || n < 576 || n > 65535)
			return zs_conf_fail(raw, raw->line, "mtu: '%s' is not in 576..65535",
					    value);
		p->mtu = (uint32_t)n;
		return true;
	}
	if (strcmp(key, "vlan") == 0) {
		if (!zs_conf_number(value, &n) || n > 4094)
			return zs_conf_fail(raw, raw->line, "vlan: '%s' is not in 0..4094", value);
		p->vlan = (uint32_t)n;
		return true;
	}
	if (strcmp(key, "mac") == 0)
		return zs_conf_mac(value, &p->mac) ||
		       zs_conf_fail(raw, raw->line, "mac: '%s' is not a unicast MAC address",
				    value);
	if (strcmp(key, "if_name") == 0)
		p->ifname = zs_conf_strdup(raw->conf, value);
	zs_conf_no_effect(raw, section, key);
	return true;
}

static bool key_vdev(struct zs_conf_raw *raw, struct zs_conf_vdev *v, const char *section,
		     const char *key, const char *value)
{
	const struct key keys[] = {
		{ "iface", offsetof(struct zs_conf_vdev, iface), STR, 0, 0, 0 },
		{ "path", offsetof(struct zs_conf_vdev, path), STR, 0, 0, 0 },
		{ "mac", offsetof(struct zs_conf_vdev, mac), STR, 0, 0, 0 },
		{ "queues", offsetof(struct zs_conf_vdev, queues), U32, 1, 1, 256 },
		{ "queue_size", offsetof(struct zs_conf_vdev, queue_size), U32, 1, 32, 32768 },
		{ "cq", offsetof(struct zs_conf_vdev, cq), U32, 1, 0, 1 },
		{ NULL, 0, 0, 0, 0, 0 },
	};
	const struct key *k = find_key(keys, key);
	struct key here;

	if (k == NULL) {
		zs_conf_no_effect(raw, section, key);
		return true;
	}
	here = *k;
	here.off += (size_t)((char *)v - (char *)raw);
	v->has_cq = v->has_cq || strcmp(key, "cq") == 0;
	return set_key(raw, &here, value);
}

static bool key_cc(struct zs_conf_raw *raw, const char *key, const char *value)
{
	int kind = zs_cc_by_name(value, strlen(value));
	char known[64] = "";

	if (raw->continued)
		return no_continuation(raw, key);
	if (kind >= 0) {
		raw->stack.cc = (uint8_t)kind;
		return true;
	}
	for (unsigned i = 0; i < ZS_CC_COUNT; i++) {
		size_t n = strlen(known);

		(void)snprintf(known + n, sizeof(known) - n, "%s%s", n == 0 ? "" : ", ",
			       zs_cc_name(i));
	}
	return zs_conf_fail(raw, raw->line, "%s: '%s' is none of %s", key, value, known);
}

static bool key_idle(struct zs_conf_raw *raw, const char *key, const char *value)
{
	if (raw->continued)
		return no_continuation(raw, key);
	if (strcmp(value, "poll") == 0)
		raw->idle = ZS_IDLE_POLL;
	else if (strcmp(value, "adaptive") == 0)
		raw->idle = ZS_IDLE_ADAPTIVE;
	else if (strcmp(value, "powersave") == 0)
		raw->idle = ZS_IDLE_POWERSAVE;
	else
		return zs_conf_fail(raw, raw->line, "%s: '%s' is none of poll, adaptive, powersave",
				    key, value);
	return true;
}

/* Keys whose mere mention matters, and those of more than one field. */
static bool key_special(struct zs_conf_raw *raw, const char *section, const char *key,
			const char *value, bool *done)
{
	*done = true;
	if (strcmp(section, "freebsd.sysctl") == 0 && strcmp(key, "net.inet.tcp.cc.algorithm") == 0)
		return key_cc(raw, key, value);
	if (strcmp(section, "stack") == 0 && strcmp(key, "cc") == 0)
		return key_cc(raw, key, value);
	if (strcmp(section, "dpdk") == 0 && strcmp(key, "idle") == 0)
		return key_idle(raw, key, value);
	*done = false;
	return true;
}

/* Where a later check reports its line, and which defaults no longer hold. */
static void mention(struct zs_conf_raw *raw, const char *section, const char *key)
{
	static const struct {
		const char *part;
		size_t off;
	} line[] = {
		{ "sndbuf", RAW(sndbuf_line) },	   { "sendspace", RAW(sndbuf_line) },
		{ "sendbuf", RAW(sndbuf_line) },   { "rcvbuf", RAW(rcvbuf_line) },
		{ "recvspace", RAW(rcvbuf_line) }, { "recvbuf", RAW(rcvbuf_line) },
		{ "port", RAW(ports_line) },	   { "rto_", RAW(rto_line) },
		{ "rexmit", RAW(rto_line) },
	};

	if (strcmp(section, "dpdk") == 0) {
		if (strcmp(key, "port_list") == 0)
			raw->port_list_line = raw->line;
		else if (strcmp(key, "lcore_mask") == 0)
			raw->lcore_mask_line = raw->line;
		else if (strcmp(key, "nb_vdev") == 0)
			raw->nb_vdev_line = raw->line;
		else if (strcmp(key, "nb_bond") == 0)
			raw->nb_bond_line = raw->line;
		else if (strcmp(key, "tso") == 0)
			raw->tso_given = true;
		else if (strcmp(key, "vlan_strip") == 0 || strcmp(key, "symmetric_rss") == 0 ||
			 strcmp(key, "pkt_tx_delay") == 0)
			zs_conf_no_effect(raw, section, key);
	}
	if (strcmp(key, "sndbuf_max") == 0 || strcmp(key, "net.inet.tcp.sendbuf_max") == 0)
		raw->sndbuf_max_given = true;
	if (strcmp(key, "rcvbuf_max") == 0 || strcmp(key, "net.inet.tcp.recvbuf_max") == 0)
		raw->rcvbuf_max_given = true;
	for (unsigned i = 0; i < sizeof(line) / sizeof(line[0]); i++)
		if (strstr(key, line[i].part) != NULL)
			*(int *)(void *)((char *)raw + line[i].off) = raw->line;
	if (strcmp(key, "hz") == 0)
		zs_conf_no_effect(raw, section, key);
}

/* "port12" with prefix "port": 12; -1 when it is something else or beyond max. */
static int section_number(const char *section, const char *prefix, int max)
{
	size_t len = strlen(prefix);
	uint64_t n;

	if (strncmp(section, prefix, len) != 0 || !zs_conf_number(section + len, &n) ||
	    n >= (uint64_t)max)
		return -1;
	return (int)n;
}

static bool is_interface(const char *section)
{
	return section_number(section, "port", ZS_CONF_PORTS) >= 0 ||
	       section_number(section, "vlan", VLAN_IDS) > 0 ||
	       section_number(section, "bond", ZS_CONF_BONDS) >= 0;
}

/* Of an interface: further addresses, and devices. */
static bool is_list(const char *key)
{
	return strcmp(key, "vip_addr") == 0 || strcmp(key, "vip_addr6") == 0 ||
	       strcmp(key, "slave") == 0;
}

/* A setting of the stack by FreeBSD's name; *found: it is one. */
static bool key_setting(struct zs_conf_raw *raw, const char *key, const char *value, bool *found)
{
	static const uint8_t kinds[] = {
		[ZS_SET_U8] = U8, [ZS_SET_U16] = U16, [ZS_SET_U32] = U32, [ZS_SET_BOOL] = BOOL
	};
	const struct zs_setting *st = zs_setting_find(key);
	struct key k;
	bool ok;

	*found = st != NULL && !st->running;
	if (!*found)
		return true;
	k = (struct key){ key,	  STACK(max_conns) + st->off, kinds[st->kind], st->unit, st->min,
			  st->max };
	ok = set_key(raw, &k, value);
	if (ok && st->also != 0) {
		k.off = STACK(max_conns) + st->also;
		ok = set_key(raw, &k, value);
	}
	return ok;
}

static bool understand(struct zs_conf_raw *raw, const char *section, const char *key,
		       const char *value)
{
	static const struct {
		const char *name;
		const struct key *keys;
	} tables[] = {
		{ "dpdk", dpdk_keys },
		{ "freebsd.boot", boot_keys },
		{ "freebsd.sysctl", sysctl_keys },
		{ "stack", stack_keys },
		{ "log", log_keys },
	};
	const struct key *k = NULL;
	bool done;
	int n;

	if (raw->continued && is_interface(section) && !is_list(key))
		return no_continuation(raw, key);
	n = section_number(section, "port", ZS_CONF_PORTS);
	if (n >= 0) {
		raw->port[n].line = raw->port[n].line != 0 ? raw->port[n].line : raw->line;
		return zs_conf_key_port(raw, &raw->port[n], section, key, value);
	}
	n = section_number(section, "vdev", ZS_CONF_VDEVS);
	if (n >= 0) {
		raw->vdev[n].line = raw->vdev[n].line != 0 ? raw->vdev[n].line : raw->line;
		return key_vdev(raw, &raw->vdev[n], section, key, value);
	}
	n = section_number(section, "vlan", VLAN_IDS);
	if (n > 0)
		return zs_conf_key_vlan(raw, (unsigned)n, section, key, value);
	n = section_number(section, "bond", ZS_CONF_BONDS);
	if (n >= 0) {
		raw->bond[n].line = raw->bond[n].line != 0 ? raw->bond[n].line : raw->line;
		return zs_conf_key_bond(raw, &raw->bond[n], section, key, value);
	}
	if (!key_special(raw, section, key, value, &done) || done)
		return done && !raw->failed;
	if (strcmp(section, "freebsd.sysctl") == 0) {
		mention(raw, section, key);
		if (!key_setting(raw, key, value, &done) || done)
			return done && !raw->failed;
	}
	for (unsigned i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		if (strcmp(section, tables[i].name) == 0)
			k = find_key(tables[i].keys, key);
	if (k == NULL) {
		zs_conf_no_effect(raw, section, key);
		return true;
	}
	mention(raw, section, key);
	return set_key(raw, k, value);
}

static void tell(const struct zs_conf_raw *raw, const char *section, const char *key,
		 const char *value)
{
	struct zs_conf_line line = {
		.line = raw->line,
		.section = section,
		.key = key,
		.value = value,
		.verdict = ZS_CONF_USED,
	};

	if (raw->failed) {
		line.verdict = ZS_CONF_WRONG;
		line.why = raw->conf->err;
	} else if (raw->no_effect) {
		line.why = zs_conf_why_unused(section, key);
		line.verdict = line.why != NULL ? ZS_CONF_UNUSED : ZS_CONF_UNKNOWN;
	} else {
		line.why = zs_conf_why_used(section, key);
	}
	raw->on_line(raw->on_line_arg, &line);
}

bool zs_conf_key(struct zs_conf_raw *raw, const char *section, const char *key, const char *value)
{
	bool ok;

	raw->no_effect = false;
	ok = understand(raw, section, key, value);
	if (raw->on_line != NULL)
		tell(raw, section, key, value);
	return ok;
}
