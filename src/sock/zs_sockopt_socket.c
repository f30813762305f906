/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Options of SOL_SOCKET. Buffer sizes are doubled on the way in, as Linux documents (socket(7)).
 */
#include <limits.h>
#include <netinet/in.h>
#include <sys/time.h>

#include "sock/zs_sockopt.h"

enum { MIN_SNDBUF = 4608, MIN_RCVBUF = 2304 };

/* The boolean behind an option of this level; NULL: it is no such option. */
static bool *socket_bool(const struct zs_sock *sk, int name)
{
	struct zs_tcp_opts *o = zs_opt_tcp(sk);

	switch (name) {
	case SO_REUSEADDR:
		return o != NULL ? &o->reuseaddr : &sk->udp->reuseaddr;
	case SO_REUSEPORT:
		return o != NULL ? &o->reuseport : &sk->udp->reuseport;
	case SO_KEEPALIVE:
		return o != NULL ? &o->keepalive : &sk->udp->keepalive;
	default:
		return NULL;
	}
}

/* A negative number is a large one, as on Linux. */
static uint32_t doubled(int val, uint32_t min, uint32_t max)
{
	uint32_t v = (uint32_t)val > max / 2 ? max : (uint32_t)val * 2;

	return v < min ? min : v;
}

static int set_sndbuf(struct zs_sock *sk, int val)
{
	const struct zs_config *cfg = zs_stack_config(sk->s);
	struct zs_tcp_opts *o = zs_opt_tcp(sk);

	if (o == NULL)
		return 0; /* datagrams are not queued for sending */
	o->sndbuf = doubled(val, MIN_SNDBUF, cfg->sndbuf_max);
	return zs_opt_changed(sk);
}

static int set_rcvbuf(struct zs_sock *sk, int val)
{
	const struct zs_config *cfg = zs_stack_config(sk->s);
	struct zs_tcp_opts *o = zs_opt_tcp(sk);
	uint32_t bytes = doubled(val, MIN_RCVBUF, cfg->rcvbuf_max);

	if (o == NULL) {
		sk->udp->rcvbuf = bytes;
		return 0;
	}
	o->rcvbuf = bytes;
	return zs_opt_changed(sk);
}

static int set_mark(struct zs_sock *sk, uint32_t mark)
{
	if (zs_opt_tcp(sk) == NULL)
		return -ENOPROTOOPT;
	zs_opt_tcp(sk)->mark = mark;
	return 0;
}

static void set_broadcast(struct zs_sock *sk, bool on)
{
	if (zs_opt_tcp(sk) != NULL)
		zs_opt_tcp(sk)->broadcast = on;
	else
		sk->udp->broadcast = on;
}

static int get_broadcast(const struct zs_sock *sk)
{
	return zs_opt_tcp(sk) != NULL ? zs_opt_tcp(sk)->broadcast : sk->udp->broadcast;
}

static int set_socket_int(struct zs_sock *sk, int name, int val)
{
	bool *flag = socket_bool(sk, name);

	if (flag != NULL) {
		*flag = val != 0;
		return zs_opt_changed(sk);
	}
	switch (name) {
	case SO_BROADCAST:
		set_broadcast(sk, val != 0);
		return 0;
	case SO_OOBINLINE:
		zs_opt_flag(sk, ZS_SF_OOBINLINE, val != 0);
		return 0;
	case SO_DEBUG:
		zs_opt_flag(sk, ZS_SF_DEBUG, val != 0);
		return 0;
	case SO_ZEROCOPY:
		if (val < 0 || val > 1)
			return -EINVAL;
		zs_opt_flag(sk, ZS_SF_ZEROCOPY, val != 0);
		return 0;
	case SO_MARK:
		return set_mark(sk, (uint32_t)val);
	case SO_TIMESTAMP:
	case SO_TIMESTAMPNS:
		return zs_opt_time_set(sk, name, val != 0);
	case SO_TIMESTAMPING:
		return zs_opt_stamp_set(sk, val);
	case SO_RXQ_OVFL:
		return zs_opt_recv_set(sk, SOL_SOCKET, name, val);
	case SO_PRIORITY:
		sk->priority = (uint32_t)val & 0xffffff;
		return 0;
	case SO_SNDBUF:
		return set_sndbuf(sk, val);
	case SO_RCVBUF:
		return set_rcvbuf(sk, val);
	case SO_RCVLOWAT:
		sk->rcvlowat = val < 0 ? INT_MAX : val == 0 ? 1 : (uint32_t)val;
		zs_ep_raise(sk->s, zs_sock_ep(sk), ZS_EV_READ);
		return 0;
	default:
		return -ENOPROTOOPT;
	}
}

