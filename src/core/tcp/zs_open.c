/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Opening: tables, tcb creation, active open (RFC 9293 3.10.1), what the SYNs negotiate (RFC 7323,
 * 2018), initial sequence numbers (RFC 6528), options set by the application.
 */
#include <errno.h>

#include "core/tcp/zs_ack.h"
#include "core/tcp/zs_cc.h"
#include "core/tcp/zs_half.h"
#include "core/tcp/zs_input.h"
#include "core/tcp/zs_output.h"
#include "core/tcp/zs_pace.h"
#include "core/tcp/zs_port.h"
#include "core/tcp/zs_queue.h"
#include "core/tcp/zs_score.h"
#include "core/tcp/zs_sndrules.h"
#include "core/tcp/zs_tfo.h"
#include "core/tcp/zs_timers.h"
#include "core/tcp/zs_tw.h"
#include "core/zs_ip6.h"
#include "core/zs_iphdr.h"
#include "core/zs_loopback.h"

/* of a peer that does not say, by family: RFC 9293 3.7.1 */
enum { DEFAULT_MSS_IP4 = 536, DEFAULT_MSS_IP6 = 1220, MIN_MSS = 48 };

int zs_tcp_init(struct zs_stack *s)
{
	struct zs_tcptab *t = &s->tcp;
	const struct zs_config *cfg = &s->cfg;
	int rc;

	for (unsigned i = 0; i < ZS_PORT_HASH; i++) {
		zs_list_init(&t->port_hash[i]);
		zs_list_init(&t->listen_hash[i]);
	}
	for (unsigned i = 0; i < ZS_HALF_LEVELS; i++)
		zs_list_init(&t->half_fifo[i]);
	zs_list_init(&t->tw_fifo);
	t->half_timer.fire = zs_half_timer;
	t->tw_timer.fire = zs_tw_timer;
	rc = zs_slab_init(s, &t->tcbs, sizeof(struct zs_tcb), cfg->max_conns);
	if (rc == 0)
		rc = zs_slab_init(s, &t->halves, sizeof(struct zs_half), cfg->max_half_open);
	if (rc == 0)
		rc = zs_slab_init(s, &t->tws, sizeof(struct zs_tw), cfg->max_time_wait);
	if (rc == 0)
		rc = zs_slab_init(s, &t->listeners, sizeof(struct zs_listener), cfg->max_listeners);
	if (rc == 0)
		rc = zs_tfo_init(s);
	if (rc < 0)
		return rc;
	t->scores = zs_alloc(s, sizeof(struct zs_score) * cfg->max_conns);
	t->paces = zs_alloc(s, sizeof(struct zs_pace) * cfg->max_conns);
	return t->scores != NULL && t->paces != NULL ? 0 : -ENOMEM;
}

static void free_one(void *arg, struct zs_tcb *tcb)
{
	zs_tcb_free(arg, tcb);
}

void zs_tcp_fini(struct zs_stack *s)
{
	zs_tcp_foreach(s, free_one, s);
	zs_free(s, s->tcp.tcbs.mem);
	zs_free(s, s->tcp.halves.mem);
	zs_free(s, s->tcp.tws.mem);
	zs_free(s, s->tcp.listeners.mem);
	zs_free(s, s->tcp.scores);
	zs_free(s, s->tcp.paces);
	zs_tfo_fini(s);
}

uint32_t zs_isn(struct zs_stack *s, const struct zs_flow *flow)
{
	return (uint32_t)(s->now_us / 4) + (uint32_t)zs_siphash(s->isn_key, flow, sizeof(*flow));
}

uint32_t zs_ts_offset(struct zs_stack *s, const struct zs_flow *flow)
{
	uint64_t key[2] = { s->isn_key[1], s->isn_key[0] };

	return (uint32_t)zs_siphash(key, flow, sizeof(*flow));
}

uint8_t zs_rcv_wscale(const struct zs_stack *s, const struct zs_tcp_opts *opts)
{
	uint64_t max = opts->rcvbuf != 0 ? opts->rcvbuf : s->cfg.rcvbuf_max;
	uint8_t ws = 0;

	while (ws < ZS_WSCALE_MAX && (UINT64_C(65535) << ws) < max)
		ws++;
	return ws;
}

