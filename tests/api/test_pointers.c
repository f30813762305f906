/* SPDX-License-Identifier: BSD-3-Clause */
/* A whole program on DPDK: z_write() given pointers of all kinds, buffers of the program's own pool
 * among them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <rte_mbuf.h>

#include "ff_api.h"
#include "tests/zs_test.h"
#include "zstack.h"

static void assert_refused(int fd, const void *p)
{
	errno = 0;
	assert_int_equal(z_write(fd, p, 10), -1);
	assert_int_equal(errno, EINVAL);
}

static void pointers(void **state)
{
	int fd = ff_socket(AF_INET, SOCK_STREAM, 0);
	char *gone = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *heap = calloc(1, 256);
	unsigned seed = 1;

	(void)state;
	assert_true(fd >= 0);
	munmap(gone, 4096);
	assert_refused(fd, gone);
	assert_refused(fd, (void *)64);
	assert_refused(fd, (void *)(uintptr_t)-64);
	assert_refused(fd, heap);
	assert_refused(fd, "text");
	for (int i = 0; i < 100000; i++) {
		uint64_t p = (uint64_t)rand_r(&seed) << 33 ^ (uint64_t)rand_r(&seed) << 6;

		assert_refused(fd, (void *)p);
	}
	free(heap);
	ff_close(fd);
}

static void pool_of_the_programs(void **state)
{
	struct rte_mempool *mp = rte_pktmbuf_pool_create("own", 63, 0, 64, 2048, SOCKET_ID_ANY);
	int fd = ff_socket(AF_INET, SOCK_STREAM, 0);
	struct rte_mbuf *m;

	(void)state;
	assert_non_null(mp);
	m = rte_pktmbuf_alloc(mp);
	assert_non_null(rte_pktmbuf_append(m, 10));
	errno = 0;
	assert_int_equal(z_write(fd, m, 10), -1);
	assert_int_equal(errno, ENOTCONN); /* a buffer, but nobody to send it to */
	rte_pktmbuf_free(m);
	rte_mempool_free(mp);
	ff_close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pointers),
		cmocka_unit_test(pool_of_the_programs),
	};
	char *argv[] = { (char *)(uintptr_t) "test_pointers", NULL };

	setenv("ZSTACK_EAL_ARGS", "--no-huge --no-shconf --no-pci -m 256 --vdev=net_null0", 0);
	if (ff_init(1, argv) < 0)
		return 1;
	return cmocka_run_group_tests_name("pointers", tests, NULL, NULL);
}
