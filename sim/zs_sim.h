/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A world for the stack to live in: a virtual clock, hosts (each one struct zs_stack with pools and
 * a device of its own) and links between them. A run is a function of the seed and of what the test
 * does: the same seed gives the same bytes at the same times. Time is kept in nanoseconds, for a
 * frame lasts about one microsecond at 10 Gbit/s; the stacks see microseconds.
 *
 * The device is a wire, not a queue of buffers: the far side gets fresh mbufs with a copy of the
 * bytes. On the way out it checks what a NIC takes on trust (lengths, segment counts, offload flags
 * and the checksum fields that go with them) and counts every breach as a violation; tests end with
 * zs_sim_violations() == 0.
 */
#ifndef ZS_SIM_H
#define ZS_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/zs_env.h"
#include "core/zs_stack.h"
#include "zs_simpcap.h"
#include "zs_simpool.h"
#include "zs_simrand.h"

struct zs_sim;
struct zs_simhost;
struct zs_simlink;
struct zs_simhub;

#define ZS_SIM_NEVER UINT64_MAX
#define ZS_US 1000ull
#define ZS_MS 1000000ull
#define ZS_SEC 1000000000ull

/* ---- the world ---- */

struct zs_sim *zs_sim_create(uint64_t seed);
/* Destroys all that was made in this world. Returns the mbufs that leaked. */
uint32_t zs_sim_destroy(struct zs_sim *w);

uint64_t zs_sim_now(const struct zs_sim *w); /* ns */
struct zs_simrand *zs_sim_rand(struct zs_sim *w);

/* Calls fn(arg) at t_ns (or now, if that is past); events of one instant in the order of the calls.
 */
void zs_sim_at(struct zs_sim *w, uint64_t t_ns, void (*fn)(void *arg), void *arg);

/*
 * Runs until pred(arg) is true, or t_ns is reached, or nothing can happen any more. Returns whether
 * pred was true; pred NULL = just run. pred is asked after each event.
 */
bool zs_sim_run_until(struct zs_sim *w, uint64_t t_ns, bool (*pred)(void *arg), void *arg);
void zs_sim_run_for(struct zs_sim *w, uint64_t dt_ns);

/* Breaches of the device's contract so far; the first few are printed on stderr. */
uint32_t zs_sim_violations(const struct zs_sim *w);
void zs_sim_violate(struct zs_sim *w, const char *what);

/* Mbufs that are out of the pools of all hosts. */
uint32_t zs_sim_live(const struct zs_sim *w);

/* ---- hosts ---- */

struct zs_simdev_config {
	uint64_t hold_ns;    /* mbufs stay with the device for so long after tx */
	uint32_t refuse_ppm; /* chance that tx takes only some, or none, of a burst */
	uint32_t tx_ring;    /* packets not yet on the wire that it takes, 0 = no limit */
	bool trust;	     /* skip checks and checksums (fast); needs all offloads at both ends */
};

struct zs_simhost_config {
	struct zs_config stack;
	struct zs_simdev_config dev;
	uint16_t pkt_room; /* room of the pkt pool; 0 = one frame of the largest MTU */
	uint16_t rx_burst; /* packets per turn */
	uint64_t turn_ns;  /* least time from one turn to the next */
};

enum {
	ZS_SIM_OFF_NONE = 0,
	ZS_SIM_OFF_ALL = ZS_OFF_RX_IP_CKSUM | ZS_OFF_RX_L4_CKSUM | ZS_OFF_TX_IP_CKSUM |
			 ZS_OFF_TX_TCP_CKSUM | ZS_OFF_TX_UDP_CKSUM | ZS_OFF_TX_MULTI_SEG,
};

/* Network byte order of a.b.c.d */
static inline uint32_t zs_sim_ip(uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
	const uint8_t v[4] = { a, b, c, d };
	uint32_t ip;

	memcpy(&ip, v, sizeof(ip));
	return ip;
}

/*
 * What applications of this world talk by: IPv4, or IPv6 where the environment has ZS_SIM_IP6, with
 * an MTU of 20 bytes more. And the address of that family that goes by an IPv4 address.
 */
uint8_t zs_sim_family(void);
struct zs_addr zs_sim_addr(uint32_t ip_be);

/* Defaults with small tables, and one interface. Its MAC address is made by zs_simhost_create(). */
void zs_simhost_config(struct zs_simhost_config *c, uint32_t ip_be, uint8_t prefix, uint16_t mtu,
		       uint32_t offloads);

struct zs_simdev_stats {
	uint64_t tx, tx_bytes, tx_refused;
	uint64_t tx_tso, tx_tso_frames; /* of tx: packets to be cut; and what was made of them */
	uint64_t rx, rx_bytes, rx_nombuf;
	uint64_t rx_lro; /* of rx: frames that were added to the one before */
};

struct zs_simhost {
	struct zs_sim *w;
	struct zs_stack *s;
	struct zs_simpools pools;
	struct zs_simhost_config cfg;
	struct zs_simdev_stats dev;
	/* Called once per turn, between input and flush. */
	void (*app)(struct zs_simhost *h, void *arg);
	void *app_arg;
	uint64_t turns;
	struct zs_simhost_priv *priv; /* zs_simhost.c */
};

