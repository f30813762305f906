/* SPDX-License-Identifier: BSD-3-Clause */
/* Options of IPPROTO_TCP. */
#include <limits.h>
#include <linux/tcp.h>
#include <netinet/in.h>

#include "sock/zs_sockopt.h"

enum { CC_NAME_LEN = 16, MAX_KEEP_S = 32767, MAX_DEFER = 7, MAX_FIN_WAIT2_S = 120 };

static enum zs_tcp_state state_of(const struct zs_sock *sk)
{
	return sk->kind == ZS_SK_LISTENER ? ZS_LISTEN : zs_tcp_state(sk->tcb);
}

static int set_seconds(uint32_t *ms, int v)
{
	if (v < 1 || v > MAX_KEEP_S)
		return -EINVAL;
	*ms = (uint32_t)v * 1000;
	return 0;
}

static int set_range(uint32_t *out, int v, int lo, int hi)
{
	if (v < lo || v > hi)
		return -EINVAL;
	*out = (uint32_t)v;
	return 0;
}

static int set_maxseg(struct zs_tcp_opts *o, int v)
{
	if (v != 0 && (v < 88 || v > 32767))
		return -EINVAL;
	o->maxseg = (uint16_t)v;
	return 0;
}

/* A socket that does not listen yet takes it along when it does. */
static int set_fastopen(struct zs_sock *sk, int v)
{
	if (v < 0)
		return -EINVAL;
	if (sk->kind == ZS_SK_LISTENER)
		sk->lst->tfo_qlen = (uint32_t)v;
	else if (zs_tcp_state(sk->tcb) == ZS_CLOSED)
		zs_tcp_set_tfo_qlen(sk->tcb, (uint32_t)v);
	else
		return -EINVAL;
	return 0;
}

static int may_fastopen_connect(const struct zs_sock *sk, int v)
{
	if (v < 0 || v > 1)
		return -EINVAL;
	if (!(zs_stack_config(sk->s)->tfo & ZS_TFO_CLIENT))
		return -EOPNOTSUPP;
	return state_of(sk) == ZS_CLOSED ? 0 : -EINVAL;
}

static int set_fastopen_key(struct zs_sock *sk, const void *val, socklen_t len)
{
	if (len != sizeof(sk->lst->tfo_key) || state_of(sk) > ZS_LISTEN)
		return -EINVAL;
	if (sk->kind == ZS_SK_TCP) {
		zs_tcp_set_tfo_key(sk->tcb, val);
		return 0;
	}
	memcpy(sk->lst->tfo_key, val, len);
	sk->lst->has_tfo_key = true;
	return 0;
}

/* Its own, else the stack's, as on Linux. */
static const uint8_t *fastopen_key(const struct zs_sock *sk)
{
	const uint8_t *own = sk->kind == ZS_SK_TCP  ? zs_tcp_tfo_key(sk->tcb)
			     : sk->lst->has_tfo_key ? sk->lst->tfo_key
						    : NULL;

	return own != NULL ? own : zs_stack_config(sk->s)->tfo_key;
}

/*
 * Seconds, in SYN-ACKs to be sent again: n of them have passed after 2^n - 1 seconds. As Linux
 * counts, so that the value read back is its, too.
 */
static uint8_t defer_of_seconds(int v)
{
	uint8_t n = 0;

	while (n < MAX_DEFER && (1 << n) - 1 < v)
		n++;
	return n;
}

static uint8_t fin_wait2_of(int v)
{
	return v < 0 ? ZS_FIN_WAIT2_NONE : (uint8_t)RTE_MIN(v, MAX_FIN_WAIT2_S);
}

static int fin_wait2_read(const struct zs_sock *sk, uint8_t v)
{
	if (v == 0)
		return (int)(zs_stack_config(sk->s)->fin_wait2_us / 1000000);
	return v == ZS_FIN_WAIT2_NONE ? -1 : v;
}

