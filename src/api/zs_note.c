/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Store and lists of notes. Notes come from chunks that the context keeps until its end, so that a
 * server that registers each connection asks malloc once in a while only.
 */
#include "api/zs_note.h"

#include <stdlib.h>

#include <rte_common.h>

#include "api/zs_kern.h"

enum { NOTES_PER_CHUNK = 127 };

struct zs_note_chunk {
	struct zs_note_chunk *next;
	char pad[64 - sizeof(void *)];
	struct zs_note note[NOTES_PER_CHUNK];
};

static bool add_chunk(struct zs_ctx *c)
{
	struct zs_note_chunk *k = NULL;

	if (posix_memalign((void **)&k, 64, sizeof(*k)) != 0)
		return false;
	k->next = c->chunks;
	c->chunks = k;
	for (int i = NOTES_PER_CHUNK - 1; i >= 0; i--)
		zs_note_free(c, &k->note[i]);
	return true;
}

struct zs_note *zs_note_alloc(struct zs_ctx *c)
{
	struct zs_note *n;

	if (c->free_notes == NULL && !add_chunk(c))
		return NULL;
	n = c->free_notes;
	c->free_notes = n->fd_next;
	*n = (struct zs_note){ .fd = -1 };
	return n;
}

void zs_note_free(struct zs_ctx *c, struct zs_note *n)
{
	n->fd_next = c->free_notes;
	c->free_notes = n;
}

size_t zs_note_bytes(void)
{
	return sizeof(struct zs_note_chunk) / NOTES_PER_CHUNK + 1;
}

void zs_note_free_chunks(struct zs_ctx *c)
{
	while (c->chunks != NULL) {
		struct zs_note_chunk *k = c->chunks;

		c->chunks = k->next;
		free(k);
	}
	c->free_notes = NULL;
}

struct zs_note *zs_note_find(const struct zs_fd *f, const struct zs_poller *p,
			     enum zs_note_kind kind)
{
	struct zs_note *n;

	for (n = f->notes; n != NULL; n = n->fd_next)
		if (n->w.q == &p->q && n->kind == kind)
			return n;
	return NULL;
}

struct zs_fd *zs_note_fd(const struct zs_ctx *c, const struct zs_note *n)
{
	struct zs_fd *f = zs_fd_slot(&c->fds, n->fd);

	return f != NULL ? f : zs_kern_slot(c, n->fd);
}

bool zs_note_may_copy(const struct zs_note *n, const struct zs_ctx *from, const struct zs_ctx *to)
{
	if (n->kern != NULL)
		return zs_kern_may_copy(from, n->kern);
	return zs_fd_slot(&to->fds, n->fd) != NULL;
}

static void watch_kern(struct zs_note *n, struct zs_poller *p, struct zs_kern *k, unsigned mask)
{
	n->kern = k;
	n->w = (struct zs_watch){ .q = &p->q, .mask = (uint16_t)mask };
	zs_list_add_tail(&k->watches, &n->w.sock_link);
}

/* Asked when p is scanned; what happens below is counted there. */
static void watch_poller(struct zs_note *n, struct zs_poller *p, struct zs_poller *child)
{
	n->child = child;
	child->watched++;
	n->w = (struct zs_watch){ .q = &p->q };
	zs_list_add_tail(&p->nested, &n->w.sock_link);
}

struct zs_note *zs_note_attach(struct zs_poller *p, struct zs_fd *f, int fd, enum zs_note_kind kind,
			       unsigned mask)
{
	struct zs_note *n = zs_note_alloc(p->ctx);

	if (n == NULL)
		return NULL;
	n->kind = (uint8_t)kind;
	n->fd = fd;
	n->fd_next = f->notes;
	f->notes = n;
	zs_list_add_tail(&p->notes, &n->p_link);
	switch ((enum zs_fd_kind)f->kind) {
	case ZS_FD_KERN:
		watch_kern(n, p, f->obj, mask);
		break;
	case ZS_FD_EPOLL:
	case ZS_FD_KQUEUE:
		watch_poller(n, p, f->obj);
		break;
	case ZS_FD_SOCK:
	case ZS_FD_FREE:
		zs_watch_add(f->obj, &n->w, &p->q, mask);
		break;
	}
	return n;
}

