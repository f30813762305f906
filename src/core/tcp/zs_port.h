/* SPDX-License-Identifier: BSD-3-Clause */
/* Local ports: explicit binds, conflicts, and ephemeral ports (RFC 6056). */
#ifndef ZS_PORT_H
#define ZS_PORT_H

#include <stdbool.h>
#include <stdint.h>

#include "core/zs_flow.h"

struct zs_stack;
struct zs_tcb;

/* Two local addresses that both may take a packet. dual: of IPv6, and takes IPv4 when any. */
bool zs_local_overlap(uint8_t fa, const struct zs_addr *a, bool dual_a, uint8_t fb,
		      const struct zs_addr *b, bool dual_b);

/* A listener of another owner is in the way of this local address and port. */
bool zs_listener_conflicts(struct zs_stack *s, const struct zs_flow *local, bool dual,
			   bool reuseport);

/* Picks a local port for a flow whose other three parts are set. 0 or -EADDRNOTAVAIL. */
int zs_port_ephemeral(struct zs_stack *s, struct zs_flow *flow);

/* True when the address is one of ours, or any. */
bool zs_addr_is_local(const struct zs_stack *s, uint8_t family, const struct zs_addr *a);

#endif
