/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What an lcore without work does. It polls on for a while after the last work, for most packets
 * come in company and a sleep costs several system calls. Then it sleeps:
 *
 * - Where all of its receive queues have interrupts, until a packet comes. The interrupts are
 *   switched on first and one more turn is taken after that, so no packet slips through. An lcore
 *   without a queue of its own needs none of that. A socket is as good as an interrupt; it is
 * polled like one of the application's, for an epoll instance would cost something for each packet.
 * - Where they have not, for a small part of the time that it has been without work, up to a
 *   bound: so much longer may a packet have to wait.
 *
 * Another lcore that leaves something in a ring looks at need_wakeup after that, the sleeper at its
 * rings after it has set need_wakeup: one of them sees the other. So neither calls the kernel under
 * load. No sleep goes beyond the next deadline nor lasts longer than some milliseconds: a program
 * may do things in its loop that nobody here knows of.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include <rte_cycles.h>

#include "port/dpdk/zs_fanout.h"
#include "port/dpdk/zs_show.h"

enum {
	SPIN_MIN_US = 50,  /* about what a sleep and its end cost, here and in who waits */
	SPIN_MAX_US = 200, /* while packets come so soon after each other */
	NAP_MIN_US = 5,
	NAP_SHARE = 32, /* adaptive: a nap lasts this part of the time without work */
	NAP_SHARE_POWERSAVE = 8,
	NAP_MAX_US = 4000, /* a nap costs some 30 us of CPU time on a virtual machine */
	NAP_MAX_POWERSAVE_US = 10000,
	SLEEP_MAX_US = 2000, /* a core that has been halted for longer takes longer to wake */
	SLEEP_MAX_POWERSAVE_US = 100000,
	DOUBT_US = 500, /* a tap device may ring before its driver lets anybody see the packet */
	TIMER_SLACK_NS = 1000, /* instead of 50 us */
	MAX_EDGES = 16,
};

/* ---- life ---- */

int zs_idle_init(struct zs_lcore *lc, const struct zs_dpdk_config *cfg)
{
	struct zs_idle *id = &lc->idle;

	*id = (struct zs_idle){
		.mode = cfg->idle,
		.sleep_us = cfg->idle_sleep_us,
		.spin_us = cfg->idle == ZS_IDLE_POWERSAVE ? 0 : SPIN_MIN_US,
		.us_tsc = lc->stats.tsc_hz / 1000000,
		.event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC),
		.queues = epoll_create1(EPOLL_CLOEXEC),
		.out = -1,
		.timer = -1,
		.foreign = -1,
	};
	if (lc->d->procs != NULL) { /* the others know this one */
		close(id->event);
		id->event = lc->d->box[lc->index].event;
	}
	id->need_wakeup = lc->d->procs != NULL ? lc->d->box[lc->index].need_wakeup : &id->asleep;
	if (lc->d->box != NULL) {
		lc->d->box[lc->index].event = id->event;
		lc->d->box[lc->index].need_wakeup = id->need_wakeup;
	}
	if (id->event < 0 || id->queues < 0)
		return zs_dpdk_fail(-errno, "no event descriptor: %s", strerror(errno));
	(void)prctl(PR_SET_TIMERSLACK, TIMER_SLACK_NS); /* sleeps last longer where it fails */
	zs_intr_watch(lc);
	return 0;
}

void zs_lcore_set_idle(struct zs_lcore *lc, enum zs_idle_mode mode, uint32_t sleep_us)
{
	lc->idle.mode = mode;
	lc->idle.sleep_us = sleep_us;
	lc->idle.spin_us = mode == ZS_IDLE_POWERSAVE ? 0 : SPIN_MIN_US;
}

enum zs_idle_mode zs_lcore_get_idle(const struct zs_lcore *lc, uint32_t *sleep_us)
{
	*sleep_us = lc->idle.sleep_us;
	return lc->idle.mode;
}

static void close_fd(int fd)
{
	if (fd > 0) /* 0: zs_idle_init() was not reached */
		close(fd);
}

void zs_idle_fini(struct zs_lcore *lc)
{
	if (lc->d->procs == NULL) /* else it is of the box */
		close_fd(lc->idle.event);
	close_fd(lc->idle.queues);
	close_fd(lc->idle.out);
	close_fd(lc->idle.timer);
}

/* ---- sleep ---- */

/* From here on what arrives makes a descriptor readable; what arrived before, a turn finds. */
static void arm(struct zs_lcore *lc)
{
	struct epoll_event edges[MAX_EDGES];

	while (epoll_wait(lc->idle.queues, edges, MAX_EDGES, 0) == MAX_EDGES)
		;
	zs_intr_switch(lc, true);
	__atomic_store_n(lc->idle.need_wakeup, true, __ATOMIC_SEQ_CST);
	lc->idle.state = ZS_ARMED;
}

