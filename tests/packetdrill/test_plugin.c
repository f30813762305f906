/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The plug-in as the packetdrill tool uses it: loaded and looked up by name, one thread that moves
 * time and packets, another that sleeps in a call. Each of its 32 functions is called here.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "../zs_test.h"

#include "pd_ifc.h"

#if defined(__SANITIZE_ADDRESS__)
static const bool own_getsockopt = true;
#elif defined(__has_feature)
static const bool own_getsockopt = __has_feature(address_sanitizer);
#else
static const bool own_getsockopt = false;
#endif

/* By this name, whatever the headers make of it. */
ssize_t sendfile(int out, int in, off_t *off, size_t n);

enum {
	FIN = 1,
	SYN = 2,
	RST = 4,
	PSH = 8,
	ACK = 16,
	IP_LEN = 20,
	TCP_LEN = 20,
	PORT = 8080,
	PEER_PORT = 40000,
	PEER_ISN = 1000,
};

struct pd_test {
	struct packetdrill_interface ifc;
	void *u;
	uint32_t iss;	   /* of the stack */
	uint32_t seq, ack; /* of the peer's next packet */
};

static uint16_t sum16(const uint8_t *p, size_t n, uint32_t sum)
{
	for (size_t i = 0; i + 1 < n; i += 2)
		sum += (uint32_t)p[i] << 8 | p[i + 1];
	if (n & 1)
		sum += (uint32_t)p[n - 1] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static void put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v);
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* A segment of the peer, 192.0.2.1, to 192.168.0.1. */
static void inject(struct pd_test *t, uint8_t flags, const char *data)
{
	static const uint8_t from[4] = { 192, 0, 2, 1 }, to[4] = { 192, 168, 0, 1 };
	size_t len = data != NULL ? strlen(data) : 0;
	uint8_t p[128] = { 0x45 };
	uint8_t *tcp = p + IP_LEN;
	uint32_t pseudo = 6 + TCP_LEN + (uint32_t)len;

	put16(p + 2, IP_LEN + TCP_LEN + (uint32_t)len);
	p[8] = 64;
	p[9] = 6;
	memcpy(p + 12, from, 4);
	memcpy(p + 16, to, 4);
	put16(p + 10, sum16(p, IP_LEN, 0));
	put16(tcp, PEER_PORT);
	put16(tcp + 2, PORT);
	put32(tcp + 4, t->seq);
	put32(tcp + 8, flags & ACK ? t->ack : 0);
	tcp[12] = 0x50;
	tcp[13] = flags;
	put16(tcp + 14, 65535);
	if (len > 0)
		memcpy(tcp + TCP_LEN, data, len);
	for (int i = 0; i < 8; i += 2)
		pseudo += (uint32_t)p[12 + i] << 8 | p[13 + i];
	put16(tcp + 16, sum16(tcp, TCP_LEN + len, pseudo));
	t->seq += (uint32_t)len + (flags & (SYN | FIN) ? 1 : 0);
	assert_int_equal(t->ifc.netdev_send(t->u, p, IP_LEN + TCP_LEN + len), 0);
}

/* The next packet has these flags and so much payload; the peer acknowledges it from now on. */
static long long expect(struct pd_test *t, uint8_t flags, uint32_t len)
{
	uint8_t p[65536];
	size_t n = sizeof(p);
	long long at = 0;
	uint32_t seq;

	assert_int_equal(t->ifc.netdev_receive(t->u, p, &n, &at), 0);
	assert_true(n >= IP_LEN + TCP_LEN);
	assert_int_equal(sum16(p, IP_LEN, 0), 0);
	assert_int_equal(p[IP_LEN + 13], flags);
	assert_int_equal(n - IP_LEN - (size_t)(p[IP_LEN + 12] >> 4) * 4, len);
	seq = get32(p + IP_LEN + 4);
	if (flags & SYN)
		t->iss = seq;
	t->ack = seq + len + (flags & (SYN | FIN) ? 1 : 0);
	return at;
}

