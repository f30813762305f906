/* SPDX-License-Identifier: BSD-3-Clause */
/* A writer for exactly this object: see json.h. */
#include "json.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "args.h"
#include "result.h"

typedef unsigned long long ull;

static void string(FILE *f, const char *s)
{
	fputc('"', f);
	for (; *s != '\0'; s++) {
		unsigned char c = (unsigned char)*s;

		if (c == '"' || c == '\\')
			fprintf(f, "\\%c", c);
		else if (c < 0x20 || c > 0x7e)
			fprintf(f, "\\u%04x", c); /* as if it were Latin-1 */
		else
			fputc(c, f);
	}
	fputc('"', f);
}

static void configuration(FILE *f, const struct args *a)
{
	fputs("{\n \"configuration\": {\n  \"url\": ", f);
	string(f, a->url);
	fputs(",\n  \"headers\": [", f);
	for (int i = 0; i < a->n_headers; i++) {
		fputs(i > 0 ? ", " : "", f);
		string(f, a->header[i]);
	}
	fprintf(f, "],\n  \"connections\": %u, \"pipeline\": %u, \"close\": %s,\n", a->conns,
		a->pipeline, a->close ? "true" : "false");
	fprintf(f, "  \"rate\": %llu, \"requests\": %llu, \"duration_s\": %g, \"warmup_s\": %g,\n",
		(ull)a->rate, (ull)a->requests, a->duration_s, a->warmup_s);
	fprintf(f, "  \"timeout_s\": %g, \"verify\": \"%s\"\n },\n", a->timeout_s,
		args_verify_name(a->verify));
}

static void rates(FILE *f, struct result *r)
{
	double s = result_seconds(r);
	double best, median;

	result_windows(r, &best, &median);
	fprintf(f, " \"seconds\": %.6f, \"requests\": %llu, \"bytes\": %llu,\n", s,
		(ull)r->responses, (ull)r->bytes);
	fprintf(f, " \"requests_per_second\": %.1f, \"bytes_per_second\": %.1f,\n",
		s > 0 ? (double)r->responses / s : 0, s > 0 ? (double)r->bytes / s : 0);
	fprintf(f, " \"window_ms\": %d, \"best_window\": %.1f, \"median_window\": %.1f,\n",
		1000 / WINDOWS_A_SECOND, best, median);
	fprintf(f, " \"busy\": %.4f, \"behind\": %llu, \"waiting\": %llu,\n", r->busy,
		(ull)r->behind, (ull)r->waiting);
}

static void statuses(FILE *f, const struct result *r)
{
	const char *comma = "";

	fputs(" \"statuses\": {", f);
	for (int i = 0; i < STATUS_MAX; i++)
		if (r->status[i] > 0) {
			fprintf(f, "%s\"%d\": %llu", comma, i, (ull)r->status[i]);
			comma = ", ";
		}
	fputs("},\n", f);
}

static void failures(FILE *f, const struct result *r)
{
	fputs(" \"errors\": {", f);
	for (int i = 0; i < FAIL_COUNT; i++)
		fprintf(f, "%s\"%s\": %llu", i > 0 ? ", " : "", failure_name(i), (ull)r->failed[i]);
	fprintf(f, "},\n \"requests_lost\": %llu, \"reopened\": %llu,\n", (ull)r->lost,
		(ull)r->reopened);
}

static void latency(FILE *f, const struct hist *h)
{
	static const double percent[] = { 50, 75, 90, 95, 99, 99.9, 99.99, 99.999 };
	const char *comma = "";

	fprintf(f,
		" \"latency_ns\": {\"count\": %llu, \"min\": %llu, \"max\": %llu, \"mean\": %.1f",
		(ull)h->count, (ull)h->min, (ull)h->max, hist_mean(h));
	for (unsigned i = 0; i < sizeof(percent) / sizeof(percent[0]); i++)
		fprintf(f, ", \"p%g\": %llu", percent[i], (ull)hist_percentile(h, percent[i]));
	fputs("},\n \"histogram\": [", f);
	for (uint32_t i = 0; i < HIST_BUCKETS; i++)
		if (h->bucket[i] > 0) {
			fprintf(f, "%s[%llu, %llu]", comma, (ull)hist_high(i), (ull)h->bucket[i]);
			comma = ", ";
		}
	fputs("],\n", f);
}

static void seconds(FILE *f, const struct result *r)
{
	fputs(" \"series\": [", f);
	for (uint32_t i = 0; i < r->n_seconds; i++) {
		const struct second *s = &r->second[i];

		fprintf(f, "%s\n  {\"seconds\": %.6f, \"requests\": %llu, \"bytes\": %llu, ",
			i > 0 ? "," : "", s->seconds, (ull)s->responses, (ull)s->bytes);
		fprintf(f,
			"\"errors\": %llu, \"p50_ns\": %llu, \"p99_ns\": %llu, \"max_ns\": %llu}",
			(ull)s->failures, (ull)s->p50_ns, (ull)s->p99_ns, (ull)s->max_ns);
	}
	fputs("\n ]\n}\n", f);
}

bool json_write(FILE *f, const struct args *a, struct result *r)
{
	bool bad;

	configuration(f, a);
	rates(f, r);
	statuses(f, r);
	failures(f, r);
	latency(f, &r->latency);
	seconds(f, r);
	bad = ferror(f) != 0; /* what could not be written then is forgotten */
	return (f == stdout ? fflush(f) : fclose(f)) == 0 && !bad;
}
