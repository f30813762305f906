/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Large packets of a device: a TSO packet is checked and cut into the frames that a NIC would send,
 * with headers and checksums of their own; LRO adds a received frame to the packet that it
 * continues, as long as the host has not taken that. Written from the byte layout of the RFCs, to
 * be independent of what it checks.
 */
#include "zs_simhost_priv.h"

enum { ETH = 14, FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16, URG = 32, CWR = 128 };

static uint32_t be16(const uint8_t *p)
{
	return (uint32_t)p[0] << 8 | p[1];
}

static uint32_t be32(const uint8_t *p)
{
	return be16(p) << 16 | be16(p + 2);
}

static void put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v);
}

/* Where the parts of a TCP segment in IPv4, or in IPv6 without extension headers, are. */
struct frame {
	uint8_t *ip, *tcp;
	uint32_t ihl, thl, hdr, len; /* header bytes with Ethernet; payload bytes */
};

static bool is_v6(const struct frame *f)
{
	return f->ip[0] >> 4 == 6;
}

/* Of the pseudo header with this length. */
static uint32_t pseudo(const struct frame *f, uint32_t len)
{
	return zs_simck_sum(6 + len, f->ip + (is_v6(f) ? 8 : 12), is_v6(f) ? 32 : 8);
}

static bool find_ip6(uint8_t *p, uint32_t len, struct frame *f)
{
	uint32_t plen;

	*f = (struct frame){ .ip = p + ETH, .ihl = 40, .tcp = p + ETH + 40 };
	if (len < ETH + 60 || !is_v6(f) || f->ip[6] != 6)
		return false;
	plen = be16(f->ip + 4);
	f->thl = (f->tcp[12] >> 4) * 4u;
	f->hdr = ETH + f->ihl + f->thl;
	f->len = plen - f->thl;
	return f->thl >= 20 && f->thl <= plen && ETH + f->ihl + plen <= len;
}

static bool find(uint8_t *p, uint32_t len, struct frame *f)
{
	uint32_t total;

	if (len >= ETH && be16(p + 12) == 0x86dd)
		return find_ip6(p, len, f);
	*f = (struct frame){ .ip = p + ETH };
	if (len < ETH + 40 || be16(p + 12) != 0x0800 || f->ip[0] >> 4 != 4 || f->ip[9] != 6 ||
	    (be16(f->ip + 6) & 0x3fff) != 0)
		return false;
	f->ihl = (f->ip[0] & 15u) * 4;
	total = be16(f->ip + 2);
	f->tcp = f->ip + f->ihl;
	if (ETH + f->ihl + 20 > len || total + ETH > len)
		return false;
	f->thl = (f->tcp[12] >> 4) * 4u;
	f->hdr = ETH + f->ihl + f->thl;
	f->len = total - f->ihl - f->thl;
	return f->thl >= 20 && f->ihl + f->thl <= total;
}

const char *zs_simtso_check(const struct zs_simpkt *p, const struct rte_mbuf *m, uint16_t mtu)
{
	struct frame f;

	if (!find((uint8_t *)(uintptr_t)p->data, p->len, &f))
		return "TSO of what is not TCP in IP";
	if (!(m->ol_flags & (is_v6(&f) ? RTE_MBUF_F_TX_IPV6 : RTE_MBUF_F_TX_IPV4)) ||
	    (m->ol_flags & RTE_MBUF_F_TX_L4_MASK) != RTE_MBUF_F_TX_TCP_CKSUM)
		return "TSO without its checksum flags";
	if (m->l2_len != ETH || m->l3_len != f.ihl || m->l4_len != f.thl)
		return "TSO with wrong header lengths";
	if (m->data_len < f.hdr)
		return "TSO with headers in more than one buffer";
	if (m->tso_segsz == 0 || m->tso_segsz + f.ihl + f.thl > mtu)
		return "TSO with a segment size beyond the MTU";
	if (f.len <= m->tso_segsz)
		return "TSO of a single segment";
	if (is_v6(&f) && m->ol_flags & RTE_MBUF_F_TX_IP_CKSUM)
		return "TSO of IPv6 with an IP checksum";
	if (is_v6(&f)) /* there is none */
		return be16(f.tcp + 16) == pseudo(&f, 0)
			       ? NULL
			       : "TSO without the pseudo header's sum (no length) in the field";
	if (m->ol_flags & RTE_MBUF_F_TX_IP_CKSUM ? be16(f.ip + 10) != 0
						 : zs_simck_sum(0, f.ip, f.ihl) != 0xffff)
		return "TSO with an IP checksum field that is neither left to the device nor right";
	if (be16(f.tcp + 16) != pseudo(&f, 0))
		return "TSO without the pseudo header's sum (no length) in the field";
	return f.tcp[13] & (SYN | RST | URG) ? "TSO with SYN, RST or URG" : NULL;
}

