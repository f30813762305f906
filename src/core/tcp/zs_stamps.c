/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * When what was written was sent and acknowledged (SO_TIMESTAMPING): of the last byte of each
 * write. Who wants to know pays with a buffer of the packet pool, where the ends of writes that are
 * on their way and the times that nobody has taken yet are in two rings; what has no room there is
 * not told. Off the path of everybody else: by ZS_TF_SND_RULES.
 */
#include <errno.h>

#include "core/tcp/zs_sndrules.h"

enum { WRITES = 32, STAMPS = 96 };

/* Counts go on for ever; a place in a ring is its count modulo the size. */
struct stamps {
	uint32_t word;		       /* the socket layer's */
	uint8_t wants;		       /* 1 << enum zs_stamp_of */
	uint32_t base;		       /* sequence number of byte 0 */
	uint32_t acked, sent, written; /* writes */
	uint32_t taken, made;	       /* stamps */
	uint32_t end[WRITES];	       /* sequence number behind the last byte */
	struct zs_stamp stamp[STAMPS];
};

static struct stamps *stamps_of(const struct zs_tcb *tcb)
{
	return rte_pktmbuf_mtod(tcb->stamps, struct stamps *);
}

static struct rte_mbuf *room_for_stamps(struct zs_stack *s)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(s->env.pkt_pool);

	if (m != NULL && rte_pktmbuf_append(m, sizeof(struct stamps)) == NULL) {
		rte_pktmbuf_free(m);
		return NULL;
	}
	return m;
}

int zs_tcp_stamps(struct zs_stack *s, struct zs_tcb *tcb, unsigned wants, uint32_t word)
{
	if (tcb->stamps == NULL && word == 0)
		return 0;
	if (tcb->stamps == NULL) {
		tcb->stamps = room_for_stamps(s);
		if (tcb->stamps == NULL)
			return -ENOBUFS;
		*stamps_of(tcb) = (struct stamps){ .base = tcb->snd_una };
		tcb->flags |= ZS_TF_SND_RULES;
	} else if (stamps_of(tcb)->wants == 0) {
		stamps_of(tcb)->base = tcb->snd_una;
	}
	stamps_of(tcb)->wants = (uint8_t)wants;
	stamps_of(tcb)->word = word;
	return 0;
}

uint32_t zs_tcp_stamps_word(const struct zs_tcb *tcb)
{
	return tcb->stamps != NULL ? stamps_of(tcb)->word : 0;
}

static void make(struct zs_stack *s, struct zs_tcb *tcb, struct stamps *st, uint32_t end,
		 enum zs_stamp_of of)
{
	if (!(st->wants & 1u << of) || st->made - st->taken == STAMPS)
		return;
	st->stamp[st->made++ % STAMPS] = (struct zs_stamp){
		.at_us = (uint32_t)s->now_us,
		.byte = end - 1 - st->base,
		.of = (uint8_t)of,
	};
	zs_ep_raise(s, &tcb->ep, ZS_EV_ERRQ);
}

void zs_stamps_written(struct zs_tcb *tcb)
{
	struct rte_mbuf *last = tcb->sndq.tail;
	struct stamps *st = stamps_of(tcb);

	if (st->wants != 0 && st->written - st->acked < WRITES)
		st->end[st->written++ % WRITES] = zs_seg(last)->seq + zs_seg(last)->len;
}

void zs_stamps_sent(struct zs_stack *s, struct zs_tcb *tcb)
{
	struct stamps *st = stamps_of(tcb);

	while (st->sent != st->written && zs_seq_leq(st->end[st->sent % WRITES], tcb->snd_nxt)) {
		uint32_t end = st->end[st->sent++ % WRITES];

		make(s, tcb, st, end, ZS_STAMP_QUEUED);
		make(s, tcb, st, end, ZS_STAMP_SENT);
	}
}

void zs_stamps_acked(struct zs_stack *s, struct zs_tcb *tcb)
{
	struct stamps *st = stamps_of(tcb);

	while (st->acked != st->sent && zs_seq_leq(st->end[st->acked % WRITES], tcb->snd_una))
		make(s, tcb, st, st->end[st->acked++ % WRITES], ZS_STAMP_ACKED);
}

const struct zs_stamp *zs_tcp_stamp(const struct zs_tcb *tcb)
{
	const struct stamps *st;

	if (tcb->stamps == NULL)
		return NULL;
	st = stamps_of(tcb);
	return st->taken != st->made ? &st->stamp[st->taken % STAMPS] : NULL;
}

void zs_tcp_stamp_done(struct zs_tcb *tcb)
{
	stamps_of(tcb)->taken++;
}
