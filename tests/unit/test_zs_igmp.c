/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Groups of IPv4: what is reported when they come and go and when routers ask, in the version that
 * the router speaks (RFC 3376); which datagrams reach which members; what the device is told.
 */
#include "zs_nettest.h"

#include <errno.h>

#include "core/zs_groups.h"
#include "core/zs_udp.h"

enum { IHL = 24, IGMP_AT = L2 + IHL };

static struct {
	unsigned calls, n;
	struct zs_mac mac[ZS_GROUP_MACS];
} device;

static void tell(void *ctx, uint16_t port, const struct zs_mac *macs, unsigned n)
{
	(void)ctx;
	(void)port;
	device.calls++;
	device.n = n;
	memcpy(device.mac, macs, n * sizeof(*macs));
}

static bool let_in(struct zs_mac mac)
{
	for (unsigned i = 0; i < device.n; i++)
		if (memcmp(&device.mac[i], &mac, sizeof(mac)) == 0)
			return true;
	return false;
}

static void start(struct net *net)
{
	net_prepare(net, US);
	net->env.groups = tell;
	memset(&device, 0, sizeof(device));
	net_create(net);
}

static uint32_t group(unsigned d)
{
	return ip4(239, 129, 2, d);
}

static int join(struct net *net, struct zs_udp *u, uint32_t g)
{
	const struct zs_addr a = zs_addr_ip4(g);

	return zs_udp_join(net->s, u, net->nif, ZS_AF_IP4, &a);
}

static int leave(struct net *net, struct zs_udp *u, uint32_t g)
{
	const struct zs_addr a = zs_addr_ip4(g);

	return zs_udp_leave(net->s, u, net->nif, ZS_AF_IP4, &a);
}

static struct zs_udp *bound(struct net *net, uint16_t port)
{
	const struct zs_addr any = { .q = { 0, 0 } };
	struct zs_udp *u = zs_udp_open(net->s, ZS_AF_IP4);

	u->reuseaddr = true;
	assert_int_equal(zs_udp_bind(net->s, u, &any, port), 0);
	return u;
}

/* A socket in group(1), of which nothing is said yet. */
static struct zs_udp *start_joined(struct net *net)
{
	struct zs_udp *u;

	start(net);
	u = bound(net, 100);
	assert_int_equal(join(net, u, group(1)), 0);
	return u;
}

/* Packet i that was sent is an IGMP message of that type to that group. */
static void expect_igmp(const struct net *net, uint32_t i, struct frame *f, unsigned type,
			uint32_t dst)
{
	const uint8_t *ip = f->b + L2;

	net_sent(net, i, f);
	assert_int_equal(ip[0], 0x46);
	assert_int_equal(naive_sum(ip, IHL, 0), 0xffff);
	assert_int_equal(ip[8], 1); /* TTL */
	assert_int_equal(ip[9], ZS_PROTO_IGMP);
	assert_memory_equal(ip + 16, &dst, 4);
	assert_memory_equal(ip + 20, ((uint8_t[]){ 0x94, 4, 0, 0 }), 4); /* router alert */
	assert_int_equal(f->b[0], 0x01);
	assert_int_equal(f->b[2], 0x5e);
	assert_int_equal(f->b[3], ip[17] & 0x7f);
	assert_int_equal(f->b[IGMP_AT], type);
	assert_int_equal(naive_sum(f->b + IGMP_AT, f->len - IGMP_AT, 0), 0xffff);
}

/* Its record k, of a report of version 3. */
static void expect_record(const struct frame *f, unsigned k, unsigned type, uint32_t g)
{
	const uint8_t *r = f->b + IGMP_AT + 8 + 8 * k;

	assert_true(get16(f->b + IGMP_AT + 6) > k);
	assert_int_equal(r[0], type);
	assert_memory_equal(r + 4, &g, 4);
}

static void query(struct net *net, uint32_t dst, unsigned len, unsigned code, bool good)
{
	uint8_t q[12] = { 0x11, (uint8_t)code };
	struct frame f;

	put16(q + 2, ~naive_sum(q, len, 0) + !good);
	frame_ip4(&f, host(PEER), dst, ZS_PROTO_IGMP, len);
	frame_put(&f, q, len);
	f.b[0] = 0x01;
	net_input(net, &f);
}

