/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A crowd of peers that connect to the server and then only answer: data with the same data, a FIN
 * with theirs. They have no memory: a SYN is made from a peer's number, and each segment holds all
 * that its answer needs.
 */
#ifndef BENCH_CROWD_H
#define BENCH_CROWD_H

#include <stdint.h>

struct pair;

enum { CROWD_PORT = 81 };

/* The server listens for the crowd from now on. */
void crowd_expect(struct pair *p);
/* Connects peers until `n` are connected. */
void crowd_grow(struct pair *p, uint32_t n);
/* The server sends a few bytes to each `step`th of the crowd. Returns how many came back whole. */
uint32_t crowd_exchange(struct pair *p, uint32_t step);
/* The server closes all connections to the crowd, and ceases to listen for it. */
void crowd_leave(struct pair *p);
/* Nobody of the crowd will come any more: the server's turns are without its listener again. */
void crowd_rest(struct pair *p);

#endif
