/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Start and end of the library in a process: ff_init reads the configuration, starts the DPDK port
 * and gives the calling thread its context; ff_run drives it. It ends when the process exits:
 * connections are closed in order then. Until that a program can still close sockets and read
 * counters after ff_run.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "ff_api.h"
#include "ff_config.h"

#include "api/zs_conf.h"
#include "api/zs_ctx.h"
#include "api/zs_init.h"
#include "base/zs_api.h"

ZS_API struct ff_config ff_global_cfg;

/* The one stack of the process. */
static struct {
	struct zs_conf conf;
	struct zs_dpdk *dpdk;
	struct zs_ctx *ctx;
	pthread_t thread;
	bool at_exit;
} app;

struct zs_dpdk *zs_app_dpdk(void)
{
	return app.dpdk;
}

/* ---- the drive ---- */

static uint64_t turn(void *arg)
{
	return zs_dpdk_turn(arg);
}

static void flush(void *arg)
{
	zs_dpdk_flush(arg);
}

static void idle(void *arg, uint64_t until_us)
{
	zs_dpdk_idle(arg, until_us);
}

static void busy(void *arg)
{
	zs_dpdk_mark_busy(arg);
}

static bool stopping(void *arg)
{
	return zs_dpdk_stopping(arg);
}

static void count_load(void *arg, struct zs_load *out)
{
	struct zs_dpdk_stats st;

	zs_dpdk_get_stats(arg, &st);
	*out = (struct zs_load){
		.turns = st.turns,
		.busy_turns = st.busy_turns,
		.total_cycles = st.total_cycles,
		.busy_cycles = st.busy_cycles,
		.cycles_hz = st.tsc_hz,
		.bufs_in_use = zs_dpdk_bufs_in_use(arg),
	};
}

static int mem_map(void *arg, void *addr, size_t len)
{
	(void)addr;
	(void)len;
	return zs_dpdk_mem_map(arg);
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

/* Once, in reverse order of ff_init; harmless when nothing is there. */
static void end(void)
{
	if (app.ctx == NULL || !pthread_equal(pthread_self(), app.thread))
		return;
	zs_ctx_destroy(app.ctx);
	app.ctx = NULL;
	zs_dpdk_fini(app.dpdk);
	app.dpdk = NULL;
}

static int start(int argc, char *const argv[])
{
	struct zs_drive drive = {
		.turn = turn,
		.flush = flush,
		.idle = idle,
		.busy = busy,
		.stopping = stopping,
		.load = count_load,
		.mem_map = mem_map,
	};
	int rc;

	if (app.ctx != NULL)
		return -EALREADY;
	rc = load(argc, argv);
	if (rc < 0)
		return rc;
	app.conf.dpdk.prog = argc > 0 ? argv[0] : "zstack";
	rc = zs_dpdk_init(&app.dpdk, &app.conf.dpdk);
	if (rc < 0)
		return rc;
	drive.arg = app.dpdk;
	rc = zs_ctx_create(&app.ctx, zs_dpdk_stack(app.dpdk), &drive, app.conf.fd_base,
			   app.conf.max_fds);
	if (rc < 0)
		goto err_fini_dpdk;
	app.thread = pthread_self();
	(void)zs_ctx_enter(app.ctx);
	if (!app.at_exit)
		app.at_exit = atexit(end) == 0;
	return 0;
err_fini_dpdk:
	zs_dpdk_fini(app.dpdk);
	app.dpdk = NULL;
	return rc;
}

ZS_API int ff_init(int argc, char *const argv[])
{
	return (int)ff_ret(start(argc, argv));
}

/* ---- loop ---- */

ZS_API void ff_run(loop_func_t loop, void *arg)
{
	struct zs_ctx *c = zs_ctx_get();

	if (c == NULL || c != app.ctx) {
		fputs("zstack: ff_run: this thread has no stack (was ff_init successful?)\n",
		      stderr);
		return;
	}
	zs_ctx_run(c, loop, arg);
}

ZS_API void ff_stop_run(void)
{
	if (app.ctx != NULL)
		app.ctx->stop = true;
}
