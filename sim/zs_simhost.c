/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A host: one stack, the pools it lives on, and the turns of its loop: timers, input, application,
 * flush. It sleeps until a frame arrives, the stack's deadline, or a wake-up that was asked for.
 */
#include <stdio.h>
#include <stdlib.h>

#include "zs_simhost_priv.h"
#include "zs_simpattern.h"

enum { RETRY_NS = 5000, RETRY_MAX_NS = 320000 };

uint8_t zs_sim_family(void)
{
	return getenv("ZS_SIM_IP6") != NULL ? ZS_AF_IP6 : ZS_AF_IP4;
}

struct zs_addr zs_sim_addr(uint32_t ip_be)
{
	struct zs_addr a = { .b = { 0xfd } };

	if (zs_sim_family() == ZS_AF_IP4)
		return zs_addr_ip4(ip_be);
	if (zs_addr_ip4(ip_be).b[0] == 127)
		return (struct zs_addr){ .b = { [15] = 1 } };
	memcpy(a.b + 12, &ip_be, sizeof(ip_be));
	return a;
}

void zs_simhost_config(struct zs_simhost_config *c, uint32_t ip_be, uint8_t prefix, uint16_t mtu,
		       uint32_t offloads)
{
	*c = (struct zs_simhost_config){ .rx_burst = ZS_BURST, .turn_ns = ZS_US };
	zs_config_defaults(&c->stack);
	c->stack.max_conns = 1024;
	c->stack.max_half_open = 1024;
	c->stack.max_time_wait = 1024;
	c->stack.max_listeners = 16;
	c->stack.max_udp = 64;
	c->stack.max_neigh = 256;
	c->stack.n_netifs = 1;
	c->stack.netif[0] = (struct zs_netif_config){
		.port = 0,
		.mtu = mtu,
		.offloads = offloads,
		.ip4_be = ip_be,
		.ip4_prefix = prefix,
	};
	if (zs_sim_family() == ZS_AF_IP4)
		return;
	/* the difference of the headers: segments are as long as with IPv4 */
	c->stack.netif[0].mtu = (uint16_t)RTE_MIN(mtu + 20u, (uint32_t)UINT16_MAX);
	c->stack.netif[0].ip6 = (struct zs_ip6_config){
		.on = true,
		.n_addr = 1,
		.prefix = { 96 + prefix },
		.addr = { zs_sim_addr(ip_be) },
	};
}

static uint16_t frame_room(const struct zs_simhost_config *c)
{
	uint32_t room = ZS_SIM_PKT_ROOM;

	for (uint16_t i = 0; i < c->stack.n_netifs; i++)
		room = RTE_MAX(room, c->stack.netif[i].mtu + 18u);
	return (uint16_t)RTE_MIN(room, (uint32_t)ZS_SIM_BIG_ROOM);
}

static void give_macs(struct zs_config *c, unsigned int host)
{
	const struct zs_mac none = { { 0 } };

	for (uint16_t i = 0; i < c->n_netifs; i++)
		if (memcmp(&c->netif[i].mac, &none, sizeof(none)) == 0)
			c->netif[i].mac =
				(struct zs_mac){ { 2, 0, 0, (uint8_t)i, 0, (uint8_t)(host + 1) } };
}

/* A payload buffer goes back: is it what the application wrote? */
static void check_released(void *arg, struct rte_mbuf *m)
{
	if (!zs_sim_unmark(m))
		zs_sim_violate(arg, "payload of a sent buffer was changed");
}

struct zs_simhost *zs_simhost_create(struct zs_sim *w, const struct zs_simhost_config *c)
{
	struct zs_simhost *h = calloc(1, sizeof(*h));
	struct zs_simrand seed = zs_sim_subrand(w, 2, w->n_hosts);
	struct zs_env env = { .tx = zs_simdev_tx, .ctx = h };
	int rc;

	if (h == NULL || w->n_hosts == ZS_SIM_MAX_HOSTS)
		abort();
	h->priv = calloc(1, sizeof(*h->priv));
	if (h->priv == NULL)
		abort();
	h->w = w;
	h->cfg = *c;
	give_macs(&h->cfg.stack, w->n_hosts);
	zs_simpools_init(&h->pools, c->pkt_room != 0 ? c->pkt_room : frame_room(c));
	zs_simpool_watch(h->pools.pkt, check_released, w);
	zs_simpool_watch(h->pools.big, check_released, w);
	zs_simpools_env(&h->pools, &env, zs_simrand_u64(&seed));
	h->priv->rand = seed;
	h->priv->wake_ns = w->now_ns;
	h->priv->deadline_ns = ZS_SIM_NEVER;
	rc = zs_stack_create(&h->s, &h->cfg.stack, &env, w->now_ns / ZS_US);
	if (rc < 0) {
		fprintf(stderr, "zs_simhost: zs_stack_create: %d\n", rc);
		abort();
	}
	w->host[w->n_hosts++] = h;
	return h;
}

