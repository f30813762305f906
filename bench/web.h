/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * HTTP between the two hosts: the server is the code of examples/http_zc.c or http_copy.c, the
 * client that of zload. Both are programs; what they call to start and to run is answered here.
 */
#ifndef BENCH_WEB_H
#define BENCH_WEB_H

#include <stdbool.h>
#include <stdint.h>

struct pair;

enum { WEB_LOADS = 128 };

/* http_zc, http_copy, and http_zc --cached */
enum web_server { WEB_ZC, WEB_COPY, WEB_CACHED };

/* Makes the server's host serve. */
void web_serve(struct pair *p, enum web_server how);
/* Requests served by all servers so far. */
uint64_t web_requests(void);

/* Adds `conns` connections for bodies of `size` bytes; they ask nothing before web_go(). */
void web_connect(struct pair *p, uint32_t conns, unsigned size, bool close);
void web_go(void);
/* Ends the program when a response was wrong or a connection failed. */
void web_end(void);

#endif
