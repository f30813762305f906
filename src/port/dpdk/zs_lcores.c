/* SPDX-License-Identifier: BSD-3-Clause */
/* The lcores: whose memory they have, their stacks, and the work that their threads are given. */
#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include <rte_cycles.h>
#include <rte_launch.h>
#include <rte_lcore.h>

#include "port/dpdk/zs_fanout.h"

/* ---- places ---- */

static struct zs_node *find_node(struct zs_dpdk *d, int socket)
{
	struct zs_node *node = d->node;

	while (node < d->node + d->n_nodes && node->socket != socket)
		node++;
	if (node == d->node + ZS_MAX_NODES)
		return NULL;
	if (node == d->node + d->n_nodes) {
		node->socket = socket;
		d->n_nodes++;
	}
	return node;
}

/* Memory for a stack on that CPU. */
static int add_place(struct zs_dpdk *d, unsigned cpu, const struct zs_dpdk_config *cfg)
{
	int socket = cfg->numa ? (int)rte_lcore_to_socket_id(cpu) : SOCKET_ID_ANY;
	struct zs_node *node = find_node(d, socket);

	if (node == NULL || d->n_stacks == ZS_MAX_LCORES)
		return zs_dpdk_fail(-E2BIG, "at most %d lcores on %d NUMA nodes are possible",
				    ZS_MAX_LCORES, ZS_MAX_NODES);
	node->n_lcores++;
	d->node_of[d->n_stacks++] = node;
	return 0;
}

static int add_lcore(struct zs_dpdk *d, unsigned id, uint16_t index)
{
	struct zs_node *node = d->node_of[index];
	struct zs_lcore *lc = zs_mem_near(d, sizeof(*lc), node->socket);

	if (lc == NULL)
		return zs_dpdk_fail(-ENOMEM, "out of memory");
	lc->d = d;
	lc->id = id;
	lc->index = index;
	lc->n_ports = d->n_ports;
	lc->node = node;
	d->lcore[d->n_lcores++] = lc;
	return 0;
}

/* One of ours among those of all processes. */
static int add_own(struct zs_dpdk *d, const struct zs_dpdk_config *cfg)
{
	int rc = 0;

	for (uint64_t mask = cfg->lcore_mask; rc == 0 && mask != 0; mask &= mask - 1)
		rc = add_place(d, (unsigned)__builtin_ctzll(mask), cfg);
	return rc < 0 ? rc : add_lcore(d, rte_get_main_lcore(), cfg->proc_id);
}

int zs_lcores_add(struct zs_dpdk *d, const struct zs_dpdk_config *cfg)
{
	unsigned id = rte_get_main_lcore();
	int rc = 0;

	if (cfg->procs)
		return add_own(d, cfg);
	rc = add_place(d, id, cfg);
	if (rc == 0)
		rc = add_lcore(d, id, 0);
	RTE_LCORE_FOREACH_WORKER(id)
	{
		if (rc == 0)
			rc = add_place(d, id, cfg);
		if (rc == 0)
			rc = add_lcore(d, id, d->n_lcores);
	}
	return rc;
}

/* ---- stacks ---- */

static void set_netif(struct zs_netif_config *nif, uint16_t index, const struct zs_ethport *p,
		      const struct zs_dpdk_port *cfg)
{
	*nif = (struct zs_netif_config){
		.port = index,
		.mtu = p->mtu,
		.max_bufs = p->info.tx_desc_lim.nb_mtu_seg_max,
		.max_tso_bufs = p->info.tx_desc_lim.nb_seg_max,
		.vlan = cfg->vlan,
		.offloads = p->offloads,
		.mac = p->mac,
		.ip4_be = cfg->ip4_be,
		.ip4_prefix = cfg->ip4_prefix,
		.ip4_gw_be = cfg->ip4_gw_be,
		.n_ip4_more = cfg->n_ip4_more,
		.ip6 = cfg->ip6,
	};
	memcpy(nif->ip4_more_be, cfg->ip4_more_be, sizeof(nif->ip4_more_be));
}

/* There are ZS_MAX_PORTS at most: check_config(). */
static void set_netifs(struct zs_config *stack, const struct zs_dpdk *d,
		       const struct zs_dpdk_config *cfg)
{
	uint16_t n = 0;

	for (uint16_t i = 0; i < d->n_ports; i++)
		if (!zs_dpdk_has_vlan(cfg, i))
			set_netif(&stack->netif[n++], i, &d->port[i], &cfg->port[i]);
	for (uint16_t i = 0; i < cfg->n_vlans; i++) {
		uint16_t port = cfg->vlan[i].port;

		set_netif(&stack->netif[n++], port, &d->port[port], &cfg->vlan[i].net);
	}
	stack->n_netifs = n;
}

