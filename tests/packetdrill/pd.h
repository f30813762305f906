/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One stack behind packetdrill's plug-in interface, in virtual time that the tool drives.
 *
 * The tool has two threads. The main one runs the script and is the pump: whenever it waits, for a
 * packet or for a time, it moves our clock on. The other runs the one system call that a script
 * expects to block, and has to sleep in it. All entry points take the one lock; the clock never
 * runs on while a released call has not yet been seen to look at the time (pd_wake()).
 */
#ifndef PD_H
#define PD_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "api/zs_ctx.h"
#include "pd_ifc.h"
#include "zs_simpool.h"

enum { PD_MAX_FDS = 1024, PD_FD_BASE = 1 << 20 };

/* What the thread of blocking calls is doing. */
enum pd_call {
	PD_CALL_NONE,
	PD_CALL_RUNNING, /* in a call, or returned from one and has not looked at the time yet */
	PD_CALL_ASLEEP,
};

/* A packet on its way to the tool. */
struct pd_pkt {
	struct pd_pkt *next;
	uint64_t at_us;
	uint32_t len;
	uint8_t ip[];
};

struct pd {
	pthread_mutex_t lock;
	pthread_cond_t changed; /* of call */
	pthread_t main;
	enum pd_call call;
	uint64_t wake_us;  /* of the call that is asleep: its own deadline */
	uint64_t patience; /* until when a call of the main thread may wait */
	bool settling;	   /* a call was released: the tool's other thread has to note its end */
	bool given_up;	   /* it blocked longer than that */

	uint64_t now_us, next_us; /* the clock, and the stack's next deadline */
	struct zs_stack *s;	  /* NULL until the script begins */
	struct zs_ctx *ctx;
	struct zs_simpools pools;
	struct pd_pkt *out, **out_tail;
	uint8_t ask[128]; /* question of the stack that waits for an answer */
	uint32_t ask_len;

	uint32_t local_be; /* our addresses */
	struct zs_addr local6;
	uint16_t mtu;
	uint16_t mss;	    /* of large packets from the tool; 0 = it does not say */
	long flushes;	    /* bytes in the file that counts "ip tcp_metrics flush" */
	int fd[PD_MAX_FDS]; /* by kernel descriptor: ours, 0 = none */
};

/* ---- pd_world.c: stack, clock, packets ---- */

/* Takes the lock; the script's first call brings the stack up. Returns u. */
struct pd *pd_enter(void *u);
void pd_leave(struct pd *p);
/* Everything that is due now. */
void pd_run(struct pd *p);
/* The clock goes on to t_us, deadline by deadline. */
void pd_advance(struct pd *p, uint64_t t_us);
/* Lets the call that sleeps look again, and waits until it sleeps anew or has seen the time. */
void pd_wake(struct pd *p);
/* Earliest deadline of the stack or of a call that is asleep; UINT64_MAX = none. */
uint64_t pd_next(const struct pd *p);
/* A packet from the tool: an IP packet in a frame of its own. */
int pd_inject(struct pd *p, const void *ip, size_t n);
/* The same by its EtherType, and nothing else happens yet. */
void pd_give(struct pd *p, uint16_t type, const void *l3, uint32_t n);
void pd_stop(struct pd *p);
extern const uint8_t pd_peer_mac[6];

/* ---- pd_neigh.c ---- */

/* True: m is of the link itself, and not for the tool. */
bool pd_neigh_note(struct pd *p, const struct rte_mbuf *m);
/* Answers the question that waits. */
void pd_neigh_answer(struct pd *p);

/* ---- pd_hook.c ---- */

struct pd_hook {
	const char *name; /* NULL = the list ends */
	void (*to)(void);
};

/* The program's calls of these names come to us. */
void pd_hook(struct pd_hook *hooks);

/* ---- pd_options.c ---- */

/* Addresses and MTU, from the tool's options and the plug-in's flags. */
void pd_options(struct pd *p, const char *flags);

/* ---- pd_sysctl.c ---- */

/* Takes over what scripts set by sysctl in the network namespace that the tool runs in. */
void pd_sysctl(struct zs_config *cfg);
/* Forgets what was learned of peers, if a script has asked for it: see tests/packetdrill/run. */
void pd_metrics(struct pd *p);

/* ---- pd_calls.c ---- */

void pd_calls(struct packetdrill_interface *ifc);
/* getsockopt(), close() and sendfile() to a descriptor of ours. */
int pd_info(struct pd *p, int fd, int level, int name, void *val, socklen_t *len);
int pd_drop(struct pd *p, int fd);
ssize_t pd_sendfile(struct pd *p, int out, int in, off_t *off, size_t n);

/* ---- pd_plugin.c ---- */

void pd_forget(struct pd *p);

#endif
