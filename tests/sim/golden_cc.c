/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Each congestion control beside the others, as a table that is compared with the one in the
 * repository: goodput over rate, round trip and loss; fairness of 2, 8 and 32 flows (Jain's index:
 * 1 when all have the same); CUBIC and BBR on one link. `golden_cc FILE --update` rewrites the file
 * when the new figures are right.
 *
 * Shares are of the link's payload rate. Where flows compete, the queue in front of the link is
 * given in bandwidth-delay products. DCTCP has a queue that marks, the others one that drops.
 */
#include <stdlib.h>

#include "simtest.h"

enum { PAYLOAD = 1448, FRAME = 1514, MAX_FLOWS = 32, LINE = 96, MAX_LINES = 80 };

static const char *golden_path;
static char golden[MAX_LINES][LINE];
static unsigned int n_golden;
static FILE *out; /* --update; NULL = compare */
static unsigned int at, bad;

struct run {
	uint64_t rate_bps, rtt_ns;
	uint32_t loss_ppm, queue_bytes, mark_bytes;
	unsigned int flows;
	uint8_t cc[MAX_FLOWS]; /* of each flow */
	uint64_t warmup_ns, measure_ns;
};

struct result {
	double share[MAX_FLOWS];
	uint64_t retx, rto;
};

static uint64_t bdp(const struct run *r)
{
	return r->rate_bps / 8 * (r->rtt_ns / ZS_US) / 1000000;
}

static void configure(struct pair_config *c, const struct run *r)
{
	pair_config(c, 1, 1500, ZS_SIM_OFF_ALL);
	c->wire.rate_bps = r->rate_bps;
	c->wire.delay_ns = r->rtt_ns / 2;
	c->wire.queue_bytes = 0;
	c->a.dev.trust = c->b.dev.trust = true;
	c->a.turn_ns = c->b.turn_ns = 16 * ZS_US;
	c->a.stack.ecn = ZS_ECN_ON;
	c->a.stack.sndbuf = c->a.stack.sndbuf_max = (uint32_t)(bdp(r) * 4 + (128 << 10));
	c->b.stack.rcvbuf = c->b.stack.rcvbuf_max = (uint32_t)(bdp(r) * 8 + (512 << 10));
}

static void received(const struct pair *p, uint64_t *bytes)
{
	for (const struct zs_simconn *c = p->server->conns; c != NULL; c = c->next)
		*bytes++ = c->rx_off;
}

static void perform(const struct run *r, struct result *res)
{
	const struct zs_simconn_config up = {
		.tx_bytes = UINT64_MAX,
		.tx_chunk = PAYLOAD,
		.raw = true,
	};
	const struct zs_simconn_config down = { .rx_bytes = UINT64_MAX, .raw = true };
	uint64_t before[MAX_FLOWS] = { 0 }, after[MAX_FLOWS] = { 0 };
	struct zs_stats stats;
	struct pair_config c;
	struct pair p;

	configure(&c, r);
	pair_create(&p, &c);
	zs_simapp_listen(p.server, PORT, MAX_FLOWS, &down);
	for (unsigned int i = 0; i < r->flows; i++) {
		struct zs_simconn *f = zs_simapp_connect(p.client, ip_b(), PORT, &up);

		zs_tcp_opts(f->tcb)->cc = r->cc[i];
		zs_tcp_opts_changed(p.a->s, f->tcb);
		zs_sim_run_for(p.w, 3 * r->rtt_ns); /* so that they are accepted in this order */
	}
	/* how a receiver echoes is its listener's congestion control */
	for (struct zs_simconn *f = p.server->conns; f != NULL; f = f->next) {
		zs_tcp_opts(f->tcb)->cc = r->cc[0];
		zs_tcp_opts_changed(p.b->s, f->tcb);
	}
	p.l->wire[0].cfg.queue_bytes = r->queue_bytes;
	p.l->wire[0].cfg.mark_bytes = r->mark_bytes;
	p.l->wire[0].cfg.loss_ppm = r->loss_ppm;
	zs_sim_run_for(p.w, r->warmup_ns);
	received(&p, before);
	stats = *zs_stack_stats(p.a->s);
	zs_sim_run_for(p.w, r->measure_ns);
	received(&p, after);
	res->retx = zs_stack_stats(p.a->s)->tcp_segs_retx - stats.tcp_segs_retx;
	res->rto = zs_stack_stats(p.a->s)->tcp_rto - stats.tcp_rto;
	for (unsigned int i = 0; i < r->flows; i++)
		res->share[i] = (double)(after[i] - before[i]) * 8e9 / (double)r->measure_ns /
				(double)r->rate_bps * FRAME / PAYLOAD;
	pair_destroy(&p);
}

static void row(const char *line)
{
	if (out != NULL) {
		fputs(line, out);
		return;
	}
	if (at >= n_golden || strcmp(golden[at], line) != 0) {
		print_error("golden: %snow:    %s(golden_cc FILE --update rewrites the table)\n",
			    at < n_golden ? golden[at] : "\n", line);
		bad++;
	}
	at++;
}

/* ---- goodput ---- */

