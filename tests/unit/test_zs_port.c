/* SPDX-License-Identifier: BSD-3-Clause */
/* Ephemeral ports: how long they are looked for, that all are found, and who can tell the next. */
#include "core/tcp/zs_port.h"

#include <errno.h>

#include "core/tcp/zs_tcb.h"
#include "zs_nettest.h"

enum { LO = 32768, N = 28232, MANY = 20000 };

static uint64_t n_finds;

void *__real_zs_flowtab_find(struct zs_stack *s, const struct zs_flow *flow, uint32_t hash,
			     uint8_t *kind);
void *__wrap_zs_flowtab_find(struct zs_stack *s, const struct zs_flow *flow, uint32_t hash,
			     uint8_t *kind);

void *__wrap_zs_flowtab_find(struct zs_stack *s, const struct zs_flow *flow, uint32_t hash,
			     uint8_t *kind)
{
	n_finds++;
	return __real_zs_flowtab_find(s, flow, hash, kind);
}

static void start(struct net *net, uint16_t n_ports)
{
	net_prepare(net, US);
	net->cfg.max_conns = N;
	net->cfg.ip_local_port_lo = LO;
	net->cfg.ip_local_port_hi = (uint16_t)(LO + n_ports - 1);
	net_create(net);
}

static struct zs_flow to(unsigned peer)
{
	return (struct zs_flow){
		.laddr = zs_addr_ip4(host(US)),
		.faddr = zs_addr_ip4(host(peer)),
		.fport = 80,
		.family = ZS_AF_IP4,
		.proto = ZS_PROTO_TCP,
	};
}

/* As zs_tcp_connect() does; what stays open keeps the port from others. */
static struct zs_tcb *open_flow(struct net *net, unsigned peer)
{
	struct zs_flow flow = to(peer);
	struct zs_tcb *tcb;

	assert_int_equal(zs_port_ephemeral(net->s, &flow), 0);
	assert_in_range(flow.lport, net->cfg.ip_local_port_lo, net->cfg.ip_local_port_hi);
	tcb = zs_tcb_new(net->s, &flow);
	assert_non_null(tcb);
	zs_tcb_enter_table(net->s, tcb);
	return tcb;
}

static void test_many_to_one(void **state)
{
	struct net net;

	(void)state;
	start(&net, N);
	n_finds = 0;
	for (int i = 0; i < MANY; i++)
		(void)open_flow(&net, PEER);
	assert_true(n_finds < 4 * MANY);
	/* and where connections come and go beside those that stay */
	n_finds = 0;
	for (int i = 0; i < MANY; i++)
		zs_tcb_free(net.s, open_flow(&net, PEER));
	assert_true(n_finds < 8 * MANY);
	net_end(&net);
}

/* The last free port is found, then none, then the one that came free. */
static void test_exhaustion(void **state)
{
	struct zs_flow flow = to(PEER);
	struct zs_tcb *tcb = NULL;
	struct net net;

	(void)state;
	start(&net, 100);
	for (int i = 0; i < 100; i++)
		tcb = open_flow(&net, PEER);
	n_finds = 0;
	assert_int_equal(zs_port_ephemeral(net.s, &flow), -EADDRNOTAVAIL);
	assert_int_equal(n_finds, 100);
	(void)open_flow(&net, 3); /* another destination has ports of its own */
	flow = tcb->flow;
	zs_tcb_free(net.s, tcb);
	assert_int_equal(open_flow(&net, PEER)->flow.lport, flow.lport);
	net_end(&net);
}

/* A port that has just come free is not taken at once: the peer may still remember it. */
static void test_reuse_is_late(void **state)
{
	static uint16_t last[N];
	struct net net;

	(void)state;
	start(&net, N);
	for (uint16_t i = 1; i <= 5000; i++) {
		struct zs_tcb *tcb = open_flow(&net, PEER);
		uint16_t k = tcb->flow.lport - LO;

		assert_int_equal(last[k], 0);
		last[k] = i;
		zs_tcb_free(net.s, tcb);
	}
	net_end(&net);
}

/* What one destination saw does not tell another where the next port lies. */
static void test_destinations_differ(void **state)
{
	unsigned near = 0;
	uint16_t before = 0;
	struct net net;

	(void)state;
	start(&net, N);
	for (unsigned peer = 3; peer < 203; peer++) {
		uint16_t port = open_flow(&net, peer)->flow.lport;

		near += (uint16_t)(port - before + 50) < 100;
		before = port;
	}
	assert_true(near < 10);
	net_end(&net);
}

static bool odd_only(void *ctx, const struct zs_flow *flow)
{
	(void)ctx;
	return flow->lport & 1;
}

/* Ports whose packets would arrive at another stack are passed. */
static void test_rss(void **state)
{
	struct zs_flow flow = to(PEER);
	struct net net;

	(void)state;
	net_prepare(&net, US);
	net.cfg.max_conns = 64;
	net.cfg.ip_local_port_lo = LO;
	net.cfg.ip_local_port_hi = LO + 99;
	net.env.rss_ok = odd_only;
	net_create(&net);
	for (int i = 0; i < 50; i++)
		assert_true(open_flow(&net, PEER)->flow.lport & 1);
	assert_int_equal(zs_port_ephemeral(net.s, &flow), -EADDRNOTAVAIL);
	net_end(&net);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_many_to_one),   cmocka_unit_test(test_exhaustion),
	cmocka_unit_test(test_reuse_is_late), cmocka_unit_test(test_destinations_differ),
	cmocka_unit_test(test_rss),
};

ZS_TEST_MAIN(tests)
