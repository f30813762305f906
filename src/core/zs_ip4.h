/* SPDX-License-Identifier: BSD-3-Clause */
/* IPv4 output and reassembly (RFC 791, 1122 3.2.1, 6864), ICMP (RFC 792, 1122 3.2.2, 1812 4.3). */
#ifndef ZS_IP4_H
#define ZS_IP4_H

#include <stdbool.h>
#include <stdint.h>

#include "base/zs_addr.h"
#include "wire/zs_hdr.h"

struct rte_mbuf;
struct zs_stack;
struct zs_netif;
struct zs_pktinfo;

/* Bytes in front of the transport header. */
enum { ZS_L34_OFF = sizeof(struct zs_eth_hdr) + sizeof(struct zs_ip4_hdr) };

/*
 * Consumes m, which starts with the transport header (l4_len set, ol_flags assigned with the L4
 * checksum wish; the field itself is filled here). Prepends IPv4 and Ethernet headers into the
 * headroom of m, which must be writable, routes, and sends. Larger than the MTU: fragments made of
 * references, or drops with DF. src any = the interface's address.
 * Returns 0 or -ENETUNREACH, -EMSGSIZE, -ENOBUFS (m consumed all the same).
 */
int zs_ip4_output(struct zs_stack *s, struct rte_mbuf *m, const struct zs_addr *src,
		  const struct zs_addr *dst, uint8_t proto, uint8_t ttl, uint8_t tos, bool df);

/* How a packet leaves, where that is not as usual. */
struct zs_ip_way {
	struct zs_netif *nif; /* NULL = by the route */
	uint16_t mtu;	      /* what is longer is cut; 0 = the link's, of IPv6 the path's */
	bool df;	      /* IPv4: nobody may cut it */
};

int zs_ip4_output_by(struct zs_stack *s, struct rte_mbuf *m, const struct zs_ip_way *way,
		     const struct zs_addr *src, const struct zs_addr *dst, uint8_t proto,
		     uint8_t ttl, uint8_t tos);

/*
 * Consumes m, a fragment. Returns the whole datagram as a frame (Ethernet and IP header first,
 * lengths and checksum verdict made good) when complete, else NULL. The caller parses it again.
 */
struct rte_mbuf *zs_ipfrag_input(struct zs_stack *s, struct rte_mbuf *m, struct zs_pktinfo *pi);
int zs_ipfrag_init(struct zs_stack *s);
void zs_ipfrag_fini(struct zs_stack *s);
/* Memory of the fragments that wait. */
uint32_t zs_ipfrag_mem(const struct zs_stack *s);

/* Consumes m, parsed as ZS_PKT_ICMP: echo is answered; errors are matched to UDP and TCP. */
void zs_icmp_input(struct zs_stack *s, struct rte_mbuf *m, struct zs_pktinfo *pi);

/*
 * Borrows m, the offending packet as received (frame start); quotes it by reference in an error.
 * Rate-limited; silent where RFC 1122 3.2.2 wants silence. code: PROTO or PORT; of a packet of IPv6
 * it is what says the same there.
 */
void zs_icmp_send_unreach(struct zs_stack *s, struct rte_mbuf *m, const struct zs_pktinfo *pi,
			  uint8_t code);

/* Borrows m, a frame of ours to a next hop that does not answer: who sent it hears of it as if a
 * router had said so (RFC 1122 4.1.3.3). */
void zs_icmp_unresolved(struct zs_stack *s, const struct rte_mbuf *m);

#endif
