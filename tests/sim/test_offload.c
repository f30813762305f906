/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Large packets: a sender whose device cuts them (TSO), a receiver whose device merges frames
 * (LRO), each with and without the other, over a wire that loses, reorders and doubles frames:
 * byte-exact, by every way of sending, with and without SACK and timestamps, nothing left over.
 */
#include "simtest.h"

#include "core/zs_state.h"

#define TSO ((uint32_t)ZS_OFF_TX_TSO)
#define LRO ((uint32_t)ZS_OFF_RX_LRO)

/* A link on which packets wait for each other: there is something to merge. */
static void configure(struct pair_config *c, uint64_t seed, uint32_t large)
{
	pair_config(c, seed, 1500, ZS_SIM_OFF_ALL | large);
	c->wire.rate_bps = 10000000000;
	c->a.turn_ns = c->b.turn_ns = 20 * ZS_US;
}

static void run(struct pair *p)
{
	if (!pair_run(p, 1, 600 * ZS_SEC))
		fail_msg("%s", pair_problem(p));
}

static void end(struct pair *p)
{
	for (struct zs_simapp *app = p->client; app != NULL;
	     app = app == p->client ? p->server : NULL)
		for (struct zs_simconn *x = app->conns; x != NULL; x = x->next)
			zs_simconn_release(x);
	pair_end(p);
}

/* ---- a bad wire ---- */

enum { NO_TS = 1, NO_SACK = 2, HOLD = 4, SHARE = 8, REFUSE = 16, BITS = 32 };

static void bad_wire(uint32_t large, uint8_t tx, unsigned int bits)
{
	struct zs_simconn_config how = {
		.tx = tx,
		.rx = bits & 1 ? ZS_SIMRX_TAKE : ZS_SIMRX_CONSUME,
		.tx_chunk = tx == ZS_SIMTX_BUF ? 2000 : 60000,
		.share = (bits & SHARE) != 0,
	};
	uint64_t size = SLOW_BUILD ? 600000 : 3000000;
	struct pair_config c;
	struct pair p;

	configure(&c, 1 + bits + 100ull * tx + large, large);
	c.a.stack.use_ts = !(bits & NO_TS);
	c.a.stack.use_sack = !(bits & NO_SACK);
	c.a.dev.hold_ns = bits & HOLD ? 250 * ZS_US : 0;
	c.a.dev.refuse_ppm = c.b.dev.refuse_ppm = bits & REFUSE ? 200000 : 0;
	c.wire.loss_ppm = 5000;
	c.wire.dup_ppm = 5000;
	c.wire.corrupt_ppm = 2000;
	c.wire.reorder_ppm = 20000;
	c.wire.reorder_ns = 200 * ZS_US;
	pair_create(&p, &c);
	pair_transfer(&p, size, size / 2, &how);
	run(&p);
	if (tx != ZS_SIMTX_COPY)
		assert_int_equal(pair_copies(&p), 0);
	assert_int_equal(zs_stack_stats(p.a->s)->tx_tso > 0, large & TSO ? 1 : 0);
	assert_int_equal(p.a->dev.tx_tso, zs_stack_stats(p.a->s)->tx_tso);
	assert_int_equal(p.b->dev.rx_lro > 0, large & LRO ? 1 : 0);
	end(&p);
}

static void test_bad_wire(void **state)
{
	uint32_t large = (uint32_t)(uintptr_t)*state;

	for (uint8_t tx = 0; tx < ZS_SIMTX_MODES; tx++)
		for (unsigned int bits = tx % 3; bits < BITS; bits += SLOW_BUILD ? 5 : 3)
			bad_wire(large, tx, bits);
}

/* ---- packets are as large as they can be ---- */

/* What fits in one packet leaves as one, when the windows are open; how it was written does not
 * matter. */
static void test_one_packet(void **state)
{
	enum { ONE = 45 * 1448 /* the most that 65535 bytes take */, ROUNDS = 20 };
	struct zs_simconn_config how = {
		.tx = (uint8_t)(uintptr_t)*state,
		.tx_chunk = ONE,
		.sndbuf = 4 << 20,
	};
	uint64_t large, segs, frames;
	struct pair_config c;
	struct pair p;

	configure(&c, 3, TSO);
	c.a.stack.initial_cwnd_segs = 255;
	c.b.stack.rcvbuf = c.b.stack.rcvbuf_max = 8 << 20;
	c.a.pkt_room = 2048;
	pair_create(&p, &c);
	pair_transfer(&p, (uint64_t)ROUNDS * ONE, 0, &how);
	run(&p);
	large = p.a->dev.tx_tso;
	frames = p.a->dev.tx_tso_frames;
	segs = zs_stack_stats(p.a->s)->tcp_segs_out;
	assert_in_range(large, ROUNDS, ROUNDS + 8);
	assert_in_range(frames, ROUNDS * 45 - 20, ROUNDS * 45);
	assert_true(segs > ROUNDS * 45);
	if (how.tx == ZS_SIMTX_BIG) /* its header in front of it */
		assert_true(zs_stack_stats(p.a->s)->tx_in_place >= 5);
	end(&p);
}

