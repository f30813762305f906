/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An IP address of either family in 16 bytes, in network byte order: IPv4 in the first four, the
 * rest zero. The family is kept beside it where it matters (struct zs_flow, sockets).
 */
#ifndef ZS_ADDR_H
#define ZS_ADDR_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum zs_family { ZS_AF_NONE = 0, ZS_AF_IP4 = 4, ZS_AF_IP6 = 6 };

struct zs_addr {
	union {
		uint8_t b[16];
		uint32_t ip4_be; /* first four bytes */
		uint64_t q[2];
	};
};

static inline struct zs_addr zs_addr_ip4(uint32_t ip4_be)
{
	struct zs_addr a = { .q = { 0, 0 } };

	a.ip4_be = ip4_be;
	return a;
}

static inline bool zs_addr_eq(const struct zs_addr *a, const struct zs_addr *b)
{
	return ((a->q[0] ^ b->q[0]) | (a->q[1] ^ b->q[1])) == 0;
}

static inline bool zs_addr_is_any(const struct zs_addr *a)
{
	return (a->q[0] | a->q[1]) == 0;
}

#endif
