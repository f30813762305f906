/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ZS_API marks the functions that the library exports; everything else is hidden (the whole tree is
 * compiled with -fvisibility=hidden).
 */
#ifndef ZS_API_H
#define ZS_API_H

#ifndef ZS_API
#define ZS_API __attribute__((visibility("default")))
#endif

#endif
