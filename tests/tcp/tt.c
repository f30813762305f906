/* SPDX-License-Identifier: BSD-3-Clause */
/* The harness of the TCP scripts: see tt.h. */
#include "tt.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/zs_pkt.h"
#include "sim/zs_simpool.h"

enum { MAX_FRAME = 70000, N_OUT = sizeof(((struct tt *)0)->out) / sizeof(struct tt_out) };

/* A buffer that a slow device still holds, and what was in it. */
struct tt_held {
	struct tt_held *next;
	struct rte_mbuf *m;
	size_t len;
	uint8_t bytes[];
};

static struct zs_simpools pools;

/* ---- what goes wrong ---- */

static void print_seg(const struct tt *t, const char *what, const struct tt_seg *seg)
{
	print_error("%s at %.6f: %s seq %d ack %d len %u wnd %u %s%s\n", what,
		    (double)tt_time(t) / 1e6, seg->flags, (int)seg->seq, (int)seg->ack, seg->len,
		    seg->wnd & 0xffff, seg->opt != NULL ? "options " : "",
		    seg->opt != NULL ? seg->opt : "");
}

static void print_out(const struct tt *t, const char *what, const struct tt_out *o)
{
	char opt[256];

	tt_opt_text(t->c, o, opt, sizeof(opt));
	print_error("%s at %.6f: %s seq %d ack %d len %u wnd %u options %s tsval %u tsecr %u (%u > "
		    "%u)\n",
		    what, (double)o->at_us / 1e6, tt_flags_text(o->flags), (int)tt_seq(t, o),
		    (int)tt_ack(t, o), o->len, o->wnd, opt, o->tsval, o->tsecr, o->sport, o->dport);
}

static void print_queue(const struct tt *t)
{
	for (unsigned i = t->out_head; i != t->out_tail; i++)
		print_out(t, "  emitted", &t->out[i % N_OUT]);
}

/* ---- the world ---- */

static size_t linearize(const struct rte_mbuf *m, uint8_t *buf)
{
	size_t len = 0;
	unsigned segs = 0;

	for (const struct rte_mbuf *p = m; p != NULL; p = p->next) {
		if (rte_mbuf_refcnt_read(p) == 0)
			fail_msg("a freed buffer was sent");
		memcpy(buf + len, rte_pktmbuf_mtod(p, void *), p->data_len);
		len += p->data_len;
		segs++;
	}
	if (len != m->pkt_len || segs != m->nb_segs)
		fail_msg("pkt_len %u is %zu, nb_segs %u is %u", m->pkt_len, len, m->nb_segs, segs);
	return len;
}

static struct tt_conn *conn_of(struct tt *t, const struct tt_out *o)
{
	for (unsigned i = 0; i < TT_MAX_CONNS; i++)
		if (t->conn[i].port == o->sport && t->conn[i].peer_port == o->dport)
			return &t->conn[i];
	return NULL;
}

static void took_tcp(struct tt *t, const uint8_t *frame, size_t len)
{
	struct tt_out *o = &t->out[t->out_tail % N_OUT];
	const char *wrong;
	struct tt_conn *c;

	if (t->out_tail - t->out_head == N_OUT)
		fail_msg("%u emitted segments that nobody looks at", N_OUT);
	free(o->payload);
	memset(o, 0, sizeof(*o));
	wrong = tt_frame_parse(frame, len, o);
	if (wrong != NULL)
		fail_msg("emitted frame of %zu bytes is wrong: %s", len, wrong);
	o->at_us = t->now - t->t0;
	t->out_tail++;
	c = conn_of(t, o);
	if (c == NULL)
		return;
	if (o->flags & ZS_SYN) {
		c->iss = o->seq;
		c->iss_known = true;
	}
	if (o->has_ts)
		c->tsecr = o->tsval;
	if (o->flags & ZS_ACK) {
		c->edge = o->ack + o->wnd - c->peer_isn;
		c->wnd_out = o->wnd;
	}
}

static void took_icmp6(struct tt *t, const uint8_t *f)
{
	const struct zs_addr peer = tt_addr(tt_ends.peer_ip);
	bool asks_peer = f[54] == 135 && memcmp(f + 62, &peer, 16) == 0;

	t->arp_requests += asks_peer;
	t->arp_due |= asks_peer;
}

