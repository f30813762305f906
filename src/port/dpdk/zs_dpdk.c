/* SPDX-License-Identifier: BSD-3-Clause */
/* Start and end: EAL, lcores, ports, pools, stacks, and back in reverse order. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_log.h>

#include "core/tcp/zs_tcp.h"
#include "port/dpdk/zs_eal_args.h"
#include "port/dpdk/zs_fanout.h"
#include "port/dpdk/zs_pcap.h"
#include "port/dpdk/zs_procs.h"

static void say(const char *fmt, va_list ap)
{
	char text[512];

	vsnprintf(text, sizeof(text), fmt, ap);
	fprintf(stderr, "zstack: %s\n", text);
}

int zs_dpdk_fail(int rc, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(fmt, ap);
	va_end(ap);
	return rc;
}

void zs_dpdk_warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(fmt, ap);
	va_end(ap);
}

int zs_dpdk_hush(const char *log)
{
	int type = rte_log_register(log); /* that which there is, if there is one */
	int level = type < 0 ? -1 : rte_log_get_level((uint32_t)type);

	if (level >= 0)
		(void)rte_log_set_level((uint32_t)type, RTE_LOG_CRIT);
	return level;
}

void zs_dpdk_unhush(const char *log, int level)
{
	if (level >= 0)
		(void)rte_log_set_level((uint32_t)rte_log_register(log), (uint32_t)level);
}

void zs_dpdk_config_defaults(struct zs_dpdk_config *cfg)
{
	*cfg = (struct zs_dpdk_config){
		.signals = true,
		.n_pkt = 16384,
		.n_hdr = 16384,
		.n_big = 2048,
		.big_room = ZS_DPDK_BIG_ROOM,
		.n_ports = 1,
		.port[0] = { .ip4_be = htonl(0x0a120002), .ip4_prefix = 24 },
		.close_ms = 300,
	};
	zs_config_defaults(&cfg->stack);
}

static int check_config(const struct zs_dpdk_config *cfg)
{
	unsigned n = cfg->n_vlans;

	for (uint16_t i = 0; i < cfg->n_ports; i++)
		n += !zs_dpdk_has_vlan(cfg, i);
	if (n > ZS_MAX_PORTS)
		return zs_dpdk_fail(-EINVAL, "%u interfaces: at most %d are possible", n,
				    ZS_MAX_PORTS);
	if (cfg->n_ports == 0 || cfg->n_ports > ZS_MAX_PORTS)
		return zs_dpdk_fail(-EINVAL, "%u ports: 1 to %d are possible", cfg->n_ports,
				    ZS_MAX_PORTS);
	if (cfg->procs && cfg->proc_id >= __builtin_popcountll(cfg->lcore_mask))
		return zs_dpdk_fail(-EINVAL, "process %u: there are only %d CPUs for processes",
				    cfg->proc_id, __builtin_popcountll(cfg->lcore_mask));
	for (uint16_t i = 0; i < cfg->n_ports; i++) {
		if (cfg->port[i].ip4_prefix > 32)
			return zs_dpdk_fail(-EINVAL, "port %u: prefix length %u", i,
					    cfg->port[i].ip4_prefix);
		for (uint16_t j = 0; j < i; j++)
			if (cfg->port[j].port_id == cfg->port[i].port_id)
				return zs_dpdk_fail(-EINVAL,
						    "ports %u and %u are both DPDK port %u", j, i,
						    cfg->port[i].port_id);
	}
	return 0;
}

static int start_eal(struct zs_dpdk *d, const struct zs_dpdk_config *cfg)
{
	struct zs_eal_args *a = calloc(1, sizeof(*a)); /* too large for the stack of a thread */
	int rc;

	if (a == NULL)
		return zs_dpdk_fail(-ENOMEM, "out of memory");
	rc = zs_eal_compose(d, a, cfg);
	if (rc == 0 && cfg->procs) {
		const char *prefix = zs_eal_args_value(a, "--file-prefix");

		rc = zs_procs_open(d, cfg, prefix != NULL ? prefix : "rte");
	}
	if (rc == 0 && rte_eal_init(a->argc, a->argv) < 0)
		rc = zs_dpdk_fail(rte_errno != 0 ? -rte_errno : -EIO, "EAL does not start: %s",
				  rte_errno == EALREADY ? "it has run in this process already"
				  : rte_errno == 0	? "its reasons are above"
							: rte_strerror(rte_errno));
	else if (rc == 0)
		d->eal_up = true;
	if (rc == 0 && zs_procs_secondary(d) && !zs_eal_args_has(a, "--no-telemetry"))
		zs_procs_telemetry();
	free(a);
	return rc;
}

