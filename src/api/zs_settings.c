/* SPDX-License-Identifier: BSD-3-Clause */
/* Settings by FreeBSD's names: the table, and values in and out of a configuration. */
#include "api/zs_settings.h"

#include <errno.h>
#include <string.h>

#include "core/zs_env.h"

#define CFG(field) offsetof(struct zs_config, field)

enum { BUF_MAX = 1 << 30, MS_MAX = 4000000 /* of what is kept in microseconds */ };

static const struct zs_setting settings[] = {
	{ "net.inet.tcp.sendspace", CFG(sndbuf), 0, ZS_SET_U32, false, 1, 1, BUF_MAX },
	{ "net.inet.tcp.recvspace", CFG(rcvbuf), 0, ZS_SET_U32, false, 1, 1, BUF_MAX },
	{ "net.inet.tcp.sendbuf_max", CFG(sndbuf_max), 0, ZS_SET_U32, false, 1, 1, BUF_MAX },
	{ "net.inet.tcp.recvbuf_max", CFG(rcvbuf_max), 0, ZS_SET_U32, false, 1, 1, BUF_MAX },
	{ "kern.ipc.maxsockbuf", CFG(sndbuf_max), 0, ZS_SET_U32, true, 1, 1, BUF_MAX },
	{ "net.inet.tcp.delacktime", CFG(delack_us), 0, ZS_SET_U32, false, 1000, 0, 500 },
	{ "net.inet.tcp.pmtud_blackhole_detection", CFG(mtu_black_holes), 0, ZS_SET_BOOL, false, 1,
	  0, 1 },
	{ "net.inet.tcp.sack.enable", CFG(use_sack), 0, ZS_SET_BOOL, false, 1, 0, 1 },
	{ "net.inet.tcp.rfc1323", CFG(use_ts), CFG(use_wscale), ZS_SET_BOOL, false, 1, 0, 1 },
	{ "net.inet.tcp.tolerate_missing_ts", CFG(tolerate_missing_ts), 0, ZS_SET_BOOL, false, 1, 0,
	  1 },
	{ "net.inet.tcp.ecn.enable", CFG(ecn), 0, ZS_SET_U8, false, 1, 0, 2 },
	{ "net.inet.tcp.ecn.maxretries", CFG(ecn_retries), 0, ZS_SET_U8, false, 1, 0, 30 },
	/* TIME-WAIT lasts twice that, and 32 bits of microseconds have to do */
	{ "net.inet.tcp.msl", CFG(msl_us), 0, ZS_SET_U32, false, 1000, 1, 1000000 },
	{ "net.inet.tcp.finwait2_timeout", CFG(fin_wait2_us), 0, ZS_SET_U32, false, 1000, 1,
	  MS_MAX },
	{ "net.inet.tcp.keepidle", CFG(keep_idle_ms), 0, ZS_SET_U32, false, 1, 1, INT32_MAX },
	{ "net.inet.tcp.keepintvl", CFG(keep_intvl_ms), 0, ZS_SET_U32, false, 1, 1, INT32_MAX },
	{ "net.inet.tcp.keepcnt", CFG(keep_count), 0, ZS_SET_U32, false, 1, 1, 1000 },
	{ "net.inet.tcp.initcwnd_segments", CFG(initial_cwnd_segs), 0, ZS_SET_U8, false, 1, 1,
	  255 },
	{ "net.inet.tcp.rexmit_min", CFG(rto_min_us), 0, ZS_SET_U32, false, 1000, 1, 60000 },
	{ "net.inet.tcp.rexmit_initial", CFG(rto_initial_us), 0, ZS_SET_U32, false, 1000, 1,
	  60000 },
	{ "net.inet.ip.ttl", CFG(ttl), 0, ZS_SET_U8, false, 1, 1, 255 },
	{ "net.inet.ip.portrange.first", CFG(ip_local_port_lo), 0, ZS_SET_U16, false, 1, 1, 65535 },
	{ "net.inet.ip.portrange.last", CFG(ip_local_port_hi), 0, ZS_SET_U16, false, 1, 1, 65535 },
	{ "net.inet.icmp.icmplim", CFG(icmp_rate), 0, ZS_SET_U32, false, 1, 0, 1000000 },
};

int zs_settings_count(void)
{
	return (int)(sizeof(settings) / sizeof(settings[0]));
}

const struct zs_setting *zs_setting_at(int i)
{
	return &settings[i];
}

const struct zs_setting *zs_setting_find(const char *name)
{
	for (int i = 0; i < zs_settings_count(); i++)
		if (strcmp(settings[i].name, name) == 0)
			return &settings[i];
	return NULL;
}

uint32_t zs_setting_get(const struct zs_config *cfg, const struct zs_setting *st)
{
	const void *field = (const char *)cfg + st->off;

	switch ((enum zs_setting_kind)st->kind) {
	case ZS_SET_U8:
		return *(const uint8_t *)field;
	case ZS_SET_U16:
		return *(const uint16_t *)field;
	case ZS_SET_U32:
		return *(const uint32_t *)field / st->unit;
	case ZS_SET_BOOL:
		return *(const bool *)field;
	}
	return 0;
}

static void put(void *field, enum zs_setting_kind kind, uint32_t value)
{
	switch (kind) {
	case ZS_SET_U8:
		*(uint8_t *)field = (uint8_t)value;
		break;
	case ZS_SET_U16:
		*(uint16_t *)field = (uint16_t)value;
		break;
	case ZS_SET_U32:
		*(uint32_t *)field = value;
		break;
	case ZS_SET_BOOL:
		*(bool *)field = value != 0;
		break;
	}
}

int zs_setting_set(struct zs_config *cfg, const struct zs_setting *st, uint32_t value)
{
	if (value < st->min || value > st->max)
		return -EINVAL;
	put((char *)cfg + st->off, st->kind, value * st->unit);
	if (st->also != 0)
		put((char *)cfg + st->also, st->kind, value * st->unit);
	return 0;
}
