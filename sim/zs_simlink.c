/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The wire: a frame waits for those before it, takes the time of its bits, may be lost, damaged,
 * doubled or delayed, and arrives. Frames in flight are one list by time of arrival; a new frame is
 * sorted in from the end, which is one step unless something was reordered.
 */
#include "zs_simworld.h"

#include <stdio.h>
#include <stdlib.h>

static const uint32_t class_room[ZS_SIM_CLASSES] = { 256, 2048, 65535 + 18 };

static unsigned int class_of(uint32_t len)
{
	unsigned int c = 0;

	while (len > class_room[c])
		c++;
	return c;
}

struct zs_simpkt *zs_simpkt_new(struct zs_sim *w, uint32_t len)
{
	unsigned int c = class_of(len);
	struct zs_simpkt *p = w->spare[c];

	if (p != NULL)
		w->spare[c] = p->next;
	else
		p = malloc(sizeof(*p) + class_room[c]);
	if (p == NULL)
		abort();
	*p = (struct zs_simpkt){ .len = len, .room = class_room[c] };
	return p;
}

void zs_simpkt_free(struct zs_sim *w, struct zs_simpkt *p)
{
	unsigned int c = class_of(p->room);

	p->next = w->spare[c];
	w->spare[c] = p;
}

static void tap(const struct zs_simlink *l, unsigned int end, const struct zs_simpkt *p)
{
	if (l->tap[end] != NULL)
		zs_simpcap_write(l->tap[end], l->w->now_ns / ZS_US, p->data, p->len);
}

static void insert(struct zs_simwire *wire, struct zs_simpkt *p)
{
	struct zs_simpkt *after = wire->tail;

	while (after != NULL && after->arrive_ns > p->arrive_ns)
		after = after->prev;
	p->prev = after;
	p->next = after != NULL ? after->next : wire->head;
	if (p->next != NULL)
		p->next->prev = p;
	else
		wire->tail = p;
	if (after != NULL)
		after->next = p;
	else
		wire->head = p;
}

/* One bit, anywhere behind the Ethernet header: a wrong MAC address is loss and nothing more. */
static void damage(struct zs_simwire *wire, struct zs_simpkt *p)
{
	uint32_t bit;

	if (p->len <= 14 || p->data[12] != 0x08 || p->data[13] != 0x00)
		return;
	bit = zs_simrand_below(&wire->rand, (p->len - 14) * 8);
	p->data[14 + bit / 8] ^= (uint8_t)(1u << bit % 8);
	p->trusted = false;
	wire->stats.corrupted++;
}

static bool too_big(const struct zs_simwire *wire, const struct zs_simpkt *p)
{
	return wire->cfg.mtu != 0 && p->len > 14u + wire->cfg.mtu;
}

/* The queue's mark on a packet that is ECT (RFC 3168 5), IPv4 or IPv6. */
static void mark_ce(struct zs_simwire *wire, struct zs_simpkt *p)
{
	enum { TYPE = 12, L3 = 14, CKSUM = L3 + 10 };
	uint8_t *b = p->data + L3 + 1; /* where the field is: its lowest bits, or bits 4 and 5 */
	uint32_t sum;

	if (p->len < L3 + 20)
		return;
	if (p->data[TYPE] == 0x86 && p->data[TYPE + 1] == 0xdd) {
		wire->stats.marked += (*b & 0x30) != 0;
		*b |= *b & 0x30 ? 0x30 : 0;
		return;
	}
	if (p->data[TYPE] != 0x08 || p->data[TYPE + 1] != 0x00 || (*b & 3) == 0)
		return;
	/* RFC 1624: the checksum follows the change of one byte */
	sum = 3u - (*b & 3u);
	sum = ((uint32_t)p->data[CKSUM] << 8 | p->data[CKSUM + 1]) + 0xffffu - sum;
	sum = (sum & 0xffff) + (sum >> 16);
	p->data[CKSUM] = (uint8_t)(sum >> 8);
	p->data[CKSUM + 1] = (uint8_t)sum;
	*b |= 3;
	wire->stats.marked++;
}

/* When the last bit is out: the frame waits behind what is there already. False: no room to wait.
 */
static bool serialise(struct zs_simwire *wire, struct zs_simpkt *p)
{
	const struct zs_simwire_config *c = &wire->cfg;
	uint64_t now_ps = wire->link->w->now_ns * 1000;
	double waiting;

	p->arrive_ns = wire->link->w->now_ns;
	if (c->rate_bps == 0)
		return true;
	if (wire->busy_ps < now_ps)
		wire->busy_ps = now_ps;
	waiting = (double)(wire->busy_ps - now_ps) * (double)c->rate_bps / 8e12;
	if (c->queue_bytes != 0 && waiting > c->queue_bytes)
		return false;
	if (c->mark_bytes != 0 && waiting > c->mark_bytes)
		mark_ce(wire, p);
	wire->stats.queue_peak = RTE_MAX(wire->stats.queue_peak, (uint32_t)waiting);
	wire->busy_ps += p->len * 8000000000000ull / c->rate_bps;
	p->arrive_ns = (wire->busy_ps + 999) / 1000;
	return true;
}

