/* SPDX-License-Identifier: BSD-3-Clause */
/* z_ buffers: room, chains, sharing, cutting, completions, the application's own memory,
 * watermarks. */
#include <netinet/tcp.h>
#include <rte_mbuf.h>

#include "apitest.h"
#include "core/zs_state.h"
#include "zs_simpattern.h"
#include "zstack.h"

static struct zs_simpools *pools(void **state)
{
	struct api_world *t = *state;

	return &t->host[0].h->pools;
}

static void test_alloc(void **state)
{
	z_buf *b;

	(void)state;
	b = z_alloc(-1, 1000, 0);
	assert_non_null(b);
	assert_int_equal(z_buf_len(b), 0);
	assert_int_equal((uintptr_t)rte_pktmbuf_mtod((struct rte_mbuf *)b, char *) % 64, 0);
	assert_true(rte_pktmbuf_headroom((struct rte_mbuf *)b) >= 128);
	z_buf_free(b);
	b = z_alloc(-1, 20000, 0); /* from the pool with large rooms */
	assert_non_null(z_buf_append(b, 20000));
	z_buf_free(b);
	errno = 0;
	assert_null(z_alloc(-1, z_max_room() + 1, 0));
	assert_int_equal(errno, EMSGSIZE);
	assert_null(z_alloc(-1, 10, 77));
	assert_int_equal(errno, EINVAL);
	assert_null(z_alloc(5, 10, 0));
	assert_int_equal(errno, EBADF);
	z_buf_free(NULL);
}

/* Lengths of the pieces of b, which has n bytes in all: all but the last are `piece` long. */
static void expect_pieces(const z_buf *b, size_t n, size_t piece)
{
	struct z_iov v[1024];
	int pieces = z_buf_iov(b, v, 1024);

	assert_int_equal(pieces, (n + piece - 1) / piece);
	assert_int_equal(z_buf_len(b), n);
	assert_int_equal(((const struct rte_mbuf *)b)->nb_segs, pieces);
	assert_int_equal(((const struct rte_mbuf *)b)->pkt_len, n);
	for (int i = 0; i < pieces; i++)
		assert_int_equal(v[i].len, i + 1 < pieces ? piece : n - (size_t)i * piece);
}

static void expect_chain(int fd, size_t n, size_t piece)
{
	z_buf *b = z_alloc_chain(fd, n, 0);

	assert_non_null(b);
	expect_pieces(b, n, piece);
	z_buf_free(b);
}

/* More follows. */
static void expect_whole(int fd, size_t n, size_t piece, size_t whole)
{
	z_buf *b = z_alloc_chain(fd, n, MSG_MORE);

	assert_non_null(b);
	expect_pieces(b, whole, piece);
	z_buf_free(b);
}

static void test_chain(void **state)
{
	struct api_world *t = *state;
	struct zs_stack *s = t->host[0].h->s;
	size_t small = rte_pktmbuf_data_room_size(pools(state)->pkt) - RTE_PKTMBUF_HEADROOM;
	size_t large = z_max_room();
	uint32_t mss, offloads = s->netif[0].offloads;
	socklen_t len = sizeof(mss);
	int lfd, c, sfd;

	api_on(t, 1);
	lfd = api_listen(PORT, 0);
	api_pair(t, lfd, &c, &sfd);
	assert_int_equal(ff_getsockopt(c, IPPROTO_TCP, TCP_MAXSEG, &mss, &len), 0);
	assert_int_equal(mss, 1448);
	for (size_t n = 1; n <= 1 << 20; n = n * 7 + 1)
		expect_chain(c, n, mss); /* a segment each */
	expect_chain(c, 32 * mss, mss);
	s->netif[0].offloads |= ZS_OFF_TX_TSO; /* the device cuts */
	expect_chain(c, 1449, small);
	expect_chain(c, 2 * small, small);
	expect_chain(c, 2 * small + 1, large);
	expect_chain(c, 5 * large + 1, large);
	s->netif[0].offloads = offloads;
	expect_chain(-1, 100, small);
	expect_chain(-1, 1 << 20, large);
	expect_whole(c, 16384, mss, 11 * mss);
	expect_whole(c, 2 * mss, mss, 2 * mss);
	expect_whole(c, mss - 1, mss, mss - 1);
	expect_whole(-1, large + 1, large, large);
	expect_whole(-1, large - 1, large, large - 1);
	assert_null(z_alloc_chain(c, 0, 0));
	assert_int_equal(errno, EINVAL);
	assert_null(z_alloc_chain(c, (1 << 20) + 1, 0));
	assert_int_equal(errno, EINVAL);
	assert_null(z_alloc_chain(c, 10, 1));
	assert_int_equal(errno, EINVAL);
	assert_null(z_alloc_chain(5, 10, 0));
	assert_int_equal(errno, EBADF);
}

