/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A stack per lcore on DPDK ports: EAL, buffer pools, ports, the loops that drive the stacks,
 * shutdown. The only part of the library that knows EAL and ethdev. All state hangs off struct
 * zs_dpdk, but EAL itself exists once per process: a second zs_dpdk_init() in one process is
 * -EALREADY.
 *
 * The loop of each lcore, as src/api runs it:
 *
 *	while (!zs_dpdk_stopping(d)) {
 *		next_us = zs_lcore_turn(lc);     receive, timers
 *		if (application_did_something())
 *			zs_lcore_mark_busy(lc);
 *		zs_lcore_flush(lc);              send
 *		zs_lcore_idle(lc, next_us);      nothing when the turn was busy
 *	}
 *
 * Buffers: all pools have a private area of ZS_PRIV_SIZE bytes, zero when the pool is made and
 * holding whatever its last user left there afterwards: who uses it writes it whole. Received
 * frames are in one segment where the driver allows it: the receive pool of a port has rooms for
 * one frame of its MTU.
 */
#ifndef ZS_DPDK_H
#define ZS_DPDK_H

#include <stdbool.h>
#include <stdint.h>

#include "core/zs_stack.h"

struct rte_mempool;
struct zs_dpdk;
struct zs_lcore;

enum zs_dpdk_huge {
	ZS_HUGE_AUTO, /* hugepages when the machine has free ones, else --no-huge */
	ZS_HUGE_ON,
	ZS_HUGE_OFF,
};

/* What an lcore without work does. */
enum zs_idle_mode {
	ZS_IDLE_ADAPTIVE,  /* polls for a while, then sleeps */
	ZS_IDLE_POLL,	   /* polls on, lending the CPU to others */
	ZS_IDLE_POWERSAVE, /* sleeps at once, and longer where nothing can wake it */
};

enum {
	/* Default room of the pools, bytes behind the headroom of RTE_PKTMBUF_HEADROOM. */
	ZS_DPDK_PKT_ROOM = 2048,
	ZS_DPDK_HDR_ROOM = 128,
	/*
	 * 16 KB of payload (a TLS record, a common block of files) and the text before it. Larger
	 * rooms would save little: a segment with TSO ends at 64 KB, and the send buffer is charged
	 * for rooms, not for what is in them.
	 */
	ZS_DPDK_BIG_ROOM = 16384 + 512,
	ZS_DPDK_DESCS = 1024, /* default length of a receive or transmit ring */
	ZS_MAX_LCORES = 64,
};

struct zs_dpdk_port {
	uint16_t port_id;      /* ethdev port */
	uint16_t mtu;	       /* IP bytes; 0 = what the device has (as a rule 1500) */
	uint16_t n_rxd, n_txd; /* descriptors, as far as the device allows; 0: ZS_DPDK_DESCS,
				* and to receive no fewer than the device recommends */
	uint32_t no_offloads;  /* enum zs_offload not to be used though advertised */
	uint16_t vlan;	       /* 1..4094: all packets carry its tag; 0 = none does */
	bool promiscuous;
	struct zs_mac mac; /* all zero = the device's own */
	uint32_t ip4_be;   /* 0 = no IPv4 */
	uint8_t ip4_prefix;
	uint32_t ip4_gw_be; /* 0 = none */
	uint8_t n_ip4_more; /* further addresses */
	uint32_t ip4_more_be[ZS_IP4_MORE];
	struct zs_ip6_config ip6;
};

/* An interface in a VLAN, beside others on its port. */
struct zs_dpdk_vlan {
	uint16_t port;		 /* index of the port */
	struct zs_dpdk_port net; /* its vlan and addresses; what else there is is the port's */
};

/* Fill with zs_dpdk_config_defaults() first. Nothing in it is kept after zs_dpdk_init(). */
struct zs_dpdk_config {
	const char *prog; /* argv[0] */

	/*
	 * EAL arguments, weakest first: our defaults; those that follow from the fields below;
	 * eal_argv; the words of eal_args; the words of the environment variable ZSTACK_EAL_ARGS.
	 * Words are separated by blanks, quotes and backslash as in sh. An option given again
	 * replaces the weaker one, and so do its alternatives (-l, -c, --lcores; -m, --socket-mem;
	 * --no-huge, --in-memory); devices (--vdev, -a, --allow) replace all weaker devices but
	 * bonds of them. Where nobody names a device and pci is false, the default device is a
	 * net_tap port with kernel interface zs0.
	 */
	const char *const *eal_argv;
	int n_eal_argv;
	const char *eal_args; /* may be NULL */
	bool pci;	      /* where nobody names a device: look on PCI */
	enum zs_dpdk_huge huge;
	uint32_t mem_mb;     /* -m; 0 = as much as the pools need */
	uint64_t lcore_mask; /* a stack on each CPU of it; 0 = one stack, wherever it may */
	bool procs; /* one process for each CPU of it (zs_procs.h) instead of a thread: this is */
	uint16_t proc_id; /* the one for the CPU of this number; 0 = the primary */
	bool numa;	  /* take memory from the node of each lcore's CPU; false = anywhere */
	bool signals;	  /* where nobody handles them: SIGINT, SIGTERM stop; SIGPIPE is ignored */

