/* SPDX-License-Identifier: BSD-3-Clause */
/* Segments of a connection that carry no payload: acknowledgements, probes of the window, RST. */
#include "core/tcp/zs_outcome.h"
#include "core/tcp/zs_score.h"

/* The blocks that go with an ACK: a duplicate first (RFC 2883 4), then the latest. */
static uint8_t sack_blocks(struct zs_tcb *tcb, struct zs_sack_block *out)
{
	unsigned max = tcb->flags & ZS_TF_TS ? 3 : 4;
	bool dsack = (tcb->flags & ZS_TF_DSACK) != 0;
	uint8_t n = 0;

	tcb->flags &= ~(uint32_t)ZS_TF_DSACK;
	if (!(tcb->flags & ZS_TF_SACK))
		return 0;
	if (dsack)
		out[n++] = tcb->dsack;
	for (unsigned i = 0; i < tcb->n_recent && n < max; i++)
		out[n++] = tcb->recent[i];
	return n;
}

/*
 * SND.NXT, unless the peer took so much of its window back that it would throw away what is there,
 * with the acknowledgement (RFC 9293 3.8.6, MUST-34): the edge. An edge that moves by less than the
 * window field can say has not moved.
 */
static uint32_t acceptable_seq(const struct zs_tcb *tcb)
{
	uint32_t edge = tcb->snd_una + tcb->snd_wnd;

	if (likely(zs_seq_geq(edge, tcb->snd_nxt)) || tcb->state < ZS_ESTABLISHED ||
	    tcb->snd_nxt - edge < 1u << tcb->snd_wscale)
		return tcb->snd_nxt;
	return edge;
}

enum zs_outcome zs_out_ack(struct zs_stack *s, struct zs_tcb *tcb, uint16_t wnd)
{
	struct zs_sack_block blocks[ZS_MAX_SACK];
	struct zs_segment sg = {
		.seq = acceptable_seq(tcb),
		.wnd = wnd,
		.flags = ZS_ACK,
		.sack = blocks,
	};

	if (!zs_out_room(s, tcb))
		return ZS_OUT_BLOCKED;
	sg.n_sack = sack_blocks(tcb, blocks);
	if (zs_build_segment(s, tcb, &sg) < 0)
		return ZS_OUT_BLOCKED;
	s->stats.tcp_acks_out++;
	zs_out_acked(tcb);
	return ZS_OUT_SENT;
}

void zs_send_ack(struct zs_stack *s, struct zs_tcb *tcb)
{
	if (zs_build_refresh(s, tcb))
		(void)zs_out_ack(s, tcb, zs_build_window(tcb)); /* as good as lost */
}

void zs_send_probe(struct zs_stack *s, struct zs_tcb *tcb)
{
	struct zs_segment sg = {
		.seq = tcb->snd_una - 1,
		.wnd = zs_build_window(tcb),
		.flags = ZS_ACK,
	};

	if (zs_build_refresh(s, tcb) && zs_out_room(s, tcb) && zs_build_segment(s, tcb, &sg) == 0) {
		s->stats.tcp_probes++;
		zs_out_acked(tcb);
	}
}

void zs_send_rst(struct zs_stack *s, struct zs_tcb *tcb)
{
	struct zs_raw raw = {
		.flow = &tcb->flow,
		.seq = acceptable_seq(tcb),
		.ack = tcb->rcv_nxt,
		.flags = ZS_RST | ZS_ACK,
		.ttl = tcb->opts.ttl,
		.ts = (tcb->flags & ZS_TF_TS) != 0,
		.ts_val = s->now_ms + tcb->ts_off,
		.ts_ecr = tcb->ts_recent,
	};

	s->stats.tcp_rst_out++;
	(void)zs_send_raw(s, &raw); /* as good as lost: the peer asks again */
}

enum { CHALLENGES_AT_ONCE = 10 };

/* When the next one would be due, were they spread evenly, is no further off than ten gaps. */
static bool connection_may(const struct zs_stack *s, uint32_t *next_ms)
{
	uint32_t gap = s->cfg.challenge_gap_ms;
	uint32_t ahead = *next_ms - s->now_ms;

	if (ahead > CHALLENGES_AT_ONCE * gap) /* long ago, or never */
		ahead = 0;
	if (ahead > (CHALLENGES_AT_ONCE - 1) * gap)
		return false;
	*next_ms = s->now_ms + ahead + gap;
	return true;
}

bool zs_challenge_allowed(struct zs_stack *s, uint32_t *next_ms)
{
	struct zs_bucket *b = &s->challenge_limit;

	if (!connection_may(s, next_ms))
		return false;
	if (s->now_us - b->last_us >= 1000000) {
		b->last_us = s->now_us;
		b->tokens = b->rate / 2 + zs_rand_below(&s->rand, b->rate + 1);
	}
	if (b->tokens == 0)
		return false;
	b->tokens--;
	return true;
}

void zs_challenge_ack(struct zs_stack *s, struct zs_tcb *tcb)
{
	struct zs_score *sc = tcb->flags & ZS_TF_SCORE ? zs_score(s, tcb) : zs_score_wake(s, tcb);

	if (!zs_challenge_allowed(s, &sc->challenge_ms))
		return;
	s->stats.tcp_challenge++;
	zs_ack_now(s, tcb);
}
