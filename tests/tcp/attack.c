/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Attacks by who does not see a connection and guesses (RFC 5961, RFC 5927), by a peer that lies or
 * wastes (RFC 5681 3.1, RFC 9293 3.8.6), and by floods. Each time somebody else has a connection
 * too, and is served as ever, with the bytes that are his; what the stack holds stays bounded.
 */
#include "base/zs_hash.h"
#include "core/zs_ip4.h"
#include "core/zs_state.h"
#include "tests/zs_test.h"
#include "tt.h"

enum { REQUEST = 100, RESPONSE = 1000, VICTIM = 0, ATTACKER = 1 };

/* A connection of requests and responses; numbers of what comes next. */
struct flow {
	unsigned conn;
	uint32_t in, out;
};

static struct flow open_flow(struct tt *t, unsigned conn)
{
	tt_use(t, conn);
	tt_connect_passive(t);
	return (struct flow){ .conn = conn, .in = 1, .out = 1 };
}

/* A request arrives, and its response leaves at once. */
static void served(struct tt *t, struct flow *f)
{
	const struct tt_out *o;
	bool answered = false;

	tt_drain(t);
	tt_use(t, f->conn);
	tt_in(t, "PA", f->in, f->out, REQUEST);
	tt_read(t, REQUEST);
	tt_send(t, RESPONSE);
	while ((o = tt_next(t)) != NULL)
		answered |=
			o->dport == t->c->peer_port && o->len == RESPONSE && tt_seq(t, o) == f->out;
	assert_true(answered);
	f->in += REQUEST;
	f->out += RESPONSE;
	tt_in(t, "A", f->in, f->out, 0);
	tt_drain(t);
	tt_expect_state(t, ZS_ESTABLISHED);
	assert_int_equal(tt_info(t).ca_state, 0);
}

static void give_up(struct tt *t, unsigned conn)
{
	tt_use(t, conn);
	tt_abort(t);
	tt_drain(t);
}

static uint32_t guess(uint64_t *x)
{
	*x = zs_mix(*x + 1, UINT64_C(0x9e3779b97f4a7c15));
	return (uint32_t)(*x >> 16);
}

/* Challenges cannot have been more than one and a half of the rate in each second. */
static void few_challenges(struct tt *t)
{
	uint64_t seconds = tt_time(t) / TT_S + 1;

	assert_in_range(tt_stats(t)->tcp_challenge, 0, seconds * t->cfg.challenge_rate * 3 / 2);
}

/*
 * RFC 5961 1.2: RST and SYN swept over all of the sequence space, a window apart, so that some lie
 * in the window; only the one number that is RCV.NXT is left out, which takes 2^31 tries to find.
 */
static void blind_reset_and_syn(struct tt *t)
{
	static const char *const flags[] = { "R", "S", "RA", "SA" };
	struct flow f = open_flow(t, VICTIM);
	uint64_t x = 1;

	for (uint32_t i = 0; i < 20000; i++) {
		uint32_t seq = i * 32768 + 17;

		tt_use(t, VICTIM);
		if (seq != f.in)
			tt_in(t, flags[i % 4], seq, guess(&x), 0);
		tt_drain(t);
		tt_advance(t, 100);
		if (i % 1000 == 0)
			served(t, &f);
	}
	served(t, &f);
	assert_int_equal(tt_take_error(t), 0);
	assert_true(tt_stats(t)->tcp_challenge > 0);
	few_challenges(t);
	assert_in_range(tt_live_mbufs(), 0, 8);
}

/* RFC 5961 5.2: data within the window needs an ACK that fits as well; nothing of it is kept. */
static void blind_data(struct tt *t)
{
	struct flow f = open_flow(t, VICTIM);
	uint64_t x = 2;

	for (uint32_t i = 0; i < 20000; i++) {
		uint32_t ack = guess(&x);

		if (ack - (f.out - 65535) <= 65535) /* one of 65,536 would do */
			continue;
		tt_use(t, VICTIM);
		tt_in(t, "PA", f.in + i % 30000, ack, 50, .junk = 50);
		tt_drain(t);
		if (i % 1000 == 0)
			served(t, &f);
	}
	served(t, &f);
	assert_int_equal(tt_info(t).rcv_mem, 0);
	assert_true(tt_drops(t, ZS_DROP_TCP_BAD_ACK) > 19000);
	few_challenges(t);
	assert_in_range(tt_live_mbufs(), 0, 8);
}

