/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Windows: zero window and its probes (RFC 9293 3.8.6.1, RFC 1122 4.2.2.17, RFC 6429), silly window
 * syndrome on both sides (RFC 9293 3.8.6.2), scaling (RFC 7323 2), our window from occupied memory.
 */
#include <errno.h>

#include "core/zs_ep.h"
#include "tests/zs_test.h"
#include "tt.h"

enum { MSS = 1000 };

static void start(struct tt *t, uint16_t wnd)
{
	tt_connect_passive(t, .opt = "mss 1000,sackOK", .rtt_us = 100 * TT_MS, .wnd = wnd);
}

/* ---- the peer's window ---- */

static void window_limits(struct tt *t)
{
	start(t, 2500);
	tt_send(t, 5000);
	tt_expect_run(t, 1, 1, MSS, 2);
	tt_drain(t); /* 500 more may go or not: sender's SWS avoidance holds them */
	assert_in_range(tt_info(t).inflight, 2000, 2500);
	tt_in(t, "A", 1, 2001, 0, .wnd = 3000);
	assert_in_range(tt_info(t).inflight, 2000, 3000);
	tt_drain(t);
}

/* 1000 of 3000 bytes are sent and acknowledged after 100 ms, the window is closed: RTO 300 ms. */
static void close_window(struct tt *t)
{
	start(t, 1000);
	tt_send(t, 3 * MSS);
	tt_expect(t, "A", 1, 1, MSS);
	tt_advance(t, 100 * TT_MS);
	tt_in(t, "A", 1, 1001, 0, .wnd = TT_WND0);
	tt_expect_none(t);
}

/* RFC 9293 3.8.6.1: probes at the backed-off RTO, as long as the peer answers. */
static void zero_window_probes(struct tt *t)
{
	uint64_t wait = 300 * TT_MS;

	close_window(t);
	for (unsigned i = 0; i < 12; i++) {
		/* without data, one before SND.UNA, so that the peer must answer */
		tt_expect_within(t, wait - TT_MS, wait + 5 * TT_MS, "A", 1000, 1, 0);
		tt_in(t, "A", 1, 1001, 0, .wnd = TT_WND0);
		tt_expect_none(t);
		wait = wait * 2 > 120ull * TT_S ? 120ull * TT_S : wait * 2;
	}
	tt_expect_state(t, ZS_ESTABLISHED);
	tt_in(t, "A", 1, 1001, 0, .wnd = 5000);
	tt_expect_run(t, 1001, 1, MSS, 2);
	tt_in(t, "A", 1, 3001, 0);
	tt_expect_quiet(t, 400ull * TT_S);
}

/* The window update was lost: the answer to the probe brings it. */
static void probe_answer_opens(struct tt *t)
{
	close_window(t);
	tt_expect_within(t, 299 * TT_MS, 305 * TT_MS, "A", 1000, 1, 0);
	tt_in(t, "A", 1, 1001, 0, .wnd = 1000);
	tt_expect(t, "A", 1001, 1, MSS);
	tt_in(t, "A", 1, 2001, 0, .wnd = 1000);
	tt_expect(t, "A", 2001, 1, MSS);
	tt_in(t, "A", 1, 3001, 0, .wnd = 1000);
	tt_expect_none(t);
}

/* RFC 6429 2, RFC 1122 4.2.2.17: no time limit while the peer answers, here over two hours. */
static void zero_window_for_ever(struct tt *t)
{
	unsigned probes = 0;

	start(t, 1000);
	tt_send(t, 2 * MSS);
	tt_drain(t);
	tt_in(t, "A", 1, 1001, 0, .wnd = TT_WND0);
	while (tt_time(t) < 7200ull * TT_S) {
		tt_advance(t, TT_S);
		if (tt_pending(t) == 0)
			continue;
		tt_drain(t);
		probes++;
		tt_in(t, "A", 1, 1001, 0, .wnd = TT_WND0);
	}
	assert_in_range(probes, 50, 100);
	tt_expect_state(t, ZS_ESTABLISHED);
	assert_int_equal(tt_stats(t)->tcp_probes, probes);
}

