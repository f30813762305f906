/* SPDX-License-Identifier: BSD-3-Clause */
/* epoll: level, edge, one-shot, RDHUP, errors, merged events, data untouched, fairness, lifetimes.
 */
#include "apitest.h"

struct pair {
	int lfd, c, s;
};

static struct pair connect_pair(struct api_world *t)
{
	struct pair p;

	api_on(t, 1);
	p.lfd = api_listen(PORT, 0);
	api_pair(t, p.lfd, &p.c, &p.s);
	api_on(t, 1);
	return p;
}

static int ctl(int ep, int op, int fd, uint32_t events, uint64_t data)
{
	struct epoll_event ev = { .events = events, .data.u64 = data };

	return ff_epoll_ctl(ep, op, fd, &ev);
}

static void client_writes(struct api_world *t, struct pair p, const char *text)
{
	api_on(t, 0);
	assert_int_equal(ff_write(p.c, text, strlen(text)), strlen(text));
	api_run_ms(t, 1);
	api_on(t, 1);
}

static void level_and_merged_events(void **state)
{
	struct api_world *t = *state;
	struct pair p = connect_pair(t);
	struct epoll_event ev[4];
	char buf[8];
	int ep = ff_epoll_create1(0);

	/* data 0 comes back as 0 */
	assert_int_equal(ctl(ep, EPOLL_CTL_ADD, p.s, EPOLLIN | EPOLLOUT, 0), 0);
	assert_int_equal(ff_epoll_wait(ep, ev, 4, 0), 1);
	assert_int_equal(ev[0].events, EPOLLOUT);
	client_writes(t, p, "abc");
	ev[0].data.u64 = 1;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(ff_epoll_wait(ep, ev, 4, 0), 1); /* one entry for both */
		assert_int_equal(ev[0].events, EPOLLIN | EPOLLOUT);
		assert_true(ev[0].data.u64 == 0);
	}
	assert_int_equal(ctl(ep, EPOLL_CTL_MOD, p.s, EPOLLIN, 0x123456789abcdefull), 0);
	assert_int_equal(ff_epoll_wait(ep, ev, 4, 0), 1);
	assert_int_equal(ev[0].events, EPOLLIN);
	assert_true(ev[0].data.u64 == 0x123456789abcdefull);
	assert_int_equal(ff_read(p.s, buf, sizeof(buf)), 3);
	assert_int_equal(ff_epoll_wait(ep, ev, 4, 0), 0);
	assert_int_equal(ctl(ep, EPOLL_CTL_DEL, p.s, 0, 0), 0);
	client_writes(t, p, "abc");
	assert_int_equal(ff_epoll_wait(ep, ev, 4, 0), 0);
}

/* Nobody was refused: the last write fitted, and the room went afterwards. */
static void level_where_room_went_by_itself(void **state)
{
	struct api_world *t = *state;
	struct pair p = connect_pair(t);
	struct epoll_event ev[4];
	int ep, small = 4096;

	assert_int_equal(ff_setsockopt(p.s, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)), 0);
	api_on(t, 0);
	ep = ff_epoll_create1(0);
	assert_int_equal(ctl(ep, EPOLL_CTL_ADD, p.c, EPOLLOUT, 0), 0);
	assert_int_equal(ff_epoll_wait(ep, ev, 4, 0), 1);
	for (int i = 0; i < 4; i++) /* the window does not let it all out */
		api_write_all(p.c, 15000, 1);
	assert_int_equal(ff_epoll_wait(ep, ev, 4, 0), 1);
	assert_int_equal(ff_setsockopt(p.c, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)), 0);
	assert_int_equal(ff_epoll_wait(ep, ev, 4, 0), 0);
	api_on(t, 1);
	for (int i = 0; i < 4; i++)
		api_expect(p.s, 15000, 1);
	api_on(t, 0);
	assert_int_equal(ff_epoll_wait(ep, ev, 4, 1000), 1);
	assert_int_equal(ev[0].events, EPOLLOUT);
}

