/* SPDX-License-Identifier: BSD-3-Clause */
/* Socket options: Linux' numbers, ranges, lengths and structs; inheritance; TCP_INFO tells the
 * truth. */
#include "zs_sockworld.h"

#include <linux/inet_diag.h>
#include <linux/tcp.h>
#include <sys/time.h>

struct pair {
	struct world t;
	struct zs_sock *lst, *c, *s;
};

static void pair_open(struct pair *x)
{
	world_open(&x->t, NULL);
	x->lst = listen_on(x->t.s, PORT);
	connect_pair(&x->t, x->lst, &x->c, &x->s);
}

static void pair_close(struct pair *x)
{
	zs_sock_close(x->c);
	zs_sock_close(x->s);
	zs_sock_close(x->lst);
	world_close(&x->t);
}

static void test_what_a_socket_is(void **state)
{
	struct pair x;
	struct zs_sock *u;

	(void)state;
	pair_open(&x);
	u = sock_of(x.t.c, SOCK_DGRAM);
	assert_int_equal(get_int(x.c, SOL_SOCKET, SO_TYPE), SOCK_STREAM);
	assert_int_equal(get_int(u, SOL_SOCKET, SO_TYPE), SOCK_DGRAM);
	assert_int_equal(get_int(x.c, SOL_SOCKET, SO_DOMAIN), AF_INET);
	assert_int_equal(get_int(x.c, SOL_SOCKET, SO_PROTOCOL), IPPROTO_TCP);
	assert_int_equal(get_int(u, SOL_SOCKET, SO_PROTOCOL), IPPROTO_UDP);
	assert_int_equal(get_int(x.lst, SOL_SOCKET, SO_ACCEPTCONN), 1);
	assert_int_equal(get_int(x.c, SOL_SOCKET, SO_ACCEPTCONN), 0);
	assert_int_equal(get_int(x.c, SOL_SOCKET, SO_ERROR), 0);
	zs_sock_close(u);
	pair_close(&x);
}