/* All or nothing; without large rooms small ones do. */
static void test_chain_when_short(void **state)
{
	struct zs_simpools *p = pools(state);
	size_t small = rte_pktmbuf_data_room_size(p->pkt) - RTE_PKTMBUF_HEADROOM;
	uint32_t live = zs_simpool_live(p->pkt);

	zs_simpool_limit(p->big, zs_simpool_live(p->big));
	zs_simpool_limit(p->pkt, live + 160);
	assert_null(z_alloc_chain(-1, 121 * small, 0)); /* the rest is not for the application */
	assert_int_equal(errno, ENOBUFS);
	assert_int_equal(zs_simpool_live(p->pkt), live);
	expect_chain(-1, 120 * small, small);
	zs_simpool_limit(p->pkt, UINT32_MAX);
	zs_simpool_limit(p->big, UINT32_MAX);
}

static void test_append_and_prepend(void **state)
{
	z_buf *b = z_alloc(-1, 100, 0);
	char *p = z_buf_append(b, 10);
	char *q;

	(void)state;
	memcpy(p, "0123456789", 10);
	assert_ptr_equal(z_buf_append(b, 5), p + 10);
	q = z_buf_prepend(b, 4);
	assert_ptr_equal(q, p - 4);
	assert_int_equal(z_buf_len(b), 19);
	assert_null(z_buf_append(b, 1 << 20));
	assert_int_equal(errno, ENOSPC);
	assert_null(z_buf_prepend(b, 1 << 20));
	assert_int_equal(z_buf_len(b), 19);
	z_buf_reset(b);
	assert_int_equal(z_buf_len(b), 0);
	assert_ptr_equal(z_buf_append(b, 1), p);
	z_buf_free(b);
}

static void test_chains(void **state)
{
	struct z_iov v[4];
	z_buf *a = api_filled(0, 100), *b = api_filled(100, 50), *c = api_filled(150, 1);
	uint8_t out[200];

	(void)state;
	assert_int_equal(z_buf_join(b, c), 0);
	assert_int_equal(z_buf_join(a, b), 0);
	errno = 0;
	assert_int_equal(z_buf_join(a, a), -1);
	assert_int_equal(errno, EINVAL);
	assert_errno(z_buf_join(a, b), EINVAL); /* part of it already */
	assert_errno(z_buf_join(b, a), EINVAL);
	api_expect_bytes(a, 0, 151);
	assert_int_equal(z_buf_iov(a, v, 1), 3);
	assert_int_equal(z_buf_iov(a, v, 4), 3);
	assert_int_equal(v[0].len + v[1].len + v[2].len, 151);
	assert_ptr_equal(v[0].buf, a);
	assert_int_equal(z_buf_copy_out(a, 90, out, 200), 61);
	assert_int_equal(zs_sim_match(1, 90, out, 61), 61);
	assert_int_equal(z_buf_copy_out(a, 151, out, 1), 0);
	z_buf_reset(a);
	assert_int_equal(z_buf_iov(a, v, 4), 1);
	z_buf_free(a);
}