static void edge_reports_each_arrival(void **state)
{
	struct api_world *t = *state;
	struct pair p = connect_pair(t);
	struct epoll_event ev[4];
	char buf[8];
	int ep = ff_epoll_create1(0);

	assert_int_equal(ctl(ep, EPOLL_CTL_ADD, p.s, EPOLLIN | EPOLLET, 1), 0);
	assert_int_equal(ff_epoll_wait(ep, ev, 4, 0), 0);
	client_writes(t, p, "a");
	assert_int_equal(ff_epoll_wait(ep, ev, 4, 0), 1);
	assert_int_equal(ff_epoll_wait(ep, ev, 4, 0), 0);
	client_writes(t, p, "b");
	assert_int_equal(ff_epoll_wait(ep, ev, 4, 0), 1);
	assert_int_equal(ff_epoll_wait(ep, ev, 4, 0), 0);
	/* read before asked: the arrival is no longer true */
	client_writes(t, p, "c");
	assert_int_equal(ff_read(p.s, buf, sizeof(buf)), 3);
	assert_int_equal(ff_epoll_wait(ep, ev, 4, 0), 0);
	/* MOD looks again */
	client_writes(t, p, "d");
	assert_int_equal(ff_epoll_wait(ep, ev, 4, 0), 1);
	assert_int_equal(ctl(ep, EPOLL_CTL_MOD, p.s, EPOLLIN | EPOLLET, 1), 0);
	assert_int_equal(ff_epoll_wait(ep, ev, 4, 0), 1);
	assert_int_equal(ff_epoll_wait(ep, ev, 4, 0), 0);
}

static void edge_write_after_full(void **state)
{
	struct api_world *t = *state;
	struct pair p = connect_pair(t);
	struct epoll_event ev[4];
	char block[8192] = { 0 };
	int ep = ff_epoll_create1(0);
	int reads = 0;

	assert_int_equal(ctl(ep, EPOLL_CTL_ADD, p.s, EPOLLOUT | EPOLLET, 1), 0);
	assert_int_equal(ff_epoll_wait(ep, ev, 4, 0), 1);
	assert_int_equal(ff_epoll_wait(ep, ev, 4, 0), 0);
	while (ff_send(p.s, block, sizeof(block), MSG_DONTWAIT) > 0)
		;
	assert_int_equal(errno, EAGAIN);
	while (ff_epoll_wait(ep, ev, 4, 0) == 0) {
		api_on(t, 0);
		assert_true(ff_read(p.c, block, sizeof(block)) > 0);
		api_run_ms(t, 10);
		api_on(t, 1);
		assert_true(++reads < 1000);
	}
	assert_int_equal(ev[0].events, EPOLLOUT);
	assert_int_equal(ff_epoll_wait(ep, ev, 4, 0), 0);
	assert_true(reads > 0);
}

static void oneshot_needs_rearming(void **state)
{
	struct api_world *t = *state;
	struct pair p = connect_pair(t);
	struct linger lg = { .l_onoff = 1, .l_linger = 0 };
	struct epoll_event ev[4];
	int ep = ff_epoll_create1(0);

	assert_int_equal(ctl(ep, EPOLL_CTL_ADD, p.s, EPOLLIN | EPOLLONESHOT, 1), 0);
	client_writes(t, p, "a");
	assert_int_equal(ff_epoll_wait(ep, ev, 4, 0), 1);
	client_writes(t, p, "b");
	assert_int_equal(ff_epoll_wait(ep, ev, 4, 0), 0);
	assert_errno(ctl(ep, EPOLL_CTL_ADD, p.s, EPOLLIN, 1), EEXIST);
	assert_int_equal(ctl(ep, EPOLL_CTL_MOD, p.s, EPOLLIN | EPOLLONESHOT, 2), 0);
	assert_int_equal(ff_epoll_wait(ep, ev, 4, 0), 1);
	assert_true(ev[0].data.u64 == 2);
	/* disarmed, not even a reset is reported */
	api_on(t, 0);
	assert_int_equal(ff_setsockopt(p.c, SOL_SOCKET, SO_LINGER, &lg, sizeof(lg)), 0);
	assert_int_equal(ff_close(p.c), 0);
	api_run_ms(t, 1);
	api_on(t, 1);
	assert_int_equal(ff_epoll_wait(ep, ev, 4, 0), 0);
	assert_int_equal(ctl(ep, EPOLL_CTL_MOD, p.s, 0, 3), 0);
	assert_int_equal(ff_epoll_wait(ep, ev, 4, 0), 1);
	assert_int_equal(ev[0].events, EPOLLERR | EPOLLHUP);
}

