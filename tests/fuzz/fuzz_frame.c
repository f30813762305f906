/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Fuzz target: the parser alone, at full speed. The first two bytes of the input say what the
 * device did (bit 0: VLAN, 1: it checked the checksums, 2: they were wrong, 3: the frame is in
 * pieces) and where the frame is cut; the rest is the frame, in buffers that end with it. All that
 * zs_parse() says lies inside the frame, or the frame is dropped for a reason.
 */
#include "core/zs_netif.h"
#include "core/zs_parse.h"
#include "core/zs_state.h"
#include "fuzz.h"
#include "zs_simpool.h"

enum { MAX_FRAME = ZS_SIM_PKT_ROOM, VLAN = 1, CHECKED = 2, WRONG = 4, PIECES = 8 };

/* The same for all inputs: parsing changes nothing. */
struct world {
	struct zs_simpools pools;
	struct zs_env env;
	struct zs_config cfg;
	struct zs_stack *s;
};

static uint16_t no_tx(void *ctx, uint16_t port, struct rte_mbuf **pkts, uint16_t n)
{
	(void)ctx;
	(void)port;
	for (uint16_t i = 0; i < n; i++)
		rte_pktmbuf_free(pkts[i]);
	return n;
}

static void make(struct world *w)
{
	zs_simpools_init(&w->pools, 0);
	zs_simpools_env(&w->pools, &w->env, 7);
	w->env.tx = no_tx;
	zs_config_defaults(&w->cfg);
	w->cfg.max_conns = w->cfg.max_half_open = w->cfg.max_time_wait = 16;
	w->cfg.max_listeners = w->cfg.max_udp = 4;
	w->cfg.max_neigh = 32;
	w->cfg.n_netifs = 1;
	w->cfg.netif[0] = (struct zs_netif_config){
		.mtu = 1500,
		.mac = { { 2, 0, 0, 0, 0, 1 } },
		.ip4_prefix = 24,
		.ip4_be = __builtin_bswap32(0x0a000001),
		.ip6 = { .on = true },
	};
	check(zs_stack_create(&w->s, &w->cfg, &w->env, 1) == 0);
}

static struct rte_mbuf *buffer(const struct world *w, const uint8_t *p, size_t n)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(w->pools.pkt);

	check(m != NULL);
	zs_pkt_set(m, (uint16_t)((m->buf_len - n) & ~1u), (uint16_t)n);
	memcpy(rte_pktmbuf_mtod(m, void *), p, n);
	return m;
}

static void inside(const struct zs_pktinfo *pi, const struct rte_mbuf *m)
{
	check(pi->l3_off <= m->data_len);
	switch ((enum zs_pkt_kind)pi->kind) {
	case ZS_PKT_DROP:
		check(pi->drop < ZS_DROP_COUNT);
		break;
	case ZS_PKT_TCP:
	case ZS_PKT_UDP:
	case ZS_PKT_ICMP:
	case ZS_PKT_ICMP6:
		/* who reads on does so up to data_off in the first buffer, and data_len from there
		 */
		check(pi->l3_off < pi->l4_off && pi->l4_off < pi->data_off);
		check(pi->data_off <= m->data_len);
		check(pi->data_off + pi->data_len <= m->pkt_len);
		check(pi->opt.n_sack <= 4);
		break;
	case ZS_PKT_FRAG:
		check(pi->l3_off < pi->l4_off && pi->l4_off <= m->data_len);
		break;
	case ZS_PKT_ARP:
	case ZS_PKT_IP_OTHER:
	case ZS_PKT_PROBLEM:
	case ZS_PKT_STRAY:
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct world w;
	struct fuzz_in in = { .p = data, .end = data + size };
	uint8_t how = in8(&in), cut = in8(&in);
	struct zs_pktinfo pi = { .kind = ZS_PKT_DROP };
	struct rte_mbuf *m;
	size_t n, first;

	if (w.s == NULL)
		make(&w);
	n = (size_t)(in.end - in.p);
	if (n == 0 || n > MAX_FRAME)
		return 0;
	first = how & PIECES && n > 64u + cut ? 64u + cut : n;
	m = buffer(&w, in.p, first);
	if (first < n)
		zs_pkt_join(m, buffer(&w, in.p + first, n - first));
	w.s->netif[0].offloads = how & CHECKED ? ZS_OFF_RX_IP_CKSUM | ZS_OFF_RX_L4_CKSUM : 0;
	w.s->netif[0].vlan = how & VLAN;
	if (how & CHECKED)
		m->ol_flags |= how & WRONG
				       ? RTE_MBUF_F_RX_L4_CKSUM_BAD
				       : RTE_MBUF_F_RX_IP_CKSUM_GOOD | RTE_MBUF_F_RX_L4_CKSUM_GOOD;
	zs_parse(w.s, &w.s->netif[0], m, &pi);
	inside(&pi, m);
	rte_pktmbuf_free(m);
	check(zs_simpools_live(&w.pools) == 0);
	return 0;
}
