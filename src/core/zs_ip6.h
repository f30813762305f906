/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * IPv6: addresses of interfaces and what becomes of them (RFC 4862), output and fragments (RFC
 * 8200), errors (RFC 4443), neighbours and routers (RFC 4861), groups (RFC 3810).
 */
#ifndef ZS_IP6_H
#define ZS_IP6_H

#include "base/zs_ip6addr.h"
#include "core/zs_env.h"
#include "core/zs_timer.h"
#include "wire/zs_hdr.h"

struct rte_mbuf;
struct zs_ip_way;
struct zs_stack;
struct zs_netif;
struct zs_pktinfo;

/* Bytes in front of the transport header. */
enum { ZS_L36_OFF = sizeof(struct zs_eth_hdr) + sizeof(struct zs_ip6_hdr) };

enum { ZS_IF6_ADDRS = 16, ZS_IF6_GROUPS = 40, ZS_IF6_PREFIXES = 8, ZS_IF6_ROUTERS = 4 };

enum zs_addr6_state {
	ZS_A6_FREE,
	ZS_A6_TENTATIVE,  /* not ours before nobody objected (RFC 4862 5.4) */
	ZS_A6_PREFERRED,  /* ours, for new connections too */
	ZS_A6_DEPRECATED, /* ours, for those there are */
	ZS_A6_DUPLICATE,  /* somebody else's */
};

struct zs_addr6 {
	struct zs_addr addr; /* with its zone */
	struct zs_timer timer;
	uint64_t preferred_us, valid_us; /* until when; UINT64_MAX = for ever */
	uint8_t state;			 /* enum zs_addr6_state */
	uint8_t prefix_len, probes;	 /* probes: sent */
	bool automatic;			 /* made of a router's prefix */
};

/* A group that this host listens to. */
struct zs_group6 {
	struct zs_addr addr;
	uint16_t users;	 /* 0 = left; and free when that needs no more reports */
	uint8_t reports; /* still to be sent of its beginning or end (RFC 3810 6.1) */
};

/* What a router says to be on link. */
struct zs_prefix6 {
	struct zs_addr prefix; /* any = free */
	uint64_t valid_us;
	uint8_t len;
	bool routed; /* the route is ours to take away */
};

struct zs_router6 {
	struct zs_addr addr; /* any = free */
	uint64_t until_us;
};

struct zs_if6 {
	bool on;
	bool failed; /* the link-local address is somebody else's: no IPv6 here (RFC 4862 5.4.5) */
	uint8_t hop_limit;     /* of what is sent, from a router; 0 = the stack's */
	uint8_t solicits;      /* router solicitations sent */
	uint16_t mtu;	       /* from a router; 0 = the interface's */
	uint32_t reachable_us; /* drawn from the base (RFC 4861 6.3.2) */
	uint32_t reachable_base_us, retrans_us;
	struct zs_addr6 addr[ZS_IF6_ADDRS]; /* the first is the link-local one */
	struct zs_group6 group[ZS_IF6_GROUPS];
	struct zs_prefix6 prefix[ZS_IF6_PREFIXES];
	struct zs_router6 router[ZS_IF6_ROUTERS];
	struct zs_addr gateway; /* the router that the default route leads to; any = none */
	struct zs_timer rs_timer, life_timer, mld_timer;
	uint64_t mld_answer_us;	  /* when all groups are reported, in answer to a query; 0 = not */
	uint64_t mld_v1_until_us; /* a router speaks version 1 */
	uint16_t index;
};

struct zs_ip6_table {
	struct zs_if6 nif[ZS_MAX_PORTS];
	uint32_t frag_id;
};

int zs_ip6_init(struct zs_stack *s);
void zs_ip6_fini(struct zs_stack *s);
/* After zs_netif_init(): the addresses of the configuration. -EINVAL, -ENOSPC. */
int zs_ip6_config(struct zs_stack *s, struct zs_netif *nif, const struct zs_ip6_config *cfg);

/* ---- addresses (zs_addr6.c) ---- */

/* NULL: no IPv6 on this interface (or the loopback one). */
struct zs_if6 *zs_if6(const struct zs_stack *s, const struct zs_netif *nif);