static int create_stack(struct zs_lcore *lc, const struct zs_dpdk_config *cfg)
{
	const struct zs_dpdk *d = lc->d;
	struct zs_config stack = cfg->stack;
	struct zs_env env = {
		.alloc = zs_mem_alloc,
		.free = zs_mem_free,
		.tx = d->n_stacks > 1 ? zs_fan_tx : zs_loop_tx,
		.pass_on = d->n_stacks > 1 ? zs_fan_pass_on : NULL,
		.rss_ok = d->n_stacks > 1 ? zs_fan_rss_ok : NULL,
		.groups = zs_groups_set,
		.ctx = lc,
		.pkt_pool = lc->node->pools.pkt,
		.hdr_pool = lc->node->pools.hdr,
		.big_pool = lc->node->pools.big,
	};
	int rc;

	if (getrandom(env.seed, sizeof(env.seed), 0) != (ssize_t)sizeof(env.seed))
		return zs_dpdk_fail(-EIO, "no random numbers for the stack's seed");
	if (!stack.tfo_key_set)
		memcpy(stack.tfo_key, d->tfo_key, sizeof(stack.tfo_key));
	stack.tfo_key_set = true;
	set_netifs(&stack, d, cfg);
	rc = zs_stack_create(&lc->s, &stack, &env, zs_lcore_clock_us(lc));
	if (rc < 0)
		return zs_dpdk_fail(rc, "the stack does not start: %s",
				    rc == -EINVAL ? "a value of its configuration is out of range"
						  : strerror(-rc));
	return 0;
}

/* What an lcore's thread is to do. */
struct job {
	struct zs_lcore *lc;
	const struct zs_dpdk_config *cfg;
	void (*fn)(struct zs_lcore *lc, void *arg);
	void *arg;
};

static int start_lcore(void *arg)
{
	const struct job *job = arg;

	int rc;

	zs_loop_init(job->lc);
	rc = zs_idle_init(job->lc, job->cfg);
	return rc < 0 ? rc : create_stack(job->lc, job->cfg);
}

int zs_lcores_start(struct zs_dpdk *d, const struct zs_dpdk_config *cfg)
{
	int rc = 0;

	d->tsc_base = rte_rdtsc();
	for (uint16_t i = 0; rc == 0 && i < d->n_lcores; i++) {
		struct job job = { .lc = d->lcore[i], .cfg = cfg };

		if (i == 0) {
			rc = start_lcore(&job);
			continue;
		}
		rc = rte_eal_remote_launch(start_lcore, &job, job.lc->id);
		if (rc == 0)
			rc = rte_eal_wait_lcore(job.lc->id);
	}
	return rc;
}

/* ---- work ---- */

unsigned zs_dpdk_n_lcores(const struct zs_dpdk *d)
{
	return d->n_lcores;
}

struct zs_lcore *zs_dpdk_lcore(const struct zs_dpdk *d, unsigned index)
{
	return d->lcore[index];
}

unsigned zs_lcore_index(const struct zs_lcore *lc)
{
	return lc->d->procs != NULL ? 0 : lc->index;
}

struct zs_stack *zs_lcore_stack(struct zs_lcore *lc)
{
	return lc->s;
}

static int run_job(void *arg)
{
	const struct job *job = arg;

	job->fn(job->lc, job->arg);
	return 0;
}

void zs_dpdk_run(struct zs_dpdk *d, void (*fn)(struct zs_lcore *lc, void *arg), void *arg)
{
	struct job job[ZS_MAX_LCORES];

	d->spread = true;
	for (uint16_t i = 0; i < d->n_lcores; i++)
		zs_intr_watch(d->lcore[i]);
	for (uint16_t i = 1; i < d->n_lcores; i++) {
		job[i] = (struct job){ .lc = d->lcore[i], .fn = fn, .arg = arg };
		/* fails when the lcore is at work, and nobody else gives it any */
		(void)rte_eal_remote_launch(run_job, &job[i], d->lcore[i]->id);
	}
	fn(d->lcore[0], arg);
	zs_dpdk_wait(d);
}

void zs_dpdk_wait(struct zs_dpdk *d)
{
	for (uint16_t i = 1; i < d->n_lcores; i++)
		(void)rte_eal_wait_lcore(d->lcore[i]->id); /* the result of run_job() */
}
