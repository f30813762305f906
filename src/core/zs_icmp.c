/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ICMP (RFC 792, RFC 1122 3.2.2): echo is answered in the buffer that asked; errors that quote a
 * packet of ours go to UDP and TCP; our own errors quote by reference and are limited in rate. What
 * must not be answered by an error is not: errors, group addresses, later fragments.
 */
#include <errno.h>

#include <rte_byteorder.h>

#include "core/tcp/zs_tcp.h"
#include "core/zs_ip4.h"
#include "core/zs_ip6.h"
#include "core/zs_parse.h"
#include "core/zs_state.h"
#include "core/zs_udp.h"
#include "wire/zs_cksum.h"

enum {
	QUOTE_MAX =
		576 - sizeof(struct zs_ip4_hdr) - sizeof(struct zs_icmp_hdr), /* RFC 1812 4.3.2.3 */
	QUOTE_L4 = 8,
	QUOTE_READ = 60 + QUOTE_L4 + ZS_UDP_QUOTE,
	MIN_MTU = 68,
	ECN_MASK = 3,
};

/* ---- echo ---- */

/* Consumes m, as parsed. The message in a packet of its own that we may write to, or NULL. */
static struct rte_mbuf *own_message(struct zs_stack *s, struct rte_mbuf *m,
				    const struct zs_pktinfo *pi)
{
	struct rte_mbuf *h, *body;
	char *to;

	if (likely(zs_pkt_writable(m)))
		return zs_pkt_adj(m, pi->l4_off);
	h = zs_hdr_alloc(s);
	to = h == NULL ? NULL : rte_pktmbuf_prepend(h, sizeof(struct zs_icmp_hdr));
	body = zs_pkt_slice(s, m, pi->data_off, pi->data_len);
	if (unlikely(to == NULL || (body == NULL && pi->data_len > 0))) {
		rte_pktmbuf_free(body);
		rte_pktmbuf_free(h);
		zs_pkt_drop(s, m, ZS_DROP_NO_MBUF);
		return NULL;
	}
	memcpy(to, rte_pktmbuf_mtod_offset(m, const void *, pi->l4_off),
	       sizeof(struct zs_icmp_hdr));
	zs_pkt_join(h, body);
	rte_pktmbuf_free(m);
	return h;
}

/* Consumes m. Only the type changes, so the checksum is corrected, not computed (RFC 1624). */
static void echo_reply(struct zs_stack *s, struct rte_mbuf *m, const struct zs_pktinfo *pi)
{
	struct zs_icmp_hdr *icmp;
	uint16_t old, new;

	m = own_message(s, m, pi);
	if (m == NULL)
		return;
	icmp = rte_pktmbuf_mtod(m, struct zs_icmp_hdr *);
	memcpy(&old, icmp, sizeof(old));
	icmp->type = ZS_ICMP_ECHO_REPLY;
	memcpy(&new, icmp, sizeof(new));
	icmp->cksum = zs_cksum_finish((uint16_t)~icmp->cksum + (uint32_t)(uint16_t)~old + new);
	if (icmp->cksum == 0) /* a message of zeros only; for others both zeros are the same */
		icmp->cksum = 0xffff;
	m->ol_flags &= ZS_PKT_ROOM;
	m->l4_len = sizeof(*icmp);
	(void)zs_ip4_output(s, m, &pi->flow.laddr, &pi->flow.faddr, ZS_PROTO_ICMP, s->cfg.ttl,
			    pi->tos & ~ECN_MASK, false); /* failures are counted there */
}

/* ---- errors from others ---- */

/* RFC 1191 7: a router of old does not say what fits; the next common MTU below is the guess. */
static uint32_t plateau_below(uint32_t len)
{
	static const uint16_t plateau[] = { 32000, 17914, 8166, 4352, 2002, 1492, 1006, 508, 296 };

	for (unsigned i = 0; i < sizeof(plateau) / sizeof(plateau[0]); i++)
		if (plateau[i] < len)
			return plateau[i];
	return MIN_MTU;
}

/* RFC 1122 4.1.3.3: UDP's users hear of every error; the numbers are the customary ones. */
static int error_of(uint8_t type, uint8_t code)
{
	if (type == ZS_ICMP_PARAM_PROBLEM)
		return EPROTO;
	if (type == ZS_ICMP_TIME_EXCEEDED)
		return EHOSTUNREACH;
	switch (code) {
	case ZS_UNREACH_NET:
	case ZS_UNREACH_NET_PROHIB:
		return ENETUNREACH;
	case ZS_UNREACH_PROTO:
		return ENOPROTOOPT;
	case ZS_UNREACH_PORT:
		return ECONNREFUSED;
	case ZS_UNREACH_FRAG_NEEDED:
		return EMSGSIZE;
	default:
		return EHOSTUNREACH;
	}
}