/* Savage 1999: each segment acknowledged byte by byte: the window grows by bytes (RFC 3465 2). */
static void divided_acks(struct tt *t)
{
	struct flow f = open_flow(t, VICTIM);
	uint32_t before;

	tt_use(t, ATTACKER);
	tt_connect_passive(t);
	tt_send(t, 100000);
	tt_drain(t);
	before = tt_info(t).cwnd;
	for (uint32_t i = 1; i <= 1460; i++) {
		tt_use(t, ATTACKER);
		tt_in(t, "A", 1, 1 + i, 0);
		tt_drain(t);
		if (i % 200 == 0)
			served(t, &f);
	}
	tt_use(t, ATTACKER);
	assert_in_range(tt_info(t).cwnd, before, before + 1460);
	served(t, &f);
	give_up(t, ATTACKER);
}

/* RFC 5961 5.2: an ACK of what was not sent yet earns nothing but challenges. */
static void optimistic_acks(struct tt *t)
{
	struct flow f = open_flow(t, VICTIM);
	uint32_t cwnd;

	tt_use(t, ATTACKER);
	tt_connect_passive(t);
	tt_send(t, 200000);
	tt_drain(t);
	cwnd = tt_info(t).cwnd;
	for (uint32_t i = 1; i <= 5000; i++) {
		tt_use(t, ATTACKER);
		tt_in(t, "A", 1, cwnd + 1 + i, 0);
		tt_drain(t);
		if (i % 500 == 0)
			served(t, &f);
	}
	tt_use(t, ATTACKER);
	assert_int_equal(tt_info(t).cwnd, cwnd);
	assert_int_equal(tt_info(t).bytes_acked, 0);
	assert_int_equal(tt_drops(t, ZS_DROP_TCP_BAD_ACK), 5000);
	few_challenges(t);
	served(t, &f);
	give_up(t, ATTACKER);
}

/*
 * Readers with windows of one byte, open and closed in turn: no more than a few packets go to each
 * of them in a second, and each may make the stack hold its send buffer, no more.
 */
static void tiny_windows(struct tt *t)
{
	enum { READERS = 8, QUEUED = 100000, SECONDS = 60 };
	struct flow f = open_flow(t, VICTIM);
	uint64_t packets;
	unsigned most;

	for (unsigned i = 1; i <= READERS; i++) {
		tt_use(t, i);
		tt_connect_passive(t, .wnd = 1);
		tt_send(t, QUEUED);
		tt_drain(t);
	}
	packets = tt_stats(t)->tx_packets;
	most = tt_live_mbufs();
	for (unsigned s = 0; s < SECONDS; s++) {
		for (unsigned i = 1; i <= READERS; i++) {
			tt_use(t, i);
			tt_in(t, "A", 1, 1, 0, .wnd = s % 2 == 0 ? TT_WND0 : 1);
		}
		served(t, &f);
		tt_advance(t, TT_S);
		tt_drain(t);
		assert_in_range(tt_live_mbufs(), 0, most + READERS * 8);
	}
	assert_in_range(tt_stats(t)->tx_packets - packets, 0, SECONDS * (READERS * 8 + 4));
	for (unsigned i = 1; i <= READERS; i++) {
		give_up(t, i);
	}
	served(t, &f);
	assert_in_range(tt_live_mbufs(), 0, 8);
}

/* Every second byte of the window, each in a segment of its own: so many buffers would be held. */
static void out_of_order_flood(struct tt *t)
{
	struct flow f = open_flow(t, VICTIM);
	unsigned most = 0;

	tt_use(t, ATTACKER);
	tt_connect_passive(t);
	for (uint32_t i = 0; i < 30000; i++) {
		tt_use(t, ATTACKER);
		tt_in(t, "A", 3 + 2 * i, 1, 1);
		tt_drain(t);
		most = RTE_MAX(most, tt_live_mbufs());
		if (i % 3000 == 0)
			served(t, &f);
	}
	tt_use(t, ATTACKER);
	assert_true(tt_info(t).rcv_mem <= 2 * t->cfg.rcvbuf);
	assert_in_range(most, 1, 2 * t->cfg.rcvbuf / 256);
	assert_true(tt_drops(t, ZS_DROP_TCP_OOO_FULL) + tt_drops(t, ZS_DROP_TCP_RCVBUF) > 0);
	/* what is in order goes on all the same */
	tt_in(t, "A", 1, 1, 2);
	tt_read_some(t, 2);
	served(t, &f);
	give_up(t, ATTACKER);
	assert_in_range(tt_live_mbufs(), 0, 8);
}