static void test_split_anywhere(void **state)
{
	(void)state;
	for (size_t off = 1; off < 151; off++) {
		z_buf *a = api_filled(0, 100), *b = api_filled(100, 50), *c = api_filled(150, 1),
		      *rest;

		z_buf_join(a, b);
		z_buf_join(a, c);
		rest = z_buf_split(a, off);
		assert_non_null(rest);
		api_expect_bytes(a, 0, off);
		api_expect_bytes(rest, off, 151 - off);
		if (off % 2) {
			z_buf_free(a);
			api_expect_bytes(rest, off, 151 - off);
			z_buf_free(rest);
		} else {
			assert_int_equal(z_buf_join(a, rest), 0);
			api_expect_bytes(a, 0, 151);
			z_buf_free(a);
		}
	}
}

static void test_split_refuses(void **state)
{
	z_buf *a = api_filled(0, 100);

	errno = 0;
	assert_null(z_buf_split(a, 0));
	assert_int_equal(errno, EINVAL);
	assert_null(z_buf_split(a, 100));
	zs_simpool_limit(pools(state)->hdr, zs_simpool_live(pools(state)->hdr));
	assert_null(z_buf_split(a, 50));
	assert_int_equal(errno, ENOBUFS);
	zs_simpool_limit(pools(state)->hdr, UINT32_MAX);
	api_expect_bytes(a, 0, 100);
	z_buf_free(a);
}

static void test_sharing(void **state)
{
	z_buf *a = api_filled(0, 100), *b = api_filled(100, 50), *r, *s;

	(void)state;
	z_buf_join(a, b);
	assert_int_equal(z_buf_writable(a), 1);
	r = z_buf_ref(a);
	api_expect_bytes(r, 0, 150);
	assert_int_equal(z_buf_writable(a), 0);
	assert_int_equal(z_buf_writable(r), 0);
	errno = 0;
	assert_null(z_buf_append(r, 1));
	assert_int_equal(errno, ENOSPC);
	assert_null(z_buf_append(a, 1));
	assert_null(z_buf_prepend(a, 1));
	s = z_buf_slice(r, 90, 20);
	api_expect_bytes(s, 90, 20);
	z_buf_free(r);
	z_buf_free(a); /* the slice keeps what it shows */
	api_expect_bytes(s, 90, 20);
	errno = 0;
	assert_null(z_buf_slice(s, 10, 11));
	assert_int_equal(errno, EINVAL);
	assert_null(z_buf_slice(s, 0, 0));
	assert_null(z_buf_slice(s, 21, 1));
	z_buf_reset(s); /* a reference gives up what it shows; its own room is small */
	assert_int_equal(z_buf_len(s), 0);
	assert_null(z_buf_append(s, 1000));
	z_buf_free(s);
}

static void test_sharing_of_a_part_leaves_the_rest_writable(void **state)
{
	z_buf *a = api_filled(0, 100), *r = z_buf_ref(a);

	(void)state;
	z_buf_free(r);
	assert_int_equal(z_buf_writable(a), 1);
	assert_non_null(z_buf_append(a, 1));
	z_buf_free(a);
}

/* Nothing that needs another reference to b gets one, and b is as it was. */
static void expect_no_more(z_buf *b, int fd)
{
	size_t len = z_buf_len(b);

	errno = 0;
	assert_null(z_buf_ref(b));
	assert_int_equal(errno, ENOBUFS);
	assert_null(z_buf_slice(b, 10, 10));
	assert_null(z_buf_split(b, 10));
	assert_errno((int)z_write(fd, b, len), ENOBUFS);
}

