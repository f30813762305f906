/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * All that the core knows of the world: memory at create time, buffer pools, a way to send, a seed;
 * and the configuration it runs by. Time comes as an argument of each entry point (zs_stack.h).
 */
#ifndef ZS_ENV_H
#define ZS_ENV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/zs_addr.h"
#include "wire/zs_hdr.h"

struct rte_mbuf;
struct rte_mempool;
struct zs_flow;

enum { ZS_MAX_PORTS = 8, ZS_BURST = 32 };

/* Why a packet may be for another stack on the same interfaces. */
enum zs_pass {
	ZS_PASS_WHOLE, /* put together of fragments: now its flow is known */
	ZS_PASS_STRAY, /* nothing here knows its flow */
};

struct zs_env {
	void *(*alloc)(void *ctx, size_t size, size_t align); /* create time only; zeroed memory */
	void (*free)(void *ctx, void *p);
	/* Owns the first `return` packets. Never blocks. n = 0, pkts = NULL: gives back
	 * buffers that it is done with, if it can. */
	uint16_t (*tx)(void *ctx, uint16_t port, struct rte_mbuf **pkts, uint16_t n);
	/* Takes m for another stack, as it arrived, and returns true; or leaves it. May be NULL. */
	bool (*pass_on)(void *ctx, uint16_t port, struct rte_mbuf *m, enum zs_pass why);
	/* What comes back of the flow will arrive at this stack: preferred by connect. May be NULL.
	 */
	bool (*rss_ok)(void *ctx, const struct zs_flow *flow);
	/* All group addresses that the device of a port is to let in. May be NULL. */
	void (*groups)(void *ctx, uint16_t port, const struct zs_mac *macs, unsigned n);
	void *ctx;
	struct rte_mempool *pkt_pool; /* room of one frame; private area of ZS_PRIV_SIZE, as all */
	struct rte_mempool *hdr_pool; /* room for headers only; also the source of indirect mbufs */
	struct rte_mempool *big_pool; /* large rooms; may equal pkt_pool */
	uint8_t seed[16];
};

/* What the device of a port does by itself; all else is done in software. */
enum zs_offload {
	ZS_OFF_RX_IP_CKSUM = 1u << 0, /* RX verdicts in ol_flags are to be believed */
	ZS_OFF_RX_L4_CKSUM = 1u << 1,
	ZS_OFF_TX_IP_CKSUM = 1u << 2,
	ZS_OFF_TX_TCP_CKSUM = 1u << 3,
	ZS_OFF_TX_UDP_CKSUM = 1u << 4,
	ZS_OFF_TX_MULTI_SEG = 1u << 5, /* without it, packets are made contiguous by a copy */
	ZS_OFF_TX_TSO = 1u << 6,       /* with TCP checksums and chains */
	ZS_OFF_RX_LRO = 1u << 7,       /* received packets may be longer than the MTU */
	ZS_OFF_TX_VLAN = 1u << 8,      /* inserts the tag of a VLAN */
	ZS_OFF_RX_VLAN = 1u << 9,      /* strips it */
};

/* IPv6 of an interface. The link-local address is made of its MAC address (RFC 4291 app. A). */
enum { ZS_IP6_STATIC = 9, ZS_IP4_MORE = 64 };
struct zs_ip6_config {
	bool on;
	bool autoconf;	    /* addresses and routers as routers advertise them (RFC 4862) */
	uint8_t dad_probes; /* of an address before it is ours; 0 = it is at once */
	uint8_t n_addr;
	uint8_t prefix[ZS_IP6_STATIC];	    /* 0..128 */
	struct zs_addr addr[ZS_IP6_STATIC]; /* without zone */
	struct zs_addr gw;		    /* any = none */
};

struct zs_netif_config {
	uint16_t port;	       /* index given to env->tx and zs_stack_input */
	uint16_t mtu;	       /* IP bytes: 68..65535 */
	uint16_t max_bufs;     /* of one packet that the device sends, or cuts off; 0 = no limit */
	uint16_t max_tso_bufs; /* of one that it cuts; 0 = no limit */
	uint16_t vlan;	       /* all that is sent and received is in this VLAN; 0 = none */
	uint32_t offloads;
	struct zs_mac mac;
	uint8_t ip4_prefix; /* 0..32 */
	uint32_t ip4_be;    /* 0 = no IPv4 */
	uint32_t ip4_gw_be; /* 0 = none */
	uint8_t n_ip4_more; /* further addresses, without a network of their own */
	uint32_t ip4_more_be[ZS_IP4_MORE];
	bool accept_any_dst; /* every unicast destination is ours (packet scripts) */
	struct zs_ip6_config ip6;
};

enum zs_cc_kind { ZS_CC_CUBIC, ZS_CC_NEWRENO, ZS_CC_DCTCP, ZS_CC_BBR, ZS_CC_COUNT };

