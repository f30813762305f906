/* SPDX-License-Identifier: BSD-3-Clause */
/* Zero-copy I/O: who owns what when, no byte copied, no buffer leaked, splice loses nothing. */
#include <netinet/tcp.h>

#include "zs_simpattern.h"
#include "zs_sockworld.h"

struct pair {
	struct world t;
	struct zs_sock *lst, *c, *s;
};

static void pair_open(struct pair *x, void (*tweak)(struct zs_simhost_config *))
{
	world_open(&x->t, tweak);
	x->lst = listen_on(x->t.s, PORT);
	connect_pair(&x->t, x->lst, &x->c, &x->s);
}

static void pair_close(struct pair *x)
{
	zs_sock_close(x->c);
	zs_sock_close(x->s);
	zs_sock_close(x->lst);
	world_close(&x->t);
}

static struct rte_mbuf *buf_of(struct zs_simhost *h, uint64_t off, uint16_t n)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(h->pools.pkt);

	assert_non_null(m);
	zs_sim_append(1, off, m, n);
	return m;
}

static void test_give_and_take(void **state)
{
	struct rte_mbuf *m, *got;
	struct pair x;

	(void)state;
	pair_open(&x, NULL);
	assert_int_equal(zs_sock_take(x.s, &got, 100, NULL, NULL), -EAGAIN);
	assert_null(got);
	m = buf_of(x.t.c, 0, 1000);
	assert_int_equal(zs_sock_give(x.c, m, 0, NULL, 0), 1000);
	run_ms(&x.t, 5);
	assert_true(zs_sock_has_data(x.s));
	assert_int_equal(zs_sock_take(x.s, &got, 0, NULL, NULL), -EINVAL);
	assert_int_equal(zs_sock_take(x.s, &got, 300, NULL, NULL), 300);
	assert_int_equal(zs_sim_match_chain(1, 0, got), 300);
	rte_pktmbuf_free(got);
	assert_int_equal(zs_sock_take(x.s, &got, 65536, NULL, NULL), 700);
	assert_int_equal(zs_sim_match_chain(1, 300, got), 700);
	rte_pktmbuf_free(got);
	zs_sock_shutdown(x.c, SHUT_WR);
	run_ms(&x.t, 5);
	assert_int_equal(zs_sock_take(x.s, &got, 100, NULL, NULL), 0);
	assert_null(got);
	assert_int_equal(zs_stack_stats(x.t.c->s)->copies, 0);
	assert_int_equal(zs_stack_stats(x.t.s->s)->copies, 0);
	pair_close(&x);
}

static void test_what_is_refused_stays_mine(void **state)
{
	struct rte_mbuf *m, *empty;
	struct pair x;

	(void)state;
	pair_open(&x, NULL);
	empty = rte_pktmbuf_alloc(x.t.c->pools.pkt);
	assert_int_equal(zs_sock_give(x.c, empty, 0, NULL, 0), -EINVAL);
	rte_pktmbuf_free(empty);
	m = buf_of(x.t.c, 0, 100);
	assert_int_equal(zs_sock_give(x.lst, m, 0, NULL, 0), -ENOTCONN);
	zs_sock_shutdown(x.c, SHUT_WR);
	assert_int_equal(zs_sock_give(x.c, m, 0, NULL, 0), -EPIPE);
	assert_int_equal(rte_mbuf_refcnt_read(m), 1);
	assert_int_equal(zs_sim_match_chain(1, 0, m), 100);
	rte_pktmbuf_free(m);
	pair_close(&x);
}

