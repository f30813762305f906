/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Blocking calls that did a part of what they were asked for: the part is told first, and what
 * ended it by the next call; and what MSG_PEEK and SO_RCVLOWAT wait for.
 */
#include "apitest.h"

enum { MUCH = 4 << 20 };

struct peer {
	struct api_world *t;
	int fd;
	const char *text;
};

static void at(struct api_world *t, unsigned ms, void (*fn)(void *arg), void *arg)
{
	zs_sim_at(t->w, zs_sim_now(t->w) + ms * ZS_MS, fn, arg);
}

/* What b's application does while ours is blocked. */
static void write_text(void *arg)
{
	const struct peer *p = arg;
	struct zs_ctx *before = zs_ctx_enter(p->t->host[1].ctx);

	assert_int_equal(ff_write(p->fd, p->text, strlen(p->text)), strlen(p->text));
	(void)zs_ctx_enter(before);
}

static void reset(void *arg)
{
	const struct peer *p = arg;
	const struct linger now = { .l_onoff = 1 };
	struct zs_ctx *before = zs_ctx_enter(p->t->host[1].ctx);

	assert_int_equal(ff_setsockopt(p->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now)), 0);
	assert_int_equal(ff_close(p->fd), 0);
	(void)zs_ctx_enter(before);
}

static int connect_to(struct peer *p)
{
	int c;

	api_on(p->t, 1);
	api_pair(p->t, api_listen(PORT, 0), &c, &p->fd);
	return c;
}

/* A short count and then the end of the stream would mean that all has come. */
static void reset_after_a_part_is_told(void **state)
{
	struct peer p = { .t = *state, .text = "ab" };
	int c = connect_to(&p);
	char buf[4];

	at(p.t, 5, write_text, &p);
	at(p.t, 9, reset, &p);
	assert_int_equal(ff_recv(c, buf, 4, MSG_WAITALL), 2);
	assert_errno(ff_recv(c, buf, 4, MSG_WAITALL), ECONNRESET);
	assert_int_equal(ff_recv(c, buf, 4, MSG_WAITALL), 0);
}

static void reset_after_a_part_of_a_write(void **state)
{
	static char much[MUCH];
	struct peer p = { .t = *state };
	int c = connect_to(&p);

	at(p.t, 50, reset, &p);
	assert_in_range(ff_write(c, much, MUCH), 1, MUCH - 1);
	assert_errno(ff_write(c, much, MUCH), ECONNRESET);
	assert_errno(ff_write(c, much, MUCH), EPIPE);
}

static void peek_waits_for_all(void **state)
{
	struct timeval tv = { .tv_usec = 20000 };
	struct peer p = { .t = *state, .text = "ab" };
	int c = connect_to(&p);
	char buf[8];

	at(p.t, 5, write_text, &p);
	at(p.t, 9, write_text, &p);
	assert_int_equal(ff_recv(c, buf, 3, MSG_WAITALL | MSG_PEEK), 3);
	assert_memory_equal(buf, "aba", 3);
	assert_int_equal(ff_recv(c, buf, 4, MSG_WAITALL | MSG_PEEK), 4);
	/* there are no more, for as long as it may wait; and it waits for what it asks for only */
	assert_int_equal(ff_setsockopt(c, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)), 0);
	assert_int_equal(ff_recv(c, buf, 8, MSG_WAITALL | MSG_PEEK), 4);
	assert_int_equal(ff_recv(c, buf, 8, 0), 4);
	assert_errno(ff_recv(c, buf, 8, MSG_WAITALL | MSG_PEEK), EAGAIN);
	at(p.t, 5, reset, &p);
	assert_errno(ff_recv(c, buf, 8, MSG_WAITALL | MSG_PEEK), ECONNRESET);
}

static void set_lowat(int fd, int bytes)
{
	assert_int_equal(ff_setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &bytes, sizeof(bytes)), 0);
}

static int new_lowat_socket(void)
{
	int fd = ff_socket(AF_INET, SOCK_STREAM, 0);

	set_lowat(fd, 4);
	return fd;
}

