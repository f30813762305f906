/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Notes: what a kqueue or an epoll instance (a poller) remembers of one registration. A note of a
 * socket hangs on three lists: the descriptor's (to find it, and to end it with the descriptor),
 * the poller's (to end it with the poller) and, while it may have something to report, the poller's
 * ready list.
 */
#ifndef ZS_NOTE_H
#define ZS_NOTE_H

#include <stddef.h>
#include <stdint.h>

#include "api/zs_ctx.h"
#include "base/zs_list.h"
#include "sock/zs_sock.h"

struct zs_poller {
	struct zs_waitq q; /* first: watches point to it */
	struct zs_ctx *ctx;
	struct zs_list notes;  /* by p_link */
	struct zs_list nested; /* notes of pollers that this one waits for, by w.sock_link */
	uint32_t refs;	       /* descriptors */
	uint32_t watched;      /* notes of other pollers on it */
	/* Would a scan report something? Reports nothing, and drops what is no longer true. */
	bool (*pending)(struct zs_poller *p);
};

enum zs_note_kind {
	ZS_NOTE_READ,  /* kqueue, EVFILT_READ */
	ZS_NOTE_WRITE, /* kqueue, EVFILT_WRITE */
	ZS_NOTE_TIMER, /* kqueue, EVFILT_TIMER */
	ZS_NOTE_USER,  /* kqueue, EVFILT_USER */
	ZS_NOTE_EPOLL
};

struct zs_note {
	/* line 1: the watch, and what a scan decides by */
	struct zs_watch w;
	int fd;		/* of a socket, or the kernel's */
	uint16_t flags; /* EV_CLEAR, EV_ONESHOT, EV_DISPATCH, EV_DISABLE as registered */
	uint8_t kind;	/* enum zs_note_kind */
	bool fired;	/* timer, user: to be reported */
	/* line 2: what is reported */
	union {
		void *udata;   /* kqueue */
		uint64_t data; /* epoll */
	};
	union {
		uint32_t fflags; /* kqueue */
		uint32_t events; /* epoll */
	};
	int64_t sdata; /* kqueue: low-water mark, user data, expirations; of a poller: arrivals */
	struct zs_note *fd_next; /* next of the descriptor's notes, or of the free ones */
	struct zs_list p_link;
	struct zs_kern *kern;	 /* of a kernel descriptor; then there is no socket */
	struct zs_poller *child; /* of another poller; likewise */
};
_Static_assert(offsetof(struct zs_note, udata) == 64, "a scan reads one line to decide");
_Static_assert(sizeof(struct zs_note) <= 128, "two cache lines");

void zs_poller_init(struct zs_poller *p, struct zs_ctx *c, bool (*pending)(struct zs_poller *p));
/* Ends every note of p. free_other: called for those that are no socket's. */
void zs_poller_fini(struct zs_poller *p, void (*free_other)(struct zs_note *n));

/* Counts what has become ready below p: an edge when it grows. */
uint32_t zs_poller_arrivals(const struct zs_poller *p);
/* Other pollers do not say when they have something: those that p waits for, and that may have, are
 * put on its ready list. n->sdata is what their edges are told by. */
void zs_poller_ask(struct zs_poller *p, bool (*is_edge)(const struct zs_note *n));
/* May p wait for child, another one? 0; -ELOOP: child waits for p, or that would make a way of more
 * than ZS_NEST_MAX steps. */
enum { ZS_NEST_MAX = 4 };
int zs_poller_may_nest(const struct zs_poller *p, const struct zs_poller *child);

/* A copy of n's poller in context `to` has n as well: what it waits for is there, too. */
bool zs_note_may_copy(const struct zs_note *n, const struct zs_ctx *from, const struct zs_ctx *to);

/* A zeroed note from the context's store; NULL when memory is out. */
struct zs_note *zs_note_alloc(struct zs_ctx *c);
void zs_note_free(struct zs_ctx *c, struct zs_note *n);
/* What a note costs, its part of a chunk included. */
size_t zs_note_bytes(void);
/* Gives the store back; no note may be in use. */
void zs_note_free_chunks(struct zs_ctx *c);

/* The note of poller p on fd, or NULL. */
struct zs_note *zs_note_find(const struct zs_fd *f, const struct zs_poller *p,
			     enum zs_note_kind kind);

/* The descriptor of a note: a socket's, or one of the kernel's; NULL: it was closed. */
struct zs_fd *zs_note_fd(const struct zs_ctx *c, const struct zs_note *n);

/* A note of p on what is behind fd, watching `mask` (enum zs_ev), not on the ready list. NULL: no
 * memory. */
struct zs_note *zs_note_attach(struct zs_poller *p, struct zs_fd *f, int fd, enum zs_note_kind kind,
			       unsigned mask);
/* Takes a descriptor's note off all lists and frees it. */
void zs_note_detach(struct zs_ctx *c, struct zs_note *n);
/* Ends all notes of a descriptor that is being closed. */
void zs_note_detach_all(struct zs_ctx *c, struct zs_fd *f);

static inline struct zs_note *zs_note_of(struct zs_list *ready_link)
{
	return container_of(ready_link, struct zs_note, w.ready_link);
}

/* The ready list itself, inline for the hot path; counts as zs_watch_activate() and _deactivate()
 * do. */
static inline void zs_note_ready(struct zs_note *n)
{
	if (zs_list_linked(&n->w.ready_link))
		return;
	zs_list_add_tail(&n->w.q->ready, &n->w.ready_link);
	n->w.q->n_ready++;
}

static inline void zs_note_unready(struct zs_note *n)
{
	if (!zs_list_linked(&n->w.ready_link))
		return;
	zs_list_del(&n->w.ready_link);
	n->w.q->n_ready--;
}

#endif
