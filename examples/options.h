/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Command line options of the examples: "--name value" or "--name=value", anywhere. ff_init() gets
 * the same argument vector and takes what it knows (--conf and its companions).
 */
#ifndef EXAMPLES_OPTIONS_H
#define EXAMPLES_OPTIONS_H

#include <arpa/inet.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Ends the program where an option is neither ff_init()'s nor in usage, "[--name value] [--flag]".
 */
static inline void options_check(int argc, char **argv, const char *usage)
{
	static const char ours[] = "[--conf config.ini] [--proc-type primary] [--proc-id 0]";

	for (int i = 1; i < argc; i++) {
		char name[24];
		int n = snprintf(name, sizeof(name), "[%.*s", (int)strcspn(argv[i], "="), argv[i]);
		const char *in = strstr(usage, name);

		if (in == NULL)
			in = strstr(ours, name);
		if (strncmp(argv[i], "--", 2) != 0 || (in != NULL && strchr(" ]", in[n]) != NULL))
			continue;
		printf("usage: %s %s %s\n", argv[0], usage, ours);
		exit(strcmp(argv[i], "--help") == 0 ? 0 : 2);
	}
}

static inline const char *option(int argc, char **argv, const char *name, const char *otherwise)
{
	size_t n = strlen(name);

	for (int i = 1; i < argc; i++) {
		if (strncmp(argv[i], name, n) != 0)
			continue;
		if (argv[i][n] == '=')
			return argv[i] + n + 1;
		if (argv[i][n] == '\0' && i + 1 < argc)
			return argv[i + 1];
		if (argv[i][n] == '\0') {
			fprintf(stderr, "%s: no value\n", name);
			exit(2);
		}
	}
	return otherwise;
}

static inline uint64_t option_number(int argc, char **argv, const char *name, uint64_t otherwise,
				     uint64_t max)
{
	const char *s = option(argc, argv, name, NULL);
	char *end;
	uint64_t v;

	if (s == NULL)
		return otherwise;
	v = strtoull(s, &end, 10);
	if (*s < '0' || *s > '9' || *end != '\0' || v > max) {
		fprintf(stderr, "%s: not a number up to %" PRIu64 ": %s\n", name, max, s);
		exit(2);
	}
	return v;
}

static inline bool option_flag(int argc, char **argv, const char *name)
{
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], name) == 0)
			return true;
	return false;
}

/* A socket bound to any address: of IPv6 and IPv4, or of IPv4 where there is no IPv6. -1: errno. */
static inline int any_socket(int type, uint64_t port)
{
	struct sockaddr_in6 any6 = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port) };
	struct sockaddr_in any4 = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	int fd = ff_socket(AF_INET6, type, 0), on = 1;
	bool v6 = fd >= 0;

	if (!v6)
		fd = ff_socket(AF_INET, type, 0);
	if (fd < 0 || ff_setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0)
		return -1;
	if (v6 ? ff_bind(fd, (struct linux_sockaddr *)&any6, sizeof(any6)) < 0
	       : ff_bind(fd, (struct linux_sockaddr *)&any4, sizeof(any4)) < 0)
		return -1;
	return fd;
}

struct address {
	union {
		sa_family_t family;
		struct sockaddr_in ip4;
		struct sockaddr_in6 ip6;
	};
	socklen_t len;
};

/* "10.18.0.1:8080", "[fd00::1]:8080" */
static inline struct address option_address(int argc, char **argv, const char *name,
					    const char *otherwise)
{
	const char *s = option(argc, argv, name, otherwise);
	struct address a = { .ip4 = { .sin_family = AF_INET }, .len = sizeof(a.ip4) };
	char ip[INET6_ADDRSTRLEN];
	int port = 0;

	if (sscanf(s, "[%45[0-9a-fA-F:.]]:%d", ip, &port) == 2) {
		a.ip6 = (struct sockaddr_in6){ .sin6_family = AF_INET6 };
		a.len = sizeof(a.ip6);
	} else if (sscanf(s, "%15[0-9.]:%d", ip, &port) != 2) {
		port = 0;
	}
	if (port < 1 || port > 65535 ||
	    inet_pton(a.family, ip,
		      a.family == AF_INET ? (void *)&a.ip4.sin_addr : (void *)&a.ip6.sin6_addr) !=
		    1) {
		fprintf(stderr, "%s: not an address and port: %s\n", name, s);
		exit(2);
	}
	a.ip4.sin_port = htons((uint16_t)port); /* in the same place in both */
	return a;
}

#endif
