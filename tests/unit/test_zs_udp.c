/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * UDP endpoints: who may bind what, whose a datagram is, what a full buffer does, how headers get
 * in front of payloads that belong to the application or to someone else too.
 */
#include "zs_nettest.h"

#include <errno.h>

#include "core/zs_udp.h"

static struct zs_udp *bound(struct net *net, uint32_t addr_be, uint16_t port)
{
	const struct zs_addr a = zs_addr_ip4(addr_be);
	struct zs_udp *u = zs_udp_open(net->s, ZS_AF_IP4);

	assert_non_null(u);
	u->ep.owner = u;
	assert_int_equal(zs_udp_bind(net->s, u, &a, port), 0);
	return u;
}

static int try_bind(struct net *net, struct zs_udp *u, uint32_t addr_be, uint16_t port)
{
	const struct zs_addr a = zs_addr_ip4(addr_be);

	return zs_udp_bind(net->s, u, &a, port);
}

static int connect_to(struct net *net, struct zs_udp *u, uint32_t addr_be, uint16_t port)
{
	const struct zs_addr a = zs_addr_ip4(addr_be);

	return zs_udp_connect(net->s, u, &a, port);
}

static int send_to(struct net *net, struct zs_udp *u, struct rte_mbuf *m, uint32_t addr_be,
		   uint16_t port)
{
	const struct zs_addr a = zs_addr_ip4(addr_be);
	int rc = zs_udp_send(net->s, u, m, &a, port);

	net_flush(net);
	return rc;
}

/* A datagram of one byte from host d, port sport. */
static void from(struct net *net, unsigned d, unsigned sport, uint32_t dst_be, unsigned dport,
		 uint8_t byte)
{
	struct frame f;

	frame_udp(&f, host(d), sport, dst_be, dport, &byte, 1);
	net_input(net, &f);
}

/* The next datagram of u, by its one byte; -1: none. */
static int next(struct net *net, struct zs_udp *u)
{
	struct rte_mbuf *m = zs_udp_recv(net->s, u);
	int byte;

	if (m == NULL)
		return -1;
	assert_int_equal(m->pkt_len, 1);
	byte = *rte_pktmbuf_mtod(m, uint8_t *);
	rte_pktmbuf_free(m);
	return byte;
}

static void test_bind(void **state)
{
	struct net net;
	struct zs_udp *u, *v;

	(void)state;
	net_start(&net);
	u = bound(&net, 0, 100);
	assert_int_equal(try_bind(&net, u, 0, 101), -EINVAL);
	v = zs_udp_open(net.s, ZS_AF_IP4);
	assert_int_equal(try_bind(&net, v, 0, 100), -EADDRINUSE);
	assert_int_equal(try_bind(&net, v, host(US), 100), -EADDRINUSE);
	assert_int_equal(try_bind(&net, v, host(9), 100), -EADDRNOTAVAIL);
	assert_int_equal(try_bind(&net, v, host(US), 100 + 1024), 0); /* same bucket */
	zs_udp_close(net.s, u);
	u = zs_udp_open(net.s, ZS_AF_IP4);
	assert_int_equal(try_bind(&net, u, host(US), 100), 0);
	zs_udp_close(net.s, v);
	v = bound(&net, host(255), 100); /* another address: no conflict */
	zs_udp_close(net.s, v);
	v = zs_udp_open(net.s, ZS_AF_IP4);
	v->reuseaddr = true;
	assert_int_equal(try_bind(&net, v, 0, 100), -EADDRINUSE); /* both have to agree */
	u->reuseaddr = true;
	assert_int_equal(try_bind(&net, v, 0, 100), 0);
	net_end(&net);
}

static void test_table(void **state)
{
	struct net net;
	struct zs_udp *u[64];

	(void)state;
	net_start(&net);
	for (unsigned i = 0; i < 64; i++)
		u[i] = bound(&net, 0, (uint16_t)(1000 + i));
	assert_null(zs_udp_open(net.s, ZS_AF_IP4));
	assert_int_equal(zs_udp_count(net.s), 64);
	for (unsigned i = 0; i < 64; i++)
		zs_udp_close(net.s, u[i]);
	assert_int_equal(zs_udp_count(net.s), 0);
	u[0] = bound(&net, 0, 1000);
	assert_int_equal(u[0]->rcvbuf, net.cfg.rcvbuf);
	assert_null(zs_udp_open(net.s, 77));
	net_end(&net);
}