/* They are counted in 16 bits: an application gets so many that the stack has some to send with. */
static void test_references_are_bounded(void **state)
{
	static uint8_t mem[100];
	struct api_world *t = *state;
	z_buf *b, *r;
	struct rte_mbuf *m;
	z_mem *reg;
	int lfd, c, sfd;

	zs_sim_fill(1, 0, mem, sizeof(mem));
	api_on(t, 1);
	lfd = api_listen(PORT, 0);
	api_pair(t, lfd, &c, &sfd);
	b = api_filled(0, 100);
	m = (struct rte_mbuf *)b;
	r = z_buf_ref(b);
	rte_mbuf_refcnt_set(m, UINT16_MAX);
	expect_no_more(b, c);
	errno = 0;
	assert_null(z_buf_ref(r));
	assert_int_equal(errno, ENOBUFS);
	assert_int_equal(rte_mbuf_refcnt_read(m), UINT16_MAX);
	rte_mbuf_refcnt_set(m, 2);
	z_buf_free(r);
	api_expect_bytes(b, 0, 100);
	z_buf_free(b);
	reg = z_mem_register(mem, sizeof(mem), 0);
	b = z_buf_wrap(reg, mem, sizeof(mem), NULL, NULL);
	m = (struct rte_mbuf *)b;
	rte_mbuf_ext_refcnt_set(m->shinfo, UINT16_MAX);
	rte_mbuf_refcnt_set(m, 2); /* to be written, it needs a reference too */
	expect_no_more(b, c);
	assert_int_equal(rte_mbuf_ext_refcnt_read(m->shinfo), UINT16_MAX);
	rte_mbuf_refcnt_set(m, 1);
	rte_mbuf_ext_refcnt_set(m->shinfo, 1);
	api_expect_bytes(b, 0, 100);
	z_buf_free(b);
	assert_int_equal(z_mem_unregister(reg), 0);
}

static void test_watermark(void **state)
{
	struct rte_mempool *mp = pools(state)->pkt;
	z_buf *b[200];
	int n = 0;

	zs_simpool_limit(mp, zs_simpool_live(mp) + 160);
	while (n < 200 && (b[n] = z_alloc(-1, 100, 0)) != NULL)
		n++;
	assert_int_equal(errno, ENOBUFS);
	assert_int_equal(n, 120); /* three quarters */
	z_buf_free(b[--n]);
	z_buf_free(b[--n]);
	assert_non_null(b[n++] = z_alloc(-1, 100, 0));
	while (n > 0)
		z_buf_free(b[--n]);
	zs_simpool_limit(mp, UINT32_MAX);
}

struct told {
	int times, status;
};

static void tell(void *arg, int status)
{
	struct told *t = arg;

	t->times++;
	t->status = status;
}

