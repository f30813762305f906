/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Fast Open, RFC 7413: cookies (4.1.2), the client's cache of them (4.1.3), what a server makes of
 * a SYN (4.2.2), and the bound on connections whose client has not proven its address by an ACK
 * (5.1).
 */
#include "core/tcp/zs_tfo.h"

#include <errno.h>

#include "core/tcp/zs_tcb.h"
#include "core/zs_parse.h"

enum { PEERS = 256 };

/* The key of servers, where the configuration has none. */
static void draw_key(struct zs_stack *s)
{
	uint64_t half[2];

	for (uint64_t i = 0; i < 2; i++)
		half[i] = zs_siphash(s->isn_key, &i, sizeof(i));
	memcpy(s->cfg.tfo_key, half, sizeof(half));
}

int zs_tfo_init(struct zs_stack *s)
{
	if (!s->cfg.tfo_key_set)
		draw_key(s);
	s->tcp.tfo_peers = zs_alloc(s, PEERS * sizeof(struct zs_tfo_peer));
	return s->tcp.tfo_peers != NULL ? 0 : -ENOMEM;
}

void zs_tfo_fini(struct zs_stack *s)
{
	zs_free(s, s->tcp.tfo_peers);
}

/* ---- client ---- */

static struct zs_tfo_peer *slot(const struct zs_stack *s, const struct zs_flow *flow)
{
	const struct zs_addr pair[2] = { flow->laddr, flow->faddr };

	return &s->tcp.tfo_peers[zs_siphash(s->isn_key, pair, sizeof(pair)) % PEERS];
}

static bool of_flow(const struct zs_tfo_peer *p, const struct zs_flow *flow)
{
	return p->mss != 0 && zs_addr_eq(&p->laddr, &flow->laddr) &&
	       zs_addr_eq(&p->faddr, &flow->faddr);
}

const struct zs_tfo_peer *zs_tfo_peer(struct zs_stack *s, const struct zs_flow *flow)
{
	static const struct zs_tfo_peer unknown = { .mss = 0 };
	const struct zs_tfo_peer *p = slot(s, flow);

	return of_flow(p, flow) ? p : &unknown;
}

void zs_tfo_syn_option(struct zs_stack *s, const struct zs_tcb *tcb, struct zs_tcpopt *opt)
{
	const struct zs_tfo_peer *p = zs_tfo_peer(s, &tcb->flow);
	bool exp = p->len > 0 ? p->exp : p->exp_tries == 1;

	opt->fastopen = (uint8_t)(p->len | ZS_TFO_PRESENT | (exp ? ZS_TFO_EXP : 0));
	opt->cookie = p->cookie;
}

/* Where nothing was learned that is worth to push out somebody else, nothing changes. */
void zs_tfo_learn(struct zs_stack *s, const struct zs_tcb *tcb, const struct zs_pktinfo *pi,
		  bool syn_data)
{
	struct zs_tfo_peer *p = slot(s, &tcb->flow);
	bool asked = (tcb->syn_flags & ZS_SY_ASKED) != 0;
	uint8_t len = zs_tfo_cookie_len(&pi->opt);
	bool exp = (pi->opt.fastopen & ZS_TFO_EXP) != 0;

	if (!asked && !syn_data)
		return;
	if (!of_flow(p, &tcb->flow))
		*p = (struct zs_tfo_peer){ .laddr = tcb->flow.laddr, .faddr = tcb->flow.faddr };
	p->mss = tcb->peer_mss;
	if (!asked)
		return; /* 4.1.3.1: a cookie that nobody asked for does not count */
	if (len > 0) {
		memcpy(p->cookie, pi->opt.cookie, len);
		p->len = len;
		p->exp = exp;
		p->exp_tries = 0;
	} else if (!syn_data && p->len == 0 && tcb->retx_count == 0) {
		p->exp_tries = p->exp_tries == 0 ? 1 : 2;
	}
}

void zs_tfo_flush(struct zs_stack *s)
{
	memset(s->tcp.tfo_peers, 0, PEERS * sizeof(struct zs_tfo_peer));
}

/* ---- server ---- */

