/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The link that the tool knows nothing of: ARP (RFC 826) and neighbour discovery (RFC 4861) are
 * kept from it, and a question for any neighbour is answered with the address of the one peer.
 */
#include <string.h>

#include "pd.h"
#include "wire/zs_cksum.h"
#include "wire/zs_hdr.h"

enum {
	ETH_LEN = 14,
	ARP_LEN = 28,
	IP6_LEN = 40,
	NA_LEN = 32, /* with the option that holds the MAC address */
	HOPOPTS = 0,
	ICMP6 = 58,
	ND_FIRST = 133,
	ND_LAST = 137,
	NS = 135,
	NA = 136,
};

static bool is_arp(const uint8_t *eth)
{
	return eth[12] == 0x08 && eth[13] == 0x06;
}

static bool is_ip6(const uint8_t *eth)
{
	return eth[12] == 0x86 && eth[13] == 0xdd;
}

/* MLD comes with a router alert in hop-by-hop options, and nothing else does. */
static bool is_link_talk(const uint8_t *ip)
{
	const uint8_t *icmp = ip + IP6_LEN;

	return ip[6] == HOPOPTS || (ip[6] == ICMP6 && icmp[0] >= ND_FIRST && icmp[0] <= ND_LAST);
}

bool pd_neigh_note(struct pd *p, const struct rte_mbuf *m)
{
	const uint8_t *eth = rte_pktmbuf_mtod(m, const uint8_t *);

	if (!is_arp(eth) && !(is_ip6(eth) && is_link_talk(eth + ETH_LEN)))
		return false;
	if (m->nb_segs == 1 && m->data_len <= sizeof(p->ask) &&
	    (is_arp(eth) || eth[ETH_LEN + IP6_LEN] == NS)) {
		memcpy(p->ask, eth, m->data_len);
		p->ask_len = m->data_len;
	}
	return true;
}

/* Bytes of the answer, 0 = there is none: also to who tells of himself. */
static uint32_t answer_arp(const uint8_t *ask, uint8_t *arp)
{
	if (ask[7] != 1 || memcmp(ask + 14, ask + 24, 4) == 0)
		return 0;
	memcpy(arp, ask, 6);
	arp[6] = 0;
	arp[7] = 2;
	memcpy(arp + 8, pd_peer_mac, 6);
	memcpy(arp + 14, ask + 24, 4);
	memcpy(arp + 18, ask + 8, 10);
	return ARP_LEN;
}

static uint32_t answer_ns(const uint8_t *ask, uint8_t *ip)
{
	static const uint8_t option[2] = { 2, 1 }; /* target link-layer address, 8 bytes */
	const uint8_t *target = ask + IP6_LEN + 8;
	uint8_t *na = ip + IP6_LEN;
	uint32_t sum = ICMP6 + NA_LEN;
	uint16_t cksum;

	memset(ip, 0, IP6_LEN + NA_LEN);
	ip[0] = 0x60;
	ip[5] = NA_LEN;
	ip[6] = ICMP6;
	ip[7] = 255;
	memcpy(ip + 8, target, 16);
	memcpy(ip + 24, ask + 8, 16);
	na[0] = NA;
	na[4] = 0x60; /* solicited, override */
	memcpy(na + 8, target, 16);
	memcpy(na + 24, option, sizeof(option));
	memcpy(na + 26, pd_peer_mac, 6);
	sum = rte_cpu_to_be_16((uint16_t)sum) + zs_cksum_raw(ip + 8, 32);
	cksum = zs_cksum_finish(sum + zs_cksum_raw(na, NA_LEN));
	memcpy(na + 2, &cksum, sizeof(cksum));
	return IP6_LEN + NA_LEN;
}

void pd_neigh_answer(struct pd *p)
{
	const uint8_t *ask = p->ask + ETH_LEN;
	uint8_t l3[IP6_LEN + NA_LEN];
	uint32_t n = is_arp(p->ask) ? answer_arp(ask, l3) : answer_ns(ask, l3);
	uint16_t type_be;

	memcpy(&type_be, p->ask + 12, sizeof(type_be));
	p->ask_len = 0;
	if (n > 0)
		pd_give(p, rte_be_to_cpu_16(type_be), l3, n);
}
