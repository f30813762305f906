/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One pass over a received frame. After zs_parse() nobody reads a length field from the packet
 * again: everything that the layers above need is in struct zs_pktinfo, checked.
 */
#ifndef ZS_PARSE_H
#define ZS_PARSE_H

#include <stdint.h>

#include "core/zs_flow.h"
#include "core/zs_stats.h"
#include "wire/zs_tcpopt.h"

struct rte_mbuf;
struct zs_stack;
struct zs_netif;

enum zs_pkt_kind {
	ZS_PKT_DROP,
	ZS_PKT_ARP,
	ZS_PKT_TCP,
	ZS_PKT_UDP,
	ZS_PKT_ICMP,
	ZS_PKT_ICMP6,
	ZS_PKT_FRAG,
	ZS_PKT_IP_OTHER,
	ZS_PKT_PROBLEM, /* IPv6 that is dropped and whose sender is told why */
	ZS_PKT_STRAY	/* TCP of no flow here, and other stacks may know it; set by the look-up */
};

struct zs_pktinfo {
	struct zs_flow flow; /* TCP, UDP: ports set. Others: addresses */
	uint32_t hash;	     /* of flow; TCP and UDP only */
	uint8_t kind;	     /* enum zs_pkt_kind */
	uint8_t tcp_flags;   /* enum zs_tcp_flag */
	uint8_t drop;	     /* ZS_PKT_DROP: enum zs_drop */
	uint8_t tos;	     /* type of service, with the ECN field (RFC 3168) */
	bool bcast; /* link-layer or IP broadcast or multicast: never answered by an error */
	uint8_t ttl;
	uint16_t l3_off; /* offsets from the start of the frame */
	uint16_t l4_off;
	uint16_t data_off; /* payload: first byte behind the transport header */
	uint32_t data_len; /* payload bytes; the mbuf is already trimmed to the IP length */
	uint32_t seq, ack;
	uint32_t wnd; /* as on the wire, unscaled */
	/* IPv6, offsets in the frame */
	uint16_t next_at;	    /* byte that names the upper layer's protocol */
	uint16_t frag_off, frag_at; /* ZS_PKT_FRAG: fragment header, and the byte that names it */
	uint16_t problem_off;	    /* ZS_PKT_PROBLEM: what is wrong */
	uint8_t problem;	    /* enum zs_param6_code + 1 */
	bool frag_header;	    /* it has one, if only for the whole packet (RFC 6946) */
	struct zs_netif *nif;
	struct zs_tcpopt opt;
	void *ref;	  /* stage C: what the flow table found, NULL = nothing */
	uint8_t ref_kind; /* enum zs_ref_kind */
};

/*
 * Borrows m; fills pi; trims link-layer padding off m. Checks lengths, addresses and checksums (the
 * device's verdict where the port's offloads say so, else in software). A frame of no use gets
 * kind ZS_PKT_DROP and its reason in pi->drop.
 */
void zs_parse(struct zs_stack *s, struct zs_netif *nif, struct rte_mbuf *m, struct zs_pktinfo *pi);

#endif
