/* SPDX-License-Identifier: BSD-3-Clause */
/* Several processes with a stack each: see zs_procs.h. */
#include "port/dpdk/zs_procs.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <rte_errno.h>
#include <rte_memzone.h>

#include "port/dpdk/zs_fanout.h"

enum {
	WAIT_MS = 20000, /* for the primary, which may have devices to start */
	WAIT_STEP_MS = 50,
	LOOK_US = 100000, /* between two looks at who lives */
};

static const char zone_name[] = "zs_procs";

/* ---- locks: byte n is process n's ---- */

static int lock_byte(const struct zs_procs *p, uint16_t n)
{
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = n, .l_len = 1 };

	return fcntl(p->fd, F_SETLK, &l) < 0 ? -errno : 0;
}

/* Who of [first, first + len) lives; len 0 = to the end. 0: nobody, this process aside. */
static pid_t find_holder(const struct zs_procs *p, uint16_t first, uint16_t len)
{
	struct flock l = {
		.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = first, .l_len = len
	};

	if (fcntl(p->fd, F_GETLK, &l) < 0 || l.l_type == F_UNLCK)
		return 0;
	return l.l_pid != 0 ? l.l_pid : -1;
}

/* ---- start ---- */

/* As EAL does it, which cannot be asked before it runs. */
static void set_path(struct zs_procs *p, const char *prefix)
{
	const char *dir = getenv("RUNTIME_DIRECTORY"), *xdg = getenv("XDG_RUNTIME_DIR");

	if (dir == NULL && getuid() == 0)
		dir = "/var/run";
	else if (dir == NULL)
		dir = xdg != NULL ? xdg : "/tmp";
	snprintf(p->path, sizeof(p->path), "%s/dpdk/%s/zs_procs", dir, prefix);
}

static void open_file(struct zs_procs *p)
{
	if (p->fd < 0)
		p->fd = open(p->path, O_RDWR | O_CLOEXEC | (p->id == 0 ? O_CREAT : 0), 0600);
}

static bool primary_lives(struct zs_procs *p)
{
	open_file(p);
	return p->fd >= 0 && find_holder(p, 0, 1) != 0;
}

static int wait_for_primary(struct zs_procs *p, const char *prefix)
{
	const struct timespec step = { .tv_nsec = WAIT_STEP_MS * 1000000l };

	for (unsigned ms = 0; !primary_lives(p); ms += WAIT_STEP_MS) {
		if (ms >= WAIT_MS)
			return zs_dpdk_fail(-ETIMEDOUT,
					    "process %u: no primary process has come up in %d s: "
					    "start it with --proc-type=primary --proc-id=0 and "
					    "the same configuration (file prefix '%s')",
					    p->id, WAIT_MS / 1000, prefix);
		(void)nanosleep(&step, NULL); /* a signal makes it shorter */
	}
	return 0;
}

int zs_procs_open(struct zs_dpdk *d, const struct zs_dpdk_config *cfg, const char *prefix)
{
	struct zs_procs *p = calloc(1, sizeof(*p));
	int rc;

	if (p == NULL)
		return zs_dpdk_fail(-ENOMEM, "out of memory");
	d->procs = p;
	p->fd = -1;
	p->id = cfg->proc_id;
	set_path(p, prefix);
	if (p->id == 0)
		return 0;
	rc = wait_for_primary(p, prefix);
	if (rc < 0)
		return rc;
	rc = lock_byte(p, p->id);
	if (rc < 0)
		return zs_dpdk_fail(-EADDRINUSE, "process %u runs already, it has PID %d", p->id,
				    (int)find_holder(p, p->id, 1));
	return 0;
}

static int make_zone(struct zs_dpdk *d)
{
	const struct rte_memzone *mz =
		rte_memzone_reserve(zone_name, sizeof(struct zs_shared), SOCKET_ID_ANY, 0);
	struct zs_shared *sh = mz != NULL ? mz->addr : NULL;

	if (mz == NULL)
		return zs_dpdk_fail(-rte_errno, "no memory to share: %s", rte_strerror(rte_errno));
	*sh = (struct zs_shared){
		.size = sizeof(*sh),
		.n_stacks = d->n_stacks,
		.n_ports = d->n_ports,
		.state[0] = ZS_PROC_PRESENT,
	};
	memcpy(sh->tfo_key, d->tfo_key, sizeof(sh->tfo_key));
	d->procs->sh = sh;
	return 0;
}

static int find_zone(struct zs_dpdk *d)
{
	const struct rte_memzone *mz = rte_memzone_lookup(zone_name);
	struct zs_shared *sh = mz != NULL ? mz->addr : NULL;

	if (mz == NULL || mz->len < sizeof(*sh) || sh->size != sizeof(*sh))
		return zs_dpdk_fail(-EPROTO, "the primary process has another version of zstack");
	if (sh->n_stacks != d->n_stacks || sh->n_ports != d->n_ports)
		return zs_dpdk_fail(-EINVAL,
				    "the primary process has another configuration: %u CPUs and %u "
				    "ports, not %u and %u",
				    sh->n_stacks, sh->n_ports, d->n_stacks, d->n_ports);
	memcpy(d->tfo_key, sh->tfo_key, sizeof(d->tfo_key));
	d->procs->sh = sh;
	__atomic_store_n(&sh->state[d->procs->id], ZS_PROC_ABSENT, __ATOMIC_RELEASE);
	return 0;
}

/* What points into the primary does not: names come with the rest, devices and hints do not. */
static void take_port(struct zs_dpdk *d, uint16_t index)
{
	struct zs_shared *sh = d->procs->sh;
	struct zs_ethport *p = &d->port[index];

	*p = sh->port[index];
	p->info.driver_name = sh->driver[index];
	p->info.device = NULL;
	p->quirks.mtu_hint = "";
	p->intr = false; /* its descriptors are the primary's */
	p->started = p->configured = false;
}