static void few_retries(struct zs_config *cfg)
{
	cfg->data_retries = 4;
}

/* A peer that is gone does not answer probes: given up like any retransmission (RFC 1122 4.2.2.17).
 */
static void unanswered_probes(struct tt *t)
{
	start(t, 1000);
	tt_send(t, 2 * MSS);
	tt_drain(t);
	tt_in(t, "A", 1, 1001, 0, .wnd = TT_WND0);
	tt_advance(t, 60ull * TT_S);
	tt_drain(t);
	tt_expect_state(t, ZS_CLOSED);
	assert_int_equal(tt_take_error(t), ETIMEDOUT);
}

/* RFC 9293 3.8.6: a window taken back: nothing new beyond it, what was sent is still repeated. */
static void shrunk_window(struct tt *t)
{
	start(t, 5000);
	tt_send(t, 10 * MSS);
	tt_expect_run(t, 1, 1, MSS, 5);
	tt_expect_none(t);
	tt_in(t, "A", 1, 1001, 0, .wnd = 1000);
	tt_expect_none(t);
	tt_advance(t, 600 * TT_MS);
	tt_expect(t, "A", 4001, 1, MSS); /* the probe */
	tt_expect(t, "A", 1001, 1, MSS);
	tt_drain(t);
	tt_in(t, "A", 1, 5001, 0, .wnd = 1000);
	tt_expect(t, "A", 5001, 1, MSS);
	tt_expect_none(t);
}

/* RFC 9293 3.10.7.4: SND.WL1, SND.WL2: an older segment does not change the window. */
static void old_segment_window(struct tt *t)
{
	start(t, 1000);
	tt_in(t, "A", 1, 1, 10);
	tt_drain(t);
	tt_read(t, 10);
	tt_drain(t);
	tt_in(t, "A", 11, 1, 0, .wnd = 3000);
	assert_int_equal(tt_info(t).snd_wnd, 3000);
	tt_in(t, "A", 1, 1, 10, .wnd = 7000); /* repeated, from before */
	tt_drain(t);
	assert_int_equal(tt_info(t).snd_wnd, 3000);
	tt_in(t, "A", 6, 1, 10,
	      .wnd = 7000); /* partly old: its new bytes count, its window does not */
	tt_drain(t);
	assert_int_equal(tt_info(t).snd_wnd, 3000);
	tt_read(t, 5);
	tt_send(t, 3000);
	tt_expect_run(t, 1, 16, MSS, 3);
	tt_in(t, "A", 16, 2001, 0, .wnd = 2000);
	assert_int_equal(tt_info(t).snd_wnd, 2000);
	tt_in(t, "A", 16, 1001, 0, .wnd = 9000); /* older ACK */
	assert_int_equal(tt_info(t).snd_wnd, 2000);
	tt_in(t, "A", 16, 3001, 0);
	tt_drain(t);
}

/* Who acknowledges more spoke later, also in what he repeats: the window is that of then. */
static void repeated_segment_window(struct tt *t)
{
	start(t, 6000);
	tt_send(t, 4000);
	tt_expect_run(t, 1, 1, MSS, 4);
	tt_in(t, "A", 11, 1, 10, .wnd = 5000); /* what was before it is lost */
	tt_drain(t);
	tt_in(t, "A", 1, 4001, 10, .wnd = 1000);
	tt_drain(t);
	tt_send(t, 4000);
	tt_expect(t, "A", 4001, 21, MSS);
	tt_expect_none(t);
	tt_in(t, "A", 31, 4001, 10, .wnd = 1000);
	tt_drain(t);
	tt_in(t, "A", 21, 5001, 10, .wnd = 2000);
	tt_drain(t);
	assert_int_equal(tt_info(t).snd_wnd, 2000);
	tt_in(t, "A", 41, 5001, 0, .wnd = 3000);
	tt_expect(t, "A", 7001, 41, MSS);
	tt_in(t, "A", 51, 4001, 0, .wnd = 9000, .opt = "nop,nop,sack 5001:6001"); /* late */
	tt_expect_none(t);
	assert_int_equal(tt_info(t).snd_wnd, 3000);
	tt_in(t, "A", 41, 8001, 0);
	tt_drain(t);
}

