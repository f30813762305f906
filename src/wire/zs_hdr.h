/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Header layouts on the wire: Ethernet II, 802.1Q, ARP (RFC 826), IPv4 (RFC 791), ICMP (RFC 792),
 * IPv6 (RFC 8200), ICMPv6 (RFC 4443), UDP (RFC 768), TCP (RFC 9293). Multi-byte fields are big
 * endian and say so in their name; the rest of the tree sees host order only.
 */
#ifndef ZS_HDR_H
#define ZS_HDR_H

#include <stdint.h>

/* At any address: headers go in front of payload that may begin at an odd one. */
#define ZS_WIRE __attribute__((packed, may_alias))

struct zs_mac {
	uint8_t b[6];
};

enum zs_ethertype {
	ZS_ETH_IP4 = 0x0800,
	ZS_ETH_ARP = 0x0806,
	ZS_ETH_VLAN = 0x8100,
	ZS_ETH_IP6 = 0x86dd,
};

struct zs_eth_hdr {
	struct zs_mac dst, src;
	uint16_t type_be;
} ZS_WIRE;
_Static_assert(sizeof(struct zs_eth_hdr) == 14, "Ethernet header");

struct zs_vlan_hdr {
	uint16_t tci_be;
	uint16_t type_be;
} ZS_WIRE;

enum zs_arp_op { ZS_ARP_REQUEST = 1, ZS_ARP_REPLY = 2 };

struct zs_arp_hdr {
	uint16_t htype_be, ptype_be;
	uint8_t hlen, plen;
	uint16_t op_be;
	struct zs_mac sha;
	uint8_t spa[4];
	struct zs_mac tha;
	uint8_t tpa[4];
} ZS_WIRE;
_Static_assert(sizeof(struct zs_arp_hdr) == 28, "ARP packet");

enum zs_ipproto {
	ZS_PROTO_ICMP = 1,
	ZS_PROTO_IGMP = 2,
	ZS_PROTO_TCP = 6,
	ZS_PROTO_UDP = 17,
	ZS_PROTO_ICMP6 = 58
};

enum { ZS_IP4_DF = 0x4000, ZS_IP4_MF = 0x2000, ZS_IP4_OFFMASK = 0x1fff };

struct zs_ip4_hdr {
	uint8_t ver_ihl, tos;
	uint16_t len_be, id_be, frag_be;
	uint8_t ttl, proto;
	uint16_t cksum; /* stored as computed: no byte order */
	uint32_t src_be, dst_be;
} ZS_WIRE;
_Static_assert(sizeof(struct zs_ip4_hdr) == 20, "IPv4 header");

enum { ZS_IP6_VERSION = 6, ZS_IP6_MIN_MTU = 1280 };

struct zs_ip6_hdr {
	uint32_t vtf_be;   /* version 4 bits, traffic class 8, flow label 20 */
	uint16_t plen_be;  /* all that follows this header */
	uint8_t next, hop; /* next: enum zs_ipproto or enum zs_ip6_ext */
	uint8_t src[16], dst[16];
} ZS_WIRE;
_Static_assert(sizeof(struct zs_ip6_hdr) == 40, "IPv6 header");

enum zs_ip6_ext {
	ZS_EXT_HOPOPTS = 0,
	ZS_EXT_ROUTING = 43,
	ZS_EXT_FRAGMENT = 44,
	ZS_EXT_ESP = 50,
	ZS_EXT_AH = 51,
	ZS_EXT_NONE = 59,
	ZS_EXT_DSTOPTS = 60,
};

/* Hop-by-hop and destination options, routing: so they all begin. */
struct zs_ip6_ext_hdr {
	uint8_t next;
	uint8_t len; /* in 8 bytes, without the first 8 */
} ZS_WIRE;

enum { ZS_IP6_MF = 1, ZS_IP6_OFFMASK = 0xfff8 };

struct zs_ip6_frag_hdr {
	uint8_t next, reserved;
	uint16_t off_be; /* offset in bytes, ZS_IP6_OFFMASK, and ZS_IP6_MF */
	uint32_t id_be;
} ZS_WIRE;
_Static_assert(sizeof(struct zs_ip6_frag_hdr) == 8, "fragment header");

enum zs_icmp_type {
	ZS_ICMP_ECHO_REPLY = 0,
	ZS_ICMP_UNREACH = 3,
	ZS_ICMP_ECHO = 8,
	ZS_ICMP_TIME_EXCEEDED = 11,
	ZS_ICMP_PARAM_PROBLEM = 12,
};

enum zs_icmp_unreach_code {
	ZS_UNREACH_NET = 0,
	ZS_UNREACH_HOST = 1,
	ZS_UNREACH_PROTO = 2,
	ZS_UNREACH_PORT = 3,
	ZS_UNREACH_FRAG_NEEDED = 4,
	ZS_UNREACH_NET_PROHIB = 9,
	ZS_UNREACH_HOST_PROHIB = 10,
	ZS_UNREACH_ADMIN_PROHIB = 13,
};

