/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ICMP errors about our segments: RFC 9293 3.9.2.2, RFC 5461 (hard and soft), RFC 5927 (the quoted
 * sequence number must be in flight), RFC 1191 (path MTU).
 */
#include <errno.h>

#include "tests/zs_test.h"
#include "tt.h"

enum { UNREACH = ZS_ICMP_UNREACH };

/* RFC 5461: while connecting, a hard error ends the attempt. */
static void hard_in_syn_sent(struct tt *t)
{
	static const struct {
		uint8_t code;
		int error, error6;
	} rows[] = {
		{ ZS_UNREACH_PORT, ECONNREFUSED, ECONNREFUSED },
		{ ZS_UNREACH_PROTO, ECONNREFUSED, ECONNREFUSED },
		{ ZS_UNREACH_NET_PROHIB, EHOSTUNREACH, EACCES },
		{ ZS_UNREACH_HOST_PROHIB, EHOSTUNREACH, EACCES },
		{ ZS_UNREACH_ADMIN_PROHIB, EHOSTUNREACH, EACCES },
	};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		tt_use(t, i);
		tt_enter(t, ZS_SYN_SENT);
		tt_in_icmp(t, UNREACH, rows[i].code, 0, 0);
		tt_expect_none(t);
		tt_expect_state(t, ZS_CLOSED);
		assert_int_equal(tt_take_error(t), tt_v6() ? rows[i].error6 : rows[i].error);
	}
}

/* RFC 5927 4: a sequence number that is not ours says that it is not about us. */
static void wrong_sequence_in_syn_sent(struct tt *t)
{
	tt_enter(t, ZS_SYN_SENT);
	tt_in_icmp(t, UNREACH, ZS_UNREACH_PORT, 0, 1000);
	tt_in_icmp(t, UNREACH, ZS_UNREACH_PORT, 0, (uint32_t)-1);
	tt_expect_state(t, ZS_SYN_SENT);
	assert_int_equal(tt_take_error(t), 0);
	tt_in(t, "SA", 0, 1, 0);
	tt_expect(t, "A", 1, 1, 0);
}

/* RFC 9293 3.9.2.2: soft errors: net, host unreachable, time exceeded: goes on trying. */
static void soft_in_syn_sent(struct tt *t)
{
	tt_enter(t, ZS_SYN_SENT);
	tt_in_icmp(t, UNREACH, ZS_UNREACH_NET, 0, 0);
	tt_in_icmp(t, UNREACH, ZS_UNREACH_HOST, 0, 0);
	tt_in_icmp(t, ZS_ICMP_TIME_EXCEEDED, 0, 0, 0);
	tt_expect_state(t, ZS_SYN_SENT);
	tt_expect_after(t, TT_S, "S", 0, 0, 0);
	tt_in(t, "SA", 0, 1, 0);
	tt_expect(t, "A", 1, 1, 0);
}

/* RFC 5927 5.2: an established connection is not aborted by ICMP, hard or soft. */
static void established_survives(struct tt *t)
{
	static const uint8_t codes[] = { 0, 1, 2, 3, 5, 6, 7, 9, 10, 11, 12, 13 };

	tt_connect_passive(t);
	tt_send(t, 100);
	tt_expect(t, "PA", 1, 1, 100);
	for (unsigned i = 0; i < sizeof(codes); i++)
		tt_in_icmp(t, UNREACH, codes[i], 0, 1);
	tt_in_icmp(t, ZS_ICMP_TIME_EXCEEDED, 0, 0, 1);
	tt_in_icmp(t, ZS_ICMP_PARAM_PROBLEM, 0, 0, 1);
	tt_expect_none(t);
	tt_expect_state(t, ZS_ESTABLISHED);
	assert_int_equal(tt_take_error(t), 0);
	tt_in(t, "A", 1, 101, 0);
}

/* RFC 6633: source quench is ignored. */
static void source_quench(struct tt *t)
{
	uint32_t cwnd;

	tt_connect_passive(t);
	tt_send(t, 100);
	tt_drain(t);
	cwnd = tt_info(t).cwnd;
	tt_in_icmp(t, 4, 0, 0, 1);
	assert_int_equal(tt_info(t).cwnd, cwnd);
	tt_in(t, "A", 1, 101, 0);
}

/* RFC 1191 3, 6.2, RFC 8201 4: the MSS follows the path, what was too big goes out again at once,
 * smaller. */
