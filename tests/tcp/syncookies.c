/* SPDX-License-Identifier: BSD-3-Clause */
/* SYN cookies: RFC 4987 3.6. The SYN queue of these stacks has room for one. */
#include "core/zs_pkt.h"
#include "tests/zs_test.h"
#include "tt.h"

static void full_queue(struct zs_config *cfg)
{
	cfg->max_half_open = 1;
	cfg->use_ts = true;
}

static void full_queue_no_cookies(struct zs_config *cfg)
{
	full_queue(cfg);
	cfg->syn_cookies = false;
}

/* Connection 0 takes the only place in the queue; scripts go on with connection 1. */
static void fill_queue(struct tt *t)
{
	tt_listen(t, 16);
	tt_in(t, "S", 0, 0, 0);
	tt_expect(t, "SA", 0, 1, 0);
	tt_use(t, 1);
}

/* Nothing is kept, and the ACK opens a connection with the MSS of the SYN, as near as there is one.
 */
static void ack_brings_the_connection(struct tt *t)
{
	fill_queue(t);
	tt_in(t, "S", 0, 0, 0, .opt = "mss 1400,sackOK,nop,nop,nop,wscale 7");
	tt_expect(t, "SA", 0, 1, 0, .opt = "mss 1460");
	assert_int_equal(tt_counts(t).half_open, 1);
	assert_int_equal(tt_stats(t)->tcp_cookies_out, 1);
	tt_in(t, "A", 1, 1, 0);
	tt_expect_none(t);
	tt_accept(t);
	tt_expect_state(t, ZS_ESTABLISHED);
	assert_int_equal(tt_stats(t)->tcp_cookies_in, 1);
	assert_int_equal(tt_info(t).snd_mss, 1360);
	assert_false(tt_info(t).sack);
	assert_false(tt_info(t).wscale);
	tt_send(t, 100);
	tt_expect(t, "A", 1, 1, 100);
	tt_in(t, "A", 1, 101, 10);
	tt_expect(t, "A", 101, 11, 0);
	tt_read(t, 10);
}

/* A handshake that ended counts no more for its listener, which takes 256 at a time. */
static void places_come_back(struct tt *t)
{
	tt_listen(t, 16);
	for (int i = 0; i < 300; i++) {
		tt_in(t, "S", 0, 0, 0);
		tt_expect(t, "SA", 0, 1, 0);
		tt_in(t, "R", 1, 0, 0);
		tt_expect_none(t);
	}
	assert_int_equal(tt_counts(t).half_open, 0);
	assert_int_equal(tt_stats(t)->tcp_cookies_out, 0);
}

/* With timestamps the options survive: they come back in TSecr. */
static void options_by_timestamp(struct tt *t)
{
	fill_queue(t);
	tt_in(t, "S", 0, 0, 0, .opt = "mss 1460,sackOK,ts,nop,wscale 9", .tsval = 500);
	tt_expect(t, "SA", 0, 1, 0, .opt = "mss 1460,sackOK,ts,nop,wscale 8", .tsecr = 500);
	t->c->ts = true;
	tt_in(t, "A", 1, 1, 0, .opt = "nop,nop,ts", .tsval = 510);
	tt_accept(t);
	assert_true(tt_info(t).ts);
	assert_true(tt_info(t).sack);
	assert_true(tt_info(t).wscale);
	assert_int_equal(tt_info(t).snd_wscale, 9);
	assert_int_equal(tt_info(t).snd_mss, 1448);
	tt_send(t, 100);
	tt_expect(t, "A", 1, 1, 100, .opt = "nop,nop,ts");
}

/* The ACK may carry the first data. */
static void data_with_the_ack(struct tt *t)
{
	fill_queue(t);
	tt_in(t, "S", 0, 0, 0, .opt = "mss 1460");
	tt_expect(t, "SA", 0, 1, 0);
	tt_in(t, "A", 1, 1, 100);
	tt_expect(t, "A", 1, 101, 0);
	tt_accept(t);
	tt_read(t, 100);
}

/* What is not ours is answered as ever (RFC 9293 3.10.7.2). */
static void wrong_cookies(struct tt *t)
{
	fill_queue(t);
	tt_in(t, "S", 0, 0, 0, .opt = "mss 1460");
	tt_expect(t, "SA", 0, 1, 0);
	tt_in(t, "A", 1, 2, 0);
	tt_expect(t, "R", 2, 0, 0);
	tt_in(t, "A", 2, 1, 0);
	tt_expect(t, "R", 1, 0, 0);
	assert_int_equal(tt_counts(t).tcbs, 0);
	tt_in(t, "A", 1, 1, 0);
	tt_accept(t);
}

/* Good for its period and the next. */
static void old_cookies(struct tt *t)
{
	fill_queue(t);
	tt_in(t, "S", 0, 0, 0, .opt = "mss 1460");
	tt_expect(t, "SA", 0, 1, 0);
	tt_advance(t, 140ull * TT_S);
	tt_drain(t);
	tt_in(t, "A", 1, 1, 0);
	tt_expect(t, "R", 1, 0, 0);
}

/* No cookie was given out: an ACK is not even looked at. */
static void none_given_out(struct tt *t)
{
	tt_listen(t, 16);
	tt_in(t, "A", 1, 1, 0);
	tt_drain(t);
	assert_int_equal(tt_stats(t)->tcp_cookies_in, 0);
}

static void accept_queue_full(struct tt *t)
{
	tt_listen(t, 1);
	tt_in(t, "S", 0, 0, 0);
	tt_expect(t, "SA", 0, 1, 0);
	tt_use(t, 1);
	tt_in(t, "S", 0, 0, 0, .opt = "mss 1460");
	tt_expect(t, "SA", 0, 1, 0);
	tt_use(t, 0);
	tt_in(t, "A", 1, 1, 0);
	tt_use(t, 1);
	tt_in(t, "A", 1, 1, 0);
	tt_expect_none(t);
	assert_int_equal(tt_drops(t, ZS_DROP_TCP_ACCEPT_FULL), 1);
	tt_use(t, 0);
	tt_accept(t);
	tt_use(t, 1);
	tt_in(t, "A", 1, 1, 5); /* the peer says it again with data */
	tt_expect(t, "A", 1, 6, 0);
	tt_accept(t);
}

static void switched_off(struct tt *t)
{
	fill_queue(t);
	tt_in(t, "S", 0, 0, 0, .opt = "mss 1460");
	tt_expect_none(t);
	assert_int_equal(tt_drops(t, ZS_DROP_TCP_SYN_FULL), 1);
}

static const struct CMUnitTest tests[] = {
	TT(places_come_back),
	TT_CFG(ack_brings_the_connection, full_queue),
	TT_CFG(options_by_timestamp, full_queue),
	TT_CFG(data_with_the_ack, full_queue),
	TT_CFG(wrong_cookies, full_queue),
	TT_CFG(old_cookies, full_queue),
	TT_CFG(none_given_out, full_queue),
	TT_CFG(accept_queue_full, full_queue),
	TT_CFG(switched_off, full_queue_no_cookies),
};

ZS_TEST_MAIN(tests)