enum zs_icmp6_type {
	ZS_ICMP6_UNREACH = 1,
	ZS_ICMP6_TOO_BIG = 2,
	ZS_ICMP6_TIME_EXCEEDED = 3,
	ZS_ICMP6_PARAM_PROBLEM = 4,
	ZS_ICMP6_INFO = 128, /* from here on no errors */
	ZS_ICMP6_ECHO = 128,
	ZS_ICMP6_ECHO_REPLY = 129,
	ZS_MLD_QUERY = 130,
	ZS_MLD_REPORT = 131, /* of version 1 (RFC 2710), and so is the next one */
	ZS_MLD_DONE = 132,
	ZS_ND_ROUTER_SOLICIT = 133,
	ZS_ND_ROUTER_ADVERT = 134,
	ZS_ND_SOLICIT = 135,
	ZS_ND_ADVERT = 136,
	ZS_ND_REDIRECT = 137,
	ZS_MLD2_REPORT = 143,
};

enum zs_unreach6_code {
	ZS_UNREACH6_NO_ROUTE = 0,
	ZS_UNREACH6_PROHIB = 1,
	ZS_UNREACH6_ADDR = 3,
	ZS_UNREACH6_PORT = 4,
	ZS_UNREACH6_POLICY = 5,
	ZS_UNREACH6_REJECT = 6,
};

enum zs_param6_code { ZS_PARAM6_HEADER = 0, ZS_PARAM6_NEXT = 1, ZS_PARAM6_OPTION = 2 };

/* param: the group, or the number of records of a report (RFC 2236 2, RFC 3376 4). */
struct zs_igmp_hdr {
	uint8_t type, code;
	uint16_t cksum;
	uint32_t param_be;
} ZS_WIRE;
_Static_assert(sizeof(struct zs_igmp_hdr) == 8, "IGMP header");

/* The second word of an ICMPv6 message is its own: of errors, MTU or pointer. */
struct zs_icmp6_hdr {
	uint8_t type, code;
	uint16_t cksum;
	uint32_t param_be;
} ZS_WIRE;
_Static_assert(sizeof(struct zs_icmp6_hdr) == 8, "ICMPv6 header");

enum zs_nd_flag { ZS_NA_ROUTER = 0x80, ZS_NA_SOLICITED = 0x40, ZS_NA_OVERRIDE = 0x20 };

/* Neighbour solicitation and advertisement (RFC 4861 4.3, 4.4). */
struct zs_nd_hdr {
	uint8_t type, code;
	uint16_t cksum;
	uint8_t flags, reserved[3];
	uint8_t target[16];
} ZS_WIRE;

/* Router advertisement (RFC 4861 4.2). */
struct zs_ra_hdr {
	uint8_t type, code;
	uint16_t cksum;
	uint8_t hop_limit, flags;
	uint16_t lifetime_be;
	uint32_t reachable_be, retrans_be; /* ms */
} ZS_WIRE;

struct zs_redirect_hdr {
	uint8_t type, code;
	uint16_t cksum;
	uint32_t reserved;
	uint8_t target[16], dst[16];
} ZS_WIRE;

enum zs_nd_opt {
	ZS_NDOPT_SOURCE = 1,
	ZS_NDOPT_TARGET = 2,
	ZS_NDOPT_PREFIX = 3,
	ZS_NDOPT_MTU = 5,
};

struct zs_ndopt_mac {
	uint8_t type, len;
	struct zs_mac mac;
} ZS_WIRE;

enum { ZS_PREFIX_ON_LINK = 0x80, ZS_PREFIX_AUTO = 0x40 };

struct zs_ndopt_prefix {
	uint8_t type, len, prefix_len, flags;
	uint32_t valid_be, preferred_be; /* s */
	uint32_t reserved;
	uint8_t prefix[16];
} ZS_WIRE;
_Static_assert(sizeof(struct zs_ndopt_prefix) == 32, "prefix information");

struct zs_ndopt_mtu {
	uint8_t type, len;
	uint16_t reserved;
	uint32_t mtu_be;
} ZS_WIRE;

struct zs_icmp_hdr {
	uint8_t type, code;
	uint16_t cksum;
	uint16_t id_be;	 /* echo: identifier; unreachable: unused */
	uint16_t seq_be; /* echo: sequence number; fragmentation needed: next-hop MTU (RFC 1191) */
} ZS_WIRE;
_Static_assert(sizeof(struct zs_icmp_hdr) == 8, "ICMP header");

struct zs_udp_hdr {
	uint16_t sport_be, dport_be, len_be;
	uint16_t cksum; /* 0 = none */
} ZS_WIRE;
_Static_assert(sizeof(struct zs_udp_hdr) == 8, "UDP header");

enum zs_tcp_flag {
	ZS_FIN = 0x01,
	ZS_SYN = 0x02,
	ZS_RST = 0x04,
	ZS_PSH = 0x08,
	ZS_ACK = 0x10,
	ZS_URG = 0x20,
	ZS_ECE = 0x40,
	ZS_CWR = 0x80,
};

struct zs_tcp_hdr {
	uint16_t sport_be, dport_be;
	uint32_t seq_be, ack_be;
	uint8_t doff; /* header length in 32-bit words, in the upper four bits */
	uint8_t flags;
	uint16_t wnd_be;
	uint16_t cksum;
	uint16_t urg_be;
} ZS_WIRE;
_Static_assert(sizeof(struct zs_tcp_hdr) == 20, "TCP header");

#endif