void zs_simhost_wake(struct zs_simhost *h, uint64_t t_ns)
{
	t_ns = RTE_MAX(t_ns, h->w->now_ns);
	h->priv->wake_ns = RTE_MIN(h->priv->wake_ns, t_ns);
}

static uint64_t next_turn(const struct zs_simhost *h)
{
	const struct zs_simhost_priv *p = h->priv;
	uint64_t t = RTE_MIN(p->deadline_ns, p->wake_ns);

	if (h->s == NULL)
		return ZS_SIM_NEVER;
	if (p->rx_n > 0)
		t = h->w->now_ns;
	return t == ZS_SIM_NEVER ? t : RTE_MAX(t, p->free_ns);
}

uint64_t zs_simhost_next(const struct zs_simhost *h)
{
	return RTE_MIN(next_turn(h), zs_simdev_next(h));
}

/* At most a burst, in order; a run of packets of one port is one call. */
static void feed(struct zs_simhost *h)
{
	struct rte_mbuf *pkts[ZS_BURST];
	uint32_t left = RTE_MIN(h->priv->rx_n, (uint32_t)h->cfg.rx_burst);

	while (left > 0) {
		uint16_t port = zs_simdev_peek(h)->port;
		uint16_t n = 0;

		while (left > 0 && n < ZS_BURST && zs_simdev_peek(h)->port == port) {
			pkts[n++] = zs_simdev_pop(h);
			left--;
		}
		zs_stack_input(h->s, port, pkts, n);
	}
}

/* The stack has more to say than device or pools let it: again soon, less soon when in vain. */
static void retry(struct zs_simhost *h, uint64_t sent_before)
{
	struct zs_simhost_priv *p = h->priv;

	if (h->dev.tx != sent_before || p->retry_ns == 0)
		p->retry_ns = RETRY_NS;
	else
		p->retry_ns = RTE_MIN(2 * p->retry_ns, (uint64_t)RETRY_MAX_NS);
	zs_simhost_wake(h, h->w->now_ns + p->retry_ns);
}

static void turn(struct zs_simhost *h)
{
	struct zs_simhost_priv *p = h->priv;
	uint64_t now_us = h->w->now_ns / ZS_US;
	uint64_t sent = h->dev.tx;
	uint64_t next_us;

	h->turns++;
	p->free_ns = h->w->now_ns + h->cfg.turn_ns;
	if (p->wake_ns <= h->w->now_ns)
		p->wake_ns = ZS_SIM_NEVER;
	zs_stack_set_now(h->s, now_us);
	feed(h);
	zs_stack_run_timers(h->s);
	if (h->app != NULL)
		h->app(h, h->app_arg);
	zs_stack_flush(h->s);
	/* what the stack sent to itself is for the next turn, like all input */
	next_us = zs_stack_loops(h->s) ? 0 : zs_stack_run_timers(h->s);
	p->deadline_ns =
		next_us == UINT64_MAX ? ZS_SIM_NEVER : RTE_MAX(next_us, now_us + 1) * ZS_US;
	if (zs_stack_tx_pending(h->s))
		retry(h, sent);
}

void zs_simhost_run(struct zs_simhost *h)
{
	zs_simdev_release(h, h->w->now_ns);
	if (next_turn(h) <= h->w->now_ns) {
		turn(h);
	}
}

void zs_simhost_stop(struct zs_simhost *h)
{
	if (h->s != NULL)
		zs_stack_destroy(h->s);
	h->s = NULL;
	zs_simdev_release(h, ZS_SIM_NEVER);
	while (h->priv->rx_n > 0)
		rte_pktmbuf_free(zs_simdev_pop(h));
}

uint32_t zs_simhost_destroy(struct zs_simhost *h)
{
	uint32_t leaked;

	zs_simhost_stop(h);
	leaked = zs_simpools_fini(&h->pools);
	free(h->priv->rx);
	free(h->priv);
	free(h);
	return leaked;
}

uint32_t zs_simhost_live(const struct zs_simhost *h)
{
	return zs_simpools_live(&h->pools);
}

uint64_t zs_simhost_drops(const struct zs_simhost *h)
{
	const struct zs_stats *st = zs_stack_stats(h->s);
	uint64_t sum = 0;

	for (unsigned int i = 0; i < ZS_DROP_COUNT; i++)
		sum += st->drops[i];
	return sum;
}