/* RFC 9293 3.8.6.2.1: no small segment just because the window ends there... */
static void sender_sws(struct tt *t)
{
	start(t, 10000);
	tt_send(t, 10 * MSS);
	tt_expect_run(t, 1, 1, MSS, 10);
	tt_send(t, 10 * MSS);
	tt_in(t, "A", 1, 10001, 0, .wnd = 100);
	tt_expect_none(t);
	tt_in(t, "A", 1, 10001, 0, .wnd = 900);
	tt_expect_none(t);
	tt_in(t, "A", 1, 10001, 0, .wnd = 1000);
	tt_expect(t, "A", 10001, 1, MSS);
	tt_expect_none(t);
}

/* ... but after the override timeout what fits is sent (0.1 - 1 s in RFC 9293; persist timer here).
 */
static void sender_sws_override(struct tt *t)
{
	start(t, 10000);
	tt_send(t, 10 * MSS);
	tt_drain(t);
	tt_send(t, 5 * MSS);
	tt_in(t, "A", 1, 10001, 0, .wnd = 300);
	tt_expect_within(t, 100 * TT_MS, 1000 * TT_MS, "A", 10001, 1, 300);
	/* once: what comes next is not silly again */
	tt_in(t, "A", 1, 10301, 0, .wnd = 1200);
	tt_expect(t, "A", 10301, 1, MSS);
	tt_expect_none(t);
	tt_in(t, "A", 1, 11301, 0, .wnd = 5000);
	tt_drain(t);
}

/* A peer with a tiny buffer: half of its largest window is worth a segment. */
static void sender_sws_half_of_max(struct tt *t)
{
	start(t, 600);
	tt_send(t, 2000);
	tt_expect(t, "A", 1, 1, 600);
	tt_in(t, "A", 1, 601, 0, .wnd = 200);
	tt_expect_none(t);
	tt_in(t, "A", 1, 601, 0, .wnd = 300);
	tt_expect(t, "A", 601, 1, 300);
}

/* RFC 7323 2.3: 10 << 7. */
static void scaled_peer_window(struct tt *t)
{
	assert_int_equal(tt_connect(t), 0);
	tt_expect(t, "S", 0, 0, 0);
	tt_in(t, "SA", 0, 1, 0, .opt = "mss 1000,nop,wscale 7", .wnd = 1000);
	tt_expect(t, "A", 1, 1, 0);
	tt_send(t, 5000);
	tt_expect(t, "A", 1, 1, MSS); /* the SYN-ACK's window is not scaled */
	tt_expect_none(t);
	tt_in(t, "A", 1, 1001, 0, .wnd = 16);
	tt_expect_run(t, 1001, 1, MSS, 2);
	tt_expect_none(t);
}

/* RFC 7323 2.3: a shift of more than 14 is taken as 14. */
static void scale_beyond_14(struct tt *t)
{
	tt_connect_passive(t, .opt = "mss 1000,nop,wscale 200", .wnd = 2);
	assert_int_equal(tt_info(t).snd_wscale, 14);
	assert_int_equal(tt_info(t).snd_wnd, 2 << 14);
}

/* ---- our window ---- */

static void small_rcvbuf(struct zs_config *cfg)
{
	cfg->rcvbuf = cfg->rcvbuf_max = 16384;
	cfg->use_wscale = false;
}

/* The peer sends while the application sleeps: the window closes and its right edge never moves
 * back. */
static void window_closes(struct tt *t)
{
	uint32_t at = 1, edge;

	start(t, 0);
	edge = t->c->edge;
	while (edge > at) {
		uint32_t n = edge - at < 1000 ? edge - at : 1000;

		tt_in(t, "A", at, 1, n);
		at += n;
		tt_expect(t, "A", 1, at, 0);
		assert_true(t->c->edge >= edge); /* RFC 9293 3.8.6: never shrinks */
		edge = t->c->edge;
		assert_true(at < 100000);
	}
	assert_int_equal(t->c->wnd_out, 0);
	tt_in(t, "A", at, 1, 1); /* the peer's probe */
	tt_expect(t, "A", 1, at, 0, .wnd = TT_WND0);
	assert_int_equal(zs_tcp_readable(t->c->tcb), at - 1);
	tt_in(t, "A", at, 1, 0); /* RFC 9293 3.10.7.4: acceptable with a zero window: no answer */
	tt_expect_none(t);
	tt_in(t, "A", at - 1, 1, 0); /* a keepalive-like probe */
	tt_expect(t, "A", 1, at, 0, .wnd = TT_WND0);
	tt_read(t, at - 1);
	tt_expect(t, "A", 1, at, 0); /* the window opens: told at once */
	assert_true(t->c->wnd_out >= 2000);
	tt_expect_none(t);
}

