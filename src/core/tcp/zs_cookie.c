/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The cookie is 5 bits of time, 3 bits that choose an MSS, and 24 bits of a keyed hash over these,
 * the flow and the peer's sequence number. A period of time is 67 s; a cookie is good in its own
 * and in the next. The low 6 bits of the timestamp are window scale (15 = none), SACK and ECN.
 */
#include "core/tcp/zs_cookie.h"

#include "core/tcp/zs_input.h"
#include "core/zs_parse.h"

enum {
	PERIOD_SHIFT = 26, /* microseconds to periods */
	TIME_MASK = 31,
	TIME_SHIFT = 27,
	MSS_SHIFT = 24,
	MAC_MASK = 0xffffff,
	NO_WSCALE = 15,
	TS_SACK = 0x10,
	TS_ECN = 0x20,
	TS_BITS = 0x3f,
};

/* What peers announce, mostly. */
static const uint16_t mss_table[8] = { 216, 536, 1024, 1220, 1360, 1440, 1460, 8960 };

static uint32_t period(const struct zs_stack *s)
{
	return (uint32_t)(s->now_us >> PERIOD_SHIFT);
}

static uint32_t mac(const struct zs_stack *s, const struct zs_flow *flow, uint32_t irs,
		    uint32_t time, uint32_t mss)
{
	const uint64_t key[2] = { ~s->isn_key[0], s->isn_key[1] };
	const struct {
		struct zs_flow flow;
		uint32_t irs, time, mss, zero;
	} what = { *flow, irs, time, mss, 0 };

	return (uint32_t)zs_siphash(key, &what, sizeof(what)) & MAC_MASK;
}

static uint32_t mss_index(uint16_t mss)
{
	uint32_t i = 7;

	while (i > 0 && mss_table[i] > mss)
		i--;
	return i;
}

void zs_cookie_bake(struct zs_stack *s, struct zs_half *h)
{
	uint32_t now = period(s), mss = mss_index(h->peer_mss != 0 ? h->peer_mss : 536);
	uint32_t clock = s->now_ms + h->ts_off;
	uint32_t bits = (h->wscale ? h->peer_wscale : NO_WSCALE) | (h->sack ? TS_SACK : 0) |
			(h->ecn ? TS_ECN : 0);
	uint32_t ts = (clock & ~(uint32_t)TS_BITS) | bits;

	h->iss = (now & TIME_MASK) << TIME_SHIFT | mss << MSS_SHIFT |
		 mac(s, &h->flow, h->irs, now, mss);
	if (ts - clock - 1 < TS_BITS) /* never ahead of the clock that the connection will show */
		ts -= TS_BITS + 1;
	h->ts_off += ts - clock;
	if (h->ts)
		return;
	h->sack = h->wscale = h->ecn = false; /* nobody would remember */
}

static void read_options(const struct zs_stack *s, const struct zs_pktinfo *pi, struct zs_half *h)
{
	uint32_t bits = pi->opt.ts_ecr;

	h->ts = pi->opt.has_ts && s->cfg.use_ts;
	if (!h->ts)
		return;
	h->ts_recent = pi->opt.ts_val;
	h->sack = (bits & TS_SACK) != 0;
	h->ecn = (bits & TS_ECN) != 0;
	h->wscale = (bits & NO_WSCALE) != NO_WSCALE;
	h->peer_wscale = h->wscale ? bits & NO_WSCALE : 0;
}

bool zs_cookie_eat(struct zs_stack *s, const struct zs_pktinfo *pi, struct zs_half *h)
{
	uint32_t iss = pi->ack - 1, irs = pi->seq - 1;
	uint32_t age = (period(s) - (iss >> TIME_SHIFT)) & TIME_MASK;
	uint32_t mss = iss >> MSS_SHIFT & 7;

	if (age > 1 || (iss & MAC_MASK) != mac(s, &pi->flow, irs, period(s) - age, mss))
		return false;
	*h = (struct zs_half){
		.flow = pi->flow,
		.iss = iss,
		.irs = irs,
		.ts_off = zs_ts_offset(s, &pi->flow),
		.peer_mss = mss_table[mss],
	};
	read_options(s, pi, h);
	return true;
}
