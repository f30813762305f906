/* SPDX-License-Identifier: BSD-3-Clause */
/* Writes the request of RFC 9112 3: line, Host, what -H adds. */
#include "request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "args.h"

static bool has_host(const struct args *a)
{
	for (int i = 0; i < a->n_headers; i++)
		if (strncasecmp(a->header[i], "host:", 5) == 0)
			return true;
	return false;
}

static void write_one(FILE *f, const struct args *a)
{
	fprintf(f, "GET %s HTTP/1.1\r\n", a->path);
	if (!has_host(a))
		fprintf(f, "Host: %s\r\n", a->host);
	for (int i = 0; i < a->n_headers; i++)
		fprintf(f, "%s\r\n", a->header[i]);
	if (a->close)
		fputs("Connection: close\r\n", f);
	fputs("\r\n", f);
}

bool request_make(struct request *r, const struct args *a, size_t room)
{
	char *one;
	FILE *f;

	*r = (struct request){ 0 };
	f = open_memstream(&one, &r->len);
	if (f == NULL)
		return false;
	write_one(f, a);
	if (fclose(f) != 0)
		return false;
	r->copies = (uint32_t)(room / r->len < a->pipeline ? room / r->len : a->pipeline);
	r->bytes = malloc(r->copies * r->len + 1); /* never of nothing */
	for (uint32_t i = 0; r->bytes != NULL && i < r->copies; i++)
		memcpy(r->bytes + i * r->len, one, r->len);
	free(one);
	return r->bytes != NULL && r->copies > 0;
}

void request_free(struct request *r)
{
	free(r->bytes);
}
