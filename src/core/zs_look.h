/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Looking into a stack, for those who show it to people. Tables are read in portions by ascending
 * position, so that a portion takes bounded time however large the table is; an entry keeps its
 * position while it lives, so that a list taken in portions misses none that was there all the
 * time.
 */
#ifndef ZS_LOOK_H
#define ZS_LOOK_H

#include "core/tcp/zs_tcp.h"
#include "core/zs_ip6.h"
#include "wire/zs_hdr.h"

enum zs_look_kind {
	ZS_LOOK_LISTENER,
	ZS_LOOK_TCP,
	ZS_LOOK_HALF,	   /* half-open: the handshake's ACK is awaited */
	ZS_LOOK_TIME_WAIT, /* compact entries */
	ZS_LOOK_UDP,	   /* bound */
	ZS_LOOK_KINDS
};

/* A place in the tables of endpoints. All zero is the beginning, kind ZS_LOOK_KINDS the end. */
struct zs_look_pos {
	uint32_t kind; /* enum zs_look_kind */
	uint32_t index;
};

struct zs_look_conn {
	struct zs_look_pos pos;
	enum zs_tcp_state state; /* UDP: ESTABLISHED when connected, else CLOSED */
	struct zs_flow flow;
	/* As ss tells them. Connections: bytes received and not read, sent and not acknowledged;
	 * listeners: connections that wait for accept, and how many may. */
	uint32_t recv_q, send_q;
	void *owner;	/* the socket; NULL: none (any more) */
	const char *cc; /* connections: congestion control; static */
	uint16_t pmtu;
	uint8_t retries;  /* half-open: SYN-ACKs sent again */
	uint32_t left_us; /* TIME-WAIT, half-open: until it expires, or is sent again */
	/* Connections: memory that waits in each queue. */
	uint32_t snd_mem, rcv_mem, ooo_mem;
	uint32_t snd_age_us; /* since the oldest unacknowledged record was first sent; 0 = none */
	struct zs_tcp_info info; /* connections */
};

/*
 * Fills up to max entries from *pos on, which it moves behind the last one looked at. Looks at a
 * bounded number of places: fewer than max, even 0, is the end only when pos->kind says so.
 */
int zs_look_conns(struct zs_stack *s, struct zs_look_pos *pos, struct zs_look_conn *v, int max);

/* The position of what a socket stands for (struct zs_tcb, zs_listener or zs_udp). */
struct zs_look_pos zs_look_at(const struct zs_stack *s, const struct zs_ep *ep);

/* ---- buffers ---- */

enum zs_look_holder {
	ZS_HOLD_SENT,	/* sent and not acknowledged */
	ZS_HOLD_UNSENT, /* waits for window, or for the device */
	ZS_HOLD_RCVQ,	/* received and not read */
	ZS_HOLD_OOO,	/* received beyond a gap */
	ZS_HOLD_APP,	/* taken by z_read and not given back; counted in bytes only */
	ZS_HOLD_UDP,	/* datagrams not read */
	ZS_HOLD_NEIGH,	/* wait for a neighbour's MAC address */
	ZS_HOLD_FRAG,	/* wait for the rest of their datagram; counted in bytes only */
	ZS_HOLD_STAGE,	/* frames that the device has not taken yet */
	ZS_HOLDERS
};

enum { ZS_AGES = 7 };

/* Upper bounds of the age classes in microseconds; the last one has none. Where nobody knows how
 * old a buffer is, it is in `unknown`. */
extern const uint32_t zs_look_age_us[ZS_AGES - 1];

struct zs_look_hold {
	uint64_t bufs;			/* 0 where only bytes are known */
	uint64_t bytes;			/* memory, not payload */
	uint64_t age[ZS_AGES], unknown; /* bytes */
};

/*
 * Adds to hold[ZS_HOLDERS] what a portion of the tables holds, from *pos on as above. Ages of what
 * was received are those of the youngest: a connection's last segment.
 */
void zs_look_bufs(struct zs_stack *s, struct zs_look_pos *pos, struct zs_look_hold *hold);

/* ---- the rest ---- */

struct zs_look_neigh {
	uint8_t family;
	uint16_t netif;
	struct zs_addr addr;
	struct zs_mac mac;
	const char *state; /* static */
	bool has_mac;
	uint16_t n_wait;		/* packets that wait for the answer */
	uint64_t confirmed_us, used_us; /* ago */
};
/* Entry number i of the table; false: it is free. -> how many there are. */
uint32_t zs_look_neighs(const struct zs_stack *s);
bool zs_look_neigh(const struct zs_stack *s, uint32_t i, struct zs_look_neigh *out);

struct zs_netif;
struct zs_route;
uint16_t zs_look_netifs(const struct zs_stack *s);
const struct zs_netif *zs_look_netif(const struct zs_stack *s, uint16_t i);
/* IPv6 addresses of interface number i, in v[ZS_IF6_ADDRS]; how many. Without their zone. */
struct zs_look_ip6 {
	struct zs_addr addr;
	uint8_t prefix;
	const char *state; /* static; "" where there is nothing to say */
};
int zs_look_ip6(const struct zs_stack *s, uint16_t i, struct zs_look_ip6 *v);
uint16_t zs_look_routes(const struct zs_stack *s);
const struct zs_route *zs_look_route(const struct zs_stack *s, uint16_t i);

#endif
