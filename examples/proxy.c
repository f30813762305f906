/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * TCP proxy: every connection to --port is joined to a new one to --to. z_splice moves references
 * to the received buffers from one connection to the other: no copy, no allocation per message.
 */
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include <ff_api.h>
#include <ff_event.h>
#include <zstack.h>

#include "options.h"
#include "report.h"

enum { MAX_EVENTS = 512, MAX_FDS = 65536, SPLICE_MAX = 1 << 20 };

struct pair {
	int fd[2];     /* client, upstream */
	bool ended[2]; /* fd[i] sent its end of stream, and it was passed on */
	bool connected;
	struct pair *next; /* in gone */
};

/* Of each core's thread. */
static __thread struct pair *pairs[MAX_FDS]; /* by either fd */
/* to be closed behind the events at hand, which may name their fds */
static __thread struct pair *gone;
static __thread uint64_t n_splices;

static int kq, listener; /* the same numbers on every core */
static struct address upstream;

static void watch(int fd, short filter, unsigned short flags)
{
	struct kevent change;

	EV_SET(&change, fd, filter, EV_ADD | flags, 0, 0, NULL);
	if (ff_kevent(kq, &change, 1, NULL, 0, NULL) < 0)
		perror("kevent");
}

static void hang_up(struct pair *p)
{
	pairs[p->fd[0]] = pairs[p->fd[1]] = NULL;
	p->next = gone;
	gone = p;
}

static void close_gone(void)
{
	while (gone != NULL) {
		struct pair *p = gone;

		gone = p->next;
		ff_close(p->fd[0]);
		ff_close(p->fd[1]);
		free(p);
	}
}

static int connect_upstream(void)
{
	int fd = ff_socket(upstream.family, SOCK_STREAM, 0);
	int on = 1;

	if (fd < 0)
		return -1;
	ff_ioctl(fd, FIONBIO, &on);
	if (ff_connect(fd, (struct linux_sockaddr *)&upstream, upstream.len) < 0 &&
	    errno != EINPROGRESS) {
		ff_close(fd);
		return -1;
	}
	return fd;
}

static void join(int client)
{
	int up = connect_upstream();
	struct pair *p = up >= 0 && up < MAX_FDS && client < MAX_FDS ? calloc(1, sizeof(*p)) : NULL;
	int on = 1;

	if (p == NULL) {
		if (up >= 0)
			ff_close(up);
		ff_close(client);
		return;
	}
	*p = (struct pair){ .fd = { client, up } };
	for (int i = 0; i < 2; i++) {
		pairs[p->fd[i]] = p;
		ff_setsockopt(p->fd[i], IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	}
	watch(up, EVFILT_WRITE, EV_ONESHOT); /* fires when connected, or when that failed */
}

/* Moves what can be moved from fd[i] to the other side. False when the pair is beyond help. */
static bool move(struct pair *p, int i)
{
	int from = p->fd[i], to = p->fd[!i];

	while (!p->ended[i]) {
		ssize_t n = z_splice(from, to, SPLICE_MAX, 0);

		if (n > 0) {
			n_splices++;
		} else if (n == 0) {
			p->ended[i] = true;
			ff_shutdown(to, SHUT_WR);
		} else if (errno == EAGAIN || errno == ENOBUFS) {
			if (errno == ENOBUFS || z_send_space(to) == 0)
				watch(to, EVFILT_WRITE, EV_ONESHOT);
			break;
		} else {
			return false;
		}
	}
	return true;
}

static void relay(struct pair *p)
{
	int error = 0;
	socklen_t len = sizeof(error);

	if (!p->connected) {
		ff_getsockopt(p->fd[1], SOL_SOCKET, SO_ERROR, &error, &len);
		if (error != 0) {
			hang_up(p);
			return;
		}
		p->connected = true;
		watch(p->fd[0], EVFILT_READ, EV_CLEAR);
		watch(p->fd[1], EVFILT_READ, EV_CLEAR);
	}
	if (!move(p, 0) || !move(p, 1) || (p->ended[0] && p->ended[1]))
		hang_up(p);
}

static int loop(void *arg)
{
	struct kevent events[MAX_EVENTS];
	int n = ff_kevent(kq, NULL, 0, events, MAX_EVENTS, NULL);
	int client;

	(void)arg;
	for (int i = 0; i < n; i++) {
		int fd = (int)events[i].ident;

		if (fd == listener) {
			while ((client = ff_accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0)
				join(client);
		} else if (pairs[fd] != NULL) {
			relay(pairs[fd]);
		}
	}
	close_gone();
	report_turn(n_splices);
	return 0;
}

int main(int argc, char **argv)
{
	uint64_t port = option_number(argc, argv, "--port", 8080, 65535);
	int on = 1;

	upstream = option_address(argc, argv, "--to", "10.18.0.1:80");
	options_check(argc, argv, "[--port 8080] [--to 10.18.0.1:80]");
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
	report("proxy", "splices");
	return 0;
}
