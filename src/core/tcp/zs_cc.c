/* SPDX-License-Identifier: BSD-3-Clause */
/* The table of algorithms, and slow start, which they share. */
#include "core/tcp/zs_cc.h"

enum { ETHERNET_MSS = 1460 };

static const struct zs_cc_ops *const table[ZS_CC_COUNT] = {
	[ZS_CC_CUBIC] = &zs_cc_cubic,
	[ZS_CC_NEWRENO] = &zs_cc_newreno,
	[ZS_CC_DCTCP] = &zs_cc_dctcp,
	[ZS_CC_BBR] = &zs_cc_bbr,
};

const struct zs_cc_ops *zs_cc_find(unsigned kind)
{
	return kind < ZS_CC_COUNT ? table[kind] : NULL;
}

const char *zs_cc_name(enum zs_cc_kind kind)
{
	return table[kind]->name;
}

static bool is_name(const char *name, size_t len, const char *of)
{
	return strlen(of) == len && memcmp(name, of, len) == 0;
}

int zs_cc_by_name(const char *name, size_t len)
{
	for (unsigned i = 0; i < ZS_CC_COUNT; i++)
		if (is_name(name, len, table[i]->name))
			return (int)i;
	return is_name(name, len, "newreno") ? ZS_CC_NEWRENO : -ENOENT;
}

uint32_t zs_cc_initial_window(const struct zs_stack *s, uint32_t mss)
{
	uint32_t n = s->cfg.initial_cwnd_segs;

	return RTE_MIN(n * mss, RTE_MAX(2 * mss, n * ETHERNET_MSS));
}

uint32_t zs_cc_slow_start(struct zs_tcb *tcb, uint32_t acked)
{
	uint32_t room = tcb->ssthresh > tcb->cwnd ? tcb->ssthresh - tcb->cwnd : 0;
	uint32_t n = RTE_MIN(acked, room);

	tcb->cwnd += n;
	return acked - n;
}

void zs_cc_reno_avoid(struct zs_tcb *tcb, uint64_t *acc, uint32_t acked)
{
	*acc += acked;
	if (*acc >= tcb->cwnd) {
		*acc -= tcb->cwnd;
		tcb->cwnd += tcb->mss;
	}
}

void zs_cc_after_idle(struct zs_stack *s, struct zs_tcb *tcb)
{
	uint64_t idle = s->now_us - tcb->last_send_us;
	uint32_t iw;

	if (tcb->last_send_us == 0 || tcb->unsent == NULL || tcb->snd_una != tcb->snd_nxt ||
	    zs_cc_find(tcb->cc)->on_rate != NULL || !s->cfg.idle_restart)
		return;
	iw = zs_cc_initial_window(s, tcb->mss);
	if (tcb->cwnd <= iw)
		return;
	tcb->ssthresh = RTE_MAX(tcb->ssthresh, tcb->cwnd / 4 * 3);
	for (; idle > tcb->rto_us && tcb->cwnd > iw; idle -= tcb->rto_us)
		tcb->cwnd /= 2;
	tcb->cwnd = RTE_MAX(tcb->cwnd, iw);
}
