/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * IPv6 output and ICMPv6: headers, fragments and their reassembly (RFC 8200 4.5, 5722), path MTUs
 * (RFC 8201), echo, errors of ours and of others (RFC 4443), and what goes to ourselves.
 */
#include "zs_net6test.h"

#include <errno.h>

#include "core/zs_udp.h"

static struct zs_udp *bound(struct net *net, struct zs_addr a, uint16_t port)
{
	struct zs_udp *u = zs_udp_open(net->s, ZS_AF_IP6);

	assert_non_null(u);
	assert_int_equal(zs_udp_bind(net->s, u, &a, port), 0);
	return u;
}

static void send_to(struct net *net, struct zs_udp *u, struct zs_addr to, uint32_t n)
{
	assert_int_equal(zs_udp_send(net->s, u, net_payload(net, n, n), &to, 7), 0);
	net_flush(net);
}

static void start(struct net *net)
{
	net6_start(net);
	net6_know(net, host6(PEER), mac_of(PEER));
}

static void test_headers(void **state)
{
	struct zs_udp *u;
	struct net net;
	struct frame f;

	(void)state;
	start(&net);
	u = bound(&net, any6, 5);
	u->tos = 0xb9;
	send_to(&net, u, host6(PEER), 100);
	u->ttl = 3;
	send_to(&net, u, host6(PEER), 0);
	assert_int_equal(net.n_out, 2);
	net_sent(&net, 0, &f);
	assert_sent6(&f, host6(US), host6(PEER), ZS_PROTO_UDP);
	assert_int_equal(get16(f.b + L2) >> 4 & 0xff, 0xb9);
	assert_int_equal(f.b[L2 + 7], 64);
	assert_int_equal(f.len, L34_6 + 8 + 100);
	net_sent(&net, 1, &f);
	assert_sent6(&f, host6(US), host6(PEER), ZS_PROTO_UDP);
	assert_int_equal(f.b[L2 + 7], 3);
	zs_udp_close(net.s, u);
	net_end(&net);
}

/* What is sent in fragments comes back whole, in any order. */
static void test_fragments(void **state)
{
	static const uint32_t lens[] = { 1453, 4000, 60000 };
	static struct frame f, part[50];
	struct zs_udp *u, *peer;
	struct net net;

	(void)state;
	start(&net);
	u = bound(&net, any6, 5);
	peer = bound(&net, any6, 7);
	for (unsigned i = 0; i < 3; i++) {
		uint32_t id = 0, total = 0, n;
		struct rte_mbuf *m;

		send_to(&net, u, host6(PEER), lens[i]);
		assert_int_equal(net.n_out, (lens[i] + 8 + 1447) / 1448);
		n = net.n_out;
		for (uint32_t k = 0; k < n; k++) {
			const uint8_t *fh;

			net_sent(&net, k, &part[k]);
			assert_sent6(&part[k], host6(US), host6(PEER), ZS_EXT_FRAGMENT);
			assert_true(part[k].len <= L2 + 1500);
			fh = part[k].b + L34_6;
			assert_int_equal(fh[0], ZS_PROTO_UDP);
			assert_int_equal(get16(fh + 2), total | (k + 1 < n));
			assert_true(k == 0 || memcmp(&id, fh + 4, 4) == 0);
			memcpy(&id, fh + 4, 4);
			total += part[k].len - L34_6 - 8;
		}
		assert_int_equal(total, lens[i] + 8);
		net_clear(&net);
		for (uint32_t k = 0; k < n; k++) { /* as if the peer had sent them */
			f = part[(k * 5 + 3) % n];
			memcpy(f.b, mac_of(US).b, 6);
			memcpy(f.b + L2 + 8, &(struct zs_addr[]){ host6(PEER) }[0], 16);
			memcpy(f.b + L2 + 24, &(struct zs_addr[]){ host6(US) }[0], 16);
			net_input(&net, &f);
		}
		m = zs_udp_recv(net.s, peer);
		assert_non_null(m);
		assert_int_equal(m->pkt_len, lens[i]);
		rte_pktmbuf_free(m);
		assert_int_equal(net.n_out, 0);
	}
	zs_udp_close(net.s, u);
	zs_udp_close(net.s, peer);
	net_end(&net);
}

static void frame_part(struct frame *f, unsigned id, unsigned off, bool more, size_t n)
{
	uint8_t fh[8] = { ZS_PROTO_UDP, [7] = (uint8_t)id }, body[256];

	put16(fh + 2, off | more);
	fill(body, sizeof(body), off);
	frame_ip6(f, host6(PEER), host6(US), ZS_EXT_FRAGMENT, 64, n + 8);
	frame_put(f, fh, sizeof(fh));
	frame_put(f, body, n);
}

