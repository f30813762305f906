/* SPDX-License-Identifier: BSD-3-Clause */
/* Routes: longest prefix wins in whatever order they came, for every prefix length and family. */
#include "zs_nettest.h"

#include <errno.h>

static struct zs_netif *lookup(struct net *net, uint32_t dst_be, uint32_t *nexthop_be)
{
	struct zs_addr dst = zs_addr_ip4(dst_be), nh = zs_addr_ip4(0);
	struct zs_netif *nif = zs_route_lookup(net->s, ZS_AF_IP4, &dst, &nh);

	*nexthop_be = nh.ip4_be;
	return nif;
}

static int add(struct net *net, uint32_t prefix_be, uint8_t len, uint32_t gw_be, uint16_t netif)
{
	const struct zs_route r = { .prefix = zs_addr_ip4(prefix_be),
				    .gateway = zs_addr_ip4(gw_be),
				    .family = ZS_AF_IP4,
				    .prefix_len = len,
				    .netif = netif };

	return zs_route_add(net->s, &r);
}

static void assert_via(struct net *net, uint32_t dst_be, uint16_t netif, uint32_t nexthop_be)
{
	uint32_t nh;

	assert_ptr_equal(lookup(net, dst_be, &nh), &net->s->netif[netif]);
	assert_int_equal(nh, nexthop_be);
}

static void start(struct net *net)
{
	net_prepare(net, US);
	net->cfg.n_netifs = 2;
	net->cfg.netif[1] = (struct zs_netif_config){
		.port = 1,
		.mtu = 1500,
		.mac = mac_of(8),
		.ip4_prefix = 16,
		.ip4_be = ip4(172, 16, 0, 1),
	};
	net_create(net);
}

static void test_from_config(void **state)
{
	struct net net;
	uint32_t nh;

	(void)state;
	start(&net);
	assert_via(&net, host(77), 0, host(77));
	assert_via(&net, ip4(172, 16, 9, 9), 1, ip4(172, 16, 9, 9));
	assert_via(&net, ip4(8, 8, 8, 8), 0, host(254));
	assert_null(lookup(&net, 0, &nh));
	assert_ptr_equal(lookup(&net, host(US), &nh), &net.s->netif[ZS_LOOPBACK]);
	assert_ptr_equal(lookup(&net, ip4(127, 1, 2, 3), &nh), &net.s->netif[ZS_LOOPBACK]);
	assert_ptr_equal(lookup(&net, ip4(172, 16, 0, 1), &nh), &net.s->netif[ZS_LOOPBACK]);
	net_end(&net);
}

static void test_groups(void **state)
{
	struct net net;

	(void)state;
	start(&net);
	assert_via(&net, UINT32_MAX, 0, UINT32_MAX);
	assert_via(&net, ip4(224, 0, 0, 251), 0, ip4(224, 0, 0, 251)); /* not to the gateway */
	assert_via(&net, host(255), 0, host(255));
	assert_via(&net, ip4(172, 16, 255, 255), 1, ip4(172, 16, 255, 255));
	assert_int_equal(add(&net, ip4(239, 0, 0, 0), 8, 0, 1), 0);
	assert_via(&net, ip4(239, 1, 2, 3), 1, ip4(239, 1, 2, 3));
	net_end(&net);
}

static void test_longest(void **state)
{
	static const uint8_t order[] = { 16, 32, 9, 24, 31, 8, 20, 15, 1, 30 };
	struct net net;

	(void)state;
	start(&net);
	for (unsigned i = 0; i < sizeof(order); i++)
		assert_int_equal(add(&net, ip4(99, 128, 128, 128), order[i], host(order[i]), 0), 0);
	assert_via(&net, ip4(99, 128, 128, 128), 0, host(32));
	assert_via(&net, ip4(99, 128, 128, 129), 0, host(31));
	assert_via(&net, ip4(99, 128, 128, 131), 0, host(30));
	assert_via(&net, ip4(99, 128, 128, 132), 0, host(24));
	assert_via(&net, ip4(99, 128, 129, 1), 0, host(20));
	assert_via(&net, ip4(99, 128, 160, 1), 0, host(16));
	assert_via(&net, ip4(99, 129, 0, 1), 0, host(15));
	assert_via(&net, ip4(99, 200, 0, 1), 0, host(9));
	assert_via(&net, ip4(99, 1, 0, 1), 0, host(8));
	assert_via(&net, ip4(100, 1, 0, 1), 0, host(1));
	assert_via(&net, ip4(200, 1, 0, 1), 0, host(254));
	net_end(&net);
}

static void test_add_del(void **state)
{
	struct zs_route r = { .prefix = zs_addr_ip4(ip4(50, 1, 0, 0)),
			      .family = ZS_AF_IP4,
			      .prefix_len = 16 };
	struct net net;
	uint32_t gen;

	(void)state;
	start(&net);
	gen = net.s->nh_gen;
	assert_int_equal(zs_route_add(net.s, &r), 0);
	assert_true(net.s->nh_gen != gen);
	assert_via(&net, ip4(50, 1, 2, 3), 0, ip4(50, 1, 2, 3));
	r.prefix.b[3] = 9; /* bits behind the prefix say nothing */
	assert_int_equal(zs_route_add(net.s, &r), -EEXIST);
	gen = net.s->nh_gen;
	assert_int_equal(zs_route_del(net.s, &r), 0);
	assert_true(net.s->nh_gen != gen);
	assert_via(&net, ip4(50, 1, 2, 3), 0, host(254));
	assert_int_equal(zs_route_del(net.s, &r), -ENOENT);
	r.netif = 2;
	assert_int_equal(zs_route_add(net.s, &r), -EINVAL);
	r.netif = 0;
	r.prefix_len = 33;
	assert_int_equal(zs_route_add(net.s, &r), -EINVAL);
	r.family = 9;
	assert_int_equal(zs_route_add(net.s, &r), -EINVAL);
	for (unsigned i = net.s->n_routes; i < ZS_MAX_ROUTES; i++)
		assert_int_equal(add(&net, ip4(51, i, 0, 0), 16, 0, 0), 0);
	assert_int_equal(add(&net, ip4(52, 0, 0, 0), 16, 0, 0), -ENOSPC);
	net_end(&net);
}

static void test_families_apart(void **state)
{
	struct zs_route r = { .family = ZS_AF_IP6, .prefix_len = 33, .netif = 1 };
	struct zs_addr dst = { .b = { 0x20, 0x01, 0x0d, 0xb8, 0x80, 1 } }, nh;
	struct net net;

	(void)state;
	start(&net);
	assert_null(zs_route_lookup(net.s, ZS_AF_IP6, &dst, &nh));
	memcpy(r.prefix.b, dst.b, 5);
	assert_int_equal(zs_route_add(net.s, &r), 0);
	assert_ptr_equal(zs_route_lookup(net.s, ZS_AF_IP6, &dst, &nh), &net.s->netif[1]);
	assert_true(zs_addr_eq(&nh, &dst));
	dst.b[4] = 0x7f; /* bit 33 */
	assert_null(zs_route_lookup(net.s, ZS_AF_IP6, &dst, &nh));
	net_end(&net);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_from_config),    cmocka_unit_test(test_groups),
		cmocka_unit_test(test_longest),	       cmocka_unit_test(test_add_del),
		cmocka_unit_test(test_families_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
