/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * TCP Fast Open from both ends (RFC 7413).
 *
 *	fastopen --conf config.ini serve		echoes on port 7; a SYN may carry data
 *	fastopen --conf config.ini connect ADDRESS	twice: 1,000 bytes with the SYN, echoed
 */
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>

#include <ff_api.h>
#include <zstack.h>

#include "pattern.h"

enum { PORT = 7, SIZE = 1000, BACKLOG = 16 };

static int die(const char *what)
{
	perror(what);
	exit(1);
}

static void echo(int fd)
{
	char buf[4096];
	ssize_t n;

	while ((n = ff_read(fd, buf, sizeof(buf))) > 0)
		for (ssize_t done = 0, k; done < n; done += k)
			if ((k = ff_write(fd, buf + done, (size_t)(n - done))) <= 0)
				die("write");
	ff_close(fd);
}

static void serve(void)
{
	struct sockaddr_in6 any = { .sin6_family = AF_INET6, .sin6_port = htons(PORT) };
	int fd = ff_socket(AF_INET6, SOCK_STREAM, 0), qlen = BACKLOG;

	if (fd < 0 || ff_bind(fd, (void *)&any, sizeof(any)) < 0 ||
	    ff_setsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN, &qlen, sizeof(qlen)) < 0 ||
	    ff_listen(fd, BACKLOG) < 0)
		die("listen");
	for (;;) {
		int c = ff_accept(fd, NULL, NULL);

		if (c < 0)
			break; /* a signal ends the stack */
		echo(c);
	}
}

static void ask(const struct sockaddr_in *to)
{
	char out[SIZE], in[SIZE];
	int fd = ff_socket(AF_INET, SOCK_STREAM, 0);
	size_t got = 0;

	pattern_fill(out, 0, SIZE);
	if (fd < 0 || ff_sendto(fd, out, SIZE, MSG_FASTOPEN, (const void *)to, sizeof(*to)) != SIZE)
		die("sendto");
	while (got < SIZE) {
		ssize_t n = ff_read(fd, in + got, SIZE - got);

		if (n <= 0)
			die("read");
		got += (size_t)n;
	}
	if (memcmp(in, out, SIZE) != 0)
		exit(2);
	ff_close(fd);
}

int main(int argc, char **argv)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(PORT) };

	if (ff_init(argc, argv) < 0)
		return 1;
	if (strcmp(argv[argc - 1], "serve") == 0) {
		serve();
		return 0;
	}
	if (inet_pton(AF_INET, argv[argc - 1], &to.sin_addr) != 1)
		return 1;
	ask(&to);
	ask(&to);
	return 0;
}
