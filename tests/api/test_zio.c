/* SPDX-License-Identifier: BSD-3-Clause */
/* z_ I/O by descriptor: ownership, blocking, completions, moving between connections; no byte is
 * copied. */
#include <netinet/tcp.h>
#include <rte_mbuf.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include "apitest.h"
#include "core/tcp/zs_tcb.h"
#include "core/zs_state.h"
#include "ff_veth.h"
#include "zs_simpattern.h"
#include "zstack.h"

struct conn {
	struct api_world *t;
	int lfd, c, s; /* listener on b; client on a, accepted on b; all blocking */
};

static void conn_open(struct conn *x, void **state)
{
	x->t = *state;
	api_on(x->t, 1);
	x->lfd = api_listen(PORT, 0);
	api_pair(x->t, x->lfd, &x->c, &x->s);
}

static void set_nonblock(int fd)
{
	int on = 1;

	assert_int_equal(ff_ioctl(fd, FIONBIO, &on), 0);
}

static uint64_t copies(struct api_world *t, int host)
{
	return zs_stack_stats(t->host[host].h->s)->copies;
}

static void test_write_read_echo(void **state)
{
	struct conn x;
	uint64_t acked;
	z_buf *b;

	conn_open(&x, state);
	for (int i = 0; i < 5; i++) {
		api_on(x.t, 0);
		assert_int_equal(z_write(x.c, api_filled(0, 1000), 1000), 1000);
		api_on(x.t, 1);
		assert_int_equal(z_read(x.s, &b, 65536), 1000); /* waits for it */
		api_expect_bytes(b, 0, 1000);
		assert_int_equal(z_write(x.s, b, 1000), 1000); /* the very buffer goes back */
		api_on(x.t, 0);
		assert_int_equal(z_read(x.c, &b, 65536), 1000);
		api_expect_bytes(b, 0, 1000);
		z_buf_free(b);
	}
	api_run_ms(x.t, 100);
	assert_int_equal(z_acked(x.c, &acked), 0);
	assert_int_equal(acked, 5000);
	assert_int_equal(copies(x.t, 0), 0);
	assert_int_equal(copies(x.t, 1), 0);
}

static void test_what_is_not_a_buffer(void **state)
{
	static char bytes[512] __attribute__((aligned(64)));
	struct conn x;
	z_buf *b;

	conn_open(&x, state);
	assert_errno((int)z_write(x.c, NULL, 10), EINVAL);
	assert_errno((int)z_write(x.c, bytes, 10), EINVAL);
	assert_errno((int)z_write(x.c, bytes + 1, 10), EINVAL);
	b = api_filled(0, 100);
	assert_errno((int)z_write(x.c, b, 99), EINVAL);
	assert_errno((int)z_write(x.c, b, 101), EINVAL);
	assert_errno((int)z_write(x.t->base[0] + 100, b, 100), EBADF);
	assert_errno((int)z_sendto_buf(x.c, (z_buf *)bytes, NULL, 0, 0), EINVAL);
	z_buf_reset(b);
	assert_errno((int)z_write(x.c, b, 0), EINVAL);
	z_buf_free(b);
}

static void test_end_and_errors(void **state)
{
	struct linger l = { 1, 0 };
	struct conn x;
	z_buf *b = (z_buf *)&x;

	conn_open(&x, state);
	api_on(x.t, 1);
	set_nonblock(x.s);
	assert_errno((int)z_read(x.s, &b, 10), EAGAIN);
	assert_null(b);
	assert_errno((int)z_read(x.s, &b, 0),
		     EINVAL); /* whatever is there: it would wait for ever */
	api_on(x.t, 0);
	assert_int_equal(ff_shutdown(x.c, SHUT_WR), 0);
	b = api_filled(0, 10);
	assert_errno((int)z_write(x.c, b, 10), EPIPE);
	api_run_ms(x.t, 5);
	api_on(x.t, 1);
	assert_int_equal(z_write(x.s, b, 10), 10);
	b = (z_buf *)&x;
	assert_int_equal(z_read(x.s, &b, 10), 0);
	assert_null(b);
	assert_int_equal(ff_setsockopt(x.s, SOL_SOCKET, SO_LINGER, &l, sizeof(l)), 0);
	assert_int_equal(ff_close(x.s), 0);
	api_on(x.t, 0);
	api_run_ms(x.t, 5);
	assert_int_equal(z_read(x.c, &b, 100), 10); /* what came before the reset */
	z_buf_free(b);
	assert_errno((int)z_read(x.c, &b, 100), ECONNRESET);
	assert_int_equal(z_read(x.c, &b, 100), 0);
}

static void test_full_buffer_keeps_the_chain_mine(void **state)
{
	struct conn x;
	z_buf *b, *got;
	size_t off = 0, in = 0;
	ssize_t n;

	conn_open(&x, state);
	set_nonblock(x.c);
	for (;;) {
		b = api_filled(off, 8000);
		assert_int_equal(z_buf_join(b, api_filled(off + 8000, 8000)), 0);
		n = z_write(x.c, b, 16000);
		if (n < 0)
			break;
		off += 16000;
	}
	assert_int_equal(errno, EAGAIN);
	api_expect_bytes(b, off, 16000);
	assert_int_equal(z_send_space(x.c), 0);
	while (in < off) {
		api_on(x.t, 1);
		n = z_read(x.s, &got, SIZE_MAX);
		assert_true(n > 0);
		api_expect_bytes(got, in, (size_t)n);
		z_buf_free(got);
		in += (size_t)n;
	}
	api_on(x.t, 0);
	assert_true(z_send_space(x.c) > 0);
	assert_int_equal(z_write(x.c, b, 16000), 16000);
	assert_int_equal(copies(x.t, 0), 0);
}

