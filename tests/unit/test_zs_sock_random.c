/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sockets under any sequence of calls: two hosts, a bad wire, pools that run dry, and calls chosen
 * by a seed. What arrives must be what was sent, in order; nothing may leak, whatever happened.
 */
#include "zs_sockworld.h"

#include "zs_simpattern.h"

enum { N_SOCKS = 12, STEPS = 1500, SEEDS = 12 };

struct end {
	struct zs_sock *sk;
	uint64_t tx_key, rx_key, tx_off, rx_off;
	bool keyed; /* ports are known: the stream can be checked */
	struct zs_watch w;
	bool watched;
};

struct host {
	struct zs_simhost *h;
	struct zs_sock *lst;
	struct zs_waitq q;
	struct end end[N_SOCKS];
	uint8_t ip;
};

struct run {
	struct world t;
	struct zs_simrand *rand;
	struct host host[2];
	uint64_t bytes_in, accepted;
};

static uint32_t pick(struct run *r, uint32_t n)
{
	return (uint32_t)(zs_simrand_u64(r->rand) % n);
}

/* Both ends derive the keys of their streams from the port of the one that connects. */
static void learn_keys(struct end *e, uint8_t self_ip)
{
	struct sockaddr_in name, peer;
	socklen_t len = sizeof(name);
	uint64_t id;

	if (e->keyed || e->sk->kind != ZS_SK_TCP ||
	    zs_sock_peer(e->sk, (struct sockaddr *)&peer, &len) < 0)
		return;
	zs_sock_name(e->sk, (struct sockaddr *)&name, &len);
	if (ntohs(peer.sin_port) == PORT)
		id = (uint64_t)self_ip << 16 | ntohs(name.sin_port);
	else
		id = (uint64_t)(self_ip ^ 3) << 16 | ntohs(peer.sin_port);
	e->tx_key = id << 1 | (ntohs(peer.sin_port) == PORT);
	e->rx_key = e->tx_key ^ 1;
	e->keyed = true;
}

static void drop_watch(struct end *e)
{
	if (e->watched)
		zs_watch_del(&e->w);
	e->watched = false;
}

static void end_close(struct run *r, struct end *e)
{
	if (pick(r, 4) == 0 && e->sk->kind == ZS_SK_TCP)
		kill_sock(e->sk);
	else
		zs_sock_close(e->sk);
	drop_watch(e);
	*e = (struct end){ 0 };
}

static void check_in(struct run *r, struct end *e, const void *p, size_t n)
{
	assert_true(e->keyed);
	assert_int_equal(zs_sim_match(e->rx_key, e->rx_off, p, n), n);
	e->rx_off += n;
	r->bytes_in += n;
}

static void do_recv(struct run *r, struct end *e)
{
	static char buf[20000];
	ssize_t n = recv_n(e->sk, buf, pick(r, sizeof(buf)) + 1, 0);

	if (n > 0)
		check_in(r, e, buf, (size_t)n);
}

static void do_take(struct run *r, struct end *e)
{
	struct rte_mbuf *m;
	ssize_t n = zs_sock_take(e->sk, &m, pick(r, 20000) + 1, NULL, NULL);

	assert_true((m != NULL) == (n > 0));
	if (n <= 0)
		return;
	for (const struct rte_mbuf *p = m; p != NULL; p = p->next)
		check_in(r, e, rte_pktmbuf_mtod(p, void *), p->data_len);
	rte_pktmbuf_free(m);
}

static void do_peek(struct run *r, struct end *e)
{
	struct zs_view v[4];
	int n = zs_sock_peek(e->sk, v, 4, 0);

	for (int i = 0; i < n; i++) {
		check_in(r, e, v[i].ptr, v[i].len);
		assert_int_equal(zs_sock_consume(e->sk, v[i].len), v[i].len);
		/* what follows is still where it was */
	}
}

