/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A program with a loop of its own: it waits in the kernel's epoll, for the stack (z_ctx_fd) and
 * for signals, and answers every request on port 80 with 200 and no body. Ends on SIGTERM.
 *
 *	own_loop [--conf config.ini]
 */
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <ff_api.h>
#include <ff_epoll.h>
#include <zstack.h>

enum { EVENTS = 64 };

static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
static uint64_t requests, waits;

static int die(const char *what)
{
	perror(what);
	return 1;
}

static int kernel_watch(int ep, int fd)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.fd = fd };

	return epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev);
}

static int term_fd(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	return sigprocmask(SIG_BLOCK, &set, NULL) < 0 ? -1 : signalfd(-1, &set, SFD_CLOEXEC);
}

static int stack_watch(int ep, int fd)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.fd = fd };

	return ff_epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev);
}

static int stack_listen(void)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_port = htons(80) };
	int fd = ff_socket(AF_INET, SOCK_STREAM, 0), on = 1;

	if (fd < 0 || ff_ioctl(fd, FIONBIO, &on) < 0 ||
	    ff_bind(fd, (struct linux_sockaddr *)&sa, sizeof(sa)) < 0 || ff_listen(fd, 100) < 0)
		return -1;
	return fd;
}

/* A request comes in one piece and ends with an empty line. */
static void serve(int fd)
{
	char buf[4096];
	ssize_t n = ff_read(fd, buf, sizeof(buf));

	if (n > 0) {
		requests++;
		(void)ff_write(fd, answer, strlen(answer));
	} else if (n == 0) {
		ff_close(fd);
	}
}

static void serve_all(int ep, int listener)
{
	struct epoll_event ev[EVENTS];
	int n = ff_epoll_wait(ep, ev, EVENTS, 0);

	for (int i = 0; i < n; i++) {
		int fd = ev[i].data.fd;

		if (fd != listener)
			serve(fd);
		else if ((fd = ff_accept(listener, NULL, NULL)) >= 0)
			(void)stack_watch(ep, fd);
	}
}

int main(int argc, char **argv)
{
	struct epoll_event ev[2];
	int term = term_fd(), ep = epoll_create1(EPOLL_CLOEXEC);
	int stack_ep, listener;
	bool end = false;

	if (ff_init(argc, argv) < 0)
		return 1;
	stack_ep = ff_epoll_create(1);
	listener = stack_listen();
	if (listener < 0 || stack_watch(stack_ep, listener) < 0)
		return die("listen");
	if (kernel_watch(ep, term) < 0 || kernel_watch(ep, z_ctx_fd()) < 0)
		return die("z_ctx_fd");
	while (!end) {
		int n = epoll_wait(ep, ev, 2, -1);

		waits++;
		for (int i = 0; i < n; i++)
			end |= ev[i].data.fd == term;
		z_poll(32);
		serve_all(stack_ep, listener);
	}
	printf("own_loop: requests=%lu waits=%lu bufs_in_use=0\n", requests, waits);
	return 0;
}