static void half_close_and_hang_up(void **state)
{
	struct api_world *t = *state;
	struct pair p = connect_pair(t);
	struct epoll_event ev[4];
	char b;
	int ep = ff_epoll_create1(0);

	assert_int_equal(ctl(ep, EPOLL_CTL_ADD, p.s, EPOLLIN | EPOLLRDHUP, 1), 0);
	api_on(t, 0);
	assert_int_equal(ff_shutdown(p.c, SHUT_WR), 0);
	api_run_ms(t, 1);
	api_on(t, 1);
	assert_int_equal(ff_epoll_wait(ep, ev, 4, 0), 1);
	assert_int_equal(ev[0].events, EPOLLIN | EPOLLRDHUP);
	assert_int_equal(ff_read(p.s, &b, 1), 0);
	assert_int_equal(ff_shutdown(p.s, SHUT_WR), 0);
	assert_int_equal(ff_epoll_wait(ep, ev, 4, 0), 1);
	assert_int_equal(ev[0].events, EPOLLIN | EPOLLRDHUP | EPOLLHUP);
	/* without EPOLLRDHUP it is not mentioned */
	assert_int_equal(ctl(ep, EPOLL_CTL_MOD, p.s, EPOLLIN, 1), 0);
	assert_int_equal(ff_epoll_wait(ep, ev, 4, 0), 1);
	assert_int_equal(ev[0].events, EPOLLIN | EPOLLHUP);
}

static void reset(void **state)
{
	struct api_world *t = *state;
	struct pair p = connect_pair(t);
	struct linger lg = { .l_onoff = 1, .l_linger = 0 };
	struct epoll_event ev[4];
	int ep = ff_epoll_create1(0);

	assert_int_equal(ctl(ep, EPOLL_CTL_ADD, p.s, EPOLLIN | EPOLLET, 1), 0);
	api_on(t, 0);
	assert_int_equal(ff_setsockopt(p.c, SOL_SOCKET, SO_LINGER, &lg, sizeof(lg)), 0);
	assert_int_equal(ff_close(p.c), 0);
	api_on(t, 1);
	assert_int_equal(ff_epoll_wait(ep, ev, 4, 100), 1);
	assert_int_equal(ev[0].events, EPOLLIN | EPOLLERR | EPOLLHUP);
}

static void connect_completes(void **state)
{
	struct api_world *t = *state;
	struct sockaddr_in sin = api_addr(1, PORT);
	struct epoll_event ev[4];
	int ep, fd, err = -1;
	socklen_t len = sizeof(err);

	api_on(t, 1);
	api_listen(PORT, 0);
	api_on(t, 0);
	ep = ff_epoll_create(1);
	fd = ff_socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	assert_errno(ff_connect(fd, sa(&sin), sizeof(sin)), EINPROGRESS);
	assert_errno(ff_connect(fd, sa(&sin), sizeof(sin)), EALREADY);
	assert_int_equal(ctl(ep, EPOLL_CTL_ADD, fd, EPOLLOUT, 1), 0);
	assert_int_equal(ff_epoll_wait(ep, ev, 4, 1000), 1);
	assert_int_equal(ev[0].events, EPOLLOUT);
	assert_int_equal(ff_getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len), 0);
	assert_int_equal(err, 0);
}