static void test_blocking_write_waits_for_room(void **state)
{
	struct timeval tv = { 0, 50000 };
	struct conn x;
	uint64_t t0;
	int n = 0;
	z_buf *b;

	conn_open(&x, state);
	assert_int_equal(ff_setsockopt(x.c, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)), 0);
	for (;;) {
		b = api_filled(0, 16000);
		t0 = api_now_us(x.t);
		if (z_write(x.c, b, 16000) < 0)
			break;
		n++;
	}
	/* both the send buffer and the peer's receive buffer are full, and nobody reads */
	assert_int_equal(errno, EAGAIN);
	assert_in_range(api_now_us(x.t) - t0, 50000, 60000);
	assert_true(n >= 4);
	z_buf_free(b);
}

/* ---- looking ---- */

static void test_peek_and_consume(void **state)
{
	struct z_iov v[40];
	struct conn x;
	size_t sum = 0;
	int n;

	conn_open(&x, state);
	assert_int_equal(z_write(x.c, api_filled(0, 16000), 16000), 16000);
	api_run_ms(x.t, 20);
	api_on(x.t, 1);
	n = z_peek(x.s, v, 40, 0);
	assert_true(n > 10);
	for (int i = 0; i < n; i++) {
		assert_int_equal(zs_sim_match(1, sum, v[i].ptr, v[i].len), v[i].len);
		assert_int_equal(v[i].flags, 0);
		sum += v[i].len;
	}
	assert_int_equal(sum, 16000);
	assert_int_equal(z_peek(x.s, v, 3, 5000), 3);
	assert_int_equal(zs_sim_match(1, 5000, v[0].ptr, v[0].len), v[0].len);
	assert_errno(z_peek(x.s, v, 3, 16000), EAGAIN);
	assert_int_equal(z_consume(x.s, 5000), 5000);
	assert_int_equal(z_peek(x.s, v, 1, 0), 1);
	assert_int_equal(zs_sim_match(1, 5000, v[0].ptr, v[0].len), v[0].len);
	assert_int_equal(z_consume(x.s, SIZE_MAX), 11000);
	assert_errno(z_peek(x.s, v, 1, 0), EAGAIN);
	assert_int_equal(copies(x.t, 1), 0);
}

/* ---- batches ---- */

static void test_batches(void **state)
{
	z_buf *v[20];
	struct conn x;
	size_t off = 0;
	int n = 0;

	conn_open(&x, state);
	for (int i = 0; i < 20; i++)
		v[i] = api_filled((size_t)i * 100, 100);
	assert_int_equal(z_send_bufs(x.c, v, 20, 0), 20);
	api_on(x.t, 1);
	while (off < 2000) {
		n = z_recv_bufs(x.s, v, 20, NULL);
		assert_true(n > 0);
		for (int i = 0; i < n; i++) {
			assert_int_equal(((struct rte_mbuf *)v[i])->nb_segs, 1);
			api_expect_bytes(v[i], off, z_buf_len(v[i]));
			off += z_buf_len(v[i]);
			z_buf_free(v[i]);
		}
	}
	/* one batch is one write: two segments, not twenty */
	assert_int_equal(zs_stack_stats(x.t->host[0].h->s)->tcp_bytes_out, 2000);
	assert_true(zs_stack_stats(x.t->host[0].h->s)->tcp_segs_out <= 6);
	set_nonblock(x.s);
	assert_errno(z_recv_bufs(x.s, v, 20, NULL), EAGAIN);
	assert_errno(z_recv_bufs(x.s, v, 0, NULL), EINVAL);
	assert_errno(z_send_bufs(x.s, v, 0, 0), EINVAL);
	/* those before a wrong one are taken */
	v[0] = api_filled(0, 10);
	v[1] = NULL;
	assert_int_equal(z_send_bufs(x.s, v, 2, 0), 1);
	assert_errno(z_send_bufs(x.s, v + 1, 1, 0), EINVAL);
}

static void test_datagram_batches(void **state)
{
	struct sockaddr_in to = api_addr(1, 53);
	struct sockaddr_storage from[8];
	struct api_world *t = *state;
	z_buf *v[8];
	int a, b;

	api_on(t, 1);
	b = ff_socket(AF_INET, SOCK_DGRAM, 0);
	assert_int_equal(ff_bind(b, sa(&to), sizeof(to)), 0);
	api_on(t, 0);
	a = ff_socket(AF_INET, SOCK_DGRAM, 0);
	v[0] = api_filled(0, 10);
	assert_errno((int)z_sendto_buf(a, v[0], NULL, 0, 0), EDESTADDRREQ);
	assert_int_equal(z_sendto_buf(a, v[0], (struct sockaddr *)&to, sizeof(to), 0), 10);
	assert_int_equal(ff_connect(a, sa(&to), sizeof(to)), 0);
	v[0] = api_filled(10, 20);
	v[1] = api_filled(30, 30);
	assert_int_equal(z_send_bufs(a, v, 2, 0), 2);
	assert_errno((int)z_acked(a, &(uint64_t){ 0 }), EOPNOTSUPP);
	assert_errno(z_await_buffers(a), EOPNOTSUPP);
	api_run_ms(t, 5);
	api_on(t, 1);
	assert_int_equal(z_recv_bufs(b, v, 8, from), 3);
	for (int i = 0, off = 0; i < 3; i++) {
		struct sockaddr_in *sin = (struct sockaddr_in *)&from[i];

		api_expect_bytes(v[i], (size_t)off, (size_t)(i + 1) * 10);
		assert_int_equal(sin->sin_addr.s_addr, zs_sim_ip(10, 0, 0, 1));
		off += (i + 1) * 10;
		/* each goes back as it is to where it came from */
		assert_int_equal(z_sendto_buf(b, v[i], (struct sockaddr *)sin, sizeof(*sin), 0),
				 (i + 1) * 10);
	}
	api_on(t, 0);
	assert_int_equal(z_read(a, &v[0], 1), 10); /* whole, whatever is asked for */
	api_expect_bytes(v[0], 0, 10);
	z_buf_free(v[0]);
	assert_int_equal(copies(t, 0) + copies(t, 1), 0);
}