static void put_ip_len(struct frame *f, uint32_t l4)
{
	if (is_v6(f)) {
		put16(f->ip + 4, l4);
		return;
	}
	put16(f->ip + 2, f->ihl + l4);
	put16(f->ip + 10, 0);
	put16(f->ip + 10, (uint16_t)~zs_simck_sum(0, f->ip, f->ihl));
}

/* Length and checksums of a frame that is otherwise complete. */
static void finish(struct frame *f, uint32_t len)
{
	uint32_t l4 = f->thl + len;

	put_ip_len(f, l4);
	put16(f->tcp + 16, 0);
	put16(f->tcp + 16, (uint16_t)~zs_simck_sum(pseudo(f, l4), f->tcp, l4));
}

struct zs_simpkt *zs_simtso_cut(struct zs_sim *w, const struct zs_simpkt *p, uint32_t off,
				uint32_t segsz)
{
	struct zs_simpkt *out;
	struct frame all, f;
	uint32_t n;

	if (!find((uint8_t *)(uintptr_t)p->data, p->len, &all) || off >= all.len)
		return NULL;
	n = RTE_MIN(segsz, all.len - off);
	out = zs_simpkt_new(w, all.hdr + n);
	memcpy(out->data, p->data, all.hdr);
	memcpy(out->data + all.hdr, p->data + all.hdr + off, n);
	f = all;
	f.ip = out->data + ETH;
	f.tcp = f.ip + f.ihl;
	if (!is_v6(&f)) /* identification */
		put16(f.ip + 4, be16(all.ip + 4) + off / segsz);
	put32(f.tcp + 4, be32(all.tcp + 4) + off);
	if (off + n < all.len)
		f.tcp[13] &= (uint8_t) ~(FIN | PSH);
	if (off > 0)
		f.tcp[13] &= (uint8_t)~CWR;
	finish(&f, n);
	out->trusted = p->trusted;
	return out;
}

/* All that must be alike: addresses, ports, acknowledgement, window, options. */
static bool same_stream(const struct frame *a, const struct frame *b)
{
	uint32_t addrs = is_v6(a) ? 8 : 12;

	return a->ihl == b->ihl && a->thl == b->thl && (a->ihl == 20 || is_v6(a)) &&
	       memcmp(a->ip, b->ip, 2) == 0 &&
	       memcmp(a->ip + addrs, b->ip + addrs, a->ihl - addrs) == 0 &&
	       memcmp(a->tcp, b->tcp, 4) == 0 && memcmp(a->tcp + 8, b->tcp + 8, 4) == 0 &&
	       memcmp(a->tcp + 14, b->tcp + 14, 2) == 0 &&
	       memcmp(a->tcp + 20, b->tcp + 20, a->thl - 20) == 0;
}

bool zs_simlro_merge(struct rte_mbuf *head, struct rte_mbuf *m, uint32_t max)
{
	uint64_t good = RTE_MBUF_F_RX_L4_CKSUM_GOOD;
	struct frame a, b;

	if (!find(rte_pktmbuf_mtod(head, uint8_t *), head->pkt_len, &a) ||
	    !find(rte_pktmbuf_mtod(m, uint8_t *), m->pkt_len, &b) || !same_stream(&a, &b))
		return false;
	if (!is_v6(&a))
		good |= RTE_MBUF_F_RX_IP_CKSUM_GOOD;
	if ((head->ol_flags & good) != good || (m->ol_flags & good) != good ||
	    head->port != m->port || m->nb_segs != 1)
		return false;
	if (head->tso_segsz == 0)
		head->tso_segsz = (uint16_t)a.len;
	if (a.len == 0 || b.len == 0 || a.len % head->tso_segsz != 0 || b.len > head->tso_segsz ||
	    be32(b.tcp + 4) != be32(a.tcp + 4) + a.len || a.hdr + a.len + b.len > max ||
	    head->pkt_len != a.hdr + a.len || a.tcp[13] != ACK || (b.tcp[13] & ~PSH) != ACK)
		return false;
	m->data_off += (uint16_t)b.hdr;
	m->data_len = (uint16_t)b.len;
	rte_pktmbuf_lastseg(head)->next = m;
	head->nb_segs++;
	head->pkt_len += b.len;
	a.tcp[13] |= b.tcp[13];
	put_ip_len(&a, a.thl + a.len + b.len);
	head->ol_flags |= RTE_MBUF_F_RX_LRO;
	return true;
}
