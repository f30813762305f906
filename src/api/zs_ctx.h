/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The context of a thread: its stack, the loop that drives it, its file descriptors. Every ff_ and
 * z_ call acts on the calling thread's context; a thread without one gets EPERM. The pointer below
 * is the only thread-local variable of the library.
 */
#ifndef ZS_CTX_H
#define ZS_CTX_H

#include <stdbool.h>
#include <stdint.h>

#include "zstack.h"

#include "api/zs_fd.h"
#include "core/zs_env.h"
#include "core/zs_stack.h"
#include "core/zs_timer.h"
#include "sock/zs_sock.h"

struct zs_kerns;
struct zs_note;
struct zs_note_chunk;
struct zs_zstate;

/* What the loop has done since its start. */
struct zs_load {
	uint64_t turns, busy_turns, total_cycles, busy_cycles, cycles_hz;
	uint64_t bufs_in_use; /* of all pools */
	uint64_t handed_over, taken_over;
	uint64_t sleeps, slept_cycles, wakes_packet, wakes_timer;
};

/*
 * What drives the stack: a DPDK port loop (ff_init.c) or a simulated world (tests). Times are those
 * of the stack's clock.
 */
struct zs_drive {
	uint64_t (*turn)(
		void *arg); /* timers and receive; the stack's next deadline, 0 = it was busy */
	void (*flush)(void *arg); /* sends what is due now */
	/* Ends a turn: may sleep until until_us at most; returns at once when the turn was busy. */
	void (*idle)(void *arg, uint64_t until_us);
	uint64_t (*clock_us)(void *arg); /* read now; may be NULL: that of the stack is good */
	uint64_t (*wall_us)(void *arg);	 /* time of day; may be NULL: the system's */
	void (*busy)(void *arg);	 /* the application did something: this turn was busy */
	void (*set_idle)(void *arg, enum z_idle mode); /* may be NULL: there is no choice */
	bool (*stopping)(void *arg);		       /* a signal asked the process to end */
	void (*wake)(void *arg); /* ends a sleep; any thread. May be NULL: it never sleeps */
	void (*load)(void *arg, struct zs_load *out); /* may be NULL: not counted */
	/*
	 * For z_ctx_fd(): a descriptor, or -errno; makes it readable by what arrives from now on
	 * and nothing else; and from at_us on. fd may be NULL: there is none.
	 */
	int (*fd)(void *arg);
	void (*fd_arm)(void *arg);
	void (*fd_at)(void *arg, uint64_t at_us);
	/* Sleeps end when fd, of the kernel's, is readable; -1: no such any more. May be NULL. */
	void (*watch)(void *arg, int fd);
	/* Frames beside the stack (ff_frames.c). Both may be NULL. */
	void (*look)(void *arg, zs_frame_fn fn);
	int (*send_frame)(void *arg, uint16_t port_id, const void *data, size_t len);
	/* z_mem_register: may the devices read this memory? 0 or -errno. Both may be NULL: they
	 * may. */
	int (*mem_map)(void *arg, void *addr, size_t len);
	void (*mem_unmap)(void *arg, void *addr, size_t len);
	/*
	 * Where the structs of buffers are; mem_span 0: anywhere. is_mem: of what is beyond that,
	 * may it be read at all? (Pools of the application's.)
	 */
	uintptr_t mem_lo, mem_span;
	bool (*is_mem)(void *arg, const void *p);
	void *arg;
};

/* What other threads want of a loop. */
enum zs_ctx_call {
	ZS_CALL_STOP = 0x01, /* ff_stop_run() was called */
	ZS_CALL_ASK = 0x02,  /* somebody has a question: zs_ask.h */
};

struct zs_ctx {
	struct zs_stack *s;
	struct zs_fdtab fds;
	bool in_run;   /* inside an ff_run callback: a wait is a poll, a blocking socket does not
			  block */
	uint8_t calls; /* enum zs_ctx_call; written by any thread */
	struct zs_note *free_notes;
	void *zc_head;		/* ff_zc.c: chains handed out and not yet sent */
	uint32_t n_events;	/* sockets that had events in the last turn */
	bool has_fd;		/* z_ctx_fd() was asked for */
	struct zs_zstate *z;	/* of the z_ calls; NULL until the first */
	struct zs_kerns *kerns; /* descriptors of the kernel's in our waits; NULL: none */
	struct zs_drive drive;
	struct zs_ctx *const *all; /* the contexts of the process, of one thread each */
	uint16_t index, n_all;	   /* own place in it */
	struct zs_note_chunk *chunks;
	struct zs_wheel wheel;	      /* of EVFILT_TIMER */
	struct zs_question *question; /* zs_ask.c; written by any thread */
	bool own_loop; /* a thread of its own drives it now; written by the main thread */
};

/* initial-exec: one load, no call, in the shared library too. */
extern __thread struct zs_ctx *zs_ctx_self __attribute__((tls_model("initial-exec")));

/* The calling thread's context; NULL and EPERM when it has none. */
static inline struct zs_ctx *zs_ctx_get(void)
{
	struct zs_ctx *c = zs_ctx_self;

	if (__builtin_expect(c == NULL, 0))
		errno = EPERM;
	return c;
}

/* drive is copied. fd numbers: fd_base.. fd_base + max_fds - 1. -EINVAL, -ENOMEM. */
int zs_ctx_create(struct zs_ctx **out, struct zs_stack *s, const struct zs_drive *drive,
		  int fd_base, uint32_t max_fds);
