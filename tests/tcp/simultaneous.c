/* SPDX-License-Identifier: BSD-3-Clause */
/* Simultaneous open (RFC 9293 3.5, figure 7): what the second SYN of the peer carries. */
#include "tests/zs_test.h"
#include "tt.h"

/* RFC 7323 2.2: the window of a SYN-ACK is not scaled, and nothing of it is lost to the scale. */
static void window_is_not_scaled(struct tt *t)
{
	t->c->wnd = 5000;
	assert_int_equal(tt_connect(t), 0);
	tt_expect(t, "S", 0, 0, 0);
	tt_in(t, "S", 0, 0, 0, .opt = "mss 1000,sackOK,nop,wscale 14");
	tt_expect(t, "SA", 0, 1, 0);
	tt_in(t, "SA", 0, 1, 0, .opt = "mss 1000,sackOK,nop,wscale 14");
	tt_expect(t, "A", 1, 1, 0);
	assert_int_equal(tt_info(t).snd_wnd, 5000);
	tt_send(t, 6000);
	tt_expect_run(t, 1, 1, 1000, 5);
	tt_expect_none(t);
}

static const struct CMUnitTest tests[] = {
	TT(window_is_not_scaled),
};

ZS_TEST_MAIN(tests)