static void took_frame(struct tt *t, const uint8_t *f, size_t len)
{
	unsigned type = f[12] << 8 | f[13];

	if (type == 0x0806) {
		bool asks_peer = f[21] == 1 && f[38] == 10 && f[41] == (tt_ends.peer_ip & 0xff);

		t->arp_requests += asks_peer;
		t->arp_due |= asks_peer;
	} else if (type == 0x0800 && f[23] == 6) {
		took_tcp(t, f, len);
	} else if (type == 0x0800 && f[23] == 1) {
		t->icmp_out.len = (unsigned)RTE_MIN(len, sizeof(t->icmp_out.bytes));
		memcpy(t->icmp_out.bytes, f, t->icmp_out.len);
	} else if (type == 0x86dd && f[20] == 6) {
		took_tcp(t, f, len);
	} else if (type == 0x86dd && f[20] == 58) {
		took_icmp6(t, f);
	} else if (type == 0x86dd && f[20] == 0) {
		/* a report of groups */
	} else {
		fail_msg("emitted a frame of type %04x, protocol %u", type, f[23]);
	}
}

static void hold_mbuf(struct tt *t, struct rte_mbuf *m, const uint8_t *bytes, size_t len)
{
	struct tt_held *h = malloc(sizeof(*h) + len);

	h->next = t->held;
	h->m = m;
	h->len = len;
	memcpy(h->bytes, bytes, len);
	t->held = h;
}

static uint16_t env_tx(void *ctx, uint16_t port, struct rte_mbuf **pkts, uint16_t n)
{
	struct tt *t = ctx;
	static uint8_t frame[MAX_FRAME];

	assert_int_equal(port, 0);
	if (t->refuse > 0) {
		t->refuse--;
		return 0;
	}
	if (n == 0) /* as af_xdp: gives back what it is done with */
		tt_release_tx(t);
	for (uint16_t i = 0; i < n; i++) {
		size_t len = linearize(pkts[i], frame);

		took_frame(t, frame, len);
		if (t->hold_tx)
			hold_mbuf(t, pkts[i], frame, len);
		else
			rte_pktmbuf_free(pkts[i]);
	}
	return n;
}

void tt_release_tx(struct tt *t)
{
	static uint8_t now[MAX_FRAME];

	while (t->held != NULL) {
		struct tt_held *h = t->held;
		bool same = linearize(h->m, now) == h->len && memcmp(now, h->bytes, h->len) == 0;

		t->held = h->next;
		rte_pktmbuf_free(h->m);
		free(h);
		if (!same)
			fail_msg("a buffer changed while the device held it");
	}
}

unsigned tt_live_mbufs(void)
{
	return zs_simpools_live(&pools);
}

void tt_starve(bool on)
{
	zs_simpool_limit(pools.hdr, on ? 0 : UINT32_MAX);
}

void tt_pool(uint32_t n)
{
	zs_simpool_limit(pools.pkt, n);
}

void tt_headers(uint32_t n)
{
	zs_simpool_limit(pools.hdr, n);
}

/* ---- a script's life ---- */

static void default_config(struct zs_config *cfg)
{
	zs_config_defaults(cfg);
	cfg->max_conns = 64;
	cfg->max_half_open = 64;
	cfg->max_time_wait = 64;
	cfg->max_listeners = 16;
	cfg->max_udp = 16;
	cfg->max_neigh = 16;
	cfg->use_ts = false; /* scripts that speak of timestamps turn them on */
	cfg->n_netifs = 1;
	cfg->netif[0] = (struct zs_netif_config){
		.port = 0,
		.mtu = 1500,
		.offloads = ZS_OFF_TX_MULTI_SEG,
		.ip4_prefix = 24,
		.ip4_be = rte_cpu_to_be_32(tt_ends.ip),
	};
	memcpy(cfg->netif[0].mac.b, tt_ends.mac, 6);
}

/* IPv4's configuration, with IPv6 in its place. */
static void use_ip6(struct zs_netif_config *nif)
{
	nif->ip6 = (struct zs_ip6_config){
		.on = true,
		.n_addr = 1,
		.prefix = { 96 + nif->ip4_prefix },
		.addr = { tt_addr(tt_ends.ip) },
	};
	nif->ip4_be = 0;
	nif->mtu = (uint16_t)RTE_MIN(nif->mtu + 20u, (uint32_t)UINT16_MAX);
}

static void init_conns(struct tt *t)
{
	for (unsigned i = 0; i < TT_MAX_CONNS; i++)
		t->conn[i] = (struct tt_conn){
			.port = TT_PORT,
			.peer_port = (uint16_t)(TT_PEER_PORT + i),
			.peer_isn = (uint32_t)TT_PEER_ISN + 1000003 * i,
			.wnd = 65535,
		};
	t->c = &t->conn[0];
}

int tt_setup(void **state)
{
	const struct tt_case *tcase = *state;
	struct tt *t = calloc(1, sizeof(*t));
	struct zs_env env = { .tx = env_tx };

	if (t == NULL)
		return -1;
	t->tcase = tcase;
	t->t0 = 1234567890;
	t->now = t->t0;
	init_conns(t);
	default_config(&t->cfg);
	if (tcase->config != NULL)
		tcase->config(&t->cfg);
	if (tt_v6())
		use_ip6(&t->cfg.netif[0]);
	if (tt_v6() && (t->cfg.netif[0].mtu < 1280 || t->cfg.netif[0].mtu == UINT16_MAX)) {
		t->no_such_mtu = true;
		t->cfg.netif[0].mtu = 1280;
	}
	zs_simpools_init(&pools, 0);
	zs_simpools_env(&pools, &env, 1);
	env.ctx = t;
	*state = t;
	return zs_stack_create(&t->s, &t->cfg, &env, t->now);
}