/* -ENOSPC: the interface has ZS_IF6_ADDRS. */
int zs_addr6_add(struct zs_stack *s, struct zs_netif *nif, const struct zs_addr *addr,
		 uint8_t prefix_len, uint64_t preferred_us, uint64_t valid_us, bool automatic);
void zs_addr6_del(struct zs_stack *s, struct zs_netif *nif, struct zs_addr6 *a);
/* In any state; NULL: not on this interface. */
struct zs_addr6 *zs_addr6_find(const struct zs_stack *s, const struct zs_netif *nif,
			       const struct zs_addr *addr);
/* New lifetimes. */
void zs_addr6_life(struct zs_stack *s, struct zs_addr6 *a, uint64_t preferred_us,
		   uint64_t valid_us);
/* Ours and not tentative. */
bool zs_addr6_usable(const struct zs_addr6 *a);
bool zs_is_own_ip6(const struct zs_stack *s, const struct zs_addr *addr);
/* RFC 6724 5. False: there is none. */
bool zs_source_ip6(const struct zs_stack *s, const struct zs_netif *nif, const struct zs_addr *dst,
		   struct zs_addr *src);
/* The link came up: addresses are tried once more, routers asked, groups reported. */
void zs_ip6_link_up(struct zs_stack *s, struct zs_netif *nif);
/* Someone else has it. */
void zs_dad_failed(struct zs_stack *s, struct zs_netif *nif, struct zs_addr6 *a);

/* ---- output (zs_ip6.c) ---- */

/*
 * Consumes m, as zs_ip4_output() does. Larger than the path's MTU: fragments of this host (RFC 8200
 * 5). An ICMPv6 message gets its checksum here. hop 0: the interface's own limit. 0, -ENETUNREACH,
 * -EADDRNOTAVAIL, -EMSGSIZE, -EINVAL, -ENOBUFS.
 */
int zs_ip6_output(struct zs_stack *s, struct rte_mbuf *m, const struct zs_addr *src,
		  const struct zs_addr *dst, uint8_t proto, uint8_t hop, uint8_t tclass);
/* What the interface's router says, or the stack's. */
uint8_t zs_hop_limit(const struct zs_stack *s, const struct zs_netif *nif);
/* Of either family. */
int zs_ip_output_by(struct zs_stack *s, struct rte_mbuf *m, const struct zs_ip_way *way,
		    uint8_t family, const struct zs_addr *src, const struct zs_addr *dst,
		    uint8_t proto, uint8_t ttl, uint8_t tos);
/*
 * Consumes m, an ICMPv6 message for the link itself: by this interface, from src even if that is
 * any (RFC 4861 7.2.2, 4862 5.4.2), hop limit 255; or, to tell routers of groups, with a router
 * alert and hop limit 1 (RFC 3810 5). to: NULL = as the table of neighbours says.
 */
void zs_ip6_send_link(struct zs_stack *s, struct zs_netif *nif, struct rte_mbuf *m,
		      const struct zs_addr *src, const struct zs_addr *dst, const struct zs_mac *to,
		      bool alert);
/* An empty ICMPv6 message of len bytes for it, zeroed but for type; NULL (counted). */
struct rte_mbuf *zs_icmp6_alloc(struct zs_stack *s, uint8_t type, unsigned len);

/* ---- ICMPv6 (zs_icmp6.c) ---- */

/* Consumes m, parsed as ZS_PKT_ICMP6. */
void zs_icmp6_input(struct zs_stack *s, struct rte_mbuf *m, struct zs_pktinfo *pi);
/* Borrow m, as received; silent where RFC 4443 2.4 (e) wants silence, and rate-limited. */
void zs_icmp6_send_error(struct zs_stack *s, struct rte_mbuf *m, const struct zs_pktinfo *pi,
			 uint8_t type, uint8_t code, uint32_t param);

/* Borrows m, a frame of ours to a next hop on nif that does not answer: who sent it hears of it as
 * if a router had said so (RFC 4861 7.2.2). */
