/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Segments that no connection's template makes: SYN and SYN-ACK, what half-open and TIME-WAIT
 * entries say, and RST.
 */
#include <rte_byteorder.h>

#include "core/tcp/zs_output.h"
#include "core/zs_iphdr.h"
#include "core/zs_neigh.h"
#include "core/zs_parse.h"
#include "core/zs_state.h"

enum { L2 = sizeof(struct zs_eth_hdr) };

/* RFC 6437 3: one label for all packets of a flow, that says nothing of its ports. */
uint32_t zs_flow_label(const struct zs_stack *s, const struct zs_flow *flow)
{
	const unsigned SPARE_BITS = 44;

	return (uint32_t)(zs_siphash(s->hash_key, flow, sizeof(*flow)) >> SPARE_BITS);
}

static void put_ip(const struct zs_stack *s, const struct zs_raw *raw, uint8_t *p, unsigned l4_len)
{
	const struct zs_flow *f = raw->flow;
	struct zs_ip6_hdr *ip6 = (void *)p;

	if (f->family == ZS_AF_IP4) {
		zs_ip4_put((void *)p, &f->laddr, &f->faddr, raw->ttl, raw->tos);
		zs_ip4_put_len((void *)p, sizeof(struct zs_ip4_hdr) + l4_len);
		return;
	}
	zs_ip6_put(ip6, &f->laddr, &f->faddr, ZS_PROTO_TCP, raw->ttl, raw->tos,
		   zs_flow_label(s, f));
	ip6->plen_be = rte_cpu_to_be_16((uint16_t)l4_len);
}

static uint32_t chain_bytes(const struct rte_mbuf *m)
{
	uint32_t n = 0;

	for (; m != NULL; m = m->next)
		n += m->data_len;
	return n;
}

static void append(struct rte_mbuf *m, struct rte_mbuf *payload, uint32_t len)
{
	m->next = payload;
	m->pkt_len += len;
	for (; payload != NULL; payload = payload->next)
		m->nb_segs++;
}

bool zs_send_raw(struct zs_stack *s, const struct zs_raw *raw)
{
	struct zs_addr nexthop;
	struct zs_mac none = { { 0 } };
	const struct zs_flow *f = raw->flow;
	struct zs_netif *nif = zs_route_lookup(s, f->family, &f->faddr, &nexthop);
	struct rte_mbuf *m = nif != NULL ? zs_hdr_alloc(s) : NULL;
	struct zs_tcp_hdr *tcp;
	const unsigned l34 = L2 + zs_iphdr_len(f->family);
	const uint32_t data_len = raw->payload != NULL ? chain_bytes(raw->payload) : 0;
	unsigned l4_len = sizeof(*tcp);
	uint8_t *p;

	if (m == NULL) {
		s->stats.drops[nif == NULL ? ZS_DROP_NO_ROUTE : ZS_DROP_NO_MBUF]++;
		rte_pktmbuf_free(raw->payload); /* NULL allowed */
		return nif == NULL;
	}
	m->data_off = (uint16_t)(m->buf_len - (l34 + sizeof(*tcp) + ZS_TCPOPT_MAX));
	p = (uint8_t *)m->buf_addr + m->data_off;
	zs_eth_put(p, nif, &none, f->family);
	tcp = (void *)(p + l34);
	if (raw->syn_opt != NULL)
		l4_len += zs_tcpopt_write_syn((uint8_t *)(tcp + 1), raw->syn_opt);
	else if (raw->ts)
		l4_len += zs_tcpopt_write_ts((uint8_t *)(tcp + 1), raw->ts_val, raw->ts_ecr);
	put_ip(s, raw, p + L2, l4_len + data_len);
	*tcp = (struct zs_tcp_hdr){
		.sport_be = rte_cpu_to_be_16(f->lport),
		.dport_be = rte_cpu_to_be_16(f->fport),
		.seq_be = rte_cpu_to_be_32(raw->seq),
		.ack_be = rte_cpu_to_be_32(raw->ack),
		.doff = (uint8_t)(l4_len << 2),
		.flags = raw->flags,
		.wnd_be = rte_cpu_to_be_16(raw->wnd),
		.cksum = zs_cksum_fold(zs_pseudo(f->family, &f->laddr, &f->faddr, ZS_PROTO_TCP,
						 l4_len + data_len)),
	};
	zs_pkt_set(m, m->data_off, (uint16_t)(l34 + l4_len));
	if (raw->payload != NULL)
		append(m, raw->payload, data_len);
	m->ol_flags = RTE_MBUF_F_TX_TCP_CKSUM |
		      (f->family == ZS_AF_IP4 ? RTE_MBUF_F_TX_IPV4 : RTE_MBUF_F_TX_IPV6);
	m->tx_offload = rte_mbuf_tx_offload(L2, l34 - L2, l4_len, 0, 0, 0, 0);
	s->stats.tcp_segs_out++;
	zs_eth_output(s, nif, f->family, &nexthop, m);
	return true;
}

void zs_send_rst_for(struct zs_stack *s, const struct zs_pktinfo *pi)
{
	struct zs_raw raw = { .flow = &pi->flow, .ttl = s->cfg.ttl };
	uint32_t syn_fin = (pi->tcp_flags & ZS_SYN ? 1 : 0) + (pi->tcp_flags & ZS_FIN ? 1 : 0);

	if (pi->tcp_flags & ZS_RST)
		return;
	if (pi->tcp_flags & ZS_ACK) {
		raw.seq = pi->ack;
		raw.flags = ZS_RST;
	} else {
		raw.ack = pi->seq + pi->data_len + syn_fin;
		raw.flags = ZS_RST | ZS_ACK;
	}
	s->stats.tcp_rst_out++;
	(void)zs_send_raw(s, &raw); /* as good as lost: the peer asks again */
}
