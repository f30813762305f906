/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the application takes and keeps: charged to the window until it comes back, in whatever way;
 * a program that collects buffers stops neither itself nor others.
 */
#include <rte_mbuf.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include "apitest.h"
#include "core/tcp/zs_tcp.h"
#include "core/zs_state.h"
#include "zs_simpattern.h"
#include "zstack.h"

enum { RCVBUF = 64 << 10, STEP = 1400 };

/* a sends, b takes; both ends non-blocking. */
struct conn {
	struct api_world *t;
	int c, s;
	size_t out, in; /* bytes of the pattern written and read */
};

static int listen_b(struct api_world *t)
{
	api_on(t, 1);
	return api_listen(PORT, 0);
}

static void conn_open(struct conn *x, struct api_world *t, int lfd)
{
	int on = 1;

	*x = (struct conn){ .t = t };
	api_pair(t, lfd, &x->c, &x->s);
	assert_int_equal(ff_ioctl(x->c, FIONBIO, &on), 0);
	assert_int_equal(ff_setsockopt(x->c, IPPROTO_TCP, 1 /* TCP_NODELAY */, &on, sizeof(on)), 0);
	api_on(t, 1);
	assert_int_equal(ff_ioctl(x->s, FIONBIO, &on), 0);
}

static struct zs_tcp_info info(struct conn *x, int host)
{
	struct zs_tcp_info i;
	struct zs_sock *sk;

	api_on(x->t, host);
	sk = zs_fd_sock(host == 0 ? x->c : x->s);
	zs_tcp_get_info(sk->s, sk->tcb, &i);
	api_on(x->t, 1);
	return i;
}

static uint32_t taken(struct conn *x)
{
	return info(x, 1).taken_mem;
}

static uint64_t copies(struct api_world *t)
{
	return zs_stack_stats(t->host[1].h->s)->copies;
}

/* a writes n bytes more, if there is room for them. */
static bool put(struct conn *x, size_t n)
{
	z_buf *b;
	void *p;

	api_on(x->t, 0);
	if (z_send_space(x->c) == 0) {
		api_on(x->t, 1);
		return false;
	}
	b = z_alloc(-1, n, 0);
	p = z_buf_append(b, n);
	zs_sim_fill(1, x->out, p, n);
	assert_int_equal(z_write(x->c, b, n), n);
	x->out += n;
	api_on(x->t, 1);
	return true;
}

/* b takes at most max bytes; NULL when nothing is there. */
static z_buf *get(struct conn *x, size_t max)
{
	z_buf *b;
	ssize_t n = z_read(x->s, &b, max);

	if (n < 0) {
		assert_int_equal(errno, EAGAIN);
		return NULL;
	}
	assert_int_equal(zs_sim_match_chain(1, x->in, (struct rte_mbuf *)b), n);
	x->in += (size_t)n;
	return b;
}

/* One message goes over and is taken. */
static z_buf *pass(struct conn *x, size_t n)
{
	assert_true(put(x, n));
	api_run_ms(x->t, 1);
	return get(x, SIZE_MAX);
}

/* What a program holds. */
struct hoard {
	z_buf **v;
	int n;
};

static void keep(struct hoard *h, z_buf *b)
{
	h->v = realloc(h->v, sizeof(z_buf *) * (size_t)(h->n + 1));
	assert_non_null(h->v);
	h->v[h->n++] = b;
}

static void let_go(struct hoard *h)
{
	while (h->n > 0)
		z_buf_free(h->v[--h->n]);
	free(h->v);
	h->v = NULL;
}

/* a sends all the time on n connections and b keeps all it gets, for so many milliseconds. */
static void hoard(struct conn *x, int n, struct hoard *h, int ms)
{
	for (int i = 0; i < ms * n; i++) {
		struct conn *c = &x[i % n];
		z_buf *b;

		while (put(c, STEP))
			continue;
		if (i % n == 0)
			api_run_ms(c->t, 1);
		while ((b = get(c, SIZE_MAX)) != NULL)
			keep(h, b);
	}
}

/* ---- the charge and its end ---- */