/* Tells n contexts of each other. The array has to stay. */
void zs_ctx_group(struct zs_ctx *const *all, uint16_t n);
/* Asks for the end of the loops of c and of those it was grouped with. Any thread. */
void zs_ctx_stop(struct zs_ctx *c);
/* There is a question for c or, when it has no loop of its own, for c to answer for others. Any
 * thread. */
void zs_ctx_ask(struct zs_ctx *c);
/* Closes every descriptor; the stack stays the caller's. */
void zs_ctx_destroy(struct zs_ctx *c);
/* Makes c (or NULL) the calling thread's context; returns the one before. */
struct zs_ctx *zs_ctx_enter(struct zs_ctx *c);

/* Sets errno for a descriptor that is not a socket: EPERM, EBADF or ENOTSOCK. Returns NULL. */
struct zs_sock *zs_fd_sock_error(int fd);

/* The socket behind fd, or NULL with errno EPERM (no context), EBADF or ENOTSOCK. */
static inline struct zs_sock *zs_fd_sock(int fd)
{
	struct zs_ctx *c = zs_ctx_self;
	struct zs_fd *f;

	if (__builtin_expect(c == NULL, 0))
		return zs_fd_sock_error(fd);
	f = zs_fd_slot(&c->fds, fd);
	if (__builtin_expect(f == NULL || f->kind != ZS_FD_SOCK, 0))
		return zs_fd_sock_error(fd);
	return f->obj;
}

/* What a call is told about the room for a name: 0; -EFAULT: an address without a length; -EINVAL:
 * a negative one. */
static inline int zs_name_room(const void *name, const socklen_t *len)
{
	if (name == NULL)
		return 0;
	if (len == NULL)
		return -EFAULT;
	return *len > INT32_MAX ? -EINVAL : 0;
}

/* A new descriptor for sk, which has none yet; -EMFILE (sk stays the caller's). */
int zs_ctx_add_sock(struct zs_ctx *c, struct zs_sock *sk);
/* Another number for what stands behind fd, the lowest free one at or above `from`. flags: enum
 * zs_fd_flag. -EBADF, -EINVAL, -EMFILE. */
int zs_ctx_dup(struct zs_ctx *c, int fd, int from, uint8_t flags);
/* Closes the number; what stands behind it too when it was the last. 0 or -EBADF. */
int zs_ctx_close(struct zs_ctx *c, int fd);

/*
 * First half of a turn: receive, timers, events. Returns how long the second half may sleep if
 * nothing came of it.
 */
uint64_t zs_ctx_begin_turn(struct zs_ctx *c);

/*
 * One whole turn of the loop; what is due is sent. May sleep while there is nothing to do, but not
 * beyond until_us (stack clock; 0 = do not sleep, UINT64_MAX = no limit). False: nothing happened.
 */
bool zs_ctx_turn(struct zs_ctx *c, uint64_t until_us);

/* Turns with loop(arg) in each, until the context or the drive is to stop. */
void zs_ctx_run(struct zs_ctx *c, int (*loop)(void *arg), void *arg);

/* The stack knows the time of day from now on: zs_stack_set_wall(). */
void zs_ctx_tell_wall(struct zs_ctx *c);

/*
 * Reads the clock for the stack, whose time stands still since the turn: the application may have
 * worked for long. For what arms a timer or sends something now.
 */
static inline uint64_t zs_ctx_now(struct zs_ctx *c)
{
	if (c->drive.clock_us != NULL)
		zs_stack_set_now(c->s, c->drive.clock_us(c->drive.arg));
	return zs_stack_now(c->s);
}

/* Sends what the application has left. */
void zs_ctx_flush(struct zs_ctx *c);

/* After a call that may have something to send: outside ff_run nobody else would send it soon. */
static inline void zs_ctx_kick(struct zs_ctx *c)
{
	if (!c->in_run)
		zs_ctx_flush(c);
}

/* After a call that may have made something ready: this turn does not end in sleep. */
static inline void zs_ctx_busy(struct zs_ctx *c)
{
	c->drive.busy(c->drive.arg);
}

/* Something is in c->calls: answers questions; true when the loop is to end. */
bool zs_ctx_called(struct zs_ctx *c);

/* May the struct of a buffer be at p, so that it can be looked at? */
static inline bool zs_ctx_may_look(const struct zs_ctx *c, const void *p)
{
	if (__builtin_expect(c == NULL || c->drive.mem_span == 0, 0))
		return true;
	if (__builtin_expect((uintptr_t)p - c->drive.mem_lo < c->drive.mem_span, 1))
		return true;
	return c->drive.is_mem(c->drive.arg, p);
}

/* Once per turn: is the loop to end? Questions of other threads are answered here, too. */
static inline bool zs_ctx_stopping(struct zs_ctx *c)
{
	if (__builtin_expect(__atomic_load_n(&c->calls, __ATOMIC_RELAXED) != 0, 0) &&
	    zs_ctx_called(c))
		return true;
	return c->drive.stopping(c->drive.arg);
}

/*
 * Blocks, driving the stack, until sk has one of the events (enum zs_ev; ERR and HUP always end the
 * wait) or timeout_ms is over (0 = no limit). 0, or -EAGAIN: timed out, or must not block here
 * (inside ff_run, ZS_SF_NONBLOCK; outside ff_run the stack is given one turn even then); -EINTR:
 * the process is being stopped.
 */
int zs_ctx_wait_sock(struct zs_ctx *c, struct zs_sock *sk, unsigned events, uint32_t timeout_ms);
/* The same for a call that may wait several times: *until is when timeout_ms of it are over; 0: it
 * has not waited yet. */
int zs_ctx_wait_until(struct zs_ctx *c, struct zs_sock *sk, unsigned events, uint32_t timeout_ms,
		      uint64_t *until);

#endif
