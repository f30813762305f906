/* SPDX-License-Identifier: BSD-3-Clause */
/* PSH (RFC 9293 3.9.1.2): at the end of a write, and where a run of segments has to stop. */
#include "core/zs_pkt.h"
#include "tests/zs_test.h"
#include "tt.h"

static void write_ends_with_it(struct tt *t)
{
	tt_connect_passive(t);
	tt_send(t, 2000);
	tt_expect(t, "A", 1, 1, 1460, .psh = true);
	tt_expect(t, "PA", 1461, 1, 540, .psh = true);
}

/*
 * The congestion window ends in the middle of a write: the last segment for now says so, and the
 * one in its middle, so that two ACKs come back.
 */
static void run_ends_with_it(struct tt *t)
{
	tt_connect_passive(t);
	tt_send(t, 30000);
	for (unsigned i = 0; i < 10; i++)
		tt_expect(t, i % 5 == 4 ? "PA" : "A", 1 + 1460 * i, 1, 1460, .psh = true);
	tt_expect_none(t);
}

static void two_segments(struct zs_config *cfg)
{
	cfg->psh_segs = 2;
}

static void runs_may_be_shorter(struct tt *t)
{
	tt_connect_passive(t);
	tt_send(t, 30000);
	for (unsigned i = 0; i < 10; i++)
		tt_expect(t, i % 2 == 1 ? "PA" : "A", 1 + 1460 * i, 1, 1460, .psh = true);
}

static void writes_alone(struct zs_config *cfg)
{
	cfg->psh_segs = ZS_PSH_WRITES;
}

static void only_writes_end_with_it(struct tt *t)
{
	tt_connect_passive(t);
	tt_send(t, 4000);
	for (unsigned i = 0; i < 3; i++)
		tt_expect(t, i == 2 ? "PA" : "A", 1 + 1460 * i, 1, i == 2 ? 1080 : 1460,
			  .psh = true);
	tt_send(t, 30000);
	for (unsigned i = 0; i < 7; i++)
		tt_expect(t, "A", 4001 + 1460 * i, 1, 1460, .psh = true);
	tt_expect_none(t);
}

/* Of a window of three segments there is no half worth an ACK of its own. */
static void small_window_is_no_run(struct tt *t)
{
	tt_connect_passive(t);
	tt_send(t, 30000);
	for (unsigned i = 0; i < 3; i++)
		tt_expect(t, "A", 1 + 1460 * i, 1, 1460, .psh = true);
	tt_expect_none(t);
}

static void three_segments(struct zs_config *cfg)
{
	cfg->initial_cwnd_segs = 3;
}

static void loses_runs(struct tt *t)
{
	tt_send(t, 14600);
	tt_drain(t);
	tt_advance(t, 100 * TT_MS);
	tt_in(t, "A", 1, 1461, 0, .opt = "nop,nop,sack 4381:5841 8761:14601");
	tt_expect(t, "A", 1461, 1, 1460, .psh = true); /* the first of its two has arrived */
	tt_expect(t, "A", 2921, 1, 1460, .psh = true);
	tt_expect(t, "A", 5841, 1, 1460, .psh = true);
	tt_expect(t, "PA", 7301, 1, 1460, .psh = true);
}

/* What went out together and is sent again together ends as it did; one by itself does not. */
static void run_sent_again(struct tt *t)
{
	tt_connect_passive(t, .rtt_us = 100 * TT_MS);
	loses_runs(t);
}

static void ecn(struct zs_config *cfg)
{
	cfg->ecn = ZS_ECN_ON;
	cfg->psh_segs = 2;
}

/* The same where each segment is made by itself, because something about it may be special. */
static void special_run_sent_again(struct tt *t)
{
	tt_listen(t, 1);
	tt_in(t, "SEC", 0, 0, 0, .opt = "mss 1460,sackOK");
	tt_expect(t, "SAE", 0, 1, 0);
	tt_advance(t, 100 * TT_MS);
	tt_in(t, "A", 1, 1, 0);
	tt_accept(t);
	loses_runs(t);
}

/* One segment that was waited for is no run. */
static void single_segment_is_no_run(struct tt *t)
{
	tt_connect_passive(t, .wnd = 1460);
	tt_send(t, 30000);
	tt_expect(t, "A", 1, 1, 1460, .psh = true);
	tt_expect_none(t);
}

/* RFC 1122 4.2.2.2 leaves PSH to the sender: nobody waits for more than half of his window. */
static void half_a_window_has_it(struct tt *t)
{
	tt_connect_passive(t, .wnd = 8 * 1460);
	tt_send(t, 30000);
	for (unsigned i = 0; i < 8; i++)
		tt_expect(t, i % 4 == 3 ? "PA" : "A", 1 + 1460 * i, 1, 1460, .psh = true);
	tt_expect_none(t);
}

/* What is sent again has it where a write ended. */
static void sent_again_as_it_was(struct tt *t)
{
	tt_connect_passive(t);
	tt_send(t, 2000);
	tt_drain(t);
	tt_expect_within(t, 0, 100 * TT_MS, "PA", 1461, 1, 540, .psh = true); /* the probe */
	tt_expect_within(t, 100 * TT_MS, TT_S, "A", 1, 1, 1460, .psh = true);
}

/* MSG_MORE announces more: no PSH until that comes, or did not come for long. */
static void more_holds_it_back(struct tt *t)
{
	tt_connect_passive(t);
	tt_send_more(t, 1460, ZS_SEND_MORE);
	tt_expect(t, "A", 1, 1, 1460, .psh = true);
	tt_in(t, "A", 1, 1461, 0);
	tt_send_more(t, 100, ZS_SEND_MORE);
	tt_expect_within(t, 190 * TT_MS, 210 * TT_MS, "PA", 1461, 1, 100, .psh = true);
}

static const struct CMUnitTest tests[] = {
	TT(write_ends_with_it),
	TT(run_ends_with_it),
	TT(single_segment_is_no_run),
	TT(half_a_window_has_it),
	TT(sent_again_as_it_was),
	TT(more_holds_it_back),
	TT_CFG(runs_may_be_shorter, two_segments),
	TT_CFG(only_writes_end_with_it, writes_alone),
	TT_CFG(small_window_is_no_run, three_segments),
	TT_CFG(run_sent_again, two_segments),
	TT_CFG(special_run_sent_again, ecn),
};

ZS_TEST_MAIN(tests)
