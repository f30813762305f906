/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Applications that write without copying, while buffers are short: who finds none is told when it
 * is worth another try, each connection gets its share, and references leave header buffers to send
 * them with.
 */
#include <poll.h>
#include <rte_mbuf.h>

#include "apitest.h"
#include "core/zs_state.h"
#include "core/zs_udp.h"
#include "zs_simpool.h"

enum { PIECE = 1000, MANY = 256, HELD = 31 };

struct conn {
	struct api_world *t;
	struct zs_simpools *pools; /* of host a, which is entered */
	int lfd, c, s;
};

static void conn_open(struct conn *x, void **state)
{
	x->t = *state;
	x->pools = &x->t->host[0].h->pools;
	api_on(x->t, 1);
	x->lfd = api_listen(PORT, 0);
	api_pair(x->t, x->lfd, &x->c, &x->s);
}

static void conn_close(struct conn *x)
{
	ff_close(x->c);
	api_on(x->t, 1);
	ff_close(x->s);
	ff_close(x->lfd);
}

/* n buffers more than there are now; UINT32_MAX: any number. */
static void spare(struct conn *x, struct rte_mempool *mp, uint32_t n)
{
	struct zs_stack *s = x->t->host[0].h->s;

	zs_simpool_limit(mp, n == UINT32_MAX ? n : zs_simpool_live(mp) + n);
	s->pool_credit = s->hdr_credit = 0; /* they are looked at again */
}

static bool writable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };

	return ff_poll(&p, 1, 0) == 1 && (p.revents & POLLOUT) != 0;
}

static void test_who_finds_none_is_told_later(void **state)
{
	struct rte_mbuf *held[HELD];
	struct conn x;
	z_buf *b;

	conn_open(&x, state);
	for (int i = 0; i < HELD; i++)
		held[i] = rte_pktmbuf_alloc(x.pools->pkt);
	spare(&x, x.pools->pkt, 1);
	assert_true(writable(x.c));
	errno = 0;
	assert_null(z_alloc(x.c, PIECE, 0));
	assert_int_equal(errno, ENOBUFS);
	assert_false(writable(x.c));
	assert_null(z_alloc_chain(x.c, PIECE, 0));
	for (int i = 0; i < HELD; i++)
		rte_pktmbuf_free(held[i]);
	spare(&x, x.pools->pkt, UINT32_MAX);
	assert_false(writable(x.c));
	api_run_ms(x.t, 2);
	assert_true(writable(x.c));
	b = z_alloc_chain(x.c, PIECE, 0);
	assert_int_equal(z_write(x.c, b, PIECE), PIECE);
	api_run_ms(x.t, 2);
	conn_close(&x);
}

/* A quarter of what is left, and the others find buffers still. */
static void test_each_has_its_share(void **state)
{
	struct conn x;
	int other, far, n = 0;
	z_buf *b;

	conn_open(&x, state);
	api_on(x.t, 0);
	api_pair(x.t, x.lfd, &other, &far);
	spare(&x, x.pools->pkt, MANY);
	zs_pool_watch(x.t->host[0].h->s, 1);
	while (n < MANY && (b = z_alloc_chain(x.c, PIECE, 0)) != NULL) {
		if (z_write(x.c, b, PIECE) != PIECE)
			break;
		n++;
	}
	assert_null(b);
	assert_int_equal(errno, ENOBUFS);
	assert_in_range(n, MANY / 8, MANY / 4);
	b = z_alloc_chain(other, PIECE, 0);
	assert_non_null(b);
	z_buf_free(b);
	spare(&x, x.pools->pkt, UINT32_MAX);
	api_run_ms(x.t, 20);
	assert_true(writable(x.c));
	api_on(x.t, 1);
	ff_close(far);
	api_on(x.t, 0);
	ff_close(other);
	conn_close(&x);
}

static void test_references_leave_header_buffers(void **state)
{
	z_buf *b = api_filled(0, 100), *ref[MANY];
	struct conn x;
	int n = 0;

	conn_open(&x, state);
	spare(&x, x.pools->hdr, MANY);
	while (n < MANY && (ref[n] = z_buf_slice(b, 0, 10)) != NULL)
		n++;
	assert_int_equal(errno, ENOBUFS);
	assert_in_range(n, MANY / 2 - 8, MANY / 2);
	while (n > 0)
		z_buf_free(ref[--n]);
	z_buf_free(b);
	spare(&x, x.pools->hdr, UINT32_MAX);
	conn_close(&x);
}