/* RFC 5722 3: an overlap ends the datagram, and what still comes of it is thrown away too. */
static void test_overlap(void **state)
{
	struct net net;
	struct frame f;

	(void)state;
	start(&net);
	frame_part(&f, 1, 0, true, 64);
	net_input(&net, &f);
	net_input(&net, &f); /* once more: merely ignored (RFC 8200 4.5) */
	assert_int_equal(drops(&net, ZS_DROP_FRAG_BAD), 1);
	frame_part(&f, 1, 56, true, 64);
	net_input(&net, &f);
	assert_int_equal(drops(&net, ZS_DROP_FRAG_BAD), 3);
	frame_part(&f, 1, 128, false, 64);
	net_input(&net, &f);
	assert_int_equal(drops(&net, ZS_DROP_FRAG_BAD), 4);
	frame_part(&f, 2, 0, true, 64);
	net_input(&net, &f);
	net_wait(&net, 61000000);
	assert_int_equal(drops(&net, ZS_DROP_FRAG_TIMEOUT), 1);
	net_end(&net);
}

/* RFC 3168 5.3: what one fragment says of congestion, the whole says. */
static void test_fragments_ecn(void **state)
{
	uint8_t fh[8] = { ZS_PROTO_UDP, [7] = 1 }, data[120] = { 7 };
	struct frame whole, f;
	struct zs_udp *u;
	struct rte_mbuf *m;
	struct net net;

	(void)state;
	start(&net);
	u = bound(&net, any6, 2000);
	frame_udp6(&whole, host6(PEER), 1000, host6(US), 2000, data, 120);
	for (unsigned i = 0; i < 2; i++) {
		put16(fh + 2, i * 64 | (i == 0));
		frame_ip6(&f, host6(PEER), host6(US), ZS_EXT_FRAGMENT, 64, 64 + 8);
		f.b[L2 + 1] = (uint8_t)((i == 0 ? 1 : 3) << 4);
		frame_put(&f, fh, sizeof(fh));
		frame_put(&f, whole.b + L34_6 + i * 64, 64);
		net_input(&net, &f);
	}
	m = zs_udp_recv(net.s, u);
	assert_non_null(m);
	assert_int_equal(zs_dgram(m)->tos, 3);
	rte_pktmbuf_free(m);
	net_end(&net);
}

/* RFC 6980 5: neighbour discovery does not come in fragments. */
static void test_no_nd_in_fragments(void **state)
{
	struct net net;
	struct frame f;

	(void)state;
	start(&net);
	frame_part(&f, 1, 0, true, 64);
	f.b[L34_6] = ZS_PROTO_ICMP6;
	f.b[L34_6 + 8] = ZS_ND_ADVERT;
	net_input(&net, &f);
	assert_int_equal(drops(&net, ZS_DROP_FRAG_BAD), 1);
	net_end(&net);
}

/* ---- errors of others ---- */

/* About a datagram of ours from port 5 to the peer's port 7. */
static void frame_error(struct frame *f, unsigned type, unsigned code, uint32_t param,
			struct zs_addr quoted_src)
{
	uint8_t msg[8 + 40 + 8] = { (uint8_t)type, (uint8_t)code };
	struct zs_addr peer = host6(PEER);

	put32(msg + 4, param);
	msg[8] = 0x60;
	msg[8 + 6] = ZS_PROTO_UDP;
	memcpy(msg + 16, &quoted_src, 16);
	memcpy(msg + 32, &peer, 16);
	memcpy(msg + 48, "\0\5\0\7\0\x64\0\0", 8);
	frame_icmp6(f, host6(99), host6(US), 60, msg, sizeof(msg));
}

