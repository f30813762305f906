/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * http_copy.c on the Linux kernel's TCP/IP stack: the yardstick of `make demo`. One thread, epoll,
 * the same code; only the calls below differ.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define ON_KERNEL
#define linux_sockaddr sockaddr
#define ff_accept4 accept4
#define ff_bind bind
#define ff_close close
#define ff_epoll_create epoll_create
#define ff_epoll_ctl epoll_ctl
#define ff_epoll_wait epoll_wait
#define ff_init init
#define ff_ioctl ioctl
#define ff_listen listen
#define ff_read read
#define ff_run run
#define ff_setsockopt setsockopt
#define ff_shutdown shutdown
#define ff_socket socket
#define ff_write write

static volatile sig_atomic_t stopping;

static void stop(int sig)
{
	(void)sig;
	stopping = 1;
}

static int init(int argc, char **argv)
{
	struct sigaction on_stop = { .sa_handler = stop };

	(void)argc;
	(void)argv;
	signal(SIGPIPE, SIG_IGN);
	return sigaction(SIGINT, &on_stop, NULL) < 0 || sigaction(SIGTERM, &on_stop, NULL) < 0 ? -1
											       : 0;
}

static void run(int (*turn)(void *), void *arg)
{
	while (!stopping)
		turn(arg);
}

static uint64_t done;

static void report(const char *program, const char *what)
{
	struct rusage u;
	double cpu_us;

	(void)program;
	getrusage(RUSAGE_SELF, &u);
	cpu_us = (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e6 +
		 (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
	printf("kernel_http: %s=%lu cpu_us_per_unit=%.2f\n", what, done,
	       done > 0 ? cpu_us / (double)done : 0);
}

static void report_turn(uint64_t so_far)
{
	done = so_far;
}

#include "http_copy.c"