static void do_send(struct run *r, struct end *e)
{
	static char buf[20000];
	size_t want = pick(r, sizeof(buf)) + 1;
	struct iovec iov[2] = { { buf, want / 3 }, { buf + want / 3, want - want / 3 } };
	ssize_t n;

	zs_sim_fill(e->tx_key, e->tx_off, buf, want);
	n = zs_sock_send(e->sk, iov, 2, pick(r, 3) == 0 ? MSG_MORE : 0, NULL, 0);
	if (n > 0)
		e->tx_off += (uint64_t)n;
}

static void do_give(struct run *r, struct host *h, struct end *e)
{
	struct rte_mbuf *head = NULL, *last = NULL;
	uint64_t off = e->tx_off;

	for (uint32_t i = pick(r, 6) + 1; i > 0; i--) {
		struct rte_mbuf *m = rte_pktmbuf_alloc(h->h->pools.pkt);
		uint16_t n = (uint16_t)(pick(r, 2000) + 1);

		if (m == NULL)
			break;
		zs_sim_append(e->tx_key, off, m, n);
		off += n;
		if (head == NULL) {
			head = m;
		} else {
			last->next = m;
			head->nb_segs++;
			head->pkt_len += n;
		}
		last = m;
	}
	if (head == NULL)
		return;
	if (zs_sock_give(e->sk, head, pick(r, 3) == 0 ? MSG_MORE : 0, NULL, 0) < 0)
		rte_pktmbuf_free(head);
	else
		e->tx_off = off;
}

static void do_option(struct run *r, struct end *e)
{
	static const int opts[][3] = {
		{ IPPROTO_TCP, 1, 2 },
		{ IPPROTO_TCP, 3, 2 },
		{ SOL_SOCKET, SO_SNDBUF, 200000 },
		{ SOL_SOCKET, SO_RCVBUF, 200000 },
		{ SOL_SOCKET, SO_RCVLOWAT, 3000 },
		{ IPPROTO_TCP, 2, 9000 },
		{ IPPROTO_TCP, 12, 2 },
		{ SOL_SOCKET, SO_KEEPALIVE, 2 },
	};
	uint32_t i = pick(r, sizeof(opts) / sizeof(opts[0]));

	(void)set_int(e->sk, opts[i][0], opts[i][1], (int)pick(r, (uint32_t)opts[i][2]));
}

static void begin(struct run *r, struct host *h, struct end *e)
{
	if (h->lst != NULL && pick(r, 2) == 0) {
		if (zs_sock_accept(h->lst, NULL, NULL, &e->sk) < 0)
			return;
		r->accepted++;
	} else {
		if (zs_sock_create(h->h->s, AF_INET, SOCK_STREAM, 0, &e->sk) < 0)
			return;
		(void)connect_to(e->sk, h->ip ^ 3, PORT);
	}
	if (pick(r, 2) == 0) {
		e->watched = true;
		zs_watch_add(e->sk, &e->w, &h->q, pick(r, 32));
	}
}

static void act(struct run *r, struct host *h, struct end *e)
{
	learn_keys(e, h->ip);
	(void)zs_sock_readiness(e->sk);
	switch (pick(r, e->keyed ? 12 : 3)) {
	case 0:
		if (pick(r, 8) == 0)
			end_close(r, e);
		break;
	case 1:
		do_option(r, e);
		break;
	case 2:
		if (pick(r, 10) == 0)
			(void)zs_sock_shutdown(e->sk, (int)pick(r, 3));
		break;
	case 3:
	case 4:
		do_recv(r, e);
		break;
	case 5:
	case 6:
		do_take(r, e);
		break;
	case 7:
		do_peek(r, e);
		break;
	case 8:
	case 9:
		do_send(r, e);
		break;
	default:
		do_give(r, h, e);
		break;
	}
}

static void drain_watches(struct host *h)
{
	while (!zs_list_empty(&h->q.ready)) {
		struct zs_watch *w = container_of(h->q.ready.next, struct zs_watch, ready_link);

		zs_watch_deactivate(w);
		w->edges = 0;
	}
	assert_int_equal(h->q.n_ready, 0);
}

