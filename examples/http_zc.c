/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * HTTP server without a copy: requests are parsed where the NIC put them (z_peek, z_consume), and
 * responses are written once, into the buffers that go out on the wire (z_alloc_chain, z_write);
 * or, with --cached, bodies are not written at all: all share one object (z_buf_slice).
 *
 *	curl http://10.18.0.2/8192
 *
 * READ events are edge-triggered: serve() does all that can be done and is called again when more
 * can. It looks at the input once, and takes it when all requests in it have been answered. A full
 * send buffer asks for one WRITE event.
 */
#include <errno.h>
#include <malloc.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include <ff_api.h>
#include <ff_event.h>
#include <zstack.h>

#include "http.h"
#include "options.h"
#include "pattern.h"
#include "report.h"

enum {
	MAX_EVENTS = 512,
	MAX_WRITE = 1 << 14,
	PACKED = 1024, /* responses to pipelined requests share a buffer, up to here */
	OBJECT = 2 * PATTERN_PERIOD,
	MAX_PIECES = 16,
	MAX_FDS = 1 << 21
};

struct conn {
	int fd;
	bool draining; /* all is sent: wait for the peer's end of stream */
	z_buf *out;    /* written, and not yet sent */
	size_t out_len;
	struct http_parser parser;
	struct http_response resp;
};

/* Of each core's thread. An event may come after its connection's end: look it up. */
static __thread struct conn **conns;
static __thread uint64_t n_requests;
static __thread z_buf *object; /* cached: the bytes of any body, from any offset on */

static int kq, listener; /* the same numbers on every core */
static uint64_t default_body;
static bool cached;

static void watch(int fd, short filter, unsigned short flags)
{
	struct kevent change;

	EV_SET(&change, fd, filter, EV_ADD | flags, 0, 0, NULL);
	if (ff_kevent(kq, &change, 1, NULL, 0, NULL) < 0)
		perror("kevent");
}

static void hang_up(struct conn *c)
{
	conns[c->fd] = NULL;
	z_buf_free(c->out);
	ff_close(c->fd);
	free(c);
}

