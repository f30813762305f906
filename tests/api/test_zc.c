/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The zero-copy calls of others: F-Stack's ff_zc_mbuf_get() and what follows it, and the
 * prototype's way to answer in the buffer of the question.
 */
#include <rte_mbuf.h>
#include <stdlib.h>

#include "apitest.h"
#include "ff_veth.h"

static void make_pair(struct api_world *t, int *c, int *s)
{
	api_on(t, 1);
	api_pair(t, api_listen(PORT, 0), c, s);
}

static void fill(char *buf, size_t n)
{
	for (size_t i = 0; i < n; i++)
		buf[i] = (char)(i * 7 + i / 251);
}

static void zc_send_of_each_size(void **state)
{
	static const int sizes[] = { 1, 100, 1448, 8000, 150000 };
	struct api_world *t = *state;
	char *data = malloc(150000), *got = malloc(150000);
	int c, s;

	make_pair(t, &c, &s);
	fill(data, 150000);
	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct ff_zc_mbuf m;
		uint64_t copies;
		int n = sizes[i];

		api_on(t, 0);
		copies = zs_stack_stats(t->host[0].h->s)->copies;
		assert_int_equal(ff_zc_mbuf_get(&m, n), 0);
		for (int off = 0; off < n; off += 1440)
			assert_int_equal(
				ff_zc_mbuf_write(&m, data + off, n - off < 1440 ? n - off : 1440),
				n - off < 1440 ? n - off : 1440);
		assert_errno(ff_zc_mbuf_write(&m, data, 1), EINVAL); /* full */
		assert_int_equal(ff_write(c, m.bsd_mbuf, (size_t)n), n);
		assert_int_equal(zs_stack_stats(t->host[0].h->s)->copies, copies);
		api_on(t, 1);
		memset(got, 0, (size_t)n);
		assert_int_equal(ff_recv(s, got, (size_t)n, MSG_WAITALL), n);
		assert_memory_equal(got, data, n);
	}
	free(data);
	free(got);
}

static void zc_chain_stays_ours_on_failure(void **state)
{
	struct api_world *t = *state;
	struct ff_zc_mbuf m, other;
	int c, s, fd;

	make_pair(t, &c, &s);
	fd = ff_socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(ff_zc_mbuf_get(&m, 4), 0);
	assert_int_equal(ff_zc_mbuf_write(&m, "data", 4), 4);
	assert_int_equal(ff_write(fd, m.bsd_mbuf, 4), -1);
	assert_int_equal(ff_zc_send(c, m.bsd_mbuf, 4), 4);
	/* freed by hand, and at the end of the context */
	assert_int_equal(ff_zc_mbuf_get(&m, 100000), 0);
	ff_mbuf_free(m.bsd_mbuf);
	assert_int_equal(ff_zc_mbuf_get(&other, 10), 0);
	assert_errno(ff_zc_mbuf_get(&m, 0), EINVAL);
	assert_errno(ff_zc_mbuf_get(NULL, 5), EINVAL);
	/* plain bytes are plain bytes while a chain is out */
	assert_int_equal(ff_write(c, "plain", 5), 5);
}

/* The prototype's example: take the request's buffer out of its wrapper, write the answer into it,
 * send it. */
static void answer_in_the_buffer_of_the_question(void **state)
{
	struct api_world *t = *state;
	struct rte_mbuf *rte;
	uint64_t copies, allocs;
	char buf[64];
	void *mb, *data;
	unsigned len;
	int c, s;

	make_pair(t, &c, &s);
	for (int round = 0; round < 3; round++) {
		api_on(t, 0);
		assert_int_equal(ff_write(c, "question", 8), 8);
		api_run_ms(t, 1);
		api_on(t, 1);
		copies = zs_stack_stats(t->host[1].h->s)->copies;
		allocs = zs_simpool_allocs(t->host[1].h->pools.pkt);
		assert_int_equal(z_read(s, &mb, 4096), 8);
		assert_memory_equal(ff_mbuf_mtod(mb), "question", 8);
		assert_int_equal(ff_mbuf_copydata(mb, buf, 5, 3), 0);
		assert_memory_equal(buf, "ion", 3);
		assert_errno(ff_mbuf_copydata(mb, buf, 5, 4), EINVAL);
		rte = ff_rte_frm_extcl(mb);
		ff_mbuf_detach_rte(mb);
		ff_mbuf_free(mb);
		rte_pktmbuf_reset(rte);
		memcpy(rte_pktmbuf_mtod(rte, char *), "the answer", 10);
		rte->data_len = 10;
		rte->pkt_len = 10;
		mb = ff_mbuf_get(NULL, rte, rte_pktmbuf_mtod(rte, void *), rte->data_len);
		assert_non_null(mb);
		assert_int_equal(z_write(s, mb, rte->data_len), 10);
		/* but for the three bytes that were asked for */
		assert_int_equal(zs_stack_stats(t->host[1].h->s)->copies, copies + 3);
		assert_int_equal(zs_simpool_allocs(t->host[1].h->pools.pkt), allocs);
		api_on(t, 0);
		assert_int_equal(ff_recv(c, buf, 10, MSG_WAITALL), 10);
		assert_memory_equal(buf, "the answer", 10);
	}
	/* without detaching, free frees; a chain is walked piece by piece */
	assert_int_equal(ff_write(c, "x", 1), 1);
	api_run_ms(t, 1);
	api_on(t, 1);
	assert_int_equal(z_read(s, &mb, 10), 1);
	data = mb;
	assert_int_equal(ff_next_mbuf(&data, (void **)&rte, &len), 0);
	assert_int_equal(len, 1);
	assert_ptr_equal(rte, ff_mbuf_mtod(mb));
	assert_null(data);
	assert_int_equal(ff_next_mbuf(&data, (void **)&rte, &len), -1);
	ff_mbuf_free(mb);
	ff_mbuf_free(NULL);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, api_setup, api_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(zc_send_of_each_size),
		TEST(zc_chain_stays_ours_on_failure),
		TEST(answer_in_the_buffer_of_the_question),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
