/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the files of this folder share: struct zs_dpdk and struct zs_lcore themselves, and their
 * functions for each other.
 */
#ifndef ZS_DPDK_STATE_H
#define ZS_DPDK_STATE_H

#include <signal.h>

#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>
#include <rte_spinlock.h>

#include "port/dpdk/zs_dpdk.h"
#include "port/dpdk/zs_rss.h"

struct zs_eal_args;
struct zs_fan;
struct zs_pcap;
struct zs_procs;

enum {
	ZS_MAX_NODES = 8,
	ZS_PORT_GROUPS = 64,
	ZS_L2_OVERHEAD = 14 + 4, /* Ethernet header, one VLAN tag or the checksum */
};

/* What a driver needs that ethdev does not tell (zs_quirks.c). */
struct zs_quirks {
	uint32_t held;	     /* buffers that it keeps beyond its descriptors */
	uint32_t min_room;   /* of a receive buffer */
	uint32_t extra_room; /* beyond the frame */
	uint32_t max_mtu;
	uint16_t sent_max;    /* sent buffers after which it gives them back; 0: as it likes */
	const char *mtu_hint; /* for the message when max_mtu is exceeded */
	bool mtu_by_kernel;   /* set the MTU of the kernel interface, not through ethdev */
	bool page_bufs; /* every buffer of the packet pool has to be one page, without gaps between
			   them */
	uint16_t proc_queues; /* pairs that several processes can use */
	bool one_queue;	      /* how many there are its peer decides, later */
	bool no_prepare;      /* but for TSO */
	bool no_tx_cksum;
	bool no_tso;
	bool no_tx_vlan;
	bool no_multi_seg;
	bool mac_of_kernel; /* the device's address is that of the kernel's end of it */
	int rxsock_family;  /* of the kernel's socket that it has for each queue; 0: none */
};

/* A port of the stack. */
struct zs_ethport {
	uint16_t id;	       /* ethdev */
	uint16_t n_rxq, n_txq; /* queue q is lcore q's */
	bool rss;	       /* the device is asked to spread flows as zs_rss.h does */
	uint16_t n_rxd, n_txd;
	uint32_t held;	  /* buffers that the rings of a pair of queues can keep */
	bool intr;	  /* receive queues have interrupts, to be switched on for each sleep: */
	bool intr_switch; /* or they are always on */
	int rxsock[ZS_MAX_LCORES]; /* of each receive queue, the socket that serves as one; 0: none
				    */
	uint16_t mtu;
	struct zs_pcap *capture; /* of what is sent; NULL: none. Written by another thread */
	bool tx_prepare;	 /* the driver wants rte_eth_tx_prepare() before a burst */
	bool tso_prepare;	 /* likewise, when there is a TSO packet in it */
	bool configured, started;
	uint32_t offloads; /* enum zs_offload */
	struct zs_mac mac;
	struct rte_eth_dev_info info;
	struct zs_quirks quirks;
	unsigned n_groups; /* what the device's filter for groups lets in */
	struct rte_ether_addr groups[ZS_PORT_GROUPS];
};

/* The buffers of the lcores of one NUMA node: each has its cache in front of the shared pools. */
struct zs_node {
	int socket; /* or SOCKET_ID_ANY */
	uint16_t n_lcores;
	struct zs_dpdk_pools pools;
	struct rte_mempool *rx_pool[ZS_MAX_PORTS]; /* of ports with large frames, else NULL: pkt */
};

enum zs_idle_state {
	ZS_AWAKE,
	ZS_ARMED, /* interrupts are on; a turn from now on finds what came before */
	ZS_WOKEN, /* by time, or a signal */
	ZS_RUNG,  /* by an interrupt, or another lcore */
};

/* How an lcore sleeps (zs_idle.c). */
struct zs_idle {
	enum zs_idle_mode mode;
	enum zs_idle_state state;
	bool wakeable;	    /* whatever can arrive makes event or queues readable */
	bool for_nothing;   /* it was rung for, and there was no packet (yet) */
	uint32_t sleep_us;  /* longest sleep; 0 = the mode's */
	uint32_t spin_us;   /* how long it polls after the last work */
	uint64_t us_tsc;    /* cycles of a microsecond */
	int event;	    /* eventfd: others wake this lcore */
	int queues;	    /* epoll: interrupts of its receive queues, edge-triggered */
	unsigned n_rxsocks; /* sockets that serve as interrupts: polled beside it */
	int rxsock[ZS_MAX_PORTS];
	int out,
		timer; /* zs_lcore_fd(): epoll of the two above and the timer; -1 = not asked for */
	uint64_t out_us;   /* when the timer makes it readable */
	int foreign;	   /* of the application's waits: ends sleeps too; -1 = none */
	bool *need_wakeup; /* the one below, or in memory of several processes */
	/* Written by others too. */
	_Alignas(RTE_CACHE_LINE_SIZE) bool asleep;
};

