/* SPDX-License-Identifier: BSD-3-Clause */
/* The rest of the calls: routes, traffic counters; and talking to oneself. */
#include <stdlib.h>

#include "apitest.h"
#include "zstack.h"

/* ---- routes ---- */

static struct sockaddr_in ip(const char *text)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };

	assert_int_equal(inet_pton(AF_INET, text, &sin.sin_addr), 1);
	return sin;
}

static int route(enum FF_ROUTE_CTL req, const char *net, const char *gw, const char *mask)
{
	struct sockaddr_in d = ip(net), g = ip(gw != NULL ? gw : "0.0.0.0");
	struct sockaddr_in m = ip(mask != NULL ? mask : "0.0.0.0");

	return ff_route_ctl(req, mask != NULL ? FF_RTF_GATEWAY : FF_RTF_HOST, sa(&d),
			    gw != NULL ? sa(&g) : NULL, mask != NULL ? sa(&m) : NULL);
}

/* A datagram to far away: is there a way? */
static int try_send(const char *to)
{
	struct sockaddr_in sin = ip(to);
	int fd = ff_socket(AF_INET, SOCK_DGRAM, 0), rc;

	sin.sin_port = htons(9);
	rc = (int)ff_sendto(fd, "x", 1, 0, sa(&sin), sizeof(sin));
	ff_close(fd);
	return rc;
}

static void routes_come_and_go(void **state)
{
	(void)state;
	assert_errno(try_send("192.168.1.5"), ENETUNREACH);
	assert_int_equal(route(FF_ROUTE_ADD, "192.168.1.0", "10.0.0.2", "255.255.255.0"), 0);
	assert_int_equal(try_send("192.168.1.5"), 1);
	assert_errno(try_send("192.168.2.5"), ENETUNREACH);
	assert_errno(route(FF_ROUTE_ADD, "192.168.1.0", "10.0.0.2", "255.255.255.0"), EEXIST);
	assert_int_equal(route(FF_ROUTE_CHANGE, "192.168.1.0", "10.0.0.3", "255.255.255.0"), 0);
	assert_int_equal(try_send("192.168.1.5"), 1);
	assert_int_equal(route(FF_ROUTE_DEL, "192.168.1.0", "10.0.0.3", "255.255.255.0"), 0);
	assert_errno(try_send("192.168.1.5"), ENETUNREACH);
	assert_errno(route(FF_ROUTE_DEL, "192.168.1.0", NULL, "255.255.255.0"), ENOENT);
	assert_int_equal(route(FF_ROUTE_ADD, "192.168.7.7", "10.0.0.2", NULL), 0);
	assert_int_equal(try_send("192.168.7.7"), 1);
	assert_errno(try_send("192.168.7.8"), ENETUNREACH);
	assert_int_equal(route(FF_ROUTE_DEL, "192.168.7.7", NULL, NULL), 0);
	assert_errno(try_send("192.168.7.7"), ENETUNREACH);
}

static void default_route(void **state)
{
	(void)state;
	assert_int_equal(route(FF_ROUTE_ADD, "0.0.0.0", "10.0.0.2", "0.0.0.0"), 0);
	assert_int_equal(try_send("8.8.8.8"), 1);
	/* who deletes a route need not know where it went */
	assert_int_equal(route(FF_ROUTE_DEL, "0.0.0.0", NULL, "0.0.0.0"), 0);
	assert_errno(try_send("8.8.8.8"), ENETUNREACH);
}

