/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A net_ring device for the port under test, and a stack of its own at the other end of the rings:
 * the peer, which the test drives.
 */
#ifndef TESTS_RINGPEER_H
#define TESTS_RINGPEER_H

#include <stdint.h>

#include "port/dpdk/zs_dpdk.h"

struct rte_ring;

enum { RINGPEER_SIZE = 256 }; /* slots of each ring */

/* What the port sends lands in from_port; what is in to_port it receives. */
struct ringpeer {
	struct rte_ring *to_port, *from_port;
	struct zs_stack *s;
};

/* For zs_dpdk_config.on_eal; arg is the struct ringpeer. */
int ringpeer_device(void *arg);

/* The peer, with address ip4_be/24, on the buffer pools of d. 0 or -errno. */
int ringpeer_make(struct ringpeer *p, const struct zs_dpdk *d, const struct zs_config *cfg,
		  uint32_t ip4_be, uint32_t offloads);

/* One turn of the peer: timers, a burst from the port, what is due to it. */
void ringpeer_turn(struct ringpeer *p, uint64_t now_us);

#endif
