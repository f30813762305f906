/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Entry points of the stack. The stack is a function of (packets, calls, time, seed): it has no
 * clock, no thread and no global state. All functions return 0 or a count on success, -errno on
 * failure. Times are microseconds of a monotonic clock chosen by the caller.
 */
#ifndef ZS_STACK_H
#define ZS_STACK_H

#include <stdint.h>

#include "core/zs_env.h"
#include "core/zs_stats.h"

struct zs_stack;

/* Copies cfg and env. -EINVAL: a value out of range; -ENOMEM. */
int zs_stack_create(struct zs_stack **out, const struct zs_config *cfg, const struct zs_env *env,
		    uint64_t now_us);

/* Frees every connection without a word to its peer, and every buffer the stack still holds. */
void zs_stack_destroy(struct zs_stack *s);

/*
 * Fires due timers, and brings in what the stack sent to itself. Returns the next deadline,
 * UINT64_MAX for none; it may be early, never late. 0: zs_stack_loops().
 */
uint64_t zs_stack_advance(struct zs_stack *s, uint64_t now_us);

/* Its two halves. It is now_us: what is sent from now on says so, and due timers wait, perhaps for
 * input that is in their favour. */
void zs_stack_set_now(struct zs_stack *s, uint64_t now_us);
uint64_t zs_stack_run_timers(struct zs_stack *s);

/* Consumes all n packets (any n) that arrived on `port`; order within the burst is kept. */
void zs_stack_input(struct zs_stack *s, uint16_t port, struct rte_mbuf **pkts, uint16_t n);

/* Consumes m, which did not get as far as zs_stack_input(): counted in the stack's drops. */
void zs_stack_drop(struct zs_stack *s, struct rte_mbuf *m, enum zs_drop why);

/* The link of `port` came up: neighbours that know our address under another MAC address learn. */
void zs_stack_link_up(struct zs_stack *s, uint16_t port);

/* Lets every connection with something to say say it, and gives the burst to env->tx. */
void zs_stack_flush(struct zs_stack *s);

/* True when connections or device queues wait for another zs_stack_flush(). */
bool zs_stack_tx_pending(const struct zs_stack *s);

/* True when packets that the stack sent to itself wait for zs_stack_run_timers(). */
bool zs_stack_loops(const struct zs_stack *s);

uint64_t zs_stack_now(const struct zs_stack *s);
/* For those who want to know: the time of day, in microseconds since 1970, when the clock was 0.
 * Not told, it is 0. */
void zs_stack_set_wall(struct zs_stack *s, uint64_t wall_us);
uint64_t zs_stack_wall(const struct zs_stack *s);
const struct zs_stats *zs_stack_stats(const struct zs_stack *s);
const struct zs_config *zs_stack_config(const struct zs_stack *s);

/* ---- for the layer above (sockets) ---- */

/* Zeroed record of ZS_SOCK_ROOM bytes from memory reserved at create; NULL when all are in use. */
enum { ZS_SOCK_ROOM = 64 };
void *zs_stack_sock_get(struct zs_stack *s);
void zs_stack_sock_put(struct zs_stack *s, void *record);

const struct zs_env *zs_stack_env(const struct zs_stack *s);
/* The layer above copied payload bytes: counted in stats.copies. */
void zs_stack_count_copies(struct zs_stack *s, uint64_t bytes);

/* Connections that exist: tcbs, half-open and TIME-WAIT entries. */
struct zs_stack_counts {
	uint32_t tcbs, half_open, time_wait, listeners, udp;
};
struct zs_stack_counts zs_stack_counts(const struct zs_stack *s);

#endif
