/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Assertions for what cannot happen. A peer can make anything happen, so packets are never
 * asserted on; a failing assertion is a bug of ours. Unevaluated in release builds; the analyser
 * of "make lint" takes them for facts.
 */
#ifndef ZS_ASSERT_H
#define ZS_ASSERT_H

#if defined(ZS_DEBUG) || defined(__clang_analyzer__)
#define zs_assert(x)                                                                               \
	do {                                                                                       \
		if (__builtin_expect(!(x), 0))                                                     \
			__builtin_trap();                                                          \
	} while (0)
#else
#define zs_assert(x) ((void)(0 && (x)))
#endif

#endif