/* The application goes away and the world falls silent: nothing may remain. */
static void finish(struct tt *t)
{
	struct zs_stack_counts n;

	tt_expect_none(t);
	for (unsigned i = 0; i < TT_MAX_CONNS; i++)
		if (t->conn[i].tcb != NULL)
			zs_tcp_abort(t->s, t->conn[i].tcb);
	if (t->listener != NULL)
		zs_tcp_listener_close(t->s, t->listener);
	t->listener = NULL;
	for (unsigned i = 0; i < TT_MAX_CONNS; i++)
		t->conn[i].tcb = NULL;
	tt_turn(t);
	tt_drain(t);
	for (unsigned i = 0; i < 100; i++) {
		tt_advance(t, 60ull * TT_S);
		tt_drain(t);
	}
	tt_release_tx(t);
	n = zs_stack_counts(t->s);
	assert_int_equal(n.tcbs, 0);
	assert_int_equal(n.half_open, 0);
	assert_int_equal(n.time_wait, 0);
	assert_int_equal(n.listeners, 0);
	assert_int_equal(tt_live_mbufs(), 0);
}

void tt_run(void **state)
{
	struct tt *t = *state;

	if (t->no_such_mtu)
		return;
	tt_turn(t);
	t->tcase->fn(t);
	finish(t);
}

int tt_teardown(void **state)
{
	struct tt *t = *state;

	while (t->held != NULL) {
		struct tt_held *h = t->held;

		t->held = h->next;
		rte_pktmbuf_free(h->m);
		free(h);
	}
	for (unsigned i = 0; i < t->n_burst; i++)
		rte_pktmbuf_free(t->burst[i]);
	for (unsigned i = 0; i < N_OUT; i++)
		free(t->out[i].payload);
	zs_stack_destroy(t->s);
	free(t);
	return zs_simpools_fini(&pools) == 0 ? 0 : -1;
}

/* ---- time ---- */

static void take_events(struct tt *t)
{
	unsigned ev;
	struct zs_ep *ep;

	while ((ep = zs_ep_next(t->s, &ev)) != NULL) {
		if (ep->owner == t)
			t->listener_events |= ev;
		else
			((struct tt_conn *)ep->owner)->events |= ev;
	}
}

static void in_mbuf(struct tt *t, const void *frame, size_t len)
{
	size_t size = len < 60 ? 60 : len; /* devices pad short frames */
	struct rte_mbuf *m = rte_pktmbuf_alloc(size <= ZS_SIM_PKT_ROOM ? pools.pkt : pools.big);
	uint8_t *p = m != NULL ? (void *)rte_pktmbuf_append(m, (uint16_t)size) : NULL;

	if (p == NULL) {
		fail_msg("no buffer for a frame of %zu bytes", len);
		return;
	}
	memcpy(p, frame, len);
	memset(p + len, 0xee, size - len);
	t->burst[t->n_burst++] = m;
}

static void go(struct tt *t)
{
	unsigned n = t->n_burst;

	zs_stack_advance(t->s, t->now);
	t->n_burst = 0;
	zs_stack_input(t->s, 0, (struct rte_mbuf **)t->burst, (uint16_t)n);
}

static void answer_nd(struct tt *t)
{
	const struct zs_addr peer = tt_addr(tt_ends.peer_ip);
	uint8_t f[54 + 32] = { [12] = 0x86, [13] = 0xdd };
	uint8_t *na = f + 54;
	uint16_t sum;

	t->arp_due = false;
	memcpy(f, tt_ends.mac, 6);
	memcpy(f + 6, tt_ends.peer_mac, 6);
	tt_ip6_build(f + 14, 32, 58, 255);
	na[0] = 136;
	na[4] = 0x60;
	memcpy(na + 8, &peer, 16);
	na[24] = 2;
	na[25] = 1;
	memcpy(na + 26, tt_ends.peer_mac, 6);
	sum = (uint16_t)~tt_l4_cksum(na, 32, 58, true);
	na[2] = (uint8_t)(sum >> 8);
	na[3] = (uint8_t)sum;
	in_mbuf(t, f, sizeof(f));
	go(t);
}

