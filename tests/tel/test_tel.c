/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The commands of telemetry over two simulated stacks, each a core to them. They are called on a
 * thread of their own, as DPDK does, while the test turns the loop of the first stack; the second
 * has no loop of its own.
 */
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/zs_ip6addr.h"
#include "core/zs_route.h"
#include "core/zs_tune.h"
#include "faketel.h"
#include "tel/zs_tel.h"
#include "tests/api/apitest.h"
#include "zstack.h"

enum { CONNS = 40 };

static struct zs_ctx *all[2];

struct call {
	const char *cmd;
	char params[64];
	char *answer;
	bool done;
};

static void *run_call(void *arg)
{
	struct call *c = arg;

	c->answer = faketel_call(c->cmd, c->params);
	__atomic_store_n(&c->done, true, __ATOMIC_RELEASE);
	return NULL;
}

/* What the command answers while the loop turns (or does not). */
static char *ask(struct api_world *t, bool turn, const char *cmd, const char *params)
{
	struct call c = { .cmd = cmd };
	struct timespec nap = { .tv_nsec = 20000 };
	pthread_t thread;

	strncpy(c.params, params, sizeof(c.params) - 1);
	assert_int_equal(pthread_create(&thread, NULL, run_call, &c), 0);
	while (!__atomic_load_n(&c.done, __ATOMIC_ACQUIRE)) {
		if (turn)
			(void)zs_ctx_turn(api_on(t, 0), 0);
		(void)nanosleep(&nap, NULL);
	}
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_non_null(c.answer);
	return c.answer;
}

static int setup(void **state)
{
	struct api_world *t;

	if (api_setup(state) != 0)
		return -1;
	t = *state;
	all[0] = t->host[0].ctx;
	all[1] = t->host[1].ctx;
	zs_ctx_group(all, 2);
	return zs_tel_start(all, 2);
}

static int teardown(void **state)
{
	zs_tel_stop();
	return api_teardown(state);
}

static unsigned long long number(const char *json, const char *name)
{
	unsigned long long v = 0;

	if (!faketel_u64(&json, name, &v))
		fail_msg("no %s in %s", name, json);
	return v;
}

static void has(const char *json, const char *text)
{
	if (strstr(json, text) == NULL)
		fail_msg("no %s in %s", text, json);
}

static int listen_on_b(struct api_world *t)
{
	int fd;

	api_on(t, 1);
	fd = api_listen(PORT, 0);
	api_on(t, 0);
	return fd;
}

/* ---- connections ---- */

static void ss_tells_of_both_ends(void **state)
{
	struct api_world *t = *state;
	int lfd = listen_on_b(t), c, s;
	const char *b;
	char *json;

	api_pair(t, lfd, &c, &s);
	api_write_all(c, 3000, 1);
	api_run_ms(t, 100);
	json = ask(t, true, "/zstack/ss", "0");
	assert_int_equal(faketel_count(json, "\"state\":\"ESTABLISHED\""), 2);
	assert_int_equal(faketel_count(json, "\"state\":\"LISTEN\""), 1);
	/* core 0: the client, all acknowledged */
	assert_int_equal(number(json, "peer_port"), PORT);
	assert_int_equal(number(json, "bytes_acked"), 3000);
	assert_int_equal(number(json, "send_q"), 0);
	has(json, "\"local\":\"10.0.0.1\"");
	has(json, "\"cc\":\"cubic\"");
	/* core 1: the listener, and the server's end with all unread */
	b = strstr(json, "\"core\":1");
	assert_non_null(b);
	has(b, "\"local\":\"*\"");
	assert_int_equal(number(b, "send_q"), 64);
	b = strstr(b, "ESTABLISHED");
	assert_int_equal(number(b, "recv_q"), 3000);
	assert_int_equal(number(b, "bytes_received"), 3000);
	assert_true(number(b, "rcv_mem") > 3000);
	free(json);
	assert_int_equal(ff_close(c), 0);
}

static void udp_and_half_closed_are_told_of(void **state)
{
	struct api_world *t = *state;
	int lfd = listen_on_b(t), c, s, u;
	struct sockaddr_in sin = api_addr(0, 5353);
	char *json;

	api_pair(t, lfd, &c, &s);
	u = ff_socket(AF_INET, SOCK_DGRAM, 0);
	assert_int_equal(ff_bind(u, sa(&sin), sizeof(sin)), 0);
	assert_int_equal(ff_shutdown(c, SHUT_WR), 0);
	api_run_ms(t, 100);
	json = ask(t, true, "/zstack/ss", "0");
	has(json, "\"state\":\"FIN-WAIT-2\"");
	has(json, "\"state\":\"CLOSE-WAIT\"");
	has(json, "\"proto\":\"udp\",\"state\":\"UNCONNECTED\"");
	has(json, "\"local_port\":5353");
	free(json);
	assert_int_equal(ff_close(u), 0);
	json = ask(t, true, "/zstack/ss", "0,udp");
	assert_string_equal(json, "{}");
	free(json);
}

