/* SPDX-License-Identifier: BSD-3-Clause */
/* The run: turns of the loop, handing out of requests, timeouts, beginning and end of measuring. */
#include "load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_cycles.h>

#include <ff_api.h>
#include <ff_event.h>
#include <zstack.h>

#include "report.h"

enum {
	MAX_EVENTS = 256,
	OPENED_A_TURN = 32,    /* no flood of SYNs that no listener's queue holds */
	LOOKS_A_SECOND = 1000, /* at the clock's rarer duties */
	LOOKS_A_ROUND = 100,   /* until each connection has been looked at */
	RETRIES_A_SECOND = 100,
};

/* ---- a turn ---- */

/* Gives an open connection what is due: all that it takes, or at a fixed rate one, for there are
 * others. */
static void give(struct load *l, struct conn *c, uint64_t due, uint64_t now)
{
	if (c->n_given == 0)
		c->heard = now; /* silence begins to count */
	conn_give(l, c, due);
	while (l->pace.step == 0 && conn_has_room(l, c) && pace_take(&l->pace, now, &due))
		conn_give(l, c, due);
	if (conn_send(l, c, now) && conn_has_room(l, c))
		conn_ready(l, c);
}

static void hand_out(struct load *l, uint64_t now)
{
	struct conn *c;
	uint64_t due = now;
	int opened = 0;

	while ((c = TAILQ_FIRST(&l->ready)) != NULL) {
		bool closed = c->state == CONN_CLOSED;

		if (closed && ++opened > OPENED_A_TURN)
			return;
		if ((!closed || l->args->close) && !pace_take(&l->pace, now, &due))
			return;
		conn_not_ready(l, c);
		if (closed && l->args->close)
			conn_give(l, c, due);
		if (closed)
			conn_open(l, c, now);
		else
			give(l, c, due, now);
	}
}

/* What fell due in the warm-up and waits still, for connections perhaps, is not measured either. */
static void measure(struct load *l, uint64_t now)
{
	struct z_stats st = { 0 };

	z_stats_get(&st, sizeof(st));
	l->busy_before = st.busy_cycles;
	l->total_before = st.total_cycles;
	if (l->args->warmup_s > 0)
		pace_forget(&l->pace, now);
	result_begin(&l->result, now);
}

/* Requests that came to nothing count: a server that is gone must not make us wait for ever. */
static bool all_done(const struct load *l, uint64_t now)
{
	return now >= l->end_at ||
	       (l->args->requests > 0 && l->result.responses + l->result.lost >= l->args->requests);
}

static void look_at_conn(struct load *l, struct conn *c, uint64_t now)
{
	bool idle = c->state == CONN_CLOSED || (c->state == CONN_OPEN && c->n_given == 0);

	if (idle)
		return;
	if (c->state == CONN_OPEN && !conn_send(l, c, now)) /* what found no buffer or room */
		return;
	if (now - c->heard < l->timeout)
		return;
	if (c->state == CONN_ENDING)
		conn_end(l, c); /* the answer was complete */
	else
		conn_fail(l, c, FAIL_TIMEOUT, now);
}

/* What need not be done every turn. */
static void look(struct load *l, uint64_t now)
{
	uint32_t n = l->args->conns / LOOKS_A_ROUND + 1;
	struct conn *c;

	if (l->result.start == 0 && now >= l->measure_at)
		measure(l, now);
	if (l->result.start != 0 && result_tick(&l->result, now) && l->show)
		report_progress(&l->result);
	while ((c = TAILQ_FIRST(&l->failing)) != NULL &&
	       now - c->heard >= l->result.hz / RETRIES_A_SECOND) {
		TAILQ_REMOVE(&l->failing, c, link);
		conn_ready(l, c);
	}
	while (n-- > 0) {
		look_at_conn(l, &l->conns[l->looked], now);
		l->looked = l->looked + 1 < l->args->conns ? l->looked + 1 : 0;
	}
	if (all_done(l, now))
		ff_stop_run();
	l->next_look = now + l->result.hz / LOOKS_A_SECOND;
}