/* The kernel's side of the default tap: as configured, or the gateway, or the first address of the
 * net. */
static uint32_t kernel_side(const struct zs_dpdk_config *cfg)
{
	const struct zs_dpdk_port *p = &cfg->port[0];
	uint32_t own = ntohl(p->ip4_be);
	uint32_t net;

	if (cfg->kern_ip4_be != 0)
		return cfg->kern_ip4_be;
	if (p->ip4_gw_be != 0)
		return p->ip4_gw_be;
	if (own == 0 || p->ip4_prefix > 30)
		return 0;
	net = p->ip4_prefix == 0 ? 0 : own & (~0u << (32 - p->ip4_prefix));
	return htonl(own == net + 1 ? net + 2 : net + 1);
}

static int setup_tap(const struct zs_dpdk *d, uint16_t index, const struct zs_dpdk_config *cfg)
{
	const struct zs_ethport *p = &d->port[index];
	uint32_t addr = d->own_tap ? kernel_side(cfg) : 0;
	int rc;

	if (strcmp(p->info.driver_name, "net_tap") != 0)
		return 0;
	rc = zs_kernif_setup(p->info.if_index, addr, cfg->port[index].ip4_prefix);
	if (rc < 0)
		return zs_dpdk_fail(rc, "port %u: kernel side of the tap interface: %s", index,
				    strerror(-rc));
	return 0;
}

/* Of a table for RSS that every device can have. */
static unsigned n_buckets(const struct zs_dpdk *d)
{
	unsigned n = ZS_RSS_BUCKETS;

	for (uint16_t i = 0; i < d->n_ports; i++)
		if (d->port[i].n_rxq > 1 && d->port[i].info.reta_size > 0)
			n = RTE_MIN(n, d->port[i].info.reta_size);
	return 1u << (31 - __builtin_clz(n));
}

/* A secondary process has what the primary has started. */
static int start_ports(struct zs_dpdk *d, const struct zs_dpdk_config *cfg)
{
	bool own = !zs_procs_secondary(d);
	int rc = d->procs != NULL ? zs_procs_share(d) : 0;

	for (uint16_t i = 0; rc == 0 && own && i < d->n_ports; i++)
		rc = zs_ethport_check(d, i, &cfg->port[i]);
	zs_rss_init(&d->rss, d->n_stacks, n_buckets(d));
	if (rc == 0 && d->n_stacks > 1)
		rc = zs_fan_create(d);
	if (rc == 0)
		rc = zs_pools_create(d, cfg);
	for (uint16_t i = 0; rc == 0 && own && i < d->n_ports; i++) {
		rc = zs_ethport_start(d, i, &cfg->port[i]);
		if (rc == 0)
			rc = setup_tap(d, i, cfg);
	}
	return rc;
}

/* Takes apart whatever is there. Other processes that have not ended keep what they share. */
static void destroy(struct zs_dpdk *d)
{
	bool left = zs_procs_others(d);

	zs_pcap_detach(d);
	zs_pcap_finish(d, NULL);
	zs_procs_leave(d);
	for (uint16_t i = 0; i < d->n_lcores; i++)
		zs_stack_destroy(d->lcore[i]->s);
	for (uint16_t i = 0; i < d->n_ports; i++)
		zs_ethport_stop(d, i);
	if (!left) {
		zs_fan_free(d);
		zs_pools_free(d);
	}
	for (uint16_t i = 0; i < d->n_lcores; i++) {
		zs_idle_fini(d->lcore[i]);
		zs_mem_near_free(d, d->lcore[i]);
	}
	zs_procs_close(d);
	if (d->eal_up && !left)
		(void)rte_eal_cleanup(); /* the process is to go on or end either way */
	while (d->n_claims > 0)
		close(d->claim[--d->n_claims]);
	zs_signal_restore(d);
	close(d->stop_fd);
	free(d);
}