static void routes_that_lead_nowhere(void **state)
{
	struct sockaddr_in six = { .sin_family = AF_INET6 }, good = ip("192.168.1.0");

	(void)state;
	assert_errno(route(FF_ROUTE_ADD, "192.168.1.0", "172.16.0.1", "255.255.255.0"),
		     ENETUNREACH);
	assert_errno(route(FF_ROUTE_ADD, "192.168.1.0", "10.0.0.1", "255.255.255.0"), ENETUNREACH);
	assert_errno(route(FF_ROUTE_ADD, "192.168.1.0", "127.0.0.1", "255.255.255.0"), ENETUNREACH);
	assert_errno(route(FF_ROUTE_ADD, "192.168.1.0", "10.0.0.2", "255.0.255.0"), EINVAL);
	/* a gateway is a neighbour, not somebody behind another gateway */
	assert_int_equal(route(FF_ROUTE_ADD, "192.168.1.0", "10.0.0.2", "255.255.255.0"), 0);
	assert_errno(route(FF_ROUTE_ADD, "192.168.2.0", "192.168.1.1", "255.255.255.0"),
		     ENETUNREACH);
	assert_errno(ff_route_ctl(FF_ROUTE_ADD, FF_RTF_GATEWAY, sa(&six), sa(&good), NULL), EINVAL);
	assert_errno(ff_route_ctl(FF_ROUTE_ADD, FF_RTF_GATEWAY, NULL, sa(&good), NULL), EINVAL);
	/* what cannot be changed stays as it was */
	assert_errno(route(FF_ROUTE_CHANGE, "192.168.1.0", "172.16.0.1", "255.255.255.0"),
		     ENETUNREACH);
	assert_int_equal(try_send("192.168.1.5"), 1);
}

/* ---- traffic ---- */

static void traffic_is_counted(void **state)
{
	struct api_world *t = *state;
	struct ff_traffic_args a, b;
	int c, s;

	api_on(t, 1);
	api_pair(t, api_listen(PORT, 0), &c, &s);
	ff_get_traffic(&a);
	assert_true(a.rx_packets > 0 && a.tx_packets > 0);
	api_write_all(c, 50000, 1);
	api_on(t, 1);
	api_expect(s, 50000, 1);
	api_on(t, 0);
	ff_get_traffic(&b);
	assert_in_range(b.tx_packets - a.tx_packets, 35, 100);
	assert_in_range(b.tx_bytes - a.tx_bytes, 50000 + 35 * 66, 60000);
	assert_true(b.rx_packets > a.rx_packets && b.rx_bytes > a.rx_bytes);
	assert_int_equal(b.tx_dropped, 0);
	assert_int_equal(b.rx_dropped, 0);
}

static void traffic_counts_what_is_dropped(void **state)
{
	struct api_world *t = *state;
	struct sockaddr_in sin = api_addr(1, 999);
	int fd = ff_socket(AF_INET, SOCK_DGRAM, 0);
	struct ff_traffic_args a;

	assert_int_equal(ff_sendto(fd, "x", 1, 0, sa(&sin), sizeof(sin)), 1);
	api_run_ms(t, 5);
	api_on(t, 1);
	ff_get_traffic(&a);
	assert_int_equal(a.rx_dropped, 1); /* nobody listens */
	assert_int_equal(a.tx_dropped, 0);
}

/* ---- settings ---- */

static int number_of(const char *name, int number[2])
{
	static const int ask[2] = { 0, 3 };
	size_t len = 2 * sizeof(int);

	return ff_sysctl(ask, 2, number, &len, name, strlen(name));
}