/* A stack as others see it: what they leave for it, and what wakes it (zs_fanout.c). */
struct zs_box {
	int event;
	bool *need_wakeup;
	struct rte_ring *ring[1 + ZS_MAX_PORTS][ZS_MAX_LCORES]; /* what it is, and from whom */
};

/* An lcore: its stack and its loop. Only its own thread touches it, unless that does not run. */
struct zs_lcore {
	struct zs_dpdk *d;
	struct zs_stack *s;
	uint64_t tsc_base, us_base; /* the clock: us_base at tsc_base */
	uint64_t us_mul;	    /* microseconds per cycle, times 2^32 */
	uint64_t mark_tsc;	    /* time up to here is accounted for */
	uint64_t next_us;	    /* deadline told by the last zs_stack_run_timers() */
	uint64_t held_us;	    /* since when late timers wait for input; 0 = they do not */
	uint64_t work_tsc;	    /* end of the last turn that did more than fire a timer */
	uint32_t idle_turns;	    /* in a row */
	uint32_t links_down;	    /* lcore 0: ports whose links have not been up yet */
	uint64_t links_us;	    /* when to look again */
	uint16_t index;		    /* of its stack: in d->lcore, where this is the only process */
	uint16_t n_ports;
	bool busy;   /* this turn so far */
	bool worked; /* more than a timer was due: sleep is not near */
	bool aside;  /* packets do not simply go to the stack; written by others too */
	struct zs_lcore_stats stats;
	struct zs_fan *fan; /* NULL: the only lcore */
	struct zs_node *node;
	unsigned id; /* EAL's */
	struct zs_idle idle;
};

struct zs_dpdk {
	bool stop;   /* written by any thread */
	bool spread; /* every lcore gets its own packets; before, lcore 0 gets all */
	uint16_t n_ports, n_lcores, n_nodes;
	uint16_t n_stacks; /* of all processes */
	struct zs_lcore *lcore[ZS_MAX_LCORES];
	struct zs_node *node_of[ZS_MAX_LCORES]; /* of each stack */
	struct zs_box *box;			/* of each stack, where there are several */
	struct zs_procs *procs;			/* NULL: the only process */
	uint8_t tfo_key[16]; /* of all stacks, unless there is a configured one */
	struct zs_ethport port[ZS_MAX_PORTS];
	struct zs_node node[ZS_MAX_NODES];
	struct zs_rss rss;
	rte_spinlock_t groups_lock; /* of the ports' filters */
	struct zs_pcap *pcap;	    /* the capture that runs; NULL */
	uint64_t tsc_base;	    /* of all clocks */
	enum zs_idle_mode idle;
	zs_frame_fn look; /* NULL: nobody looks at frames before the stack */
	void *look_arg;
	int stop_fd; /* eventfd: readable for good once the process is to end */
	uint32_t close_ms;
	bool eal_up, signals;
	bool own_tap; /* the default device */
	uint16_t n_claims;
	int claim[ZS_MAX_PORTS]; /* of names of tap interfaces */
	struct sigaction old_int, old_term, old_pipe;
};

/* zs_dpdk.c: one line on stderr; returns rc. */
__attribute__((format(printf, 2, 3))) int zs_dpdk_fail(int rc, const char *fmt, ...);
__attribute__((format(printf, 1, 2))) void zs_dpdk_warn(const char *fmt, ...);
/* Lines below critical of the log type of that name are kept back, where refusal is an answer. What
 * it returns goes to zs_dpdk_unhush(). */
int zs_dpdk_hush(const char *log);
void zs_dpdk_unhush(const char *log, int level);

/* Are its frames those of VLANs alone? */
static inline bool zs_dpdk_has_vlan(const struct zs_dpdk_config *cfg, uint16_t port)
{
	for (uint16_t i = 0; i < cfg->n_vlans; i++)
		if (cfg->vlan[i].port == port)
			return true;
	return false;
}

/* zs_lcores.c. add: the lcores of this process, before ports and pools; start: their stacks, each
 * on its own thread, for memory comes from where it is touched first. */
int zs_lcores_add(struct zs_dpdk *d, const struct zs_dpdk_config *cfg);
int zs_lcores_start(struct zs_dpdk *d, const struct zs_dpdk_config *cfg);

/* zs_eal.c: what EAL is told. */
int zs_eal_compose(struct zs_dpdk *d, struct zs_eal_args *a, const struct zs_dpdk_config *cfg);

/* zs_pools.c */
uint32_t zs_pools_mem_mb(const struct zs_dpdk_config *cfg);
int zs_pools_create(struct zs_dpdk *d, const struct zs_dpdk_config *cfg);
void zs_pools_free(struct zs_dpdk *d);
/* The pool of port `index` for frames of `room` bytes on this node; NULL: no memory. */
struct rte_mempool *zs_pool_rx(struct zs_dpdk *d, struct zs_node *node, uint16_t index,
			       uint16_t room);

