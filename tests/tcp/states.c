/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * RFC 9293 3.10.7 as a table: each kind of segment in each state, the answer and the state after
 * it. Every cell is a connection of its own.
 */
#include <string.h>

#include "tests/zs_test.h"
#include "tt.h"

/* Sequence numbers of a cell are relative to RCV.NXT, acknowledgment numbers to SND.NXT of the
 * state. */
struct cell {
	const char *what;
	const char *flags;
	int32_t seq, ack;
	uint32_t len;
	/* answer: NULL none; "c": challenge or duplicate <SND.NXT, RCV.NXT, ACK>; "r": <SEG.ACK,
	   RST>; "R": <0, SEG.SEQ + SEG.LEN, RST ACK>; "+": ACK of what was taken; "*": anything */
	const char *answer;
	enum zs_tcp_state next;
};

static uint32_t seg_len(const struct cell *cell)
{
	return cell->len + (strchr(cell->flags, 'S') != NULL) + (strchr(cell->flags, 'F') != NULL);
}

static void check_answer(struct tt *t, const struct cell *cell, uint32_t seq, uint32_t ack)
{
	switch (cell->answer == NULL ? 0 : cell->answer[0]) {
	case 0:
		break;
	case 'c':
		tt_expect(t, "A", t->c->ack, t->c->seq, 0);
		break;
	case '+':
		tt_expect(t, "A", t->c->ack, seq + seg_len(cell), 0);
		break;
	case 'r':
		tt_expect(t, "R", ack, 0, 0);
		break;
	case 'R':
		tt_expect(t, "RA", (uint32_t)-t->c->iss, seq + seg_len(cell), 0);
		break;
	default:
		tt_drain(t);
	}
	tt_expect_none(t);
}

static void run_cell(struct tt *t, enum zs_tcp_state st, const struct cell *cell)
{
	uint32_t seq, ack;

	tt_enter(t, st);
	seq = t->c->seq + (uint32_t)cell->seq;
	ack = strchr(cell->flags, 'A') != NULL ? t->c->ack + (uint32_t)cell->ack : 0;
	tt_in(t, cell->flags, seq, ack, cell->len);
	if (tt_state(t) != cell->next)
		print_error("in %s: %s\n", zs_tcp_state_name(st), cell->what);
	tt_expect_state(t, cell->next);
	check_answer(t, cell, seq, ack);
	if (st == ZS_SYN_RCVD && zs_stack_counts(t->s).half_open > 0)
		tt_in(t, "R", 1, 0, 0);
	if (t->c->tcb == NULL && t->listener != NULL) {
		struct zs_tcb *tcb = zs_tcp_accept(t->s, t->listener);

		if (tcb != NULL)
			zs_tcp_abort(t->s, tcb);
	}
	tt_fresh(t);
	while (zs_stack_counts(t->s).time_wait > 0)
		tt_advance(t, 10 * TT_S);
}

#define RUN(t, st, cells)                                                                          \
	for (unsigned i = 0; i < sizeof(cells) / sizeof((cells)[0]); i++)                          \
	run_cell(t, st, &(cells)[i])

static void in_closed(struct tt *t)
{
	static const struct cell cells[] = {
		{ "RST", "R", 0, 0, 0, NULL, ZS_CLOSED },
		{ "RST ACK", "RA", 0, 0, 0, NULL, ZS_CLOSED },
		{ "SYN", "S", 0, 0, 0, "R", ZS_CLOSED },
		{ "SYN with data", "S", 0, 0, 10, "R", ZS_CLOSED },
		{ "SYN FIN", "SF", 0, 0, 0, "R", ZS_CLOSED },
		{ "FIN", "F", 0, 0, 0, "R", ZS_CLOSED },
		{ "no flag, data", "", 0, 0, 10, "R", ZS_CLOSED },
		{ "ACK", "A", 0, 5, 0, "r", ZS_CLOSED },
		{ "SYN ACK", "SA", 0, 5, 0, "r", ZS_CLOSED },
		{ "FIN ACK", "FA", 0, 5, 0, "r", ZS_CLOSED },
		{ "data", "PA", 0, 5, 100, "r", ZS_CLOSED },
	};

	RUN(t, ZS_CLOSED, cells);
}

static void in_listen(struct tt *t)
{
	static const struct cell cells[] = {
		{ "RST", "R", 0, 0, 0, NULL, ZS_CLOSED },
		{ "RST ACK", "RA", 0, 0, 0, NULL, ZS_CLOSED },
		{ "ACK", "A", 0, 5, 0, "r", ZS_CLOSED },
		{ "SYN ACK", "SA", 0, 5, 0, "r", ZS_CLOSED },
		{ "FIN ACK", "FA", 0, 5, 0, "r", ZS_CLOSED },
		{ "FIN", "F", 0, 0, 0, NULL, ZS_CLOSED },
		{ "no flag, data", "", 0, 0, 10, NULL, ZS_CLOSED },
		{ "data", "PA", 0, 5, 100, "r", ZS_CLOSED },
	};

	RUN(t, ZS_LISTEN, cells);
}