/* First and last fragments of packets that never become whole, from everybody (RFC 791, 3.2). */
static void fragment(struct tt *t, uint32_t i)
{
	uint8_t fr[14 + 20 + 1400] = { 0 };
	uint8_t *ip = fr + 14;
	uint32_t src = rte_cpu_to_be_32(tt_ends.peer_ip), dst = rte_cpu_to_be_32(tt_ends.ip);
	uint16_t v;

	memcpy(fr, tt_ends.mac, 6);
	memcpy(fr + 6, tt_ends.peer_mac, 6);
	fr[12] = 8;
	ip[0] = 0x45;
	ip[2] = (20 + 1400) >> 8;
	ip[3] = (20 + 1400) & 0xff;
	ip[4] = (uint8_t)(i >> 8);
	ip[5] = (uint8_t)i;
	ip[6] = 0x20; /* more follow */
	ip[7] = (uint8_t)(i % 3 * 175);
	ip[8] = 64;
	ip[9] = 17;
	memcpy(ip + 12, &src, 4);
	memcpy(ip + 16, &dst, 4);
	v = rte_cpu_to_be_16((uint16_t)~tt_cksum(ip, 20, 0));
	memcpy(ip + 10, &v, 2);
	tt_in_frame(t, fr, sizeof(fr));
}

static void fragment_flood(struct tt *t)
{
	struct flow f = open_flow(t, VICTIM);
	uint32_t most = 0, half = 0;

	if (tt_v6())
		return; /* one memory for both: zs_ipfrag.c */
	for (uint32_t i = 0; i < 20000; i++) {
		fragment(t, i);
		most = RTE_MAX(most, zs_ipfrag_mem(t->s));
		if (i == 10000)
			half = most;
		if (i % 1000 == 0)
			served(t, &f);
	}
	assert_true(half > 0 && most == half); /* it was full long before */
	assert_true(tt_drops(t, ZS_DROP_FRAG_FULL) > 10000);
	served(t, &f);
	tt_advance(t, 120 * TT_S);
	assert_int_equal(zs_ipfrag_mem(t->s), 0);
	served(t, &f);
	assert_in_range(tt_live_mbufs(), 0, 8);
}

/* RFC 5927 4, 5, 7: errors of all kinds that quote the connection, with numbers that are guessed.
 */
static void forged_icmp(struct tt *t)
{
	struct flow f = open_flow(t, VICTIM);
	uint64_t x = 3;

	for (uint32_t i = 0; i < 20000; i++) {
		uint32_t seq = guess(&x);

		tt_use(t, VICTIM);
		tt_in_icmp(t, 3, (uint8_t)(i % 16), 68, seq);
		tt_drain(t);
		if (i % 1000 == 0)
			served(t, &f);
	}
	served(t, &f);
	assert_int_equal(tt_info(t).snd_mss, 1460);
	assert_int_equal(tt_take_error(t), 0);
	assert_in_range(tt_live_mbufs(), 0, 8);
}

/*
 * Flows that all collide under one key of the hash, as its author may find them at home. Under the
 * stack's own key they lie apart as any others do.
 */
static void chosen_flows(struct tt *t)
{
	enum { FLOWS = 1024, BITS = 10 };
	static const uint64_t home[2] = { 0x243f6a8885a308d3, 0x13198a2e03707344 };
	struct zs_flow fl = { .lport = TT_PORT, .family = ZS_AF_IP4, .proto = 6 };
	uint8_t load[FLOWS] = { 0 };
	unsigned found = 0, most = 0;

	fl.laddr = tt_addr(tt_ends.ip);
	for (uint32_t i = 0; found < FLOWS; i++) {
		uint32_t h;

		fl.faddr = tt_addr(0x0a000000 + (i >> 16));
		fl.fport = (uint16_t)i;
		h = zs_flow_hash(home, &fl);
		if ((h >> 1 & (FLOWS - 1)) != 5)
			continue;
		found++;
		h = zs_flow_hash(t->s->hash_key, &fl) >> 1 & (FLOWS - 1);
		most = RTE_MAX(most, (unsigned)++load[h]);
	}
	assert_in_range(most, 2, 10);
}

static const struct CMUnitTest tests[] = {
	TT(blind_reset_and_syn), TT(blind_data),   TT(divided_acks),
	TT(optimistic_acks),	 TT(tiny_windows), TT(out_of_order_flood),
	TT(fragment_flood),	 TT(forged_icmp),  TT(chosen_flows),
};

ZS_TEST_MAIN(tests)
