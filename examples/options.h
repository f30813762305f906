/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Command line options of the examples: "--name value" or "--name=value", anywhere. ff_init() gets
 * the same argument vector and takes what it knows (--conf and its companions).
 */
#ifndef EXAMPLES_OPTIONS_H
#define EXAMPLES_OPTIONS_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
	}
	return otherwise;
}

static inline uint64_t option_number(int argc, char **argv, const char *name, uint64_t otherwise)
{
	const char *s = option(argc, argv, name, NULL);
	char *end;
	uint64_t v;

	if (s == NULL)
		return otherwise;
	v = strtoull(s, &end, 10);
	if (*s < '0' || *s > '9' || *end != '\0') {
		fprintf(stderr, "%s: not a number: %s\n", name, s);
		exit(2);
	}
	return v;
}

static inline struct sockaddr_in any_address(uint64_t port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
}

/* "10.18.0.1:8080" */
static inline struct sockaddr_in option_address(int argc, char **argv, const char *name,
						const char *otherwise)
{
	const char *s = option(argc, argv, name, otherwise);
	struct sockaddr_in sa = { .sin_family = AF_INET };
	char ip[INET_ADDRSTRLEN];
	int port;

	if (sscanf(s, "%15[0-9.]:%d", ip, &port) != 2 || port < 1 || port > 65535 ||
	    inet_pton(AF_INET, ip, &sa.sin_addr) != 1) {
		fprintf(stderr, "%s: not an IPv4 address and port: %s\n", name, s);
		exit(2);
	}
	sa.sin_port = htons((uint16_t)port);
	return sa;
}

#endif