static void settings_by_name(void **state)
{
	int number[2], back[4] = { 0, 1 };
	char name[64];
	size_t len = sizeof(uint32_t);
	uint32_t value = 0;

	(void)state;
	assert_errno(number_of("net.inet.tcp.no.such", number), ENOENT);
	assert_int_equal(number_of("net.inet.tcp.msl", number), 0);
	assert_int_equal(ff_sysctl(number, 2, &value, &len, NULL, 0), 0);
	assert_int_equal(len, 4);
	assert_int_equal(value, 1);
	value = 7;
	assert_int_equal(ff_sysctl(number, 2, NULL, NULL, &value, sizeof(value)), 0);
	value = 0;
	assert_int_equal(ff_sysctl(number, 2, &value, &len, NULL, 0), 0);
	assert_int_equal(value, 7);
	value = 0;
	assert_errno(ff_sysctl(number, 2, NULL, NULL, &value, sizeof(value)), EINVAL);
	assert_errno(ff_sysctl(number, 2, NULL, NULL, &value, 1), EINVAL);
	len = 1;
	assert_errno(ff_sysctl(number, 2, &value, &len, NULL, 0), ENOMEM);
	assert_int_equal(len, 4);
	memcpy(back + 2, number, sizeof(number));
	len = sizeof(name);
	assert_int_equal(ff_sysctl(back, 4, name, &len, NULL, 0), 0);
	assert_string_equal(name, "net.inet.tcp.msl");
	assert_errno(ff_sysctl(back, 1, name, &len, NULL, 0), EINVAL);
	assert_errno(ff_sysctl((int[]){ 1, 2 }, 2, name, &len, NULL, 0), ENOENT);
	/* one name, two settings */
	assert_int_equal(number_of("net.inet.tcp.rfc1323", number), 0);
	assert_int_equal(ff_sysctl(number, 2, NULL, NULL, &value, sizeof(value)), 0);
	assert_false(zs_stack_config(zs_ctx_self->s)->use_ts);
	assert_false(zs_stack_config(zs_ctx_self->s)->use_wscale);
	/* what [freebsd.sysctl] knows */
	assert_int_equal(number_of("net.inet.icmp.icmplim", number), 0);
	assert_int_equal(number_of("net.inet.tcp.ecn.enable", number), 0);
}

/* ---- oneself ---- */

enum { MIB = 1 << 20, PIECE = 30000 };

static void self_pair(const char *addr, int *c, int *s)
{
	struct sockaddr_in sin = ip(addr);
	int lfd = api_listen(PORT, 0);

	sin.sin_port = htons(PORT);
	*c = ff_socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(ff_connect(*c, sa(&sin), sizeof(sin)), 0);
	*s = ff_accept(lfd, NULL, NULL);
	assert_true(*s >= 0);
	ff_close(lfd);
}

static void self_by_copy(void **state)
{
	int c, s;

	(void)state;
	self_pair("127.0.0.1", &c, &s);
	for (unsigned i = 0; i < MIB / PIECE + 1; i++) {
		api_write_all(c, PIECE, i);
		api_write_all(s, PIECE, i + 1000);
		api_expect(s, PIECE, i);
		api_expect(c, PIECE, i + 1000);
	}
	ff_close(c);
	assert_int_equal(ff_read(s, &c, 1), 0);
	ff_close(s);
}

static void fill(uint8_t *p, size_t n, unsigned seed)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)(i * 7 + i / 251 + seed);
}

/* Takes n bytes as they are, and may keep them beyond the sender's interest. */
static void expect_uncopied(int fd, size_t n, unsigned seed)
{
	uint8_t *want = malloc(n);
	size_t done = 0;

	fill(want, n, seed);
	while (done < n) {
		struct z_iov v[64];
		z_buf *b;
		ssize_t got = z_read(fd, &b, n - done);
		int pieces = z_buf_iov(b, v, 64);

		assert_true(got > 0);
		assert_in_range(pieces, 1, 64);
		for (int i = 0; i < pieces; done += v[i++].len)
			assert_memory_equal(v[i].ptr, want + done, v[i].len);
		z_buf_free(b);
	}
	free(want);
}

static void self_without_a_copy(void **state)
{
	struct api_world *t = *state;
	const struct zs_stats *st = zs_stack_stats(t->host[0].h->s);
	int c, s;

	self_pair("10.0.0.1", &c, &s);
	for (unsigned i = 0; i < 2 * MIB / PIECE; i++) {
		z_buf *b = z_alloc(-1, PIECE, 0);

		assert_non_null(b);
		fill(z_buf_append(b, PIECE), PIECE, i);
		assert_int_equal(z_write(i % 2 ? s : c, b, PIECE), PIECE);
		expect_uncopied(i % 2 ? c : s, PIECE, i);
	}
	assert_int_equal(st->copies, 0);
	ff_close(c);
	ff_close(s);
}

