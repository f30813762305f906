/* SPDX-License-Identifier: BSD-3-Clause */
/* What the parts of the parser share. */
#ifndef ZS_PARSE_PRIV_H
#define ZS_PARSE_PRIV_H

#include <rte_byteorder.h>

#include "core/zs_loopback.h"
#include "core/zs_parse.h"
#include "core/zs_state.h"
#include "wire/zs_hdr.h"

static const enum zs_drop ZS_PARSE_ON = ZS_DROP_COUNT; /* no reason to drop */

/* From the IPv6 header on. */
enum zs_drop zs_parse_ip6(struct zs_stack *s, struct zs_netif *nif, struct rte_mbuf *m,
			  struct zs_pktinfo *pi);
/* len bytes of the upper layer's at pi->l4_off, addresses in pi->flow as on the wire. */
enum zs_drop zs_parse_upper_ip6(struct zs_stack *s, struct rte_mbuf *m, struct zs_pktinfo *pi,
				uint32_t len);

#endif