static void test_full_send_buffer_refuses_whole_buffers(void **state)
{
	struct rte_mbuf *m = NULL, *got;
	uint64_t off = 0, in = 0;
	struct pair x;
	ssize_t n;

	(void)state;
	pair_open(&x, NULL);
	assert_int_equal(set_int(x.c, SOL_SOCKET, SO_SNDBUF, 10000), 0);
	do {
		m = buf_of(x.t.c, off, 1400);
		n = zs_sock_give(x.c, m, 0, NULL, 0);
		off += n > 0 ? 1400 : 0;
	} while (n > 0);
	assert_int_equal(n, -EAGAIN);
	for (int i = 0; i < 100 && in < off; i++) {
		run_ms(&x.t, 1);
		while ((n = zs_sock_take(x.s, &got, SIZE_MAX, NULL, NULL)) > 0) {
			assert_int_equal(zs_sim_match_chain(1, in, got), n);
			in += (uint64_t)n;
			rte_pktmbuf_free(got);
		}
	}
	assert_int_equal(in, off);
	assert_int_equal(zs_sock_give(x.c, m, 0, NULL, 0), 1400);
	pair_close(&x);
}

static void small_rcvbuf(struct zs_simhost_config *hc)
{
	hc->stack.rcvbuf = hc->stack.rcvbuf_max = 16384;
}

/* A reader that is a little late costs no copy; one that sleeps cannot fill the pool with a few
 * bytes per buffer. */
static void test_small_segments_are_packed_when_memory_is_well_over(void **state)
{
	struct zs_tcp_info info;
	struct zs_view view[64];
	uint64_t off = 0, packed = 0;
	struct rte_mbuf *got;
	struct pair x;
	int n;

	(void)state;
	pair_open(&x, small_rcvbuf);
	assert_int_equal(set_int(x.c, IPPROTO_TCP, TCP_NODELAY, 1), 0);
	for (; off < 6000; off += 100) {
		uint64_t before = zs_stack_stats(x.t.s->s)->copies;

		zs_tcp_get_info(x.s->s, x.s->tcb, &info);
		assert_int_equal(zs_sock_give(x.c, buf_of(x.t.c, off, 100), 0, NULL, 0), 100);
		run_ms(&x.t, 1);
		packed = zs_stack_stats(x.t.s->s)->copies - before;
		if (info.rcv_mem <= info.rcvbuf / 2 * 3)
			assert_int_equal(packed, 0);
	}
	assert_int_equal(packed, 100);
	zs_tcp_get_info(x.s->s, x.s->tcb, &info);
	assert_in_range(info.rcv_mem, info.rcvbuf, info.rcvbuf * 2);
	n = zs_sock_peek(x.s, view, 64, 0);
	assert_false(view[0].copied);
	assert_true(view[n - 1].copied);
	assert_int_equal(zs_sock_take(x.s, &got, SIZE_MAX, NULL, NULL), off);
	assert_int_equal(zs_sim_match_chain(1, 0, got), off);
	rte_pktmbuf_free(got);
	pair_close(&x);
}

static void test_one_buffer_to_many_sockets(void **state)
{
	struct rte_mbuf *m, *got;
	struct zs_sock *c[3], *s[3], *lst;
	struct world t;

	(void)state;
	world_open(&t, NULL);
	lst = listen_on(t.s, PORT);
	for (int i = 0; i < 3; i++)
		connect_pair(&t, lst, &c[i], &s[i]);
	m = buf_of(t.c, 0, 1200);
	rte_mbuf_refcnt_update(m, 3);
	for (int i = 0; i < 3; i++)
		assert_int_equal(zs_sock_give(c[i], m, 0, NULL, 0), 1200);
	run_ms(&t, 5);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(zs_sock_take(s[i], &got, SIZE_MAX, NULL, NULL), 1200);
		assert_int_equal(zs_sim_match_chain(1, 0, got), 1200);
		rte_pktmbuf_free(got);
	}
	run_ms(&t, 100);
	assert_int_equal(rte_mbuf_refcnt_read(m), 1); /* mine alone again */
	assert_int_equal(zs_sim_match_chain(1, 0, m), 1200);
	rte_pktmbuf_free(m);
	assert_int_equal(zs_stack_stats(t.c->s)->copies, 0);
	for (int i = 0; i < 3; i++) {
		zs_sock_close(c[i]);
		zs_sock_close(s[i]);
	}
	zs_sock_close(lst);
	world_close(&t);
}

