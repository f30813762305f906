/* SPDX-License-Identifier: BSD-3-Clause */
/* Segments that are wrong in themselves: dropped, counted, never answered where that could do harm.
 */
#include <string.h>

#include "tests/zs_test.h"
#include "tt.h"

static void bad_checksum(struct tt *t)
{
	tt_connect_passive(t);
	tt_in(t, "A", 1, 1, 100, .bad_cksum = true);
	tt_in(t, "R", 1, 0, 0, .bad_cksum = true);
	tt_expect_none(t);
	assert_int_equal(tt_drops(t, ZS_DROP_TCP_CKSUM), 2);
	tt_expect_state(t, ZS_ESTABLISHED);
	tt_in(t, "A", 1, 1, 100);
	tt_expect(t, "A", 1, 101, 0);
	tt_read(t, 100);
}

/* RFC 9293 3.1: the header has at least five words and ends within the segment. */
static void bad_data_offset(struct tt *t)
{
	tt_connect_passive(t);
	for (uint8_t doff = 1; doff < 5; doff++)
		tt_in(t, "A", 1, 1, 100, .doff = doff);
	tt_in(t, "A", 1, 1, 0, .doff = 6);
	tt_in(t, "A", 1, 1, 10, .doff = 15);
	tt_expect_none(t);
	assert_int_equal(tt_drops(t, ZS_DROP_TCP_HEADER), 6);
	assert_int_equal(zs_tcp_readable(t->c->tcb), 0);
}

/* Cut off on the way: shorter than its IP length says, by any number of bytes. */
static void truncated(struct tt *t)
{
	tt_connect_passive(t);
	for (uint16_t cut = 1; cut <= 140; cut++) {
		tt_in(t, "A", 1, 1, 100, .cut = cut);
		tt_expect_none(t);
		assert_int_equal(zs_tcp_readable(t->c->tcb), 0);
	}
	tt_in(t, "A", 1, 1, 100);
	tt_expect(t, "A", 1, 101, 0);
	tt_read(t, 100);
}

/* RFC 9293 3.2 MUST-7: malformed options do no harm; what stands before them counts, and what
 * stands behind them where that can be told. */
static void malformed_options(struct tt *t)
{
	static const char *const bad[] = {
		"mss 1200,raw 0800",	 /* length 0 */
		"mss 1200,raw 0801",	 /* length 1 */
		"mss 1200,raw 08ff",	 /* beyond the header */
		"mss 1200,raw 080a",	 /* timestamps of which nothing is there */
		"mss 1200,raw 0304aabb", /* window scale of the wrong length */
		"mss 1200,raw 0403aa",
		"raw 0203aa,mss 1200,nop",
		"raw 0502,raw 0806aaaaaaaa,mss 1200",
		"mss 1200,nop,nop,nop,raw 02", /* a kind without a length */
		"mss 1200,eol,raw ffffff",     /* after the end of options anything may stand */
	};

	tt_listen(t, 16);
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		tt_use(t, i);
		tt_connect_passive(t, .opt = bad[i]);
		assert_int_equal(tt_info(t).snd_mss, 1200);
		assert_false(tt_info(t).wscale);
	}
}

static void malformed_sack(struct tt *t)
{
	static const char *const bad[] = {
		"nop,nop,raw 0502",			/* no block */
		"nop,nop,raw 050600000001",		/* half a block */
		"nop,nop,raw 050cffffffffffffffffffff", /* a block and two bytes */
		"nop,nop,raw 0522ffffffff",		/* four blocks of which nothing is there */
	};

	tt_connect_passive(t, .opt = "mss 1000,sackOK");
	tt_send(t, 5000);
	tt_expect_run(t, 1, 1, 1000, 5);
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		tt_in(t, "A", 1, 1, 1, .opt = bad[i], .hold = false);
		assert_int_equal(tt_info(t).sacked, 0);
		tt_drain(t);
	}
	tt_read(t, 1);
	tt_in(t, "A", 2, 5001, 0);
	tt_drain(t);
}

/* URG is ignored: the byte stays in the stream (RFC 6093 3.2: do not use it). */
static void urgent(struct tt *t)
{
	tt_connect_passive(t);
	tt_in(t, "UPA", 1, 1, 10, .urg = 5);
	tt_expect(t, "A", 1, 11, 0);
	tt_in(t, "UA", 11, 1, 10, .urg = 60000);
	tt_expect(t, "A", 1, 21, 0);
	tt_in(t, "UA", 21, 1, 10, .urg = 0);
	tt_expect(t, "A", 1, 31, 0);
	tt_read(t, 30);
}