static void errors(void **state)
{
	struct api_world *t = *state;
	struct pair p = connect_pair(t);
	struct epoll_event ev;
	int ep = ff_epoll_create1(0);

	assert_true(ff_epoll_create(0) >= 0); /* as F-Stack's programs call it */
	assert_errno(ff_epoll_create1(1), EINVAL);
	assert_errno(ctl(ep, EPOLL_CTL_MOD, p.s, EPOLLIN, 0), ENOENT);
	assert_errno(ctl(ep, EPOLL_CTL_DEL, p.s, 0, 0), ENOENT);
	assert_errno(ctl(ep, 99, p.s, 0, 0), EINVAL);
	assert_errno(ctl(ep, EPOLL_CTL_ADD, ep + 50, EPOLLIN, 0), EBADF);
	assert_errno(ctl(ep + 50, EPOLL_CTL_ADD, p.s, EPOLLIN, 0), EBADF);
	assert_errno(ctl(p.s, EPOLL_CTL_ADD, p.s, EPOLLIN, 0), EINVAL);
	assert_errno(ff_epoll_ctl(ep, EPOLL_CTL_ADD, p.s, NULL), EFAULT);
	assert_int_equal(ctl(ep, EPOLL_CTL_ADD, p.s, EPOLLIN | EPOLLEXCLUSIVE, 0), 0);
	assert_errno(ctl(ep, EPOLL_CTL_MOD, p.s, EPOLLIN, 0), EINVAL);
	assert_int_equal(ff_epoll_ctl(ep, EPOLL_CTL_DEL, p.s, NULL), 0);
	assert_errno(ctl(ep, EPOLL_CTL_ADD, p.s, EPOLLIN | EPOLLONESHOT | EPOLLEXCLUSIVE, 0),
		     EINVAL);
	assert_errno(ff_epoll_wait(ep, &ev, 0, 0), EINVAL);
	assert_errno(ff_epoll_wait(ep, NULL, 1, 0), EFAULT);
}

static void timeouts(void **state)
{
	struct api_world *t = *state;
	struct epoll_event ev;
	uint64_t t0 = api_now_us(t);
	int ep = ff_epoll_create1(0);

	assert_int_equal(ff_epoll_wait(ep, &ev, 1, 30), 0);
	assert_in_range(api_now_us(t) - t0, 30000, 30400);
	assert_errno(ff_epoll_wait(ep, &ev, 1, -1), EINTR); /* nothing can ever come */
}

static void wait_ends_with_the_event(void **state)
{
	struct api_world *t = *state;
	struct pair p = connect_pair(t);
	struct epoll_event ev;
	uint64_t t0;
	int ep = ff_epoll_create1(0);

	assert_int_equal(ctl(ep, EPOLL_CTL_ADD, p.s, EPOLLIN, 5), 0);
	api_on(t, 0);
	assert_int_equal(ff_write(p.c, "x", 1), 1); /* on its way: 20 us */
	api_on(t, 1);
	t0 = api_now_us(t);
	assert_int_equal(ff_epoll_wait(ep, &ev, 1, 1000), 1);
	assert_in_range(api_now_us(t) - t0, 1, 200);
}

/* An instance in another one, edge-triggered: what is added to it is an edge when it is ready. */
static void edges_of_an_instance(void **state)
{
	struct epoll_event ev[4];
	int outer = ff_epoll_create1(0), inner = ff_epoll_create1(0);
	int u[3];

	(void)state;
	for (int i = 0; i < 3; i++)
		u[i] = ff_socket(AF_INET, SOCK_DGRAM, 0);
	assert_int_equal(ctl(inner, EPOLL_CTL_ADD, u[0], EPOLLOUT, 0), 0);
	assert_int_equal(ctl(outer, EPOLL_CTL_ADD, inner, EPOLLIN | EPOLLET, 0), 0);
	assert_int_equal(ff_epoll_wait(outer, ev, 4, 0), 1);
	assert_int_equal(ctl(inner, EPOLL_CTL_ADD, u[1], EPOLLIN, 1), 0);
	assert_int_equal(ff_epoll_wait(outer, ev, 4, 0), 0);
	assert_int_equal(ctl(inner, EPOLL_CTL_MOD, u[1], EPOLLIN | EPOLLRDHUP, 1), 0);
	assert_int_equal(ff_epoll_wait(outer, ev, 4, 0), 0);
	assert_int_equal(ctl(inner, EPOLL_CTL_ADD, u[2], EPOLLOUT, 2), 0);
	assert_int_equal(ff_epoll_wait(outer, ev, 4, 0), 1);
	assert_int_equal(ctl(inner, EPOLL_CTL_MOD, u[1], EPOLLOUT, 1), 0);
	assert_int_equal(ff_epoll_wait(outer, ev, 4, 0), 1);
	assert_int_equal(ff_epoll_wait(outer, ev, 4, 0), 0);
}

