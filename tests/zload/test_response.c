/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The response parser of zload. Every stream is fed whole, byte by byte, and in two pieces cut at
 * each place: what it says must not depend on where the network cuts.
 */
#include "tests/zs_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/zload/response.h"

enum { LOG_MAX = 4096 };

/* Shared by all: what one response taught must not mislead another. */
static struct response_memo memo;

/* What was found: "200:hello;" for each response, "!" for nonsense. '+' behind the status: the
 * connection ends. */
struct found {
	char log[LOG_MAX];
	size_t n;
	char body[LOG_MAX];
	size_t n_body;
};

static void note_done(struct found *f, const struct response *r)
{
	f->n += (size_t)snprintf(f->log + f->n, LOG_MAX - f->n, "%d%s:%.*s;", r->status,
				 r->close ? "+" : "", (int)f->n_body, f->body);
	f->n_body = 0;
}

/* Copies the piece, so that a sanitizer sees what is read beyond it. False after nonsense. */
static bool feed(struct response *r, struct found *f, const char *s, size_t n)
{
	char *copy = malloc(n > 0 ? n : 1);
	const char *p = memcpy(copy, s, n);
	const char *end = p + n;
	enum response_event ev;

	while ((ev = response_next(r, &memo, &p, end)) != RESPONSE_MORE) {
		if (ev == RESPONSE_BODY) {
			assert_true(r->body_off == f->n_body);
			assert_true(f->n_body + r->body_len < LOG_MAX);
			memcpy(f->body + f->n_body, p - r->body_len, r->body_len);
			f->n_body += r->body_len;
		} else if (ev == RESPONSE_DONE) {
			note_done(f, r);
		} else {
			f->log[f->n++] = '!';
			break;
		}
	}
	assert_true(ev == RESPONSE_BAD || p == end);
	free(copy);
	return ev != RESPONSE_BAD;
}

static void finish(struct response *r, struct found *f, bool ended)
{
	enum response_event ev = ended ? response_end(r) : RESPONSE_MORE;

	if (ev == RESPONSE_DONE)
		note_done(f, r);
	else if (ev == RESPONSE_BAD)
		f->log[f->n++] = '!';
	f->log[f->n] = '\0';
}

static void expect_pieces(const char *s, size_t n, size_t cut, size_t step, bool ended,
			  const char *want)
{
	struct response r = { 0 };
	static struct found f;
	bool good = true;

	f.n = f.n_body = 0;
	if (cut > 0)
		good = feed(&r, &f, s, cut);
	for (size_t at = cut; good && at < n; at += step)
		good = feed(&r, &f, s + at, n - at < step ? n - at : step);
	finish(&r, &f, good && ended);
	assert_string_equal(f.log, want);
}

static void expect_n(const char *s, size_t n, bool ended, const char *want)
{
	expect_pieces(s, n, 0, 1, ended, want);
	for (size_t cut = 0; cut < n; cut++)
		expect_pieces(s, n, cut, n, ended, want);
}

/* After s the connection is still open. */
static void expect(const char *s, const char *want)
{
	expect_n(s, strlen(s), false, want);
}

/* After s the connection ended. */
static void expect_ended(const char *s, const char *want)
{
	expect_n(s, strlen(s), true, want);
}

