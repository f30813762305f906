/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Goodput of one connection over rates, round-trip times and loss, as a table that is compared with
 * the one in the repository: virtual time makes it exact. A change of behaviour shows as a
 * difference to be looked at; `golden FILE --update` rewrites the file when the new figures are
 * right.
 *
 * The sender always has data; windows are configured for the path (send buffer: 1.6 bandwidth-delay
 * products and 64 KB, for a writer is woken when a third of it is free). The first WARMUP_RTTS
 * round trips are not measured. The payload rate of the link is its bit rate times 1448 / 1514:
 * payload in a frame of Ethernet, IPv4 and TCP with timestamps. Frames from sender to receiver are
 * lost at random.
 */
#include <stdlib.h>

#include "simtest.h"

enum { N_RATES = 4, N_RTTS = 5, N_LOSSES = 4, ROWS = N_RATES * N_RTTS * N_LOSSES };
enum { WARMUP_RTTS = 25, LINE = 96, MTU = 1500, PAYLOAD = 1448, FRAME = 1514 };

static const uint32_t rates_mbit[N_RATES] = { 10, 100, 1000, 10000 };
static const uint32_t rtts_us[N_RTTS] = { 100, 1000, 10000, 50000, 200000 };
static const uint32_t losses_ppm[N_LOSSES] = { 0, 1000, 10000, 50000 };

static const char title[] =
	"# Mbit/s  RTT ms  loss %  goodput Mbit/s  % of payload rate  sent again  timeouts\n";

static const char *golden_path;
static char golden[ROWS][LINE], now[ROWS][LINE];

struct row {
	uint64_t rate_bps, rtt_ns;
	uint32_t loss_ppm;
	uint64_t warmup_ns, measure_ns;
};

static uint64_t frames_ns(uint64_t rate_bps, uint64_t n)
{
	return n * FRAME * 8 * (1000000000 / 1000) / (rate_bps / 1000);
}

static struct row row_of(unsigned int i)
{
	struct row r = {
		.rate_bps = rates_mbit[i / (N_RTTS * N_LOSSES)] * 1000000ull,
		.rtt_ns = rtts_us[i / N_LOSSES % N_RTTS] * ZS_US,
		.loss_ppm = losses_ppm[i % N_LOSSES],
	};

	r.warmup_ns = WARMUP_RTTS * r.rtt_ns + frames_ns(r.rate_bps, 500);
	r.measure_ns = RTE_MAX(10 * r.rtt_ns, frames_ns(r.rate_bps, 20000));
	if (r.loss_ppm > 0) {
		r.measure_ns = RTE_MAX(r.measure_ns, 400 * r.rtt_ns);
		r.measure_ns = RTE_MAX(r.measure_ns, 5 * ZS_SEC);
	}
	return r;
}

/* The window counts memory, and a payload of 1448 bytes occupies 2.4 KB. */
static void configure(struct pair_config *c, const struct row *r)
{
	uint64_t bdp = r->rate_bps / 8 * r->rtt_ns / ZS_SEC;
	uint64_t turn = r->rtt_ns / 20;

	pair_config(c, 1, MTU, ZS_SIM_OFF_ALL);
	c->wire.rate_bps = r->rate_bps;
	c->wire.delay_ns = r->rtt_ns / 2;
	c->wire.queue_bytes = 0;
	c->a.dev.trust = c->b.dev.trust = true;
	c->a.turn_ns = c->b.turn_ns = RTE_MIN(turn, 16 * ZS_US);
	c->a.stack.sndbuf = c->a.stack.sndbuf_max = (uint32_t)(bdp * 8 / 5 + (64 << 10));
	c->b.stack.rcvbuf = c->b.stack.rcvbuf_max = (uint32_t)(bdp * 4 + (512 << 10));
}

