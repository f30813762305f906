/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The parser: a state per kind of line or data that comes next. Which of them follow a head is RFC
 * 9112 6.3: no body for 1xx, 204 and 304; chunks; a length; or all until the connection ends.
 */
#include "response.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

enum state {
	STATUS_LINE,
	HEADER,
	FIXED,	     /* `left` bytes of body */
	UNTIL_CLOSE, /* body until the connection ends */
	CHUNK_SIZE,
	CHUNK_DATA, /* `left` bytes of chunk */
	CHUNK_END,  /* the line end behind a chunk */
	TRAILER,
	COMPLETE,
};

/* ---- lines ---- */

struct line {
	const char *s;
	uint32_t len;
	bool cut; /* more has been there */
};

static void keep(struct response *r, const char *s, uint32_t n)
{
	uint32_t room = RESPONSE_KEPT - r->n_kept;

	if (n > room) {
		n = room;
		r->cut = true;
	}
	memcpy(r->kept + r->n_kept, s, n);
	r->n_kept = (uint16_t)(r->n_kept + n);
}

/* The next line without its end, CR LF or LF alone (RFC 9112 2.2). False: not all of it is there.
 */
static bool take_line(struct response *r, const char **p, const char *end, struct line *l)
{
	const char *s = *p;
	const char *lf = memchr(s, '\n', (size_t)(end - s));
	uint32_t n = (uint32_t)((lf != NULL ? lf : end) - s);

	*p = lf != NULL ? lf + 1 : end;
	r->n_head += n + 1;
	if (lf == NULL || r->n_kept > 0)
		keep(r, s, n);
	if (lf == NULL)
		return false;
	*l = (struct line){ s, n, false };
	if (r->n_kept > 0)
		*l = (struct line){ r->kept, r->n_kept, r->cut };
	r->n_kept = 0;
	r->cut = false;
	if (l->len > 0 && l->s[l->len - 1] == '\r' && !l->cut)
		l->len--;
	return true;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* ---- the head ---- */

/* "HTTP/1.1 200 OK"; the reason may be missing. */
static enum response_event status_line(struct response *r, const struct line *l)
{
	const char *s = l->s;

	if (l->len < 12 || memcmp(s, "HTTP/1.", 7) != 0 || !is_digit(s[7]) || s[8] != ' ' ||
	    !is_digit(s[9]) || !is_digit(s[10]) || !is_digit(s[11]) ||
	    (l->len > 12 && s[12] != ' '))
		return RESPONSE_BAD;
	r->status = (uint16_t)((s[9] - '0') * 100 + (s[10] - '0') * 10 + (s[11] - '0'));
	r->close = s[7] == '0';
	r->coded = r->chunked = r->has_length = false;
	r->left = r->body_off = r->body_len = 0;
	r->state = HEADER;
	return RESPONSE_MORE;
}

/* The value of the header `name`, which is in lower case and ends with a colon; else NULL. */
static const char *value_of(const struct line *l, const char *name, uint32_t n)
{
	const char *v = l->s + n;

	if (l->len < n || strncasecmp(l->s, name, n) != 0)
		return NULL;
	while (v < l->s + l->len && (*v == ' ' || *v == '\t'))
		v++;
	return v;
}

static bool has_word(const char *s, const char *end, const char *word)
{
	size_t n = strlen(word);

	for (; s + n <= end; s++)
		if (strncasecmp(s, word, n) == 0)
			return true;
	return false;
}

static bool ends_with(const char *s, const char *end, const char *word)
{
	size_t n = strlen(word);

	while (end > s && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	return (size_t)(end - s) >= n && strncasecmp(end - n, word, n) == 0;
}

static enum response_event content_length(struct response *r, const char *s, const char *end)
{
	uint64_t n = 0;

	if (s == end)
		return RESPONSE_BAD;
	for (; s < end && is_digit(*s); s++) {
		if (n > UINT64_MAX / 16)
			return RESPONSE_BAD;
		n = n * 10 + (uint64_t)(*s - '0');
	}
	while (s < end && (*s == ' ' || *s == '\t'))
		s++;
	/* RFC 9112 6.3: several that differ are an error */
	if (s != end || (r->has_length && n != r->left))
		return RESPONSE_BAD;
	r->has_length = true;
	r->left = n;
	return RESPONSE_MORE;
}

/* Only what tells where the body ends matters here. */
static enum response_event header(struct response *r, const struct line *l)
{
	const char *end = l->s + l->len;
	const char *v;

	switch (l->s[0] | 0x20) {
	case 'c':
		v = value_of(l, "content-length:", 15);
		if (v != NULL)
			return l->cut ? RESPONSE_BAD : content_length(r, v, end);
		v = value_of(l, "connection:", 11);
		if (v != NULL && has_word(v, end, "close"))
			r->close = true;
		else if (v != NULL && has_word(v, end, "keep-alive"))
			r->close = false;
		return RESPONSE_MORE;
	case 't':
		v = value_of(l, "transfer-encoding:", 18);
		if (v == NULL)
			return RESPONSE_MORE;
		r->coded = true;
		r->chunked = ends_with(v, end, "chunked");
		return l->cut ? RESPONSE_BAD : RESPONSE_MORE;
	default:
		return RESPONSE_MORE;
	}
}

static enum response_event end_of_head(struct response *r)
{
	r->n_head = 0;
	if (r->status < 200) {
		r->state = STATUS_LINE;
		/* 101 would change the protocol, which nobody asked for */
		return r->status == 101 ? RESPONSE_BAD : RESPONSE_MORE;
	}
	if (r->status == 204 || r->status == 304) {
		r->state = COMPLETE;
	} else if (r->chunked) {
		r->state = CHUNK_SIZE;
	} else if (r->has_length && !r->coded) {
		r->state = r->left > 0 ? FIXED : COMPLETE;
	} else {
		r->state = UNTIL_CLOSE;
		r->close = true;
	}
	return RESPONSE_MORE;
}

/* ---- chunks (RFC 9112 7.1) ---- */

static int hex(char c)
{
	if (is_digit(c))
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static enum response_event chunk_size(struct response *r, const struct line *l)
{
	uint64_t n = 0;
	uint32_t i;

	for (i = 0; i < l->len && hex(l->s[i]) >= 0; i++) {
		if (n >> 56 != 0)
			return RESPONSE_BAD;
		n = n << 4 | (uint64_t)hex(l->s[i]);
	}
	/* an extension may follow */
	if (i == 0 || (i < l->len && l->s[i] != ';' && l->s[i] != ' ' && l->s[i] != '\t'))
		return RESPONSE_BAD;
	r->n_head = 0;
	r->left = n;
	r->state = n > 0 ? CHUNK_DATA : TRAILER;
	return RESPONSE_MORE;
}

/* ---- all together ---- */

static enum response_event use_line(struct response *r, const struct line *l)
{
	switch ((enum state)r->state) {
	case STATUS_LINE:
		/* an empty line in front is tolerated, as for requests (RFC 9112 2.2) */
		return l->len == 0 ? RESPONSE_MORE : status_line(r, l);
	case HEADER:
		return l->len == 0 ? end_of_head(r) : header(r, l);
	case CHUNK_SIZE:
		return chunk_size(r, l);
	case CHUNK_END:
		r->state = CHUNK_SIZE;
		return l->len == 0 ? RESPONSE_MORE : RESPONSE_BAD;
	case TRAILER:
		if (l->len == 0)
			r->state = COMPLETE;
		return RESPONSE_MORE;
	case FIXED:
	case UNTIL_CLOSE:
	case CHUNK_DATA:
	case COMPLETE:
		break;
	}
	__builtin_unreachable();
}

static enum response_event use_data(struct response *r, const char **p, const char *end)
{
	uint64_t n = (uint64_t)(end - *p);

	r->body_off += r->body_len;
	if (r->state != UNTIL_CLOSE) {
		n = n < r->left ? n : r->left;
		r->left -= n;
		if (r->left == 0)
			r->state = r->state == FIXED ? COMPLETE : CHUNK_END;
	}
	r->body_len = n;
	*p += n;
	return RESPONSE_BODY;
}

static enum response_event complete(struct response *r)
{
	r->state = STATUS_LINE;
	r->n_head = 0;
	return RESPONSE_DONE;
}

/* ---- heads that are known ---- */

static bool recall(struct response *r, const struct response_memo *memo, const char **p,
		   const char *end)
{
	if (memo->len == 0 || (size_t)(end - *p) < memo->len ||
	    memcmp(*p, memo->head, memo->len) != 0)
		return false;
	memcpy(r, &memo->after, offsetof(struct response, kept));
	*p += memo->len;
	return true;
}

static void remember(const struct response *r, struct response_memo *memo, const char *head,
		     size_t len)
{
	if (len > RESPONSE_MEMO_MAX)
		return;
	memcpy(memo->head, head, len);
	memcpy(&memo->after, r, offsetof(struct response, kept));
	memo->len = (uint32_t)len;
}

static bool in_head(const struct response *r)
{
	return r->state == STATUS_LINE || r->state == HEADER;
}

/* Uses lines until the head is complete: true; false: more is needed, or it is none: `bad`. */
static bool take_head(struct response *r, struct response_memo *memo, const char **p,
		      const char *end, bool *bad)
{
	const char *start = r->state == STATUS_LINE && r->n_head == 0 ? *p : NULL;
	struct line l;

	if (start != NULL && recall(r, memo, p, end))
		return true;
	while (in_head(r) && !*bad && *p < end)
		*bad = (take_line(r, p, end, &l) && use_line(r, &l) == RESPONSE_BAD) ||
		       r->n_head > RESPONSE_HEAD_MAX;
	if (in_head(r) || *bad)
		return false;
	if (start != NULL)
		remember(r, memo, start, (size_t)(*p - start));
	return true;
}

enum response_event response_next(struct response *r, struct response_memo *memo, const char **p,
				  const char *end)
{
	bool bad = false;
	struct line l;

	for (;;) {
		if (r->state == COMPLETE)
			return complete(r);
		if (*p == end)
			return RESPONSE_MORE;
		if (in_head(r)) {
			if (!take_head(r, memo, p, end, &bad))
				return bad ? RESPONSE_BAD : RESPONSE_MORE;
			continue;
		}
		if (r->state == FIXED || r->state == CHUNK_DATA || r->state == UNTIL_CLOSE)
			return use_data(r, p, end);
		if ((take_line(r, p, end, &l) && use_line(r, &l) == RESPONSE_BAD) ||
		    r->n_head > RESPONSE_HEAD_MAX)
			return RESPONSE_BAD;
	}
}

enum response_event response_end(struct response *r)
{
	if (r->state == UNTIL_CLOSE)
		return complete(r);
	return r->state == STATUS_LINE && r->n_kept == 0 ? RESPONSE_MORE : RESPONSE_BAD;
}
