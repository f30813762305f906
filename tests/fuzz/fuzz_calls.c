/* SPDX-License-Identifier: BSD-3-Clause */
/* Calls on sockets out of an input: fuzz_calls.h. Whatever is handed over is a heap block of just
 * its size, so that a sanitizer sees reads and writes beyond it. */
#include "fuzz_calls.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>

#include <rte_mbuf.h>

#include "core/zs_stack.h"

enum { PEER_PORT = 40000, OPT_MAX = 72, DATA_MAX = 66000 };

static size_t take(struct fuzz_in *in, void *to, size_t n)
{
	size_t left = (size_t)(in->end - in->p);

	n = n < left ? n : left;
	memcpy(to, in->p, n);
	in->p += n;
	return n;
}

static void *room(size_t n)
{
	void *p = calloc(1, n > 0 ? n : 1);

	check(p != NULL);
	return p;
}

static void *block(struct fuzz_in *in, size_t n)
{
	void *p = room(n);

	(void)take(in, p, n);
	return p;
}

static void option(struct fuzz_in *in, int *level, int *name)
{
	static const struct {
		int level, first, n;
	} of[] = {
		{ SOL_SOCKET, 0, 80 },	{ IPPROTO_IP, 0, 60 },	 { IPPROTO_IPV6, 0, 80 },
		{ IPPROTO_TCP, 0, 48 }, { IPPROTO_UDP, 100, 6 },
	};
	unsigned i = in8(in) % 5;

	*level = of[i].level;
	*name = of[i].first + in8(in) % of[i].n;
}

static void set(struct fuzz_in *in, struct zs_sock *sk)
{
	socklen_t len;
	int level, name;
	void *val;

	option(in, &level, &name);
	len = in8(in) % OPT_MAX;
	val = block(in, len);
	(void)zs_sock_setopt(sk, level, name, val, len);
	free(val);
}

static void get(struct fuzz_in *in, struct zs_sock *sk)
{
	socklen_t len, most;
	int level, name;
	void *val;

	option(in, &level, &name);
	len = most = in8(in);
	val = room(len);
	(void)zs_sock_getopt(sk, level, name, val, &len);
	check(len <= most);
	free(val);
}

/* Of the peer or near it, of either family, or none: one byte. */
static socklen_t address(struct fuzz_in *in, struct sockaddr_storage *ss)
{
	uint8_t what = in8(in);
	struct sockaddr_in sin = { .sin_family = AF_INET,
				   .sin_port = htons((uint16_t)(PEER_PORT + (what >> 3) % 4)) };
	struct sockaddr_in6 sin6 = { .sin6_family = AF_INET6, .sin6_port = sin.sin_port };

	memset(ss, 0, sizeof(*ss));
	sin.sin_addr.s_addr = htonl(0x0a000000 + (what >> 5));
	sin6.sin6_addr.s6_addr[0] = what & 0x80 ? 0xff : 0xfd;
	sin6.sin6_addr.s6_addr[1] = what & 0x80 ? 2 : 0;
	sin6.sin6_addr.s6_addr[15] = 9;
	switch (what % 8) {
	case 0:
		return 0;
	case 1: /* a group, a mapped address */
		sin.sin_addr.s_addr = htonl(0xe0000009);
		break;
	case 2:
		memcpy(&sin6.sin6_addr, "\0\0\0\0\0\0\0\0\0\0\xff\xff\x0a\0\0\x02", 16);
		memcpy(ss, &sin6, sizeof(sin6));
		return sizeof(sin6);
	case 3:
	case 4:
		memcpy(ss, &sin6, sizeof(sin6));
		return sizeof(sin6);
	case 5:
		sin.sin_family = AF_UNSPEC;
		break;
	default:
		break;
	}
	memcpy(ss, &sin, sizeof(sin));
	return sizeof(sin);
}

static void sendmsg_to(struct fuzz_in *in, struct zs_sock *sk)
{
	static uint8_t data[DATA_MAX];
	struct sockaddr_storage ss;
	int flags = in8(in) & (MSG_MORE | MSG_DONTWAIT | MSG_EOR);
	struct iovec iov = { .iov_base = data };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	msg.msg_namelen = address(in, &ss);
	msg.msg_name = msg.msg_namelen != 0 ? &ss : NULL;
	iov.iov_len = in16(in) % DATA_MAX;
	msg.msg_controllen = in8(in);
	msg.msg_control = block(in, msg.msg_controllen);
	(void)zs_sock_sendmsg(sk, &msg, flags);
	free(msg.msg_control);
}

static void give_cut(struct fuzz_in *in, struct zs_sock *sk)
{
	const struct zs_env *env = zs_stack_env(sk->s);
	struct rte_mbuf *m = rte_pktmbuf_alloc(env->big_pool);
	struct sockaddr_storage ss;
	socklen_t len = address(in, &ss);
	uint16_t n = in16(in), segment = in16(in), refs;
	struct rte_mbuf *held;

	check(m != NULL);
	(void)rte_pktmbuf_append(m, (uint16_t)RTE_MIN(n, rte_pktmbuf_tailroom(m)));
	held = n & 1 ? m : NULL; /* somebody else has it too */
	if (held != NULL)
		rte_mbuf_refcnt_update(held, 1);
	refs = rte_mbuf_refcnt_read(m);
	if (zs_sock_give_cut(sk, m, len != 0 ? (void *)&ss : NULL, len, segment) < 0) {
		check(rte_mbuf_refcnt_read(m) == refs);
		rte_pktmbuf_free(m);
	}
	if (held != NULL)
		rte_pktmbuf_free(held);
}

static void recvmsg_from(struct fuzz_in *in, struct zs_sock *sk)
{
	int flags = in16(in) & (MSG_PEEK | MSG_TRUNC | MSG_ERRQUEUE | MSG_DONTWAIT);
	struct sockaddr_storage ss;
	struct iovec iov = { .iov_len = in8(in) };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_controllen = in8(in),
		.msg_name = &ss,
		.msg_namelen = in8(in) % sizeof(ss),
	};
	size_t most = msg.msg_controllen;

	iov.iov_base = room(iov.iov_len);
	msg.msg_control = room(most);
	(void)zs_sock_recvmsg(sk, &msg, flags);
	check(msg.msg_controllen <= most);
	free(msg.msg_control);
	free(iov.iov_base);
}

static void connect_to(struct fuzz_in *in, struct zs_sock *sk)
{
	struct sockaddr_storage ss;
	socklen_t len = address(in, &ss);

	if (sk->kind == ZS_SK_UDP && len != 0)
		(void)zs_sock_connect(sk, (const void *)&ss, len);
}

void fuzz_call(struct fuzz_in *in, struct zs_sock *sk)
{
	switch (in8(in) % 6) {
	case 0:
		set(in, sk);
		break;
	case 1:
		get(in, sk);
		break;
	case 2:
		sendmsg_to(in, sk);
		break;
	case 3:
		give_cut(in, sk);
		break;
	case 4:
		recvmsg_from(in, sk);
		break;
	default:
		connect_to(in, sk);
	}
}