/* Linux' name of a kind; and the kind of a name of len bytes, Linux' or FreeBSD's, or -ENOENT. */
const char *zs_cc_name(enum zs_cc_kind kind);
int zs_cc_by_name(const char *name, size_t len);

/* When a connection uses ECN (RFC 3168); FreeBSD's numbers. */
enum zs_ecn_mode {
	ZS_ECN_OFF,
	ZS_ECN_ON,
	ZS_ECN_PASSIVE, /* when the peer asks for it */
};

/* How the first slow start may end before it ends in losses. */
enum zs_hystart_mode {
	ZS_HYSTART_OFF,
	ZS_HYSTART_DELAY, /* at once when round trips grow (HyStart, RFC 9438 4.10) */
	ZS_HYSTART_PP,	  /* by and by, and back when it was noise (HyStart++, RFC 9406) */
};

/* Fast Open (RFC 7413). */
enum zs_tfo_mode {
	ZS_TFO_CLIENT = 0x1,
	ZS_TFO_SERVER = 0x2,
	ZS_TFO_CLIENT_NO_COOKIE = 0x4, /* sends data in the SYN without a cookie */
	ZS_TFO_NO_COOKIE = 0x200,      /* takes data of SYNs without one */
	ZS_TFO_ANY_LISTENER = 0x400,   /* also without TCP_FASTOPEN */
};

enum { ZS_PSH_WRITES = 255 }; /* in psh_segs: PSH on the last segment of a write alone */

/* Fill with zs_config_defaults() first. Sizes in bytes, times in microseconds. */
struct zs_config {
	uint32_t max_conns, max_half_open, max_time_wait, max_listeners, max_udp, max_neigh;
	uint32_t sndbuf, sndbuf_max; /* initial and autotuning limit */
	uint32_t rcvbuf, rcvbuf_max;
	uint32_t rto_min_us, rto_max_us, rto_initial_us;
	uint32_t delack_us;
	uint32_t notsent_lowat;	   /* TCP_NOTSENT_LOWAT of who does not say; 0 = no limit */
	uint32_t tlp_ack_delay_us; /* granted to the ACK of a single segment before a probe of it
				      (RFC 8985 7.2), if less has been learnt */
	uint32_t msl_us;	   /* TIME-WAIT lasts twice this */
	uint32_t fin_wait2_us;
	uint32_t keep_idle_ms, keep_intvl_ms, keep_count;
	uint8_t syn_retries, synack_retries, data_retries;
	uint8_t quickacks; /* segments acknowledged at once after the handshake */
	uint8_t initial_cwnd_segs;
	uint8_t cc;	     /* enum zs_cc_kind */
	uint8_t ecn;	     /* enum zs_ecn_mode */
	uint8_t ecn_retries; /* SYNs sent again that still ask for ECN */
	uint8_t hystart;     /* enum zs_hystart_mode */
	uint8_t psh_segs;    /* segments in a row without PSH at most; 0 = half a window, or
				ZS_PSH_WRITES */
	bool idle_restart;   /* the window of an idle connection shrinks (RFC 2861) */
	bool use_ts, use_sack, use_wscale;
	bool tolerate_missing_ts; /* segments without the timestamps agreed on are taken (RFC 7323
				     3.2: SHOULD be dropped) */
	bool pace;    /* algorithms that only know a window send it spread over the round trip */
	bool use_tlp; /* tail loss probes (RFC 8985 7) */
	bool mtu_black_holes; /* shorter segments after timeouts in a row (RFC 8899 4.3) */
	bool use_merge;	      /* segments of a burst that continue each other become one packet */
	bool syn_cookies;     /* when the SYN queue is full */
	bool tfo_key_set;     /* otherwise a key is drawn */
	uint8_t tfo_key[16];
	uint32_t tfo; /* enum zs_tfo_mode */
	uint8_t ttl;
	uint16_t ip_local_port_lo, ip_local_port_hi; /* ephemeral range (RFC 6056), inclusive */
	uint32_t icmp_rate;			     /* ICMP errors per second */
	uint32_t challenge_rate;   /* challenge ACKs per second (RFC 5961 7), on average */
	uint32_t challenge_gap_ms; /* of one connection after ten at once; 0 = no limit */
	uint16_t n_netifs;
	struct zs_netif_config netif[ZS_MAX_PORTS];
};

/* A frame as it arrived, for an application that looks at frames before the stack does. */
struct zs_frame {
	void *data;
	uint16_t len; /* may be changed when it becomes an answer */
	uint16_t lcore, n_lcores;
	bool vlan_stripped;
	uint16_t vlan_tci;
};
/* The lcore that is to have it; negative: nobody; ZS_FRAME_ANSWER: it goes back as it is now. */
typedef int (*zs_frame_fn)(void *arg, struct zs_frame *f);
enum { ZS_FRAME_ANSWER = -2 };

void zs_config_defaults(struct zs_config *cfg);

#endif
