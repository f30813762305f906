/* SPDX-License-Identifier: BSD-3-Clause */
/* Server and client programs on the hosts of a pair: see web.h. */
#include "web.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>

#include <ff_api.h>

#include "examples/report.h"
#include "pair.h"
#include "tools/zload/load.h"

enum { CONNECT_ROUNDS = 1000 };

int http_zc_main(int argc, char **argv);
int http_copy_main(int argc, char **argv);

struct client {
	struct args args;
	char url[64], conns[16];
	struct load load;
};

static __thread struct web {
	struct host *starting; /* whose program is in its main() */
	uint64_t n_requests;
	struct client *client[WEB_LOADS];
	uint32_t n_clients;
} web;
static __thread jmp_buf started;

/* ---- what the programs call ---- */

int ff_init(int argc, char *const argv[])
{
	(void)argc;
	(void)argv;
	host_enter(web.starting);
	return 0;
}

/* Its turns are the host's, and main() never goes on. */
void ff_run(loop_func_t loop, void *arg)
{
	web.starting->app = loop;
	web.starting->arg = arg;
	longjmp(started, 1);
}

void ff_stop_run(void)
{
}

void report_turn(uint64_t done)
{
	web.n_requests = done;
}

void report(const char *program, const char *what)
{
	(void)program;
	(void)what;
}

/* ---- server ---- */

void web_serve(struct pair *p, enum web_server how)
{
	char name[] = "http", cached[] = "--cached";
	char *argv[] = { name, how == WEB_CACHED ? cached : NULL, NULL };
	int argc = how == WEB_CACHED ? 2 : 1;

	web.starting = &p->server;
	if (setjmp(started) == 0)
		exit(how == WEB_COPY ? http_copy_main(argc, argv) : http_zc_main(argc, argv));
}

uint64_t web_requests(void)
{
	return web.n_requests;
}

/* ---- client ---- */

static int client_turn(void *arg)
{
	(void)arg;
	for (uint32_t i = 0; i < web.n_clients; i++)
		(void)load_turn(&web.client[i]->load);
	return 0;
}

static bool all_open(const struct load *l)
{
	for (uint32_t i = 0; i < l->args->conns; i++)
		if (l->conns[i].state != CONN_OPEN)
			return false;
	return true;
}

static struct client *make_client(uint32_t conns, unsigned size, bool close)
{
	char name[] = "zload", timeout[] = "--timeout", seconds[] = "1000000", option[] = "-c";
	struct client *c = calloc(1, sizeof(*c));
	char *argv[] = { name, timeout, seconds, option, NULL, NULL };

	if (c == NULL)
		abort();
	snprintf(c->url, sizeof(c->url), "http://10.18.0.2/%u", size);
	snprintf(c->conns, sizeof(c->conns), "%u", conns);
	argv[4] = c->conns;
	argv[5] = c->url;
	if (!args_parse(&c->args, 6, argv)) {
		fprintf(stderr, "core: %s\n", c->args.err);
		exit(1);
	}
	c->args.close = close;
	c->args.duration_s = 0; /* no end */
	return c;
}

void web_connect(struct pair *p, uint32_t conns, unsigned size, bool close)
{
	struct client *c = make_client(conns, size, close);

	host_enter(&p->client);
	if (!load_init(&c->load, &c->args, rte_rdtsc()))
		exit(1);
	c->load.show = false;
	c->load.pace.left = 0;
	web.client[web.n_clients++] = c;
	p->client.app = client_turn;
	for (int i = 0; !close && !all_open(&c->load); i++) {
		if (i == CONNECT_ROUNDS) {
			fputs("core: connections do not come about\n", stderr);
			exit(1);
		}
		pair_round(p);
	}
}

void web_go(void)
{
	for (uint32_t i = 0; i < web.n_clients; i++)
		web.client[i]->load.pace.left = UINT64_MAX;
}

void web_end(void)
{
	for (uint32_t i = 0; i < web.n_clients; i++) {
		struct load *l = &web.client[i]->load;
		const struct result *r = &l->result;

		if (r->failures > 0 || r->responses == 0 || result_served(r) != r->responses) {
			fprintf(stderr, "core: %llu failures, %llu responses\n",
				(unsigned long long)r->failures, (unsigned long long)r->responses);
			exit(1);
		}
		load_free(l);
		free(web.client[i]);
	}
	web = (struct web){ 0 };
}