static void test_window_closes_and_opens_again(void **state)
{
	struct hoard h = { 0 };
	struct conn x;
	uint32_t before;

	conn_open(&x, *state, listen_b(*state));
	for (int i = 0; i < 100; i++)
		z_buf_free(pass(&x, STEP));
	before = info(&x, 0).snd_wnd;
	assert_true(before > RCVBUF / 2);
	for (int i = 0; i < 60; i++)
		keep(&h, pass(&x, STEP));
	assert_true(taken(&x) >= 60 * 2048);
	assert_in_range(info(&x, 0).snd_wnd, STEP, before / 2 + STEP);
	/* what is freed opens it, and the peer is told though it sends nothing */
	let_go(&h);
	assert_int_equal(taken(&x), 0);
	z_poll(0);
	api_run_ms(x.t, 5);
	assert_in_range(info(&x, 0).snd_wnd, before - 2 * STEP, before + 2 * STEP);
	assert_int_equal(copies(x.t), 0);
}

/* Over loopback pieces are references, which are not charged: what is taken opens the window. */
static void test_references_taken_open_the_window(void **state)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(PORT) };
	struct api_world *t = *state;
	int c, lfd, s, idle = 0, n = 0, on = 1;
	z_buf *b;

	api_on(t, 0);
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	lfd = api_listen(PORT, 0);
	c = ff_socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(ff_connect(c, sa(&to), sizeof(to)), 0);
	s = ff_accept(lfd, NULL, NULL);
	assert_int_equal(ff_ioctl(c, FIONBIO, &on), 0);
	assert_int_equal(ff_ioctl(s, FIONBIO, &on), 0);
	while (idle < 60) { /* longer than an ACK is delayed */
		if (z_send_space(c) > 0) {
			assert_int_equal(z_write(c, api_filled(0, STEP), STEP), STEP);
			idle = 0;
		} else {
			api_settle();
			idle++;
		}
	}
	while (z_read(s, &b, SIZE_MAX) > 0)
		z_buf_free(b);
	for (int ms = 0; ms < 50; ms++)
		api_settle();
	assert_int_equal(ff_ioctl(s, FIONREAD, &n), 0);
	assert_true(n > 0);
}

static void test_sending_gives_back(void **state)
{
	struct sockaddr_in to = api_addr(0, 53);
	struct conn x;
	z_buf *b;
	int u;

	conn_open(&x, *state, listen_b(*state));
	b = pass(&x, 1000);
	assert_in_range(taken(&x), 1000, 4096);
	assert_int_equal(z_write(x.s, b, 1000), 1000);
	assert_int_equal(taken(&x), 0);
	b = pass(&x, 1000);
	assert_int_equal(z_send_bufs(x.s, &b, 1, 0), 1);
	assert_int_equal(taken(&x), 0);
	b = pass(&x, 1000);
	u = ff_socket(AF_INET, SOCK_DGRAM, 0);
	assert_int_equal(z_sendto_buf(u, b, (struct sockaddr *)&to, sizeof(to), 0), 1000);
	assert_int_equal(taken(&x), 0);
	/* reused for something else it is still held, and then sent */
	b = pass(&x, 1000);
	z_buf_reset(b);
	assert_true(taken(&x) > 0);
	memset(z_buf_append(b, 10), 0, 10);
	assert_int_equal(z_write(x.s, b, 10), 10);
	assert_int_equal(taken(&x), 0);
	/* a part of the stream that moves inside the stack was never the application's */
	assert_true(put(&x, 1000));
	api_run_ms(x.t, 1);
	assert_int_equal(z_splice(x.s, x.s, 300, 0), 300);
	assert_int_equal(z_splice(x.s, x.s, 1000, 0), 700);
	assert_int_equal(taken(&x), 0);
}