static void in_syn_sent(struct tt *t)
{
	static const struct cell cells[] = {
		{ "RST", "R", 0, 0, 0, NULL, ZS_SYN_SENT },
		{ "RST ACK", "RA", 0, 0, 0, NULL, ZS_CLOSED },
		{ "RST ACK of nothing", "RA", 0, -1, 0, NULL, ZS_SYN_SENT },
		{ "RST ACK of the unsent", "RA", 0, 1, 0, NULL, ZS_SYN_SENT },
		{ "SYN ACK", "SA", 0, 0, 0, "+", ZS_ESTABLISHED },
		{ "SYN ACK of nothing", "SA", 0, -1, 0, "r", ZS_SYN_SENT },
		{ "SYN ACK of the unsent", "SA", 0, 1, 0, "r", ZS_SYN_SENT },
		{ "SYN", "S", 0, 0, 0, "*", ZS_SYN_RCVD },
		{ "ACK", "A", 0, 0, 0, NULL, ZS_SYN_SENT },
		{ "ACK of nothing", "A", 0, -1, 0, "r", ZS_SYN_SENT },
		{ "ACK of the unsent", "A", 0, 1, 0, "r", ZS_SYN_SENT },
		{ "data", "PA", 0, 0, 100, NULL, ZS_SYN_SENT },
		{ "FIN", "F", 0, 0, 0, NULL, ZS_SYN_SENT },
		{ "FIN ACK", "FA", 0, 0, 0, NULL, ZS_SYN_SENT },
		{ "no flag, data", "", 0, 0, 10, NULL, ZS_SYN_SENT },
	};

	RUN(t, ZS_SYN_SENT, cells);
}

static void in_syn_rcvd(struct tt *t)
{
	static const struct cell cells[] = {
		{ "RST", "R", 0, 0, 0, NULL, ZS_CLOSED },
		{ "RST in the window", "R", 1, 0, 0, "c", ZS_SYN_RCVD },
		{ "RST before the window", "R", -1, 0, 0, NULL, ZS_SYN_RCVD },
		{ "SYN again", "S", -1, 0, 0, "*", ZS_SYN_RCVD },
		{ "SYN in the window", "S", 100, 0, 0, "c", ZS_SYN_RCVD },
		{ "ACK", "A", 0, 0, 0, NULL, ZS_ESTABLISHED },
		{ "ACK of nothing", "A", 0, -1, 0, "r", ZS_SYN_RCVD },
		{ "ACK of the unsent", "A", 0, 1, 0, "r", ZS_SYN_RCVD },
		{ "ACK beyond the window", "A", 100000, 0, 0, "c", ZS_SYN_RCVD },
		{ "data", "PA", 0, 0, 100, "+", ZS_ESTABLISHED },
		{ "FIN ACK", "FA", 0, 0, 0, "+", ZS_CLOSE_WAIT },
		{ "FIN", "F", 0, 0, 0, NULL, ZS_SYN_RCVD },
		{ "no flag, data", "", 0, 0, 10, NULL, ZS_SYN_RCVD },
	};

	RUN(t, ZS_SYN_RCVD, cells);
}

/* The state behind st once our FIN is acknowledged. */
static enum zs_tcp_state fin_acked(enum zs_tcp_state st)
{
	switch (st) {
	case ZS_FIN_WAIT_1:
		return ZS_FIN_WAIT_2;
	case ZS_CLOSING:
		return ZS_TIME_WAIT;
	case ZS_LAST_ACK:
		return ZS_CLOSED;
	default:
		return st;
	}
}

/* What is the same in all synchronized states before the connection is over. */
static void common(struct tt *t, enum zs_tcp_state st)
{
	const char *repeat = st == ZS_LAST_ACK ? NULL : "c"; /* nobody is left to answer */
	const struct cell cells[] = {
		{ "RST", "R", 0, 0, 0, NULL, ZS_CLOSED },
		{ "RST in the window", "R", 1, 0, 0, "c", st },
		{ "RST before the window", "R", -1, 0, 0, NULL, st },
		{ "SYN", "S", 0, 0, 0, "c", st },
		{ "SYN ACK", "SA", 0, 0, 0, "c", st },
		{ "SYN before the window", "S", -100, 0, 0, "c", st },
		{ "SYN FIN", "SF", 0, 0, 0, "c", st },
		{ "ACK of the unsent", "A", 0, 1, 0, "c", st },
		{ "ACK much too old", "A", 0, -100000, 0, "c", st },
		{ "no flag, data", "", 0, 0, 10, NULL, st },
		{ "FIN", "F", 0, 0, 0, NULL, st },
		{ "ACK before the window", "A", -1, 0, 0, "c", st },
		{ "ACK beyond the window", "A", 10000000, 0, 0, "c", st },
		{ "data before the window", "A", -10, 0, 10, repeat, fin_acked(st) },
		{ "data beyond the window", "A", 10000000, 0, 10, "c", st },
	};

	RUN(t, st, cells);
}

