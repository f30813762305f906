/* SPDX-License-Identifier: BSD-3-Clause */
/* Options of SOL_SOCKET (socket(7)), of each kind of socket: values, lengths, errors, effects. */
#include "zs_sockworld.h"

#include <limits.h>
#include <sys/time.h>

/* A socket of each kind on one host, and a connection. */
struct kinds {
	struct world t;
	struct zs_sock *udp, *lst, *c, *s;
};

static void kinds_open(struct kinds *k)
{
	world_open(&k->t, NULL);
	k->udp = sock_of(k->t.c, SOCK_DGRAM);
	k->lst = listen_on(k->t.s, PORT);
	connect_pair(&k->t, k->lst, &k->c, &k->s);
}

static void kinds_close(struct kinds *k)
{
	zs_sock_close(k->udp);
	zs_sock_close(k->lst);
	zs_sock_close(k->c);
	zs_sock_close(k->s);
	world_close(&k->t);
}

static int set_so(struct zs_sock *sk, int name, int v)
{
	return set_int(sk, SOL_SOCKET, name, v);
}

static int get_so(struct zs_sock *sk, int name)
{
	return get_int(sk, SOL_SOCKET, name);
}

static void test_flags_by_kind(void **state)
{
	static const struct {
		int name;
		int udp, lst, tcp; /* what is read back after it was set to 3 */
	} v[] = {
		{ SO_REUSEADDR, 1, 1, 1 },
		{ SO_REUSEPORT, 1, 1, 1 },
		{ SO_OOBINLINE, 1, 1, 1 },
		/* accepted, and without a meaning there */
		{ SO_KEEPALIVE, 1, 1, 1 },
		{ SO_BROADCAST, 1, 1, 1 },
		{ SO_RXQ_OVFL, 1, 1, 1 },
	};
	struct kinds k;

	(void)state;
	kinds_open(&k);
	for (size_t i = 0; i < RTE_DIM(v); i++) {
		struct zs_sock *sk[] = { k.udp, k.lst, k.c };
		const int want[] = { v[i].udp, v[i].lst, v[i].tcp };

		for (size_t j = 0; j < RTE_DIM(sk); j++) {
			assert_int_equal(set_so(sk[j], v[i].name, 0), 0);
			assert_int_equal(get_so(sk[j], v[i].name), 0);
			assert_int_equal(set_so(sk[j], v[i].name, 3), 0);
			assert_int_equal(get_so(sk[j], v[i].name), want[j]);
		}
	}
	kinds_close(&k);
}

/* A stream does not know when a byte came, and does not promise to tell. */
static void test_times_are_of_datagrams(void **state)
{
	static const int names[] = { SO_TIMESTAMP, SO_TIMESTAMPNS };
	struct kinds k;

	(void)state;
	kinds_open(&k);
	for (size_t i = 0; i < RTE_DIM(names); i++) {
		assert_int_equal(set_so(k.udp, names[i], 3), 0);
		assert_int_equal(get_so(k.udp, names[i]), 1);
		assert_int_equal(set_so(k.c, names[i], 1), -ENOPROTOOPT);
		assert_int_equal(set_so(k.lst, names[i], 1), -ENOPROTOOPT);
		assert_int_equal(get_so(k.c, names[i]), 0);
	}
	assert_int_equal(get_so(k.udp, SO_TIMESTAMP), 0); /* the one turned the other off */
	kinds_close(&k);
}

