/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What EAL is told, from strong to weak: the environment, the configuration's own EAL arguments,
 * the fields of the configuration, and defaults that let it start anywhere, unprivileged too.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "port/dpdk/zs_dpdk_state.h"
#include "port/dpdk/zs_eal_args.h"

static const char default_vdev[] = "net_tap0,iface=zs0";

/* A small decimal file of sysfs; 0 when there is none. */
static uint64_t read_number(const char *path)
{
	char buf[32];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return 0;
	n = read(fd, buf, sizeof(buf) - 1);
	close(fd);
	if (n <= 0)
		return 0;
	buf[n] = '\0';
	return strtoull(buf, NULL, 10);
}

/* Free hugepages of all sizes, in MB. */
static uint64_t free_huge_mb(void)
{
	static const char dir[] = "/sys/kernel/mm/hugepages/hugepages-";

	char small[sizeof(dir) + 32], large[sizeof(dir) + 32];

	snprintf(small, sizeof(small), "%s2048kB/free_hugepages", dir);
	snprintf(large, sizeof(large), "%s1048576kB/free_hugepages", dir);
	return read_number(small) * 2 + read_number(large) * 1024;
}

static bool want_huge(const struct zs_dpdk_config *cfg, const struct zs_eal_args *a)
{
	uint32_t need = cfg->mem_mb != 0 ? cfg->mem_mb : zs_pools_mem_mb(cfg);

	if (cfg->huge != ZS_HUGE_AUTO)
		return cfg->huge == ZS_HUGE_ON;
	if (zs_eal_args_has(a, "--huge-dir") || zs_eal_args_has(a, "--socket-mem"))
		return true;
	return free_huge_mb() >= need;
}

static int add_megabytes(struct zs_eal_args *a, int level, uint32_t value)
{
	char text[16];

	snprintf(text, sizeof(text), "%" PRIu32, value);
	return zs_eal_args_add(a, level, "-m", text);
}

/* Nothing to share without hugepages: no files then, and many processes side by side. */
static int add_no_huge(struct zs_eal_args *a, const struct zs_dpdk_config *cfg, bool shared)
{
	int rc = 0;

	if (!shared && !zs_eal_args_has(a, "--file-prefix"))
		rc = zs_eal_args_add(a, ZS_ARG_DEFAULT, "--no-shconf", NULL);
	if (rc == 0)
		rc = add_megabytes(a, ZS_ARG_DEFAULT, zs_pools_mem_mb(cfg));
	return rc;
}

static bool is_mounted(void)
{
	char line[512];
	bool found = false;
	FILE *f = fopen("/proc/mounts", "re");

	while (f != NULL && !found && fgets(line, sizeof(line), f) != NULL)
		found = strstr(line, " hugetlbfs ") != NULL;
	if (f != NULL)
		fclose(f);
	return found;
}

static int refuse(struct zs_eal_args *a, const char *why)
{
	snprintf(a->error, sizeof(a->error),
		 "several processes share their memory: %s; or start one without --proc-type, "
		 "with a thread on each CPU",
		 why);
	return -EINVAL;
}

/* Files of hugepages that every process maps. */
static int add_shared_memory(struct zs_eal_args *a, const struct zs_dpdk_config *cfg)
{
	bool primary = cfg->proc_id == 0;
	uint32_t need = cfg->mem_mb != 0 ? cfg->mem_mb : zs_pools_mem_mb(cfg);
	char why[96];

	if (cfg->huge == ZS_HUGE_OFF || zs_eal_args_has(a, "--no-huge") ||
	    zs_eal_args_has(a, "--in-memory") || zs_eal_args_has(a, "--no-shconf"))
		return refuse(a, "not with no_huge, --no-huge, --in-memory or --no-shconf");
	if (!is_mounted())
		return refuse(a, "mkdir -p /dev/hugepages; mount -t hugetlbfs none /dev/hugepages");
	if (primary && free_huge_mb() < need) {
		snprintf(why, sizeof(why),
			 "%" PRIu32 " MB of free hugepages (vm.nr_hugepages), not %" PRIu64, need,
			 free_huge_mb());
		return refuse(a, why);
	}
	return zs_eal_args_add(a, ZS_ARG_CONFIG, "--proc-type", primary ? "primary" : "secondary");
}

