/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A server as programs for F-Stack are written: state in global variables, descriptors set up
 * before ff_run(), a wait without a timeout inside the loop function, one answer for each read.
 * Started as F-Stack's script starts programs, with a word for the way it works:
 *
 *	ported --conf config.ini --proc-type=primary --proc-id=0 kqueue|epoll|zc
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>

#include "ff_api.h"
#include "ff_config.h"
#include "ff_epoll.h"
#include "ff_log.h"

enum { EVENTS = 512, BODY = 6000 };

static struct kevent change, events[EVENTS];
static struct epoll_event ep_change, ep_events[EVENTS];
static int kq, ep, listener, zero_copy;
static char answer[BODY + 128];
static size_t answer_len;

static void say(const char *what)
{
	ff_log(FF_LOG_ERR, FF_LOGTYPE_FSTACK_APP, "%s: %s\n", what, strerror(errno));
}

static void make_answer(void)
{
	answer_len = (size_t)sprintf(answer, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", BODY);
	for (int i = 0; i < BODY; i++)
		answer[answer_len++] = (char)('a' + i % 26);
}

/* In pieces, as a program would that has them. */
static ssize_t write_zc(int fd)
{
	struct ff_zc_mbuf zc;

	if (ff_zc_mbuf_get(&zc, (int)answer_len) < 0)
		return -1;
	for (size_t off = 0; off < answer_len; off += 1000) {
		size_t n = answer_len - off < 1000 ? answer_len - off : 1000;

		if (ff_zc_mbuf_write(&zc, answer + off, (int)n) < 0)
			return -1;
	}
	return ff_write(fd, zc.bsd_mbuf, answer_len);
}

static void serve(int fd)
{
	char buf[256];
	ssize_t n = ff_read(fd, buf, sizeof(buf));

	if (n > 0)
		n = zero_copy ? write_zc(fd) : ff_write(fd, answer, answer_len);
	if (n <= 0)
		ff_close(fd);
}

static int kqueue_loop(void *arg)
{
	int n = ff_kevent(kq, NULL, 0, events, EVENTS, NULL);

	(void)arg;
	for (int i = 0; i < n; i++) {
		int fd = (int)events[i].ident;

		if (events[i].flags & EV_EOF) {
			ff_close(fd);
		} else if (fd == listener) {
			for (int64_t left = events[i].data; left > 0; left--) {
				int new = ff_accept(fd, NULL, NULL);

				EV_SET(&change, new, EVFILT_READ, EV_ADD, 0, 0, NULL);
				if (new < 0 || ff_kevent(kq, &change, 1, NULL, 0, NULL) < 0)
					say("accept");
			}
		} else if (events[i].filter == EVFILT_READ) {
			serve(fd);
		}
	}
	return 0;
}

static int epoll_loop(void *arg)
{
	int n = ff_epoll_wait(ep, ep_events, EVENTS, 0);

	(void)arg;
	for (int i = 0; i < n; i++) {
		int fd = ep_events[i].data.fd;

		if (ep_events[i].events & EPOLLERR) {
			ff_close(fd);
		} else if (fd == listener) {
			int new;

			while ((new = ff_accept(fd, NULL, NULL)) >= 0) {
				ep_change.data.fd = new;
				ep_change.events = EPOLLIN;
				if (ff_epoll_ctl(ep, EPOLL_CTL_ADD, new, &ep_change) < 0)
					say("epoll_ctl");
			}
		} else if (ep_events[i].events & EPOLLIN) {
			serve(fd);
		}
	}
	return 0;
}

int main(int argc, char *argv[])
{
	const char *way = argv[argc - 1];
	struct sockaddr_in addr;
	int on = 1;

	ff_init(argc, argv);
	ff_log_set_global_level(FF_LOG_INFO);
	ff_log_set_level(FF_LOGTYPE_FSTACK_APP, FF_LOG_INFO);
	make_answer();
	zero_copy = strcmp(way, "zc") == 0;
	listener = ff_socket(AF_INET, SOCK_STREAM, 0);
	ff_ioctl(listener, FIONBIO, &on);
	bzero(&addr, sizeof(addr));
	addr.sin_family = AF_INET;
	addr.sin_port = htons(80);
	if (ff_bind(listener, (struct linux_sockaddr *)&addr, sizeof(addr)) < 0 ||
	    ff_listen(listener, EVENTS) < 0) {
		say("listen");
		exit(1);
	}
	if (strcmp(way, "epoll") == 0) {
		ep = ff_epoll_create(0);
		ep_change.data.fd = listener;
		ep_change.events = EPOLLIN;
		ff_epoll_ctl(ep, EPOLL_CTL_ADD, listener, &ep_change);
	} else {
		kq = ff_kqueue();
		EV_SET(&change, listener, EVFILT_READ, EV_ADD, 0, EVENTS, NULL);
		ff_kevent(kq, &change, 1, NULL, 0, NULL);
	}
	ff_log(FF_LOG_INFO, FF_LOGTYPE_FSTACK_APP, "ready, %d process of %d\n",
	       ff_global_cfg.dpdk.proc_id, ff_global_cfg.dpdk.nb_procs);
	ff_run(strcmp(way, "epoll") == 0 ? epoll_loop : kqueue_loop, NULL);
	return 0;
}
