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

/* When a datagram is larger than its path: Linux' numbers of IP_MTU_DISCOVER. */
enum zs_udp_mtu {
	ZS_UDP_MTU_DONT,      /* routers may cut it */
	ZS_UDP_MTU_WANT,      /* we cut it, if we know */
	ZS_UDP_MTU_DO,	      /* -EMSGSIZE */
	ZS_UDP_MTU_PROBE,     /* it goes whole, if the link takes it */
	ZS_UDP_MTU_INTERFACE, /* likewise, and routers may cut it */
	ZS_UDP_MTU_OMIT,      /* likewise, and what the link does not take is cut */
};

/* Where an error comes from: Linux' numbers of sock_extended_err. */
enum zs_udp_origin { ZS_UDP_LOCAL = 1, ZS_UDP_ICMP = 2, ZS_UDP_ICMP6 = 3, ZS_UDP_TIME = 4 };

enum { ZS_UDP_QUOTE = 128 };

/* What became of a datagram that was sent: an ICMP error, or that it was too large. */
struct zs_udp_error {
	struct zs_udp_error *next;
	struct zs_addr to, from; /* whom it was for; who tells, any = nobody */
	int32_t error;		 /* positive errno */
	uint32_t info;		 /* EMSGSIZE: the MTU; ZS_UDP_TIME: enum zs_stamp_of */
	uint32_t at_us, which;	/* ZS_UDP_TIME: low bits of the clock; the number of the datagram */
	uint16_t port;		/* it was for */
	uint8_t family, origin; /* of both addresses; enum zs_udp_origin */
	uint8_t type, code;	/* of the ICMP message */
	uint8_t ttl, tos;	/* likewise */
	uint16_t len;		/* of what is quoted of the payload */
	uint8_t data[ZS_UDP_QUOTE];
};

struct zs_udp {
	struct zs_ep ep;
	struct zs_flow flow; /* lport 0 = not bound; fport 0 = not connected */
	struct zs_list hash_link;
	struct rte_mbuf *rx_head,
		*rx_tail;	 /* linked by zs_dgram.next; each trimmed to its payload */
	uint32_t rx_bytes;	 /* payload */
	uint32_t rx_mem, rcvbuf; /* truesize queued, limit */
	uint32_t rx_drops;	 /* datagrams that found no room */
	bool reuseaddr, reuseport, broadcast;
	bool keepalive;	       /* of streams, kept without effect */
	bool freebind;	       /* bound to an address that may become ours later */
	bool dual;	       /* of IPv6: takes and sends IPv4 as well */
	bool laddr_by_connect; /* the address was chosen by zs_udp_connect() */
	int16_t ttl;	       /* -1: of the interface */
	uint8_t tos;
	uint16_t recv; /* what is told of a datagram beside its sender; bits of the socket's */
	/* Datagrams to groups: TTL, interface (index + 1, 0 = by the route), do own ones come back?
	 */
	uint8_t group_ttl, group_nif;
	bool group_loop;
	bool group_all, group6_all; /* hears groups too that others joined (IPv4, IPv6) */
	uint16_t n_members;	    /* groups that it joined */
	bool gro;		    /* datagrams of a burst are put together: zs_udp_segment() */
	uint16_t segment;     /* what is longer leaves as datagrams of so many bytes; 0 = as one */
	uint8_t mtu_discover; /* enum zs_udp_mtu */
	bool recverr, recverr6; /* errors of IPv4 and IPv6 are queued */
	uint16_t n_errs;
	uint8_t stamps; /* it wants to know when what it sent did what: 1 << enum zs_stamp_of */
	uint32_t stamp_flags, stamp_next;	  /* the socket's; number of the next datagram */
	struct zs_udp_error *err_head, *err_tail; /* oldest first */
};

/* How a datagram is to be sent, where that is not as the endpoint has it. */
struct zs_udp_how {
	struct zs_addr src; /* any = the endpoint's; of the datagram's family */
	uint16_t nif;	    /* index + 1; 0 = by the route */
	int16_t ttl, tos;   /* -1 = the endpoint's */
	int32_t segment;    /* likewise */
};

/* Largest payload: the length of an IPv4 packet counts its header, that of IPv6 (without
 * jumbograms) does not. */
static inline uint32_t zs_udp_max(uint8_t family)
{
	return UINT16_MAX - 8 - (family == ZS_AF_IP4 ? 20 : 0);
}

enum { ZS_UDP_SEGMENTS = 64 }; /* datagrams that one call sends, at most */

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
 * Binds when necessary; addr NULL dissolves the association. -ENETUNREACH, -EINVAL (port 0, or a
 * loopback address would leave the host), -EACCES (broadcast without leave), -EADDRINUSE.
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

/*
 * how may be NULL. Also -EINVAL: its source is not ours, there is no such interface, or the
 * segments are too many or too long for the path.
 */
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

/* MTU of the path to the connected peer, as far as known; 0: there is none. */
uint16_t zs_udp_path_mtu(struct zs_stack *s, const struct zs_udp *u);

/* ---- errors (zs_udperr.c) ---- */

/* An endpoint that has sent a packet of this flow. */
bool zs_udp_sends(const struct zs_stack *s, const struct zs_flow *flow);

/*
 * ICMP error about a datagram of this flow, as seen from here: connected endpoints have it as their
 * error, and who asked for it also in their queue; whom nobody sent to is not listened to.
 */
void zs_udp_icmp_error(struct zs_stack *s, const struct zs_flow *flow,
		       const struct zs_udp_error *e);

/* Of what was put together of several datagrams: the size of all but the last one; 0 = of others.
 */
uint16_t zs_udp_segment(const struct rte_mbuf *m);

/* u has sent a datagram, now: into its queue as its stamps say. */
void zs_udp_stamp(struct zs_stack *s, struct zs_udp *u);

/* The oldest error of the queue, NULL when there is none; and done with it. */
const struct zs_udp_error *zs_udp_error(const struct zs_udp *u);
void zs_udp_error_done(struct zs_stack *s, struct zs_udp *u);
void zs_udp_errors_clear(struct zs_stack *s, struct zs_udp *u);

#endif