static void test_booleans_and_numbers_keep(void **state)
{
	static const struct {
		int level, name, set, get;
	} v[] = {
		{ SOL_SOCKET, SO_REUSEADDR, 1, 1 },
		{ IPPROTO_TCP, TCP_FASTOPEN, 5, 5 },
		{ IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 1, 1 },
		{ IPPROTO_TCP, TCP_FASTOPEN_NO_COOKIE, 1, 1 },
		{ IPPROTO_TCP, TCP_SYNCNT, 3, 3 },
		{ SOL_SOCKET, SO_REUSEPORT, 7, 1 },
		{ SOL_SOCKET, SO_KEEPALIVE, 1, 1 },
		{ SOL_SOCKET, SO_OOBINLINE, 1, 1 },
		{ SOL_SOCKET, SO_DEBUG, 1, 1 },
		{ SOL_SOCKET, SO_DEBUG, 0, 0 },
		{ SOL_SOCKET, SO_PRIORITY, 6, 6 },
		{ SOL_SOCKET, SO_MARK, 666, 666 },
		{ SOL_SOCKET, SO_ZEROCOPY, 1, 1 },
		{ IPPROTO_TCP, TCP_NOTSENT_LOWAT, 16384, 16384 },
		{ IPPROTO_TCP, TCP_NOTSENT_LOWAT, -1, -1 },
		{ IPPROTO_TCP, TCP_DEFER_ACCEPT, 1, 1 },
		{ IPPROTO_TCP, TCP_DEFER_ACCEPT, 5, 7 },
		{ IPPROTO_TCP, TCP_DEFER_ACCEPT, 0, 0 },
		{ IPPROTO_TCP, TCP_LINGER2, 0, 60 },
		{ IPPROTO_TCP, TCP_LINGER2, 5, 5 },
		{ IPPROTO_TCP, TCP_LINGER2, 121, 120 },
		{ IPPROTO_TCP, TCP_LINGER2, -3, -1 },
		{ IPPROTO_TCP, TCP_INQ, 1, 1 },
		{ IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO, IP_PMTUDISC_DO },
		{ IPPROTO_IP, IP_FREEBIND, 1, 1 },
		{ SOL_SOCKET, SO_RCVLOWAT, 0, 1 },
		{ SOL_SOCKET, SO_RCVLOWAT, 33, 33 },
		{ SOL_SOCKET, SO_SNDBUF, 50000, 100000 },
		{ SOL_SOCKET, SO_SNDBUF, 1, 4608 },
		{ SOL_SOCKET, SO_RCVBUF, 30000, 60000 },
		{ SOL_SOCKET, SO_RCVBUF, 0, 2304 },
		{ IPPROTO_TCP, TCP_NODELAY, 1, 1 },
		{ IPPROTO_TCP, TCP_CORK, 1, 1 },
		{ IPPROTO_TCP, TCP_CORK, 0, 0 },
		{ IPPROTO_TCP, TCP_MAXSEG, 1000, 1000 },
		{ IPPROTO_TCP, TCP_KEEPIDLE, 60, 60 },
		{ IPPROTO_TCP, TCP_KEEPINTVL, 5, 5 },
		{ IPPROTO_TCP, TCP_KEEPCNT, 3, 3 },
		{ IPPROTO_TCP, TCP_USER_TIMEOUT, 2500, 2500 },
		{ IPPROTO_TCP, TCP_QUICKACK, 0, 0 },
		{ IPPROTO_TCP, TCP_QUICKACK, 1, 1 },
		{ IPPROTO_IP, IP_TOS, 0x10, 0x10 },
		{ IPPROTO_IP, IP_TTL, 3, 3 },
		{ IPPROTO_IP, IP_TTL, -1, 64 },
		{ IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1, 1 },
	};
	struct zs_sock *sk;
	struct world t;

	(void)state;
	world_open(&t, NULL);
	sk = sock_of(t.c, SOCK_STREAM);
	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		assert_int_equal(set_int(sk, v[i].level, v[i].name, v[i].set), 0);
		assert_int_equal(get_int(sk, v[i].level, v[i].name), v[i].get);
	}
	zs_sock_close(sk);
	world_close(&t);
}