/* Never NULL: a configuration that the stack refuses ends the program. */
struct zs_simhost *zs_simhost_create(struct zs_sim *w, const struct zs_simhost_config *c);

/* Gives the host a turn at t_ns (or now) even when nothing arrives. */
void zs_simhost_wake(struct zs_simhost *h, uint64_t t_ns);

/* Frees the stack alone, as a process that ends does: whatever it holds must come back. */
void zs_simhost_stop(struct zs_simhost *h);

uint32_t zs_simhost_live(const struct zs_simhost *h);

/* Sum of all drops that the stack counted. */
uint64_t zs_simhost_drops(const struct zs_simhost *h);

/* ---- links ---- */

/* A frame on its way. */
struct zs_simpkt {
	struct zs_simpkt *next, *prev;
	uint64_t arrive_ns;
	uint32_t len, room;
	bool trusted; /* left a device with good checksums, and was not damaged since */
	uint8_t data[];
};

/* What a rule may order for a frame. */
enum zs_sim_verdict { ZS_SIM_PASS = 0, ZS_SIM_DROP = 1, ZS_SIM_DUP = 2, ZS_SIM_CORRUPT = 4 };

/*
 * Sees each frame as it enters the wire, after queue and serialisation. It may change its bytes
 * (then it clears p->trusted), or add to p->arrive_ns to delay it. Returns enum zs_sim_verdict.
 */
typedef unsigned int (*zs_sim_rule)(void *arg, struct zs_simpkt *p);

struct zs_simwire_config {
	uint64_t delay_ns;
	uint64_t rate_bps;    /* bits of frame per second, 0 = infinite */
	uint32_t queue_bytes; /* waiting room in front of the wire, 0 = no limit */
	uint32_t mark_bytes;  /* ECT behind so much is marked CE (RFC 3168), 0 = never */
	uint16_t mtu;	      /* longer IP packets vanish, 0 = no limit */
	uint32_t loss_ppm, dup_ppm, corrupt_ppm; /* ARP has no checksum: it is never damaged */
	uint32_t reorder_ppm;
	uint64_t reorder_ns; /* a reordered frame is late by up to so much */
	zs_sim_rule rule;    /* may be NULL */
	void *rule_arg;
};

struct zs_simwire_stats {
	uint64_t sent, bytes, delivered, lost, queue_full, too_big, duplicated, corrupted,
		reordered, marked;
	uint32_t queue_peak; /* bytes that a frame found waiting, at most; to be cleared at will */
};

/* Takes p over. */
typedef void (*zs_sim_deliver)(void *ctx, unsigned int port, struct zs_simpkt *p);

/* One direction: from one end of the link to the other. */
struct zs_simwire {
	struct zs_simwire_config cfg; /* may be changed at any time */
	struct zs_simwire_stats stats;
	struct zs_simlink *link;
	struct zs_simrand rand;
	uint64_t busy_ps;	       /* when the last bit of the last frame is out */
	struct zs_simpkt *head, *tail; /* in flight, by time of arrival */
	zs_sim_deliver deliver;
	void *ctx;
	unsigned int port;
	uint8_t to; /* end */
};

struct zs_simlink {
	struct zs_sim *w;
	struct zs_simwire wire[2]; /* wire[e] carries what end e sends */
	struct zs_simpcap *tap[2]; /* what end e sends and receives; may be NULL */
};

/* Both directions alike. */
struct zs_simlink *zs_simlink_create(struct zs_sim *w, const struct zs_simwire_config *c);
/* A link from port 0 of a (end 0) to port 0 of b (end 1). */
struct zs_simlink *zs_simlink_between(struct zs_simhost *a, struct zs_simhost *b,
				      const struct zs_simwire_config *c);
void zs_simlink_attach_host(struct zs_simlink *l, unsigned int end, struct zs_simhost *h,
			    uint16_t port);
/* A bare end for tests that play a peer by hand: deliver gets what arrives there. */
void zs_simlink_attach(struct zs_simlink *l, unsigned int end, zs_sim_deliver deliver, void *ctx,
		       unsigned int port);
/* Sends a frame as if the device at `end` had sent it. */
void zs_simlink_inject(struct zs_simlink *l, unsigned int end, const void *frame, uint32_t len);

/* Captures what `end` sends and receives. path NULL: hash only. Ends with the world. */
void zs_simlink_capture(struct zs_simlink *l, unsigned int end, const char *path);
/* Hash of the capture so far; 0 without one. */
uint64_t zs_simlink_hash(const struct zs_simlink *l, unsigned int end);

/* Consumes p. For deliver functions and devices. */
void zs_simwire_send(struct zs_simwire *wire, struct zs_simpkt *p);
struct zs_simpkt *zs_simpkt_new(struct zs_sim *w, uint32_t len);
void zs_simpkt_free(struct zs_sim *w, struct zs_simpkt *p);

/* ---- hub: a learning switch for more than two hosts ---- */

struct zs_simhub *zs_simhub_create(struct zs_sim *w);
/* Connects port 0 of h to the hub. Returns the link; end 0 is the host. */
struct zs_simlink *zs_simhub_join(struct zs_simhub *hub, struct zs_simhost *h,
				  const struct zs_simwire_config *c);

#endif