static void test_peek_and_consume(void **state)
{
	struct zs_view v[8];
	struct pair x;
	int n;

	(void)state;
	pair_open(&x, NULL);
	assert_int_equal(zs_sock_peek(x.s, v, 8, 0), -EAGAIN);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(
			zs_sock_give(x.c, buf_of(x.t.c, (uint64_t)i * 1000, 1000), 0, NULL, 0),
			1000);
		run_ms(&x.t, 5);
	}
	n = zs_sock_peek(x.s, v, 8, 0);
	assert_int_equal(n, 3);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(v[i].len, 1000);
		assert_int_equal(zs_sim_match(1, (uint64_t)i * 1000, v[i].ptr, v[i].len), 1000);
		assert_false(v[i].copied);
	}
	assert_int_equal(zs_sock_peek(x.s, v, 1, 1500), 1);
	assert_int_equal(v[0].len, 500);
	assert_int_equal(zs_sim_match(1, 1500, v[0].ptr, 500), 500);
	assert_int_equal(zs_sock_peek(x.s, v, 8, 3000), -EAGAIN);
	assert_int_equal(zs_sock_consume(x.s, 1200), 1200);
	assert_int_equal(zs_sock_peek(x.s, v, 8, 0), 2);
	assert_int_equal(v[0].len, 800);
	assert_int_equal(zs_sim_match(1, 1200, v[0].ptr, 800), 800);
	assert_int_equal(zs_sock_consume(x.s, SIZE_MAX), 1800);
	assert_int_equal(zs_sock_consume(x.s, 1), 0);
	zs_sock_shutdown(x.c, SHUT_WR);
	run_ms(&x.t, 5);
	assert_int_equal(zs_sock_peek(x.s, v, 8, 0), 0);
	pair_close(&x);
}

static void test_datagrams(void **state)
{
	struct sockaddr_in to = addr4(2, 53), from;
	socklen_t len = sizeof(from);
	struct zs_sock *a, *b;
	struct rte_mbuf *m;
	struct zs_view v[4];
	struct world t;

	(void)state;
	world_open(&t, NULL);
	a = sock_of(t.c, SOCK_DGRAM);
	b = sock_of(t.s, SOCK_DGRAM);
	assert_int_equal(zs_sock_bind(b, (struct sockaddr *)&to, sizeof(to)), 0);
	m = buf_of(t.c, 0, 200);
	assert_int_equal(zs_sock_give(a, m, 0, NULL, 0), -EDESTADDRREQ);
	assert_int_equal(zs_sock_give(a, m, 0, (struct sockaddr *)&to, sizeof(to)), 200);
	assert_int_equal(
		zs_sock_give(a, buf_of(t.c, 200, 100), 0, (struct sockaddr *)&to, sizeof(to)), 100);
	assert_int_equal(zs_sock_give(a, rte_pktmbuf_alloc(t.c->pools.pkt), 0,
				      (struct sockaddr *)&to, sizeof(to)),
			 0);
	run_ms(&t, 5);
	assert_int_equal(zs_sock_peek(b, v, 4, 50), 1);
	assert_int_equal(zs_sim_match(1, 50, v[0].ptr, v[0].len), 150);
	assert_int_equal(zs_sock_consume(b, 1), 200); /* a datagram goes whole */
	assert_int_equal(zs_sock_take(b, &m, 1, (struct sockaddr *)&from, &len), 100);
	assert_int_equal(zs_sim_match_chain(1, 200, m), 100);
	assert_int_equal(from.sin_addr.s_addr, zs_sim_ip(10, 0, 0, 1));
	/* what came goes back as it is */
	assert_int_equal(zs_sock_give(b, m, 0, (struct sockaddr *)&from, len), 100);
	assert_int_equal(zs_sock_take(b, &m, 1, NULL, NULL), 0);
	assert_non_null(m);
	rte_pktmbuf_free(m);
	run_ms(&t, 5);
	assert_int_equal(zs_sock_take(a, &m, 1, NULL, NULL), 100);
	assert_int_equal(zs_sim_match_chain(1, 200, m), 100);
	rte_pktmbuf_free(m);
	assert_int_equal(zs_stack_stats(t.s->s)->copies, 0);
	zs_sock_close(a);
	zs_sock_close(b);
	world_close(&t);
}

