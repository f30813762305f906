/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Several processes, each with one stack on its own CPU. The primary has number 0: it starts the
 * devices, makes pools and rings in hugepages that all of them map, and tells in a memzone what the
 * others need to know. Each process says there whether it takes part. What is of one that does not
 * (not yet, no longer, or killed) is the primary's: its flows, and its queues of the devices.
 *
 * Nothing that another process could call goes through shared memory, and nobody waits there for
 * anybody who may have been killed: rings have one producer and one consumer each, pools are lists
 * without locks. A killed process takes along what it held, no more. That it is gone its locks of a
 * file say, a byte for each number.
 */
#ifndef ZS_PROCS_H
#define ZS_PROCS_H

#include "port/dpdk/zs_dpdk_state.h"

enum zs_proc_state {
	ZS_PROC_ABSENT,
	ZS_PROC_WANTED,	 /* it asks the primary for what is its own */
	ZS_PROC_PRESENT, /* and the primary has left that to it */
};

enum { ZS_DRIVER_NAME = 64 };

/* In shared memory; written by the primary but for what is said. */
struct zs_shared {
	uint32_t size; /* of this: both are of one build */
	uint16_t n_stacks, n_ports;
	bool ending; /* the primary is about to stop the devices */
	uint8_t tfo_key[16];
	struct zs_ethport port[ZS_MAX_PORTS]; /* without what points into the primary */
	char driver[ZS_MAX_PORTS][ZS_DRIVER_NAME];
	bool all_groups[ZS_MAX_PORTS]; /* somebody asks for them; by all */
	_Alignas(RTE_CACHE_LINE_SIZE) uint8_t state[ZS_MAX_LCORES]; /* by each, and the primary */
	struct {
		_Alignas(RTE_CACHE_LINE_SIZE) bool need_wakeup; /* by all */
	} stack[ZS_MAX_LCORES];
};

struct zs_procs {
	struct zs_shared *sh;
	char path[256];	  /* of the file with the locks, and of what wakes whom beside it */
	int fd;		  /* of the file; -1 = not open */
	uint16_t id;	  /* of this process; 0 = the primary */
	uint64_t look_us; /* when to look for the others again */
	bool told;	  /* that the primary is gone */
};

/* Before EAL runs, which has been told `prefix`. A secondary waits for its primary. Said on stderr,
 * as all errors here. */
int zs_procs_open(struct zs_dpdk *d, const struct zs_dpdk_config *cfg, const char *prefix);
/* When EAL runs: makes what is shared, or finds it. */
int zs_procs_share(struct zs_dpdk *d);
/* The primary's ports run: the others may come. */
int zs_procs_publish(struct zs_dpdk *d);
/* When EAL runs, in a secondary: it has telemetry, too. */
void zs_procs_telemetry(void);
/* What wakes stack `index`: a descriptor to write to; -errno. */
int zs_procs_event(const struct zs_dpdk *d, uint16_t index);

/* Each turn: who takes part; whether the primary lives. False: this process does not yet. */
bool zs_procs_turn(struct zs_lcore *lc);

/* This process's part in the end: it takes part no more; others see it go when it is closed. */
void zs_procs_leave(struct zs_dpdk *d);
void zs_procs_close(struct zs_dpdk *d);
/* The primary asks the others to end; there are some left. */
void zs_procs_end(struct zs_dpdk *d);
bool zs_procs_others(const struct zs_dpdk *d);

static inline bool zs_procs_present(const struct zs_dpdk *d, unsigned index)
{
	return d->procs == NULL ||
	       __atomic_load_n(&d->procs->sh->state[index], __ATOMIC_ACQUIRE) == ZS_PROC_PRESENT;
}

/* Who is to have what belongs to stack `index`. */
static inline unsigned zs_procs_heir(const struct zs_dpdk *d, unsigned index)
{
	return zs_procs_present(d, index) ? index : 0;
}

/* The receive queue is the lcore's to poll: its own, or one that nobody else polls. */
static inline bool zs_procs_polls(const struct zs_lcore *lc, uint16_t queue)
{
	return lc->d->procs == NULL || zs_procs_heir(lc->d, queue) == lc->index;
}

/*
 * This process does not take part yet: answers to what it sends would reach the primary, which
 * knows nothing of it.
 */
static inline bool zs_procs_waits(const struct zs_dpdk *d)
{
	return d->procs != NULL && !d->procs->told && !zs_procs_present(d, d->procs->id);
}

static inline bool zs_procs_secondary(const struct zs_dpdk *d)
{
	return d->procs != NULL && d->procs->id != 0;
}

#endif