static void measure(const struct row *r, char *line)
{
	const struct zs_simconn_config up = {
		.tx_bytes = UINT64_MAX,
		.tx_chunk = PAYLOAD,
		.raw = true,
	};
	const struct zs_simconn_config down = { .rx_bytes = UINT64_MAX, .raw = true };
	struct zs_stats before, after;
	struct pair_config c;
	struct pair p;
	uint64_t bytes;
	double mbit, share;

	configure(&c, r);
	pair_create(&p, &c);
	zs_simapp_listen(p.server, PORT, 1, &down);
	zs_simapp_connect(p.client, ip_b(), PORT, &up);
	p.l->wire[0].cfg.loss_ppm = r->loss_ppm;
	zs_sim_run_for(p.w, r->warmup_ns);
	bytes = p.server->rx_bytes;
	before = *zs_stack_stats(p.a->s);
	zs_sim_run_for(p.w, r->measure_ns);
	bytes = p.server->rx_bytes - bytes;
	after = *zs_stack_stats(p.a->s);
	mbit = (double)bytes * 8e3 / (double)r->measure_ns;
	share = mbit * 1e6 / (double)r->rate_bps * FRAME / PAYLOAD * 100;
	snprintf(line, LINE, "%8llu %7.1f %7.1f %15.3f %18.1f %11llu %9llu\n",
		 (unsigned long long)(r->rate_bps / 1000000), (double)r->rtt_ns / 1e6,
		 r->loss_ppm / 1e4, mbit, share,
		 (unsigned long long)(after.tcp_segs_retx - before.tcp_segs_retx),
		 (unsigned long long)(after.tcp_rto - before.tcp_rto));
	pair_destroy(&p);
	if (r->loss_ppm == 0 && share < 95)
		print_error("less than 95 %% without loss: %s", line);
}

static bool enough(const struct row *r, const char *line)
{
	double mbit;

	return r->loss_ppm > 0 || (sscanf(line, "%*s %*s %*s %lf", &mbit) == 1 &&
				   mbit * 1e6 * FRAME / PAYLOAD >= 0.95 * (double)r->rate_bps);
}

/* All rows of one rate. Builds that are slow leave out what takes many packets. */
static void test_rate(void **state)
{
	unsigned int first = (unsigned int)(uintptr_t)*state, bad = 0;

	for (unsigned int i = first; i < first + N_RTTS * N_LOSSES; i++) {
		struct row r = row_of(i);

		if (SLOW_BUILD && (r.rate_bps > 100000000 || r.rtt_ns > 50 * ZS_MS))
			continue;
		measure(&r, now[i]);
		bad += !enough(&r, now[i]);
		if (strcmp(now[i], golden[i]) != 0) {
			print_error(
				"golden: %snow:    %s(golden FILE --update rewrites the table)\n",
				golden[i], now[i]);
			bad++;
		}
	}
	assert_int_equal(bad, 0);
}

static bool read_golden(void)
{
	FILE *f = fopen(golden_path, "r");
	char line[LINE];
	unsigned int i = 0;

	if (f == NULL)
		return false;
	while (i < ROWS && fgets(line, sizeof(line), f) != NULL)
		if (line[0] != '#')
			memcpy(golden[i++], line, LINE);
	fclose(f);
	return i == ROWS;
}

static int update(void)
{
	FILE *f = fopen(golden_path, "w");

	if (f == NULL) {
		perror(golden_path);
		return 1;
	}
	fputs(title, f);
	for (unsigned int i = 0; i < ROWS; i++) {
		struct row r = row_of(i);

		measure(&r, now[i]);
		fputs(now[i], f);
		fflush(f);
	}
	return fclose(f) != 0;
}

int main(int argc, char **argv)
{
	struct CMUnitTest tests[N_RATES];
	char names[N_RATES][32];

	golden_path = argc > 1 ? argv[1] : "tests/sim/golden.txt";
	if (argc > 2 && strcmp(argv[2], "--update") == 0)
		return update();
	if (!read_golden()) {
		fprintf(stderr, "%s: missing or incomplete\n", golden_path);
		return 1;
	}
	for (unsigned int i = 0; i < N_RATES; i++) {
		snprintf(names[i], sizeof(names[i]), "goodput_%u_mbit", rates_mbit[i]);
		tests[i] = (struct CMUnitTest){
			.name = names[i],
			.test_func = test_rate,
			.initial_state = (void *)(uintptr_t)(i * N_RTTS * N_LOSSES),
		};
	}
	return cmocka_run_group_tests_name("golden", tests, NULL, NULL);
}