int load_turn(void *arg)
{
	struct load *l = arg;
	struct kevent events[MAX_EVENTS];
	int n = ff_kevent(l->kq, NULL, 0, events, MAX_EVENTS, NULL);
	uint64_t now;

	for (int i = 0; i < n; i++) {
		struct conn *c = events[i].udata;

		if ((uintptr_t)c->fd == events[i].ident)
			conn_event(l, c, &events[i], rte_rdtsc());
	}
	now = rte_rdtsc();
	if (now >= l->next_look)
		look(l, now);
	hand_out(l, now);
	return 0;
}

/* ---- begin and end ---- */

static uint64_t ticks(const struct load *l, double seconds)
{
	return (uint64_t)(seconds * (double)l->result.hz);
}

static bool make_conns(struct load *l)
{
	uint32_t n = l->args->conns;

	l->conns = calloc(n, sizeof(l->conns[0]));
	l->due = calloc((size_t)n * l->args->pipeline, sizeof(l->due[0]));
	if (l->conns == NULL || l->due == NULL)
		return false;
	TAILQ_INIT(&l->ready);
	TAILQ_INIT(&l->failing);
	for (uint32_t i = 0; i < n; i++) {
		struct conn *c = &l->conns[i];

		c->fd = -1;
		c->due = l->due + (size_t)i * l->args->pipeline;
		conn_ready(l, c);
	}
	return true;
}

static void set_address(struct load *l, const struct args *a)
{
	l->family = a->is_ip6 ? AF_INET6 : AF_INET;
	if (!a->is_ip6) {
		l->to.ip4 = (struct sockaddr_in){ .sin_family = AF_INET,
						  .sin_port = htons(a->port),
						  .sin_addr.s_addr = a->ip_be };
		l->to_len = sizeof(l->to.ip4);
		return;
	}
	l->to.ip6 = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_port = htons(a->port) };
	memcpy(&l->to.ip6.sin6_addr, a->ip6, sizeof(a->ip6));
	l->to_len = sizeof(l->to.ip6);
}

bool load_init(struct load *l, const struct args *a, uint64_t now)
{
	struct z_stats st;

	l->args = a;
	set_address(l, a);
	(void)z_set_idle(Z_IDLE_POLL); /* its sleep is not to be measured; a benchmark has none */
	l->show = a->progress || isatty(STDERR_FILENO);
	l->kq = ff_kqueue();
	if (l->kq < 0 || z_stats_get(&st, sizeof(st)) < 0 || !make_conns(l)) {
		fprintf(stderr, "zload: %s\n", strerror(errno));
		return false;
	}
	if (!request_make(&l->request, a, z_max_room())) {
		fprintf(stderr, "zload: the request is longer than a buffer of %zu bytes\n",
			z_max_room());
		return false;
	}
	result_init(&l->result, st.cycles_hz);
	l->timeout = ticks(l, a->timeout_s);
	l->measure_at = now + ticks(l, a->warmup_s);
	l->end_at = a->duration_s > 0 ? l->measure_at + ticks(l, a->duration_s) : UINT64_MAX;
	l->next_look = now;
	pace_start(&l->pace, a->rate, a->requests, l->result.hz, now);
	return true;
}

void load_finish(struct load *l, uint64_t now)
{
	struct z_stats st = { 0 };

	z_stats_get(&st, sizeof(st));
	result_finish(&l->result, now);
	if (st.total_cycles > l->total_before)
		l->result.busy = (double)(st.busy_cycles - l->busy_before) /
				 (double)(st.total_cycles - l->total_before);
	l->result.behind = pace_behind(&l->pace, now);
	for (uint32_t i = 0; i < l->args->conns; i++)
		l->result.waiting += l->conns[i].n_given;
}

void load_free(struct load *l)
{
	free(l->conns);
	free(l->due);
	request_free(&l->request);
	result_free(&l->result);
}