static void path_mtu(struct tt *t)
{
	const struct tt_out *o;
	uint32_t next = 1;

	tt_connect_passive(t);
	tt_send(t, 4 * 1460);
	tt_expect_run(t, 1, 1, 1460, 4);
	tt_in_icmp(t, UNREACH, ZS_UNREACH_FRAG_NEEDED, 1300, 1);
	assert_int_equal(tt_info(t).snd_mss, 1260);
	assert_true(tt_pending(t) > 0);
	for (unsigned i = 0; i < 100 && next < 4 * 1460 + 1; i++) {
		while ((o = tt_next(t)) != NULL) {
			assert_in_range(o->len, 1, 1260);
			for (uint32_t k = 0; k < o->len; k++)
				assert_int_equal(o->payload[k], tt_our_byte(tt_seq(t, o) + k));
			if (tt_seq(t, o) == next)
				next += o->len;
		}
		tt_in(t, "A", 1, next, 0);
		tt_advance(t, 10 * TT_MS);
	}
	assert_int_equal(next, 4 * 1460 + 1);
	tt_drain(t);
	assert_int_equal(tt_stats(t)->tcp_rto, 0);
}

/* RFC 2018 5: what arrived, by the path of before, is not sent again. */
static void path_mtu_spares_sacked(struct tt *t)
{
	unsigned n = 0;

	tt_connect_passive(t, .opt = "mss 1460,sackOK");
	tt_send(t, 4 * 1460);
	tt_expect_run(t, 1, 1, 1460, 4);
	tt_in(t, "A", 1, 1, 0, .opt = "nop,nop,sack 2921:4381");
	tt_drain(t);
	tt_in_icmp(t, UNREACH, ZS_UNREACH_FRAG_NEEDED, 1300, 1);
	for (const struct tt_out *o; (o = tt_next(t)) != NULL; n++)
		assert_true(tt_seq(t, o) + o->len <= 2921 || tt_seq(t, o) >= 4381);
	assert_true(n > 1);
	assert_int_equal(tt_info(t).sacked, 1460);
	assert_int_equal(tt_info(t).lost, 3 * 1460);
	tt_in(t, "A", 1, 5841, 0);
	tt_drain(t);
}

/* The next tunnel is narrower yet: what was sent again does not fit either, and goes at once. */
static void path_mtu_twice(struct tt *t)
{
	uint32_t end = 1;

	tt_connect_passive(t);
	tt_send(t, 2 * 1460);
	tt_expect_run(t, 1, 1, 1460, 2);
	tt_in_icmp(t, UNREACH, ZS_UNREACH_FRAG_NEEDED, 1400, 1);
	tt_expect(t, "A", 1, 1, 1360);
	tt_drain(t);
	tt_in_icmp(t, UNREACH, ZS_UNREACH_FRAG_NEEDED, 1300, 1);
	for (const struct tt_out *o; (o = tt_next(t)) != NULL; end = tt_seq(t, o) + o->len)
		assert_in_range(tt_seq(t, o), 1, end + 100); /* but for what did fit */
	assert_in_range(end, 1461 + 1260, 2921);
	tt_in(t, "A", 1, 2921, 0);
}

/* RFC 1191 6.4: what did not fit is sent again, but cwnd does not change, whatever is acknowledged
 * first. */
static void path_mtu_is_no_loss(struct tt *t)
{
	uint32_t cwnd, ssthresh;

	tt_connect_passive(t);
	tt_send(t, 10 * 1460);
	tt_expect_run(t, 1, 1, 1460, 10);
	cwnd = tt_info(t).cwnd;
	ssthresh = tt_info(t).ssthresh;
	tt_in_icmp(t, UNREACH, ZS_UNREACH_FRAG_NEEDED, 1300, 1);
	tt_drain(t);
	for (uint32_t i = 1; i <= 10; i++) {
		tt_advance(t, 10 * TT_MS);
		tt_in(t, "A", 1, 1 + i * 1260, 0);
		tt_drain(t);
		assert_int_equal(tt_info(t).ca_state, 0);
	}
	assert_true(tt_info(t).cwnd >= cwnd);
	assert_int_equal(tt_info(t).ssthresh, ssthresh);
	assert_int_equal(tt_stats(t)->tcp_fast_retx, 0);
	tt_in(t, "A", 1, 14601, 0);
	tt_drain(t);
}

/* A segment of several buffers did not fit, though each of them does; the one behind it did. */
static void path_mtu_of_gathered(struct tt *t)
{
	tt_connect_passive(t);
	assert_int_equal(tt_send_bufs(t, 1460 + 400, 730), 0);
	tt_expect(t, "A", 1, 1, 1460);
	tt_expect(t, "PA", 1461, 1, 400);
	tt_in_icmp(t, UNREACH, ZS_UNREACH_FRAG_NEEDED, 1300, 1);
	tt_expect_run(t, 1, 1, 730, 2);
	tt_expect_none(t);
	tt_in(t, "A", 1, 1861, 0);
}

/* All that we send may not be fragmented (RFC 1191 3), or there would be no such errors. */
static void df_is_set(struct tt *t)
{
	tt_connect_passive(t);
	tt_send(t, 100);
	assert_true(tt_next(t)->df);
	tt_in(t, "A", 1, 101, 0);
}

