/* SPDX-License-Identifier: BSD-3-Clause */
/* What comes twice, as the receiver reports it: RFC 2883. */
#include "tests/zs_test.h"
#include "tt.h"

/* RFC 2883 4.1.1: a duplicate below the cumulative ACK is the first block. */
static void dsack_below_ack(struct tt *t)
{
	tt_connect_passive(t);
	tt_in(t, "A", 1, 1, 100);
	tt_expect(t, "A", 1, 101, 0, .opt = "");
	tt_in(t, "A", 1, 1, 100);
	tt_expect(t, "A", 1, 101, 0, .opt = "nop,nop,sack 1:101");
	tt_in(t, "A", 51, 1, 20);
	tt_expect(t, "A", 1, 101, 0, .opt = "nop,nop,sack 51:71");
	tt_in(t, "A", 101, 1, 1); /* reported once (RFC 2883 4) */
	tt_expect(t, "A", 1, 102, 0, .opt = "");
	tt_read(t, 101);
}

/* RFC 2883 4.1.2: with a gap beside it, the duplicate comes first. */
static void dsack_and_block(struct tt *t)
{
	tt_connect_passive(t);
	tt_in(t, "A", 1, 1, 100);
	tt_in(t, "A", 201, 1, 100);
	tt_drain(t);
	tt_in(t, "A", 1, 1, 100);
	tt_expect(t, "A", 1, 101, 0, .opt = "nop,nop,sack 1:101 201:301");
	tt_read(t, 100);
	tt_drain(t);
}

/* RFC 2883 4.2.1: a duplicate of out-of-order data: the second block contains the first. */
static void dsack_within_block(struct tt *t)
{
	tt_connect_passive(t);
	tt_in(t, "A", 201, 1, 100);
	tt_in(t, "A", 301, 1, 100);
	tt_in(t, "A", 501, 1, 100);
	tt_drain(t);
	tt_in(t, "A", 301, 1, 100);
	tt_expect(t, "A", 1, 1, 0, .opt = "nop,nop,sack 301:401 201:401 501:601");
}

/* RFC 2883 4.2.2: partly old, partly new below the window's left edge. */
static void dsack_partial(struct tt *t)
{
	tt_connect_passive(t);
	tt_in(t, "A", 1, 1, 100);
	tt_drain(t);
	tt_in(t, "A", 51, 1, 100);
	tt_expect(t, "A", 1, 151, 0, .opt = "nop,nop,sack 51:101");
	tt_read(t, 150);
}

/* RFC 2883 4.2: what fills a gap and repeats what was behind it is reported, too. */
static void dsack_of_what_fills_a_gap(struct tt *t)
{
	tt_connect_passive(t);
	tt_in(t, "A", 11, 1, 10);
	tt_expect(t, "A", 1, 1, 0, .opt = "nop,nop,sack 11:21");
	tt_in(t, "A", 1, 1, 15);
	tt_expect(t, "A", 1, 21, 0, .opt = "nop,nop,sack 11:16");
	tt_in(t, "A", 31, 1, 10);
	tt_expect(t, "A", 1, 21, 0, .opt = "nop,nop,sack 31:41");
	tt_in(t, "A", 51, 1, 10);
	tt_expect(t, "A", 1, 21, 0, .opt = "nop,nop,sack 51:61 31:41");
	tt_in(t, "A", 21, 1, 40);
	tt_expect(t, "A", 1, 61, 0, .opt = "nop,nop,sack 31:41");
	tt_read(t, 60);
}

/* RFC 2883 4: the block is the whole contiguous sequence that came twice, however it came first. */
static void dsack_is_the_whole_run(struct tt *t)
{
	tt_connect_passive(t);
	tt_in(t, "A", 11, 1, 10);
	tt_expect(t, "A", 1, 1, 0, .opt = "nop,nop,sack 11:21");
	tt_in(t, "A", 21, 1, 10);
	tt_expect(t, "A", 1, 1, 0, .opt = "nop,nop,sack 11:31");
	tt_in(t, "A", 41, 1, 10);
	tt_expect(t, "A", 1, 1, 0, .opt = "nop,nop,sack 41:51 11:31");
	tt_in(t, "A", 16, 1, 30);
	tt_expect(t, "A", 1, 1, 0, .opt = "nop,nop,sack 16:31 11:51");
	tt_in(t, "A", 1, 1, 10);
	tt_expect(t, "A", 1, 51, 0, .opt = "");
	tt_read(t, 50);
}

static const struct CMUnitTest tests[] = {
	TT(dsack_below_ack), TT(dsack_and_block),	    TT(dsack_within_block),
	TT(dsack_partial),   TT(dsack_of_what_fills_a_gap), TT(dsack_is_the_whole_run),
};

ZS_TEST_MAIN(tests)
