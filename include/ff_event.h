/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * kqueue: struct kevent in the layout of FreeBSD 12 and later, and its constants. Served here:
 * EVFILT_READ, EVFILT_WRITE, EVFILT_TIMER, EVFILT_USER; other filters are refused with EINVAL. A
 * kqueue or epoll instance may be the ident of EVFILT_READ, up to five deep: data is the number of
 * its events, those included that are found to be over when they are fetched. The numbers in data
 * and fflags that are errno values are Linux's. As in FreeBSD, every change of what is registered,
 * EV_ENABLE and EV_DISABLE too, brings its udata, and EVFILT_READ and EVFILT_WRITE their fflags and
 * data; but EV_CLEAR, EV_ONESHOT and EV_DISPATCH stay what they were when it was added.
 */
#ifndef FF_EVENT_H
#define FF_EVENT_H

#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>

struct kevent {
	uintptr_t ident;      /* descriptor, or the application's number of a timer or user event */
	short filter;	      /* EVFILT_ */
	unsigned short flags; /* EV_ */
	unsigned int fflags;  /* NOTE_ */
	__int64_t
		data; /* in: period, low-water mark; out: bytes, connections, expirations, error */
	void *udata;  /* handed back untouched */
	__uint64_t ext[4];
};

#if defined(__STDC_VERSION__) && __STDC_VERSION__ >= 199901L
#define EV_SET(kevp_, a, b, c, d, e, f)                                                            \
	do {                                                                                       \
		*(kevp_) = (struct kevent){                                                        \
			.ident = (uintptr_t)(a),                                                   \
			.filter = (b),                                                             \
			.flags = (c),                                                              \
			.fflags = (d),                                                             \
			.data = (e),                                                               \
			.udata = (f),                                                              \
		};                                                                                 \
	} while (0)
#else
#define EV_SET(kevp_, a, b, c, d, e, f)                                                            \
	do {                                                                                       \
		struct kevent *ev_set_ptr_ = (kevp_);                                              \
		ev_set_ptr_->ident = (uintptr_t)(a);                                               \
		ev_set_ptr_->filter = (b);                                                         \
		ev_set_ptr_->flags = (c);                                                          \
		ev_set_ptr_->fflags = (d);                                                         \
		ev_set_ptr_->data = (e);                                                           \
		ev_set_ptr_->udata = (f);                                                          \
		ev_set_ptr_->ext[0] = ev_set_ptr_->ext[1] = 0;                                     \
		ev_set_ptr_->ext[2] = ev_set_ptr_->ext[3] = 0;                                     \
	} while (0)
#endif

/* ---- filters ---- */
#define EVFILT_READ (-1)
#define EVFILT_WRITE (-2)
#define EVFILT_AIO (-3)
#define EVFILT_VNODE (-4)
#define EVFILT_PROC (-5)
#define EVFILT_SIGNAL (-6)
#define EVFILT_TIMER (-7)
#define EVFILT_PROCDESC (-8)
#define EVFILT_FS (-9)
#define EVFILT_LIO (-10)
#define EVFILT_USER (-11)
#define EVFILT_SENDFILE (-12)
#define EVFILT_EMPTY (-13)
#define EVFILT_SYSCOUNT 13

/* ---- flags: what to do ---- */
#define EV_ADD 0x0001 /* register, or change what is registered; enables */
#define EV_DELETE 0x0002
#define EV_ENABLE 0x0004
#define EV_DISABLE 0x0008
#define EV_FORCEONESHOT 0x0100
#define EV_KEEPUDATA 0x0200 /* a change without EV_ADD: what is registered keeps its udata */
#define EV_ONESHOT 0x0010   /* deleted once reported */
#define EV_CLEAR 0x0020	    /* edge trigger: reported again when something new arrives */
#define EV_RECEIPT 0x0040   /* answer this change with EV_ERROR, data 0 for success */
#define EV_DISPATCH 0x0080  /* disabled once reported */
#define EV_SYSFLAGS 0xF000
#define EV_DROP 0x1000
#define EV_FLAG1 0x2000
#define EV_FLAG2 0x4000

/* ---- flags: what is reported ---- */
#define EV_EOF 0x8000	/* no more will come; fflags holds the socket's error */
#define EV_ERROR 0x4000 /* the change failed with errno value data */

/* ---- fflags of EVFILT_READ and EVFILT_WRITE ---- */
/* data is a low-water mark, in place of the socket's. More than the receive window holds is as much
 * as it holds; of room to write in a descriptor of the kernel, some. */
#define NOTE_LOWAT 0x0001
#define NOTE_FILE_POLL 0x0002

/* ---- fflags of EVFILT_USER: 24 bits of the application's, two of command, one trigger ---- */
#define NOTE_FFNOP 0x00000000
#define NOTE_FFAND 0x40000000
#define NOTE_FFOR 0x80000000
#define NOTE_FFCOPY 0xc0000000
#define NOTE_FFCTRLMASK 0xc0000000
#define NOTE_FFLAGSMASK 0x00ffffff
#define NOTE_TRIGGER 0x01000000

/* ---- fflags of EVFILT_TIMER: the unit of data; milliseconds when none is given ---- */
#define NOTE_SECONDS 0x00000001
#define NOTE_MSECONDS 0x00000002
#define NOTE_USECONDS 0x00000004
#define NOTE_NSECONDS 0x00000008
#define NOTE_ABSTIME 0x00000010 /* data is a time of day, once */

/* ---- filters that exist for source compatibility only ---- */
#define NOTE_DELETE 0x0001
#define NOTE_WRITE 0x0002
#define NOTE_EXTEND 0x0004
#define NOTE_ATTRIB 0x0008
#define NOTE_LINK 0x0010
#define NOTE_RENAME 0x0020
#define NOTE_REVOKE 0x0040
#define NOTE_OPEN 0x0080
#define NOTE_CLOSE 0x0100
#define NOTE_CLOSE_WRITE 0x0200
#define NOTE_READ 0x0400
#define NOTE_EXIT 0x80000000
#define NOTE_FORK 0x40000000
#define NOTE_EXEC 0x20000000
#define NOTE_PCTRLMASK 0xf0000000
#define NOTE_PDATAMASK 0x000fffff
#define NOTE_TRACK 0x00000001
#define NOTE_TRACKERR 0x00000002
#define NOTE_CHILD 0x00000004

#endif