/* MSS, options and windows are known on both sides: the connection can begin to send. */
void zs_tcb_negotiate(struct zs_stack *s, struct zs_tcb *tcb, const struct zs_synopts *peer)
{
	uint16_t mtu = zs_pmtu(s, tcb->flow.family, &tcb->flow.faddr, tcb->mtu);
	uint16_t ours = (uint16_t)(mtu - zs_iphdr_with_tcp(tcb->flow.family));
	uint16_t mss = peer->mss;

	if (mss == 0)
		mss = tcb->flow.family == ZS_AF_IP4 ? DEFAULT_MSS_IP4 : DEFAULT_MSS_IP6;
	tcb->peer_mss = mss;
	mss = RTE_MIN(mss, ours);
	if (tcb->opts.maxseg != 0)
		mss = RTE_MIN(mss, tcb->opts.maxseg);
	mss = RTE_MAX(mss, (uint16_t)MIN_MSS);
	if (peer->ts) {
		tcb->flags |= ZS_TF_TS;
		mss = (uint16_t)(mss - 12);
	}
	if (peer->ecn)
		tcb->flags |= ZS_TF_ECN;
	if (peer->sack)
		tcb->flags |= ZS_TF_SACK;
	if (peer->has_wscale) {
		tcb->flags |= ZS_TF_WSCALE;
		tcb->snd_wscale = RTE_MIN(peer->wscale, (uint8_t)ZS_WSCALE_MAX);
	} else {
		tcb->snd_wscale = 0;
		tcb->rcv_wscale = 0;
	}
	tcb->mss = mss;
	tcb->hdr_len = 0;
	tcb->cwnd = zs_cc_initial_window(s, mss);
	tcb->ssthresh = ZS_SSTHRESH_INITIAL;
	tcb->tune_start_us = (uint32_t)s->now_us;
	zs_pace_update(s, tcb);
	zs_cc_find(tcb->cc)->init(s, tcb);
}

struct zs_tcb *zs_tcp_open(struct zs_stack *s, uint8_t family)
{
	return zs_tcb_new(s, &(struct zs_flow){ .family = family, .proto = ZS_PROTO_TCP });
}

void zs_tcp_set_family(struct zs_tcb *tcb, uint8_t family, bool dual)
{
	tcb->flow.family = family;
	tcb->flags &= ~(uint32_t)ZS_TF_DUAL;
	if (dual)
		tcb->flags |= ZS_TF_DUAL;
}

struct zs_ep *zs_tcp_ep(struct zs_tcb *tcb)
{
	return &tcb->ep;
}

struct zs_tcp_opts *zs_tcp_opts(struct zs_tcb *tcb)
{
	return &tcb->opts;
}

enum zs_tcp_state zs_tcp_state(const struct zs_tcb *tcb)
{
	return tcb->state;
}

const struct zs_flow *zs_tcp_flow(const struct zs_tcb *tcb)
{
	return &tcb->flow;
}

struct zs_addr zs_tcp_bound_addr(const struct zs_tcb *tcb)
{
	const struct zs_addr any = { .q = { 0, 0 } };

	return tcb->flags & ZS_TF_SRC_CHOSEN ? any : tcb->flow.laddr;
}

void zs_tcp_opts_changed(struct zs_stack *s, struct zs_tcb *tcb)
{
	const struct zs_cc_ops *cc = zs_cc_find(tcb->opts.cc);

	if (tcb->opts.sndbuf != 0)
		tcb->sndbuf = RTE_MIN(tcb->opts.sndbuf, s->cfg.sndbuf_max);
	if (tcb->opts.rcvbuf != 0)
		tcb->rcvbuf = RTE_MIN(tcb->opts.rcvbuf, s->cfg.rcvbuf_max);
	if (cc != NULL && tcb->opts.cc != tcb->cc) {
		tcb->cc = tcb->opts.cc;
		zs_pace_update(s, tcb);
		cc->init(s, tcb);
	}
	zs_pace_update(s, tcb);
	zs_lowat_changed(s, tcb);
	tcb->hdr_len = 0; /* TOS and TTL are in the header template */
	if (!zs_tcb_synchronized(tcb))
		return;
	zs_keepalive_start(s, tcb);
	zs_output_later(s, tcb);
}

static int choose_source(struct zs_stack *s, struct zs_tcb *tcb, struct zs_flow *flow)
{
	struct zs_addr nexthop;
	const struct zs_netif *nif = zs_route_lookup(s, flow->family, &flow->faddr, &nexthop);

	if (nif == NULL)
		return -ENETUNREACH;
	if (flow->family == ZS_AF_IP4 && flow->faddr.ip4_be == nif->ip4_bcast_be)
		return -EADDRNOTAVAIL; /* RFC 1122 4.2.3.10 */
	if (zs_addr_is_any(&flow->laddr) &&
	    !zs_source(s, nif, flow->family, &flow->faddr, &flow->laddr))
		return -EADDRNOTAVAIL;
	if (!zs_source_ok(nif, flow->family, &flow->laddr))
		return -EINVAL;
	tcb->netif = nif->index;
	tcb->mtu = zs_link_mtu(s, nif, flow->family);
	return 0;
}

