/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Frames of the TCP scripts, built and verified without the stack's own wire code: Ethernet, IPv4
 * (RFC 791), IPv6 (RFC 8200), TCP (RFC 9293 3.1) with its options as text, checksums (RFC 1071) the
 * slow way.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tt.h"

const struct tt_ends tt_ends = {
	.mac = { 0x02, 0, 0, 0, 0, 0x01 },
	.peer_mac = { 0x02, 0, 0, 0, 0, 0x02 },
	.ip = 0x0a000001,
	.peer_ip = 0x0a000002,
};

bool tt_v6(void)
{
	return getenv("TT_IP6") != NULL;
}

uint8_t tt_family(void)
{
	return tt_v6() ? ZS_AF_IP6 : ZS_AF_IP4;
}

unsigned tt_l34(void)
{
	return tt_v6() ? 54 : 34;
}

struct zs_addr tt_addr(uint32_t ip)
{
	struct zs_addr a = { .b = { 0xfd } };

	if (!tt_v6())
		return zs_addr_ip4(__builtin_bswap32(ip));
	a.b[12] = (uint8_t)(ip >> 24);
	a.b[13] = (uint8_t)(ip >> 16);
	a.b[14] = (uint8_t)(ip >> 8);
	a.b[15] = (uint8_t)ip;
	return a;
}

static const char flag_letters[] = "FSRPAUEC"; /* bit 0 first */

uint8_t tt_flags(const char *letters)
{
	uint8_t flags = 0;

	for (; *letters != 0; letters++) {
		const char *at = strchr(flag_letters, *letters);

		if (at == NULL)
			fail_msg("no such flag: %c", *letters);
		else
			flags |= (uint8_t)(1u << (at - flag_letters));
	}
	return flags;
}

const char *tt_flags_text(uint8_t flags)
{
	static char text[9];
	unsigned n = 0;

	for (unsigned i = 0; i < 8; i++)
		if (flags & 1u << i)
			text[n++] = flag_letters[i];
	text[n] = 0;
	return text;
}

/* Two patterns without short periods, so that a piece out of place or of the other side shows. */
static uint8_t pattern(uint32_t rel, uint32_t salt)
{
	uint32_t x = (rel + salt) * 2654435761u;

	return (uint8_t)(x >> 24 ^ x >> 13);
}

uint8_t tt_peer_byte(uint32_t rel)
{
	return pattern(rel, 7);
}

uint8_t tt_our_byte(uint32_t rel)
{
	return pattern(rel, 99991);
}

static void put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v & 0xffff);
}

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)get16(p) << 16 | get16(p + 2);
}