static void test_shared_buffers(void **state)
{
	struct conn x;
	z_buf *b, *r, *r2;

	conn_open(&x, *state, listen_b(*state));
	/* the last handle to the room counts, in whatever order they come back */
	for (int last = 0; last < 3; last++) {
		z_buf *v[3] = { pass(&x, 1000) };

		v[1] = z_buf_ref(v[0]);
		v[2] = z_buf_slice(v[1], 10, 20);
		z_buf_free(v[(last + 1) % 3]);
		z_buf_free(v[(last + 2) % 3]);
		assert_true(taken(&x) > 0);
		z_buf_free(v[last]);
		assert_int_equal(taken(&x), 0);
	}
	b = pass(&x, 1000);
	r = z_buf_split(b, 400);
	assert_int_equal(z_write(x.s, r, 600), 600);
	assert_true(taken(&x) > 0);
	z_buf_free(b);
	assert_int_equal(taken(&x), 0);
	b = pass(&x, 1000);
	r = z_buf_split(b, 400);
	z_buf_free(r);
	assert_true(taken(&x) > 0);
	assert_int_equal(z_write(x.s, b, 400), 400);
	assert_int_equal(taken(&x), 0);
	b = pass(&x, 1000);
	r = z_buf_ref(b);
	r2 = z_buf_ref(r);
	assert_int_equal(z_write(x.s, b, 1000), 1000);
	z_buf_reset(r);
	assert_true(taken(&x) > 0);
	z_buf_free(r2);
	assert_int_equal(taken(&x), 0);
	z_buf_free(r);
}

static void test_buffer_taken_in_parts(void **state)
{
	struct conn x;

	conn_open(&x, *state, listen_b(*state));
	for (int first = 0; first < 2; first++) {
		z_buf *v[2];

		assert_true(put(&x, 1000));
		api_run_ms(x.t, 1);
		v[0] = get(&x, 300);
		assert_int_equal(taken(&x), 0); /* the room is still the queue's */
		v[1] = get(&x, SIZE_MAX);
		assert_true(taken(&x) > 0);
		z_buf_free(v[first]);
		assert_true(taken(&x) > 0);
		z_buf_free(v[!first]);
		assert_int_equal(taken(&x), 0);
	}
}

static void test_mark_that_outlives_its_connection(void **state)
{
	struct linger l = { 1, 0 };
	struct conn x, y;
	z_buf *b, *b2;
	int lfd = listen_b(*state);

	conn_open(&x, *state, lfd);
	b = pass(&x, 1000);
	assert_int_equal(ff_setsockopt(x.s, SOL_SOCKET, SO_LINGER, &l, sizeof(l)), 0);
	assert_int_equal(ff_close(x.s), 0);
	assert_int_equal(x.t->host[1].h->s->taken_mem, 0);
	api_run_ms(x.t, 5);
	conn_open(&y, *state, lfd); /* in the same place */
	b2 = pass(&y, 1000);
	assert_int_equal(info(&y, 1).taken_mem, x.t->host[1].h->s->taken_mem);
	z_buf_free(b);
	assert_true(taken(&y) > 0);
	z_buf_free(b2);
	assert_int_equal(taken(&y), 0);
	assert_int_equal(x.t->host[1].h->s->taken_mem, 0);
	/* and one that nobody reads before the stack is gone */
	b = pass(&y, 1000);
	assert_int_equal(ff_close(y.s), 0);
	rte_pktmbuf_free((struct rte_mbuf *)b);
}

/* ---- a program that frees behind the stack's back ---- */

static void stream_with_foreign_frees(struct conn *x, size_t total, size_t step)
{
	uint64_t t0 = api_now_us(x->t);

	while (x->in < total) {
		z_buf *b;

		while (x->out < total && put(x, step))
			continue;
		api_run_ms(x->t, 1);
		while ((b = get(x, SIZE_MAX)) != NULL)
			rte_pktmbuf_free((struct rte_mbuf *)b);
		z_poll(0);
		assert_true(api_now_us(x->t) - t0 < 20000000);
	}
}

static void test_free_unnoticed_does_not_stop_the_connection(void **state)
{
	struct conn x;
	int lfd = listen_b(*state);

	conn_open(&x, *state, lfd);
	stream_with_foreign_frees(&x, 2000000, STEP);
	/* the smallest buffers, and segments that fill little of them */
	for (int size = 1024; size <= 16384; size *= 2) {
		api_on(x.t, 1);
		assert_int_equal(ff_setsockopt(lfd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)), 0);
		conn_open(&x, *state, lfd);
		stream_with_foreign_frees(&x, 100000, STEP);
		stream_with_foreign_frees(&x, 120000, 100);
	}
}

