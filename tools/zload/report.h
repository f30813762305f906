/* SPDX-License-Identifier: BSD-3-Clause */
/* What people read: a line of progress each second, and the summary. */
#ifndef ZLOAD_REPORT_H
#define ZLOAD_REPORT_H

#include <stdio.h>

struct args;
struct result;

/* The last second, on stderr. */
void report_progress(const struct result *r);

/* Sorts the windows of r. */
void report_summary(FILE *out, const struct args *a, struct result *r);

#endif