/* A blocking read waits for SO_RCVLOWAT, or for what it asks for where that is less. */
static void read_waits_for_lowat(void **state)
{
	struct timeval tv = { .tv_usec = 20000 };
	struct peer p = { .t = *state, .text = "ab" };
	int c = connect_to(&p);
	char buf[8];

	set_lowat(c, 4);
	at(p.t, 5, write_text, &p);
	at(p.t, 9, write_text, &p);
	assert_int_equal(ff_read(c, buf, 8), 4);
	at(p.t, 5, write_text, &p);
	assert_int_equal(ff_recv(c, buf, 8, MSG_DONTWAIT), -1);
	assert_int_equal(ff_read(c, buf, 1), 1);
	assert_int_equal(ff_recv(c, buf, 8, MSG_DONTWAIT), 1);
	/* with the peek, at its timeout, at the end of the stream: what is there */
	at(p.t, 5, write_text, &p);
	at(p.t, 9, write_text, &p);
	assert_int_equal(ff_recv(c, buf, 3, MSG_PEEK), 3);
	assert_int_equal(ff_recv(c, buf, 2, 0), 2);
	assert_int_equal(ff_setsockopt(c, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)), 0);
	assert_int_equal(ff_read(c, buf, 8), 2);
	assert_errno(ff_read(c, buf, 8), EAGAIN);
	at(p.t, 5, write_text, &p);
	at(p.t, 9, reset, &p);
	assert_int_equal(ff_read(c, buf, 8), 2);
	assert_errno(ff_read(c, buf, 8), ECONNRESET);
	assert_errno(ff_read(new_lowat_socket(), buf, 8), ENOTCONN);
}

/* All that was asked for is all that MSG_WAITALL waits for, whatever SO_RCVLOWAT is. */
static void waitall_passes_lowat(void **state)
{
	struct timeval tv = { .tv_usec = 20000 };
	struct peer p = { .t = *state, .text = "ab" };
	int c = connect_to(&p);
	char buf[8];

	set_lowat(c, 4);
	at(p.t, 5, write_text, &p);
	assert_int_equal(ff_recv(c, buf, 2, MSG_WAITALL), 2);
	at(p.t, 5, write_text, &p);
	at(p.t, 9, write_text, &p);
	at(p.t, 13, write_text, &p);
	assert_int_equal(ff_recv(c, buf, 6, MSG_WAITALL), 6);
	assert_memory_equal(buf, "ababab", 6);
	/* at its timeout: what is there */
	assert_int_equal(ff_setsockopt(c, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)), 0);
	at(p.t, 5, write_text, &p);
	assert_int_equal(ff_recv(c, buf, 8, MSG_WAITALL), 2);
	assert_errno(ff_recv(c, buf, 8, MSG_WAITALL), EAGAIN);
}

/* SO_RCVTIMEO is a time for the call, however often something comes meanwhile. */
static void waitall_has_one_timeout(void **state)
{
	struct timeval tv = { .tv_usec = 20000 };
	struct peer p = { .t = *state, .text = "ab" };
	int c = connect_to(&p);
	uint64_t t0;
	char buf[64];

	assert_int_equal(ff_setsockopt(c, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)), 0);
	for (unsigned ms = 5; ms < 80; ms += 5)
		at(p.t, ms, write_text, &p);
	t0 = api_now_us(p.t);
	assert_int_equal(ff_recv(c, buf, sizeof(buf), MSG_WAITALL), 6);
	assert_in_range(api_now_us(p.t) - t0, 20000, 20400);
	api_run_ms(p.t, 80); /* the remaining writes */
}

static void z_read_waits_for_lowat(void **state)
{
	struct timeval tv = { .tv_usec = 20000 };
	struct peer p = { .t = *state, .text = "ab" };
	int c = connect_to(&p);
	z_buf *b, *v[4];

	set_lowat(c, 4);
	at(p.t, 5, write_text, &p);
	at(p.t, 9, write_text, &p);
	assert_int_equal(z_read(c, &b, 8), 4);
	z_buf_free(b);
	at(p.t, 5, write_text, &p);
	at(p.t, 9, write_text, &p);
	assert_int_equal(z_recv_bufs(c, v, 4, NULL), 2);
	z_buf_free(v[0]);
	z_buf_free(v[1]);
	assert_int_equal(ff_setsockopt(c, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)), 0);
	at(p.t, 5, write_text, &p);
	assert_int_equal(z_read(c, &b, 8), 2);
	z_buf_free(b);
	at(p.t, 5, write_text, &p);
	assert_int_equal(z_recv_bufs(c, v, 4, NULL), 1);
	z_buf_free(v[0]);
	assert_errno(z_recv_bufs(c, v, 4, NULL), EAGAIN);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, api_setup, api_teardown)

static const struct CMUnitTest tests[] = {
	TEST(reset_after_a_part_is_told), TEST(reset_after_a_part_of_a_write),
	TEST(peek_waits_for_all),	  TEST(read_waits_for_lowat),
	TEST(waitall_has_one_timeout),	  TEST(waitall_passes_lowat),
	TEST(z_read_waits_for_lowat),
};

ZS_TEST_MAIN(tests)