static void answer_arp(struct tt *t)
{
	uint8_t f[42] = { [12] = 8, [13] = 6, [15] = 1, [16] = 8, [18] = 6, [19] = 4, [21] = 2 };
	uint32_t ip = rte_cpu_to_be_32(tt_ends.ip), peer_ip = rte_cpu_to_be_32(tt_ends.peer_ip);

	t->arp_due = false;
	memcpy(f, tt_ends.mac, 6);
	memcpy(f + 6, tt_ends.peer_mac, 6);
	memcpy(f + 22, tt_ends.peer_mac, 6);
	memcpy(f + 28, &peer_ip, 4);
	memcpy(f + 32, tt_ends.mac, 6);
	memcpy(f + 38, &ip, 4);
	in_mbuf(t, f, sizeof(f));
	go(t);
}

void tt_turn(struct tt *t)
{
	zs_stack_flush(t->s);
	while (t->arp_due && !t->no_arp) {
		(tt_v6() ? answer_nd : answer_arp)(t);
		zs_stack_flush(t->s);
	}
	take_events(t);
}

/* Time passes until `until`, or until something is emitted when that is asked. */
static void run(struct tt *t, uint64_t until, bool stop_at_output)
{
	for (;;) {
		uint64_t next;

		zs_stack_advance(t->s, t->now);
		tt_turn(t);
		if (t->now >= until || (stop_at_output && tt_pending(t) > 0))
			return;
		next = zs_stack_advance(t->s, t->now);
		if (next <= t->now)
			next = t->now + 1;
		t->now = next < until ? next : until;
	}
}

void tt_advance(struct tt *t, uint64_t us)
{
	run(t, t->now + us, false);
}

uint64_t tt_time(const struct tt *t)
{
	return t->now - t->t0;
}

/* ---- the peer speaks ---- */

void tt_in_frame(struct tt *t, const void *frame, size_t len)
{
	in_mbuf(t, frame, len);
	go(t);
	tt_turn(t);
}

void tt_in_(struct tt *t, struct tt_seg seg, const char *file, int line)
{
	static uint8_t frame[MAX_FRAME];
	uint32_t tsval = 0xfffffff0u + (uint32_t)(tt_time(t) / 1000);
	size_t len;

	if (t->n_burst == sizeof(t->burst) / sizeof(t->burst[0]))
		_fail(file, line);
	len = tt_frame_build(t->c, &seg, tsval, frame);
	in_mbuf(t, frame, len);
	if (seg.hold)
		return;
	go(t);
	tt_turn(t);
}

/* What IPv6 has for an error of IPv4. */
static void icmp6_of(uint8_t *type, uint8_t *code)
{
	static const uint8_t codes[16] = { 0, 3, 0, 4, 0, 0, 0, 3, 3, 1, 1, 0, 3, 1, 1, 1 };

	switch (*type) {
	case 3:
		*type = *code == 4 ? 2 : *code == 2 ? 4 : 1;
		*code = *code == 4 ? 0 : *code == 2 ? 1 : codes[*code & 15];
		break;
	case 11:
		*type = 3;
		break;
	case 12:
		*type = 4;
		break;
	default:
		*type = 100; /* RFC 4443: for experiments */
	}
}

static void in_icmp6(struct tt *t, uint8_t type, uint8_t code, uint16_t mtu, uint32_t seq)
{
	uint8_t f[54 + 8 + 40 + 8] = { [12] = 0x86, [13] = 0xdd };
	uint8_t *icmp = f + 54, *qip = icmp + 8, *qtcp = qip + 40;
	uint32_t v32 = rte_cpu_to_be_32(t->c->iss + seq);
	uint16_t v;

	memcpy(f, tt_ends.mac, 6);
	memcpy(f + 6, tt_ends.peer_mac, 6);
	tt_ip6_build(f + 14, sizeof(f) - 54, 58, 60);
	tt_ip6_build(qip, 20, 6, 60);
	memcpy(qip + 8, f + 14 + 24, 16);
	memcpy(qip + 24, f + 14 + 8, 16);
	v = rte_cpu_to_be_16(t->c->port);
	memcpy(qtcp, &v, 2);
	v = rte_cpu_to_be_16(t->c->peer_port);
	memcpy(qtcp + 2, &v, 2);
	memcpy(qtcp + 4, &v32, 4);
	icmp6_of(&type, &code);
	icmp[0] = type;
	icmp[1] = code;
	if (type == 2) {
		v32 = rte_cpu_to_be_32(mtu + 20u);
		memcpy(icmp + 4, &v32, 4);
	}
	v = rte_cpu_to_be_16((uint16_t)~tt_l4_cksum(icmp, sizeof(f) - 54, 58, true));
	memcpy(icmp + 2, &v, 2);
	tt_in_frame(t, f, sizeof(f));
}