static void self_refused(void **state)
{
	struct sockaddr_in sin = ip("127.0.0.1");
	int c = ff_socket(AF_INET, SOCK_STREAM, 0);

	(void)state;
	sin.sin_port = htons(PORT);
	assert_errno(ff_connect(c, sa(&sin), sizeof(sin)), ECONNREFUSED);
	ff_close(c);
}

/* ---- ff_regist_pcblddr_fun ---- */

static struct {
	const char *src; /* what is answered; NULL: not answered */
	int asked;
	uint16_t family, port;
	char dst[INET_ADDRSTRLEN];
} choice;

static int choose(uint16_t family, void *dst_addr, uint16_t dst_port, void *src_addr)
{
	choice.asked++;
	choice.family = family;
	choice.port = ntohs(dst_port);
	assert_non_null(inet_ntop(AF_INET, dst_addr, choice.dst, sizeof(choice.dst)));
	if (choice.src == NULL)
		return 1;
	return inet_pton(AF_INET, choice.src, src_addr) == 1 ? 0 : -1;
}

/* Connects a new socket to ourselves, by way of that choice; returns the socket's address. */
static const char *connect_choosing(int type, const char *src)
{
	static char text[INET_ADDRSTRLEN];
	struct sockaddr_in sin = ip("127.0.0.1");
	socklen_t len = sizeof(sin);
	int fd = ff_socket(AF_INET, type, 0);

	sin.sin_port = htons(PORT);
	choice.asked = 0;
	choice.src = src;
	if (ff_connect(fd, sa(&sin), sizeof(sin)) < 0) {
		ff_close(fd);
		return NULL;
	}
	assert_int_equal(choice.asked, 1);
	assert_int_equal(choice.family, AF_INET);
	assert_int_equal(choice.port, PORT);
	assert_string_equal(choice.dst, "127.0.0.1");
	assert_int_equal(ff_getsockname(fd, sa(&sin), &len), 0);
	assert_true(sin.sin_port != 0);
	ff_close(fd);
	return inet_ntop(AF_INET, &sin.sin_addr, text, sizeof(text));
}

static void source_is_chosen(void **state)
{
	struct sockaddr_in any = ip("0.0.0.0"), own = ip("127.0.0.9");
	int l = api_listen(PORT, 0), u = ff_socket(AF_INET, SOCK_DGRAM, 0);

	(void)state;
	any.sin_port = htons(PORT);
	assert_int_equal(ff_bind(u, sa(&any), sizeof(any)), 0);
	ff_regist_pcblddr_fun(choose);
	for (int i = 0; i < 2; i++) {
		int type = i == 0 ? SOCK_STREAM : SOCK_DGRAM;

		assert_string_equal(connect_choosing(type, "127.0.0.5"), "127.0.0.5");
		assert_string_equal(connect_choosing(type, "0.0.0.0"), "127.0.0.1");
		assert_string_equal(connect_choosing(type, NULL), "127.0.0.1");
		assert_null(connect_choosing(type, "192.168.9.9"));
		assert_int_equal(errno, EADDRNOTAVAIL);
	}
	/* who has an address is not asked */
	choice.asked = 0;
	ff_close(u);
	u = ff_socket(AF_INET, SOCK_DGRAM, 0);
	assert_int_equal(ff_bind(u, sa(&own), sizeof(own)), 0);
	assert_int_equal(ff_connect(u, sa(&any), sizeof(any)), 0);
	assert_int_equal(choice.asked, 0);
	ff_regist_pcblddr_fun(NULL);
	ff_close(u);
	ff_close(l);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, api_setup, api_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(routes_come_and_go),
		CASE(default_route),
		CASE(routes_that_lead_nowhere),
		CASE(traffic_is_counted),
		CASE(traffic_counts_what_is_dropped),
		CASE(settings_by_name),
		CASE(self_by_copy),
		CASE(self_without_a_copy),
		CASE(self_refused),
		CASE(source_is_chosen),
	};

	return cmocka_run_group_tests_name("misc", tests, NULL, NULL);
}
