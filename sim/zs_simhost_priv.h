/* SPDX-License-Identifier: BSD-3-Clause */
/* The inside of a host: shared by its loop (zs_simhost.c) and its device (zs_simdev.c). */
#ifndef ZS_SIMHOST_PRIV_H
#define ZS_SIMHOST_PRIV_H

#include "zs_simworld.h"

/* A packet that the device still holds after tx, and what its memory held then. */
struct zs_simheld;

struct zs_simhost_priv {
	uint64_t deadline_ns; /* of the stack's timers */
	uint64_t wake_ns;     /* asked for */
	uint64_t free_ns;     /* the last turn ends */
	uint64_t retry_ns;    /* wait before the next try to send what was refused */
	struct rte_mbuf **rx; /* arrived, waiting for a turn: ring */
	uint32_t rx_cap, rx_head, rx_n;
	struct zs_simheld *held_head, *held_tail;
	uint32_t n_held;
	struct zs_simrand rand;
	struct zs_simwire *wire[ZS_MAX_PORTS]; /* what the ports send into */
};

uint16_t zs_simdev_tx(void *ctx, uint16_t port, struct rte_mbuf **pkts, uint16_t n);
struct rte_mbuf *zs_simdev_peek(const struct zs_simhost *h);
struct rte_mbuf *zs_simdev_pop(struct zs_simhost *h);
/* Gives back what was to be held until t_ns; checks that nobody wrote to it. */
void zs_simdev_release(struct zs_simhost *h, uint64_t t_ns);
uint64_t zs_simdev_next(const struct zs_simhost *h);

/* ---- zs_simoff.c ---- */

/* p holds the bytes of m, which asks for TSO: NULL or what is wrong with it. */
const char *zs_simtso_check(const struct zs_simpkt *p, const struct rte_mbuf *m, uint16_t mtu);
/* The frame of p's payload from off on, of at most segsz bytes; NULL when there is none. */
struct zs_simpkt *zs_simtso_cut(struct zs_sim *w, const struct zs_simpkt *p, uint32_t off,
				uint32_t segsz);
/* m continues head: it is added to it, in a packet of at most max bytes. Consumes m if true. */
bool zs_simlro_merge(struct rte_mbuf *head, struct rte_mbuf *m, uint32_t max);

#endif
