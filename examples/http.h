/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The HTTP that the example servers speak: just enough of RFC 9112 to be honest about it.
 *
 * A request is parsed from whatever pieces the network delivers, in place where a line lies in one
 * piece. A response is a position in a stream that can be produced at any offset: what a full send
 * buffer refused is simply produced again, and a connection needs no output buffer of its own.
 *
 *	GET /      a body of the server's --body bytes
 *	GET /N     a body of N bytes
 *
 * Bodies follow the pattern of pattern.h, so that a client can check every byte.
 */
#ifndef EXAMPLES_HTTP_H
#define EXAMPLES_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	HTTP_LINE_MAX = 1024, /* of one line that arrives in pieces */
	HTTP_LINES_MAX = 100, /* of one request */
	HTTP_HEAD_MAX = 192,  /* of our own response heads */
};

#define HTTP_BODY_MAX (16ull << 30)

struct http_request {
	uint64_t body; /* bytes asked for */
	int status;    /* 200, or why not */
	bool head;     /* HEAD: no body, please */
	bool old;      /* HTTP/1.0: that it does not end has to be said */
	bool close;    /* the connection ends after the response */
};

struct http_parser {
	struct http_request req;
	uint64_t default_body;
	uint32_t n_lines;   /* complete lines of this request so far */
	uint32_t n_partial; /* bytes in partial */
	char partial[HTTP_LINE_MAX];
};

struct http_response {
	uint64_t pos, end; /* next byte to send, and how many there are: head, then body */
	uint32_t head_len;
	bool close;
	char head[HTTP_HEAD_MAX];
};

void http_parser_init(struct http_parser *p, uint64_t default_body);

/*
 * Feeds n bytes. Returns how many were used; *done says that p->req is complete, and the rest of
 * the bytes belongs to the next request. A request that makes no sense is complete too: its status
 * says so and its close is set.
 */
size_t http_parse(struct http_parser *p, const char *data, size_t n, bool *done);

void http_respond(struct http_response *r, const struct http_request *req);

static inline uint64_t http_left(const struct http_response *r)
{
	return r->end - r->pos;
}

/* Writes the response's next bytes, at most n, to dst; the caller moves r->pos by what was sent. */
size_t http_produce(const struct http_response *r, void *dst, size_t n);

#endif