/* ECN bits and CWR without ECN negotiated. */
static void ecn_bits(struct tt *t)
{
	tt_connect_passive(t);
	tt_send(t, 100);
	tt_drain(t);
	tt_in(t, "EA", 1, 101, 10);
	tt_expect(t, "A", 101, 11, 0);
	tt_in(t, "ECA", 11, 101, 10);
	tt_expect(t, "A", 101, 21, 0);
	tt_read(t, 20);
}

/* All flags ("Christmas tree"), none, and every mixture, at the right place of a living connection
 * and of nothing: no crash, no leak; the harness checks that all that is said is well-formed. */
static void all_flags(struct tt *t)
{
	static const char letters[] = "FSRPAUEC";

	for (unsigned where = 0; where < 3; where++)
		for (unsigned f = 0; f < 256; f++) {
			char flags[9];
			unsigned n = 0;

			for (unsigned b = 0; b < 8; b++)
				if (f & 1u << b)
					flags[n++] = letters[b];
			flags[n] = 0;
			if (where == 0)
				tt_connect_passive(t);
			else if (where == 1)
				tt_enter(t, ZS_SYN_RCVD);
			tt_in(t, flags, 1, 1, f % 3);
			tt_in(t, flags, 0, 0, 0);
			tt_drain(t);
			if (where == 1) {
				struct zs_tcb *tcb = zs_tcp_accept(t->s, t->listener);

				if (tcb != NULL)
					zs_tcp_abort(t->s, tcb);
				tt_in(t, "R", 1, 0, 0);
			}
			tt_fresh(t);
		}
}

static void patch_ip(uint8_t *f, unsigned at, uint32_t v)
{
	uint16_t sum;

	for (unsigned i = 0; i < 4; i++)
		f[at + i] = (uint8_t)(v >> (24 - 8 * i));
	f[24] = f[25] = 0;
	sum = (uint16_t)~tt_cksum(f + 14, 20, 0);
	f[24] = (uint8_t)(sum >> 8);
	f[25] = (uint8_t)sum;
}

/* The same with IPv6: us, a group, loopback, nothing, IPv4 in disguise (RFC 4291 2.5). */
static void bad_source_ip6(struct tt *t)
{
	const struct zs_addr sources[] = {
		tt_addr(tt_ends.ip),
		{ .b = { 0xff, 0x02, [15] = 1 } },
		{ .b = { [15] = 1 } },
		{ .q = { 0, 0 } },
		{ .b = { [10] = 0xff, 0xff, 10, 0, 0, 2 } },
	};
	const struct zs_addr ours = tt_addr(tt_ends.ip);
	uint8_t f[200];

	tt_listen(t, 4);
	for (unsigned i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
		struct tt_seg seg = { .flags = "S", .opt = "mss 1460" };
		size_t len = tt_frame_build(t->c, &seg, 0, f), l4 = len - tt_l34();
		uint8_t *tcp = f + tt_l34();
		uint32_t sum = 6 + (uint32_t)l4 + tt_cksum(&sources[i], 16, 0);

		memcpy(f + 22, &sources[i], 16);
		tcp[16] = tcp[17] = 0;
		sum = (uint16_t)~tt_cksum(tcp, l4, sum + tt_cksum(&ours, 16, 0));
		tcp[16] = (uint8_t)(sum >> 8);
		tcp[17] = (uint8_t)sum;
		tt_in_frame(t, f, len);
		tt_expect_none(t);
	}
	assert_int_equal(tt_counts(t).half_open, 0);
	assert_int_equal(tt_drops(t, ZS_DROP_IP_SOURCE), 5);
}

/* A SYN whose source is us (LAND), broadcast, multicast, loopback or nothing (RFC
 * 1122 3.2.1.3, 4.2.3.10). */
static void bad_source(struct tt *t)
{
	static const uint32_t sources[] = { 0x0a000001, 0xffffffff, 0x0a0000ff,
					    0xe0000001, 0x7f000001, 0 };
	uint8_t f[200];

	if (tt_v6()) {
		bad_source_ip6(t);
		return;
	}
	tt_listen(t, 4);
	for (unsigned i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
		struct tt_seg seg = { .flags = "S", .opt = "mss 1460" };
		size_t len = tt_frame_build(t->c, &seg, 0, f);
		uint32_t old = 0x0a000002, new = sources[i];
		uint32_t sum;

		patch_ip(f, 26, new);
		/* the pseudo header changed: RFC 1624 */
		sum = (uint16_t) ~(f[50] << 8 | f[51]);
		sum += (uint16_t) ~(old >> 16) + (uint16_t)~old + (new >> 16) + (new & 0xffff);
		while (sum >> 16)
			sum = (sum & 0xffff) + (sum >> 16);
		f[50] = (uint8_t)(~sum >> 8);
		f[51] = (uint8_t)~sum;
		tt_in_frame(t, f, len);
		tt_expect_none(t);
	}
	assert_int_equal(tt_counts(t).half_open, 0);
	assert_int_equal(tt_drops(t, ZS_DROP_TCP_CKSUM), 0);
}