static void test_reports(void **state)
{
	const uint32_t routers = ip4(224, 0, 0, 22);
	struct net net;
	struct zs_udp *u, *v;
	struct frame f;

	(void)state;
	start(&net);
	u = bound(&net, 100);
	v = bound(&net, 100);
	assert_int_equal(join(&net, u, group(1)), 0);
	assert_int_equal(join(&net, u, group(2)), 0);
	assert_int_equal(join(&net, v, group(2)), 0);
	assert_int_equal(join(&net, u, group(2)), -EADDRINUSE);
	assert_int_equal(join(&net, u, host(1)), -EINVAL);
	net_wait(&net, 10000);
	assert_int_equal(net.n_out, 1); /* both at once */
	expect_igmp(&net, 0, &f, 0x22, routers);
	assert_int_equal(get16(f.b + IGMP_AT + 6), 2);
	expect_record(&f, 0, 4, group(1));
	expect_record(&f, 1, 4, group(2));
	net_wait(&net, 1100000);
	assert_int_equal(net.n_out, 2); /* once more, and no more */
	expect_igmp(&net, 1, &f, 0x22, routers);
	net_wait(&net, 5000000);
	assert_int_equal(net.n_out, 2);
	assert_int_equal(device.n, 3);
	assert_true(let_in((struct zs_mac){ { 1, 0, 0x5e, 1, 2, 1 } }));
	assert_true(let_in((struct zs_mac){ { 1, 0, 0x5e, 1, 2, 2 } }));
	assert_true(let_in((struct zs_mac){ { 1, 0, 0x5e, 0, 0, 1 } }));
	/* the last one that leaves says so */
	assert_int_equal(leave(&net, u, group(2)), 0);
	assert_int_equal(leave(&net, u, group(2)), -EADDRNOTAVAIL);
	net_flush(&net);
	assert_int_equal(net.n_out, 2);
	zs_udp_close(net.s, v);
	net_flush(&net);
	assert_int_equal(net.n_out, 3);
	expect_igmp(&net, 2, &f, 0x22, routers);
	expect_record(&f, 0, 3, group(2));
	assert_int_equal(device.n, 2);
	net_wait(&net, 3000000);
	assert_int_equal(net.n_out, 4); /* that, too, twice */
	expect_igmp(&net, 3, &f, 0x22, routers);
	assert_int_equal(get16(f.b + IGMP_AT + 6), 1);
	expect_record(&f, 0, 3, group(2));
	net_end(&net);
}

static void test_queries(void **state)
{
	const uint32_t all = ip4(224, 0, 0, 1);
	struct net net;
	struct zs_udp *u;
	struct frame f;

	(void)state;
	start(&net);
	u = bound(&net, 100);
	assert_int_equal(join(&net, u, all), 0); /* nobody has to be told */
	net_wait(&net, 3000000);
	query(&net, all, 12, 10, true);
	net_wait(&net, 3000000);
	assert_int_equal(net.n_out, 0);
	assert_int_equal(join(&net, u, group(1)), 0);
	net_wait(&net, 3000000);
	net_clear(&net);
	query(&net, all, 12, 10, false);
	assert_int_equal(drops(&net, ZS_DROP_ICMP_BAD), 1);
	net_wait(&net, 3000000);
	assert_int_equal(net.n_out, 0);
	query(&net, all, 12, 10, true); /* within a second */
	net_wait(&net, 1020000);
	assert_int_equal(net.n_out, 1);
	expect_igmp(&net, 0, &f, 0x22, ip4(224, 0, 0, 22));
	expect_record(&f, 0, 2, group(1));
	net_end(&net);
}

/* Who comes back is not said to have left. */
static void test_join_after_leave(void **state)
{
	struct net net;
	struct zs_udp *u;
	struct frame f;

	(void)state;
	u = start_joined(&net);
	net_wait(&net, 3000000);
	net_clear(&net);
	assert_int_equal(leave(&net, u, group(1)), 0);
	assert_int_equal(join(&net, u, group(1)), 0);
	net_wait(&net, 3000000);
	assert_int_equal(net.n_out, 3);
	expect_igmp(&net, 0, &f, 0x22, ip4(224, 0, 0, 22));
	expect_record(&f, 0, 3, group(1));
	for (uint32_t i = 1; i < 3; i++) {
		expect_igmp(&net, i, &f, 0x22, ip4(224, 0, 0, 22));
		assert_int_equal(get16(f.b + IGMP_AT + 6), 1);
		expect_record(&f, 0, 4, group(1));
	}
	net_end(&net);
}

