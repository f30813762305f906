/* SPDX-License-Identifier: BSD-3-Clause */
/* The line of statistics that every example prints when it ends. */
#ifndef EXAMPLES_REPORT_H
#define EXAMPLES_REPORT_H

#include <stdint.h>

/* The work of all cores. `what` names its unit: "requests", "messages". */
void report(const char *program, const char *what);

/*
 * Called once a turn on each core, with the work that it has done so far. Measures busy cycles per
 * unit of work in windows of 50 ms, for report() to print the best and the median window of the
 * core that calls it. Nearly free.
 */
void report_turn(uint64_t done);

#endif