/* RFC 9293 3.8.6.2.2: no update before it is worth a segment or half the buffer. */
static void receiver_sws(struct tt *t)
{
	uint32_t at = 1, edge, freed = 0;

	start(t, 0);
	while (t->c->edge > at) {
		uint32_t n = t->c->edge - at < 1000 ? t->c->edge - at : 1000;

		tt_in(t, "A", at, 1, n);
		at += n;
		tt_drain(t);
	}
	edge = t->c->edge;
	while (tt_pending(t) == 0) {
		tt_read_some(t, 100);
		freed += 100;
		assert_true(freed < at);
	}
	tt_drain(t);
	assert_true(t->c->edge - edge >= 1000);
}

/*
 * Part of what the peer sent was lost, the rest fills our window: its next segments begin at the
 * edge, and their ACK counts. Two who refuse such ACKs challenge each other for ever.
 */
static void ack_from_the_edge(struct tt *t)
{
	start(t, 0);
	tt_send(t, 500);
	tt_expect(t, "AP", 1, 1, 500);
	tt_in(t, "A", t->c->edge, 501, 0);
	tt_expect_none(t);
	assert_int_equal(tt_info(t).inflight, 0);
	tt_in(t, "A", t->c->edge + 1, 501, 0); /* outside */
	tt_expect(t, "A", 501, 1, 0);
}

/* A zero window does not stop ACK, RST and URG of the peer (RFC 9293 3.10.7.4, first). */
static void zero_window_takes_acks(struct tt *t)
{
	uint32_t at = 1;

	start(t, 0);
	tt_send(t, 500);
	tt_drain(t);
	while (t->c->edge > at) {
		uint32_t n = t->c->edge - at < 1000 ? t->c->edge - at : 1000;

		tt_in(t, "A", at, 1, n);
		at += n;
		tt_drain(t);
	}
	tt_in(t, "A", at, 501, 0);
	tt_expect_none(t);
	assert_int_equal(tt_info(t).snd_queued, 0);
	tt_in(t, "R", at, 0, 0); /* exactly RCV.NXT, window zero: valid */
	tt_expect_state(t, ZS_CLOSED);
}

/* A FIN takes a number, but no room: a closed window does not refuse it, as on Linux and FreeBSD.
 */
static void fin_with_zero_window(struct tt *t)
{
	uint32_t at = 1;

	start(t, 0);
	while (t->c->edge > at) {
		uint32_t n = t->c->edge - at < 1000 ? t->c->edge - at : 1000;

		tt_in(t, "A", at, 1, n);
		at += n;
		tt_drain(t);
	}
	tt_in(t, "FA", at, 1, 1); /* there is no room for a byte */
	tt_expect(t, "A", 1, at, 0, .wnd = TT_WND0);
	tt_in(t, "FA", at + 1, 1, 0);
	tt_expect(t, "A", 1, at, 0, .wnd = TT_WND0);
	tt_expect_state(t, ZS_ESTABLISHED);
	tt_in(t, "FA", at, 1, 0); /* FIN needs none */
	tt_expect(t, "A", 1, at + 1, 0, .wnd = TT_WND0);
	tt_expect_state(t, ZS_CLOSE_WAIT);
	tt_read(t, at - 1);
}