static void test_ephemeral(void **state)
{
	bool seen[16] = { false };
	struct net net;
	unsigned in_order = 0;
	uint16_t last = 0;

	(void)state;
	net_prepare(&net, US);
	net.cfg.ip_local_port_lo = 40000;
	net.cfg.ip_local_port_hi = 40015;
	net_create(&net);
	for (unsigned i = 0; i < 16; i++) {
		struct zs_udp *u = bound(&net, 0, 0);

		assert_in_range(u->flow.lport, 40000, 40015);
		assert_false(seen[u->flow.lport - 40000]);
		seen[u->flow.lport - 40000] = true;
		in_order += u->flow.lport == last + 1;
		last = u->flow.lport;
	}
	assert_true(in_order < 12); /* not to be guessed (RFC 6056) */
	assert_int_equal(try_bind(&net, zs_udp_open(net.s, ZS_AF_IP4), 0, 0), -EADDRINUSE);
	net_end(&net);
}

/* Connected beats bound to the address beats wildcard. */
static void test_match(void **state)
{
	struct net net;
	struct zs_udp *w, *b, *c;

	(void)state;
	net_start(&net);
	w = zs_udp_open(net.s, ZS_AF_IP4);
	b = zs_udp_open(net.s, ZS_AF_IP4);
	c = zs_udp_open(net.s, ZS_AF_IP4);
	w->reuseaddr = b->reuseaddr = c->reuseaddr = true;
	assert_int_equal(try_bind(&net, c, 0, 500), 0);
	assert_int_equal(try_bind(&net, b, host(US), 500), 0);
	assert_int_equal(try_bind(&net, w, 0, 500), 0);
	assert_int_equal(connect_to(&net, c, host(5), 55), 0);
	assert_int_equal(c->flow.laddr.ip4_be, host(US));
	from(&net, 5, 55, host(US), 500, 1);
	from(&net, 5, 56, host(US), 500, 2);
	from(&net, 6, 55, host(US), 500, 3);
	from(&net, 5, 55, host(255), 500, 4);
	assert_int_equal(next(&net, c), 1);
	assert_int_equal(next(&net, c), -1);
	assert_int_equal(next(&net, b), 2);
	assert_int_equal(next(&net, b), 3);
	assert_int_equal(next(&net, b), -1);
	assert_int_equal(next(&net, w), 4);
	assert_int_equal(next(&net, w), -1);
	/* no longer connected: no longer preferred, and the wildcard again */
	assert_int_equal(zs_udp_connect(net.s, c, NULL, 0), 0);
	assert_true(zs_addr_is_any(&c->flow.laddr));
	from(&net, 5, 55, host(US), 500, 5);
	assert_int_equal(next(&net, b), 5);
	assert_int_equal(next(&net, c), -1);
	net_end(&net);
}

static void test_datagram(void **state)
{
	uint8_t data[700];
	struct net net;
	struct frame f;
	struct zs_udp *u;
	struct rte_mbuf *m;
	unsigned ev;

	(void)state;
	net_start(&net);
	u = bound(&net, 0, 500);
	fill(data, sizeof(data), 3);
	frame_udp(&f, host(5), 55, host(US), 500, data, sizeof(data));
	net_input_mbuf(&net, net_chain(&net, &f, L2 + L3 + 8, 99)); /* header alone in its buffer */
	assert_ptr_equal(zs_ep_next(net.s, &ev), &u->ep);
	assert_int_equal(ev, ZS_EV_READ);
	assert_int_equal(u->rx_bytes, sizeof(data));
	m = zs_udp_recv(net.s, u);
	assert_int_equal(zs_dgram(m)->from.ip4_be, host(5));
	assert_int_equal(zs_dgram(m)->from_port, 55);
	assert_int_equal(zs_dgram(m)->family, ZS_AF_IP4);
	frame_of(&f, m);
	assert_int_equal(f.len, sizeof(data));
	assert_memory_equal(f.b, data, sizeof(data));
	assert_int_equal(u->rx_bytes, 0);
	assert_int_equal(u->rx_mem, 0);
	rte_pktmbuf_free(m);
	/* shorter by UDP's word than by IP's */
	frame_udp(&f, host(5), 55, host(US), 500, data, sizeof(data));
	put16(f.b + L2 + L3 + 4, 8 + 1);
	put16(f.b + L2 + L3 + 6, 0);
	net_input(&net, &f);
	assert_int_equal(next(&net, u), data[0]);
	/* empty */
	frame_udp(&f, host(5), 55, host(US), 500, NULL, 0);
	net_input(&net, &f);
	m = zs_udp_recv(net.s, u);
	assert_int_equal(m->pkt_len, 0);
	rte_pktmbuf_free(m);
	assert_int_equal(net.s->stats.copies, 0);
	net_end(&net);
}