static void in_icmp4(struct tt *t, uint8_t type, uint8_t code, uint16_t mtu, uint32_t seq)
{
	/* Ethernet, IP, ICMP header, and the quote: IP header and 8 bytes of TCP */
	uint8_t f[14 + 20 + 8 + 20 + 8] = { 0 };
	uint8_t *ip = f + 14, *icmp = ip + 20, *qip = icmp + 8, *qtcp = qip + 20;
	uint32_t seq_be = rte_cpu_to_be_32(t->c->iss + seq);
	uint16_t v;

	memcpy(f, tt_ends.mac, 6);
	memcpy(f + 6, tt_ends.peer_mac, 6);
	f[12] = 8;
	ip[0] = qip[0] = 0x45;
	ip[3] = 20 + 8 + 20 + 8;
	ip[8] = qip[8] = 60;
	ip[9] = 1;
	qip[3] = 60;
	qip[9] = 6;
	memcpy(ip + 12, &(uint32_t){ rte_cpu_to_be_32(tt_ends.peer_ip) }, 4);
	memcpy(ip + 16, &(uint32_t){ rte_cpu_to_be_32(tt_ends.ip) }, 4);
	memcpy(qip + 12, ip + 16, 4);
	memcpy(qip + 16, ip + 12, 4);
	v = rte_cpu_to_be_16((uint16_t)~tt_cksum(ip, 20, 0));
	memcpy(ip + 10, &v, 2);
	v = rte_cpu_to_be_16((uint16_t)~tt_cksum(qip, 20, 0));
	memcpy(qip + 10, &v, 2);
	v = rte_cpu_to_be_16(t->c->port);
	memcpy(qtcp, &v, 2);
	v = rte_cpu_to_be_16(t->c->peer_port);
	memcpy(qtcp + 2, &v, 2);
	memcpy(qtcp + 4, &seq_be, 4);
	icmp[0] = type;
	icmp[1] = code;
	v = rte_cpu_to_be_16(mtu);
	memcpy(icmp + 6, &v, 2);
	v = rte_cpu_to_be_16((uint16_t)~tt_cksum(icmp, 8 + 20 + 8, 0));
	memcpy(icmp + 2, &v, 2);
	tt_in_frame(t, f, sizeof(f));
}

void tt_in_icmp(struct tt *t, uint8_t type, uint8_t code, uint16_t mtu, uint32_t seq)
{
	(tt_v6() ? in_icmp6 : in_icmp4)(t, type, code, mtu, seq);
}

/* ---- what the stack answers ---- */

uint32_t tt_seq(const struct tt *t, const struct tt_out *o)
{
	return o->seq - t->c->iss;
}

uint32_t tt_ack(const struct tt *t, const struct tt_out *o)
{
	return o->flags & ZS_ACK ? o->ack - t->c->peer_isn : o->ack;
}

unsigned tt_pending(const struct tt *t)
{
	return t->out_tail - t->out_head;
}

void tt_drain(struct tt *t)
{
	t->out_head = t->out_tail;
}

const struct tt_out *tt_next(struct tt *t)
{
	return t->out_head == t->out_tail ? NULL : &t->out[t->out_head++ % N_OUT];
}

static const char *compare_numbers(struct tt *t, const struct tt_out *o, const struct tt_seg *want)
{
	uint8_t ignored = want->psh ? 0 : ZS_PSH;

	if (o->sport != t->c->port || o->dport != t->c->peer_port)
		return "ports";
	if ((o->flags | ignored) != (tt_flags(want->flags) | ignored))
		return "flags";
	if (tt_seq(t, o) != want->seq)
		return "seq";
	if (tt_ack(t, o) != want->ack)
		return "ack";
	if (o->len != want->len)
		return "length";
	if (want->wnd != 0 && o->wnd != (want->wnd & 0xffff))
		return "window";
	if (want->ecn != 0 && (o->tos & 3) != (want->ecn & 3))
		return "ECN field";
	return NULL;
}

static const char *compare_options(struct tt *t, const struct tt_out *o, const struct tt_seg *want)
{
	char text[256];

	if (want->opt != NULL) {
		tt_opt_text(t->c, o, text, sizeof(text));
		if (strcmp(text, want->opt) != 0)
			return "options";
	}
	if (want->tsval != 0 && o->tsval != want->tsval)
		return "TSval";
	if (want->tsecr != 0 && o->tsecr != want->tsecr)
		return "TSecr";
	return NULL;
}

static const char *compare_payload(const struct tt *t, const struct tt_out *o)
{
	for (uint32_t i = 0; i < o->len; i++)
		if (o->payload[i] != tt_our_byte(tt_seq(t, o) + (o->flags & ZS_SYN ? 1 : 0) + i))
			return "payload";
	return NULL;
}

static void compare(struct tt *t, const struct tt_out *o, const struct tt_seg *want,
		    const char *file, int line)
{
	const char *wrong = compare_numbers(t, o, want);

	if (wrong == NULL)
		wrong = compare_options(t, o, want);
	if (wrong == NULL)
		wrong = compare_payload(t, o);
	if (wrong == NULL)
		return;
	print_seg(t, "wanted ", want);
	print_out(t, "emitted", o);
	print_queue(t);
	print_error("differ in: %s\n", wrong);
	_fail(file, line);
}

