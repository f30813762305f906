/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A connection: opened, given requests, read from where the device put the bytes, ended by either
 * side, and opened again.
 */
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>

#include <ff_api.h>
#include <ff_event.h>
#include <zstack.h>

#include "examples/pattern.h"
#include "load.h"

enum { PIECES = 32 };

static bool watch(struct load *l, struct conn *c, short filter, unsigned short flags)
{
	struct kevent change;

	EV_SET(&change, c->fd, filter, EV_ADD | flags, 0, 0, c);
	return ff_kevent(l->kq, &change, 1, NULL, 0, NULL) == 0;
}

/* ---- end ---- */

static void drop(struct conn *c)
{
	if (c->fd >= 0)
		ff_close(c->fd);
	c->fd = -1;
	c->state = CONN_CLOSED;
	c->verified = false;
	c->n_given = c->n_sent = c->first = 0;
	c->in = (struct response){ 0 };
}

void conn_fail(struct load *l, struct conn *c, enum failure why, uint64_t now)
{
	uint32_t lost = c->n_given;

	/* a connection that does not come about is an attempt as well: -n would never be reached */
	if (c->state == CONN_OPENING && lost == 0 && l->pace.left > 0) {
		l->pace.left--;
		lost = 1;
	}
	l->result.failed[why]++;
	l->result.failures++;
	l->result.lost += lost;
	conn_not_ready(l, c);
	drop(c);
	c->heard = now;
	TAILQ_INSERT_TAIL(&l->failing, c, link);
}

void conn_end(struct load *l, struct conn *c)
{
	conn_not_ready(l, c);
	drop(c);
	l->result.reopened += !l->args->close;
	conn_ready(l, c);
}

/* ---- opening ---- */

void conn_open(struct load *l, struct conn *c, uint64_t now)
{
	int on = 1;

	c->heard = now;
	c->state = CONN_OPENING;
	c->fd = ff_socket(l->family, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (c->fd < 0 ||
	    (ff_connect(c->fd, (const struct linux_sockaddr *)&l->to, l->to_len) < 0 &&
	     errno != EINPROGRESS) ||
	    ff_setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) < 0 ||
	    !watch(l, c, EVFILT_WRITE, EV_ONESHOT)) {
		l->result.connect_error = errno;
		conn_fail(l, c, FAIL_CONNECT, now);
	}
}

static void opened(struct load *l, struct conn *c, uint64_t now)
{
	socklen_t len = sizeof(int);
	int error = 0;

	if (ff_getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0 || error != 0 ||
	    !watch(l, c, EVFILT_READ, EV_CLEAR)) {
		l->result.connect_error = error != 0 ? error : errno;
		conn_fail(l, c, error == ETIMEDOUT ? FAIL_TIMEOUT : FAIL_CONNECT, now);
		return;
	}
	c->heard = now;
	c->state = CONN_OPEN;
	if (c->n_given > 0)
		(void)conn_send(l, c, now); /* the last that is done with c either way */
	else
		conn_ready(l, c);
}

/* ---- sending ---- */

bool conn_send(struct load *l, struct conn *c, uint64_t now)
{
	const struct request *r = &l->request;

	while (c->n_sent < c->n_given) {
		uint32_t n = c->n_given - c->n_sent;
		size_t len;
		z_buf *b;
		void *room;

		n = n < r->copies ? n : r->copies;
		len = n * r->len;
		b = z_alloc(c->fd, len, 0);
		room = b != NULL ? z_buf_append(b, len) : NULL;
		if (room == NULL)
			return true; /* no buffer now: the look at all connections tries again */
		memcpy(room, r->bytes, len);
		if (z_write(c->fd, b, len) < 0) {
			int why = errno;

			z_buf_free(b);
			if (why == EAGAIN || why == ENOBUFS)
				return true;
			conn_fail(l, c, why == ETIMEDOUT ? FAIL_TIMEOUT : FAIL_RESET, now);
			return false;
		}
		c->n_sent = (uint16_t)(c->n_sent + n);
	}
	return true;
}

/* ---- receiving ---- */

