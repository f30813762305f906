/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The notes of a kqueue that the application numbers itself: EVFILT_TIMER, which counts on a timer
 * wheel of the context's (its data is the number of expirations), and EVFILT_USER.
 */
#ifndef ZS_KQ_IDENT_H
#define ZS_KQ_IDENT_H

#include "api/zs_kqueue.h"
#include "api/zs_note.h"

struct ident_note;

struct zs_kq {
	struct zs_poller p; /* first */
	struct ident_note **bucket;
	uint32_t n_buckets, n_idents;
};

/* What all filters have in common. EV_ADD enables unless told otherwise; how a note is reported is
 * said when it is new. */
void zs_kq_set_flags(struct zs_note *n, const struct kevent *kev, bool is_new);

/* One change of EVFILT_TIMER or EVFILT_USER. Returns 0 or -errno. */
int zs_kq_change_ident(struct zs_kq *kq, const struct kevent *kev);
/* Adds a note like n. -ENOMEM. */
int zs_kq_copy_ident(const struct zs_note *n, struct zs_kq *to);
/* The event of n; false when there is none. */
bool zs_kq_fill_ident(struct zs_note *n, struct kevent *out);
void zs_kq_ident_free(struct zs_note *n);

#endif
