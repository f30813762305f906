/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Stands before the compiler's header of this name, which declares what every x86 processor ever
 * had: half of the time that a file with DPDK's headers takes to compile. Those need SSE4.2 of it,
 * and more only where the compiler may use AVX.
 */
#ifdef __AVX__
#include_next <x86intrin.h>
#else
#include <nmmintrin.h>
#endif
