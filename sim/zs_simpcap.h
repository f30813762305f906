/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Captures in the classic pcap format (microseconds, Ethernet), to a file, to a running hash of the
 * very bytes that the file would hold, or both.
 */
#ifndef ZS_SIMPCAP_H
#define ZS_SIMPCAP_H

#include <stdint.h>
#include <stdio.h>

struct zs_simpcap {
	FILE *file; /* may be NULL */
	uint64_t hash;
	uint64_t frames;
};

/* path NULL: hash only. Returns 0 or -errno. */
int zs_simpcap_open(struct zs_simpcap *p, const char *path);
void zs_simpcap_write(struct zs_simpcap *p, uint64_t now_us, const void *frame, uint32_t len);
void zs_simpcap_close(struct zs_simpcap *p);

#endif
