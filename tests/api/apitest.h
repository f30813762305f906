/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The facade over the simulator: two hosts, each with a context, one wire, virtual time. Calls act
 * on the context that was entered last; its turns run the world, the other host's stack included. A
 * wait that could never end sets the context's stop flag instead of hanging.
 */
#ifndef APITEST_H
#define APITEST_H

#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

#include "ff_api.h"
#include "ff_epoll.h"

#include "api/zs_ctx.h"
#include "tests/zs_test.h"
#include "zs_sim.h"
#include "zstack.h"

enum { PORT = 80 };

struct api_host {
	struct zs_simhost *h;
	struct zs_ctx *ctx;
	bool was_busy;
	uint64_t rx_before;
	void (*at_turn)(void *arg); /* called in each turn of this host's loop */
	void *at_turn_arg;
};

struct api_world {
	struct zs_sim *w;
	struct zs_simlink *link;
	struct api_host host[2]; /* a = 10.0.0.1, b = 10.0.0.2 */
	int base[2];		 /* first descriptor */
};

/* Setup and teardown of a cmocka test; teardown checks for leaks and violations. *state: struct
 * api_world *. */
int api_setup(void **state);
int api_teardown(void **state);

/* Makes host i the one whose turn it is to call; returns its context. */
struct zs_ctx *api_on(struct api_world *t, int i);

/* Lets the host that is entered have its turns for a millisecond. */
static inline void api_settle(void)
{
	(void)ff_poll(NULL, 0, 1);
}

/* Runs the world for so long, whoever is entered. */
void api_run_ms(struct api_world *t, unsigned ms);
uint64_t api_now_us(const struct api_world *t);

struct sockaddr_in api_addr(int host, uint16_t port);

/* On the host that is entered: a listening socket on port; options: SOCK_NONBLOCK. */
int api_listen(uint16_t port, int type_flags);
/* Connects a (0) to b (1), whose listener is lfd; both blocking. *c on a, *s on b. Leaves a
 * entered. */
void api_pair(struct api_world *t, int lfd, int *c, int *s);

/* All of a stream: n bytes of the pattern are written, read and compared. */
void api_write_all(int fd, size_t n, unsigned seed);
void api_expect(int fd, size_t n, unsigned seed);

/* A buffer of n bytes of the pattern from off on; and what a buffer must hold. */
z_buf *api_filled(size_t off, size_t n);
void api_expect_bytes(const z_buf *b, size_t off, size_t n);

#define assert_errno(call, err)                                                                    \
	do {                                                                                       \
		errno = 0;                                                                         \
		assert_int_equal((call), -1);                                                      \
		assert_int_equal(errno, (err));                                                    \
	} while (0)

static inline struct linux_sockaddr *sa(struct sockaddr_in *sin)
{
	return (struct linux_sockaddr *)(void *)sin;
}

#endif