/* What ends a connection attempt (RFC 1122 4.2.3.9); established connections go on (RFC 5461). */
static int hard_error(uint8_t type, uint8_t code)
{
	if (type != ZS_ICMP_UNREACH)
		return 0;
	switch ((enum zs_icmp_unreach_code)code) {
	case ZS_UNREACH_PROTO:
	case ZS_UNREACH_PORT:
		return ECONNREFUSED;
	case ZS_UNREACH_NET_PROHIB:
	case ZS_UNREACH_HOST_PROHIB:
	case ZS_UNREACH_ADMIN_PROHIB:
		return EHOSTUNREACH;
	default:
		return 0;
	}
}

static uint32_t next_hop_mtu(const struct zs_icmp_hdr *icmp, const struct zs_ip4_hdr *quoted)
{
	uint32_t mtu = rte_be_to_cpu_16(icmp->seq_be);

	if (icmp->type != ZS_ICMP_UNREACH || icmp->code != ZS_UNREACH_FRAG_NEEDED)
		return 0;
	if (mtu == 0)
		mtu = plateau_below(rte_be_to_cpu_16(quoted->len_be));
	return RTE_MAX(mtu, (uint32_t)MIN_MTU);
}

/* l4: the UDP header of the quoted packet and n bytes behind it. */
static void deliver_udp(struct zs_stack *s, const struct zs_icmp_hdr *icmp,
			const struct zs_pktinfo *pi, const struct zs_ip4_hdr *quoted,
			const struct zs_flow *flow, const uint8_t *l4, uint32_t n)
{
	struct zs_udp_error e = {
		.to = flow->faddr,
		.from = pi->flow.faddr,
		.port = flow->fport,
		.family = ZS_AF_IP4,
		.origin = ZS_UDP_ICMP,
		.type = icmp->type,
		.code = icmp->code,
		.ttl = pi->ttl,
		.tos = pi->tos,
		.error = error_of(icmp->type, icmp->code),
		.info = next_hop_mtu(icmp, quoted),
		.len = (uint16_t)RTE_MIN(n, (uint32_t)ZS_UDP_QUOTE),
	};

	memcpy(e.data, l4 + sizeof(struct zs_udp_hdr), e.len);
	/* what fits need not be said: the message is wrong, or forged */
	if (e.info != 0 && e.info < rte_be_to_cpu_16(quoted->len_be) && zs_udp_sends(s, flow))
		zs_pmtu_lower(s, ZS_AF_IP4, &flow->faddr, e.info);
	zs_udp_icmp_error(s, flow, &e);
}

/* The quoted packet was ours: hand the news to whoever sent it. l4: `there` bytes of it. */
static enum zs_drop deliver(struct zs_stack *s, const struct zs_icmp_hdr *icmp,
			    const struct zs_pktinfo *pi, const struct zs_ip4_hdr *quoted,
			    const uint8_t *l4, uint32_t there)
{
	struct zs_flow flow = {
		.laddr = zs_addr_ip4(quoted->src_be),
		.faddr = zs_addr_ip4(quoted->dst_be),
		.family = ZS_AF_IP4,
		.proto = quoted->proto,
	};
	uint16_t ports[2];
	uint32_t seq;

	memcpy(ports, l4, sizeof(ports));
	memcpy(&seq, l4 + sizeof(ports), sizeof(seq));
	flow.lport = rte_be_to_cpu_16(ports[0]);
	flow.fport = rte_be_to_cpu_16(ports[1]);
	switch (quoted->proto) {
	case ZS_PROTO_UDP:
		deliver_udp(s, icmp, pi, quoted, &flow, l4, there - QUOTE_L4);
		return ZS_DROP_COUNT;
	case ZS_PROTO_TCP:
		zs_tcp_icmp_error(s, &flow, rte_be_to_cpu_32(seq),
				  hard_error(icmp->type, icmp->code), next_hop_mtu(icmp, quoted));
		return ZS_DROP_COUNT;
	default:
		return ZS_DROP_ICMP_IGNORED;
	}
}

/* there: bytes of the packet that are quoted. ZS_DROP_COUNT when the error found its addressee. */
static enum zs_drop quote_in(struct zs_stack *s, const struct zs_icmp_hdr *icmp,
			     const struct zs_pktinfo *pi, const struct zs_ip4_hdr *quoted,
			     uint32_t there)
{
	uint32_t ihl;

	if (there < sizeof(*quoted))
		return ZS_DROP_ICMP_BAD;
	ihl = (quoted->ver_ihl & 0xfu) * 4;
	if (quoted->ver_ihl >> 4 != 4 || ihl < sizeof(*quoted) || there < ihl + QUOTE_L4)
		return ZS_DROP_ICMP_BAD;
	if (pi->bcast || quoted->src_be != pi->flow.laddr.ip4_be ||
	    quoted->frag_be & rte_cpu_to_be_16(ZS_IP4_OFFMASK))
		return ZS_DROP_ICMP_IGNORED;
	return deliver(s, icmp, pi, quoted, (const uint8_t *)quoted + ihl, there - ihl);
}

