/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * TCP options (RFC 9293 3.2, 7323, 2018): bytes <-> struct. The parser accepts any bytes, stops at
 * the first malformed option and keeps what it understood before it.
 */
#ifndef ZS_TCPOPT_H
#define ZS_TCPOPT_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum zs_tcpopt_kind {
	ZS_OPT_EOL = 0,
	ZS_OPT_NOP = 1,
	ZS_OPT_MSS = 2,
	ZS_OPT_WSCALE = 3,
	ZS_OPT_SACK_PERM = 4,
	ZS_OPT_SACK = 5,
	ZS_OPT_TS = 8,
	ZS_OPT_FASTOPEN = 34, /* RFC 7413 */
	ZS_OPT_EXP = 254,     /* RFC 6994: two bytes say which experiment */
};

enum { ZS_MAX_SACK = 4, ZS_TCPOPT_MAX = 40, ZS_WSCALE_MAX = 14 };

/* Of zs_tcpopt.fastopen: the length of the cookie, 0 = the peer asks for one, and: */
enum { ZS_TFO_COOKIE_MAX = 16, ZS_TFO_PRESENT = 0x80, ZS_TFO_EXP = 0x40 };

struct zs_sack_block {
	uint32_t left, right; /* [left, right) */
};

struct zs_tcpopt {
	uint32_t ts_val, ts_ecr;
	uint16_t mss; /* 0 = absent */
	uint8_t wscale;
	uint8_t n_sack;
	bool has_ts, has_wscale, sack_perm;
	uint8_t fastopen; /* 0 = absent */
	union {		  /* in the packet; no segment has a use for both, the later one counts */
		const uint8_t *sack;   /* n_sack blocks of 8 bytes, big endian */
		const uint8_t *cookie; /* of Fast Open */
	};
};

static inline uint8_t zs_tfo_cookie_len(const struct zs_tcpopt *o)
{
	return o->fastopen & (ZS_TFO_EXP - 1);
}

/* Parse len bytes of options. Returns false when a length was 0, 1 or beyond the end, never reads
 * beyond. */
bool zs_tcpopt_parse(struct zs_tcpopt *o, const uint8_t *p, unsigned len);

/* Block i of o->sack, host order. */
struct zs_sack_block zs_tcpopt_sack(const uint8_t *sack, unsigned i);

/* Write the options of a SYN or SYN-ACK: mss,sackOK,TS,nop,wscale, and Fast Open.
 * Returns the length, a multiple of 4. */
unsigned zs_tcpopt_write_syn(uint8_t *p, const struct zs_tcpopt *o);

/* nop,nop,TS: 12 bytes, in three words: it stands in nearly every segment */
static inline unsigned zs_tcpopt_write_ts(uint8_t *p, uint32_t ts_val, uint32_t ts_ecr)
{
	const uint32_t kind_be =
		__builtin_bswap32(ZS_OPT_NOP << 24 | ZS_OPT_NOP << 16 | ZS_OPT_TS << 8 | 10);
	const uint32_t val_be = __builtin_bswap32(ts_val), ecr_be = __builtin_bswap32(ts_ecr);

	/* One by one: read back from an array at once, they would wait for its stores. */
	memcpy(p, &kind_be, 4);
	memcpy(p + 4, &val_be, 4);
	memcpy(p + 8, &ecr_be, 4);
	return 12;
}

/* nop,nop,SACK: 4 + 8n bytes, n >= 1 */
unsigned zs_tcpopt_write_sack(uint8_t *p, const struct zs_sack_block *blocks, unsigned n);

#endif