static void disarm(struct zs_lcore *lc)
{
	zs_intr_switch(lc, false);
	__atomic_store_n(lc->idle.need_wakeup, false, __ATOMIC_RELAXED);
	lc->idle.state = ZS_AWAKE;
}

void zs_idle_wake(const struct zs_box *box)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (__atomic_load_n(box->need_wakeup, __ATOMIC_RELAXED) &&
	    __atomic_exchange_n(box->need_wakeup, false, __ATOMIC_SEQ_CST))
		(void)eventfd_write(box->event, 1); /* fails when it is readable already */
}

/* A packet ended the sleep. If it came within the longest spin, sleep had come too early. */
static void learn(struct zs_lcore *lc)
{
	struct zs_idle *id = &lc->idle;

	if (id->mode == ZS_IDLE_POWERSAVE)
		return;
	if (lc->mark_tsc - lc->work_tsc < SPIN_MAX_US * id->us_tsc)
		id->spin_us = RTE_MIN(2 * id->spin_us, (uint32_t)SPIN_MAX_US);
	else
		id->spin_us = RTE_MAX(id->spin_us / 2, (uint32_t)SPIN_MIN_US);
}

static void woken(struct zs_lcore *lc, bool rung)
{
	lc->idle.state = ZS_AWAKE;
	lc->idle.for_nothing = rung && !lc->worked;
	if (rung || lc->worked)
		lc->stats.wakes_packet++;
	else
		lc->stats.wakes_timer++;
	if (lc->worked)
		learn(lc);
}

void zs_idle_turned(struct zs_lcore *lc)
{
	switch (lc->idle.state) {
	case ZS_AWAKE:
		break;
	case ZS_ARMED:
		if (lc->worked)
			disarm(lc);
		break;
	case ZS_WOKEN:
		woken(lc, false);
		break;
	case ZS_RUNG:
		woken(lc, true);
		break;
	}
}

static struct timespec timespec_of(uint64_t us)
{
	return (struct timespec){ .tv_sec = (time_t)(us / 1000000),
				  .tv_nsec = (long)(us % 1000000) * 1000 };
}

/* A socket tells of an error, as when its interface goes down, until it is asked; or it has been
 * closed, and tells of nothing any more. */
static void ask_for_error(struct zs_idle *id, unsigned i)
{
	socklen_t len = sizeof(int);
	int error;

	if (getsockopt(id->rxsock[i], SOL_SOCKET, SO_ERROR, &error, &len) == 0)
		return;
	id->rxsock[i] = -1;
	id->wakeable = false;
}

/* True when something has arrived. */
static bool wait_for_packets(struct zs_lcore *lc, uint64_t us)
{
	enum { QUEUES, EVENT, STOP, FOREIGN, RXSOCKS };
	struct zs_idle *id = &lc->idle;
	struct timespec ts = timespec_of(us);
	struct pollfd fds[RXSOCKS + ZS_MAX_PORTS] = {
		[QUEUES] = { .fd = id->queues, .events = POLLIN },
		[EVENT] = { .fd = id->event, .events = POLLIN },
		[STOP] = { .fd = lc->d->stop_fd, .events = POLLIN },
		[FOREIGN] = { .fd = id->foreign, .events = POLLIN },
	};
	bool rung;
	eventfd_t value;

	for (unsigned i = 0; i < id->n_rxsocks; i++)
		fds[RXSOCKS + i] = (struct pollfd){ .fd = id->rxsock[i], .events = POLLIN };
	if (ppoll(fds, RXSOCKS + id->n_rxsocks, &ts, NULL) <= 0)
		return false;
	if (fds[EVENT].revents != 0)
		(void)eventfd_read(id->event, &value); /* readable, and nobody else reads */
	rung = fds[QUEUES].revents != 0 || fds[EVENT].revents != 0;
	for (unsigned i = 0; i < id->n_rxsocks; i++) {
		rung |= fds[RXSOCKS + i].revents != 0;
		if (fds[RXSOCKS + i].revents & ~POLLIN)
			ask_for_error(id, i);
	}
	return rung;
}

/* Only time ends it, a signal, or what the application waits for. */
static void nap(const struct zs_lcore *lc, uint64_t us)
{
	struct timespec ts = timespec_of(us);
	struct pollfd p = { .fd = lc->idle.foreign, .events = POLLIN };

	(void)ppoll(&p, 1, &ts, NULL);
}

/* The longest sleep now that nothing can end but time, and a signal. */
static uint32_t nap_us(const struct zs_lcore *lc)
{
	const struct zs_idle *id = &lc->idle;
	bool save = id->mode == ZS_IDLE_POWERSAVE;
	uint64_t us = (lc->mark_tsc - lc->work_tsc) / id->us_tsc;
	uint32_t max = save ? NAP_MAX_POWERSAVE_US : NAP_MAX_US;

	us /= save ? NAP_SHARE_POWERSAVE : NAP_SHARE;
	if (id->sleep_us != 0)
		max = id->sleep_us;
	return (uint32_t)RTE_MIN(RTE_MAX(us, (uint64_t)NAP_MIN_US), (uint64_t)max);
}