void tt_expect_(struct tt *t, struct tt_seg want, const char *file, int line)
{
	const struct tt_out *o = tt_next(t);

	if (o == NULL) {
		print_seg(t, "nothing emitted, wanted", &want);
		_fail(file, line);
		return;
	}
	compare(t, o, &want, file, line);
}

void tt_expect_after_(struct tt *t, uint64_t us, uint64_t slack, struct tt_seg want,
		      const char *file, int line)
{
	uint64_t start = t->now, after;

	tt_expect_none_(t, file, line);
	run(t, start + us + slack, true);
	after = t->now - start;
	if (tt_pending(t) > 0 && after < us) {
		print_queue(t);
		print_error("%.6f s instead of %.6f s\n", (double)after / 1e6, (double)us / 1e6);
		_fail(file, line);
	}
	tt_expect_(t, want, file, line);
}

void tt_expect_run_(struct tt *t, uint32_t seq, uint32_t ack, uint32_t mss, unsigned n,
		    const char *file, int line)
{
	for (unsigned i = 0; i < n; i++)
		tt_expect_(t,
			   (struct tt_seg){
				   .flags = "A", .seq = seq + i * mss, .ack = ack, .len = mss },
			   file, line);
}

void tt_expect_none_(struct tt *t, const char *file, int line)
{
	if (tt_pending(t) == 0)
		return;
	print_error("not expected:\n");
	print_queue(t);
	_fail(file, line);
}

/* ---- connections ---- */

void tt_use(struct tt *t, unsigned i)
{
	assert_true(i < TT_MAX_CONNS);
	t->c = &t->conn[i];
}

static void own(struct tt *t, struct zs_tcb *tcb)
{
	t->c->tcb = tcb;
	zs_tcp_ep(tcb)->owner = t->c;
}

static struct zs_tcb *open_tcb(struct tt *t)
{
	struct zs_tcb *tcb = zs_tcp_open(t->s, tt_family());

	assert_non_null(tcb);
	return tcb;
}

void tt_open(struct tt *t)
{
	own(t, open_tcb(t));
}

void tt_listen(struct tt *t, int backlog)
{
	struct zs_tcb *tcb = open_tcb(t);
	struct zs_addr any = zs_addr_ip4(0);

	assert_int_equal(zs_tcp_bind(t->s, tcb, &any, TT_PORT), 0);
	assert_int_equal(zs_tcp_listen(t->s, tcb, backlog, &t->listener), 0);
	t->listener->ep.owner = t;
}

void tt_accept(struct tt *t)
{
	struct zs_tcb *tcb = zs_tcp_accept(t->s, t->listener);

	assert_non_null(tcb);
	own(t, tcb);
	tt_turn(t);
}

static void set_peer_ts(struct tt *t, const char *opt)
{
	t->c->ts = t->cfg.use_ts && strstr(opt, "ts") != NULL;
}

void tt_connect_passive_(struct tt *t, struct tt_opts o, const char *file, int line)
{
	const char *opt = o.opt != NULL ? o.opt : "mss 1460,sackOK";

	if (t->listener == NULL)
		tt_listen(t, 16);
	if (o.wnd != 0)
		t->c->wnd = o.wnd;
	tt_in_(t, (struct tt_seg){ .flags = "S", .opt = opt }, file, line);
	tt_expect_(t, (struct tt_seg){ .flags = "SA", .ack = 1 }, file, line);
	tt_advance(t, o.rtt_us);
	set_peer_ts(t, opt);
	tt_in_(t, (struct tt_seg){ .flags = "A", .seq = 1, .ack = 1 }, file, line);
	tt_expect_none_(t, file, line);
	tt_accept(t);
	tt_expect_none_(t, file, line);
	tt_expect_state_(t, ZS_ESTABLISHED, file, line);
}

static void enter_passive_close(struct tt *t, const char *file, int line)
{
	tt_in_(t, (struct tt_seg){ .flags = "FA", .seq = 1, .ack = 1 }, file, line);
	tt_expect_(t, (struct tt_seg){ .flags = "A", .seq = 1, .ack = 2 }, file, line);
	t->c->seq = 2;
}

static void enter_active_close(struct tt *t, enum zs_tcp_state st, const char *file, int line)
{
	tt_shutdown(t, ZS_SHUT_WR);
	tt_expect_(t, (struct tt_seg){ .flags = "FA", .seq = 1, .ack = t->c->seq }, file, line);
	t->c->ack = 2;
	if (st == ZS_FIN_WAIT_2 || st == ZS_TIME_WAIT)
		tt_in_(t, (struct tt_seg){ .flags = "A", .seq = 1, .ack = 2 }, file, line);
	if (st != ZS_CLOSING && st != ZS_TIME_WAIT)
		return;
	tt_in_(t, (struct tt_seg){ .flags = "FA", .seq = 1, .ack = st == ZS_CLOSING ? 1 : 2 }, file,
	       line);
	tt_expect_(t, (struct tt_seg){ .flags = "A", .seq = 2, .ack = 2 }, file, line);
	t->c->seq = 2;
}