static void goodput(uint8_t cc, uint32_t rate_mbit, uint32_t rtt_ms, uint32_t loss_ppm)
{
	struct run r = {
		.rate_bps = rate_mbit * 1000000ull,
		.rtt_ns = rtt_ms * ZS_MS,
		.loss_ppm = loss_ppm,
		.cc = { cc },
		.flows = 1,
		.warmup_ns = 25 * rtt_ms * ZS_MS + 500 * ZS_MS,
		.measure_ns = loss_ppm > 0 ? 4 * ZS_SEC : ZS_SEC,
	};
	struct result res;
	char line[LINE];

	if (cc == ZS_CC_DCTCP)
		r.mark_bytes = (uint32_t)(bdp(&r) / 2 + 30000);
	perform(&r, &res);
	snprintf(line, sizeof(line), "goodput   %-6s %5u %5u %6.1f %8.1f %8llu %6llu\n",
		 zs_cc_name(cc), rate_mbit, rtt_ms, loss_ppm / 1e4, 100 * res.share[0],
		 (unsigned long long)res.retx, (unsigned long long)res.rto);
	row(line);
	if (loss_ppm == 0 && res.share[0] < 0.9) {
		print_error("too little without loss: %s", line);
		bad++;
	}
}

static void test_goodput(void **state)
{
	static const uint32_t rates[] = { 10, 100 }, rtts[] = { 10, 50 };
	static const uint32_t losses[] = { 0, 1000, 10000 };

	(void)state;
	bad = 0;
	row("#         control Mbit/s RTT ms loss %   % of rate  sent again  timeouts\n");
	for (uint8_t cc = 0; cc < ZS_CC_COUNT; cc++)
		for (unsigned int i = 0; i < 12; i++)
			goodput(cc, rates[i / 6], rtts[i / 3 % 2], losses[i % 3]);
	assert_int_equal(bad, 0);
}

/* ---- flows on one link ---- */

static double jain(const struct result *res, unsigned int n)
{
	double sum = 0, squares = 0;

	for (unsigned int i = 0; i < n; i++) {
		sum += res->share[i];
		squares += res->share[i] * res->share[i];
	}
	return sum * sum / (n * squares);
}

static double total(const struct result *res, unsigned int n)
{
	double sum = 0;

	for (unsigned int i = 0; i < n; i++)
		sum += res->share[i];
	return sum;
}

static void fairness(uint8_t cc, unsigned int flows)
{
	struct run r = {
		.rate_bps = 100000000,
		.rtt_ns = 20 * ZS_MS,
		.flows = flows,
		.warmup_ns = 3 * ZS_SEC,
		.measure_ns = 6 * ZS_SEC,
	};
	struct result res;
	char line[LINE];

	memset(r.cc, cc, sizeof(r.cc));
	if (cc == ZS_CC_DCTCP)
		r.mark_bytes = (uint32_t)bdp(&r) / 2;
	else
		r.queue_bytes = (uint32_t)bdp(&r);
	perform(&r, &res);
	snprintf(line, sizeof(line), "fairness  %-6s %5u %8.3f %8.1f %8llu %6llu\n", zs_cc_name(cc),
		 flows, jain(&res, flows), 100 * total(&res, flows), (unsigned long long)res.retx,
		 (unsigned long long)res.rto);
	row(line);
}

static void test_fairness(void **state)
{
	static const unsigned int flows[] = { 2, 8, 32 };

	(void)state;
	bad = 0;
	row("#         control flows  index  % of rate  sent again  timeouts (100 Mbit/s, 20 "
	    "ms)\n");
	for (uint8_t cc = 0; cc < ZS_CC_COUNT; cc++)
		for (unsigned int i = 0; i < 3; i++)
			fairness(cc, flows[i]);
	assert_int_equal(bad, 0);
}

static void test_coexistence(void **state)
{
	static const unsigned int halves[] = { 1, 2, 4, 8 };

	(void)state;
	bad = 0;
	row("#         queue BDP  % of cubic  % of bbr (100 Mbit/s, 20 ms)\n");
	for (unsigned int i = 0; i < 4; i++) {
		struct run r = {
			.rate_bps = 100000000,
			.rtt_ns = 20 * ZS_MS,
			.flows = 2,
			.cc = { ZS_CC_CUBIC, ZS_CC_BBR },
			.warmup_ns = 4 * ZS_SEC,
			.measure_ns = 8 * ZS_SEC,
		};
		struct result res;
		char line[LINE];

		r.queue_bytes = (uint32_t)bdp(&r) * halves[i] / 2;
		perform(&r, &res);
		snprintf(line, sizeof(line), "coexist   %9.1f %11.1f %9.1f\n", halves[i] / 2.0,
			 100 * res.share[0], 100 * res.share[1]);
		row(line);
	}
	assert_int_equal(bad, 0);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_goodput),
	cmocka_unit_test(test_fairness),
	cmocka_unit_test(test_coexistence),
};

static bool read_golden(void)
{
	FILE *f = fopen(golden_path, "r");

	if (f == NULL)
		return false;
	while (n_golden < MAX_LINES && fgets(golden[n_golden], LINE, f) != NULL)
		n_golden++;
	fclose(f);
	return true;
}

int main(int argc, char **argv)
{
	int rc;

	golden_path = argc > 1 ? argv[1] : "tests/sim/golden_cc.txt";
	if (argc > 2 && strcmp(argv[2], "--update") == 0) {
		out = fopen(golden_path, "w");
		if (out == NULL) {
			perror(golden_path);
			return 1;
		}
	} else if (!read_golden()) {
		fprintf(stderr, "%s: missing\n", golden_path);
		return 1;
	}
	rc = cmocka_run_group_tests_name("golden_cc", tests, NULL, NULL);
	if (out != NULL && fclose(out) != 0)
		return 1;
	return rc;
}
