/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * SIGINT and SIGTERM ask the loop to end, and wake it. The flag and the descriptor for that are the
 * only static variables of the port: a signal handler has no argument. A handler that the
 * application installed stays. A hung program can be ended by repeating the signal; once more is
 * not enough, for timeout(1) and some shells send it twice. SIGPIPE is ignored: drivers
 * (virtio_user, memif) write to sockets whose peer may be gone.
 */
#include <errno.h>
#include <stddef.h>
#include <sys/eventfd.h>

#include "port/dpdk/zs_dpdk_state.h"

static volatile sig_atomic_t signal_seen;
static int wake_fd; /* written before the handlers are there */

enum { LAST_SIGNAL = 4 }; /* this one finds the default action */

static void on_signal(int signo)
{
	int saved = errno;

	if (++signal_seen >= LAST_SIGNAL - 1)
		(void)signal(signo, SIG_DFL);
	(void)eventfd_write(wake_fd, 1); /* one write(); fails when it is readable already */
	errno = saved;
}

static void catch_one(int signo, void (*handler)(int), struct sigaction *old)
{
	struct sigaction sa = { .sa_handler = handler };

	sigemptyset(&sa.sa_mask);
	if (sigaction(signo, NULL, old) == 0 && old->sa_handler == SIG_DFL)
		(void)sigaction(signo, &sa, NULL); /* fails for bad numbers only */
}

static void restore_one(int signo, void (*handler)(int), const struct sigaction *old)
{
	struct sigaction now;

	if (sigaction(signo, NULL, &now) == 0 && now.sa_handler == handler)
		(void)sigaction(signo, old, NULL);
}

void zs_signal_catch(struct zs_dpdk *d)
{
	signal_seen = 0;
	wake_fd = d->stop_fd;
	catch_one(SIGINT, on_signal, &d->old_int);
	catch_one(SIGTERM, on_signal, &d->old_term);
	catch_one(SIGPIPE, SIG_IGN, &d->old_pipe);
	d->signals = true;
}

void zs_signal_restore(struct zs_dpdk *d)
{
	if (!d->signals)
		return;
	restore_one(SIGINT, on_signal, &d->old_int);
	restore_one(SIGTERM, on_signal, &d->old_term);
	restore_one(SIGPIPE, SIG_IGN, &d->old_pipe);
	d->signals = false;
}

bool zs_signal_seen(void)
{
	return signal_seen != 0;
}
