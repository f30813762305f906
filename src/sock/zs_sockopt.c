/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Socket options with Linux' numbers, structs and ranges. One row per option says how it is read
 * and written; what is not in the table is -ENOPROTOOPT. Buffer sizes are doubled on the way in, as
 * Linux documents (socket(7)).
 */
#include <limits.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/time.h>

#include "sock/zs_sock_priv.h"

enum { MIN_SNDBUF = 4608, MIN_RCVBUF = 2304, CC_NAME_LEN = 16, MAX_KEEP_S = 32767 };

static const char *const cc_names[ZS_CC_COUNT] = {
	[ZS_CC_CUBIC] = "cubic",
	[ZS_CC_NEWRENO] = "reno",
};

/* The options of the connection or of those to be accepted; NULL for a datagram socket. */
static struct zs_tcp_opts *tcp_opts(const struct zs_sock *sk)
{
	switch ((enum zs_sock_kind)sk->kind) {
	case ZS_SK_TCP:
		return zs_tcp_opts(sk->tcb);
	case ZS_SK_LISTENER:
		return &sk->lst->opts;
	case ZS_SK_UDP:
		return NULL;
	}
	__builtin_unreachable();
}

static int changed(struct zs_sock *sk)
{
	if (sk->kind == ZS_SK_TCP)
		zs_tcp_opts_changed(sk->s, sk->tcb);
	return 0;
}

static enum zs_tcp_state state_of(const struct zs_sock *sk)
{
	return sk->kind == ZS_SK_LISTENER ? ZS_LISTEN : zs_tcp_state(sk->tcb);
}

static void set_flag(struct zs_sock *sk, uint16_t flag, bool on)
{
	if (on)
		sk->flags |= flag;
	else
		sk->flags &= (uint16_t)~flag;
}

/* ---- SOL_SOCKET ---- */

/* The boolean behind an option of this level; NULL when this kind of socket has none. */
static bool *socket_bool(const struct zs_sock *sk, int name)
{
	struct zs_tcp_opts *o = tcp_opts(sk);

	switch (name) {
	case SO_REUSEADDR:
		return o != NULL ? &o->reuseaddr : &sk->udp->reuseaddr;
	case SO_REUSEPORT:
		return o != NULL ? &o->reuseport : &sk->udp->reuseport;
	case SO_KEEPALIVE:
		return o != NULL ? &o->keepalive : NULL;
	case SO_BROADCAST:
		return o != NULL ? NULL : &sk->udp->broadcast;
	default:
		return NULL;
	}
}

static uint32_t doubled(int val, uint32_t min, uint32_t max)
{
	uint32_t v = val < 0 ? 0 : (uint32_t)val;

	v = v > max / 2 ? max : v * 2;
	return v < min ? min : v;
}

static int set_sndbuf(struct zs_sock *sk, int val)
{
	const struct zs_config *cfg = zs_stack_config(sk->s);
	struct zs_tcp_opts *o = tcp_opts(sk);

	if (o == NULL)
		return 0; /* datagrams are not queued for sending */
	o->sndbuf = doubled(val, MIN_SNDBUF, cfg->sndbuf_max);
	return changed(sk);
}

static int set_rcvbuf(struct zs_sock *sk, int val)
{
	const struct zs_config *cfg = zs_stack_config(sk->s);
	struct zs_tcp_opts *o = tcp_opts(sk);
	uint32_t bytes = doubled(val, MIN_RCVBUF, cfg->rcvbuf_max);

	if (o == NULL) {
		sk->udp->rcvbuf = bytes;
		return 0;
	}
	o->rcvbuf = bytes;
	return changed(sk);
}

