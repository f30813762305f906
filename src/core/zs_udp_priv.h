/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of UDP share: the table, endpoints by port, and a datagram on its way to them. */
#ifndef ZS_UDP_PRIV_H
#define ZS_UDP_PRIV_H

#include "core/zs_state.h"
#include "core/zs_udp.h"

enum { ZS_UDP_BUCKETS = 1024, ZS_UDP_MEMBERS = 512, ZS_UDP_PLACES = 256 };
/* Errors that wait, in all and of one endpoint; and how many unconnected peers are remembered. */
enum { ZS_UDP_ERRORS = 256, ZS_UDP_ERRORS_EACH = 32, ZS_UDP_SENT = 4096 };

/* An endpoint joined this group there. */
struct zs_udp_member {
	struct zs_udp *udp; /* NULL = free */
	struct zs_addr group;
	uint8_t family;
	uint16_t nif; /* index */
};

/* An address that datagrams were sent to which still wait. */
struct zs_udp_place {
	struct zs_addr addr;
	uint32_t users; /* 0 = free */
};

struct zs_udp_table {
	struct zs_udp *udp;
	struct zs_list bucket[ZS_UDP_BUCKETS]; /* bound endpoints, newest first */
	struct zs_list free;
	uint32_t live;
	struct zs_udp_member member[ZS_UDP_MEMBERS];
	struct zs_udp_place place[ZS_UDP_PLACES];
	uint32_t sent[ZS_UDP_SENT]; /* zs_udp_note_sent() */
	struct zs_udp_error *free_errors;
	uint32_t n_errors; /* of the next array that were ever used */
	struct zs_udp_error error[ZS_UDP_ERRORS];
};

/* A datagram without its headers. */
struct zs_udp_rx {
	const struct zs_flow *flow; /* as seen from here */
	struct zs_netif *nif;
	uint8_t ttl, tos;
};

static inline struct zs_list *zs_udp_bucket(struct zs_stack *s, uint16_t port)
{
	return &s->udp->bucket[port % ZS_UDP_BUCKETS];
}

static inline bool zs_udp_is_multicast(uint8_t family, const struct zs_addr *a)
{
	return (a->b[0] & (family == ZS_AF_IP6 ? 0xff : 0xf0)) ==
	       (family == ZS_AF_IP6 ? 0xff : 0xe0);
}

/* Multicast or broadcast; broadcast, the network's too. */
bool zs_udp_is_group(const struct zs_stack *s, uint8_t family, const struct zs_addr *a);
bool zs_udp_is_broadcast(const struct zs_stack *s, uint8_t family, const struct zs_addr *a);
/* By which interface u sends to that address; NULL: by none. */
struct zs_netif *zs_udp_nif(struct zs_stack *s, const struct zs_udp *u, uint8_t family,
			    const struct zs_addr *to);
/* For the first datagram, or all of them, to that address by nif: a port, if there is none yet. */
int zs_udp_bind_any(struct zs_stack *s, struct zs_udp *u, const struct zs_netif *nif,
		    uint8_t family, const struct zs_addr *to, uint16_t port);
/* How well u suits a datagram of this flow; negative: not at all. */
int zs_udp_score(const struct zs_udp *u, const struct zs_flow *f);
/* Consumes m, trimmed to its payload. */
void zs_udp_enqueue(struct zs_stack *s, struct zs_udp *u, struct rte_mbuf *m,
		    const struct zs_udp_rx *rx);

/* ---- errors (zs_udperr.c) ---- */

/* An unconnected endpoint sends to that address: errors about it may come. */
void zs_udp_note_sent(struct zs_stack *s, const struct zs_udp *u, uint8_t family,
		      const struct zs_addr *to, uint16_t port);
/* The datagram does not fit the path: who asked for errors has it in the queue. */
void zs_udp_too_long(struct zs_stack *s, struct zs_udp *u, uint8_t family, const struct zs_addr *to,
		     uint16_t port, uint16_t mtu);

/* ---- groups (zs_udpgroup.c) ---- */

void zs_udp_leave_all(struct zs_stack *s, struct zs_udp *u);
/*
 * To a group or broadcast address: consumes m, payload only; all endpoints get it that want it.
 * False: none does, and m is the caller's.
 */
bool zs_udp_deliver_all(struct zs_stack *s, struct rte_mbuf *m, const struct zs_udp_rx *rx);
/* The same for what this host sends: borrows m. */
void zs_udp_loop_back(struct zs_stack *s, struct rte_mbuf *m, const struct zs_udp_rx *rx);

/* ---- where datagrams were sent to (zs_udpplace.c) ---- */

/* A number for the address; 0: too many are in use. */
uint16_t zs_udp_place_get(struct zs_stack *s, const struct zs_addr *addr);
void zs_udp_place_put(struct zs_stack *s, uint16_t place);

#endif