static void in_established(struct tt *t)
{
	static const struct cell cells[] = {
		{ "ACK", "A", 0, 0, 0, NULL, ZS_ESTABLISHED },
		{ "data", "PA", 0, 0, 100, "+", ZS_ESTABLISHED },
		{ "data beyond a gap", "PA", 10, 0, 100, "c", ZS_ESTABLISHED },
		{ "FIN ACK", "FA", 0, 0, 0, "+", ZS_CLOSE_WAIT },
		{ "FIN ACK with data", "FA", 0, 0, 50, "+", ZS_CLOSE_WAIT },
		{ "FIN ACK beyond a gap", "FA", 10, 0, 0, "c", ZS_ESTABLISHED },
	};

	common(t, ZS_ESTABLISHED);
	RUN(t, ZS_ESTABLISHED, cells);
}

static void in_fin_wait_1(struct tt *t)
{
	static const struct cell cells[] = {
		{ "ACK of data only", "A", 0, -1, 0, NULL, ZS_FIN_WAIT_1 },
		{ "ACK of FIN", "A", 0, 0, 0, NULL, ZS_FIN_WAIT_2 },
		{ "data", "A", 0, -1, 10, "+", ZS_FIN_WAIT_1 },
		{ "data, ACK of FIN", "A", 0, 0, 10, "+", ZS_FIN_WAIT_2 },
		{ "FIN", "FA", 0, -1, 0, "+", ZS_CLOSING },
		{ "FIN, ACK of FIN", "FA", 0, 0, 0, "+", ZS_TIME_WAIT },
		{ "FIN beyond a gap, ACK of FIN", "FA", 10, 0, 0, "c", ZS_FIN_WAIT_2 },
	};

	common(t, ZS_FIN_WAIT_1);
	RUN(t, ZS_FIN_WAIT_1, cells);
}

static void in_fin_wait_2(struct tt *t)
{
	static const struct cell cells[] = {
		{ "ACK", "A", 0, 0, 0, NULL, ZS_FIN_WAIT_2 },
		{ "data", "A", 0, 0, 10, "+", ZS_FIN_WAIT_2 },
		{ "FIN", "FA", 0, 0, 0, "+", ZS_TIME_WAIT },
		{ "FIN with data", "FA", 0, 0, 20, "+", ZS_TIME_WAIT },
	};

	common(t, ZS_FIN_WAIT_2);
	RUN(t, ZS_FIN_WAIT_2, cells);
}

static void in_closing(struct tt *t)
{
	static const struct cell cells[] = {
		{ "ACK of data only", "A", 0, -1, 0, NULL, ZS_CLOSING },
		{ "ACK of FIN", "A", 0, 0, 0, NULL, ZS_TIME_WAIT },
		{ "FIN again", "FA", -1, -1, 0, "*", ZS_CLOSING },
	};

	common(t, ZS_CLOSING);
	RUN(t, ZS_CLOSING, cells);
}

static void in_close_wait(struct tt *t)
{
	static const struct cell cells[] = {
		{ "ACK", "A", 0, 0, 0, NULL, ZS_CLOSE_WAIT },
		{ "FIN again", "FA", -1, 0, 0, "c", ZS_CLOSE_WAIT },
	};

	common(t, ZS_CLOSE_WAIT);
	RUN(t, ZS_CLOSE_WAIT, cells);
}

static void in_last_ack(struct tt *t)
{
	static const struct cell cells[] = {
		{ "ACK of data only", "A", 0, -1, 0, NULL, ZS_LAST_ACK },
		{ "ACK of FIN", "A", 0, 0, 0, NULL, ZS_CLOSED },
		{ "FIN again", "FA", -1, -1, 0, "*", ZS_LAST_ACK },
	};

	common(t, ZS_LAST_ACK);
	RUN(t, ZS_LAST_ACK, cells);
}

static void in_time_wait(struct tt *t)
{
	static const struct cell cells[] = {
		{ "RST", "R", 0, 0, 0, NULL, ZS_TIME_WAIT },
		{ "RST ACK", "RA", 0, 0, 0, NULL, ZS_TIME_WAIT },
		{ "RST in the window", "R", 5, 0, 0, NULL, ZS_TIME_WAIT },
		{ "ACK", "A", 0, 0, 0, NULL, ZS_TIME_WAIT },
		{ "ACK before the window", "A", -1, 0, 0, "c", ZS_TIME_WAIT },
		{ "FIN again", "FA", -1, 0, 0, "c", ZS_TIME_WAIT },
		{ "SYN not beyond", "S", -1, 0, 0, "c", ZS_TIME_WAIT },
		{ "SYN ACK", "SA", 100, 0, 0, "c", ZS_TIME_WAIT },
		{ "no flag, data", "", 0, 0, 10, NULL, ZS_TIME_WAIT },
	};

	RUN(t, ZS_TIME_WAIT, cells);
}

static const struct CMUnitTest tests[] = {
	TT(in_closed),	    TT(in_listen),     TT(in_syn_sent),	  TT(in_syn_rcvd),
	TT(in_established), TT(in_fin_wait_1), TT(in_fin_wait_2), TT(in_closing),
	TT(in_close_wait),  TT(in_last_ack),   TT(in_time_wait),
};

ZS_TEST_MAIN(tests)