/* Sent to a broadcast address, in IP or below: never answered (RFC 1122 4.2.3.10). */
static void to_broadcast(struct tt *t)
{
	struct tt_seg seg = { .flags = "S", .opt = "mss 1460" };
	uint8_t f[200];
	size_t len;

	tt_listen(t, 4);
	len = tt_frame_build(t->c, &seg, 0, f);
	memset(f, 0xff, 6);
	tt_in_frame(t, f, len);
	tt_expect_none(t);
	t->c->port = 81; /* nobody listens: no RST either */
	len = tt_frame_build(t->c, &seg, 0, f);
	memset(f, 0xff, 6);
	tt_in_frame(t, f, len);
	tt_expect_none(t);
	assert_int_equal(tt_counts(t).half_open, 0);
}

/* Nobody can listen on port 0 (RFC 6335 6). */
static void port_zero(struct tt *t)
{
	tt_listen(t, 4);
	t->c->port = 0;
	tt_in(t, "S", 0, 0, 0);
	tt_expect(t, "RA", 0, 1, 0);
	assert_int_equal(tt_counts(t).half_open, 0);
}

/* The peer repeats data because our ACK was lost. Its ACK was lost, too: the repeated one counts,
 * and nothing of ours is repeated. */
static void repeated_data_acknowledges(struct tt *t)
{
	tt_connect_passive(t, .rtt_us = 20 * TT_MS);
	tt_in(t, "A", 1, 1, 100);
	tt_in(t, "A", 101, 1, 100);
	tt_drain(t);
	tt_send(t, 500);
	tt_expect(t, "PA", 1, 201, 500);
	tt_in(t, "A", 1, 501, 100);
	tt_expect(t, "A", 501, 201, 0, .opt = "nop,nop,sack 1:101");
	assert_int_equal(tt_info(t).inflight, 0);
	tt_expect_quiet(t, 2 * TT_S);
	tt_read(t, 200);
}

/* Likewise of a FIN, also where it ends what there is to say. */
static void repeated_fin_acknowledges(struct tt *t)
{
	tt_connect_passive(t, .rtt_us = 20 * TT_MS);
	tt_send(t, 500);
	tt_expect(t, "PA", 1, 1, 500);
	tt_in(t, "FA", 1, 1, 0); /* on its way when ours came */
	tt_expect(t, "A", 501, 2, 0);
	tt_in(t, "FA", 1, 501, 0);
	tt_expect(t, "A", 501, 2, 0);
	assert_int_equal(tt_info(t).inflight, 0);
	tt_expect_quiet(t, 2 * TT_S);
}

static void repeated_fin_ends_closing(struct tt *t)
{
	tt_enter(t, ZS_CLOSING);
	tt_in(t, "FA", 1, 2, 0);
	tt_expect(t, "A", 2, 2, 0);
	tt_expect_state(t, ZS_TIME_WAIT);
	tt_expect_quiet(t, 2 * TT_S);
}

/* From further back than the window is wide nobody repeats. */
static void data_of_long_ago_does_not(struct tt *t)
{
	tt_connect_passive(t);
	tt_send(t, 500);
	tt_drain(t);
	tt_in(t, "A", 1 - 200000u, 501, 100);
	tt_drain(t);
	assert_int_equal(tt_info(t).inflight, 500);
	tt_in(t, "A", 1, 501, 0);
}

static const struct CMUnitTest tests[] = {
	TT(repeated_data_acknowledges),
	TT(repeated_fin_acknowledges),
	TT(repeated_fin_ends_closing),
	TT(data_of_long_ago_does_not),
	TT(bad_checksum),
	TT(bad_data_offset),
	TT(truncated),
	TT(malformed_options),
	TT(malformed_sack),
	TT(urgent),
	TT(ecn_bits),
	TT(all_flags),
	TT(bad_source),
	TT(to_broadcast),
	TT(port_zero),
};

ZS_TEST_MAIN(tests)
