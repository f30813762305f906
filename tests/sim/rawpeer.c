/* SPDX-License-Identifier: BSD-3-Clause */
/* Frames made by hand, and a peer that is no more than a MAC address. */
#include "../../sim/zs_simworld.h"
#include "simtest.h"

enum { ETH = 14, IP = 20, TCP = 20 };

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

static uint32_t get16(const uint8_t *p)
{
	return (uint32_t)p[0] << 8 | p[1];
}

static uint32_t get32(const uint8_t *p)
{
	return get16(p) << 16 | get16(p + 2);
}

uint32_t frame_ip(uint8_t *out, const struct tcp_frame *f, uint8_t proto, const void *body,
		  uint32_t len)
{
	uint8_t *ip = out + ETH;

	memcpy(out, f->dmac, 6);
	memcpy(out + 6, f->smac, 6);
	put16(out + 12, 0x0800);
	memset(ip, 0, IP);
	ip[0] = 0x45;
	put16(ip + 2, IP + len);
	ip[8] = 64;
	ip[9] = proto;
	memcpy(ip + 12, &f->sip_be, 4);
	memcpy(ip + 16, &f->dip_be, 4);
	put16(ip + 10, (uint16_t)~zs_simck_sum(0, ip, IP));
	if (len > 0)
		memcpy(ip + IP, body, len);
	return ETH + IP + len;
}

uint32_t frame_tcp(uint8_t *out, const struct tcp_frame *f)
{
	uint8_t *tcp = out + ETH + IP;
	uint32_t n = frame_ip(out, f, 6, NULL, 0) + TCP + f->len;

	put16(out + ETH + 2, IP + TCP + f->len);
	put16(out + ETH + 10, 0);
	put16(out + ETH + 10, (uint16_t)~zs_simck_sum(0, out + ETH, IP));
	memset(tcp, 0, TCP);
	put16(tcp, f->sport);
	put16(tcp + 2, f->dport);
	put32(tcp + 4, f->seq);
	put32(tcp + 8, f->ack);
	tcp[12] = 5 << 4;
	tcp[13] = f->flags;
	put16(tcp + 14, f->wnd);
	if (f->len > 0)
		memcpy(tcp + TCP, f->payload, f->len);
	put16(tcp + 16, (uint16_t)~zs_simck_sum(zs_simck_sum(6 + TCP + f->len, out + ETH + 12, 8),
						tcp, TCP + f->len));
	return n;
}

int32_t frame_payload(const struct zs_simpkt *p, uint32_t *seq, uint8_t *flags)
{
	const uint8_t *ip = p->data + ETH;
	bool v6 = get16(p->data + 12) == 0x86dd;
	uint32_t ihl, doff;

	if (p->len < ETH + IP + TCP || (get16(p->data + 12) != 0x0800 && !v6) ||
	    ip[v6 ? 6 : 9] != 6)
		return -1;
	ihl = v6 ? 40 : (ip[0] & 15u) * 4;
	doff = (ip[ihl + 12] >> 4) * 4u;
	if (seq != NULL)
		*seq = get32(ip + ihl + 4);
	if (flags != NULL)
		*flags = ip[ihl + 13];
	return (int32_t)(v6 ? get16(ip + 4) - doff : get16(ip + 2) - ihl - doff);
}

void frame_fix_tcp(struct zs_simpkt *p)
{
	uint8_t *ip = p->data + ETH;
	uint32_t ihl = (ip[0] & 15u) * 4, len = get16(ip + 2) - ihl;

	put16(ip + ihl + 16, 0);
	put16(ip + ihl + 16,
	      (uint16_t)~zs_simck_sum(zs_simck_sum(6 + len, ip + 12, 8), ip + ihl, len));
	p->trusted = false;
}

void frame_fix_icmp(uint8_t *msg, uint32_t n)
{
	put16(msg + 2, 0);
	put16(msg + 2, (uint16_t)~zs_simck_sum(0, msg, n));
}

static void answer_arp(struct raw_peer *r, const struct zs_simpkt *p)
{
	uint8_t out[60] = { 0 };

	if (get16(p->data + 20) != 1)
		return;
	memcpy(out, p->data + 6, 6);
	memcpy(out + 6, r->mac, 6);
	memcpy(out + 12, p->data + 12, 8);
	put16(out + 20, 2);
	memcpy(out + 22, r->mac, 6);
	memcpy(out + 28, p->data + 38, 4);
	memcpy(out + 32, p->data + 22, 10);
	zs_simlink_inject(r->l, r->end, out, sizeof(out));
}

static void raw_deliver(void *ctx, unsigned int port, struct zs_simpkt *p)
{
	struct raw_peer *r = ctx;
	uint8_t flags = 0;

	(void)port;
	r->frames++;
	if (get16(p->data + 12) == 0x0806 && !r->mute) {
		answer_arp(r, p);
	} else if (frame_payload(p, NULL, &flags) >= 0) {
		r->syns += (flags & (ZS_SYN | ZS_ACK)) == ZS_SYN;
		r->synacks += (flags & (ZS_SYN | ZS_ACK)) == (ZS_SYN | ZS_ACK);
		r->rsts += (flags & ZS_RST) != 0;
		r->fins += (flags & ZS_FIN) != 0;
	} else if (get16(p->data + 12) == 0x0800 && p->data[ETH + 9] == 1) {
		r->icmp++;
	}
	zs_simpkt_free(r->l->w, p);
}

void raw_attach(struct raw_peer *r, struct zs_simlink *l, unsigned int end,
		const struct zs_simhost *h)
{
	*r = (struct raw_peer){ .l = l, .end = end, .mac = { 2, 0xbe, 0xef, 0, 0, 1 } };
	memcpy(r->host_mac, h->cfg.stack.netif[0].mac.b, 6);
	zs_simlink_attach(l, end, raw_deliver, r, 0);
}

void raw_send_tcp(struct raw_peer *r, struct tcp_frame *f)
{
	uint8_t out[2048];

	memcpy(f->smac, r->mac, 6);
	memcpy(f->dmac, r->host_mac, 6);
	zs_simlink_inject(r->l, r->end, out, frame_tcp(out, f));
}
