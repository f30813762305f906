/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * /zstack/stats: every counter and every drop reason, of one core or the sums of all.
 * /zstack/cores: what each loop does, for those who ask again and again.
 */
#include <stdlib.h>
#include <string.h>

#include "api/zs_ctx.h"
#include "tel/zs_tel_priv.h"

struct counter {
	const char *name;
	size_t off; /* in struct zs_stats */
};

#define STAT(field)                                                                                \
	{                                                                                          \
#field, offsetof(struct zs_stats, field)                                           \
	}

static const struct counter counters[] = {
	STAT(rx_packets),	STAT(rx_bytes),		STAT(tx_packets),
	STAT(tx_bytes),		STAT(tx_refused),	STAT(copies),
	STAT(tx_in_place),	STAT(tx_indirect),	STAT(tx_tso),
	STAT(tx_linearized),	STAT(tcp_segs_in),	STAT(tcp_segs_out),
	STAT(tcp_segs_retx),	STAT(tcp_acks_out),	STAT(tcp_bytes_in),
	STAT(tcp_bytes_out),	STAT(tcp_conns_opened), STAT(tcp_conns_accepted),
	STAT(tcp_conns_closed), STAT(tcp_conns_reset),	STAT(tcp_rto),
	STAT(tcp_fast_retx),	STAT(tcp_lost_retx),	STAT(tcp_tlp),
	STAT(tcp_undo),		STAT(tcp_black_holes),	STAT(tcp_dsack_in),
	STAT(tcp_probes),	STAT(tcp_rst_out),	STAT(tcp_challenge),
	STAT(tcp_ecn_ce),	STAT(tcp_ecn_cuts),	STAT(tcp_fast_path),
	STAT(allocs),		STAT(arp_conflicts),	STAT(nd_conflicts),
	STAT(tcp_cookies_out),	STAT(tcp_cookies_in),
};

enum { N_COUNTERS = sizeof(counters) / sizeof(counters[0]) };

_Static_assert(N_COUNTERS + ZS_DROP_COUNT == sizeof(struct zs_stats) / sizeof(uint64_t),
	       "a counter of struct zs_stats has no name above");

static uint64_t value(const struct zs_stats *st, const struct counter *c)
{
	uint64_t v;

	memcpy(&v, (const char *)st + c->off, sizeof(v));
	return v;
}

/* ---- one stack ---- */

struct look {
	struct zs_stats stats;
	struct zs_stack_counts counts;
	struct zs_load load;
};

/* On the stack's loop. */
static void look(struct zs_ctx *c, void *arg)
{
	struct look *l = arg;

	l->stats = *zs_stack_stats(c->s);
	l->counts = zs_stack_counts(c->s);
	l->load = (struct zs_load){ 0 };
	if (c->drive.load != NULL)
		c->drive.load(c->drive.arg, &l->load);
}

/* ---- /zstack/stats ---- */

static void add(struct zs_stats *sum, const struct zs_stats *st)
{
	uint64_t a[sizeof(*sum) / sizeof(uint64_t)], b[sizeof(*sum) / sizeof(uint64_t)];

	memcpy(a, sum, sizeof(a));
	memcpy(b, st, sizeof(b));
	for (size_t i = 0; i < sizeof(a) / sizeof(a[0]); i++)
		a[i] += b[i];
	memcpy(sum, a, sizeof(a));
}

static int tell_stats(struct zs_tel_query *q, const char *params, struct rte_tel_data *d)
{
	char word[ZS_TEL_WORD], *rest = word;
	bool one = zs_tel_word(&params, word);
	uint64_t first = one ? strtoull(word, &rest, 10) : 0;
	uint64_t end = one ? first + 1 : q->n;
	struct zs_tel_dict t = { .d = d };
	struct zs_stats sum = { 0 };

	if (one && (rest == word || *rest != '\0' || first >= q->n))
		return zs_tel_fail(q, -EINVAL, "there is no core %s", word);
	for (uint64_t i = first; i < end; i++) {
		struct look l;
		int rc = zs_tel_ask(q, (uint16_t)i, look, &l);

		if (rc < 0)
			return rc;
		add(&sum, &l.stats);
	}
	rte_tel_data_start_dict(d);
	for (int i = 0; i < N_COUNTERS; i++)
		zs_tel_u64(&t, counters[i].name, value(&sum, &counters[i]));
	for (int i = 0; i < ZS_DROP_COUNT; i++)
		zs_tel_u64_of(&t, "drop", zs_drop_name((enum zs_drop)i), sum.drops[i]);
	return 0;
}

