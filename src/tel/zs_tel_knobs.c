/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * /zstack/get, /zstack/set: what of the configuration may change while the stacks run, under the
 * names that it has in [stack] (idle: in [dpdk]) and with the same checks. Takes effect for what
 * begins afterwards: connections, timers.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/zs_conf_priv.h"
#include "api/zs_ctx.h"
#include "core/tcp/zs_cc.h"
#include "core/zs_tune.h"
#include "port/dpdk/zs_show.h"
#include "tel/zs_tel_priv.h"

enum kind { U8, U16, U32, BOOL, CC };

struct knob {
	const char *name;
	size_t off; /* in struct zs_config */
	enum kind kind;
};

#define KNOB(name, field, kind)                                                                    \
	{                                                                                          \
		name, offsetof(struct zs_config, field), kind                                      \
	}

static const struct knob knobs[] = {
	KNOB("sndbuf", sndbuf, U32),
	KNOB("sndbuf_max", sndbuf_max, U32),
	KNOB("rcvbuf", rcvbuf, U32),
	KNOB("rcvbuf_max", rcvbuf_max, U32),
	KNOB("rto_min_us", rto_min_us, U32),
	KNOB("rto_max_us", rto_max_us, U32),
	KNOB("rto_initial_us", rto_initial_us, U32),
	KNOB("delack_us", delack_us, U32),
	KNOB("notsent_lowat", notsent_lowat, U32),
	KNOB("tlp", use_tlp, BOOL),
	KNOB("tlp_ack_delay_us", tlp_ack_delay_us, U32),
	KNOB("msl_us", msl_us, U32),
	KNOB("fin_wait2_us", fin_wait2_us, U32),
	KNOB("keep_idle_ms", keep_idle_ms, U32),
	KNOB("keep_intvl_ms", keep_intvl_ms, U32),
	KNOB("keep_count", keep_count, U32),
	KNOB("syn_retries", syn_retries, U8),
	KNOB("synack_retries", synack_retries, U8),
	KNOB("data_retries", data_retries, U8),
	KNOB("quickacks", quickacks, U8),
	KNOB("initial_cwnd_segs", initial_cwnd_segs, U8),
	KNOB("hystart", hystart, U8),
	KNOB("psh_segs", psh_segs, U8),
	KNOB("idle_restart", idle_restart, BOOL),
	KNOB("timestamps", use_ts, BOOL),
	KNOB("tolerate_missing_ts", tolerate_missing_ts, BOOL),
	KNOB("pace", pace, BOOL),
	KNOB("sack", use_sack, BOOL),
	KNOB("window_scaling", use_wscale, BOOL),
	KNOB("ecn", ecn, U8),
	KNOB("ecn_retries", ecn_retries, U8),
	KNOB("ttl", ttl, U8),
	KNOB("local_port_first", ip_local_port_lo, U16),
	KNOB("local_port_last", ip_local_port_hi, U16),
	KNOB("icmp_rate", icmp_rate, U32),
	KNOB("challenge_rate", challenge_rate, U32),
	KNOB("challenge_gap_ms", challenge_gap_ms, U32),
	KNOB("cc", cc, CC),
};

enum { N_KNOBS = sizeof(knobs) / sizeof(knobs[0]) };

static const char *const idle_names[] = {
	[ZS_IDLE_ADAPTIVE] = "adaptive",
	[ZS_IDLE_POLL] = "poll",
	[ZS_IDLE_POWERSAVE] = "powersave",
};

static const struct knob *find(const char *name)
{
	for (int i = 0; i < N_KNOBS; i++)
		if (strcmp(knobs[i].name, name) == 0)
			return &knobs[i];
	return NULL;
}

/* ---- get ---- */

struct look {
	struct zs_config cfg;
	enum zs_idle_mode idle;
	uint32_t idle_sleep_us;
	struct zs_dpdk *dpdk;
};

/* On the stack's loop. */
static void look(struct zs_ctx *c, void *arg)
{
	struct look *l = arg;

	l->cfg = *zs_stack_config(c->s);
	l->idle = zs_lcore_get_idle(zs_dpdk_lcore(l->dpdk, c->index), &l->idle_sleep_us);
}

static void tell_knob(struct zs_tel_dict *t, const struct knob *k, const struct zs_config *cfg)
{
	const void *field = (const char *)cfg + k->off;
	const struct zs_cc_ops *cc;

	switch (k->kind) {
	case U8:
		zs_tel_u64(t, k->name, *(const uint8_t *)field);
		break;
	case U16:
		zs_tel_u64(t, k->name, *(const uint16_t *)field);
		break;
	case U32:
		zs_tel_u64(t, k->name, *(const uint32_t *)field);
		break;
	case BOOL:
		zs_tel_u64(t, k->name, *(const bool *)field);
		break;
	case CC:
		cc = zs_cc_find(*(const uint8_t *)field);
		zs_tel_str(t, k->name, cc != NULL ? cc->name : "?");
		break;
	}
}