void zs_tcp_set_tfo_key(struct zs_tcb *tcb, const uint8_t key[16])
{
	memcpy(tcb->tfo.key, key, sizeof(tcb->tfo.key));
	tcb->syn_flags |= ZS_SY_KEY;
}

const uint8_t *zs_tcp_tfo_key(const struct zs_tcb *tcb)
{
	return tcb->state == ZS_CLOSED && tcb->syn_flags & ZS_SY_KEY ? tcb->tfo.key : NULL;
}

void zs_tcp_set_tfo_qlen(struct zs_tcb *tcb, uint32_t qlen)
{
	tcb->tfo.qlen = qlen;
}

uint32_t zs_tcp_tfo_qlen(const struct zs_tcb *tcb)
{
	return tcb->state == ZS_CLOSED ? tcb->tfo.qlen : 0;
}

const uint8_t *zs_tfo_key(const struct zs_stack *s, const struct zs_listener *l)
{
	return l->has_tfo_key ? l->tfo_key : s->cfg.tfo_key;
}

static uint64_t load64le(const uint8_t *p)
{
	uint64_t v = 0;

	for (int i = 7; i >= 0; i--)
		v = v << 8 | p[i];
	return v;
}

void zs_tfo_cookie(const uint8_t key[16], const struct zs_flow *flow,
		   uint8_t cookie[ZS_TFO_OUR_LEN])
{
	const uint64_t k[2] = { load64le(key), load64le(key + 8) };
	size_t n = flow->family == ZS_AF_IP4 ? 4 : 16;
	uint8_t pair[32];
	uint64_t mac;

	memcpy(pair, flow->faddr.b, n);
	memcpy(pair + n, flow->laddr.b, n);
	mac = zs_siphash(k, pair, 2 * n);
	for (int i = 0; i < ZS_TFO_OUR_LEN; i++)
		cookie[i] = (uint8_t)(mac >> 8 * i);
}

uint8_t zs_tfo_reply(const struct zs_tcpopt *syn)
{
	return (uint8_t)(ZS_TFO_OUR_LEN | ZS_TFO_PRESENT | (syn->fastopen & ZS_TFO_EXP));
}

static bool cookie_ok(const struct zs_stack *s, const struct zs_listener *l,
		      const struct zs_pktinfo *pi)
{
	uint8_t good[ZS_TFO_OUR_LEN], differ = 0;

	if (zs_tfo_cookie_len(&pi->opt) != ZS_TFO_OUR_LEN)
		return false;
	zs_tfo_cookie(zs_tfo_key(s, l), &pi->flow, good);
	for (int i = 0; i < ZS_TFO_OUR_LEN; i++) /* in constant time */
		differ |= (uint8_t)(good[i] ^ pi->opt.cookie[i]);
	return differ == 0;
}

static uint32_t pending_limit(const struct zs_stack *s, const struct zs_listener *l)
{
	if (l->tfo_qlen > 0 || !(s->cfg.tfo & ZS_TFO_ANY_LISTENER))
		return l->tfo_qlen;
	return l->backlog;
}

enum zs_tfo_verdict zs_tfo_judge(struct zs_stack *s, const struct zs_listener *l,
				 const struct zs_pktinfo *pi)
{
	bool asks = (pi->opt.fastopen & ZS_TFO_PRESENT) != 0;

	if (likely(!asks && pi->data_len == 0))
		return ZS_TFO_NO;
	if (!(s->cfg.tfo & ZS_TFO_SERVER) || s->tcp.tfo_pending >= pending_limit(s, l) ||
	    s->tcp.tcbs.live >= s->tcp.tcbs.cap)
		return ZS_TFO_NO;
	if (s->cfg.tfo & ZS_TFO_NO_COOKIE)
		return ZS_TFO_OPEN;
	if (!asks)
		return ZS_TFO_NO;
	return cookie_ok(s, l, pi) ? ZS_TFO_OPEN : ZS_TFO_COOKIE;
}

void zs_tfo_child_done(struct zs_stack *s, struct zs_tcb *tcb)
{
	if (!(tcb->syn_flags & ZS_SY_PENDING))
		return;
	tcb->syn_flags &= ~(uint8_t)ZS_SY_PENDING;
	s->tcp.tfo_pending--;
}
