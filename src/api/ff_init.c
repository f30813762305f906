/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Start and end of the library in a process: ff_init reads the configuration, starts the DPDK port
 * and makes a context for each lcore, the calling thread's among them; ff_run drives each on its
 * own thread. It ends when the process exits: connections are closed then, orderly. Until that a
 * program can still close sockets and read counters after ff_run.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ff_api.h"
#include "ff_config.h"

#include "api/zs_conf.h"
#include "api/zs_copy.h"
#include "api/zs_ctx.h"
#include "base/zs_api.h"
#include "tel/zs_tel.h"

ZS_API struct ff_config ff_global_cfg;

/* What there is once in a process. */
static struct {
	struct zs_conf conf;
	struct zs_dpdk *dpdk;
	struct zs_ctx *ctx[ZS_MAX_LCORES]; /* of lcore i; the first n */
	uint16_t n;
	pthread_t thread;
	pid_t pid;	      /* a forked child that exits leaves the ports to its parent */
	bool at_exit, shared; /* shared: the other contexts have what the first prepared */
} app;

/* ---- the drive: arg is struct zs_lcore ---- */

static uint64_t turn(void *arg)
{
	return zs_lcore_turn(arg);
}

static void flush(void *arg)
{
	zs_lcore_flush(arg);
}

static void idle(void *arg, uint64_t until_us)
{
	zs_lcore_idle(arg, until_us);
}

static void set_idle(void *arg, enum z_idle mode)
{
	static const enum zs_idle_mode modes[] = {
		[Z_IDLE_ADAPTIVE] = ZS_IDLE_ADAPTIVE,
		[Z_IDLE_POLL] = ZS_IDLE_POLL,
		[Z_IDLE_POWERSAVE] = ZS_IDLE_POWERSAVE,
	};
	uint32_t sleep_us;

	(void)zs_lcore_get_idle(arg, &sleep_us);
	zs_lcore_set_idle(arg, modes[mode], sleep_us);
}

static void busy(void *arg)
{
	zs_lcore_mark_busy(arg);
}

static bool stopping(void *arg)
{
	(void)arg;
	return zs_dpdk_stopping(app.dpdk);
}

static void wake(void *arg)
{
	zs_lcore_wake(arg);
}

static void count_load(void *arg, struct zs_load *out)
{
	struct zs_lcore_stats st;

	zs_lcore_get_stats(arg, &st);
	*out = (struct zs_load){
		.turns = st.turns,
		.busy_turns = st.busy_turns,
		.total_cycles = st.total_cycles,
		.busy_cycles = st.busy_cycles,
		.cycles_hz = st.tsc_hz,
		.bufs_in_use = zs_dpdk_bufs_in_use(app.dpdk),
		.handed_over = st.handed_over,
		.taken_over = st.taken_over,
		.sleeps = st.sleeps,
		.slept_cycles = st.slept_cycles,
		.wakes_packet = st.wakes_packet,
		.wakes_timer = st.wakes_timer,
	};
}

static int fd(void *arg)
{
	return zs_lcore_fd(arg);
}

static void fd_arm(void *arg)
{
	zs_lcore_fd_arm(arg);
}

static void fd_at(void *arg, uint64_t at_us)
{
	zs_lcore_fd_at(arg, at_us);
}

static void watch(void *arg, int wanted)
{
	zs_lcore_watch(arg, wanted);
}

static int mem_map(void *arg, void *addr, size_t len)
{
	(void)arg;
	(void)addr;
	(void)len;
	return zs_dpdk_mem_map(app.dpdk);
}

static void look(void *arg, zs_frame_fn fn)
{
	(void)arg;
	zs_dpdk_look_at_frames(app.dpdk, fn, NULL);
}

static int send_frame(void *arg, uint16_t port_id, const void *data, size_t len)
{
	return zs_lcore_send_frame(arg, port_id, data, len);
}

static bool is_mem(void *arg, const void *p)
{
	(void)arg;
	return zs_dpdk_is_mem(p);
}

/* ---- start ---- */

static int load(int argc, char *const argv[])
{
	struct zs_conf_args args;
	char err[ZS_CONF_ERR];
	int rc = zs_conf_args(argc, argv, &args, err);

	if (rc < 0) {
		fprintf(stderr, "zstack: %s\n", err);
		return rc;
	}
	if (args.file == NULL && access("config.ini", F_OK) == 0)
		args.file = "config.ini";
	zs_conf_free(&app.conf);
	rc = zs_conf_load(&app.conf, args.file, &args);
	if (rc < 0)
		fprintf(stderr, "%s\n", app.conf.err);
	else if (app.conf.note[0] != '\0')
		fprintf(stderr, "%s\n", app.conf.note);
	return rc;
}

ZS_API int ff_load_config(int argc, char *const argv[])
{
	return (int)ff_ret(load(argc, argv));
}