static void test_what_cannot_be_set(void **state)
{
	static const int names[] = { SO_TYPE,	    SO_ERROR,	 SO_DOMAIN, SO_PROTOCOL,
				     SO_ACCEPTCONN, SO_SNDLOWAT, 9999 };
	socklen_t len = sizeof(int);
	struct kinds k;
	int v;

	(void)state;
	kinds_open(&k);
	for (size_t i = 0; i < RTE_DIM(names); i++) {
		assert_int_equal(set_so(k.udp, names[i], 1), -ENOPROTOOPT);
		assert_int_equal(set_so(k.c, names[i], 1), -ENOPROTOOPT);
	}
	assert_int_equal(zs_sock_getopt(k.c, SOL_SOCKET, 9999, &v, &len), -ENOPROTOOPT);
	assert_int_equal(zs_sock_getopt(k.c, 9999, SO_TYPE, &v, &len), -ENOPROTOOPT);
	assert_int_equal(zs_sock_setopt(k.c, 9999, SO_REUSEADDR, &v, sizeof(v)), -ENOPROTOOPT);
	assert_int_equal(get_so(k.c, SO_SNDLOWAT), 1);
	len = (socklen_t)INT_MAX + 1;
	assert_int_equal(zs_sock_getopt(k.c, SOL_SOCKET, SO_TYPE, &v, &len), -EINVAL);
	assert_int_equal(zs_sock_getopt(k.c, SOL_SOCKET, SO_TYPE, NULL, &len), -EFAULT);
	/* marks and rates are of streams */
	assert_int_equal(set_so(k.udp, SO_MARK, 1), -ENOPROTOOPT);
	assert_int_equal(get_so(k.udp, SO_MARK), 0);
	assert_int_equal(set_so(k.udp, SO_MAX_PACING_RATE, 1), -ENOPROTOOPT);
	len = sizeof(v);
	assert_int_equal(zs_sock_getopt(k.udp, SOL_SOCKET, SO_MAX_PACING_RATE, &v, &len),
			 -ENOPROTOOPT);
	/* no times of devices */
	assert_int_equal(set_so(k.udp, SO_TIMESTAMPING, 1 << 15), -EOPNOTSUPP);
	/* nothing is sent by a listener */
	assert_int_equal(set_so(k.lst, SO_TIMESTAMPING, 0), -EINVAL);
	assert_int_equal(get_so(k.lst, SO_TIMESTAMPING), 0);
	kinds_close(&k);
}

static void test_buffer_sizes(void **state)
{
	const int def_snd = 0, def_rcv = 1;
	struct zs_sock *sk[3];
	int of_config[2];
	struct kinds k;

	(void)state;
	kinds_open(&k);
	sk[0] = k.udp;
	sk[1] = k.lst;
	sk[2] = k.c;
	of_config[def_snd] = (int)zs_stack_config(k.t.c->s)->sndbuf;
	of_config[def_rcv] = (int)zs_stack_config(k.t.c->s)->rcvbuf;
	assert_int_equal(get_so(k.udp, SO_SNDBUF), of_config[def_snd]);
	assert_int_equal(get_so(k.lst, SO_SNDBUF), of_config[def_snd]);
	assert_int_equal(get_so(k.lst, SO_RCVBUF), of_config[def_rcv]);
	assert_true(get_so(k.c, SO_SNDBUF) > 0); /* what it is now: it grows by itself */
	assert_true(get_so(k.c, SO_RCVBUF) > 0);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(set_so(sk[i], SO_RCVBUF, 30000), 0);
		assert_int_equal(get_so(sk[i], SO_RCVBUF), 60000);
		assert_int_equal(set_so(sk[i], SO_RCVBUF, 0), 0);
		assert_int_equal(get_so(sk[i], SO_RCVBUF), 2304);
		assert_int_equal(set_so(sk[i], SO_RCVBUF, -1), 0);
		assert_int_equal(get_so(sk[i], SO_RCVBUF), zs_stack_config(k.t.c->s)->rcvbuf_max);
		assert_int_equal(set_so(sk[i], SO_SNDBUF, INT_MAX), 0);
		assert_int_equal(get_so(sk[i], SO_SNDBUF),
				 i == 0 ? zs_stack_config(k.t.c->s)->sndbuf
					: zs_stack_config(k.t.c->s)->sndbuf_max);
	}
	kinds_close(&k);
}

/* Of datagrams: what is over it is lost. */
static void test_rcvbuf_of_datagrams(void **state)
{
	struct sockaddr_in to = addr4(2, 81);
	static char block[1000];
	struct iovec iov = { block, sizeof(block) };
	unsigned had[2] = { 0 };
	union {
		struct cmsghdr first;
		char bytes[CMSG_SPACE(sizeof(uint32_t))];
	} room;
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = &room,
			      .msg_controllen = sizeof(room) };
	uint32_t lost;
	struct zs_sock *in;
	struct kinds k;

	(void)state;
	kinds_open(&k);
	in = sock_of(k.t.s, SOCK_DGRAM);
	assert_int_equal(zs_sock_bind(in, (struct sockaddr *)&to, sizeof(to)), 0);
	for (int round = 0; round < 2; round++) {
		assert_int_equal(set_so(in, SO_RCVBUF, round == 0 ? 100000 : 4000), 0);
		for (int i = 0; i < 20; i++)
			assert_int_equal(
				zs_sock_send(k.udp, &iov, 1, 0, (struct sockaddr *)&to, sizeof(to)),
				1000);
		run_ms(&k.t, 10);
		while (recv_n(in, block, sizeof(block), 0) == 1000)
			had[round]++;
	}
	assert_int_equal(had[0], 20);
	assert_in_range(had[1], 1, 8); /* 8000 bytes, the room of the buffers counted */
	assert_int_equal(set_so(in, SO_RXQ_OVFL, 1), 0);
	assert_int_equal(zs_sock_send(k.udp, &iov, 1, 0, (struct sockaddr *)&to, sizeof(to)), 1000);
	run_ms(&k.t, 10);
	assert_int_equal(zs_sock_recvmsg(in, &msg, 0), 1000);
	assert_int_equal(room.first.cmsg_level, SOL_SOCKET);
	assert_int_equal(room.first.cmsg_type, SO_RXQ_OVFL);
	memcpy(&lost, CMSG_DATA(&room.first), sizeof(lost));
	assert_int_equal(lost, 20 - had[1]);
	zs_sock_close(in);
	kinds_close(&k);
}

