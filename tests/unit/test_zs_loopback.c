/* SPDX-License-Identifier: BSD-3-Clause */
/* Loopback below TCP: whose buffers, when they come in, and what never gets onto a wire. */
#include "zs_nettest.h"

#include <rte_byteorder.h>

#include "core/zs_ip4.h"
#include "core/zs_udp.h"

static struct zs_udp *bound(struct net *net, uint32_t ip_be, uint16_t port)
{
	const struct zs_addr a = zs_addr_ip4(ip_be);
	struct zs_udp *u = zs_udp_open(net->s, ZS_AF_IP4);

	assert_non_null(u);
	assert_int_equal(zs_udp_bind(net->s, u, &a, port), 0);
	return u;
}

static struct rte_mbuf *message(struct net *net, const char *text)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(net->pools.pkt);

	assert_non_null(m);
	strcpy(rte_pktmbuf_append(m, (uint16_t)(strlen(text) + 1)), text);
	return m;
}

static void check_datagram(struct net *net, uint32_t to_be, uint32_t from_be, bool shared)
{
	struct zs_udp *server = bound(net, 0, 7), *client = zs_udp_open(net->s, ZS_AF_IP4);
	const struct zs_addr to = zs_addr_ip4(to_be);
	struct rte_mbuf *m = message(net, "to myself"), *got;

	if (shared)
		rte_mbuf_refcnt_update(m, 1);
	assert_int_equal(zs_udp_send(net->s, client, m, &to, 7), 0);
	assert_null(zs_udp_recv(net->s, server)); /* not before the next turn */
	assert_true(zs_stack_loops(net->s));
	assert_true(zs_stack_tx_pending(net->s));
	zs_stack_flush(net->s);
	assert_true(zs_stack_loops(net->s));
	zs_stack_advance(net->s, net->now);
	assert_false(zs_stack_loops(net->s));
	got = zs_udp_recv(net->s, server);
	assert_non_null(got);
	assert_string_equal(rte_pktmbuf_mtod(got, char *), "to myself");
	assert_int_equal(zs_dgram(got)->from.ip4_be, from_be);
	assert_int_equal(rte_mbuf_refcnt_read(got), 1);
	assert_ptr_equal(rte_pktmbuf_mtod(got, char *), rte_pktmbuf_mtod(m, char *)); /* no copy */
	if (shared) {
		assert_ptr_not_equal(got, m);
		rte_pktmbuf_free(m);
	}
	rte_pktmbuf_free(got);
	zs_udp_close(net->s, server);
	zs_udp_close(net->s, client);
}

static void test_datagrams(void **state)
{
	struct net net;

	(void)state;
	net_start(&net);
	for (int shared = 0; shared < 2; shared++) {
		check_datagram(&net, host(US), host(US), shared);
		check_datagram(&net, ip4(127, 0, 0, 1), ip4(127, 0, 0, 1), shared);
		check_datagram(&net, ip4(127, 9, 9, 9), ip4(127, 0, 0, 1), shared);
	}
	net_flush(&net);
	assert_int_equal(net.n_out, 0);
	assert_int_equal(net.s->stats.copies, 0);
	net_end(&net);
}

/* Nothing on the way is too narrow for a datagram. */
static void test_large_datagram(void **state)
{
	const struct zs_addr to = zs_addr_ip4(host(US));
	struct rte_mbuf *m, *got;
	struct zs_udp *u;
	struct net net;

	(void)state;
	net_start(&net);
	u = bound(&net, 0, 9);
	m = rte_pktmbuf_alloc(net.pools.big);
	assert_non_null(rte_pktmbuf_append(m, 60000));
	assert_int_equal(zs_udp_send(net.s, u, m, &to, 9), 0);
	zs_stack_advance(net.s, net.now);
	got = zs_udp_recv(net.s, u);
	assert_ptr_equal(got, m);
	assert_int_equal(got->pkt_len, 60000);
	rte_pktmbuf_free(got);
	zs_udp_close(net.s, u);
	net_end(&net);
}

/* The request comes in, and its answer in the turn after: as an answer that nobody waits for. */
static void test_echo(void **state)
{
	const struct zs_addr any = zs_addr_ip4(0), to = zs_addr_ip4(ip4(127, 0, 0, 1));
	struct zs_icmp_hdr *icmp;
	struct rte_mbuf *m;
	struct net net;

	(void)state;
	net_start(&net);
	m = rte_pktmbuf_alloc(net.pools.pkt);
	icmp = (void *)rte_pktmbuf_append(m, sizeof(*icmp));
	assert_non_null(icmp);
	*icmp = (struct zs_icmp_hdr){ .type = 8, .cksum = rte_cpu_to_be_16(0xf7ff) };
	m->l4_len = 0;
	assert_int_equal(zs_ip4_output(net.s, m, &any, &to, ZS_PROTO_ICMP, 64, 0, false), 0);
	assert_int_equal(zs_stack_advance(net.s, net.now), 0);
	assert_int_equal(drops(&net, ZS_DROP_ICMP_IGNORED), 0);
	assert_true(zs_stack_advance(net.s, net.now) > 0);
	assert_int_equal(drops(&net, ZS_DROP_ICMP_IGNORED), 1);
	net_flush(&net);
	assert_int_equal(net.n_out, 0);
	net_end(&net);
}

static void test_loopback_addresses_stay_inside(void **state)
{
	const struct zs_addr peer = zs_addr_ip4(host(PEER));
	struct rte_mbuf *m;
	struct zs_udp *u;
	struct net net;

	(void)state;
	net_start(&net);
	u = bound(&net, ip4(127, 0, 0, 1), 9);
	m = message(&net, "out");
	assert_int_equal(zs_udp_send(net.s, u, m, &peer, 9), -EINVAL);
	rte_pktmbuf_free(m);
	net_wait(&net, 1000000);
	assert_int_equal(net.n_out, 0);
	zs_udp_close(net.s, u);
	net_end(&net);
}

/* More than the queue holds is dropped, and counted. */
static void test_bounded(void **state)
{
	const struct zs_addr to = zs_addr_ip4(host(US));
	struct zs_udp *u;
	struct net net;

	(void)state;
	net_start(&net);
	u = bound(&net, 0, 9);
	for (unsigned i = 0; i < ZS_TXQ_LEN + 3; i++)
		assert_int_equal(zs_udp_send(net.s, u, message(&net, "x"), &to, 9), 0);
	assert_int_equal(drops(&net, ZS_DROP_TX_FULL), 3);
	zs_udp_close(net.s, u);
	net_end(&net); /* and what waits goes with the stack */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_datagrams),
		cmocka_unit_test(test_large_datagram),
		cmocka_unit_test(test_echo),
		cmocka_unit_test(test_loopback_addresses_stay_inside),
		cmocka_unit_test(test_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
