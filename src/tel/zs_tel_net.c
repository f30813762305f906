/* SPDX-License-Identifier: BSD-3-Clause */
/* /zstack/neigh, /zstack/route: the tables of all stacks, which may differ from core to core. */
#include "api/zs_ctx.h"
#include "core/zs_look.h"
#include "core/zs_route.h"
#include "tel/zs_tel_priv.h"

enum { PLACES = 2048, PORTION = 64 };

/* ---- neighbours ---- */

struct neighs {
	uint32_t next; /* place in the table */
	bool end;
	int n;
	uint32_t place[PORTION];
	struct zs_look_neigh v[PORTION];
};

/* On the stack's loop. */
static void look_neighs(struct zs_ctx *c, void *arg)
{
	struct neighs *p = arg;
	uint32_t cap = zs_look_neighs(c->s), end = p->next + PLACES;

	p->n = 0;
	for (; p->next < cap && p->next < end && p->n < PORTION; p->next++) {
		if (!zs_look_neigh(c->s, p->next, &p->v[p->n]))
			continue;
		p->place[p->n++] = p->next;
	}
	p->end = p->next >= cap;
}

static int neigh_entry(struct zs_tel_dict *t, uint16_t core, const struct neighs *p, int i)
{
	const struct zs_look_neigh *n = &p->v[i];
	char text[ZS_TEL_ADDR];
	int rc = zs_tel_entry(t);

	if (rc < 0)
		return rc;
	zs_tel_u64(t, "core", core);
	zs_tel_u64(t, "family", n->family);
	zs_tel_str(t, "addr", zs_tel_addr(text, n->family, &n->addr));
	zs_tel_u64(t, "if", n->netif);
	zs_tel_str(t, "mac", n->has_mac ? zs_tel_mac(text, &n->mac) : "");
	zs_tel_str(t, "state", n->state);
	zs_tel_u64(t, "waiting", n->n_wait);
	zs_tel_u64(t, "confirmed_us", n->confirmed_us);
	zs_tel_u64(t, "used_us", n->used_us);
	return 0;
}

/* 1: the page is full; 0; -errno. */
static int tell_neighs_of(struct zs_tel_query *q, uint16_t core, struct neighs *p,
			  struct zs_tel_page *page)
{
	for (p->end = false; !p->end;) {
		int rc = zs_tel_ask(q, core, look_neighs, p);

		for (int i = 0; rc == 0 && i < p->n; i++) {
			struct zs_tel_dict t;

			rc = neigh_entry(&t, core, p, i);
			if (rc == 0 && !zs_tel_page_add(page, zs_tel_id(core, 0, p->place[i]), &t))
				return 1;
		}
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int tell_neighs(struct zs_tel_query *q, const char *params, struct rte_tel_data *d)
{
	uint64_t from;
	struct zs_tel_page page;
	int rc = zs_tel_page_from(&page, d, q, &params, &from);
	struct neighs p = { .next = (uint32_t)from };

	for (uint64_t core = from >> 40; rc == 0 && core < q->n; core++) {
		rc = tell_neighs_of(q, (uint16_t)core, &p, &page);
		p.next = 0;
	}
	return zs_tel_page_end(&page, rc);
}

/* ---- routes ---- */

struct routes {
	uint16_t n;
	struct zs_route v[ZS_MAX_ROUTES];
};

/* On the stack's loop. */
static void look_routes(struct zs_ctx *c, void *arg)
{
	struct routes *p = arg;

	p->n = zs_look_routes(c->s);
	for (uint16_t i = 0; i < p->n; i++)
		p->v[i] = *zs_look_route(c->s, i);
}

static int route_entry(struct zs_tel_dict *t, uint16_t core, const struct zs_route *r)
{
	char text[ZS_TEL_ADDR];
	int rc = zs_tel_entry(t);

	if (rc < 0)
		return rc;
	zs_tel_u64(t, "core", core);
	zs_tel_u64(t, "family", r->family);
	zs_tel_str(t, "prefix", zs_tel_addr(text, r->family, &r->prefix));
	zs_tel_u64(t, "len", r->prefix_len);
	zs_tel_str(t, "gateway",
		   zs_addr_is_any(&r->gateway) ? "" : zs_tel_addr(text, r->family, &r->gateway));
	zs_tel_u64(t, "if", r->netif);
	return 0;
}

static int tell_routes(struct zs_tel_query *q, const char *params, struct rte_tel_data *d)
{
	uint64_t from;
	struct zs_tel_page page;
	int rc = zs_tel_page_from(&page, d, q, &params, &from);
	uint16_t first = (uint16_t)from;
	bool full = false;

	for (uint64_t core = from >> 40; rc == 0 && !full && core < q->n; core++) {
		struct routes p;

		rc = zs_tel_ask(q, (uint16_t)core, look_routes, &p);
		for (uint16_t i = first; rc == 0 && !full && i < p.n; i++) {
			struct zs_tel_dict t;

			rc = route_entry(&t, (uint16_t)core, &p.v[i]);
			full = rc == 0 &&
			       !zs_tel_page_add(&page, zs_tel_id((uint16_t)core, 0, i), &t);
		}
		first = 0;
	}
	return zs_tel_page_end(&page, rc);
}

int zs_tel_add_net(void)
{
	static const struct zs_tel_cmd cmds[] = {
		{ "/zstack/neigh", tell_neighs,
		  "Neighbours (ARP, neighbour discovery), a page of them. Parameter: from id" },
		{ "/zstack/route", tell_routes, "Routes, a page of them. Parameter: from id" },
	};

	return zs_tel_add(cmds, sizeof(cmds) / sizeof(cmds[0]));
}
