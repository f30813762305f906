/* SPDX-License-Identifier: BSD-3-Clause */
/* Numbers with units that fit on a line: see report.h. */
#include "report.h"

#include <string.h>

#include "args.h"
#include "result.h"

struct text {
	char s[24];
};

static struct text duration(double ns)
{
	static const char *const unit[] = { "ns", "us", "ms", "s" };
	struct text t;
	int i = 0;

	for (; ns >= 1000 && i < 3; i++)
		ns /= 1000;
	snprintf(t.s, sizeof(t.s), "%.3g %s", ns < 1000 ? ns : 999.0, unit[i]);
	if (ns >= 100)
		snprintf(t.s, sizeof(t.s), "%.0f %s", ns, unit[i]);
	return t;
}

static struct text amount(double v, const char *what)
{
	static const char *const unit[] = { "", "k", "M", "G", "T" };
	struct text t;
	int i = 0;

	for (; v >= 1000 && i < 4; i++)
		v /= 1000;
	snprintf(t.s, sizeof(t.s), "%.*f %s%s",
		 v < 10 && i > 0    ? 2
		 : v < 100 && i > 0 ? 1
				    : 0,
		 v, unit[i], what);
	return t;
}

void report_progress(const struct result *r)
{
	const struct second *s = &r->second[r->n_seconds - 1];

	fprintf(stderr, "%4u s  %12s  %10s  p50 %s  p99 %s  max %s  %llu errors\n", r->n_seconds,
		amount((double)s->responses / s->seconds, "req/s").s,
		amount((double)s->bytes / s->seconds, "B/s").s, duration((double)s->p50_ns).s,
		duration((double)s->p99_ns).s, duration((double)s->max_ns).s,
		(unsigned long long)s->failures);
}

static void print_load(FILE *out, const struct args *a)
{
	fprintf(out, "zload: %s, %u connections", a->url, a->conns);
	if (a->close)
		fputs(", one request each", out);
	if (a->pipeline > 1)
		fprintf(out, ", %u requests under way on each", a->pipeline);
	if (a->rate > 0)
		fprintf(out, ", %llu requests/s", (unsigned long long)a->rate);
	fputc('\n', out);
}

static void print_latency(FILE *out, const struct hist *h)
{
	static const double percent[] = { 50, 90, 99, 99.9, 99.99 };

	fputs("  latency    ", out);
	for (int i = 0; i < 5; i++)
		fprintf(out, "p%g %s  ", percent[i],
			duration((double)hist_percentile(h, percent[i])).s);
	fprintf(out, "max %s  mean %s\n", duration((double)h->max).s, duration(hist_mean(h)).s);
}

static void print_statuses(FILE *out, const struct result *r)
{
	fputs("  statuses  ", out);
	for (int i = 0; i < STATUS_MAX; i++)
		if (r->status[i] > 0)
			fprintf(out, " %d: %llu", i, (unsigned long long)r->status[i]);
	fputc('\n', out);
}

static void print_failures(FILE *out, const struct result *r)
{
	fprintf(out, "  errors     %llu", (unsigned long long)r->failures);
	for (int i = 0; i < FAIL_COUNT; i++) {
		if (r->failed[i] == 0)
			continue;
		fprintf(out, ", %s %llu", failure_name(i), (unsigned long long)r->failed[i]);
		if (i == FAIL_CONNECT)
			fprintf(out, " (%s)", strerror(r->connect_error));
	}
	if (r->failures > 0)
		fprintf(out, "; %llu requests lost", (unsigned long long)r->lost);
	if (r->reopened > 0)
		fprintf(out, "; the server ended %llu connections",
			(unsigned long long)r->reopened);
	fputc('\n', out);
}

void report_summary(FILE *out, const struct args *a, struct result *r)
{
	double s = result_seconds(r);
	double best, median;

	print_load(out, a);
	if (s == 0) {
		fputs("  ended before anything was measured", out);
		if (r->connect_error != 0)
			fprintf(out, "; to connect: %s", strerror(r->connect_error));
		fputc('\n', out);
		return;
	}
	result_windows(r, &best, &median);
	fprintf(out, "  requests   %.0f/s", (double)r->responses / s);
	if (r->n_windows > 0)
		fprintf(out, " (50 ms windows: best %.0f/s, median %.0f/s)", best, median);
	fprintf(out, ", %llu in %.3f s\n", (unsigned long long)r->responses, s);
	fprintf(out, "  received   %s\n", amount((double)r->bytes / s, "B/s").s);
	print_latency(out, &r->latency);
	if (r->responses > 0)
		print_statuses(out, r);
	print_failures(out, r);
	if (a->rate > 0)
		fprintf(out, "  at the end %llu requests behind the rate, %llu unanswered\n",
			(unsigned long long)r->behind, (unsigned long long)r->waiting);
	fprintf(out, "  busy       %.1f %% of the load generator's core\n", 100 * r->busy);
}
