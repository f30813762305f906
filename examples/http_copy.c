/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * HTTP server on the POSIX-like calls: ff_read, ff_write, epoll. Payload is copied once in each
 * direction, as with a kernel's sockets. Compare http_zc.c, which copies nothing.
 *
 *	curl http://10.18.0.2/8192
 *
 * kernel_http.c is this very program with its calls mapped to the Linux kernel's.
 */
#ifndef ON_KERNEL
#include <ff_api.h>
#include <ff_epoll.h>

#include "report.h"
#endif

#include <errno.h>
#include <malloc.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>

#include "http.h"
#include "options.h"

enum { MAX_EVENTS = 512, MAX_FDS = 65536, IN_MAX = 4096, OUT_MAX = 65536 };

struct conn {
	int fd;
	uint32_t interest;	 /* EPOLLIN, or EPOLLOUT while the send buffer is full */
	bool draining;		 /* all is sent: wait for the peer's end of stream */
	uint32_t in_pos, in_len; /* input not parsed yet */
	char in[IN_MAX];
	struct http_parser parser;
	struct http_response resp;
};

/* Of each core's thread. */
static __thread struct conn *conns[MAX_FDS];
static __thread uint64_t n_requests;

static int epfd, listener; /* the same numbers on every core */
static uint64_t default_body;

static void watch(int op, int fd, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.fd = fd };

	if (ff_epoll_ctl(epfd, op, fd, &ev) < 0)
		perror("epoll_ctl");
}

static void hang_up(struct conn *c)
{
	conns[c->fd] = NULL;
	ff_close(c->fd);
	free(c);
}

static void want(struct conn *c, uint32_t events)
{
	if (c->interest != events)
		watch(EPOLL_CTL_MOD, c->fd, events);
	c->interest = events;
}

static void accept_all(void)
{
	int fd, on = 1;

	while ((fd = ff_accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
		struct conn *c = fd < MAX_FDS ? calloc(1, sizeof(*c)) : NULL;

		if (c == NULL) {
			ff_close(fd);
			return;
		}
		c->fd = fd;
		c->interest = EPOLLIN;
		http_parser_init(&c->parser, default_body);
		ff_setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		conns[fd] = c;
		watch(EPOLL_CTL_ADD, fd, EPOLLIN);
	}
}

/* 1: all is sent; 0: the send buffer is full; -1: the connection is gone. */
static int send_response(struct conn *c)
{
	static __thread char out[OUT_MAX];

	while (http_left(&c->resp) > 0) {
		size_t n = http_produce(&c->resp, out, sizeof(out));
		ssize_t sent = ff_write(c->fd, out, n);

		if (sent < 0)
			return errno == EAGAIN ? 0 : -1;
		c->resp.pos += (uint64_t)sent;
	}
	return 1;
}

/* Answers what is in c->in, as far as the send buffer goes. */
static void serve(struct conn *c)
{
	int sent;

	while ((sent = send_response(c)) == 1) {
		bool complete;

		if (c->resp.close) {
			/* Closing with input unread would reset the connection under the response.
			 */
			ff_shutdown(c->fd, SHUT_WR);
			c->draining = true;
			break;
		}
		if (c->in_pos == c->in_len)
			break;
		c->in_pos += (uint32_t)http_parse(&c->parser, c->in + c->in_pos,
						  c->in_len - c->in_pos, &complete);
		if (complete) {
			http_respond(&c->resp, &c->parser.req);
			n_requests++;
		}
	}
	if (sent < 0)
		hang_up(c);
	else
		want(c, sent == 0 ? EPOLLOUT : EPOLLIN);
}

static void receive(struct conn *c)
{
	ssize_t n = ff_read(c->fd, c->in, sizeof(c->in));

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		hang_up(c);
		return;
	}
	if (c->draining)
		return;
	c->in_pos = 0;
	c->in_len = (uint32_t)n;
	serve(c);
}

static int loop(void *arg)
{
	struct epoll_event events[MAX_EVENTS];
	int n = ff_epoll_wait(epfd, events, MAX_EVENTS, -1);

	(void)arg;
	for (int i = 0; i < n; i++) /* they lie anywhere in memory: ask for all of them at once */
		__builtin_prefetch(conns[events[i].data.fd]);
	for (int i = 0; i < n; i++) {
		int fd = events[i].data.fd;

		if (fd == listener)
			accept_all();
		else if (conns[fd]->interest == EPOLLOUT)
			serve(conns[fd]);
		else
			receive(conns[fd]);
	}
	report_turn(n_requests);
	return 0;
}

int main(int argc, char **argv)
{
	uint64_t port = option_number(argc, argv, "--port", 80, 65535);
	int on = 1;

	default_body = option_number(argc, argv, "--body", 64, HTTP_BODY_MAX);
	options_check(argc, argv, "[--port 80] [--body 64]");
	mallopt(M_TRIM_THRESHOLD, 64 << 20); /* what one connection frees the next one needs */
	if (ff_init(argc, argv) < 0)
		return 1;

	epfd = ff_epoll_create(1);
	listener = any_socket(SOCK_STREAM, port);
	if (listener < 0 || ff_ioctl(listener, FIONBIO, &on) < 0 || ff_listen(listener, 512) < 0) {
		perror("listen");
		return 1;
	}
	watch(EPOLL_CTL_ADD, listener, EPOLLIN);

	ff_run(loop, NULL);
	report("http_copy", "requests");
	return 0;
}
