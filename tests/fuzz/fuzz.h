/* SPDX-License-Identifier: BSD-3-Clause */
/* What the fuzz targets share: an input that is read from its beginning, and what ends a run. */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct fuzz_in {
	const uint8_t *p, *end;
};

static inline void check(bool ok)
{
	if (!ok)
		abort();
}

/* 0 behind the end. */
static inline uint8_t in8(struct fuzz_in *in)
{
	return in->p < in->end ? *in->p++ : 0;
}

static inline uint16_t in16(struct fuzz_in *in)
{
	uint16_t hi = in8(in);

	return (uint16_t)(hi << 8 | in8(in));
}

#endif