	/* buffers for each lcore; raised to what the rings may keep and some more */
	uint32_t n_pkt, n_hdr, n_big;
	uint16_t big_room;

	uint16_t n_ports; /* 1..ZS_MAX_PORTS */
	struct zs_dpdk_port port[ZS_MAX_PORTS];
	/* A port that has some is an interface of the stack by these only. Interfaces are numbered:
	 * ports, then VLANs. */
	uint16_t n_vlans;
	struct zs_dpdk_vlan vlan[ZS_MAX_PORTS];
	uint32_t kern_ip4_be; /* kernel side of the default tap; 0 = gateway, else first of net */

	/*
	 * Called when EAL runs and before ports are looked at: for devices that a program makes by
	 * itself (rings, bonds), in place of the default one. -errno ends zs_dpdk_init().
	 */
	int (*on_eal)(void *arg);
	void *on_eal_arg;

	enum zs_idle_mode idle;
	uint32_t idle_sleep_us; /* longest sleep; 0 = what the mode has */
	uint32_t close_ms;	/* zs_dpdk_fini(): time for connections to end orderly */
	struct zs_config stack; /* its netif[] and n_netifs are written by zs_dpdk_init() */
};

/*
 * One port, 10.18.0.2/24 (kernel side 10.18.0.1), MTU of the device, signals handled, stack by
 * zs_config_defaults().
 */
void zs_dpdk_config_defaults(struct zs_dpdk_config *cfg);

/*
 * Starts EAL, makes pools, starts ports, creates a stack for each lcore of EAL. On failure says why
 * on stderr ("zstack: port 0: ..."), leaves nothing behind and returns -errno. The calling thread
 * becomes EAL's main thread and must be the one that runs the loop of lcore 0.
 */
int zs_dpdk_init(struct zs_dpdk **out, const struct zs_dpdk_config *cfg);

/*
 * Ends connections orderly for up to close_ms, resets the rest, destroys the stacks, stops and
 * closes the ports, frees the pools, cleans EAL up. The facade has closed its sockets before, and
 * no other thread runs any more. NULL allowed.
 */
void zs_dpdk_fini(struct zs_dpdk *d);

/* ---- lcores ---- */

/* Number 0 is the one of the thread that called zs_dpdk_init(). */
unsigned zs_dpdk_n_lcores(const struct zs_dpdk *d);
struct zs_lcore *zs_dpdk_lcore(const struct zs_dpdk *d, unsigned index);
unsigned zs_lcore_index(const struct zs_lcore *lc);

/*
 * Calls fn(lc, arg) for every lcore on its own thread, for number 0 on the calling one; returns
 * when all have returned. Until the first time lcore 0 gets whatever arrives on any queue; from
 * then on each stack gets its own packets, so all of them have to be driven.
 */
void zs_dpdk_run(struct zs_dpdk *d, void (*fn)(struct zs_lcore *lc, void *arg), void *arg);

/* For a main thread that leaves in the middle of zs_dpdk_run(): the others have returned. */
void zs_dpdk_wait(struct zs_dpdk *d);

/*
 * Begins a turn: reads the clock, receives one burst per port, fires timers; those that are late
 * let what waits in the queues come first. Returns 0 when the turn was busy, else the stack's next
 * deadline (stack clock; UINT64_MAX = none), for zs_lcore_idle().
 */
uint64_t zs_lcore_turn(struct zs_lcore *lc);

/* Sends what is due. */
void zs_lcore_flush(struct zs_lcore *lc);

/*
 * Ends a turn. Returns at once when the turn was busy; else pauses, or sleeps as the configuration
 * says (zs_idle.c): until a packet comes, another lcore hands something over, a signal, until_us
 * (stack clock), or some milliseconds are over, whatever is first.
 */
void zs_lcore_idle(struct zs_lcore *lc, uint64_t until_us);

/* What an lcore without work does from now on. On its own thread. */
void zs_lcore_set_idle(struct zs_lcore *lc, enum zs_idle_mode mode, uint32_t sleep_us);
enum zs_idle_mode zs_lcore_get_idle(const struct zs_lcore *lc, uint32_t *sleep_us);

