/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * HTTP client that reads like any other: blocking calls, no ff_run. While a call waits it drives
 * the stack. Fetches from one of the example servers, which may well be kernel_http, checks every
 * byte and prints how long it took.
 *
 * Exits with 0 when every body was complete and right.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include <ff_api.h>
#include <zstack.h>

#include "http.h"
#include "options.h"
#include "pattern.h"
#include "report.h"

enum { MAX_BUFS = 64 };

struct fetch {
	uint64_t size;	 /* of the body, as asked for */
	uint64_t got;	 /* bytes of body so far */
	uint32_t n_head; /* bytes of head so far */
	bool in_body;
	char head[HTTP_HEAD_MAX + 1];
};

static int64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000ll + t.tv_nsec / 1000;
}

static bool bad(const char *what)
{
	fprintf(stderr, "client: %s\n", what);
	return false;
}

static bool failed(const char *call)
{
	fprintf(stderr, "client: %s: %s\n", call, strerror(errno));
	return false;
}

/* The head ends with an empty line. Returns how many of the n bytes belong to it. */
static size_t take_head(struct fetch *f, const char *data, size_t n)
{
	size_t used = 0;

	while (used < n && !f->in_body && f->n_head < HTTP_HEAD_MAX) {
		f->head[f->n_head++] = data[used++];
		f->in_body = f->n_head >= 4 && memcmp(f->head + f->n_head - 4, "\r\n\r\n", 4) == 0;
	}
	return used;
}

static bool check_head(const struct fetch *f)
{
	const char *length = strcasestr(f->head, "\r\nContent-Length:");

	if (strncmp(f->head, "HTTP/1.1 200 ", 13) != 0)
		return bad("the answer is not 200");
	if (length == NULL || strtoull(length + 17, NULL, 10) != f->size)
		return bad("the answer has another length than asked for");
	return true;
}

static bool take(struct fetch *f, const char *data, size_t n)
{
	size_t right;

	if (!f->in_body) {
		size_t used = take_head(f, data, n);

		if (f->n_head == HTTP_HEAD_MAX)
			return bad("the head of the answer is too long");
		if (f->in_body && !check_head(f))
			return false;
		data += used;
		n -= used;
	}
	if (n > f->size - f->got)
		return bad("more bytes than announced");
	right = pattern_check(data, f->got, n);
	if (right < n) {
		fprintf(stderr, "client: byte %llu is wrong\n",
			(unsigned long long)(f->got + right));
		return false;
	}
	f->got += n;
	return true;
}

static bool read_body(int fd, struct fetch *f)
{
	bool ok = true;

	while (ok && (!f->in_body || f->got < f->size)) {
		z_buf *v[MAX_BUFS];
		int n = z_recv_bufs(fd, v, MAX_BUFS, NULL); /* waits for the first */

		if (n < 0)
			return failed("z_recv_bufs");
		if (n == 0)
			return bad("the connection ended early");
		for (int i = 0; i < n; i++) {
			struct z_iov piece;

			z_buf_iov(v[i], &piece, 1); /* the bytes where the NIC put them */
			ok = ok && take(f, piece.ptr, piece.len);
			z_buf_free(v[i]);
		}
	}
	return ok;
}

static bool fetch(const struct address *to, uint64_t size)
{
	struct fetch f = { .size = size };
	char request[64];
	int n = snprintf(request, sizeof(request), "GET /%llu HTTP/1.1\r\nHost: zstack\r\n\r\n",
			 (unsigned long long)size);
	int fd = ff_socket(to->family, SOCK_STREAM, 0);
	bool ok;

	if (fd < 0)
		return failed("socket");
	if (ff_connect(fd, (const struct linux_sockaddr *)to, to->len) < 0)
		ok = failed("connect");
	else if (ff_write(fd, request, (size_t)n) != n)
		ok = failed("write");
	else
		ok = read_body(fd, &f);
	ff_close(fd);
	return ok;
}

int main(int argc, char **argv)
{
	struct address to = option_address(argc, argv, "--to", "10.18.0.1:80");
	uint64_t size = option_number(argc, argv, "--size", 1 << 20, HTTP_BODY_MAX);
	uint64_t count = option_number(argc, argv, "--count", 1, UINT32_MAX);
	uint64_t done = 0;
	int64_t start;
	double us;

	options_check(argc, argv, "[--to 10.18.0.1:80] [--size 1048576] [--count 1]");
	if (ff_init(argc, argv) < 0)
		return 1;

	start = now_us();
	while (done < count && fetch(&to, size))
		done++;
	us = (double)(now_us() - start);
	printf("client: %llu of %llu fetches of %llu bytes, each byte right: %.0f us each, %.1f "
	       "MB/s\n",
	       (unsigned long long)done, (unsigned long long)count, (unsigned long long)size,
	       us / (double)(done > 0 ? done : 1), (double)(done * size) / us);
	report_turn(done);
	report("client", "requests");
	return done == count ? 0 : 1;
}
