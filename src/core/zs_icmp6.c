/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ICMPv6 (RFC 4443): echo is answered in the buffer that asked; errors that quote a packet of ours
 * go to UDP and TCP, and what fits the path to where all packets learn it; our own errors quote by
 * reference and are limited in rate. What must not be answered by an error is not (2.4 e).
 */
#include <errno.h>

#include "core/tcp/zs_tcp.h"
#include "core/zs_ip6.h"
#include "core/zs_iphdr.h"
#include "core/zs_parse.h"
#include "core/zs_state.h"
#include "core/zs_udp.h"

enum { QUOTE_L4 = 8, ECN_MASK = 3 };

/* ---- echo ---- */

/* Consumes m, as parsed. The message in a packet of its own that we may write to, or NULL. */
static struct rte_mbuf *own_message(struct zs_stack *s, struct rte_mbuf *m,
				    const struct zs_pktinfo *pi)
{
	struct rte_mbuf *h, *body;

	if (likely(zs_pkt_writable(m)))
		return zs_pkt_adj(m, pi->l4_off);
	h = zs_icmp6_alloc(s, 0, sizeof(struct zs_icmp6_hdr));
	body = zs_pkt_slice(s, m, pi->data_off, pi->data_len);
	if (unlikely(h == NULL || (body == NULL && pi->data_len > 0))) {
		rte_pktmbuf_free(body);
		rte_pktmbuf_free(h);
		zs_pkt_drop(s, m, ZS_DROP_NO_MBUF);
		return NULL;
	}
	memcpy(rte_pktmbuf_mtod(h, void *), rte_pktmbuf_mtod_offset(m, const void *, pi->l4_off),
	       sizeof(struct zs_icmp6_hdr));
	zs_pkt_join(h, body);
	rte_pktmbuf_free(m);
	return h;
}

/* Consumes m. Sent to a group, the answer comes from an address of the interface (RFC 4443 4.2). */
static void echo_reply(struct zs_stack *s, struct rte_mbuf *m, const struct zs_pktinfo *pi)
{
	const struct zs_addr any = { .q = { 0, 0 } };
	bool group = zs_ip6_is_group(&pi->flow.laddr);

	m = own_message(s, m, pi);
	if (m == NULL)
		return;
	rte_pktmbuf_mtod(m, struct zs_icmp6_hdr *)->type = ZS_ICMP6_ECHO_REPLY;
	m->ol_flags &= ZS_PKT_ROOM;
	m->l4_len = sizeof(struct zs_icmp6_hdr);
	(void)zs_ip6_output(s, m, group ? &any : &pi->flow.laddr, &pi->flow.faddr, ZS_PROTO_ICMP6,
			    0, pi->tos & ~ECN_MASK); /* failures are counted there */
}

/* ---- errors from others ---- */

/* UDP's users hear of every error; the numbers are Linux'. */
static int error_of(uint8_t type, uint8_t code)
{
	if (type == ZS_ICMP6_PARAM_PROBLEM)
		return EPROTO;
	if (type == ZS_ICMP6_TOO_BIG)
		return EMSGSIZE;
	if (type == ZS_ICMP6_TIME_EXCEEDED)
		return EHOSTUNREACH;
	switch (code) {
	case ZS_UNREACH6_NO_ROUTE:
		return ENETUNREACH;
	case ZS_UNREACH6_PROHIB:
	case ZS_UNREACH6_POLICY:
	case ZS_UNREACH6_REJECT:
		return EACCES;
	case ZS_UNREACH6_PORT:
		return ECONNREFUSED;
	default:
		return EHOSTUNREACH;
	}
}

/* What ends a connection attempt (RFC 5461 3, 4443 A.2). */
static int hard_error(uint8_t type, uint8_t code)
{
	if (type == ZS_ICMP6_PARAM_PROBLEM && code == ZS_PARAM6_NEXT)
		return ECONNREFUSED;
	if (type != ZS_ICMP6_UNREACH || code == ZS_UNREACH6_NO_ROUTE || code == ZS_UNREACH6_ADDR)
		return 0;
	return error_of(type, code);
}

