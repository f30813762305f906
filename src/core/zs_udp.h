/* SPDX-License-Identifier: BSD-3-Clause */
/* UDP endpoints (RFC 768, 1122 4.1): bind, connect, datagrams in and out without a copy. */
#ifndef ZS_UDP_H
#define ZS_UDP_H

#include <stdbool.h>

#include "core/zs_ep.h"
#include "core/zs_flow.h"
#include "core/zs_pkt.h"

struct zs_pktinfo;
struct zs_netif;

struct zs_udp {
	struct zs_ep ep;
	struct zs_flow flow; /* lport 0 = not bound; fport 0 = not connected */
	struct zs_list hash_link;
	struct rte_mbuf *rx_head,
		*rx_tail;	 /* linked by zs_dgram.next; each trimmed to its payload */
	uint32_t rx_bytes;	 /* payload */
	uint32_t rx_mem, rcvbuf; /* truesize queued, limit */
	bool reuseaddr, reuseport, broadcast;
	bool dual;	       /* of IPv6: takes and sends IPv4 as well */
	bool laddr_by_connect; /* the address was chosen by zs_udp_connect() */
	uint8_t ttl, tos;      /* ttl 0: of the interface */
	uint16_t recv; /* what is told of a datagram beside its sender; bits of the socket's */
	/* Datagrams to groups: TTL, interface (index + 1, 0 = by the route), do own ones come back?
	 */
	uint8_t group_ttl, group_nif;
	bool group_loop;
	bool group_all, group6_all; /* hears groups too that others joined (IPv4, IPv6) */
	uint16_t n_members;	    /* groups that it joined */
};

/* How a datagram is to be sent, where that is not as the endpoint has it. */
struct zs_udp_how {
	struct zs_addr src; /* any = the endpoint's; of the datagram's family */
	uint16_t nif;	    /* index + 1; 0 = by the route */
	int16_t ttl, tos;   /* -1 = the endpoint's */
};

int zs_udp_init(struct zs_stack *s);
void zs_udp_fini(struct zs_stack *s);
uint32_t zs_udp_count(const struct zs_stack *s); /* endpoints open */
/* Place number index < cfg.max_udp of the table and back; one that is not open has no local port.
 */
struct zs_udp *zs_udp_at(const struct zs_stack *s, uint32_t index);
uint32_t zs_udp_index(const struct zs_stack *s, const struct zs_udp *u);

struct zs_udp *zs_udp_open(struct zs_stack *s, uint8_t family); /* NULL: table full */
void zs_udp_close(struct zs_stack *s, struct zs_udp *u);

/* port 0 picks an ephemeral one. -EADDRINUSE, -EADDRNOTAVAIL, -EINVAL (bound already). */
int zs_udp_bind(struct zs_stack *s, struct zs_udp *u, const struct zs_addr *addr, uint16_t port);

/*
 * Binds when necessary; addr NULL dissolves the association. -ENETUNREACH, -EINVAL (port 0),
 * -EACCES (broadcast without leave), -EADDRINUSE.
 */
int zs_udp_connect(struct zs_stack *s, struct zs_udp *u, const struct zs_addr *addr, uint16_t port);

/*
 * Consumes m (a chain; payload only, its bytes are not changed) on success only. to NULL =
 * connected peer. -EDESTADDRREQ, -EMSGSIZE, -ENOBUFS, -ENETUNREACH, -EINVAL (port 0), -EACCES
 * (broadcast without leave).
 */
int zs_udp_send(struct zs_stack *s, struct zs_udp *u, struct rte_mbuf *m, const struct zs_addr *to,
		uint16_t port);

/* The same to an address of either family: to the other one only from a dual endpoint. */
int zs_udp_send_to(struct zs_stack *s, struct zs_udp *u, struct rte_mbuf *m, uint8_t family,
		   const struct zs_addr *to, uint16_t port);

/* how may be NULL. Also -EINVAL: its source is not ours, or there is no such interface. */
int zs_udp_send_how(struct zs_stack *s, struct zs_udp *u, struct rte_mbuf *m, uint8_t family,
		    const struct zs_addr *to, uint16_t port, const struct zs_udp_how *how);

/* Groups (zs_udpgroup.c). -EADDRINUSE (has it), -ENOBUFS, -EINVAL; leave: -EADDRNOTAVAIL. */
int zs_udp_join(struct zs_stack *s, struct zs_udp *u, struct zs_netif *nif, uint8_t family,
		const struct zs_addr *group);
int zs_udp_leave(struct zs_stack *s, struct zs_udp *u, struct zs_netif *nif, uint8_t family,
		 const struct zs_addr *group);
/* All groups of an endpoint of another stack on the same interfaces. */
int zs_udp_join_too(const struct zs_stack *from_s, const struct zs_udp *from, struct zs_stack *s,
		    struct zs_udp *u);

/* Where m was sent to, which still waits in an endpoint with u->recv; NULL: unknown. */
const struct zs_addr *zs_udp_to(const struct zs_stack *s, struct rte_mbuf *m);

/* Next datagram, ownership to the caller; its sender is in zs_dgram(m). NULL when none. */
struct rte_mbuf *zs_udp_recv(struct zs_stack *s, struct zs_udp *u);

/* Consumes m, parsed as ZS_PKT_UDP. */
void zs_udp_input(struct zs_stack *s, struct rte_mbuf *m, struct zs_pktinfo *pi);

/* An endpoint that may have sent a packet of this flow. */
bool zs_udp_sends(const struct zs_stack *s, const struct zs_flow *flow);

/* ICMP error for a datagram that we sent; flow as seen from here. */
void zs_udp_icmp_error(struct zs_stack *s, const struct zs_flow *flow, int error);

#endif
