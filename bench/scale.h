/* SPDX-License-Identifier: BSD-3-Clause */
/* Servers on several cores at once, each a stack of its own in a thread of this process. */
#ifndef BENCH_SCALE_H
#define BENCH_SCALE_H

#include <stdint.h>

/*
 * Requests a second that `cores` servers reach together while all of them run: the sum of what each
 * reaches in its best window. Bodies of 64 bytes, 50 connections to each, zero-copy. 0: there are
 * not so many cores.
 */
double scale_rate(uint32_t cores);

#endif
