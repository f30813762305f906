/* SPDX-License-Identifier: BSD-3-Clause */
/* Two hosts on a link, and the proof that nothing is left over. */
#include <stdlib.h>

#include "simtest.h"

uint32_t ip_a(void)
{
	return zs_sim_ip(10, 0, 0, 1);
}

uint32_t ip_b(void)
{
	return zs_sim_ip(10, 0, 0, 2);
}

void pair_config(struct pair_config *c, uint64_t seed, uint16_t mtu, uint32_t offloads)
{
	*c = (struct pair_config){ .seed = seed };
	if (zs_sim_family() == ZS_AF_IP6) /* of IPv6 no link has less */
		mtu = RTE_MAX(mtu, (uint16_t)(ZS_IP6_MIN_MTU - 20));
	c->wire = (struct zs_simwire_config){
		.delay_ns = 100 * ZS_US,
		.rate_bps = 1000000000,
		.queue_bytes = 16 << 20,
	};
	zs_simhost_config(&c->a, ip_a(), 24, mtu, offloads);
	zs_simhost_config(&c->b, ip_b(), 24, mtu, offloads);
}

void pair_create(struct pair *p, const struct pair_config *c)
{
	p->w = zs_sim_create(c->seed);
	p->a = zs_simhost_create(p->w, &c->a);
	p->b = zs_simhost_create(p->w, &c->b);
	p->l = zs_simlink_between(p->a, p->b, &c->wire);
	if (getenv("ZS_PCAP") != NULL)
		zs_simlink_capture(p->l, 0, getenv("ZS_PCAP"));
	p->client = zs_simapp_create(p->a);
	p->server = zs_simapp_create(p->b);
}

struct zs_simconn *pair_transfer(struct pair *p, uint64_t up, uint64_t down,
				 const struct zs_simconn_config *like)
{
	struct zs_simconn_config here = *like, there = *like;

	here.tx_bytes = up;
	here.rx_bytes = down;
	there.tx_bytes = down;
	there.rx_bytes = up;
	if (p->server->listener == NULL)
		zs_simapp_listen(p->server, PORT, 1024, &there);
	else
		p->server->accept_cfg = there;
	return zs_simapp_connect(p->client, ip_b(), PORT, &here);
}

struct wait {
	struct pair *p;
	uint32_t n;
};

static bool both_idle(void *arg)
{
	const struct wait *x = arg;
	const struct pair *p = x->p;

	if (p->client->n_failed + p->server->n_failed > 0)
		return true;
	return p->client->n_conns >= x->n && p->server->n_conns >= x->n &&
	       zs_simapp_idle(p->client) && zs_simapp_idle(p->server);
}

bool pair_run(struct pair *p, uint32_t n, uint64_t limit_ns)
{
	struct wait x = { p, n };

	return zs_sim_run_until(p->w, zs_sim_now(p->w) + limit_ns, both_idle, &x) &&
	       p->client->n_failed + p->server->n_failed == 0;
}

static const char *app_problem(const struct zs_simapp *app)
{
	for (const struct zs_simconn *c = app->conns; c != NULL; c = c->next)
		if (c->why != NULL)
			return c->why;
	return zs_simapp_idle(app) ? NULL : "stalled";
}

const char *pair_problem(const struct pair *p)
{
	const char *why = app_problem(p->client);

	return why != NULL ? why : app_problem(p->server);
}

static bool forgotten(const struct zs_simhost *h)
{
	struct zs_stack_counts n = zs_stack_counts(h->s);

	return n.tcbs + n.half_open + n.time_wait + n.listeners == 0 && zs_simhost_live(h) == 0;
}

static bool both_forgotten(void *arg)
{
	const struct pair *p = arg;

	return forgotten(p->a) && forgotten(p->b);
}

bool pair_settle(struct pair *p)
{
	zs_simapp_unlisten(p->server);
	return zs_sim_run_until(p->w, zs_sim_now(p->w) + 2000 * ZS_SEC, both_forgotten, p);
}

uint32_t pair_destroy(struct pair *p)
{
	uint32_t leaked = zs_sim_destroy(p->w);

	zs_simapp_destroy(p->client);
	zs_simapp_destroy(p->server);
	return leaked;
}

void pair_end(struct pair *p)
{
	bool settled = pair_settle(p);
	uint32_t live = zs_sim_live(p->w), violations;
	uint32_t failed = p->client->n_failed + p->server->n_failed;
	struct zs_stack_counts a = zs_stack_counts(p->a->s), b = zs_stack_counts(p->b->s);
	uint32_t leaked;

	if (!settled)
		print_error("left: %u mbufs; a: %u tcbs %u half-open %u time-wait; b: %u %u %u\n",
			    live, a.tcbs, a.half_open, a.time_wait, b.tcbs, b.half_open,
			    b.time_wait);
	violations = zs_sim_violations(p->w);
	leaked = pair_destroy(p);
	assert_true(settled);
	assert_int_equal(live, 0);
	assert_int_equal(failed, 0);
	assert_int_equal(violations, 0);
	assert_int_equal(leaked, 0);
}

uint64_t pair_copies(const struct pair *p)
{
	return zs_stack_stats(p->a->s)->copies + zs_stack_stats(p->b->s)->copies;
}
