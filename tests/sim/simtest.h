/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the simulations share: two hosts on a link with an application each, a peer played by hand,
 * and the proof at the end that nothing is left over.
 */
#ifndef SIMTEST_H
#define SIMTEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "zs_sim.h"
#include "zs_simapp.h"
#include "zs_simpattern.h"

#if defined(__SANITIZE_ADDRESS__)
#define SLOW_BUILD 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SLOW_BUILD 1
#endif
#endif
#ifndef SLOW_BUILD
#define SLOW_BUILD 0
#endif

enum { PORT = 80 };

/* Checksums in software, but chains may be sent: the usual poor device. */
#define OFF_CHAINS ((uint32_t)ZS_OFF_TX_MULTI_SEG)

struct pair {
	struct zs_sim *w;
	struct zs_simhost *a, *b; /* a opens, b listens */
	struct zs_simapp *client, *server;
	struct zs_simlink *l; /* end 0 is a */
};

/* Link of 1 Gbit/s and 100 us; MTU and offloads for both hosts. The caller may change all of it. */
struct pair_config {
	uint64_t seed;
	struct zs_simhost_config a, b;
	struct zs_simwire_config wire;
};

void pair_config(struct pair_config *c, uint64_t seed, uint16_t mtu, uint32_t offloads);
/* The environment's ZS_PCAP names a file that captures what a sends and receives. */
void pair_create(struct pair *p, const struct pair_config *c);
uint32_t ip_a(void);
uint32_t ip_b(void);

/* One connection a -> b with up bytes there and down bytes back, written and read in the given
 * ways. */
struct zs_simconn *pair_transfer(struct pair *p, uint64_t up, uint64_t down,
				 const struct zs_simconn_config *like);

/* Runs until both applications are idle and at least n connections came about on each side. */
bool pair_run(struct pair *p, uint32_t n, uint64_t limit_ns);

/* NULL, or what went wrong with the connections so far. */
const char *pair_problem(const struct pair *p);

/* Waits until both stacks have forgotten all connections. */
bool pair_settle(struct pair *p);

/* Stops listening, settles, and asserts: no failures, no violations, no mbuf left. Destroys. */
void pair_end(struct pair *p);

/* Destroys without a word about what is left over; returns mbufs that leaked beyond the stacks'
 * own. */
uint32_t pair_destroy(struct pair *p);

/* Payload bytes copied by both stacks. */
uint64_t pair_copies(const struct pair *p);

/* ---- frames by hand ---- */

struct tcp_frame {
	uint32_t sip_be, dip_be;
	uint16_t sport, dport;
	uint32_t seq, ack;
	uint8_t flags;
	uint16_t wnd;
	uint8_t smac[6], dmac[6];
	const void *payload;
	uint32_t len;
};

/* Builds a correct frame; returns its length. */
uint32_t frame_tcp(uint8_t *out, const struct tcp_frame *f);
/* An IPv4 packet of any protocol with a correct header around body. */
uint32_t frame_ip(uint8_t *out, const struct tcp_frame *f, uint8_t proto, const void *body,
		  uint32_t len);
/* Sees TCP in a frame: payload length, or -1 when it is something else. */
int32_t frame_payload(const struct zs_simpkt *p, uint32_t *seq, uint8_t *flags);

/* Computes the TCP checksum of a frame anew, after a change of its header. */
void frame_fix_tcp(struct zs_simpkt *p);

/* Computes the checksum of an ICMP message of n bytes. */
void frame_fix_icmp(uint8_t *msg, uint32_t n);

/* A peer without a stack: answers ARP for every address, counts what it gets. */
struct raw_peer {
	struct zs_simlink *l;
	unsigned int end;
	uint8_t mac[6], host_mac[6];
	uint64_t frames, syns, synacks, rsts, fins, icmp;
	bool mute; /* answers nothing */
};

void raw_attach(struct raw_peer *r, struct zs_simlink *l, unsigned int end,
		const struct zs_simhost *h);
void raw_send_tcp(struct raw_peer *r, struct tcp_frame *f);

#endif
