/* SPDX-License-Identifier: BSD-3-Clause */
/* The DPDK port that ff_init() started. */
#ifndef ZS_INIT_H
#define ZS_INIT_H

struct zs_dpdk;

/* NULL before ff_init() and once the process exits. */
struct zs_dpdk *zs_app_dpdk(void);

#endif