static int set_tcp_int(struct zs_sock *sk, int name, int v)
{
	struct zs_tcp_opts *o = zs_opt_tcp(sk);
	int rc = 0;

	switch (name) {
	case TCP_NODELAY:
		o->nodelay = v != 0;
		if (v != 0 && sk->kind == ZS_SK_TCP)
			zs_tcp_push(sk->tcb); /* also what is corked */
		break;
	case TCP_CORK:
		o->cork = v != 0;
		break;
	case TCP_MAXSEG:
		rc = set_maxseg(o, v);
		break;
	case TCP_KEEPIDLE:
		rc = set_seconds(&o->keep_idle_ms, v);
		break;
	case TCP_KEEPINTVL:
		rc = set_seconds(&o->keep_intvl_ms, v);
		break;
	case TCP_KEEPCNT:
		rc = v >= 1 && v <= 127 ? 0 : -EINVAL;
		o->keep_count = rc == 0 ? (uint8_t)v : o->keep_count;
		break;
	case TCP_USER_TIMEOUT:
		rc = set_range(&o->user_timeout_ms, v, 0, INT_MAX);
		break;
	case TCP_SYNCNT:
		rc = v >= 1 && v <= 127 ? 0 : -EINVAL;
		o->syn_retries = rc == 0 ? (uint8_t)v : o->syn_retries;
		break;
	case TCP_NOTSENT_LOWAT:
		o->lowat_given = v != 0;
		o->notsent_lowat = v != 0 ? (uint32_t)v : zs_stack_config(sk->s)->notsent_lowat;
		break;
	case TCP_DEFER_ACCEPT:
		o->defer_accept = defer_of_seconds(v);
		break;
	case TCP_LINGER2:
		o->fin_wait2_s = fin_wait2_of(v);
		break;
	case TCP_INQ:
		rc = v < 0 || v > 1 ? -EINVAL : 0;
		if (rc == 0)
			zs_opt_flag(sk, ZS_SF_INQ, v != 0);
		break;
	case TCP_FASTOPEN:
		return set_fastopen(sk, v);
	case TCP_FASTOPEN_CONNECT:
		rc = may_fastopen_connect(sk, v);
		o->tfo_connect = rc == 0 ? v != 0 : o->tfo_connect;
		break;
	case TCP_FASTOPEN_NO_COOKIE:
		rc = v < 0 || v > 1 || state_of(sk) > ZS_LISTEN ? -EINVAL : 0;
		o->tfo_no_cookie = rc == 0 ? v != 0 : o->tfo_no_cookie;
		break;
	case TCP_QUICKACK:
		if (sk->kind == ZS_SK_TCP)
			zs_tcp_quickack(sk->s, sk->tcb, v != 0);
		return 0;
	default:
		return -ENOPROTOOPT;
	}
	return rc < 0 ? rc : zs_opt_changed(sk);
}

static int set_congestion(struct zs_sock *sk, const char *name, socklen_t len)
{
	size_t n = strnlen(name, RTE_MIN((size_t)len, (size_t)CC_NAME_LEN - 1));

	int kind;

	if (len == 0)
		return -EINVAL;
	kind = zs_cc_by_name(name, n);
	if (kind < 0)
		return kind;
	zs_opt_tcp(sk)->cc = (uint8_t)kind;
	return zs_opt_changed(sk);
}

int zs_opt_tcp_set(struct zs_sock *sk, int name, const void *val, socklen_t len)
{
	int v, rc;

	if (sk->kind == ZS_SK_UDP)
		return -ENOPROTOOPT;
	if (name == TCP_FASTOPEN_KEY)
		return set_fastopen_key(sk, val, len);
	if (name == TCP_CONGESTION)
		return set_congestion(sk, val, len);
	rc = zs_opt_int(val, len, &v);
	return rc < 0 ? rc : set_tcp_int(sk, name, v);
}

