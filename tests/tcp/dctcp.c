/* SPDX-License-Identifier: BSD-3-Clause */
/* DCTCP (RFC 8257): the exact echo (3.2), alpha and the window (3.3), losses (3.5). */
#include "tests/zs_test.h"
#include "tt.h"

enum { MSS = 1000, RTT = 100 * TT_MS };

static void dctcp(struct zs_config *cfg)
{
	cfg->cc = ZS_CC_DCTCP;
	cfg->ecn = ZS_ECN_OFF; /* DCTCP asks for it all the same */
	cfg->quickacks = 0;
}

static void open_passive(struct tt *t)
{
	tt_listen(t, 16);
	tt_in(t, "SEC", 0, 0, 0, .opt = "mss 1000,sackOK,nop,wscale 7");
	tt_expect(t, "SAE", 0, 1, 0);
	tt_advance(t, RTT);
	tt_in(t, "A", 1, 1, 0);
	tt_accept(t);
}

static void active_asks(struct tt *t)
{
	assert_int_equal(tt_connect(t), 0);
	tt_expect(t, "SEC", 0, 0, 0);
	tt_in(t, "SAE", 0, 1, 0, .opt = "mss 1000,sackOK");
	tt_expect(t, "A", 1, 1, 0);
	assert_true(tt_info(t).ecn);
}

/* 3.2: what came before the mark is acknowledged without it, at once; CWR changes nothing. */
static void exact_echo(struct tt *t)
{
	open_passive(t);
	tt_in(t, "A", 1, 1, MSS, .ecn = TT_ECT0);
	tt_expect_none(t); /* delayed */
	tt_in(t, "A", 1001, 1, MSS, .ecn = TT_CE);
	tt_expect(t, "A", 1, 1001, 0);
	tt_in(t, "A", 2001, 1, MSS, .ecn = TT_CE);
	tt_expect(t, "AE", 1, 3001, 0);
	tt_in(t, "AC", 3001, 1, MSS, .ecn = TT_CE);
	tt_in(t, "A", 4001, 1, MSS, .ecn = TT_ECT0);
	tt_expect(t, "AE", 1, 4001, 0);
	tt_in(t, "A", 5001, 1, MSS, .ecn = TT_ECT0);
	tt_expect(t, "A", 1, 6001, 0);
}

/* The same within one burst of the device. */
static void exact_echo_in_a_burst(struct tt *t)
{
	open_passive(t);
	for (uint32_t i = 0; i < 6; i++)
		tt_in(t, "A", 1 + i * MSS, 1, MSS, .ecn = i < 3 ? TT_ECT0 : TT_CE, .hold = i < 5);
	tt_expect(t, "A", 1, 3001, 0);
	tt_expect(t, "AE", 1, 6001, 0);
	tt_expect_none(t);
}

/* Acknowledges `marked` of n segments with an echo, then the others without. */
static uint32_t one_window(struct tt *t, uint32_t acked, unsigned n, unsigned marked)
{
	tt_advance(t, RTT);
	for (unsigned i = 0; i < n; i++) {
		acked += MSS;
		tt_in(t, i < marked ? "AE" : "A", 1, acked, 0);
	}
	return acked;
}

/* 3.3: alpha begins at 1, so the first mark halves; it decays by 1/16 with each window. */
static void window_follows_alpha(struct tt *t)
{
	uint32_t acked = 1, before, alpha = 1 << 10;

	open_passive(t);
	tt_send(t, 200 * MSS);
	tt_expect_run(t, 1, 1, MSS, 10);
	acked = one_window(t, acked, 10, 1);
	assert_in_range(tt_info(t).ssthresh, 5 * MSS, 5 * MSS + 100);
	for (unsigned w = 0; w < 24; w++) { /* windows without a mark */
		unsigned n = tt_info(t).inflight / MSS;

		tt_drain(t);
		acked = one_window(t, acked, n, 0);
		alpha -= alpha / 16;
		if (zs_tcp_send_space(t->c->tcb) > 100 * MSS)
			tt_send(t, 50 * MSS);
	}
	before = tt_info(t).cwnd;
	assert_true(before > 20 * MSS);
	tt_drain(t);
	acked = one_window(t, acked, 1, 1);
	/* alpha is about 0.2: a tenth off, not half */
	assert_in_range(tt_info(t).ssthresh, before * 85 / 100, before * 93 / 100);
	tt_drain(t);
	(void)alpha;
}

/* 3.5: a loss is a loss. */
static void loss_halves(struct tt *t)
{
	open_passive(t);
	tt_send(t, 40 * MSS);
	tt_expect_run(t, 1, 1, MSS, 10);
	tt_in(t, "A", 1, 1, 0, .opt = "nop,nop,sack 1001:4001");
	assert_int_equal(tt_info(t).ssthresh, 5 * MSS);
	tt_drain(t);
}

/* The peer refuses ECN: what is left is NewReno (3.4). */
static void without_ecn(struct tt *t)
{
	assert_int_equal(tt_connect(t), 0);
	tt_expect(t, "SEC", 0, 0, 0);
	tt_in(t, "SA", 0, 1, 0, .opt = "mss 1000,sackOK");
	tt_expect(t, "A", 1, 1, 0);
	tt_send(t, 10 * MSS);
	tt_expect_run(t, 1, 1, MSS, 10);
	tt_in(t, "AE", 1, 1 + 2 * MSS, 0);
	assert_int_equal(tt_info(t).cwnd, 12 * MSS);
}

static const struct CMUnitTest tests[] = {
	TT_CFG(active_asks, dctcp),	      TT_CFG(exact_echo, dctcp),
	TT_CFG(exact_echo_in_a_burst, dctcp), TT_CFG(window_follows_alpha, dctcp),
	TT_CFG(loss_halves, dctcp),	      TT_CFG(without_ecn, dctcp),
};

ZS_TEST_MAIN(tests)
