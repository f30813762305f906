/* SPDX-License-Identifier: BSD-3-Clause */
/* The inside of the world, shared by the files of the simulator only. */
#ifndef ZS_SIMWORLD_H
#define ZS_SIMWORLD_H

#include "zs_sim.h"

enum { ZS_SIM_MAX_HOSTS = 64, ZS_SIM_MAX_LINKS = 64, ZS_SIM_HUB_PORTS = 32, ZS_SIM_CLASSES = 3 };

struct zs_simevent {
	struct zs_simevent *next;
	uint64_t t_ns;
	void (*fn)(void *arg);
	void *arg;
};

struct zs_simhub {
	struct zs_sim *w;
	unsigned int n;
	struct zs_simlink *link[ZS_SIM_HUB_PORTS]; /* end 1 is the hub's */
	struct zs_mac mac[ZS_SIM_HUB_PORTS];	   /* learnt: the last source seen on the port */
};

struct zs_sim {
	uint64_t seed, now_ns;
	struct zs_simrand rand;
	struct zs_simevent *agenda; /* by time */
	unsigned int n_hosts, n_links;
	struct zs_simhost *host[ZS_SIM_MAX_HOSTS];
	struct zs_simlink *link[ZS_SIM_MAX_LINKS];
	struct zs_simhub *hub;
	struct zs_simpkt *spare[ZS_SIM_CLASSES]; /* freed frames by size class */
	uint32_t violations;
};

/* A generator of its own for part `index` of kind `kind`. */
struct zs_simrand zs_sim_subrand(const struct zs_sim *w, uint64_t kind, uint64_t index);

uint64_t zs_simlink_next(const struct zs_simlink *l);
void zs_simlink_run(struct zs_simlink *l);
void zs_simlink_destroy(struct zs_simlink *l);

uint64_t zs_simhost_next(const struct zs_simhost *h);
void zs_simhost_run(struct zs_simhost *h);
/* Returns the mbufs that leaked. */
uint32_t zs_simhost_destroy(struct zs_simhost *h);

/* Internet checksum by the simulator's own arithmetic, to be independent of what it checks. */
uint16_t zs_simck_sum(uint32_t sum, const uint8_t *p, uint32_t len);

enum zs_simck_verdict { ZS_SIMCK_NONE, ZS_SIMCK_GOOD, ZS_SIMCK_BAD };
struct zs_simck {
	enum zs_simck_verdict ip, l4;
};
/* Verdicts of a receiving NIC. */
struct zs_simck zs_simck_verify(const struct zs_simpkt *p);
/* Fills in what the flags of m (RTE_MBUF_F_TX_*) ask for; NULL or what is wrong with the frame. */
const char *zs_simck_fill(struct zs_simpkt *p, const struct rte_mbuf *m);

#endif