static void test_full(void **state)
{
	struct net net;
	struct zs_udp *u;
	unsigned n = 0;

	(void)state;
	net_start(&net);
	u = bound(&net, 0, 500);
	u->rcvbuf = 20000; /* of memory occupied, not of payload */
	while (drops(&net, ZS_DROP_UDP_FULL) == 0)
		from(&net, 5, 55, host(US), 500, (uint8_t)n++);
	assert_in_range(n, 6, 12);
	assert_true(u->rx_mem <= u->rcvbuf);
	for (unsigned i = 0; i + 1 < n; i++)
		assert_int_equal(next(&net, u), i);
	assert_int_equal(next(&net, u), -1);
	u->rcvbuf = 1; /* one datagram always fits */
	from(&net, 5, 55, host(US), 500, 7);
	from(&net, 5, 55, host(US), 500, 8);
	assert_int_equal(next(&net, u), 7);
	assert_int_equal(next(&net, u), -1);
	from(&net, 5, 55, host(US), 500, 9);
	net_end(&net); /* what is queued is freed with the stack */
}

static void test_reuseport(void **state)
{
	unsigned got[4] = { 0 };
	struct zs_udp *u[4], *plain;
	struct net net;

	(void)state;
	net_start(&net);
	for (unsigned i = 0; i < 4; i++) {
		u[i] = zs_udp_open(net.s, ZS_AF_IP4);
		u[i]->reuseport = true;
		assert_int_equal(try_bind(&net, u[i], 0, 500), 0);
	}
	plain = zs_udp_open(net.s, ZS_AF_IP4);
	assert_int_equal(try_bind(&net, plain, 0, 500), -EADDRINUSE);
	for (unsigned k = 0; k < 400; k++) {
		int first = -1;

		for (unsigned twice = 0; twice < 2; twice++) {
			from(&net, 5, 1000 + k, host(US), 500, 1);
			for (int i = 0; i < 4; i++) {
				if (next(&net, u[i]) < 0)
					continue;
				got[i]++;
				assert_true(first == -1 || first == i); /* a flow stays */
				first = i;
			}
		}
	}
	for (unsigned i = 0; i < 4; i++)
		assert_in_range(got[i], 100, 300);
	assert_int_equal(got[0] + got[1] + got[2] + got[3], 800);
	/* sharers of the wildcard have no part in what suits one of them better */
	zs_udp_close(net.s, u[0]);
	zs_udp_close(net.s, u[1]);
	plain->reuseport = true;
	assert_int_equal(try_bind(&net, plain, host(US), 500), 0);
	zs_udp_close(net.s, u[2]);
	u[2] = zs_udp_open(net.s, ZS_AF_IP4);
	u[2]->reuseport = true;
	assert_int_equal(try_bind(&net, u[2], 0, 500), 0);
	u[1] = zs_udp_open(net.s, ZS_AF_IP4);
	u[1]->reuseport = true;
	assert_int_equal(try_bind(&net, u[1], 0, 500), 0);
	for (unsigned k = 0; k < 20; k++) {
		from(&net, 5, 1000 + k, host(US), 500, 1);
		assert_int_equal(next(&net, plain), 1);
	}
	net_end(&net);
}

static void check_sent(struct net *net, uint32_t i, uint16_t sport, uint32_t n, uint32_t seed)
{
	uint8_t data[2000];
	struct frame f;

	net_sent(net, i, &f);
	assert_int_equal(f.len, L2 + L3 + 8 + n);
	assert_cksums(&f);
	assert_int_equal(get16(f.b + L2 + L3), sport);
	assert_int_equal(get16(f.b + L2 + L3 + 2), 55);
	assert_int_equal(get16(f.b + L2 + L3 + 4), 8 + n);
	fill(data, n, seed);
	assert_memory_equal(f.b + L2 + L3 + 8, data, n);
}

