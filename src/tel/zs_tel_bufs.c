/* SPDX-License-Identifier: BSD-3-Clause */
/* /zstack/bufs: who holds buffers, and for how long. */
#include "api/zs_ctx.h"
#include "core/zs_look.h"
#include "tel/zs_tel_priv.h"

static const char *const holders[ZS_HOLDERS] = {
	[ZS_HOLD_SENT] = "sent",	  [ZS_HOLD_UNSENT] = "unsent",
	[ZS_HOLD_RCVQ] = "receive",	  [ZS_HOLD_OOO] = "out_of_order",
	[ZS_HOLD_APP] = "application",	  [ZS_HOLD_UDP] = "udp",
	[ZS_HOLD_NEIGH] = "neighbour",	  [ZS_HOLD_FRAG] = "fragments",
	[ZS_HOLD_STAGE] = "device_queue",
};

static const char *const ages[ZS_AGES] = {
	"below_1ms", "below_10ms", "below_100ms", "below_1s", "below_10s", "below_1min", "older",
};

struct look {
	struct zs_look_pos pos;
	struct zs_look_hold hold[ZS_HOLDERS];
};

/* On the stack's loop. */
static void look(struct zs_ctx *c, void *arg)
{
	struct look *l = arg;

	zs_look_bufs(c->s, &l->pos, l->hold);
}

static int look_at_all(struct zs_tel_query *q, struct look *l)
{
	int rc = 0;

	for (uint16_t i = 0; rc == 0 && i < q->n; i++) {
		l->pos = (struct zs_look_pos){ 0, 0 };
		while (rc == 0 && l->pos.kind < ZS_LOOK_KINDS)
			rc = zs_tel_ask(q, i, look, l);
	}
	return rc;
}

static int tell_holders(struct zs_tel_query *q, const char *params, struct rte_tel_data *d)
{
	struct look l = { 0 };
	struct zs_tel_page page;
	int rc = look_at_all(q, &l);

	(void)params;
	if (rc == 0)
		rc = zs_tel_page_start(&page, d);
	for (int i = 0; rc == 0 && i < ZS_HOLDERS; i++) {
		const struct zs_look_hold *h = &l.hold[i];
		struct zs_tel_dict t;

		rc = zs_tel_entry(&t);
		if (rc < 0)
			break;
		zs_tel_u64(&t, "bufs", h->bufs);
		zs_tel_u64(&t, "bytes", h->bytes);
		for (int j = 0; j < ZS_AGES; j++)
			zs_tel_u64(&t, ages[j], h->age[j]);
		zs_tel_u64(&t, "unknown_age", h->unknown);
		(void)zs_tel_page_add_named(&page, holders[i], &t); /* nine of them are no page */
	}
	return rc;
}

int zs_tel_add_bufs(void)
{
	static const struct zs_tel_cmd cmds[] = {
		{ "/zstack/bufs", tell_holders,
		  "Who holds buffers: how many, of how much memory, for how long" },
	};

	return zs_tel_add(cmds, sizeof(cmds) / sizeof(cmds[0]));
}
