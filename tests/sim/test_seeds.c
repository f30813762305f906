/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Seeds: from each follow a link that loses, reorders, doubles and damages frames, the hosts'
 * settings, and what is sent. The stream must arrive intact, both ends must end clean, no mbuf may
 * be left, and a second run must give a byte-identical capture. ZS_SEEDS in the environment says
 * how many, ZS_SEED asks for one alone, ZS_PCAP names a file for its capture.
 */
#include <stdlib.h>

#include "simtest.h"

enum { SEEDS = SLOW_BUILD ? 120 : 1000, GROUPS = 10 };

static uint32_t pick(struct zs_simrand *r, uint32_t lo, uint32_t hi)
{
	return lo + zs_simrand_below(r, hi - lo + 1);
}

static void pick_wire(struct zs_simrand *r, struct zs_simwire_config *c)
{
	static const uint64_t rates[] = { 0, 10000000, 100000000, 1000000000, 10000000000 };

	c->delay_ns = pick(r, 1, 20000) * ZS_US;
	c->rate_bps = rates[zs_simrand_below(r, 5)];
	c->queue_bytes = pick(r, 20000, 1000000);
	c->loss_ppm = pick(r, 1000, 80000);
	c->dup_ppm = pick(r, 1000, 50000);
	c->corrupt_ppm = pick(r, 1000, 50000);
	c->reorder_ppm = pick(r, 1000, 200000);
	c->reorder_ns = pick(r, 1, 5000) * ZS_US;
}

static void pick_host(struct zs_simrand *r, struct zs_simhost_config *c)
{
	c->stack.use_ts = zs_simrand_below(r, 3) != 0;
	c->stack.use_sack = zs_simrand_below(r, 3) != 0;
	c->stack.use_wscale = zs_simrand_below(r, 5) != 0;
	c->stack.cc = (uint8_t)zs_simrand_below(r, ZS_CC_COUNT);
	c->stack.rcvbuf = pick(r, 10000, 300000);
	c->stack.sndbuf = pick(r, 5000, 300000);
	c->dev.hold_ns = zs_simrand_below(r, 2) ? pick(r, 1, 300000) * ZS_US : 0;
	c->dev.refuse_ppm = zs_simrand_below(r, 2) ? 100000 : 0;
}

static void pick_conn(struct zs_simrand *r, struct zs_simconn_config *c)
{
	c->tx = (uint8_t)zs_simrand_below(r, ZS_SIMTX_MODES);
	c->rx = (uint8_t)zs_simrand_below(r, ZS_SIMRX_MODES);
	c->tx_chunk = pick(r, 1, 1 << zs_simrand_below(r, 18));
	c->tx_chunk = RTE_MAX(c->tx_chunk, 100u);
	c->share = zs_simrand_below(r, 4) == 0;
	c->nodelay = zs_simrand_below(r, 2);
	c->tx_bytes = pick(r, 0, 150000);
	if (zs_simrand_below(r, 4) == 0) {
		c->rx_chunk = pick(r, 1000, 20000);
		c->rx_every_ns = ZS_MS;
	}
}

/* Few buffers: chains that they can hold, and nobody who keeps what he has sent. */
static void pick_pool(struct zs_simrand *r, struct zs_simhost *h, struct zs_simconn_config *c)
{
	if (zs_simrand_below(r, 4) != 0)
		return;
	zs_simpool_limit(h->pools.pkt, pick(r, 256, 1024));
	c->tx_chunk = RTE_MIN(c->tx_chunk, 20000u);
	c->share = false;
}

/* The acceptor sends back what it gets. */
static void make_echo(struct zs_simconn_config *opener, struct zs_simconn_config *acceptor)
{
	opener->expects_echo = acceptor->echo = true;
	opener->rx_bytes = acceptor->rx_bytes = opener->tx_bytes;
	acceptor->tx_bytes = 0;
	acceptor->tx_after_fin = false;
}

struct outcome {
	uint64_t hash[2], ended_ns;
	const char *why;
	uint32_t left, violations;
	bool settled;
};

static void release_all(struct zs_simapp *app)
{
	for (struct zs_simconn *c = app->conns; c != NULL; c = c->next)
		zs_simconn_release(c);
}