void tt_enter_(struct tt *t, enum zs_tcp_state st, const char *file, int line)
{
	t->c->seq = t->c->ack = 1;
	if (st == ZS_CLOSED)
		return;
	if (st == ZS_SYN_SENT) {
		assert_int_equal(tt_connect(t), 0);
		tt_expect_(t, (struct tt_seg){ .flags = "S" }, file, line);
		t->c->seq = 0;
		return;
	}
	if (t->listener == NULL)
		tt_listen(t, 16);
	if (st == ZS_LISTEN)
		return;
	if (st == ZS_SYN_RCVD) {
		tt_in_(t, (struct tt_seg){ .flags = "S", .opt = "mss 1460,sackOK" }, file, line);
		tt_expect_(t, (struct tt_seg){ .flags = "SA", .ack = 1 }, file, line);
		return;
	}
	tt_connect_passive_(t, (struct tt_opts){ .opt = NULL }, file, line);
	if (st == ZS_CLOSE_WAIT || st == ZS_LAST_ACK)
		enter_passive_close(t, file, line);
	if (st != ZS_ESTABLISHED && st != ZS_CLOSE_WAIT)
		enter_active_close(t, st, file, line);
	tt_expect_state_(t, st, file, line);
	tt_expect_none_(t, file, line);
}

void tt_fresh(struct tt *t)
{
	struct tt_conn *c = t->c;
	uint16_t peer_port = (uint16_t)(c->peer_port + TT_MAX_CONNS);

	if (c->tcb != NULL)
		zs_tcp_abort(t->s, c->tcb);
	tt_turn(t);
	tt_drain(t);
	*c = (struct tt_conn){
		.port = TT_PORT,
		.peer_port = peer_port,
		.peer_isn = (uint32_t)TT_PEER_ISN,
		.wnd = 65535,
	};
}

int tt_connect(struct tt *t)
{
	struct zs_addr peer = tt_addr(tt_ends.peer_ip);
	int rc;

	if (t->c->tcb == NULL)
		tt_open(t);
	rc = zs_tcp_connect(t->s, t->c->tcb, &peer, t->c->peer_port);
	t->c->port = zs_tcp_flow(t->c->tcb)->lport;
	tt_turn(t);
	return rc;
}

void tt_connect_active_(struct tt *t, struct tt_opts o, const char *file, int line)
{
	const char *opt = o.opt != NULL ? o.opt : "mss 1460,sackOK";

	if (o.wnd != 0)
		t->c->wnd = o.wnd;
	assert_int_equal(tt_connect(t), 0);
	tt_expect_(t, (struct tt_seg){ .flags = "S" }, file, line);
	tt_advance(t, o.rtt_us);
	tt_in_(t, (struct tt_seg){ .flags = "SA", .ack = 1, .opt = opt }, file, line);
	set_peer_ts(t, opt);
	tt_expect_(t, (struct tt_seg){ .flags = "A", .seq = 1, .ack = 1 }, file, line);
	tt_expect_none_(t, file, line);
	tt_expect_state_(t, ZS_ESTABLISHED, file, line);
}

/* ---- the application ---- */

int64_t tt_send_more(struct tt *t, uint32_t n, unsigned flags)
{
	uint8_t *buf = malloc(n + 1);
	int64_t done;

	for (uint32_t i = 0; i < n; i++)
		buf[i] = tt_our_byte(t->c->sent + 1 + i);
	done = zs_tcp_send_copy(t->s, t->c->tcb, buf, n, flags);
	free(buf);
	if (done > 0)
		t->c->sent += (uint32_t)done;
	tt_turn(t);
	return done;
}

void tt_send(struct tt *t, uint32_t n)
{
	assert_int_equal(tt_send_more(t, n, 0), n);
}

int tt_send_bufs(struct tt *t, uint32_t n, uint32_t piece)
{
	struct rte_mbuf *head = NULL, *tail = NULL;
	int rc;

	for (uint32_t done = 0; done < n;) {
		uint32_t len = RTE_MIN(piece, n - done);
		struct rte_mbuf *m =
			rte_pktmbuf_alloc(len <= ZS_SIM_PKT_ROOM ? pools.pkt : pools.big);
		uint8_t *p = (void *)rte_pktmbuf_append(m, (uint16_t)len);

		for (uint32_t i = 0; i < len; i++)
			p[i] = tt_our_byte(t->c->sent + 1 + done + i);
		if (head == NULL) {
			head = m;
		} else {
			tail->next = m;
			head->nb_segs++;
			head->pkt_len += len;
		}
		tail = m;
		done += len;
	}
	rc = zs_tcp_send(t->s, t->c->tcb, head, 0);
	if (rc == 0)
		t->c->sent += n;
	else
		rte_pktmbuf_free(head);
	tt_turn(t);
	return rc;
}

