/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Fuzz target: one stack with IPv6 that takes addresses from routers, a listener and a UDP socket
 * on `::`; the input is what arrives. An operation is one byte and its arguments:
 *
 *	0      time passes: 2^n us
 *	7      a call on one of the sockets: fuzz_calls.h
 *	1 - 6  a packet: source and destination (one byte, see below), hop limit, first next header,
 *	       bytes behind the header, in 4 (one byte), and these
 *
 * Lengths are right, and so is the checksum of ICMPv6, UDP and TCP where no header stands before
 * them. Whatever comes, the stack sends only what the simulated device accepts, and ends with no
 * buffer out.
 */
#include <netinet/in.h>

#include "base/zs_ip6addr.h"
#include "fuzz_calls.h"
#include "wire/zs_cksum.h"
#include "zs_sim.h"

enum { L3 = sizeof(struct zs_eth_hdr), L4 = L3 + sizeof(struct zs_ip6_hdr), BODY = 1024 };

struct fuzz {
	struct fuzz_in in;
	struct zs_sim *w;
	struct zs_simhost *h;
	struct zs_simlink *l;
	struct zs_sock *sk[2];
	uint8_t frame[L4 + BODY] __attribute__((aligned(2)));
};

static void deliver(void *ctx, unsigned port, struct zs_simpkt *p)
{
	struct fuzz *f = ctx;

	(void)port;
	zs_simpkt_free(f->w, p);
}

static struct zs_addr source(unsigned n)
{
	switch (n % 4) {
	case 0:
		return zs_addr_ip6((const uint16_t[8]){ 0xfe80, [7] = 9 });
	case 1:
		return zs_addr_ip6((const uint16_t[8]){ 0xfd00, [7] = 9 });
	case 2:
		return (struct zs_addr){ .q = { 0, 0 } };
	default:
		return zs_addr_ip6((const uint16_t[8]){ 0x2001, 0xdb8, [7] = 9 });
	}
}

static struct zs_addr destination(unsigned n)
{
	switch (n % 4) {
	case 0:
		return zs_addr_ip6((const uint16_t[8]){ 0xfe80, 0, 0, 0, 0, 0xff, 0xfe00, 1 });
	case 1:
		return zs_addr_ip6((const uint16_t[8]){ 0xfd00, [7] = 1 });
	case 2:
		return zs_addr_ip6((const uint16_t[8]){ 0xff02, [7] = 1 });
	default:
		return zs_addr_ip6((const uint16_t[8]){ 0xff02, 0, 0, 0, 0, 1, 0xff00, 1 });
	}
}

static void fix_cksum(struct fuzz *f, uint8_t next, const struct zs_addr *src,
		      const struct zs_addr *dst, unsigned n)
{
	unsigned at = next == ZS_PROTO_TCP ? 16 : next == ZS_PROTO_UDP ? 6 : 2;
	uint16_t sum = 0;

	if ((next != ZS_PROTO_TCP && next != ZS_PROTO_UDP && next != ZS_PROTO_ICMP6) || n < at + 2)
		return;
	memcpy(f->frame + L4 + at, &sum, sizeof(sum));
	sum = zs_cksum_finish(zs_cksum_pseudo(src, dst, next, n) + zs_cksum_raw(f->frame + L4, n));
	memcpy(f->frame + L4 + at, &sum, sizeof(sum));
}