struct told {
	struct zs_done done;
	int times, status;
};

static void tell(struct zs_done *done, int status)
{
	struct told *t = container_of(done, struct told, done);

	t->times++;
	t->status = status;
}

static void test_completion_of_a_datagram(void **state)
{
	struct sockaddr_in to = addr4(2, 53);
	struct rte_mbuf *m;
	struct zs_sock *a;
	struct world t;
	struct told told = { .done.fn = tell, .status = 1 };

	(void)state;
	world_open(&t, NULL);
	a = sock_of(t.c, SOCK_DGRAM);
	m = buf_of(t.c, 0, 200);
	zs_seg(m)->done = &told.done;
	m->ol_flags |= ZS_PKT_DONE;
	assert_int_equal(zs_sock_give(a, m, 0, NULL, 0), -EDESTADDRREQ);
	assert_int_equal(told.times, 0);
	assert_int_equal(zs_sock_give(a, m, 0, (struct sockaddr *)&to, sizeof(to)), 200);
	assert_int_equal(told.times, 1);
	assert_int_equal(told.status, 0);
	zs_sock_close(a);
	run_ms(&t, 10);
	world_close(&t);
}

/* ---- splice: a -> proxy -> b, the proxy being the client host ---- */

struct relay {
	struct world t;
	struct zs_sock *lst, *in, *out, *a, *b; /* a talks to in, out talks to b */
};

static void relay_open(struct relay *x)
{
	world_open(&x->t, NULL);
	x->lst = listen_on(x->t.s, PORT);
	connect_pair(&x->t, x->lst, &x->in, &x->a);
	connect_pair(&x->t, x->lst, &x->out, &x->b);
}

static void relay_close(struct relay *x)
{
	zs_sock_close(x->in);
	zs_sock_close(x->out);
	zs_sock_close(x->a);
	zs_sock_close(x->b);
	zs_sock_close(x->lst);
	world_close(&x->t);
}

static void test_splice_moves_references(void **state)
{
	enum { TOTAL = 3000000 };
	uint64_t sent = 0, got = 0, allocs, moved = 0;
	struct rte_mbuf *m = NULL, *in;
	struct relay x;
	ssize_t n;

	(void)state;
	relay_open(&x);
	assert_int_equal(zs_sock_splice(x.in, x.out, 1000), -EAGAIN);
	assert_int_equal(zs_sock_splice(x.in, x.out, 0), -EINVAL);
	assert_int_equal(zs_sock_splice(x.in, x.lst, 1), -EINVAL);
	run_ms(&x.t, 100);
	allocs = zs_simpool_allocs(x.t.c->pools.big);
	for (int i = 0; i < 20000 && got < TOTAL; i++) {
		while (sent < TOTAL) {
			if (m == NULL)
				m = buf_of(x.t.s, sent, (uint16_t)RTE_MIN(1400u, TOTAL - sent));
			n = zs_sock_give(x.a, m, 0, NULL, 0);
			if (n < 0)
				break;
			m = NULL;
			sent += (uint64_t)n;
		}
		while ((n = zs_sock_splice(x.in, x.out, SIZE_MAX)) > 0)
			moved += (uint64_t)n;
		while ((n = zs_sock_take(x.b, &in, SIZE_MAX, NULL, NULL)) > 0) {
			assert_int_equal(zs_sim_match_chain(1, got, in), n);
			got += (uint64_t)n;
			rte_pktmbuf_free(in);
		}
		run_ms(&x.t, 1);
	}
	assert_int_equal(got, TOTAL);
	assert_int_equal(moved, TOTAL);
	assert_int_equal(zs_stack_stats(x.t.c->s)->copies, 0);
	assert_int_equal(zs_simpool_allocs(x.t.c->pools.big), allocs);
	zs_sock_shutdown(x.a, SHUT_WR);
	run_ms(&x.t, 5);
	assert_int_equal(zs_sock_splice(x.in, x.out, 1000), 0);
	zs_sock_shutdown(x.out, SHUT_WR);
	assert_int_equal(zs_sock_splice(x.in, x.out, 1000), -EPIPE);
	relay_close(&x);
}

