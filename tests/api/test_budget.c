/* SPDX-License-Identifier: BSD-3-Clause */
/* What an idle established connection costs in memory, everything included: at most 1 KB. */
#include <stdlib.h>

#include "api/zs_fd.h"
#include "api/zs_note.h"
#include "core/tcp/zs_tcb.h"
#include "tests/zs_test.h"

enum { BUDGET = 1024, MILLION = 1000000 };

static void *counting_alloc(void *ctx, size_t size, size_t align)
{
	*(size_t *)ctx = size;
	return aligned_alloc(align, size);
}

static void table_free(void *ctx, void *p)
{
	(void)ctx;
	free(p);
}

/* Bytes of a table of objects of this size, for each of them. */
static size_t slab_bytes(struct zs_stack *s, size_t *size, uint32_t each)
{
	struct zs_slab slab;

	assert_int_equal(zs_slab_init(s, &slab, each, 1024), 0);
	zs_free(s, slab.mem);
	return *size / 1024;
}

static void test_idle_connection(void **state)
{
	size_t size, sum;
	struct zs_stack *s = calloc(1, sizeof(*s));

	(void)state;
	assert_non_null(s);
	s->env = (struct zs_env){ .alloc = counting_alloc, .free = table_free, .ctx = &size };
	sum = slab_bytes(s, &size, sizeof(struct zs_tcb));
	sum += slab_bytes(s, &size, ZS_SOCK_ROOM);
	assert_int_equal(zs_flowtab_init(s, MILLION), 0);
	sum += size / MILLION + 1;
	zs_free(s, s->flows.slot);
	sum += sizeof(struct zs_fd) + 1; /* a bit that says taken, and those above it */
	sum += zs_note_bytes();
	assert_true(sum <= BUDGET);
	free(s);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_idle_connection),
};

ZS_TEST_MAIN(tests)