/* The last segment that the window has room for ends with FIN: no window is left after it. */
static void fin_behind_the_window(struct tt *t)
{
	uint32_t at = 1, edge;

	start(t, 0);
	for (edge = t->c->edge; edge > at + 1000; edge = t->c->edge) {
		tt_in(t, "A", at, 1, 1000);
		at += 1000;
		tt_drain(t);
	}
	tt_in(t, "FA", at, 1, edge - at);
	at = edge;
	tt_expect(t, "A", 1, at + 1, 0, .wnd = TT_WND0);
	tt_expect_state(t, ZS_CLOSE_WAIT);
	assert_int_equal(tt_info(t).rcv_wnd, 0);
	tt_in(t, "R", at + 2, 0, 0); /* outside */
	tt_expect_none(t);
	tt_read(t, at - 1);
}

static void autotune(struct zs_config *cfg)
{
	cfg->rcvbuf = 32 << 10;
	cfg->rcvbuf_max = 4 << 20;
}

/* ARCHITECTURE 7: memory is counted, so half of the buffer is offered, and no more than a SYN can
 * say.
 */
static void first_window(struct tt *t)
{
	tt_listen(t, 1);
	tt_in(t, "S", 0, 0, 0, .opt = "mss 1460,sackOK,nop,wscale 7");
	tt_expect(t, "SA", 0, 1, 0, .wnd = 16 << 10);
	tt_in(t, "A", 1, 1, 0);
	tt_accept(t);
}

static void first_window_of_a_large_buffer(struct tt *t)
{
	tt_listen(t, 1);
	tt_in(t, "S", 0, 0, 0, .opt = "mss 1460,sackOK,nop,wscale 7");
	tt_expect(t, "SA", 0, 1, 0, .wnd = 65535);
	tt_in(t, "A", 1, 1, 0);
	tt_accept(t);
}

/* An application that keeps up with a fast peer gets a larger buffer, up to the maximum. */
static void window_grows(struct tt *t)
{
	uint32_t first, at = 1;

	tt_connect_passive(t, .opt = "mss 1460,sackOK,nop,wscale 7", .rtt_us = 20 * TT_MS);
	first = tt_info(t).rcvbuf;
	for (unsigned round = 0; round < 40; round++) {
		uint32_t wnd = tt_info(t).rcv_wnd, sent = 0;

		tt_advance(t, 20 * TT_MS);
		tt_drain(t);
		for (; sent + 1460 <= wnd && sent < 400000; sent += 1460) {
			tt_in(t, "A", at, 1, 1460);
			at += 1460;
			tt_drain(t);
			tt_read_some(t, zs_tcp_readable(t->c->tcb));
			tt_drain(t);
		}
	}
	assert_true(tt_info(t).rcvbuf >= 4 * first);
	assert_true(tt_info(t).rcvbuf <= 4u << 20);
}

static void use_ts(struct zs_config *cfg)
{
	cfg->use_ts = true;
}

/* What a peer has thought over for long echoes an old timestamp, and says nothing of the round trip
 * by which the window grows once it has much to say. */
static void window_grows_after_silence(struct tt *t)
{
	enum { RTT = 50 * TT_MS, THINKS = 30 * TT_S, BURST = 32 };
	uint32_t at = 1, ecr;

	tt_connect_passive(t, .opt = "mss 1460,sackOK,ts,nop,wscale 7", .rtt_us = RTT);
	for (unsigned i = 0; i < 5; i++) {
		tt_advance(t, THINKS);
		tt_drain(t);
		tt_in(t, "PA", at, 1, 100);
		at += 100;
		tt_read(t, 100);
	}
	for (unsigned round = 0; round < 6; round++) {
		uint32_t segs = tt_info(t).rcv_wnd / 1448;

		ecr = t->c->tsecr;
		tt_advance(t, RTT);
		for (uint32_t i = 1; i <= segs && i <= 2000; i++) {
			tt_in(t, "A", at, 1, 1448, .hold = i % BURST != 0 && i < segs,
			      .tsecr = ecr);
			at += 1448;
			if (i % BURST == 0 || i == segs)
				tt_read_some(t, zs_tcp_readable(t->c->tcb));
			tt_drain(t);
		}
	}
	assert_true(tt_info(t).rcvbuf >= 1u << 20);
}

