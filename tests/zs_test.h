/* SPDX-License-Identifier: BSD-3-Clause */
/* What every test program includes: cmocka and the headers that it wants before it. */
#ifndef ZS_TEST_H
#define ZS_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* A test program has one group, so that its TAP output counts every case. */
#define ZS_TEST_MAIN(tests)                                                                        \
	int main(void)                                                                             \
	{                                                                                          \
		return cmocka_run_group_tests((tests), NULL, NULL);                                \
	}

#endif