static void test_refusals(void **state)
{
	static const struct {
		int level, name, set, rc;
	} v[] = {
		{ IPPROTO_TCP, TCP_MAXSEG, 87, -EINVAL },
		{ IPPROTO_TCP, TCP_MAXSEG, 32768, -EINVAL },
		{ IPPROTO_TCP, TCP_KEEPIDLE, 0, -EINVAL },
		{ IPPROTO_TCP, TCP_KEEPINTVL, 32768, -EINVAL },
		{ IPPROTO_TCP, TCP_KEEPCNT, 128, -EINVAL },
		{ IPPROTO_TCP, TCP_USER_TIMEOUT, -1, -EINVAL },
		{ IPPROTO_IP, IP_TTL, 256, -EINVAL },
		{ IPPROTO_IP, IP_TTL, 0, -EINVAL },
		{ IPPROTO_TCP, TCP_INQ, 2, -EINVAL },
		{ SOL_SOCKET, SO_ZEROCOPY, 2, -EINVAL },
		{ IPPROTO_IP, IP_MTU_DISCOVER, 6, -EINVAL },
		{ IPPROTO_TCP, TCP_FASTOPEN, -1, -EINVAL },
		{ IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 2, -EINVAL },
		{ IPPROTO_TCP, TCP_SYNCNT, 128, -EINVAL },
		{ SOL_SOCKET, SO_SNDLOWAT, 1, -ENOPROTOOPT },
		{ SOL_SOCKET, SO_ERROR, 1, -ENOPROTOOPT },
		{ SOL_SOCKET, 9999, 1, -ENOPROTOOPT },
		{ IPPROTO_IP, 9999, 1, -ENOPROTOOPT },
		{ IPPROTO_IPV6, 1, 1, -ENOPROTOOPT },
	};
	socklen_t len = sizeof(int);
	struct zs_sock *sk, *u;
	struct world t;
	int val = 1;

	(void)state;
	world_open(&t, NULL);
	sk = sock_of(t.c, SOCK_STREAM);
	u = sock_of(t.c, SOCK_DGRAM);
	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++)
		assert_int_equal(set_int(sk, v[i].level, v[i].name, v[i].set), v[i].rc);
	assert_int_equal(zs_sock_setopt(sk, SOL_SOCKET, SO_REUSEADDR, &val, 3), -EINVAL);
	assert_int_equal(zs_sock_setopt(sk, SOL_SOCKET, SO_REUSEADDR, &val, (socklen_t)-1),
			 -EINVAL);
	assert_int_equal(zs_sock_setopt(sk, SOL_SOCKET, SO_REUSEADDR, NULL, 4), -EFAULT);
	assert_int_equal(zs_sock_setopt(sk, SOL_SOCKET, SO_LINGER, &val, sizeof(val)), -EINVAL);
	assert_int_equal(zs_sock_setopt(sk, SOL_SOCKET, SO_RCVTIMEO, &val, sizeof(val)), -EINVAL);
	assert_int_equal(zs_sock_setopt(sk, IPPROTO_IP, IP_TOS, &val, 0), -EINVAL);
	assert_int_equal(set_int(u, IPPROTO_TCP, TCP_NODELAY, 1), -ENOPROTOOPT);
	assert_int_equal(zs_sock_getopt(u, IPPROTO_TCP, TCP_INFO, &val, &len), -ENOPROTOOPT);
	assert_int_equal(zs_sock_getopt(sk, IPPROTO_TCP, 9999, &val, &len), -ENOPROTOOPT);
	zs_sock_close(sk);
	zs_sock_close(u);
	world_close(&t);
}

static void test_short_values_are_cut(void **state)
{
	socklen_t len = 1;
	struct zs_sock *sk;
	struct world t;
	uint8_t b[4] = { 9, 9, 9, 9 };

	(void)state;
	world_open(&t, NULL);
	sk = sock_of(t.c, SOCK_STREAM);
	assert_int_equal(zs_sock_getopt(sk, SOL_SOCKET, SO_TYPE, b, &len), 0);
	assert_int_equal(len, 1);
	assert_int_equal(b[0], SOCK_STREAM);
	assert_int_equal(b[1], 9);
	b[0] = 0x20;
	assert_int_equal(zs_sock_setopt(sk, IPPROTO_IP, IP_TOS, b, 1), 0); /* one byte will do */
	assert_int_equal(get_int(sk, IPPROTO_IP, IP_TOS), 0x20);
	zs_sock_close(sk);
	world_close(&t);
}

/* Without one of its own a socket has the stack's; what is connected takes none. */
static void test_fastopen_key(void **state)
{
	const uint8_t own[16] = "0123456789abcde";
	struct zs_sock *sk;
	struct pair x;

	(void)state;
	pair_open(&x);
	sk = sock_of(x.t.s, SOCK_STREAM);
	for (int i = 0; i < 2; i++) {
		struct zs_sock *each[] = { sk, x.lst };
		uint8_t key[20] = { 0 };
		socklen_t len = sizeof(key);

		assert_int_equal(zs_sock_getopt(each[i], IPPROTO_TCP, TCP_FASTOPEN_KEY, key, &len),
				 0);
		assert_int_equal(len, sizeof(own));
		assert_memory_equal(key, zs_stack_config(x.t.s->s)->tfo_key, sizeof(own));
		assert_int_equal(
			zs_sock_setopt(each[i], IPPROTO_TCP, TCP_FASTOPEN_KEY, own, sizeof(own)),
			0);
		assert_int_equal(zs_sock_getopt(each[i], IPPROTO_TCP, TCP_FASTOPEN_KEY, key, &len),
				 0);
		assert_memory_equal(key, own, sizeof(own));
	}
	assert_int_equal(zs_sock_setopt(x.c, IPPROTO_TCP, TCP_FASTOPEN_KEY, own, sizeof(own)),
			 -EINVAL);
	assert_int_equal(set_int(x.c, IPPROTO_TCP, TCP_FASTOPEN_NO_COOKIE, 1), -EINVAL);
	zs_sock_close(sk);
	pair_close(&x);
}

