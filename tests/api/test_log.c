/* SPDX-License-Identifier: BSD-3-Clause */
/* Log lines: which are wanted, and where they go. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "ff_config.h"
#include "ff_log.h"
#include "tests/zs_test.h"

static void assert_einval(int rc)
{
	assert_int_equal(rc, -1);
	assert_int_equal(errno, EINVAL);
}

static FILE *log_to(char **text, size_t *n)
{
	FILE *f = open_memstream(text, n);

	assert_non_null(f);
	assert_int_equal(ff_openlog_stream(f), 0);
	return f;
}

static int log_list(const char *format, ...)
{
	va_list ap;
	int n;

	va_start(ap, format);
	n = ff_vlog(FF_LOG_ERR, FF_LOGTYPE_FSTACK_APP, format, ap);
	va_end(ap);
	return n;
}

static void log_levels(void **state)
{
	char *text = NULL;
	size_t n;
	FILE *f = log_to(&text, &n);

	(void)state;
	ff_log_set_global_level(FF_LOG_INFO);
	assert_int_equal(ff_log(FF_LOG_ERR, FF_LOGTYPE_FSTACK_APP, "%s %d\n", "number", 7), 9);
	assert_int_equal(log_list("a list of %d\n", 1), 12);
	assert_int_equal(ff_log(FF_LOG_DEBUG, FF_LOGTYPE_FSTACK_APP, "too fine\n"), 0);
	assert_int_equal(ff_log_set_level(FF_LOGTYPE_FSTACK_APP, FF_LOG_ERR), 0);
	assert_int_equal(ff_log(FF_LOG_INFO, FF_LOGTYPE_FSTACK_APP, "too fine for the type\n"), 0);
	assert_int_equal(ff_log(FF_LOG_INFO, FF_LOGTYPE_FSTACK_LIB, "another type\n"), 13);
	assert_int_equal(ff_log_set_level(FF_LOGTYPE_FSTACK_APP, FF_LOG_DISABLE), 0);
	assert_int_equal(ff_log(FF_LOG_EMERG, FF_LOGTYPE_FSTACK_APP, "off\n"), 0);
	assert_int_equal(ff_log_set_level(FF_LOGTYPE_FSTACK_APP, FF_LOG_INFO), 0);
	assert_int_equal(ff_log(FF_LOG_INFO, FF_LOGTYPE_FSTACK_APP, "on\n"), 3);
	ff_log_set_global_level(FF_LOG_DISABLE);
	assert_int_equal(ff_log(FF_LOG_EMERG, FF_LOGTYPE_FSTACK_APP, "all off\n"), 0);
	ff_log_set_global_level(FF_LOG_INFO);
	assert_einval(ff_log_set_level(FF_LOGTYPE_FIRST_EXT_ID, FF_LOG_INFO));
	assert_einval(ff_log_set_level(FF_LOGTYPE_FSTACK_APP, FF_LOG_MAX + 1));
	assert_int_equal(ff_log(FF_LOG_ERR, 1000, "no such type\n"), 0);
	assert_string_equal(text, "number 7\na list of 1\nanother type\non\n");
	ff_openlog_stream(NULL);
	fclose(f);
	free(text);
}

/* The file of the configuration; without one, stderr again. */
static void log_file(void **state)
{
	char dir[] = "/tmp/zs_log_XXXXXX", path[64], line[64] = "";
	FILE *f;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/zstack-0.log", dir);
	ff_global_cfg.log.dir = dir;
	ff_global_cfg.log.level = FF_LOG_ERR;
	assert_int_equal(ff_log_open_set(), 0);
	assert_int_equal(ff_log(FF_LOG_INFO, FF_LOGTYPE_FSTACK_APP, "too fine\n"), 0);
	assert_int_equal(ff_log(FF_LOG_ERR, FF_LOGTYPE_FSTACK_APP, "kept\n"), 5);
	ff_log_close();
	ff_log_close(); /* again is no harm */
	f = fopen(path, "r");
	assert_non_null(f);
	assert_non_null(fgets(line, sizeof(line), f));
	assert_string_equal(line, "kept\n");
	fclose(f);
	unlink(path);
	rmdir(dir);
	assert_int_equal(ff_log_open_set(), -1); /* no such folder any more */
	ff_global_cfg.log.dir = NULL;
	assert_int_equal(ff_log_open_set(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(log_levels),
		cmocka_unit_test(log_file),
	};

	return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
