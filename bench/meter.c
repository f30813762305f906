/* SPDX-License-Identifier: BSD-3-Clause */
/* Windows and lines: see meter.h. */
#include "meter.h"

#include <stdlib.h>

#include <rte_cycles.h>

enum { WINDOWS_A_SECOND = 20 };

/* For profilers, which know when they are entered: bench/instructions. */
__attribute__((noinline)) static void counting_begins(void)
{
	__asm__ volatile("" ::: "memory");
}

__attribute__((noinline)) static void counting_ends(void)
{
	__asm__ volatile("nop" ::: "memory");
}

static bool count_look(struct meter *m, uint64_t work)
{
	if (m->n == 0 && work - m->work >= m->count / 2) {
		m->n = 1;
		m->work = work;
		counting_begins();
	} else if (m->n == 1 && work - m->work >= m->count) {
		counting_ends();
		m->counted = work - m->work;
	}
	return m->counted > 0;
}

bool meter_look(struct meter *m, uint64_t work, uint64_t cycles)
{
	if (m->cycles == 0) {
		m->work = work;
		m->cycles = cycles;
	}
	if (m->count > 0)
		return count_look(m, work);
	if (cycles - m->cycles < rte_get_tsc_hz() / WINDOWS_A_SECOND || work == m->work)
		return false;
	m->per_work[m->n++] = (double)(cycles - m->cycles) / (double)(work - m->work);
	m->work = work;
	m->cycles = cycles;
	return m->n == METER_WINDOWS;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double at(struct meter *m, uint32_t i)
{
	qsort(m->per_work + METER_SKIPPED, METER_WINDOWS - METER_SKIPPED, sizeof(double), by_value);
	return m->per_work[METER_SKIPPED + i];
}

double meter_best(struct meter *m)
{
	return at(m, 0);
}

double meter_median(struct meter *m)
{
	return at(m, (METER_WINDOWS - METER_SKIPPED) / 2);
}

bool lines_open(struct lines *l, const char *json)
{
	*l = (struct lines){ 0 };
	if (json == NULL)
		return true;
	l->json = fopen(json, "w");
	if (l->json != NULL)
		fprintf(l->json, "{\"cycles_per_second\": %llu, \"figures\": [",
			(unsigned long long)rte_get_tsc_hz());
	return l->json != NULL;
}

void lines_add(struct lines *l, const char *name, double value, const char *unit)
{
	printf("%s %.0f %s\n", name, value, unit);
	fflush(stdout);
	if (l->json != NULL)
		fprintf(l->json, "%s\n {\"name\": \"%s\", \"value\": %.0f, \"unit\": \"%s\"}",
			l->n > 0 ? "," : "", name, value, unit);
	l->n++;
}

void lines_close(struct lines *l)
{
	if (l->json == NULL)
		return;
	fputs("\n]}\n", l->json);
	fclose(l->json);
}