static void test_linger_and_timeouts(void **state)
{
	struct timeval tv = { 1, 500 }, got_tv;
	struct linger l = { 1, 30 }, got;
	socklen_t len = sizeof(got);
	struct zs_sock *sk;
	struct world t;

	(void)state;
	world_open(&t, NULL);
	sk = sock_of(t.c, SOCK_STREAM);
	assert_int_equal(zs_sock_setopt(sk, SOL_SOCKET, SO_LINGER, &l, sizeof(l)), 0);
	assert_int_equal(zs_sock_getopt(sk, SOL_SOCKET, SO_LINGER, &got, &len), 0);
	assert_int_equal(got.l_onoff, 1);
	assert_int_equal(got.l_linger, 30);
	assert_int_equal(zs_sock_setopt(sk, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)), 0);
	assert_int_equal(sk->rcvtimeo_ms, 1001); /* never shorter than asked for */
	assert_int_equal(sk->sndtimeo_ms, 0);
	len = sizeof(got_tv);
	assert_int_equal(zs_sock_getopt(sk, SOL_SOCKET, SO_RCVTIMEO, &got_tv, &len), 0);
	assert_int_equal(got_tv.tv_sec, 1);
	assert_int_equal(got_tv.tv_usec, 1000);
	tv.tv_usec = 1000000;
	assert_int_equal(zs_sock_setopt(sk, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)), -EDOM);
	zs_sock_close(sk);
	world_close(&t);
}

static void test_congestion_control_by_name(void **state)
{
	socklen_t len = 16;
	struct zs_sock *sk;
	struct world t;
	char name[16];

	(void)state;
	world_open(&t, NULL);
	sk = sock_of(t.c, SOCK_STREAM);
	assert_int_equal(zs_sock_getopt(sk, IPPROTO_TCP, TCP_CONGESTION, name, &len), 0);
	assert_string_equal(name, "cubic");
	assert_int_equal(zs_sock_setopt(sk, IPPROTO_TCP, TCP_CONGESTION, "reno", 4), 0);
	assert_int_equal(zs_sock_getopt(sk, IPPROTO_TCP, TCP_CONGESTION, name, &len), 0);
	assert_int_equal(len, 16);
	assert_string_equal(name, "reno");
	assert_int_equal(zs_sock_setopt(sk, IPPROTO_TCP, TCP_CONGESTION, "cub", 3), -ENOENT);
	assert_int_equal(zs_sock_setopt(sk, IPPROTO_TCP, TCP_CONGESTION, "cubic\0junk", 10), 0);
	assert_int_equal(zs_sock_setopt(sk, IPPROTO_TCP, TCP_CONGESTION, "", 0), -EINVAL);
	/* FreeBSD's name for the same */
	assert_int_equal(zs_sock_setopt(sk, IPPROTO_TCP, TCP_CONGESTION, "newreno", 7), 0);
	len = 3; /* as much as there is room for */
	memset(name, 'x', sizeof(name));
	assert_int_equal(zs_sock_getopt(sk, IPPROTO_TCP, TCP_CONGESTION, name, &len), 0);
	assert_memory_equal(name, "renxx", 5);
	zs_sock_close(sk);
	world_close(&t);
}

