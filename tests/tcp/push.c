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

/* The congestion window ends in the middle of a write: the last segment for now says so. */
static void run_ends_with_it(struct tt *t)
{
	tt_connect_passive(t);
	tt_send(t, 30000);
	for (unsigned i = 0; i < 9; i++)
		tt_expect(t, "A", 1 + 1460 * i, 1, 1460, .psh = true);
	tt_expect(t, "PA", 1 + 1460 * 9, 1, 1460, .psh = true);
	tt_expect_none(t);
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
	TT(write_ends_with_it),	  TT(run_ends_with_it),	    TT(single_segment_is_no_run),
	TT(half_a_window_has_it), TT(sent_again_as_it_was), TT(more_holds_it_back),
};

ZS_TEST_MAIN(tests)
