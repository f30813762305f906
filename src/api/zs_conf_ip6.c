/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * [portN] and IPv6: addr6, prefix_len and gateway6, as F-Stack's files have them; vip_addr6 for
 * more addresses; autoconf6 and dad6 of our own. A port without any of these has no IPv6.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "api/zs_conf_priv.h"

static bool get_ip6(struct zs_conf_raw *raw, const char *key, const char *value,
		    struct zs_addr *out)
{
	if (inet_pton(AF_INET6, value, out) == 1)
		return true;
	return zs_conf_fail(raw, raw->line, "%s: '%s' is not an IPv6 address", key, value);
}

static bool get_len(struct zs_conf_raw *raw, const char *key, const char *value, uint8_t *out)
{
	char *end;
	unsigned long n = strtoul(value, &end, 10);

	if (*value < '0' || *value > '9' || *end != '\0' || n < 1 || n > 128)
		return zs_conf_fail(raw, raw->line, "%s: '%s' is not a prefix length (1..128)", key,
				    value);
	*out = (uint8_t)n;
	return true;
}

/* "ADDRESS" or "ADDRESS/LENGTH"; *len stays without one. */
static bool get_ip6_len(struct zs_conf_raw *raw, const char *key, const char *value,
			struct zs_addr *addr, uint8_t *len)
{
	char *copy = zs_conf_strdup(raw->conf, value);
	char *slash = strchr(copy, '/');

	if (slash != NULL) {
		*slash = '\0';
		if (!get_len(raw, key, slash + 1, len))
			return false;
	}
	return get_ip6(raw, key, copy, addr);
}

/* More addresses, separated by ';' as F-Stack does it, or by blanks. */
static bool get_more(struct zs_conf_raw *raw, struct zs_conf_port *p, const char *key,
		     const char *value)
{
	char *copy = zs_conf_strdup(raw->conf, value), *save = NULL;

	if (!raw->continued)
		p->n_vip6 = 0;
	for (char *w = strtok_r(copy, "; \t", &save); w != NULL;
	     w = strtok_r(NULL, "; \t", &save)) {
		if (p->n_vip6 == ZS_IP6_STATIC - 1)
			return zs_conf_fail(raw, raw->line, "%s: more than %d addresses", key,
					    ZS_IP6_STATIC - 1);
		if (!get_ip6_len(raw, key, w, &p->vip6[p->n_vip6], &p->vip6_len[p->n_vip6]))
			return false;
		p->n_vip6++;
	}
	return true;
}

static bool get_flag(struct zs_conf_raw *raw, const char *key, const char *value, bool *given,
		     bool *out)
{
	*given = true;
	*out = strcmp(value, "1") == 0;
	return *out || strcmp(value, "0") == 0 ||
	       zs_conf_fail(raw, raw->line, "%s: '%s' is neither 0 nor 1", key, value);
}

enum zs_conf_found zs_conf_key_ip6(struct zs_conf_raw *raw, struct zs_conf_port *p, const char *key,
				   const char *value)
{
	bool ok;

	if (strcmp(key, "addr6") == 0) {
		p->has_ip6 = true;
		ok = get_ip6_len(raw, key, value, &p->ip6, &p->ip6_len);
	} else if (strcmp(key, "prefix_len") == 0) {
		ok = get_len(raw, key, value, &p->ip6_len);
	} else if (strcmp(key, "gateway6") == 0) {
		ok = get_ip6(raw, key, value, &p->gw6);
	} else if (strcmp(key, "vip_addr6") == 0) {
		ok = get_more(raw, p, key, value);
	} else if (strcmp(key, "vip_prefix_len") == 0) {
		ok = get_len(raw, key, value, &p->vip6_all_len);
	} else if (strcmp(key, "autoconf6") == 0) {
		ok = get_flag(raw, key, value, &p->auto6_given, &p->auto6);
	} else if (strcmp(key, "dad6") == 0) {
		ok = get_flag(raw, key, value, &p->dad6_given, &p->dad6);
	} else {
		return ZS_KEY_UNKNOWN;
	}
	return ok ? ZS_KEY_OK : ZS_KEY_BAD;
}

/*
 * An address without a gateway has routers tell the rest, and autoconf6 = 1 is all that an
 * interface needs which has them tell everything.
 */
bool zs_conf_finish_ip6(struct zs_conf_raw *raw, const struct zs_conf_port *p, const char *name,
			struct zs_ip6_config *out)
{
	const uint8_t usual = 64;
	bool gateway = !zs_addr_is_any(&p->gw6);

	if (!p->has_ip6 && !(p->auto6_given && p->auto6)) {
		if (gateway || p->n_vip6 > 0)
			return zs_conf_fail(raw, p->line, "[%s] has no addr6", name);
		return true;
	}
	*out = (struct zs_ip6_config){
		.on = true,
		.autoconf = p->auto6_given ? p->auto6 : !gateway,
		.dad_probes = p->dad6_given && !p->dad6 ? 0 : 1,
		.gw = p->gw6,
	};
	if (p->has_ip6) {
		out->addr[0] = p->ip6;
		out->prefix[out->n_addr++] = p->ip6_len != 0 ? p->ip6_len : usual;
	}
	for (unsigned i = 0; i < p->n_vip6; i++) {
		uint8_t all = p->vip6_all_len != 0 ? p->vip6_all_len : usual;

		out->addr[out->n_addr] = p->vip6[i];
		out->prefix[out->n_addr++] = p->vip6_len[i] != 0 ? p->vip6_len[i] : all;
	}
	return true;
}