static long long now_us(struct pd_test *t)
{
	struct timeval tv;

	assert_int_equal(t->ifc.gettimeofday(t->u, &tv, NULL), 0);
	return (long long)tv.tv_sec * 1000000 + tv.tv_usec;
}

/* Never unloaded: the program's calls go there. */
static void init(const char *path, const char *flags, struct packetdrill_interface *ifc)
{
	void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
	void (*fn)(const char *, struct packetdrill_interface *);
	void *sym;

	assert_non_null(handle);
	sym = dlsym(handle, "packetdrill_interface_init");
	assert_non_null(sym);
	memcpy(&fn, &sym, sizeof(fn));
	fn(flags, ifc);
}

static int setup(void **state)
{
	struct pd_test *t = calloc(1, sizeof(*t));

	init(PD_PLUGIN, "ip=192.168.0.1,mtu=1500", &t->ifc);
	t->u = t->ifc.userdata;
	for (size_t i = 0; i < sizeof(t->ifc) / sizeof(void *); i++)
		assert_non_null(((void **)&t->ifc)[i]);
	(void)now_us(t);
	*state = t;
	return 0;
}

static int teardown(void **state)
{
	struct pd_test *t = *state;

	t->ifc.free(t->u);
	free(t);
	return 0;
}

static int listener(struct pd_test *t, int type)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = htons(PORT) };
	int on = 1;
	int fd = t->ifc.socket(t->u, AF_INET, SOCK_STREAM | type, 0);

	assert_true(fd >= 0);
	assert_int_equal(t->ifc.setsockopt(t->u, fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)), 0);
	assert_int_equal(t->ifc.bind(t->u, fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	assert_int_equal(t->ifc.listen(t->u, fd, 1), 0);
	return fd;
}

static void handshake(struct pd_test *t)
{
	t->seq = PEER_ISN;
	inject(t, SYN, NULL);
	(void)expect(t, SYN | ACK, 0);
	inject(t, ACK, NULL);
}

static int accepted(struct pd_test *t, int lfd)
{
	struct sockaddr_in sin;
	socklen_t len = sizeof(sin);
	int fd;

	handshake(t);
	fd = t->ifc.accept(t->u, lfd, (struct sockaddr *)&sin, &len);
	assert_true(fd >= 0);
	assert_int_equal(ntohs(sin.sin_port), PEER_PORT);
	return fd;
}

static void time_is_driven_by_the_tool(void **state)
{
	struct pd_test *t = *state;
	long long t0 = now_us(t), t1;

	t1 = now_us(t);
	assert_true(t1 > t0);
	assert_int_equal(t->ifc.usleep(t->u, 5000), 0);
	assert_in_range(now_us(t) - t1, 5000, 5100);
}

static void a_packet_that_never_comes_is_an_answer(void **state)
{
	struct pd_test *t = *state;
	uint8_t p[64];
	size_t n = sizeof(p);
	long long at;

	assert_int_equal(t->ifc.netdev_receive(t->u, p, &n, &at), 0);
	assert_int_equal(n, 0);
}

/* Three transmissions of a SYN-ACK, one and two seconds apart (RFC 6298 5). */
static void waiting_for_a_packet_moves_the_clock(void **state)
{
	struct pd_test *t = *state;
	int lfd = listener(t, 0);
	long long a, b, c;

	t->seq = PEER_ISN;
	inject(t, SYN, NULL);
	a = expect(t, SYN | ACK, 0);
	b = expect(t, SYN | ACK, 0);
	c = expect(t, SYN | ACK, 0);
	assert_in_range(b - a, 1000000, 1001000);
	assert_in_range(c - b, 2000000, 2001000);
	assert_int_equal(t->ifc.close(t->u, lfd), 0);
}

/* RFC 1122 4.2.3.6: two hours of silence, which are nothing here. */
static void keepalive_is_waited_for(void **state)
{
	struct pd_test *t = *state;
	int lfd = listener(t, 0);
	int fd = accepted(t, lfd);
	int on = 1;
	long long at = now_us(t);

	assert_int_equal(t->ifc.setsockopt(t->u, fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on)), 0);
	assert_in_range(expect(t, ACK, 0) - at, 7200000000, 7201000000);
	assert_int_equal(t->ifc.close(t->u, lfd), 0);
}