/* Completes flow, and says where its sequence numbers begin. */
static int choose_port(struct zs_stack *s, struct zs_flow *flow, uint32_t *iss)
{
	int rc = flow->lport == 0 ? zs_port_ephemeral(s, flow) : 0;
	uint8_t kind;
	void *obj;

	*iss = zs_isn(s, flow);
	if (rc < 0)
		return rc;
	obj = zs_flowtab_find(s, flow, zs_flow_hash(s->hash_key, flow), &kind);
	if (obj == NULL)
		return 0;
	if (kind != ZS_REF_TW)
		return -EADDRNOTAVAIL;
	*iss = zs_tw_next_iss(s, obj);
	zs_tw_free(s, obj);
	return 0;
}

/* Everything up to the SYN: addresses, ports, numbers, the place in the table. */
static int prepare(struct zs_stack *s, struct zs_tcb *tcb, const struct zs_addr *addr,
		   uint16_t port)
{
	struct zs_flow flow = tcb->flow;
	int rc;

	if (tcb->state == ZS_SYN_SENT || tcb->state == ZS_SYN_RCVD)
		return -EALREADY;
	if (tcb->state != ZS_CLOSED || zs_tcp_has_met(tcb))
		return -EISCONN;
	if (port == 0 || zs_addr_is_any(addr) || zs_is_group(flow.family, addr))
		return -EADDRNOTAVAIL;
	flow.faddr = *addr;
	flow.fport = port;
	rc = choose_source(s, tcb, &flow);
	if (rc == 0)
		rc = choose_port(s, &flow, &tcb->iss);
	if (rc < 0)
		return rc;
	if (zs_addr_is_any(&tcb->flow.laddr))
		tcb->flags |= ZS_TF_SRC_CHOSEN;
	tcb->flow = flow;
	tcb->snd_una = tcb->iss;
	tcb->snd_nxt = tcb->snd_small = tcb->iss + 1;
	tcb->ts_off = zs_ts_offset(s, &flow);
	tcb->rcv_wscale = s->cfg.use_wscale ? zs_rcv_wscale(s, &tcb->opts) : 0;
	tcb->flags |= ZS_TF_SYN_SENT;
	tcb->rto_us = s->cfg.rto_initial_us;
	tcb->retx_count = 0;
	tcb->ep.error = 0;
	zs_tcp_set_state(tcb, ZS_SYN_SENT);
	zs_tcb_enter_table(s, tcb);
	return 0;
}

void zs_tcp_syn_now(struct zs_stack *s, struct zs_tcb *tcb)
{
	tcb->syn_flags &= ~(uint8_t)ZS_SY_WAITS;
	zs_send_syn(s, tcb);
	zs_retx_restart(s, tcb);
}

int zs_tcp_connect(struct zs_stack *s, struct zs_tcb *tcb, const struct zs_addr *addr,
		   uint16_t port)
{
	int rc = prepare(s, tcb, addr, port);

	if (rc == 0)
		zs_tcp_syn_now(s, tcb);
	return rc;
}

int zs_tcp_fastopen(struct zs_stack *s, struct zs_tcb *tcb, const struct zs_addr *addr,
		    uint16_t port)
{
	bool bare = tcb->opts.tfo_no_cookie || s->cfg.tfo & ZS_TFO_CLIENT_NO_COOKIE;
	int rc;

	if (!(s->cfg.tfo & ZS_TFO_CLIENT))
		return -EOPNOTSUPP;
	rc = prepare(s, tcb, addr, port);
	if (rc < 0)
		return rc;
	if (!bare)
		tcb->syn_flags |= ZS_SY_ASKED;
	if (!bare && zs_tfo_peer(s, &tcb->flow)->len == 0) {
		zs_tcp_syn_now(s, tcb);
		return -EINPROGRESS;
	}
	tcb->syn_flags |= ZS_SY_WAITS;
	tcb->mss = (uint16_t)zs_syn_room(s, tcb); /* of the records that are written now */
	return 0;
}

bool zs_tcp_syn_waits(const struct zs_tcb *tcb)
{
	return (tcb->syn_flags & ZS_SY_WAITS) != 0;
}

bool zs_tcp_opening(const struct zs_tcb *tcb)
{
	return tcb->state == ZS_SYN_SENT ||
	       (tcb->state == ZS_SYN_RCVD && !(tcb->syn_flags & ZS_SY_CHILD));
}

void zs_tcp_writer_waits(struct zs_tcb *tcb, bool waits)
{
	if (waits)
		tcb->syn_flags |= ZS_SY_WRITER;
	else
		tcb->syn_flags &= ~(uint8_t)ZS_SY_WRITER;
}

void zs_tcp_foreach(struct zs_stack *s, void (*fn)(void *arg, struct zs_tcb *tcb), void *arg)
{
	for (uint32_t i = 0; i < s->tcp.tcbs.high; i++) {
		struct zs_tcb *tcb = zs_slab_at(&s->tcp.tcbs, i);

		if (tcb->timer.fire != NULL) /* in use */
			fn(arg, tcb);
	}
}