/* In place when the buffer is ours alone; a header buffer in front when not. No byte is copied. */
static void test_send(void **state)
{
	struct net net;
	struct zs_udp *u;
	struct rte_mbuf *m, *ref;
	uint64_t allocs;

	(void)state;
	net_start(&net);
	net_know(&net, 5);
	u = bound(&net, 0, 500);
	allocs = net.s->stats.allocs;
	m = net_payload(&net, 1000, 1);
	m->ol_flags = RTE_MBUF_F_RX_IP_CKSUM_GOOD | RTE_MBUF_F_RX_RSS_HASH; /* came from a device */
	assert_int_equal(send_to(&net, u, m, host(5), 55), 0);
	assert_ptr_equal(net.out[0], m);
	assert_int_equal(m->nb_segs, 1);
	assert_int_equal(m->ol_flags, 0);
	check_sent(&net, 0, 500, 1000, 1);
	assert_int_equal(net.s->stats.allocs, allocs);
	assert_int_equal(net.s->stats.tx_in_place, 1);
	net_clear(&net);
	/* shared */
	m = net_payload(&net, 1000, 2);
	ref = zs_pkt_slice(net.s, m, 0, 1000);
	assert_int_equal(send_to(&net, u, ref, host(5), 55), 0);
	check_sent(&net, 0, 500, 1000, 2);
	assert_int_equal(net.out[0]->nb_segs, 2);
	assert_int_equal(net.s->stats.tx_indirect, 1);
	net_clear(&net);
	rte_mbuf_refcnt_update(m, 1); /* the application keeps a reference */
	assert_int_equal(send_to(&net, u, m, host(5), 55), 0);
	assert_int_equal(m->pkt_len, 1000);
	check_sent(&net, 0, 500, 1000, 2);
	net_clear(&net);
	assert_int_equal(rte_mbuf_refcnt_read(m), 1);
	/* without headroom */
	memmove(m->buf_addr, rte_pktmbuf_mtod(m, void *), 1000);
	m->data_off = 0;
	assert_int_equal(send_to(&net, u, m, host(5), 55), 0);
	check_sent(&net, 0, 500, 1000, 2);
	assert_int_equal(net.out[0]->nb_segs, 2);
	net_clear(&net);
	assert_int_equal(net.s->stats.tx_indirect, 3);
	assert_int_equal(net.s->stats.copies, 0);
	net_end(&net);
}

/* A received datagram goes back in its own buffer. */
static void test_echo_allocates_nothing(void **state)
{
	struct net net;
	struct frame f;
	struct zs_udp *u;
	struct rte_mbuf *m;
	uint64_t allocs;

	(void)state;
	net_start(&net);
	net_know(&net, 5);
	u = bound(&net, 0, 500);
	frame_udp(&f, host(5), 55, host(US), 500, "echo", 4);
	m = net_mbuf(&net, &f);
	net_input_mbuf(&net, m);
	allocs = net.s->stats.allocs;
	assert_ptr_equal(zs_udp_recv(net.s, u), m);
	assert_int_equal(send_to(&net, u, m, zs_dgram(m)->from.ip4_be, zs_dgram(m)->from_port), 0);
	assert_ptr_equal(net.out[0], m);
	net_sent(&net, 0, &f);
	assert_cksums(&f);
	assert_memory_equal(f.b + f.len - 4, "echo", 4);
	assert_int_equal(net.s->stats.allocs, allocs);
	net_end(&net);
}

static void test_send_failures(void **state)
{
	struct net net;
	struct zs_udp *u;
	struct rte_mbuf *m;

	(void)state;
	net_prepare(&net, US);
	net.cfg.netif[0].ip4_gw_be = 0;
	net_create(&net);
	u = zs_udp_open(net.s, ZS_AF_IP4);
	m = net_payload(&net, 10, 1);
	assert_int_equal(zs_udp_send(net.s, u, m, NULL, 0), -EDESTADDRREQ);
	assert_int_equal(send_to(&net, u, m, ip4(8, 8, 8, 8), 55), -ENETUNREACH);
	assert_int_equal(send_to(&net, u, m, host(5), 0), -EINVAL);
	assert_int_equal(send_to(&net, u, m, host(255), 55), -EACCES);
	assert_int_equal(send_to(&net, u, m, UINT32_MAX, 55), -EACCES);
	assert_int_equal(u->flow.lport, 0);
	zs_simpool_limit(net.pools.hdr, 0);
	rte_mbuf_refcnt_update(m, 1);
	assert_int_equal(send_to(&net, u, m, host(5), 55), -ENOBUFS);
	rte_mbuf_refcnt_update(m, -1);
	zs_simpool_limit(net.pools.hdr, 100);
	assert_int_equal(m->pkt_len, 10); /* still ours, as it was */
	assert_int_equal(m->nb_segs, 1);
	u->broadcast = true;
	assert_int_equal(send_to(&net, u, m, host(255), 55), 0);
	assert_int_not_equal(u->flow.lport, 0); /* sending binds */
	assert_int_equal(net.n_out, 1);
	assert_memory_equal(rte_pktmbuf_mtod(net.out[0], void *), "\xff\xff\xff\xff\xff\xff", 6);
	m = net_payload(&net, 65000, 1);
	zs_pkt_join(m, net_payload(&net, 508, 1));
	assert_int_equal(send_to(&net, u, m, host(5), 55), -EMSGSIZE);
	rte_pktmbuf_free(m);
	net_end(&net);
}

