/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * zload: HTTP/1.1 load on our own stack, in closed loop or at a fixed rate. args_usage() says how
 * it is used. Its core does nothing but the load, so the server is what is measured as long as
 * `busy` is well below 100 %.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>

#include <ff_api.h>

#include "args.h"
#include "json.h"
#include "load.h"
#include "report.h"

enum { OK, FAILED, USAGE };

/* Exit status by what came of it. */
static int judge(const struct load *l)
{
	if (l->wrong_body)
		return FAILED;
	if (result_served(&l->result) == 0) {
		fputs("zload: nothing was served\n", stderr);
		return FAILED;
	}
	return OK;
}

/* json: where the figures go as well, or NULL. */
static int run(const struct args *a, struct load *l, FILE *json)
{
	if (!load_init(l, a, rte_rdtsc()))
		return FAILED;
	ff_run(load_turn, l);
	load_finish(l, rte_rdtsc());
	/* JSON on standard output is to be alone there */
	report_summary(json == stdout ? stderr : stdout, a, &l->result);
	if (json != NULL && !json_write(json, a, &l->result)) {
		fprintf(stderr, "zload: %s: %s\n", a->json, strerror(errno));
		return FAILED;
	}
	return judge(l);
}

/* What was printed has arrived. */
static bool printed(void)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return true;
	fprintf(stderr, "zload: standard output: %s\n", strerror(errno));
	return false;
}

int main(int argc, char **argv)
{
	struct args a;
	FILE *json = NULL;
	struct load *l;
	int status;

	if (!args_parse(&a, argc, argv)) {
		fprintf(stderr, "zload: %s\nTry zload --help.\n", a.err);
		return USAGE;
	}
	if (a.help) {
		args_usage(stdout);
		return printed() ? OK : FAILED;
	}
	if (a.json != NULL) /* before a long measurement, not behind it */
		json = strcmp(a.json, "-") == 0 ? stdout : fopen(a.json, "w");
	if (a.json != NULL && json == NULL) {
		fprintf(stderr, "zload: %s: %s\n", a.json, strerror(errno));
		return FAILED;
	}
	l = calloc(1, sizeof(*l)); /* the histograms are large */
	if (l == NULL || ff_init(a.stack_argc, (char *const *)(uintptr_t)a.stack_argv) < 0) {
		free(l);
		return FAILED;
	}
	status = run(&a, l, json);
	if (status == OK && !printed())
		status = FAILED;
	load_free(l);
	free(l);
	return status;
}