/* Stands before the device: the most buffers that bytes of one segment are in. */
static struct {
	uint16_t (*tx)(void *ctx, uint16_t port, struct rte_mbuf **pkts, uint16_t n);
	unsigned int most;
} seen;

static unsigned int most_bufs(const struct rte_mbuf *m)
{
	uint32_t hdr = (uint32_t)(m->l2_len + m->l3_len + m->l4_len), off = 0, segment = 0;
	unsigned int n = 0, most = 0;

	for (; m != NULL; off += m->data_len, m = m->next) {
		uint32_t end = off + m->data_len;

		n++;
		most = RTE_MAX(most, n);
		while (end > hdr + segment + 1448) {
			segment += 1448;
			n = 1;
		}
		if (end == hdr + segment + 1448) {
			segment += 1448;
			n = 0;
		}
	}
	return most;
}

static uint16_t look_and_send(void *ctx, uint16_t port, struct rte_mbuf **pkts, uint16_t n)
{
	for (uint16_t i = 0; i < n; i++)
		seen.most = RTE_MAX(seen.most, most_bufs(pkts[i]));
	return seen.tx(ctx, port, pkts, n);
}

/* A device's limit of buffers holds for each segment that it makes of a packet. */
static void buffers_per_segment(uint32_t chunk)
{
	enum { MAX = 8, BYTES = 200000 };
	struct zs_simconn_config how = { .tx = ZS_SIMTX_BUF, .tx_chunk = chunk, .sndbuf = 4 << 20 };
	struct pair_config c;
	struct pair p;

	configure(&c, 5, TSO);
	c.a.stack.netif[0].max_bufs = MAX;
	pair_create(&p, &c);
	seen.tx = p.a->s->env.tx;
	seen.most = 0;
	p.a->s->env.tx = look_and_send;
	pair_transfer(&p, BYTES, 0, &how);
	run(&p);
	assert_in_range(seen.most, 1, MAX);
	assert_int_equal(p.a->dev.tx_tso > 0, chunk > 1448 / (MAX - 1));
	end(&p);
}

static void test_buffers_per_segment(void **state)
{
	static const uint32_t chunks[] = { 100, 200, 250, 300, 700, 1000, 1448, 2000 };

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(chunks); i++)
		buffers_per_segment(chunks[i]);
}

/* ---- parts of a packet ---- */

/* Orders loss of chosen data frames from a, once each. */
struct losses {
	uint32_t first_seq;
	bool started;
	uint64_t drop; /* bit n: the frame n of the stream */
	unsigned int n_dropped, n_again, n_long;
};

static unsigned int lose(void *arg, struct zs_simpkt *p)
{
	struct losses *l = arg;
	uint32_t seq, n;
	uint8_t flags;
	int32_t len = frame_payload(p, &seq, &flags);

	if (len <= 0)
		return ZS_SIM_PASS;
	if (!l->started) {
		l->started = true;
		l->first_seq = seq;
	}
	n = (seq - l->first_seq) / 1448;
	if (len > 1448)
		l->n_long++;
	if (n < 64 && l->drop & 1ull << n) {
		l->drop &= ~(1ull << n);
		l->n_dropped++;
		return ZS_SIM_DROP;
	}
	return ZS_SIM_PASS;
}

/*
 * Lost frames within a packet are sent again, and no others: SACK marks the rest of it. (An ACK has
 * room for three blocks, and there is one per turn of the receiver.)
 */
static void lose_parts(uint64_t drop, bool sack, uint8_t tx)
{
	struct zs_simconn_config how = { .tx = tx, .tx_chunk = 50000, .sndbuf = 4 << 20 };
	struct losses l = { .drop = drop };
	struct pair_config c;
	struct pair p;
	const struct zs_stats *st;

	configure(&c, 9, TSO);
	c.a.stack.initial_cwnd_segs = 255;
	c.a.stack.use_sack = sack;
	c.b.stack.rcvbuf = c.b.stack.rcvbuf_max = 8 << 20;
	pair_create(&p, &c);
	p.l->wire[0].cfg.rule = lose;
	p.l->wire[0].cfg.rule_arg = &l;
	pair_transfer(&p, 200 * 1448, 0, &how);
	run(&p);
	st = zs_stack_stats(p.a->s);
	assert_int_equal(l.n_long, 0);
	assert_int_equal(st->tcp_segs_retx, l.n_dropped);
	assert_int_equal(st->tcp_rto, 0);
	end(&p);
}