/* RFC 1122 4.1.3.3: nobody has the address. Who is told of errors with whom they are about is told
 * so; others, what a call of theirs can say. */
static void test_nobody_there(void **state)
{
	const struct zs_udp_error *e;
	struct zs_udp *u, *v, *other;
	struct net net;

	(void)state;
	net_start(&net);
	u = zs_udp_open(net.s, ZS_AF_IP4);
	v = bound(&net, 0, 100);
	other = bound(&net, 0, 101);
	v->recverr = true;
	assert_int_equal(connect_to(&net, u, host(9), 55), 0);
	assert_int_equal(zs_udp_send(net.s, u, net_payload(&net, 10, 1), NULL, 0), 0);
	assert_int_equal(send_to(&net, v, net_payload(&net, 3000, 1), host(9), 56), 0);
	assert_int_equal(send_to(&net, other, net_payload(&net, 5, 1), host(9), 56), 0);
	net_wait(&net, 2900000);
	assert_int_equal(u->ep.error, 0);
	net_wait(&net, 200000);
	assert_int_equal(drops(&net, ZS_DROP_NEIGH_FAILED), 5);
	assert_int_equal(u->ep.error, EHOSTUNREACH);
	assert_int_equal(other->ep.error, 0);
	e = zs_udp_error(v);
	assert_non_null(e);
	assert_int_equal(e->to.ip4_be, host(9));
	assert_int_equal(e->port, 56);
	assert_int_equal(e->from.ip4_be, host(US));
	assert_int_equal(e->origin, ZS_UDP_ICMP);
	assert_int_equal(e->type, 3);
	assert_int_equal(e->code, 1);
	assert_int_equal(e->len, ZS_UDP_QUOTE);
	zs_udp_error_done(net.s, v);
	assert_null(zs_udp_error(v)); /* one for each datagram */
	net_end(&net);
}

/* Who sends to all of a network is one of them. */
static void test_own_broadcast(void **state)
{
	const uint32_t to[] = { host(255), UINT32_MAX };
	struct zs_udp *u, *v, *w;
	struct net net;

	(void)state;
	net_start(&net);
	u = bound(&net, 0, 100);
	v = bound(&net, host(US), 101);
	w = bound(&net, 0, 102);
	v->broadcast = w->broadcast = true;
	v->group_loop = false; /* of multicast */
	for (uint32_t i = 0; i < 2; i++) {
		assert_int_equal(send_to(&net, v, net_payload(&net, 1, 7), to[i], 100), 0);
		assert_int_equal(net.n_out, i + 1);
		assert_int_equal(zs_dgram(u->rx_head)->from.ip4_be, host(US));
		assert_true(next(&net, u) >= 0);
		assert_int_equal(next(&net, u), -1);
	}
	assert_int_equal(send_to(&net, w, net_payload(&net, 1, 7), host(255), 102), 0);
	assert_true(next(&net, w) >= 0);
	assert_int_equal(send_to(&net, w, net_payload(&net, 1, 7), host(255), 101), 0);
	assert_int_equal(next(&net, v), -1); /* not by its address */
	net_end(&net);
}