/* Borrows m, which is in pieces when it is one of our own errors. */
static enum zs_drop error_in(struct zs_stack *s, const struct rte_mbuf *m,
			     const struct zs_pktinfo *pi)
{
	const struct zs_icmp_hdr *icmp =
		rte_pktmbuf_mtod_offset(m, const struct zs_icmp_hdr *, pi->l4_off);
	uint8_t quote[QUOTE_READ];
	uint32_t there = RTE_MIN((uint32_t)sizeof(quote), pi->data_len);

	return quote_in(s, icmp, pi, rte_pktmbuf_read(m, pi->data_off, there, quote), there);
}

void zs_icmp_unresolved(struct zs_stack *s, const struct rte_mbuf *m)
{
	const struct zs_icmp_hdr icmp = { .type = ZS_ICMP_UNREACH, .code = ZS_UNREACH_HOST };
	const uint32_t at = sizeof(struct zs_eth_hdr);
	uint8_t quote[QUOTE_READ];
	uint32_t there = RTE_MIN((uint32_t)sizeof(quote), m->pkt_len - at);
	const struct zs_ip4_hdr *ip = rte_pktmbuf_read(m, at, there, quote);
	const struct zs_addr us = zs_addr_ip4(ip->src_be);
	const struct zs_pktinfo pi = { .flow = { .laddr = us, .faddr = us } };

	(void)quote_in(s, &icmp, &pi, ip, there);
}

void zs_icmp_input(struct zs_stack *s, struct rte_mbuf *m, struct zs_pktinfo *pi)
{
	const struct zs_icmp_hdr *icmp =
		rte_pktmbuf_mtod_offset(m, const struct zs_icmp_hdr *, pi->l4_off);
	uint32_t sum = zs_pkt_sum(m, pi->l4_off, sizeof(*icmp) + pi->data_len);
	enum zs_drop why = ZS_DROP_ICMP_IGNORED;

	if (unlikely(zs_cksum_fold(sum) != 0xffff)) {
		zs_pkt_drop(s, m, ZS_DROP_ICMP_CKSUM);
		return;
	}
	switch (icmp->type) {
	case ZS_ICMP_ECHO:
		if (pi->bcast) /* RFC 1122 3.2.2.6 leaves the choice: no amplifier here */
			break;
		echo_reply(s, m, pi);
		return;
	case ZS_ICMP_UNREACH:
	case ZS_ICMP_TIME_EXCEEDED:
	case ZS_ICMP_PARAM_PROBLEM:
		why = error_in(s, m, pi);
		break;
	default:
		break;
	}
	if (why == ZS_DROP_COUNT)
		rte_pktmbuf_free(m);
	else
		zs_pkt_drop(s, m, why);
}

/* ---- errors from us ---- */

static void unreach_ip6(struct zs_stack *s, struct rte_mbuf *m, const struct zs_pktinfo *pi,
			uint8_t code)
{
	if (code == ZS_UNREACH_PORT)
		zs_icmp6_send_error(s, m, pi, ZS_ICMP6_UNREACH, ZS_UNREACH6_PORT, 0);
	else if (pi->flow.proto != ZS_EXT_NONE) /* that is just the end */
		zs_icmp6_send_error(s, m, pi, ZS_ICMP6_PARAM_PROBLEM, ZS_PARAM6_NEXT,
				    pi->next_at - pi->l3_off);
}

void zs_icmp_send_unreach(struct zs_stack *s, struct rte_mbuf *m, const struct zs_pktinfo *pi,
			  uint8_t code)
{
	uint32_t len = RTE_MIN(m->pkt_len - pi->l3_off, (uint32_t)QUOTE_MAX);
	struct rte_mbuf *h, *quote;
	struct zs_icmp_hdr *icmp;

	if (pi->flow.family == ZS_AF_IP6) {
		unreach_ip6(s, m, pi, code);
		return;
	}
	if (pi->bcast || pi->kind == ZS_PKT_FRAG || pi->flow.proto == ZS_PROTO_ICMP)
		return;
	if (!zs_bucket_take(s, &s->icmp_limit)) {
		s->stats.drops[ZS_DROP_ICMP_RATE]++;
		return;
	}
	h = zs_hdr_alloc(s);
	icmp = h == NULL ? NULL : (struct zs_icmp_hdr *)rte_pktmbuf_prepend(h, sizeof(*icmp));
	quote = zs_pkt_slice(s, m, pi->l3_off, len);
	if (unlikely(icmp == NULL || quote == NULL)) {
		rte_pktmbuf_free(quote);
		zs_pkt_drop(s, h, ZS_DROP_NO_MBUF);
		return;
	}
	*icmp = (struct zs_icmp_hdr){ .type = ZS_ICMP_UNREACH, .code = code };
	zs_pkt_join(h, quote);
	icmp->cksum = zs_cksum_finish(zs_pkt_sum(h, 0, h->pkt_len));
	h->l4_len = sizeof(*icmp);
	/* failures are counted there */
	(void)zs_ip4_output(s, h, &pi->flow.laddr, &pi->flow.faddr, ZS_PROTO_ICMP, s->cfg.ttl, 0,
			    false);
}
