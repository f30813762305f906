/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Checksums as a NIC sees them: verdicts on what arrives, and filling in what the sender left to
 * the device. A sender that leaves a field in a state from which a NIC would compute a wrong
 * checksum is told so; one that computed the checksum itself is checked.
 */
#include "zs_simworld.h"

#include <rte_byteorder.h>

enum {
	ETH = 14,
	IP_MIN = 20,
	IP6 = 40,
	PROTO_HOPOPTS = 0,
	PROTO_ICMP = 1,
	PROTO_TCP = 6,
	PROTO_UDP = 17,
	PROTO_FRAGMENT = 44,
	PROTO_ICMP6 = 58
};

/* Where things are in a frame that carries IPv4 or IPv6. */
struct layout {
	bool v6;
	uint8_t *ip, *l4;
	uint32_t ihl, l4_len;
	uint8_t proto;
	bool fragment;
	uint8_t *l4_ck; /* the checksum field, NULL for protocols without one that we know */
};

static uint32_t be16(const uint8_t *p)
{
	return (uint32_t)p[0] << 8 | p[1];
}

static void put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

/* Folded sum of big-endian words: what is added up stays in wire order until the end. */
uint16_t zs_simck_sum(uint32_t sum, const uint8_t *p, uint32_t len)
{
	uint64_t acc = 0;
	uint32_t w;

	for (; len >= 4; p += 4, len -= 4) {
		memcpy(&w, p, 4);
		acc += w;
	}
	if (len > 0) {
		w = 0;
		memcpy(&w, p, len);
		acc += w;
	}
	acc = (acc & 0xffffffff) + (acc >> 32);
	acc = (acc & 0xffff) + (acc >> 16 & 0xffff) + (acc >> 32);
	acc = (acc & 0xffff) + (acc >> 16);
	acc = rte_be_to_cpu_16((uint16_t)((acc & 0xffff) + (acc >> 16))) + (uint64_t)sum;
	acc = (acc & 0xffff) + (acc >> 16);
	return (uint16_t)((acc & 0xffff) + (acc >> 16));
}

static uint32_t pseudo(const struct layout *l)
{
	return zs_simck_sum(l->proto + l->l4_len, l->ip + (l->v6 ? 8 : 12), l->v6 ? 32 : 8);
}

static uint8_t *l4_field(const struct layout *l)
{
	if (l->fragment)
		return NULL;
	if (l->proto == PROTO_TCP && l->l4_len >= 20)
		return l->l4 + 16;
	if (l->proto == PROTO_UDP && l->l4_len >= 8)
		return l->l4 + 6;
	if (l->proto == (l->v6 ? PROTO_ICMP6 : PROTO_ICMP) && l->l4_len >= 8)
		return l->l4 + 2;
	return NULL;
}

static bool find_ip6(const struct zs_simpkt *p, struct layout *l)
{
	*l = (struct layout){ .ip = (uint8_t *)(uintptr_t)p->data + ETH, .v6 = true, .ihl = IP6 };
	if (p->len < ETH + IP6 || l->ip[0] >> 4 != 6 || ETH + IP6 + be16(l->ip + 4) > p->len)
		return false;
	l->l4 = l->ip + IP6;
	l->l4_len = be16(l->ip + 4);
	l->proto = l->ip[6];
	l->fragment = l->proto == PROTO_FRAGMENT || l->proto == PROTO_HOPOPTS;
	l->l4_ck = l4_field(l);
	return true;
}

static bool find_layout(const struct zs_simpkt *p, struct layout *l)
{
	uint32_t total;

	if (p->len >= ETH && be16(p->data + 12) == 0x86dd)
		return find_ip6(p, l);
	*l = (struct layout){ .ip = (uint8_t *)(uintptr_t)p->data + ETH };
	if (p->len < ETH + IP_MIN || be16(p->data + 12) != 0x0800 || l->ip[0] >> 4 != 4)
		return false;
	l->ihl = (l->ip[0] & 15u) * 4;
	total = be16(l->ip + 2);
	if (l->ihl < IP_MIN || total < l->ihl || ETH + total > p->len)
		return false;
	l->l4 = l->ip + l->ihl;
	l->l4_len = total - l->ihl;
	l->proto = l->ip[9];
	l->fragment = (be16(l->ip + 6) & 0x3fff) != 0;
	l->l4_ck = l4_field(l);
	return true;
}

