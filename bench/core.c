/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the stack itself costs, without device, driver and link: server and client in one process,
 * cycles of the server alone. bench/README.md explains each line.
 *
 *	core [--only NAME] [--json FILE] [--count WORK]
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_cycles.h>

#include "crowd.h"
#include "flows.h"
#include "meter.h"
#include "pair.h"
#include "scale.h"
#include "web.h"

enum { MILLION = 1000000, NAME_MAX_LEN = 96, SPARE_CONNS = 4096 };

static struct lines lines;
static uint64_t count; /* of work in each case, for a profiler; 0: windows */

static void add(const char *name, const char *what, double value, const char *unit)
{
	char line[2 * NAME_MAX_LEN];

	snprintf(line, sizeof(line), "%s.%s", name, what);
	lines_add(&lines, line, value, unit);
}

static void add_cycles(const char *name, const char *what, struct meter *m)
{
	char median[NAME_MAX_LEN];

	if (m->count > 0) {
		add(name, "counted", (double)m->counted, "times");
		return;
	}
	snprintf(median, sizeof(median), "%s_median", what);
	add(name, what, meter_best(m), "cycles");
	add(name, median, meter_median(m), "cycles");
}

/* EAL clears the memory of pools that end, which takes a profiler longer than what it counts. */
static void end(struct pair *p)
{
	if (count == 0)
		pair_destroy(p);
}

/* ---- requests ---- */

struct http {
	const char *name;
	enum web_server server;
	unsigned size;
	uint32_t active, open;
	bool scattered; /* each active connection by a client of its own, idle ones between */
	bool tso;	/* the server's device cuts packets */
};

static const struct http https[] = {
	{ "core.zc.64.50", WEB_ZC, 64, 50, 50, false, false },
	{ "core.zc.1024.50", WEB_ZC, 1024, 50, 50, false, false },
	{ "core.zc.4096.50", WEB_ZC, 4096, 50, 50, false, false },
	{ "core.zc.8192.50", WEB_ZC, 8192, 50, 50, false, false },
	{ "core.zc_tso.4096.50", WEB_ZC, 4096, 50, 50, false, true },
	{ "core.zc_tso.8192.50", WEB_ZC, 8192, 50, 50, false, true },
	{ "core.cached.8192.50", WEB_CACHED, 8192, 50, 50, false, false },
	{ "core.cached_tso.8192.50", WEB_CACHED, 8192, 50, 50, false, true },
	{ "core.copy.64.50", WEB_COPY, 64, 50, 50, false, false },
	{ "core.copy.1024.50", WEB_COPY, 1024, 50, 50, false, false },
	{ "core.copy.4096.50", WEB_COPY, 4096, 50, 50, false, false },
	{ "core.copy.8192.50", WEB_COPY, 8192, 50, 50, false, false },
	{ "core.copy_tso.4096.50", WEB_COPY, 4096, 50, 50, false, true },
	{ "core.copy_tso.8192.50", WEB_COPY, 8192, 50, 50, false, true },
	{ "core.zc.64.1", WEB_ZC, 64, 1, 1, false, false },
	{ "core.zc.64.100.of_100", WEB_ZC, 64, 100, 100, true, false },
	{ "core.zc.64.100.of_10000", WEB_ZC, 64, 100, 10000, true, false },
	{ "core.zc.64.100.of_1000000", WEB_ZC, 64, 100, MILLION, true, false },
};

/*
 * The active connections lie scattered among those that are idle, as in a server that has been up:
 * one in each of as many parts, anywhere in it. (At even distances they would meet in the same few
 * sets of the caches.)
 */
static void connect_among_idle(struct pair *p, const struct http *h)
{
	uint32_t idle = (h->open - h->active) / h->active, x = 1;

	if (idle > 0)
		crowd_expect(p);
	for (uint32_t i = 1; i <= h->active; i++) {
		if (idle > 0)
			crowd_grow(p, (i - 1) * idle + 1 + (x = x * 1664525 + 1013904223) % idle);
		web_connect(p, 1, h->size, false);
	}
	if (idle > 0)
		crowd_rest(p);
}

static void with_tso(struct zs_config *cfg)
{
	cfg->netif[0].offloads |= ZS_OFF_TX_TSO;
}

static void run_http(const struct http *h)
{
	struct pair *p = pair_create(h->open + SPARE_CONNS, h->tso ? with_tso : NULL);
	struct meter m = { .count = count };

	web_serve(p, h->server);
	if (h->scattered)
		connect_among_idle(p, h);
	else
		web_connect(p, h->active, h->size, false);
	web_go();
	do
		pair_round(p);
	while (!meter_look(&m, web_requests(), p->server.cycles));
	add_cycles(h->name, "cycles_per_request", &m);
	web_end();
	end(p);
}

