/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Counters of one stack. Every packet that is not used for what it says has a reason here; every
 * payload byte that the library copies is counted in `copies`.
 */
#ifndef ZS_STATS_H
#define ZS_STATS_H

#include <stdint.h>

enum zs_drop {
	ZS_DROP_ETH_SHORT,    /* frame shorter than its headers */
	ZS_DROP_ETH_TYPE,     /* EtherType that nobody here speaks */
	ZS_DROP_ETH_NOT_OURS, /* unicast to another MAC address */
	ZS_DROP_ARP_BAD,      /* not Ethernet/IPv4, bad lengths or operation */
	ZS_DROP_ARP_NOT_OURS, /* neither asks for nor tells of an address we care about */
	ZS_DROP_IP_HEADER,    /* version, header length, total length */
	ZS_DROP_IP_CKSUM,
	ZS_DROP_IP_NOT_OURS,  /* destination is not our address */
	ZS_DROP_IP_TENTATIVE, /* destination is one that we still ask for (RFC 4862 5.4) */
	ZS_DROP_IP_SOURCE,    /* source is multicast, broadcast, loopback or our own */
	ZS_DROP_IP_PROTO,     /* protocol that nobody here speaks (answered by ICMP) */
	ZS_DROP_FRAG_BAD,     /* overlapping, oversized or tiny fragment */
	ZS_DROP_FRAG_FULL,    /* reassembly memory exhausted */
	ZS_DROP_FRAG_TIMEOUT,
	ZS_DROP_ICMP_BAD,
	ZS_DROP_ICMP_CKSUM,
	ZS_DROP_ICMP_IGNORED, /* type or quoted packet of no interest */
	ZS_DROP_ICMP_RATE,    /* our answer was suppressed by the rate limit */
	ZS_DROP_UDP_HEADER,
	ZS_DROP_UDP_CKSUM,
	ZS_DROP_UDP_NO_SOCKET,
	ZS_DROP_UDP_FULL,   /* receive buffer of the socket is full, or the pool is low */
	ZS_DROP_UDP_ERRORS, /* an error that had no room in the queue of the socket */
	ZS_DROP_TCP_HEADER,
	ZS_DROP_TCP_CKSUM,
	ZS_DROP_TCP_NO_CONN,	 /* no connection and no listener (answered by RST unless RST) */
	ZS_DROP_TCP_WINDOW,	 /* unacceptable sequence number (RFC 9293 3.10.7.4 first) */
	ZS_DROP_TCP_PAWS,	 /* RFC 7323 5.3, or no timestamp although negotiated (3.2) */
	ZS_DROP_TCP_NO_ACK,	 /* ACK bit off in a synchronized state */
	ZS_DROP_TCP_BAD_ACK,	 /* acknowledges what was not sent, or too old (RFC 5961 5.2) */
	ZS_DROP_TCP_RST,	 /* RST consumed: valid or challenged */
	ZS_DROP_TCP_SYN,	 /* SYN in a synchronized state: challenged (RFC 5961 4) */
	ZS_DROP_TCP_SYN_FULL,	 /* SYN queue full */
	ZS_DROP_TCP_ACCEPT_FULL, /* accept queue full */
	ZS_DROP_TCP_NO_TCB,	 /* connection table full */
	ZS_DROP_TCP_DUP,	 /* nothing new in the segment */
	ZS_DROP_TCP_OOO_FULL,	 /* out-of-order queue over its bounds */
	ZS_DROP_TCP_RCVBUF,	 /* receive memory exhausted */
	ZS_DROP_TCP_CLOSED,	 /* data after the application closed */
	ZS_DROP_TCP_STATE,	 /* segment has no meaning in this state */
	ZS_DROP_NEIGH_FULL,	 /* waiting room of an unresolved neighbour is full */
	ZS_DROP_NEIGH_FAILED,	 /* neighbour did not answer */
	ZS_DROP_NO_ROUTE,
	ZS_DROP_NO_MBUF,       /* pool empty while building a packet */
	ZS_DROP_TX_FULL,       /* staging queue full because the device does not take packets */
	ZS_DROP_TX_TOO_BIG,    /* larger than the MTU and not to be fragmented */
	ZS_DROP_HANDOVER_FULL, /* the ring to the lcore that the packet belongs to */
	ZS_DROP_BY_APP,	       /* the application's dispatcher said so */
	ZS_DROP_COUNT
};

/* Short lower-case name, such as "tcp_window". */
const char *zs_drop_name(enum zs_drop why);

struct zs_stats {
	uint64_t rx_packets, rx_bytes, tx_packets, tx_bytes;
	uint64_t tx_refused;	/* packets that env->tx did not take at once */
	uint64_t copies;	/* payload bytes copied by the library */
	uint64_t tx_in_place;	/* segments whose header went into the buffer's headroom */
	uint64_t tx_indirect;	/* segments built of a header mbuf and references */
	uint64_t tx_tso;	/* packets of several segments, for the device to cut */
	uint64_t tx_linearized; /* packets made contiguous: the device takes fewer buffers */
	uint64_t tcp_segs_in, tcp_segs_out, tcp_segs_retx, tcp_acks_out;
	uint64_t tcp_bytes_in, tcp_bytes_out;
	uint64_t tcp_conns_opened, tcp_conns_accepted, tcp_conns_closed, tcp_conns_reset;
	uint64_t tcp_rto, tcp_fast_retx, tcp_lost_retx, tcp_tlp, tcp_undo, tcp_black_holes,
		tcp_dsack_in, tcp_probes, tcp_rst_out, tcp_challenge;
	uint64_t tcp_cookies_out, tcp_cookies_in; /* SYN cookies: given out, and back */
	uint64_t tcp_ecn_ce, tcp_ecn_cuts;	  /* marked segments; windows reduced for an echo */
	uint64_t tcp_fast_path;			  /* segments taken by header prediction */
	uint64_t allocs;			  /* mbufs allocated by the stack for sending */
	uint64_t arp_conflicts; /* someone else spoke in the name of our address */
	uint64_t nd_conflicts;	/* the same with IPv6, or has an address that we tried */
	uint64_t drops[ZS_DROP_COUNT];
};

#endif