/* ---- completions ---- */

struct told {
	int times, status;
};

static void tell(void *arg, int status)
{
	struct told *t = arg;

	t->times++;
	t->status = status;
}

/* Any number of pieces of the application's memory; each is told of once. */
static void test_datagram_of_own_memory(void **state)
{
	enum { N = 12, EACH = 50 };
	static uint8_t mem[N * EACH];
	struct sockaddr_in to = api_addr(1, 53);
	struct told d[N] = { { 0 } };
	struct api_world *t = *state;
	z_buf *b = NULL, *got;
	z_mem *reg;
	int a, u;

	zs_sim_fill(1, 0, mem, sizeof(mem));
	api_on(t, 1);
	u = ff_socket(AF_INET, SOCK_DGRAM, 0);
	assert_int_equal(ff_bind(u, sa(&to), sizeof(to)), 0);
	api_on(t, 0);
	a = ff_socket(AF_INET, SOCK_DGRAM, 0);
	reg = z_mem_register(mem, sizeof(mem), 0);
	for (int i = 0; i < N; i++) {
		z_buf *w = z_buf_wrap(reg, mem + i * EACH, EACH, i % 2 ? tell : NULL, &d[i]);

		if (b == NULL)
			b = w;
		else
			assert_int_equal(z_buf_join(b, w), 0);
	}
	assert_int_equal(z_sendto_buf(a, b, (struct sockaddr *)&to, sizeof(to), 0), N * EACH);
	api_run_ms(t, 5);
	z_poll(0);
	for (int i = 0; i < N; i++) {
		assert_int_equal(d[i].times, i % 2);
		assert_int_equal(d[i].status, 0);
	}
	assert_int_equal(z_mem_unregister(reg), 0);
	api_on(t, 1);
	assert_int_equal(z_read(u, &got, 65536), N * EACH);
	api_expect_bytes(got, 0, N * EACH);
	z_buf_free(got);
}

static void test_completion_when_acknowledged(void **state)
{
	struct told d = { 0 };
	struct conn x;
	z_buf *b;

	conn_open(&x, state);
	b = api_filled(0, 1000);
	assert_int_equal(z_buf_on_done(b, tell, &d), 0);
	assert_int_equal(z_write(x.c, b, 1000), 1000);
	assert_int_equal(d.times, 0);
	api_run_ms(x.t, 100); /* the acknowledgement is there, but it is told in a turn */
	assert_int_equal(d.times, 0);
	z_poll(0);
	assert_int_equal(d.times, 1);
	assert_int_equal(d.status, 0);
}

/* A piece that shows nothing is done with when what was given before it is. */
static void completion_on_an_empty_piece(struct conn *x, bool shared)
{
	struct told d[3] = { { 0 } };
	z_buf *v[3] = { z_alloc(x->c, 100, 0), api_filled(0, 1000), z_alloc(x->c, 100, 0) };

	for (int i = 0; i < 3; i++) {
		assert_int_equal(z_buf_on_done(v[i], tell, &d[i]), 0);
		if (i > 0)
			assert_int_equal(z_buf_join(v[0], v[i]), 0);
	}
	if (shared)
		rte_mbuf_refcnt_update((struct rte_mbuf *)v[2], 1);
	assert_int_equal(z_write(x->c, v[0], 1000), 1000);
	z_poll(0);
	assert_int_equal(d[0].times, 1); /* nothing was before it */
	assert_int_equal(d[1].times + d[2].times, 0);
	api_run_ms(x->t, 100);
	z_poll(0);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(d[i].times, 1);
		assert_int_equal(d[i].status, 0);
	}
	if (shared)
		rte_pktmbuf_free((struct rte_mbuf *)v[2]);
}

static void test_completion_on_an_empty_piece(void **state)
{
	struct conn x;

	conn_open(&x, state);
	completion_on_an_empty_piece(&x, false);
	completion_on_an_empty_piece(&x, true);
}

static void test_completion_when_the_connection_dies(void **state)
{
	struct linger l = { 1, 0 };
	struct told d[2] = { { 0 } };
	struct conn x;
	z_buf *b;

	conn_open(&x, state);
	for (int i = 0; i < 2; i++) {
		b = api_filled(0, 1000);
		assert_int_equal(z_buf_on_done(b, tell, &d[i]), 0);
		x.t->link->wire[1].cfg.loss_ppm = 1000000; /* no acknowledgement */
		assert_int_equal(z_write(x.c, b, 1000), 1000);
	}
	api_run_ms(x.t, 1);
	assert_int_equal(ff_setsockopt(x.c, SOL_SOCKET, SO_LINGER, &l, sizeof(l)), 0);
	assert_int_equal(ff_close(x.c), 0);
	z_poll(0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(d[i].times, 1);
		assert_true(d[i].status < 0);
	}
}

static void write_again(void *arg, int status)
{
	struct conn *x = arg;

	assert_int_equal(status, 0);
	assert_int_equal(z_write(x->c, api_filled(0, 10), 10), 10);
	assert_int_equal(ff_close(x->c), 0); /* anything may be called */
}