static void content_length(void **state)
{
	(void)state;
	expect("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "200:hello;");
	expect("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "200:;");
	expect("HTTP/1.1 200\r\ncontent-LENGTH:\t 5 \r\nServer: x\r\n\r\nhello", "200:hello;");
	expect("HTTP/1.1 404 Not Found\nContent-Length: 2\n\nno", "404:no;"); /* LF alone */
	expect("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
	       "200:hello;");
	expect("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel", "");
}

static void several_in_a_row(void **state)
{
	(void)state;
	expect("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab"
	       "\r\nHTTP/1.1 204 No Content\r\n\r\n"
	       "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"
	       "HTTP/1.1 500 Oops\r\nContent-Length: 1\r\n\r\n!",
	       "200:ab;204:;200:x;500:!;");
}

static void chunked(void **state)
{
	(void)state;
	expect("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	       "5\r\nhello\r\n6;name=\"v\"\r\n world\r\n0\r\n\r\n",
	       "200:hello world;");
	expect("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, Chunked \r\n\r\n"
	       "0A \r\n0123456789\r\n000\r\nTrailer: x\r\nAnother: y\r\n\r\n",
	       "200:0123456789;");
	/* chunks win over a length (RFC 9112 6.3) */
	expect("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"
	       "1\r\nx\r\n0\r\n\r\n",
	       "200:x;");
	expect("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n"
	       "1\r\nx\r\n0\r\n\r\n",
	       "200:x;");
}

static void chunks_that_are_none(void **state)
{
	(void)state;
	expect("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", "!");
	expect("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n", "!");
	expect("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello!\r\n", "!");
	expect("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10000000000000000\r\n", "!");
	expect_ended("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", "!");
}

static void no_body_by_status(void **state)
{
	(void)state;
	expect("HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n"
	       "HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n",
	       "204:;304:;");
	/* interim responses are not answers */
	expect("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
	       "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",
	       "200:x;");
	expect("HTTP/1.1 101 Switching Protocols\r\n\r\n", "!");
}

static void until_the_connection_ends(void **state)
{
	(void)state;
	expect_ended("HTTP/1.1 200 OK\r\n\r\nall of it", "200+:all of it;");
	expect_ended("HTTP/1.0 200 OK\r\n\r\n", "200+:;");
	expect_ended("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\nContent-Length: 2\r\n\r\nabc",
		     "200+:abc;");
	expect("HTTP/1.1 200 OK\r\n\r\nall of it", "");
}

static void ends_too_early(void **state)
{
	(void)state;
	expect_ended("", "");
	expect_ended("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", "200:x;");
	expect_ended("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nx", "!");
	expect_ended("HTTP/1.1 200 OK\r\nContent-", "!");
	expect_ended("HT", "!");
}

static void connection_header(void **state)
{
	(void)state;
	expect("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", "200+:;");
	expect("HTTP/1.1 200 OK\r\nConnection: Upgrade, CLOSE\r\nContent-Length: 0\r\n\r\n",
	       "200+:;");
	expect("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", "200+:;");
	expect("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n", "200:;");
	expect("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
	       "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
	       "200:;200+:;");
}

static void not_http(void **state)
{
	(void)state;
	expect("SSH-2.0-OpenSSH_9.2\r\n", "!");
	expect("HTTP/2 200\r\n\r\n", "!");
	expect("HTTP/1.1 20 OK\r\n\r\n", "!");
	expect("HTTP/1.1 2000 OK\r\n\r\n", "!");
	expect("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "!");
	expect("HTTP/1.1 200 OK\r\nContent-Length: 1x\r\n\r\n", "!");
	expect("HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n", "!");
	expect("HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n", "!");
	expect("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", "!");
}

/* A line longer than what is kept of it: of no interest, unless it says where the body ends. */
static void long_lines(void **state)
{
	static char s[3000];
	int n;

	(void)state;
	n = snprintf(s, sizeof(s),
		     "HTTP/1.1 200 OK\r\nX-Long: %01000d\r\nContent-Length: 2\r\n\r\nab", 7);
	expect_n(s, (size_t)n, false, "200:ab;");
	n = snprintf(s, sizeof(s), "HTTP/1.1 200 OK\r\nContent-Length: %0300d\r\n\r\nab", 2);
	expect_pieces(s, (size_t)n, 0, 1, false, "!");
	expect_pieces(s, (size_t)n, 0, (size_t)n, false, "200:ab;");
}

static void endless_head(void **state)
{
	struct response r = { 0 };
	static struct found f;
	const char *head = "HTTP/1.1 200 OK\r\n";
	bool good = feed(&r, &f, head, strlen(head));
	int n = 0;

	(void)state;
	while (good && n++ < RESPONSE_HEAD_MAX)
		good = feed(&r, &f, "X: y\r\n", 6);
	assert_false(good);
}

/* The head before, with one byte more, less or another. */
static void heads_that_look_alike(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		expect("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "200:hello;");
		expect("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhell", "200:hell;");
		expect("HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nhell",
		       "200+:hell;");
		expect("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhellHTTP/1.1 200 OK\r\n"
		       "Content-Length: 41\r\n\r\n01234567890123456789012345678901234567890",
		       "200:hell;200:01234567890123456789012345678901234567890;");
		expect("HTTP/1.1 204 OK\r\nContent-Length: 4\r\n\r\n", "204:;");
		expect_ended("HTTP/1.1 200 OK\r\n\r\nhell", "200+:hell;");
	}
	assert_true(memo.len > 0);
}

static void random_bytes_end_in_order(void **state)
{
	uint64_t x = 3;

	(void)state;
	for (int round = 0; round < 2000; round++) {
		static const char words[] = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"
					    "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n";
		struct response r = { 0 };
		struct found f = { .n = 0 };
		bool good = true;

		for (int i = 0; good && i < 20; i++) {
			size_t at, n;

			x = x * 6364136223846793005ull + 1442695040888963407ull;
			at = (x >> 33) % (sizeof(words) - 1);
			n = (x >> 50) % (sizeof(words) - at);
			good = feed(&r, &f, words + at, n);
			f.n = f.n < LOG_MAX / 2 ? f.n : 0;
		}
	}
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(content_length),
	cmocka_unit_test(several_in_a_row),
	cmocka_unit_test(chunked),
	cmocka_unit_test(chunks_that_are_none),
	cmocka_unit_test(no_body_by_status),
	cmocka_unit_test(until_the_connection_ends),
	cmocka_unit_test(ends_too_early),
	cmocka_unit_test(connection_header),
	cmocka_unit_test(not_http),
	cmocka_unit_test(long_lines),
	cmocka_unit_test(endless_head),
	cmocka_unit_test(heads_that_look_alike),
	cmocka_unit_test(random_bytes_end_in_order),
};

ZS_TEST_MAIN(tests)