static int set_linger(struct zs_sock *sk, const void *val, socklen_t len)
{
	struct linger l;

	if (len < sizeof(l))
		return -EINVAL;
	memcpy(&l, val, sizeof(l));
	zs_opt_flag(sk, ZS_SF_LINGER, l.l_onoff != 0);
	if (l.l_onoff != 0)
		sk->linger_s = l.l_linger < 0 ? INT_MAX : l.l_linger;
	return 0;
}

static int set_timeo(uint32_t *ms, const void *val, socklen_t len)
{
	struct timeval tv;
	uint64_t v;

	if (len < sizeof(tv))
		return -EINVAL;
	memcpy(&tv, val, sizeof(tv));
	if (tv.tv_usec < 0 || tv.tv_usec >= 1000000)
		return -EDOM;
	if (tv.tv_sec < 0 || tv.tv_sec > UINT32_MAX / 1000 - 1) {
		*ms = tv.tv_sec < 0 ? 1 : 0; /* Linux: a negative time is over at once */
		return 0;
	}
	v = (uint64_t)tv.tv_sec * 1000 + ((uint64_t)tv.tv_usec + 999) / 1000;
	*ms = (uint32_t)v;
	return 0;
}

/* Bytes per second, all ones for no limit; Linux takes 32 bits or 64. */
static int set_pacing(struct zs_sock *sk, const void *val, socklen_t len)
{
	struct zs_tcp_opts *o = zs_opt_tcp(sk);
	uint64_t wide;
	uint32_t v;

	if (o == NULL)
		return -ENOPROTOOPT;
	if (len < sizeof(v))
		return -EINVAL;
	memcpy(&v, val, sizeof(v));
	if (len >= sizeof(wide)) {
		memcpy(&wide, val, sizeof(wide));
		v = wide < UINT32_MAX ? (uint32_t)wide : UINT32_MAX;
	}
	o->max_pacing_rate = v == UINT32_MAX ? 0 : v;
	return zs_opt_changed(sk);
}

static int get_pacing(const struct zs_sock *sk, void *val, socklen_t *len)
{
	const struct zs_tcp_opts *o = zs_opt_tcp(sk);
	uint64_t wide;
	uint32_t v;

	if (o == NULL)
		return -ENOPROTOOPT;
	v = o->max_pacing_rate != 0 ? o->max_pacing_rate : UINT32_MAX;
	wide = o->max_pacing_rate != 0 ? o->max_pacing_rate : UINT64_MAX;
	return *len >= sizeof(wide) ? zs_opt_put(val, len, &wide, sizeof(wide))
				    : zs_opt_put(val, len, &v, sizeof(v));
}

int zs_opt_socket_set(struct zs_sock *sk, int name, const void *val, socklen_t len)
{
	int v, rc;

	switch (name) {
	case SO_LINGER:
		return set_linger(sk, val, len);
	case SO_RCVTIMEO:
		return set_timeo(&sk->rcvtimeo_ms, val, len);
	case SO_SNDTIMEO:
		return set_timeo(&sk->sndtimeo_ms, val, len);
	case SO_MAX_PACING_RATE:
		return set_pacing(sk, val, len);
	default:
		rc = zs_opt_int(val, len, &v);
		return rc < 0 ? rc : set_socket_int(sk, name, v);
	}
}

static int sndbuf_of(const struct zs_sock *sk)
{
	const struct zs_tcp_opts *o = zs_opt_tcp(sk);
	struct zs_tcp_info info;

	if (o == NULL)
		return (int)zs_stack_config(sk->s)->sndbuf;
	if (o->sndbuf != 0 || sk->kind == ZS_SK_LISTENER)
		return (int)(o->sndbuf != 0 ? o->sndbuf : zs_stack_config(sk->s)->sndbuf);
	zs_tcp_get_info(sk->s, sk->tcb, &info);
	return (int)info.sndbuf;
}