static void test_completion_of_what_is_not_sent(void **state)
{
	struct api_world *t = *state;
	struct told a = { 0 }, b = { 0 };
	z_buf *x = api_filled(0, 10), *y;

	errno = 0;
	assert_int_equal(z_buf_on_done(x, NULL, NULL), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(z_buf_on_done(x, tell, &a), 0);
	assert_int_equal(z_buf_on_done(x, tell, &a), -1);
	assert_int_equal(errno, EBUSY);
	y = z_buf_split(x, 5); /* the completion goes with the end */
	z_buf_free(x);
	z_poll(0);
	assert_int_equal(a.times, 0);
	z_buf_free(y);
	assert_int_equal(a.times, 0); /* not from inside a call */
	z_poll(0);
	assert_int_equal(a.times, 1);
	assert_int_equal(a.status, -ECANCELED);
	/* a context that ends tells what is left */
	x = api_filled(0, 10);
	assert_int_equal(z_buf_on_done(x, tell, &b), 0);
	zs_ctx_destroy(t->host[0].ctx);
	t->host[0].ctx = NULL;
	assert_int_equal(b.times, 0);
	z_buf_free(x);
	assert_int_equal(b.times, 1);
}

static void test_a_fresh_buffer_has_no_old_completion(void **state)
{
	struct told a = { 0 };
	struct rte_mbuf *m = rte_pktmbuf_alloc(pools(state)->pkt);

	assert_int_equal(z_buf_on_done((z_buf *)m, tell, &a), 0);
	z_buf_free((z_buf *)m);
	m = rte_pktmbuf_alloc(pools(state)->pkt); /* the same memory, as likely as not */
	rte_pktmbuf_free(m);
	z_poll(0);
	assert_int_equal(a.times, 1);
}

static void test_own_memory(void **state)
{
	static uint8_t mem[200000];
	struct told a = { 0 };
	struct z_iov v[16];
	z_mem *reg;
	z_buf *b, *r;

	(void)state;
	zs_sim_fill(1, 0, mem, sizeof(mem));
	errno = 0;
	assert_null(z_mem_register(NULL, 10, 0));
	assert_int_equal(errno, EINVAL);
	assert_null(z_mem_register(mem, 0, 0));
	reg = z_mem_register(mem, sizeof(mem), 0);
	assert_non_null(reg);
	assert_null(z_buf_wrap(reg, (void *)((uintptr_t)mem - 1), 10, tell, &a));
	assert_null(z_buf_wrap(reg, mem + 1, sizeof(mem), tell, &a));
	assert_null(z_buf_wrap(reg, mem + sizeof(mem), 1, tell, &a));
	assert_null(z_buf_wrap(reg, mem, 0, tell, &a));
	assert_int_equal(errno, EINVAL);

	b = z_buf_wrap(reg, mem + 5, 150000, tell, &a);
	api_expect_bytes(b, 5, 150000);
	assert_true(z_buf_iov(b, v, 16) > 1);
	assert_ptr_equal(v[0].ptr, mem + 5);
	r = z_buf_slice(b, 100000, 10);
	assert_ptr_equal(rte_pktmbuf_mtod((struct rte_mbuf *)r, uint8_t *), mem + 100005);
	errno = 0;
	assert_int_equal(z_mem_unregister(reg), -1);
	assert_int_equal(errno, EBUSY);
	z_buf_free(b);
	z_poll(0);
	assert_int_equal(a.times, 0); /* the slice still shows it */
	z_buf_free(r);
	z_poll(0);
	assert_int_equal(a.times, 1);
	assert_int_equal(a.status, 0);
	assert_int_equal(z_mem_unregister(reg), 0);
}

static void test_memory_is_one_cores(void **state)
{
	static uint8_t mem[100];
	struct api_world *t = *state;
	z_mem *reg, *also;
	z_buf *b;

	api_on(t, 0);
	reg = z_mem_register(mem, sizeof(mem), 0);
	api_on(t, 1);
	errno = 0;
	assert_null(z_buf_wrap(reg, mem, sizeof(mem), NULL, NULL));
	assert_int_equal(errno, EINVAL);
	assert_errno(z_mem_unregister(reg), EINVAL);
	also = z_mem_register(mem, sizeof(mem), 0);
	b = z_buf_wrap(also, mem, sizeof(mem), NULL, NULL);
	assert_non_null(b);
	api_on(t, 0);
	assert_errno(z_mem_unregister(also), EINVAL);
	assert_int_equal(z_mem_unregister(reg), 0);
	api_on(t, 1);
	assert_errno(z_mem_unregister(also), EBUSY);
	z_buf_free(b);
	assert_int_equal(z_mem_unregister(also), 0);
}

static void test_wrap_without_buffers(void **state)
{
	static uint8_t mem[100000];
	struct rte_mempool *hdr = pools(state)->hdr;
	struct told a = { 0 };
	z_mem *reg = z_mem_register(mem, sizeof(mem), 0);

	for (uint32_t more = 0; more < 3; more++) {
		zs_simpool_limit(hdr, zs_simpool_live(hdr) + more);
		errno = 0;
		assert_null(z_buf_wrap(reg, mem, sizeof(mem), tell, &a));
		assert_int_equal(errno, ENOBUFS);
	}
	zs_simpool_limit(hdr, UINT32_MAX);
	z_poll(0);
	assert_int_equal(a.times, 0);
	assert_int_equal(z_mem_unregister(reg), 0);
}

static void test_counters(void **state)
{
	struct z_drop drops[4];
	struct z_stats st;
	char buf[10];
	z_buf *b;

	(void)state;
	assert_int_equal(z_stats_get(&st, sizeof(st)), 0);
	assert_int_equal(st.buf_allocs, 0);
	b = api_filled(0, 10);
	z_buf_copy_out(b, 0, buf, 10);
	z_buf_free(b);
	assert_int_equal(z_stats_get(&st, sizeof(st)), 0);
	assert_int_equal(st.buf_allocs, 1);
	assert_int_equal(st.copies, 10);
	st.copies = 77;
	assert_int_equal(z_stats_get(&st, 8), 0); /* an older program's struct is shorter */
	assert_int_equal(st.copies, 77);
	assert_int_equal(z_drops_get(drops, 4), 0);
	assert_errno(z_ctx_fd(), ENOSYS);
	assert_errno(z_set_idle(Z_IDLE_POLL), ENOSYS);
}

/* ---- the descriptor: what the port is asked for ---- */

static struct {
	int armed;
	uint64_t at_us;
} fd_calls;

static int idle_asked = -1;

static int fake_fd(void *arg)
{
	(void)arg;
	return 77;
}

static void fake_arm(void *arg)
{
	(void)arg;
	fd_calls.armed++;
}

static void fake_at(void *arg, uint64_t at_us)
{
	(void)arg;
	fd_calls.at_us = at_us;
}

static void test_descriptor_of_a_context(void **state)
{
	struct api_world *t = *state;
	struct zs_drive *drive = &t->host[0].ctx->drive;

	drive->fd = fake_fd;
	drive->fd_arm = fake_arm;
	drive->fd_at = fake_at;
	assert_true(z_poll(1) >= 0);
	assert_int_equal(fd_calls.armed, 0); /* nobody has asked */
	assert_int_equal(z_ctx_fd(), 77);
	while (fd_calls.armed == 0) {
		fd_calls.at_us = 1;
		assert_true(z_poll(1) >= 0);
		/* Either it was told to be readable at once, or to wait. */
		assert_int_equal(fd_calls.at_us == 0, fd_calls.armed == 0);
	}
	assert_true(fd_calls.at_us > zs_stack_now(t->host[0].ctx->s));
}

static void fake_set_idle(void *arg, enum z_idle mode)
{
	(void)arg;
	idle_asked = (int)mode;
}

static void test_what_is_done_without_work(void **state)
{
	struct api_world *t = *state;

	t->host[0].ctx->drive.set_idle = fake_set_idle;
	assert_int_equal(z_set_idle(Z_IDLE_POWERSAVE), 0);
	assert_int_equal(idle_asked, Z_IDLE_POWERSAVE);
	assert_errno(z_set_idle((enum z_idle)(Z_IDLE_POWERSAVE + 1)), EINVAL);
	assert_errno(z_set_idle((enum z_idle) - 1), EINVAL);
	assert_int_equal(idle_asked, Z_IDLE_POWERSAVE);
}

static void test_without_a_stack(void **state)
{
	struct api_world *t = *state;
	struct z_stats st;
	z_buf *b;

	(void)zs_ctx_enter(NULL);
	errno = 0;
	assert_null(z_alloc(-1, 10, 0));
	assert_int_equal(errno, EPERM);
	assert_errno(z_poll(0), EPERM);
	assert_errno(z_ctx_fd(), EPERM);
	assert_errno(z_stats_get(&st, sizeof(st)), EPERM);
	assert_errno((int)z_read(1024, &b, 10), EPERM);
	assert_null(b);
	assert_int_equal(z_max_room(), 0);
	api_on(t, 0);
}

#define z_test(f) cmocka_unit_test_setup_teardown(f, api_setup, api_teardown)

static const struct CMUnitTest tests[] = {
	z_test(test_alloc),
	z_test(test_chain),
	z_test(test_chain_when_short),
	z_test(test_append_and_prepend),
	z_test(test_chains),
	z_test(test_split_anywhere),
	z_test(test_split_refuses),
	z_test(test_sharing),
	z_test(test_sharing_of_a_part_leaves_the_rest_writable),
	z_test(test_references_are_bounded),
	z_test(test_watermark),
	z_test(test_completion_of_what_is_not_sent),
	z_test(test_a_fresh_buffer_has_no_old_completion),
	z_test(test_own_memory),
	z_test(test_memory_is_one_cores),
	z_test(test_wrap_without_buffers),
	z_test(test_counters),
	z_test(test_descriptor_of_a_context),
	z_test(test_what_is_done_without_work),
	z_test(test_without_a_stack),
};

ZS_TEST_MAIN(tests)