static int get(struct zs_tel_query *q, const char *params, struct rte_tel_data *d)
{
	struct look l = { .dpdk = q->dpdk };
	struct zs_tel_dict t = { .d = d };
	int rc = zs_tel_ask(q, 0, look, &l);

	(void)params;
	if (rc < 0)
		return rc;
	rte_tel_data_start_dict(d);
	for (int i = 0; i < N_KNOBS; i++)
		tell_knob(&t, &knobs[i], &l.cfg);
	zs_tel_str(&t, "idle", idle_names[l.idle]);
	zs_tel_u64(&t, "idle_sleep_us", l.idle_sleep_us);
	return 0;
}

/* ---- set ---- */

struct change {
	const char *name, *value;
	struct zs_config cfg; /* with the change */
	struct zs_dpdk *dpdk;
	char error[ZS_CONF_ERR];
	int rc;
};

/* As a line of the configuration file would; the reason without the file's name. */
static int parse(struct change *ch)
{
	struct zs_conf *conf = calloc(1, sizeof(*conf));
	struct zs_conf_raw *raw = calloc(1, sizeof(*raw));
	int rc = -ENOMEM;

	if (conf != NULL && raw != NULL) {
		raw->conf = conf;
		raw->file = "";
		raw->stack = ch->cfg;
		rc = zs_conf_key(raw, "stack", ch->name, ch->value) && !raw->failed ? 0 : -EINVAL;
		ch->cfg = raw->stack;
		if (rc < 0)
			snprintf(ch->error, sizeof(ch->error), "%s",
				 strncmp(conf->err, ": ", 2) == 0 ? conf->err + 2 : conf->err);
		zs_conf_free(conf);
	}
	free(raw);
	free(conf);
	return rc;
}

/* On the stack's loop. */
static void tune(struct zs_ctx *c, void *arg)
{
	struct change *ch = arg;

	ch->rc = zs_stack_tune(c->s, &ch->cfg);
	if (ch->rc < 0)
		snprintf(ch->error, sizeof(ch->error), "%s: %s does not go with the rest", ch->name,
			 ch->value);
}

static int change_stack(struct zs_tel_query *q, uint16_t core, struct change *ch)
{
	struct look l = { .dpdk = q->dpdk };
	int rc = zs_tel_ask(q, core, look, &l);

	if (rc < 0)
		return rc;
	ch->cfg = l.cfg;
	ch->rc = parse(ch);
	return ch->rc < 0 ? 0 : zs_tel_ask(q, core, tune, ch);
}

/* On the stack's loop. */
static void change_idle(struct zs_ctx *c, void *arg)
{
	struct zs_lcore *lc;
	struct change *ch = arg;
	enum zs_idle_mode mode;
	uint32_t sleep_us;

	lc = zs_dpdk_lcore(ch->dpdk, c->index);
	mode = zs_lcore_get_idle(lc, &sleep_us);
	if (strcmp(ch->name, "idle_sleep_us") == 0) {
		char *end;
		unsigned long v = strtoul(ch->value, &end, 10);

		if (*ch->value == '\0' || *end != '\0' || v > 1000000) {
			ch->rc = -EINVAL;
			snprintf(ch->error, sizeof(ch->error),
				 "idle_sleep_us: '%s' is not in 0..1000000", ch->value);
			return;
		}
		zs_lcore_set_idle(lc, mode, (uint32_t)v);
		return;
	}
	for (unsigned i = 0; i < sizeof(idle_names) / sizeof(idle_names[0]); i++)
		if (strcmp(idle_names[i], ch->value) == 0) {
			zs_lcore_set_idle(lc, (enum zs_idle_mode)i, sleep_us);
			return;
		}
	ch->rc = -EINVAL;
	snprintf(ch->error, sizeof(ch->error), "idle: '%s' is none of poll, adaptive, powersave",
		 ch->value);
}

static int set(struct zs_tel_query *q, const char *params, struct rte_tel_data *d)
{
	char name[ZS_TEL_WORD], *value;
	struct change ch = { .dpdk = q->dpdk };
	bool idle;
	int rc = 0;

	(void)zs_tel_word(&params, name);
	value = strchr(name, '=');
	if (value == NULL)
		return zs_tel_fail(q, -EINVAL, "no name=value");
	*value++ = '\0';
	idle = strcmp(name, "idle") == 0 || strcmp(name, "idle_sleep_us") == 0;
	if (!idle && find(name) == NULL)
		return zs_tel_fail(q, -EINVAL, "'%s' is none of what /zstack/get has", name);
	ch.name = name;
	ch.value = value;
	for (uint16_t i = 0; rc == 0 && i < q->n; i++) {
		rc = idle ? zs_tel_ask(q, i, change_idle, &ch) : change_stack(q, i, &ch);
		if (rc == 0 && ch.rc < 0)
			rc = zs_tel_fail(q, ch.rc, "%.120s", ch.error);
	}
	return rc < 0 ? rc : get(q, "", d);
}

int zs_tel_add_knobs(void)
{
	static const struct zs_tel_cmd cmds[] = {
		{ "/zstack/get", get, "What may be changed while the stacks run" },
		{ "/zstack/set", set, "Changes one of it for all stacks. Parameter: name=value" },
	};

	return zs_tel_add(cmds, sizeof(cmds) / sizeof(cmds[0]));
}
