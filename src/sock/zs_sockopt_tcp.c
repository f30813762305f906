/* SPDX-License-Identifier: BSD-3-Clause */
/* Options of IPPROTO_TCP. */
#include <limits.h>
#include <linux/tcp.h>
#include <netinet/in.h>

#include "sock/zs_sockopt.h"

enum { CC_NAME_LEN = 16, MAX_KEEP_S = 32767 };

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

static int set_tcp_int(struct zs_sock *sk, int name, int v)
{
	struct zs_tcp_opts *o = zs_opt_tcp(sk);
	int rc = 0;

	switch (name) {
	case TCP_NODELAY:
		o->nodelay = v != 0;
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
		o->keep_count = rc == 0 ? (uint16_t)v : o->keep_count;
		break;
	case TCP_USER_TIMEOUT:
		rc = set_range(&o->user_timeout_ms, v, 0, INT_MAX);
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
	if (name == TCP_CONGESTION)
		return set_congestion(sk, val, len);
	rc = zs_opt_int(val, len, &v);
	return rc < 0 ? rc : set_tcp_int(sk, name, v);
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
	case TCP_QUICKACK:
		*v = 1;
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
	case TCP_CC_INFO: /* none of the algorithms has anything to add */
		*len = 0;
		return 0;
	case TCP_CONGESTION:
		cc_name = zs_cc_name(zs_opt_tcp(sk)->cc);
		memcpy(cc, cc_name, strlen(cc_name));
		return zs_opt_put(val, len, cc, sizeof(cc));
	default:
		rc = get_tcp_int(sk, name, &v);
		return rc < 0 ? rc : zs_opt_put_int(val, len, v);
	}
}
