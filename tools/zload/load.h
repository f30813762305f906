/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A run of the load: what its parts share. A connection waits on `ready` when it can take a
 * request; each turn of the loop ends with handing out those that are due (load.c). Nothing is
 * opened or given while events are looked at, so that an event never meets a descriptor that is
 * newer than it.
 */
#ifndef ZLOAD_LOAD_H
#define ZLOAD_LOAD_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "args.h"
#include "pace.h"
#include "request.h"
#include "response.h"
#include "result.h"

struct kevent;

enum conn_state {
	CONN_CLOSED,
	CONN_OPENING,
	CONN_OPEN,
	CONN_ENDING, /* all answers are in: waits for the server's end of the stream */
};

struct conn {
	int fd;
	uint8_t state; /* enum conn_state */
	bool verified; /* its first body was right */
	bool on_ready;
	/* requests given to it: due[first] is the oldest one */
	uint16_t n_given, n_sent, first;
	uint64_t heard; /* tick of the last sign of life, or of its failure */
	uint64_t *due;	/* ring of args.pipeline */
	TAILQ_ENTRY(conn) link;
	struct response in;
};

TAILQ_HEAD(conn_list, conn);

struct load {
	const struct args *args;
	int kq;
	union {
		struct sockaddr_in ip4;
		struct sockaddr_in6 ip6;
	} to;
	int family;
	socklen_t to_len;
	struct request request;
	struct pace pace;
	struct result result;
	struct response_memo memo;
	struct conn *conns;
	uint64_t *due;		  /* memory of all rings */
	struct conn_list ready;	  /* can take a request; those to be opened in front */
	struct conn_list failing; /* failed, to be opened again a little later */
	uint64_t timeout;	  /* ticks */
	uint64_t next_look, measure_at, end_at; /* ticks; end_at UINT64_MAX = never */
	uint64_t busy_before, total_before;	/* cycles of the loop when measuring began */
	uint32_t looked;			/* next connection to be looked at for a timeout */
	bool wrong_body;			/* one at least, warm-up included */
	bool show;				/* progress */
};

/* ---- connections (conn.c) ---- */

/* Opens a closed connection; requests may have been given to it before. */
void conn_open(struct load *l, struct conn *c, uint64_t now);
void conn_event(struct load *l, struct conn *c, const struct kevent *ev, uint64_t now);
/* Sends what was given to it, as far as there is room. False: the connection has failed. */
bool conn_send(struct load *l, struct conn *c, uint64_t now);
/* An orderly end: it is opened again when it is its turn. */
void conn_end(struct load *l, struct conn *c);
/* The connection is of no use any more: counts it and its requests, opens it again later. */
void conn_fail(struct load *l, struct conn *c, enum failure why, uint64_t now);

static inline void conn_give(const struct load *l, struct conn *c, uint64_t due)
{
	uint32_t i = c->first + c->n_given++;

	c->due[i < l->args->pipeline ? i : i - l->args->pipeline] = due;
}

/* It can take a request; one that has to be opened for that comes first. */
static inline void conn_ready(struct load *l, struct conn *c)
{
	if (c->on_ready)
		return;
	c->on_ready = true;
	if (c->state == CONN_CLOSED && !l->args->close)
		TAILQ_INSERT_HEAD(&l->ready, c, link);
	else
		TAILQ_INSERT_TAIL(&l->ready, c, link);
}

static inline void conn_not_ready(struct load *l, struct conn *c)
{
	if (c->on_ready)
		TAILQ_REMOVE(&l->ready, c, link);
	c->on_ready = false;
}

static inline bool conn_has_room(const struct load *l, const struct conn *c)
{
	return c->n_given < l->args->pipeline;
}

/* ---- the run (load.c) ---- */

/* After ff_init(). False: a message is on stderr. */
bool load_init(struct load *l, const struct args *a, uint64_t now);
/* One turn, for ff_run(). */
int load_turn(void *arg);
void load_finish(struct load *l, uint64_t now);
void load_free(struct load *l);

#endif