static void test_accepted_sockets_inherit(void **state)
{
	struct zs_sock *lst, *c, *s;
	struct world t;
	socklen_t len = 16;
	char cc[16];

	(void)state;
	world_open(&t, NULL);
	lst = listen_on(t.s, PORT);
	assert_int_equal(set_int(lst, IPPROTO_TCP, TCP_NODELAY, 1), 0);
	assert_int_equal(set_int(lst, SOL_SOCKET, SO_SNDBUF, 20000), 0);
	assert_int_equal(set_int(lst, SOL_SOCKET, SO_RCVLOWAT, 5), 0);
	assert_int_equal(set_int(lst, IPPROTO_TCP, TCP_MAXSEG, 1000), 0);
	assert_int_equal(zs_sock_setopt(lst, IPPROTO_TCP, TCP_CONGESTION, "reno", 4), 0);
	connect_pair(&t, lst, &c, &s);
	assert_int_equal(zs_sock_getopt(s, IPPROTO_TCP, TCP_CONGESTION, cc, &len), 0);
	assert_string_equal(cc, "reno");
	assert_int_equal(zs_sock_getopt(c, IPPROTO_TCP, TCP_CONGESTION, cc, &len), 0);
	assert_string_equal(cc, "cubic");
	assert_int_equal(get_int(s, IPPROTO_TCP, TCP_NODELAY), 1);
	assert_int_equal(get_int(s, SOL_SOCKET, SO_SNDBUF), 40000);
	assert_int_equal(get_int(s, SOL_SOCKET, SO_RCVLOWAT), 5);
	assert_true(get_int(s, IPPROTO_TCP, TCP_MAXSEG) <= 1000);
	assert_true(get_int(c, IPPROTO_TCP, TCP_MAXSEG) <= 1000); /* the offer bound the peer too */
	assert_int_equal(get_int(c, IPPROTO_TCP, TCP_NODELAY), 0);
	zs_sock_close(c);
	zs_sock_close(s);
	zs_sock_close(lst);
	world_close(&t);
}

static void test_sndbuf_bounds_what_is_queued(void **state)
{
	static char block[200000];
	struct iovec iov = { block, sizeof(block) };
	struct pair x;

	(void)state;
	pair_open(&x);
	assert_int_equal(set_int(x.c, SOL_SOCKET, SO_SNDBUF, 10000), 0);
	assert_in_range(zs_sock_send(x.c, &iov, 1, 0, NULL, 0), 20000, 40000);
	assert_int_equal(zs_sock_writable(x.c), 0);
	pair_close(&x);
}

static void test_cork_holds_and_releases(void **state)
{
	struct pair x;

	(void)state;
	pair_open(&x);
	assert_int_equal(set_int(x.c, IPPROTO_TCP, TCP_CORK, 1), 0);
	assert_int_equal(send_str(x.c, "head", 0), 4);
	run_ms(&x.t, 20);
	assert_int_equal(zs_sock_readable(x.s), 0);
	assert_int_equal(send_str(x.c, "body", 0), 4);
	assert_int_equal(set_int(x.c, IPPROTO_TCP, TCP_CORK, 0), 0);
	run_ms(&x.t, 20);
	expect_str(x.s, "headbody");
	pair_close(&x);
}

