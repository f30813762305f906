/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * TCP options: RFC 9293 3.2 (MSS), RFC 7323 (window scale, timestamps), RFC 2018 (SACK), RFC 7413
 * (Fast Open). Unknown kinds are skipped by their length (RFC 9293 MUST-6), and so are known ones
 * of a length that is not theirs, as on Linux and FreeBSD; one that cannot be right ends parsing
 * (MUST-7).
 */
#include "wire/zs_tcpopt.h"

#include <string.h>

enum { LEN_MSS = 4, LEN_WSCALE = 3, LEN_SACK_PERM = 2, LEN_TS = 10, LEN_SACK_BLOCK = 8 };
enum { COOKIE_MIN = 4, EXP_FASTOPEN = 0xf989 /* RFC 7413's experiment (RFC 6994) */ };

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static uint8_t *put32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
	return p + 4;
}

static uint8_t *put_nops(uint8_t *p, unsigned n)
{
	memset(p, ZS_OPT_NOP, n);
	return p + n;
}

static uint8_t *put_head(uint8_t *p, enum zs_tcpopt_kind kind, unsigned len)
{
	p[0] = (uint8_t)kind;
	p[1] = (uint8_t)len;
	return p + 2;
}

static uint8_t *put_ts(uint8_t *p, uint32_t ts_val, uint32_t ts_ecr)
{
	return put32(put32(put_head(p, ZS_OPT_TS, LEN_TS), ts_val), ts_ecr);
}

static void parse_sack(struct zs_tcpopt *o, const uint8_t *p, unsigned len)
{
	unsigned n = (len - 2) / LEN_SACK_BLOCK;

	if (n < 1 || n > ZS_MAX_SACK || len != 2 + n * LEN_SACK_BLOCK)
		return;
	o->sack = p + 2;
	o->fastopen = 0;
	o->n_sack = (uint8_t)n;
}

/* RFC 7413 4.1.1: nothing, or 4 to 16 bytes, an even number. What has another length is no cookie.
 */
static void parse_cookie(struct zs_tcpopt *o, const uint8_t *cookie, unsigned len, uint8_t kind)
{
	if (len != 0 && (len < COOKIE_MIN || len > ZS_TFO_COOKIE_MAX || len % 2 != 0))
		return;
	o->fastopen = (uint8_t)(len | ZS_TFO_PRESENT | kind);
	o->cookie = cookie;
	o->n_sack = 0;
}

/* One option of len bytes at p, len >= 2. */
static void parse_one(struct zs_tcpopt *o, const uint8_t *p, unsigned len)
{
	switch (p[0]) {
	case ZS_OPT_MSS:
		if (len == LEN_MSS)
			o->mss = (uint16_t)(p[2] << 8 | p[3]);
		break;
	case ZS_OPT_WSCALE:
		if (len != LEN_WSCALE)
			break;
		o->has_wscale = true;
		/* RFC 7323 2.3: a larger shift is taken as 14 */
		o->wscale = p[2] < ZS_WSCALE_MAX ? p[2] : ZS_WSCALE_MAX;
		break;
	case ZS_OPT_SACK_PERM:
		o->sack_perm |= len == LEN_SACK_PERM;
		break;
	case ZS_OPT_SACK:
		parse_sack(o, p, len);
		break;
	case ZS_OPT_TS:
		if (len != LEN_TS)
			break;
		o->has_ts = true;
		o->ts_val = get32(p + 2);
		o->ts_ecr = get32(p + 6);
		break;
	case ZS_OPT_FASTOPEN:
		parse_cookie(o, p + 2, len - 2, 0);
		break;
	case ZS_OPT_EXP:
		if (len >= 4 && (p[2] << 8 | p[3]) == EXP_FASTOPEN)
			parse_cookie(o, p + 4, len - 4, ZS_TFO_EXP);
		break;
	}
}

bool zs_tcpopt_parse(struct zs_tcpopt *o, const uint8_t *p, unsigned len)
{
	unsigned n;

	*o = (struct zs_tcpopt){ .n_sack = 0 };
	while (len > 0 && p[0] != ZS_OPT_EOL) {
		if (p[0] == ZS_OPT_NOP) {
			n = 1;
		} else {
			if (len < 2)
				return false;
			n = p[1];
			if (n < 2 || n > len)
				return false;
			parse_one(o, p, n);
		}
		p += n;
		len -= n;
	}
	return true;
}

struct zs_sack_block zs_tcpopt_sack(const uint8_t *sack, unsigned i)
{
	const uint8_t *p = sack + i * LEN_SACK_BLOCK;

	return (struct zs_sack_block){ .left = get32(p), .right = get32(p + 4) };
}

static uint8_t *put_fastopen(uint8_t *p, const struct zs_tcpopt *o)
{
	unsigned len = zs_tfo_cookie_len(o);

	if (o->fastopen & ZS_TFO_EXP) {
		p = put_head(p, ZS_OPT_EXP, len + 4);
		*p++ = EXP_FASTOPEN >> 8;
		*p++ = EXP_FASTOPEN & 0xff;
	} else {
		p = put_head(p, ZS_OPT_FASTOPEN, len + 2);
	}
	memcpy(p, o->cookie, len);
	return p + len;
}

unsigned zs_tcpopt_write_syn(uint8_t *p, const struct zs_tcpopt *o)
{
	uint8_t *start = p;

	if (o->mss != 0) {
		p = put_head(p, ZS_OPT_MSS, LEN_MSS);
		*p++ = (uint8_t)(o->mss >> 8);
		*p++ = (uint8_t)o->mss;
	}
	/* SACK-permitted fills the two bytes that align the timestamps */
	if (o->has_ts || o->sack_perm) {
		if (!o->has_ts || !o->sack_perm)
			p = put_nops(p, 2);
		if (o->sack_perm)
			p = put_head(p, ZS_OPT_SACK_PERM, LEN_SACK_PERM);
		if (o->has_ts)
			p = put_ts(p, o->ts_val, o->ts_ecr);
	}
	if (o->has_wscale) {
		p = put_head(put_nops(p, 1), ZS_OPT_WSCALE, LEN_WSCALE);
		*p++ = o->wscale;
	}
	if (o->fastopen != 0)
		p = put_fastopen(p, o);
	if ((p - start) % 4 != 0)
		p = put_nops(p, 4 - (unsigned)(p - start) % 4);
	return (unsigned)(p - start);
}

unsigned zs_tcpopt_write_sack(uint8_t *p, const struct zs_sack_block *blocks, unsigned n)
{
	unsigned i;

	p = put_head(put_nops(p, 2), ZS_OPT_SACK, 2 + n * LEN_SACK_BLOCK);
	for (i = 0; i < n; i++)
		p = put32(put32(p, blocks[i].left), blocks[i].right);
	return 4 + n * LEN_SACK_BLOCK;
}