static void a_filter_chooses(void **state)
{
	struct api_world *t = *state;
	int lfd = listen_on_b(t), c, s;
	char *json;

	api_pair(t, lfd, &c, &s);
	json = ask(t, true, "/zstack/ss", "0,listen");
	assert_int_equal(faketel_count(json, "\":{"), 1);
	free(json);
	json = ask(t, true, "/zstack/ss", "0,tcp,brief");
	assert_int_equal(faketel_count(json, "\":{"), 2);
	assert_int_equal(faketel_count(json, "cwnd"), 0);
	free(json);
	json = ask(t, true, "/zstack/ss", "0,port=81");
	assert_string_equal(json, "{}");
	free(json);
	json = ask(t, true, "/zstack/ss", "0,tpc");
	has(json, "\"error\":\"'tpc' is none of");
	free(json);
}

/* All entries of a list that comes in pages; -1: one came twice, or backwards. */
static int count_all(struct api_world *t, const char *cmd, const char *more, int *pages)
{
	unsigned long long id = 0, next = 0;
	int n = 0;

	for (*pages = 0;; ++*pages) {
		char params[40];
		const char *p;
		char *json;

		snprintf(params, sizeof(params), "%llu%s", next, more);
		json = ask(t, true, cmd, params);
		p = json;
		if (strcmp(json, "{}") == 0) {
			free(json);
			return n;
		}
		while (faketel_id(&p, &id)) {
			if (id < next)
				return -1;
			next = id + 1;
			n++;
		}
		free(json);
	}
}

static void many_connections_come_in_pages(void **state)
{
	struct api_world *t = *state;
	int lfd = listen_on_b(t), c, s, pages, brief;

	for (int i = 0; i < CONNS; i++)
		api_pair(t, lfd, &c, &s);
	assert_int_equal(count_all(t, "/zstack/ss", "", &pages), 2 * CONNS + 1);
	assert_true(pages >= 4);
	assert_int_equal(count_all(t, "/zstack/ss", ",brief", &brief), 2 * CONNS + 1);
	assert_true(brief < pages);
	assert_int_equal(count_all(t, "/zstack/fds", "", &pages), 2 * CONNS + 1);
}

static void descriptors_are_told_by_id(void **state)
{
	struct api_world *t = *state;
	unsigned long long conn = 1, id = 2;
	int lfd = listen_on_b(t), c, s;
	const char *p;
	char *json;

	api_pair(t, lfd, &c, &s);
	json = ask(t, true, "/zstack/fds", "0");
	p = json;
	assert_int_equal(number(p, "fd"), c);
	assert_true(faketel_u64(&p, "conn", &conn));
	free(json);
	json = ask(t, true, "/zstack/ss", "0,tcp");
	p = json;
	assert_true(faketel_id(&p, &id));
	assert_int_equal(id, conn);
	free(json);
}

/* ---- counters, tables, buffers ---- */

static void stats_have_every_reason_and_sums(void **state)
{
	struct api_world *t = *state;
	int lfd = listen_on_b(t), c, s;
	char *zero, *one, *both;

	api_pair(t, lfd, &c, &s);
	zero = ask(t, true, "/zstack/stats", "0");
	one = ask(t, true, "/zstack/stats", "1");
	both = ask(t, true, "/zstack/stats", "");
	for (int i = 0; i < ZS_DROP_COUNT; i++) {
		char name[64];

		snprintf(name, sizeof(name), "drop_%s", zs_drop_name((enum zs_drop)i));
		(void)number(both, name);
	}
	assert_int_equal(number(zero, "tcp_conns_accepted"), 0);
	assert_int_equal(number(zero, "tcp_conns_opened"), 1);
	assert_int_equal(number(one, "tcp_conns_accepted"), 1);
	assert_int_equal(number(one, "tcp_conns_opened"), 0);
	assert_int_equal(number(both, "tcp_conns_accepted"), 1);
	assert_int_equal(number(both, "tcp_conns_opened"), 1);
	assert_true(number(both, "rx_packets") > number(one, "rx_packets"));
	free(zero);
	free(one);
	free(both);
}

