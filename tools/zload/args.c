/* SPDX-License-Identifier: BSD-3-Clause */
/* Parses the command line with getopt_long(3): see args.h. */
#include "args.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum {
	CONNS_MAX = 1 << 20,
	PIPELINE_MAX = 1024,
	RATE_MAX = 100000000,
	SECONDS_MAX = 1000000,
};

/* Options without a letter. */
enum { CLOSE = 256, CONF, JSON, PROC_ID, PROC_TYPE, PROGRESS, TIMEOUT, VERIFY, WARMUP };

static const struct option options[] = {
	{ "close", no_argument, NULL, CLOSE },
	{ "conf", required_argument, NULL, CONF },
	{ "connections", required_argument, NULL, 'c' },
	{ "duration", required_argument, NULL, 'd' },
	{ "header", required_argument, NULL, 'H' },
	{ "help", no_argument, NULL, 'h' },
	{ "json", required_argument, NULL, JSON },
	{ "pipeline", required_argument, NULL, 'p' },
	{ "proc-id", required_argument, NULL, PROC_ID },
	{ "proc-type", required_argument, NULL, PROC_TYPE },
	{ "progress", no_argument, NULL, PROGRESS },
	{ "rate", required_argument, NULL, 'R' },
	{ "requests", required_argument, NULL, 'n' },
	{ "timeout", required_argument, NULL, TIMEOUT },
	{ "verify", required_argument, NULL, VERIFY },
	{ "warmup", required_argument, NULL, WARMUP },
	{ NULL, 0, NULL, 0 },
};

static const char *const verify_names[] = {
	[VERIFY_NONE] = "none",
	[VERIFY_FIRST] = "first",
	[VERIFY_PATTERN] = "pattern",
};

const char *args_verify_name(enum verify v)
{
	return verify_names[v];
}

void args_usage(FILE *out)
{
	fputs("usage: zload [options] http://a.b.c.d[:port][/path], or http://[v6] likewise\n"
	      "\n"
	      "HTTP/1.1 load on Z-stack: GET requests, as fast as the answers come, or at a fixed "
	      "rate.\n"
	      "\n"
	      "  -c, --connections N  connections (10)\n"
	      "  -R, --rate N         requests per second in all, whether answered or not; "
	      "latency\n"
	      "                       counts from when a request was due\n"
	      "  -p, --pipeline N     requests under way on a connection (1)\n"
	      "  -d, --duration S     seconds to measure (10, no limit with -n)\n"
	      "      --warmup S       seconds before, not measured (0)\n"
	      "  -n, --requests N     end after N requests\n"
	      "      --close          a connection for each request; latency counts from its SYN\n"
	      "  -H, --header LINE    another header line, \"Name: value\"; may be repeated\n"
	      "      --verify WHAT    compare bodies with what Z-stack's example servers send:\n"
	      "                       none, first (on each connection), pattern (all) (none)\n"
	      "      --timeout S      give a connection up after so long a silence (2)\n"
	      "      --progress       a line each second, also when stderr is no terminal\n"
	      "      --json FILE      all figures as JSON; - for standard output\n"
	      "      --conf FILE      configuration of the stack; without it, a tap device zs0\n"
	      "                       with the kernel at 10.18.0.1 behind it\n"
	      "\n"
	      "zload polls, whatever \"idle\" in the configuration says.\n"
	      "ZSTACK_EAL_ARGS holds further arguments for DPDK.\n"
	      "Exit status: 0; 1: nothing was served, a body was wrong, or the figures were not\n"
	      "written; 2: bad arguments.\n",
	      out);
}

/* ---- values ---- */

__attribute__((format(printf, 2, 3))) static bool fail(struct args *a, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(a->err, sizeof(a->err), fmt, ap);
	va_end(ap);
	return false;
}

static bool number(struct args *a, const char *name, const char *s, uint64_t max, uint64_t *out)
{
	char *end;

	errno = 0;
	*out = strtoull(s, &end, 10);
	if (s[0] < '0' || s[0] > '9' || *end != '\0')
		return fail(a, "%s: '%.40s' is not a number", name, s);
	if (errno != 0 || *out < 1 || *out > max)
		return fail(a, "%s: %.40s is not in 1..%llu", name, s, (unsigned long long)max);
	return true;
}

static bool number32(struct args *a, const char *name, const char *s, uint32_t max, uint32_t *out)
{
	uint64_t v;
	bool ok = number(a, name, s, max, &v);

	*out = (uint32_t)v;
	return ok;
}

static bool seconds(struct args *a, const char *name, const char *s, bool zero, double *out)
{
	char *end;

	*out = strtod(s, &end);
	if (end == s || *end != '\0' || !isfinite(*out))
		return fail(a, "%s: '%.40s' is not a number of seconds", name, s);
	if (*out < 0 || *out > SECONDS_MAX || (*out == 0 && !zero))
		return fail(a, "%s: %.40s is out of range", name, s);
	return true;
}

static bool add_header(struct args *a, const char *s)
{
	const char *colon = strchr(s, ':');

	if (colon == NULL || colon == s || strpbrk(s, "\r\n") != NULL)
		return fail(a, "-H: '%.80s' is not \"Name: value\"", s);
	if (a->n_headers == ARGS_HEADERS_MAX)
		return fail(a, "-H: more than %d headers", ARGS_HEADERS_MAX);
	a->header[a->n_headers++] = s;
	return true;
}