/* ---- connections ---- */

/* Entries in TIME-WAIT are to end while they are measured. */
static void short_msl(struct zs_config *cfg)
{
	cfg->msl_us = 1000;
}

static void run_conn(const char *name)
{
	struct pair *p = pair_create(SPARE_CONNS, short_msl);
	struct meter m = { .count = count };

	web_serve(p, WEB_ZC);
	web_connect(p, 50, 64, true);
	web_go();
	do
		pair_round(p);
	while (!meter_look(&m, web_requests(), p->server.cycles));
	add_cycles(name, "cycles", &m);
	if (count == 0)
		add(name, "per_second", (double)rte_get_tsc_hz() / meter_best(&m), "connections/s");
	web_end();
	end(p);
}

/* ---- segments ---- */

static void run_flows(const char *name, void (*burst)(struct flows *f))
{
	struct pair *p = pair_create(SPARE_CONNS, NULL);
	struct meter m = { .count = count };
	struct flows f;

	flows_open(&f, p);
	do
		burst(&f);
	while (!meter_look(&m, f.received, p->server.cycles));
	add_cycles(name, "cycles", &m);
	end(p);
}

static void run_ack(const char *name)
{
	run_flows(name, flows_acks);
}

static void run_segment(const char *name)
{
	run_flows(name, flows_segments);
}

/* ---- memory ---- */

static double resident_bytes(void)
{
	FILE *f = fopen("/proc/self/statm", "r");
	unsigned long size, pages = 0;

	if (f == NULL || fscanf(f, "%lu %lu", &size, &pages) != 2)
		pages = 0;
	if (f != NULL)
		fclose(f);
	return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

static void run_idle(const char *name)
{
	struct pair *p = pair_create(MILLION, NULL);
	double before;

	crowd_expect(p);
	before = resident_bytes();
	crowd_grow(p, MILLION);
	add(name, "bytes_per_connection", (resident_bytes() - before) / MILLION, "bytes");
	add(name, "reserved_bytes_per_connection", (double)p->server.reserved / MILLION, "bytes");
	end(p);
}

/* ---- cores ---- */

/* In turn: the machine has its moods. */
static void run_scale(const char *name)
{
	double one = 0, two = 0;

	for (int i = 0; i < 3; i++) {
		one = RTE_MAX(one, scale_rate(1));
		two = RTE_MAX(two, scale_rate(2));
	}
	add(name, "1.rate", one, "requests/s");
	if (two == 0) {
		fprintf(stderr, "%s: two servers need two CPUs\n", name);
		return;
	}
	add(name, "2.rate", two, "requests/s");
	add(name, "2.percent_of_1", 100 * two / one, "%");
}

/* ---- all ---- */

static const struct {
	const char *name;
	void (*run)(const char *name);
} others[] = {
	{ "core.ack", run_ack },   { "core.segment", run_segment }, { "core.conn", run_conn },
	{ "core.idle", run_idle }, { "core.scale", run_scale },
};

/* NAME may be the beginning of a case's name, or a line of it. */
static bool wanted(const char *name, const char *only)
{
	size_t n = strlen(name);

	return only == NULL || strncmp(name, only, strlen(only)) == 0 ||
	       (strncmp(name, only, n) == 0 && only[n] == '.');
}

static int run_all(const char *only)
{
	int n = 0;

	for (size_t i = 0; i < sizeof(https) / sizeof(https[0]); i++)
		if (wanted(https[i].name, only)) {
			run_http(&https[i]);
			n++;
		}
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (wanted(others[i].name, only)) {
			others[i].run(others[i].name);
			n++;
		}
	return n;
}

static const struct option options[] = {
	{ "only", required_argument, NULL, 'o' },
	{ "json", required_argument, NULL, 'j' },
	{ "count", required_argument, NULL, 'n' },
	{ NULL, 0, NULL, 0 },
};

int main(int argc, char **argv)
{
	const char *only = NULL, *json = NULL;
	int option, n;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'o')
			only = optarg;
		else if (option == 'j')
			json = optarg;
		else if (option == 'n')
			count = strtoull(optarg, NULL, 10);
		else
			break;
	}
	if (option == '?' || optind < argc) {
		fputs("usage: core [--only NAME] [--json FILE] [--count WORK]\n", stderr);
		return 2;
	}
	/* A profiler has no room for what DPDK reserves for pages of 2 MB. */
	if (!pair_start_eal(count == 0))
		return 1;
	if (!lines_open(&lines, json)) {
		fprintf(stderr, "core: %s: %s\n", json, strerror(errno));
		return 1;
	}
	n = run_all(only);
	lines_close(&lines);
	if (n == 0)
		fprintf(stderr, "core: there is no %s\n", only);
	return n > 0 ? 0 : 2;
}