static int set_socket_int(struct zs_sock *sk, int name, int val)
{
	bool *flag = socket_bool(sk, name);

	if (flag != NULL) {
		*flag = val != 0;
		return changed(sk);
	}
	switch (name) {
	case SO_KEEPALIVE:
	case SO_BROADCAST:
		return 0; /* without meaning for this kind of socket, as on Linux */
	case SO_OOBINLINE:
		set_flag(sk, ZS_SF_OOBINLINE, val != 0);
		return 0;
	case SO_PRIORITY:
		sk->priority = (uint32_t)val;
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
	set_flag(sk, ZS_SF_LINGER, l.l_onoff != 0);
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

static int get_int(const void *val, socklen_t len, int *out)
{
	if (len < sizeof(*out))
		return -EINVAL;
	memcpy(out, val, sizeof(*out));
	return 0;
}

static int set_socket(struct zs_sock *sk, int name, const void *val, socklen_t len)
{
	int v, rc;

	switch (name) {
	case SO_LINGER:
		return set_linger(sk, val, len);
	case SO_RCVTIMEO:
		return set_timeo(&sk->rcvtimeo_ms, val, len);
	case SO_SNDTIMEO:
		return set_timeo(&sk->sndtimeo_ms, val, len);
	default:
		rc = get_int(val, len, &v);
		return rc < 0 ? rc : set_socket_int(sk, name, v);
	}
}

static int sndbuf_of(const struct zs_sock *sk)
{
	const struct zs_tcp_opts *o = tcp_opts(sk);
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
	const struct zs_tcp_opts *o = tcp_opts(sk);
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
	case SO_KEEPALIVE:
	case SO_BROADCAST:
		*val = 0;
		return 0;
	case SO_OOBINLINE:
		*val = (sk->flags & ZS_SF_OOBINLINE) != 0;
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
	case SO_PRIORITY:
		*val = (int)sk->priority;
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

/* As much of the value as the caller has room for. */
static int put(void *val, socklen_t *len, const void *from, size_t size)
{
	if (*len > size)
		*len = (socklen_t)size;
	memcpy(val, from, *len);
	return 0;
}

static int put_int(void *val, socklen_t *len, int v)
{
	return put(val, len, &v, sizeof(v));
}

static int get_socket(struct zs_sock *sk, int name, void *val, socklen_t *len)
{
	struct linger l = { (sk->flags & ZS_SF_LINGER) != 0, sk->linger_s };
	uint32_t ms = name == SO_RCVTIMEO ? sk->rcvtimeo_ms : sk->sndtimeo_ms;
	struct timeval tv = { .tv_sec = ms / 1000, .tv_usec = (ms % 1000) * 1000 };
	int v, rc;

	switch (name) {
	case SO_LINGER:
		return put(val, len, &l, sizeof(l));
	case SO_RCVTIMEO:
	case SO_SNDTIMEO:
		return put(val, len, &tv, sizeof(tv));
	default:
		rc = get_socket_int(sk, name, &v);
		return rc < 0 ? rc : put_int(val, len, v);
	}
}

/* ---- IPPROTO_TCP ---- */

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
	struct zs_tcp_opts *o = tcp_opts(sk);
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
	return rc < 0 ? rc : changed(sk);
}

static int set_congestion(struct zs_sock *sk, const char *name, socklen_t len)
{
	size_t n = strnlen(name, RTE_MIN((size_t)len, (size_t)CC_NAME_LEN - 1));

	if (len == 0)
		return -EINVAL;
	for (int i = 0; i < ZS_CC_COUNT; i++) {
		if (strlen(cc_names[i]) != n || memcmp(cc_names[i], name, n) != 0)
			continue;
		tcp_opts(sk)->cc = (uint8_t)i;
		return changed(sk);
	}
	return -ENOENT;
}

static int set_tcp(struct zs_sock *sk, int name, const void *val, socklen_t len)
{
	int v, rc;

	if (sk->kind == ZS_SK_UDP)
		return -ENOPROTOOPT;
	if (name == TCP_CONGESTION)
		return set_congestion(sk, val, len);
	rc = get_int(val, len, &v);
	return rc < 0 ? rc : set_tcp_int(sk, name, v);
}

static int maxseg_of(const struct zs_sock *sk)
{
	enum { DEFAULT_MSS = 536 }; /* RFC 9293 3.7.1, IPv4 */
	enum zs_tcp_state st = state_of(sk);
	struct zs_tcp_info info;
	uint16_t user = tcp_opts(sk)->maxseg;

	if (st == ZS_CLOSED || st == ZS_LISTEN)
		return user != 0 ? user : DEFAULT_MSS;
	zs_tcp_get_info(sk->s, sk->tcb, &info);
	return (int)info.snd_mss;
}

static int get_tcp_int(const struct zs_sock *sk, int name, int *v)
{
	const struct zs_tcp_opts *o = tcp_opts(sk);

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

/* Linux' numbers of the states (TCP_ESTABLISHED and so on). */
static uint8_t linux_state(enum zs_tcp_state st)
{
	static const uint8_t map[ZS_NSTATES] = {
		[ZS_ESTABLISHED] = 1, [ZS_SYN_SENT] = 2,  [ZS_SYN_RCVD] = 3, [ZS_FIN_WAIT_1] = 4,
		[ZS_FIN_WAIT_2] = 5,  [ZS_TIME_WAIT] = 6, [ZS_CLOSED] = 7,   [ZS_CLOSE_WAIT] = 8,
		[ZS_LAST_ACK] = 9,    [ZS_LISTEN] = 10,	  [ZS_CLOSING] = 11,
	};

	return map[st];
}

/* Linux' TCP_CA_Open, Recovery, Loss. */
static uint8_t linux_ca_state(uint8_t ca_state)
{
	static const uint8_t map[] = { 0, 3, 4 };

	return map[ca_state];
}

static uint32_t segments(uint32_t bytes, uint32_t mss)
{
	return mss != 0 ? (bytes + mss - 1) / mss : 0;
}

static uint32_t ms_since(const struct zs_sock *sk, uint64_t then_us)
{
	uint64_t now_us = zs_stack_now(sk->s);

	return then_us != 0 && then_us < now_us ? (uint32_t)((now_us - then_us) / 1000) : 0;
}

static void fill_info(const struct zs_sock *sk, const struct zs_tcp_info *in, struct tcp_info *out)
{
	uint32_t mss = in->snd_mss;

	out->tcpi_state = linux_state(in->state);
	out->tcpi_ca_state = linux_ca_state(in->ca_state);
	out->tcpi_retransmits = in->retransmits;
	out->tcpi_probes = in->probes;
	out->tcpi_backoff = in->backoff;
	out->tcpi_options = (in->ts ? TCPI_OPT_TIMESTAMPS : 0) | (in->sack ? TCPI_OPT_SACK : 0) |
			    (in->wscale ? TCPI_OPT_WSCALE : 0);
	out->tcpi_snd_wscale = in->snd_wscale & 15;
	out->tcpi_rcv_wscale = in->rcv_wscale & 15;
	out->tcpi_delivery_rate_app_limited = in->app_limited;
	out->tcpi_rto = in->rto_us;
	out->tcpi_ato = zs_stack_config(sk->s)->delack_us;
	out->tcpi_snd_mss = mss;
	out->tcpi_rcv_mss = in->rcv_mss;
	out->tcpi_unacked = segments(in->inflight, mss);
	out->tcpi_sacked = segments(in->sacked, mss);
	out->tcpi_lost = segments(in->lost, mss);
	out->tcpi_retrans = segments(in->retx, mss);
	out->tcpi_last_data_sent = ms_since(sk, in->last_send_us);
	out->tcpi_last_data_recv = ms_since(sk, in->last_recv_us);
	out->tcpi_last_ack_recv = ms_since(sk, in->last_recv_us);
	out->tcpi_rtt = in->srtt_us;
	out->tcpi_rttvar = in->rttvar_us;
	out->tcpi_snd_ssthresh = segments(in->ssthresh, mss);
	out->tcpi_snd_cwnd = mss != 0 ? in->cwnd / mss : 0;
	out->tcpi_advmss = in->rcv_mss;
	out->tcpi_rcv_space = in->rcv_wnd;
	out->tcpi_rcv_ssthresh = in->rcvbuf;
	out->tcpi_total_retrans = (uint32_t)in->total_retx;
	out->tcpi_bytes_acked = in->bytes_acked;
	out->tcpi_bytes_received = in->bytes_received;
	out->tcpi_segs_out = (uint32_t)in->segs_out;
	out->tcpi_segs_in = (uint32_t)in->segs_in;
	out->tcpi_notsent_bytes = in->unsent;
	out->tcpi_min_rtt = in->min_rtt_us;
	out->tcpi_bytes_sent = in->bytes_sent;
	out->tcpi_bytes_retrans = in->bytes_retx;
	out->tcpi_snd_wnd = in->snd_wnd;
}

static int get_info(const struct zs_sock *sk, void *val, socklen_t *len)
{
	struct tcp_info out = { .tcpi_state = linux_state(ZS_LISTEN) };
	struct zs_tcp_info in;

	if (sk->kind == ZS_SK_LISTENER) {
		/* Linux shows the accept queue in these two */
		out.tcpi_unacked = sk->lst->n_accept;
		out.tcpi_sacked = sk->lst->backlog;
	} else {
		zs_tcp_get_info(sk->s, sk->tcb, &in);
		fill_info(sk, &in, &out);
	}
	return put(val, len, &out, sizeof(out));
}

static int get_tcp(const struct zs_sock *sk, int name, void *val, socklen_t *len)
{
	char cc[CC_NAME_LEN] = { 0 };
	int v, rc;

	if (sk->kind == ZS_SK_UDP)
		return -ENOPROTOOPT;
	switch (name) {
	case TCP_INFO:
		return get_info(sk, val, len);
	case TCP_CONGESTION:
		memcpy(cc, cc_names[tcp_opts(sk)->cc], strlen(cc_names[tcp_opts(sk)->cc]));
		return put(val, len, cc, sizeof(cc));
	default:
		rc = get_tcp_int(sk, name, &v);
		return rc < 0 ? rc : put_int(val, len, v);
	}
}

/* ---- IPPROTO_IP ---- */

static uint8_t *ip_byte(const struct zs_sock *sk, int name)
{
	struct zs_tcp_opts *o = tcp_opts(sk);

	switch (name) {
	case IP_TOS:
		return o != NULL ? &o->tos : &sk->udp->tos;
	case IP_TTL:
		return o != NULL ? &o->ttl : &sk->udp->ttl;
	default:
		return NULL;
	}
}

static int set_ip(struct zs_sock *sk, int name, const void *val, socklen_t len)
{
	uint8_t *field = ip_byte(sk, name);
	int v;

	/* Linux takes these as a byte as well */
	if (len >= sizeof(v))
		memcpy(&v, val, sizeof(v));
	else if (len >= 1)
		v = *(const uint8_t *)val;
	else
		return -EINVAL;
	switch (name) {
	case IP_TOS:
		*field = (uint8_t)v;
		return changed(sk);
	case IP_TTL:
		if (v != -1 && (v < 1 || v > 255))
			return -EINVAL;
		*field = v == -1 ? zs_stack_config(sk->s)->ttl : (uint8_t)v;
		return changed(sk);
	case IP_BIND_ADDRESS_NO_PORT:
		set_flag(sk, ZS_SF_BIND_NO_PORT, v != 0);
		return 0;
	default:
		return -ENOPROTOOPT;
	}
}

static int get_ip(const struct zs_sock *sk, int name, void *val, socklen_t *len)
{
	const uint8_t *field = ip_byte(sk, name);

	if (field != NULL)
		return put_int(val, len, *field);
	if (name == IP_BIND_ADDRESS_NO_PORT)
		return put_int(val, len, (sk->flags & ZS_SF_BIND_NO_PORT) != 0);
	return -ENOPROTOOPT;
}

/* ---- entry ---- */

int zs_sock_setopt(struct zs_sock *sk, int level, int name, const void *val, socklen_t len)
{
	if (len > INT_MAX)
		return -EINVAL;
	if (val == NULL)
		return -EFAULT;
	switch (level) {
	case SOL_SOCKET:
		return set_socket(sk, name, val, len);
	case IPPROTO_TCP:
		return set_tcp(sk, name, val, len);
	case IPPROTO_IP:
		return set_ip(sk, name, val, len);
	default:
		return -ENOPROTOOPT;
	}
}

int zs_sock_getopt(struct zs_sock *sk, int level, int name, void *val, socklen_t *len)
{
	if (val == NULL || len == NULL)
		return -EFAULT;
	if (*len > INT_MAX)
		return -EINVAL;
	switch (level) {
	case SOL_SOCKET:
		return get_socket(sk, name, val, len);
	case IPPROTO_TCP:
		return get_tcp(sk, name, val, len);
	case IPPROTO_IP:
		return get_ip(sk, name, val, len);
	default:
		return -ENOPROTOOPT;
	}
}