/* zs_ethport.c. check: before pools exist; start: needs them. stop undoes both. */
int zs_ethport_check(struct zs_dpdk *d, uint16_t index, const struct zs_dpdk_port *cfg);
int zs_ethport_start(struct zs_dpdk *d, uint16_t index, const struct zs_dpdk_port *cfg);
void zs_ethport_stop(struct zs_dpdk *d, uint16_t index);

void zs_quirks_get(const struct zs_ethport *p, struct zs_quirks *q);

/* zs_groups.c: env->groups. */
void zs_groups_set(void *ctx, uint16_t port, const struct zs_mac *macs, unsigned n);

/* zs_kernif.c: the kernel's end of a device. ifname by index of the interface; all -errno. */
int zs_kernif_get_mtu(unsigned if_index);
bool zs_kernif_runs(const char *name); /* up, and a tap: open somewhere */
/* Down, or without a carrier, or gone. */
bool zs_kernif_is_down(unsigned if_index);
/* The name is the caller's while the descriptor returned is open: -EADDRINUSE, another program's.
 * Names of abstract sockets are of a network namespace, as those of interfaces are. */
int zs_kernif_claim(const char *name);
int zs_kernif_set_mtu(unsigned if_index, uint16_t mtu);
/* Gives the kernel's end of a tap device a queue for thousands of connections, and an IPv4 address
 * when not 0; sets it up. */
int zs_kernif_setup(unsigned if_index, uint32_t ip4_be, uint8_t prefix);

/* zs_mem.c: memory of the stack. */
void *zs_mem_alloc(void *ctx, size_t size, size_t align);
void zs_mem_free(void *ctx, void *p);
/* Zeroed, for the lcores of a node, aligned to cache lines. */
void *zs_mem_near(const struct zs_dpdk *d, size_t size, int socket);
void zs_mem_near_free(const struct zs_dpdk *d, void *p);

/* zs_signal.c. A signal makes d->stop_fd readable. */
void zs_signal_catch(struct zs_dpdk *d);
void zs_signal_restore(struct zs_dpdk *d);
bool zs_signal_seen(void);

/* zs_loop.c; on the lcore's own thread. ctx of zs_loop_tx() is struct zs_lcore. */
void zs_loop_init(struct zs_lcore *lc);
uint16_t zs_loop_tx(void *ctx, uint16_t port, struct rte_mbuf **pkts, uint16_t n);

/* The receive queues [*first, *end) of a port that the lcore polls. */
static inline void zs_lcore_queues(const struct zs_lcore *lc, const struct zs_ethport *p,
				   uint16_t *first, uint16_t *end)
{
	*first = 0;
	*end = lc->fan == NULL ? 1 : p->n_rxq;
	if (lc->d->procs != NULL && lc->index == 0) {
		*end = p->n_rxq; /* as far as nobody else does: zs_procs_polls() */
	} else if (lc->d->spread && lc->fan != NULL) {
		*first = RTE_MIN(lc->index, p->n_rxq);
		*end = RTE_MIN(lc->index + 1, p->n_rxq);
	} else if (lc->index != 0) {
		*end = 0;
	}
}

/* zs_intr.c. Fills in p->rxsock[queue]; after the queue's setup, in order. */
void zs_intr_find_socket(const struct zs_dpdk *d, struct zs_ethport *p, uint16_t queue);
/* A started port: finds out whether its queues have interrupts; warns when they seem to and do not.
 */
void zs_intr_check_port(struct zs_ethport *p, uint16_t index);
/* Before the lcore's first turn, and whenever it polls other queues than before, or in another way.
 */
void zs_intr_watch(struct zs_lcore *lc);
void zs_intr_switch(const struct zs_lcore *lc, bool on);

/* zs_idle.c. init, on the lcore's own thread: -errno, said on stderr. */
int zs_idle_init(struct zs_lcore *lc, const struct zs_dpdk_config *cfg);
void zs_idle_fini(struct zs_lcore *lc);
/* Has it been without work for so long that it may sleep? idle_tsc: for how long, in cycles. */
static inline bool zs_idle_is_due(const struct zs_lcore *lc, uint64_t idle_tsc)
{
	const struct zs_idle *id = &lc->idle;

	return id->mode != ZS_IDLE_POLL && idle_tsc >= id->spin_us * id->us_tsc;
}
/* Sleeps until until_us at most, or gets ready to: then the next call sleeps. */
void zs_idle_sleep(struct zs_lcore *lc, uint64_t now_us, uint64_t until_us);
/* The end of a turn that began with another state than ZS_AWAKE. */
void zs_idle_turned(struct zs_lcore *lc);
/* Something was left for a stack: it has a turn soon, even if it sleeps. Any thread. */
void zs_idle_wake(const struct zs_box *box);

#endif