int zs_procs_share(struct zs_dpdk *d)
{
	int rc = d->procs->id == 0 ? make_zone(d) : find_zone(d);

	for (uint16_t i = 0; rc == 0 && d->procs->id != 0 && i < d->n_ports; i++) {
		take_port(d, i);
		if (d->port[i].n_rxq > 1 && !rte_eth_dev_is_valid_port(d->port[i].id))
			rc = zs_dpdk_fail(-ENODEV,
					  "port %u: DPDK port %u is not there in this process: "
					  "give it the primary's EAL arguments",
					  i, d->port[i].id);
	}
	return rc;
}

int zs_procs_publish(struct zs_dpdk *d)
{
	struct zs_procs *p = d->procs;
	int rc;

	for (uint16_t i = 0; i < d->n_ports; i++) {
		p->sh->port[i] = d->port[i];
		snprintf(p->sh->driver[i], ZS_DRIVER_NAME, "%s", d->port[i].info.driver_name);
	}
	open_file(p);
	rc = p->fd < 0 ? -errno : lock_byte(p, 0);
	return rc < 0 ? zs_dpdk_fail(rc, "%s: %s", p->path, strerror(-rc)) : 0;
}

int zs_procs_event(const struct zs_dpdk *d, uint16_t index)
{
	char path[sizeof(d->procs->path) + 8];
	int fd;

	snprintf(path, sizeof(path), "%s.%u", d->procs->path, index);
	if (d->procs->id == 0)
		(void)mkfifo(path, 0600); /* there already: of an earlier start */
	fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	return fd < 0 ? zs_dpdk_fail(-errno, "%s: %s", path, strerror(errno)) : fd;
}

/* ---- who takes part ---- */

static void set_state(struct zs_shared *sh, uint16_t i, enum zs_proc_state state)
{
	__atomic_store_n(&sh->state[i], (uint8_t)state, __ATOMIC_RELEASE);
}

static enum zs_proc_state get_state(const struct zs_shared *sh, uint16_t i)
{
	return (enum zs_proc_state)__atomic_load_n(&sh->state[i], __ATOMIC_ACQUIRE);
}

/* On the loop that polls for those who are not there: it has just stopped to. */
static void admit(const struct zs_dpdk *d)
{
	struct zs_shared *sh = d->procs->sh;

	for (uint16_t i = 1; i < d->n_stacks; i++)
		if (unlikely(get_state(sh, i) == ZS_PROC_WANTED))
			set_state(sh, i, ZS_PROC_PRESENT);
}

static void look_for_secondaries(struct zs_lcore *lc)
{
	const struct zs_dpdk *d = lc->d;
	struct zs_shared *sh = d->procs->sh;

	for (uint16_t i = 1; i < d->n_stacks; i++) {
		if (get_state(sh, i) == ZS_PROC_ABSENT || find_holder(d->procs, i, 1) != 0)
			continue;
		set_state(sh, i, ZS_PROC_ABSENT);
		zs_fan_bury(lc, i);
		zs_dpdk_warn("process %u is gone: the primary takes its connections", i);
	}
	for (uint16_t i = 0; i < d->n_ports; i++)
		if (__atomic_exchange_n(&sh->all_groups[i], false, __ATOMIC_ACQUIRE))
			(void)rte_eth_allmulticast_enable(d->port[i].id); /* or it lets them in */
}

static void look_for_primary(struct zs_dpdk *d)
{
	struct zs_procs *p = d->procs;

	if (p->told ||
	    (!__atomic_load_n(&p->sh->ending, __ATOMIC_ACQUIRE) && find_holder(p, 0, 1) != 0))
		return;
	p->told = true;
	zs_dpdk_warn("process %u: the primary process ends, and so does this one", p->id);
	zs_dpdk_stop(d);
}

bool zs_procs_turn(struct zs_lcore *lc)
{
	struct zs_procs *p = lc->d->procs;
	uint64_t now_us = zs_stack_now(lc->s);
	bool look = now_us >= p->look_us;

	if (look)
		p->look_us = now_us + LOOK_US;
	if (p->id == 0) {
		admit(lc->d);
		if (look)
			look_for_secondaries(lc);
		return true;
	}
	if (look)
		look_for_primary(lc->d);
	if (!p->told && get_state(p->sh, p->id) == ZS_PROC_ABSENT) {
		set_state(p->sh, p->id, ZS_PROC_WANTED);
		zs_idle_wake(&lc->d->box[0]);
	}
	return get_state(p->sh, p->id) == ZS_PROC_PRESENT;
}

/* ---- end ---- */

void zs_procs_leave(struct zs_dpdk *d)
{
	if (zs_procs_secondary(d) && d->procs->sh != NULL) {
		d->procs->told = true; /* it does not ask again */
		set_state(d->procs->sh, d->procs->id, ZS_PROC_ABSENT);
	}
}

void zs_procs_close(struct zs_dpdk *d)
{
	if (d->procs == NULL)
		return;
	if (d->procs->fd >= 0)
		close(d->procs->fd);
	free(d->procs);
	d->procs = NULL;
}

void zs_procs_end(struct zs_dpdk *d)
{
	if (d->procs == NULL || d->procs->id != 0)
		return;
	__atomic_store_n(&d->procs->sh->ending, true, __ATOMIC_RELEASE);
	for (uint16_t i = 1; i < d->n_stacks; i++)
		zs_idle_wake(&d->box[i]);
}

bool zs_procs_others(const struct zs_dpdk *d)
{
	return d->procs != NULL && d->procs->id == 0 && d->procs->fd >= 0 &&
	       find_holder(d->procs, 1, 0) != 0;
}