/* Behind the extension headers of a quoted packet, at least `there` bytes of which are quoted; its
 * length before that, 0 = it is not there. */
static uint32_t quoted_l4(const uint8_t *p, uint32_t there, uint8_t *next)
{
	uint32_t off = sizeof(struct zs_ip6_hdr);

	*next = ((const struct zs_ip6_hdr *)(const void *)p)->next;
	while (*next == ZS_EXT_HOPOPTS || *next == ZS_EXT_DSTOPTS || *next == ZS_EXT_ROUTING ||
	       *next == ZS_EXT_FRAGMENT) {
		const struct zs_ip6_ext_hdr *e = (const void *)(p + off);
		const struct zs_ip6_frag_hdr *f = (const void *)e;

		if (there < off + sizeof(*f))
			return 0;
		if (*next == ZS_EXT_FRAGMENT && (f->off_be & rte_cpu_to_be_16(ZS_IP6_OFFMASK)) != 0)
			return 0; /* ports are in the first one only */
		off += *next == ZS_EXT_FRAGMENT ? sizeof(*f) : 8u * (e->len + 1u);
		*next = e->next;
	}
	return there < off + QUOTE_L4 ? 0 : off;
}

/* l4: the UDP header of the quoted packet and n bytes behind it. */
static void deliver_udp(struct zs_stack *s, const struct zs_icmp6_hdr *icmp,
			const struct zs_pktinfo *pi, const struct zs_flow *flow, const uint8_t *l4,
			uint32_t n, uint32_t mtu)
{
	struct zs_udp_error e = {
		.to = flow->faddr,
		.from = pi->flow.faddr,
		.port = flow->fport,
		.family = ZS_AF_IP6,
		.origin = ZS_UDP_ICMP6,
		.type = icmp->type,
		.code = icmp->code,
		.ttl = pi->ttl,
		.tos = pi->tos,
		.error = error_of(icmp->type, icmp->code),
		.info = mtu,
		.len = (uint16_t)RTE_MIN(n, (uint32_t)ZS_UDP_QUOTE),
	};

	memcpy(e.data, l4 + sizeof(struct zs_udp_hdr), e.len);
	if (mtu != 0 && zs_udp_sends(s, flow))
		zs_pmtu_lower(s, ZS_AF_IP6, &flow->faddr, mtu);
	zs_udp_icmp_error(s, flow, &e);
}

/* The quoted packet was ours: hand the news to whoever sent it. l4: `there` bytes of it. */
static enum zs_drop deliver(struct zs_stack *s, const struct zs_icmp6_hdr *icmp,
			    const struct zs_pktinfo *pi, struct zs_flow *flow, const uint8_t *l4,
			    uint32_t there)
{
	uint32_t mtu = icmp->type == ZS_ICMP6_TOO_BIG ? rte_be_to_cpu_32(icmp->param_be) : 0;
	uint16_t ports[2];
	uint32_t seq;

	if (icmp->type == ZS_ICMP6_TOO_BIG && mtu < ZS_IP6_MIN_MTU) /* RFC 8201 4 */
		return ZS_DROP_ICMP_IGNORED;
	memcpy(ports, l4, sizeof(ports));
	memcpy(&seq, l4 + sizeof(ports), sizeof(seq));
	flow->lport = rte_be_to_cpu_16(ports[0]);
	flow->fport = rte_be_to_cpu_16(ports[1]);
	switch (flow->proto) {
	case ZS_PROTO_UDP:
		deliver_udp(s, icmp, pi, flow, l4, there - QUOTE_L4, mtu);
		return ZS_DROP_COUNT;
	case ZS_PROTO_TCP:
		zs_tcp_icmp_error(s, flow, rte_be_to_cpu_32(seq),
				  hard_error(icmp->type, icmp->code), mtu);
		return ZS_DROP_COUNT;
	default:
		return ZS_DROP_ICMP_IGNORED;
	}
}