/* The application did something in this turn: it counts as busy. */
void zs_lcore_mark_busy(struct zs_lcore *lc);

/* A signal asked the process to end, or zs_dpdk_stop() was called; by any thread. */
bool zs_dpdk_stopping(const struct zs_dpdk *d);
void zs_dpdk_stop(struct zs_dpdk *d);
/* Whoever sleeps has a turn now (a nap of some milliseconds at most ends first). Any thread. */
void zs_dpdk_wake(struct zs_dpdk *d);
void zs_lcore_wake(struct zs_lcore *lc);

/*
 * For a loop that is not ours: a descriptor that is readable when a turn is due, the same one each
 * time; -errno. zs_lcore_fd_arm(): from now on what arrives makes it readable, and nothing else
 * does; have one more turn afterwards, for what came before. zs_lcore_fd_at(): it is readable from
 * at_us (stack clock; 0 = now) on, or earlier when it is armed for earlier.
 */
int zs_lcore_fd(struct zs_lcore *lc);
void zs_lcore_fd_arm(struct zs_lcore *lc);
void zs_lcore_fd_at(struct zs_lcore *lc, uint64_t at_us);

/* From now on sleeps end when fd is readable too; -1: none. One at a time. */
void zs_lcore_watch(struct zs_lcore *lc, int fd);

/* fn sees every frame from now on, on whichever lcore it arrives; NULL: nobody does. */
void zs_dpdk_look_at_frames(struct zs_dpdk *d, zs_frame_fn fn, void *arg);
/* Sends a frame, Ethernet header included; copied. -ENODEV, -EMSGSIZE, -ENOBUFS. */
int zs_lcore_send_frame(struct zs_lcore *lc, uint16_t port_id, const void *data, size_t len);

struct zs_stack *zs_lcore_stack(struct zs_lcore *lc);

/* Microseconds of the stacks' clock, read now. */
uint64_t zs_lcore_clock_us(const struct zs_lcore *lc);

/*
 * A turn lasts from zs_lcore_turn() to zs_lcore_idle() (its pause not included) or to the next
 * zs_lcore_turn(), whichever comes first, so the application's work between them belongs to it. It
 * is busy when it received or sent a packet, a timer was due, or zs_lcore_mark_busy() was called.
 * Cycles are those of the TSC: busy cycles / requests is what a request costs the core; 1 -
 * busy_cycles / total_cycles is its spare time, slept_cycles / total_cycles what it leaves to
 * others.
 */
struct zs_lcore_stats {
	uint64_t turns, busy_turns;
	uint64_t total_cycles, busy_cycles; /* since init, or since zs_lcore_reset_stats() */
	uint64_t rx_packets, tx_packets, tx_refused;
	uint64_t tx_malformed; /* dropped: the driver's rte_eth_tx_prepare() would not have them */
	uint64_t handed_over, taken_over;   /* packets given to, got from other lcores */
	uint64_t sleeps, slept_cycles;	    /* part of total_cycles */
	uint64_t wakes_packet, wakes_timer; /* how sleeps ended: timer = whatever else */
	uint64_t tsc_hz;
};

void zs_lcore_get_stats(const struct zs_lcore *lc, struct zs_lcore_stats *out);
void zs_lcore_reset_stats(struct zs_lcore *lc);

/* Counters of the device itself. -errno when it has none. */
struct zs_dpdk_port_stats {
	uint64_t rx_packets, tx_packets, rx_bytes, tx_bytes;
	uint64_t rx_missed, rx_errors, rx_nombuf, tx_errors;
};
int zs_dpdk_port_stats(const struct zs_dpdk *d, uint16_t index, struct zs_dpdk_port_stats *out);

/*
 * May buffers point into the application's own memory on all ports? 0, or -ENOTSUP: a device reads
 * memory by itself, or another process does (memif, virtio_user), or another lcore sends.
 */
int zs_dpdk_mem_map(const struct zs_dpdk *d);

/* Pools of lcore 0. */
struct zs_dpdk_pools {
	struct rte_mempool *pkt, *hdr, *big;
};
struct zs_dpdk_pools zs_dpdk_pools(const struct zs_dpdk *d);

/* From the first to the last buffer of all our pools; and whether p is in any memory of DPDK's. */
void zs_dpdk_buf_span(const struct zs_dpdk *d, uintptr_t *lo, uintptr_t *span);
bool zs_dpdk_is_mem(const void *p);

/* Buffers of all pools that are in use, receive rings included. */
uint32_t zs_dpdk_bufs_in_use(const struct zs_dpdk *d);

#endif