/* RFC 3376 5.1: at once, whatever time an answer has, which is given all the same. */
static void test_join_before_answer(void **state)
{
	const uint32_t all = ip4(224, 0, 0, 1), routers = ip4(224, 0, 0, 22);
	unsigned answers = 0;
	struct net net;
	struct zs_udp *u;
	struct frame f;

	(void)state;
	start(&net);
	u = bound(&net, 100);
	query(&net, all, 12, 100, true);
	assert_int_equal(join(&net, u, group(1)), 0);
	net_wait(&net, 10000);
	assert_int_equal(net.n_out, 1);
	expect_igmp(&net, 0, &f, 0x22, routers);
	expect_record(&f, 0, 4, group(1));
	net_wait(&net, 10020000);
	assert_int_equal(net.n_out, 3);
	for (uint32_t i = 1; i < 3; i++) {
		expect_igmp(&net, i, &f, 0x22, routers);
		answers += f.b[IGMP_AT + 8] == 2;
	}
	assert_int_equal(answers, 1);
	net_end(&net);
}

static void test_older_routers(void **state)
{
	const uint32_t all = ip4(224, 0, 0, 1);
	struct net net;
	struct zs_udp *u;
	struct frame f;

	(void)state;
	u = start_joined(&net);
	net_wait(&net, 3000000);
	net_clear(&net);
	query(&net, all, 8, 10, true);
	net_wait(&net, 1020000);
	assert_int_equal(net.n_out, 1);
	expect_igmp(&net, 0, &f, 0x16, group(1));
	assert_int_equal(leave(&net, u, group(1)), 0);
	net_flush(&net);
	assert_int_equal(net.n_out, 2);
	expect_igmp(&net, 1, &f, 0x17, ip4(224, 0, 0, 2));
	query(&net, all, 8, 0, true); /* version 1: leaves in silence */
	assert_int_equal(join(&net, u, group(3)), 0);
	net_wait(&net, 10020000);
	net_clear(&net);
	query(&net, all, 8, 0, true);
	net_wait(&net, 10020000);
	assert_int_equal(net.n_out, 1);
	expect_igmp(&net, 0, &f, 0x12, group(3));
	assert_int_equal(leave(&net, u, group(3)), 0);
	net_flush(&net);
	assert_int_equal(net.n_out, 1);
	net_clear(&net);
	net_wait(&net, 270000000); /* they are gone: version 3 again */
	assert_int_equal(join(&net, u, group(1)), 0);
	net_wait(&net, 10000);
	expect_igmp(&net, 0, &f, 0x22, ip4(224, 0, 0, 22));
	net_end(&net);
}

/* RFC 3376 7.2.1: what version 3 had still to say is not said in version 2. */
static void test_router_gets_older(void **state)
{
	const uint32_t all = ip4(224, 0, 0, 1);
	struct net net;
	struct frame f;

	(void)state;
	(void)start_joined(&net);
	net_wait(&net, 10000);
	query(&net, all, 12, 20, true);
	query(&net, all, 8, 100, true);
	net_wait(&net, 11000000);
	assert_int_equal(net.n_out, 2);
	expect_igmp(&net, 0, &f, 0x22, ip4(224, 0, 0, 22));
	expect_igmp(&net, 1, &f, 0x16, group(1)); /* the answer */
	net_end(&net);
}

/* RFC 3376 7.1: neither 8 bytes nor 12 or more is no query. */
static void test_no_version(void **state)
{
	const uint32_t all = ip4(224, 0, 0, 1);
	struct net net;

	(void)state;
	(void)start_joined(&net);
	net_wait(&net, 3000000);
	net_clear(&net);
	query(&net, all, 10, 10, true);
	assert_int_equal(drops(&net, ZS_DROP_ICMP_BAD), 1);
	net_wait(&net, 3000000);
	assert_int_equal(net.n_out, 0);
	net_end(&net);
}

static void send_one(struct net *net, uint32_t dst, unsigned n)
{
	struct frame f;
	uint8_t data[8] = { 1, 2, 3 };

	frame_udp(&f, host(PEER), 5, dst, 100, data, n);
	f.b[0] = 0x01;
	net_input(net, &f);
}