/* there: bytes of the packet that are quoted. ZS_DROP_COUNT when the error found its addressee. */
static enum zs_drop quote_in(struct zs_stack *s, const struct zs_icmp6_hdr *icmp,
			     const struct zs_pktinfo *pi, const struct zs_ip6_hdr *quoted,
			     uint32_t there)
{
	struct zs_flow flow = { .family = ZS_AF_IP6 };
	uint32_t l4;

	if (there < sizeof(*quoted) || rte_be_to_cpu_32(quoted->vtf_be) >> 28 != ZS_IP6_VERSION)
		return ZS_DROP_ICMP_BAD;
	l4 = quoted_l4((const uint8_t *)quoted, there, &flow.proto);
	if (l4 == 0)
		return ZS_DROP_ICMP_BAD;
	memcpy(&flow.laddr, quoted->src, sizeof(flow.laddr));
	memcpy(&flow.faddr, quoted->dst, sizeof(flow.faddr));
	zs_ip6_set_zone(&flow.laddr, pi->nif->index + 1u);
	zs_ip6_set_zone(&flow.faddr, pi->nif->index + 1u);
	if (pi->bcast || !zs_addr_eq(&flow.laddr, &pi->flow.laddr))
		return ZS_DROP_ICMP_IGNORED;
	return deliver(s, icmp, pi, &flow, (const uint8_t *)quoted + l4, there - l4);
}

/* Borrows m, which is in pieces when it is one of our own errors. */
static enum zs_drop error_in(struct zs_stack *s, const struct rte_mbuf *m,
			     const struct zs_pktinfo *pi)
{
	const struct zs_icmp6_hdr *icmp =
		rte_pktmbuf_mtod_offset(m, const struct zs_icmp6_hdr *, pi->l4_off);
	uint8_t quote[ZS_IP6_MIN_MTU];
	uint32_t there = RTE_MIN((uint32_t)sizeof(quote), pi->data_len);

	return quote_in(s, icmp, pi, rte_pktmbuf_read(m, pi->data_off, there, quote), there);
}

void zs_icmp6_unresolved(struct zs_stack *s, struct zs_netif *nif, const struct rte_mbuf *m)
{
	const struct zs_icmp6_hdr icmp = { .type = ZS_ICMP6_UNREACH, .code = ZS_UNREACH6_ADDR };
	const uint32_t at = sizeof(struct zs_eth_hdr);
	uint8_t quote[ZS_IP6_MIN_MTU];
	uint32_t there = RTE_MIN((uint32_t)sizeof(quote), m->pkt_len - at);
	const struct zs_ip6_hdr *ip = rte_pktmbuf_read(m, at, there, quote);
	struct zs_pktinfo pi = { .nif = nif };

	memcpy(&pi.flow.laddr, ip->src, sizeof(pi.flow.laddr));
	zs_ip6_set_zone(&pi.flow.laddr, nif->index + 1u);
	pi.flow.faddr = pi.flow.laddr;
	(void)quote_in(s, &icmp, &pi, ip, there);
}

/* ---- all messages ---- */

static bool cksum_ok(const struct rte_mbuf *m, const struct zs_pktinfo *pi)
{
	uint32_t len = sizeof(struct zs_icmp6_hdr) + pi->data_len;
	uint32_t sum = zs_pseudo(ZS_AF_IP6, &pi->flow.faddr, &pi->flow.laddr, ZS_PROTO_ICMP6, len);

	return zs_cksum_fold(sum + zs_pkt_sum(m, pi->l4_off, len)) == 0xffff;
}

/* Borrows m: no echo request. */
static unsigned handle(struct zs_stack *s, const struct rte_mbuf *m, const struct zs_pktinfo *pi)
{
	switch (*rte_pktmbuf_mtod_offset(m, const uint8_t *, pi->l4_off)) {
	case ZS_ICMP6_UNREACH:
	case ZS_ICMP6_TOO_BIG:
	case ZS_ICMP6_TIME_EXCEEDED:
	case ZS_ICMP6_PARAM_PROBLEM:
		return error_in(s, m, pi);
	case ZS_ND_SOLICIT:
	case ZS_ND_ADVERT:
		return zs_nd_input(s, m, pi);
	case ZS_ND_ROUTER_ADVERT:
		return zs_rd_input(s, m, pi);
	case ZS_MLD_QUERY:
		return zs_mld_input(s, m, pi);
	default:
		return ZS_DROP_ICMP_IGNORED;
	}
}

