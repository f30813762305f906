/* SPDX-License-Identifier: BSD-3-Clause */
#include "apitest.h"

#include <rte_mbuf.h>
#include <stdlib.h>

#include "zs_simpattern.h"

enum { MAX_FDS = 256 };

/* ---- the drive: turns of the simulated world ---- */

static bool had_turn(void *arg)
{
	struct api_host *ah = arg;

	return ah->h->turns != ah->rx_before;
}

static uint64_t rx_of(const struct api_host *ah)
{
	const struct zs_stats *st = zs_stack_stats(ah->h->s);

	return st->rx_packets + st->tx_packets;
}

/* One turn of this host: the world goes on until it had one. */
static uint64_t drive_turn(void *arg)
{
	struct api_host *ah = arg;
	struct zs_sim *w = ah->h->w;
	uint64_t rx = rx_of(ah);

	if (ah->at_turn != NULL)
		ah->at_turn(ah->at_turn_arg);
	ah->rx_before = ah->h->turns;
	zs_simhost_wake(ah->h, zs_sim_now(w));
	zs_sim_run_until(w, zs_sim_now(w) + 100 * ZS_US, had_turn, ah);
	ah->was_busy = rx_of(ah) != rx;
	return ah->was_busy ? 0 : UINT64_MAX;
}

static void drive_flush(void *arg)
{
	struct api_host *ah = arg;

	zs_stack_flush(ah->h->s);
}

static bool got_packet(void *arg)
{
	struct api_host *ah = arg;

	return rx_of(ah) != ah->rx_before;
}

/* Lets time pass until a packet comes, or until_us. Nothing can come any more: the test would hang.
 */
static void drive_idle(void *arg, uint64_t until_us)
{
	struct api_host *ah = arg;
	struct zs_sim *w = ah->h->w;
	uint64_t limit = zs_sim_now(w) + 100 * ZS_SEC;

	if (ah->was_busy)
		return;
	ah->rx_before = rx_of(ah);
	if (until_us != UINT64_MAX) {
		limit = until_us * ZS_US;
		zs_simhost_wake(ah->h, limit);
	}
	if (!zs_sim_run_until(w, limit, got_packet, ah) && until_us == UINT64_MAX)
		ah->ctx->calls |= ZS_CALL_STOP;
}

static uint64_t drive_clock(void *arg)
{
	return zs_sim_now(((struct api_host *)arg)->h->w) / ZS_US;
}

static void drive_busy(void *arg)
{
	((struct api_host *)arg)->was_busy = true;
}

static bool drive_stopping(void *arg)
{
	(void)arg;
	return false;
}

/* ---- the world ---- */

int api_setup(void **state)
{
	struct api_world *t = calloc(1, sizeof(*t));
	struct zs_simwire_config wire = { .delay_ns = 20 * ZS_US, .rate_bps = 1000000000 };

	t->w = zs_sim_create(1);
	for (int i = 0; i < 2; i++) {
		struct api_host *ah = &t->host[i];
		struct zs_simhost_config c;
		struct zs_drive drive = {
			.turn = drive_turn,
			.flush = drive_flush,
			.idle = drive_idle,
			.clock_us = drive_clock,
			.busy = drive_busy,
			.stopping = drive_stopping,
			.arg = ah,
		};

		zs_simhost_config(&c, zs_sim_ip(10, 0, 0, (uint8_t)(i + 1)), 24, 1500,
				  ZS_SIM_OFF_ALL);
		c.stack.sndbuf = c.stack.sndbuf_max = 64 << 10;
		c.stack.rcvbuf = c.stack.rcvbuf_max = 64 << 10;
		c.stack.msl_us = 1000;
		ah->h = zs_simhost_create(t->w, &c);
		t->base[i] = 1024 + 1000 * i;
		assert_int_equal(zs_ctx_create(&ah->ctx, ah->h->s, &drive, t->base[i], MAX_FDS), 0);
	}
	t->link = zs_simlink_between(t->host[0].h, t->host[1].h, &wire);
	api_on(t, 0);
	*state = t;
	return 0;
}

int api_teardown(void **state)
{
	struct api_world *t = *state;
	uint32_t violations, leaked;

	for (int i = 0; i < 2; i++) {
		api_on(t, i);
		zs_ctx_destroy(t->host[i].ctx);
	}
	assert_null(zs_ctx_self);
	zs_sim_run_for(t->w, 10 * ZS_SEC);
	violations = zs_sim_violations(t->w);
	leaked = zs_sim_destroy(t->w);
	free(t);
	return violations == 0 && leaked == 0 ? 0 : -1;
}

struct zs_ctx *api_on(struct api_world *t, int i)
{
	(void)zs_ctx_enter(t->host[i].ctx);
	return t->host[i].ctx;
}

void api_run_ms(struct api_world *t, unsigned ms)
{
	zs_sim_run_for(t->w, ms * ZS_MS);
}

uint64_t api_now_us(const struct api_world *t)
{
	return zs_sim_now(t->w) / ZS_US;
}

struct sockaddr_in api_addr(int host, uint16_t port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = zs_sim_ip(10, 0, 0, (uint8_t)(host + 1)),
	};
}

int api_listen(uint16_t port, int type_flags)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = ff_socket(AF_INET, SOCK_STREAM | type_flags, 0);

	assert_true(fd >= 0);
	assert_int_equal(ff_bind(fd, sa(&sin), sizeof(sin)), 0);
	assert_int_equal(ff_listen(fd, 64), 0);
	return fd;
}

void api_pair(struct api_world *t, int lfd, int *c, int *s)
{
	struct sockaddr_in sin = api_addr(1, PORT);

	api_on(t, 0);
	*c = ff_socket(AF_INET, SOCK_STREAM, 0);
	assert_true(*c >= 0);
	assert_int_equal(ff_connect(*c, sa(&sin), sizeof(sin)), 0);
	api_on(t, 1);
	*s = ff_accept(lfd, NULL, NULL);
	assert_true(*s >= 0);
	api_on(t, 0);
}

static char pattern(size_t i, unsigned seed)
{
	return (char)((i * 2654435761u + seed) >> 7);
}

void api_write_all(int fd, size_t n, unsigned seed)
{
	char *buf = malloc(n);

	for (size_t i = 0; i < n; i++)
		buf[i] = pattern(i, seed);
	assert_int_equal(ff_write(fd, buf, n), n);
	free(buf);
}

void api_expect(int fd, size_t n, unsigned seed)
{
	char *buf = malloc(n);

	assert_int_equal(ff_recv(fd, buf, n, MSG_WAITALL), n);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(buf[i], pattern(i, seed));
	free(buf);
}

z_buf *api_filled(size_t off, size_t n)
{
	z_buf *b = z_alloc(-1, n, 0);
	void *p = b != NULL ? z_buf_append(b, n) : NULL;

	assert_non_null(p);
	zs_sim_fill(1, off, p, n);
	return b;
}

void api_expect_bytes(const z_buf *b, size_t off, size_t n)
{
	assert_int_equal(z_buf_len(b), n);
	assert_int_equal(((const struct rte_mbuf *)b)->pkt_len, n);
	assert_int_equal(zs_sim_match_chain(1, off, (const struct rte_mbuf *)b), n);
}
