/* SPDX-License-Identifier: BSD-3-Clause */
/* The configuration of a stack, checked; and changed while it runs. */
#ifndef ZS_TUNE_H
#define ZS_TUNE_H

#include "core/zs_env.h"

struct zs_stack;

/* 0, or -EINVAL: a value is out of range, or two do not go together. */
int zs_config_check(const struct zs_config *cfg);

/*
 * Takes over from cfg what may change: all but interfaces and sizes of tables. Holds for
 * connections, timers and packets that begin afterwards. 0 or -EINVAL as above, and nothing has
 * changed.
 */
int zs_stack_tune(struct zs_stack *s, const struct zs_config *cfg);

#endif
