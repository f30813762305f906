/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The telemetry of a secondary process. EAL starts it in the primary alone; what starts it is a
 * function that DPDK exports for EAL, without a header. It takes the next free name beside the
 * primary's socket. A DPDK without that function leaves secondaries without telemetry.
 */
#include <pthread.h>

#include <rte_eal.h>
#include <rte_lcore.h>
#include <rte_log.h>
#include <rte_version.h>

#include "port/dpdk/zs_procs.h"

/* As in DPDK 22.11. One that has fewer arguments does not look at the rest. */
__attribute__((weak)) int rte_telemetry_init(
	const char *dir, const char *version, rte_cpuset_t *cpus,
	int (*log)(uint32_t level, uint32_t type, const char *format, ...), uint32_t log_type);

/* On a thread of EAL's for what is not packets: so it has the CPUs that are left for that. */
static void *start(void *arg)
{
	int *rc = arg;
	rte_cpuset_t cpus;

	CPU_ZERO(&cpus);
	(void)pthread_getaffinity_np(pthread_self(), sizeof(cpus), &cpus);
	*rc = rte_telemetry_init(rte_eal_get_runtime_dir(), rte_version(), &cpus, rte_log,
				 RTE_LOGTYPE_EAL);
	return NULL;
}

void zs_procs_telemetry(void)
{
	pthread_t thread;
	int rc = 0;

	if (rte_telemetry_init == NULL ||
	    rte_ctrl_thread_create(&thread, "zs-telemetry", NULL, start, &rc) != 0)
		return;
	(void)pthread_join(thread, NULL);
	if (rc != 0)
		zs_dpdk_warn("zstack does not see this process: its telemetry does not start");
}
