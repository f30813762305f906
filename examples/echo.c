/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * TCP echo: the buffers that the NIC filled go back out. Nothing is copied, nothing is allocated
 * per message: the old headers of a received buffer are the headroom for the new ones.
 */
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include <ff_api.h>
#include <ff_event.h>
#include <zstack.h>

#include "options.h"
#include "report.h"

enum { MAX_EVENTS = 512, MAX_FDS = 65536, READ_MAX = 65536 };

struct conn {
	int fd;
	z_buf *held; /* read, but the send buffer had no room: first thing to go */
	size_t n_held;
};

/* Of each core's thread. */
static __thread struct conn *conns[MAX_FDS];
static __thread uint64_t n_messages;

static int kq, listener; /* the same numbers on every core */

static void watch(int fd, short filter, unsigned short flags)
{
	struct kevent change;

	EV_SET(&change, fd, filter, EV_ADD | flags, 0, 0, NULL);
	if (ff_kevent(kq, &change, 1, NULL, 0, NULL) < 0)
		perror("kevent");
}

static void hang_up(struct conn *c)
{
	conns[c->fd] = NULL;
	z_buf_free(c->held);
	ff_close(c->fd); /* sends what is queued, then FIN */
	free(c);
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
		conns[fd] = c;
		ff_setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		watch(fd, EVFILT_READ, EV_CLEAR);
	}
}

/* In the send buffer, or for buffers in the pools. */
static void wait_for_room(const struct conn *c)
{
	if (errno == ENOBUFS)
		z_await_buffers(c->fd);
	watch(c->fd, EVFILT_WRITE, EV_ONESHOT);
}

static void echo(struct conn *c)
{
	for (;;) {
		if (c->held == NULL) {
			ssize_t n = z_read(c->fd, &c->held, READ_MAX);

			if (n < 0 && errno == EAGAIN)
				return;
			if (n < 0 && errno == ENOBUFS) {
				wait_for_room(c);
				return;
			}
			if (n <= 0)
				break;
			c->n_held = (size_t)n;
		}
		if (z_write(c->fd, c->held, c->n_held) < 0) {
			if (errno != EAGAIN && errno != ENOBUFS)
				break;
			wait_for_room(c);
			return;
		}
		c->held = NULL; /* the stack's now */
		n_messages++;
	}
	hang_up(c);
}

static int loop(void *arg)
{
	struct kevent events[MAX_EVENTS];
	int n = ff_kevent(kq, NULL, 0, events, MAX_EVENTS, NULL);

	(void)arg;
	for (int i = 0; i < n; i++) {
		int fd = (int)events[i].ident;

		if (fd == listener)
			accept_all();
		else if (conns[fd] != NULL)
			echo(conns[fd]);
	}
	report_turn(n_messages);
	return 0;
}

int main(int argc, char **argv)
{
	uint64_t port = option_number(argc, argv, "--port", 7, 65535);
	int on = 1;

	options_check(argc, argv, "[--port 7]");
	if (ff_init(argc, argv) < 0)
		return 1;

	kq = ff_kqueue();
	listener = any_socket(SOCK_STREAM, port);
	if (listener < 0 || ff_ioctl(listener, FIONBIO, &on) < 0 || ff_listen(listener, 512) < 0) {
		perror("listen");
		return 1;
	}
	watch(listener, EVFILT_READ, 0);

	ff_run(loop, NULL);
	report("echo", "messages");
	return 0;
}