/* RFC 5927 7: not in flight, or larger than what we send anyway: ignored. */
static void path_mtu_not_believed(struct tt *t)
{
	tt_connect_passive(t);
	tt_send(t, 1460);
	tt_drain(t);
	tt_in_icmp(t, UNREACH, ZS_UNREACH_FRAG_NEEDED, 1000, 1461 + 1000);
	tt_in_icmp(t, UNREACH, ZS_UNREACH_FRAG_NEEDED, 1000, (uint32_t)-3000);
	tt_in_icmp(t, UNREACH, ZS_UNREACH_FRAG_NEEDED, 1500, 1);
	tt_in_icmp(t, UNREACH, ZS_UNREACH_FRAG_NEEDED, 9000, 1);
	assert_int_equal(tt_info(t).snd_mss, 1460);
	tt_expect_none(t);
	tt_in(t, "A", 1, 1461, 0);
	tt_in_icmp(t, UNREACH, ZS_UNREACH_FRAG_NEEDED, 1000, 1); /* acknowledged by now */
	assert_int_equal(tt_info(t).snd_mss, 1460);
}

/* RFC 8201 4: what no path of IPv6 has is discarded, whoever it quotes. */
static void path_mtu_impossible(struct tt *t)
{
	if (!tt_v6())
		return;
	tt_connect_passive(t);
	tt_send(t, 1460);
	tt_drain(t);
	tt_in_icmp(t, UNREACH, ZS_UNREACH_FRAG_NEEDED, 1259, 1); /* 1279 */
	tt_expect_none(t);
	assert_int_equal(tt_info(t).snd_mss, 1460);
	tt_in(t, "A", 1, 1461, 0);
}

/* RFC 5927 7.2, RFC 791: a forged tiny MTU does not make packets of a few bytes; with IPv6 it is
 * discarded (RFC 8201 4). */
static void path_mtu_floor(struct tt *t)
{
	const uint32_t least = tt_v6() ? 1460 : 552 - 40;

	tt_connect_passive(t);
	tt_send(t, 1460);
	tt_drain(t);
	tt_in_icmp(t, UNREACH, ZS_UNREACH_FRAG_NEEDED, 68, 1);
	assert_int_equal(tt_info(t).snd_mss, least);
	tt_drain(t);
	tt_in_icmp(t, UNREACH, ZS_UNREACH_FRAG_NEEDED, 1, 1);
	assert_int_equal(tt_info(t).snd_mss, least);
	tt_drain(t);
	tt_in(t, "A", 1, 1461, 0);
	tt_drain(t);
}

/* RFC 1191 5: a router that does not tell its MTU (0): some smaller size that exists, or no change.
 */
static void path_mtu_zero(struct tt *t)
{
	tt_connect_passive(t);
	tt_send(t, 1460);
	tt_drain(t);
	tt_in_icmp(t, UNREACH, ZS_UNREACH_FRAG_NEEDED, 0, 1);
	assert_in_range(tt_info(t).snd_mss, tt_v6() ? 1220 : 28, 1460);
	tt_drain(t);
	tt_in(t, "A", 1, 1461, 0);
	tt_drain(t);
}

/* Half-open entries, TIME-WAIT and strangers: no effect, no harm. */
static void others_unharmed(struct tt *t)
{
	tt_enter(t, ZS_SYN_RCVD);
	tt_in_icmp(t, UNREACH, ZS_UNREACH_PORT, 0, 0);
	tt_expect_state(t, ZS_SYN_RCVD);
	tt_in(t, "A", 1, 1, 0);
	tt_accept(t);
	tt_abort(t);
	tt_drain(t);
	tt_use(t, 1);
	tt_enter(t, ZS_TIME_WAIT);
	tt_in_icmp(t, UNREACH, ZS_UNREACH_PORT, 0, 1);
	tt_in_icmp(t, UNREACH, ZS_UNREACH_FRAG_NEEDED, 500, 1);
	tt_expect_state(t, ZS_TIME_WAIT);
	tt_use(t, 2);
	tt_in_icmp(t, UNREACH, ZS_UNREACH_PORT, 0, 1);
	tt_expect_none(t);
}

static const struct CMUnitTest tests[] = {
	TT(hard_in_syn_sent),	    TT(wrong_sequence_in_syn_sent),
	TT(soft_in_syn_sent),	    TT(established_survives),
	TT(source_quench),	    TT(path_mtu),
	TT(path_mtu_twice),	    TT(path_mtu_is_no_loss),
	TT(path_mtu_of_gathered),   TT(df_is_set),
	TT(path_mtu_spares_sacked), TT(path_mtu_not_believed),
	TT(path_mtu_floor),	    TT(path_mtu_impossible),
	TT(path_mtu_zero),	    TT(others_unharmed),
};

ZS_TEST_MAIN(tests)
