/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Closed-loop HTTP load on our own stack, for measuring a server that is the other end of a memif
 *or vhost link: each connection has one request under way and sends the next when the response is
 * complete. The first response of each connection is verified byte for byte against the pattern of
 * examples/http.h; after that a response counts as complete when its length is reached.
 *
 *	load [--to 10.18.0.2:80] [--size 64] [--conns 50] [--seconds 3] [--conf config.ini]
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <ff_api.h>
#include <ff_event.h>
#include <zstack.h>

#include "../examples/http.h"
#include "../examples/options.h"

enum { MAX_CONNS = 1024, MAX_EVENTS = 256, MAX_FDS = 65536 };

struct conn {
	int fd;
	bool verified;
	uint64_t expect; /* bytes of one response; 0 until the first head is complete */
	uint64_t got;	 /* of the response under way */
	struct http_response model;
};

static struct conn *by_fd[MAX_FDS];
static struct conn conns[MAX_CONNS];
static int kq;
static uint64_t size, n_conns, n_done, n_failed, measured_from_us, end_us, done_at_start;
static char request[128];
static size_t request_len;

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static void fail(const char *what)
{
	fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
	n_failed++;
	ff_stop_run();
}

static void ask(struct conn *c)
{
	c->got = 0;
	if (ff_write(c->fd, request, request_len) != (ssize_t)request_len)
		fail("write");
}

/* Compares n response bytes with what the server has to send. */
static bool matches(struct conn *c, const void *data, size_t n)
{
	char want[2048];

	while (n > 0) {
		size_t k = n < sizeof(want) ? n : sizeof(want);

		k = http_produce(&c->model, want, k);
		if (k == 0 || memcmp(want, data, k) != 0)
			return false;
		c->model.pos += k;
		data = (const char *)data + k;
		n -= k;
	}
	return true;
}

static void take(struct conn *c)
{
	struct z_iov v[64];
	int n = z_peek(c->fd, v, 64, 0);
	size_t used = 0;

	if (n <= 0) {
		if (n == 0 || errno != EAGAIN)
			fail("connection lost");
		return;
	}
	for (int i = 0; i < n && i < 64; i++) {
		if (!c->verified && !matches(c, v[i].ptr, v[i].len)) {
			errno = EBADMSG;
			fail("response");
			return;
		}
		used += v[i].len;
	}
	z_consume(c->fd, used);
	c->got += used;
	if (c->got == c->expect) {
		c->verified = true;
		n_done++;
		ask(c);
	}
}

static void begin(struct conn *c)
{
	struct http_request req = { .body = size, .status = 200 };
	struct kevent ev;

	http_respond(&c->model, &req);
	c->expect = http_left(&c->model);
	EV_SET(&ev, c->fd, EVFILT_WRITE, EV_DELETE, 0, 0, NULL);
	ff_kevent(kq, &ev, 1, NULL, 0, NULL);
	EV_SET(&ev, c->fd, EVFILT_READ, EV_ADD | EV_CLEAR, 0, 0, NULL);
	ff_kevent(kq, &ev, 1, NULL, 0, NULL);
	ask(c);
}

static int loop(void *arg)
{
	static struct kevent events[MAX_EVENTS];
	int n = ff_kevent(kq, NULL, 0, events, MAX_EVENTS, NULL);
	uint64_t now;

	(void)arg;
	for (int i = 0; i < n; i++) {
		struct conn *c = by_fd[events[i].ident];

		if (events[i].filter == EVFILT_WRITE)
			begin(c);
		else
			take(c);
	}
	now = now_us();
	if (done_at_start == 0 && now >= measured_from_us)
		done_at_start = n_done;
	if (now >= end_us)
		ff_stop_run();
	return 0;
}

static bool open_all(const struct sockaddr_in *to)
{
	for (uint64_t i = 0; i < n_conns; i++) {
		struct conn *c = &conns[i];
		struct kevent ev;

		c->fd = ff_socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		if (c->fd < 0 || c->fd >= MAX_FDS)
			return false;
		if (ff_connect(c->fd, (const struct linux_sockaddr *)to, sizeof(*to)) < 0 &&
		    errno != EINPROGRESS)
			return false;
		by_fd[c->fd] = c;
		EV_SET(&ev, c->fd, EVFILT_WRITE, EV_ADD, 0, 0, NULL);
		if (ff_kevent(kq, &ev, 1, NULL, 0, NULL) < 0)
			return false;
	}
	return true;
}

int main(int argc, char **argv)
{
	struct sockaddr_in to = option_address(argc, argv, "--to", "10.18.0.2:80");
	uint64_t seconds = option_number(argc, argv, "--seconds", 3);

	size = option_number(argc, argv, "--size", 64);
	n_conns = option_number(argc, argv, "--conns", 50);
	if (n_conns == 0 || n_conns > MAX_CONNS || seconds == 0) {
		fprintf(stderr, "load: 1 to %d connections, at least one second\n", MAX_CONNS);
		return 2;
	}
	if (ff_init(argc, argv) < 0)
		return 1;
	request_len = (size_t)snprintf(request, sizeof(request),
				       "GET /%lu HTTP/1.1\r\nHost: bench\r\n\r\n", size);
	kq = ff_kqueue();
	if (kq < 0 || !open_all(&to)) {
		perror("load: connect");
		return 1;
	}
	measured_from_us = now_us() + 500000; /* handshakes and slow start are not measured */
	end_us = measured_from_us + seconds * 1000000;
	ff_run(loop, NULL);
	if (n_failed > 0 || n_done == 0) {
		fprintf(stderr, "load: %lu failures, %lu responses\n", n_failed, n_done);
		return 1;
	}
	printf("load: requests=%lu seconds=%lu rate=%.0f\n", n_done, seconds,
	       (double)(n_done - done_at_start) / (double)seconds);
	return 0;
}