/* What it does to events: test_zs_event.c. */
static void test_low_water(void **state)
{
	struct kinds k;

	(void)state;
	kinds_open(&k);
	assert_int_equal(get_so(k.udp, SO_RCVLOWAT), 1);
	assert_int_equal(set_so(k.udp, SO_RCVLOWAT, -1), 0);
	assert_int_equal(get_so(k.udp, SO_RCVLOWAT), INT_MAX);
	assert_int_equal(set_so(k.udp, SO_RCVLOWAT, 0), 0);
	assert_int_equal(get_so(k.udp, SO_RCVLOWAT), 1);
	kinds_close(&k);
}

static struct timeval timeo(struct zs_sock *sk, int name, long sec, long usec, int rc)
{
	struct timeval tv = { sec, usec }, got = { -1, -1 };
	socklen_t len = sizeof(got);

	assert_int_equal(zs_sock_setopt(sk, SOL_SOCKET, name, &tv, sizeof(tv)), rc);
	assert_int_equal(zs_sock_getopt(sk, SOL_SOCKET, name, &got, &len), 0);
	assert_int_equal(len, sizeof(got));
	return got;
}

static void test_timeouts(void **state)
{
	static const int names[] = { SO_RCVTIMEO, SO_SNDTIMEO };
	struct timeval tv = { 5, 0 };
	struct kinds k;

	(void)state;
	kinds_open(&k);
	for (size_t i = 0; i < RTE_DIM(names); i++) {
		assert_int_equal(timeo(k.c, names[i], 70, 250000, 0).tv_sec, 70);
		assert_int_equal(timeo(k.c, names[i], 70, 250000, 0).tv_usec, 250000);
		/* refused: nothing changes */
		assert_int_equal(timeo(k.c, names[i], 1, -1, -EDOM).tv_sec, 70);
		assert_int_equal(timeo(k.c, names[i], 1, 1000000, -EDOM).tv_sec, 70);
		assert_int_equal(zs_sock_setopt(k.c, SOL_SOCKET, names[i], &tv, sizeof(tv) - 1),
				 -EINVAL);
		/* for ever; and as soon as can be */
		assert_int_equal(timeo(k.c, names[i], LONG_MAX, 0, 0).tv_sec, 0);
		assert_int_equal(timeo(k.c, names[i], -1, 0, 0).tv_usec, 1000);
		assert_int_equal(timeo(k.c, names[i], 0, 0, 0).tv_usec, 0);
	}
	kinds_close(&k);
}

static void test_linger(void **state)
{
	struct linger l = { 5, -1 }, got = { 0, 0 };
	socklen_t len = sizeof(got);
	struct kinds k;

	(void)state;
	kinds_open(&k);
	assert_int_equal(zs_sock_setopt(k.udp, SOL_SOCKET, SO_LINGER, &l, sizeof(l)), 0);
	assert_int_equal(zs_sock_getopt(k.udp, SOL_SOCKET, SO_LINGER, &got, &len), 0);
	assert_int_equal(got.l_onoff, 1);
	assert_int_equal(got.l_linger, INT_MAX);
	l = (struct linger){ 0, 7 };
	assert_int_equal(zs_sock_setopt(k.udp, SOL_SOCKET, SO_LINGER, &l, sizeof(l)), 0);
	len = sizeof(got.l_onoff); /* as much as there is room for */
	assert_int_equal(zs_sock_getopt(k.udp, SOL_SOCKET, SO_LINGER, &got, &len), 0);
	assert_int_equal(len, sizeof(got.l_onoff));
	assert_int_equal(got.l_onoff, 0);
	assert_int_equal(zs_sock_setopt(k.udp, SOL_SOCKET, SO_LINGER, &l, sizeof(l) - 1), -EINVAL);
	kinds_close(&k);
}