static void destroy(void)
{
	while (app.n > 0)
		zs_ctx_destroy(app.ctx[--app.n]);
	zs_dpdk_fini(app.dpdk);
	app.dpdk = NULL;
}

static void stop(void)
{
	zs_ctx_stop(app.ctx[0]);
	zs_dpdk_wake(app.dpdk);
}

/*
 * Once, in reverse order of ff_init; harmless when nothing is there. A program that exits in the
 * middle of its loop leaves the other threads at work.
 */
static void end(void)
{
	if (app.n == 0 || !pthread_equal(pthread_self(), app.thread) || getpid() != app.pid)
		return;
	stop();
	zs_dpdk_wait(app.dpdk);
	for (uint16_t i = 0; i < app.n; i++)
		app.ctx[i]->own_loop = false;
	zs_tel_stop();
	destroy();
}

static uint64_t clock_us(void *arg)
{
	return zs_lcore_clock_us(arg);
}

static int create_contexts(void)
{
	struct zs_drive drive = {
		.turn = turn,
		.flush = flush,
		.idle = idle,
		.set_idle = set_idle,
		.clock_us = clock_us,
		.busy = busy,
		.stopping = stopping,
		.wake = wake,
		.load = count_load,
		.fd = fd,
		.fd_arm = fd_arm,
		.fd_at = fd_at,
		.watch = watch,
		.mem_map = mem_map,
		.is_mem = is_mem,
		.look = look,
		.send_frame = send_frame,
	};
	unsigned n = zs_dpdk_n_lcores(app.dpdk);
	int rc = 0;

	zs_dpdk_buf_span(app.dpdk, &drive.mem_lo, &drive.mem_span);
	while (rc == 0 && app.n < n) {
		struct zs_lcore *lc = zs_dpdk_lcore(app.dpdk, app.n);

		drive.arg = lc;
		rc = zs_ctx_create(&app.ctx[app.n], zs_lcore_stack(lc), &drive, app.conf.fd_base,
				   app.conf.max_fds);
		if (rc == 0)
			app.n++;
	}
	zs_ctx_group(app.ctx, app.n);
	return rc;
}

static int start(int argc, char *const argv[])
{
	int rc;

	if (app.n != 0)
		return -EALREADY;
	rc = load(argc, argv);
	if (rc < 0)
		return rc;
	app.conf.dpdk.prog = argc > 0 ? argv[0] : "zstack";
	rc = zs_dpdk_init(&app.dpdk, &app.conf.dpdk);
	if (rc < 0)
		return rc;
	rc = create_contexts();
	if (rc < 0) {
		destroy();
		return rc;
	}
	if (zs_tel_start(app.ctx, app.n) == 0) /* a program runs without it, too */
		(void)zs_tel_start_port(app.dpdk);
	app.thread = pthread_self();
	app.pid = getpid();
	(void)zs_ctx_enter(app.ctx[0]);
	if (!app.at_exit)
		app.at_exit = atexit(end) == 0;
	return 0;
}

ZS_API int ff_init(int argc, char *const argv[])
{
	return (int)ff_ret(start(argc, argv));
}

/* ---- loop ---- */

struct loop {
	loop_func_t fn;
	void *arg;
};

/* On the lcore's thread. */
static void run(struct zs_lcore *lc, void *arg)
{
	const struct loop *loop = arg;
	struct zs_ctx *c = app.ctx[zs_lcore_index(lc)];
	struct zs_ctx *before = zs_ctx_enter(c);

	zs_ctx_run(c, loop->fn, loop->arg);
	(void)zs_ctx_enter(before);
}

/* Once: what is made later is the business of each thread. */
static int share(void)
{
	int rc = 0;

	for (uint16_t i = 1; rc == 0 && !app.shared && i < app.n; i++)
		rc = zs_ctx_copy(app.ctx[0], app.ctx[i]);
	app.shared = true;
	return rc;
}

static void run_all(struct loop *l)
{
	for (uint16_t i = 0; i < app.n; i++)
		app.ctx[i]->own_loop = true;
	zs_dpdk_run(app.dpdk, run, l);
	for (uint16_t i = 0; i < app.n; i++)
		app.ctx[i]->own_loop = false;
}

ZS_API void ff_run(loop_func_t loop, void *arg)
{
	struct loop l = { loop, arg };
	int rc;

	if (app.n == 0 || zs_ctx_self != app.ctx[0]) {
		fputs("zstack: ff_run: this thread has no stack (was ff_init successful?)\n",
		      stderr);
		return;
	}
	rc = share();
	if (rc < 0)
		fprintf(stderr, "zstack: ff_run: no copy of the sockets for each lcore: %s\n",
			strerror(-rc));
	else
		run_all(&l);
}

ZS_API void ff_stop_run(void)
{
	if (app.n > 0)
		stop();
}