static void accept_all(void)
{
	int fd, on = 1;

	while ((fd = ff_accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
		struct conn *c = fd < MAX_FDS ? calloc(1, sizeof(*c)) : NULL;

		if (c == NULL) {
			ff_close(fd);
			return;
		}
		c->fd = fd;
		http_parser_init(&c->parser, default_body);
		ff_setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		conns[fd] = c;
		watch(fd, EVFILT_READ, EV_CLEAR);
	}
}

/* The next bytes of the response, in buffers that go out as they are; moves c->resp.pos. NULL:
 * errno. */
static z_buf *write_next(struct conn *c)
{
	uint64_t from = c->resp.pos, left = http_left(&c->resp);
	struct z_iov v[MAX_PIECES];
	z_buf *b = left <= MAX_WRITE ? z_alloc_chain(c->fd, left, 0)
				     : z_alloc_chain(c->fd, MAX_WRITE, MSG_MORE);
	int n = b != NULL ? z_buf_iov(b, v, MAX_PIECES) : 0;

	for (int i = 0; i < n && i < MAX_PIECES; i++) {
		http_produce(&c->resp, v[i].ptr, v[i].len);
		c->resp.pos += v[i].len;
	}
	if (n > MAX_PIECES) /* the peer asked for tiny segments */
		z_buf_free(z_buf_split(b, c->resp.pos - from));
	return b;
}

/* The same, the head in a buffer of its own and the body, up to where the object ends, in those of
 * the object. */
static z_buf *refer_next(struct conn *c)
{
	struct http_response *r = &c->resp;
	size_t head = r->pos < r->head_len ? r->head_len - (size_t)r->pos : 0;
	uint64_t at = r->pos + head - r->head_len, left = http_left(r) - head;
	size_t from = at % PATTERN_PERIOD;
	size_t body = left < OBJECT - from ? (size_t)left : OBJECT - from;
	z_buf *b = head > 0 ? z_alloc(c->fd, head, 0) : NULL;
	z_buf *shared = body > 0 ? z_buf_slice(object, from, body) : NULL;

	if ((head > 0 && b == NULL) || (body > 0 && shared == NULL)) {
		z_buf_free(b);
		z_buf_free(shared);
		return NULL;
	}
	if (head > 0)
		http_produce(r, z_buf_append(b, head), head);
	if (head > 0 && body > 0)
		z_buf_join(b, shared);
	r->pos += head + body;
	return head > 0 ? b : shared;
}

/* After a call that wants room. 0: a WRITE event will tell of it; -1: the connection is gone. */
static int wait_for_room(struct conn *c)
{
	int why = errno;

	if (c->out_len > PACKED) { /* of this response alone: leave the buffers to who can send */
		z_buf_free(c->out);
		c->resp.pos -= c->out_len;
		c->out = NULL;
		c->out_len = 0;
	}
	if (why != EAGAIN && why != ENOBUFS)
		return -1;
	if (why == ENOBUFS) /* also of z_buf_slice(), which knows no socket */
		z_await_buffers(c->fd);
	watch(c->fd, EVFILT_WRITE, EV_ONESHOT);
	return 0;
}

/* 1: nothing is left of c->out; 0, -1: as wait_for_room(). */
static int flush(struct conn *c)
{
	if (c->out != NULL && z_write(c->fd, c->out, c->out_len) < 0)
		return wait_for_room(c);
	c->out = NULL; /* the buffers are the stack's now */
	c->out_len = 0;
	return 1;
}

/* Puts a small response behind what is in c->out. */
static bool join(struct conn *c)
{
	size_t n = http_left(&c->resp);
	void *p = c->out != NULL && n + c->out_len <= PACKED ? z_buf_append(c->out, n) : NULL;

	if (p == NULL)
		return false;
	c->resp.pos += http_produce(&c->resp, p, n);
	c->out_len += n;
	return true;
}

/* 1: all is sent, or little and in c->out; 0, -1: as wait_for_room(). */
static int send_response(struct conn *c)
{
	while (http_left(&c->resp) > 0 && !join(c)) {
		uint64_t from = c->resp.pos;
		int rc = flush(c);

		if (rc != 1)
			return rc;
		c->out = cached ? refer_next(c) : write_next(c);
		if (c->out == NULL)
			return wait_for_room(c);
		c->out_len = c->resp.pos - from;
	}
	return c->resp.close || c->out_len > PACKED ? flush(c) : 1;
}

/* What has been received, looked at and not yet taken. */
struct input {
	struct z_iov v[MAX_PIECES];
	int n, at;   /* pieces, and the one that is parsed */
	size_t used; /* bytes */
	bool more;   /* there may be more than was looked at */
};

static void take(struct conn *c, struct input *in)
{
	if (in->used > 0)
		z_consume(c->fd, in->used);
	in->used = 0;
}

/* 1: there is input; 0: none now; -1: the peer is done. */
static int look(struct conn *c, struct input *in, bool whole)
{
	if (in->at < in->n)
		return 1;
	if (!in->more)
		return 0;
	take(c, in);
	in->at = 0;
	in->n = z_peek(c->fd, in->v, MAX_PIECES, 0);
	in->more = !whole || in->n == MAX_PIECES;
	if (in->n > 0)
		return 1;
	return in->n < 0 && errno == EAGAIN ? 0 : -1;
}

/* Parses at most one request, of one piece. */
static void read_request(struct conn *c, struct input *in)
{
	struct z_iov *v = &in->v[in->at];
	bool complete = false;
	size_t n = c->draining ? v->len : http_parse(&c->parser, v->ptr, v->len, &complete);

	v->ptr = (char *)v->ptr + n;
	v->len -= n;
	in->used += n;
	if (v->len == 0)
		in->at++;
	if (complete) {
		http_respond(&c->resp, &c->parser.req);
		n_requests++;
	}
}

/* whole: what has been received is all there is for now, and no end of stream behind it. */
static void serve(struct conn *c, bool whole)
{
	struct input in;
	int more, sent;

	in.n = in.at = 0;
	in.used = 0;
	in.more = true;
	while ((more = send_response(c)) == 1) {
		if (c->resp.close && !c->draining) {
			/* Closing with input unread would reset the connection under the response.
			 */
			ff_shutdown(c->fd, SHUT_WR);
			c->draining = true;
		}
		more = look(c, &in, whole);
		if (more != 1)
			break;
		read_request(c, &in);
	}
	take(c, &in);

	sent = flush(c);
	if (sent < 0 || (sent == 1 && more < 0))
		hang_up(c);
}

/* Too large for a thread's own storage; touched where it is used. */
static struct conn **new_table(void)
{
	struct conn **table = calloc(MAX_FDS, sizeof(struct conn *));

	if (table == NULL) {
		perror("http_zc");
		exit(1);
	}
	return table;
}

static z_buf *new_object(void)
{
	struct z_iov v[OBJECT / 1024];
	z_buf *b = z_alloc_chain(-1, OBJECT, 0);
	int n = b != NULL ? z_buf_iov(b, v, OBJECT / 1024) : 0;
	uint64_t off = 0;

	if (n == 0 || n > OBJECT / 1024) {
		fprintf(stderr, "http_zc: no buffers for what is cached\n");
		exit(1);
	}
	for (int i = 0; i < n; off += v[i++].len)
		pattern_fill(v[i].ptr, off, v[i].len);
	return b;
}

static int loop(void *arg)
{
	struct kevent events[MAX_EVENTS];
	int n = ff_kevent(kq, NULL, 0, events, MAX_EVENTS, NULL);

	(void)arg;
	if (conns == NULL)
		conns = new_table();
	if (cached && object == NULL) /* another core than main()'s */
		object = new_object();
	for (int i = 0; i < n; i++) /* they lie anywhere in memory: ask for all of them at once */
		__builtin_prefetch(conns[events[i].ident]);
	for (int i = 0; i < n; i++) {
		const struct kevent *e = &events[i];
		int fd = (int)e->ident;

		if (fd == listener)
			accept_all();
		else if (conns[fd] != NULL)
			serve(conns[fd],
			      e->filter == EVFILT_READ && !(e->flags & EV_EOF) && e->fflags == 0);
	}
	report_turn(n_requests);
	return 0;
}

int main(int argc, char **argv)
{
	uint64_t port = option_number(argc, argv, "--port", 80, 65535);
	int on = 1;

	default_body = option_number(argc, argv, "--body", 64, HTTP_BODY_MAX);
	cached = option_flag(argc, argv, "--cached");
	options_check(argc, argv, "[--port 80] [--body 64] [--cached]");
	mallopt(M_TRIM_THRESHOLD, 64 << 20); /* what one connection frees the next one needs */
	if (ff_init(argc, argv) < 0)
		return 1;

	kq = ff_kqueue();
	listener = any_socket(SOCK_STREAM, port);
	if (listener < 0 || ff_ioctl(listener, FIONBIO, &on) < 0 || ff_listen(listener, 512) < 0) {
		perror("listen");
		return 1;
	}
	watch(listener, EVFILT_READ, 0);
	object = cached ? new_object() : NULL;

	ff_run(loop, NULL);
	z_buf_free(object);
	report("http_zc", "requests");
	return 0;
}
