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

ZS_API int z_stats_get(struct z_stats *st, size_t size)
{
	struct zs_ctx *c = zs_ctx_get();
	struct zs_load load = { 0 };
	const struct zs_stats *in;
	struct z_stats out;

	if (c == NULL)
		return -1;
	if (c->drive.load != NULL)
		c->drive.load(c->drive.arg, &load);
	in = zs_stack_stats(c->s);
	out = (struct z_stats){
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
	};
	memcpy(st, &out, RTE_MIN(size, sizeof(out)));
	return 0;
}

ZS_API int z_drops_get(struct z_drop *v, int max)
{
	struct zs_ctx *c = zs_ctx_get();
	const struct zs_stats *st;
	int n = 0;

	if (c == NULL)
		return -1;
	st = zs_stack_stats(c->s);
	for (int i = 0; i < ZS_DROP_COUNT; i++) {
		if (st->drops[i] == 0)
			continue;
		if (n < max)
			v[n] = (struct z_drop){ zs_drop_name((enum zs_drop)i), st->drops[i] };
		n++;
	}
	return n;
}

ZS_API int z_poll(int budget)
{
	struct zs_ctx *c = zs_ctx_get();
	uint32_t sum = 0;

	if (c == NULL)
		return -1;
	if (c->in_run)
		return 0;
	do {
		zs_ctx_turn(c, 0);
		sum += c->n_events;
	} while (--budget > 0 && c->n_events > 0);
	return (int)sum;
}

ZS_API int z_ctx_fd(void)
{
	errno = ENOSYS;
	return -1;
}
