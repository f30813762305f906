/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * TTL and type of service of what came, over IPv4 and IPv6: of a datagram that waited already when
 * they were asked for, of one that is received without room for them, and of an ICMP error, from
 * which programs like traceroute guess the way back.
 */
#include "dgram.h"

struct told {
	int ttl, tos; /* -1: not told */
	bool error;   /* beside what happened */
};

static int value(const struct cmsghdr *c)
{
	int v = 0;

	memcpy(&v, CMSG_DATA(c), c->cmsg_len - CMSG_LEN(0));
	return v;
}

static struct told take(int fd, int family, int flags)
{
	const int level = family == AF_INET ? IPPROTO_IP : IPPROTO_IPV6;
	struct told told = { -1, -1, false };
	char data[64];
	union {
		struct cmsghdr first;
		char bytes[256];
	} room;
	struct iovec iov = { data, sizeof(data) };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &room,
		.msg_controllen = sizeof(room),
	};

	assert_int_equal(ff_recvmsg(fd, &msg, flags), 5);
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c != NULL; c = CMSG_NXTHDR(&msg, c)) {
		assert_int_equal(c->cmsg_level, level);
		if (c->cmsg_type == (family == AF_INET ? IP_TTL : IPV6_HOPLIMIT))
			told.ttl = value(c);
		else if (c->cmsg_type == (family == AF_INET ? IP_TOS : IPV6_TCLASS))
			told.tos = value(c);
		else if (c->cmsg_type == (family == AF_INET ? IP_RECVERR : IPV6_RECVERR))
			told.error = true;
		else
			fail_msg("control message %d", c->cmsg_type);
	}
	return told;
}

static void ask(int fd, int family)
{
	const int level = family == AF_INET ? IPPROTO_IP : IPPROTO_IPV6;

	set(fd, level, family == AF_INET ? IP_RECVTTL : IPV6_RECVHOPLIMIT, 1);
	set(fd, level, family == AF_INET ? IP_RECVTOS : IPV6_RECVTCLASS, 1);
}

static int sender(struct api_world *t, int family)
{
	const int level = family == AF_INET ? IPPROTO_IP : IPPROTO_IPV6;
	int c = bound(t, 0, family, OTHER);

	set(c, level, family == AF_INET ? IP_TTL : IPV6_UNICAST_HOPS, 33);
	set(c, level, family == AF_INET ? IP_TOS : IPV6_TCLASS, 0x48);
	return c;
}

static void asked_late(struct api_world *t, int family)
{
	int s = bound(t, 1, family, PORT), c = sender(t, family);
	struct told told;

	for (int i = 0; i < 2; i++)
		assert_int_equal(send_to(c, family, 1, PORT, "hello", 5), 5);
	api_run_ms(t, 5);
	api_on(t, 1);
	told = take(s, family, 0);
	assert_int_equal(told.ttl, -1);
	assert_int_equal(told.tos, -1);
	ask(s, family);
	told = take(s, family, 0);
	assert_int_equal(told.ttl, 33);
	assert_int_equal(told.tos, 0x48);
	close_on(t, 1, s);
	close_on(t, 0, c);
}

/* Who gives no room learns that there was something to say. */
static void no_room(struct api_world *t, int family)
{
	int s = bound(t, 1, family, PORT), c = sender(t, family);
	char data[8];
	struct iovec iov = { data, sizeof(data) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	for (int i = 0; i < 2; i++)
		assert_int_equal(send_to(c, family, 1, PORT, "hello", 5), 5);
	api_run_ms(t, 5);
	api_on(t, 1);
	assert_int_equal(ff_recvmsg(s, &msg, 0), 5);
	assert_int_equal(msg.msg_flags, 0);
	ask(s, family);
	assert_int_equal(ff_recvmsg(s, &msg, 0), 5);
	assert_int_equal(msg.msg_flags, MSG_CTRUNC);
	assert_int_equal(msg.msg_controllen, 0);
	close_on(t, 1, s);
	close_on(t, 0, c);
}

static void of_an_error(struct api_world *t, int family)
{
	int c = sender(t, family);
	struct told told;

	set(c, family == AF_INET ? IPPROTO_IP : IPPROTO_IPV6,
	    family == AF_INET ? IP_RECVERR : IPV6_RECVERR, 1);
	for (int i = 0; i < 2; i++) {
		if (i > 0)
			ask(c, family);
		assert_int_equal(send_to(c, family, 1, PORT, "hello", 5), 5);
		api_run_ms(t, 1200); /* our peer limits how often it complains */
		told = take(c, family, MSG_ERRQUEUE);
		assert_true(told.error);
		assert_int_equal(told.ttl, i > 0 ? 64 : -1); /* of the peer's own */
		assert_int_equal(told.tos, i > 0 ? 0 : -1);
	}
	close_on(t, 0, c);
}

OVER_BOTH(asked_late)
OVER_BOTH(no_room)
OVER_BOTH(of_an_error)

static const struct CMUnitTest tests[] = {
	BOTH(asked_late),
	BOTH(no_room),
	BOTH(of_an_error),
};

ZS_TEST_MAIN(tests)
