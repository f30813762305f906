/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Fuzz target: one stack with a listener, a connecting socket and a UDP socket; the input is a
 * program for its peer and for its application. An operation is one byte and its arguments:
 *
 *	0  raw frame: length (2), bytes               4  UDP datagram: length (1), bytes
 *	1  IP packet behind a right Ethernet header   5  ICMP: type, code, quoting what was sent
 *	2, 3  TCP segment: connection, flags, offsets of seq and ack from what fits, window (2),
 *	      length of the options, of the payload (in 16 bytes), options
 *	6  time passes: 2^n us                        7  the application does something, of which
 *	      some is in fuzz_calls.h
 *
 * Checksums and lengths are right except in raw frames. Whatever comes, the stack sends only what
 * the simulated device accepts, and ends with no buffer out.
 */
#include <errno.h>
#include <netinet/in.h>

#include "fuzz_calls.h"
#include "wire/zs_cksum.h"
#include "zs_sim.h"

enum { PEERS = 4, SOCKS = 6, MAX_FRAME = 1514, L3 = sizeof(struct zs_eth_hdr), PEER_PORT = 40000 };
enum { LISTEN_PORT = 80, UDP_PORT = 53, L4 = L3 + sizeof(struct zs_ip4_hdr), ICMP_QUOTE = 28 };

/* One connection as the peer sees it: what it would say next if it were honest. */
struct peer {
	uint16_t stack_port;
	uint32_t seq, ack;
};

struct fuzz {
	struct fuzz_in in;
	struct zs_sim *w;
	struct zs_simhost *h;
	struct zs_simlink *l;
	struct zs_sock *sk[SOCKS]; /* 0 listener, 1 UDP, 2 connecting; others accepted */
	struct peer peer[PEERS];
	uint8_t last[ICMP_QUOTE]; /* beginning of the last IP packet of the stack */
	uint8_t frame[MAX_FRAME + 4] __attribute__((aligned(2)));
};

static unsigned next_bytes(struct fuzz *f, uint8_t *to, unsigned n)
{
	unsigned left = (unsigned)(f->in.end - f->in.p);

	n = n < left ? n : left;
	memcpy(to, f->in.p, n);
	f->in.p += n;
	return n;
}

static uint16_t be16(uint16_t v)
{
	return __builtin_bswap16(v);
}

static uint32_t be32(uint32_t v)
{
	return __builtin_bswap32(v);
}

static uint32_t our_ip(void)
{
	return zs_sim_ip(10, 0, 0, 1);
}

static uint32_t peer_ip(void)
{
	return zs_sim_ip(10, 0, 0, 2);
}

/* What the stack says tells the peer which numbers would be right next. */
static void learn(struct fuzz *f, const uint8_t *frame, uint32_t len)
{
	const struct zs_ip4_hdr *ip = (const void *)(frame + L3);
	const struct zs_tcp_hdr *th = (const void *)(frame + L4);
	struct peer *peer;
	uint32_t n;

	if (len < L3 + ICMP_QUOTE ||
	    ((const struct zs_eth_hdr *)frame)->type_be != be16(ZS_ETH_IP4))
		return;
	memcpy(f->last, ip, sizeof(f->last));
	if (ip->proto != ZS_PROTO_TCP || len < L4 + sizeof(*th))
		return;
	n = (uint32_t)be16(th->dport_be) - PEER_PORT;
	if (n >= PEERS)
		return;
	peer = &f->peer[n];
	peer->stack_port = be16(th->sport_be);
	n = (uint32_t)be16(ip->len_be) - sizeof(*ip) - (th->doff >> 4) * 4u;
	peer->ack = be32(th->seq_be) + n + !!(th->flags & ZS_SYN) + !!(th->flags & ZS_FIN);
	if (th->flags & ZS_ACK)
		peer->seq = be32(th->ack_be);
}

static void deliver(void *ctx, unsigned port, struct zs_simpkt *p)
{
	uint8_t frame[MAX_FRAME] __attribute__((aligned(2)));
	struct fuzz *f = ctx;

	(void)port;
	check(p->len <= sizeof(frame));
	memcpy(frame, p->data, p->len);
	learn(f, frame, p->len);
	zs_simpkt_free(f->w, p);
}

static void inject(struct fuzz *f, uint32_t len)
{
	if (len == 0) /* no device has such a frame */
		return;
	zs_simlink_inject(f->l, 1, f->frame, len);
	zs_sim_run_for(f->w, 10 * ZS_US);
}

static void put_eth(struct fuzz *f, enum zs_ethertype type)
{
	struct zs_eth_hdr *eth = (void *)f->frame;

	*eth = (struct zs_eth_hdr){
		.dst = f->h->cfg.stack.netif[0].mac,
		.src = { { 2, 0xfe, 0, 0, 0, 2 } },
		.type_be = be16((uint16_t)type),
	};
}