/* RFC 8201: a router's word makes smaller fragments, but not below 1280, and not for ever. */
static void test_path_mtu(void **state)
{
	struct zs_udp *u;
	struct net net;
	struct frame f;

	(void)state;
	start(&net);
	u = bound(&net, any6, 5);
	frame_error(&f, ZS_ICMP6_TOO_BIG, 0, 1300, host6(8)); /* quotes what is not ours */
	net_input(&net, &f);
	send_to(&net, u, host6(PEER), 1400);
	assert_int_equal(net.n_out, 1);
	net_clear(&net);
	frame_error(&f, ZS_ICMP6_TOO_BIG, 0, 1300, host6(US));
	net_input(&net, &f);
	send_to(&net, u, host6(PEER), 1400);
	assert_int_equal(net.n_out, 2);
	net_sent(&net, 0, &f);
	assert_in_range(f.len, L2 + 1290, L2 + 1300);
	net_clear(&net);
	frame_error(&f, ZS_ICMP6_TOO_BIG, 0, 1279, host6(US)); /* no path has it (RFC 8201 4) */
	net_input(&net, &f);
	send_to(&net, u, host6(PEER), 1400);
	net_sent(&net, 0, &f);
	assert_in_range(f.len, L2 + 1290, L2 + 1300);
	net_clear(&net);
	net_wait(&net, 601000000);
	net6_know(&net, host6(PEER), mac_of(PEER));
	send_to(&net, u, host6(PEER), 1400);
	assert_int_equal(net.n_out, 1);
	zs_udp_close(net.s, u);
	net_end(&net);
}

static void test_errors_in(void **state)
{
	static const struct {
		unsigned type, code;
		int error;
	} row[] = {
		{ ZS_ICMP6_UNREACH, ZS_UNREACH6_PORT, ECONNREFUSED },
		{ ZS_ICMP6_UNREACH, ZS_UNREACH6_NO_ROUTE, ENETUNREACH },
		{ ZS_ICMP6_UNREACH, ZS_UNREACH6_ADDR, EHOSTUNREACH },
		{ ZS_ICMP6_UNREACH, ZS_UNREACH6_PROHIB, EACCES },
		{ ZS_ICMP6_TIME_EXCEEDED, 0, EHOSTUNREACH },
		{ ZS_ICMP6_PARAM_PROBLEM, ZS_PARAM6_NEXT, EPROTO },
	};
	struct zs_addr peer = host6(PEER);
	struct zs_udp *u;
	struct net net;
	struct frame f;

	(void)state;
	start(&net);
	u = bound(&net, any6, 5);
	frame_error(&f, ZS_ICMP6_UNREACH, ZS_UNREACH6_PORT, 0, host6(US));
	net_input(&net, &f); /* of whom, an unconnected endpoint cannot say */
	assert_int_equal(u->ep.error, 0);
	assert_int_equal(zs_udp_connect(net.s, u, &peer, 7), 0);
	for (unsigned i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		frame_error(&f, row[i].type, row[i].code, 0, host6(US));
		net_input(&net, &f);
		assert_int_equal(u->ep.error, row[i].error);
		u->ep.error = 0;
	}
	zs_udp_close(net.s, u);
	net_end(&net);
}

/* ---- echo, and errors of ours ---- */

static void test_echo(void **state)
{
	uint8_t msg[108] = { ZS_ICMP6_ECHO, [4] = 0xab, 0xcd, 0, 1 };
	struct net net;
	struct frame f;

	(void)state;
	start(&net);
	fill(msg + 8, 100, 3);
	frame_icmp6(&f, host6(PEER), host6(US), 60, msg, sizeof(msg));
	net_input(&net, &f);
	assert_int_equal(net.n_out, 1);
	net_sent(&net, 0, &f);
	assert_sent6(&f, host6(US), host6(PEER), ZS_PROTO_ICMP6);
	msg[0] = ZS_ICMP6_ECHO_REPLY;
	memcpy(msg + 2, f.b + L34_6 + 2, 2);
	assert_memory_equal(f.b + L34_6, msg, sizeof(msg));
	net_clear(&net);
	msg[0] = ZS_ICMP6_ECHO;
	frame_icmp6(&f, host6(PEER), group6(1), 60, msg, sizeof(msg));
	net_input(&net, &f); /* no amplifier */
	assert_int_equal(net.n_out, 0);
	net_end(&net);
}

static void assert_error(struct net *net, const struct frame *cause, unsigned type, unsigned code,
			 uint32_t param)
{
	uint8_t want[8] = { (uint8_t)type, (uint8_t)code };
	uint32_t n = cause->len - L2;
	struct frame f;

	assert_int_equal(net->n_out, 1);
	net_sent(net, 0, &f);
	assert_sent6(&f, host6(US), host6(PEER), ZS_PROTO_ICMP6);
	n = n < 1280 - L3_6 - 8 ? n : 1280 - L3_6 - 8;
	put32(want + 4, param);
	memcpy(want + 2, f.b + L34_6 + 2, 2);
	assert_memory_equal(f.b + L34_6, want, 8);
	assert_int_equal(f.len, L34_6 + 8 + n);
	assert_memory_equal(f.b + L34_6 + 8, cause->b + L2, n);
	net_clear(net);
}

