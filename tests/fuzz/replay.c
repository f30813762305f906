/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Runs a fuzz target without libFuzzer, for the test suite: on the files given, then on a fixed
 * sequence of MUTATIONS of them. The same on every machine. Prints TAP.
 */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/zs_rand.h"

enum { MAX_INPUT = 4096 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t load(const char *name, uint8_t *data)
{
	FILE *f = fopen(name, "rb");
	size_t n;

	if (f == NULL) {
		perror(name);
		exit(1);
	}
	n = fread(data, 1, MAX_INPUT, f);
	fclose(f);
	return n;
}

static const uint8_t *current;
static size_t current_size;

/* The input that failed, as tools/unhex reads it. */
static void on_abort(int sig)
{
	size_t i;

	(void)sig;
	printf("not ok - input:");
	for (i = 0; i < current_size; i++)
		printf(" %02x", current[i]);
	printf("\n");
	fflush(stdout);
}

/* From a heap block of just this size, so that a sanitizer sees reads beyond it. */
static void run(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size > 0 ? size : 1);

	if (copy == NULL)
		exit(1);
	memcpy(copy, data, size);
	current = data;
	current_size = size;
	LLVMFuzzerTestOneInput(copy, size);
	free(copy);
}

/* Flips, overwrites, inserts, removes; returns the new size. */
static size_t mutate(struct zs_rand *r, uint8_t *data, size_t size)
{
	static const uint8_t odd[] = { 0, 1, 2, 3, 4, 5, 8, 10, 0x7f, 0x80, 0xfe, 0xff };
	uint32_t at = zs_rand_below(r, (uint32_t)size + 1);

	switch (zs_rand_below(r, 4)) {
	case 0:
		if (at < size)
			data[at] ^= (uint8_t)(1u << zs_rand_below(r, 8));
		return size;
	case 1:
		if (at < size)
			data[at] = odd[zs_rand_below(r, sizeof(odd))];
		return size;
	case 2:
		if (size == MAX_INPUT)
			return size;
		memmove(data + at + 1, data + at, size - at);
		data[at] = (uint8_t)zs_rand_u64(r);
		return size + 1;
	default:
		return at;
	}
}

int main(int argc, char **argv)
{
	static uint8_t seed[MAX_INPUT], data[MAX_INPUT];
	struct zs_rand r = { .key = { 2026, 11 } };
	int i, round, n = argc > 1 ? argc - 1 : 1;

	signal(SIGABRT, on_abort);
	for (i = 0; i < n; i++) {
		size_t size = argc > 1 ? load(argv[1 + i], seed) : 0, now = size;

		memcpy(data, seed, size);
		run(data, size);
		for (round = 0; round < MUTATIONS / n; round++) {
			if (zs_rand_below(&r, 8) == 0) {
				memcpy(data, seed, size);
				now = size;
			}
			now = mutate(&r, data, now);
			run(data, now);
		}
		printf("ok %d - %s\n", i + 1, argc > 1 ? strrchr(argv[1 + i], '/') + 1 : "empty");
	}
	printf("1..%d\n", n);
	return 0;
}
