/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which lcore a flow belongs to: Toeplitz hash of its addresses and ports, as network cards compute
 * it for RSS, through a table. Every frame and every flow has its place by this, whatever the
 * device does; a device that is told the key and the table delivers to the right queue by itself.
 *
 * The key repeats two bytes. So both directions of a flow have one hash, and the hash depends on
 * nothing but the exclusive or of all 16-bit words that go in: software needs two look-ups.
 */
#ifndef ZS_RSS_H
#define ZS_RSS_H

#include <stdint.h>

struct rte_mbuf;
struct zs_flow;

enum {
	ZS_RSS_KEY_MAX = 128, /* bytes */
	ZS_RSS_BUCKETS = 512, /* at most */
	ZS_RSS_ALL = 0xff,    /* in place of an lcore: all of them */
};

struct zs_rss {
	uint16_t hi[256], lo[256]; /* hash of either byte of the folded input */
	uint8_t lcore[ZS_RSS_BUCKETS];
	uint16_t mask;					/* buckets in use - 1 */
	_Alignas(uint32_t) uint8_t key[ZS_RSS_KEY_MAX]; /* begin of a key of any length */
};

/* buckets: what all devices can do, a power of two up to ZS_RSS_BUCKETS. */
void zs_rss_init(struct zs_rss *r, unsigned n_lcores, unsigned buckets);

/* The lcore where what comes back of the flow arrives. */
unsigned zs_rss_flow(const struct zs_rss *r, const struct zs_flow *f);

/*
 * The lcore of a received frame: TCP and UDP by flow, fragments by their addresses (so that those
 * of one datagram meet), ICMP errors by the flow they quote, ARP and what neighbours and routers of
 * IPv6 say ZS_RSS_ALL; others: here. Borrows
 * m; its headers need not be sound.
 */
unsigned zs_rss_frame(const struct zs_rss *r, const struct rte_mbuf *m, unsigned here);

#endif
