/* SPDX-License-Identifier: BSD-3-Clause */
/* All figures for programs to read. */
#ifndef ZLOAD_JSON_H
#define ZLOAD_JSON_H

#include <stdbool.h>
#include <stdio.h>

struct args;
struct result;

/*
 * Writes one JSON object to f and closes it, but for standard output: configuration, figures,
 * seconds, and the histogram as pairs of a bucket's greatest value in ns and its count. Sorts the
 * windows of r. False: errno.
 */
bool json_write(FILE *f, const struct args *a, struct result *r);

#endif