static struct outcome run_seed(uint64_t seed)
{
	static const uint16_t mtus[] = { 576, 1500, 1500, 9000 };
	static const uint32_t offloads[] = { ZS_SIM_OFF_ALL, OFF_CHAINS, ZS_SIM_OFF_NONE };
	struct zs_simrand r = { zs_sim_scramble(seed) };
	struct zs_simconn_config up = { .rx_bytes = 0 }, down = up;
	struct outcome o = { .why = NULL };
	struct pair_config c;
	struct pair p;
	uint32_t n;

	pair_config(&c, seed, mtus[zs_simrand_below(&r, 4)], offloads[zs_simrand_below(&r, 3)]);
	pick_wire(&r, &c.wire);
	pick_host(&r, &c.a);
	pick_host(&r, &c.b);
	pick_conn(&r, &up);
	pick_conn(&r, &down);
	up.rx_bytes = down.tx_bytes;
	down.rx_bytes = up.tx_bytes;
	down.tx_after_fin = zs_simrand_below(&r, 4) == 0;
	pair_create(&p, &c);
	if (p.l->tap[0] == NULL)
		zs_simlink_capture(p.l, 0, NULL);
	zs_simlink_capture(p.l, 1, NULL);
	pick_pool(&r, p.a, &up);
	pick_pool(&r, p.b, &down);
	if (zs_simrand_below(&r, 4) == 0)
		make_echo(&up, &down);
	n = zs_simrand_below(&r, 3) == 0 ? pick(&r, 2, 6) : 1;
	zs_simapp_listen(p.server, PORT, 16, &down);
	for (uint32_t i = 0; i < n; i++)
		zs_simapp_connect(p.client, ip_b(), PORT, &up);
	if (!pair_run(&p, n, 3600 * ZS_SEC))
		o.why = pair_problem(&p);
	o.ended_ns = zs_sim_now(p.w);
	release_all(p.client);
	release_all(p.server);
	o.settled = pair_settle(&p);
	o.left = zs_sim_live(p.w);
	o.hash[0] = zs_simlink_hash(p.l, 0);
	o.hash[1] = zs_simlink_hash(p.l, 1);
	o.violations = zs_sim_violations(p.w);
	pair_destroy(&p);
	return o;
}

static bool check_seed(uint64_t seed)
{
	struct outcome o = run_seed(seed), again = run_seed(seed);
	bool same = o.hash[0] == again.hash[0] && o.hash[1] == again.hash[1];

	if (o.why == NULL && o.settled && o.left == 0 && o.violations == 0 && same)
		return true;
	print_error("seed %llu: %s, %s, %u mbufs left, %u violations, %s, %.3f s\n",
		    (unsigned long long)seed, o.why != NULL ? o.why : "stream intact",
		    o.settled ? "settled" : "not settled", o.left, o.violations,
		    same ? "same again" : "second run differs", (double)o.ended_ns / 1e9);
	return false;
}

static uint64_t from_env(const char *name, uint64_t otherwise)
{
	const char *v = getenv(name);

	return v != NULL ? strtoull(v, NULL, 0) : otherwise;
}

/* One tenth of the seeds. */
static void test_seeds(void **state)
{
	uint64_t n = from_env("ZS_SEEDS", SEEDS), one = from_env("ZS_SEED", 0);
	unsigned int group = (unsigned int)(uintptr_t)*state, bad = 0;

	if (one != 0) {
		assert_true(group != 0 || check_seed(one));
		return;
	}
	for (uint64_t seed = 1 + group; seed <= n; seed += GROUPS)
		bad += !check_seed(seed);
	assert_int_equal(bad, 0);
}

int main(void)
{
	struct CMUnitTest tests[GROUPS];
	char names[GROUPS][32];

	for (unsigned int i = 0; i < GROUPS; i++) {
		snprintf(names[i], sizeof(names[i]), "seeds_ending_in_%u", (i + 1) % GROUPS);
		tests[i] = (struct CMUnitTest){
			.name = names[i],
			.test_func = test_seeds,
			.initial_state = (void *)(uintptr_t)i,
		};
	}
	return cmocka_run_group_tests_name("seeds", tests, NULL, NULL);
}