static uint32_t l4_start(const struct layout *l)
{
	return l->proto == PROTO_ICMP ? 0 : pseudo(l);
}

static bool l4_good(const struct layout *l)
{
	if (l->proto == PROTO_UDP && be16(l->l4_ck) == 0)
		return !l->v6;
	return zs_simck_sum(l4_start(l), l->l4, l->l4_len) == 0xffff;
}

struct zs_simck zs_simck_verify(const struct zs_simpkt *p)
{
	struct zs_simck v = { ZS_SIMCK_NONE, ZS_SIMCK_NONE };
	struct layout l;

	if (!find_layout(p, &l))
		return v;
	if (!l.v6)
		v.ip = zs_simck_sum(0, l.ip, l.ihl) == 0xffff ? ZS_SIMCK_GOOD : ZS_SIMCK_BAD;
	if (l.l4_ck != NULL && l.proto != PROTO_ICMP && l.proto != PROTO_ICMP6)
		v.l4 = l4_good(&l) ? ZS_SIMCK_GOOD : ZS_SIMCK_BAD;
	return v;
}

static const char *fill_ip(struct layout *l, const struct rte_mbuf *m)
{
	if (l->v6)
		return m->ol_flags & (RTE_MBUF_F_TX_IP_CKSUM | RTE_MBUF_F_TX_IPV4)
			       ? "IPv4's offloads for IPv6"
			       : NULL;
	if (!(m->ol_flags & RTE_MBUF_F_TX_IP_CKSUM))
		return zs_simck_sum(0, l->ip, l->ihl) == 0xffff ? NULL : "wrong IP checksum sent";
	if (!(m->ol_flags & RTE_MBUF_F_TX_IPV4))
		return "TX_IP_CKSUM without TX_IPV4";
	if (m->l2_len != ETH || m->l3_len != l->ihl)
		return "TX_IP_CKSUM with wrong l2_len or l3_len";
	if (be16(l->ip + 10) != 0)
		return "TX_IP_CKSUM with a checksum field that is not zero";
	put16(l->ip + 10, (uint16_t)~zs_simck_sum(0, l->ip, l->ihl));
	return NULL;
}

static const char *fill_l4(struct layout *l, const struct rte_mbuf *m)
{
	uint64_t want = m->ol_flags & RTE_MBUF_F_TX_L4_MASK;
	uint64_t ours = l->proto == PROTO_TCP ? RTE_MBUF_F_TX_TCP_CKSUM : RTE_MBUF_F_TX_UDP_CKSUM;
	uint16_t sum;

	if (want == 0)
		return l->l4_ck == NULL || l4_good(l) ? NULL : "wrong L4 checksum sent";
	if (l->v6 && !(m->ol_flags & RTE_MBUF_F_TX_IPV6))
		return "L4 checksum offload without TX_IPV6";
	if (l->l4_ck == NULL || want != ours)
		return "L4 checksum offload for a packet that is not of that protocol, or a "
		       "fragment";
	if (m->l2_len != ETH || m->l3_len != l->ihl)
		return "L4 checksum offload with wrong l2_len or l3_len";
	if (be16(l->l4_ck) != pseudo(l))
		return "L4 checksum offload without the pseudo header's sum in the field";
	sum = (uint16_t)~zs_simck_sum(0, l->l4, l->l4_len);
	put16(l->l4_ck, sum == 0 && l->proto == PROTO_UDP ? 0xffff : sum);
	return NULL;
}

const char *zs_simck_fill(struct zs_simpkt *p, const struct rte_mbuf *m)
{
	const char *wrong;
	struct layout l;

	if (p->len < ETH)
		return "frame shorter than an Ethernet header";
	if (be16(p->data + 12) != 0x0800 && be16(p->data + 12) != 0x86dd)
		return (m->ol_flags & (RTE_MBUF_F_TX_IP_CKSUM | RTE_MBUF_F_TX_L4_MASK)) != 0
			       ? "checksum offload for a frame that is not IP"
			       : NULL;
	if (!find_layout(p, &l))
		return "malformed IP packet sent";
	wrong = fill_ip(&l, m);
	return wrong != NULL ? wrong : fill_l4(&l, m);
}