static void test_completion_may_call_anything(void **state)
{
	struct conn x;
	z_buf *b;

	conn_open(&x, state);
	b = api_filled(0, 10);
	assert_int_equal(z_buf_on_done(b, write_again, &x), 0);
	assert_int_equal(z_write(x.c, b, 10), 10);
	api_run_ms(x.t, 100);
	z_poll(0);
	api_on(x.t, 1);
	api_run_ms(x.t, 5);
	assert_int_equal(z_read(x.s, &b, 100), 20);
	z_buf_free(b);
	assert_int_equal(z_read(x.s, &b, 100), 0);
}

static void test_own_memory_over_the_wire(void **state)
{
	static uint8_t mem[100000];
	struct told d = { 0 };
	struct conn x;
	size_t in = 0;
	z_mem *reg;
	z_buf *b;
	ssize_t n;

	conn_open(&x, state);
	zs_sim_fill(1, 0, mem, sizeof(mem));
	reg = z_mem_register(mem, sizeof(mem), 0);
	b = z_buf_wrap(reg, mem, sizeof(mem), tell, &d);
	assert_int_equal(z_write(x.c, b, sizeof(mem)), sizeof(mem));
	assert_errno(z_mem_unregister(reg), EBUSY);
	while (in < sizeof(mem)) {
		api_on(x.t, 1);
		n = z_read(x.s, &b, SIZE_MAX);
		assert_true(n > 0);
		api_expect_bytes(b, in, (size_t)n);
		z_buf_free(b);
		in += (size_t)n;
	}
	api_on(x.t, 0);
	for (int i = 0; i < 100 && d.times == 0; i++) {
		api_run_ms(x.t, 1);
		z_poll(0);
	}
	assert_int_equal(d.times, 1);
	assert_int_equal(d.status, 0);
	assert_int_equal(z_mem_unregister(reg), 0);
	assert_int_equal(copies(x.t, 0), 0);
}

/* Both ends; host 1 has read nothing, so that it resets the other. */
static void close_unread(struct conn *x)
{
	assert_int_equal(ff_close(x->c), 0);
	api_on(x->t, 1);
	assert_int_equal(ff_close(x->s), 0);
	api_on(x->t, 0);
	api_run_ms(x->t, 1000);
}

/* Each segment is a reference to the application's memory, which is not the stack's. */
static void test_own_memory_is_not_counted(void **state)
{
	static uint8_t mem[100000];
	struct rte_mempool *mp;
	struct zs_stack *s;
	struct conn x;
	z_mem *reg;
	z_buf *b;

	conn_open(&x, state);
	s = x.t->host[0].h->s;
	mp = x.t->host[0].h->pools.pkt;
	reg = z_mem_register(mem, sizeof(mem), 0);
	assert_int_equal(z_write(x.c, z_buf_wrap(reg, mem, sizeof(mem), NULL, NULL), sizeof(mem)),
			 sizeof(mem));
	x.t->link->wire[1].cfg.loss_ppm = 1000000;
	api_run_ms(x.t, 1);
	assert_true(zs_stack_stats(s)->tcp_bytes_out >= 10 * 1448);
	assert_true(zs_fd_sock(x.c)->tcb->sndq.mem < sizeof(mem));
	zs_simpool_limit(mp, 100);
	zs_pool_watch(s, UINT16_MAX);
	b = z_alloc(x.c, 1000, 0);
	assert_non_null(b);
	z_buf_free(b);
	zs_simpool_limit(mp, UINT32_MAX);
	x.t->link->wire[1].cfg.loss_ppm = 0;
	close_unread(&x);
	assert_int_equal(z_mem_unregister(reg), 0);
}

/* What a device received into memory beside its buffers is counted once, however many segments it
 * leaves in. */
static void test_device_memory_is_counted_once(void **state)
{
	static uint8_t mem[30000];
	struct conn x;
	z_mem *reg;
	z_buf *b;

	conn_open(&x, state);
	reg = z_mem_register(mem, sizeof(mem), 0);
	b = z_buf_wrap(reg, mem, sizeof(mem), NULL, NULL);
	((struct rte_mbuf *)b)->ol_flags &= ~ZS_PKT_LENT;
	assert_int_equal(z_write(x.c, b, sizeof(mem)), sizeof(mem));
	x.t->link->wire[1].cfg.loss_ppm = 1000000;
	api_run_ms(x.t, 1);
	assert_true(zs_stack_stats(x.t->host[0].h->s)->tcp_bytes_out >= 10 * 1448);
	assert_in_range(zs_fd_sock(x.c)->tcb->sndq.mem, sizeof(mem), 2 * sizeof(mem));
	x.t->link->wire[1].cfg.loss_ppm = 0;
	close_unread(&x);
	assert_int_equal(z_mem_unregister(reg), 0);
}

/* Where the device cuts segments, what does not fit into an ordinary buffer is copied into a large
 * one. */
static void test_copy_takes_one_large_buffer(void **state)
{
	enum { SIZE = 3000 };
	static uint8_t bytes[SIZE], got[SIZE];
	struct z_stats before, after;
	struct zs_simhost *h;
	struct conn x;

	conn_open(&x, state);
	zs_sim_fill(1, 0, bytes, SIZE);
	h = x.t->host[0].h;
	h->cfg.stack.netif[0].offloads |= ZS_OFF_TX_TSO | ZS_OFF_TX_TCP_CKSUM;
	h->s->netif[0].offloads = h->cfg.stack.netif[0].offloads;
	assert_int_equal(z_stats_get(&before, sizeof(before)), 0);
	assert_int_equal(ff_write(x.c, bytes, SIZE), SIZE);
	assert_int_equal(z_stats_get(&after, sizeof(after)), 0);
	assert_int_equal(after.allocs, before.allocs + 1);
	api_on(x.t, 1);
	for (size_t in = 0; in < SIZE;) {
		ssize_t n = ff_read(x.s, got + in, SIZE - in);

		assert_true(n > 0);
		in += (size_t)n;
	}
	assert_memory_equal(got, bytes, SIZE);
}