static void test_stack_finds_out_when_it_meets_the_buffer(void **state)
{
	struct conn x;
	z_buf *b, *b2;

	conn_open(&x, *state, listen_b(*state));
	b = pass(&x, 1000);
	/* freed and allocated again, as far as the stack can tell */
	rte_pktmbuf_reset((struct rte_mbuf *)b);
	assert_true(taken(&x) > 0);
	memset(z_buf_append(b, 10), 0, 10);
	assert_int_equal(z_write(x.s, b, 10), 10);
	assert_int_equal(taken(&x), 0);
	b = pass(&x, 1000);
	rte_pktmbuf_free((struct rte_mbuf *)b);
	assert_true(taken(&x) > 0);
	b2 = z_alloc(-1, 10, 0);
	if (b2 == b) /* pools that ASan watches give no buffer twice */
		assert_int_equal(taken(&x), 0);
	z_buf_free(b2);
}

/* A record that goes back to the buffer it refers to takes that one's charge along. */
static void test_record_becomes_the_buffer_itself(void **state)
{
	size_t sent = 0, got = 0;
	struct zs_tcp_info i;
	struct conn x;
	z_buf *b, *c;

	conn_open(&x, *state, listen_b(*state));
	b = pass(&x, 1000);
	while ((i = info(&x, 1)).snd_wnd > 0) {
		size_t n = RTE_MIN(i.snd_wnd, (uint32_t)STEP);

		assert_int_equal(z_write(x.s, api_filled(sent, n), n), n);
		sent += n;
		api_run_ms(x.t, 300);
		z_poll(0);
	}
	assert_int_equal(i.snd_queued, 0);
	c = z_buf_ref(b);
	zs_sim_fill(1, sent, rte_pktmbuf_mtod((struct rte_mbuf *)b, void *), 1000);
	assert_int_equal(z_write(x.s, c, 1000), 1000);
	sent += 1000;
	assert_true(taken(&x) > 0);
	rte_pktmbuf_free((struct rte_mbuf *)b);
	assert_true(taken(&x) > 0);
	for (int ms = 0; ms < 2000; ms++) /* the window is probed */
		api_settle();
	assert_int_equal(taken(&x), 0);
	api_on(x.t, 0);
	for (int ms = 0; ms < 5000 && got < sent; ms++) {
		ssize_t k = z_read(x.c, &b, SIZE_MAX);

		if (k > 0) {
			assert_int_equal(zs_sim_match_chain(1, got, (struct rte_mbuf *)b), k);
			z_buf_free(b);
			got += (size_t)k;
		}
		api_settle();
	}
	assert_int_equal(got, sent);
}

/* ---- too much ---- */

/* Reads what was sent so far. */
static void drain(struct conn *x)
{
	size_t sent = x->out;
	z_buf *b;

	for (int i = 0; i < 100000 && x->in < sent; i++) {
		api_run_ms(x->t, 1);
		while ((b = get(x, SIZE_MAX)) != NULL)
			z_buf_free(b);
		z_poll(0);
	}
	assert_int_equal(x->in, sent);
}

/* n connections of which everything is kept, and one that works. */
static void hoarders_and_another(struct api_world *t, int n)
{
	struct rte_mempool *mp = t->host[1].h->pools.pkt;
	struct hoard h = { 0 };
	struct conn x[8], y;
	int lfd = listen_b(t);

	for (int i = 0; i < n; i++)
		conn_open(&x[i], t, lfd);
	conn_open(&y, t, lfd);
	zs_simpool_limit(mp, 1200);
	hoard(x, n, &h, 4000);
	/* up to the mark of an eighth, and not to the next one, where nobody gets anything */
	assert_in_range(zs_simpool_live(mp), 1000, 1200 - 1200 / 8 + 2 * n);
	for (int i = 0; i < 200; i++)
		z_buf_free(pass(&y, STEP));
	assert_int_equal(y.in, 200 * STEP);
	/* what they have sent meanwhile arrives when there is room again */
	let_go(&h);
	assert_int_equal(t->host[1].h->s->taken_mem, 0);
	for (int i = 0; i < n; i++)
		drain(&x[i]);
}