static void test_lost_parts(void **state)
{
	static const uint8_t ways[] = { ZS_SIMTX_BUF, ZS_SIMTX_CHAIN, ZS_SIMTX_BIG, ZS_SIMTX_COPY };

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(ways); i++) {
		lose_parts(1, true, ways[i]);
		lose_parts(1, false, ways[i]);
		lose_parts(1ull << 7 | 1ull << 8 | 1ull << 20, true, ways[i]);
		lose_parts(1ull << 7 | 1ull << 20, false, ways[i]);
		lose_parts(1 | 1ull << 2 | 1ull << 40, true, ways[i]);
	}
}

/* ---- the receiver ---- */

/* A packet of many segments is no large segment: the ACK policy goes by what the peer's are. */
static void test_lro_acks(void **state)
{
	struct zs_simconn_config how = { .tx = ZS_SIMTX_CHAIN, .tx_chunk = 60000 };
	struct zs_tcp_info info;
	struct pair_config c;
	struct pair p;
	struct zs_simconn *there;

	(void)state;
	configure(&c, 4, TSO | LRO);
	how.stay = true;
	pair_create(&p, &c);
	pair_transfer(&p, 3000000, 0, &how);
	zs_sim_run_for(p.w, ZS_SEC);
	there = p.server->conns;
	zs_tcp_get_info(p.b->s, there->tcb, &info);
	assert_int_equal(there->rx_off, 3000000);
	assert_true(p.b->dev.rx_lro > 500);
	assert_int_equal(info.rcv_mss, 1448);
	/* fewer packets than segments, and an ACK for each of them at most */
	assert_true(zs_stack_stats(p.b->s)->tcp_acks_out < 3000000 / 1448 / 2);
	assert_true(zs_stack_stats(p.b->s)->tcp_fast_path > 20);
	assert_int_equal(pair_copies(&p), 0);
	pair_destroy(&p);
}

/* Without LRO the stack merges what arrives in one burst, and the peer cannot tell the difference.
 */
static void merged_in_software(bool on)
{
	struct zs_simconn_config how = { .tx = ZS_SIMTX_CHAIN, .tx_chunk = 60000, .stay = true };
	const struct zs_stats *st;
	struct zs_tcp_info info;
	struct pair_config c;
	struct pair p;

	configure(&c, 4, 0);
	c.b.stack.use_merge = on;
	pair_create(&p, &c);
	pair_transfer(&p, 3000000, 0, &how);
	zs_sim_run_for(p.w, ZS_SEC);
	st = zs_stack_stats(p.b->s);
	zs_tcp_get_info(p.b->s, p.server->conns->tcb, &info);
	assert_int_equal(p.server->conns->rx_off, 3000000);
	assert_int_equal(info.rcv_mss, 1448);
	assert_true(st->tcp_segs_in > 3000000 / 1448);
	if (on)
		assert_true(st->tcp_fast_path < st->tcp_segs_in / 4);
	else
		assert_true(st->tcp_fast_path > st->tcp_segs_in / 2);
	assert_int_equal(pair_copies(&p), 0);
	pair_destroy(&p);
}

static void test_merged_in_software(void **state)
{
	(void)state;
	merged_in_software(true);
	merged_in_software(false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "bad_wire", test_bad_wire, NULL, NULL, NULL },
		{ "bad_wire_tso", test_bad_wire, NULL, NULL, (void *)(uintptr_t)TSO },
		{ "bad_wire_lro", test_bad_wire, NULL, NULL, (void *)(uintptr_t)LRO },
		{ "bad_wire_tso_lro", test_bad_wire, NULL, NULL, (void *)(uintptr_t)(TSO | LRO) },
		{ "one_packet_buf", test_one_packet, NULL, NULL, (void *)ZS_SIMTX_CHAIN },
		{ "one_packet_big", test_one_packet, NULL, NULL, (void *)ZS_SIMTX_BIG },
		{ "one_packet_copy", test_one_packet, NULL, NULL, (void *)ZS_SIMTX_COPY },
		cmocka_unit_test(test_buffers_per_segment),
		cmocka_unit_test(test_lost_parts),
		cmocka_unit_test(test_lro_acks),
		cmocka_unit_test(test_merged_in_software),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
