/* SPDX-License-Identifier: BSD-3-Clause */
/* The body pattern, from a table of one period: see pattern.h. */
#include "pattern.h"

#include <string.h>

static uint8_t table[2 * PATTERN_PERIOD]; /* twice, so that a period starts anywhere */

__attribute__((constructor)) static void make_table(void)
{
	uint32_t x = 1;

	for (int i = 0; i < PATTERN_PERIOD; i++) {
		x = x * 1664525 + 1013904223;
		table[i] = table[i + PATTERN_PERIOD] = (uint8_t)(x >> 24);
	}
}

void pattern_fill(void *dst, uint64_t off, size_t n)
{
	uint8_t *p = dst;

	while (n > 0) {
		size_t take = n < PATTERN_PERIOD ? n : PATTERN_PERIOD;

		memcpy(p, table + off % PATTERN_PERIOD, take);
		p += take;
		off += take;
		n -= take;
	}
}

size_t pattern_check(const void *data, uint64_t off, size_t n)
{
	const uint8_t *p = data;

	for (size_t done = 0; done < n;) {
		size_t take = n - done < PATTERN_PERIOD ? n - done : PATTERN_PERIOD;
		const uint8_t *want = table + (off + done) % PATTERN_PERIOD;

		if (memcmp(p + done, want, take) != 0) {
			while (p[done] == *want++)
				done++;
			return done;
		}
		done += take;
	}
	return n;
}