static void test_tcp_info(void **state)
{
	struct tcp_info ti;
	socklen_t len = sizeof(ti);
	struct pair x;

	(void)state;
	pair_open(&x);
	assert_int_equal(send_str(x.c, "12345", 0), 5);
	run_ms(&x.t, 100);
	run_ms(&x.t, 1); /* a turn: the stack learns what time it is */
	assert_int_equal(zs_sock_getopt(x.c, IPPROTO_TCP, TCP_INFO, &ti, &len), 0);
	assert_int_equal(len, sizeof(ti));
	assert_int_equal(ti.tcpi_state, 1);	  /* ESTABLISHED */
	assert_int_equal(ti.tcpi_options & 7, 7); /* timestamps, SACK, window scale */
	assert_int_equal(ti.tcpi_snd_mss, 1448);
	assert_in_range(ti.tcpi_rtt, 100, 50000);
	assert_in_range(ti.tcpi_min_rtt, 100, ti.tcpi_rtt);
	assert_true(ti.tcpi_rto >= ti.tcpi_rtt);
	assert_true(ti.tcpi_snd_cwnd >= 10);
	assert_int_equal(ti.tcpi_bytes_acked, 5);
	assert_int_equal(ti.tcpi_bytes_sent, 5);
	assert_int_equal(ti.tcpi_unacked, 0);
	assert_int_equal(ti.tcpi_notsent_bytes, 0);
	assert_int_equal(ti.tcpi_total_retrans, 0);
	assert_in_range(ti.tcpi_last_data_sent, 90, 110);
	assert_int_equal(zs_sock_getopt(x.s, IPPROTO_TCP, TCP_INFO, &ti, &len), 0);
	assert_int_equal(ti.tcpi_bytes_received, 5);

	assert_int_equal(zs_sock_getopt(x.lst, IPPROTO_TCP, TCP_INFO, &ti, &len), 0);
	assert_int_equal(ti.tcpi_state, 10);  /* LISTEN */
	assert_int_equal(ti.tcpi_sacked, 16); /* backlog */

	zs_sock_shutdown(x.c, SHUT_WR);
	run_ms(&x.t, 100);
	assert_int_equal(zs_sock_getopt(x.c, IPPROTO_TCP, TCP_INFO, &ti, &len), 0);
	assert_int_equal(ti.tcpi_state, 5); /* FIN-WAIT-2 */
	assert_int_equal(zs_sock_getopt(x.s, IPPROTO_TCP, TCP_INFO, &ti, &len), 0);
	assert_int_equal(ti.tcpi_state, 8); /* CLOSE-WAIT */
	pair_close(&x);
}

static void test_memory_and_congestion_details(void **state)
{
	struct pair x;
	uint32_t mem[9];
	socklen_t len = sizeof(mem);

	(void)state;
	pair_open(&x);
	assert_int_equal(zs_sock_getopt(x.c, SOL_SOCKET, SO_MEMINFO, mem, &len), 0);
	assert_int_equal(len, sizeof(mem));
	assert_int_equal(mem[1], get_int(x.c, SOL_SOCKET, SO_RCVBUF));
	assert_int_equal(mem[3], get_int(x.c, SOL_SOCKET, SO_SNDBUF));
	assert_int_equal(mem[5], 0);
	len = sizeof(mem);
	assert_int_equal(zs_sock_getopt(x.c, IPPROTO_TCP, TCP_CC_INFO, mem, &len), 0);
	assert_int_equal(len, 0); /* CUBIC's */
	pair_close(&x);
}

/* Until ACKs find data to go with. */
static void test_quickack_is_told(void **state)
{
	struct pair x;

	(void)state;
	pair_open(&x);
	assert_int_equal(get_int(x.lst, IPPROTO_TCP, TCP_QUICKACK), 1);
	assert_int_equal(get_int(x.s, IPPROTO_TCP, TCP_QUICKACK), 1);
	assert_int_equal(set_int(x.s, IPPROTO_TCP, TCP_QUICKACK, 0), 0);
	assert_int_equal(get_int(x.s, IPPROTO_TCP, TCP_QUICKACK), 0);
	assert_int_equal(set_int(x.s, IPPROTO_TCP, TCP_QUICKACK, 1), 0);
	assert_int_equal(get_int(x.s, IPPROTO_TCP, TCP_QUICKACK), 1);
	pair_close(&x);
}

static void choose_cc(struct zs_sock *sk, const char *name)
{
	assert_int_equal(
		zs_sock_setopt(sk, IPPROTO_TCP, TCP_CONGESTION, name, (socklen_t)strlen(name)), 0);
}