static void packet(struct fuzz *f)
{
	uint8_t ends = in8(&f->in), hop = in8(&f->in), next = in8(&f->in);
	unsigned n = in8(&f->in) * 4u, left = (unsigned)(f->in.end - f->in.p);
	struct zs_addr src = source(ends), dst = destination(ends >> 2);
	struct zs_ip6_hdr *ip = (void *)(f->frame + L3);

	n = n < left ? n : left;
	*(struct zs_eth_hdr *)(void *)f->frame = (struct zs_eth_hdr){
		.dst = zs_ip6_is_group(&dst) ? (struct zs_mac){ { 0x33, 0x33, dst.b[12], dst.b[13],
								  dst.b[14], dst.b[15] } }
					     : f->h->cfg.stack.netif[0].mac,
		.src = { { 2, 0xfe, 0, 0, 0, 9 } },
		.type_be = __builtin_bswap16(ZS_ETH_IP6),
	};
	*ip = (struct zs_ip6_hdr){
		.vtf_be = __builtin_bswap32(6u << 28),
		.plen_be = __builtin_bswap16((uint16_t)n),
		.next = next,
		.hop = hop,
	};
	memcpy(ip->src, &src, 16);
	memcpy(ip->dst, &dst, 16);
	memcpy(f->frame + L4, f->in.p, n);
	f->in.p += n;
	fix_cksum(f, next, &src, &dst, n);
	zs_simlink_inject(f->l, 1, f->frame, L4 + n);
	zs_sim_run_for(f->w, 10 * ZS_US);
}

static struct zs_sock *bound(struct fuzz *f, int type, uint16_t port)
{
	struct sockaddr_in6 sin6 = { .sin6_family = AF_INET6,
				     .sin6_port = __builtin_bswap16(port) };
	struct zs_sock *sk;

	check(zs_sock_create(f->h->s, AF_INET6, type, 0, &sk) == 0);
	check(zs_sock_bind(sk, (const void *)&sin6, sizeof(sin6)) == 0);
	return sk;
}

static void start(struct fuzz *f)
{
	const struct zs_simwire_config wire = { .delay_ns = 0 };
	struct zs_simhost_config cfg;

	f->w = zs_sim_create(1);
	zs_simhost_config(&cfg, zs_sim_ip(10, 0, 0, 1), 24, 1500, ZS_SIM_OFF_NONE);
	cfg.stack.max_conns = cfg.stack.max_half_open = cfg.stack.max_time_wait = 8;
	cfg.stack.max_udp = 4;
	cfg.stack.netif[0].mac = (struct zs_mac){ { 2, 0, 0, 0, 0, 1 } };
	cfg.stack.netif[0].ip6 = (struct zs_ip6_config){
		.on = true,
		.autoconf = true,
		.n_addr = 1,
		.prefix = { 64 },
		.addr = { destination(1) },
	};
	f->h = zs_simhost_create(f->w, &cfg);
	f->l = zs_simlink_create(f->w, &wire);
	zs_simlink_attach_host(f->l, 0, f->h, 0);
	zs_simlink_attach(f->l, 1, deliver, f, 0);
	f->sk[0] = bound(f, SOCK_STREAM, 80);
	check(zs_sock_listen(f->sk[0], 4) == 0);
	f->sk[1] = bound(f, SOCK_DGRAM, 53);
}

static void step(struct fuzz *f)
{
	uint8_t what = in8(&f->in);

	switch (what % 8) {
	case 0:
		zs_sim_run_for(f->w, ZS_US << in8(&f->in) % 26);
		break;
	case 7:
		zs_sock_dispatch(f->h->s);
		fuzz_call(&f->in, f->sk[(what >> 3) % 2]);
		zs_simhost_wake(f->h, 0);
		zs_sim_run_for(f->w, 10 * ZS_US);
		break;
	default:
		packet(f);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t nothing;
	struct fuzz f = { .in = { .p = data, .end = data + size } };

	if (size == 0)
		f.in.p = f.in.end = &nothing;
	start(&f);
	while (f.in.p < f.in.end) {
		step(&f);
	}
	for (unsigned i = 0; i < 2; i++)
		(void)zs_sock_close(f.sk[i]);
	zs_sim_run_for(f.w, ZS_MS);
	check(zs_sim_violations(f.w) == 0);
	zs_simhost_stop(f.h);
	check(zs_sim_destroy(f.w) == 0);
	return 0;
}