/* Secondary processes share files; for others no files are made, or no names of them stay. */
static int add_memory(struct zs_eal_args *a, const struct zs_dpdk_config *cfg)
{
	int level = cfg->huge == ZS_HUGE_AUTO ? ZS_ARG_DEFAULT : ZS_ARG_CONFIG;
	bool shared = zs_eal_args_has(a, "--proc-type");
	int rc = 0;

	if (cfg->procs)
		rc = add_shared_memory(a, cfg);
	else if (!want_huge(cfg, a))
		rc = zs_eal_args_add(a, level, "--no-huge", NULL);
	else if (!shared && zs_eal_args_has(a, "--huge-dir"))
		rc = zs_eal_args_add(a, level, "--huge-unlink", NULL);
	else if (!shared)
		rc = zs_eal_args_add(a, level, "--in-memory", NULL);
	if (rc == 0 && zs_eal_args_has(a, "--no-huge"))
		rc = add_no_huge(a, cfg, shared);
	if (rc == 0 && cfg->mem_mb != 0 && cfg->proc_id == 0)
		rc = add_megabytes(a, ZS_ARG_CONFIG, cfg->mem_mb);
	return rc;
}

/* "0@(2,3)": one lcore that may run wherever this thread may. */
static int float_anywhere(char *text, size_t size)
{
	cpu_set_t set;
	size_t len = (size_t)snprintf(text, size, "0@(");

	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		return -errno;
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &set))
			continue;
		if (size - len < 8)
			break; /* enough of them */
		len += (size_t)snprintf(text + len, size - len, "%d,", cpu);
	}
	text[len - 1] = ')';
	return 0;
}

/* "0,2,3" for 0xd */
static void list_lcores(char *text, size_t size, uint64_t mask)
{
	size_t len = 0;

	for (; mask != 0; mask &= mask - 1)
		len += (size_t)snprintf(text + len, size - len, "%s%d", len > 0 ? "," : "",
					__builtin_ctzll(mask));
}

/* Bit number n of those that are set, alone. */
static uint64_t bit_of(uint64_t mask, unsigned n)
{
	for (; n > 0; n--)
		mask &= mask - 1;
	return mask & -mask;
}

/* EAL's answer to a CPU that it cannot have is a page of all its options. */
static int check_cpus(struct zs_eal_args *a, uint64_t mask)
{
	cpu_set_t before, one;
	int rc = 0;

	if (sched_getaffinity(0, sizeof(before), &before) < 0)
		return -errno;
	for (; rc == 0 && mask != 0; mask &= mask - 1) {
		CPU_ZERO(&one);
		CPU_SET(__builtin_ctzll(mask), &one);
		if (sched_setaffinity(0, sizeof(one), &one) == 0)
			continue;
		rc = -errno;
		snprintf(a->error, sizeof(a->error),
			 "lcore_mask: CPU %d is not there, or not for this process",
			 __builtin_ctzll(mask));
	}
	(void)sched_setaffinity(0, sizeof(before), &before); /* as it was */
	return rc;
}

static int add_cores(struct zs_eal_args *a, const struct zs_dpdk_config *cfg)
{
	uint64_t mask = cfg->lcore_mask;
	const char *chosen;
	char text[512];
	int rc;

	if (cfg->procs)
		mask = bit_of(mask, cfg->proc_id);
	if (mask != 0) {
		list_lcores(text, sizeof(text), mask);
		rc = zs_eal_args_add(a, ZS_ARG_CONFIG, "-l", text);
		chosen = zs_eal_args_value(a, "-l"); /* NULL: a stronger --lcores */
		if (rc < 0 || chosen == NULL || strcmp(chosen, text) != 0)
			return rc;
		return check_cpus(a, mask);
	}
	rc = float_anywhere(text, sizeof(text));
	return rc < 0 ? rc : zs_eal_args_add(a, ZS_ARG_DEFAULT, "--lcores", text);
}