static bool quickack_of(const struct zs_sock *sk)
{
	struct zs_tcp_info info;

	zs_tcp_get_info(sk->s, sk->tcb, &info);
	return info.quickack;
}

static int maxseg_of(const struct zs_sock *sk)
{
	enum { DEFAULT_MSS = 536 }; /* RFC 9293 3.7.1, IPv4 */
	enum zs_tcp_state st = state_of(sk);
	struct zs_tcp_info info;
	uint16_t user = zs_opt_tcp(sk)->maxseg;

	if (st == ZS_CLOSED || st == ZS_LISTEN)
		return user != 0 ? user : DEFAULT_MSS;
	zs_tcp_get_info(sk->s, sk->tcb, &info);
	return (int)info.snd_mss;
}

static int get_tcp_int(const struct zs_sock *sk, int name, int *v)
{
	const struct zs_tcp_opts *o = zs_opt_tcp(sk);

	switch (name) {
	case TCP_NODELAY:
		*v = o->nodelay;
		return 0;
	case TCP_CORK:
		*v = o->cork;
		return 0;
	case TCP_MAXSEG:
		*v = maxseg_of(sk);
		return 0;
	case TCP_KEEPIDLE:
		*v = (int)(o->keep_idle_ms / 1000);
		return 0;
	case TCP_KEEPINTVL:
		*v = (int)(o->keep_intvl_ms / 1000);
		return 0;
	case TCP_KEEPCNT:
		*v = (int)o->keep_count;
		return 0;
	case TCP_USER_TIMEOUT:
		*v = (int)o->user_timeout_ms;
		return 0;
	case TCP_SYNCNT:
		*v = o->syn_retries != 0 ? o->syn_retries : zs_stack_config(sk->s)->syn_retries;
		return 0;
	case TCP_NOTSENT_LOWAT:
		*v = o->lowat_given ? (int)o->notsent_lowat : 0;
		return 0;
	case TCP_DEFER_ACCEPT:
		*v = (1 << o->defer_accept) - 1;
		return 0;
	case TCP_LINGER2:
		*v = fin_wait2_read(sk, o->fin_wait2_s);
		return 0;
	case TCP_INQ:
		*v = (sk->flags & ZS_SF_INQ) != 0;
		return 0;
	case TCP_FASTOPEN:
		*v = (int)(sk->kind == ZS_SK_LISTENER ? sk->lst->tfo_qlen
						      : zs_tcp_tfo_qlen(sk->tcb));
		return 0;
	case TCP_FASTOPEN_CONNECT:
		*v = o->tfo_connect;
		return 0;
	case TCP_FASTOPEN_NO_COOKIE:
		*v = o->tfo_no_cookie;
		return 0;
	case TCP_QUICKACK:
		*v = sk->kind == ZS_SK_LISTENER || quickack_of(sk);
		return 0;
	default:
		return -ENOPROTOOPT;
	}
}

int zs_opt_tcp_get(struct zs_sock *sk, int name, void *val, socklen_t *len)
{
	char cc[CC_NAME_LEN] = { 0 };
	const char *cc_name;
	int v, rc;

	if (sk->kind == ZS_SK_UDP)
		return -ENOPROTOOPT;
	switch (name) {
	case TCP_INFO:
		return zs_opt_tcp_info(sk, val, len);
	case TCP_FASTOPEN_KEY:
		return zs_opt_put(val, len, fastopen_key(sk), sizeof(sk->lst->tfo_key));
	case TCP_CC_INFO:
		return zs_opt_cc_info(sk, val, len);
	case TCP_CONGESTION:
		cc_name = zs_cc_name(zs_opt_tcp(sk)->cc);
		memcpy(cc, cc_name, strlen(cc_name) + 1);
		return zs_opt_put(val, len, cc, sizeof(cc));
	default:
		rc = get_tcp_int(sk, name, &v);
		return rc < 0 ? rc : zs_opt_put_int(val, len, v);
	}
}