int zs_dpdk_init(struct zs_dpdk **out, const struct zs_dpdk_config *cfg)
{
	struct zs_dpdk *d;
	int rc = check_config(cfg);

	if (rc < 0)
		return rc;
	d = calloc(1, sizeof(*d));
	if (d == NULL)
		return zs_dpdk_fail(-ENOMEM, "out of memory");
	d->n_ports = cfg->n_ports;
	d->close_ms = cfg->close_ms;
	d->idle = cfg->idle;
	d->spread = cfg->procs;
	d->stop_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (d->stop_fd < 0) {
		rc = zs_dpdk_fail(-errno, "no event descriptor: %s", strerror(errno));
		free(d);
		return rc;
	}
	if (getrandom(d->tfo_key, sizeof(d->tfo_key), 0) != (ssize_t)sizeof(d->tfo_key))
		rc = zs_dpdk_fail(-EIO, "no random numbers");
	if (rc == 0)
		rc = start_eal(d, cfg);
	if (rc < 0)
		goto err_destroy;
	if (cfg->on_eal != NULL && !zs_procs_secondary(d))
		rc = cfg->on_eal(cfg->on_eal_arg);
	if (rc < 0)
		goto err_destroy;
	rc = zs_lcores_add(d, cfg);
	if (rc == 0)
		rc = start_ports(d, cfg);
	if (rc == 0)
		rc = zs_lcores_start(d, cfg);
	if (rc == 0 && cfg->procs && cfg->proc_id == 0)
		rc = zs_procs_publish(d);
	if (rc < 0)
		goto err_destroy;
	if (cfg->signals)
		zs_signal_catch(d);
	*out = d;
	return 0;

err_destroy:
	destroy(d);
	return rc;
}

/* ---- end ---- */

static void abort_conn(void *arg, struct zs_tcb *tcb)
{
	zs_tcp_abort(arg, tcb);
}

static uint32_t n_conns(const struct zs_dpdk *d)
{
	uint32_t n = 0;

	for (uint16_t i = 0; i < d->n_lcores; i++)
		n += zs_stack_counts(d->lcore[i]->s).tcbs;
	return n;
}

enum {
	CLOSE_NAP_US = 500, /* one of several lcores sleeps for all, and hears for itself only */
	OTHERS_END_US = 3000000,
};

/* Connections that are ending, or processes whose packets go through this one. */
static bool is_needed(const struct zs_dpdk *d, uint64_t begin_us)
{
	uint64_t us = zs_stack_now(d->lcore[0]->s) - begin_us;

	return (us < d->close_ms * 1000ull && n_conns(d) > 0) ||
	       (us < OTHERS_END_US && zs_procs_others(d));
}

/* Runs the loops for connections that are ending, one after the other; TIME-WAIT needs nobody. */
static void close_in_order(struct zs_dpdk *d)
{
	uint64_t begin_us = zs_lcore_clock_us(d->lcore[0]);
	uint64_t until_us = begin_us + d->close_ms * 1000ull;

	do {
		uint64_t next_us = until_us;

		if (d->n_lcores > 1)
			next_us = zs_lcore_clock_us(d->lcore[0]) + CLOSE_NAP_US;
		for (uint16_t i = d->n_lcores; i-- > 0;) {
			next_us = RTE_MIN(next_us, zs_lcore_turn(d->lcore[i]));
			zs_lcore_flush(d->lcore[i]);
		}
		zs_lcore_idle(d->lcore[0], next_us);
	} while (is_needed(d, begin_us));
}

void zs_dpdk_fini(struct zs_dpdk *d)
{
	if (d == NULL)
		return;
	zs_procs_end(d);
	close_in_order(d);
	for (uint16_t i = d->n_lcores; i-- > 0;) {
		zs_tcp_foreach(d->lcore[i]->s, abort_conn, d->lcore[i]->s);
		zs_lcore_flush(d->lcore[i]);
	}
	destroy(d);
}
