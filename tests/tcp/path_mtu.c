/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Black holes: routers that drop what is too long and say nothing (RFC 8899 4.3). MAX_PROBES
 * timeouts in a row, three, and segments become as short as any path takes: 1,200 bytes over IPv4,
 * 1,280 over IPv6. What ICMP says of the path: icmp.c.
 */
#include "tests/zs_test.h"
#include "tt.h"

enum { MSS = 1460 };

/* Over IPv6 the scripts' MTU of 1,520 comes down to Ethernet's first. */
static uint32_t lower_mss(void)
{
	return tt_v6() ? 1500 - 60 : 1200 - 40;
}

/* Without SACK no probe comes before the timeouts. */
static void start(struct tt *t)
{
	tt_connect_passive(t, .opt = "mss 1460", .rtt_us = 100 * TT_MS);
}

static void three_timeouts(struct tt *t, uint32_t seq, uint32_t len)
{
	for (unsigned i = 0; i < 2; i++)
		tt_expect_within(t, 200 * TT_MS, (400 * TT_MS) << i, "A", seq, 1, len);
	tt_advance(t, 100 * TT_MS);
}

/* RFC 8899 4.3: shorter after the third; what is in flight is cut, and what follows is as short. */
static void full_segments_get_shorter(struct tt *t)
{
	uint32_t n = lower_mss();

	start(t);
	tt_send(t, 2 * MSS);
	tt_expect_run(t, 1, 1, MSS, 2);
	three_timeouts(t, 1, MSS);
	tt_expect_within(t, TT_S / 2, 2 * TT_S, "A", 1, 1, n);
	assert_int_equal(tt_info(t).snd_mss, n);
	assert_int_equal(tt_stats(t)->tcp_black_holes, 1);
	tt_in(t, "A", 1, 1 + n, 0);
	tt_expect(t, "A", 1 + n, 1, MSS - n);
	tt_expect(t, "A", 1 + MSS, 1, n);
	tt_expect(t, "A", 1 + MSS + n, 1, MSS - n);
	tt_in(t, "A", 1, 1 + 2 * MSS, 0);
	tt_expect_none(t);
	tt_send(t, MSS);
	tt_expect(t, "A", 1 + 2 * MSS, 1, n);
	tt_in(t, "A", 1, 1 + 2 * MSS + n, 0);
	tt_expect(t, "A", 1 + 2 * MSS + n, 1, MSS - n);
	tt_in(t, "A", 1, 1 + 3 * MSS, 0);
}

/* A segment of several buffers is as long as all of them; they fit one by one. */
static void gathered_segments_get_shorter(struct tt *t)
{
	start(t);
	assert_int_equal(tt_send_bufs(t, 2 * MSS, MSS / 2), 0);
	tt_expect_run(t, 1, 1, MSS, 2);
	three_timeouts(t, 1, MSS);
	tt_expect_within(t, TT_S / 2, 2 * TT_S, "A", 1, 1, MSS / 2);
	assert_int_equal(tt_info(t).snd_mss, lower_mss());
	assert_int_equal(tt_stats(t)->tcp_black_holes, 1);
	tt_in(t, "A", 1, 1 + MSS / 2, 0);
	tt_expect_run(t, 1 + MSS / 2, 1, MSS / 2, 2);
	tt_in(t, "A", 1, 1 + 2 * MSS, 0);
	tt_expect_none(t);
}

/* A path that is down takes no segment: those that any path takes stay as they are. */
static void short_segments_stay(struct tt *t)
{
	start(t);
	tt_send(t, 1000);
	tt_expect(t, "A", 1, 1, 1000);
	three_timeouts(t, 1, 1000);
	tt_expect_within(t, TT_S / 2, 2 * TT_S, "A", 1, 1, 1000);
	assert_int_equal(tt_info(t).snd_mss, MSS);
	assert_int_equal(tt_stats(t)->tcp_black_holes, 0);
	tt_in(t, "A", 1, 1001, 0);
}

/* Progress between the timeouts: they were losses. */
static void losses_are_none(struct tt *t)
{
	start(t);
	for (unsigned i = 0; i < 4; i++) {
		tt_send(t, MSS);
		tt_expect(t, "A", 1 + i * MSS, 1, MSS);
		tt_expect_within(t, 200 * TT_MS, 6 * TT_S, "A", 1 + i * MSS, 1, MSS);
		tt_in(t, "A", 1, 1 + (i + 1) * MSS, 0);
	}
	assert_int_equal(tt_info(t).snd_mss, MSS);
	assert_int_equal(tt_stats(t)->tcp_black_holes, 0);
}

static void off(struct zs_config *cfg)
{
	cfg->mtu_black_holes = false;
}

static void switched_off(struct tt *t)
{
	start(t);
	tt_send(t, MSS);
	tt_expect(t, "A", 1, 1, MSS);
	three_timeouts(t, 1, MSS);
	tt_expect_within(t, TT_S / 2, 2 * TT_S, "A", 1, 1, MSS);
	tt_in(t, "A", 1, 1 + MSS, 0);
}

static void jumbo_link(struct zs_config *cfg)
{
	cfg->netif[0].mtu = 9000;
}

/* From more than Ethernet's MTU to that first. */
static void jumbo_becomes_ethernet(struct tt *t)
{
	uint32_t n = 1500 - (tt_v6() ? 60 : 40);

	tt_connect_passive(t, .opt = "mss 8000", .rtt_us = 100 * TT_MS);
	tt_send(t, 8000);
	tt_expect(t, "A", 1, 1, 8000);
	three_timeouts(t, 1, 8000);
	tt_expect_within(t, TT_S / 2, 2 * TT_S, "A", 1, 1, n);
	tt_in(t, "R", 1, 1, 0);
}

static const struct CMUnitTest tests[] = {
	TT(full_segments_get_shorter), TT(gathered_segments_get_shorter),
	TT(short_segments_stay),       TT(losses_are_none),
	TT_CFG(switched_off, off),     TT_CFG(jumbo_becomes_ethernet, jumbo_link),
};

ZS_TEST_MAIN(tests)