static void test_errors_out(void **state)
{
	static uint8_t data[1400];
	uint8_t option[16] = { ZS_PROTO_UDP, 0, 0xc2, 4 };
	struct net net;
	struct frame f;

	(void)state;
	start(&net);
	frame_udp6(&f, host6(PEER), 7, host6(US), 9, data, 30);
	net_input(&net, &f);
	assert_error(&net, &f, ZS_ICMP6_UNREACH, ZS_UNREACH6_PORT, 0);
	frame_udp6(&f, host6(PEER), 7, host6(US), 9, data, sizeof(data));
	net_input(&net, &f); /* fits the smallest MTU */
	assert_error(&net, &f, ZS_ICMP6_UNREACH, ZS_UNREACH6_PORT, 0);
	frame_ip6(&f, host6(PEER), host6(US), 200, 60, 10);
	frame_put(&f, data, 10);
	net_input(&net, &f);
	assert_error(&net, &f, ZS_ICMP6_PARAM_PROBLEM, ZS_PARAM6_NEXT, 6);
	frame_ip6(&f, host6(PEER), host6(US), ZS_EXT_DSTOPTS, 60, 16);
	frame_put(&f, option, sizeof(option));
	net_input(&net, &f);
	assert_error(&net, &f, ZS_ICMP6_PARAM_PROBLEM, ZS_PARAM6_OPTION, 42);
	f.b[L34_6 + 2] = 0x80;
	memcpy(f.b + L2 + 24, &(struct zs_addr[]){ group6(1) }[0], 16);
	net_input(&net, &f); /* even if it went to a group */
	assert_int_equal(net.n_out, 1);
	net_clear(&net);
	frame_ip6(&f, host6(PEER), host6(US), ZS_EXT_NONE, 60, 0);
	net_input(&net, &f);
	assert_int_equal(net.n_out, 0);
	net_end(&net);
}

/* RFC 4443 2.4 (e), (f): what no error answers, and how many of them there are. */
static void test_silence(void **state)
{
	struct net net;
	struct frame f;

	(void)state;
	net6_prepare(&net);
	net.cfg.icmp_rate = 3;
	net_create(&net);
	net_wait(&net, 2000000);
	net6_know(&net, host6(PEER), mac_of(PEER));
	frame_udp6(&f, host6(PEER), 7, group6(1), 9, "x", 1);
	net_input(&net, &f);
	frame_udp6(&f, host6(PEER), 7, host6(US), 9, "x", 1);
	memset(f.b, 0xff, 6);
	net_input(&net, &f);
	assert_int_equal(net.n_out, 0);
	memcpy(f.b, mac_of(US).b, 6);
	for (unsigned i = 0; i < 10; i++)
		net_input(&net, &f);
	assert_int_equal(net.n_out, 3);
	assert_int_equal(drops(&net, ZS_DROP_ICMP_RATE), 7);
	net_end(&net);
}

/* ---- ourselves, and both families ---- */

static void test_loopback(void **state)
{
	const struct zs_addr to[] = { { .b = { [15] = 1 } }, host6(US), zoned(link6(US)) };
	struct zs_udp *u, *peer;
	struct net net;

	(void)state;
	start(&net);
	u = bound(&net, any6, 5);
	peer = bound(&net, any6, 7);
	for (unsigned i = 0; i < 3; i++) {
		struct rte_mbuf *m;

		send_to(&net, u, to[i], 10);
		zs_stack_advance(net.s, net.now);
		m = zs_udp_recv(net.s, peer);
		assert_non_null(m);
		assert_addr(&zs_dgram(m)->from, to[i]);
		rte_pktmbuf_free(m);
	}
	assert_int_equal(net.n_out, 0);
	zs_udp_close(net.s, u);
	zs_udp_close(net.s, peer);
	net_end(&net);
}