static void test_connect(void **state)
{
	struct net net;
	struct zs_udp *u;
	uint16_t port;

	(void)state;
	net_start(&net);
	net_know(&net, 5);
	u = zs_udp_open(net.s, ZS_AF_IP4);
	assert_int_equal(connect_to(&net, u, host(5), 0), -EINVAL);
	assert_int_equal(connect_to(&net, u, host(255), 55), -EACCES);
	assert_int_equal(connect_to(&net, u, host(5), 55), 0);
	port = u->flow.lport;
	assert_int_not_equal(port, 0);
	assert_int_equal(zs_udp_send(net.s, u, net_payload(&net, 10, 1), NULL, 0), 0);
	net_flush(&net);
	check_sent(&net, 0, port, 10, 1);
	net_clear(&net);
	/* to someone else all the same, and connected anew */
	net_know(&net, 6);
	assert_int_equal(send_to(&net, u, net_payload(&net, 10, 2), host(6), 55), 0);
	check_sent(&net, 0, port, 10, 2);
	assert_int_equal(connect_to(&net, u, host(6), 55), 0);
	assert_int_equal(u->flow.lport, port);
	from(&net, 5, 55, host(US), port, 1);
	from(&net, 6, 55, host(US), port, 2);
	assert_int_equal(next(&net, u), 2);
	assert_int_equal(next(&net, u), -1);
	assert_int_equal(drops(&net, ZS_DROP_UDP_NO_SOCKET), 1);
	net_end(&net);
}

/* Larger than the link takes, to another stack that puts it together. */
static void test_large(void **state)
{
	struct net a, b;
	struct zs_udp *u, *v;
	struct rte_mbuf *m;
	struct frame sent, got;

	(void)state;
	net_prepare(&a, 1);
	a.cfg.netif[0].mtu = 576;
	net_create(&a);
	net_start(&b);
	net_know(&a, US);
	u = bound(&a, 0, 500);
	v = bound(&b, 0, 55);
	m = net_payload(&a, 5000, 9);
	zs_pkt_join(m, net_payload(&a, 3333, 10));
	frame_of(&sent, m);
	assert_int_equal(send_to(&a, u, m, host(US), 55), 0);
	assert_int_equal(a.n_out, 16);
	for (uint32_t i = a.n_out; i-- > 0;) {
		net_sent(&a, i, &got);
		net_input(&b, &got);
	}
	m = zs_udp_recv(b.s, v);
	assert_non_null(m);
	frame_of(&got, m);
	assert_int_equal(got.len, 8333);
	assert_memory_equal(got.b, sent.b, 8333);
	rte_pktmbuf_free(m);
	assert_int_equal(a.s->stats.copies + b.s->stats.copies, 0);
	net_end(&a);
	net_end(&b);
}

static void test_multicast(void **state)
{
	const uint32_t group = ip4(239, 1, 1, 1);
	struct net net;
	struct frame f;
	struct zs_udp *u, *g;
	const struct zs_addr a = zs_addr_ip4(group);
	uint32_t us = host(US);

	(void)state;
	net_start(&net);
	u = bound(&net, host(US), 500);
	g = bound(&net, group, 500);
	from(&net, 5, 55, group, 500, 1);
	assert_int_equal(next(&net, g), -1); /* not joined */
	assert_int_equal(zs_udp_join(net.s, g, net.nif, ZS_AF_IP4, &a), 0);
	from(&net, 5, 55, group, 500, 1);
	assert_int_equal(next(&net, g), 1);
	assert_int_equal(next(&net, u), -1);
	assert_int_equal(send_to(&net, g, net_payload(&net, 3, 1), group, 55), 0);
	net_sent(&net, 0, &f);
	assert_memory_equal(f.b, "\x01\x00\x5e\x01\x01\x01", 6);
	assert_memory_equal(f.b + L2 + 12, &us, 4); /* not from the group */
	assert_int_equal(f.b[L2 + 8], 1);	    /* RFC 1112 6.1: TTL 1 */
	net_end(&net);
}

static void test_close_with_data(void **state)
{
	struct net net;
	struct zs_udp *u;
	unsigned ev;

	(void)state;
	net_start(&net);
	u = bound(&net, 0, 500);
	from(&net, 5, 55, host(US), 500, 1);
	zs_udp_close(net.s, u);
	assert_null(zs_ep_next(net.s, &ev)); /* its event went with it */
	assert_int_equal(zs_simpools_live(&net.pools), 0);
	from(&net, 5, 55, host(US), 500, 1);
	assert_int_equal(drops(&net, ZS_DROP_UDP_NO_SOCKET), 1);
	net_end(&net);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bind),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_ephemeral),
		cmocka_unit_test(test_match),
		cmocka_unit_test(test_datagram),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_reuseport),
		cmocka_unit_test(test_send),
		cmocka_unit_test(test_echo_allocates_nothing),
		cmocka_unit_test(test_send_failures),
		cmocka_unit_test(test_connect),
		cmocka_unit_test(test_large),
		cmocka_unit_test(test_multicast),
		cmocka_unit_test(test_own_broadcast),
		cmocka_unit_test(test_nobody_there),
		cmocka_unit_test(test_close_with_data),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
