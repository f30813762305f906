/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ff_sysctl: FreeBSD's protocol for the settings that have a meaning here. { 0, 3 } turns a name
 * (newp) into a number of two words, which then reads (oldp) and writes (newp) a 32-bit value; { 0,
 * 1, ... } gives the name back. What is written holds for the calling thread's stack and for what
 * it opens from then on.
 */
#include <string.h>

#include "ff_api.h"

#include "api/zs_ctx.h"
#include "base/zs_api.h"
#include "core/zs_stack.h"
#include "core/zs_tune.h"

/* FreeBSD's numbers of the node that knows the others; and of ours, which is nobody's there. */
enum { NODE_SYSCTL = 0, NAME_OF = 1, NUMBER_OF = 3, NODE_OURS = 1000, MAX_NAME = 64 };

enum kind { U8, U16, U32, BOOL };

/* The value is that of the field, divided by unit. */
struct setting {
	const char *name;
	size_t off;
	enum kind kind;
	uint32_t unit, min, max;
};

#define CFG(field) offsetof(struct zs_config, field)

static const struct setting settings[] = {
	{ "net.inet.tcp.sendspace", CFG(sndbuf), U32, 1, 1, 1u << 30 },
	{ "net.inet.tcp.recvspace", CFG(rcvbuf), U32, 1, 1, 1u << 30 },
	{ "net.inet.tcp.sendbuf_max", CFG(sndbuf_max), U32, 1, 1, 1u << 30 },
	{ "net.inet.tcp.recvbuf_max", CFG(rcvbuf_max), U32, 1, 1, 1u << 30 },
	{ "net.inet.tcp.delacktime", CFG(delack_us), U32, 1000, 0, 500 },
	{ "net.inet.tcp.msl", CFG(msl_us), U32, 1000, 1, 1000000 },
	{ "net.inet.tcp.finwait2_timeout", CFG(fin_wait2_us), U32, 1000, 1, 4000000 },
	{ "net.inet.tcp.keepidle", CFG(keep_idle_ms), U32, 1, 1, INT32_MAX },
	{ "net.inet.tcp.keepintvl", CFG(keep_intvl_ms), U32, 1, 1, INT32_MAX },
	{ "net.inet.tcp.keepcnt", CFG(keep_count), U32, 1, 1, 1000 },
	{ "net.inet.tcp.initcwnd_segments", CFG(initial_cwnd_segs), U8, 1, 1, 255 },
	{ "net.inet.tcp.rexmit_min", CFG(rto_min_us), U32, 1000, 1, 60000 },
	{ "net.inet.tcp.rexmit_initial", CFG(rto_initial_us), U32, 1000, 1, 60000 },
	{ "net.inet.tcp.sack.enable", CFG(use_sack), BOOL, 1, 0, 1 },
	{ "net.inet.tcp.rfc1323", CFG(use_ts), BOOL, 1, 0, 1 },
	{ "net.inet.ip.ttl", CFG(ttl), U8, 1, 1, 255 },
	{ "net.inet.ip.portrange.first", CFG(ip_local_port_lo), U16, 1, 1, 65535 },
	{ "net.inet.ip.portrange.last", CFG(ip_local_port_hi), U16, 1, 1, 65535 },
	{ "kern.ipc.maxsockbuf", CFG(sndbuf_max), U32, 1, 1, 1u << 30 },
};

enum { N_SETTINGS = sizeof(settings) / sizeof(settings[0]) };

/* ---- a value ---- */

static uint32_t get(const struct zs_config *cfg, const struct setting *st)
{
	const void *field = (const char *)cfg + st->off;

	switch (st->kind) {
	case U8:
		return *(const uint8_t *)field;
	case U16:
		return *(const uint16_t *)field;
	case U32:
		return *(const uint32_t *)field / st->unit;
	case BOOL:
		return *(const bool *)field;
	}
	return 0;
}

static int set(struct zs_config *cfg, const struct setting *st, uint32_t value)
{
	void *field = (char *)cfg + st->off;

	if (value < st->min || value > st->max)
		return -EINVAL;
	switch (st->kind) {
	case U8:
		*(uint8_t *)field = (uint8_t)value;
		break;
	case U16:
		*(uint16_t *)field = (uint16_t)value;
		break;
	case U32:
		*(uint32_t *)field = value * st->unit;
		break;
	case BOOL:
		*(bool *)field = value != 0;
		break;
	}
	return 0;
}

/* ---- the protocol ---- */

/* What is answered: to oldp, of which *oldlenp bytes are there; NULL asks for the length only. */
static int answer(void *oldp, size_t *oldlenp, const void *from, size_t len)
{
	size_t room = oldlenp != NULL ? *oldlenp : 0;

	if (oldlenp == NULL)
		return oldp == NULL ? 0 : -EFAULT;
	*oldlenp = len;
	if (oldp == NULL)
		return 0;
	if (room < len)
		return -ENOMEM;
	memcpy(oldp, from, len);
	return 0;
}

static int number_of(void *oldp, size_t *oldlenp, const void *newp, size_t newlen)
{
	char name[MAX_NAME] = "";

	if (newp == NULL)
		return -EFAULT;
	if (newlen >= sizeof(name))
		return -ENOENT;
	memcpy(name, newp, newlen);
	for (int i = 0; i < N_SETTINGS; i++) {
		const int number[2] = { NODE_OURS, i };

		if (strcmp(name, settings[i].name) == 0)
			return answer(oldp, oldlenp, number, sizeof(number));
	}
	return -ENOENT;
}

static int read_and_write(struct zs_stack *s, const struct setting *st, void *oldp, size_t *oldlenp,
			  const void *newp, size_t newlen)
{
	struct zs_config cfg = *zs_stack_config(s);
	uint32_t old = get(&cfg, st), value;
	int rc = answer(oldp, oldlenp, &old, sizeof(old));

	if (rc < 0 || newp == NULL)
		return rc;
	if (newlen != sizeof(value))
		return -EINVAL;
	memcpy(&value, newp, sizeof(value));
	rc = set(&cfg, st, value);
	return rc < 0 ? rc : zs_stack_tune(s, &cfg);
}

static const struct setting *setting_of(const int *name, unsigned namelen)
{
	if (namelen != 2 || name[0] != NODE_OURS || name[1] < 0 || name[1] >= N_SETTINGS)
		return NULL;
	return &settings[name[1]];
}

ZS_API int ff_sysctl(const int *name, unsigned int namelen, void *oldp, size_t *oldlenp,
		     const void *newp, size_t newlen)
{
	struct zs_ctx *c = zs_ctx_get();
	const struct setting *st;

	if (c == NULL)
		return -1;
	if (name == NULL)
		return (int)ff_ret(-EFAULT);
	if (namelen < 2)
		return (int)ff_ret(-EINVAL);
	if (name[0] == NODE_SYSCTL && name[1] == NUMBER_OF)
		return (int)ff_ret(number_of(oldp, oldlenp, newp, newlen));
	if (name[0] == NODE_SYSCTL && name[1] == NAME_OF) {
		st = setting_of(name + 2, namelen - 2);
		return (int)ff_ret(st == NULL
					   ? -ENOENT
					   : answer(oldp, oldlenp, st->name, strlen(st->name) + 1));
	}
	st = setting_of(name, namelen);
	return (int)ff_ret(st == NULL ? -ENOENT
				      : read_and_write(c->s, st, oldp, oldlenp, newp, newlen));
}