/* SO_RCVBUF fixes it. */
static void fixed_window_stays(struct tt *t)
{
	uint32_t at = 1;

	tt_connect_passive(t, .opt = "mss 1460,sackOK,nop,wscale 7", .rtt_us = 20 * TT_MS);
	zs_tcp_opts(t->c->tcb)->rcvbuf = 65536;
	zs_tcp_opts_changed(t->s, t->c->tcb);
	tt_drain(t);
	for (unsigned round = 0; round < 40; round++) {
		tt_advance(t, 20 * TT_MS);
		tt_drain(t);
		for (unsigned i = 0; i < 20; i++, at += 1460) {
			tt_in(t, "A", at, 1, 1460);
			tt_drain(t);
			tt_read_some(t, zs_tcp_readable(t->c->tcb));
			tt_drain(t);
		}
	}
	assert_int_equal(tt_info(t).rcvbuf, 65536);
}

/* The window counts occupied memory: many tiny segments close it long before their bytes would. */
static void tiny_segments_cost_memory(struct tt *t)
{
	uint32_t at = 1, peak = 0;

	start(t, 0);
	for (unsigned i = 0; i < 5000 && t->c->edge > at; i++, at++) {
		tt_in(t, "A", at, 1, 1);
		tt_drain(t);
		if (tt_live_mbufs() > peak)
			peak = tt_live_mbufs();
	}
	assert_in_range(peak, 1, 200); /* 16 KiB of buffer space: not 5,000 mbufs of 2 KiB */
	tt_read_some(t, zs_tcp_readable(t->c->tcb));
	tt_drain(t);
	tt_in(t, "A", t->c->read + 1, 1, 100);
	tt_drain(t);
	tt_read(t, 100);
	tt_drain(t);
}

/* ---- the send buffer ---- */

static void small_sndbuf(struct zs_config *cfg)
{
	cfg->sndbuf = cfg->sndbuf_max = 20000;
}

/* Full: -EAGAIN; WRITE is raised when acknowledged bytes made room. */
static void send_buffer(struct tt *t)
{
	int64_t n;

	start(t, 0);
	n = tt_send_more(t, 30000, 0);
	assert_in_range(n, 20000, 2 * 20000);
	assert_int_equal(tt_send_more(t, 1, 0), -EAGAIN);
	tt_drain(t);
	(void)tt_take_events(t);
	tt_in(t, "A", 1, 10001, 0);
	tt_drain(t);
	tt_in(t, "A", 1, 20001, 0);
	tt_drain(t);
	assert_true(tt_take_events(t) & ZS_EV_WRITE);
	assert_in_range(zs_tcp_send_space(t->c->tcb), 1000, 20000);
	assert_int_equal(tt_send_bufs(t, 30000, 2000),
			 0); /* a chain goes whole when there is any room */
	assert_int_equal(tt_send_bufs(t, 10, 10), -EAGAIN);
	tt_drain(t);
}

static const struct CMUnitTest tests[] = {
	TT(window_limits),
	TT(zero_window_probes),
	TT(probe_answer_opens),
	TT(zero_window_for_ever),
	TT_CFG(unanswered_probes, few_retries),
	TT(shrunk_window),
	TT(old_segment_window),
	TT(repeated_segment_window),
	TT(sender_sws),
	TT(sender_sws_override),
	TT(sender_sws_half_of_max),
	TT(scaled_peer_window),
	TT(scale_beyond_14),
	TT_CFG(window_closes, small_rcvbuf),
	TT_CFG(receiver_sws, small_rcvbuf),
	TT_CFG(ack_from_the_edge, small_rcvbuf),
	TT_CFG(zero_window_takes_acks, small_rcvbuf),
	TT_CFG(fin_with_zero_window, small_rcvbuf),
	TT_CFG(fin_behind_the_window, small_rcvbuf),
	TT_CFG(first_window, autotune),
	TT(first_window_of_a_large_buffer),
	TT_CFG(window_grows, autotune),
	TT_CFG(window_grows_after_silence, use_ts),
	TT(fixed_window_stays),
	TT_CFG(tiny_segments_cost_memory, small_rcvbuf),
	TT_CFG(send_buffer, small_sndbuf),
};

ZS_TEST_MAIN(tests)
