/* SPDX-License-Identifier: BSD-3-Clause */
/* Counters, and turns of the loop for programs that own it. */
#include <string.h>

#include "api/zs_zstate.h"

static uint64_t sum_drops(const struct zs_stats *st)
{
	uint64_t sum = 0;

	for (int i = 0; i < ZS_DROP_COUNT; i++)
		sum += st->drops[i];
	return sum;
}

static struct z_stats stats_of(const struct zs_ctx *c)
{
	const struct zs_stats *in = zs_stack_stats(c->s);
	struct zs_load load = { 0 };

	if (c->drive.load != NULL)
		c->drive.load(c->drive.arg, &load);
	return (struct z_stats){
		.rx_packets = in->rx_packets,
		.rx_bytes = in->rx_bytes,
		.tx_packets = in->tx_packets,
		.tx_bytes = in->tx_bytes,
		.copies = in->copies,
		.allocs = in->allocs,
		.buf_allocs = c->z != NULL ? c->z->buf_allocs : 0,
		.tx_in_place = in->tx_in_place,
		.tx_indirect = in->tx_indirect,
		.tx_refused = in->tx_refused,
		.drops = sum_drops(in),
		.tcp_segs_in = in->tcp_segs_in,
		.tcp_segs_out = in->tcp_segs_out,
		.tcp_segs_retx = in->tcp_segs_retx,
		.tcp_conns_opened = in->tcp_conns_opened,
		.tcp_conns_accepted = in->tcp_conns_accepted,
		.tcp_conns_closed = in->tcp_conns_closed,
		.tcp_conns_reset = in->tcp_conns_reset,
		.turns = load.turns,
		.busy_turns = load.busy_turns,
		.total_cycles = load.total_cycles,
		.busy_cycles = load.busy_cycles,
		.cycles_hz = load.cycles_hz,
		.bufs_in_use = load.bufs_in_use,
		.handed_over = load.handed_over,
		.taken_over = load.taken_over,
		.tx_large = in->tx_tso,
		.sleeps = load.sleeps,
		.slept_cycles = load.slept_cycles,
		.wakes_packet = load.wakes_packet,
		.wakes_timer = load.wakes_timer,
	};
}

_Static_assert(sizeof(struct z_stats) % sizeof(uint64_t) == 0, "numbers, and nothing else");

/* Adds up what is each core's own. */
static void add_stats(struct z_stats *sum, const struct z_stats *st)
{
	uint64_t a[sizeof(*sum) / sizeof(uint64_t)], b[sizeof(*sum) / sizeof(uint64_t)];

	memcpy(a, sum, sizeof(a));
	memcpy(b, st, sizeof(b));
	for (size_t i = 0; i < RTE_DIM(a); i++)
		a[i] += b[i];
	memcpy(sum, a, sizeof(a));
	sum->cycles_hz = st->cycles_hz;
	sum->bufs_in_use = st->bufs_in_use;
}

/* The contexts [first, end) that a core's number means; the caller's alone when it has no group. */
struct span {
	struct zs_ctx *const *all;
	struct zs_ctx *self;
	int first, end;
};

static int span_of(int core, struct span *sp)
{
	struct zs_ctx *c = zs_ctx_get();
	int n;

	if (c == NULL)
		return -1;
	n = c->n_all > 0 ? c->n_all : 1;
	if (core != Z_ALL_CORES && (core < 0 || core >= n))
		return (int)ff_ret(-EINVAL);
	*sp = (struct span){ c->all, c, core, core + 1 };
	if (core == Z_ALL_CORES) {
		sp->first = 0;
		sp->end = n;
	}
	return 0;
}

static struct zs_ctx *at(const struct span *sp, int i)
{
	return sp->all != NULL ? sp->all[i] : sp->self;
}

ZS_API int z_cores(void)
{
	struct span sp;

	return span_of(Z_ALL_CORES, &sp) < 0 ? -1 : sp.end;
}

ZS_API int z_core(void)
{
	struct zs_ctx *c = zs_ctx_get();

	return c == NULL ? -1 : c->index;
}

ZS_API int z_core_stats_get(int core, struct z_stats *st, size_t size)
{
	struct z_stats out = { 0 };
	struct span sp;

	if (span_of(core, &sp) < 0)
		return -1;
	if (st == NULL)
		return (int)ff_ret(-EFAULT);
	for (int i = sp.first; i < sp.end; i++) {
		struct z_stats one = stats_of(at(&sp, i));

		add_stats(&out, &one);
	}
	memcpy(st, &out, RTE_MIN(size, sizeof(out)));
	return 0;
}

ZS_API int z_stats_get(struct z_stats *st, size_t size)
{
	struct zs_ctx *c = zs_ctx_get();

	return c == NULL ? -1 : z_core_stats_get(c->index, st, size);
}

ZS_API int z_core_drops_get(int core, struct z_drop *v, int max)
{
	struct span sp;
	int n = 0;

	if (span_of(core, &sp) < 0)
		return -1;
	for (int why = 0; why < ZS_DROP_COUNT; why++) {
		uint64_t count = 0;

		for (int i = sp.first; i < sp.end; i++)
			count += zs_stack_stats(at(&sp, i)->s)->drops[why];
		if (count == 0)
			continue;
		if (n < max)
			v[n] = (struct z_drop){ zs_drop_name((enum zs_drop)why), count };
		n++;
	}
	return n;
}

ZS_API int z_drops_get(struct z_drop *v, int max)
{
	struct zs_ctx *c = zs_ctx_get();

	return c == NULL ? -1 : z_core_drops_get(c->index, v, max);
}

ZS_API int z_poll(int budget)
{
	struct zs_ctx *c = zs_ctx_get();
	uint32_t sum = 0;
	bool busy;

	if (c == NULL)
		return -1;
	if (c->in_run)
		return 0;
	do {
		busy = zs_ctx_turn(c, 0);
		sum += c->n_events;
	} while (--budget > 0 && c->n_events > 0);
	if (c->has_fd && !busy) {
		c->drive.fd_arm(c->drive.arg);
		(void)zs_ctx_turn(c, 0); /* for what came before that */
		sum += c->n_events;
	}
	return (int)sum;
}

ZS_API int z_ctx_fd(void)
{
	struct zs_ctx *c = zs_ctx_get();
	int fd;

	if (c == NULL)
		return -1;
	fd = c->drive.fd != NULL ? c->drive.fd(c->drive.arg) : -ENOSYS;
	c->has_fd = fd >= 0;
	return (int)ff_ret(fd);
}

ZS_API int z_set_idle(enum z_idle mode)
{
	struct zs_ctx *c = zs_ctx_get();

	if (c == NULL)
		return -1;
	if ((unsigned)mode > Z_IDLE_POWERSAVE)
		return (int)ff_ret(-EINVAL);
	if (c->drive.set_idle == NULL)
		return (int)ff_ret(-ENOSYS);
	c->drive.set_idle(c->drive.arg, mode);
	return 0;
}
