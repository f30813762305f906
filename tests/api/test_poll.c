/* SPDX-License-Identifier: BSD-3-Clause */
/* ff_poll and ff_select. */
#include "apitest.h"

static void make_pair(struct api_world *t, int *lfd, int *c, int *s)
{
	api_on(t, 1);
	*lfd = api_listen(PORT, 0);
	api_pair(t, *lfd, c, s);
	api_on(t, 1);
}

static void send_from_0(struct api_world *t, int fd)
{
	api_on(t, 0);
	assert_int_equal(ff_write(fd, "x", 1), 1);
	api_run_ms(t, 1);
	api_on(t, 1);
}

static void poll_reports(void **state)
{
	struct api_world *t = *state;
	struct pollfd p[4];
	uint64_t t0;
	int lfd, c, s;

	make_pair(t, &lfd, &c, &s);
	p[0] = (struct pollfd){ .fd = s, .events = POLLIN | POLLRDHUP };
	p[1] = (struct pollfd){ .fd = -1, .events = POLLIN, .revents = 7 };
	p[2] = (struct pollfd){ .fd = lfd, .events = POLLIN };
	p[3] = (struct pollfd){ .fd = 3, .events = POLLIN };
	assert_int_equal(ff_poll(p, 4, 0), 1);
	assert_int_equal(p[0].revents, 0);
	assert_int_equal(p[1].revents, 0);
	assert_int_equal(p[3].revents, POLLNVAL);
	t0 = api_now_us(t);
	assert_int_equal(ff_poll(p, 3, 20), 0);
	assert_in_range(api_now_us(t) - t0, 20000, 20400);
	send_from_0(t, c);
	assert_int_equal(ff_poll(p, 3, -1), 1);
	assert_int_equal(p[0].revents, POLLIN);
	p[0].events = POLLIN | POLLOUT;
	assert_int_equal(ff_poll(p, 1, 0), 1);
	assert_int_equal(p[0].revents, POLLIN | POLLOUT);
	api_on(t, 0);
	assert_int_equal(ff_close(c), 0);
	api_run_ms(t, 1);
	api_on(t, 1);
	p[0].events = POLLRDHUP;
	assert_int_equal(ff_poll(p, 1, 0), 1);
	assert_int_equal(p[0].revents, POLLRDHUP);
	assert_int_equal(ff_poll(NULL, 0, 5), 0);
	assert_errno(ff_poll(NULL, 1, 5), EFAULT);
}

/* Numbers beyond FD_SETSIZE: the caller's sets are as long as nfds says. */
struct set {
	unsigned long w[64];
};

static void add(struct set *set, int fd)
{
	set->w[fd / 64] |= 1ul << (fd % 64);
}

static int has(const struct set *set, int fd)
{
	return (int)(set->w[fd / 64] >> (fd % 64) & 1);
}

static fd_set *fds(struct set *set)
{
	return (fd_set *)(void *)set->w;
}

static void select_reports(void **state)
{
	struct api_world *t = *state;
	struct timeval zero = { 0 }, tv = { .tv_usec = 30000 };
	struct set r = { 0 }, w = { 0 }, e = { 0 };
	uint64_t t0;
	int lfd, c, s;

	make_pair(t, &lfd, &c, &s);
	add(&r, s);
	add(&r, lfd);
	t0 = api_now_us(t);
	assert_int_equal(ff_select(s + 1, fds(&r), NULL, NULL, &tv), 0);
	assert_in_range(api_now_us(t) - t0, 30000, 30400);
	assert_false(has(&r, s));
	send_from_0(t, c);
	add(&r, s);
	add(&r, lfd);
	add(&w, s);
	add(&e, s);
	assert_int_equal(ff_select(s + 1, fds(&r), fds(&w), fds(&e), NULL), 2);
	assert_true(has(&r, s));
	assert_false(has(&r, lfd));
	assert_true(has(&w, s));
	assert_false(has(&e, s));
	/* bits at or above nfds are not looked at; a number that nobody has is an error */
	memset(&r, 0, sizeof(r));
	add(&r, s + 1);
	assert_int_equal(ff_select(s + 1, fds(&r), NULL, NULL, &zero), 0);
	add(&r, 900);
	assert_errno(ff_select(s + 1, fds(&r), NULL, NULL, &zero), EBADF);
	assert_true(has(&r, 900));
	assert_errno(ff_select(-1, NULL, NULL, NULL, &zero), EINVAL);
	assert_int_equal(ff_select(0, NULL, NULL, NULL, &zero), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, api_setup, api_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(poll_reports),
		TEST(select_reports),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