static void test_splice_of_a_part(void **state)
{
	struct rte_mbuf *m;
	struct relay x;

	(void)state;
	relay_open(&x);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(
			zs_sock_give(x.a, buf_of(x.t.s, (uint64_t)i * 1000, 1000), 0, NULL, 0),
			1000);
		run_ms(&x.t, 5);
	}
	assert_int_equal(zs_sock_splice(x.in, x.out, 400), 400); /* cuts the first buffer */
	/* the rest of it and one whole: the third would be over max */
	assert_int_equal(zs_sock_splice(x.in, x.out, 2000), 1600);
	assert_int_equal(zs_sock_splice(x.in, x.out, 2000), 1000);
	run_ms(&x.t, 5);
	assert_int_equal(zs_sock_take(x.b, &m, SIZE_MAX, NULL, NULL), 3000);
	assert_int_equal(zs_sim_match_chain(1, 0, m), 3000);
	rte_pktmbuf_free(m);
	relay_close(&x);
}

static void test_splice_that_fails_loses_nothing(void **state)
{
	struct rte_mbuf *m;
	struct relay x;

	(void)state;
	relay_open(&x);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(
			zs_sock_give(x.a, buf_of(x.t.s, (uint64_t)i * 1000, 1000), 0, NULL, 0),
			1000);
		run_ms(&x.t, 5);
	}
	/* somebody keeps a part of the first buffer: it is shared, and has to be wrapped to be sent
	 */
	assert_int_equal(zs_sock_take(x.in, &m, 10, NULL, NULL), 10);
	zs_simpool_limit(x.t.c->pools.hdr, zs_simpool_live(x.t.c->pools.hdr));
	assert_int_equal(zs_sock_splice(x.in, x.out, SIZE_MAX), -ENOBUFS);
	assert_int_equal(zs_sock_readable(x.in), 1990);
	zs_simpool_limit(x.t.c->pools.hdr, UINT32_MAX);
	assert_int_equal(zs_sock_splice(x.in, x.out, SIZE_MAX), 1990);
	rte_pktmbuf_free(m);
	run_ms(&x.t, 5);
	assert_int_equal(zs_sock_take(x.b, &m, SIZE_MAX, NULL, NULL), 1990);
	assert_int_equal(zs_sim_match_chain(1, 10, m), 1990);
	rte_pktmbuf_free(m);
	relay_close(&x);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_give_and_take),
	cmocka_unit_test(test_what_is_refused_stays_mine),
	cmocka_unit_test(test_full_send_buffer_refuses_whole_buffers),
	cmocka_unit_test(test_small_segments_are_packed_when_memory_is_well_over),
	cmocka_unit_test(test_one_buffer_to_many_sockets),
	cmocka_unit_test(test_peek_and_consume),
	cmocka_unit_test(test_datagrams),
	cmocka_unit_test(test_completion_of_a_datagram),
	cmocka_unit_test(test_splice_moves_references),
	cmocka_unit_test(test_splice_of_a_part),
	cmocka_unit_test(test_splice_that_fails_loses_nothing),
};

ZS_TEST_MAIN(tests)