/* The headers of a copying write, with timestamps, begin in the buffer's second line; a device that
 * puts its own before them (virtio) still begins in the first. */
static void test_copy_leaves_the_first_line(void **state)
{
	struct rte_mbuf *m;
	struct conn x;

	conn_open(&x, state);
	assert_int_equal(ff_write(x.c, "abc", 3), 3);
	m = zs_fd_sock(x.c)->tcb->sndq.head;
	assert_in_range(m->data_off, RTE_CACHE_LINE_SIZE, 2 * RTE_CACHE_LINE_SIZE - 1);
	assert_int_equal(m->data_len, 66 + 3);
	assert_true(zs_seg(m)->off >= RTE_PKTMBUF_HEADROOM);
}

/* A head that was written, and a body that is referred to: the headers go in front of the head. */
static void test_head_and_own_memory_are_two_buffers(void **state)
{
	enum { HEAD = 50, BODY = 200, ALL = HEAD + BODY };
	static uint8_t mem[BODY];
	struct z_stats before, after;
	struct told d = { 0 };
	struct conn x;
	z_mem *reg;
	z_buf *b;

	conn_open(&x, state);
	zs_sim_fill(1, HEAD, mem, BODY);
	reg = z_mem_register(mem, BODY, 0);
	for (int lost = 0; lost < 2; lost++) {
		api_on(x.t, 0);
		assert_int_equal(z_stats_get(&before, sizeof(before)), 0);
		b = api_filled(0, HEAD);
		z_buf_join(b, z_buf_wrap(reg, mem, BODY, tell, &d));
		x.t->link->wire[0].cfg.loss_ppm = lost ? 1000000 : 0;
		assert_int_equal(z_write(x.c, b, ALL), ALL);
		api_run_ms(x.t, 1);
		assert_int_equal(z_stats_get(&after, sizeof(after)), 0);
		assert_int_equal(after.tx_in_place, before.tx_in_place + 1);
		assert_int_equal(after.tx_indirect, before.tx_indirect);
		x.t->link->wire[0].cfg.loss_ppm = 0;
		api_run_ms(x.t, 1000);
		api_on(x.t, 1);
		assert_int_equal(z_read(x.s, &b, SIZE_MAX), ALL);
		api_expect_bytes(b, 0, ALL);
		z_buf_free(b);
	}
	api_on(x.t, 0);
	api_run_ms(x.t, 1000);
	z_poll(0);
	assert_int_equal(d.times, 2);
	assert_int_equal(z_mem_unregister(reg), 0);
	assert_int_equal(copies(x.t, 0), 0);
}

static void test_own_memory_of_a_dead_connection(void **state)
{
	static uint8_t mem[1000];
	struct linger l = { 1, 0 };
	struct told d = { 0 };
	struct conn x;
	z_mem *reg;

	conn_open(&x, state);
	reg = z_mem_register(mem, sizeof(mem), 0);
	x.t->link->wire[1].cfg.loss_ppm = 1000000;
	assert_int_equal(z_write(x.c, z_buf_wrap(reg, mem, 1000, tell, &d), 1000), 1000);
	api_run_ms(x.t, 1);
	assert_int_equal(ff_setsockopt(x.c, SOL_SOCKET, SO_LINGER, &l, sizeof(l)), 0);
	assert_int_equal(ff_close(x.c), 0);
	api_run_ms(x.t, 1);
	z_poll(0);
	assert_int_equal(d.times, 1);
	assert_true(d.status < 0);
	assert_int_equal(z_mem_unregister(reg), 0);
}

/* ---- with the SYN ---- */

/* A client that connects when it writes, if it knows the server's cookie: what connect() says. */
static int connect_fast(int *fd)
{
	struct sockaddr_in to = api_addr(1, PORT);
	int on = 1;

	*fd = ff_socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	assert_int_equal(ff_setsockopt(*fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &on, sizeof(on)), 0);
	return ff_connect(*fd, sa(&to), sizeof(to));
}

/* Fast Open: more may be announced and never come. The SYN takes what one call gave. */
static void test_fast_open_waits_for_no_more(void **state)
{
	struct api_world *t = *state;
	z_buf *b[2], *got;
	int qlen = 8, lfd, fd, s;

	api_on(t, 1);
	lfd = api_listen(PORT, SOCK_NONBLOCK);
	assert_int_equal(ff_setsockopt(lfd, IPPROTO_TCP, TCP_FASTOPEN, &qlen, sizeof(qlen)), 0);
	api_on(t, 0);
	assert_errno(connect_fast(&fd), EINPROGRESS); /* asks for the cookie */
	api_run_ms(t, 10);
	ff_close(fd);
	api_on(t, 1);
	ff_close(ff_accept(lfd, NULL, NULL));
	for (int n = 1; n <= 2; n++) {
		api_on(t, 0);
		assert_int_equal(connect_fast(&fd), 0);
		b[0] = api_filled(0, 100);
		b[1] = api_filled(100, 100);
		if (n == 1) {
			assert_int_equal(z_sendto_buf(fd, b[0], NULL, 0, MSG_MORE), 100);
			z_buf_free(b[1]);
		} else {
			assert_int_equal(z_send_bufs(fd, b, 2, MSG_MORE), 2);
		}
		api_run_ms(t, 10);
		api_on(t, 1);
		s = ff_accept4(lfd, NULL, NULL, SOCK_NONBLOCK);
		assert_true(s >= 0);
		assert_int_equal(z_read(s, &got, 65536), n * 100); /* came with the SYN */
		api_expect_bytes(got, 0, (size_t)n * 100);
		z_buf_free(got);
		ff_close(s);
		api_on(t, 0);
		ff_close(fd);
	}
}