/* ---- /zstack/cores ---- */

static uint64_t sum_drops(const struct zs_stats *st)
{
	uint64_t sum = 0;

	for (int i = 0; i < ZS_DROP_COUNT; i++)
		sum += st->drops[i];
	return sum;
}

static void tell_load(struct zs_tel_dict *t, const struct zs_load *l)
{
	zs_tel_u64(t, "turns", l->turns);
	zs_tel_u64(t, "busy_turns", l->busy_turns);
	zs_tel_u64(t, "total_cycles", l->total_cycles);
	zs_tel_u64(t, "busy_cycles", l->busy_cycles);
	zs_tel_u64(t, "slept_cycles", l->slept_cycles);
	zs_tel_u64(t, "cycles_hz", l->cycles_hz);
	zs_tel_u64(t, "sleeps", l->sleeps);
	zs_tel_u64(t, "wakes_packet", l->wakes_packet);
	zs_tel_u64(t, "wakes_timer", l->wakes_timer);
	zs_tel_u64(t, "handed_over", l->handed_over);
	zs_tel_u64(t, "taken_over", l->taken_over);
}

static void tell_traffic(struct zs_tel_dict *t, const struct look *l)
{
	const struct zs_stats *st = &l->stats;

	zs_tel_u64(t, "rx_packets", st->rx_packets);
	zs_tel_u64(t, "rx_bytes", st->rx_bytes);
	zs_tel_u64(t, "tx_packets", st->tx_packets);
	zs_tel_u64(t, "tx_bytes", st->tx_bytes);
	zs_tel_u64(t, "tcp_segs_in", st->tcp_segs_in);
	zs_tel_u64(t, "tcp_segs_retx", st->tcp_segs_retx);
	zs_tel_u64(t, "tcp_conns_opened", st->tcp_conns_opened);
	zs_tel_u64(t, "tcp_conns_accepted", st->tcp_conns_accepted);
	zs_tel_u64(t, "tcp_conns_closed", st->tcp_conns_closed);
	zs_tel_u64(t, "drops", sum_drops(st));
	zs_tel_u64(t, "connections", l->counts.tcbs);
	zs_tel_u64(t, "half_open", l->counts.half_open);
	zs_tel_u64(t, "time_wait", l->counts.time_wait);
	zs_tel_u64(t, "listeners", l->counts.listeners);
	zs_tel_u64(t, "udp", l->counts.udp);
}

static int tell_cores(struct zs_tel_query *q, const char *params, struct rte_tel_data *d)
{
	uint64_t core;
	struct zs_tel_page page;
	int rc = zs_tel_page_from(&page, d, q, &params, &core);

	for (; rc == 0 && core < q->n; core++) {
		struct zs_tel_dict t;
		struct look l;

		rc = zs_tel_ask(q, (uint16_t)core, look, &l);
		if (rc == 0)
			rc = zs_tel_entry(&t);
		if (rc < 0)
			break;
		tell_traffic(&t, &l);
		tell_load(&t, &l.load);
		if (!zs_tel_page_add(&page, core, &t))
			break;
	}
	return zs_tel_page_end(&page, rc);
}

int zs_tel_add_stats(void)
{
	static const struct zs_tel_cmd cmds[] = {
		{ "/zstack/stats", tell_stats,
		  "All counters and drop reasons, summed up. Parameter: a core, for its alone" },
		{ "/zstack/cores", tell_cores,
		  "Traffic, connections and load of the loop of each core. Parameter: from core" },
	};

	return zs_tel_add(cmds, sizeof(cmds) / sizeof(cmds[0]));
}