void zs_icmp6_unresolved(struct zs_stack *s, struct zs_netif *nif, const struct rte_mbuf *m);

/* ---- neighbours (zs_nd.c) ---- */

struct zs_neigh;

/* Borrow m. enum zs_drop: ZS_DROP_COUNT when the message was of use. */
unsigned zs_nd_input(struct zs_stack *s, const struct rte_mbuf *m, const struct zs_pktinfo *pi);
/* A message with `fixed` bytes in front of its options, all checked as RFC 4861 6.1 and 7.1 and RFC
 * 6980 5 want it of all; NULL: it is not. */
const uint8_t *zs_nd_message(const struct rte_mbuf *m, const struct zs_pktinfo *pi, uint32_t fixed,
			     uint32_t *n_opts);
/* Each option has a length, and stays within (RFC 4861 4.6). */
bool zs_nd_options_ok(const uint8_t *p, uint32_t len);
/* The next one of a type, with size bytes at least, from *off on, which moves behind it; of options
 * that are ok. */
const void *zs_nd_option(const uint8_t *p, uint32_t len, uint32_t *off, uint8_t type,
			 uint32_t size);
/* The sender says what MAC address it has. */
void zs_nd_learn_sender(struct zs_stack *s, const struct zs_pktinfo *pi, const uint8_t *opts,
			uint32_t n_opts);
void zs_nd_ask(struct zs_stack *s, const struct zs_neigh *n, bool unicast);
/* Probe of a tentative address. */
void zs_nd_probe(struct zs_stack *s, struct zs_netif *nif, const struct zs_addr *target);
/* Unsolicited advertisement (RFC 4861 7.2.6). */
void zs_nd_announce(struct zs_stack *s, struct zs_netif *nif, const struct zs_addr *target);

/* ---- routers (zs_rd.c) ---- */

void zs_rd_init(struct zs_if6 *i);
void zs_rd_start(struct zs_stack *s, struct zs_netif *nif);
unsigned zs_rd_input(struct zs_stack *s, const struct rte_mbuf *m, const struct zs_pktinfo *pi);
/* Draws the time that a neighbour counts as reachable; base 0: as usual. */
void zs_rd_reachable(struct zs_stack *s, struct zs_if6 *i, uint32_t base_ms);
/* It says that it is none. */
void zs_rd_not_router(struct zs_stack *s, struct zs_netif *nif, const struct zs_addr *addr);
/* A neighbour does not answer: if it is our router, another one may be. */
void zs_rd_unreachable(struct zs_stack *s, struct zs_netif *nif, const struct zs_addr *addr);

/* ---- groups (zs_mld.c) ---- */

void zs_mld_init(struct zs_if6 *i);
/* -ENOSPC. */
int zs_group6_join(struct zs_stack *s, struct zs_netif *nif, const struct zs_addr *group);
void zs_group6_leave(struct zs_stack *s, struct zs_netif *nif, const struct zs_addr *group);
/* Also those that nobody has to join: all nodes. */
bool zs_group6_member(const struct zs_stack *s, const struct zs_netif *nif,
		      const struct zs_addr *group);
unsigned zs_mld_input(struct zs_stack *s, const struct rte_mbuf *m, const struct zs_pktinfo *pi);
/* All groups are reported as new ones. */
void zs_mld_restart(struct zs_stack *s, struct zs_netif *nif);

/* ---- path MTU (zs_pmtu.c) ---- */

int zs_pmtu_init(struct zs_stack *s);
void zs_pmtu_fini(struct zs_stack *s);
/* What fits the link of nif: of IPv6 less than what it could, if a router says so. */
uint16_t zs_link_mtu(const struct zs_stack *s, const struct zs_netif *nif, uint8_t family);
/* What fits the path to dst that begins with this MTU. */
uint16_t zs_pmtu(const struct zs_stack *s, uint8_t family, const struct zs_addr *dst, uint16_t mtu);
/* A router says so; only ever less (RFC 8201 4), for ten minutes. */
void zs_pmtu_lower(struct zs_stack *s, uint8_t family, const struct zs_addr *dst, uint32_t mtu);

#endif