/* What BBR and DCTCP have learnt, in Linux' structs. */
static void test_congestion_control_tells(void **state)
{
	union tcp_cc_info cc;
	socklen_t len = sizeof(cc);
	struct pair x;

	(void)state;
	pair_open(&x);
	choose_cc(x.c, "bbr");
	assert_int_equal(zs_sock_getopt(x.c, IPPROTO_TCP, TCP_CC_INFO, &cc, &len), 0);
	assert_int_equal(len, sizeof(cc.bbr));
	assert_true(cc.bbr.bbr_pacing_gain > 256); /* it begins with 2 / ln 2 */
	for (unsigned i = 0; i < 10; i++) {
		assert_int_equal(send_str(x.c, "round trips", 0), strlen("round trips"));
		run_ms(&x.t, 10);
	}
	len = sizeof(cc);
	assert_int_equal(zs_sock_getopt(x.c, IPPROTO_TCP, TCP_CC_INFO, &cc, &len), 0);
	assert_true(cc.bbr.bbr_bw_lo > 0);
	assert_true(cc.bbr.bbr_min_rtt > 0);
	choose_cc(x.c, "dctcp");
	len = sizeof(cc);
	assert_int_equal(zs_sock_getopt(x.c, IPPROTO_TCP, TCP_CC_INFO, &cc, &len), 0);
	assert_int_equal(len, sizeof(cc.dctcp));
	assert_int_equal(cc.dctcp.dctcp_alpha, 1024);
	assert_int_equal(cc.dctcp.dctcp_enabled, 0); /* no ECN was agreed on */
	len = 6;
	assert_int_equal(zs_sock_getopt(x.c, IPPROTO_TCP, TCP_CC_INFO, &cc, &len), 0);
	assert_int_equal(len, 6);
	len = sizeof(cc);
	assert_int_equal(zs_sock_getopt(x.lst, IPPROTO_TCP, TCP_CC_INFO, &cc, &len), 0);
	assert_int_equal(len, 0);
	pair_close(&x);
}

static void test_keepalive_ends_a_dead_connection(void **state)
{
	struct pair x;

	(void)state;
	pair_open(&x);
	assert_int_equal(set_int(x.c, IPPROTO_TCP, TCP_KEEPIDLE, 2), 0);
	assert_int_equal(set_int(x.c, IPPROTO_TCP, TCP_KEEPINTVL, 1), 0);
	assert_int_equal(set_int(x.c, IPPROTO_TCP, TCP_KEEPCNT, 2), 0);
	assert_int_equal(set_int(x.c, SOL_SOCKET, SO_KEEPALIVE, 1), 0);
	x.t.l->wire[0].cfg.loss_ppm = x.t.l->wire[1].cfg.loss_ppm = 1000000;
	run_ms(&x.t, 3500);
	assert_int_equal(zs_sock_error(x.c), 0);
	run_ms(&x.t, 2000);
	assert_int_equal(zs_sock_take_error(x.c), ETIMEDOUT);
	pair_close(&x);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_what_a_socket_is),
	cmocka_unit_test(test_booleans_and_numbers_keep),
	cmocka_unit_test(test_refusals),
	cmocka_unit_test(test_short_values_are_cut),
	cmocka_unit_test(test_fastopen_key),
	cmocka_unit_test(test_linger_and_timeouts),
	cmocka_unit_test(test_congestion_control_by_name),
	cmocka_unit_test(test_accepted_sockets_inherit),
	cmocka_unit_test(test_sndbuf_bounds_what_is_queued),
	cmocka_unit_test(test_cork_holds_and_releases),
	cmocka_unit_test(test_tcp_info),
	cmocka_unit_test(test_memory_and_congestion_details),
	cmocka_unit_test(test_quickack_is_told),
	cmocka_unit_test(test_congestion_control_tells),
	cmocka_unit_test(test_keepalive_ends_a_dead_connection),
};

ZS_TEST_MAIN(tests)