static void fairness(void **state)
{
	struct epoll_event ev[8];
	int seen[48] = { 0 };
	int ep = ff_epoll_create1(0);

	(void)state;
	for (unsigned i = 0; i < 48; i++)
		assert_int_equal(
			ctl(ep, EPOLL_CTL_ADD, ff_socket(AF_INET, SOCK_DGRAM, 0), EPOLLOUT, i), 0);
	for (int round = 0; round < 12; round++) {
		assert_int_equal(ff_epoll_wait(ep, ev, 8, 0), 8);
		for (int i = 0; i < 8; i++)
			seen[ev[i].data.u64]++;
	}
	for (int i = 0; i < 48; i++)
		assert_int_equal(seen[i], 2);
}

static void lifetimes(void **state)
{
	struct api_world *t = *state;
	struct pair p = connect_pair(t);
	struct epoll_event ev[4];
	int ep = ff_epoll_create1(0);
	int ep2 = ff_dup(ep);
	int d = ff_dup(p.s);

	assert_int_equal(ctl(ep, EPOLL_CTL_ADD, p.s, EPOLLIN, 1), 0);
	assert_int_equal(ctl(ep2, EPOLL_CTL_ADD, d, EPOLLIN, 2),
			 0); /* same instance, other number */
	client_writes(t, p, "x");
	assert_int_equal(ff_epoll_wait(ep, ev, 4, 0), 2);
	assert_int_equal(ff_close(p.s), 0);
	assert_int_equal(ff_close(ep), 0);
	assert_int_equal(ff_epoll_wait(ep2, ev, 4, 0), 1);
	assert_true(ev[0].data.u64 == 2);
	assert_int_equal(ff_close(d), 0);
	assert_int_equal(ff_epoll_wait(ep2, ev, 4, 0), 0);
	assert_int_equal(ff_close(ep2), 0);
}

/* Connections that wait, and one that talks: its event alone is handed out. */
static void many_idle(void **state)
{
	enum { N = 120 };
	struct api_world *t = *state;
	struct sockaddr_in sin = api_addr(1, PORT);
	struct epoll_event ev[16];
	int c[N], s[N];
	int lfd, ep;

	api_on(t, 1);
	lfd = api_listen(PORT, 0);
	ep = ff_epoll_create1(0);
	for (unsigned i = 0; i < N; i++) {
		api_on(t, 0);
		c[i] = ff_socket(AF_INET, SOCK_STREAM, 0);
		assert_int_equal(ff_connect(c[i], sa(&sin), sizeof(sin)), 0);
		api_on(t, 1);
		s[i] = ff_accept(lfd, NULL, NULL);
		assert_true(s[i] >= 0);
		assert_int_equal(ctl(ep, EPOLL_CTL_ADD, s[i], EPOLLIN, i), 0);
	}
	assert_int_equal(ff_epoll_wait(ep, ev, 16, 0), 0);
	for (unsigned i = 0; i < N; i += 7) {
		char b;

		api_on(t, 0);
		assert_int_equal(ff_write(c[i], "x", 1), 1);
		api_on(t, 1);
		assert_int_equal(ff_epoll_wait(ep, ev, 16, 100), 1);
		assert_true(ev[0].data.u64 == i);
		assert_int_equal(ff_read(s[i], &b, 1), 1);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, api_setup, api_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(level_and_merged_events),
		TEST(level_where_room_went_by_itself),
		TEST(edge_reports_each_arrival),
		TEST(edge_write_after_full),
		TEST(oneshot_needs_rearming),
		TEST(half_close_and_hang_up),
		TEST(reset),
		TEST(connect_completes),
		TEST(errors),
		TEST(timeouts),
		TEST(wait_ends_with_the_event),
		TEST(edges_of_an_instance),
		TEST(fairness),
		TEST(lifetimes),
		TEST(many_idle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
