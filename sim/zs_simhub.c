/* SPDX-License-Identifier: BSD-3-Clause */
/* The hub: a frame goes to the port where its destination was last heard, else to all others. */
#include "zs_simworld.h"

#include <stdlib.h>

struct zs_simhub *zs_simhub_create(struct zs_sim *w)
{
	struct zs_simhub *hub = calloc(1, sizeof(*hub));

	if (hub == NULL || w->hub != NULL)
		abort();
	hub->w = w;
	w->hub = hub;
	return hub;
}

static int port_of(const struct zs_simhub *hub, const uint8_t *mac)
{
	for (unsigned int i = 0; i < hub->n; i++)
		if (memcmp(hub->mac[i].b, mac, sizeof(hub->mac[i].b)) == 0)
			return (int)i;
	return -1;
}

static void forward(struct zs_simhub *hub, unsigned int to, const struct zs_simpkt *p)
{
	struct zs_simpkt *c = zs_simpkt_new(hub->w, p->len);

	memcpy(c->data, p->data, p->len);
	c->trusted = p->trusted;
	zs_simwire_send(&hub->link[to]->wire[1], c);
}

static void hub_deliver(void *ctx, unsigned int port, struct zs_simpkt *p)
{
	struct zs_simhub *hub = ctx;

	if (p->len >= 14) {
		int to = port_of(hub, p->data);

		memcpy(hub->mac[port].b, p->data + 6, sizeof(hub->mac[port].b));
		for (unsigned int i = 0; i < hub->n; i++)
			if (i != port && (to < 0 || i == (unsigned int)to))
				forward(hub, i, p);
	}
	zs_simpkt_free(hub->w, p);
}

struct zs_simlink *zs_simhub_join(struct zs_simhub *hub, struct zs_simhost *h,
				  const struct zs_simwire_config *c)
{
	struct zs_simlink *l = zs_simlink_create(hub->w, c);

	if (hub->n == ZS_SIM_HUB_PORTS)
		abort();
	zs_simlink_attach_host(l, 0, h, 0);
	zs_simlink_attach(l, 1, hub_deliver, hub, hub->n);
	hub->link[hub->n++] = l;
	return l;
}