/* The piece of a body that r has just found is as it should be, or nobody asked. */
static bool right(struct load *l, struct conn *c, const char *piece)
{
	const struct response *r = &c->in;
	uint64_t good;

	if (r->status != 200 || l->args->verify == VERIFY_NONE ||
	    (c->verified && l->args->verify == VERIFY_FIRST))
		return true;
	good = pattern_check(piece, r->body_off, r->body_len);
	if (good == r->body_len)
		return true;
	if (!l->wrong_body)
		fprintf(stderr,
			"zload: byte %llu of a body is not what Z-stack's example servers send\n",
			(unsigned long long)(r->body_off + good));
	l->wrong_body = true;
	return false;
}

/* A response is complete. False: the connection is gone. */
static bool answered(struct load *l, struct conn *c, uint64_t now)
{
	struct result *r = &l->result;

	if (c->n_sent == 0) { /* nobody asked */
		conn_fail(l, c, FAIL_RESPONSE, now);
		return false;
	}
	if (c->due[c->first] >= l->measure_at) { /* else it is of the warm-up */
		hist_record(&r->recent, result_ns(r, now - c->due[c->first]));
		r->responses++;
		r->status[c->in.status]++;
	}
	c->verified = true;
	if (++c->first == l->args->pipeline)
		c->first = 0;
	c->n_given--;
	c->n_sent--;
	if (c->in.close || l->args->close) {
		if (c->n_given > 0) {
			conn_fail(l, c, FAIL_CLOSED, now);
			return false;
		}
		conn_not_ready(l, c);
		c->state = CONN_ENDING;
	} else {
		conn_ready(l, c);
	}
	return true;
}

/* False: the connection is gone. */
static bool feed(struct load *l, struct conn *c, const char *p, uint32_t n, uint64_t now)
{
	const char *end = p + n;

	while (c->state == CONN_OPEN) {
		switch (response_next(&c->in, &l->memo, &p, end)) {
		case RESPONSE_MORE:
			return true;
		case RESPONSE_BODY:
			if (right(l, c, p - c->in.body_len))
				break;
			conn_fail(l, c, FAIL_BODY, now);
			return false;
		case RESPONSE_DONE:
			if (!answered(l, c, now))
				return false;
			break;
		case RESPONSE_BAD:
			conn_fail(l, c, FAIL_RESPONSE, now);
			return false;
		}
	}
	return true;
}

static void end_of_stream(struct load *l, struct conn *c, uint64_t now)
{
	if (c->state == CONN_OPEN) {
		switch (response_end(&c->in)) {
		case RESPONSE_DONE:
			if (!answered(l, c, now))
				return;
			break;
		case RESPONSE_BAD:
			conn_fail(l, c, FAIL_CLOSED, now);
			return;
		case RESPONSE_MORE:
		case RESPONSE_BODY:
			break;
		}
	}
	if (c->n_given > 0)
		conn_fail(l, c, FAIL_CLOSED, now);
	else
		conn_end(l, c);
}

static void receive(struct load *l, struct conn *c, bool eof, uint64_t now)
{
	struct z_iov v[PIECES];
	int n;

	do {
		size_t used = 0;

		n = z_peek(c->fd, v, PIECES, 0);
		if (n == 0) {
			end_of_stream(l, c, now);
			return;
		}
		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0) {
			if (c->state == CONN_ENDING)
				conn_end(l, c); /* the answer was complete */
			else
				conn_fail(l, c, errno == ETIMEDOUT ? FAIL_TIMEOUT : FAIL_RESET,
					  now);
			return;
		}
		for (int i = 0; i < n; i++) {
			l->result.bytes += v[i].len; /* also of an answer that is none */
			if (!feed(l, c, v[i].ptr, v[i].len, now))
				return;
			used += v[i].len;
		}
		z_consume(c->fd, used);
		c->heard = now;
	} while (n == PIECES || eof);
}

void conn_event(struct load *l, struct conn *c, const struct kevent *ev, uint64_t now)
{
	if (c->state == CONN_OPENING)
		opened(l, c, now);
	else
		receive(l, c, (ev->flags & EV_EOF) != 0, now);
}
