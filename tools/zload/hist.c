/* SPDX-License-Identifier: BSD-3-Clause */
/* What is not done per value: merging, clearing, asking. See hist.h. */
#include "hist.h"

#include <math.h>
#include <string.h>

uint64_t hist_low(uint32_t index)
{
	uint32_t shift = index < HIST_SUB ? 0 : index / HIST_SUB - 1;

	return (uint64_t)(index - shift * HIST_SUB) << shift;
}

uint64_t hist_high(uint32_t index)
{
	return index + 1 < HIST_BUCKETS ? hist_low(index + 1) - 1 : UINT64_MAX;
}

void hist_merge(struct hist *to, const struct hist *from)
{
	if (from->count == 0)
		return;
	if (to->count == 0 || from->min < to->min)
		to->min = from->min;
	if (to->count == 0 || from->max > to->max)
		to->max = from->max;
	to->count += from->count;
	to->sum += from->sum;
	for (uint32_t i = hist_index(from->min); i <= hist_index(from->max); i++)
		to->bucket[i] += from->bucket[i];
}

void hist_clear(struct hist *h)
{
	uint32_t first = hist_index(h->min), last = hist_index(h->max);

	memset(&h->bucket[first], 0, (last - first + 1) * sizeof(h->bucket[0]));
	h->count = h->sum = h->min = h->max = 0;
}

uint64_t hist_percentile(const struct hist *h, double percent)
{
	/* Of the value asked for, from 1; 99.9 % of 1000 must not become a little more than 999. */
	double rank = ceil(percent / 100 * (double)h->count * (1 - 1e-12));
	uint64_t seen = 0;

	if (h->count == 0)
		return 0;
	if (rank < 1)
		return h->min;
	for (uint32_t i = hist_index(h->min); i < hist_index(h->max); i++) {
		seen += h->bucket[i];
		if ((double)seen >= rank)
			return hist_high(i);
	}
	return h->max;
}

double hist_mean(const struct hist *h)
{
	return h->count > 0 ? (double)h->sum / (double)h->count : 0;
}