void zs_icmp6_input(struct zs_stack *s, struct rte_mbuf *m, struct zs_pktinfo *pi)
{
	const struct zs_icmp6_hdr *icmp =
		rte_pktmbuf_mtod_offset(m, const struct zs_icmp6_hdr *, pi->l4_off);
	unsigned why;

	if (unlikely(!cksum_ok(m, pi))) {
		zs_pkt_drop(s, m, ZS_DROP_ICMP_CKSUM);
		return;
	}
	if (icmp->type == ZS_ICMP6_ECHO && icmp->code == 0 && !zs_addr_is_any(&pi->flow.faddr) &&
	    !pi->bcast) { /* no amplifier here, as for IPv4 */
		echo_reply(s, m, pi);
		return;
	}
	why = handle(s, m, pi);
	if (why == ZS_DROP_COUNT || (m->ol_flags & ZS_PKT_NEWS) != 0)
		rte_pktmbuf_free(m); /* of the original the other stack keeps count */
	else
		zs_pkt_drop(s, m, why);
}

/* ---- errors from us ---- */

/* RFC 4443 2.4 (e): what no error answers. */
static bool is_silent(const struct rte_mbuf *m, const struct zs_pktinfo *pi, uint8_t type,
		      uint8_t code)
{
	bool to_group = type == ZS_ICMP6_PARAM_PROBLEM && code == ZS_PARAM6_OPTION;
	const uint8_t *icmp = rte_pktmbuf_mtod_offset(m, const uint8_t *, pi->l4_off);

	if (zs_addr_is_any(&pi->flow.faddr) || zs_ip6_is_group(&pi->flow.faddr) ||
	    m->ol_flags & ZS_PKT_NEWS)
		return true;
	if (pi->bcast && !to_group)
		return true;
	return pi->kind != ZS_PKT_PROBLEM && pi->flow.proto == ZS_PROTO_ICMP6 &&
	       (pi->l4_off >= m->data_len || icmp[0] < ZS_ICMP6_INFO || icmp[0] == ZS_ND_REDIRECT);
}

void zs_icmp6_send_error(struct zs_stack *s, struct rte_mbuf *m, const struct zs_pktinfo *pi,
			 uint8_t type, uint8_t code, uint32_t param)
{
	const uint32_t max =
		ZS_IP6_MIN_MTU - sizeof(struct zs_ip6_hdr) - sizeof(struct zs_icmp6_hdr);
	const struct zs_addr any = { .q = { 0, 0 } };
	uint32_t len = RTE_MIN(m->pkt_len - pi->l3_off, max);
	struct rte_mbuf *h, *quote;
	struct zs_icmp6_hdr *icmp;

	if (is_silent(m, pi, type, code))
		return;
	if (!zs_bucket_take(s, &s->icmp_limit)) {
		s->stats.drops[ZS_DROP_ICMP_RATE]++;
		return;
	}
	h = zs_icmp6_alloc(s, type, sizeof(*icmp));
	if (h == NULL)
		return;
	quote = zs_pkt_slice(s, m, pi->l3_off, len);
	if (unlikely(quote == NULL)) {
		zs_pkt_drop(s, h, ZS_DROP_NO_MBUF);
		return;
	}
	icmp = rte_pktmbuf_mtod(h, struct zs_icmp6_hdr *);
	icmp->code = code;
	icmp->param_be = rte_cpu_to_be_32(param);
	zs_pkt_join(h, quote);
	/* failures are counted there */
	(void)zs_ip6_output(s, h, pi->bcast ? &any : &pi->flow.laddr, &pi->flow.faddr,
			    ZS_PROTO_ICMP6, 0, 0);
}
