/* SPDX-License-Identifier: BSD-3-Clause */
/* The line of statistics that every example prints when it ends. */
#ifndef EXAMPLES_REPORT_H
#define EXAMPLES_REPORT_H

#include <stdint.h>

/* `what` names the unit of work: "requests", "messages". */
void report(const char *program, const char *what, uint64_t done);

/*
 * Called once a turn with the work done so far: measures busy cycles per unit of work in windows of
 * 50 ms, for report() to print the best and the median window. Nearly free; a server that does not
 * call it reports its average only.
 */
void report_turn(uint64_t done);

#endif
