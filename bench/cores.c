/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How far apart two cores are: `cores FIRST SECOND` prints the nanoseconds in which a cache line
 * goes to the other core and back, the least of many short windows; and `cores FIRST SECOND wake`
 * those from a write to an eventfd on the first core to the return of a thread that waits for it on
 * the second, which has been halted for 100 ms, the median of some: no program that sleeps answers
 * sooner.
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>

#include <rte_common.h>
#include <rte_pause.h>

enum { WINDOWS = 300, TRIPS = 500, WAKES = 15, SILENCE_NS = 100000000 };

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

/* ---- a line to and fro ---- */

static void *first(void *least_ns)
{
	uint64_t *least = least_ns;

	*least = UINT64_MAX;
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

/* ---- waking ---- */

static int event;
static atomic_uint_fast64_t woken_ns; /* 0: it sleeps */

static void *sleeper(void *unused)
{
	eventfd_t n;

	for (int i = 0; i < WAKES && eventfd_read(event, &n) == 0; i++)
		atomic_store(&woken_ns, now_ns());
	return unused;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void *waker(void *median_ns)
{
	uint64_t *median = median_ns, took[WAKES];

	for (int i = 0; i < WAKES; i++) {
		uint64_t start = now_ns(), woken;

		while (now_ns() - start < SILENCE_NS)
			rte_pause();
		atomic_store(&woken_ns, 0);
		start = now_ns();
		(void)eventfd_write(event, 1); /* fails for a counter at its end only */
		while ((woken = atomic_load(&woken_ns)) == 0)
			rte_pause();
		took[i] = woken - start;
	}
	qsort(took, WAKES, sizeof(took[0]), compare);
	*median = took[WAKES / 2];
	return NULL;
}

/* ---- two threads ---- */

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
	bool wake = argc == 4 && strcmp(argv[3], "wake") == 0;
	uint64_t ns = 0;
	pthread_t threads[2];

	if (argc != 3 && !wake) {
		fprintf(stderr, "usage: cores FIRST SECOND [wake]\n");
		return 2;
	}
	event = eventfd(0, EFD_CLOEXEC);
	if (event < 0) {
		perror("cores: eventfd");
		return 1;
	}
	threads[0] = start_on(argv[1], wake ? waker : first, &ns);
	threads[1] = start_on(argv[2], wake ? sleeper : second, NULL);
	for (unsigned int i = 0; i < RTE_DIM(threads); i++)
		pthread_join(threads[i], NULL);
	printf("%" PRIu64 "\n", ns);
	return 0;
}
