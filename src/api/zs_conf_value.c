/* SPDX-License-Identifier: BSD-3-Clause */
/* Values as the configuration has them: numbers, yes and no, lists, addresses. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api/zs_conf_priv.h"

/* k, m, g; 0: it is none of them. */
static unsigned suffix_bits(char c)
{
	switch (c | 0x20) {
	case 'k':
		return 10;
	case 'm':
		return 20;
	case 'g':
		return 30;
	default:
		return 0;
	}
}

bool zs_conf_number(const char *value, uint64_t *out)
{
	enum { MAX_BITS = 40 };
	unsigned bits;
	char *end;

	if (*value < '0' || *value > '9')
		return false;
	errno = 0;
	*out = strtoull(value, &end, 0);
	if (errno != 0 || *end == '\0')
		return errno == 0;
	bits = suffix_bits(*end);
	if (bits == 0 || end[1] != '\0' || *out >> (MAX_BITS - bits) != 0)
		return false;
	*out <<= bits;
	return true;
}

bool zs_conf_bool(const char *value, bool *out)
{
	static const char *const word[2][4] = { { "0", "no", "off", "false" },
						{ "1", "yes", "on", "true" } };

	for (int b = 0; b < 2; b++)
		for (int i = 0; i < 4; i++)
			if (strcasecmp(value, word[b][i]) == 0) {
				*out = b == 1;
				return true;
			}
	return false;
}

bool zs_conf_list(const char *value, uint32_t max, uint64_t *bits)
{
	const char *p = value;

	*bits = 0;
	for (;;) {
		unsigned long lo, hi;
		char *end;

		if (*p < '0' || *p > '9')
			return false;
		lo = hi = strtoul(p, &end, 10);
		p = end;
		if (*p == '-') {
			if (p[1] < '0' || p[1] > '9')
				return false;
			hi = strtoul(p + 1, &end, 10);
			p = end;
		}
		if (lo > hi || hi >= max)
			return false;
		for (; lo <= hi; lo++)
			*bits |= 1ull << lo;
		if (*p == '\0')
			return true;
		if (*p++ != ',')
			return false;
		while (*p == ' ')
			p++;
	}
}

bool zs_conf_ip4(struct zs_conf_raw *raw, const char *key, const char *value, uint32_t *out)
{
	if (inet_pton(AF_INET, value, out) == 1)
		return true;
	return zs_conf_fail(raw, raw->line, "%s: '%s' is not an IPv4 address", key, value);
}

bool zs_conf_mac(const char *value, struct zs_mac *mac)
{
	unsigned b[6];
	char rest;

	if (sscanf(value, "%2x:%2x:%2x:%2x:%2x:%2x%c", &b[0], &b[1], &b[2], &b[3], &b[4], &b[5],
		   &rest) != 6)
		return false;
	for (int i = 0; i < 6; i++)
		((uint8_t *)mac)[i] = (uint8_t)b[i];
	return (b[0] & 1) == 0;
}

_Static_assert(sizeof(struct zs_mac) == 6, "written as bytes");