/* How many datagrams of n bytes wait. */
static unsigned got(struct net *net, struct zs_udp *u, unsigned n)
{
	struct rte_mbuf *m;
	unsigned k = 0;

	for (; (m = zs_udp_recv(net->s, u)) != NULL; k++) {
		assert_int_equal(m->pkt_len, n);
		rte_pktmbuf_free(m);
	}
	return k;
}

static void test_delivery(void **state)
{
	struct net net;
	struct zs_udp *u[3];

	(void)state;
	start(&net);
	for (int i = 0; i < 3; i++)
		u[i] = bound(&net, 100);
	send_one(&net, group(1), 3);
	assert_int_equal(drops(&net, ZS_DROP_UDP_NO_SOCKET), 1); /* nobody joined */
	assert_int_equal(join(&net, u[0], group(1)), 0);
	assert_int_equal(join(&net, u[1], group(1)), 0);
	u[2]->group_all = false;
	for (unsigned n = 0; n < 8; n += 3) {
		send_one(&net, group(1), n);
		assert_int_equal(got(&net, u[0], n), 1);
		assert_int_equal(got(&net, u[1], n), 1);
		assert_int_equal(got(&net, u[2], n), 0);
	}
	u[2]->group_all = true;
	send_one(&net, group(1), 3);
	assert_int_equal(got(&net, u[0], 3) + got(&net, u[1], 3) + got(&net, u[2], 3), 3);
	send_one(&net, group(2), 3);
	assert_int_equal(drops(&net, ZS_DROP_UDP_NO_SOCKET), 2);
	send_one(&net, host(255), 3); /* broadcast */
	assert_int_equal(got(&net, u[0], 3) + got(&net, u[1], 3) + got(&net, u[2], 3), 3);
	net_end(&net);
}

static void test_own_datagrams(void **state)
{
	const struct zs_addr to = zs_addr_ip4(group(1));
	struct net net;
	struct zs_udp *u, *v;
	struct frame f;

	(void)state;
	start(&net);
	u = bound(&net, 100);
	v = zs_udp_open(net.s, ZS_AF_IP4);
	assert_int_equal(zs_udp_send(net.s, v, net_payload(&net, 4, 1), &to, 100), 0);
	assert_int_equal(got(&net, u, 4), 0);
	assert_int_equal(join(&net, u, group(1)), 0);
	net_wait(&net, 3000000);
	net_clear(&net);
	v->group_ttl = 7;
	assert_int_equal(zs_udp_send(net.s, v, net_payload(&net, 4, 1), &to, 100), 0);
	net_flush(&net);
	assert_int_equal(got(&net, u, 4), 1);
	assert_int_equal(net.n_out, 1);
	net_sent(&net, 0, &f);
	assert_cksums(&f);
	assert_int_equal(f.b[L2 + 8], 7);
	v->group_loop = false;
	assert_int_equal(zs_udp_send(net.s, v, net_payload(&net, 4, 1), &to, 100), 0);
	net_flush(&net);
	assert_int_equal(got(&net, u, 4), 0);
	assert_int_equal(net.n_out, 2);
	v->group_loop = true;
	v->group_ttl = 0; /* stays here */
	assert_int_equal(zs_udp_send(net.s, v, net_payload(&net, 4, 1), &to, 100), 0);
	net_flush(&net);
	assert_int_equal(got(&net, u, 4), 1);
	assert_int_equal(net.n_out, 2);
	net_end(&net);
}

static void test_limits(void **state)
{
	struct net net;
	struct zs_udp *u;

	(void)state;
	start(&net);
	u = bound(&net, 100);
	for (unsigned i = 0; i < ZS_IF4_GROUPS; i++)
		assert_int_equal(join(&net, u, group(i)), 0);
	assert_int_equal(join(&net, u, group(200)), -ENOBUFS);
	assert_int_equal(leave(&net, u, group(3)), 0);
	assert_int_equal(join(&net, u, group(200)), 0);
	zs_udp_close(net.s, u);
	assert_int_equal(device.n, 0);
	net_end(&net);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reports),
		cmocka_unit_test(test_queries),
		cmocka_unit_test(test_join_before_answer),
		cmocka_unit_test(test_join_after_leave),
		cmocka_unit_test(test_router_gets_older),
		cmocka_unit_test(test_no_version),
		cmocka_unit_test(test_older_routers),
		cmocka_unit_test(test_delivery),
		cmocka_unit_test(test_own_datagrams),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