static void stats_of_no_core(void **state)
{
	static const char *const none[] = { "2", "65536", "-1", "x", "1x" };
	struct api_world *t = *state;

	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		char *got = ask(t, true, "/zstack/stats", none[i]), want[64];

		snprintf(want, sizeof(want), "{\"error\":\"there is no core %s\"}", none[i]);
		assert_string_equal(got, want);
		free(got);
	}
}

static void what_is_no_number(void **state)
{
	static const struct {
		const char *cmd, *params, *word, *max;
	} asked[] = {
		{ "/zstack/ss", "tcp", "tcp", "72057594037927935" },
		{ "/zstack/ss", "0,port=http", "http", "65535" },
		{ "/zstack/ss", "0,port=65536,tcp", "65536", "65535" },
		{ "/zstack/fds", "-1", "-1", "72057594037927935" },
		{ "/zstack/neigh", "0x1", "0x1", "72057594037927935" },
		{ "/zstack/route", "1 ", "1 ", "72057594037927935" },
		{ "/zstack/cores", "one", "one", "72057594037927935" },
	};
	struct api_world *t = *state;

	for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
		char *got = ask(t, true, asked[i].cmd, asked[i].params), want[96];

		snprintf(want, sizeof(want), "{\"error\":\"'%s' is no number up to %s\"}",
			 asked[i].word, asked[i].max);
		assert_string_equal(got, want);
		free(got);
	}
}

static void cores_are_told_one_by_one(void **state)
{
	struct api_world *t = *state;
	int lfd = listen_on_b(t), c, s;
	char *json;

	api_pair(t, lfd, &c, &s);
	json = ask(t, true, "/zstack/cores", "0");
	assert_int_equal(faketel_count(json, "\":{"), 2);
	assert_int_equal(faketel_count(json, "\"connections\":1"), 2);
	assert_int_equal(faketel_count(json, "\"listeners\":1"), 1);
	free(json);
	json = ask(t, true, "/zstack/cores", "2");
	assert_string_equal(json, "{}");
	free(json);
}

static void neighbours_and_routes_are_told(void **state)
{
	struct api_world *t = *state;
	int lfd = listen_on_b(t), c, s;
	char *json;

	api_pair(t, lfd, &c, &s);
	json = ask(t, true, "/zstack/neigh", "0");
	has(json, "\"addr\":\"10.0.0.2\",\"if\":0,\"mac\":\"");
	has(json, "\"state\":\"REACHABLE\"");
	free(json);
	json = ask(t, true, "/zstack/route", "0");
	assert_int_equal(faketel_count(json, "\"prefix\":\"10.0.0.0\",\"len\":24,\"gateway\":\"\""),
			 2);
	free(json);
}

/* The network, whatever address of it the configuration has; without what the stack keeps in an
 * address of one link. */
static void routes_of_ip6_are_told(void **state)
{
	struct api_world *t = *state;
	struct zs_route r = { .family = ZS_AF_IP6, .prefix_len = 61 };
	char *json;

	assert_int_equal(inet_pton(AF_INET6, "fe80:0:0:ff::5", &r.prefix), 1);
	zs_ip6_set_zone(&r.prefix, 1);
	assert_int_equal(zs_route_add(all[0]->s, &r), 0);
	json = ask(t, true, "/zstack/route", "0");
	has(json, "\"prefix\":\"fe80:0:0:f8::\",\"len\":61,");
	free(json);
}

static const char *holder(const char *json, const char *name)
{
	char text[64];
	const char *p;

	snprintf(text, sizeof(text), "\"%s\":{", name);
	p = strstr(json, text);
	assert_non_null(p);
	return p;
}