static void test_hoarder_does_not_stop_others(void **state)
{
	hoarders_and_another(*state, 1);
}

static void test_many_hoarders_do_not_stop_others(void **state)
{
	hoarders_and_another(*state, 8);
}

static void test_small_payloads_are_packed_for_a_hoarder(void **state)
{
	struct hoard h = { 0 };
	struct z_iov v[2];
	struct conn x;
	z_buf *b[4];

	conn_open(&x, *state, listen_b(*state));
	/* below the quota they come as they are */
	for (int i = 0; i < 15; i++)
		put(&x, 100);
	api_run_ms(x.t, 5);
	b[0] = get(&x, SIZE_MAX);
	assert_true(((struct rte_mbuf *)b[0])->nb_segs > 1);
	z_buf_free(b[0]);
	while (taken(&x) <= RCVBUF)
		keep(&h, pass(&x, STEP));
	assert_int_equal(copies(x.t), 0);
	for (int i = 0; i < 15; i++) {
		put(&x, 100);
		api_run_ms(x.t, 1);
	}
	b[0] = get(&x, 1500);
	assert_int_equal(z_buf_iov(b[0], v, 2), 1);
	assert_int_equal(v[0].len, 1500);
	assert_int_equal(v[0].flags, Z_F_COPIED);
	assert_int_equal(copies(x.t), 1400);
	z_buf_free(b[0]);
	/* in pieces as well; large ones are left alone */
	put(&x, 100);
	put(&x, STEP);
	put(&x, 100);
	put(&x, 100);
	api_run_ms(x.t, 5);
	assert_int_equal(z_recv_bufs(x.s, b, 4, NULL), 2);
	assert_int_equal(z_buf_len(b[0]), 100);
	assert_int_equal(z_buf_len(b[1]), STEP + 200);
	assert_int_equal(z_buf_iov(b[0], v, 1), 1);
	assert_int_equal(v[0].flags, 0);
	assert_int_equal(copies(x.t), 1600);
	z_buf_free(b[0]);
	z_buf_free(b[1]);
	let_go(&h);
}

static void test_small_payloads_are_packed_when_the_pool_is_low(void **state)
{
	struct rte_mempool *mp;
	struct conn x;
	z_buf *b;

	conn_open(&x, *state, listen_b(*state));
	mp = x.t->host[1].h->pools.pkt;
	for (int i = 0; i < 10; i++) {
		put(&x, 100);
		api_run_ms(x.t, 1);
	}
	zs_simpool_limit(mp, 10);
	zs_pool_watch(x.t->host[1].h->s, UINT16_MAX);
	b = get(&x, SIZE_MAX);
	assert_int_equal(((struct rte_mbuf *)b)->nb_segs, 1);
	assert_int_equal(copies(x.t), 900);
	assert_int_equal(zs_simpool_live(mp), 1);
	z_buf_free(b);
}

#define taken_test(f) cmocka_unit_test_setup_teardown(f, api_setup, api_teardown)

static const struct CMUnitTest tests[] = {
	taken_test(test_window_closes_and_opens_again),
	taken_test(test_references_taken_open_the_window),
	taken_test(test_sending_gives_back),
	taken_test(test_shared_buffers),
	taken_test(test_buffer_taken_in_parts),
	taken_test(test_mark_that_outlives_its_connection),
	taken_test(test_free_unnoticed_does_not_stop_the_connection),
	taken_test(test_stack_finds_out_when_it_meets_the_buffer),
	taken_test(test_record_becomes_the_buffer_itself),
	taken_test(test_hoarder_does_not_stop_others),
	taken_test(test_many_hoarders_do_not_stop_others),
	taken_test(test_small_payloads_are_packed_for_a_hoarder),
	taken_test(test_small_payloads_are_packed_when_the_pool_is_low),
};

ZS_TEST_MAIN(tests)
