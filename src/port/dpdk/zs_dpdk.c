/* SPDX-License-Identifier: BSD-3-Clause */
/* Start and end: EAL, ports, pools, stack, and back in reverse order. */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_lcore.h>

#include "core/tcp/zs_tcp.h"
#include "port/dpdk/zs_dpdk_state.h"
#include "port/dpdk/zs_eal_args.h"

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

/* Does a driver of user space hold any device? Bound devices are links named by their PCI address.
 */
static bool driver_has_device(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *e;
	bool found = false;

	if (dir == NULL)
		return false;
	while (!found && (e = readdir(dir)) != NULL)
		found = strchr(e->d_name, ':') != NULL;
	closedir(dir);
	return found;
}

bool zs_dpdk_pci_bound(void)
{
	return driver_has_device("/sys/bus/pci/drivers/vfio-pci") ||
	       driver_has_device("/sys/bus/pci/drivers/igb_uio") ||
	       driver_has_device("/sys/bus/pci/drivers/uio_pci_generic");
}

static int check_config(const struct zs_dpdk_config *cfg)
{
	if (cfg->n_ports == 0 || cfg->n_ports > ZS_MAX_PORTS)
		return zs_dpdk_fail(-EINVAL, "%u ports: 1 to %d are possible", cfg->n_ports,
				    ZS_MAX_PORTS);
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
	rc = zs_eal_compose(a, cfg, &d->own_tap);
	if (rc == 0 && rte_eal_init(a->argc, a->argv) < 0)
		rc = zs_dpdk_fail(rte_errno != 0 ? -rte_errno : -EIO, "EAL does not start: %s",
				  rte_errno == EALREADY ? "it has run in this process already"
							: rte_strerror(rte_errno));
	else if (rc == 0)
		d->eal_up = true;
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

/*
 * Both ends of a tap device begin with the same MAC address; after the start, for starting the port
 * sets the kernel's end once more.
 */
static int setup_tap(const struct zs_dpdk *d, uint16_t index, const struct zs_dpdk_config *cfg)
{
	const struct zs_ethport *p = &d->port[index];
	uint32_t addr = d->own_tap ? kernel_side(cfg) : 0;
	int rc;

	if (strcmp(p->info.driver_name, "net_tap") != 0)
		return 0;
	rc = zs_kernif_setup(p->info.if_index, &p->mac, addr, cfg->port[index].ip4_prefix);
	if (rc < 0)
		return zs_dpdk_fail(rc, "port %u: kernel side of the tap interface: %s", index,
				    strerror(-rc));
	return 0;
}

static int start_ports(struct zs_dpdk *d, const struct zs_dpdk_config *cfg)
{
	int rc = 0;

	for (uint16_t i = 0; rc == 0 && i < d->n_ports; i++)
		rc = zs_ethport_check(d, i, &cfg->port[i]);
	if (rc == 0)
		rc = zs_pools_create(d, cfg);
	for (uint16_t i = 0; rc == 0 && i < d->n_ports; i++) {
		rc = zs_ethport_start(d, i, &cfg->port[i]);
		if (rc == 0)
			rc = setup_tap(d, i, cfg);
	}
	return rc;
}

static void set_netif(struct zs_netif_config *nif, uint16_t index, const struct zs_ethport *p,
		      const struct zs_dpdk_port *cfg)
{
	*nif = (struct zs_netif_config){
		.port = index,
		.mtu = p->mtu,
		.offloads = p->offloads,
		.mac = p->mac,
		.ip4_be = cfg->ip4_be,
		.ip4_prefix = cfg->ip4_prefix,
		.ip4_gw_be = cfg->ip4_gw_be,
	};
}

static int create_stack(struct zs_dpdk *d, const struct zs_dpdk_config *cfg)
{
	struct zs_config stack = cfg->stack;
	struct zs_env env = {
		.alloc = zs_mem_alloc,
		.free = zs_mem_free,
		.tx = zs_loop_tx,
		.ctx = d,
		.pkt_pool = d->pkt_pool,
		.hdr_pool = d->hdr_pool,
		.big_pool = d->big_pool,
	};
	int rc;

	if (getrandom(env.seed, sizeof(env.seed), 0) != (ssize_t)sizeof(env.seed))
		return zs_dpdk_fail(-EIO, "no random numbers for the stack's seed");
	stack.n_netifs = d->n_ports;
	for (uint16_t i = 0; i < d->n_ports; i++)
		set_netif(&stack.netif[i], i, &d->port[i], &cfg->port[i]);
	rc = zs_stack_create(&d->s, &stack, &env, zs_dpdk_clock_us(d));
	if (rc < 0)
		return zs_dpdk_fail(rc, "the stack does not start: %s",
				    rc == -EINVAL ? "a value of its configuration is out of range"
						  : strerror(-rc));
	return 0;
}

/* Takes apart whatever is there. */
static void destroy(struct zs_dpdk *d)
{
	zs_stack_destroy(d->s);
	for (uint16_t i = 0; i < d->n_ports; i++)
		zs_ethport_stop(d, i);
	for (uint16_t i = 0; i < d->n_ports; i++)
		rte_mempool_free(d->port[i].rx_pool);
	zs_pools_free(d);
	if (d->eal_up)
		(void)rte_eal_cleanup(); /* the process is to go on or end either way */
	zs_signal_restore(d);
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
	rc = start_eal(d, cfg);
	if (rc < 0)
		goto err_destroy;
	if (cfg->on_eal != NULL)
		rc = cfg->on_eal(cfg->on_eal_arg);
	if (rc < 0)
		goto err_destroy;
	d->socket = cfg->numa ? (int)rte_socket_id() : SOCKET_ID_ANY;
	rc = start_ports(d, cfg);
	if (rc < 0)
		goto err_destroy;
	zs_loop_init(d, cfg);
	rc = create_stack(d, cfg);
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

static void abort_conn(void *arg, struct zs_tcb *tcb)
{
	zs_tcp_abort(arg, tcb);
}

/* Runs the loop for connections that are ending; TIME-WAIT needs nobody. */
static void close_in_order(struct zs_dpdk *d)
{
	uint64_t until_us = zs_dpdk_clock_us(d) + d->close_ms * 1000ull;

	do {
		uint64_t next_us = zs_dpdk_turn(d);

		zs_dpdk_flush(d);
		zs_dpdk_idle(d, RTE_MIN(next_us, until_us));
	} while (zs_stack_counts(d->s).tcbs > 0 && zs_stack_now(d->s) < until_us);
}

void zs_dpdk_fini(struct zs_dpdk *d)
{
	if (d == NULL)
		return;
	close_in_order(d);
	zs_tcp_foreach(d->s, abort_conn, d->s);
	zs_dpdk_flush(d);
	destroy(d);
}

struct zs_stack *zs_dpdk_stack(struct zs_dpdk *d)
{
	return d->s;
}