static bool set_verify(struct args *a, const char *s)
{
	for (uint8_t i = 0; i < sizeof(verify_names) / sizeof(verify_names[0]); i++)
		if (strcmp(s, verify_names[i]) == 0) {
			a->verify = i;
			return true;
		}
	return fail(a, "--verify: '%.40s' is not none, first or pattern", s);
}

static bool pass_on(struct args *a, const char *name, const char *value)
{
	if (a->stack_argc > ARGS_STACK_MAX)
		return fail(a, "%s: given too often", name);
	a->stack_argv[a->stack_argc++] = name;
	a->stack_argv[a->stack_argc++] = value;
	return true;
}

/* ---- the URL ---- */

/* The address at the start of host; *n: of its characters, brackets included. */
static bool parse_ip(struct args *a, const char *host, size_t *n)
{
	char ip[INET6_ADDRSTRLEN];
	size_t len;

	a->is_ip6 = host[0] == '[';
	len = a->is_ip6 ? strcspn(++host, "]/?#") : strcspn(host, ":/?#");
	*n = len;
	if (len >= sizeof(ip) || (a->is_ip6 && host[len] != ']'))
		return false;
	memcpy(ip, host, len);
	ip[len] = '\0';
	if (!a->is_ip6)
		return inet_pton(AF_INET, ip, &a->ip_be) == 1;
	*n += 2;
	return inet_pton(AF_INET6, ip, a->ip6) == 1;
}

static bool parse_url(struct args *a, const char *url)
{
	static const char scheme[] = "http://";
	const char *host = url + strlen(scheme);
	size_t n, n_ip;
	uint64_t port = 80;

	a->url = url;
	if (strncmp(url, scheme, strlen(scheme)) != 0)
		return fail(a, "'%.80s' is not a URL that begins with http://", url);
	n = strcspn(host, "/?#");
	if (n >= sizeof(a->host))
		return fail(a, "'%.80s': the host is not an IPv4 address, nor [IPv6]", url);
	memcpy(a->host, host, n);
	a->host[n] = '\0';
	if (!parse_ip(a, host, &n_ip))
		return fail(a,
			    "'%.56s' is not an IPv4 address, nor [IPv6] (names are not looked up)",
			    a->host);
	if (n > n_ip && a->host[n_ip] != ':')
		return fail(a, "'%.56s': what follows the address is no port", a->host);
	if (n > n_ip && !number(a, "port", a->host + n_ip + 1, 65535, &port))
		return false;
	a->port = (uint16_t)port;
	a->path = host[n] == '\0' ? "/" : host + n;
	if (a->path[0] != '/' || strpbrk(a->path, " \t\r\n#") != NULL)
		return fail(a, "'%.80s': the path must begin with / and hold no space or #", url);
	return true;
}

/* ---- all together ---- */

static bool set(struct args *a, int option, const char *value)
{
	switch (option) {
	case 'c':
		return number32(a, "-c", value, CONNS_MAX, &a->conns);
	case 'R':
		return number(a, "-R", value, RATE_MAX, &a->rate);
	case 'p':
		return number32(a, "-p", value, PIPELINE_MAX, &a->pipeline);
	case 'd':
		return seconds(a, "-d", value, false, &a->duration_s);
	case 'n':
		return number(a, "-n", value, UINT64_MAX >> 1, &a->requests);
	case 'H':
		return add_header(a, value);
	case 'h':
		a->help = true;
		return true;
	case CLOSE:
		a->close = true;
		return true;
	case CONF:
		return pass_on(a, "--conf", value);
	case PROC_ID:
		return pass_on(a, "--proc-id", value);
	case PROC_TYPE:
		return pass_on(a, "--proc-type", value);
	case JSON:
		a->json = value;
		return true;
	case PROGRESS:
		a->progress = true;
		return true;
	case TIMEOUT:
		return seconds(a, "--timeout", value, false, &a->timeout_s);
	case VERIFY:
		return set_verify(a, value);
	case WARMUP:
		return seconds(a, "--warmup", value, true, &a->warmup_s);
	default:
		return false; /* getopt's '?' and ':' are dealt with before */
	}
}

static bool check(struct args *a)
{
	if (a->close && a->pipeline > 1)
		return fail(a, "--close and -p exclude each other");
	if (a->requests > 0 && a->warmup_s > 0)
		return fail(a, "-n and --warmup exclude each other");
	if (a->requests == 0 && a->duration_s == 0)
		a->duration_s = 10;
	return true;
}

bool args_parse(struct args *a, int argc, char **argv)
{
	int option;

	*a = (struct args){ .conns = 10, .pipeline = 1, .timeout_s = 2, .stack_argc = 1 };
	a->stack_argv[0] = argc > 0 ? argv[0] : "zload";
	optind = 0; /* starts over, as tests do */
	opterr = 0;
	while ((option = getopt_long(argc, argv, ":c:R:p:d:n:H:h", options, NULL)) != -1) {
		if (option == '?')
			return fail(a, "unknown option %.60s",
				    optopt > 0 && optopt < 256 ? (char[]){ '-', (char)optopt, 0 }
							       : argv[optind - 1]);
		if (option == ':')
			return fail(a, "%.60s wants a value", argv[optind - 1]);
		if (!set(a, option, optarg))
			return false;
		if (a->help)
			return true;
	}
	if (optind == argc)
		return fail(a, "no URL");
	if (optind + 1 < argc)
		return fail(a, "one URL, please: what is '%.60s'?", argv[optind + 1]);
	return parse_url(a, argv[optind]) && check(a);
}
