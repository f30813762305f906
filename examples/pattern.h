/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The body pattern: what the example servers send and their clients expect. A byte depends on its
 * offset alone, so that any piece of a body can be made, or checked, by itself.
 */
#ifndef EXAMPLES_PATTERN_H
#define EXAMPLES_PATTERN_H

#include <stddef.h>
#include <stdint.h>

/* Bytes until it repeats: a prime, so that no shift by a segment or buffer size goes unnoticed. */
enum { PATTERN_PERIOD = 65521 };

/* Writes the n bytes from offset off on to dst. */
void pattern_fill(void *dst, uint64_t off, size_t n);

/* How many of the n bytes at data are those of offset off on, up to the first that differs. */
size_t pattern_check(const void *data, uint64_t off, size_t n);

#endif