/* References to a chain are there all at once or not at all, and who has none waits by his socket.
 */
static void test_references_of_a_chain(void **state)
{
	z_buf *b = api_filled(0, 100), *all, *held[MANY / 2];
	uint64_t allocs;
	struct conn x;
	int n = 0;

	conn_open(&x, state);
	for (int i = 1; i < 20; i++)
		assert_int_equal(z_buf_join(b, api_filled((uint32_t)i * 100, 100)), 0);
	spare(&x, x.pools->hdr, MANY);
	while (n < MANY / 2 && (held[n] = z_buf_slice(b, 0, 10)) != NULL)
		n++;
	z_buf_free(held[--n]);
	allocs = zs_simpool_allocs(x.pools->hdr);
	assert_null(z_buf_ref(b));
	assert_int_equal(errno, ENOBUFS);
	assert_int_equal(zs_simpool_allocs(x.pools->hdr), allocs);
	assert_true(writable(x.c));
	assert_int_equal(z_await_buffers(x.c), 0);
	assert_false(writable(x.c));
	while (n > 0)
		z_buf_free(held[--n]);
	api_run_ms(x.t, 2);
	assert_true(writable(x.c));
	all = z_buf_slice(b, 50, 1900);
	assert_int_equal(z_buf_iov(all, NULL, 0), 20);
	api_expect_bytes(all, 50, 1900);
	z_buf_free(all);
	z_buf_free(b);
	spare(&x, x.pools->hdr, UINT32_MAX);
	conn_close(&x);
}

/* Who reads no datagrams gets no more of them when few buffers are left: the rest is for others. */
static void test_unread_datagrams_leave_buffers(void **state)
{
	enum { POOL = 24, SENT = 100 };
	struct sockaddr_in to = api_addr(0, 53);
	int u, v, got = 0;
	char buf[PIECE] = "x";
	struct conn x;
	z_buf *b;

	conn_open(&x, state);
	u = ff_socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	assert_int_equal(ff_bind(u, sa(&to), sizeof(to)), 0);
	zs_simpool_limit(x.pools->pkt, POOL);
	zs_pool_watch(x.t->host[0].h->s, UINT16_MAX);
	api_on(x.t, 1);
	v = ff_socket(AF_INET, SOCK_DGRAM, 0);
	for (int i = 0; i < SENT; i++) {
		assert_int_equal(ff_sendto(v, buf, PIECE, 0, sa(&to), sizeof(to)), PIECE);
		api_run_ms(x.t, 1);
	}
	assert_in_range(zs_simpool_peak(x.pools->pkt), POOL / 2, POOL - POOL / 8 + 2);
	b = api_filled(0, PIECE);
	assert_int_equal(z_write(x.s, b, PIECE), PIECE);
	api_on(x.t, 0);
	assert_int_equal(z_read(x.c, &b, SIZE_MAX), PIECE);
	z_buf_free(b);
	while (ff_read(u, buf, PIECE) == PIECE)
		got++;
	assert_int_equal(zs_fd_sock(u)->udp->rx_drops, SENT - got);
	assert_true(got < SENT);
	api_on(x.t, 1);
	assert_int_equal(ff_sendto(v, buf, PIECE, 0, sa(&to), sizeof(to)), PIECE);
	api_run_ms(x.t, 1);
	api_on(x.t, 0);
	assert_int_equal(ff_read(u, buf, PIECE), PIECE);
	zs_simpool_limit(x.pools->pkt, UINT32_MAX);
	conn_close(&x);
}

#define shortage_test(f) cmocka_unit_test_setup_teardown(f, api_setup, api_teardown)

static const struct CMUnitTest tests[] = {
	shortage_test(test_who_finds_none_is_told_later),
	shortage_test(test_each_has_its_share),
	shortage_test(test_references_leave_header_buffers),
	shortage_test(test_references_of_a_chain),
	shortage_test(test_unread_datagrams_leave_buffers),
};

ZS_TEST_MAIN(tests)