static void squeeze_pools(struct run *r, struct host *h)
{
	uint32_t spare = pick(r, 3) == 0 ? pick(r, 40) : 5000;

	zs_simpool_limit(h->h->pools.pkt, zs_simpool_live(h->h->pools.pkt) + spare);
	zs_simpool_limit(h->h->pools.hdr,
			 zs_simpool_live(h->h->pools.hdr) + (pick(r, 3) == 0 ? pick(r, 10) : 5000));
}

static void step(struct run *r)
{
	struct host *h = &r->host[pick(r, 2)];
	struct end *e = &h->end[pick(r, N_SOCKS)];

	if (e->sk == NULL)
		begin(r, h, e);
	else
		act(r, h, e);
	if (pick(r, 50) == 0)
		squeeze_pools(r, h);
	if (pick(r, 300) == 0) {
		/* its sockets in the accept queue are reset */
		if (h->lst != NULL)
			zs_sock_close(h->lst);
		h->lst = listen_on(h->h, PORT);
	}
	if (pick(r, 3) == 0) {
		zs_simhost_wake(r->host[0].h, 0);
		zs_simhost_wake(r->host[1].h, 0);
		zs_sim_run_for(r->t.w, pick(r, 20) == 0 ? 300 * ZS_MS : pick(r, 2000) * ZS_US);
		drain_watches(h);
	}
}

static void patient(struct zs_simhost_config *hc)
{
	hc->stack.max_conns = 30;
	hc->stack.max_half_open = 8;
	hc->stack.max_time_wait = 16;
	hc->dev.hold_ns = 20 * ZS_US;
	hc->dev.refuse_ppm = 20000;
}

static uint64_t run_seed(uint64_t seed)
{
	struct run r = { 0 };
	struct zs_simwire_config bad = { .delay_ns = 50 * ZS_US,
					 .rate_bps = 1000000000,
					 .loss_ppm = 10000,
					 .dup_ppm = 5000,
					 .reorder_ppm = 10000,
					 .reorder_ns = 300 * ZS_US };

	world_open_seed(&r.t, seed, patient);
	r.rand = zs_sim_rand(r.t.w);
	r.t.l->wire[0].cfg = r.t.l->wire[1].cfg = bad;
	for (int i = 0; i < 2; i++) {
		r.host[i] = (struct host){ .h = i == 0 ? r.t.c : r.t.s, .ip = (uint8_t)(i + 1) };
		zs_waitq_init(&r.host[i].q);
		r.host[i].lst = listen_on(r.host[i].h, PORT);
	}
	for (int i = 0; i < STEPS; i++)
		step(&r);
	for (int i = 0; i < 2; i++) {
		zs_simpool_limit(r.host[i].h->pools.pkt, UINT32_MAX);
		zs_simpool_limit(r.host[i].h->pools.hdr, UINT32_MAX);
		for (int k = 0; k < N_SOCKS; k++)
			if (r.host[i].end[k].sk != NULL)
				end_close(&r, &r.host[i].end[k]);
		zs_sock_close(r.host[i].lst);
		assert_true(zs_list_empty(&r.host[i].q.ready));
	}
	/* every connection ends by itself, and gives everything back before the stack does */
	run_ms(&r.t, 3000000);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(zs_stack_counts(r.host[i].h->s).tcbs, 0);
		assert_int_equal(zs_simhost_live(r.host[i].h), 0);
	}
	assert_true(r.accepted > 0);
	world_close(&r.t);
	return r.bytes_in;
}

static void test_seeds(void **state)
{
	uint64_t bytes = 0;

	(void)state;
	for (uint64_t seed = 0; seed < SEEDS; seed++)
		bytes += run_seed(seed);
	assert_true(bytes > 1000000);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_seeds),
};

ZS_TEST_MAIN(tests)