/* RFC 4861 7.2.2: nobody has the address: code 3 for each datagram that waited. */
static void test_nobody_there(void **state)
{
	const struct zs_udp_error *e;
	struct zs_udp *u[2];
	struct net net;

	(void)state;
	start(&net);
	for (unsigned i = 0; i < 2; i++) {
		u[i] = bound(&net, any6, (uint16_t)(5 + i));
		u[i]->recverr6 = true;
		send_to(&net, u[i], i == 0 ? host6(99) : zoned(link6(99)), 10);
	}
	net_wait(&net, 3100000);
	for (unsigned i = 0; i < 2; i++) {
		e = zs_udp_error(u[i]);
		assert_non_null(e);
		assert_addr(&e->to, i == 0 ? host6(99) : zoned(link6(99)));
		assert_addr(&e->from, i == 0 ? host6(US) : zoned(link6(US)));
		assert_int_equal(e->origin, ZS_UDP_ICMP6);
		assert_int_equal(e->type, ZS_ICMP6_UNREACH);
		assert_int_equal(e->code, ZS_UNREACH6_ADDR);
		assert_int_equal(e->error, EHOSTUNREACH);
		assert_int_equal(u[i]->ep.error, EHOSTUNREACH);
		zs_udp_close(net.s, u[i]);
	}
	net_end(&net);
}

/* A group is on the link that its zone names, and nothing is asked for it. */
static void test_group(void **state)
{
	struct zs_addr nowhere = group6(0x77);
	struct zs_udp *u;
	struct rte_mbuf *m;
	struct net net;
	struct frame f;

	(void)state;
	start(&net);
	u = bound(&net, any6, 5);
	send_to(&net, u, zoned(group6(0x77)), 10);
	assert_int_equal(net.n_out, 1);
	net_sent(&net, 0, &f);
	assert_sent6(&f, link6(US), group6(0x77), ZS_PROTO_UDP);
	assert_memory_equal(f.b, "\x33\x33\0\0\0\x77", 6);
	assert_int_equal(f.b[L2 + 7], 1);
	m = net_payload(&net, 3, 1);
	assert_int_equal(zs_udp_send(net.s, u, m, &nowhere, 7), -ENETUNREACH);
	rte_pktmbuf_free(m);
	nowhere.b[1] = ZS_SCOPE_INTERFACE;
	send_to(&net, u, zoned(nowhere), 10);
	assert_int_equal(net.n_out, 1); /* stays within the host (RFC 4291 2.7) */
	zs_udp_close(net.s, u);
	net_end(&net);
}

/* An endpoint of IPv6 that is bound to any takes IPv4 when it is dual, and is in its way. */
static void test_dual(void **state)
{
	struct zs_addr any = { .q = { 0, 0 } }, v4 = zs_addr_ip4(host(PEER));
	struct zs_udp *u, *other;
	struct rte_mbuf *m;
	struct net net;
	struct frame f;

	(void)state;
	start(&net);
	net_know(&net, PEER);
	u = zs_udp_open(net.s, ZS_AF_IP6);
	other = zs_udp_open(net.s, ZS_AF_IP4);
	u->dual = true;
	assert_int_equal(zs_udp_bind(net.s, u, &any, 9), 0);
	assert_int_equal(zs_udp_bind(net.s, other, &any, 9), -EADDRINUSE);
	frame_udp(&f, host(PEER), 7, host(US), 9, "x", 1);
	net_input(&net, &f);
	m = zs_udp_recv(net.s, u);
	assert_non_null(m);
	assert_int_equal(zs_dgram(m)->family, ZS_AF_IP4);
	rte_pktmbuf_free(m);
	assert_int_equal(zs_udp_send_to(net.s, u, net_payload(&net, 3, 1), ZS_AF_IP4, &v4, 7), 0);
	net_flush(&net);
	assert_int_equal(net.n_out, 1);
	net_sent(&net, 0, &f);
	assert_int_equal(get16(f.b + 12), ZS_ETH_IP4);
	assert_cksums(&f);
	net_clear(&net);
	u->dual = false;
	m = net_payload(&net, 3, 1);
	assert_int_equal(zs_udp_send_to(net.s, u, m, ZS_AF_IP4, &v4, 7), -ENETUNREACH);
	rte_pktmbuf_free(m);
	assert_int_equal(zs_udp_bind(net.s, other, &any, 9), 0);
	zs_udp_close(net.s, u);
	zs_udp_close(net.s, other);
	net_end(&net);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_headers),	      cmocka_unit_test(test_fragments),
	cmocka_unit_test(test_overlap),	      cmocka_unit_test(test_no_nd_in_fragments),
	cmocka_unit_test(test_fragments_ecn), cmocka_unit_test(test_path_mtu),
	cmocka_unit_test(test_errors_in),     cmocka_unit_test(test_echo),
	cmocka_unit_test(test_errors_out),    cmocka_unit_test(test_silence),
	cmocka_unit_test(test_loopback),      cmocka_unit_test(test_nobody_there),
	cmocka_unit_test(test_dual),	      cmocka_unit_test(test_group),
};

ZS_TEST_MAIN(tests)