static void set_rate(struct zs_sock *sk, uint64_t v, socklen_t len, int rc)
{
	assert_int_equal(zs_sock_setopt(sk, SOL_SOCKET, SO_MAX_PACING_RATE, &v, len), rc);
}

static uint64_t get_rate(struct zs_sock *sk, socklen_t room)
{
	uint64_t v = 0;
	socklen_t len = room;

	assert_int_equal(zs_sock_getopt(sk, SOL_SOCKET, SO_MAX_PACING_RATE, &v, &len), 0);
	assert_int_equal(len, room < sizeof(v) ? 4 : 8);
	return v;
}

static void test_pacing_rate(void **state)
{
	static char block[100000];
	struct iovec iov = { block, sizeof(block) };
	struct kinds k;
	ssize_t n;

	(void)state;
	kinds_open(&k);
	assert_int_equal(get_rate(k.c, 4), UINT32_MAX); /* no limit */
	assert_int_equal(get_rate(k.c, 8), UINT64_MAX);
	set_rate(k.lst, 1000000, 4, 0);
	assert_int_equal(get_rate(k.lst, 7), 1000000);
	set_rate(k.c, 500000, 8, 0);
	assert_int_equal(get_rate(k.c, 8), 500000);
	set_rate(k.c, 500000, 3, -EINVAL);
	assert_int_equal(zs_sock_send(k.c, &iov, 1, 0, NULL, 0), sizeof(block));
	run_ms(&k.t, 100);
	n = recv_n(k.s, block, sizeof(block), 0);
	assert_in_range(n, 40000, 60000);
	set_rate(k.c, UINT64_MAX, 8, 0);
	run_ms(&k.t, 20);
	assert_int_equal(n + recv_n(k.s, block, sizeof(block), 0), sizeof(block));
	set_rate(k.c, (uint64_t)1 << 40, 8, 0); /* more than is counted: none */
	assert_int_equal(get_rate(k.c, 8), UINT64_MAX);
	kinds_close(&k);
}

static void test_meminfo(void **state)
{
	struct sockaddr_in any = addr4(0, 82);
	uint32_t v[9];
	socklen_t len = sizeof(v);
	struct kinds k;

	(void)state;
	kinds_open(&k);
	assert_int_equal(zs_sock_bind(k.udp, (struct sockaddr *)&any, sizeof(any)), 0);
	assert_int_equal(send_str(k.c, "hello", 0), 5);
	assert_int_equal(zs_sock_getopt(k.c, SOL_SOCKET, SO_MEMINFO, v, &len), 0);
	assert_int_equal(v[5], 5); /* queued for sending */
	run_ms(&k.t, 5);
	assert_int_equal(zs_sock_getopt(k.s, SOL_SOCKET, SO_MEMINFO, v, &len), 0);
	assert_true(v[0] >= 5); /* waits to be read */
	assert_int_equal(v[1], get_so(k.s, SO_RCVBUF));
	for (int i = 0; i < 2; i++) {
		struct zs_sock *sk = i == 0 ? k.udp : k.lst;

		assert_int_equal(zs_sock_getopt(sk, SOL_SOCKET, SO_MEMINFO, v, &len), 0);
		assert_int_equal(v[1], get_so(sk, SO_RCVBUF));
		assert_int_equal(v[3], get_so(sk, SO_SNDBUF));
		assert_int_equal(v[0] + v[2] + v[5], 0);
	}
	len = 8;
	assert_int_equal(zs_sock_getopt(k.c, SOL_SOCKET, SO_MEMINFO, v, &len), 0);
	assert_int_equal(len, 8);
	kinds_close(&k);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_flags_by_kind), cmocka_unit_test(test_what_cannot_be_set),
	cmocka_unit_test(test_buffer_sizes),  cmocka_unit_test(test_rcvbuf_of_datagrams),
	cmocka_unit_test(test_low_water),     cmocka_unit_test(test_timeouts),
	cmocka_unit_test(test_linger),	      cmocka_unit_test(test_pacing_rate),
	cmocka_unit_test(test_meminfo),	      cmocka_unit_test(test_times_are_of_datagrams),
};

ZS_TEST_MAIN(tests)
