/* SPDX-License-Identifier: BSD-3-Clause */
/* Request parser and response producer of the example servers: see http.h. */
#include "http.h"

#include <string.h>
#include <strings.h>

#include "pattern.h"

/* ---- requests ---- */

static void start_request(struct http_parser *p)
{
	p->req = (struct http_request){ .body = p->default_body, .status = 200 };
	p->n_lines = 0;
	p->n_partial = 0;
}

void http_parser_init(struct http_parser *p, uint64_t default_body)
{
	p->default_body = default_body;
	start_request(p);
}

static bool reject(struct http_parser *p, int status)
{
	p->req.status = status;
	p->req.close = true;
	return true;
}

static bool starts_with(const char *line, size_t n, const char *word)
{
	size_t len = strlen(word);

	return n >= len && strncasecmp(line, word, len) == 0;
}

/* "/", "/N" and either with a query: 200 and the size; anything else: 404. */
static void parse_target(struct http_request *req, const char *s, const char *end)
{
	uint64_t size = 0;
	bool known = *s++ == '/';

	if (known && (s == end || *s == '?'))
		return;
	for (; known && s < end && *s != '?'; s++) {
		unsigned digit = (unsigned)(*s - '0');

		size = size * 10 + digit;
		known = digit < 10 && size <= HTTP_BODY_MAX;
	}
	if (known)
		req->body = size;
	else
		req->status = 404;
}

static bool parse_request_line(struct http_parser *p, const char *line, size_t n)
{
	const char *version = line + n - strlen(" HTTP/1.x");
	const char *target;

	/* the method is case-sensitive (RFC 9110 9.1) */
	if (n >= 4 && memcmp(line, "GET ", 4) == 0) {
		target = line + 4;
	} else if (n >= 5 && memcmp(line, "HEAD ", 5) == 0) {
		target = line + 5;
		p->req.head = true;
	} else {
		return reject(p, version > line && memcmp(version, " HTTP/1.", 8) == 0 ? 501 : 400);
	}

	if (version <= target || memcmp(version, " HTTP/1.", 8) != 0)
		return reject(p, 400);
	p->req.old = p->req.close = version[8] == '0';
	parse_target(&p->req, target, version);
	if (p->req.status == 404 && memchr(target, ' ', (size_t)(version - target)) != NULL)
		return reject(p, 400); /* what lies between was no target */
	return false;
}

static bool contains_word(const char *s, const char *end, const char *word)
{
	size_t len = strlen(word);

	for (; s + len <= end; s++) {
		if (strncasecmp(s, word, len) == 0)
			return true;
	}
	return false;
}

static bool is_zero(const char *s, const char *end)
{
	while (s < end && (*s == ' ' || *s == '0'))
		s++;
	return s == end;
}

static bool parse_header(struct http_parser *p, const char *line, size_t n)
{
	const char *end = line + n;
	const char *colon = memchr(line, ':', n);

	if (colon == NULL || colon == line)
		return reject(p, 400);

	/* none of the headers that matter here begins with another letter */
	if ((line[0] | 0x20) != 'c' && (line[0] | 0x20) != 't')
		return false;
	if (starts_with(line, n, "Connection:")) {
		if (contains_word(colon, end, "close"))
			p->req.close = true;
		else if (contains_word(colon, end, "keep-alive"))
			p->req.close = false;
	} else if (starts_with(line, n, "Transfer-Encoding:") ||
		   (starts_with(line, n, "Content-Length:") && !is_zero(colon + 1, end))) {
		return reject(p, 400); /* a body: not here */
	}
	return false;
}

/* One line without its LF. True when it completes the request. */
static inline bool parse_line(struct http_parser *p, const char *line, size_t n)
{
	if (n > 0 && line[n - 1] == '\r')
		n--;
	if (n == 0)
		return p->n_lines > 0; /* RFC 9112 2.2: ignore empty lines before a request */
	if (p->n_lines++ == 0)
		return parse_request_line(p, line, n);
	if (p->n_lines > HTTP_LINES_MAX)
		return reject(p, 431);
	return parse_header(p, line, n);
}

/* A line in pieces. True when the request is complete: here only because the line is too long. */
static bool keep_partial(struct http_parser *p, const char *data, size_t n)
{
	if (n > HTTP_LINE_MAX - p->n_partial)
		return reject(p, 431);
	memcpy(p->partial + p->n_partial, data, n);
	p->n_partial += (uint32_t)n;
	return false;
}

size_t http_parse(struct http_parser *p, const char *data, size_t n, bool *done)
{
	const char *pos = data, *end = data + n;
	bool complete = false;

	if (p->n_lines == 0 && p->n_partial == 0)
		start_request(p);

	while (pos < end && !complete) {
		const char *line = pos;
		const char *lf = memchr(line, '\n', (size_t)(end - line));
		size_t len = (size_t)((lf != NULL ? lf : end) - line);

		pos = lf != NULL ? lf + 1 : end;
		if (lf == NULL || p->n_partial > 0) {
			complete = keep_partial(p, line, len);
			if (lf == NULL || complete)
				continue;
			line = p->partial;
			len = p->n_partial;
			p->n_partial = 0;
		}
		complete = parse_line(p, line, len);
	}
	if (complete)
		p->n_lines = p->n_partial = 0;
	*done = complete;
	return (size_t)(pos - data);
}

/* ---- responses ---- */

#define HEADERS "\r\nServer: z-stack\r\nContent-Length: "

static const char *reason(int status)
{
	switch (status) {
	case 404:
		return "404 Not Found";
	case 431:
		return "431 Request Header Fields Too Large";
	case 501:
		return "501 Not Implemented";
	default:
		return "400 Bad Request";
	}
}

static inline char *put(char *p, const char *s)
{
	size_t n = strlen(s);

	memcpy(p, s, n);
	return p + n;
}

/* snprintf would cost more than the whole TCP stack below. */
static char *put_number(char *p, uint64_t v)
{
	char *end = p + 1;

	for (uint64_t limit = 10; v >= limit; limit *= 10) /* v <= HTTP_BODY_MAX */
		end++;
	for (p = end;; v /= 10) {
		*--p = (char)('0' + v % 10);
		if (v < 10)
			return end;
	}
}

void http_respond(struct http_response *r, const struct http_request *req)
{
	uint64_t body = req->status == 200 ? req->body : 0;
	char *p = r->head;

	if (req->status == 200) {
		p = put(p, "HTTP/1.1 200 OK" HEADERS);
	} else {
		p = put(p, "HTTP/1.1 ");
		p = put(p, reason(req->status));
		p = put(p, HEADERS);
	}
	p = put_number(p, body);
	if (req->close)
		p = put(p, "\r\nConnection: close");
	else if (req->old)
		p = put(p, "\r\nConnection: keep-alive");
	p = put(p, "\r\n\r\n");

	r->head_len = (uint32_t)(p - r->head);
	r->close = req->close;
	r->pos = 0;
	r->end = r->head_len + (req->head ? 0 : body);
}

size_t http_produce(const struct http_response *r, void *dst, size_t n)
{
	char *p = dst;
	size_t head = 0;

	if (n > http_left(r))
		n = (size_t)http_left(r);
	if (r->pos < r->head_len) {
		head = r->head_len - (size_t)r->pos;
		if (head > n)
			head = n;
		memcpy(p, r->head + r->pos, head);
	}
	if (n > head)
		pattern_fill(p + head, r->pos + head - r->head_len, n - head);
	return n;
}
