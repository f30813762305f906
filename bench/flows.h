/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Established connections between the two hosts over which segments of one kind are sent, for what
 * receiving one of them costs the server's stack.
 */
#ifndef BENCH_FLOWS_H
#define BENCH_FLOWS_H

#include <stdint.h>

enum { FLOWS = 32, FLOW_SEGMENT = 1448 };

struct pair;

struct flows {
	struct pair *p;
	int client[FLOWS], server[FLOWS];
	uint64_t received; /* segments whose receipt has been measured */
};

void flows_open(struct flows *f, struct pair *p);
/* A burst of pure ACKs, one per connection and for two segments each. */
void flows_acks(struct flows *f);
/* A burst of full segments, one per connection. */
void flows_segments(struct flows *f);

#endif