/* ---- the names of the paper and of the prototype ---- */

static void test_the_papers_listings(void **state)
{
	struct rte_mempool *mp;
	struct rte_mbuf *m;
	struct conn x;
	char *data;
	void *mb;

	conn_open(&x, state);
	mp = x.t->host[0].h->pools.pkt;
	m = rte_pktmbuf_alloc(mp);
	data = rte_pktmbuf_mtod(m, char *);
	memcpy(data, "request", 7);
	m->data_len = 7; /* and pkt_len is forgotten, as programs do */
	assert_int_equal(z_write(x.c, m, 7), 7);
	api_on(x.t, 1);
	assert_int_equal(z_read(x.s, &mb, 4096), 7);
	assert_memory_equal(ff_mbuf_mtod(mb), "request", 7);
	/* the prototype's server: unwrap, reset, fill, wrap */
	m = ff_rte_frm_extcl(mb);
	ff_mbuf_detach_rte(mb);
	ff_mbuf_free(mb);
	rte_pktmbuf_reset(m);
	data = rte_pktmbuf_mtod(m, char *);
	memcpy(data, "response", 8);
	m->data_len = 8;
	m->pkt_len = 8;
	mb = ff_mbuf_get(NULL, m, data, m->data_len);
	assert_int_equal(z_write(x.s, mb, 8), 8);
	api_on(x.t, 0);
	assert_int_equal(z_read(x.c, &mb, 4096), 8);
	assert_memory_equal(ff_mbuf_mtod(mb), "response", 8);
	ff_mbuf_free(mb);
}

/* ---- moving: b is the proxy between two clients of a ---- */

struct proxy {
	struct conn in, out;
};

static void proxy_open(struct proxy *p, void **state)
{
	conn_open(&p->in, state);
	p->out = p->in;
	api_pair(p->in.t, p->in.lfd, &p->out.c, &p->out.s);
}

static void test_splice(void **state)
{
	struct proxy p;
	z_buf *b;

	proxy_open(&p, state);
	assert_int_equal(z_write(p.in.c, api_filled(0, 3000), 3000), 3000);
	api_on(p.in.t, 1);
	assert_errno((int)z_splice(p.in.s, p.out.s, 100, 1), EINVAL);
	assert_errno((int)z_splice(p.in.s, p.in.lfd, 100, 0), EINVAL);
	for (ssize_t sum = 0; sum < 3000;) {
		ssize_t n = z_splice(p.in.s, p.out.s, 1 << 20, 0); /* waits for what comes */

		assert_true(n > 0);
		sum += n;
	}
	api_on(p.in.t, 0);
	api_run_ms(p.in.t, 5);
	assert_int_equal(z_read(p.out.c, &b, 65536), 3000);
	api_expect_bytes(b, 0, 3000);
	z_buf_free(b);
	assert_int_equal(ff_shutdown(p.in.c, SHUT_WR), 0);
	api_on(p.in.t, 1);
	assert_int_equal(z_splice(p.in.s, p.out.s, 1 << 20, 0), 0);
	assert_int_equal(copies(p.in.t, 1), 0);
}

/* Moves total bytes from fd x to fd y, both on a, through the relay on b. */
static void pump(struct api_world *t, int x, int y, size_t total)
{
	size_t out = 0, in = 0;
	z_buf *b = NULL, *got;

	api_on(t, 0);
	set_nonblock(x);
	set_nonblock(y);
	for (int i = 0; i < 20000 && in < total; i++) {
		ssize_t n;

		api_on(t, 0);
		while (out < total) {
			size_t len = total - out < 1400 ? total - out : 1400;

			if (b == NULL)
				b = api_filled(out, len);
			if (z_write(x, b, len) < 0)
				break;
			b = NULL;
			out += len;
		}
		n = z_read(y, &got, 10000);
		if (n > 0) {
			api_expect_bytes(got, in, (size_t)n);
			z_buf_free(got);
			in += (size_t)n;
		}
		api_on(t, 1);
		z_poll(0);
	}
	assert_int_equal(in, total);
}

static void test_relay(void **state)
{
	struct proxy p;
	z_buf *b;

	proxy_open(&p, state);
	api_on(p.in.t, 1);
	assert_errno(z_splice_auto(p.in.s, p.in.s, 0, 0), EINVAL);
	assert_errno(z_splice_auto(p.in.s, p.in.lfd, 0, 0), EINVAL);
	assert_errno(z_splice_auto(p.in.s, p.out.s, 2, 1), EINVAL);
	assert_int_equal(z_splice_auto(p.in.s, p.out.s, 0, 0), 0);
	assert_errno(z_splice_auto(p.in.s, p.out.s, 0, 0), EBUSY);
	pump(p.in.t, p.in.c, p.out.c, 500000);
	pump(p.in.t, p.out.c, p.in.c, 500000);
	assert_int_equal(copies(p.in.t, 1), 0);
	/* the ends of both streams are passed on, one after the other */
	api_on(p.in.t, 0);
	assert_int_equal(ff_shutdown(p.in.c, SHUT_WR), 0);
	for (int i = 0; i < 20; i++) {
		api_on(p.in.t, 1);
		api_run_ms(p.in.t, 1);
		z_poll(0);
	}
	api_on(p.in.t, 0);
	assert_int_equal(z_read(p.out.c, &b, 1), 0);
	assert_errno((int)z_read(p.in.c, &b, 1), EAGAIN);
	assert_int_equal(ff_close(p.out.c), 0);
	for (int i = 0; i < 20; i++) {
		api_on(p.in.t, 1);
		api_run_ms(p.in.t, 1);
		z_poll(0);
	}
	api_on(p.in.t, 0);
	assert_int_equal(z_read(p.in.c, &b, 1), 0);
}

