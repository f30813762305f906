/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a running program tells about itself, as commands of DPDK's telemetry: /zstack/ss and so on.
 * They run on threads of DPDK's; each asks the stacks by their loops (zs_ask.h), copies what it
 * needs and writes it down afterwards. Long lists come in pages: every entry has an `id`, and a
 * parameter says from which id on. An answer that fails is a dictionary with one entry, `error`.
 */
#ifndef ZS_TEL_H
#define ZS_TEL_H

#include <stdint.h>

struct zs_ctx;
struct zs_dpdk;

/*
 * Makes the commands tell of n contexts; the array has to stay. 0 or -errno: there is no telemetry
 * then, which is no reason not to run.
 */
int zs_tel_start(struct zs_ctx *const *all, uint16_t n);
/* The commands of ports, pools, captures and the configuration too. */
int zs_tel_start_port(struct zs_dpdk *dpdk);

/* From now on the commands fail; returns when none is at work any more. Before the contexts go. */
void zs_tel_stop(void);

#endif