/* The tool's main thread would never get out of a call that blocks. It takes no time, and no
 * retransmission gets in between. */
static void blocking_on_the_main_thread_ends(void **state)
{
	struct pd_test *t = *state;
	int lfd = listener(t, 0);
	int fd = accepted(t, lfd);
	long long at;
	char c;

	assert_int_equal(t->ifc.write(t->u, fd, "x", 1), 1);
	(void)expect(t, ACK | PSH, 1);
	at = now_us(t);
	assert_int_equal(t->ifc.read(t->u, fd, &c, 1), -1);
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(t->ifc.accept(t->u, lfd, NULL, NULL), -1);
	assert_int_equal(errno, EAGAIN);
	assert_in_range(now_us(t) - at, 1, 10);
	assert_int_equal(t->ifc.close(t->u, lfd), 0);
}

static void all_ways_to_read(void **state)
{
	struct pd_test *t = *state;
	int lfd = listener(t, 0);
	int fd = accepted(t, lfd);
	char buf[8];
	struct iovec iov = { buf, 2 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	int n = 0;

	inject(t, ACK | PSH, "aabbccddee");
	(void)expect(t, ACK, 0);
	assert_int_equal(t->ifc.ioctl(t->u, fd, FIONREAD, &n), 0);
	assert_int_equal(n, 10);
	assert_int_equal(t->ifc.read(t->u, fd, buf, 2), 2);
	assert_int_equal(t->ifc.readv(t->u, fd, &iov, 1), 2);
	assert_memory_equal(buf, "bb", 2);
	assert_int_equal(t->ifc.recv(t->u, fd, buf, 2, 0), 2);
	assert_int_equal(t->ifc.recvfrom(t->u, fd, buf, 2, 0, NULL, NULL), 2);
	assert_int_equal(t->ifc.recvmsg(t->u, fd, &msg, 0), 2);
	assert_memory_equal(buf, "ee", 2);
	assert_int_equal(t->ifc.close(t->u, fd), 0);
	(void)expect(t, FIN | ACK, 0);
	assert_int_equal(t->ifc.close(t->u, lfd), 0);
}

static void all_ways_to_write(void **state)
{
	struct pd_test *t = *state;
	int lfd = listener(t, 0);
	int fd = accepted(t, lfd);
	int on = 1;
	struct iovec iov = { (char *)(uintptr_t) "xy", 2 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	assert_int_equal(t->ifc.setsockopt(t->u, fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)), 0);
	assert_int_equal(t->ifc.write(t->u, fd, "xy", 2), 2);
	(void)expect(t, ACK | PSH, 2);
	assert_int_equal(t->ifc.writev(t->u, fd, &iov, 1), 2);
	(void)expect(t, ACK | PSH, 2);
	assert_int_equal(t->ifc.send(t->u, fd, "xy", 2, 0), 2);
	(void)expect(t, ACK | PSH, 2);
	assert_int_equal(t->ifc.sendto(t->u, fd, "xy", 2, 0, NULL, 0), 2);
	(void)expect(t, ACK | PSH, 2);
	assert_int_equal(t->ifc.sendmsg(t->u, fd, &msg, 0), 2);
	(void)expect(t, ACK | PSH, 2);
	assert_int_equal(t->ifc.shutdown(t->u, fd, SHUT_WR), 0);
	(void)expect(t, FIN | ACK, 0);
	inject(t, FIN | ACK, NULL);
	(void)expect(t, ACK, 0);
	assert_int_equal(t->ifc.close(t->u, fd), 0);
	assert_int_equal(t->ifc.close(t->u, lfd), 0);
}

static void poll_and_epoll(void **state)
{
	struct pd_test *t = *state;
	int lfd = listener(t, SOCK_NONBLOCK), fd, ep;
	struct epoll_event ev = { .events = EPOLLIN, .data.u64 = 7 };
	struct pollfd pfd = { .fd = lfd, .events = POLLIN };
	long long t0;

	assert_int_equal(t->ifc.fcntl(t->u, lfd, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
	t0 = now_us(t);
	assert_int_equal(t->ifc.poll(t->u, &pfd, 1, 10), 0);
	assert_in_range(now_us(t) - t0, 10000, 11000);
	handshake(t);
	assert_int_equal(t->ifc.poll(t->u, &pfd, 1, 0), 1);
	assert_int_equal(pfd.revents, POLLIN);
	fd = t->ifc.accept(t->u, lfd, NULL, NULL);
	ep = t->ifc.epoll_create(t->u, 1);
	assert_true(ep >= 0);
	assert_int_equal(t->ifc.epoll_ctl(t->u, ep, EPOLL_CTL_ADD, fd, &ev), 0);
	assert_int_equal(t->ifc.epoll_wait(t->u, ep, &ev, 1, 0), 0);
	inject(t, ACK | PSH, "a");
	assert_int_equal(t->ifc.epoll_wait(t->u, ep, &ev, 1, 0), 1);
	assert_int_equal(ev.data.u64, 7);
	assert_int_equal(t->ifc.close(t->u, ep), 0);
}

static void splice_by_way_of_a_pipe(void **state)
{
	struct pd_test *t = *state;
	int lfd = listener(t, 0);
	int fd = accepted(t, lfd);
	int p[2];

	assert_int_equal(t->ifc.pipe(t->u, p), 0);
	inject(t, ACK | PSH, "echo");
	(void)expect(t, ACK, 0);
	assert_int_equal(t->ifc.splice(t->u, fd, NULL, p[1], NULL, 10, 0), 4);
	assert_int_equal(t->ifc.splice(t->u, p[0], NULL, fd, NULL, 10, 0), 4);
	(void)expect(t, ACK | PSH, 4);
	assert_int_equal(t->ifc.close(t->u, p[0]), 0);
	assert_int_equal(t->ifc.close(t->u, p[1]), 0);
}

static void connect_and_options(void **state)
{
	struct pd_test *t = *state;
	struct sockaddr_in sin = {
		.sin_family = AF_INET,
		.sin_port = htons(PEER_PORT),
		.sin_addr.s_addr = htonl(0xc0000201),
	};
	int fd = t->ifc.socket(t->u, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	struct tcp_info info;
	socklen_t len = sizeof(info);

	assert_int_equal(t->ifc.connect(t->u, fd, (struct sockaddr *)&sin, sizeof(sin)), -1);
	assert_int_equal(errno, EINPROGRESS);
	(void)expect(t, SYN, 0);
	assert_int_equal(t->ifc.getsockopt(t->u, fd, IPPROTO_TCP, TCP_INFO, &info, &len), 0);
	assert_int_equal(info.tcpi_state, TCP_SYN_SENT);
	/* what the tool asks libc for reaches the plug-in as well; a sanitizer asks libc itself */
	len = sizeof(info);
	if (!own_getsockopt) {
		assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len), 0);
		assert_int_equal(info.tcpi_state, TCP_SYN_SENT);
	}
	assert_int_equal(close(fd), 0);
	assert_int_equal(t->ifc.close(t->u, fd), -1);
}

/* Neighbour discovery is not for the tool, and every address is taken for ours. */
static void ipv6(void **state)
{
	struct pd_test *t = *state;
	struct sockaddr_in6 sin6 = { .sin6_family = AF_INET6, .sin6_port = htons(PEER_PORT) };
	struct sockaddr_in6 ours = { .sin6_family = AF_INET6, .sin6_port = htons(PORT) };
	int fd = t->ifc.socket(t->u, AF_INET6, SOCK_STREAM | SOCK_NONBLOCK, 0);
	uint8_t p[256];
	size_t n = sizeof(p);
	long long at;

	sin6.sin6_addr.s6_addr[0] = 0xfd;
	sin6.sin6_addr.s6_addr[15] = 9;
	ours.sin6_addr.s6_addr[0] = 0xfd;
	ours.sin6_addr.s6_addr[15] = 8;
	assert_int_equal(t->ifc.bind(t->u, fd, (struct sockaddr *)&ours, sizeof(ours)), 0);
	assert_int_equal(t->ifc.connect(t->u, fd, (struct sockaddr *)&sin6, sizeof(sin6)), -1);
	assert_int_equal(errno, EINPROGRESS);
	assert_int_equal(t->ifc.netdev_receive(t->u, p, &n, &at), 0);
	assert_true(n >= 60);
	assert_int_equal(p[0] >> 4, 6);
	assert_int_equal(p[6], IPPROTO_TCP);
	assert_memory_equal(p + 8, &ours.sin6_addr, 16);
	assert_memory_equal(p + 24, &sin6.sin6_addr, 16);
	assert_int_equal(p[40 + 13], SYN);
	assert_int_equal(t->ifc.close(t->u, fd), 0);
}

/* sendfile() of the tool's own, which reaches the plug-in by its name. */
static void a_file_is_sent(void **state)
{
	struct pd_test *t = *state;
	int lfd = listener(t, 0);
	int fd = accepted(t, lfd);
	FILE *f = tmpfile();
	off_t off = 1;

	assert_non_null(f);
	assert_int_equal(fwrite("hello", 1, 5, f), 5);
	assert_int_equal(fflush(f), 0);
	assert_int_equal(sendfile(fd, fileno(f), &off, 4), 4);
	assert_int_equal(off, 5);
	(void)expect(t, ACK | PSH, 4);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(t->ifc.close(t->u, fd), 0);
	assert_int_equal(t->ifc.close(t->u, lfd), 0);
}

/* ---- a call that blocks ---- */

struct sleeper {
	struct pd_test *t;
	int lfd, fd;
	long long at;
	volatile bool done;
};

static void *accept_and_look_at_the_time(void *arg)
{
	struct sleeper *s = arg;

	s->fd = s->t->ifc.accept(s->t->u, s->lfd, NULL, NULL);
	s->at = now_us(s->t);
	s->done = true;
	return NULL;
}

static void the_clock_waits_for_a_released_call(void **state)
{
	struct pd_test *t = *state;
	struct sleeper s = { .t = t, .lfd = listener(t, 0) };
	pthread_t thread;
	long long at;

	pthread_create(&thread, NULL, accept_and_look_at_the_time, &s);
	usleep(50000); /* of real time: it is asleep then, and accepts at once if it is not */
	assert_false(s.done);
	assert_int_equal(t->ifc.usleep(t->u, 300000), 0);
	assert_false(s.done);
	t->seq = PEER_ISN;
	inject(t, SYN, NULL);
	(void)expect(t, SYN | ACK, 0);
	at = now_us(t);
	inject(t, ACK, NULL);
	assert_int_equal(t->ifc.usleep(t->u, 10000000), 0);
	pthread_join(thread, NULL);
	assert_true(s.fd >= 0);
	assert_in_range(s.at, at, at + 10);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test_setup_teardown(time_is_driven_by_the_tool, setup, teardown),
	cmocka_unit_test_setup_teardown(a_packet_that_never_comes_is_an_answer, setup, teardown),
	cmocka_unit_test_setup_teardown(waiting_for_a_packet_moves_the_clock, setup, teardown),
	cmocka_unit_test_setup_teardown(keepalive_is_waited_for, setup, teardown),
	cmocka_unit_test_setup_teardown(blocking_on_the_main_thread_ends, setup, teardown),
	cmocka_unit_test_setup_teardown(all_ways_to_read, setup, teardown),
	cmocka_unit_test_setup_teardown(all_ways_to_write, setup, teardown),
	cmocka_unit_test_setup_teardown(poll_and_epoll, setup, teardown),
	cmocka_unit_test_setup_teardown(splice_by_way_of_a_pipe, setup, teardown),
	cmocka_unit_test_setup_teardown(connect_and_options, setup, teardown),
	cmocka_unit_test_setup_teardown(ipv6, setup, teardown),
	cmocka_unit_test_setup_teardown(a_file_is_sent, setup, teardown),
	cmocka_unit_test_setup_teardown(the_clock_waits_for_a_released_call, setup, teardown),
};

ZS_TEST_MAIN(tests)
