/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Parser of the HTTP/1.x responses to GET requests (RFC 9112): fed with the bytes as they arrive,
 * in whatever pieces, it says where bodies lie and where responses end. Nothing is copied but the
 * beginning of a line that arrives in pieces.
 */
#ifndef ZLOAD_RESPONSE_H
#define ZLOAD_RESPONSE_H

#include <stdbool.h>
#include <stdint.h>

enum {
	RESPONSE_KEPT = 256,	     /* of a line in pieces; the rest matters to nobody */
	RESPONSE_HEAD_MAX = 1 << 16, /* bytes of a head, or of a trailer section */
	RESPONSE_MEMO_MAX = 512,
};

enum response_event {
	RESPONSE_MORE, /* all bytes are used and more are needed */
	RESPONSE_BODY, /* a piece of the body: body_off, body_len, and it ends at *p */
	RESPONSE_DONE, /* the response is complete; the next byte begins another one */
	RESPONSE_BAD,  /* this is not HTTP: of no use any more */
};

/* Zeroed memory waits for a response. */
struct response {
	uint8_t state;	     /* enum of response.c */
	bool close;	     /* the server ends the connection after this response */
	bool coded, chunked; /* Transfer-Encoding is there, and ends with chunked */
	bool has_length;
	bool cut;		  /* bytes of the line in pieces were dropped */
	uint16_t status;	  /* 200; valid from the head's end until the next response */
	uint16_t n_kept;	  /* bytes of a line that arrives in pieces */
	uint32_t n_head;	  /* bytes of the head so far */
	uint64_t left;		  /* of the body, or of the chunk */
	uint64_t body_off;	  /* of the piece in the body */
	uint64_t body_len;	  /* of the piece */
	char kept[RESPONSE_KEPT]; /* last: touched by few responses */
};

/*
 * The last head that came in one piece, and what it came to: servers send the same one again and
 * again, and comparing is far cheaper than parsing. Zeroed memory remembers nothing. May serve any
 * number of responses.
 */
struct response_memo {
	uint32_t len;
	char head[RESPONSE_MEMO_MAX];
	struct response after;
};

/* Uses bytes from *p on, never beyond `end`, until there is something to tell. */
enum response_event response_next(struct response *r, struct response_memo *memo, const char **p,
				  const char *end);

/* The connection ended: DONE for a response that lasts until then, MORE between two responses, else
 * BAD. */
enum response_event response_end(struct response *r);

#endif
