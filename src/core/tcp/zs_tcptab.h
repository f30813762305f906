/* SPDX-License-Identifier: BSD-3-Clause */
/* The tables of TCP: connections, half-open entries, TIME-WAIT entries, listeners, bound ports. */
#ifndef ZS_TCPTAB_H
#define ZS_TCPTAB_H

#include <stdbool.h>
#include <stdint.h>

#include "base/zs_list.h"
#include "core/zs_timer.h"

struct zs_tcb;
struct zs_half;
struct zs_tw;
struct zs_listener;
struct zs_score;
struct zs_tfo_peer;

/* Fixed-size objects by index; free ones are chained through their first four bytes. */
struct zs_slab {
	char *mem;
	uint32_t size, cap;
	uint32_t high; /* never used from here on: untouched memory */
	uint32_t free; /* head of the free chain, UINT32_MAX = none */
	uint32_t live;
};

enum { ZS_PORT_HASH = 1024, ZS_NEXT_PORTS = 256, ZS_HALF_LEVELS = 8 };

struct zs_tcptab {
	struct zs_slab tcbs, halves, tws, listeners;
	struct zs_pace *paces;			  /* likewise: zs_pace.h */
	struct zs_score *scores;		  /* of the tcb with the same index: zs_score.h */
	struct zs_list port_hash[ZS_PORT_HASH];	  /* bound local ports: tcbs by port_link */
	struct zs_list listen_hash[ZS_PORT_HASH]; /* listeners by hash_link */
	uint32_t next_port[ZS_NEXT_PORTS];	  /* of connect: less than the ports' number */
	struct zs_list half_fifo[ZS_HALF_LEVELS]; /* half-open entries by retransmissions done */
	struct zs_list tw_fifo;			  /* TIME-WAIT entries, oldest first */
	struct zs_timer half_timer, tw_timer;
	struct zs_tfo_peer *tfo_peers; /* zs_tfo.c */
	uint32_t tfo_pending;	       /* connections of Fast Open in SYN-RECEIVED */
	bool flows_changed;	       /* a flow entry came or went since the burst was looked up */
};

#endif
