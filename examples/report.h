/* SPDX-License-Identifier: BSD-3-Clause */
/* The line of statistics that every example prints when it ends. */
#ifndef EXAMPLES_REPORT_H
#define EXAMPLES_REPORT_H

#include <stdint.h>

/* `what` names the unit of work: "requests", "messages". */
void report(const char *program, const char *what, uint64_t done);

#endif
