/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How far apart two cores are: `cores FIRST SECOND` prints the nanoseconds in which a cache line
 * goes to the other core and back, the least of many short windows.
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <rte_common.h>
#include <rte_pause.h>

enum { WINDOWS = 300, TRIPS = 500 };

/* How often the line has changed hands: the first core's turn when even. */
static _Alignas(2 * RTE_CACHE_LINE_SIZE) atomic_uint turn;

static void hand_over(unsigned int mine)
{
	while (atomic_load_explicit(&turn, memory_order_acquire) != mine)
		rte_pause();
	atomic_store_explicit(&turn, mine + 1, memory_order_release);
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static void *first(void *least_ns)
{
	uint64_t *least = least_ns;

	for (unsigned int w = 0; w < WINDOWS; w++) {
		uint64_t start = now_ns();

		for (unsigned int i = 0; i < TRIPS; i++)
			hand_over(2 * (w * TRIPS + i));
		*least = RTE_MIN(*least, (now_ns() - start) / TRIPS);
	}
	return NULL;
}

static void *second(void *unused)
{
	for (unsigned int i = 0; i < WINDOWS * TRIPS; i++)
		hand_over(2 * i + 1);
	return unused;
}

static pthread_t start_on(const char *core, void *(*fn)(void *), void *arg)
{
	pthread_attr_t attr;
	pthread_t thread;
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET((size_t)atoi(core), &cpus);
	if (pthread_attr_init(&attr) != 0 ||
	    pthread_attr_setaffinity_np(&attr, sizeof(cpus), &cpus) != 0 ||
	    pthread_create(&thread, &attr, fn, arg) != 0) {
		fprintf(stderr, "cores: no thread on core %s\n", core);
		exit(1);
	}
	pthread_attr_destroy(&attr);
	return thread;
}

int main(int argc, char **argv)
{
	uint64_t least_ns = UINT64_MAX;
	pthread_t threads[2];

	if (argc != 3) {
		fprintf(stderr, "usage: cores FIRST SECOND\n");
		return 2;
	}
	threads[0] = start_on(argv[1], first, &least_ns);
	threads[1] = start_on(argv[2], second, NULL);
	for (unsigned int i = 0; i < RTE_DIM(threads); i++)
		pthread_join(threads[i], NULL);
	printf("%" PRIu64 "\n", least_ns);
	return 0;
}
