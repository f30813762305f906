/* SPDX-License-Identifier: BSD-3-Clause */
/* EAL arguments: splitting, precedence of sources, alternatives, errors. */
#include "tests/zs_test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "port/dpdk/zs_eal_args.h"

static struct zs_eal_args a;

static int fresh(void **state)
{
	(void)state;
	zs_eal_args_init(&a);
	return 0;
}

/* The finished vector in one line. */
static const char *line(void)
{
	static char text[1024];

	zs_eal_args_finish(&a, "prog");
	text[0] = '\0';
	for (int i = 0; i < a.argc; i++) {
		if (i > 0)
			strcat(text, " ");
		strcat(text, a.argv[i]);
	}
	assert_null(a.argv[a.argc]);
	return text;
}

static void text(int level, const char *words)
{
	assert_int_equal(zs_eal_args_text(&a, level, words), 0);
}

static void test_splits_as_a_shell(void **state)
{
	(void)state;
	text(ZS_ARG_ENV, "  --vdev 'net_a0,x=1 2'\t--huge-dir=\"/a b\" -d a\\ b --vdev=net\\\"b ");
	zs_eal_args_finish(&a, "prog");
	assert_int_equal(a.argc, 7);
	assert_string_equal(a.argv[1], "--vdev");
	assert_string_equal(a.argv[2], "net_a0,x=1 2");
	assert_string_equal(a.argv[3], "--huge-dir=/a b");
	assert_string_equal(a.argv[4], "-d");
	assert_string_equal(a.argv[5], "a b");
	assert_string_equal(a.argv[6], "--vdev=net\"b");
}

static void test_nothing_is_nothing(void **state)
{
	(void)state;
	text(ZS_ARG_STRING, NULL);
	text(ZS_ARG_STRING, "");
	text(ZS_ARG_STRING, " \t\n");
	assert_string_equal(line(), "prog");
}

static void test_stronger_source_replaces(void **state)
{
	(void)state;
	text(ZS_ARG_ENV, "--file-prefix=env");
	text(ZS_ARG_DEFAULT, "--file-prefix=def --iova-mode=va");
	text(ZS_ARG_STRING, "--file-prefix str -n 4");
	assert_string_equal(line(), "prog --iova-mode=va -n 4 --file-prefix=env");
}

static void test_later_of_one_source_wins(void **state)
{
	(void)state;
	text(ZS_ARG_STRING, "-n2 --no-telemetry -n 4 --no-telemetry");
	assert_string_equal(line(), "prog -n 4 --no-telemetry");
}

static void test_alternatives_replace_each_other(void **state)
{
	(void)state;
	text(ZS_ARG_DEFAULT, "--lcores=0@(0,1) --no-huge -m 64");
	text(ZS_ARG_CONFIG, "-l 1");
	text(ZS_ARG_ENV, "-c2 --socket-mem=128 --in-memory");
	assert_string_equal(line(), "prog -c2 --socket-mem=128 --in-memory");
	assert_true(zs_eal_args_has(&a, "--in-memory"));
	assert_false(zs_eal_args_has(&a, "--no-huge"));
}

static void test_devices_replace_weaker_devices_only(void **state)
{
	(void)state;
	text(ZS_ARG_DEFAULT, "--vdev=net_tap0");
	text(ZS_ARG_STRING, "--vdev=net_a0 -a 0000:01:00.0 --vdev net_a1");
	assert_string_equal(line(), "prog --vdev=net_a0 -a 0000:01:00.0 --vdev net_a1");
	text(ZS_ARG_ENV, "--vdev=net_b0 --vdev=net_b1");
	assert_string_equal(line(), "prog --vdev=net_b0 --vdev=net_b1");
	assert_true(zs_eal_args_has_device(&a));
	assert_false(zs_eal_args_has(&a, "-a"));
}

static void test_log_levels_and_blocks_add_up(void **state)
{
	(void)state;
	text(ZS_ARG_DEFAULT, "--log-level=*:error -b x");
	text(ZS_ARG_ENV, "--log-level lib.eal:debug --block=y");
	assert_string_equal(line(),
			    "prog --log-level=*:error -b x --log-level lib.eal:debug --block=y");
}

