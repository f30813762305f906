/* SPDX-License-Identifier: BSD-3-Clause */
/* The world: clock, agenda, and the loop that always does the earliest thing next. */
#include "zs_simworld.h"

#include <stdio.h>
#include <stdlib.h>

enum { VIOLATIONS_SHOWN = 8 };

struct zs_sim *zs_sim_create(uint64_t seed)
{
	struct zs_sim *w = calloc(1, sizeof(*w));

	if (w == NULL)
		abort();
	w->seed = seed;
	w->rand = zs_sim_subrand(w, 0, 0);
	return w;
}

uint32_t zs_sim_destroy(struct zs_sim *w)
{
	uint32_t leaked = 0;

	for (unsigned int i = 0; i < w->n_links; i++)
		zs_simlink_destroy(w->link[i]);
	for (unsigned int i = 0; i < w->n_hosts; i++)
		leaked += zs_simhost_destroy(w->host[i]);
	for (unsigned int i = 0; i < ZS_SIM_CLASSES; i++) {
		while (w->spare[i] != NULL) {
			struct zs_simpkt *p = w->spare[i];

			w->spare[i] = p->next;
			free(p);
		}
	}
	while (w->agenda != NULL) {
		struct zs_simevent *e = w->agenda;

		w->agenda = e->next;
		free(e);
	}
	free(w->hub);
	free(w);
	return leaked;
}

uint64_t zs_sim_now(const struct zs_sim *w)
{
	return w->now_ns;
}

struct zs_simrand *zs_sim_rand(struct zs_sim *w)
{
	return &w->rand;
}

struct zs_simrand zs_sim_subrand(const struct zs_sim *w, uint64_t kind, uint64_t index)
{
	return (struct zs_simrand){ zs_sim_scramble(w->seed ^
						    zs_sim_scramble(kind << 32 | index)) };
}

void zs_sim_at(struct zs_sim *w, uint64_t t_ns, void (*fn)(void *arg), void *arg)
{
	struct zs_simevent **at = &w->agenda;
	struct zs_simevent *e = calloc(1, sizeof(*e));

	if (e == NULL)
		abort();
	*e = (struct zs_simevent){ .t_ns = t_ns, .fn = fn, .arg = arg };
	if (t_ns < w->now_ns)
		e->t_ns = w->now_ns;
	while (*at != NULL && (*at)->t_ns <= e->t_ns)
		at = &(*at)->next;
	e->next = *at;
	*at = e;
}

static void agenda_run(struct zs_sim *w)
{
	while (w->agenda != NULL && w->agenda->t_ns <= w->now_ns) {
		struct zs_simevent *e = w->agenda;

		w->agenda = e->next;
		e->fn(e->arg);
		free(e);
	}
}

static uint64_t next_event(const struct zs_sim *w)
{
	uint64_t t = w->agenda != NULL ? w->agenda->t_ns : ZS_SIM_NEVER;

	for (unsigned int i = 0; i < w->n_links; i++)
		t = RTE_MIN(t, zs_simlink_next(w->link[i]));
	for (unsigned int i = 0; i < w->n_hosts; i++)
		t = RTE_MIN(t, zs_simhost_next(w->host[i]));
	return t;
}

/* What is due now: frames arrive, then the test acts, then hosts take their turns. */
static void run_instant(struct zs_sim *w)
{
	for (unsigned int i = 0; i < w->n_links; i++)
		zs_simlink_run(w->link[i]);
	agenda_run(w);
	for (unsigned int i = 0; i < w->n_hosts; i++)
		zs_simhost_run(w->host[i]);
}

bool zs_sim_run_until(struct zs_sim *w, uint64_t t_ns, bool (*pred)(void *arg), void *arg)
{
	for (;;) {
		uint64_t t;

		if (pred != NULL && pred(arg))
			return true;
		t = next_event(w);
		if (t > t_ns || t == ZS_SIM_NEVER)
			break;
		if (t > w->now_ns)
			w->now_ns = t;
		run_instant(w);
	}
	if (t_ns != ZS_SIM_NEVER && t_ns > w->now_ns)
		w->now_ns = t_ns;
	return false;
}

void zs_sim_run_for(struct zs_sim *w, uint64_t dt_ns)
{
	zs_sim_run_until(w, w->now_ns + dt_ns, NULL, NULL);
}

uint32_t zs_sim_violations(const struct zs_sim *w)
{
	return w->violations;
}

void zs_sim_violate(struct zs_sim *w, const char *what)
{
	if (w->violations++ < VIOLATIONS_SHOWN)
		fprintf(stderr, "# violation at %llu ns: %s\n", (unsigned long long)w->now_ns,
			what);
}

uint32_t zs_sim_live(const struct zs_sim *w)
{
	uint32_t live = 0;

	for (unsigned int i = 0; i < w->n_hosts; i++)
		live += zs_simhost_live(w->host[i]);
	return live;
}
