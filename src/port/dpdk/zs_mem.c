/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Memory for the stack's tables: anonymous mappings, zero, and touched by nobody until the stack
 * uses them, so that a large table costs what is in it. Transparent hugepages where the kernel
 * gives them; EAL's hugepages are left to the buffers. Freeing needs the size: it is kept in front
 * of the block.
 */
#include <stdint.h>
#include <sys/mman.h>

#include <rte_malloc.h>

#include "port/dpdk/zs_dpdk_state.h"

enum { THP_SIZE = 2 << 20, LEAD = 4096 };

/* At the start of the mapping. */
struct head {
	size_t map_size;
};

void *zs_mem_alloc(void *ctx, size_t size, size_t align)
{
	struct head *h;
	size_t map_size;

	(void)ctx;
	if (align > LEAD || size > SIZE_MAX / 2)
		return NULL;
	map_size = (size + LEAD + 4095) & ~(size_t)4095;
	h = mmap(NULL, map_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (h == MAP_FAILED)
		return NULL;
	if (map_size >= THP_SIZE)
		(void)madvise(h, map_size, MADV_HUGEPAGE); /* an optimisation */
	h->map_size = map_size;
	return (char *)h + LEAD;
}

void zs_mem_free(void *ctx, void *p)
{
	struct head *h = (struct head *)((char *)p - LEAD);

	(void)ctx;
	if (p != NULL)
		munmap(h, h->map_size);
}

void *zs_mem_near(const struct zs_dpdk *d, size_t size, int socket)
{
	if (d->procs != NULL) /* there is one node, and heaps of several processes have locks */
		return zs_mem_alloc(NULL, size, RTE_CACHE_LINE_SIZE);
	return rte_zmalloc_socket(NULL, size, RTE_CACHE_LINE_SIZE, socket);
}

void zs_mem_near_free(const struct zs_dpdk *d, void *p)
{
	if (d->procs != NULL)
		zs_mem_free(NULL, p);
	else
		rte_free(p);
}