static void buffers_have_holders_and_ages(void **state)
{
	struct api_world *t = *state;
	int lfd = listen_on_b(t), c, s;
	z_buf *taken;
	char *json;

	api_pair(t, lfd, &c, &s);
	json = ask(t, true, "/zstack/bufs", "");
	assert_int_equal(number(holder(json, "receive"), "bufs"), 0);
	assert_int_equal(number(holder(json, "application"), "bytes"), 0);
	free(json);
	api_write_all(c, 20000, 1);
	api_run_ms(t, 2000);
	api_on(t, 1);
	assert_true(z_read(s, &taken, 4000) > 0);
	(void)zs_ctx_turn(all[1], 0); /* its clock goes on in turns only */
	json = ask(t, true, "/zstack/bufs", "");
	assert_true(number(holder(json, "receive"), "bufs") > 5);
	assert_int_equal(number(holder(json, "receive"), "bytes"),
			 number(holder(json, "receive"), "below_10s"));
	assert_int_equal(number(holder(json, "application"), "bytes"),
			 number(holder(json, "application"), "below_10s"));
	assert_true(number(holder(json, "application"), "bytes") > 1000);
	free(json);
	/* the reader's window is full: the rest waits with the sender */
	for (int i = 0; i < 20; i++) {
		char fill[8192] = { 0 };

		(void)ff_send(c, fill, sizeof(fill), MSG_DONTWAIT);
		api_run_ms(t, 10);
	}
	json = ask(t, true, "/zstack/bufs", "");
	assert_true(number(holder(json, "unsent"), "bytes") > 1000);
	free(json);
	api_on(t, 1);
	z_buf_free(taken);
}

/* ---- values that change ---- */

static void a_running_stack_is_tuned_or_left_alone(void **state)
{
	struct zs_config cfg = *zs_stack_config(all[0]->s);

	(void)state;
	cfg.delack_us = 1234;
	cfg.max_conns += 1;
	assert_int_equal(zs_stack_tune(all[0]->s, &cfg), 0);
	assert_int_equal(zs_stack_config(all[0]->s)->delack_us, 1234);
	assert_int_not_equal(zs_stack_config(all[0]->s)->max_conns, cfg.max_conns);
	cfg.delack_us = 99;
	cfg.sndbuf = cfg.sndbuf_max + 1;
	assert_int_equal(zs_stack_tune(all[0]->s, &cfg), -EINVAL);
	assert_int_equal(zs_stack_config(all[0]->s)->delack_us, 1234);
}

/* ---- loops that do not turn ---- */

static void a_loop_that_stands_still_is_named(void **state)
{
	struct api_world *t = *state;
	char *json = ask(t, false, "/zstack/stats", "1");

	has(json, "\"error\":\"the loop of core 1 does not turn");
	free(json);
	/* and what nobody waits for is not answered any more */
	assert_null(all[1]->question);
	json = ask(t, true, "/zstack/stats", "1");
	(void)number(json, "rx_packets");
	free(json);
}

/* With a loop of its own a stack answers for itself, and the first one does not for it. */
static void a_loop_of_its_own_answers(void **state)
{
	struct api_world *t = *state;
	char *json;

	all[1]->own_loop = true;
	json = ask(t, true, "/zstack/stats", "1");
	has(json, "\"error\":");
	free(json);
	all[1]->own_loop = false;
}

static void nothing_is_told_after_the_end(void **state)
{
	struct api_world *t = *state;
	char *json;

	zs_tel_stop();
	json = ask(t, true, "/zstack/ss", "0");
	assert_string_equal(json, "{\"error\":\"no stack runs\"}");
	free(json);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test_setup_teardown(ss_tells_of_both_ends, setup, teardown),
	cmocka_unit_test_setup_teardown(udp_and_half_closed_are_told_of, setup, teardown),
	cmocka_unit_test_setup_teardown(a_filter_chooses, setup, teardown),
	cmocka_unit_test_setup_teardown(many_connections_come_in_pages, setup, teardown),
	cmocka_unit_test_setup_teardown(descriptors_are_told_by_id, setup, teardown),
	cmocka_unit_test_setup_teardown(stats_have_every_reason_and_sums, setup, teardown),
	cmocka_unit_test_setup_teardown(stats_of_no_core, setup, teardown),
	cmocka_unit_test_setup_teardown(what_is_no_number, setup, teardown),
	cmocka_unit_test_setup_teardown(cores_are_told_one_by_one, setup, teardown),
	cmocka_unit_test_setup_teardown(neighbours_and_routes_are_told, setup, teardown),
	cmocka_unit_test_setup_teardown(routes_of_ip6_are_told, setup, teardown),
	cmocka_unit_test_setup_teardown(buffers_have_holders_and_ages, setup, teardown),
	cmocka_unit_test_setup_teardown(a_running_stack_is_tuned_or_left_alone, setup, teardown),
	cmocka_unit_test_setup_teardown(a_loop_that_stands_still_is_named, setup, teardown),
	cmocka_unit_test_setup_teardown(a_loop_of_its_own_answers, setup, teardown),
	cmocka_unit_test_setup_teardown(nothing_is_told_after_the_end, setup, teardown),
};

ZS_TEST_MAIN(tests)
