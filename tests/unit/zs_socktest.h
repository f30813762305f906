/* SPDX-License-Identifier: BSD-3-Clause */
/* What all tests of sockets begin with: a socket of a stack, and its options that are an int. */
#ifndef ZS_SOCKTEST_H
#define ZS_SOCKTEST_H

#include <errno.h>
#include <netinet/in.h>

#include "../zs_test.h"
#include "sock/zs_sock.h"

static inline struct zs_sock *new_sock(struct zs_stack *s, int family, int type)
{
	struct zs_sock *sk = NULL;

	assert_int_equal(zs_sock_create(s, family, type, 0, &sk), 0);
	assert_non_null(sk);
	return sk;
}

static inline int get_int(struct zs_sock *sk, int level, int name)
{
	int v = -12345;
	socklen_t len = sizeof(v);

	assert_int_equal(zs_sock_getopt(sk, level, name, &v, &len), 0);
	assert_int_equal(len, sizeof(v));
	return v;
}

static inline int set_int(struct zs_sock *sk, int level, int name, int v)
{
	return zs_sock_setopt(sk, level, name, &v, sizeof(v));
}

#endif