static int add_devices(struct zs_eal_args *a, const struct zs_dpdk_config *cfg, bool *own_tap)
{
	bool pci = zs_eal_args_has(a, "-a") || zs_eal_args_has(a, "--allow") ||
		   (cfg->pci && !zs_eal_args_has_device(a));
	int rc = 0;

	*own_tap = !cfg->pci && cfg->on_eal == NULL && !zs_eal_args_has_device(a);
	if (*own_tap)
		rc = zs_eal_args_add(a, ZS_ARG_DEFAULT, "--vdev", default_vdev);
	if (rc == 0 && !pci)
		rc = zs_eal_args_add(a, ZS_ARG_DEFAULT, "--no-pci", NULL);
	if (cfg->procs && cfg->proc_id != 0) { /* EAL asks the primary for them */
		zs_eal_args_drop(a, "--vdev");
		*own_tap = false;
	}
	return rc;
}

/*
 * Errors only. The tap driver calls it an error when the kernel lacks what rte_flow would need. Of
 * two patterns that match, EAL lets sometimes the first win and sometimes the last: none may
 * overlap.
 */
static int add_log_levels(struct zs_eal_args *a, bool own_tap)
{
	static const char *const tap[] = { "lib.*:error", "bus.*:error", "pmd.net.tap:critical" };
	static const char *const any[] = { "*:error" };
	const char *const *levels = own_tap ? tap : any;
	size_t n = own_tap ? RTE_DIM(tap) : RTE_DIM(any);
	int rc = 0;

	if (zs_eal_args_has(a, "--log-level"))
		return 0;
	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = zs_eal_args_add(a, ZS_ARG_DEFAULT, "--log-level", levels[i]);
	return rc;
}

/*
 * The kernel lets whoever asks have a queue of a tap interface: a second program would get some of
 * the first one's packets, and give the interface addresses of its own. A program that has been
 * started, and has not made its interface yet, has claimed it.
 */
static int claim_taps(struct zs_dpdk *d, const struct zs_eal_args *a)
{
	for (int i = 1; i < a->argc; i++) {
		const char *name = strstr(a->argv[i], "iface=");
		char text[IFNAMSIZ];
		int claim;

		if (name == NULL || strstr(a->argv[i], "net_tap") == NULL)
			continue;
		snprintf(text, sizeof(text), "%.*s", (int)strcspn(name + 6, ","), name + 6);
		claim = zs_kernif_claim(text);
		if (claim >= 0 && d->n_claims < ZS_MAX_PORTS)
			d->claim[d->n_claims++] = claim;
		if (claim == -EADDRINUSE || zs_kernif_runs(text))
			return zs_dpdk_fail(
				-EBUSY,
				"the tap interface %s is in use: another program is behind it; "
				"please give each its own (iface= in eal_args)",
				text);
	}
	return 0;
}

int zs_eal_compose(struct zs_dpdk *d, struct zs_eal_args *a, const struct zs_dpdk_config *cfg)
{
	int rc;

	zs_eal_args_init(a);
	rc = zs_eal_args_words(a, ZS_ARG_ARGV, cfg->eal_argv, cfg->n_eal_argv);
	if (rc == 0)
		rc = zs_eal_args_text(a, ZS_ARG_STRING, cfg->eal_args);
	if (rc == 0)
		rc = zs_eal_args_text(a, ZS_ARG_ENV, getenv("ZSTACK_EAL_ARGS"));
	if (rc == 0)
		rc = add_cores(a, cfg);
	if (rc == 0)
		rc = add_memory(a, cfg);
	if (rc == 0)
		rc = add_devices(a, cfg, &d->own_tap);
	if (rc == 0)
		rc = add_log_levels(a, d->own_tap);
	if (rc < 0)
		return zs_dpdk_fail(rc, "%s", a->error[0] != '\0' ? a->error : strerror(-rc));
	zs_eal_args_finish(a, cfg->prog != NULL ? cfg->prog : "zstack");
	return cfg->procs ? 0 : claim_taps(d, a);
}