static void verify_read(struct tt *t, const struct rte_mbuf *m, uint32_t n, const char *file,
			int line)
{
	uint32_t got = 0;

	for (; m != NULL; m = m->next) {
		const uint8_t *p = rte_pktmbuf_mtod(m, const uint8_t *);

		for (uint32_t i = 0; i < m->data_len; i++, got++) {
			if (p[i] == tt_peer_byte(t->c->read + 1 + got))
				continue;
			print_error("byte %u of the stream is wrong\n", t->c->read + 1 + got);
			_fail(file, line);
		}
	}
	if (got != n) {
		print_error("read %u bytes instead of %u\n", got, n);
		_fail(file, line);
	}
}

void tt_read_some_(struct tt *t, uint32_t n, const char *file, int line)
{
	struct rte_mbuf *m;

	if (n == 0)
		return;
	m = zs_tcp_recv(t->s, t->c->tcb, n);
	if (m == NULL) {
		print_error("nothing to read, wanted %u bytes\n", n);
		_fail(file, line);
		return;
	}
	verify_read(t, m, n, file, line);
	rte_pktmbuf_free(m);
	t->c->read += n;
	tt_turn(t);
}

void tt_read_(struct tt *t, uint32_t n, const char *file, int line)
{
	uint32_t readable = zs_tcp_readable(t->c->tcb);

	if (readable != n) {
		print_error("%u bytes are readable, wanted %u\n", readable, n);
		_fail(file, line);
	}
	tt_read_some_(t, n, file, line);
}

void tt_close(struct tt *t)
{
	struct zs_tcb *tcb = t->c->tcb;

	t->c->tcb = NULL;
	zs_tcp_close(t->s, tcb);
	tt_turn(t);
}

void tt_abort(struct tt *t)
{
	struct zs_tcb *tcb = t->c->tcb;

	t->c->tcb = NULL;
	zs_tcp_abort(t->s, tcb);
	tt_turn(t);
}

void tt_shutdown(struct tt *t, unsigned how)
{
	assert_int_equal(zs_tcp_shutdown(t->s, t->c->tcb, how), 0);
	tt_turn(t);
}

/* ---- what is ---- */

struct state_search {
	const struct tt_conn *c;
	enum zs_tcp_state found;
};

static void search_state(void *arg, struct zs_tcb *tcb)
{
	struct state_search *find = arg;
	const struct zs_flow *flow = zs_tcp_flow(tcb);

	if (flow->lport == find->c->port && flow->fport == find->c->peer_port &&
	    zs_tcp_state(tcb) != ZS_CLOSED)
		find->found = zs_tcp_state(tcb);
}

/* Compact entries have no name from outside: with one connection their number says it. */
enum zs_tcp_state tt_state(struct tt *t)
{
	struct state_search find = { t->c, ZS_CLOSED };
	struct zs_stack_counts n = zs_stack_counts(t->s);

	zs_tcp_foreach(t->s, search_state, &find);
	if (find.found != ZS_CLOSED && find.found != ZS_TIME_WAIT)
		return find.found;
	if (n.time_wait > 0) /* the application's tcb keeps that state, the entry may be over */
		return ZS_TIME_WAIT;
	return n.half_open > 0 ? ZS_SYN_RCVD : ZS_CLOSED;
}

void tt_expect_state_(struct tt *t, enum zs_tcp_state want, const char *file, int line)
{
	enum zs_tcp_state is = tt_state(t);

	if (is == want)
		return;
	print_error("state is %s, wanted %s\n", zs_tcp_state_name(is), zs_tcp_state_name(want));
	_fail(file, line);
}

int tt_take_error(struct tt *t)
{
	struct zs_ep *ep = zs_tcp_ep(t->c->tcb);
	int error = ep->error;

	ep->error = 0;
	return error;
}

unsigned tt_take_events(struct tt *t)
{
	unsigned ev = t->c->events;

	t->c->events = 0;
	return ev;
}

struct zs_tcp_info tt_info(struct tt *t)
{
	struct zs_tcp_info info;

	zs_tcp_get_info(t->s, t->c->tcb, &info);
	return info;
}

uint64_t tt_drops(const struct tt *t, enum zs_drop why)
{
	return zs_stack_stats(t->s)->drops[why];
}

const struct zs_stats *tt_stats(const struct tt *t)
{
	return zs_stack_stats(t->s);
}

struct zs_stack_counts tt_counts(const struct tt *t)
{
	return zs_stack_counts(t->s);
}
