/* SPDX-License-Identifier: BSD-3-Clause */
/* A client and a server host on one link, for tests of sockets. Ends with zero live mbufs and no
 * violation. */
#ifndef ZS_SOCKWORLD_H
#define ZS_SOCKWORLD_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/tcp/zs_tcp.h"
#include "core/zs_udp.h"
#include "zs_sim.h"
#include "zs_socktest.h"

enum { PORT = 80 };

struct world {
	struct zs_sim *w;
	struct zs_simhost *c, *s; /* 10.0.0.1, 10.0.0.2 */
	struct zs_simlink *l;
};

static inline void dispatch_turn(struct zs_simhost *h, void *arg)
{
	(void)arg;
	zs_sock_dispatch(h->s);
}

static inline void world_open_seed(struct world *t, uint64_t seed,
				   void (*tweak)(struct zs_simhost_config *))
{
	struct zs_simwire_config wire = { .delay_ns = 50 * ZS_US, .rate_bps = 1000000000 };
	struct zs_simhost_config hc;

	t->w = zs_sim_create(seed);
	zs_simhost_config(&hc, zs_sim_ip(10, 0, 0, 1), 24, 1500, ZS_SIM_OFF_ALL);
	if (tweak != NULL)
		tweak(&hc);
	t->c = zs_simhost_create(t->w, &hc);
	zs_simhost_config(&hc, zs_sim_ip(10, 0, 0, 2), 24, 1500, ZS_SIM_OFF_ALL);
	if (tweak != NULL)
		tweak(&hc);
	t->s = zs_simhost_create(t->w, &hc);
	t->l = zs_simlink_between(t->c, t->s, &wire);
	t->c->app = dispatch_turn;
	t->s->app = dispatch_turn;
}

static inline void world_open(struct world *t, void (*tweak)(struct zs_simhost_config *))
{
	world_open_seed(t, 7, tweak);
}

static inline void world_close(struct world *t)
{
	assert_int_equal(zs_sim_violations(t->w), 0);
	assert_int_equal(zs_sim_destroy(t->w), 0);
}

static inline void run_ms(struct world *t, unsigned ms)
{
	zs_simhost_wake(t->c, 0);
	zs_simhost_wake(t->s, 0);
	zs_sim_run_for(t->w, ms * ZS_MS);
}

static inline struct sockaddr_in addr4(uint8_t last, uint16_t port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = last != 0 ? zs_sim_ip(10, 0, 0, last) : 0,
	};
}

static inline struct zs_sock *sock_of(struct zs_simhost *h, int type)
{
	return new_sock(h->s, AF_INET, type);
}

static inline struct zs_sock *listen_on(struct zs_simhost *h, uint16_t port)
{
	struct zs_sock *sk = sock_of(h, SOCK_STREAM);
	struct sockaddr_in sa = addr4(0, port);

	assert_int_equal(zs_sock_bind(sk, (struct sockaddr *)&sa, sizeof(sa)), 0);
	assert_int_equal(zs_sock_listen(sk, 16), 0);
	return sk;
}

static inline int connect_to(struct zs_sock *sk, uint8_t last, uint16_t port)
{
	struct sockaddr_in sa = addr4(last, port);

	return zs_sock_connect(sk, (struct sockaddr *)&sa, sizeof(sa));
}

/* A connection: *c on the client host, *s accepted by the server host. */
static inline void connect_pair(struct world *t, struct zs_sock *lst, struct zs_sock **c,
				struct zs_sock **s)
{
	*c = sock_of(t->c, SOCK_STREAM);
	assert_int_equal(connect_to(*c, 2, PORT), -EINPROGRESS);
	run_ms(t, 5);
	assert_int_equal(zs_sock_accept(lst, NULL, NULL, s), 0);
}

static inline ssize_t send_str(struct zs_sock *sk, const char *str, int flags)
{
	struct iovec iov = { (void *)(uintptr_t)str, strlen(str) };

	return zs_sock_send(sk, &iov, 1, flags, NULL, 0);
}

static inline ssize_t recv_n(struct zs_sock *sk, void *buf, size_t n, int flags)
{
	struct iovec iov = { buf, n };

	return zs_sock_recv(sk, &iov, 1, flags, NULL, NULL, NULL);
}

/* What is received now must be exactly this. */
static inline void expect_str(struct zs_sock *sk, const char *str)
{
	char buf[256];
	ssize_t n = recv_n(sk, buf, sizeof(buf), 0);

	assert_int_equal(n, strlen(str));
	assert_memory_equal(buf, str, strlen(str));
}

/* Closes with a reset: nothing of it remains. */
static inline void kill_sock(struct zs_sock *sk)
{
	struct linger l = { 1, 0 };

	assert_int_equal(zs_sock_setopt(sk, SOL_SOCKET, SO_LINGER, &l, sizeof(l)), 0);
	assert_int_equal(zs_sock_close(sk), 0);
}

#endif