/* The headers below n bytes of transport header and payload that are in the frame already. */
static uint32_t put_ip(struct fuzz *f, enum zs_ipproto proto, unsigned n)
{
	struct zs_ip4_hdr *ip = (void *)(f->frame + L3);

	put_eth(f, ZS_ETH_IP4);
	*ip = (struct zs_ip4_hdr){
		.ver_ihl = 0x45,
		.len_be = be16((uint16_t)(sizeof(*ip) + n)),
		.ttl = 64,
		.proto = (uint8_t)proto,
		.src_be = peer_ip(),
		.dst_be = our_ip(),
	};
	ip->cksum = zs_cksum_finish(zs_cksum_raw(ip, sizeof(*ip)));
	return L4 + n;
}

static uint16_t l4_cksum(const struct fuzz *f, enum zs_ipproto proto, unsigned n)
{
	struct zs_addr src = zs_addr_ip4(peer_ip()), dst = zs_addr_ip4(our_ip());

	return zs_cksum_finish(zs_cksum_pseudo(&src, &dst, (uint8_t)proto, n) +
			       zs_cksum_raw(f->frame + L4, n));
}

static void introduce_peer(struct fuzz *f)
{
	struct zs_arp_hdr *arp = (void *)(f->frame + L3);
	const uint32_t us = our_ip(), them = peer_ip();

	put_eth(f, ZS_ETH_ARP);
	*arp = (struct zs_arp_hdr){
		.htype_be = be16(1),
		.ptype_be = be16(ZS_ETH_IP4),
		.hlen = 6,
		.plen = 4,
		.op_be = be16(ZS_ARP_REQUEST),
		.sha = { { 2, 0xfe, 0, 0, 0, 2 } },
	};
	memcpy(arp->spa, &them, 4);
	memcpy(arp->tpa, &us, 4);
	inject(f, L3 + sizeof(*arp));
}

static void raw_frame(struct fuzz *f)
{
	unsigned n = in16(&f->in) % MAX_FRAME;

	inject(f, next_bytes(f, f->frame, n));
}

static void ip_packet(struct fuzz *f)
{
	unsigned n = in8(&f->in);

	put_eth(f, ZS_ETH_IP4);
	inject(f, L3 + next_bytes(f, f->frame + L3, n));
}

static void tcp_segment(struct fuzz *f)
{
	struct zs_tcp_hdr *th = (void *)(f->frame + L4);
	uint8_t who = in8(&f->in);
	struct peer *peer = &f->peer[who % PEERS];
	uint8_t flags = in8(&f->in);
	uint32_t seq = peer->seq + (uint32_t)(int8_t)in8(&f->in) * (who & 0x80 ? 257 : 1);
	uint32_t ack = peer->ack + (uint32_t)(int8_t)in8(&f->in) * (who & 0x40 ? 257 : 1);
	uint16_t wnd = in16(&f->in);
	unsigned opt_len = in8(&f->in) % 11 * 4, len = in8(&f->in) % 90 * 16, n;

	n = sizeof(*th) + opt_len + len;
	memset(th, 0, n);
	next_bytes(f, (uint8_t *)(th + 1), opt_len);
	*th = (struct zs_tcp_hdr){
		.sport_be = be16((uint16_t)(PEER_PORT + who % PEERS)),
		.dport_be = be16(peer->stack_port),
		.seq_be = be32(seq),
		.ack_be = be32(ack),
		.doff = (uint8_t)((sizeof(*th) + opt_len) / 4 << 4),
		.flags = flags,
		.wnd_be = be16(wnd),
	};
	th->cksum = l4_cksum(f, ZS_PROTO_TCP, n);
	inject(f, put_ip(f, ZS_PROTO_TCP, n));
}

static void udp_datagram(struct fuzz *f)
{
	struct zs_udp_hdr *uh = (void *)(f->frame + L4);
	unsigned n = sizeof(*uh) + next_bytes(f, (uint8_t *)(uh + 1), in8(&f->in));

	*uh = (struct zs_udp_hdr){
		.sport_be = be16(1000),
		.dport_be = be16(in8(&f->in) & 1 ? UDP_PORT : 9),
		.len_be = be16((uint16_t)n),
	};
	uh->cksum = l4_cksum(f, ZS_PROTO_UDP, n);
	inject(f, put_ip(f, ZS_PROTO_UDP, n));
}

static void icmp(struct fuzz *f)
{
	struct zs_icmp_hdr *ih = (void *)(f->frame + L4);
	unsigned n = sizeof(*ih) + sizeof(f->last);

	*ih = (struct zs_icmp_hdr){ .type = in8(&f->in),
				    .code = in8(&f->in),
				    .seq_be = in16(&f->in) };
	memcpy(ih + 1, f->last, sizeof(f->last));
	ih->cksum = zs_cksum_finish(zs_cksum_raw(ih, n));
	inject(f, put_ip(f, ZS_PROTO_ICMP, n));
}