static void test_relay_with_watermarks(void **state)
{
	struct proxy p;
	struct zs_sock *sk;
	struct zs_tcp_info info;
	uint32_t peak = 0;
	size_t out = 0;

	proxy_open(&p, state);
	api_on(p.in.t, 1);
	assert_int_equal(z_splice_auto(p.in.s, p.out.s, 4000, 10000), 0);
	sk = zs_fd_sock(p.out.s);
	set_nonblock(p.in.s);
	api_on(p.in.t, 0);
	set_nonblock(p.in.c);
	p.in.t->link->wire[0].cfg.delay_ns =
		5 * ZS_MS; /* acknowledgements come late: the queue fills */
	for (int i = 0; i < 200; i++) {
		z_buf *b;

		api_on(p.in.t, 0);
		b = api_filled(out, 1400);
		if (z_write(p.in.c, b, 1400) == 1400)
			out += 1400;
		else
			z_buf_free(b);
		api_on(p.in.t, 1);
		api_run_ms(p.in.t, 1);
		z_poll(0);
		zs_tcp_get_info(sk->s, sk->tcb, &info);
		peak = RTE_MAX(peak, info.snd_queued);
	}
	assert_in_range(peak, 8600, 10000);
	p.in.t->link->wire[0].cfg.delay_ns = 20 * ZS_US;
	for (size_t in = 0; in < out;) {
		z_buf *b;
		ssize_t n;

		api_on(p.in.t, 1);
		z_poll(0);
		api_on(p.in.t, 0);
		set_nonblock(p.out.c);
		n = z_read(p.out.c, &b, SIZE_MAX);
		if (n > 0) {
			api_expect_bytes(b, in, (size_t)n);
			z_buf_free(b);
			in += (size_t)n;
		}
	}
}

/* Room that goes without a refused write comes back with an event all the same. */
static void test_relay_when_the_room_went_by_itself(void **state)
{
	int on = 1, small = 1;
	struct proxy p;
	z_buf *b;

	proxy_open(&p, state);
	api_on(p.in.t, 1);
	assert_int_equal(z_splice_auto(p.in.s, p.out.s, 0, 0), 0);
	api_on(p.in.t, 0);
	set_nonblock(p.out.c);
	assert_int_equal(ff_setsockopt(p.in.c, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)), 0);
	p.in.t->link->wire[0].cfg.delay_ns = 50 * ZS_MS;
	assert_int_equal(z_write(p.in.c, api_filled(0, 8000), 8000), 8000);
	for (int ms = 0; ms < 1000; ms++) {
		api_on(p.in.t, ms == 10 ? 0 : 1);
		if (ms == 10)
			assert_int_equal(z_write(p.in.c, api_filled(8000, 1000), 1000), 1000);
		if (ms == 55)
			assert_int_equal(ff_setsockopt(p.out.s, SOL_SOCKET, SO_SNDBUF, &small,
						       sizeof(small)),
					 0);
		if (ms == 70) {
			assert_int_equal(z_send_space(p.out.s), 0);
			assert_int_equal(zs_sock_readable(zs_fd_sock(p.in.s)), 1000);
		}
		api_run_ms(p.in.t, 1);
		z_poll(0);
	}
	api_on(p.in.t, 0);
	assert_int_equal(z_read(p.out.c, &b, SIZE_MAX), 9000);
	api_expect_bytes(b, 0, 9000);
	z_buf_free(b);
}

static bool hung_up(int fd)
{
	struct pollfd p = { .fd = fd };

	return ff_poll(&p, 1, 0) == 1 && p.revents & POLLHUP;
}

/* One side hangs up while it still has something to pass on; both, when all is. */
static void test_relay_hangs_up_on_both_sides(void **state)
{
	enum { N = 30000 };
	struct proxy p;
	int early = 0, turns = 0;
	char c;

	proxy_open(&p, state);
	api_on(p.in.t, 1);
	assert_int_equal(z_splice_auto(p.in.s, p.out.s, 1000, 4000), 0);
	api_on(p.in.t, 0);
	api_write_all(p.in.c, N, 3);
	assert_int_equal(ff_shutdown(p.in.c, SHUT_WR), 0);
	assert_int_equal(ff_shutdown(p.out.c, SHUT_WR), 0);
	api_on(p.in.t, 1);
	while (!hung_up(p.in.s) || !hung_up(p.out.s)) {
		early += hung_up(p.in.s) && zs_sock_readable(zs_fd_sock(p.in.s)) > 0;
		assert_in_range(++turns, 1, 2000);
		api_run_ms(p.in.t, 1);
		z_poll(0);
	}
	assert_in_range(early, 1, turns);
	assert_int_equal(ff_close(p.in.s), 0);
	assert_int_equal(ff_close(p.out.s), 0);
	api_on(p.in.t, 0);
	api_expect(p.out.c, N, 3);
	assert_int_equal(ff_read(p.out.c, &c, 1), 0);
}