static int rcvbuf_of(const struct zs_sock *sk)
{
	const struct zs_tcp_opts *o = zs_opt_tcp(sk);
	struct zs_tcp_info info;

	if (o == NULL)
		return (int)sk->udp->rcvbuf;
	if (o->rcvbuf != 0 || sk->kind == ZS_SK_LISTENER)
		return (int)(o->rcvbuf != 0 ? o->rcvbuf : zs_stack_config(sk->s)->rcvbuf);
	zs_tcp_get_info(sk->s, sk->tcb, &info);
	return (int)info.rcvbuf;
}

static int get_socket_int(struct zs_sock *sk, int name, int *val)
{
	const bool *flag = socket_bool(sk, name);

	if (flag != NULL) {
		*val = *flag;
		return 0;
	}
	switch (name) {
	case SO_BROADCAST:
		*val = get_broadcast(sk);
		return 0;
	case SO_OOBINLINE:
		*val = (sk->flags & ZS_SF_OOBINLINE) != 0;
		return 0;
	case SO_DEBUG:
		*val = (sk->flags & ZS_SF_DEBUG) != 0;
		return 0;
	case SO_ERROR:
		*val = zs_sock_take_error(sk);
		return 0;
	case SO_TYPE:
		*val = sk->kind == ZS_SK_UDP ? SOCK_DGRAM : SOCK_STREAM;
		return 0;
	case SO_DOMAIN:
		*val = sk->family;
		return 0;
	case SO_PROTOCOL:
		*val = sk->kind == ZS_SK_UDP ? IPPROTO_UDP : IPPROTO_TCP;
		return 0;
	case SO_ACCEPTCONN:
		*val = sk->kind == ZS_SK_LISTENER;
		return 0;
	case SO_ZEROCOPY:
		*val = (sk->flags & ZS_SF_ZEROCOPY) != 0;
		return 0;
	case SO_MARK:
		*val = zs_opt_tcp(sk) != NULL ? (int)zs_opt_tcp(sk)->mark : 0;
		return 0;
	case SO_PRIORITY:
		*val = (int)sk->priority;
		return 0;
	case SO_TIMESTAMP:
	case SO_TIMESTAMPNS:
		*val = zs_opt_time_get(sk, name);
		return 0;
	case SO_SNDBUF:
		*val = sndbuf_of(sk);
		return 0;
	case SO_RCVBUF:
		*val = rcvbuf_of(sk);
		return 0;
	case SO_RCVLOWAT:
		*val = (int)sk->rcvlowat;
		return 0;
	case SO_SNDLOWAT:
		*val = 1;
		return 0;
	default:
		return -ENOPROTOOPT;
	}
}

/* SO_MEMINFO: memory of the queues, in the order of Linux' SK_MEMINFO_ values. */
static int get_meminfo(const struct zs_sock *sk, void *val, socklen_t *len)
{
	struct zs_tcp_info info = { .rcv_mem = 0 };
	uint32_t v[9] = { 0 };

	if (sk->kind == ZS_SK_TCP)
		zs_tcp_get_info(sk->s, sk->tcb, &info);
	v[0] = info.rcv_mem;
	v[1] = (uint32_t)rcvbuf_of(sk);
	v[2] = info.inflight;
	v[3] = (uint32_t)sndbuf_of(sk);
	v[5] = info.snd_queued;
	return zs_opt_put(val, len, v, sizeof(v));
}

int zs_opt_socket_get(struct zs_sock *sk, int name, void *val, socklen_t *len)
{
	struct linger l = { (sk->flags & ZS_SF_LINGER) != 0, sk->linger_s };
	uint32_t ms = name == SO_RCVTIMEO ? sk->rcvtimeo_ms : sk->sndtimeo_ms;
	struct timeval tv = { .tv_sec = ms / 1000, .tv_usec = (ms % 1000) * 1000 };
	int v, rc;

	switch (name) {
	case SO_MAX_PACING_RATE:
		return get_pacing(sk, val, len);
	case SO_LINGER:
		return zs_opt_put(val, len, &l, sizeof(l));
	case SO_RCVTIMEO:
	case SO_SNDTIMEO:
		return zs_opt_put(val, len, &tv, sizeof(tv));
	case SO_MEMINFO:
		return get_meminfo(sk, val, len);
	case SO_RXQ_OVFL:
		return zs_opt_recv_get(sk, SOL_SOCKET, name, val, len);
	case SO_TIMESTAMPING:
		return zs_opt_stamp_get(sk, val, len);
	default:
		rc = get_socket_int(sk, name, &v);
		return rc < 0 ? rc : zs_opt_put_int(val, len, v);
	}
}
