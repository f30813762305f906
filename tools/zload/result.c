/* SPDX-License-Identifier: BSD-3-Clause */
/* The course of the measurement: see result.h. */
#include "result.h"

#include <stdlib.h>
#include <string.h>

static const char *const names[] = {
	[FAIL_CONNECT] = "connect", [FAIL_RESET] = "reset",	  [FAIL_CLOSED] = "closed",
	[FAIL_TIMEOUT] = "timeout", [FAIL_RESPONSE] = "response", [FAIL_BODY] = "body",
};

const char *failure_name(enum failure f)
{
	return names[f];
}

/* Room for one more of `size` bytes in an array of n; NULL ends the program: there is no measuring
 * without memory. */
static void *grow(void *array, uint32_t n, uint32_t *cap, size_t size)
{
	if (n < *cap)
		return array;
	*cap = *cap > 0 ? 2 * *cap : 1024;
	array = realloc(array, *cap * size);
	if (array == NULL)
		abort();
	return array;
}

void result_init(struct result *r, uint64_t hz)
{
	r->hz = hz;
	r->ns_mul = (uint64_t)(((__uint128_t)1000000000 << 32) / hz);
}

void result_begin(struct result *r, uint64_t now)
{
	hist_clear(&r->recent);
	r->responses = r->bytes = r->lost = r->failures = r->reopened = 0;
	memset(r->failed, 0, sizeof(r->failed));
	memset(r->status, 0, sizeof(r->status));
	r->start = now;
	r->this_second.tick = r->this_window.tick = now;
	r->this_second.responses = r->this_second.bytes = r->this_second.failures = 0;
	r->this_window.responses = 0;
}

static double seconds_since(const struct result *r, uint64_t tick, uint64_t now)
{
	return (double)(now - tick) / (double)r->hz;
}

static void end_window(struct result *r, uint64_t now)
{
	uint64_t n = r->responses - r->this_window.responses;

	r->window = grow(r->window, r->n_windows, &r->cap_windows, sizeof(r->window[0]));
	r->window[r->n_windows++] = (float)((double)n / seconds_since(r, r->this_window.tick, now));
	r->this_window.tick = now;
	r->this_window.responses = r->responses;
}

static void end_second(struct result *r, uint64_t now)
{
	r->second = grow(r->second, r->n_seconds, &r->cap_seconds, sizeof(r->second[0]));
	r->second[r->n_seconds++] = (struct second){
		.seconds = seconds_since(r, r->this_second.tick, now),
		.responses = r->responses - r->this_second.responses,
		.bytes = r->bytes - r->this_second.bytes,
		.failures = r->failures - r->this_second.failures,
		.p50_ns = hist_percentile(&r->recent, 50),
		.p99_ns = hist_percentile(&r->recent, 99),
		.max_ns = r->recent.max,
	};
	hist_merge(&r->latency, &r->recent);
	hist_clear(&r->recent);
	r->this_second.tick = now;
	r->this_second.responses = r->responses;
	r->this_second.bytes = r->bytes;
	r->this_second.failures = r->failures;
}

bool result_tick(struct result *r, uint64_t now)
{
	if (now - r->this_window.tick >= r->hz / WINDOWS_A_SECOND)
		end_window(r, now);
	if (now - r->this_second.tick < r->hz)
		return false;
	end_second(r, now);
	return true;
}

void result_finish(struct result *r, uint64_t now)
{
	if (r->start == 0 || now <= r->start)
		return;
	r->end = now;
	if (r->n_seconds == 0 || now - r->this_second.tick >= r->hz / WINDOWS_A_SECOND)
		end_second(r, now);
	else
		hist_merge(&r->latency, &r->recent); /* too short to speak of a rate */
}

void result_free(struct result *r)
{
	free(r->second);
	free(r->window);
}

uint64_t result_served(const struct result *r)
{
	uint64_t n = 0;

	for (int i = 0; i < 400; i++)
		n += r->status[i];
	return n;
}

static int by_value(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;

	return (x > y) - (x < y);
}

void result_windows(struct result *r, double *best, double *median)
{
	*best = *median = 0;
	if (r->n_windows == 0)
		return;
	qsort(r->window, r->n_windows, sizeof(r->window[0]), by_value);
	*best = r->window[r->n_windows - 1];
	*median = r->window[r->n_windows / 2];
}