uint16_t tt_cksum(const void *p, size_t len, uint32_t sum)
{
	const uint8_t *b = p;

	for (size_t i = 0; i < len; i++)
		sum += i % 2 ? b[i] : (uint32_t)b[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static uint32_t pseudo_sum(const struct zs_addr *src, const struct zs_addr *dst, uint8_t proto,
			   uint32_t len)
{
	return tt_cksum(src, 16, 0) + tt_cksum(dst, 16, 0) + proto + len;
}

uint16_t tt_l4_cksum(const void *l4, size_t len, uint8_t proto, bool from_peer)
{
	struct zs_addr ours = tt_addr(tt_ends.ip), peer = tt_addr(tt_ends.peer_ip);

	return tt_cksum(l4, len,
			pseudo_sum(from_peer ? &peer : &ours, from_peer ? &ours : &peer, proto,
				   (uint32_t)len));
}

/* "LEFT:RIGHT LEFT:RIGHT ..." up to a comma: the peer's blocks speak of our sequence space. */
static unsigned build_sack(const struct tt_conn *c, const char *text, uint8_t *out)
{
	unsigned n = 0;
	int used;
	uint32_t left, right;

	while (sscanf(text, " %u:%u%n", &left, &right, &used) == 2) {
		put32(out + 2 + 8 * n, c->iss + left);
		put32(out + 6 + 8 * n, c->iss + right);
		text += used;
		n++;
	}
	out[0] = 5;
	out[1] = (uint8_t)(2 + 8 * n);
	return out[1];
}

/* Bytes in hex, perhaps none, behind a space. */
static unsigned build_hex(const char *h, uint8_t *out)
{
	unsigned n = 0, v;

	for (h += *h == ' '; isxdigit((unsigned char)*h) && sscanf(h, "%2x", &v) == 1; h += 2)
		out[n++] = (uint8_t)v;
	return n;
}

static unsigned build_one(const struct tt_conn *c, const struct tt_seg *seg, uint32_t tsval,
			  const char *word, uint8_t *out)
{
	if (strncmp(word, "nop", 3) == 0) {
		out[0] = 1;
		return 1;
	}
	if (strncmp(word, "eol", 3) == 0) {
		out[0] = 0;
		return 1;
	}
	if (strncmp(word, "mss ", 4) == 0) {
		out[0] = 2;
		out[1] = 4;
		put16(out + 2, (uint32_t)atoi(word + 4));
		return 4;
	}
	if (strncmp(word, "wscale ", 7) == 0) {
		out[0] = 3;
		out[1] = 3;
		out[2] = (uint8_t)atoi(word + 7);
		return 3;
	}
	if (strncmp(word, "sackOK", 6) == 0) {
		out[0] = 4;
		out[1] = 2;
		return 2;
	}
	if (strncmp(word, "sack ", 5) == 0)
		return build_sack(c, word + 5, out);
	if (strncmp(word, "ts", 2) == 0) {
		out[0] = 8;
		out[1] = 10;
		put32(out + 2, seg->tsval != 0 ? seg->tsval : tsval);
		put32(out + 6, seg->tsecr != 0 ? seg->tsecr : c->tsecr);
		return 10;
	}
	if (strncmp(word, "foexp", 5) == 0) { /* RFC 7413 in the experimental option (RFC 6994) */
		out[0] = 254;
		out[2] = 0xf9;
		out[3] = 0x89;
		return out[1] = (uint8_t)(4 + build_hex(word + 5, out + 4));
	}
	if (strncmp(word, "fo", 2) == 0) {
		out[0] = 34;
		return out[1] = (uint8_t)(2 + build_hex(word + 2, out + 2));
	}
	if (strncmp(word, "raw ", 4) == 0) /* bytes in hex, one word */
		return build_hex(word + 3, out);
	fail_msg("no such option: %s", word);
	return 0;
}

unsigned tt_opt_build(const struct tt_conn *c, const struct tt_seg *seg, uint32_t tsval,
		      uint8_t out[40])
{
	const char *word = seg->opt;
	unsigned n = 0;

	if (word == NULL)
		word = c->ts ? "nop,nop,ts" : "";
	while (*word != 0) {
		n += build_one(c, seg, tsval, word, out + n);
		word += strcspn(word, ",");
		word += *word == ',';
	}
	while (n % 4 != 0)
		out[n++] = 0;
	if (n > 40)
		fail_msg("options too long: %s", seg->opt);
	return n;
}

/* The options of an emitted segment in the language of scripts. */
void tt_opt_text(const struct tt_conn *c, const struct tt_out *o, char *buf, size_t size)
{
	size_t n = 0;
	const uint8_t *p = o->opt;

	buf[0] = 0;
	for (unsigned i = 0; i < o->opt_len;) {
		const char *comma = n > 0 ? "," : "";
		unsigned len = p[i] <= 1 ? 1 : p[i + 1];

		switch (p[i]) {
		case 0:
			n += (size_t)snprintf(buf + n, size - n, "%seol", comma);
			break;
		case 1:
			n += (size_t)snprintf(buf + n, size - n, "%snop", comma);
			break;
		case 2:
			n += (size_t)snprintf(buf + n, size - n, "%smss %u", comma, o->mss);
			break;
		case 3:
			n += (size_t)snprintf(buf + n, size - n, "%swscale %d", comma, o->wscale);
			break;
		case 4:
			n += (size_t)snprintf(buf + n, size - n, "%ssackOK", comma);
			break;
		case 5:
			n += (size_t)snprintf(buf + n, size - n, "%ssack", comma);
			for (unsigned k = 0; k < o->n_sack; k++)
				n += (size_t)snprintf(buf + n, size - n, " %u:%u",
						      o->sack[k][0] - c->peer_isn,
						      o->sack[k][1] - c->peer_isn);
			break;
		case 8:
			n += (size_t)snprintf(buf + n, size - n, "%sts", comma);
			break;
		case 34:
		case 254:
			n += (size_t)snprintf(buf + n, size - n, "%s%s%s", comma,
					      p[i] == 34 ? "fo" : "foexp",
					      len > (p[i] == 34 ? 2u : 4u) ? " " : "");
			for (unsigned k = p[i] == 34 ? 2 : 4; k < len; k++)
				n += (size_t)snprintf(buf + n, size - n, "%02x", p[i + k]);
			break;
		default:
			n += (size_t)snprintf(buf + n, size - n, "%soption %u", comma, p[i]);
			break;
		}
		i += len;
	}
}

static void build_ip4(uint8_t *ip, size_t l4_len)
{
	memset(ip, 0, 20);
	ip[0] = 0x45;
	put16(ip + 2, (uint32_t)(20 + l4_len));
	put16(ip + 6, 0x4000);
	ip[8] = 64;
	ip[9] = 6;
	put32(ip + 12, tt_ends.peer_ip);
	put32(ip + 16, tt_ends.ip);
	put16(ip + 10, (uint16_t)~tt_cksum(ip, 20, 0));
}

static void set_ecn(uint8_t *f, uint8_t ecn)
{
	uint8_t *ip = f + 14;

	if (tt_v6()) {
		ip[1] = (uint8_t)((ecn & 3) << 4);
		return;
	}
	ip[1] = ecn & 3;
	put16(ip + 10, 0);
	put16(ip + 10, (uint16_t)~tt_cksum(ip, 20, 0));
}

void tt_ip6_build(uint8_t *ip, size_t l4_len, uint8_t next, uint8_t hop)
{
	struct zs_addr ours = tt_addr(tt_ends.ip), peer = tt_addr(tt_ends.peer_ip);

	memset(ip, 0, 40);
	ip[0] = 0x60;
	put16(ip + 4, (uint32_t)l4_len);
	ip[6] = next;
	ip[7] = hop;
	memcpy(ip + 8, &peer, 16);
	memcpy(ip + 24, &ours, 16);
}

static void build_eth_ip(uint8_t *f, size_t l4_len)
{
	memcpy(f, tt_ends.mac, 6);
	memcpy(f + 6, tt_ends.peer_mac, 6);
	put16(f + 12, tt_v6() ? 0x86dd : 0x0800);
	if (tt_v6())
		tt_ip6_build(f + 14, l4_len, 6, 64);
	else
		build_ip4(f + 14, l4_len);
}

size_t tt_frame_build(const struct tt_conn *c, const struct tt_seg *seg, uint32_t tsval,
		      uint8_t *buf)
{
	uint8_t *tcp = buf + tt_l34(), opt[48];
	unsigned opt_len = tt_opt_build(c, seg, tsval, opt);
	size_t tcp_len = 20 + opt_len + seg->len;
	uint16_t sum;

	build_eth_ip(buf, tcp_len);
	set_ecn(buf, seg->ecn);
	put16(tcp, c->peer_port);
	put16(tcp + 2, c->port);
	put32(tcp + 4, c->peer_isn + seg->seq);
	put32(tcp + 8, tt_flags(seg->flags) & ZS_ACK ? c->iss + seg->ack : seg->ack);
	tcp[12] = (uint8_t)((seg->doff != 0 ? seg->doff : 5 + opt_len / 4) << 4);
	tcp[13] = tt_flags(seg->flags);
	put16(tcp + 14, seg->wnd == 0 ? c->wnd : seg->wnd & 0xffff);
	put16(tcp + 16, 0);
	put16(tcp + 18, seg->urg);
	memcpy(tcp + 20, opt, opt_len);
	for (uint32_t i = 0; i < seg->len; i++)
		tcp[20 + opt_len + i] =
			i < seg->junk ? 0 : tt_peer_byte(seg->seq + (tcp[13] & ZS_SYN ? 1 : 0) + i);
	sum = tt_l4_cksum(tcp, tcp_len, 6, true);
	put16(tcp + 16, seg->bad_cksum ? sum : (uint16_t)~sum);
	return tt_l34() + tcp_len - seg->cut;
}

static const char *parse_options(struct tt_out *o)
{
	const uint8_t *p = o->opt;

	o->wscale = -1;
	for (unsigned i = 0; i < o->opt_len;) {
		unsigned len;

		if (p[i] <= 1) {
			if (p[i] == 0 && i + 4 < o->opt_len)
				return "end of options long before the end of the header";
			i++;
			continue;
		}
		if (i + 1 >= o->opt_len || p[i + 1] < 2 || i + p[i + 1] > o->opt_len)
			return "malformed option";
		len = p[i + 1];
		if (p[i] == 2 && len == 4) {
			o->mss = get16(p + i + 2);
		} else if (p[i] == 3 && len == 3) {
			o->wscale = p[i + 2];
		} else if (p[i] == 5 && len >= 10 && len <= 34 && len % 8 == 2) {
			o->n_sack = (len - 2) / 8;
			for (unsigned k = 0; k < o->n_sack; k++) {
				o->sack[k][0] = get32(p + i + 2 + 8 * k);
				o->sack[k][1] = get32(p + i + 6 + 8 * k);
			}
		} else if (p[i] == 8 && len == 10) {
			o->has_ts = true;
			o->tsval = get32(p + i + 2);
			o->tsecr = get32(p + i + 6);
		} else if (!(p[i] == 4 && len == 2) && p[i] != 34 && p[i] != 254) {
			return "unknown option or wrong length of one";
		}
		i += len;
	}
	return NULL;
}

static const char *parse_ip4(const uint8_t *ip, size_t len, struct tt_out *o)
{
	if (len < 40)
		return "shorter than IPv4 and TCP headers";
	if (ip[0] != 0x45)
		return "IP version or header length";
	if (get16(ip + 2) != len)
		return "IP total length is not that of the frame";
	if (tt_cksum(ip, 20, 0) != 0xffff)
		return "IP header checksum";
	if (get16(ip + 6) & 0x3fff)
		return "a fragment";
	if (get32(ip + 12) != tt_ends.ip || get32(ip + 16) != tt_ends.peer_ip)
		return "IP addresses";
	o->tos = ip[1];
	o->ttl = ip[8];
	o->df = (get16(ip + 6) & 0x4000) != 0;
	return NULL;
}

static const char *parse_ip6(const uint8_t *ip, size_t len, struct tt_out *o)
{
	struct zs_addr ours = tt_addr(tt_ends.ip), peer = tt_addr(tt_ends.peer_ip);

	if (len < 60)
		return "shorter than IPv6 and TCP headers";
	if (ip[0] >> 4 != 6)
		return "IP version";
	if (get16(ip + 4) != len - 40)
		return "IP payload length is not that of the frame";
	if (ip[6] != 6)
		return "extension headers";
	if (memcmp(ip + 8, &ours, 16) != 0 || memcmp(ip + 24, &peer, 16) != 0)
		return "IP addresses";
	if ((get32(ip) & 0xfffff) == 0)
		return "no flow label";
	o->tos = (uint8_t)(get16(ip) >> 4);
	o->ttl = ip[7];
	o->df = true;
	return NULL;
}

const char *tt_frame_parse(const uint8_t *f, size_t len, struct tt_out *o)
{
	const uint8_t *tcp = f + tt_l34();
	size_t tcp_len = len - tt_l34();
	const char *wrong;

	if (memcmp(f, tt_ends.peer_mac, 6) != 0 || memcmp(f + 6, tt_ends.mac, 6) != 0)
		return "MAC addresses";
	wrong = (tt_v6() ? parse_ip6 : parse_ip4)(f + 14, len - 14, o);
	if (wrong != NULL)
		return wrong;
	if ((tcp[12] >> 4) < 5 || (size_t)(tcp[12] >> 4) * 4 > tcp_len)
		return "TCP header length";
	if (tcp[12] & 0x0f)
		return "reserved bits set";
	if (tt_l4_cksum(tcp, tcp_len, 6, false) != 0xffff)
		return "TCP checksum";
	o->sport = get16(tcp);
	o->dport = get16(tcp + 2);
	o->seq = get32(tcp + 4);
	o->ack = get32(tcp + 8);
	o->flags = tcp[13];
	o->wnd = get16(tcp + 14);
	o->opt_len = (unsigned)(tcp[12] >> 4) * 4 - 20;
	o->len = (uint32_t)(tcp_len - 20 - o->opt_len);
	memcpy(o->opt, tcp + 20, o->opt_len);
	o->payload = malloc(o->len + 1);
	memcpy(o->payload, tcp + 20 + o->opt_len, o->len);
	return parse_options(o);
}