static uint32_t longest_us(const struct zs_idle *id)
{
	uint32_t max = id->mode == ZS_IDLE_POWERSAVE ? SLEEP_MAX_POWERSAVE_US : SLEEP_MAX_US;

	return id->sleep_us != 0 ? RTE_MIN(id->sleep_us, max) : max;
}

static void sleep_for(struct zs_lcore *lc, uint64_t us, bool wakeable)
{
	uint64_t before = rte_rdtsc(), after;
	bool rung = false;

	if (wakeable)
		rung = wait_for_packets(lc, us);
	else
		nap(lc, us);
	after = rte_rdtsc();
	lc->stats.sleeps++;
	lc->stats.slept_cycles += after - before;
	lc->stats.total_cycles += after - lc->mark_tsc;
	lc->mark_tsc = after;
	if (wakeable)
		disarm(lc);
	lc->idle.state = rung ? ZS_RUNG : ZS_WOKEN;
}

void zs_idle_sleep(struct zs_lcore *lc, uint64_t now_us, uint64_t until_us)
{
	/* A device that takes nothing now does not tell when it does again. */
	bool wakeable = lc->idle.wakeable && !zs_stack_tx_pending(lc->s) && !zs_fan_tx_pending(lc);
	uint64_t max = wakeable ? longest_us(&lc->idle) : nap_us(lc);

	if (lc->idle.for_nothing)
		max = RTE_MIN(max, (uint64_t)DOUBT_US);
	if (lc->links_down != 0)
		until_us = RTE_MIN(until_us, lc->links_us);
	if (until_us <= now_us)
		return;
	if (wakeable && lc->idle.state != ZS_ARMED)
		arm(lc);
	else
		sleep_for(lc, RTE_MIN(until_us - now_us, max), wakeable);
}

/* ---- the descriptor for a loop of others ---- */

static int add_to(int ep, int fd)
{
	struct epoll_event ev = { .events = EPOLLIN };

	return epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev) < 0 ? -errno : 0;
}

int zs_lcore_fd(struct zs_lcore *lc)
{
	struct zs_idle *id = &lc->idle;
	int out, rc;

	if (id->out >= 0)
		return id->out;
	if (id->timer < 0)
		id->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	out = id->timer < 0 ? -1 : epoll_create1(EPOLL_CLOEXEC);
	if (out < 0)
		return -errno;
	rc = add_to(out, id->timer);
	if (rc == 0)
		rc = add_to(out, id->event);
	if (rc == 0)
		rc = add_to(out, id->queues);
	if (rc == 0 && id->foreign >= 0)
		rc = add_to(out, id->foreign);
	if (rc < 0) {
		close(out);
		return rc;
	}
	id->out = out;
	id->out_us = UINT64_MAX;
	zs_intr_watch(lc);
	zs_lcore_fd_at(lc, 0);
	return out;
}

void zs_lcore_fd_at(struct zs_lcore *lc, uint64_t at_us)
{
	struct itimerspec when = { 0 };
	uint64_t now_us;

	if (at_us >= lc->idle.out_us)
		return;
	lc->idle.out_us = at_us;
	now_us = zs_lcore_clock_us(lc);
	when.it_value = timespec_of(at_us > now_us ? at_us - now_us : 0);
	if (at_us <= now_us)
		when.it_value.tv_nsec = 1;		       /* 0 would switch it off */
	(void)timerfd_settime(lc->idle.timer, 0, &when, NULL); /* fails for bad times only */
}

void zs_lcore_fd_arm(struct zs_lcore *lc)
{
	struct zs_idle *id = &lc->idle;
	bool wakeable = id->wakeable && !zs_stack_tx_pending(lc->s) && !zs_fan_tx_pending(lc);
	eventfd_t value;

	(void)eventfd_read(id->event, &value); /* fails when it is not readable */
	if (wakeable)
		arm(lc);
	id->out_us = UINT64_MAX;
	zs_lcore_fd_at(lc, zs_lcore_clock_us(lc) + (wakeable ? longest_us(id) : nap_us(lc)));
}

void zs_lcore_watch(struct zs_lcore *lc, int fd)
{
	struct zs_idle *id = &lc->idle;

	if (id->out >= 0 && id->foreign >= 0)
		(void)epoll_ctl(id->out, EPOLL_CTL_DEL, id->foreign, NULL); /* closed already? */
	if (id->out >= 0 && fd >= 0)
		(void)add_to(id->out, fd); /* without memory, its timer stays */
	id->foreign = fd;
}