static unsigned int fate(struct zs_simwire *wire, struct zs_simpkt *p)
{
	const struct zs_simwire_config *c = &wire->cfg;
	unsigned int verdict = c->rule != NULL ? c->rule(c->rule_arg, p) : ZS_SIM_PASS;

	if (zs_simrand_chance(&wire->rand, c->loss_ppm))
		verdict |= ZS_SIM_DROP;
	if (zs_simrand_chance(&wire->rand, c->corrupt_ppm))
		verdict |= ZS_SIM_CORRUPT;
	if (zs_simrand_chance(&wire->rand, c->dup_ppm))
		verdict |= ZS_SIM_DUP;
	if (c->reorder_ns != 0 && zs_simrand_chance(&wire->rand, c->reorder_ppm)) {
		p->arrive_ns += 1 + zs_simrand_u64(&wire->rand) % c->reorder_ns;
		wire->stats.reordered++;
	}
	return verdict;
}

static void duplicate(struct zs_simwire *wire, const struct zs_simpkt *p)
{
	struct zs_simpkt *d = zs_simpkt_new(wire->link->w, p->len);

	memcpy(d->data, p->data, p->len);
	d->trusted = p->trusted;
	d->arrive_ns = p->arrive_ns;
	insert(wire, d);
	wire->stats.duplicated++;
}

void zs_simwire_send(struct zs_simwire *wire, struct zs_simpkt *p)
{
	unsigned int verdict;

	wire->stats.sent++;
	wire->stats.bytes += p->len;
	tap(wire->link, !wire->to, p);
	if (too_big(wire, p)) {
		wire->stats.too_big++;
		zs_simpkt_free(wire->link->w, p);
		return;
	}
	if (!serialise(wire, p)) {
		wire->stats.queue_full++;
		zs_simpkt_free(wire->link->w, p);
		return;
	}
	p->arrive_ns += wire->cfg.delay_ns;
	verdict = fate(wire, p);
	if (verdict & ZS_SIM_DROP) {
		wire->stats.lost++;
		zs_simpkt_free(wire->link->w, p);
		return;
	}
	if (verdict & ZS_SIM_DUP)
		duplicate(wire, p);
	if (verdict & ZS_SIM_CORRUPT)
		damage(wire, p);
	insert(wire, p);
}

static void discard(void *ctx, unsigned int port, struct zs_simpkt *p)
{
	struct zs_simlink *l = ctx;

	(void)port;
	zs_simpkt_free(l->w, p);
}

struct zs_simlink *zs_simlink_create(struct zs_sim *w, const struct zs_simwire_config *c)
{
	struct zs_simlink *l = calloc(1, sizeof(*l));

	if (l == NULL || w->n_links == ZS_SIM_MAX_LINKS)
		abort();
	l->w = w;
	for (uint8_t e = 0; e < 2; e++)
		l->wire[e] = (struct zs_simwire){
			.cfg = *c,
			.link = l,
			.rand = zs_sim_subrand(w, 1, w->n_links * 2 + e),
			.deliver = discard,
			.ctx = l,
			.to = !e,
		};
	w->link[w->n_links++] = l;
	return l;
}

void zs_simlink_attach(struct zs_simlink *l, unsigned int end, zs_sim_deliver deliver, void *ctx,
		       unsigned int port)
{
	struct zs_simwire *wire = &l->wire[!end];

	wire->deliver = deliver;
	wire->ctx = ctx;
	wire->port = port;
}

struct zs_simlink *zs_simlink_between(struct zs_simhost *a, struct zs_simhost *b,
				      const struct zs_simwire_config *c)
{
	struct zs_simlink *l = zs_simlink_create(a->w, c);

	zs_simlink_attach_host(l, 0, a, 0);
	zs_simlink_attach_host(l, 1, b, 0);
	return l;
}

void zs_simlink_inject(struct zs_simlink *l, unsigned int end, const void *frame, uint32_t len)
{
	struct zs_simpkt *p = zs_simpkt_new(l->w, len);

	memcpy(p->data, frame, len);
	zs_simwire_send(&l->wire[end], p);
}

uint64_t zs_simlink_next(const struct zs_simlink *l)
{
	uint64_t t = l->wire[0].head != NULL ? l->wire[0].head->arrive_ns : ZS_SIM_NEVER;

	if (l->wire[1].head != NULL)
		t = RTE_MIN(t, l->wire[1].head->arrive_ns);
	return t;
}

static void wire_run(struct zs_simwire *wire)
{
	struct zs_sim *w = wire->link->w;
	struct zs_simpkt *p;

	while ((p = wire->head) != NULL && p->arrive_ns <= w->now_ns) {
		wire->head = p->next;
		if (wire->head != NULL)
			wire->head->prev = NULL;
		else
			wire->tail = NULL;
		wire->stats.delivered++;
		tap(wire->link, wire->to, p);
		wire->deliver(wire->ctx, wire->port, p);
	}
}

void zs_simlink_run(struct zs_simlink *l)
{
	wire_run(&l->wire[0]);
	wire_run(&l->wire[1]);
}

void zs_simlink_capture(struct zs_simlink *l, unsigned int end, const char *path)
{
	l->tap[end] = calloc(1, sizeof(*l->tap[end]));
	if (l->tap[end] == NULL || zs_simpcap_open(l->tap[end], path) < 0)
		abort();
}

uint64_t zs_simlink_hash(const struct zs_simlink *l, unsigned int end)
{
	return l->tap[end] != NULL ? l->tap[end]->hash : 0;
}

void zs_simlink_destroy(struct zs_simlink *l)
{
	for (unsigned int e = 0; e < 2; e++) {
		while (l->wire[e].head != NULL) {
			struct zs_simpkt *p = l->wire[e].head;

			l->wire[e].head = p->next;
			zs_simpkt_free(l->w, p);
		}
		if (l->tap[e] != NULL)
			zs_simpcap_close(l->tap[e]);
		free(l->tap[e]);
	}
	free(l);
}
