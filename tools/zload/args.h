/* SPDX-License-Identifier: BSD-3-Clause */
/* The command line of zload: what it asks for, and what is wrong with it. */
#ifndef ZLOAD_ARGS_H
#define ZLOAD_ARGS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum { ARGS_HEADERS_MAX = 64, ARGS_STACK_MAX = 6, ARGS_ERR = 160 };

enum verify { VERIFY_NONE, VERIFY_FIRST, VERIFY_PATTERN };

struct args {
	const char *url;
	uint32_t ip_be;	 /* of IPv4; or */
	uint8_t ip6[16]; /* of IPv6 */
	bool is_ip6;
	uint16_t port;
	char host[56];	  /* as in the URL: "10.18.0.1:8080", "[fd00::1]:8080" */
	const char *path; /* "/8192" */
	uint32_t conns, pipeline;
	uint64_t rate;	   /* requests/s in all, 0 = as fast as answers come */
	uint64_t requests; /* 0 = no limit */
	double duration_s; /* 0 = no limit */
	double warmup_s, timeout_s;
	bool close;    /* a connection per request */
	bool progress; /* asked for, wherever stderr goes */
	bool help;
	uint8_t verify;	  /* enum verify */
	const char *json; /* file, "-", or NULL */
	int n_headers;
	const char *header[ARGS_HEADERS_MAX]; /* "Name: value" */
	/* for ff_init(), which would take our -c and -p for its own */
	int stack_argc;
	const char *stack_argv[ARGS_STACK_MAX + 2]; /* ends with NULL */
	char err[ARGS_ERR];
};

/* False: a->err says why. The strings stay argv's. */
bool args_parse(struct args *a, int argc, char **argv);

const char *args_verify_name(enum verify v);

void args_usage(FILE *out);

#endif