static void test_names_are_whole_names(void **state)
{
	(void)state;
	text(ZS_ARG_STRING, "--vdevice=x --legacy-mem");
	assert_false(zs_eal_args_has(&a, "--vdev"));
	assert_false(zs_eal_args_has_device(&a));
	assert_true(zs_eal_args_has(&a, "--legacy-mem"));
}

static void test_errors_say_why(void **state)
{
	(void)state;
	assert_int_equal(zs_eal_args_text(&a, ZS_ARG_ENV, "-l"), -EINVAL);
	assert_non_null(strstr(a.error, "-l needs a value"));
	assert_int_equal(zs_eal_args_text(&a, ZS_ARG_ENV, "net_tap0"), -EINVAL);
	assert_non_null(strstr(a.error, "'net_tap0' is not an EAL option"));
	assert_int_equal(zs_eal_args_text(&a, ZS_ARG_ENV, "-m 64 --"), -EINVAL);
	assert_int_equal(zs_eal_args_text(&a, ZS_ARG_ENV, "--vdev 'x"), -EINVAL);
	assert_non_null(strstr(a.error, "quote"));
}

static void test_bounds(void **state)
{
	static char long_text[ZS_MAX_EAL_TEXT + 8];

	(void)state;
	memset(long_text, '-', sizeof(long_text) - 1);
	assert_int_equal(zs_eal_args_text(&a, ZS_ARG_ENV, long_text), -E2BIG);
	for (int i = 0; i < ZS_MAX_EAL_ARGS; i++)
		assert_int_equal(zs_eal_args_add(&a, ZS_ARG_ENV, "--vdev=x", NULL), 0);
	assert_int_equal(zs_eal_args_add(&a, ZS_ARG_ENV, "--vdev=x", NULL), -E2BIG);
	zs_eal_args_finish(&a, "prog");
	assert_int_equal(a.argc, ZS_MAX_EAL_ARGS + 1);
}

static void test_values_by_name(void **state)
{
	(void)state;
	assert_null(zs_eal_args_value(&a, "--file-prefix"));
	text(ZS_ARG_STRING, "--file-prefix=weak --no-huge");
	assert_string_equal(zs_eal_args_value(&a, "--file-prefix"), "weak");
	text(ZS_ARG_ENV, "--file-prefix strong");
	assert_string_equal(zs_eal_args_value(&a, "--file-prefix"), "strong");
	assert_null(zs_eal_args_value(&a, "--no-huge"));
}

static void test_dropped_whoever_gave_it(void **state)
{
	(void)state;
	text(ZS_ARG_DEFAULT, "--vdev=net_a0 -n 4");
	text(ZS_ARG_ENV, "--vdev net_b0 --no-pci --vdev=net_c0");
	zs_eal_args_drop(&a, "--vdev");
	assert_string_equal(line(), "prog -n 4 --no-pci");
	assert_false(zs_eal_args_has_device(&a));
}
static void test_bonds_stay_behind_their_devices(void **state)
{
	(void)state;
	text(ZS_ARG_ARGV, "--vdev=net_bonding0,mode=1,slave=net_b0 --vdev=net_a0");
	assert_true(zs_eal_args_has_device(&a));
	text(ZS_ARG_ENV, "--vdev net_b0 --vdev eth_bond1,mode=0");
	assert_string_equal(line(), "prog --vdev net_b0 --vdev=net_bonding0,mode=1,slave=net_b0 "
				    "--vdev eth_bond1,mode=0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_splits_as_a_shell, fresh),
		cmocka_unit_test_setup(test_nothing_is_nothing, fresh),
		cmocka_unit_test_setup(test_stronger_source_replaces, fresh),
		cmocka_unit_test_setup(test_later_of_one_source_wins, fresh),
		cmocka_unit_test_setup(test_alternatives_replace_each_other, fresh),
		cmocka_unit_test_setup(test_devices_replace_weaker_devices_only, fresh),
		cmocka_unit_test_setup(test_log_levels_and_blocks_add_up, fresh),
		cmocka_unit_test_setup(test_names_are_whole_names, fresh),
		cmocka_unit_test_setup(test_errors_say_why, fresh),
		cmocka_unit_test_setup(test_bounds, fresh),
		cmocka_unit_test_setup(test_values_by_name, fresh),
		cmocka_unit_test_setup(test_bonds_stay_behind_their_devices, fresh),
		cmocka_unit_test_setup(test_dropped_whoever_gave_it, fresh),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
