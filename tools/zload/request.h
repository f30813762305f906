/* SPDX-License-Identifier: BSD-3-Clause */
/* The request, prepared once: as many copies in a row as one buffer of the stack holds. */
#ifndef ZLOAD_REQUEST_H
#define ZLOAD_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct args;

struct request {
	char *bytes;
	size_t len;	 /* of one */
	uint32_t copies; /* at bytes */
};

/* At most a->pipeline copies in `room` bytes. False: not even one fits. */
bool request_make(struct request *r, const struct args *a, size_t room);
void request_free(struct request *r);

#endif
