/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Ends in one of several ways after some turns on every core: by ff_stop_run() on core 0 or 1, or
 * by exit() in the middle of core 0's loop. Prints what was left to say when the process ends.
 *
 *	stopper [--conf config.ini] stop0|stop1|exit0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ff_api.h>
#include <zstack.h>

enum { TURNS = 50, MAX_CORES = 64 };

static const char *how;
static int turns[MAX_CORES]; /* each written by its core */

static int all_have_turned(void)
{
	for (int i = 0; i < z_cores(); i++)
		if (__atomic_load_n(&turns[i], __ATOMIC_RELAXED) < TURNS)
			return 0;
	return 1;
}

static int loop(void *arg)
{
	int core = z_core();

	(void)arg;
	__atomic_store_n(&turns[core], turns[core] + 1, __ATOMIC_RELAXED);
	if (core != how[4] - '0' || !all_have_turned())
		return 0;
	if (strncmp(how, "exit", 4) == 0)
		exit(0);
	ff_stop_run();
	return 0;
}

static void say_end(void)
{
	printf("stopper: cores=%d at_end=1\n", z_cores());
}

int main(int argc, char **argv)
{
	how = argv[argc - 1];
	if (ff_init(argc, argv) < 0)
		return 1;
	atexit(say_end); /* before the library's own end */
	ff_run(loop, NULL);
	return strncmp(how, "stop", 4) == 0 ? 0 : 1;
}