void zs_note_detach(struct zs_ctx *c, struct zs_note *n)
{
	struct zs_fd *f = zs_note_fd(c, n);
	int fd = n->fd;

	if (f != NULL) {
		struct zs_note **pp = &f->notes;

		while (*pp != NULL && *pp != n)
			pp = &(*pp)->fd_next;
		if (*pp == n)
			*pp = n->fd_next;
	}
	if (n->child != NULL)
		n->child->watched--;
	zs_watch_del(&n->w);
	zs_list_del(&n->p_link);
	zs_note_free(c, n);
	if (fd < c->fds.base)
		zs_kern_unwant(c, fd);
}

void zs_note_detach_all(struct zs_ctx *c, struct zs_fd *f)
{
	while (f->notes != NULL)
		zs_note_detach(c, f->notes);
}

void zs_poller_init(struct zs_poller *p, struct zs_ctx *c, bool (*pending)(struct zs_poller *p))
{
	zs_waitq_init(&p->q);
	zs_list_init(&p->notes);
	zs_list_init(&p->nested);
	p->pending = pending;
	p->ctx = c;
	p->refs = 1;
}

void zs_poller_fini(struct zs_poller *p, void (*free_other)(struct zs_note *n))
{
	while (!zs_list_empty(&p->notes)) {
		struct zs_note *n = container_of(p->notes.next, struct zs_note, p_link);

		if (n->kind == ZS_NOTE_TIMER || n->kind == ZS_NOTE_USER)
			free_other(n);
		else
			zs_note_detach(p->ctx, n);
	}
}

static const struct zs_note *nested_note(const struct zs_list *link)
{
	return container_of(link, struct zs_note, w.sock_link);
}

uint32_t zs_poller_arrivals(const struct zs_poller *p)
{
	uint32_t n = p->q.arrivals;

	for (const struct zs_list *l = p->nested.next; l != &p->nested; l = l->next)
		n += zs_poller_arrivals(nested_note(l)->child);
	return n;
}

/* Steps of the longest way down from p, or of the longest to `to`; -1: none leads there. */
static int longest_way(const struct zs_poller *p, const struct zs_poller *to)
{
	int longest = to == NULL || p == to ? 0 : -1;

	for (const struct zs_list *l = p->nested.next; l != &p->nested; l = l->next) {
		int below = longest_way(nested_note(l)->child, to);

		if (below >= longest && below >= 0)
			longest = below + 1;
	}
	return longest;
}

/* Steps of the longest way down to p. Who waits for p is not written down there: every poller of
 * the context is asked, but few are waited for and waiting at once. */
static int longest_way_to(const struct zs_poller *p)
{
	const struct zs_fdtab *t = &p->ctx->fds;
	const struct zs_fd *f = t->slot;
	int longest = 0;

	for (uint32_t left = p->watched > 0 ? t->used : 0; left > 0; f++) {
		left -= f->kind != ZS_FD_FREE;
		if (f->kind == ZS_FD_EPOLL || f->kind == ZS_FD_KQUEUE)
			longest = RTE_MAX(longest, longest_way(f->obj, p));
	}
	return longest;
}

int zs_poller_may_nest(const struct zs_poller *p, const struct zs_poller *child)
{
	if (longest_way(child, p) >= 0 ||
	    longest_way_to(p) + 1 + longest_way(child, NULL) > ZS_NEST_MAX)
		return -ELOOP;
	return 0;
}

void zs_poller_ask(struct zs_poller *p, bool (*is_edge)(const struct zs_note *n))
{
	for (struct zs_list *l = p->nested.next; l != &p->nested; l = l->next) {
		struct zs_note *n = container_of(l, struct zs_note, w.sock_link);
		int64_t arrivals = zs_poller_arrivals(n->child);

		if (!is_edge(n) || n->sdata != arrivals)
			zs_note_ready(n);
		n->sdata = arrivals;
	}
}