static void test_relay_passes_a_reset_on(void **state)
{
	struct linger l = { 1, 0 };
	struct proxy p;
	z_buf *b;

	proxy_open(&p, state);
	api_on(p.in.t, 1);
	assert_int_equal(z_splice_auto(p.in.s, p.out.s, 0, 0), 0);
	api_on(p.in.t, 0);
	assert_int_equal(ff_setsockopt(p.in.c, SOL_SOCKET, SO_LINGER, &l, sizeof(l)), 0);
	assert_int_equal(ff_close(p.in.c), 0);
	api_run_ms(p.in.t, 2);
	api_on(p.in.t, 1);
	z_poll(0);
	z_poll(0);
	api_run_ms(p.in.t, 2);
	assert_errno((int)z_read(p.in.s, &b, 1), ECONNRESET); /* the application finds the error */
	api_on(p.in.t, 0);
	assert_errno((int)z_read(p.out.c, &b, 1), ECONNRESET);
}

/* Without another connection to put in its place, the other side is reset when it is closed. */
static void test_relay_passes_a_reset_on_in_need(void **state)
{
	enum { ALL = 1024 };
	struct linger l = { 1, 0 };
	struct zs_sock *more[ALL];
	struct zs_stack *s;
	struct proxy p;
	z_buf *b;
	int n = 0;

	proxy_open(&p, state);
	s = p.in.t->host[1].h->s;
	api_on(p.in.t, 1);
	assert_int_equal(z_splice_auto(p.in.s, p.out.s, 0, 0), 0);
	while (zs_sock_create(s, AF_INET, SOCK_STREAM, 0, &more[n]) == 0)
		assert_in_range(++n, 1, ALL - 1);
	api_on(p.in.t, 0);
	assert_int_equal(ff_setsockopt(p.in.c, SOL_SOCKET, SO_LINGER, &l, sizeof(l)), 0);
	assert_int_equal(ff_close(p.in.c), 0);
	api_run_ms(p.in.t, 2);
	api_on(p.in.t, 1);
	z_poll(0);
	z_poll(0);
	assert_int_equal(ff_close(p.out.s), 0);
	assert_int_equal(ff_close(p.in.s), 0);
	while (n > 0)
		assert_int_equal(zs_sock_close(more[--n]), 0);
	api_run_ms(p.in.t, 2);
	api_on(p.in.t, 0);
	assert_errno((int)z_read(p.out.c, &b, 1), ECONNRESET);
}

static void test_relay_ends_with_its_sockets(void **state)
{
	struct proxy p;
	z_buf *b;

	proxy_open(&p, state);
	api_on(p.in.t, 1);
	assert_int_equal(z_splice_auto(p.in.s, p.out.s, 0, 0), 0);
	assert_int_equal(ff_close(p.in.s), 0);
	z_poll(0);
	/* the other is an ordinary socket again */
	assert_int_equal(z_write(p.out.s, api_filled(0, 10), 10), 10);
	api_on(p.in.t, 0);
	assert_int_equal(z_read(p.out.c, &b, 100), 10);
	z_buf_free(b);
}

/* A listener has no stream to move: whoever made one of a relayed socket ended the relay. */
static void test_relay_ends_with_listen(void **state)
{
	struct sockaddr_in nobody = api_addr(77, 1), unspec = { .sin_family = AF_UNSPEC };
	struct proxy p;
	char buf[8];
	int l;

	proxy_open(&p, state);
	api_on(p.in.t, 1);
	l = ff_socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	assert_errno(ff_connect(l, sa(&nobody), sizeof(nobody)), EINPROGRESS);
	assert_int_equal(z_splice_auto(l, p.out.s, 1, 1000), 0);
	assert_int_equal(ff_connect(l, sa(&unspec), sizeof(unspec)), 0);
	assert_int_equal(ff_listen(l, 1), 0);
	api_on(p.in.t, 0);
	assert_int_equal(ff_write(p.out.c, "abc", 3), 3);
	api_run_ms(p.in.t, 2);
	api_on(p.in.t, 1);
	z_poll(0);
	assert_int_equal(ff_read(p.out.s, buf, sizeof(buf)), 3);
}

#define z_test(f) cmocka_unit_test_setup_teardown(f, api_setup, api_teardown)

static const struct CMUnitTest tests[] = {
	z_test(test_write_read_echo),
	z_test(test_what_is_not_a_buffer),
	z_test(test_end_and_errors),
	z_test(test_full_buffer_keeps_the_chain_mine),
	z_test(test_blocking_write_waits_for_room),
	z_test(test_peek_and_consume),
	z_test(test_batches),
	z_test(test_datagram_batches),
	z_test(test_datagram_of_own_memory),
	z_test(test_completion_when_acknowledged),
	z_test(test_completion_on_an_empty_piece),
	z_test(test_completion_when_the_connection_dies),
	z_test(test_completion_may_call_anything),
	z_test(test_own_memory_over_the_wire),
	z_test(test_own_memory_is_not_counted),
	z_test(test_device_memory_is_counted_once),
	z_test(test_copy_takes_one_large_buffer),
	z_test(test_copy_leaves_the_first_line),
	z_test(test_head_and_own_memory_are_two_buffers),
	z_test(test_own_memory_of_a_dead_connection),
	z_test(test_fast_open_waits_for_no_more),
	z_test(test_the_papers_listings),
	z_test(test_splice),
	z_test(test_relay),
	z_test(test_relay_with_watermarks),
	z_test(test_relay_when_the_room_went_by_itself),
	z_test(test_relay_hangs_up_on_both_sides),
	z_test(test_relay_passes_a_reset_on),
	z_test(test_relay_passes_a_reset_on_in_need),
	z_test(test_relay_ends_with_its_sockets),
	z_test(test_relay_ends_with_listen),
};

ZS_TEST_MAIN(tests)
