/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Two hosts in one process, server and client: each a stack with buffer pools and a context for the
 * ff_ and z_ calls. The wire between them costs nothing that is counted: frames are carried over
 * while neither host's cycles are. Time is virtual, so the packets are the same in every run;
 * cycles are those of the TSC, between the beginning and the end of a host's turn.
 */
#ifndef BENCH_PAIR_H
#define BENCH_PAIR_H

#include <stdbool.h>
#include <stdint.h>

#include "core/zs_env.h"

struct rte_mbuf;
struct rte_mempool;
struct zs_ctx;
struct zs_stack;

enum { HOST_QUEUE = 8192, ROUND_US = 10 };

struct host {
	struct zs_stack *s;
	struct zs_ctx *ctx;
	struct rte_mempool *pkt, *hdr, *big;
	struct rte_mbuf *in[HOST_QUEUE];  /* arrived: a ring */
	struct rte_mbuf *out[HOST_QUEUE]; /* sent, not carried over yet */
	uint32_t in_first, n_in, n_out;
	uint64_t now_us, next_us; /* next_us: the stack's deadline */
	bool busy;		  /* the last turn did something: another one is due */
	uint64_t cycles;	  /* of all turns that did something */
	uint64_t reserved;	  /* bytes of tables */
	struct zs_mac mac;
	/* The application's part of a turn. */
	int (*app)(void *arg);
	void *arg;
};

struct pair {
	struct host server, client;
	/* Takes what the server sends to others than the client; borrows m. May be NULL. */
	void (*others)(struct pair *p, struct rte_mbuf *m);
	void *others_arg;
};

/* 10.18.0.2 and 10.18.0.1, network byte order; the client is the server's gateway. */
#define PAIR_SERVER_IP RTE_BE32(0x0a120002)
#define PAIR_CLIENT_IP RTE_BE32(0x0a120001)

/* Once per process: EAL without devices, in pages of 2 MB if wanted and there. Returns false after
 * saying why on stderr. */
bool pair_start_eal(bool huge);

/* `change` (may be NULL) adapts the server's configuration. Ends the program when there is no
 * memory. */
struct pair *pair_create(uint32_t server_conns, void (*change)(struct zs_config *cfg));
void pair_destroy(struct pair *p);

/* A round: the client's turns, the wire, the server's turns, the wire; ROUND_US pass. */
void pair_round(struct pair *p);

/* The parts of a round. */
void host_turn(struct host *h);
/* Instead of a turn: one burst into the stack, and nothing else. Returns its frames. */
uint32_t host_input(struct host *h);
void pair_carry(struct pair *p, struct host *from);

/* Calls by this host's application from now on act on its stack. */
void host_enter(struct host *h);

/* Puts a frame into h's queue of arrived ones: a buffer of its own with these bytes. */
void host_deliver(struct host *h, const struct rte_mbuf *frame);
struct rte_mbuf *host_frame(struct host *h, uint16_t len);
void host_arrive(struct host *h, struct rte_mbuf *m);

#endif