static void connect_out(struct fuzz *f)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = be16(PEER_PORT + PEERS - 1) };

	sin.sin_addr.s_addr = peer_ip();
	if (f->sk[2] == NULL && zs_sock_create(f->h->s, AF_INET, SOCK_STREAM, 0, &f->sk[2]) < 0)
		return;
	(void)zs_sock_connect(f->sk[2], (const void *)&sin, sizeof(sin));
}

static void accept_one(struct fuzz *f)
{
	unsigned i;

	for (i = 3; i < SOCKS; i++)
		if (f->sk[i] == NULL) {
			(void)zs_sock_accept(f->sk[0], NULL, NULL, &f->sk[i]);
			return;
		}
}

static void take(struct zs_sock *sk, size_t max)
{
	struct rte_mbuf *m = NULL;

	if (zs_sock_take(sk, &m, max, NULL, NULL) >= 0 && m != NULL)
		rte_pktmbuf_free(m);
}

static void application(struct fuzz *f)
{
	static uint8_t data[70000];
	uint8_t what = in8(&f->in), size = in8(&f->in);
	struct zs_sock **sk = &f->sk[(what >> 4) % SOCKS];
	struct iovec iov = { .iov_base = data, .iov_len = (size_t)size * size };
	struct zs_view view[4];

	zs_sock_dispatch(f->h->s);
	if (*sk == NULL || what % 8 < 2) {
		if (what % 2)
			connect_out(f);
		else
			accept_one(f);
		return;
	}
	switch (what % 8) {
	case 2:
		(void)zs_sock_recv(*sk, &iov, 1, 0, NULL, NULL, NULL);
		break;
	case 3:
		(void)zs_sock_send(*sk, &iov, 1, MSG_NOSIGNAL, NULL, 0);
		break;
	case 4:
		take(*sk, size * 16u + 1);
		break;
	case 5:
		if (zs_sock_peek(*sk, view, 4, size) > 0)
			(void)zs_sock_consume(*sk, size);
		break;
	case 6:
		(void)zs_sock_shutdown(*sk, size % 3);
		break;
	default:
		if (what & 8) {
			fuzz_call(&f->in, *sk);
			break;
		}
		if (sk == &f->sk[0]) /* the listener stays */
			break;
		(void)zs_sock_close(*sk);
		*sk = NULL;
	}
}

static void step(struct fuzz *f)
{
	switch (in8(&f->in) % 8) {
	case 0:
		raw_frame(f);
		break;
	case 1:
		ip_packet(f);
		break;
	case 2:
	case 3:
		tcp_segment(f);
		break;
	case 4:
		udp_datagram(f);
		break;
	case 5:
		icmp(f);
		break;
	case 6:
		zs_sim_run_for(f->w, (ZS_US << in8(&f->in) % 26));
		break;
	default:
		application(f);
		zs_simhost_wake(f->h, 0);
		zs_sim_run_for(f->w, 10 * ZS_US);
	}
}

static struct zs_sock *bound(struct fuzz *f, int type, uint16_t port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = be16(port) };
	struct zs_sock *sk;

	check(zs_sock_create(f->h->s, AF_INET, type, 0, &sk) == 0);
	check(zs_sock_bind(sk, (const void *)&sin, sizeof(sin)) == 0);
	return sk;
}

static void start(struct fuzz *f)
{
	const struct zs_simwire_config wire = { .delay_ns = 0 };
	struct zs_simhost_config cfg;
	unsigned i;

	f->w = zs_sim_create(1);
	zs_simhost_config(&cfg, our_ip(), 24, 1500, ZS_SIM_OFF_NONE);
	cfg.stack.max_conns = 8;
	cfg.stack.max_half_open = 8;
	cfg.stack.max_time_wait = 8;
	cfg.stack.max_udp = 4;
	f->h = zs_simhost_create(f->w, &cfg);
	f->l = zs_simlink_create(f->w, &wire);
	zs_simlink_attach_host(f->l, 0, f->h, 0);
	zs_simlink_attach(f->l, 1, deliver, f, 0);
	for (i = 0; i < PEERS; i++)
		f->peer[i] = (struct peer){ .stack_port = LISTEN_PORT, .seq = 0xfffffff0 };
	f->sk[0] = bound(f, SOCK_STREAM, LISTEN_PORT);
	check(zs_sock_listen(f->sk[0], 4) == 0);
	f->sk[1] = bound(f, SOCK_DGRAM, UDP_PORT);
	introduce_peer(f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t nothing;
	struct fuzz f = { .in = { .p = data, .end = data + size } };
	unsigned i;

	if (size == 0)
		f.in.p = f.in.end = &nothing;
	start(&f);
	while (f.in.p < f.in.end)
		step(&f);
	for (i = 0; i < SOCKS; i++)
		if (f.sk[i] != NULL)
			(void)zs_sock_close(f.sk[i]);
	zs_simhost_wake(f.h, 0);
	zs_sim_run_for(f.w, ZS_MS);
	check(zs_sim_violations(f.w) == 0);
	zs_simhost_stop(f.h);
	check(zs_sim_destroy(f.w) == 0);
	return 0;
}
